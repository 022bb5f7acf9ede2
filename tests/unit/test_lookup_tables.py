"""Lookup tables: decoding, planning, and the whole life of one in a virtual machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from solders.address_lookup_table_account import AddressLookupTable
from solders.pubkey import Pubkey

from phantom_arbiter.errors import ConfigError, RpcRefused, TransactionFailed
from phantom_arbiter.execution import table_keeper
from phantom_arbiter.execution.admin import Operator
from phantom_arbiter.execution.chain import ChainAccount, read_accounts
from phantom_arbiter.execution.lookup_tables import (
    LOOKUP_TABLE_PROGRAM,
    PlannedTable,
    PoolAccounts,
    Table,
    TableFault,
    TableFollower,
    additions,
    decode_table,
    judge_table,
    plan_tables,
    read_tables,
)
from phantom_core import TIP_ACCOUNTS
from svm_chain import FIRST_SLOT, WALLET, Said, SvmChain, signer


def key(number: int) -> str:
    return str(Pubkey.from_bytes(number.to_bytes(32, "big")))


def keys(first: int, count: int) -> list[str]:
    return [key(number) for number in range(first, first + count)]


def operator(chain: SvmChain) -> Operator:
    return Operator(chain, signer(), sleep=chain.sleep)


def account(data: bytes, owner: str = LOOKUP_TABLE_PROGRAM) -> ChainAccount:
    return ChainAccount(key(1), owner, 5, data, 9)


def table_data(
    addresses: Sequence[str], *, deactivated: int = 2**64 - 1, authority: str | None = WALLET
) -> bytes:
    has = b"\0" + bytes(32) if authority is None else b"\1" + bytes(Pubkey.from_string(authority))
    head = (1).to_bytes(4, "little") + deactivated.to_bytes(8, "little") + (8).to_bytes(8, "little") + b"\0"
    return head + has + b"\0\0" + b"".join(bytes(Pubkey.from_string(each)) for each in addresses)


# ---- reading


def test_a_table_is_read_as_solders_reads_it() -> None:
    chain = SvmChain()
    made = asyncio.run(table_keeper.create(operator(chain), keys(100, 30)))
    found = asyncio.run(read_accounts(chain, [made.address]))[made.address]
    assert found is not None
    ours, theirs = decode_table(found), AddressLookupTable.deserialize(found.data)
    assert list(ours.addresses) == [str(each) for each in theirs.addresses] == keys(100, 30)
    assert ours.authority == str(theirs.meta.authority) == WALLET
    assert ours.last_extended_slot == theirs.meta.last_extended_slot
    assert ours.warm == theirs.meta.last_extended_slot_start_index == 24
    assert theirs.meta.deactivation_slot == 2**64 - 1
    assert ours.deactivation_slot is None
    assert ours.usable(ours.last_extended_slot) == tuple(keys(100, 24))
    assert ours.usable(ours.last_extended_slot + 1) == ours.addresses


@pytest.mark.parametrize(
    ("data", "owner", "said"),
    [
        (b"", LOOKUP_TABLE_PROGRAM, "it has 0 bytes"),
        (bytes(56), LOOKUP_TABLE_PROGRAM, "no initialised table"),
        (table_data(keys(1, 2))[:-1], LOOKUP_TABLE_PROGRAM, "it has 119 bytes"),
        (table_data(keys(1, 257)), LOOKUP_TABLE_PROGRAM, "up to 256"),
        (table_data(keys(1, 2))[:20] + b"\3" + table_data(keys(1, 2))[21:], LOOKUP_TABLE_PROGRAM, "no init"),
        (table_data(keys(1, 2)), WALLET, "it belongs to"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, owner: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decode_table(account(data, owner))
    fault = judge_table(key(1), account(data, owner), {WALLET})
    assert isinstance(fault, TableFault)
    assert fault.fault == "no_table"


def test_tables_out_of_use_missing_or_of_others_are_refused_and_frozen_ones_taken() -> None:
    def judged(found: ChainAccount | None) -> str:
        judgement = judge_table(key(1), found, {WALLET})
        return judgement.fault if isinstance(judgement, TableFault) else "used"

    assert judged(None) == "missing"
    assert judged(account(table_data(keys(1, 2), deactivated=7))) == "deactivated"
    assert judged(account(table_data(keys(1, 2), authority=key(9)))) == "foreign"
    assert judged(account(table_data(keys(1, 2), authority=None))) == "used"
    assert judged(account(table_data(keys(1, 2)))) == "used"


# ---- planning


def test_a_plan_keeps_each_pool_whole_and_leaves_out_what_is_never_looked_up() -> None:
    tip = min(TIP_ACCOUNTS)
    pools = [PoolAccounts(f"p{n}", (*keys(1_000 * n, 12), key(7), tip, key(8))) for n in range(1, 40)]
    planned = plan_tables(pools, common=[key(5), WALLET], never={WALLET, key(8)})
    assert sorted(pool for table in planned for pool in table.pools) == sorted(each.pool for each in pools)
    by_name = {each.pool: set(each.accounts) - {tip, key(8)} for each in pools}
    for table in planned:
        assert len(table.addresses) == len(set(table.addresses)) <= 256
        assert not {tip, WALLET, key(8)} & set(table.addresses)
        assert {key(5), key(7)} <= set(table.addresses)
        assert set().union(*(by_name[pool] for pool in table.pools)) <= set(table.addresses)
    assert len(planned) == 2, "39 pools of 12 and two shared ones need 470 places"
    assert plan_tables(pools, common=[key(5)], never={WALLET, key(8)}, max_tables=1) == planned[:1]


def test_pools_that_share_accounts_come_into_one_table() -> None:
    families = [
        PoolAccounts(
            f"{family}{n}", (*keys(10_000 * family + 100, 100), *keys(10_000 * family + 1_000 * n, 30))
        )
        for n in range(1, 5)
        for family in (1, 2)
    ]
    planned = plan_tables(families)
    assert [{pool[0] for pool in table.pools} for table in planned] in ([{"1"}, {"2"}], [{"2"}, {"1"}])


def test_nothing_is_planned_for_nothing_or_for_a_pool_that_fits_nowhere() -> None:
    assert plan_tables([]) == []
    assert plan_tables([PoolAccounts("big", tuple(keys(1, 257)))]) == []
    assert plan_tables([PoolAccounts("small", tuple(keys(1, 2)))]) == []


def test_additions_are_what_a_table_lacks_or_nothing_if_it_is_full() -> None:
    table = Table(key(1), WALLET, None, 0, 0, tuple(keys(1, 250)), 0, 0)
    assert additions(PlannedTable(tuple(keys(240, 14)), ()), table) == tuple(keys(251, 3))
    assert additions(PlannedTable(tuple(keys(251, 7)), ()), table) is None


# ---- its life


def test_a_table_is_made_extended_and_closed_and_the_rent_comes_back() -> None:
    chain = SvmChain()
    desk = operator(chain)
    before = chain.lamports(WALLET)
    cost = asyncio.run(table_keeper.cost_of(desk, None, 60))
    table = asyncio.run(table_keeper.create(desk, keys(100, 60)))
    assert table.addresses == tuple(keys(100, 60))
    assert chain.slot > table.last_extended_slot, "it waits until all can be used"
    assert before - chain.lamports(WALLET) == cost.rent_lamports + cost.fee_lamports
    assert (cost.transactions, cost.rent_lamports) == (3, (128 + 56 + 60 * 32) * 6_960)
    more = asyncio.run(table_keeper.extend(desk, table.address, keys(150, 20)))
    assert more.addresses == tuple(keys(100, 70))
    chain.advance(2)
    slow = Operator(chain, signer(), sleep=chain.sleep_long)
    told: list[tuple[int, int]] = []
    back = asyncio.run(table_keeper.close(slow, table.address, lambda done, of: told.append((done, of))))
    assert back == (128 + 56 + 70 * 32) * 6_960
    assert not chain.exists(table.address)
    assert told[0][1] == 514
    assert len(told) > 5
    fees = 5_000 * len(chain.statuses)
    assert before - chain.lamports(WALLET) == fees


def test_a_broken_off_creation_goes_on_where_it_was() -> None:
    chain = SvmChain()
    count = 0

    def breaking(method: str) -> None:
        nonlocal count
        count += method == "sendTransaction"
        if count == 2:
            raise KeyboardInterrupt

    chain.watched = breaking
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(table_keeper.create(operator(chain), keys(100, 60)))
    chain.watched = lambda method: None
    (found,) = asyncio.run(table_keeper.find_own(chain, WALLET))
    assert len(found.addresses) == 24
    table = asyncio.run(table_keeper.extend(operator(chain), found.address, keys(100, 60)))
    assert table.addresses == tuple(keys(100, 60)), "nothing twice"
    assert len(asyncio.run(table_keeper.find_own(chain, WALLET))) == 1


def test_lost_transactions_and_answers_change_nothing() -> None:
    chain = SvmChain(drop_next=1, lose_answers=1)
    table = asyncio.run(table_keeper.create(operator(chain), keys(100, 50)))
    assert table.addresses == tuple(keys(100, 50))
    assert len(chain.statuses) == 3
    assert len({str(each.signatures[0]) for each in chain.sent}) == 3, "the same bytes again"


def test_what_never_lands_expires_and_what_is_refused_says_so() -> None:
    chain = SvmChain(drop_next=1_000)
    with pytest.raises(TransactionFailed, match="expired: it has not landed in 150 blocks") as caught:
        asyncio.run(Operator(chain, signer(), sleep=chain.sleep_long).carry_out([], "nothing"))
    assert caught.value.kind == "expired"
    poor = SvmChain()
    poor.fund(WALLET, 6_000)
    with pytest.raises(TransactionFailed, match="refused") as caught:
        asyncio.run(table_keeper.create(operator(poor), keys(100, 5)))
    assert caught.value.kind == "refused"
    assert (poor.statuses, poor.sent) == ({}, [])


def test_every_error_of_sending_is_left_to_the_status() -> None:
    chain = SvmChain(refuse=frozenset({"sendTransaction"}))
    with pytest.raises(TransactionFailed, match="expired"):
        asyncio.run(Operator(chain, signer(), sleep=chain.sleep_long).carry_out([], "nothing"))
    assert chain.slot - 32 > FIRST_SLOT + 149, "expired at finalized"


def test_expiry_is_judged_by_one_endpoint_alone() -> None:
    class TwoNodes(SvmChain):
        """The one that knows everything tells heights; the other one is behind and knows no status."""

        async def call(self, method: str, params: Sequence[Any] = (), **how: Any) -> Said:
            said = await super().call(method, params, **how)
            if method == "getSignatureStatuses" and how.get("endpoint") != "svm":
                return Said("behind", {**said.result, "value": [None]}, said.slot)
            return said

    chain = TwoNodes()
    landed = asyncio.run(Operator(chain, signer(), sleep=chain.sleep_long).carry_out([], "nothing"))
    assert landed.slot == FIRST_SLOT


def test_tables_of_others_are_not_touched() -> None:
    chain = SvmChain()
    chain.put(key(1), LOOKUP_TABLE_PROGRAM, table_data(keys(1, 2), authority=key(9)), 10**9)
    for step in (
        table_keeper.deactivate(operator(chain), key(1)),
        table_keeper.extend(operator(chain), key(1), []),
    ):
        with pytest.raises(ConfigError, match=f"belongs to {key(9)}"):
            asyncio.run(step)
    with pytest.raises(ConfigError, match="does not exist"):
        asyncio.run(table_keeper.close(operator(chain), key(2)))
    assert chain.sent == []


def test_an_endpoint_that_does_not_search_says_so() -> None:
    chain = SvmChain(refuse=frozenset({"getProgramAccounts"}))
    with pytest.raises(RpcRefused):
        asyncio.run(table_keeper.find_own(chain, WALLET))


# ---- following


def test_a_follower_tells_of_usable_tables_and_of_faults_once() -> None:
    chain = SvmChain()
    chain.put(key(1), LOOKUP_TABLE_PROGRAM, table_data(keys(100, 4)), 10**9)
    chain.put(key(2), LOOKUP_TABLE_PROGRAM, table_data(keys(100, 4), deactivated=7), 10**9)
    told: list[object] = []
    notices: list[str] = []
    follower = TableFollower(chain, [key(1), key(2)], {WALLET}, changed=told.append, notice=notices.append)

    async def look_thrice() -> None:
        for _ in range(3):
            await follower.look()

    asyncio.run(look_thrice())
    assert dict(follower.tables) == {key(1): tuple(keys(100, 4))}
    assert len(told) == 1
    assert len(notices) == 1
    assert "out of use in slot 7" in notices[0]
    chain.refuse = frozenset({"getMultipleAccounts"})
    asyncio.run(follower.look())
    assert dict(follower.tables) == {key(1): tuple(keys(100, 4))}, "what is known stays"
    assert chain.slot == FIRST_SLOT


def test_tables_are_read_in_order() -> None:
    chain = SvmChain()
    chain.put(key(1), LOOKUP_TABLE_PROGRAM, table_data(keys(100, 4)), 10**9)
    table, fault = asyncio.run(read_tables(chain, [key(1), key(2)], {WALLET}))
    assert isinstance(table, Table)
    assert isinstance(fault, TableFault)
    assert fault.fault == "missing"
