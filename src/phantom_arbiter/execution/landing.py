"""Watching signatures until it is certain what became of them.

Every endpoint is asked in a loop of its own, so a slow or silent one holds up nobody; what it says is one
voice in `findings.judge`. An endpoint's word that a transaction is *gone* is the end of a chain of questions
to that endpoint, in this order:

1. Its finalized chain is past the last block height at which the transaction could land, and its newest block
   refuses the blockhash. The second protects from a last valid height that was told wrongly. With a durable
   nonce instead: the finalized value of the nonce is another one, or its account is gone,
   `nonce_margin_slots` after the booking, so that a value that is not there yet is not taken for one that
   has passed. Nothing makes that happen by itself: an attempt with a nonce that never lands waits until
   somebody advances the nonce.
2. If that is long ago, its history must reach back to the booking.
3. Its whole history, seen from a slot after those answers, does not know the signature.

The same bytes may be sent again while nothing is known of them, for at most `RESEND_BLOCKS`: one signature
lands at most once. Nothing is ever signed anew.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from phantom_arbiter.errors import ConfigError, EndpointError, InvariantError
from phantom_arbiter.execution.balances import Expected
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.findings import Finding, Phase, Report, judge
from phantom_arbiter.execution.witnesses import MAX_STATUSES, Chain, Head

NOTHING_KNOWN = Finding(Phase.UNKNOWN)

RESEND_BLOCKS = 150
"""Blocks after the first look at it within which an attempt is sent again: as long as a blockhash lives."""

_TOLD = 256
"""Notices that are remembered, so that each is given once."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerRules:
    """How landings are watched.

    Attributes:
        quorum: Endpoints that must say the same before it counts.
        poll_s: Seconds between two rounds at one endpoint: about a slot.
        resend_every_blocks: Blocks after which the same bytes are sent again while nothing is known of them;
            0: never.
        nonce_margin_slots: Slots after the booking before a durable nonce with another value has passed.
        recent_blocks: So long after the last valid height a node still has all statuses in memory; later its
            history is checked for a beginning before the booking.
    """

    quorum: int = 1
    poll_s: float = 0.4
    resend_every_blocks: int = 8
    nonce_margin_slots: int = 150
    recent_blocks: int = 100


@dataclass(slots=True)
class _Watched:
    """One signature under watch, with the heights at the first look and at the last sending."""

    expected: Expected
    slot: int
    sends: int
    may_resend: bool
    first_height: int = 0
    sent_height: int | None = None
    reports: dict[str, Report] = field(default_factory=dict)
    finding: Finding = NOTHING_KNOWN

    @property
    def submission(self) -> Submission:
        return self.expected.submission


def _ignore(text: str) -> None:
    """Hear nothing."""


class LandingTracker:
    """Finds out what became of signatures; everything runs in one asyncio loop."""

    def __init__(
        self,
        chain: Chain,
        rules: TrackerRules | None = None,
        *,
        resend: Callable[[Submission], None] | None = None,
        may_send: Callable[[], bool] = lambda: True,
        on_certain: Callable[[str], None] = _ignore,
        notice: Callable[[str], None] = _ignore,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Prepare.

        Args:
            chain: Whom to ask.
            rules: How.
            resend: Hands the same bytes over again; None: nothing is sent again.
            may_send: Whether anything may be sent now; asked before every resend.
            on_certain: Told of a signature once its finding is certain.
            notice: Told why an endpoint says nothing, once for each endpoint and text.
            pause: Waits so many seconds.

        Raises:
            ConfigError: There are fewer endpoints than the quorum.
        """
        self.rules = rules or TrackerRules()
        if not 1 <= self.rules.quorum <= len(chain.endpoints):
            raise ConfigError(
                f"{self.rules.quorum} endpoints are to agree on a landing, there are {len(chain.endpoints)}",
                hint="add endpoints with an http_url under [[endpoints]], or lower trust.quorum",
            )
        self._chain = chain
        self._resend, self._may_send = resend, may_send
        self._on_certain, self._notice = on_certain, notice
        self._told: dict[tuple[str, str], None] = {}
        self._pause = pause
        self._watched: dict[str, _Watched] = {}
        self._heads: dict[str, Head] = {}
        self._wake = asyncio.Event()

    # ---- for whoever sends

    def watch(self, expected: Expected, slot: int, *, sends: int = 1, may_resend: bool = True) -> None:
        """Begin to watch a transaction, before it is sent.

        Args:
            expected: The transaction.
            slot: The highest slot known when it was booked.
            sends: How often it has been handed over.
            may_resend: Whether the same bytes may be sent again.

        Raises:
            InvariantError: It is watched already, or cannot expire.
        """
        submission = expected.submission
        if submission.signature in self._watched:
            raise InvariantError(f"signature {submission.signature} is watched already")
        if submission.last_valid_block_height is None and submission.nonce_account is None:
            raise InvariantError(f"signature {submission.signature} has neither last height nor nonce")
        self._watched[submission.signature] = _Watched(expected, slot, sends, may_resend)
        self._wake.set()

    def finding(self, signature: str) -> Finding:
        """Return what is known of a watched signature.

        Raises:
            InvariantError: It is not watched.
        """
        return self._of(signature).finding

    def submission(self, signature: str) -> Submission:
        """Return what a watched signature was signed for.

        Raises:
            InvariantError: It is not watched.
        """
        return self._of(signature).submission

    def sends(self, signature: str) -> int:
        """Return how often a watched signature has been handed over.

        Raises:
            InvariantError: It is not watched.
        """
        return self._of(signature).sends

    def forget(self, signature: str) -> None:
        """Watch a signature no longer, once its outcome is written."""
        self._watched.pop(signature, None)

    def waiting(self) -> list[str]:
        """Return the signatures of which nothing is certain yet."""
        return [name for name, each in self._watched.items() if not each.finding.is_certain]

    def _of(self, signature: str) -> _Watched:
        watched = self._watched.get(signature)
        if watched is None:
            raise InvariantError(f"signature {signature} is not watched")
        return watched

    # ---- asking

    async def run(self) -> None:
        """Ask every endpoint again and again for as long as this runs."""
        await asyncio.gather(*(self._follow(endpoint) for endpoint in self._chain.endpoints))

    async def _follow(self, endpoint: str) -> None:
        while True:
            if not self.waiting():
                self._wake.clear()
                await self._wake.wait()
            await self.ask(endpoint)
            await self._pause(self.rules.poll_s)

    async def poll(self) -> None:
        """Ask every endpoint once."""
        await asyncio.gather(*(self.ask(endpoint) for endpoint in self._chain.endpoints))

    async def ask(self, endpoint: str) -> None:
        """Ask one endpoint about everything that it can still tell; if it fails it has said nothing."""
        open_ones = [self._watched[name] for name in self.waiting()]
        asked = [each for each in open_ones if not _has_facts(each, endpoint)]
        try:
            if asked:
                await self._ask(endpoint, asked)
        except EndpointError as error:
            self._tell(endpoint, str(error))
        for each in open_ones:
            self._decide(each)

    async def _ask(self, endpoint: str, asked: Sequence[_Watched]) -> None:
        head = self._heads[endpoint] = await self._chain.head(endpoint)
        landed: list[_Watched] = []
        unseen: list[_Watched] = []
        for part in _parts(asked):
            statuses = await self._chain.statuses(endpoint, _names(part), history=False)
            for each, status in zip(part, statuses.found, strict=True):
                if status is None:
                    unseen.append(each)
                    _withdraw(each, endpoint)
                else:
                    each.reports[endpoint] = Report(is_seen=True)
                    if status:
                        landed.append(each)
        landed += await self._search(endpoint, head, unseen)
        for each in landed:
            try:
                facts = await self._chain.transaction(endpoint, each.expected)
            except EndpointError as error:
                self._tell(endpoint, str(error))
                continue
            if facts is not None:
                each.reports[endpoint] = Report(facts=facts)

    async def _search(self, endpoint: str, head: Head, unseen: Sequence[_Watched]) -> list[_Watched]:
        """Report those as gone that are; return those that have landed after all."""
        passed: list[tuple[_Watched, int]] = []
        for each in unseen:
            try:
                after = await self._cannot_land_after(endpoint, head, each)
            except EndpointError as error:
                self._tell(endpoint, str(error))
                continue
            if after is not None:
                passed.append((each, after))
        landed = []
        for part in _parts(passed):
            names = _names(each for each, _ in part)
            statuses = await self._chain.statuses(endpoint, names, history=True)
            for (each, after), status in zip(part, statuses.found, strict=True):
                if status is None and statuses.slot >= after:
                    each.reports[endpoint] = Report(is_gone=True)
                elif status is not None:
                    each.reports[endpoint] = Report(is_seen=True)
                    if status:
                        landed.append(each)
        return landed

    async def _cannot_land_after(self, endpoint: str, head: Head, each: _Watched) -> int | None:
        """Return the slot up to which it would have landed if ever, once it cannot any more; else None."""
        submission, rules = each.submission, self.rules
        if submission.nonce_account is not None:
            if head.slot < each.slot + rules.nonce_margin_slots:
                return None
            min_slot = each.slot + rules.nonce_margin_slots
            slot, value = await self._chain.nonce(endpoint, submission.nonce_account, min_slot)
            is_over = value != submission.blockhash
            return max(slot, head.slot) if is_over and await self._remembers(endpoint, each) else None
        last = submission.last_valid_block_height
        if last is None or head.block_height <= last:
            return None
        if await self._chain.is_blockhash_valid(endpoint, submission.blockhash, each.slot):
            return None
        is_recent = head.block_height <= last + rules.recent_blocks
        return head.slot if is_recent or await self._remembers(endpoint, each) else None

    async def _remembers(self, endpoint: str, each: _Watched) -> bool:
        if await self._chain.first_slot(endpoint) <= each.slot:
            return True
        self._tell(
            endpoint,
            f"endpoint {endpoint}: its history begins after slot {each.slot}, at which "
            f"{each.submission.signature} was booked: it cannot say that it never landed",
        )
        return False

    def _tell(self, endpoint: str, text: str) -> None:
        """Say why an endpoint says nothing, once: texts that differ in a number only are the same."""
        key = endpoint, re.sub(r"[0-9]+", "0", text)
        if key in self._told:
            return
        if len(self._told) >= _TOLD:
            del self._told[next(iter(self._told))]
        self._told[key] = None
        self._notice(f"asking what became of transactions: {text}")

    # ---- deciding

    def _decide(self, each: _Watched) -> None:
        if each.finding.is_certain:
            return
        each.finding = judge(each.reports, self.rules.quorum)
        if each.finding.is_certain:
            self._on_certain(each.submission.signature)
        elif each.finding.phase is Phase.UNKNOWN:
            self._send_again(each)

    def _send_again(self, each: _Watched) -> None:
        if self._resend is None or not each.may_resend or not self.rules.resend_every_blocks:
            return
        if not self._may_send():
            return
        heights = sorted((head.block_height for head in self._heads.values()), reverse=True)
        if len(heights) < self.rules.quorum:
            return
        height = heights[self.rules.quorum - 1]
        if each.sent_height is None:
            each.first_height = each.sent_height = height
            return
        last = each.submission.last_valid_block_height
        is_due = height >= each.sent_height + self.rules.resend_every_blocks
        until = each.first_height + RESEND_BLOCKS
        if is_due and height <= (until if last is None else min(last, until)):
            each.sent_height = height
            each.sends += 1
            self._resend(each.submission)


def _has_facts(each: _Watched, endpoint: str) -> bool:
    report = each.reports.get(endpoint)
    return report is not None and report.facts is not None


def _withdraw(each: _Watched, endpoint: str) -> None:
    """Let an endpoint's sighting go: what was seen on a fork that died was never there."""
    if each.reports.get(endpoint, Report()).is_seen:
        del each.reports[endpoint]


def _names(watched: Iterable[_Watched]) -> list[str]:
    return [each.submission.signature for each in watched]


def _parts(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[at : at + MAX_STATUSES] for at in range(0, len(items), MAX_STATUSES))
