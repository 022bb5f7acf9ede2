"""`phantom watch`: the screen of a run that is under way; leaving it does not touch the run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption

if TYPE_CHECKING:
    from phantom_arbiter.telemetry.records import Hello
    from phantom_arbiter.telemetry.sockets import RunSocket

ASK_S = 2.0
"""How long a run may take to say who it is."""


@dataclass(frozen=True, slots=True)
class RunUnderWay:
    """A run that can be watched; what it does not say within `ASK_S` is None."""

    pid: int
    run_id: int | None
    mode: str | None
    source: str | None
    began: str
    journal: str | None
    socket: str


def watch(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]",
            help="Process id or number of the run; the newest if left out.",
            show_default=False,
        ),
    ] = None,
    as_list: Annotated[bool, typer.Option("--list", help="List the runs under way instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The list as JSON for machines.")] = False,
    config: ConfigOption = None,
) -> None:
    """Watch a run that is under way on the terminal; q leaves it, and the run goes on."""
    from phantom_arbiter.config_sources import load
    from phantom_arbiter.errors import HintedError
    from phantom_arbiter.telemetry.sockets import default_socket_dir, running
    from phantom_arbiter.tui.start import show_run

    folder = load(config_file=config).config.telemetry.socket_dir or default_socket_dir()
    found = running(folder)
    if as_list or as_json:
        _print([_under_way(each) for each in found], folder, as_json=as_json)
        return
    if not found:
        raise HintedError(f"no run is under way in {folder}", hint="phantom run starts one")
    path = found[0].path if run is None else _chosen(run, found)
    status = show_run(path, stops_run=False)
    if status:
        raise typer.Exit(status)


def _chosen(run: str, found: list[RunSocket]) -> Path:
    """Return the socket of the run with this process id, or this number in its journal."""
    from phantom_arbiter.errors import HintedError

    by_pid = next((each.path for each in found if str(each.pid) == run), None)
    if by_pid is not None:
        return by_pid
    by_number = [each for each in map(_under_way, found) if str(each.run_id) == run]
    if len(by_number) > 1:
        pids = ", ".join(str(each.pid) for each in by_number)
        raise HintedError(f"run {run} is that of several journals", hint=f"name a process: {pids}")
    if not by_number:
        raise HintedError(f"no run {run} is under way", hint="phantom watch --list")
    return Path(by_number[0].socket)


def _under_way(found: RunSocket) -> RunUnderWay:
    hello = _hello(found.path)
    began_s = found.began_unix_s if hello is None else hello.began_unix_ms / 1_000
    return RunUnderWay(
        pid=found.pid,
        run_id=None if hello is None else hello.run_id,
        mode=None if hello is None else hello.mode,
        source=None if hello is None else hello.source,
        began=datetime.fromtimestamp(began_s, UTC).isoformat(timespec="seconds"),
        journal=None if hello is None else hello.journal,
        socket=str(found.path),
    )


def _hello(path: Path) -> Hello | None:
    """Return what a run says of itself; None if it does not in time."""
    import msgspec

    from phantom_arbiter.telemetry.follow import BlockingFollower, RunGoneError
    from phantom_arbiter.telemetry.records import Hello

    try:
        with BlockingFollower(path, timeout_s=ASK_S) as follower:
            for _, record in follower:
                return record if isinstance(record, Hello) else None
    except (RunGoneError, OSError, msgspec.MsgspecError):
        pass
    return None


def _print(runs: list[RunUnderWay], folder: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(one) for one in runs], indent=2))
        return
    if not runs:
        print(f"no run is under way in {folder}")
        return

    from rich import box
    from rich.console import Console
    from rich.table import Table

    from phantom_arbiter.render import plain, print_tidy

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name in ("process", "run", "mode", "source", "began (UTC)", "journal"):
        table.add_column(name, justify="right" if name in ("process", "run") else "left", overflow="fold")
    for one in runs:
        cells = (one.run_id, one.mode, one.source, one.began[:16].replace("T", " "), one.journal)
        table.add_row(str(one.pid), *("does not say" if cell is None else plain(cell) for cell in cells))
    print_tidy(table, Console())
