"""An OTLP/HTTP collector of our own: it decodes what it is sent, and may be told to refuse or to hang."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Plain = str | int | float | bool | list["Plain"]


@dataclass
class Receiver:
    """What was received: spans with the attributes of their resource."""

    url: str
    spans: list[tuple[dict[str, Plain], Span]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    hang: threading.Event | None = None
    asked: threading.Event = field(default_factory=threading.Event)

    def named(self, name: str) -> list[Span]:
        return [span for _, span in self.spans if span.name == name]


@contextmanager
def otlp_receiver() -> Iterator[Receiver]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    _Handler.receivers[server.server_port] = receiver
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.hang is not None:
            receiver.hang.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    receivers: dict[int, Receiver] = {}  # noqa: RUF012

    def do_POST(self) -> None:
        receiver = self.receivers[self.server.server_address[1]]  # type: ignore[index]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.paths.append(self.path)
        receiver.headers.append(dict(self.headers))
        receiver.asked.set()
        if receiver.hang is not None:
            receiver.hang.wait()
        if receiver.status == 200:
            request = ExportTraceServiceRequest()
            request.ParseFromString(body)
            for resource in request.resource_spans:
                of = plain(resource.resource.attributes)
                for scope in resource.scope_spans:
                    receiver.spans += [(of, span) for span in scope.spans]
        self.send_response(receiver.status)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def plain(attributes: Iterable[KeyValue]) -> dict[str, Plain]:
    return {each.key: _plain(each.value) for each in attributes}


def _plain(value: AnyValue) -> Plain:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    found: Plain = getattr(value, kind or "string_value")
    return found
