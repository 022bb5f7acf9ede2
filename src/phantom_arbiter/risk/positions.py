"""What single swaps have bought and not sold again, and what it cost: integers.

A sale takes its share of the basis rounded up, so that what is left is never held to have cost more than it
did; selling everything takes all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from phantom_arbiter.risk.records import Booked, Result
from phantom_arbiter.swaps import Position

Key = tuple[str, str, str]
"""Strategy, base mint, mint held."""

Positions = Mapping[Key, Position]


def no_positions() -> Positions:
    """Return that nothing is held."""
    return MappingProxyType({})


def basis_of(positions: Positions, key: Key, amount: int) -> int | None:
    """Return what `amount` of a position had cost, rounded up; `None` if less than that is held."""
    held = positions.get(key)
    if held is None or amount > held.amount:
        return None
    return -(-held.basis * amount // held.amount)


def held_basis(positions: Positions, base_mint: str) -> int:
    """Return what all open positions cost together, base units of `base_mint`."""
    return sum(position.basis for position in positions.values() if position.base_mint == base_mint)


def key_of(entry: Booked) -> Key:
    """Return the position that a single swap changes."""
    return entry.strategy, entry.mint, entry.held_mint


def exit_cost(positions: Positions, key: Key) -> int:
    """Return what is set aside for the fees of closing a position, base units; 0 if there is none."""
    held = positions.get(key)
    return held.exit_cost if held else 0


def may_lose(positions: Positions, base_mint: str) -> int:
    """Return what open positions may lose: what they cost, and the fees of closing them."""
    ours = [position for position in positions.values() if position.base_mint == base_mint]
    return sum(position.basis + position.exit_cost for position in ours)


def held_by(positions: Positions, strategy: str) -> tuple[Position, ...]:
    """Return the positions of one strategy, in the order in which they were opened."""
    return tuple(position for (owner, _, _), position in positions.items() if owner == strategy)


def settled(positions: Positions, entry: Booked, result: Result) -> Positions:
    """Return the positions after the outcome of `entry`; a failed swap changes none."""
    if not entry.held_mint or result.failed:
        return positions
    key = key_of(entry)
    before = positions.get(key, Position(entry.mint, entry.held_mint, 0, 0, 0))
    after = Position(
        base_mint=entry.mint,
        mint=entry.held_mint,
        amount=before.amount - entry.sells + result.bought,
        basis=before.basis - entry.basis + entry.stake,
        exit_cost=max(before.exit_cost, entry.exit_cost),
    )
    changed = {each: position for each, position in positions.items() if each != key or after.amount > 0}
    if after.amount > 0:
        changed[key] = after
    return MappingProxyType(changed)
