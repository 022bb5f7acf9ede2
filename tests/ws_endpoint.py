"""A small pub-sub endpoint on loopback for tests of the feed, made with another library than the feed is."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from phantom_arbiter.clock import ManualClock
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.websocket import Feed, FeedEvent, FeedSettings
from phantom_arbiter.sources.ws.settings import SECOND

SECRET = "SECRETKEY0123456789"
Policy = Callable[[str, list[Any]], dict[str, Any] | None]


def confirm(method: str, params: list[Any]) -> dict[str, Any] | None:
    """Confirm everything."""
    return {}


@dataclass(eq=False)
class Client:
    """What the endpoint knows of one connection."""

    connection: ServerConnection
    subscriptions: dict[int, tuple[str, list[Any]]] = field(default_factory=dict)
    cancelled: list[int] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    close_code: int | None = None

    def subjects(self) -> list[str]:
        """Return the subjects subscribed, in order, without slots."""
        return [params[0] for method, params in self.subscriptions.values() if method != "slotSubscribe"]


class FakeEndpoint:
    """Confirms subscriptions as `policy` says: a dict confirms (or is the error), None stays silent."""

    def __init__(self, policy: Policy = confirm, *, status: int = 101, **options: Any) -> None:
        self.policy = policy
        self.status = status
        self.headers: dict[str, str] = {}
        self.clients: list[Client] = []
        self.past: list[Client] = []
        self.handshakes: list[Request] = []
        self._options: dict[str, Any] = {"compression": None, "ping_interval": None, **options}
        self._server: Server | None = None
        self._numbers = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    def endpoint(self, name: str = "here", **limits: Any) -> Endpoint:
        scheme = "wss" if "ssl" in self._options else "ws"
        url = SecretUrl(f"{scheme}://localhost:{self.port}/?api-key={SECRET}")
        return Endpoint(name=name, ws_url=url, **limits)

    async def __aenter__(self) -> FakeEndpoint:
        await self.start()
        return self

    async def start(self, port: int = 0) -> None:
        self._server = await serve(
            self._serve, "127.0.0.1", port, process_request=self._handshake, **self._options
        )

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close(close_connections=True)
        await self._server.wait_closed()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self.clients:
            client.connection.transport.abort()
        await self.stop()

    async def notify(self, client: Client, **value: Any) -> None:
        for number, (method, params) in client.subscriptions.items():
            if method == "accountSubscribe":
                await client.connection.send(notification(number, params[0], **value))

    async def beat(self) -> None:
        """Send a slot to all who asked for slots."""
        for client in self.clients:
            for number, (method, _) in client.subscriptions.items():
                if method == "slotSubscribe":
                    result = {"parent": 1, "root": 0, "slot": 2}
                    params = {"result": result, "subscription": number}
                    await client.connection.send(
                        json.dumps({"jsonrpc": "2.0", "method": "slotNotification", "params": params})
                    )

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append(request)
        if self.status == 101:
            return None
        response = connection.respond(HTTPStatus(self.status), "no\n")
        for name, value in self.headers.items():
            response.headers[name] = value
        return response

    async def _serve(self, connection: ServerConnection) -> None:
        client = Client(connection)
        self.clients.append(client)
        try:
            async for message in connection:
                await self._answer(client, json.loads(message))
        finally:
            client.close_code = connection.close_code
            self.clients.remove(client)
            self.past.append(client)

    async def _answer(self, client: Client, request: dict[str, Any]) -> None:
        client.requests.append(request)
        method, params = request["method"], request["params"]
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        if method.endswith("Unsubscribe"):
            client.subscriptions.pop(params[0], None)
            client.cancelled.append(params[0])
            await client.connection.send(json.dumps(answer | {"result": True}))
            return
        said = self.policy(method, params)
        if said is None:
            return
        if said:
            await client.connection.send(json.dumps(answer | {"error": said}))
            return
        self._numbers += 1
        client.subscriptions[self._numbers] = (method, params)
        await client.connection.send(json.dumps(answer | {"result": self._numbers}))


def notification(number: int, owner: str, *, slot: int = 5, data: str = "AAAA") -> str:
    account = {"data": [data, "base64"], "executable": False, "lamports": 1, "owner": owner}
    value = account | {"rentEpoch": 0, "space": 3}
    params = {"result": {"context": {"slot": slot}, "value": value}, "subscription": number}
    return json.dumps({"jsonrpc": "2.0", "method": "accountNotification", "params": params})


class ListSink:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, bytes]] = []

    def connected(self, connection: str) -> None:
        self.calls.append(("connected", connection, b""))

    def sent(self, connection: str, frame: bytes) -> None:
        self.calls.append(("sent", connection, frame))

    def received(self, connection: str, frame: bytes) -> None:
        self.calls.append(("received", connection, frame))

    def disconnected(self, connection: str) -> None:
        self.calls.append(("disconnected", connection, b""))

    def kinds(self, connection: str) -> list[str]:
        """Return what happened on a connection, messages left out."""
        return [kind for kind, name, _ in self.calls if name == connection and kind.endswith("connected")]

    def messages(self, connection: str = "here/0") -> list[bytes]:
        return [frame for kind, name, frame in self.calls if kind == "received" and name == connection]


class ListObserver:
    """Keeps every event, and makes sure that none shows the secret."""

    def __init__(self) -> None:
        self.events: list[FeedEvent] = []

    def feed_event(self, event: FeedEvent) -> None:
        assert SECRET not in event.text, event
        assert "\n" not in event.text, event
        self.events.append(event)

    def texts(self, kind: str) -> list[str]:
        return [event.text for event in self.events if event.kind == kind]


PATIENT = FeedSettings(connect_timeout_ns=3_600 * SECOND)
"""For tests that let minutes pass in moments: a handshake on loopback takes its own time."""


@dataclass
class Rig:
    """A feed with everything injected."""

    sink: ListSink = field(default_factory=ListSink)
    observer: ListObserver = field(default_factory=ListObserver)
    clock: ManualClock = field(default_factory=ManualClock)
    settings: FeedSettings = field(default_factory=FeedSettings)
    tls: ssl.SSLContext | None = None

    def feed(self, *endpoints: Endpoint, sink: Any = None) -> Feed:
        return Feed(
            endpoints,
            sink or self.sink,
            settings=self.settings,
            observer=self.observer,
            clock=self.clock,
            tls=self.tls,
        )

    async def advance(self, duration_ns: int) -> None:
        """Let time pass tick by tick, giving everything on the loop its turn after each."""
        while duration_ns > 0:
            step = min(duration_ns, self.settings.tick_ns)
            self.clock.advance(step)
            duration_ns -= step
            for _ in range(4):
                await asyncio.sleep(0)

    async def advance_until(self, condition: Callable[[], object], at_most_ns: int) -> None:
        """Let time pass until something is so; sockets get real time after each tick."""
        passed = 0
        while not condition():
            assert passed < at_most_ns, "it did not happen in time"
            await self.advance(self.settings.tick_ns)
            passed += self.settings.tick_ns
            await asyncio.sleep(0.005)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until something on the loopback has happened; the test's own timeout bounds it."""
    while not condition():
        await asyncio.sleep(0.001)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    """Run a scene on an event loop of its own, bounded."""

    async def bounded() -> None:
        async with asyncio.timeout(25):
            await scene()

    asyncio.run(bounded())
