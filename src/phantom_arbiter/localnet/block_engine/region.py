"""One region of the block engine: a port in front of the auction that all regions share, with faults."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any
from urllib.parse import parse_qs

from phantom_arbiter.localnet.bank import SLOT_MS, Bank
from phantom_arbiter.localnet.block_engine import errors, methods
from phantom_arbiter.localnet.block_engine.auction import BlockEngine
from phantom_arbiter.localnet.block_engine.faults import AFTER, BEFORE, VERDICTS, EngineFaults, drawn
from phantom_arbiter.localnet.block_engine.methods import Request
from phantom_arbiter.localnet.machine import Machine
from phantom_arbiter.localnet.rpc import dispatch
from phantom_arbiter.localnet.rpc.errors import RpcError
from phantom_arbiter.localnet.wire.connection import HOST, Connection, HttpAnswer, HttpOnly, close_all


class Region(HttpOnly):
    """Serves the block engine to clients, as its fault plan lets it."""

    def __init__(
        self,
        name: str,
        engine: BlockEngine,
        bank: Bank,
        machine: Machine,
        plan: EngineFaults,
        *,
        uuids: tuple[str, ...] = (),
        seed: int = 0,
        is_manual: bool = False,
    ) -> None:
        """Make a region; `start` opens its port.

        Args:
            name: Of the region.
            engine: Takes bundles in.
            bank: Tells slots.
            machine: Carries ordinary transactions out.
            plan: What goes wrong.
            uuids: Those that clients may name in `x-jito-auth` or `?uuid=`; others are refused. Empty: any.
            seed: Faults follow from it.
            is_manual: Slots begin by hand: a second is 2.5 slots, whatever the clock says.
        """
        self.name = name
        self.plan = plan
        self.port = 0
        self.requests: dict[str, int] = {}
        """Requests by method, those that a fault kept from being carried out left out."""
        self.faults: dict[str, int] = {}
        """Faults by name."""
        self._engine = engine
        self._bank = bank
        self._machine = machine
        self._uuids = frozenset(uuids)
        self._random = Random(f"region {name} {seed}")
        self._is_manual = is_manual
        self._second = -1
        self._in_second: dict[str | None, int] = {}
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()

    # ---- life

    async def start(self, sock: Any) -> None:
        """Serve on a bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: self._connection(loop), sock=sock)
        self.port = sock.getsockname()[1]

    def _connection(self, loop: asyncio.AbstractEventLoop) -> Connection:
        connection = Connection(self, loop)
        self._connections.add(connection)
        return connection

    async def stop(self) -> None:
        """Close all connections and the port."""
        if self._server is not None:
            self._server.close()
            await close_all(self._connections)
            await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where it is served; `/api/v1/…` follows."""
        return f"http://{HOST}:{self.port}"

    # ---- what clients ask

    async def http(self, connection: Connection, method: str, path: str, body: bytes) -> HttpAnswer | None:
        """Answer an HTTP request."""
        path, _, query_text = path.partition("?")
        served = methods.PATHS.get(path.rstrip("/"))
        if served is None:
            return HttpAnswer(404, b"")
        if method != "POST":
            return HttpAnswer(405, b"")
        plan, query = self.plan, parse_qs(query_text)
        before, after = (drawn(plan, names, self._random) for names in (BEFORE, AFTER))
        verdict = drawn(plan, tuple(VERDICTS), self._random)
        if plan.delay_ms:
            await asyncio.sleep(plan.delay_ms / 1000)
        if before is not None:
            self._count(before)
            return self._instead(connection, before)
        try:
            self._admit(connection.request_headers.get("x-jito-auth") or query.get("uuid", [None])[0])
        except errors.EngineError as error:
            return HttpAnswer(error.status, dispatch.failed(None, error))
        request = Request(
            self._engine,
            self._bank,
            self._machine,
            self.name,
            None if verdict is None else VERDICTS[verdict],
            plan.land_slots,
            plan.status_slots,
            query.get("bundleOnly", [""])[0] == "true",
        )
        answer = self._answer(request, served, body)
        if plan.answer_delay_ms:
            await asyncio.sleep(plan.answer_delay_ms / 1000)
        if after is None:
            return answer
        self._count(after)
        if after == "garbage":
            return HttpAnswer(200, b'{"jsonrpc":"2.0","result":')
        if after == "answer_lost":
            connection.abort()
        return None

    def _instead(self, connection: Connection, fault: str) -> HttpAnswer | None:
        if fault == "outage":
            return HttpAnswer(503, b"")
        if fault == "congested":
            error = errors.rate_limited(None)
            return HttpAnswer(error.status, dispatch.failed(None, error))
        if fault == "internal_error":
            error = errors.internal_error()
            return HttpAnswer(error.status, dispatch.failed(None, error))
        if fault == "close":
            connection.abort()
        return None

    def _answer(self, request: Request, served: dict[str, methods.Method], body: bytes) -> HttpAnswer:
        statuses: list[int] = []

        def call(method: str, params: Any) -> Any:
            self.requests[method] = self.requests.get(method, 0) + 1
            statuses.append(500)
            try:
                result = methods.call(request, served, method, params)
            except RpcError as error:
                statuses[-1] = error.status if isinstance(error, errors.EngineError) else 400
                raise
            statuses[-1] = 200
            return result

        text = dispatch.answer(body, call)
        # What calls nothing is no request.
        return HttpAnswer(max(statuses, default=400), text or b"", tuple(request.headers))

    def _admit(self, uuid: str | None) -> None:
        """Count a request of this second.

        Raises:
            EngineError: The UUID is not known, or there were too many.
        """
        if uuid is not None and self._uuids and uuid not in self._uuids:
            self._count("not_authorized")
            raise errors.not_authorized()
        second = self._now_s()
        if second != self._second:
            self._second = second
            self._in_second.clear()
        self._in_second[uuid] = self._in_second.get(uuid, 0) + 1
        limit = self.plan.per_s if uuid is None else self.plan.per_s_known
        if limit and self._in_second[uuid] > limit:
            self._count("per_s")
            raise errors.rate_limited(limit)

    def _now_s(self) -> int:
        if self._is_manual:
            return self._bank.slot * SLOT_MS // 1_000
        return int(asyncio.get_running_loop().time())

    def _count(self, fault: str) -> None:
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def stats(self) -> dict[str, Any]:
        """Return counters."""
        return {"name": self.name, "requests": dict(self.requests), "faults": dict(self.faults)}
