"""The demo's recording tells the recorded day, whoever delivers it and whatever goes wrong."""

import json
from base64 import b64decode
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sessions import MIDNIGHT, Notification, Read, Session, chain, rows, sessions, state_after
from solders.pubkey import Pubkey

from demo_recording import market_day
from demo_recording.market_day import MarketDay
from make_demo_recording import DAY_FOLDER, SHIPPED, Options, build, make
from phantom_arbiter.sources.recorded import DEMO_RECORDING
from phantom_core import Recording, find_program_address

QUICK = Options(level=1)
LAST_SLOT = 128_556_017


@pytest.fixture(scope="module")
def day() -> MarketDay:
    return market_day.load(DAY_FOLDER)


@pytest.fixture(scope="module")
def shipped() -> dict[str, Session]:
    return sessions(Recording(SHIPPED))


@pytest.fixture(scope="module")
def in_order(day: MarketDay, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    path = tmp_path_factory.mktemp("demo") / "none.phrec"
    return sessions(Recording(make(replace(QUICK, faults="none", output=path), day)))


def test_shipped_file_is_what_the_generator_makes_from_its_seed(day: MarketDay, tmp_path: Path) -> None:
    assert DEMO_RECORDING == SHIPPED
    shipped = Recording(SHIPPED)
    metadata = shipped.header["metadata"]
    options = replace(
        QUICK, seed=metadata["seed"], faults=metadata["faults"], output=tmp_path / "again.phrec"
    )
    again = Recording(make(options, day))
    assert again.header == shipped.header
    assert again.records == shipped.records
    for number, (expected, made) in enumerate(zip(shipped, again, strict=True)):
        assert made == expected, f"record {number}"


def test_shipped_file_is_small_whole_and_honest() -> None:
    recording = Recording(SHIPPED)
    assert SHIPPED.stat().st_size < 3_000_000
    assert recording.torn_at is None
    assert recording.endpoints == ["rpc-a", "rpc-b", "rpc-c"]
    metadata = recording.header["metadata"]
    assert metadata["label"] == "recorded prices, simulated delivery by three endpoints"
    assert metadata["licence"] == "MIT"
    assert metadata["mints"]["So11111111111111111111111111111111111111112"] == {
        "symbol": "wSOL",
        "decimals": 9,
    }
    assert {mint["symbol"] for mint in metadata["mints"].values()} == {
        "wSOL", "USDC", "USDT", "mSOL", "ORCA", "UST",
    }  # fmt: skip


def test_same_options_give_the_same_bytes_and_another_seed_does_not(day: MarketDay, tmp_path: Path) -> None:
    first, second, third = (
        make(replace(QUICK, endpoints=2, seed=seed, output=tmp_path / name), day).read_bytes()
        for seed, name in ((1, "a.phrec"), (1, "b.phrec"), (2, "c.phrec"))
    )
    assert first == second
    assert first != third


def test_tick_array_addresses_are_the_recorded_ones() -> None:
    accounts = {row["pubkey"]: (row["owner"], b64decode(row["data"])) for row in rows("snapshot.jsonl.gz")}
    pools = {
        bytes(Pubkey.from_string(pubkey)): pubkey
        for pubkey, (_, data) in accounts.items()
        if len(data) == 653
    }
    checked = 0
    for pubkey, (owner, data) in accounts.items():
        if len(data) != 9988:
            continue
        start = int.from_bytes(data[8:12], "little", signed=True)
        assert market_day.tick_array_address(pools[data[9956:9988]], start, owner) == pubkey
        checked += 1
    assert checked == 109


def test_program_address_and_bump_are_the_published_ones() -> None:
    # PROTOCOL §1.3: the oracle of a SOL/USDC pool.
    pool = bytes(Pubkey.from_string("Czfq3xZZDmsdGdUyrNLtRhGc47cXcZtLG4crryfu44zE"))
    found = find_program_address([b"oracle", pool], "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc")
    assert found == ("FoKYKtRpD25TKzBMndysKpgPqbj8AdLXjfpYHXn9PGTX", 255)


def test_start_reads_every_account_and_names_the_absent_ones(shipped: dict[str, Session]) -> None:
    known = state_after(0)
    for session in shipped.values():
        reads = [request for request in session.requests if request["method"] == "getMultipleAccounts"]
        assert all(len(request["params"][0]) <= 100 for request in reads)
        start = session.reads[:2]
        read = start[0].data | start[1].data
        assert {pubkey: data for pubkey, data in read.items() if data is not None} == known
        absent = {pubkey for pubkey, data in read.items() if data is None}
        assert absent
        assert set(session.subscriptions[0].values()) == set(read) == known.keys() | absent


def test_absent_tick_arrays_complete_every_pool_state_of_the_day(shipped: dict[str, Session]) -> None:
    read = set().union(*(read.data for read in shipped["rpc-a"].reads))
    pools = [(row["pubkey"], row["owner"], row["data"]) for row in rows("snapshot.jsonl.gz")]
    pools += [(row["pubkey"], row["owner"], row["data"]) for row in rows("updates.jsonl.gz")]
    wanted = set()
    for pubkey, owner, text in pools:
        data = b64decode(text)
        if len(data) == 653:
            ticks = 88 * int.from_bytes(data[41:43], "little")
            current = int.from_bytes(data[81:85], "little", signed=True) // ticks * ticks
            wanted |= {(pubkey, current + offset * ticks, owner) for offset in (-2, -1, 0, 1, 2, 3)}
    assert {market_day.tick_array_address(*array) for array in wanted} <= read


def test_subscription_ids_are_the_endpoints_own(shipped: dict[str, Session]) -> None:
    ids = [subs.keys() for session in shipped.values() for subs in session.subscriptions]
    assert len(ids) == 4
    assert len(set().union(*ids)) == sum(map(len, ids))


def test_notification_is_written_as_a_validator_writes_it() -> None:
    frame = next(r.frame for r in Recording(SHIPPED) if b"accountNotification" in r.frame).decode()
    message = json.loads(frame)
    value = message["params"]["result"]["value"]
    assert list(message) == ["jsonrpc", "method", "params"]
    assert list(value) == ["lamports", "data", "owner", "executable", "rentEpoch", "space"]
    assert value["rentEpoch"] == 2**64 - 1
    assert value["lamports"] == (128 + value["space"]) * 6960
    assert " " not in frame


def test_in_order_endpoints_deliver_exactly_the_chain(in_order: dict[str, Session]) -> None:
    expected = [(write.slot, write.pubkey, write.data) for write in chain()]
    for session in in_order.values():
        assert [(n.slot, n.pubkey, n.data) for n in session.notifications] == expected
        assert (session.truncated, session.wrong_base64, session.disconnections) == (0, 0, 0)


def test_in_order_endpoints_interleave_differently(in_order: dict[str, Session]) -> None:
    order = sorted(
        (n.arrival_ns, name, number)
        for name, session in in_order.items()
        for number, n in enumerate(session.notifications)
    )
    winners = Counter[str]()
    seen = set()
    for _, name, number in order:
        if number not in seen:
            seen.add(number)
            winners[name] += 1
    assert all(winners[name] > 1000 for name in in_order), winners


def test_arrivals_replay_the_real_day(in_order: dict[str, Session]) -> None:
    writes = chain()
    for session in in_order.values():
        for write, notification in zip(writes, session.notifications, strict=True):
            second = notification.arrival_ns / 1e9 + MIDNIGHT - write.block_time
            assert 0 <= second < 6


def chain_subsequence(session: Session) -> list[Notification]:
    """Assert that an endpoint delivers in chain order; return its own repeats."""
    places: dict[tuple[int, str, str], list[int]] = {}
    for place, write in enumerate(chain()):
        places.setdefault((write.slot, write.pubkey, write.data), []).append(place)
    newest: dict[tuple[int, str], str] = {}
    repeats = []
    at = -1
    for item in session.notifications:
        ahead = [place for place in places[item.slot, item.pubkey, item.data] if place > at]
        if ahead:
            at = ahead[0]
            newest[item.slot, item.pubkey] = item.data
        else:
            assert newest[item.slot, item.pubkey] == item.data, "an older write of a slot after a newer one"
            repeats.append(item)
    return repeats


def test_faulty_endpoints_keep_chain_order_but_for_their_repeats(shipped: dict[str, Session]) -> None:
    repeats = {name: len(chain_subsequence(session)) for name, session in shipped.items()}
    assert all(count > 0 for count in repeats.values()), repeats


def test_conflating_endpoint_always_sends_the_last_write_of_a_slot(shipped: dict[str, Session]) -> None:
    last = {(write.slot, write.pubkey): write.data for write in chain()}
    for name in ("rpc-a", "rpc-b"):
        session = shipped[name]
        sent = {(n.slot, n.pubkey): n.data for n in session.notifications}
        missing = last.keys() - sent.keys()
        assert len(missing) == session.truncated + session.wrong_base64
        assert all(sent[key] == last[key] for key in sent)


def test_shipped_faults_are_all_there(day: MarketDay, shipped: dict[str, Session], tmp_path: Path) -> None:
    made = build(replace(QUICK, output=tmp_path / "x.phrec"), day)
    assert made.faults["rpc-b"]["conflated"] > 100
    assert made.faults["rpc-b"]["late"] > 50
    assert made.faults["rpc-c"]["lost"] > 10
    assert made.faults["rpc-c"]["missed while away"] > 5
    for name, session in shipped.items():
        faults = made.faults[name]
        assert (session.truncated, session.wrong_base64) == (faults["truncated"], faults["wrong base64"])
        assert session.truncated + session.wrong_base64 == 6
        assert len(chain_subsequence(session)) == faults["repeated"]
    assert [session.disconnections for session in shipped.values()] == [0, 0, 1]
    assert [session.connections for session in shipped.values()] == [1, 1, 2]


def test_coming_back_reads_the_state_of_its_context_slot(shipped: dict[str, Session]) -> None:
    session = shipped["rpc-c"]
    again = session.reads[2:]
    assert len(again) == 2
    for read in again:
        true = state_after(read.slot)
        assert read.data == {pubkey: true.get(pubkey) for pubkey in read.data}
    assert_nothing_older_follows_a_read(session)


def assert_nothing_older_follows_a_read(session: Session) -> None:
    read_slot = 0
    for item in session.delivered:
        if isinstance(item, Read):
            read_slot = item.slot
        else:
            assert item.slot > read_slot


@pytest.mark.parametrize(("endpoints", "seed"), [(1, 1), (2, 2), (3, 3), (3, 4), (5, 5)])
def test_every_endpoint_ends_on_the_days_last_state(
    day: MarketDay, tmp_path: Path, endpoints: int, seed: int
) -> None:
    options = replace(QUICK, endpoints=endpoints, seed=seed, output=tmp_path / "x.phrec")
    recording = Recording(make(options, day))
    expected = state_after(LAST_SLOT)
    found = sessions(recording)
    assert [session.disconnections for session in found.values()] == [0] * (endpoints - 1) + [1]
    for name, session in found.items():
        assert session.final_state() == expected, name
        chain_subsequence(session)
        assert_nothing_older_follows_a_read(session)


def test_shipped_endpoints_end_on_the_days_last_state(shipped: dict[str, Session]) -> None:
    expected = state_after(LAST_SLOT)
    assert all(session.final_state() == expected for session in shipped.values())


def test_number_of_endpoints_is_bounded(day: MarketDay, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="endpoints is 17, it may be 1 to 16"):
        make(replace(QUICK, endpoints=17, output=tmp_path / "x.phrec"), day)
