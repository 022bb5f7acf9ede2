"""A run's attempts as OpenTelemetry traces. Needs the extra `otel`.

One trace for each attempt: a span `attempt` over all of it, and in it one for each step, with the times that
the run measured. Signals that risk refused are many and have no duration: they are events of a span
`refusals` for every ten seconds in which there were any; the first `EVENTS` are told, and all are counted.

Ids are made from the run and the number of the attempt: a viewer that is started again tells the same trace,
not another one.
"""

from __future__ import annotations

from collections import Counter, deque
from hashlib import sha256

from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Span, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from phantom_arbiter.telemetry.records import End, Hello, Moment, Published, Refusal, Snapshot, Trade

SCOPE = "phantom_arbiter"
SERVICE = "phantom-arbiter"
WINDOW_MS = 10_000
"""Refusals of so long a time share a span."""

EVENTS = 50
"""Refusals of a window that become events."""

REMEMBERED = 4_096
"""Attempts that are not told twice; a snapshot repeats the last 500."""

Attributes = dict[str, AttributeValue]


class RunTraces:
    """Tells the attempts and refusals of one run after the other to a span processor."""

    def __init__(self, processor: SpanProcessor) -> None:
        self._processor = processor
        self._ids = _Ids()
        self._run: tuple[int, int, int] | None = None
        self._hello: Hello | None = None
        self._tracer: Tracer | None = None
        self._told: deque[int] = deque(maxlen=REMEMBERED)
        self._refused_seq = self._refused_ms = 0
        self._window: list[Refusal] = []
        self._refused: Counter[str] = Counter()
        self.attempts = 0

    def hear(self, record: Published) -> None:
        """Take notice of a record."""
        match record:
            case Hello():
                self._begin(record)
            case Snapshot():
                for trade in record.trades:
                    self._attempt(trade)
                for refusal in record.refusals:
                    self._refusal(refusal)
            case Trade():
                self._attempt(record)
            case Refusal():
                self._refusal(record)
            case End():
                self.close()
            case _:
                pass
        if isinstance(record, Moment):
            self._close_if_over(record.unix_ms)

    def close(self) -> None:
        """Tell what has been kept back."""
        first = self._window[0] if self._window else None
        if first is None or self._tracer is None:
            return
        total = self._refused.total()
        attributes: Attributes = {
            **self._common(first),
            "phantom.refusals": total,
            "phantom.refusals.told": len(self._window),
        }
        attributes |= {f"phantom.refusals.{reason}": count for reason, count in self._refused.most_common(50)}
        self._ids.begin(f"{self._run} refusals {first.seq}")
        span = self._tracer.start_span(
            "refusals", Context(), attributes=attributes, start_time=_ns(first.unix_ms)
        )
        for refusal in self._window:
            span.add_event("refused", _of_refusal(refusal), timestamp=_ns(refusal.unix_ms))
        span.end(_ns(self._refused_ms))
        self._window.clear()
        self._refused.clear()

    def _begin(self, hello: Hello) -> None:
        run = (hello.pid, hello.began_unix_ms, hello.run_id)
        if run == self._run:
            return
        self.close()
        self._run, self._hello = run, hello
        self._told.clear()
        self._refused_seq = 0
        provider = TracerProvider(resource=_resource(hello), id_generator=self._ids, shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer(SCOPE, hello.version)

    def _attempt(self, trade: Trade) -> None:
        if self._tracer is None or trade.attempt_id in self._told:
            return
        self._told.append(trade.attempt_id)
        self.attempts += 1
        self._ids.begin(f"{self._run} attempt {trade.attempt_id}")
        begins = [span.began_unix_ns for span in trade.spans] or [_ns(trade.unix_ms)]
        ends = [span.began_unix_ns + span.duration_ns for span in trade.spans] or begins
        attributes = {**self._common(trade), **_of_trade(trade)}
        root = self._tracer.start_span("attempt", Context(), attributes=attributes, start_time=min(begins))
        within = set_span_in_context(root, Context())
        for step in trade.spans:
            child = self._tracer.start_span(step.stage, within, start_time=step.began_unix_ns)
            child.end(step.began_unix_ns + step.duration_ns)
        _judge(root, trade)
        root.end(max(ends))

    def _refusal(self, refusal: Refusal) -> None:
        if self._tracer is None or refusal.seq <= self._refused_seq:
            return
        self._refused_seq = refusal.seq
        self._close_if_over(refusal.unix_ms)
        self._refused[refusal.reason] += 1
        self._refused_ms = refusal.unix_ms
        if len(self._window) < EVENTS:
            self._window.append(refusal)

    def _close_if_over(self, unix_ms: int) -> None:
        if self._window and unix_ms >= self._window[0].unix_ms + WINDOW_MS:
            self.close()

    def _common(self, record: Trade | Refusal) -> Attributes:
        mode = "" if self._hello is None else self._hello.mode
        return {"phantom.mode": mode, "phantom.strategy": record.strategy}


class _Ids(IdGenerator):
    """Ids from a name: the same name has the same trace, with the same spans in it."""

    def begin(self, name: str) -> None:
        self._name, self._spans = name, 0

    def is_trace_id_random(self) -> bool:
        return True

    def generate_trace_id(self) -> int:
        return _number(self._name, 16)

    def generate_span_id(self) -> int:
        self._spans += 1
        return _number(f"{self._name} {self._spans}", 8)


def _number(name: str, length: int) -> int:
    # 0 is no valid id.
    return int.from_bytes(sha256(name.encode()).digest()[:length]) or 1


def _resource(hello: Hello) -> Resource:
    """Return what the spans are of; the environment (`OTEL_SERVICE_NAME`, …) has the last word."""
    told: Attributes = {
        "service.name": SERVICE,
        "service.version": hello.version,
        "service.instance.id": f"{hello.pid}-{hello.began_unix_ms}",
        "process.pid": hello.pid,
        "phantom.run.id": hello.run_id,
        "phantom.mode": hello.mode,
        "phantom.source": hello.source,
    }
    return Resource.create(told).merge(OTELResourceDetector().detect())


def _of_trade(trade: Trade) -> Attributes:
    told: Attributes = {
        "phantom.attempt.id": trade.attempt_id,
        "phantom.state": trade.state,
        "phantom.slot": trade.slot,
        "phantom.venues": trade.venues,
        "phantom.pools": tuple(hop.pool for hop in trade.hops),
        "phantom.base_mint": trade.base_mint,
        "phantom.amount_in": trade.amount_in,
        "phantom.amount_out": trade.amount_out,
        "phantom.gross_profit": trade.gross_profit,
        "phantom.cost": trade.cost,
        "phantom.net_profit": trade.net_profit,
        "phantom.is_dead": trade.is_dead,
    }
    return told | _present(
        {
            "phantom.opening.id": trade.opening_id,
            "phantom.reason": trade.reason,
            "phantom.signature": trade.signature,
        }
    )


def _of_refusal(refusal: Refusal) -> Attributes:
    told: Attributes = {
        "phantom.reason": refusal.reason,
        "phantom.slot": refusal.slot,
        "phantom.base_mint": refusal.base_mint,
        "phantom.amount_in": refusal.amount_in,
    }
    return told | _present(
        {
            "phantom.opening.id": refusal.opening_id,
            "phantom.net_profit": refusal.net_profit,
            "phantom.limit": refusal.limit,
            "phantom.value": refusal.value,
        }
    )


def _present(values: dict[str, str | int | None]) -> Attributes:
    return {name: value for name, value in values.items() if value is not None}


def _judge(span: Span, trade: Trade) -> None:
    if trade.state == "filled":
        span.set_status(StatusCode.OK)
    else:
        span.set_status(StatusCode.ERROR, trade.reason)


def _ns(unix_ms: int) -> int:
    return unix_ms * 1_000_000
