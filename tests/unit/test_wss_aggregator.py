"""The aggregator and the duplicate filter from Python: genuine frames, bad frames, both judged."""

from __future__ import annotations

import base64
import json
import random
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from phantom_core import (
    AccountUpdate,
    DuplicateFilter,
    InvalidInput,
    LogUpdate,
    QuarantineLimits,
    RootUpdate,
    SignatureUpdate,
    SlotStageUpdate,
    SlotUpdate,
    WssAggregator,
)

POOL = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"
OTHER = "7qbRF6YsyGuLUVs6Y1q64bdVrfe4ZcUUz1JRdoVNUJnm"
OWNER = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
SIGNATURE = "5Kz" * 29
# The zstd frames of b"abc" (raw block) and of 11 MiB of zeros (RLE blocks), written by hand.
ZSTD_ABC = bytes.fromhex("28b52ffd2003190000616263")


Target = TypeVar("Target", WssAggregator, DuplicateFilter)


def rle_frame(blocks: int) -> bytes:
    """Return a zstd frame that unpacks to `blocks` times 128 KiB of zeros (RFC 8878)."""
    head = bytes.fromhex("28b52ffd0038")  # no content size, window 128 KiB
    size = 128 * 1024
    body = b""
    for block in range(blocks):
        last = block == blocks - 1
        body += ((size << 3) | (1 << 1) | last).to_bytes(3, "little") + b"\0"
    return head + body


def account(raw: bytes, /, **changes: Any) -> dict[str, Any]:
    value = {
        "lamports": 5,
        "data": [base64.b64encode(raw).decode(), "base64"],
        "owner": OWNER,
        "executable": False,
        "rentEpoch": 2**64 - 1,
        "space": len(raw),
    }
    return {**value, **changes}


def notification(kind: str, slot: int, value: Any, subscription: int) -> bytes:
    result = {"context": {"slot": slot}, "value": value}
    params = {"result": result, "subscription": subscription}
    message = {"jsonrpc": "2.0", "method": f"{kind}Notification", "params": params}
    return json.dumps(message, separators=(",", ":")).encode()


def request(number: int, method: str, *params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()


def answer(number: int, result: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "result": result, "id": number}).encode()


@pytest.fixture
def aggregator() -> WssAggregator:
    """Two endpoints, subscribed to `POOL` as 1 and 2."""
    aggregator = WssAggregator()
    for number, name in enumerate("ab"):
        aggregator.connect(name)
        assert aggregator.endpoint(name) == number
        aggregator.subscribed(name, number + 1, POOL)
    return aggregator


def malformed(aggregator: WssAggregator, endpoint: int = 0) -> dict[str, int]:
    return aggregator.stats().endpoints[endpoint].malformed


def test_push_of_a_first_arrival_returns_the_state(aggregator: WssAggregator) -> None:
    (update,) = aggregator.push("a", notification("account", 9, account(b"abc"), 1))
    assert isinstance(update, AccountUpdate)
    assert (update.pubkey, update.slot, update.owner) == (POOL, 9, OWNER)
    assert (update.lamports, update.data, update.exists) == (5, b"abc", True)
    assert aggregator.push("b", notification("account", 9, account(b"abc"), 2)) == ()
    assert aggregator.push("b", notification("account", 8, account(b"old"), 2)) == ()
    first, second = aggregator.stats().endpoints
    assert (first.wins, first.frames) == (1, 1)
    assert (second.duplicates, second.stale, second.frames) == (1, 1, 2)
    assert aggregator.highest_slot == 9


def test_push_of_the_same_write_in_another_encoding_is_a_duplicate(aggregator: WssAggregator) -> None:
    packed = [base64.b64encode(ZSTD_ABC).decode(), "base64+zstd"]
    (update,) = aggregator.push("a", notification("account", 9, account(b"abc", data=packed), 1))
    assert isinstance(update, AccountUpdate)
    assert update.data == b"abc"
    assert aggregator.push("b", notification("account", 9, account(b"abc"), 2)) == ()
    assert aggregator.stats().endpoints[1].duplicates == 1


def test_push_of_a_change_of_lamports_alone_is_fresh(aggregator: WssAggregator) -> None:
    aggregator.push("a", notification("account", 9, account(b"abc"), 1))
    assert aggregator.push("a", notification("account", 9, account(b"abc", lamports=6), 1))


def test_request_and_confirmation_name_the_account() -> None:
    aggregator = WssAggregator()
    aggregator.connect("a")
    aggregator.request("a", request(4, "accountSubscribe", POOL, {"encoding": "base64"}))
    frame = notification("account", 9, account(b"abc"), 77)
    assert aggregator.push("a", frame) == ()
    assert malformed(aggregator) == {"unknown_subscription": 1}
    assert aggregator.push("a", answer(4, 77)) == ()
    assert aggregator.push("a", frame)
    aggregator.connect("a")
    assert aggregator.push("a", frame) == ()
    assert malformed(aggregator) == {"unknown_subscription": 2}
    assert aggregator.stats().endpoints[0].control == 1


def test_push_of_a_read_returns_every_newer_state(aggregator: WssAggregator) -> None:
    aggregator.push("a", notification("account", 9, account(b"abc"), 1))
    aggregator.request("b", request(1, "getMultipleAccounts", [POOL, OTHER, OWNER], {}))
    read = answer(
        1, {"context": {"apiVersion": "2", "slot": 9}, "value": [account(b"abc"), None, account(b"x")]}
    )
    updates = aggregator.push("b", read)
    assert [(u.pubkey, u.slot, u.data) for u in updates if isinstance(u, AccountUpdate)] == [
        (OTHER, 9, None),
        (OWNER, 9, b"x"),
    ]
    stats = aggregator.stats().endpoints[1]
    assert (stats.frames, stats.wins, stats.duplicates) == (1, 2, 1)
    assert aggregator.push("b", read) == ()  # answered: nothing was asked under this id
    assert aggregator.stats().endpoints[1].control == 1


def test_push_of_a_refusal_is_control(aggregator: WssAggregator) -> None:
    aggregator.request("a", request(1, "getMultipleAccounts", [POOL], {}))
    error = {"jsonrpc": "2.0", "error": {"code": -32016, "message": "min slot"}, "id": 1}
    assert aggregator.push("a", json.dumps(error).encode()) == ()
    stats = aggregator.stats().endpoints[0]
    assert (stats.control, stats.refusals, stats.malformed) == (1, 1, {})


def test_push_of_logs_slots_and_signatures_gives_each_once(aggregator: WssAggregator) -> None:
    log = {"signature": SIGNATURE, "err": None, "logs": ['Program "x"', "ü"]}
    (update,) = aggregator.push("a", notification("logs", 9, log, 50))
    assert isinstance(update, LogUpdate)
    assert (update.signature, update.slot, update.failed) == (SIGNATURE, 9, False)
    assert update.logs == ['Program "x"', "ü"]
    assert aggregator.push("b", notification("logs", 9, log, 60)) == ()

    def slot(number: int) -> bytes:
        result = {"parent": number - 1, "root": number - 32, "slot": number}
        params = {"result": result, "subscription": 0}
        return json.dumps({"method": "slotNotification", "params": params}).encode()

    (begin,) = aggregator.push("a", slot(40))
    assert isinstance(begin, SlotUpdate)
    assert (begin.slot, begin.parent, begin.root) == (40, 39, 8)
    assert aggregator.push("b", slot(40)) == aggregator.push("b", slot(39)) == ()

    aggregator.request("a", request(2, "signatureSubscribe", SIGNATURE))
    aggregator.push("a", answer(2, 70))
    (received,) = aggregator.push("a", notification("signature", 41, "receivedSignature", 70))
    (final,) = aggregator.push("a", notification("signature", 42, {"err": {"x": 1}}, 70))
    assert isinstance(received, SignatureUpdate)
    assert isinstance(final, SignatureUpdate)
    assert (received.received, received.failed) == (True, False)
    assert (final.signature, final.received, final.failed) == (SIGNATURE, False, True)
    assert malformed(aggregator) == {}


def test_disconnect_releases_the_write_that_only_it_spoke_against(aggregator: WssAggregator) -> None:
    assert aggregator.push("a", notification("account", 9, account(b"one"), 1))
    assert aggregator.push("b", notification("account", 9, account(b"two"), 2)) == ()
    assert aggregator.stats().endpoints[1].held == 1
    (update,) = aggregator.disconnect("a")
    assert (update.pubkey, update.slot, update.data) == (POOL, 9, b"two")
    assert aggregator.stats().released == 1


GOOD = notification("account", 9, account(b"abc"), 1)
BAD: list[tuple[str, bytes]] = [
    ("oversize_frame", b" " * 100_001),
    ("not_json", b""),
    ("not_json", GOOD[:-1]),
    ("not_json", GOOD + b"x"),
    ("not_json", b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"),
    ("wrong_type", b"[]"),
    ("wrong_type", notification("account", 9, account(b"abc", lamports=-1), 1)),
    ("wrong_type", notification("account", 2**64, account(b"abc"), 1)),
    ("wrong_type", notification("account", 9, account(b"abc", data=7), 1)),
    ("wrong_type", notification("account", 9, None, 1)),
    ("missing_field", b"{}"),
    ("missing_field", GOOD.replace(b'"owner"', b'"renwo"')),
    ("missing_field", GOOD.replace(b'"subscription"', b'"scription"')),
    ("unknown_subscription", notification("account", 9, account(b"abc"), 3)),
    ("unknown_encoding", notification("account", 9, account(b"abc", data=["3", "base58"]), 1)),
    ("unknown_encoding", notification("account", 9, account(b"abc", data="3"), 1)),
    ("unknown_encoding", notification("account", 9, account(b"abc", data={"parsed": 1}), 1)),
    ("bad_base64", notification("account", 9, account(b"abc", data=["YWJ", "base64"]), 1)),
    ("bad_base64", notification("account", 9, account(b"abc", data=["YWJ=", "base64"]), 1)),
    ("bad_base64", notification("account", 9, account(b"abc", data=["YW\nJ", "base64"]), 1)),
    ("bad_zstd", notification("account", 9, account(b"abc", data=["YWJj", "base64+zstd"]), 1)),
    ("bad_zstd", notification("account", 9, account(b"", data=["", "base64+zstd"]), 1)),
    (
        "bad_zstd",
        notification(
            "account",
            9,
            account(b"abc", data=[base64.b64encode(ZSTD_ABC[:-1]).decode(), "base64+zstd"]),
            1,
        ),
    ),
    (
        "oversize_data",
        notification(
            "account",
            9,
            account(b"", data=[base64.b64encode(rle_frame(81)).decode(), "base64+zstd"]),
            1,
        ),
    ),
    ("bad_pubkey", notification("account", 9, account(b"abc", owner="z" * 44), 1)),
    ("bad_pubkey", notification("program", 9, {"pubkey": "0" * 44, "account": account(b"a")}, 5)),
    ("bad_signature", notification("logs", 9, {"signature": "0", "err": None, "logs": []}, 5)),
    ("impossible_slot", notification("account", 432_009, account(b"abc"), 1)),
    ("wrong_count", answer(1, {"context": {"slot": 9}, "value": [None, None]})),
    ("too_many_accounts", notification("program", 9, {"pubkey": OWNER, "account": account(b"a")}, 5)),
]


@pytest.mark.parametrize(("reason", "frame"), BAD, ids=[f"{r}-{i}" for i, (r, _) in enumerate(BAD)])
def test_push_of_a_bad_frame_changes_only_its_counter(reason: str, frame: bytes) -> None:
    aggregator = WssAggregator(max_frame_bytes=100_000, max_accounts=2)
    aggregator.subscribed("a", 1, POOL)
    aggregator.request("a", request(1, "getMultipleAccounts", [OTHER], {}))
    aggregator.push("a", notification("account", 8, account(b"before"), 1))
    assert aggregator.push("a", frame) == ()
    stats = aggregator.stats()
    assert stats.endpoints[0].malformed == {reason: 1}
    assert (stats.endpoints[0].frames, stats.endpoints[0].wins, stats.accounts) == (2, 1, 2)
    assert aggregator.highest_slot == 8
    # The same frame, sound, is still news, and the read is still open.
    assert aggregator.push("a", GOOD)
    assert aggregator.push("a", answer(1, {"context": {"slot": 9}, "value": [None]}))


def test_the_largest_account_is_accepted() -> None:
    aggregator = WssAggregator()
    aggregator.subscribed("a", 1, POOL)
    packed = [base64.b64encode(rle_frame(80)).decode(), "base64+zstd"]
    (update,) = aggregator.push("a", notification("account", 9, account(b"", data=packed), 1))
    assert isinstance(update, AccountUpdate)
    assert update.data == bytes(10 * 1024 * 1024)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda a: a.push(7, b"{}"), "endpoint: no endpoint has the number 7"),
        (lambda a: a.push(-1, b"{}"), "endpoint: no endpoint"),
        (lambda a: a.push(None, b"{}"), "endpoint: expected a name or a number"),
        (lambda a: a.push("a", "{}"), "frame: expected bytes"),
        (lambda a: a.subscribed("a", 1, "x"), "pubkey: bad_pubkey"),
        (lambda a: a.request("a", b"{"), "request: not_json"),
        (lambda a: a.push_many([0], [b"", b""]), "endpoints: expected one for each of 2 frames"),
        (lambda a: WssAggregator(quorum=0), "quorum: expected 1 to 64, found 0"),
        (
            lambda a: a.push_many([0], [b""], [1, 2]),
            "arrivals_ns: expected one for each of 1 frames, found 2",
        ),
        (lambda a: [a.request("a", request(n, "getMultipleAccounts", [POOL])) for n in range(9)], "too_many"),
    ],
)
def test_a_wrong_argument_raises_with_its_name(call: Callable[[WssAggregator], Any], text: str) -> None:
    aggregator = WssAggregator(max_pending=8)
    aggregator.connect("a")
    with pytest.raises(InvalidInput, match=text):
        call(aggregator)


def view_of_a_part(frame: bytes) -> memoryview:
    return memoryview(b"xx" + frame + b"yyy")[2:-3]


def view_of_a_changing_buffer(frame: bytes) -> memoryview:
    return memoryview(bytearray(frame))


KINDS = [bytes, bytearray, memoryview, view_of_a_part, view_of_a_changing_buffer]


@pytest.mark.parametrize("kind", KINDS)
def test_push_takes_any_byte_buffer(aggregator: WssAggregator, kind: Callable[[bytes], Any]) -> None:
    assert len(aggregator.push(0, kind(GOOD))) == 1
    long = GOOD.replace(b'"jsonrpc"', b'"pad":"' + b"x" * 20_000 + b'","jsonrpc"').replace(b":9}", b":10}")
    assert len(aggregator.push(0, kind(long))) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_push_many_takes_any_byte_buffer(aggregator: WssAggregator, kind: Callable[[bytes], Any]) -> None:
    frames = [kind(notification("account", 9 + n, account(b"abc"), 1)) for n in range(3)]
    assert [index for index, _ in aggregator.push_many([0, 0, 0], tuple(frames))] == [0, 1, 2]


def test_push_of_a_view_with_gaps_reads_what_the_view_shows(aggregator: WssAggregator) -> None:
    assert len(aggregator.push(0, memoryview(bytes(2 * len(GOOD)))[::2])) == 0
    spread = b"".join(bytes([byte]) + b"?" for byte in GOOD)
    assert len(aggregator.push(0, memoryview(spread)[::2])) == 1


def test_push_of_roots_and_slots_updates_gives_each_once(aggregator: WssAggregator) -> None:
    def frame(kind: str, result: Any) -> bytes:
        message = {"method": f"{kind}Notification", "params": {"result": result, "subscription": 0}}
        return json.dumps(message).encode()

    (rooted,) = aggregator.push("a", frame("root", 42))
    assert isinstance(rooted, RootUpdate)
    assert rooted.root == 42
    assert aggregator.push("b", frame("root", 42)) == aggregator.push("b", frame("root", 41)) == ()
    created = {"parent": 75, "slot": 76, "timestamp": 1625081266243, "type": "createdBank"}
    frozen = {"slot": 76, "timestamp": 1625081266300, "type": "frozen", "stats": {"maxTransactions": 1}}
    (update,) = aggregator.push("b", frame("slotsUpdates", created))
    assert isinstance(update, SlotStageUpdate)
    stage = (update.slot, update.parent, update.stage, update.timestamp_ms)
    assert stage == (76, 75, "createdBank", 1625081266243)
    assert aggregator.push("a", frame("slotsUpdates", {**created, "timestamp": 1625081266900})) == ()
    assert aggregator.push("a", frame("slotsUpdates", frozen))
    assert aggregator.push("a", frame("slotsUpdates", {**created, "type": "melted"})) == ()
    stats = aggregator.stats().endpoints[0]
    assert (stats.wins, stats.duplicates, stats.malformed) == (2, 1, {"wrong_type": 1})


def test_push_of_a_batch_takes_what_is_sound_and_counts_the_rest(aggregator: WssAggregator) -> None:
    batch = [request(7, "getMultipleAccounts", [OTHER]), request(8, "getMultipleAccounts", [OWNER])]
    aggregator.request("a", b"[" + b",".join(batch) + b"]")
    log = notification("logs", 9, {"signature": SIGNATURE, "err": None, "logs": []}, 50)
    read = {"context": {"slot": 9}, "value": [account(b"x")]}
    frame = b" [" + b" , ".join([GOOD, answer(7, read), b"7", log, answer(8, read)]) + b"] "
    updates = aggregator.push("a", frame)
    assert [type(update) for update in updates] == [AccountUpdate, AccountUpdate, AccountUpdate, LogUpdate]
    stats = aggregator.stats().endpoints[0]
    assert (stats.frames, stats.wins, stats.malformed) == (1, 4, {"wrong_type": 1})


def test_push_at_counts_lags_behind_the_first_arrival(aggregator: WssAggregator) -> None:
    for slot in range(100):
        at = 10**9 * slot
        aggregator.push_at("a", notification("account", slot, account(b"abc"), 1), at)
        aggregator.push_at("b", notification("account", slot, account(b"abc"), 2), at + 1000 * (slot + 1))
    first, second = aggregator.stats().endpoints
    assert (first.lag_count, first.lag_p50_ns, first.lag_max_ns) == (0, None, None)
    assert (second.lag_count, second.lag_max_ns) == (100, 100_000)
    for exact, found in [(50, second.lag_p50_ns), (90, second.lag_p90_ns), (99, second.lag_p99_ns)]:
        assert found is not None
        assert exact * 1000 <= found <= exact * 1125
    assert second.last_arrival_ns == 99 * 10**9 + 100_000
    aggregator.push_many([1], [notification("account", 100, account(b"abc"), 2)], [7])
    second = aggregator.stats().endpoints[1]
    assert (second.last_arrival_ns, second.highest_slot, aggregator.stats().highest_slot) == (7, 100, 100)


def test_a_quorum_of_two_takes_no_word_alone() -> None:
    aggregator = WssAggregator(quorum=2)
    for number, name in enumerate("abc"):
        aggregator.subscribed(name, number, POOL)
    assert aggregator.push("a", notification("account", 400_000, account(b"lie"), 0)) == ()
    assert aggregator.push("b", notification("account", 9, account(b"abc"), 1)) == ()
    assert aggregator.highest_slot == 9
    (update,) = aggregator.push("c", notification("account", 9, account(b"abc"), 2))
    assert isinstance(update, AccountUpdate)
    assert (update.slot, update.data) == (9, b"abc")
    stats = [(s.wins, s.held, s.stale) for s in aggregator.stats().endpoints]
    assert stats == [(0, 1, 0), (0, 1, 0), (1, 0, 0)]


def test_quarantine_by_hand_lists_what_is_in_doubt(aggregator: WssAggregator) -> None:
    assert aggregator.push("b", notification("account", 9000, account(b"lie"), 2))
    assert aggregator.push("a", GOOD) == ()
    assert aggregator.quarantine("b") == ()
    assert aggregator.take_doubted() == [POOL]
    assert aggregator.take_doubted() == []
    assert aggregator.push("b", notification("account", 9001, account(b"lie"), 2)) == ()
    assert aggregator.push("a", notification("account", 10, account(b"new"), 1))
    stats = aggregator.stats().endpoints[1]
    assert (stats.is_quarantined, stats.quarantines, stats.ignored, stats.highest_slot) == (True, 1, 1, None)
    aggregator.release("b")
    assert aggregator.push("b", notification("account", 11, account(b"abc"), 2))


def test_quarantine_past_a_limit_is_automatic_where_limits_are_given() -> None:
    limits = QuarantineLimits(malformed=2)
    assert (limits.malformed, limits.disagreements, limits.wrong_owners, limits.impossible_slots) == (
        2,
        20,
        3,
        3,
    )
    for aggregator, quarantined in [(WssAggregator(quarantine=limits), True), (WssAggregator(), False)]:
        aggregator.connect("a")
        for _ in range(3):
            aggregator.push("a", b"{")
        assert aggregator.stats().endpoints[0].is_quarantined is quarantined


# ---- a workload of three endpoints, against json and a set


def workload(ordered: bool) -> tuple[list[tuple[int, bytes]], dict[tuple[int, int], str]]:
    """Return 1000 seeded frames, as (endpoint, frame), and who subscribed to what.

    Accounts, programs and logs in the proportions 6 : 2 : 2, data of the sizes of real pools, up to
    six positions of jitter. With `ordered`, each endpoint keeps the chain's order of every account.
    """
    seeded = random.Random(20240607)
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    # First letter 5 to C, 44 letters: always 32 bytes.
    addresses = [seeded.choice(alphabet[4:12]) + "".join(seeded.choices(alphabet, k=43)) for _ in range(60)]
    subscriptions = {(e, 100_000 * (e + 1) + 7 * i): a for e in range(3) for i, a in enumerate(addresses)}
    numbers = {(e, a): number for (e, number), a in subscriptions.items()}
    events = []
    for event in range(334):
        kind = "account" if event % 10 < 6 else ("program" if event % 10 < 8 else "logs")
        address = seeded.choice(addresses)
        value: Any = account(seeded.randbytes(seeded.choice([752, 1544, 653, 165])))
        if kind == "program":
            value = {"pubkey": address, "account": value}
        if kind == "logs":
            signature = "".join(seeded.choices(alphabet, k=88))
            value = {"signature": signature, "err": None, "logs": ["Program log: a", "Program log: b"]}
        events.append((kind, address, 300_000_000 + event // 8, value))
    arrivals = []
    for endpoint in range(3):
        delay = 0.0
        for event, (kind, address, slot, value) in enumerate(events):
            delay = max(delay, event + seeded.random() * 6) if ordered else event + seeded.random() * 6
            frame = notification(kind, slot, value, numbers[endpoint, address])
            arrivals.append((delay, endpoint, frame))
    arrivals.sort(key=lambda arrival: arrival[:2])
    return [(endpoint, frame) for _, endpoint, frame in arrivals[:1000]], subscriptions


def first_arrivals(frames: list[tuple[int, bytes]], subscriptions: dict[tuple[int, int], str]) -> list[int]:
    """Return the positions of first arrivals, the plain way."""
    seen = set()
    fresh = []
    for index, (endpoint, frame) in enumerate(frames):
        params = json.loads(frame)["params"]
        slot, value = params["result"]["context"]["slot"], params["result"]["value"]
        if "signature" in value:
            key = (value["signature"], slot, "")
        elif "pubkey" in value:
            key = (value["pubkey"], slot, value["account"]["data"][0])
        else:
            key = (subscriptions[endpoint, params["subscription"]], slot, value["data"][0])
        if key not in seen:
            seen.add(key)
            fresh.append(index)
    return fresh


def subscribe(target: Target, all_: dict[tuple[int, int], str]) -> Target:
    for endpoint in range(3):
        assert target.endpoint(str(endpoint)) == endpoint
    for (endpoint, subscription), address in all_.items():
        target.subscribed(endpoint, subscription, address)
    return target


@pytest.mark.parametrize("ordered", [True, False])
def test_duplicate_filter_passes_what_json_and_a_set_pass(ordered: bool) -> None:
    frames, subscriptions = workload(ordered)
    expected = first_arrivals(frames, subscriptions)
    one = subscribe(DuplicateFilter(), subscriptions)
    assert [index for index, (e, f) in enumerate(frames) if one.push(e, f)] == expected
    many = subscribe(DuplicateFilter(), subscriptions)
    columns = [e for e, _ in frames], [f for _, f in frames]
    assert many.push_many(*columns) == expected
    assert many.push_many(bytes(columns[0]), columns[1]) == []
    many.forget()
    assert many.push_many(*columns) == expected
    assert sum(e.wins for e in one.stats().endpoints) == len(expected)


def test_aggregator_on_ordered_endpoints_passes_what_json_and_a_set_pass() -> None:
    frames, subscriptions = workload(ordered=True)
    expected = first_arrivals(frames, subscriptions)
    one = subscribe(WssAggregator(), subscriptions)
    assert [index for index, (e, f) in enumerate(frames) if one.push(e, f)] == expected
    many = subscribe(WssAggregator(), subscriptions)
    news = many.push_many([e for e, _ in frames], [f for _, f in frames])
    assert [index for index, _ in news] == expected
    for index, update in news:
        value = json.loads(frames[index][1])["params"]["result"]["value"]
        if isinstance(update, AccountUpdate):
            state = value.get("account", value)
            assert update.data == base64.b64decode(state["data"][0])
            assert update.lamports == state["lamports"]
        else:
            assert isinstance(update, LogUpdate)
            assert update.logs == value["logs"]


def test_push_many_from_several_threads_loses_no_frame() -> None:
    frames, subscriptions = workload(ordered=True)
    aggregator = subscribe(WssAggregator(), subscriptions)
    columns = [e for e, _ in frames], [f for _, f in frames]
    threads = [threading.Thread(target=aggregator.push_many, args=columns) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stats = aggregator.stats()
    assert sum(endpoint.frames for endpoint in stats.endpoints) == 4 * len(frames)
    assert sum(sum(endpoint.malformed.values()) for endpoint in stats.endpoints) == 0
