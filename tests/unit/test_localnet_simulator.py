"""The simulated market: the bytes it writes are the state that its swaps left."""

from __future__ import annotations

import hashlib
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.localnet.bank import CLOCK_SYSVAR, SYSVAR_PROGRAM
from phantom_arbiter.localnet.simulator import Simulator, SimulatorSettings
from phantom_arbiter.localnet.simulator.fields import POOL_FIELDS
from phantom_arbiter.localnet.simulator.simulator import SHIPPED_MARKET
from phantom_arbiter.localnet.sources import Event, Tape
from phantom_arbiter.sources.snapshot import read_snapshot
from phantom_core import (
    Clock,
    Market,
    MarketDataError,
    Pool,
    SwapRefused,
    decode_account,
    find_program_address,
    venue_names,
)

AMOUNTS = (1, 1_000, 10**6, 10**9, 10**12, 10**15)


def written(events: list[Event]) -> str:
    """Return a digest of slots and writes."""
    digest = hashlib.sha256()
    for event in events:
        if isinstance(event, int):
            digest.update(b"slot %d" % event)
        else:
            for pubkey, state in event:
                assert state is not None
                digest.update(b"%b %b %d" % (pubkey.encode(), state.data, state.lamports))
    return digest.hexdigest()


def answers(pool: Pool) -> list[object]:
    """Return what a pool says to many swaps, refusals included."""
    found: list[object] = []
    for a_to_b in (True, False):
        for amount in AMOUNTS:
            try:
                quote = pool.quote(amount, a_to_b=a_to_b)
            except SwapRefused as refused:
                found.append((refused.name, refused.code))
            except MarketDataError as error:
                found.append(error.reason)
            else:
                found.append((quote.amount_in, quote.amount_out, quote.vault_in, quote.vault_out, quote.fee))
    return found


def test_same_seed_gives_the_same_writes_and_another_one_others() -> None:
    def first(seed: int) -> str:
        return written(list(islice(Simulator(SimulatorSettings(seed=seed)).events(), 2_000)))

    assert first(5) == first(5)
    assert first(5) != first(6)


def test_bytes_written_hold_the_state_that_the_swaps_left() -> None:
    simulator = Simulator(SimulatorSettings(seed=11))
    accounts: dict[str, AccountState] = dict(simulator.accounts)
    swaps = dict.fromkeys((each.address for each in simulator.pools), 0)
    by_vault = {vault: each.address for each in simulator.pools for vault in each.vaults}
    for event in islice(simulator.events(), 12_000):
        if not isinstance(event, int):
            accounts.update(event)
            swaps[next(by_vault[key] for key, _ in event if key in by_vault)] += 1
    assert {each.venue for each in simulator.pools} == set(venue_names())
    assert min(swaps.values()) > 50
    given = {key: (state.owner, state.data) for key, state in accounts.items()}
    for each in simulator.pools:
        state = accounts[each.address]
        from_bytes = Pool(
            each.address, state.owner, state.data, accounts=given, clock=each.pool.clock, complete=True
        )
        assert answers(from_bytes) == answers(each.pool), (each.venue, each.address)
        assert each.accounts().items() <= accounts.items()


def test_every_field_written_is_the_one_that_the_decoder_reads() -> None:
    """The offsets agree with the layouts: what a swap reports is what the decoded account says."""
    names = {
        "post_tick": ("tick_current_index", "tick_current"),
        "post_sqrt_price": ("sqrt_price", "sqrt_price_x64"),
        "post_fee_growth_global_0": ("fee_growth_global_0_x64",),
        "post_fee_growth_global_1": ("fee_growth_global_1_x64",),
    }
    inner = {
        "post_dynamic_fee_last_update_timestamp": "last_update_timestamp",
        "post_sqrt_price_reference": "sqrt_price_reference",
        "post_volatility_accumulator": "volatility_accumulator",
        "post_volatility_reference": "volatility_reference",
    }
    simulator = Simulator(SimulatorSettings(seed=2))
    seen = set()
    for each in simulator.pools:
        if each.venue in seen or not POOL_FIELDS[each.venue]:
            continue
        seen.add(each.venue)
        twin = each.pool.copy()
        details = twin.swap(10**6, a_to_b=True).details
        each.swap(10**6, a_to_b=True)
        state = each.accounts()[each.address]
        decoded = decode_account(state.owner, state.data)
        for name in POOL_FIELDS[each.venue]:
            holder: Any = decoded
            wanted = names.get(name, (name.removeprefix("post_"),))
            if each.venue == "meteora_damm_v2" and name in inner:
                holder, wanted = holder.dynamic_fee, (inner[name],)
            found = next(getattr(holder, field) for field in wanted if hasattr(holder, field))
            assert found == details[name], (each.venue, name)
    assert len(seen) == 5


def test_cycles_open_and_close_between_the_pools_of_a_pair() -> None:
    simulator = Simulator(SimulatorSettings(seed=4, writes_per_slot=100))
    market = Market(complete=True)
    for key, state in simulator.accounts.items():
        market.apply(key, state.owner, state.data)
    open_cycles: list[frozenset[object]] = []
    for event in islice(simulator.events(), 4_000):
        if isinstance(event, int):
            clock = event.to_bytes(8, "little") + bytes(24)
            unix = simulator.bank.unix_timestamp(event).to_bytes(8, "little")
            market.apply(CLOCK_SYSVAR, SYSVAR_PROGRAM, clock + unix, event)
            open_cycles.append(frozenset(tuple(cycle.hops) for cycle in market.cycles(2)))
        else:
            for key, written_state in event:
                assert written_state is not None
                market.apply(key, written_state.owner, written_state.data)
    ever = frozenset().union(*open_cycles)
    always = frozenset.intersection(*open_cycles[1:])
    assert len(ever) > 20
    assert len(always) < len(ever) / 2
    assert sum(1 for a, b in pairwise(open_cycles) if a != b) > len(open_cycles) / 2


def test_venues_narrow_the_market() -> None:
    simulator = Simulator(SimulatorSettings(venues=("meteora_dlmm",)))
    assert {each.venue for each in simulator.pools} == {"meteora_dlmm"}
    with pytest.raises(ConfigError, match="has no pool of phoenix"):
        Simulator(SimulatorSettings(venues=("phoenix",)))


def test_prices_stay_near_their_start() -> None:
    simulator = Simulator(SimulatorSettings(seed=9))
    start = {each.address: float(each.pool.spot_price(a_to_b=True)) for each in simulator.pools}
    for _ in islice(simulator.events(), 6_000):
        pass
    moved = [
        abs(float(each.pool.spot_price(a_to_b=True)) / start[each.address] - 1) for each in simulator.pools
    ]
    assert max(moved) < 0.15
    assert sum(1 for each in moved if each > 1e-5) > len(moved) * 0.9


def test_tape_plays_the_first_writes_again_in_later_slots() -> None:
    tape = Tape(Simulator(SimulatorSettings(seed=1, writes_per_slot=50)), 200)
    events = list(islice(tape.events(), 400))
    slots = [event for event in events if isinstance(event, int)]
    assert slots == list(range(slots[0], slots[0] + len(slots)))
    writes = [event for event in events if not isinstance(event, int)]
    once = next(at for at in range(1, len(writes)) if writes[at] is writes[0])
    assert writes[once : 2 * once] == writes[:once]
    assert sum(len(event) for event in writes[:once]) >= 200


def test_shipped_market_is_small_and_its_bin_arrays_stand_at_derived_addresses(tmp_path: Path) -> None:
    assert SHIPPED_MARKET.stat().st_size < 200_000
    entries = read_snapshot(SHIPPED_MARKET)
    found = 0
    for entry in entries:
        if entry.data is not None and len(entry.data) == 10_136 and entry.owner is not None:
            seeds = [b"bin_array", entry.data[24:56], entry.data[8:16]]
            assert find_program_address(seeds, entry.owner)[0] == entry.pubkey
            found += 1
    assert found > 4


def test_clock_of_the_pools_follows_the_slots() -> None:
    simulator = Simulator(SimulatorSettings(writes_per_slot=1))
    events = simulator.events()
    first = next(events)
    assert isinstance(first, int)
    next(events)
    expected = Clock(slot=first, epoch=first // 432_000, unix_timestamp=simulator.bank.unix_timestamp(first))
    assert simulator.pools[0].pool.clock == expected
