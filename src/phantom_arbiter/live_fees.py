"""What to offer right now, as the endpoints tell: prioritisation fees of the accounts that will be locked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phantom_arbiter.errors import ConfigError, EndpointError, InvalidInput
from phantom_arbiter.fee_desk import fee_quorum
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.rpc import RpcPool, RpcRules
from phantom_arbiter.sources.rpc_pool.wire import is_slot
from phantom_core import FeeEngine, PriceEstimate, priority_fee_lamports

METHOD = "getRecentPrioritizationFees"

MAX_ENDPOINTS = 8
"""Sources that the fee engine tells apart."""

MAX_ACCOUNTS = 64
"""Accounts that a transaction may lock; transaction processing, `MAX_TX_ACCOUNT_LOCKS` as it is live."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one percentile asks for.

    Attributes:
        estimate: The price and what it rests on.
        account: The account that decides; None if no single one does.
        priority_fee_lamports: What the price costs at the compute unit limit.
    """

    estimate: PriceEstimate
    account: str | None
    priority_fee_lamports: int


@dataclass(frozen=True, slots=True)
class LiveFees:
    """What the endpoints say.

    Attributes:
        slot: Slot that the chain has reached.
        accounts: Accounts that were asked about.
        compute_unit_limit: Compute units that fees are given for.
        endpoints: Names of those that answered.
        samples: Slots with a price that were taken, by endpoint.
        failures: What the others said.
        offers: One for each percentile.
    """

    slot: int
    accounts: Sequence[str]
    compute_unit_limit: int
    endpoints: Sequence[str]
    samples: Sequence[int]
    failures: Sequence[str]
    offers: Sequence[Offer]


def check_fees(result: Any) -> None:
    """Check an answer to `getRecentPrioritizationFees`.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(result, list):
        raise ValueError("no list of prioritisation fees")
    for entry in result:
        if not isinstance(entry, dict) or not is_slot(entry.get("slot")):
            raise ValueError("a prioritisation fee without slot")
        fee = entry.get("prioritizationFee")
        if not isinstance(fee, int) or isinstance(fee, bool) or not 0 <= fee < 2**64:
            raise ValueError("a slot without prioritisation fee")


async def read_fees(
    endpoints: Sequence[Endpoint],
    accounts: Sequence[str],
    percentiles: Sequence[float],
    compute_unit_limit: int,
    rules: RpcRules | None = None,
) -> LiveFees:
    """Ask every endpoint for the recent fees of every account, and return what to offer.

    With three endpoints or more a slot counts only if two speak of it: if all but one fail, nothing is
    known, and `failures` says why.

    Raises:
        EndpointError: None of the endpoints gave a good answer.
        ConfigError: There are too many endpoints or accounts.
        InvalidInput: A percentile is none.
    """
    if len(endpoints) > MAX_ENDPOINTS:
        raise ConfigError(f"there are {len(endpoints)} endpoints, fees are compared between {MAX_ENDPOINTS}")
    if len(accounts) > MAX_ACCOUNTS:
        raise ConfigError(f"there are {len(accounts)} accounts, a transaction locks {MAX_ACCOUNTS} at most")
    async with RpcPool(endpoints, rules) as pool:
        await pool.probe()
        slot = pool.reached_slot()
        if slot is None:
            slot = await pool.slot()
        answers = await asyncio.gather(*(_ask(pool, each, accounts) for each in endpoints))
    quorum = fee_quorum(len(endpoints))
    engine = FeeEngine(quorum=quorum)
    engine.advance(slot)
    taken: list[tuple[str, int]] = []
    failures: list[str] = []
    last: EndpointError | InvalidInput | None = None
    for source, (endpoint, answer) in enumerate(zip(endpoints, answers, strict=True)):
        try:
            if isinstance(answer, EndpointError):
                raise answer
            taken.append((endpoint.name, _learn(engine, source, accounts, answer)))
        except (EndpointError, InvalidInput) as error:
            last = error
            text = str(error)
            failures.append(text if isinstance(error, EndpointError) else f"endpoint {endpoint.name}: {text}")
    if not taken and last is not None:
        raise last
    if 0 < len(taken) < quorum:
        alone = f"only endpoint {taken[0][0]} answered, of {len(endpoints)}"
        failures.append(f"{alone}: one alone is not believed")
    offers = []
    for percentile in percentiles:
        estimate = engine.price(accounts, percentile)
        account = None if estimate.account is None else accounts[estimate.account]
        fee = priority_fee_lamports(estimate.price_micro_lamports, compute_unit_limit)
        offers.append(Offer(estimate, account, fee))
    names, samples = [name for name, _ in taken], [count for _, count in taken]
    return LiveFees(slot, accounts, compute_unit_limit, names, samples, failures, offers)


Answers = list[list[tuple[int, int]]]
"""Slots and prices: of whole blocks, then of each account."""


async def _ask(pool: RpcPool, endpoint: Endpoint, accounts: Sequence[str]) -> Answers | EndpointError:
    try:
        return [await fees_of(pool, endpoint, account) for account in (None, *accounts)]
    except EndpointError as error:
        return error


def _learn(engine: FeeEngine, source: int, accounts: Sequence[str], answers: Answers) -> int:
    asked = zip((None, *accounts), answers, strict=True)
    return sum(learn_fees(engine, source, account, samples) for account, samples in asked)


async def fees_of(pool: RpcPool, endpoint: Endpoint, account: str | None) -> list[tuple[int, int]]:
    """Return slots and prices as one endpoint tells them of an account, or of whole blocks.

    Raises:
        EndpointError: It gave no good answer.
    """
    asked = [] if account is None else [account]
    answer = await pool.call(METHOD, [asked], check=check_fees, endpoint=endpoint.name)
    return [(each["slot"], each["prioritizationFee"]) for each in answer.result]


def learn_fees(
    engine: FeeEngine, source: int, account: str | None, samples: Sequence[tuple[int, int]]
) -> int:
    """Teach `engine` what a source says of an account, or of whole blocks; return how many slots were taken.

    Raises:
        InvalidInput: A slot is too far ahead, or a price absurd.
    """
    if account is None:
        return sum(engine.observe_block(slot, price, source=source) for slot, price in samples)
    return engine.observe_account(account, samples, source)


__all__ = ["MAX_ENDPOINTS", "METHOD", "LiveFees", "Offer", "check_fees", "fees_of", "learn_fees", "read_fees"]
