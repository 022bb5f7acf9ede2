"""Settings of execution: whose key signs, how transactions are built and sent, and to whom."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, SecretStr, model_validator

from phantom_arbiter.config_types import Account, Count, FilePath, Lamports, Mint, Section, Share
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.key_source import KeySource, key_source
from phantom_arbiter.sources.endpoints import SecretUrl, with_environment

MAX_TABLES = 64
"""Lookup tables that may be named; a transaction takes a handful."""

MAX_NONCES = 256
"""Nonce accounts that may be named; each is one attempt under way."""

MAX_ENGINES = 32
"""Block engines that may be named; Jito has nine regions."""

_PLACEHOLDER = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]{1,256}")


def _key(value: object) -> KeySource:
    if isinstance(value, KeySource):
        return value
    if not isinstance(value, str):
        raise ValueError("the path of a key file, env:NAME or keyring:NAME is text")
    try:
        return key_source(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None


def _url(value: object) -> SecretUrl:
    if isinstance(value, SecretUrl):
        return value
    if not isinstance(value, str):
        raise ValueError("a URL is text")
    try:
        return SecretUrl(with_environment(value))
    except ConfigError as error:
        raise ValueError(str(error)) from None


def _secret(value: object) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not _PLACEHOLDER.fullmatch(value):
        raise ValueError("it is ${NAME}, for an environment variable: no secret stands in a file")
    try:
        found = with_environment(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    if not _HEADER_VALUE.fullmatch(found):
        raise ValueError("the environment variable holds a space, a control character or more than 256")
    return SecretStr(found)


def _front_guard(address: str) -> str:
    if not address.startswith("jitodontfront"):
        raise ValueError("an address that begins with jitodontfront")
    return address


FrontGuard = Annotated[Account, AfterValidator(_front_guard)]
Key = Annotated[KeySource, PlainValidator(_key), PlainSerializer(str, return_type=str)]
Url = Annotated[SecretUrl, PlainValidator(_url), PlainSerializer(str, return_type=str)]
Secret = Annotated[SecretStr, PlainValidator(_secret), PlainSerializer(lambda _: "***", return_type=str)]


class WalletSettings(Section):
    """Who signs and pays."""

    key: Key | None = None
    """Where the key is kept: a file as solana-keygen writes it, env:NAME or keyring:NAME; live needs one."""

    token_accounts: dict[Mint, Account] = Field(default_factory=dict)
    """Token account by mint, where it is not the wallet's associated one."""

    min_lamports: Lamports = 10_000_000
    """Least balance of the wallet itself that `phantom doctor` takes for enough for fees and tips."""


class ExecutionSettings(Section):
    """How a live attempt is built, tried and sent."""

    landing: Literal["bundle", "rpc", "both"] = "bundle"
    """bundle: to the [[block_engines]]; rpc: to the [[endpoints]]; both: the same bytes to all of them."""

    rehearse: Literal["always", "never"] = "always"
    """always: try each transaction in this process before it is sent; never: send it untried."""

    dry_run: bool = False
    """Build, sign and rehearse, but send nothing."""

    programs_dir: FilePath | None = None
    """Folder with the programs to rehearse with; without one the cache of `phantom programs fetch`."""

    lookup_tables: tuple[Account, ...] = Field(default=(), max_length=MAX_TABLES)
    """Address lookup tables that transactions may use; `phantom alt` makes them."""

    nonce_accounts: tuple[Account, ...] = Field(default=(), max_length=MAX_NONCES)
    """Durable nonces, one per attempt under way; `phantom nonce` makes them. None: recent blockhashes."""

    create_accounts: Literal["in_transaction", "ahead"] = "in_transaction"
    """in_transaction: a missing token account is created by the swap; ahead: routes that need one wait."""

    max_account_locks: int = Field(default=64, ge=1, le=128)
    """Accounts that a transaction may name; the network's limit is 64, 128 once a feature is active."""

    dont_front: FrontGuard | None = None
    """Address beginning with jitodontfront that bundles name, so that nothing is put before them."""

    deadline_ms: int = Field(default=2_000, ge=10, le=60_000)
    """Milliseconds that one handing-over may take; answers that come later are not waited for."""

    resend_every_slots: int = Field(default=4, ge=1, le=150)
    """Slots after which the same bytes are sent again while the attempt is undecided."""

    blockhash_commitment: Literal["processed", "confirmed"] = "confirmed"
    """Which blockhash is signed with; processed is a second younger, but is lost if its fork is."""

    blockhash_refresh_ms: int = Field(default=2_000, ge=100, le=30_000)
    """Milliseconds between two looks at the newest blockhash."""

    min_blocks_left: int = Field(default=75, ge=1, le=149)
    """Least blocks for which a blockhash must still hold to be signed with, of 150."""

    shadow_share: Share = 0.01
    """Share of quotes that is compared with a rehearsal."""

    shadow_bound_ppm: Count = 0
    """Error of a quote, in parts per million, past which its venue is quarantined; 0: any error."""

    shadow_release_after: int = Field(default=8, ge=1, le=16)
    """Agreeing comparisons in a row after which such a venue is released."""


class BlockEngineSettings(Section):
    """One region of a block engine."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    """What it is called in messages: 1 to 32 lower-case letters, digits, - or _."""

    url: Url
    """Its root, https://; masked wherever it is shown."""

    auth: Secret | None = None
    """UUID for the header x-jito-auth, as ${NAME} of an environment variable; never shown."""

    requests_per_second: float = Field(default=1.0, gt=0, le=100_000, allow_inf_nan=False)
    """Requests it allows in a second; without a UUID Jito allows one per region."""

    kind: Literal["jito_bundle", "jito_transaction"] = "jito_bundle"
    """jito_bundle: sendBundle; jito_transaction: sendTransaction with revert protection."""

    @model_validator(mode="after")
    def _is_reached_safely(self) -> Self:
        if self.url.scheme not in ("http", "https"):
            raise ValueError(f"{self.url} begins with neither of http, https")
        if self.url.scheme == "http" and not is_loopback(self.url):
            raise ValueError(f"{self.url}: http:// only to this machine; use https://")
        return self


def is_loopback(url: SecretUrl) -> bool:
    """Return whether a URL leads to this machine."""
    try:
        return url.host == "localhost" or ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False


def check_engines(engines: tuple[BlockEngineSettings, ...]) -> None:
    """Check a list of block engines.

    Raises:
        ValueError: There are too many, or two of one name.
    """
    if len(engines) > MAX_ENGINES:
        raise ValueError(f"block_engines: there are {len(engines)}, it may be {MAX_ENGINES}")
    names = [engine.name for engine in engines]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"block_engines: {twice[0]} is the name of two, each has its own")


__all__ = [
    "BlockEngineSettings",
    "ExecutionSettings",
    "WalletSettings",
    "check_engines",
    "is_loopback",
]
