"""The fee engine from Python: conversions, bounds, and what it says to bad input."""

from __future__ import annotations

import math
from typing import Any

import pytest

from phantom_core import FeeEngine, InvalidInput, price_for_budget, priority_fee_lamports

SOL_USDC = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"
ORCA_USDC = "FSBDeuLQ19Hse2jzhHfDwTvEoeRWD7UKK4BM1zgbV7pY"
FLOOR = (5e-6, 1e-5, 4e-5, 1e-3, 1e-2)


def told(slots: int = 99) -> FeeEngine:
    engine = FeeEngine()
    engine.advance(slots)
    assert engine.observe_account(SOL_USDC, [(slot, slot * 10) for slot in range(1, slots + 1)]) == slots
    return engine


def test_the_busiest_account_decides_and_is_named() -> None:
    engine = told()
    engine.observe_account(ORCA_USDC, ((slot, slot * 1_000) for slot in range(1, 100)))
    found = engine.price([SOL_USDC, ORCA_USDC], 75)
    assert (found.price_micro_lamports, found.basis, found.account, found.samples) == (
        75_000,
        "account",
        1,
        99,
    )
    assert not found.is_beyond_history
    assert not found.is_capped
    assert (found.asked_percentile, found.used_percentile) == (75.0, 75.0)
    assert "price_micro_lamports=75000" in repr(found)


def test_nothing_known_is_cold_and_blocks_stand_in_for_unknown_accounts() -> None:
    engine = FeeEngine(cold_price=1_234)
    assert engine.price([SOL_USDC], 50).basis == "cold"
    assert engine.price([], 50).price_micro_lamports == 1_234
    engine.advance(50)
    for slot in range(1, 50):
        assert engine.observe_block(slot, slot, fullness=0.9)
    found = engine.price([SOL_USDC], 50)
    assert (found.price_micro_lamports, found.basis, found.account) == (25, "blocks", None)
    assert engine.fullness == pytest.approx(0.9)


def test_a_priority_fee_is_rounded_up_and_a_budget_down() -> None:
    assert priority_fee_lamports(1, 1) == 1
    assert priority_fee_lamports(50_000, 400_000) == 20_000
    assert price_for_budget(20_000, 400_000) == 50_000
    with pytest.raises(InvalidInput, match="exceed 18446744073709551615 lamports"):
        priority_fee_lamports(2**64 - 1, 2**64 - 1)
    with pytest.raises(InvalidInput, match="limit is 0"):
        price_for_budget(1, 0)


def test_the_compute_unit_limit_is_learned() -> None:
    engine = FeeEngine()
    hops = [("orca_whirlpool", 0), ("orca_whirlpool", 2)]
    assert engine.compute_unit_limit(hops).basis == "cold"
    assert engine.compute_unit_limit(hops).compute_unit_limit == 400_000
    for _ in range(20):
        engine.observe_hop("orca_whirlpool", 0, 60_000)
        engine.observe_hop("orca_whirlpool", 3, 120_000)
        engine.observe_overhead(1_000)
    found = engine.compute_unit_limit(hops)
    assert (found.learned_units, found.basis) == (60_000 + 100_000 + 1_000, "learned")
    assert found.compute_unit_limit == 177_100
    assert engine.compute_unit_limit([("orca_whirlpool", 1_000)]).is_capped


def test_a_tip_says_why() -> None:
    engine = FeeEngine()
    assert engine.tip(1_000_000, 0).bound == "cold"
    engine.observe_tip_floor(0, FLOOR, 1.2e-5)
    assert engine.tip_floor == [(25, 5_000), (50, 12_000), (75, 40_000), (95, 1_000_000), (99, 10_000_000)]
    quote = engine.tip(1_000_000, 0)
    assert quote.bound == "value"
    assert quote.tip_lamports == quote.shaded_lamports
    assert quote.floor_lamports == 12_000
    assert quote.cap_lamports == 500_000
    assert quote.win_probability is not None
    assert 0.5 < quote.win_probability < 1.0
    none = engine.tip(1_999, 0)
    assert (none.tip_lamports, none.bound) == (None, "not_worth_it")
    assert engine.tip(2**64 - 1, 0).bound in ("cap", "value")


def test_outcomes_teach() -> None:
    engine = told()
    engine.observe_tip_floor(99, FLOOR)
    before = engine.tip(1_000_000, 0).tip_lamports
    for _ in range(100):
        assert engine.observe_tip(slot=99, tip_lamports=before or 0, landed=False)
    after = engine.tip(1_000_000, 0).tip_lamports
    assert before is not None
    assert after is not None
    assert after > before
    price = engine.price([SOL_USDC], 75).price_micro_lamports
    attempt: dict[str, Any] = {"slot": 99, "percentile": 75, "landed": False}
    assert engine.observe_priority(**attempt, estimated_price=price, paid_price=price)
    assert not engine.observe_priority(**attempt, estimated_price=price, paid_price=price - 1)
    assert engine.price([SOL_USDC], 75).used_percentile > 75


@pytest.mark.parametrize("percentile", [math.nan, math.inf, -1.0, 0.0, 0.004, 99.996, 100.0])
def test_no_percentile_is_refused(percentile: float) -> None:
    with pytest.raises(InvalidInput, match=r"it may be 0\.01 to 99\.99"):
        told().price([SOL_USDC], percentile)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1e-9, 1e4])
def test_an_impossible_tip_floor_is_refused_and_changes_nothing(bad: float) -> None:
    engine = FeeEngine()
    engine.observe_tip_floor(0, FLOOR)
    floor = engine.tip_floor
    with pytest.raises(InvalidInput, match="landed_tips_75th_percentile"):
        engine.observe_tip_floor(0, (1e-6, 1e-6, bad, 1e-6, 1e-6))
    with pytest.raises(InvalidInput, match="is below"):
        engine.observe_tip_floor(0, (2e-6, 1e-6, 1e-6, 1e-6, 1e-6))
    with pytest.raises(InvalidInput, match="five numbers"):
        engine.observe_tip_floor(0, (1e-6, 1e-6))  # type: ignore[arg-type]
    assert engine.tip_floor == floor


def test_slots_never_go_back_and_never_far_ahead() -> None:
    engine = told()
    before = engine.price([SOL_USDC], 75).price_micro_lamports
    with pytest.raises(InvalidInput, match="slot 98 is before slot 99"):
        engine.advance(98)
    with pytest.raises(InvalidInput, match="more than 32 slots ahead of slot 99"):
        engine.observe_account(SOL_USDC, [(99, 0), (132, 0)])
    with pytest.raises(InvalidInput, match="slot is -1"):
        engine.advance(-1)
    assert engine.price([SOL_USDC], 75).price_micro_lamports == before


def test_absurd_and_malformed_samples_are_refused_whole() -> None:
    engine = told()
    before = engine.price([SOL_USDC], 99).price_micro_lamports
    for samples in ([(99, 0), (99, 10**13)], [(99, 2**64)], [(99, -1)], [(99, 1.5)], [(99,)], ["no"]):
        with pytest.raises(InvalidInput):
            engine.observe_account(SOL_USDC, samples)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="source is 8"):
        engine.observe_account(SOL_USDC, [(99, 0)], 8)
    with pytest.raises(InvalidInput, match="fullness is NaN"):
        engine.observe_block(99, 0, math.nan)
    with pytest.raises(InvalidInput, match="base58"):
        engine.price(["not an address"], 50)
    assert engine.price([SOL_USDC], 99).price_micro_lamports == before


def test_impossible_units_and_settings_are_refused() -> None:
    engine = FeeEngine()
    for units in (0, 1_400_001, 2**32, -1):
        with pytest.raises(InvalidInput):
            engine.observe_hop("orca_whirlpool", 0, units)
    with pytest.raises(InvalidInput, match="min_tip_lamports is 999"):
        FeeEngine(min_tip_lamports=999)
    with pytest.raises(InvalidInput, match="quorum"):
        FeeEngine(quorum=-1)
    with pytest.raises(InvalidInput, match="there is no setting tip"):
        FeeEngine(tip=1)  # type: ignore[call-arg]


def test_one_liar_of_three_endpoints_moves_nothing() -> None:
    engine = FeeEngine(quorum=2)
    engine.advance(150)
    honest = [(slot, slot) for slot in range(1, 151)]
    for source in (0, 1):
        engine.observe_account(SOL_USDC, honest, source)
    before = engine.price([SOL_USDC], 90).price_micro_lamports
    engine.observe_account(SOL_USDC, [(slot, 10**12) for slot in range(1, 183)], 2)
    assert engine.price([SOL_USDC], 90).price_micro_lamports == before
