"""The tracker over real JSON-RPC, on transactions that the local net carries out."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

pytest.importorskip("solders")

from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    TransferParams,
    advance_nonce_account,
    create_nonce_account,
    transfer,
)
from solders.transaction import VersionedTransaction

from phantom_arbiter.execution.balances import Expected
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.findings import Finding, Phase
from phantom_arbiter.execution.landing import LandingTracker, TrackerRules
from phantom_arbiter.execution.witnesses import RpcChain
from phantom_arbiter.localnet.accounts import TOKEN_PROGRAM
from phantom_arbiter.localnet.faults.plan import FaultPlan
from phantom_arbiter.localnet.net import LocalNet, NetSettings
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc import RpcPool
from shell_fakes import WSOL

WALLET, VENUE, NONCE = (Keypair.from_seed(bytes([number]) * 32) for number in (21, 22, 23))
FUNDS = 10**10


@dataclass
class Scene:
    """A net of three endpoints, and a tracker that wants two of them to agree."""

    net: LocalNet
    pool: RpcPool
    tracker: LandingTracker

    async def blockhash(self) -> tuple[str, int]:
        answer = await self.pool.call("getLatestBlockhash", [{"commitment": "confirmed"}])
        value = answer.result["value"]
        return value["blockhash"], value["lastValidBlockHeight"]

    async def send(self, wire: bytes) -> None:
        params = [base64.b64encode(wire).decode(), {"encoding": "base64", "skipPreflight": True}]
        await self.pool.call("sendTransaction", params, endpoint="net-2")

    def watch(self, submission: Submission) -> None:
        self.tracker.watch(Expected(submission, WSOL), self.net.bank.slot)

    async def look(self, submission: Submission) -> Finding:
        await self.tracker.poll()
        return self.tracker.finding(submission.signature)


@asynccontextmanager
async def scene(*faults: FaultPlan) -> AsyncIterator[Scene]:
    async with LocalNet(NetSettings(endpoints=3, source="empty", slot_ms=None, faults=faults)) as net:
        for key in (WALLET, VENUE):
            await net.fund(str(key.pubkey()), FUNDS)
        endpoints = [
            Endpoint(name=f"net-{at}", http_url=SecretUrl(each.http_url))
            for at, each in enumerate(net.endpoints)
        ]
        async with RpcPool(endpoints) as pool:
            rules = TrackerRules(quorum=2, resend_every_blocks=0, nonce_margin_slots=10)
            yield Scene(net, pool, LandingTracker(RpcChain(pool), rules))


def signed(instructions: Sequence[Instruction], blockhash: str, height: int | None) -> Submission:
    message = MessageV0.try_compile(WALLET.pubkey(), instructions, [], Hash.from_string(blockhash))
    needed = message.header.num_required_signatures
    keys = {str(key.pubkey()): key for key in (WALLET, VENUE, NONCE)}
    signers = [keys[str(each)] for each in message.account_keys[:needed]]
    transaction = VersionedTransaction(message, signers)
    return Submission(
        signature=str(transaction.signatures[0]),
        wire=bytes(transaction),
        blockhash=blockhash,
        last_valid_block_height=height,
        nonce_account=None,
        wallet=str(WALLET.pubkey()),
        base_account=str(WALLET.pubkey()),
        tip_lamports=0,
        compute_unit_limit=200_000,
        compute_unit_price_micro_lamports=0,
    )


def gaining(lamports: int) -> list[Instruction]:
    return [
        transfer(TransferParams(from_pubkey=VENUE.pubkey(), to_pubkey=WALLET.pubkey(), lamports=lamports))
    ]


def test_transaction_lands_only_once_it_is_confirmed() -> None:
    async def main() -> None:
        async with scene() as on:
            submission = signed(gaining(70_000), *await on.blockhash())
            on.watch(submission)
            assert (await on.look(submission)).phase is Phase.UNKNOWN
            await on.send(submission.wire)
            assert (await on.look(submission)).phase is Phase.SEEN
            await on.net.advance()
            finding = await on.look(submission)
            assert finding.phase is Phase.LANDED
            assert finding.facts is not None
            chain = finding.facts.chain
            assert (chain.base_change, chain.fee_lamports, finding.facts.error) == (70_000, 10_000, None)
            assert chain.wallet_change_lamports == 60_000

    asyncio.run(main())


def test_failed_transaction_pays_and_has_its_name() -> None:
    async def main() -> None:
        async with scene() as on:
            submission = signed(gaining(FUNDS * 2), *await on.blockhash())
            on.watch(submission)
            await on.send(submission.wire)
            await on.net.advance()
            facts = (await on.look(submission)).facts
            assert facts is not None
            assert facts.error == "result_with_negative_lamports"
            assert (facts.chain.wallet_change_lamports, facts.chain.base_change) == (-10_000, 0)

    asyncio.run(main())


def test_transaction_that_was_never_sent_is_dead_once_its_blockhash_is_over_for_good() -> None:
    async def main() -> None:
        async with scene() as on:
            submission = signed(gaining(1), *await on.blockhash())
            on.watch(submission)
            await on.net.advance(151)
            assert (await on.look(submission)).phase is Phase.UNKNOWN, "past its height, but not finally"
            await on.net.advance(32)
            assert (await on.look(submission)).phase is Phase.DEAD

    asyncio.run(main())


def test_endpoint_that_lags_has_no_voice_until_it_has_caught_up() -> None:
    async def main() -> None:
        async with scene(FaultPlan(), FaultPlan(lag_slots=100), FaultPlan(http_500=1.0)) as on:
            submission = signed(gaining(1), *await on.blockhash())
            on.watch(submission)
            await on.net.advance(200)
            assert (await on.look(submission)).phase is Phase.UNKNOWN
            await on.net.advance(100)
            assert (await on.look(submission)).phase is Phase.DEAD

    asyncio.run(main())


def test_transaction_that_landed_long_ago_is_found_in_the_history() -> None:
    async def main() -> None:
        async with scene() as on:
            submission = signed(gaining(5), *await on.blockhash())
            on.watch(submission)
            await on.send(submission.wire)
            await on.net.advance(2_000)
            assert (await on.look(submission)).phase is Phase.LANDED

    asyncio.run(main())


def token_account(mint: Pubkey, owner: Pubkey, amount: int) -> bytes:
    return bytes(mint) + bytes(owner) + amount.to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)


def test_gain_of_a_token_account_is_what_its_balance_says() -> None:
    async def main() -> None:
        async with scene() as on:
            mint, ours, theirs = (Pubkey.from_bytes(bytes([number]) * 32) for number in (31, 32, 33))
            supply = bytes(36) + (10**12).to_bytes(8, "little") + bytes([6, 1]) + bytes(36)
            await on.net.write(str(mint), TOKEN_PROGRAM, supply)
            for account, owner in ((ours, WALLET), (theirs, VENUE)):
                await on.net.write(
                    str(account), TOKEN_PROGRAM, token_account(mint, owner.pubkey(), 1_000_000)
                )
            accounts = [
                AccountMeta(theirs, is_signer=False, is_writable=True),
                AccountMeta(ours, is_signer=False, is_writable=True),
                AccountMeta(VENUE.pubkey(), is_signer=True, is_writable=False),
            ]
            pay = Instruction(
                Pubkey.from_string(TOKEN_PROGRAM), b"\x03" + (777).to_bytes(8, "little"), accounts
            )
            submission = replace(signed([pay], *await on.blockhash()), base_account=str(ours))
            on.tracker.watch(Expected(submission, str(mint), held_mint=str(mint)), on.net.bank.slot)
            await on.send(submission.wire)
            await on.net.advance()
            facts = (await on.look(submission)).facts
            assert facts is not None
            chain = facts.chain
            assert (chain.base_change, chain.held_change, chain.wallet_change_lamports) == (777, 777, -10_000)

    asyncio.run(main())


async def nonce_of(on: Scene) -> str:
    """Return the value of the nonce account, at the newest slot."""
    held = await on.net.truth(str(NONCE.pubkey()))
    assert held is not None
    return str(Hash.from_bytes(held[2][40:72]))


async def with_nonce(on: Scene, lamports: int, value: str) -> Submission:
    authority = WALLET.pubkey()
    advance = advance_nonce_account(
        AdvanceNonceAccountParams(nonce_pubkey=NONCE.pubkey(), authorized_pubkey=authority)
    )
    made = signed([advance, *gaining(lamports)], value, None)
    return replace(made, nonce_account=str(NONCE.pubkey()))


def test_of_two_copies_with_one_nonce_one_lands_and_the_other_is_dead() -> None:
    async def main() -> None:
        async with scene() as on:
            made = create_nonce_account(WALLET.pubkey(), NONCE.pubkey(), WALLET.pubkey(), 10_000_000)
            await on.send(signed(list(made), *await on.blockhash()).wire)
            await on.net.advance(40)
            value = await nonce_of(on)
            first, second = await with_nonce(on, 1_000, value), await with_nonce(on, 2_000, value)
            on.watch(first)
            on.watch(second)
            await on.net.advance(500)
            assert [(await on.look(each)).phase for each in (first, second)] == [Phase.UNKNOWN] * 2
            await on.send(second.wire)
            await on.send(first.wire)
            await on.net.advance()
            assert (await on.look(second)).phase is Phase.LANDED
            assert (await on.look(first)).phase is Phase.UNKNOWN, "the nonce has not advanced finally"
            await on.net.advance(40)
            assert (await on.look(first)).phase is Phase.DEAD

    asyncio.run(main())
