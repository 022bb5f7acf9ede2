"""The effective configuration as a person reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from phantom_arbiter.config_sources import Setting
from phantom_arbiter.render import plain


def render_settings(settings: Sequence[Setting], console: Console) -> None:
    """Print every key with its value and origin, and what it means below."""
    for setting in settings:
        line = Text(setting.key, style="bold")
        line.append(f" = {plain(json.dumps(setting.value))}", style="not bold")
        if setting.origin != "default":
            line.append(f"  from {plain(setting.origin)}", style="not bold yellow")
        line.overflow = "fold"
        console.print(line)
        console.print(Padding(Text(setting.help, style="dim"), (0, 0, 0, 4), expand=False))
