//! What must hold for every DLMM pair, whatever its bins and fees.

#[path = "common/dlmm.rs"]
mod dlmm;

use dlmm::{BinContent, Pair, environment};
use phantom_core::amm_math::Segment;
use phantom_core::swap::{Quote, Refusal, SwapRequest};
use phantom_core::venues::PoolState;
use proptest::prelude::*;

fn content() -> impl Strategy<Value = BinContent> {
    let amount = || prop_oneof![Just(0), 1_u64..100, 1_u64 << 20..1 << 40];
    let orders = || prop_oneof![3 => Just(0), 1 => 1_u64..1 << 30];
    (amount(), amount(), orders(), orders(), any::<bool>()).prop_map(
        |(amount_x, amount_y, open_orders, processed_orders, ask_side)| BinContent {
            amount_x,
            amount_y,
            open_orders,
            processed_orders,
            ask_side,
        },
    )
}

/// Token X lies above the active bin, token Y below, as liquidity does.
fn pair() -> impl Strategy<Value = Pair> {
    let bins = prop::collection::vec((-160_i32..160, content()), 1..60);
    let fees = (0_u16..20_000, prop_oneof![Just(0), 1_u32..200_000], 0_u32..400_000, 0_u32..200_000);
    (bins, fees, 1_u16..=100, -100_i32..100, 1_u8..=2, 0_u8..=1).prop_map(
        |(mut bins, (base_factor, control, most, volatility), bin_step, active_id, function_type, mode)| {
            bins.sort_by_key(|(bin_id, _)| *bin_id);
            bins.dedup_by_key(|(bin_id, _)| *bin_id);
            for (bin_id, content) in &mut bins {
                content.amount_x = if *bin_id < active_id { 0 } else { content.amount_x };
                content.amount_y = if *bin_id > active_id { 0 } else { content.amount_y };
                content.ask_side = *bin_id > active_id || (*bin_id == active_id && content.ask_side);
            }
            Pair {
                active_id,
                bin_step,
                base_factor,
                variable_fee_control: control,
                max_volatility_accumulator: most,
                volatility: volatility.min(most),
                filter_period: 30,
                function_type,
                collect_fee_mode: mode,
                bins,
            }
        },
    )
}

fn amount() -> impl Strategy<Value = u64> {
    (0_u32..42, any::<u64>()).prop_map(|(bits, random)| (1 << bits) + random % (1 << bits))
}

fn spend(pool: &dyn PoolState, amount: u64, a_to_b: bool) -> Result<Quote, Refusal> {
    pool.quote(&environment(), &SwapRequest::new(amount, true, a_to_b))
}

/// Output that the stretches promise for an input.
#[expect(clippy::cast_precision_loss, reason = "the search runs in f64")]
fn promised(segments: &[Segment], amount: u64) -> f64 {
    let mut left = amount as f64;
    let mut output = 0.0;
    for segment in segments {
        let spent = left.min(segment.max_in);
        output += segment.gain * spent / (segment.base + segment.drag * spent);
        left -= spent;
    }
    output
}

proptest! {
    #[test]
    fn more_in_never_gives_less_out(pair in pair(), amount in amount(), more in 0_u64..1 << 36, a_to_b: bool) {
        let pool = pair.pool();
        if let (Ok(less), Ok(more)) = (spend(&*pool, amount, a_to_b), spend(&*pool, amount + more, a_to_b)) {
            prop_assert!(less.user_out <= more.user_out);
        }
    }

    #[test]
    fn a_quote_is_what_is_carried_out(pair in pair(), amount in amount(), exact_in: bool, a_to_b: bool) {
        let pool = pair.pool();
        let request = SwapRequest::new(amount, exact_in, a_to_b);
        let quoted = pool.quote(&environment(), &request);
        let mut traded = pool.clone();
        prop_assert_eq!(quoted, traded.execute(&environment(), &request).map(|execution| execution.quote));
    }

    /// Within the filter period. Later, every swap that stays in its bin lets volatility decay once
    /// more (the program remembers the time only of those that leave it), so that a split can pay less.
    #[test]
    fn splitting_a_swap_never_beats_it(pair in pair(), first in amount(), second in amount(), a_to_b: bool) {
        let pool = Pair { filter_period: 60, ..pair }.pool();
        let mut traded = pool.clone();
        if let (Ok(whole), Ok(part)) = (
            spend(&*pool, first + second, a_to_b),
            traded.execute(&environment(), &SwapRequest::new(first, true, a_to_b)),
        ) && let Ok(rest) = spend(&*traded, second, a_to_b) {
            prop_assert!(part.quote.user_out + rest.user_out <= whole.user_out);
        }
    }

    #[test]
    fn there_and_back_never_gains(pair in pair(), amount in amount(), a_to_b: bool) {
        let mut pool = pair.pool();
        if let Ok(there) = pool.execute(&environment(), &SwapRequest::new(amount, true, a_to_b))
            && let Ok(back) = spend(&*pool, there.quote.user_out, !a_to_b)
        {
            prop_assert!(back.user_out <= amount);
        }
    }

    /// The program may take two units more in a bin that it empties than one that it passes, so the
    /// exact input itself is not always enough.
    #[test]
    fn the_input_for_an_output_buys_it(pair in pair(), amount in amount(), a_to_b: bool) {
        let pool = pair.pool();
        if let Ok(wanted) = pool.quote(&environment(), &SwapRequest::new(amount, false, a_to_b)) {
            prop_assert_eq!(wanted.user_out, amount);
            let slack = 2 * u64::try_from(pair.bins.len()).expect("a few");
            if let Ok(bought) = spend(&*pool, wanted.user_in + slack, a_to_b) {
                prop_assert!(bought.user_out >= amount);
            }
        }
    }

    #[test]
    fn a_higher_fee_never_gives_more(pair in pair(), more in 1_u16..1000, amount in amount(), a_to_b: bool) {
        let dearer = Pair { base_factor: pair.base_factor + more, ..pair.clone() };
        if let (Ok(cheap), Ok(dear)) = (spend(&*pair.pool(), amount, a_to_b), spend(&*dearer.pool(), amount, a_to_b)) {
            prop_assert!(dear.user_out <= cheap.user_out);
        }
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "the search runs in f64")]
    fn the_search_never_understates(pair in pair(), amount in amount(), a_to_b: bool) {
        let pool = pair.pool();
        let mut segments = Vec::new();
        pool.segments(&environment(), a_to_b, &mut segments);
        if let Ok(quote) = spend(&*pool, amount, a_to_b) {
            let output = quote.user_out as f64;
            prop_assert!(promised(&segments, amount) >= output * (1.0 - 1e-9) - 1e-6);
            prop_assert!(pool.marginal_rate(&environment(), a_to_b) * amount as f64 >= output * (1.0 - 1e-9) - 1e-6);
        }
    }

    #[test]
    fn what_is_there_can_be_taken(pair in pair(), amount in amount(), a_to_b: bool) {
        let pool = pair.pool();
        let request = SwapRequest { partial_fill: true, ..SwapRequest::new(amount, true, a_to_b) };
        match (pool.quote(&environment(), &request), spend(&*pool, amount, a_to_b)) {
            (Ok(part), Ok(whole)) => prop_assert_eq!(part, whole),
            (Ok(part), Err(_)) => prop_assert!(part.user_in <= amount),
            (Err(_), whole) => prop_assert!(whole.is_err()),
        }
    }
}
