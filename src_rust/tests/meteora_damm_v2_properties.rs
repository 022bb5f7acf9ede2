//! What must hold of every swap on a Meteora DAMM v2 pool, whatever the pool.
//!
//! Left out where the program itself breaks them: a rate limiter rounds its *rate*, so that its fee
//! jumps; a compounding fee and a decayed volatility make the second of two swaps cheaper.

use phantom_core::amm_math::Segment;
use phantom_core::decoders::spl_token::TOKEN_2022_PROGRAM;
use phantom_core::decoders::sysvar::Clock;
use phantom_core::quantities::Pubkey;
use phantom_core::swap::{Environment, Quote, SwapRequest};
use phantom_core::venues::meteora_damm_v2::{DammPool, PROGRAM};
use phantom_core::venues::{AccountData, NewPool, PoolState};
use proptest::prelude::*;

const NOW: Environment =
    Environment { clock: Some(Clock { slot: 400_000_000, epoch: 900, unix_timestamp: 1_780_000_000 }) };
const MINTS: [Pubkey; 2] = [Pubkey([1; 32]), Pubkey([2; 32])];

/// The fields of a pool that vary here; everything else is as the program creates it.
#[derive(Debug, Clone, Copy)]
struct Spec {
    collect_fee_mode: u8,
    sqrt_min_price: u128,
    sqrt_max_price: u128,
    sqrt_price: u128,
    liquidity: u128,
    reserves: [u64; 2],
    cliff_fee_numerator: u64,
    /// Increment and highest rate in basis points, and reference amount.
    limiter: Option<(u16, u32, u64)>,
    volatility: u32,
    /// Basis points and maximum.
    transfer_fees: [Option<(u16, u64)>; 2],
}

fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}

impl Spec {
    fn account(&self) -> Vec<u8> {
        let mut data = vec![0; 1112];
        put(&mut data, 0, &[241, 154, 109, 4, 17, 177, 109, 188]);
        put(&mut data, 8, &self.cliff_fee_numerator.to_le_bytes());
        if let Some((increment, highest, reference)) = self.limiter {
            data[16] = 2;
            put(&mut data, 22, &increment.to_le_bytes());
            put(&mut data, 24, &1000_u32.to_le_bytes());
            put(&mut data, 28, &highest.to_le_bytes());
            put(&mut data, 32, &reference.to_le_bytes());
        }
        data[48] = 20;
        if self.collect_fee_mode == 2 {
            put(&mut data, 54, &5000_u16.to_le_bytes());
        }
        if self.volatility > 0 {
            data[56] = 1;
            put(&mut data, 64, &10_000_000_u32.to_le_bytes());
            put(&mut data, 68, &50_000_u32.to_le_bytes());
            put(&mut data, 72, &1_u16.to_le_bytes());
            put(&mut data, 74, &10_u16.to_le_bytes());
            put(&mut data, 76, &120_u16.to_le_bytes());
            put(&mut data, 80, &1_780_000_000_u64.to_le_bytes());
            put(&mut data, 88, &1_844_674_407_370_955_u128.to_le_bytes());
            put(&mut data, 104, &self.sqrt_price.to_le_bytes());
            put(&mut data, 120, &u128::from(self.volatility).to_le_bytes());
            put(&mut data, 136, &u128::from(self.volatility).to_le_bytes());
        }
        put(&mut data, 168, &MINTS[0].0);
        put(&mut data, 200, &MINTS[1].0);
        put(&mut data, 232, &[3; 32]);
        put(&mut data, 264, &[4; 32]);
        put(&mut data, 360, &self.liquidity.to_le_bytes());
        put(&mut data, 424, &self.sqrt_min_price.to_le_bytes());
        put(&mut data, 440, &self.sqrt_max_price.to_le_bytes());
        put(&mut data, 456, &self.sqrt_price.to_le_bytes());
        put(&mut data, 472, &1_780_000_000_u64.to_le_bytes());
        data[480] = 1;
        data[484] = self.collect_fee_mode;
        data[486] = 1;
        put(&mut data, 680, &self.reserves[0].to_le_bytes());
        put(&mut data, 688, &self.reserves[1].to_le_bytes());
        // A range's reserves are left to the pool.
        data[696] = u8::from(self.collect_fee_mode == 2);
        data
    }

    fn pool(&self) -> DammPool {
        let data = self.account();
        let (address, program) = (Pubkey([9; 32]), PROGRAM);
        let new = NewPool { address, program, data: &data, assume_plain_mints: true };
        let mut pool = DammPool::open(&new).expect("a pool");
        for (mint, fee) in MINTS.iter().zip(self.transfer_fees) {
            if let Some((basis_points, maximum)) = fee {
                let data = mint_with_fee(basis_points, maximum);
                let account = AccountData { owner: &TOKEN_2022_PROGRAM, data: &data };
                pool.write(mint, Some(account)).expect("a mint");
            }
        }
        pool
    }
}

fn mint_with_fee(basis_points: u16, maximum: u64) -> Vec<u8> {
    let mut data = vec![0; 278];
    put(&mut data, 36, &u64::MAX.to_le_bytes());
    data[45] = 1;
    data[165] = 1;
    put(&mut data, 166, &1_u16.to_le_bytes());
    put(&mut data, 168, &108_u16.to_le_bytes());
    for offset in [170 + 72, 170 + 90] {
        put(&mut data, offset + 8, &maximum.to_le_bytes());
        put(&mut data, offset + 16, &basis_points.to_le_bytes());
    }
    data
}

fn exact_in(pool: &DammPool, a_to_b: bool, amount: u64) -> Option<Quote> {
    pool.quote(&NOW, &SwapRequest::new(amount, true, a_to_b)).ok()
}

fn amount() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..63).prop_map(|(value, shift)| (value >> shift).max(1))
}

/// Pools with any fee but a rate limiter's.
fn spec() -> impl Strategy<Value = Spec> {
    let transfer_fee = || {
        prop_oneof![Just(None), (0_u16..=10_000, prop_oneof![Just(u64::MAX), 0_u64..1 << 40]).prop_map(Some)]
    };
    (
        (0_u8..3, 40_u32..90, any::<u64>(), 1_u64..1 << 34, 1_u64..1 << 34, 70_u32..110),
        (any::<u64>(), 0_u32..40, any::<u64>(), 0_u32..40),
        (100_000_u64..900_000_000, 0_u32..1_000_000, transfer_fee(), transfer_fee()),
    )
        .prop_map(
            |(
                (mode, bits, low, below, above, liquidity),
                (a, cut_a, b, cut_b),
                (cliff, volatility, t, u),
            )| {
                let sqrt_price = (1_u128 << bits) + u128::from(low) % (1 << bits);
                let factor = |part: u64| (u128::from(part) << 20) / (1 << 34);
                Spec {
                    collect_fee_mode: mode,
                    sqrt_min_price: (sqrt_price - (sqrt_price >> 21) * factor(below)).max(4_295_048_016),
                    sqrt_max_price: sqrt_price + (sqrt_price >> 20) * (1 + factor(above)),
                    sqrt_price,
                    liquidity: (1 << liquidity) + u128::from(low),
                    reserves: [(a >> cut_a).max(1), (b >> cut_b).max(1)],
                    cliff_fee_numerator: cliff,
                    limiter: None,
                    volatility: if volatility % 3 == 0 { 0 } else { volatility },
                    transfer_fees: [t, u],
                }
            },
        )
}

/// Pools that charge more for more.
fn limited() -> impl Strategy<Value = Spec> {
    let limiter = (1_u16..500, 9_000_u32..=9_900, 1_000_u64..1 << 40);
    (spec(), limiter).prop_map(|(spec, limiter)| Spec {
        collect_fee_mode: 1,
        limiter: Some(limiter),
        cliff_fee_numerator: spec.cliff_fee_numerator.min(500_000_000),
        ..spec
    })
}

fn plain() -> impl Strategy<Value = Spec> {
    spec().prop_map(|spec| Spec { collect_fee_mode: spec.collect_fee_mode % 2, volatility: 0, ..spec })
}

/// What `segments` give for an input, or `None` beyond their end.
#[allow(clippy::cast_precision_loss, reason = "approximate by design")]
fn modelled(pool: &DammPool, a_to_b: bool, amount: u64) -> Option<f64> {
    let mut segments: Vec<Segment> = Vec::new();
    pool.segments(&NOW, a_to_b, &mut segments);
    let (mut left, mut output) = (amount as f64, 0.0);
    for segment in &segments {
        let x = left.min(segment.max_in);
        output += segment.gain * x / (segment.base + segment.drag * x);
        left -= x;
    }
    (left <= 0.0).then_some(output)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn output_never_falls_when_input_grows(spec in spec(), less in amount(), more in amount(), a_to_b: bool) {
        let (pool, less, more) = (spec.pool(), less.min(more), less.max(more));
        if let (Some(small), Some(large)) = (exact_in(&pool, a_to_b, less), exact_in(&pool, a_to_b, more)) {
            prop_assert!(small.user_out <= large.user_out);
        }
    }

    #[test]
    fn input_never_falls_when_output_grows(spec in spec(), less in amount(), more in amount(), a_to_b: bool) {
        let (pool, less, more) = (spec.pool(), less.min(more), less.max(more));
        let quote = |amount| pool.quote(&NOW, &SwapRequest::new(amount, false, a_to_b));
        if let (Ok(small), Ok(large)) = (quote(less), quote(more)) {
            prop_assert!(small.user_in <= large.user_in);
        }
    }

    #[test]
    fn a_higher_fee_never_gives_more(spec in spec(), amount in amount(), a_to_b: bool, more in 1_u64..90_000_000) {
        let dearer = Spec { cliff_fee_numerator: spec.cliff_fee_numerator + more, ..spec };
        let quotes = (exact_in(&spec.pool(), a_to_b, amount), exact_in(&dearer.pool(), a_to_b, amount));
        if let (Some(cheap), Some(dear)) = quotes {
            prop_assert!(dear.user_out <= cheap.user_out);
        }
    }

    #[test]
    fn splitting_never_beats_one_swap(spec in plain(), first in amount(), second in amount(), a_to_b: bool) {
        let (first, second) = ((first >> 1).max(1), (second >> 1).max(1));
        // Two transfers may pay a transfer fee's maximum twice, or one of them less: leave it out.
        let mut pool = Spec { transfer_fees: [None; 2], ..spec }.pool();
        let whole = exact_in(&pool, a_to_b, first + second);
        let part = pool.execute(&NOW, &SwapRequest::new(first, true, a_to_b));
        if let (Some(whole), Ok(part)) = (whole, part)
            && let Some(rest) = exact_in(&pool, a_to_b, second)
        {
            prop_assert!(part.quote.user_out + rest.user_out <= whole.user_out);
        }
    }

    #[test]
    fn there_and_back_never_gains(
        spec in prop_oneof![spec(), limited()], paid in amount(), a_to_b: bool,
    ) {
        let mut pool = spec.pool();
        if let Ok(there) = pool.execute(&NOW, &SwapRequest::new(paid, true, a_to_b))
            && there.quote.user_out > 0
            && let Some(back) = exact_in(&pool, !a_to_b, there.quote.user_out)
        {
            prop_assert!(back.user_out <= there.quote.user_in);
        }
    }

    #[test]
    fn the_input_of_an_exact_output_buys_it(spec in spec(), wanted in amount(), a_to_b: bool) {
        let pool = spec.pool();
        if let Ok(needed) = pool.quote(&NOW, &SwapRequest::new(wanted, false, a_to_b))
            && let Some(bought) = exact_in(&pool, a_to_b, needed.user_in)
        {
            prop_assert!(bought.user_out >= wanted);
        }
    }

    #[test]
    fn quote_and_execution_agree_and_refusals_change_nothing(
        spec in prop_oneof![spec(), limited()], amount in amount(), exact_in: bool, partial_fill: bool, a_to_b: bool,
    ) {
        let pool = spec.pool();
        let request = SwapRequest { partial_fill: partial_fill && exact_in, ..SwapRequest::new(amount, exact_in, a_to_b) };
        let mut after = pool.clone();
        let executed = after.execute(&NOW, &request);
        prop_assert_eq!(pool.quote(&NOW, &request), executed.as_ref().map(|done| done.quote).map_err(Clone::clone));
        if let Ok(done) = executed {
            let quote = done.quote;
            prop_assert_eq!(quote.user_in - quote.input_transfer_fee, quote.vault_in);
            prop_assert_eq!(quote.vault_out - quote.output_transfer_fee, quote.user_out);
        } else {
            prop_assert_eq!(after.account(), pool.account());
        }
    }

    #[test]
    fn a_partial_fill_takes_what_an_exact_input_could(spec in spec(), amount in amount(), a_to_b: bool) {
        let pool = spec.pool();
        let request = SwapRequest { partial_fill: true, ..SwapRequest::new(amount, true, a_to_b) };
        if let (Some(whole), Ok(part)) = (exact_in(&pool, a_to_b, amount), pool.quote(&NOW, &request)) {
            prop_assert_eq!(part.user_out, whole.user_out);
            prop_assert!(part.user_in <= amount);
        }
    }

    #[test]
    #[allow(clippy::cast_precision_loss, reason = "approximate by design")]
    fn segments_follow_the_exact_quotes(
        spec in prop_oneof![spec(), limited()], amount in amount(), a_to_b: bool,
    ) {
        let pool = spec.pool();
        let Some(exact) = exact_in(&pool, a_to_b, amount) else { return Ok(()) };
        let Some(model) = modelled(&pool, a_to_b, amount) else {
            // At most at the very end of the range, where rounding decides, or after many steps.
            prop_assume!(spec.limiter.is_none());
            let further = exact_in(&pool, a_to_b, amount.saturating_add(amount / 1000).saturating_add(10));
            prop_assert!(further.is_none_or(|further| further.user_out <= exact.user_out + exact.user_out / 500 + 10));
            return Ok(());
        };
        let exact = exact.user_out as f64;
        prop_assert!(model >= exact * (1.0 - 1e-9) - 1e-6, "understated: {model} for {exact}");
        // A few roundings of the input and of the output; a limiter's rate is rounded up to 1e-9.
        let price = pool.spot_price(a_to_b).expect("a price").to_f64();
        let rounding = 4.0 + 4.0 * price * (1.0 + amount as f64 * 1e-9);
        prop_assert!(model - exact <= rounding + exact * 1e-6, "overstated: {model} for {exact}");
    }

    #[test]
    fn the_marginal_rate_is_the_first_segments(spec in prop_oneof![spec(), limited()], a_to_b: bool) {
        let pool = spec.pool();
        let mut segments = Vec::new();
        pool.segments(&NOW, a_to_b, &mut segments);
        let first = segments.first().map_or(0.0, |segment| segment.gain / segment.base);
        prop_assert!((pool.marginal_rate(&NOW, a_to_b) - first).abs() <= 0.0);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(mut data in prop::collection::vec(any::<u8>(), 0..1200), amount in amount()) {
        if let Some(start) = data.get_mut(..8) {
            start.copy_from_slice(&[241, 154, 109, 4, 17, 177, 109, 188]);
        }
        for offset in [16, 480, 481, 484, 486, 696] {
            if let Some(byte) = data.get_mut(offset) {
                *byte %= if offset == 481 { 1 } else { 2 };
            }
        }
        let new = NewPool { address: Pubkey([9; 32]), program: PROGRAM, data: &data, assume_plain_mints: true };
        if let Ok(mut pool) = DammPool::open(&new) {
            let _ = (pool.obstacle(&NOW), pool.spot_price(true), pool.summary(&NOW), pool.depends_on_time());
            for a_to_b in [true, false] {
                pool.segments(&NOW, a_to_b, &mut Vec::new());
                for exact_in in [true, false] {
                    let request = SwapRequest::new(amount, exact_in, a_to_b);
                    let quoted = pool.quote(&NOW, &request);
                    prop_assert_eq!(quoted.ok(), pool.execute(&NOW, &request).ok().map(|done| done.quote));
                }
            }
        }
    }
}
