"""Random swaps through the programs' own bytecode: our answer must be theirs, to the unit and to the error.

Set `PHANTOM_PROGRAMS_DIR` to a folder with
- `orca_whirlpool.so`: the mainnet deployment of 2025-09-11 (sha256 e0e3a071…, from
  orca-so/whirlpool-tx-replayer, `replay-engine/src/programs/whirlpool/whirlpool-20250911-366188902.so`);
- `orca_whirlpool_immutable.so`: the immutable deployment (sha256 0f80ee74…, from orca-so/whirlpools,
  `legacy-sdk/whirlpool/tests/external_program/whirlpool_immutable.so`).
`PHANTOM_PROGRAM_SWAPS` sets how many swaps each test tries (default 2000).
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

PROGRAMS = os.environ.get("PHANTOM_PROGRAMS_DIR")
if PROGRAMS is None:
    pytest.skip("PHANTOM_PROGRAMS_DIR names no folder with the .so files", allow_module_level=True)
pytest.importorskip("solders", reason="the conformance tests need solders (LiteSVM)")

import whirlpool_program as program  # noqa: E402

if TYPE_CHECKING:
    from whirlpool_program import State, Swap

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
SWAPS = int(os.environ.get("PHANTOM_PROGRAM_SWAPS", "2000"))
DEPLOYMENTS = ("orca_whirlpool", "orca_whirlpool_immutable")
UNLIMITED = 20_000_000
# The cost model's own error near the budget; see compute/costs.rs.
TOLERANCE = 0.02


def elf(deployment: str) -> Path:
    path = Path(PROGRAMS or "") / f"{deployment}.so"
    if not path.is_file():
        pytest.skip(f"{path} is missing")
    return path


def differences(state: State, swap: Swap, expected: dict[str, Any]) -> dict[str, Any]:
    got = state.native().run(swap.operation, **swap.arguments())
    assert got is not None
    if not expected["ok"]:
        return {} if got.get("error") == expected["error"] else {"error": (expected["error"], got)}
    if not got["ok"]:
        return {"error": (None, got["error"])}
    pairs = {name: (value, got["result"].get(name)) for name, value in expected["result"].items()}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mutate", [False, True], ids=["vector states", "mutated states"])
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_random_swaps_equal_the_program(deployment: str, mutate: bool) -> None:
    meta, states, _ = program.read_vectors(VECTORS / f"{deployment}.jsonl.gz")
    runner = program.Program(elf(deployment), meta["program_id"])
    rng = random.Random(f"{deployment} {mutate}")
    pool = list(states.values())
    for _ in range(SWAPS):
        state = rng.choice(pool)
        if mutate:
            state = program.mutated(state, rng)
        swap = program.random_swap(state, rng)
        expected = runner.run(state, swap)
        found = differences(state, swap, expected)
        if found and "ComputeBudgetExceeded" in str(found):
            estimate = state.native().work(swap.operation, **swap.arguments())["estimate"]
            if abs(estimate - 1_400_000) < TOLERANCE * 1_400_000:
                continue  # the cost model may be off by this much
        assert not found, f"{state.kind} {swap}"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_estimated_compute_units_are_close_where_they_matter(deployment: str) -> None:
    meta, states, _ = program.read_vectors(VECTORS / f"{deployment}.jsonl.gz")
    runner = program.Program(elf(deployment), meta["program_id"], UNLIMITED)
    rng = random.Random(deployment)
    pool = [state for state in states.values() if state.kind == "adaptive"]
    errors = []
    for _ in range(SWAPS):
        state = program.mutated(rng.choice(pool), rng)
        swap = program.random_swap(state, rng)
        outcome = runner.run(state, swap)
        counted = outcome["ok"] or outcome["error"]["name"] == "TickArraySequenceInvalidIndex"
        if counted and outcome["units"] > 400_000:
            estimate = state.native().work(swap.operation, **swap.arguments())["estimate"]
            errors.append(abs(estimate / outcome["units"] - 1))
    assert len(errors) > SWAPS // 100
    assert max(errors) < TOLERANCE
    assert sorted(errors)[len(errors) // 2] < 0.004
