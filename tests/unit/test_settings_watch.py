import os
from pathlib import Path

import pytest

from phantom_arbiter.config import default_config_path, risk_rules
from phantom_arbiter.config_sources import load
from phantom_arbiter.risk_desk import Reload
from phantom_arbiter.settings_watch import SettingsWatch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.toml"
    write(path, "[risk]\nmax_trades_per_day = 7\n", 1)
    return path


def write(path: Path, text: str, time_s: int) -> None:
    """Write a version of a moment of its own: clocks of file systems are coarse."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (time_s, time_s))


def looked(watch: SettingsWatch) -> Reload | None:
    """Return what the second of two looks says: the first waits for the file to stand still."""
    assert watch.look() is None
    return watch.look()


def test_new_version_gives_new_rules_and_says_what_changed(file: Path) -> None:
    watch = SettingsWatch(load({}, file))
    assert watch.look() is None
    write(file, "[risk]\nmax_trades_per_day = 3\nfailures_in_a_row = 5\n", 2)
    reload = looked(watch)
    assert reload is not None
    assert reload.rules is not None
    assert reload.rules.limits.max_trades_per_day == 3
    assert reload.changes == (("risk.max_trades_per_day", "7", "3"),)
    assert reload.line == f"{file} changed: risk.max_trades_per_day = 3 (was 7)"
    assert watch.look() is None


def test_flags_still_win_over_the_file(file: Path) -> None:
    watch = SettingsWatch(load({"risk": {"max_trades_per_day": 2}}, file))
    write(file, "[risk]\nmax_trades_per_day = 3\n", 2)
    reload = looked(watch)
    assert reload is not None
    assert reload.rules is not None
    assert reload.rules.limits.max_trades_per_day == 2
    assert reload.changes == ()


def test_what_is_not_about_risk_waits_for_the_next_start(file: Path) -> None:
    watch = SettingsWatch(load({}, file))
    write(file, "[risk]\nmax_trades_per_day = 7\naccount = 'b'\n[engine]\nmax_hops = 2\n", 2)
    reload = looked(watch)
    assert reload is not None
    assert reload.line.endswith("no risk setting did; engine.max_hops, risk.account from the next start on")
    assert reload.changes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[risk", "not valid TOML"),
        ("[risk]\nmax_trades_per_day = -1\n", "risk.max_trades_per_day = -1"),
        ("[risk]\nmax_trade = 1\n", "unknown key risk.max_trade"),
    ],
)
def test_bad_version_keeps_the_rules_and_says_so_in_one_line(file: Path, text: str, said: str) -> None:
    watch = SettingsWatch(load({}, file))
    write(file, text, 2)
    reload = looked(watch)
    assert reload is not None
    assert reload.rules is None
    assert said in reload.line
    assert "the rules before it stay" in reload.line
    assert "\n" not in reload.line
    assert watch.look() is None, "it is said once"
    write(file, "[risk]\nmax_trades_per_day = 9\n", 3)
    better = looked(watch)
    assert better is not None
    assert better.changes == (("risk.max_trades_per_day", "7", "9"),)


def test_file_that_is_touched_or_vanishes_for_a_moment_changes_nothing(file: Path) -> None:
    watch = SettingsWatch(load({}, file))
    os.utime(file, (5, 5))
    assert looked(watch) is None
    text = file.read_text()
    file.unlink()
    gone = looked(watch)
    assert gone is not None
    assert gone.rules is None
    assert gone.line == f"{file} is gone or cannot be read, the rules before it stay"
    write(file, text, 6)
    back = looked(watch)
    assert back is not None
    assert back.changes == ()


def test_version_that_is_still_being_written_waits(file: Path) -> None:
    watch = SettingsWatch(load({}, file))
    for second, text in enumerate(("", "[risk]\n", "[risk]\nmax_trades_per_day = 3\n"), start=2):
        write(file, text, second)
        assert watch.look() is None, "half a file is valid, too, and allows more"
    reload = watch.look()
    assert reload is not None
    assert reload.changes == (("risk.max_trades_per_day", "7", "3"),)


def test_users_own_file_that_is_removed_leaves_its_rules_in_force() -> None:
    write(default_config_path(), "[risk]\nmax_trades_per_day = 7\n", 1)
    watch = SettingsWatch(load())
    default_config_path().unlink()
    reload = looked(watch)
    assert reload is not None
    assert reload.rules is None


def test_users_own_file_may_appear_later() -> None:
    effective = load()
    watch = SettingsWatch(effective)
    assert watch.look() is None
    write(default_config_path(), "[risk]\nhalted = true\n", 1)
    reload = looked(watch)
    assert reload is not None
    assert reload.rules is not None
    assert reload.rules.breakers.halted
    assert reload.rules != risk_rules(effective.config.risk)
