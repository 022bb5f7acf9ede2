"""A block that is not built upon: its transactions are undone, and may come back one by one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("solders")

from bundles import OTHER, PAID, PAYEE, PAYER, Client, lamports, on_net, pay, signed, tipped
from localnet_view import ask
from phantom_arbiter.localnet import LocalNet, LocalNetProcess, NetSettings
from phantom_arbiter.localnet.bank import Commitment
from phantom_arbiter.localnet.notices import AccountNotice, EventNotice


class Told:
    """Hears which signatures are told of at which commitment."""

    def __init__(self) -> None:
        self.seen: list[tuple[str | None, Commitment | None]] = []

    def account_written(self, notice: AccountNotice) -> None: ...

    def account_committed(self, commitment: Commitment, notice: AccountNotice) -> None: ...

    def happened(self, notice: EventNotice, commitment: Commitment | None) -> None:
        if notice.method == "signatureNotification":
            self.seen.append((notice.topic, commitment))

    def slot_began(self, slot: int) -> None: ...


def status_of(net: LocalNet, signature: str) -> Any:
    return ask(net.endpoints[0].view, "getSignatureStatuses", [signature])["value"][0]


def test_an_uncled_slot_leaves_the_accounts_as_before_and_no_signature() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        earlier = signed(net, pay(PAID))
        net.machine.execute(earlier)
        await net.advance(1)
        before = [lamports(net, key) for key in (PAYER.pubkey(), PAYEE, OTHER.pubkey())]
        told = Told()
        net.bank.listen(told)
        identity = await client.send(
            signed(net, pay(PAID + 1)), tipped(net, pay(1, PAYEE, OTHER), payer=OTHER)
        )
        alone = signed(net, pay(3))
        net.machine.execute(alone)
        signature = str(alone.signatures[0])
        assert status_of(net, signature)["confirmationStatus"] == "processed"
        assert net.bank.slot in net.machine.fees
        undone = await net.uncle()
        assert net.bank.slot not in net.machine.fees
        assert len(undone) == 3
        assert undone[-1] == signature
        assert [lamports(net, key) for key in (PAYER.pubkey(), PAYEE, OTHER.pubkey())] == before
        assert status_of(net, signature) is None
        assert await client.statuses(identity) == []
        assert (await client.inflight(identity))[0][0] == "Pending"
        await net.advance(40)
        assert {commitment for topic, commitment in told.seen if topic in undone} == {Commitment.PROCESSED}
        # What came before stays, and what was undone may land after all.
        assert status_of(net, str(earlier.signatures[0]))["confirmationStatus"] == "finalized"
        assert await net.uncle() == []
        net.machine.execute(alone)
        assert lamports(net, PAYEE) == PAID + 3

    on_net(test)


def test_what_a_feed_wrote_since_then_stays() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        net.machine.execute(signed(net, pay(PAID)))
        await net.fund(str(PAYEE), 7)
        await net.uncle()
        assert (lamports(net, PAYEE), lamports(net, PAYER.pubkey())) == (7, 10**9)

    on_net(test)


def test_uncled_transactions_come_back_in_the_next_slot_each_by_itself() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        bundle = [signed(net, pay(PAID)), tipped(net, pay(PAID + 1, PAYEE, OTHER), payer=OTHER)]
        identity = await client.send(*bundle)
        slot = net.bank.slot
        assert await client.inflight(identity) == [("Landed", slot)]
        # The second has nothing to spend any more: a bundle would leave nothing, alone the first lands.
        spent = signed(net, pay(10**9 - 5_000, PAYER.pubkey(), OTHER), payer=OTHER)
        undone = await net.uncle()
        await net.advance(1)
        net.machine.execute(spent)
        net.machine.execute(bundle[0])
        assert undone == [str(each.signatures[0]) for each in bundle]
        assert lamports(net, PAYEE) == PAID
        assert await net.uncle(rebroadcast=True) == [str(each.signatures[0]) for each in (spent, bundle[0])]
        landed = [net.machine.landed[str(each.signatures[0])] for each in (spent, bundle[0])]
        assert [each.slot for each in landed] == [slot + 2] * 2
        assert lamports(net, PAYEE) == PAID

    on_net(test)


def test_an_uncled_slot_in_another_process() -> None:
    async def run() -> None:
        settings = NetSettings(source="empty", slot_ms=None)
        async with LocalNetProcess(settings) as net, asyncio.timeout(30):
            assert await net.uncle(rebroadcast=True) == []

    asyncio.run(run())
