"""The whole net: feeds, several endpoints with faults, truth at a quiescent point, and the other process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("solders")
pytest.importorskip("websockets")

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from phantom_arbiter.errors import ConfigError, PhantomError
from phantom_arbiter.localnet import FaultPlan, LocalNet, LocalNetProcess, NetSettings
from phantom_arbiter.localnet.process import settings_from, settings_json
from phantom_arbiter.localnet.sources import RecordingSource, SnapshotSource, open_source
from phantom_arbiter.sources.recorded import DEMO_RECORDING
from phantom_core import AccountUpdate, Recording, WssAggregator

TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
BASE64 = {"encoding": "base64", "commitment": "processed"}
EMPTY = NetSettings(source="empty", slot_ms=None)


class Client:
    """One aggregator behind every endpoint of a net, fed as a real source would feed it."""

    def __init__(self, net: LocalNet, endpoints: list[int]) -> None:
        self.aggregator = WssAggregator(max_slot_lead=1_000)
        self.applied: dict[str, AccountUpdate] = {}
        self._net = net
        self._endpoints = endpoints
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Client:
        for index in self._endpoints:
            ready = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._read(index, ready)))
            await ready.wait()
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, index: int, ready: asyncio.Event) -> None:
        name, aggregator = f"rpc-{index}", self.aggregator
        async with connect(self._net.endpoints[index].ws_url, max_size=None) as ws:
            aggregator.connect(name)
            for number, program in enumerate((WHIRLPOOL, TOKEN)):
                request = json.dumps(
                    {
                        "jsonrpc": "2.0",
                        "id": number,
                        "method": "programSubscribe",
                        "params": [program, BASE64],
                    }
                )
                aggregator.request(name, request.encode())
                await ws.send(request)
            ready.set()
            async for frame in _frames(ws):
                for update in aggregator.push(name, frame):
                    if isinstance(update, AccountUpdate):
                        self.applied[update.pubkey] = update

    async def settled(self) -> None:
        """Wait until every endpoint has delivered what the net says it sent."""
        await self._net.quiesce()
        while True:
            stats = await self._net.stats()
            sent = sum(each["notifications"] + each["faults"]["garbage"] for each in stats["endpoints"])
            got = sum(each.frames for each in self.aggregator.stats().endpoints)
            if got == sent + 2 * len(self._endpoints):
                return
            await asyncio.sleep(0.001)


async def _until_closed(ws: Any) -> Any:
    with contextlib.suppress(ConnectionClosed):
        while True:
            yield await ws.recv()


async def _frames(ws: Any) -> Any:
    while True:
        yield await ws.recv(decode=False)


async def differences(net: LocalNet, client: Client) -> list[str]:
    """Return the accounts that the client applied differently from the truth."""
    wrong = []
    for pubkey, update in client.applied.items():
        truth = await net.truth(pubkey)
        if truth is None or truth != (update.slot, update.owner, update.data):
            wrong.append(pubkey)
    return wrong


def test_applied_state_is_the_truth_at_every_quiescent_point() -> None:
    plans = (
        FaultPlan(loss=0.05, duplicate=0.05, garbage=0.02),
        FaultPlan(delay_ms=1, jitter_ms=5, reorder=True, conflate=0.3, lie=0.01, lie_kinds=("slot",)),
        FaultPlan(jitter_ms=2, duplicate=0.1),
    )

    async def run() -> None:
        settings = NetSettings(
            endpoints=3, rate=4_000, seed=5, faults=plans, venues=("orca_whirlpool",), autostart=False
        )
        async with LocalNet(settings) as net, Client(net, [0, 1, 2]) as client, asyncio.timeout(30):
            for _ in range(4):
                await net.resume()
                wanted = (await net.stats())["writes"] + 800
                while (await net.stats())["writes"] < wanted:
                    await asyncio.sleep(0.005)
                await client.settled()
                assert await differences(net, client) == []
            stats = {each.name: each for each in client.aggregator.stats().endpoints}
            assert len(client.applied) == 6 + 12
            assert stats["rpc-0"].malformed
            assert stats["rpc-1"].malformed
            assert not stats["rpc-2"].malformed

    asyncio.run(run())


# ---- connections


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


def test_an_answer_can_stay_out() -> None:
    async def run() -> None:
        async with LocalNet(NetSettings(source="empty", faults=(FaultPlan(http_hang=1.0),))) as net:
            with pytest.raises(TimeoutError):
                await asyncio.to_thread(post, net.endpoints[0].http_url, 0.1)

    asyncio.run(run())


# ---- feeds


def test_a_recording_ends_where_an_aggregator_of_its_frames_ends() -> None:
    expected: dict[str, tuple[int, str | None, bytes | None]] = {}
    aggregator = WssAggregator()
    for record in Recording(DEMO_RECORDING):
        if record.kind == "connect":
            aggregator.connect(record.endpoint)
        elif record.kind == "sent":
            aggregator.request(record.endpoint, record.frame)
        elif record.kind == "received":
            for update in aggregator.push(record.endpoint, record.frame):
                if isinstance(update, AccountUpdate):
                    expected[update.pubkey] = (update.slot, update.owner, update.data)
        else:
            for update in aggregator.disconnect(record.endpoint):
                expected[update.pubkey] = (update.slot, update.owner, update.data)

    async def run() -> None:
        async with LocalNet(NetSettings(source="demo", rate=None, slot_ms=None, autostart=False)) as net:
            assert net.feed is not None
            while net.feed.step():
                pass
            assert net.feed.writes > 10_000
            first = net.bank.settings.first_slot
            for pubkey, (slot, owner, data) in expected.items():
                last = None if data is None else (max(slot, first), owner, data)
                assert await net.truth(pubkey) == last

    asyncio.run(run())


def test_sources_are_told_by_name_or_by_what_is_in_the_file(tmp_path: Path) -> None:
    snapshot = tmp_path / "accounts.jsonl"
    snapshot.write_text(json.dumps({"pubkey": TOKEN, "owner": WHIRLPOOL, "data": "AAEC", "slot": 77}) + "\n")
    source = open_source(str(snapshot), seed=0, writes_per_slot=1)
    assert isinstance(source, SnapshotSource)
    assert source.bank.first_slot == 77
    assert source.accounts[TOKEN].data == b"\0\1\2"
    assert list(source.events()) == []
    assert isinstance(open_source(str(DEMO_RECORDING), seed=0, writes_per_slot=1), RecordingSource)
    with pytest.raises(ConfigError, match="does not exist"):
        open_source(str(tmp_path / "none"), seed=0, writes_per_slot=1)
    (tmp_path / "other").write_bytes(b"something else")
    with pytest.raises(PhantomError):
        open_source(str(tmp_path / "other"), seed=0, writes_per_slot=1)


def test_slots_pass_by_themselves_where_no_source_says_when() -> None:
    async def run() -> None:
        async with LocalNet(NetSettings(source="empty", slot_ms=2)) as net, asyncio.timeout(20):
            first = net.bank.slot
            while net.bank.slot < first + 5:
                await asyncio.sleep(0.001)
            await net.quiesce()
            still = net.bank.slot
            await asyncio.sleep(0.02)
            assert net.bank.slot == still
            assert await net.advance(3) == still + 3

    asyncio.run(run())


def test_nothing_more_comes_after_a_quiescent_point_until_it_ends() -> None:
    async def run() -> None:
        plans = (FaultPlan(delay_ms=200, jitter_ms=200),)
        async with (
            LocalNet(NetSettings(rate=5_000, faults=plans)) as net,
            connect(net.endpoints[0].ws_url, max_queue=None) as ws,
            asyncio.timeout(20),
        ):
            await ws.send(json.dumps({"id": 1, "method": "programSubscribe", "params": [TOKEN, BASE64]}))
            await ws.recv()
            while (await net.stats())["writes"] < 500:
                await asyncio.sleep(0.001)
            await net.quiesce()
            sent = (await net.stats())["endpoints"][0]["notifications"]
            seen = [json.loads(await ws.recv()) for _ in range(sent)]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ws.recv(), 0.05)
            last = {each["params"]["result"]["value"]["pubkey"]: each["params"]["result"] for each in seen}
            for pubkey, result in last.items():
                truth = await net.truth(pubkey)
                assert truth is not None
                assert truth[0] == result["context"]["slot"]
            await net.resume()
            await ws.recv()

    asyncio.run(run())


def test_a_feed_keeps_its_rate() -> None:
    async def run() -> tuple[float, int]:
        async with LocalNet(NetSettings(rate=2_000)) as net:
            loop = asyncio.get_running_loop()
            start = loop.time()
            before = (await net.stats())["writes"]
            await asyncio.sleep(0.5)
            return loop.time() - start, (await net.stats())["writes"] - before

    seconds, writes = asyncio.run(run())
    # Late at worst, on a busy machine; never early.
    assert 0 < writes <= 2_000 * seconds + 20


# ---- settings, ports, the other process


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"endpoints": 0}, "endpoints is 0, it may be 1 to 64"),
        ({"endpoints": 1, "faults": (FaultPlan(), FaultPlan())}, "2 fault plans for 1 endpoints"),
        ({"rate": 0.0}, "rate is 0.0"),
        ({"rate": float("nan")}, "rate is nan"),
        ({"port": 65_535}, "port is 65535, it may be 0 to 65533"),
        ({"port": -1}, "port is -1"),
    ],
)
def test_wrong_settings_say_what_they_may_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        NetSettings(**fields)


def test_a_port_in_use_is_one_sentence() -> None:
    async def run() -> None:
        async with LocalNet(EMPTY) as net:
            port = net.endpoints[0].http_port
            with pytest.raises(ConfigError, match=rf"port {port} is in use; hint: choose others with --port"):
                await LocalNet(NetSettings(source="empty", port=port)).start()
        async with LocalNet(NetSettings(source="empty", port=port)) as again:
            assert again.endpoints[0].http_port == port

    asyncio.run(run())


def test_settings_pass_to_the_other_process_unchanged(tmp_path: Path) -> None:
    settings = NetSettings(
        endpoints=2, rate=None, faults=(FaultPlan(loss=0.5),), venues=("pumpswap",), programs={"x": tmp_path}
    )
    assert settings_from(json.loads(json.dumps(settings_json(settings)))) == settings


def test_the_net_in_another_process_answers_the_same_calls() -> None:
    async def run() -> None:
        async with LocalNetProcess(NetSettings(endpoints=2, source="empty", slot_ms=None)) as net:
            ws = await connect(net.endpoints[1].ws_url)
            async with asyncio.timeout(30):
                await ws.send(json.dumps({"id": 1, "method": "accountSubscribe", "params": [TOKEN, BASE64]}))
                await ws.recv()
                await net.write(TOKEN, WHIRLPOOL, b"abc", 7)
                slot = json.loads(await ws.recv())["params"]["result"]["context"]["slot"]
                assert await net.truth(TOKEN) == (slot, WHIRLPOOL, b"abc")
                await net.set_faults(1, FaultPlan(loss=1.0))
                await net.write(TOKEN, WHIRLPOOL, b"lost")
                await net.set_faults(1, FaultPlan())
                assert await net.advance(2) == slot + 2
                await net.write(TOKEN, WHIRLPOOL, b"told")
                assert json.loads(await ws.recv())["params"]["result"]["context"]["slot"] == slot + 2
                await net.close_account(TOKEN)
                assert await net.truth(TOKEN) is None
                await net.fund(TOKEN, 5)
                assert TOKEN in await net.accounts()
                await net.pause()
                await net.quiesce()
                await net.resume()
                await net.stall(0, 0.0)
                await net.half_open(0)
                await net.disconnect(1)
                faults = [each["faults"] for each in (await net.stats())["endpoints"]]
                assert (faults[0]["half_opened"], faults[1]["disconnects"], faults[1]["lost"]) == (1, 1, 1)
                with pytest.raises(PhantomError, match="Method not found"):
                    await net.call("bank")
                with pytest.raises(PhantomError, match="index"):
                    await net.set_faults(9, FaultPlan())
            await ws.close()

    asyncio.run(run())


def test_another_process_that_cannot_start_says_why() -> None:
    async def run() -> None:
        with pytest.raises(PhantomError, match=r"did not start: source nothing\.gz does not exist"):
            await LocalNetProcess(NetSettings(source="nothing.gz")).start()

    asyncio.run(run())
