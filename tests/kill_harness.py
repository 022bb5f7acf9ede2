"""Kills a live run at every step between intent and outcome, restarts it, and compares journal and chain.

`python tests/kill_harness.py --runs 1000` prints how the runs of each step ended. The children are forked
from a process that has imported everything, so a run takes a fraction of a second. Time is the net's: nobody
waits.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from kill_child import RECONCILE_STEPS, STEPS, TIP_ACCOUNT, Job, keypair, main
from phantom_arbiter.journal import Journal
from phantom_arbiter.localnet.control import Control
from phantom_arbiter.localnet.net import LocalNet, NetSettings

FUNDS = 10**10
RANDOM = "random time"
ALL_STEPS = (*STEPS, *RECONCILE_STEPS, RANDOM)
KINDS = ("lands", "lands", "lands", "fails", "dropped", "refused")
LONGEST_S = 0.12
"""Within so many seconds a child is killed at a random time; it usually lives about as long."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the journal says of one attempt at the end."""

    state: str
    reason: str | None
    signature: str | None
    landed_slot: int | None
    wallet_change: int | None
    net_profit: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run that was killed, and what became of its attempts."""

    step: str
    kills: int
    attempts: tuple[Attempt, ...]
    chain_change: int
    chain_landed: frozenset[str]

    @property
    def landed(self) -> list[Attempt]:
        return [each for each in self.attempts if each.landed_slot is not None]

    def wrong(self) -> list[str]:
        """Return what journal and chain disagree about."""
        said = []
        signatures = [each.signature for each in self.attempts if each.signature is not None]
        if len(set(signatures)) != len(signatures):
            said.append("a signature is in two rows")
        if any(each.state == "intent" for each in self.attempts):
            said.append("an attempt has no outcome")
        ours = {each.signature for each in self.landed}
        if ours != self.chain_landed:
            said.append(f"{len(ours)} landed by the journal, {len(self.chain_landed)} on the chain")
        for what, amount in (
            ("balances", sum(each.wallet_change or 0 for each in self.attempts)),
            ("profit", sum(each.net_profit for each in self.attempts)),
        ):
            if amount != self.chain_change:
                said.append(f"{what} of the journal {amount:,}, change on the chain {self.chain_change:,}")
        return said


class Harness:
    """A local net, and children that trade on it and are killed."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        self._net = LocalNet(NetSettings(endpoints=3, source="empty", slot_ms=None))
        self._control = Control(self._net)
        self._template = folder / "template.sqlite"
        self._context = multiprocessing.get_context("forkserver")
        self._runs = 0

    async def __aenter__(self) -> Self:
        self._context.set_forkserver_preload(["kill_child"])
        _start_server()
        Journal(self._template).close()
        await self._net.start()
        await self._control.start()
        await self._net.fund(str(TIP_ACCOUNT), FUNDS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._control.stop()
        await self._net.stop()

    async def run(self, step: str) -> Run:
        """Kill one run at `step`, let it recover, and return what is left."""
        self._runs += 1
        draw, seed = self._random, self._runs
        journal = self._folder / f"{seed}.sqlite"
        shutil.copyfile(self._template, journal)
        wallet = str(keypair("wallet", seed).pubkey())
        for each in (wallet, str(keypair("venue", seed).pubkey())):
            await self._net.fund(each, FUNDS)
        trades = tuple(draw.choice(KINDS) for _ in range(3))
        urls = tuple(each.http_url for each in self._net.endpoints)
        job = Job(str(journal), seed, urls, self._control.url, trades, first=1)
        again = replace(job, trades=(draw.choice(KINDS),), first=101)
        if step in STEPS:
            jobs = [replace(job, step=step, nth=draw.randint(1, 3)), again]
        elif step in RECONCILE_STEPS:
            before = draw.choice(("after_intent", "sent_unanswered", "after_send", "after_landing"))
            jobs = [replace(job, step=before, nth=draw.randint(1, 2)), replace(again, step=step), again]
        else:
            jobs = [job, replace(again, first=201), again]
        kills = 0
        for number, task in enumerate(jobs):
            after_s = draw.uniform(0, LONGEST_S) if step == RANDOM and number < len(jobs) - 1 else None
            kills += await self._child(task, after_s)
        result = self._result(step, kills, journal, wallet)
        for file in self._folder.glob(f"{seed}.sqlite*"):
            file.unlink()
        return result

    async def _child(self, job: Job, kill_after_s: float | None) -> int:
        """Run a child to its end; return whether it was killed.

        Raises:
            RuntimeError: It ended by itself with an error.
        """
        child: ForkServerProcess = self._context.Process(target=main, args=(job,))
        await asyncio.to_thread(child.start)
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(child.sentinel, ended.set)
        timer = None
        if kill_after_s is not None:
            timer = loop.call_later(kill_after_s, child.kill)
        try:
            async with asyncio.timeout(60):
                await ended.wait()
        finally:
            loop.remove_reader(child.sentinel)
            if timer is not None:
                timer.cancel()
            child.kill()
            child.join()
        code = child.exitcode
        child.close()
        if code not in (0, -signal.SIGKILL):
            raise RuntimeError(f"child ended with {code}: {job}")
        return int(code != 0)

    def _result(self, step: str, kills: int, journal: Path, wallet: str) -> Run:
        with closing(sqlite3.connect(journal)) as connection:
            rows = connection.execute(
                "SELECT state, reason, signature, landed_slot, wallet_change_lamports,"
                " coalesce(realised_net_profit, 0) FROM attempts ORDER BY id"
            ).fetchall()
        held = self._net.bank.accounts.latest(wallet)
        assert held is not None
        assert held[1] is not None
        landed = {
            signature
            for signature, each in self._net.machine.landed.items()
            if str(each.transaction.message.account_keys[0]) == wallet
        }
        attempts = tuple(Attempt(*row) for row in rows)
        return Run(step, kills, attempts, held[1].lamports - FUNDS, frozenset(landed))


def _start_server() -> None:
    """Start the process that children are forked from; it finds modules where this one does."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


async def kill(
    runs: int,
    seed: int,
    folder: Path,
    steps: Sequence[str] = ALL_STEPS,
    on_run: Callable[[int], None] = lambda count: None,
) -> list[Run]:
    """Kill so many runs, the steps in turn; stop at the first that is wrong.

    Raises:
        AssertionError: Journal and chain disagree.
    """
    done = []
    async with Harness(folder, seed) as harness:
        for number in range(runs):
            run = await harness.run(steps[number % len(steps)])
            done.append(run)
            wrong = run.wrong()
            assert not wrong, f"run {number}, killed at {run.step}: {'; '.join(wrong)}: {run.attempts}"
            on_run(len(done))
    return done


def table(runs: Sequence[Run]) -> str:
    """Return how the runs of each step ended."""
    lines = [
        f"{'killed at':24}{'runs':>6}{'kills':>7}{'landed':>8}{'failed':>8}{'dead':>7}{'never sent':>12}"
    ]
    for step in dict.fromkeys(run.step for run in runs):
        lines.append(_line(step, [run for run in runs if run.step == step]))
    return "\n".join([*lines, _line("all", runs)])


def _line(name: str, runs: Sequence[Run]) -> str:
    ends: Counter[str] = Counter()
    for attempt in (attempt for run in runs for attempt in run.attempts):
        if attempt.landed_slot is not None:
            ends["landed" if attempt.state == "filled" else "failed"] += 1
        else:
            ends["never sent" if attempt.signature is None else "dead"] += 1
    kills = sum(run.kills for run in runs)
    return (
        f"{name:24}{len(runs):6,}{kills:7,}{ends['landed']:8,}{ends['failed']:8,}{ends['dead']:7,}"
        f"{ends['never sent']:12,}"
    )


def _told(count: int) -> None:
    if count % 50 == 0:
        print(f"{count:,} runs", file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        finished = asyncio.run(kill(options.runs, options.seed, Path(name), on_run=_told))
    print(table(finished))
    print(f"{len(finished):,} runs in {time.monotonic() - began:.0f} s: no lost and no doubled trade")
