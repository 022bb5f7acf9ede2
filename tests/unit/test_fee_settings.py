"""Fees by settings or by the fee engine: what may be set, replays, and who teaches."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

import shipped_day
from journal_bytes import decided
from phantom_arbiter.config import Config, risk_rules
from phantom_arbiter.config_sources import load
from phantom_arbiter.domain import Outcome, OutcomeState, Plan
from phantom_arbiter.engine import Engine, Parts
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.execution.paper import PaperExecutor
from phantom_arbiter.fee_desk import FeeDesk
from phantom_arbiter.mints import MintBook
from phantom_arbiter.native import build_native_engine, opportunity_from_native
from phantom_arbiter.session import run_session
from phantom_arbiter.sources.endpoints import SecretUrl
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from phantom_arbiter.summary import SourceInfo
from phantom_arbiter.swaps import AnyPlan
from phantom_core import FeeEngine, priority_fee_lamports
from shell_fakes import FakeJournal, FakeObserver, FakeSource, StepClock, opportunity, plan

FLOOR = (5e-6, 1e-5, 4e-5, 1e-3, 1e-2)
KEY = "0123456789abcdef"


def adaptive(**fees: object) -> Config:
    return load({"fees": {"mode": "adaptive", **fees}}).config


# ---- settings


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"fees": {"tip_floor": "http://example.org/tip"}}, "https://, or from this machine"),
        ({"fees": {"tip_floor": "ftp://example.org/tip"}}, "a URL begins with"),
        ({"fees": {"percentile": 100}}, "fees.percentile"),
        ({"fees": {"max_tip_share": 0.00001}}, "at most four decimals"),
        ({"fees": {"mode": "adaptive", "max_tip_lamports": 5_000}}, "costs.tip_lamports is 10000"),
        ({"fees": {"mode": "adaptive"}, "costs": {"tip_lamports": 0}}, "it may be 1000 to"),
        (
            {"fees": {"mode": "adaptive", "max_price_micro_lamports": 1}},
            "costs.compute_unit_price_micro_lamports is 50000",
        ),
    ],
)
def test_fees_that_cannot_be_are_refused(flags: dict[str, dict[str, object]], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(flags)


def test_a_tip_floor_is_a_file_or_a_url_whose_key_is_not_shown() -> None:
    assert load({"fees": {"tip_floor": "floor.json"}}).config.fees.tip_floor == Path("floor.json")
    effective = load({"fees": {"tip_floor": f"https://example.org/tip?api-key={KEY}"}})
    assert isinstance(effective.config.fees.tip_floor, SecretUrl)
    assert KEY not in str([setting.value for setting in effective.settings()])
    assert effective.sha256() == load().sha256(), "where a tip floor is read is not what decides"
    assert load({"fees": {"tip_floor": "http://127.0.0.1:80/x"}}).config.fees.tip_floor is not None


@pytest.mark.parametrize(
    "url", ["http://example.org/?key={}", "https://example.org/?key={}#x", "ws://u:{}@h"]
)
def test_a_tip_floor_that_is_refused_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^fees\.tip_floor") as refused:
        load({"fees": {"tip_floor": url.format(KEY)}})
    assert KEY not in str(refused.value)


def test_fixed_fees_have_no_fee_engine() -> None:
    assert shipped_day.market().fee_engine is None
    market = build_native_engine(adaptive(), assume_plain_mints=True)
    assert market.fee_engine is not None
    market.fee_engine.advance(7)
    assert market.fee_engine.now == 7, "each handle is of the same engine"


# ---- replays


def rows(path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT * FROM attempts ORDER BY id").fetchall()


def replayed(path: Path, **fees: object) -> list[tuple[object, ...]]:
    """Run the day up to its second trade; return what was tried."""
    # The day's first gains are of pools that no other one confirms.
    risk = {"price_reference": "outside"}
    effective = load({"journal": {"path": path}, "fees": fees, "risk": risk})
    market = build_native_engine(effective.config, assume_plain_mints=True)
    info = SourceInfo("day", "a market", "recorded", "ab" * 32, 32_146, MintBook(), assume_plain_mints=True)
    source = FakeSource(shipped_day.up_to_signal(2))
    run_session(effective, info, source, market, FakeObserver(), clock_ns=StepClock(10))
    return rows(path)


def test_adaptive_fees_of_a_replay_are_those_of_the_settings_and_the_same_twice(tmp_path: Path) -> None:
    fixed = replayed(tmp_path / "fixed.sqlite")
    once = replayed(tmp_path / "once.sqlite", mode="adaptive", max_tip_share=1.0)
    again = replayed(tmp_path / "again.sqlite", mode="adaptive", max_tip_share=1.0)
    assert len(fixed) == 2
    assert once == fixed, "a recording tells nothing of fees"
    assert decided(tmp_path / "once.sqlite") == decided(tmp_path / "again.sqlite")
    assert again == once


# ---- what a signal carries


def test_a_signal_carries_its_own_fees_into_plan_and_fill() -> None:
    market = build_native_engine(adaptive(), assume_plain_mints=True)
    fees = market.fee_engine
    assert fees is not None
    fees.advance(200)
    for slot in range(51, 201):
        fees.observe_block(slot, 12_345)
    fees.observe_tip_floor(200, FLOOR)
    signal = shipped_day.first_signal(market)
    found = opportunity_from_native(signal)
    assert found.compute_unit_price_micro_lamports == 12_345
    assert found.compute_unit_limit == 400_000
    assert found.priority_fee_lamports == priority_fee_lamports(12_345, 400_000) == 4_938
    assert found.tip_lamports != 10_000
    assert found.fee_lamports == 5_000 + 4_938 + found.tip_lamports
    assert signal.priced_accounts[: len(found.hops)] == [hop.pool for hop in found.hops]
    planned = CyclicArbitrage().on_opportunity(found)
    assert planned is not None
    outcome = PaperExecutor(market).submit(planned)
    assert (outcome.state, outcome.cost) == (OutcomeState.FILLED, found.cost)


# ---- who teaches


class Taught(FeeDesk):
    """Remembers of what it was told."""

    def __init__(self) -> None:
        super().__init__(FeeEngine(), 75.0)
        self.told: list[tuple[AnyPlan, Outcome]] = []

    def settled(self, plan: AnyPlan, outcome: Outcome) -> bool:
        self.told.append((plan, outcome))
        return super().settled(plan, outcome)


class Sending(PaperExecutor):
    """Claims that its fills were auctions."""

    teaches_fees = True


@pytest.mark.parametrize(("executor", "told"), [(PaperExecutor, 0), (Sending, 1)])
def test_only_an_executor_that_says_so_teaches(executor: type[PaperExecutor], told: int) -> None:
    market = build_native_engine(adaptive(), assume_plain_mints=True)
    desk = Taught()
    engine = Engine(
        Parts(
            market=market,
            strategy=CyclicArbitrage(),
            rules=risk_rules(Config().risk),
            executor=executor(market),
            journal=FakeJournal(),
            observer=FakeObserver(),
            fees=desk,
        )
    )
    engine.run(FakeSource(shipped_day.up_to_signal(1)))
    assert len(desk.told) == told
    assert len(desk.accounts) >= 2


def test_a_bid_with_a_tip_teaches_the_tip_and_one_without_the_price() -> None:
    fees = FeeEngine(explore_every=0)
    fees.advance(1_000)
    fees.observe_tip_floor(1_000, FLOOR)
    desk = FeeDesk(fees, 75.0)
    missed = Outcome(OutcomeState.FAILED, "missed", None, 0, landed=False)
    silent = replace(missed, landed=None)
    bid = plan(opportunity(slot=5_000))
    before = fees.tip(20_000, 0).win_probability
    assert not desk.settled(bid, silent), "an expired blockhash says nothing of a price"
    for _ in range(50):
        assert desk.settled(bid, missed)
    after = fees.tip(20_000, 0).win_probability
    assert before is not None
    assert after is not None
    assert after < before
    used = fees.price([], 75.0).used_percentile
    free = Plan(replace(bid.opportunity, tip_lamports=0), bid.strategy, bid.min_amount_out)
    assert desk.settled(free, missed)
    assert fees.price([], 75.0).used_percentile > used
