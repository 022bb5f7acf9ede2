"""Whether an endpoint is worth asking: how fast, how often wrong, how far behind; and its circuit breaker.

Times are seconds of an injected clock. The breaker opens after failures in a row or while most answers fail;
after a pause that doubles each time, one request is let through, and its outcome decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from phantom_arbiter.errors import AccessDenied, EndpointError, RateLimited, RpcRefused, StaleSlot

WEIGHT = 0.2
"""Of the latest sample in averages: half of the old is gone after three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When an endpoint is left alone.

    Attributes:
        failures: Failures in a row that open the circuit.
        error_rate: Share of failures, weighted by recency, that opens it.
        min_samples: Requests before the share counts.
        pause_s: First pause; each further one is twice as long.
        max_pause_s: Longest pause, also after a wrong key; and longest `Retry-After` that is believed.
    """

    failures: int = 4
    error_rate: float = 0.6
    min_samples: int = 10
    pause_s: float = 1.0
    max_pause_s: float = 60.0


@dataclass(slots=True)
class Health:
    """What is known of one endpoint.

    Attributes:
        latencies_s: Average time of an answer, by method.
        error_rate: Share of failures, weighted by recency.
        slot: Highest slot it has shown; None before the first.
        lag_slots: How far it was behind the others when it showed a slot last.
        open_until: Time until which its circuit is open; None: closed.
        paused_until: Time until which it asked to be left alone.
        trips: Times the circuit opened since it was last well.
        in_flight: Requests without answer.
        last_error: How it failed last; None if it never did.
    """

    rules: BreakerRules = field(default_factory=BreakerRules)
    latencies_s: dict[str, float] = field(default_factory=dict)
    error_rate: float = 0.0
    samples: int = 0
    failures: int = 0
    slot: int | None = None
    slot_seen_at: float = 0.0
    lag_slots: int = 0
    open_until: float | None = None
    paused_until: float = 0.0
    limited: int = 0
    trips: int = 0
    in_flight: int = 0
    last_error: EndpointError | None = None

    def available_at(self) -> float:
        """Return the time from which it may be asked."""
        return max(self.paused_until, self.open_until or 0.0)

    def may_be_asked(self, now: float) -> bool:
        """Return whether a request may go to it: one at a time while its circuit is being tried."""
        if now < self.available_at():
            return False
        return self.open_until is None or self.in_flight == 0

    def answered(self, method: str, seconds: float) -> None:
        """Take notice of a good answer."""
        self.took(method, seconds)
        self._sample(0.0)
        self.failures = self.trips = self.limited = 0
        self.open_until = None

    def took(self, method: str, seconds: float) -> None:
        """Take notice of how long a request took, or at least took before it was dropped."""
        known = self.latencies_s.get(method, seconds)
        self.latencies_s[method] = known + WEIGHT * (seconds - known)

    def failed(self, error: EndpointError, now: float) -> None:
        """Take notice of a failure; open the circuit or pause as it asks for."""
        self.last_error = error
        if isinstance(error, StaleSlot):
            return  # a healthy node that is a little behind; `lag_slots` tells by how much
        if isinstance(error, RateLimited):
            self.limited += 1
            wait = error.retry_after_s
            if wait is None:
                wait = self.rules.pause_s * 2.0 ** min(self.limited - 1, 16)
            self.paused_until = max(self.paused_until, now + min(wait, self.rules.max_pause_s))
            return
        if isinstance(error, AccessDenied):
            self.open_until = now + self.rules.max_pause_s
            return
        if isinstance(error, RpcRefused):
            return
        self.failures += 1
        self._sample(1.0)
        if self.open_until is not None and now < self.open_until:
            return  # sent before the circuit opened: no further sign
        was_trying = self.open_until is not None
        is_bad = self.samples >= self.rules.min_samples and self.error_rate >= self.rules.error_rate
        if was_trying or is_bad or self.failures >= self.rules.failures:
            pause = self.rules.pause_s * 2.0 ** min(self.trips, 16)
            self.open_until = now + min(pause, self.rules.max_pause_s)
            self.trips += 1

    def showed_slot(self, slot: int, now: float, reference: int | None) -> None:
        """Take notice of the slot that an answer held at; `reference` is that of the others."""
        self.slot, self.slot_seen_at = max(slot, self.slot or 0), now
        self.lag_slots = 0 if reference is None else max(0, reference - slot)

    def usual_s(self, method: str) -> float:
        """Return how long an answer usually takes; before the first one of a method, as others do."""
        known = self.latencies_s
        return known.get(method, sum(known.values()) / len(known) if known else 0.0)

    def rank(self, method: str, max_lag_slots: int) -> tuple[bool, float]:
        """Return what to sort by, best first: not behind, then fast, errors weighing like slowness."""
        busy = self.usual_s(method) + 0.01 * self.in_flight
        return (self.lag_slots > max_lag_slots, busy * (1 + 10 * self.error_rate))

    def _sample(self, value: float) -> None:
        self.samples += 1
        self.error_rate += WEIGHT * (value - self.error_rate)


def reference_slot(healths: list[Health], now: float, max_age_s: float = 10.0) -> int | None:
    """Return the slot that the chain has reached, as endpoints tell; None if none has told lately.

    Of three or more the second highest: one that makes slots up does not make the others look late.
    """
    slots = sorted(
        (each.slot for each in healths if each.slot is not None and now - each.slot_seen_at <= max_age_s),
        reverse=True,
    )
    if not slots:
        return None
    return slots[1] if len(slots) >= 3 else slots[0]
