"""`phantom record`: write what arrives from the configured endpoints to a recording, until stopped."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.pools_asked import MintsOption, PoolsOption, asked_pools
from phantom_arbiter.commands.run import ConfigOption, JsonOption

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.replay.recorder import FrameSource, Rotation
    from phantom_arbiter.sources.endpoints import Endpoint
    from phantom_core import RecorderStats

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Addresses = Annotated[
    list[str] | None,
    typer.Option("--account", metavar="ADDRESS", help="Record an account's writes; may be repeated."),
]


def record(
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Names the files: day.phrec means day-0001.phrec and so on.",
            dir_okay=False,
        ),
    ] = None,
    account: Addresses = None,
    program: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Record all accounts of a program; may be repeated."),
    ] = None,
    logs: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Record logs that mention an address; may be repeated."),
    ] = None,
    mint: MintsOption = None,
    pool: PoolsOption = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Use only this endpoint of the configuration; may be repeated."),
    ] = None,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="90s|10m|2h", help="Stop after this time; else on Ctrl-C.")
    ] = None,
    rotate_mb: Annotated[
        int | None, typer.Option(metavar="MB", min=1, max=1_000_000, help="Begin a new file at this size.")
    ] = 1_024,
    rotate_every: Annotated[
        str | None, typer.Option(metavar="90s|10m|2h", help="Begin a new file after this time.")
    ] = None,
    level: Annotated[
        int, typer.Option(metavar="N", min=1, max=22, help="zstd level, 1 fast to 22 small.")
    ] = 3,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record what arrives until stopped; a crash loses less than the last second, and never a file.

    With --account, --program or --logs those are subscribed to. Else pools are found, read and followed as in
    a live run, and the recording holds all that `phantom replay` needs to trade on them.
    """
    from phantom_arbiter.config_sources import load
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.live import MarketFrames
    from phantom_arbiter.replay.recorder import FeedSource, Rotation
    from phantom_arbiter.sources import websocket

    settings = load({}, config).config
    stop_after_s = parse_duration("--for", duration)
    every_s = parse_duration("--rotate-every", rotate_every)
    rotation = Rotation(
        max_bytes=None if rotate_mb is None else rotate_mb * 1_000_000,
        max_ns=None if every_s is None else every_s * 1_000_000_000,
    )
    subscriptions = [
        *(websocket.account(_address("--account", address)) for address in account or ()),
        *(websocket.program(_address("--program", address)) for address in program or ()),
        *(websocket.logs(_address("--logs", address)) for address in logs or ()),
    ]
    endpoints = _endpoints(settings, endpoint or [])
    source: FrameSource
    if subscriptions:
        if mint or pool:
            raise ConfigError("--mint and --pool contradict --account, --program and --logs")
        source = FeedSource(endpoints, subscriptions)
    else:
        source = MarketFrames(
            settings, endpoints, asked_pools(settings.discovery, mint or [], pool or [], [])
        )
    path = out or Path(f"recording-{datetime.now(UTC):%Y%m%d-%H%M%S}.phrec")
    stats = _run(source, path, rotation, stop_after_s, level)
    if as_json:
        shown = {name: getattr(stats, name) for name in ("records", "frames", "frame_bytes", "lost", "parts")}
        print(json.dumps({**shown, "written_bytes": stats.written_bytes, "last_file": str(stats.path)}))
    else:
        print(
            f"{stats.frames:,} frames, {megabytes(stats.frame_bytes)} in {megabytes(stats.written_bytes)}, "
            f"{stats.parts} file{'s' if stats.parts > 1 else ''}, the last is {stats.path}"
        )


def _run(
    source: FrameSource, path: Path, rotation: Rotation, stop_after_s: int | None, level: int
) -> RecorderStats:
    import asyncio

    from phantom_arbiter.commands.record_line import RecordLine
    from phantom_arbiter.errors import RecordingError
    from phantom_arbiter.interrupts import stopping_on_signals
    from phantom_arbiter.replay.recorder import new_recorder, record

    names = sorted({name.partition("/")[0] for name in source.connections})
    description = f"frames of {', '.join(names)}"
    recorder = new_recorder(path, source.connections, rotation=rotation, description=description, level=level)

    async def session() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        if stop_after_s is not None:
            loop.call_later(stop_after_s, stop.set)

        def end() -> None:
            loop.call_soon_threadsafe(stop.set)

        with stopping_on_signals(end), RecordLine() as line:
            await record(source, recorder, stop=stop, on_progress=line.show)

    asyncio.run(session())
    stats = recorder.stats()
    if stats.lost:
        raise RecordingError(
            f"{stats.lost:,} frames of {stats.lost + stats.frames:,} are not in {path}: the disk was too slow"
            "; hint: record to a faster disk, with a lower --level, or fewer accounts"
        )
    return stats


def _endpoints(settings: Config, chosen: list[str]) -> list[Endpoint]:
    from phantom_arbiter.config import endpoint
    from phantom_arbiter.errors import ConfigError

    known = {one.name: endpoint(one) for one in settings.endpoints}
    for name in chosen:
        if name not in known:
            named = ", ".join(known) or "none"
            raise ConfigError(f"--endpoint {name} is not configured", hint=f"configured: {named}")
    usable = [known[name] for name in chosen or known]
    if not any(one.ws_url for one in usable):
        hint = "add a table [[endpoints]] with name and ws_url to the configuration; phantom config shows it"
        raise ConfigError("no endpoint with a ws_url to record from", hint=hint)
    return usable


def _address(option: str, address: str) -> str:
    from phantom_arbiter.errors import ConfigError, InvalidInput
    from phantom_core import Address

    try:
        return str(Address(address))
    except (InvalidInput, ValueError) as error:
        raise ConfigError(f"{option} {address}: not an address, 32 to 44 base58 characters") from error


def parse_duration(option: str, text: str | None) -> int | None:
    """Return the seconds that a text like `90s`, `10m`, `2h` or `1d` means.

    Raises:
        ConfigError: It means none.
    """
    from phantom_arbiter.errors import ConfigError

    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text)
    if match is None:
        raise ConfigError(f"{option} is `{text}`, it may be a number with s, m, h or d, such as 90s or 2h")
    return int(match[1]) * UNITS_S[match[2]]


def megabytes(count: int) -> str:
    """Return bytes as people read them."""
    return f"{count / 1_000_000:,.1f} MB"
