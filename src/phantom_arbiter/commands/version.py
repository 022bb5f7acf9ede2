"""`phantom version`: what is installed."""

from __future__ import annotations

import json
import platform

from phantom_arbiter.commands.run import JsonOption


def version(as_json: JsonOption = False) -> None:
    """Print the version."""
    from phantom_arbiter import __version__

    facts = {"version": __version__, "python": platform.python_version(), "platform": platform.platform()}
    if as_json:
        print(json.dumps(facts))
    else:
        print(f"phantom {facts['version']} (Python {facts['python']}, {facts['platform']})")
