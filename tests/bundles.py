"""Signed transactions with tips, and a client of the block engine, for the tests of it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.accounts import base58
from phantom_arbiter.localnet.block_engine.bundle import TIP_ACCOUNTS

PAYER, OTHER = (Keypair.from_seed(bytes([number]) * 32) for number in (1, 3))
PAYEE = Keypair.from_seed(bytes([2]) * 32).pubkey()
TIP = Pubkey.from_string(TIP_ACCOUNTS[0])
PAID = 2_000_000
"""Enough to exempt a new account from rent."""


def pay(lamports: int, to: Pubkey = PAYEE, payer: Keypair = PAYER) -> Instruction:
    return transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=to, lamports=lamports))


def signed(
    net: LocalNet,
    *instructions: Instruction,
    payer: Keypair = PAYER,
    signers: Sequence[Keypair] = (),
    units: int | None = None,
) -> VersionedTransaction:
    blockhash = Hash.from_string(net.bank.blockhash_at(net.bank.slot)[0])
    limit = [] if units is None else [set_compute_unit_limit(units)]
    message = MessageV0.try_compile(payer.pubkey(), [*limit, *instructions], [], blockhash)
    return VersionedTransaction(message, [payer, *signers])


def tipped(net: LocalNet, *instructions: Instruction, tip: int = 1_000, **how: Any) -> VersionedTransaction:
    """Return a transaction that pays a tip at its end."""
    return signed(net, *instructions, pay(tip, TIP, how.get("payer", PAYER)), **how)


def naming(key: Pubkey) -> Instruction:
    """Return a transfer of nothing that names an account to be read."""
    plain = pay(0, PAYER.pubkey())
    return Instruction(plain.program_id, plain.data, [*plain.accounts, AccountMeta(key, False, False)])


def b64(transactions: Sequence[VersionedTransaction]) -> list[str]:
    return [base64.b64encode(bytes(each)).decode() for each in transactions]


def b58(transactions: Sequence[VersionedTransaction]) -> list[str]:
    return [base58(bytes(each)) for each in transactions]


class Client:
    """Speaks to the regions of a local net."""

    def __init__(self, net: LocalNet, session: aiohttp.ClientSession) -> None:
        self.net = net
        self._session = session

    async def post(
        self, path: str, method: str, *params: Any, region: int = 0, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any], Any]:
        """Return HTTP status, body and headers."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        url = self.net.regions[region].url + path
        async with self._session.post(url, json=body, headers=headers) as answer:
            found = await answer.json() if answer.content_length else {}
            return answer.status, found, answer.headers

    async def raw(self, body: bytes) -> tuple[int, Any]:
        """Return HTTP status and body of the answer to anything."""
        async with self._session.post(self.net.regions[0].url + "/api/v1/bundles", data=body) as answer:
            return answer.status, await answer.json(content_type=None)

    async def send(self, *transactions: VersionedTransaction, region: int = 0) -> str:
        """Return the id of a bundle that is taken in."""
        status, body, _ = await self.post(
            "/api/v1/bundles", "sendBundle", b64(transactions), {"encoding": "base64"}, region=region
        )
        assert status == 200, body
        identity: str = body["result"]
        return identity

    async def refusal(self, *transactions: VersionedTransaction, region: int = 0) -> tuple[int, int, str]:
        """Return HTTP status, code and words of a bundle that is refused."""
        status, body, _ = await self.post(
            "/api/v1/bundles", "sendBundle", b64(transactions), {"encoding": "base64"}, region=region
        )
        return status, body["error"]["code"], body["error"]["message"]

    async def inflight(self, *identities: str) -> list[tuple[str, int | None]]:
        """Return status and slot of bundles."""
        _, body, _ = await self.post(
            "/api/v1/getInflightBundleStatuses", "getInflightBundleStatuses", list(identities)
        )
        return [(each["status"], each["landed_slot"]) for each in body["result"]["value"]]

    async def statuses(self, *identities: str) -> list[dict[str, Any]]:
        """Return what getBundleStatuses says."""
        _, body, _ = await self.post("/api/v1/getBundleStatuses", "getBundleStatuses", list(identities))
        value: list[dict[str, Any]] = body["result"]["value"]
        return value


def lamports(net: LocalNet, key: Pubkey) -> int:
    held = net.bank.accounts.latest(str(key))
    return 0 if held is None or held[1] is None else held[1].lamports


def on_net(test: Callable[[LocalNet, Client], Awaitable[None]], **settings: Any) -> None:
    """Run a test on a net on which nothing happens but what it does; two payers have 1 SOL each."""

    async def run() -> None:
        made = NetSettings(**{"source": "empty", "slot_ms": None, "regions": 1, **settings})
        async with LocalNet(made) as net, aiohttp.ClientSession() as session, asyncio.timeout(30):
            for payer in (PAYER, OTHER):
                await net.fund(str(payer.pubkey()), 10**9)
            await test(net, Client(net, session))

    asyncio.run(run())
