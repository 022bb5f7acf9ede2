"""The harness that runs the programs, as far as it can be checked without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("solders", reason="the harness derives addresses with solders")

from programs import layout, vectors
from programs.errors import failure
from programs.ticks import MAX_TICK, MIN_TICK, sqrt_price
from programs.venues import VENUES

from phantom_core import sqrt_price_from_tick_index

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
FILES = [path.name for path in sorted(VECTORS.glob("*.jsonl.gz")) if not path.name.startswith("pumpswap")]


@pytest.mark.parametrize("name", FILES)
def test_settled_vector_state_is_unchanged(name: str) -> None:
    file = vectors.read(VECTORS / name)
    venue = VENUES[file.meta["dex"]]
    for state in file.states.values():
        settled = venue.settled(state)
        assert settled.keys == state.keys
        assert settled.missing == state.missing


@pytest.mark.parametrize("name", ["raydium_cpmm.jsonl.gz", "meteora_dlmm.jsonl.gz"])
def test_written_file_reads_back_equal(name: str, tmp_path: Path) -> None:
    file = vectors.read(VECTORS / name)
    with vectors.Writer(tmp_path / name, file.meta) as writer:
        numbers = {state_id: writer.state(state) for state_id, state in file.states.items()}
        for line in file.swaps:
            accounts = [(key, flags) for key, flags in line["ix"]["accounts"]]
            call = vectors.Call(line["ix"]["program_id"], bytes.fromhex(line["ix"]["data"]), accounts)
            outcome: dict[str, Any] = {
                field: line[field] for field in ("ok", "result", "error") if field in line
            }
            writer.swap(numbers[line["state"]], vectors.Swap.read(line), call, outcome)
    again = vectors.read(tmp_path / name)
    assert again.meta == file.meta
    assert [again.states[numbers[i]] for i in file.states] == list(file.states.values())
    expected = [{**line, "state": numbers[line["state"]]} for line in file.swaps]
    assert [{**line, "id": 0} for line in again.swaps] == [{**line, "id": 0} for line in expected]


def test_tick_prices_are_those_of_the_program() -> None:
    ticks = [*range(MIN_TICK, MAX_TICK, 997), *range(-50, 50), MAX_TICK]
    assert [sqrt_price(tick) for tick in ticks] == [sqrt_price_from_tick_index(tick) for tick in ticks]


def test_fields_are_rewritten_in_place_and_read_back() -> None:
    data = layout.put(bytes(8), 2, 4, -5)
    assert data == bytes.fromhex("0000fbffffff0000")
    assert layout.i32(data, 2) == -5
    assert layout.u16(data, 2) == 0xFFFB


def test_failure_is_named_by_the_frame_that_failed_first() -> None:
    logs = [
        "Program Outer invoke [1]",
        "Program log: Instruction: Swap",
        "Program Token invoke [2]",
        "Program log: Error: insufficient funds",
        "Program Token failed: custom program error: 0x1",
        "Program Outer failed: custom program error: 0x1",
    ]
    error = failure(logs, type("InstructionErrorCustom", (), {"code": 1})())
    expected = {"code": 1, "kind": "InstructionErrorCustom", "name": "insufficient funds", "program": "Token"}
    assert error == expected


def test_panic_has_a_message_and_no_name() -> None:
    logs = [
        "Program Outer invoke [1]",
        "Program log: panicked at src/lib.rs:1:2:\nattempt to divide by zero",
        "Program Outer failed: Program failed to complete",
    ]
    error = failure(logs, "InstructionErrorFieldless.ProgramFailedToComplete")
    assert error["panic"] == "src/lib.rs:1:2:\nattempt to divide by zero"
    assert "name" not in error
