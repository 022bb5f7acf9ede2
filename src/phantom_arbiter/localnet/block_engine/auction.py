"""The block engine behind all regions: which bundles are known, when they run, and what became of them.

Bundles gather until the next tick of 50 ms, where the highest tip per compute unit asked for goes first.
Where slots begin by hand, a bundle runs as soon as it is taken in, unless auctions are held back. Each runs
on what those before it left; one that fails leaves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet.accounts import AccountState, rent_exempt_minimum
from phantom_arbiter.localnet.bank import SLOT_MS, Bank
from phantom_arbiter.localnet.block_engine import errors
from phantom_arbiter.localnet.block_engine.bundle import (
    MIN_TIP_LAMPORTS,
    TIP_ACCOUNTS,
    Bundle,
    Rejection,
    Status,
    bundle_id,
    check_transactions,
)
from phantom_arbiter.localnet.fees import compute_unit_limit
from phantom_arbiter.localnet.machine import Machine
from phantom_arbiter.localnet.outcomes import Outcome, message_of

TICK_S: Final = 0.05
LOOKBACK_SLOTS: Final = 5 * 60 * 1_000 // SLOT_MS
"""Slots for which a bundle is in flight: five minutes (jito-docs)."""
_KEPT_BUNDLES: Final = 10_000
_TIP_PROGRAM: Final = "T1pyyaTNZsKv2WcRAB8oVnk93mLJw2XzjtVYqCsaHqt"
_TIP_ACCOUNT_LEN: Final = 9


@dataclass(frozen=True, slots=True)
class _Bid:
    """A bundle that waits in a region."""

    bundle: Bundle
    region: str
    due_slot: int
    verdict: Rejection | None
    falls_back: bool


class BlockEngine:
    """Takes bundles in, runs auctions, remembers what became of each."""

    def __init__(self, bank: Bank, machine: Machine, *, is_manual: bool) -> None:
        """Put the tip accounts into the bank, if they are not there.

        Args:
            bank: Where bundles land.
            machine: What carries them out.
            is_manual: Slots begin by hand: auctions do not wait for a tick.
        """
        self._bank = bank
        self._machine = machine
        self._is_manual = is_manual
        self._is_held = False
        self._bundles: dict[str, Bundle] = {}
        self._bids: list[_Bid] = []
        self._tick: asyncio.TimerHandle | None = None
        for key in TIP_ACCOUNTS:
            if bank.accounts.latest(key) is None:
                lamports = rent_exempt_minimum(_TIP_ACCOUNT_LEN)
                bank.load(key, AccountState(_TIP_PROGRAM, lamports, bytes(_TIP_ACCOUNT_LEN)))
        bank.after_advance(self._slot_began)

    # ---- taking in

    def take(
        self,
        region: str,
        transactions: Sequence[VersionedTransaction],
        *,
        verdict: Rejection | None = None,
        delay_slots: int = 0,
        falls_back: bool = False,
    ) -> Bundle:
        """Take a bundle in; it runs in the next auction.

        Args:
            region: Which region takes it in.
            transactions: In their order.
            verdict: Refuse it in the auction for this reason, whatever it does.
            delay_slots: Slots that begin before it may run.
            falls_back: If it does not land as a bundle, its transactions are sent as ordinary ones.

        Raises:
            EngineError: It is no bundle, holds what cannot land any more, or waits in the region already.
        """
        check_transactions(transactions)
        self._check_current(transactions)
        identity = bundle_id(transactions)
        bundle = self._bundles.get(identity)
        if bundle is None:
            bundle = self._bundles[identity] = Bundle(identity, tuple(transactions), self._bank.slot)
            if len(self._bundles) > _KEPT_BUNDLES:
                del self._bundles[next(iter(self._bundles))]
        elif region in bundle.pending:
            raise errors.refusal(errors.DUPLICATE_BUNDLE)
        bundle.pending.add(region)
        bundle.rejections.pop(region, None)
        self._bids.append(_Bid(bundle, region, self._bank.slot + delay_slots, verdict, falls_back))
        self._arm()
        return bundle

    def _check_current(self, transactions: Sequence[VersionedTransaction]) -> None:
        for transaction in transactions:
            obstacle = self._machine.obstacle(transaction)
            if obstacle == "AlreadyProcessed":
                raise errors.refusal(errors.ALREADY_PROCESSED)
            # A nonce that an earlier transaction of the bundle initialises is not known yet, nor need it be.
            if obstacle is not None:
                raise errors.refusal(errors.EXPIRED_BLOCKHASH)

    # ---- auctions

    def hold(self) -> None:
        """Let bundles wait until `run_auction` or `release`."""
        self._is_held = True

    def release(self) -> None:
        """Let auctions take place by themselves again; one does at once."""
        self._is_held = False
        self.run_auction()

    def stop(self) -> None:
        """Hold no further auction."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def _arm(self) -> None:
        if self._is_held:
            return
        if self._is_manual:
            self.run_auction()
        elif self._tick is None:
            loop = asyncio.get_running_loop()
            self._tick = loop.call_later(TICK_S - loop.time() % TICK_S, self._on_tick)

    def _on_tick(self) -> None:
        self._tick = None
        if not self._is_held:
            self.run_auction()

    def _slot_began(self) -> None:
        if self._bids and not self._is_held:
            self._arm()

    def run_auction(self) -> None:
        """Run all bundles that are due, the highest tip per compute unit first."""
        due = [bid for bid in self._bids if bid.due_slot <= self._bank.slot]
        self._bids = [bid for bid in self._bids if bid.due_slot > self._bank.slot]
        if len(due) > 1:
            prices = {bid.bundle.id: self._price(bid.bundle) for bid in due}
            due.sort(key=lambda bid: -prices[bid.bundle.id])
        for bid in due:
            self._settle(bid)

    def _price(self, bundle: Bundle) -> float:
        """Return lamports of tip per compute unit asked for, as things stand before the auction."""
        outcomes = self._machine.try_all(bundle.transactions)
        if outcomes[-1].err is not None:
            return 0.0
        units = sum(compute_unit_limit(message_of(each)) for each in bundle.transactions)
        return self._tip(outcomes) / max(units, 1)

    def _settle(self, bid: _Bid) -> None:
        bundle = bid.bundle
        bundle.pending.discard(bid.region)
        if bundle.landed_slot is not None:
            return
        bundle.decided_slot = self._bank.slot
        reason = bid.verdict or self._carry_out(bundle)
        if reason is None:
            bundle.landed_slot = self._bank.slot
            return
        bundle.rejections[bid.region] = reason
        if bid.falls_back and bid.verdict is not Rejection.DROPPED:
            for transaction in bundle.transactions:
                if self._machine.obstacle(transaction) is None:
                    self._machine.execute(transaction)

    def _carry_out(self, bundle: Bundle) -> Rejection | None:
        """Carry a bundle out; return why it does not land, None if it did."""

        def pays(outcomes: list[Outcome]) -> bool:
            bundle.tip_lamports = self._tip(outcomes)
            return bundle.tip_lamports >= MIN_TIP_LAMPORTS

        outcomes = self._machine.execute_all(bundle.transactions, pays)
        bundle.err = outcomes[-1].err
        if bundle.err == "BlockhashNotFound":
            return Rejection.BLOCKHASH_EXPIRED
        if bundle.err is not None:
            return Rejection.SIMULATION_FAILURE
        return None if bundle.tip_lamports >= MIN_TIP_LAMPORTS else Rejection.AUCTION_LOST

    def _tip(self, outcomes: Sequence[Outcome]) -> int:
        """Return the lamports that tip accounts gained over all transactions of a bundle."""
        after: dict[str, int] = {}
        for outcome in outcomes:
            for key in TIP_ACCOUNTS:
                if key in outcome.accounts:
                    after[key] = outcome.accounts[key].lamports
        gained = 0
        for key, lamports in after.items():
            held = self._bank.accounts.latest(key)
            gained += lamports - (0 if held is None or held[1] is None else held[1].lamports)
        return gained

    def forget_landing(self, slot: int) -> None:
        """Take notice that the block of `slot` was not built upon: of its bundles nothing more is heard."""
        for bundle in self._bundles.values():
            if bundle.landed_slot == slot:
                bundle.landed_slot = None
                bundle.rejections["uncled"] = Rejection.DROPPED

    # ---- what became of them

    def bundle(self, identity: str) -> Bundle | None:
        """Return a bundle that was taken in, None if there is none."""
        return self._bundles.get(identity)

    def inflight_status(self, identity: str, slot: int) -> Status:
        """Return what getInflightBundleStatuses says in `slot`; of older ones nothing is known any more."""
        bundle = self._bundles.get(identity)
        if bundle is None or not 0 <= slot - bundle.received_slot <= LOOKBACK_SLOTS:
            return Status.INVALID
        if bundle.decided_slot is None or bundle.decided_slot > slot:
            return Status.PENDING
        return bundle.status

    def counts(self) -> dict[str, Any]:
        """Return how many of the bundles that are remembered have which status."""
        statuses = [bundle.status for bundle in self._bundles.values()]
        return {status.value: statuses.count(status) for status in Status if status is not Status.INVALID}
