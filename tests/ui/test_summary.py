import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from phantom_arbiter.render import render_summary
from phantom_arbiter.summary import Summary, to_json
from shell_summaries import busy, quiet

Check = Callable[[str, str], None]


def drawn(summary: Summary, width: int, *, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="truecolor" if colour else None
    )
    render_summary(summary, console)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("summary", [busy(), quiet()], ids=["busy", "quiet"])
def test_summary_looks_as_stored(
    summary: Summary, width: int, matches_snapshot: Check, request: pytest.FixtureRequest
) -> None:
    text = drawn(summary, width)
    assert max(len(line) for line in text.splitlines()) <= width
    matches_snapshot(f"summary-{'busy' if summary.records else 'quiet'}-{width}", text)


def test_summary_holds_no_control_characters_without_colour() -> None:
    for summary in (busy(), quiet()):
        assert all(char.isprintable() or char == "\n" for char in drawn(summary, 80))


def test_json_is_the_same_data(matches_snapshot: Check) -> None:
    text = json.dumps(to_json(busy()), indent=2)
    matches_snapshot("summary-busy-json", text + "\n")
    profit = json.loads(text)["profit"]
    assert profit[0]["net_profit"] == 412_345_678 - 72_500
    assert profit[0]["net_profit_ui"] == "412.273178"
    assert profit[2]["net_profit_ui"] is None


def test_json_has_the_same_keys_when_nothing_happened() -> None:
    full, empty = to_json(busy()), to_json(quiet())
    assert full.keys() == empty.keys()
    for key, value in full.items():
        if isinstance(value, dict) and not key.endswith("by_reason"):
            assert value.keys() == empty[key].keys()
    json.dumps(empty)
