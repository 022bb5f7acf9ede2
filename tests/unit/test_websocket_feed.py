"""The life of connections, against a real server on loopback; time is the test's."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from phantom_arbiter.sources.sink import AggregatorSink
from phantom_arbiter.sources.websocket import FeedSettings, account, logs, program
from phantom_arbiter.sources.ws.settings import MS, SECOND
from phantom_core import WssAggregator
from shell_fakes import POOL_A, POOL_B, POOL_C, USDC, WSOL
from ws_endpoint import SECRET, FakeEndpoint, Rig, eventually, notification

pytestmark = pytest.mark.timeout(30)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(25):
            await scene()

    asyncio.run(bounded())


# ---- subscribe, confirm, cancel


def test_subscribes_slots_and_everything_asked_with_the_endpoints_commitment() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint(commitment="confirmed")) as feed:
            feed.subscribe([account(POOL_A), program(USDC, [{"dataSize": 165}]), logs(), logs(POOL_B)])
            await feed.settled()
            asked = [(one["method"], one["params"]) for one in there.clients[0].requests]
            options = {"encoding": "base64", "commitment": "confirmed"}
            assert asked == [
                ("slotSubscribe", []),
                ("accountSubscribe", [POOL_A, options]),
                ("programSubscribe", [USDC, options | {"filters": [{"dataSize": 165}]}]),
                ("logsSubscribe", ["all", {"commitment": "confirmed"}]),
                ("logsSubscribe", [{"mentions": [POOL_B]}, {"commitment": "confirmed"}]),
            ]
            [stats] = feed.stats().connections
            assert (stats.wanted, stats.confirmed, stats.is_open) == (5, 5, True)
            # The sink hears of a request before its answer can come.
            sent = [frame for kind, _, frame in rig.sink.calls if kind == "sent"]
            assert [json.loads(frame)["method"] for frame in sent] == [method for method, _ in asked]
            assert rig.sink.calls[0] == ("connected", "here/0", b"")

    run(scene)


def test_messages_reach_an_aggregator_that_understands_them() -> None:
    async def scene() -> None:
        rig, news = Rig(), list[Any]()
        aggregator = WssAggregator()
        sink = AggregatorSink(aggregator, news.extend)
        async with FakeEndpoint() as there, rig.feed(there.endpoint(), sink=sink) as feed:
            feed.subscribe([account(POOL_A), account(POOL_B)])
            await feed.settled()
            await there.notify(there.clients[0], slot=7)
            await eventually(lambda: len(news) == 2)
            assert [(one.pubkey, one.slot) for one in news] == [(POOL_A, 7), (POOL_B, 7)]
            assert aggregator.stats().endpoints[0].name == "here/0"
            assert aggregator.stats().endpoints[0].malformed == {}

    run(scene)


def test_refused_subscription_is_reported_and_asked_again_with_growing_delays() -> None:
    async def scene() -> None:
        rig, asked_at = Rig(), list[int]()

        def refuse_four_times(method: str, params: list[Any]) -> dict[str, Any]:
            if method == "slotSubscribe":
                return {}
            asked_at.append(rig.clock.now_ns())
            return {} if len(asked_at) > 4 else {"code": -32602, "message": f"bad key {SECRET}\nand more"}

        async with FakeEndpoint(refuse_four_times) as there, rig.feed(there.endpoint()) as feed:
            feed.subscribe([account(POOL_A)])
            await rig.advance_until(lambda: len(asked_at) == 5, at_most_ns=16 * SECOND)
            await feed.settled()
            first = rig.observer.texts("refused")[0]
            assert first == (
                f"here/0: refuses accountSubscribe {POOL_A}: -32602 bad key *** and more; asked again later"
            )
            # 1st, 2nd and 4th refusal are told, the count grows.
            assert len(rig.observer.texts("refused")) == 3
            assert feed.stats().connections[0].refused == 4

    run(scene)


def test_unanswered_subscription_is_asked_again_and_its_late_answer_is_not_held_twice() -> None:
    async def scene() -> None:
        rig, silent = Rig(), [True]

        def policy(method: str, params: list[Any]) -> dict[str, Any] | None:
            return None if silent[0] and method == "accountSubscribe" else {}

        async with FakeEndpoint(policy) as there, rig.feed(there.endpoint()) as feed:
            feed.subscribe([account(POOL_A)])
            await eventually(lambda: there.clients and len(there.clients[0].requests) == 2)
            client = there.clients[0]
            silent[0] = False
            for _ in range(11):
                await rig.advance(1 * SECOND)
                await there.beat()
                await asyncio.sleep(0.005)
            await feed.settled()
            assert rig.observer.texts("unanswered") == [
                f"here/0: no answer within 10 s to accountSubscribe {POOL_A}; asked again"
            ]
            first, second = [one for one in client.requests if one["method"] == "accountSubscribe"]
            assert first["id"] != second["id"]
            # The endpoint answers the first one after all: now it would send everything twice.
            await client.connection.send(json.dumps({"jsonrpc": "2.0", "id": first["id"], "result": 777}))
            await eventually(lambda: client.cancelled == [777])
            assert feed.stats().connections[0].unanswered == 1

    run(scene)


def test_answers_that_are_no_answers_are_refusals_or_nothing() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint(lambda *_: None) as there, rig.feed(there.endpoint()) as feed:
            await eventually(lambda: there.clients and there.clients[0].requests)
            client = there.clients[0]
            number = client.requests[0]["id"]
            for text in ("[]", "null", "{", '{"id":true,"result":1}', '{"id":99,"result":1}', "[" * 2_000):
                await client.connection.send(text)
            await client.connection.send(json.dumps({"id": number, "result": "not a number"}))
            await eventually(lambda: rig.observer.texts("refused"))
            assert "an answer without a subscription number" in rig.observer.texts("refused")[0]
            assert len(rig.sink.messages()) == 7  # the sink judges them for itself
            assert feed.stats().connections[0].confirmed == 0

    run(scene)


def test_accounts_are_added_and_removed_while_it_runs() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            feed.subscribe([account(POOL_A), account(POOL_B)])
            await feed.settled()
            client = there.clients[0]
            assert client.subjects() == [POOL_A, POOL_B]
            feed.unsubscribe([account(POOL_A), account(POOL_A), account(USDC)])
            feed.subscribe([account(POOL_C), account(POOL_B)])
            await feed.settled()
            await eventually(lambda: client.subjects() == [POOL_B, POOL_C])
            assert len(client.cancelled) == 1
            # Taken away before its answer came: cancelled as soon as it does.
            feed.subscribe([account(WSOL)])
            feed.unsubscribe([account(WSOL)])
            await eventually(lambda: len(client.cancelled) == 2)
            assert client.subjects() == [POOL_B, POOL_C]

    run(scene)


def test_only_so_many_requests_are_unanswered_at_a_time() -> None:
    async def scene() -> None:
        rig = Rig(settings=FeedSettings(max_unconfirmed=3))
        answers = [False]
        async with (
            FakeEndpoint(lambda *_: {} if answers[0] else None) as there,
            rig.feed(there.endpoint()) as feed,
        ):
            feed.subscribe(account(address) for address in (POOL_A, POOL_B, POOL_C, USDC))
            await eventually(lambda: there.clients and len(there.clients[0].requests) == 3)
            await rig.advance(SECOND)
            await asyncio.sleep(0.02)
            assert len(there.clients[0].requests) == 3
            answers[0] = True
            for request in list(there.clients[0].requests):
                reply = {"jsonrpc": "2.0", "id": request["id"], "result": 500 + request["id"]}
                await there.clients[0].connection.send(json.dumps(reply))
            await feed.settled()
            assert len(there.clients[0].requests) == 5

    run(scene)


def test_requests_keep_to_the_endpoints_rate() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint(requests_per_second=2.0)) as feed:
            feed.subscribe(account(address) for address in (POOL_A, POOL_B, POOL_C, USDC, WSOL))
            await eventually(lambda: there.clients and len(there.clients[0].requests) == 2)
            await rig.advance(SECOND)
            await eventually(lambda: len(there.clients[0].requests) == 4)
            await rig.advance(SECOND)
            await feed.settled()
            assert len(there.clients[0].requests) == 6

    run(scene)


# ---- limits


def test_subscriptions_are_spread_over_connections_and_drawn_together_again() -> None:
    async def scene() -> None:
        rig = Rig()
        addresses = [POOL_A, POOL_B, POOL_C, USDC, WSOL]
        limits = {"max_subscriptions_per_connection": 3, "max_connections": 2}
        async with FakeEndpoint() as there, rig.feed(there.endpoint(**limits)) as feed:
            feed.subscribe(account(address) for address in addresses)
            await feed.settled()
            # Two connections of two accounts and the slots; the fifth account finds no place.
            assert sorted(len(client.subscriptions) for client in there.clients) == [3, 3]
            assert feed.stats().unplaced == {"here": 1}
            assert rig.observer.texts("unplaced") == [
                "endpoint here: no place for 1 of 5 subscriptions on 2 connections of 3, one of which is for "
                "slots; hint: raise max_connections if it allows more"
            ]
            feed.unsubscribe([account(POOL_A)])
            await feed.settled()
            assert feed.stats().unplaced == {}
            held = sorted(subject for client in there.clients for subject in client.subjects())
            await eventually(
                lambda: sorted(s for c in there.clients for s in c.subjects()) == sorted(addresses[1:])
            )
            assert len(held) >= 4
            feed.unsubscribe(account(address) for address in addresses[1:4])
            await eventually(lambda: len(there.clients) == 1)
            assert there.past[0].close_code == 1000
            assert [one.name for one in feed.stats().connections] in (["here/0"], ["here/1"])

    run(scene)


def test_endpoints_are_added_and_removed_while_it_runs() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as one, FakeEndpoint() as other, rig.feed(one.endpoint("one")) as feed:
            feed.subscribe([account(POOL_A)])
            await feed.settled()
            feed.add(other.endpoint("other"))
            await feed.settled()
            assert other.clients[0].subjects() == [POOL_A]
            await feed.remove("one")
            await eventually(lambda: not one.clients)
            assert one.past[0].close_code == 1000
            assert rig.sink.kinds("one/0") == ["connected", "disconnected"]
            assert rig.sink.kinds("other/0") == ["connected"]
            await feed.remove("nobody")

    run(scene)


# ---- loss and return


def test_connection_cut_off_comes_back_and_subscribes_anew() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            feed.subscribe([account(POOL_A)])
            await feed.settled()
            there.clients[0].connection.transport.abort()
            await eventually(lambda: rig.observer.texts("lost"))
            assert rig.observer.texts("lost")[0].startswith("here/0 was cut off; again in 0.")
            assert rig.sink.kinds("here/0") == ["connected", "disconnected"]
            await rig.advance_until(lambda: there.clients, at_most_ns=rig.settings.backoff_base_ns + SECOND)
            await feed.settled()
            assert there.clients[0].subjects() == [POOL_A]
            assert rig.sink.kinds("here/0") == ["connected", "disconnected", "connected"]
            [stats] = feed.stats().connections
            assert (stats.opened, stats.lost, stats.confirmed) == (2, 1, 2)

    run(scene)


def test_closing_by_the_endpoint_is_answered_and_told_with_its_reason() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            await there.clients[0].connection.close(1013, f"try later {SECRET}")
            await eventually(lambda: rig.observer.texts("lost"))
            text = rig.observer.texts("lost")[0]
            assert text.startswith("here/0 was closed by the endpoint, code 1013 (try later ***)")

    run(scene)


def test_half_open_connection_is_found_within_the_bound_and_replaced() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            feed.subscribe([account(POOL_A)])
            await feed.settled()
            dead = there.clients[0].connection.transport
            # Neither reads nor writes nor closes any more, as a peer behind a cut cable.
            assert isinstance(dead, asyncio.Transport)
            dead.pause_reading()
            silent_ns = rig.clock.now_ns()
            await rig.advance_until(
                lambda: rig.observer.texts("lost"), at_most_ns=rig.settings.detection_bound_ns
            )
            found_after_ns = rig.clock.now_ns() - silent_ns
            assert rig.settings.idle_ns + rig.settings.pong_timeout_ns <= found_after_ns
            assert "fell silent: nothing for 10" in rig.observer.texts("lost")[0]
            await rig.advance_until(
                lambda: len(there.clients) == 2 and there.clients[1].subjects(), at_most_ns=SECOND
            )
            assert rig.sink.kinds("here/0") == ["connected", "disconnected", "connected"]
            dead.abort()

    run(scene)


def test_endpoint_that_answers_pings_but_tells_of_no_slot_is_left() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            await rig.advance_until(
                lambda: rig.observer.texts("lost"), at_most_ns=rig.settings.detection_bound_ns
            )
            assert "stalled: pongs come, but no message for 15.0 s" in rig.observer.texts("lost")[0]

    run(scene)


def test_connection_with_slots_lives_on_without_any_other_message() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            for _ in range(100):
                await there.beat()
                seen = len(rig.sink.messages())
                await eventually(lambda seen=seen: len(rig.sink.messages()) > seen)
                await rig.advance(400 * MS)
            assert rig.observer.texts("lost") == []

    run(scene)


def test_endpoint_that_is_down_is_tried_with_backoff_and_found_when_it_returns() -> None:
    async def scene() -> None:
        rig = Rig()
        there = FakeEndpoint()
        await there.start()
        port = there.port
        endpoint = there.endpoint()
        await there.stop()
        async with rig.feed(endpoint) as feed:
            for _ in range(120):
                await rig.advance(500 * MS)
                await asyncio.sleep(0.001)
            [stats] = feed.stats().connections
            # A minute, delays of up to 0.25, 0.5 … 15 s: neither a storm nor given up.
            assert 5 <= stats.failures <= 40
            # One line for one cause.
            [text] = rig.observer.texts("failed")
            assert text.startswith(
                f"endpoint here (ws://localhost:{port}/?api-key=***): refuses the connection; hint: check host"
            )
            await there.start(port)
            await rig.advance_until(lambda: there.clients, at_most_ns=rig.settings.reconnect_bound_ns)
            await feed.settled()
        await there.stop()

    run(scene)


def test_handshake_that_never_ends_is_given_up_and_its_socket_closed() -> None:
    async def scene() -> None:
        rig, accepted, ended = Rig(), list[int](), list[int]()

        async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.append(1)
            await reader.readuntil(b"\r\n\r\n")
            await reader.read()
            ended.append(1)
            writer.close()

        server = await asyncio.start_server(swallow, "127.0.0.1", 0)
        there = FakeEndpoint()
        there._server = server  # type: ignore[assignment]
        async with rig.feed(there.endpoint()):
            await eventually(lambda: accepted)
            await rig.advance_until(lambda: rig.observer.texts("failed"), at_most_ns=11 * SECOND)
            assert "no handshake within 10 s" in rig.observer.texts("failed")[0]
            await eventually(lambda: ended)
        server.close()
        await server.wait_closed()

    run(scene)


# ---- answers that forbid


@pytest.mark.parametrize(
    ("status", "headers", "said", "least_s"),
    [
        (401, {}, "answers 401 Unauthorized; hint: check its key", 60),
        (403, {}, "answers 403 Forbidden; hint: check its key", 60),
        (404, {}, "answers 404 Not Found; hint: check ws_url", 60),
        (302, {"Location": "ws://127.0.0.1:1/stolen"}, "answers 302 Found: redirects are refused", 60),
        (429, {"Retry-After": "33"}, "answers 429 Too Many Requests", 33),
        (429, {}, "answers 429 Too Many Requests", 15),
    ],
)
def test_answer_that_waiting_does_not_cure_is_not_tried_at_full_speed(
    status: int, headers: dict[str, str], said: str, least_s: int
) -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint(status=status) as there:
            there.headers = headers
            async with rig.feed(there.endpoint()):
                await eventually(lambda: rig.observer.texts("failed"))
                text = rig.observer.texts("failed")[0]
                assert text.startswith(f"endpoint here (ws://localhost:{there.port}/?api-key=***): {said}")
                await rig.advance(least_s * SECOND - SECOND)
                await asyncio.sleep(0.02)
                assert len(there.handshakes) == 1
                await rig.advance_until(lambda: len(there.handshakes) == 2, at_most_ns=(least_s + 2) * SECOND)
                assert len(rig.observer.texts("failed")) == 1  # one line for one cause

    run(scene)


def test_busy_endpoint_is_tried_again_soon() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint(status=503) as there, rig.feed(there.endpoint()) as feed:
            await eventually(lambda: rig.observer.texts("failed"))
            there.status = 101
            await rig.advance_until(lambda: there.clients, at_most_ns=SECOND)
            await feed.settled()

    run(scene)


def test_unknown_host_and_no_websocket_are_told_in_one_line() -> None:
    async def scene() -> None:
        rig = Rig()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"SSH-2.0 what is {SECRET}\r\n\r\n".encode())
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        there = FakeEndpoint()
        there._server = server  # type: ignore[assignment]
        async with rig.feed(there.endpoint()):
            await eventually(lambda: rig.observer.texts("failed"))
            text = rig.observer.texts("failed")[0]
            assert "no WebSocket there: " in text
        server.close()
        await server.wait_closed()

    run(scene)


# ---- bad input


def test_message_larger_than_the_bound_ends_the_connection() -> None:
    async def scene() -> None:
        rig = Rig(settings=FeedSettings(max_message_bytes=10_000))
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            await there.clients[0].connection.send("x" * 10_000)
            await eventually(lambda: len(rig.sink.messages()) == 2)
            await there.clients[0].connection.send("x" * 10_001)
            await eventually(lambda: rig.observer.texts("lost"))
            text = rig.observer.texts("lost")[0]
            assert "sent a message of more than 10,000 bytes" in text or "broke the protocol" in text
            assert len(rig.sink.messages()) == 2

    run(scene)


def test_fragmented_message_is_joined_and_bounded() -> None:
    async def scene() -> None:
        rig = Rig(settings=FeedSettings(max_message_bytes=1_000))
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            await there.clients[0].connection.send(["a" * 200, "b" * 10, "c" * 300])
            await there.clients[0].connection.send("plain " * 50)
            await eventually(lambda: len(rig.sink.messages()) == 3)
            assert rig.sink.messages()[1:] == [
                b"a" * 200 + b"b" * 10 + b"c" * 300,
                b"plain " * 50,
            ]
            await there.clients[0].connection.send(["d" * 600] * 2)
            await eventually(lambda: rig.observer.texts("lost"))
            assert "sent a message of more than 1,000 bytes" in rig.observer.texts("lost")[0]
            assert len(rig.sink.messages()) == 3

    run(scene)


def test_pings_of_the_endpoint_are_answered() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            answered = await there.clients[0].connection.ping(b"are you there")
            assert await answered >= 0

    run(scene)


@pytest.mark.parametrize("compression", ["deflate", None])
def test_compression_is_used_where_offered_and_missed_where_not(compression: str | None) -> None:
    async def scene() -> None:
        rig = Rig()
        async with (
            FakeEndpoint(compression=compression) as there,
            rig.feed(there.endpoint(compression=True)) as feed,
        ):
            feed.subscribe([account(POOL_A)])
            await feed.settled()
            texts = [notification(9, POOL_A, slot=slot, data="QUJD" * 200) for slot in range(20)]
            for text in texts:
                await there.clients[0].connection.send(text)
            await eventually(lambda: len(rig.sink.messages()) == 22)
            assert rig.sink.messages()[2:] == [text.encode() for text in texts]
            assert "permessage-deflate" in there.handshakes[0].headers["Sec-WebSocket-Extensions"]

    run(scene)


def test_compressed_bomb_is_not_unpacked() -> None:
    async def scene() -> None:
        rig = Rig(settings=FeedSettings(max_message_bytes=100_000))
        async with (
            FakeEndpoint(compression="deflate") as there,
            rig.feed(there.endpoint(compression=True)) as feed,
        ):
            await feed.settled()
            assert len(zlib.compress(b"0" * 50_000_000)) < 100_000
            await there.clients[0].connection.send("0" * 50_000_000)
            await eventually(lambda: rig.observer.texts("lost"))
            assert "holds more than 100,000 bytes" in rig.observer.texts("lost")[0]

    run(scene)


def test_no_compression_is_asked_for_by_default() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint(compression="deflate") as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            assert "Sec-WebSocket-Extensions" not in there.handshakes[0].headers

    run(scene)


# ---- back-pressure and failure inside


def test_connection_that_stays_behind_is_begun_anew_and_told() -> None:
    async def scene() -> None:
        rig = Rig(settings=FeedSettings(behind_bytes=1, behind_ns=2 * SECOND))
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            connection = feed._groups["here"]._connections[0]  # the kernel's buffer cannot be held full
            assert connection._listener is not None
            connection._listener.unread_bytes = lambda: 5_000  # type: ignore[method-assign]
            await rig.advance_until(lambda: rig.observer.texts("behind"), at_most_ns=3 * SECOND)
            assert rig.observer.texts("behind") == [
                "here/0 is behind: 5,000 bytes or more lay unread for 2.0 s; they are dropped, "
                "state is to be read anew"
            ]
            await rig.advance_until(lambda: feed.stats().connections[0].opened == 2, at_most_ns=2 * SECOND)
            assert feed.stats().connections[0].shed == 1
            assert rig.sink.kinds("here/0") == ["connected", "disconnected", "connected"]

    run(scene)


def test_loop_held_up_is_measured_and_reported_once_in_ten_seconds() -> None:
    async def scene() -> None:
        rig = Rig()
        async with rig.feed() as feed:
            for _ in range(3):
                await asyncio.sleep(0)
                rig.clock.advance(rig.settings.tick_ns + 300 * MS)
                await asyncio.sleep(0)
            assert rig.observer.texts("lagging") == [
                "the event loop was held up for 300 ms, frames waited so long"
            ]
            assert feed.stats().worst_lag_ns == 300 * MS

    run(scene)


def test_error_of_the_sink_ends_the_feed_with_that_error() -> None:
    class Broken(Exception):
        pass

    async def scene() -> None:
        rig = Rig()

        def raising(connection: str, frame: bytes) -> None:
            raise Broken(connection)

        rig.sink.received = raising  # type: ignore[method-assign]
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            with pytest.raises(Broken, match="here/0"):
                await feed.run()

    run(scene)


# ---- the end


def test_stop_closes_with_a_handshake_and_ends_run() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there:
            feed = rig.feed(there.endpoint())
            await feed.start()
            running = asyncio.ensure_future(feed.run())
            await feed.settled()
            await feed.stop()
            await running
            await eventually(lambda: there.past)
            assert there.past[0].close_code == 1000
            assert rig.sink.kinds("here/0") == ["connected", "disconnected"]
            assert rig.observer.texts("lost") == []

    run(scene)


def test_stop_does_not_wait_longer_than_its_deadline_for_an_endpoint_that_hangs() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there:
            feed = rig.feed(there.endpoint())
            await feed.start()
            await feed.settled()
            dead = there.clients[0].connection.transport
            assert isinstance(dead, asyncio.Transport)
            dead.pause_reading()
            stopping = asyncio.ensure_future(feed.stop())
            await eventually(lambda: rig.sink.kinds("here/0")[-1] == "disconnected")
            await rig.advance(rig.settings.close_timeout_ns - rig.settings.tick_ns)
            assert not stopping.done()
            await rig.advance(rig.settings.tick_ns)
            await stopping
            dead.abort()

    run(scene)


def test_stop_works_in_every_state() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint(status=503) as busy, FakeEndpoint() as there:
            for turns in range(40):
                feed = rig.feed(there.endpoint("there"), busy.endpoint("busy"))
                await feed.start()
                feed.subscribe([account(POOL_A)])
                for _ in range(turns):
                    await asyncio.sleep(0)
                await feed.stop()
                kinds = rig.sink.kinds("there/0")
                assert kinds == ["connected", "disconnected"] * (len(kinds) // 2)
            await eventually(lambda: not there.clients)

    run(scene)


def test_first_message_in_the_packet_of_the_handshake_is_not_lost() -> None:
    async def scene() -> None:
        rig = Rig()

        class Hasty(FakeEndpoint):
            async def _serve(self, connection: Any) -> None:
                await connection.send("early " * 50)
                await super()._serve(connection)

        async with Hasty() as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            assert rig.sink.messages()[0] == b"early " * 50
            assert rig.sink.calls[0][0] == "connected"

    run(scene)
