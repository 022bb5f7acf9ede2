"""The venues whose programs can be run; a new one is a file here and a line in VENUES."""

from __future__ import annotations

from ..venue import Venue
from .meteora_damm_v2 import MeteoraDammV2
from .meteora_dlmm import MeteoraDlmm
from .orca_token_swap_v2 import OrcaTokenSwapV2
from .orca_whirlpool import OrcaWhirlpool
from .raydium_amm_v4 import RaydiumAmmV4
from .raydium_clmm import RaydiumClmm
from .raydium_cpmm import RaydiumCpmm

VENUES: dict[str, Venue] = {
    venue.name: venue
    for venue in (
        MeteoraDammV2(),
        MeteoraDlmm(),
        OrcaTokenSwapV2(),
        OrcaWhirlpool(),
        RaydiumAmmV4(),
        RaydiumClmm(),
        RaydiumCpmm(),
    )
}
