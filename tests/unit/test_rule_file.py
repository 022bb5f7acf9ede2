"""`RuleFile`: compiled again when it changes, the old version kept when the new one is wrong."""

import os
import threading
from pathlib import Path

import pytest

from phantom_core import CompileError, InvalidInput, RuleFile

GOOD = "verdict = 'price > 3'\n"
OTHER = "verdict = 'price > 5'\n"
BAD = "verdict = 'prise > 3'\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(GOOD)
    return path


def go(file: RuleFile) -> bool:
    return file.rules.evaluate((4.0,)).go


def test_change_is_compiled_and_the_same_text_is_not(path: Path) -> None:
    file = RuleFile(path, ["price"])
    assert go(file)
    assert not file.refresh()
    rules = file.rules
    # Same size and, on a coarse clock, the same time.
    path.write_text(OTHER)
    assert file.refresh()
    assert not go(file)
    os.utime(path, (1, 1))
    assert not file.refresh()
    assert file.rules is not rules


def test_bad_version_keeps_the_old_one_and_says_why(path: Path) -> None:
    file = RuleFile(path, {"price": "f64"})
    rules = file.rules
    path.write_text(BAD)
    for _ in range(2):
        assert not file.refresh()
        assert file.rules is rules
        assert isinstance(file.error, CompileError)
        assert file.error.__notes__ == [f"in {path}"]
        assert file.error.hint == "did you mean price?"
    path.write_text(OTHER)
    assert file.refresh()
    assert file.error is None


def test_file_that_goes_and_comes_back(path: Path) -> None:
    file = RuleFile(path, ["price"])
    path.unlink()
    assert not file.refresh()
    assert isinstance(file.error, FileNotFoundError)
    assert go(file)
    path.write_text(GOOD)
    assert file.refresh()
    assert file.error is None
    path.write_bytes(b"\xff")
    assert not file.refresh()
    assert isinstance(file.error, InvalidInput)
    path.write_bytes(b"#" * 70_000)
    assert not file.refresh()
    assert "65536" in str(file.error)
    path.write_text(GOOD)
    assert file.refresh()
    assert file.error is None


def test_file_that_was_away_and_is_back_unchanged_is_in_use_again(path: Path) -> None:
    path.write_text(OTHER)
    os.utime(path, (1_000, 1_000))
    file, elsewhere = RuleFile(path, ["price"]), path.with_name("away.toml")
    path.rename(elsewhere)
    assert not file.refresh()
    assert isinstance(file.error, FileNotFoundError)
    elsewhere.rename(path)
    assert file.refresh()
    assert file.error is None


def test_indicators_survive_a_reload(path: Path) -> None:
    path.write_text("score = 'ema(price, 2)'\n")
    file = RuleFile(path, ["price"])
    file.rules.evaluate((1.0,))
    path.write_text("score = 'ema(price, 2) * 2'\n")
    assert file.refresh()
    assert file.rules.evaluate((3.0,)).score == 4.0


def test_watch_calls_back_on_change(path: Path) -> None:
    file = RuleFile(path, ["price"])
    seen = threading.Event()
    with file.watch(0.01, lambda _: seen.set()):
        path.write_text(OTHER)
        assert seen.wait(10)
    assert not go(file)
    with pytest.raises(InvalidInput):
        file.watch(0)


def test_first_version_must_be_right(path: Path) -> None:
    path.write_text(BAD)
    with pytest.raises(CompileError) as raised:
        RuleFile(path, ["price"])
    assert raised.value.__notes__ == [f"in {path}"]
    with pytest.raises(FileNotFoundError):
        RuleFile(path.with_name("none.toml"), ["price"])
