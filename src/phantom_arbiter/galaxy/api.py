"""The dashboard's HTTP interface, but for the journal's part; docs/DASHBOARD.md describes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from phantom_arbiter.galaxy.answers import Sorry, checked_number, json_answer, json_bytes, number
from phantom_arbiter.galaxy.gate import MAX_BODY
from phantom_arbiter.galaxy.history import BeforeHistory, Place
from phantom_arbiter.galaxy.hub import Hub
from phantom_arbiter.galaxy.link import Action, Asker
from phantom_arbiter.galaxy.tokens import Allowance, is_same
from phantom_arbiter.metrics import scrape
from phantom_arbiter.telemetry.follow import RunGoneError

MAX_SEQ = 10**17
MAX_SINCE = 1_000
MAX_SINCE_BYTES = 1 << 20
"""Hardly more than this of each answer can wait for a reader that does not read."""
MAX_CURVE_POINTS = 256
MAX_WAITING_CURVES = 8
MAX_WAITING_SCENES = 16
MAX_MINT_POOLS = 32
HISTORY_S = 1.0
"""How long an answer about the range of the history is good for."""
SCRAPE_S = 0.5
"""How long an answer to a scrape is good for."""


class ControlAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/control`.

    Attributes:
        action: What to do.
        run_id: The run that is meant; None for whichever is followed.
        began_unix_ms: When that run began: another journal counts its runs from one too.
    """

    action: Action
    run_id: int | None = None
    began_unix_ms: int | None = None


class Api:
    """Answers about the run and its history.

    Args:
        hub: What is known.
        asker: Asks the run.
        control_token: What who controls must show; None if nobody may.
        clock: Seconds, growing.
    """

    def __init__(self, hub: Hub, asker: Asker, control_token: str | None, clock: Callable[[], float]) -> None:
        self._hub, self._asker, self._control_token = hub, asker, control_token
        self._controls = Allowance(10, 3.0, clock)
        self._wrong_tokens = Allowance(5, 12.0, clock)
        self._clock = clock
        self._scraped: dict[str, tuple[float, bytes, str]] = {}
        self._range: tuple[int, float, bytes] = (-1, 0.0, b"")
        self._curves = 0
        self._scenes = 0
        # One at a time: more would only take the interpreter from the fan-out.
        self._scene_turn = asyncio.Semaphore(1)

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/healthz", self.healthz),
            Route("/metrics", self.metrics),
            Route("/api/history", self.history),
            Route("/api/history/at", self.at),
            Route("/api/history/since", self.since),
            Route("/api/curve", self.curve),
            Route("/api/pools/{n}/history", self.pool),
            Route("/api/mints/{mint}/history", self.mint),
            Route("/api/control", self.control, methods=["POST"]),
        ]

    async def healthz(self, request: Request) -> Response:
        """Say that somebody listens."""
        return PlainTextResponse("ok\n")

    async def metrics(self, request: Request) -> Response:
        """Return what Prometheus reads."""
        accept = request.headers.get("accept")
        kind = "openmetrics" if accept is not None and "openmetrics" in accept else "plain"
        now = self._clock()
        made_at, body, content_type = self._scraped.get(kind, (-SCRAPE_S, b"", ""))
        if now - made_at >= SCRAPE_S:
            is_here = self._hub.away_since is None
            body, content_type = scrape(self._hub.model, accept, following=is_here)
            self._scraped[kind] = (now, body, content_type)
        return Response(body, headers={"content-type": content_type})

    async def history(self, request: Request) -> Response:
        """Return the range that can be scrubbed through, and what is worth a look."""
        first, last = self._hub.history.first, self._hub.history.last
        if first is None or last is None:
            raise Sorry(503, "no run has been heard of yet")
        now = self._clock()
        run, made_at, body = self._range
        if run != self._hub.run or now - made_at >= HISTORY_S:
            marks = [mark._asdict() for mark in self._hub.history.marks()]
            body = msgspec.json.encode({"from": _place(first), "to": _place(last), "marks": marks})
            self._range = (self._hub.run, now, body)
        return json_bytes(body)

    async def at(self, request: Request) -> Response:
        """Return the state at a moment."""
        seq = number(request, "seq", most=MAX_SEQ)
        self._need_history()
        if self._scenes >= MAX_WAITING_SCENES:
            raise Sorry(503, "too many moments are asked for at once, try again")
        self._scenes += 1
        try:
            async with self._scene_turn:
                scene = self._hub.history.scene(seq)
                return json_bytes(await asyncio.to_thread(scene.snapshot))
        except BeforeHistory as error:
            raise Sorry(410, str(error)) from None
        finally:
            self._scenes -= 1

    async def since(self, request: Request) -> Response:
        """Return what was said after a moment, as it was said."""
        seq = number(request, "seq", most=MAX_SEQ)
        limit = number(request, "limit", 200, least=1, most=MAX_SINCE)
        self._need_history()
        try:
            records = self._hub.history.since(seq, limit, MAX_SINCE_BYTES)
        except BeforeHistory as error:
            raise Sorry(410, str(error)) from None
        return json_bytes(b"[" + b",".join(records) + b"]")

    async def curve(self, request: Request) -> Response:
        """Return what inputs of an open cycle would earn now."""
        opening = number(request, "cycle", most=MAX_SEQ)
        points = number(request, "points", 64, least=2, most=MAX_CURVE_POINTS)
        model = self._hub.model
        cycle = model.open.get(opening) or next(
            (each for each in reversed(model.closed) if each.opened.id == opening), None
        )
        if cycle is None:
            raise Sorry(404, f"no cycle {opening} is open or was lately")
        if self._hub.away_since is not None:
            raise Sorry(503, "the run is away, only a run can tell what an input would earn")
        if self._curves >= MAX_WAITING_CURVES:
            raise Sorry(503, "too many curves are asked for at once, try again")
        self._curves += 1
        try:
            return json_answer(await self._asker.ask_curve(cycle.opened.edges, points))
        except RunGoneError as error:
            raise Sorry(503, str(error)) from None
        finally:
            self._curves -= 1

    async def pool(self, request: Request) -> Response:
        """Return how a pool changed."""
        n = checked_number("the pool's number", request.path_params["n"], most=MAX_SEQ)
        series = self._hub.history.pool(n)
        if series is None:
            raise Sorry(404, f"there is no pool {n}")
        return json_answer(series.since(self._begin_unix_ms()))

    async def mint(self, request: Request) -> Response:
        """Return how the pools of a mint changed."""
        mint = request.path_params["mint"]
        found = [pool.n for pool in self._hub.model.pools.values() if mint in (pool.mint_a, pool.mint_b)]
        if not found:
            raise Sorry(404, "no pool has that mint")
        begin = self._begin_unix_ms()
        curves = [(n, self._hub.history.pool(n)) for n in found[:MAX_MINT_POOLS]]
        shown = [{"n": n, **series.since(begin)} for n, series in curves if series is not None]
        return json_answer({"pools": shown, "left_out": len(found) - len(shown)})

    async def control(self, request: Request) -> Response:
        """Halt, resume or stop the run."""
        asked = await self._allowed(request)
        action = asked.action
        hello = self._hub.model.hello
        if hello is None or self._hub.away_since is not None:
            raise Sorry(503, "the run is away, nobody is there to do it")
        if asked.run_id not in (None, hello.run_id) or asked.began_unix_ms not in (None, hello.began_unix_ms):
            raise Sorry(
                409, f"another run is followed by now, run {hello.run_id}: look at it, then ask again"
            )
        if action not in hello.controls:
            raise Sorry(409, f"this run cannot be asked to {action}")
        try:
            done = await self._asker.control(action)
        except RunGoneError as error:
            raise Sorry(503, f"{error}; whether it will {action} is not known") from None
        if done.error is not None:
            raise Sorry(409, done.error)
        return json_answer({"action": action, "done": True})

    async def _allowed(self, request: Request) -> ControlAsked:
        """Return what is asked for, by somebody who may.

        Raises:
            Sorry: Nobody may, or not this one, or not so often, or not this.
        """
        if self._control_token is None:
            raise Sorry(403, "this dashboard was started without control rights; hint: --control")
        client = request.client.host if request.client else ""
        given = request.headers.get("x-phantom-control", "")
        # The right one always passes: of 256 random bits none is guessed, and nobody locks the owner out.
        if not is_same(given, self._control_token):
            if not self._wrong_tokens.is_left(client):
                raise Sorry(429, "too many wrong control tokens, wait a minute")
            self._wrong_tokens.take(client)
            raise Sorry(403, "the control token is missing or wrong; the dashboard printed it at its start")
        if not self._controls.is_left(""):
            raise Sorry(429, "the run was asked for too much in a short time, wait some seconds")
        self._controls.take("")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise Sorry(413, f"a request has at most {MAX_BODY} bytes")
        try:
            return msgspec.json.decode(body, type=ControlAsked)
        except msgspec.MsgspecError:
            raise Sorry(400, 'the body is {"action": "halt"}, or resume or stop') from None

    def _need_history(self) -> None:
        if self._hub.history.first is None:
            raise Sorry(503, "no run has been heard of yet")

    def _begin_unix_ms(self) -> int:
        first = self._hub.history.first
        return first.unix_ms if first is not None else 0


def _place(place: Place) -> dict[str, Any]:
    return place._asdict()
