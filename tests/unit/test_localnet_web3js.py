"""The official JavaScript clients against the local net; needs Node and the packages.

`npm install @solana/web3.js@1 @solana/kit jito-js-rpc` somewhere, and PHANTOM_NODE_MODULES naming its
`node_modules`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("solders")

from phantom_arbiter.localnet import LocalNet, NetSettings

WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
POOL = "24WZto6BNjNamZFUPf3nQZZaFpuvBwdqT5B8QQjpNjGb"
SCRIPTS = Path(__file__).resolve().parent.parent / "node"
MODULES = os.environ.get("PHANTOM_NODE_MODULES", "")


def needs(package: str) -> pytest.MarkDecorator:
    """Skip, and say why, where Node or the package is missing."""
    found = shutil.which("node") is not None and (Path(MODULES) / package).is_dir()
    return pytest.mark.skipif(
        not MODULES or not found,
        reason=f"needs Node and PHANTOM_NODE_MODULES naming a node_modules folder with {package}",
    )


def run_script(name: str, words: Callable[[LocalNet], list[str]], **settings: Any) -> dict[str, Any]:
    """Return what a script prints about the local net."""

    async def run() -> tuple[int | None, bytes, bytes]:
        # Short finality: both clients wait for it in places.
        async with LocalNet(NetSettings(**{"rate": 1_000, "slot_ms": 100, **settings})) as net:
            process = await asyncio.create_subprocess_exec(
                "node",
                str(SCRIPTS / name),
                *words(net),
                env={**os.environ, "PHANTOM_NODE_MODULES": MODULES},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            async with asyncio.timeout(60):
                out, err = await process.communicate()
            return process.returncode, out, err

    status, out, err = asyncio.run(run())
    assert status == 0, err.decode()
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


@needs("@solana/web3.js")
def test_web3js_subscribes_reads_sends_and_confirms() -> None:
    assert run_script("web3.cjs", lambda net: [net.endpoints[0].http_url, POOL]) == {
        "airdropError": None,
        "notified": [WHIRLPOOL, 653, True],
        "programDataLength": 653,
        "paid": 5_000_000,
        "balance": 1_000_000_000 - 5_000_000 - 5_000,
        "read": [WHIRLPOOL, 653],
        "several": [True, True],
        "slotsFollow": True,
        "refusal": True,
        "fee": 5_000,
    }


@needs("@solana/kit")
def test_kit_subscribes_reads_sends_and_confirms() -> None:
    def words(net: LocalNet) -> list[str]:
        return [net.endpoints[0].http_url, net.endpoints[0].ws_url, POOL]

    assert run_script("kit.cjs", words) == {
        "notified": [WHIRLPOOL, "base64", "bigint"],
        "balance": "1000000000",
        "after": str(1_000_000_000 - 5_000),
        "owner": WHIRLPOOL,
    }


@needs("jito-js-rpc")
def test_jito_js_rpc_sends_bundles_and_follows_them() -> None:
    def words(net: LocalNet) -> list[str]:
        return [net.endpoints[0].http_url, net.regions[0].url]

    assert run_script("jito.cjs", words, source="empty", slot_ms=None, regions=1, uuids=("ours",)) == {
        "confirmed": [True, 2, {"Ok": None}],
        "inflight": ["Landed", "Invalid"],
        "single": None,
        "refusal": [400, -32602, "bundle contains an already processed transaction"],
        "balance": 1_000_000_000 - 6_000 - 3 * 5_000,
    }
