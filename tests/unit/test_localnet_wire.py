"""HTTP and WebSocket on one port, byte by byte."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("solders")

from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.wire.frames import (
    CLOSE,
    MAX_MESSAGE_BYTES,
    PING,
    TEXT,
    FrameError,
    FrameReader,
    accept_key,
    frame,
)

SETTINGS = NetSettings(source="empty", slot_ms=None)
HEALTH = b'{"jsonrpc":"2.0","id":1,"method":"getHealth"}'


def masked(
    payload: bytes, opcode: int = TEXT, *, final: bool = True, mask: bytes = b"\x01\x02\x03\x04"
) -> bytes:
    """Return a client's frame."""
    length = len(payload)
    if length < 126:
        head = bytes((opcode | (0x80 if final else 0), 0x80 | length))
    elif length < 1 << 16:
        head = bytes((opcode | (0x80 if final else 0), 0xFE)) + length.to_bytes(2, "big")
    else:
        head = bytes((opcode | (0x80 if final else 0), 0xFF)) + length.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


# ---- frames


def test_accept_key_is_the_one_of_the_standards_example() -> None:
    assert accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@given(
    st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    st.binary(min_size=4, max_size=4),
    st.integers(1, 50),
)
def test_messages_are_read_whatever_the_pieces(payloads: list[bytes], mask: bytes, piece: int) -> None:
    stream = b"".join(masked(payload, mask=mask) for payload in payloads)
    reader, found = FrameReader(), []
    for at in range(0, len(stream), piece):
        found += [payload for _, payload in reader.feed(stream[at : at + piece])]
    assert found == payloads


def test_fragments_are_joined_and_control_frames_come_in_between() -> None:
    stream = masked(b"ab", final=False) + masked(b"x", PING) + masked(b"cd", 0)
    assert list(FrameReader().feed(stream)) == [(PING, b"x"), (TEXT, b"abcd")]


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_lengths_of_all_three_kinds(length: int) -> None:
    assert list(FrameReader().feed(masked(bytes(length)))) == [(TEXT, bytes(length))]
    sent = frame(bytes(length))
    assert sent[0] == 0x81
    assert len(sent) - length == (2 if length < 126 else 4 if length < 65_536 else 10)


@pytest.mark.parametrize(
    "stream",
    [
        frame(b"not masked"),
        bytes((0xC1, 0x80)) + bytes(4),
        masked(b"", 0),
        masked(b"a", final=False) + masked(b"b"),
        masked(bytes(126), PING),
        masked(b"", PING, final=False),
        bytes((0x81, 0xFF)) + (MAX_MESSAGE_BYTES + 1).to_bytes(8, "big"),
        masked(bytes(MAX_MESSAGE_BYTES), final=False) + masked(b"b", 0),
    ],
)
def test_broken_frames_are_refused(stream: bytes) -> None:
    with pytest.raises(FrameError):
        list(FrameReader().feed(stream))


@given(st.binary(max_size=200))
def test_any_bytes_give_messages_or_a_frame_error(stream: bytes) -> None:
    with contextlib.suppress(FrameError):
        assert all(isinstance(payload, bytes) for _, payload in FrameReader().feed(stream))


# ---- HTTP


def talk(test: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
    """Run a test on an open connection to an endpoint."""

    async def run() -> None:
        async with LocalNet(SETTINGS) as net, asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", net.endpoints[0].http_port)
            await test(reader, writer)
            writer.close()

    asyncio.run(run())


def post(body: bytes, *headers: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


def test_a_connection_is_kept_and_pipelined_requests_are_answered_in_order() -> None:
    async def test(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests = [HEALTH.replace(b'"id":1', b'"id":%d' % number) for number in range(3)]
        whole = b"".join(post(each) for each in requests)
        for at in range(0, len(whole), 7):
            writer.write(whole[at : at + 7])
            await asyncio.sleep(0)
        for number in range(3):
            status, headers, body = await answer(reader)
            assert (status, headers["connection"]) == (200, "keep-alive")
            assert json.loads(body) == {"jsonrpc": "2.0", "result": "ok", "id": number}

    talk(test)


def test_a_connection_is_closed_when_the_client_wants_it() -> None:
    async def test(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(HEALTH, "Connection: close"))
        assert (await answer(reader))[1]["connection"] == "close"
        assert await reader.read() == b""

    talk(test)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"PUT / HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", 400),
        (b"A" * 20_000, 431),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(request_bytes: bytes, status: int) -> None:
    async def test(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(request_bytes)
        assert (await answer(reader))[0] == status
        assert await reader.read() == b""

    talk(test)


def test_health_is_a_get_as_load_balancers_ask_it() -> None:
    async def test(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET /health HTTP/1.1\r\n\r\n")
        assert (await answer(reader))[2] == b"ok"

    talk(test)


def test_both_ports_upgrade_and_close_as_the_protocol_has_it() -> None:
    async def run() -> None:
        async with LocalNet(SETTINGS) as net, asyncio.timeout(10):
            for port in (net.endpoints[0].http_port, net.endpoints[0].http_port + 1):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                key = base64.b64encode(os.urandom(16))
                handshake = (
                    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: %b\r\nSec-WebSocket-Version: 13\r\n\r\n" % key
                )
                writer.write(handshake + masked(b"hello", PING))
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 101 ")
                assert accept_key(key) in head
                assert await reader.readexactly(7) == b"\x8a\x05hello"
                writer.write(masked(b'{"id":1,"method":"slotSubscribe"}'))
                number = net.endpoints[0].subscriptions.next_number
                confirmed = frame(b'{"jsonrpc":"2.0","result":%d,"id":1}' % number)
                assert await reader.readexactly(len(confirmed)) == confirmed
                writer.write(masked((1000).to_bytes(2, "big"), CLOSE))
                rest = await reader.read()
                assert rest.endswith(frame((1000).to_bytes(2, "big"), CLOSE))
                writer.close()

    asyncio.run(run())
