"""Where frames go: into the engine, into a recording, into both.

A sink is called on the event loop, in the order in which things happen on each connection, and must not
block. A connection is one socket: `helius/0`, `helius/1`; the answers of an endpoint's HTTP side come as
`helius/http`. A frame is `bytes` of its own: the native module reads those in place, while a view into the
receive buffer would be copied again (measured: docs/adr/0008-websocket-library.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, Protocol, runtime_checkable

import phantom_core

Receive = Callable[[bytes], object]


class Sink(Protocol):
    """Takes what goes over connections."""

    def connected(self, connection: str) -> None:
        """Take notice of a new connection; what an earlier one of this name was asked is void."""
        ...

    def sent(self, connection: str, frame: bytes) -> None:
        """Take notice of a JSON-RPC request, before it is sent."""
        ...

    def received(self, connection: str, frame: bytes) -> None:
        """Take a message."""
        ...

    def disconnected(self, connection: str) -> None:
        """Take notice of the end of a connection."""
        ...


@runtime_checkable
class HasReceiver(Protocol):
    """A sink that can take the messages of one connection by a shorter way than `received`."""

    def receiver(self, connection: str) -> Receive:
        """Return what takes the messages of `connection`."""
        ...


def receiver_of(sink: Sink, connection: str) -> Receive:
    """Return the shortest way for the messages of `connection` into `sink`."""
    if isinstance(sink, HasReceiver):
        return sink.receiver(connection)
    return partial(sink.received, connection)


class EngineSink:
    """Feeds an engine and hands on its signals."""

    def __init__(
        self,
        engine: phantom_core.Engine,
        on_signals: Callable[[Sequence[phantom_core.Signal]], object],
        now_ns: Callable[[], int] | None = None,
    ) -> None:
        """Feed `engine`; `on_signals` is called with each list of signals that is not empty.

        Args:
            engine: Takes the frames.
            on_signals: Takes the signals.
            now_ns: Nanoseconds of a monotonic clock; with it the engine keeps count of lags.
        """
        self._engine = engine
        self._on_signals = on_signals
        self._now_ns = now_ns

    def connected(self, connection: str) -> None:
        """Tell the engine."""
        self._engine.connect(connection)

    def sent(self, connection: str, frame: bytes) -> None:
        """Tell the engine what was asked, so that it understands the answer."""
        self._engine.request(connection, frame)

    def received(self, connection: str, frame: bytes) -> None:
        """Take a message through the whole pipeline."""
        now_ns = self._now_ns
        signals = self._engine.ingest(connection, frame, None if now_ns is None else now_ns())
        if signals:
            self._on_signals(signals)

    def receiver(self, connection: str) -> Receive:
        """Return what takes messages under the connection's number: names need not be looked up."""
        ingest, number = self._engine.ingest, self._engine.endpoint(connection)
        on_signals, now_ns = self._on_signals, self._now_ns

        def receive(frame: bytes) -> None:
            signals = ingest(number, frame, None if now_ns is None else now_ns())
            if signals:
                on_signals(signals)

        return receive

    def disconnected(self, connection: str) -> None:
        """Tell the engine; writes that only this connection's doubt held back may give signals."""
        signals = self._engine.disconnect(connection)
        if signals:
            self._on_signals(signals)


class AggregatorSink:
    """Feeds an aggregator and hands on what is news."""

    def __init__(
        self, aggregator: phantom_core.WssAggregator, on_news: Callable[[tuple[Any, ...]], object]
    ) -> None:
        """Feed `aggregator`; `on_news` is called with each tuple of updates that is not empty."""
        self._aggregator = aggregator
        self._on_news = on_news

    def connected(self, connection: str) -> None:
        """Tell the aggregator."""
        self._aggregator.connect(connection)

    def sent(self, connection: str, frame: bytes) -> None:
        """Tell the aggregator what was asked, so that it understands the answer."""
        self._aggregator.request(connection, frame)

    def received(self, connection: str, frame: bytes) -> None:
        """Take a message."""
        news = self._aggregator.push(connection, frame)
        if news:
            self._on_news(news)

    def receiver(self, connection: str) -> Receive:
        """Return what takes messages under the connection's number: names need not be looked up."""
        push, number, on_news = self._aggregator.push, self._aggregator.endpoint(connection), self._on_news

        def receive(frame: bytes) -> None:
            news = push(number, frame)
            if news:
                on_news(news)

        return receive

    def disconnected(self, connection: str) -> None:
        """Tell the aggregator; kept writes may be released."""
        news = self._aggregator.disconnect(connection)
        if news:
            self._on_news(news)


class RecordWriter(Protocol):
    """The part of a recording's writer that a sink needs; `phantom_core.RecordingWriter` has it."""

    def append(
        self,
        kind: Literal["connect", "sent", "received", "disconnect"],
        endpoint: str,
        arrival_ns: int,
        frame: bytes | None = None,
    ) -> None:
        """Append a record."""
        ...


class RecorderSink:
    """Writes everything down, with its time of arrival."""

    def __init__(self, writer: RecordWriter, now_ns: Callable[[], int]) -> None:
        """Write to `writer`; `now_ns` gives nanoseconds since the recording began, never going back."""
        self._append = writer.append
        self._now_ns = now_ns

    def connected(self, connection: str) -> None:
        """Write that a connection opened."""
        self._append("connect", connection, self._now_ns())

    def sent(self, connection: str, frame: bytes) -> None:
        """Write a request."""
        self._append("sent", connection, self._now_ns(), frame)

    def received(self, connection: str, frame: bytes) -> None:
        """Write a message."""
        self._append("received", connection, self._now_ns(), frame)

    def disconnected(self, connection: str) -> None:
        """Write that a connection ended."""
        self._append("disconnect", connection, self._now_ns())


class Tee:
    """Hands everything to several sinks, in their order."""

    def __init__(self, *sinks: Sink) -> None:
        """Hand on to `sinks`."""
        self._sinks = sinks

    def connected(self, connection: str) -> None:
        """Tell all."""
        for sink in self._sinks:
            sink.connected(connection)

    def sent(self, connection: str, frame: bytes) -> None:
        """Tell all."""
        for sink in self._sinks:
            sink.sent(connection, frame)

    def received(self, connection: str, frame: bytes) -> None:
        """Hand to all."""
        for sink in self._sinks:
            sink.received(connection, frame)

    def receiver(self, connection: str) -> Receive:
        """Return what hands the connection's messages to all."""
        receivers = [receiver_of(sink, connection) for sink in self._sinks]

        def receive(frame: bytes) -> None:
            for receiver in receivers:
                receiver(frame)

        return receive

    def disconnected(self, connection: str) -> None:
        """Tell all."""
        for sink in self._sinks:
            sink.disconnected(connection)
