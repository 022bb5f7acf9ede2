from dataclasses import replace
from typing import Any

import pytest

from landing_fakes import submission
from phantom_arbiter.execution.balances import Expected, plain_error_name, read_facts
from shell_fakes import USDC, WSOL

TIPS = frozenset({"tip-1", "tip-2"})


def token(index: int, mint: str, amount: int, owner: str = "wallet") -> dict[str, Any]:
    return {"accountIndex": index, "mint": mint, "owner": owner, "uiTokenAmount": {"amount": str(amount)}}


def answer(**meta: Any) -> dict[str, Any]:
    """Return a transaction of the wallet, an account it creates, a tip account and a program."""
    return {
        "slot": 812,
        "blockTime": 1_790_000_000,
        "transaction": {
            "signatures": ["sig"],
            "message": {
                "accountKeys": ["wallet", "ata", "tip-1", "program"],
                "instructions": [{"programIdIndex": 3}],
            },
        },
        "meta": {
            "err": None,
            "fee": 5_000,
            "preBalances": [10_000_000, 0, 70, 1],
            "postBalances": [10_000_000 - 5_000 - 9_000 - 2_039_280 + 400, 2_039_280, 9_070, 1],
            "loadedAddresses": {"writable": [], "readonly": []},
            "computeUnitsConsumed": 1_234,
            "logMessages": [],
            **meta,
        },
    }


def looked_for(base_account: str = "wallet", base_mint: str = WSOL, held_mint: str = "") -> Expected:
    signed = replace(submission(), base_account=base_account, accounts_created=(("ata", 2_039_280),))
    return Expected(signed, base_mint, held_mint, TIPS)


def test_wallet_as_base_account_gains_what_is_left_without_fee_tip_and_rent() -> None:
    chain = read_facts(answer(), looked_for()).chain
    assert (chain.fee_lamports, chain.tip_lamports, chain.rent_lamports) == (5_000, 9_000, 2_039_280)
    assert (chain.base_change, chain.wallet_change_lamports) == (400, 400 - 5_000 - 9_000 - 2_039_280)
    assert (chain.slot, chain.unix_time, chain.units_consumed) == (812, 1_790_000_000, 1_234)


def test_account_that_was_there_already_takes_no_rent() -> None:
    found = answer(preBalances=[10_000_000, 2_039_280, 70, 1], postBalances=[9_986_000, 2_039_280, 9_070, 1])
    chain = read_facts(found, looked_for()).chain
    assert (chain.rent_lamports, chain.base_change) == (0, 0)


def test_token_account_gains_what_its_balance_says() -> None:
    found = answer(
        preTokenBalances=[token(1, USDC, 1_000), token(2, USDC, 50, "pool")],
        postTokenBalances=[token(1, USDC, 1_750), token(2, USDC, 9, "pool")],
    )
    assert read_facts(found, looked_for("ata", USDC)).chain.base_change == 750


def test_token_account_that_was_created_begins_at_nothing() -> None:
    found = answer(preTokenBalances=[], postTokenBalances=[token(1, USDC, 1_750)])
    assert read_facts(found, looked_for("ata", USDC)).chain.base_change == 1_750


def test_looked_up_token_account_is_found_by_its_address_or_by_its_owner() -> None:
    balances = {
        "preBalances": [10_000_000, 0, 70, 1, 5],
        "postBalances": [9_986_000, 0, 9_070, 1, 5],
        "preTokenBalances": [token(4, USDC, 1_000)],
        "postTokenBalances": [token(4, USDC, 1_001)],
    }
    named = answer(**balances, loadedAddresses={"writable": ["far"], "readonly": []})
    assert read_facts(named, looked_for("far", USDC)).chain.base_change == 1
    assert read_facts(answer(**balances), looked_for("far", USDC)).chain.base_change == 1


def test_token_balances_that_are_not_told_are_not_taken_for_zero() -> None:
    assert read_facts(answer(), looked_for("ata", USDC)).chain.base_change is None


def test_what_a_swap_bought_is_summed_over_the_wallets_accounts() -> None:
    found = answer(
        preTokenBalances=[token(1, USDC, 7), token(2, USDC, 100, "pool")],
        postTokenBalances=[token(1, USDC, 7), token(3, USDC, 30), token(2, USDC, 70, "pool")],
    )
    assert read_facts(found, looked_for(held_mint=USDC)).chain.held_change == 30


def test_failure_has_its_name_and_costs_the_fee_only() -> None:
    said: list[Any] = []

    def explain(error: Any, logs: Any, programs: Any) -> str:
        said.extend([error, logs, programs])
        return "slippage"

    err = {"InstructionError": [0, {"Custom": 6001}]}
    found = answer(
        err=err, preBalances=[100_000, 0, 70, 1], postBalances=[95_000, 0, 70, 1], logMessages=["x"]
    )
    facts = read_facts(found, looked_for("ata", USDC), explain)
    assert (facts.error, said) == ("slippage", [err, ["x"], ["program"]])
    chain = facts.chain
    assert (chain.fee_lamports, chain.tip_lamports, chain.rent_lamports, chain.base_change) == (
        5_000,
        0,
        0,
        0,
    )


def test_tip_to_an_account_that_is_not_known_is_what_was_signed() -> None:
    found = answer()
    found["transaction"]["message"]["accountKeys"][2] = "new-tip-account"
    assert read_facts(found, looked_for()).chain.tip_lamports == 10_000


@pytest.mark.parametrize(
    "spoil",
    [
        lambda found: found["transaction"]["signatures"].__setitem__(0, "other"),
        lambda found: found["transaction"]["message"]["accountKeys"].__setitem__(0, "other"),
        lambda found: found["meta"].__setitem__("preBalances", [1]),
        lambda found: found["meta"].__setitem__("fee", -1),
        lambda found: found["meta"].__setitem__("fee", True),
        lambda found: found["meta"].__setitem__("postBalances", ["1", 2, 3, 4]),
        lambda found: found["meta"].pop("err"),
        lambda found: found.pop("meta"),
        lambda found: found.__setitem__("meta", None),
        lambda found: found.__setitem__("slot", 2**64),
    ],
)
def test_answer_that_is_no_such_transaction_is_refused(spoil: Any) -> None:
    found = answer()
    spoil(found)
    with pytest.raises(ValueError, match=r"instead|no transaction|another|not in it|balances of"):
        read_facts(found, looked_for())


@pytest.mark.parametrize("nothing", [None, [], "x", 7, {}])
def test_what_is_no_transaction_is_refused(nothing: Any) -> None:
    with pytest.raises(ValueError, match="no transaction with balances"):
        read_facts(nothing, looked_for())


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ("BlockhashNotFound", "blockhash_not_found"),
        ({"InstructionError": [2, {"Custom": 6001}]}, "custom_0x1771"),
        ({"InstructionError": [2, "ProgramFailedToComplete"]}, "program_failed_to_complete"),
        ({"InstructionError": [2, {"BorshIoError": "x"}]}, "borsh_io_error"),
        ({"InsufficientFundsForRent": {"account_index": 1}}, "insufficient_funds_for_rent"),
        ({"InstructionError": 7}, "instruction_error"),
        (7, "unknown_error"),
        ("\x1b[31m", "31m"),
        ("%%", "unknown"),
    ],
)
def test_name_of_an_error_is_short_and_plain(error: Any, name: str) -> None:
    assert plain_error_name(error) == name
