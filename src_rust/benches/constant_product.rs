//! A million exact quotes in one call, and single quotes of Raydium's constant-product pools.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

#[path = "../tests/common/raydium.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod raydium;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use phantom_core::amm_math::constant_product::quote_many;
use phantom_core::swap::SwapRequest;
use raydium::{AmmV4, Cpmm, environment};

const ROWS: usize = 1_000_000;

/// Numbers between two bounds (`SplitMix64`), always the same ones.
fn column(seed: u64, least: u64, most: u64) -> Vec<u64> {
    let mut state = seed;
    (0..ROWS)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            least + (mixed ^ (mixed >> 31)) % (most - least)
        })
        .collect()
}

fn many(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("constant_product/quote_many");
    group.throughput(Throughput::Elements(ROWS as u64));
    // As `bench_peers` has it, and amounts of any size.
    let usual = [
        (1_000_000_000, 1_000_000_000_000_000),
        (1_000_000_000, 1_000_000_000_000_000),
        (100_000, 100_000_000_000),
    ];
    let wide = [(1, 1 << 62), (1, u64::MAX), (1, 1 << 62)];
    for (name, [x, y, a]) in [("usual", usual), ("wide", wide)] {
        let (x, y, a) = (column(1, x.0, x.1), column(2, y.0, y.1), column(3, a.0, a.1));
        let mut out = vec![0; ROWS];
        group.bench_function(name, |bencher| {
            bencher.iter(|| quote_many(&x, &y, &a, 25, 10_000, black_box(&mut out)));
        });
    }
    group.finish();
}

fn one(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("constant_product/quote");
    let balances = [123_456_789_012, 9_876_543_210_987];
    let mut fees = Cpmm::new(balances, 2_500);
    (fees.creator, fees.enable_creator_fee, fees.creator_fee_on) = (500, true, 2);
    fees.transfer_fees = [Some((100, 1 << 40)), None];
    let pools = [
        ("raydium_amm_v4", AmmV4::new(balances).build()),
        ("raydium_cpmm", Cpmm::new(balances, 2_500).build()),
        ("raydium_cpmm, every fee", fees.build()),
    ];
    let now = environment(1_700_000_000);
    for (name, pool) in &pools {
        for (kind, exact_in) in [("exact in", true), ("exact out", false)] {
            let request = SwapRequest::new(987_654_321, exact_in, true);
            group.bench_function(format!("{name}, {kind}"), |bencher| {
                bencher.iter(|| pool.quote(&now, black_box(&request)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, many, one);
criterion_main!(benches);
