"""Why a cycle is no signal: where in the funnel it stops now, and what is missing.

The one idea: the engine itself is asked, in the state that the whole recording or snapshot leaves it in, so
the answer is the one that a run would give. Nothing is traded: what a run's fills would have changed is not.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from phantom_arbiter.errors import ConfigError, InvalidInput
from phantom_arbiter.markets import OnProgress, Request, source_path
from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook, mint_book
from phantom_arbiter.native import build_native_engine
from phantom_arbiter.sources.snapshot import SnapshotAccount, is_snapshot, read_snapshot
from phantom_arbiter.strategy_rules import load_rules
from phantom_core import Engine, Explanation, PoolInfo, Record, Recording, WssAggregator

if TYPE_CHECKING:
    from phantom_arbiter.config import Config

SNAPSHOT_ENDPOINT = "snapshot"
ACCOUNTS_PER_ANSWER = 100
REPORT_EVERY = 500

Hops = list[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class LoadedEngine:
    """An engine after everything that a source holds, and what is known of its mints."""

    name: str
    engine: Engine
    book: MintBook


def load_engine(request: Request, config: Config, on_progress: OnProgress | None = None) -> LoadedEngine:
    """Return the engine that the source leaves.

    Args:
        request: The source; `complete` is for markets and not read.
        config: The engine's settings.
        on_progress: Told how many of how many records or accounts were taken.

    Raises:
        ConfigError: The source does not exist or is neither recording nor snapshot, or the rule file is
            wrong.
        RecordingError: The recording is corrupt.
    """
    path = source_path(request.source)
    report = on_progress or (lambda done, total: None)
    if is_snapshot(path):
        return _from_snapshot(path, request, config, report)
    return _from_recording(path, request, config, report)


def _engine(config: Config, *, plain: bool) -> Engine:
    """Return a fresh engine that asks the strategy's rules."""
    engine = build_native_engine(config, assume_plain_mints=plain)
    if config.strategy.rules is not None:
        engine.set_rules(load_rules(config.strategy.rules).rules)
    return engine


def _from_recording(path: Path, request: Request, config: Config, report: OnProgress) -> LoadedEngine:
    recording = Recording(path)
    metadata = recording.header.get("metadata") or {}
    plain = request.assume_plain_mints or metadata.get("plain_mints") is True
    engine = _engine(config, plain=plain)
    records: Iterable[tuple[int, Record]] = enumerate(recording, start=1)
    if request.until is not None:
        records = _until(request.until, records, config.trust.quorum)
    for done, record in records:
        _deliver(record, engine, engine.ingest)
        if done % REPORT_EVERY == 0:
            report(done, recording.records)
    named = mint_book(metadata.get("mints"))
    return LoadedEngine(path.name, engine, MintBook({**WELL_KNOWN_MINTS, **named.mints}))


def _deliver(record: Record, target: Engine | WssAggregator, take: Callable[[str, bytes], object]) -> None:
    match record.kind:
        case "connect":
            target.connect(record.endpoint)
        case "sent":
            target.request(record.endpoint, record.frame)
        case "received":
            take(record.endpoint, record.frame)
        case "disconnect":
            target.disconnect(record.endpoint)


def _until(slot: int, records: Iterable[tuple[int, Record]], quorum: int) -> Iterator[tuple[int, Record]]:
    """Yield records up to the first that brings something newer than `slot`."""
    ahead = WssAggregator(quorum=quorum)
    for number, record in records:
        _deliver(record, ahead, ahead.push)
        if ahead.highest_slot > slot:
            return
        yield number, record


def _from_snapshot(path: Path, request: Request, config: Config, report: OnProgress) -> LoadedEngine:
    engine = _engine(config, plain=request.assume_plain_mints)
    accounts = sorted(read_snapshot(path), key=lambda account: account.slot)
    if request.until is not None:
        accounts = [account for account in accounts if account.slot <= request.until]
    engine.endpoint(SNAPSHOT_ENDPOINT)
    engine.connect(SNAPSHOT_ENDPOINT)
    done = 0
    for number, (slot, portion) in enumerate(_portions(accounts), start=1):
        keys = [account.pubkey for account in portion]
        asked = {"jsonrpc": "2.0", "id": number, "method": "getMultipleAccounts"}
        params = [keys, {"encoding": "base64"}]
        engine.request(SNAPSHOT_ENDPOINT, json.dumps({**asked, "params": params}).encode())
        result = {"context": {"slot": slot}, "value": [_as_answered(account) for account in portion]}
        answer = {"jsonrpc": "2.0", "id": number, "result": result}
        engine.ingest(SNAPSHOT_ENDPOINT, json.dumps(answer).encode())
        done += len(portion)
        report(done, len(accounts))
    return LoadedEngine(path.name, engine, MintBook(WELL_KNOWN_MINTS))


def _portions(accounts: list[SnapshotAccount]) -> Iterator[tuple[int, Sequence[SnapshotAccount]]]:
    for slot, written in groupby(accounts, key=lambda account: account.slot):
        group = list(written)
        for start in range(0, len(group), ACCOUNTS_PER_ANSWER):
            yield slot, group[start : start + ACCOUNTS_PER_ANSWER]


def _as_answered(account: SnapshotAccount) -> dict[str, object] | None:
    """Return the account as an RPC node answers; its lamports are not known and not read."""
    if account.owner is None or account.data is None:
        return None
    return {
        "data": [base64.b64encode(account.data).decode(), "base64"],
        "executable": False,
        "lamports": 1,
        "owner": account.owner,
        "rentEpoch": 0,
        "space": len(account.data),
    }


def cycles_of_pools(pools: Sequence[str], known: Sequence[PoolInfo]) -> list[Hops]:
    """Return the directed cycles through pools in this order; two of them where both directions close.

    Raises:
        ConfigError: A pool is not in the market, comes twice, or the pools make no cycle.
    """
    by_address = {pool.pool: pool for pool in known}
    for pool in pools:
        if pool not in by_address:
            hint = "phantom pools lists those of a source"
            raise ConfigError(f"pool {pool} is not in the source", hint=hint)
    infos = [by_address[pool] for pool in pools]
    if not infos:
        return []
    closed = []
    for start in (infos[0].mint_a, infos[0].mint_b):
        hops, mint = _walk(infos, start)
        if len(hops) == len(infos) and mint == start:
            closed.append(hops)
    if not closed:
        raise ConfigError(f"the pools {', '.join(pools)} make no cycle in this order")
    return closed


def _walk(infos: Sequence[PoolInfo], start: str) -> tuple[Hops, str]:
    hops: Hops = []
    mint = start
    for info in infos:
        if mint not in (info.mint_a, info.mint_b):
            break
        a_to_b = mint == info.mint_a
        hops.append((info.pool, a_to_b))
        mint = info.mint_b if a_to_b else info.mint_a
    return hops, mint


def nearest_cycles(engine: Engine, count: int) -> list[Hops]:
    """Return the cycles that came nearest to a signal without becoming one, each once."""
    mints_a = {pool.pool: pool.mint_a for pool in engine.pools()}
    found: dict[tuple[tuple[str, bool], ...], None] = {}
    # A cycle may have missed in several openings.
    for miss in engine.stats(misses=16 * count).nearest_misses:
        hops = tuple((step.pool, step.mint_in == mints_a[step.pool]) for step in miss.route)
        found.setdefault(hops)
    return [list(hops) for hops in list(found)[:count]]


def explain(loaded: LoadedEngine, cycles: Sequence[Hops]) -> list[Explanation]:
    """Return what becomes of each cycle now, in the order in which they are given.

    Raises:
        ConfigError: A cycle is too long, too short, or uses a pool twice.
    """
    try:
        return [loaded.engine.explain(hops) for hops in cycles]
    except InvalidInput as error:
        raise ConfigError(str(error)) from error
