"""`phantom traces`: a run's attempts as OpenTelemetry traces."""

from __future__ import annotations

from typing import Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption


def traces(
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint",
            metavar="URL",
            help="OTLP/HTTP collector; else as OTEL_EXPORTER_OTLP_ENDPOINT says, or http://localhost:4318.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        int | None,
        typer.Option(
            "--run",
            metavar="PID",
            min=1,
            help="Process of the run; else the newest, and then the next ones.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Send every attempt of a run that is under way to an OpenTelemetry collector, one trace each."""
    from phantom_arbiter.config_sources import load
    from phantom_arbiter.metrics.traces import export_all, export_one, say_on_stderr
    from phantom_arbiter.telemetry.follow import RunGoneError
    from phantom_arbiter.telemetry.sockets import find_run

    folder = load(config_file=config).config.telemetry.socket_dir
    if run is None:
        export_all(lambda: find_run(folder), endpoint, say_on_stderr)
        return
    path = find_run(folder, run)
    if path is None:
        raise RunGoneError(f"process {run} is no run that can be followed", hint="phantom watch --list")
    export_one(path, endpoint, say_on_stderr)
