"""The network submitter against servers that answer, fail, stall and lie."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import math
import os
import socket
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

from dispatch_server import OK, Connection, DispatchServer, Script, answering, once
from phantom_core import (
    TIP_ACCOUNTS,
    Answer,
    Dispatch,
    DispatchError,
    InvalidInput,
    NetworkSubmitter,
    PhantomError,
    Target,
)

WIRE = bytes([1]) + bytes(range(200))
LONG_MS = 20_000.0


@pytest.fixture
def server() -> Iterator[DispatchServer]:
    with DispatchServer() as one:
        yield one


def target(url: str, name: str = "a", **options: Any) -> Target:
    options.setdefault("requests_per_second", math.inf)
    options.setdefault("timeout_ms", LONG_MS)
    return Target(name, url, **options)


def only(dispatch: Dispatch) -> Answer:
    (answer,) = dispatch.answers
    return answer


def sent_once(script: Script, **options: Any) -> Answer:
    """Send one bundle to a server with that script."""
    with DispatchServer(script) as one, NetworkSubmitter([target(one.url, **options)]) as submitter:
        answer = only(submitter.submit_blocking([WIRE], deadline_ms=LONG_MS))
        assert len(one.requests) <= 1, "never sent twice"
        return answer


def run(scene: Coroutine[Any, Any, Any], loop: str = "asyncio") -> Any:
    factory = uvloop.new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(scene)


# ---- what is sent


def test_a_bundle_is_sent_as_documented(server: DispatchServer) -> None:
    engine = target(f"{server.url}/?uuid=0123", auth="uuid-4567")
    with NetworkSubmitter([engine]) as submitter:
        answer = only(submitter.submit_blocking([WIRE, WIRE + b"x"]))
    assert (answer.kind, answer.id, answer.http_status, answer.is_sent) == ("accepted", OK, 200, True)
    assert answer.bundle_id == answer.id
    assert answer.latency_ns > 0
    request = server.requests[0]
    assert request.path == "/api/v1/bundles?uuid=0123"
    assert request.headers["x-jito-auth"] == "uuid-4567"
    assert request.headers["content-type"] == "application/json"
    texts = [base64.b64encode(wire).decode() for wire in (WIRE, WIRE + b"x")]
    assert request.body["method"] == "sendBundle"
    assert request.body["params"] == [texts, {"encoding": "base64"}]


def test_a_transaction_is_sent_to_engine_and_node() -> None:
    base58 = pytest.importorskip("solders.signature").Signature(WIRE[1:65])
    script = answering(str(base58), headers="x-bundle-id: bundle7\r\n")
    with DispatchServer(script) as engine, DispatchServer(script) as node:
        targets = [
            target(engine.url, "engine", kind="jito_transaction", bundle_only=True),
            target(f"{node.url}/key-0123", "node", kind="rpc"),
        ]
        with NetworkSubmitter(targets) as submitter:
            dispatch = submitter.submit_blocking([WIRE], min_context_slot=77)
    assert [answer.kind for answer in dispatch.answers] == ["accepted", "accepted"]
    assert [answer.id for answer in dispatch.answers] == [str(base58)] * 2
    assert dispatch.answers[0].bundle_id == "bundle7"
    assert engine.requests[0].path == "/api/v1/transactions?bundleOnly=true"
    assert node.requests[0].path == "/key-0123"
    options = node.requests[0].body["params"][1]
    assert options["skipPreflight"] is True
    assert (options["maxRetries"], options["minContextSlot"]) == (0, 77)


def test_no_secret_is_shown() -> None:
    engine = Target("ny", "https://ny.example/key-8888/?uuid=0123-4567", auth="auth-9999")
    shown = repr(engine) + engine.url + repr(NetworkSubmitter([engine]))
    assert not any(secret in shown for secret in ("8888", "0123", "4567", "9999"))
    leak = {"error": {"code": -32602, "message": "no uuid 0123-4567 and\nauth-9999"}}
    with DispatchServer(answering(leak)) as server:
        url = f"{server.url}/?uuid=0123-4567"
        with NetworkSubmitter([target(url, auth="auth-9999")]) as submitter:
            answer = only(submitter.submit_blocking([WIRE]))
    assert answer.message == "no uuid *** and ***"


# ---- what comes back

STALL = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answering(), "accepted"),
        (answering({"error": {"code": -32602, "message": "bundle"}}), "rejected"),
        (answering({"error": {"code": -32097, "message": "congested"}}, 429), "rate_limited"),
        (answering("x", 307, "location: http://127.0.0.1:1/\r\n"), "redirect_refused"),
        (once(ENDLESS), "too_large"),
        (once(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"), "too_large"),
        (once(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "bad_answer"),
        (once(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno"), "bad_answer"),
        (once(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 2\r\n\r\nno"), "unknown"),
        (lambda connection: connection.request() and None, "unknown"),
    ],
)
def test_every_answer_has_a_kind(script: Script, kind: str) -> None:
    answer = sent_once(script)
    assert (answer.kind, answer.is_sent) == (kind, True)


def test_a_slow_answer_is_a_timeout() -> None:
    for data in (STALL, b"H"):
        answer = sent_once(once(data), timeout_ms=50)
        assert (answer.kind, answer.is_sent) == ("timeout", True)
        assert answer.latency_ns >= 50_000_000


def test_a_server_that_never_accepts_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with NetworkSubmitter([target(url)]) as submitter:
            assert only(submitter.warm_blocking()).kind == "connected"
            answer = only(submitter.submit_blocking([WIRE], deadline_ms=50))
    assert (answer.kind, answer.is_sent) == ("timeout", True)


def test_a_closed_port_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with NetworkSubmitter([target(f"http://127.0.0.1:{port}")]) as submitter:
        dispatch = submitter.submit_blocking([WIRE])
        assert submitter.stats()[0].connection_failures == 1
    assert (only(dispatch).kind, dispatch.is_sent) == ("connect_failed", False)


def test_closing_reports_what_is_under_way() -> None:
    with DispatchServer(once(b"")) as server:
        submitter = NetworkSubmitter([target(server.url)])

        async def scene() -> Dispatch:
            future = submitter.submit([WIRE], deadline_ms=LONG_MS)
            await asyncio.to_thread(server.requests.wait, 1)
            submitter.close()
            return await future

        answer = only(run(scene()))
    assert (answer.kind, answer.is_sent) == ("cancelled", True)
    with pytest.raises(DispatchError, match="closed"):
        submitter.submit_blocking([WIRE])


# ---- connections


def test_a_connection_is_kept(server: DispatchServer) -> None:
    with NetworkSubmitter([target(server.url)]) as submitter:
        submitter.warm_blocking()
        for _ in range(5):
            assert only(submitter.submit_blocking([WIRE])).kind == "accepted"
        (stats,) = submitter.stats()
    assert server.connections == stats.connections_opened == 1
    assert (stats.requests, stats.requests_on_kept_connection) == (5, 4)
    assert stats.answers == {"accepted": 5, "connected": 1}


def test_a_connection_that_dies_between_requests_is_replaced() -> None:
    def one_each(connection: Connection) -> None:
        if connection.request() is not None:
            connection.answer(OK)

    with DispatchServer(one_each) as server, NetworkSubmitter([target(server.url)]) as submitter:
        for count in range(1, 6):
            assert only(submitter.submit_blocking([WIRE])).kind == "accepted"
            assert len(server.requests) == count, "each is sent once"
            assert server.ended.acquire(timeout=20)


def test_a_connection_is_reopened_before_it_is_needed() -> None:
    def first_closes(connection: Connection) -> None:
        if connection.number > 1:
            answering()(connection)

    with DispatchServer(first_closes) as server, NetworkSubmitter([target(server.url)]) as submitter:
        submitter.warm_blocking()
        for _ in range(2):
            assert server.accepted.acquire(timeout=20), "the second without a request"
        assert only(submitter.submit_blocking([WIRE])).kind == "accepted"


def test_a_connection_is_replaced_when_it_is_old() -> None:
    with (
        DispatchServer() as server,
        NetworkSubmitter([target(server.url)], max_idle_ms=1) as submitter,
    ):
        submitter.warm_blocking()
        assert server.ended.acquire(timeout=20)
        assert server.connections > 1, "the new one stands before the old one is closed"
        assert only(submitter.submit_blocking([WIRE])).kind == "accepted"


def test_many_threads(server: DispatchServer) -> None:
    kinds: list[str] = []
    with NetworkSubmitter([target(server.url, max_in_flight=8)]) as submitter:

        def work() -> None:
            for _ in range(25):
                kinds.append(only(submitter.submit_blocking([WIRE], deadline_ms=LONG_MS)).kind)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert kinds == ["accepted"] * 200
    assert len(server.requests) == 200


def test_no_more_are_under_way_than_allowed() -> None:
    with (
        DispatchServer(once(b"")) as server,
        NetworkSubmitter([target(server.url, max_in_flight=1)]) as submitter,
    ):
        submitter.fire([WIRE], deadline_ms=LONG_MS)
        server.requests.wait(1)
        answer = only(submitter.submit_blocking([WIRE]))
    assert (answer.kind, answer.is_sent) == ("skipped_busy", False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_copy_refuses(server: DispatchServer) -> None:
    with NetworkSubmitter([target(server.url)]) as submitter:
        submitter.warm_blocking()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            refused = 0
            calls: list[Callable[[], object]] = [
                lambda: submitter.submit_blocking([WIRE]),
                lambda: submitter.fire([WIRE]),
                submitter.warm_blocking,
                submitter.stats,
            ]
            for call in calls:
                try:
                    call()
                except DispatchError:
                    refused += 1
            os._exit(refused)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 4
        assert only(submitter.submit_blocking([WIRE])).kind == "accepted"


# ---- limits, hedging, deadline


def test_requests_a_second_by_the_clock_given(server: DispatchServer) -> None:
    now = 10**12
    engine = Target("a", server.url)
    with NetworkSubmitter([engine], clock=lambda: now) as submitter:
        assert only(submitter.submit_blocking([WIRE])).kind == "accepted"
        now += 400_000_000
        skipped = only(submitter.submit_blocking([WIRE]))
        assert (skipped.kind, skipped.is_sent) == ("skipped_rate_limit", False)
        assert skipped.retry_after_ns == 600_000_000
        now += 600_000_000
        assert only(submitter.submit_blocking([WIRE])).kind == "accepted"
    assert len(server.requests) == 2


def test_a_retry_after_is_heeded() -> None:
    now = 10**12
    busy = answering({"error": {"code": -32097, "message": "slow"}}, 429, "retry-after: 5\r\n")
    with (
        DispatchServer(busy) as server,
        NetworkSubmitter([target(server.url)], clock=lambda: now) as submitter,
    ):
        limited = only(submitter.submit_blocking([WIRE]))
        assert (limited.kind, limited.retry_after_ns) == ("rate_limited", 5 * 10**9)
        assert only(submitter.submit_blocking([WIRE])).kind == "skipped_rate_limit"
        now += 40 * 10**9
        assert only(submitter.submit_blocking([WIRE])).kind == "rate_limited"


def test_a_hedge_goes_out_when_the_first_is_slow(server: DispatchServer) -> None:
    with DispatchServer(once(b"")) as silent:
        targets = [target(silent.url, "silent", timeout_ms=300), target(server.url, "quick")]
        with NetworkSubmitter(targets) as submitter:
            dispatch = submitter.submit_blocking([WIRE], hedge_after_ms=5)
    assert [answer.kind for answer in dispatch.answers] == ["timeout", "accepted"]
    assert dispatch.accepted is not None
    assert dispatch.accepted.target == "quick"


def test_no_hedge_after_an_acceptance(server: DispatchServer) -> None:
    with DispatchServer() as other:
        targets = [target(server.url, "a"), target(other.url, "b")]
        with NetworkSubmitter(targets) as submitter:
            dispatch = submitter.submit_blocking([WIRE], first=1, hedge_after_ms=LONG_MS, deadline_ms=LONG_MS)
        assert [answer.kind for answer in dispatch.answers] == ["accepted", "cancelled"]
        assert (dispatch.answers[1].is_sent, other.connections) == (False, 0)


def test_a_hedge_goes_out_at_once_when_the_first_fails(server: DispatchServer) -> None:
    with DispatchServer(answering({"error": {"code": 1, "message": "no"}})) as refusing:
        targets = [target(refusing.url, "a"), target(server.url, "b")]
        with NetworkSubmitter(targets) as submitter:
            dispatch = submitter.submit_blocking([WIRE], first=1, deadline_ms=LONG_MS)
    assert [answer.kind for answer in dispatch.answers] == ["rejected", "accepted"]


def test_nothing_is_sent_after_the_deadline(server: DispatchServer) -> None:
    with DispatchServer(once(b"")) as silent:
        targets = [target(silent.url, "a"), target(server.url, "b")]
        with NetworkSubmitter(targets) as submitter:
            dispatch = submitter.submit_blocking([WIRE], hedge_after_ms=LONG_MS, deadline_ms=60)
    assert [answer.kind for answer in dispatch.answers] == ["timeout", "timeout"]
    assert [answer.is_sent for answer in dispatch.answers] == [True, False]
    assert server.connections == 0


def test_a_hedge_past_the_deadline_is_not_sent(server: DispatchServer) -> None:
    with DispatchServer(once(b"")) as silent:
        targets = [target(silent.url, "a"), target(server.url, "b")]
        with NetworkSubmitter(targets) as submitter:
            dispatch = submitter.submit_blocking([WIRE], hedge_after_ms=60, deadline_ms=60)
    assert [answer.kind for answer in dispatch.answers] == ["timeout", "timeout"]
    assert [answer.is_sent for answer in dispatch.answers] == [True, False]
    assert server.connections == 0


def test_hedges_of_a_question_follow_at_equal_intervals() -> None:
    with contextlib.ExitStack() as stack:
        tips = stack.enter_context(DispatchServer(answering(list(TIP_ACCOUNTS))))
        silent = [stack.enter_context(DispatchServer(once(b""))) for _ in range(5)]
        # The last is asked first. Five intervals are half a second; doubled every time, 3.1 seconds.
        targets = [target(tips.url, "told"), *(target(one.url, f"s{n}") for n, one in enumerate(silent))]
        with NetworkSubmitter(targets) as submitter:
            assert submitter.tip_accounts_blocking(hedge_after_ms=100, deadline_ms=2_500).are_known


# ---- asyncio


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_awaited_by_asyncio(server: DispatchServer, loop: str) -> None:
    async def scene() -> None:
        with NetworkSubmitter([target(server.url, max_in_flight=64)]) as submitter:
            assert only(await submitter.warm()).kind == "connected"
            dispatches = await asyncio.gather(*(submitter.submit([WIRE]) for _ in range(50)))
            assert [only(dispatch).kind for dispatch in dispatches] == ["accepted"] * 50
            submitter.submit([WIRE]).cancel()
            assert only(await submitter.submit([WIRE])).kind == "accepted"

    run(scene(), loop)


def test_one_submitter_in_two_loops(server: DispatchServer) -> None:
    with NetworkSubmitter([target(server.url)]) as submitter:

        async def scene() -> str:
            return only(await submitter.submit([WIRE])).kind

        assert [run(scene()), run(scene())] == ["accepted", "accepted"]


def test_fire_needs_neither_loop_nor_patience(server: DispatchServer) -> None:
    with NetworkSubmitter([target(server.url)]) as submitter:
        submitter.fire([WIRE])
        server.requests.wait(1)
    with pytest.raises(RuntimeError), NetworkSubmitter([target(server.url)]) as submitter:
        submitter.submit([WIRE])


# ---- questions


def test_statuses() -> None:
    landed = {
        "bundle_id": "b2",
        "transactions": ["s1"],
        "slot": 7,
        "confirmation_status": "confirmed",
        "err": {"Ok": None},
    }
    pending = {"bundle_id": "b1", "status": "Pending", "landed_slot": None}
    failed = {"slot": 9, "confirmations": None, "err": {"InstructionError": [1, {"Custom": 6001}]}}
    answers = {
        "getBundleStatuses": {"context": {"slot": 8}, "value": [landed]},
        "getInflightBundleStatuses": {"value": [pending]},
        "getSignatureStatuses": {"context": {"slot": 8}, "value": [None, failed]},
        "getTipAccounts": list(reversed(TIP_ACCOUNTS)),
    }

    def script(connection: Connection) -> None:
        while (request := connection.request()) is not None:
            connection.answer(answers[request.body["method"]])

    with DispatchServer(script) as server:
        targets = [target(server.url, "engine"), target(server.url, "node", kind="rpc")]
        with NetworkSubmitter(targets) as submitter:
            unknown, found = submitter.bundle_statuses_blocking(["b1", "b2"])
            assert unknown is None
            assert found is not None
            assert (found.slot, found.transactions, found.error) == (7, ["s1"], None)
            (inflight,) = submitter.inflight_bundle_statuses_blocking(["b1"])
            assert inflight is not None
            assert inflight.status == "Pending"

            async def scene() -> Any:
                return await submitter.signature_statuses(["s1", "s2"], search_history=True)

            statuses = run(scene())
            assert statuses.context_slot == 8
            assert statuses.statuses[0] is None
            assert statuses.statuses[1].error == '{"InstructionError":[1,{"Custom":6001}]}'
            assert submitter.tip_accounts_blocking().are_known
            answers["getTipAccounts"] = [TIP_ACCOUNTS[0]]
            assert not submitter.tip_accounts_blocking().are_known
            answers["getSignatureStatuses"] = {"value": [None]}
            with pytest.raises(DispatchError, match="node: the answer is not what was asked for"):
                submitter.signature_statuses_blocking(["s1"])
    paths = [server.requests[index].path for index in range(4)]
    assert paths == [
        "/api/v1/getBundleStatuses",
        "/api/v1/getInflightBundleStatuses",
        "/",
        "/api/v1/getTipAccounts",
    ]


def test_a_question_goes_on_to_the_next() -> None:
    with DispatchServer(answering(list(TIP_ACCOUNTS))) as good, DispatchServer(answering("x", 503)) as bad:
        targets = [target(good.url, "good"), target(bad.url, "bad")]
        with NetworkSubmitter(targets) as submitter:
            assert submitter.tip_accounts_blocking().are_known
            assert len(bad.requests) == 1
            with pytest.raises(DispatchError, match="bad: rejected"):
                submitter.tip_accounts_blocking(targets=["bad"])


# ---- bad input


def test_bad_input_is_refused_before_anything_is_sent(server: DispatchServer) -> None:
    submitter = NetworkSubmitter([target(server.url), target(server.url, "node", kind="rpc")])
    calls: list[Callable[[], object]] = [
        lambda: submitter.submit_blocking([]),
        lambda: submitter.submit_blocking([WIRE] * 6),
        lambda: submitter.submit_blocking([b"short"]),
        lambda: submitter.submit_blocking([bytes(1233)]),
        lambda: submitter.submit_blocking([WIRE, WIRE]),
        lambda: submitter.submit_blocking([WIRE], targets=["b"]),
        lambda: submitter.submit_blocking([WIRE], targets=[]),
        lambda: submitter.submit_blocking([WIRE], targets=["a", "a"]),
        lambda: submitter.submit_blocking([WIRE], deadline_ms=0),
        lambda: submitter.submit_blocking([WIRE], deadline_ms=math.nan),
        lambda: submitter.submit_blocking([WIRE], deadline_ms=1e9),
        lambda: submitter.submit_blocking([WIRE], first=0),
        lambda: submitter.submit_blocking([WIRE], hedge_after_ms=-1),
        lambda: submitter.bundle_statuses_blocking([]),
        lambda: submitter.bundle_statuses_blocking(["x"] * 6),
        lambda: submitter.bundle_statuses_blocking(['x"']),
        lambda: submitter.bundle_statuses_blocking(["x"], targets=["node"]),
        lambda: NetworkSubmitter([]),
        lambda: NetworkSubmitter([target(server.url), target(server.url)]),
        lambda: NetworkSubmitter([target(server.url)], extra_roots=b"none"),
        lambda: target("http://example.org"),
        lambda: target("https://example.org/\r\nx: y"),
        lambda: target(server.url, auth="a\r\nb: c"),
        lambda: target(server.url, kind="other"),
        lambda: target(server.url, max_in_flight=0),
        lambda: target(server.url, requests_per_second=0.0),
        lambda: target(server.url, timeout_ms=-1),
        lambda: target(server.url, bundle_only=True),
    ]
    for call in calls:
        with pytest.raises(InvalidInput):
            call()
    assert issubclass(DispatchError, PhantomError)
    assert server.connections == 0
