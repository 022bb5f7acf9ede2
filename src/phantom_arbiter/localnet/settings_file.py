"""Settings with which other commands use a local net: its endpoints, block engines and pools, as a TOML file.

Commands that watch a market (`phantom snapshot`, `record`, `run`) take them with `--config`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.localnet.net import LocalNet
from phantom_core import Market

MARK: Final = "# Written by phantom localnet"
"""How the file begins. Another one is never replaced: it may be somebody's own."""
UNLIMITED_PER_S: Final = 1_000
"""What a region that has no limit is said to allow."""


def write_settings(path: Path, net: LocalNet) -> None:
    """Write the settings for a net that has been started.

    Raises:
        ConfigError: The file cannot be written, or there is one that is not ours.
    """
    try:
        if path.exists() and not path.read_bytes().startswith(MARK.encode()):
            raise ConfigError(f"{path} exists and was not written by phantom localnet, it is left alone")
        path.write_text(settings_text(net), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"settings {path} cannot be written: {error.strerror}") from error


def settings_text(net: LocalNet) -> str:
    """Return the settings for a net that has been started, as TOML."""
    market = Market(complete=True)
    for pubkey in net.bank.accounts:
        slot, state = net.bank.accounts.latest(pubkey) or (0, None)
        if state is not None:
            market.apply(pubkey, state.owner, state.data, slot)
    pools = market.pools()
    lines = [f"{MARK}: use it with --config while the net is up."]
    if any(info.set_aside_reason == "missing_mint" for info in pools):
        lines += ["", "[engine]", "assume_plain_mints = true  # this source has no mint accounts"]
    lines += [
        "",
        "[risk]",
        # Every net begins at the same slot: what an earlier one's runs tried would lie in the future.
        f'account = "localnet-{time.time_ns() // 1_000_000}"  # limits of this net alone',
    ]
    for endpoint in net.endpoints:
        lines += [
            "",
            "[[endpoints]]",
            f"name = {json.dumps(endpoint.name)}",
            f"http_url = {json.dumps(endpoint.http_url)}",
            f"ws_url = {json.dumps(endpoint.ws_url)}",
        ]
    for region in net.regions:
        lines += [
            "",
            "[[block_engines]]",
            f"name = {json.dumps(region.name)}",
            f"url = {json.dumps(region.url)}",
            f"requests_per_second = {float(region.plan.per_s or UNLIMITED_PER_S)}",
        ]
    lines += ["", "[discovery]", "pools = ["]
    lines += [f"    {json.dumps(info.pool)},  # {info.venue}" for info in pools]
    lines += ["]", ""]
    return "\n".join(lines)
