"""A stage for `phantom run --live`: a local net with two mispriced pools, a wallet, and settings.

The command runs in the main thread. The net runs on a loop of its own, and so does the test's script, which
moves slots and prices and reads the journal. Nothing waits for a time: the script waits for conditions.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey

import svm_market
from phantom_arbiter.cli import main
from phantom_arbiter.errors import JournalError
from phantom_arbiter.execution.accounts import TOKEN_PROGRAM
from phantom_arbiter.execution.programs import Bytecode, ProgramFolder
from phantom_arbiter.journal import AttemptRow, read_journal
from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.progress import PlainView
from svm_market import WALLET, WSOL, Found, wallet_account

PAIR = ("raydium_amm_v4", "orca_whirlpool")
GIVE_UP_S = 25.0
"""Seconds after which a condition that never comes fails the test."""
LOOK_S = 0.02
TOUCH_EVERY = 20
"""Looks between two moves of the price, until somebody trades."""
NODES, REGIONS = 2, 2


@dataclass
class Stage:
    """A net that is served, and the place of a user of it."""

    net: LocalNet
    found: Found
    place: Path
    loop: asyncio.AbstractEventLoop
    settings: dict[str, Any]
    moves: int = 0
    trouble: list[BaseException] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    """What the operator is told."""

    @property
    def journal(self) -> Path:
        return self.place / "j.sqlite"

    @property
    def config(self) -> Path:
        path = self.place / "phantom.toml"
        path.write_text(toml(self.settings))
        return path

    # ---- the command

    def run(self, script: Callable[[], Coroutine[Any, Any, object]], *words: str) -> int:
        """Run `phantom run --live` while the script goes on; it ends when the script does, by Ctrl-C."""
        main_thread = threading.main_thread().ident
        assert main_thread is not None

        ended = threading.Event()
        self.notices.clear()

        async def follow() -> None:
            try:
                await script()
            except Exception as error:
                self.trouble.append(error)
            if not ended.is_set():
                signal.pthread_kill(main_thread, signal.SIGINT)

        following = asyncio.run_coroutine_threadsafe(follow(), self.loop)
        command = ["run", "--source", "live", "--live", "--for", "40s", "--ui", "plain"]
        status = main([*command, "--config", str(self.config), *words])
        ended.set()
        if not following.done():
            following.cancel()
            raise AssertionError(f"the run ended by itself with status {status}")
        if self.trouble:
            raise self.trouble.pop()
        return status

    def does(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Let the net do something now."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def command(self, *words: str) -> int:
        """Run another command while slots go by."""

        async def clock() -> None:
            while True:
                await self.net.advance()
                await asyncio.sleep(LOOK_S)

        ticking = asyncio.run_coroutine_threadsafe(clock(), self.loop)
        try:
            return main([*words, "--config", str(self.config)])
        finally:
            ticking.cancel()

    # ---- for scripts

    async def ready(self) -> None:
        """Wait until the run may trade."""
        await self.until(lambda: any("ready to trade" in each for each in self.notices), slots=1)

    async def until(self, condition: Callable[[], Any], *, slots: int = 0) -> Any:
        """Wait for a condition; let so many slots begin between two looks."""
        async with asyncio.timeout(GIVE_UP_S):
            while not (found := condition()):
                if slots:
                    await self.net.advance(slots)
                await asyncio.sleep(LOOK_S)
            return found

    async def attempt(self) -> AttemptRow:
        """Move the price now and then, until the run has tried a trade."""
        await self.ready()
        await self.move_until(self.attempts)
        return self.attempts()[0]

    async def move_until(self, condition: Callable[[], Any]) -> None:
        """Move the price now and then, until something has come of it."""
        looks = 0
        async with asyncio.timeout(GIVE_UP_S):
            while not condition():
                if looks % TOUCH_EVERY == 0:
                    await self.net.advance()
                    self.move_price(1_000)
                looks += 1
                await asyncio.sleep(LOOK_S)

    async def decided(self, *, slots: int = 2) -> AttemptRow:
        """Let time go by until the chain has decided the only attempt, and return its row."""
        rows: list[AttemptRow] = await self.until(
            lambda: [row for row in self.attempts() if row.state != "intent"], slots=slots
        )
        return rows[0]

    def attempts(self) -> list[AttemptRow]:
        try:
            return list(read_journal(self.journal).attempts)
        except JournalError:
            return []

    async def only(self) -> AttemptRow:
        """Wait for an attempt, and then for its end on the chain."""
        await self.attempt()
        return await self.decided()

    # ---- the chain

    def move_price(self, units: int) -> None:
        """Let somebody leave so many base units of the token in the first pool; its price moves with them."""
        pool = next(each for each in self.found.pools.values() if each.file == "raydium_amm_v4")
        sides = pool.venue.sides(pool.state)
        vault = sides[1 if pool.sol_first else 0].vault
        held = self.account(vault)
        assert held is not None
        amount = int.from_bytes(held.data[64:72], "little") + units
        data = held.data[:64] + amount.to_bytes(8, "little") + held.data[72:]
        self.net.bank.write(vault, AccountState(held.owner, held.lamports, data))
        # A swap writes the pool and both vaults; a part of them would be taken for a torn state.
        for address in (pool.state.pool, *(side.vault for side in sides)):
            self.net.bank.write(address, self.account(address))
        self.moves += 1

    def account(self, address: str) -> AccountState | None:
        held = self.net.bank.accounts.latest(address)
        return None if held is None else held[1]

    def lamports(self) -> int:
        held = self.account(str(WALLET.pubkey()))
        return 0 if held is None else held.lamports

    def balance(self, mint: str = WSOL) -> int:
        held = self.account(wallet_account(mint))
        return 0 if held is None else int.from_bytes(held.data[64:72], "little")

    async def set_balance(self, amount: int) -> None:
        """Let the wallet have so much wrapped SOL."""
        data = svm_market.token_account(bytes(165), WSOL, str(WALLET.pubkey()), amount)
        await self.net.write(wallet_account(WSOL), TOKEN_PROGRAM, data, amount + svm_market.NATIVE_RENT)

    def requests(self) -> int:
        """Return how many requests nodes have answered."""
        return sum(sum(each.stats()["requests"].values()) for each in self.net.endpoints)

    def bundles(self) -> int:
        """Return how many bundles regions were sent."""
        return sum(each.requests.get("sendBundle", 0) for each in self.net.regions)


def toml(tables: Mapping[str, Any]) -> str:
    """Return settings as TOML; a list of tables becomes `[[…]]`."""
    lines: list[str] = []
    for name, table in tables.items():
        for each in table if isinstance(table, list) else [table]:
            lines += ["", f"[[{name}]]" if isinstance(table, list) else f"[{name}]"]
            lines += [f"{json.dumps(key)} = {_value(value)}" for key, value in each.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    return json.dumps(value)


def write_key(path: Path, mode: int = 0o600) -> Path:
    """Write the wallet's key as solana-keygen does."""
    path.write_text(json.dumps(list(bytes(WALLET))))
    path.chmod(mode)
    return path


def write_programs(folder: Path, net: LocalNet) -> None:
    """Fill a folder as `phantom programs fetch` does."""
    for program, path in net.settings.programs.items():
        account = net.machine.builtin(program)
        assert account is not None
        held = net.machine.builtin(str(Pubkey.from_bytes(account.data[4:36])))
        assert held is not None
        slot = int.from_bytes(held.data[4:12], "little")
        bytecode = Bytecode(program, path.read_bytes(), account.owner, slot, net.endpoints[0].name)
        ProgramFolder(folder).store(bytecode, "2026-11-23T00:00:00+00:00")


def settings_of(net: LocalNet, found: Found, place: Path) -> dict[str, Any]:
    """Return the settings of a user who trades on this net."""
    return {
        "endpoints": [
            {"name": each.name, "http_url": each.http_url, "ws_url": each.ws_url} for each in net.endpoints
        ],
        "discovery": {"pools": list(found.pools)},
        "wallet": {"key": str(place / "wallet.json")},
        "journal": {"path": str(place / "j.sqlite")},
        "engine": {"max_hops": 2, "base_mints": {WSOL: 50_000_000}},
        "risk": {"max_price_deviation_bps": 1_000, "kill_switch_file": str(place / "halt")},
        "fees": {"mode": "fixed"},
        "execution": {"programs_dir": str(place / "programs"), "blockhash_refresh_ms": 100},
        "block_engines": [
            {"name": each.name, "url": each.url, "requests_per_second": 1_000.0} for each in net.regions
        ],
    }


@contextmanager
def stage(place: Path, *, regions: int = REGIONS, **how: Any) -> Iterator[Stage]:
    """Set up everything; `how` are settings of the net."""
    found = svm_market.find(*PAIR)
    assert found is not None
    net = found.net(NetSettings(endpoints=NODES, slot_ms=None, regions=regions, **how))
    write_key(place / "wallet.json")
    write_programs(place / "programs", net)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(net.__aenter__(), loop).result(20)
        made = Stage(net, found, place, loop, settings_of(net, found, place))
        with pytest.MonkeyPatch.context() as patch:
            tell = PlainView.notice

            def notice(view: PlainView, text: str) -> None:
                made.notices.append(text)
                tell(view, text)

            patch.setattr(PlainView, "notice", notice)
            yield made
        asyncio.run_coroutine_threadsafe(net.__aexit__(None, None, None), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
