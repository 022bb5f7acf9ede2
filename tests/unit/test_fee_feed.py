"""Fees of a live run: endpoints that answer, lie, refuse or fail, the tip floor, and a run that bids so."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from loop_thread import serving
from phantom_arbiter.config_sources import Effective, load
from phantom_arbiter.engine import Trade
from phantom_arbiter.fee_desk import MAX_ACCOUNTS, FeeDesk
from phantom_arbiter.fee_feed import MAX_TIP_FLOOR_BYTES, TIP_FLOOR, FeedRules, FeeFeed
from phantom_arbiter.live import LiveRun, fee_rules, live_info, live_source
from phantom_arbiter.native import build_native_engine
from phantom_arbiter.session import run_session
from phantom_arbiter.sources.endpoints import SecretUrl
from phantom_arbiter.sources.rpc import RpcRules
from phantom_arbiter.sources.websocket import LogObserver
from phantom_core import FeeEngine
from rpc_server import KEY, RpcServer, Step, error
from shell_fakes import POOL_A, FakeObserver

SLOT = 300_000_000
METHOD = "getRecentPrioritizationFees"
SOL = "So11111111111111111111111111111111111111112"
FLOOR = {
    "landed_tips_25th_percentile": 5e-6,
    "landed_tips_50th_percentile": 1e-5,
    "landed_tips_75th_percentile": 4e-5,
    "landed_tips_95th_percentile": 1e-3,
    "landed_tips_99th_percentile": 1e-2,
}
RPC = RpcRules(timeout_s=5.0)


def node(price: Callable[[int], int], *, fees: Step | None = None) -> Step:
    """Answer `getSlot`, and fees of the last 150 slots: nothing for blocks, `price` for accounts."""

    async def step(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        found: Any = SLOT
        if call["method"] == METHOD:
            if fees is not None:
                return await fees(request, call)
            slots = range(SLOT - 149, SLOT + 1)
            found = [
                {"slot": slot, "prioritizationFee": price(slot - SLOT + 150) if call["params"][0] else 0}
                for slot in slots
            ]
        return web.json_response({"jsonrpc": "2.0", "id": call["id"], "result": found})

    return step


def honest() -> Step:
    return node(lambda place: place * 100)


def broken() -> Step:
    """Answer with a server's error."""

    async def step(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        return web.Response(status=500)

    return step


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(bounded())


def desk_for(endpoints: int) -> FeeDesk:
    desk = FeeDesk(FeeEngine(quorum=2 if endpoints >= 3 else 1), 75.0)
    desk.signalled([POOL_A])
    return desk


async def looked(desk: FeeDesk, servers: list[RpcServer], times: int = 1) -> tuple[FeeFeed, list[str]]:
    """Look at the servers so often."""
    notices: list[str] = []
    endpoints = [server.endpoint() for server in servers]
    async with FeeFeed(desk, endpoints, FeedRules(rpc=RPC), notices.append) as feed:
        for _ in range(times):
            await feed.look()
    return feed, notices


def test_a_liar_among_three_moves_no_price() -> None:
    async def body() -> None:
        desk = desk_for(3)
        async with (
            RpcServer("a", honest()) as a,
            RpcServer("b", honest()) as b,
            RpcServer("c", node(lambda _: 10**12)) as liar,
        ):
            feed, notices = await looked(desk, [liar, a, b])
        assert desk.engine.now == SLOT
        found = desk.engine.price([POOL_A], 90)
        assert (found.price_micro_lamports, found.basis, found.samples) == (13_600, "account", 150)
        assert (notices, feed.samples["a"], feed.looked.is_set()) == ([], 300, True)

    run(body)


def test_an_endpoint_without_the_method_is_asked_once_and_one_that_fails_is_told_once() -> None:
    async def body() -> None:
        desk = desk_for(3)
        async with (
            RpcServer("a", node(lambda _: 7, fees=error(-32601, f"no {KEY}"))) as without,
            RpcServer("b", node(lambda _: 7, fees=broken())) as failing,
            RpcServer("c", honest()) as c,
        ):
            feed, notices = await looked(desk, [without, failing, c], times=3)
        asked = [call["method"] for call in without.calls]
        assert (asked.count(METHOD), asked.count("getSlot")) == (1, 3)
        assert feed.failures == {"a": 1, "b": 3}
        assert len(notices) == 2
        assert "endpoint a has no getRecentPrioritizationFees for us and is not asked again" in notices[0]
        assert "endpoint b" in notices[1]
        assert KEY not in "".join(notices)
        assert desk.engine.price([POOL_A], 90).basis == "cold", "one of three alone is not believed"

    run(body)


def test_nobody_reachable_is_no_end() -> None:
    async def body() -> None:
        desk = desk_for(1)
        async with RpcServer("a", broken()) as a:
            feed, notices = await looked(desk, [a], times=2)
        assert notices == ["fees: no endpoint tells its slot"]
        assert feed.failures == {"slot": 2}

    run(body)


async def floor_at(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> tuple[FeeDesk, list[str]]:
    """Look twice at a tip floor that is served over HTTP."""
    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    desk, notices = desk_for(1), list[str]()
    async with RpcServer("a", honest()) as a, TestServer(app, host="127.0.0.1") as server:
        rules = FeedRules(rpc=RPC, tip_floor=SecretUrl(f"http://127.0.0.1:{server.port}/tip_floor"))
        async with FeeFeed(desk, [a.endpoint()], rules, notices.append) as feed:
            await feed.look()
            await feed.look()
    assert feed.looked.is_set()
    assert feed.failures[TIP_FLOOR] == 2 * len(notices)
    return desk, notices


def test_the_tip_floor_is_read_from_a_url() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response([FLOOR])

    async def body() -> None:
        desk, notices = await floor_at(answer)
        assert notices == []
        assert desk.engine.tip_floor is not None
        assert desk.engine.tip_floor[1] == (50.0, 10_000)

    run(body)


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (lambda: web.Response(body=b"[" + b" " * MAX_TIP_FLOOR_BYTES), "at most 65536 are read"),
        (
            lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
            "redirects are refused",
        ),
        (lambda: web.Response(status=503), "HTTP 503"),
        (lambda: web.Response(body=b"\xff\xfe"), "tip floor"),
        (lambda: web.Response(body=b"{}"), "landed_tips_25th_percentile is no number"),
        (lambda: web.json_response([FLOOR | {"landed_tips_25th_percentile": 1e9}]), "tip floor"),
    ],
)
def test_a_bad_tip_floor_is_told_once_and_fees_go_on(
    response: Callable[[], web.StreamResponse], says: str
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return response()

    async def body() -> None:
        desk, notices = await floor_at(answer)
        (notice,) = notices
        assert notice.startswith("fees: tip floor http://127.0.0.1")
        assert says in notice
        assert desk.engine.tip_floor is None

    run(body)


def test_a_tip_floor_file_may_come_later(tmp_path: Path) -> None:
    async def body() -> None:
        desk, notices = desk_for(1), list[str]()
        place = tmp_path / "floor.json"
        async with RpcServer("a", honest()) as a:
            rules = FeedRules(rpc=RPC, tip_floor=place)
            async with FeeFeed(desk, [a.endpoint()], rules, notices.append) as feed:
                await feed.look()
                assert desk.engine.tip_floor is None
                place.write_text(json.dumps(FLOOR))
                await feed.look()
        assert desk.engine.tip_floor is not None
        assert len(notices) == 1

    run(body)


def test_asked_are_the_accounts_of_the_latest_signals_pools_first() -> None:
    desk = FeeDesk(FeeEngine(), 75.0)
    for number in range(10):
        desk.signalled([f"pool-{number}", f"other-{number}", f"vault-{number}"])
    assert len(desk.accounts) == MAX_ACCOUNTS
    assert desk.accounts[:4] == ("pool-9", "other-9", "vault-9", "pool-8")
    desk.signalled(["pool-7"])
    assert desk.accounts[:2] == ("pool-7", "pool-9")
    assert len(set(desk.accounts)) == MAX_ACCOUNTS


# ---- a whole run


def settings(place: Path, tables: list[dict[str, str]]) -> Effective:
    (place / "floor.json").write_text(json.dumps([FLOOR]))
    return load(
        {
            "endpoints": tables,
            "discovery": {"mints": [SOL]},
            "fees": {"mode": "adaptive", "refresh_s": 0.1, "tip_floor": str(place / "floor.json")},
            "journal": {"path": str(place / "j.sqlite")},
        }
    )


def test_a_live_run_bids_what_the_net_and_the_tip_floor_say(tmp_path: Path) -> None:
    pytest.importorskip("solders")
    from phantom_arbiter.localnet import LocalNet, NetSettings

    learned: list[Trade] = []

    class Watching(FakeObserver):
        def traded(self, trade: Trade) -> None:
            bid = getattr(trade.plan, "opportunity", None)
            if (
                bid is not None
                and bid.compute_unit_price_micro_lamports == 1_234
                and bid.tip_lamports != 10_000
            ):
                learned.append(trade)
                live.stop()

    net = LocalNet(NetSettings(endpoints=3, rate=300.0, slot_ms=50.0))
    first = net.bank.settings.first_slot
    net.machine.fees.update(dict.fromkeys(range(first, first + 100_000), 1_234))
    with serving(net):
        tables = [{"name": one.name, "http_url": one.http_url, "ws_url": one.ws_url} for one in net.endpoints]
        effective = settings(tmp_path, tables)
        config = effective.config
        market = build_native_engine(config, assume_plain_mints=False)
        live = LiveRun(live_source(config, LogObserver()), market, stop_after_s=60.0, fees=fee_rules(config))
        observer = Watching()
        run_session(effective, live_info(config), live, market, observer)
    assert observer.notices == []
    bid = learned[0].plan
    limit = config.costs.compute_unit_limit
    assert bid.fee_lamports == 5_000 + -(-1_234 * limit // 10**6) + bid.opportunity.tip_lamports  # type: ignore[union-attr]
    with sqlite3.connect(config.journal.path) as journal:
        columns = "network_fee_lamports + priority_fee_lamports + tip_lamports"
        (journaled,) = journal.execute(
            f"SELECT {columns} FROM attempts WHERE id = ?", (learned[0].attempt_id,)
        ).fetchone()
    assert journaled == bid.fee_lamports
