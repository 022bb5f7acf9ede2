//! One call of the fee engine, with everything known: a window of 150 slots for each account.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use phantom_core::fee_engine::{FeeConfig, FeeEngine, HopUnits};
use phantom_core::quantities::Pubkey;

const FIRST: u64 = 1_000;

fn level(slot: u64) -> u64 {
    slot * 7_919 % 100_003
}

fn engine(accounts: &[Pubkey]) -> FeeEngine {
    let mut engine = FeeEngine::new(FeeConfig::default()).unwrap();
    engine.advance(FIRST).unwrap();
    let samples: Vec<_> = (FIRST - 149..=FIRST).map(|slot| (slot, level(slot))).collect();
    for &account in accounts {
        engine.observe_account(0, account, &samples).unwrap();
    }
    engine.observe_tip_floor(FIRST, [5e-6, 1e-5, 4e-5, 1e-3, 1e-2], None).unwrap();
    for turn in 0..200 {
        let crossings = turn % 2;
        engine
            .observe_hop(HopUnits { venue: "orca_whirlpool", crossings }, 60_000 + 20_000 * crossings)
            .unwrap();
        engine.observe_overhead(1_000).unwrap();
    }
    engine
}

fn fee_engine(criterion: &mut Criterion) {
    let accounts: Vec<_> = (1..=8).map(|number| Pubkey([number; 32])).collect();
    let mut group = criterion.benchmark_group("fee_engine");
    let mut known = engine(&accounts);
    group.bench_function("price of 1 account", |b| b.iter(|| known.price(black_box(&accounts[..1]), 7_500)));
    group.bench_function("price of 8 accounts", |b| b.iter(|| known.price(black_box(&accounts), 7_500)));
    group.bench_function("tip", |b| b.iter(|| known.tip(black_box(1_000_000), 0)));
    group.bench_function("observe_tip", |b| b.iter(|| known.observe_tip(FIRST, black_box(20_000), true)));
    let hops = [HopUnits { venue: "orca_whirlpool", crossings: 1 }; 3];
    group.bench_function("compute_unit_limit of 3 hops", |b| {
        b.iter(|| known.compute_unit_limit(black_box(&hops)));
    });
    let mut slot = FIRST;
    group.bench_function("advance and observe_account", |b| {
        b.iter(|| {
            slot += 1;
            known.advance(slot).unwrap();
            known.observe_account(0, accounts[0], black_box(&[(slot, level(slot))]))
        });
    });
    group.finish();
}

criterion_group!(benches, fee_engine);
criterion_main!(benches);
