"""What a swap changes in the accounts of a pool: which bytes of which account.

`phantom_core.Pool` carries the swap out; the fields that it reports are written where the program keeps
them. Fields that no quote reads and that `Pool` does not follow (what ticks and bins have earned, oracles'
histories) stay as they were.

# Source
Offsets: the programs' IDLs and sources, as in `src_rust/src/venues/`.
"""

from __future__ import annotations

from typing import Final

SIGNED: Final = True

POOL_FIELDS: Final[dict[str, dict[str, tuple[int, int]]]] = {
    "orca_whirlpool": {
        "post_liquidity": (49, 16),
        "post_sqrt_price": (65, 16),
        "post_tick": (81, 4),
        "post_protocol_fee_owed_a": (85, 8),
        "post_protocol_fee_owed_b": (93, 8),
        "post_fee_growth_global_a": (165, 16),
        "post_fee_growth_global_b": (245, 16),
    },
    "raydium_clmm": {
        "post_liquidity": (237, 16),
        "post_sqrt_price": (253, 16),
        "post_tick": (269, 4),
        "post_fee_growth_global_0": (277, 16),
        "post_fee_growth_global_1": (293, 16),
        "post_protocol_fees_token_0": (309, 8),
        "post_protocol_fees_token_1": (317, 8),
        "post_fund_fees_token_0": (1064, 8),
        "post_fund_fees_token_1": (1072, 8),
    },
    "raydium_cpmm": {
        "post_protocol_fees_token_0": (341, 8),
        "post_protocol_fees_token_1": (349, 8),
        "post_fund_fees_token_0": (357, 8),
        "post_fund_fees_token_1": (365, 8),
        "post_creator_fees_token_0": (397, 8),
        "post_creator_fees_token_1": (405, 8),
    },
    "raydium_amm_v4": {},
    "meteora_damm_v2": {
        "post_dynamic_fee_last_update_timestamp": (80, 8),
        "post_sqrt_price_reference": (104, 16),
        "post_volatility_accumulator": (120, 16),
        "post_volatility_reference": (136, 16),
        "post_liquidity": (360, 16),
        "post_protocol_a_fee": (392, 8),
        "post_protocol_b_fee": (400, 8),
        "post_sqrt_price": (456, 16),
        "post_token_a_amount": (680, 8),
        "post_token_b_amount": (688, 8),
    },
    "meteora_dlmm": {
        "post_volatility_accumulator": (40, 4),
        "post_volatility_reference": (44, 4),
        "post_index_reference": (48, 4),
        "post_last_update_timestamp": (56, 8),
        "post_active_id": (76, 4),
        "post_protocol_fee_x": (216, 8),
        "post_protocol_fee_y": (224, 8),
    },
    "orca_token_swap_v2": {},
    "pumpswap": {},
}
"""By venue: a name in `Swap.details`, and the offset and width of its little-endian field in the pool."""

VAULTS_AT: Final[dict[str, tuple[int, int]]] = {
    "orca_whirlpool": (133, 213),
    "raydium_clmm": (137, 169),
    "raydium_cpmm": (72, 104),
    "raydium_amm_v4": (336, 368),
    "meteora_damm_v2": (232, 264),
    "meteora_dlmm": (152, 184),
    "orca_token_swap_v2": (35, 67),
    "pumpswap": (139, 171),
}
"""Where a pool holds the addresses of its vaults."""

AMM_V4_TOTALS: Final = {True: ((256, 16), (272, 16)), False: ((296, 16), (312, 16))}
"""Raydium AMM v4: running totals of input and output, by direction (True: coin in)."""
TOKEN_SWAP_POOL_MINT_AT: Final = 99
TOKEN_SWAP_FEE_ACCOUNT_AT: Final = 195
AMOUNT_AT: Final = 64
"""Balance of a token account."""
SUPPLY_AT: Final = 36
"""Supply of a mint."""


def read(data: bytes | bytearray, at: int, width: int, *, signed: bool = False) -> int:
    """Return the little-endian number at an offset."""
    return int.from_bytes(data[at : at + width], "little", signed=signed)


def write(data: bytearray, at: int, width: int, value: int) -> None:
    """Write a little-endian number, negative ones in two's complement."""
    data[at : at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")


def add(data: bytearray, at: int, width: int, value: int) -> None:
    """Add to a little-endian number."""
    write(data, at, width, read(data, at, width) + value)
