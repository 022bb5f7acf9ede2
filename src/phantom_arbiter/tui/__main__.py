"""`python -m phantom_arbiter.tui SOCKET`: the screen of a run that another process has started.

Leaving asks the run to stop, unless `--detach` is given. Exit status: 0 left, 1 the screen failed, 2 there is
no terminal that can show it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from phantom_arbiter.errors import EXIT_USAGE, PhantomError
from phantom_arbiter.tui.start import show_run


def main() -> int:
    """Show the run and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m phantom_arbiter.tui", description="The screen of a run.")
    parser.add_argument("socket", type=Path, metavar="SOCKET", help="Unix socket of the run.")
    parser.add_argument("--detach", action="store_true", help="Leaving does not stop the run.")
    arguments = parser.parse_args()
    try:
        return show_run(arguments.socket, stops_run=not arguments.detach)
    except PhantomError as error:
        print(f"phantom: error: {error}", file=sys.stderr)
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
