"""What goes wrong between an endpoint and its clients: sockets, handshakes, HTTP answers."""

from __future__ import annotations

import asyncio
import base64
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
from phantom_arbiter.localnet.faults.lies import IMPOSSIBLE_SLOTS_AHEAD

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


def post(url: str, timeout: float = 5.0, method: str = "getSlot", *params: Any) -> tuple[int, Any, Any]:
    """Return status, headers and text of an answer."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
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


# ---- lies

PROGRAM = "Vote111111111111111111111111111111111111111"
KEYS = (
    "So11111111111111111111111111111111111111112",
    "Stake11111111111111111111111111111111111111",
    "Config1111111111111111111111111111111111111",
)
BASE64 = {"encoding": "base64", "commitment": "processed"}
Told = tuple[str, bytes]


def told(value: Any) -> Told:
    """Return owner and data of an account in an answer or a notification."""
    return value["owner"], base64.b64decode(value["data"][0])


async def ask(url: str, method: str, *params: Any) -> Any:
    """Return what stands in `result`."""
    return json.loads((await asyncio.to_thread(post, url, 5.0, method, *params))[2])["result"]


@pytest.mark.parametrize("kind", ["data", "slot", "owner"])
@pytest.mark.parametrize(
    ("method", "what"),
    [("getAccountInfo", KEYS[0]), ("getMultipleAccounts", KEYS), ("getProgramAccounts", PROGRAM)],
)
def test_an_answer_that_lies_is_false_in_one_place(method: str, what: Any, kind: str) -> None:
    async def run() -> None:
        plan = FaultPlan(http_lie=1.0, lie_kinds=(kind,))
        async with LocalNet(NetSettings(source="empty", slot_ms=None, faults=(plan,))) as net:
            truth = {key: (PROGRAM, bytes([number]) * 40) for number, key in enumerate(KEYS)}
            for key, state in truth.items():
                await net.write(key, *state)
            result = await ask(
                net.endpoints[0].http_url, method, what, {**BASE64, "withContext": True, "sortResults": False}
            )
            values = result["value"] if isinstance(result["value"], list) else [result["value"]]
            found = [told(value.get("account", value)) for value in values]
            lies = [
                (said, truth[key])
                for said, key in zip(found, KEYS[: len(found)], strict=True)
                if said != truth[key]
            ]
            assert result["context"]["slot"] - net.bank.slot == IMPOSSIBLE_SLOTS_AHEAD * (kind == "slot")
            assert len(lies) == (kind != "slot")
            for (owner, data), (_, true_data) in lies:
                assert (owner != PROGRAM) is (kind == "owner")
                assert sum(map(int.__ne__, data, true_data)) == (kind == "data")
            assert (await net.stats())["endpoints"][0]["faults"]["http_faults"] == {"http_lie": 1}

    asyncio.run(run())


def test_where_no_account_is_shown_nobody_lies() -> None:
    async def run() -> None:
        plan = FaultPlan(http_lie=1.0)
        async with LocalNet(NetSettings(source="empty", slot_ms=None, faults=(plan,))) as net:
            url, slot = net.endpoints[0].http_url, net.bank.slot
            assert await ask(url, "getSlot") == slot
            nothing = await ask(url, "getAccountInfo", KEYS[0], BASE64)
            assert (nothing["context"]["slot"], nothing["value"]) == (slot, None)
            assert (await net.stats())["endpoints"][0]["faults"]["http_faults"] == {}

    asyncio.run(run())


def test_one_endpoint_tells_the_same_lie_over_websocket_and_http() -> None:
    async def heard(net: LocalNet, endpoint: int) -> set[Told]:
        urls = net.endpoints[endpoint]
        async with connect(urls.ws_url) as ws:
            await ws.send(json.dumps({"id": 1, "method": "accountSubscribe", "params": [KEYS[0], BASE64]}))
            await ws.recv()
            await net.write(KEYS[0], PROGRAM, bytes(500))
            said = [json.loads(await ws.recv())["params"]["result"]]
        said += [await ask(urls.http_url, "getAccountInfo", KEYS[0], BASE64) for _ in range(3)]
        return {told(each["value"]) for each in said}

    async def run() -> None:
        plan = FaultPlan(lie=1.0, lie_replaces=True, http_lie=1.0, lie_kinds=("data",))
        settings = NetSettings(endpoints=2, source="empty", slot_ms=None, faults=(plan, plan))
        async with LocalNet(settings) as net, asyncio.timeout(20):
            first, second = await heard(net, 0), await heard(net, 1)
            assert len(first) == len(second) == 1
            assert first != second, "each endpoint has lies of its own"
            assert (PROGRAM, bytes(500)) not in first | second

    asyncio.run(run())
