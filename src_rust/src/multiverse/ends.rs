//! What a walk knows of where it has to end.

use super::layer::index;
use super::plan::Plan;

/// From this many hops on it pays to know from where the last node is too far away.
const REACH_FROM: usize = 5;

/// In `reach`: too far for any walk.
const FAR: u8 = u8::MAX;

/// The hops from one node to the last one: a range of the layer's hops by end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run {
    pub first: u32,
    pub end: u32,
}

/// By node; empty runs where nothing is aimed at.
pub(super) type Near = Vec<Run>;

/// The neighbourhood of one target's end.
#[derive(Debug, Default)]
pub(super) struct Ends {
    aimed_at: Option<usize>,
    pub near: Near,
    /// By node, the least hops to the end; empty if walks are short or weights say it all.
    reach: Vec<u8>,
    /// By hops left (from 1) and node, a lower bound of what reaching the end in so many still weighs;
    /// empty without a bound of weight. It may visit nodes twice, which makes it no less of a bound,
    /// and since the hops are counted, negative weights do no harm.
    lightest: Vec<f64>,
}

impl Ends {
    /// Returns ends that use this memory, which must be all zero.
    pub fn new(mut near: Near, plan: &Plan) -> Self {
        near.resize(plan.layer.nodes(), Run::default());
        Self { near, ..Self::default() }
    }

    /// Gives the memory back, all zero.
    pub fn into_near(mut self, plan: &Plan) -> Near {
        self.forget(plan);
        self.near
    }

    /// Turns to a target; returns whether it is another one than before.
    pub fn aim(&mut self, plan: &Plan, target: usize) -> bool {
        if self.aimed_at == Some(target) {
            return false;
        }
        self.forget(plan);
        self.aimed_at = Some(target);
        if plan.max_hops == 1 {
            return true; // nothing to join: the first hop is the last
        }
        let range = plan.layer.ending_range(plan.targets[target].end);
        let (lasts, mut first) = (&plan.layer.lasts[range.clone()], index(range.start));
        for group in lasts.chunk_by(|x, y| x.from == y.from) {
            let end = first + index(group.len());
            if !plan.is_closed(target, group[0].from) {
                self.near[group[0].from as usize] = Run { first, end };
            }
            first = end;
        }
        if plan.max_weight.is_some() {
            self.weigh(plan, target);
        } else if plan.walk_hops >= REACH_FROM {
            self.measure(plan, target);
        }
        true
    }

    /// Whether the end may be reached from a node in at most `left` hops (from 1) without too much
    /// weight, as far as can be told.
    pub fn may_end(&self, plan: &Plan, node: u32, left: usize, sum: f64) -> bool {
        let node = node as usize;
        if let Some(&hops) = self.reach.get(node) {
            return usize::from(hops) <= left;
        }
        // Not `<=`: an infinite bound must fail, and none is above an infinite limit.
        self.lightest
            .get((left - 1) * self.near.len() + node)
            .is_none_or(|rest| sum + rest <= plan.prune_above)
    }

    fn forget(&mut self, plan: &Plan) {
        if let Some(target) = self.aimed_at.take() {
            for last in plan.layer.ending_at(plan.targets[target].end) {
                self.near[last.from as usize] = Run::default();
            }
        }
    }

    fn measure(&mut self, plan: &Plan, target: usize) {
        let end = plan.targets[target].end;
        self.reach.clear();
        self.reach.resize(plan.layer.nodes(), FAR);
        let (mut reached, mut next) = (vec![end], Vec::new());
        for hops in (1..).take(plan.walk_hops - 1) {
            for node in reached.drain(..) {
                for last in plan.layer.ending_at(node) {
                    let reach = &mut self.reach[last.from as usize];
                    if *reach == FAR && last.from != end && !plan.is_closed(target, last.from) {
                        *reach = hops;
                        next.push(last.from);
                    }
                }
            }
            std::mem::swap(&mut reached, &mut next);
        }
    }

    fn weigh(&mut self, plan: &Plan, target: usize) {
        let (layer, nodes) = (&*plan.layer, plan.layer.nodes());
        let end = plan.targets[target].end as usize;
        self.lightest.clear();
        self.lightest.resize(nodes * (plan.walk_hops - 1), f64::INFINITY);
        let mut before = vec![f64::INFINITY; nodes];
        before[end] = 0.0;
        for lightest in self.lightest.chunks_exact_mut(nodes) {
            lightest.copy_from_slice(&before);
            for (node, &rest) in before.iter().enumerate().filter(|&(_, rest)| rest.is_finite()) {
                for last in layer.ending_at(index(node)) {
                    let least = &mut lightest[last.from as usize];
                    *least = least.min(layer.weights[last.place as usize] + rest);
                }
            }
            // A walk that has come to the end stays there.
            lightest[end] = 0.0;
            before.copy_from_slice(lightest);
        }
    }
}
