"""A strategy's rule file in the native engine, on the shipped day; hot reload without a clock."""

import os
from pathlib import Path

import pytest

import shipped_day
from journal_bytes import decided
from phantom_arbiter.cli import main
from phantom_arbiter.config import Config, risk_rules
from phantom_arbiter.config_sources import load
from phantom_arbiter.engine import Engine, Parts
from phantom_arbiter.errors import ConfigError, SourceError
from phantom_arbiter.execution.paper import PaperExecutor
from phantom_arbiter.journal import read_journal
from phantom_arbiter.mints import MintBook
from phantom_arbiter.session import run_session
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from phantom_arbiter.strategy_rules import StrategyRules, load_rules
from phantom_arbiter.summary import SourceInfo, Summary
from phantom_core import Engine as NativeEngine
from phantom_core import InvalidInput, candidate_fields, compile_rules
from shell_fakes import FakeJournal, FakeObserver, FakeSource, StepClock

ALL = "verdict = 'net_profit > 0'\n"
NOTHING = "verdict = 'net_profit < 0'\n"
BROKEN = "verdict = 'net_profitt > 0'\n"
OUTSIDE = {"risk": {"price_reference": "outside"}}
"""The day's gain is one pool far from the others, which the default refuses."""
INFO = SourceInfo("day", "a market", "recorded", "ab" * 32, 32_146, MintBook(), assume_plain_mints=True)


def refuse(when: str, why: str) -> str:
    return f"[[rule]]\nwhen = '{when}'\nrefuse = '{why}'\n"


def after_day(text: str | None) -> tuple[NativeEngine, list[float]]:
    """Return the engine after the whole day under these rules, and the scores of what was taken."""
    market = shipped_day.market()
    if text is not None:
        market.set_rules(compile_rules(text, candidate_fields()))
    scores = []
    for record in shipped_day.records():
        for signal in shipped_day.feed(market, record):
            market.take(signal)
            scores.append(signal.score)
    return market, scores


@pytest.fixture(scope="module")
def plain_day() -> tuple[NativeEngine, list[float]]:
    return after_day(None)


def test_rules_that_let_all_through_change_nothing(plain_day: tuple[NativeEngine, list[float]]) -> None:
    market, scores = after_day(ALL)
    plain, expected = plain_day
    assert scores == expected != []
    assert (market.stats().reasons, market.stats().rules) == (plain.stats().reasons, {})
    assert [stage.openings for stage in market.stats().funnel] == [
        stage.openings for stage in plain.stats().funnel
    ]


def test_rules_that_refuse_all_leave_no_signal_and_count_each(
    plain_day: tuple[NativeEngine, list[float]],
) -> None:
    market, scores = after_day(NOTHING)
    stats = market.stats()
    assert scores == []
    assert stats.go == 0
    assert stats.rules == {"verdict_false": stats.reasons["refused_by_rule"]}
    assert stats.rules["verdict_false"] >= len(plain_day[1])
    assert {miss.reason for miss in market.stats(64).nearest_misses} >= {"refused_by_rule"}


def test_refusals_are_counted_by_the_words_of_the_rule(plain_day: tuple[NativeEngine, list[float]]) -> None:
    market, scores = after_day(refuse("hops == 2", "a pair") + refuse("hops > 2", "a triangle"))
    found = market.stats().rules
    assert scores == []
    assert found["a pair"] > 0
    assert set(found) <= {"a pair", "a triangle"}
    assert sum(found.values()) == market.stats().reasons["refused_by_rule"]


def test_score_of_the_file_is_the_signals(plain_day: tuple[NativeEngine, list[float]]) -> None:
    market = shipped_day.market()
    market.set_rules(compile_rules("score = 'number(net_profit) + 0.25'", candidate_fields()))
    signal = shipped_day.first_signal(market)
    assert signal.score == signal.net_profit + 0.25 != plain_day[1][0]


def test_division_by_zero_refuses_and_the_engine_goes_on(plain_day: tuple[NativeEngine, list[float]]) -> None:
    market, _ = after_day("verdict = '1 / (slot % 2) > 0'\n")
    assert market.stats().rules["division_by_zero"] > 0
    assert set(market.stats().rules) == {"division_by_zero"}
    assert market.state_digest() == plain_day[0].state_digest(), "every frame was taken"


def test_rules_over_other_fields_are_refused_by_name() -> None:
    market = shipped_day.market()
    with pytest.raises(InvalidInput, match=r"over price \(f64\), field 1 is to be amount_in \(u64"):
        market.set_rules(compile_rules("verdict = 'price > 1'", {"price": "f64"}))
    market.set_rules(None)


# ---- the file


class Rig:
    """A shell engine over the shipped day, its rule file, and what it told."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self._time_s = path, 1
        self.write(text)
        self.market = shipped_day.market()
        self.journal, self.observer = FakeJournal(), FakeObserver()
        self.rules = StrategyRules(path, self.market)
        self.engine = Engine(
            Parts(
                market=self.market,
                strategy=CyclicArbitrage(),
                rules=risk_rules(Config().risk),
                executor=PaperExecutor(self.market),
                journal=self.journal,
                observer=self.observer,
                clock_ns=StepClock(0),
                strategy_rules=self.rules,
            )
        )

    def write(self, text: str) -> None:
        """Write a version of a moment of its own: clocks of file systems are coarse."""
        self._time_s += 1
        self.path.write_text(text)
        os.utime(self.path, (self._time_s, self._time_s))

    def look(self) -> None:
        """Look twice: the first waits for the file to stand still."""
        self.engine.look()
        self.engine.look()

    def changes(self) -> list[tuple[str, str, str | None]]:
        return [(each.what, each.key, each.before) for each in self.journal.changes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


def test_new_version_holds_from_the_next_frame_on(path: Path) -> None:
    rig = Rig(path, NOTHING)
    rig.engine.run(shipped_day.up_to_signal(1))
    assert (rig.engine.tally.signals, rig.market.stats().rules) == (0, {"verdict_false": 1})
    rig.write(ALL)
    rig.engine.look()
    assert rig.observer.notices == [], "it may still be written"
    rig.engine.look()
    assert rig.observer.notices == [f"{path} changed: its rules are in force from now on"]
    assert rig.changes() == [("strategy_rules", "rules.toml", NOTHING)]
    assert rig.journal.changes[0].after == ALL
    rig.engine.run(shipped_day.records()[len(shipped_day.up_to_signal(1)) :])
    assert rig.engine.tally.attempts > 0
    assert rig.market.stats().rules == {"verdict_false": 1}, "counts outlive the version"
    rig.look()
    assert len(rig.observer.notices) == 1


def test_broken_version_leaves_the_old_one_and_is_told_once(path: Path) -> None:
    rig = Rig(path, NOTHING)
    rig.write(BROKEN)
    rig.look()
    rig.look()
    (notice,) = rig.observer.notices
    refused = f"{path} changed and is not taken, the rules before it stay"
    assert notice.startswith(f"{refused}: line 1, column 12: ")
    assert notice.endswith("hint: did you mean net_profit?")
    assert "\n" not in notice
    assert rig.changes() == [("strategy_rules_refused", "rules.toml", None)]
    rig.engine.run(shipped_day.up_to_signal(1))
    assert rig.market.stats().rules == {"verdict_false": 1}
    rig.write(NOTHING)
    rig.look()
    assert rig.observer.notices[1:] == [f"{path} holds the rules again that have stayed in force"]


def test_file_that_is_gone_leaves_its_rules_and_may_come_back(path: Path) -> None:
    rig = Rig(path, NOTHING)
    path.unlink()
    rig.look()
    rig.look()
    assert [notice.rpartition(": ")[2] for notice in rig.observer.notices] == ["No such file or directory"]
    rig.engine.run(shipped_day.up_to_signal(1))
    assert rig.engine.tally.signals == 0
    rig.write(ALL)
    rig.look()
    assert [what for what, *_ in rig.changes()] == ["strategy_rules_refused", "strategy_rules"]


def test_indicators_keep_what_they_have_seen_over_a_change(path: Path) -> None:
    rig = Rig(path, "verdict = 'is_ready(lag(net_profit, 1))'\n")
    rig.engine.run(shipped_day.up_to_signal(1))
    assert rig.market.stats().go == 0
    rig.write("verdict = 'is_ready(lag(net_profit, 1)) and age < 9'\n")
    rig.look()
    rest = iter(shipped_day.records()[len(shipped_day.up_to_signal(1)) :])
    while rig.market.stats().go == 0:
        rig.engine.run([next(rest)])
    assert rig.market.stats().rules == {"verdict_false": 1}


# ---- errors


@pytest.mark.parametrize(
    ("text", "message", "excerpt"),
    [
        (
            "verdict = 'net_profit + net_bps > 1'\n",
            "line 1, column 23: cannot add base_units and bps: `net_profit` is base_units, `net_bps` is bps",
            "  verdict = 'net_profit + net_bps > 1'\n                        ^",
        ),
        (BROKEN, "line 1, column 12: ", "  verdict = 'net_profitt > 0'\n             ^"),
        ("", "line 1, column 1: the file decides nothing", ""),
        ("verdict = ", "line 1, column ", "  verdict =\n"),
    ],
)
def test_error_has_file_place_and_caret(path: Path, text: str, message: str, excerpt: str) -> None:
    path.write_text(text)
    with pytest.raises(SourceError) as raised:
        load_rules(path)
    assert str(raised.value).startswith(f"rules {path}: {message}")
    assert raised.value.excerpt.startswith(excerpt)
    assert "hint" not in raised.value.excerpt


def test_file_that_cannot_be_read_is_an_error_of_the_configuration(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules\.toml cannot be read: No such file"):
        load_rules(path)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"^rules .*rules\.toml: no UTF-8 from byte 0"):
        load_rules(path)


# ---- a whole run


def session(folder: Path, rules: Path | None) -> Summary:
    folder.mkdir()
    flags = {**OUTSIDE, "journal": {"path": folder / "j.sqlite"}, "strategy": {"rules": rules}}
    if rules is None:
        del flags["strategy"]
    source = FakeSource(shipped_day.up_to_signal(2))
    return run_session(
        load(flags), INFO, source, shipped_day.market(), FakeObserver(), clock_ns=StepClock(10)
    )


def test_run_has_its_rules_in_journal_and_identity(tmp_path: Path, path: Path) -> None:
    path.write_text(ALL)
    (tmp_path / "other.toml").write_text(NOTHING)
    runs = {
        name: (session(tmp_path / name, rules), read_journal(tmp_path / name / "j.sqlite"))
        for name, rules in (("without", None), ("all", path), ("nothing", tmp_path / "other.toml"))
    }
    identities = {name: report.runs[0].settings_sha256 for name, (_, report) in runs.items()}
    assert len(set(identities.values())) == 3
    assert identities["without"] == load(OUTSIDE).sha256()
    assert identities["without"] == load({**OUTSIDE, "strategy": {"rules": path}}).sha256()
    assert [summary.attempts for summary, _ in runs.values()] == [2, 2, 0]
    assert not runs["without"][1].changes
    (change,) = runs["nothing"][1].changes
    assert (change.what, change.key, change.before, change.after) == (
        "strategy_rules",
        "other.toml",
        None,
        NOTHING,
    )


def test_two_runs_under_one_rule_file_give_the_same_journal(tmp_path: Path, path: Path) -> None:
    path.write_text("verdict = 'ema(net_bps, 1) > 0'\n" + refuse("net_profit < 0", "never"))
    for name in ("one", "two"):
        session(tmp_path / name, path)
    one, two = (decided(tmp_path / name / "j.sqlite") for name in ("one", "two"))
    assert one == two


def test_rules_of_the_settings_and_of_the_command_line(
    tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(BROKEN)
    settings = tmp_path / "config.toml"
    settings.write_text(f"[strategy]\nrules = '{path}'\n")
    journal = ["--journal", str(tmp_path / "j.sqlite")]
    for words in (["run", "--config", str(settings)], ["run", "--rules", str(path)]):
        assert main([*words, *journal, "--ui", "plain"]) == 2
        error = capsys.readouterr().err.splitlines()
        assert error[-3].startswith(f"phantom: error: rules {path}: line 1, column 12: ")
        assert error[-2:] == ["  verdict = 'net_profitt > 0'", "             ^"]
