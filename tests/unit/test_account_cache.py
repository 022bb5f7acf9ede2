"""What was read over RPC: the newest state stays, and a batch is known as soon as it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("solders")

import phantom_core
from landing_fakes import submission
from phantom_arbiter.config import Config
from phantom_arbiter.errors import EndpointDown
from phantom_arbiter.execution.accounts import ABSENT, AccountBytes, AccountCache
from phantom_arbiter.execution.programs import ProgramFolder
from phantom_arbiter.live_trading import LiveTrading, accounts_moved

SIGNER = phantom_core.Signer.from_bytes(bytes([7]) * 32)


def state(slot: int) -> AccountBytes:
    return AccountBytes("owner", slot, b"", slot=slot)


def test_an_older_slot_never_overwrites_a_newer_one() -> None:
    cache = AccountCache()
    cache.put("a", state(200))
    cache.put("a", state(100))
    cache.put("a", None, 150)
    assert cache.known(["a"]) == [state(200)]
    cache.put("a", None, 300)
    cache.put("a", state(250))
    assert cache.known(["a"]) == [ABSENT]
    cache.put("a", state(300))
    assert cache.known(["a"]) == [state(300)]
    cache.forget(["a"])
    cache.put("a", state(1))
    assert cache.known(["a"]) == [state(1)]


class Torn:
    """Gives one batch, then fails."""

    async def read(
        self, addresses: Sequence[str]
    ) -> AsyncIterator[tuple[int, dict[str, AccountBytes | None]]]:
        yield 7, {addresses[0]: state(7), addresses[1]: None}
        raise EndpointDown("node", "is down")


def test_what_arrived_is_known_though_the_rest_fails() -> None:
    cache = AccountCache()
    with pytest.raises(EndpointDown):
        asyncio.run(cache.refresh(Torn(), ["a", "b", "c"]))
    assert cache.known(["a", "b", "c"]) == [state(7), ABSENT, None]


def trading(tmp_path: Path) -> LiveTrading:
    config = Config.model_validate(
        {
            "endpoints": [{"name": "node", "http_url": "http://127.0.0.1:1"}],
            "execution": {"landing": "rpc"},
        }
    )
    return LiveTrading(config, SIGNER, ProgramFolder(tmp_path), notice=lambda text: None)


def test_what_moved_is_read_at_once_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    async def script() -> None:
        live = trading(tmp_path)
        done = asyncio.Event()

        async def refresh(reader: object, addresses: Sequence[str]) -> None:
            asked.append(list(addresses))
            done.set()

        monkeypatch.setattr(live._cache, "refresh", refresh)
        monkeypatch.setattr(live, "_machine", object())
        following = asyncio.ensure_future(live._follow_urgent())
        live._want(["x", "y"])
        await done.wait()
        following.cancel()

    asyncio.run(script())
    assert asked == [["x", "y"]]


def test_accounts_that_an_attempt_moves_are_its_own() -> None:
    assert accounts_moved(submission()) == ["wallet", "wallet"]
    assert accounts_moved(submission(nonce_account="nonce"))[-1] == "nonce"


def test_rounds_of_reading_outlive_every_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phantom_arbiter.live_trading.ACCOUNT_REFRESH_S", 0)
    monkeypatch.setattr("phantom_arbiter.live_trading.MARKET_REFRESH_S", 0)

    async def script() -> None:
        live = trading(tmp_path)
        refusals = [phantom_core.InvalidInput("out of range"), EndpointDown("node", "is down")]
        done = asyncio.Event()

        async def learn() -> None:
            if refusals:
                raise refusals.pop()
            done.set()

        monkeypatch.setattr(live, "_learn_market", learn)
        following = asyncio.ensure_future(live._follow_accounts())
        await asyncio.wait([following, asyncio.ensure_future(done.wait())], return_when="FIRST_COMPLETED")
        assert done.is_set()
        following.cancel()

    asyncio.run(script())
