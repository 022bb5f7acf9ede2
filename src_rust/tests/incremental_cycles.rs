//! The warm finder against the cold one after every change, and its bounded search against plain
//! enumeration. Weights are multiples of 2⁻²⁰ where equality is strict: all sums are exact.
//!
//! `PHANTOM_SOAK` multiplies the number of graphs; each has its number as seed.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking; sums are exact")]

use std::collections::BTreeSet;

use phantom_core::cycle_finder::{
    CYCLE_EPSILON, CycleUpdate, FinderError, IncrementalCycleFinder, NegativeCycleFinder, WeightedCycle,
};

const UNIT: f64 = 1.0 / 1_048_576.0;

/// What a removed edge weighs for the cold finder: above the sum of all others, and not so much that
/// its own tolerance grows.
const AWAY: f64 = 64.0;

fn graphs(usual: u64) -> std::ops::RangeInclusive<u64> {
    let factor: u64 = std::env::var("PHANTOM_SOAK").map_or(1, |text| text.parse().unwrap());
    1..=usual * factor
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound
    }

    fn between(&mut self, low: i32, high: i32) -> i32 {
        low + i32::try_from(self.below(usize::try_from(high - low).unwrap())).unwrap()
    }

    fn float(&mut self) -> f64 {
        f64::from(u32::try_from(self.below(1 << 30)).unwrap()) / f64::from(1 << 30)
    }
}

#[derive(Clone)]
struct Graph {
    nodes: usize,
    src: Vec<u32>,
    dst: Vec<u32>,
    pool: Vec<i64>,
    /// `None` while removed.
    weight: Vec<Option<f64>>,
    /// Fair log price of each node, in units.
    price: Vec<i32>,
}

impl Graph {
    /// A market (both directions, fair prices, fees) or any multigraph; often with parallel edges.
    fn random(random: &mut Random, most_nodes: usize, most_edges: usize) -> Self {
        let nodes = 2 + random.below(most_nodes - 1);
        let is_market = random.below(3) > 0;
        let spread = if is_market { 1 << random.below(16) } else { 1 };
        let price = (0..nodes).map(|_| random.between(-spread, spread)).collect();
        let mut graph =
            Self { nodes, src: Vec::new(), dst: Vec::new(), pool: Vec::new(), weight: Vec::new(), price };
        for pool in 0..=random.below(most_edges) {
            let (a, b) = (random.below(nodes), random.below(nodes));
            if a == b {
                continue;
            }
            let pool = i64::try_from(pool).unwrap() * 7 - 20;
            let [a, b] = [a, b].map(|node| u32::try_from(node).unwrap());
            for (from, to) in [(a, b), (b, a)].into_iter().take(if is_market { 2 } else { 1 }) {
                graph.src.push(from);
                graph.dst.push(to);
                graph.pool.push(pool);
                let edge = graph.weight.len();
                graph.weight.push(None);
                graph.weight[edge] = Some(graph.fair(edge, random, 8, 60));
            }
        }
        graph
    }

    /// The price difference and a fee between `low` and `high` units, the fee's sign included.
    fn fair(&self, edge: usize, random: &mut Random, below: i32, above: i32) -> f64 {
        let rise = self.price[self.dst[edge] as usize] - self.price[self.src[edge] as usize];
        f64::from(rise + random.between(-below, above)) * UNIT
    }

    fn warm(&self) -> IncrementalCycleFinder {
        let weight: Vec<f64> = self.weight.iter().map(|weight| weight.unwrap_or(AWAY)).collect();
        let pool = Some(self.pool.as_slice());
        let mut finder =
            IncrementalCycleFinder::new(self.nodes, &self.src, &self.dst, &weight, pool).unwrap();
        for edge in 0..self.weight.len() {
            if self.weight[edge].is_none() {
                finder.remove(edge).unwrap();
            }
        }
        finder
    }

    fn cold(&self) -> NegativeCycleFinder {
        let weight: Vec<f64> = self.weight.iter().map(|weight| weight.unwrap_or(AWAY)).collect();
        NegativeCycleFinder::new(self.nodes, &self.src, &self.dst, &weight).unwrap()
    }

    /// Panics unless the edges are a cycle that visits no node twice.
    fn check_cycle(&self, cycle: &WeightedCycle) {
        let edges: Vec<usize> = cycle.edges.iter().map(|&edge| edge as usize).collect();
        assert!(edges.len() >= 2);
        for (&edge, &next) in edges.iter().zip(edges.iter().cycle().skip(1)) {
            assert_eq!(self.dst[edge], self.src[next], "{cycle:?}");
        }
        let mut nodes: Vec<u32> = edges.iter().map(|&edge| self.src[edge]).collect();
        nodes.sort_unstable();
        nodes.dedup();
        assert_eq!(nodes.len(), edges.len(), "{cycle:?}");
    }

    /// In `f64`; infinite if an edge is removed.
    fn sum(&self, edges: &[u32]) -> f64 {
        edges.iter().map(|&edge| self.weight[edge as usize].unwrap_or(f64::INFINITY)).sum()
    }
}

/// The open cycles as a listener knows them.
#[derive(Default)]
struct Listener(BTreeSet<Vec<u32>>);

impl Listener {
    fn hear(&mut self, graph: &Graph, update: Option<&CycleUpdate>) {
        let Some(update) = update else { return };
        assert!(!update.opened.is_empty() || !update.closed.is_empty());
        for cycle in &update.closed {
            assert!(self.0.remove(&cycle.edges), "closed, but was not open: {cycle:?}");
            assert!(cycle.weight >= 0.0);
            assert_eq!(cycle.weight, graph.sum(&cycle.edges));
        }
        for cycle in &update.opened {
            assert!(self.0.insert(cycle.edges.clone()), "opened twice: {cycle:?}");
        }
    }

    fn agree(&self, graph: &Graph, finder: &IncrementalCycleFinder) {
        let open = finder.open_cycles();
        let mut edges: Vec<_> = open.iter().map(|cycle| cycle.edges.clone()).collect();
        edges.sort_unstable();
        assert!(edges.iter().eq(&self.0), "{edges:?} {:?}", self.0);
        for cycle in &open {
            graph.check_cycle(cycle);
            assert_eq!(cycle.weight, graph.sum(&cycle.edges));
            assert!(cycle.weight < 0.0);
        }
    }
}

#[test]
fn warm_answer_is_the_cold_one_after_every_change() {
    let (mut yes, mut no) = (0, 0);
    for seed in graphs(1000) {
        let mut random = Random::new(seed);
        let (most_nodes, most_edges) = [(5, 8), (12, 30), (40, 90)][random.below(3)];
        let mut graph = Graph::random(&mut random, most_nodes, most_edges);
        let edges = graph.weight.len();
        if edges == 0 {
            continue;
        }
        let (mut warm, mut cold) = (graph.warm(), graph.cold());
        let mut listener = Listener(warm.open_cycles().into_iter().map(|cycle| cycle.edges).collect());
        // Some graphs are hardly ever without a cycle: those that stay open must not hide others.
        let low = [4, 12, 40][random.below(3)];
        for _ in 0..300 {
            let edge = random.below(edges);
            let update = if random.below(10) == 0 {
                graph.weight[edge] = None;
                cold.update(edge, AWAY).unwrap();
                warm.remove(edge).unwrap()
            } else {
                let weight = graph.fair(edge, &mut random, low, 60);
                graph.weight[edge] = Some(weight);
                cold.update(edge, weight).unwrap();
                let known = warm.open_cycles();
                let asked = warm.would_close_cycle(edge, weight).unwrap();
                assert_eq!(warm.open_cycles(), known);
                let update = warm.update(edge, weight).unwrap();
                assert!(!asked || warm.has_cycle(), "graph {seed}");
                if update.as_ref().is_none_or(|update| update.closed.is_empty()) {
                    let through = warm.open_cycles();
                    let through =
                        through.iter().any(|cycle| cycle.edges.contains(&u32::try_from(edge).unwrap()));
                    assert_eq!(asked, through, "graph {seed}");
                }
                update
            };
            listener.hear(&graph, update.as_ref());
            listener.agree(&graph, &warm);
            let found = cold.find().is_some();
            assert_eq!(warm.has_cycle(), found, "graph {seed}");
            *(if found { &mut yes } else { &mut no }) += 1;
        }
    }
    assert!(yes > 20_000 && no > 20_000, "{yes} with a cycle, {no} without");
}

#[test]
fn with_any_weights_the_answers_differ_only_within_rounding_of_zero() {
    let mut near = 0;
    for seed in graphs(300) {
        let mut random = Random::new(seed);
        let mut graph = Graph::random(&mut random, 12, 30);
        for edge in 0..graph.weight.len() {
            let weight = graph.weight[edge].unwrap() * 1e3 + random.float() * 1e-3;
            graph.weight[edge] = Some(weight);
        }
        if graph.weight.is_empty() {
            continue;
        }
        let (mut warm, mut cold) = (graph.warm(), graph.cold());
        for _ in 0..200 {
            let edge = random.below(graph.weight.len());
            let mut weight = graph.weight[edge].unwrap() + (random.float() - 0.5) * 5e-2;
            if let Some(cycle) = cold.find()
                && random.below(2) == 0
            {
                // Bring a cycle to zero, nearly.
                let tiny = (random.float() - 0.5) * 10.0_f64.powi(random.between(-14, -9));
                let edge = cycle.edges[0] as usize;
                weight = graph.weight[edge].unwrap() - cycle.weight + tiny;
                graph.weight[edge] = Some(weight);
                warm.update(edge, weight).unwrap();
                cold.update(edge, weight).unwrap();
                near += 1;
            } else {
                graph.weight[edge] = Some(weight);
                warm.update(edge, weight).unwrap();
                cold.update(edge, weight).unwrap();
            }
            let open = warm.open_cycles();
            for cycle in &open {
                graph.check_cycle(cycle);
                assert!(cycle.weight < 0.0);
            }
            let hops = |edges: &[u32]| f64::from(u32::try_from(edges.len()).unwrap());
            match (open.first(), cold.find()) {
                (Some(cycle), None) => assert!(cycle.weight >= -hops(&cycle.edges) * CYCLE_EPSILON),
                (None, Some(cycle)) => assert!(cycle.weight >= -hops(&cycle.edges) * warm.resolution()),
                _ => {}
            }
        }
    }
    assert!(near > 5_000, "{near}");
}

/// All negative cycles of at most `max_hops` through an edge, by trying all sequences of edges.
fn enumerate(graph: &Graph, edge: usize, max_hops: usize) -> Vec<WeightedCycle> {
    fn extend(graph: &Graph, max_hops: usize, path: &mut Vec<usize>, found: &mut Vec<WeightedCycle>) {
        let (start, here) = (graph.src[path[0]], graph.dst[path[path.len() - 1]]);
        if here == start {
            let edges: Vec<u32> = path.iter().map(|&edge| u32::try_from(edge).unwrap()).collect();
            let weight = graph.sum(&edges);
            if weight < 0.0 {
                found.push(WeightedCycle { edges, weight });
            }
            return;
        }
        if path.len() == max_hops {
            return;
        }
        for edge in 0..graph.weight.len() {
            let used = path.iter().any(|&other| graph.pool[other] == graph.pool[edge]);
            let been = path.iter().skip(1).any(|&other| graph.src[other] == graph.dst[edge]);
            if graph.src[edge] == here && graph.weight[edge].is_some() && !used && !been {
                path.push(edge);
                extend(graph, max_hops, path, found);
                path.pop();
            }
        }
    }
    let mut found = Vec::new();
    if graph.weight[edge].is_some() {
        extend(graph, max_hops, &mut vec![edge], &mut found);
    }
    sort(&mut found);
    found
}

fn sort(cycles: &mut [WeightedCycle]) {
    cycles.sort_by(|x, y| x.weight.total_cmp(&y.weight).then_with(|| x.edges.cmp(&y.edges)));
}

fn check_bounded(graph: &Graph, warm: &IncrementalCycleFinder, edge: usize, max_hops: usize) -> usize {
    let found = warm.cycles_through(edge, max_hops).unwrap();
    assert_eq!(found, enumerate(graph, edge, max_hops), "through {edge}, {max_hops} hops");
    let pool = graph.pool[edge];
    let mut expected: Vec<_> = (0..graph.weight.len())
        .filter(|&edge| graph.pool[edge] == pool)
        .flat_map(|edge| enumerate(graph, edge, max_hops))
        .collect();
    sort(&mut expected);
    assert_eq!(warm.cycles_through_pool(pool, max_hops).unwrap(), expected);
    found.len()
}

#[test]
fn cycles_through_finds_what_plain_enumeration_finds() {
    let mut found = 0;
    for seed in graphs(200) {
        let mut random = Random::new(seed);
        let mut graph = Graph::random(&mut random, 7, 14);
        if graph.weight.is_empty() {
            continue;
        }
        let mut warm = graph.warm();
        for _ in 0..25 {
            let edge = random.below(graph.weight.len());
            if random.below(10) == 0 {
                graph.weight[edge] = None;
                warm.remove(edge).unwrap();
            } else {
                let weight = graph.fair(edge, &mut random, 40, 30);
                graph.weight[edge] = Some(weight);
                warm.update(edge, weight).unwrap();
            }
            found += check_bounded(&graph, &warm, edge, 2 + random.below(5));
            found += check_bounded(&graph, &warm, random.below(graph.weight.len()), 6);
        }
    }
    assert!(found > 4_000, "{found}");
}

#[test]
fn cycles_through_a_hub_are_all_found() {
    // Every node also trades against a hub, several times: long lists of arcs are probed.
    let mut found = 0;
    for seed in graphs(40) {
        let mut random = Random::new(seed);
        let mut graph = Graph::random(&mut random, 30, 25);
        let nodes = u32::try_from(graph.nodes).unwrap();
        graph.nodes += 1;
        graph.price.push(0);
        for pool in 0..40 {
            let node = u32::try_from(random.below(graph.nodes - 1)).unwrap();
            for (from, to) in [(node, nodes), (nodes, node)] {
                graph.src.push(from);
                graph.dst.push(to);
                graph.pool.push(1_000 + pool);
                graph.weight.push(None);
                let edge = graph.weight.len() - 1;
                graph.weight[edge] = Some(graph.fair(edge, &mut random, 30, 40));
            }
        }
        let warm = graph.warm();
        for _ in 0..8 {
            found += check_bounded(&graph, &warm, random.below(graph.weight.len()), 2 + random.below(3));
        }
    }
    assert!(found > 300, "{found}");
}

#[test]
fn wrong_input_is_refused_and_changes_nothing() {
    let new = |src: &[u32], dst: &[u32], weight: &[f64], pool: Option<&[i64]>| {
        IncrementalCycleFinder::new(3, src, dst, weight, pool).map(|finder| finder.edge_count())
    };
    assert_eq!(new(&[0, 1], &[1, 1], &[0.0, 0.0], None), Err(FinderError::SelfLoop { edge: 1, node: 1 }));
    assert_eq!(
        new(&[0, 1], &[1, 0], &[0.0, 0.0], Some(&[1])),
        Err(FinderError::PoolLength { edges: 2, pool: 1 })
    );
    assert!(matches!(new(&[0], &[3], &[0.0], None), Err(FinderError::NodeOutOfRange { node: 3, .. })));
    assert!(matches!(new(&[0], &[1], &[f64::NAN], None), Err(FinderError::Weight { edge: 0, .. })));
    assert_eq!(new(&[], &[], &[], None), Ok(0));

    let mut finder = IncrementalCycleFinder::new(2, &[0, 1], &[1, 0], &[1.0, -0.5], Some(&[7, 8])).unwrap();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e16] {
        assert!(matches!(finder.update(1, bad), Err(FinderError::Weight { edge: 1, .. })));
        assert!(finder.would_close_cycle(1, bad).is_err());
    }
    assert_eq!(finder.update(2, 0.0), Err(FinderError::UnknownEdge { edge: 2, edges: 2 }));
    assert_eq!(finder.remove(2), Err(FinderError::UnknownEdge { edge: 2, edges: 2 }));
    assert_eq!(finder.cycles_through(2, 3), Err(FinderError::UnknownEdge { edge: 2, edges: 2 }));
    assert_eq!(finder.cycles_through_pool(9, 3), Err(FinderError::UnknownPool { pool: 9 }));
    for max_hops in [0, 1, 7] {
        assert_eq!(finder.cycles_through(0, max_hops), Err(FinderError::MaxHops { max_hops }));
    }
    assert!(!finder.has_cycle());
    assert!(finder.update(1, -1.0).unwrap().is_none());
    let opened = finder.update(1, -1.25).unwrap().unwrap().opened;
    assert_eq!(opened, [WeightedCycle { edges: vec![1, 0], weight: -0.25 }]);
}
