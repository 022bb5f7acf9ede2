"""Real programs, a mispriced pair of pools: found, rehearsed, landed, and the gain is the quote to the unit.

Every pair of venues whose program is there. Needs PHANTOM_PROGRAMS_DIR, a folder with the programs' bytecode
named after their venue's vector file. Prints the matrix with `-s`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest

pytest.importorskip("solders")

import aiohttp
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import TransactionMetadata

import svm_market
from bundles import Client
from phantom_arbiter.execution.accounts import AccountBytes, Known
from phantom_arbiter.execution.rehearsal import Rehearsal
from phantom_arbiter.execution.rehearsed import Kind, Rehearsed, token_balance
from phantom_arbiter.execution.shadow import Comparison, ShadowCheck, ShadowRules
from phantom_arbiter.execution.shadow_probe import ShadowProbe
from phantom_arbiter.execution.svm import Svm
from phantom_arbiter.localnet import LocalNet
from svm_market import TOKEN, WALLET, WSOL, Found

PAIRS = list(combinations(svm_market.FILES, 2))
LIMITS = (1_400_000, 1_399_999)
MATRIX: dict[tuple[str, str], int] = {}

pytestmark = pytest.mark.skipif(
    len(PAIRS) == 0, reason="needs PHANTOM_PROGRAMS_DIR naming a folder with at least two venues' programs"
)


@pytest.fixture(scope="module")
def programs() -> Svm:
    return Svm(svm_market.programs())


@cache
def pair(first: str, second: str) -> Found:
    found = svm_market.find(first, second)
    assert found is not None, f"no cycle between {first} and {second}"
    assert {hop.pool for hop in found.signal.hops} == set(found.pools)
    return found


class ChainNow:
    """Accounts as a machine has them now."""

    def __init__(self, svm: Svm, found: Found) -> None:
        self.svm, self.found = svm, found

    def known(self, addresses: Sequence[str]) -> list[Known | None]:
        return [self.svm.get(each) if each in self.found.chain else None for each in addresses]


def balance(svm: Svm, mint: str) -> int:
    account = svm.get(svm_market.wallet_account(mint))
    assert isinstance(account, AccountBytes)
    held = token_balance(account, bytes(WALLET.pubkey()))
    assert held is not None
    return held[1]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_cycle_through_two_programs_gains_what_was_quoted_to_the_unit(
    programs: Svm, first: str, second: str
) -> None:
    found = pair(first, second)
    rehearsal = Rehearsal([found.held, found.rest], programs)
    wire, expected = found.wire(), found.expected()
    found.learn(rehearsal.needs(wire))

    rehearsed = rehearsal.rehearse(wire, expected)

    assert (rehearsed.kind, rehearsed.error) == (Kind.PASSED, None)
    assert rehearsed.agrees
    assert rehearsed.profit == expected.profit == found.signal.gross_profit
    # And on the chain, which here is a machine of its own.
    chain = found.machine()
    before = balance(chain, WSOL), balance(chain, TOKEN)
    result = chain.execute(VersionedTransaction.from_bytes(wire))
    assert isinstance(result, TransactionMetadata), result
    after = balance(chain, WSOL), balance(chain, TOKEN)
    assert after == (before[0] + found.signal.gross_profit, before[1])
    assert result.compute_units_consumed() == rehearsed.units
    MATRIX[first, second] = found.signal.gross_profit


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_moved_price_fails_and_loses_nothing(programs: Svm, first: str, second: str) -> None:
    found = pair(first, second)
    wire = found.wire()
    found.learn(Rehearsal([found.held, found.rest], programs).needs(wire))
    chain = found.machine()
    # Somebody was faster: the same cycle, by the same wallet for want of another.
    first_one = VersionedTransaction.from_bytes(found.wire(limit=1_399_999))
    assert isinstance(chain.execute(first_one), TransactionMetadata)
    before = balance(chain, WSOL), balance(chain, TOKEN)

    result = chain.execute(VersionedTransaction.from_bytes(wire))

    assert not isinstance(result, TransactionMetadata)
    assert (balance(chain, WSOL), balance(chain, TOKEN)) == before
    moved = Rehearsal([ChainNow(chain, found), found.held, found.rest], programs)
    rehearsed = moved.rehearse(wire, found.expected())
    assert (rehearsed.kind, rehearsed.agrees) == (Kind.FAILED, False)
    assert any(hop.got_out != hop.expected_out for hop in rehearsed.hops)
    assert all(each.before == each.after for each in rehearsed.balances)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_bundle_lands_once_and_comes_too_late_the_second_time(first: str, second: str) -> None:
    found = pair(first, second)
    gain, tip = found.signal.gross_profit, 10_000

    async def run() -> None:
        async with found.net() as net, aiohttp.ClientSession() as session, asyncio.timeout(30):
            client = Client(net, session)
            blockhash = net.bank.blockhash_at(net.bank.slot)[0]
            wires = [found.wire(limit=limit, tip_lamports=tip, blockhash=blockhash) for limit in LIMITS]
            bundles = [VersionedTransaction.from_bytes(wire) for wire in wires]
            before, lamports = on_net(net, WSOL), lamports_of(net)
            landed = await client.send(bundles[0])
            assert await client.inflight(landed) == [("Landed", net.bank.slot)], await net.bundle(landed)
            assert (on_net(net, WSOL), on_net(net, TOKEN)) == (before + gain, 0)
            assert lamports_of(net) == lamports - tip - 5_000
            # The price has moved: the second bundle is not taken, and costs nothing.
            late = await client.send(bundles[1])
            assert await client.inflight(late) == [("Failed", None)]
            assert (on_net(net, WSOL), on_net(net, TOKEN)) == (before + gain, 0)
            assert lamports_of(net) == lamports - tip - 5_000

    asyncio.run(run())


def on_net(net: LocalNet, mint: str) -> int:
    held = net.bank.accounts.latest(svm_market.wallet_account(mint))
    assert held is not None
    assert held[1] is not None
    return int.from_bytes(held[1].data[64:72], "little")


def lamports_of(net: LocalNet) -> int:
    held = net.bank.accounts.latest(str(WALLET.pubkey()))
    assert held is not None
    assert held[1] is not None
    return held[1].lamports


@pytest.mark.parametrize(("first", "second"), PAIRS[:: max(1, len(PAIRS) // 6)])
def test_wrong_quote_sets_its_venue_aside_and_probes_let_it_in_again(
    programs: Svm, first: str, second: str
) -> None:
    found = svm_market.find(first, second)
    assert found is not None
    check = ShadowCheck(ShadowRules(share=1.0, release_after=3), found.engine)
    rehearsal = Rehearsal([found.held, found.rest], programs)
    wire, expected = found.wire(), found.expected()
    found.learn(rehearsal.needs(wire))
    check.learn(rehearsal.rehearse(wire, expected))
    assert check.set_aside() == []
    wrong = replace(expected.hops[1], amount_out=expected.hops[1].amount_out + 1)
    check.learn(rehearsal.rehearse(wire, replace(expected, hops=(expected.hops[0], wrong))))
    assert check.set_aside() == [wrong.venue]
    aside = {pool.pool: pool.set_aside_reason for pool in found.engine.pools()}
    assert aside[wrong.pool] == "quarantined"
    probe = ShadowProbe(found.engine, [found.rest], programs)
    for amount in (1_000, 1_000_000, wrong.amount_in):
        compared = probe.compare(wrong.pool, found.signal.hops[1].mint_in, amount)
        if isinstance(compared, Rehearsed):
            found.learn(compared.missing_accounts)
            compared = probe.compare(wrong.pool, found.signal.hops[1].mint_in, amount)
        assert isinstance(compared, Comparison)
        assert (compared.error_ppm, compared.venue) == (0.0, wrong.venue)
        check.take(compared)
    assert check.set_aside() == []
    assert {pool.set_aside_reason for pool in found.engine.pools()} == {None}


@pytest.mark.skipif(
    not {"meteora_dlmm", "raydium_cpmm", "orca_whirlpool"} <= set(svm_market.FILES), reason="needs DLMM"
)
def test_hops_that_cross_more_bins_take_more_units_and_plain_ones_none(programs: Svm) -> None:
    seen = []
    for second in ("raydium_cpmm", "orca_whirlpool"):
        found = pair("meteora_dlmm", second)
        rehearsal = Rehearsal([found.held, found.rest], programs)
        found.learn(rehearsal.needs(found.wire()))
        rehearsed = rehearsal.rehearse(found.wire(), found.expected())
        for hop, run in zip(found.signal.hops, rehearsed.hops, strict=True):
            crossings = found.engine.crossings(hop.pool, hop.mint_in, hop.amount_in)
            seen.append((run.venue, crossings, run.units or 0))
    plain, crossing = sorted((each for each in seen if each[0] == "meteora_dlmm"), key=lambda each: each[1])
    assert plain[1] == 0
    assert crossing[1] > 100
    assert 3_000 < (crossing[2] - plain[2]) / crossing[1] < 10_000
    assert {each[1] for each in seen if each[0] == "raydium_cpmm"} == {0}


def test_print_the_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    names = list(svm_market.FILES)
    with capsys.disabled():
        print("\nlamports gained, as quoted and as landed; pairs of venues:")
        for first in names[:-1]:
            for second in names[names.index(first) + 1 :]:
                gained = MATRIX.get((first, second))
                shown = "not run" if gained is None else f"{gained:>16,}"
                print(f"  {first:<24} {second:<24} {shown}")
