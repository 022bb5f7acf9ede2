"""A small live run that is killed: real journal, engine, executor, tracker and endpoints.

A trade is a transfer. What a swap would give is paid by a second signer, the *venue*, in the same
transaction, so no program is needed and the gain is a change of balance. The chain is a local net in another
process.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import sqlalchemy
from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from phantom_arbiter.domain import Opportunity, Outcome, Plan
from phantom_arbiter.engine import Engine, Parts
from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.landing import LandingTracker, TrackerRules
from phantom_arbiter.execution.live import LiveExecutor, not_sent
from phantom_arbiter.execution.reconcile import reconcile
from phantom_arbiter.execution.witnesses import RpcChain
from phantom_arbiter.journal import Journal, RunIdentity
from phantom_arbiter.risk import Booked, RiskRules, TradeLimits, recall
from phantom_arbiter.risk.breakers import BreakerRules
from phantom_arbiter.risk.limits import MintLimits
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc import RpcPool
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from phantom_arbiter.swaps import AnyPlan
from shell_fakes import WSOL, FakeMarket, FakeObserver, opportunity

ACCOUNT = "kill"
AMOUNT_IN = 1_000_000
FEE = 10_000
TIP = 7_000
TIP_ACCOUNT = Keypair.from_seed(hashlib.sha256(b"kill tip").digest()).pubkey()
QUORUM = 2
STEPS = (
    "before_build",
    "before_intent",
    "in_intent_statement",
    "in_intent_commit",
    "after_intent",
    "before_send",
    "sent_unanswered",
    "after_send",
    "after_landing",
    "in_outcome_statement",
    "in_outcome_commit",
    "after_outcome",
)
"""Where a run may be killed, in the order of one attempt."""
RECONCILE_STEPS = (
    "reconcile_begun",
    "reconcile_asked",
    "in_reconcile_statement",
    "in_reconcile_commit",
    "after_reconcile",
)
"""Where the run after it may be killed, while it finds out what became of the first."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a child is to do.

    Attributes:
        journal: Path of the journal.
        seed: Names the wallet.
        urls: Endpoints of the net.
        control: URL of the net's test hooks.
        trades: What becomes of each: `lands`, `fails`, `dropped`, or `refused` by the builder.
        first: Number of the first trade.
        step: Where to kill itself; empty: nowhere.
        nth: At which passing of that step, from 1.
    """

    journal: str
    seed: int
    urls: tuple[str, ...]
    control: str
    trades: tuple[str, ...]
    first: int
    step: str = ""
    nth: int = 1


def keypair(what: str, seed: int) -> Keypair:
    return Keypair.from_seed(hashlib.sha256(f"kill {what} {seed}".encode()).digest())


def gain(number: int) -> int:
    """Return what trade `number` gains on the chain, a little less than was quoted."""
    return 100_000 + 13 * number


class Steps:
    """Kills this process at a step."""

    def __init__(self, step: str, nth: int) -> None:
        self._step = step
        self._left = nth
        self.writing = ""
        sqlalchemy.event.listen(sqlalchemy.Engine, "commit", lambda connection: self._in("commit"))
        sqlalchemy.event.listen(sqlalchemy.Engine, "after_cursor_execute", self._executed)

    def at(self, step: str) -> None:
        """Take notice that the run is at a step."""
        if step == self._step:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def _in(self, what: str) -> None:
        if self.writing:
            self.at(f"in_{self.writing}_{what}")

    def _executed(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith(("INSERT INTO attempts", "UPDATE attempts")):
            self._in("statement")


class KilledJournal(Journal):
    """The journal, with steps before, in and after its commits."""

    steps: Steps
    is_reconciling = True

    def intent(self, plan: AnyPlan, entry: Booked | None = None, submission: Submission | None = None) -> int:
        self.steps.at("before_intent")
        self.steps.writing = "intent"
        attempt = super().intent(plan, entry, submission)
        self.steps.writing = ""
        self.steps.at("after_intent")
        return attempt

    def outcome(self, attempt_id: int, outcome: Outcome, slot: int | None = None) -> None:
        what = "reconcile" if self.is_reconciling else "outcome"
        self.steps.writing = what
        super().outcome(attempt_id, outcome, slot)
        self.steps.writing = ""
        self.steps.at(f"after_{what}")


class KilledExecutor(LiveExecutor):
    """The executor, with steps before it builds and after the chain has decided."""

    steps: Steps

    def prepare(self, plan: AnyPlan) -> Submission | Outcome:
        self.steps.at("before_build")
        return super().prepare(plan)

    def resolve(self, plan: AnyPlan) -> Outcome | None:
        outcome = super().resolve(plan)
        if outcome is not None:
            self.steps.at("after_landing")
        return outcome


class Trader:
    """Builds transfers and hands them to every endpoint."""

    def __init__(self, job: Job, steps: Steps) -> None:
        self._job = job
        self._steps = steps
        self._wallet, self._venue = keypair("wallet", job.seed), keypair("venue", job.seed)
        self.blockhash, self.last_height = "", 0
        self.executor: LiveExecutor | None = None
        self.journal: Journal | None = None

    def obstacle(self) -> None:
        return None

    def kind(self, number: int) -> str:
        return self._job.trades[number - self._job.first]

    def build(self, plan: AnyPlan) -> Submission | Outcome:
        """Pay the input to the venue, get the output back, tip: whole or not at all."""
        assert isinstance(plan, Plan)
        number = plan.opportunity.opening_id
        if self.kind(number) == "refused":
            return not_sent("insufficient_funds")
        wallet, venue = self._wallet.pubkey(), self._venue.pubkey()
        given = AMOUNT_IN + gain(number) if self.kind(number) != "fails" else 10**18

        def pay(source: Pubkey, target: Pubkey, lamports: int) -> Any:
            return transfer(TransferParams(from_pubkey=source, to_pubkey=target, lamports=lamports))

        instructions = [
            set_compute_unit_limit(10_000 + number),
            pay(wallet, venue, AMOUNT_IN),
            pay(venue, wallet, given),
            pay(wallet, TIP_ACCOUNT, TIP),
        ]
        message = MessageV0.try_compile(wallet, instructions, [], Hash.from_string(self.blockhash))
        transaction = VersionedTransaction(message, [self._wallet, self._venue])
        return Submission(
            signature=str(transaction.signatures[0]),
            wire=bytes(transaction),
            blockhash=self.blockhash,
            last_valid_block_height=self.last_height,
            nonce_account=None,
            wallet=str(wallet),
            base_account=str(wallet),
            tip_lamports=TIP,
            compute_unit_limit=10_000 + number,
            compute_unit_price_micro_lamports=0,
        )

    def discard(self, submission: Submission) -> None:
        """Nothing was lent."""

    def send(self, submission: Submission) -> None:
        """Hand the bytes to all endpoints, one after the other; a dropped trade to none."""
        self._steps.at("before_send")
        number = submission.compute_unit_limit - 10_000
        if self.kind(number) != "dropped":
            encoded = base64.b64encode(submission.wire).decode()
            config = {"encoding": "base64", "skipPreflight": True}
            for url in self._job.urls:
                self._post(url, "sendTransaction", [encoded, config])
                answer = DispatchAnswer(url.rsplit(":", 1)[1], "accepted", 100)
                if self.executor is not None and self.journal is not None:
                    self.executor.answered(submission.signature, answer)
                    self.journal.answered(submission.signature, answer)
        self._steps.at("after_send")

    def _post(self, url: str, method: str, params: Sequence[Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        host, port = url.removeprefix("http://").rstrip("/").split(":")
        head = (
            f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(head.encode() + body)
            self._steps.at("sent_unanswered")
            while connection.recv(65_536):
                pass


class Market(FakeMarket):
    """A market whose frames are the numbers of openings."""

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__({str(number).encode(): [self.opening(number)] for number in numbers})
        self.slot = 0

    @staticmethod
    def opening(number: int) -> Opportunity:
        pools = (f"pool-{number}-a", f"pool-{number}-b")
        quoted = gain(number) + number % 5
        return opportunity(
            number,
            1,
            base_mint=WSOL,
            pools=pools,
            amount_in=AMOUNT_IN,
            gross_profit=quoted,
            cost=FEE + TIP,
        )

    def stats(self, misses: int = 8) -> Any:
        return SimpleNamespace(slot=self.slot)


RULES = RiskRules(
    TradeLimits({WSOL: MintLimits(10**12, 10**12, 10**12, 10**12)}, max_trades_per_day=10**6),
    BreakerRules(0, 0, 0, MappingProxyType({WSOL: 10**12})),
)


class Net:
    """The test hooks of the local net: time goes on when the child has nothing else to do."""

    def __init__(self, url: str) -> None:
        self._address = url.removeprefix("http://")
        self._pauses = 0

    def call(self, method: str, *params: Any) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            connection.request("POST", "/", json.dumps({"id": 1, "method": method, "params": params}))
            return json.loads(connection.getresponse().read())["result"]
        finally:
            connection.close()

    async def pause(self, seconds: float) -> None:
        """Let a slot go by; when it takes long, many."""
        self._pauses += 1
        self.call("advance", 1 if self._pauses % 8 < 3 else 50)
        await asyncio.sleep(0)


async def trade(job: Job) -> None:
    """Reconcile, then make all trades of the job, several under way at once."""
    steps, net = Steps(job.step, job.nth), Net(job.control)
    endpoints = [Endpoint(name=f"net-{at}", http_url=SecretUrl(url)) for at, url in enumerate(job.urls)]
    with KilledJournal(Path(job.journal), unix_time=lambda: 1_790_000_000) as journal:
        journal.steps = steps
        journal.begin_run(RunIdentity("live", "net", "cd" * 32, "0", ACCOUNT))
        async with RpcPool(endpoints) as pool:
            chain = RpcChain(pool)
            rules = TrackerRules(quorum=QUORUM, resend_every_blocks=0)
            tips = frozenset({str(TIP_ACCOUNT)})

            async def pause(seconds: float) -> None:
                steps.at("reconcile_asked")
                await net.pause(seconds)

            steps.at("reconcile_begun")
            done = await reconcile(
                journal, ACCOUNT, LandingTracker(chain, rules), tip_accounts=tips, pause=pause
            )
            assert done.is_complete
            journal.is_reconciling = False

            trader = Trader(job, steps)
            tracker = LandingTracker(chain, rules)
            executor = KilledExecutor(trader, trader, tracker, tip_accounts=tips)
            executor.steps, trader.executor, trader.journal = steps, executor, journal
            numbers = range(job.first, job.first + len(job.trades))
            market = Market(numbers)
            engine = Engine(
                Parts(
                    market=market.engine,
                    strategy=CyclicArbitrage(),
                    rules=RULES,
                    executor=executor,
                    journal=journal,
                    observer=FakeObserver(),
                    clock_ns=lambda: 0,
                    risk=recall(RULES, *journal.recalled(ACCOUNT, "live")),
                )
            )
            for number in numbers:
                answer = await pool.call("getLatestBlockhash", [{"commitment": "confirmed"}])
                market.slot = answer.result["context"]["slot"]
                trader.blockhash = answer.result["value"]["blockhash"]
                trader.last_height = answer.result["value"]["lastValidBlockHeight"]
                engine.received("a", str(number).encode())
            while executor.under_way:
                await tracker.poll()
                engine.look()
                await net.pause(0)
            assert engine.tally.attempts == len(job.trades), engine.tally.refusals


def main(job: Job) -> None:
    """Run one child; an error is printed and ends it with status 1."""
    try:
        asyncio.run(trade(job))
    except BaseException as error:
        print(f"child of {job}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        raise
