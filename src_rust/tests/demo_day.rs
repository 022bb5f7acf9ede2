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

/// Returns the slot that a frame names, if it is a notification or an answer that does.
fn slot_of(frame: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(frame).unwrap();
    let digits = text.split_once("\"slot\":")?.1;
    let end = digits.find(|letter: char| !letter.is_ascii_digit())?;
    digits[..end].parse().ok()
}

/// Why candidates were refused, and how often.
type Reasons = Vec<(&'static str, u64)>;

/// Plays the day and returns its signals, each taken at once, and why candidates were refused. With
/// `has_heartbeat` the connections that subscribe also push the slots in which something happens.
fn signals_of_the_day(has_heartbeat: bool) -> (Vec<(u64, u64)>, Reasons) {
    let market = MarketConfig { assume_plain_mints: true, complete: false };
    let base = "So11111111111111111111111111111111111111112".parse().unwrap();
    let base_mints = vec![BaseMint { mint: base, max_amount_in: 1_000_000_000_000 }];
    let mut engine = Engine::new(EngineConfig { market, base_mints, ..EngineConfig::default() }).unwrap();
    let recording = Recording::open(Path::new(DAY)).unwrap();
    let endpoints: Vec<_> = recording.header().endpoints().iter().map(|name| engine.endpoint(name)).collect();
    let mut records = recording.since(0).unwrap();
    let (mut signals, mut all, mut last) = (Vec::new(), Vec::new(), 0);
    while let Some(record) = records.next_record().unwrap() {
        let endpoint = endpoints[record.endpoint as usize];
        match record.event {
            Event::Connect => engine.connect(endpoint),
            Event::Sent(frame) => engine.request(endpoint, frame).unwrap(),
            Event::Received(frame) => {
                // A heartbeat comes again after a confirmation: the day begins at a standstill.
                let slot = slot_of(frame);
                if slot.is_none() {
                    engine.ingest(endpoint, frame, &mut signals);
                }
                let beat = slot.map_or(last, |slot| slot.max(last));
                if has_heartbeat && (beat > last || slot.is_none()) {
                    let heartbeat = format!(
                        r#"{{"jsonrpc":"2.0","method":"slotNotification","params":{{"result":{{"parent":{last},"root":0,"slot":{beat}}},"subscription":0}}}}"#
                    );
                    for &endpoint in &endpoints {
                        engine.ingest(endpoint, heartbeat.as_bytes(), &mut signals);
                    }
                    last = beat;
                }
                if slot.is_some() {
                    engine.ingest(endpoint, frame, &mut signals);
                }
            }
            Event::Disconnect => engine.disconnect(endpoint, &mut signals),
        }
        for signal in signals.drain(..) {
            if engine.take(&signal).is_ok() {
                all.push((signal.slot, signal.candidate.gross_profit));
            }
        }
    }
    let counts = engine.scorer().counts().map(|(reason, count)| (reason.name(), count));
    (all, counts.collect())
}

#[test]
fn day_with_heartbeats_gives_the_signals_of_the_day_without() {
    let (without, reasons) = signals_of_the_day(false);
    let (with, reasons_with) = signals_of_the_day(true);
    assert!(!without.is_empty());
    assert_eq!(with, without);
    assert_eq!(reasons_with, reasons, "nothing is refused for its age");
}
