"""Runs a local net until it is told to stop: what the command and the other process share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phantom_arbiter.interrupts import stopping_on_signals
from phantom_arbiter.localnet.control import Control
from phantom_arbiter.localnet.loops import loop_factory
from phantom_arbiter.localnet.net import LocalNet, NetSettings
from phantom_arbiter.localnet.settings_file import write_settings


def run(
    settings: NetSettings, announce: Callable[[dict[str, Any]], None], config_file: Path | None = None
) -> dict[str, Any]:
    """Serve until SIGINT or SIGTERM, on uvloop where it is installed; return the last counters.

    Args:
        settings: What the net is made of.
        announce: Given the addresses once everything is open.
        config_file: Written before that: settings with which other commands use the net.

    Raises:
        ConfigError: A needed package or the source is missing, a port is in use, or the file cannot be
            written.
        RecordingError: The recording is corrupt.
    """
    net = LocalNet(settings)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(net, announce, config_file))


async def _serve(
    net: LocalNet, announce: Callable[[dict[str, Any]], None], config_file: Path | None
) -> dict[str, Any]:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.call_soon_threadsafe(stopping.set)

    control = Control(net)
    # Not the loop's own handlers: uvloop leaves them in place when it is closed.
    with stopping_on_signals(stop):
        async with net:
            await control.start()
            try:
                if config_file is not None:
                    write_settings(config_file, net)
                found = addresses(net, control)
                found["config_file"] = None if config_file is None else str(config_file)
                announce(found)
                ended = asyncio.ensure_future(net.ended())
                stopped = asyncio.ensure_future(stopping.wait())
                await asyncio.wait((stopped, ended), return_when=asyncio.FIRST_COMPLETED)
                stats = await net.stats()
                stopped.cancel()
                if ended.done():
                    await ended
                ended.cancel()
            finally:
                await control.stop()
    return stats


def addresses(net: LocalNet, control: Control) -> dict[str, Any]:
    """Return where everything is served."""
    return {
        "endpoints": [
            {"name": each.name, "http": each.http_url, "ws": each.ws_url} for each in net.endpoints
        ],
        "regions": [{"name": each.name, "url": each.url} for each in net.regions],
        "control": control.url,
        "source": net.settings.source,
        "slot": net.bank.slot,
        "accounts": len(net.bank.accounts),
    }
