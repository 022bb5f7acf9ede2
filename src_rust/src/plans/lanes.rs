//! The part of a market that short routes between two mints can use, and the best route in it.
//!
//! A lane is one direction of one pool. The one idea: between two mints a route takes the pool that
//! gives most for what arrives, since more on the way is never less at the end; so only sequences of
//! mints are walked, not combinations of pools. Rates only fall along a curve, so the product of the
//! best rates at zero bounds what any rest of a route can give, and whole branches are left.

use super::chain::Chain;
use crate::amm_math::{Curve as _, Segment};
use crate::cycle_finder::{EdgeIndex, edge_of, pool_of};
use crate::market::{Market, MintIndex, PoolIndex};

/// Relative error granted to bounds in `f64`, well above that of a few operations.
const SLACK: f64 = 1e-9;
/// A curve whose rate at zero is so many times what the first unit gives is looked at in whole units.
const STEEP: f64 = 2.0;
/// Farther than any route.
const UNREACHED: usize = usize::MAX / 4;

/// One direction of one pool.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) edge: EdgeIndex,
    /// Places in [`Lanes::mints`].
    pub(super) from: u32,
    pub(super) to: u32,
    /// The most that a unit of input gives anywhere along the curve.
    pub(super) rate: f64,
    pub(super) chain: Chain,
    /// What `chain` is made of.
    pub(super) segments: Vec<Segment>,
}

/// All pools that lead from one mint to another.
#[derive(Debug)]
struct Step {
    to: u32,
    lanes: Vec<u32>,
}

/// A route as places in [`Lanes::all`].
pub(super) type Path = Vec<u32>;

/// What routes from one mint to another of at most so many hops can use.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) mints: Vec<MintIndex>,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) max_hops: usize,
    pub(super) all: Vec<Lane>,
    /// By mint, the most promising first.
    steps: Vec<Vec<Step>>,
    /// By hops left, then mint: the most that a unit can become at the end; 0 if it cannot get there.
    promise: Vec<Vec<f64>>,
}

impl Lanes {
    /// Returns the lanes of routes from `start` to another mint, `end`, over the pools that `is_usable`
    /// lets through.
    pub(super) fn between(
        market: &Market,
        start: MintIndex,
        end: MintIndex,
        max_hops: usize,
        is_usable: impl Fn(PoolIndex) -> bool,
    ) -> Self {
        let mut edges = all_edges(market, is_usable);
        edges.retain(|&(_, from, to)| from != end && to != start);
        let reach = Reach::new(&edges, start, end, max_hops);
        edges.retain(|edge| reach.has(edge));
        Self::over(market, &edges, &[start, end], max_hops)
    }

    /// Returns the lanes of cycles through any of the bases, which come first in `mints`. `start` and
    /// `end` are the first of them.
    pub(super) fn around(
        market: &Market,
        bases: &[MintIndex],
        max_hops: usize,
        is_usable: impl Fn(PoolIndex) -> bool,
    ) -> Self {
        let mut edges = all_edges(market, is_usable);
        let reach: Vec<Reach> = bases.iter().map(|&base| Reach::new(&edges, base, base, max_hops)).collect();
        edges.retain(|edge| reach.iter().any(|reach| reach.has(edge)));
        Self::over(market, &edges, bases, max_hops)
    }

    /// `ends`: the mints that get the first places; the second, if there is one, is the end.
    fn over(market: &Market, edges: &[MarketEdge], ends: &[MintIndex], max_hops: usize) -> Self {
        let mut mints = ends.to_vec();
        mints.extend(edges.iter().flat_map(|&(_, from, to)| [from, to]).filter(|mint| !ends.contains(mint)));
        mints[ends.len()..].sort_unstable();
        mints.dedup();
        let place = |mint: MintIndex| {
            let others = &mints[ends.len()..];
            let after = || ends.len() + others.partition_point(|&other| other < mint);
            let found = ends.iter().position(|&end| end == mint).unwrap_or_else(after);
            u32::try_from(found).unwrap_or(u32::MAX)
        };
        let mut lanes = Vec::with_capacity(edges.len());
        for &(edge, from, to) in edges {
            let (pool, a_to_b) = pool_of(edge);
            let Ok(view) = market.view(pool) else { continue };
            let mut segments = Vec::new();
            view.segments(a_to_b, &mut segments);
            let mut chain = Chain::new(&segments);
            if chain.slope(0.0) > STEEP * chain.out(1.0) {
                segments = from_whole_units(&segments, &chain);
                chain = Chain::new(&segments);
            }
            let rate = chain.best_rate();
            if rate > 0.0 {
                lanes.push(Lane { edge, from: place(from), to: place(to), rate, chain, segments });
            }
        }
        let end = u32::from(ends.len() > 1);
        let mut found =
            Self { mints, start: 0, end, max_hops, all: lanes, steps: Vec::new(), promise: Vec::new() };
        found.promise();
        found.group();
        found
    }

    /// Fills `promise`.
    fn promise(&mut self) {
        let mut here = vec![0.0_f64; self.mints.len()];
        here[self.end as usize] = 1.0;
        self.promise.push(here);
        for hops in 1..=self.max_hops {
            let before = &self.promise[hops - 1];
            let mut next = before.clone();
            for lane in &self.all {
                let gain = lane.rate * before[lane.to as usize];
                let known = &mut next[lane.from as usize];
                *known = known.max(gain);
            }
            self.promise.push(next);
        }
    }

    /// Fills `steps`.
    fn group(&mut self) {
        let mut steps: Vec<Vec<Step>> = Vec::new();
        steps.resize_with(self.mints.len(), Vec::new);
        for (lane, place) in self.all.iter().zip(0..) {
            let around = &mut steps[lane.from as usize];
            match around.iter_mut().find(|step| step.to == lane.to) {
                Some(step) => step.lanes.push(place),
                None => around.push(Step { to: lane.to, lanes: vec![place] }),
            }
        }
        let rest = &self.promise[self.max_hops - 1];
        let promise = |step: &Step| {
            let best = step.lanes.iter().map(|&lane| self.all[lane as usize].rate).fold(0.0, f64::max);
            best * rest[step.to as usize]
        };
        for around in &mut steps {
            around.sort_by(|x, y| promise(y).total_cmp(&promise(x)).then(x.to.cmp(&y.to)));
        }
        self.steps = steps;
    }

    /// Returns the simple route that gives most for `amount`, of equal ones a shortest; `None` if
    /// none gives anything. `quote` tells what a lane gives: never less for more, and never more than
    /// the lane's rate allows.
    ///
    /// Only for different ends: a cycle of two hops would come back through the same pool.
    pub(super) fn best_path<A: Copy + PartialOrd>(
        &self,
        amount: A,
        to_f64: impl Fn(A) -> f64,
        quote: impl FnMut(u32, A) -> Option<A>,
    ) -> Option<(Path, A)> {
        debug_assert_ne!(self.start, self.end, "cycles are found by the price graph");
        let mut walk =
            Walk { lanes: self, quote, to_f64, path: Vec::new(), visited: vec![self.start], best: None };
        walk.from(self.start, amount);
        walk.best
    }
}

struct Walk<'a, A, F, Q> {
    lanes: &'a Lanes,
    quote: Q,
    to_f64: F,
    path: Path,
    visited: Vec<u32>,
    best: Option<(Path, A)>,
}

impl<A: Copy + PartialOrd, F: Fn(A) -> f64, Q: FnMut(u32, A) -> Option<A>> Walk<'_, A, F, Q> {
    fn from(&mut self, mint: u32, amount: A) {
        let lanes = self.lanes;
        if mint == lanes.end {
            if self.best.as_ref().is_none_or(|(path, best)| {
                amount > *best || (amount == *best && self.path.len() < path.len())
            }) {
                self.best = Some((self.path.clone(), amount));
            }
            return;
        }
        let left = lanes.max_hops - self.path.len();
        if left == 0 {
            return;
        }
        for step in &lanes.steps[mint as usize] {
            let rest = lanes.promise[left - 1][step.to as usize];
            if rest == 0.0 || self.visited.contains(&step.to) || !self.may_gain(step, amount, rest) {
                continue;
            }
            let mut best: Option<(u32, A)> = None;
            for &lane in &step.lanes {
                let quoted = (self.quote)(lane, amount);
                if let Some(out) = quoted.filter(|out| best.is_none_or(|(_, known)| *out > known)) {
                    best = Some((lane, out));
                }
            }
            let Some((lane, out)) = best else { continue };
            if !self.is_enough((self.to_f64)(out) * rest) {
                continue;
            }
            self.path.push(lane);
            self.visited.push(step.to);
            self.from(step.to, out);
            self.visited.pop();
            self.path.pop();
        }
    }

    fn may_gain(&self, step: &Step, amount: A, rest: f64) -> bool {
        let rate = step.lanes.iter().map(|&lane| self.lanes.all[lane as usize].rate).fold(0.0, f64::max);
        self.is_enough((self.to_f64)(amount) * rate * rest)
    }

    /// Whether a route that gives at most `bound` may replace the best.
    fn is_enough(&self, bound: f64) -> bool {
        self.best.as_ref().is_none_or(|(_, best)| bound * (1.0 + SLACK) >= (self.to_f64)(*best))
    }
}

/// A curve for whole inputs only: straight up to the first unit, as before from there on. Real markets
/// have dregs, at prices that would lead every search astray if fractions of a unit could be paid.
fn from_whole_units(segments: &[Segment], chain: &Chain) -> Vec<Segment> {
    let (most_in, first) = (chain.reach().0, chain.out(1.0));
    // What comes out is whole as well.
    let gain = if most_in <= 1.0 { (first * (1.0 + SLACK)).floor() } else { first };
    let mut found = vec![Segment { gain, base: 1.0, drag: 0.0, max_in: 1.0 }];
    let mut before = 0.0;
    for segment in segments {
        let end = before + segment.max_in;
        if end > 1.0 {
            let taken = (1.0_f64 - before).max(0.0);
            let base = segment.base + segment.drag * taken;
            let gain = segment.gain * segment.base / base;
            found.push(Segment { gain, base, drag: segment.drag, max_in: segment.max_in - taken });
        }
        before = end;
    }
    found
}

/// An edge with the mints it joins.
type MarketEdge = (EdgeIndex, MintIndex, MintIndex);

/// Both directions of every usable pool that is not set aside.
fn all_edges(market: &Market, is_usable: impl Fn(PoolIndex) -> bool) -> Vec<MarketEdge> {
    let usable =
        (0..).zip(market.pools()).filter(|(index, pool)| pool.set_aside().is_none() && is_usable(*index));
    usable
        .flat_map(|(index, pool)| {
            let (a, b) = (pool.mint_a(), pool.mint_b());
            [(edge_of(index, true), a, b), (edge_of(index, false), b, a)]
        })
        .collect()
}

/// How far every mint is from the start and from the end.
struct Reach {
    there: Vec<usize>,
    back: Vec<usize>,
    max_hops: usize,
}

impl Reach {
    fn new(edges: &[MarketEdge], start: MintIndex, end: MintIndex, max_hops: usize) -> Self {
        let there = distances(edges, start, max_hops, false);
        Self { there, back: distances(edges, end, max_hops, true), max_hops }
    }

    /// Whether a short enough route can use the edge.
    fn has(&self, &(_, from, to): &MarketEdge) -> bool {
        let distance = |map: &[usize], mint: MintIndex| map.get(mint as usize).copied().unwrap_or(UNREACHED);
        distance(&self.there, from) + 1 + distance(&self.back, to) <= self.max_hops
    }
}

/// Hops from `origin` to every mint, or from every mint to it if `backwards`; breadth first.
fn distances(edges: &[MarketEdge], origin: MintIndex, max_hops: usize, backwards: bool) -> Vec<usize> {
    let most = edges.iter().map(|&(_, from, to)| from.max(to)).max().unwrap_or(0).max(origin);
    let mut found = vec![UNREACHED; most as usize + 1];
    found[origin as usize] = 0;
    for hops in 1..=max_hops {
        for &(_, from, to) in edges {
            let (near, far) = if backwards { (to, from) } else { (from, to) };
            if found[near as usize] == hops - 1 && found[far as usize] == UNREACHED {
                found[far as usize] = hops;
            }
        }
    }
    found
}
