//! What one candidate costs: the settings' fees, or those that the fee engine names for its route.
//!
//! The input of a cycle does not depend on what the transaction costs, so it is sized first. What a
//! transaction must cost in any case (signatures and the least tip) is asked first: who fails by that
//! is not priced. Then the price of the route's accounts is set, and last the tip, by what is left.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Costs, Engine, Fees};
use crate::cycle_finder::{EdgeIndex, pool_of};
use crate::fee_engine::{FeeEngine, FeeError, HopUnits, priority_fee_lamports};
use crate::market::{Market, Pool};
use crate::quantities::Pubkey;

/// A fee engine that others feed and ask, too.
pub type SharedFeeEngine = Arc<Mutex<FeeEngine>>;

/// Who names the fees of a candidate.
#[derive(Debug, Default)]
pub(super) struct Pricing {
    adaptive: Option<Adaptive>,
    bids: u64,
}

#[derive(Debug)]
struct Adaptive {
    fees: SharedFeeEngine,
    percentile_bps: u32,
    least_tip: u64,
}

/// The fees of one candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Priced {
    pub(super) fees: Fees,
    /// Accounts that set the price: pools, then vaults; empty where the settings did.
    pub(super) accounts: Vec<Pubkey>,
    /// Whether it is worth a tip at all; if not, `fees` holds the least one.
    pub(super) is_worth_bidding: bool,
}

impl Priced {
    fn plain(fees: Fees) -> Self {
        Self { fees, accounts: Vec::new(), is_worth_bidding: true }
    }
}

impl Pricing {
    /// Returns the fees that no transaction is below: all of them where the settings name them. `None` if
    /// they do not fit 64 bits.
    pub(super) fn least(&self, fixed: &Fees) -> Option<Fees> {
        match &self.adaptive {
            None => Some(*fixed),
            Some(adaptive) => Fees { priority: 0, ..*fixed }.with_tip(adaptive.least_tip),
        }
    }

    /// Returns the fees of a route that gains `gross_lamports` before them; `None` if they do not fit 64
    /// bits. `least` stands where the gain does not exceed it. `amounts`: what goes into each hop.
    pub(super) fn price(
        &self,
        market: &Market,
        edges: &[EdgeIndex],
        amounts: &[u64],
        least: Fees,
        gross_lamports: u64,
    ) -> Option<Priced> {
        let Some(adaptive) = &self.adaptive else { return Some(Priced::plain(least)) };
        if gross_lamports <= least.total {
            return Some(Priced { is_worth_bidding: false, ..Priced::plain(least) });
        }
        adaptive.price(market, edges, amounts, least, gross_lamports, self.bids)
    }

    /// Takes notice that a bid was made.
    pub(super) fn bid(&mut self) {
        // A number of bids that does not fit 64 bits is out of reach; turns begin anew then.
        self.bids = self.bids.wrapping_add(1);
    }
}

impl Adaptive {
    fn price(
        &self,
        market: &Market,
        edges: &[EdgeIndex],
        amounts: &[u64],
        least: Fees,
        gross_lamports: u64,
        bids: u64,
    ) -> Option<Priced> {
        let hops: Vec<_> = edges
            .iter()
            .zip(amounts)
            .map(|(&edge, &amount_in)| HopUnits {
                venue: market.pool(pool_of(edge).0).venue().name,
                crossings: market.crossings(edge, amount_in),
            })
            .collect();
        let accounts = written_accounts(market, edges);
        // A panic elsewhere has been raised there; what was learned until then still stands.
        let mut fees = self.fees.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = u64::from(fees.compute_unit_limit(&hops).compute_unit_limit);
        let price = fees.price(&accounts, self.percentile_bps).ok()?.price_micro_lamports;
        let priority = priority_fee_lamports(price, limit).ok()?;
        let before_tip = least.network.checked_add(priority)?;
        // Nothing is left: no bid, as for what is worth too little.
        let value = gross_lamports.saturating_sub(before_tip);
        let tip = fees.tip(value, bids).tip_lamports;
        drop(fees);
        let costs =
            Fees { priority, compute_unit_limit: limit, compute_unit_price_micro_lamports: price, ..least };
        let fees = costs.with_tip(tip.unwrap_or(self.least_tip))?;
        Some(Priced { fees, accounts, is_worth_bidding: tip.is_some() })
    }
}

/// Returns the accounts that a swap along `edges` writes, as far as the market knows them: the pools,
/// then their vaults. Whoever writes a vault that is not known here writes its pool, too.
fn written_accounts(market: &Market, edges: &[EdgeIndex]) -> Vec<Pubkey> {
    let pools = || edges.iter().map(|&edge| market.pool(pool_of(edge).0));
    let vaults = pools().flat_map(Pool::accounts).filter(|account| account.reason == "missing_vault");
    pools().map(Pool::address).chain(vaults.map(|vault| vault.address)).collect()
}

impl Fees {
    /// Returns the fees with another tip; `None` if they do not fit 64 bits.
    fn with_tip(self, tip: u64) -> Option<Self> {
        let total = self.network.checked_add(self.priority)?.checked_add(tip)?;
        Some(Self { tip, total, ..self })
    }
}

impl Costs {
    /// Returns the fees in lamports, or `None` if they do not fit 64 bits.
    #[must_use]
    pub fn fees(&self) -> Option<Fees> {
        let network = self.signatures.checked_mul(self.lamports_per_signature)?;
        let priority =
            priority_fee_lamports(self.compute_unit_price_micro_lamports, self.compute_unit_limit).ok()?;
        let fees = Fees {
            network,
            priority,
            tip: 0,
            total: 0,
            compute_unit_limit: self.compute_unit_limit,
            compute_unit_price_micro_lamports: self.compute_unit_price_micro_lamports,
        };
        fees.with_tip(self.tip_lamports)
    }
}

impl Engine {
    /// Lets a fee engine name compute unit limit, compute unit price and tip of each candidate, instead of
    /// the settings; `None`: the settings again. `percentile_bps` is the share of recent slots in which
    /// the price would have been enough, in 1/10,000.
    ///
    /// Whoever holds the other end feeds it: slots, fees, tip floors and outcomes. Without news it
    /// names what it was told to name while nothing is known.
    ///
    /// # Errors
    /// [`FeeError::Percentile`]; nothing has changed then.
    pub fn set_fee_engine(
        &mut self,
        fees: Option<SharedFeeEngine>,
        percentile_bps: u32,
    ) -> Result<(), FeeError> {
        let adaptive = fees.map(|fees| {
            let mut locked = fees.lock().unwrap_or_else(PoisonError::into_inner);
            locked.price(&[], percentile_bps)?;
            let least_tip = locked.config().min_tip_lamports;
            drop(locked);
            Ok(Adaptive { fees, percentile_bps, least_tip })
        });
        self.pricing.adaptive = adaptive.transpose()?;
        Ok(())
    }

    /// Returns the fee engine that names fees, if one does.
    #[must_use]
    pub fn fee_engine(&self) -> Option<&SharedFeeEngine> {
        self.pricing.adaptive.as_ref().map(|adaptive| &adaptive.fees)
    }
}
