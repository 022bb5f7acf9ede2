"""The pages fold records as `RunModel` does: both read the same made-up run, and agree on what it tells.

`galaxy/tests/folded.test.ts` folds `records.jsonl` in TypeScript and compares with `folded.json`. Here both
files are compared with what Python makes of the same seed. To write them anew:
`python tests/unit/test_galaxy_samples.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from phantom_arbiter.telemetry.model import RunModel
from phantom_arbiter.telemetry.records import Published
from telemetry_samples import SampleRun

DATA = Path(__file__).parents[2] / "galaxy" / "tests" / "data"
STEPS = 40


def records() -> list[Published]:
    run = SampleRun(pools=8, seed=11)
    told: list[Published] = [run.hello(), run.snapshot()]
    for step in range(STEPS):
        told += run.step(6, 250_000_000)
        if step % 10 == 9:
            told.append(run.status())
        if step == STEPS // 2:
            told.append(run.snapshot())
    return [*told, run.trade(), run.refusal(), run.notice("a notice")]


def folded(told: list[Published]) -> dict[str, Any]:
    model = RunModel()
    for record in told:
        model.apply(record)
    return {
        "seq": model.seq,
        "at_ns": model.at_ns,
        "unix_ms": model.unix_ms,
        "slot": model.slot,
        "gaps": model.gaps,
        "states": [model.states[n] for n in sorted(model.states)],
        "open": [[cycle.opened, cycle.judged] for cycle in model.open.values()],
        "closed": [[cycle.opened.id, cycle.closed_slot, cycle.judged] for cycle in model.closed],
        "trades": [trade.attempt_id for trade in model.trades],
        "refusals": len(model.refusals),
        "notices": [notice.text for notice in model.notices],
        "per_minute": {stage: round(rate, 6) for stage, rate in model.per_minute().items()},
    }


def as_lines(told: list[Published]) -> bytes:
    return b"".join(msgspec.json.encode(record) + b"\n" for record in told)


def as_json(facts: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n"


def test_the_pages_samples_are_what_python_makes() -> None:
    told = records()
    assert (DATA / "records.jsonl").read_bytes() == as_lines(told)
    assert (DATA / "folded.json").read_bytes() == as_json(folded(told))


def test_the_sample_has_openings_closings_and_a_gap() -> None:
    facts = folded(records())
    assert facts["open"]
    assert facts["closed"]
    assert facts["gaps"] == 2


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    (DATA / "records.jsonl").write_bytes(as_lines(records()))
    (DATA / "folded.json").write_bytes(as_json(folded(records())))
