"""`phantom run`: replay a recording through the engine, trade on paper, say what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.config_sources import Effective
    from phantom_arbiter.live_trading import LiveTrading


class SourceName(StrEnum):
    """What to read."""

    DEMO = "demo"
    RECORDING = "recording"
    LIVE = "live"


class UiName(StrEnum):
    """How to show a run while it runs."""

    AUTO = "auto"
    TUI = "tui"
    RICH = "rich"
    PLAIN = "plain"


def complete_venue(incomplete: str) -> list[str]:
    """Return the venues that begin like `incomplete`, for the shell."""
    from phantom_core import venue_names

    return [name for name in venue_names() if name.startswith(incomplete)]


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", envvar="PHANTOM_CONFIG", help="TOML file with settings.", dir_okay=False
    ),
]
MAX_ID = 2**63 - 1
"""Highest id that the journal can hold."""

ReleaseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--release-venue",
        metavar="VENUE",
        help="Let a venue trade in spite of signs that its program has changed; may be repeated.",
        autocompletion=complete_venue,
    ),
]
SpeedOption = Annotated[
    str | None,
    typer.Option(
        "--speed",
        metavar="1x|100x|max",
        help="Recorded time, a multiple of it, or no waiting (default).",
    ),
]
JournalOption = Annotated[
    Path | None, typer.Option("--journal", metavar="PATH", help="SQLite journal; created if missing.")
]
UiOption = Annotated[
    UiName | None,
    typer.Option(
        "--ui", help="tui: screens to go through; rich: live counters; plain: one line per event, on stderr."
    ),
]
DashboardOption = Annotated[
    bool,
    typer.Option("--dashboard", help="Show the run to browsers; a recording's dashboard stays until Ctrl-C."),
]
MaxHopsOption = Annotated[
    str | None, typer.Option("--max-hops", metavar="N", help="Longest cycle in pools, 2 to 4.")
]
HaltedOption = Annotated[bool, typer.Option("--halted", help="Kill switch: watch, but send nothing.")]
StrategyOption = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        metavar="NAME|FILE.py:CLASS",
        help="cyclic_arbitrage (default), spatial_arbitrage, mean_reversion, or a class of your own.",
    ),
]
RulesOption = Annotated[
    Path | None,
    typer.Option(
        "--rules",
        metavar="FILE",
        help="Rule file that every signal must pass, taken anew when it changes; phantom rules check.",
        dir_okay=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def run(
    source: Annotated[
        SourceName | None,
        typer.Option(
            help="demo: the recording shipped with the package (default). live: the pools of [discovery] "
            "from the [[endpoints]] of the configuration."
        ),
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Recording to replay; implies --source recording.")
    ] = None,
    speed: SpeedOption = None,
    journal: JournalOption = None,
    ui: UiOption = None,
    dashboard: DashboardOption = False,
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="90s|10m|2h", help="Stop a live run after this time; else on Ctrl-C."),
    ] = None,
    strategy: StrategyOption = None,
    rules: RulesOption = None,
    max_hops: MaxHopsOption = None,
    halted: HaltedOption = False,
    release_venue: ReleaseOption = None,
    live: Annotated[
        bool, typer.Option("--live", help="Trade with real money; needs --source live and phantom doctor.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --live: build, rehearse and sign, but send nothing.")
    ] = False,
    leave_unresolved: Annotated[
        bool,
        typer.Option(
            "--leave-unresolved", help="With --live: begin though earlier attempts are undecided, at risk."
        ),
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trade on a recording or the live market, on paper unless --live says otherwise.

    With no options, on the shipped day.

    Risk settings and rules are taken anew when their file changes. SIGUSR1 halts trading, or lets it go on.
    """
    from phantom_arbiter.config_sources import load
    from phantom_arbiter.errors import ConfigError

    if dry_run and not live:
        raise ConfigError("--dry-run says what --live leaves out", hint="paper trading sends nothing anyway")
    if leave_unresolved and not live:
        raise ConfigError("--leave-unresolved is about --live", hint="on paper nothing stays undecided")
    if live and source is not SourceName.LIVE:
        raise ConfigError(
            "--live trades on the live market only", hint="phantom run --source live --live --dry-run first"
        )
    if source not in (None, SourceName.RECORDING) and recording is not None:
        raise ConfigError(
            f"--source {source.value} and --recording contradict each other", hint="leave one of them out"
        )
    flags: dict[str, Any] = {
        "mode": "live" if live else None,
        "run": {
            "source": text(source) or ("recording" if recording is not None else None),
            "recording": recording,
            "speed": speed,
            "ui": text(ui),
        },
        "journal": {"path": journal},
        "engine": {"max_hops": max_hops},
        "market": {"release_venues": release_venue or None},
        "execution": {"dry_run": True if dry_run else None},
        "risk": {"halted": True if halted else None},
        "strategy": {"use": strategy, "rules": rules},
    }
    effective = load(given(flags), config)
    if effective.config.run.source == "live" and recording is None:
        if speed is not None:
            raise ConfigError("--speed is for recordings", hint="a live run goes as fast as the chain")
        live_session(
            effective,
            as_json=as_json,
            duration=duration,
            leave_unresolved=leave_unresolved,
            dashboard=dashboard,
        )
        return
    if duration is not None:
        raise ConfigError("--for is for live runs", hint="a recording ends by itself; see --speed")
    replay_session(effective, as_json=as_json, demo=source is SourceName.DEMO, dashboard=dashboard)


def replay_session(
    effective: Effective,
    *,
    as_json: bool,
    demo: bool = False,
    files: Sequence[Path] = (),
    dashboard: bool = False,
) -> None:
    """Run what the settings name through the engine and print the summary.

    Args:
        effective: The settings.
        as_json: Print JSON.
        demo: Take the shipped recording, whatever the settings name.
        files: The parts of the recording to take instead of the one that the settings name.
        dashboard: Show the run to browsers, until Ctrl-C.

    Raises:
        ConfigError: The recording is not named, or does not exist.
        RecordingError: It is corrupt, or torn: then after it was replayed up to there.
    """
    from rich.console import Console

    from phantom_arbiter.errors import RecordingError
    from phantom_arbiter.native import build_native_engine
    from phantom_arbiter.recordings import open_source
    from phantom_arbiter.render import render_summary
    from phantom_arbiter.session import run_session
    from phantom_arbiter.summary import to_json
    from phantom_arbiter.viewers import Showing

    settings = effective.config
    # A flag wins over a recording that the environment or the file names.
    run_settings = settings.run.model_copy(update={"recording": None}) if demo else settings.run
    opened = open_source(run_settings, files)
    market = build_native_engine(settings, assume_plain_mints=opened.info.assume_plain_mints)
    is_paced = settings.run.speed.lower() != "max"
    stderr = Console(stderr=True)
    with Showing(settings, opened.info, stderr, with_dashboard=dashboard, is_paced=is_paced) as showing:
        summary = run_session(
            effective, opened.info, opened.source, market, showing.observer, viewing=showing.viewing
        )
    if as_json:
        print(json.dumps(to_json(summary), indent=2), flush=True)
    else:
        render_summary(summary, Console())
    showing.linger(has_ended_by_itself=not summary.stopped_early)
    if opened.torn_at is not None:
        raise RecordingError(
            f"recording {opened.info.name} is torn at byte {opened.torn_at}: replayed the "
            f"{opened.info.records} whole records before it; hint: the recorder was interrupted, or the copy "
            "is not complete"
        )


def live_session(
    effective: Effective,
    *,
    as_json: bool,
    duration: str | None,
    leave_unresolved: bool = False,
    dashboard: bool = False,
) -> None:
    """Run the live market through the engine until it is stopped, and print the summary.

    Args:
        effective: The settings; their mode says whether trades are real.
        as_json: Print JSON.
        duration: How long, as `--for` has it.
        leave_unresolved: Trade even though attempts of earlier runs are undecided.
        dashboard: Show the run to browsers while it goes on.

    Raises:
        ConfigError: Endpoints or pools are missing, `duration` is none, or `phantom doctor` finds something
            that live trading needs.
        EndpointError: No endpoint gives what is needed to begin.
    """
    from rich.console import Console

    from phantom_arbiter.commands.record import parse_duration
    from phantom_arbiter.live import LiveRun, fee_rules, live_info, live_source
    from phantom_arbiter.native import build_native_engine
    from phantom_arbiter.render import render_summary
    from phantom_arbiter.session import run_session
    from phantom_arbiter.summary import to_json
    from phantom_arbiter.viewers import Showing

    settings = effective.config
    stop_after_s = parse_duration("--for", duration)
    info = live_info(settings)
    market = build_native_engine(settings, assume_plain_mints=False)
    showing = Showing(settings, info, Console(stderr=True), with_dashboard=dashboard, is_paced=True)
    source = live_source(settings, showing.observer)
    trading = live_trading(settings, showing.observer.notice, leave_unresolved=leave_unresolved)
    with showing:
        run = LiveRun(
            source,
            market,
            stop_after_s=stop_after_s,
            on_stage=showing.stage,
            fees=fee_rules(settings),
            beside=None if trading is None else trading.follow,
        )
        summary = run_session(
            effective,
            info,
            run,
            market,
            showing.observer,
            trading=trading,
            viewing=showing.viewing,
        )
    if as_json:
        print(json.dumps(to_json(summary), indent=2), flush=True)
    else:
        render_summary(summary, Console())
    showing.linger(has_ended_by_itself=False)


def live_trading(
    settings: Config, notice: Callable[[str], None], *, leave_unresolved: bool
) -> LiveTrading | None:
    """Return who carries plans out on the chain; None on paper.

    Raises:
        ConfigError: `phantom doctor` finds something that live trading needs.
    """
    if settings.mode == "paper":
        return None
    import asyncio

    from phantom_arbiter.commands.doctor import needed_programs
    from phantom_arbiter.commands.operator_asked import asked_signer
    from phantom_arbiter.commands.programs import open_folder
    from phantom_arbiter.doctor.examine import examine
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.live_trading import LiveTrading

    failed = asyncio.run(examine(settings, programs=needed_programs(settings))).failed
    if failed:
        raise ConfigError(
            f"phantom doctor: {failed[0].name}: {failed[0].detail}"
            + (f", and {len(failed) - 1} more" if len(failed) > 1 else ""),
            hint="phantom doctor says what to do",
        )
    return LiveTrading(
        settings,
        asked_signer(settings),
        open_folder(settings.execution.programs_dir),
        notice=notice,
        leave_unresolved=leave_unresolved,
    )


def text(choice: StrEnum | None) -> str | None:
    """Return what a choice is called in the settings."""
    return None if choice is None else choice.value


def given(flags: dict[str, Any]) -> dict[str, Any]:
    """Return only what was given on the command line."""
    sections = {
        name: {key: value for key, value in section.items() if value is not None}
        if isinstance(section, dict)
        else section
        for name, section in flags.items()
    }
    return {name: section for name, section in sections.items() if section}
