"""`phantom report`: one run as one HTML file."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from phantom_arbiter.commands.run import MAX_ID, ConfigOption


def report(
    run_id: Annotated[
        int | None,
        typer.Argument(
            metavar="RUN", min=1, max=MAX_ID, help="Its id; the newest that tried something if left out."
        ),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option("--journal", metavar="PATH", help="SQLite journal; the configured one if left out."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Where to; report-run-ID.html if left out.", dir_okay=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    config: ConfigOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON; the page is written with --out only.")
    ] = False,
) -> None:
    """Write one run as a self-contained HTML file.

    Profit curve, sums by venue, token and strategy, best and worst trades, signals and refusals by reason,
    speed. It holds no script and needs nothing from elsewhere.
    """
    import gc

    from phantom_arbiter.config_sources import load
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.journal import read_run
    from phantom_arbiter.report import gather, render_page, to_json

    if open_it and as_json and out is None:
        raise ConfigError("--open has nothing to open beside --json", hint="name a file with --out")
    path = load(config_file=config).config.journal.path if journal is None else journal
    # Rows hold no cycles: looking through a hundred thousand of them again and again takes half of the time.
    gc.disable()
    try:
        found = gather(path, read_run(path, run_id))
        if out is not None or not as_json:
            out = Path(f"report-run-{found.run.id}.html") if out is None else out
            _write(out, render_page(found), force=force)
        if as_json:
            print(json.dumps(to_json(found), indent=2))
        else:
            print(f"{out}: run {found.run.id}, {len(found.rows.attempts):,} attempts")
    finally:
        gc.enable()
    if open_it and out is not None:
        import webbrowser

        webbrowser.open(out.absolute().as_uri())


def _write(out: Path, page: str, *, force: bool) -> None:
    """Write the page, whole or not at all.

    Raises:
        ConfigError: The file is there already, or its folder is not.
        JournalError: It cannot be written.
    """
    from phantom_arbiter.errors import ConfigError, JournalError

    if out.exists() and not force:
        raise ConfigError(f"{out} already exists and is not overwritten", hint="--force, or another --out")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: folder {out.parent} does not exist")
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(out)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise JournalError(f"report {out} cannot be written: {reason}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
