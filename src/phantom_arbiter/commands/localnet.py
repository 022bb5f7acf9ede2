"""`phantom localnet`: serve a local Solana RPC node, with faults on demand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from phantom_arbiter.commands.run import JsonOption, complete_venue

DEFAULT_PORT = 8899


def localnet(
    endpoints: Annotated[int, typer.Option(help="How many endpoints, each with two ports.")] = 1,
    source: Annotated[
        str,
        typer.Option(
            metavar="demo|simulator|empty|FILE",
            help="What moves the accounts: the shipped day, a seeded market of all venues, nothing, or a "
            "recording or snapshot.",
        ),
    ] = "simulator",
    snapshot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Further accounts, there from the start.", dir_okay=False),
    ] = None,
    rate: Annotated[
        str, typer.Option(metavar="N|max", help="Account writes per second; max: as clients take them.")
    ] = "1000",
    seed: Annotated[int, typer.Option(help="Simulator and faults follow from it.")] = 0,
    faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file: what goes wrong at which endpoint.", dir_okay=False),
    ] = None,
    port: Annotated[
        int, typer.Option(help="HTTP port of the first endpoint, WebSocket on the next; 0: any free ones.")
    ] = DEFAULT_PORT,
    slot_ms: Annotated[float, typer.Option(help="Length of a slot in milliseconds.")] = 400.0,
    prepare: Annotated[
        int, typer.Option(metavar="N", help="Make N writes beforehand and play them over and over.")
    ] = 0,
    venue: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VENUE",
            help="Simulate only this venue; may be repeated.",
            autocompletion=complete_venue,
        ),
    ] = None,
    program: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=FILE", help="Deploy a program's bytecode; may be repeated."),
    ] = None,
    block_engine: Annotated[
        bool, typer.Option("--block-engine", help="Serve a block engine too: Jito's interface for bundles.")
    ] = False,
    regions: Annotated[
        int | None,
        typer.Option(min=1, help="Regions of the block engine, each with a port; one unless told."),
    ] = None,
    engine_faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file: what goes wrong at which region.", dir_okay=False),
    ] = None,
    write_config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write settings with its endpoints and pools, for the --config of other commands.",
            dir_okay=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a local Solana node on loopback until Ctrl-C: JSON-RPC, pub-sub, transactions, faults."""
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.localnet.block_engine.faults import EngineFaults
    from phantom_arbiter.localnet.faults.plan import load_plans, read_plans
    from phantom_arbiter.localnet.net import NetSettings
    from phantom_arbiter.localnet.serve import run
    from phantom_core import venue_names

    unknown = sorted(set(venue or ()) - set(venue_names()))
    if unknown:
        raise ConfigError(f"there is no venue {unknown[0]}", hint=f"known are {', '.join(venue_names())}")
    if not block_engine and (regions is not None or engine_faults is not None):
        given = "--engine-faults" if regions is None else "--regions"
        raise ConfigError(f"there is no block engine for {given}", hint="add --block-engine")
    served = (1 if regions is None else regions) if block_engine else 0
    settings = NetSettings(
        endpoints=endpoints,
        source=source,
        rate=_rate(rate),
        seed=seed,
        faults=() if faults is None else tuple(load_plans(faults, endpoints)),
        port=port,
        slot_ms=slot_ms,
        prepare=prepare,
        venues=tuple(venue or ()),
        snapshot=snapshot,
        programs=_programs(program or []),
        regions=served,
        engine_faults=(
            ()
            if engine_faults is None
            else tuple(read_plans(engine_faults, served, EngineFaults(), "region"))
        ),
    )
    stats = run(settings, _announce_json if as_json else _announce, write_config)
    if as_json:
        print(json.dumps(stats))
    else:
        told = sum(each["notifications"] for each in stats["endpoints"])
        print(
            f"stopped in slot {stats['slot']:,}: {stats['writes']:,} writes, {told:,} notifications, "
            f"{stats['transactions']:,} transactions",
            file=sys.stderr,
        )


def _rate(text: str) -> float | None:
    from phantom_arbiter.errors import ConfigError

    if text == "max":
        return None
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"rate is {text}, it may be a number of writes per second or max") from None


def _programs(words: list[str]) -> dict[str, Path]:
    from phantom_arbiter.errors import ConfigError
    from phantom_core import Address, InvalidInput

    programs = {}
    for word in words:
        name, separator, file = word.partition("=")
        path = Path(file)
        try:
            Address(name)
        except InvalidInput:
            separator = ""
        if not separator:
            raise ConfigError(f"program is {word}, it may be an address, = and a file")
        if not path.is_file():
            raise ConfigError(f"program file {path} does not exist")
        programs[name] = path
    return programs


def _announce(found: dict[str, Any]) -> None:
    for each in found["endpoints"]:
        print(f"{each['name']:<10} {each['http']}  {each['ws']}")
    for each in found["regions"]:
        print(f"{each['name']:<10} {each['url']}  block engine")
    print(f"{'control':<10} {found['control']}", flush=True)
    if found["config_file"] is not None:
        print(f"settings for other commands are in {found['config_file']}: --config", file=sys.stderr)
    print(
        f"{found['accounts']:,} accounts from {found['source']}, slot {found['slot']:,}; Ctrl-C stops",
        file=sys.stderr,
    )


def _announce_json(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)
