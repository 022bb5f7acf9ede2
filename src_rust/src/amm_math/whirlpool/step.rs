//! One step: the price moves from one point to another within constant liquidity.
//!
//! Written for 128-bit arithmetic where the values allow it; the rare rest goes through 256 bits.
//!
//! # Source
//! Orca Whirlpool program, `math/{swap_math,token_math,bit_math}.rs`.

use super::WhirlpoolError;
use super::compute::{Item, Meter};
use crate::amm_math::fixed_point::{Divisor, div_shifted, div_word, less, low_u128, mul_wide, u256, words};
use crate::amm_math::tick_math::{MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64};
use ruint::aliases::U256;

/// Fee rates are in 1e-6.
pub(super) const FEE_RATE_ONE: u64 = 1_000_000;

/// A fee rate with what every step needs of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepFee {
    /// 1e-6 of the input, at most a tenth.
    pub rate_e6: u64,
    /// Divides by what the fee leaves.
    kept: Divisor,
}

impl StepFee {
    #[inline]
    pub(super) fn new(rate_e6: u32) -> Self {
        let rate_e6 = u64::from(rate_e6);
        Self { rate_e6, kept: Divisor::new(FEE_RATE_ONE - rate_e6) }
    }
}

/// What one step moves, base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// Input without the fee.
    pub amount_in: u64,
    pub amount_out: u64,
    pub next_sqrt_price: u128,
    pub fee_amount: u64,
}

/// What a step is asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepRequest {
    pub amount_remaining: u64,
    pub fee: StepFee,
    pub liquidity: u128,
    pub sqrt_price: u128,
    pub sqrt_price_target: u128,
    pub exact_in: bool,
    pub a_to_b: bool,
}

/// Moves the price towards the target as far as the amount allows.
#[inline]
pub(super) fn compute_step<M: Meter>(request: &StepRequest, meter: &mut M) -> Result<Step, WhirlpoolError> {
    let StepRequest { amount_remaining, fee, liquidity, sqrt_price, sqrt_price_target, .. } = *request;
    let (exact_in, a_to_b) = (request.exact_in, request.a_to_b);
    let fixed_is_a = a_to_b == exact_in;

    // More than 64 bits to reach the target only says that this step does not reach it.
    let to_target = amount_delta(fixed_is_a, sqrt_price, sqrt_price_target, liquidity, exact_in, meter);
    let to_target = match to_target {
        Err(DeltaError::Fatal(error)) => return Err(error),
        Err(DeltaError::ExceedsU64(_)) => None,
        Ok(amount) => Some(amount),
    };

    let available = if exact_in {
        let kept = FEE_RATE_ONE - fee.rate_e6;
        meter.div128(u128::from(amount_remaining) * u128::from(kept), u128::from(FEE_RATE_ONE), 1);
        without_fee(amount_remaining, fee.rate_e6)
    } else {
        amount_remaining
    };
    let next_sqrt_price = if to_target.is_some_and(|amount| amount <= available) {
        sqrt_price_target
    } else {
        next_sqrt_price(sqrt_price, liquidity, available, exact_in, fixed_is_a, meter)?
    };
    let is_max = next_sqrt_price == sqrt_price_target;

    let unfixed = amount_delta(!fixed_is_a, sqrt_price, next_sqrt_price, liquidity, !exact_in, meter)
        .map_err(DeltaError::into_inner)?;
    let fixed = match to_target {
        Some(amount) if is_max => amount,
        _ => amount_delta(fixed_is_a, sqrt_price, next_sqrt_price, liquidity, exact_in, meter)
            .map_err(DeltaError::into_inner)?,
    };

    let (amount_in, amount_out) =
        if exact_in { (fixed, unfixed) } else { (unfixed, fixed.min(amount_remaining)) };
    let fee_amount = if exact_in && !is_max {
        amount_remaining.checked_sub(amount_in).ok_or(WhirlpoolError::AmountRemainingOverflow)?
    } else {
        // Rounding up takes the program a second division, for the remainder.
        let (scaled, kept) = (u128::from(amount_in) * u128::from(fee.rate_e6), FEE_RATE_ONE - fee.rate_e6);
        meter.div128(scaled, u128::from(kept), 2);
        fee_on_top(amount_in, fee)
    };
    Ok(Step { amount_in, amount_out, next_sqrt_price, fee_amount })
}

/// `floor(amount * (1e6 - rate) / 1e6)` without leaving 64 bits.
#[inline]
fn without_fee(amount: u64, fee_rate_e6: u64) -> u64 {
    let kept = FEE_RATE_ONE - fee_rate_e6;
    let (whole, rest) = (amount / FEE_RATE_ONE, amount % FEE_RATE_ONE);
    whole * kept + rest * kept / FEE_RATE_ONE
}

/// `ceil(amount * rate / (1e6 - rate))`; at most a ninth of the amount, for the rate is at most a tenth.
#[inline]
fn fee_on_top(amount: u64, fee: StepFee) -> u64 {
    let (whole, rest) = fee.kept.div_rem(amount);
    let (part, left) = fee.kept.div_rem(rest * fee.rate_e6);
    whole * fee.rate_e6 + part + u64::from(left > 0)
}

/// `floor(fee * rate / 10000)`.
#[inline]
pub(super) fn protocol_share(fee: u64, protocol_fee_rate_bps: u16) -> u64 {
    let rate = u64::from(protocol_fee_rate_bps);
    let (whole, rest) = (fee / 10_000, fee % 10_000);
    whole * rate + rest * rate / 10_000
}

/// Why an amount between two prices is not a 64-bit number.
enum DeltaError {
    /// It is larger; the error holds if the amount itself is wanted.
    ExceedsU64(WhirlpoolError),
    /// The program fails at once.
    Fatal(WhirlpoolError),
}

impl DeltaError {
    fn into_inner(self) -> WhirlpoolError {
        match self {
            Self::ExceedsU64(error) | Self::Fatal(error) => error,
        }
    }
}

#[inline]
fn amount_delta<M: Meter>(
    is_a: bool,
    sqrt_price_0: u128,
    sqrt_price_1: u128,
    liquidity: u128,
    round_up: bool,
    meter: &mut M,
) -> Result<u64, DeltaError> {
    let (lower, upper) =
        if sqrt_price_0 > sqrt_price_1 { (sqrt_price_1, sqrt_price_0) } else { (sqrt_price_0, sqrt_price_1) };
    if is_a {
        meter.note(if round_up { Item::DeltaAUp } else { Item::DeltaA }, 1);
        amount_delta_a(lower, upper, liquidity, round_up, meter)
    } else {
        let is_narrow = M::DETAILED && (liquidity | (upper - lower)) >> 64 == 0;
        meter.note(if is_narrow { Item::DeltaBNarrow } else { Item::DeltaB }, 1);
        amount_delta_b(lower, upper, liquidity, round_up)
    }
}

/// `liquidity * 2^64 * (upper - lower) / (upper * lower)` in one division.
#[inline]
fn amount_delta_a<M: Meter>(
    lower: u128,
    upper: u128,
    liquidity: u128,
    round_up: bool,
    meter: &mut M,
) -> Result<u64, DeltaError> {
    let (product_high, product_low) = mul_wide(liquidity, upper - lower);
    if product_high >> 64 != 0 {
        return Err(DeltaError::Fatal(WhirlpoolError::MultiplicationOverflow));
    }
    if product_high == 0 && product_low == 0 {
        return Ok(0);
    }
    let [p0, p1] = words(product_low);
    let numerator = [p0, p1, words(product_high)[0]];
    let (divisor_high, divisor_low) = mul_wide(upper, lower);
    if M::DETAILED {
        meter.div256(u256(product_high, product_low) << 64_usize, u256(divisor_high, divisor_low));
    }
    let [d0, d1] = words(divisor_low);
    let denominator = [d0, d1, words(divisor_high)[0]];
    // Prices are below 2^97, so the product of two fits 194 bits; in range it fits 192.
    if divisor_high >> 64 == 0 && less(&numerator, &denominator) {
        let (quotient, has_rest) = div_shifted(numerator, denominator);
        return quotient
            .checked_add(u64::from(round_up && has_rest))
            .ok_or(DeltaError::ExceedsU64(WhirlpoolError::TokenMaxExceeded));
    }
    let (quotient, rest) =
        (u256(product_high, product_low) << 64_usize).div_rem(u256(divisor_high, divisor_low));
    let rounded = quotient + U256::from(u8::from(round_up && !rest.is_zero()));
    let wide = low_u128(rounded).ok_or(DeltaError::ExceedsU64(WhirlpoolError::NumberDownCastError))?;
    u64::try_from(wide).map_err(|_| DeltaError::ExceedsU64(WhirlpoolError::TokenMaxExceeded))
}

/// `liquidity * (upper - lower) / 2^64`. The program cuts the quotient to 64 bits; as long as the
/// product fits 128 bits that loses nothing.
#[inline]
fn amount_delta_b(lower: u128, upper: u128, liquidity: u128, round_up: bool) -> Result<u64, DeltaError> {
    let product = liquidity
        .checked_mul(upper - lower)
        .ok_or(DeltaError::ExceedsU64(WhirlpoolError::MultiplicationShiftRightOverflow))?;
    let [fraction, whole] = words(product);
    whole
        .checked_add(u64::from(round_up && fraction > 0))
        .ok_or(DeltaError::ExceedsU64(WhirlpoolError::MultiplicationOverflow))
}

#[inline]
fn next_sqrt_price<M: Meter>(
    sqrt_price: u128,
    liquidity: u128,
    amount: u64,
    exact_in: bool,
    fixed_is_a: bool,
    meter: &mut M,
) -> Result<u128, WhirlpoolError> {
    if fixed_is_a {
        meter.note(Item::NextPriceA, 1);
        next_sqrt_price_from_a(sqrt_price, liquidity, amount, exact_in, meter)
    } else {
        meter.note(Item::NextPriceB, 1);
        meter.div128(u128::from(amount) << 64, liquidity, 1);
        next_sqrt_price_from_b(sqrt_price, liquidity, amount, exact_in)
    }
}

/// `liquidity * 2^64 * price / (liquidity * 2^64 ± amount * price)`, rounded up.
fn next_sqrt_price_from_a<M: Meter>(
    sqrt_price: u128,
    liquidity: u128,
    amount: u64,
    exact_in: bool,
    meter: &mut M,
) -> Result<u128, WhirlpoolError> {
    if amount == 0 {
        return Ok(sqrt_price);
    }
    let (high, low) = mul_wide(liquidity, sqrt_price);
    if high >> 64 != 0 {
        return Err(WhirlpoolError::MultiplicationOverflow);
    }
    let (product_high, product_low) = mul_wide(sqrt_price, u128::from(amount));
    // liquidity * 2^64 in two halves; it fits 192 bits, as does the product for any valid price.
    let (virtual_high, virtual_low) = (liquidity >> 64, liquidity << 64);
    if !exact_in && (virtual_high, virtual_low) <= (product_high, product_low) {
        return Err(WhirlpoolError::DivideByZero);
    }
    let (divisor_high, divisor_low) = if exact_in {
        let (sum, carry) = virtual_low.overflowing_add(product_low);
        (virtual_high + product_high + u128::from(carry), sum)
    } else {
        let (difference, borrow) = virtual_low.overflowing_sub(product_low);
        (virtual_high - product_high - u128::from(borrow), difference)
    };
    if M::DETAILED {
        meter.div256(u256(high, low) << 64_usize, u256(divisor_high, divisor_low));
    }
    let ([n0, n1], n2) = (words(low), words(high)[0]);
    let [d0, d1] = words(divisor_low);
    let denominator = [d0, d1, words(divisor_high)[0]];
    let top = [n1, n2, 0];
    let price = if divisor_high >> 64 == 0 && less(&top, &denominator) {
        // Two words of quotient, one after the other.
        let (price_high, rest) = div_word(top, n0, denominator);
        let (price_low, rest) = div_word(rest, 0, denominator);
        let price = u128::from(price_high) << 64 | u128::from(price_low);
        price.checked_add(u128::from(rest != [0; 3]))
    } else {
        let numerator = u256(high, low) << 64_usize;
        let (quotient, rest) = numerator.div_rem(u256(divisor_high, divisor_low));
        low_u128(quotient + U256::from(u8::from(!rest.is_zero())))
    };
    let price = price.ok_or(WhirlpoolError::NumberDownCastError)?;
    if price < MIN_SQRT_PRICE_X64 {
        return Err(WhirlpoolError::TokenMinSubceeded);
    }
    if price > MAX_SQRT_PRICE_X64 {
        return Err(WhirlpoolError::TokenMaxExceeded);
    }
    Ok(price)
}

/// `price ± amount * 2^64 / liquidity`, rounded down.
fn next_sqrt_price_from_b(
    sqrt_price: u128,
    liquidity: u128,
    amount: u64,
    exact_in: bool,
) -> Result<u128, WhirlpoolError> {
    let amount_x64 = u128::from(amount) << 64;
    if liquidity == 0 {
        return Err(WhirlpoolError::DivideByZero);
    }
    if exact_in {
        sqrt_price.checked_add(amount_x64 / liquidity)
    } else {
        sqrt_price.checked_sub(amount_x64.div_ceil(liquidity))
    }
    .ok_or(WhirlpoolError::SqrtPriceOutOfBounds)
}

#[cfg(test)]
mod tests {
    use super::super::compute::Work;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fees_equal_the_128_bit_formulas(amount: u64, rate in 0_u32..=100_000, bps in 0_u16..=10_000) {
            let (wide, one) = (u128::from(amount), u128::from(FEE_RATE_ONE));
            let kept = one - u128::from(rate);
            prop_assert_eq!(u128::from(without_fee(amount, u64::from(rate))), wide * kept / one);
            let on_top = (wide * u128::from(rate)).div_ceil(kept);
            prop_assert_eq!(u128::from(fee_on_top(amount, StepFee::new(rate))), on_top);
            prop_assert_eq!(u128::from(protocol_share(amount, bps)), wide * u128::from(bps) / 10_000);
        }

        #[test]
        fn amount_a_equals_the_256_bit_formula(
            lower in MIN_SQRT_PRICE_X64..MAX_SQRT_PRICE_X64,
            distance in 1..MAX_SQRT_PRICE_X64,
            shift in 0_u32..96,
            liquidity: u128,
            liquidity_shift in 0_u32..128,
            round_up: bool,
        ) {
            let (lower, distance, liquidity) = (
                (lower >> shift).max(MIN_SQRT_PRICE_X64), distance >> shift, liquidity >> liquidity_shift,
            );
            let upper = (lower + distance).min(MAX_SQRT_PRICE_X64);
            let wide = |value: u128| u256(0, value);
            let product = wide(liquidity) * wide(upper - lower);
            let got = amount_delta_a(lower, upper, liquidity, round_up, &mut Work::default());
            if (product >> 192_usize).is_zero() {
                let (quotient, rest) = (product << 64_usize).div_rem(wide(lower) * wide(upper));
                let expected = quotient + U256::from(u8::from(round_up && !rest.is_zero()));
                match got {
                    Ok(amount) => prop_assert_eq!(U256::from(amount), expected),
                    Err(_) => prop_assert!(expected > U256::from(u64::MAX)),
                }
            } else {
                prop_assert!(matches!(got, Err(DeltaError::Fatal(WhirlpoolError::MultiplicationOverflow))));
            }
        }
    }
}
