"""What can go wrong at a region of the block engine, and the whole of it in another process."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("solders")

import aiohttp

from bundles import PAID, PAYEE, PAYER, Client, b64, lamports, on_net, pay, signed, tipped
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.localnet import LocalNet, LocalNetProcess, NetSettings
from phantom_arbiter.localnet.block_engine.faults import EngineFaults
from phantom_arbiter.localnet.faults.plan import read_plans
from phantom_arbiter.localnet.settings_file import settings_text

BASE64 = {"encoding": "base64"}
TIPS = ("/api/v1/getTipAccounts", "getTipAccounts")


@pytest.mark.parametrize(
    ("plan", "status", "reason"),
    [
        (EngineFaults(reject_simulation=1), "Failed", "SimulationFailure"),
        (EngineFaults(reject_auction=1), "Failed", "StateAuctionBidRejected"),
        (EngineFaults(reject_internal=1), "Failed", "InternalError"),
        (EngineFaults(drop=1), "Pending", "DroppedBundle"),
    ],
)
def test_accepted_bundles_that_never_land(plan: EngineFaults, status: str, reason: str) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        transaction = tipped(net, pay(PAID))
        identity = await client.send(transaction)
        assert await client.inflight(identity) == [(status, None)]
        assert lamports(net, PAYEE) == 0
        found = await net.bundle(identity)
        assert found is not None
        assert found["rejections"] == {"amsterdam": reason}
        # Another region lands it.
        assert await client.send(transaction, region=1) == identity
        assert await client.inflight(identity) == [("Landed", net.bank.slot)]

    on_net(test, regions=2, engine_faults=(plan,))


def test_a_transaction_that_is_dropped_is_no_ordinary_one_either() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        transaction = tipped(net, pay(PAID))
        path = "/api/v1/transactions"
        _, body, _ = await client.post(path, "sendTransaction", b64([transaction])[0], BASE64)
        assert body["result"] == str(transaction.signatures[0])
        assert lamports(net, PAYEE) == 0
        await net.set_engine_faults(0, EngineFaults(reject_auction=1))
        await client.post(path, "sendTransaction", b64([transaction])[0], BASE64)
        assert lamports(net, PAYEE) == PAID

    on_net(test, engine_faults=(EngineFaults(drop=1),))


def test_landing_may_wait_for_slots() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        identity = await client.send(tipped(net, pay(PAID)))
        first = net.bank.slot
        await net.advance(2)
        assert await client.inflight(identity) == [("Pending", None)]
        await net.advance(1)
        assert await client.inflight(identity) == [("Landed", first + 3)]

    on_net(test, engine_faults=(EngineFaults(land_slots=3),))


def test_statuses_may_be_late() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        await net.advance(5)
        first = net.bank.slot
        identity = await client.send(tipped(net, pay(PAID)))
        assert lamports(net, PAYEE) == PAID
        seen = []
        for _ in range(4):
            seen.append((await client.inflight(identity), len(await client.statuses(identity))))
            await net.advance(1)
        late = ([("Invalid", None)], 0)
        assert seen == [late, late, ([("Landed", first)], 1), ([("Landed", first)], 1)]

    on_net(test, engine_faults=(EngineFaults(status_slots=2),))


def test_a_bundle_that_was_refused_may_be_sent_again() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        transaction = tipped(net, pay(PAID))
        identity = await client.send(transaction)
        await net.set_engine_faults(0, EngineFaults())
        assert await client.inflight(identity) == [("Failed", None)]
        assert await client.send(transaction) == identity
        assert await client.inflight(identity) == [("Landed", net.bank.slot)]
        found = await net.bundle(identity)
        assert found is not None
        assert found["rejections"] == {}

    on_net(test, engine_faults=(EngineFaults(reject_auction=1),))


def test_a_bundle_that_waits_too_long_expires() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        identity = await client.send(tipped(net, pay(PAID)))
        await net.advance(151)
        assert await client.inflight(identity) == [("Failed", None)]
        found = await net.bundle(identity)
        assert found is not None
        assert found["rejections"] == {"amsterdam": "BlockhashExpired"}

    on_net(test, engine_faults=(EngineFaults(land_slots=151),))


@pytest.mark.parametrize(
    ("plan", "fault", "lands"),
    [(EngineFaults(close=1), "close", False), (EngineFaults(answer_lost=1), "answer_lost", True)],
)
def test_an_answer_that_does_not_come_says_nothing_of_the_bundle(
    plan: EngineFaults, fault: str, lands: bool
) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        with pytest.raises(aiohttp.ClientError):
            await client.send(tipped(net, pay(PAID)))
        assert (lamports(net, PAYEE) == PAID) is lands
        assert (await net.stats())["regions"][0]["faults"][fault] >= 1

    on_net(test, engine_faults=(plan,))


@pytest.mark.parametrize(
    ("plan", "fault", "lands"),
    [(EngineFaults(hang=1), "hang", False), (EngineFaults(answer_hang=1), "answer_hang", True)],
)
def test_an_answer_that_hangs(plan: EngineFaults, fault: str, lands: bool) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        sending = asyncio.ensure_future(client.send(tipped(net, pay(PAID))))
        while fault not in net.regions[0].faults:
            await asyncio.sleep(0)
        sending.cancel()
        assert (lamports(net, PAYEE) == PAID) is lands

    on_net(test, engine_faults=(plan,))


def test_garbage_comes_after_landing() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        with pytest.raises(json.JSONDecodeError):
            await client.send(tipped(net, pay(PAID)))
        assert lamports(net, PAYEE) == PAID

    on_net(test, engine_faults=(EngineFaults(garbage=1),))


@pytest.mark.parametrize(
    ("plan", "status", "code", "words"),
    [
        (EngineFaults(internal_error=1), 500, -32603, "Internal error"),
        (
            EngineFaults(congested=1),
            429,
            -32097,
            "Network congested. Endpoint is globally rate limited.",
        ),
    ],
)
def test_refused_requests_are_not_carried_out(plan: EngineFaults, status: int, code: int, words: str) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        assert await client.refusal(tipped(net, pay(PAID))) == (status, code, words)
        assert lamports(net, PAYEE) == 0

    on_net(test, engine_faults=(plan,))


def test_one_region_is_down_while_the_other_serves() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        assert (await client.post(*TIPS))[0] == 503
        identity = await client.send(tipped(net, pay(PAID)), region=1)
        await net.set_engine_faults(0, EngineFaults())
        assert await client.inflight(identity) == [("Landed", net.bank.slot)]

    on_net(test, regions=2, engine_faults=(EngineFaults(outage=1),))


def test_each_region_has_a_limit_and_uuids_have_their_own() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        async def ask(
            region: int = 0, path: str = TIPS[0], headers: dict[str, str] | None = None
        ) -> tuple[int, Any]:
            status, body, _ = await client.post(path, TIPS[1], region=region, headers=headers)
            return status, body.get("error")

        assert (await ask())[0] == 200
        status, error = await ask()
        assert status == 429
        assert error == {
            "code": -32097,
            "message": "Rate limit exceeded. Limit: 1 per second for txn requests",
            "data": None,
        }
        assert (await ask(region=1))[0] == 200
        known = {"x-jito-auth": "known"}
        by_query = f"{TIPS[0]}?uuid=known"
        assert [
            (await ask(headers=known))[0],
            (await ask(path=by_query))[0],
            (await ask(headers=known))[0],
        ] == [
            200,
            200,
            429,
        ]
        assert (await ask(headers={"x-jito-auth": "unknown"}))[0] == 401
        await net.advance(3)  # 1.2 seconds
        assert (await ask())[0] == 200

    plan = EngineFaults(per_s=1, per_s_known=2)
    on_net(test, regions=2, engine_faults=(plan, plan), uuids=("known",))


def test_the_same_seed_draws_the_same_faults() -> None:
    seen: list[list[int]] = []

    async def test(net: LocalNet, client: Client) -> None:
        seen.append([(await client.post(*TIPS))[0] for _ in range(40)])

    for seed in (5, 5, 6):
        on_net(test, seed=seed, engine_faults=(EngineFaults(outage=0.5),))
    assert seen[0] == seen[1] != seen[2]
    assert 5 < seen[0].count(503) < 35


def test_auctions_tick_by_themselves_where_slots_do() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        identity = await client.send(tipped(net, pay(PAID)))
        while (await client.inflight(identity))[0][0] == "Pending":
            pass
        assert (await client.inflight(identity))[0][0] == "Landed"
        assert lamports(net, PAYEE) == PAID

    on_net(test, slot_ms=60_000)


def test_plans_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text("[default]\ndelay_ms = 1.5\n[[region]]\noutage = 1.0\n[[region]]\ndelay_ms = 0.0\n")
    assert read_plans(path, 3, EngineFaults(), "region") == [
        EngineFaults(delay_ms=1.5, outage=1.0),
        EngineFaults(),
        EngineFaults(delay_ms=1.5),
    ]
    with pytest.raises(ConfigError, match="has 2 regions, the net has 1; hint: --regions 2"):
        read_plans(path, 1, EngineFaults(), "region")
    for wrong in ("outage = 2", "land_slots = 0.5", "delay_ms = -1", "drop = true", "outrage = 1"):
        path.write_text(f"[[region]]\n{wrong}\n")
        with pytest.raises(ConfigError, match="region 1: "):
            read_plans(path, 1, EngineFaults(), "region")


def test_settings_name_the_regions() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        text = settings_text(net)
        for region in net.regions:
            assert f'[[block_engines]]\nname = "{region.name}"\nurl = "{region.url}"\n' in text

    on_net(test, regions=2)


def test_the_block_engine_in_another_process() -> None:
    async def run() -> None:
        settings = NetSettings(source="empty", slot_ms=None, regions=2, seed=3)
        async with (
            LocalNetProcess(settings) as net,
            aiohttp.ClientSession() as session,
            asyncio.timeout(30),
        ):
            here = LocalNet(settings)  # the same seed: the same blockhashes
            await net.fund(str(PAYER.pubkey()), 10**9)
            await net.hold_auctions()
            await net.set_engine_faults(1, EngineFaults(outage=1))
            transactions = [signed(here, pay(PAID)), tipped(here)]
            body = {"id": 1, "method": "sendBundle", "params": [b64(transactions), BASE64]}
            statuses = []
            for region in net.regions:
                async with session.post(f"{region.url}/api/v1/bundles", json=body) as answer:
                    statuses.append(answer.status)
                    if answer.status == 200:
                        identity = (await answer.json())["result"]
            assert statuses == [200, 503]
            found = await net.bundle(identity)
            assert found is not None
            assert found["status"] == "Pending"
            await net.run_auction()
            await net.release_auctions()
            found = await net.bundle(identity)
            assert found is not None
            assert (found["status"], found["tip_lamports"]) == ("Landed", 1_000)
            assert (await net.stats())["bundles"] == {"Pending": 0, "Failed": 0, "Landed": 1}

    asyncio.run(run())


def test_a_net_without_block_engine_says_so() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        with pytest.raises(ConfigError, match="no block engine"):
            await net.run_auction()

    on_net(test, regions=0)
    with pytest.raises(ConfigError, match="regions is 9"):
        NetSettings(regions=9)
    with pytest.raises(ConfigError, match="1 fault plans for 0 regions"):
        NetSettings(engine_faults=(EngineFaults(),))
