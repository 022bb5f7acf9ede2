"""The whole examination, from the settings."""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from phantom_arbiter.config import endpoint
from phantom_arbiter.config_risk import LIVE_PROFILE
from phantom_arbiter.doctor.chain_checks import (
    check_clock,
    check_endpoints,
    check_nonces,
    check_tables,
    check_token_accounts,
)
from phantom_arbiter.doctor.engine_checks import check_engines
from phantom_arbiter.doctor.local_checks import (
    OpenJournal,
    check_balance,
    check_journal,
    check_key,
    check_kill_switch,
    check_limits,
    check_modes,
)
from phantom_arbiter.doctor.report import Check, DoctorReport, checks
from phantom_arbiter.errors import ConfigError, EndpointError, InvalidInput
from phantom_arbiter.execution.chain import Rpc, read_accounts
from phantom_arbiter.journal import Journal
from phantom_arbiter.live_trading import targets
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.rpc import RpcPool, RpcRules

if TYPE_CHECKING:
    from phantom_arbiter.config import Config

RULES = RpcRules(timeout_s=5.0, rounds=2)


class Programs(Protocol):
    """Looks at the programs that rehearsals need."""

    async def __call__(self, rpc: RpcPool) -> Sequence[Check]:
        """Return whether they are there, and equal to what the chain runs."""
        ...


async def examine(
    config: Config,
    *,
    programs: Programs | None = None,
    open_journal: Callable[[Path], OpenJournal] = Journal,
    unix_time: Callable[[], float] = time.time,
    now: Callable[[], float] = time.monotonic,
    tls: ssl.SSLContext | None = None,
    on_check: Callable[[Check], None] = lambda check: None,
) -> DoctorReport:
    """Look at everything that live trading rests on.

    Nothing is sent and nothing changed, but that the journal is created or brought to the newest schema, as a
    run would. A run that has it open already keeps the check of the journal from passing.

    Args:
        config: The settings, as a live run would have them.
        programs: Looks at programs; without it that check is left out with a warning where it matters.
        open_journal: Opens the journal as a run would.
        unix_time: The machine's clock.
        now: Seconds of a monotonic clock, for how long answers take.
        tls: What certificates of endpoints are verified with; by default the machine's authorities.
        on_check: Told of each finding as it comes.
    """
    found: list[Check] = []

    def add(news: Sequence[Check]) -> None:
        for check in news:
            found.append(check)
            on_check(check)

    execution, risk = config.execution, config.risk
    key_checks, signer = check_key(config.wallet.key)
    add(key_checks)
    add(_limits(config))
    add(check_kill_switch(risk.kill_switch_file, halted=risk.halted))
    add(check_journal(config.journal.path, risk.account, open_journal))
    add(
        check_modes(
            rehearse=execution.rehearse,
            dry_run=execution.dry_run,
            landing=execution.landing,
            engines=len(config.block_engines),
            nonces=len(execution.nonce_accounts),
        )
    )
    usable = [endpoint(each) for each in config.endpoints if each.http_url is not None]
    if not usable:
        cure = "add [[endpoints]] with an http_url"
        add([Check("endpoints", "", "fail", "there is no endpoint to ask", cure)])
    else:
        async with RpcPool(usable, RULES, tls=tls) as pool:
            reached, chain = await check_endpoints(pool, usable, config.trust.quorum, is_local, now)
            add(reached)
            wallet = None if signer is None else str(signer.address)
            parts: list[Callable[[], Awaitable[Sequence[Check]]]]
            parts = [lambda: check_clock(pool, chain, unix_time)]
            if wallet is not None:
                parts += _of_wallet(config, pool, wallet)
            for part in parts:
                add(await _asked(part))
            add(await _programs(config, pool, programs))
    add(await _landing(config))
    return checks(found)


def _of_wallet(config: Config, rpc: Rpc, wallet: str) -> list[Callable[[], Awaitable[Sequence[Check]]]]:
    async def balance() -> Sequence[Check]:
        account = (await read_accounts(rpc, [wallet]))[wallet]
        return [check_balance(account, wallet, config.wallet.min_lamports)]

    execution = config.execution
    mints, overrides = list(config.engine.base_mints), config.wallet.token_accounts
    return [
        balance,
        lambda: check_token_accounts(rpc, wallet, mints, overrides, execution.create_accounts),
        lambda: check_tables(rpc, execution.lookup_tables, wallet),
        lambda: check_nonces(rpc, execution.nonce_accounts, wallet),
    ]


async def _asked(part: Callable[[], Awaitable[Sequence[Check]]]) -> Sequence[Check]:
    """Return what a part finds; that nobody answers is a failure, since then it is not known."""
    try:
        return await part()
    except EndpointError as error:
        return [Check("endpoints", "", "fail", str(error), "nobody answers: look at [[endpoints]]")]


async def _programs(config: Config, pool: RpcPool, programs: Programs | None) -> Sequence[Check]:
    if config.execution.rehearse == "never":
        return []
    if programs is None:
        detail = "whether programs for rehearsals are there was not looked at"
        return [Check("programs", "", "warn", detail, "phantom programs check")]
    try:
        return await programs(pool)
    except EndpointError as error:
        return [Check("programs", "", "fail", str(error), "phantom programs check")]


async def _landing(config: Config) -> Sequence[Check]:
    """Return how those are whom a run would send to, made into targets as a run does."""
    landing = config.execution.landing
    try:
        found = targets(config)
        return await check_engines([each for each in found if each.kind != "rpc"])
    except InvalidInput as error:
        cure = "look at [[block_engines]] and [[endpoints]]"
        return [Check("landing", landing, "fail", str(error), cure)]
    except ConfigError:
        # That there is nobody to send to is a finding of its own.
        return []


def _limits(config: Config) -> list[Check]:
    profile = LIVE_PROFILE["risk"]["mints"]
    tight = {mint: limit["max_amount_in"] for mint, limit in profile.items()}
    return check_limits(
        config.engine.base_mints, config.risk.mints, tight, has_profile=str(config.mode) == "live"
    )


def is_local(endpoint: Endpoint) -> bool:
    """Return whether an endpoint is on this machine."""
    host = "" if endpoint.http_url is None else endpoint.http_url.host
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


__all__ = ["Programs", "examine", "is_local"]
