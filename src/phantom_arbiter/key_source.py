"""Where a key is kept: a file, an environment variable or the keyring; never the key itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from phantom_arbiter.errors import ConfigError

KeyKind = Literal["file", "env", "keyring"]

MIN_KEY_LETTERS = 64
"""A path of so many letters of base58 alone is taken for a key that was pasted in its place."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}")
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]+")
_RESERVED = "PHANTOM_"


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where a key is kept.

    Attributes:
        kind: `file`, `env` (an environment variable) or `keyring` (of the operating system).
        name: Path, variable, or entry.
    """

    kind: KeyKind
    name: str

    @property
    def path(self) -> Path:
        """The file, with `~` for the user's folder resolved."""
        return Path(self.name).expanduser()

    def __str__(self) -> str:
        return self.name if self.kind == "file" else f"{self.kind}:{self.name}"


def key_source(text: str) -> KeySource:
    """Return where `text` says that a key is kept: a path, `env:NAME` or `keyring:NAME`.

    Raises:
        ConfigError: It says nothing of the kind, or is a key itself; the message does not repeat it.
    """
    kind, colon, name = text.partition(":")
    if colon and kind == "env":
        if not _VARIABLE.fullmatch(name):
            raise ConfigError("after env: comes the name of an environment variable")
        if name.upper().startswith(_RESERVED):
            raise ConfigError(
                f"env: names a variable that begins with {_RESERVED}, those are settings",
                hint="choose another name, such as WALLET_KEY",
            )
        return KeySource("env", name)
    if colon and kind == "keyring":
        if not _ENTRY.fullmatch(name):
            raise ConfigError("after keyring: comes the name of an entry, 1 to 128 letters, digits, . _ @ -")
        return KeySource("keyring", name)
    if not text or "\0" in text:
        raise ConfigError("a key is named by the path of its file, env:NAME or keyring:NAME")
    if text.lstrip().startswith("[") or (len(text) >= MIN_KEY_LETTERS and _BASE58.fullmatch(text)):
        raise ConfigError(
            "this looks like a key itself",
            hint="put it into a file (phantom wallet import), and name the file",
        )
    return KeySource("file", text)


__all__ = ["KeyKind", "KeySource", "key_source"]
