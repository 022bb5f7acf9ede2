"""`phantom_core.quote_constant_product`: columns of constant-product quotes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_core import InvalidInput, quote_constant_product

U64_MAX = 2**64 - 1


def plain(x: int, y: int, amount: int, numerator: int, denominator: int) -> int:
    """Return the answer in Python's own integers."""
    kept = amount - -(-amount * numerator // denominator)
    return y * kept // (x + kept)


@given(
    st.lists(
        st.tuples(st.integers(1, 2**63), st.integers(1, U64_MAX), st.integers(0, 2**63 - 1)),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 999),
)
def test_columns_equal_plain_integers(rows: list[tuple[int, int, int]], fee: int) -> None:
    x, y, amount = (np.array(column, dtype=np.uint64) for column in zip(*rows, strict=True))
    got = quote_constant_product(x, y, amount, fee, 1_000)
    assert got.tolist() == [plain(*row, fee, 1_000) for row in rows]


def test_one_number_stands_for_every_row() -> None:
    amounts = np.array([10, 100, 1_000], dtype=np.uint64)
    # By hand: fee ceil(10 * 25 / 10000) = 1, floor(1000 * 9 / 1009) = 8.
    assert quote_constant_product(1_000, 1_000, amounts, 25, 10_000).tolist() == [8, 90, 499]
    assert quote_constant_product(1_000, 1_000, 10, 25, 10_000) == 8
    strided = np.array([10, 0, 100, 0, 1_000], dtype=np.uint64)[::2]
    assert quote_constant_product(1_000, 1_000, strided, 25, 10_000).tolist() == [8, 90, 499]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((np.array([5, 0, 0], dtype=np.uint64), 5, 1, 0, 1), "row 1"),
        ((U64_MAX, 5, np.array([0, 1], dtype=np.uint64), 0, 1), "row 1"),
        ((5, 5, 1, 1, 1), "fee 1/1"),
        ((5, 5, 1, 0, 0), "fee 0/0"),
        ((5, 5, 1, -1, 2), "fee_numerator is -1"),
        ((-5, 5, 1, 0, 1), "reserve_in is -5"),
        ((5, 5, 1.0, 0, 1), "amount_in must be a one-dimensional NumPy array of uint64"),
        ((np.ones(2, dtype=np.uint64), np.ones(3, dtype=np.uint64), 1, 0, 1), "3 values where"),
        ((np.ones(2, dtype=np.int64), 5, 1, 0, 1), "found int64"),
    ],
)
def test_bad_rows_are_refused_by_number(arguments: tuple[Any, ...], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        quote_constant_product(*arguments)
