"""Runs a vector file's own swaps again: what this harness sees must be what the file says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .svm import Program
from .vectors import Swap, VectorFile
from .venue import Venue


@dataclass(frozen=True)
class Mismatch:
    """A swap whose instruction or outcome is not the file's."""

    swap_id: int
    what: str
    expected: Any
    found: Any


def replay(venue: Venue, program: Program, file: VectorFile, step: int = 1) -> Iterator[Mismatch]:
    """Yield what differs when every `step`-th swap of `file` is run again."""
    for line in file.swaps[::step]:
        state = file.states[line["state"]]
        swap = Swap.read(line)
        parties = venue.recorded_parties(line)
        call, execution = venue.run(program, state, swap, parties)
        outcome = venue.outcome(state, swap, parties, execution)
        if call.line() != line["ix"]:
            yield Mismatch(line["id"], "instruction", line["ix"], call.line())
        expected = {name: line[name] for name in ("ok", "result", "error") if name in line}
        if outcome != expected:
            yield Mismatch(line["id"], "outcome", expected, outcome)
