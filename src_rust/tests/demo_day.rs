//! The shipped day, write by write: the incremental search against Bellman-Ford over the whole graph.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use phantom_core::cycle_finder::{CycleKey, pool_of};
use phantom_core::engine::{BaseMint, Engine, EngineConfig};
use phantom_core::market::MarketConfig;
use phantom_core::recording::{Event, Recording};

const DAY: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../src/phantom_arbiter/data/whirlpool-2022-04-06.phrec");

#[test]
fn incremental_search_and_bellman_ford_agree_on_every_update_of_the_day() {
    let market = MarketConfig { assume_plain_mints: true, complete: false };
    let base = "So11111111111111111111111111111111111111112".parse().unwrap();
    let base_mints = vec![BaseMint { mint: base, max_amount_in: 1_000_000_000_000 }];
    let mut engine =
        Engine::new(EngineConfig { market, base_mints, max_hops: 4, ..EngineConfig::default() }).unwrap();
    let recording = Recording::open(Path::new(DAY)).unwrap();
    let endpoints: Vec<_> = recording.header().endpoints().iter().map(|name| engine.endpoint(name)).collect();
    let mut records = recording.since(0).unwrap();
    let mut signals = Vec::new();
    let (mut updates, mut compared, mut with_cycle) = (0, 0, 0);
    while let Some(record) = records.next_record().unwrap() {
        let endpoint = endpoints[record.endpoint as usize];
        match record.event {
            Event::Connect => engine.connect(endpoint),
            Event::Sent(frame) => engine.request(endpoint, frame).unwrap(),
            Event::Received(frame) => drop(engine.ingest(endpoint, frame, &mut signals)),
            Event::Disconnect => engine.disconnect(endpoint, &mut signals),
        }
        if engine.counters().updates == updates {
            continue;
        }
        updates = engine.counters().updates;
        let usable = |key: &CycleKey| {
            key.edges().all(|edge| engine.market().pool(pool_of(edge).0).set_aside().is_none())
        };
        let open: Vec<CycleKey> = engine.open_cycles().filter(usable).collect();
        let swept = engine.negative_cycle();
        assert_eq!(swept.is_some(), !open.is_empty(), "after {updates} updates: {swept:?} against {open:?}");
        if let Some(cycle) = swept {
            let key = CycleKey::new(&cycle.edges).expect("a market of these mints has no longer cycle");
            assert!(open.contains(&key), "{key:?} is not among {open:?}");
            with_cycle += 1;
        }
        compared += 1;
    }
    assert!(compared > 10_000, "the day has more than ten thousand updates, compared {compared}");
    assert!(with_cycle > 1_000, "cycles stand open for hours, seen {with_cycle} times");
}
