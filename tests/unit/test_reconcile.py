import asyncio
from pathlib import Path

import pytest

from landing_fakes import BOOKED, FakeChain, facts, submission
from phantom_arbiter.domain import Outcome
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.landing import LandingTracker, TrackerRules
from phantom_arbiter.execution.reconcile import Reconciliation, reconcile
from phantom_arbiter.journal import NEVER_SENT, Journal, RunIdentity, read_journal
from shell_fakes import WSOL, opportunity, plan

LIVE = RunIdentity("live", "chain", "cd" * 32, "0.1.0", "main")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a journal with an unsigned attempt, and four signed ones."""
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        for number in range(5):
            found = opportunity(number, BOOKED, base_mint=WSOL)
            journal.intent(plan(found), submission=submission(f"sig-{number}") if number else None)
    return path


def chain_that_knows() -> FakeChain:
    """Return a chain on which sig-1 landed, sig-2 failed, and all others are dead."""
    chain = FakeChain()
    node = chain.nodes["a"]
    node.passes()
    node.history.update({"sig-1": True, "sig-2": True})
    node.landed.update({"sig-1": facts(), "sig-2": facts(error="slippage")})
    return chain


def states(path: Path) -> list[tuple[str, str | None]]:
    return [(row.state, row.reason) for row in read_journal(path).attempts]


DONE = [
    ("unresolved", NEVER_SENT),
    ("filled", None),
    ("failed", "landed_failed:slippage"),
    ("failed", "expired"),
    ("failed", "expired"),
]


def run(journal: Journal, chain: FakeChain, account: str = "main") -> Reconciliation:
    lines: list[str] = []
    sent: list[Submission] = []
    tracker = LandingTracker(chain, TrackerRules(resend_every_blocks=1), resend=sent.append)
    done = asyncio.run(
        reconcile(journal, account, tracker, on_progress=lines.append, is_stopping=lambda: True)
    )
    assert tracker.waiting() == []
    assert sent == []
    return done


def test_chain_decides_what_the_run_before_left(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        done = run(journal, chain_that_knows())
        assert done.is_complete
        assert (done.never_sent, [attempt for attempt, _ in done.settled]) == ((1,), [2, 3, 4, 5])
    assert states(path) == DONE
    assert read_journal(path).attempts[1].realised_net_profit == 500 - 15_000


def test_doing_it_again_changes_nothing(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        run(journal, chain_that_knows())
    before = read_journal(path).attempts
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        assert run(journal, FakeChain()) == Reconciliation((), ())
    assert read_journal(path).attempts == before


def test_crash_on_the_way_leaves_the_rest_for_the_next_time(path: Path) -> None:
    class CrashError(Exception):
        pass

    class Crashing(Journal):
        left = 2

        def outcome(self, attempt_id: int, outcome: Outcome, slot: int | None = None) -> None:
            if not self.left:
                raise CrashError
            self.left -= 1
            super().outcome(attempt_id, outcome, slot)

    with Crashing(path) as crashing:
        crashing.begin_run(LIVE)
        with pytest.raises(CrashError):
            run(crashing, chain_that_knows())
    assert [state for state, _ in states(path)].count("intent") == 2
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        run(journal, chain_that_knows())
    assert states(path) == DONE


def test_what_is_not_certain_stays_at_risk_when_it_is_left(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        done = run(journal, FakeChain())
        assert (done.is_complete, done.left) == (False, (2, 3, 4, 5))
        booked, settled = journal.recalled("main", "live")
        assert len(booked) == 5
        assert [each.key for each in settled] == ["attempt 1"]


def test_it_waits_until_everything_is_decided_and_says_so(path: Path) -> None:
    chain, rounds = FakeChain(), 0
    lines: list[str] = []

    async def pause(seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            chain.nodes["a"].lands("sig-1", facts())
        if rounds == 5:
            chain.nodes["a"].passes()

    with Journal(path) as journal:
        journal.begin_run(LIVE)
        tracker = LandingTracker(chain)
        done = asyncio.run(reconcile(journal, "main", tracker, on_progress=lines.append, pause=pause))
    assert done.is_complete
    assert rounds == 5
    assert lines == [
        "5 attempts of an earlier run: 4 not decided by the chain yet, nothing is sent",
        "5 attempts of an earlier run: 3 not decided by the chain yet, nothing is sent",
        "5 attempts of an earlier run: all decided",
    ]


def test_line_says_how_to_end_what_holds_a_nonce(tmp_path: Path) -> None:
    lines: list[str] = []
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.begin_run(LIVE)
        journal.intent(plan(opportunity(1, BOOKED)), submission=submission(nonce_account="NonceAddress"))
        tracker = LandingTracker(FakeChain())
        asyncio.run(reconcile(journal, "main", tracker, on_progress=lines.append, is_stopping=lambda: True))
    assert len(lines) == 1
    assert lines[0].endswith(": phantom nonce advance NonceAddress")


def test_attempts_of_another_account_are_left_alone(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        assert run(journal, chain_that_knows(), "other") == Reconciliation((), ())
    assert {state for state, _ in states(path)} == {"intent"}
