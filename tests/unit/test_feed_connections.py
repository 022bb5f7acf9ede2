"""Connections: lost and found, refused, closed; against a real server on loopback, time is the test's."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from typing import Any

import pytest
import trustme

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.websocket import Feed, FeedSettings, account
from phantom_arbiter.sources.ws.settings import MS, SECOND
from shell_fakes import POOL_A, POOL_B, POOL_C
from ws_endpoint import PATIENT, SECRET, FakeEndpoint, Rig, eventually, run

pytestmark = pytest.mark.timeout(30)


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
                while len(rig.sink.messages()) == seen:
                    await asyncio.sleep(0.001)
                await rig.advance(400 * MS)
            assert rig.observer.texts("lost") == []

    run(scene)


def test_endpoint_that_is_down_is_tried_with_backoff_and_found_when_it_returns() -> None:
    async def scene() -> None:
        rig = Rig(settings=PATIENT)
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
                f"endpoint here (ws://localhost:{port}/?api-key=***): refuses the connection; hint: "
            )
            await there.start(port)
            await rig.advance_until(lambda: there.clients, at_most_ns=FeedSettings().reconnect_bound_ns)
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
        rig = Rig(settings=PATIENT)
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


def test_wrong_key_is_one_line_however_many_connections_it_concerns() -> None:
    async def scene() -> None:
        rig = Rig(settings=PATIENT)
        async with FakeEndpoint(status=401) as there:
            feed = rig.feed(there.endpoint(max_subscriptions_per_connection=2))
            feed.subscribe(account(address) for address in (POOL_A, POOL_B, POOL_C))
            async with feed:
                await eventually(lambda: len(there.handshakes) == 3)
                for _ in range(125):
                    await rig.advance(SECOND)
                    await asyncio.sleep(0.001)
                await eventually(lambda: all(one.failures > 1 for one in feed.stats().connections))
                assert len(rig.observer.texts("failed")) == 1
                # Two minutes: each connection waits one to two of them, so it is not tried at full speed.
                assert len(there.handshakes) <= 3 * 3

    run(scene)


def test_endpoints_have_names_of_their_own() -> None:
    async def scene() -> None:
        rig = Rig()
        one = Endpoint(name="one", ws_url=SecretUrl("ws://127.0.0.1:1"))
        with pytest.raises(ConfigError, match="endpoint one is the name of two"):
            rig.feed(one, one)
        by_http = Endpoint(name="http", http_url=SecretUrl("http://127.0.0.1:1"))
        assert rig.feed(by_http).endpoints == []

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


def test_certificate_that_nobody_vouches_for_is_refused_and_one_that_is_verified_is_taken() -> None:
    async def scene() -> None:
        authority, rig = trustme.CA(), Rig()
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(serving)
        async with FakeEndpoint(ssl=serving) as there:
            async with rig.feed(there.endpoint()):
                await eventually(lambda: rig.observer.texts("failed"))
                text = rig.observer.texts("failed")[0]
                assert text.startswith(f"endpoint here (wss://localhost:{there.port}/?api-key=***): ")
                assert "its TLS certificate is not valid" in text
                assert "next try of here/0 in " in text
                assert not there.handshakes  # the key was never sent
            rig.tls = ssl.create_default_context()
            authority.configure_trust(rig.tls)
            async with rig.feed(there.endpoint()) as feed:
                await feed.settled()
            other = Endpoint(name="other", ws_url=SecretUrl(f"wss://127.0.0.1:{there.port}"))
            async with rig.feed(other):  # a certificate, but of another name
                await eventually(lambda: len(rig.observer.texts("failed")) == 2)
                assert "its TLS certificate is not valid" in rig.observer.texts("failed")[1]

    run(scene)


def test_user_and_password_in_the_url_are_sent_as_a_header_and_shown_nowhere() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there:
            url = SecretUrl(f"ws://me:{SECRET}@127.0.0.1:{there.port}/ws")
            async with rig.feed(Endpoint(name="here", ws_url=url)) as feed:
                await feed.settled()
                expected = base64.b64encode(f"me:{SECRET}".encode()).decode()
                assert there.handshakes[0].headers["Authorization"] == f"Basic {expected}"
                assert there.handshakes[0].path == "/ws"
                assert rig.observer.texts("connected") == [
                    f"here/0 is connected to ws://***@127.0.0.1:{there.port}/ws"
                ]

    run(scene)


def test_nothing_secret_is_logged_by_any_library(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, FakeEndpoint(status=302) as moved:
            moved.headers = {"Location": f"ws://localhost:{there.port}/{SECRET}"}
            endpoints = there.endpoint(), moved.endpoint("moved")
            async with Feed(endpoints, rig.sink, clock=rig.clock) as feed:
                feed.subscribe([account(POOL_A)])
                await eventually(lambda: rig.sink.messages() and "moved" in caplog.text)
                there.clients[0].connection.transport.abort()
                await eventually(lambda: "was cut off" in caplog.text)

    caplog.set_level(1)
    for name in ("websockets", "websockets.server"):  # the server's own log of requests
        logging.getLogger(name).disabled = True
    try:
        run(scene)
    finally:
        for name in ("websockets", "websockets.server"):
            logging.getLogger(name).disabled = False
    ours = [record for record in caplog.records if record.name == "phantom_arbiter.sources.websocket"]
    assert [record.levelname for record in ours].count("INFO") == 1
    assert SECRET not in caplog.text


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
