//! The last two hops from a node, remembered: a walk comes by the same nodes again and again.
//!
//! Whether a hop leads to a neighbour of the end is a coin toss that a processor cannot foresee. Read
//! from a list, 53,166 cycles of up to 4 hops among 10,000 edges take 0.6 of the time; at 5 hops, where
//! nodes are met more often, a list saves more.

use super::ends::Run;
use super::plan::Plan;

/// Tails remembered at most (20 bytes each); nodes that come later are joined anew each time.
const MOST_TAILS: usize = 1 << 18;

/// In `between`: the tail is one hop.
const NO_NODE: u32 = u32::MAX;

/// One way to end a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    /// The node between the two hops.
    pub between: u32,
    /// Of a tail of one hop, the same twice.
    pub pools: [u32; 2],
    pub labels: [i32; 2],
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// When the node was met.
    epoch: u32,
    /// Its tails; `first > end` if it was met once and has none yet.
    first: u32,
    end: u32,
}

/// Tails by node, for one target.
#[derive(Debug, Default)]
pub(super) struct Tails {
    known: Vec<Known>,
    epoch: u32,
    list: Vec<Tail>,
}

impl Tails {
    /// Forgets everything.
    pub fn clear(&mut self, plan: &Plan) {
        self.list.clear();
        self.known.resize(plan.layer.nodes(), Known::default());
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.known.fill(Known::default());
            self.epoch = 1;
        }
    }

    /// Returns the tails from a node in the order of rows, or `None` if it is met for the first time
    /// or there is no room. Tails of one hop have `short`.
    pub fn of(&mut self, plan: &Plan, near: &[Run], node: u32, end: u32, short: bool) -> Option<&[Tail]> {
        let known = &mut self.known[node as usize];
        if known.epoch != self.epoch {
            *known = Known { epoch: self.epoch, first: 1, end: 0 };
            return None;
        }
        if known.first > known.end {
            if self.list.len() >= MOST_TAILS {
                return None;
            }
            known.first = super::layer::index(self.list.len());
            list(plan, near, node, end, short, &mut self.list);
            known.end = super::layer::index(self.list.len());
        }
        Some(&self.list[known.first as usize..known.end as usize])
    }
}

fn list(plan: &Plan, near: &[Run], node: u32, end: u32, short: bool, tails: &mut Vec<Tail>) {
    let layer = &*plan.layer;
    let (first, stop) = layer.leaving(node);
    for hop in &layer.hops[first as usize..stop as usize] {
        if hop.to == end {
            if short {
                tails.push(Tail { between: NO_NODE, pools: [hop.pool; 2], labels: [hop.label, -1] });
            }
            continue;
        }
        let run = near[hop.to as usize];
        let lasts = layer.lasts[run.first as usize..run.end as usize].iter();
        let others = lasts.filter(|last| last.pool != hop.pool);
        tails.extend(others.map(|last| Tail {
            between: hop.to,
            pools: [hop.pool, last.pool],
            labels: [hop.label, last.label],
        }));
    }
}
