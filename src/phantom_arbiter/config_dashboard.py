"""Settings of the dashboard: where it listens, for whom, and how much it remembers."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from phantom_arbiter.config_types import Section
from phantom_arbiter.errors import ConfigError

MIN_TOKEN_LENGTH = 16
"""Characters of a token of one's own; a generated one has 43."""

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}")
_VARIABLE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,127}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


def _host(name: str) -> str:
    lowered = name.lower()
    if not _HOST.fullmatch(lowered):
        raise ValueError("a host name or an address, without scheme and port")
    return lowered


def _place(place: str) -> str:
    if not _VARIABLE.fullmatch(place) and "/" not in place and "." not in place:
        # It may be the token itself, which belongs into no file of settings.
        raise ValueError("env:NAME or the path of a file, with a / or a . in it")
    return place


Host = Annotated[str, AfterValidator(_host)]
TokenPlace = Annotated[str, AfterValidator(_place)]


class DashboardSettings(Section):
    """The dashboard of `phantom dashboard` and `phantom run --dashboard`."""

    host: Host = "127.0.0.1"
    """Address to listen on; any but this machine's own loopback asks every browser for a token."""

    port: int = Field(default=8787, ge=0, le=65_535)
    """Port to listen on; 0 for any that is free."""

    allowed_hosts: tuple[Host, ...] = ()
    """Further names that browsers may call it by, such as a reverse proxy's; with any a token is needed."""

    token: TokenPlace | None = None
    """Where the token is kept: a file or env:NAME; without one it is made up at each start if needed."""

    control: bool = False
    """Let browsers halt, resume and stop the run, with a second token that is printed at start."""

    history_mb: int = Field(default=256, ge=1, le=65_536)
    """How many megabytes of a run are kept to scrub back through; the oldest go first."""

    max_viewers: int = Field(default=500, ge=1, le=10_000)
    """Most browsers that may watch at the same time."""


def read_token(place: str) -> str:
    """Return the token that is kept at `place`.

    Raises:
        ConfigError: There is none, or it is too short; the message does not repeat it.
    """
    if _VARIABLE.fullmatch(place):
        name = place.removeprefix("env:")
        token = os.environ.get(name, "").strip()
        where = f"the environment variable {name}"
    else:
        where = f"the file {place}"
        try:
            token = Path(place).expanduser().read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError, RuntimeError):
            raise ConfigError(f"dashboard.token: {where} cannot be read as plain text") from None
    if len(token) < MIN_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
        raise ConfigError(
            f"dashboard.token: {where} holds no token: {MIN_TOKEN_LENGTH} or more of A-Z, a-z, 0-9, ._~+/=-",
            hint='python3 -c "import secrets; print(secrets.token_urlsafe())" makes one',
        )
    return token
