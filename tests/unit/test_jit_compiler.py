"""Strategy expressions and rule files from Python."""

import math
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from phantom_core import (
    CompileError,
    EvaluationRefused,
    Expression,
    InvalidInput,
    RuleSet,
    candidate_fields,
    compile_expression,
    compile_rules,
)

FIELDS = {
    "net_profit": "i64 lamports",
    "amount": "u64 lamports",
    "spread": "f64 bps",
    "age": "u64 slots",
    "price": "f64",
    "frozen": "bool",
}
ROW = (50_000, 2_000_000_000, 12.5, 1, 150.25, False)
NAMED: dict[str, Any] = dict(zip(FIELDS, ROW, strict=True))


def native(source: str, fields: Any = FIELDS) -> Expression:
    expression = compile_expression(source, fields)
    assert expression.wait_native(30.0)
    return expression


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("net_profit > 20_000 and age <= 1 and not frozen", True),
        ("net_profit / amount", 50_000 / 2_000_000_000),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("-7.5 // 2", -4.0),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512.0),
        ("1 < 2 < 3 == 3", True),
        ("1 if frozen else 2 if age == 1 else 3", 2),
        ("not True or True and False", False),
        ("10 - 4 - 3", 3),
        ("2 + 3 * 4 - 6 / 3", 12.0),
        ("min(3, 1, 2) + max(1.5, 2)", 3.0),
        ("clamp(17, 1, 9)", 9),
        ("floor(-1.5) + ceil(1.2)", 0.0),
        ("abs(-3)", 3),
        ("amount * ratio(spread) > net_profit", True),
        ("bps(net_profit / amount)", 0.25),
        ("sol(amount)", 2.0),
        ("lamports(2)  # a comment\n+ amount", 2_000_000_002),
        ("isnan(price)", False),
        ("pow(2, 0.5) == sqrt(2)", math.pow(2, 0.5) == math.sqrt(2)),
        ("exp(log(price))", math.exp(math.log(150.25))),
    ],
)
def test_value_is_that_of_python_in_every_form(source: str, value: object) -> None:
    expression = native(source)
    record = np.array([ROW], dtype=[(name, np.asarray(NAMED[name]).dtype) for name in FIELDS])[0]
    for found in (
        expression.evaluate(ROW),
        expression.evaluate(list(ROW)),
        expression.evaluate(NAMED),
        expression.evaluate(**NAMED),
        expression.evaluate(SimpleNamespace(**NAMED)),
        expression.evaluate(record),
        expression(*ROW),
    ):
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize(
    ("source", "message", "column", "hint"),
    [
        ("net_profit + spread", "cannot add lamports and bps", 12, "net_profit * ratio(spread)"),
        ("spread + 0.5 > net_profit", "cannot compare bps and lamports", 14, "ratio(spread + 0.5)"),
        ("amount > sol(3)", "cannot compare lamports and sol", 8, "lamports(sol(3))"),
        ("nett_profit > 3", "unknown field `nett_profit`", 1, "did you mean net_profit?"),
        ("sqr(price)", "unknown function `sqr`", 1, "did you mean sqrt?"),
        ("price && frozen", "unexpected character", 7, "&& is written and"),
        ("price > 3 frozen", "`frozen` is not expected here", 11, "an operator is missing"),
        ("price and frozen", "`price` is a number", 1, "compare it"),
        ("frozen + 1", "`frozen` is true or false", 1, "1 if condition else 0"),
        ("(price", "`)` is expected, found the end", 7, None),
        ("price >", "a value is expected, found the end", 8, None),
        ("", "the expression is empty", 1, None),
        ("price if frozen", "else is expected", 16, None),
        ("ema(price, age)", "the period of ema is a whole number from 1 to 10000", 12, None),
        ("ema(ema(price, 3), 3)", "an indicator of an indicator", 5, None),
        ("exp(spread)", "exp takes a ratio or a plain number; `spread` is bps", 5, "ratio(spread)"),
        ("sqrt(amount)", "the square root of lamports has no unit", 6, "sqrt(number(amount))"),
        ("frozen < True", "true and false have no order", 8, "use and, or, not"),
        ("isnan(price + 1)", "isnan asks whether a field is missing", 7, "refuses by itself"),
        ("0x10", "0x10 is no number", 1, "numbers are decimal"),
        ("99999999999999999999", "larger than 9223372036854775807", 1, "1e19"),
        ("2 ** 65", "exponent may be 0 to 64", 6, "2.0 ** n"),
        ("1 +\n  prise", "unknown field `prise`", 3, "did you mean price?"),
    ],
)
def test_wrong_source_says_where_and_suggests(
    source: str, message: str, column: int, hint: str | None
) -> None:
    with pytest.raises(CompileError) as raised:
        compile_expression(source, FIELDS)
    error = raised.value
    assert message in str(error)
    assert (error.line, error.column) == (source.count("\n") + 1, column)
    assert (hint is None and error.hint is None) or (hint is not None and hint in str(error.hint))
    if source:
        excerpt, caret = str(error).splitlines()[1:3]
        assert excerpt[2:] == source.splitlines()[error.line - 1].rstrip()
        assert caret == " " * (error.column + 1) + "^"


@pytest.mark.parametrize(
    "source",
    ["(" * 5_000, "-" * 5_000 + "1", "not " * 5_000 + "frozen", "1" + "+1" * 5_000, "1 if " * 5_000,
     "2" + "**2" * 4_000, "min(" * 5_000, "1" + " < 2" * 5_000, "é" * 100, "\x00", "#" * 70_000],
)  # fmt: skip
def test_monstrous_source_is_an_error(source: str) -> None:
    with pytest.raises(CompileError):
        compile_expression(source, FIELDS)


@pytest.mark.parametrize(
    ("source", "change", "reason"),
    [
        ("1 / (age - 1) > 0", {}, "division_by_zero"),
        ("amount // 0", {}, "division_by_zero"),
        ("age % (age - 1)", {}, "division_by_zero"),
        ("price > 3", {"price": math.nan}, "not_finite"),
        ("price * 1e300 * 1e300 > 3", {}, "not_finite"),
        ("1 / (price * 1e300 * 1e300) < 3", {}, "not_finite"),
        ("sqrt(-price)", {}, "not_finite"),
        ("log(price - price)", {}, "not_finite"),
        ("net_profit * net_profit * net_profit", {"net_profit": 2**40}, "overflow"),
        ("amount + 0", {"amount": 2**64 - 1}, "overflow"),
        ("-net_profit", {"net_profit": -(2**63)}, "overflow"),
        ("net_profit // -1", {"net_profit": -(2**63)}, "overflow"),
        ("net_profit ** 5", {"net_profit": 2**20}, "overflow"),
        ("rsi(price, 14) < 70", {}, "warming_up"),
    ],
)
def test_no_value_is_a_refusal(source: str, change: dict[str, Any], reason: str) -> None:
    for expression in (compile_expression(source, FIELDS), native(source)):
        with pytest.raises(EvaluationRefused) as raised:
            expression.evaluate(**{**NAMED, **change})
        assert raised.value.reason == reason
        assert raised.value.line == 1


def test_guarded_division_has_a_value() -> None:
    guarded = native("age != 1 and amount / (age - 1) > 3 or isnan(price) or price > 3")
    assert guarded.evaluate(ROW) is True
    assert guarded.evaluate(**{**NAMED, "price": math.nan}) is True


def test_indicators_keep_state_per_expression() -> None:
    source = "ema(price, 3)"
    first, second = native(source, ["price"]), native(source, ["price"])
    for price in (1.0, 2.0):
        with pytest.raises(EvaluationRefused, match="warming_up"):
            first.evaluate((price,))
    assert first.evaluate((6.0,)) == 3.0
    assert first.evaluate((5.0,)) == 4.0
    with pytest.raises(EvaluationRefused, match="not_finite"):
        first.evaluate((math.nan,))
    assert first.evaluate((4.0,)) == 4.0
    assert first.is_stateful
    assert not native("price > 1", ["price"]).is_stateful
    with pytest.raises(EvaluationRefused, match="warming_up"):
        second.evaluate((1.0,))
    first.reset()
    with pytest.raises(EvaluationRefused, match="warming_up"):
        first.evaluate((1.0,))


def test_is_ready_guards_an_indicator_and_rows_are_ticks() -> None:
    expression = native("is_ready(sma(price, 2)) and sma(price, 2) > 2", ["price"])
    values, codes = expression.evaluate_many({"price": np.array([1.0, 2.0, 3.0, np.nan, 0.0])}, codes=True)
    assert values.tolist() == [False, False, True, False, False]
    assert codes.tolist() == [0, 0, 0, -2, 0]
    assert dict(RuleSet.refusal_names())[-2] == "not_finite"


def test_quoted_name_is_a_field() -> None:
    assert native('"SOL/USDC" * 2 > 3', {"SOL/USDC": "f64 price"}).evaluate({"SOL/USDC": 1.6}) is True


@pytest.mark.parametrize("rows", [0, 1, 511, 512, 1_000, 300_001])
@pytest.mark.parametrize("source", ["a > 12 and b > 0.01*sqrt(c) or a / b < 0.5", "a / b + max(c, 3)"])
def test_columns_give_what_numpy_gives(source: str, rows: int) -> None:
    rng = np.random.default_rng(7)
    a, b, c = rng.uniform(0, 40, rows), rng.uniform(0, 30, rows), rng.uniform(1e3, 1e7, rows)
    b[::97] = 0.0
    c[::89] = np.inf
    expression = native(source, ["a", "b", "c"])
    values, codes = expression.evaluate_many({"a": a, "b": b, "c": c}, codes=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        if expression.result_type == "bool":
            first = (a > 12) & np.isfinite(c) & (b > 0.01 * np.sqrt(c))
            # `c` is read where `a > 12`, `b` divides where the first part is false.
            refused = ((a > 12) & ~np.isfinite(c)) | (~first & (b == 0))
            expected = (first | (a / b < 0.5)) & ~refused
        else:
            refused = (b == 0) | ~np.isfinite(c)
            expected = np.where(refused, np.nan, a / b + np.maximum(c, 3))
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(codes != 0, refused)
    one_thread = expression.evaluate_many({"a": a, "b": b, "c": c}, threads=1)
    np.testing.assert_array_equal(one_thread, values)


def test_columns_in_other_forms() -> None:
    expression = native("a + b * 2", {"a": "f64", "b": "i64"})
    plain = {"a": np.arange(5.0), "b": np.arange(5)}
    expected = expression.evaluate_many(plain)
    records = np.zeros(5, dtype=[("a", "f8"), ("b", "i8")])
    records["a"], records["b"] = plain["a"], plain["b"]
    strided = {"a": np.arange(10.0)[::2] / 2, "b": np.arange(5, dtype="i2")}
    for columns in (records, strided, {"a": [0, 1, 2, 3, 4], "b": [0, 1, 2, 3, 4]}):
        np.testing.assert_array_equal(expression.evaluate_many(columns), expected)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": np.zeros(3)}, "column b is missing"),
        ({"a": np.zeros(3), "b": np.zeros(4, dtype=int)}, "column b has 4 rows, a has 3"),
        ({"a": np.zeros(3), "b": np.zeros(3)}, "column b: an array of int64 expected, found float64"),
        ({"a": np.zeros((3, 1)), "b": np.zeros(3, dtype=int)}, "column a: .* 2 dimensions"),
        ({"a": ["x"], "b": [1]}, "column a: an array of float64 expected"),
    ],
)
def test_wrong_columns_are_named(columns: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        native("a + b", {"a": "f64", "b": "i64"}).evaluate_many(columns)


def test_int_rows_without_a_value_raise_unless_codes_are_taken() -> None:
    expression = native("10 // b", {"b": "i64"})
    with pytest.raises(EvaluationRefused, match="in row 1") as raised:
        expression.evaluate_many({"b": [5, 0]})
    assert raised.value.row == 1
    values, codes = expression.evaluate_many({"b": [5, 0]}, codes=True)
    assert (values.tolist(), codes.tolist()) == ([2, 0], [0, -1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((), "0 values for 6 fields"),
        ((*ROW, 1), "7 values for 6 fields"),
        ((1.5, *ROW[1:]), "field net_profit: an int expected, found <class 'float'>"),
        ((2**63, *ROW[1:]), "field net_profit: an int of 64 bits expected"),
        ((1, -1, *ROW[2:]), "field amount: an int from 0"),
        ((*ROW[:2], "x", *ROW[3:]), "field spread: a float expected"),
        ((*ROW[:5], 1), "field frozen: a bool expected"),
        ({"amount": 1}, "field net_profit is missing"),
        ({**NAMED, "more": 1}, "more values than fields: more"),
        (3, "field net_profit is missing"),
    ],
)
def test_wrong_values_are_named(values: Any, message: str) -> None:
    expression = compile_expression("net_profit > 1", FIELDS)
    with pytest.raises(InvalidInput, match=message):
        expression.evaluate(values)
    with pytest.raises(InvalidInput, match="at once"):
        expression.evaluate(ROW, **NAMED)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"a": "f32"}, "type 'f32'|type \"f32\""),
        ({"a": "bps"}, "did you mean \"f64 bps\""),
        ({"a": "f64 lamport"}, "did you mean lamports"),
        ({"a": "bool bps"}, "a bool has no unit"),
        ({"and": "f64"}, "cannot name a field"),
        ({"": "f64"}, "1 to 128 bytes"),
        (["a", "a"], "declared twice"),
        ("ab", "names to types expected"),
        ([f"f{i}" for i in range(257)], "more than 256 fields"),
    ],
)  # fmt: skip
def test_wrong_fields_are_named(fields: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        compile_expression("1", fields)


RULES = """
verdict = "margin > 0.001"
score = "bps(margin)"

[let]
margin = "net_profit / amount"

[[rule]]
when = "age > 2"
refuse = "too_old"

[[rule]]
when = "frozen"
refuse = "frozen"
"""


def test_rules_refuse_in_their_order() -> None:
    rules = compile_rules(RULES, FIELDS)
    good = {**NAMED, "net_profit": 4_000_000}
    verdict = rules.evaluate(good)
    assert (verdict.go, verdict.reason, verdict.score) == (True, None, 20.0)
    assert verdict
    cases: list[tuple[dict[str, Any], str]] = [
        ({"age": 3, "frozen": True}, "too_old"),
        ({"frozen": True}, "frozen"),
        ({"net_profit": 1}, "verdict_false"),
        ({"amount": 0}, "division_by_zero"),
    ]
    for change, reason in cases:
        refused = rules.evaluate({**good, **change})
        assert (refused.go, refused.reason, refused.score) == (False, reason, None)
    detail = rules.evaluate({**good, "amount": 0}).detail
    assert detail == "division_by_zero: `net_profit / amount` at line 6, column 11"
    assert rules.wait_native(30.0)
    assert rules.reasons == ["too_old", "frozen", "verdict_false"]


def test_rules_over_columns_give_codes() -> None:
    rules = compile_rules(RULES, FIELDS)
    columns: dict[str, Any] = {
        name: [value] * 4 for name, value in NAMED.items() if name not in ("age", "amount")
    }
    columns |= {"net_profit": [4_000_000] * 4, "age": np.array([1, 3, 1, 1], dtype="u8")}
    columns |= {"amount": np.array([2_000_000_000, 1, 0, 9 * 10**15], dtype="u8")}
    codes, scores = rules.evaluate_many(columns)
    # Named values come before the rules, so the third row ends there.
    assert codes.tolist() == [0, 1, -1, 3]
    assert scores[0] == 20.0
    assert np.isnan(scores[1:]).all()


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("score = 3", 1, "score is a string; found integer"),
        ("scor = '3'", 1, "did you mean score?"),
        ("score = '''\nnet_profit +\n  spread'''", 2, "cannot add lamports and bps"),
        ("[let]\nage = '3'", 2, "age is a field already"),
        ("[[rule]]\nwhen = 'frozen'", 1, "this rule has no `refuse`"),
        ("[[rule]]\nwhen = 'age'\nrefuse = 'x'", 2, "`age` is a number"),
        ("[[rule]]\nwhen = 'frozen'\nrefuse = ' '", 3, "a reason is one line"),
        ("[rule]\nwhen = 'frozen'", 1, "a rule starts with"),
        ('score = "1 \\u002b 2"', 1, "has an escape"),
        ("score = '1'\nscore = '2'", 2, "TOML: "),
        ("", 1, "the file decides nothing"),
        ("a" * 70_000, 1, "it may have 65536"),
    ],
)
def test_wrong_rule_file_says_where(source: str, line: int, message: str) -> None:
    with pytest.raises(CompileError) as raised:
        compile_rules(source, FIELDS)
    assert message in str(raised.value)
    assert raised.value.line == line


def test_lets_see_those_above_and_feed_indicators() -> None:
    source = "score = 'ema(double, 2)'\n[let]\nzeta = 'price * 1'\ndouble = 'zeta * 2'\n"
    rules = compile_rules(source.replace("\n", "\r\n"), ["price"])
    assert rules.evaluate((1.0,)).reason == "warming_up"
    assert rules.evaluate((2.0,)).score == 3.0
    reloaded = compile_rules(source + "# changed", ["price"], rules)
    assert reloaded.evaluate((2.0,)).score == pytest.approx(3 + (4 - 3) * 2 / 3)


def test_threads_share_an_expression() -> None:
    expression = compile_expression("price * 2 > 3", ["price"])
    wrong: list[float] = []

    def ask(offset: int) -> None:
        for step in range(2_000):
            price = (step * 7 + offset) % 4
            if expression.evaluate((price,)) is not (price * 2 > 3):
                wrong.append(price)

    threads = [threading.Thread(target=ask, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


EXAMPLES: list[dict[str, str]] = [
    {"net_profit": "i64 lamports", "age": "u64 slots"},
    {
        "net_profit": "i64 lamports",
        "amount_in": "u64 lamports",
        "sol_limit": "u64 lamports",
        "token_frozen": "bool",
    },
    {"price": "f64 price", "spread": "f64 bps", "liquidity": "f64"},
    candidate_fields(),
]


def test_examples_of_the_documentation_compile() -> None:
    text = (Path(__file__).parents[2] / "docs" / "STRATEGY_LANGUAGE.md").read_text()
    blocks = [block.split("```")[0] for block in text.split("```toml\n")[1:]]
    files = [compile_rules(block, fields) for block, fields in zip(blocks, EXAMPLES, strict=True)]
    assert files[0].evaluate(net_profit=30_000, age=1).go
    worth = {"net_profit": 2_000_000, "amount_in": 10**9, "sol_limit": 20 * 10**9, "token_frozen": False}
    assert files[1].evaluate(worth).score == 20.0
    assert files[1].evaluate({**worth, "sol_limit": 19 * 10**9}).reason == "too_large"
    prices = [100 + (tick % 7) * 0.01 for tick in range(61)]
    verdicts = [files[2].evaluate((price, 30.0, 1e10)) for price in prices]
    assert {verdict.reason for verdict in verdicts[:60]} == {"warming_up"}
    assert verdicts[60].go


def test_fields_of_candidates_are_those_of_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "STRATEGY_LANGUAGE.md").read_text()
    section = text.split("## Rules in the engine")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| ([a-z0-9_ ]+) \| (.+) \|$", section, flags=re.MULTILINE)
    assert {name: specification for name, specification, _ in rows} == candidate_fields()
    assert [name for name, *_ in rows] == list(candidate_fields())
    rules = compile_rules("verdict = 'net_profit > 3 and (hops < 3 or isnan(depth))'", candidate_fields())
    assert rules.used_fields == ["net_profit", "hops", "depth"]
    assert (rules.has_verdict, rules.has_score, rules.is_stateful) == (True, False, False)
    rules = compile_rules("score = 'ema(net_bps, 2)'", candidate_fields())
    assert (rules.has_verdict, rules.has_score, rules.is_stateful) == (False, True, True)


def test_any_byte_but_0_of_a_bool_column_is_true() -> None:
    flags = np.array([0, 1, 2, 255], np.uint8).view(bool)
    for source, expected in (("flag", [False, True, True, True]), ("not flag", [True, False, False, False])):
        expression = compile_expression(source, {"flag": "bool"})
        assert expression.evaluate_many({"flag": flags}).tolist() == expected
