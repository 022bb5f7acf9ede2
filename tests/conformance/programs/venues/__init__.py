"""The venues whose programs can be run; a new one is a file here and a line in VENUES."""

from __future__ import annotations

from ..venue import Venue
from .orca_token_swap_v2 import OrcaTokenSwapV2
from .raydium_amm_v4 import RaydiumAmmV4
from .raydium_cpmm import RaydiumCpmm

VENUES: dict[str, Venue] = {
    venue.name: venue
    for venue in (
        OrcaTokenSwapV2(),
        RaydiumAmmV4(),
        RaydiumCpmm(),
    )
}
