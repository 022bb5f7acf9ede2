//! One step: the price moves from one point to another within constant liquidity.
//!
//! # Source
//! raydium-clmm, `libraries/{swap_math,sqrt_price_math,liquidity_math}.rs`. The program divides twice
//! where one division by the product gives the same: both round the same way.

use ruint::aliases::U512;

use super::accounts::FEE_RATE_ONE;
use super::error::{self, Fault};
use crate::amm_math::fixed_point::{Divisor, div_shifted, div_word, less, mul_wide, u256, words};

const ONE: u64 = FEE_RATE_ONE as u64;

/// A trade fee rate with what every step needs of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct TradeFee {
    /// 1e-6 of the input, less than 1e6.
    rate_e6: u64,
    /// Divides by what the fee leaves.
    kept: Divisor,
}

impl TradeFee {
    /// `rate_e6` must be less than 1e6.
    pub(super) fn new(rate_e6: u32) -> Self {
        let rate_e6 = u64::from(rate_e6);
        Self { rate_e6, kept: Divisor::new((ONE.saturating_sub(rate_e6)).max(1)) }
    }

    /// `floor(amount * (1e6 - rate) / 1e6)`.
    #[inline]
    fn without(self, amount: u64) -> u64 {
        let kept = ONE - self.rate_e6;
        let (whole, rest) = (amount / ONE, amount % ONE);
        whole * kept + rest * kept / ONE
    }

    /// `ceil(amount * rate / (1e6 - rate))`, `None` beyond 64 bits.
    #[inline]
    pub(super) fn on_top(self, amount: u64) -> Option<u64> {
        let (whole, rest) = self.kept.div_rem(amount);
        // The remainder is below 1e6, so this product is below 1e12.
        let (part, left) = self.kept.div_rem(rest * self.rate_e6);
        whole.checked_mul(self.rate_e6)?.checked_add(part + u64::from(left > 0))
    }
}

/// What one step moves, base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) next_sqrt_price: u128,
    /// Input without the fee.
    pub(super) amount_in: u64,
    pub(super) amount_out: u64,
    pub(super) fee: u64,
}

/// What a step is asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepRequest {
    pub(super) remaining: u64,
    pub(super) fee: TradeFee,
    pub(super) liquidity: u128,
    pub(super) sqrt_price: u128,
    pub(super) target: u128,
    pub(super) exact_in: bool,
    pub(super) a_to_b: bool,
    /// It is known that the amount does not suffice for the way to the target.
    pub(super) falls_short: bool,
}

/// Moves the price towards the target as far as the amount allows.
#[inline]
pub(super) fn compute_step(request: &StepRequest) -> Result<Step, Fault> {
    let StepRequest { remaining, fee, liquidity, sqrt_price, target, exact_in, a_to_b, .. } = *request;
    let available = if exact_in { fee.without(remaining) } else { remaining };
    let fixed_is_0 = a_to_b == exact_in;
    let to = |price: u128, is_0: bool, round_up: bool| delta(price, sqrt_price, liquidity, is_0, round_up);

    // More than 64 bits to reach the target only says that this step does not reach it.
    let mut to_target = if request.falls_short { None } else { to(target, fixed_is_0, exact_in) };
    let next_sqrt_price = match to_target {
        Some(amount) if amount <= available => target,
        _ if liquidity == 0 => return Err(Fault::Panic("no liquidity")),
        _ if fixed_is_0 => next_price_from_0(sqrt_price, liquidity, available, exact_in)?,
        _ => next_price_from_1(sqrt_price, liquidity, available, exact_in)?,
    };

    let reaches = next_sqrt_price == target;
    let fixed = if reaches {
        if request.falls_short {
            to_target = to(target, fixed_is_0, exact_in);
        }
        // The program leaves the amount at 0 where it did not fit.
        to_target.unwrap_or(0)
    } else {
        to(next_sqrt_price, fixed_is_0, exact_in).ok_or(error::MAX_TOKEN_OVERFLOW)?
    };
    let other = to(next_sqrt_price, !fixed_is_0, !exact_in).ok_or(error::MAX_TOKEN_OVERFLOW)?;

    let (amount_in, amount_out) = if exact_in { (fixed, other) } else { (other, fixed.min(remaining)) };
    let fee = if exact_in && !reaches {
        remaining.checked_sub(amount_in).ok_or(Fault::Panic("input beyond the amount"))?
    } else {
        fee.on_top(amount_in).ok_or(Fault::Panic("fee beyond 64 bits"))?
    };
    Ok(Step { next_sqrt_price, amount_in, amount_out, fee })
}

/// Returns the amount of token 0 or 1 between two prices, `None` beyond 64 bits.
#[inline]
fn delta(price_a: u128, price_b: u128, liquidity: u128, is_0: bool, round_up: bool) -> Option<u64> {
    let (lower, upper) = if price_a < price_b { (price_a, price_b) } else { (price_b, price_a) };
    let (amount, is_inexact) =
        if is_0 { delta_0(lower, upper, liquidity) } else { delta_1(lower, upper, liquidity) }?;
    if round_up { amount.checked_add(u64::from(is_inexact)) } else { Some(amount) }
}

/// `liquidity * 2^64 * (upper - lower) / (upper * lower)` cut, and whether anything was cut off;
/// `None` if the cut number has more than 64 bits. Prices must be below 2^96.
#[inline]
pub(super) fn delta_0(lower: u128, upper: u128, liquidity: u128) -> Option<(u64, bool)> {
    let (product_high, product_low) = mul_wide(liquidity, upper - lower);
    let (divisor_high, divisor_low) = mul_wide(upper, lower);
    // The quotient has 64 bits exactly if the product is less than the divisor.
    if (product_high, product_low) >= (divisor_high, divisor_low) {
        return None;
    }
    let ([p0, p1], [d0, d1]) = (words(product_low), words(divisor_low));
    Some(div_shifted([p0, p1, words(product_high)[0]], [d0, d1, words(divisor_high)[0]]))
}

/// `liquidity * (upper - lower) / 2^64`; as [`delta_0`].
#[inline]
pub(super) fn delta_1(lower: u128, upper: u128, liquidity: u128) -> Option<(u64, bool)> {
    let (high, low) = mul_wide(liquidity, upper - lower);
    let [fraction, whole] = words(low);
    (high == 0).then_some((whole, fraction != 0))
}

/// `liquidity * 2^64 * price / (liquidity * 2^64 ± amount * price)`, rounded up.
fn next_price_from_0(sqrt_price: u128, liquidity: u128, amount: u64, add: bool) -> Result<u128, Fault> {
    if amount == 0 {
        return Ok(sqrt_price);
    }
    let (product_high, product_low) = mul_wide(sqrt_price, u128::from(amount));
    let (virtual_high, virtual_low) = (liquidity >> 64, liquidity << 64);
    let (divisor_high, divisor_low) = if add {
        let (sum, carry) = virtual_low.overflowing_add(product_low);
        (virtual_high + product_high + u128::from(carry), sum)
    } else {
        if (virtual_high, virtual_low) <= (product_high, product_low) {
            return Err(Fault::Panic("output beyond the liquidity"));
        }
        let (difference, borrow) = virtual_low.overflowing_sub(product_low);
        (virtual_high - product_high - u128::from(borrow), difference)
    };
    let (high, low) = mul_wide(liquidity, sqrt_price);
    let ([n0, n1], [n2, n3]) = (words(low), words(high));
    let [d0, d1] = words(divisor_low);
    let denominator = [d0, d1, words(divisor_high)[0]];
    let top = [n1, n2, n3];
    let price = if divisor_high >> 64 == 0 && less(&top, &denominator) {
        // Two words of quotient, one after the other.
        let (price_high, rest) = div_word(top, n0, denominator);
        let (price_low, rest) = div_word(rest, 0, denominator);
        let price = u128::from(price_high) << 64 | u128::from(price_low);
        price.checked_add(u128::from(rest != [0; 3]))
    } else {
        let product = U512::from(u256(high, low)) << 64_usize;
        u128::try_from(product.div_ceil(U512::from(u256(divisor_high, divisor_low)))).ok()
    };
    price.ok_or(Fault::Panic("price beyond 128 bits"))
}

/// `price ± amount * 2^64 / liquidity`, rounded down.
fn next_price_from_1(sqrt_price: u128, liquidity: u128, amount: u64, add: bool) -> Result<u128, Fault> {
    let amount_x64 = u128::from(amount) << 64;
    if add {
        sqrt_price.checked_add(amount_x64 / liquidity)
    } else {
        sqrt_price.checked_sub(amount_x64.div_ceil(liquidity))
    }
    .ok_or(Fault::Panic("price out of range"))
}

#[cfg(test)]
mod tests {
    use super::super::tick_math::{MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64};
    use super::*;
    use proptest::prelude::*;

    fn wide(value: u128) -> U512 {
        U512::from(value)
    }

    /// The program's two divisions.
    fn plain_delta_0(lower: u128, upper: u128, liquidity: u128, round_up: bool) -> U512 {
        let numerator = (wide(liquidity) << 64_usize) * wide(upper - lower);
        if round_up {
            numerator.div_ceil(wide(upper)).div_ceil(wide(lower))
        } else {
            numerator / wide(upper) / wide(lower)
        }
    }

    fn fits(value: U512) -> Option<u64> {
        u64::try_from(value).ok()
    }

    fn prices() -> impl Strategy<Value = (u128, u128)> {
        let price = || {
            (MIN_SQRT_PRICE_X64..MAX_SQRT_PRICE_X64, 0_u32..64)
                .prop_map(|(price, shift)| (price >> shift).max(MIN_SQRT_PRICE_X64))
        };
        (price(), price()).prop_map(|(a, b)| (a.min(b), a.max(b)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn amounts_equal_the_programs_divisions(
            (lower, upper) in prices(), liquidity: u128, shift in 0_u32..128, round_up: bool,
        ) {
            let liquidity = liquidity >> shift;
            let expected = fits(plain_delta_0(lower, upper, liquidity, round_up));
            prop_assert_eq!(delta(lower, upper, liquidity, true, round_up), expected);
            let product = wide(liquidity) * wide(upper - lower);
            let one = wide(1 << 64);
            let expected = fits(if round_up { product.div_ceil(one) } else { product / one });
            prop_assert_eq!(delta(upper, lower, liquidity, false, round_up), expected);
        }

        #[test]
        fn prices_equal_the_programs_formulas(
            (price, _) in prices(), liquidity: u128, shift in 0_u32..128, amount: u64, add: bool,
        ) {
            let liquidity = (liquidity >> shift).max(1);
            let (scaled, product) = (wide(liquidity) << 64_usize, wide(amount.into()) * wide(price));
            let divisor = if add { Some(scaled + product) } else { scaled.checked_sub(product) };
            let expected = divisor.filter(|divisor| !divisor.is_zero()).and_then(|divisor| {
                let next = (scaled * wide(price)).div_ceil(divisor);
                u128::try_from(next).ok()
            });
            let expected = if amount == 0 { Some(price) } else { expected };
            prop_assert_eq!(next_price_from_0(price, liquidity, amount, add).ok(), expected);

            let moved = wide(amount.into()) << 64_usize;
            let expected = if add {
                u128::try_from(wide(price) + moved / wide(liquidity)).ok()
            } else {
                wide(price).checked_sub(moved.div_ceil(wide(liquidity))).and_then(|p| u128::try_from(p).ok())
            };
            prop_assert_eq!(next_price_from_1(price, liquidity, amount, add).ok(), expected);
        }

        #[test]
        fn fees_equal_the_128_bit_formulas(amount: u64, shift in 0_u32..64, rate in 0_u32..FEE_RATE_ONE) {
            let amount = amount >> shift;
            let (fee, wide) = (TradeFee::new(rate), u128::from(amount));
            let kept = u128::from(FEE_RATE_ONE - rate);
            prop_assert_eq!(u128::from(fee.without(amount)), wide * kept / 1_000_000);
            let on_top = u64::try_from((wide * u128::from(rate)).div_ceil(kept)).ok();
            prop_assert_eq!(fee.on_top(amount), on_top);
        }
    }

    /// With this much liquidity 8 units of output round to the whole way, and the program then gives
    /// what the way has, capped: not what 8 units would cost.
    #[test]
    fn exact_output_that_rounds_to_the_target_is_capped() {
        let price = 1 << 64;
        let request = StepRequest {
            remaining: 8,
            fee: TradeFee::new(0),
            liquidity: 10 << 64,
            sqrt_price: price,
            target: price - 1,
            exact_in: false,
            a_to_b: true,
            falls_short: false,
        };
        let step = compute_step(&request).expect("a step");
        assert_eq!((step.next_sqrt_price, step.amount_out), (price - 1, 8));
        assert_eq!(step.amount_in, 11, "10 * 2^64 / (2^64 - 1), rounded up");
        assert_eq!(compute_step(&StepRequest { falls_short: true, ..request }), Ok(step));
    }
}
