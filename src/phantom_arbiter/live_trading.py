"""Live trading put together: who signs, what is followed, who is sent to. Composition only.

Nothing of it is asked on the hot path but what followers have brought: blockhashes, nonces, lookup tables,
token accounts and whatever a rehearsal reads besides what the engine holds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import phantom_core
from phantom_arbiter.config import check_quorum, endpoint
from phantom_arbiter.domain import Opportunity
from phantom_arbiter.errors import ConfigError, EndpointError, MarketDataError, PhantomError
from phantom_arbiter.execution.accounts import AccountCache, EngineAccounts, RpcAccounts
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.blockhash import BlockhashCache, BlockhashRules
from phantom_arbiter.execution.cycle_builder import BuildRules, CycleBuilder, tables_of
from phantom_arbiter.execution.disagreements import DisagreementFiles
from phantom_arbiter.execution.dispatch import NetworkDispatcher
from phantom_arbiter.execution.error_names import error_name
from phantom_arbiter.execution.landing import LandingTracker, TrackerRules
from phantom_arbiter.execution.live import LiveExecutor
from phantom_arbiter.execution.lookup_tables import TableFollower
from phantom_arbiter.execution.nonces import NonceFollower, NoncePool
from phantom_arbiter.execution.plan_rehearsal import PlanRehearsal
from phantom_arbiter.execution.programs import ProgramFolder
from phantom_arbiter.execution.quote_watch import QuoteWatch
from phantom_arbiter.execution.reconcile import nonce_advice, reconcile
from phantom_arbiter.execution.rehearsal import Rehearsal
from phantom_arbiter.execution.shadow import ShadowRules
from phantom_arbiter.execution.svm import Svm
from phantom_arbiter.execution.token_accounts import TokenAccounts
from phantom_arbiter.execution.witnesses import RpcChain
from phantom_arbiter.journal import Journal
from phantom_arbiter.sources.live import first_end
from phantom_arbiter.sources.rpc import RpcPool, RpcRules

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.engine import Engine

TIPS = frozenset(phantom_core.TIP_ACCOUNTS)
ACCOUNT_REFRESH_S = 10.0
"""How often the wallet's own accounts are read again, besides after each trade."""
MARKET_REFRESH_S = 60.0
"""How often all else that rehearsals read beyond the engine is read again, and new pools are learned."""
_PROBE_AMOUNT = 1_000
_POOLS_AT_ONCE = 32
"""Pools whose accounts are listed before frames get their turn again."""


def targets(config: Config) -> list[phantom_core.Target]:
    """Return whom transactions are handed to, by `execution.landing`.

    Raises:
        ConfigError: Nobody is named who could take them.
        InvalidInput: One of them cannot be a target.
    """
    landing = config.execution.landing
    found = []
    if landing in ("bundle", "both"):
        found += [
            phantom_core.Target(
                each.name,
                each.url.reveal(),
                kind=each.kind,
                auth=None if each.auth is None else each.auth.get_secret_value(),
                requests_per_second=each.requests_per_second,
                timeout_ms=config.execution.deadline_ms,
                bundle_only=each.kind == "jito_transaction",
            )
            for each in config.block_engines
        ]
    if landing in ("rpc", "both"):
        found += [
            phantom_core.Target(
                f"rpc/{each.name}",
                each.http_url.reveal(),
                kind="rpc",
                requests_per_second=each.requests_per_second,
                timeout_ms=config.execution.deadline_ms,
                # The endpoint's settings have said which URLs it may have.
                allow_plain_http=True,
            )
            for each in config.endpoints
            if each.http_url is not None
        ]
    if not found:
        raise ConfigError(
            f"execution.landing is {landing}, and there is nobody to send to",
            hint="add [[block_engines]], or say landing = 'rpc'",
        )
    return found


class LiveTrading:
    """Carries plans out on the chain; see `session.Trading`."""

    def __init__(
        self,
        config: Config,
        signer: phantom_core.Signer,
        programs: ProgramFolder,
        *,
        notice: Callable[[str], None],
        leave_unresolved: bool = False,
    ) -> None:
        """Prepare; nothing is opened before `follow`.

        Args:
            config: Its sections wallet, execution, block_engines, endpoints, trust and risk are read.
            signer: Who signs and pays.
            programs: Bytecode to rehearse with.
            notice: Told what the operator should know, one line each.
            leave_unresolved: Begin even though attempts of earlier runs are not decided; they stay at risk.

        Raises:
            ConfigError: Settings do not fit together.
        """
        check_quorum(config)
        self._config, self._signer, self._programs = config, signer, programs
        self._notice, self._leave_unresolved = notice, leave_unresolved
        execution = config.execution
        self._pool = self._new_pool()
        self._blockhashes = BlockhashCache(
            self._pool,
            BlockhashRules(
                commitment=execution.blockhash_commitment,
                refresh_s=execution.blockhash_refresh_ms / 1_000,
                min_blocks_left=execution.min_blocks_left,
                quorum=config.trust.quorum,
            ),
            notice=notice,
        )
        self._tables = TableFollower(
            self._pool,
            execution.lookup_tables,
            {signer.address},
            changed=self._take_tables,
            notice=notice,
        )
        self._native_tables: Sequence[phantom_core.LookupTable] = ()
        self._tokens = TokenAccounts(
            signer.address, config.wallet.token_accounts, policy=execution.create_accounts
        )
        self._nonces: NonceFollower | None = None
        if execution.nonce_accounts:
            self._nonces = NonceFollower(
                self._pool, execution.nonce_accounts, signer.address, NoncePool(notice), notice=notice
            )
        self._cache = AccountCache()
        self._wanted: dict[str, None] = {signer.address: None}
        self._mints: tuple[str, ...] = ()
        self._urgent: dict[str, None] = {}
        self._learned: set[str] = set()
        self._machine: Svm | None = None
        self._is_ready = False
        self._wake = asyncio.Event()
        self._submitter = phantom_core.NetworkSubmitter(targets(config))
        self._watch: QuoteWatch | None = None
        self._tracker: LandingTracker | None = None
        self._dispatcher: NetworkDispatcher | None = None
        self._engine: Engine | None = None
        self._market: phantom_core.Engine | None = None

    # ---- for the session

    def settle_earlier(self, journal: Journal) -> None:
        """Decide what earlier runs left undecided, by what the chain says of its signatures.

        It waits until all of it is decided; told to leave it, it asks once, and the rest stays at risk.

        Raises:
            JournalError: The journal cannot be read or written.
        """
        asyncio.run(self._settle_earlier(journal))

    async def _settle_earlier(self, journal: Journal) -> None:
        open_ones = [each.submission for each in journal.unresolved(self._config.risk.account)]
        nonces = sorted({each.nonce_account for each in open_ones if each and each.nonce_account})
        if nonces:
            self._notice(
                "an attempt with a nonce never expires: if it does not land, `phantom nonce advance "
                f"{' '.join(nonces)}` ends it"
            )
        async with self._new_pool() as pool:
            tracker = LandingTracker(RpcChain(pool, error_name), self._tracker_rules(), notice=self._notice)
            done = await reconcile(
                journal,
                self._config.risk.account,
                tracker,
                tip_accounts=TIPS,
                on_progress=self._notice,
                is_stopping=lambda: self._leave_unresolved,
            )
        if self._nonces is not None:
            for each in journal.unresolved(self._config.risk.account):
                held = each.submission
                if held is not None and held.nonce_account is not None:
                    self._nonces.pool.reserve(held.nonce_account, held.blockhash)
        if done.left:
            self._notice(f"{len(done.left)} attempts of earlier runs stay at risk, undecided")

    def executor(self, market: phantom_core.Engine, journal: Journal) -> LiveExecutor:
        """Return who carries plans out."""
        execution = self._config.execution
        self._market = market
        self._tell_engine()
        builder = CycleBuilder(
            market,
            self._signer,
            BuildRules(
                tip_accounts=phantom_core.TIP_ACCOUNTS,
                tips=execution.landing != "rpc",
                max_account_locks=execution.max_account_locks,
                dont_front=None if execution.landing == "rpc" else execution.dont_front,
            ),
            blockhashes=self._blockhashes,
            accounts=self._tokens,
            tables=lambda: self._native_tables,
            nonces=None if self._nonces is None else self._nonces.pool,
            gate=lambda: None if self._is_ready else "not_ready",
        )
        self._tracker = LandingTracker(
            RpcChain(self._pool, error_name),
            self._tracker_rules(),
            resend=self._resend,
            may_send=self._may_send,
            on_certain=self._certain,
            notice=self._notice,
        )
        rehearsing = None
        if execution.rehearse == "always":
            programs, pool = self._programs.files(), lru_cache(maxsize=None)(market.pool)
            svm = self._machine = Svm(programs)
            self._watch = QuoteWatch(
                market,
                svm,
                [self._cache],
                ShadowRules(
                    share=execution.shadow_share,
                    max_error_ppm=execution.shadow_bound_ppm,
                    release_after=execution.shadow_release_after,
                ),
                pool,
                missing=self._want,
                changed=journal.changed,
                notice=self._notice,
            )
            alarm = DisagreementFiles(journal.path.parent / "disagreements", programs, notice=self._notice)
            rehearsing = PlanRehearsal(
                Rehearsal([EngineAccounts(market), self._cache], svm, alarm=alarm),
                pool,
                self._tokens.address,
                missing=self._want,
                learn=self._watch.rehearsed,
                crossings=market.crossings,
            )
        executor: LiveExecutor
        self._dispatcher = NetworkDispatcher(
            self._submitter,
            [lambda signature, answer: executor.answered(signature, answer), journal.answered],
            deadline_ms=execution.deadline_ms,
            notice=self._notice,
        )
        executor = LiveExecutor(
            builder,
            self._dispatcher,
            self._tracker,
            rehearsing=rehearsing,
            tip_accounts=TIPS,
            dry_run=execution.dry_run,
        )
        return executor

    @property
    def quoted(self) -> Callable[[Opportunity], None] | None:
        """The shadow check, where transactions are rehearsed."""
        return None if self._watch is None else self._watch.quoted

    # ---- beside the source

    async def follow(self, engine: Engine, ready: asyncio.Event) -> None:
        """Keep everything up to date that transactions are made of, until it is cancelled.

        Args:
            engine: Told when an attempt is certain.
            ready: Set once the source has read the market.

        Raises:
            EndpointError: What trading begins with cannot be read.
        """
        tracker, dispatcher = self._tracker, self._dispatcher
        if tracker is None or dispatcher is None:
            raise ConfigError("live trading has no executor yet")
        self._engine = engine
        async with self._pool:
            try:
                await self._begin(ready)
                self._is_ready = True
                self._notice(f"ready to trade {len(self._learned)} pools for {self._signer.address}")
                await first_end(
                    self._blockhashes.run(),
                    self._tables.run(),
                    self._follow_accounts(),
                    self._follow_urgent(),
                    tracker.run(),
                    *([] if self._nonces is None else [self._nonces.run()]),
                )
            finally:
                self._is_ready = False
                # What is sent is sent: its answers still name reasons, and the chain decides later.
                await dispatcher.finish()
                self._submitter.close()
                for line in () if self._watch is None else self._watch.summary():
                    self._notice(line)
                if len(self._tokens.ledger):
                    self._notice(
                        f"{self._tokens.ledger.outstanding_lamports:,} lamports of rent lie in "
                        f"{len(self._tokens.ledger)} token accounts that this run has created"
                    )
                left = [tracker.submission(signature) for signature in tracker.waiting()]
                if left:
                    self._notice(
                        f"{len(left)} {'attempt is' if len(left) == 1 else 'attempts are'} not decided yet: "
                        f"the next live run asks the chain before it trades{nonce_advice(left)}"
                    )

    async def _begin(self, ready: asyncio.Event) -> None:
        """Connect, and read all that trading begins with."""
        warm = asyncio.ensure_future(self._submitter.warm())
        await asyncio.gather(self._blockhashes.look(), self._tables.look())
        if self._nonces is not None:
            await self._nonces.look()
        for answer in (await warm).answers:
            if answer.kind != "connected":
                self._notice(f"target {answer.target}: {answer.kind} {answer.message or ''}".rstrip())
        await ready.wait()
        await self._learn_market()

    async def _learn_market(self) -> None:
        """Read the wallet's token accounts of all mints, and what new pools' swaps name beyond the engine."""
        market = self._market
        if market is None:
            return
        pools = [each for each in market.pools() if each.set_aside_reason is None]
        mints = dict.fromkeys(mint for each in pools for mint in (each.mint_a, each.mint_b))
        await self._tokens.refresh(self._pool, mints)
        self._mints = tuple(mints)
        new = [each for each in pools if each.pool not in self._learned]
        self._learned.update(each.pool for each in new)
        machine = self._machine
        if machine is None:
            return
        execution = self._config.execution
        named = dict.fromkeys([*execution.lookup_tables, *execution.nonce_accounts])
        if execution.landing != "rpc":
            named.update(dict.fromkeys(phantom_core.TIP_ACCOUNTS))
        for mint in mints:
            if self._tokens.facts(mint) is not None:
                named[self._tokens.address(mint)] = None
        for number, each in enumerate(new, start=1):
            for mint in (each.mint_a, each.mint_b):
                named.update(dict.fromkeys(_accounts_of(market, each.pool, mint, self._signer.address)))
            if number % _POOLS_AT_ONCE == 0:
                await asyncio.sleep(0)
        names = [name for name in named if not machine.brings(name)]
        held = market.held_accounts(names)
        self._wanted.update(
            dict.fromkeys(name for name, known in zip(names, held, strict=True) if known is None)
        )
        await self._read([*self._moving(), *self._unread()])

    async def _follow_accounts(self) -> None:
        """Read what moves often again and again, everything now and then."""
        read_all_at, told = time.monotonic() + MARKET_REFRESH_S, ""
        while True:
            await asyncio.sleep(ACCOUNT_REFRESH_S)
            try:
                if self._watch is not None:
                    self._watch.patrol.look_again()
                if time.monotonic() >= read_all_at:
                    read_all_at = time.monotonic() + MARKET_REFRESH_S
                    await self._learn_market()
                    await self._read(list(self._wanted))
                else:
                    await self._read([*self._moving(), *self._unread()])
            except PhantomError as error:
                if str(error) != told:
                    told = str(error)
                    self._notice(f"accounts to rehearse with: {told}")
            else:
                told = ""

    async def _follow_urgent(self) -> None:
        """Read at once what has moved or is missing."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            addresses, self._urgent = list(self._urgent), {}
            try:
                await self._read(addresses)
            except EndpointError as error:
                self._notice(f"accounts to rehearse with: {error}")

    def _moving(self) -> list[str]:
        """Return what changes with every trade of ours: the wallet and what it holds."""
        execution = self._config.execution
        held = [self._tokens.address(mint) for mint in self._mints if self._tokens.exists(mint)]
        return [self._signer.address, *execution.nonce_accounts, *execution.lookup_tables, *held]

    def _unread(self) -> list[str]:
        wanted = list(self._wanted)
        return [name for name, known in zip(wanted, self._cache.known(wanted), strict=True) if known is None]

    async def _read(self, addresses: Sequence[str]) -> None:
        if self._machine is not None:
            await self._cache.refresh(RpcAccounts(self._pool), addresses)

    # ---- what followers and the tracker tell

    def _take_tables(self, found: Mapping[str, tuple[str, ...]]) -> None:
        self._native_tables = tables_of(found)
        self._tell_engine()

    def _tell_engine(self) -> None:
        """Let the engine refuse what could not be sent before it is ranked."""
        execution = self._config.execution
        if self._market is not None:
            self._market.set_execution(
                self._signer.address,
                tables=self._native_tables,
                token_accounts=dict(self._config.wallet.token_accounts),
                tips=execution.landing != "rpc",
                uses_nonce=self._nonces is not None,
                reach="needed",
                max_account_locks=execution.max_account_locks,
                dont_front=None if execution.landing == "rpc" else execution.dont_front,
            )

    def _want(self, addresses: Sequence[str]) -> None:
        self._wanted.update(dict.fromkeys(addresses))
        self._read_soon(addresses)

    def _read_soon(self, addresses: Sequence[str]) -> None:
        self._urgent.update(dict.fromkeys(addresses))
        self._wake.set()

    def _may_send(self) -> bool:
        engine = self._engine
        return engine is not None and not engine.desk.is_halted

    def _resend(self, submission: Submission) -> None:
        if self._dispatcher is not None:
            self._dispatcher.send(submission)

    def _certain(self, signature: str) -> None:
        tracker, engine = self._tracker, self._engine
        if tracker is None or engine is None:
            return
        found = tracker.finding(signature)
        if found.facts is not None and found.facts.error is None:
            self._tokens.landed(tracker.submission(signature).accounts_created)
        if self._machine is not None:
            # Our own balances have moved, or a nonce has.
            self._read_soon(accounts_moved(tracker.submission(signature)))
        engine.resolve()

    def _tracker_rules(self) -> TrackerRules:
        return TrackerRules(
            quorum=self._config.trust.quorum,
            resend_every_blocks=self._config.execution.resend_every_slots,
        )

    def _new_pool(self) -> RpcPool:
        return RpcPool([endpoint(each) for each in self._config.endpoints], RpcRules(timeout_s=5.0))


def accounts_moved(submission: Submission) -> list[str]:
    """Return the accounts of ours that a transaction changes, or its failure."""
    moved = [submission.wallet, submission.base_account]
    moved += [address for address, _ in submission.accounts_created]
    return moved if submission.nonce_account is None else [*moved, submission.nonce_account]


def _accounts_of(market: phantom_core.Engine, pool: str, mint: str, wallet: str) -> list[str]:
    """Return every account that a swap of a pool names; none where it cannot be built now."""
    try:
        swap = market.pool(pool).swap_instruction(_PROBE_AMOUNT, mint_in=mint, wallet=wallet, min_out=0)
    except (MarketDataError, phantom_core.TransactionError, phantom_core.SwapRefused):
        return []
    return [address for address, _, _ in swap.accounts]


__all__ = ["LiveTrading", "targets"]
