//! A Whirlpool with an initialised tick every spacing, as the comparison with other libraries uses it.

use phantom_core::amm_math::tick_math::sqrt_price_from_tick_index;
use phantom_core::decoders::orca_whirlpool::PROGRAM;
use phantom_core::pda;
use phantom_core::quantities::Pubkey;
use phantom_core::venues::{AccountData, Dependency, NewPool, PoolState, Venue};

pub const POOL: Pubkey = Pubkey([7; 32]);
pub const SPACING: i32 = 8;
pub const LIQUIDITY: u128 = 115_426_034_174_207;
pub fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// The pool account, `moved` Q64.64 units above tick 1.
pub fn pool_data(moved: u128) -> Vec<u8> {
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
pub fn arrays() -> Vec<(i32, Vec<u8>)> {
    let span = 88 * SPACING;
    let mut arrays: Vec<(i32, Vec<u8>)> = Vec::new();
    for line in include_str!("../../../tests/data/clmm_bench/ticks.csv").lines().skip(1) {
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

pub fn array_address(start: i32) -> Pubkey {
    pda::whirlpool_tick_array(&PROGRAM, &POOL, start).expect("derivable").0
}

pub fn write(pool: &mut dyn PoolState, address: Pubkey, data: &[u8]) {
    let account = AccountData { owner: &PROGRAM, data };
    pool.write(&address, Some(account)).expect("a good account");
}

pub fn open() -> Box<dyn PoolState> {
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
