"""What one RPC endpoint delivers of a day, when, and what goes wrong on the way.

Every endpoint keeps the contract that the aggregator relies on: what it delivers of one account in
one slot comes in chain order. It may leave writes out (conflation, loss), be late, repeat itself,
garble a frame, or go away and come back; after coming back it reads all accounts anew. The final
write of the day of every account reaches every endpoint.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from demo_recording import frames
from demo_recording.market_day import DAY_S, SECOND_NS, SLOT_NS, Account, MarketDay, Write

Kind = Literal["connect", "sent", "received", "disconnect"]

KEYS_PER_READ = 100
"""The RPC's limit for getMultipleAccounts."""
MS = 1_000_000
API_VERSION = "1.9.14"
"""A node release of April 2022; the endpoint without one shows that the field is optional."""


@dataclass(frozen=True, slots=True)
class Event:
    """One record to be: kind, arrival since midnight, frame."""

    kind: Kind
    arrival_ns: int
    frame: bytes = b""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the day, in nanoseconds since midnight."""

    start_ns: int
    end_ns: int

    def __contains__(self, at_ns: int) -> bool:
        return self.start_ns <= at_ns < self.end_ns


NEVER = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How an endpoint delivers; shares are probabilities per message."""

    delay_ns: int
    jitter_ns: int
    conflated: float = 0.0
    repeated: float = 0.0
    lag: Span = NEVER
    lag_ns: int = 0
    lossy: Span = NEVER
    lost: float = 0.0
    away: Span = NEVER
    garbled: frozenset[int] = frozenset()
    """Numbers of the writes whose notification arrives broken."""


class Endpoint:
    """Delivers one day; `run` returns the events, `faults` counts what went wrong."""

    def __init__(self, day: MarketDay, index: int, behaviour: Behaviour, rng: Random) -> None:
        self.faults: Counter[str] = Counter()
        self._day = day
        self._behaviour = behaviour
        self._rng = rng
        self._api_version = API_VERSION if index % 3 != 2 else None
        self._first_ns = index * 15 * MS
        self._events: list[Event] = []
        self._last_ns = 0
        self._request_id = 0
        self._subscription = rng.randrange(10_000, 10_000_000) * 10 ** (2 * (index % 3))
        self._subscriptions: dict[str, int] = {}
        self._watched_since: dict[str, int] = {}
        self._state: dict[str, Account] = dict(day.accounts)
        self._highest_slot = day.start_slot
        self._to_read: list[tuple[int, int, Sequence[str]]] = []
        self._repeat: tuple[Write, bytes, int] | None = None

    def run(self) -> list[Event]:
        """Deliver the whole day; the arrivals never go back."""
        self._emit("connect", self._first_ns)
        for number, keys in enumerate(_chunks(self._day.keys)):
            sent_ns = self._first_ns + (number + 1) * MS
            self._read(sent_ns, sent_ns + self._delay(), self._day.start_slot, keys)
        self._subscribe(self._last_ns + MS)
        away = self._behaviour.away
        is_away, was_away = False, away == NEVER
        for number, write in enumerate(self._day.writes):
            if not was_away and write.at_ns >= away.start_ns:
                is_away = was_away = True
                self._repeat = None
                self._emit("disconnect", away.start_ns)
                self.faults["disconnected"] += 1
            if is_away and write.at_ns >= away.end_ns:
                is_away = False
                self._come_back()
            self._answer_reads(write.slot)
            self._state[write.pubkey] = write.account
            if is_away:
                self.faults["missed while away"] += 1
            elif write.at_ns >= self._watched_since[write.pubkey]:
                self._deliver(number, write)
        self._answer_reads(None)
        return self._events

    def _deliver(self, number: int, write: Write) -> None:
        plan, rng = self._behaviour, self._rng
        # Drawn for every write, so that one fault does not shift the others.
        conflated, lost, repeated, broken_at = (rng.random() for _ in range(4))
        delay_ns = self._delay()
        if write.at_ns in plan.lag:
            delay_ns += plan.lag_ns
            self.faults["late"] += 1
        arrival_ns = max(write.at_ns + delay_ns, self._last_ns)
        if write.at_ns < plan.away.start_ns <= arrival_ns:
            self.faults["lost"] += 1
            return
        if write.at_ns in plan.lossy and lost < plan.lost:
            self.faults["lost"] += 1
            return
        if not write.is_last_in_slot and conflated < plan.conflated:
            self.faults["conflated"] += 1
            return
        self._send_repeat(arrival_ns, write)
        frame = frames.account_notification(self._subscriptions[write.pubkey], write.slot, write.account)
        if number in plan.garbled:
            if number % 2:
                frame = frames.truncated(frame, broken_at)
                self.faults["truncated"] += 1
            else:
                frame = frames.with_wrong_base64(frame, write.account, broken_at)
                self.faults["wrong base64"] += 1
        elif repeated < plan.repeated:
            self._repeat = write, frame, rng.randrange(4)
        self._highest_slot = write.slot
        self._emit("received", arrival_ns, frame)

    def _send_repeat(self, arrival_ns: int, upcoming: Write) -> None:
        """Send a waiting repeat: after some messages, but before the account's next in its slot."""
        if self._repeat is None:
            return
        write, frame, messages_left = self._repeat
        if messages_left and (write.pubkey, write.slot) != (upcoming.pubkey, upcoming.slot):
            self._repeat = write, frame, messages_left - 1
            return
        self._repeat = None
        self.faults["repeated"] += 1
        self._emit("received", arrival_ns, frame)

    def _come_back(self) -> None:
        """Connect, subscribe under new ids, then read everything anew."""
        back_ns = self._behaviour.away.end_ns
        self._emit("connect", back_ns)
        self._subscribe(back_ns + MS)
        missed = self._day.writes_before(self._last_ns)
        newest_missed = self._day.writes[missed - 1].slot
        read_ns = self._last_ns + MS
        while (slot := self._day.complete_slot_at(read_ns)) < newest_missed:
            read_ns += SLOT_NS
        for keys in _chunks(self._day.keys):
            self._to_read.append((slot, read_ns, keys))

    def _answer_reads(self, upcoming_slot: int | None) -> None:
        """Answer waiting reads once every write up to their slot has been delivered."""
        while self._to_read and (upcoming_slot is None or self._to_read[0][0] < upcoming_slot):
            slot, read_ns, keys = self._to_read.pop(0)
            self._repeat = None
            self._read(read_ns, read_ns + self._delay(), slot, keys)

    def _read(self, sent_ns: int, answered_ns: int, slot: int, keys: Sequence[str]) -> None:
        request_id = self._next_request()
        self._emit("sent", sent_ns, frames.get_multiple_accounts(request_id, keys, self._highest_slot))
        accounts = [self._state.get(key) for key in keys]
        answer = frames.accounts_read(request_id, slot, accounts, self._api_version)
        self._emit("received", answered_ns, answer)

    def _subscribe(self, start_ns: int) -> None:
        requests = [(self._next_request(), key) for key in self._day.keys]
        for number, (request_id, key) in enumerate(requests):
            self._emit("sent", start_ns + number * MS // 10, frames.account_subscribe(request_id, key))
        for request_id, key in requests:
            self._subscription += self._rng.randrange(1, 9)
            self._subscriptions[key] = self._subscription
            self._emit("received", self._last_ns + MS // 5, frames.subscribed(request_id, self._subscription))
            self._watched_since[key] = self._last_ns

    def _next_request(self) -> int:
        self._request_id += 1
        return self._request_id

    def _delay(self) -> int:
        """Return the base delay plus a jitter that is mostly small and sometimes large."""
        share = self._rng.random() * self._rng.random() * self._rng.random()
        return self._behaviour.delay_ns + int(self._behaviour.jitter_ns * share)

    def _emit(self, kind: Kind, at_ns: int, frame: bytes = b"") -> None:
        """Append an event in whole microseconds, never before the one before."""
        self._last_ns = max(at_ns // 1000 * 1000, self._last_ns)
        self._events.append(Event(kind, self._last_ns, frame))


def in_order(endpoints: int, seed: int) -> list[Behaviour]:
    """Return endpoints that deliver everything in chain order, each with delays of its own."""
    rng = Random(f"in order {seed}")
    draw = rng.randrange
    return [Behaviour(draw(30, 300) * MS, draw(2000, 5000) * MS) for _ in range(endpoints)]


def realistic(day: MarketDay, endpoints: int, seed: int) -> list[Behaviour]:
    """Return endpoints with faults: the last one drops its connection, the one before lags.

    The two windows never meet, so that this also holds for a single endpoint.
    """
    rng = Random(f"realistic {seed}")
    day_ns = DAY_S * SECOND_NS

    def span(earliest: float, latest: float, length_ns: int) -> Span:
        start = int(day_ns * (earliest + (latest - earliest) * rng.random()))
        return Span(start, start + length_ns)

    lag = span(0.15, 0.40, 60 * 60 * SECOND_NS)
    lossy = span(0.55, 0.85, 15 * 60 * SECOND_NS)
    away = Span(lossy.end_ns, lossy.end_ns + rng.randrange(45, 120) * SECOND_NS)
    garbled = _garbled(day, rng, 6 * endpoints)
    behaviours = []
    for index in range(endpoints):
        is_lagging, is_dropping = index == max(endpoints - 2, 0), index == endpoints - 1
        behaviours.append(
            Behaviour(
                delay_ns=(90, 160, 60)[index % 3] * MS,
                jitter_ns=(250, 900, 1500)[index % 3] * MS,
                conflated=(0.0, 0.35, 0.15)[index % 3],
                repeated=(0.002, 0.006, 0.004)[index % 3],
                lag=lag if is_lagging else NEVER,
                lag_ns=rng.randrange(8, 20) * SECOND_NS,
                lossy=lossy if is_dropping else NEVER,
                lost=0.3,
                away=away if is_dropping else NEVER,
                garbled=frozenset(garbled[index::endpoints]),
            )
        )
    return behaviours


def _garbled(day: MarketDay, rng: Random, count: int) -> list[int]:
    """Pick writes to arrive broken at one endpoint: alone in their slot, and not the day's last."""
    able = [n for n, write in enumerate(day.writes) if write.is_only_in_slot and not write.is_last_of_day]
    return rng.sample(able, count)


def _chunks(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[at : at + KEYS_PER_READ] for at in range(0, len(keys), KEYS_PER_READ)]
