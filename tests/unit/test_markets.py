"""Loading a market to look at: recording and snapshot, and amounts as people write them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from market_files import lines_of, tradable_states, write_lines, write_state
from phantom_arbiter.config import USDC, WSOL, Config, MarketSettings
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.markets import Request, load_market, parse_amount
from phantom_arbiter.mints import MintBook, MintInfo
from phantom_arbiter.sources.recorded import DEMO_RECORDING
from shipped_day import feed, market, records

SOL_USDC = "65shmpuYmxx5p7ggNCZbyrGLCXVqbBR1ZD5aAocRBUNG"


def test_recording_leaves_the_same_state_as_a_run() -> None:
    engine = market()
    for record in records():
        feed(engine, record)
    seen: list[tuple[int, int]] = []
    loaded = load_market(Request(), Config(), lambda done, total: seen.append((done, total)))
    assert loaded.market.state_digest() == engine.state_digest()
    assert seen[-1] == (len(records()), len(records()))
    assert loaded.name == DEMO_RECORDING.name


def test_recording_until_a_slot_knows_nothing_later() -> None:
    whole = load_market(Request(), Config())
    middle = sorted(pool.slot for pool in whole.pools())[-1] - 1_000
    part = load_market(Request(until=middle), Config())
    assert max(pool.slot for pool in part.pools()) <= middle
    assert part.market.state_digest() != whole.market.state_digest()
    assert load_market(Request(until=0), Config()).pools() == []


def test_snapshot_of_every_venue_is_quoted_from_its_own_mints(tmp_path: Path) -> None:
    for state in tradable_states():
        path = write_state(tmp_path / f"{state.venue}.jsonl.gz", state)
        loaded = load_market(Request(str(path), complete=True), Config())
        (info,) = [pool for pool in loaded.pools() if pool.pool == state.pool]
        assert (info.venue, info.set_aside_reason) == (state.venue, None)
        pool = loaded.pool(state.pool)
        assert repr(pool.summary()).replace("7", "") == repr(state.open().summary()).replace("7", "")
        first, second = pool.mints
        known = loaded.info(first), loaded.info(second)
        assert [one.decimals for one in known if one] == list(pool.mint_decimals)


def test_snapshot_until_a_slot_leaves_out_later_lines(tmp_path: Path) -> None:
    state = tradable_states()[0]
    pool = state.accounts.pop(state.pool)
    lines = [*lines_of(state.accounts, slot=7), *lines_of({state.pool: pool}, slot=8)]
    state.accounts[state.pool] = pool
    path = write_lines(tmp_path / "s.jsonl", lines)
    assert load_market(Request(str(path), until=7), Config()).pools() == []
    assert len(load_market(Request(str(path), until=8), Config()).pools()) == 1


def test_accounts_that_do_not_decode_are_counted(tmp_path: Path) -> None:
    owner = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
    path = write_lines(tmp_path / "s.jsonl", lines_of({SOL_USDC: (owner, b"\x07" * 653)}))
    loaded = load_market(Request(str(path)), Config())
    assert loaded.unreadable == {"unknown_discriminator": 1}
    (venue,) = [venue for venue in loaded.venues() if venue.venue == "orca_whirlpool"]
    assert venue.is_quarantined
    config = Config(market=MarketSettings(release_venues=["orca_whirlpool"]))
    (venue,) = [one for one in load_market(Request(str(path)), config).venues() if one.signs]
    assert (venue.is_quarantined, venue.is_released) == (False, True)


def test_sources_that_are_none_are_named(tmp_path: Path) -> None:
    for source in ("gone.phrec", str(tmp_path)):
        with pytest.raises(ConfigError, match=source):
            load_market(Request(source), Config())
    path = write_lines(tmp_path / "s.jsonl", lines_of({"no address": (SOL_USDC, b"")}))
    with pytest.raises(ConfigError, match=r"account 1: pubkey: `no address`"):
        load_market(Request(str(path)), Config())
    with pytest.raises(ConfigError, match=r"is not in the market.*phantom pools"):
        load_market(Request(), Config()).pool(owner_of_nothing())
    with pytest.raises(ConfigError, match=r"release_venues: venue is 'uniswap'; it may be .*orca_whirlpool"):
        load_market(Request(), Config(market=MarketSettings(release_venues=["uniswap"])))


def owner_of_nothing() -> str:
    return "11111111111111111111111111111111"


SOL = MintInfo("SOL", 9)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0", 0),
        ("1000", 1_000),
        ("1_000,000", 1_000_000),
        ("1.0", 10**9),
        ("1.", 10**9),
        (".5", 5 * 10**8),
        ("0.000000001", 1),
        ("1.50000000000", 15 * 10**8),
        ("123456789012.123456789", 123456789012123456789),
    ],
)
def test_amounts_are_base_units_or_whole_tokens(text: str, units: int) -> None:
    assert parse_amount(text, "mint", SOL) == units


@pytest.mark.parametrize("text", ["", ".", "-1", "+1", "1e9", "1.2.3", "one", "0x10", "٣", "1.٣", "nan"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="AMOUNT is"):
        parse_amount(text, "mint", SOL)


def test_amount_finer_than_a_base_unit_or_of_unknown_decimals_is_refused() -> None:
    with pytest.raises(ConfigError, match="SOL has 9 decimals"):
        parse_amount("0.0000000001", "mint", SOL)
    with pytest.raises(ConfigError, match="decimals of mint are not known; hint: use base units"):
        parse_amount("1.5", "mint", None)


def test_mint_is_found_by_address_and_by_any_name_it_goes_by() -> None:
    loaded = load_market(Request("demo"), Config())
    assert loaded.find_mint(WSOL, "--mint") == WSOL
    assert loaded.find_mint("wSOL", "--mint") == WSOL, "the recording's word"
    assert loaded.find_mint("SOL", "--mint") == WSOL, "everybody's word"
    with pytest.raises(ConfigError, match=r"--mint is JUP, which no pool of .* trades; hint: phantom pools"):
        loaded.find_mint("JUP", "--mint")
    twins = dataclasses.replace(loaded, book=MintBook({WSOL: MintInfo("X", 9), USDC: MintInfo("X", 6)}))
    with pytest.raises(ConfigError, match=f"--mint is X, the symbol of .*({WSOL}|{USDC}) and "):
        twins.find_mint("X", "--mint")
