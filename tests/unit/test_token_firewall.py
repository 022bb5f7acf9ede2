"""Verdicts on mints as Python sees them: rules, lists, facts, the engine's refusal."""

from __future__ import annotations

import struct
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.config import Config, TokenRule, TokenSettings
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.native import build_native_engine, token_rules
from phantom_core import (
    Engine,
    EngineConfig,
    InvalidInput,
    Market,
    TokenRules,
    TokenVerdict,
    judge_token,
    token_rule_names,
)

TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
SOL = "So11111111111111111111111111111111111111112"
MINT = "4k3Dyjzvzp8eMZWUXbBCjEvwSkkk59S5iCNLY3QrkX6R"
ISSUER = bytes([7]) * 32


def mint_bytes(*extensions: tuple[int, bytes], freeze: bytes | None = None) -> bytes:
    """Six decimals, a million base units; layout of token-2022, `interface/src/state.rs`."""
    base = struct.pack("<36xQBB", 1_000_000, 6, 1)
    base += struct.pack("<I32s", 1, freeze) if freeze else bytes(36)
    if not extensions:
        return base
    tail = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in extensions)
    return base + bytes(165 - len(base)) + b"\x01" + tail


def names(verdict: TokenVerdict) -> list[str]:
    return [name for name, _ in verdict.reasons]


def test_a_verdict_carries_reasons_with_values_and_the_facts() -> None:
    account = (TOKEN_2022, mint_bytes((12, ISSUER), (26, ISSUER + b"\x01"), freeze=ISSUER))
    verdict = judge_token(MINT, account)
    assert (verdict.mint, verdict.verdict) == (MINT, "denied")
    assert names(verdict) == ["paused", "permanent_delegate", "freeze_authority", "pause_authority"]
    assert verdict.reasons[0][1] is True
    assert bytes(verdict.reasons[1][1]) == ISSUER
    facts = verdict.facts
    assert facts is not None
    assert (facts["decimals"], facts["supply"], facts["extensions"]) == (6, 1_000_000, (12, 26))
    assert facts["is_paused"] is True
    assert repr(verdict).startswith(f"TokenVerdict(mint='{MINT}', verdict='denied', reasons=['paused: true'")


def test_lists_and_rules_decide_in_their_order() -> None:
    account = (TOKEN, mint_bytes(freeze=ISSUER))
    assert names(judge_token(MINT, account)) == ["freeze_authority"]
    assert judge_token(MINT, account, rules=TokenRules(allow=[MINT])).reasons == [("allow_list", None)]
    both = judge_token(MINT, account, rules=TokenRules(allow=[MINT], deny=[MINT]))
    assert (both.verdict, both.reasons) == ("denied", [("deny_list", None)])
    lighter = TokenRules(rules={"freeze_authority": "allowed"})
    assert judge_token(MINT, account, rules=lighter).reasons == [("no_objection", None)]
    unseen = judge_token(MINT)
    assert (unseen.verdict, names(unseen), unseen.facts) == ("atomic_only", ["unknown_mint"], None)


def test_depth_age_and_epoch_are_inputs() -> None:
    fee = bytes(72) + struct.pack("<QQHQQH", 3, 50, 5_000, 9, 60, 100)
    account = (TOKEN_2022, mint_bytes((1, fee)))
    assert names(judge_token(MINT, account, epoch=8)) == ["high_transfer_fee", "transfer_fee"]
    later = judge_token(MINT, account, epoch=9)
    assert later.reasons == [("transfer_fee", {"epoch": 9, "maximum_fee": 60, "basis_points": 100})]
    rules = TokenRules(min_depth={SOL: 10}, min_age_slots=5)
    plain = (TOKEN, mint_bytes())
    young = judge_token(MINT, plain, rules=rules, slot=104, since_slot=100, depth={SOL: 9})
    assert young.reasons == [
        ("low_liquidity", ({"base_mint": SOL, "depth": 9, "bound": 10},)),
        ("too_young", {"since_slot": 100, "bound": 5}),
    ]
    grown = judge_token(MINT, plain, rules=rules, slot=105, since_slot=100, depth={SOL: 10})
    assert grown.verdict == "allowed"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"rules": {"frozen": "denied"}}, "rules is 'frozen'; it may be unknown_mint, "),
        ({"rules": {"paused": "maybe"}}, "rules: paused is 'maybe'; it may be allowed, atomic_only, denied"),
        ({"rules": {"unknown_mint": "allowed"}}, "unknown_mint is allowed, it is at least atomic_only"),
        ({"rules": {1: "denied"}}, "rules: names expected"),
        ({"max_transfer_fee_bps": 10_001}, "max_transfer_fee_bps is 10001, it may be 0 to 10000"),
        ({"allow": MINT}, "allow: several addresses expected"),
        ({"allow": 1}, "allow: addresses expected"),
        ({"deny": ["x"]}, "deny: `x` is not a base58 address"),
        ({"min_depth": {MINT: -1}}, "min_depth is -1"),
        ({"min_depth": {MINT: 1, bytes(32): 2**64}}, "min_depth is 18446744073709551616"),
    ],
)
def test_rules_that_cannot_be_are_refused(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        TokenRules(**arguments)  # type: ignore[arg-type]


def test_settings_name_the_native_rules_and_reach_both_kinds_of_market() -> None:
    assert get_args(TokenRule) == token_rule_names()
    made = token_rules(TokenSettings(deny=(MINT,), rules={"freeze_authority": "denied"}, min_depth={SOL: 5}))
    assert (made.deny, made.min_depth) == ([MINT], {SOL: 5})
    assert made.rules == {**TokenRules().rules, "freeze_authority": "denied"}
    with pytest.raises(ConfigError, match="tokens: rules: unknown_mint is allowed"):
        token_rules(TokenSettings(rules={"unknown_mint": "allowed"}))
    assert build_native_engine(Config(), assume_plain_mints=True).tokens() == []


def test_markets_and_engines_offer_the_same_questions() -> None:
    engine = Engine(EngineConfig(base_mints={SOL: 1}, token_rules=TokenRules(deny=[MINT])))
    for market in (Market(), engine):
        market.set_token_rules(TokenRules(min_age_slots=5))
        market.know_token_since(MINT, 7)
        assert (market.tokens(), market.take_changed_tokens(), market.token(MINT)) == ([], [], None)


@settings(max_examples=300, deadline=None)
@given(
    kinds=st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=110)), max_size=4),
    damage=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 600),
)
def test_damaged_accounts_are_denied_or_read(
    kinds: list[tuple[int, bytes]], damage: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(mint_bytes(*kinds))
    for place, byte in damage:
        if place < len(data):
            data[place] = byte
    verdict = judge_token(MINT, (TOKEN_2022, bytes(data[:cut])))
    assert verdict.reasons
    assert verdict.facts is not None or names(verdict) == ["unreadable_mint"]
