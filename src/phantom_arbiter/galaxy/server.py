"""The dashboard as a whole: binds, says where it is and with which token, follows runs, serves."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from phantom_arbiter.config_dashboard import DashboardSettings, read_token
from phantom_arbiter.errors import HintedError
from phantom_arbiter.galaxy.app import Parts, build_app
from phantom_arbiter.galaxy.browser import BrowserSocket
from phantom_arbiter.galaxy.gate import LOOPBACK_NAMES, Access
from phantom_arbiter.galaxy.hub import Hub
from phantom_arbiter.galaxy.link import Link
from phantom_arbiter.galaxy.sweeper import sweep
from phantom_arbiter.galaxy.tokens import new_token

MAX_MESSAGE = 1_024
"""Bytes a browser may send at once."""

MAX_REQUEST_HEAD = 16 * 1024
SPARE_CONNECTIONS = 128
"""For requests, beside the browsers that watch."""


class Dashboard:
    """One dashboard; bound when it is made, so that a port in use is known at once.

    Args:
        settings: Of the dashboard.
        find: Names the socket of the run to follow, if there is any.
        journal: The journal to read before any run has said its own.

    Attributes:
        url: Where it is, without token.
        hub: What it knows.
        connections: uvicorn's, once it serves.

    Raises:
        ConfigError: The token cannot be read.
        HintedError: The port is in use, or the address not this machine's.
    """

    def __init__(
        self, settings: DashboardSettings, find: Callable[[], Path | None], *, journal: Path | None = None
    ) -> None:
        self._settings, self._find, self._journal = settings, find, journal
        token = read_token(settings.token) if settings.token is not None else None
        self._listener = _bound(settings.host, settings.port)
        address, self._port = self._listener.getsockname()[:2]
        is_local = ipaddress.ip_address(address.partition("%")[0]).is_loopback
        is_made_up = token is None and (not is_local or bool(settings.allowed_hosts))
        if is_made_up:
            token = new_token()
        self._token = token
        self._control_token = new_token() if settings.control else None
        self._shown_host = _shown(settings.host, address)
        self.url = f"http://{self._shown_host}:{self._port}/"
        self.hub = Hub(settings.history_mb * 1024 * 1024)
        self.connections: Collection[Any] = ()
        self._link = Link()
        self._access = Access(
            hosts=LOOPBACK_NAMES | {settings.host, *settings.allowed_hosts},
            token=token,
            session=new_token(),
            port=self._port,
            is_made_up=is_made_up,
        )

    @property
    def entry(self) -> str:
        """The address to open, with the token if one is needed: a secret then, to be shown once."""
        return self.url if self._token is None else f"{self.url}?token={self._token}"

    def greeting(self) -> list[str]:
        """Return the lines that are printed once, at start; they hold the tokens."""
        lines = [f"dashboard: {self.entry}"]
        if self._control_token is not None:
            lines.append(f"dashboard: control token {self._control_token}")
        return lines

    async def serve(self, stop: asyncio.Event, *, started: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop`."""
        parts = Parts(
            hub=self.hub,
            asker=self._link,
            access=self._access,
            control_token=self._control_token,
            max_viewers=self._settings.max_viewers,
            journal=self._journal,
        )
        _allow_connections(self._settings.max_viewers + 2 * SPARE_CONNECTIONS)
        server = _Server(_uvicorn_config(build_app(parts), self._settings.max_viewers))
        self.connections = server.server_state.connections
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(self._link.follow_runs(self._find, self.hub.heard, self.hub.away)),
                tasks.create_task(self.hub.watch_for_stalled()),
                tasks.create_task(sweep(self.connections)),
            ]
            serving = tasks.create_task(server.serve(sockets=[self._listener]))
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            started()
            await stop.wait()
            server.should_exit = True
            await serving
            for task in background:
                task.cancel()

    def close(self) -> None:
        """Let the port go, if it was never served."""
        self._listener.close()


class _Server(uvicorn.Server):
    """uvicorn's, that leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _uvicorn_config(app: Any, max_viewers: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws=BrowserSocket,
        ws_max_size=MAX_MESSAGE,
        ws_ping_interval=20.0,
        ws_ping_timeout=60.0,
        ws_per_message_deflate=False,
        lifespan="off",
        interface="asgi3",
        # Nothing of a request is logged: addresses may bear a token.
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=max_viewers + SPARE_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=MAX_REQUEST_HEAD,
    )


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        HintedError: It cannot.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise HintedError(f"{host} is no address of this machine", hint="name another with --host") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _cannot_bind(host, port, error) from None
    return listener


def _cannot_bind(host: str, port: int, error: OSError) -> HintedError:
    if error.errno == errno.EADDRINUSE:
        return HintedError(
            f"port {port} of {host} is in use",
            hint="choose another with --port (dashboard.port), or 0 for any that is free",
        )
    if error.errno == errno.EACCES:
        return HintedError(f"port {port} may not be listened on", hint="choose one above 1023")
    return HintedError(
        f"{host} is no address of this machine: {error.strerror}", hint="name another with --host"
    )


def _allow_connections(wanted: int) -> None:
    """Raise the number of files that this process may open, as far as it may."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _shown(host: str, address: str) -> str:
    """Return what to write for the host in an address to open."""
    if ipaddress.ip_address(address.partition("%")[0]).is_unspecified:
        host = _outward() or "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _outward() -> str | None:
    """Return the address with which this machine would speak to others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])
