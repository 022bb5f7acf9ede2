"""The terminal's screen as pictures.

`pytest tests/ui/test_tui_snapshots.py --snapshot-update` draws them anew; look at them before you commit.
"""

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from tui_stage import fed, text

Compare = Callable[..., bool]


@pytest.fixture(autouse=True)
def in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


async def settled(pilot: Pilot[None]) -> None:
    await pilot.pause()
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("key", ["1", "3", "6", "8"], ids=["why", "pools", "trades", "latency"])
def test_screens(snap_compare: Compare, size: tuple[int, int], key: str) -> None:
    app, _ = fed()
    assert snap_compare(app, press=[key], terminal_size=size, run_before=settled)


OTHERS = {
    "cycles": ["2"],
    "endpoints": ["4"],
    "signals": ["5"],
    "fees": ["7"],
    "log": ["9"],
    "light": ["d"],
    "help": ["question_mark"],
    "kill-switch": ["k"],
    "pool": ["3", "enter"],
    "attempt": ["6", "enter"],
}


@pytest.mark.parametrize("keys", OTHERS.values(), ids=OTHERS)
def test_other_screens_and_dialogs(snap_compare: Compare, keys: list[str]) -> None:
    app, _ = fed()
    assert snap_compare(app, press=keys, run_before=settled)


def test_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app, _ = fed()

    async def colourless(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for strip in app.screen._compositor.render_strips(app.size):
            for segment in strip:
                style = segment.style
                assert style is None or all(
                    colour is None or colour.is_default for colour in (style.color, style.bgcolor)
                ), segment
        assert "▸ " in text(app)

    assert snap_compare(app, terminal_size=(80, 24), run_before=colourless)


def test_too_small(snap_compare: Compare) -> None:
    app, _ = fed()
    assert snap_compare(app, terminal_size=(50, 12), run_before=settled)
