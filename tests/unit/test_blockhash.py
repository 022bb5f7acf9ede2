"""The blockhash cache: what it hands out, what it refuses, and endpoints that lie."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

pytest.importorskip("solders")

from phantom_arbiter.errors import ConfigError, EndpointDown
from phantom_arbiter.execution.blockhash import BlockhashCache, BlockhashRefused, BlockhashRules
from phantom_arbiter.execution.chain import Blockhash
from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc import RpcPool
from phantom_core import Address

SLOT = 300_000_000
HEIGHT = 280_000_000


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(bounded())


def hash_of(slot: int) -> str:
    return str(Address(hashlib.sha256(b"%d" % slot).digest()))


@dataclass
class Node:
    """Tells of a chain that is `ahead` blocks further than the true one, or what a lie says."""

    name: str
    ahead: int = 0
    height_lie: int = 0
    hash_lie: str | None = None
    is_down: bool = False


@dataclass(frozen=True)
class Said:
    endpoint: str
    result: Any
    slot: int | None


@dataclass
class Nodes:
    """Several nodes in front of one chain."""

    endpoints: Sequence[Node]
    slot: int = SLOT
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def call(
        self,
        method: str,
        params: Sequence[Any] = (),
        *,
        wanted_slot: int | None = None,
        check: Callable[[Any], None] = lambda result: None,
        endpoint: str | None = None,
        hedge: bool = True,
        timeout_s: float | None = None,
    ) -> Said:
        self.asked.append((method, endpoint))
        node = next(each for each in self.endpoints if each.name == endpoint)
        if node.is_down:
            raise EndpointDown(node.name, "down")
        slot = self.slot + node.ahead
        value: Any
        if method == "isBlockhashValid":
            value = params[0] in {hash_of(each) for each in range(slot - 150, slot + 1)}
        else:
            height = slot - SLOT + HEIGHT + node.height_lie + 150
            value = {"blockhash": node.hash_lie or hash_of(slot), "lastValidBlockHeight": height}
        result = {"context": {"slot": slot}, "value": value}
        check(result)
        return Said(node.name, result, slot)


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def looked(cache: BlockhashCache) -> Blockhash:
    assert asyncio.run(cache.look())
    found = cache.take()
    assert isinstance(found, Blockhash)
    return found


def refused(cache: BlockhashCache) -> str:
    found = cache.take()
    assert isinstance(found, BlockhashRefused)
    return found.reason


def test_the_newest_is_handed_out_until_it_is_too_old() -> None:
    nodes, clock = Nodes([Node("a"), Node("b", ahead=-3)]), Clock()
    cache = BlockhashCache(nodes, BlockhashRules(min_blocks_left=100), now=clock)
    assert refused(cache) == "no_blockhash"
    found = looked(cache)
    assert (found.blockhash, found.slot) == (hash_of(SLOT), SLOT)
    assert found.last_valid_block_height == HEIGHT + 150
    clock.seconds += 50 * 0.4
    assert cache.take() == found
    clock.seconds += 0.5
    assert refused(cache) == "blockhash_too_old"
    nodes.slot += 51
    assert looked(cache).blockhash == hash_of(SLOT + 51)
    cache.reached_slot(SLOT + 51 + 51)
    assert refused(cache) == "blockhash_too_old"
    assert "holds for 99 blocks more, 100 are wanted" in str(cache.take())


def test_an_older_answer_does_not_replace_a_newer_one() -> None:
    nodes, clock = Nodes([Node("a")]), Clock()
    cache = BlockhashCache(nodes, now=clock)
    first = looked(cache)
    nodes.slot -= 20
    assert looked(cache) == first
    clock.seconds += 40
    asyncio.run(cache.look())
    assert refused(cache) == "blockhash_too_old"


def test_the_highest_truthful_height_counts_so_that_nothing_is_dead_too_early() -> None:
    nodes = Nodes([Node("a"), Node("low", height_lie=-40), Node("b", ahead=2)])
    found = looked(BlockhashCache(nodes))
    assert found.last_valid_block_height == HEIGHT + 2 + 150


@pytest.mark.parametrize(
    "liar",
    [
        Node("liar", height_lie=10_000),
        Node("liar", height_lie=-10_000),
        Node("liar", ahead=10**9),
        Node("liar", ahead=-100),
    ],
)
def test_one_liar_of_three_is_outvoted_and_named_once(liar: Node) -> None:
    notices: list[str] = []
    cache = BlockhashCache(Nodes([Node("a"), liar, Node("b")]), notice=notices.append)
    for _ in range(3):
        found = looked(cache)
        assert (found.slot, found.last_valid_block_height) == (SLOT, HEIGHT + 150)
    assert cache.outvoted == {"liar": 3}
    assert len(notices) == 1
    assert "endpoint liar names block height" in notices[0]


def test_of_two_that_stand_apart_neither_is_believed() -> None:
    cache = BlockhashCache(Nodes([Node("a"), Node("b", height_lie=1_000)]))
    assert not asyncio.run(cache.look())
    assert refused(cache) == "no_blockhash"
    assert cache.outvoted == {"a": 1, "b": 1}


def test_with_a_quorum_a_hash_that_nobody_else_knows_is_passed_over() -> None:
    liar = Node("liar", ahead=5, hash_lie=hash_of(7))
    nodes = Nodes([liar, Node("a"), Node("b", ahead=-1)])
    assert looked(BlockhashCache(nodes)).blockhash == hash_of(7), "with a quorum of one it counts"
    cache = BlockhashCache(nodes, BlockhashRules(quorum=2))
    assert looked(cache).blockhash == hash_of(SLOT), "a tells it, and the liar knows it too"
    assert looked(BlockhashCache(Nodes([Node("a"), Node("b")]), BlockhashRules(quorum=2))).slot == SLOT


def test_endpoints_that_fail_are_told_once_and_the_others_go_on() -> None:
    notices: list[str] = []
    nodes = Nodes([Node("a", is_down=True), Node("b")])
    cache = BlockhashCache(nodes, notice=notices.append)
    for _ in range(3):
        assert looked(cache).endpoint == "b"
    assert (cache.failures["a"], len(notices)) == (3, 1)
    nodes.endpoints[1].is_down = True
    asyncio.run(cache.look())
    assert isinstance(cache.take(), Blockhash), "what is held is good for a while"


@pytest.mark.parametrize(("rules", "said"), [({"min_blocks_left": 150}, "1 to 149"), ({"quorum": 0}, "1 or")])
def test_rules_that_cannot_be_are_refused(rules: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        BlockhashRules(**rules)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="3 endpoints are to agree"):
        BlockhashCache(Nodes([Node("a")]), BlockhashRules(quorum=3))


def test_it_follows_a_local_net_and_the_hashes_are_good() -> None:
    async def test() -> None:
        async with LocalNet(NetSettings(endpoints=3, source="empty", slot_ms=None)) as net:
            endpoints = [
                Endpoint(name=f"e{n}", http_url=SecretUrl(each.http_url))
                for n, each in enumerate(net.endpoints)
            ]
            looks = 0

            async def sleep(seconds: float) -> None:
                nonlocal looks
                looks += 1
                await net.advance(5)
                if looks == 4:
                    raise KeyboardInterrupt

            await net.advance(40)
            async with RpcPool(endpoints) as pool:
                cache = BlockhashCache(pool, BlockhashRules(quorum=2), sleep=sleep)
                with pytest.raises(KeyboardInterrupt):
                    await cache.run()
                found = cache.take()
                assert isinstance(found, Blockhash)
                # Read 5 slots ago, at confirmed: one slot behind.
                assert found.slot == net.bank.slot - 6
                assert net.bank.is_blockhash_valid(found.blockhash)
                assert found.last_valid_block_height == net.bank.block_height - 6 + 150
                cache.reached_slot(net.bank.slot)
                assert cache.blocks_left(found) == 144

    run(test)
