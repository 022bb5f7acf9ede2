//! One Whirlpool: what a quote, a marginal rate and an account write cost.
//!
//! The pool is the one that the comparison with other libraries uses: an initialised tick every
//! spacing, and swaps that cross about 2, 12 and 60 of them.

#[path = "../tests/common/whirlpool.rs"]
mod pool;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use phantom_core::swap::{Environment, SwapRequest};
use pool::{POOL, array_address, arrays, open, pool_data, write};

/// Name, input, output.
const SWAPS: [(&str, u64, u64); 3] = [
    ("2_ticks", 52_104_522_160, 51_930_030_807),
    ("12_ticks", 508_077_406_156, 504_370_095_928),
    ("60_ticks", 2_465_662_960_018, 2_403_274_519_075),
];

fn quotes(criterion: &mut Criterion) {
    let mut pool = open();
    let environment = Environment::default();
    let mut group = criterion.benchmark_group("whirlpool/quote");
    group.throughput(Throughput::Elements(1));
    for (name, amount, out) in SWAPS {
        let request = SwapRequest::new(amount, true, true);
        let quote = pool.quote(&environment, &request).expect("a quote");
        assert_eq!(quote.user_out, out);
        group.bench_function(name, |bencher| {
            bencher.iter(|| pool.quote(&environment, black_box(&request)));
        });
        let request = SwapRequest::new(out, false, true);
        group.bench_function(format!("{name}_exact_out"), |bencher| {
            bencher.iter(|| pool.quote(&environment, black_box(&request)));
        });
    }
    group.finish();

    // The first quote after an update, which finds nothing prepared.
    let updates = [pool_data(0), pool_data(1 << 40)];
    let mut group = criterion.benchmark_group("whirlpool/update_and_quote");
    for (name, amount, _) in SWAPS {
        let request = SwapRequest::new(amount, true, true);
        let mut turn = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                turn ^= 1;
                write(&mut *pool, POOL, black_box(&updates[turn]));
                pool.quote(&environment, black_box(&request))
            });
        });
    }
    group.finish();
}

fn writes(criterion: &mut Criterion) {
    let mut pool = open();
    let environment = Environment::default();
    let mut group = criterion.benchmark_group("whirlpool/write");
    let updates = [pool_data(0), pool_data(1 << 40)];
    let mut turn = 0;
    group.bench_function("pool", |bencher| {
        bencher.iter(|| {
            turn ^= 1;
            write(&mut *pool, POOL, black_box(&updates[turn]));
        });
    });
    let (start, data) = arrays().swap_remove(3);
    let address = array_address(start);
    group.bench_function("tick_array", |bencher| {
        bencher.iter(|| write(&mut *pool, address, black_box(&data)));
    });
    group.bench_function("marginal_rate", |bencher| {
        bencher.iter(|| pool.marginal_rate(&environment, black_box(true)));
    });
    let mut segments = Vec::new();
    group.bench_function("segments", |bencher| {
        bencher.iter(|| {
            segments.clear();
            pool.segments(&environment, black_box(true), &mut segments);
            segments.len()
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    quotes(&mut criterion);
    writes(&mut criterion);
    criterion.final_summary();
}
