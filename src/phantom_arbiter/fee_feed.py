"""What the chain tells of fees, brought to the fee engine while a live run goes on.

Asked are all endpoints for the recent fees of whole blocks and of the accounts of recent signals, and one
place for the tip floor. It runs beside the source and shares nothing with it but the thread: endpoints are
asked through a pool of its own, so that after a refusal or a rate limit here nobody is left alone there. An
answer is a hundred and fifty numbers, and between two answers frames have their turn.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from phantom_arbiter.errors import AccessDenied, EndpointError, InvalidInput, RpcRefused
from phantom_arbiter.fee_desk import FeeDesk
from phantom_arbiter.live_fees import MAX_ENDPOINTS, METHOD, fees_of, learn_fees
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc import RpcPool, RpcRules
from phantom_arbiter.sources.rpc_pool.transport import Transport
from phantom_arbiter.tip_floor import read_tip_floor

METHOD_NOT_FOUND = -32601
"""JSON-RPC 2.0, error object."""

MAX_TIP_FLOOR_BYTES = 64 << 10
"""Longest tip floor that is read; the block engine's has 400 bytes."""

TIP_FLOOR = "tip_floor"
"""Under which name failures of the tip floor are counted."""

RATE_SHARE = 0.25
"""Part of the requests an endpoint allows that go to its fees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRules:
    """How often and where to look.

    Attributes:
        refresh_s: Seconds between two looks.
        tip_floor: Where the tip floor is read; None: nowhere.
        rpc: How hard to try; nothing is asked twice.
    """

    refresh_s: float = 20.0
    tip_floor: SecretUrl | Path | None = None
    rpc: RpcRules = field(default_factory=lambda: RpcRules(timeout_s=5.0, max_response_bytes=1 << 20))


class FeeFeed:
    """Keeps a fee engine up to date; an asynchronous context manager."""

    def __init__(
        self,
        desk: FeeDesk,
        endpoints: Sequence[Endpoint],
        rules: FeedRules,
        notice: Callable[[str], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare.

        Args:
            desk: Holds the fee engine, and knows whose fees matter.
            endpoints: Whom to ask; the first `MAX_ENDPOINTS` with an `http_url`.
            rules: How often and where.
            notice: Told once of each failure.
            sleep: Waits between looks.
            tls: What certificates are verified with; by default the machine's authorities.

        Raises:
            ConfigError: No endpoint has an `http_url`.
        """
        usable = [each for each in endpoints if each.http_url is not None][:MAX_ENDPOINTS]
        self._desk = desk
        self._rules = rules
        self._notice = notice
        self._sleep = sleep
        self._pool = RpcPool([_gently(each) for each in usable], rules.rpc, tls=tls)
        self._transport = Transport(tls)
        self._without_method: set[str] = set()
        self.failures: Counter[str] = Counter()
        """By endpoint, those of the tip floor under `TIP_FLOOR`."""
        self.samples: Counter[str] = Counter()
        """Slots with a price that were taken, by endpoint."""
        self.looked = asyncio.Event()
        """Set once an endpoint's fees have been taken."""

    async def __aenter__(self) -> FeeFeed:
        await self._pool.__aenter__()
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._transport.__aexit__(None, None, None)
        await self._pool.__aexit__(None, None, None)

    async def run(self) -> None:
        """Look again and again until it is cancelled; what fails is told once and tried again."""
        while True:
            await self.look()
            await self._sleep(self._rules.refresh_s)

    async def look(self) -> None:
        """Ask everybody once, and teach the fee engine what they say."""
        engine = self._desk.engine
        await self._pool.probe()
        slot = self._pool.reached_slot()
        if slot is None:
            self._failed("slot", "no endpoint tells its slot")
            return
        if slot > engine.now:
            engine.advance(slot)
        accounts = self._desk.accounts
        await asyncio.gather(
            *(self._ask(source, each, accounts) for source, each in enumerate(self._pool.endpoints)),
            self._ask_tip_floor(),
        )

    async def _ask(self, source: int, endpoint: Endpoint, accounts: Sequence[str]) -> None:
        name = endpoint.name
        if name in self._without_method:
            return
        try:
            for account in (None, *accounts):
                samples = await fees_of(self._pool, endpoint, account)
                self.samples[name] += learn_fees(self._desk.engine, source, account, samples)
        except EndpointError as error:
            if not _has_method(error):
                self._without_method.add(name)
                self._failed(name, f"endpoint {name} has no {METHOD} for us and is not asked again: {error}")
            else:
                self._failed(name, str(error))
        except InvalidInput as error:
            self._failed(name, f"endpoint {name}: {error}")
        else:
            self.looked.set()

    async def _ask_tip_floor(self) -> None:
        place = self._rules.tip_floor
        if place is None:
            return
        try:
            landed, ema = read_tip_floor(await self._tip_floor(place))
            self._desk.engine.observe_tip_floor(self._desk.engine.now, landed, ema)
        except (EndpointError, InvalidInput, OSError, ValueError) as error:
            self._failed(TIP_FLOOR, f"tip floor {place}: {error}")

    async def _tip_floor(self, place: SecretUrl | Path) -> str:
        if isinstance(place, Path):
            return await asyncio.to_thread(_read, place)
        endpoint = Endpoint(name="tip-floor", http_url=place)
        body = await self._transport.get(
            endpoint, timeout_s=self._rules.rpc.timeout_s, max_bytes=MAX_TIP_FLOOR_BYTES
        )
        return body.decode()

    def _failed(self, who: str, text: str) -> None:
        self.failures[who] += 1
        if self.failures[who] == 1:
            self._notice(f"fees: {text}")


def _read(path: Path) -> str:
    with path.open("rb") as file:
        text = file.read(MAX_TIP_FLOOR_BYTES + 1)
    if len(text) > MAX_TIP_FLOOR_BYTES:
        raise ValueError(f"more than {MAX_TIP_FLOOR_BYTES} bytes")
    return text.decode()


def _has_method(error: EndpointError) -> bool:
    """Return whether an endpoint that failed so may answer another time."""
    return not (
        isinstance(error, AccessDenied) or (isinstance(error, RpcRefused) and error.code == METHOD_NOT_FOUND)
    )


def _gently(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with a part of the requests that it allows."""
    allowed = endpoint.requests_per_second
    return endpoint if allowed is None else replace(endpoint, requests_per_second=allowed * RATE_SHARE)


__all__ = ["TIP_FLOOR", "FeeFeed", "FeedRules"]
