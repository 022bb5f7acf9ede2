"""A run's attempts at an OpenTelemetry collector."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode

from otlp_receiver import Receiver, otlp_receiver, plain
from phantom_arbiter.cli import main
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.metrics.collector import ENDPOINTS, QUEUE_SIZE, Collector, open_collector
from phantom_arbiter.metrics.spans import EVENTS, WINDOW_MS, RunTraces
from phantom_arbiter.metrics.traces import export_one
from phantom_arbiter.telemetry import records as r
from phantom_arbiter.telemetry.publisher import KEPT
from telemetry_samples import SampleRun, serve


class Kept(SpanProcessor):
    """Keeps the spans that have ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)
    with otlp_receiver() as receiver:
        yield receiver


def trade_of(run: SampleRun, state: str) -> r.Trade:
    while (trade := run.trade()).state != state:
        pass
    return trade


def test_attempt_is_a_root_span_with_its_steps_inside(kept: Kept) -> None:
    run, traces = SampleRun(), RunTraces(kept)
    traces.hear(run.hello())
    trade = trade_of(run, "filled")
    traces.hear(trade)
    (root,) = kept.named("attempt")
    steps = [span for span in kept.spans if span is not root]
    assert root.parent is None
    assert root.context is not None
    assert [(span.name, span.start_time, span.end_time) for span in steps] == [
        (step.stage, step.began_unix_ns, step.began_unix_ns + step.duration_ns) for step in trade.spans
    ]
    assert all(span.parent is not None and span.parent.span_id == root.context.span_id for span in steps)
    assert (root.start_time, root.end_time) == (steps[0].start_time, steps[-1].end_time)
    assert root.status.status_code is StatusCode.OK
    told = dict(root.attributes or {})
    assert told["phantom.net_profit"] == trade.net_profit
    assert told["phantom.venues"] == trade.venues
    assert told["phantom.opening.id"] == trade.opening_id
    assert told["phantom.mode"] == "paper"
    assert "phantom.reason" not in told
    assert root.resource.attributes["service.name"] == "phantom-arbiter"
    assert root.resource.attributes["phantom.run.id"] == 7


def test_failed_attempt_says_why(kept: Kept) -> None:
    run, traces = SampleRun(), RunTraces(kept)
    traces.hear(run.hello())
    traces.hear(msgspec.structs.replace(trade_of(run, "failed"), spans=()))
    (root,) = kept.spans
    assert (root.status.status_code, root.status.description) == (StatusCode.ERROR, "rehearsal: slippage")
    assert root.start_time == root.end_time == run.began_unix_ms * 1_000_000


def test_snapshot_repeats_nothing(kept: Kept) -> None:
    run, traces = SampleRun(), RunTraces(kept)
    before = run.trade()
    traces.hear(run.hello())
    traces.hear(run.snapshot())
    traces.hear(run.trade())
    traces.hear(run.refusal())
    traces.hear(run.snapshot())
    traces.hear(run.hello())
    traces.hear(run.snapshot())
    traces.close()
    ids = [dict(span.attributes or {})["phantom.attempt.id"] for span in kept.named("attempt")]
    assert ids == [before.attempt_id, before.attempt_id + 1]
    assert len(kept.named("refusals")) == 1


def test_another_viewer_tells_the_same_ids_and_another_run_others() -> None:
    trade = SampleRun().trade()
    ids = []
    for hello in (SampleRun().hello(), SampleRun().hello(), SampleRun(began_unix_ms=1).hello()):
        kept = Kept()
        traces = RunTraces(kept)
        traces.hear(hello)
        traces.hear(trade)
        contexts = [span.context for span in kept.spans]
        ids.append([(each.trace_id, each.span_id) for each in contexts if each is not None])
    assert ids[0] == ids[1]
    assert not {span for _, span in ids[0]} & {span for _, span in ids[2]}


def test_refusals_share_spans_and_are_counted_beyond_those_told(kept: Kept) -> None:
    run, traces = SampleRun(), RunTraces(kept)
    traces.hear(run.hello())
    reasons = []
    for _ in range(EVENTS + 30):
        refusal = run.refusal()
        reasons.append(refusal.reason)
        traces.hear(refusal)
    run.at_ns += WINDOW_MS * 1_000_000
    traces.hear(run.refusal())
    traces.hear(run.end())
    first, second = kept.named("refusals")
    assert [len(first.events), len(second.events)] == [EVENTS, 1]
    told = dict(first.attributes or {})
    assert told["phantom.refusals"] == EVENTS + 30
    assert told["phantom.refusals.max_exposure"] == reasons.count("max_exposure")
    assert dict(first.events[0].attributes or {})["phantom.limit"] == "500"


def test_refusals_are_told_once_their_time_is_over_though_none_follows(kept: Kept) -> None:
    run, traces = SampleRun(), RunTraces(kept)
    traces.hear(run.hello())
    traces.hear(run.refusal())
    run.at_ns += WINDOW_MS * 1_000_000 - 1_000_000
    traces.hear(run.status())
    assert kept.named("refusals") == []
    run.at_ns += 1_000_000
    traces.hear(run.status())
    (span,) = kept.named("refusals")
    assert len(span.events) == 1


@contextmanager
def made_up_run(path: Path, trades: int = 0) -> Iterator[Callable[[], None]]:
    """Be a run that has made so many attempts; yield what ends it."""
    run = SampleRun()
    for _ in range(trades):
        run.trade()
    stop, listening = asyncio.Event(), threading.Event()
    loop = asyncio.new_event_loop()
    serving = serve(path, run, rate=20, stop=stop, listening=listening.set)
    thread = threading.Thread(target=loop.run_until_complete, args=(serving,))
    thread.start()

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)

    try:
        assert listening.wait(10)
        yield end
    finally:
        end()
        thread.join()
        loop.close()


def served(path: Path, receiver: Receiver, trades: int) -> list[str]:
    """Follow a made-up run to its end; return what the operator was told."""
    said = []
    with made_up_run(path, trades) as stop:

        def say(line: str) -> None:
            said.append(line)
            stop()

        export_one(path, receiver.url, say)
    return said


def test_collector_gets_all_attempts(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=me")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test,service.name=mine")
    said = served(tmp_path / "run.sock", receiver, trades=5)
    assert len(receiver.named("attempt")) >= 5
    resource, span = receiver.spans[0]
    assert resource["deployment.environment"] == "test"
    assert resource["service.name"] == "mine", "the environment has the last word"
    assert resource["service.version"] == "0.1.0"
    assert len(span.trace_id) == 16
    root = receiver.named("attempt")[0]
    assert plain(root.attributes)["phantom.strategy"] == "cyclic_arbitrage"
    assert root.end_time_unix_nano - root.start_time_unix_nano == 863_000
    assert set(receiver.paths) == {"/v1/traces"}
    assert receiver.headers[0]["x-tenant"] == "me"
    assert said[0] == "following run 7, process 4242"
    assert said[-1].endswith(f"as {len(receiver.spans)} spans: {len(receiver.spans)} sent, 0 lost")


def test_environment_may_keep_only_some(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    said = served(tmp_path / "run.sock", receiver, trades=200)
    assert 50 < len(receiver.named("attempt")) < 150
    assert said[-1].endswith(f"{len(receiver.spans)} sent, 0 lost")


def test_collector_that_refuses_is_counted_and_said_once(receiver: Receiver, tmp_path: Path) -> None:
    receiver.status = 400
    said = served(tmp_path / "run.sock", receiver, trades=600)
    assert receiver.spans == []
    assert [line for line in said if "takes no spans" in line] == [said[1]]
    assert "takes no spans (HTTP 400): they are dropped" in said[1]
    assert said[-1].endswith("lost")
    assert " 0 sent" in said[-1]


def flooded(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Collector:
    """Return the way to a collector that hangs, with more spans than the queue holds."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "64")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16")
    receiver.hang = threading.Event()
    collector = open_collector(receiver.url, lambda line: None)
    run, traces = SampleRun(), RunTraces(collector)
    traces.hear(run.hello())
    for _ in range(300):
        traces.hear(run.trade())
    assert receiver.asked.wait(10)
    assert collector.ended == 300 * 6
    return collector


def test_queue_for_a_collector_that_hangs_is_bounded(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = flooded(receiver, monkeypatch)
    assert receiver.hang is not None
    receiver.hang.set()
    collector.close(wait_s=10)
    assert 0 < len(receiver.spans) <= 64 + 16 < collector.ended
    assert collector.sent == len(receiver.spans)


def test_snapshot_of_a_busy_run_waits_for_a_collector_that_is_slow(receiver: Receiver) -> None:
    receiver.hang = threading.Event()
    collector = open_collector(receiver.url, lambda line: None)
    run, traces = SampleRun(), RunTraces(collector)
    for _ in range(KEPT):
        run.trade()
    traces.hear(run.hello())
    traces.hear(run.snapshot())
    traces.hear(run.trade())
    assert receiver.asked.wait(10)
    receiver.hang.set()
    collector.close(wait_s=10)
    assert collector.sent == collector.ended == (KEPT + 1) * 6
    assert 7 * KEPT < QUEUE_SIZE


def test_end_does_not_wait_for_a_collector_that_hangs(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = flooded(receiver, monkeypatch)
    began = time.monotonic()
    collector.close(wait_s=0.05)
    assert time.monotonic() - began < 5
    assert collector.sent == 0


@pytest.mark.parametrize(
    "url", ["collector", "ftp://collector", "http://", "http://host:0", "http://host:x", "http://[::1", ""]
)
def test_endpoint_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="--endpoint is no URL"):
        open_collector(url, lambda line: None)


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("url", ["key-123", "ftp://key-123", "http://", "http://[::1"])
def test_variable_that_is_no_url_is_refused_by_its_name(
    receiver: Receiver, name: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(ConfigError, match=f"^{name} is no URL") as error:
        open_collector(None, lambda line: None)
    assert "key-123" not in str(error.value)
    open_collector(receiver.url, lambda line: None).close()


@pytest.mark.parametrize("below", ["", "/", "/v1/traces", "/v1/traces/"])
def test_endpoint_may_be_the_base_or_the_whole(receiver: Receiver, below: str) -> None:
    collector = open_collector(receiver.url + below, lambda line: None)
    run, traces = SampleRun(), RunTraces(collector)
    traces.hear(run.hello())
    traces.hear(run.trade())
    collector.close()
    assert receiver.paths == ["/v1/traces"]


def test_without_the_extra_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "phantom_arbiter.metrics.collector", None)
    monkeypatch.setenv("PHANTOM_TELEMETRY__SOCKET_DIR", str(tmp_path))
    assert main(["traces"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "pip install 'phantom-arbiter[otel]'" in error


def test_process_without_a_run_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PHANTOM_TELEMETRY__SOCKET_DIR", str(tmp_path))
    assert main(["traces", "--run", "4242"]) == 1
    assert "process 4242 is no run" in capsys.readouterr().err


def test_run_that_speaks_otherwise_is_answered_in_words(tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "run.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    listener.settimeout(60)

    def speak() -> None:
        viewer, _ = listener.accept()
        viewer.sendall(b"\x0f\x00\x00\x00" + b'{"type":"song"}')
        viewer.close()

    thread = threading.Thread(target=speak)
    thread.start()
    program = [sys.executable, "-m", "phantom_arbiter.metrics.traces", str(path)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    thread.join()
    listener.close()
    assert done.returncode == 1
    assert "error: the run says what this version cannot read" in done.stderr
    assert "Traceback" not in done.stderr


def test_program_ends_on_sigterm_with_what_it_has_sent(receiver: Receiver, tmp_path: Path) -> None:
    path = tmp_path / "run.sock"
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    program = [sys.executable, "-m", "phantom_arbiter.metrics.traces", str(path)]
    with (
        made_up_run(path, trades=3),
        subprocess.Popen(program, env=environment, stderr=subprocess.PIPE, text=True) as viewer,
    ):
        assert receiver.asked.wait(60)
        viewer.send_signal(signal.SIGTERM)
        _, said = viewer.communicate(timeout=30)
    assert viewer.returncode == 0
    assert " 0 lost" in said
    assert len(receiver.named("attempt")) >= 3
