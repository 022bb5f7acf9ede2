"""Settings: one frozen tree, read once; the reference is generated from it (`phantom config`).

Order: flag > environment (`PHANTOM_` and the key with `__` between its parts, as in `PHANTOM_RUN__SPEED`) >
    TOML file > default. Unknown keys are errors. The only secrets are in the URLs of endpoints: masked
wherever they are shown, and no value given for an endpoint or with an unknown key is repeated in a message.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal, Self

from platformdirs import user_config_path, user_state_path
from pydantic import (
    Field,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from phantom_arbiter.config_dashboard import DashboardSettings
from phantom_arbiter.config_execution import (
    BlockEngineSettings,
    ExecutionSettings,
    WalletSettings,
    check_engines,
)
from phantom_arbiter.config_execution import Url as Url
from phantom_arbiter.config_fees import FeeSettings, check_fees
from phantom_arbiter.config_risk import RiskSettings as RiskSettings
from phantom_arbiter.config_risk import StrategySettings
from phantom_arbiter.config_risk import risk_rules as risk_rules
from phantom_arbiter.config_telemetry import TelemetrySettings
from phantom_arbiter.config_types import MAX_AMOUNT as MAX_AMOUNT
from phantom_arbiter.config_types import USDC as USDC
from phantom_arbiter.config_types import WSOL as WSOL
from phantom_arbiter.config_types import (
    Count,
    FilePath,
    Lamports,
    Mint,
    Pool,
    PositiveAmount,
    Program,
    Section,
    Share,
    SignedLamports,
    SlotNumber,
)
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.sources.endpoints import Commitment, Endpoint

ENV_PREFIX = "PHANTOM_"
ENV_DELIMITER = "__"


def default_journal_path() -> Path:
    """Return where the journal goes if nobody says otherwise: the user's state folder."""
    return user_state_path("phantom-arbiter") / "journal.sqlite"


def default_config_path() -> Path:
    """Return the TOML file that is read if it exists and none is named."""
    return user_config_path("phantom-arbiter") / "config.toml"


TokenPermission = Literal["allowed", "atomic_only", "denied"]
TokenRule = Literal[
    "unknown_mint",
    "unreadable_mint",
    "non_transferable",
    "paused",
    "frozen_by_default",
    "transfer_hook",
    "unknown_extension",
    "high_transfer_fee",
    "low_liquidity",
    "too_young",
    "permanent_delegate",
    "freeze_authority",
    "mint_authority",
    "pause_authority",
    "transfer_hook_authority",
    "transfer_fee",
    "transfer_fee_authority",
    "confidential_transfer",
    "close_authority",
]
"""Findings about a mint, as the native `token_rule_names()`; defaults: `phantom_core.TokenRules`."""


TokenFlag = Literal["freeze_authority", "transfer_fee", "mint_authority"]
"""What a mint's account allows, as the native `token_flag_bits()`."""


class EngineSettings(Section):
    """What the native engine looks for."""

    max_hops: int = Field(default=3, ge=2, le=4)
    """Longest cycle, in pools; 2 to 4."""

    base_mints: dict[Mint, PositiveAmount] = Field(
        default_factory=lambda: {USDC: 10_000_000_000, WSOL: 100_000_000_000}, min_length=1
    )
    """Mints a cycle starts and ends with, preferred first, each with its largest input in base units."""

    assume_plain_mints: bool = False
    """Take a mint whose account was never seen as a plain SPL mint, free of transfer fees."""


class MarketSettings(Section):
    """Which venues may trade. One whose program shows signs of change is quarantined by itself."""

    release_venues: list[str] = Field(default_factory=list)
    """Venues that may trade in spite of signs that their program has changed; `phantom venues` names them."""

    verified_deployments: dict[Program, SlotNumber] = Field(default_factory=dict)
    """Slot of the deployment that was verified, by program; a later one is a sign of change."""


class CostSettings(Section):
    """What a transaction costs."""

    signatures: int = Field(default=1, ge=1, le=12)
    """Signatures per transaction; the network takes 5,000 lamports for each."""

    compute_unit_limit: int = Field(default=400_000, ge=1, le=1_400_000)
    """Compute units a transaction may use; the priority fee pays for all of them."""

    compute_unit_price_micro_lamports: Lamports = 50_000
    """Priority fee per compute unit, in millionths of a lamport."""

    tip_lamports: Lamports = 10_000
    """Tip to the block engine, in lamports, paid if the transaction lands."""

    failure_cost_lamports: Lamports = 0
    """What a failed attempt costs beyond its fees, in lamports; counts in the expected value alone."""


class ScorerSettings(Section):
    """When a candidate is worth a signal."""

    min_net_profit_lamports: Lamports = 10_000
    """Least profit after costs, valued in lamports."""

    min_net_bps: float = Field(default=0.0, ge=0, le=10_000, allow_inf_nan=False)
    """Least profit after costs, in 1/10,000 of the input."""

    max_age_slots: Count = 8
    """Most slots between the write behind a signal and the highest seen; 8 slots are 3.2 seconds."""

    max_depth_bps: Count | None = None
    """Greatest input of any hop in 1/10,000 of the hop's depth; without it there is no limit."""

    max_volatility_bps: Count | None = None
    """Most that the route's prices move per slot, in 1/10,000 of the price; without it there is no limit."""

    max_competition: Share = 1.0
    """Greatest share of earlier attempts at the cycle that came too late; 1 for no limit."""

    min_agreement: Share = 0.0
    """Least share of the connected providers that vouch for the state of all pools of the route."""

    refused_token_flags: tuple[TokenFlag, ...] = ()
    """freeze_authority, mint_authority, transfer_fee: what no mint but those of tokens.allow may have."""

    min_landing: Share = 0.0
    """Least probability that the attempt lands, learned from earlier ones; 0.5 before the first."""

    min_expected_value_lamports: SignedLamports | None = None
    """Least that the attempt is worth on average, in lamports; without it there is no limit."""


class FreshnessSettings(Section):
    """How old the state of a pool may be, in slots; not judged before a connection has notified a slot."""

    max_pool_age_slots: Count = 16
    """Greatest age of what trading changes; 16 slots, 6 seconds, are enough to reconnect and read again."""

    max_settings_age_slots: Count = 9_000
    """Greatest age of mints and configurations, hardly ever subscribed to; 9,000 slots are an hour."""

    hold_torn_pools: bool = True
    """Let a pool wait while only a part of what a swap writes has arrived."""

    max_torn_slots: Count = 2
    """Most slots that it waits."""

    max_heartbeat_gap: Count = 0
    """Slots that slot notifications may leave out without that being a gap, for providers that thin them."""


class TokenSettings(Section):
    """Which mints may be traded, by list and by what their accounts say; `phantom tokens` shows it."""

    allow: tuple[Mint, ...] = (USDC, WSOL)
    """Mints that may be traded whatever their accounts say."""

    deny: tuple[Mint, ...] = ()
    """Mints that may not be traded, allowed or not."""

    rules: dict[TokenRule, TokenPermission] = Field(default_factory=dict)
    """What a finding leads to, where it is not the default: allowed, atomic_only (in cycles) or denied."""

    max_transfer_fee_bps: int = Field(default=1_000, ge=0, le=10_000)
    """Greatest transfer fee, in force or announced, in 1/10,000; more is the finding high_transfer_fee."""

    min_depth: dict[Mint, PositiveAmount] = Field(default_factory=dict)
    """Least depth of a mint's pools against any of these, in their base units; less is low_liquidity."""

    min_age_slots: SlotNumber = 0
    """Slots for which a mint must have been seen; less is the finding too_young."""


class TrustSettings(Section):
    """Whom to believe. A provider is one voice, over however many connections."""

    quorum: int = Field(default=1, ge=1, le=64)
    """Providers that must deliver the same before it counts; with 1 a lie that is first counts."""

    quarantine: bool = False
    """Stop listening to a provider past one of the limits below, each counted over 1,000 of its frames."""

    max_malformed: Count = 100
    """Most frames of it that are refused."""

    max_disagreements: Count = 20
    """Most last writes of a slot with which it stands alone against two others."""

    max_wrong_owners: Count = 3
    """Most owners of accounts that nobody else names."""

    max_impossible_slots: Count = 3
    """Most slots out of reach."""


class EndpointSettings(Section):
    """One RPC provider: name, URLs, what it allows. `${NAME}` in a URL stands for an environment variable."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    """What it is called in messages: 1 to 32 lower-case letters, digits, - or _."""

    http_url: Url | None = None
    """JSON-RPC over HTTP, http:// or https://; masked wherever it is shown."""

    ws_url: Url | None = None
    """Pub-sub over WebSocket, ws:// or wss://; masked wherever it is shown."""

    max_subscriptions_per_connection: int = Field(default=100, ge=2, le=1_000_000)
    """Subscriptions one WebSocket may hold; mainnet's public endpoint allows 100, others up to thousands."""

    max_connections: int = Field(default=10, ge=1, le=1_000)
    """WebSockets that may be open at the same time."""

    requests_per_second: float | None = Field(default=None, gt=0, le=1_000_000, allow_inf_nan=False)
    """Requests it allows in a second, subscriptions included; without it the project sets no limit."""

    credits: dict[str, Count] = Field(default_factory=dict)
    """Credits one call costs by method, as the provider counts them; default is for all others."""

    commitment: Commitment = "processed"
    """Which state is asked for: processed, confirmed or finalized."""

    compression: bool = False
    """Ask for permessage-deflate: less traffic, more work."""

    @model_validator(mode="after")
    def _is_an_endpoint(self) -> Self:
        try:
            endpoint(self)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self


class DiscoverySettings(Section):
    """Which pools to look for. With one mint all that trade it, with more those between two of them."""

    mints: tuple[Mint, ...] = ()
    """Mints whose pools are searched for with getProgramAccounts, which not every endpoint allows."""

    pools: tuple[Pool, ...] = ()
    """Pools that are taken in any case."""

    venues: tuple[str, ...] = ()
    """Venues that are searched; empty for all. `phantom venues` names them."""

    max_pools: int = Field(default=5_000, ge=1, le=1_000_000)
    """Most pools that a search may find; more is taken for a mistake in what is searched for."""


class LiveSettings(Section):
    """How a live market is kept true."""

    reread_every_s: float = Field(default=60.0, ge=0, le=86_400, allow_inf_nan=False)
    """Seconds in which each account is read once in any case, for writes that all have lost; 0 for never."""


class JournalSettings(Section):
    """Where attempts are written."""

    path: FilePath = Field(default_factory=default_journal_path)
    """SQLite file, created if missing."""


class RunSettings(Section):
    """What `phantom run` reads and how it shows it."""

    source: Literal["demo", "recording", "live"] = "demo"
    """demo: the shipped recording; recording: the file run.recording; live: what the endpoints send."""

    recording: FilePath | None = None
    """Recording to replay; naming one implies source recording."""

    speed: str = Field(default="max", pattern=r"^([mM][aA][xX]|[0-9]{1,9}(\.[0-9]{1,9})?[xX])$")
    """1x replays in recorded time, 100x a hundred times faster, max without waiting."""

    ui: Literal["auto", "tui", "rich", "plain"] = "auto"
    """tui: screens; rich: counters; plain: lines; auto: plain off a terminal, rich at speed max, else tui."""


class Config(BaseSettings):
    """The effective configuration."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    mode: Literal["paper", "live"] = "paper"
    """paper: fills on the market the engine sees, nothing is sent; live: set by the flag --live alone."""

    engine: EngineSettings = Field(default_factory=EngineSettings)
    market: MarketSettings = Field(default_factory=MarketSettings)
    costs: CostSettings = Field(default_factory=CostSettings)
    fees: FeeSettings = Field(default_factory=FeeSettings)
    scorer: ScorerSettings = Field(default_factory=ScorerSettings)
    freshness: FreshnessSettings = Field(default_factory=FreshnessSettings)
    tokens: TokenSettings = Field(default_factory=TokenSettings)
    trust: TrustSettings = Field(default_factory=TrustSettings)
    risk: RiskSettings = Field(default_factory=RiskSettings)
    strategy: StrategySettings = Field(default_factory=StrategySettings)
    journal: JournalSettings = Field(default_factory=JournalSettings)
    run: RunSettings = Field(default_factory=RunSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    dashboard: DashboardSettings = Field(default_factory=DashboardSettings)
    endpoints: tuple[EndpointSettings, ...] = ()
    """RPC providers that live data comes from, each a table [[endpoints]]."""
    discovery: DiscoverySettings = Field(default_factory=DiscoverySettings)
    live: LiveSettings = Field(default_factory=LiveSettings)
    wallet: WalletSettings = Field(default_factory=WalletSettings)
    execution: ExecutionSettings = Field(default_factory=ExecutionSettings)
    block_engines: tuple[BlockEngineSettings, ...] = ()
    """Where bundles go, each a table [[block_engines]]."""

    @model_validator(mode="after")
    def _base_mints_have_limits(self) -> Self:
        missing = [mint for mint in self.engine.base_mints if mint not in self.risk.mints]
        if missing:
            raise ValueError(f"risk.mints has no limits for {missing[0]}, which engine.base_mints names")
        return self

    @model_validator(mode="after")
    def _costs_are_within_what_fees_may_be(self) -> Self:
        costs = self.costs
        check_fees(self.fees, costs.compute_unit_price_micro_lamports, costs.tip_lamports)
        return self

    @model_validator(mode="after")
    def _endpoints_have_names_of_their_own(self) -> Self:
        names = [settings.name for settings in self.endpoints]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"endpoints: {twice[0]} is the name of two, each has its own")
        return self

    @model_validator(mode="after")
    def _block_engines_have_names_of_their_own(self) -> Self:
        check_engines(self.block_engines)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values as given: `config_sources.load` has already merged flags, environment and file."""
        return (init_settings,)


def check_quorum(config: Config) -> None:
    """Check that there are enough providers to agree; for whoever uses the endpoints.

    Raises:
        ConfigError: `trust.quorum` is more than there are `endpoints`.
    """
    quorum, found = config.trust.quorum, len(config.endpoints)
    if quorum > found:
        raise ConfigError(
            f"trust.quorum is {quorum}, but there {'is' if found == 1 else 'are'} {found} [[endpoints]]:"
            " nothing could ever count",
            hint="add endpoints of other providers, or lower trust.quorum",
        )


def endpoint(settings: EndpointSettings) -> Endpoint:
    """Return the settings as the plain value that the sources work with.

    Raises:
        ConfigError: They do not fit together.
    """
    return Endpoint(
        name=settings.name,
        http_url=settings.http_url,
        ws_url=settings.ws_url,
        max_subscriptions_per_connection=settings.max_subscriptions_per_connection,
        max_connections=settings.max_connections,
        requests_per_second=settings.requests_per_second,
        credits=MappingProxyType(dict(settings.credits)),
        commitment=settings.commitment,
        compression=settings.compression,
    )
