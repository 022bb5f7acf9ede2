"""Runs a local net until it is told to stop: what the command and the other process share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from phantom_arbiter.interrupts import stopping_on_signals
from phantom_arbiter.localnet.control import Control
from phantom_arbiter.localnet.loops import loop_factory
from phantom_arbiter.localnet.net import LocalNet, NetSettings


def run(settings: NetSettings, announce: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Serve until SIGINT or SIGTERM, on uvloop where it is installed; return the last counters.

    Args:
        settings: What the net is made of.
        announce: Given the addresses once everything is open.

    Raises:
        ConfigError: A needed package or the source is missing, or a port is in use.
        RecordingError: The recording is corrupt.
    """
    net = LocalNet(settings)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(net, announce))


async def _serve(net: LocalNet, announce: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
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
                announce(addresses(net, control))
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
        "control": control.url,
        "source": net.settings.source,
        "slot": net.bank.slot,
        "accounts": len(net.bank.accounts),
    }
