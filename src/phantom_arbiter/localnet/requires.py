"""The packages that only the local net needs: `pip install 'phantom-arbiter[localnet]'`."""

from __future__ import annotations

from importlib.util import find_spec

from phantom_arbiter.errors import ConfigError

NEEDED = ("zstandard",)


def check_requirements() -> None:
    """Refuse to start without the packages of the extra `localnet`.

    Raises:
        ConfigError: One of them is not installed: which, and how to install it.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the local net needs {' and '.join(missing)}",
            hint="pip install 'phantom-arbiter[localnet]'",
        )
