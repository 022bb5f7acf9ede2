"""`phantom wallet`, `alt` and `nonce` against a local net; and that no output ever holds the key."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair

from loop_thread import serving
from phantom_arbiter.cli import main
from phantom_arbiter.execution import admin, table_keeper
from phantom_arbiter.execution.chain import TOKEN_PROGRAM
from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc import RpcPool
from phantom_core import associated_token_account
from shell_fakes import USDC, WSOL
from svm_chain import SEED, WALLET, signer
from wallet_samples import RENT, key, key_file, mint_data, secrets_of, token_data

PAIR = Keypair.from_seed(SEED)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")
    key_file(tmp_path / "id.json", json.dumps(list(bytes(PAIR))))
    return tmp_path


class Net(LocalNet):
    """A local net that can be told something from another thread."""

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        await super().start()

    def do(self, work: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(20)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    """Serve an empty net of quick slots with a funded wallet and some token accounts."""
    for module in (admin, table_keeper):
        monkeypatch.setattr(module, "POLL_S", 0.01)
    local = Net(NetSettings(source="empty", slot_ms=20.0))
    local.bank.load(WALLET, AccountState("1" * 32, 10**9, b""))
    for number, amount in ((1, 0), (2, 5), (3, 10**6)):
        local.bank.load(key(number), AccountState(TOKEN_PROGRAM, 10**9, mint_data()))
        local.bank.load(key(100 + number), AccountState(TOKEN_PROGRAM, RENT, token_data(key(number), amount)))
    with serving(local):
        yield local


async def put_out_of_use(net: Net, table: str) -> None:
    async with RpcPool([Endpoint(name="a", http_url=SecretUrl(net.endpoints[0].http_url))]) as pool:
        await table_keeper.deactivate(admin.Operator(pool, signer()), table)


def words(net: Net, *line: str) -> list[str]:
    return [*line, "--key", "id.json", "--url", net.endpoints[0].http_url]


def test_show_prints_what_the_wallet_holds(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(net, "wallet", "show")) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[:2] == [WALLET, "             1.000000000 SOL"]
    assert main(words(net, "wallet", "show", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["address"], found["lamports"]) == (WALLET, 10**9)
    assert {each["account"]: each["amount"] for each in found["token_accounts"]} == {
        key(101): 0,
        key(102): 5,
        key(103): 10**6,
    }


def test_sweep_lists_first_and_closes_only_what_it_was_told_to(
    net: Net, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(net, "wallet", "sweep")) == 0
    assert "2 of 3 lie idle: 0.004078560 SOL could come back" in capsys.readouterr().out
    assert main(words(net, "wallet", "sweep", "--close-empty")) == 0
    assert "nothing is done without --yes" in capsys.readouterr().err
    assert net.bank.transactions == 0
    assert main(words(net, "wallet", "sweep", "--close-empty", "--burn-dust", "--yes")) == 0
    assert "0.004078560 SOL came back" in capsys.readouterr().out
    assert net.bank.transactions == 1
    assert asyncio.run(net.truth(key(101))) is None
    assert asyncio.run(net.truth(key(103))) is not None


def test_nonces_are_made_listed_and_closed(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(net, "nonce", "create", "--count", "2")) == 0
    assert "make 2 nonce accounts for 0.002895360 SOL of rent" in capsys.readouterr().err
    assert main(words(net, "nonce", "create", "--count", "2", "--yes", "--json")) == 0
    made = json.loads(capsys.readouterr().out)["created"]
    assert main(words(net, "nonce", "list", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["address"] for each in found] == made
    assert main(words(net, "nonce", "close", *made, "--yes")) == 0
    assert "0.002895360 SOL came back" in capsys.readouterr().out


def test_tables_are_planned_made_once_extended_and_closed(
    net: Net, capsys: pytest.CaptureFixture[str]
) -> None:
    net.do(net.fund(WALLET, 10**9))
    market = ["--source", "demo", "--max-tables", "1"]
    assert main(words(net, "alt", "plan", *market, "--json")) == 0
    (planned,) = json.loads(capsys.readouterr().out)
    assert len(planned["pools"]) == 9
    ours = {str(associated_token_account(WALLET, mint, TOKEN_PROGRAM)) for mint in (USDC, WSOL)}
    assert ours <= set(planned["addresses"])
    assert WALLET not in planned["addresses"]
    assert main(["alt", "plan", *market, "--json"]) == 0
    (nobodys,) = json.loads(capsys.readouterr().out)
    assert len(ours) < len(planned["addresses"]) - len(nobodys["addresses"]) < 15, "all but token accounts"
    assert main(words(net, "alt", "create", *market)) == 0
    assert "make a lookup table of" in capsys.readouterr().err
    assert net.bank.transactions == 0
    assert main(words(net, "alt", "create", *market, "--yes", "--json")) == 0
    (table,) = json.loads(capsys.readouterr().out)["lookup_tables"]
    made = net.bank.transactions
    assert made == -(-len(planned["addresses"]) // 24)
    assert main(words(net, "alt", "create", *market, "--yes", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["lookup_tables"] == [table]
    assert net.bank.transactions == made, "it is there already"
    assert main(words(net, "alt", "extend", table, key(1), planned["addresses"][0], "--yes")) == 0
    assert capsys.readouterr().out == f"{table} holds {len(planned['addresses']) + 1} addresses\n"
    assert main(words(net, "alt", "list", "--json")) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["address"], row["state"], row["in_settings"]) == (table, "in use", False)
    asyncio.run(put_out_of_use(net, table))
    net.do(net.advance(520))
    assert main(words(net, "alt", "close", table, "--yes")) == 0
    assert f"{row['lamports'] / 10**9:.9f} SOL came back" in capsys.readouterr().out
    assert main(words(net, "alt", "extend", table, "0OIl", "--yes")) == 2
    assert main(words(net, "alt", "close", table, "--yes")) == 2
    assert f"lookup table {table} does not exist" in capsys.readouterr().err


def test_token_accounts_are_opened_ahead_and_sol_is_wrapped(
    net: Net, capsys: pytest.CaptureFixture[str]
) -> None:
    net.bank.load(WSOL, AccountState(TOKEN_PROGRAM, 10**9, mint_data()))
    assert main(words(net, "wallet", "open", WSOL, "--yes")) == 0
    assert capsys.readouterr().out == "1 token accounts were created\n"
    assert main(words(net, "wallet", "open", WSOL, "--yes")) == 0
    assert capsys.readouterr().out == "all of them are there\n"
    assert main(words(net, "wallet", "open", key(77), "--yes")) == 2
    assert main(words(net, "wallet", "wrap", "0.25", "--yes")) == 0
    capsys.readouterr()
    assert main(words(net, "wallet", "show", "--json")) == 0
    found = json.loads(capsys.readouterr().out)["token_accounts"]
    assert [each["amount"] for each in found if each["mint"] == WSOL] == [250_000_000]
    assert main(words(net, "wallet", "unwrap")) == 0
    assert "nothing is done without --yes" in capsys.readouterr().err
    assert main(words(net, "wallet", "unwrap", "--yes")) == 0
    assert capsys.readouterr().out == "0.252039280 SOL came back\n"
    assert main(words(net, "wallet", "unwrap", "--yes")) == 2
    for amount in ("0", "-1", "x", "nan", "0.0000000001", "inf"):
        assert main(words(net, "wallet", "wrap", "--yes", "--", amount)) == 2


def test_an_account_of_ones_own_choice_is_never_closed(
    net: Net, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(words(net, "wallet", "sweep", "--json")) == 0
    idle = [each for each in json.loads(capsys.readouterr().out)["token_accounts"] if each["kind"] == "empty"]
    named = idle[0]
    chosen = {named["mint"]: named["address"], WSOL: key(70)}
    lines = [f'"{mint}" = "{account}"' for mint, account in chosen.items()]
    Path("phantom.toml").write_text("\n".join(["[wallet.token_accounts]", *lines]))
    monkeypatch.setenv("PHANTOM_CONFIG", "phantom.toml")
    assert main(words(net, "wallet", "sweep", "--close-empty", "--burn-dust")) == 0
    assert "1 of them hold dust: BURNED" in capsys.readouterr().err
    assert main(words(net, "wallet", "sweep", "--json")) == 0
    kinds = {each["address"]: each["kind"] for each in json.loads(capsys.readouterr().out)["token_accounts"]}
    assert kinds[named["address"]] == "kept"
    assert main(words(net, "wallet", "unwrap", "--yes")) == 2
    assert "take it out of wallet.token_accounts" in capsys.readouterr().err


def test_a_poor_wallet_is_told_so(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    net.do(net.fund(WALLET, 20_000))
    assert main(words(net, "nonce", "create", "--count", "1", "--yes")) == 1
    assert "transaction " in (said := capsys.readouterr().err)
    assert "refused" in said


# ---- a key is never shown


def leaks(text: str, pair: Keypair = PAIR) -> list[str]:
    return [secret for secret in secrets_of(pair) if secret in text]


@pytest.mark.parametrize(
    "line",
    [
        ["wallet", "show"],
        ["wallet", "show", "--url", "http://127.0.0.1:9"],
        ["wallet", "import", "id.json", "id.json"],
        ["wallet", "import", "id.json", "copy.json"],
        ["wallet", "import", "env:WALLET_KEY", "copy.json"],
        ["wallet", "import", "broken.json", "copy.json"],
        ["wallet", "new", "id.json"],
        ["wallet", "sweep", "--key", "env:WALLET_KEY", "--url", "http://127.0.0.1:9"],
        ["wallet", "show", "--key", "broken.json", "--url", "http://127.0.0.1:9"],
        ["wallet", "show", "--key", "env:BROKEN_KEY", "--url", "http://127.0.0.1:9"],
        ["wallet", "show", "--key", str(PAIR)],
        ["nonce", "list", "--key", "open.json", "--url", "http://127.0.0.1:9"],
        ["alt", "list", "--key", "id.json", "--url", "http://127.0.0.1:9"],
        ["config"],
        ["config", "--json"],
    ],
)
@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_no_output_holds_the_key(
    line: list[str],
    debug: list[str],
    place: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    array = json.dumps(list(bytes(PAIR)))
    key_file(place / "broken.json", array[:-1])
    key_file(place / "open.json", array, mode=0o644)
    monkeypatch.setenv("WALLET_KEY", str(PAIR))
    monkeypatch.setenv("BROKEN_KEY", f"{PAIR}0")
    Path("phantom.toml").write_text('[wallet]\nkey = "id.json"\n')
    monkeypatch.setenv("PHANTOM_CONFIG", "phantom.toml")
    main([*line, *debug])
    captured = capsys.readouterr()
    assert leaks(captured.out + captured.err + caplog.text) == []


def test_a_new_key_is_printed_by_its_address_alone(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wallet", "new", "fresh.json"]) == 0
    captured = capsys.readouterr()
    pair = Keypair.from_json((place / "fresh.json").read_text())
    assert captured.out.strip() == str(pair.pubkey())
    assert leaks(captured.out + captured.err, pair) == []
    assert main(["wallet", "new", "fresh.json"]) == 1
    assert "exists, it is not overwritten" in capsys.readouterr().err


def test_a_key_is_imported_from_stdin(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{PAIR}\n".encode())))
    assert main(["wallet", "import", "-", "copy.json"]) == 0
    assert json.loads((place / "copy.json").read_text()) == list(bytes(PAIR))


def test_bytes_on_stdin_that_are_no_text_are_no_key(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bytes(range(128, 192)))))
    assert main(["wallet", "import", "-", "copy.json"]) == 1
    assert "what was given is no key" in capsys.readouterr().err
