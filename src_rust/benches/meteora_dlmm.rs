//! One DLMM pair: what a quote, a decoded pair and an account write cost.
//!
//! The pair is like the one that the comparison with other libraries uses: step 1, a variable fee that
//! soon reaches its height, 3,236 bins with token Y below the price.

#[path = "../tests/common/dlmm.rs"]
mod dlmm;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use dlmm::{BinContent, PAIR, Pair, environment};
use phantom_core::swap::SwapRequest;
use phantom_core::venues::AccountData;
use phantom_core::venues::meteora_dlmm::{LbPair, PROGRAM};

const ACTIVE_ID: i32 = -25_369;
const BINS: i32 = 3_236;
/// Name, input, whether it takes what there is.
const SWAPS: [(&str, u64, bool); 4] = [
    ("2_bins", 400_000_000, false),
    ("20_bins", 4_600_000_000, false),
    ("100_bins", 23_000_000_000, false),
    ("3236_bins", 2_000_000_000_000, true),
];

fn pair() -> Pair {
    let bins = (0..BINS).map(|step| {
        let content = BinContent { amount_y: 18_189_000, ..BinContent::default() };
        (ACTIVE_ID - step, content)
    });
    Pair {
        active_id: ACTIVE_ID,
        bin_step: 1,
        base_factor: 10_000,
        variable_fee_control: 2_000_000,
        max_volatility_accumulator: 100_000,
        volatility: 4_614,
        filter_period: 10,
        function_type: 0,
        collect_fee_mode: 0,
        bins: bins.collect(),
    }
}

fn quotes(criterion: &mut Criterion) {
    let (pool, environment) = (pair().pool(), environment());
    let mut group = criterion.benchmark_group("meteora_dlmm/quote");
    for (name, amount, partial_fill) in SWAPS {
        let request = SwapRequest { partial_fill, ..SwapRequest::new(amount, true, true) };
        let quote = pool.quote(&environment, &request).expect("a quote");
        assert!(quote.user_out > 0 && (quote.user_in < amount) == partial_fill, "{quote:?}");
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| bencher.iter(|| pool.quote(&environment, black_box(&request))));
    }
    group.finish();
}

fn accounts(criterion: &mut Criterion) {
    let pair = pair();
    let account = pair.account();
    let mut group = criterion.benchmark_group("meteora_dlmm/accounts");
    group.bench_function("decode_pair", |bencher| bencher.iter(|| LbPair::read_known(black_box(&account))));
    let mut pool = pair.pool();
    let mut moved = account.clone();
    moved[44] ^= 1;
    group.bench_function("write_pair", |bencher| {
        let mut turn = false;
        bencher.iter(|| {
            turn = !turn;
            let data = if turn { &moved } else { &account };
            pool.write(&PAIR, Some(AccountData { owner: &PROGRAM, data: black_box(data) }))
        });
    });
    let (address, array) = pair.arrays().swap_remove(20);
    let mut traded = array.clone();
    traded[56 + 144 * 35 + 8] ^= 1;
    group.bench_function("write_array_with_one_new_bin", |bencher| {
        let mut turn = false;
        bencher.iter(|| {
            turn = !turn;
            let data = if turn { &traded } else { &array };
            pool.write(&address, Some(AccountData { owner: &PROGRAM, data: black_box(data) }))
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
    accounts(&mut criterion);
    criterion.final_summary();
}
