"""Raydium CLMM tick arrays and the pool's bitmap of them."""

from __future__ import annotations

import random
from dataclasses import replace

from .. import layout
from ..liquidity import redraw
from ..tokens import derived, pubkey
from ..vectors import Account, State

TICK_SPACING, LIQUIDITY, TICK, BITMAP = 235, 237, 269, 904
TICKS_PER_ARRAY, TICK_SIZE, FIRST_TICK, ARRAY_LENGTH = 60, 168, 44, 10_240
INITIALIZED_COUNT = 10_124
TICK_ARRAY = bytes.fromhex("c09b55cd31f9812a")
BITMAP_REACH = 512  # arrays on either side that the pool's own bitmap covers
STATE_HEAD = 7  # pool, config, vaults, mints, bitmap extension
ARRAYS_EACH_WAY = 5
MIN_TICK, MAX_TICK = -443_636, 443_636


def array_address(state: State, start: int) -> str:
    program = state.accounts[state.pool].owner
    return derived(program, b"tick_array", bytes(pubkey(state.pool)), start.to_bytes(4, "big", signed=True))


def in_reach(state: State, a_to_b: bool) -> list[str]:
    """Return the tick arrays that a client passes: from the price's array on, nearest first."""
    pool = state.pool_data
    span = TICKS_PER_ARRAY * layout.u16(pool, TICK_SPACING)
    start = layout.i32(pool, TICK) // span * span
    known = sorted((layout.i32(state.data(key), 40), key) for key in state.keys[STATE_HEAD:])
    ahead = [key for at, key in reversed(known) if at <= start]
    if not a_to_b:
        ahead = [key for at, key in known if at >= start]
    return ahead[:ARRAYS_EACH_WAY]


def mutate_liquidity(state: State, rng: random.Random) -> State:
    """Return the state with other liquidity in its arrays, and some more arrays where the bitmap reaches."""
    pool = state.pool_data
    spacing, current = layout.u16(pool, TICK_SPACING), layout.i32(pool, TICK)
    span = TICKS_PER_ARRAY * spacing
    starts = {layout.i32(state.data(key), 40) for key in state.keys[STATE_HEAD:]}
    known = frozenset(starts)
    nearest = current // span
    for index in range(nearest - ARRAYS_EACH_WAY, nearest + ARRAYS_EACH_WAY + 1):
        possible = -BITMAP_REACH <= index < BITMAP_REACH and MIN_TICK <= index * span <= MAX_TICK - span
        if possible and rng.random() < 0.3:
            starts.add(index * span)
    usable = [start + i * spacing for start in sorted(starts) for i in range(TICKS_PER_ARRAY)]
    usable = [tick for tick in usable if MIN_TICK <= tick <= MAX_TICK]
    # An array that is in the bitmap has an initialised tick.
    one_each = [next(tick for tick in usable if tick >= start) for start in known]
    liquidity, ticks = redraw(current, usable, rng, one_each)
    accounts = dict(state.accounts)
    owner = state.accounts[state.pool].owner
    bitmap = layout.get(pool, BITMAP, 128)
    for start in starts:
        data = bytearray(TICK_ARRAY + bytes(pubkey(state.pool)) + start.to_bytes(4, "little", signed=True))
        data = data.ljust(ARRAY_LENGTH, b"\0")
        slots = {
            i: ticks[start + i * spacing] for i in range(TICKS_PER_ARRAY) if start + i * spacing in ticks
        }
        for i, tick in slots.items():
            at = FIRST_TICK + i * TICK_SIZE
            data[at : at + 36] = (
                (start + i * spacing).to_bytes(4, "little", signed=True)
                + tick.net.to_bytes(16, "little", signed=True)
                + tick.gross.to_bytes(16, "little")
            )
        data[INITIALIZED_COUNT] = len(slots)
        if slots:
            accounts[array_address(state, start)] = Account(owner, 10**8, bytes(data))
            if start not in known:
                bitmap |= 1 << (start // span + BITMAP_REACH)
    state = replace(state, accounts=accounts)
    pool = layout.put(layout.put(pool, LIQUIDITY, 16, liquidity), BITMAP, 128, bitmap)
    return state.with_data(state.pool, pool)
