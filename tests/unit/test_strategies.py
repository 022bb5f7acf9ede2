"""The built-in strategies that came after the first."""

import pytest

from phantom_arbiter.domain import Fill, Outcome, OutcomeState
from phantom_arbiter.strategies.mean_reversion import MeanReversion, MeanReversionSettings
from phantom_arbiter.strategies.spatial_arbitrage import SpatialArbitrage
from phantom_arbiter.swaps import PoolPrice, Position, SwapOrder, SwapPlan, Tick
from shell_fakes import MSOL, POOL_A, POOL_B, POOL_C, USDC, WSOL, opportunity

# ---- spatial arbitrage


def test_two_pools_of_one_pair_are_taken_and_longer_cycles_left() -> None:
    strategy = SpatialArbitrage(min_profit=70)
    planned = strategy.on_opportunity(opportunity(amount_in=1_000, gross_profit=100, cost=30))
    assert planned is not None
    assert (planned.strategy, planned.min_amount_out) == ("spatial_arbitrage", 1_100)
    assert strategy.on_opportunity(opportunity(gross_profit=99, cost=30)) is None
    assert strategy.on_opportunity(opportunity(pools=(POOL_A, POOL_B, POOL_C))) is None


@pytest.mark.parametrize(("mints", "taken"), [((USDC, WSOL, MSOL), True), ((USDC, MSOL), False)])
def test_pairs_may_be_chosen(mints: tuple[str, ...], taken: bool) -> None:
    assert (SpatialArbitrage(mints=mints).on_opportunity(opportunity()) is not None) is taken


@pytest.mark.parametrize(("net_profit", "taken"), [(49, False), (50, True)])
def test_share_of_the_input_is_asked_for_exactly(net_profit: int, taken: bool) -> None:
    found = opportunity(amount_in=100_000, gross_profit=net_profit + 10, cost=10)
    assert (SpatialArbitrage(min_net_bps=5.0).on_opportunity(found) is not None) is taken


# ---- mean reversion

SETTINGS = MeanReversionSettings(
    pool=POOL_A, base_mint=USDC, amount_in=1_000_000, period=3, entry_bps=100, exit_bps=20, retry_slots=5
)


def tick(slot: int, usdc_per_sol: float, positions: tuple[Position, ...] = ()) -> Tick:
    """Return a tick of a pool of wSOL (A) and USDC (B) with a fee of 25 in 10,000."""
    price = PoolPrice(POOL_A, "v", WSOL, USDC, usdc_per_sol, (2_500_000, 2_500_000), (10**12, 10**12), slot)
    return Tick(slot, {POOL_A: price}, frozenset({POOL_A}), {USDC: 10}, positions)


def fed(*prices: float) -> tuple[MeanReversion, list[SwapOrder | None]]:
    strategy = MeanReversion(SETTINGS)
    return strategy, [strategy.on_tick(tick(slot, price)) for slot, price in enumerate(prices, start=100)]


def fill(strategy: MeanReversion, order: SwapOrder, amount_out: int) -> None:
    planned = SwapPlan(1, 100, order, amount_out, strategy.basis if not order.opens else 0, 10, 1, 1, 1)
    done = Fill(planned.hops, order.amount_in, amount_out)
    strategy.on_outcome(planned, Outcome(OutcomeState.FILLED, None, done, 10, realised=0))


def test_price_well_below_its_average_is_bought() -> None:
    _, orders = fed(0.1, 0.1, 0.1, 0.098)
    assert orders[:3] == [None, None, None]
    bought = orders[3]
    assert bought is not None
    assert (bought.mint_in, bought.mint_out, bought.amount_in) == (USDC, WSOL, 1_000_000)
    # 1,000,000 / 0.098 less the fee of 0.25 % and a slippage of 0.5 %, rounded down.
    assert bought.min_amount_out == 10_127_678


def test_nothing_is_bought_before_the_average_has_its_period() -> None:
    assert fed(0.1, 0.05)[1] == [None, None]
    assert fed(0.1, 0.1, 0.05)[1][2] is not None


def test_small_move_is_let_pass() -> None:
    # The average moves with the price: 0.1 + (0.0981 - 0.1) / 2 = 0.09905, of which 0.0981 is 96 bps less.
    assert fed(0.1, 0.1, 0.1, 0.0981)[1][3] is None


def test_position_is_sold_whole_once_the_price_is_back() -> None:
    strategy, orders = fed(0.1, 0.1, 0.1, 0.09)
    assert orders[3] is not None
    fill(strategy, orders[3], 11_000_000)
    assert (strategy.held, strategy.basis) == (11_000_000, 1_000_000)
    assert strategy.on_tick(tick(105, 0.1)) is None, "it waits after an order"
    sold = strategy.on_tick(tick(110, 0.1))
    assert sold is not None
    assert (sold.mint_in, sold.amount_in, sold.opens) == (WSOL, 11_000_000, False)
    fill(strategy, sold, 1_090_000)
    assert (strategy.held, strategy.basis) == (0, 0)


def test_position_that_loses_too_much_is_sold() -> None:
    strategy, orders = fed(0.1, 0.1, 0.1, 0.09)
    assert orders[3] is not None
    fill(strategy, orders[3], 11_000_000)
    assert strategy.on_tick(tick(110, 0.0865)) is None, "worth 951,500 of 1,000,000"
    assert strategy.on_tick(tick(111, 0.0863)) is not None, "worth 949,300"


def test_what_an_earlier_run_left_is_taken_over() -> None:
    strategy = MeanReversion(SETTINGS)
    left = (Position(USDC, WSOL, 7_000, 600), Position(MSOL, WSOL, 1, 1))
    strategy.on_tick(tick(100, 0.1, left))
    assert (strategy.held, strategy.basis) == (7_000, 600)


def test_pool_that_cannot_be_traded_gives_no_order() -> None:
    strategy, _ = fed(0.1, 0.1, 0.1)
    assert strategy.on_tick(Tick(104, {}, frozenset(), {})) is None


@pytest.mark.parametrize("change", [{"period": 1}, {"amount_in": 0}, {"stop_bps": 0}, {"exit_bps": 100}])
def test_unfit_settings_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        MeanReversionSettings(**{"pool": POOL_A, "base_mint": USDC, "amount_in": 1, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mint_in", "mint_out", "base", "amount_in", "least"),
    [(USDC, USDC, USDC, 1, 1), (USDC, WSOL, MSOL, 1, 1), (USDC, WSOL, USDC, 0, 1), (USDC, WSOL, USDC, 1, 0)],
)
def test_order_that_makes_no_sense_is_refused(
    mint_in: str, mint_out: str, base: str, amount_in: int, least: int
) -> None:
    with pytest.raises(ValueError, match="swap"):
        SwapOrder("s", POOL_A, mint_in, mint_out, amount_in, least, base)
