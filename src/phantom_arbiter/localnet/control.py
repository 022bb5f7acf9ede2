"""A port of the local net that is for tests only: JSON-RPC over HTTP for what `LocalNet` offers in Python."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from phantom_arbiter.errors import PhantomError
from phantom_arbiter.localnet.block_engine.faults import EngineFaults
from phantom_arbiter.localnet.faults.plan import FaultPlan, plan_from
from phantom_arbiter.localnet.rpc import dispatch
from phantom_arbiter.localnet.rpc.errors import INTERNAL_ERROR, METHOD_NOT_FOUND, RpcError
from phantom_arbiter.localnet.wire.connection import HOST, Connection, HttpAnswer, HttpOnly, close_all

if TYPE_CHECKING:
    from phantom_arbiter.localnet.net import LocalNet

PLAIN = (
    "accounts",
    "pause",
    "resume",
    "quiesce",
    "advance",
    "fund",
    "close_account",
    "disconnect",
    "half_open",
    "stall",
    "stats",
    "hold_auctions",
    "release_auctions",
    "run_auction",
    "bundle",
)
"""Methods of `LocalNet` whose arguments and results are JSON as they are."""


class Control(HttpOnly):
    """Serves a local net's test hooks on a port that no fault touches."""

    def __init__(self, net: LocalNet) -> None:
        self._net = net
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self.url = ""

    async def start(self) -> None:
        """Serve on a free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: self._connection(loop), HOST, 0)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    def _connection(self, loop: asyncio.AbstractEventLoop) -> Connection:
        connection = Connection(self, loop)
        self._connections.add(connection)
        return connection

    async def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.close()
            await close_all(self._connections)
            await self._server.wait_closed()

    async def http(self, connection: Connection, method: str, path: str, body: bytes) -> HttpAnswer | None:
        """Answer a request: the name of a method of `LocalNet` and its arguments."""
        request = dispatch.parse(body)
        identity = request.get("id") if isinstance(request, dict) else None
        try:
            if not isinstance(request, dict):
                raise RpcError(METHOD_NOT_FOUND, "Method not found")
            result = await self._call(str(request.get("method")), request.get("params") or [])
        except RpcError as error:
            return HttpAnswer(200, dispatch.failed(identity, error))
        except (PhantomError, TypeError, IndexError, ValueError, TimeoutError) as error:
            message = f"{type(error).__name__}: {error}"
            return HttpAnswer(200, dispatch.failed(identity, RpcError(INTERNAL_ERROR, message)))
        return HttpAnswer(200, dispatch.succeeded(identity, result))

    async def _call(self, method: str, params: list[Any]) -> Any:
        net = self._net
        if method == "truth":
            found = await net.truth(*params)
            return None if found is None else [found[0], found[1], base64.b64encode(found[2]).decode()]
        if method == "history":
            written = await net.history(*params)
            return [[slot, owner, base64.b64encode(data).decode()] for slot, owner, data in written]
        if method == "write":
            pubkey, owner, data, lamports = params
            return await net.write(pubkey, owner, base64.b64decode(data), lamports)
        if method == "uncle":
            return await net.uncle(rebroadcast=bool(params[0]))
        if method == "set_faults":
            return await net.set_faults(params[0], plan_from(params[1], FaultPlan(), "set_faults"))
        if method == "set_engine_faults":
            plan = plan_from(params[1], EngineFaults(), "set_engine_faults")
            return await net.set_engine_faults(params[0], plan)
        if method not in PLAIN:
            raise RpcError(METHOD_NOT_FOUND, "Method not found")
        function: Callable[..., Awaitable[Any]] = getattr(net, method)
        return await function(*params)

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)


def plan_json(plan: FaultPlan) -> dict[str, Any]:
    """Return a plan as `set_faults` takes it."""
    fields: dict[str, Any] = json.loads(json.dumps(asdict(plan)))
    return fields
