"""The dashboard in Chromium, against the shipped demo as users run it."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import signal
import sqlite3
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from e2e_stage import (
    AXE,
    ROOT,
    STATIC,
    Command,
    Ear,
    Served,
    Tab,
    browsing,
    environment,
    needs_browser,
    phantom,
    record_figures,
    until,
)
from phantom_arbiter.telemetry.sockets import find_run

MOST_BYTES = 1_000_000
"""Of all built files, compressed."""

SPEED = "2500x"
"""The demo then takes 35 s, and its cycles come and go between the fifth and the fifteenth."""

PAGES = ("why", "galaxy", "opportunities", "trades", "endpoints", "risk", "settings")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as started:
        yield started


class Demo:
    """The demo under way with its dashboard, somebody who listens, and a page."""

    def __init__(self, folder: Path, run: Served, ear: Ear, tab: Tab, env: dict[str, str]) -> None:
        self.folder, self.run, self.ear, self.tab, self.env = folder, run, ear, tab, env

    def quiet(self, check: Callable[[], None]) -> None:
        """Hold the run, and `check` once the page has heard all that the engine has said."""
        for _ in range(20):
            self.run.command.send(signal.SIGSTOP)
            try:
                # A run may be held after it has told one viewer and before it tells the next.
                with contextlib.suppress(AssertionError):
                    self.tab.until(lambda: self.tab.facts()["seq"] == self.ear.now()[0], wait_s=1)
                    check()
                    return
            finally:
                self.run.command.send(signal.SIGCONT)
        check()


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory, short_folder: Path) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    env = environment(folder, PHANTOM_DASHBOARD__PORT="0", PHANTOM_DASHBOARD__CONTROL="true")
    env["XDG_RUNTIME_DIR"] = str(short_folder)
    words = ("run", "--source", "demo", "--dashboard", "--speed", SPEED, "--ui", "plain")
    with phantom(*words, "--journal", str(folder / "journal.sqlite"), env=env) as command:
        run = Served(command, has_control=True)
        path = find_run(short_folder / "phantom-arbiter", command.pid)
        assert path is not None
        ear = Ear(path)
        context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
        tab = Tab(context, run.origin)
        tab.open(f"{run.url}#/galaxy")
        yield Demo(folder, run, ear, tab, env)
        context.close()


@needs_browser
def test_stars_and_pools_are_drawn_as_many_as_the_engine_has(demo: Demo) -> None:
    tab, market = demo.tab, demo.ear.model
    tab.until(lambda: tab.galaxy().get("pools") == 9)
    tab.until(lambda: not tab.galaxy()["is_arranging"])
    mints = {mint for pool in market.pools.values() for mint in (pool.mint_a, pool.mint_b)}
    assert tab.galaxy()["stars"] == len(mints) == 6
    assert tab.galaxy()["edges"] == len(market.pools) == 9
    assert _colours(tab) > 20, "nothing is drawn but the background"


def _colours(tab: Tab) -> int:
    """Return how many colours the middle of the galaxy has, as it is on the screen."""
    picture = base64.b64encode(tab.page.locator(".sky-canvas").screenshot()).decode()
    count: int = tab.page.evaluate(_COUNT_COLOURS, f"data:image/png;base64,{picture}")
    return count


_COUNT_COLOURS = """async url => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const { width, height } = image;
    const canvas = new OffscreenCanvas(width / 2, height / 2).getContext('2d');
    canvas.drawImage(image, -width / 4, -height / 4);
    const { data } = canvas.getImageData(0, 0, width / 2, height / 2);
    return new Set(new Uint32Array(data.buffer)).size;
}"""


@needs_browser
def test_cycles_open_and_close_on_the_page_as_the_engine_says(demo: Demo) -> None:
    tab, ear = demo.tab, demo.ear
    seen: list[list[int]] = []

    def same() -> None:
        tab.until(lambda: _listed(tab) == ear.now()[1], wait_s=2)
        assert sorted(tab.facts()["open"]) == sorted(tab.galaxy()["lit"]) == ear.now()[1]
        seen.append(ear.now()[1])

    tab.until(lambda: bool(ear.now()[1]))
    demo.quiet(same)
    begun = seen[-1]
    assert begun, "a cycle is open"
    tab.until(lambda: set(begun) & set(ear.closed) != set() and set(ear.now()[1]) - set(begun) != set())
    demo.quiet(same)
    assert set(begun) - set(seen[-1]), "one that was on the page has gone"
    assert set(seen[-1]) - set(begun), "and another has come"


def _listed(tab: Tab) -> list[int]:
    ids: list[str] = tab.page.evaluate(
        "[...document.querySelectorAll('[data-cycle]')].map(e => e.dataset.cycle)"
    )
    return sorted(map(int, ids))


@needs_browser
def test_a_trade_appears_with_the_amounts_of_the_journal(demo: Demo) -> None:
    tab = demo.tab
    tab.go("trades")
    tab.until(lambda: tab.page.get_by_role("row").filter(has_text="#1").count() > 0)
    tab.page.get_by_role("row").filter(has_text="#1").last.click()
    drawer = tab.page.get_by_role("complementary")
    tab.until(lambda: "net profit" in drawer.inner_text())
    with contextlib.closing(sqlite3.connect(demo.folder / "journal.sqlite")) as journal:
        found = journal.execute(
            "SELECT amount_in, amount_out, gross_profit, cost, net_profit FROM attempts WHERE id = 1"
        ).fetchone()
    shown = drawer.inner_text().replace(",", "")
    for amount in found:
        assert f"{Decimal(amount).scaleb(-6):.6f} USDC" in shown
    tab.page.keyboard.press("Escape")
    tab.until(lambda: not drawer.is_visible())


@needs_browser
def test_an_earlier_moment_is_shown_as_the_server_has_it(demo: Demo) -> None:
    tab = demo.tab
    tab.go("galaxy")
    slider = tab.page.get_by_role("slider", name="Moment that is shown")
    slider.focus()
    newest = tab.facts()["seq"]
    tab.page.keyboard.press("Home")
    for _ in range(3):
        tab.page.keyboard.press("PageUp")
    tab.until(lambda: tab.page.get_by_text("An earlier moment").count() == 1)
    seq = int(slider.input_value())
    tab.until(lambda: tab.facts()["seq"] <= seq)
    shown = tab.facts()
    with urllib.request.urlopen(f"{demo.run.origin}/api/history/at?seq={shown['seq']}") as answer:
        then = json.load(answer)
    assert shown["seq"] == then["seq"] < newest
    assert shown["pools"] == len(then["market"]["pools"])
    assert sorted(shown["open"]) == sorted(cycle[0] for cycle in then["market"]["open"])
    assert shown["attempts"] == [trade["attempt_id"] for trade in then["trades"]]
    tab.until(lambda: _listed(tab) == sorted(shown["open"]))
    tab.page.get_by_role("button", name="Back to live").last.click()
    tab.until(lambda: tab.facts()["seq"] >= newest)
    assert tab.page.get_by_text("An earlier moment").count() == 0


@needs_browser
def test_a_dashboard_that_comes_back_is_followed_again_and_gives_no_right(
    demo: Demo, browser: Browser
) -> None:
    env = {name: value for name, value in demo.env.items() if not name.startswith("PHANTOM_DASHBOARD")}
    words = ("dashboard", "--run", str(demo.run.command.pid), "--port")
    with contextlib.ExitStack() as first, browser.new_context() as context:
        served = Served(first.enter_context(phantom(*words, "0", env=env)))
        tab = Tab(context, served.origin)
        tab.open(f"{served.url}#/risk")
        tab.until(lambda: tab.badge() == "connected" and tab.facts()["seq"] > 0)

        _is_refused(tab)
        served.command.send(signal.SIGKILL)
        tab.until(lambda: tab.badge() == "reconnecting")
        before = tab.facts()["seq"]
        with phantom(*words, str(served.port), env=env):
            tab.until(lambda: tab.badge() == "connected" and tab.facts()["seq"] > before)
            tab.until(lambda: tab.facts()["pools"] == 9)
            demo.tab.until(lambda: demo.tab.facts()["seq"] > before)
            assert demo.run.command.is_running, "the run does not care"
            lost = [told for told in tab.complaints if "ERR_CONNECTION_REFUSED" not in told]
            assert lost == []


def _is_refused(tab: Tab) -> None:
    for name in ("Halt…", "Resume…", "Stop the run…"):
        assert tab.page.get_by_role("button", name=name).is_disabled()
    assert "without control rights" in tab.page.inner_text("#controls-why")
    status = tab.page.evaluate(
        """async () => (await fetch('api/control', {
            method: 'POST',
            headers: {'content-type': 'application/json', 'x-phantom-control': 'x'.repeat(43)},
            body: '{"action":"halt"}',
        })).status"""
    )
    assert status == 403
    tab.complaints[:] = [told for told in tab.complaints if "403" not in told]


@needs_browser
def test_whoever_has_the_right_halts_the_run_and_the_journal_says_so(demo: Demo) -> None:
    tab, token = demo.tab, demo.run.control_token
    assert token is not None
    tab.go("risk")
    _control(tab, "Halt", "x" * 43)
    tab.until(lambda: "Not done" in tab.page.inner_text("main"))
    tab.complaints[:] = [told for told in tab.complaints if "403" not in told]
    _control(tab, "Halt", token)
    tab.until(lambda: tab.page.locator(".badge.halted").count() == 1)
    assert "dashboard" in demo.run.command.says("kill switch.*")
    _control(tab, "Resume", None)
    tab.until(lambda: tab.page.locator(".badge.halted").count() == 0)
    with contextlib.closing(sqlite3.connect(demo.folder / "journal.sqlite")) as journal:
        changes = journal.execute('SELECT what, "key", "before", "after" FROM risk_changes ORDER BY id')
        assert [row for row in changes.fetchall() if "dashboard" in row] == _CHANGES
    assert token not in tab.page.content()
    assert tab.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])").find(token) == -1


_CHANGES: list[tuple[Any, ...]] = [
    ("kill_switch", "dashboard", "off", "on"),
    ("kill_switch", "dashboard", "on", "off"),
]


def _control(tab: Tab, action: str, token: str | None) -> None:
    tab.page.get_by_role("button", name=f"{action}…").click()
    dialog = tab.page.get_by_role("dialog")
    if token is not None:
        dialog.locator("input").fill(token)
    dialog.get_by_role("button", name=action, exact=True).click()
    tab.until(lambda: dialog.count() == 0)


@needs_browser
def test_the_first_paint_is_measured(demo: Demo, browser: Browser) -> None:
    painted = sorted(_first_paint_ms(demo, browser) for _ in range(3))
    record_figures("first-paint", {"first_contentful_paint_ms": painted, "wanted_ms": 1_000})


def _first_paint_ms(demo: Demo, browser: Browser) -> int:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        tab = Tab(context, demo.run.origin)
        tab.open(demo.run.url)
        tab.until(lambda: tab.page.get_by_role("heading", name="Why", exact=True).count() == 1)
        entry = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        tab.until(lambda: tab.page.evaluate(entry) is not None)
        assert tab.complaints == []
        painted: float = tab.page.evaluate(entry)
        return round(painted)


@needs_browser
def test_nothing_serious_keeps_anybody_out(demo: Demo, browser: Browser) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make web")
    found = {scheme: _serious(demo, browser, scheme) for scheme in ("dark", "light")}
    assert found == {"dark": {}, "light": {}}


def _serious(demo: Demo, browser: Browser, scheme: Literal["dark", "light"]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme) as context:
        tab = Tab(context, demo.run.origin)
        tab.open(demo.run.url)
        tab.until(lambda: tab.facts()["seq"] > 0)
        tab.page.evaluate(AXE.read_text())
        for name in PAGES:
            tab.go(name)
            wrong = tab.page.evaluate(_AXE_RUN)
            if wrong:
                found[name] = wrong
        for number, detail in enumerate(_details(tab)):
            tab.until(lambda: tab.page.get_by_role("complementary").is_visible())
            wrong = tab.page.evaluate(_AXE_RUN)
            if wrong:
                found[f"{detail} {number}"] = wrong
    return found


def _details(tab: Tab) -> Iterator[str]:
    """Open a cycle, a token, a pool and a trade in the drawer."""
    tab.go("galaxy")
    for name in ("Open cycles", "Tokens", "Pools"):
        tab.page.get_by_role("tab", name=name).click()
        tab.page.locator("#list tbody tr").first.click()
        yield name
        tab.page.keyboard.press("Escape")
    tab.go("trades")
    tab.page.get_by_role("row").filter(has_text="#1").last.click()
    yield "trade"


_AXE_RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => nodes.slice(0, 5).map(n => `${id}: ${n.target} ${n.failureSummary}`));
}"""


@needs_browser
@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything_and_one_sees_where(demo: Demo, name: str) -> None:
    tab = demo.tab
    tab.go(name)
    tab.page.evaluate("document.activeElement?.blur()")
    reached: dict[str, Any] = tab.page.evaluate(_REACHABLE)
    for _ in range(reached["count"] + 20):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate(_MARK):
            break
    assert (_marked(tab, "wanted"), _marked(tab, "unseen")) == ([], [])


def _marked(tab: Tab, mark: str) -> list[str]:
    found: list[str] = tab.page.evaluate(
        "mark => [...document.querySelectorAll(`[data-e2e=${mark}]`)].map(e => e.outerHTML.slice(0, 120))",
        mark,
    )
    return found


_REACHABLE = """() => {
    let count = 0;
    for (const e of document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')) {
        if (e.disabled || e.tabIndex < 0 || !e.checkVisibility({ visibilityProperty: true })) continue;
        e.dataset.e2e = 'wanted';
        count += 1;
    }
    return { count };
}"""

_MARK = """() => {
    const e = document.activeElement;
    if (!e || e === document.body) return document.querySelector('[data-e2e=wanted]') === null;
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    const is_seen = box.width > 0 && ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)
        || style.boxShadow !== 'none');
    e.dataset.e2e = is_seen ? 'reached' : 'unseen';
    return document.querySelector('[data-e2e=wanted]') === null;
}"""


@needs_browser
def test_the_browser_has_nothing_to_complain_about(demo: Demo) -> None:
    assert demo.tab.complaints == []


@needs_browser
def test_a_recording_that_has_ended_stays_with_all_its_trades(
    browser: Browser, tmp_path: Path, short_folder: Path
) -> None:
    env = environment(tmp_path, PHANTOM_DASHBOARD__PORT="0")
    env["XDG_RUNTIME_DIR"] = str(short_folder)
    journal = tmp_path / "journal.sqlite"
    words = ("run", "--source", "demo", "--dashboard", "--speed", "max", "--ui", "plain")
    with phantom(*words, "--journal", str(journal), env=env) as command, browser.new_context() as context:
        served = Served(command)
        command.says("the run has ended; its dashboard stays")
        tab = Tab(context, served.origin)
        tab.open(f"{served.url}#/trades")
        tab.until(lambda: tab.facts()["attempts"] != [])
        with contextlib.closing(sqlite3.connect(journal)) as database:
            rows = database.execute("SELECT id, net_profit FROM attempts ORDER BY id").fetchall()
            taken = {row[0] for row in database.execute("SELECT opening_id FROM attempts")}
        assert tab.facts()["attempts"] == [row[0] for row in rows]
        said = tab.page.inner_text("main").replace(",", "")
        for _, net in rows:
            assert f"{Decimal(net).scaleb(-6):+.6f} USDC" in said
        tab.until(lambda: "The run has ended" in tab.page.inner_text("main"))
        tab.go("galaxy")
        tab.until(lambda: tab.galaxy() != {})
        assert set(tab.galaxy()["taken"]) == taken & set(tab.galaxy()["lit"]) != set()
        assert tab.complaints == []
        command.send(signal.SIGINT)
        assert command.wait() == 0


@needs_browser
def test_two_thousand_pools_and_a_thousand_updates_a_second(
    browser: Browser, tmp_path: Path, short_folder: Path
) -> None:
    env = environment(tmp_path)
    env["XDG_RUNTIME_DIR"] = str(short_folder)
    folder = short_folder / "phantom-arbiter"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"run-{os.getpid()}.sock"
    sample = (str(ROOT / "tests" / "telemetry_samples.py"), str(path), "--pools", "2000", "--rate", "1000")
    with contextlib.ExitStack() as stack:
        fake = Command((*sample, "--for", "25"), env)
        stack.callback(fake.end)
        until(path.is_socket)
        command = stack.enter_context(phantom("dashboard", "--port", "0", env=env))
        served = Served(command)
        context = stack.enter_context(browser.new_context(viewport={"width": 1280, "height": 800}))
        tab = Tab(context, served.origin)
        tab.open(f"{served.url}#/galaxy")
        tab.until(lambda: tab.galaxy().get("pools") == 2_000)
        tab.page.evaluate("window.__phantom.frames.start()")
        tab.until(lambda: not tab.galaxy()["is_arranging"])
        tab.page.evaluate("window.__phantom.frames.reset()")
        began = tab.galaxy()
        tab.page.wait_for_timeout(5_000)
        figures = tab.page.evaluate("window.__phantom.frames.summary()")
        ended = tab.galaxy()
        figures |= {name: ended[name] - began[name] for name in ("renders", "lit_draws")}
        heap = tab.page.evaluate("performance.memory?.usedJSHeapSize ?? 0")
        with urllib.request.urlopen(f"{served.origin}/api/history") as answer:
            newest = json.load(answer)["to"]["seq"]
        tab.until(lambda: tab.facts()["seq"] >= newest, wait_s=5)
        record_figures("frames", {**figures, "heap_mb": round(heap / 1e6, 1)})
        assert tab.galaxy()["edges"] > 1_000
        assert tab.complaints == []


@pytest.mark.skipif(not (STATIC / "index.html").is_file(), reason="the pages are not built: make web")
def test_all_that_a_browser_fetches_is_small() -> None:
    files = [path for path in STATIC.rglob("*") if path.is_file() and path.suffix not in (".gz", ".br")]
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in files}
    record_figures("bundle", {"gzip_bytes": sum(sizes.values()), "files": sizes})
    assert 0 < sum(sizes.values()) < MOST_BYTES
