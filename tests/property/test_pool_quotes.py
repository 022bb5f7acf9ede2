"""The ways to ask a pool agree with each other, and no amount brings an error out of its class."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_core import MarketDataError, Pool, Quote, Swap, SwapRefused
from vector_exceptions import CROSSES_TICKS, SLACK_IN, falls_towards_its_reference
from vector_pools import U64_MAX, Trade, attempt, hold, is_refusal, quote, samples
from vector_states import FILES

venues = pytest.mark.parametrize("file", FILES)
exacts: st.SearchStrategy[Literal["in", "out"]] = st.sampled_from(("in", "out"))
any_amounts = st.one_of(
    st.integers(0, U64_MAX),
    st.tuples(st.integers(0, U64_MAX), st.integers(0, 63)).map(lambda drawn: drawn[0] >> drawn[1]),
    st.sampled_from((0, 1, 2, 2**32 - 1, 2**32, 2**63 - 1, 2**63, U64_MAX - 1, U64_MAX)),
)

ROUNDING_UNITS = 8
"""Fees, both amounts and what each step of a walk rounds."""
STEPPING_UNITS = 400
"""The same where a swap crosses ticks or bins: a few units for each."""


@venues
@settings(max_examples=100)
@given(data=st.data())
def test_quote_and_swap_agree_and_refusals_change_nothing(file: str, data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(samples(file)))
    amount, exact, a_to_b = data.draw(any_amounts), data.draw(exacts), data.draw(st.booleans())
    after = sample.pool.copy()
    quoted = attempt(lambda: sample.pool.quote(amount, a_to_b=a_to_b, exact=exact))
    swapped = attempt(lambda: after.swap(amount, a_to_b=a_to_b, exact=exact))
    if not isinstance(quoted, Quote):
        assert not isinstance(swapped, Swap)
        assert is_refusal(quoted), quoted
        assert (type(swapped), str(swapped), swapped.values) == (type(quoted), str(quoted), quoted.values)
        assert what_it_shows(after) == what_it_shows(sample.pool)
        return
    assert isinstance(swapped, Swap)
    assert repr(swapped.quote) == repr(quoted)
    if sample.state.venue != "pumpswap":  # fees that go elsewhere pass by its vaults
        assert quoted.vault_in == quoted.amount_in - quoted.input_transfer_fee
        assert quoted.vault_out == quoted.amount_out + quoted.output_transfer_fee
    # Token-swap buys whole units of output only and may leave a rest of the input; Whirlpool and CLMM
    # take less where the price limit is met, which here is the end of all prices.
    if exact == "in" and "token_swap" not in file:
        assert quoted.amount_in <= amount


def what_it_shows(pool: Pool) -> tuple[str, str, str]:
    """Return all that can be seen of a pool's state."""
    amounts = np.logspace(0, 19, 12).astype(np.uint64)
    rows = [pool.quote_batch(amounts, a_to_b=a_to_b).amount_out.tolist() for a_to_b in (True, False)]
    return str(rows), str(pool.summary().depth), str(pool.summary().details)


@venues
@settings(max_examples=60)
@given(data=st.data())
def test_batch_is_its_rows_errors_included(file: str, data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(samples(file)))
    exact, a_to_b = data.draw(exacts), data.draw(st.booleans())
    amounts = data.draw(st.lists(any_amounts, max_size=24))
    batch = sample.pool.quote_batch(np.array(amounts, dtype=np.uint64), a_to_b=a_to_b, exact=exact)
    for row, amount in enumerate(amounts):
        one = attempt(lambda amount=amount: sample.pool.quote(amount, a_to_b=a_to_b, exact=exact))  # type: ignore[misc]
        expected = (0, 0, 0)
        error: tuple[str, int | None] = ("", None)
        if isinstance(one, Quote):
            expected = (one.amount_in, one.amount_out, one.fee)
        elif isinstance(one, SwapRefused):
            error = (one.name, one.code)
        else:
            error = (one.values["name"], one.values["code"])
        assert (batch.amount_in[row], batch.amount_out[row], batch.fee[row]) == expected
        assert batch.errors[batch.error[row]] == error
        assert batch.ok[row] == (error == ("", None))


BATCH_ON_ONE_CORE = """
import hashlib, os, sys
if len(sys.argv) > 2:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
from vector_pools import samples
pool = samples(sys.argv[1])[3].pool
amounts = np.logspace(0, 19.2, 20_000).astype(np.uint64)
batch = pool.quote_batch(amounts, a_to_b=True)
columns = (batch.amount_in, batch.amount_out, batch.fee, batch.error)
print(hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest(), batch.errors)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no way to take cores away from a process")
def test_batch_is_the_same_on_one_core() -> None:
    # The number of cores is asked once for each process.
    answers = {
        subprocess.run(
            [sys.executable, "-c", BATCH_ON_ONE_CORE, "orca_whirlpool.jsonl.gz", *one_core],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for one_core in ((), ("one core",))
    }
    assert len(answers) == 1


@venues
def test_impact_is_a_share_and_grows_with_size(file: str) -> None:
    def rule(trade: Trade) -> int:
        if falls_towards_its_reference(trade.sample):
            return 0
        impacts = [impact(trade, amount) for amount in sorted(trade.amounts)]
        answered = [each for each in impacts if each is not None]
        for share, rounding in answered:
            assert -rounding <= share <= 1
        for (small, rounding), (large, _) in pairwise(answered):
            assert small <= large + rounding
        return max(0, len(answered) - 1)

    hold(file, rule)


def impact(trade: Trade, amount: int) -> tuple[float, float] | None:
    """Return the price impact and what rounding can make of it; None if no rule holds of it."""
    quoted = quote(trade.pool, amount, a_to_b=trade.a_to_b)
    if quoted is None or quoted.amount_in == 0 or trade.sample.is_capped(quoted):
        return None
    units = STEPPING_UNITS if trade.venue in (*CROSSES_TICKS, "meteora_dlmm") else ROUNDING_UNITS
    least = max(1, min(quoted.amount_in, quoted.amount_out))
    return trade.pool.price_impact(amount, a_to_b=trade.a_to_b), units / least


@venues
def test_no_swap_pays_more_than_the_marginal_rate(file: str) -> None:
    def rule(trade: Trade) -> int:
        if falls_towards_its_reference(trade.sample):
            return 0
        rate = marginal_rate(trade)
        compared = 0
        for amount in trade.amounts:
            quoted = quote(trade.pool, amount, a_to_b=trade.a_to_b)
            if quoted is not None and not trade.sample.is_capped(quoted):
                most = rate * (quoted.amount_in + SLACK_IN.get(trade.venue, 0))
                assert quoted.amount_out <= most * (1 + 1e-9), amount
                compared += 1
        return compared

    hold(file, rule)


def marginal_rate(trade: Trade) -> float:
    """Return the rate of a swap of nothing, 0 at the end of all liquidity."""
    rate = attempt(lambda: trade.pool.marginal_rate(a_to_b=trade.a_to_b))
    if isinstance(rate, float):
        return rate
    assert isinstance(rate, MarketDataError)
    assert rate.reason == "no_price"
    return 0.0
