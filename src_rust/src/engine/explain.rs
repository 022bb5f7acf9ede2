//! Where in the funnel a cycle stops now, and what is missing.
//!
//! Nothing is counted, opened or waited for: asking changes no later answer.

use super::{Cycle, Engine, Hop, Shortfall, Sizing, Stage};
use crate::cycle_finder::{CycleKey, EdgeIndex, PoolIndex, pool_of};
use crate::market::MintIndex;
use crate::quantities::Slot;
use crate::scorer::{Assessment, Prospect, Reason, Share, Stakes};

/// Lamports of one SOL.
const SOL: f64 = 1e9;

/// Hops that are no cycle of this market.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// Too few or too many hops.
    #[error("the cycle has {found} hops, it may have 2 to {}", crate::cycle_finder::MAX_HOPS)]
    Length {
        /// Hops as given.
        found: usize,
    },
    /// A hop does not start with the mint that the one before ends with.
    #[error("hop {hop} does not take the mint that the hop before it gives")]
    Broken {
        /// The hop, from 0; 0: the last hop does not give what the first takes.
        hop: usize,
    },
    /// A pool comes twice: its second swap would be quoted on a state that the first has changed.
    #[error("hop {hop} uses the pool of an earlier hop")]
    PoolTwice {
        /// The hop, from 0.
        hop: usize,
    },
}

/// One thing that speaks against a cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Obstacle {
    /// `set_aside`, `no_spread`, `pool_fees`, or the name of a [`Reason`].
    pub reason: &'static str,
    /// What was found, against which bound.
    pub detail: String,
    /// Basis points that are missing: of the input, or at the margin where no input gains.
    pub missing_bps: Option<f64>,
    /// Lamports that are missing: of the sized trade, or of an input worth 1 SOL where none gains.
    pub missing_lamports: Option<i128>,
}

/// What becomes of a cycle now.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Its edges, from the base mint if it holds one.
    pub edges: Vec<EdgeIndex>,
    /// Mint that it starts and ends with.
    pub base_mint: MintIndex,
    /// Newest slot of its pools.
    pub slot: Slot,
    /// The last stage that it reaches; `None` if it does not pay before fees or cannot be priced.
    pub reached: Option<Stage>,
    /// What speaks against it, in the order of the funnel; empty: a signal.
    pub obstacles: Vec<Obstacle>,
    /// Gain at the margin before and after fees, basis points; negative: a loss.
    pub margin_bps: Option<(f64, f64)>,
    /// The hops at the best input; empty if none gains.
    pub hops: Vec<Hop>,
    /// What was judged, if it came so far.
    pub prospect: Option<Prospect>,
    /// What the scorer said.
    pub assessment: Option<Assessment>,
}

fn gain_bps(weight: f64) -> f64 {
    (-weight).exp_m1() * 1e4
}

/// Lamports of an input worth 1 SOL, rounded up.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn of_one_sol(bps: f64) -> i128 {
    (bps * SOL / 1e4).ceil() as i128
}

impl Engine {
    /// Returns where a cycle stops now and what is missing.
    ///
    /// # Errors
    /// [`ExplainError`]: the edges are no cycle.
    ///
    /// # Panics
    /// If the graph of another market numbered an edge.
    pub fn explain(&mut self, edges: &[EdgeIndex]) -> Result<Explanation, ExplainError> {
        self.check_cycle(edges)?;
        let found = edges.len();
        let key = CycleKey::new(edges).filter(|_| found >= 2).ok_or(ExplainError::Length { found })?;
        let pools: Vec<PoolIndex> = edges.iter().map(|&edge| pool_of(edge).0).collect();
        let slot = pools.iter().map(|&pool| self.market.pool(pool).slot()).max().unwrap_or(0);
        let edges = self.begun_at_base(edges, key);
        let mut told = Explanation {
            base_mint: self.market.ends(edges[0]).0,
            edges,
            slot,
            reached: None,
            obstacles: Vec::new(),
            margin_bps: None,
            hops: Vec::new(),
            prospect: None,
            assessment: None,
        };
        // Named wherever the cycle stops: no better price would make it a signal.
        let denied = self
            .denied_token(key.edges())
            .map(|(mint, why)| plain(Reason::TokenDenied.name(), format!("mint {mint}: {why}")));
        let weights: Option<Vec<_>> = key.edges().map(|edge| self.market.graph().weight(edge)).collect();
        let Some(weights) = weights else {
            let pools = pools.iter().map(|&pool| self.market.pool(pool));
            told.obstacles = pools
                .filter_map(|pool| Some((pool, pool.set_aside()?)))
                .map(|(pool, why)| plain("set_aside", format!("pool {}: {why}", pool.address())))
                .collect();
            if told.obstacles.is_empty() {
                told.obstacles.push(plain("set_aside", "a pool has no price in this direction".into()));
            }
            told.obstacles.extend(denied);
            return Ok(told);
        };
        let (net, gross) = weights.iter().fold((0.0, 0.0), |(n, g), w| (n + w.net, g + w.gross));
        told.margin_bps = Some((gain_bps(gross), gain_bps(net)));
        let cycle = Cycle { key, net };
        if !cycle.is_open() {
            let (reason, detail) = if gross < 0.0 {
                told.reached = Some(Stage::Cycle);
                ("pool_fees", "the pools' fees exceed what prices promise")
            } else {
                ("no_spread", "prices promise nothing even before fees")
            };
            let missing_bps = net.max(0.0) * 1e4;
            told.obstacles.push(Obstacle {
                reason,
                detail: detail.into(),
                missing_bps: Some(missing_bps),
                missing_lamports: Some(of_one_sol(missing_bps)),
            });
            told.obstacles.extend(denied);
            return Ok(told);
        }
        told.reached = Some(Stage::AfterFees);
        if self.openings.is_taken(key) {
            told.obstacles.push(plain(
                Reason::AlreadyTaken.name(),
                "taken, and not closed at recorded prices since".into(),
            ));
        }
        told.obstacles.extend(denied);
        match self.size(&cycle, slot) {
            Err((reason, nearest)) => self.explain_unsized(&mut told, reason, nearest),
            Ok(sizing) => self.explain_sized(&mut told, &cycle, sizing),
        }
        Ok(told)
    }

    fn check_cycle(&self, edges: &[EdgeIndex]) -> Result<(), ExplainError> {
        for (hop, &edge) in edges.iter().enumerate() {
            let before = edges[(hop + edges.len() - 1) % edges.len()];
            if self.market.ends(before).1 != self.market.ends(edge).0 {
                return Err(ExplainError::Broken { hop });
            }
            if edges[..hop].iter().any(|&other| pool_of(other).0 == pool_of(edge).0) {
                return Err(ExplainError::PoolTwice { hop });
            }
        }
        Ok(())
    }

    /// Returns the edges from the base mint on, if the cycle holds one.
    fn begun_at_base(&self, edges: &[EdgeIndex], key: CycleKey) -> Vec<EdgeIndex> {
        let first = self.base_of(&Cycle { key, net: 0.0 }).and_then(|(start, _)| key.edges().nth(start));
        let mut edges = edges.to_vec();
        if let Some(start) = first.and_then(|first| edges.iter().position(|&edge| edge == first)) {
            edges.rotate_left(start);
        }
        edges
    }

    fn explain_unsized(&self, told: &mut Explanation, reason: Reason, nearest: Shortfall) {
        let costs = self.pricing.least(&self.fees).map_or(u64::MAX, |fees| fees.total);
        let least = i128::from(self.config.scorer.min_net_profit_lamports) + i128::from(costs);
        let (detail, missing_bps, missing_lamports) = match nearest {
            Shortfall::Sized(candidate) => (
                format!("no input gains a unit; {} comes nearest", candidate.amount_in),
                Some(candidate.missing_bps()),
                Some(least),
            ),
            Shortfall::Margin(bps) => (
                "no input gains on the market as fills have left it".into(),
                Some(bps),
                Some(of_one_sol(bps)),
            ),
            Shortfall::Unknown => ("no number says what is missing".into(), None, None),
        };
        told.obstacles.push(Obstacle { reason: reason.name(), detail, missing_bps, missing_lamports });
    }

    fn explain_sized(&mut self, told: &mut Explanation, cycle: &Cycle, sizing: Sizing) {
        let Sizing { hops, candidate, stakes, depth_bps, priced, .. } = sizing;
        let edges: Vec<EdgeIndex> = cycle.key.edges().collect();
        let context = self.context(cycle.key, &edges, candidate.age_slots, depth_bps, true);
        let prospect = Prospect { candidate, context, stakes };
        let mut assessment = self.scorer.assess(&prospect);
        assessment.reasons = assessment.reasons.with_if(Reason::CostsExceedProfit, !priced.is_worth_bidding);
        told.reached = Some(Stage::AfterSizing);
        told.obstacles.extend(assessment.reasons.iter().map(|reason| self.obstacle(reason, &prospect)));
        match self.rules.explain(&prospect, &assessment, edges.len(), told.slot) {
            Ok(score) => assessment.score = score,
            Err(detail) => told.obstacles.push(plain(Reason::RefusedByRule.name(), detail)),
        }
        for hop in &hops {
            let pool = self.market.pool(hop.pool);
            if let Some(blocked) = self.guard.blocked(&self.aggregator, pool) {
                let detail = format!("pool {}: {blocked}", pool.address());
                told.obstacles.push(plain(blocked.reason().name(), detail));
            }
        }
        if told.obstacles.is_empty() {
            told.reached = Some(Stage::AfterCosts);
        }
        told.hops = hops;
        told.prospect = Some(prospect);
        told.assessment = Some(assessment);
    }

    /// Returns what a rule of the scorer found, against which bound.
    fn obstacle(&self, reason: Reason, prospect: &Prospect) -> Obstacle {
        let Prospect { candidate, context, stakes } = prospect;
        let config = self.scorer.config();
        let Stakes { gross_profit_lamports, tip_lamports, fee_lamports, .. } = *stakes;
        let costs = i128::from(tip_lamports) + i128::from(fee_lamports);
        let net_lamports = i128::from(gross_profit_lamports) - costs;
        let bps_of = |units: i128| units as f64 * 1e4 / candidate.amount_in as f64;
        let share = |share: Share| format!("{}.{:02} %", share.e4() / 100, share.e4() % 100);
        let missing = |detail: String, bps: Option<f64>, lamports: Option<i128>| Obstacle {
            reason: reason.name(),
            detail,
            missing_bps: bps,
            missing_lamports: lamports,
        };
        match reason {
            Reason::Stale => {
                let (found, most) = (candidate.age_slots, config.max_age_slots);
                plain(reason.name(), format!("the update is {found} slots old, at most {most} are allowed"))
            }
            Reason::CostsExceedProfit => missing(
                if net_lamports > 0 {
                    format!("a gain of {gross_profit_lamports} lamports leaves too little for a tip")
                } else {
                    format!("a gain of {gross_profit_lamports} lamports against costs of {costs}")
                },
                Some(bps_of((1 - candidate.net_profit()).max(1))),
                Some((1 - net_lamports).max(1)),
            ),
            Reason::BelowMinProfit => missing(
                format!(
                    "{net_lamports} lamports are left, at least {} are asked",
                    config.min_net_profit_lamports
                ),
                Some(candidate.missing_bps()),
                Some((i128::from(config.min_net_profit_lamports) - net_lamports).max(1)),
            ),
            Reason::BelowMinBps => missing(
                format!("{:.4} bps are left, at least {} are asked", candidate.net_bps(), config.min_net_bps),
                Some(config.min_net_bps - candidate.net_bps()),
                None,
            ),
            Reason::TooDeep => missing(
                format!(
                    "the input is {} bps of a hop's depth, at most {} are allowed",
                    context.depth_bps, config.max_depth_bps
                ),
                Some(f64::from(context.depth_bps) - f64::from(config.max_depth_bps)),
                None,
            ),
            Reason::TooVolatile => plain(
                reason.name(),
                format!(
                    "{} bps per slot, at most {} are allowed",
                    context.volatility_bps, config.max_volatility_bps
                ),
            ),
            Reason::TooContested => plain(
                reason.name(),
                format!(
                    "gone {} of the time, at most {} is allowed",
                    share(context.competition),
                    share(config.max_competition)
                ),
            ),
            Reason::TooFewAgree => plain(
                reason.name(),
                format!(
                    "{} of the providers agree, at least {} must",
                    share(context.agreement),
                    share(config.min_agreement)
                ),
            ),
            Reason::TokenRisk => {
                let refused = context.token_flags.intersection(config.refused_flags);
                let names: Vec<_> = refused.names().collect();
                plain(reason.name(), format!("a mint of the route has {}", names.join(", ")))
            }
            Reason::UnlikelyToLand => plain(
                reason.name(),
                format!(
                    "lands with {}, at least {} is asked",
                    share(context.landing),
                    share(config.min_landing)
                ),
            ),
            Reason::BelowMinExpectedValue => {
                let found =
                    stakes.expected_value_lamports(context.landing).map_or(i128::from(i64::MIN), i128::from);
                let least = i128::from(config.min_expected_value_lamports);
                missing(
                    format!("worth {found} lamports, at least {least} are asked"),
                    None,
                    Some(least - found),
                )
            }
            other => plain(other.name(), String::new()),
        }
    }
}

fn plain(reason: &'static str, detail: String) -> Obstacle {
    Obstacle { reason, detail, missing_bps: None, missing_lamports: None }
}
