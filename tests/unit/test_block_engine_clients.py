"""The public Python clients of Jito's interface against the local block engine.

`jito-py-rpc` is Jito Labs' own, blocking; `aiojito` is its asynchronous relative and speaks base58 only.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("solders")

import aiohttp

from bundles import PAID, PAYEE, Client, b58, b64, lamports, on_net, pay, signed, tipped
from phantom_arbiter.localnet import EngineFaults, LocalNet
from phantom_arbiter.localnet.block_engine.bundle import TIP_ACCOUNTS, bundle_id


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of the environment come between."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def jito_py_rpc() -> Any:
    return pytest.importorskip("jito_py_rpc", reason="needs jito-py-rpc")


@pytest.fixture
def aiojito() -> Any:
    return pytest.importorskip("aiojito.async_api.searcher", reason="needs aiojito")


def test_jito_py_rpc_sends_bundles_and_follows_them(jito_py_rpc: Any) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        sdk = jito_py_rpc.JitoJsonRpcSDK(f"{net.regions[0].url}/api/v1")
        ask = asyncio.to_thread
        assert (await ask(sdk.get_tip_accounts))["data"]["result"] == list(TIP_ACCOUNTS)
        assert await ask(sdk.get_random_tip_account) in TIP_ACCOUNTS
        transactions = [signed(net, pay(PAID)), tipped(net)]
        sent = await ask(sdk.send_bundle, b64(transactions))
        assert sent["success"]
        identity = sent["data"]["result"]
        assert identity == bundle_id(transactions)
        found = (await ask(sdk.get_inflight_bundle_statuses, [identity]))["data"]["result"]
        assert found["value"] == [{"bundle_id": identity, "status": "Landed", "landed_slot": net.bank.slot}]
        await net.advance(1)
        [status] = (await ask(sdk.get_bundle_statuses, [identity]))["data"]["result"]["value"]
        assert (status["confirmation_status"], status["err"]) == ("confirmed", {"Ok": None})
        assert (await ask(sdk.get_bundle_statuses, ["none"]))["data"]["result"]["value"] == []
        assert lamports(net, PAYEE) == PAID

    on_net(test)


def test_jito_py_rpc_sends_transactions_and_is_told_what_is_wrong(jito_py_rpc: Any) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        sdk = jito_py_rpc.JitoJsonRpcSDK(f"{net.regions[0].url}/api/v1")
        transaction = tipped(net, pay(PAID))
        sent = await asyncio.to_thread(sdk.send_txn, b64([transaction])[0], True)
        assert sent["data"]["result"] == str(transaction.signatures[0])
        assert lamports(net, PAYEE) == PAID
        refused = await asyncio.to_thread(sdk.send_bundle, b64([transaction]))
        assert not refused["success"]
        assert "400" in refused["error"]
        await net.set_engine_faults(0, EngineFaults(congested=1))
        assert "429" in (await asyncio.to_thread(sdk.send_bundle, b64([transaction])))["error"]

    on_net(test)


def test_jito_py_rpc_names_its_uuid(jito_py_rpc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITO_UUID", "ours")

    async def test(net: LocalNet, client: Client) -> None:
        sdk = jito_py_rpc.JitoJsonRpcSDK(f"{net.regions[0].url}/api/v1", "JITO_UUID")
        assert (await asyncio.to_thread(sdk.send_bundle, b64([tipped(net, pay(PAID))])))["success"]
        assert net.regions[0].requests == {"sendBundle": 1}
        monkeypatch.setenv("JITO_UUID", "theirs")
        sdk = jito_py_rpc.JitoJsonRpcSDK(f"{net.regions[0].url}/api/v1", "JITO_UUID")
        assert "401" in (await asyncio.to_thread(sdk.get_tip_accounts))["error"]

    on_net(test, uuids=("ours",))


def test_aiojito_sends_and_follows_bundles(aiojito: Any) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        async with aiohttp.ClientSession() as session:
            searcher = aiojito.AsyncSearcher(net.regions[0].url, session)
            assert await searcher.get_tip_accounts() == list(TIP_ACCOUNTS)
            transactions = [signed(net, pay(PAID)), tipped(net)]
            identity = await searcher.send_bundle(b58(transactions))
            await net.advance(32)
            found = await searcher.get_bundle_statuses([identity, "none"])
            [status] = found.statuses
            assert found.context_slot == net.bank.slot
            assert (status.bundle_id, status.confirmation_status) == (identity, "finalized")
            assert status.transactions == [str(each.signatures[0]) for each in transactions]
            single = tipped(net, pay(PAID))
            assert await searcher.send_transaction(b58([single])[0]) == str(single.signatures[0])
            assert lamports(net, PAYEE) == 2 * PAID

    on_net(test)
