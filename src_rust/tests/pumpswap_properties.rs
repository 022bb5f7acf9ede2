//! What must hold of every trade on a `PumpSwap` pool.
//!
//! Left out where the rules themselves break them: the liquidity providers' fee on a sale stays in
//! the vault and makes the second part of a split sale dearer; each of three fees is rounded up on
//! its own, which the inverse of a sale does not know.

mod property_config;
mod reserve_pools;

use phantom_core::pda::find_program_address;
use phantom_core::quantities::Pubkey;
use phantom_core::swap::SwapRequest;
use phantom_core::venues::pumpswap::{
    FEE_CONFIG, FEE_PROGRAM, GLOBAL_CONFIG, PROGRAM, PUMP_PROGRAM, PumpSwapPool,
};
use phantom_core::venues::{AccountData, NewPool, PoolState, SetAside};
use proptest::prelude::*;
use reserve_pools::{MINTS, NOW, VAULTS, by_segments, exact_in, execute, mint, put, token_account, write};

#[derive(Debug, Clone, Copy)]
struct Spec {
    reserves: [u64; 2],
    virtual_quote: i128,
    /// Of liquidity providers, protocol and creator, in 1e-4.
    fees: [u64; 3],
    has_creator: bool,
}

/// A pool that Pump made (`canonical`) or anyone else.
fn account(spec: &Spec, canonical: bool) -> Vec<u8> {
    let mut data = vec![0; 300];
    put(&mut data, 0, &[241, 154, 109, 4, 17, 177, 109, 188]);
    let seeds: [&[u8]; 2] = [b"pool-authority", &MINTS[0].0];
    let authority = find_program_address(&seeds, &PUMP_PROGRAM).expect("derivable").0;
    let creator = if canonical { authority } else { Pubkey([8; 32]) };
    // Quoted in wrapped SOL, so that a canonical pool has tiers.
    put(
        &mut data,
        11,
        &[creator, MINTS[0], quote_mint(canonical), Pubkey([7; 32])].map(|key| key.0).concat(),
    );
    put(&mut data, 139, &VAULTS.map(|key| key.0).concat());
    if spec.has_creator {
        put(&mut data, 211, &[6; 32]);
    }
    put(&mut data, 245, &spec.virtual_quote.to_le_bytes());
    data
}

fn quote_mint(canonical: bool) -> Pubkey {
    let sol = "So11111111111111111111111111111111111111112";
    if canonical { sol.parse().expect("an address") } else { MINTS[1] }
}

/// Fee schedules: `fees` flat, and from a capitalisation of 1,000,000 on twice that in SOL tiers.
fn fee_config(fees: [u64; 3]) -> Vec<u8> {
    let mut data = vec![0; 2512];
    put(&mut data, 0, &[143, 52, 146, 187, 219, 123, 76, 155]);
    let words = |fees: [u64; 3]| fees.map(u64::to_le_bytes).concat();
    put(&mut data, 41, &words(fees));
    put(&mut data, 65, &2_u32.to_le_bytes());
    put(&mut data, 85, &words(fees));
    put(&mut data, 109, &1_000_000_u128.to_le_bytes());
    put(&mut data, 125, &words(fees.map(|fee| 2 * fee)));
    data
}

fn global_config(disable_flags: u8) -> Vec<u8> {
    let mut data = vec![0; 949];
    put(&mut data, 0, &[149, 8, 156, 202, 160, 252, 176, 217]);
    data[56] = disable_flags;
    data
}

fn write_config(pool: &mut PumpSwapPool, address: Pubkey, owner: Pubkey, data: &[u8]) -> bool {
    let account = AccountData { owner: &owner, data };
    pool.write(&address, Some(account)).expect("a sound account").changed
}

fn open(spec: &Spec, canonical: bool) -> PumpSwapPool {
    let data = account(spec, canonical);
    let address = Pubkey([9; 32]);
    let new = NewPool { address, program: PROGRAM, data: &data, assume_plain_mints: true };
    let mut pool = PumpSwapPool::open(&new).expect("a sound account");
    write_config(&mut pool, GLOBAL_CONFIG, PROGRAM, &global_config(0));
    write_config(&mut pool, FEE_CONFIG, FEE_PROGRAM, &fee_config(spec.fees));
    write(&mut pool, VAULTS[0], &token_account(MINTS[0], spec.reserves[0]));
    write(&mut pool, VAULTS[1], &token_account(quote_mint(canonical), spec.reserves[1]));
    pool
}

impl Spec {
    fn pool(&self) -> PumpSwapPool {
        open(self, false)
    }
}

fn specs() -> impl Strategy<Value = Spec> {
    let virtual_quote = prop_oneof![Just(0_i128), 0_i128..1 << 50];
    (
        1_000_u64..1 << 50,
        1_000_u64..1 << 50,
        virtual_quote,
        [0_u64..300, 0_u64..300, 0_u64..300],
        any::<bool>(),
    )
        .prop_map(|(base, quote, virtual_quote, fees, has_creator)| Spec {
            reserves: [base, quote],
            virtual_quote,
            fees,
            has_creator,
        })
}

const PLAIN: Spec = Spec { reserves: [1_000_000; 2], virtual_quote: 0, fees: [20, 5, 30], has_creator: true };

#[test]
fn the_supply_of_a_pump_coin_moves_its_fees() {
    let mut pool = open(&PLAIN, true);
    let missing = SetAside::Missing { reason: "missing_mint", account: MINTS[0] };
    assert_eq!(pool.obstacle(&NOW), Some(missing));
    assert!(exact_in(&pool, true, 10_000).is_none());
    // Worth 999,999 at equal reserves: the first tier. floor(10^10 / 1010000) = 9900, 20 + 5 + 30 off.
    assert!(write(&mut pool, MINTS[0], &mint(999_999)));
    assert_eq!(pool.obstacle(&NOW), None);
    assert_eq!(exact_in(&pool, true, 10_000).map(|quote| quote.user_out), Some(9_900 - 55));
    assert!(!write(&mut pool, MINTS[0], &mint(500_000)));
    assert!(write(&mut pool, MINTS[0], &mint(1_000_000)));
    assert_eq!(exact_in(&pool, true, 10_000).map(|quote| quote.user_out), Some(9_900 - 110));
}

#[test]
fn disabled_directions_are_refused_in_the_programs_words() {
    let mut pool = PLAIN.pool();
    assert!(write_config(&mut pool, GLOBAL_CONFIG, PROGRAM, &global_config(1 << 4)));
    let refused = pool.quote(&NOW, &SwapRequest::new(1_000, true, true)).expect_err("disabled");
    assert_eq!((refused.name, refused.code), ("DisabledSell", Some(6021)));
    assert!(exact_in(&pool, false, 1_000).is_some());
    assert_eq!((pool.obstacle(&NOW), pool.marginal_rate(&NOW, true).to_bits()), (None, 0));
    write_config(&mut pool, GLOBAL_CONFIG, PROGRAM, &global_config(0b11 << 3));
    assert_eq!(pool.obstacle(&NOW), Some(SetAside::Disabled { status: 24 }));
}

#[test]
fn configurations_count_only_from_their_programs() {
    let mut pool = PLAIN.pool();
    let account = AccountData { owner: &PROGRAM, data: &fee_config([0; 3]) };
    assert!(pool.write(&FEE_CONFIG, Some(account)).is_err());
    let missing = SetAside::Missing { reason: "missing_config", account: FEE_CONFIG };
    assert_eq!(pool.obstacle(&NOW), Some(missing));
}

proptest! {
    #![proptest_config(property_config::cases(512))]

    #[test]
    fn more_in_never_gives_less_out(spec in specs(), amount in 1_u64..1 << 50, more in 4_u64..1 << 50, a_to_b: bool) {
        let pool = spec.pool();
        let (Some(less), Some(most)) = (exact_in(&pool, a_to_b, amount), exact_in(&pool, a_to_b, amount + more))
            else { return Ok(()) };
        // Three fees rounded up on their own may rise by one each when the amount does.
        let rounding = if a_to_b { 2 } else { 0 };
        prop_assert!(most.user_out + rounding >= less.user_out);
    }

    #[test]
    fn splitting_a_buy_never_beats_it(spec in specs(), first in 1_u64..1 << 48, second in 1_u64..1 << 48) {
        let pool = spec.pool();
        let mut split = pool.clone();
        let (Some(one), Some(two)) = (execute(&mut split, false, first), execute(&mut split, false, second))
            else { return Ok(()) };
        let Some(whole) = exact_in(&pool, false, first + second + 4) else { return Ok(()) };
        prop_assert!(one.user_out + two.user_out <= whole.user_out);
    }

    #[test]
    fn splitting_a_sale_that_leaves_no_fee_never_beats_it(
        spec in specs(), first in 1_u64..1 << 48, second in 1_u64..1 << 48,
    ) {
        let pool = Spec { fees: [0, spec.fees[1], spec.fees[2]], ..spec }.pool();
        let mut split = pool.clone();
        let (Some(one), Some(two)) = (execute(&mut split, true, first), execute(&mut split, true, second))
            else { return Ok(()) };
        let Some(whole) = exact_in(&pool, true, first + second) else { return Ok(()) };
        prop_assert!(one.user_out + two.user_out <= whole.user_out);
    }

    #[test]
    fn there_and_back_never_gains(spec in specs(), amount in 1_u64..1 << 50, a_to_b: bool) {
        let mut pool = spec.pool();
        let Some(there) = execute(&mut pool, a_to_b, amount) else { return Ok(()) };
        let Some(back) = execute(&mut pool, !a_to_b, there.user_out) else { return Ok(()) };
        prop_assert!(back.user_out <= amount);
    }

    #[test]
    fn an_exact_output_takes_enough_but_for_rounding(spec in specs(), wanted in 1_u64..1 << 50, a_to_b: bool) {
        let pool = spec.pool();
        let Ok(quote) = pool.quote(&NOW, &SwapRequest::new(wanted, false, a_to_b)) else { return Ok(()) };
        prop_assert_eq!(quote.user_out, wanted);
        if a_to_b {
            let Some(again) = exact_in(&pool, true, quote.user_in) else { return Ok(()) };
            prop_assert!(again.user_out + 3 >= wanted);
        } else {
            let Some(again) = exact_in(&pool, false, quote.user_in.saturating_add(4)) else { return Ok(()) };
            prop_assert!(again.user_out >= wanted);
        }
    }

    #[test]
    fn higher_fees_never_give_more(spec in specs(), amount in 1_u64..1 << 50, rise in 1_u64..200, which in 0_usize..3, a_to_b: bool) {
        let mut dearer = spec;
        dearer.fees[which] += rise;
        let Some(dear) = exact_in(&dearer.pool(), a_to_b, amount) else { return Ok(()) };
        let cheap = exact_in(&spec.pool(), a_to_b, amount);
        // A higher fee may leave so much in the vault that it suffices.
        prop_assert!(cheap.is_none_or(|cheap| cheap.user_out >= dear.user_out));
    }

    #[test]
    fn segments_never_understate(spec in specs(), amount in 1_u64..1 << 50, a_to_b: bool) {
        let pool = spec.pool();
        let Some(quote) = exact_in(&pool, a_to_b, amount) else { return Ok(()) };
        let seen = by_segments(&pool, a_to_b, amount);
        prop_assert!(seen * (1.0 + 1e-9) >= quote.user_out as f64, "{seen} understates {}", quote.user_out);
        let most = pool.marginal_rate(&NOW, a_to_b) * amount as f64;
        prop_assert!(most * (1.0 + 1e-9) >= quote.user_out as f64, "{most} understates {}", quote.user_out);
    }
}
