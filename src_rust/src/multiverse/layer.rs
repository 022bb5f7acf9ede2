//! A level of the graph, laid out for walking: hops by where they start, and by where they end.

use super::MAX_HOPS;
use super::query::Level;

/// One hop, as a walk meets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hop {
    pub to: u32,
    /// No two hops of a row may have one pool.
    pub pool: u32,
    /// What a row shows: the edge (pool level) or the node where the hop starts (mint level).
    pub label: i32,
}

/// One hop into a node, as the join meets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    pub from: u32,
    pub pool: u32,
    pub label: i32,
    /// Its place among the hops.
    pub place: u32,
}

/// The edges behind a hop at mint level.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub weight: f64,
    pub pool: u32,
}

/// All hops of one level.
#[derive(Debug)]
pub(super) struct Layer {
    pub level: Level,
    /// `hops[starts[node]..starts[node + 1]]` leave the node, in the order of rows.
    pub starts: Vec<u32>,
    pub hops: Vec<Hop>,
    /// By hop; the least of the members at mint level; empty in a graph without weights.
    pub weights: Vec<f64>,
    /// `lasts[last_starts[node]..last_starts[node + 1]]` end there, grouped by where they start.
    pub last_starts: Vec<u32>,
    pub lasts: Vec<Last>,
    /// Mint level: `members[member_starts[place]..member_starts[place + 1]]`, the lightest first.
    pub member_starts: Vec<u32>,
    pub members: Vec<Member>,
    /// Whether distinct pools must be looked for behind every row: mint level, and some pool joins
    /// more than two nodes.
    pub must_match_pools: bool,
}

/// An edge to lay out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub id: u32,
    pub from: u32,
    pub to: u32,
    pub pool: u32,
    /// 0 in a graph without weights.
    pub weight: f64,
}

impl Layer {
    /// Lays out edges, given in the order of their indices, at pool level.
    pub fn of_pools(nodes: usize, edges: &[Edge], has_weights: bool) -> Self {
        let (starts, order) = sorted_by(nodes, edges.iter().map(|edge| edge.from));
        let sorted = || order.iter().map(|&place| edges[place as usize]);
        let hops =
            sorted().map(|edge| Hop { to: edge.to, pool: edge.pool, label: signed(edge.id) }).collect();
        let weights = if has_weights { sorted().map(|edge| edge.weight).collect() } else { Vec::new() };
        Self::with_lasts(Level::Pool, nodes, starts, hops, weights)
    }

    /// Lays out one hop per pair of nodes with an edge.
    pub fn of_mints(nodes: usize, mut edges: Vec<Edge>, has_weights: bool) -> Self {
        let shared = joins_more_than_two(&edges);
        edges.sort_unstable_by(|x, y| {
            (x.from, x.to).cmp(&(y.from, y.to)).then(x.weight.total_cmp(&y.weight)).then(x.id.cmp(&y.id))
        });
        // Numbers that no pool has, for hops with a choice of pools.
        let mut free_pool = edges.iter().map(|edge| edge.pool + 1).max().unwrap_or(0);
        let (mut from, mut hops, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let (mut member_starts, mut members) = (vec![0], Vec::new());
        for parallel in edges.chunk_by(|x, y| (x.from, x.to) == (y.from, y.to)) {
            let lightest = parallel[0];
            let is_choice = parallel.iter().any(|edge| edge.pool != lightest.pool);
            let pool = if is_choice { free_pool } else { lightest.pool };
            free_pool += u32::from(is_choice);
            from.push(lightest.from);
            hops.push(Hop { to: lightest.to, pool, label: signed(lightest.from) });
            if has_weights {
                weights.push(lightest.weight);
            }
            let first = members.len();
            for &Edge { weight, pool, .. } in parallel {
                if members[first..].iter().all(|member: &Member| member.pool != pool) {
                    members.push(Member { weight, pool });
                }
            }
            member_starts.push(index(members.len()));
        }
        let (starts, _) = sorted_by(nodes, from.iter().copied());
        let layer = Self::with_lasts(Level::Mint, nodes, starts, hops, weights);
        Self { member_starts, members, must_match_pools: shared, ..layer }
    }

    fn with_lasts(level: Level, nodes: usize, starts: Vec<u32>, hops: Vec<Hop>, weights: Vec<f64>) -> Self {
        let (last_starts, order) = sorted_by(nodes, hops.iter().map(|hop| hop.to));
        let mut from = vec![0_u32; hops.len()];
        for (node, ends) in (0..).zip(starts.windows(2)) {
            from[ends[0] as usize..ends[1] as usize].fill(node);
        }
        let last = |&place: &u32| {
            let Hop { pool, label, .. } = hops[place as usize];
            Last { from: from[place as usize], pool, label, place }
        };
        let lasts = order.iter().map(last).collect();
        Self {
            level,
            starts,
            lasts,
            hops,
            weights,
            last_starts,
            member_starts: Vec::new(),
            members: Vec::new(),
            must_match_pools: false,
        }
    }

    pub fn nodes(&self) -> usize {
        self.starts.len() - 1
    }

    /// The places of the hops that leave a node.
    pub fn leaving(&self, node: u32) -> (u32, u32) {
        (self.starts[node as usize], self.starts[node as usize + 1])
    }

    /// The hops that end at a node.
    pub fn ending_at(&self, node: u32) -> &[Last] {
        &self.lasts[self.ending_range(node)]
    }

    pub fn ending_range(&self, node: u32) -> std::ops::Range<usize> {
        self.last_starts[node as usize] as usize..self.last_starts[node as usize + 1] as usize
    }

    /// The hop from a node to a node; mint level only, where hops of a node are sorted by their end.
    pub fn place_between(&self, from: u32, to: u32) -> Option<u32> {
        let (first, end) = self.leaving(from);
        let found = self.hops[first as usize..end as usize].binary_search_by_key(&to, |hop| hop.to).ok()?;
        Some(first + index(found))
    }

    /// What a row of hops weighs, added in walking order: at mint level the least of all choices of
    /// distinct pools, `None` if there is none.
    pub fn weight_of(&self, places: &[u32]) -> Option<f64> {
        if self.level == Level::Pool {
            return Some(places.iter().fold(0.0, |sum, &place| sum + self.weights[place as usize]));
        }
        let mut choice = Choice { layer: self, hops: places.len(), pools: [0; MAX_HOPS], best: None };
        choice.extend(places, 0.0);
        choice.best
    }

    fn members_of(&self, place: u32) -> &[Member] {
        let place = place as usize;
        &self.members[self.member_starts[place] as usize..self.member_starts[place + 1] as usize]
    }
}

/// The search for the lightest distinct pools of a row.
struct Choice<'a> {
    layer: &'a Layer,
    hops: usize,
    /// Those of the hops before.
    pools: [u32; MAX_HOPS],
    best: Option<f64>,
}

impl Choice<'_> {
    /// Returns whether the row's lightest members were free all along: nothing else can be lighter.
    fn extend(&mut self, places: &[u32], sum: f64) -> bool {
        let Some((&place, rest)) = places.split_first() else {
            if self.best.is_none_or(|best| sum < best) {
                self.best = Some(sum);
            }
            return true;
        };
        let before = self.hops - places.len();
        let layer = self.layer;
        // The other hops take at most `hops - 1` pools, so one of the lightest `hops` is free.
        for (rank, member) in layer.members_of(place).iter().take(self.hops).enumerate() {
            if self.pools[..before].contains(&member.pool) {
                continue;
            }
            self.pools[before] = member.pool;
            if self.extend(rest, sum + member.weight) && rank == 0 {
                return true;
            }
        }
        false
    }
}

/// Whether some pool joins more than one pair of nodes.
fn joins_more_than_two(edges: &[Edge]) -> bool {
    let mut pairs: Vec<_> =
        edges.iter().map(|edge| (edge.pool, edge.from.min(edge.to), edge.from.max(edge.to))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.windows(2).any(|two| two[0].0 == two[1].0)
}

/// Where each key's items start, and the items in the order of their keys, else in their own.
fn sorted_by(nodes: usize, keys: impl Iterator<Item = u32> + Clone) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; nodes + 1];
    let mut count = 0;
    for key in keys.clone() {
        starts[key as usize + 1] += 1;
        count += 1;
    }
    for node in 0..nodes {
        starts[node + 1] += starts[node];
    }
    let mut next = starts.clone();
    let mut order = vec![0_u32; count];
    for (place, key) in (0..).zip(keys) {
        let slot = &mut next[key as usize];
        order[*slot as usize] = place;
        *slot += 1;
    }
    (starts, order)
}

/// A length or place as an index; the graph's bounds keep it within 30 bits.
pub(super) fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// An edge or node as a value of a row; the graph's bounds keep it within 30 bits.
pub(super) fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
