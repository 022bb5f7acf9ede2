"""Several RPC endpoints as one: failover, hedges, limits, broken answers; against real sockets."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trustme
from aiohttp import web

from phantom_arbiter.errors import (
    AccessDenied,
    BadAnswer,
    ConfigError,
    EndpointDown,
    EndpointError,
    RateLimited,
    RpcRefused,
    RpcTimeout,
    StaleSlot,
)
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc import RpcPool, RpcRules
from phantom_arbiter.sources.rpc_pool.health import BreakerRules
from rpc_server import KEY, RpcServer, Step, accounts, error, raw, result

OWNER = "11111111111111111111111111111111"
ONCE = RpcRules(rounds=1, timeout_s=2.0, hedge_after_s=5.0)


class Time:
    """A clock that moves when somebody sleeps on it."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def hang(released: asyncio.Event) -> Step:
    async def step(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        await released.wait()
        return web.Response(body=b"late")

    return step


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(bounded())


def failure_of(step: Step, rules: RpcRules = ONCE) -> EndpointError:
    """Return the error that one endpoint with this answer leads to."""
    found: list[EndpointError] = []

    async def test() -> None:
        async with RpcServer("only", step) as server, RpcPool([server.endpoint()], rules) as pool:
            with pytest.raises(EndpointError) as info:
                await pool.slot()
            found.append(info.value)

    run(test)
    return found[0]


# ---- one bad answer


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (raw(b'{"jsonrpc":"2.0","result":'), BadAnswer),
        (raw(b"\xff\xfe\x00"), BadAnswer),
        (raw(b"[" * 100_000), BadAnswer),
        (raw(b'{"id":1,"result":NaN}'), BadAnswer),
        (raw(b'{"id":1,"result":' + b"9" * 6_000 + b"}"), BadAnswer),
        (raw(b"[]"), BadAnswer),
        (raw(b'{"jsonrpc":"2.0","id":999,"result":7}'), BadAnswer),
        (raw(b'{"jsonrpc":"2.0","id":1}'), BadAnswer),
        (raw(b'{"jsonrpc":"2.0","id":1,"error":"no"}'), BadAnswer),
        (result("7"), BadAnswer),
        (result(-1), BadAnswer),
        (result(True), BadAnswer),
        (raw(b"", status=503), EndpointDown),
        (raw(b"", status=418), RpcRefused),
        (raw(b"", status=401), AccessDenied),
        (raw(b"", status=403), AccessDenied),
        (raw(b"", status=429), RateLimited),
        (error(-32005, "Node is behind", {"numSlotsBehind": 42}), EndpointDown),
        (error(-32005, "Too many requests, rate limit reached"), RateLimited),
        (error(-32429, "max usage reached"), RateLimited),
        (error(-32016, "Minimum context slot has not been reached", {"contextSlot": 3}), StaleSlot),
        (error(-32602, "Invalid param"), RpcRefused),
        (error(-32601, "Method not found"), RpcRefused),
        (error(-32601, "Method not found", status=400), RpcRefused),
        (error(-32603, "Internal error"), EndpointDown),
    ],
)
def test_each_bad_answer_has_its_kind_of_error_that_names_the_endpoint(
    step: Step, kind: type[EndpointError]
) -> None:
    found = failure_of(step)
    assert type(found) is kind
    assert str(found).startswith("endpoint only: ")


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    seconds = failure_of(raw(b"", status=429, headers={"Retry-After": "17"}))
    assert isinstance(seconds, RateLimited)
    assert seconds.retry_after_s == 17
    past = failure_of(raw(b"", status=429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    assert isinstance(past, RateLimited)
    assert past.retry_after_s == 0


def test_an_answer_without_end_is_cut_off_at_the_bound() -> None:
    sent = 0

    async def endless(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 65_536)
            sent += 65_536

    found = failure_of(endless, RpcRules(rounds=1, hedge_after_s=5.0, max_response_bytes=1 << 20))
    assert isinstance(found, BadAnswer)
    assert "more than 1048576 bytes" in str(found)
    assert sent < 64 << 20


def test_an_announced_length_above_the_bound_is_not_read() -> None:
    found = failure_of(raw(b"x" * 5_000), RpcRules(rounds=1, hedge_after_s=5.0, max_response_bytes=1_000))
    assert "5000 bytes, at most 1000" in str(found)


def test_a_half_answer_is_told_as_broken_off() -> None:
    async def half(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"jsonrpc"')
        assert request.transport is not None
        request.transport.abort()
        return response

    assert isinstance(failure_of(half), EndpointDown)


def test_a_stall_ends_after_the_timeout() -> None:
    async def test() -> None:
        released = asyncio.Event()
        async with (
            RpcServer("slow", hang(released)) as server,
            RpcPool([server.endpoint()], RpcRules(rounds=1, timeout_s=0.05)) as pool,
        ):
            with pytest.raises(RpcTimeout, match=r"endpoint slow: no answer within 0\.05 s"):
                await pool.slot()
            released.set()

    run(test)


def test_a_redirect_is_refused_and_the_other_address_never_asked() -> None:
    async def test() -> None:
        async with RpcServer("thief", result(1)) as thief:
            target = thief.endpoint().http_url
            assert target is not None
            move = raw(b"", status=307, headers={"Location": target.reveal()})
            async with RpcServer("moved", move) as server, RpcPool([server.endpoint()], ONCE) as pool:
                with pytest.raises(RpcRefused, match="redirects are refused"):
                    await pool.slot()
            assert thief.calls == []

    run(test)


# ---- secrets


def test_no_error_shows_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    steps = [
        error(-32000, f"key {KEY} is not known"),
        raw(f"<html>{KEY}</html>".encode(), status=403),
        raw(f'{{"id":1,"error":{{"code":-32602,"message":"{KEY}"}}}}'.encode(), status=400),
        raw(b"", status=302, headers={"Location": f"https://example.org/?api-key={KEY}"}),
        raw(b"{"),
    ]
    for step in steps:
        found = failure_of(step)
        assert KEY not in str(found) + repr(found)
        chain = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
        assert KEY not in repr(chain)

    async def unreachable() -> None:
        url = SecretUrl(f"http://127.0.0.1:9/?api-key={KEY}")
        async with RpcPool([Endpoint(name="gone", http_url=url)], ONCE) as pool:
            with pytest.raises(EndpointDown, match=r"endpoint gone: .*cannot be reached") as info:
                await pool.slot()
            assert KEY not in str(info.value)
            assert info.value.__suppress_context__

    run(unreachable)
    ours = [record for record in caplog.records if record.name != "aiohttp.access"]  # the server's own
    assert KEY not in "".join(record.getMessage() for record in ours)


def test_a_certificate_is_verified_before_the_key_is_sent() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def test() -> None:
        async with RpcServer("a", result(7), tls=serving) as a:
            async with RpcPool([a.endpoint()], ONCE) as pool:
                with pytest.raises(EndpointDown, match="no certificate that can be verified"):
                    await pool.slot()
            assert a.calls == []
            async with RpcPool([a.endpoint()], ONCE, tls=trusting) as pool:
                assert await pool.slot() == 7

    run(test)


# ---- several endpoints


def test_a_failing_endpoint_is_passed_over_at_once() -> None:
    async def test() -> None:
        async with (
            RpcServer("a", raw(b"", status=500)) as a,
            RpcServer("b", result(7)) as b,
            RpcPool([a.endpoint(), b.endpoint()], ONCE) as pool,
        ):
            assert await pool.slot() == 7
            assert (len(a.calls), len(b.calls)) == (1, 1)
            assert a.calls[0] == b.calls[0]
            rows = {name: usage for name, _, usage in pool.meter.rows()}
            assert (rows["a"].failed, rows["b"].answered) == ({"EndpointDown": 1}, 1)

    run(test)


def test_a_slow_endpoint_is_hedged_and_the_first_answer_wins() -> None:
    async def test() -> None:
        released = asyncio.Event()
        async with RpcServer("slow", hang(released)) as slow, RpcServer("fast", result(7)) as fast:
            rules = RpcRules(rounds=1, hedge_after_s=0.02)
            async with RpcPool([slow.endpoint(), fast.endpoint()], rules) as pool:
                assert await pool.slot() == 7
                assert pool.meter.of("slow", "getSlot").overtaken == 1
                assert await pool.slot() == 7
                assert len(slow.calls) == 1  # it is known to be slow now
                assert pool.health()["slow"].in_flight == 0
            released.set()

    run(test)


def test_an_expensive_search_is_asked_of_one_endpoint_at_a_time() -> None:
    async def test() -> None:
        released = asyncio.Event()

        async def slow(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
            await asyncio.wait_for(released.wait(), 10)
            return await result([])(request, call)

        async with RpcServer("slow", slow) as one, RpcServer("fast", result([])) as other:
            rules = RpcRules(rounds=1, hedge_after_s=0.001)
            async with RpcPool([one.endpoint(), other.endpoint()], rules) as pool:
                search = asyncio.create_task(pool.program_accounts(addresses(1)[0], []))
                while not one.calls:
                    await asyncio.sleep(0.001)
                assert await pool.call("getHealth")  # by the other one, and long after the hedge's delay
                released.set()
                assert await search == []
                assert [call["method"] for call in other.calls] == ["getHealth"]

    run(test)


def test_our_own_mistake_is_told_at_once_without_asking_others() -> None:
    async def test() -> None:
        async with (
            RpcServer("a", error(-32602, "Invalid param")) as a,
            RpcServer("b", result(7)) as b,
            RpcPool([a.endpoint(), b.endpoint()]) as pool,
        ):
            with pytest.raises(RpcRefused, match="Invalid param"):
                await pool.slot()
            assert b.calls == []

    run(test)


def test_rounds_are_repeated_with_pauses_until_an_endpoint_recovers() -> None:
    async def test() -> None:
        time = Time()
        rules = RpcRules(rounds=4, hedge_after_s=5.0, breaker=BreakerRules(failures=9))
        async with (
            RpcServer("a", raw(b"", status=502), raw(b"{"), result(7)) as a,
            RpcPool([a.endpoint()], rules, now=time.now, sleep=time.sleep) as pool,
        ):
            assert await pool.slot() == 7
        assert len(time.slept) == 2
        assert time.slept[0] <= rules.first_wait_s
        assert time.slept[1] <= 2 * rules.first_wait_s

    run(test)


def test_retry_after_keeps_an_endpoint_unasked_for_so_long() -> None:
    async def test() -> None:
        time = Time()
        limited = raw(b"", status=429, headers={"Retry-After": "3"})
        async with RpcServer("a", limited, result(7)) as a, RpcServer("b", result(8)) as b:
            endpoints = [a.endpoint(), b.endpoint()]
            async with RpcPool(endpoints, ONCE, now=time.now, sleep=time.sleep) as pool:
                assert await pool.slot() == 8
                time.now_s += 2.9
                assert await pool.slot() == 8
                assert len(a.calls) == 1
                time.now_s += 0.2
                await pool.probe()
                assert len(a.calls) == 2

    run(test)


def test_with_all_endpoints_limited_the_pool_waits_as_long_as_it_was_told() -> None:
    async def test() -> None:
        time = Time()
        limited = raw(b"", status=429, headers={"Retry-After": "3"})
        async with (
            RpcServer("a", limited, result(7)) as a,
            RpcPool([a.endpoint()], now=time.now, sleep=time.sleep) as pool,
        ):
            assert await pool.slot() == 7
        assert time.slept == [3.0]

    run(test)


def test_a_retry_after_beyond_patience_ends_the_call() -> None:
    async def test() -> None:
        time = Time()
        limited = raw(b"", status=429, headers={"Retry-After": "3600"})
        async with (
            RpcServer("a", limited) as a,
            RpcPool([a.endpoint()], now=time.now, sleep=time.sleep) as pool,
        ):
            with pytest.raises(RateLimited):
                await pool.slot()
        assert time.slept == []

    run(test)


def test_a_circuit_opens_after_failures_and_one_request_tries_it_again() -> None:
    async def test() -> None:
        time = Time()
        rules = RpcRules(rounds=1, hedge_after_s=5.0, breaker=BreakerRules(failures=2, pause_s=4.0))
        script = [raw(b"", status=500)] * 3 + [result(7)]
        async with (
            RpcServer("a", *script) as a,
            RpcPool([a.endpoint()], rules, now=time.now, sleep=time.sleep) as pool,
        ):
            for _ in range(2):
                with pytest.raises(EndpointDown, match="HTTP 500"):
                    await pool.slot()
            with pytest.raises(EndpointDown, match=r"left alone for 4\.0 s"):
                await pool.slot()
            assert len(a.calls) == 2
            time.now_s += 4.0
            with pytest.raises(EndpointDown, match="HTTP 500"):
                await pool.slot()
            time.now_s += 7.9  # the second pause is twice as long
            with pytest.raises(EndpointDown, match="left alone"):
                await pool.slot()
            time.now_s += 0.2
            assert await pool.slot() == 7
            assert await pool.slot() == 7

    run(test)


def test_failures_of_requests_sent_together_open_the_circuit_once() -> None:
    async def test() -> None:
        time = Time()
        rules = RpcRules(rounds=1, hedge_after_s=5.0, breaker=BreakerRules(failures=2, pause_s=4.0))
        async with (
            RpcServer("a", raw(b"", status=500)) as a,
            RpcPool([a.endpoint()], rules, now=time.now, sleep=time.sleep) as pool,
        ):
            failures = await asyncio.gather(*(pool.slot() for _ in range(9)), return_exceptions=True)
            assert {type(each) for each in failures} == {EndpointDown}
            health = pool.health()["a"]
            assert (health.trips, health.available_at()) == (1, time.now_s + 4.0)

    run(test)


def test_a_wrong_key_is_not_tried_at_full_speed() -> None:
    async def test() -> None:
        time = Time()
        async with (
            RpcServer("a", raw(b"", status=401)) as a,
            RpcServer("b", result(8)) as b,
            RpcPool([a.endpoint(), b.endpoint()], ONCE, now=time.now, sleep=time.sleep) as pool,
        ):
            for _ in range(5):
                assert await pool.slot() == 8
            assert len(a.calls) == 1

    run(test)


def test_requests_per_second_are_kept() -> None:
    async def test() -> None:
        async with (
            RpcServer("a", result(7)) as a,
            RpcPool([a.endpoint(requests_per_second=50.0)]) as pool,
        ):
            started = asyncio.get_running_loop().time()
            await asyncio.gather(*(pool.slot() for _ in range(20)))
            # Five at once, the other fifteen one every 20 ms.
            assert asyncio.get_running_loop().time() - started >= 0.28

    run(test)


def test_a_lagging_endpoint_comes_last_and_a_liar_does_not_make_others_look_late() -> None:
    async def test() -> None:
        async with (
            RpcServer("late", result(900)) as late,
            RpcServer("good", result(1_000)) as good,
            RpcServer("best", result(1_001)) as best,
            RpcServer("liar", result(10**15)) as liar,
        ):
            endpoints = [each.endpoint() for each in (late, good, best, liar)]
            async with RpcPool(endpoints, ONCE) as pool:
                await pool.probe()
                await pool.probe()
                health = pool.health()
                assert pool.reached_slot() in (1_000, 1_001)
                assert health["late"].lag_slots >= 100
                assert health["good"].lag_slots <= 1
                assert health["best"].lag_slots == 0
                assert pool.meter.of("liar", "getSlot").failed["BadAnswer"] >= 1
                for _ in range(3):
                    assert await pool.slot() in (1_000, 1_001)

    run(test)


# ---- accounts


def addresses(count: int) -> list[str]:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    return [f"{alphabet[place // 33]}{alphabet[place % 33]}{'1' * 42}" for place in range(count)]


def test_accounts_are_read_in_batches_of_a_hundred_each_address_once() -> None:
    async def test() -> None:
        async with (
            RpcServer("a", accounts(50)) as a,
            RpcPool([a.endpoint(credits={"getMultipleAccounts": 3})], ONCE) as pool,
        ):
            wanted = addresses(250)
            read: list[str] = []
            async for batch, (answer,) in pool.accounts([*wanted, *wanted[:30]], min_slot=40):
                assert answer.slot == 50
                assert len(answer.result["value"]) == len(batch)
                read += batch
            assert sorted(read) == sorted(wanted)
            assert sorted(len(call["params"][0]) for call in a.calls) == [50, 100, 100]
            assert {call["params"][1]["minContextSlot"] for call in a.calls} == {40}
            assert pool.meter.credits("a") == 9

    run(test)


def test_an_endpoint_behind_the_slot_wanted_is_left_for_one_that_is_not() -> None:
    async def test() -> None:
        async with (
            RpcServer("late", accounts(39)) as late,
            RpcServer("good", accounts(40)) as good,
            RpcPool([late.endpoint(), good.endpoint()], ONCE) as pool,
        ):
            async for _, (answer,) in pool.accounts(addresses(1), min_slot=40):
                assert answer.endpoint == "good"
            assert pool.meter.of("late", "getMultipleAccounts").failed == {"StaleSlot": 1}

    run(test)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"context": {"slot": 1}, "value": []},
        {"context": {"slot": "1"}, "value": [None]},
        {"context": {"slot": 1}, "value": [{"owner": OWNER, "lamports": 1}]},
        {"context": {"slot": 1}, "value": [{"owner": OWNER, "lamports": 1, "data": ["?", "base64"]}]},
        {"context": {"slot": 1}, "value": [{"owner": OWNER, "lamports": 1, "data": ["AA==", "base58"]}]},
        {"context": {"slot": 1}, "value": [{"owner": OWNER, "lamports": 2**64, "data": ["AA==", "base64"]}]},
        {"context": {"slot": 1}, "value": [{"owner": OWNER[1:], "lamports": 1, "data": ["AA==", "base64"]}]},
        {"context": {"slot": 1}, "value": [{"owner": 5, "lamports": 1, "data": ["AA==", "base64"]}]},
        {"context": {"slot": 1}, "value": ["x"]},
    ],
)
def test_a_result_of_another_shape_is_no_answer(value: Any) -> None:
    async def test() -> None:
        async with RpcServer("a", result(value)) as a, RpcPool([a.endpoint()], ONCE) as pool:
            with pytest.raises(BadAnswer, match="endpoint a: answer to getMultipleAccounts"):
                await anext(pool.accounts(addresses(1)))

    run(test)


def test_a_pool_needs_an_endpoint_with_an_http_url() -> None:
    with pytest.raises(ConfigError, match="no endpoint with an http_url"):
        RpcPool([Endpoint(name="sockets", ws_url=SecretUrl("wss://example.org"))])


def test_endpoints_come_and_go_but_the_last_one_stays() -> None:
    async def test() -> None:
        async with (
            RpcServer("a", result(1)) as a,
            RpcServer("b", result(2)) as b,
            RpcPool([a.endpoint()], ONCE) as pool,
        ):
            pool.add(b.endpoint())
            pool.remove("a")
            assert await pool.slot() == 2
            with pytest.raises(ConfigError, match="endpoint b is the last one"):
                pool.remove("b")

    run(test)
