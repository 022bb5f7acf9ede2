"""The whole net: feeds, several endpoints with faults, truth at a quiescent point, and the other process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

pytest.importorskip("solders")
pytest.importorskip("websockets")

from websockets.asyncio.client import connect

from phantom_arbiter.errors import ConfigError, PhantomError
from phantom_arbiter.localnet import FaultPlan, LocalNet, LocalNetProcess, NetSettings
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.localnet.bank import BankSettings
from phantom_arbiter.localnet.block_engine.faults import EngineFaults
from phantom_arbiter.localnet.loops import loop_factory
from phantom_arbiter.localnet.process import settings_from, settings_json
from phantom_arbiter.localnet.sources import Event, RecordingSource, SnapshotSource, open_source
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


@pytest.mark.parametrize("factory", [None, loop_factory()], ids=["asyncio", "fastest"])
def test_applied_state_is_the_truth_at_every_quiescent_point(
    factory: Callable[[], asyncio.AbstractEventLoop] | None,
) -> None:
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

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run())


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


def test_a_snapshot_adds_accounts_to_a_recording(tmp_path: Path) -> None:
    pool = "65shmpuYmxx5p7ggNCZbyrGLCXVqbBR1ZD5aAocRBUNG"
    snapshot = tmp_path / "more.jsonl"
    lines = [{"pubkey": key, "owner": TOKEN, "data": "AAEC"} for key in (TOKEN, pool)]
    snapshot.write_text("".join(json.dumps(line) + "\n" for line in lines))
    net = LocalNet(NetSettings(source="demo", snapshot=snapshot))
    added, recorded = (asyncio.run(net.truth(key)) for key in (TOKEN, pool))
    assert added == (net.bank.settings.first_slot, TOKEN, b"\0\1\2")
    assert recorded is not None
    assert (recorded[1], len(recorded[2])) == (WHIRLPOOL, 653)


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


class BrokenSource:
    """A source that fails after its first slot."""

    bank = BankSettings()
    accounts: ClassVar[dict[str, AccountState]] = {}

    def events(self) -> Iterator[Event]:
        yield self.bank.first_slot + 1
        raise RuntimeError("broken")


def test_a_feed_that_fails_says_so_where_it_is_waited_for() -> None:
    async def run() -> None:
        net = LocalNet(NetSettings(), BrokenSource())
        await net.start()
        with pytest.raises(RuntimeError, match="broken"):
            await net.ended()
        with pytest.raises(RuntimeError, match="broken"):
            await net.pause()
        with pytest.raises(RuntimeError, match="broken"):
            await net.stop()
        assert net.bank.slot == BrokenSource.bank.first_slot + 1
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.1", net.endpoints[0].http_port)

    asyncio.run(run())


def test_a_client_that_does_not_read_does_not_hold_up_the_end() -> None:
    async def run() -> None:
        async with asyncio.timeout(20):
            net = LocalNet(EMPTY)
            await net.start()
            reader, writer = await asyncio.open_connection("127.0.0.1", net.endpoints[0].http_port, limit=1)
            key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            writer.write(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n" + key)
            while not (await net.stats())["endpoints"][0]["connections"]:
                await asyncio.sleep(0.001)
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            connection = next(iter(net.endpoints[0]._connections))
            connection.send_text(bytes(30 << 20))
            await net.stop()
            writer.transport.abort()

    asyncio.run(run())


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
        ({"slot_ms": 0.0}, "slot_ms is 0.0, it may be 1 to 60,000"),
        ({"prepare": -1}, "prepare is -1, it may be 0 to 1,000,000"),
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
        endpoints=2,
        rate=None,
        faults=(FaultPlan(loss=0.5),),
        venues=("pumpswap",),
        snapshot=tmp_path,
        programs={"x": tmp_path},
        regions=2,
        engine_faults=(EngineFaults(land_slots=3, drop=0.5),),
        uuids=("a", "b"),
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
                await net.set_faults(1, FaultPlan(delay_ms=1, jitter_ms=3, disconnect_every_s=100))
                assert await net.advance(2) == slot + 2
                await net.write(TOKEN, WHIRLPOOL, b"told")
                assert json.loads(await ws.recv())["params"]["result"]["context"]["slot"] == slot + 2
                assert [data for _, _, data in await net.history(TOKEN)] == [b"lost", b"told"]
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
            await net.stop()
            with pytest.raises(PhantomError, match="the local net does not answer"):
                await net.stats()

    asyncio.run(run())


def test_another_process_that_cannot_start_says_why() -> None:
    async def run() -> None:
        with pytest.raises(PhantomError, match=r"did not start: source nothing\.gz does not exist"):
            await LocalNetProcess(NetSettings(source="nothing.gz")).start()

    asyncio.run(run())
