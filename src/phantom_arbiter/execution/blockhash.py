"""The newest blockhash that endpoints agree on, kept at hand for the moment a transaction is signed.

It is read at `confirmed` by default. A finalized one is 32 slots old, a fifth of its life. One at `processed`
is a second younger, but is lost with its fork: what was signed with it can then never land.

A wrong hash costs an attempt. A last valid block height that is too low is worse: an attempt would be taken
for dead while it can still land. So the height that is handed out is the highest that truthful endpoints
name: every hash that exists by then is dead at that height. Endpoints that stand apart are not truthful.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from phantom_arbiter.errors import ConfigError, EndpointError
from phantom_arbiter.execution.chain import Blockhash, Commitment, Rpc, read_blockhash

MAX_PROCESSING_AGE: Final = 150
"""Blocks for which a blockhash is good (sdk clock)."""

SLOT_S: Final = 0.4
"""Length of a slot in seconds, as the network aims at; clock `DEFAULT_MS_PER_SLOT`."""

MAX_ASKED: Final = 8
"""Endpoints that are asked at each look."""

Reason = Literal["no_blockhash", "blockhash_too_old"]


class Named(Protocol):
    """An endpoint, as far as its name goes."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


class BlockhashRpc(Rpc, Protocol):
    """Calls methods at endpoints that are named, as `RpcPool` does."""

    @property
    def endpoints(self) -> Sequence[Named]:
        """The endpoints."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockhashRules:
    """How blockhashes are followed.

    Attributes:
        commitment: At which they are read.
        refresh_s: Seconds between two looks.
        min_blocks_left: Least blocks for which one must still hold to be handed out.
        quorum: Endpoints that must know a hash.
        max_spread_blocks: Blocks by which endpoints may differ; 64 are 25 seconds.
    """

    commitment: Commitment = "confirmed"
    refresh_s: float = 2.0
    min_blocks_left: int = 75
    quorum: int = 1
    max_spread_blocks: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.min_blocks_left < MAX_PROCESSING_AGE:
            raise ConfigError(f"min_blocks_left is {self.min_blocks_left}, it may be 1 to 149")
        if self.quorum < 1:
            raise ConfigError(f"quorum is {self.quorum}, it may be 1 or more")


@dataclass(frozen=True, slots=True)
class BlockhashRefused:
    """Why there is no blockhash to sign with.

    Attributes:
        reason: `no_blockhash`: none was agreed on yet; `blockhash_too_old`: the newest is too old.
        blocks_left: Blocks for which it holds at least; None if there is none.
        detail: The same in words.
    """

    reason: Reason
    blocks_left: int | None
    detail: str


class BlockhashCache:
    """Follows the newest blockhash; `take` hands it out without waiting."""

    def __init__(
        self,
        rpc: BlockhashRpc,
        rules: BlockhashRules | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Prepare.

        Args:
            rpc: Whom to ask: all its endpoints, at most `MAX_ASKED`.
            rules: How often, and what is believed.
            now: Seconds of a monotonic clock.
            sleep: Waits between looks.
            notice: Told once of each endpoint that fails or stands apart.

        Raises:
            ConfigError: There are fewer endpoints than must agree.
        """
        self.rules = rules or BlockhashRules()
        names = [endpoint.name for endpoint in rpc.endpoints][:MAX_ASKED]
        if self.rules.quorum > len(names):
            raise ConfigError(
                f"{self.rules.quorum} endpoints are to agree on a blockhash, there are {len(names)}"
            )
        self._rpc, self._names = rpc, names
        self._now, self._sleep, self._notice = now, sleep, notice
        self._held: Blockhash | None = None
        self._held_since = 0.0
        self._slot = 0
        self.failures: Counter[str] = Counter()
        """Looks at which an endpoint gave no good answer, by name."""
        self.outvoted: Counter[str] = Counter()
        """Looks at which it stood apart from the others."""

    # ---- handing out

    def take(self) -> Blockhash | BlockhashRefused:
        """Return the newest blockhash, or why there is none to sign with."""
        held = self._held
        if held is None:
            return BlockhashRefused("no_blockhash", None, "no blockhash has been agreed on yet")
        left = self.blocks_left(held)
        least = self.rules.min_blocks_left
        if left < least:
            detail = f"the newest blockhash holds for {max(0, left)} blocks more, {least} are wanted"
            return BlockhashRefused("blockhash_too_old", max(0, left), detail)
        return held

    def blocks_left(self, blockhash: Blockhash) -> int:
        """Return for how many blocks a blockhash that this cache handed out holds at least.

        Counted as if every slot since had a block, by the clock or by `reached_slot`, whichever is later.
        """
        seconds = self._now() - self._held_since if blockhash is self._held else 0.0
        slots = max(int(seconds / SLOT_S), self._slot - blockhash.slot)
        return MAX_PROCESSING_AGE - max(0, slots)

    def reached_slot(self, slot: int) -> None:
        """Take notice of the slot that the chain has reached, as a trusted source tells."""
        self._slot = max(self._slot, slot)

    # ---- following

    async def run(self) -> None:
        """Look again and again until it is cancelled; what fails is told once and tried again."""
        while True:
            await self.look()
            await self._sleep(self.rules.refresh_s)

    async def look(self) -> bool:
        """Ask all endpoints once; return whether a blockhash was agreed on that may be handed out."""
        asked_at = self._now()
        told = await asyncio.gather(*(self._ask(name) for name in self._names))
        truthful = self._truthful([each for each in told if each is not None])
        highest = max((each.last_valid_block_height for each in truthful), default=0)
        self.reached_slot(max((each.slot for each in truthful), default=0))
        for candidate in sorted(truthful, key=lambda each: each.slot, reverse=True):
            if self._held is not None and candidate.slot < self._held.slot:
                break
            if await self._is_agreed(candidate, truthful):
                self._held = replace(candidate, last_valid_block_height=highest)
                self._held_since = asked_at
                return True
        return self._held is not None and not isinstance(self.take(), BlockhashRefused)

    async def _ask(self, name: str) -> Blockhash | None:
        try:
            return await read_blockhash(self._rpc, self.rules.commitment, endpoint=name)
        except EndpointError as error:
            self._failed(name, str(error))
            return None

    def _truthful(self, told: Sequence[Blockhash]) -> list[Blockhash]:
        """Return those that stand together: within the spread of the middle one.

        Of two that stand apart neither is believed: there is no telling which of them lies.
        """
        spread = self.rules.max_spread_blocks
        middle = _middle([each.last_valid_block_height for each in told])
        slots = _middle([each.slot for each in told])
        near = [
            each
            for each in told
            if abs(each.last_valid_block_height - middle) <= spread and abs(each.slot - slots) <= spread
        ]
        if len(told) == 2 and _differ(told, spread):
            near = []
        for each in told:
            if each not in near:
                self.outvoted[each.endpoint] += 1
                if self.outvoted[each.endpoint] == 1:
                    self._notice(
                        f"blockhash: endpoint {each.endpoint} names block height "
                        f"{each.last_valid_block_height} in slot {each.slot}, others {middle} in {slots}"
                    )
        return near

    async def _is_agreed(self, candidate: Blockhash, truthful: Sequence[Blockhash]) -> bool:
        voices = {each.endpoint for each in truthful if each.blockhash == candidate.blockhash}
        if len(voices) >= self.rules.quorum:
            return True
        others = [each.endpoint for each in truthful if each.endpoint not in voices]
        knows = await asyncio.gather(*(self._knows(name, candidate) for name in others))
        return len(voices) + sum(knows) >= self.rules.quorum

    async def _knows(self, name: str, candidate: Blockhash) -> bool:
        config = {"commitment": self.rules.commitment}
        try:
            answer = await self._rpc.call(
                "isBlockhashValid", [candidate.blockhash, config], check=_check_bool, endpoint=name
            )
        except EndpointError as error:
            self._failed(name, str(error))
            return False
        return answer.result["value"] is True

    def _failed(self, name: str, text: str) -> None:
        self.failures[name] += 1
        if self.failures[name] == 1:
            self._notice(f"blockhash: {text}")


def _middle(numbers: Sequence[int]) -> int:
    """Return the middle one; of an even count the lower of the two."""
    return sorted(numbers)[(len(numbers) - 1) // 2] if numbers else 0


def _differ(told: Sequence[Blockhash], spread: int) -> bool:
    one, other = told
    heights = abs(one.last_valid_block_height - other.last_valid_block_height)
    return heights > spread or abs(one.slot - other.slot) > spread


def _check_bool(result: Any) -> None:
    if not isinstance(result, dict) or not isinstance(result.get("value"), bool):
        raise ValueError("neither true nor false")


__all__ = ["Blockhash", "BlockhashCache", "BlockhashRefused", "BlockhashRules", "Reason"]
