"""The bytes that the engine keeps on demand, and venues that are set aside for wrong quotes."""

from __future__ import annotations

import json

import pytest

from amm_frames import AMM_V4, MINT, POOL, SOL, TOKEN, VAULTS, account, pool_data, vault_data
from phantom_core import Engine, EngineConfig, InvalidInput

ELSEWHERE = "9wFFyRfZBsuAha4YcuxcXLKwMxJR43S7fPfQLusDBzvS"


def engine(keep_accounts: bool = True) -> Engine:
    made = Engine(EngineConfig(base_mints={SOL: 10**9}, assume_plain_mints=True, keep_accounts=keep_accounts))
    made.connect("node/0")
    return made


def feed(market: Engine, slot: int, accounts: dict[str, dict[str, object] | None]) -> None:
    asked = {"jsonrpc": "2.0", "id": slot, "method": "getMultipleAccounts"}
    request = asked | {"params": [list(accounts), {"encoding": "base64"}]}
    market.request("node/0", json.dumps(request).encode())
    result = {"context": {"slot": slot}, "value": list(accounts.values())}
    market.ingest("node/0", json.dumps({"jsonrpc": "2.0", "id": slot, "result": result}).encode())


def whole_pool(slot: int = 7) -> dict[str, dict[str, object] | None]:
    vaults = {
        key: account(TOKEN, vault_data(mint, 10**9)) for key, mint in zip(VAULTS, (SOL, MINT), strict=True)
    }
    return {POOL: account(AMM_V4, pool_data()), **vaults}


def test_account_is_held_byte_for_byte_in_its_last_state() -> None:
    market = engine()
    feed(market, 7, whole_pool())
    pool, vault = market.held_accounts([POOL, VAULTS[0]])
    assert pool is not None
    assert (pool.exists, pool.owner, pool.lamports, pool.slot) == (True, AMM_V4, 1, 7)
    assert pool.data == pool_data()
    assert vault is not None
    assert vault.data == vault_data(SOL, 10**9)
    feed(market, 9, {VAULTS[0]: account(TOKEN, vault_data(SOL, 5))})
    vault = market.account(VAULTS[0])
    assert vault is not None
    assert (vault.slot, vault.data) == (9, vault_data(SOL, 5))
    # What was given out before is not written into.
    assert pool.data == pool_data()


def test_older_state_does_not_replace_a_newer_one() -> None:
    market = engine()
    feed(market, 9, whole_pool())
    feed(market, 8, {VAULTS[0]: account(TOKEN, vault_data(SOL, 5))})
    held = market.account(VAULTS[0])
    assert held is not None
    assert (held.slot, held.data) == (9, vault_data(SOL, 10**9))


def test_closed_account_is_held_as_absent_and_an_unknown_one_is_not_held() -> None:
    market = engine()
    feed(market, 7, whole_pool())
    feed(market, 8, {VAULTS[0]: None})
    held = market.account(VAULTS[0])
    assert held is not None
    assert (held.exists, held.data, held.lamports, held.slot) == (False, b"", 0, 8)
    assert market.account(ELSEWHERE) is None


def test_account_that_the_market_ignores_is_not_held() -> None:
    market = engine()
    feed(market, 7, {ELSEWHERE: account("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo", b"words")})
    assert market.account(ELSEWHERE) is None


def test_without_being_told_to_keep_accounts_the_engine_refuses_to_show_any() -> None:
    with pytest.raises(InvalidInput, match="keep_accounts=True"):
        engine(keep_accounts=False).account(POOL)


def test_address_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="addresses"):
        engine().held_accounts([POOL, "no address"])


def test_doubted_venue_is_set_aside_until_it_is_trusted_again() -> None:
    market = engine()
    feed(market, 7, whole_pool())
    assert [pool.set_aside_reason for pool in market.pools()] == [None]
    market.doubt_venue("raydium_amm_v4", "quotes are off by 12 ppm")
    assert [pool.set_aside_reason for pool in market.pools()] == ["quarantined"]
    [venue] = [each for each in market.venues() if each.venue == "raydium_amm_v4"]
    assert (venue.is_quarantined, venue.signs) == (True, ["quotes are off by 12 ppm"])
    market.trust_venue("raydium_amm_v4")
    assert [pool.set_aside_reason for pool in market.pools()] == [None]


def test_release_ends_a_doubt_but_not_the_next_one() -> None:
    market = engine()
    feed(market, 7, whole_pool())
    market.doubt_venue("raydium_amm_v4", "wrong")
    market.release("raydium_amm_v4")
    assert [pool.set_aside_reason for pool in market.pools()] == [None]
    market.doubt_venue("raydium_amm_v4", "wrong again")
    assert [pool.set_aside_reason for pool in market.pools()] == ["quarantined"]


def test_unknown_venue_is_refused() -> None:
    with pytest.raises(InvalidInput, match="it may be"):
        engine().doubt_venue("nowhere", "why")
    with pytest.raises(InvalidInput, match="it may be"):
        engine().trust_venue("nowhere")


def test_swap_on_two_reserves_crosses_nothing_and_an_unknown_pool_is_an_error() -> None:
    market = engine()
    feed(market, 7, whole_pool())
    assert market.crossings(POOL, SOL, 10**8) == 0
    with pytest.raises(InvalidInput, match=ELSEWHERE):
        market.crossings(ELSEWHERE, SOL, 1)
    with pytest.raises(InvalidInput):
        market.crossings(POOL, SOL, -1)
