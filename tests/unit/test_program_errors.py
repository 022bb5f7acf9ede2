"""The dictionary of program errors: complete, in the programs' own words, read from whatever tells of one."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phantom_arbiter.cli import main
from phantom_arbiter.execution.error_advice import ANCHOR, RUNTIME, ErrorClass
from phantom_arbiter.execution.error_logs import OUT_OF_UNITS, PANIC, first_failure
from phantom_arbiter.execution.program_advice import PROGRAMS
from phantom_arbiter.execution.program_errors import (
    explain,
    explain_failure,
    find_program,
    known_programs,
)

ROOT = Path(__file__).parents[2]
IDLS = ROOT / "tests/data/idl-errors"
VECTORS = ROOT / "tests/data/vectors"
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
CLMM = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"
DLMM = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
SYSTEM = "11111111111111111111111111111111"
LOGGED_NAMES = {
    "insufficient funds": "InsufficientFunds",
    "exceeds desired slippage limit": "ExceededSlippage",
    "Swap instruction exceeds desired slippage limit": "ExceededSlippage",
    "Given pool token amount results in zero trading tokens": "ZeroTradingTokens",
    "Account is frozen": "AccountFrozen",
}
"""What programs without Anchor log, and the name of that error."""


def tool() -> Any:
    spec = importlib.util.spec_from_file_location(
        "make_program_errors", ROOT / "tools/make_program_errors.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def idl_errors() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(IDLS.glob("*.json")):
        idl = json.loads(path.read_text())
        for error in idl.get("errors", ()):
            yield idl["name"], error


def test_every_number_of_every_idl_is_found() -> None:
    errors = list(idl_errors())
    assert len(errors) > 500
    for program, error in errors:
        found = explain(program, error["code"])
        assert (found.code, found.name) == (error["code"], error["name"]), program
        assert found.message == error.get("msg", "")
        assert found.cause
        assert explain(program, error["name"]) == found


def test_the_data_file_is_what_the_tool_makes_of_the_idls() -> None:
    made = tool()
    content = made.distil(made.read_idls(IDLS), json.loads(made.BY_HAND.read_text()))
    assert made.dump(content) + "\n" == made.TARGET.read_text()


def test_the_tool_refuses_a_folder_without_an_idl_that_is_named(tmp_path: Path) -> None:
    made = tool()
    with pytest.raises(SystemExit, match="whirlpool"):
        made.distil(made.read_idls(tmp_path), json.loads(made.BY_HAND.read_text()))


def test_advice_is_for_errors_that_exist() -> None:
    content = json.loads((ROOT / "src/phantom_arbiter/data/program-errors.json").read_text())
    anchor = {name for name, _ in content["anchor"].values()}
    assert set(ANCHOR) <= anchor
    assert set(RUNTIME) - {OUT_OF_UNITS} <= set(content["transaction"]) | set(content["instruction"])
    programs = {each.name: each for each in known_programs()}
    assert set(PROGRAMS) <= set(programs)
    shared = PROGRAMS["token_2022"]  # SPL Token has the first twenty of them
    for name, advice in PROGRAMS.items():
        program = programs["token_2022"] if advice is shared else programs[name]
        tables = (program.errors, program.other_builds)
        names = {own for table in tables for own, _ in table.values()} | anchor
        assert set(advice) <= names, name


def refusals(file: Path) -> set[tuple[str, int | None, str | None, str | None]]:
    found = set()
    with gzip.open(file, "rt") as lines:
        for line in map(json.loads, lines):
            error = line.get("error")
            if error and error.get("program"):
                found.add((error["program"], error["code"], error.get("name"), error.get("panic")))
    return found


@pytest.mark.parametrize("file", sorted(VECTORS.glob("*.jsonl.gz")), ids=lambda path: path.name.split(".")[0])
def test_what_programs_failed_with_has_the_same_name_here(file: Path) -> None:
    for program, code, name, panic in refusals(file):
        if code is not None:
            found = explain(program, code)
            assert found.name == LOGGED_NAMES.get(name or "", name), (program, code)
            assert found.error_class is not ErrorClass.UNKNOWN, found
        elif panic is not None:
            logs = (
                f"Program log: panicked at {panic}",
                f"Program {program} failed: Program failed to complete",
            )
            assert explain_failure(None, logs=logs).name == PANIC
        else:
            assert explain(program, name).error_class is ErrorClass.BUDGET


def test_the_instruction_tells_the_program() -> None:
    error = {"InstructionError": [2, {"Custom": 6036}]}
    found = explain_failure(error, [SYSTEM, TOKEN, WHIRLPOOL])
    assert (found.program, found.name, found.instruction) == ("orca_whirlpool", "AmountOutBelowMinimum", 2)
    assert found.error_class is ErrorClass.MOVED
    assert explain_failure(json.dumps(error), [SYSTEM, TOKEN, WHIRLPOOL]) == found
    unknown = explain_failure(error)
    assert (unknown.name, unknown.error_class, unknown.instruction) == ("Custom", ErrorClass.UNKNOWN, 2)


@pytest.mark.parametrize(
    ("error", "name", "error_class"),
    [
        ("BlockhashNotFound", "BlockhashNotFound", ErrorClass.EXPIRED),
        ("AccountInUse", "AccountInUse", ErrorClass.BUSY),
        ("InsufficientFundsForFee", "InsufficientFundsForFee", ErrorClass.FUNDS),
        ({"InsufficientFundsForRent": {"account_index": 3}}, "InsufficientFundsForRent", ErrorClass.FUNDS),
        ({"DuplicateInstruction": 1}, "DuplicateInstruction", ErrorClass.CONFIG),
        (
            {"InstructionError": [0, "ComputationalBudgetExceeded"]},
            "ComputationalBudgetExceeded",
            ErrorClass.BUDGET,
        ),
        ({"InstructionError": [0, "AccountNotExecutable"]}, "AccountNotExecutable", ErrorClass.CONFIG),
        ({"InstructionError": [0, "ProgramFailedToComplete"]}, "ProgramFailedToComplete", ErrorClass.UNKNOWN),
        ("TooManyAccountLocks", "TooManyAccountLocks", ErrorClass.CONFIG),
        ("WouldExceedMaxAccountCostLimit", "WouldExceedMaxAccountCostLimit", ErrorClass.BUSY),
        ("AddressLookupTableNotFound", "AddressLookupTableNotFound", ErrorClass.CONFIG),
        ("SomethingNewer", "SomethingNewer", ErrorClass.UNKNOWN),
        (None, "Unknown", ErrorClass.UNKNOWN),
        ({"a": 1, "b": 2}, "Unknown", ErrorClass.UNKNOWN),
        ({"InstructionError": []}, "InstructionError", ErrorClass.UNKNOWN),
    ],
)
def test_errors_of_the_runtime(error: object, name: str, error_class: ErrorClass) -> None:
    found = explain_failure(error)
    assert (found.name, found.error_class, found.code) == (name, error_class, None)


def test_numbers_are_read_in_every_form() -> None:
    forms = (6001, "6001", "0x1771", "0X1771".lower(), "Custom(6001)", {"Custom": 6001})
    assert {explain("whirlpool", form).name for form in forms} == {"InvalidStartTick"}
    line = "Error processing Instruction 0: custom program error: 0x1771"
    assert explain(WHIRLPOOL, line).name == "InvalidStartTick"


def test_framework_errors_are_those_of_programs_made_with_it() -> None:
    assert explain("orca_whirlpool", 3012).error_class is ErrorClass.ACCOUNT
    assert explain("raydium_amm_v4", 3012).name == "Custom"
    assert explain("9" * 43, 3012).name == "AccountNotInitialized"
    # The bin arrays are the accounts that run out, in this program.
    assert explain("meteora_dlmm", 3005).error_class is ErrorClass.MOVED
    assert explain("orca_whirlpool", 3005).error_class is ErrorClass.CONFIG


CPI_LOGS = (
    f"Program {DLMM} invoke [1]",
    "Program log: Instruction: Swap2",
    f"Program {TOKEN} invoke [2]",
    "Program log: Instruction: TransferChecked",
    f"Program {TOKEN} consumed 6000 of 190000 compute units",
    f"Program {TOKEN} success",
    f"Program {TOKEN} invoke [2]",
    "Program log: Instruction: TransferChecked",
    "Program log: Error: insufficient funds",
    f"Program {TOKEN} consumed 4000 of 180000 compute units",
    f"Program {TOKEN} failed: custom program error: 0x1",
    f"Program {DLMM} consumed 50000 of 200000 compute units",
    f"Program {DLMM} failed: custom program error: 0x1",
)


def test_the_program_that_failed_first_is_the_one_that_is_blamed() -> None:
    found = explain_failure({"InstructionError": [0, {"Custom": 1}]}, [DLMM], CPI_LOGS)
    assert (found.program, found.name, found.error_class) == (
        "spl_token",
        "InsufficientFunds",
        ErrorClass.FUNDS,
    )
    assert found.instruction == 0
    logged = first_failure(CPI_LOGS)
    assert logged is not None
    assert (logged.program, logged.code, logged.depth) == (TOKEN, 1, 2)


def test_a_name_in_the_logs_decides_where_builds_number_differently() -> None:
    assert explain(CLMM, 6022).name == "TooLittleOutputReceived"
    assert explain(CLMM, 6022).also == "TooSmallInputOrOutputAmount"
    logs = (
        f"Program {CLMM} invoke [1]",
        "Program log: AnchorError thrown in programs/amm/src/instructions/swap_v2.rs:312. Error Code:"
        " TooSmallInputOrOutputAmount. Error Number: 6022. Error Message: Swap input or output amount is too"
        " small.",
        f"Program {CLMM} failed: custom program error: 0x1786",
    )
    found = explain_failure({"InstructionError": [0, {"Custom": 6022}]}, [CLMM], logs)
    assert (found.name, found.code, found.also) == ("TooSmallInputOrOutputAmount", 6022, None)
    assert found.message == "Swap input or output amount is too small"
    assert found.error_class is ErrorClass.MOVED


@pytest.mark.parametrize(
    "reason",
    ["exceeded CUs meter at BPF instruction", "Computational budget exceeded", "Program failed to complete"],
)
def test_compute_units_that_ran_out_are_told_from_panics(reason: str) -> None:
    logs = [f"Program {WHIRLPOOL} invoke [1]", f"Program {WHIRLPOOL} failed: {reason}"]
    if reason == "Program failed to complete":
        logs.insert(1, f"Program {WHIRLPOOL} consumed 200000 of 200000 compute units: exceeded CUs meter")
    found = explain_failure({"InstructionError": [0, "ProgramFailedToComplete"]}, [WHIRLPOOL], logs)
    assert (found.name, found.error_class, found.program) == (
        OUT_OF_UNITS,
        ErrorClass.BUDGET,
        "orca_whirlpool",
    )


def test_logs_cut_short_leave_what_the_status_says() -> None:
    error = {"InstructionError": [0, {"Custom": 6003}]}
    found = explain_failure(error, [DLMM], ["Log truncated"])
    assert (found.program, found.name) == ("meteora_dlmm", "ExceededAmountSlippageTolerance")
    plain = explain_failure(
        error, [DLMM], [f"Program {DLMM} failed: insufficient account keys for instruction"]
    )
    assert plain.program == "meteora_dlmm"


def test_errors_of_litesvm_are_read() -> None:
    solders = pytest.importorskip("solders.transaction_status")
    custom = solders.InstructionErrorCustom(6003)
    found = explain_failure(solders.TransactionErrorInstructionError(1, custom), [SYSTEM, DLMM])
    assert (found.name, found.instruction) == ("ExceededAmountSlippageTolerance", 1)
    fieldless = solders.InstructionErrorFieldless.ProgramFailedToComplete
    inner = explain_failure(solders.TransactionErrorInstructionError(0, fieldless), [DLMM])
    assert (inner.name, inner.program) == ("ProgramFailedToComplete", "meteora_dlmm")
    for name in ("BlockhashNotFound", "AccountInUse", "AlreadyProcessed", "TooManyAccountLocks"):
        assert explain(None, getattr(solders.TransactionErrorFieldless, name)).name == name
    assert (
        explain(None, solders.TransactionErrorInsufficientFundsForRent(2)).name == "InsufficientFundsForRent"
    )
    assert explain(None, solders.TransactionErrorDuplicateInstruction(2)).name == "DuplicateInstruction"


def test_programs_are_found_by_address_name_alias_and_a_part_of_it() -> None:
    for text in (WHIRLPOOL, "orca_whirlpool", "whirlpool", "Whirl", "Orca Whirlpool"):
        program = find_program(text)
        assert program is not None, text
        assert program.name == "orca_whirlpool"
    assert find_program("meteora") is None  # several
    assert find_program("nobody") is None
    second = explain("iwhrLHdsgrvmnwU8GF2FSmyabSMjfHwFGJAX2ufJ3ZN", 6036)
    assert (second.program, second.address) == (
        "orca_whirlpool",
        "iwhrLHdsgrvmnwU8GF2FSmyabSMjfHwFGJAX2ufJ3ZN",
    )


def test_command_explains_a_number_of_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain-error", "0x1794", "--program", "whirlpool", "--json"]) == 0
    [error] = json.loads(capsys.readouterr().out)["errors"]
    assert (error["program"], error["code"], error["class"]) == ("orca_whirlpool", 6036, "moved")
    assert main(["explain-error", "0x1794", "--program", WHIRLPOOL]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("orca_whirlpool 6036 (0x1794): AmountOutBelowMinimum\n")
    assert "cure   " in shown


def test_command_without_a_program_lists_every_one_that_has_the_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain-error", "6003", "--json"]) == 0
    errors = json.loads(capsys.readouterr().out)["errors"]
    names = {each["program"]: each["name"] for each in errors}
    assert names["meteora_dlmm"] == "ExceededAmountSlippageTolerance"
    assert names["meteora_damm_v2"] == "PoolDisabled"
    assert main(["explain-error", "BlockhashNotFound"]) == 0
    assert "class  expired" in capsys.readouterr().out


def test_command_refuses_a_program_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain-error", "6003", "--program", "nobody"]) == 2
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("AmountOutBelowMinimum", "orca_whirlpool 6036 (0x1794): AmountOutBelowMinimum"),
        ("landed_failed:amount_out_below_minimum", "orca_whirlpool 6036 (0x1794)"),
        ("rehearsal:account_owned_by_wrong_program", "AccountOwnedByWrongProgram"),
        (
            '{"error":{"code":-32002,"message":"failed","data":{"err":{"InstructionError":[2,{"Custom":6036}]},'
            '"logs":["Program whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc invoke [1]",'
            '"Program whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc failed: custom program error: 0x1794"]}}}',
            "orca_whirlpool 6036 (0x1794): AmountOutBelowMinimum",
        ),
    ],
)
def test_command_takes_names_the_journals_words_and_whole_answers(
    words: str, found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain-error", words]) == 0
    assert found in capsys.readouterr().out


def test_command_fails_where_nothing_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain-error", "Nonsense"]) == 1
    assert "no error of this name is known" in capsys.readouterr().out
