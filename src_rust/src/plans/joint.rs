//! All profitable cycles at once, no liquidity counted twice.
//!
//! Two plans are made and the better returned, with the value of both. *Sequential*: the best cycle,
//! carried out, then the best of what is left ([`super::sequential`]). *Joint*: the solver's flows
//! through all pools at once, stripped into cycles through the base mints ([`super::flows`]), their
//! inputs then improved together by exact quotes ([`super::cycles`]), and what is still open after
//! them added one by one. Sequential sizing takes for one cycle what two would have shared; joint
//! flows may need cycles longer than allowed, or more of them. So neither is always ahead.

use super::cycles::improved;
use super::exact::{ExactLeg, carry_out};
use super::flows::{LaneFlow, Stripped, strip};
use super::lanes::Lanes;
use super::route::{PlanError, PlannedRoute, PoolFilter, Usable, check_range};
use super::sequential::{CycleLimits, Sequential, profit};
use super::solve::solve_arbitrage;
use crate::cycle_finder::{EdgeIndex, MAX_HOPS};
use crate::market::{Market, MintIndex};
use crate::quantities::Pubkey;

/// Most cycles of a plan.
pub const MAX_PLAN_CYCLES: usize = 256;

/// A mint that cycles start from and end with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Base {
    /// The mint.
    pub mint: Pubkey,
    /// What one base unit is worth, in any unit that all bases share.
    pub value: f64,
}

/// [`Base`] by number.
#[derive(Debug, Clone, Copy)]
pub(super) struct BaseMint {
    pub(super) index: MintIndex,
    pub(super) value: f64,
}

/// What a plan may use.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanLimits {
    /// Longest cycle, 2 to [`MAX_HOPS`].
    pub max_hops: usize,
    /// Largest input of a cycle, in base units of its base mint. A cycle that this cuts short may
    /// come again.
    pub max_amount_in: u64,
    /// Most cycles, 1 to [`MAX_PLAN_CYCLES`].
    pub max_cycles: usize,
    /// Least profit of a cycle, in base units of its base mint; at least 1.
    pub min_profit: u64,
    /// Which pools.
    pub pools: PoolFilter,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self {
            max_hops: 3,
            max_amount_in: u64::MAX,
            max_cycles: 64,
            min_profit: 1,
            pools: PoolFilter::default(),
        }
    }
}

/// How a plan was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// All pools at once.
    Joint,
    /// One cycle after the other.
    Sequential,
}

/// Cycles to carry out in order. All amounts are exact if nobody comes between.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Each starts and ends with a base mint; a pool that two use is swapped with twice.
    pub cycles: Vec<PlannedRoute>,
    /// What each base mint gains, in the order of the bases.
    pub profits: Vec<(Pubkey, i128)>,
    /// `profits` at the bases' values.
    pub value: f64,
    /// Which of the two plans it is.
    pub method: Method,
    /// Value of the plan that takes one cycle after the other.
    pub sequential_value: f64,
    /// Value of the plan that starts from the solver's flows.
    pub joint_value: f64,
    /// No plan through these pools gains more, whatever the length and number of its cycles, up to the
    /// rounding of `f64`, as long as no pool is swapped with farther than one swap reaches. `None` if
    /// the solver could not tell.
    pub bound: Option<f64>,
}

/// Returns the best plan found for cycles through the bases; no cycles if none gains.
///
/// # Errors
/// [`PlanError`].
pub fn joint_plan(market: &Market, bases: &[Base], limits: &PlanLimits) -> Result<Plan, PlanError> {
    check_range("max_hops", limits.max_hops, 2, MAX_HOPS)?;
    check_range("max_cycles", limits.max_cycles, 1, MAX_PLAN_CYCLES)?;
    check_range("number of base mints", bases.len(), 1, market.pools().len().max(1))?;
    let mut numbered: Vec<BaseMint> = Vec::with_capacity(bases.len());
    for base in bases {
        let unknown = PlanError::UnknownMint { role: "base mint", mint: base.mint };
        let index = market.mint_index(&base.mint).ok_or(unknown)?;
        if numbered.iter().any(|known| known.index == index) {
            return Err(PlanError::SameMint(base.mint));
        }
        if !(base.value.is_finite() && base.value > 0.0) {
            return Err(PlanError::BadValue { mint: base.mint, value: base.value });
        }
        numbered.push(BaseMint { index, value: base.value });
    }
    let indices: Vec<MintIndex> = numbered.iter().map(|base| base.index).collect();
    let usable = Usable::new(market, &limits.pools, &indices)?;
    let cycle_limits = CycleLimits {
        max_hops: limits.max_hops,
        max_amount_in: limits.max_amount_in,
        max_cycles: limits.max_cycles,
        min_profit: limits.min_profit.max(1),
    };
    let ledger = Ledger { market, bases: &numbered };
    let sequential = Sequential::new(market, &numbered, cycle_limits, &usable).run();

    let lanes = Lanes::around(market, &indices, limits.max_hops, |pool| usable.has(pool));
    let values: Vec<f64> = numbered.iter().map(|base| base.value).collect();
    let mut solved = solve_arbitrage(&lanes, &values);
    let cycles = cycles_of(&lanes, &mut solved.flows, &ledger, cycle_limits);
    let routes = improved(market, cycles, |leg| ledger.value_of(leg), limits.max_amount_in);
    let mut joint = Sequential::new(market, &numbered, cycle_limits, &usable);
    joint.begin_with(&routes);
    let joint = joint.run();

    let (sequential_value, joint_value) = (ledger.value(&sequential), ledger.value(&joint));
    let is_joint = ledger.is_more(&joint, &sequential);
    let legs = if is_joint { joint } else { sequential };
    debug_assert!(is_repeatable(market, &legs), "carried out as planned");
    Ok(Plan {
        cycles: legs.iter().map(|leg| PlannedRoute::new(market, leg)).collect(),
        profits: bases.iter().map(|base| base.mint).zip(ledger.profits(&legs)).collect(),
        value: if is_joint { joint_value } else { sequential_value },
        method: if is_joint { Method::Joint } else { Method::Sequential },
        sequential_value,
        joint_value,
        bound: solved.bound,
    })
}

/// Cycles through the bases in the solver's flows, most gain first, with their inputs.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, NaN gives 0")]
fn cycles_of(
    lanes: &Lanes,
    flows: &mut [LaneFlow],
    ledger: &Ledger<'_, '_>,
    limits: CycleLimits,
) -> Vec<(Vec<EdgeIndex>, u64)> {
    let mut found: Vec<(f64, Stripped)> = Vec::new();
    for (base, place) in ledger.bases.iter().zip(0..) {
        for cycle in strip(lanes, flows, (place, place), limits.max_cycles) {
            found.push((base.value * (cycle.out - cycle.amount), cycle));
        }
    }
    found.sort_by(|x, y| y.0.total_cmp(&x.0));
    found.truncate(limits.max_cycles);
    let whole = |amount: f64| (amount.round() as u64).clamp(1, limits.max_amount_in.max(1));
    let edges = |path: &[u32]| path.iter().map(|&place| lanes.all[place as usize].edge).collect();
    let gaining = found.iter().filter(|(gain, _)| *gain > 0.0);
    gaining.map(|(_, cycle)| (edges(&cycle.path), whole(cycle.amount))).collect()
}

/// What cycles gain, by base.
struct Ledger<'m, 'a> {
    market: &'m Market,
    bases: &'a [BaseMint],
}

impl Ledger<'_, '_> {
    fn base_of(&self, leg: &ExactLeg) -> usize {
        let start = leg.edges.first().map(|&edge| self.market.ends(edge).0);
        self.bases.iter().position(|base| Some(base.index) == start).unwrap_or(0)
    }

    fn value_of(&self, leg: &ExactLeg) -> f64 {
        self.bases[self.base_of(leg)].value * profit(leg) as f64
    }

    fn profits(&self, legs: &[ExactLeg]) -> Vec<i128> {
        let mut sums = vec![0; self.bases.len()];
        for leg in legs {
            sums[self.base_of(leg)] += profit(leg);
        }
        sums
    }

    fn value(&self, legs: &[ExactLeg]) -> f64 {
        self.profits(legs).iter().zip(self.bases).map(|(&gain, base)| base.value * gain as f64).sum()
    }

    /// Whether one plan gains more than another: to the unit if there is one base.
    fn is_more(&self, one: &[ExactLeg], other: &[ExactLeg]) -> bool {
        match (&self.profits(one)[..], &self.profits(other)[..]) {
            ([one], [other]) => one > other,
            _ => self.value(one) > self.value(other),
        }
    }
}

fn is_repeatable(market: &Market, legs: &[ExactLeg]) -> bool {
    let routes: Vec<_> = legs.iter().map(|leg| (leg.edges.clone(), leg.amount_in())).collect();
    carry_out(market, &routes).is_ok_and(|again| again == legs)
}

/// Returns the value of one base unit of each mint in base units of the first, at the price before
/// fees of the deepest usable pool between the two.
///
/// # Errors
/// [`PlanError::UnknownMint`], [`PlanError::NoValue`] without such a pool.
pub fn values_against_first(market: &Market, mints: &[Pubkey]) -> Result<Vec<f64>, PlanError> {
    let index = |mint: &Pubkey| {
        market.mint_index(mint).ok_or(PlanError::UnknownMint { role: "base mint", mint: *mint })
    };
    let Some(first) = mints.first() else { return Ok(Vec::new()) };
    let against = index(first)?;
    let mut values = vec![1.0];
    for mint in &mints[1..] {
        let other = index(mint)?;
        if mints.iter().filter(|same| *same == mint).count() > 1 {
            return Err(PlanError::SameMint(*mint));
        }
        let between = market.pools().iter().filter(|pool| {
            let ends = (pool.mint_a(), pool.mint_b());
            pool.set_aside().is_none() && (ends == (other, against) || ends == (against, other))
        });
        let deepest = between
            .map(|pool| (pool.seen().depth(market.environment(), pool.mint_a() == other), pool))
            .max_by(|x, y| x.0.total_cmp(&y.0).then(y.1.address().cmp(&x.1.address())));
        let price = deepest.and_then(|(_, pool)| pool.seen().spot_price(pool.mint_a() == other));
        values.push(price.ok_or(PlanError::NoValue { mint: *mint, against: *first })?.to_f64());
    }
    Ok(values)
}
