"""The official Python client against the local net: read, subscribe, send and confirm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("solders")
pytest.importorskip("solana")

from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.websocket_api import SolanaWsClient
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.rpc.responses import (
    AccountNotification,
    LogsNotification,
    ProgramNotification,
    SignatureNotification,
    SlotNotification,
)
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet import LocalNet, NetSettings

WHIRLPOOL = Pubkey.from_string("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc")
PAYER = Keypair.from_seed(bytes([1]) * 32)
PAYEE = Keypair.from_seed(bytes([2]) * 32).pubkey()
QUIET = NetSettings(source="empty", slot_ms=None)
"""Nothing moves but what the test does."""


def on_net(
    settings: NetSettings, test: Callable[[LocalNet, AsyncClient, SolanaWsClient], Awaitable[None]]
) -> None:
    """Run a test with both of the client's halves connected to the first endpoint."""

    async def run() -> None:
        async with LocalNet(settings) as net:
            endpoint = net.endpoints[0]
            async with (
                AsyncClient(endpoint.http_url, commitment=Processed) as client,
                SolanaWsClient(endpoint.ws_url) as ws,
                asyncio.timeout(30),
            ):
                await test(net, client, ws)

    asyncio.run(run())


async def received(ws: SolanaWsClient, kind: type) -> Any:
    """Return the next notification of this kind."""
    while True:
        notification = await ws.recv()
        if isinstance(notification, kind):
            return notification


async def payment(client: AsyncClient, lamports: int) -> VersionedTransaction:
    """Return a signed transfer to the payee."""
    blockhash = (await client.get_latest_blockhash()).value.blockhash
    instruction = transfer(TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=PAYEE, lamports=lamports))
    return VersionedTransaction(MessageV0.try_compile(PAYER.pubkey(), [instruction], [], blockhash), [PAYER])


def test_a_transfer_is_sent_confirmed_and_told() -> None:
    async def test(net: LocalNet, client: AsyncClient, ws: SolanaWsClient) -> None:
        airdrop = (await client.request_airdrop(PAYER.pubkey(), 1_000_000_000)).value
        await ws.account_subscribe(pubkey=PAYEE, commitment=Processed, encoding="base64")
        await ws.logs_subscribe(commitment=Processed)
        transaction = await payment(client, 5_000_000)
        tried = (await client.simulate_transaction(transaction)).value
        assert tried.err is None
        assert tried.units_consumed == 150
        message = transaction.message
        assert isinstance(message, MessageV0)
        assert (await client.get_fee_for_message(message)).value == 5_000

        signature = (await client.send_transaction(transaction)).value

        account = await received(ws, AccountNotification)
        assert account.result.value.lamports == 5_000_000
        assert account.result.context.slot == net.bank.slot
        log = await received(ws, LogsNotification)
        assert log.result.value.signature == signature
        assert "Program 11111111111111111111111111111111 success" in log.result.value.logs
        await ws.signature_subscribe(signature=signature, commitment=Confirmed)
        await net.advance()
        assert (await received(ws, SignatureNotification)).result.value.err is None
        assert (await client.confirm_transaction(airdrop, Confirmed)).value[0] is not None
        assert (await client.get_balance(PAYER.pubkey())).value == 1_000_000_000 - 5_000_000 - 5_000
        found = (
            await client.get_transaction(signature, commitment=Confirmed, max_supported_transaction_version=0)
        ).value
        assert found is not None
        assert found.transaction.meta is not None
        assert found.transaction.meta.fee == 5_000

    on_net(QUIET, test)


def test_a_transfer_that_fails_is_refused_with_its_error() -> None:
    async def test(net: LocalNet, client: AsyncClient, ws: SolanaWsClient) -> None:
        await client.request_airdrop(PAYER.pubkey(), 1_000_000)
        with pytest.raises(RPCException, match="custom program error: 0x1"):
            await client.send_transaction(await payment(client, 5_000_000))
        assert (await client.get_balance(PAYEE)).value == 0

    on_net(QUIET, test)


def test_statuses_pass_through_all_commitments() -> None:
    async def test(net: LocalNet, client: AsyncClient, ws: SolanaWsClient) -> None:
        await client.request_airdrop(PAYER.pubkey(), 1_000_000_000)
        signature = (await client.send_transaction(await payment(client, 1_000_000))).value
        seen = []
        for slots in (0, 1, 31):
            await net.advance(slots)
            status = (await client.get_signature_statuses([signature])).value[0]
            assert status is not None
            seen.append((str(status.confirmation_status), status.confirmations))
        label = "TransactionConfirmationStatus."
        assert seen == [(f"{label}Processed", 0), (f"{label}Confirmed", 1), (f"{label}Finalized", None)]
        assert (await client.get_balance(PAYEE, Finalized)).value == 1_000_000

    on_net(QUIET, test)


def test_the_market_is_read_and_listened_to() -> None:
    async def test(net: LocalNet, client: AsyncClient, ws: SolanaWsClient) -> None:
        subscription = await ws.program_subscribe(
            program_id=WHIRLPOOL, commitment=Processed, encoding="base64", filters=[653]
        )
        await ws.slot_subscribe()
        pool = await received(ws, ProgramNotification)
        slot = await received(ws, SlotNotification)
        assert slot.result.parent == slot.result.slot - 1
        assert pool.result.value.account.owner == WHIRLPOOL
        await net.pause()
        key = pool.result.value.pubkey
        truth = await net.truth(str(key))
        assert truth is not None
        account = (await client.get_account_info(key)).value
        assert account is not None
        assert (str(account.owner), account.data) == truth[1:]
        both = (await client.get_multiple_accounts([key, PAYEE])).value
        assert [each is None for each in both] == [False, True]
        owned = (await client.get_program_accounts(WHIRLPOOL, encoding="base64", filters=[653])).value
        assert len(owned) == 6
        assert all(len(each.account.data) == 653 for each in owned)
        await net.resume()
        await ws.unsubscribe(subscription)

    on_net(NetSettings(rate=20_000, seed=3), test)
