"""What the commands that sign something share: the wallet, endpoints, and leave to do it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from phantom_arbiter.commands.endpoints_asked import asked_endpoints

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.execution.admin import Operator
    from phantom_core import Signer

Value = TypeVar("Value")

YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="FILE|env:NAME|keyring:NAME",
        help="Whose wallet, instead of the settings' wallet.key.",
        show_default=False,
    ),
]


def asked_settings(config: Path | None, key: str | None, *, live: bool = False) -> Config:
    """Return the settings, with the key of the command line; as a live run has them if `live`.

    Raises:
        ConfigError: They are wrong.
    """
    from phantom_arbiter.config_sources import load

    flags: dict[str, Any] = {} if key is None else {"wallet": {"key": key}}
    return load({**flags, "mode": "live"} if live else flags, config).config


def asked_signer(settings: Config) -> Signer:
    """Return the wallet's signer.

    Raises:
        ConfigError: No key is named.
        WalletError: It cannot be had.
    """
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.keys import load_signer

    if settings.wallet.key is None:
        raise ConfigError("there is no wallet", hint="name a key with --key, or set wallet.key")
    return load_signer(settings.wallet.key)


def operate(
    settings: Config, urls: list[str], work: Callable[[Operator], Awaitable[Value]], *, quiet: bool = False
) -> Value:
    """Return what `work` comes to with an operator of the settings' wallet and endpoints.

    Raises:
        PhantomError: What `asked_signer`, `asked_endpoints` and the work raise.
    """
    from phantom_arbiter.execution.admin import Operator
    from phantom_arbiter.sources.rpc import RpcPool

    signer = asked_signer(settings)
    endpoints = asked_endpoints(settings, urls)
    price = settings.costs.compute_unit_price_micro_lamports

    async def run() -> Value:
        pool: AbstractAsyncContextManager[RpcPool] = RpcPool(endpoints)
        async with pool as rpc:
            told = (lambda text: None) if quiet else tell
            return await work(Operator(rpc, signer, compute_unit_price=price, told=told))

    return asyncio.run(run())


def tell(text: str) -> None:
    """Say how far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)


def may_go_on(question: str, yes: bool) -> bool:
    """Return whether the operator wants it: by --yes, or by an answer on a terminal."""
    if yes:
        return True
    if not sys.stdin.isatty():
        tell(f"{question} nothing is done without --yes")
        return False
    return typer.confirm(question, err=True)


def sol(lamports: int) -> str:
    """Return lamports in words."""
    sign = "-" if lamports < 0 else ""
    whole, rest = divmod(abs(lamports), 10**9)
    return f"{sign}{whole:,}.{rest:09d} SOL"


__all__ = ["KeyOption", "YesOption", "asked_settings", "asked_signer", "may_go_on", "operate", "sol", "tell"]
