"""What a swap does to the bins of a Meteora DLMM pair.

`Pool` reports the pair afterwards but not its bins. They follow from it: every bin passed gives all that it
sells for its whole price, and the last one gives and takes the rest. Fees do not stay in bins.

# Source
dlmm-sdk `commons/src/quote.rs`: price of a whole bin, rounded up; see PROTOCOL 4.5 in the design papers.
Holds for pairs without limit orders.
"""

from __future__ import annotations

from typing import Final

from phantom_arbiter.localnet.simulator.fields import read, write
from phantom_core import Quote

BIN_ARRAY_LEN: Final = 10_136
INDEX_AT: Final = 8
PAIR_AT: Final = 24
_BINS_AT, _BIN_LEN, BINS_PER_ARRAY = 56, 144, 70
_AMOUNT_X, _AMOUNT_Y, _PRICE = 0, 8, 16
_ACTIVE_ID_AT: Final = 76


def active_id(pair: bytes | bytearray) -> int:
    """Return the bin at which a pair stands."""
    return read(pair, _ACTIVE_ID_AT, 4, signed=True)


def trade(arrays: dict[int, bytearray], first: int, last: int, quote: Quote, *, a_to_b: bool) -> list[int]:
    """Move amounts between the bins that a swap went through.

    Args:
        arrays: Bytes of the pair's bin arrays by index; changed.
        first: Active bin before the swap.
        last: Active bin after it.
        quote: What the swap moved.
        a_to_b: Whether X was sold.

    Returns:
        Indices of the arrays that changed.
    """
    left_in = quote.vault_in - (quote.fee if quote.fee_on_input else 0)
    left_out = quote.vault_out + (0 if quote.fee_on_input else quote.fee)
    sold_at, bought_at = (_AMOUNT_X, _AMOUNT_Y) if a_to_b else (_AMOUNT_Y, _AMOUNT_X)
    changed: dict[int, None] = {}
    for bin_id in range(first, last, -1 if a_to_b else 1):
        index, place = divmod(bin_id, BINS_PER_ARRAY)
        array = arrays.get(index)
        if array is None:
            continue
        at = _BINS_AT + place * _BIN_LEN
        available = read(array, at + bought_at, 8)
        if not available:
            continue
        price = read(array, at + _PRICE, 16)
        paid = -(-(available << 64) // price) if a_to_b else -(-available * price >> 64)
        _move(array, at, sold_at, paid, bought_at, available)
        left_in -= paid
        left_out -= available
        changed[index] = None
    index, place = divmod(last, BINS_PER_ARRAY)
    _move(arrays[index], _BINS_AT + place * _BIN_LEN, sold_at, left_in, bought_at, left_out)
    changed[index] = None
    return list(changed)


def _move(array: bytearray, at: int, sold_at: int, paid: int, bought_at: int, taken: int) -> None:
    write(array, at + sold_at, 8, read(array, at + sold_at, 8) + paid)
    write(array, at + bought_at, 8, read(array, at + bought_at, 8) - taken)
