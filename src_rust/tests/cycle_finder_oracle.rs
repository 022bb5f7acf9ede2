//! The cycle finder against algorithms that share nothing with it: plain enumeration of cycles, and
//! textbook Bellman-Ford in integers. Weights are multiples of 1/1024, so all sums are exact.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking; sums are exact")]

mod property_config;

use std::collections::BTreeMap;

use phantom_core::cycle_finder::{
    CycleKey, CycleScratch, EdgeWeight, FinderError, GraphError, MarketSweep, NegativeCycle,
    NegativeCycleFinder, PriceGraph, edge_of, pool_of,
};
use proptest::prelude::*;

const UNIT: f64 = 1.0 / 1024.0;

fn units(weight: i64) -> f64 {
    f64::from(i32::try_from(weight).unwrap()) * UNIT
}

// ---- Bellman-Ford

/// Textbook: every pass relaxes every edge; the n-th pass must change nothing.
fn has_negative_cycle(nodes: usize, edges: &[(u32, u32, i64)]) -> bool {
    let mut distance = vec![0_i64; nodes];
    for _ in 0..nodes {
        let mut changed = false;
        for &(from, to, weight) in edges {
            let through = distance[from as usize] + weight;
            if through < distance[to as usize] {
                distance[to as usize] = through;
                changed = true;
            }
        }
        if !changed {
            return false;
        }
    }
    nodes > 0
}

fn finder(nodes: usize, edges: &[(u32, u32, i64)]) -> NegativeCycleFinder {
    let src: Vec<u32> = edges.iter().map(|edge| edge.0).collect();
    let dst: Vec<u32> = edges.iter().map(|edge| edge.1).collect();
    let weight: Vec<f64> = edges.iter().map(|edge| units(edge.2)).collect();
    NegativeCycleFinder::new(nodes, &src, &dst, &weight).unwrap()
}

fn check_cycle(edges: &[(u32, u32, i64)], cycle: &NegativeCycle) {
    let walked: Vec<_> = cycle.edges.iter().map(|&edge| edges[edge as usize]).collect();
    assert!(!walked.is_empty());
    for (edge, next) in walked.iter().zip(walked.iter().cycle().skip(1)) {
        assert_eq!(edge.1, next.0, "edges do not join: {walked:?}");
    }
    let mut nodes: Vec<u32> = walked.iter().map(|edge| edge.0).collect();
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), walked.len(), "a node occurs twice: {walked:?}");
    let sum: i64 = walked.iter().map(|edge| edge.2).sum();
    assert!(sum < 0, "sum {sum}: {walked:?}");
    assert_eq!(cycle.weight, units(sum));
}

fn check_against_textbook(nodes: usize, edges: &[(u32, u32, i64)]) {
    let found = finder(nodes, edges).find();
    assert_eq!(found.is_some(), has_negative_cycle(nodes, edges), "{nodes} nodes, {edges:?}");
    if let Some(cycle) = found {
        check_cycle(edges, &cycle);
    }
}

/// Any directed multigraph: self-loops, parallel edges, missing reverse edges, separate parts.
fn multigraph() -> impl Strategy<Value = (usize, Vec<(u32, u32, i64)>)> {
    (1_u32..12, 0_i64..30).prop_flat_map(|(nodes, shift)| {
        let edge = (0..nodes, 0..nodes, (-20_i64..40).prop_map(move |weight| weight + shift));
        (Just(nodes as usize), prop::collection::vec(edge, 0..40))
    })
}

/// A market: prices from potentials, a fee and a small error; rarely an error beyond the fees.
fn market() -> impl Strategy<Value = (usize, Vec<(u32, u32, i64)>)> {
    (2_usize..40).prop_flat_map(|nodes| {
        let potentials = prop::collection::vec(-5000_i64..5000, nodes);
        let pools = prop::collection::vec((0..nodes, 0..nodes, 1_i64..12, -8_i64..8), 0..120);
        (potentials, pools).prop_map(move |(potential, pools)| {
            let mut edges = Vec::new();
            for (a, b, fee, error) in pools {
                if a != b {
                    let rise = potential[b] - potential[a] + error;
                    let (a, b) = (u32::try_from(a).unwrap(), u32::try_from(b).unwrap());
                    edges.extend([(a, b, rise + fee), (b, a, fee - rise)]);
                }
            }
            (nodes, edges)
        })
    })
}

proptest! {
    #![proptest_config(property_config::cases(4000))]

    #[test]
    fn bellman_ford_agrees_with_the_textbook_on_multigraphs((nodes, edges) in multigraph()) {
        check_against_textbook(nodes, &edges);
    }

    #[test]
    fn bellman_ford_agrees_with_the_textbook_on_markets((nodes, edges) in market()) {
        check_against_textbook(nodes, &edges);
    }

    #[test]
    fn find_from_answers_for_what_the_sources_reach(
        (nodes, edges) in multigraph(),
        sources in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let sources: Vec<usize> = sources.iter().map(|source| source.index(nodes)).collect();
        let mut reached = vec![false; nodes];
        for &source in &sources {
            reached[source] = true;
        }
        for _ in 0..nodes {
            for &(from, to, _) in &edges {
                reached[to as usize] |= reached[from as usize];
            }
        }
        let mut kept = edges.clone();
        kept.retain(|edge| reached[edge.0 as usize]);
        let sources: Vec<u32> = sources.iter().map(|&source| u32::try_from(source).unwrap()).collect();
        let found = finder(nodes, &edges).find_from(&sources).unwrap();
        prop_assert_eq!(found.is_some(), has_negative_cycle(nodes, &kept));
        if let Some(cycle) = found {
            check_cycle(&edges, &cycle);
            prop_assert!(cycle.edges.iter().all(|&edge| reached[edges[edge as usize].0 as usize]));
        }
    }

    #[test]
    fn updated_finder_answers_like_a_new_one(
        (nodes, mut edges) in market(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), -30_i64..30), 1..8),
    ) {
        prop_assume!(!edges.is_empty());
        let mut updated = finder(nodes, &edges);
        for (edge, change) in changes {
            let edge = edge.index(edges.len());
            edges[edge].2 += change;
            updated.update(edge, units(edges[edge].2)).unwrap();
            prop_assert_eq!(updated.find(), finder(nodes, &edges).find());
        }
    }
}

#[test]
fn long_cycle_is_found_where_every_short_walk_misses_it() {
    // One ring, one way only: no reverse edges to start from, and a cycle of all nodes.
    let ring = |nodes: u32, last: i64| -> Vec<(u32, u32, i64)> {
        (0..nodes).map(|node| (node, (node + 1) % nodes, if node + 1 == nodes { last } else { 3 })).collect()
    };
    for nodes in [2, 17, 500] {
        let rest = 3 * (i64::from(nodes) - 1);
        for last in [1 - rest, -rest, -1 - rest] {
            check_against_textbook(nodes as usize, &ring(nodes, last));
        }
    }
}

#[test]
fn negative_self_loop_is_a_cycle_of_one_edge() {
    let found = finder(2, &[(0, 1, 5), (1, 1, -1)]).find().unwrap();
    assert_eq!((found.edges, found.weight), (vec![1], -UNIT));
    assert_eq!(finder(1, &[(0, 0, 0)]).find(), None);
    assert_eq!(finder(0, &[]).find(), None);
}

#[test]
fn find_from_a_node_that_is_not_there_is_refused() {
    let error = finder(2, &[(0, 1, 5)]).find_from(&[1, 2]);
    assert_eq!(error, Err(FinderError::UnknownSource { node: 2, nodes: 2 }));
}

#[test]
fn cycle_within_rounding_of_zero_does_not_count() {
    // 0.1 + 0.2 - 0.3 is 5.6e-17 in f64, minus that the other way round.
    for weights in [[0.1, 0.2, -0.3], [-0.1, -0.2, 0.3], [1e6 + 0.1, 0.2, -1e6 - 0.3]] {
        let mut finder = NegativeCycleFinder::new(3, &[0, 1, 2], &[1, 2, 0], &weights).unwrap();
        assert_eq!(finder.find(), None, "{weights:?}");
    }
    let mut finder = NegativeCycleFinder::new(3, &[0, 1, 2], &[1, 2, 0], &[0.1, 0.2, -0.3 - 1e-11]).unwrap();
    assert!(finder.find().is_some());
}

// ---- cycles through a pool

/// Pools as (a, b, weights); `None` weights: disabled.
type Pool = (u32, u32, Option<[(i64, i64); 2]>);

/// (fee, price): net = price + fee one way, -price + fee the other; gross without the fee.
fn pool_weights() -> impl Strategy<Value = Option<[(i64, i64); 2]>> {
    prop::option::weighted(
        0.9,
        (0_i64..6, -20_i64..20, 0_i64..3)
            .prop_map(|(fee, price, spread)| [(price + fee + spread, price + spread), (fee - price, -price)]),
    )
}

fn pools(mints: u32, count: usize) -> impl Strategy<Value = Vec<Pool>> {
    prop::collection::vec((0..mints, 0..mints, pool_weights()), 1..count).prop_map(|mut pools| {
        pools.retain(|pool| pool.0 != pool.1);
        pools
    })
}

fn set(graph: &mut PriceGraph, pool: u32, weights: Option<[(i64, i64); 2]>) {
    let edges =
        weights.map(|both| both.map(|(net, gross)| EdgeWeight { net: units(net), gross: units(gross) }));
    graph.set_weights(pool, edges.map(|both| both[0]), edges.map(|both| both[1])).unwrap();
}

fn graph_of(pools: &[Pool]) -> PriceGraph {
    let mut graph = PriceGraph::new();
    for &(a, b, weights) in pools {
        let pool = graph.add_pool(a, b).unwrap();
        set(&mut graph, pool, weights);
    }
    graph
}

/// Every cycle through `pool` with gross below zero, by trying all sequences of pools.
fn enumerate(pools: &[Pool], pool: usize, max_hops: usize) -> BTreeMap<CycleKey, (i64, i64)> {
    fn extend(
        pools: &[Pool],
        max_hops: usize,
        path: &mut Vec<(usize, bool)>,
        found: &mut BTreeMap<CycleKey, (i64, i64)>,
    ) {
        let ends = |&(pool, a_to_b): &(usize, bool)| {
            let (a, b, _) = pools[pool];
            if a_to_b { (a, b) } else { (b, a) }
        };
        let (start, _) = ends(&path[0]);
        let (_, here) = ends(path.last().unwrap());
        if here == start {
            let sum = |pick: fn((i64, i64)) -> i64| -> i64 {
                path.iter().map(|&(pool, a_to_b)| pick(pools[pool].2.unwrap()[usize::from(!a_to_b)])).sum()
            };
            let (net, gross) = (sum(|weight| weight.0), sum(|weight| weight.1));
            if gross < 0 {
                let edges: Vec<u32> = path
                    .iter()
                    .map(|&(pool, a_to_b)| edge_of(u32::try_from(pool).unwrap(), a_to_b))
                    .collect();
                assert!(found.insert(CycleKey::new(&edges).unwrap(), (net, gross)).is_none());
            }
            return;
        }
        if path.len() == max_hops {
            return;
        }
        for pool in 0..pools.len() {
            for a_to_b in [true, false] {
                let (from, to) = ends(&(pool, a_to_b));
                let used = path.iter().any(|step| step.0 == pool);
                let been = path.iter().skip(1).any(|step| ends(step).0 == to);
                if from == here && !used && !been && pools[pool].2.is_some() {
                    path.push((pool, a_to_b));
                    extend(pools, max_hops, path, found);
                    path.pop();
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    if pools[pool].2.is_some() {
        for a_to_b in [true, false] {
            extend(pools, max_hops, &mut vec![(pool, a_to_b)], &mut found);
        }
    }
    found
}

fn search(
    graph: &PriceGraph,
    pool: u32,
    max_hops: usize,
    scratch: &mut CycleScratch,
) -> Vec<(CycleKey, f64, f64)> {
    let mut found = Vec::new();
    graph
        .cycles_through(pool, max_hops, scratch, |cycle| {
            assert_eq!(pool_of(cycle.edges[0]).0, pool);
            found.push((cycle.key(), cycle.net, cycle.gross));
        })
        .unwrap();
    found
}

proptest! {
    #![proptest_config(property_config::cases(600))]

    #[test]
    fn cycles_through_finds_what_plain_enumeration_finds(pools in pools(6, 14)) {
        let graph = graph_of(&pools);
        let mut scratch = CycleScratch::new();
        for pool in 0..pools.len() {
            for max_hops in 2..=4 {
                let mut found = search(&graph, u32::try_from(pool).unwrap(), max_hops, &mut scratch);
                found.sort_by_key(|cycle| cycle.0);
                let expected: Vec<_> = enumerate(&pools, pool, max_hops)
                    .into_iter()
                    .map(|(key, (net, gross))| (key, units(net), units(gross)))
                    .collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn hub_and_spokes_are_walked_from_either_end(pools in pools(30, 60), hub in 30_u32..32) {
        // Every mint also trades against a hub: both look-ups (stamps and hash map) are used.
        let mut pools = pools;
        for mint in 0..30 {
            pools.push((mint, hub, Some([(1, -1), (1, 0)])));
        }
        let graph = graph_of(&pools);
        let mut scratch = CycleScratch::new();
        for pool in (0..pools.len()).step_by(7) {
            let mut found: Vec<_> = search(&graph, u32::try_from(pool).unwrap(), 3, &mut scratch);
            found.sort_by_key(|cycle| cycle.0);
            let expected: Vec<_> = enumerate(&pools, pool, 3)
                .into_iter()
                .map(|(key, (net, gross))| (key, units(net), units(gross)))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn incremental_answer_agrees_with_bellman_ford_on_every_update(
        pools in pools(4, 10),
        updates in prop::collection::vec((any::<prop::sample::Index>(), pool_weights()), 1..40),
    ) {
        prop_assume!(!pools.is_empty());
        let mut pools = pools;
        for pool in &mut pools {
            pool.2 = None; // start from an empty market: no cycle
        }
        let mut graph = graph_of(&pools);
        let mut scratch = CycleScratch::new();
        let mut sweep = MarketSweep::new();
        let mut before = false;
        for (pool, weights) in updates {
            let pool = u32::try_from(pool.index(pools.len())).unwrap();
            set(&mut graph, pool, weights);
            let negative = |pool, scratch: &mut CycleScratch| {
                search(&graph, pool, 4, scratch).iter().any(|cycle| cycle.1 < 0.0)
            };
            let through_changed = negative(pool, &mut scratch);
            let anywhere = (0..).take(pools.len()).any(|pool| negative(pool, &mut scratch));
            let swept = sweep.find(&graph).unwrap();
            prop_assert_eq!(swept.is_some(), anywhere);
            if !before {
                prop_assert_eq!(through_changed, anywhere, "a new cycle goes through the changed pool");
            }
            if let Some(cycle) = swept {
                let sum: f64 = cycle.edges.iter().map(|&edge| graph.weight(edge).unwrap().net).sum();
                prop_assert_eq!(sum, cycle.weight);
                prop_assert!(sum < 0.0);
            }
            before = anywhere;
        }
    }
}

#[test]
fn cycles_through_refuses_wrong_questions() {
    let graph = graph_of(&[(0, 1, Some([(0, 0), (0, 0)]))]);
    let mut scratch = CycleScratch::new();
    for max_hops in [0, 1, 5] {
        assert_eq!(
            graph.cycles_through(0, max_hops, &mut scratch, |_| ()),
            Err(GraphError::MaxHops { max_hops })
        );
    }
    assert_eq!(
        graph.cycles_through(1, 2, &mut scratch, |_| ()),
        Err(GraphError::UnknownPool { pool: 1, pools: 1 })
    );
}
