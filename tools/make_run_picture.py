"""Make `docs/images/run.svg`: the demo run as a terminal shows it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parents[1] / "docs/images/run.svg"
WIDTH = 100


def main() -> None:
    """Run the demo in a journal of its own and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal.sqlite"
        command = [sys.executable, "-m", "phantom_arbiter", "run", "--ui", "plain", "--journal", str(journal)]
        environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        shown = shown.replace(str(journal), "journal.sqlite")
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, force_terminal=True, file=nowhere)
        console.print(Text.from_ansi(f"$ phantom run\n{shown}"), soft_wrap=True)
        console.save_svg(str(PICTURE), title="phantom run")


if __name__ == "__main__":
    main()
