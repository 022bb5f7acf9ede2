"""Loopback servers for the network submitter: every connection runs a script in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

OK = "2id3YC2jK9G5Wo2phDx4gJVAew8DcY5NAojnVuao8rkx"


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: Any


class Connection:
    """The server's side of one connection."""

    def __init__(self, server: DispatchServer, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.number = server.connections
        self._buffer = b""

    def request(self) -> Request | None:
        """Read one request; None if the client has closed."""
        try:
            while b"\r\n\r\n" not in self._buffer:
                self._more()
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            length = int(headers["content-length"])
            self._buffer = rest
            while len(self._buffer) < length:
                self._more()
        except ConnectionError:
            return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        request = Request(first.split(" ")[1], headers, json.loads(body))
        self.server.requests.put(request)
        return request

    def raw(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, value: Any, status: int = 200, headers: str = "") -> None:
        """Answer with a JSON-RPC result, or with an `{"error": …}`."""
        content = value if isinstance(value, dict) and "error" in value else {"result": value}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, **content}).encode()
        self.raw(f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body)

    def until_closed(self) -> None:
        """Return when the client has closed."""
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionResetError
        self._buffer += data


Script = Callable[[Connection], None]


def answering(value: Any = OK, status: int = 200, headers: str = "") -> Script:
    """Return the script that answers every request alike."""

    def script(connection: Connection) -> None:
        while connection.request() is not None:
            connection.answer(value, status, headers)

    return script


def once(data: bytes) -> Script:
    """Return the script that reads a request and sends these bytes, then waits for the client to close."""

    def script(connection: Connection) -> None:
        if connection.request() is not None:
            connection.raw(data)
            connection.until_closed()

    return script


class _Requests:
    """The requests that came, which a test may wait for."""

    def __init__(self) -> None:
        self._all: list[Request] = []
        self._changed = threading.Condition()

    def put(self, request: Request) -> None:
        with self._changed:
            self._all.append(request)
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, index: int) -> Request:
        return self._all[index]

    def wait(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._all) >= count, 20)


class DispatchServer:
    """A listener on 127.0.0.1."""

    def __init__(self, script: Script | None = None, context: ssl.SSLContext | None = None) -> None:
        self.script = script or answering()
        self.requests = _Requests()
        self.connections = 0
        self.ended = threading.Semaphore(0)
        self.accepted = threading.Semaphore(0)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        if self._context:
            return f"https://localhost:{self.port}"
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(20)
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._context:
                sock = self._context.wrap_socket(sock, server_side=True)
            self.connections += 1
            self.accepted.release()
            self.script(Connection(self, sock))
        except (OSError, ValueError):
            pass  # the client has gone, or refused our certificate
        finally:
            sock.close()
            self.ended.release()


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def http2(*, refuse_first: bool = False, body: bytes | None = None, go_away: bool = False) -> Script:
    """Return the script of an HTTP/2 server, as small as can be: it reads frames and no header.

    Args:
        refuse_first: Refuse the first stream, as a server does that has not looked at it.
        body: What to answer; a JSON-RPC result by default.
        go_away: Close the connection once a request is in.
    """

    def script(connection: Connection) -> None:
        sock = connection.sock
        stream = sock.makefile("rb")
        assert stream.read(24) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        connection.raw(_frame(4, 0, 0))
        is_refusing = refuse_first and connection.number == 1
        data = b""
        while len(head := stream.read(9)) == 9:
            payload = stream.read(int.from_bytes(head[:3], "big"))
            kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
            if kind == 4 and not flags & 1:
                connection.raw(_frame(4, 1, 0))
            elif kind == 6 and not flags & 1:
                connection.raw(_frame(6, 1, 0, payload))
            elif kind == 1 and is_refusing:
                connection.raw(_frame(3, 0, number, (7).to_bytes(4, "big")))
                is_refusing = False
            elif kind == 0:
                data += payload
                if flags & 1:
                    connection.server.requests.put(Request("", {}, json.loads(data)))
                    data = b""
                    if go_away:
                        return
                    text = body or json.dumps({"jsonrpc": "2.0", "id": 1, "result": OK}).encode()
                    connection.raw(_frame(1, 4, number, b"\x88"))  # :status 200, of the static table
                    for at in range(0, len(text), 16384):
                        piece = text[at : at + 16384]
                        connection.raw(_frame(0, int(at + 16384 >= len(text)), number, piece))

    return script
