"""JSON-RPC over HTTP from several endpoints as if they were one good one.

A call goes to the endpoint that looks best: not behind, fast, seldom wrong. When it fails the next one is
asked at once; when it takes long the next one is asked as well, and the first good answer wins. When all have
failed, the round is repeated after a pause. What an endpoint asks for (429, `Retry-After`, -32005, its own
limit) is respected; one that keeps failing is left alone for a while (`rpc_pool/health.py`).

An answer is good only if it is what was asked for: the right id, the right shape, not behind
`minContextSlot`, and not ahead of what the other endpoints have seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from phantom_arbiter.errors import (
    AccessDenied,
    ConfigError,
    EndpointDown,
    EndpointError,
    RateLimited,
    StaleSlot,
    TransientError,
)
from phantom_arbiter.sources.endpoints import Commitment, Endpoint
from phantom_arbiter.sources.rpc_pool.batches import pack
from phantom_arbiter.sources.rpc_pool.checks import (
    ProgramAccount,
    check_accounts,
    check_slot,
    program_accounts,
)
from phantom_arbiter.sources.rpc_pool.health import BreakerRules, Health, reference_slot
from phantom_arbiter.sources.rpc_pool.member import Answer, Ask, Member
from phantom_arbiter.sources.rpc_pool.meter import Meter
from phantom_arbiter.sources.rpc_pool.race import collect, race
from phantom_arbiter.sources.rpc_pool.transport import Transport
from phantom_arbiter.sources.rpc_pool.wire import encode

MAX_ACCOUNTS = 100
"""Addresses in one `getMultipleAccounts`; rpc.rs `MAX_MULTIPLE_ACCOUNTS`."""


SLOT_S = 0.4
"""Length of a slot in seconds, as the network aims at; clock `DEFAULT_MS_PER_SLOT`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcRules:
    """How hard the pool tries.

    Attributes:
        timeout_s: Seconds an endpoint has for one answer.
        search_timeout_s: The same for `getProgramAccounts`, which goes through a program's whole state.
        rounds: How often all endpoints are tried before a call fails.
        hedge_after_s: Seconds after which a second endpoint is asked; None: three times what the first one
            usually takes, at least `min_hedge_s`.
        min_hedge_s: Least such wait.
        first_wait_s: Longest pause after the first round; doubled each time, random below that.
        max_wait_s: Longest pause between rounds; a longer `Retry-After` of all endpoints ends the call.
        max_lag_slots: Slots an endpoint may be behind before others are preferred.
        max_response_bytes: Longest answer that is read.
        concurrency: Batches of one read under way at the same time.
        breaker: When an endpoint is left alone.
    """

    timeout_s: float = 10.0
    search_timeout_s: float = 60.0
    rounds: int = 5
    hedge_after_s: float | None = None
    min_hedge_s: float = 0.1
    first_wait_s: float = 0.2
    max_wait_s: float = 10.0
    max_lag_slots: int = 16
    max_response_bytes: int = 64 << 20
    concurrency: int = 8
    breaker: BreakerRules = field(default_factory=BreakerRules)


class RpcPool:
    """Calls methods of a Solana node at the best of several endpoints; an asynchronous context manager."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        rules: RpcRules | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare a pool of the endpoints that have an `http_url`.

        Args:
            endpoints: Their order decides between equals.
            rules: How hard to try.
            now: Seconds of a monotonic clock, for health and pauses.
            sleep: Waits between rounds.
            tls: What certificates are verified with; by default the machine's authorities.

        Raises:
            ConfigError: None of them has an `http_url`.
        """
        usable = [endpoint for endpoint in endpoints if endpoint.http_url is not None]
        if not usable:
            raise ConfigError("there is no endpoint with an http_url", hint="add one under [[endpoints]]")
        self.rules = rules or RpcRules()
        self.meter = Meter()
        self._now, self._sleep = now, sleep
        self._transport = Transport(tls)
        self._numbers = itertools.count(1)
        self._members = [self._member(endpoint) for endpoint in usable]

    def _member(self, endpoint: Endpoint) -> Member:
        return Member(
            endpoint, self._transport, self.meter, self.rules.breaker, self._now, self._others_reached
        )

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    # ---- endpoints

    @property
    def endpoints(self) -> list[Endpoint]:
        """The endpoints, in the order in which they were given."""
        return [member.endpoint for member in self._members]

    def health(self) -> Mapping[str, Health]:
        """Return what is known of every endpoint, by name."""
        return {member.endpoint.name: member.health for member in self._members}

    def add(self, endpoint: Endpoint) -> None:
        """Take in an endpoint; one of the same name is replaced.

        Raises:
            ConfigError: It has no `http_url`.
        """
        if endpoint.http_url is None:
            raise ConfigError(f"endpoint {endpoint.name} has no http_url")
        others = [member for member in self._members if member.endpoint.name != endpoint.name]
        self._members = [*others, self._member(endpoint)]

    def remove(self, name: str) -> None:
        """Let go of an endpoint; requests under way may still be answered.

        Raises:
            ConfigError: It is the last one.
        """
        others = [member for member in self._members if member.endpoint.name != name]
        if not others:
            raise ConfigError(f"endpoint {name} is the last one with an http_url")
        self._members = others

    def reached_slot(self) -> int | None:
        """Return the slot that the chain has reached as the endpoints tell; None if none has told lately."""
        return reference_slot([member.health for member in self._members], self._now())

    def _others_reached(self, asking: Member) -> int | None:
        others = [member.health for member in self._members if member is not asking]
        return reference_slot(others, self._now())

    def _order(self, method: str, besides: Sequence[str] = ()) -> list[Member]:
        now = self._now()
        others = [member for member in self._members if member.endpoint.name not in besides]
        usable = [member for member in others if member.health.may_be_asked(now)]
        if not usable:
            raise self._nobody(others, now)
        lag = self.rules.max_lag_slots
        return sorted(usable, key=lambda member: (not member.has_capacity, *member.health.rank(method, lag)))

    def _nobody(self, members: Sequence[Member], now: float) -> EndpointError:
        """Return the error for a time at which every one of some endpoints is to be left alone."""
        soonest = min(members, key=lambda member: member.health.available_at())
        health, name = soonest.health, soonest.endpoint.name
        if isinstance(health.last_error, AccessDenied):
            return health.last_error  # as all others: it comes last, and waiting does not make a key right
        wait = max(0.0, health.available_at() - now)
        if health.paused_until > now:
            return RateLimited(name, "all endpoints are to be left alone for now", retry_after_s=wait)
        others = "" if len(members) == 1 else ", as all others are"
        return EndpointDown(name, f"left alone for {wait:.1f} s{others}; before that: {health.last_error}")

    # ---- calls

    async def call(
        self,
        method: str,
        params: Sequence[Any] = (),
        *,
        wanted_slot: int | None = None,
        check: Callable[[Any], None] = lambda result: None,
        endpoint: str | None = None,
        hedge: bool = True,
        timeout_s: float | None = None,
    ) -> Answer:
        """Return the answer to a call that may be sent twice.

        Args:
            method: JSON-RPC method.
            params: Its parameters, `minContextSlot` included.
            wanted_slot: That `minContextSlot`, for messages.
            check: Raises `ValueError` with what is wrong with a result; then another endpoint is asked.
            endpoint: Ask this endpoint only, once.
            hedge: Ask a second endpoint when the first takes long; not where an answer is expensive.
            timeout_s: Seconds an endpoint has, instead of those of the rules.

        Raises:
            EndpointError: No endpoint gave a good answer: one of its kinds.
            ConfigError: There is no endpoint of that name.
        """
        ask = self._ask(method, params, wanted_slot, check, timeout_s)
        if endpoint is not None:
            return await self._named(endpoint).ask(ask)
        return await self._retrying()(self._round, ask, hedge=hedge)

    async def call_several(
        self,
        quorum: int,
        method: str,
        params: Sequence[Any] = (),
        *,
        wanted_slot: int | None = None,
        check: Callable[[Any], None] = lambda result: None,
    ) -> list[Answer]:
        """Return answers of different endpoints, among them a quorum of truthful ones if so many lie at most.

        With up to `quorum - 1` liars, `2 * quorum - 1` answers hold `quorum` true ones: so many are asked at
        once, as far as there are endpoints. Once a quorum has answered the others are not waited for long.

        Args:
            quorum: How many must answer, at least 1.
            method: JSON-RPC method.
            params: Its parameters, `minContextSlot` included.
            wanted_slot: That `minContextSlot`, for messages.
            check: Raises `ValueError` with what is wrong with a result.

        Raises:
            EndpointError: Too few endpoints gave a good answer: one of their kinds.
            ConfigError: There are fewer endpoints.
        """
        self.check_quorum(quorum)
        ask = self._ask(method, params, wanted_slot, check, None)
        answers: list[Answer] = []
        await self._retrying()(self._round_of_several, ask, quorum, answers)
        return answers

    def check_quorum(self, quorum: int) -> None:
        """Check that so many different endpoints can be asked.

        Raises:
            ConfigError: There are fewer, or `quorum` is less than 1.
        """
        found = len(self._members)
        if not 1 <= quorum <= found:
            have = "has" if found == 1 else "have"
            raise ConfigError(
                f"{quorum} endpoints are to answer each read, {found} {have} an http_url",
                hint="add endpoints with an http_url under [[endpoints]], or ask for fewer (trust.quorum)",
            )

    def _ask(
        self,
        method: str,
        params: Sequence[Any],
        wanted_slot: int | None,
        check: Callable[[Any], None],
        timeout_s: float | None,
    ) -> Ask:
        number = next(self._numbers)
        body = encode(number, method, params)
        patience = self.rules.timeout_s if timeout_s is None else timeout_s
        return Ask(number, method, body, patience, self.rules.max_response_bytes, wanted_slot, check)

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            stop=stop_after_attempt(self.rules.rounds),
            wait=self._wait,
            retry=retry_if_exception(self._may_pass),
            sleep=self._sleep,
            reraise=True,
        )

    async def _round_of_several(self, ask: Ask, quorum: int, answers: list[Answer]) -> None:
        members = self._order(ask.method, [answer.endpoint for answer in answers])
        wanted = min(2 * quorum - 1, len(answers) + len(members))
        slowest = members[min(wanted - len(answers), len(members)) - 1]
        hedge_after_s = self._hedge_after_s(slowest, ask.method)
        await collect(members, ask, hedge_after_s, answers, wanted=wanted, enough=quorum)
        if len(answers) < quorum:  # all that may be asked have answered
            await self._round_of_several(ask, quorum, answers)

    async def _round(self, ask: Ask, *, hedge: bool) -> Answer:
        members = self._order(ask.method)
        return await race(members, ask, self._hedge_after_s(members[0], ask.method) if hedge else None)

    def _named(self, name: str) -> Member:
        for member in self._members:
            if member.endpoint.name == name:
                return member
        raise ConfigError(f"there is no endpoint {name} with an http_url")

    def _hedge_after_s(self, first: Member, method: str) -> float:
        fixed = self.rules.hedge_after_s
        return max(self.rules.min_hedge_s, 3 * first.health.usual_s(method)) if fixed is None else fixed

    def _may_pass(self, error: BaseException) -> bool:
        if isinstance(error, RateLimited):
            return (error.retry_after_s or 0.0) <= self.rules.max_wait_s
        return isinstance(error, TransientError)

    def _wait(self, state: RetryCallState) -> float:
        """Return the pause after a round: random below a doubling bound, but no less than was asked for."""
        rules = self.rules
        wait = float(wait_random_exponential(multiplier=rules.first_wait_s, max=rules.max_wait_s)(state))
        error = None if state.outcome is None else state.outcome.exception()
        if isinstance(error, StaleSlot):
            wait = max(wait, SLOT_S * (1 if error.found is None else error.wanted - error.found))
        available = min(member.health.available_at() for member in self._members) - self._now()
        return min(max(wait, available), rules.max_wait_s)

    # ---- methods

    async def slot(self, commitment: Commitment = "processed") -> int:
        """Return the slot that the best endpoint has reached.

        Raises:
            EndpointError: No endpoint gave a good answer.
        """
        answer = await self.call("getSlot", [{"commitment": commitment}], check=check_slot)
        return int(answer.result)

    async def probe(self) -> None:
        """Ask every endpoint that may be asked for its slot, so that health is known; errors only count."""

        async def one(member: Member) -> None:
            with contextlib.suppress(EndpointError):
                config = [{"commitment": "processed"}]
                await self.call("getSlot", config, check=check_slot, endpoint=member.endpoint.name)

        now = self._now()
        await asyncio.gather(*(one(each) for each in self._members if each.health.may_be_asked(now)))

    async def accounts(
        self,
        addresses: Iterable[str],
        *,
        together: Iterable[Sequence[str]] = (),
        min_slot: int | None = None,
        commitment: Commitment = "processed",
    ) -> AsyncIterator[tuple[list[str], Answer]]:
        """Read accounts in batches of 100, several at a time; give each batch as its answer comes.

        Every address is read once. Batches come in no particular order and may hold at different slots.

        Args:
            addresses: Whose accounts.
            together: Groups of them to be read in one batch, as far as they fit: at one slot.
            min_slot: `minContextSlot`: an endpoint that has not reached it is asked again later.
            commitment: Which state.

        Yields:
            The addresses and the answer, `result["value"]` in the same order, null for no account.

        Raises:
            EndpointError: A batch could not be read anywhere.
        """
        batches = self.accounts_of_several(
            1, addresses, together=together, min_slot=min_slot, commitment=commitment
        )
        async with contextlib.aclosing(batches):
            async for batch, answers in batches:
                yield batch, answers[0]

    async def accounts_of_several(
        self,
        quorum: int,
        addresses: Iterable[str],
        *,
        together: Iterable[Sequence[str]] = (),
        min_slot: int | None = None,
        commitment: Commitment = "processed",
    ) -> AsyncGenerator[tuple[list[str], list[Answer]], None]:
        """Read accounts as `accounts` does, every batch at several endpoints: see `call_several`.

        Yields:
            The addresses and the answers.

        Raises:
            EndpointError: Too few endpoints gave a batch.
            ConfigError: There are fewer endpoints.
        """
        config: dict[str, Any] = {"encoding": "base64", "commitment": commitment}
        if min_slot is not None:
            config["minContextSlot"] = min_slot
        gate = asyncio.Semaphore(self.rules.concurrency)

        async def read(batch: list[str]) -> tuple[list[str], list[Answer]]:
            async with gate:
                answers = await self.call_several(
                    quorum,
                    "getMultipleAccounts",
                    [batch, config],
                    wanted_slot=min_slot,
                    check=lambda result: check_accounts(result, len(batch)),
                )
            return batch, answers

        batches = pack(addresses, together, MAX_ACCOUNTS)
        tasks = [asyncio.create_task(read(batch)) for batch in batches]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def program_accounts(
        self,
        program: str,
        filters: Sequence[Mapping[str, Any]],
        *,
        data_slice: tuple[int, int] = (0, 0),
        commitment: Commitment = "processed",
    ) -> list[ProgramAccount]:
        """Return the accounts of a program that fulfil all filters, each with a part of its data.

        Args:
            program: Owner of the accounts.
            filters: At most four of `{"dataSize": n}` and `{"memcmp": {"offset", "bytes", "encoding"}}`.
            data_slice: Offset and length of the part that is wanted.
            commitment: Which state.

        Raises:
            EndpointError: No endpoint gave a good answer; many refuse this method or some programs.
        """
        offset, length = data_slice
        config = {
            "encoding": "base64",
            "commitment": commitment,
            "filters": list(filters),
            "dataSlice": {"offset": offset, "length": length},
        }
        answer = await self.call(
            "getProgramAccounts",
            [program, config],
            check=lambda result: void(program_accounts(result)),
            hedge=False,
            timeout_s=self.rules.search_timeout_s,
        )
        return program_accounts(answer.result)


def void(_: object) -> None:
    """Drop a value: a check is called for what it raises."""


__all__ = ["MAX_ACCOUNTS", "Answer", "Meter", "ProgramAccount", "RpcPool", "RpcRules"]
