"""`phantom_core.Pool`: one pool of any venue from account bytes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
import pytest
from solders.account import Account as SoldersAccount
from solders.pubkey import Pubkey

from phantom_core import Clock, InvalidInput, Market, MarketDataError, Pool, SwapRefused
from vector_states import FILES, State, is_quoted, states

QUOTED = [file for file in FILES if is_quoted(file)]
STATES_PER_FILE = 40
U64_MAX = 2**64 - 1


def ask(pool: Pool, arguments: dict[str, Any]) -> Any:
    """Return the quote of a vector's swap, or the refusal."""
    exact_in = arguments["exact_in"]
    try:
        return pool.quote(
            arguments["amount"],
            a_to_b=arguments["a_to_b"],
            exact="in" if exact_in else "out",
            threshold=arguments.get("other_amount_threshold"),
            sqrt_price_limit=arguments.get("sqrt_price_limit", 0),
            partial_fill=arguments.get("mode") == "partial_fill",
        )
    except SwapRefused as refused:
        return refused
    except MarketDataError as missing:
        # An array that the client did not pass: the program has an error of its own for it.
        if missing.reason != "missing_account":
            raise
        return missing


def some_states(file: str) -> Iterator[State]:
    return islice(states(file), STATES_PER_FILE)


@pytest.mark.parametrize("file", QUOTED)
def test_pool_from_bytes_answers_like_the_program(file: str) -> None:
    answered = 0
    for state in some_states(file):
        pool = state.open()
        for swap in state.swaps:
            if swap["op"] not in OPS_OF_QUOTE.get(state.venue, (swap["op"],)):
                continue
            answer = ask(pool, swap["args"])
            if swap["ok"]:
                expected = (swap["result"]["user_in"], swap["result"]["user_out"])
                assert (answer.amount_in, answer.amount_out) == expected, swap["id"]
            elif swap["error"].get("name") != TRADER_LACKS:
                name = answer.name if isinstance(answer, SwapRefused) else answer.values["name"]
                assert swap["error"].get("name") in (None, name), swap["id"]
            answered += 1
    assert answered > 20


TRADER_LACKS = "insufficient funds"
"""The token program's words where the trader, of whom a pool knows nothing, does not have the amount."""

OPS_OF_QUOTE = {"orca_whirlpool": ("swap_v2",)}
"""Where a venue has two instructions that differ in compute units, the one that a client would send."""


@pytest.mark.parametrize("file", QUOTED)
def test_dependencies_alone_load_a_pool(file: str) -> None:
    for state in some_states(file):
        pool = Pool(state.pool, *state.accounts[state.pool], assume_plain_mints=state.lacks_mints)
        rounds = 0
        while addresses := pool.missing:
            rounds += 1
            assert rounds < 4, addresses
            for address in addresses:
                if address == "SysvarC1ock11111111111111111111111111111111":
                    pool.set_clock(state.clock)
                else:
                    pool.update(address, state.accounts.get(address))
        pool.set_clock(state.clock)
        whole = state.open()
        assert pool.set_aside == whole.set_aside
        for swap in state.swaps[:4]:
            ours, theirs = ask(pool, swap["args"]), ask(whole, swap["args"])
            assert repr(ours) == repr(theirs)


def first(file: str) -> State:
    return next(state for state in states(file) if any(swap["ok"] for swap in state.swaps))


@pytest.fixture
def state() -> State:
    return first("raydium_cpmm.jsonl.gz")


@pytest.fixture
def pool(state: State) -> Pool:
    return state.open()


@pytest.mark.parametrize("file", QUOTED)
def test_swap_leaves_what_the_program_leaves(file: str) -> None:
    state = first(file)
    swap = next(
        swap
        for swap in state.swaps
        if swap["ok"] and swap["op"] in OPS_OF_QUOTE.get(state.venue, (swap["op"],))
    )
    pool = state.open()
    before = pool.copy()
    arguments = swap["args"]
    exact = "in" if arguments["exact_in"] else "out"
    done = pool.swap(
        arguments["amount"],
        a_to_b=arguments["a_to_b"],
        exact=exact,  # type: ignore[arg-type]
        threshold=arguments.get("other_amount_threshold"),
        sqrt_price_limit=arguments.get("sqrt_price_limit", 0),
        partial_fill=arguments.get("mode") == "partial_fill",
    )
    assert done.quote.amount_out == swap["result"]["user_out"]
    for name, value in done.details.items():
        assert swap["result"].get(name, value) == value, name
    if done.quote.amount_out:
        assert pool.spot_price(a_to_b=True) != before.spot_price(a_to_b=True) or "dlmm" in file
    assert ask(before, arguments).amount_out == swap["result"]["user_out"]


@pytest.mark.parametrize("file", QUOTED)
@pytest.mark.parametrize("a_to_b", [True, False])
@pytest.mark.parametrize("exact", ["in", "out"])
def test_batch_equals_single_quotes_row_by_row(file: str, a_to_b: bool, exact: Any) -> None:
    pool = first(file).open()
    rng = np.random.default_rng(5)
    amounts = (10 ** rng.uniform(0, 19.2, size=300)).astype(np.uint64)
    amounts[7], amounts[8] = 0, U64_MAX
    batch = pool.quote_batch(amounts, a_to_b=a_to_b, exact=exact)
    assert len(batch) == len(amounts)
    assert batch.errors[0] == ("", None)
    seen: list[tuple[str, int | None]] = [("", None)]
    for row, amount in enumerate(amounts.tolist()):
        error: tuple[str, int | None] = ("", None)
        expected = (0, 0, 0)
        try:
            quote = pool.quote(amount, a_to_b=a_to_b, exact=exact)
            expected = (quote.amount_in, quote.amount_out, quote.fee)
        except SwapRefused as refused:
            error = (refused.name, refused.code)
        if error not in seen:
            seen.append(error)
        assert (batch.amount_in[row], batch.amount_out[row], batch.fee[row]) == expected
        assert batch.errors[batch.error[row]] == error
        assert batch.ok[row] == (error == ("", None))
    assert batch.errors == seen, "in the order of the first row that has them"
    assert batch.failed == int((~batch.ok).sum())


def test_batch_over_all_cores_is_the_batch_in_pieces(pool: Pool) -> None:
    amounts = (10 ** np.random.default_rng(6).uniform(0, 19.2, size=20_001)).astype(np.uint64)
    whole = pool.quote_batch(amounts, a_to_b=True)
    assert 0 < whole.failed < whole.rows
    for start in range(0, len(amounts), 1_000):
        piece = pool.quote_batch(amounts[start : start + 1_000], a_to_b=True)
        rows = slice(start, start + 1_000)
        assert np.array_equal(whole.amount_out[rows], piece.amount_out)
        names = [whole.errors[place] for place in whole.error[rows]]
        assert names == [piece.errors[place] for place in piece.error]


def test_batch_takes_no_rows_and_strided_ones(pool: Pool) -> None:
    assert len(pool.quote_batch(np.array([], dtype=np.uint64), a_to_b=True)) == 0
    amounts = np.arange(1_000, 2_000, dtype=np.uint64)
    strided = pool.quote_batch(amounts[::3], a_to_b=True)
    assert np.array_equal(strided.amount_out, pool.quote_batch(amounts, a_to_b=True).amount_out[::3])


def test_batch_reads_the_field_of_a_packed_array(pool: Pool) -> None:
    packed = np.zeros(50, dtype=[("tag", np.uint8), ("amount", "<u8")])
    packed["amount"] = range(1_000, 1_050)
    assert not packed["amount"].flags.aligned
    found = pool.quote_batch(packed["amount"], a_to_b=True).amount_out
    assert np.array_equal(found, pool.quote_batch(packed["amount"].copy(), a_to_b=True).amount_out)


@pytest.mark.parametrize("amounts", [[1, 2], np.ones(3), np.ones((2, 2), dtype=np.uint64), None])
def test_batch_of_another_type_is_refused(pool: Pool, amounts: Any) -> None:
    with pytest.raises(InvalidInput, match="amounts must be a one-dimensional NumPy array of uint64"):
        pool.quote_batch(amounts, a_to_b=True)


@pytest.mark.parametrize("file", QUOTED)
def test_price_impact_grows_with_size(file: str) -> None:
    compared = 0
    for state in some_states(file):
        pool = state.open()
        if pool.set_aside is not None:
            continue
        for side, a_to_b in enumerate((True, False)):
            sizes = [pool.summary().depth[side] // part for part in (10**4, 10**2, 3)]
            try:
                quotes = [pool.quote(size, a_to_b=a_to_b) for size in sizes]
                impacts = [pool.price_impact(size, a_to_b=a_to_b) for size in sizes]
            except SwapRefused:
                continue
            # A transfer fee has a maximum: with it a larger swap may fare better.
            if any(quote.input_transfer_fee or quote.output_transfer_fee for quote in quotes):
                continue
            # Fees and output are rounded to whole units: that weighs on the smallest swap.
            unit = 4 / max(1, min(quotes[0].amount_in, quotes[0].amount_out))
            assert -unit <= impacts[0] <= impacts[1] + unit <= impacts[2] + 2 * unit <= 1 + 2 * unit
            compared += 1
    assert compared > 3


@pytest.mark.parametrize("file", QUOTED)
def test_spot_prices_of_the_two_directions_are_inverse_and_above_the_rate_after_fees(file: str) -> None:
    priced = 0
    reasons: set[str | None] = set()
    for state in some_states(file):
        pool = state.open()
        if pool.set_aside is not None:
            continue
        price = pool.spot_price(a_to_b=True)
        assert isinstance(price, Fraction)
        assert price > 0
        assert price * pool.spot_price(a_to_b=False) == 1
        assert pool.spot_price(mint_in=pool.mints[0]) == price
        assert pool.spot_price_float(a_to_b=True, decimals=False) == pytest.approx(float(price), rel=1e-14)
        first, second = pool.mint_decimals
        if first is not None and second is not None:
            ui = float(price * Fraction(10) ** (first - second))
            assert pool.spot_price_float(a_to_b=True) == pytest.approx(ui, rel=1e-14)
        for a_to_b in (True, False):
            try:
                rate = pool.marginal_rate(a_to_b=a_to_b)
            except MarketDataError as at_its_edge:
                reasons.add(at_its_edge.reason)
                continue
            assert 0 < rate <= pool.spot_price_float(a_to_b=a_to_b, decimals=False) * (1 + 1e-9)
        priced += 1
    assert priced
    assert reasons <= {"no_price"}


def test_constant_product_impact_is_the_textbook_one(state: State, pool: Pool) -> None:
    # out = y*x' / (X + x'), so the loss by size alone is x' / (X + x'), x' the input after fees.
    reserve = pool.summary().depth[0]
    amount = reserve // 50
    quote = pool.quote(amount, a_to_b=True)
    kept = quote.vault_in - (quote.fee if quote.fee_on_input else 0)
    assert pool.price_impact(amount, a_to_b=True) == pytest.approx(kept / (reserve + kept), rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"amount": -1, "a_to_b": True}, "amount is -1; it may be 0 to 18446744073709551615"),
        ({"amount": 2**64, "a_to_b": True}, "amount is 18446744073709551616"),
        ({"amount": 1.5, "a_to_b": True}, "amount: a whole number"),
        ({"amount": "1", "a_to_b": True}, "amount: a whole number"),
        ({"amount": 1}, "exactly one of mint_in and a_to_b"),
        ({"amount": 1, "a_to_b": True, "mint_in": "x"}, "exactly one of mint_in and a_to_b"),
        ({"amount": 1, "mint_in": "x"}, "mint_in"),
        ({"amount": 1, "mint_in": Pubkey.default()}, "is not traded by pool"),
        ({"amount": 1, "a_to_b": True, "exact": "around"}, "exact is 'around'"),
        ({"amount": 1, "a_to_b": True, "threshold": -1}, "threshold is -1"),
        ({"amount": 1, "a_to_b": True, "sqrt_price_limit": 2**128}, "sqrt_price_limit is"),
    ],
)
def test_wrong_arguments_are_named(pool: Pool, arguments: dict[str, Any], says: str) -> None:
    for method in (pool.quote, pool.swap):
        with pytest.raises(InvalidInput, match=says):
            method(**arguments)


def test_refusal_names_the_programs_error_and_leaves_the_pool(pool: Pool) -> None:
    before = pool.summary().depth
    with pytest.raises(SwapRefused) as caught:
        pool.swap(10**9, a_to_b=True, threshold=U64_MAX)
    assert (caught.value.name, caught.value.code) == ("ExceededSlippage", 6005)
    assert pool.summary().depth == before


def test_pool_without_its_accounts_is_set_aside_and_says_what_is_missing(state: State) -> None:
    pool = Pool(state.pool, *state.accounts[state.pool])
    assert pool.set_aside is not None
    with pytest.raises(MarketDataError, match="set aside") as caught:
        pool.quote(1, a_to_b=True)
    assert caught.value.reason == pool.set_aside
    assert caught.value.values["account"] in pool.missing
    with pytest.raises(MarketDataError, match="set aside"):
        pool.quote_batch(np.ones(3, dtype=np.uint64), a_to_b=True)
    assert {what for _, what, _ in pool.dependencies} >= {"vault", "mint", "clock"}


def test_account_that_is_not_what_its_address_says_is_refused_and_forgiven(state: State, pool: Pool) -> None:
    vault = next(key for key, what, _ in pool.dependencies if what == "vault")
    owner, data = state.accounts[vault]
    with pytest.raises(MarketDataError, match=vault) as caught:
        pool.update(vault, owner, data[:100])
    assert (caught.value.reason, caught.value.values) == ("wrong_length", {"account": vault})
    assert pool.set_aside == "wrong_length"
    with pytest.raises(MarketDataError) as caught:
        pool.update(vault, state.pool, data)
    assert caught.value.reason == "wrong_owner"
    assert pool.update(vault, owner, data) == "applied"
    assert pool.set_aside is None
    assert pool.update(vault, owner, data) == "unchanged"
    assert pool.update(Pubkey.default(), owner, data) == "unchanged"


def test_pool_whose_account_is_gone_is_closed(state: State, pool: Pool) -> None:
    assert pool.update(state.pool, None) == "applied"
    assert pool.set_aside == "closed"
    with pytest.raises(MarketDataError) as caught:
        pool.quote(1, a_to_b=True)
    assert caught.value.reason == "closed"
    pool.update(state.pool, *state.accounts[state.pool])
    assert pool.set_aside is None


@pytest.mark.parametrize("what", ["vault", "mint"])
def test_account_that_makes_no_pool_is_refused(state: State, pool: Pool, what: str) -> None:
    address = next(key for key, kind, _ in pool.dependencies if kind == what)
    with pytest.raises(MarketDataError) as caught:
        Pool(address, *state.accounts[address])
    assert caught.value.reason == "wrong_owner"
    config = next(key for key, kind, _ in pool.dependencies if kind not in ("vault", "mint", "clock"))
    with pytest.raises(MarketDataError, match="a pool expected"):
        Pool(config, *state.accounts[config])
    with pytest.raises(MarketDataError):
        Pool(state.pool, None)  # type: ignore[call-overload]


def test_solders_types_are_taken_and_given(state: State) -> None:
    accounts = {
        Pubkey.from_string(key): SoldersAccount(1, data, Pubkey.from_string(owner))
        for key, (owner, data) in state.accounts.items()
    }
    key = Pubkey.from_string(state.pool)
    pool = Pool(key, accounts[key], accounts=accounts, clock=state.clock, complete=True)
    assert pool.address.to_solders() == key
    mint = pool.mints[0].to_solders()
    assert repr(pool.quote(10**6, mint_in=mint)) == repr(state.open().quote(10**6, a_to_b=True))


def test_clock_comes_as_sysvar_as_object_and_goes(state: State) -> None:
    pool = Pool(state.pool, *state.accounts[state.pool])
    assert pool.clock is None
    words = (state.clock.slot, 0, state.clock.epoch, 0, state.clock.unix_timestamp)
    sysvar = b"".join(word.to_bytes(8, "little") for word in words)
    owner = "Sysvar1111111111111111111111111111111111111"
    assert pool.update("SysvarC1ock11111111111111111111111111111111", owner, sysvar) == "applied"
    assert pool.clock == state.clock
    pool.set_clock(None)
    assert pool.clock is None
    with pytest.raises(InvalidInput, match=r"clock: slot expected"):
        pool.set_clock(7)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="slot is -1"):
        Clock(slot=-1, epoch=0, unix_timestamp=0)


def test_copies_go_their_own_way(pool: Pool) -> None:
    depth = pool.summary().depth
    for other in (pool.copy(), copy.copy(pool), copy.deepcopy(pool)):
        other.swap(depth[0] // 100, a_to_b=True)
        assert other.summary().depth != depth
    assert pool.summary().depth == depth


def test_pool_of_a_market_is_the_same_pool(state: State, pool: Pool) -> None:
    market = Market(complete=True)
    words = (state.clock.slot, 0, state.clock.epoch, 0, state.clock.unix_timestamp)
    sysvar = b"".join(word.to_bytes(8, "little") for word in words)
    market.apply(
        "SysvarC1ock11111111111111111111111111111111", "Sysvar1111111111111111111111111111111111111", sysvar
    )
    for key, account in state.accounts.items():
        market.apply(key, account)
    taken = market.pool(Pubkey.from_string(state.pool))
    assert taken.clock == state.clock
    assert taken.mint_decimals == pool.mint_decimals
    assert None not in taken.mint_decimals
    assert market.mint_decimals(taken.mints[1]) == taken.mint_decimals[1]
    assert repr(taken.quote(12_345, a_to_b=False)) == repr(pool.quote(12_345, a_to_b=False))
    assert repr(market.quote(state.pool, pool.mints[1], 12_345)) == repr(pool.quote(12_345, a_to_b=False))
    with pytest.raises(InvalidInput, match="not in the market"):
        market.pool(pool.mints[0])
    market.apply(state.pool, None)
    assert market.pool(state.pool).set_aside == "closed"
    assert taken.set_aside is None


def test_threads_may_share_a_pool(pool: Pool, state: State) -> None:
    amounts = np.arange(1, 5_000, dtype=np.uint64) * np.uint64(1_000)
    expected = pool.quote_batch(amounts, a_to_b=True).amount_out

    def work(number: int) -> bool:
        if number % 4 == 0:
            pool.update(state.pool, state.accounts[state.pool])
        return bool(np.array_equal(pool.quote_batch(amounts, a_to_b=True).amount_out, expected))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(40)))
