"""A few pools of every venue's golden vectors, the same ones in every run, and swaps to try on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_core import MarketDataError, Pool, Quote, Swap, SwapRefused, decode_account
from phantom_core.accounts import Account, SplMint
from vector_states import State, states

Answer = TypeVar("Answer")
U64_MAX = 2**64 - 1
POOLS_PER_FILE = 48
"""Enough for some of each kind of pool that a file has."""


@dataclass(frozen=True)
class Sample:
    """A pool as its state has it; whoever swaps takes a copy."""

    number: int
    state: State
    pool: Pool

    def __repr__(self) -> str:
        return f"<state {self.number} of {self.state.venue}, {self.state.kind}>"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        # Hypothesis prints a failing example: what opens it again, not all its accounts.
        printer.text(repr(self))

    @cached_property
    def depth(self) -> tuple[int, int]:
        """What the pool holds of its mints, base units."""
        return self.pool.summary().depth

    @cached_property
    def account(self) -> Account:
        """The pool's own account, decoded."""
        return decode_account(*self.state.accounts[self.state.pool])

    def dependency(self, what: str) -> Account:
        """Return the first account of a kind among the pool's dependencies, decoded."""
        address = next(address for address, kind, _ in self.pool.dependencies if kind == what)
        return decode_account(*self.state.accounts[address])

    @cached_property
    def greatest_transfer_fees(self) -> frozenset[int]:
        """The maxima of the mints' transfer fees, base units."""
        accounts = [decode_account(*account) for account in self.state.accounts.values() if is_token(account)]
        configs = [mint.transfer_fee for mint in accounts if isinstance(mint, SplMint) and mint.transfer_fee]
        return frozenset(fee.maximum_fee for config in configs for fee in (config.older, config.newer))

    def is_capped(self, quote: Quote) -> bool:
        """Return whether a transfer fee stops at its maximum: the more is traded, the less it weighs."""
        fees = {quote.input_transfer_fee, quote.output_transfer_fee} - {0}
        return not fees.isdisjoint(self.greatest_transfer_fees)


def is_token(account: tuple[str, bytes]) -> bool:
    """Return whether one of the token programs owns an account."""
    return account[0].startswith("Token")


@cache
def samples(file: str) -> tuple[Sample, ...]:
    """Return pools of a vector file that can trade: the first of every kind, then some evenly spread."""
    every = list(states(file))
    firsts = {state.kind: number for number, state in reversed(list(enumerate(every)))}
    step = max(1, len(every) // max(1, POOLS_PER_FILE - len(firsts)))
    chosen = sorted({*firsts.values(), *range(0, len(every), step)})
    opened = (Sample(number, every[number], every[number].open()) for number in chosen)
    return tuple(sample for sample in opened if sample.pool.set_aside is None)


@dataclass(frozen=True)
class Trade:
    """Amounts to try on a pool in one direction, base units."""

    sample: Sample
    a_to_b: bool
    amounts: tuple[int, ...]

    @property
    def pool(self) -> Pool:
        """The pool as the sample has it: not to be swapped on."""
        return self.sample.pool

    @property
    def venue(self) -> str:
        return self.sample.state.venue


EXACT: tuple[Literal["out"], Literal["in"]] = ("out", "in")
AMOUNTS_PER_TRADE = 6
parts = st.lists(
    st.tuples(st.integers(2**23, 2**24 - 1), st.integers(0, 63)),
    min_size=AMOUNTS_PER_TRADE,
    max_size=AMOUNTS_PER_TRADE,
)
"""For each amount: leading bits, and where it lies among the orders of magnitude, in 64 steps."""


@st.composite
def trades(draw: st.DrawFn, file: str, of_output: bool) -> Trade:
    """Draw a pool, a direction, and amounts of every size up to twice what the pool holds of a side."""
    sample = draw(st.sampled_from(samples(file)))
    a_to_b = draw(st.booleans())
    reach = 2 * sample.depth[a_to_b == of_output]
    drawn = ((bits, 24 + step * reach.bit_length() // 64) for bits, step in draw(parts))
    return Trade(sample, a_to_b, tuple(min(U64_MAX, max(1, reach * bits >> shift)) for bits, shift in drawn))


def hold(file: str, rule: Callable[[Trade], int], *, of_output: bool = False, examples: int = 60) -> None:
    """Try a rule on the pools of a vector file.

    Swaps that the program refuses are no failure, so a rule returns how many of its comparisons it could
    make; that they are not too few is checked here.

    Args:
        file: The vector file.
        rule: Asserts something of a trade.
        of_output: Whether the amounts are those of the output.
        examples: How many trades are tried.
    """
    compared = 0

    @settings(max_examples=examples)
    @given(trades(file, of_output))
    def tried(trade: Trade) -> None:
        nonlocal compared
        compared += rule(trade)

    tried()
    assert compared >= examples // 4


def attempt(ask: Callable[[], Answer]) -> Answer | SwapRefused | MarketDataError:
    """Return the answer, or the error that comes instead; any other class of error is raised."""
    try:
        return ask()
    except (SwapRefused, MarketDataError) as error:
        return error


def is_refusal(error: SwapRefused | MarketDataError) -> bool:
    """Return whether an error is the program's, or its word for an array that the client did not pass."""
    return isinstance(error, SwapRefused) or error.reason == "missing_account"


def quote(pool: Pool, amount: int, *, a_to_b: bool, exact_in: bool = True) -> Quote | None:
    """Return the quote, or None for a swap that the program refuses."""
    return unless_refused(attempt(lambda: pool.quote(amount, a_to_b=a_to_b, exact=EXACT[exact_in])))


def swap(pool: Pool, amount: int, *, a_to_b: bool) -> Swap | None:
    """Carry an exact input out on `pool`; return None if the program refuses."""
    return unless_refused(attempt(lambda: pool.swap(amount, a_to_b=a_to_b)))


def unless_refused(answer: Answer | SwapRefused | MarketDataError) -> Answer | None:
    """Return the answer, None for an error of the program's; raise any other."""
    if not isinstance(answer, (SwapRefused, MarketDataError)):
        return answer
    if not is_refusal(answer):
        raise answer
    return None
