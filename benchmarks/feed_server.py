"""Loopback server of `benchmarks/feed.py`, in a process of its own, ended with its parent.

It confirms `accountSubscribe` with the numbers 1, 2, 3 … in order and answers any other subscription too.
Once `ACCOUNTS` accounts are subscribed on each of the connections, it sends the same account writes to all:
distinct states of 1 kB in rising slots, as three providers of one chain would.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import subprocess
import sys
import time
from typing import cast

ACCOUNTS = 200
WRITES_PER_SLOT = 500
OWNER = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
NO_TIME = 10**18
STAMP = b"%d" % NO_TIME
"""Place of the send time, in `lamports`: 19 digits, nanoseconds added to a 1 with 18 zeros."""
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def addresses() -> list[str]:
    """Return the accounts."""
    rng = random.Random(5)
    found = []
    for _ in range(ACCOUNTS):
        number, text = int.from_bytes(b"\x01" + rng.randbytes(31)), ""
        while number:
            number, digit = divmod(number, 58)
            text = _ALPHABET[digit] + text
        found.append(text)
    return found


def writes(count: int) -> list[tuple[bytes, bytes]]:
    """Return frames of account notifications, each as what comes before and after its time."""
    rng = random.Random(7)
    frames = []
    for index in range(count):
        data = base64.b64encode(rng.randbytes(560)).decode()
        account = {"lamports": int(STAMP), "data": [data, "base64"], "owner": OWNER, "executable": False}
        result = {
            "context": {"apiVersion": "2.3.6", "slot": 300_000_000 + index // WRITES_PER_SLOT},
            "value": account | {"rentEpoch": 18446744073709551615, "space": 560},
        }
        params = {"result": result, "subscription": index % ACCOUNTS + 1}
        message = {"jsonrpc": "2.0", "method": "accountNotification", "params": params}
        text = json.dumps(message, separators=(",", ":")).encode()
        head, tail = (b"\x81\x7e" + len(text).to_bytes(2) + text).split(STAMP)
        frames.append((head, tail))
    return frames


class Server:
    """Waits until all connections are ready, then sends."""

    def __init__(self, connections: int, count: int, per_second: float) -> None:
        self.connections = connections
        self.frames = writes(count)
        self.joined = [head + STAMP + tail for head, tail in self.frames]
        self.per_second = per_second
        self.ready: list[Connection] = []

    def is_ready(self, connection: Connection) -> None:
        self.ready.append(connection)
        if len(self.ready) == self.connections:
            ready, self.ready = self.ready, []
            self.task = asyncio.ensure_future(self.paced(ready) if self.per_second else self.flood(ready))

    async def flood(self, connections: list[Connection]) -> None:
        await asyncio.gather(*(self.flood_one(one) for one in connections))

    async def flood_one(self, connection: Connection) -> None:
        for start in range(0, len(self.joined), 64):
            await connection.writable.wait()
            connection.transport.write(b"".join(self.joined[start : start + 64]))
            await asyncio.sleep(0)

    async def paced(self, connections: list[Connection]) -> None:
        """Send every write to all connections at its time; a time is taken just before its frame is sent."""
        per_turn, begin = 4, time.perf_counter()
        for start in range(0, len(self.frames), per_turn):
            due = begin + start * len(connections) / self.per_second
            while time.perf_counter() < due:
                await asyncio.sleep(0)
            sent = b"%d" % (NO_TIME + time.monotonic_ns())
            burst = b"".join(head + sent + tail for head, tail in self.frames[start : start + per_turn])
            for connection in connections:
                connection.transport.write(burst)


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.buffer = b""
        self.is_open = False
        self.accounts = 0
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop has a class of its own

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.is_open:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self.buffer, self.is_open = rest, True
            lines = head.lower().split(b"\r\n")
            at = next(i for i, line in enumerate(lines) if line.startswith(b"sec-websocket-key:"))
            key = head.split(b"\r\n")[at].split(b":")[1].strip()
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
        while (message := self.take()) is not None:
            if message:
                self.answer(json.loads(message))

    def take(self) -> bytes | None:
        """Return the next message, empty for a control frame, None if there is no whole frame."""
        buffer = self.buffer
        if len(buffer) < 6:
            return None
        size, start = buffer[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4]), 4
        end = start + 4 + size
        if len(buffer) < end:
            return None
        mask, payload = buffer[start : start + 4], buffer[start + 4 : end]
        self.buffer = buffer[end:]
        if buffer[0] & 15 != 1:
            if buffer[0] & 15 == 8:
                self.transport.write(b"\x88\x00")
                self.transport.close()
            return b""
        return bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))

    def answer(self, request: dict[str, object]) -> None:
        is_account = request["method"] == "accountSubscribe"
        self.accounts += is_account
        result = self.accounts if is_account else 1_000_000
        text = json.dumps({"jsonrpc": "2.0", "result": result, "id": request["id"]}).encode()
        self.transport.write(bytes((0x81, len(text))) + text)
        if is_account and self.accounts == ACCOUNTS:
            self.server.is_ready(self)


async def main(connections: int, count: int, per_second: float) -> None:
    loop = asyncio.get_running_loop()
    server = Server(connections, count, per_second)
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # ends when the parent closes the pipe


def start(connections: int, count: int, per_second: float) -> tuple[subprocess.Popen[str], int]:
    """Return the running server and its port; 0 a second: as fast as clients take them."""
    arguments = [sys.executable, __file__, str(connections), str(count), str(per_second)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def stop(process: subprocess.Popen[str]) -> None:
    """End it."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait(10)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
