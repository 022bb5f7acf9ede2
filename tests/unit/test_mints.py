from decimal import Decimal

import pytest

from phantom_arbiter.mints import MintBook, MintInfo, mint_book, short
from shell_fakes import MSOL, USDC, WSOL

BOOK = MintBook({USDC: MintInfo("USDC", 6), WSOL: MintInfo("wSOL", 9)})


def test_amounts_are_shown_exactly_in_whole_tokens() -> None:
    assert BOOK.amount_ui(USDC, 1_234_567_891) == Decimal("1234.567891")
    assert BOOK.amount(USDC, 1_234_567_891) == "1,234.567891 USDC"
    assert BOOK.amount(WSOL, -1) == "-0.000000001 wSOL"
    assert BOOK.amount(WSOL, 2**64 - 1) == "18,446,744,073.709551615 wSOL"
    assert BOOK.amount(USDC, 1_234_567_891, places=2) == "1,234.57 USDC"


def test_unknown_mint_is_shown_shortened_in_base_units() -> None:
    assert BOOK.amount(MSOL, 1_500) == "1,500 units of mSoL…m7So"
    assert BOOK.amount_ui(MSOL, 1_500) is None
    assert BOOK.symbol(MSOL) == "mSoL…m7So"


def test_short_names_stay_whole() -> None:
    assert short("abcdefghijk") == "abcdefghijk"
    assert short("abcdefghijkl") == "abcd…ijkl"


@pytest.mark.parametrize(
    "entry",
    [
        None,
        5,
        {},
        {"symbol": "X"},
        {"symbol": 5, "decimals": 1},
        {"symbol": "X", "decimals": "6"},
        {"symbol": "X", "decimals": 256},
        {"symbol": "X", "decimals": True},
        {"symbol": "\x1b[31m", "decimals": 1},
        {"symbol": "", "decimals": 1},
    ],
)
def test_unfit_metadata_is_left_out(entry: object) -> None:
    book = mint_book({MSOL: entry, USDC: {"symbol": "USDC", "decimals": 6}})
    assert dict(book.mints) == {USDC: MintInfo("USDC", 6)}


def test_metadata_that_is_no_table_gives_an_empty_book() -> None:
    assert mint_book([1, 2]) == MintBook()
