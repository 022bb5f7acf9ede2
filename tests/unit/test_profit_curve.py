"""Profit curves and their pictures."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from phantom_arbiter.config import USDC, WSOL
from phantom_arbiter.cycles import Fees, FoundCycle, Query, survey
from phantom_arbiter.draw_curve import draw_to_file, draw_to_text
from phantom_arbiter.errors import MissingExtraError
from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook, MintInfo
from phantom_arbiter.profit_curve import Curve, profit_curve
from phantom_arbiter.sources.snapshot import read_snapshot
from phantom_core import Market

SNAPSHOT = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
BOOK = MintBook(WELL_KNOWN_MINTS)


@pytest.fixture(scope="module")
def market() -> Market:
    market = Market(assume_plain_mints=True, complete=True)
    for account in read_snapshot(SNAPSHOT):
        assert account.owner is not None
        assert account.data is not None
        market.apply(account.pubkey, account.owner, account.data)
    return market


@pytest.fixture(scope="module")
def paying(market: Market) -> tuple[FoundCycle, ...]:
    return survey(market, Query(3, Fees(5_000, 20_000, 10_000), preferred=(USDC, WSOL))).paying


@pytest.fixture(scope="module")
def curves(market: Market, paying: tuple[FoundCycle, ...]) -> list[Curve]:
    return [profit_curve(market, one, one.sized) for one in paying if one.sized is not None]


def test_curve_is_exact_and_peaks_at_the_optimum(
    market: Market, paying: tuple[FoundCycle, ...], curves: list[Curve]
) -> None:
    assert len(curves) == len(paying)
    for one, curve in zip(paying, curves, strict=True):
        assert market.cycle_profits(one.cycle, list(curve.amounts_in)) == list(curve.profits)
        assert list(curve.amounts_in) == sorted(set(curve.amounts_in))
        assert curve.optimum in zip(curve.amounts_in, curve.profits, strict=True)
        assert max(curve.profits) == curve.optimum[1]


def test_profit_turns_to_loss_at_break_even(
    market: Market, paying: tuple[FoundCycle, ...], curves: list[Curve]
) -> None:
    with_break_even = 0
    for one, curve in zip(paying, curves, strict=True):
        if curve.break_even is None:
            last = curve.amounts_in[-1]
            assert market.cycle_profits(one.cycle, [last + 1]) == [None], "a hop takes no more"
            continue
        with_break_even += 1
        here, beyond = market.cycle_profits(one.cycle, [curve.break_even, curve.break_even + 1])
        assert here is not None
        assert beyond is not None
        assert here >= 0 > beyond
        assert curve.optimum[0] <= curve.break_even
    assert 0 < with_break_even < len(curves), "both kinds are there"


def test_inputs_are_spaced_by_ratio_where_the_optimum_is_close_to_nothing(curves: list[Curve]) -> None:
    kinds = {curve.is_logarithmic for curve in curves}
    assert False in kinds
    for curve in curves:
        assert curve.is_logarithmic == (curve.amounts_in[-1] > 20 * curve.optimum[0])


def test_picture_files_are_what_their_names_say(curves: list[Curve], tmp_path: Path) -> None:
    broke_even = next(curve for curve in curves if curve.break_even is not None)
    ended = next(curve for curve in curves if curve.break_even is None)
    draw_to_file(broke_even, "$A → 鲸 → $A", BOOK, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    draw_to_file(ended, "$A → 鲸 → $A", BOOK, tmp_path / "curve.svg")
    root = ElementTree.parse(tmp_path / "curve.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def logarithmic(curve: Curve) -> Curve:
    """A curve as steep as they come: nearly all of the profit for the first unit."""
    amounts = tuple(1 << step for step in range(21))
    profits = tuple(900_000 - amount for amount in amounts)
    return Curve(curve.mint, amounts, profits, (1, 899_999), 900_000, curve.cost, is_logarithmic=True)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_terminal_picture_fits_and_marks_optimum_and_end(curves: list[Curve], width: int) -> None:
    for curve in (*curves[:20], logarithmic(curves[0])):
        lines = draw_to_text(curve, BOOK, width)
        assert max(len(line) for line in lines[:-3]) <= width
        text = "\n".join(lines)
        assert text.count("▲") == 2, "on the curve and in the legend"
        assert text.count("●") in (0 if curve.break_even is None else 2, 1 if curve.break_even else 0)


def test_amounts_of_unknown_mints_are_base_units(curves: list[Curve]) -> None:
    text = "\n".join(draw_to_text(curves[0], MintBook(), 80))
    assert f"units of {USDC[:4]}…" in text
    named = "\n".join(draw_to_text(curves[0], MintBook({USDC: MintInfo("usd", 6)}), 80))
    assert f"{curves[0].optimum[0] / 1e6:,.6g} usd" in named


@pytest.mark.parametrize("library", ["matplotlib", "plotille"])
def test_missing_library_says_how_to_install_it(
    library: str, curves: list[Curve], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the import system does with a module that is not there.
    monkeypatch.setitem(sys.modules, library, None)
    draw: dict[str, Callable[[], object]] = {
        "matplotlib": lambda: draw_to_file(curves[0], "", BOOK, tmp_path / "curve.png"),
        "plotille": lambda: draw_to_text(curves[0], BOOK, 80),
    }
    with pytest.raises(MissingExtraError, match=rf"needs {library}.*pip install 'phantom-arbiter\[plot\]'"):
        draw[library]()
