"""The joint solver from Python: stored instances, plans that owe nothing, bad arguments."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from phantom_core import InvalidInput, RoutingSolution, solve_arbitrage, solve_trade

INSTANCES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "joint_routing" / "instances.json").read_text()
)
TWO: dict[str, Any] = {
    "mint_a": np.array([0, 1]),
    "mint_b": np.array([1, 0]),
    "reserve_a": np.array([1000.0, 1500.0]),
    "reserve_b": np.array([2000.0, 1000.0]),
    "fee": 0.0,
}


def solve(instance: dict[str, Any]) -> RoutingSolution:
    columns = {name: np.array(instance[name]) for name in ("mint_a", "mint_b", "reserve_a", "reserve_b")}
    mints, fee = instance["n_mints"], instance["fee"]
    if instance["kind"] == "trade":
        return solve_trade(
            mints, **columns, fee=fee, mint_in=mints - 1, mint_out=0, amount_in=instance["amount_in"]
        )
    return solve_arbitrage(mints, **columns, fee=fee, values=np.array(instance["values"]))


@pytest.mark.parametrize("instance", INSTANCES)
def test_stored_instances_have_the_objective_that_clarabel_found(instance: dict[str, Any]) -> None:
    solution = solve(instance)
    assert solution.converged
    assert solution.value == pytest.approx(instance["clarabel_objective"], rel=1e-6)
    assert solution.bound == pytest.approx(solution.value, rel=1e-8)


@pytest.mark.parametrize("instance", INSTANCES)
def test_a_plan_owes_no_mint_and_obeys_every_curve(instance: dict[str, Any]) -> None:
    solution = solve(instance)
    net, through = np.zeros(instance["n_mints"]), np.zeros(instance["n_mints"])
    if instance["kind"] == "trade":
        net[-1] = instance["amount_in"]
    for pool, a_to_b in enumerate(solution.a_to_b):
        sides = [("mint_a", "reserve_a"), ("mint_b", "reserve_b")]
        (mint_in, reserve_in), (mint_out, reserve_out) = sides if a_to_b else reversed(sides)
        kept = (1 - instance["fee"]) * solution.amount_in[pool]
        expected = instance[reserve_out][pool] * kept / (instance[reserve_in][pool] + kept)
        assert solution.amount_out[pool] == pytest.approx(expected, rel=1e-12)
        net[instance[mint_in][pool]] -= solution.amount_in[pool]
        through[instance[mint_in][pool]] += solution.amount_in[pool]
        net[instance[mint_out][pool]] += solution.amount_out[pool]
    assert (net >= -1e-12 * through).all()
    assert np.dot(instance["values"], net) == pytest.approx(solution.value, rel=1e-9)


def test_two_pools_gain_the_known_closed_form() -> None:
    peak = ((2e6 * 1.5e6) ** 0.5 - 1.5e6) / 3500
    solution = solve_arbitrage(2, **TWO, values=np.array([1.0, 0.0]))
    assert solution.value == pytest.approx(2e6 * peak / (1.5e6 + 3500 * peak) - peak)
    assert solution.amount_in[0] == pytest.approx(peak)
    assert list(solution.a_to_b) == [True, True]
    assert "converged=True" in repr(solution)


def test_networks_without_pools_are_worth_nothing() -> None:
    none, empty = np.array([], dtype=np.int32), np.array([])
    solution = solve_arbitrage(3, none, none, empty, empty, empty, np.ones(3))
    assert (solution.value, solution.converged, len(solution.amount_in)) == (0.0, True, 0)
    assert list(solution.prices) == [1.0, 1.0, 1.0]


def test_a_mint_that_nothing_leads_to_cannot_be_bought() -> None:
    solution = solve_trade(3, **TWO, mint_in=0, mint_out=2, amount_in=5.0)
    assert (solution.value, solution.converged) == (0.0, True)
    assert not solution.amount_in.any()


def column(values: list[Any], dtype: Any) -> NDArray[Any]:
    return np.array(values, dtype=dtype)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_mints": -1}, "n_mints is -1"),
        ({"mint_a": column([0, -1], int)}, "mint_a is mint -1"),
        ({"mint_a": column([0, 2], int)}, "mint_a is mint 2, of 2"),
        ({"mint_a": column([0, 0], int)}, "pool 1 has mint 0 on both sides"),
        ({"mint_a": column([0.0, 1.0], float)}, "mint_a must be a one-dimensional NumPy array of int32"),
        ({"mint_b": column([1], int)}, "mint_b has length 1, mint_a has 2"),
        ({"reserve_a": column([1.0, np.nan], float)}, "reserve_a of pool 1 is NaN"),
        ({"reserve_b": column([np.inf, 1.0], float)}, "reserve_b of pool 0 is inf"),
        ({"reserve_b": column([0.0, 1.0], float)}, "reserve_b of pool 0 is 0"),
        ({"reserve_b": column([1, 1], int)}, "reserve_b must be a one-dimensional NumPy array of float64"),
        ({"fee": 1.0}, "fee of pool 0 is 1"),
        ({"fee": column([0.0, -0.1], float)}, "fee of pool 1 is -0.1"),
        ({"values": column([1.0], float)}, "1 values for 2 mints"),
        ({"values": column([1.0, -1.0], float)}, "value of mint 1 is -1"),
    ],
)
def test_bad_arguments_are_named(changed: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"n_mints": 2, **TWO, "values": np.array([1.0, 0.0]), **changed}
    with pytest.raises(InvalidInput, match=message):
        solve_arbitrage(**arguments)


@pytest.mark.parametrize(
    ("mint_in", "mint_out", "amount_in", "message"),
    [
        (0, 0, 1.0, "mint_in and mint_out are both mint 0"),
        (2, 0, 1.0, "mint_in is mint 2, of 2"),
        (0, -1, 1.0, "mint_out is mint -1"),
        (0, 1, float("nan"), "amount_in of mint 0 is NaN"),
        (0, 1, -1.0, "amount_in of mint 0 is -1"),
    ],
)
def test_bad_trades_are_named(mint_in: int, mint_out: int, amount_in: float, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        solve_trade(2, **TWO, mint_in=mint_in, mint_out=mint_out, amount_in=amount_in)
