import io
from collections.abc import Callable

import pytest
from rich.console import Console

from phantom_arbiter.domain import Outcome, OutcomeState, Verdict
from phantom_arbiter.engine import Progress, Trade
from phantom_arbiter.progress import PlainView, RichView, View, choose_view
from phantom_arbiter.summary import SourceInfo
from shell_fakes import busy_stats, opportunity, plan, promised
from shell_summaries import BOOK, LABEL

Check = Callable[[str, str], None]

SOURCE = SourceInfo("whirlpool-2022-04-06", "a day", LABEL, "ab" * 32, 31_888, BOOK, assume_plain_mints=True)


def watch(view: View) -> None:
    """Show the view a trade, a failure, a refusal and 21 reports."""
    good, bad = plan(opportunity(1, 128_407_700)), plan(opportunity(2, 128_407_800))
    with view:
        view.traded(Trade(1, good, Outcome(OutcomeState.FILLED, None, promised(good), good.opportunity.cost)))
        view.traded(Trade(2, bad, Outcome(OutcomeState.FAILED, "market_data:no tick\narray", None, 900)))
        view.refused(good, Verdict(ok=False, reason="per_day", limit=5, value=6))
        view.refused(good, Verdict(ok=False, reason="kill_switch"))
        view.notice("kill switch on (signal): nothing is\nsent")
        stats = busy_stats()
        for report in range(1, 21):
            view.progress(Progress(report * 100, report * 10**9, stats, signals=4, attempts=2, filled=1))
        view.progress(Progress(31_888, 86_399 * 10**9, stats, signals=4, attempts=2, filled=1))


def test_plain_view_writes_one_line_per_event(matches_snapshot: Check) -> None:
    stream = io.StringIO()
    watch(PlainView(SOURCE, stream))
    matches_snapshot("progress-plain", stream.getvalue())


@pytest.mark.parametrize("width", [80, 120])
def test_rich_view_fits_the_terminal_and_shows_what_happens(width: int) -> None:
    file = io.StringIO()
    console = Console(file=file, width=width, height=30, force_terminal=True, color_system=None)
    watch(RichView(SOURCE, console))
    shown = file.getvalue()
    for words in (
        "whirlpool-2022-04-06",
        "frames 31,569",
        "malformed 16",
        "signals 4",
        "filled 1",
        "refused 2",
        "failed",
    ):
        assert words in shown
    assert "2.998000 USDC net of 1,000.00 USDC in" in shown


def test_view_is_plain_where_there_is_no_terminal() -> None:
    pipe = Console(file=io.StringIO())
    terminal = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(choose_view("auto", SOURCE, pipe), PlainView)
    assert isinstance(choose_view("auto", SOURCE, terminal), RichView)
    assert isinstance(choose_view("plain", SOURCE, terminal), PlainView)
    assert isinstance(choose_view("rich", SOURCE, pipe), RichView)
