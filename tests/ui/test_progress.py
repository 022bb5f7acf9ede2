import io
import json
import shlex
from collections.abc import Callable

import pytest
from rich.console import Console

from phantom_arbiter.domain import FunnelStage, Outcome, OutcomeState, Verdict
from phantom_arbiter.engine import Progress, Trade
from phantom_arbiter.progress import PlainView, RichView, View, choose_view
from phantom_arbiter.render import plain
from phantom_arbiter.sources.websocket import EventKind, FeedEvent
from phantom_arbiter.summary import SourceInfo
from shell_fakes import busy_stats, opportunity, plan, promised
from shell_summaries import BOOK, LABEL

FUNNEL = (FunnelStage("after_risk", 41, 40), FunnelStage("taken", 40, 39))

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
        view.feed_event(FeedEvent(EventKind.LOST, "own/0", 'lost: it said "bye\\" = nothing'))
        view.stage("token accounts")
        stats = busy_stats()
        for report in range(1, 21):
            view.progress(Progress(report * 100, report * 10**9, stats, signals=4, attempts=2, filled=1))
        last = Progress(31_888, 86_399 * 10**9, stats, 4, 2, 1, FUNNEL, switches=("file", "failures"))
        view.progress(last)


def test_plain_view_writes_one_line_per_event(matches_snapshot: Check) -> None:
    stream = io.StringIO()
    watch(PlainView(SOURCE, stream))
    matches_snapshot("progress-plain", stream.getvalue())


def test_every_plain_line_is_a_word_and_fields_that_a_shell_splits() -> None:
    stream = io.StringIO()
    watch(PlainView(SOURCE, stream))
    events = []
    for line in stream.getvalue().splitlines():
        event, *words = shlex.split(line)
        fields = dict(word.split("=", 1) for word in words)
        assert len(fields) == len(words)
        assert all(name.isidentifier() for name in fields)
        events.append((event, fields))
    assert [event for event, _ in events] == [
        *("start", "trade", "trade", "refused", "refused", "notice", "feed", "stage", "progress", "progress")
    ]
    assert events[2][1]["reason"] == r"market_data:no tick\narray"
    assert events[5][1]["text"] == r"kill switch on (signal): nothing is\nsent"
    assert events[6][1] == {"kind": "lost", "endpoint": "own/0", "text": 'lost: it said "bye\\" = nothing'}
    assert events[7][1] == {"name": "token accounts"}
    assert events[8][1]["halted"] == "no"
    last = events[9][1]
    assert (last["cycles"], last["after_costs"], last["after_risk"], last["taken"]) == (
        "8211",
        "211",
        "41",
        "40",
    )
    assert last["halted"] == "file,failures"


@pytest.mark.parametrize("text", ["", "a b", 'a"b', "a\\b", "a=b", "'", "\\", "\n", "\u202e", "a#b"])
def test_plain_values_come_back_from_their_quotes(text: str) -> None:
    stream = io.StringIO()
    PlainView(SOURCE, stream).notice(text)
    line = stream.getvalue()
    assert line.count("\n") == 1
    (word,) = shlex.split(line)[1:]
    assert word == f"text={plain(text)}"
    if '"' in line:
        assert json.loads(line.split("=", 1)[1]) == plain(text)


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
