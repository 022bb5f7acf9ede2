"""States of the golden vectors as accounts: whatever venue, no market."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from phantom_core import Clock, Pool, venue_names

VECTORS = Path(__file__).parent / "data/vectors"
FILES = sorted(path.name for path in VECTORS.glob("*.jsonl.gz"))


@dataclass(frozen=True)
class State:
    """One pool with its accounts, and the swaps that were carried out on copies of it.

    `kind` is the file's label for what the pool has: `transfer_fee`, `adaptive`, `compounding`, ….
    """

    venue: str
    kind: str
    pool: str
    accounts: dict[str, tuple[str, bytes]]
    clock: Clock
    swaps: tuple[dict[str, Any], ...]

    def open(self) -> Pool:
        """Return the pool with everything that existed."""
        return Pool(
            self.pool,
            self.accounts[self.pool],
            accounts=self.accounts,
            clock=self.clock,
            complete=True,
            assume_plain_mints=self.lacks_mints,
        )

    @property
    def lacks_mints(self) -> bool:
        """Whether the file leaves out mints that are plain: that of PumpSwap, made by an SDK."""
        return self.venue == "pumpswap"


@cache
def lines(file: str) -> tuple[dict[str, Any], ...]:
    """Return a vector file's lines."""
    with gzip.open(VECTORS / file, "rt", encoding="utf-8") as stream:
        return tuple(map(json.loads, stream))


def is_quoted(file: str) -> bool:
    """Return whether the file's venue is one that this build quotes."""
    return lines(file)[0]["dex"] in venue_names()


@cache
def accounts(file: str) -> tuple[tuple[str, bytes], ...]:
    """Return owner and data of every account in the file."""
    return tuple(
        (line["owner"], base64.b64decode(line["data"])) for line in lines(file) if line["t"] == "account"
    )


def states(file: str) -> Iterator[State]:
    """Return the file's states in order."""
    by_id = {line["id"]: line for line in lines(file) if line["t"] == "account"}
    swaps: dict[int, list[dict[str, Any]]] = {}
    for line in lines(file):
        if line["t"] == "swap":
            swaps.setdefault(line["state"], []).append(line)
    for line in lines(file):
        if line["t"] == "state":
            of = {
                by_id[number]["key"]: (by_id[number]["owner"], base64.b64decode(by_id[number]["data"]))
                for number in line["accounts"]
            }
            clock = Clock(**line["clock"])
            venue, tried = lines(file)[0]["dex"], tuple(swaps.get(line["id"], ()))
            yield State(venue, line["kind"], line["pool"], of, clock, tried)
