"""What whoever was given a transaction said to it. Never proof of landing, and never of its absence."""

from __future__ import annotations

from dataclasses import dataclass

ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class DispatchAnswer:
    """One target's answer to one sending.

    Attributes:
        target: Its name; no URL, and nothing secret.
        kind: Short stable name: `accepted`, `rejected`, `rate_limited`, `timeout`, `connect_failed` …, or
            what was wrong with the transaction, such as `tip_below_minimum`.
        latency_us: Microseconds from handing it over to the answer; None if there was none.
        code: JSON-RPC or HTTP number of a refusal.
        bundle_id: What a block engine calls the bundle; None where it is none.
    """

    target: str
    kind: str
    latency_us: int | None = None
    code: int | None = None
    bundle_id: str | None = None
