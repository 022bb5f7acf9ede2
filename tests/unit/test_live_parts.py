"""What live trading is put together from, without programs: builder, dispatcher, rehearsal, targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("solders")

import phantom_core
from bundles import PAID, Client, on_net, pay, tipped
from landing_fakes import submission
from phantom_arbiter.config import Config
from phantom_arbiter.config_sources import load
from phantom_arbiter.domain import Outcome
from phantom_arbiter.errors import ConfigError, MarketDataError
from phantom_arbiter.execution.accounts import AccountBytes
from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.blockhash import BlockhashRefused
from phantom_arbiter.execution.chain import Blockhash
from phantom_arbiter.execution.cycle_builder import BuildRules, CycleBuilder
from phantom_arbiter.execution.dispatch import NetworkDispatcher, plain_answer
from phantom_arbiter.execution.nonces import Nonce, NoncePool
from phantom_arbiter.execution.plan_rehearsal import PlanRehearsal, Tried
from phantom_arbiter.execution.rehearsal import Rehearsal
from phantom_arbiter.execution.rehearsed import InstructionRun, Kind, Rehearsed
from phantom_arbiter.execution.token_accounts import Missing, TokenPlan
from phantom_arbiter.live_trading import targets
from phantom_arbiter.localnet import EngineFaults, LocalNet
from phantom_arbiter.swaps import AnyPlan, SwapPlan
from shell_fakes import WSOL, opportunity, plan

SIGNER = phantom_core.Signer.from_bytes(bytes([7]) * 32)
TIPS = phantom_core.TIP_ACCOUNTS
HASH = Blockhash("hash", 1_000, 900, "a")
NONCE = Nonce("nonce", SIGNER.address, "value", 1_447_680, 1_000)
PLAN = plan(opportunity(base_mint=WSOL))


class Parts:
    """A market, blockhashes and token accounts that say what they are told to say."""

    def __init__(self, **told: Any) -> None:
        self.error: Exception | None = told.get("error")
        self.blockhash: Blockhash | BlockhashRefused = told.get("blockhash", HASH)
        self.obstacle: str | None = told.get("obstacle")
        self.creates: tuple[Missing, ...] = told.get("creates", ())
        self.asked: dict[str, Any] = {}

    def build_transaction(self, signal: Any, signer: phantom_core.Signer, **options: Any) -> Any:
        self.asked = options
        if self.error is not None:
            raise self.error
        return SimpleNamespace(signature="sig", wire=b"wire")

    def take(self) -> Blockhash | BlockhashRefused:
        return self.blockhash

    def plan(self, mints: Sequence[str]) -> TokenPlan:
        return TokenPlan({mint: f"account of {mint[:4]}" for mint in mints}, self.creates, self.obstacle)


def builder(parts: Parts, **how: Any) -> CycleBuilder:
    rules = how.pop("rules", BuildRules(tip_accounts=TIPS))
    market = cast(phantom_core.Engine, parts)
    return CycleBuilder(market, SIGNER, rules, blockhashes=parts, accounts=parts, **how)


def refused(parts: Parts, found: AnyPlan = PLAN, **how: Any) -> str:
    """Return the reason of a plan that cannot be built."""
    outcome = builder(parts, **how).build(found)
    assert isinstance(outcome, Outcome)
    assert (outcome.cost, outcome.is_dead, outcome.fill) == (0, True, None)
    assert outcome.reason is not None
    return outcome.reason


def test_a_plan_is_built_with_everything_that_is_known_of_it() -> None:
    created = Missing(WSOL, "new account", "token program", 2_039_280)
    parts = Parts(creates=(created,))
    built = builder(parts).build(PLAN)
    assert isinstance(built, Submission)
    assert (built.blockhash, built.last_valid_block_height, built.nonce_account) == ("hash", 1_000, None)
    assert (built.wallet, built.tip_lamports) == (SIGNER.address, 10_000)
    assert built.base_account == f"account of {WSOL[:4]}"
    assert built.accounts_created == (("new account", 2_039_280),)
    assert parts.asked["create_accounts"] == [WSOL]
    # What the additional units cost, 30,000 at the price offered, has to come out of the last hop, too.
    opportunity = PLAN.opportunity
    dearer = 30_000 * opportunity.compute_unit_price_micro_lamports // 1_000_000
    least = PLAN.min_amount_out + -(-opportunity.cost * dearer // opportunity.fee_lamports)
    assert parts.asked["min_amount_out"] == least
    asked = PLAN.opportunity.compute_unit_limit + 30_000
    assert parts.asked["compute_unit_limit"] == built.compute_unit_limit == asked
    assert parts.asked["tip_account"] in TIPS


def test_the_front_guard_stands_in_the_tip_alone() -> None:
    parts, guard = Parts(), "jitodontfront1111111111111111111111111111111"
    for tips, named in ((True, guard), (False, None)):
        builder(parts, rules=BuildRules(tip_accounts=TIPS, tips=tips, dont_front=guard)).build(PLAN)
        assert parts.asked["dont_front"] == named


def test_to_nodes_alone_no_tip_is_paid() -> None:
    parts = Parts()
    built = builder(parts, rules=BuildRules(tip_accounts=TIPS, tips=False)).build(PLAN)
    assert isinstance(built, Submission)
    assert (built.tip_lamports, parts.asked["tip_lamports"], parts.asked["tip_account"]) == (0, 0, None)


def test_what_cannot_be_built_says_why() -> None:
    small = opportunity(base_mint=WSOL)
    object.__setattr__(small, "tip_lamports", 999)
    swap = cast(SwapPlan, SimpleNamespace())
    too_large = phantom_core.TransactionError("it takes 1,300 bytes")
    too_large.reason = "route_too_large"
    stale = BlockhashRefused("blockhash_too_old", 3, "old")
    assert refused(Parts(), swap) == "single_swaps_are_paper_only"
    assert refused(Parts(), plan(small)) == "tip_below_minimum:999<1000"
    assert refused(Parts(obstacle="token_account_missing")) == "token_account_missing"
    assert refused(Parts(blockhash=stale)) == "blockhash_too_old"
    assert refused(Parts(), nonces=NoncePool()) == "no_nonce_free"
    assert refused(Parts(error=too_large)) == "route_too_large:it takes 1,300 bytes"
    assert refused(Parts(error=MarketDataError("gone"))).endswith(":gone")
    assert refused(Parts(error=phantom_core.InvalidInput("no tip"))) == "invalid_input:no tip"


def test_obstacles_are_known_before_anything_is_built() -> None:
    parts, pool = Parts(), NoncePool()
    assert builder(parts).obstacle() is None
    assert builder(parts, gate=lambda: "not_ready").obstacle() == "not_ready"
    assert builder(parts, nonces=pool).obstacle() == "no_nonce_free"
    pool.learned([NONCE])
    assert builder(parts, nonces=pool).obstacle() is None
    parts.blockhash = BlockhashRefused("no_blockhash", None, "none yet")
    assert builder(parts).obstacle() == "no_blockhash"


def test_a_nonce_is_lent_once_and_comes_back_if_nothing_was_sent() -> None:
    parts, pool = Parts(), NoncePool()
    pool.learned([NONCE])
    making = builder(parts, nonces=pool)
    built = making.build(PLAN)
    assert isinstance(built, Submission)
    assert (built.blockhash, built.nonce_account, built.last_valid_block_height) == ("value", "nonce", None)
    assert making.obstacle() == "no_nonce_free"
    making.discard(built)
    assert making.obstacle() is None
    for error in (MarketDataError("gone"), phantom_core.InvalidInput("no tip")):
        parts.error = error
        making.build(PLAN)
        assert making.obstacle() is None


# ---- rehearsal


class Machine:
    """A rehearsal that ends as it is told to."""

    def __init__(self, rehearsed: Rehearsed) -> None:
        self.rehearsed = rehearsed

    def rehearse(self, wire: bytes, expected: Any) -> Rehearsed:
        assert [hop.amount_out for hop in expected.hops] == [hop.amount_out for hop in PLAN.hops]
        return self.rehearsed

    def rehearse_with_all_units(self, wire: bytes, expected: Any) -> Rehearsed:
        return Rehearsed(Kind.PASSED, "with all units", 1, agrees=True)


@pytest.mark.parametrize(
    ("rehearsed", "failure"),
    [
        (Rehearsed(Kind.PASSED, "sig", 1, agrees=True), None),
        (Rehearsed(Kind.PASSED, "sig", 1, agrees=False), "disagrees_with_the_quote"),
        (Rehearsed(Kind.NO_PROGRAM, "sig", 1, missing_programs=("p",)), "no_program:p"),
        (Rehearsed(Kind.NO_ACCOUNT, "sig", 1, missing_accounts=("x", "y")), "no_account:x"),
        (
            Rehearsed(
                Kind.FAILED,
                "sig",
                1,
                error={"InstructionError": [0, {"Custom": 6036}]},
                instructions=(InstructionRun("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc", 1),),
            ),
            "amount_out_below_minimum",
        ),
    ],
    ids=["passed", "disagrees", "no_program", "no_account", "failed"],
)
def test_a_rehearsal_ends_in_one_word(rehearsed: Rehearsed, failure: str | None) -> None:
    asked: list[str] = []
    learned: list[Rehearsed] = []
    rehearsing = PlanRehearsal(
        cast(Rehearsal, Machine(rehearsed)),
        lambda pool: SimpleNamespace(venue="orca_whirlpool", program="p"),
        lambda mint: f"account of {mint[:4]}",
        missing=asked.extend,
        learn=learned.append,
    )
    assert rehearsing.rehearse(submission(), PLAN) == Tried(failure)
    assert asked == list(rehearsed.missing_accounts)
    assert len(learned) == (rehearsed.kind in (Kind.PASSED, Kind.FAILED))


def rehearsing_of(
    rehearsed: Rehearsed, learn: Callable[[Rehearsed], None] = lambda found: None
) -> PlanRehearsal:
    return PlanRehearsal(
        cast(Rehearsal, Machine(rehearsed)),
        lambda pool: SimpleNamespace(venue="orca_whirlpool", program="p"),
        lambda mint: f"account of {mint[:4]}",
        missing=lambda addresses: None,
        learn=learn,
    )


@pytest.mark.parametrize(("extra", "failure"), [(0, None), (1, "unplanned_lamports:1")])
@pytest.mark.parametrize(("held", "rent"), [(None, 2_039_280), (2_039_280, 0)], ids=["new", "there"])
def test_lamports_that_nobody_planned_stop_an_attempt(
    extra: int, failure: str | None, held: int | None, rent: int
) -> None:
    created = None if held is None else AccountBytes("token program", held, b"")
    planned = 5_000 + 2 + 10_000 + rent  # fee, 100,000 units at 0.015 lamports a thousand, tip
    rehearsed = Rehearsed(
        Kind.PASSED,
        "sig",
        1,
        agrees=True,
        lamports_before=10**9,
        lamports_after=10**9 - planned - extra,
        accounts={"new account": created},
    )
    signed = replace(
        submission(),
        base_account="account of So11",
        compute_unit_price_micro_lamports=15,
        accounts_created=(("new account", 2_039_280),),
    )
    assert rehearsing_of(rehearsed).rehearse(signed, PLAN) == Tried(failure)


def test_too_few_units_are_learned_from_with_all_units() -> None:
    learned: list[str] = []
    error = {"InstructionError": [0, "ComputationalBudgetExceeded"]}
    failed = Rehearsed(Kind.FAILED, "sig", 1, error=error, instructions=(InstructionRun("p", 1),))
    tried = rehearsing_of(failed, lambda found: learned.append(found.signature))
    assert tried.rehearse(submission(), PLAN).failure is not None
    assert learned == ["sig", "with all units"]


# ---- dispatch


def dispatched(net: LocalNet, client: Client) -> tuple[NetworkDispatcher, list[tuple[str, DispatchAnswer]]]:
    told: list[tuple[str, DispatchAnswer]] = []
    submitter = phantom_core.NetworkSubmitter(
        [phantom_core.Target(each.name, each.url, requests_per_second=math.inf) for each in net.regions]
    )
    return (
        NetworkDispatcher(
            submitter,
            [lambda signature, answer: told.append((signature, answer))],
            deadline_ms=5_000,
            notice=pytest.fail,
        ),
        told,
    )


def test_every_region_answers_and_one_bundle_lands() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        dispatcher, told = dispatched(net, client)
        await net.hold_auctions()
        transaction = tipped(net, pay(PAID))
        dispatcher.send(sent(bytes(transaction)))
        await dispatcher.finish()
        assert {signature for signature, _ in told} == {"sig"}
        assert {(each.target, each.kind) for _, each in told} == {
            (region.name, "accepted") for region in net.regions
        }
        assert len({each.bundle_id for _, each in told}) == 1
        await net.release_auctions()
        assert list(net.machine.landed) == [str(transaction.signatures[0])]

    on_net(test, regions=2)


@pytest.mark.parametrize(
    ("faults", "kinds"),
    [
        (EngineFaults(outage=1.0), {"rejected"}),
        (EngineFaults(congested=1.0), {"rate_limited"}),
        (EngineFaults(garbage=1.0), {"bad_answer"}),
    ],
    ids=["down", "429", "garbage"],
)
def test_what_a_region_says_is_a_plain_answer(faults: EngineFaults, kinds: set[str]) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        dispatcher, told = dispatched(net, client)
        dispatcher.send(sent(bytes(tipped(net, pay(PAID)))))
        await dispatcher.finish()
        assert {each.kind for _, each in told} == kinds

    on_net(test, regions=1, engine_faults=(faults,))


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("bundles must write lock at least one tip account", "tip_below_minimum"),
        ("Tips must be at least 1000 lamports", "tip_below_minimum"),
        ("transaction must not appear in multiple bundles", "rejected"),
        ("the tip of the chain has moved", "rejected"),
    ],
)
def test_a_refusal_is_about_the_tip_only_where_it_names_it(message: str, kind: str) -> None:
    answer = SimpleNamespace(
        target="ny",
        kind="rejected",
        message=message,
        latency_ns=1_000,
        is_sent=True,
        code=-32_602,
        http_status=400,
        bundle_id=None,
    )
    assert plain_answer(cast(phantom_core.Answer, answer)).kind == kind


def sent(wire: bytes) -> Submission:
    made = submission()
    object.__setattr__(made, "wire", wire)
    return made


# ---- targets


def settings(folder: Path, text: str) -> Config:
    path = folder / "phantom.toml"
    path.write_text(text)
    return load({}, path).config


NODES = """
[[endpoints]]
name = "a"
http_url = "http://127.0.0.1:1/"
requests_per_second = 50
[[endpoints]]
name = "ws"
ws_url = "ws://127.0.0.1:2/"
"""
ENGINES = """
[[block_engines]]
name = "ny"
url = "https://ny.example/"
[[block_engines]]
name = "fra"
url = "https://fra.example/"
kind = "jito_transaction"
"""


@pytest.mark.parametrize(
    ("landing", "names"),
    [("bundle", ["ny", "fra"]), ("rpc", ["rpc/a"]), ("both", ["ny", "fra", "rpc/a"])],
)
def test_targets_are_those_of_the_landing(tmp_path: Path, landing: str, names: list[str]) -> None:
    config = settings(tmp_path, f'[execution]\nlanding = "{landing}"\n{NODES}{ENGINES}')
    assert [each.name for each in targets(config)] == names


def test_targets_may_take_as_long_as_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timeouts: list[float] = []

    class Target:
        def __init__(self, *args: object, timeout_ms: float, **options: object) -> None:
            timeouts.append(timeout_ms)

    monkeypatch.setattr(phantom_core, "Target", Target)
    targets(settings(tmp_path, f'[execution]\nlanding = "both"\ndeadline_ms = 9_000\n{NODES}{ENGINES}'))
    assert timeouts == [9_000] * 3


def test_a_node_without_tls_that_the_settings_allow_is_a_target(tmp_path: Path) -> None:
    nodes = NODES.replace("127.0.0.1:1", "10.0.0.7:8899")
    (found,) = targets(settings(tmp_path, f'[execution]\nlanding = "rpc"\n{nodes}'))
    assert found.name == "rpc/a"


@pytest.mark.parametrize(("landing", "text"), [("bundle", NODES), ("rpc", ENGINES)])
def test_nobody_to_send_to_is_an_error(tmp_path: Path, landing: str, text: str) -> None:
    with pytest.raises(ConfigError, match="nobody to send to"):
        targets(settings(tmp_path, f'[execution]\nlanding = "{landing}"\n{text}'))
