//! All negative cycles of few hops through one edge or pool.
//!
//! A cycle through `u → v` is that edge and a path from `v` to `u`. The path grows from either end,
//! at whichever has fewer arcs, until two hops are missing: these are the nodes that both ends know,
//! and the arcs are sorted so that the longer list is only probed.
//!
//! Reduced costs bound the search. A path that has cost `c`, the first edge included, can end below
//! zero only if `c` is less than what is to be gained on the hops that are left. Only withheld edges
//! gain: over `k` hops no more than the `k` withheld edges that gain most. So a branch is left when
//! that cannot help, no cycle is lost, and through a held edge there is nothing to look for at all
//! while nothing is withheld.

use std::cmp::Ordering;

use super::super::MAX_ARRAY_HOPS;
use super::super::input::FinderError;
use super::super::layout::index;
use super::IncrementalCycleFinder;
use super::arcs::{Arc, BACKWARD, FORWARD};
use super::open::{WeightedCycle, present, weighted};
use super::scale::ABSENT;

/// Beyond this ratio of lengths the longer of two lists is probed, not read.
const PROBE: usize = 8;

impl IncrementalCycleFinder {
    /// Returns every negative cycle of 2 to `max_hops` hops through an edge, at the present weights,
    /// no node and no pool twice; best first, then by edges. Each starts with the edge. Withheld
    /// edges are edges like any other here. A removed edge has no cycles.
    ///
    /// # Errors
    /// [`FinderError::UnknownEdge`], [`FinderError::MaxHops`] if `max_hops` is not in
    /// 2..=[`MAX_ARRAY_HOPS`].
    pub fn cycles_through(&self, edge: usize, max_hops: usize) -> Result<Vec<WeightedCycle>, FinderError> {
        self.check_edge(edge)?;
        check_hops(max_hops)?;
        Ok(self.all_through(&[index(edge)], max_hops))
    }

    /// As [`Self::cycles_through`], through any edge of a pool. Each cycle starts with that edge.
    ///
    /// # Errors
    /// [`FinderError::UnknownPool`], [`FinderError::MaxHops`].
    pub fn cycles_through_pool(&self, pool: i64, max_hops: usize) -> Result<Vec<WeightedCycle>, FinderError> {
        check_hops(max_hops)?;
        let place = *self.pools.get(&pool).ok_or(FinderError::UnknownPool { pool })? as usize;
        let (first, edges) = &self.by_pool;
        Ok(self.all_through(&edges[first[place] as usize..first[place + 1] as usize], max_hops))
    }

    fn all_through(&self, edges: &[u32], max_hops: usize) -> Vec<WeightedCycle> {
        let mut found = Vec::new();
        for &edge in edges {
            self.walk_from(edge, max_hops, &mut found);
        }
        found.sort_unstable();
        found.into_iter().map(|(_, edges)| weighted(&self.graph, edges)).collect()
    }

    fn walk_from(&self, edge: u32, max_hops: usize, found: &mut Vec<(i64, Vec<u32>)>) {
        let Some(units) = present(&self.graph, self.scale, edge) else { return };
        let of_edge = &self.graph.edges[edge as usize];
        let cost = self.search.reduced(of_edge.ends, units);
        if cost >= 0 && self.open.is_empty() {
            return;
        }
        let [start, next] = of_edge.ends;
        let mut walk = Walk {
            finder: self,
            first: edge,
            gains: self.gains(edge),
            forth: Steps::default(),
            back: Steps::default(),
            found,
        };
        let gap = Gap { from: next, to: start, hops: max_hops - 1, cost };
        walk.one_hop(gap);
        if max_hops > 2 {
            walk.two_hops_or_more(gap);
        }
    }

    /// By number of hops, what withheld edges other than `first` can gain at most.
    fn gains(&self, first: u32) -> [i64; MAX_ARRAY_HOPS] {
        let mut most = [0_i64; MAX_ARRAY_HOPS];
        for (edge, _) in self.open.iter().filter(|&(edge, _)| edge != first) {
            let Some(units) = present(&self.graph, self.scale, edge) else { continue };
            let mut gain = -self.search.reduced(self.graph.edges[edge as usize].ends, units);
            for place in &mut most[1..] {
                if gain > *place {
                    std::mem::swap(place, &mut gain);
                }
            }
        }
        for hops in 1..MAX_ARRAY_HOPS {
            most[hops] += most[hops - 1];
        }
        most
    }
}

fn check_hops(max_hops: usize) -> Result<(), FinderError> {
    if (2..=MAX_ARRAY_HOPS).contains(&max_hops) { Ok(()) } else { Err(FinderError::MaxHops { max_hops }) }
}

/// What is missing of a cycle.
#[derive(Debug, Clone, Copy)]
struct Gap {
    from: u32,
    to: u32,
    /// At most.
    hops: usize,
    /// Of all that is there.
    cost: i64,
}

/// A few steps from one end of the first edge: the node each starts or ends at there, and its edge.
#[derive(Debug, Clone, Copy, Default)]
struct Steps {
    steps: [(u32, u32); MAX_ARRAY_HOPS],
    len: usize,
}

impl Steps {
    fn push(&mut self, node: u32, edge: u32) {
        self.steps[self.len] = (node, edge);
        self.len += 1;
    }

    fn pop(&mut self) {
        self.len -= 1;
    }

    fn as_slice(&self) -> &[(u32, u32)] {
        &self.steps[..self.len]
    }
}

struct Walk<'a> {
    finder: &'a IncrementalCycleFinder,
    first: u32,
    gains: [i64; MAX_ARRAY_HOPS],
    forth: Steps,
    back: Steps,
    found: &'a mut Vec<(i64, Vec<u32>)>,
}

impl Walk<'_> {
    fn one_hop(&mut self, gap: Gap) {
        let graph = &self.finder.graph;
        let forth = from_node(graph.arcs(FORWARD, gap.from), gap.to);
        let (arcs, side) = if forth.len() > graph.degree(BACKWARD, gap.to) {
            (from_node(graph.arcs(BACKWARD, gap.to), gap.from), BACKWARD)
        } else {
            (forth, FORWARD)
        };
        let other = if side == FORWARD { gap.to } else { gap.from };
        for arc in arcs.iter().take_while(|arc| arc.to == other) {
            let cost = gap.cost + self.cost(gap.from, gap.to, *arc);
            if cost < 0 && !self.uses_pool(arc.edge) {
                self.emit(cost, &[arc.edge]);
            }
        }
    }

    fn two_hops_or_more(&mut self, gap: Gap) {
        self.two_hops(gap);
        if gap.hops == 2 {
            return;
        }
        let graph = &self.finder.graph;
        let side = usize::from(graph.degree(BACKWARD, gap.to) < graph.degree(FORWARD, gap.from));
        let here = if side == FORWARD { gap.from } else { gap.to };
        let left = gap.hops - 1;
        for arc in graph.arcs(side, here) {
            let (from, to) = if side == FORWARD { (here, arc.to) } else { (arc.to, here) };
            let cost = gap.cost + self.cost(from, to, *arc);
            if cost < self.gains[left] && !self.is_visited(gap, arc.to) && !self.uses_pool(arc.edge) {
                if side == FORWARD {
                    self.forth.push(here, arc.edge);
                    self.two_hops_or_more(Gap { from: arc.to, hops: left, cost, ..gap });
                    self.forth.pop();
                } else {
                    self.back.push(here, arc.edge);
                    self.two_hops_or_more(Gap { to: arc.to, hops: left, cost, ..gap });
                    self.back.pop();
                }
            }
        }
    }

    /// Closes the gap over every node that both ends know.
    fn two_hops(&mut self, gap: Gap) {
        if gap.cost >= self.gains[2] {
            return;
        }
        let graph = &self.finder.graph;
        let (mut forth, mut back) = (graph.arcs(FORWARD, gap.from), graph.arcs(BACKWARD, gap.to));
        let (probe_forth, probe_back) = (forth.len() > PROBE * back.len(), back.len() > PROBE * forth.len());
        while let (Some(one), Some(two)) = (forth.first(), back.first()) {
            match one.to.cmp(&two.to) {
                Ordering::Less => {
                    forth = if probe_forth { from_node(forth, two.to) } else { &forth[1..] };
                }
                Ordering::Greater => {
                    back = if probe_back { from_node(back, one.to) } else { &back[1..] };
                }
                Ordering::Equal => {
                    let node = one.to;
                    let cost = gap.cost + self.cost(gap.from, node, *one);
                    if cost < self.gains[1] && !self.is_visited(gap, node) && !self.uses_pool(one.edge) {
                        for two in back.iter().take_while(|two| two.to == node) {
                            let cost = cost + self.cost(node, gap.to, *two);
                            if cost < 0 && !self.uses_pool(two.edge) && !self.same_pool(one.edge, two.edge) {
                                self.emit(cost, &[one.edge, two.edge]);
                            }
                        }
                    }
                    forth = &forth[1..];
                }
            }
        }
    }

    /// Reduced cost of an arc; far above all others if the edge is removed.
    fn cost(&self, from: u32, to: u32, arc: Arc) -> i64 {
        let finder = self.finder;
        let mut units = finder.graph.units(arc.edge);
        if units == ABSENT {
            units = present(&finder.graph, finder.scale, arc.edge).unwrap_or(ABSENT);
        }
        finder.search.reduced([from, to], units)
    }

    fn is_visited(&self, gap: Gap, node: u32) -> bool {
        let mut steps = self.forth.as_slice().iter().chain(self.back.as_slice());
        node == gap.from || node == gap.to || steps.any(|&(visited, _)| visited == node)
    }

    fn uses_pool(&self, edge: u32) -> bool {
        let mut steps = self.forth.as_slice().iter().chain(self.back.as_slice());
        self.same_pool(self.first, edge) || steps.any(|&(_, used)| self.same_pool(used, edge))
    }

    fn same_pool(&self, one: u32, two: u32) -> bool {
        let pools = &self.finder.graph.pools;
        pools[one as usize] == pools[two as usize]
    }

    fn emit(&mut self, sum: i64, between: &[u32]) {
        let mut edges = Vec::with_capacity(1 + self.forth.len + between.len() + self.back.len);
        edges.push(self.first);
        edges.extend(self.forth.as_slice().iter().map(|&(_, edge)| edge));
        edges.extend(between);
        edges.extend(self.back.as_slice().iter().rev().map(|&(_, edge)| edge));
        self.found.push((sum, edges));
    }
}

/// What is left of sorted arcs from the first that leads to `node`, or beyond it.
fn from_node(arcs: &[Arc], node: u32) -> &[Arc] {
    &arcs[arcs.partition_point(|arc| arc.to < node)..]
}
