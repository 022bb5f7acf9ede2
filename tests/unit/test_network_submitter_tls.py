"""The network submitter over TLS: who is believed, and HTTP/2."""

from __future__ import annotations

import math
import ssl
from functools import cache

import pytest
import trustme

from dispatch_server import OK, Connection, DispatchServer, Script, answering, http2
from phantom_core import Answer, Dispatch, NetworkSubmitter, Target

WIRE = bytes([1]) + bytes(range(200))


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def context(*names: str, protocols: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*names or ("localhost",)).configure_cert(made)
    made.set_alpn_protocols(list(protocols))
    return made


def submitter(server: DispatchServer, *, trusting: bool = True) -> NetworkSubmitter:
    roots = authority().cert_pem.bytes() if trusting else None
    engine = Target("a", server.url, requests_per_second=math.inf, timeout_ms=20_000)
    return NetworkSubmitter([engine], extra_roots=roots)


def only(dispatch: Dispatch) -> Answer:
    (answer,) = dispatch.answers
    return answer


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_trusted_certificate_and_a_kept_connection(version: ssl.TLSVersion) -> None:
    settings = context()
    settings.minimum_version = settings.maximum_version = version
    with DispatchServer(answering(), settings) as server, submitter(server) as one:
        assert only(one.warm_blocking()).kind == "connected"
        for _ in range(3):
            answer = only(one.submit_blocking([WIRE] * 5))
            assert (answer.kind, answer.id) == ("accepted", OK)
        assert server.connections == 1
        assert not one.stats()[0].is_http2


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    with DispatchServer(answering(), context()) as server, submitter(server, trusting=False) as one:
        dispatch = one.submit_blocking([WIRE])
        assert (only(dispatch).kind, dispatch.is_sent) == ("tls_failed", False)
        assert "UnknownIssuer" in (only(dispatch).message or "")


def test_a_certificate_for_another_host_is_refused() -> None:
    with DispatchServer(answering(), context("example.org")) as server, submitter(server) as one:
        assert only(one.submit_blocking([WIRE])).kind == "tls_failed"
    assert len(server.requests) == 0


def test_a_connection_killed_after_the_request_is_unknown() -> None:
    def script(connection: Connection) -> None:
        connection.request()

    with DispatchServer(script, context()) as server, submitter(server) as one:
        answer = only(one.submit_blocking([WIRE]))
        assert (answer.kind, answer.is_sent) == ("unknown", True)
        assert len(server.requests) == 1


def test_an_answer_nobody_asked_for_is_never_taken_for_another() -> None:
    def script(connection: Connection) -> None:
        while connection.request() is not None:
            # The client reads in pieces of 8 KiB: the second answer begins a piece of its own.
            body = b'{"id":1,"result":"first"}'
            head = b"HTTP/1.1 200 OK\r\nx: %s\r\ncontent-length: %d\r\n\r\n"
            padding = b"x" * (8192 - len(head % (b"", len(body))) - len(body))
            first = head % (padding, len(body)) + body
            connection.raw(first + head % (b"", len(body)) + body.replace(b"first", b"stale"))

    with DispatchServer(script, context()) as server, submitter(server) as one:
        for count in range(1, 4):
            assert only(one.submit_blocking([WIRE])).id == "first"
            assert server.connections == count


def over_http2(script: Script) -> DispatchServer:
    return DispatchServer(script, context(protocols=("h2", "http/1.1")))


def test_http2_where_it_is_offered() -> None:
    with over_http2(http2()) as server, submitter(server) as one:
        one.warm_blocking()
        assert one.stats()[0].is_http2
        for _ in range(3):
            answer = only(one.submit_blocking([WIRE]))
            assert (answer.kind, answer.id, answer.http_status) == ("accepted", OK, 200)
        assert (server.connections, len(server.requests)) == (1, 3)
        assert server.requests[0].body["method"] == "sendBundle"


def test_a_stream_that_is_refused_unseen_is_sent_again() -> None:
    with over_http2(http2(refuse_first=True)) as server, submitter(server) as one:
        assert only(one.submit_blocking([WIRE])).kind == "accepted"


def test_an_answer_over_http2_that_is_lost_is_unknown() -> None:
    with over_http2(http2(go_away=True)) as server, submitter(server) as one:
        answer = only(one.submit_blocking([WIRE]))
        assert (answer.kind, answer.is_sent) == ("unknown", True)
        assert len(server.requests) == 1


def test_an_answer_over_http2_is_bounded() -> None:
    with over_http2(http2(body=b"x" * 65537)) as server, submitter(server) as one:
        assert only(one.submit_blocking([WIRE])).kind == "too_large"
