"""`decode_account`, its generated classes, and addresses in the forms users have them."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import sys
import typing

import pytest
from solders.account import Account as SoldersAccount
from solders.pubkey import Pubkey

import phantom_core
from make_account_types import TARGET, generated
from phantom_core import (
    Address,
    InvalidInput,
    MarketDataError,
    accounts,
    decode_account,
    find_program_address,
)
from phantom_core._native import account_layouts
from vector_states import FILES, is_quoted
from vector_states import accounts as vector_accounts

SOL = "So11111111111111111111111111111111111111112"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
SYSVAR = "Sysvar1111111111111111111111111111111111111"


def test_generated_classes_are_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == generated(), "run tools/make_account_types.py"


def fits(value: object, hint: typing.Any) -> bool:
    """Return whether a value is of an annotated type."""
    options = typing.get_args(hint) if not isinstance(hint, type) else ()
    if typing.get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(fits(item, options[0]) for item in value)
    if options:
        return any(fits(value, option) for option in options)
    return type(value) is hint


@pytest.mark.parametrize("file", [file for file in FILES if is_quoted(file)])
def test_every_vector_account_decodes_to_values_of_the_declared_types(file: str) -> None:
    kinds = set()
    for owner, data in vector_accounts(file):
        if not data:
            continue
        decoded = decode_account(owner, data)
        check_fields(decoded)
        kinds.add(decoded.kind)
        assert repr(decoded).startswith(type(decoded).__name__ + "(")
        assert decoded == decode_account(owner, data)
    assert len(kinds) >= 2, kinds


def check_fields(decoded: object) -> None:
    hints = typing.get_type_hints(type(decoded))
    for field in dataclasses.fields(decoded):  # type: ignore[arg-type]
        value = getattr(decoded, field.name)
        assert fits(value, hints[field.name]), (type(decoded), field.name, value, hints[field.name])
        for part in value if isinstance(value, tuple) else [value]:
            if dataclasses.is_dataclass(part):
                check_fields(part)


def test_mint_fields_are_those_of_the_bytes() -> None:
    data = bytes(36) + (7_000).to_bytes(8, "little") + bytes([6, 1]) + bytes(36)
    mint = decode_account(TOKEN, data)
    assert isinstance(mint, accounts.SplMint)
    assert (mint.supply, mint.decimals, mint.freeze_authority) == (7_000, 6, None)
    assert (mint.venue, mint.kind) == (None, "Mint")
    with pytest.raises(dataclasses.FrozenInstanceError):
        mint.supply = 1  # type: ignore[misc]


def test_type_that_no_quote_needs_keeps_its_bytes() -> None:
    (layout,) = [one for one in account_layouts() if one.class_name == "OrcaWhirlpoolPosition"]
    assert layout.discriminator is not None
    data = bytes.fromhex(layout.discriminator) + b"rest"
    decoded = decode_account(layout.programs[0], data)
    assert isinstance(decoded, accounts.OrcaWhirlpoolPosition)
    assert (decoded.data, repr(decoded)) == (data, "OrcaWhirlpoolPosition(12 bytes)")


def test_account_of_solders_is_taken_whole() -> None:
    account = SoldersAccount(1, bytes(40), Pubkey.from_string(SYSVAR))
    clock = decode_account(account)
    assert isinstance(clock, accounts.SysvarClock)
    assert (clock.slot, clock.epoch, clock.unix_timestamp) == (0, 0, 0)
    assert decode_account((SYSVAR, bytearray(40))) == clock
    assert decode_account(bytes(Pubkey.from_string(SYSVAR)), memoryview(bytes(40))) == clock


@pytest.mark.parametrize(
    ("owner", "data", "reason"),
    [
        (SOL, b"", "wrong_owner"),
        (TOKEN, b"", "wrong_length"),
        (TOKEN, bytes(100), "wrong_length"),
        (TOKEN, bytes(82), "impossible_field"),
        (SYSVAR, bytes(39), "unknown_discriminator"),
        ("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc", bytes(653), "unknown_discriminator"),
        ("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc", b"", "unknown_discriminator"),
    ],
)
def test_bytes_that_are_no_account_are_refused_with_a_reason(owner: str, data: bytes, reason: str) -> None:
    with pytest.raises(MarketDataError) as caught:
        decode_account(owner, data)
    assert (caught.value.reason, caught.value.values) == (reason, {})


@pytest.mark.parametrize(
    "arguments", [(SYSVAR, 7), (7, b""), ("x", b""), (b"short", b""), (None,), ((SYSVAR,),), (object(),)]
)
def test_arguments_that_are_no_account_are_named(arguments: tuple[typing.Any, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"^(owner|data|account)"):
        decode_account(*arguments)


def test_address_is_text_that_knows_its_bytes() -> None:
    key = Pubkey.from_string(SOL)
    for given in (SOL, key, bytes(key), bytearray(bytes(key)), Address(SOL)):
        address = Address(given)
        assert address == SOL
        assert hash(address) == hash(SOL)
        assert bytes(address) == bytes(key)
        assert address.to_solders() == key
    assert repr(address) == f"Address('{SOL}')"
    assert f"{address}" == str(address) == SOL
    assert json.dumps(address) == f'"{SOL}"'
    for same in (pickle.loads(pickle.dumps(address)), copy.deepcopy(address)):
        assert type(same) is Address
        assert same == address


@pytest.mark.parametrize("given", ["", "0" * 44, SOL[:-1], b"", bytes(31), bytes(33), 5, None])
def test_what_is_no_address_is_refused(given: typing.Any) -> None:
    with pytest.raises(InvalidInput, match="address"):
        Address(given)


def test_address_without_solders_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "solders.pubkey", None)
    with pytest.raises(ImportError, match="pip install solders"):
        Address(SOL).to_solders()


def test_solders_keys_are_taken_where_addresses_are() -> None:
    program = Pubkey.from_string(TOKEN)
    assert find_program_address([b"seed"], program) == find_program_address([b"seed"], TOKEN)
    market = phantom_core.Market()
    assert market.apply(Pubkey.from_string(SOL), SoldersAccount(1, bytes(9), Pubkey.default())) == "ignored"
