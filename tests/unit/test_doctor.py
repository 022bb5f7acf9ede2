"""The doctor: a healthy set-up passes, and each fault is found, named and cured."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from dispatch_server import DispatchServer, answering
from loop_thread import serving
from phantom_arbiter.cli import main
from phantom_arbiter.config import Config
from phantom_arbiter.config_sources import load
from phantom_arbiter.doctor import Check, DoctorReport
from phantom_arbiter.doctor.chain_checks import check_clock, check_endpoints
from phantom_arbiter.doctor.engine_checks import check_engines
from phantom_arbiter.doctor.examine import examine
from phantom_arbiter.doctor.local_checks import check_balance, check_journal, check_kill_switch, check_limits
from phantom_arbiter.doctor.program_checks import FolderPrograms
from phantom_arbiter.execution.chain import SYSTEM_PROGRAM, TOKEN_PROGRAM, ChainAccount
from phantom_arbiter.execution.programs import Checked, Entry, Finding, ProgramFolder
from phantom_arbiter.journal import Journal
from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_core import Target, associated_token_account
from shell_fakes import USDC, WSOL
from svm_chain import SEED, WALLET
from wallet_samples import RENT, key, key_file, mint_data, secrets_of, token_data

PAIR = Keypair.from_seed(SEED)
MAINNET = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"


@pytest.fixture
def net() -> Iterator[LocalNet]:
    """Serve a net with two endpoints, two regions, a funded wallet and its token accounts."""
    local = LocalNet(NetSettings(endpoints=2, regions=2, source="empty", slot_ms=None))
    local.bank.load(WALLET, AccountState("1" * 32, 10**9, b""))
    for mint in (USDC, WSOL):
        local.bank.load(mint, AccountState(TOKEN_PROGRAM, 10**9, mint_data()))
        address = str(associated_token_account(WALLET, mint, TOKEN_PROGRAM))
        local.bank.load(address, AccountState(TOKEN_PROGRAM, RENT, token_data(mint, 10**6)))
    with serving(local):
        yield local


def settings(net: LocalNet, place: Path, **more: dict[str, Any]) -> Config:
    key_file(place / "id.json", json.dumps(list(bytes(PAIR))))
    given: dict[str, Any] = {
        "wallet": {"key": str(place / "id.json")},
        "endpoints": [{"name": f"e{n}", "http_url": each.http_url} for n, each in enumerate(net.endpoints)],
        "block_engines": [{"name": f"r{n}", "url": each.url} for n, each in enumerate(net.regions)],
        "journal": {"path": place / "j.sqlite"},
        "engine": {"base_mints": {USDC: 10_000_000, WSOL: 50_000_000}},
        "risk": {
            "kill_switch_file": place / "halt",
            "mints": {
                mint: {
                    "max_amount_in": 50_000_000,
                    "max_amount_in_per_day": 10**9,
                    "max_exposure": 50_000_000,
                    "max_loss_per_day": 10**6,
                    "max_drawdown": 10**6,
                }
                for mint in (USDC, WSOL)
            },
        },
    }
    for section, values in more.items():
        given[section] = {**given.get(section, {}), **values}
    return load(given).config


async def programs_are_there(rpc: object) -> Sequence[Check]:
    return [Check("programs", "", "ok", "they are there")]


def report(config: Config) -> DoctorReport:
    return asyncio.run(examine(config, programs=programs_are_there))


def found(report: DoctorReport, name: str) -> list[tuple[str, str]]:
    return [(check.state, check.detail) for check in report.checks if check.name == name]


def test_a_healthy_setup_passes(net: LocalNet, tmp_path: Path) -> None:
    told: list[Check] = []
    config = settings(net, tmp_path)
    whole = asyncio.run(examine(config, programs=programs_are_there, on_check=told.append))
    assert whole.failed == ()
    assert whole.passes_for_live
    assert tuple(told) == whole.checks
    assert [check.name for check in whole.of("warn")] == ["lookup_table"]
    names = {check.name for check in whole.checks}
    assert names >= {"key", "limits", "kill_switch", "journal", "landing", "endpoint", "chain", "clock"}
    assert names >= {"balance", "token_account", "programs", "block_engine"}
    assert found(whole, "chain") == [("ok", "a local net")]
    assert net.bank.transactions == 0, "nothing is sent"


def test_nothing_looked_at_is_no_pass() -> None:
    assert not DoctorReport(()).passes_for_live


@pytest.mark.parametrize(
    ("more", "name", "state", "said"),
    [
        ({"wallet": {"key": "gone.json"}}, "key", "fail", "gone.json cannot be read"),
        ({"wallet": {"min_lamports": 2 * 10**9}}, "balance", "fail", "wallet.min_lamports is 2,000,000,000"),
        ({"risk": {"halted": True}}, "kill_switch", "fail", "the settings halt trading"),
        ({"execution": {"lookup_tables": [key(9)]}}, "lookup_table", "fail", "does not exist"),
        ({"execution": {"nonce_accounts": [key(9)]}}, "nonce", "fail", "does not exist"),
        ({"execution": {"rehearse": "never"}}, "rehearse", "warn", "sent untried"),
        ({"execution": {"dry_run": True}}, "dry_run", "warn", "everything is done but sending"),
        ({"execution": {"landing": "rpc"}}, "landing", "warn", "pays its fees"),
        ({"wallet": {"token_accounts": {USDC: key(9)}}}, "token_account", "fail", "is no account of"),
        ({"trust": {"quorum": 3}}, "endpoints", "fail", "2 of 2 endpoints are well"),
    ],
)
def test_each_fault_is_found(
    net: LocalNet, tmp_path: Path, more: dict[str, dict[str, Any]], name: str, state: str, said: str
) -> None:
    whole = report(settings(net, tmp_path, **more))
    (check,) = [check for check in whole.checks if check.name == name and check.state == state]
    assert said in check.detail
    assert check.cure
    assert whole.passes_for_live is (state == "warn")


def test_limits_of_a_live_run_are_asked_for(net: LocalNet, tmp_path: Path) -> None:
    config = settings(net, tmp_path)
    loose = load({"wallet": {"key": str(tmp_path / "id.json")}}).config
    whole = check_limits(loose.engine.base_mints, loose.risk.mints, {USDC: 10**7}, has_profile=False)
    assert [check.state for check in whole] == ["fail", "ok"]
    missing = check_limits({key(9): 5}, config.risk.mints, {}, has_profile=True)
    assert [check.state for check in missing] == ["fail"]


def test_kill_switch_and_open_key_file_fail(net: LocalNet, tmp_path: Path) -> None:
    config = settings(net, tmp_path)
    (tmp_path / "halt").touch()
    (tmp_path / "id.json").chmod(0o644)
    whole = report(config)
    assert {check.name for check in whole.failed} == {"key", "kill_switch"}
    (opened,) = [check for check in whole.failed if check.name == "key"]
    assert "mode 0644" in opened.detail
    assert opened.cure == f"chmod 600 {tmp_path / 'id.json'}"
    assert found(whole, "balance") == [], "nobody's balance can be asked for"


def test_missing_mints_and_accounts_are_told_apart(net: LocalNet, tmp_path: Path) -> None:
    config = settings(net, tmp_path)
    empty = str(associated_token_account(WALLET, USDC, TOKEN_PROGRAM))
    gone = str(associated_token_account(WALLET, WSOL, TOKEN_PROGRAM))

    async def change() -> None:
        net.bank.write(empty, AccountState(TOKEN_PROGRAM, RENT, token_data(USDC, 0)))
        net.bank.write(gone, None)
        await net.advance(3)

    asyncio.run(change())
    whole = report(config)
    states = [state for state, _ in found(whole, "token_account")]
    assert states == ["warn", "fail"]
    assert [check.cure for check in whole.failed] == [f"phantom wallet open {WSOL}, and fund it"]


def test_a_journal_in_use_fails_and_open_attempts_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path):
        (check,) = check_journal(path, "main", Journal)
        assert (check.state, check.cure) == (
            "fail",
            "wait for it to finish, or choose another file with --journal",
        )
    (check,) = check_journal(path, "main", Journal)
    assert check.state == "ok"

    class Open:
        def __init__(self, path: Path) -> None:
            self.is_closed = False

        def unresolved(self, account: str) -> Sequence[object]:
            return [1, 2]

        def close(self) -> None:
            self.is_closed = True

    (check,) = check_journal(path, "main", Open)
    assert check.state == "warn"
    assert "2 attempts of account main" in check.detail


def test_a_wallet_that_cannot_pay_fees_is_refused() -> None:
    program = ChainAccount(WALLET, TOKEN_PROGRAM, 10**9, b"", 1)
    data = ChainAccount(WALLET, SYSTEM_PROGRAM, 10**9, bytes(80), 1)
    for account in (program, data):
        assert "cannot pay fees" in check_balance(account, WALLET, 1).detail
    assert check_balance(None, WALLET, 1).state == "fail"


def test_an_engine_that_no_run_could_take_fails_the_landing(net: LocalNet, tmp_path: Path) -> None:
    engines = [{"name": "odd", "url": "https://-.example.org/hunter2"}]
    config = settings(net, tmp_path).model_copy(
        update={"block_engines": load({"block_engines": engines}).config.block_engines}
    )
    (check,) = [check for check in report(config).failed if check.name == "landing"]
    assert "no name that a certificate can be for" in check.detail
    assert "hunter2" not in str(check)


def test_an_engine_named_with_its_path_is_well(net: LocalNet, tmp_path: Path) -> None:
    engines = [{"name": f"r{n}", "url": f"{each.url}/api/v1"} for n, each in enumerate(net.regions)]
    config = settings(net, tmp_path).model_copy(
        update={"block_engines": load({"block_engines": engines}).config.block_engines}
    )
    assert [state for state, _ in found(report(config), "block_engine")] == ["ok", "ok"]


def test_a_kill_switch_that_cannot_be_seen_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    (check,) = check_kill_switch(Path("halt"), halted=False)
    assert (check.state, check.detail) == (
        "fail",
        "whether trading is halted cannot be seen: Permission denied",
    )


# ---- programs


def judged(tmp_path: Path, *found: Checked) -> list[tuple[str, str]]:
    names = {key(number): f"venue_{number}" for number in range(5)}
    checks = FolderPrograms(ProgramFolder(tmp_path), names, {}).judged(found)
    return [(check.state, check.subject if check.name == "program" else check.detail) for check in checks]


def test_programs_are_summed_up_and_faults_named(tmp_path: Path) -> None:
    entry = Entry(key(3), "ab", 1, "loader", 7, "now", "a")
    assert judged(tmp_path, Checked(key(1), Finding.NO_FILE)) == [
        ("fail", "none of the programs is there: nothing could be rehearsed, so nothing sent")
    ]
    assert judged(
        tmp_path,
        Checked(key(0), Finding.SAME),
        Checked(key(1), Finding.NO_FILE),
        Checked(key(2), Finding.MOVED),
        Checked(key(3), Finding.SAME, entry, 7, 6),
        Checked(key(4), Finding.NOT_LISTED),
    ) == [
        ("ok", "as the chain runs them: venue_0"),
        ("warn", "venue_1"),
        ("fail", "venue_2"),
        ("fail", "venue_3"),
        ("warn", "venue_4"),
    ]


def test_a_folder_is_compared_with_the_chain(net: LocalNet, tmp_path: Path) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / f"{key(5)}.so").write_bytes(b"?")
    programs = FolderPrograms(ProgramFolder(tmp_path / "programs"), {key(5): "venue"}, {})
    whole = asyncio.run(examine(settings(net, tmp_path), programs=programs))
    (check,) = [check for check in whole.checks if check.name == "program"]
    assert (check.state, check.subject, check.cure) == ("warn", "venue", "phantom programs fetch")
    (tmp_path / "programs" / "manifest.json").write_text("{")
    whole = asyncio.run(examine(settings(net, tmp_path), programs=programs))
    assert [check.name for check in whole.failed] == ["programs"]


# ---- endpoints


class Nodes:
    """Endpoints with scripted answers."""

    def __init__(self, genesis: dict[str, str], slots: dict[str, int], unix: int = 0) -> None:
        self.genesis, self.slots, self.unix = genesis, slots, unix

    async def call(
        self,
        method: str,
        params: Sequence[Any] = (),
        *,
        wanted_slot: int | None = None,
        check: Callable[[Any], None] = lambda result: None,
        endpoint: str | None = None,
        hedge: bool = True,
        timeout_s: float | None = None,
    ) -> Any:
        import base64

        name = endpoint or ""
        data = base64.b64encode(bytes(32) + self.unix.to_bytes(8, "little")).decode()
        account = {"owner": "1" * 32, "lamports": 1, "data": [data, "base64"]}
        result = {
            "getHealth": "ok",
            "getGenesisHash": self.genesis.get(name),
            "getSlot": self.slots.get(name),
            "getMultipleAccounts": {"context": {"slot": 5}, "value": [account]},
        }[method]
        check(result)
        return type("Said", (), {"endpoint": name, "result": result, "slot": 5})()


def endpoints(*names: str) -> list[Endpoint]:
    return [Endpoint(name=name, http_url=SecretUrl("https://rpc.example.org")) for name in names]


def asked(nodes: Nodes, *names: str, quorum: int = 1) -> tuple[list[Check], str | None]:
    return asyncio.run(check_endpoints(nodes, endpoints(*names), quorum, lambda each: False, lambda: 0.0))


def test_a_lagging_endpoint_and_missing_limits_are_to_look_at() -> None:
    nodes = Nodes({"a": MAINNET, "b": MAINNET}, {"a": 1_000, "b": 900})
    checks, chain = asked(nodes, "a", "b", quorum=2)
    assert chain == "mainnet"
    states = [(check.name, check.subject, check.state) for check in checks]
    assert states == [
        ("endpoint", "a", "ok"),
        ("rate_limit", "a", "warn"),
        ("endpoint", "b", "warn"),
        ("rate_limit", "b", "warn"),
        ("endpoints", "", "fail"),
        ("chain", "", "ok"),
    ]


@pytest.mark.parametrize(
    ("other", "said"), [("EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxkPkZBG", "devnet"), (key(5), "the chain")]
)
def test_other_chains_are_refused(other: str, said: str) -> None:
    checks, chain = asked(Nodes({"a": MAINNET, "b": other}, {"a": 1, "b": 1}), "a", "b")
    assert chain is None
    assert "different chains" in checks[-1].detail
    checks, chain = asked(Nodes({"b": other}, {"b": 1}), "b")
    assert chain is not None
    assert chain.startswith(said)
    assert checks[-1].state == "fail"


@pytest.mark.parametrize(
    ("skew", "chain", "state"),
    [(3, "mainnet", "ok"), (-60, "mainnet", "warn"), (500, "mainnet", "fail"), (10**8, "a local net", "ok")],
)
def test_the_clock_is_compared_with_the_chains(skew: int, chain: str, state: str) -> None:
    nodes = Nodes({}, {}, unix=1_700_000_000)
    (check,) = asyncio.run(check_clock(nodes, chain, lambda: 1_700_000_000.0 + skew))
    assert check.state == state
    assert ("ahead of" if skew > 0 else "behind") in check.detail


# ---- block engines


@pytest.mark.parametrize(
    ("result", "state", "said"),
    [
        ([key(5)], "fail", "1 of its 1 tip accounts are not known"),
        ([], "warn", "not what was asked for"),
        (["x"], "warn", "not what was asked for"),
        ({}, "warn", "not what was asked for"),
    ],
)
def test_strange_tip_accounts_are_refused(result: object, state: str, said: str) -> None:
    with DispatchServer(answering(result)) as server:
        engine = Target("ny", f"{server.url}/api/v1", auth="hunter2-uuid")
        check, none = asyncio.run(check_engines([engine]))
        assert server.requests[0].path == "/api/v1/getTipAccounts"
        assert server.requests[0].headers["x-jito-auth"] == "hunter2-uuid"
    assert (check.state, none.state) == (state, "fail")
    assert said in check.detail
    assert "hunter2" not in str([check, none])


def test_one_region_down_is_to_look_at_and_all_down_is_a_failure(net: LocalNet, tmp_path: Path) -> None:
    config = settings(net, tmp_path)
    down = {"name": "down", "url": "http://127.0.0.1:9"}
    engines = [{"name": "r0", "url": net.regions[0].url}, down]
    one = report(load({**_given(config), "block_engines": engines}).config)
    assert one.passes_for_live
    assert [state for state, _ in found(one, "block_engine")] == ["ok", "warn"]
    whole = report(load({**_given(config), "block_engines": [down]}).config)
    assert [check.name for check in whole.failed] == ["block_engines"]


def _given(config: Config) -> dict[str, Any]:
    values = config.model_dump(exclude={"mode", "block_engines", "endpoints"}, exclude_unset=True)
    values["endpoints"] = [{"name": each.name, "http_url": each.http_url} for each in config.endpoints]
    return values


# ---- the command


def test_the_command_prints_checks_with_cures_and_its_status(
    net: LocalNet, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")
    key_file(tmp_path / "id.json", json.dumps(list(bytes(PAIR))))
    toml = tmp_path / "phantom.toml"
    toml.write_text(
        f"[wallet]\nkey = '{tmp_path / 'id.json'}'\n[journal]\npath = '{tmp_path / 'j.sqlite'}'\n"
        f"[[endpoints]]\nname = 'a'\nhttp_url = '{net.endpoints[0].http_url}'\n"
        f"[[block_engines]]\nname = 'ny'\nurl = '{net.regions[0].url}'\n"
    )
    assert main(["doctor", "--config", str(toml)]) == 1
    shown = capsys.readouterr().out
    assert "fail programs" in " ".join(shown.split())
    assert "→ phantom programs fetch" in shown
    assert shown.rstrip().endswith("failed: live trading may not begin")
    assert main(["doctor", "--config", str(toml), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["passes_for_live"] is False
    assert {check["state"] for check in answer["checks"]} == {"ok", "warn", "fail"}
    journal = (tmp_path / "j.sqlite").read_bytes()
    assert [secret for secret in secrets_of(PAIR) if secret in shown + json.dumps(answer)] == []
    assert [secret for secret in secrets_of(PAIR) if secret.encode() in journal] == []
    assert bytes(PAIR)[:32] not in journal
