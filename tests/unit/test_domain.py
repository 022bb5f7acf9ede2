from dataclasses import FrozenInstanceError, replace

import pytest

from phantom_arbiter.domain import Hop, Outcome, OutcomeState
from shell_fakes import (
    MSOL,
    POOL_A,
    POOL_B,
    USDC,
    WSOL,
    opportunity,
    plan,
    promised,
)


def test_opportunity_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        opportunity().amount_in = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount_in": 5}, "amounts differ from those of the hops"),
        ({"gross_profit": 1}, "gross profit 1 is not out minus in"),
        ({"net_profit": 1}, "net profit 1 is not gross minus cost"),
        ({"base_mint": MSOL}, "starts and ends with"),
        ({"hops": opportunity().hops[:1]}, "at least 2 hops, found 1"),
        (
            {"hops": (opportunity().hops[0], replace(opportunity().hops[1], amount_in=3))},
            "does not take what",
        ),
    ],
)
def test_opportunity_that_contradicts_itself_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(opportunity(), **change)  # type: ignore[arg-type]


def test_route_is_the_same_from_every_base_mint_of_a_cycle() -> None:
    hops = (Hop(POOL_A, USDC, WSOL, 10, 20), Hop(POOL_B, WSOL, USDC, 20, 11))
    turned = (Hop(POOL_B, WSOL, USDC, 20, 11), Hop(POOL_A, USDC, WSOL, 11, 22))
    found = replace(
        opportunity(), hops=hops, amount_in=10, amount_out=11, gross_profit=1, cost=0, net_profit=1
    )
    other = replace(
        found, base_mint=WSOL, hops=turned, amount_in=20, amount_out=22, gross_profit=2, net_profit=2
    )
    assert found.route == other.route


def test_route_differs_in_the_other_direction() -> None:
    assert opportunity().route != opportunity(pools=(POOL_B, POOL_A)).route


def test_outcome_profit_is_what_the_fill_gave_less_the_charge() -> None:
    planned = plan(opportunity(gross_profit=500, cost=20))
    assert Outcome(OutcomeState.FILLED, None, promised(planned), 20).net_profit == 480
    assert Outcome(OutcomeState.FAILED, "late", None, 9).net_profit == -9


@pytest.mark.parametrize(
    ("state", "reason", "filled"),
    [
        (OutcomeState.FILLED, None, False),
        (OutcomeState.FILLED, "x", True),
        (OutcomeState.FAILED, None, False),
    ],
)
def test_outcome_that_contradicts_itself_is_refused(
    state: OutcomeState, reason: str | None, filled: bool
) -> None:
    with pytest.raises(ValueError, match="outcome with fill"):
        Outcome(state, reason, promised(plan()) if filled else None, 0)
