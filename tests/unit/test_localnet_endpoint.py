"""What goes wrong between an endpoint and its clients: sockets, handshakes, HTTP answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

pytest.importorskip("solders")
pytest.importorskip("websockets")

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from phantom_arbiter.localnet import FaultPlan, LocalNet, NetSettings

EMPTY = NetSettings(source="empty", slot_ms=None)


async def _until_closed(ws: Any) -> Any:
    with contextlib.suppress(ConnectionClosed):
        while True:
            yield await ws.recv()


def test_disconnects_cut_the_socket_and_half_open_ones_only_fall_silent() -> None:
    async def run() -> None:
        async with LocalNet(EMPTY) as net, asyncio.timeout(20):
            url = net.endpoints[0].ws_url
            async with connect(url, ping_interval=None) as cut:
                await cut.send('{"id":1,"method":"slotSubscribe"}')
                await cut.recv()
                await net.disconnect(0)
                with pytest.raises(ConnectionClosed):
                    await cut.recv()
            async with connect(url, ping_interval=None, close_timeout=0.05) as silent:
                await silent.send('{"id":1,"method":"slotSubscribe"}')
                await silent.recv()
                await net.half_open(0)
                await net.advance(3)
                await silent.send('{"id":2,"method":"rootSubscribe"}')
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(silent.recv(), 0.1)
                async with connect(url) as fresh:
                    await fresh.send('{"id":1,"method":"slotSubscribe"}')
                    assert "result" in json.loads(await fresh.recv())
            faults = (await net.stats())["endpoints"][0]["faults"]
            assert (faults["disconnects"], faults["half_opened"]) == (1, 1)

    asyncio.run(run())


def test_faults_in_time_come_by_themselves() -> None:
    plan = FaultPlan(disconnect_every_s=0.05, stall_every_s=0.05, stall_s=0.01)

    async def run() -> None:
        async with (
            LocalNet(NetSettings(source="empty", slot_ms=5, faults=(plan,))) as net,
            asyncio.timeout(20),
        ):
            cut = 0
            while cut < 3:
                async with connect(net.endpoints[0].ws_url) as ws:
                    with contextlib.suppress(ConnectionClosed):
                        await ws.send('{"id":1,"method":"slotSubscribe"}')
                    async for _ in _until_closed(ws):
                        pass
                cut += 1
            await net.set_faults(0, FaultPlan())
            before = (await net.stats())["endpoints"][0]["faults"]
            assert before["stalls"] > 0
            async with connect(net.endpoints[0].ws_url) as ws:
                await ws.send('{"id":1,"method":"slotSubscribe"}')
                for _ in range(30):
                    await ws.recv()
            assert (await net.stats())["endpoints"][0]["faults"] == before

    asyncio.run(run())


def test_handshakes_and_subscriptions_can_be_refused() -> None:
    async def run() -> None:
        plans = (FaultPlan(refuse_connection=1.0), FaultPlan(max_subscriptions=2))
        settings = NetSettings(endpoints=2, source="empty", slot_ms=None, faults=plans)
        async with LocalNet(settings) as net, asyncio.timeout(20):
            with pytest.raises(InvalidStatus, match="503"):
                await connect(net.endpoints[0].ws_url)
            async with connect(net.endpoints[1].ws_url) as ws:
                answers = []
                for _ in range(3):
                    await ws.send('{"id":1,"method":"slotSubscribe"}')
                    answers.append(json.loads(await ws.recv()))
                assert ["error" in each for each in answers] == [False, False, True]
                assert answers[2]["error"]["message"] == "Maximum of 2 subscriptions per connection reached"

    asyncio.run(run())


def test_idle_connections_are_closed_and_pinging_ones_are_not() -> None:
    async def run() -> None:
        settings = NetSettings(source="empty", slot_ms=None, faults=(FaultPlan(idle_close_s=0.3),))
        async with LocalNet(settings) as net, asyncio.timeout(20):
            url = net.endpoints[0].ws_url
            async with connect(url, ping_interval=None) as idle, connect(url, ping_interval=0.05) as lively:
                with pytest.raises(ConnectionClosed, match="1001"):
                    await idle.recv()
                await (await lively.ping())
            assert (await net.stats())["endpoints"][0]["faults"]["idle_closed"] == 1

    asyncio.run(run())


# ---- HTTP


def post(url: str, timeout: float = 5.0) -> tuple[int, Any, Any]:
    """Return status, headers and text of an answer to getSlot."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "getSlot"}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@pytest.mark.parametrize(
    ("plan", "status", "code"),
    [
        (FaultPlan(http_429=1.0, retry_after_s=2.5), 429, -32429),
        (FaultPlan(http_unhealthy=1.0), 200, -32005),
        (FaultPlan(http_500=1.0), 500, None),
        (FaultPlan(http_garbage=1.0), 200, None),
        (FaultPlan(http_delay_ms=20.0), 200, 0),
    ],
)
def test_http_faults(plan: FaultPlan, status: int, code: int | None) -> None:
    async def run() -> None:
        async with LocalNet(NetSettings(source="empty", slot_ms=None, faults=(plan,))) as net:
            found, headers, text = await asyncio.to_thread(post, net.endpoints[0].http_url)
            assert found == status
            if code is None:
                with pytest.raises(json.JSONDecodeError):
                    json.loads(text)
            elif code:
                assert json.loads(text)["error"]["code"] == code
            else:
                assert json.loads(text)["result"] == net.bank.slot
            if status == 429:
                assert headers["retry-after"] == "2.5"
            counted = (await net.stats())["endpoints"][0]["faults"]["http_faults"]
            assert bool(counted) is bool(code or code is None)

    asyncio.run(run())


def test_requests_beyond_the_rate_are_told_to_come_later() -> None:
    async def run() -> None:
        plan = FaultPlan(http_per_s=3, retry_after_s=1.0)
        async with LocalNet(NetSettings(source="empty", slot_ms=None, faults=(plan,))) as net:
            found = []
            while 429 not in found:
                found.append((await asyncio.to_thread(post, net.endpoints[0].http_url))[0])
            assert found.count(200) >= 3

    asyncio.run(run())


def test_an_answer_can_stay_out() -> None:
    async def run() -> None:
        async with LocalNet(NetSettings(source="empty", faults=(FaultPlan(http_hang=1.0),))) as net:
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(post, net.endpoints[0].http_url, 0.1)

    asyncio.run(run())
