"""`phantom programs`: bytecode for rehearsals, where it came from, and whether the chain still runs it."""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.endpoints_asked import UrlOption, asked_endpoints
from phantom_arbiter.commands.pools_asked import stage_bars
from phantom_arbiter.commands.run import ConfigOption, JsonOption

if TYPE_CHECKING:
    from phantom_arbiter.execution.programs import Checked, Entry, ProgramFolder
    from phantom_arbiter.sources.endpoints import Endpoint
    from phantom_arbiter.sources.snapshots import OnProgress

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--programs-dir",
        metavar="FOLDER",
        help="Folder of <program id>.so files; by default one in the user's cache.",
        envvar="PHANTOM_PROGRAM_CACHE",
    ),
]
ProgramOption = Annotated[
    list[str] | None,
    typer.Option(
        "--program",
        metavar="ID|VENUE",
        help="A program by its id, or those of a venue; may be repeated. By default those of all venues.",
    ),
]


def build_programs() -> typer.Typer:
    """Return the commands about programs."""
    app = typer.Typer(no_args_is_help=True, help=__doc__)
    app.command("list")(show)
    app.command("fetch")(fetch)
    app.command("check")(check)
    return app


def show(programs_dir: FolderOption = None, as_json: JsonOption = False) -> None:
    """List the bytecode that is there, and the venue programs that are not."""
    from rich.console import Console

    from phantom_arbiter.render_programs import checked_to_json, render_checked

    folder = open_folder(programs_dir)
    found = asyncio.run(folder.check(None, {}, list(known_programs())))
    if as_json:
        print(json.dumps(checked_to_json(folder.path, found, known_programs()), indent=2))
    else:
        render_checked(folder.path, found, known_programs(), Console())


def fetch(
    program: ProgramOption = None,
    url: UrlOption = None,
    programs_dir: FolderOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read programs over RPC into the folder; what is there already is replaced."""
    from rich.console import Console

    from phantom_arbiter.config_sources import load
    from phantom_arbiter.errors import EXIT_FAILED
    from phantom_arbiter.render_programs import fetched_to_json, render_fetched

    settings = load({}, config).config
    endpoints = asked_endpoints(settings, url or [])
    folder = open_folder(programs_dir or settings.execution.programs_dir)
    wanted = asked_programs(program or [])
    with stage_bars() as on_stage:
        entries, failures = asyncio.run(_fetch(endpoints, folder, wanted, on_stage("programs")))
    if as_json:
        print(json.dumps(fetched_to_json(folder.path, entries, failures), indent=2))
    else:
        render_fetched(folder.path, entries, failures, known_programs(), Console(), Console(stderr=True))
    if failures:
        raise typer.Exit(EXIT_FAILED)


def check(
    url: UrlOption = None,
    programs_dir: FolderOption = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Compare files and manifest only; ask nobody.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether the files are what was fetched, and whether the chain still runs them.

    Exit status 1: a file may not be rehearsed with, or is not of a deployment in market.verified_deployments,
    or no venue's program is there.
    """
    from rich.console import Console

    from phantom_arbiter.config_sources import load
    from phantom_arbiter.errors import EXIT_FAILED
    from phantom_arbiter.render_programs import checked_to_json, render_checked

    settings = load({}, config).config
    folder = open_folder(programs_dir or settings.execution.programs_dir)
    endpoints = [] if offline else asked_endpoints(settings, url or [])
    verified = {str(each): slot for each, slot in settings.market.verified_deployments.items()}
    found = asyncio.run(_check(endpoints, folder, verified))
    is_empty = not any(each.program in known_programs() for each in found)
    if as_json:
        print(json.dumps(checked_to_json(folder.path, found, known_programs()), indent=2))
    else:
        render_checked(folder.path, found, known_programs(), Console())
    if is_empty:
        typer.echo(
            f"{folder.path}: no program of any venue is there; `phantom programs fetch` reads them", err=True
        )
    if is_empty or not all(each.is_good for each in found):
        raise typer.Exit(EXIT_FAILED)


def open_folder(path: Path | None) -> ProgramFolder:
    """Return the folder that was named, or the user's."""
    from platformdirs import user_cache_path

    from phantom_arbiter.execution.programs import ProgramFolder

    return ProgramFolder(path or user_cache_path("phantom-arbiter") / "programs")


def known_programs() -> dict[str, str]:
    """Return the venue of every venue program."""
    from phantom_arbiter.execution.programs import venue_programs
    from phantom_core import Market

    return venue_programs(Market().venues())


def asked_programs(words: list[str]) -> list[str]:
    """Return the programs that ids and venues name.

    Raises:
        ConfigError: A word is neither.
    """
    from phantom_arbiter.errors import ConfigError
    from phantom_core import Address, InvalidInput

    known = known_programs()
    if not words:
        return list(known)
    found: list[str] = []
    for word in words:
        of_venue = [program for program, venue in known.items() if venue == word]
        try:
            found += of_venue or [str(Address(word))]
        except InvalidInput:
            venues = ", ".join(sorted(set(known.values())))
            raise ConfigError(f"--program {word}: neither an address nor a venue ({venues})") from None
    return list(dict.fromkeys(found))


async def _fetch(
    endpoints: list[Endpoint], folder: ProgramFolder, programs: list[str], on_progress: OnProgress
) -> tuple[list[Entry], dict[str, str]]:
    from datetime import UTC, datetime

    from phantom_arbiter.execution.programs import ProgramError, RpcAccount
    from phantom_arbiter.execution.programs import fetch as fetch_one
    from phantom_arbiter.sources.rpc import RpcPool

    entries: list[Entry] = []
    failures: dict[str, str] = {}
    async with RpcPool(endpoints) as pool:
        chain = RpcAccount(pool)
        for number, program in enumerate(programs):
            on_progress(number, len(programs))
            try:
                bytecode = await fetch_one(chain, program)
            except ProgramError as error:
                failures[program] = str(error)
            else:
                entries.append(folder.store(bytecode, datetime.now(UTC).isoformat(timespec="seconds")))
        on_progress(len(programs), len(programs))
    return entries, failures


async def _check(endpoints: list[Endpoint], folder: ProgramFolder, verified: dict[str, int]) -> list[Checked]:
    from phantom_arbiter.execution.programs import RpcAccount
    from phantom_arbiter.sources.rpc import RpcPool

    async with RpcPool(endpoints) if endpoints else nullcontext() as pool:
        return await folder.check(None if pool is None else RpcAccount(pool), verified)
