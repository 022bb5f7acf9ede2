//! What a transaction should offer: compute unit price and limit, and the tip of a bundle.
//!
//! The one idea: what was enough in the recent past is a sample of what will be enough, so every
//! answer is a quantile of a bounded, ageing sample, and says which sample it came from.
//! - [`FeeEngine::price`]: the compute unit price that would have been enough in the asked share of
//!   the recent slots, for the busiest of the accounts that the transaction locks for writing. The rank
//!   is that of a split-conformal bound: with slots that may change places (exchangeable) it is
//!   reached in at least the asked share of them, for any distribution.
//! - [`FeeEngine::compute_unit_limit`]: a high quantile of the units that hops and the rest have used, with
//!   a margin.
//! - [`FeeEngine::tip`]: first-price bid shading: the tip with the greatest `(value - tip) × win(tip)`,
//!   `win` being the empirical win curve of our own attempts on top of the tips that landed.
//!
//! **Money is integer**: prices are micro-lamports per compute unit, fees and tips lamports; what
//! overflows is an error. Floats hold probabilities and weights only, and choose between integers.
//!
//! **Time is the slot**, told by [`FeeEngine::advance`]. It never goes back, and what a source says of
//! slots ahead of it by more than [`FeeConfig::max_lead_slots`] is refused: who makes slots up ages nothing.
//!
//! **Whom to believe**: of what several sources say of one slot the lower median counts, and only with
//! [`FeeConfig::quorum`] of them. With three honest ones of four, or two of three, a liar moves a sample no
//! further than to what an honest source has said. With two sources the lower counts: a liar can make
//! us bid too little, not too much. With one, only [`FeeConfig::max_sample_price`] and the caps stand.
//!
//! **Memory**: at most [`FeeConfig::max_accounts`] accounts of `window_slots + max_lead_slots + 1`
//! samples of 88 bytes, 17 MB as set by default; compute units: [`MAX_VENUES`] venues; the win curve: constant.
//!
//! **What it does not know**: why an attempt was missed. Whoever reports outcomes leaves out those that
//! had nothing to do with the price, such as an expired blockhash.

mod calibration;
mod compute;
mod config;
mod congestion;
mod error;
mod money;
mod price;
mod tip_floor;
mod tips;
mod win_curve;
mod window;

pub use compute::{HopUnits, LimitBasis, LimitEstimate, MAX_VENUES};
pub use config::FeeConfig;
pub use error::FeeError;
pub use money::{MAX_COMPUTE_UNIT_LIMIT, price_for_budget, priority_fee_lamports};
pub use price::{PriceBasis, PriceEstimate};
pub use tip_floor::{FLOOR_PERCENTILES, TipFloor};
pub use tips::{TipBound, TipQuote};
pub use window::MAX_SOURCES;

use crate::quantities::{Pubkey, Slot};
use calibration::Calibration;
use compute::ComputeUnits;
use congestion::Congestion;
use price::PriceBook;
use tips::TipBook;

/// Learns from slots, simulations and own attempts; answers with prices, limits and tips.
#[derive(Debug, Clone)]
pub struct FeeEngine {
    config: FeeConfig,
    now: Slot,
    prices: PriceBook,
    congestion: Congestion,
    calibration: Calibration,
    units: ComputeUnits,
    tips: TipBook,
}

impl FeeEngine {
    /// Returns an engine that knows nothing yet.
    ///
    /// # Errors
    /// [`FeeError::Config`] for a setting out of its range.
    pub fn new(config: FeeConfig) -> Result<Self, FeeError> {
        config.check()?;
        Ok(Self {
            now: 0,
            prices: PriceBook::default(),
            congestion: Congestion::default(),
            calibration: Calibration::default(),
            units: ComputeUnits::default(),
            tips: TipBook::new(),
            config,
        })
    }

    /// Returns the settings.
    #[must_use]
    pub fn config(&self) -> &FeeConfig {
        &self.config
    }

    /// Returns the slot that the engine has been told last; 0 before the first.
    #[must_use]
    pub fn now(&self) -> Slot {
        self.now
    }

    /// Tells the engine which slot the chain has reached.
    ///
    /// # Errors
    /// [`FeeError::SlotWentBack`]; nothing has changed then.
    pub fn advance(&mut self, slot: Slot) -> Result<(), FeeError> {
        if slot < self.now {
            return Err(FeeError::SlotWentBack { found: slot, now: self.now });
        }
        self.now = slot;
        Ok(())
    }

    // ---- compute unit price

    /// Takes one source's answer to `getRecentPrioritizationFees` for one account: slots and the least
    /// price, in micro-lamports per compute unit, that landed in them with a write lock on it.
    ///
    /// Slots that have left the window are passed over. Returns how many samples were taken.
    ///
    /// # Errors
    /// [`FeeError::Source`], [`FeeError::SlotAhead`] or [`FeeError::AbsurdPrice`]; the whole answer is
    /// refused then.
    pub fn observe_account(
        &mut self,
        source: usize,
        account: Pubkey,
        samples: &[(Slot, u64)],
    ) -> Result<usize, FeeError> {
        for &(slot, price) in samples {
            self.check_sample(source, slot, price)?;
        }
        Ok(self.prices.observe_account(&self.config, self.now, source, account, samples))
    }

    /// Takes what one source says of a whole block: the price that counts as its level for a transaction
    /// that nothing is known about, and how full it was, in 1/10,000 of the block's compute unit limit.
    ///
    /// Returns whether the slot is still in the window.
    ///
    /// # Errors
    /// [`FeeError::Source`], [`FeeError::SlotAhead`], [`FeeError::AbsurdPrice`] or
    /// [`FeeError::Fullness`]; nothing has changed then.
    pub fn observe_block(
        &mut self,
        source: usize,
        slot: Slot,
        price_micro_lamports: u64,
        fullness_bps: Option<u32>,
    ) -> Result<bool, FeeError> {
        self.check_sample(source, slot, price_micro_lamports)?;
        if let Some(found) = fullness_bps.filter(|&found| found > 10_000) {
            return Err(FeeError::Fullness { found });
        }
        let taken = self.prices.observe_block(&self.config, self.now, source, slot, price_micro_lamports);
        if let (true, Some(fullness)) = (taken, fullness_bps) {
            self.congestion.observe(source, slot, fullness, self.now, self.config.quorum);
        }
        Ok(taken)
    }

    /// Returns the price to offer for a transaction that locks `accounts` for writing, so that it would
    /// have been enough in `percentile_bps` (1/10,000) of the recent slots.
    ///
    /// An account that has fewer than [`FeeConfig::min_samples`] samples is judged by whole blocks; the
    /// account for which most is asked decides.
    ///
    /// # Errors
    /// [`FeeError::Percentile`] outside 1 to 9,999.
    pub fn price(&mut self, accounts: &[Pubkey], percentile_bps: u32) -> Result<PriceEstimate, FeeError> {
        check_percentile(percentile_bps)?;
        let learned = self.calibration.applied_to(percentile_bps, self.now, &self.config);
        let used = self.congestion.applied_to(learned, self.now, &self.config);
        Ok(self.prices.estimate(&self.config, self.now, accounts, percentile_bps, used))
    }

    /// Returns the average fullness of the blocks of the last 16 slots, in 1/10,000 of their limit; `None`
    /// if none is known.
    #[must_use]
    pub fn fullness_bps(&mut self) -> Option<u32> {
        self.congestion.fullness_bps(self.now)
    }

    /// Learns from a transaction that was sent with an estimated price, without a tip. Returns whether
    /// it taught anything: not if it did not pay exactly the estimate, or is long past.
    ///
    /// # Errors
    /// [`FeeError::Percentile`], or [`FeeError::SlotAhead`] if `slot` is in the future.
    pub fn observe_priority(&mut self, attempt: &PriorityAttempt) -> Result<bool, FeeError> {
        check_percentile(attempt.percentile_bps)?;
        self.check_slot(attempt.slot)?;
        Ok(self.calibration.observe(attempt, self.now, &self.config))
    }

    // ---- compute unit limit

    /// Takes the units that one hop has used in a simulation, having crossed so many ticks or bins.
    ///
    /// A hop with crossings teaches nothing before the venue's first without: what it would have used
    /// without them is not known.
    ///
    /// # Errors
    /// [`FeeError::Units`] outside 1 to 1,400,000; [`FeeError::TooManyVenues`].
    pub fn observe_hop(&mut self, hop: HopUnits<'_>, units: u32) -> Result<(), FeeError> {
        self.units.observe_hop(hop, units)
    }

    /// Takes the units that a transaction has used besides its hops: compute budget, tip, token accounts.
    ///
    /// # Errors
    /// [`FeeError::Units`] outside 1 to 1,400,000.
    pub fn observe_overhead(&mut self, units: u32) -> Result<(), FeeError> {
        self.units.observe_overhead(units)
    }

    /// Returns the compute unit limit to ask for.
    #[must_use]
    pub fn compute_unit_limit(&self, hops: &[HopUnits<'_>]) -> LimitEstimate {
        self.units.limit(hops, &self.config)
    }

    // ---- tip

    /// Takes the tips that landed lately, by percentile, in SOL as the block engine tells them.
    ///
    /// # Errors
    /// [`FeeError::TipFloor`] or [`FeeError::TipFloorOrder`], [`FeeError::SlotAhead`], or
    /// [`FeeError::SlotWentBack`] if `slot` is before the last floor's; nothing has changed then.
    pub fn observe_tip_floor(
        &mut self,
        slot: Slot,
        sol: [f64; FLOOR_PERCENTILES.len()],
        ema_p50_sol: Option<f64>,
    ) -> Result<(), FeeError> {
        self.check_slot(slot)?;
        self.tips.observe_floor(slot, sol, ema_p50_sol, &self.config)
    }

    /// Returns the smoothed tip floor, in lamports; `None` if none is known or the last is too old.
    #[must_use]
    pub fn tip_floor(&self) -> Option<TipFloor> {
        self.tips.floor(self.now, &self.config)
    }

    /// Returns the tip to bid for a bundle that is worth `value_lamports` if it lands: the expected profit
    /// after all costs but the tip. `attempt` counts bids; every so many it decides to explore.
    #[must_use]
    pub fn tip(&self, value_lamports: u64, attempt: u64) -> TipQuote {
        self.tips.quote(value_lamports, attempt, self.now, &self.config)
    }

    /// Learns from a bundle: whether it landed with this tip. Returns whether it taught anything: not
    /// without a tip floor to compare with, or if it is long past.
    ///
    /// # Errors
    /// [`FeeError::SlotAhead`] if `slot` is in the future.
    pub fn observe_tip(&mut self, slot: Slot, tip_lamports: u64, landed: bool) -> Result<bool, FeeError> {
        self.check_slot(slot)?;
        Ok(self.tips.observe(slot, tip_lamports, landed, self.now, &self.config))
    }

    /// Returns how many accounts have samples of their own.
    #[must_use]
    pub fn known_accounts(&self) -> usize {
        self.prices.known_accounts()
    }

    fn check_slot(&self, slot: Slot) -> Result<(), FeeError> {
        if slot > self.now.saturating_add(self.config.max_lead_slots) {
            return Err(FeeError::SlotAhead { found: slot, now: self.now, most: self.config.max_lead_slots });
        }
        Ok(())
    }

    fn check_sample(&self, source: usize, slot: Slot, price: u64) -> Result<(), FeeError> {
        if source >= MAX_SOURCES {
            return Err(FeeError::Source { found: source });
        }
        self.check_slot(slot)?;
        if price > self.config.max_sample_price {
            return Err(FeeError::AbsurdPrice { found: price, slot, most: self.config.max_sample_price });
        }
        Ok(())
    }
}

/// A transaction sent with a priority fee and no tip, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriorityAttempt {
    /// Slot in which it was sent.
    pub slot: Slot,
    /// Percentile that was asked for, in 1/10,000.
    pub percentile_bps: u32,
    /// What [`FeeEngine::price`] had said, micro-lamports per compute unit.
    pub estimated_price: u64,
    /// What was paid, micro-lamports per compute unit.
    pub paid_price: u64,
    /// Whether it landed, successfully or not.
    pub landed: bool,
}

fn check_percentile(percentile_bps: u32) -> Result<(), FeeError> {
    if !(1..=9_999).contains(&percentile_bps) {
        return Err(FeeError::Percentile { found: percentile_bps });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
