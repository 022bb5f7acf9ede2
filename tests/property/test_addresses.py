"""Derived addresses against those of `solders`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from phantom_core import (
    AddressBook,
    InvalidInput,
    find_program_address,
    find_program_addresses,
    token_account_seeds,
)

keys = st.binary(min_size=32, max_size=32)
seeds = st.lists(st.binary(max_size=32), max_size=15)


@given(seeds, keys)
def test_address_and_bump_equal_those_of_solders(seeds: list[bytes], program: bytes) -> None:
    address, bump = Pubkey.find_program_address(seeds, Pubkey.from_bytes(program))
    assert find_program_address(seeds, program) == (str(address), bump)


@given(st.lists(seeds, max_size=5), keys)
def test_many_addresses_equal_one_by_one(many: list[list[bytes]], program: bytes) -> None:
    assert find_program_addresses(many, program) == [find_program_address(one, program) for one in many]


@given(st.lists(st.tuples(seeds, keys), max_size=5))
def test_book_gives_what_derivation_gives_and_keeps_it(entries: list[tuple[list[bytes], bytes]]) -> None:
    book, later = AddressBook(), AddressBook()
    wanted = [(*seeds, program) for seeds, program in entries]
    book.prefetch(wanted)
    assert set(book) == set(wanted)
    for key in wanted:
        address, _ = find_program_address(list(key[:-1]), key[-1])
        assert book[key] == later[key] == address
        assert later[key] is later[key]


@given(keys, keys)
def test_token_account_equals_that_of_solders(owner: bytes, mint: bytes) -> None:
    program = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
    expected = get_associated_token_address(
        Pubkey.from_bytes(owner), Pubkey.from_bytes(mint), Pubkey.from_string(program)
    )
    book = AddressBook()
    book.prefetch_token_accounts(owner, [(mint, program)])
    assert book == {token_account_seeds(owner, mint, program): str(expected)}
    assert book.token_account(str(Pubkey.from_bytes(owner)), mint, program) == str(expected)


def test_bad_seeds_are_refused_with_their_place() -> None:
    with pytest.raises(InvalidInput, match="seed 0 has 33 bytes"):
        AddressBook()[bytes(33), bytes(32)]
    with pytest.raises(InvalidInput, match=r"seeds\[1\]: 16 seeds"):
        find_program_addresses([[], [b""] * 16], bytes(32))
    with pytest.raises(InvalidInput):
        AddressBook()[()]
