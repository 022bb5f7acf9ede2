//! The walk itself: depth first with a stack of its own, so that it can stop and go on anywhere.

use super::MAX_HOPS;
use super::ends::{Ends, Near};
use super::plan::Plan;
use super::tails::Tails;

/// The most hops before the last two.
const MAX_PREFIX: usize = MAX_HOPS - 2;

/// From this many hops on, nodes before the last two hops are met again and again.
const TAILS_FROM: usize = 4;

/// Why a walk stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// There is no more.
    Done,
    /// As many values were found as asked for, or a few more.
    Full,
    /// The hops it may look at are used up.
    Tired,
}

/// A part of the walks between one start and end: those that begin with `path` and go on with a hop at
/// `first..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task {
    pub target: u32,
    pub len: u32,
    pub path: [u32; MAX_PREFIX],
    pub first: u32,
    pub end: u32,
}

impl Task {
    /// Returns the part of it with the next hop at `first..end`.
    pub fn between(&self, first: u32, end: u32) -> Self {
        Self { first, end, ..*self }
    }

    /// Returns a task, of an empty path, with the hop at `place` made.
    pub fn after(&self, place: u32) -> Self {
        let mut path = self.path;
        path[0] = place;
        Self { len: 1, path, ..*self }
    }
}

/// Memory that walkers use one after another.
#[derive(Debug, Default)]
pub(super) struct Memory {
    near: Near,
    tails: Tails,
}

/// Where a walk stands.
#[derive(Debug)]
pub(super) struct Walker {
    ends: Ends,
    tails: Tails,
    target: usize,
    end: u32,
    /// The walk is done when it comes back to so many hops.
    floor: usize,
    /// Hops made so far.
    depth: usize,
    /// By hops made: the hops to try next.
    next: [u32; MAX_PREFIX + 1],
    stop: [u32; MAX_PREFIX + 1],
    /// By hops made: where the walk is, and what its hops weigh.
    nodes: [u32; MAX_PREFIX + 1],
    sums: [f64; MAX_PREFIX + 1],
    /// The hops made.
    pools: [u32; MAX_PREFIX],
    labels: [i32; MAX_PREFIX],
    places: [u32; MAX_PREFIX],
}

impl Walker {
    /// Returns a walker that uses this memory and has nothing to do.
    pub fn new(memory: Memory, plan: &Plan) -> Self {
        Self {
            ends: Ends::new(memory.near, plan),
            tails: memory.tails,
            target: 0,
            end: 0,
            floor: 0,
            depth: 0,
            next: [0; MAX_PREFIX + 1],
            stop: [0; MAX_PREFIX + 1],
            nodes: [0; MAX_PREFIX + 1],
            sums: [0.0; MAX_PREFIX + 1],
            pools: [0; MAX_PREFIX],
            labels: [0; MAX_PREFIX],
            places: [0; MAX_PREFIX],
        }
    }

    /// Gives the memory back.
    pub fn into_memory(self, plan: &Plan) -> Memory {
        Memory { near: self.ends.into_near(plan), tails: self.tails }
    }

    /// Turns to a task.
    pub fn begin(&mut self, plan: &Plan, task: &Task) {
        self.target = task.target as usize;
        if self.ends.aim(plan, self.target) && plan.walk_hops >= TAILS_FROM {
            self.tails.clear(plan);
        }
        let target = plan.targets[self.target];
        (self.end, self.nodes[0], self.depth) = (target.end, target.start, 0);
        for &place in &task.path[..task.len as usize] {
            self.go(plan, place);
        }
        self.floor = self.depth;
        (self.next[self.depth], self.stop[self.depth]) = (task.first, task.end);
    }

    /// Returns what is left to do, in order.
    pub fn rest(&self) -> impl Iterator<Item = Task> + '_ {
        (self.floor..=self.depth).rev().map(|len| {
            let mut path = [0; MAX_PREFIX];
            path[..len].copy_from_slice(&self.places[..len]);
            let (first, end) = (self.next[len], self.stop[len]);
            Task { target: u32_of(self.target), len: u32_of(len), path, first, end }
        })
    }

    /// Walks on, appending rows of [`Plan::walk_hops`] values, until there are `full` values, or about
    /// `hops` more hops have been looked at.
    pub fn run(&mut self, plan: &Plan, out: &mut Vec<i32>, full: usize, hops: usize) -> Pause {
        match (plan.walk_hops, plan.is_careful()) {
            (2, false) => self.run_with::<0, false>(plan, out, full, hops),
            (2, true) => self.run_with::<0, true>(plan, out, full, hops),
            (3, false) => self.run_with::<1, false>(plan, out, full, hops),
            (3, true) => self.run_with::<1, true>(plan, out, full, hops),
            (4, false) => self.run_with::<2, false>(plan, out, full, hops),
            (4, true) => self.run_with::<2, true>(plan, out, full, hops),
            (5, false) => self.run_with::<3, false>(plan, out, full, hops),
            (5, true) => self.run_with::<3, true>(plan, out, full, hops),
            (_, false) => self.run_with::<4, false>(plan, out, full, hops),
            (_, true) => self.run_with::<4, true>(plan, out, full, hops),
        }
    }

    /// `PREFIX` hops are made one by one; the two that follow are joined.
    fn run_with<const PREFIX: usize, const CAREFUL: bool>(
        &mut self,
        plan: &Plan,
        out: &mut Vec<i32>,
        full: usize,
        mut hops: usize,
    ) -> Pause {
        let layer = &*plan.layer;
        loop {
            let depth = self.depth;
            if depth == PREFIX {
                let tried = self.stop[PREFIX] - self.next[PREFIX];
                self.last_two::<PREFIX, CAREFUL>(plan, out);
                self.next[PREFIX] = self.stop[PREFIX];
                if PREFIX == self.floor {
                    return Pause::Done;
                }
                self.depth -= 1;
                if out.len() >= full {
                    return Pause::Full;
                }
                hops = hops.saturating_sub(tried as usize + 1);
                if hops == 0 {
                    return Pause::Tired;
                }
                continue;
            }
            let place = self.next[depth];
            if place == self.stop[depth] {
                if depth == self.floor {
                    return Pause::Done;
                }
                self.depth -= 1;
                continue;
            }
            self.next[depth] += 1;
            let hop = layer.hops[place as usize];
            if self.pools[..depth].contains(&hop.pool) {
                continue;
            }
            if hop.to == self.end {
                if depth + 1 >= plan.min_hops {
                    self.finish_early::<CAREFUL>(plan, place, out);
                }
                continue;
            }
            if self.nodes[..depth].contains(&hop.to) || plan.is_closed(self.target, hop.to) {
                continue;
            }
            self.go(plan, place);
            let left = plan.walk_hops - self.depth;
            if !self.ends.may_end(plan, hop.to, left, self.sums[self.depth]) {
                self.depth -= 1;
            }
        }
    }

    /// Makes a hop.
    fn go(&mut self, plan: &Plan, place: u32) {
        let (layer, depth) = (&*plan.layer, self.depth);
        let hop = layer.hops[place as usize];
        (self.pools[depth], self.labels[depth], self.places[depth]) = (hop.pool, hop.label, place);
        self.depth += 1;
        self.nodes[self.depth] = hop.to;
        self.sums[self.depth] =
            self.sums[depth] + layer.weights.get(place as usize).copied().unwrap_or_default();
        (self.next[self.depth], self.stop[self.depth]) = layer.leaving(hop.to);
    }

    /// Appends the row that ends with this hop, before its hops are used up.
    fn finish_early<const CAREFUL: bool>(&self, plan: &Plan, place: u32, out: &mut Vec<i32>) {
        let mut row = [-1; MAX_HOPS];
        row[..self.depth].copy_from_slice(&self.labels[..self.depth]);
        row[self.depth] = plan.layer.hops[place as usize].label;
        if !CAREFUL || self.counts(plan, self.depth, &[place]) {
            out.extend_from_slice(&row[..plan.walk_hops]);
        }
    }

    /// Appends all rows that go on from `PREFIX` hops with one or two more.
    fn last_two<const PREFIX: usize, const CAREFUL: bool>(&mut self, plan: &Plan, out: &mut Vec<i32>) {
        let layer = &*plan.layer;
        let near = self.ends.near.as_slice();
        let mut pools = [0; PREFIX];
        pools.copy_from_slice(&self.pools[..PREFIX]);
        let mut nodes = [0; PREFIX];
        nodes.copy_from_slice(&self.nodes[..PREFIX]);
        let mut row = [-1; MAX_HOPS];
        row[..PREFIX].copy_from_slice(&self.labels[..PREFIX]);
        let (first, stop) = (self.next[PREFIX], self.stop[PREFIX]);
        let node = self.nodes[PREFIX];
        if !CAREFUL && PREFIX + 2 >= TAILS_FROM && (first, stop) == layer.leaving(node) {
            let short = PREFIX + 1 >= plan.min_hops;
            if let Some(tails) = self.tails.of(plan, near, node, self.end, short) {
                out.reserve(tails.len() * (PREFIX + 2));
                for tail in tails {
                    let [one, two] = tail.pools;
                    if !pools.contains(&one) && !pools.contains(&two) && !nodes.contains(&tail.between) {
                        row[PREFIX..PREFIX + 2].copy_from_slice(&tail.labels);
                        out.extend_from_slice(&row[..PREFIX + 2]);
                    }
                }
                return;
            }
        }
        for (place, hop) in (first..).zip(&layer.hops[first as usize..stop as usize]) {
            if pools.contains(&hop.pool) {
                continue;
            }
            row[PREFIX] = hop.label;
            if hop.to == self.end {
                if PREFIX + 1 >= plan.min_hops && (!CAREFUL || self.counts(plan, PREFIX, &[place])) {
                    row[PREFIX + 1] = -1;
                    out.extend_from_slice(&row[..PREFIX + 2]);
                }
                continue;
            }
            let run = near[hop.to as usize];
            if nodes.contains(&hop.to) {
                continue;
            }
            if CAREFUL {
                let weight = layer.weights.get(place as usize).copied().unwrap_or_default();
                if !self.ends.may_end(plan, hop.to, 1, self.sums[PREFIX] + weight) {
                    continue;
                }
            }
            for last in &layer.lasts[run.first as usize..run.end as usize] {
                if last.pool == hop.pool
                    || pools.contains(&last.pool)
                    || (CAREFUL && !self.counts(plan, PREFIX, &[place, last.place]))
                {
                    continue;
                }
                row[PREFIX + 1] = last.label;
                out.extend_from_slice(&row[..PREFIX + 2]);
            }
        }
    }

    /// Whether the row of the first `len` hops made and these is one of those asked for.
    fn counts(&self, plan: &Plan, len: usize, more: &[u32]) -> bool {
        let mut places = [0; MAX_HOPS];
        places[..len].copy_from_slice(&self.places[..len]);
        let hops = len + more.len();
        places[len..hops].copy_from_slice(more);
        let weight = plan.layer.weight_of(&places[..hops]);
        weight.is_some_and(|weight| plan.max_weight.is_none_or(|most| weight <= most))
    }
}

/// Small counts: targets are at most as many as nodes.
fn u32_of(count: usize) -> u32 {
    super::layer::index(count)
}
