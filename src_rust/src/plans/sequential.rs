//! One cycle after the other: the best, carried out on the overlay, then the best of what is left.
//!
//! The one idea: be lazy. What a cycle gains in the real-valued model is never less than what it gains
//! exactly, and a swap makes its own direction only dearer. So what was known of a cycle stays an upper
//! bound until it comes up; only then is it looked at anew, and sized only if it is still ahead.
//! Cycles that a swap makes better go through the other direction of its pool, and are looked for
//! there, in a price graph that follows the overlay.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::chain::Chain;
use super::exact::ExactLeg;
use super::joint::BaseMint;
use super::overlay::Overlay;
use super::route::Usable;
use crate::amm_math::Curve as _;
use crate::cycle_finder::{CycleScratch, EdgeIndex, FoundCycle, PoolIndex, PriceGraph, edge_of, pool_of};
use crate::market::{Market, QuoteError};
use crate::sizing::{Effort, HopRef, SizingLimits, SizingScratch, size_cycle};

/// Relative error granted to bounds in `f64`, well above that of a few operations.
const SLACK: f64 = 1e-9;
/// Halvings in the search for the peak of a bound: past the precision of `f64`.
const HALVINGS: u32 = 64;

/// Inputs tried for each cycle: thousands are sized, and what they move is moved again afterwards.
const EFFORT: Effort = Effort::Candidates(512);

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
    let limits = SizingLimits { effort: EFFORT, ..SizingLimits::up_to(max_amount_in) };
    let sized = size_cycle(&hops, &limits, scratch);
    Ok(sized.map(|sized| sized.amounts().to_vec()))
}

/// A cycle that may gain, from its base mint on.
#[derive(Debug)]
struct Candidate {
    /// What it gains if it is sized, else at most, at the base's value.
    value: f64,
    base: BaseMint,
    edges: Vec<EdgeIndex>,
    /// Empty if it is not sized.
    amounts: Vec<u64>,
    /// When it was looked at.
    stamp: u32,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        // Of equal values a sized one comes up later: the others may be as good, and come first by edges.
        let tie = self.amounts.is_empty().cmp(&other.amounts.is_empty());
        self.value.total_cmp(&other.value).then(tie).then_with(|| other.edges.cmp(&self.edges))
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
    /// Curves of the pools as they are, made when they are asked for.
    chains: FxHashMap<EdgeIndex, Chain>,
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
            chains: FxHashMap::default(),
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
        let pools: Vec<PoolIndex> = (0..).zip(self.market.pools()).map(|(pool, _)| pool).collect();
        self.look_through(&pools, |_| true);
        while self.done.len() < self.limits.max_cycles
            && let Some(best) = self.queue.pop()
        {
            let has_moved =
                |&edge: &EdgeIndex| self.moved.get(&pool_of(edge).0).is_some_and(|&at| at > best.stamp);
            if best.edges.iter().any(has_moved) {
                self.look_at(best.base, best.edges);
            } else if best.amounts.is_empty() {
                self.size(best);
            } else {
                let better: Vec<EdgeIndex> = best.edges.iter().map(|&edge| edge ^ 1).collect();
                let pools = self.carry_out(ExactLeg { edges: best.edges.clone(), amounts: best.amounts });
                // A cycle that a limit cut short may come again.
                self.look_at(best.base, best.edges);
                self.look_through(&pools, |edges| edges.iter().any(|edge| better.contains(edge)));
            }
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

    /// Carries a cycle out; returns the pools that moved, in rising order.
    fn carry_out(&mut self, leg: ExactLeg) -> Vec<PoolIndex> {
        let mut pools: Vec<PoolIndex> = leg.edges.iter().map(|&edge| pool_of(edge).0).collect();
        pools.sort_unstable();
        self.stamp += 1;
        let executed = self.overlay.execute_route(&leg.edges, leg.amount_in());
        for &pool in &pools {
            self.moved.insert(pool, self.stamp);
            self.chains.remove(&edge_of(pool, true));
            self.chains.remove(&edge_of(pool, false));
            follow(&mut self.graph, pool, Some(&self.overlay));
        }
        match executed {
            // What was executed counts, whatever was quoted.
            Ok(amounts) => self.done.push(ExactLeg { amounts, ..leg }),
            Err(error) => debug_assert!(false, "quoted, then refused: {error}"),
        }
        pools
    }

    /// Puts the profitable cycles through any of these pools, in rising order, into the queue.
    fn look_through(&mut self, pools: &[PoolIndex], is_wanted: impl Fn(&[EdgeIndex]) -> bool) {
        let mut found: Vec<Vec<EdgeIndex>> = Vec::new();
        for &pool in pools {
            let note = |cycle: FoundCycle<'_>| {
                // Met once for each of the pools: kept where it is met first.
                let mut others = cycle.edges.iter().map(|&edge| pool_of(edge).0);
                let is_first = others.all(|other| other >= pool || pools.binary_search(&other).is_err());
                if cycle.net < 0.0 && is_first && is_wanted(cycle.edges) {
                    found.push(cycle.edges.to_vec());
                }
            };
            let searched = self.graph.cycles_through(pool, self.limits.max_hops, &mut self.search, note);
            debug_assert!(searched.is_ok(), "the pool exists and max_hops was checked");
        }
        for mut edges in found {
            if let Some((place, base)) = self.base_of(&edges) {
                edges.rotate_left(place);
                self.look_at(base, edges);
            }
        }
    }

    /// Puts a cycle into the queue if the model lets it gain enough.
    fn look_at(&mut self, base: BaseMint, edges: Vec<EdgeIndex>) {
        let net =
            edges.iter().map(|&edge| self.graph.weight(edge).map_or(f64::INFINITY, |weight| weight.net));
        if net.sum::<f64>() >= 0.0 {
            return;
        }
        let bound = self.bound(&edges);
        if bound >= self.limits.min_profit as f64 {
            let value = base.value * bound;
            self.queue.push(Candidate { value, base, edges, amounts: Vec::new(), stamp: self.stamp });
        }
    }

    /// The most that a cycle can gain: where the product of its rates has fallen to 1.
    fn bound(&mut self, edges: &[EdgeIndex]) -> f64 {
        for &edge in edges {
            let overlay = &self.overlay;
            self.chains.entry(edge).or_insert_with(|| {
                let mut segments = Vec::new();
                let (pool, a_to_b) = pool_of(edge);
                if let Ok(view) = overlay.view(pool) {
                    view.segments(a_to_b, &mut segments);
                }
                Chain::new(&segments)
            });
        }
        let chains: Vec<&Chain> = edges.iter().filter_map(|edge| self.chains.get(edge)).collect();
        let along = |amount_in: f64| {
            chains.iter().fold((amount_in, 1.0), |(amount, rate), chain| {
                let (out, slope) = chain.out_and_slope(amount);
                (out, rate * slope)
            })
        };
        let gains = |amount_in: f64| along(amount_in).1 > 1.0;
        let (mut low, mut high) = (0.0, 1.0);
        let cap = self.limits.max_amount_in as f64;
        while high < cap && gains(high) {
            low = high;
            high *= 4.0;
        }
        high = high.min(cap);
        for _ in 0..HALVINGS {
            if high - low <= high * SLACK {
                break;
            }
            let middle = 0.5 * (low + high);
            if gains(middle) { low = middle } else { high = middle }
        }
        // Between the two the profit is flat at its peak; the far end errs upwards with the slack.
        let best = (along(high).0 - high).max(along(low).0 - low);
        best + SLACK * (high + 1.0)
    }

    /// Sizes a cycle exactly and puts it back with what it gains.
    fn size(&mut self, candidate: Candidate) {
        let cap = self.limits.max_amount_in;
        let sized = best_amounts(&self.overlay, &candidate.edges, cap, &mut self.sizing);
        let Ok(Some(amounts)) = sized else { return };
        let leg = ExactLeg { edges: candidate.edges, amounts };
        let gain = profit(&leg);
        if gain >= i128::from(self.limits.min_profit) {
            let value = candidate.base.value * gain as f64;
            let ExactLeg { edges, amounts } = leg;
            self.queue.push(Candidate { value, edges, amounts, ..candidate });
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
