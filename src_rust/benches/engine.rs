//! The engine on the shipped day: what a candidate's context and its verdict take once it is sized.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::Criterion;
use phantom_core::engine::{BaseMint, Engine, EngineConfig, Signal};
use phantom_core::market::MarketConfig;
use phantom_core::recording::{Event, Recording};
use phantom_core::scorer::{Prospect, ScorerConfig, SignalScorer, Stakes};

const DAY: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../src/phantom_arbiter/data/whirlpool-2022-04-06.phrec");
const MINTS: [&str; 2] =
    ["So11111111111111111111111111111111111111112", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"];

/// The engine after the day, and the day's last signal of so many hops.
fn after_the_day(hops: usize) -> (Engine, Option<Signal>) {
    let base =
        |mint: &str| BaseMint { mint: mint.parse().expect("a mint"), max_amount_in: 1_000_000_000_000 };
    let config = EngineConfig {
        base_mints: MINTS.map(base).to_vec(),
        market: MarketConfig { assume_plain_mints: true, complete: false },
        ..EngineConfig::default()
    };
    let mut engine = Engine::new(config).expect("settings that can be");
    let recording = Recording::open(Path::new(DAY)).expect("the shipped recording");
    let endpoints: Vec<_> = recording.header().endpoints().iter().map(|name| engine.endpoint(name)).collect();
    let mut records = recording.since(0).expect("its first record");
    let (mut signals, mut last) = (Vec::new(), None);
    while let Some(record) = records.next_record().expect("a whole recording") {
        let endpoint = endpoints[record.endpoint as usize];
        match record.event {
            Event::Connect => engine.connect(endpoint),
            Event::Sent(frame) => engine.request(endpoint, frame).expect("a request"),
            Event::Received(frame) => drop(engine.ingest(endpoint, frame, &mut signals)),
            Event::Disconnect => engine.disconnect(endpoint, &mut signals),
        }
        for signal in signals.drain(..) {
            let landed = engine.take(&signal).is_ok();
            engine.observe_landing(&signal, landed);
            if signal.hops.len() == hops {
                last = Some(signal);
            }
        }
    }
    (engine, last)
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let scorer = SignalScorer::new(ScorerConfig::default());
    let stakes = Stakes { gross_profit_lamports: 9_000_000, ..Stakes::default() };
    let mut group = criterion.benchmark_group("engine");
    for hops in [2, 3] {
        let (mut engine, signal) = after_the_day(hops);
        let Some(signal) = signal else { continue };
        group.bench_function(format!("context/{hops} hops"), |bencher| {
            bencher.iter(|| engine.context_of(black_box(&signal)));
        });
        group.bench_function(format!("context and assess/{hops} hops"), |bencher| {
            bencher.iter(|| {
                let signal = black_box(&signal);
                let context = engine.context_of(signal);
                scorer.assess(&Prospect { candidate: signal.candidate, context, stakes })
            });
        });
    }
    group.finish();
}
