//! What the finder promises itself: potentials that prove, witnesses that hold.

#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking; sums are exact")]

use std::collections::BTreeSet;

use super::*;

/// A small random generator (xorshift64*), so that a failure names its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound
    }

    /// A multiple of 2⁻²⁰ with `low <= units < high`.
    fn units(&mut self, low: i32, high: i32) -> f64 {
        let span = usize::try_from(high - low).unwrap();
        f64::from(low + i32::try_from(self.below(span)).unwrap()) / f64::from(1 << 20)
    }
}

/// Panics where potentials, withheld edges and witnesses do not agree.
fn check(finder: &IncrementalCycleFinder) {
    let mut watched = vec![0; finder.edge_count()];
    for (place, edge) in finder.graph.edges.iter().enumerate() {
        let witness = finder.open.witness(index(place));
        assert_eq!(edge.state == State::Withheld, !witness.is_empty(), "edge {place}");
        if edge.state == State::Held {
            let units = finder.scale.units(edge.weight).unwrap();
            assert_eq!(finder.graph.units[place], units);
            assert!(finder.search.reduced(edge.ends, units) >= 0, "edge {place} is below zero");
        }
        assert_eq!(finder.graph.units[place] == ABSENT, edge.state != State::Held);
        if let Some(&first) = witness.first() {
            assert_eq!(first as usize, place);
            assert!(is_negative(&finder.graph, finder.scale, witness, None));
            let ends = |edge: u32| finder.graph.edges[edge as usize].ends;
            let mut nodes: Vec<u32> = witness.iter().map(|&edge| ends(edge)[0]).collect();
            for (&edge, &next) in witness.iter().zip(witness.iter().cycle().skip(1)) {
                assert_eq!(ends(edge)[1], ends(next)[0], "a step is missing: {witness:?}");
            }
            nodes.sort_unstable();
            nodes.dedup();
            assert_eq!(nodes.len(), witness.len(), "a node occurs twice: {witness:?}");
            for &edge in witness {
                watched[edge as usize] += 1;
            }
        }
    }
    for (edge, &watched) in watched.iter().enumerate() {
        assert_eq!(finder.graph.edges[edge].watchers, watched);
        assert_eq!(finder.open.watchers(index(edge)).len(), watched as usize);
    }
}

/// Weights are multiples of 2⁻²⁰ times `unit`.
fn random_finder(random: &mut Random, spread: i32, unit: f64) -> IncrementalCycleFinder {
    let nodes = 2 + random.below(12);
    let (mut src, mut dst, mut weight) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=random.below(40) {
        let (from, to) = (random.below(nodes), random.below(nodes));
        if from != to {
            src.push(index(from));
            dst.push(index(to));
            weight.push(random.units(-spread, 2 * spread) * unit);
        }
    }
    IncrementalCycleFinder::new(nodes, &src, &dst, &weight, None).unwrap()
}

#[test]
fn potentials_prove_and_witnesses_hold_after_every_change() {
    for seed in 1..400 {
        let mut random = Random(seed);
        // Every other graph in single units of the resolution, where each of them counts.
        let unit = if seed % 2 == 0 { 1.0 } else { 2.0_f64.powi(-24) };
        let mut finder = random_finder(&mut random, 64, unit);
        check(&finder);
        for _ in 0..if finder.edge_count() > 0 { 100 } else { 0 } {
            let edge = random.below(finder.edge_count());
            if random.below(8) == 0 {
                finder.remove(edge).unwrap();
            } else {
                finder.update(edge, random.units(-64, 128) * unit).unwrap();
            }
            check(&finder);
        }
    }
}

#[test]
fn weights_that_outgrow_the_scale_make_it_coarser_and_nothing_else() {
    let mut finer = 0;
    for seed in 1..200 {
        let mut random = Random(seed);
        let mut finder = random_finder(&mut random, 64, 1.0);
        let before = finder.resolution();
        for step in 0..if finder.edge_count() > 0 { 60 } else { 0 } {
            let edge = random.below(finder.edge_count());
            let factor = 2.0_f64.powi(i32::try_from(random.below(36)).unwrap());
            let weight = random.units(-64, 128) * factor;
            let known = finder.open_cycles();
            let asked = finder.would_close_cycle(edge, weight).unwrap();
            assert_eq!(finder.open_cycles(), known);
            let update = finder.update(edge, weight).unwrap().unwrap_or_default();
            check(&finder);
            assert!(!asked || finder.has_cycle(), "graph {seed}, step {step}");
            let mut heard: BTreeSet<Vec<u32>> = known.into_iter().map(|cycle| cycle.edges).collect();
            for cycle in update.closed {
                assert!(heard.remove(&cycle.edges), "graph {seed}, step {step}");
            }
            for cycle in update.opened {
                assert!(cycle.weight < 0.0);
                assert!(heard.insert(cycle.edges), "graph {seed}, step {step}");
            }
            let open: BTreeSet<Vec<u32>> =
                finder.open_cycles().into_iter().map(|cycle| cycle.edges).collect();
            assert_eq!(heard, open, "graph {seed}, step {step}");
        }
        finer += usize::from(finder.resolution() > before);
    }
    assert!(finer > 100, "{finer}");
}

#[test]
fn drifting_potentials_are_computed_anew_before_they_overflow() {
    // One edge at a time around a triangle, each time as low as it may be: potentials only fall.
    let heavy = 2.0_f64.powi(5);
    let mut finder = IncrementalCycleFinder::new(3, &[0, 1, 2], &[1, 2, 0], &[0.0; 3], None).unwrap();
    for edge in 0..3 {
        finder.remove(edge).unwrap();
    }
    let resolution = finder.resolution();
    for turn in 0..100_000 {
        let edge = turn % 3;
        assert_eq!(finder.update(edge, -heavy).unwrap(), None);
        assert_eq!(finder.remove(edge).unwrap(), None);
    }
    check(&finder);
    assert_eq!(finder.resolution(), resolution);
    for edge in 0..3 {
        assert_eq!(finder.update(edge, -heavy).unwrap().is_some(), edge == 2);
    }
}

#[test]
fn paths_that_outgrow_the_potentials_make_the_scale_coarser_and_nothing_else() {
    // A line of nodes, each worth e⁶⁰ times the one before: 400 steps are more than 8192.
    let steps = 400_u32;
    let (mut src, mut dst) = (Vec::new(), Vec::new());
    for node in 0..steps {
        src.extend([node, node + 1]);
        dst.extend([node + 1, node]);
    }
    let nodes = steps as usize + 1;
    let unit = f64::from(1 << 20).recip();
    let rises: Vec<f64> = (0..steps).flat_map(|_| [60.0, unit - 60.0]).collect();
    let built = IncrementalCycleFinder::new(nodes, &src, &dst, &rises, None).unwrap();
    let mut changed = IncrementalCycleFinder::new(nodes, &src, &dst, &vec![unit; rises.len()], None).unwrap();
    assert_eq!(changed.resolution(), 2.0_f64.powi(-44));
    for (edge, &weight) in rises.iter().enumerate() {
        assert_eq!(changed.update(edge, weight).unwrap(), None);
    }
    for mut finder in [built, changed] {
        check(&finder);
        assert_eq!(finder.resolution(), 2.0_f64.powi(-36));
        assert!(!finder.would_close_cycle(401, -60.0).unwrap());
        assert!(finder.would_close_cycle(401, -60.0 - unit).unwrap());
        let update = finder.update(401, -60.0 - unit).unwrap().unwrap();
        assert_eq!(update.opened, [WeightedCycle { edges: vec![401, 400], weight: -unit }]);
        check(&finder);
    }
}
