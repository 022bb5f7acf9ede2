"""The ASGI application: routes, the WebSocket, errors in words, and the gate in front."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from h11 import LocalProtocolError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from phantom_arbiter.galaxy.answers import Sorry, sorry_answer
from phantom_arbiter.galaxy.api import Api
from phantom_arbiter.galaxy.browser import SOCKET, BrowserSocket
from phantom_arbiter.galaxy.files import STATIC, Pages
from phantom_arbiter.galaxy.gate import Access, Gate
from phantom_arbiter.galaxy.hub import Hub
from phantom_arbiter.galaxy.journal_api import JournalApi
from phantom_arbiter.galaxy.link import Asker
from phantom_arbiter.galaxy.tokens import Allowance

POLICY_VIOLATION = 1008


class Ping(msgspec.Struct, frozen=True, tag_field="type", tag="ping", forbid_unknown_fields=True):
    """The only thing that a browser may say."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of.

    Attributes:
        hub: What is known.
        asker: Asks the run.
        access: Who may look.
        control_token: What who controls must show; None if nobody may.
        max_viewers: Most browsers at a time.
        journal: The configured journal, for when no run has said its own.
        static: Folder of the built pages.
    """

    hub: Hub
    asker: Asker
    access: Access
    control_token: str | None
    max_viewers: int
    journal: Path | None = None
    static: Path = STATIC


def build_app(parts: Parts, clock: Callable[[], float] = time.monotonic) -> ASGIApp:
    """Return the dashboard as an ASGI application; served by uvicorn with `BrowserSocket`."""
    hub = parts.hub

    def journal() -> Path | None:
        return Path(hub.model.hello.journal) if hub.model.hello is not None else parts.journal

    async def watch(websocket: WebSocket) -> None:
        socket = websocket.scope["extensions"].get(SOCKET)
        if not isinstance(socket, BrowserSocket):
            raise TypeError("this application is served with BrowserSocket")
        if len(hub.browsers) >= parts.max_viewers:
            await websocket.send_denial_response(
                sorry_answer(503, f"{parts.max_viewers} browsers watch already, more are not let in")
            )
            return
        await websocket.accept()
        browser = hub.join(socket, may_control=parts.control_token is not None)
        try:
            while await _is_ping(websocket):
                pass
            if socket.is_open:
                socket.end(POLICY_VIOLATION, 'all there is to say is {"type":"ping"}')
        except Exception as error:
            _complain(error)
            raise
        finally:
            hub.leave(browser)

    app = Starlette(
        routes=[
            *Api(hub, parts.asker, parts.control_token, clock).routes(),
            *JournalApi(journal).routes(),
            WebSocketRoute("/ws", watch),
            Route("/{path:path}", Pages(parts.static).answer),
        ],
        exception_handlers={Sorry: _sorry, HTTPException: _http_error, Exception: _broken},
    )
    return Gate(app, parts.access, Allowance(10, 6.0, clock))


async def _is_ping(websocket: WebSocket) -> bool:
    """Wait for a message; return whether it is a ping. False as well when the browser has gone."""
    message = await websocket.receive()
    if message["type"] != "websocket.receive" or not message.get("text"):
        return False
    try:
        msgspec.json.decode(message["text"], type=Ping)
    except msgspec.MsgspecError:
        return False
    return True


async def _sorry(request: Request, error: Exception) -> Response:
    if not isinstance(error, Sorry):
        raise error
    return sorry_answer(error.status, error.why)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    words = {404: "there is nothing here", 405: f"{request.method} is not what one does here"}
    answer = sorry_answer(error.status_code, words.get(error.status_code, "this cannot be answered"))
    answer.headers.update(error.headers or {})
    return answer


async def _broken(request: Request, error: Exception) -> Response:
    # A request that turned out broken while it was answered: the connection is closed already.
    if not isinstance(error, LocalProtocolError):
        _complain(error)
    return sorry_answer(500, "internal error of the dashboard")


def _complain(error: Exception) -> None:
    """Say on stderr what broke, without a value: it might be a secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    print(f"dashboard: internal error: {type(error).__name__} at {where}, please report it", file=sys.stderr)
