//! A short fuzz without the fuzzer's tools: inputs from golden vectors, damaged, through the fuzz targets.
//!
//! Whatever the bytes hold: no panic, and a quote is what carrying the swap out gives.

#[path = "../fuzz/src/lib.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::cast_possible_truncation,
    clippy::pedantic,
    reason = "shared with the fuzzer"
)]
mod fuzz;
mod property_config;

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

/// Venue (none for tokens) and input.
type Seed = (Option<&'static str>, Vec<u8>);

static SEEDS: LazyLock<Vec<Seed>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/vectors");
    let files = std::fs::read_dir(folder).expect("the vectors are in the repository");
    let mut paths: Vec<_> = files.map(|entry| entry.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
    paths.sort();
    let mut seeds: Vec<Seed> = Vec::new();
    for path in paths {
        let read = fuzz::seeds::read(&path).expect("a vector file");
        assert!(read.venue.is_some(), "{}", path.display());
        seeds.extend(read.pools.into_iter().map(|(_, input)| (read.venue, input)));
        seeds.extend(read.tokens.into_iter().map(|(_, input)| (None, input)));
    }
    seeds
});

fn run((venue, input): (Option<&str>, &[u8])) {
    match venue {
        Some(venue) => fuzz::pool(venue, input),
        None => fuzz::tokens(input),
    }
}

#[test]
fn every_seed_runs() {
    for (venue, input) in SEEDS.iter() {
        run((*venue, input));
    }
}

proptest! {
    #![proptest_config(property_config::cases(4000))]

    #[test]
    fn damaged_pools_never_panic(
        index: prop::sample::Index,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let (venue, seed) = index.get(&SEEDS);
        let mut input = seed.clone();
        for (at, value) in damage {
            let position = at.index(input.len());
            input[position] = value;
        }
        if let Some(cut) = cut {
            input.truncate(cut.index(input.len()));
        }
        run((*venue, &input));
    }
}
