"""Bundles on the local block engine: what lands, what does not, and what clients are told of it."""

from __future__ import annotations

import base64
import hashlib
from random import Random

import pytest

pytest.importorskip("solders")

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from bundles import (
    OTHER,
    PAID,
    PAYEE,
    PAYER,
    TIP,
    Client,
    b58,
    b64,
    lamports,
    naming,
    on_net,
    pay,
    signed,
    tipped,
)
from phantom_arbiter.localnet import LocalNet
from phantom_arbiter.localnet.block_engine.bundle import TIP_ACCOUNTS

FEE = 5_000
DAMAGED, DAMAGE_SEED = 200, 1


def test_bundle_lands_in_one_slot_and_is_followed_to_finality() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        # The second spends what the first brings: they run in their order.
        poor = Pubkey.from_bytes(bytes([77]) * 32)
        transactions = [signed(net, pay(PAID)), tipped(net, pay(PAID, poor), tip=5_000)]
        before = lamports(net, TIP)
        identity = await client.send(*transactions)
        signatures = [str(each.signatures[0]) for each in transactions]
        assert identity == hashlib.sha256(",".join(signatures).encode()).hexdigest()
        assert (lamports(net, PAYEE), lamports(net, poor), lamports(net, TIP) - before) == (PAID, PAID, 5_000)
        assert lamports(net, PAYER.pubkey()) == 10**9 - 2 * PAID - 5_000 - 2 * FEE
        slot = net.bank.slot
        assert await client.inflight(identity, "unknown") == [("Landed", slot), ("Invalid", None)]
        seen = []
        for slots in (0, 1, 31):
            await net.advance(slots)
            [status] = await client.statuses(identity, "unknown")
            seen.append(status["confirmation_status"])
        assert seen == ["processed", "confirmed", "finalized"]
        assert (status["bundle_id"], status["slot"], status["err"]) == (identity, slot, {"Ok": None})
        assert status["transactions"] == signatures
        assert {net.machine.slot_of(each) for each in signatures} == {slot}

    on_net(test)


def test_bundle_with_a_failing_transaction_leaves_nothing() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        good, bad = tipped(net, pay(PAID)), signed(net, pay(10**12))
        identity = await client.send(good, bad)
        assert await client.inflight(identity) == [("Failed", None)]
        assert await client.statuses(identity) == []
        assert (lamports(net, PAYEE), lamports(net, PAYER.pubkey())) == (0, 10**9)
        assert net.bank.transactions == 0
        found = await net.bundle(identity)
        assert found is not None
        assert found["rejections"] == {"amsterdam": "SimulationFailure"}
        assert found["err"] == {"InstructionError": [0, {"Custom": 1}]}
        # What was taken back can still land alone.
        assert await client.inflight(await client.send(good)) == [("Landed", net.bank.slot)]

    on_net(test)


def test_what_is_no_bundle_is_refused_with_its_reason() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        one = tipped(net, pay(PAID))
        no_tip = "Bundles must write lock at least one tip account to be eligible for the auction."
        twice = "bundles must not contain any duplicate transactions and every transaction must be signed"
        many = [tipped(net, pay(number)) for number in range(6)]
        assert await client.refusal(*many) == (400, -32602, "bundle exceeds max transaction length: 5")
        assert await client.refusal(one, one) == (400, -32602, twice)
        assert await client.refusal(signed(net, pay(PAID))) == (400, -32602, no_tip)
        reads_tip = signed(net, naming(TIP))
        assert await client.refusal(reads_tip) == (400, -32602, no_tip)
        forged = type(one).populate(one.message, [many[0].signatures[0]])
        assert await client.refusal(forged) == (400, -32602, twice)
        assert (await client.refusal())[:2] == (400, -32602)
        _, body, _ = await client.post("/api/v1/bundles", "sendBundle", ["?"], {"encoding": "base64"})
        assert body["error"]["message"] == "transaction #0 could not be decoded"
        await client.send(one)
        assert await client.refusal(one) == (400, -32602, "bundle contains an already processed transaction")
        late = tipped(net, pay(1))
        await net.advance(151)
        assert await client.refusal(late) == (400, -32602, "bundle contains an expired blockhash")

    on_net(test)


def test_tip_below_the_minimum_loses_the_auction() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        low = await client.send(tipped(net, pay(PAID), tip=999))
        enough = await client.send(tipped(net, pay(PAID), tip=1_000))
        assert await client.inflight(low, enough) == [("Failed", None), ("Landed", net.bank.slot)]
        found = await net.bundle(low)
        assert found is not None
        assert found["rejections"] == {"amsterdam": "StateAuctionBidRejected"}

    on_net(test)


def test_auction_prefers_the_higher_tip_per_unit() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        await net.hold_auctions()
        # Each takes nearly all that the payer of both has: only one can.
        most = 9 * 10**8
        small = await client.send(tipped(net, pay(most, PAYEE), tip=10_000, units=1_000))
        big = await client.send(tipped(net, pay(most + 1, PAYEE), tip=20_000, units=100_000))
        elsewhere = await client.send(tipped(net, pay(PAID, PAYEE, OTHER), payer=OTHER))
        assert await client.inflight(small, big) == [("Pending", None)] * 2
        await net.run_auction()
        slot = net.bank.slot
        assert await client.inflight(small, big, elsewhere) == [
            ("Landed", slot),
            ("Failed", None),
            ("Landed", slot),
        ]
        assert lamports(net, PAYEE) == most + PAID
        await net.release_auctions()

    on_net(test)


def test_a_bundle_sent_to_several_regions_lands_once() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        await net.hold_auctions()
        transaction = tipped(net, pay(PAID))
        identities = {await client.send(transaction, region=region) for region in range(3)}
        assert len(identities) == 1
        assert (await client.refusal(transaction, region=1))[2] == "duplicate bundle"
        await net.run_auction()
        assert await client.inflight(*identities) == [("Landed", net.bank.slot)]
        assert (lamports(net, PAYEE), net.bank.transactions) == (PAID, 1)
        found = await net.bundle(identities.pop())
        assert found is not None
        assert (found["rejections"], found["err"]) == ({}, None)

    on_net(test, regions=3)


def test_dont_front_wants_the_first_place_or_one_signer() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        key = Pubkey.from_string("jitodontfront111111111111111111111111111111")
        guarded = signed(net, pay(PAID), naming(key))
        by_other = tipped(net, pay(PAID, PAYEE, OTHER), payer=OTHER)
        status, code, words = await client.refusal(by_other, guarded)
        assert (status, code) == (400, -32602)
        assert "jitodontfront" in words
        same_signer = await client.send(tipped(net, pay(PAID + 1)), guarded)
        first = await client.send(signed(net, pay(PAID + 2), naming(key)), by_other)
        assert [each for each, _ in await client.inflight(same_signer, first)] == ["Landed", "Landed"]

    on_net(test)


def test_five_minutes_later_nothing_is_in_flight_but_what_landed_is_known() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        identity = await client.send(tipped(net, pay(PAID)))
        await net.advance(750)
        assert (await client.inflight(identity))[0][0] == "Landed"
        await net.advance(1)
        assert (await client.inflight(identity))[0][0] == "Invalid"
        assert len(await client.statuses(identity)) == 1

    on_net(test)


def test_every_path_serves_its_methods() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        for path in ("/api/v1/bundles", "/api/v1/getTipAccounts"):
            # jito-py-rpc sends [null] where there are no parameters.
            _, body, _ = await client.post(path, "getTipAccounts", None)
            assert body["result"] == list(TIP_ACCOUNTS)
        transactions = [tipped(net, pay(PAID))]
        _, body, _ = await client.post("/api/v1/sendBundle", "sendBundle", b58(transactions))
        identity = body["result"]
        for method in ("getBundleStatuses", "getInflightBundleStatuses"):
            _, body, _ = await client.post("/api/v1/bundles", method, [identity])
            assert body["result"]["value"][0]["bundle_id"] == identity
            status, body, _ = await client.post("/api/v1/bundles", method, ["x"] * 6)
            assert (status, body["error"]["code"]) == (400, -32602)
        status, body, _ = await client.post("/api/v1/transactions", "sendBundle", b64(transactions))
        assert (status, body["error"]["code"]) == (400, -32601)
        assert (await client.post("/api/v2/bundles", "getTipAccounts"))[0] == 404

    on_net(test)


def test_bundle_only_transactions_are_not_charged_when_they_fail() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        path = "/api/v1/transactions"
        failing = tipped(net, pay(10**12))
        base64 = {"encoding": "base64"}
        _, body, headers = await client.post(
            f"{path}?bundleOnly=true", "sendTransaction", b64([failing])[0], base64
        )
        assert body["result"] == str(failing.signatures[0])
        assert await client.inflight(headers["x-bundle-id"]) == [("Failed", None)]
        assert lamports(net, PAYER.pubkey()) == 10**9
        # Without the flag it goes out as an ordinary transaction too, which pays for its failure.
        again = tipped(net, pay(10**12 + 1))
        await client.post(path, "sendTransaction", b64([again])[0], base64)
        assert lamports(net, PAYER.pubkey()) == 10**9 - FEE
        plain = signed(net, pay(PAID))
        _, body, headers = await client.post(path, "sendTransaction", b58([plain])[0])
        assert (body["result"], "x-bundle-id" in headers) == (str(plain.signatures[0]), False)
        assert lamports(net, PAYEE) == PAID
        status, body, _ = await client.post(
            f"{path}?bundleOnly=true", "sendTransaction", b58([signed(net, pay(1))])[0]
        )
        assert status == 400
        assert body["error"]["message"].startswith("Bundles must write lock")

    on_net(test)


def test_bundles_leave_what_their_transactions_leave_one_by_one() -> None:
    """Random bundles, many of which fail: the ledger is that of those that landed, sent by themselves."""
    random = Random(20)
    purses = [Keypair.from_seed(bytes([number]) * 32) for number in range(40, 44)]
    landed: list[tuple[int, bytes]] = []
    ledgers: list[list[object]] = []

    def ledger(net: LocalNet) -> list[object]:
        keys = [str(each.pubkey()) for each in purses] + list(TIP_ACCOUNTS)
        return [net.bank.accounts.history(key) for key in keys]

    async def bundles(net: LocalNet, client: Client) -> None:
        first = net.bank.slot
        for purse in purses:
            await net.fund(str(purse.pubkey()), 20_000_000)
        statuses = []
        for _ in range(150):
            transactions = []
            for _ in range(random.randint(1, 5)):
                payer, to = random.sample(purses, 2)
                amount = random.choice([1_000_000, 5_000_000, 12_000_000])
                paid = pay(amount + random.randint(0, 9_999), to.pubkey(), payer)
                transactions.append(tipped(net, paid, tip=random.choice([500, 2_000]), payer=payer))
            identity = await client.send(*transactions)
            statuses.append((await client.inflight(identity))[0][0])
            if statuses[-1] == "Landed":
                landed.extend((net.bank.slot - first, bytes(each)) for each in transactions)
            if random.random() < 0.3:
                await net.advance(1)
        assert 20 < statuses.count("Landed") < 130
        assert net.bank.transactions == len(landed)
        ledgers.append(ledger(net))

    async def one_by_one(net: LocalNet, client: Client) -> None:
        first = net.bank.slot
        for purse in purses:
            await net.fund(str(purse.pubkey()), 20_000_000)
        for slot, raw in landed:
            await net.advance(first + slot - net.bank.slot)
            outcome = net.machine.execute(VersionedTransaction.from_bytes(raw))
            assert outcome.err is None
        ledgers.append(ledger(net))

    on_net(bundles)
    on_net(one_by_one)
    assert ledgers[0] == ledgers[1]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{nonsense", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"id":1,"method":7}', -32600),
        (b'{"id":1,"method":"nothing"}', -32601),
        (b'{"id":1,"method":"sendBundle"}', -32602),
        (b'{"id":1,"method":"sendBundle","params":{}}', -32602),
        (b'{"id":1,"method":"sendBundle","params":[7]}', -32602),
        (b'{"id":1,"method":"sendBundle","params":[[7]]}', -32602),
        (b'{"id":1,"method":"sendBundle","params":[["0OIl"]]}', -32602),
        (b'{"id":1,"method":"sendBundle","params":[["AA"],{"encoding":"hex"}]}', -32602),
        (b'{"id":1,"method":"sendBundle","params":[["AA"],{"encoding":7}]}', -32602),
        (b'{"id":1,"method":"sendBundle","params":[["AA"],"base64"]}', -32602),
        (b'{"id":1,"method":"getBundleStatuses","params":["x"]}', -32602),
        (b'{"id":1,"method":"getInflightBundleStatuses","params":[[7]]}', -32602),
    ],
)
def test_what_is_no_request_is_refused_with_its_code(body: bytes, code: int) -> None:
    async def test(net: LocalNet, client: Client) -> None:
        status, answer = await client.raw(body)
        assert (status, answer["error"]["code"]) == (400, code)
        # The region still serves.
        assert (await client.post("/api/v1/getTipAccounts", "getTipAccounts"))[0] == 200

    on_net(test)


def test_damaged_transactions_are_refused_whatever_the_damage() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        random = Random(DAMAGE_SEED)
        intact = [bytes(tipped(net, pay(PAID, PAYEE, payer), payer=payer)) for payer in (PAYER, OTHER)]
        for _ in range(DAMAGED):
            raw = [bytearray(each) for each in intact]
            spoiled = random.choice(raw)
            for _ in range(random.randint(1, 3)):
                spoiled[random.randrange(len(spoiled))] = random.randrange(256)
            if random.random() < 0.2:
                del spoiled[random.randrange(1, len(spoiled)) :]
            if raw == [bytearray(each) for each in intact]:
                continue
            texts = [base64.b64encode(each).decode() for each in raw]
            status, body, _ = await client.post(
                "/api/v1/bundles", "sendBundle", texts, {"encoding": "base64"}
            )
            assert (status, body["error"]["code"]) == (400, -32602), texts
        assert net.bank.transactions == 0

    on_net(test)
