"""The parts of the feed that know no socket: backoff, watchdog, rate, book, compression."""

from __future__ import annotations

import zlib
from contextlib import suppress
from functools import partial
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from phantom_arbiter.sources.sink import EngineSink, RecorderSink, Tee, receiver_of
from phantom_arbiter.sources.ws.backoff import Backoff
from phantom_arbiter.sources.ws.inflate import Inflater, WireError, negotiated
from phantom_arbiter.sources.ws.rate import TokenBucket
from phantom_arbiter.sources.ws.settings import SECOND, FeedSettings
from phantom_arbiter.sources.ws.shared import read_answer
from phantom_arbiter.sources.ws.subscriptions import Subscription, SubscriptionBook, account
from phantom_arbiter.sources.ws.watchdog import Check, Watchdog
from ws_endpoint import ListSink

# ---- backoff, rate


def test_backoff_is_jittered_in_full_doubles_to_its_cap_and_starts_anew() -> None:
    rounds = [Backoff(100, 1_000, Random(seed)) for seed in range(2_000)]
    for highest in (100, 200, 400, 800, 1_000, 1_000):
        delays = [one.delay_ns() for one in rounds]
        assert max(delays) <= highest
        assert min(delays) < highest * 0.01
        assert max(delays) > highest * 0.99
        assert abs(sum(delays) / len(delays) - highest / 2) < highest * 0.03
    rounds[0].reset()
    assert rounds[0].delay_ns() <= 100


def test_backoff_after_an_answer_that_forbids_keeps_its_distance() -> None:
    backoff = Backoff(100, 1_000, Random(1))
    assert all(5_000 <= backoff.delay_ns(5_000) <= 10_000 for _ in range(100))
    assert backoff.delay_ns() <= 1_000  # not overflowed by a hundred failures


@given(st.floats(0.5, 50), st.lists(st.integers(0, 3 * SECOND), max_size=200))
def test_bucket_never_lets_more_through_than_its_rate_and_one_second_at_once(
    per_second: float, gaps: list[int]
) -> None:
    bucket, now_ns, taken = TokenBucket(per_second, 0), 0, 0
    for gap in gaps:
        now_ns += gap
        taken += bucket.take(now_ns)
        assert taken <= max(per_second, 1) + per_second * now_ns / SECOND + 1e-6


def test_bucket_without_a_rate_lets_everything_through() -> None:
    bucket = TokenBucket(None, 0)
    assert all(bucket.take(0) for _ in range(10_000))


# ---- watchdog


SETTINGS = FeedSettings()


@given(
    st.lists(st.integers(1, SETTINGS.tick_ns * 2), max_size=100),
    st.integers(0, 50),
    st.booleans(),
)
def test_watchdog_finds_every_silent_connection_within_the_bound(
    ticks: list[int], alive: int, expects_slots: bool
) -> None:
    watchdog, now_ns, last_ns, messages = Watchdog(SETTINGS, 0), 0, 0, 0
    pings = 0
    for index, tick in enumerate([*ticks, *[SETTINGS.tick_ns] * 100]):
        now_ns += tick
        if index < alive:
            messages, last_ns = messages + 1, now_ns
        check = watchdog.check(now_ns, messages, 0, expects_slots=expects_slots)
        pings += check is Check.PING
        if check is Check.SILENT:
            assert pings
            assert now_ns - last_ns >= min(SETTINGS.idle_ns, SETTINGS.ping_interval_ns) / 2
            assert now_ns - last_ns <= SETTINGS.idle_ns + SETTINGS.pong_timeout_ns + 4 * SETTINGS.tick_ns
            return
    raise AssertionError("never found")


def test_watchdog_leaves_a_connection_alone_that_answers_pings_and_has_no_heartbeat() -> None:
    watchdog, pongs = Watchdog(SETTINGS, 0), 0
    for now_ns in range(0, 3_600 * SECOND, SETTINGS.tick_ns):
        check = watchdog.check(now_ns, 0, pongs, expects_slots=False)
        assert check in (Check.FINE, Check.PING)
        pongs += check is Check.PING
    assert pongs >= 3_600 * SECOND // SETTINGS.ping_interval_ns


def test_watchdog_pings_a_busy_connection_now_and_then() -> None:
    watchdog, pings = Watchdog(SETTINGS, 0), 0
    for now_ns in range(0, 600 * SECOND, SETTINGS.tick_ns):
        pings += watchdog.check(now_ns, now_ns, pings, expects_slots=True) is Check.PING
    assert pings == pytest.approx(600 * SECOND / SETTINGS.ping_interval_ns, abs=1)


def test_stated_bounds_follow_from_the_settings() -> None:
    assert SETTINGS.detection_bound_ns == 15.5 * SECOND
    assert SETTINGS.reconnect_bound_ns == 35 * SECOND


# ---- book of subscriptions


POOL = [account(f"account{index}") for index in range(6)]


class Book(RuleBasedStateMachine):
    """The book beside a model server: which numbers the server holds, and what is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.book = SubscriptionBook(10, 3, partial(Backoff, 2, 8, Random(1)))
        self.wanted: set[Subscription] = set()
        self.unanswered: dict[int, Subscription] = {}
        self.held: dict[int, Subscription] = {}
        self.numbers = 0

    @rule(one=st.sampled_from(POOL))
    def add(self, one: Subscription) -> None:
        self.book.add(one)
        self.wanted.add(one)

    @rule(one=st.sampled_from(POOL))
    def remove(self, one: Subscription) -> None:
        number = self.book.remove(one)
        self.wanted.discard(one)
        if number is not None:
            assert self.held.pop(number) == one

    @rule(passed=st.integers(0, 12))
    def wait(self, passed: int) -> None:
        self.now_ns += passed
        for one in self.book.overdue(self.now_ns):
            assert one in self.wanted

    @rule()
    def ask(self) -> None:
        due = self.book.due(self.now_ns)
        if due is not None:
            number, one = self.book.ask(self.now_ns)
            assert one == due
            assert number not in self.unanswered
            self.unanswered[number] = one

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data(), is_refused=st.booleans())
    def answer(self, data: st.DataObject, is_refused: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.unanswered)))
        one = self.unanswered.pop(number)
        if is_refused:
            answer = self.book.answered(number, None, "no", self.now_ns)
            assert answer is None or (answer.subscription == one and answer.refusal == "no")
            return
        self.numbers += 1
        self.held[self.numbers] = one
        answer = self.book.answered(number, self.numbers, None, self.now_ns)
        assert answer is not None
        if answer.cancel is not None:
            assert self.held.pop(answer.cancel) == one

    @rule()
    def new_connection(self) -> None:
        self.book.begin()
        self.unanswered.clear()
        self.held.clear()

    @invariant()
    def never_held_twice_nor_unwanted(self) -> None:
        assert len(set(self.held.values())) == len(self.held) == self.book.confirmed
        assert set(self.held.values()) <= self.wanted
        assert len(self.book) == len(self.wanted)

    def teardown(self) -> None:
        """Whatever happened: a server that answers ends up with all that is wanted, and nothing else."""
        for _ in range(100):
            self.wait(20)
            while (due := self.book.due(self.now_ns)) is not None:
                number, one = self.book.ask(self.now_ns)
                assert one == due
                self.unanswered[number] = one
                self.numbers += 1
                del self.unanswered[number]
                answer = self.book.answered(number, self.numbers, None, self.now_ns)
                assert answer is not None
                assert answer.cancel is None
                self.held[self.numbers] = one
        assert set(self.held.values()) == self.wanted


TestBook = Book.TestCase


# ---- answers


@pytest.mark.parametrize(
    ("message", "read"),
    [
        (b'{"jsonrpc":"2.0","result":5,"id":1}', (1, 5, None)),
        (b'{"id":2,"result":true}', (2, True, None)),
        (b'{"id":3,"error":{"code":-3,"message":"say \\"method\\" it"}}', (3, None, '-3 say "method" it')),
        (b'{"id":4,"error":"odd"}', (4, None, "an error without a code")),
        (b'{"method":"slotNotification","params":{"result":{"slot":1},"subscription":0}}', None),
        (b'{"id":"5","result":1}', None),
        (b'{"id":true,"result":1}', None),
        (b"[1]", None),
        (b"{", None),
        (b"\xff\xfe", None),
        (b"[" * 5_000, None),
    ],
)  # fmt: skip
def test_answers_are_told_from_everything_else(message: bytes, read: object) -> None:
    assert read_answer(message) == read


# ---- compression


@given(st.lists(st.binary(max_size=2_000), max_size=20), st.booleans(), st.integers(9, 15))
def test_inflater_reads_what_zlib_wrote(messages: list[bytes], keeps_context: bool, bits: int) -> None:
    inflater = Inflater(bits, keeps_context=keeps_context, max_bytes=2_000)
    stream = zlib.compressobj(9, zlib.DEFLATED, -bits)
    for message in messages:
        if not keeps_context:
            stream = zlib.compressobj(9, zlib.DEFLATED, -bits)
        payload = stream.compress(message) + stream.flush(zlib.Z_SYNC_FLUSH)
        assert payload.endswith(b"\0\0\xff\xff")
        assert inflater.inflate(payload[:-4]) == message


@given(st.binary(max_size=300))
def test_inflater_gives_no_more_than_its_bound_whatever_comes(payload: bytes) -> None:
    inflater = Inflater(15, keeps_context=True, max_bytes=50)
    with suppress(WireError):
        assert len(inflater.inflate(payload)) <= 50


@pytest.mark.parametrize(
    "header",
    [
        "x-webkit-deflate-frame",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=10",
        "permessage-deflate; odd",
    ],
)
def test_extension_that_was_not_offered_is_refused(header: str) -> None:
    with pytest.raises(WireError):
        negotiated(header, 100)


@pytest.mark.parametrize(
    "header",
    ["permessage-deflate", 'Permessage-Deflate; server_no_context_takeover; server_max_window_bits="10"'],
)
def test_extension_that_was_offered_is_taken(header: str) -> None:
    assert negotiated(header, 100) is not None
    assert negotiated(None, 100) is None
    assert negotiated(" ", 100) is None


# ---- sinks


class FakeEngine:
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def connect(self, endpoint: str) -> None:
        self.calls.append(("connect", endpoint))

    def request(self, endpoint: str, frame: bytes) -> None:
        self.calls.append(("request", endpoint, frame.decode()))

    def endpoint(self, name: str) -> int:
        return {"a/0": 7}[name]

    def ingest(self, endpoint: int | str, frame: bytes, arrival_ns: int | None = None) -> list[str]:
        self.calls.append(("ingest", endpoint, frame.decode(), arrival_ns))
        return [f"signal of {frame.decode()}"] if frame == b"good" else []

    def disconnect(self, endpoint: str) -> list[str]:
        self.calls.append(("disconnect", endpoint))
        return ["released"]


def test_sinks_hand_everything_on_in_order() -> None:
    engine, signals, kept, records = FakeEngine(), list[object](), ListSink(), list[tuple[object, ...]]()

    class Writer:
        def append(self, *record: object) -> None:
            records.append(record)

    clock = iter(range(100))
    tee = Tee(
        EngineSink(engine, signals.extend),  # type: ignore[arg-type]
        kept,
        RecorderSink(Writer(), lambda: next(clock)),
    )
    tee.connected("a/0")
    tee.sent("a/0", b"ask")
    tee.received("a/0", b"dull")
    receive = receiver_of(tee, "a/0")
    receive(b"good")
    tee.disconnected("a/0")
    assert engine.calls == [
        ("connect", "a/0"),
        ("request", "a/0", "ask"),
        ("ingest", "a/0", "dull", None),
        ("ingest", 7, "good", None),
        ("disconnect", "a/0"),
    ]
    assert signals == ["signal of good", "released"]
    assert [call[0] for call in kept.calls] == ["connected", "sent", "received", "received", "disconnected"]
    assert records == [
        ("connect", "a/0", 0),
        ("sent", "a/0", 1, b"ask"),
        ("received", "a/0", 2, b"dull"),
        ("received", "a/0", 3, b"good"),
        ("disconnect", "a/0", 4),
    ]


def test_engine_sink_with_a_clock_hands_on_times_of_arrival() -> None:
    engine, clock = FakeEngine(), iter(range(100, 200))
    sink = EngineSink(engine, lambda signals: None, lambda: next(clock))  # type: ignore[arg-type]
    sink.received("a/0", b"one")
    receiver_of(sink, "a/0")(b"two")
    assert engine.calls == [("ingest", "a/0", "one", 100), ("ingest", 7, "two", 101)]
