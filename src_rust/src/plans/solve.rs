//! The joint solver asked about lanes, its flows brought back to them.

use super::flows::LaneFlow;
use super::lanes::Lanes;
use crate::amm_math::Curve as _;
use crate::market::{Market, PoolIndex};
use crate::routing::{Network, Objective, Solver};

/// What the solver says of lanes.
#[derive(Debug, Clone, Default)]
pub(super) struct Solved {
    /// By lane; all zero if there is no answer.
    pub(super) flows: Vec<LaneFlow>,
    /// `None` if there is no answer, or a pool had to be left out.
    pub(super) bound: Option<f64>,
}

/// Pools behind lanes as a network, and which lane each direction of each of them is.
struct Asked {
    network: Network,
    /// By pool of the network: the lanes a to b and b to a.
    lanes: Vec<[Option<u32>; 2]>,
    /// Some pool's curve is none that the solver takes.
    has_gap: bool,
}

fn network_of(market: &Market, lanes: &Lanes) -> Asked {
    let mut by_pool: Vec<(PoolIndex, [Option<u32>; 2])> = Vec::new();
    let mut order: Vec<(PoolIndex, bool, u32)> =
        lanes.lanes.iter().zip(0..).map(|(lane, place)| (lane.edge / 2, lane.edge % 2 == 0, place)).collect();
    order.sort_unstable_by_key(|&(pool, a_to_b, _)| (pool, !a_to_b));
    for (pool, a_to_b, place) in order {
        if by_pool.last().is_none_or(|(last, _)| *last != pool) {
            by_pool.push((pool, [None; 2]));
        }
        if let Some((_, sides)) = by_pool.last_mut() {
            sides[usize::from(!a_to_b)] = Some(place);
        }
    }
    let mut asked = Asked { network: Network::new(lanes.mints.len()), lanes: Vec::new(), has_gap: false };
    for (pool, sides) in by_pool {
        let Some(lane) = sides.iter().flatten().next().map(|&place| &lanes.lanes[place as usize]) else {
            continue;
        };
        let (mint_a, mint_b) = if lane.edge % 2 == 0 { (lane.from, lane.to) } else { (lane.to, lane.from) };
        let Ok(view) = market.view(pool) else { continue };
        let added = asked.network.push_pool(mint_a, mint_b, |a_to_b, into| {
            if sides[usize::from(!a_to_b)].is_some() {
                view.segments(a_to_b, into);
            }
        });
        if added.is_ok() {
            asked.lanes.push(sides);
        } else {
            asked.has_gap = true;
        }
    }
    asked
}

/// Returns the flows of the best trade of `amount_in`, cycles that gain on the way included.
pub(super) fn solve_trade(market: &Market, lanes: &Lanes, amount_in: f64) -> Solved {
    let objective = Objective::Trade { mint_in: lanes.start, mint_out: lanes.end, amount_in };
    solve(market, lanes, objective)
}

/// Returns the flows that gain most; `values`: of the first mints, the others are worth nothing.
pub(super) fn solve_arbitrage(market: &Market, lanes: &Lanes, values: &[f64]) -> Solved {
    let mut values = values.to_vec();
    values.resize(lanes.mints.len(), 0.0);
    solve(market, lanes, Objective::Arbitrage { values: &values })
}

fn solve(market: &Market, lanes: &Lanes, objective: Objective<'_>) -> Solved {
    let asked = network_of(market, lanes);
    let mut solved = Solved { flows: vec![LaneFlow::default(); lanes.lanes.len()], bound: None };
    let Ok(solution) = Solver::new().solve(&asked.network, objective) else { return solved };
    for (flow, sides) in solution.flows.iter().zip(&asked.lanes) {
        if let Some(place) = sides[usize::from(!flow.a_to_b)] {
            let (amount_in, amount_out) = (flow.amount_in, flow.amount_out);
            solved.flows[place as usize] = LaneFlow { amount_in, amount_out };
        }
    }
    solved.bound = (!asked.has_gap && solution.bound.is_finite()).then_some(solution.bound);
    solved
}
