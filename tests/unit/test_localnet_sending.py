"""Transactions sent to an endpoint that loses its answer, drops them, or lets them land late."""

from __future__ import annotations

import pytest

pytest.importorskip("solders")

import aiohttp

from bundles import PAID, PAYEE, Client, b64, lamports, on_net, pay, signed
from phantom_arbiter.localnet import FaultPlan, LocalNet


async def sent(net: LocalNet, endpoint: int = 0) -> str:
    """Return the signature of a payment that an endpoint takes."""
    transaction = signed(net, pay(PAID))
    params = [b64([transaction])[0], {"encoding": "base64", "skipPreflight": True}]
    body = {"jsonrpc": "2.0", "id": 1, "method": "sendTransaction", "params": params}
    async with (
        aiohttp.ClientSession() as session,
        session.post(net.endpoints[endpoint].http_url, json=body) as answer,
    ):
        result: str = (await answer.json())["result"]
    assert result == str(transaction.signatures[0])
    return result


def test_an_answer_that_is_lost_comes_after_landing() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        with pytest.raises(aiohttp.ClientError):
            await sent(net)
        assert lamports(net, PAYEE) == PAID
        faults = (await net.stats())["endpoints"][0]["faults"]["http_faults"]
        assert faults["http_answer_lost"] >= 1

    on_net(test, faults=(FaultPlan(http_answer_lost=1),))


def test_a_transaction_that_is_dropped_never_lands_and_its_copy_elsewhere_does() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        signature = await sent(net)
        await net.advance(10)
        assert net.machine.slot_of(signature) is None
        assert (await net.stats())["endpoints"][0]["dropped"] == 1
        assert await sent(net, endpoint=1) is not None
        assert lamports(net, PAYEE) == PAID

    on_net(test, endpoints=2, faults=(FaultPlan(send_drop=1),))


def test_a_transaction_may_land_slots_later_but_once() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        first = net.bank.slot
        signature = await sent(net)
        assert await sent(net) == signature
        await net.advance(2)
        assert lamports(net, PAYEE) == 0
        await net.advance(3)
        assert (lamports(net, PAYEE), net.machine.slot_of(signature)) == (PAID, first + 3)

    on_net(test, faults=(FaultPlan(send_slots=3),))


def test_a_transaction_that_is_late_expires() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        await sent(net)
        await net.advance(151)
        assert (lamports(net, PAYEE), net.bank.transactions) == (0, 0)

    on_net(test, faults=(FaultPlan(send_slots=151),))
