"""Subscribe, then read: whatever the interleaving, nothing that was written is missed in the end."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections import deque
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.sources.rpc import Answer, RpcPool
from phantom_arbiter.sources.sink import AggregatorSink
from phantom_arbiter.sources.snapshots import SnapshotReader, deliver
from phantom_core import AccountUpdate, Address, WssAggregator

OWNER = "11111111111111111111111111111111"
ACCOUNTS = [str(Address(bytes([number] * 32))) for number in (1, 2, 3)]
FILLER = 2
"""Written at the end only, so that slots go on without healing what was missed."""


@dataclass(frozen=True)
class Write:
    slot: int
    account: int
    value: int


class Chain:
    """All writes in order; a node has seen the first so many of them."""

    def __init__(self) -> None:
        self.slot = 1
        self.writes = [Write(1, account, account) for account in range(len(ACCOUNTS))]

    def write(self, account: int, slots: int) -> None:
        self.slot += slots
        self.writes.append(Write(self.slot, account, len(self.writes)))

    def state(self, position: int) -> dict[int, int]:
        return {write.account: write.value for write in self.writes[:position]}


@dataclass
class Node:
    """A node that pushes to one socket and answers reads."""

    chain: Chain
    position: int = len(ACCOUNTS)
    subscribed: bool = False
    connections: int = 0
    queue: deque[Write] = field(default_factory=deque)

    @property
    def slot(self) -> int:
        return self.chain.writes[self.position - 1].slot

    def advance(self, steps: int) -> None:
        for _ in range(min(steps, len(self.chain.writes) - self.position)):
            if self.subscribed:
                self.queue.append(self.chain.writes[self.position])
            self.position += 1

    def conflate(self) -> None:
        """Skip the oldest write on its way if the same slot holds a later one of its account."""
        if self.queue and any(
            (later.slot, later.account) == (self.queue[0].slot, self.queue[0].account)
            for later in list(self.queue)[1:]
        ):
            self.queue.popleft()


class Reached:
    """The part of a pool that tells which slot has been reached."""

    def __init__(self, slot: int) -> None:
        self._slot = slot

    async def probe(self) -> None:
        pass

    def reached_slot(self) -> int:
        return self._slot

    def check_quorum(self, quorum: int) -> None:
        pass


class World:
    """Sockets of nodes with a subscription to every account, HTTP at other nodes, one aggregator behind."""

    def __init__(self, sockets: int) -> None:
        self.chain = Chain()
        self.feeds = [Node(self.chain) for _ in range(sockets)]
        self.http = [Node(self.chain) for _ in range(2)]
        self.aggregator = WssAggregator()
        self.applied: dict[str, int] = {}
        self.sink = AggregatorSink(self.aggregator, self._news)
        self.floor = 0
        self.unread = set(range(len(ACCOUNTS)))
        self.answers: list[tuple[set[int], Answer]] = []
        self._number = 1_000

    def _news(self, news: tuple[Any, ...]) -> None:
        for update in news:
            assert isinstance(update, AccountUpdate)
            assert update.data is not None
            self.applied[update.pubkey] = int.from_bytes(update.data, "little")

    def connect(self, index: int) -> None:
        """Open a socket, anew if it was open; all accounts are to be read after that."""
        feed, name = self.feeds[index], f"rpc/{index}"
        if feed.subscribed:
            self.sink.disconnected(name)
        self.sink.connected(name)
        feed.queue.clear()
        feed.subscribed = True
        for account, address in enumerate(ACCOUNTS):
            request = {"jsonrpc": "2.0", "id": account, "method": "accountSubscribe", "params": [address]}
            self.sink.sent(name, json.dumps(request).encode())
            self.sink.received(name, b'{"jsonrpc":"2.0","id":%d,"result":%d}' % (account, 70 + account))
        reader = SnapshotReader(cast(RpcPool, Reached(max(node.slot for node in self.http))), self.sink)
        self.floor = max(self.floor, asyncio.run(reader.floor(feed.slot)))
        self.unread = set(range(len(ACCOUNTS)))
        self.answers = [(set(), answer) for _, answer in self.answers]

    def notify(self, index: int) -> None:
        """Deliver the next notification on a socket."""
        if not self.feeds[index].queue:
            return
        write = self.feeds[index].queue.popleft()
        result = {"context": {"slot": write.slot}, "value": account_json(write.value)}
        params = {"result": result, "subscription": 70 + write.account}
        frame = {"jsonrpc": "2.0", "method": "accountNotification", "params": params}
        self.sink.received(f"rpc/{index}", json.dumps(frame).encode())

    def ask(self, index: int, accounts: set[int]) -> bool:
        """Let an HTTP node answer; the answer is on its way. A node below the floor refuses."""
        node = self.http[index]
        if node.slot < self.floor:
            return False
        self._number += 1
        asked = sorted(accounts)
        state = node.chain.state(node.position)
        request = {
            "jsonrpc": "2.0",
            "id": self._number,
            "method": "getMultipleAccounts",
            "params": [[ACCOUNTS[account] for account in asked], {"minContextSlot": self.floor}],
        }
        result = {
            "context": {"slot": node.slot},
            "value": [account_json(state[account]) for account in asked],
        }
        body = {"jsonrpc": "2.0", "id": self._number, "result": result}
        answer = Answer(
            f"rpc{index}", json.dumps(request).encode(), json.dumps(body).encode(), result, node.slot
        )
        self.answers.append((accounts, answer))
        return True

    def answer(self, which: int) -> None:
        """Deliver one of the answers on their way."""
        if self.answers:
            accounts, answer = self.answers.pop(which % len(self.answers))
            deliver(self.sink, answer)
            self.unread -= accounts

    def finish(self, order: list[int]) -> None:
        """Read what has not been read since the last connection, and let everything arrive."""
        self.chain.write(FILLER, 2)
        for node in self.http:
            node.advance(len(self.chain.writes))
        pending = self.unread - {account for accounts, _ in self.answers for account in accounts}
        if pending:
            assert self.ask(order[0] % 2, pending)
        for feed in self.feeds:
            feed.advance(len(self.chain.writes))
        for step in order:
            self.answer(step // 8) if step % 2 else self.notify(step // 2 % len(self.feeds))
        for index, feed in enumerate(self.feeds):
            while feed.queue:
                self.notify(index)
        while self.answers:
            self.answer(order[-1])

    def wrong(self) -> dict[int, tuple[int | None, int]]:
        """Return what is applied and what is true, where they differ."""
        truth = self.chain.state(len(self.chain.writes))
        found = {account: self.applied.get(address) for account, address in enumerate(ACCOUNTS)}
        return {each: (found[each], truth[each]) for each in truth if found[each] != truth[each]}


def account_json(value: int) -> dict[str, Any]:
    data = base64.b64encode(value.to_bytes(8, "little")).decode()
    return {"data": [data, "base64"], "executable": False, "lamports": 1, "owner": OWNER, "rentEpoch": 0}


NUMBER = st.integers(0, 255)
STEP = st.tuples(
    st.sampled_from(
        ["write", "feed", "http", "notify", "notify", "conflate", "ask", "ask", "answer", "answer", "connect"]
    ),
    NUMBER,
    NUMBER,
)


def play(world: World, steps: list[tuple[str, int, int]]) -> None:
    for kind, one, two in steps:
        feed = one % len(world.feeds)
        match kind:
            case "write":
                world.chain.write(one % FILLER, int(two < 64))
            case "feed":
                world.feeds[feed].advance(1 + two % 4)
            case "http":
                world.http[one % 2].advance(1 + two % 4)
            case "notify":
                world.notify(feed)
            case "conflate":
                world.feeds[feed].conflate()
            case "ask":
                wanted = {account for account in range(len(ACCOUNTS)) if two >> account & 1}
                if wanted:
                    world.ask(one % 2, wanted)
            case "answer":
                world.answer(one)
            case "connect" if two < 32:
                world.connect(feed)


@settings(max_examples=int(os.environ.get("PHANTOM_SOAK_EXAMPLES", "300")), deadline=None)
@given(
    sockets=st.integers(1, 3),
    head_starts=st.lists(st.tuples(NUMBER, NUMBER), min_size=5, max_size=5),
    before=st.lists(st.tuples(NUMBER, st.sampled_from([0, 0, 0, 1])), min_size=1, max_size=8),
    steps=st.lists(STEP, max_size=30),
    order=st.lists(NUMBER, min_size=1, max_size=40),
)
def test_subscribe_then_read_ends_with_the_last_write_of_every_account(
    sockets: int,
    head_starts: list[tuple[int, int]],
    before: list[tuple[int, int]],
    steps: list[tuple[str, int, int]],
    order: list[int],
) -> None:
    world = World(sockets)
    for account, slots in before:
        world.chain.write(account % FILLER, slots)
    for node, (start, _) in zip([*world.feeds, *world.http], head_starts, strict=False):
        node.advance(start % (len(before) + 1))
    for index in range(sockets):
        world.connect(index)
    play(world, steps)
    world.finish(order)
    assert world.wrong() == {}


def test_a_read_of_the_slot_of_the_subscription_would_leave_a_gap() -> None:
    world = World(1)
    world.chain.write(0, 1)
    world.chain.write(0, 0)
    world.feeds[0].advance(2)  # has seen both writes of the slot when it is subscribed to
    world.connect(0)
    world.http[0].advance(1)  # is in that slot, before its second write
    assert world.floor == world.feeds[0].slot + 1
    assert not world.ask(0, {0, 1, 2})
    world.floor -= 1
    assert world.ask(0, {0, 1, 2})
    world.answer(0)
    assert world.wrong() == {0: (3, 4)}
    world.floor += 1
    world.unread = {0}
    world.finish([0])
    assert world.wrong() == {}


def test_a_write_after_the_read_in_the_same_slot_is_applied() -> None:
    world = World(1)
    world.connect(0)
    world.chain.write(1, world.floor)
    world.http[0].advance(1)
    assert world.ask(0, {0, 1, 2})
    world.answer(0)
    world.chain.write(0, 0)
    world.feeds[0].advance(9)
    world.notify(0)
    world.notify(0)
    assert world.wrong() == {}
