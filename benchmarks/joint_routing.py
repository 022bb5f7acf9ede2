"""The joint solver against CVXPY with Clarabel, on random networks of constant-product pools.

Needs `pip install cvxpy clarabel` besides the project. Objectives are compared first (within 1e-6),
then times: the best of several runs of ours from NumPy arrays to the result, against CVXPY's whole
`problem.solve()` (best of 3), and against the time that Clarabel itself reports, without the
compilation by CVXPY. The problem is built outside of both.

Two forms of the same problem: `soc` states all pools' curves in one vectorised second-order cone
constraint, the fastest form we found; `geo_mean` is the textbook's, one constraint per pool, which CVXPY
takes seconds to compile (only with --textbook). Pools are scaled to their own size and the objective to
its order of magnitude; otherwise Clarabel does not reach 1e-6.

    python benchmarks/joint_routing.py [--textbook] [--store FILE]
"""

import argparse
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import scipy.sparse as sp

from phantom_core import RoutingSolution, solve_arbitrage, solve_trade

FEE = 0.003
SIZES = [(10, 5), (100, 20), (100, 50), (1000, 30), (1000, 100), (1000, 400)]
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Instance:
    """A random network: a tree over all mints, and random pairs besides; prices off by some 10 %."""

    mints: int
    price: np.ndarray
    mint_a: np.ndarray
    mint_b: np.ndarray
    reserve_a: np.ndarray
    reserve_b: np.ndarray
    kind: str
    amount_in: float

    @property
    def columns(self) -> tuple[Any, ...]:
        return (self.mints, self.mint_a, self.mint_b, self.reserve_a, self.reserve_b, FEE)

    @property
    def values(self) -> np.ndarray:
        """Worth of each mint: prices, or one unit of mint 0."""
        return self.price if self.kind == "all" else np.eye(self.mints)[0]


def draw(seed: int, pools: int, mints: int, kind: str) -> Instance:
    rng = np.random.default_rng(seed)
    price = np.exp(rng.normal(0, 2, mints))
    price /= price[0]
    mint_a, mint_b = np.empty(pools, np.int64), np.empty(pools, np.int64)
    for pool in range(pools):
        if pool < mints - 1:
            mint_a[pool], mint_b[pool] = pool + 1, rng.integers(0, pool + 1)
        else:
            mint_a[pool] = rng.integers(0, mints)
            mint_b[pool] = (mint_a[pool] + rng.integers(1, mints)) % mints
    worth = np.exp(rng.normal(10, 1, pools))
    reserve_a = worth / price[mint_a] * np.exp(rng.normal(0, 0.1, pools))
    reserve_b = worth / price[mint_b]
    amount_in = float(np.exp(10) / price[mints - 1])
    return Instance(mints, price, mint_a, mint_b, reserve_a, reserve_b, kind, amount_in)


def ours(instance: Instance) -> RoutingSolution:
    if instance.kind == "trade":
        return solve_trade(*instance.columns, instance.mints - 1, 0, instance.amount_in)
    return solve_arbitrage(*instance.columns, instance.values)


def problem(instance: Instance, form: str, size: float) -> cp.Problem:
    """Return the same problem for CVXPY, its objective in units of `size`."""
    a, b, price = instance.mint_a, instance.mint_b, instance.price
    pools, kept = len(a), 1 - FEE
    worth = np.stack([instance.reserve_a * price[a], instance.reserve_b * price[b]], axis=1)
    scale = np.sqrt(worth[:, 0] * worth[:, 1])
    reserves = worth / scale[:, None]
    tendered = cp.Variable((pools, 2), nonneg=True)
    received = cp.Variable((pools, 2), nonneg=True)
    after = reserves + kept * tendered - received
    root = np.sqrt(reserves[:, 0] * reserves[:, 1])
    constraints: list[cp.Constraint]
    if form == "geo_mean":
        constraints = [cp.geo_mean(after[pool]) >= root[pool] for pool in range(pools)]
    else:
        one, other = after[:, 0], after[:, 1]
        constraints = [cp.SOC(one + other, cp.vstack([one - other, 2 * root]), axis=0)]
    rows, columns = np.concatenate([a, b]), np.arange(2 * pools)
    moved = sp.csr_matrix((np.tile(scale / size, 2), (rows, columns)), shape=(instance.mints, 2 * pools))
    net = moved @ cp.hstack([received[:, side] - tendered[:, side] for side in (0, 1)])
    if instance.kind == "trade":
        endowment = np.zeros(instance.mints)
        endowment[-1] = instance.amount_in * price[-1] / size
        net = net + endowment
    return cp.Problem(cp.Maximize((instance.values / price) @ net), [*constraints, net >= 0])


def best_of(runs: int, call: Any) -> tuple[float, Any]:
    best, answer = float("inf"), None
    for _ in range(runs):
        begin = time.perf_counter()
        answer = call()
        best = min(best, time.perf_counter() - begin)
    return best, answer


def compare(instance: Instance, form: str) -> dict[str, Any]:
    seconds, found = best_of(50, lambda: ours(instance))
    assert found.converged, found
    size = max(found.value, 1.0)
    relative, whole, own = float("inf"), float("inf"), float("inf")
    for _ in range(1 if form == "geo_mean" else 3):
        peer = problem(instance, form, size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Clarabel stops short of 1e-10 and says so
            begin = time.perf_counter()
            peer.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
            whole = min(whole, time.perf_counter() - begin)
        own = min(own, peer.solver_stats.solve_time)
        relative = abs(peer.value * size - found.value) / found.value
    return {
        "found": found, "clarabel": peer.value * size, "status": peer.status, "relative": relative,
        "seconds": seconds, "whole": whole, "own": own,
    }  # fmt: skip


def store(path: Path) -> None:
    """Write small solved instances, objectives by Clarabel, for the tests."""
    table = []
    for seed, (pools, mints, kind) in enumerate(
        (pools, mints, kind) for pools, mints in [(2, 2), (6, 3), (15, 6), (40, 10)]
        for kind in ("one", "all", "trade")
    ):  # fmt: skip
        instance = draw(seed, pools, mints, kind)
        answer = compare(instance, "soc")
        table.append({
            "kind": kind, "n_mints": mints, "fee": FEE, "clarabel_objective": answer["clarabel"],
            "amount_in": instance.amount_in, "values": instance.values.tolist(),
            **{name: getattr(instance, name).tolist()
               for name in ("mint_a", "mint_b", "reserve_a", "reserve_b")},
        })  # fmt: skip
        print(pools, mints, kind, answer["status"], f"{answer['relative']:.1e}")
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in table) + "\n]\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--textbook", action="store_true", help="one geo_mean constraint per pool")
    parser.add_argument("--store", type=Path, help="write small solved instances here instead")
    options = parser.parse_args()
    if options.store:
        store(options.store)
        return
    form = "geo_mean" if options.textbook else "soc"
    print(f"CVXPY {cp.__version__}, Clarabel, form {form}; times in ms, ratios to ours")
    print(f"{'pools':>5} {'mints':>5} {'objective':<9} {'difference':>10} {'gap':>8} {'steps':>5} "
          f"{'ours':>8} {'solve()':>9} {'ratio':>6} {'Clarabel':>9} {'ratio':>6}")  # fmt: skip
    for pools, mints in SIZES:
        for kind in ("one", "all", "trade"):
            answer = compare(draw(pools + mints, pools, mints, kind), form)
            found, seconds = answer["found"], answer["seconds"]
            print(
                f"{pools:>5} {mints:>5} {kind:<9} {answer['relative']:>10.1e} "
                f"{(found.bound - found.value) / found.bound:>8.0e} {found.iterations:>5} "
                f"{1e3 * seconds:>8.3f} {1e3 * answer['whole']:>9.1f} {answer['whole'] / seconds:>6.0f} "
                f"{1e3 * answer['own']:>9.2f} {answer['own'] / seconds:>6.0f}",
                flush=True,
            )
            assert answer["relative"] <= TOLERANCE, answer


if __name__ == "__main__":
    main()
