"""`phantom wallet`: make, show and copy a key, and close token accounts that lie idle."""

from __future__ import annotations

import json
import sys
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
    from phantom_arbiter.execution.sweep import Holding

PlaceArgument = Annotated[
    str, typer.Argument(metavar="FILE|keyring:NAME", help="Where the key goes; nothing is overwritten.")
]


def build_wallet() -> typer.Typer:
    """Return the commands about the wallet."""
    app = typer.Typer(no_args_is_help=True, help=__doc__)
    app.callback()(_wallet)
    app.command("new")(new)
    app.command("import")(copy)
    app.command("show")(show)
    app.command("open")(open_accounts)
    app.command("wrap")(wrap)
    app.command("unwrap")(unwrap)
    app.command("sweep")(sweep)
    return app


def _wallet() -> None:
    """The wallet: its key, its balances, and rent that can come back."""


def new(place: PlaceArgument) -> None:
    """Make a key and store it: a file for its owner alone (mode 0600), or an entry of the keyring."""
    from phantom_arbiter.key_source import key_source
    from phantom_arbiter.keys import new_key

    target = key_source(place)
    address = new_key(target)
    print(address)
    print(f"the key is in {target}: keep a copy, nobody can restore it", file=sys.stderr)


def copy(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|env:NAME|keyring:NAME|-", help="Where the key is; - asks for it, or reads stdin."
        ),
    ],
    place: PlaceArgument,
) -> None:
    """Copy a key to a new place: JSON array of solana-keygen, or base58 as browser wallets show it."""
    from phantom_arbiter.key_source import key_source
    from phantom_arbiter.keys import copy_key

    target = key_source(place)
    address = copy_key(_typed() if source == "-" else key_source(source), target)
    print(address)
    print(f"the key is in {target}", file=sys.stderr)


def _typed() -> bytearray:
    if sys.stdin.isatty():
        from getpass import getpass

        return bytearray(getpass("key (not shown): ").encode(errors="surrogateescape"))
    return bytearray(sys.stdin.buffer.read(2_048))


def show(
    key: KeyOption = None, url: UrlOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Print the wallet's address and what it holds."""
    from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook

    settings = asked_settings(config, key)

    async def read(operator: Operator) -> tuple[str, int, list[Holding]]:
        from phantom_arbiter.execution.chain import read_accounts
        from phantom_arbiter.execution.sweep import holdings

        account = (await read_accounts(operator.rpc, [operator.address]))[operator.address]
        return operator.address, 0 if account is None else account.lamports, await holdings(operator)

    address, lamports, found = operate(settings, url or [], read)
    if as_json:
        tokens = [
            {
                "mint": each.mint,
                "account": each.address,
                "amount": each.amount,
                "rent_lamports": each.lamports,
            }
            for each in found
        ]
        print(json.dumps({"address": address, "lamports": lamports, "token_accounts": tokens}, indent=2))
        return
    book = MintBook(WELL_KNOWN_MINTS)
    print(address)
    print(f"{sol(lamports):>28}")
    for each in sorted(found, key=lambda each: (-each.amount, each.mint)):
        print(f"{book.amount(each.mint, each.amount):>28}  {each.address}")


def sweep(
    close_empty: Annotated[
        bool, typer.Option("--close-empty", help="Close accounts that hold nothing.")
    ] = False,
    burn_dust: Annotated[
        bool, typer.Option("--burn-dust", help="Burn what accounts with dust hold, and close them too.")
    ] = False,
    max_dust: Annotated[
        int, typer.Option("--max-dust", metavar="N", min=0, help="Base units up to which a balance is dust.")
    ] = 100,
    yes: YesOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List token accounts that lie idle and what their rent is worth; close them if told to.

    Accounts of the mints in engine.base_mints stay, and those in wallet.token_accounts. Without --close-empty
    or --burn-dust nothing is done.
    """
    settings = asked_settings(config, key)
    kinds = {kind for kind, wanted in (("empty", close_empty), ("dust", burn_dust)) if wanted}

    async def work(operator: Operator) -> tuple[list[Holding], list[Holding], int | None]:
        from phantom_arbiter.execution import sweep as sweeping

        keep = frozenset([*settings.engine.base_mints, *settings.wallet.token_accounts.values()])
        found = await sweeping.holdings(operator, max_dust=max_dust, keep=keep)
        chosen = [each for each in found if each.kind in kinds]
        if not as_json:
            _list(found)
        if not chosen:
            return found, chosen, None
        fees = len(sweeping.batches(chosen)) * operator.fee_lamports
        rent = sum(each.lamports for each in chosen)
        burned = sum(each.kind == "dust" for each in chosen)
        what = f"{len(chosen)} token accounts" + (f" ({burned} of them hold dust: BURNED)" if burned else "")
        question = f"close {what} for {sol(rent)} of rent, at {sol(fees)} of fees?"
        if not may_go_on(question, yes):
            return found, chosen, None
        return found, chosen, await sweeping.sweep(operator, chosen)

    found, chosen, back = operate(settings, url or [], work, quiet=as_json)
    if as_json:
        answer = {
            "token_accounts": [asdict(each) for each in found],
            "chosen": [each.address for each in chosen],
            "returned_lamports": back,
        }
        print(json.dumps(answer, indent=2))
    elif back is not None:
        print(f"{sol(back)} came back")


def _list(found: list[Holding]) -> None:
    from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook

    book = MintBook(WELL_KNOWN_MINTS)
    for each in found:
        why = f" ({each.why})" if each.why else ""
        print(
            f"{each.kind:<6} {sol(each.lamports)}  {each.address}  {book.amount(each.mint, each.amount)}{why}"
        )
    idle = [each for each in found if each.kind in ("empty", "dust")]
    print(f"{len(idle)} of {len(found)} lie idle: {sol(sum(each.lamports for each in idle))} could come back")


def open_accounts(
    mints: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MINT]...", help="By default those of engine.base_mints.", show_default=False
        ),
    ] = None,
    yes: YesOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
) -> None:
    """Create the wallet's token accounts of these mints ahead of time, where they are missing."""
    settings = asked_settings(config, key)
    wanted = mints or list(settings.engine.base_mints)

    async def work(operator: Operator) -> int:
        from phantom_arbiter.errors import ConfigError
        from phantom_arbiter.execution.token_accounts import TokenAccounts, create_missing

        accounts = TokenAccounts(operator.address, settings.wallet.token_accounts, max_created=len(wanted))
        await accounts.refresh(operator.rpc, wanted)
        plan = accounts.plan(wanted)
        if plan.obstacle is not None:
            raise ConfigError(f"there is no mint {plan.blocking[0]}")
        if not plan.creates:
            print("all of them are there")
            return 0
        question = f"create {len(plan.creates)} token accounts for {sol(plan.rent_lamports)} of rent?"
        return await create_missing(operator, accounts, plan.creates) if may_go_on(question, yes) else 0

    created = operate(settings, url or [], work)
    if created:
        print(f"{created} token accounts were created")


def wrap(
    amount: Annotated[str, typer.Argument(metavar="SOL", help="How much, such as 0.5.")],
    yes: YesOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
) -> None:
    """Turn SOL of the wallet into wrapped SOL, which cycles trade; `sweep` never closes that account."""
    from decimal import Decimal, InvalidOperation

    from phantom_arbiter.config_types import WSOL
    from phantom_arbiter.errors import ConfigError

    try:
        exact = Decimal(amount) * 10**9
    except InvalidOperation:
        exact = Decimal(0)
    if not exact.is_finite() or exact != int(exact) or not 0 < exact < 2**63:
        raise ConfigError(f"amount is {amount}, it may be a number of SOL above 0 with at most nine decimals")
    lamports = int(exact)
    settings = asked_settings(config, key)

    async def work(operator: Operator) -> bool:
        from phantom_arbiter.execution.chain import TOKEN_PROGRAM
        from phantom_core import associated_token_account, create_token_account, wrap_sol

        if not may_go_on(f"wrap {sol(lamports)}?", yes):
            return False
        us = operator.address
        account = settings.wallet.token_accounts.get(WSOL)
        made = [] if account else [create_token_account(us, us, WSOL, TOKEN_PROGRAM)]
        account = account or str(associated_token_account(us, WSOL, TOKEN_PROGRAM))
        made += wrap_sol(us, account, lamports, TOKEN_PROGRAM)
        await operator.carry_out(made, f"wrapping {sol(lamports)}")
        return True

    if operate(settings, url or [], work):
        print(f"{sol(lamports)} wrapped")


def unwrap(
    yes: YesOption = False, key: KeyOption = None, url: UrlOption = None, config: ConfigOption = None
) -> None:
    """Turn all wrapped SOL back into SOL: close its account, which returns the rent too."""
    from phantom_arbiter.config_types import WSOL

    settings = asked_settings(config, key)

    async def work(operator: Operator) -> int | None:
        from phantom_arbiter.errors import ConfigError
        from phantom_arbiter.execution.chain import TOKEN_PROGRAM, read_accounts
        from phantom_core import associated_token_account, close_token_account

        us = operator.address
        if WSOL in settings.wallet.token_accounts:
            named = settings.wallet.token_accounts[WSOL]
            raise ConfigError(
                f"wallet.token_accounts names {named} for wrapped SOL, and would name what is not there",
                hint="take it out of wallet.token_accounts to close it",
            )
        account = str(associated_token_account(us, WSOL, TOKEN_PROGRAM))
        held = (await read_accounts(operator.rpc, [account]))[account]
        if held is None:
            raise ConfigError(f"there is no wrapped SOL: {account} does not exist")
        if not may_go_on(f"close {account} for {sol(held.lamports)}?", yes):
            return None
        await operator.carry_out([close_token_account(account, us, us, TOKEN_PROGRAM)], f"closing {account}")
        return held.lamports

    back = operate(settings, url or [], work)
    if back is not None:
        print(f"{sol(back)} came back")
