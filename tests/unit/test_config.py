from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from phantom_arbiter.config import default_config_path, risk_rules
from phantom_arbiter.config_risk import MintLimitSettings, RiskSettings, VenueLimitSettings, profile
from phantom_arbiter.config_sources import apply_profile, known_keys, load
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.risk import VenueLimits
from shell_fakes import USDC, WSOL

VENUE_SETTINGS = {"max_lamports": 1, "max_lamports_per_day": 2, "max_exposure_lamports": 3}


def test_defaults_are_paper_and_need_nothing() -> None:
    effective = load()
    assert effective.config.mode == "paper"
    assert effective.config.run.source == "demo"
    assert effective.config.journal.path.name == "journal.sqlite"
    assert {setting.origin for setting in effective.settings()} == {"default"}


def test_flag_beats_environment_beats_file_beats_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "my.toml"
    file.write_text(
        "[engine]\nmax_hops = 2\n[costs]\ntip_lamports = 1\nsignatures = 2\n[run]\nspeed = '2x'\n"
    )
    monkeypatch.setenv("PHANTOM_COSTS__TIP_LAMPORTS", "22")
    monkeypatch.setenv("PHANTOM_RUN__SPEED", "3x")
    effective = load({"run": {"speed": "4x"}}, file)
    config = effective.config
    assert (config.engine.max_hops, config.costs.signatures) == (2, 2)
    assert config.costs.tip_lamports == 22
    assert config.run.speed == "4x"
    origins = {setting.key: setting.origin for setting in effective.settings()}
    assert origins["engine.max_hops"] == f"file {file}"
    assert origins["costs.tip_lamports"] == "environment PHANTOM_COSTS__TIP_LAMPORTS"
    assert origins["run.speed"] == "flag --speed"
    assert origins["engine.base_mints"] == "default"


def test_file_in_the_users_folder_is_read_unless_another_is_named(tmp_path: Path) -> None:
    default_config_path().parent.mkdir(parents=True)
    default_config_path().write_text("[engine]\nmax_hops = 4\n")
    other = tmp_path / "other.toml"
    other.write_text("")
    assert load().config.engine.max_hops == 4
    assert load(config_file=other).config.engine.max_hops == 3


def test_table_of_mints_replaces_the_default_whole() -> None:
    assert list(load({"engine": {"base_mints": {WSOL: 5}}}).config.engine.base_mints.items()) == [(WSOL, 5)]


def test_every_key_has_one_sentence_of_help() -> None:
    for key, help_text in known_keys().items():
        assert help_text.endswith("."), key
        assert "\n" not in help_text, key


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            {"engine": {"max_hops": 5}},
            r"engine\.max_hops = 5 \(flag.*\): .*less than or equal to 4; hint: .*2 to 4",
        ),
        (
            {"engine": {"max_hop": 3}},
            r"unknown key engine\.max_hop \(flag.*\); hint: did you mean engine\.max_hops",
        ),
        ({"engine": {"base_mints": {}}}, r"engine\.base_mints = \{\}"),
        ({"engine": {"base_mints": {"0OIl": 1}}}, r"0OIl.*32 to 44 base58 characters"),
        ({"engine": {"base_mints": {WSOL: 1.5}}}, r"= 1\.5 \(flag.*\): input should be a valid integer"),
        ({"engine": {"base_mints": {WSOL: 2**63}}}, r"less than or equal to 9223372036854775807"),
        ({"engine": {"base_mints": {WSOL[:-1] + "3": 1}}}, r"risk\.mints has no limits for So1.*3, which"),
        ({"costs": {"tip_lamports": -1}}, r"costs\.tip_lamports = -1"),
        ({"costs": 5}, r"costs = 5 \(flag.*\): it is a table; hint: its keys are costs\.signatures"),
        ({"run": {"speed": "fast"}}, r'run\.speed = "fast" \(flag.*\): .*hint: 1x replays'),
        ({"run": {"ui": "web"}}, r"'auto', 'tui', 'rich' or 'plain'"),
        ({"mode": "real"}, r"'paper' or 'live'"),
        ({"risk": {"mints": {USDC: {"max_amount_in": 1}}}}, r"max_amount_in_per_day \(flag.*\) is missing"),
        (
            {"risk": {"venues": {"orca": VENUE_SETTINGS}}},
            r"risk\.venues = .*there is no venue orca; hint: Limits by venue",
        ),
        ({"purse": {}}, r"unknown key purse \(flag.*\); hint: it may be mode, engine, market, costs"),
    ],
)
def test_unfit_value_is_named_with_what_it_may_hold(flags: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(flags)


@pytest.mark.parametrize("name", ["PHANTOM_PRIVATE_KEY", "PHANTOM_RUN__API_KEY", "PHANTOM_WALLET__SECRET"])
def test_unknown_variable_is_an_error_that_keeps_its_value_to_itself(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "5Jhunter2")
    with pytest.raises(ConfigError, match=f"unknown key .*environment {name}") as caught:
        load()
    assert "hunter2" not in str(caught.value)


def test_unknown_key_of_a_file_keeps_its_value_to_itself(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[run]\napi_key = 'hunter2'\n")
    with pytest.raises(ConfigError, match=r"unknown key run\.api_key \(file .*my\.toml\)") as caught:
        load(config_file=file)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("text", "said"), [(b"[run", "not valid TOML"), (b"\xff\xfe", "not UTF-8")])
def test_file_that_is_no_toml_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    file = tmp_path / "my.toml"
    file.write_bytes(text)
    with pytest.raises(ConfigError, match=said):
        load(config_file=file)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml cannot be read"):
        load(config_file=tmp_path / "gone.toml")


def test_settings_hash_changes_with_what_decides_and_with_nothing_else(tmp_path: Path) -> None:
    plain = load().sha256()
    look = {"run": {"speed": "1x", "ui": "plain"}, "journal": {"path": tmp_path / "x.sqlite"}}
    assert load(look).sha256() == plain
    assert load({"risk": {"kill_switch_file": "/x"}}).sha256() == plain
    for change in ({"engine": {"max_hops": 2}}, {"costs": {"tip_lamports": 1}}, {"risk": {"halted": True}}):
        assert load(change).sha256() != plain
    mints = load().config.engine.base_mints
    turned = dict(reversed(list(mints.items())))
    assert load({"engine": {"base_mints": turned}}).sha256() != plain


def test_risk_rules_hold_what_the_settings_say() -> None:
    """Every number of the settings is another one, so that none can stand for another or be left out."""
    numbers = iter(range(2, 1_000))
    mint = {key: next(numbers) for key in MintLimitSettings.model_fields}
    venue, each = ({key: next(numbers) for key in VenueLimitSettings.model_fields} for _ in range(2))
    keys = [key for key, field in RiskSettings.model_fields.items() if field.annotation is int]
    plain = {key: next(numbers) for key in keys}
    settings = RiskSettings.model_validate(
        {
            **plain,
            "mints": {USDC: mint},
            "venues": {"orca_whirlpool": venue},
            "each_venue": each,
            "halted": True,
            "allowed_mints": (USDC,),
            "denied_mints": (WSOL,),
        }
    )
    rules = risk_rules(settings)
    limits, breakers, sanity = rules.limits, rules.breakers, rules.sanity
    assert asdict(limits.mints[USDC]) == {key: mint[key] for key in mint if key != "max_drawdown"}
    assert asdict(limits.venues["orca_whirlpool"]) == venue
    assert limits.each_venue is not None
    assert asdict(limits.each_venue) == each
    assert breakers.max_loss_per_day == {USDC: mint["max_loss_per_day"]}
    assert breakers.max_drawdown == {USDC: mint["max_drawdown"]}
    assert breakers.halted
    assert (sanity.allowed_mints, sanity.denied_mints) == (frozenset({USDC}), frozenset({WSOL}))
    found = {
        key: getattr(part, key) for key in plain for part in (limits, breakers, sanity) if hasattr(part, key)
    }
    assert found == plain


# ---- the profile of a live run


def limits(settings: RiskSettings) -> dict[str, int]:
    """Return every bound of the settings under a name; lower is tighter."""
    values = settings.model_dump()
    found = {
        key: value
        for key, value in values.items()
        if isinstance(value, int) and not isinstance(value, bool) and not key.endswith("cooldown_slots")
    }
    for mint, of_mint in values["mints"].items():
        found |= {f"{mint}.{key}": value for key, value in of_mint.items()}
    return found


def test_live_profile_is_tighter_than_every_default() -> None:
    assert profile("paper") == {}
    default, live = RiskSettings(), RiskSettings(**profile("live")["risk"])
    tight, loose = limits(live), limits(default)
    assert tight.keys() == loose.keys()
    for key, bound in loose.items():
        assert 0 < tight[key] < bound, key
    assert live.failure_cooldown_slots > default.failure_cooldown_slots
    assert live.route_cooldown_slots > default.route_cooldown_slots
    assert live.each_venue is not None
    assert live.price_reference == "any"
    assert profile("live")["fees"] == {"mode": "adaptive"}
    for mint, amount in profile("live")["engine"]["base_mints"].items():
        assert amount <= live.mints[mint].max_amount_in, "what is sized fits what may go"


def test_live_profile_yields_to_what_is_named() -> None:
    merged: dict[str, Any] = {"mode": "live", "risk": {"max_trades_per_day": 50}}
    origins: dict[str, str] = {}
    apply_profile(merged, origins)
    assert merged["risk"]["max_trades_per_day"] == 50
    assert merged["risk"]["failures_in_a_row"] == 2
    assert "risk.max_trades_per_day" not in origins
    assert origins["risk.failures_in_a_row"] == "profile live"
    assert RiskSettings(**merged["risk"]).mints[USDC].max_amount_in == 10_000_000
    paper: dict[str, Any] = {"mode": "paper"}
    apply_profile(paper, origins)
    assert paper == {"mode": "paper"}


def test_rules_of_prices_ages_and_lists_are_taken_over() -> None:
    given = {
        "max_market_age_slots": 0,
        "max_price_deviation_bps": 0,
        "denied_mints": [WSOL],
        "each_venue": VENUE_SETTINGS,
    }
    rules = risk_rules(load({"risk": given}).config.risk)
    assert (rules.sanity.max_market_age_slots, rules.sanity.max_price_deviation_bps) == (None, None)
    assert rules.sanity.denied_mints == {WSOL}
    assert rules.limits.each_venue == VenueLimits(1, 2, 3)
    assert rules.breakers.max_drawdown[USDC] == 50_000_000


def test_settings_hash_knows_a_strategy_of_ones_own_by_name_not_by_place() -> None:
    here, there = ({"strategy": {"use": f"{folder}mine.py:Mine"}} for folder in ("/a/", "b/c/"))
    assert load(here).sha256() == load(there).sha256() != load().sha256()
    assert load({"risk": {"account": "b"}}).sha256() == load().sha256()


# ---- execution: one line per key

ENGINE = {"name": "ny", "url": "https://ny.mainnet.block-engine.jito.wtf"}
ACCOUNT = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"wallet": {"key": "env:9"}}, r"wallet\.key \(flag.*after env: comes the name"),
        ({"wallet": {"key": "env:PHANTOM_KEY"}}, r"begins with PHANTOM_, those are settings"),
        ({"wallet": {"key": "keyring:"}}, r"after keyring: comes the name of an entry"),
        ({"wallet": {"key": ""}}, r"named by the path of its file, env:NAME or keyring:NAME"),
        ({"wallet": {"key": "[1,2"}}, r"looks like a key itself; hint: put it into a file"),
        ({"wallet": {"key": 5}}, r"wallet\.key \(flag.*is text"),
        ({"wallet": {"token_accounts": {WSOL: "0"}}}, r"an account address, 32 to 44 base58"),
        ({"wallet": {"min_lamports": -1}}, r"wallet\.min_lamports = -1"),
        ({"execution": {"landing": "mail"}}, r"'bundle', 'rpc' or 'both'"),
        ({"execution": {"rehearse": "maybe"}}, r"'always' or 'never'"),
        ({"execution": {"dry_run": "perhaps"}}, r"execution\.dry_run = \"perhaps\""),
        ({"execution": {"lookup_tables": ["x"]}}, r"execution\.lookup_tables.*an account address"),
        ({"execution": {"nonce_accounts": [ACCOUNT] * 257}}, r"at most 256 items"),
        ({"execution": {"create_accounts": "later"}}, r"'in_transaction' or 'ahead'"),
        ({"execution": {"max_account_locks": 129}}, r"less than or equal to 128"),
        ({"execution": {"deadline_ms": 9}}, r"greater than or equal to 10"),
        ({"execution": {"resend_every_slots": 0}}, r"greater than or equal to 1"),
        ({"execution": {"blockhash_commitment": "finalized"}}, r"'processed' or 'confirmed'"),
        ({"execution": {"blockhash_refresh_ms": 99}}, r"greater than or equal to 100"),
        ({"execution": {"min_blocks_left": 150}}, r"less than or equal to 149"),
        ({"execution": {"shadow_share": 1.1}}, r"less than or equal to 1"),
        ({"execution": {"shadow_bound_ppm": -1}}, r"execution\.shadow_bound_ppm = -1"),
        ({"execution": {"shadow_release_after": 0}}, r"greater than or equal to 1"),
        ({"execution": {"shadow_release_after": 17}}, r"less than or equal to 16"),
        ({"block_engines": [{"url": "https://a.b"}]}, r"block_engines\.0\.name .* is missing"),
        ({"block_engines": [{**ENGINE, "name": "N Y"}]}, r"block_engines\.0\.name"),
        ({"block_engines": [{**ENGINE, "url": "http://a.b"}]}, r"http:// only to this machine"),
        ({"block_engines": [{**ENGINE, "url": "wss://a.b"}]}, r"begins with neither of http, https"),
        ({"block_engines": [{**ENGINE, "auth": "uuid"}]}, r"it is \$\{NAME\}.*no secret stands in a file"),
        ({"block_engines": [{**ENGINE, "auth": "${NOT_SET}"}]}, r"NOT_SET is not set"),
        ({"block_engines": [{**ENGINE, "requests_per_second": 0}]}, r"greater than 0"),
        ({"block_engines": [{**ENGINE, "kind": "smoke"}]}, r"'jito_bundle' or 'jito_transaction'"),
        ({"execution": {"dont_front": "1" * 32}}, r"begins with jitodontfront"),
        ({"block_engines": [ENGINE, ENGINE]}, r"ny is the name of two"),
        ({"block_engines": [{**ENGINE, "name": f"e{n}"} for n in range(33)]}, r"there are 33, it may be 32"),
    ],
)
def test_unfit_execution_is_named_with_what_it_may_hold(flags: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(flags)


def test_nothing_secret_of_execution_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    pasted = "5" * 88
    for value in (pasted, f"env:{pasted}!", f"[{pasted}]"):
        with pytest.raises(ConfigError) as caught:
            load({"wallet": {"key": value}})
        assert pasted not in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        load({"block_engines": [{**ENGINE, "auth": "hunter2"}]})
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("JITO_AUTH", "hunter2")
    effective = load({"block_engines": [{**ENGINE, "auth": "${JITO_AUTH}"}]})
    engine = effective.config.block_engines[0]
    assert engine.auth is not None
    assert engine.auth.get_secret_value() == "hunter2"
    shown = str([setting.value for setting in effective.settings()]) + repr(effective.config)
    assert "hunter2" not in shown
    monkeypatch.setenv("JITO_AUTH", "hunter2\r\nx: y")
    with pytest.raises(ConfigError, match="control character") as caught:
        load({"block_engines": [{**ENGINE, "auth": "${JITO_AUTH}"}]})
    assert "hunter2" not in str(caught.value)


def test_a_key_is_named_by_file_variable_or_entry() -> None:
    for text, kind in (("~/id.json", "file"), ("env:WALLET_KEY", "env"), ("keyring:main", "keyring")):
        effective = load({"wallet": {"key": text}})
        key = effective.config.wallet.key
        assert key is not None
        assert (key.kind, str(key)) == (kind, text)
        assert effective.sha256() == load().sha256(), "whose key it is does not decide a row on paper"
