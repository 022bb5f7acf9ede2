"""Durable nonces: decoding, lending, and making and closing them in a virtual machine."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.execution import nonces
from phantom_arbiter.execution.admin import Operator
from phantom_arbiter.execution.chain import SYSTEM_PROGRAM, ChainAccount, read_accounts
from phantom_arbiter.execution.nonces import Lent, Nonce, NonceFault, NonceFollower, NoncePool
from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc import RpcPool
from phantom_core import advance_nonce, compile_transaction, transfer_lamports
from svm_chain import WALLET, SvmChain, signer


def key(number: int) -> str:
    return str(Pubkey.from_bytes(number.to_bytes(32, "big")))


def operator(chain: SvmChain) -> Operator:
    return Operator(chain, signer(), sleep=chain.sleep)


def nonce(number: int, value: int, slot: int = 1) -> Nonce:
    return Nonce(key(number), WALLET, key(value), 5, slot)


def data(version: int = 1, state: int = 1, authority: str = WALLET) -> bytes:
    head = version.to_bytes(4, "little") + state.to_bytes(4, "little")
    return head + bytes(Pubkey.from_string(authority)) + bytes(32) + (5_000).to_bytes(8, "little")


@pytest.mark.parametrize(
    ("account", "fault"),
    [
        (None, "missing"),
        (ChainAccount(key(1), SYSTEM_PROGRAM, 5, b"", 9), "no_nonce"),
        (ChainAccount(key(1), key(2), 5, data(), 9), "no_nonce"),
        (ChainAccount(key(1), SYSTEM_PROGRAM, 5, data(state=0), 9), "no_nonce"),
        (ChainAccount(key(1), SYSTEM_PROGRAM, 5, data(version=0), 9), "no_nonce"),
        (ChainAccount(key(1), SYSTEM_PROGRAM, 5, data(authority=key(3)), 9), "foreign"),
    ],
)
def test_what_may_not_be_used_is_named(account: ChainAccount | None, fault: str) -> None:
    judged = nonces.judge_nonce(key(1), account, WALLET)
    assert isinstance(judged, NonceFault)
    assert judged.fault == fault


# ---- lending


def test_a_nonce_is_lent_once_until_its_value_changes() -> None:
    pool = NoncePool()
    assert pool.lend() is None
    assert pool.learned([nonce(1, 10), nonce(2, 20)]) == []
    first, second = pool.lend(), pool.lend()
    assert (first, second) == (Lent(key(1), key(10)), Lent(key(2), key(20)))
    assert pool.lend() is None
    assert pool.learned([nonce(1, 10, slot=5), nonce(2, 20, slot=5)]) == [], "nothing is decided yet"
    assert (pool.lend(), pool.free) == (None, 0)
    assert pool.learned([nonce(1, 11, slot=6)]) == [Lent(key(1), key(10))]
    assert pool.lend() == Lent(key(1), key(11))


def test_an_endpoint_that_is_behind_brings_no_old_value_back() -> None:
    pool = NoncePool()
    pool.learned([nonce(1, 10, slot=5)])
    lent = pool.lend()
    assert lent is not None
    assert pool.learned([nonce(1, 11, slot=9)]) == [lent]
    assert pool.learned([nonce(1, 10, slot=7)]) == []
    assert pool.lend() == Lent(key(1), key(11))
    assert pool.learned([nonce(1, 10, slot=7)]) == [], "nor is it a decision"


def test_what_never_left_comes_back_and_what_an_earlier_run_holds_is_not_lent() -> None:
    pool = NoncePool()
    pool.reserve(key(1), key(10))
    pool.learned([nonce(1, 10), nonce(2, 20)])
    lent = pool.lend()
    assert lent == Lent(key(2), key(20))
    pool.give_back(lent)
    assert pool.lend() == lent
    assert pool.learned([nonce(1, 11)]) == [Lent(key(1), key(10))]
    pool.give_back(Lent(key(2), key(19)))
    assert pool.lent == {key(2): key(20)}, "what is given back is what was lent"


def test_a_nonce_that_is_closed_falls_away_and_is_told() -> None:
    told: list[str] = []
    pool = NoncePool(told.append)
    pool.learned([nonce(1, 10)])
    pool.learned([NonceFault(key(1), "missing", "gone"), NonceFault(key(2), "missing", "never was")])
    assert pool.lend() is None
    assert told == ["gone"]


@given(st.lists(st.tuples(st.sampled_from("lrgo"), st.integers(0, 4)), max_size=60))
def test_no_value_is_ever_lent_twice(steps: list[tuple[str, int]]) -> None:
    """Random lending, landing and reading late: a value that may have been sent is never lent again."""
    pool, values, slot = NoncePool(), dict.fromkeys(range(3), 0), 1
    old = list(values.items())
    sent: set[Lent] = set()

    def told(state: dict[int, int] | list[tuple[int, int]], at: int) -> None:
        pool.learned([nonce(number, 100 * (number + 1) + value, at) for number, value in dict(state).items()])

    told(values, slot)
    for what, number in steps:
        if what == "l":
            lent = pool.lend()
            if lent is not None:
                assert lent not in sent
                sent.add(lent)
        elif what == "g" and number < 3:
            old, values[number] = list(values.items()), values[number] + 1
            slot += 1
        elif what == "r":
            told(values, slot)
        else:
            told(old, slot - 1)


# ---- an operator's work


def test_nonces_are_made_found_used_and_closed() -> None:
    chain = SvmChain()
    desk = operator(chain)
    before = chain.lamports(WALLET)
    made = asyncio.run(nonces.create(desk, 6))
    assert made == [nonces.own_address(WALLET, number) for number in range(6)]
    assert len(chain.statuses) == 2
    rent = asyncio.run(nonces.rent_of(chain))
    assert rent == (128 + 80) * 6_960
    assert before - chain.lamports(WALLET) == 6 * rent + 2 * 5_000
    found = asyncio.run(nonces.find_own(chain, WALLET))
    assert [each.address for each in found.values()] == made
    back = asyncio.run(nonces.close(desk, made[1:3]))
    assert back == 2 * rent
    assert sorted(asyncio.run(nonces.find_own(chain, WALLET))) == [0, 3, 4, 5]
    assert asyncio.run(nonces.create(desk, 1)) == made[1:2], "numbers that are free are taken again"
    assert before - chain.lamports(WALLET) == 5 * rent + 4 * 5_000


def test_a_nonce_of_ours_advances_in_the_machine() -> None:
    chain = SvmChain()
    desk = operator(chain)
    (address,) = asyncio.run(nonces.create(desk, 1))

    def value() -> str:
        found = asyncio.run(read_accounts(chain, [address]))[address]
        assert found is not None
        return nonces.decode_nonce(found).value

    before = value()
    chain.svm.expire_blockhash()
    chain.advance()
    asyncio.run(desk.carry_out([advance_nonce(address, WALLET)], "advancing"))
    assert value() != before


def test_too_many_and_those_of_others_are_refused() -> None:
    chain = SvmChain()
    with pytest.raises(ConfigError, match="with 65 more than 64"):
        asyncio.run(nonces.create(operator(chain), 65))
    chain.put(key(1), SYSTEM_PROGRAM, data(authority=key(3)), 10**9)
    with pytest.raises(ConfigError, match=f"is {key(3)}'s to use"):
        asyncio.run(nonces.close(operator(chain), [key(1)]))
    assert chain.sent == []


# ---- on the local net


def test_of_several_copies_one_lands_and_then_the_nonce_comes_back() -> None:
    async def test() -> None:
        net = LocalNet(NetSettings(endpoints=2, source="empty", slot_ms=None))
        net.bank.load(WALLET, AccountState(SYSTEM_PROGRAM, 10**9, b""))
        async with net:
            urls = [SecretUrl(each.http_url) for each in net.endpoints]

            async def sleep(seconds: float) -> None:
                await net.advance()

            async with RpcPool([Endpoint(name=f"e{n}", http_url=url) for n, url in enumerate(urls)]) as rpc:
                desk = Operator(rpc, signer(), sleep=sleep)
                addresses = await nonces.create(desk, 2)
                await net.advance(3)
                decided: list[Lent] = []
                notices: list[str] = []
                follower = NonceFollower(
                    rpc,
                    [*addresses, key(9)],
                    WALLET,
                    NoncePool(),
                    decided=decided.append,
                    notice=notices.append,
                )
                await follower.look()
                assert len(notices) == 1
                assert "does not exist" in notices[0]
                lent = follower.pool.lend()
                assert lent is not None
                copies = [
                    compile_transaction(
                        [advance_nonce(lent.address, WALLET), transfer_lamports(WALLET, key(50), lamports)],
                        signer(),
                        lent.value,
                    )
                    for lamports in (10**6, 2 * 10**6)
                ]
                await net.advance(500)
                await follower.look()
                assert decided == []
                config = {"encoding": "base64", "skipPreflight": True}
                for copy in (*copies, *copies):
                    await rpc.call("sendTransaction", [copy.base64, config])
                await net.advance(3)
                await follower.look()
                assert decided == [lent]
                paid = await read_accounts(rpc, [key(50)])
                account = paid[key(50)]
                assert account is not None
                assert account.lamports == 10**6
                assert follower.pool.free == 2
                again = follower.pool.lend()
                assert again is not None
                assert again.address != lent.address, "the one unused for longest first"

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await test()

    asyncio.run(bounded())
