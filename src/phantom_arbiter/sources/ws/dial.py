"""Opens the TCP connection under a WebSocket, and lets go of it if the rest fails."""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Protocol

import aiohappyeyeballs

HAPPY_EYEBALLS_S = 0.25
"""Head start of each address of a host before the next is tried too (RFC 8305)."""


class Target(Protocol):
    """Where to; `picows.WSParsedURL` is one."""

    @property
    def host(self) -> str:
        """Name or address."""
        ...

    @property
    def port(self) -> int:
        """TCP port."""
        ...


class Dial:
    """A socket factory for `picows.ws_connect`; as a context manager it ends its socket on an error.

    picows leaves the socket open when it is cancelled while it waits for the handshake.
    """

    def __init__(self, receive_buffer_bytes: int) -> None:
        """Ask the kernel for this receive buffer; it is asked before connecting, so that TCP scales to it."""
        self._receive_buffer_bytes = receive_buffer_bytes
        self._sock: socket.socket | None = None

    async def __call__(self, target: Target) -> socket.socket:
        """Return a connected socket.

        Raises:
            OSError: The host is not known or no address of it answers.
        """
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        self._sock = await aiohappyeyeballs.start_connection(
            addresses,
            happy_eyeballs_delay=HAPPY_EYEBALLS_S,
            interleave=1,
            socket_factory=self._new_socket,
        )
        return self._sock

    def _new_socket(self, address: aiohappyeyeballs.AddrInfoType) -> socket.socket:
        sock = socket.socket(address[0], address[1], address[2])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer_bytes)
        return sock

    def __enter__(self) -> Dial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self._sock is not None:
            try:
                # The transport, if there is one by now, sees the end and closes itself.
                self._sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                self._sock.close()
