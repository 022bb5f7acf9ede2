//! The fee rate of a bin: a base rate, and a variable one that grows with the distance from where
//! trading was calm.
//!
//! # Source
//! dlmm-sdk `commons/src/extensions/lb_pair.rs`; the program's own answers.

use super::accounts::LbPair;
use super::errors::Fault;

/// Fee rates are in 1e-9 of an amount.
pub(super) const RATE_ONE: u64 = 1_000_000_000;
/// Highest rate: 10 %.
const MAX_RATE: u64 = 100_000_000;
/// One bin's distance in the unit of volatility, and the unit of shares.
const BASIS_POINTS: u32 = 10_000;
/// Divides the variable fee, rounding up.
const VARIABLE_FEE_SCALE: u64 = 100_000_000_000;
/// Highest power of ten that fits 128 bits.
const MAX_POWER_OF_TEN: u8 = 38;

/// A fee rate, ready to be applied to many amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FeeRate {
    /// 1e-9 of an amount, at most [`MAX_RATE`].
    pub rate: u64,
    divisor: u64,
    /// `rate / divisor` in 64 fractional bits.
    factor_x64: u64,
}

impl FeeRate {
    /// `on_top`: for amounts that the fee comes on top of, else for amounts that contain it.
    pub(super) fn new(rate: u64, on_top: bool) -> Self {
        let divisor = if on_top { RATE_ONE - rate } else { RATE_ONE };
        // The rate is at most a tenth, so the quotient is below 2^62 and cut to nothing.
        #[expect(clippy::cast_possible_truncation, reason = "below 2^62")]
        let factor_x64 = ((u128::from(rate) << 64) / u128::from(divisor)) as u64;
        Self { rate, divisor, factor_x64 }
    }

    /// Returns `amount * rate / divisor`, rounded up.
    #[inline]
    pub(super) fn of(&self, amount: u64) -> u64 {
        // The factor is too small by less than 2^-64, so the estimate is at most one too small. The
        // rest is below twice the divisor, so its lowest 64 bits are all of it.
        let estimate = ((u128::from(amount) * u128::from(self.factor_x64)) >> 64) as u64;
        let rest = amount.wrapping_mul(self.rate).wrapping_sub(estimate.wrapping_mul(self.divisor));
        estimate + u64::from(rest > 0) + u64::from(rest > self.divisor)
    }
}

/// Returns the fee in `amount`, which contains it.
pub(super) fn fee_within(amount: u64, rate: u64) -> u64 {
    ceil_share(amount, rate, RATE_ONE)
}

/// Returns the fee on top of `amount`, which does not contain it.
pub(super) fn fee_on_top(amount: u64, rate: u64) -> u64 {
    ceil_share(amount, rate, RATE_ONE - rate)
}

fn ceil_share(amount: u64, rate: u64, divisor: u64) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the rate is at most a tenth")]
    let fee = match amount.checked_mul(rate) {
        Some(product) => product.div_ceil(divisor),
        None => (u128::from(amount) * u128::from(rate)).div_ceil(u128::from(divisor)) as u64,
    };
    fee
}

/// What decides a pair's fee rates but the present volatility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FeeSchedule {
    base: Result<u128, Fault>,
    control: u64,
    bin_step: u64,
    max_accumulator: u32,
}

impl FeeSchedule {
    pub(super) fn new(pair: &LbPair) -> Self {
        let base = if pair.base_fee_power_factor > MAX_POWER_OF_TEN {
            Err(Fault::PowerOverflow)
        } else {
            (u128::from(pair.base_factor) * u128::from(pair.bin_step) * 10)
                .checked_mul(10_u128.pow(u32::from(pair.base_fee_power_factor)))
                .ok_or(Fault::MathOverflow)
        };
        Self {
            base,
            control: u64::from(pair.variable_fee_control),
            bin_step: u64::from(pair.bin_step),
            max_accumulator: pair.max_volatility_accumulator,
        }
    }

    /// Returns the total rate at a volatility, in 1e-9.
    pub(super) fn rate(&self, accumulator: u32) -> Result<u64, Fault> {
        let base = self.base?;
        if self.control == 0 {
            return Ok(capped(base));
        }
        // 32 and 16 bits; the square has at most 96.
        let distance = u128::from(u64::from(accumulator) * self.bin_step);
        let scaled =
            (distance * distance).checked_mul(u128::from(self.control)).ok_or(Fault::MathOverflow)?;
        let variable = if let Ok(scaled) = u64::try_from(scaled) {
            u128::from(scaled.div_ceil(VARIABLE_FEE_SCALE))
        } else {
            let scale = u128::from(VARIABLE_FEE_SCALE);
            scaled.checked_add(scale - 1).ok_or(Fault::MathOverflow)? / scale
        };
        Ok(capped(base.checked_add(variable).ok_or(Fault::MathOverflow)?))
    }
}

fn capped(rate: u128) -> u64 {
    u64::try_from(rate).map_or(MAX_RATE, |rate| rate.min(MAX_RATE))
}

/// Where volatility is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct References {
    /// Bin from which distance is counted.
    pub index: i32,
    /// Volatility that is left of earlier swaps.
    pub volatility: u32,
}

impl References {
    /// Returns the references of a swap at `now` (Unix seconds).
    ///
    /// A swap soon after the last one (`filter_period`) goes on counting; a later one starts from the
    /// present bin with a part of the volatility; one after `decay_period` with none.
    pub(super) fn at(pair: &LbPair, now: u64) -> Result<Self, Fault> {
        let kept = Self { index: pair.index_reference, volatility: pair.volatility_reference };
        let elapsed = i64::try_from(now)
            .ok()
            .and_then(|now| now.checked_sub(pair.last_update_timestamp))
            .ok_or(Fault::MathOverflow)?;
        if elapsed < i64::from(pair.filter_period) {
            return Ok(kept);
        }
        let volatility = if elapsed < i64::from(pair.decay_period) {
            pair.volatility_accumulator
                .checked_mul(u32::from(pair.reduction_factor))
                .ok_or(Fault::MathOverflow)?
                / BASIS_POINTS
        } else {
            0
        };
        Ok(Self { index: pair.active_id, volatility })
    }

    /// Returns the volatility at a bin.
    #[inline]
    pub(super) fn accumulator(self, bin_id: i32, schedule: &FeeSchedule) -> u32 {
        let distance = u64::from(self.index.abs_diff(bin_id));
        let accumulator = u64::from(self.volatility) + distance * u64::from(BASIS_POINTS);
        u32::try_from(accumulator).map_or(schedule.max_accumulator, |it| it.min(schedule.max_accumulator))
    }
}

/// Share of a limit order's fee that its maker gets.
const LIMIT_ORDER_FEE_SHARE: u64 = 5_000;

/// Who gets a fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct FeeSplit {
    /// Liquidity providers.
    pub market_makers: u64,
    /// Makers of limit orders.
    pub limit_orders: u64,
    /// The program.
    pub protocol: u64,
}

impl FeeSplit {
    /// Splits `fee` by what part of the bin's input, `market_maker_in` of `total_in`, bought from
    /// liquidity providers. Everybody's part rounds down but the program's.
    pub(super) fn new(
        fee: u64,
        market_maker_in: u64,
        total_in: u64,
        protocol_share: u16,
    ) -> Result<Self, Fault> {
        let share = |amount: u64, part: u64| (u128::from(amount) * u128::from(part)) / 10_000;
        let of_market_makers = if market_maker_in == total_in && total_in > 0 {
            fee
        } else if total_in > 0 {
            // A part of `total_in`, so at most the fee.
            let part = (u128::from(fee) * u128::from(market_maker_in)).div_ceil(u128::from(total_in));
            u64::try_from(part).map_err(|_| Fault::TypeCastFailed)?
        } else {
            0
        };
        let of_orders = fee.checked_sub(of_market_makers).ok_or(Fault::MathOverflow)?;
        let narrow = |wide: u128| u64::try_from(wide).map_err(|_| Fault::TypeCastFailed);
        let limit_orders = narrow(share(of_orders, LIMIT_ORDER_FEE_SHARE))?;
        let of_protocol = narrow(share(of_market_makers, u64::from(protocol_share)))?;
        let market_makers = of_market_makers.checked_sub(of_protocol).ok_or(Fault::MathOverflow)?;
        Ok(Self { market_makers, limit_orders, protocol: of_orders - limit_orders + of_protocol })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fee_rate_equals_the_128_bit_formula(amount: u64, shift in 0_u32..64, rate in 0..=MAX_RATE) {
            let amount = amount >> shift;
            for (on_top, divisor) in [(true, RATE_ONE - rate), (false, RATE_ONE)] {
                let exact = (u128::from(amount) * u128::from(rate)).div_ceil(u128::from(divisor));
                prop_assert_eq!(u128::from(FeeRate::new(rate, on_top).of(amount)), exact);
                let plain = if on_top { fee_on_top(amount, rate) } else { fee_within(amount, rate) };
                prop_assert_eq!(u128::from(plain), exact);
            }
        }

        #[test]
        fn a_fee_is_split_without_rest(fee: u64, bought: u64, total: u64, share in 0_u16..=10_000) {
            let split = FeeSplit::new(fee, bought.min(total), total, share).expect("in range");
            let sum = u128::from(split.market_makers) + u128::from(split.limit_orders) + u128::from(split.protocol);
            prop_assert_eq!(sum, u128::from(fee));
        }
    }

    #[test]
    fn half_of_an_order_s_fee_goes_to_its_maker() {
        let split = FeeSplit::new(101, 0, 50, 2_000).expect("in range");
        assert_eq!(split, FeeSplit { market_makers: 0, limit_orders: 50, protocol: 51 });
        let split = FeeSplit::new(101, 25, 50, 2_000).expect("in range");
        assert_eq!(split, FeeSplit { market_makers: 41, limit_orders: 25, protocol: 35 });
    }

    #[test]
    fn a_protocol_share_above_the_whole_overflows() {
        assert_eq!(
            FeeSplit::new(100, 1, 1, 10_001),
            Ok(FeeSplit { market_makers: 0, limit_orders: 0, protocol: 100 })
        );
        assert_eq!(FeeSplit::new(10_000, 1, 1, 10_001), Err(Fault::MathOverflow));
    }
}
