import asyncio
import sys
from pathlib import Path

import pytest

pytest.importorskip("solders")
if sys.platform == "win32":
    pytest.skip("there is no SIGKILL", allow_module_level=True)

from kill_harness import ALL_STEPS, Attempt, Run, kill


@pytest.mark.timeout(300)
def test_run_killed_at_any_step_loses_no_trade_and_makes_none_twice(tmp_path: Path) -> None:
    runs = asyncio.run(kill(len(ALL_STEPS), 1, tmp_path))
    assert [run.step for run in runs] == list(ALL_STEPS)
    assert sum(run.kills for run in runs) >= len(ALL_STEPS) - 3, "most of them were killed indeed"
    ends = {(attempt.state, attempt.landed_slot is None) for run in runs for attempt in run.attempts}
    assert {("filled", False), ("failed", False), ("failed", True)} <= ends


LANDED = Attempt("filled", None, "sig", 7, 93_000, 93_000)


@pytest.mark.parametrize(
    ("attempts", "change", "on_chain", "said"),
    [
        ((LANDED,), 93_000, {"sig"}, []),
        ((LANDED, LANDED), 186_000, {"sig"}, ["a signature is in two rows"]),
        ((Attempt("intent", None, "sig", None, None, 0),), 0, set(), ["an attempt has no outcome"]),
        (
            (Attempt("failed", "expired", "sig", None, None, 0),),
            93_000,
            {"sig"},
            [
                "0 landed by the journal, 1 on the chain",
                "balances of the journal 0, change on the chain 93,000",
                "profit of the journal 0, change on the chain 93,000",
            ],
        ),
        ((LANDED,), 0, set(), None),
    ],
)
def test_journal_and_chain_are_compared_to_the_unit(
    attempts: tuple[Attempt, ...], change: int, on_chain: set[str], said: list[str] | None
) -> None:
    wrong = Run("step", 1, attempts, change, frozenset(on_chain)).wrong()
    assert wrong if said is None else wrong == said
