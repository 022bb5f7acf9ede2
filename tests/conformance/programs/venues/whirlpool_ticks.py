"""Whirlpool tick arrays, fixed and dynamic: which ones there are and how to write them."""

from __future__ import annotations

import random
from dataclasses import replace

from .. import layout
from ..liquidity import Tick, redraw
from ..ticks import MAX_TICK, MIN_TICK
from ..tokens import derived, pubkey
from ..vectors import Account, State

TICK_SPACING, LIQUIDITY, TICK = 41, 49, 81
FIXED = bytes.fromhex("4561bdbe6e0742bb")
DYNAMIC = bytes.fromhex("11d8f68ee1c7da38")
TICKS_PER_ARRAY = 88
TICK_DATA = 112  # liquidity net and gross, two fee growths, three reward growths
OFFSETS = range(-2, 4)  # the arrays that vector files list
FULL_RANGE_SPACING = 32_768


def array_address(state: State, start: int) -> str:
    program = state.accounts[state.pool].owner
    return derived(program, b"tick_array", bytes(pubkey(state.pool)), str(start).encode())


def listed_starts(pool: bytes) -> list[int]:
    """Return the starts of the arrays around the price that vector files list."""
    span = TICKS_PER_ARRAY * layout.u16(pool, TICK_SPACING)
    first = layout.i32(pool, TICK) // span
    return [start for start in ((first + offset) * span for offset in OFFSETS) if in_range(start, span)]


def in_range(start: int, span: int) -> bool:
    return start + span > MIN_TICK and start <= MAX_TICK


def sequence(pool: bytes, a_to_b: bool) -> list[int]:
    """Return the starts of the tick arrays that the official clients pass."""
    spacing, tick = layout.u16(pool, TICK_SPACING), layout.i32(pool, TICK)
    span = TICKS_PER_ARRAY * spacing
    first = (tick if a_to_b else tick + spacing) // span
    starts = [(first + (-step if a_to_b else step)) * span for step in range(3)]
    return [start for start in starts if in_range(start, span)]


def mutate_liquidity(state: State, rng: random.Random) -> State:
    """Return the state with other arrays (more or fewer, fixed or dynamic) and other liquidity in them."""
    pool = state.pool_data
    spacing = layout.u16(pool, TICK_SPACING)
    starts = [start for start in listed_starts(pool) if rng.random() < 0.85]
    usable = [start + i * spacing for start in starts for i in range(TICKS_PER_ARRAY)]
    usable = [tick for tick in usable if MIN_TICK <= tick <= MAX_TICK]
    if spacing >= FULL_RANGE_SPACING:  # only the outermost ticks can be initialised
        usable = [tick for tick in usable if abs(tick) == MAX_TICK // spacing * spacing]
    liquidity, ticks = redraw(layout.i32(pool, TICK), usable, rng)
    gone = {array_address(state, start) for start in listed_starts(pool)}
    accounts = {key: account for key, account in state.accounts.items() if key not in gone}
    for start in starts:
        slots = [ticks.get(start + i * spacing) for i in range(TICKS_PER_ARRAY)]
        write = rng.choice((_fixed, _dynamic))
        data = write(start, bytes(pubkey(state.pool)), slots, rng)
        accounts[array_address(state, start)] = Account(state.accounts[state.pool].owner, 10**8, data)
    state = replace(state, accounts=accounts)
    return state.with_data(state.pool, layout.put(pool, LIQUIDITY, 16, liquidity))


def _fixed(start: int, pool: bytes, slots: list[Tick | None], rng: random.Random) -> bytes:
    ticks = b"".join(b"\1" + _tick(tick, rng) if tick else bytes(1 + TICK_DATA) for tick in slots)
    return FIXED + start.to_bytes(4, "little", signed=True) + ticks + pool


def _dynamic(start: int, pool: bytes, slots: list[Tick | None], rng: random.Random) -> bytes:
    bitmap = sum(1 << i for i, tick in enumerate(slots) if tick)
    ticks = b"".join(b"\1" + _tick(tick, rng) if tick else b"\0" for tick in slots)
    return DYNAMIC + start.to_bytes(4, "little", signed=True) + pool + bitmap.to_bytes(16, "little") + ticks


def _tick(tick: Tick, rng: random.Random) -> bytes:
    data = tick.net.to_bytes(16, "little", signed=True) + tick.gross.to_bytes(16, "little")
    growths = [rng.randrange(2**128) if rng.random() < 0.3 else 0 for _ in range(5)]
    return data + layout.arguments(*((growth, 16) for growth in growths))
