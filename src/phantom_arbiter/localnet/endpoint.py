"""One endpoint of the local net: two ports in front of the bank, with faults of its own.

HTTP and WebSocket are both served on both ports; clients derive the second, HTTP's plus one, for the latter.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

from phantom_arbiter.localnet.bank import Bank, Commitment
from phantom_arbiter.localnet.faults.delivery import Counts, Delivery
from phantom_arbiter.localnet.faults.lies import Liar
from phantom_arbiter.localnet.faults.plan import FaultPlan
from phantom_arbiter.localnet.machine import Machine
from phantom_arbiter.localnet.notices import AccountNotice, EventNotice, Notice, RawNotice, signature_notice
from phantom_arbiter.localnet.rpc import dispatch
from phantom_arbiter.localnet.rpc.errors import RATE_LIMITED, RpcError, unhealthy
from phantom_arbiter.localnet.rpc.params import Params
from phantom_arbiter.localnet.rpc.transactions import reached_commitment
from phantom_arbiter.localnet.rpc.view import LyingView, View
from phantom_arbiter.localnet.sending import Sender
from phantom_arbiter.localnet.subscriptions import Subscription, Subscriptions, split
from phantom_arbiter.localnet.wire.connection import HOST, Connection, HttpAnswer, close_all
from phantom_arbiter.localnet.wire.frames import GOING_AWAY, frame

MAX_WAITING_BYTES = 256 << 20
"""Bytes waiting for one client beyond which it is cut off: it does not read."""
_DRAWS = ("delivery", "connection", "http", "lie", "answer", "send")
"""What draws random numbers of its own."""


class Endpoint:
    """Serves the bank to clients, as its fault plan lets it."""

    def __init__(self, name: str, bank: Bank, machine: Machine, plan: FaultPlan, seed: int) -> None:
        self.name = name
        self.view = View(bank, machine)
        self.subscriptions = Subscriptions()
        self.counts = Counts()
        self.requests: dict[str, int] = {}
        """HTTP requests by method, those answered with a fault included."""
        self.overrun = 0
        """Clients cut off because they did not read."""
        self.http_port = 0
        self._bank = bank
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._random = {what: Random(f"{what} {name} {seed}") for what in _DRAWS}
        self._second = self._in_second = 0
        self._timers: list[tuple[float, asyncio.Handle]] = []
        self._sender = Sender(bank, machine, self._random["send"])
        self.view.send = self._sender.send
        self._liar = Liar(f"{name} {seed}")
        self.delivery = Delivery(plan, self._random["delivery"], self._liar, self._emit, self.counts)
        self._set_plan(plan)
        bank.listen(self)

    # ---- life

    async def start(self, http: Any, ws: Any) -> None:
        """Serve on two bound sockets."""
        loop = asyncio.get_running_loop()
        for sock in (http, ws):
            self._servers.append(await loop.create_server(lambda: self._connection(loop), sock=sock))
        self.http_port = http.getsockname()[1]
        self._arm()

    def _connection(self, loop: asyncio.AbstractEventLoop) -> Connection:
        connection = Connection(self, loop)
        self._connections.add(connection)
        return connection

    async def stop(self) -> None:
        """Close all connections and both ports."""
        self._disarm()
        for server in self._servers:
            server.close()
        await close_all(self._connections)
        for server in self._servers:
            await server.wait_closed()

    @property
    def http_url(self) -> str:
        """Where HTTP requests go."""
        return f"http://{HOST}:{self.http_port}"

    @property
    def ws_url(self) -> str:
        """Where WebSockets are opened."""
        return f"ws://{HOST}:{self.http_port + 1}"

    # ---- faults

    @property
    def plan(self) -> FaultPlan:
        """What goes wrong here."""
        return self.delivery.plan

    def set_plan(self, plan: FaultPlan) -> None:
        """Let other things go wrong from now on; what is on its way under the old plan is sent at once."""
        self.delivery.flush()
        self._disarm()
        self._set_plan(plan)
        self._arm()

    def _set_plan(self, plan: FaultPlan) -> None:
        self.delivery.plan = plan
        self._sender.plan = plan
        self.view.lag_slots = plan.lag_slots
        self._is_faultless = not plan.changes_delivery

    def _arm(self) -> None:
        plan = self.plan
        self._every(plan.disconnect_every_s, self.disconnect)
        self._every(plan.half_open_every_s, self.half_open)
        self._every(plan.stall_every_s, lambda: self.stall(plan.stall_s))
        if plan.idle_close_s:
            self._close_idle()

    def _close_idle(self) -> None:
        """Close WebSockets that said nothing for too long; look again when the next may be due."""
        loop, limit = asyncio.get_running_loop(), self.plan.idle_close_s
        left = limit
        for connection in self._websockets():
            idle = loop.time() - connection.heard_at
            if idle >= limit:
                self.counts.idle_closed += 1
                connection.close(GOING_AWAY, "idle")
            else:
                left = min(left, limit - idle)
        self._later(left, self._close_idle)

    def _every(self, mean_s: float, action: Callable[[], None]) -> None:
        if not mean_s:
            return

        def act() -> None:
            action()
            self._every(mean_s, action)

        self._later(self._random["connection"].expovariate(1 / mean_s), act)

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + delay_s
        self._timers = [timer for timer in self._timers if timer[0] > loop.time()]
        self._timers.append((due, loop.call_at(due, action)))

    def _disarm(self) -> None:
        for _, timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def disconnect(self) -> None:
        """Cut all WebSockets."""
        self.counts.disconnects += 1
        for connection in self._websockets():
            connection.abort()

    def half_open(self) -> None:
        """Let all WebSockets fall silent; cut them later if the plan says so."""
        self.counts.half_opened += 1
        for connection in self._websockets():
            connection.fall_silent()
            self.subscriptions.drop(connection)
            if self.plan.half_open_s:
                asyncio.get_running_loop().call_later(self.plan.half_open_s, connection.abort)

    def stall(self, seconds: float) -> None:
        """Send nothing for a while, then all at once."""
        self._is_faultless = False
        self.delivery.stall(seconds)

    def _websockets(self) -> list[Connection]:
        return [each for each in self._connections if each.is_websocket and not each.is_silent]

    # ---- what the bank tells

    def account_written(self, notice: AccountNotice) -> None:
        """Take a write."""
        if self._is_faultless:
            self.subscriptions.account(notice)
        else:
            self.delivery.push(notice, Commitment.PROCESSED)

    def account_committed(self, commitment: Commitment, notice: AccountNotice) -> None:
        """Take a write that is surer now."""
        if self._is_faultless:
            self.subscriptions.account(notice, commitment)
        else:
            self.delivery.push(notice, commitment)

    def happened(self, notice: EventNotice, commitment: Commitment | None) -> None:
        """Take an event."""
        if self._is_faultless:
            self.subscriptions.event(notice, commitment)
        else:
            self.delivery.push(notice, commitment)

    def slot_began(self, slot: int) -> None:
        """Take notice of a new slot; cut off clients that do not read."""
        self.delivery.slot_began(slot)
        for connection in self._websockets():
            if connection.waiting_bytes > MAX_WAITING_BYTES:
                self.overrun += 1
                connection.abort()

    def _emit(self, notice: Notice, commitment: Commitment | None) -> None:
        if isinstance(notice, AccountNotice):
            self.subscriptions.account(notice, commitment or Commitment.PROCESSED)
        elif isinstance(notice, RawNotice):
            whole = frame(notice.frame)
            for connection in self._websockets():
                connection.send_frame(whole)
        else:
            self.subscriptions.event(notice, commitment)

    # ---- what clients ask

    async def http(self, connection: Connection, method: str, path: str, body: bytes) -> HttpAnswer | None:
        """Answer an HTTP request."""
        if method == "GET" and path == "/health":
            return HttpAnswer(200, b"ok")
        if method != "POST":
            return HttpAnswer(405, b"")
        plan = self.plan
        if plan.http_delay_ms:
            await asyncio.sleep(plan.http_delay_ms / 1000)
        fault = self._http_fault()
        if fault == "http_hang":
            return None
        if fault == "http_500":
            return HttpAnswer(500, b"Internal Server Error")
        if fault == "http_garbage":
            return HttpAnswer(200, b'{"jsonrpc":"2.0","result":{"context":')
        if fault == "http_429":
            error = RpcError(RATE_LIMITED, "Too many requests for a specific RPC call")
            headers = (("retry-after", f"{plan.retry_after_s:g}"),)
            return HttpAnswer(429, dispatch.failed(None, error), headers)
        is_lost = self._random["answer"].random() < plan.http_answer_lost
        answer = dispatch.answer(body, self._refuse if fault else self._call)
        if is_lost:
            self._count_http("http_answer_lost")
            connection.abort()
            return None
        return HttpAnswer(200, b"" if answer is None else answer)

    def _http_fault(self) -> str | None:
        plan, random = self.plan, self._random["http"]
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        if plan.http_per_s and self._in_second > plan.http_per_s:
            self._count_http("http_per_s")
            return "http_429"
        for name in ("http_hang", "http_429", "http_unhealthy", "http_500", "http_garbage"):
            if random.random() < getattr(plan, name):
                self._count_http(name)
                return name
        return None

    def _count_http(self, fault: str) -> None:
        self.counts.http_faults[fault] = self.counts.http_faults.get(fault, 0) + 1

    def _call(self, method: str, params: Any) -> Any:
        self.requests[method] = self.requests.get(method, 0) + 1
        lies = self._random["lie"].random() < self.plan.http_lie
        return dispatch.call(self._lying_view() if lies else self.view, method, params)

    def _lying_view(self) -> View:
        return LyingView(
            self.view,
            self._liar,
            self.plan.lie_kinds,
            self._random["lie"],
            lambda: self._count_http("http_lie"),
        )

    def _refuse(self, method: str, params: Any) -> Any:
        self.requests[method] = self.requests.get(method, 0) + 1
        raise unhealthy(self.plan.lag_slots or None)

    def refuses_upgrade(self) -> HttpAnswer | None:
        """Refuse some handshakes, if the plan says so."""
        if self._random["connection"].random() < self.plan.refuse_connection:
            self.counts.refused += 1
            return HttpAnswer(503, b"")
        return None

    def opened(self, connection: Connection) -> None:
        """Take notice of a WebSocket."""

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self.subscriptions.drop(connection)
        self._connections.discard(connection)

    def message(self, connection: Connection, text: bytes) -> None:
        """Answer a message on a WebSocket."""
        made: list[Subscription] = []

        def call(method: str, params: Any) -> Any:
            kind, subscribes = split(method)
            if not subscribes:
                return self.subscriptions.unsubscribe(connection, kind, Params(params))
            limit = self.plan.max_subscriptions
            if limit and len(self.subscriptions.of(connection)) >= limit:
                raise RpcError(RATE_LIMITED, f"Maximum of {limit} subscriptions per connection reached")
            made.append(self.subscriptions.subscribe(connection, kind, Params(params)))
            return made[-1].number

        answer = dispatch.answer(text, call)
        if answer is not None:
            connection.send_text(answer)
        for subscription in made:
            if subscription.kind == "signature":
                self._tell_known(subscription)

    def _tell_known(self, subscription: Subscription) -> None:
        """Tell a subscriber of a signature that has already got where it was to get."""
        landed = self.view.machine.landed.get(subscription.topic)
        slot = self._bank.slot - self.view.lag_slots
        if landed is None or landed.slot > slot:
            return
        if reached_commitment(self.view, landed.slot, slot) >= subscription.commitment:
            notice = signature_notice(landed.signature, slot, landed.outcome.err)
            self.subscriptions.send_event(subscription, notice)

    # ---- tests

    async def flush(self) -> None:
        """Send all that is on its way and wait until every client's socket has taken it."""
        self.delivery.flush()
        for connection in self._websockets():
            connection.flush()
        while any(each.waiting_bytes for each in self._websockets()):
            await asyncio.sleep(0.001)

    @property
    def is_behind(self) -> bool:
        """Whether a client does not keep up."""
        return any(each.is_behind for each in self._connections if not each.is_silent)

    async def drained(self) -> None:
        """Wait until all clients keep up."""
        for connection in self._websockets():
            await connection.drained()

    def stats(self) -> dict[str, Any]:
        """Return counters, for tests and `--json`."""
        return {
            "name": self.name,
            "connections": len(self._websockets()),
            "subscriptions": len(self.subscriptions),
            "notifications": self.subscriptions.sent,
            "requests": dict(self.requests),
            "overrun": self.overrun,
            "dropped": self._sender.dropped,
            "faults": json.loads(json.dumps(vars(self.counts))),
        }
