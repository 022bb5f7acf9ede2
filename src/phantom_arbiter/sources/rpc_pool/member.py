"""One endpoint of the pool: its limits, health and meter around every request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiolimiter import AsyncLimiter

from phantom_arbiter.errors import BadAnswer, EndpointError, StaleSlot
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.rpc_pool.health import BreakerRules, Health
from phantom_arbiter.sources.rpc_pool.meter import Meter
from phantom_arbiter.sources.rpc_pool.transport import Transport
from phantom_arbiter.sources.rpc_pool.wire import context_slot, decode

MAX_SLOT_LEAD = 1_000
"""Slots that an answer may be ahead of all other endpoints: seven minutes; more is a lie or another chain."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, the same for whichever endpoint it goes to.

    Attributes:
        number: Its id.
        method: Its method.
        body: Its bytes.
        timeout_s: Seconds one endpoint has for it.
        max_bytes: Longest answer that is read.
        wanted_slot: Its `minContextSlot`.
        check: Raises `ValueError` with what is wrong with a result.
    """

    number: int
    method: str
    body: bytes
    timeout_s: float
    max_bytes: int
    wanted_slot: int | None
    check: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer.

    Attributes:
        endpoint: Name of the endpoint that gave it.
        request: Bytes of the request, as sent.
        body: Bytes of the answer, as received.
        result: What the answer holds.
        slot: Slot at which it held; None if the method does not say.
    """

    endpoint: str
    request: bytes
    body: bytes
    result: Any
    slot: int | None


class Member:
    """Asks one endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        transport: Transport,
        meter: Meter,
        rules: BreakerRules,
        now: Callable[[], float],
        reference: Callable[[Member], int | None],
    ) -> None:
        self.endpoint = endpoint
        self.health = Health(rules)
        self._transport = transport
        self._meter = meter
        self._now = now
        self._reference = reference
        self._limiter = _limiter(endpoint.requests_per_second)

    @property
    def has_capacity(self) -> bool:
        """Whether a request could go out at once, as far as our own limit goes."""
        return self._limiter is None or self._limiter.has_capacity()

    async def ask(self, ask: Ask) -> Answer:
        """Return the endpoint's answer; count it and what it says of the endpoint's health.

        Raises:
            EndpointError: No good answer came: one of its kinds.
        """
        health = self.health
        health.in_flight += 1
        try:
            if self._limiter is not None:
                await self._limiter.acquire()
            return await self._send(ask)
        finally:
            health.in_flight -= 1

    async def _send(self, ask: Ask) -> Answer:
        usage = self._meter.sent(self.endpoint, ask.method)
        started = self._now()
        is_over = False
        try:
            body = await self._transport.post(
                self.endpoint,
                ask.body,
                timeout_s=ask.timeout_s,
                max_bytes=ask.max_bytes,
                wanted_slot=ask.wanted_slot,
            )
            answer = self._judge(ask, body)
            is_over = True
        except EndpointError as error:
            is_over = True
            usage.failed[type(error).__name__] += 1
            self.health.failed(error, self._now())
            raise
        finally:
            if not is_over:  # cancelled: another endpoint was faster, or nobody waits any more
                usage.overtaken += 1
                self.health.took(ask.method, self._now() - started)
        usage.answered += 1
        usage.bytes_received += len(body)
        self.health.answered(ask.method, self._now() - started)
        return answer

    def _judge(self, ask: Ask, body: bytes) -> Answer:
        result = decode(body, ask.number, self.endpoint, ask.wanted_slot)
        slot = result if ask.method == "getSlot" else context_slot(result)
        try:
            ask.check(result)
        except ValueError as error:
            raise BadAnswer(self.endpoint.name, f"answer to {ask.method}: {error}") from None
        if slot is not None:
            reference = self._reference(self)
            if reference is not None and slot > reference + MAX_SLOT_LEAD:
                raise BadAnswer(
                    self.endpoint.name, f"claims slot {slot}, the other endpoints are at {reference}"
                )
            self.health.showed_slot(slot, self._now(), reference)
            if ask.wanted_slot is not None and slot < ask.wanted_slot:
                raise StaleSlot(self.endpoint.name, ask.wanted_slot, slot)  # it ignores minContextSlot
        return Answer(self.endpoint.name, ask.body, body, result, slot)


def _limiter(requests_per_second: float | None) -> AsyncLimiter | None:
    """Return a token bucket for a rate: bursts of a tenth of a second's requests, the rest spread out."""
    if requests_per_second is None:
        return None
    burst = max(1.0, requests_per_second // 10)
    return AsyncLimiter(burst, burst / requests_per_second)
