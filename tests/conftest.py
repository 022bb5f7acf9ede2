"""Every test runs without the user's own settings and writes nothing into the user's folders."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A timing never fails a test; in CI neither does chance: the same inputs every time, none remembered.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI", "false") != "false" else "local")

# Shells without job control start what they put in the background with Ctrl-C ignored; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder for sockets, whose paths may have no more than 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ph-") as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_folder: Path) -> None:
    for name in list(os.environ):
        if name.startswith("PHANTOM_") and name != "PHANTOM_PROGRAMS_DIR":
            monkeypatch.delenv(name)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_folder))


@pytest.fixture(autouse=True)
def handlers_kept() -> Iterator[None]:
    """Fail the test that leaves a signal's handler changed, not one after it that needs Ctrl-C."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before
