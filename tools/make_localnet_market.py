"""Make the market that `phantom localnet` starts from: pools of all eight venues that share a few pairs.

The account bytes come from tests/data: the Whirlpools of 6 April 2022 as that day left them (real), and
pools of the golden vectors (made by the programs' own instructions). What is changed here: pools of the
vectors get the mints of the pair that they join; constant-product pools and Meteora DAMM v2 pools also its
price, the latter the whole range of prices. Mints and vaults that the sources lack are written in the
token program's layout. The same inputs give the same bytes. Run `python tools/make_localnet_market.py`.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from pathlib import Path
from typing import Any

from phantom_core import Address, Clock, Market, Pool, PoolInfo

ROOT = Path(__file__).resolve().parent.parent
DAY = ROOT / "tests" / "data" / "whirlpool-2022-04-06"
VECTORS = ROOT / "tests" / "data" / "vectors"
SHIPPED = ROOT / "src" / "phantom_arbiter" / "data" / "localnet-market.jsonl.gz"

TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
WSOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
MSOL = "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"
ORCA = "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE"
DECIMALS = {WSOL: 9, USDC: 6, MSOL: 9, ORCA: 6}
"""Decimals as public token lists have them; the day's data holds no mints."""
NATIVE_RENT = 2_039_280
"""Lamports that keep a token account alive; a wrapped-SOL account holds them besides its amount."""
ARRAY_VAULT = 10**15
"""Base units in the vaults of concentrated pools, whose own accounts say how much may be traded."""
RESERVE = {USDC: 400_000 * 10**6, WSOL: 3_000 * 10**9}
"""Reserve of a constant-product pool on the side of the pair's second mint, base units."""
LEAST_DEPTH = 10**6
"""Base units within 2 % of the price that a real pool must offer."""
HIGHEST_FEE_E9 = 3_100_000
"""Dearer pools of the vectors are passed over: no cycle through them would ever open."""

DAY_PAIRS = {
    WSOL: ("raydium_amm_v4", "raydium_cpmm", "orca_token_swap_v2", "meteora_damm_v2", "pumpswap"),
    MSOL: ("raydium_cpmm", "orca_token_swap_v2"),
    ORCA: ("raydium_amm_v4", "meteora_damm_v2"),
}
"""Mints that the real Whirlpools trade against USDC, with the venues whose pools join them."""
ANCHORS = (
    ("raydium_clmm", 34, WSOL, ("raydium_cpmm", "raydium_amm_v4")),
    ("raydium_clmm", 12, USDC, ("meteora_damm_v2", "pumpswap")),
    ("meteora_dlmm", 14, USDC, ("raydium_amm_v4", "orca_token_swap_v2")),
    ("meteora_dlmm", 27, WSOL, ("raydium_cpmm", "orca_token_swap_v2")),
)
"""Pools whose price a pair takes: venue, state in its vector file, mint put on the second side, who joins."""


@dataclass(frozen=True)
class Layout:
    """Where a venue's pool account holds its mints, vaults and decimals (docs/ADDING_A_VENUE.md)."""

    mints: tuple[int, int]
    vaults: tuple[int, int]
    decimals: tuple[int, int, int] | None = None
    """Offsets, and the width in bytes."""
    owed: tuple[int, ...] = ()
    """Offsets of what is owed to others, or was earned so far (u64): nothing of it can be in another mint."""


LAYOUTS = {
    "raydium_amm_v4": Layout((400, 432), (336, 368), (32, 40, 8), (192, 200)),
    "raydium_cpmm": Layout((168, 200), (72, 104), (331, 332, 1), (341, 349, 357, 365, 397, 405)),
    "raydium_clmm": Layout((73, 105), (137, 169), (233, 234, 1), (309, 317, 1064, 1072)),
    "meteora_dlmm": Layout((88, 120), (152, 184), owed=(216, 224)),
    "meteora_damm_v2": Layout((168, 200), (232, 264), owed=(392, 400, 568, 576, 584, 592, 600, 608)),
    "orca_token_swap_v2": Layout((131, 163), (35, 67)),
    "pumpswap": Layout((43, 75), (139, 171)),
    "orca_whirlpool": Layout((101, 181), (133, 213)),
}
_DAMM_LIQUIDITY, _DAMM_SQRT_MIN, _DAMM_SQRT_MAX, _DAMM_SQRT_PRICE = 360, 424, 440, 456
_DAMM_RESERVES = (680, 688)
_DAMM_WHOLE_RANGE = (4_295_048_016, 79_226_673_521_066_979_257_578_248_091)
"""The program's least and greatest square root of a price, Q64.64."""

Accounts = dict[str, tuple[str, bytes]]


@dataclass(frozen=True)
class State:
    """One state of a vector file."""

    number: int
    venue: str
    kind: str
    address: str
    accounts: Accounts
    pool: Pool


@dataclass(frozen=True)
class Pair:
    """Two mints and the price of the first in units of the second, in base units."""

    mints: tuple[str, str]
    price: Fraction


def make(output: Path = SHIPPED) -> Path:
    """Write the market and return its path."""
    made: Accounts = {}
    mint = next(_plain_mints("raydium_cpmm"))
    for address, decimals in DECIMALS.items():
        made[address] = (TOKEN_PROGRAM, _patched(mint, (44, decimals, 1), (36, 10**18, 8)))
    decimals_of = dict(DECIMALS)
    used: set[str] = set()
    spare = {venue: _joinable(venue, used) for venue in LAYOUTS}
    for pair, joining in _day_pairs(made):
        _join(made, pair, decimals_of, [next(spare[venue]) for venue in joining])
    for venue, number, quote, joining in ANCHORS:
        anchor = next(state for state in _states(venue) if state.number == number)
        used.add(anchor.address)
        base = str(anchor.pool.mints[0])
        made[base] = anchor.accounts[base]
        decimals_of[base] = anchor.accounts[base][1][44]
        pair = Pair((base, quote), anchor.pool.spot_price(a_to_b=True))
        _join(made, pair, decimals_of, [anchor, *(next(spare[each]) for each in joining)])
    _write(made, output)
    return output


def _states(venue: str) -> Iterator[State]:
    accounts: dict[int, tuple[str, str, bytes]] = {}
    with gzip.open(VECTORS / f"{venue}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in map(json.loads, file):
            if line["t"] == "account":
                accounts[line["id"]] = (line["key"], line["owner"], base64.b64decode(line["data"]))
            elif line["t"] == "state":
                found = [accounts[each] for each in line["accounts"]]
                held: Accounts = {key: (owner, data) for key, owner, data in found}
                yield State(line["id"], venue, line["kind"], line["pool"], held, _pool(line, held))


def _pool(line: dict[str, Any], held: Accounts) -> Pool:
    address, at = line["pool"], line["clock"]
    clock = Clock(slot=at["slot"], epoch=at["epoch"], unix_timestamp=at["unix_timestamp"])
    owner, data = held[address]
    return Pool(address, owner, data, accounts=held, clock=clock, complete=True, assume_plain_mints=True)


def _plain_mints(venue: str) -> Iterator[bytes]:
    for state in _states(venue):
        for mint in state.pool.mints:
            owner, data = state.accounts[str(mint)]
            if owner == TOKEN_PROGRAM and len(data) == 82:
                yield data


def _joinable(venue: str, used: set[str]) -> Iterator[State]:
    """Return cheap, plain pools, each once."""
    for state in _states(venue):
        plain = state.kind in ("plain", "plain+flat", "plain+flat+fee_on_b", "constant_product", "swap_only")
        mints = [str(mint) for mint in state.pool.mints]
        if not (plain or state.kind.startswith("other")) or state.address in used or mints[0] in DECIMALS:
            continue
        if any(len(state.accounts.get(mint, ("", bytes(82)))[1]) != 82 for mint in mints):
            continue
        if state.pool.set_aside is None and max(state.pool.summary().fee_rate_e9) <= _highest_fee(venue):
            used.add(state.address)
            yield state


def _highest_fee(venue: str) -> int:
    # PumpSwap's rates are in a configuration that all pools share; it has no cheap ones.
    return 10**9 if venue == "pumpswap" else HIGHEST_FEE_E9


def _day_pairs(made: Accounts) -> list[tuple[Pair, tuple[str, ...]]]:
    """Add the day's liquid pools of known pairs with their arrays and vaults; return the pairs."""
    accounts: Accounts = {}
    for name in ("snapshot.jsonl.gz", "updates.jsonl.gz"):
        with gzip.open(DAY / name, "rt", encoding="utf-8") as file:
            for line in map(json.loads, file):
                accounts[line["pubkey"]] = (line["owner"], base64.b64decode(line["data"]))
    market = Market(assume_plain_mints=True, complete=True)
    for key, (owner, data) in accounts.items():
        market.apply(key, owner, data)

    def is_wanted(info: PoolInfo) -> bool:
        return bool(
            info.mint_a in DAY_PAIRS and info.mint_b == USDC and info.liquidity and min(info.depth) > 10**6
        )

    chosen = [info for info in market.pools() if is_wanted(info)]
    kept = {info.pool for info in chosen}
    layout = LAYOUTS["orca_whirlpool"]
    for info in chosen:
        owner, data = accounts[info.pool]
        made[info.pool] = (owner, data)
        for mint, at in zip((info.mint_a, info.mint_b), layout.vaults, strict=True):
            made[_text(data, at)] = (TOKEN_PROGRAM, _vault(bytes(165), mint, info.pool, ARRAY_VAULT))
    for key, (owner, data) in accounts.items():
        if len(data) == 9988 and _text(data, 9956) in kept:
            made[key] = (owner, data)
    pairs = []
    for mint, joining in DAY_PAIRS.items():
        deepest = max((info for info in chosen if info.mint_a == mint), key=lambda info: info.depth[1])
        price = market.pool(deepest.pool).spot_price(a_to_b=True)
        pairs.append((Pair((mint, USDC), price), joining))
    return pairs


def _join(made: Accounts, pair: Pair, decimals_of: dict[str, int], pools: list[State]) -> None:
    for state in pools:
        layout = LAYOUTS[state.venue]
        accounts = dict(state.accounts)
        for former in state.pool.mints:
            accounts.pop(str(former), None)
        owner, data = accounts[state.address]
        vaults = [_text(data, at) for at in layout.vaults]
        for side, mint in enumerate(pair.mints):
            data = _patched(data, (layout.mints[side], int.from_bytes(bytes(Address(mint)), "little"), 32))
            if layout.decimals is not None:
                data = _patched(data, (layout.decimals[side], decimals_of[mint], layout.decimals[2]))
        data = _patched(data, *((at, 0, 8) for at in layout.owed))
        amounts = (ARRAY_VAULT, ARRAY_VAULT)
        if state.venue not in ("raydium_clmm", "meteora_dlmm"):
            second = RESERVE[pair.mints[1]]
            first = second * pair.price.denominator // pair.price.numerator
            if state.venue == "meteora_damm_v2":
                data = _damm_at_price(data, pair.price, second)
            else:
                amounts = (first, second)
        accounts[state.address] = (owner, data)
        for side, vault in enumerate(vaults):
            token_owner, old = accounts.get(vault, (TOKEN_PROGRAM, bytes(165)))
            accounts[vault] = (token_owner, _vault(old, pair.mints[side], state.address, amounts[side]))
        made.update(accounts)


def _damm_at_price(data: bytes, price: Fraction, second: int) -> bytes:
    sqrt_price = isqrt((price.numerator << 128) // price.denominator)
    lowest, highest = _DAMM_WHOLE_RANGE
    liquidity = (second << 128) // sqrt_price
    return _patched(
        data,
        (_DAMM_SQRT_MIN, lowest, 16),
        (_DAMM_SQRT_MAX, highest, 16),
        (_DAMM_SQRT_PRICE, sqrt_price, 16),
        (_DAMM_LIQUIDITY, liquidity, 16),
        *((at, ARRAY_VAULT, 8) for at in _DAMM_RESERVES),
    )


def _vault(data: bytes, mint: str, owner: str, amount: int) -> bytes:
    """Return a token account of `mint` with this amount; one without an owner gets `owner`."""
    keys = {0: mint} if any(data[32:64]) else {0: mint, 32: owner}
    for at, key in keys.items():
        data = _patched(data, (at, int.from_bytes(bytes(Address(key)), "little"), 32))
    native = (1, NATIVE_RENT) if mint == WSOL else (0, 0)
    return _patched(data, (64, amount, 8), (108, 1, 1), (109, native[0], 4), (113, native[1], 8))


def _patched(data: bytes, *fields: tuple[int, int, int]) -> bytes:
    """Return `data` with little-endian (offset, value, width) fields replaced."""
    patched = bytearray(data)
    for at, value, width in fields:
        patched[at : at + width] = value.to_bytes(width, "little")
    return bytes(patched)


def _text(data: bytes, at: int) -> str:
    return str(Address(data[at : at + 32]))


def _write(made: Accounts, output: Path) -> None:
    raw = io.BytesIO()
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, compresslevel=9) as file:
        for key, (owner, data) in made.items():
            line = {"pubkey": key, "owner": owner, "data": base64.b64encode(data).decode()}
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    output.write_bytes(raw.getvalue())


if __name__ == "__main__":
    print(f"{SHIPPED.name}: {make().stat().st_size:,} bytes")
