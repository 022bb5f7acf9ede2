//! The best way to swap an amount over all pools: several routes that share it, in whole units.
//!
//! The joint solver says what flows through every pool at the optimum; routes are stripped from it
//! ([`super::flows`]), others looked for ([`super::split`]), at most `max_legs` kept, and the division
//! of the amount is then improved by exact quotes ([`super::exact`]). The best single route is found
//! exactly and stands beside the result: the better of the two is returned.
//!
//! The answer consists of simple routes from `mint_in` to `mint_out`. Cycles that gain by themselves
//! are not part of a trade, nor of its bound: [`super::joint`] is for them.

use super::exact::{Division, ExactLeg, carry_out, divide, total_out};
use super::flows::strip;
use super::lanes::{Lanes, Path};
use super::overlay::Overlay;
use super::route::{PlanError, PlannedRoute, PoolFilter, Usable, check_range};
use super::solve::{Solved, solve_trade};
use super::split::Splitter;
use crate::cycle_finder::EdgeIndex;
use crate::market::Market;
use crate::quantities::Pubkey;

/// Longest route.
pub const MAX_TRADE_HOPS: usize = 4;
/// Most routes that share an amount.
pub const MAX_TRADE_LEGS: usize = 8;
/// How often legs that turn out not to work in whole units are replaced.
const MAX_ATTEMPTS: usize = 4;
/// Paths that are taken from the solver's flows.
const MAX_STRIPPED: usize = 12;

/// What a trade may use.
#[derive(Debug, Clone, PartialEq)]
pub struct TradeOptions {
    /// Longest route, 1 to [`MAX_TRADE_HOPS`].
    pub max_hops: usize,
    /// Most routes, 1 to [`MAX_TRADE_LEGS`]: a transaction holds 1,232 bytes.
    pub max_legs: usize,
    /// What every route after the first costs, in base units of the output: it must add at least
    /// this, and always one unit.
    pub leg_cost: u64,
    /// Which pools.
    pub pools: PoolFilter,
}

impl Default for TradeOptions {
    fn default() -> Self {
        Self { max_hops: 3, max_legs: 4, leg_cost: 0, pools: PoolFilter::default() }
    }
}

/// A division of an amount over routes. All amounts are exact if the routes are carried out in order
/// and nobody comes between.
#[derive(Debug, Clone, PartialEq)]
pub struct Trade {
    /// What is paid.
    pub mint_in: Pubkey,
    /// What is received.
    pub mint_out: Pubkey,
    /// Base units; the routes' inputs add up to it.
    pub amount_in: u64,
    /// Base units; the sum of the routes' outputs. Costs of the transaction are not in it.
    pub amount_out: u64,
    /// The largest first.
    pub routes: Vec<PlannedRoute>,
    /// What the best single route gives for the whole amount; `None` if none takes it.
    pub best_single_route: Option<u64>,
    /// No division over any number of such routes gives more, up to the rounding of `f64`, as long as
    /// no pool is swapped with farther than one swap reaches (several swaps may get past the tick
    /// arrays that one takes). It pays in fractions of a unit and may leave something on the way: where
    /// pools of next to nothing stand at absurd prices it is above what whole units reach, and with
    /// four hops in any market. `None` if the solver could not tell.
    pub bound: Option<f64>,
    /// How far the output lies below that of the same routes at their present rates (fees included),
    /// in 1/10,000: what size alone costs.
    pub price_impact_bps: f64,
}

/// Returns the best way found to swap exactly `amount_in` of `mint_in` for `mint_out`: never less than
/// the best single route gives (after `leg_cost`), and so never less than any single pool.
///
/// # Errors
/// [`PlanError`].
pub fn best_trade(
    market: &Market,
    mint_in: &Pubkey,
    mint_out: &Pubkey,
    amount_in: u64,
    options: &TradeOptions,
) -> Result<Trade, PlanError> {
    check_range("max_hops", options.max_hops, 1, MAX_TRADE_HOPS)?;
    check_range("max_legs", options.max_legs, 1, MAX_TRADE_LEGS)?;
    let known =
        |role, mint: &Pubkey| market.mint_index(mint).ok_or(PlanError::UnknownMint { role, mint: *mint });
    let (start, end) = (known("mint_in", mint_in)?, known("mint_out", mint_out)?);
    if start == end {
        return Err(PlanError::SameMint(*mint_in));
    }
    if amount_in == 0 {
        return Err(PlanError::ZeroAmount);
    }
    let usable = Usable::new(market, &options.pools, &[start, end])?;
    let lanes = Lanes::between(market, start, end, options.max_hops, |pool| usable.has(pool));
    if lanes.all.is_empty() {
        let (mint_in, mint_out, max_hops) = (*mint_in, *mint_out, options.max_hops);
        return Err(PlanError::NoRoute { mint_in, mint_out, max_hops });
    }
    let single = best_single(market, &lanes, amount_in);
    let solved = solve_trade(&lanes, amount_in as f64);
    let split = if options.max_legs > 1 {
        divided(market, &lanes, amount_in, options, single.as_ref(), &solved)
    } else {
        None
    };
    let single_out = single.as_ref().map(|(_, out)| *out);
    let single = single.and_then(|(edges, _)| carry_out(market, &[(edges, amount_in)]).ok());
    let none = || PlanError::NoOutput { mint_in: *mint_in, mint_out: *mint_out, amount_in };
    let legs = better(single, split, options.leg_cost).ok_or_else(none)?;
    Ok(Trade {
        mint_in: *mint_in,
        mint_out: *mint_out,
        amount_in,
        amount_out: total_out(&legs).filter(|&out| out > 0).ok_or_else(none)?,
        price_impact_bps: price_impact_bps(&lanes, &legs),
        routes: legs.iter().map(|leg| PlannedRoute::new(market, leg)).collect(),
        best_single_route: single_out,
        bound: solved.bound,
    })
}

/// The route that gives most for the whole amount, by exact quotes.
fn best_single(market: &Market, lanes: &Lanes, amount_in: u64) -> Option<(Vec<EdgeIndex>, u64)> {
    let overlay = Overlay::new(market);
    // Some programs take an amount and give nothing.
    let quote = |place: u32, amount| {
        overlay.quote(lanes.all[place as usize].edge, amount).ok().filter(|&out| out > 0)
    };
    let (path, out) = lanes.best_path(amount_in, |amount| amount as f64, quote)?;
    Some((edges_of(lanes, &path), out))
}

/// Several routes that share the amount, exactly; `None` if no division works.
fn divided(
    market: &Market,
    lanes: &Lanes,
    amount_in: u64,
    options: &TradeOptions,
    single: Option<&(Vec<EdgeIndex>, u64)>,
    solved: &Solved,
) -> Option<Vec<ExactLeg>> {
    let amount = amount_in as f64;
    let mut flows = solved.flows.clone();
    let stripped = strip(lanes, &mut flows, (lanes.start, lanes.end), MAX_STRIPPED);
    let mut seeds: Vec<(Path, f64)> = stripped.into_iter().map(|one| (one.path, one.amount)).collect();
    let single = single.map(|(edges, _)| path_of(lanes, edges)).or_else(|| {
        let quote =
            |place: u32, amount| Some(lanes.all[place as usize].chain.out(amount)).filter(|&out| out > 0.0);
        lanes.best_path(amount, |amount| amount, quote).map(|(path, _)| path)
    });
    if let Some(single) = single
        && seeds.iter().all(|(path, _)| *path != single)
    {
        let share = if seeds.is_empty() { amount } else { 0.0 };
        seeds.push((single, share));
    }
    let mut splitter = Splitter::new(lanes, amount);
    let mut best: Option<Vec<ExactLeg>> = None;
    for _ in 0..MAX_ATTEMPTS {
        let legs = splitter.split(&seeds, options.max_legs, (options.leg_cost as f64).max(1.0));
        let shares = divide(amount_in, legs.iter().map(|leg| leg.amount));
        let routes = legs.iter().map(|leg| edges_of(lanes, &leg.path)).collect();
        let Some(mut division) = Division::new(market, routes, shares) else { break };
        division.improve();
        let exact = carry_out(market, &division.routes()).ok();
        best = better(best, exact, options.leg_cost);
        // A leg that came out empty kept another from being there.
        let empty: Vec<usize> = division.empty().collect();
        if empty.is_empty() {
            break;
        }
        for leg in empty {
            splitter.ban(legs[leg].path.clone());
        }
    }
    best
}

/// The legs that give more after the cost of every leg but the first; of equal ones the single route.
fn better(
    single: Option<Vec<ExactLeg>>,
    split: Option<Vec<ExactLeg>>,
    leg_cost: u64,
) -> Option<Vec<ExactLeg>> {
    let worth = |legs: &Vec<ExactLeg>| {
        let cost = i128::from(leg_cost) * i128::try_from(legs.len().saturating_sub(1)).ok()?;
        Some(i128::from(total_out(legs)?) - cost)
    };
    let (single, split) =
        (single.filter(|legs| worth(legs).is_some()), split.filter(|legs| worth(legs).is_some()));
    match (single, split) {
        (Some(single), Some(split)) => Some(if worth(&split) > worth(&single) { split } else { single }),
        (single, split) => single.or(split),
    }
}

fn edges_of(lanes: &Lanes, path: &[u32]) -> Vec<EdgeIndex> {
    path.iter().map(|&place| lanes.all[place as usize].edge).collect()
}

fn path_of(lanes: &Lanes, edges: &[EdgeIndex]) -> Path {
    let place =
        |&edge: &EdgeIndex| (0..).zip(&lanes.all).find(|(_, lane)| lane.edge == edge).map(|(at, _)| at);
    edges.iter().filter_map(place).collect()
}

fn price_impact_bps(lanes: &Lanes, legs: &[ExactLeg]) -> f64 {
    let at_present = |leg: &ExactLeg| {
        let rates =
            path_of(lanes, &leg.edges).into_iter().map(|place| lanes.all[place as usize].chain.slope(0.0));
        leg.amount_in() as f64 * rates.product::<f64>()
    };
    let expected: f64 = legs.iter().map(at_present).sum();
    let out: f64 = legs.iter().map(|leg| leg.amount_out() as f64).sum();
    if expected > 0.0 { 1e4 * (1.0 - out / expected) } else { 0.0 }
}
