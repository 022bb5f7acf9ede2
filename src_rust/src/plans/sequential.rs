//! One cycle after the other: the best, carried out on the overlay, then the best of what is left.
//!
//! The one idea: a swap moves one pool, so only cycles through that pool change. They are looked for
//! anew in a price graph that follows the overlay, which also finds those that the swap itself has
//! opened. A cycle sized before one of its pools moved is stale, and dropped when it comes up.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::exact::ExactLeg;
use super::joint::BaseMint;
use super::overlay::Overlay;
use super::route::Usable;
use crate::cycle_finder::{CycleScratch, EdgeIndex, FoundCycle, PoolIndex, PriceGraph, pool_of};
use crate::market::{Market, QuoteError};
use crate::sizing::{HopRef, SizingLimits, SizingScratch, size_cycle};

/// What every cycle of a plan must keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct CycleLimits {
    pub(super) max_hops: usize,
    pub(super) max_amount_in: u64,
    pub(super) max_cycles: usize,
    pub(super) min_profit: u64,
}

/// Returns what a cycle gains in its base mint; less than 0 for a loss.
pub(super) fn profit(leg: &ExactLeg) -> i128 {
    i128::from(leg.amount_out()) - i128::from(leg.amount_in())
}

/// Returns the amounts along a cycle for its best input, pools as the overlay has them.
pub(super) fn best_amounts(
    overlay: &Overlay<'_>,
    edges: &[EdgeIndex],
    max_amount_in: u64,
    scratch: &mut SizingScratch,
) -> Result<Option<Vec<u64>>, QuoteError> {
    let views = edges.iter().map(|&edge| overlay.view(pool_of(edge).0)).collect::<Result<Vec<_>, _>>()?;
    let hops: Vec<_> =
        views.iter().zip(edges).map(|(curve, &edge)| HopRef { curve, a_to_b: pool_of(edge).1 }).collect();
    let sized = size_cycle(&hops, SizingLimits::up_to(max_amount_in), scratch);
    Ok(sized.map(|sized| sized.amounts().to_vec()))
}

/// A sized cycle.
#[derive(Debug)]
struct Candidate {
    value: f64,
    leg: ExactLeg,
    /// When it was sized.
    stamp: u32,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.total_cmp(&other.value).then_with(|| other.leg.edges.cmp(&self.leg.edges))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

/// A plan that grows by one cycle at a time.
pub(super) struct Sequential<'m, 'a> {
    market: &'m Market,
    bases: &'a [BaseMint],
    limits: CycleLimits,
    overlay: Overlay<'m>,
    graph: PriceGraph,
    queue: BinaryHeap<Candidate>,
    /// When a pool moved last.
    moved: FxHashMap<PoolIndex, u32>,
    stamp: u32,
    search: CycleScratch,
    sizing: SizingScratch,
    done: Vec<ExactLeg>,
}

impl<'m, 'a> Sequential<'m, 'a> {
    pub(super) fn new(
        market: &'m Market,
        bases: &'a [BaseMint],
        limits: CycleLimits,
        usable: &Usable,
    ) -> Self {
        let mut graph = market.graph().clone();
        let overlay = Overlay::new(market);
        for (pool, entry) in (0..).zip(market.pools()) {
            if !usable.has(pool) {
                follow(&mut graph, pool, None);
            } else if entry.is_filled() {
                // The graph holds recorded prices; plans are made for what quotes see.
                follow(&mut graph, pool, Some(&overlay));
            }
        }
        Self {
            market,
            bases,
            limits,
            overlay,
            graph,
            queue: BinaryHeap::new(),
            moved: FxHashMap::default(),
            stamp: 0,
            search: CycleScratch::new(),
            sizing: SizingScratch::new(),
            done: Vec::new(),
        }
    }

    /// Carries out cycles that were planned elsewhere, as long as each gains enough.
    pub(super) fn begin_with(&mut self, routes: &[(Vec<EdgeIndex>, u64)]) {
        for (edges, amount_in) in routes {
            let Some(amounts) = self.quoted(edges, *amount_in) else { continue };
            let leg = ExactLeg { edges: edges.clone(), amounts };
            if profit(&leg) >= i128::from(self.limits.min_profit) && self.done.len() < self.limits.max_cycles
            {
                self.carry_out(leg);
            }
        }
    }

    /// Adds the best cycle, again and again, and returns all.
    pub(super) fn run(mut self) -> Vec<ExactLeg> {
        let pools: Vec<PoolIndex> = (0..self.market.pools().len()).zip(0..).map(|(_, pool)| pool).collect();
        self.look_through(&pools);
        while self.done.len() < self.limits.max_cycles
            && let Some(best) = self.queue.pop()
        {
            let is_stale =
                |edge: &EdgeIndex| self.moved.get(&pool_of(*edge).0).is_some_and(|&at| at > best.stamp);
            if best.leg.edges.iter().any(is_stale) {
                continue;
            }
            let pools = self.carry_out(best.leg);
            self.look_through(&pools);
        }
        self.done
    }

    fn quoted(&self, edges: &[EdgeIndex], amount_in: u64) -> Option<Vec<u64>> {
        let mut amounts = vec![amount_in];
        for &edge in edges {
            amounts.push(self.overlay.quote(edge, amounts[amounts.len() - 1]).ok()?);
        }
        Some(amounts)
    }

    /// Carries a cycle out; returns the pools that moved.
    fn carry_out(&mut self, leg: ExactLeg) -> Vec<PoolIndex> {
        let mut pools: Vec<PoolIndex> = leg.edges.iter().map(|&edge| pool_of(edge).0).collect();
        pools.sort_unstable();
        self.stamp += 1;
        let executed = self.overlay.execute_route(&leg.edges, leg.amount_in());
        for &pool in &pools {
            self.moved.insert(pool, self.stamp);
            follow(&mut self.graph, pool, Some(&self.overlay));
        }
        match executed {
            // What was executed counts, whatever was quoted.
            Ok(amounts) => self.done.push(ExactLeg { amounts, ..leg }),
            Err(error) => debug_assert!(false, "quoted, then refused: {error}"),
        }
        pools
    }

    /// Sizes the profitable cycles through any of these pools, which are in rising order.
    fn look_through(&mut self, pools: &[PoolIndex]) {
        let mut found: Vec<Vec<EdgeIndex>> = Vec::new();
        for &pool in pools {
            let note = |cycle: FoundCycle<'_>| {
                // Met once for each of the pools: kept where it is met first.
                let is_first = cycle
                    .edges
                    .iter()
                    .map(|&edge| pool_of(edge).0)
                    .filter(|other| *other < pool)
                    .all(|other| pools.binary_search(&other).is_err());
                if cycle.net < 0.0 && is_first {
                    found.push(cycle.edges.to_vec());
                }
            };
            let searched = self.graph.cycles_through(pool, self.limits.max_hops, &mut self.search, note);
            debug_assert!(searched.is_ok(), "the pool exists and max_hops was checked");
        }
        for mut edges in found {
            let Some((place, base)) = self.base_of(&edges) else { continue };
            edges.rotate_left(place);
            let (value, cap) = (base.value, self.limits.max_amount_in);
            let Ok(Some(amounts)) = best_amounts(&self.overlay, &edges, cap, &mut self.sizing) else {
                continue;
            };
            let leg = ExactLeg { edges, amounts };
            let gain = profit(&leg);
            if gain >= i128::from(self.limits.min_profit) {
                let candidate = Candidate { value: value * gain as f64, leg, stamp: self.stamp };
                self.queue.push(candidate);
            }
        }
    }

    /// The first of the bases that a cycle goes through, and the hop that starts there.
    fn base_of(&self, edges: &[EdgeIndex]) -> Option<(usize, BaseMint)> {
        self.bases.iter().find_map(|base| {
            let place = edges.iter().position(|&edge| self.market.ends(edge).0 == base.index)?;
            Some((place, *base))
        })
    }
}

/// Gives a pool's edges the weights of its present state; none without an overlay.
fn follow(graph: &mut PriceGraph, pool: PoolIndex, overlay: Option<&Overlay<'_>>) {
    let view = overlay.and_then(|overlay| overlay.view(pool).ok());
    let [a_to_b, b_to_a] = view.map_or([None; 2], |view| view.edge_weights());
    let set = graph.set_weights(pool, a_to_b, b_to_a);
    debug_assert!(set.is_ok(), "pools and graph are numbered alike, weights are finite");
}
