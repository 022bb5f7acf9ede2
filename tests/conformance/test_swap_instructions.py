"""Our swap instructions, executed by the programs themselves: they land and move what was quoted.

Needs `PHANTOM_PROGRAMS_DIR`, see `test_program_litesvm.py`. The vectors' states are those of real swaps; the
instruction is the product's (`Pool.swap_instruction`), never the vector's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

PROGRAMS = os.environ.get("PHANTOM_PROGRAMS_DIR")
if PROGRAMS is None:
    pytest.skip("PHANTOM_PROGRAMS_DIR names no folder with the .so files", allow_module_level=True)
pytest.importorskip("solders", reason="the conformance tests need solders (LiteSVM)")

from programs import vectors  # noqa: E402
from programs.svm import Program  # noqa: E402
from programs.venue import Parties, Venue  # noqa: E402
from programs.venues import VENUES  # noqa: E402

from phantom_core import InvalidInput, Pool, associated_token_account  # noqa: E402

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
FILES = (
    "meteora_damm_v2",
    "meteora_dlmm",
    "orca_token_swap_v2",
    "orca_whirlpool",
    "orca_whirlpool_immutable",
    "raydium_amm_v4",
    "raydium_clmm",
    "raydium_cpmm",
)
SWAPS = int(os.environ.get("PHANTOM_PROGRAM_SWAPS", "120"))

Reach = Literal["official", "needed"]


def program_of(name: str, meta: dict[str, str]) -> Program:
    path = Path(PROGRAMS or "") / f"{name}.so"
    if not path.is_file():
        pytest.skip(f"{path} is missing")
    return Program(path, meta["program_id"], meta["elf_sha256"])


def pool_of(state: vectors.State) -> Pool:
    accounts = {key: (account.owner, account.data) for key, account in state.accounts.items()}
    own = state.accounts[state.pool]
    return Pool(state.pool, own.owner, own.data, accounts=accounts, clock=state.clock, complete=True)


def landed(file: vectors.VectorFile) -> Iterator[tuple[vectors.State, dict[str, Any]]]:
    """Yield about `SWAPS` swaps that succeeded, spread over the file."""
    lines = [line for line in file.swaps if line["ok"]]
    for line in lines[:: max(1, len(lines) // SWAPS)]:
        yield file.states[line["state"]], line


def execute(
    venue: Venue,
    program: Program,
    state: vectors.State,
    line: dict[str, Any],
    reach: Reach,
    instruction: str | None,
) -> tuple[dict[str, Any], int]:
    """Return what our instruction does and how many accounts it has; its threshold is the quote itself."""
    recorded = venue.recorded_parties(line)
    pool = pool_of(state)
    swap = vectors.Swap.read(line)
    partial_fill = swap.mode == "partial_fill"
    quote = pool.quote(
        swap.amount,
        a_to_b=swap.a_to_b,
        exact="in" if swap.exact_in else "out",
        sqrt_price_limit=swap.sqrt_price_limit or 0,
        partial_fill=partial_fill,
    )
    sides = venue.sides(state)
    wallets = [
        str(associated_token_account(recorded.trader, side.mint, state.accounts[side.mint].owner))
        for side in sides
    ]
    parties = Parties(recorded.trader, wallets[0], wallets[1], recorded.others)
    built = pool.swap_instruction(
        swap.amount,
        wallet=parties.trader,
        a_to_b=swap.a_to_b,
        exact="in" if swap.exact_in else "out",
        min_out=quote.amount_out if swap.exact_in else None,
        max_in=None if swap.exact_in else quote.amount_in,
        sqrt_price_limit=swap.sqrt_price_limit or 0,
        partial_fill=partial_fill,
        instruction=instruction,
        reach=reach,
    )
    flags = [
        (str(key), "s" * is_signer + "w" * is_writable) for key, is_signer, is_writable in built.accounts
    ]
    call = vectors.Call(str(built.program), built.data, flags)
    _, execution = venue.run(program, state, replace(swap, threshold=0), parties, call)
    outcome = venue.outcome(state, swap, parties, execution)
    # What DLMM has left of the most that it may take: another figure with another maximum.
    for each in (outcome, line):
        each.get("result", {}).pop("amount_left", None)
    if outcome["ok"]:
        result = outcome["result"]
        assert (result["user_in"], result["user_out"]) == (quote.amount_in, quote.amount_out)
        assert (result["vault_in"], result["vault_out"]) == (quote.vault_in, quote.vault_out)
    return outcome, len(built.accounts)


@pytest.mark.parametrize("reach", ["official", "needed"])
@pytest.mark.parametrize("name", FILES)
def test_our_newest_instruction_moves_what_was_quoted(name: str, reach: Reach) -> None:
    file = vectors.read(VECTORS / f"{name}.jsonl.gz")
    venue, program = VENUES[file.meta["dex"]], program_of(name, file.meta)
    count = 0
    for state, line in landed(file):
        outcome, _ = execute(venue, program, state, line, reach, None)
        assert outcome == {"ok": True, "result": line["result"]}, line["id"]
        count += 1
    assert count >= min(SWAPS, 100)


@pytest.mark.parametrize("reach", ["official", "needed"])
@pytest.mark.parametrize("name", ["orca_whirlpool", "orca_whirlpool_immutable", "raydium_clmm"])
def test_our_older_instruction_moves_what_was_quoted(name: str, reach: Reach) -> None:
    file = vectors.read(VECTORS / f"{name}.jsonl.gz")
    venue, program = VENUES[file.meta["dex"]], program_of(name, file.meta)
    landing = [(state, line) for state, line in landed(file) if line["op"] == "swap"]
    for state, line in landing:
        outcome, _ = execute(venue, program, state, line, reach, "swap")
        assert outcome == {"ok": True, "result": line["result"]}, line["id"]
    assert len(landing) >= 20


def test_needed_reach_names_fewer_accounts_than_the_official_client() -> None:
    file = vectors.read(VECTORS / "raydium_clmm.jsonl.gz")
    venue, program = VENUES[file.meta["dex"]], program_of("raydium_clmm", file.meta)
    saved = 0
    for state, line in landed(file):
        _, official = execute(venue, program, state, line, "official", None)
        _, needed = execute(venue, program, state, line, "needed", None)
        assert needed <= official
        saved += official - needed
    assert saved > SWAPS


def test_amm_v4_takes_planned_orders_and_lacks_the_newest_instructions() -> None:
    """The build of the vectors is older than `swap_base_in_v2`: what it says tells a probe so."""
    file = vectors.read(VECTORS / "raydium_amm_v4.jsonl.gz")
    venue, program = VENUES[file.meta["dex"]], program_of("raydium_amm_v4", file.meta)
    state, line = next((state, line) for state, line in landed(file) if line["op"] == "swap_base_in")
    outcome, count = execute(venue, program, state, line, "needed", "swap_base_in_with_target_orders")
    assert (outcome["ok"], count) == (True, 18)
    outcome, count = execute(venue, program, state, line, "official", "swap_base_in_v2")
    assert (outcome["ok"], outcome["error"]["kind"], count) == (
        False,
        "InstructionErrorFieldless.InvalidInstructionData",
        8,
    )


def test_instruction_of_the_other_side_is_refused() -> None:
    file = vectors.read(VECTORS / "raydium_cpmm.jsonl.gz")
    state, line = next(landed(file))
    with pytest.raises(InvalidInput, match="exact output"):
        pool_of(state).swap_instruction(
            1, wallet=state.pool, a_to_b=True, min_out=0, instruction="swap_base_output"
        )
    assert line["ok"]
