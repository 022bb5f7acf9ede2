"""A journal of a live run: one attempt of each ending, signed on one day and landed on the next."""

from __future__ import annotations

from pathlib import Path

from phantom_arbiter.domain import OnChain, Outcome, Plan
from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.findings import Facts, Finding, Phase
from phantom_arbiter.execution.settlement import outcome_of, terms_of
from phantom_arbiter.journal import Journal, RunIdentity
from phantom_arbiter.risk import booked
from shell_fakes import USDC, WSOL, opportunity, plan

SLOT = 402_000_000
SIGNED = 1_795_391_990
"""2026-11-22 23:59:50 UTC."""
VENUES = ("orca_whirlpool", "raydium_clmm")


def submission(number: int, *, nonce_account: str | None = None) -> Submission:
    return Submission(
        signature=f"{number}" * 88,
        wire=b"signed",
        blockhash="9" * 44,
        last_valid_block_height=None if nonce_account else 380_000_150,
        nonce_account=nonce_account,
        wallet="W" * 44,
        base_account="B" * 44,
        tip_lamports=10_000,
        compute_unit_limit=300_000,
        compute_unit_price_micro_lamports=13_334,
    )


def planned(number: int, mint: str = WSOL) -> Plan:
    found = opportunity(number, SLOT + number * 100, base_mint=mint, gross_profit=3_000_000, cost=19_000)
    return plan(found)


def on_chain(*, tip: int, gain: int) -> OnChain:
    return OnChain(SLOT + 5, SIGNED + 15, 9_001, tip, 0, 211_334, -9_001 - tip, gain)


def landed(trade: Plan, error: str | None, sends: int) -> Outcome:
    facts = Facts(on_chain(tip=0 if error else 10_000, gain=0 if error else 2_999_412), error)
    return outcome_of(terms_of(trade), Finding(Phase.LANDED, facts), sends=sends)


def write_live_day(path: Path, summary: str | None = None) -> None:
    """Write five attempts: filled, failed on the chain, dead, of another mint and open, and never signed.

    And how the run ended, if that is given.
    """
    with Journal(path, unix_time=lambda: SIGNED) as journal:
        journal.begin_run(RunIdentity("live", "live, from a", "cd" * 32, "0.1.0", "main"))
        plans = [planned(1), planned(2), planned(3), planned(4, USDC), planned(5)]
        ids = []
        for number, trade in enumerate(plans, start=1):
            signed = None
            if number != 5:
                signed = submission(number, nonce_account="N" * 44 if number == 3 else None)
            entry = booked(trade, VENUES if number % 2 else VENUES[:1], trade.slot)
            ids.append(journal.intent(trade, entry, signed))
        first = submission(1).signature
        journal.answered(first, DispatchAnswer("frankfurt", "accepted", 31_200, None, "b" * 64))
        journal.answered(first, DispatchAnswer("ny", "rate_limited", 88_000, 429))
        journal.outcome(ids[0], landed(plans[0], None, 2), SLOT + 6)
        journal.outcome(ids[1], landed(plans[1], "slippage", 1), SLOT + 7)
        dead = outcome_of(terms_of(plans[2]), Finding(Phase.DEAD), has_nonce=True, sends=1)
        journal.outcome(ids[2], dead, SLOT + 900)
        journal.close_never_sent(ids[4])
        if summary is not None:
            journal.end_run(summary, SIGNED + 60)
