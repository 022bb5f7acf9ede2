"""Where a key is kept: a file, an environment variable or the keyring; never the key itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from phantom_arbiter.errors import ConfigError, WalletError

KeyKind = Literal["file", "env", "keyring"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}")
_A_KEY_ITSELF = re.compile(r"[0-9A-Za-z+/=]{64,}|\[.*|[\d\s,]{64,}", re.DOTALL)
"""Base58, base64 or hex of a key, or its bytes as numbers: what somebody pastes where a name belongs."""
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
        """The file, with `~` resolved; a `WalletError` where that user has no home folder."""
        try:
            return Path(self.name).expanduser()
        except RuntimeError:
            raise WalletError(f"key file {self.name}: that user has no home folder") from None

    def __str__(self) -> str:
        return self.name if self.kind == "file" else f"{self.kind}:{self.name}"


def key_source(text: str) -> KeySource:
    """Return where `text` says that a key is kept: a path, `env:NAME` or `keyring:NAME`.

    Raises:
        ConfigError: It says nothing of the kind, or is a key itself; the message does not repeat it.
    """
    if _is_key(text):
        raise ConfigError(
            "this looks like a key itself",
            hint="put it into a file (phantom wallet import), and name the file",
        )
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
    return KeySource("file", text)


def _is_key(text: str) -> bool:
    """Return whether `text` is a key rather than where one is kept; a path that exists is none."""
    bare = text.strip().removeprefix("env:").removeprefix("keyring:").strip().removeprefix("./")
    if not _A_KEY_ITSELF.fullmatch(bare):
        return False
    try:
        return "/" not in text or not Path(text).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return True


__all__ = ["KeyKind", "KeySource", "key_source"]
