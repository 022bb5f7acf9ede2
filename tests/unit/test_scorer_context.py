"""What the scorer is told beside a candidate, from the settings' file to the reason of a refusal."""

from __future__ import annotations

import base64
import json
from itertools import islice
from pathlib import Path

import pytest

import shipped_day
from amm_frames import AMM_V4, MINT, SOL, TOKEN, account, heartbeat, key_bytes, vault_data
from phantom_arbiter.config import Config
from phantom_arbiter.config_sources import load
from phantom_arbiter.config_types import share_e4
from phantom_arbiter.errors import ConfigError, MarketDataError, SwapRefused
from phantom_arbiter.native import build_native_engine, opportunity_from_native
from phantom_core import Engine, EngineConfig, Signal, token_flag_bits
from shell_fakes import USDC, WSOL

BEFORE_THE_DAY = 128_400_000
"""A slot shortly before the shipped day."""

SIGNALS = 3
"""Signals of the shipped day that a test goes through."""


def config_of(tmp_path: Path, toml: str) -> Config:
    file = tmp_path / "my.toml"
    file.write_text(toml)
    return load(config_file=file).config


def engine_of(config: Config) -> Engine:
    return build_native_engine(config, assume_plain_mints=True)


def day_of(engine: Engine, number: int = SIGNALS) -> list[Signal]:
    """Bring an engine through the day's first signals; return those that it gives itself."""
    return [
        signal
        for record in shipped_day.up_to_signal(number)
        for signal in shipped_day.feed(engine, record)
        if engine.take(signal)
    ]


def reasons(engine: Engine) -> dict[str, int]:
    return {reason: count for reason, count in engine.stats().reasons.items() if count}


# ---- thresholds


def test_thresholds_are_off_unless_the_settings_say_otherwise() -> None:
    engine = engine_of(Config())
    assert len(day_of(engine)) == SIGNALS
    context = {"too_deep", "too_volatile", "too_contested", "too_few_agree", "token_risk"}
    context |= {"unlikely_to_land", "below_min_expected_value"}
    assert not context & reasons(engine).keys()


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("[scorer]\nmax_depth_bps = 0", "too_deep"),
        ("[scorer]\nmin_landing = 0.5001", "unlikely_to_land"),
        ("[scorer]\nmin_expected_value_lamports = 1000000000000000", "below_min_expected_value"),
        (
            "[scorer]\nmin_expected_value_lamports = 0\n[costs]\nfailure_cost_lamports = 1000000000000000",
            "below_min_expected_value",
        ),
    ],
)
def test_threshold_of_the_file_refuses_by_its_reason(tmp_path: Path, toml: str, reason: str) -> None:
    engine = engine_of(config_of(tmp_path, toml))
    assert day_of(engine) == []
    assert reasons(engine)[reason] > 0


def test_volatility_refuses_once_the_pools_are_warmed_up(tmp_path: Path) -> None:
    engine = engine_of(config_of(tmp_path, "[scorer]\nmax_volatility_bps = 0"))
    [first] = day_of(engine)
    assert first.volatility_bps == 0, "nothing is known a minute into the day"
    assert reasons(engine)["too_volatile"] > 0


def test_thresholds_hold_at_the_bound(tmp_path: Path) -> None:
    found = day_of(engine_of(Config()))
    toml = (
        f"[scorer]\nmax_depth_bps = {max(signal.depth_bps for signal in found)}\n"
        f"max_volatility_bps = {max(signal.volatility_bps for signal in found)}\n"
        "min_landing = 0.5\nmin_agreement = 1\n"
        f"min_expected_value_lamports = {min(signal.expected_value_lamports for signal in found)}\n"
    )
    assert len(day_of(engine_of(config_of(tmp_path, toml)))) == SIGNALS


def test_share_is_converted_exactly_and_has_four_decimals_at_most() -> None:
    shares = {0.0: 0, 0.0001: 1, 0.07: 700, 0.29: 2_900, 0.5801: 5_801, 1.0: 10_000}
    assert [share_e4(share) for share in shares] == list(shares.values())
    for share in (0.00001, 1.0001, -0.1):
        with pytest.raises(ValueError, match="at most four decimals"):
            share_e4(share)
    with pytest.raises(ConfigError, match=r"scorer\.min_landing = 0\.12345 .*at most four decimals"):
        load({"scorer": {"min_landing": 0.12345}})
    with pytest.raises(ConfigError, match=r"scorer\.refused_token_flags"):
        load({"scorer": {"refused_token_flags": ["frozen"]}})


# ---- what is known of mints


def mint_data(*, mint_authority: bool, freeze_authority: bool) -> bytes:
    data = bytearray(82)
    data[44], data[45] = 6, 1
    for offset, there in ((0, mint_authority), (46, freeze_authority)):
        if there:
            data[offset] = 1
            data[offset + 4 : offset + 36] = b"\x07" * 32
    return bytes(data)


def tell_mint(engine: Engine, mint: str, data: bytes) -> None:
    """Answer a question about a mint's account, as if the node had been asked."""
    params = [[mint], {"encoding": "base64"}]
    asked = {"jsonrpc": "2.0", "id": 9_001, "method": "getMultipleAccounts", "params": params}
    engine.connect("mints")
    engine.request("mints", json.dumps(asked).encode())
    told = {"context": {"slot": BEFORE_THE_DAY}, "value": [account(TOKEN, data)]}
    engine.ingest("mints", json.dumps({"jsonrpc": "2.0", "id": 9_001, "result": told}).encode())


@pytest.mark.parametrize(
    ("refused", "allow", "expected"),
    [
        (["freeze_authority"], [], "token_risk"),
        (["mint_authority", "transfer_fee"], [], None),
        (["freeze_authority"], [USDC], None),
    ],
)
def test_flags_of_mints_refuse_unless_the_allow_list_names_the_mint(
    tmp_path: Path, refused: list[str], allow: list[str], expected: str | None
) -> None:
    toml = f"[scorer]\nrefused_token_flags = {json.dumps(refused)}\n[tokens]\nallow = {json.dumps(allow)}\n"
    engine = engine_of(config_of(tmp_path, toml))
    tell_mint(engine, USDC, mint_data(mint_authority=False, freeze_authority=True))
    found = day_of(engine)
    if expected is None:
        assert len(found) == SIGNALS
        assert {signal.token_flags for signal in found} == {() if allow else ("freeze_authority",)}
    else:
        assert found == []
        assert reasons(engine)[expected] > 0
        pools = next(iter(engine.open_cycles()))
        detail = {one.reason: one.detail for one in engine.explain(pools).obstacles}
        assert detail["token_risk"] == "a mint of the route has freeze_authority"


def test_mint_never_seen_has_no_flags(tmp_path: Path) -> None:
    every = json.dumps(list(token_flag_bits()))
    config = config_of(tmp_path, f"[scorer]\nrefused_token_flags = {every}\n[tokens]\nallow = []\n")
    assert len(day_of(engine_of(config))) == SIGNALS


# ---- competition


def test_cycle_that_was_gone_before_is_too_contested(tmp_path: Path) -> None:
    engine = engine_of(config_of(tmp_path, "[scorer]\nmax_competition = 0.1999\n"))
    late: list[Signal] = []
    lost = 0
    for record in islice(shipped_day.records(), 9_000):
        found = shipped_day.feed(engine, record)
        assert all(signal.competition_e4 <= 1_999 for signal in found)
        for signal in late if found else ():
            # Whoever comes after the next signal finds other amounts, or the cycle closed.
            try:
                engine.take(signal)
            except (SwapRefused, MarketDataError):
                lost += 1
        late = found or late
    assert lost > 0
    assert reasons(engine)["too_contested"] > 0


# ---- agreement: two pools of one pair, two providers

POOLS = ("8sLbNZoA1cfnvMJLPfp98ZLAnFSYCFApfJKMbiXNLwxj", "58oQChx4yWmvKdwLLZzBi4ChoCc2fqCUWBkwMihLYQo2")
VAULTS = {
    POOLS[0]: (
        "9wFFyRfZBsuAha4YcuxcXLKwMxJR43S7fPfQLusDBzvT",
        "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN",
    ),
    POOLS[1]: (
        "DQyrAcCrDXQ7NeoqGgDCZwBvWDcYmFCjSb9JtteuvPpz",
        "HLmqeL62xR1QoZ1HKKbXRrdN1p3phKpxRMb2VVopvBBz",
    ),
}


def pool_data(pool: str) -> bytes:
    data = bytearray(752)
    for offset, value in {0: 6, 176: 25, 184: 10_000}.items():
        data[offset : offset + 8] = value.to_bytes(8, "little")
    for offset, address in {336: VAULTS[pool][0], 368: VAULTS[pool][1], 400: SOL, 432: MINT}.items():
        data[offset : offset + 32] = key_bytes(address)
    return bytes(data)


def rpc(engine: Engine, number: int, method: str, params: list[object], result: object) -> None:
    """Ask something over connection a/0 and answer it."""
    asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    engine.request("a/0", json.dumps(asked).encode())
    engine.ingest("a/0", json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode())


def notify(engine: Engine, connection: str, subscription: int, slot: int, data: bytes) -> list[Signal]:
    value = {
        "lamports": 1,
        "data": [base64.b64encode(data).decode(), "base64"],
        "owner": TOKEN,
        "executable": False,
        "rentEpoch": 0,
    }
    params = {"result": {"context": {"slot": slot}, "value": value}, "subscription": subscription}
    frame = {"jsonrpc": "2.0", "method": "accountNotification", "params": params}
    return engine.ingest(connection, json.dumps(frame).encode())


def two_providers(min_agreement_e4: int) -> list[Signal]:
    """Return the signals of a price gap that a tells, while b is connected but subscribes to nothing."""
    engine = Engine(
        EngineConfig(
            base_mints={SOL: 10**9},
            assume_plain_mints=True,
            min_agreement_e4=min_agreement_e4,
            hold_torn_pools=False,
        )
    )
    accounts = [address for pool in POOLS for address in (pool, *VAULTS[pool])]
    for connection in ("a/0", "b/0"):
        engine.connect(connection)
    for number, address in enumerate(accounts, start=10):
        rpc(engine, number, "accountSubscribe", [address, {"encoding": "base64"}], number)
    for connection in ("a/0", "b/0"):
        engine.ingest(connection, heartbeat(100))
    states = [
        state
        for pool in POOLS
        for state in (
            account(AMM_V4, pool_data(pool)),
            account(TOKEN, vault_data(SOL, 10**12)),
            account(TOKEN, vault_data(MINT, 10**12)),
        )
    ]
    params: list[object] = [accounts, {"encoding": "base64"}]
    rpc(engine, 99, "getMultipleAccounts", params, {"context": {"slot": 100}, "value": states})
    for connection in ("a/0", "b/0"):
        engine.ingest(connection, heartbeat(101))
    signals = notify(engine, "a/0", 11, 101, vault_data(SOL, 12 * 10**11))
    refused = reasons(engine).get("too_few_agree", 0)
    assert (refused > 0) is (not signals)
    return signals


def test_agreement_below_the_threshold_refuses_and_without_one_it_is_told() -> None:
    [signal] = two_providers(0)
    assert signal.agreement_e4 == 5_000
    assert opportunity_from_native(signal).agreement_e4 == 5_000
    assert len(two_providers(5_000)) == 1
    assert two_providers(5_001) == []


# ---- what an opportunity tells


def test_opportunity_carries_the_context_of_its_signal() -> None:
    signals = day_of(engine_of(Config()))
    for signal in signals:
        found = opportunity_from_native(signal)
        assert found.landing_e4 == signal.landing_e4 == 5_000
        assert found.expected_value_lamports == signal.expected_value_lamports
        assert (found.depth_bps, found.volatility_bps) == (signal.depth_bps, signal.volatility_bps)
        assert (found.competition_e4, found.agreement_e4, found.token_flags) == (0, 10_000, ())
        assert found.depth_bps > 0
    assert any(signal.volatility_bps > 0 for signal in signals)
    assert signals[0].base_mint in (USDC, WSOL)
