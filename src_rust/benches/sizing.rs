//! Sizing of cycles: constant products, and Whirlpools across many initialised ticks.
#![allow(clippy::print_stdout, reason = "what is timed is shown")]

#[path = "../tests/common/whirlpool.rs"]
#[allow(dead_code, reason = "the Whirlpool's own bench uses the rest")]
mod pool;

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use phantom_core::amm_math::constant_product::ConstantProduct;
use phantom_core::market::PoolView;
use phantom_core::sizing::{AnyCurve, Effort, HopRef, SizingLimits, SizingScratch, size_cycle};
use phantom_core::swap::Environment;

const EFFORTS: [(&str, Effort); 2] = [("quick", Effort::Quick), ("thorough", Effort::Thorough)];

fn reserves(reserve_in: u64, reserve_out: u64) -> AnyCurve<'static> {
    AnyCurve::Reserves(ConstantProduct::new(reserve_in, reserve_out, 25, 10_000).expect("a pool"))
}

fn size(criterion: &mut Criterion, name: &str, hops: &[(AnyCurve<'_>, bool)]) {
    let hops: Vec<_> = hops.iter().map(|(curve, a_to_b)| HopRef { curve, a_to_b: *a_to_b }).collect();
    let mut group = criterion.benchmark_group("sizing");
    let mut scratch = SizingScratch::new();
    for (effort, kind) in EFFORTS {
        let limits = SizingLimits { effort: kind, ..SizingLimits::up_to(1 << 60) };
        let sized = size_cycle(&hops, &limits, &mut scratch).expect("a profit");
        println!("{name}, {effort}: {:?}, gap {}", sized.amounts(), sized.gap);
        group.bench_function(format!("{name}/{effort}"), |bencher| {
            bencher.iter(|| size_cycle(black_box(&hops), &limits, &mut scratch));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();

    // Lamports, millionths of a dollar, a token of five decimals; and three amounts of one size.
    let mixed = [
        (reserves(40_000_000_000_000, 6_000_000_000_000), true),
        (reserves(900_000_000_000, 123_000_000_000), true),
        (reserves(55_000_000_000, 2_800_000_000_000), true),
    ];
    size(&mut criterion, "3 products", &mixed);
    let even = [
        (reserves(512_345_678_901, 498_765_432_109), true),
        (reserves(623_456_789_012, 650_000_000_123), true),
        (reserves(434_343_434_343, 454_545_454_545), true),
    ];
    size(&mut criterion, "3 products of one size", &even);

    let (whirlpool, environment) = (pool::open(), Environment::default());
    let whirlpool = AnyCurve::Pool(PoolView { state: &*whirlpool, environment: &environment });
    let one = [
        (whirlpool, true),
        (reserves(400_000_000_000_000, 408_000_000_000_000), true),
        (reserves(300_000_000_000_000, 309_000_000_000_000), true),
    ];
    size(&mut criterion, "Whirlpool and 2 products", &one);
    let two =
        [(whirlpool, true), (reserves(900_000_000_000_000, 960_000_000_000_000), true), (whirlpool, false)];
    size(&mut criterion, "2 Whirlpools and a product", &two);
    criterion.final_summary();
}
