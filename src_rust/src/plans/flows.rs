//! From what flows through every pool to routes: paths stripped off one after the other.
//!
//! The joint solver says how much goes through each pool. Any such flow that starts at one mint and
//! arrives at another falls into paths between them, and cycles. The one idea: take the path that
//! brings most to the end (all that its bottleneck lets through), take its amounts off, repeat. What is
//! left over is dropped: residues below [`SMALLEST_SHARE`] of the largest, paths longer than allowed,
//! and cycles apart from the paths.

use super::lanes::{Lanes, Path};

/// Paths whose output is below this share of the largest are rounding of the solver, or not worth an instruction.
const SMALLEST_SHARE: f64 = 1e-6;
/// Steps of one search for a path; what the solver uses is sparse, so this is rarely reached.
const MAX_STEPS: u32 = 20_000;

/// What goes through one lane.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LaneFlow {
    pub(super) amount_in: f64,
    pub(super) amount_out: f64,
}

/// Returns paths between two mints (cycles, if they are the same) and how much each takes of the
/// first, the largest output first, at most `max_paths`. `flows`: by lane; what the paths take is taken off.
pub(super) fn strip(
    lanes: &Lanes,
    flows: &mut [LaneFlow],
    (start, end): (u32, u32),
    max_paths: usize,
) -> Vec<Stripped> {
    let mut around: Vec<Vec<u32>> = vec![Vec::new(); lanes.mints.len()];
    for ((lane, flow), place) in lanes.all.iter().zip(&*flows).zip(0..) {
        if flow.amount_in > 0.0 && flow.amount_out > 0.0 {
            around[lane.from as usize].push(place);
        }
    }
    let left: Vec<f64> = flows.iter().map(|flow| flow.amount_in).collect();
    let mut search = Search {
        lanes,
        end,
        flows,
        around,
        left,
        path: Vec::new(),
        visited: Vec::new(),
        widest: None,
        steps: 0,
    };
    let mut found: Vec<Stripped> = Vec::new();
    while found.len() < max_paths
        && let Some(widest) = search.widest(start)
    {
        if found.first().is_some_and(|first| widest.out < first.out * SMALLEST_SHARE) {
            break;
        }
        search.take(&widest);
        match found.iter_mut().find(|known| known.path == widest.path) {
            Some(known) => {
                known.amount += widest.amount;
                known.out += widest.out;
            }
            None => found.push(widest),
        }
    }
    let left = search.left;
    for (flow, left) in flows.iter_mut().zip(left) {
        // In proportion: a flow's rate is what its paths count with.
        if flow.amount_in > 0.0 {
            flow.amount_out *= left / flow.amount_in;
            flow.amount_in = left;
        }
    }
    found.sort_by(|x, y| y.out.total_cmp(&x.out));
    found
}

/// A path of a flow.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stripped {
    pub(super) path: Path,
    /// What it takes of the first mint.
    pub(super) amount: f64,
    /// What it brings of the last, at the average rates of the flow.
    pub(super) out: f64,
}

struct Search<'a> {
    lanes: &'a Lanes,
    end: u32,
    flows: &'a [LaneFlow],
    /// Lanes that carry something, by the mint they start from.
    around: Vec<Vec<u32>>,
    /// Input of every lane that no path has taken yet.
    left: Vec<f64>,
    path: Path,
    visited: Vec<u32>,
    widest: Option<Stripped>,
    steps: u32,
}

impl Search<'_> {
    fn widest(&mut self, start: u32) -> Option<Stripped> {
        (self.widest, self.steps) = (None, 0);
        self.walk(start, f64::INFINITY, 1.0);
        self.widest.take().filter(|widest| widest.amount > 0.0)
    }

    /// `cap`: how much of the first mint gets here; `gain`: what one unit of it is here.
    fn walk(&mut self, mint: u32, cap: f64, gain: f64) {
        if mint == self.end && !self.path.is_empty() {
            let out = cap * gain;
            if self.widest.as_ref().is_none_or(|widest| out > widest.out) {
                self.widest = Some(Stripped { path: self.path.clone(), amount: cap, out });
            }
            return;
        }
        if self.path.len() == self.lanes.max_hops {
            return;
        }
        for at in 0..self.around[mint as usize].len() {
            let place = self.around[mint as usize][at];
            let (lane, flow) = (&self.lanes.all[place as usize], self.flows[place as usize]);
            let narrowed = cap.min(self.left[place as usize] / gain);
            // Back through the pool it came from is no cycle.
            let is_back =
                self.path.iter().any(|&used| self.lanes.all[used as usize].edge / 2 == lane.edge / 2);
            if narrowed <= 0.0 || is_back || self.visited.contains(&lane.to) {
                continue;
            }
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return;
            }
            let to = lane.to;
            self.path.push(place);
            self.visited.push(to);
            self.walk(to, narrowed, gain * flow.amount_out / flow.amount_in);
            self.visited.pop();
            self.path.pop();
        }
    }

    fn take(&mut self, widest: &Stripped) {
        let mut amount = widest.amount;
        for &place in &widest.path {
            let flow = self.flows[place as usize];
            let left = &mut self.left[place as usize];
            *left -= amount;
            // The bottleneck itself comes out as rounding.
            if *left < flow.amount_in * 1e-12 {
                *left = 0.0;
            }
            amount *= flow.amount_out / flow.amount_in;
        }
    }
}
