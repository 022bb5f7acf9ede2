import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from landing_fakes import BOOKED, FakeChain, facts, submission
from phantom_arbiter.domain import Outcome, OutcomeState
from phantom_arbiter.errors import EndpointDown, InvalidInput, InvariantError, MarketDataError, OutcomeUnknown
from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.landing import LandingTracker
from phantom_arbiter.execution.live import REMEMBERED, LiveExecutor, not_sent
from phantom_arbiter.swaps import AnyPlan
from shell_fakes import WSOL, opportunity, plan

PLAN = plan(opportunity(slot=BOOKED, base_mint=WSOL))


@dataclass
class Parts:
    """Builder, rehearsal and dispatcher in one, as told."""

    built: Submission | Outcome = field(default_factory=submission)
    failure: str | None = None
    error: Exception | None = None
    rehearsal_error: Exception | None = None
    events: list[str] = field(default_factory=list)

    def obstacle(self) -> None:
        return None

    def build(self, plan: AnyPlan) -> Submission | Outcome:
        self.events.append("build")
        return self.built

    def discard(self, submission: Submission) -> None:
        self.events.append("discard")

    def rehearse(self, submission: Submission, plan: AnyPlan) -> SimpleNamespace:
        self.events.append("rehearse")
        if self.rehearsal_error is not None:
            raise self.rehearsal_error
        return SimpleNamespace(failure=self.failure)

    def send(self, submission: Submission) -> None:
        self.events.append(f"send {submission.signature}")
        if self.error is not None:
            raise self.error


class Polled(LiveExecutor):
    """An executor whose tracker is asked by hand."""

    def __init__(self, parts: Parts, chain: FakeChain | None = None, *, dry_run: bool = False) -> None:
        self._tracker = LandingTracker(chain or FakeChain())
        super().__init__(parts, parts, self._tracker, rehearsing=parts, dry_run=dry_run)

    def poll(self) -> None:
        asyncio.run(self._tracker.poll())


def test_prepare_builds_and_rehearses_and_sends_nothing() -> None:
    parts = Parts()
    assert Polled(parts).prepare(PLAN) == submission()
    assert parts.events == ["build", "rehearse"]


def test_what_cannot_be_built_is_an_outcome_of_its_own() -> None:
    refused = not_sent("insufficient_funds")
    parts = Parts(built=refused)
    assert Polled(parts).prepare(PLAN) is refused
    assert parts.events == ["build"]


def test_failed_rehearsal_is_an_outcome_that_cost_nothing() -> None:
    parts = Parts(failure="slippage")
    outcome = Polled(parts).prepare(PLAN)
    assert outcome == Outcome(OutcomeState.FAILED, "rehearsal:slippage", None, 0, is_dead=True)
    assert parts.events == ["build", "rehearse", "discard"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MarketDataError("no tick array"), "MarketDataError"),
        (InvalidInput("mint"), "InvalidInput"),
        (KeyError("mint"), "KeyError"),
    ],
)
def test_rehearsal_that_cannot_be_run_is_a_reason_not_to_send(error: Exception, reason: str) -> None:
    parts = Parts(rehearsal_error=error)
    outcome = Polled(parts).prepare(PLAN)
    assert isinstance(outcome, Outcome)
    assert (outcome.reason, outcome.never_left) == (f"rehearsal:not_run:{reason}", True)
    assert parts.events == ["build", "rehearse", "discard"]


def test_any_other_error_of_a_rehearsal_gives_back_what_was_lent() -> None:
    parts = Parts(rehearsal_error=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        Polled(parts).prepare(PLAN)
    assert parts.events == ["build", "rehearse", "discard"]


def test_the_same_signature_is_not_sent_twice() -> None:
    parts = Parts()
    executor = Polled(parts)
    assert executor.prepare(PLAN) == submission()
    outcome = executor.prepare(plan(opportunity(2, BOOKED, base_mint=WSOL)))
    assert outcome == not_sent("signed_already")
    assert parts.events == ["build", "rehearse", "build", "discard"]
    for number in range(REMEMBERED):
        parts.built = submission(f"sig-{number}")
        assert executor.prepare(PLAN) == parts.built
    parts.built = submission()
    assert executor.prepare(PLAN) == submission(), "so many are remembered, and no more"


def test_dry_run_does_everything_but_send() -> None:
    parts = Parts()
    executor = Polled(parts, dry_run=True)
    outcome = executor.prepare(PLAN)
    assert isinstance(outcome, Outcome)
    assert (outcome.reason, outcome.cost) == ("dry_run", 0)
    with pytest.raises(InvariantError, match="nothing that may be sent"):
        executor.submit(PLAN, submission(), BOOKED)
    assert parts.events == ["build", "rehearse", "discard"]


def test_sent_attempt_is_under_way_until_the_chain_decides() -> None:
    parts, chain = Parts(), FakeChain()
    executor = Polled(parts, chain)
    assert executor.submit(PLAN, submission(), BOOKED) is None
    executor.answered("sig", DispatchAnswer("ny", "rejected", 900, -32_000))
    executor.poll()
    assert executor.resolve(PLAN) is None, "no answer decides anything"
    chain.nodes["a"].lands("sig", facts(gain=77))
    executor.poll()
    outcome = executor.resolve(PLAN)
    assert outcome is not None
    assert (outcome.gross_profit, outcome.sends, executor.under_way) == (77, 1, 0)
    assert executor.resolve(PLAN) is None


def test_attempt_is_watched_from_the_slot_at_which_it_was_booked() -> None:
    chain = FakeChain()
    executor = Polled(Parts(), chain)
    quoted_before = plan(opportunity(slot=BOOKED - 200, base_mint=WSOL))
    executor.submit(quoted_before, submission(nonce_account="n"), BOOKED)
    chain.nodes["a"].nonce = "nonce-0"
    executor.poll()
    assert executor.resolve(PLAN) is None, "the nonce's value is that of before the booking"


def test_answers_name_the_reason_of_a_death() -> None:
    chain = FakeChain()
    executor = Polled(Parts(), chain)
    executor.submit(PLAN, submission(), BOOKED)
    executor.answered("sig", DispatchAnswer("ny", "tip_below_minimum"))
    executor.answered("other", DispatchAnswer("ny", "accepted"))
    chain.nodes["a"].passes()
    executor.poll()
    outcome = executor.resolve(PLAN)
    assert outcome is not None
    assert (outcome.reason, outcome.landed) == ("tip_below_minimum", False)


def test_handing_over_that_fails_leaves_the_attempt_at_risk_and_watched() -> None:
    chain = FakeChain()
    executor = Polled(Parts(error=EndpointDown("ny", "closed the connection")), chain)
    with pytest.raises(OutcomeUnknown, match="closed the connection"):
        executor.submit(PLAN, submission(), BOOKED)
    chain.nodes["a"].lands("sig", facts())
    executor.poll()
    outcome = executor.resolve(PLAN)
    assert outcome is not None
    assert outcome.state is OutcomeState.FILLED


def test_same_plan_is_not_signed_or_sent_again_while_it_is_under_way() -> None:
    parts = Parts()
    executor = Polled(parts)
    executor.submit(PLAN, submission(), BOOKED)
    with pytest.raises(InvariantError, match="under way"):
        executor.prepare(PLAN)
    with pytest.raises(InvariantError, match="nothing that may be sent"):
        executor.submit(PLAN, submission("sig-2"), BOOKED)
    assert parts.events == ["send sig"]
