"""Token accounts: plans, rent, sizes as the programs make them, and sweeping in a virtual machine."""

from __future__ import annotations

import asyncio

import pytest

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.execution import sweep
from phantom_arbiter.execution.admin import Operator
from phantom_arbiter.execution.chain import TOKEN_2022_PROGRAM, TOKEN_PROGRAM, ChainAccount, read_accounts
from phantom_arbiter.execution.token_accounts import RentLedger, TokenAccounts, account_bytes
from phantom_core import associated_token_account, create_token_account
from shell_fakes import WSOL
from svm_chain import WALLET, SvmChain, signer
from wallet_samples import RENT, key, mint_data, token_data


def operator(chain: SvmChain) -> Operator:
    return Operator(chain, signer(), sleep=chain.sleep)


def with_mints(chain: SvmChain, *numbers: int) -> list[str]:
    for number in numbers:
        chain.put(key(number), TOKEN_PROGRAM, mint_data(), 10**9)
    return [key(number) for number in numbers]


# ---- sizes


@pytest.mark.parametrize("kinds", [(), (1,), (9,), (14,), (26,), (3,), (12,), (18,), (1, 14), (1, 9, 18, 26)])
def test_sizes_are_those_that_token_2022_makes(kinds: tuple[int, ...]) -> None:
    chain = SvmChain()
    mint = key(50)
    chain.put(mint, TOKEN_2022_PROGRAM, mint_data(*kinds), 10**9)
    desk = operator(chain)
    asyncio.run(desk.carry_out([create_token_account(WALLET, WALLET, mint, TOKEN_2022_PROGRAM)], "creating"))
    address = associated_token_account(WALLET, mint, TOKEN_2022_PROGRAM)
    found = asyncio.run(read_accounts(chain, [address, mint]))
    made, mint_account = found[address], found[mint]
    assert made is not None
    assert mint_account is not None
    assert account_bytes(mint_account) == len(made.data)
    accounts = TokenAccounts(WALLET)
    asyncio.run(accounts.refresh(chain, [mint]))
    facts = accounts.facts(mint)
    assert facts is not None
    assert facts.rent_lamports == made.lamports == (128 + len(made.data)) * 6_960
    assert accounts.exists(mint)


@pytest.mark.parametrize(
    ("owner", "data"),
    [
        (TOKEN_PROGRAM, b""),
        (TOKEN_PROGRAM, bytes(82)),
        (TOKEN_PROGRAM, token_data(key(1), 5)),
        (TOKEN_2022_PROGRAM, bytes(82)),
        (TOKEN_2022_PROGRAM, token_data(key(1), 5) + b"\2"),
        (TOKEN_2022_PROGRAM, mint_data(1)[:-1]),
        (WALLET, mint_data()),
    ],
)
def test_what_is_no_mint_has_no_size(owner: str, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no mint|belongs to|cut off"):
        account_bytes(ChainAccount(key(1), owner, 5, data, 1))


# ---- plans


def test_a_plan_creates_what_is_missing_until_it_is_there() -> None:
    chain = SvmChain()
    one, two = with_mints(chain, 1, 2)
    accounts = TokenAccounts(WALLET)
    assert accounts.plan([one]).obstacle == "unknown_mint"
    asyncio.run(accounts.refresh(chain, [one, two, key(99)]))
    assert accounts.plan([one, key(99)]).blocking == (key(99),)
    plan = accounts.plan([one, two, one])
    assert plan.accounts == {
        each: associated_token_account(WALLET, each, TOKEN_PROGRAM) for each in (one, two)
    }
    assert [each.mint for each in plan.creates] == [one, two]
    assert plan.rent_lamports == 2 * RENT
    before = chain.lamports(WALLET)
    made = [create_token_account(WALLET, WALLET, each.mint, each.program) for each in plan.creates]
    asyncio.run(operator(chain).carry_out(made, "creating"))
    assert before - chain.lamports(WALLET) == plan.rent_lamports + 5_000
    assert accounts.plan([one]).creates, "nothing counts before it is told"
    accounts.landed((each.address, each.rent_lamports) for each in plan.creates)
    assert accounts.plan([one, two]).creates == ()
    assert accounts.ledger.outstanding_lamports == 2 * RENT
    fresh = TokenAccounts(WALLET)
    asyncio.run(fresh.refresh(chain, [one, two]))
    assert fresh.plan([one, two]).creates == ()
    again = TokenAccounts(WALLET)
    asyncio.run(again.refresh(SvmChain(), []))
    asyncio.run(again.refresh(chain, [one, two]))
    again.learned(plan.accounts[one], is_there=False)
    again.landed([(plan.accounts[one], RENT)])
    assert again.exists(one)
    assert (again.ledger.outstanding_lamports, len(again.ledger)) == (RENT, 1)
    accounts.learned(plan.accounts[one], is_there=False)
    assert [each.mint for each in accounts.plan([one, two]).creates] == [one]


def test_routes_wait_if_accounts_are_made_ahead_or_are_too_many() -> None:
    chain = SvmChain()
    mints = with_mints(chain, 1, 2, 3, 4, 5)
    ahead, bounded = TokenAccounts(WALLET, policy="ahead"), TokenAccounts(WALLET)
    for accounts in (ahead, bounded):
        asyncio.run(accounts.refresh(chain, mints))
    assert (ahead.plan(mints[:1]).obstacle, ahead.plan(mints[:1]).creates) == ("token_account_missing", ())
    assert bounded.plan(mints).obstacle == "too_many_token_accounts"
    assert bounded.plan(mints[:4]).obstacle is None


def test_an_account_of_ones_own_choice_is_taken_or_refused() -> None:
    chain = SvmChain()
    (mint,) = with_mints(chain, 1)
    chain.put(key(70), TOKEN_PROGRAM, token_data(mint, 5), RENT)
    accounts = TokenAccounts(WALLET, {mint: key(70)})
    asyncio.run(accounts.refresh(chain, [mint]))
    assert accounts.plan([mint]).accounts == {mint: key(70)}
    assert accounts.plan([mint]).creates == ()
    for wrong in (
        token_data(mint, 5, owner=key(9)),
        token_data(key(2), 5),
        token_data(mint, 5, state=2),
        b"",
    ):
        chain.put(key(70), TOKEN_PROGRAM, wrong, RENT)
        with pytest.raises(ConfigError, match=f"{key(70)} is no account of {WALLET}"):
            asyncio.run(TokenAccounts(WALLET, {mint: key(70)}).refresh(chain, [mint]))


def test_the_ledger_books_each_account_once() -> None:
    ledger = RentLedger()
    for address, lamports in ((key(1), 100), (key(1), 100), (key(2), 50)):
        ledger.paid(address, lamports)
    assert (ledger.outstanding_lamports, len(ledger)) == (150, 2)


# ---- sweeping


def test_empty_accounts_and_dust_are_closed_and_the_rent_comes_back() -> None:
    chain = SvmChain()
    mints = with_mints(chain, *range(1, 21))
    for number, mint in enumerate(mints):
        amount = (0, 7, 10**6)[0 if number < 14 else 1 if number < 18 else 2]
        chain.put(key(100 + number), TOKEN_PROGRAM, token_data(mint, amount), RENT)
    desk = operator(chain)
    found = asyncio.run(sweep.holdings(desk, max_dust=10, keep={mints[0]}))
    kinds = [each.kind for each in found]
    assert (kinds.count("empty"), kinds.count("dust"), kinds.count("kept"), kinds.count("held")) == (
        13,
        4,
        1,
        2,
    )
    assert kinds == sorted(kinds, key=["empty", "dust", "kept", "held"].index)
    chosen = [each for each in found if each.kind in ("empty", "dust")]
    filled = chosen[0]
    chain.put(filled.address, TOKEN_PROGRAM, token_data(filled.mint, 9), RENT)
    before = chain.lamports(WALLET)
    back = asyncio.run(sweep.sweep(desk, chosen))
    assert back == 16 * RENT
    assert chain.lamports(WALLET) == before + back - 5_000 * len(chain.statuses)
    assert len(chain.statuses) == 3
    assert chain.exists(filled.address), "it has filled since"
    assert [each.kind for each in asyncio.run(sweep.holdings(desk, max_dust=0, keep={mints[0]}))] == [
        "kept",
        "held",
        "held",
        "held",
    ]


def test_wrapped_sol_with_a_balance_is_never_dust() -> None:
    account = ChainAccount(key(1), TOKEN_PROGRAM, RENT + 1, token_data(WSOL, 1), 1)
    found = sweep.judge(account, WALLET, max_dust=10**9, keep=())
    assert found is not None
    assert found.kind == "held"


@pytest.mark.parametrize(
    ("decimals", "kind"), [(None, "held"), (0, "held"), (2, "held"), (3, "dust"), (9, "dust")]
)
def test_dust_of_few_decimals_is_never_burned(decimals: int | None, kind: str) -> None:
    account = ChainAccount(key(1), TOKEN_PROGRAM, RENT, token_data(key(2), 1), 1)
    found = sweep.judge(account, WALLET, max_dust=10, keep=(), decimals=decimals)
    assert found is not None
    assert found.kind == kind
    named = sweep.judge(account, WALLET, max_dust=10, keep={key(1)}, decimals=decimals)
    assert named is not None
    assert named.kind == "kept"


def test_dust_of_a_mint_that_cannot_be_read_is_held() -> None:
    chain = SvmChain()
    chain.put(key(100), TOKEN_PROGRAM, token_data(key(1), 7), RENT)
    [found] = asyncio.run(sweep.holdings(operator(chain), max_dust=10))
    assert found.kind == "held"


@pytest.mark.parametrize(
    ("program", "data", "why"),
    [
        (TOKEN_PROGRAM, token_data(key(1), 0, closer=key(9)), "somebody else"),
        (TOKEN_PROGRAM, token_data(key(1), 3, state=2), "frozen"),
        (TOKEN_2022_PROGRAM, token_data(key(1), 0) + b"\2\2\0\10\0" + b"\1" + bytes(7), "transfer fees"),
        (TOKEN_2022_PROGRAM, token_data(key(1), 0) + b"\2\5\0\2\0\0\0", "confidential"),
        (TOKEN_2022_PROGRAM, token_data(key(1), 0) + b"\2\2\0\10\0\1", "cut off"),
    ],
)
def test_what_cannot_be_closed_says_why(program: str, data: bytes, why: str) -> None:
    found = sweep.judge(ChainAccount(key(1), program, RENT, data, 1), WALLET, max_dust=10, keep=())
    assert found is not None
    assert found.kind == "stuck"
    assert why in found.why


def test_accounts_of_others_are_none_of_the_wallets() -> None:
    for data in (token_data(key(1), 0, owner=key(9)), bytes(165), b""):
        account = ChainAccount(key(1), TOKEN_PROGRAM, RENT, data, 1)
        assert sweep.judge(account, WALLET, max_dust=10, keep=()) is None
