//! What must hold of every Whirlpool swap, whatever the pool.

mod property_config;

use std::collections::{BTreeMap, BTreeSet};

use phantom_core::amm_math::tick_math::{MAX_TICK_INDEX, MIN_TICK_INDEX, sqrt_price_from_tick_index};
use phantom_core::amm_math::whirlpool::{
    ComputeContext, PoolView, SwapRequest, TickArrays, WhirlpoolError, quote, required_starts, swap,
};
use phantom_core::amm_math::{Curve, Segment};
use phantom_core::decoders::orca_whirlpool::TickArrayLayout;
use phantom_core::decoders::{TickArray, Whirlpool};
use phantom_core::quantities::Pubkey;
use proptest::prelude::*;

/// A pool with liquidity from positions around its price.
#[derive(Debug, Clone)]
struct Market {
    pool: Whirlpool,
    arrays: TickArrays,
}

impl Market {
    /// Positions are (spacings below, spacings above, liquidity).
    fn new(spacing: u16, fee_rate_e6: u16, tick: i32, past: u128, positions: &[(i32, i32, u64)]) -> Self {
        let step = i32::from(spacing);
        let base = tick.div_euclid(step) * step;
        let mut nets = BTreeMap::<i32, i128>::new();
        let mut liquidity = 0;
        for &(below, above, amount) in positions {
            let lower = (base - below * step).max((MIN_TICK_INDEX.div_euclid(step) + 1) * step);
            let upper = (base + (above + 1) * step).min(MAX_TICK_INDEX.div_euclid(step) * step);
            *nets.entry(lower).or_default() += i128::from(amount);
            *nets.entry(upper).or_default() -= i128::from(amount);
            if lower <= tick && tick < upper {
                liquidity += u128::from(amount);
            }
        }
        let low = sqrt_price_from_tick_index(tick);
        let pool = Whirlpool {
            whirlpools_config: Pubkey::default(),
            tick_spacing: spacing,
            fee_tier_index: spacing,
            fee_rate_e6,
            protocol_fee_rate_bps: 300,
            liquidity,
            sqrt_price_x64: low + past % (sqrt_price_from_tick_index(tick + 1) - low),
            tick_current_index: tick,
            protocol_fee_owed_a: 0,
            protocol_fee_owed_b: 0,
            token_mint_a: Pubkey([1; 32]),
            token_vault_a: Pubkey([2; 32]),
            fee_growth_global_a: 0,
            token_mint_b: Pubkey([3; 32]),
            token_vault_b: Pubkey([4; 32]),
            fee_growth_global_b: 0,
            reward_last_updated_timestamp: 0,
            rewards: 0,
        };
        let mut arrays = TickArrays::new(spacing);
        arrays.set_all_others_absent(true);
        let span = pool.ticks_in_array();
        let starts: BTreeSet<i32> = nets.keys().map(|tick| tick.div_euclid(span) * span).collect();
        for start in starts {
            let inside: Vec<_> = nets.range(start..start + span).collect();
            let array = TickArray {
                start_tick_index: start,
                whirlpool: Pubkey::default(),
                layout: TickArrayLayout::Fixed,
                initialized: inside.iter().map(|(tick, _)| 1_u128 << ((**tick - start) / step)).sum(),
                liquidity_net: inside.iter().map(|(_, net)| **net).collect(),
            };
            arrays.set(start, Some(&array)).expect("an array of this pool");
        }
        Self { pool, arrays }
    }

    fn view(&self) -> PoolView<'_> {
        PoolView {
            pool: &self.pool,
            arrays: &self.arrays,
            oracle: None,
            transfer_fee_a: None,
            transfer_fee_b: None,
            unix_timestamp: 0,
            compute: ComputeContext { limit: u32::MAX, ..ComputeContext::default() },
        }
    }
}

fn market() -> impl Strategy<Value = Market> {
    let spacing = prop_oneof![Just(1_u16), Just(8), Just(64), Just(128)];
    let fee = prop_oneof![Just(0_u16), Just(100), Just(3000), 0_u16..=60_000];
    let positions = prop::collection::vec((0_i32..60, 0_i32..60, 1_u64..1 << 60), 1..6);
    (spacing, fee, -200_000_i32..200_000, any::<u128>(), positions)
        .prop_map(|(spacing, fee, tick, past, positions)| Market::new(spacing, fee, tick, past, &positions))
}

fn amount() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..63).prop_map(|(value, shift)| (value >> shift).max(1))
}

proptest! {
    #![proptest_config(property_config::cases(1024))]

    #[test]
    fn output_never_falls_when_input_grows(m in market(), less in amount(), more in amount(), a_to_b: bool) {
        let (less, more) = (less.min(more), less.max(more));
        let view = m.view();
        if let (Ok(small), Ok(large)) = (view.quote_exact_in(a_to_b, less), view.quote_exact_in(a_to_b, more)) {
            prop_assert!(small <= large);
        }
    }

    #[test]
    fn input_never_falls_when_output_grows(m in market(), less in amount(), more in amount(), a_to_b: bool) {
        let (less, more) = (less.min(more), less.max(more));
        let view = m.view();
        let quotes = (view.quote_exact_out(a_to_b, less), view.quote_exact_out(a_to_b, more));
        if let (Ok(small), Ok(large)) = quotes {
            prop_assert!(small <= large);
        }
    }

    #[test]
    fn there_and_back_never_gains(m in market(), paid in amount(), a_to_b: bool) {
        if let Ok(there) = swap(&m.view(), &SwapRequest::new(paid, true, a_to_b)) && there.quote.user_out > 0 {
            let mut after = m.clone();
            there.post.apply(&mut after.pool, None);
            let back = SwapRequest::new(there.quote.user_out, true, !a_to_b);
            if let Ok(back) = quote(&after.view(), &back) {
                prop_assert!(back.user_out <= there.quote.user_in);
            }
        }
    }

    #[test]
    fn splitting_never_beats_one_swap(m in market(), first in amount(), second in amount(), a_to_b: bool) {
        let (first, second) = ((first >> 1).max(1), (second >> 1).max(1));
        let whole = quote(&m.view(), &SwapRequest::new(first + second, true, a_to_b));
        let part = swap(&m.view(), &SwapRequest::new(first, true, a_to_b));
        if let (Ok(whole), Ok(part)) = (whole, part) {
            let mut after = m.clone();
            part.post.apply(&mut after.pool, None);
            if let Ok(rest) = quote(&after.view(), &SwapRequest::new(second, true, a_to_b)) {
                prop_assert!(part.quote.user_out + rest.user_out <= whole.user_out);
            }
        }
    }

    #[test]
    fn quote_and_swap_give_the_same_amounts(m in market(), amount in amount(), exact_in: bool, a_to_b: bool) {
        let request = SwapRequest::new(amount, exact_in, a_to_b);
        prop_assert_eq!(quote(&m.view(), &request), swap(&m.view(), &request).map(|swap| swap.quote));
    }

    #[test]
    fn unknown_arrays_change_nothing_or_say_so(
        m in market(), amount in amount(), a_to_b: bool, known in 0_u8..64,
    ) {
        let mut partly = m.clone();
        partly.arrays.set_all_others_absent(false);
        for (index, start) in required_starts(&m.pool).enumerate() {
            if known >> index & 1 == 0 {
                partly.arrays.forget(start);
            } else if !m.arrays.exists(start) {
                partly.arrays.set(start, None).expect("a start of this pool");
            }
        }
        let request = SwapRequest::new(amount, true, a_to_b);
        match quote(&partly.view(), &request) {
            Err(WhirlpoolError::MissingTickArray { start_tick_index }) => {
                prop_assert!(!partly.arrays.is_known(start_tick_index));
            }
            answer => prop_assert_eq!(answer, quote(&m.view(), &request)),
        }
    }

    #[test]
    fn segments_follow_the_exact_quotes(m in market(), share in 0.0_f64..1.0, a_to_b: bool) {
        let view = m.view();
        let mut segments: Vec<Segment> = Vec::new();
        view.segments(a_to_b, &mut segments);
        let input = (segments.iter().map(|segment| segment.max_in).sum::<f64>() * share * 0.999).round();
        prop_assume!(input > 1e6 && input < 1e18);
        let (mut left, mut output, mut rounding) = (input, 0.0, 2.0);
        for segment in &segments {
            let x = left.min(segment.max_in);
            output += segment.gain * x / (segment.base + segment.drag * x);
            left -= x;
            // Every step rounds up to two units on the way in and one on the way out.
            rounding += 1.0 + 3.0 * segment.gain / segment.base;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above")]
        let amount = input as u64;
        if let Ok(exact) = view.quote_exact_in(a_to_b, amount) {
            let error = (output - exact as f64).abs();
            prop_assert!(error <= rounding + output * 1e-6, "{output} for {exact}");
        }
    }
}

#[test]
fn pool_with_nothing_known_is_missing_its_current_array() {
    let mut market = Market::new(64, 3000, 100, 0, &[(10, 10, 1_000_000)]);
    market.arrays = TickArrays::new(64);
    let missing = Err(WhirlpoolError::MissingTickArray { start_tick_index: 0 });
    assert_eq!(market.view().quote_exact_in(true, 1), missing);
    assert!(market.view().marginal_rate(true) <= 0.0);
}

#[test]
fn errors_carry_the_programs_names_and_numbers() {
    let market = Market::new(64, 3000, 100, 0, &[(10, 10, 1_000_000)]);
    let view = market.view();
    let zero = view.quote_exact_in(true, 0).expect_err("nothing to trade");
    assert_eq!((zero.name(), zero.code()), ("ZeroTradableAmount", Some(6035)));
    let all = view.quote_exact_in(true, u64::MAX).expect_err("more than the three arrays hold");
    assert_eq!((all.name(), all.code()), ("TickArraySequenceInvalidIndex", Some(6038)));
    let request = SwapRequest { other_amount_threshold: u64::MAX, ..SwapRequest::new(1000, true, true) };
    assert_eq!(quote(&view, &request), Err(WhirlpoolError::AmountOutBelowMinimum));
    let request = SwapRequest { sqrt_price_limit_x64: u128::MAX, ..SwapRequest::new(1000, true, true) };
    assert_eq!(quote(&view, &request), Err(WhirlpoolError::SqrtPriceOutOfBounds));
    let short = PoolView { compute: ComputeContext { limit: 10_000, ..ComputeContext::default() }, ..view };
    let dry = short.quote_exact_in(true, 1000).expect_err("no units");
    assert_eq!((dry.name(), dry.code()), ("ComputeBudgetExceeded", None));
}
