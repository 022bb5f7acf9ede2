"""`phantom nonce`: durable nonces, with which of several copies of an attempt one can land at most."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.endpoints_asked import UrlOption
from phantom_arbiter.commands.operator_asked import (
    KeyOption,
    YesOption,
    asked_settings,
    may_go_on,
    operate,
    sol,
)
from phantom_arbiter.commands.run import ConfigOption, JsonOption

if TYPE_CHECKING:
    from phantom_arbiter.execution.admin import Operator
    from phantom_arbiter.execution.nonces import Nonce, NonceFault


def build_nonce() -> typer.Typer:
    """Return the commands about durable nonces."""
    app = typer.Typer(no_args_is_help=True, help=__doc__)
    app.callback()(_nonce)
    app.command("create")(create)
    app.command("list")(show)
    app.command("advance")(advance)
    app.command("close")(close)
    return app


def _nonce() -> None:
    """Durable nonces of the wallet."""


def create(
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, max=64, help="How many more.")] = 4,
    yes: YesOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make nonce accounts; their addresses follow from the wallet, so none is ever lost."""
    settings = asked_settings(config, key)

    async def work(operator: Operator) -> list[str] | None:
        from phantom_arbiter.execution import nonces

        rent = await nonces.rent_of(operator.rpc)
        fees = -(-count // nonces.PER_TRANSACTION) * operator.fee_lamports
        question = f"make {count} nonce accounts for {sol(count * rent)} of rent and {sol(fees)} of fees?"
        return await nonces.create(operator, count) if may_go_on(question, yes) else None

    made = operate(settings, url or [], work, quiet=as_json)
    if as_json:
        print(json.dumps({"created": made}, indent=2))
    elif made is not None:
        print(f"nonce_accounts = {json.dumps(made)}")


def show(
    key: KeyOption = None, url: UrlOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """List the wallet's nonce accounts, and those of the settings."""
    settings = asked_settings(config, key)
    named = settings.execution.nonce_accounts

    async def read(operator: Operator) -> list[Nonce | NonceFault]:
        from phantom_arbiter.execution.nonces import find_own, read_nonces

        own = list((await find_own(operator.rpc, operator.address)).values())
        others = [address for address in named if address not in {each.address for each in own}]
        return own + await read_nonces(operator.rpc, others, operator.address)

    found = operate(settings, url or [], read)
    if as_json:
        print(
            json.dumps([{**asdict(each), "in_settings": each.address in named} for each in found], indent=2)
        )
        return
    for each in found:
        mark = "in settings" if each.address in named else "not in settings"
        print(f"{each.address}  {_state(each)}, {mark}")
    if not found:
        print("there are none; phantom nonce create makes some")


def _state(found: Nonce | NonceFault) -> str:
    from phantom_arbiter.execution.nonces import Nonce

    return sol(found.lamports) if isinstance(found, Nonce) else found.detail


def advance(
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="Nonces to advance.")],
    yes: YesOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
) -> None:
    """Make what was signed with nonces worthless: an attempt that never landed is dead then."""
    settings = asked_settings(config, key)

    async def work(operator: Operator) -> bool:
        from phantom_arbiter.execution import nonces

        fees = -(-len(addresses) // nonces.PER_TRANSACTION) * operator.fee_lamports
        question = f"advance {len(addresses)} nonces for {sol(fees)} of fees?"
        if not may_go_on(question, yes):
            return False
        await nonces.advance(operator, addresses)
        return True

    if operate(settings, url or [], work):
        print(f"advanced: {', '.join(addresses)}")


def close(
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="Nonce accounts to close.")],
    yes: YesOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
) -> None:
    """Close nonce accounts and get their rent back; none may be in use by an attempt under way."""
    settings = asked_settings(config, key)

    async def work(operator: Operator) -> int | None:
        from phantom_arbiter.execution import nonces

        question = f"close {len(addresses)} nonce accounts?"
        return await nonces.close(operator, addresses) if may_go_on(question, yes) else None

    back = operate(settings, url or [], work)
    if back is not None:
        print(f"{sol(back)} came back")
