//! Settings of the fee engine.

use super::{FeeError, MAX_COMPUTE_UNIT_LIMIT, MAX_SOURCES};

/// Everything the fee engine is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeConfig {
    /// Slots that a sample counts for. A node tells the last 150 (`getRecentPrioritizationFees`).
    pub window_slots: u64,
    /// Slots that a source may be ahead of [`super::FeeEngine::now`].
    pub max_lead_slots: u64,
    /// Sources that have to speak of a slot before it counts.
    pub quorum: usize,
    /// Samples an account needs to be judged by its own.
    pub min_samples: usize,
    /// Accounts that are remembered; beyond, the quarter heard of least lately is forgotten.
    pub max_accounts: usize,
    /// Greatest price of a sample that is believed, micro-lamports per compute unit.
    pub max_sample_price: u64,
    /// Price while nothing is known, micro-lamports per compute unit.
    pub cold_price: u64,
    /// Least price that is ever answered, micro-lamports per compute unit.
    pub min_price: u64,
    /// Greatest price that is ever answered, micro-lamports per compute unit.
    pub max_price: u64,
    /// Average fullness from which more than asked for is taken, 1/10,000 of the block's limit. At full
    /// blocks half of what the asked percentile leaves to 100 % is added.
    pub congested_bps: u32,
    /// Share of what an outcome says that is learned at once, 1/10,000.
    pub learning_bps: u32,
    /// Slots after which what was learned from attempts counts half.
    pub half_life_slots: u64,
    /// Compute unit limit while nothing is known.
    pub cold_compute_unit_limit: u32,
    /// Percentile of the units used that the limit is built from, 1/10,000.
    pub units_percentile_bps: u32,
    /// Margin on top of it, 1/10,000.
    pub units_margin_bps: u32,
    /// Least tip, lamports; the block engine's own least is 1,000.
    pub min_tip_lamports: u64,
    /// Greatest tip, lamports.
    pub max_tip_lamports: u64,
    /// Greatest tip in 1/10,000 of what the bundle is worth.
    pub max_tip_share_bps: u32,
    /// Tip while no tip floor is known, lamports.
    pub cold_tip_lamports: u64,
    /// Weight of a new tip floor in the average, 1/10,000.
    pub floor_weight_bps: u32,
    /// Greatest factor by which one tip floor may differ from the average and still count as it is.
    pub max_floor_step: u64,
    /// Slots after which a tip floor is too old.
    pub floor_slots: u64,
    /// Every so many bids one explores a step up or down; 0 for never.
    pub explore_every: u64,
    /// Attempts that the tip floor counts for in each step of the win curve.
    pub prior_attempts: u32,
}

impl Default for FeeConfig {
    fn default() -> Self {
        Self {
            window_slots: 150,
            max_lead_slots: 32,
            quorum: 1,
            min_samples: 20,
            max_accounts: 1_024,
            max_sample_price: 1_000_000_000_000,
            cold_price: 50_000,
            min_price: 0,
            max_price: 5_000_000,
            congested_bps: 9_000,
            learning_bps: 200,
            half_life_slots: 9_000,
            cold_compute_unit_limit: 400_000,
            units_percentile_bps: 9_900,
            units_margin_bps: 1_000,
            min_tip_lamports: 1_000,
            max_tip_lamports: 10_000_000,
            max_tip_share_bps: 5_000,
            cold_tip_lamports: 10_000,
            floor_weight_bps: 2_500,
            max_floor_step: 4,
            floor_slots: 1_500,
            explore_every: 32,
            prior_attempts: 4,
        }
    }
}

/// Least tip that the block engine takes, lamports; jito-docs, low latency transaction send.
const BLOCK_ENGINE_MIN_TIP: u64 = 1_000;

impl FeeConfig {
    /// Returns the first setting that is out of its range.
    pub(super) fn check(&self) -> Result<(), FeeError> {
        let ranges: [(&'static str, u64, u64, u64); 23] = [
            ("window_slots", self.window_slots, 1, 10_000),
            ("max_lead_slots", self.max_lead_slots, 0, 1_000),
            ("quorum", self.quorum as u64, 1, MAX_SOURCES as u64),
            ("min_samples", self.min_samples as u64, 1, self.window_slots),
            ("max_accounts", self.max_accounts as u64, 1, 1_000_000),
            ("max_sample_price", self.max_sample_price, 1, u64::MAX),
            ("max_price", self.max_price, 0, u64::MAX),
            ("min_price", self.min_price, 0, self.max_price),
            ("cold_price", self.cold_price, self.min_price, self.max_price),
            ("congested_bps", self.congested_bps.into(), 0, 10_000),
            ("learning_bps", self.learning_bps.into(), 0, 1_000),
            ("half_life_slots", self.half_life_slots, 1, 1_000_000_000),
            (
                "cold_compute_unit_limit",
                self.cold_compute_unit_limit.into(),
                1,
                MAX_COMPUTE_UNIT_LIMIT.into(),
            ),
            ("units_percentile_bps", self.units_percentile_bps.into(), 1, 9_999),
            ("units_margin_bps", self.units_margin_bps.into(), 0, 100_000),
            ("min_tip_lamports", self.min_tip_lamports, BLOCK_ENGINE_MIN_TIP, u64::MAX),
            ("max_tip_lamports", self.max_tip_lamports, self.min_tip_lamports, u64::MAX),
            ("max_tip_share_bps", self.max_tip_share_bps.into(), 0, 10_000),
            ("cold_tip_lamports", self.cold_tip_lamports, self.min_tip_lamports, self.max_tip_lamports),
            ("floor_weight_bps", self.floor_weight_bps.into(), 1, 10_000),
            ("max_floor_step", self.max_floor_step, 2, 1_000),
            ("floor_slots", self.floor_slots, 1, 1_000_000_000),
            ("prior_attempts", self.prior_attempts.into(), 1, 1_000_000),
        ];
        for (name, found, least, most) in ranges {
            if !(least..=most).contains(&found) {
                return Err(FeeError::Config { name, found, least, most });
            }
        }
        Ok(())
    }
}
