"""Hops as text in a column."""

from __future__ import annotations

import json

import msgspec

from phantom_arbiter.domain import Hop


def hops_to_text(hops: tuple[Hop, ...]) -> str:
    """Return hops as compact JSON; amounts are decimal strings, exact in every reader."""
    return json.dumps(
        [
            {
                "pool": hop.pool,
                "mint_in": hop.mint_in,
                "mint_out": hop.mint_out,
                "amount_in": str(hop.amount_in),
                "amount_out": str(hop.amount_out),
            }
            for hop in hops
        ],
        separators=(",", ":"),
    )


class _HopText(msgspec.Struct, frozen=True, gc=False):
    pool: str
    mint_in: str
    mint_out: str
    amount_in: str
    amount_out: str


_HOPS = msgspec.json.Decoder(tuple[_HopText, ...])


def hops_from_text(text: str) -> tuple[Hop, ...]:
    """Return what `hops_to_text` wrote."""
    return tuple(
        [
            Hop(hop.pool, hop.mint_in, hop.mint_out, int(hop.amount_in), int(hop.amount_out))
            for hop in _HOPS.decode(text)
        ]
    )
