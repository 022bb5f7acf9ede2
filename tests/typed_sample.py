"""A program as a user would write it: never run, but checked by mypy and pyright in strict mode."""

from fractions import Fraction

import numpy as np
from solders.account import Account as SoldersAccount
from solders.pubkey import Pubkey

from phantom_core import (
    Address,
    Clock,
    Market,
    Pool,
    Quote,
    SwapRefused,
    decode_account,
    quote_constant_product,
)
from phantom_core.accounts import RaydiumCpmmPoolState


def load(address: Pubkey, account: SoldersAccount, others: dict[Pubkey, SoldersAccount | None]) -> Pool:
    pool = Pool(address, account, accounts=others, clock=Clock(slot=1, epoch=1, unix_timestamp=1))
    for key, what, known in pool.dependencies:
        print(key.to_solders(), what, known)
    return pool


def use(pool: Pool, key: Pubkey, data: bytes) -> float:
    quote: Quote = pool.quote(10**9, mint_in=key, exact="in")
    try:
        swap = pool.swap(quote.amount_in, a_to_b=True)
        print(swap.quote.amount_out, swap.details)
    except SwapRefused as error:
        print(error.name, error.code, error.values)
    batch = pool.quote_batch(np.arange(10, dtype=np.uint64), a_to_b=True)
    total: int = int(batch.amount_out[batch.ok].sum())
    price: Fraction = pool.spot_price(a_to_b=True)
    pool.update(key, "owner", data)
    pool.update(key, None)
    decoded = decode_account(key, data)
    if isinstance(decoded, RaydiumCpmmPoolState):
        mint: Address = decoded.token_0_mint
        print(mint, decoded.kind)
    market = Market()
    market.apply(key, key, data)
    market.apply(key, None)
    market.pool(key)
    out = quote_constant_product(1, 2, np.ones(3, dtype=np.uint64), 1, 2)
    return float(price) + total + float(out.sum()) + pool.price_impact(1, a_to_b=False)
