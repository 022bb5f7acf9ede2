"""A scripted JSON-RPC endpoint on loopback: every request is answered by the next step of its script."""

from __future__ import annotations

import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl

KEY = "s3cr3t-k3y-0123456789"

Step = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


def result(value: Any) -> Step:
    """Answer with a result."""

    async def step(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        return web.json_response({"jsonrpc": "2.0", "id": call["id"], "result": value})

    return step


def error(code: int, message: str = "no", data: Any = None, status: int = 200) -> Step:
    """Answer with a JSON-RPC error."""

    async def step(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        inner = {"code": code, "message": message, "data": data}
        return web.json_response({"jsonrpc": "2.0", "id": call["id"], "error": inner}, status=status)

    return step


def raw(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Step:
    """Answer with these bytes."""

    async def step(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers)

    return step


def accounts(slot: int) -> Step:
    """Answer `getMultipleAccounts` with accounts whose data is their place in the request."""

    async def step(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        owner = "11111111111111111111111111111111"
        value = [
            {"data": ["AAEC", "base64"], "executable": False, "lamports": place, "owner": owner}
            for place in range(len(call["params"][0]))
        ]
        return web.json_response(
            {"jsonrpc": "2.0", "id": call["id"], "result": {"context": {"slot": slot}, "value": value}}
        )

    return step


class RpcServer:
    """An endpoint whose script is repeated from its last step on."""

    def __init__(self, name: str, *script: Step, tls: ssl.SSLContext | None = None) -> None:
        self.name = name
        self._tls = tls
        self.script: Sequence[Step] = script
        self.calls: list[dict[str, Any]] = []
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/{tail:.*}", self._handle)
        self._server = TestServer(app, host="127.0.0.1")

    async def __aenter__(self) -> Self:
        await self._server.start_server(ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    def endpoint(self, **settings: Any) -> Endpoint:
        address = "http://127.0.0.1" if self._tls is None else "https://localhost"
        url = SecretUrl(f"{address}:{self._server.port}/?api-key={KEY}")
        return Endpoint(name=self.name, http_url=url, **settings)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = json.loads(await request.read())
        self.calls.append(call)
        step = self.script[min(len(self.calls), len(self.script)) - 1]
        return await step(request, call)
