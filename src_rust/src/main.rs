//! Replays one recording through the engine: the fixed workload for heap and instruction profilers.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use phantom_core::engine::{BaseMint, Engine, EngineConfig};
use phantom_core::market::MarketConfig;
use phantom_core::recording::{Event, Recording};

const MINTS: [&str; 2] =
    ["So11111111111111111111111111111111111111112", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"];

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        let _ = writeln!(std::io::stderr(), "usage: phantom_core RECORDING");
        return ExitCode::from(2);
    };
    match replay(Path::new(&path)) {
        Ok(line) => {
            let _ = writeln!(std::io::stdout(), "{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}: {error}", Path::new(&path).display());
            ExitCode::FAILURE
        }
    }
}

fn replay(path: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let base_mints = MINTS
        .iter()
        .map(|mint| Ok(BaseMint { mint: mint.parse()?, max_amount_in: 1_000_000_000_000 }))
        .collect::<Result<_, phantom_core::quantities::InvalidPubkey>>()?;
    let market = MarketConfig { assume_plain_mints: true, complete: false };
    let mut engine = Engine::new(EngineConfig { market, base_mints, ..EngineConfig::default() })?;
    let recording = Recording::open(path)?;
    let endpoints: Vec<_> = recording.header().endpoints().iter().map(|name| engine.endpoint(name)).collect();
    let mut records = recording.since(0)?;
    let mut signals = Vec::new();
    let (mut frames, mut taken) = (0_u64, 0_u64);
    while let Some(record) = records.next_record()? {
        let endpoint = endpoints[record.endpoint as usize];
        match record.event {
            Event::Connect => engine.connect(endpoint),
            Event::Sent(frame) => engine.request(endpoint, frame)?,
            Event::Received(frame) => {
                frames += 1;
                engine.ingest(endpoint, frame, &mut signals);
            }
            Event::Disconnect => engine.disconnect(endpoint, &mut signals),
        }
        for signal in signals.drain(..) {
            taken += u64::from(engine.take(&signal).is_ok());
        }
    }
    Ok(format!(
        "{frames} frames, {} updates, {} openings, {taken} taken",
        engine.counters().updates,
        engine.openings().0
    ))
}
