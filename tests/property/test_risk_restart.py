"""No sequence of plans, outcomes, crashes and restarts exceeds any limit.

The world keeps its own list of what was sent and sums over all of it. A crash comes before any statement of
SQL, or between two of ours; what was not committed is gone, as when the process is killed.
`PHANTOM_SOAK=50` tries fifty times as many sequences.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import event

from phantom_arbiter.domain import Fill, Hop, Outcome, OutcomeState
from phantom_arbiter.journal import Journal, RunIdentity, read_journal
from phantom_arbiter.market_view import MarketView
from phantom_arbiter.risk import (
    DAY_SLOTS,
    Booked,
    BreakerRules,
    Facts,
    MintLimits,
    Result,
    RiskRules,
    RiskState,
    SanityRules,
    TradeLimits,
    VenueLimits,
    recall,
    result,
    settle_key,
)
from phantom_arbiter.risk.positions import basis_of
from phantom_arbiter.risk_desk import RiskDesk
from phantom_arbiter.swaps import AnyPlan, SwapOrder, SwapPlan
from shell_fakes import POOL_A, POOL_B, POOL_C, USDC, WSOL, FakeObserver, opportunity, plan, promised

# What a live run writes: nobody knows by itself what became of an attempt that a crash left open.
IDENTITY = RunIdentity("live", "chain", "cd" * 32, "0.1.0", account="main")
ROUTES = ((POOL_A, POOL_B), (POOL_B, POOL_C), (POOL_A, POOL_B, POOL_C))
SOAK = int(os.environ.get("PHANTOM_SOAK", "1"))
STEPS: Counter[str] = Counter()


BOUNDS = (
    "per_trade",
    "per_day",
    "exposure",
    "loss_per_day",
    "drawdown",
    "trades_per_day",
    "fees_per_day",
    "venues",
)
FAR = 10**9
"""A limit that nothing here reaches."""

VENUES = {POOL_A: "whirlpool", POOL_B: "raydium_clmm", POOL_C: "whirlpool"}


class View:
    """Knows the venues, and nothing else."""

    def facts(self, plan: AnyPlan, rules: SanityRules, *, offered: bool) -> Facts:
        return Facts(venues=tuple(VENUES[hop.pool] for hop in plan.hops), offered=offered)


class Crash(BaseException):
    """The process is killed here."""


@cache
def empty_journal() -> bytes:
    """Return a journal in which nothing has been written: migrations take a third of a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.sqlite"
        Journal(path).close()
        return path.read_bytes()


@dataclass
class Sent:
    """One transaction that left the house, whatever we know of it."""

    attempt_id: int
    plan: AnyPlan
    slot: int
    ends: Outcome


@dataclass
class World:
    """What really happened."""

    sent: list[Sent] = field(default_factory=list)
    settled: list[tuple[int, Sent]] = field(default_factory=list)
    """When an outcome became known, in that order."""

    def open(self) -> list[Sent]:
        known = {id(entry) for _, entry in self.settled}
        return [entry for entry in self.sent if id(entry) not in known]

    def positions(self, mint: str) -> int:
        """Return what is paid for and not sold again."""
        basis = 0
        for _, entry in self.settled:
            swap = entry.plan
            if isinstance(swap, SwapPlan) and swap.base_mint == mint and entry.ends.fill is not None:
                basis += swap.amount_in if swap.order.opens else -swap.basis
        return basis

    def may_lose(self, mint: str) -> int:
        """Return what is lost at worst: what is paid, fees, and those of a way out."""
        worst = self.positions(mint)
        for entry in self.open():
            if entry.plan.base_mint == mint:
                opens = isinstance(entry.plan, SwapPlan) and entry.plan.order.opens
                worst += entry.plan.amount_in + 2 * entry.plan.cost if opens else entry.plan.cost
        return worst


crashes = st.one_of(st.none(), st.none(), st.integers(0, 9))
steps = st.integers(-5, 30)
# Seldom a day: what counts over a day has to come together.
slots = st.one_of(*[steps] * 6, st.sampled_from([DAY_SLOTS // 2, DAY_SLOTS - 1, DAY_SLOTS]))
endings = st.sampled_from([(state, known) for state in ("filled", "failed") for known in (True, True, False)])
# Far from the bound, or so little below it that fees decide.
amounts = st.one_of(st.integers(1, 300), st.integers(1, 60).map(lambda below: -below))


class Restarts(RuleBasedStateMachine):
    """The engine's half of risk over a real journal."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.path = self.folder / "j.sqlite"
        self.path.write_bytes(empty_journal())
        self.world = World()
        self.slot = DAY_SLOTS
        self.number = 0
        self.killed_by = self.folder / "halt"
        self.until_crash: int | None = None
        self.committed: set[int] = set()

    @initialize(
        tight=st.sets(st.sampled_from(BOUNDS), min_size=1, max_size=2),
        bound=st.integers(50, 400),
        counts=st.tuples(st.integers(0, 20), st.integers(0, 4), st.integers(0, 60)),
        rate=st.tuples(st.integers(0, 6), st.integers(0, 100)),
    )
    def begin(self, tight: set[str], bound: int, counts: tuple[int, int, int], rate: tuple[int, int]) -> None:
        """Begin with one or two limits that are tight: where all are, the narrowest hides the others."""

        def limit(name: str, value: int) -> int:
            return value if name in tight else FAR

        self.bound = bound
        mint = MintLimits(
            limit("per_trade", bound),
            limit("per_day", bound * 2),
            limit("exposure", bound),
            limit("loss_per_day", bound),
        )
        venue = bound * 2_000
        self.risk = RiskRules(
            TradeLimits(
                {USDC: mint, WSOL: mint},
                max_trades_per_day=limit("trades_per_day", bound % 15 + 1),
                max_fee_lamports_per_day=limit("fees_per_day", bound * 1_000),
                each_venue=VenueLimits(venue, venue * 3, venue) if "venues" in tight else None,
            ),
            BreakerRules(
                route_cooldown_slots=counts[0],
                failures_in_a_row=counts[1],
                failure_cooldown_slots=counts[2],
                max_loss_per_day={each: limit("loss_per_day", bound) for each in (USDC, WSOL)},
                max_drawdown={each: limit("drawdown", bound) for each in (USDC, WSOL)},
                failure_rate_attempts=rate[0],
                max_failure_rate_pct=rate[1],
            ),
            SanityRules(max_market_age_slots=8),
        )
        self.start()

    def start(self) -> None:
        self.journal = Journal(self.path)
        self.journal.begin_run(IDENTITY)
        event.listen(self.journal._connection, "before_cursor_execute", lambda *_: self.point())
        state = recall(self.risk, *self.journal.recalled("main", "live"))
        self.desk = RiskDesk(
            self.risk,
            state,
            self.journal,
            FakeObserver(),
            view=cast(MarketView, View()),
            kill_switch_file=self.killed_by,
        )
        self.keys = {f"attempt {entry.attempt_id}": entry for entry in self.world.sent}

    def point(self) -> None:
        """Die here if it is time to."""
        if self.until_crash is not None:
            self.until_crash -= 1
            if self.until_crash < 0:
                self.until_crash = None
                raise Crash

    @contextmanager
    def dying(self, after: int | None) -> Iterator[None]:
        """Let the block be killed at its point number `after`, and start again if it was."""
        self.until_crash = after
        try:
            yield
        except Crash:
            STEPS["crash"] += 1
            # Nothing that a dying process would not leave to the operating system.
            self.journal._connection.close()
            self.journal._lock.release()
            self.learn()
            self.start()
        finally:
            self.until_crash = None

    def learn(self) -> None:
        """Take over which outcomes were committed: the last one may have been, before the crash."""
        known = {id(entry) for _, entry in self.world.settled}
        rows = {row.id: row.state for row in read_journal(self.path).attempts}
        for entry in self.world.sent:
            assert entry.attempt_id in rows, "something was sent that no row tells of"
            if id(entry) not in known and rows[entry.attempt_id] != "intent":
                self.world.settled.append((self.settling, entry))

    # ---- what may happen

    @rule(
        step=slots,
        mint=st.sampled_from([USDC, WSOL]),
        route=st.integers(0, 2),
        amount=amounts,
        cost=st.integers(0, 60),
        ending=endings,
        crash=crashes,
    )
    def cycle(
        self,
        step: int,
        mint: str,
        route: int,
        amount: int,
        cost: int,
        ending: tuple[str, bool],
        crash: int | None,
    ) -> None:
        self.number += 1
        self.slot = max(self.slot + step, 1)
        asked = plan(
            opportunity(
                self.number,
                self.slot,
                base_mint=mint,
                pools=ROUTES[route],
                amount_in=self.near(amount),
                gross_profit=100,
                cost=cost,
            )
        )
        ends = (
            Outcome(OutcomeState.FAILED, "late", None, cost)
            if ending[0] == "failed"
            else Outcome(OutcomeState.FILLED, None, promised(asked), cost)
        )
        self.attempt(asked, ends, is_known=ending[1], crash=crash)

    def near(self, amount: int) -> int:
        """Return `amount`, or if it is negative so much less than the bound."""
        return amount if amount > 0 else max(self.bound + amount, 1)

    @rule(step=slots, amount=amounts, cost=st.integers(0, 30), ending=endings, crash=crashes)
    def buy(self, step: int, amount: int, cost: int, ending: tuple[str, bool], crash: int | None) -> None:
        amount = self.near(amount)
        self.swap(step, (USDC, WSOL), amount, amount, 0, cost, ending, crash)

    @rule(
        step=slots,
        amount=amounts,
        price=st.sampled_from([0, 0, 5, 10, 30]),
        cost=st.integers(0, 30),
        ending=endings,
        crash=crashes,
    )
    def sell(
        self, step: int, amount: int, price: int, cost: int, ending: tuple[str, bool], crash: int | None
    ) -> None:
        """Sell what is held, or a part of it, for so many tenths of what it cost."""
        key = ("mr", USDC, WSOL)
        held = self.desk.state.positions.get(key)
        if held is None:
            return
        sold = min(self.near(amount), held.amount)
        basis = basis_of(self.desk.state.positions, key, sold)
        assert basis is not None
        self.swap(step, (WSOL, USDC), sold, max(sold * price // 10, 1), basis, cost, ending, crash)

    def swap(
        self,
        step: int,
        mints: tuple[str, str],
        amount_in: int,
        amount_out: int,
        basis: int,
        cost: int,
        ending: tuple[str, bool],
        crash: int | None,
    ) -> None:
        self.number += 1
        self.slot = max(self.slot + step, 1)
        order = SwapOrder("mr", POOL_A, *mints, amount_in, 1, USDC)
        asked = SwapPlan(self.number, self.slot, order, amount_out, basis, cost, 5_000, 4_000, 10_000)
        fill = Fill((Hop(POOL_A, *mints, amount_in, amount_out),), amount_in, amount_out)
        ends = (
            Outcome(OutcomeState.FAILED, "late", None, cost)
            if ending[0] == "failed"
            else Outcome(
                OutcomeState.FILLED, None, fill, cost, realised=0 if order.opens else amount_out - basis
            )
        )
        self.attempt(asked, ends, is_known=ending[1], crash=crash)

    def attempt(self, asked: AnyPlan, ends: Outcome, *, is_known: bool, crash: int | None) -> None:
        STEPS["asked"] += 1
        with self.dying(crash):
            verdict = self.desk.ask(asked)
            assert verdict.ok or verdict.reason
            STEPS[verdict.reason or "go"] += 1
            if not verdict.ok:
                return
            entry = self.desk.entry(asked)
            self.before_sending(asked, entry)
            self.point()
            attempt_id = self.journal.intent(asked, entry)
            self.point()
            sent = Sent(attempt_id, asked, entry.slot, ends)
            self.world.sent.append(sent)
            self.keys[asked.key] = sent
            # Before an outcome takes it out of what is at risk again.
            self.no_limit_is_exceeded()
            self.no_venue_takes_more_than_it_may()
            self.point()
            if is_known:
                self.know(asked.key, sent)

    @rule(step=slots, which=st.integers(0, 5), crash=crashes)
    def resolve(self, step: int, which: int, crash: int | None) -> None:
        """Learn late how an attempt ended, one of an earlier run or of this one."""
        waiting = self.world.open()
        if not waiting:
            return
        STEPS["resolved late"] += 1
        self.slot = max(self.slot + step, 1)
        sent = waiting[which % len(waiting)]
        key = next(key for key, entry in self.keys.items() if entry is sent and self.is_at_risk(key))
        with self.dying(crash):
            self.know(key, sent)

    def bury(self, which: int, crash: int | None) -> None:
        """Find out that what an intent announced was never sent."""
        sent = {entry.attempt_id for entry in self.world.sent}
        unsent = [
            key
            for key in self.desk.state.limits.at_risk
            if key.startswith("attempt ") and int(key.split()[1]) not in sent
        ]
        if not unsent:
            return
        STEPS["buried"] += 1
        key = unsent[which % len(unsent)]
        with self.dying(crash):
            slot = self.desk.state.slot
            never = Outcome(OutcomeState.FAILED, "never_sent", None, 0)
            self.journal.outcome(int(key.split()[1]), never, slot)
            self.point()
            self.desk.state = settle_key(self.risk, self.desk.state, key, Result(True, 0), slot)

    def know(self, key: str, sent: Sent) -> None:
        self.settling = max(self.slot, self.desk.state.slot)
        self.journal.outcome(sent.attempt_id, sent.ends, self.settling)
        self.world.settled.append((self.settling, sent))
        self.point()
        said = result(sent.plan, sent.ends)
        self.desk.state = settle_key(self.risk, self.desk.state, key, said, self.settling)

    def is_at_risk(self, key: str) -> bool:
        return key in self.desk.state.limits.at_risk

    @rule(
        what=st.sampled_from(["restart", "halt", "resume", "resume", "bury"]),
        which=st.integers(0, 5),
        crash=crashes,
    )
    def meanwhile(self, what: str, which: int, crash: int | None) -> None:
        """Let something else happen: a restart in good order, the kill switch, news of the unsent."""
        match what:
            case "restart":
                STEPS["restart"] += 1
                self.journal.close()
                self.start()
            case "halt":
                self.killed_by.touch()
            case "resume":
                self.killed_by.unlink(missing_ok=True)
            case _:
                self.bury(which, crash)

    # ---- what must never happen

    def before_sending(self, asked: AnyPlan, entry: Booked) -> None:
        assert not self.killed_by.exists()
        rests = self.risk.breakers.route_cooldown_slots
        same = [sent.slot for sent in self.world.sent if sent.plan.route == asked.route]
        assert all(entry.slot >= slot + rests for slot in same)

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        if not hasattr(self, "risk"):
            return
        limits, breakers = self.risk.limits, self.risk.breakers
        now = max(self.times(), default=0)
        today = [entry.plan for entry in self.world.sent if entry.slot > now - DAY_SLOTS]
        assert len(today) <= limits.max_trades_per_day
        assert limits.max_fee_lamports_per_day is not None
        assert sum(asked.fee_lamports for asked in today) <= limits.max_fee_lamports_per_day
        for mint, limit in limits.mints.items():
            stakes = [asked.stake for asked in today if asked.base_mint == mint]
            assert max(stakes, default=0) <= limit.max_amount_in
            assert sum(stakes) <= limit.max_amount_in_per_day
            out = [entry.plan.stake for entry in self.world.open() if entry.plan.base_mint == mint]
            assert sum(out) + self.world.positions(mint) <= limit.max_exposure
            known = [(slot, entry) for slot, entry in self.world.settled if entry.plan.base_mint == mint]
            results = [(slot, entry.ends.net_profit) for slot, entry in known]
            lost = [-net for slot, net in results if net < 0 and slot > now - DAY_SLOTS]
            worst = self.world.may_lose(mint)
            assert sum(lost) + worst <= limit.max_loss_per_day
            assert self.drawdown(results, now) + worst <= breakers.max_drawdown[mint]

    @invariant()
    def no_venue_takes_more_than_it_may(self) -> None:
        each = self.risk.limits.each_venue if hasattr(self, "risk") else None
        if each is None:
            return
        now = max(self.times(), default=0)
        open_ = self.world.open()
        for venue in set(VENUES.values()):
            through = [
                entry
                for entry in self.world.sent
                if any(VENUES[hop.pool] == venue for hop in entry.plan.hops)
            ]
            values = [self.lamports(entry.plan) for entry in through if entry.slot > now - DAY_SLOTS]
            assert max(values, default=0) <= each.max_lamports
            assert sum(values) <= each.max_lamports_per_day
            out = [self.lamports(entry.plan) for entry in through if entry in open_]
            assert sum(out) <= each.max_exposure_lamports

    @staticmethod
    def lamports(asked: AnyPlan) -> Fraction:
        """Return what a plan puts at risk at the rate of its fees."""
        return Fraction(asked.stake * asked.fee_lamports, asked.cost) if asked.stake else Fraction(0)

    def times(self) -> Iterator[int]:
        yield from (entry.slot for entry in self.world.sent)
        yield from (slot for slot, _ in self.world.settled)

    @staticmethod
    def drawdown(results: list[tuple[int, int]], now: int) -> int:
        """Return how far the sum stands below the highest it was at in the day before `now`."""
        heights, total = [(0, 0)], 0
        for slot, net in results:
            total += net
            heights.append((slot, total))
        # A height stands from its slot until the next one's.
        ends = [slot for slot, _ in heights[1:]] + [now + 1]
        standing = [height for (_, height), end in zip(heights, ends, strict=True) if end > now - DAY_SLOTS]
        return max(standing) - total

    @invariant()
    def journal_leads_to_the_same_state(self) -> None:
        if not hasattr(self, "desk"):
            return
        STEPS["step"] += 1
        again = recall(self.risk, *self.journal.recalled("main", "live"))
        # What a refused plan told of the time is lost with a crash: nothing was booked at it.
        now = max(again.slot, self.desk.state.slot)
        assert comparable(self.risk, again, now) == comparable(self.risk, self.desk.state, now)

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.journal.close()
        shutil.rmtree(self.folder)


def comparable(rules: RiskRules, state: RiskState, now: int) -> object:
    """Return what both must agree on at slot `now`; keys differ, since an id is known only to the journal."""
    state = settle_key(rules, state, "nothing", None, now)
    return (
        [replace(entry, key="") for entry in state.limits.day],
        state.limits.amounts,
        state.limits.venue_lamports,
        state.limits.fee_lamports,
        sorted((replace(entry, key="") for entry in state.limits.at_risk.values()), key=repr),
        state.breakers,
        state.positions,
    )


TestRestarts = Restarts.TestCase
TestRestarts.settings = settings(max_examples=15 * SOAK, stateful_step_count=40, deadline=None)
