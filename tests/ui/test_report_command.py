"""`phantom report` as a user types it, and the page as a browser gets it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journal_days import SIGNED, SLOT, write_live_day
from phantom_arbiter.cli import main
from phantom_arbiter.journal import Journal, RiskChange, RunIdentity, read_run
from phantom_arbiter.journal.queries import totals
from phantom_arbiter.report import gather, render_page
from phantom_arbiter.report.gather import LISTED_TRADES
from phantom_arbiter.summary import to_json, to_record
from shell_summaries import busy

Check = Callable[[str, str], None]
VOID = {"meta", "br"}
BLOCKS = {"p", "h1", "h2", "h3", "h4", "tr", "li", "div", "figcaption", "caption", "title", "dt"}


class Page(HTMLParser):
    """What a reader sees, a line per block; and every element, to see that they are closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.lines = [""]
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag in BLOCKS:
            self.lines.append("")
        elif tag in ("td", "th", "dd"):
            self.lines[-1] += " | "

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.lines[-1] += data

    @property
    def text(self) -> str:
        tidy = (" ".join(line.split()).removeprefix("| ") for line in self.lines)
        return "\n".join(line for line in tidy if line) + "\n"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(list(words)) == status
    captured = capsys.readouterr()
    return captured.out if status == 0 else captured.err


STAGES_OF_A_FRAME = ["parse", "dedup", "apply", "search", "size", "score"]


def figures(page: Page, caption: str) -> list[list[str]]:
    """Return the cells of the table of that name, row by row, without those of bars."""
    lines = page.text.splitlines()
    begin = lines.index(caption) + 2
    rows = []
    for line in lines[begin:]:
        if "|" not in line:
            break
        rows.append([cell.strip() for cell in line.split("|")])
    return rows


# ---- the shipped day


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    assert main(["run", "--journal", str(path), "--json", "--ui", "plain"]) == 0
    return path


def test_numbers_of_the_demo_are_those_of_run_and_journal(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(capsys, "report", "--journal", str(demo)) == "report-run-1.html: run 1, 9 attempts\n"
    page = Page(Path("report-run-1.html").read_text(encoding="utf-8"))
    summary: dict[str, Any] = json.loads(_kept(demo))
    journal = json.loads(run(capsys, "journal", str(demo), "--json"))
    (profit,) = summary["profit"]
    (total,) = journal["totals"]
    assert (profit["net_profit"], profit["cost"]) == (total["net_profit"], total["cost"])
    assert f"{profit['net_profit_ui']} USDC" in page.text.splitlines()
    assert f"{profit['gross_profit_ui']} USDC gross - {profit['cost_ui']} USDC costs" in page.text
    assert f"it ends at {profit['net_profit_ui']} USDC" in page.text
    funnel = figures(page, "Funnel, bars on a logarithmic scale")
    assert [(row[0].replace(" ", "_"), int(row[1].replace(",", ""))) for row in funnel] == [
        (stage["stage"], stage["evaluations"]) for stage in summary["funnel"]
    ]
    for caption, key in (
        ("Cycles that became no signal", "rejected_by_reason"),
        ("Signals that were not taken", "refused_by_reason"),
    ):
        told = {row[0]: int(row[1].replace(",", "")) for row in figures(page, caption)}
        assert told == summary["opportunities"][key]
        assert all(row[-1] not in ("", "-") for row in figures(page, caption)), "each with a sentence"
    said = {row[0]: int(row[1]) for row in figures(page, "What risk said")}
    assert said == {verdict["reason"]: verdict["count"] for verdict in journal["verdicts"]}
    for group, name in (("venue", "By venue"), ("strategy", "By strategy")):
        groups = json.loads(run(capsys, "journal", str(demo), "--by", group, "--json"))["groups"]
        assert {row[0]: row[6] for row in figures(page, name)} == {
            each["name"]: f"{each['total']['net_profit'] / 10**6:.6f} USDC" for each in groups
        }
    speed = figures(page, "From the arrival of a frame to the decision it led to, and the stages of that")
    assert [row[0] for row in speed] == ["frame to decision", *STAGES_OF_A_FRAME]
    assert all(cell not in ("", "-") for cell in speed[0])
    assert [row[1] for row in figures(page, "Endpoints")] == [
        f"{endpoint['frames']:,}" for endpoint in summary["endpoints"]
    ]


def _kept(path: Path) -> str:
    kept = read_run(path).summary
    assert kept is not None
    return kept.text


def test_best_and_worst_of_the_demo_are_shown_hop_by_hop(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    found = json.loads(run(capsys, "report", "--journal", str(demo), "--json"))
    assert not Path("report-run-1.html").exists()
    journal = json.loads(run(capsys, "journal", str(demo), "--json"))
    gains = sorted((row["realised_net_profit"] for row in journal["attempts"]), reverse=True)
    (each,) = found["trades"]
    best, worst = ([row["realised_net_profit"] for row in each[name]] for name in ("best", "worst"))
    assert best == gains[:LISTED_TRADES]
    assert worst == gains[: LISTED_TRADES - 1 : -1]
    assert found["curves"][0]["points"][-1][1] == sum(gains)
    summary = json.loads(_kept(demo))
    assert [row["hops"] for row in each["best"]] == [cycle["hops"] for cycle in summary["best_cycles"]]
    tokens = {group["name"]: group["total"]["net_profit"] for group in found["by_token"]}
    assert sum(tokens.values()) == sum(gains), "every cycle of the day has one token on its way"


# ---- a live day


def live_page(**changes: Any) -> Page:
    """Return the report of a live day whose run ended as `busy` says, with keys of that changed."""
    kept = json.loads(to_record(busy()))
    write_live_day(Path("j.sqlite"), json.dumps({**kept, **changes}))
    return Page(render_page(gather(Path("j.sqlite"), read_run(Path("j.sqlite")))))


def test_live_day_in_words(matches_snapshot: Check) -> None:
    stages = [
        {"stage": "search", "count": 31, "p50_ns": 700, "p90_ns": 1_500, "p99_ns": 9_900, "max_ns": 12_345}
    ]
    matches_snapshot("report-live", live_page(latencies=stages).text)


def test_page_needs_nothing_and_runs_nothing() -> None:
    page = live_page()
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    assert not [
        name for _, attrs in page.elements for name in attrs if name.startswith("on") or name == "style"
    ]
    policy = next(
        attrs["content"] or "" for _, attrs in page.elements if "Content-Security-Policy" in attrs.values()
    )
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    text = render_page(gather(Path("j.sqlite"), read_run(Path("j.sqlite"))))
    (style,) = re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
    assert not re.search(r"(?:https?:)?//", text)


def test_page_tells_those_who_do_not_see_it_too() -> None:
    page = live_page()
    assert next(attrs for tag, attrs in page.elements if tag == "html")["lang"] == "en"
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.elements:
        for name in (attrs.get("aria-labelledby") or "").split():
            assert name in ids
        if tag == "svg":
            assert attrs.get("aria-hidden") == "true" or attrs.get("aria-labelledby")
    tables = sum(tag == "table" for tag, _ in page.elements)
    assert sum(tag == "caption" for tag, _ in page.elements) == tables > 10
    assert all(attrs.get("scope") for tag, attrs in page.elements if tag == "th")


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&\u202e\x00\x1b[31m{{ 7*7 }}"


def hostile(value: Any) -> Any:
    """Return the value with every text in it hostile, under keys that are hostile where they are data."""
    if isinstance(value, dict):
        return {key: hostile(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [hostile(entry) for entry in value]
    return HOSTILE if isinstance(value, str) else value


def write_hostile(path: Path, text: str) -> None:
    kept = hostile(json.loads(to_record(busy())))
    for section, key in (
        ("frames", "malformed_by_reason"),
        ("pools", "set_aside_by_reason"),
        ("opportunities", "rejected_by_reason"),
        ("opportunities", "rejected_by_rule"),
        ("opportunities", "refused_by_reason"),
    ):
        kept[section][key] = {text: 3}
    kept["mints"] = {text: {"symbol": "<b>", "decimals": 2}}
    write_live_day(path, json.dumps(kept))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE runs SET source = ?, version = ?, account = ?", (text,) * 3)
        connection.execute(
            "UPDATE attempts SET reason = ?, strategy = ?, venues = ? WHERE state = 'failed'", (text,) * 3
        )
        connection.execute(
            "UPDATE attempts SET base_mint = ?, hops = replace(hops, ?, ?)", ("<b>", "7qbR", "<i>")
        )
        connection.execute("UPDATE dispatches SET target = ?, kind = ?", (text, text))
    with Journal(path) as journal:
        journal.begin_run(RunIdentity("live", text, "cd", text, text))
        journal.changed(RiskChange(SLOT, text, text, text, "x" * 100_000))


def test_hostile_texts_stay_texts() -> None:
    path = Path("j.sqlite")
    write_hostile(path, HOSTILE)
    for run_id in (1, 2):
        written = render_page(gather(path, read_run(path, run_id)))
        page = Page(written)
        assert not {tag for tag, _ in page.elements} & {"script", "img", "b", "i"}
        assert "<script>alert(1)</script>" in page.text
        assert r"\u202e\x00\x1b[31m{{ 7*7 }}" in page.text
        assert not [char for char in written if not char.isprintable() and char != "\n"]
        assert len(written) < 100_000
    assert f"{'x' * 300}… (100,000 characters)" in page.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_gives_a_sound_page(tmp_path: Path, text: str) -> None:
    path = tmp_path / "once.sqlite"
    if not path.exists():
        write_hostile(path, HOSTILE)
    record = read_run(path, 1)
    assert record.summary is not None
    kept = json.loads(record.summary.text)
    kept["source"] |= {"name": text, "label": text}
    kept["opportunities"]["refused_by_reason"] = {text: 1}
    rows = record.report
    attempts = tuple(replace(row, reason=text, strategy=text, base_mint=text) for row in rows.attempts)
    changed = replace(
        record,
        summary=replace(record.summary, text=json.dumps(kept)),
        report=replace(
            rows,
            runs=(replace(rows.runs[0], source=text),),
            attempts=attempts,
            totals=totals(attempts),
        ),
    )
    Page(render_page(gather(path, changed)))


def test_run_that_did_not_end_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    write_live_day(Path("j.sqlite"))
    run(capsys, "report", "--journal", "j.sqlite")
    page = Page(Path("report-run-1.html").read_text(encoding="utf-8"))
    assert "The journal does not say how this run ended" in page.text
    assert "2 attempts have no outcome" in page.text
    assert "Funnel" not in page.text
    assert "Endpoints" not in page.text


def test_summary_that_cannot_be_read_is_said_to_be_so() -> None:
    write_live_day(Path("j.sqlite"), '{"funnel": 7}')
    page = Page(render_page(gather(Path("j.sqlite"), read_run(Path("j.sqlite")))))
    assert "cannot be read (Expected `array`, got `int` - at `$.funnel`)" in page.text


def test_run_that_tried_nothing_has_a_report_too(capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(Path("j.sqlite")) as journal:
        journal.begin_run(RunIdentity("paper", "day", "cd" * 32, "0.1.0"))
        journal.end_run(json.dumps(to_json(busy())), SIGNED)
    assert run(capsys, "report", "--journal", "j.sqlite") == "report-run-1.html: run 1, 0 attempts\n"
    assert "Nothing was tried" in Page(Path("report-run-1.html").read_text(encoding="utf-8")).text


# ---- the command


def test_page_is_not_overwritten_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    write_live_day(Path("j.sqlite"))
    Path("mine.html").write_text("mine")
    words = ["report", "1", "--journal", "j.sqlite", "--out", "mine.html"]
    assert "mine.html already exists and is not overwritten" in run(capsys, *words, status=2)
    assert Path("mine.html").read_text() == "mine"
    assert run(capsys, *words, "--force") == "mine.html: run 1, 5 attempts\n"
    assert Path("mine.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["9"], 2, "holds no run 9; hint: the newest is 1"),
        (["0"], 2, "Invalid value for 'RUN'"),
        (["99999999999999999999"], 2, "Invalid value for 'RUN'"),
        (["9223372036854775807"], 2, "holds no run 9223372036854775807"),
        (["--out", "nowhere/r.html"], 2, "folder nowhere does not exist"),
        (["--json", "--open"], 2, "--open has nothing to open beside --json"),
        (["--journal", "none.sqlite"], 1, "journal none.sqlite does not exist"),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(
    words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_live_day(Path("j.sqlite"))
    told = run(capsys, "report", "--journal", "j.sqlite", *words, status=status)
    assert said in told
    assert told.count("\n") == 1
    assert list(Path().glob("*.html")) == []


def test_empty_journal_has_nothing_to_report(capsys: pytest.CaptureFixture[str]) -> None:
    Journal(Path("j.sqlite")).close()
    assert "holds no run; hint: `phantom run` writes one" in run(
        capsys, "report", "--journal", "j.sqlite", status=2
    )


def test_open_shows_the_page(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write_live_day(Path("j.sqlite"))
    # The way to say which browser: one that notes what it is given.
    Path("browser").write_text('#!/bin/sh\nprintf %s "$1" > opened\n')
    Path("browser").chmod(0o755)
    code = (
        "import sys, webbrowser; webbrowser.register('noting', None, webbrowser.GenericBrowser('./browser'), "
        "preferred=True); from phantom_arbiter.cli import main; "
        "sys.exit(main(['report', '--journal', 'j.sqlite', '--open']))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert Path("opened").read_text() == Path("report-run-1.html").absolute().as_uri()


def test_long_run_stays_small(capsys: pytest.CaptureFixture[str]) -> None:
    write_live_day(Path("j.sqlite"), to_record(busy()))
    with closing(sqlite3.connect("j.sqlite")) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(attempts)")]
        taken = ", ".join(name for name in columns if name not in ("id", "signature", "slot", "reason"))
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 20099) "
            f"INSERT INTO attempts (id, signature, slot, reason, {taken}) "
            f"SELECT i, 'signature ' || i, {SLOT} + i * 7 % 100003, 'reason_' || i, {taken} "
            "FROM attempts, n WHERE attempts.id = 2"
        )
    run(capsys, "report", "--journal", "j.sqlite")
    text = Path("report-run-1.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 300_000
    assert "more reasons; phantom report --json has all of them." in Page(text).text
