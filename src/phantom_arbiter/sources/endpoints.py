"""Endpoints: where they are, what they allow, and URLs that never show their secret.

Providers put the key into the URL: as a query (`?api-key=…`), as a part of the path, or before the host. A
`SecretUrl` shows scheme, host, port and what is certainly no key; only `reveal` gives the whole of it.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from phantom_arbiter.errors import ConfigError

MASK = "***"

PUBLIC_PARTS = frozenset(
    {"api", "devnet", "http", "mainnet", "mainnet-beta", "rpc", "solana", "testnet", "v1", "v2", "ws", "wss"}
)
"""Parts of a path that are shown; any other may be a key."""

PUBLIC_NAMES = frozenset({"access-token", "access_token", "api-key", "api_key", "apikey", "key", "token"})
"""Names in a query that are shown, without their value; any other may be a key itself."""

MIN_SECRET_LENGTH = 4

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")

Commitment = Literal["processed", "confirmed", "finalized"]


class SecretUrl:
    """A URL whose text form hides what may be a key.

    >>> SecretUrl("wss://rpc.example.org/?api-key=0123")
    SecretUrl('wss://rpc.example.org/?api-key=***')
    """

    __slots__ = ("_parts", "_text")

    def __init__(self, text: str) -> None:
        """Take a URL of scheme http, https, ws or wss.

        Raises:
            ConfigError: It is none; the message does not repeat it.
        """
        if not text.isascii() or any(character <= " " or character == "\x7f" for character in text):
            raise ConfigError("a URL holds a space, a control character or one that is not ASCII")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ConfigError("a URL has an impossible host or port") from None
        if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname or port == 0:
            raise ConfigError("a URL begins with http://, https://, ws:// or wss:// and a host")
        if parts.fragment:
            raise ConfigError("a URL has a part after #, which is never sent")
        self._text = text
        self._parts = parts

    def reveal(self) -> str:
        """Return the URL as it was given, secrets included: for opening a connection, nothing else."""
        return self._text

    @property
    def scheme(self) -> str:
        """`http`, `https`, `ws` or `wss`."""
        return self._parts.scheme

    @property
    def host(self) -> str:
        """The host, without port."""
        return self._parts.hostname or ""

    @property
    def userinfo(self) -> tuple[str, str] | None:
        """User and password, decoded, if the URL names any; secret."""
        if self._parts.username is None:
            return None
        return unquote(self._parts.username), unquote(self._parts.password or "")

    @property
    def without_userinfo(self) -> str:
        """The URL without user and password; still secret."""
        return self._parts._replace(netloc=_host_and_port(self._parts)).geturl()

    def secrets(self) -> frozenset[str]:
        """Return what is hidden, each as it stands in the URL and decoded."""
        parts = self._parts
        found = {part for part in parts.path.split("/") if part not in PUBLIC_PARTS}
        for pair in parts.query.split("&"):
            name, equals, value = pair.partition("=")
            found.add(value)
            if not equals or name.lower() not in PUBLIC_NAMES:
                found.add(name)
        found.update(text for text in (parts.username, parts.password) if text)
        return frozenset(found | {unquote(text) for text in found}) - {""}

    def travels_in_clear(self) -> bool:
        """Return whether its secret would cross a public network unencrypted."""
        return self.scheme in ("http", "ws") and bool(self.secrets()) and not _is_private(self.host)

    def __str__(self) -> str:
        """Return it with every possible key masked."""
        parts = self._parts
        user = f"{MASK}@" if "@" in parts.netloc else ""
        path = "/".join(part if part in PUBLIC_PARTS or not part else MASK for part in parts.path.split("/"))
        query = "&".join(map(_masked_pair, parts.query.split("&"))) if parts.query else ""
        return f"{parts.scheme}://{user}{_host_and_port(parts)}{path}{'?' if query else ''}{query}"

    def __repr__(self) -> str:
        return f"SecretUrl({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretUrl) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One provider's entrance to the chain, and what it allows.

    Attributes:
        name: Stands for it in every message; connections are `name/0`, `name/1` …, its answers `name/http`.
        http_url: JSON-RPC over HTTP; None if it has none.
        ws_url: Pub-sub over WebSocket; None if it has none.
        max_subscriptions_per_connection: Including the one for slots that every connection has.
        max_connections: WebSockets at the same time.
        requests_per_second: Requests it allows, subscriptions included; None: no limit of ours.
        credits: What one call costs by method, in the provider's credits; `default` for all others.
        commitment: Which state is asked for.
        compression: Ask for permessage-deflate.
    """

    name: str
    http_url: SecretUrl | None = None
    ws_url: SecretUrl | None = None
    max_subscriptions_per_connection: int = 100
    max_connections: int = 10
    requests_per_second: float | None = None
    credits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    commitment: Commitment = "processed"
    compression: bool = False

    def __post_init__(self) -> None:
        """Check what the configuration checks too, for endpoints made in code."""
        if not _NAME.fullmatch(self.name):
            raise ConfigError(
                "an endpoint's name is 1 to 32 lower-case letters, digits, - or _, the first no - or _"
            )
        for url, schemes in ((self.http_url, ("http", "https")), (self.ws_url, ("ws", "wss"))):
            if url is not None and url.scheme not in schemes:
                raise ConfigError(f"endpoint {self.name}: {url} begins with neither of {', '.join(schemes)}")
            if url is not None and url.travels_in_clear():
                raise ConfigError(
                    f"endpoint {self.name}: {url} would send its key unencrypted",
                    hint=f"use {schemes[1]}://",
                )
        if self.http_url is None and self.ws_url is None:
            raise ConfigError(f"endpoint {self.name} has neither http_url nor ws_url")
        if self.max_subscriptions_per_connection < 2:
            raise ConfigError(
                f"endpoint {self.name}: max_subscriptions_per_connection is "
                f"{self.max_subscriptions_per_connection}, it may be 2 or more: one is for slots"
            )
        if self.max_connections < 1:
            raise ConfigError(
                f"endpoint {self.name}: max_connections is {self.max_connections}, it may be 1 or more"
            )

    def scrub(self, text: str, limit: int = 300) -> str:
        """Return foreign text fit for a message: on one line, bounded, without this endpoint's secrets."""
        for url in (self.http_url, self.ws_url):
            if url is None:
                continue
            text = text.replace(url.reveal(), str(url))
            for secret in sorted(url.secrets(), key=len, reverse=True):
                # A shorter text is no key, and replacing it would make foreign text unreadable.
                if len(secret) >= MIN_SECRET_LENGTH:
                    text = text.replace(secret, MASK)
        text = "".join(character if character.isprintable() else " " for character in text)
        return text if len(text) <= limit else f"{text[: limit - 1]}…"


def with_environment(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return `text` with every `${NAME}` replaced by that environment variable.

    Raises:
        ConfigError: A variable is not set or empty.
    """
    environment = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        found = environment.get(match[1], "")
        if not found:
            raise ConfigError(f"the environment variable {match[1]} is not set")
        return found

    return _PLACEHOLDER.sub(value, text)


def _masked_pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    if not equals:
        return MASK if name else ""
    return f"{name if name.lower() in PUBLIC_NAMES else MASK}={MASK}"


def _host_and_port(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _is_private(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
