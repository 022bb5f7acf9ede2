"""The terminal's screen, key by key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from textual.pilot import Pilot

from phantom_arbiter.telemetry.records import End, Hello, Published, RiskState, Status, Trade
from phantom_arbiter.tui.app import ViewerApp
from phantom_arbiter.tui.dialogs import DetailScreen, Question, TooSmall
from phantom_arbiter.tui.listing import Column
from phantom_arbiter.tui.main_screen import MainScreen
from phantom_arbiter.tui.panes import PANES
from phantom_arbiter.tui.table import _fitted
from telemetry_samples import USDC, SampleRun
from tui_stage import FakeLink, drive, drive_linked, fed, history, shows, table, text, until


def live(records: list[Published]) -> list[Published]:
    return [replace(one, mode="live") if isinstance(one, Hello) else one for one in records]


def held(status: Status, *switches: str) -> Status:
    return replace(status, risk=RiskState(halted=bool(switches), switches=switches, limits=()))


def test_opens_on_why_with_everything_that_is_always_there() -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        await shows(pilot, "[1 Why]", "after rehearsal", "rejected:", "lacks", "costs_exceed_profit")
        await shows(pilot, "PAPER · trading · connected", "slot 3000", "time 00:00:20", "net +0.", "USDC")

    drive(app, test)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("2", ("[2 Cycles]", "open now", "closed", "USDC→")),
        ("3", ("[3 Pools]", "40 pools: 4", "quoted", "USDC/SOL")),
        ("4", ("[4 Endpoints]", "of 3 connected", "helius/0", "60.0%", "lag p99")),
        ("5", ("[5 Signals]", "no signal", "not traded", "risk_price_deviation", "failed")),
        ("6", ("[6 Trades]", "gross", "course", "filled", "refused")),
        ("7", ("[7 Fees]", "congestion", "42% full", "max_trades_per_day", "not halted")),
        ("8", ("[8 Latency]", "frame to decision", "≤", "aggregator:")),
        ("9", ("[9 Log]", "kill switch off (file)", "what happened")),
    ],
)
def test_a_digit_chooses_a_screen(key: str, words: tuple[str, ...]) -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press(key)
        await shows(pilot, *words)
        await pilot.press("1")
        await shows(pilot, "[1 Why]")

    drive(app, test)


def test_tab_goes_round() -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press("shift+tab")
        await shows(pilot, "[9 Log]")
        for place, spec in [*enumerate(PANES), (0, PANES[0])][:10]:
            await pilot.press("tab")
            await shows(pilot, f"[{place + 1} {spec.name}]")

    drive(app, test)


def test_cursor_moves_and_stays_with_its_row_while_rows_come() -> None:
    app, run = fed()

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press("2")
        rows = table(app)
        await pilot.press("down", "down", "up", "down")
        assert rows.key == rows.keys[2]
        key = rows.key
        while rows.keys.index(key) == 2:
            app.take(run.changes(50))
            await pilot.pause()
            app.screen_stack[0].show()  # type: ignore[attr-defined]
        assert rows.key == key
        await pilot.press("end")
        assert rows.key == rows.keys[-1]
        assert rows.scroll_offset.y == len(rows.keys) - (rows.size.height - 1)
        await pilot.press("pageup", "pagedown", "home")
        assert rows.key == rows.keys[0]
        app.take(run.changes(50))
        await until(pilot, lambda: rows.key == rows.keys[0])

    drive(app, test)


def test_latency_histogram_follows_the_cursor() -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press("8", "down", "down")
        await shows(pilot, "search: 4,000 durations")

    drive(app, test)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("1", ("Cycle ", "stopped by", "lacks", "best input", "for one", "before fees · slot")),
        ("2", ("Cycle ", "gains", "after the pools' fees")),
        ("3", ("Pool USDC/SOL", "depth a", "SOL for one USDC", "mint b", USDC)),
        ("4", ("Endpoint helius/0", "of all news", "subscriptions")),
        ("5", ("Reason no_gain", "which means", "docs/SCORER.md")),
        ("6", ("Attempt ", "gross", "costs", "strategy", "none: on paper", "prepare", "600 µs")),
        ("7", ("Limit max_trades_per_day", "risk.max_trades_per_day", "500 attempts")),
        ("8", ("Stage aggregator", "≤ ", "%")),
        ("9", ("Notice", "kill switch off (file)")),
    ],
)
def test_enter_opens_all_about_a_row(key: str, words: tuple[str, ...]) -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press(key, "enter")
        await shows(pilot, *words)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))

    drive(app, test, (120, 40))


def test_c_copies_an_address_from_row_and_detail() -> None:
    app, run = fed()
    pools = run.snapshot().market.pools

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press("3", "c")
        await shows(pilot, f"copied {pools[0].pool}")
        assert app.clipboard == pools[0].pool
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await pilot.press("c")
        assert app.clipboard == pools[1].pool
        await pilot.press("escape", "4", "c")
        await shows(pilot, "this row has no address")

    drive(app, test)


@pytest.mark.parametrize("words", ["usdc", "meteora", "address", "quoted"])
def test_slash_filters_pools(words: str) -> None:
    app, run = fed()
    pools = run.snapshot().market.pools
    typed = pools[7].pool[3:12] if words == "address" else words
    expected = {
        "usdc": [pool.n for pool in pools if USDC in (pool.mint_a, pool.mint_b)],
        "meteora": [pool.n for pool in pools if pool.venue == "meteora_dlmm"],
        "address": [7],
        "quoted": [pool.n for pool in pools if pool.set_aside is None],
    }[words]

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press("3", "slash", *typed)
        assert list(table(app).keys) == expected
        await pilot.press("enter", "down")
        await shows(pilot, f"filter “{typed.lower()}”: {len(expected)} row")
        assert list(table(app).keys) == expected
        await pilot.press("escape")
        await until(pilot, lambda: len(table(app).keys) == len(pools))

    drive(app, test)


def test_slash_filters_reasons_and_says_when_nothing_fits() -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press("1", "slash", *"costs_ex")
        await until(pilot, lambda: "below_min" not in text(app))
        await shows(pilot, "costs_exceed_profit")
        await pilot.press(*"q7")
        await shows(pilot, "nothing fits “costs_exq7”")

    drive(app, test)


def test_p_freezes_the_picture_counts_what_waits_and_goes_on_from_the_newest() -> None:
    app, run = fed()

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press("p")
        await shows(pilot, "PAUSED: 0 records wait")
        before = text(app).splitlines()[:20]
        for record in history(run, 100)[2:]:
            app.take(record)
        await until(pilot, lambda: "PAUSED: 0" not in text(app))
        await shows(pilot, "records wait, p goes on")
        assert text(app).splitlines()[:20] == before
        await pilot.press("2", "enter")
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await pilot.press("escape", "1", "p")
        await shows(pilot, "time 00:00:25", f"{run.status().updates:,}")
        assert "PAUSED" not in text(app)

    drive(app, test)


def test_d_changes_between_dark_and_light() -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        assert app.current_theme.dark
        await pilot.press("d")
        assert not app.current_theme.dark
        await pilot.press("d")
        assert app.current_theme.dark

    drive(app, test)


def test_question_mark_helps() -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        await shows(pilot, "kill switch", "leave; the run goes on", *(spec.about for spec in PANES[:3]))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))

    drive(app, test)


@pytest.mark.parametrize(
    ("switches", "answer", "action", "asks", "says"),
    [
        ((), None, "halt", "sends nothing more", "halt: done"),
        (("file",), None, "halt", "held already by: file", "halt: done"),
        (("terminal",), None, "resume", "may send again at once", "resume: done"),
        (("terminal", "file"), None, "resume", "stays halted by: file", "resume: done"),
        ((), "the run has ended", "halt", "sends nothing more", "halt: refused: the run has ended"),
    ],
)
def test_k_says_what_will_happen_asks_and_shows_the_answer(
    switches: tuple[str, ...], answer: str | None, action: str, asks: str, says: str
) -> None:
    run = SampleRun(12)
    link = FakeLink(*history(run, 20), held(run.status(), *switches))
    link.answer = answer

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        if switches:
            await shows(pilot, f"HALTED by {', '.join(switches)}")
        await pilot.press("k")
        await shows(pilot, f"{action.capitalize()}?", asks, "journaled", "y = yes    n = no")
        await pilot.press("n")
        await shows(pilot, f"{action}: not asked")
        assert not link.asked
        await pilot.press("k")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await shows(pilot, says)
        assert [(one.action, one.by) for one in link.asked] == [(action, "terminal")]
        await pilot.press("escape")
        await until(pilot, lambda: says not in text(app))

    drive_linked(link, test, stops_run=False)


def test_k_does_not_ask_where_that_is_not_possible() -> None:
    run = SampleRun(12)
    hello, *rest = history(run, 20)
    assert isinstance(hello, Hello)
    link = FakeLink(replace(hello, controls=()), *rest)

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await pilot.press("k")
        await shows(pilot, "this run does not let itself be asked")
        link.hang_up()
        await shows(pilot, "run is GONE", "its last picture, q leaves")
        await pilot.press("k")
        await shows(pilot, "there is no run to be asked", "after rehearsal")

    drive_linked(link, test, stops_run=False)


def test_q_only_detaches_a_watcher() -> None:
    link = FakeLink(*live(history(SampleRun(12), 20)))

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await shows(pilot, "LIVE: real money")
        await pilot.press("q")

    app = drive_linked(link, test, stops_run=False)
    assert app.return_code == 0
    assert not link.asked


@pytest.mark.parametrize("is_live", [False, True])
def test_q_stops_the_run_that_started_the_screen_and_leaves_when_it_has_ended(is_live: bool) -> None:
    run = SampleRun(12)
    records = history(run, 20)
    link = FakeLink(*(live(records) if is_live else records))

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await pilot.press("q")
        if is_live:
            await shows(pilot, "Stop the live run?", "nothing more is sent", "under way: 0")
            await pilot.press("n")
            await until(pilot, lambda: isinstance(app.screen, MainScreen))
            assert not link.asked
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, Question))
            await pilot.press("y")
        await shows(pilot, "stopping: waiting for the run to end")
        assert [(one.action, one.by) for one in link.asked] == [("stop", "terminal")]
        assert app.return_code is None
        link.tell(run.end())
        await until(pilot, lambda: app.return_code == 0)

    drive_linked(link, test, stops_run=True)


@pytest.mark.parametrize("is_live", [False, True])
def test_q_in_a_terminal_too_small_for_a_question_leaves_a_live_run_alone(is_live: bool) -> None:
    records = history(SampleRun(12), 20)
    link = FakeLink(*(live(records) if is_live else records))

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await pilot.resize_terminal(50, 12)
        words = "press q to leave; the run goes on." if is_live else "press q to leave and stop the run."
        await until(pilot, lambda: words in " ".join(text(app).split()))
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0 if is_live else bool(link.asked))

    drive_linked(link, test, stops_run=True)
    assert [one.action for one in link.asked] == ([] if is_live else ["stop"])


def test_q_before_the_run_has_said_what_it_is_leaves_it_alone() -> None:
    link = FakeLink()

    async def connect() -> FakeLink:
        return link

    app = ViewerApp(connect, stops_run=True, clock=lambda: 0.0)

    async def test(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app._link is link)
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0)

    drive(app, test)
    assert not link.asked


def test_a_run_that_does_not_stop_is_told_of_and_can_be_left() -> None:
    link = FakeLink(*history(SampleRun(12), 20))
    link.answer = "too many asked"

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await pilot.press("q")
        await shows(pilot, "stop: refused: too many asked")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: app.return_code == 0)

    drive_linked(link, test, stops_run=True)


@pytest.mark.parametrize(("error", "words"), [(None, "run has ended"), ("disk full", "run has FAILED")])
def test_the_picture_stays_when_the_run_has_ended(error: str | None, words: str) -> None:
    run = SampleRun(12)
    link = FakeLink(*history(run, 20))

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        end = run.end()
        assert isinstance(end, End)
        link.tell(replace(end, error=error))
        link.hang_up()
        await shows(pilot, words, "its last picture, q leaves", "after rehearsal", error or "")
        await pilot.press("2")
        await shows(pilot, "open now")
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0)

    drive_linked(link, test, stops_run=True)
    assert not link.asked


def test_a_run_of_another_schema_is_said_so() -> None:
    hello, *rest = history(SampleRun(12), 20)
    assert isinstance(hello, Hello)
    link = FakeLink(replace(hello, schema=99), *rest)

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await shows(pilot, "the run publishes schema 99")

    drive_linked(link, test, stops_run=False)


def test_a_terminal_too_small_says_so_and_comes_back() -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        await pilot.resize_terminal(59, 24)
        await shows(pilot, "59x24", "60x20")
        await pilot.resize_terminal(20, 6)
        await until(pilot, lambda: "20x6" in text(app).replace("\n", " "))
        await pilot.press("2", "k")
        assert isinstance(app.screen, TooSmall)
        await pilot.resize_terminal(60, 20)
        await shows(pilot, "[1 Why]", "lacks")
        await pilot.press("question_mark")
        await pilot.resize_terminal(80, 12)
        await shows(pilot, "80x12")
        await pilot.resize_terminal(80, 24)
        await shows(pilot, "Help")

    drive(app, test)


def test_it_starts_in_a_terminal_too_small_and_q_leaves() -> None:
    app, _ = fed()

    async def test(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "40x10" in text(app).replace("\n", " "))
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0)

    drive(app, test, (40, 10))


def test_only_rows_on_the_screen_are_drawn() -> None:
    app, _ = fed(pools=2_000, steps=5)

    async def test(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await shows(pilot, "2,000 pools")
        listing, asked = table(app).listing, []
        cells = listing.cells

        def counted(seen: object, key: object) -> object:
            asked.append(key)
            return cells(seen, key)  # type: ignore[arg-type]

        listing.cells = counted  # type: ignore[method-assign, assignment]
        await pilot.press("end")
        await until(pilot, lambda: table(app).key in asked)
        assert len(set(asked)) < 60

    drive(app, test)


def test_what_comes_from_outside_cannot_write_to_the_terminal() -> None:
    run = SampleRun(12)
    hello, *rest = history(run, 60)
    assert isinstance(hello, Hello)
    evil = "\x1b]52;c;eA==\x07\x1b[31m\u202e[bold]x"
    mints = {mint: replace(info, symbol=evil) for mint, info in hello.mints.items()}
    app = ViewerApp(None, stops_run=False, clock=lambda: 0.0)
    for record in [replace(hello, mints=mints, source=evil, mode=evil), *rest, run.notice(evil, evil)]:
        app.take(replace(record, reason=evil, state=evil) if isinstance(record, Trade) else record)

    async def test(pilot: Pilot[None]) -> None:
        for key in "123456789":
            await pilot.press(key)
            await pilot.press("enter")
            await pilot.pause()
            shown = text(app)
            assert not any(mark in shown for mark in "\x1b\x07\u202e"), key
            await pilot.press("escape")

    drive(app, test)


@given(st.text("ab…世→", max_size=12), st.integers(1, 12), st.booleans())
def test_a_cut_cell_fills_its_room_and_ends_in_one_ellipsis(text: str, room: int, right: bool) -> None:
    shown = _fitted(text, room, Column("route", room, right=right))
    assert cell_len(shown) == room
    if cell_len(text) > room:
        assert shown.strip().endswith("…")
        assert not shown.strip().endswith("……")
    else:
        assert shown.strip() == text.strip()
