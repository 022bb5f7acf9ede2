"""What nodes are asked: are they well, on one chain, in time; and what of ours the chain holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from phantom_arbiter.doctor.report import Check, State
from phantom_arbiter.errors import ConfigError, EndpointError
from phantom_arbiter.execution.chain import Rpc, read_accounts, read_number
from phantom_arbiter.execution.lookup_tables import Table, read_tables
from phantom_arbiter.execution.nonces import NonceFault, read_nonces
from phantom_arbiter.execution.token_accounts import TokenAccounts
from phantom_arbiter.sources.endpoints import Endpoint

CHAINS: Final = {
    "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d": "mainnet",
    "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxkPkZBG": "devnet",
    "4uhcVJyU9pJkvQyUS88uRDiswHScSQkvJzoVPEmvhTM": "testnet",
}
"""Clusters by genesis hash; solana docs, clusters."""

CLOCK_SYSVAR: Final = "SysvarC1ock11111111111111111111111111111111"
MAX_LAG_SLOTS: Final = 16
MAX_SKEW_S: Final = 15
"""Seconds by which the chain's clock, an estimate of validators, is off at most times."""
FATAL_SKEW_S: Final = 120
"""With more the machine's clock is wrong: certificates and limits per day go by it."""
_UNIX_AT: Final = 32
LOCAL: Final = "a local net"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one endpoint says of itself and its chain."""

    endpoint: Endpoint
    error: str | None = None
    chain: str = ""
    slot: int = 0
    took_ms: float = 0.0


async def see(rpc: Rpc, endpoint: Endpoint, is_local: bool, now: Callable[[], float]) -> Seen:
    """Ask one endpoint for its health, its chain and its slot."""
    try:
        await rpc.call("getHealth", check=_check_health, endpoint=endpoint.name)
        genesis = await rpc.call("getGenesisHash", check=_check_text, endpoint=endpoint.name)
        began = now()
        slot = await read_number(rpc, "getSlot", [{"commitment": "confirmed"}], endpoint=endpoint.name)
        took_ms = (now() - began) * 1e3
    except EndpointError as error:
        return Seen(endpoint, str(error))
    unknown = LOCAL if is_local else f"the chain {genesis.result}"
    return Seen(endpoint, None, CHAINS.get(genesis.result, unknown), slot, took_ms)


async def check_endpoints(
    rpc: Rpc,
    endpoints: Sequence[Endpoint],
    quorum: int,
    is_local: Callable[[Endpoint], bool],
    now: Callable[[], float],
) -> tuple[list[Check], str | None]:
    """Return how the endpoints are, and the chain that all that answer are on."""
    seen = await asyncio.gather(*(see(rpc, each, is_local(each), now) for each in endpoints))
    well = [each for each in seen if each.error is None]
    highest = max((each.slot for each in well), default=0)
    found = []
    for each in seen:
        name = each.endpoint.name
        if each.error is not None:
            cure = "look at its URL, key and limits, or take it out of [[endpoints]]"
            found.append(Check("endpoint", name, "warn", each.error, cure))
            continue
        lag = highest - each.slot
        detail = f"{each.chain}, slot {each.slot:,}, answers in {each.took_ms:.0f} ms"
        if lag > MAX_LAG_SLOTS:
            found.append(Check("endpoint", name, "warn", f"{detail}, {lag} slots behind", "ask its provider"))
        else:
            found.append(Check("endpoint", name, "ok", detail))
        if each.endpoint.requests_per_second is None and not is_local(each.endpoint):
            cure = f"set requests_per_second of endpoint {name} to what its plan allows"
            found.append(Check("rate_limit", name, "warn", "requests are not limited", cure))
    fresh = [each for each in well if highest - each.slot <= MAX_LAG_SLOTS]
    if len(fresh) < max(1, quorum):
        detail = f"{len(fresh)} of {len(seen)} endpoints are well and up to date, {max(1, quorum)} must be"
        found.append(Check("endpoints", "", "fail", detail, "add endpoints, or lower trust.quorum"))
    chains = {each.chain for each in well}
    if len(chains) > 1:
        detail = f"endpoints are on different chains: {', '.join(sorted(chains))}"
        found.append(Check("chain", "", "fail", detail, "keep those of one chain"))
        return found, None
    chain = next(iter(chains), None)
    if chain is not None:
        found.append(_chain(chain))
    return found, chain


def _chain(chain: str) -> Check:
    state: State = "ok" if chain in ("mainnet", LOCAL) else "fail"
    cure = "" if state == "ok" else "the venues' programs are those of mainnet: use its endpoints"
    return Check("chain", "", state, chain, cure)


async def check_clock(rpc: Rpc, chain: str | None, unix_time: Callable[[], float]) -> list[Check]:
    """Return whether the machine's clock and the chain's agree."""
    account = (await read_accounts(rpc, [CLOCK_SYSVAR]))[CLOCK_SYSVAR]
    if account is None or len(account.data) < _UNIX_AT + 8:
        return [Check("clock", "", "warn", "the chain does not tell its time", "ask another endpoint")]
    theirs = int.from_bytes(account.data[_UNIX_AT : _UNIX_AT + 8], "little", signed=True)
    skew = unix_time() - theirs
    words = f"the machine is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the chain"
    if abs(skew) <= MAX_SKEW_S:
        return [Check("clock", "", "ok", words)]
    if chain == LOCAL:
        return [Check("clock", "", "ok", f"{words}: a local net has a time of its own")]
    state: State = "fail" if abs(skew) > FATAL_SKEW_S else "warn"
    return [Check("clock", "", state, words, "set the machine's clock (NTP)")]


async def check_token_accounts(
    rpc: Rpc, wallet: str, mints: Sequence[str], overrides: Mapping[str, str], policy: str
) -> list[Check]:
    """Return whether the wallet has accounts of the mints that cycles begin with, and anything in them."""
    accounts = TokenAccounts(wallet, overrides)
    try:
        await accounts.refresh(rpc, mints)
    except ConfigError as error:
        return [Check("token_account", "", "fail", str(error), "correct wallet.token_accounts")]
    held = await read_accounts(rpc, [accounts.address(mint) for mint in mints if accounts.facts(mint)])
    found = []
    for mint in mints:
        facts = accounts.facts(mint)
        if facts is None:
            detail = "there is no such mint on this chain"
            found.append(Check("token_account", mint, "fail", detail, "correct engine.base_mints"))
            continue
        address = accounts.address(mint)
        account = held[address]
        if account is None or not accounts.exists(mint):
            detail = f"{address} does not exist, its rent is {facts.rent_lamports:,} lamports"
            found.append(
                Check("token_account", mint, "fail", detail, f"phantom wallet open {mint}, and fund it")
            )
            continue
        amount = int.from_bytes(account.data[64:72], "little")
        if amount == 0:
            detail = f"{address} is empty: cycles of this mint have nothing to begin with"
            found.append(Check("token_account", mint, "warn", detail, f"send some to {wallet}"))
        else:
            found.append(Check("token_account", mint, "ok", f"{address} holds {amount:,} base units"))
    if policy == "ahead":
        detail = "routes through mints without an account wait"
        found.append(Check("token_accounts", "ahead", "ok", detail, "phantom wallet open MINT"))
    return found


async def check_tables(rpc: Rpc, addresses: Sequence[str], wallet: str) -> list[Check]:
    """Return whether the lookup tables of the settings can be used."""
    if not addresses:
        detail = "there are none: routes of three hops may not fit a transaction"
        return [Check("lookup_table", "", "warn", detail, "phantom alt create, then execution.lookup_tables")]
    found = []
    for each in await read_tables(rpc, addresses, [wallet]):
        if isinstance(each, Table):
            usable, of = len(each.usable(each.slot)), len(each.addresses)
            found.append(Check("lookup_table", each.address, "ok", f"{usable} of {of} addresses can be used"))
        else:
            cure = "take it out of execution.lookup_tables; phantom alt create makes another"
            found.append(Check("lookup_table", each.address, "fail", each.detail, cure))
    return found


async def check_nonces(rpc: Rpc, addresses: Sequence[str], wallet: str) -> list[Check]:
    """Return whether the durable nonces of the settings can be used."""
    found = []
    for each in await read_nonces(rpc, addresses, wallet):
        if isinstance(each, NonceFault):
            cure = "take it out of execution.nonce_accounts; phantom nonce create makes another"
            found.append(Check("nonce", each.address, "fail", each.detail, cure))
        else:
            found.append(Check("nonce", each.address, "ok", "it can be used"))
    return found


def _check_health(result: Any) -> None:
    if result != "ok":
        raise ValueError("it does not say that it is well")


def _check_text(result: Any) -> None:
    if not isinstance(result, str) or not 32 <= len(result) <= 44:
        raise ValueError("no genesis hash")


__all__ = [
    "CHAINS",
    "LOCAL",
    "check_clock",
    "check_endpoints",
    "check_nonces",
    "check_tables",
    "check_token_accounts",
]
