"""Ingest beside the libraries a Python user would take: 1000 notifications of three endpoints.

About 1.2 kB each, two thirds of them duplicates. Every contender parses the frames and says which
are new; the answers are compared before anything is timed, and the rounds are interleaved, so that
a busy machine slows all of them alike. In a round each runs several times in a row, as a feed does;
`--repeat 1` shows what it costs after something else has filled the caches. Peers that are not
installed are left out.

Run it from the root of the repository: `python -m benchmarks.ingest`.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from itertools import compress, count
from typing import Any

from phantom_core import DuplicateFilter, WssAggregator

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
EVENTS = 334
ENDPOINTS = 3
OWNER = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"


@dataclass(frozen=True)
class Workload:
    """Frames in the order of arrival, and which account each subscription is for."""

    messages: list[tuple[int, bytes]] = field(repr=False)
    subscriptions: dict[tuple[int, int], str] = field(repr=False)

    @property
    def endpoints(self) -> bytes:
        """The number of every frame's endpoint."""
        return bytes(endpoint for endpoint, _ in self.messages)

    @property
    def frames(self) -> list[bytes]:
        """The frames."""
        return [frame for _, frame in self.messages]


@dataclass(frozen=True)
class Contender:
    """A run over the workload, and what is made beforehand, outside the time."""

    run: Callable[[Any], list[int]]
    prepare: Callable[[], Any] = lambda: None


def make_workload(length: int = 1000) -> Workload:
    """Return seeded frames: accounts, programs and logs as 6 : 2 : 2, data of real pools' sizes.

    Each endpoint keeps the chain's order; delays differ by up to six events.
    """
    seeded = random.Random(20240607)
    # First letter 5 to C, 44 letters: always 32 bytes.
    addresses = [seeded.choice(ALPHABET[4:12]) + "".join(seeded.choices(ALPHABET, k=43)) for _ in range(60)]
    subscriptions = {
        (e, 100_000 * (e + 1) + 7 * i): a for e in range(ENDPOINTS) for i, a in enumerate(addresses)
    }
    numbers = {(endpoint, address): number for (endpoint, number), address in subscriptions.items()}
    events: list[tuple[str, str, int, dict[str, Any]]] = []
    for event in range(EVENTS):
        kind = "account" if event % 10 < 6 else ("program" if event % 10 < 8 else "logs")
        address = seeded.choice(addresses)
        data = seeded.randbytes(seeded.choice([752, 1544, 653, 165]))
        value: dict[str, Any] = {
            "lamports": seeded.randrange(10**10),
            "data": [base64.b64encode(data).decode(), "base64"],
            "owner": OWNER,
            "executable": False,
            "rentEpoch": 2**64 - 1,
            "space": len(data),
        }
        if kind == "program":
            value = {"pubkey": address, "account": value}
        elif kind == "logs":
            line = "Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA consumed 4645 of 183520 compute units"
            value = {"signature": "".join(seeded.choices(ALPHABET, k=88)), "err": None, "logs": [line] * 8}
        events.append((kind, address, 300_000_000 + event // 8, value))
    arrivals = []
    for endpoint in range(ENDPOINTS):
        at = 0.0
        for event, (kind, address, slot, value) in enumerate(events):
            at = max(at, event + seeded.random() * 6)
            params = {
                "result": {"context": {"slot": slot}, "value": value},
                "subscription": numbers[endpoint, address],
            }
            message = {"jsonrpc": "2.0", "method": f"{kind}Notification", "params": params}
            arrivals.append((at, endpoint, json.dumps(message, separators=(",", ":")).encode()))
    arrivals.sort(key=lambda arrival: arrival[:2])
    messages = [(endpoint, frame) for _, endpoint, frame in arrivals[:length]]
    return Workload(messages, subscriptions)


def first_arrivals(workload: Workload, loads: Callable[[bytes], Any]) -> Contender:
    """Return a run that parses with `loads` and keeps a set of what it has seen."""
    subscriptions = workload.subscriptions

    def run(_: Any) -> list[int]:
        seen: set[tuple[str, int, int]] = set()
        fresh = []
        for index, (endpoint, frame) in enumerate(workload.messages):
            params = loads(frame)["params"]
            result = params["result"]
            value, slot = result["value"], result["context"]["slot"]
            if "signature" in value:
                key = (value["signature"], slot, 0)
            elif "pubkey" in value:
                key = (value["pubkey"], slot, hash(value["account"]["data"][0]))
            else:
                key = (subscriptions[endpoint, params["subscription"]], slot, hash(value["data"][0]))
            if key not in seen:
                seen.add(key)
                fresh.append(index)
        return fresh

    return Contender(run)


def typed_msgspec(workload: Workload, msgspec: Any) -> Contender:
    """Return the same with msgspec's decoder for exactly the fields that are needed."""
    define = msgspec.defstruct
    context = define("Context", [("slot", int)], gc=False)
    account = define("Account", [("data", tuple[str, str])], gc=False)
    value = define(
        "Value",
        [
            ("data", tuple[str, str] | None, None),
            ("pubkey", str | None, None),
            ("account", account | None, None),
            ("signature", str | None, None),
        ],
        gc=False,
    )
    result = define("Result", [("context", context), ("value", value)], gc=False)
    params = define("Params", [("result", result), ("subscription", int)], gc=False)
    decode = msgspec.json.Decoder(define("Message", [("params", params)], gc=False)).decode
    subscriptions = workload.subscriptions

    def run(_: Any) -> list[int]:
        seen: set[tuple[str, int, int]] = set()
        fresh = []
        for index, (endpoint, frame) in enumerate(workload.messages):
            params = decode(frame).params
            value, slot = params.result.value, params.result.context.slot
            if value.signature is not None:
                key = (value.signature, slot, 0)
            elif value.pubkey is not None:
                key = (value.pubkey, slot, hash(value.account.data[0]))
            else:
                key = (subscriptions[endpoint, params.subscription], slot, hash(value.data[0]))
            if key not in seen:
                seen.add(key)
                fresh.append(index)
        return fresh

    return Contender(run)


def filtered(workload: Workload) -> dict[str, Contender]:
    """Return the runs of `DuplicateFilter`: one call a frame, and one call for all."""
    filter_ = DuplicateFilter()
    subscribe(filter_, workload)
    endpoints, numbers, frames = workload.endpoints, list(workload.endpoints), workload.frames

    def one_by_one(_: Any) -> list[int]:
        filter_.forget()
        return list(compress(count(), map(filter_.push, numbers, frames)))

    def in_one_call(_: Any) -> list[int]:
        filter_.forget()
        return filter_.push_many(endpoints, frames)

    return {
        "DuplicateFilter.push": Contender(one_by_one),
        "DuplicateFilter.push_many": Contender(in_one_call),
    }


def aggregated(workload: Workload) -> dict[str, Contender]:
    """Return the runs of `WssAggregator`, which also orders, decodes and hands out every state.

    It cannot forget, so each round has a new one, made and subscribed beforehand.
    """
    endpoints, numbers, frames = workload.endpoints, list(workload.endpoints), workload.frames

    def prepare() -> WssAggregator:
        aggregator = WssAggregator()
        subscribe(aggregator, workload)
        return aggregator

    def one_by_one(aggregator: WssAggregator) -> list[int]:
        return list(compress(count(), map(aggregator.push, numbers, frames)))

    def in_one_call(aggregator: WssAggregator) -> list[int]:
        return [index for index, _ in aggregator.push_many(endpoints, frames)]

    return {
        "WssAggregator.push": Contender(one_by_one, prepare),
        "WssAggregator.push_many": Contender(in_one_call, prepare),
    }


def subscribe(target: DuplicateFilter | WssAggregator, workload: Workload) -> None:
    """Tell a filter or an aggregator of the endpoints and their subscriptions."""
    for endpoint in range(ENDPOINTS):
        target.endpoint(str(endpoint))
    for (endpoint, subscription), address in workload.subscriptions.items():
        target.subscribed(endpoint, subscription, address)


def contenders(workload: Workload) -> dict[str, Contender]:
    """Return every run there is, ours first."""
    runs = filtered(workload) | aggregated(workload)
    for name in ("msgspec", "orjson"):
        try:
            module = import_module(name)
        except ImportError:
            print(f"{name} is not installed: left out", file=sys.stderr)
            continue
        if name == "msgspec":
            runs["msgspec typed + set"] = typed_msgspec(workload, module)
        else:
            runs["orjson + set"] = first_arrivals(workload, module.loads)
    runs["json + set"] = first_arrivals(workload, json.loads)
    return runs


def measure(runs: dict[str, Contender], rounds: int, repeat: int) -> dict[str, list[float]]:
    """Return the seconds of every run, sorted; the garbage collector rests meanwhile."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, contender in runs.items():
                for _ in range(repeat):
                    prepared = contender.prepare()
                    start = time.perf_counter()
                    contender.run(prepared)
                    times[name].append(time.perf_counter() - start)
    finally:
        gc.enable()
    return {name: sorted(all_) for name, all_ in times.items()}


def main() -> None:
    """Compare the answers, then print the median and fastest round of every contender."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=40, help="interleaved rounds (default 40)")
    arguments.add_argument("--repeat", type=int, default=10, help="runs in a row (default 10)")
    options = arguments.parse_args()
    workload = make_workload()
    runs = contenders(workload)
    expected = runs["json + set"].run(None)
    for name, contender in runs.items():
        for attempt in ("first", "second"):
            if contender.run(contender.prepare()) != expected:
                raise SystemExit(f"{name}: the {attempt} answer differs from json's")
    times = measure(runs, options.rounds, options.repeat)
    size, new = sum(map(len, workload.frames)), len(expected)
    runs_each = f"{options.rounds} x {options.repeat} runs"
    print(f"{len(workload.messages)} frames, {size} bytes, {new} of them new; {runs_each}")
    base = statistics.median(times.get("msgspec typed + set", times["json + set"]))
    for name, all_ in times.items():
        median = statistics.median(all_)
        print(
            f"{name:36} median {median * 1e3:7.3f} ms  fastest {all_[0] * 1e3:7.3f} ms  {base / median:5.1f}x"
        )


if __name__ == "__main__":
    main()
