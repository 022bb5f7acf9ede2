"""Small snapshot files for tests: one pool of every venue that this build quotes."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

from vector_states import FILES, State, is_quoted, states

SYSVAR = "Sysvar1111111111111111111111111111111111111"
CLOCK = "SysvarC1ock11111111111111111111111111111111"


def tradable_states() -> list[State]:
    """Return the first state of every venue whose pool can be traded."""
    found = {}
    for file in filter(is_quoted, FILES):
        for state in states(file):
            if state.venue not in found and not state.lacks_mints and state.open().set_aside is None:
                found[state.venue] = state
                break
    return list(found.values())


def clock_account(state: State) -> tuple[str, bytes]:
    """Return the Clock sysvar of a state."""
    words = (state.clock.slot, 0, state.clock.epoch, 0, state.clock.unix_timestamp)
    return SYSVAR, b"".join(word.to_bytes(8, "little") for word in words)


def lines_of(accounts: dict[str, tuple[str, bytes]], slot: int = 7) -> list[dict[str, object]]:
    """Return accounts as the lines of a snapshot."""
    return [
        {"pubkey": key, "owner": owner, "data": base64.b64encode(data).decode(), "slot": slot}
        for key, (owner, data) in accounts.items()
    ]


def write_lines(path: Path, lines: list[dict[str, object]]) -> Path:
    """Write a snapshot, gzip'd if its name says so."""
    text = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def write_state(path: Path, state: State) -> Path:
    """Write one state as a snapshot, its clock included."""
    return write_lines(path, lines_of({CLOCK: clock_account(state), **state.accounts}))
