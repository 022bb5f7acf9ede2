import pytest

from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from shell_fakes import opportunity


def test_plan_demands_input_costs_and_profit_back() -> None:
    found = opportunity(amount_in=1_000, gross_profit=100, cost=30)
    planned = CyclicArbitrage(min_profit=70).on_opportunity(found)
    assert planned is not None
    assert planned.opportunity is found
    assert planned.min_amount_out == 1_000 + 30 + 70 == found.amount_out


@pytest.mark.parametrize(("gross_profit", "taken"), [(29, False), (30, False), (31, True)])
def test_cycle_that_does_not_pay_its_costs_is_left(gross_profit: int, taken: bool) -> None:
    found = opportunity(gross_profit=gross_profit, cost=30)
    assert (CyclicArbitrage().on_opportunity(found) is not None) is taken


def test_min_profit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 base unit"):
        CyclicArbitrage(min_profit=0)
