//! Raydium CLMM: one quote over initialised ticks, and what a write of the pool costs.
#![allow(missing_docs, reason = "criterion's macros make public items")]

#[path = "../tests/common/raydium_clmm.rs"]
mod pools;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use phantom_core::decoders::sysvar::Clock;
use phantom_core::swap::{Environment, SwapRequest};
use phantom_core::venues::raydium_clmm::{PROGRAM, PoolAccount, sqrt_price_at_tick};
use phantom_core::venues::{AccountData, PoolState};
use pools::{POOL, Position, Shape, put, tick_array_address};

const SPACING: i32 = 10;

fn environment() -> Environment {
    Environment { clock: Some(Clock { slot: 1, epoch: 1, unix_timestamp: 1_750_000_000 }) }
}

/// Positions that begin and end at every spacing within 100 of the price.
fn shape() -> Shape {
    let positions: Vec<Position> = (1..100).map(|distance| (distance, distance, 1_000_000_000_000)).collect();
    Shape { tick: 4, past: 1 << 40, positions, ..Shape::default() }
}

/// An amount that crosses `ticks` initialised ticks and ends before the next.
fn crossing(pool: &dyn PoolState, ticks: i32, exact_in: bool, a_to_b: bool) -> SwapRequest {
    let (below, above) = (-SPACING * ticks - 5, SPACING * (ticks + 1) + 5);
    let limit = sqrt_price_at_tick(if a_to_b { below } else { above });
    let unlimited = SwapRequest::new(1 << 60, exact_in, a_to_b);
    let partly = SwapRequest { sqrt_price_limit_x64: limit, ..unlimited };
    let done = pool.quote(&environment(), &partly).expect("stops at the limit");
    SwapRequest { amount: if exact_in { done.user_in } else { done.user_out }, ..unlimited }
}

fn quotes(criterion: &mut Criterion) {
    let (pool, environment) = (shape().open(), environment());
    let mut group = criterion.benchmark_group("raydium_clmm/quote");
    for ticks in [0, 2, 12, 60] {
        for (exact_in, a_to_b) in [(true, true), (true, false), (false, true), (false, false)] {
            let request = crossing(&*pool, ticks, exact_in, a_to_b);
            let kind = if exact_in { "in" } else { "out" };
            let way = if a_to_b { "down" } else { "up" };
            group.bench_function(format!("{ticks}_ticks_{kind}_{way}"), |bencher| {
                bencher.iter(|| pool.quote(&environment, black_box(&request)));
            });
        }
    }
    group.finish();
}

fn executions(criterion: &mut Criterion) {
    let (pool, environment) = (shape().open(), environment());
    let mut group = criterion.benchmark_group("raydium_clmm/execute");
    for ticks in [2, 60] {
        let request = crossing(&*pool, ticks, true, true);
        group.bench_function(format!("{ticks}_ticks"), |bencher| {
            bencher.iter_batched_ref(
                || pool.clone(),
                |pool| pool.execute(&environment, black_box(&request)),
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn writes(criterion: &mut Criterion) {
    let shape = shape();
    let (data, others) = shape.accounts();
    let mut group = criterion.benchmark_group("raydium_clmm/write");
    group.bench_function("pool_decoded", |bencher| bencher.iter(|| PoolAccount::checked(black_box(&data))));
    let mut pool = shape.open();
    let mut moved = data.clone();
    put(&mut moved, 253, &sqrt_price_at_tick(5).to_le_bytes());
    group.bench_function("price_moved", |bencher| {
        bencher.iter(|| {
            for data in [&moved, &data] {
                let account = AccountData { owner: &PROGRAM, data };
                pool.write(&POOL, Some(account)).expect("the pool");
            }
        });
    });
    let address = tick_array_address(0);
    let (_, _, array) = others.iter().find(|(each, ..)| *each == address).expect("its array");
    let mut changed = array.clone();
    put(&mut changed, 44 + 168 * 5 + 4, &7_i128.to_le_bytes());
    group.bench_function("tick_array_changed", |bencher| {
        bencher.iter(|| {
            for data in [&changed, array] {
                let account = AccountData { owner: &PROGRAM, data };
                pool.write(&address, Some(account)).expect("the array");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, quotes, executions, writes);
criterion_main!(benches);
