"""Make the demo's recording: a real day's account writes as RPC endpoints would have pushed them.

The account writes and their times are recorded ones (tests/data/whirlpool-2022-04-06); who delivers
them when, and what goes wrong on the way, is simulated and follows from the seed: the same options
give the same bytes. Run `python tools/make_demo_recording.py --help`.
"""

import argparse
from collections import Counter
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args

from demo_recording import market_day
from demo_recording.delivery import Behaviour, Endpoint, Event, in_order, realistic
from demo_recording.market_day import MarketDay
from phantom_core import RecordingWriter

Faults = Literal["none", "realistic"]

ROOT = Path(__file__).resolve().parent.parent
DAY_FOLDER = ROOT / "tests" / "data" / "whirlpool-2022-04-06"
SHIPPED = ROOT / "src" / "phantom_arbiter" / "data" / "whirlpool-2022-04-06.phrec"
MAX_ENDPOINTS = 16
COUNT_WORDS = {1: "one endpoint", 2: "two endpoints", 3: "three endpoints"}

MINTS = {
    "So11111111111111111111111111111111111111112": ("wSOL", 9),
    "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v": ("USDC", 6),
    "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB": ("USDT", 6),
    "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So": ("mSOL", 9),
    "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE": ("ORCA", 6),
    "9vMJfxuKxXBoEa7rM12mYLMwTacLMLDJqHozw96WQL8i": ("UST", 6),
}
"""Symbol and decimals as public token lists have them; the recording holds no mint accounts."""


@dataclass(frozen=True)
class Options:
    """What to make; the defaults make the shipped file."""

    output: Path = SHIPPED
    endpoints: int = 3
    faults: Faults = "realistic"
    seed: int = 20220406
    level: int = 19
    """zstd level; it changes the file's size, not its records."""
    block_bytes: int = 32 << 20
    """Long blocks, so that one block holds many copies of the same account."""


@dataclass(frozen=True)
class Made:
    """What was made."""

    path: Path
    frames: Counter[str]
    faults: dict[str, Counter[str]]
    """Per endpoint: how many messages of which fault."""


def make(options: Options, day: MarketDay | None = None) -> Path:
    """Write the recording that `options` describe and return its path."""
    return build(options, day).path


def build(options: Options, day: MarketDay | None = None) -> Made:
    """Write the recording and return what it holds; an existing file is replaced when all is written.

    Raises:
        ValueError: The number of endpoints is out of range, or the day's data is not the known one.
    """
    if not 1 <= options.endpoints <= MAX_ENDPOINTS:
        raise ValueError(f"endpoints is {options.endpoints}, it may be 1 to {MAX_ENDPOINTS}")
    day = day or market_day.load(DAY_FOLDER)
    names = [f"rpc-{chr(ord('a') + index)}" for index in range(options.endpoints)]
    streams: list[list[tuple[int, int, Event]]] = []
    faults = {}
    for index, behaviour in enumerate(_behaviours(options, day)):
        endpoint = Endpoint(day, index, behaviour, Random(f"endpoint {index} {options.seed}"))
        streams.append([(event.arrival_ns, index, event) for event in endpoint.run()])
        faults[names[index]] = endpoint.faults
    frames: Counter[str] = Counter()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = options.output.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    header = _header(options, day, names)
    with RecordingWriter(unfinished, header, level=options.level, block_bytes=options.block_bytes) as writer:
        for arrival_ns, index, event in merge(*streams, key=lambda item: item[:2]):
            writer.append(event.kind, names[index], arrival_ns, event.frame)
            frames[_label(event)] += 1
    unfinished.replace(options.output)
    return Made(options.output, frames, faults)


def _behaviours(options: Options, day: MarketDay) -> list[Behaviour]:
    if options.faults == "none":
        return in_order(options.endpoints, options.seed)
    return realistic(day, options.endpoints, options.seed)


def _header(options: Options, day: MarketDay, names: list[str]) -> dict[str, Any]:
    mints = {mint: MINTS[mint] for mint in sorted(day.mints) if mint in MINTS}
    delivery = COUNT_WORDS.get(options.endpoints, f"{options.endpoints} endpoints")
    return {
        # The day's own date: a clock reading would make every run's bytes different.
        "created": "2022-04-06T00:00:00Z",
        "source": "demo",
        "description": "Orca Whirlpools on Solana mainnet, 6 April 2022",
        "tool": "make_demo_recording",
        "endpoints": names,
        "metadata": {
            "plain_mints": True,
            "label": f"recorded prices, simulated delivery by {delivery}",
            "origin": "Orca Whirlpools account data of Solana mainnet; public, MIT-licensed collections",
            "licence": "MIT",
            "derived": "end-of-day accounts are the recorded bytes; earlier states were derived by "
            "undoing the day's recorded instructions",
            "slots": [day.start_slot, day.writes[-1].slot],
            "seed": options.seed,
            "faults": options.faults,
            "mints": {
                mint: {"symbol": symbol, "decimals": decimals} for mint, (symbol, decimals) in mints.items()
            },
        },
    }


def _label(event: Event) -> str:
    """Name an event for the report: its kind, and for frames the method they belong to."""
    for mark, label in (
        (b'"method":"accountNotification"', "accountNotification"),
        (b'"method":"getMultipleAccounts"', "getMultipleAccounts"),
        (b'"method":"accountSubscribe"', "accountSubscribe"),
        (b'"result":{', "accounts read"),
        (b'"result":', "confirmation"),
    ):
        if mark in event.frame[:60]:
            return f"{event.kind} {label}"
    return event.kind if not event.frame else f"{event.kind} broken"


def _report(made: Made) -> str:
    lines = [f"{made.path.name}: {made.path.stat().st_size:,} bytes, {made.frames.total():,} records"]
    lines += [f"  {count:>7,}  {label}" for label, count in sorted(made.frames.items())]
    for name, faults in made.faults.items():
        listed = ", ".join(f"{count:,} {fault}" for fault, count in sorted(faults.items()))
        lines.append(f"  {name}: {listed or 'no faults'}")
    return "\n".join(lines)


def main() -> None:
    """Parse the options, make the recording, print what is in it."""
    defaults = Options()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=defaults.output, help="file to write or replace")
    parser.add_argument("--endpoints", type=int, default=defaults.endpoints, help=f"1 to {MAX_ENDPOINTS}")
    parser.add_argument("--faults", choices=get_args(Faults), default=defaults.faults)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--level", type=int, default=defaults.level, help="zstd level, 1 to 22")
    options = Options(**vars(parser.parse_args()))
    try:
        print(_report(build(options)))
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
