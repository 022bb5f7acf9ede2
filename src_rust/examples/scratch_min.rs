//! One Whirlpool: what a quote, a marginal rate and an account write cost.
//!
//! The pool is the one that the comparison with other libraries uses: an initialised tick every
//! spacing, and swaps that cross about 2, 12 and 60 of them.

use std::hint::black_box;
use std::time::Instant;

use phantom_core::amm_math::tick_math::sqrt_price_from_tick_index;
use phantom_core::decoders::orca_whirlpool::PROGRAM;
use phantom_core::pda;
use phantom_core::quantities::Pubkey;
use phantom_core::swap::{Environment, SwapRequest};
use phantom_core::venues::{AccountData, Dependency, NewPool, PoolState, Venue};

const POOL: Pubkey = Pubkey([7; 32]);
const SPACING: i32 = 8;
const LIQUIDITY: u128 = 115_426_034_174_207;
/// Name, input, output.
const SWAPS: [(&str, u64, u64); 3] = [
    ("2_ticks", 52_104_522_160, 51_930_030_807),
    ("12_ticks", 508_077_406_156, 504_370_095_928),
    ("60_ticks", 2_465_662_960_018, 2_403_274_519_075),
];

fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// The pool account, `moved` Q64.64 units above tick 1.
fn pool_data(moved: u128) -> Vec<u8> {
    let mut data = vec![0; 653];
    put(&mut data, 0, &[0x3f, 0x95, 0xd1, 0x0c, 0xe1, 0x80, 0x63, 0x09]);
    put(&mut data, 41, &8_u16.to_le_bytes());
    put(&mut data, 43, &8_u16.to_le_bytes());
    put(&mut data, 45, &3000_u16.to_le_bytes());
    put(&mut data, 47, &300_u16.to_le_bytes());
    put(&mut data, 49, &LIQUIDITY.to_le_bytes());
    put(&mut data, 65, &(sqrt_price_from_tick_index(1) + moved).to_le_bytes());
    put(&mut data, 81, &1_i32.to_le_bytes());
    put(&mut data, 101, &[1; 32]);
    put(&mut data, 181, &[2; 32]);
    data
}

/// The tick arrays: start and account.
fn arrays() -> Vec<(i32, Vec<u8>)> {
    let span = 88 * SPACING;
    let mut arrays: Vec<(i32, Vec<u8>)> = Vec::new();
    for line in include_str!("/work/wt/w/tests/data/clmm_bench/ticks.csv").lines().skip(1) {
        let (tick, net) = line.split_once(',').expect("two columns");
        let (tick, net): (i32, i128) = (tick.parse().expect("a tick"), net.parse().expect("a number"));
        let start = tick.div_euclid(span) * span;
        if arrays.last().is_none_or(|(known, _)| *known != start) {
            let mut data = vec![0; 9988];
            put(&mut data, 0, &[0x45, 0x61, 0xbd, 0xbe, 0x6e, 0x07, 0x42, 0xbb]);
            put(&mut data, 8, &start.to_le_bytes());
            put(&mut data, 9956, &POOL.0);
            arrays.push((start, data));
        }
        let (_, data) = arrays.last_mut().expect("just made");
        let offset = 12 + 113 * usize::try_from((tick - start) / SPACING).expect("inside the array");
        data[offset] = 1;
        put(data, offset + 1, &net.to_le_bytes());
    }
    arrays
}

fn array_address(start: i32) -> Pubkey {
    pda::whirlpool_tick_array(&PROGRAM, &POOL, start).expect("derivable").0
}

fn write(pool: &mut dyn PoolState, address: Pubkey, data: &[u8]) {
    let account = AccountData { owner: &PROGRAM, data };
    pool.write(&address, Some(account)).expect("a good account");
}

fn open() -> Box<dyn PoolState> {
    let data = pool_data(0);
    let new = NewPool { address: POOL, program: PROGRAM, data: &data, assume_plain_mints: true };
    let venue = Venue::named("orca_whirlpool").expect("a venue");
    let mut pool = (venue.open)(&new).expect("a pool");
    for (start, data) in arrays() {
        write(&mut *pool, array_address(start), &data);
    }
    let mut dependencies: Vec<Dependency> = Vec::new();
    pool.dependencies(&mut dependencies);
    for dependency in dependencies.iter().filter(|dependency| !dependency.is_known) {
        pool.write(&dependency.address, None).expect("nothing to decode");
    }
    pool
}

fn best(mut f: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..4000 {
        let t = Instant::now();
        for _ in 0..64 {
            f();
        }
        best = best.min(t.elapsed().as_nanos() as f64 / 64.0);
    }
    best
}
fn main() {
    let mut pool = open();
    let env = Environment::default();
    let updates = [pool_data(0), pool_data(1 << 40)];
    for (name, amount, out) in SWAPS {
        let request = SwapRequest::new(amount, true, true);
        assert_eq!(pool.quote(&env, &request).unwrap().user_out, out);
        println!(
            "{name} quote {:.0}",
            best(|| {
                black_box(pool.quote(&env, black_box(&request))).ok();
            })
        );
        let r2 = SwapRequest::new(out, false, true);
        println!(
            "{name} exact_out {:.0}",
            best(|| {
                black_box(pool.quote(&env, black_box(&r2))).ok();
            })
        );
        println!(
            "{name} reset+quote {:.0}",
            best(|| {
                let p = pool.boxed_clone();
                black_box(p.quote(&env, black_box(&request))).ok();
            })
        );
        let mut turn = 0;
        println!(
            "{name} write+quote {:.0}",
            best(|| {
                turn ^= 1;
                write(&mut *pool, POOL, black_box(&updates[turn]));
                black_box(pool.quote(&env, black_box(&request))).ok();
            })
        );
    }
    println!(
        "clone {:.0}",
        best(|| {
            black_box(pool.boxed_clone());
        })
    );
    let mut turn = 0;
    println!(
        "write {:.0}",
        best(|| {
            turn ^= 1;
            write(&mut *pool, POOL, black_box(&updates[turn]));
        })
    );
    let layout = Venue::named("orca_whirlpool").unwrap().layout_of(&PROGRAM, &updates[0]).unwrap();
    println!(
        "decode boxed {:.0}",
        best(|| {
            black_box((layout.read.unwrap())(black_box(&updates[0]))).ok();
        })
    );
    let (start, data) = arrays().swap_remove(3);
    let address = array_address(start);
    println!("write array {:.0}", best(|| write(&mut *pool, address, black_box(&data))));
    println!(
        "marginal {:.0}",
        best(|| {
            black_box(pool.marginal_rate(&env, black_box(true)));
        })
    );
    let mut segments = Vec::new();
    println!(
        "segments {:.0}",
        best(|| {
            segments.clear();
            pool.segments(&env, black_box(true), &mut segments);
        })
    );
}
