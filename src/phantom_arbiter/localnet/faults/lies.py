"""What a lying endpoint says of an account instead of the truth.

One state gets one lie: told as a notification or as an answer over HTTP, once or again, it is the same. That
is the worst case for those who compare what an endpoint says with what it said before.
"""

from __future__ import annotations

from random import Random
from typing import Final
from zlib import crc32

from phantom_arbiter.localnet.accounts import SYSTEM_PROGRAM, AccountState

IMPOSSIBLE_SLOTS_AHEAD: Final = 10**9
"""By how much the slot of a lie is too high."""


class Liar:
    """The lies of one endpoint."""

    def __init__(self, name: str) -> None:
        """Take what lies follow from: the endpoint's name and the net's seed."""
        self._name = name

    def version(
        self, pubkey: str, slot: int, state: AccountState, kinds: tuple[str, ...]
    ) -> tuple[int, AccountState]:
        """Return a false slot and the state, or the slot and a state with a false owner or false data.

        Args:
            pubkey: The account.
            slot: Its true slot.
            state: What it holds.
            kinds: What may be false: some of `FaultPlan.lie_kinds`.
        """
        random = Random(f"{self._name} {pubkey} {crc32(state.data)} {state.lamports}")
        kind = random.choice(kinds)
        if kind == "slot":
            return slot + IMPOSSIBLE_SLOTS_AHEAD, state
        if kind == "owner":
            owner = SYSTEM_PROGRAM if state.owner != SYSTEM_PROGRAM else pubkey
            return slot, AccountState(owner, state.lamports, state.data, state.executable)
        if not state.data:
            return slot, AccountState(state.owner, state.lamports + 1, b"", state.executable)
        data = bytearray(state.data)
        data[random.randrange(len(data))] ^= 1 + random.randrange(255)
        return slot, AccountState(state.owner, state.lamports, bytes(data), state.executable)
