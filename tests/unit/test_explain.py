"""`phantom explain`: the shipped day's cycles, and what is asked wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from phantom_arbiter.cli import build_app
from phantom_arbiter.config import Config, TokenSettings
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.explain import LoadedEngine, cycles_of_pools, explain, load_engine, nearest_cycles
from phantom_arbiter.markets import Request

MSOL = "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"
ORCA = "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE"
MSOL_POOLS = (
    "24WZto6BNjNamZFUPf3nQZZaFpuvBwdqT5B8QQjpNjGb",
    "AiMZS5U3JMvpdvsr1KeaMiS354Z1DeSg5XjA4yYRxtFf",
)


@pytest.fixture(scope="module")
def day() -> LoadedEngine:
    return load_engine(Request("demo"), Config())


def test_nearest_misses_of_the_day_say_what_was_missing(day: LoadedEngine) -> None:
    cycles = nearest_cycles(day.engine, 4)
    assert len({tuple(hops) for hops in cycles}) == len(cycles) > 0
    for told in explain(day, cycles):
        for obstacle in told.obstacles:
            if obstacle.reason == "pool_fees":
                assert told.stage == "cycles"
                assert told.margin_bps is not None
                assert told.margin_bps <= 0 < (told.spot_gain_bps or 0)
                assert obstacle.missing_bps is not None
                assert obstacle.missing_lamports == pytest.approx(obstacle.missing_bps * 1e5, abs=1)


def test_explaining_changes_nothing(day: LoadedEngine) -> None:
    before = (day.engine.state_digest(), day.engine.stats().reasons, day.engine.stats().openings)
    cycles = nearest_cycles(day.engine, 3)
    first = [(told.stage, told.margin_bps) for told in explain(day, cycles)]
    assert [(told.stage, told.margin_bps) for told in explain(day, cycles)] == first
    assert (day.engine.state_digest(), day.engine.stats().reasons, day.engine.stats().openings) == before


def test_open_cycles_come_as_far_as_sizing(day: LoadedEngine) -> None:
    open_cycles = day.engine.open_cycles()
    assert open_cycles
    stages = {told.stage for told in explain(day, open_cycles)}
    assert stages <= {None, "after_fees", "after_sizing", "after_costs"}


def test_the_day_may_be_stopped_at_any_slot(day: LoadedEngine) -> None:
    # The day's best signal, see the summary of the demo: gone by the evening.
    pools = ["24WZ", "AiMZ"]
    early = load_engine(Request("demo", until=128_431_957), Config())
    assert early.engine.stats().slot == 128_431_957
    named = [info.pool for start in pools for info in early.engine.pools() if info.pool.startswith(start)]
    then = explain(early, cycles_of_pools(named, early.engine.pools()))
    now = explain(day, cycles_of_pools(named, day.engine.pools()))
    assert "after_costs" in {told.stage for told in then}
    assert "after_costs" not in {told.stage for told in now}


def test_pools_in_order_give_both_directions_of_a_pair(day: LoadedEngine) -> None:
    hops = next(hops for hops in day.engine.open_cycles() if len(hops) == 2)
    pools = [pool for pool, _ in hops]
    found = cycles_of_pools(pools, day.engine.pools())
    assert hops in found
    assert len(found) == 2
    with pytest.raises(ConfigError, match="is not in the source"):
        cycles_of_pools(["nowhere"], day.engine.pools())
    with pytest.raises(ConfigError, match="earlier hop"):
        explain(day, [[hops[0], (hops[0][0], not hops[0][1])]])


def test_command_gives_a_table_and_json() -> None:
    runner = CliRunner()
    shown = runner.invoke(build_app(), ["explain", "--nearest", "2"])
    assert shown.exit_code == 0, shown.output
    assert "stopped by" in shown.output
    told = json.loads(runner.invoke(build_app(), ["explain", "--nearest", "2", "--json"]).stdout)
    assert told["schema"] == 1
    assert 1 <= len(told["cycles"]) <= 2
    assert all(cycle["obstacles"] or cycle["is_signal"] for cycle in told["cycles"])


@pytest.mark.parametrize("mint", [MSOL, ORCA])
def test_denied_mint_is_named_wherever_its_cycles_stop(mint: str) -> None:
    loaded = load_engine(Request("demo"), Config(tokens=TokenSettings(deny=(mint,))))
    assert loaded.engine.stats().reasons["token_denied"] > 0
    mints = {pool.pool: {pool.mint_a, pool.mint_b} for pool in loaded.engine.pools()}
    (first, second) = [pool for pool, of_pool in mints.items() if mint in of_pool]
    for told in explain(loaded, cycles_of_pools([first, second], loaded.engine.pools())):
        denied = [obstacle.detail for obstacle in told.obstacles if obstacle.reason == "token_denied"]
        assert denied == [f"mint {mint}: deny_list"]
    others = [
        hops for hops in loaded.engine.open_cycles() if not any(mint in mints[pool] for pool, _ in hops)
    ]
    for told in explain(loaded, others):
        assert "token_denied" not in {obstacle.reason for obstacle in told.obstacles}


def test_command_names_the_denied_mint(tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text(f'[tokens]\ndeny = ["{MSOL}"]\n')
    runner = CliRunner()
    words = ["explain", *MSOL_POOLS, "--config", str(settings)]
    shown = runner.invoke(build_app(), words, env={"COLUMNS": "160"})
    assert shown.exit_code == 0, shown.output
    assert "token_denied" in shown.output
    assert "deny_list" in shown.output
    told = json.loads(runner.invoke(build_app(), [*words, "--json"]).stdout)
    for cycle in told["cycles"]:
        assert "token_denied" in [obstacle["reason"] for obstacle in cycle["obstacles"]]
