"""Random swaps through the programs' own bytecode: our answer must be theirs, to the unit and to the error.

Set `PHANTOM_PROGRAMS_DIR` to a folder that holds, by the name of the vector file, the bytecode behind it:

- `orca_whirlpool.so`: orca-so/whirlpool-tx-replayer, the mainnet deployment of 2025-09-11
  (`replay-engine/src/programs/whirlpool/whirlpool-20250911-366188902.so`);
- `orca_whirlpool_immutable.so`: orca-so/whirlpools,
  `legacy-sdk/whirlpool/tests/external_program/whirlpool_immutable.so`;
- `orca_token_swap_v2.so`: jup-ag/jupiter-amm-implementation, `jupiter-core/tests/fixtures/orca_v2.so`;
- `raydium_cpmm.so`: raunit-dev/beethoven, `fixtures/swap/raydium-cpmm/raydium_cpmm.so`;
- `raydium_clmm.so`: ACNoonan/solana-clmm-raydium, `tests/fixtures/raydium_clmm.so`;
- `raydium_amm_v4.so`: preza0293/blue-house, `tests/program-files/ray_amm.so`;
- `meteora_dlmm.so`: MeteoraAg/dlmm-sdk, `commons/tests/artifacts/lb_clmm_prod.so`;
- `meteora_damm_v2.so`: MeteoraAg/damm-v2-sdk, `tests/fixtures/cp_amm.so`.

A file whose sha256 is not the vectors' is refused, a missing one skips its venue. PumpSwap's vectors come
from its SDK. `PHANTOM_PROGRAM_SWAPS` sets how many swaps each test tries (default 300),
`PHANTOM_PROGRAM_SEED` which (default 1).
"""

from __future__ import annotations

import os
import random
from functools import cache
from pathlib import Path

import pytest

PROGRAMS = os.environ.get("PHANTOM_PROGRAMS_DIR")
if PROGRAMS is None:
    pytest.skip("PHANTOM_PROGRAMS_DIR names no folder with the .so files", allow_module_level=True)
pytest.importorskip("solders", reason="the conformance tests need solders (LiteSVM)")

from programs import vectors  # noqa: E402
from programs.generate import UNITS_MARGIN, Generator, Mix  # noqa: E402
from programs.replay import Mismatch, replay  # noqa: E402
from programs.svm import Program  # noqa: E402
from programs.swaps import draw  # noqa: E402
from programs.venues import VENUES  # noqa: E402

from phantom_arbiter import conformance  # noqa: E402
from phantom_core import ConformanceState  # noqa: E402

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
SWAPS = int(os.environ.get("PHANTOM_PROGRAM_SWAPS", "300"))
SEED = int(os.environ.get("PHANTOM_PROGRAM_SEED", "1"))
WHIRLPOOLS = ("orca_whirlpool", "orca_whirlpool_immutable")
FILES = (
    *WHIRLPOOLS,
    "orca_token_swap_v2",
    "raydium_cpmm",
    "raydium_clmm",
    "raydium_amm_v4",
    "meteora_dlmm",
    "meteora_damm_v2",
)
UNLIMITED = 20_000_000
# The cost model's own error, see compute/costs.rs; arrays redrawn full of ticks double it.
TOLERANCE = 0.02
AFTER_ORACLE = 6  # position of the first tick array in an adaptive pool's state

pytestmark = pytest.mark.timeout(1800)


@cache
def base(name: str) -> vectors.VectorFile:
    return vectors.read(VECTORS / f"{name}.jsonl.gz")


def elf(name: str) -> Path:
    path = Path(PROGRAMS or "") / f"{name}.so"
    if not path.is_file():
        pytest.skip(f"{path} is missing")
    return path


def short_of_funds(mismatch: Mismatch) -> bool:
    """Whether the recorded trader lacked tokens: what it held, a state does not tell."""
    error = mismatch.expected.get("error") or {}
    return bool(error.get("name") == "insufficient funds")


@pytest.mark.parametrize("name", FILES)
def test_program_does_again_what_the_vectors_say(name: str) -> None:
    file = base(name)
    program = Program(elf(name), file.meta["program_id"], file.meta["elf_sha256"])
    step = max(1, len(file.swaps) // SWAPS)
    mismatches = replay(VENUES[file.meta["dex"]], program, file, step)
    assert [each for each in mismatches if not short_of_funds(each)] == []


@pytest.mark.parametrize("mutate", [0.0, 1.0], ids=["states from swaps", "rewritten states"])
@pytest.mark.parametrize("name", FILES)
def test_random_swaps_equal_the_program(name: str, mutate: float, tmp_path: Path) -> None:
    file, path = base(name), tmp_path / f"{name}.jsonl.gz"
    generator = Generator(VENUES[file.meta["dex"]], elf(name), file, SEED, Mix(mutate=mutate))
    outcomes = generator.write(path, SWAPS)
    assert outcomes["ok"] > SWAPS // 5
    report = conformance.run_file(conformance.read_vectors(path))
    assert report.supported
    assert report.differences == []
    assert report.passed


@pytest.mark.parametrize("name", WHIRLPOOLS)
def test_estimated_compute_units_are_close_where_they_matter(name: str) -> None:
    file = base(name)
    venue, meta = VENUES["orca_whirlpool"], file.meta
    program = Program(elf(name), meta["program_id"], meta["elf_sha256"], UNLIMITED)
    rng = random.Random(name)
    adaptive = [line for line in file.swaps if file.states[line["state"]].kind == "adaptive"]
    errors: dict[bool, list[float]] = {False: [], True: []}  # by whether the tick arrays were redrawn
    for _ in range(max(SWAPS, 1_000)):
        line = rng.choice(adaptive)
        recorded = file.states[line["state"]]
        state = venue.settled(venue.mutate(recorded, rng))
        swap = draw(venue, state, rng)
        _, execution = venue.run(program, state, swap, venue.recorded_parties(line))
        failed = execution.error and execution.error.get("name") != "TickArraySequenceInvalidIndex"
        if not failed and execution.units > 400_000:
            work = native(state, meta).work(swap.op, **swap.args)
            redrawn = any(
                recorded.accounts.get(key) != state.accounts[key] for key in state.keys[AFTER_ORACLE:]
            )
            errors[redrawn].append(abs(work["estimate"] / execution.units - 1))
    assert min(map(len, errors.values())) > 10
    assert max(errors[False]) < TOLERANCE
    assert sorted(errors[False])[len(errors[False]) // 2] < 0.004
    assert max(errors[True]) < UNITS_MARGIN


def native(state: vectors.State, meta: dict[str, str]) -> ConformanceState:
    accounts = [(key, account.owner, account.data) for key, account in state.accounts.items()]
    return ConformanceState(
        dex=meta["dex"],
        program_id=meta["program_id"],
        pool=state.pool,
        accounts=accounts,
        slot=state.clock.slot,
        unix_timestamp=state.clock.unix_timestamp,
        epoch=state.clock.epoch,
    )
