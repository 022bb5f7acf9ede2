//! The multiverse against plain enumeration, which prunes nothing and knows no order but sorting.
//! Weights are multiples of 1/1024, so all sums are exact.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking; sums are exact")]

mod property_config;

use std::collections::BTreeMap;

use phantom_core::cycle_finder::FinderError;
use phantom_core::multiverse::{
    Between, Bounds, CycleIndex, EdgeArrays, Level, MAX_HOPS, Multiverse, MultiverseError, PayingCycles,
    Truncation, WalkTable,
};
use proptest::prelude::*;

const UNIT: f64 = 1.0 / 1024.0;

#[derive(Debug, Clone, Copy)]
struct Edge {
    from: u32,
    to: u32,
    pool: u32,
    weight: i32,
    liquidity: u8,
}

#[derive(Debug, Clone)]
struct Graph {
    nodes: u32,
    edges: Vec<Edge>,
    has_pools: bool,
}

impl Graph {
    fn build(&self) -> Multiverse {
        let column = |of: fn(&Edge) -> u32| self.edges.iter().map(of).collect::<Vec<_>>();
        let weight: Vec<f64> = self.edges.iter().map(|edge| f64::from(edge.weight) * UNIT).collect();
        let liquidity: Vec<f64> = self.edges.iter().map(|edge| edge.liquidity.into()).collect();
        let pool = column(|edge| edge.pool);
        let arrays = EdgeArrays {
            src: &column(|edge| edge.from),
            dst: &column(|edge| edge.to),
            pool: self.has_pools.then_some(&pool),
            weight: Some(&weight),
            liquidity: Some(&liquidity),
        };
        Multiverse::new(self.nodes as usize, arrays).unwrap()
    }

    fn pool(&self, edge: usize) -> u32 {
        if self.has_pools { self.edges[edge].pool } else { u32::try_from(edge).unwrap() }
    }
}

fn graphs() -> impl Strategy<Value = Graph> {
    (2_u32..8, any::<bool>(), 1_u32..30).prop_flat_map(|(nodes, has_pools, pools)| {
        let edge = (0..nodes, 1..nodes, 0..pools, -400_i32..600, 0_u8..4).prop_map(
            move |(from, step, pool, weight, liquidity)| Edge {
                from,
                to: (from + step) % nodes,
                pool,
                weight,
                liquidity,
            },
        );
        prop::collection::vec(edge, 0..22).prop_map(move |edges| Graph { nodes, edges, has_pools })
    })
}

/// A question, by owned values.
#[derive(Debug, Clone)]
enum Ask {
    Cycles(Vec<u32>),
    Path(u32, u32),
}

impl Ask {
    fn between(&self) -> Between<'_> {
        match self {
            Self::Cycles(bases) => Between::Cycles(bases),
            &Self::Path(start, end) => Between::Path { start, end },
        }
    }
}

/// Bases drawn from the nodes, or two different nodes.
fn ask(graph: &Graph, draw: u32) -> Ask {
    let nodes = graph.nodes;
    if draw.is_multiple_of(3) {
        let start = draw / 3 % nodes;
        return Ask::Path(start, (start + 1 + draw / 64 % (nodes - 1)) % nodes);
    }
    let mut bases: Vec<u32> =
        (0..draw / 3 % 4).map(|place| (draw / 16 + place * (draw / 512 + 1)) % nodes).collect();
    let mut seen = Vec::new();
    bases.retain(|&base| {
        !seen.contains(&base) && {
            seen.push(base);
            true
        }
    });
    Ask::Cycles(bases)
}

/// Every row, as (place of its base, what it is sorted by, the row, units of weight), sorted.
type Rows = Vec<(usize, Vec<u32>, Vec<i32>, i32)>;

fn brute_force(graph: &Graph, ask: &Ask, level: Level, bounds: &Bounds) -> Rows {
    let mut rows = Rows::new();
    let ends: Vec<(u32, u32)> = match ask {
        Ask::Cycles(bases) => bases.iter().map(|&base| (base, base)).collect(),
        &Ask::Path(start, end) => vec![(start, end)],
    };
    for (rank, &(start, end)) in ends.iter().enumerate() {
        let mut walks: Vec<Vec<usize>> = vec![Vec::new()];
        while let Some(walk) = walks.pop() {
            let at = walk.last().map_or(start, |&edge| graph.edges[edge].to);
            if !walk.is_empty() && at == end {
                if walk.len() >= bounds.min_hops {
                    rows.push(row(graph, rank, &walk, level));
                }
                continue;
            }
            if walk.len() == bounds.max_hops {
                continue;
            }
            for (edge, &Edge { from, to, liquidity, .. }) in graph.edges.iter().enumerate() {
                let mut visited = walk.iter().map(|&edge| graph.edges[edge].from);
                let is_earlier_base = ends[..rank].iter().any(|&(base, _)| base == to);
                if from == at
                    && (to == end || !visited.any(|node| node == to))
                    && !is_earlier_base
                    && walk.iter().all(|&other| graph.pool(other) != graph.pool(edge))
                    && bounds.min_liquidity.is_none_or(|least| f64::from(liquidity) >= least)
                {
                    walks.push([walk.as_slice(), &[edge]].concat());
                }
            }
        }
    }
    if level == Level::Mint {
        let mut lightest = BTreeMap::new();
        for (rank, nodes, row, weight) in rows {
            let least = lightest.entry((rank, nodes, row)).or_insert(weight);
            *least = weight.min(*least);
        }
        rows = lightest.into_iter().map(|((rank, nodes, row), weight)| (rank, nodes, row, weight)).collect();
    }
    rows.retain(|row| bounds.max_weight.is_none_or(|most| f64::from(row.3) * UNIT <= most));
    rows.sort();
    rows
}

fn row(graph: &Graph, rank: usize, walk: &[usize], level: Level) -> (usize, Vec<u32>, Vec<i32>, i32) {
    let weight = walk.iter().map(|&edge| graph.edges[edge].weight).sum();
    let edges = || walk.iter().map(|&edge| u32::try_from(edge).unwrap());
    let mut nodes: Vec<u32> = walk.iter().map(|&edge| graph.edges[edge].from).collect();
    let end = graph.edges[*walk.last().unwrap()].to;
    let is_cycle = nodes[0] == end;
    nodes.push(end);
    let signed =
        |values: &[u32]| values.iter().map(|&value| i32::try_from(value).unwrap()).collect::<Vec<_>>();
    match level {
        Level::Pool => (rank, edges().collect(), signed(&edges().collect::<Vec<_>>()), weight),
        Level::Mint => {
            let shown = if is_cycle { &nodes[..nodes.len() - 1] } else { &nodes };
            (rank, nodes.clone(), signed(shown), weight)
        }
    }
}

fn shown(table: &WalkTable) -> Vec<Vec<i32>> {
    table.rows().map(<[i32]>::to_vec).collect()
}

fn list(graph: &Multiverse, ask: &Ask, level: Level, bounds: &Bounds) -> WalkTable {
    graph.list(ask.between(), level, bounds, 2, &|| false).unwrap()
}

proptest! {
    #![proptest_config(property_config::cases(1500))]

    #[test]
    fn list_is_plain_enumeration_in_order_under_every_bound(
        graph in graphs(),
        draw in any::<u32>(),
        hops in (1_usize..=MAX_HOPS, 1_usize..=MAX_HOPS),
        is_mint_level in any::<bool>(),
        max_weight in prop::option::of(-300_i32..900),
        min_liquidity in prop::option::of(0_u8..4),
        max_count in prop::option::of(0_usize..40),
        batch in 1_usize..20,
    ) {
        let ask = ask(&graph, draw);
        let least = if matches!(ask, Ask::Cycles(_)) { 2 } else { 1 };
        let max_hops = hops.0.max(least);
        let bounds = Bounds {
            min_hops: hops.1.clamp(least, max_hops),
            max_hops,
            max_count: None,
            max_weight: max_weight.map(|units| f64::from(units) * UNIT),
            min_liquidity: min_liquidity.map(f64::from),
        };
        let level = if is_mint_level { Level::Mint } else { Level::Pool };
        let expected = brute_force(&graph, &ask, level, &bounds);
        let built = graph.build();

        let table = list(&built, &ask, level, &bounds);
        let rows: Vec<_> = expected.iter().map(|row| row.2.clone()).collect();
        prop_assert_eq!(shown(&table), rows.clone());
        prop_assert_eq!(table.shape.truncation, None);
        let weights: Vec<_> = expected.iter().map(|row| f64::from(row.3) * UNIT).collect();
        prop_assert_eq!(built.weights_of(&table.values, &table.shape).unwrap(), weights);

        let bounds = Bounds { max_count, ..bounds };
        let wanted = max_count.map_or(rows.len(), |count| count.min(rows.len()));
        let truncation = (wanted < rows.len()).then_some(Truncation::Count);
        let table = list(&built, &ask, level, &bounds);
        prop_assert_eq!(shown(&table), &rows[..wanted]);
        prop_assert_eq!(table.shape.truncation, truncation);

        let mut batches = built.batches(ask.between(), level, &bounds, batch).unwrap();
        let (mut seen, mut told) = (Vec::new(), None);
        while let Some(table) = batches.next(&|| false) {
            prop_assert_eq!(told, None, "rows after the end");
            prop_assert!(table.rows().len() <= batch);
            seen.extend(shown(&table));
            told = table.shape.truncation;
        }
        prop_assert_eq!(seen, &rows[..wanted]);
        prop_assert_eq!(told, truncation);
    }

    #[test]
    fn nodes_of_a_pool_level_table_are_those_that_its_edges_visit(
        graph in graphs(), draw in any::<u32>(), max_hops in 2_usize..=5,
    ) {
        let ask = ask(&graph, draw);
        let built = graph.build();
        let table = list(&built, &ask, Level::Pool, &Bounds::up_to(max_hops));
        let (nodes, width) = built.nodes_of(&table.values, &table.shape);
        for (edges, nodes) in table.rows().zip(nodes.chunks(width)) {
            let mut expected: Vec<i32> =
                edges.iter().map(|&edge| graph.edges[usize::try_from(edge).unwrap()].from.cast_signed()).collect();
            if let Ask::Path(_, end) = ask {
                expected.push(end.cast_signed());
            }
            expected.resize(width, -1);
            prop_assert_eq!(nodes, expected);
        }
    }
}

// ---- index

#[derive(Debug, Clone)]
enum Change {
    Update(Vec<(prop::sample::Index, i32)>),
    Remove(prop::sample::Index),
    Restore(prop::sample::Index),
    Add { from: u32, step: u32, weight: i32, pool: Option<prop::sample::Index> },
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        3 => prop::collection::vec((any::<prop::sample::Index>(), -400_i32..600), 1..4).prop_map(Change::Update),
        1 => any::<prop::sample::Index>().prop_map(Change::Remove),
        1 => any::<prop::sample::Index>().prop_map(Change::Restore),
        1 => (any::<u32>(), any::<u32>(), -400_i32..600, any::<Option<prop::sample::Index>>())
            .prop_map(|(from, step, weight, pool)| Change::Add { from, step, weight, pool }),
    ];
    prop::collection::vec(change, 0..12)
}

/// The graph as the index should see it: removed pools are out.
#[derive(Debug, Clone)]
struct Model {
    graph: Graph,
    removed: Vec<u32>,
}

impl Model {
    /// All cycles in order, with their weights.
    fn cycles(&self, bases: &[u32], bounds: &Bounds) -> Vec<(Vec<i32>, f64)> {
        let rows = brute_force(&self.graph, &Ask::Cycles(bases.to_vec()), Level::Pool, bounds);
        let is_in = |row: &Vec<i32>| {
            row.iter().all(|&edge| !self.removed.contains(&self.graph.pool(usize::try_from(edge).unwrap())))
        };
        rows.into_iter().filter(|row| is_in(&row.2)).map(|row| (row.2, f64::from(row.3) * UNIT)).collect()
    }
}

fn rows_of(cycles: &PayingCycles) -> Vec<(Vec<i32>, f64)> {
    let rows =
        cycles.values.chunks(cycles.width).map(|row| row.iter().copied().filter(|&edge| edge >= 0).collect());
    rows.zip(cycles.weights.iter().copied()).collect()
}

/// Those below zero, the best first.
fn paying(mut cycles: Vec<(Vec<i32>, f64)>) -> Vec<(Vec<i32>, f64)> {
    cycles.retain(|cycle| cycle.1 < 0.0);
    cycles.sort_by(|x, y| x.1.total_cmp(&y.1).then(x.0.cmp(&y.0)));
    cycles
}

proptest! {
    #![proptest_config(property_config::cases(600))]

    #[test]
    fn index_is_a_new_listing_after_every_change(
        graph in graphs(),
        draw in any::<u32>(),
        hops in (2_usize..=MAX_HOPS, 2_usize..=MAX_HOPS),
        changes in changes(),
    ) {
        // Pools are numbered so that the index can name them: edges added get new numbers.
        let Ask::Cycles(bases) = ask(&graph, draw / 3 * 3 + 1) else { panic!("a draw of cycles") };
        let (max_hops, min_hops) = (hops.0, hops.1.min(hops.0));
        let bounds = Bounds { min_hops, ..Bounds::up_to(max_hops) };
        let mut index =
            CycleIndex::new(&graph.build(), &bases, (min_hops, max_hops), 1 << 20, 1, &|| false).unwrap();
        let mut graph = graph;
        if !graph.has_pools {
            for (edge, pool) in graph.edges.iter_mut().zip(0..) {
                edge.pool = pool;
            }
            graph.has_pools = true;
        }
        let mut model = Model { graph, removed: Vec::new() };
        for change in changes {
            let pools: Vec<u32> = model.graph.edges.iter().map(|edge| edge.pool).collect();
            match change {
                Change::Update(updates) if !pools.is_empty() => {
                    let updates: Vec<_> =
                        updates.into_iter().map(|(edge, weight)| (edge.index(pools.len()), weight)).collect();
                    for &(edge, weight) in &updates {
                        model.graph.edges[edge].weight = weight;
                    }
                    let changed: Vec<_> =
                        updates.iter().map(|&(edge, weight)| (edge, f64::from(weight) * UNIT)).collect();
                    let found = index.update(&changed).unwrap();
                    let mut expected = paying(model.cycles(&bases, &bounds));
                    expected.retain(|(row, _)| {
                        updates.iter().any(|(edge, _)| row.contains(&i32::try_from(*edge).unwrap()))
                    });
                    prop_assert_eq!(rows_of(&found), expected);
                }
                Change::Remove(pool) if !pools.is_empty() => {
                    let pool = *pool.get(&pools);
                    let before = index.len();
                    prop_assert_eq!(index.of_pool(pool).unwrap().weights.len(), index.remove_pool(pool).unwrap());
                    prop_assert!(index.of_pool(pool).unwrap().weights.is_empty());
                    model.removed.push(pool);
                    prop_assert!(index.len() <= before);
                }
                Change::Restore(pool) if !pools.is_empty() => {
                    let pool = *pool.get(&pools);
                    model.removed.retain(|&other| other != pool);
                    index.restore_pool(pool).unwrap();
                }
                Change::Add { from, step, weight, pool } => {
                    let nodes = model.graph.nodes;
                    let from = from % nodes;
                    let to = (from + 1 + step % (nodes - 1)) % nodes;
                    let pool = pool.filter(|_| !pools.is_empty()).map(|pool| *pool.get(&pools));
                    // A removed pool stays removed only if it is not given a new edge.
                    let pool = pool.filter(|pool| !model.removed.contains(pool));
                    let free = pools.iter().max().map_or(0, |most| most + 1);
                    let edge = index.add(from, to, f64::from(weight) * UNIT, pool).unwrap();
                    prop_assert_eq!(edge, pools.len());
                    let pool = pool.unwrap_or(free);
                    model.graph.edges.push(Edge { from, to, pool, weight, liquidity: 0 });
                }
                _ => {}
            }
            let expected = model.cycles(&bases, &bounds);
            prop_assert_eq!(rows_of(&index.all_paying()), paying(expected.clone()));
            prop_assert_eq!(rows_of(&index.all()), expected);
        }
    }
}

// ---- bad input

fn arrays<'a>(src: &'a [u32], dst: &'a [u32]) -> EdgeArrays<'a> {
    EdgeArrays { src, dst, pool: None, weight: None, liquidity: None }
}

#[test]
fn bad_arrays_are_refused_with_the_edge() {
    fn refused(nodes: usize, edges: EdgeArrays<'_>) -> MultiverseError {
        Multiverse::new(nodes, edges).unwrap_err()
    }
    let (src, dst) = ([0, 1], [1, 0]);
    assert_eq!(refused(2, arrays(&[0, 1], &[1, 1])), MultiverseError::SelfLoop { edge: 1, node: 1 });
    assert_eq!(
        refused(1, arrays(&src, &dst)),
        FinderError::NodeOutOfRange { end: "src", edge: 1, node: 1, nodes: 1 }.into()
    );
    assert_eq!(
        refused(2, EdgeArrays { pool: Some(&[0]), ..arrays(&src, &dst) }),
        MultiverseError::Length { name: "pool", found: 1, edges: 2 }
    );
    assert_eq!(
        refused(2, EdgeArrays { pool: Some(&[0, 1 << 31]), ..arrays(&src, &dst) }),
        MultiverseError::Pool { edge: 1, pool: 1 << 31 }
    );
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2e15] {
        let weight = [0.0, bad];
        let error = refused(2, EdgeArrays { weight: Some(&weight), ..arrays(&src, &dst) });
        assert!(matches!(error, MultiverseError::Graph(FinderError::Weight { edge: 1, .. })), "{error}");
    }
    assert_eq!(
        refused(2, EdgeArrays { liquidity: Some(&[f64::NAN, 0.0]), ..arrays(&src, &dst) }),
        MultiverseError::Liquidity { edge: 0 }
    );
}

#[test]
fn bad_questions_are_refused_before_anything_is_walked() {
    let graph = Multiverse::new(2, arrays(&[0, 1], &[1, 0])).unwrap();
    let refused = |between, bounds| graph.list(between, Level::Pool, &bounds, 1, &|| false).unwrap_err();
    let cycles = Between::Cycles(&[0]);
    for (min_hops, max_hops, name) in
        [(2, 7, "max_hops"), (2, 1, "max_hops"), (1, 3, "min_hops"), (4, 3, "min_hops")]
    {
        let error = refused(cycles, Bounds { min_hops, ..Bounds::up_to(max_hops) });
        assert!(matches!(error, MultiverseError::Hops { name: found, .. } if found == name), "{error}");
    }
    let bounds = Bounds::up_to(3);
    assert!(matches!(refused(Between::Cycles(&[2]), bounds), MultiverseError::UnknownNode { node: 2, .. }));
    assert_eq!(
        refused(Between::Cycles(&[1, 0, 1]), bounds),
        MultiverseError::RepeatedBase { place: 2, node: 1 }
    );
    assert_eq!(refused(Between::Path { start: 1, end: 1 }, bounds), MultiverseError::SameEnds { node: 1 });
    assert!(matches!(
        refused(Between::Path { start: 0, end: 9 }, bounds),
        MultiverseError::UnknownNode { node: 9, .. }
    ));
    assert!(matches!(
        refused(cycles, Bounds { max_weight: Some(0.0), ..bounds }),
        MultiverseError::Without { array: "weight", .. }
    ));
    assert!(matches!(
        refused(cycles, Bounds { min_liquidity: Some(0.0), ..bounds }),
        MultiverseError::Without { array: "liquidity", .. }
    ));
    assert!(matches!(
        refused(cycles, Bounds { max_count: Some(usize::MAX), ..bounds }),
        MultiverseError::TooManyRows { .. }
    ));
    assert_eq!(
        graph.list(cycles, Level::Pool, &bounds, 0, &|| false).unwrap_err(),
        MultiverseError::Zero { name: "threads" }
    );
    assert_eq!(
        graph.batches(cycles, Level::Pool, &bounds, 0).unwrap_err(),
        MultiverseError::Zero { name: "batch" }
    );
}

fn index_of(edges: &[(u32, u32)], max_cycles: usize) -> Result<CycleIndex, MultiverseError> {
    let (src, dst): (Vec<u32>, Vec<u32>) = edges.iter().copied().unzip();
    let weight = vec![1.0; src.len()];
    let graph = Multiverse::new(3, EdgeArrays { weight: Some(&weight), ..arrays(&src, &dst) }).unwrap();
    CycleIndex::new(&graph, &[0], (2, 3), max_cycles, 1, &|| false)
}

#[test]
fn index_of_too_many_cycles_is_refused_and_an_edge_too_many_changes_nothing() {
    let edges = [(0, 1), (1, 0), (1, 0)];
    let too_many = MultiverseError::TooManyCycles { max_cycles: 1, max_hops: 3 };
    assert_eq!(index_of(&edges, 1).unwrap_err(), too_many);
    let mut index = index_of(&edges, 3).unwrap();
    let before = index.all();
    assert!(matches!(index.add(0, 1, 0.5, None), Err(MultiverseError::TooManyCycles { .. })));
    assert_eq!((index.all(), index.edge_count()), (before.clone(), 3));
    // The pool of the edge refused is free again.
    assert_eq!(index.add(1, 2, 0.5, None), Ok(3));
    assert!(index.of_pool(3).unwrap().weights.is_empty());
    assert!(matches!(index.of_pool(4), Err(MultiverseError::UnknownPool { pool: 4 })));
    assert_eq!(index.all(), before);
}

#[test]
fn index_refuses_bad_changes_whole() {
    let mut index = index_of(&[(0, 1), (1, 0)], 9).unwrap();
    assert!(matches!(
        index.update(&[(0, -5.0), (2, 0.0)]),
        Err(MultiverseError::Graph(FinderError::UnknownEdge { edge: 2, edges: 2 }))
    ));
    assert!(index.update(&[(0, -5.0), (1, f64::NAN)]).is_err());
    assert_eq!(index.all().weights, [2.0], "no weight has changed");
    assert!(matches!(index.remove_pool(7), Err(MultiverseError::UnknownPool { pool: 7 })));
    assert!(matches!(index.add(0, 3, 0.0, None), Err(MultiverseError::UnknownNode { node: 3, .. })));
    assert!(matches!(index.add(1, 1, 0.0, None), Err(MultiverseError::SelfLoop { edge: 2, node: 1 })));
    assert!(index.add(0, 1, f64::INFINITY, None).is_err());
    assert_eq!(index.edge_count(), 2);
}

#[test]
fn pruning_by_weight_survives_rounding() {
    // 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last bit: a bound added from the other end
    // must not lose the row whose sum is the limit itself.
    let weights = [0.1, 0.2, 0.3, 0.7, -0.3, 1e-17, 1e9, -1e9];
    for first in weights {
        for second in weights {
            for third in weights {
                let weight = [first, second, third];
                let edges = EdgeArrays { weight: Some(&weight), ..arrays(&[0, 1, 2], &[1, 2, 0]) };
                let graph = Multiverse::new(3, edges).unwrap();
                let limit = first + second + third;
                let bounds = Bounds { max_weight: Some(limit), ..Bounds::up_to(3) };
                let table = graph.list(Between::Cycles(&[0]), Level::Pool, &bounds, 1, &|| false).unwrap();
                assert_eq!(shown(&table), [[0, 1, 2]], "{weight:?}");
            }
        }
    }
}
