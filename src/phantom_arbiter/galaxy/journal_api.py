"""The journal's part of the HTTP interface: earlier runs and what they tried."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from phantom_arbiter.errors import JournalError
from phantom_arbiter.galaxy.answers import Sorry, checked_number, json_answer, number
from phantom_arbiter.journal import AttemptRow, RunRow, attempts_page, latest_runs

MAX_ID = 2**53
MAX_RUNS = 500
MAX_ATTEMPTS = 500
MAX_WAITING = 16


class JournalApi:
    """Reads the journal of the run, or else the configured one.

    Args:
        path: Tells where it is; None if nobody knows.
    """

    def __init__(self, path: Callable[[], Path | None]) -> None:
        self._path = path
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [Route("/api/runs", self.runs), Route("/api/runs/{run}/trades", self.trades)]

    async def runs(self, request: Request) -> Response:
        """Return the latest runs, newest first."""
        limit = number(request, "limit", 100, least=1, most=MAX_RUNS)
        rows: list[RunRow] = await self._read(lambda path: latest_runs(path, limit=limit))
        return json_answer([asdict(row) for row in rows])

    async def trades(self, request: Request) -> Response:
        """Return attempts of a run, newest first."""
        run = checked_number("the run's id", request.path_params["run"], most=MAX_ID)
        before = None
        if "before" in request.query_params:
            before = number(request, "before", most=MAX_ID)
        limit = number(request, "limit", 100, least=1, most=MAX_ATTEMPTS)
        rows: list[AttemptRow] = await self._read(
            lambda path: attempts_page(path, run, before=before, limit=limit)
        )
        return json_answer([shown(row) for row in rows])

    async def _read(self, read: Callable[[Path], Any]) -> Any:
        path = self._path()
        if path is None:
            raise Sorry(503, "no run has been heard of yet, and no journal is configured")
        if self._waiting >= MAX_WAITING:
            raise Sorry(503, "the journal is asked for too often at once, try again")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(read, path)
        except JournalError as error:
            raise Sorry(503, str(error)) from None
        finally:
            self._waiting -= 1


def shown(row: AttemptRow) -> dict[str, Any]:
    """Return an attempt with the names and kinds of `records.Trade`; what is not known yet is None.

    `cost` and `net_profit` are those of the outcome, `planned_…` those of the plan.
    """
    live = row.live
    realised, cost = row.realised_net_profit, row.charged_cost
    return {
        "attempt_id": row.id,
        "run_id": row.run_id,
        "opening_id": row.opening_id if row.kind == "cycle" else None,
        "kind": row.kind,
        "slot": row.slot,
        "strategy": row.strategy,
        "state": row.state,
        "reason": row.reason,
        "signature": live.signature if live else None,
        "signed_unix": live.signed_unix if live else None,
        "base_mint": row.base_mint,
        "hops": [
            {
                "pool": hop.pool,
                "mint_in": hop.mint_in,
                "mint_out": hop.mint_out,
                "amount_in": str(hop.amount_in),
                "amount_out": str(hop.amount_out),
            }
            for hop in row.hops
        ],
        "venues": list(row.venues),
        "amount_in": str(row.amount_in),
        "amount_out": str(row.amount_out),
        "gross_profit": None if realised is None or cost is None else str(realised + cost),
        "cost": None if cost is None else str(cost),
        "net_profit": None if realised is None else str(realised),
        "planned_cost": str(row.cost),
        "planned_net_profit": str(row.net_profit),
    }
