"""Exact Whirlpool quotes in plain Python integers: static fee, plain mints, exact in.

Written from the rules in the program's documentation (swap step as in Uniswap v3, fee on the input, output
rounded down), independently of the Rust code, so that comparing the two proves something.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

Q64 = 1 << 64
FEE_DENOMINATOR = 1_000_000
TICKS_PER_ARRAY = 88
MIN_SQRT_PRICE, MAX_SQRT_PRICE = 4295048016, 79226673515401279992447579055

# sqrt(1.0001)^(2^i), Q96 for ticks >= 0 and Q64 for ticks < 0.
_POSITIVE = [
    79232123823359799118286999567, 79236085330515764027303304731, 79244008939048815603706035061,
    79259858533276714757314932305, 79291567232598584799939703904, 79355022692464371645785046466,
    79482085999252804386437311141, 79736823300114093921829183326, 80248749790819932309965073892,
    81282483887344747381513967011, 83390072131320151908154831281, 87770609709833776024991924138,
    97234110755111693312479820773, 119332217159966728226237229890, 179736315981702064433883588727,
    407748233172238350107850275304, 2098478828474011932436660412517, 55581415166113811149459800483533,
    38992368544603139932233054999993551,
]  # fmt: skip
_NEGATIVE = [
    18445821805675392311, 18444899583751176498, 18443055278223354162, 18439367220385604838,
    18431993317065449817, 18417254355718160513, 18387811781193591352, 18329067761203520168,
    18212142134806087854, 17980523815641551639, 17526086738831147013, 16651378430235024244,
    15030750278693429944, 12247334978882834399, 8131365268884726200, 3584323654723342297,
    696457651847595233, 26294789957452057, 37481735321082,
]  # fmt: skip


def sqrt_price_at(tick: int) -> int:
    """Return the program's sqrt price at a tick, Q64.64."""
    bits = abs(tick)
    if tick >= 0:
        ratio = 1 << 96
        for i, factor in enumerate(_POSITIVE):
            if bits >> i & 1:
                ratio = ratio * factor >> 96
        return ratio >> 32
    ratio = Q64
    for i, factor in enumerate(_NEGATIVE):
        if bits >> i & 1:
            ratio = ratio * factor >> 64
    return ratio


@dataclass
class Pool:
    """What a quote needs, decoded from the pool's and its tick arrays' bytes."""

    mint_a: bytes
    mint_b: bytes
    tick_spacing: int
    fee_rate: int
    liquidity: int
    sqrt_price: int
    tick: int
    ticks: dict[int, int] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    prices: dict[int, int] = field(default_factory=dict)

    @classmethod
    def decode(cls, data: bytes) -> Pool:
        """Return the pool in a Whirlpool account's data."""
        (tick_spacing,) = struct.unpack_from("<H", data, 41)
        (fee_rate,) = struct.unpack_from("<H", data, 45)
        (tick,) = struct.unpack_from("<i", data, 81)
        return cls(
            mint_a=data[101:133],
            mint_b=data[181:213],
            tick_spacing=tick_spacing,
            fee_rate=fee_rate,
            liquidity=int.from_bytes(data[49:65], "little"),
            sqrt_price=int.from_bytes(data[65:81], "little"),
            tick=tick,
        )

    def add_array(self, data: bytes) -> None:
        """Take the initialised ticks of a fixed tick array."""
        (start,) = struct.unpack_from("<i", data, 8)
        for i in range(TICKS_PER_ARRAY):
            at = 12 + 113 * i
            if data[at]:
                index = start + i * self.tick_spacing
                self.ticks[index] = int.from_bytes(data[at + 1 : at + 17], "little", signed=True)
        self.order = sorted(self.ticks)
        self.prices = {index: sqrt_price_at(index) for index in self.order}


def quote_exact_in(pool: Pool, a_to_b: bool, amount: int) -> int | None:
    """Return the output for `amount` base units, None where the program would refuse."""
    span = TICKS_PER_ARRAY * pool.tick_spacing
    if a_to_b:
        end = (pool.tick // span - 2) * span
        i = bisect_right(pool.order, pool.tick) - 1
    else:
        first = (pool.tick + pool.tick_spacing) // span
        end = (first + 3) * span - 1
        i = bisect_left(pool.order, pool.tick + 1)
    price, liquidity, left, out = pool.sqrt_price, pool.liquidity, amount, 0
    keep = FEE_DENOMINATOR - pool.fee_rate
    while left > 0:
        if a_to_b:
            tick = pool.order[i] if i >= 0 and pool.order[i] >= end else None
        else:
            tick = pool.order[i] if i < len(pool.order) and pool.order[i] <= end else None
        if tick is None:
            edge = max(end, -443636) if a_to_b else min(end, 443636)
            target = sqrt_price_at(edge)
        else:
            target = pool.prices[tick]
        usable = left * keep // FEE_DENOMINATOR
        low, high = (target, price) if a_to_b else (price, target)
        if a_to_b:
            need = -(-(liquidity * (high - low) << 64) // (high * low))
        else:
            need = -(-(liquidity * (high - low)) // Q64)
        if usable >= need:
            reached, used = target, need
            fee = -(-used * pool.fee_rate // keep)
        else:
            if a_to_b:
                reached = -(-(liquidity * price << 64) // ((liquidity << 64) + usable * price))
            else:
                reached = price + (usable << 64) // liquidity
            used = usable
            fee = left - used
        low, high = (reached, price) if a_to_b else (price, reached)
        if a_to_b:
            out += liquidity * (high - low) >> 64
        else:
            out += (liquidity * (high - low) << 64) // (high * low)
        left -= used + fee
        price = reached
        if left > 0:
            if tick is None:
                return None  # the three tick arrays end here
            net = pool.ticks[tick]
            liquidity += -net if a_to_b else net
            i += -1 if a_to_b else 1
    return out
