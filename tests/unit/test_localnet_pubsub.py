"""Subscriptions: the bytes that subscribers get, and when."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("solders")
pytest.importorskip("websockets")

from solders.keypair import Keypair
from websockets.asyncio.client import ClientConnection, connect

from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.accounts import SYSTEM_PROGRAM

SETTINGS = NetSettings(source="empty", slot_ms=None)
KEY, OTHER, PROGRAM = (str(Keypair.from_seed(bytes([number]) * 32).pubkey()) for number in (1, 2, 3))
BASE64 = {"encoding": "base64", "commitment": "processed"}


def on_net(
    test: Callable[[LocalNet, ClientConnection], Awaitable[None]], settings: NetSettings = SETTINGS
) -> None:
    """Run a test with a WebSocket to the first endpoint."""

    async def run() -> None:
        async with (
            LocalNet(settings) as net,
            connect(net.endpoints[0].ws_url) as ws,
            asyncio.timeout(20),
        ):
            await test(net, ws)

    asyncio.run(run())


async def request(ws: ClientConnection, method: str, *params: Any) -> Any:
    """Send a request and return its answer; notifications must not come first."""
    await ws.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    return json.loads(await ws.recv())


async def subscribe(ws: ClientConnection, method: str, *params: Any) -> int:
    answer = await request(ws, method, *params)
    assert set(answer) == {"jsonrpc", "result", "id"}
    number: int = answer["result"]
    return number


async def nothing_comes(net: LocalNet, ws: ClientConnection) -> bool:
    """Return whether the next thing to come is the answer to a request made now."""
    await net.quiesce()
    answer = await request(ws, "slotUnsubscribe", 1)
    await net.resume()
    return "error" in answer


def test_account_notifications_are_the_nodes_own_bytes() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        number = await subscribe(ws, "accountSubscribe", KEY, BASE64)
        await net.write(KEY, PROGRAM, b"hello", lamports=77)
        assert await ws.recv(decode=False) == (
            b'{"jsonrpc":"2.0","method":"accountNotification","params":{"result":{"context":{"slot":401000000},'
            b'"value":{"lamports":77,"data":["aGVsbG8=","base64"],"owner":"%b","executable":false,'
            b'"rentEpoch":18446744073709551615,"space":5}},"subscription":%d}}' % (PROGRAM.encode(), number)
        )
        await net.close_account(KEY)
        value = json.loads(await ws.recv())["params"]["result"]["value"]
        assert (value["lamports"], value["owner"], value["data"]) == (0, SYSTEM_PROGRAM, ["", "base64"])
        await net.write(OTHER, PROGRAM, b"not listened to")
        assert await nothing_comes(net, ws)

    on_net(test)


def test_encodings_of_subscriptions_are_their_own() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        import zstandard

        configs = (
            {"encoding": "base64+zstd", "commitment": "processed"},
            {"encoding": "base64", "commitment": "processed", "dataSlice": {"offset": 1, "length": 2}},
            BASE64,
        )
        numbers = [await subscribe(ws, "accountSubscribe", KEY, config) for config in configs]
        await net.write(KEY, PROGRAM, b"hello")
        params = [json.loads(await ws.recv())["params"] for _ in configs]
        assert [each["subscription"] for each in params] == numbers
        texts = [base64.b64decode(each["result"]["value"]["data"][0]) for each in params]
        assert zstandard.ZstdDecompressor().decompress(texts[0]) == b"hello"
        assert texts[1:] == [b"el", b"hello"]

    on_net(test)


def test_program_notifications_are_filtered_and_name_the_account() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        filters = [
            {"dataSize": 5},
            {"memcmp": {"offset": 1, "bytes": base64.b64encode(b"e").decode(), "encoding": "base64"}},
        ]
        number = await subscribe(ws, "programSubscribe", PROGRAM, {**BASE64, "filters": filters})
        for data in (b"too long", b"hullo", b"hello"):
            await net.write(KEY, PROGRAM, data)
        params = json.loads(await ws.recv())["params"]
        assert params["subscription"] == number
        assert params["result"]["value"]["pubkey"] == KEY
        assert params["result"]["value"]["account"]["data"] == ["aGVsbG8=", "base64"]
        assert await nothing_comes(net, ws)

    on_net(test)


def test_slots_and_roots() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        await subscribe(ws, "slotSubscribe")
        await subscribe(ws, "rootSubscribe")
        await net.advance(40)
        messages = [json.loads(await ws.recv()) for _ in range(80)]
        slots = [each["params"]["result"] for each in messages if each["method"] == "slotNotification"]
        roots = [each["params"]["result"] for each in messages if each["method"] == "rootNotification"]
        first = net.bank.settings.first_slot
        assert slots[0] == {"slot": first + 1, "parent": first, "root": first}
        assert slots[-1] == {"slot": first + 40, "parent": first + 39, "root": first + 8}
        assert roots[-1] == first + 8

    on_net(test)


def test_surer_commitments_get_the_last_write_of_a_slot_once_it_is_reached() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        confirmed = await subscribe(
            ws, "accountSubscribe", KEY, {"encoding": "base64", "commitment": "confirmed"}
        )
        final = await subscribe(ws, "programSubscribe", PROGRAM, {"encoding": "base64"})
        for text in (b"one", b"two"):
            await net.write(KEY, PROGRAM, text)
        assert await nothing_comes(net, ws)
        slot = net.bank.slot
        await net.advance()
        first = json.loads(await ws.recv())["params"]
        assert (first["subscription"], first["result"]["context"]["slot"]) == (confirmed, slot)
        assert first["result"]["value"]["data"] == ["dHdv", "base64"]
        await net.advance(31)
        second = json.loads(await ws.recv())["params"]
        assert (second["subscription"], second["result"]["context"]["slot"]) == (final, slot)
        assert await nothing_comes(net, ws)

    on_net(test)


def test_logs_are_told_to_all_or_to_whom_they_mention() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        everything = await subscribe(ws, "logsSubscribe", "all", {"commitment": "processed"})
        mine = await subscribe(ws, "logsSubscribe", {"mentions": [KEY]}, {"commitment": "processed"})
        await subscribe(ws, "logsSubscribe", {"mentions": [OTHER]}, {"commitment": "processed"})
        signature = _airdrop(net)
        messages = [json.loads(await ws.recv())["params"] for _ in range(2)]
        assert [each["subscription"] for each in messages] == [everything, mine]
        value = messages[0]["result"]["value"]
        assert (value["signature"], value["err"]) == (signature, None)
        assert value["logs"][0].startswith("Program ")
        assert await nothing_comes(net, ws)
        refused = await request(ws, "logsSubscribe", {"mentions": [KEY, OTHER]})
        assert refused["error"] == {"code": -32602, "message": "Invalid params: Only 1 address supported"}

    on_net(test)


def test_a_signature_is_told_once_also_to_who_comes_late() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        signature = _airdrop(net)
        final = await subscribe(ws, "signatureSubscribe", signature)
        late = await subscribe(ws, "signatureSubscribe", signature, {"commitment": "processed"})
        message = json.loads(await ws.recv())
        assert message["method"] == "signatureNotification"
        assert message["params"] == {
            "result": {"context": {"slot": net.bank.slot}, "value": {"err": None}},
            "subscription": late,
        }
        await net.advance(32)
        assert json.loads(await ws.recv())["params"]["subscription"] == final
        await net.advance(5)
        assert await nothing_comes(net, ws)
        assert len(net.endpoints[0].subscriptions) == 0

    on_net(test)


def _airdrop(net: LocalNet) -> str:
    from phantom_arbiter.localnet.rpc import dispatch

    signature: str = dispatch.call(net.endpoints[0].view, "requestAirdrop", [KEY, 10**9])
    return signature


def test_unsubscribing_ends_it_and_only_its_own_connection_may() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        number = await subscribe(ws, "accountSubscribe", KEY, BASE64)
        async with connect(net.endpoints[0].ws_url) as other:
            refused = await request(other, "accountUnsubscribe", number)
            assert refused["error"] == {"code": -32602, "message": "Invalid subscription id."}
        assert (await request(ws, "programUnsubscribe", number))["error"]["code"] == -32602
        assert (await request(ws, "accountUnsubscribe", number))["result"] is True
        assert (await request(ws, "accountUnsubscribe", number))["error"]["code"] == -32602
        await net.write(KEY, PROGRAM, b"x")
        assert await nothing_comes(net, ws)

    on_net(test)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("getSlot", [], -32601),
        ("blockSubscribe", ["all"], -32601),
        ("Subscribe", [], -32601),
        ("accountSubscribe", [], -32602),
        ("accountSubscribe", ["x"], -32602),
        ("accountSubscribe", [KEY, {"encoding": "hex"}], -32602),
        ("programSubscribe", [PROGRAM, {"filters": [{}]}], -32602),
        ("logsSubscribe", [], -32602),
        ("logsSubscribe", [5], -32602),
        ("signatureSubscribe", [5], -32602),
        ("accountUnsubscribe", ["1"], -32602),
    ],
)
def test_wrong_requests_are_refused_and_the_connection_stays(
    method: str, params: list[Any], code: int
) -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        answer = await request(ws, method, *params)
        assert answer["error"]["code"] == code
        assert (await request(ws, "slotSubscribe"))["result"] > 0

    on_net(test)


def test_batches_garbage_and_heartbeats_from_clients() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        await ws.send('{"jsonrpc":"2.0","method":"ping"}')
        await ws.send("{nonsense")
        assert json.loads(await ws.recv())["error"]["code"] == -32700
        await ws.send(
            json.dumps([{"id": 1, "method": "slotSubscribe"}, {"id": 2, "method": "rootSubscribe"}])
        )
        assert [each["id"] for each in json.loads(await ws.recv())] == [1, 2]
        await (await ws.ping())

    on_net(test)


def test_a_closed_connection_leaves_nothing_behind() -> None:
    async def test(net: LocalNet, ws: ClientConnection) -> None:
        async with connect(net.endpoints[0].ws_url) as other:
            await subscribe(other, "accountSubscribe", KEY, BASE64)
        await ws.close()
        while (await net.stats())["endpoints"][0]["connections"]:
            await asyncio.sleep(0)
        await net.write(KEY, PROGRAM, b"x")
        assert len(net.endpoints[0].subscriptions) == 0

    on_net(test)


def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phantom_arbiter.localnet.endpoint.MAX_WAITING_BYTES", 1 << 20)

    async def test(net: LocalNet, ws: ClientConnection) -> None:
        await subscribe(ws, "accountSubscribe", KEY, BASE64)
        while not net.endpoints[0].overrun:
            for _ in range(50):
                await net.write(KEY, PROGRAM, bytes(50_000))
            await asyncio.sleep(0)
            await net.advance()
        assert (await net.stats())["endpoints"][0]["overrun"] == 1

    on_net(test)
