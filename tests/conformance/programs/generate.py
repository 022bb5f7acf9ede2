"""Makes new vectors: states that follow from real swaps or were rewritten, and random swaps on them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .errors import OUT_OF_UNITS
from .svm import COMPUTE_UNIT_LIMIT, Execution, Program
from .swaps import draw, edges, with_threshold
from .vectors import Call, Clock, State, Swap, VectorFile, Writer
from .venue import Parties, Venue

# A swap this close to the compute limit is left out: on which side it falls only an exact count would tell.
UNITS_MARGIN = 0.08
SLOTS_PER_SECOND = 2.5
DAY = 86_400


@dataclass(frozen=True)
class Mix:
    """How states and swaps are drawn; probabilities.

    Attributes:
        mutate: A new round starts from a rewritten state.
        chain: A round starts from the state that a swap of the round before left.
        threshold: A swap is run again with a threshold near its outcome.
        edge: A swap becomes two at an amount where the answer changes.
    """

    mutate: float = 0.5
    chain: float = 0.6
    threshold: float = 0.2
    edge: float = 0.02


@dataclass(frozen=True)
class Made:
    """One new swap and what the program did with it."""

    swap: Swap
    call: Call
    execution: Execution
    outcome: dict[str, Any]


class Generator:
    """Draws states and swaps of one venue; the same seed gives the same file."""

    def __init__(self, venue: Venue, elf: Path, file: VectorFile, seed: int, mix: Mix | None = None) -> None:
        self.venue = venue
        self.mix = mix or Mix()
        self.rng = random.Random(f"{venue.name} {seed}")
        self.meta = {**file.meta, "seed": seed, "trader_funds": None}
        self._elf = elf
        self._parties = _parties(venue, file)
        self._states = [each for each in file.states.values() if (_mints(venue, each), True) in self._parties]
        self._program = self._load(COMPUTE_UNIT_LIMIT)

    def write(self, path: Path, count: int) -> Counter[str]:
        """Write a file of `count` swaps to `path`; return how often each outcome came up."""
        outcomes: Counter[str] = Counter()
        with Writer(path, self.meta) as writer:
            for state, round_ in self._rounds():
                if not round_:
                    continue
                state_id = writer.state(state)
                for made in round_[: count - writer.swaps]:
                    writer.swap(state_id, made.swap, made.call, made.outcome)
                    outcomes[_label(made.outcome)] += 1
                if writer.swaps >= count:
                    break
        return outcomes

    def _rounds(self) -> Iterator[tuple[State, list[Made]]]:
        rng = self.rng
        state = rng.choice(self._states)
        while True:
            if rng.random() < self.mix.mutate:
                state = self.venue.settled(self.venue.mutate(_later(state, rng), rng)).labelled("mutated")
            round_ = self._round(state)
            yield state, round_
            passed = [made for made in round_ if made.outcome["ok"]]
            if passed and rng.random() < self.mix.chain:
                state = _later(self.venue.after(state, rng.choice(passed).execution), rng)
            else:
                state = rng.choice(self._states)

    def _round(self, state: State) -> list[Made]:
        rng, found = self.rng, []
        for _ in range(rng.randrange(4, 9)):
            swap = draw(self.venue, state, rng)
            parties = rng.choice(self._parties[_mints(self.venue, state), swap.a_to_b])
            swaps = [swap]
            if rng.random() < self.mix.edge:
                swaps += edges(swap, lambda each: self._run(state, each, parties).outcome, rng)  # noqa: B023
            made = [self._run(state, each, parties) for each in swaps]
            if rng.random() < self.mix.threshold:
                made.append(self._run(state, with_threshold(swap, made[0].outcome, rng), parties))
            found += [each for each in made if self._counts(state, each, parties)]
        return found

    def _run(self, state: State, swap: Swap, parties: Parties, program: Program | None = None) -> Made:
        call, execution = self.venue.run(program or self._program, state, swap, parties)
        return Made(swap, call, execution, self.venue.outcome(state, swap, parties, execution))

    def _counts(self, state: State, made: Made, parties: Parties) -> bool:
        """Whether the outcome would be the same with a little more or less compute.

        Where vectors never ran out of compute (`Venue.counts_compute`) such swaps are left out, too.
        """
        if made.execution.units < (1 - UNITS_MARGIN) * COMPUTE_UNIT_LIMIT:
            return True
        if not self.venue.counts_compute:
            return False
        roomy = self._run(state, made.swap, parties, self._roomy)
        return out_of_units(made.execution) and out_of_units(roomy.execution)

    @cached_property
    def _roomy(self) -> Program:
        return self._load(int((1 + UNITS_MARGIN) * COMPUTE_UNIT_LIMIT))

    def _load(self, limit: int) -> Program:
        return Program(self._elf, self.meta["program_id"], self.meta["elf_sha256"], limit)


Mints = tuple[str, str]  # what a mutation never changes of a pool


def out_of_units(execution: Execution) -> bool:
    return execution.error is not None and execution.error.get("name") == OUT_OF_UNITS


def _mints(venue: Venue, state: State) -> Mints:
    a, b = venue.sides(state)
    return a.mint, b.mint


def _parties(venue: Venue, file: VectorFile) -> dict[tuple[Mints, bool], list[Parties]]:
    """Return every pool's recorded parties by direction; a direction never recorded takes the other's."""
    found: dict[tuple[Mints, bool], list[Parties]] = {}
    for line in file.swaps:
        mints = _mints(venue, file.states[line["state"]])
        known = found.setdefault((mints, line["args"]["a_to_b"]), [])
        parties = venue.recorded_parties(line)
        if parties not in known:
            known.append(parties)
    for (mints, a_to_b), known in list(found.items()):
        found.setdefault((mints, not a_to_b), known)
    return found


def _later(state: State, rng: random.Random) -> State:
    """Return the state some time later: often at once, at most days."""
    seconds = rng.choice((0, 0, 1, rng.randrange(60), rng.randrange(3_600), rng.randrange(10 * DAY)))
    slots = int(seconds * SLOTS_PER_SECOND) + rng.randrange(3)
    epochs = rng.choice((0, 0, 0, 0, 0, 0, 1, rng.randrange(5)))
    clock = state.clock
    later = Clock(clock.slot + slots, clock.unix_timestamp + seconds, clock.epoch + epochs)
    return replace(state, clock=later)


def _label(outcome: dict[str, Any]) -> str:
    if outcome["ok"]:
        return "ok"
    error = outcome["error"]
    return str(error.get("name") or error.get("panic") or error["kind"]).replace("\n", " ")
