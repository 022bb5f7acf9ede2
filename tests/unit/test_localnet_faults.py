"""Fault plans: what they do to notifications, and that a seed decides."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.localnet.faults.delivery import Counts, Delivery
from phantom_arbiter.localnet.faults.lies import IMPOSSIBLE_SLOTS_AHEAD, Liar
from phantom_arbiter.localnet.faults.plan import FaultPlan, load_plans
from phantom_arbiter.localnet.loops import loop_factory
from phantom_arbiter.localnet.notices import AccountNotice, EventNotice, Notice, RawNotice

Result = TypeVar("Result")
KEYS = tuple("ABCD")


def writes(count: int, per_slot: int = 8) -> list[AccountNotice]:
    """Return writes of four accounts in turn; lamports number them."""
    return [
        AccountNotice(KEYS[number % 4], 100 + number // per_slot, AccountState("own", number, b"data"))
        for number in range(count)
    ]


def delivered(
    plan: FaultPlan, notices: Iterable[Notice], seed: int = 1, *, flush: bool = False
) -> tuple[list[Notice], Counts]:
    """Return what a plan lets through, in order, once all delays have passed."""

    async def run() -> tuple[list[Notice], Counts]:
        got: list[Notice] = []
        counts = Counts()
        delivery = Delivery(
            plan, Random(seed), Liar(f"test {seed}"), lambda notice, _: got.append(notice), counts
        )
        slot = 0
        for notice in notices:
            if notice.slot > slot:
                slot = notice.slot
                delivery.slot_began(slot)
            delivery.push(notice, None)
        if flush:
            delivery.flush()
        while len(delivery) and not plan.lag_slots:
            delivery.slot_began(slot + 1)
            await asyncio.sleep(0.001)
        return got, counts

    return on_loop(run())


def on_loop(test: Coroutine[Any, Any, Result]) -> Result:
    """Run on uvloop where it is installed, as the command does."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(test)


def numbers(notices: Iterable[Notice], key: str | None = None) -> list[int]:
    return [
        notice.state.lamports
        for notice in notices
        if isinstance(notice, AccountNotice) and key in (None, notice.pubkey)
    ]


def test_without_faults_everything_passes_in_order() -> None:
    assert numbers(delivered(FaultPlan(), writes(50))[0]) == list(range(50))


def test_one_seed_gives_one_sequence_of_faults() -> None:
    plan = FaultPlan(loss=0.2, duplicate=0.2, conflate=0.3, garbage=0.1, lie=0.1)

    def run(seed: int) -> list[object]:
        got, _ = delivered(plan, writes(400), seed)
        return [each.frame if isinstance(each, RawNotice) else (each.slot, each.order_key) for each in got]

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_loss_and_duplicates_have_their_rates() -> None:
    got, counts = delivered(FaultPlan(loss=0.1), writes(4_000))
    assert len(got) == 4_000 - counts.lost
    assert 300 < counts.lost < 500
    got, counts = delivered(FaultPlan(duplicate=0.1), writes(4_000))
    assert len(got) == 4_000 + counts.duplicated
    assert 300 < counts.duplicated < 500
    assert numbers(got) == sorted(numbers(got))


def test_all_lost_is_nothing() -> None:
    assert delivered(FaultPlan(loss=1.0), writes(20))[0] == []


@pytest.mark.parametrize("reorder", [False, True])
def test_jitter_keeps_the_order_within_an_account(reorder: bool) -> None:
    got, _ = delivered(FaultPlan(jitter_ms=5.0, reorder=reorder), writes(300))
    assert len(got) == 300
    for key in KEYS:
        assert numbers(got, key) == sorted(numbers(got, key))
    assert (numbers(got) == list(range(300))) is not reorder


def test_order_within_an_account_is_lost_on_demand_only() -> None:
    got, _ = delivered(FaultPlan(jitter_ms=5.0, reorder_within_account=True), writes(300))
    assert any(numbers(got, key) != sorted(numbers(got, key)) for key in KEYS)


def test_conflation_keeps_the_last_write_of_every_account_and_slot() -> None:
    sent = writes(400)
    got, counts = delivered(FaultPlan(conflate=0.7), sent)
    assert counts.conflated > 50
    assert len(got) == 400 - counts.conflated
    for slot in range(100, 150):
        for key in KEYS:
            last = [each.state.lamports for each in sent if (each.slot, each.pubkey) == (slot, key)][-1]
            seen = [
                each.state.lamports
                for each in got
                if isinstance(each, AccountNotice) and (each.slot, each.pubkey) == (slot, key)
            ]
            assert seen[-1] == last
            assert seen == sorted(seen)


def test_full_conflation_gives_one_write_a_slot() -> None:
    got, _ = delivered(FaultPlan(conflate=1.0), writes(400))
    assert len(got) == 50 * 4


@pytest.mark.parametrize("replaces", [False, True])
def test_lies_are_impossible_slots_wrong_owners_and_wrong_data(replaces: bool) -> None:
    sent = writes(600)
    got, counts = delivered(FaultPlan(lie=0.3, lie_replaces=replaces), sent)
    told = {id(each) for each in sent}
    lies = [each for each in got if id(each) not in told]
    assert len(lies) == counts.lies
    assert len(got) == (600 if replaces else 600 + counts.lies)
    kinds = set()
    for lie in lies:
        assert isinstance(lie, AccountNotice)
        if lie.slot > IMPOSSIBLE_SLOTS_AHEAD:
            kinds.add("slot")
        elif lie.state.owner != "own":
            kinds.add("owner")
        else:
            assert lie.state.data != b"data"
            kinds.add("data")
    assert kinds == {"slot", "owner", "data"}


def test_garbage_is_no_notification() -> None:
    got, counts = delivered(FaultPlan(garbage=0.5), writes(200))
    garbage = [each for each in got if isinstance(each, RawNotice)]
    assert len(garbage) == counts.garbage > 50
    assert numbers(got) == list(range(200))


def test_a_lagging_endpoint_is_late_by_whole_slots() -> None:
    got, _ = delivered(FaultPlan(lag_slots=3), writes(80))
    assert {each.slot for each in got} == set(range(100, 107))
    got, _ = delivered(FaultPlan(lag_slots=3), writes(80), flush=True)
    assert numbers(got) == list(range(80))


def test_a_stall_holds_everything_back_and_lets_it_go_in_order() -> None:
    async def run() -> list[int]:
        got: list[Notice] = []
        delivery = Delivery(
            FaultPlan(), Random(1), Liar("test"), lambda notice, _: got.append(notice), Counts()
        )
        delivery.stall(0.02)
        for notice in writes(20):
            delivery.push(notice, None)
        assert got == []
        while len(delivery):
            await asyncio.sleep(0.001)
        return numbers(got)

    assert on_loop(run()) == list(range(20))


def test_events_are_delayed_but_never_conflated_or_lied_about() -> None:
    events = [EventNotice("slotNotification", slot, {"slot": slot}) for slot in range(100)]
    got, counts = delivered(FaultPlan(conflate=1.0, lie=1.0), events)
    assert got == events
    assert counts.lies == 0


def test_plans_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(
        "[default]\ndelay_ms = 2\nloss = 0.5\n\n[[endpoint]]\nloss = 0.0\n\n[[endpoint]]\n"
        'lie = 0.1\nlie_kinds = ["data"]\n'
    )
    assert load_plans(path, 3) == [
        FaultPlan(delay_ms=2, loss=0.0),
        FaultPlan(delay_ms=2, loss=0.5, lie=0.1, lie_kinds=("data",)),
        FaultPlan(delay_ms=2, loss=0.5),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[default\n", "is no TOML"),
        ("loss = 1\n", "unknown key loss"),
        ("[default]\nlos = 1\n", r"\[default\]: unknown key los; hint: did you mean loss"),
        ("[default]\nxyzzy = 1\n", r"unknown key xyzzy; hint: known are conflate, delay_ms, "),
        ("[default]\nloss = 1.5\n", "loss is 1.5, it may be 0 to 1"),
        ("[default]\nloss = -1\n", "loss is -1, it may be a number from 0"),
        ("[default]\nloss = true\n", "loss is True, it may be a number from 0"),
        ("[default]\nreorder = 1\n", "reorder is 1, it may be true or false"),
        ("[default]\nlag_slots = 1.5\n", "lag_slots is 1.5, it may be a whole number"),
        ("[default]\nlag_slots = 151\n", "lag_slots is 151, it may be 0 to 150"),
        ('[default]\nlie_kinds = ["all"]\n', "lie_kinds is .*, it may hold data, slot, owner"),
        ("[default]\nlie_kinds = 5\n", "lie_kinds"),
        ('[default]\ndelay_ms = "1"\n', "delay_ms is '1', it may be a number from 0"),
        ("[default]\ndelay_ms = inf\n", "delay_ms is inf"),
        ("endpoint = 5\n", "endpoint"),
        ("default = 5\n", "is no table"),
        ("[[endpoint]]\n[[endpoint]]\n[[endpoint]]\n", "has 3 endpoints, the net has 2; hint: --endpoints 3"),
        ("[[endpoint]]\n[[endpoint]]\nlos = 1\n", "endpoint 2: unknown key los"),
    ],
)
def test_wrong_plans_say_which_key_and_what_it_may_be(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_plans(path, 2)


def test_a_file_in_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_bytes("[default] # für später".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_plans(path, 1)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_plans(tmp_path / "none.toml", 1)
