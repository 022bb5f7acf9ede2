//! What the vectors do not reach: writes, missing accounts, and why a pool is set aside.

use super::VENUE;
use crate::amm_math::tick_math::sqrt_price_from_tick_index;
use crate::decoders::orca_whirlpool::PROGRAM;
use crate::decoders::sysvar::Clock;
use crate::decoders::{DecodeError, spl_token};
use crate::pda;
use crate::quantities::Pubkey;
use crate::swap::{Environment, RefusalKind, SwapRequest, Value};
use crate::venues::{AccountData, Dependency, NewPool, PoolState, SetAside, Venue};

const POOL: Pubkey = Pubkey([7; 32]);
const MINTS: [Pubkey; 2] = [Pubkey([1; 32]), Pubkey([2; 32])];
const VAULTS: [Pubkey; 2] = [Pubkey([3; 32]), Pubkey([4; 32])];
const LIQUIDITY: u128 = 1 << 60;
const NOW: Environment = at(1_000);

const fn at(unix_timestamp: u64) -> Environment {
    Environment { clock: Some(Clock { slot: 5, epoch: 3, unix_timestamp }) }
}

/// A pool of spacing 64 at tick 100; `fee_tier_index` other than 64 makes it adaptive.
fn pool_data(fee_tier_index: u16, liquidity: u128) -> Vec<u8> {
    let mut data = vec![0; 653];
    let mut put = |offset: usize, bytes: &[u8]| data[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(0, &[0x3f, 0x95, 0xd1, 0x0c, 0xe1, 0x80, 0x63, 0x09]);
    put(41, &64_u16.to_le_bytes());
    put(43, &fee_tier_index.to_le_bytes());
    put(45, &3000_u16.to_le_bytes());
    put(49, &liquidity.to_le_bytes());
    put(65, &sqrt_price_from_tick_index(100).to_le_bytes());
    put(81, &100_i32.to_le_bytes());
    put(101, &MINTS[0].0);
    put(133, &VAULTS[0].0);
    put(181, &MINTS[1].0);
    put(213, &VAULTS[1].0);
    put(261, &1_000_u64.to_le_bytes());
    data
}

fn array_data(pool: Pubkey, start: i32) -> Vec<u8> {
    let mut data = vec![0; 9988];
    data[..8].copy_from_slice(&[0x45, 0x61, 0xbd, 0xbe, 0x6e, 0x07, 0x42, 0xbb]);
    data[8..12].copy_from_slice(&start.to_le_bytes());
    data[9956..].copy_from_slice(&pool.0);
    data
}

fn oracle_data() -> Vec<u8> {
    let mut data = vec![0; 254];
    data[..8].copy_from_slice(&[0x8b, 0xc2, 0x83, 0xb3, 0x8c, 0xb3, 0xe5, 0xf4]);
    data[8..40].copy_from_slice(&POOL.0);
    data[62..64].copy_from_slice(&64_u16.to_le_bytes());
    data
}

fn open(data: &[u8]) -> Box<dyn PoolState> {
    let new = NewPool { address: POOL, program: PROGRAM, data, assume_plain_mints: true };
    (VENUE.open)(&new).expect("a pool")
}

fn write(pool: &mut dyn PoolState, address: Pubkey, data: &[u8]) -> Result<bool, DecodeError> {
    let written = pool.write(&address, Some(AccountData { owner: &PROGRAM, data }));
    written.map(|written| written.changed)
}

fn array_address(start: i32) -> Pubkey {
    pda::whirlpool_tick_array(&PROGRAM, &POOL, start).expect("derivable").0
}

fn oracle_address() -> Pubkey {
    pda::whirlpool_oracle(&PROGRAM, &POOL).expect("derivable").0
}

/// Says of everything not yet known that it does not exist.
fn complete(pool: &mut dyn PoolState) {
    let mut dependencies: Vec<Dependency> = Vec::new();
    pool.dependencies(&mut dependencies);
    for dependency in dependencies.iter().filter(|dependency| !dependency.is_known) {
        pool.write(&dependency.address, None).expect("nothing to decode");
    }
}

fn complete_pool(data: &[u8]) -> Box<dyn PoolState> {
    let mut pool = open(data);
    complete(&mut *pool);
    pool
}

#[test]
fn venue_is_found_by_program_and_name() {
    assert_eq!(Venue::of_program(&PROGRAM).map(|venue| venue.name), Some("orca_whirlpool"));
    let layout = VENUE.layout_of(&PROGRAM, &oracle_data()).expect("an oracle");
    let read = layout.read.expect("read")(&oracle_data()).expect("an oracle").values();
    assert_eq!(read.iter().map(|(name, _)| *name).collect::<Vec<_>>(), layout_names("Oracle"));
    assert_eq!(read[0], ("whirlpool", Value::Address(POOL)));
    let read = VENUE.layout_of(&PROGRAM, &pool_data(64, 1)).expect("a pool").read.expect("read");
    let values = read(&pool_data(64, 1)).expect("a pool").values();
    assert_eq!(values.iter().map(|(name, _)| *name).collect::<Vec<_>>(), layout_names("Whirlpool"));
    assert!(values.contains(&("fee_rate_e6", Value::Unsigned(3000))));
}

fn layout_names(name: &str) -> Vec<&'static str> {
    let layout = VENUE.layouts.iter().find(|layout| layout.name == name).expect("a layout");
    layout.fields.iter().map(|(field, _)| *field).collect()
}

#[test]
fn static_pool_needs_its_arrays_but_no_clock() {
    let mut pool = open(&pool_data(64, LIQUIDITY));
    let unclocked = Environment::default();
    let missing = SetAside::Missing { reason: "missing_tick_array", account: array_address(-11264) };
    assert_eq!(pool.obstacle(&unclocked), Some(missing));
    let mut dependencies = Vec::new();
    pool.dependencies(&mut dependencies);
    let arrays: Vec<Pubkey> = dependencies[2..].iter().map(|dependency| dependency.address).collect();
    assert_eq!(arrays, [-11264, -5632, 0, 5632, 11264, 16896].map(array_address));
    complete(&mut *pool);
    assert_eq!(pool.obstacle(&unclocked), None);
    let request = SwapRequest::new(1_000_000, true, true);
    assert_eq!(pool.quote(&unclocked, &request), pool.quote(&NOW, &request));
    assert!(!pool.depends_on_time());
}

#[test]
fn missing_arrays_are_told_in_the_programs_words() {
    let pool = open(&pool_data(64, LIQUIDITY));
    let refusal = pool.quote(&NOW, &SwapRequest::new(1, true, true)).expect_err("nothing is known");
    assert_eq!((refusal.kind, refusal.name), (RefusalKind::MissingAccount, "InvalidTickArraySequence"));
    assert_eq!(refusal.code, Some(6023));
    let details = [("start_tick_index", Value::Signed(0)), ("account", Value::Address(array_address(0)))];
    assert_eq!(refusal.details(), details);

    let mut pool = open(&pool_data(64, LIQUIDITY));
    pool.write(&array_address(0), None).expect("nothing to decode");
    let refusal = pool.quote(&NOW, &SwapRequest::new(u64::MAX >> 8, true, true)).expect_err("far");
    assert_eq!((refusal.name, refusal.code), ("TickArraySequenceInvalidIndex", Some(6038)));
    assert_eq!(refusal.details()[0], ("start_tick_index", Value::Signed(-5632)));
    assert!(pool.quote(&NOW, &SwapRequest::new(1_000, true, true)).is_ok());
}

#[test]
fn adaptive_pool_needs_oracle_and_clock() {
    let mut pool = complete_pool(&pool_data(1024, LIQUIDITY));
    let missing = SetAside::Missing { reason: "missing_oracle", account: oracle_address() };
    assert_eq!(pool.obstacle(&NOW), Some(missing));
    let refusal = pool.quote(&NOW, &SwapRequest::new(1_000, true, true)).expect_err("no oracle");
    assert_eq!(refusal.kind, RefusalKind::MissingAccount);
    assert_eq!(write(&mut *pool, oracle_address(), &oracle_data()), Ok(true));
    assert_eq!(write(&mut *pool, oracle_address(), &oracle_data()), Ok(false));
    assert_eq!(pool.obstacle(&Environment::default()), Some(SetAside::MissingClock));
    assert_eq!(pool.obstacle(&NOW), None);
    assert!(pool.depends_on_time());
    assert!(pool.quote(&NOW, &SwapRequest::new(1_000, true, true)).is_ok());
}

#[test]
fn clocks_behind_the_pool_are_taken_as_its_last_change_unless_told_otherwise() {
    let mut pool = complete_pool(&pool_data(64, LIQUIDITY));
    let request = SwapRequest::new(1_000, true, true);
    assert!(pool.quote(&at(999), &request).is_ok());
    pool.refuse_lagging_clocks();
    let refusal = pool.quote(&at(999), &request).expect_err("the clock is behind");
    assert_eq!((refusal.name, refusal.code), ("InvalidTimestamp", Some(6022)));
    assert!(pool.quote(&NOW, &request).is_ok());
}

#[test]
fn pool_without_liquidity_still_answers() {
    let pool = complete_pool(&pool_data(64, 0));
    assert_eq!(pool.obstacle(&NOW), Some(SetAside::NoLiquidity));
    let refusal = pool.quote(&NOW, &SwapRequest::new(5, true, true)).expect_err("runs to the end");
    assert_eq!((refusal.kind, refusal.code), (RefusalKind::Program, Some(6038)));
    assert!(pool.marginal_rate(&NOW, true) <= 0.0);
}

#[test]
fn arrays_are_taken_at_their_derived_address_only() {
    let mut pool = open(&pool_data(64, LIQUIDITY));
    // Within reach, out of reach, and then at an address of someone's choice.
    assert_eq!(write(&mut *pool, array_address(0), &array_data(POOL, 0)), Ok(true));
    assert_eq!(write(&mut *pool, array_address(0), &array_data(POOL, 0)), Ok(false));
    assert_eq!(write(&mut *pool, array_address(56_320), &array_data(POOL, 56_320)), Ok(true));
    for (address, data) in [
        (Pubkey([9; 32]), array_data(POOL, 5632)),
        (array_address(0), array_data(POOL, 5632)),
        (array_address(5632), array_data(Pubkey([8; 32]), 5632)),
        (array_address(64), array_data(POOL, 64)),
        (Pubkey([9; 32]), oracle_data()),
        (array_address(0), oracle_data()),
        (array_address(0), vec![1; 9988]),
    ] {
        assert!(write(&mut *pool, address, &data).is_err());
    }
    // What was known of that start is forgotten.
    let mut dependencies = Vec::new();
    pool.dependencies(&mut dependencies);
    assert!(dependencies[2..].iter().all(|dependency| !dependency.is_known));
}

#[test]
fn lamports_at_an_untaken_address_do_not_make_an_array() {
    let mut pool = open(&pool_data(64, LIQUIDITY));
    let dust = AccountData { owner: &Pubkey([0; 32]), data: &[] };
    pool.write(&array_address(0), Some(dust)).expect("as good as not there");
    let mut dependencies = Vec::new();
    pool.dependencies(&mut dependencies);
    assert!(dependencies[4].is_known);
    let taken = AccountData { owner: &Pubkey([0; 32]), data: &[0] };
    assert!(matches!(pool.write(&array_address(0), Some(taken)), Err(DecodeError::WrongOwner { .. })));
}

#[test]
fn lasting_fields_and_owners_do_not_change() {
    let mut pool = open(&pool_data(64, LIQUIDITY));
    assert_eq!(write(&mut *pool, POOL, &pool_data(64, LIQUIDITY)), Ok(false));
    assert_eq!(write(&mut *pool, POOL, &pool_data(64, LIQUIDITY + 1)), Ok(true));
    let mut other = pool_data(64, LIQUIDITY);
    other[101] = 99;
    assert!(matches!(write(&mut *pool, POOL, &other), Err(DecodeError::ImpossibleField { .. })));
    assert!(matches!(write(&mut *pool, POOL, &oracle_data()), Err(DecodeError::ImpossibleField { .. })));
    let data = pool_data(64, LIQUIDITY);
    let foreign = AccountData { owner: &spl_token::TOKEN_2022_PROGRAM, data: &data };
    assert!(matches!(pool.write(&POOL, Some(foreign)), Err(DecodeError::WrongOwner { .. })));
    assert!(pool.write(&Pubkey([33; 32]), Some(foreign)).is_ok_and(|written| !written.changed));
}

#[test]
fn spot_price_summary_and_depth_say_the_same() {
    let pool = complete_pool(&pool_data(64, LIQUIDITY));
    let price = pool.spot_price(true).expect("a price").to_f64();
    assert!((price / 1.0001_f64.powi(100) - 1.0).abs() < 1e-9);
    assert!((pool.spot_price(false).expect("a price").to_f64() * price - 1.0).abs() < 1e-12);
    let summary = pool.summary(&NOW);
    assert_eq!(summary.fee_rate_e9, [3_000_000, 3_000_000]);
    assert_eq!(summary.liquidity, Some(LIQUIDITY));
    // Virtual reserves times what a price 2 % off takes of them.
    let liquidity = 2_f64.powi(60);
    let expected_b = liquidity * price.sqrt() * (1.0 - 0.98_f64.sqrt());
    let expected_a = liquidity / price.sqrt() * (1.0 - 1.0 / 1.02_f64.sqrt());
    assert!((summary.depth[0] as f64 / expected_a - 1.0).abs() < 1e-9);
    assert!((summary.depth[1] as f64 / expected_b - 1.0).abs() < 1e-9);
    let rate = pool.marginal_rate(&NOW, true);
    assert!((rate / (price * 0.997) - 1.0).abs() < 1e-12);
}

#[test]
fn executing_leaves_what_the_next_quote_sees() {
    let mut pool = complete_pool(&pool_data(64, LIQUIDITY));
    let request = SwapRequest::new(1_000_000_000, true, true);
    let quote = pool.quote(&NOW, &request).expect("a quote");
    assert!(quote.fee_on_input && quote.fee == 3_000_000);
    let done = pool.execute(&NOW, &request).expect("a swap");
    assert_eq!(done.quote, quote);
    let again = pool.quote(&NOW, &request).expect("a quote");
    assert!(again.user_out < quote.user_out);
    let digest = |pool: &dyn PoolState| {
        let mut bytes = Vec::new();
        pool.digest(&mut |part| bytes.extend_from_slice(part));
        bytes
    };
    assert_ne!(digest(&*pool), digest(&*complete_pool(&pool_data(64, LIQUIDITY))));
}

fn write_vault(pool: &mut dyn PoolState, side: usize, amount: u64, is_frozen: bool) {
    let mut data = vec![0; 165];
    data[..32].copy_from_slice(&MINTS[side].0);
    data[64..72].copy_from_slice(&amount.to_le_bytes());
    data[108] = if is_frozen { 2 } else { 1 };
    let owner = spl_token::TOKEN_PROGRAM;
    pool.write(&VAULTS[side], Some(AccountData { owner: &owner, data: &data })).expect("a vault");
}

#[test]
fn vaults_count_where_they_are_known() {
    let mut pool = complete_pool(&pool_data(64, LIQUIDITY));
    let request = SwapRequest::new(1_000_000, true, true);
    let quote = pool.quote(&NOW, &request).expect("a quote");
    let refused = |pool: &dyn PoolState| {
        let refusal = pool.quote(&NOW, &request).expect_err("refused");
        assert_eq!(pool.boxed_clone().execute(&NOW, &request), Err(refusal.clone()));
        (refusal.name, refusal.code)
    };
    write_vault(&mut *pool, 0, u64::MAX - 1_000_000, false);
    write_vault(&mut *pool, 1, quote.vault_out, false);
    assert_eq!(pool.quote(&NOW, &request), Ok(quote));
    assert!(pool.boxed_clone().execute(&NOW, &request).is_ok());
    write_vault(&mut *pool, 1, quote.vault_out - 1, false);
    assert_eq!(refused(&*pool), ("insufficient funds", Some(1)));
    write_vault(&mut *pool, 1, quote.vault_out, false);
    write_vault(&mut *pool, 0, u64::MAX - 999_999, false);
    assert_eq!(refused(&*pool), ("insufficient funds", Some(1)));
    write_vault(&mut *pool, 0, 0, false);
    assert_eq!(pool.obstacle(&NOW), None);
    for side in [0, 1] {
        write_vault(&mut *pool, side, 1 << 60, true);
        assert_eq!(refused(&*pool), ("Account is frozen", Some(17)));
        assert_eq!(pool.obstacle(&NOW), Some(SetAside::FrozenVault(VAULTS[side])));
        write_vault(&mut *pool, side, 1 << 60, false);
    }
}
