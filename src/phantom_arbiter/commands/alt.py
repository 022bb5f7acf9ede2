"""`phantom alt`: address lookup tables, which let a transaction name more accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.endpoints_asked import UrlOption, asked_endpoints
from phantom_arbiter.commands.operator_asked import (
    KeyOption,
    YesOption,
    asked_settings,
    may_go_on,
    operate,
    sol,
    tell,
)
from phantom_arbiter.commands.pools_asked import asked_pools, stage_bars
from phantom_arbiter.commands.run import ConfigOption, JsonOption

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.execution.admin import Operator
    from phantom_arbiter.execution.lookup_tables import PlannedTable, Table, TableFault

MarketOption = Annotated[
    Path | None,
    typer.Option(
        "--source",
        metavar="FILE",
        help="Plan for the pools of this snapshot or recording, instead of those of [discovery].",
        dir_okay=False,
    ),
]
MaxTablesOption = Annotated[
    int, typer.Option("--max-tables", metavar="N", min=1, max=64, help="Most tables; further pools get none.")
]
TableArgument = Annotated[str, typer.Argument(metavar="ADDRESS", help="The table.")]


def build_alt() -> typer.Typer:
    """Return the commands about lookup tables."""
    app = typer.Typer(no_args_is_help=True, help=__doc__)
    app.callback()(_alt)
    app.command("plan")(plan)
    app.command("create")(create)
    app.command("extend")(extend)
    app.command("list")(show)
    app.command("close")(close)
    return app


def _alt() -> None:
    """Address lookup tables of the wallet."""


def plan(
    source: MarketOption = None,
    max_tables: MaxTablesOption = 4,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which addresses of the market are worth a table, and what it would cost."""
    from phantom_arbiter.table_plan import rent_lamports

    settings = asked_settings(config, key)
    planned = _planned(settings, source, url or [], max_tables)
    if as_json:
        found = [
            {
                "addresses": list(each.addresses),
                "pools": list(each.pools),
                "rent_lamports": rent_lamports(len(each.addresses)),
            }
            for each in planned
        ]
        print(json.dumps(found, indent=2))
        return
    for number, each in enumerate(planned, start=1):
        rent = sol(rent_lamports(len(each.addresses)))
        print(f"table {number}: {len(each.addresses)} addresses of {len(each.pools)} pools, rent {rent}")
    if not planned:
        print("nothing is worth a table")


def create(
    source: MarketOption = None,
    max_tables: MaxTablesOption = 4,
    yes: YesOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the planned tables, or fill up those that are there. Broken off, call it again: it goes on."""
    settings = asked_settings(config, key)
    planned = _planned(settings, source, url or [], max_tables)

    async def work(operator: Operator) -> list[str]:
        from phantom_arbiter.errors import EndpointError
        from phantom_arbiter.execution import table_keeper
        from phantom_arbiter.table_plan import match

        named = settings.execution.lookup_tables
        try:
            own = await table_keeper.find_own(operator.rpc, operator.address)
        except EndpointError as error:
            tell(
                f"tables that are there already cannot be searched for, only the settings' are known: {error}"
            )
            own = [await table_keeper.read_own(operator, address) for address in named]
        made = []
        for table, addresses in match(planned, own):
            if table is not None and not addresses:
                made.append(table.address)
                continue
            cost = await table_keeper.cost_of(operator, table, len(addresses))
            what = "a lookup table of" if table is None else f"lookup table {table.address} more by"
            question = (
                f"make {what} {len(addresses)} addresses for {sol(cost.rent_lamports)} of rent and "
                f"{sol(cost.fee_lamports)} of fees, in {cost.transactions} transactions?"
            )
            if not may_go_on(question, yes):
                continue
            done = (
                await table_keeper.create(operator, addresses)
                if table is None
                else await table_keeper.extend(operator, table.address, addresses)
            )
            made.append(done.address)
        return made

    made = operate(settings, url or [], work, quiet=as_json)
    print(json.dumps({"lookup_tables": made}, indent=2) if as_json else f"lookup_tables = {json.dumps(made)}")


def extend(
    table: TableArgument,
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="What to add to it.")],
    yes: YesOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
) -> None:
    """Add addresses to a table; those that it holds are not added again."""
    from phantom_arbiter.errors import ConfigError, InvalidInput
    from phantom_core import Address

    try:
        wanted = [str(Address(each)) for each in addresses]
    except InvalidInput as error:
        raise ConfigError(str(error)) from None
    settings = asked_settings(config, key)

    async def work(operator: Operator) -> Table | None:
        from phantom_arbiter.execution import table_keeper

        held = await table_keeper.read_own(operator, table)
        lacking = [each for each in dict.fromkeys(wanted) if each not in held.addresses]
        cost = await table_keeper.cost_of(operator, held, len(lacking))
        question = f"add {len(lacking)} addresses for {sol(cost.rent_lamports)} of rent?"
        return await table_keeper.extend(operator, table, lacking) if may_go_on(question, yes) else None

    done = operate(settings, url or [], work)
    if done is not None:
        print(f"{done.address} holds {len(done.addresses)} addresses")


def show(
    key: KeyOption = None, url: UrlOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """List the wallet's tables, and those of the settings."""
    settings = asked_settings(config, key)
    named = settings.execution.lookup_tables

    async def read(operator: Operator) -> list[Table | TableFault]:
        from phantom_arbiter.errors import EndpointError
        from phantom_arbiter.execution.lookup_tables import read_tables
        from phantom_arbiter.execution.table_keeper import find_own

        own: list[Table | TableFault] = []
        try:
            own += await find_own(operator.rpc, operator.address)
        except EndpointError as error:
            tell(f"only the settings' tables are listed, no endpoint searches for others: {error}")
        others = [address for address in named if address not in {each.address for each in own}]
        return own + await read_tables(operator.rpc, others, [operator.address])

    found = operate(settings, url or [], read)
    rows = [_row(each, each.address in named) for each in found]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        mark = "in settings" if row["in_settings"] else "not in settings"
        detail = row.get("detail") or (
            f"{row['addresses']} addresses, {row['state']}, {mark}, {sol(int(str(row['lamports'])))}"
        )
        print(f"{row['address']}  {detail}")
    if not rows:
        print("there are none; phantom alt create makes some")


def _row(found: Table | TableFault, in_settings: bool) -> dict[str, object]:
    from phantom_arbiter.execution.lookup_tables import Table

    row: dict[str, object] = {"address": found.address, "in_settings": in_settings}
    if not isinstance(found, Table):
        return {**row, "state": found.fault, "detail": found.detail}
    state = (
        "in use" if found.deactivation_slot is None else f"out of use since slot {found.deactivation_slot}"
    )
    return {**row, "state": state, "addresses": len(found.addresses), "lamports": found.lamports}


def close(
    table: TableArgument,
    yes: YesOption = False,
    key: KeyOption = None,
    url: UrlOption = None,
    config: ConfigOption = None,
) -> None:
    """Put a table out of use, wait some 512 slots (four minutes), and close it for its rent."""
    settings = asked_settings(config, key)

    async def work(operator: Operator) -> int | None:
        from phantom_arbiter.commands.source import progress_bar
        from phantom_arbiter.execution import table_keeper

        held = await table_keeper.read_own(operator, table)
        question = f"close lookup table {table} of {len(held.addresses)} addresses for {sol(held.lamports)}?"
        if not may_go_on(question, yes):
            return None
        with progress_bar("slots until it may be closed") as waiting:
            return await table_keeper.close(operator, table, waiting)

    back = operate(settings, url or [], work)
    if back is not None:
        print(f"{sol(back)} came back")


def _planned(settings: Config, source: Path | None, urls: list[str], max_tables: int) -> list[PlannedTable]:
    from phantom_arbiter.table_plan import plan_of_market

    wallet = None
    if settings.wallet.key is not None:
        from phantom_arbiter.keys import load_signer

        wallet = load_signer(settings.wallet.key).address
    market = str(source) if source is not None else None
    if market is not None:
        return plan_of_market(market, wallet, settings.wallet.token_accounts, max_tables)
    import asyncio
    import tempfile

    from phantom_arbiter.market_snapshot import take_snapshot

    request = asked_pools(settings.discovery, [], [], [], None)
    endpoints = asked_endpoints(settings, urls)
    with tempfile.TemporaryDirectory(prefix="phantom-alt-") as folder, stage_bars() as on_stage:
        path = Path(folder) / "market.jsonl.gz"
        asyncio.run(take_snapshot(endpoints, request, path, on_stage))
        return plan_of_market(str(path), wallet, settings.wallet.token_accounts, max_tables)
