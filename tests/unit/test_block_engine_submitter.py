"""The native submitter against the local block engine: what lands, and what it says where something fails."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("solders")

import phantom_core
from bundles import PAID, PAYEE, Client, lamports, on_net, pay, signed, tipped
from phantom_arbiter.localnet import EngineFaults, FaultPlan, LocalNet
from phantom_arbiter.localnet.block_engine.bundle import TIP_ACCOUNTS, bundle_id

Submitter: Any = getattr(phantom_core, "NetworkSubmitter", None)
Target: Any = getattr(phantom_core, "Target", None)
KNOWN_TIP_ACCOUNTS: Any = getattr(phantom_core, "TIP_ACCOUNTS", ())

pytestmark = pytest.mark.skipif(Submitter is None, reason="needs the native network submitter")


def targets(net: LocalNet, **options: Any) -> list[Any]:
    """Return all regions of a net, without a rate limit."""
    options = {"requests_per_second": math.inf, "timeout_ms": 5_000.0, **options}
    return [Target(each.name, each.url, **options) for each in net.regions]


def test_a_bundle_sent_to_all_regions_lands_once() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        transactions = [signed(net, pay(PAID)), tipped(net)]
        with Submitter(targets(net)) as submitter:
            await net.hold_auctions()
            dispatch = await submitter.submit([bytes(each) for each in transactions])
            identity = bundle_id(transactions)
            assert [(each.kind, each.id) for each in dispatch.answers] == [("accepted", identity)] * 3
            [status] = await submitter.inflight_bundle_statuses([identity])
            assert (status.status, status.landed_slot) == ("Pending", None)
            assert await submitter.bundle_statuses([identity]) == [None]
            await net.release_auctions()
            [status] = await submitter.inflight_bundle_statuses([identity])
            assert (status.status, status.landed_slot) == ("Landed", net.bank.slot)
            await net.advance(1)
            [landed] = await submitter.bundle_statuses([identity])
            assert (landed.confirmation_status, landed.error, landed.slot) == (
                "confirmed",
                None,
                net.bank.slot - 1,
            )
            assert landed.transactions == [str(each.signatures[0]) for each in transactions]
            assert (await submitter.tip_accounts()).are_known
        assert lamports(net, PAYEE) == PAID
        assert set(TIP_ACCOUNTS) == set(KNOWN_TIP_ACCOUNTS)

    on_net(test, regions=3)


def test_one_transaction_over_node_and_block_engine_lands_once() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        [engine] = targets(net, kind="jito_transaction", bundle_only=True)
        node = Target("node", net.endpoints[0].http_url, kind="rpc")
        transaction = tipped(net, pay(PAID))
        signature = str(transaction.signatures[0])
        with Submitter([engine, node]) as submitter:
            dispatch = await submitter.submit([bytes(transaction)])
            kinds = {each.target: each.kind for each in dispatch.answers}
            # Whoever comes second is told so, or accepts what is there already.
            assert kinds["node"] == "accepted"
            assert kinds["amsterdam"] in ("accepted", "rejected")
            found = await submitter.signature_statuses([signature], targets=["node"])
            assert found.statuses[0].slot == net.bank.slot
        assert (lamports(net, PAYEE), net.bank.transactions) == (PAID, 1)

    on_net(test)


@pytest.mark.parametrize(
    ("plan", "kind", "lands"),
    [
        (EngineFaults(outage=1), "rejected", False),
        (EngineFaults(close=1), "unknown", False),
        (EngineFaults(congested=1), "rate_limited", False),
        (EngineFaults(hang=1), "timeout", False),
        (EngineFaults(answer_hang=1), "timeout", True),
        (EngineFaults(answer_lost=1), "unknown", True),
        (EngineFaults(garbage=1), "bad_answer", True),
        (EngineFaults(reject_auction=1), "accepted", False),
        (EngineFaults(drop=1), "accepted", False),
    ],
)
def test_what_a_fault_is_called_and_whether_the_bundle_landed(
    plan: EngineFaults, kind: str, lands: bool
) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        with Submitter(targets(net, timeout_ms=500.0 if kind == "timeout" else 5_000.0)) as submitter:
            dispatch = await submitter.submit([bytes(tipped(net, pay(PAID)))])
        [answer] = dispatch.answers
        assert (answer.kind, answer.is_sent) == (kind, True)
        assert (lamports(net, PAYEE) == PAID) is lands

    on_net(test, engine_faults=(plan,))


def test_refusals_keep_their_words() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        landed = tipped(net, pay(PAID))
        await client.send(landed)
        with Submitter(targets(net)) as submitter:
            for transactions, words in (
                ([landed], "already processed"),
                ([signed(net, pay(1))], "must write lock at least one tip account"),
                ([landed, landed], "duplicate transactions"),
            ):
                [answer] = (await submitter.submit([bytes(each) for each in transactions])).answers
                assert (answer.kind, answer.code, answer.http_status) == ("rejected", -32602, 400)
                assert words in answer.message

    on_net(test)


def test_a_node_that_loses_its_answer_has_carried_it_out() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        with Submitter([Target("node", net.endpoints[0].http_url, kind="rpc")]) as submitter:
            [answer] = (await submitter.submit([bytes(signed(net, pay(PAID)))])).answers
        assert (answer.kind, answer.is_sent) == ("unknown", True)
        assert lamports(net, PAYEE) == PAID

    on_net(test, faults=(FaultPlan(http_answer_lost=1),))
