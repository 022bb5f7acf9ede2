"""Methods that read accounts."""

from __future__ import annotations

from typing import Any

from phantom_arbiter.localnet.accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    AccountState,
    Encoding,
    TooLongForBase58,
    rent_exempt_minimum,
)
from phantom_arbiter.localnet.rpc.errors import RpcError, invalid
from phantom_arbiter.localnet.rpc.params import Filter, Params, pubkey, too_long_for_base58
from phantom_arbiter.localnet.rpc.view import Found, View
from phantom_arbiter.localnet.token_balances import amount_json, is_token_account
from phantom_core import Address

MAX_MULTIPLE_ACCOUNTS = 100
_TOKEN_PROGRAMS = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)
_MINT_DECIMALS_AT, _MINT_SUPPLY_AT = 44, 36
_MINT_AT, _OWNER_AT, _AMOUNT_AT = 0, 32, 64


def with_context(slot: int, value: bytes) -> bytes:
    """Return the JSON of a value and the slot at which it held."""
    return b'{"context":{"apiVersion":"3.0.0","slot":%d},"value":%b}' % (slot, value)


def account_json(state: AccountState | None, encoding: Encoding) -> bytes:
    """Return an account in JSON, null for none.

    Raises:
        RpcError: Its data is too long for base58.
    """
    if state is None:
        return b"null"
    try:
        return state.to_json(encoding)
    except TooLongForBase58:
        raise too_long_for_base58() from None


def get_account_info(view: View, params: Params) -> bytes:
    """Answer getAccountInfo."""
    key, config = params.pubkey(0), params.config(1)
    slot = view.slot(config)
    slot, [(_, state)] = view.shown(slot, [(key, view.account(key, slot))])
    return with_context(slot, account_json(state, config.encoding()))


def get_multiple_accounts(view: View, params: Params) -> bytes:
    """Answer getMultipleAccounts."""
    keys, config = params.value(0, list, "addresses"), params.config(1)
    if len(keys) > MAX_MULTIPLE_ACCOUNTS:
        raise RpcError(-32602, f"Too many inputs provided; max {MAX_MULTIPLE_ACCOUNTS}")
    checked = [pubkey(key) for key in keys]
    slot = view.slot(config)
    # Unlike the others, this method's encoding is base64 unless told otherwise (rpc.rs).
    encoding = config.encoding("base64")
    slot, found = view.shown(slot, [(key, view.account(key, slot)) for key in checked])
    return with_context(slot, b"[%b]" % b",".join(account_json(state, encoding) for _, state in found))


def get_program_accounts(view: View, params: Params) -> bytes:
    """Answer getProgramAccounts, in the order of creation; `sortResults` sorts by address."""
    program, config = params.pubkey(0), params.config(1)
    filters, encoding = config.filters(), config.encoding()
    slot = view.slot(config)
    has_context = config.get("withContext", bool, False)
    found: Found = [item for item in view.bank.accounts.owned_by(program, slot) if fits(item[1], filters)]
    if config.get("sortResults", bool, True):
        found.sort(key=lambda item: bytes(Address(item[0])))
    slot, found = view.shown(slot, found, tells_slot=has_context)
    value = _keyed(found, encoding)
    return with_context(slot, value) if has_context else value


def fits(state: AccountState, filters: list[Filter]) -> bool:
    """Return whether an account fulfils all conditions."""
    return all(each.fits(state) for each in filters)


def get_balance(view: View, params: Params) -> bytes:
    """Answer getBalance."""
    key, config = params.pubkey(0), params.config(1)
    slot = view.slot(config)
    state = view.account(key, slot)
    return with_context(slot, b"%d" % (0 if state is None else state.lamports))


def get_minimum_balance(view: View, params: Params) -> Any:
    """Answer getMinimumBalanceForRentExemption."""
    length = params.value(0, int, "a length")
    if length < 0:
        raise invalid(f"a length of {length}")
    return rent_exempt_minimum(length)


def get_token_account_balance(view: View, params: Params) -> dict[str, Any]:
    """Answer getTokenAccountBalance."""
    key, config = params.pubkey(0), params.config(1)
    slot = view.slot(config)
    state = view.account(key, slot)
    if state is None:
        raise invalid("could not find account")
    if not is_token_account(state):
        raise invalid("not a Token account")
    mint = view.account(_text(state, _MINT_AT), slot)
    if mint is None or len(mint.data) <= _MINT_DECIMALS_AT:
        raise invalid("could not find mint")
    return {"context": {"slot": slot}, "value": amount_json(_amount(state), mint.data[_MINT_DECIMALS_AT])}


def get_token_supply(view: View, params: Params) -> dict[str, Any]:
    """Answer getTokenSupply."""
    key, config = params.pubkey(0), params.config(1)
    slot = view.slot(config)
    mint = view.account(key, slot)
    if mint is None or mint.owner not in _TOKEN_PROGRAMS or len(mint.data) <= _MINT_DECIMALS_AT:
        raise invalid("not a Token mint")
    supply = int.from_bytes(mint.data[_MINT_SUPPLY_AT : _MINT_SUPPLY_AT + 8], "little")
    return {"context": {"slot": slot}, "value": amount_json(supply, mint.data[_MINT_DECIMALS_AT])}


def get_token_accounts_by_owner(view: View, params: Params) -> bytes:
    """Answer getTokenAccountsByOwner: by mint or by token program."""
    owner, which, config = params.pubkey(0), params.config(1), params.config(2)
    slot = view.slot(config)
    mint, program = which.get("mint", str), which.get("programId", str)
    if (mint is None) == (program is None):
        raise invalid("expected either mint or programId")
    programs = _TOKEN_PROGRAMS if program is None else (pubkey(program),)
    if programs[0] not in _TOKEN_PROGRAMS:
        raise invalid("unrecognized Token program id")
    owner_bytes = bytes(Address(owner))
    mint_bytes = None if mint is None else bytes(Address(pubkey(mint)))
    found: Found = [
        (key, state)
        for each in programs
        for key, state in view.bank.accounts.owned_by(each, slot)
        if is_token_account(state)
        and state.data[_OWNER_AT : _OWNER_AT + 32] == owner_bytes
        and (mint_bytes is None or state.data.startswith(mint_bytes))
    ]
    slot, found = view.shown(slot, found)
    return with_context(slot, _keyed(found, config.encoding()))


def _keyed(found: Found, encoding: Encoding) -> bytes:
    items = (
        b'{"pubkey":"%b","account":%b}' % (key.encode(), account_json(state, encoding))
        for key, state in found
    )
    return b"[%b]" % b",".join(items)


def _text(state: AccountState, at: int) -> str:
    return str(Address(state.data[at : at + 32]))


def _amount(state: AccountState) -> int:
    return int.from_bytes(state.data[_AMOUNT_AT : _AMOUNT_AT + 8], "little")


METHODS = {
    "getAccountInfo": get_account_info,
    "getMultipleAccounts": get_multiple_accounts,
    "getProgramAccounts": get_program_accounts,
    "getBalance": get_balance,
    "getMinimumBalanceForRentExemption": get_minimum_balance,
    "getTokenAccountBalance": get_token_account_balance,
    "getTokenSupply": get_token_supply,
    "getTokenAccountsByOwner": get_token_accounts_by_owner,
}
