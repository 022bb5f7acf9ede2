"""Text snapshots: `SNAPSHOTS=update pytest tests/ui` writes them; read them before you commit."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = os.environ.get("SNAPSHOTS") == "update"


@pytest.fixture
def matches_snapshot() -> Callable[[str, str], None]:
    """Compare a text with the stored one of that name."""

    def check(name: str, text: str) -> None:
        path = SNAPSHOTS / f"{name}.txt"
        if UPDATE:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} is missing; write it with SNAPSHOTS=update"
        assert text == path.read_text(encoding="utf-8")

    return check
