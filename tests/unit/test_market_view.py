"""What risk and strategies are told of the market, on the shipped day."""

import pytest

import shipped_day
from phantom_arbiter.domain import Plan
from phantom_arbiter.market_view import Fees, MarketView
from phantom_arbiter.native import opportunity_from_native
from phantom_arbiter.risk import SanityRules
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from phantom_arbiter.swaps import SwapOrder
from phantom_core import Engine, TokenRules
from shell_fakes import MSOL, USDC, WSOL, opportunity, plan

FEES = Fees(5_000, 20_000, 10_000, WSOL)
SOL_USDC = "65shmpuYmxx5p7ggNCZbyrGLCXVqbBR1ZD5aAocRBUNG"
THIN_SOL_USDC = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"
ORCA_USDC = "FSBDeuLQ19Hse2jzhHfDwTvEoeRWD7UKK4BM1zgbV7pY"
ORCA = "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE"
ASKS = SanityRules(max_price_deviation_bps=1)
ASKS_ANY = SanityRules(max_price_deviation_bps=1, compares_on_route=True)


@pytest.fixture(scope="module")
def market() -> Engine:
    engine = shipped_day.market()
    for record in shipped_day.records():
        shipped_day.feed(engine, record)
    return engine


@pytest.fixture
def view(market: Engine) -> MarketView:
    return MarketView(market, FEES)


def spot(market: Engine, pool: str) -> float:
    """Return USDC units per wSOL unit from the pool's own square root."""
    root: int = market.pool(pool).summary().details["sqrt_price_x64"]
    return (root / 2**64) ** 2


def over(pool: str) -> Plan:
    return plan(opportunity(1, base_mint=USDC, pools=(pool, pool)))


def test_price_of_a_pool_is_its_spot_price(market: Engine, view: MarketView) -> None:
    tick = view.tick(5, (SOL_USDC, THIN_SOL_USDC, "1" * 32), (), {}, ())
    assert set(tick.prices) == {SOL_USDC, THIN_SOL_USDC}
    for pool in tick.prices:
        assert tick.prices[pool].rate == pytest.approx(spot(market, pool), rel=2e-4)
    price = tick.prices[SOL_USDC]
    assert price.rate_of(USDC) == pytest.approx(1 / price.rate_of(WSOL))
    with pytest.raises(ValueError, match="does not trade"):
        price.rate_of(MSOL)


def test_only_prices_that_moved_count_as_changed(view: MarketView) -> None:
    first = view.tick(5, (SOL_USDC, THIN_SOL_USDC), (), {}, ())
    assert first.changed == {SOL_USDC, THIN_SOL_USDC}
    assert view.tick(6, (SOL_USDC, THIN_SOL_USDC), (), first.prices, ()).changed == frozenset()


def test_second_opinion_comes_from_another_pool_of_the_pair(market: Engine, view: MarketView) -> None:
    facts = view.facts(over(THIN_SOL_USDC), ASKS, offered=True)
    assert facts.venues == ("orca_whirlpool", "orca_whirlpool")
    there, back = facts.references
    assert there is not None
    assert back is not None
    assert there.pool == back.pool == SOL_USDC
    # The first hop pays USDC for wSOL, the second the other way round.
    assert there.amount_out / there.amount_in == pytest.approx(1 / spot(market, SOL_USDC), rel=2e-4)
    assert back.amount_out / back.amount_in == pytest.approx(spot(market, SOL_USDC), rel=2e-4)


def test_pools_of_the_route_are_asked_only_if_that_is_wanted(view: MarketView) -> None:
    both = plan(opportunity(1, base_mint=USDC, pools=(THIN_SOL_USDC, SOL_USDC)))
    assert view.facts(both, ASKS, offered=True).references == (None, None)
    found = view.facts(both, ASKS_ANY, offered=True).references
    assert [each.pool if each else None for each in found] == [SOL_USDC, THIN_SOL_USDC]
    assert view.facts(both, SanityRules(), offered=True).references == ()


def test_age_is_that_of_the_signal_where_no_connection_tells_ages(view: MarketView) -> None:
    assert view.facts(over(SOL_USDC), SanityRules(), offered=True).market_age_slots == 0


def test_cost_is_valued_by_the_deepest_pool(market: Engine, view: MarketView) -> None:
    assert view.cost(WSOL, 5) == 35_000
    cost = view.cost(USDC, 5)
    assert cost == market.quote(SOL_USDC, USDC, 35_000, "out").amount_in
    assert view.cost(MSOL, 5) is None


def test_order_becomes_a_plan_at_the_exact_quote(market: Engine, view: MarketView) -> None:
    given = market.quote(SOL_USDC, USDC, 1_000_000).amount_out
    order = SwapOrder("s", SOL_USDC, USDC, WSOL, 1_000_000, given, USDC)
    planned = view.plan(order, 9, 3, 0)
    assert not isinstance(planned, str)
    assert (planned.key, planned.slot, planned.quoted_amount_out) == ("swap 3", 9, given)
    assert planned.max_loss == 1_000_000 + 2 * planned.cost
    assert planned.fee_lamports == 35_000


@pytest.mark.parametrize(
    ("order", "basis", "reason"),
    [
        (SwapOrder("s", SOL_USDC, USDC, WSOL, 1_000_000, 10**12, USDC), 0, "quote_below_minimum_out"),
        (SwapOrder("s", "1" * 32, USDC, WSOL, 1_000_000, 1, USDC), 0, "unknown_pool_or_mint"),
        (SwapOrder("s", SOL_USDC, WSOL, USDC, 1_000_000, 1, USDC), None, "position_not_held"),
        (SwapOrder("s", SOL_USDC, USDC, MSOL, 1_000_000, 1, USDC), 0, "unknown_pool_or_mint"),
        (SwapOrder("s", SOL_USDC, MSOL, WSOL, 1_000_000, 1, MSOL), 0, "unknown_pool_or_mint"),
        (SwapOrder("s", ORCA_USDC, USDC, ORCA, 1_000_000, 1, USDC), 0, "token_atomic_only"),
        (SwapOrder("s", SOL_USDC, USDC, WSOL, 2**64, 1, USDC), 0, "amount_too_large"),
    ],
)
def test_order_that_cannot_go_has_a_reason(
    view: MarketView, order: SwapOrder, basis: int | None, reason: str
) -> None:
    assert view.plan(order, 9, 1, basis) == reason


def test_order_whose_fees_no_pool_can_value_does_not_go(market: Engine) -> None:
    # Nothing pays this many lamports out.
    dear = MarketView(market, Fees(2**62, 0, 0, WSOL))
    order = SwapOrder("s", SOL_USDC, USDC, WSOL, 1_000_000, 1, USDC)
    assert dear.plan(order, 9, 1, 0) == "cost_unknown"


@pytest.mark.parametrize(
    ("rules", "bought", "sold"),
    [
        (TokenRules(allow=[USDC, ORCA]), None, None),
        (TokenRules(allow=[USDC]), "token_atomic_only", None),
        (TokenRules(allow=[USDC], deny=[ORCA]), "token_denied", None),
        (TokenRules(allow=[ORCA], deny=[USDC]), "token_denied", None),
        # What is paid is held already: only what is to be held has to be known.
        (TokenRules(allow=[ORCA]), None, None),
    ],
    ids=["allowed", "unknown", "denied", "base denied", "base unknown"],
)
def test_only_allowed_mints_are_bought_to_be_held_and_all_may_be_sold(
    rules: TokenRules, bought: str | None, sold: str | None
) -> None:
    engine = shipped_day.market()
    for record in shipped_day.records()[:2_000]:
        shipped_day.feed(engine, record)
    engine.set_token_rules(rules)
    view = MarketView(engine, FEES)
    buy = view.plan(SwapOrder("s", ORCA_USDC, USDC, ORCA, 1_000_000, 1, USDC), 9, 1, 0)
    sell = view.plan(SwapOrder("s", ORCA_USDC, ORCA, USDC, 1_000_000, 1, USDC), 9, 2, 10)
    assert (buy if isinstance(buy, str) else None) == bought
    assert (sell if isinstance(sell, str) else None) == sold


def test_age_is_that_of_the_oldest_pool_once_a_connection_tells_slots() -> None:
    engine = shipped_day.market()
    for record in shipped_day.records():
        shipped_day.feed(engine, record)
    for name in {record.endpoint for record in shipped_day.records()}:
        engine.disconnect(name)
    engine.connect("late/0")
    engine.request("late/0", b'{"jsonrpc":"2.0","id":1,"method":"slotSubscribe"}')
    engine.ingest("late/0", b'{"jsonrpc":"2.0","result":7,"id":1}')
    slot = engine.stats(0).slot + 40
    result = b'{"slot":%d,"parent":%d,"root":%d}' % (slot, slot - 1, slot - 32)
    engine.ingest(
        "late/0",
        b'{"jsonrpc":"2.0","method":"slotNotification","params":{"result":%s,"subscription":7}}' % result,
    )
    told = MarketView(engine, FEES).facts(over(SOL_USDC), SanityRules(), offered=True).market_age_slots
    assert told == engine.pool_freshness(SOL_USDC).age_slots
    assert told is not None
    assert told >= 40


def test_signals_of_the_day_are_told_venues_and_ages() -> None:
    engine = shipped_day.market()
    found = opportunity_from_native(shipped_day.first_signal(engine))
    planned = CyclicArbitrage().on_opportunity(found)
    assert planned is not None
    facts = MarketView(engine, FEES).facts(planned, ASKS, offered=True)
    assert len(facts.venues) == len(facts.references) == len(planned.hops)
