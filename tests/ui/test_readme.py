"""What the README says one can type."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from phantom_arbiter.cli import build_app, main
from phantom_core import candidate_fields, compile_rules

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `phantom ([^`]+)` \| (.*) \|$", README, flags=re.MULTILINE)


def test_python_blocks_run_as_they_stand() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    of_deciding, of_pool, of_market, of_detection = map(_run, blocks)
    assert len(of_deciding) == 3
    assert [len(of_pool), len(of_market)] == [4, 2]
    assert of_detection[0].startswith("True ")
    assert of_detection[-1].startswith(("joint ", "sequential "))
    assert of_pool[0].startswith("Quote(amount_in=1000000000, ")
    assert of_pool[0] == of_market[0], "a pool by itself answers as the market does"


def test_rule_file_compiles() -> None:
    (text,) = re.findall(r"^```toml\n(# rules\.toml.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    assert compile_rules(text, candidate_fields()).reasons == ["long_and_late", "verdict_false"]


def _run(code: str) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_table_lists_every_command_for_users() -> None:
    app = build_app()
    registered = [command.callback for command in app.registered_commands]
    names = [command.__name__.replace("_", "-") for command in registered if command]
    commands = [name for name in names if name != "version"]
    groups = [str(group.name) for group in app.registered_groups]
    assert sorted(words.split()[0] for words, _ in ROWS) == sorted(
        [*commands, *groups, "--install-completion"]
    )


@pytest.mark.parametrize(("words", "what"), ROWS, ids=[words for words, _ in ROWS])
def test_command_of_the_table_exists_with_the_options_named(
    words: str, what: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    command = [word for word in words.split()[:1] if not word.startswith("-")]
    assert main([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    for option in re.findall(r"--[a-z-]+", f"{words} {what}"):
        assert f"{option} " in shown
