//! What the engine is told once.

use super::guard::FreshnessConfig;
use crate::market::MarketConfig;
use crate::quantities::Pubkey;
use crate::scorer::ScorerConfig;
use crate::token_firewall::{RuleError, TokenRules};
use crate::wss_aggregator::AggregatorConfig;

/// Why an engine cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A cycle length that the search does not offer.
    #[error("max_hops is {found}, it may be 2 to {}", crate::cycle_finder::MAX_HOPS)]
    MaxHops {
        /// The value as given.
        found: usize,
    },
    /// A quorum that no number of providers can be.
    #[error("the quorum is {found}, it may be 1 to 64")]
    Quorum {
        /// The value as given.
        found: usize,
    },
    /// The fees of one attempt do not fit 64 bits.
    #[error("the costs of one attempt exceed 18446744073709551615 lamports: {0:?}")]
    Costs(Costs),
    /// Rules about mints that cannot be.
    #[error(transparent)]
    Tokens(#[from] RuleError),
}

/// What every attempt costs, in lamports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    /// Signatures of the transaction.
    pub signatures: u64,
    /// Base fee per signature.
    pub lamports_per_signature: u64,
    /// Compute units asked for; the priority fee is charged on this limit, used or not.
    pub compute_unit_limit: u64,
    /// Micro-lamports per compute unit.
    pub compute_unit_price_micro_lamports: u64,
    /// Tip to the block engine.
    pub tip_lamports: u64,
}

impl Default for Costs {
    fn default() -> Self {
        Self {
            signatures: 1,
            lamports_per_signature: 5_000,
            compute_unit_limit: 400_000,
            compute_unit_price_micro_lamports: 50_000,
            tip_lamports: 10_000,
        }
    }
}

/// What one attempt costs, in lamports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// Base fee of the signatures.
    pub network: u64,
    /// Priority fee.
    pub priority: u64,
    /// Tip.
    pub tip: u64,
    /// All three.
    pub total: u64,
    /// Compute units asked for.
    pub compute_unit_limit: u64,
    /// Micro-lamports per compute unit; times the limit it is `priority`, rounded up.
    pub compute_unit_price_micro_lamports: u64,
}

/// A mint that the wallet trades from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseMint {
    /// The mint.
    pub mint: Pubkey,
    /// Greatest input of one trade, in base units.
    pub max_amount_in: u64,
}

/// Everything the engine is told once.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Deduplication, and whom to believe.
    pub aggregator: AggregatorConfig,
    /// What is taken for granted about accounts never seen.
    pub market: MarketConfig,
    /// How old a pool may be.
    pub freshness: FreshnessConfig,
    /// Thresholds of a go.
    pub scorer: ScorerConfig,
    /// Which mints may be traded.
    pub tokens: TokenRules,
    /// Fees of one attempt.
    pub costs: Costs,
    /// What a failed attempt costs beyond its fees, in lamports; counts in the expected value alone.
    pub failure_cost_lamports: u64,
    /// Longest cycle looked for: 2 to [`crate::cycle_finder::MAX_HOPS`] hops.
    pub max_hops: usize,
    /// Mints to start cycles from, in order of preference.
    pub base_mints: Vec<BaseMint>,
    /// Whether the bytes of every account that the market takes are kept, see [`Engine::held_account`](super::Engine::held_account).
    pub keep_accounts: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            aggregator: AggregatorConfig::default(),
            market: MarketConfig::default(),
            freshness: FreshnessConfig::default(),
            scorer: ScorerConfig::default(),
            tokens: TokenRules::default(),
            costs: Costs::default(),
            failure_cost_lamports: 0,
            max_hops: 3,
            base_mints: Vec::new(),
            keep_accounts: false,
        }
    }
}
