from typing import Any

import pytest

from phantom_arbiter.execution.error_names import error_name

WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
SYSTEM = "1" * 32
LOGS = [
    f"Program {WHIRLPOOL} invoke [1]",
    f"Program {TOKEN} invoke [2]",
    f"Program {TOKEN} failed: custom program error: 0x1",
    f"Program {WHIRLPOOL} failed: custom program error: 0x1",
]


@pytest.mark.parametrize(
    ("error", "logs", "programs", "name"),
    [
        ({"InstructionError": [1, {"Custom": 6036}]}, [], [SYSTEM, WHIRLPOOL], "amount_out_below_minimum"),
        ({"InstructionError": [0, {"Custom": 1}]}, [], [SYSTEM], "result_with_negative_lamports"),
        ({"InstructionError": [0, {"Custom": 1}]}, LOGS, [WHIRLPOOL], "insufficient_funds"),
        ({"InstructionError": [0, {"Custom": 60_361}]}, [], [WHIRLPOOL], "custom_0xebc9"),
        ({"InstructionError": [9, {"Custom": 6036}]}, [None, 7], [WHIRLPOOL], "custom_0x1794"),
        ("BlockhashNotFound", [], [], "blockhash_not_found"),
        ({"InsufficientFundsForRent": {"account_index": 1}}, [], [], "insufficient_funds_for_rent"),
    ],
)
def test_error_has_the_name_of_the_program_that_failed_first(
    error: Any, logs: list[Any], programs: list[str], name: str
) -> None:
    assert error_name(error, logs, programs) == name


@pytest.mark.parametrize("error", [None, 7, "", {}, {"x": []}, {"InstructionError": 7}, [1], True, 1.5])
def test_error_that_is_none_still_has_a_name(error: Any) -> None:
    assert error_name(error).isascii()
    assert error_name(error)
