"""Real programs, a mispriced pair of pools: found, rehearsed, landed, and the gain is the quote to the unit.

Every pair of venues whose program is there. Needs PHANTOM_PROGRAMS_DIR, a folder with the programs' bytecode
named after their venue's vector file. Prints the matrix with `-s`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations

import pytest

pytest.importorskip("solders")

from solders.compute_budget import set_compute_unit_limit
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import TransactionMetadata

import svm_market
from phantom_arbiter.execution.accounts import AccountBytes, Known
from phantom_arbiter.execution.rehearsal import Rehearsal
from phantom_arbiter.execution.rehearsed import Kind, token_balance
from phantom_arbiter.execution.svm import Svm
from svm_market import TOKEN, WALLET, WSOL, Found

PAIRS = list(combinations(svm_market.FILES, 2))
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
    others = svm_market.signed([set_compute_unit_limit(1_399_999), *found.instructions()])
    assert isinstance(chain.execute(VersionedTransaction.from_bytes(others)), TransactionMetadata)
    before = balance(chain, WSOL), balance(chain, TOKEN)

    result = chain.execute(VersionedTransaction.from_bytes(wire))

    assert not isinstance(result, TransactionMetadata)
    assert (balance(chain, WSOL), balance(chain, TOKEN)) == before
    moved = Rehearsal([ChainNow(chain, found), found.held, found.rest], programs)
    rehearsed = moved.rehearse(wire, found.expected())
    assert (rehearsed.kind, rehearsed.agrees) == (Kind.FAILED, False)
    assert any(hop.got_out != hop.expected_out for hop in rehearsed.hops)
    assert all(each.before == each.after for each in rehearsed.balances)


def test_print_the_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    names = list(svm_market.FILES)
    with capsys.disabled():
        print("\nlamports gained, as quoted and as landed; pairs of venues:")
        for first in names[:-1]:
            for second in names[names.index(first) + 1 :]:
                gained = MATRIX.get((first, second))
                shown = "not run" if gained is None else f"{gained:>16,}"
                print(f"  {first:<24} {second:<24} {shown}")
