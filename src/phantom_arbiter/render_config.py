"""The effective configuration as a person reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from phantom_arbiter.config_sources import Setting
from phantom_arbiter.render import plain, print_tidy


def render_settings(settings: Sequence[Setting], console: Console) -> None:
    """Print every key with its value and origin, and what it means below."""
    print_tidy(Group(*_lines(settings)), console)


def _lines(settings: Sequence[Setting]) -> Iterable[RenderableType]:
    for setting in settings:
        line = Text(setting.key, style="bold")
        line.append(f" = {plain(json.dumps(setting.value))}", style="not bold")
        if setting.origin != "default":
            line.append(f"  from {plain(setting.origin)}", style="not bold yellow")
        line.overflow = "fold"
        yield line
        yield Padding(Text(setting.help, style="dim"), (0, 0, 0, 4), expand=False)
