"""`phantom fees`: what to offer for a place in the next blocks, or how well that would have gone."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.endpoints_asked import UrlOption, asked_endpoints
from phantom_arbiter.commands.run import ConfigOption, JsonOption

if TYPE_CHECKING:
    from phantom_core import TipQuote


class LevelName(StrEnum):
    """Which price of a slot counts as enough."""

    LOW = "low"
    MID = "mid"
    HIGH = "high"


def fees(
    account: Annotated[
        list[str] | None,
        typer.Argument(
            help="Accounts that the transaction locks for writing; without any, whole blocks.",
            show_default=False,
        ),
    ] = None,
    percentile: Annotated[
        list[float] | None,
        typer.Option(
            "--percentile",
            metavar="P",
            help="Share of slots to be landed in, 0.01 to 99.99; may be repeated. By default 25 to 99.",
        ),
    ] = None,
    units: Annotated[
        int | None,
        typer.Option(
            "--units", min=1, max=1_400_000, help="Compute units asked for; by default those of the settings."
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history", metavar="FILE", help="Back-test on this CSV of slots, ask nobody.", dir_okay=False
        ),
    ] = None,
    level: Annotated[
        list[LevelName] | None,
        typer.Option(
            "--level", help="With --history: which price of a slot is enough; mid and high by default."
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE", help="With --history: draw it too (.png or .svg).", dir_okay=False
        ),
    ] = None,
    tip_floor: Annotated[
        Path | None,
        typer.Option(
            "--tip-floor",
            metavar="FILE",
            help="The block engine's tip_floor answer, for a tip.",
            dir_okay=False,
        ),
    ] = None,
    value: Annotated[
        int | None,
        typer.Option("--value", metavar="LAMPORTS", min=0, help="What the bundle is worth before its tip."),
    ] = None,
    url: UrlOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what to offer: prices by percentile from recent fees, and a tip; or back-test on a file."""
    from rich.console import Console

    from phantom_arbiter.config_sources import load
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.fee_backtest import PERCENTILES

    settings = load({}, config).config
    percentiles = percentile or list(PERCENTILES)
    limit = units or settings.costs.compute_unit_limit
    _check(account or [], percentiles)
    if history is not None:
        if account or url or tip_floor or value is not None:
            raise ConfigError("--history goes without accounts, --url, --tip-floor and --value")
        levels = [each.value for each in level or (LevelName.MID, LevelName.HIGH)]
        _backtest(history, levels, percentiles, limit, plot, as_json)
        return
    if plot or level:
        raise ConfigError("--plot and --level need --history")
    if (tip_floor is None) != (value is None):
        raise ConfigError("--tip-floor and --value go together")
    from phantom_arbiter.live_fees import read_fees
    from phantom_arbiter.render_fees import fees_to_json, render_fees

    hint = "name one with --url, add [[endpoints]], or back-test with --history FILE"
    endpoints = asked_endpoints(settings, url or [], hint)
    tip = None if tip_floor is None or value is None else _tip(tip_floor, value)
    found = asyncio.run(read_fees(endpoints, account or [], percentiles, limit))
    if as_json:
        print(json.dumps(fees_to_json(found, tip, value), indent=2))
    else:
        render_fees(found, tip, value, Console(), Console(stderr=True))


def _check(accounts: list[str], percentiles: list[float]) -> None:
    """Find what is no address and no percentile before anybody is asked."""
    from phantom_arbiter.errors import ConfigError, InvalidInput
    from phantom_core import FeeEngine

    engine = FeeEngine()
    try:
        for percentile in percentiles:
            engine.price(accounts, percentile)
    except InvalidInput as error:
        raise ConfigError(str(error)) from None


def _backtest(
    history: Path, levels: list[str], percentiles: list[float], limit: int, plot: Path | None, as_json: bool
) -> None:
    from rich.console import Console

    from phantom_arbiter.draw_fees import FILE_TYPES, draw_backtest
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.fee_backtest import LEVELS, backtest, read_history
    from phantom_arbiter.render_fees import backtest_to_json, render_backtest

    if plot is not None and plot.suffix not in FILE_TYPES:
        raise ConfigError(f"--plot {plot} ends with neither of {', '.join(FILE_TYPES)}")
    slots = read_history(history)
    chosen = [level for level in LEVELS if level in levels]
    runs = [backtest(slots, level, percentiles=percentiles, compute_unit_limit=limit) for level in chosen]
    if plot is not None:
        try:
            draw_backtest(runs, plot)
        except OSError as error:
            raise ConfigError(f"--plot {plot}: {error}") from error
    if as_json:
        print(json.dumps(backtest_to_json(history, runs), indent=2))
    else:
        render_backtest(history, runs, Console())


def _tip(path: Path, value: int) -> TipQuote:
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.tip_floor import read_tip_floor
    from phantom_core import FeeEngine

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--tip-floor {path}: {error}") from error
    try:
        landed, ema = read_tip_floor(text)
    except ValueError as error:
        raise ConfigError(f"--tip-floor {path}: {error}") from None
    engine = FeeEngine()
    engine.observe_tip_floor(0, landed, ema)
    return engine.tip(value, 0)
