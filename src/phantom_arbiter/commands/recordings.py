"""`phantom recordings`: what is in recorded files, whether they are whole, and their export to Parquet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from phantom_arbiter.commands.run import JsonOption
from phantom_arbiter.replay.export import Table

if TYPE_CHECKING:
    from phantom_arbiter.replay.survey import Survey

FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Recorded files.", dir_okay=False)
]


class _ShowByDefault(TyperGroup):
    """Takes `phantom recordings FILE` as `phantom recordings show FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["show", *args]
        return super().parse_args(ctx, args)


def build_recordings() -> typer.Typer:
    """Return the commands about recorded files."""
    app = typer.Typer(cls=_ShowByDefault, no_args_is_help=True, help=__doc__)
    app.command("show")(show)
    app.command("export")(export)
    return app


def show(
    files: FilesArgument,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only say whether each is whole: closed, every block readable.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what recorded files hold: endpoints, slots, accounts, duration, and where a torn one is cut."""
    from phantom_arbiter.commands.source import progress_bar
    from phantom_arbiter.errors import RecordingError
    from phantom_arbiter.replay.survey import survey

    surveys: list[Survey] = []
    unreadable: dict[str, str] = {}
    for path in files:
        try:
            with progress_bar(path.name) as on_progress:
                surveys.append(survey(path, on_progress))
        except RecordingError as error:
            if not verify:
                raise
            unreadable[str(path)] = str(error)
    if as_json:
        rows = [found.to_json() for found in surveys]
        rows += [{"path": name, "whole": False, "damage": damage} for name, damage in unreadable.items()]
        print(json.dumps(rows, indent=2))
    elif verify:
        for found in surveys:
            print(f"{found.path}: {_state(found)}")
        for name, damage in unreadable.items():
            print(f"{name}: {damage}")
    else:
        from rich.console import Console

        from phantom_arbiter.render_recordings import render_survey

        for found in surveys:
            render_survey(found, Console())
    damaged = [found for found in surveys if found.damage is not None]
    if verify and (unreadable or any(not found.is_whole for found in surveys)):
        count = len(unreadable) + sum(not found.is_whole for found in surveys)
        raise RecordingError(f"{count} of {len(files)} recordings are not whole")
    if damaged:
        raise RecordingError(damaged[0].damage)


def _state(found: Survey) -> str:
    if found.damage is not None:
        return found.damage
    if found.torn_at is not None:
        return (
            f"torn at byte {found.torn_at}, {found.records:,} whole records before it, "
            f"{found.file_bytes - found.torn_at:,} bytes cut"
        )
    return f"whole, {found.records:,} records"


def export(
    files: FilesArgument,
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="The Parquet file; must not exist.", dir_okay=False)
    ],
    table: Annotated[
        Table, typer.Option(help="frames, writes (states of accounts), or both, in two files.")
    ] = Table.BOTH,
    as_json: JsonOption = False,
) -> None:
    """Export a recording, or the parts of one, to Parquet."""
    from phantom_arbiter.commands.source import progress_bar
    from phantom_arbiter.errors import RecordingError
    from phantom_arbiter.replay.export import export as export_parquet
    from phantom_arbiter.replay.export import exported_json
    from phantom_arbiter.replay.parts import RecordingParts

    recording = RecordingParts(files)
    with progress_bar("exporting") as on_progress:
        written = export_parquet(recording, out, table, on_progress)
    if as_json:
        print(json.dumps(exported_json(written), indent=2))
    else:
        for one in written:
            print(f"{one.path}: {one.rows:,} rows, {one.file_bytes / 1_000_000:,.1f} MB")
    if recording.torn is not None:
        path, torn_at = recording.torn
        raise RecordingError(f"recording {path} is torn at byte {torn_at}: exported what is before it")
