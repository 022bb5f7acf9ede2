"""The shadow check: what is looked at, what sets a venue aside, and what lets it in again."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.execution.compute_model import ComputeTeacher
from phantom_arbiter.execution.rehearsed import HopRun, InstructionRun, Kind, Rehearsed
from phantom_arbiter.execution.shadow import Comparison, ShadowCheck, ShadowRules, comparisons
from phantom_arbiter.execution.shadow_patrol import Quoted, ShadowPatrol
from phantom_core import Engine, FeeEngine, InvalidInput, MarketDataError, SwapRefused, TransactionError

TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
ALL = ShadowRules(share=1.0, max_error_ppm=0.0, release_after=3)


class Gate:
    def __init__(self) -> None:
        self.said: list[tuple[str, ...]] = []

    def doubt_venue(self, venue: str, reason: str) -> None:
        self.said.append(("doubt", venue, reason))

    def trust_venue(self, venue: str) -> None:
        self.said.append(("trust", venue))


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def shadow_compared(self, comparison: Comparison) -> None:
        self.lines.append("compared")

    def venue_set_aside(self, comparison: Comparison, reason: str) -> None:
        self.lines.append(f"aside {comparison.venue}")

    def venue_let_in(self, venue: str, slot: int) -> None:
        self.lines.append(f"in {venue} {slot}")


def compared(got: int | None, expected: int | None = 1_000_000, venue: str = "a") -> Comparison:
    return Comparison(venue, "pool", 7, expected, got)


def test_share_of_quotes_is_sampled_and_always_the_same_ones() -> None:
    check = ShadowCheck(ShadowRules(share=0.1), Gate())
    quotes = [(slot, "pool", "mint", amount) for slot in range(200) for amount in range(100)]
    wanted = [quote for quote in quotes if check.wants(*quote)]
    assert 0.09 < len(wanted) / len(quotes) < 0.11
    again = ShadowCheck(ShadowRules(share=0.1), Gate())
    assert wanted == [quote for quote in quotes if again.wants(*quote)]
    other = ShadowCheck(ShadowRules(share=0.1, seed=1), Gate())
    assert wanted != [quote for quote in quotes if other.wants(*quote)]


def test_share_of_nothing_and_of_everything() -> None:
    quotes = [(slot, "pool", "mint", 1) for slot in range(100)]
    assert not any(ShadowCheck(ShadowRules(share=0.0), Gate()).wants(*quote) for quote in quotes)
    assert all(ShadowCheck(ShadowRules(share=1.0), Gate()).wants(*quote) for quote in quotes)


def test_wrong_quote_sets_its_venue_aside_and_agreement_lets_it_in_again() -> None:
    gate, log = Gate(), Log()
    check = ShadowCheck(ALL, gate, log)
    check.take(compared(1_000_000))
    check.take(compared(1_000_000, venue="b"))
    assert gate.said == []
    check.take(compared(999_999))
    [(what, venue, reason)] = gate.said
    assert (what, venue) == ("doubt", "a")
    assert reason == (
        "pool pool in slot 7: quoted 1,000,000, the program gives 999,999, 1.0 ppm off, at most 0.0"
    )
    assert check.set_aside() == ["a"]
    check.take(compared(999_998))  # said once
    check.take(compared(1_000_000))
    check.take(compared(1_000_000))
    check.take(compared(1_000_001))  # the count begins anew
    for _ in range(2):
        check.take(compared(1_000_000))
    assert len(gate.said) == 1
    check.take(compared(1_000_000))
    assert gate.said[1:] == [("trust", "a")]
    assert check.set_aside() == []
    assert [line for line in log.lines if line != "compared"] == ["aside a", "in a 7"]
    a, b = check.records()
    assert (a.checks, a.wrong, a.is_set_aside) == (9, 3, False)
    assert a.worst_ppm == pytest.approx(2.000004)
    assert a.mean_ppm == pytest.approx((1.000001 + 2.000004 + 0.999999) / 9)
    assert (b.checks, b.wrong) == (1, 0)


def test_error_within_the_bound_is_counted_and_no_more() -> None:
    gate = Gate()
    check = ShadowCheck(replace(ALL, max_error_ppm=2.0), gate)
    check.take(compared(999_999))
    assert (gate.said, check.records()[0].wrong) == ([], 1)
    check.take(compared(999_900))
    assert len(gate.said) == 1


def test_refusal_on_one_side_is_past_every_bound_and_on_both_is_agreement() -> None:
    gate = Gate()
    check = ShadowCheck(replace(ALL, max_error_ppm=1e9), gate)
    check.take(compared(None, None))
    assert gate.said == []
    check.take(compared(None))
    check.take(compared(5, None, venue="b"))
    assert [said[:2] for said in gate.said] == [("doubt", "a"), ("doubt", "b")]
    assert [said[2].split(": ")[1] for said in gate.said] == [
        "quoted 1,000,000, refused by the program",
        "quoted as refused, the program gives 5",
    ]
    assert math.isinf(check.records()[0].worst_ppm)
    assert check.records()[0].mean_ppm == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": 1.1},
        {"share": -0.1},
        {"max_error_ppm": math.inf},
        {"release_after": 0},
        {"release_after": 17},
    ],
)
def test_rules_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is"):
        ShadowRules(**wrong)  # type: ignore[arg-type]


# ---- from rehearsals


def rehearsed(*hops: HopRun, kind: Kind = Kind.PASSED, agrees: bool | None = True) -> Rehearsed:
    units = sum(hop.units or 0 for hop in hops) + 450
    runs = tuple(InstructionRun("program", hop.units) for hop in hops)
    return Rehearsed(kind, "signature", 7, units=units, instructions=runs, hops=hops, agrees=agrees)


def hop(
    units: int | None, venue: str = "a", got: int | None = 10, expected: int = 10, crossings: int = 0
) -> HopRun:
    return HopRun("pool", venue, crossings, units, expected, got)


def test_rehearsal_counts_as_far_as_it_came() -> None:
    both = rehearsed(hop(1), hop(1, "b", got=9), agrees=False)
    assert [(each.venue, each.got_out) for each in comparisons(both)] == [("a", 10), ("b", 9)]
    failed = rehearsed(hop(1, got=None), hop(1, "b", got=None), kind=Kind.FAILED, agrees=False)
    assert [(each.venue, each.got_out) for each in comparisons(failed)] == [("a", None)]


def test_rehearsal_that_says_nothing_of_quotes_does_not_count() -> None:
    assert list(comparisons(rehearsed(hop(1), agrees=None))) == []
    assert list(comparisons(rehearsed(hop(1), kind=Kind.NO_PROGRAM, agrees=False))) == []


def test_limit_is_the_high_percentile_of_rehearsals_and_the_margin() -> None:
    fees = FeeEngine(units_percentile_bps=9_900, units_margin_bps=1_000)
    teacher = ComputeTeacher(fees)
    assert fees.compute_unit_limit([("a", 0), ("b", 0)]).basis == "cold"
    for number in range(100):
        teacher.learn(rehearsed(hop(40_000 + number), hop(70_000 - number, "b")))
    asked = fees.compute_unit_limit([("a", 0), ("b", 0)])
    # 99 % of 100 values is their greatest: 40,099 and 70,000, and 450 besides.
    assert (asked.basis, asked.learned_units) == ("learned", 40_099 + 70_000 + 450)
    assert asked.compute_unit_limit == -(-asked.learned_units * 11 // 10)
    assert teacher.taught == 100


def test_created_accounts_are_no_overhead_of_the_next_transaction() -> None:
    fees = FeeEngine(units_margin_bps=0)
    teacher = ComputeTeacher(fees)
    creating = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
    for _ in range(100):
        teacher.learn(rehearsed(hop(40_000)))
        with_account = rehearsed(hop(40_000))
        runs = (InstructionRun(creating, 25_000), *with_account.instructions)
        teacher.learn(replace(with_account, units=with_account.units + 25_000, instructions=runs))
    assert fees.compute_unit_limit([("a", 0)]).learned_units == 40_000 + 450


def test_crossed_ticks_are_learned_apart() -> None:
    fees = FeeEngine(units_margin_bps=0)
    teacher = ComputeTeacher(fees)
    for _ in range(100):
        teacher.learn(rehearsed(hop(40_000)))
        teacher.learn(rehearsed(hop(40_000 + 3 * 9_000, crossings=3)))
    assert fees.compute_unit_limit([("a", 5)]).learned_units == 40_000 + 5 * 9_000 + 450


def test_failed_and_torn_rehearsals_teach_nothing() -> None:
    fees = FeeEngine()
    teacher = ComputeTeacher(fees)
    for _ in range(100):
        teacher.learn(rehearsed(hop(40_000), kind=Kind.FAILED, agrees=False))
        teacher.learn(rehearsed(hop(None)))
        teacher.learn(rehearsed())
    assert teacher.taught == 0
    assert fees.compute_unit_limit([("a", 0)]).basis == "cold"


# ---- who looks


class Probe:
    """Gives what it is told to."""

    def __init__(self, *answers: Comparison | Rehearsed | MarketDataError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, int]] = []

    def compare(self, pool: str, mint_in: str, amount_in: int) -> Comparison | Rehearsed:
        self.asked.append((pool, mint_in, amount_in))
        answer = self.answers.pop(0)
        if isinstance(answer, MarketDataError):
            raise answer
        return answer


def test_patrol_looks_at_the_sample_and_again_at_what_is_set_aside() -> None:
    gate = Gate()
    check = ShadowCheck(ALL, gate)
    probe = Probe(compared(9), *(compared(1_000_000) for _ in range(3)))
    patrol = ShadowPatrol(check, probe, missing=lambda accounts: None)
    patrol.look_again()
    assert probe.asked == []
    patrol.quoted(7, [Quoted("a", "pool", "mint", 5)])
    assert check.set_aside() == ["a"]
    for _ in range(5):
        patrol.look_again()
    assert [said[0] for said in gate.said] == ["doubt", "trust"]
    assert probe.asked == [("pool", "mint", 5)] * 4


def test_patrol_without_a_sample_still_knows_what_to_try_again() -> None:
    check = ShadowCheck(replace(ALL, share=0.0), Gate())
    probe = Probe(compared(1_000_000), compared(1_000_000))
    patrol = ShadowPatrol(check, probe, missing=lambda accounts: None)
    patrol.quoted(7, [Quoted("a", f"pool {amount % 2}", "mint", amount) for amount in (5, 6, 7)])
    assert probe.asked == []
    check.take(compared(1))  # a rehearsal found it
    patrol.look_again()
    patrol.look_again()
    assert sorted(probe.asked) == [("pool 0", "mint", 6), ("pool 1", "mint", 7)]


def test_one_bad_pool_among_many_does_not_keep_its_venue_out_for_ever() -> None:
    class OneBad:
        def compare(self, pool: str, mint_in: str, amount_in: int) -> Comparison:
            return compared(9 if pool == "bad" else 1_000_000)

    gate = Gate()
    check = ShadowCheck(ShadowRules(share=0.0), gate)
    patrol = ShadowPatrol(check, OneBad(), missing=lambda accounts: None)
    patrol.quoted(7, [Quoted("a", f"good {number}", "mint", 5) for number in range(8)])
    patrol.quoted(7, [Quoted("a", "bad", "mint", amount) for amount in range(16)])
    check.take(compared(9))
    for _ in range(20):
        patrol.look_again()
    assert ("trust", "a") in gate.said


@pytest.mark.parametrize(
    "error",
    [InvalidInput("out of range"), SwapRefused("no"), TransactionError("no"), MarketDataError("gone")],
)
def test_probe_that_is_refused_ends_nothing(error: Exception) -> None:
    class Refusing:
        def compare(self, pool: str, mint_in: str, amount_in: int) -> Comparison:
            raise error

    patrol = ShadowPatrol(ShadowCheck(ALL, Gate()), Refusing(), missing=lambda accounts: None)
    patrol.quoted(7, [Quoted("a", "pool", "mint", 5)])
    assert patrol.skipped == 1


def test_pool_whose_account_is_not_held_is_market_data() -> None:
    told = SimpleNamespace(dependencies=[])
    engine = SimpleNamespace(pool=lambda address: told, held_accounts=lambda names: [None] * len(names))
    pytest.importorskip("solders")
    from phantom_arbiter.execution.shadow_probe import ShadowProbe
    from phantom_arbiter.execution.svm import Svm

    with pytest.raises(MarketDataError, match="not held"):
        ShadowProbe(cast(Engine, engine), [], Svm({})).compare(TOKEN, TOKEN, 1)


def test_watch_sums_up_what_was_compared() -> None:
    pytest.importorskip("solders")
    from phantom_arbiter.execution.quote_watch import QuoteWatch
    from phantom_arbiter.execution.svm import Svm

    class Market(Gate):
        fee_engine = None

    watch = QuoteWatch(
        cast(Engine, Market()),
        Svm({}),
        [],
        ALL,
        lambda pool: SimpleNamespace(venue="a", program="p"),
        missing=lambda accounts: None,
        changed=lambda change: None,
        notice=lambda text: None,
    )
    watch.check.take(compared(1_000_000))
    watch.check.take(compared(999_999))
    watch.patrol.skipped = 2
    assert watch.summary() == [
        "shadow check: a: 2 quotes compared, 1 wrong, worst 1.0 ppm, mean 0.5 ppm",
        "shadow check: 2 quotes could not be compared",
    ]


def test_probe_that_cannot_be_run_decides_nothing_and_names_what_it_lacks() -> None:
    missing: list[tuple[str, ...]] = []
    check = ShadowCheck(ALL, Gate())
    lacking = replace(rehearsed(kind=Kind.NO_ACCOUNT, agrees=None), missing_accounts=("here",))
    probe = Probe(lacking, MarketDataError("set aside"), rehearsed(kind=Kind.NO_PROGRAM, agrees=None))
    patrol = ShadowPatrol(check, probe, missing=lambda accounts: missing.append(tuple(accounts)))
    patrol.quoted(7, [Quoted("a", "pool", "mint", amount) for amount in (1, 2, 3)])
    assert (patrol.skipped, missing, check.records()) == (3, [("here",)], [])
