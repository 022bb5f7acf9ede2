//! The fee's part that follows volatility.
//!
//! A swap pays for the volatility that the swaps before it have left in the accumulator: time alone
//! changes nothing that a swap pays. Time decays the *reference* from which the swap's own movement
//! is then added up for the next one.
//!
//! # Source
//! Meteora `cp-amm` 0.2.0, `state/fee.rs` (`DynamicFeeStruct`).

use super::errors::{MATH_OVERFLOW, Result, TYPE_CAST_FAILED};
use super::math::{BASIS_POINTS, Checked, Rounding, quotient};
use crate::amm_math::fixed_point::{low_u128, words};
use crate::decoders::{DecodeError, Fields};
use crate::swap::Value;
use crate::venues::layout::Wire;
use ruint::aliases::U256;

const ONE_X64: u128 = 1 << 64;
/// Volatility, bin step and control are in 1e-4 each: their product in 1e-20 becomes 1e-9.
const SCALE: u128 = 100_000_000_000;

/// Parameters and state of the volatility fee; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DynamicFee {
    /// Whether the pool has it.
    pub is_initialized: bool,
    /// Most that the accumulator holds.
    pub max_volatility_accumulator: u32,
    /// Factor from squared volatility to fee.
    pub variable_fee_control: u32,
    /// Width of a bin, 1e-4.
    pub bin_step: u16,
    /// Below this age of the last price move the references stay.
    pub filter_period: u16,
    /// From this age on volatility is forgotten.
    pub decay_period: u16,
    /// Share of the volatility kept in between, 1e-4.
    pub reduction_factor: u16,
    /// Unix seconds of the last swap that crossed a bin.
    pub last_update_timestamp: u64,
    /// Width of a bin, Q64.64.
    pub bin_step_u128: u128,
    /// Price from which movement is counted, Q64.64 square root.
    pub sqrt_price_reference: u128,
    /// Volatility that the next swap pays for, 1e-4 bins.
    pub volatility_accumulator: u128,
    /// Volatility that has remained from before.
    pub volatility_reference: u128,
}

impl DynamicFee {
    /// Names and Python types of the fields.
    pub(super) const FIELDS: &'static [(&'static str, &'static str)] = &[
        ("is_initialized", "bool"),
        ("max_volatility_accumulator", "int"),
        ("variable_fee_control", "int"),
        ("bin_step", "int"),
        ("filter_period", "int"),
        ("decay_period", "int"),
        ("reduction_factor", "int"),
        ("last_update_timestamp", "int"),
        ("bin_step_u128", "int"),
        ("sqrt_price_reference", "int"),
        ("volatility_accumulator", "int"),
        ("volatility_reference", "int"),
    ];

    /// Returns the fee rate in 1e-9; 0 if the pool has none.
    pub(super) fn rate(&self) -> Result<u128> {
        if !self.is_initialized {
            return Ok(0);
        }
        let moved = self.volatility_accumulator.times(self.bin_step.into())?;
        let square = moved.checked_pow(2).ok_or(TYPE_CAST_FAILED)?;
        square.times(self.variable_fee_control.into())?.plus(SCALE - 1)?.over(SCALE)
    }

    /// Ages the references before a swap.
    pub(super) fn before_swap(&mut self, sqrt_price: u128, unix_timestamp: u64) -> Result<()> {
        if !self.is_initialized {
            return Ok(());
        }
        // The program takes a time before the last update for no time at all.
        let elapsed = unix_timestamp.saturating_sub(self.last_update_timestamp);
        if elapsed >= self.filter_period.into() {
            self.sqrt_price_reference = sqrt_price;
            self.volatility_reference = if elapsed < self.decay_period.into() {
                let kept = self.volatility_accumulator.times(self.reduction_factor.into())?;
                kept.over(BASIS_POINTS.into())?
            } else {
                0
            };
        }
        Ok(())
    }

    /// Adds up the swap's own movement.
    pub(super) fn after_swap(&mut self, before: u128, sqrt_price: u128, unix_timestamp: u64) -> Result<()> {
        if !self.is_initialized {
            return Ok(());
        }
        let moved = self.bins_between(sqrt_price, self.sqrt_price_reference)?;
        let volatility = self.volatility_reference.plus(moved.times(BASIS_POINTS.into())?)?;
        self.volatility_accumulator = volatility.min(self.max_volatility_accumulator.into());
        if self.bins_between(before, sqrt_price)? > 0 {
            self.last_update_timestamp = unix_timestamp;
        }
        Ok(())
    }

    /// Whether [`after_swap`](Self::after_swap) is sure to succeed: prices of the program's own range,
    /// a bin of some width.
    pub(super) fn is_sure_to_count(&self, before: u128, sqrt_price: u128) -> bool {
        // Then a ratio has at most 128 bits, and twice its bins in 1e-4 fewer than 127.
        let is_usual = |price: u128| price >> 32 != 0 && price >> 96 == 0;
        !self.is_initialized
            || (self.bin_step_u128 >> 32 != 0
                && self.volatility_reference >> 127 == 0
                && [before, sqrt_price, self.sqrt_price_reference].into_iter().all(is_usual))
    }

    /// Returns about how many bins lie between two prices.
    fn bins_between(&self, a: u128, b: u128) -> Result<u128> {
        let (low, high) = (a.min(b), a.max(b));
        let ratio = shifted_ratio(high, low).ok_or(MATH_OVERFLOW)?;
        ratio.minus(ONE_X64)?.over(self.bin_step_u128)?.times(2)
    }
}

/// Returns `floor(high * 2^64 / low)` if it fits 128 bits.
fn shifted_ratio(high: u128, low: u128) -> Option<u128> {
    let [h0, h1] = words(high);
    low_u128(quotient(U256::from_limbs([0, h0, h1, 0]), U256::from(low), Rounding::Down)?)
}

impl Wire for DynamicFee {
    const PYTHON: &'static str = "DynamicFee";

    fn read(fields: &Fields<'_>, _: &'static str, offset: usize) -> std::result::Result<Self, DecodeError> {
        Ok(Self {
            // The program takes any number but 0 for yes.
            is_initialized: fields.u8(offset)? != 0,
            max_volatility_accumulator: fields.u32(offset + 8)?,
            variable_fee_control: fields.u32(offset + 12)?,
            bin_step: fields.u16(offset + 16)?,
            filter_period: fields.u16(offset + 18)?,
            decay_period: fields.u16(offset + 20)?,
            reduction_factor: fields.u16(offset + 22)?,
            last_update_timestamp: fields.u64(offset + 24)?,
            bin_step_u128: fields.u128(offset + 32)?,
            sqrt_price_reference: fields.u128(offset + 48)?,
            volatility_accumulator: fields.u128(offset + 64)?,
            volatility_reference: fields.u128(offset + 80)?,
        })
    }

    fn value(&self) -> Value {
        Value::Record(
            Self::PYTHON,
            vec![
                ("is_initialized", self.is_initialized.into()),
                ("max_volatility_accumulator", self.max_volatility_accumulator.into()),
                ("variable_fee_control", self.variable_fee_control.into()),
                ("bin_step", self.bin_step.into()),
                ("filter_period", self.filter_period.into()),
                ("decay_period", self.decay_period.into()),
                ("reduction_factor", self.reduction_factor.into()),
                ("last_update_timestamp", self.last_update_timestamp.into()),
                ("bin_step_u128", self.bin_step_u128.into()),
                ("sqrt_price_reference", self.sqrt_price_reference.into()),
                ("volatility_accumulator", self.volatility_accumulator.into()),
                ("volatility_reference", self.volatility_reference.into()),
            ],
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Parameters as the program's own clients set them: bin step 1, half of the volatility kept.
    fn fee() -> DynamicFee {
        DynamicFee {
            is_initialized: true,
            max_volatility_accumulator: 1_000_000,
            variable_fee_control: 2_000_000,
            bin_step: 1,
            filter_period: 10,
            decay_period: 120,
            reduction_factor: 5000,
            last_update_timestamp: 1000,
            bin_step_u128: 1_844_674_407_370_955,
            sqrt_price_reference: ONE_X64,
            volatility_accumulator: 40_000,
            volatility_reference: 10_000,
        }
    }

    #[test]
    fn rate_is_the_scaled_square_rounded_up() {
        // 40,000^2 * 2,000,000 / 1e11 = 32,000.
        assert_eq!(fee().rate(), Ok(32_000));
        // 1 * 2,000,000 / 1e11 is next to nothing, but not nothing.
        assert_eq!(DynamicFee { volatility_accumulator: 1, ..fee() }.rate(), Ok(1));
        assert_eq!(DynamicFee { is_initialized: false, ..fee() }.rate(), Ok(0));
        let wide = DynamicFee { volatility_accumulator: 1 << 64, ..fee() };
        assert_eq!(wide.rate(), Err(TYPE_CAST_FAILED));
        let wider = DynamicFee { volatility_accumulator: u128::MAX, bin_step: 2, ..fee() };
        assert_eq!(wider.rate(), Err(MATH_OVERFLOW));
    }

    #[test]
    fn references_stay_then_decay_then_vanish() {
        let aged = |seconds: u64| {
            let mut fee = fee();
            fee.before_swap(2 * ONE_X64, 1000 + seconds).unwrap();
            (fee.sqrt_price_reference, fee.volatility_reference, fee.rate())
        };
        assert_eq!(aged(9), (ONE_X64, 10_000, Ok(32_000)));
        assert_eq!(aged(10), (2 * ONE_X64, 20_000, Ok(32_000)));
        assert_eq!(aged(119), (2 * ONE_X64, 20_000, Ok(32_000)));
        assert_eq!(aged(120), (2 * ONE_X64, 0, Ok(32_000)));
    }

    #[test]
    fn movement_is_added_and_only_a_crossed_bin_sets_the_time() {
        let mut fee = fee();
        // 1.0003 is three bins, counted twice because the price is a square root.
        let price = ONE_X64 + 3 * 1_844_674_407_370_956;
        fee.after_swap(price, price, 2000).unwrap();
        assert_eq!((fee.volatility_accumulator, fee.last_update_timestamp), (70_000, 1000));
        fee.after_swap(ONE_X64, price, 2000).unwrap();
        assert_eq!((fee.volatility_accumulator, fee.last_update_timestamp), (70_000, 2000));
        fee.after_swap(ONE_X64, 4 * ONE_X64, 2001).unwrap();
        assert_eq!(fee.volatility_accumulator, 1_000_000);
        assert_eq!(fee.after_swap(ONE_X64, 0, 2001), Err(MATH_OVERFLOW));
        fee.bin_step_u128 = 0;
        assert_eq!(fee.after_swap(ONE_X64, ONE_X64, 2001), Err(MATH_OVERFLOW));
    }

    proptest! {
        #[test]
        fn what_is_sure_to_count_counts(
            prices: [u128; 3], cut in 28_u32..36, other_cut in 90_u32..100, bin_step_u128 in 0_u128..1 << 34,
            volatility_reference: u128,
        ) {
            let cuts = [cut, other_cut, 60];
            let [before, after, reference] =
                [0, 1, 2].map(|index| prices[index] >> (128 - cuts[index]));
            for [before, after, reference] in [[before, after, reference], [after, before, before]] {
                let mut fee = DynamicFee {
                    bin_step_u128, volatility_reference, sqrt_price_reference: reference, ..fee()
                };
                if fee.is_sure_to_count(before, after) {
                    prop_assert_eq!(fee.after_swap(before, after, 2000), Ok(()));
                }
            }
        }

        #[test]
        fn ratio_equals_the_256_bit_division(a: u128, b: u128, shift_a in 0_u32..128, shift_b in 0_u32..128) {
            let (a, b): (u128, u128) = (a >> shift_a, b >> shift_b);
            let (low, high) = (a.min(b), a.max(b));
            let exact = U256::from(high) << 64_usize;
            let exact = (low > 0).then(|| low_u128(exact / U256::from(low))).flatten();
            prop_assert_eq!(shifted_ratio(high, low), exact);
        }
    }
}
