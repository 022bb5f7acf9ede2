//! From an open cycle to a candidate: the best input, what it leaves, and what that is worth in lamports.

use super::context::deepest;
use super::pricing::Priced;
use super::{BaseMint, Cycle, Engine, Hop, Shortfall};
use crate::amm_math::Curve as _;
use crate::cycle_finder::{EdgeIndex, pool_of};
use crate::market::MintIndex;
use crate::quantities::Slot;
use crate::scorer::{Candidate, Reason, Stakes};
use crate::sizing::{Effort, HopRef, SizingLimits, size_cycle};

/// How long to look for the last units of what may become a signal: they must not cost the block.
const SIGNAL_EFFORT: Effort = Effort::Candidates(512);

/// A cycle at its best input.
#[derive(Debug)]
pub(super) struct Sizing {
    pub(super) base_mint: MintIndex,
    pub(super) hops: Vec<Hop>,
    pub(super) candidate: Candidate,
    pub(super) stakes: Stakes,
    pub(super) depth_bps: u32,
    pub(super) priced: Priced,
}

impl Engine {
    /// Finds the best input of a cycle and what it leaves before the thresholds are asked. Where no
    /// input gains a unit, the candidate is the one that came nearest.
    pub(super) fn size(&mut self, cycle: &Cycle, slot: Slot) -> Result<Sizing, (Reason, Shortfall)> {
        let (start, base) = self.base_of(cycle).ok_or((Reason::NoBaseMint, Shortfall::Unknown))?;
        let mut edges: Vec<EdgeIndex> = cycle.key.edges().collect();
        edges.rotate_left(start);
        let base_mint = self.market.ends(edges[0]).0;
        let views = edges
            .iter()
            .map(|&edge| self.market.view(pool_of(edge).0))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| (Reason::NoProfitAfterSizing, Shortfall::Unknown))?;
        let hops: Vec<_> = views
            .iter()
            .zip(&edges)
            .map(|(curve, &edge)| HopRef { curve, a_to_b: pool_of(edge).1 })
            .collect();
        let valued = |lamports| {
            self.market.lamports_in(base_mint, lamports).ok_or((Reason::NoCostPrice, Shortfall::Unknown))
        };
        // Costs are not known before the gain is: sizing does not need them, and judges by the least.
        let too_dear = (Reason::CostsExceedProfit, Shortfall::Unknown);
        let least = self.pricing.least(&self.fees).ok_or(too_dear)?;
        let (cost, min_net_profit) =
            (valued(least.total)?, valued(self.config.scorer.min_net_profit_lamports)?);
        let age_slots = self.aggregator.highest_slot().saturating_sub(slot);
        let candidate =
            |amount_in, gross_profit| Candidate { amount_in, gross_profit, cost, min_net_profit, age_slots };
        let mut limits = SizingLimits { effort: Effort::Quick, ..SizingLimits::up_to(base.max_amount_in) };
        let mut sized = size_cycle(&hops, &limits, &mut self.sizing);
        // The last units count where the verdict can turn on them, and in what is sent.
        let is_worth_more = sized.as_ref().map_or_else(
            || self.sizing.may_gain(),
            |sized| {
                let most = candidate(sized.amount_in(), sized.gross_profit.saturating_add(sized.gap));
                sized.gap > 0 && self.scorer.judge(&most).is_go()
            },
        );
        if is_worth_more {
            limits.effort = SIGNAL_EFFORT;
            sized = size_cycle(&hops, &limits, &mut self.sizing);
        }
        let Some(sized) = sized else {
            if let Some(amount_in) = self.sizing.last_peak() {
                return Err((Reason::NoProfitAfterSizing, Shortfall::Sized(candidate(amount_in, 0))));
            }
            let margin: f64 = hops.iter().map(|hop| -hop.curve.marginal_rate(hop.a_to_b).ln()).sum();
            let is_filled = edges.iter().any(|&edge| self.market.pool(pool_of(edge).0).is_filled());
            let reason = if is_filled { Reason::ClosedByOwnFill } else { Reason::NoProfitAfterSizing };
            return Err((reason, Shortfall::Margin(margin.max(0.0) * 1e4)));
        };
        let worth = |priced| {
            self.lamports_of(base_mint, sized.gross_profit, priced)
                .ok_or((Reason::NoCostPrice, Shortfall::Unknown))
        };
        let mut gross_profit_lamports = worth((least.total, cost))?;
        let priced = self
            .pricing
            .price(&self.market, &edges, sized.amounts(), least, gross_profit_lamports)
            .ok_or(too_dear)?;
        let fees = priced.fees;
        let mut candidate = candidate(sized.amount_in(), sized.gross_profit);
        if fees.total != least.total {
            candidate.cost = valued(fees.total)?;
            gross_profit_lamports = worth((fees.total, candidate.cost))?;
        }
        let stakes = Stakes {
            gross_profit_lamports,
            tip_lamports: fees.tip,
            fee_lamports: fees.total - fees.tip,
            failure_lamports: self.config.failure_cost_lamports,
        };
        let depth_bps = deepest(&hops, sized.amounts());
        let hops = edges
            .iter()
            .zip(sized.amounts().windows(2))
            .map(|(&edge, pair)| {
                let (pool, a_to_b) = pool_of(edge);
                Hop { pool, a_to_b, amount_in: pair[0], amount_out: pair[1] }
            })
            .collect();
        Ok(Sizing { base_mint, hops, candidate, stakes, depth_bps, priced })
    }

    /// Returns what `amount` of a base mint is worth in lamports, rounded down: by the price at which
    /// `priced` lamports were just bought, or where that is nothing, at which 1 SOL is. `None` without
    /// a price or beyond 64 bits.
    fn lamports_of(&self, mint: MintIndex, amount: u64, priced: (u64, u64)) -> Option<u64> {
        let (lamports, units) = match priced {
            (0, _) | (_, 0) => (1_000_000_000, self.market.lamports_in(mint, 1_000_000_000)?),
            priced => priced,
        };
        u64::try_from((u128::from(amount) * u128::from(lamports)).checked_div(u128::from(units))?).ok()
    }

    /// Returns where in the cycle the most preferred base mint comes in, and that base mint.
    pub(super) fn base_of(&self, cycle: &Cycle) -> Option<(usize, BaseMint)> {
        self.config.base_mints.iter().find_map(|base| {
            let mint = self.market.mint_index(&base.mint)?;
            let position = cycle.key.edges().position(|edge| self.market.ends(edge).0 == mint)?;
            Some((position, *base))
        })
    }
}
