"""Subscriptions: asked for, confirmed, refused, spread, taken away; against a real server on loopback."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from phantom_arbiter.sources.sink import AggregatorSink, Tee
from phantom_arbiter.sources.websocket import FeedSettings, account, logs, program
from phantom_arbiter.sources.ws.settings import SECOND
from phantom_core import WssAggregator
from shell_fakes import POOL_A, POOL_B, POOL_C, USDC, WSOL
from ws_endpoint import SECRET, FakeEndpoint, Rig, eventually, run

pytestmark = pytest.mark.timeout(30)


# ---- subscribe, confirm, cancel


def test_subscribes_slots_and_everything_asked_with_the_endpoints_commitment() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint(commitment="confirmed")) as feed:
            feed.subscribe([account(POOL_A), program(USDC, [{"dataSize": 165}]), logs(), logs(POOL_B)])
            await feed.settled()
            asked = [(one["method"], one["params"]) for one in there.clients[0].requests]
            options = {"encoding": "base64", "commitment": "confirmed"}
            assert asked == [
                ("slotSubscribe", []),
                ("accountSubscribe", [POOL_A, options]),
                ("programSubscribe", [USDC, options | {"filters": [{"dataSize": 165}]}]),
                ("logsSubscribe", ["all", {"commitment": "confirmed"}]),
                ("logsSubscribe", [{"mentions": [POOL_B]}, {"commitment": "confirmed"}]),
            ]
            [stats] = feed.stats().connections
            assert (stats.wanted, stats.confirmed, stats.is_open) == (5, 5, True)
            # The sink hears of a request before its answer can come.
            sent = [frame for kind, _, frame in rig.sink.calls if kind == "sent"]
            assert [json.loads(frame)["method"] for frame in sent] == [method for method, _ in asked]
            assert rig.sink.calls[0] == ("connected", "here/0", b"")

    run(scene)


def test_messages_reach_an_aggregator_that_understands_them() -> None:
    async def scene() -> None:
        rig, news = Rig(), list[Any]()
        aggregator = WssAggregator()
        sink = AggregatorSink(aggregator, news.extend)
        async with FakeEndpoint() as there, rig.feed(there.endpoint(), sink=sink) as feed:
            feed.subscribe([account(POOL_A), account(POOL_B)])
            await feed.settled()
            await there.notify(there.clients[0], slot=7)
            await eventually(lambda: len(news) == 2)
            assert [(one.pubkey, one.slot) for one in news] == [(POOL_A, 7), (POOL_B, 7)]
            assert aggregator.stats().endpoints[0].name == "here/0"
            assert aggregator.stats().endpoints[0].malformed == {}

    run(scene)


def test_refused_subscription_is_reported_and_asked_again_with_growing_delays() -> None:
    async def scene() -> None:
        rig, asked_at = Rig(), list[int]()

        def refuse_four_times(method: str, params: list[Any]) -> dict[str, Any]:
            if method == "slotSubscribe":
                return {}
            asked_at.append(rig.clock.now_ns())
            return {} if len(asked_at) > 4 else {"code": -32602, "message": f"bad key {SECRET}\nand more"}

        async with FakeEndpoint(refuse_four_times) as there, rig.feed(there.endpoint()) as feed:
            feed.subscribe([account(POOL_A)])
            await rig.advance_until(lambda: len(asked_at) == 5, at_most_ns=16 * SECOND)
            await feed.settled()
            first = rig.observer.texts("refused")[0]
            assert first == (
                f"here/0: refuses accountSubscribe {POOL_A}: -32602 bad key *** and more; asked again later"
            )
            # 1st, 2nd and 4th refusal are told, the count grows.
            assert len(rig.observer.texts("refused")) == 3
            assert feed.stats().connections[0].refused == 4

    run(scene)


def test_unanswered_subscription_is_asked_again_and_its_late_answer_is_not_held_twice() -> None:
    async def scene() -> None:
        rig, silent = Rig(), [True]

        def policy(method: str, params: list[Any]) -> dict[str, Any] | None:
            return None if silent[0] and method == "accountSubscribe" else {}

        async with FakeEndpoint(policy) as there, rig.feed(there.endpoint()) as feed:
            feed.subscribe([account(POOL_A)])
            await eventually(lambda: there.clients and len(there.clients[0].requests) == 2)
            client = there.clients[0]
            silent[0] = False
            for _ in range(11):
                await rig.advance(1 * SECOND)
                await there.beat()
                await asyncio.sleep(0.005)
            await feed.settled()
            assert rig.observer.texts("unanswered") == [
                f"here/0: no answer within 10 s to accountSubscribe {POOL_A}; asked again"
            ]
            first, second = [one for one in client.requests if one["method"] == "accountSubscribe"]
            assert first["id"] != second["id"]
            # The endpoint answers the first one after all: now it would send everything twice.
            await client.connection.send(json.dumps({"jsonrpc": "2.0", "id": first["id"], "result": 777}))
            await eventually(lambda: client.cancelled == [777])
            assert feed.stats().connections[0].unanswered == 1

    run(scene)


def test_endpoint_that_never_answers_costs_its_own_connection_and_nothing_else() -> None:
    async def scene() -> None:
        rig = Rig()
        sink = Tee(AggregatorSink(WssAggregator(max_pending=4), lambda news: None), rig.sink)
        async with (
            FakeEndpoint(lambda *_: None) as silent,
            FakeEndpoint() as there,
            rig.feed(silent.endpoint("silent"), there.endpoint(), sink=sink) as feed,
        ):
            feed.subscribe([account(POOL_A)])
            running = asyncio.create_task(feed.run())
            await eventually(lambda: there.clients and silent.clients)
            for _ in range(60):
                await rig.advance(1 * SECOND)
                await there.beat()
                await asyncio.sleep(0.002)
                if rig.observer.texts("lost"):
                    break
            (said,) = rig.observer.texts("lost")
            assert said.startswith("silent/0 leaves too many requests unanswered")
            assert not running.done()
            assert feed.stats().connections[1].confirmed == 2

    run(scene)


def test_answers_that_are_no_answers_are_refusals_or_nothing() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint(lambda *_: None) as there, rig.feed(there.endpoint()) as feed:
            await eventually(lambda: there.clients and there.clients[0].requests)
            client = there.clients[0]
            number = client.requests[0]["id"]
            for text in ("[]", "null", "{", '{"id":true,"result":1}', '{"id":99,"result":1}', "[" * 2_000):
                await client.connection.send(text)
            await client.connection.send(json.dumps({"id": number, "result": "not a number"}))
            await eventually(lambda: rig.observer.texts("refused"))
            assert "an answer without a subscription number" in rig.observer.texts("refused")[0]
            assert len(rig.sink.messages()) == 7  # the sink judges them for itself
            assert feed.stats().connections[0].confirmed == 0

    run(scene)


def test_accounts_are_added_and_removed_while_it_runs() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint()) as feed:
            feed.subscribe([account(POOL_A), account(POOL_B)])
            await feed.settled()
            client = there.clients[0]
            assert client.subjects() == [POOL_A, POOL_B]
            feed.unsubscribe([account(POOL_A), account(POOL_A), account(USDC)])
            feed.subscribe([account(POOL_C), account(POOL_B)])
            await feed.settled()
            await eventually(lambda: client.subjects() == [POOL_B, POOL_C])
            assert len(client.cancelled) == 1
            # Taken away before its answer came: cancelled as soon as it does.
            feed.subscribe([account(WSOL)])
            feed.unsubscribe([account(WSOL)])
            await eventually(lambda: len(client.cancelled) == 2)
            assert client.subjects() == [POOL_B, POOL_C]

    run(scene)


def test_only_so_many_requests_are_unanswered_at_a_time() -> None:
    async def scene() -> None:
        rig = Rig(settings=FeedSettings(max_unconfirmed=3))
        answers = [False]
        async with (
            FakeEndpoint(lambda *_: {} if answers[0] else None) as there,
            rig.feed(there.endpoint()) as feed,
        ):
            feed.subscribe(account(address) for address in (POOL_A, POOL_B, POOL_C, USDC))
            await eventually(lambda: there.clients and len(there.clients[0].requests) == 3)
            await rig.advance(SECOND)
            await asyncio.sleep(0.02)
            assert len(there.clients[0].requests) == 3
            answers[0] = True
            for request in list(there.clients[0].requests):
                reply = {"jsonrpc": "2.0", "id": request["id"], "result": 500 + request["id"]}
                await there.clients[0].connection.send(json.dumps(reply))
            await feed.settled()
            assert len(there.clients[0].requests) == 5

    run(scene)


def test_requests_keep_to_the_endpoints_rate() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as there, rig.feed(there.endpoint(requests_per_second=2.0)) as feed:
            feed.subscribe(account(address) for address in (POOL_A, POOL_B, POOL_C, USDC, WSOL))
            await eventually(lambda: there.clients and len(there.clients[0].requests) == 2)
            await rig.advance(SECOND)
            await eventually(lambda: len(there.clients[0].requests) == 4)
            await rig.advance(SECOND)
            await feed.settled()
            assert len(there.clients[0].requests) == 6

    run(scene)


# ---- limits


def test_subscriptions_are_spread_over_connections_and_drawn_together_again() -> None:
    async def scene() -> None:
        rig = Rig()
        addresses = [POOL_A, POOL_B, POOL_C, USDC, WSOL]
        limits: dict[str, Any] = {"max_subscriptions_per_connection": 3, "max_connections": 2}
        async with FakeEndpoint() as there, rig.feed(there.endpoint(**limits)) as feed:
            feed.subscribe(account(address) for address in addresses)
            await feed.settled()
            # Two connections of two accounts and the slots; the fifth account finds no place.
            assert sorted(len(client.subscriptions) for client in there.clients) == [3, 3]
            assert feed.stats().unplaced == {"here": 1}
            assert rig.observer.texts("unplaced") == [
                "endpoint here: no place for 1 of 5 subscriptions on 2 connections of 3, one of which is for "
                "slots; hint: raise max_connections if it allows more"
            ]
            feed.unsubscribe([account(POOL_A)])
            await feed.settled()
            assert feed.stats().unplaced == {}
            held = sorted(subject for client in there.clients for subject in client.subjects())
            await eventually(
                lambda: sorted(s for c in there.clients for s in c.subjects()) == sorted(addresses[1:])
            )
            assert len(held) >= 4
            feed.unsubscribe(account(address) for address in addresses[1:4])
            await eventually(lambda: len(there.clients) == 1)
            assert there.past[0].close_code == 1000
            assert [one.name for one in feed.stats().connections] in (["here/0"], ["here/1"])

    run(scene)


def test_endpoints_are_added_and_removed_while_it_runs() -> None:
    async def scene() -> None:
        rig = Rig()
        async with FakeEndpoint() as one, FakeEndpoint() as other, rig.feed(one.endpoint("one")) as feed:
            feed.subscribe([account(POOL_A)])
            await feed.settled()
            feed.add(other.endpoint("other"))
            await feed.settled()
            assert other.clients[0].subjects() == [POOL_A]
            await feed.remove("one")
            await eventually(lambda: not one.clients)
            assert one.past[0].close_code == 1000
            assert rig.sink.kinds("one/0") == ["connected", "disconnected"]
            assert rig.sink.kinds("other/0") == ["connected"]
            await feed.remove("nobody")

    run(scene)
