"""`phantom run --source live --live`, from the settings file to the balance on the chain."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("solders")

import live_stage
import phantom_core
import svm_market
from live_stage import Stage
from phantom_arbiter.cli import main
from phantom_arbiter.execution.accounts import TOKEN_PROGRAM
from phantom_arbiter.execution.blockhash import BlockhashCache
from phantom_arbiter.journal import AttemptRow, read_dispatches
from phantom_arbiter.localnet.block_engine.faults import EngineFaults
from phantom_arbiter.localnet.faults.plan import FaultPlan
from svm_market import TOKEN, WSOL, wallet_account

pytestmark = pytest.mark.skipif(
    not set(live_stage.PAIR) <= set(svm_market.FILES),
    reason=f"needs PHANTOM_PROGRAMS_DIR naming a folder with the programs {', '.join(live_stage.PAIR)}",
)
FEE = 5_000 + 400_000 * 50_000 // 10**6
CREATING_FEE = 5_000 + 430_000 * 50_000 // 10**6
TIP = 10_000
RENT = 2_039_280
EQUAL = -26 * 10**11
"""Base units of the token without which the first pool's price is that of the second."""


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Stage]:
    with live_stage.stage(tmp_path) as stage:
        yield stage


def filled(live: Stage, balance: int, *, tip: int = TIP, fee: int = FEE) -> AttemptRow:
    """Return the only row, after it was compared with the chain to the unit."""
    (row,) = live.attempts()
    assert (row.state, row.reason) == ("filled", None)
    assert row.live is not None
    gain = live.balance() - balance
    assert gain > 0
    assert row.live.base_change == gain == row.net_profit + row.cost, "the quote is the gain"
    assert (row.live.fee_paid_lamports, row.live.tip_paid_lamports) == (fee, tip)
    assert row.charged_cost == fee + tip
    assert row.realised_net_profit == gain - fee - tip
    assert row.live.signature in live.net.machine.landed
    assert live.balance(TOKEN) == 0
    return row


def lost_nothing(live: Stage, balance: int, lamports: int) -> AttemptRow:
    """Return the only row, a failure that cost nothing."""
    (row,) = live.attempts()
    assert (row.state, row.charged_cost, row.realised_net_profit) == ("failed", 0, 0)
    assert (live.balance(), live.lamports()) == (balance, lamports)
    return row


@pytest.mark.parametrize("quorum", [1, 2])
def test_a_cycle_is_found_built_rehearsed_sent_and_lands(
    live: Stage, quorum: int, capsys: pytest.CaptureFixture[str]
) -> None:
    live.settings["trust"] = {"quorum": quorum}
    before, lamports = live.balance(), live.lamports()

    assert live.run(live.only) == 0

    row = filled(live, before)
    assert live.lamports() == lamports - FEE - TIP
    assert row.live is not None
    answers = {each.target: each.kind for each in read_dispatches(live.journal, row.id)}
    assert set(answers) == {"amsterdam", "dublin"}
    assert "accepted" in answers.values()
    capsys.readouterr()
    assert main(["journal", str(live.journal), "--attempt", "1"]) == 0
    shown = capsys.readouterr().out
    for word in ("attempt 1, filled", row.live.signature[:40], "amsterdam", f"{TIP:,} lamports", "landed"):
        assert word in shown


def test_a_dry_run_does_everything_but_send(live: Stage) -> None:
    before, lamports = live.balance(), live.lamports()
    assert live.run(live.attempt, "--dry-run") == 0
    assert lost_nothing(live, before, lamports).reason == "dry_run"
    assert live.bundles() == live.net.bank.transactions == 0


def test_a_transaction_to_nodes_lands_without_a_tip(live: Stage) -> None:
    live.settings["execution"]["landing"] = "rpc"
    before = live.balance()
    assert live.run(live.only) == 0
    row = filled(live, before, tip=0)
    assert {each.target for each in read_dispatches(live.journal, row.id)} == {"rpc/local-0", "rpc/local-1"}
    assert live.bundles() == 0


def test_the_same_bytes_to_nodes_and_block_engines_land_once(
    live: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live.command("nonce", "create", "--count", "1", "--yes", "--json") == 0
    live.settings["execution"]["nonce_accounts"] = json.loads(capsys.readouterr().out)["created"]
    live.settings["execution"]["landing"] = "both"
    before, landed = live.balance(), live.net.bank.transactions
    assert live.run(live.only) == 0
    row = filled(live, before)
    names = {"rpc/local-0", "rpc/local-1", "amsterdam", "dublin"}
    assert {each.target for each in read_dispatches(live.journal, row.id)} == names
    assert live.net.bank.transactions == landed + 1


def test_a_transaction_that_fails_on_the_chain_costs_its_fee_and_nothing_else(live: Stage) -> None:
    live.settings["execution"]["landing"] = "rpc"
    before, lamports = live.balance(), live.lamports()

    async def script() -> None:
        await live.ready()
        for node in range(live_stage.NODES):
            await live.net.set_faults(node, FaultPlan(send_slots=3))
        await live.attempt()
        live.move_price(EQUAL)
        await live.decided()

    assert live.run(script) == 0
    (row,) = live.attempts()
    assert (row.state, row.charged_cost, row.realised_net_profit) == ("failed", FEE, -FEE)
    assert row.reason is not None
    assert row.reason.startswith("landed_failed:")
    assert "custom" not in row.reason
    assert (live.balance(), live.lamports()) == (before, lamports - FEE)


def test_adaptive_fees_are_paid_as_offered(live: Stage) -> None:
    live.settings["fees"] = {"mode": "adaptive", "refresh_s": 0.1}
    before, lamports = live.balance(), live.lamports()
    assert live.run(live.only) == 0
    (row,) = live.attempts()
    assert (row.state, row.live is not None) == ("filled", True)
    assert row.live is not None
    assert row.live.tip_paid_lamports == row.live.tip_offered_lamports >= 1_000
    price, limit = row.live.compute_unit_price_micro_lamports, row.live.compute_unit_limit
    assert row.live.fee_paid_lamports == 5_000 - (-price * limit // 10**6)
    assert live.balance() - before == row.net_profit + row.cost
    assert lamports - live.lamports() == row.charged_cost == row.cost


def test_durable_nonces_stand_in_for_blockhashes(live: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert live.command("nonce", "create", "--count", "2", "--yes", "--json") == 0
    nonces = json.loads(capsys.readouterr().out)["created"]
    live.settings["execution"]["nonce_accounts"] = nonces
    before = live.balance()
    assert live.run(live.only) == 0
    row = filled(live, before)
    assert row.live is not None
    assert row.live.nonce_account in nonces
    assert row.live.last_valid_block_height is None


def test_an_attempt_with_a_nonce_never_expires_until_the_nonce_is_advanced(
    live: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live.command("nonce", "create", "--count", "1", "--yes", "--json") == 0
    nonces = json.loads(capsys.readouterr().out)["created"]
    live.settings["execution"]["nonce_accounts"] = nonces
    before = live.balance()

    async def leave() -> None:
        await live.ready()
        for region in range(live_stage.REGIONS):
            await live.net.set_engine_faults(region, EngineFaults(drop=1.0))
        await live.attempt()
        async with asyncio.timeout(live_stage.GIVE_UP_S):
            while live.bundles() <= live_stage.REGIONS:
                # A round at the endpoints between two steps: it is sent again for 150 blocks only.
                await live.net.advance(8)
                await asyncio.sleep(0.5)
        await live.net.advance(400)

    assert live.run(leave) == 0
    assert [row.state for row in live.attempts()] == ["intent"]
    assert live.command("nonce", "advance", *nonces, "--yes") == 0

    async def settle() -> None:
        await live.decided(slots=8)
        await live.ready()

    assert live.run(settle) == 0
    assert lost_nothing(live, before, live.lamports()).reason == "nonce_advanced"
    assert any(f"phantom nonce advance {nonces[0]}" in each for each in live.notices)


def test_nothing_is_sent_again_once_the_kill_switch_is_on(live: Stage, tmp_path: Path) -> None:
    halt = tmp_path / "halt"
    live.settings["risk"]["kill_switch_file"] = str(halt)

    async def script() -> None:
        await live.ready()
        for region in range(live_stage.REGIONS):
            await live.net.set_engine_faults(region, EngineFaults(drop=1.0))
        await live.attempt()
        halt.touch()
        await asyncio.sleep(0.5)
        sent = live.bundles()
        for _ in range(6):
            await live.net.advance(8)
            await asyncio.sleep(0.5)
        assert live.bundles() == sent

    assert live.run(script) == 0


def test_a_dry_run_gives_its_nonce_back(live: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert live.command("nonce", "create", "--count", "1", "--yes", "--json") == 0
    live.settings["execution"]["nonce_accounts"] = json.loads(capsys.readouterr().out)["created"]
    live.settings["risk"]["route_cooldown_slots"] = 0

    async def script() -> None:
        await live.attempt()
        await live.net.advance()
        live.move_price(1_000)
        await live.until(lambda: len(live.attempts()) == 2)

    assert live.run(script, "--dry-run") == 0
    assert [row.reason for row in live.attempts()] == ["dry_run", "dry_run"]


def test_lookup_tables_of_phantom_alt_are_used(live: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert live.command("alt", "create", "--yes", "--json") == 0
    tables = json.loads(capsys.readouterr().out)["lookup_tables"]
    live.settings["execution"]["lookup_tables"] = tables
    before = live.balance()
    assert live.run(live.only) == 0
    row = filled(live, before)
    assert row.live is not None
    message: Any = live.net.machine.landed[row.live.signature].transaction.message
    assert [str(each.account_key) for each in message.address_table_lookups] == tables


def test_a_price_moved_by_somebody_else_loses_nothing(live: Stage) -> None:
    before, lamports = live.balance(), live.lamports()

    async def script() -> None:
        await live.net.hold_auctions()
        await live.attempt()
        await live.until(lambda: live.bundles() == 2)
        live.move_price(EQUAL)
        await live.net.release_auctions()
        await live.decided(slots=8)

    assert live.run(script) == 0
    assert lost_nothing(live, before, lamports).reason == "expired"


@pytest.mark.parametrize(
    ("faults", "answer"),
    [
        (EngineFaults(answer_lost=1.0), None),
        (EngineFaults(garbage=1.0), "bad_answer"),
    ],
    ids=["lost", "garbage"],
)
def test_an_answer_lost_after_landing_changes_nothing(
    live: Stage, faults: EngineFaults, answer: str | None
) -> None:
    before = live.balance()

    async def script() -> None:
        await live.ready()
        for region in range(live_stage.REGIONS):
            await live.net.set_engine_faults(region, faults)
        await live.only()

    assert live.run(script) == 0
    row = filled(live, before)
    answers = [each.kind for each in read_dispatches(live.journal, row.id)]
    assert answers
    assert "accepted" not in answers
    assert answer is None or answer in answers


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        (EngineFaults(outage=1.0), "not_accepted:rejected"),
        (EngineFaults(congested=1.0), "not_accepted:rate_limited"),
        (EngineFaults(land_slots=400), "expired"),
        (EngineFaults(drop=1.0), "expired"),
        (EngineFaults(reject_auction=1.0), "expired"),
    ],
    ids=["down", "429", "held_past_its_life", "dropped", "outbid"],
)
def test_what_no_region_lands_is_dead_and_cost_nothing(
    live: Stage, faults: EngineFaults, reason: str
) -> None:
    before, lamports = live.balance(), live.lamports()

    async def script() -> None:
        await live.ready()
        for region in range(live_stage.REGIONS):
            await live.net.set_engine_faults(region, faults)
        await live.attempt()
        await live.decided(slots=8)
        await live.net.advance(300)

    assert live.run(script) == 0
    assert lost_nothing(live, before, lamports).reason == reason


@pytest.mark.parametrize(
    "faults", [EngineFaults(outage=1.0), EngineFaults(congested=1.0)], ids=["down", "429"]
)
def test_one_region_is_enough(live: Stage, faults: EngineFaults) -> None:
    before = live.balance()

    async def script() -> None:
        await live.net.set_engine_faults(0, faults)
        await live.only()

    assert live.run(script) == 0
    filled(live, before)


def test_a_node_that_lags_is_lived_with(live: Stage) -> None:
    before = live.balance()

    async def script() -> None:
        await live.ready()
        await live.net.set_faults(1, FaultPlan(lag_slots=12))
        await live.only()

    assert live.run(script) == 0
    filled(live, before)


def test_a_tip_below_the_minimum_is_not_sent(live: Stage) -> None:
    live.settings["costs"] = {"tip_lamports": 999}
    before, lamports = live.balance(), live.lamports()
    assert live.run(live.attempt) == 0
    assert lost_nothing(live, before, lamports).reason == "tip_below_minimum:999<1000"
    assert live.bundles() == 0


def test_a_missing_token_account_is_created_and_its_rent_journaled(live: Stage) -> None:
    live.does(live.net.close_account(wallet_account(TOKEN)))
    before, lamports = live.balance(), live.lamports()
    assert live.run(live.only) == 0
    row = filled(live, before, fee=CREATING_FEE)
    assert row.live is not None
    assert row.live.rent_paid_lamports == RENT
    assert row.live.wallet_change_lamports == live.lamports() - lamports == -RENT - CREATING_FEE - TIP


def test_too_little_to_trade_with_is_found_by_the_rehearsal(live: Stage) -> None:
    live.does(live.set_balance(1_000))
    before, lamports = live.balance(), live.lamports()
    assert live.run(live.attempt) == 0
    reason = lost_nothing(live, before, lamports).reason
    assert reason is not None
    assert reason.startswith("rehearsal:")
    assert "insufficient" in reason
    assert live.bundles() == 0


@pytest.mark.parametrize("read_all_s", [60.0, 0.0], ids=["the wallet", "everything"])
def test_a_wallet_emptied_by_somebody_else_is_noticed(
    live: Stage, read_all_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phantom_arbiter.live_trading.ACCOUNT_REFRESH_S", 0.05)
    monkeypatch.setattr("phantom_arbiter.live_trading.MARKET_REFRESH_S", read_all_s)
    lamports = live.lamports()

    async def script() -> None:
        await live.ready()
        await live.set_balance(1_000)
        await live.net.advance(40)
        asked = live.requests()
        await live.until(lambda: live.requests() > asked + 12)
        await live.attempt()

    assert live.run(script) == 0
    assert "insufficient" in str(lost_nothing(live, 1_000, lamports).reason)


def test_an_attempt_under_way_at_the_end_is_settled_by_the_next_run(live: Stage) -> None:
    before = live.balance()

    async def leave() -> None:
        await live.net.hold_auctions()
        await live.attempt()
        await live.until(lambda: live.bundles() == 2)

    assert live.run(leave) == 0
    assert [row.state for row in live.attempts()] == ["intent"]
    assert any("1 attempt is not decided yet" in each for each in live.notices)

    assert live.run(live.ready, "--leave-unresolved") == 0
    assert [row.state for row in live.attempts()] == ["intent"]

    live.does(live.net.release_auctions())

    async def settle() -> None:
        await live.decided()
        await live.ready()

    assert live.run(settle) == 0
    filled(live, before)
    assert any("all decided" in each for each in live.notices)


def test_a_follower_that_fails_ends_the_run_loudly(
    live: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(cache: BlockhashCache) -> None:
        raise RuntimeError("the follower broke")

    monkeypatch.setattr(BlockhashCache, "run", fail)
    assert live.command("run", "--source", "live", "--live", "--ui", "plain") == 1
    assert "the follower broke" in capsys.readouterr().err


def test_a_key_that_others_can_read_is_refused(live: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    live_stage.write_key(live.place / "wallet.json", 0o644)
    words = ["run", "--source", "live", "--live", "--config", str(live.config)]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "phantom doctor: key" in said
    assert not live.attempts()


def test_an_account_that_is_no_lookup_table_is_refused(
    live: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    live.settings["execution"]["lookup_tables"] = [next(iter(live.found.pools))]
    words = ["run", "--source", "live", "--live", "--config", str(live.config)]
    assert main(words) == 2
    assert "lookup_table" in capsys.readouterr().err


def test_what_the_readme_says_in_its_order_leads_to_a_trade(
    live: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    key = live.place / "keys" / "mine.json"
    assert main(["wallet", "new", str(key)]) == 0
    wallet = capsys.readouterr().out.strip()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    live.settings["wallet"]["key"] = str(key)
    live.settings["execution"]["programs_dir"] = str(live.place / "fetched")
    assert main(["doctor", "--config", str(live.config)]) == 1
    said = "".join(capsys.readouterr().out.split())
    assert f"sendSOLto{wallet}" in said
    assert "phantomprogramsfetch" in said

    live.does(live.net.fund(wallet, 3 * 10**9))
    assert live.command("wallet", "wrap", "2", "--yes") == 0
    words = [word for program in live.found.programs for word in ("--program", program)]
    assert live.command("programs", "fetch", *words) == 0
    capsys.readouterr()
    assert live.command("alt", "create", "--yes", "--json") == 0
    tables = json.loads(capsys.readouterr().out)["lookup_tables"]
    live.settings["execution"]["lookup_tables"] = tables
    assert live.command("doctor") == 0

    assert live.run(live.attempt, "--dry-run") == 0
    assert [row.reason for row in live.attempts()] == ["dry_run"]

    async def trade() -> None:
        await live.net.advance(200)
        await live.ready()
        await live.move_until(lambda: len(live.attempts()) == 2)
        await live.until(lambda: live.attempts()[1].state != "intent", slots=2)

    assert live.run(trade) == 0
    row = live.attempts()[1]
    assert (row.state, row.reason) == ("filled", None)
    account = live.account(str(phantom_core.associated_token_account(wallet, WSOL, TOKEN_PROGRAM)))
    assert account is not None
    gain = int.from_bytes(account.data[64:72], "little") - 2 * 10**9
    assert gain == row.net_profit + row.cost
    assert row.live is not None
    assert row.live.rent_paid_lamports == RENT, "the token's account is created on the way"


def test_doctor_passes_and_says_what_it_has_seen(live: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    live.settings["execution"]["programs_dir"] = str(live.place / "fetched")
    words = [word for program in live.found.programs for word in ("--program", program)]
    assert main(["programs", "fetch", *words, "--config", str(live.config)]) == 0
    capsys.readouterr()
    assert main(["doctor", "--config", str(live.config)]) == 0
    shown = capsys.readouterr().out
    assert main(["doctor", "--config", str(live.config), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["passes_for_live"]
    found = {each["name"]: each["state"] for each in report["checks"]}
    for name in ("key", "journal", "endpoint", "chain", "clock", "balance", "token_account", "programs"):
        assert found[name] == "ok", name
    assert "live trading may begin" in shown
    assert "meteora" not in shown, "only the programs of the pools that are named are needed"
