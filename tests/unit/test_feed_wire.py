"""What comes over the wire, and what happens when it is too much; against a real server on loopback."""

from __future__ import annotations

import asyncio
import zlib

import pytest

from phantom_arbiter.sources.websocket import FeedSettings, account
from phantom_arbiter.sources.ws.settings import MS, SECOND
from shell_fakes import POOL_A
from ws_endpoint import FakeEndpoint, Rig, eventually, notification, run

pytestmark = pytest.mark.timeout(30)


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
        rig = Rig(settings=FeedSettings(behind_bytes=2_000, behind_ns=2 * SECOND))
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            await feed.settled()
            listener = feed._groups["here"]._connections[0]._listener
            assert listener is not None
            assert listener._transport is not None
            listener._transport.underlying_transport.pause_reading()  # as if the loop had no time for it
            await there.clients[0].connection.send("x" * 4_996)
            await eventually(lambda: feed.stats().connections[0].unread_bytes == 5_000)
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
    class BrokenError(Exception):
        pass

    async def scene() -> None:
        rig = Rig()

        def raising(connection: str, frame: bytes) -> None:
            raise BrokenError(connection)

        rig.sink.received = raising  # type: ignore[method-assign]
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            with pytest.raises(BrokenError, match="here/0"):
                await feed.run()

    run(scene)
