import textwrap
from pathlib import Path

import pytest

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from phantom_arbiter.strategies.mean_reversion import MeanReversion
from phantom_arbiter.strategies.spatial_arbitrage import SpatialArbitrage
from phantom_arbiter.strategy_loader import BUILT_IN, load_strategy
from shell_fakes import POOL_A, USDC, opportunity


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "mine.py"


HEAD = """
    from __future__ import annotations
    from dataclasses import dataclass
    from typing import ClassVar
    from phantom_arbiter.strategies.base import Passive, atomic_plan
"""


def write(path: Path, body: str) -> None:
    path.write_text(textwrap.dedent(HEAD) + textwrap.dedent(body))


def test_built_in_strategies_go_by_their_names() -> None:
    assert set(BUILT_IN) == {"cyclic_arbitrage", "spatial_arbitrage", "mean_reversion"}
    assert load_strategy("cyclic_arbitrage", {"min_profit": 7}).strategy == CyclicArbitrage(7)
    assert load_strategy("spatial_arbitrage", {}).strategy == SpatialArbitrage()
    settings = {"pool": POOL_A, "base_mint": USDC, "amount_in": 5}
    loaded = load_strategy("mean_reversion", settings)
    assert isinstance(loaded.strategy, MeanReversion)
    assert loaded.strategy.pools == (POOL_A,)
    assert loaded.sha256 is None


def test_class_in_a_file_is_made_with_its_settings(written: Path) -> None:
    write(
        written,
        """
        @dataclass
        class Mine(Passive):
            least: int = 1
            name: ClassVar[str] = "mine"

            def on_opportunity(self, opportunity):
                return atomic_plan(opportunity, strategy=self.name, min_profit=self.least)
        """,
    )
    loaded = load_strategy(f"{written}:Mine", {"least": 2_998_000})
    assert loaded.strategy.on_opportunity(opportunity(1)) is not None
    tight = load_strategy(f"{written}:Mine", {"least": 2_998_001})
    assert tight.strategy.on_opportunity(opportunity(1)) is None
    assert loaded.sha256 == tight.sha256 is not None


def test_class_with_settings_of_its_own_and_one_without_types(written: Path) -> None:
    write(
        written,
        """
        from pydantic import BaseModel, Field

        class Limits(BaseModel):
            least: int = Field(default=1, ge=1)

        class Mine(Passive):
            Settings = Limits
            name = "mine"

            def __init__(self, settings):
                self.least = settings.least

        class Plain(Passive):
            name = "plain"

            def __init__(self, least=1):
                self.least = least
        """,
    )
    assert load_strategy(f"{written}:Mine", {"least": 3}).strategy.least == 3  # type: ignore[attr-defined]
    assert load_strategy(f"{written}:Plain", {"least": 4}).strategy.least == 4  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=r"^strategy\.settings\.least: input should be greater"):
        load_strategy(f"{written}:Mine", {"least": 0})
    with pytest.raises(ConfigError, match=r"its settings do not fit: .*'most'"):
        load_strategy(f"{written}:Plain", {"most": 4})


@pytest.mark.parametrize(
    ("use", "settings", "said"),
    [
        (
            "cyclic_arb",
            {},
            "strategy cyclic_arb: there is no such strategy; hint: did you mean cyclic_arbitrage",
        ),
        ("cyclic_arbitrage", {"min_profit": "x"}, r"strategy\.settings\.min_profit: input should be a valid"),
        ("cyclic_arbitrage", {"min_profit": 0}, "min_profit: 0, must be at least 1 base unit"),
        ("cyclic_arbitrage", {"min_profits": 1}, r"unknown key strategy\.settings\.min_profits .*min_profit"),
        ("spatial_arbitrage", {"min_net_bps": float("nan")}, "min_net_bps: nan, must be 0 to 10000"),
        ("mean_reversion", {}, r"strategy\.settings\.pool: field required"),
        (
            "mean_reversion",
            {"pool": POOL_A, "base_mint": USDC, "amount_in": 1, "entry_bps": 5, "exit_bps": 5},
            "exit_bps: 5, must be less than entry_bps 5",
        ),
    ],
)
def test_wrong_name_or_settings_are_named(use: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_strategy(use, settings)


@pytest.mark.parametrize(
    ("body", "name", "said"),
    [
        (None, "Mine", r"mine\.py cannot be read: No such file"),
        ("class Mine(:\n    pass", "Mine", r"mine\.py:6: invalid syntax"),
        ("\nimport no_such_module_at_all", "Mine", r"mine\.py:7: ModuleNotFoundError: No module named"),
        ("\nx = 1\n\n\n1 / 0", "Mine", r"mine\.py:10: ZeroDivisionError: division by zero"),
        ("class Mina(Passive): ...", "Mine", r"Mine is not there in .*mine\.py; hint: did you mean Mina"),
        ("Mine = 5", "Mine", r"Mine is no class in .*; hint: there is none"),
        (
            "class Mine:\n    name = 'm'\n    pools = ()\n    def on_opportunity(self, opportunity): ...\n",
            "Mine",
            r"Mine has no method on_tick; hint: docs/STRATEGIES\.md",
        ),
        (
            "class Mine(Passive):\n    name = 'm'\n    def on_outcome(self, plan): ...\n",
            "Mine",
            r"Mine\.on_outcome does not take the engine's arguments: too many positional",
        ),
        ("class Mine(Passive): ...", "Mine", "name is None, it is to be a text of 1 to 64"),
        (
            "class Mine(Passive):\n    name = 'm'\n    pools = 'abc'\n",
            "Mine",
            "pools is 'abc', it is to be a",
        ),
        (
            "class Mine(Passive):\n    name = 'm'\n    def __init__(self): raise ValueError('no luck')\n",
            "Mine",
            "strategy .*: no luck",
        ),
    ],
)
def test_file_that_gives_no_strategy_is_named(written: Path, body: str | None, name: str, said: str) -> None:
    if body is not None:
        write(written, body)
    with pytest.raises(ConfigError, match=said):
        load_strategy(f"{written}:{name}", {})
