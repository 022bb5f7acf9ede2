"""Where spans go: an OTLP/HTTP collector that may be slow or dead without anybody waiting for it.

Spans wait in the SDK's bounded queue (`OTEL_BSP_MAX_QUEUE_SIZE`, by default `QUEUE_SIZE`), oldest
dropped. What did not arrive is counted. Needs the extra `otel`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from threading import Thread
from urllib.parse import SplitResult, urlsplit

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_QUEUE_SIZE
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from phantom_arbiter.errors import ConfigError

TRACES_PATH = "/v1/traces"
QUEUE_SIZE = 8_192
"""Spans that wait: those of a snapshot, which has 500 attempts of seven spans, come at once."""

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables that name the collector; the first that is set counts."""

CREDENTIAL_PROVIDERS = tuple(
    f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{which}CREDENTIAL_PROVIDER" for which in ("", "TRACES_")
)
"""Variables that name a plug-in which brings a session of its own."""

CLOSE_S = 3.0
"""How long the end waits for the collector to take what is left."""


def open_collector(url: str | None, say: Callable[[str], None]) -> Collector:
    """Return the way to a collector.

    Args:
        url: Its base URL, or that of its traces; None: as the `OTEL_*` variables say.
        say: Takes a line for the operator.

    Raises:
        ConfigError: The URL, or what an `OTEL_*` variable says, is no use.
    """
    # The SDK logs every batch that fails; it is said once here, and counted.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    if url is None:
        _check_environment()
    else:
        url = _traces_url(url)
    answers = _Answers()
    session = None if any(os.environ.get(name) for name in CREDENTIAL_PROVIDERS) else answers.session()
    try:
        return Collector(_Counted(OTLPSpanExporter(endpoint=url, session=session), answers, say))
    except ValueError as error:
        hint = "look at the OTEL_* variables"
        raise ConfigError(f"OpenTelemetry cannot be set up: {error}", hint=hint) from error


class Collector(BatchSpanProcessor):
    """The queue of spans, and its counts.

    Attributes:
        ended: Spans that were to be sent.
    """

    def __init__(self, exporter: _Counted) -> None:
        is_set = OTEL_BSP_MAX_QUEUE_SIZE in os.environ
        super().__init__(exporter, max_queue_size=None if is_set else QUEUE_SIZE)
        self._counted = exporter
        self.ended = 0

    @property
    def sent(self) -> int:
        """Spans that the collector took."""
        return self._counted.sent

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span that has ended, if it is sampled."""
        if span.context is not None and span.context.trace_flags.sampled:
            self.ended += 1
        super().on_end(span)

    def close(self, wait_s: float = CLOSE_S) -> None:
        """Send what is left, for at most so long."""
        # The SDK would wait for up to 30 s; its threads are daemons, so nothing waits for them at exit.
        closing = Thread(target=self.shutdown, daemon=True)
        closing.start()
        closing.join(wait_s)
        if closing.is_alive():
            self._counted.shutdown()
            closing.join(1.0)


class _Answers:
    """What the collector answered last; the exporter keeps it to itself."""

    def __init__(self) -> None:
        self.status: int | None = None

    def session(self) -> requests.Session:
        """Return what the exporter is to speak through."""
        session = requests.Session()
        session.hooks["response"].append(self._note)
        return session

    def _note(self, response: requests.Response, *_: object, **__: object) -> None:
        self.status = response.status_code


class _Counted(SpanExporter):
    """Counts what arrives, and says when that changes."""

    def __init__(self, exporter: SpanExporter, answers: _Answers, say: Callable[[str], None]) -> None:
        self._exporter, self._answers, self._say = exporter, answers, say
        self._is_down = self._is_closed = False
        self.sent = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; what fails is dropped."""
        if self._is_closed:
            return SpanExportResult.FAILURE
        self._answers.status = None
        result = self._exporter.export(spans)
        is_down = result is not SpanExportResult.SUCCESS
        if not is_down:
            self.sent += len(spans)
        if is_down and not self._is_down:
            status = self._answers.status
            why = "" if status is None else f" (HTTP {status})"
            self._say(
                f"the collector takes no spans{why}: they are dropped and counted; the run goes on as ever"
            )
        elif self._is_down and not is_down:
            self._say("the collector takes spans again")
        self._is_down = is_down
        return result

    def shutdown(self) -> None:
        """Send no more."""
        if not self._is_closed:
            self._is_closed = True
            self._exporter.shutdown()


def _check_environment() -> None:
    """Refuse what the environment names if it is no URL; the exporter would only drop spans for ever."""
    for name in ENDPOINTS:
        if url := os.environ.get(name):
            _parsed(url, name)
            return


def _parsed(url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        # It may hold a key: it is not shown.
        raise ConfigError(f"{name} is no URL of a collector", hint="for example http://127.0.0.1:4318")
    return parts


def _traces_url(url: str) -> str:
    """Return the URL that takes traces; see the OTLP exporter specification for `…_ENDPOINT`."""
    parts = _parsed(url, "--endpoint")
    path = parts.path.rstrip("/")
    if not path.endswith(TRACES_PATH):
        path += TRACES_PATH
    return parts._replace(path=path).geturl()
