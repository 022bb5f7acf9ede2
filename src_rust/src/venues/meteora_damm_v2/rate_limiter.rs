//! The base fee that rises with the amount of a swap of token B.
//!
//! Every further `reference_amount` pays `fee_increment_bps` more, up to `max_fee_bps`. The rate of
//! the whole amount follows from the sum; from an amount without its fee, by a quadratic equation.
//!
//! # Source
//! Meteora `cp-amm` 0.2.0, `base_fee/fee_rate_limiter.rs`. Sums and products there are of 256 bits
//! and wrap.

use ruint::aliases::U256;

use super::base_fee::Moment;
use super::errors::{MATH_OVERFLOW, Result, TYPE_CAST_FAILED, UNDETERMINED_ERROR, panic};
use super::math::{BASIS_POINTS, Checked, FEE_DENOMINATOR, Rounding, low_u64, mul_div, square_root};

/// Parameters of the limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimiter {
    /// Rate of the first `reference_amount`, 1e-9.
    pub cliff_fee_numerator: u64,
    /// By how much every further one pays more, 1e-4.
    pub fee_increment_bps: u16,
    /// Slots or seconds after activation until which it works.
    pub max_limiter_duration: u32,
    /// Highest rate, 1e-4.
    pub max_fee_bps: u32,
    /// Base units of token B a step.
    pub reference_amount: u64,
}

/// Returns what is left of `included` after its fee.
pub(super) fn exclude_fee(rate: u64, included: u64) -> Result<(u64, u64)> {
    let fee = mul_div(included, rate, FEE_DENOMINATOR, Rounding::Up)?;
    Ok((included.minus(fee)?, fee))
}

/// Returns the amount of which `excluded` is left after the fee, and the fee.
pub(super) fn include_fee(rate: u64, excluded: u64) -> Result<(u64, u64)> {
    let included = mul_div(excluded, FEE_DENOMINATOR, FEE_DENOMINATOR.minus(rate)?, Rounding::Up)?;
    Ok((included, included.minus(excluded)?))
}

impl RateLimiter {
    /// Whether all parameters but the cliff fee are zero.
    pub(super) fn is_off(&self) -> bool {
        self.reference_amount == 0
            && self.max_limiter_duration == 0
            && self.max_fee_bps == 0
            && self.fee_increment_bps == 0
    }

    /// Whether it works for a swap; such a swap must be the only one of its transaction.
    pub(super) fn applies(&self, moment: &Moment) -> bool {
        let last = u128::from(moment.activation_point) + u128::from(self.max_limiter_duration);
        !self.is_off()
            && !moment.a_to_b
            && moment.point >= moment.activation_point
            && u128::from(moment.point) <= last
    }

    /// Rate of every further step, 1e-9.
    pub(super) fn increment(&self) -> u64 {
        u64::from(self.fee_increment_bps) * (FEE_DENOMINATOR / BASIS_POINTS)
    }

    /// Highest rate, 1e-9; 32 bits times 10^5 fit 64.
    pub(super) fn max_rate(&self) -> u64 {
        u64::from(self.max_fee_bps) * (FEE_DENOMINATOR / BASIS_POINTS)
    }

    /// Number of whole steps up to the highest rate.
    pub(super) fn max_index(&self) -> Result<u64> {
        self.max_rate().minus(self.cliff_fee_numerator)?.over(self.increment())
    }

    /// Returns the rate of an amount that includes its fee.
    pub(super) fn rate_of_included(&self, amount: u64) -> Result<u64> {
        let Some(beyond) = amount.checked_sub(self.reference_amount).filter(|&beyond| beyond > 0) else {
            return Ok(self.cliff_fee_numerator);
        };
        let Some(steps) = beyond.checked_div(self.reference_amount) else {
            return Err(panic("attempt to divide by zero"));
        };
        let rest = U256::from(beyond % self.reference_amount);
        let max_index = self.max_index()?;
        let cliff = U256::from(self.cliff_fee_numerator);
        let increment = U256::from(self.increment());
        let reference = U256::from(self.reference_amount);
        let (one, two) = (U256::ONE, U256::from(2));
        // The fee of the first `n + 1` references, in 1e-9 base units.
        let whole = |n: U256| reference * (cliff + cliff * n + increment * n * (n + one) / two);
        let sum = if steps < max_index {
            let steps = U256::from(steps);
            whole(steps) + rest * (cliff + increment * (steps + one))
        } else {
            let at_most = U256::from(steps - max_index) * reference + rest;
            whole(U256::from(max_index)) + at_most * U256::from(self.max_rate())
        };
        let denominator = U256::from(FEE_DENOMINATOR);
        let fee = low_u64((sum + denominator - one) / denominator).ok_or(TYPE_CAST_FAILED)?;
        mul_div(fee, FEE_DENOMINATOR, amount, Rounding::Up)
    }

    fn excluded(&self, included: u64) -> Result<u64> {
        Ok(exclude_fee(self.rate_of_included(included)?, included)?.0)
    }

    /// Returns the rate of an amount on top of which the fee comes.
    pub(super) fn rate_of_excluded(&self, amount: u64) -> Result<u64> {
        if amount <= self.excluded(self.reference_amount)? {
            return Ok(self.cliff_fee_numerator);
        }
        let steps_end = U256::from(self.max_index()?) + U256::ONE;
        let last_included = low_u64(steps_end * U256::from(self.reference_amount));
        let checked_included = last_included.unwrap_or(u64::MAX);
        let checked_excluded = self.excluded(checked_included)?;
        let included = match amount.cmp(&checked_excluded) {
            std::cmp::Ordering::Equal => return self.rate_of_included(checked_included),
            std::cmp::Ordering::Less => self.included_among_steps(amount)?,
            std::cmp::Ordering::Greater if last_included.is_none() => return Err(MATH_OVERFLOW),
            std::cmp::Ordering::Greater => {
                let rest = amount.minus(checked_excluded)?;
                include_fee(self.max_rate(), rest)?.0.plus(checked_included)?
            }
        };
        let fee = included.minus(amount)?;
        let rate = mul_div(fee, FEE_DENOMINATOR, included, Rounding::Up)?;
        if rate < self.cliff_fee_numerator {
            return Err(UNDETERMINED_ERROR);
        }
        Ok(rate)
    }

    /// Solves for the amount with fee while the highest rate is not reached: as if the rate rose all
    /// the time, then the rest at the rate of the step in which that ends.
    fn included_among_steps(&self, amount: u64) -> Result<u64> {
        let (two, four) = (U256::from(2), U256::from(4));
        let cliff = U256::from(self.cliff_fee_numerator);
        let increment = U256::from(self.increment());
        let reference = U256::from(self.reference_amount);
        let denominator = U256::from(FEE_DENOMINATOR);
        let y = two * denominator * reference + increment * reference - two * cliff * reference;
        let z = two * U256::from(amount) * denominator * reference;
        let root = square_root(y * y - four * increment * z);
        let smooth = (y - root).over(two * increment)?;
        let steps = smooth.over(reference)?;
        let first = self.excluded(low_u64(smooth).ok_or(TYPE_CAST_FAILED)?)?;
        let rest = amount.minus(first)?;
        let rate = low_u64(cliff + increment * steps).ok_or(TYPE_CAST_FAILED)?;
        let (rest, _) = include_fee(rate, rest)?;
        low_u64(smooth.plus(U256::from(rest))?).ok_or(TYPE_CAST_FAILED)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 1 %, 1 % more every 1000 units, at most 5 %.
    const LIMITER: RateLimiter = RateLimiter {
        cliff_fee_numerator: 10_000_000,
        fee_increment_bps: 100,
        max_limiter_duration: 60,
        max_fee_bps: 500,
        reference_amount: 1000,
    };
    const OPEN: Moment =
        Moment { point: 100, activation_point: 100, init_sqrt_price: 0, sqrt_price: 0, a_to_b: false };

    #[test]
    fn rate_of_included_is_that_of_the_summed_fee() {
        assert_eq!(LIMITER.rate_of_included(1000), Ok(10_000_000));
        // 1000 at 1 %, 1000 at 2 %, 500 at 3 %: 45 of 2500.
        assert_eq!(LIMITER.rate_of_included(2500), Ok(18_000_000));
        // 10 + 20 + 30 + 40 + 50 and 5000 at 5 %: 400 of 10,000.
        assert_eq!(LIMITER.rate_of_included(10_000), Ok(40_000_000));
        // 1 unit beyond pays 2 % of it, which makes a whole unit: 11 of 1001, rounded up.
        assert_eq!(LIMITER.rate_of_included(1001), Ok(10_989_011));
    }

    #[test]
    fn limiter_works_for_token_b_within_its_time_only() {
        assert!(LIMITER.applies(&OPEN));
        assert!(LIMITER.applies(&Moment { point: 160, ..OPEN }));
        assert!(!LIMITER.applies(&Moment { point: 161, ..OPEN }));
        assert!(!LIMITER.applies(&Moment { point: 99, ..OPEN }));
        assert!(!LIMITER.applies(&Moment { a_to_b: true, ..OPEN }));
        let off = RateLimiter {
            fee_increment_bps: 0,
            max_limiter_duration: 0,
            max_fee_bps: 0,
            reference_amount: 0,
            ..LIMITER
        };
        assert!(!off.applies(&OPEN));
    }

    #[test]
    fn impossible_parameters_fail_as_the_program_does() {
        let without_step = RateLimiter { fee_increment_bps: 0, ..LIMITER };
        assert_eq!(without_step.rate_of_included(1001), Err(MATH_OVERFLOW));
        let below_cliff = RateLimiter { max_fee_bps: 50, ..LIMITER };
        assert_eq!(below_cliff.rate_of_included(1001), Err(MATH_OVERFLOW));
        let without_reference = RateLimiter { reference_amount: 0, ..LIMITER };
        assert_eq!(without_reference.rate_of_included(1), Err(panic("attempt to divide by zero")));
    }

    proptest! {
        #[test]
        fn what_is_excluded_can_be_included_again(
            cliff in 100_000_u64..500_000_000, increment in 1_u16..2000, max in 5000_u32..9900,
            reference in 1_u64..1 << 40, amount in 1_u64..1 << 50,
        ) {
            let limiter = RateLimiter {
                cliff_fee_numerator: cliff, fee_increment_bps: increment, max_fee_bps: max,
                reference_amount: reference, ..LIMITER
            };
            let excluded = limiter.excluded(amount).unwrap();
            prop_assume!(excluded > 0);
            if let Ok(rate) = limiter.rate_of_excluded(excluded) {
                let (included, _) = include_fee(rate, excluded).unwrap();
                // Rounding the rate to 1e-9 and the fees to units moves it by little.
                prop_assert!(included.abs_diff(amount) <= 200 + amount / 1_000_000, "{included} of {amount}");
            }
        }
    }
}
