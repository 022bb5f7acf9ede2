//! Token-2022 transfer fees as the Whirlpool program applies them.
//!
//! # Source
//! token-2022, `extension/transfer_fee`; Whirlpool program, `util/v2/token.rs`.

use crate::decoders::TransferFee;

pub(crate) const ONE_BASIS_POINTS: u64 = 10_000;

/// An amount and the transfer fee that goes with it, base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithFee {
    /// What arrives (fee excluded) or what must be sent (fee included).
    pub amount: u64,
    /// What the mint keeps.
    pub fee: u64,
}

impl TransferFee {
    /// Returns the fee on a transfer of `amount`: rounded up, at most `maximum_fee`.
    #[must_use]
    pub fn on(&self, amount: u64) -> u64 {
        let rate = u64::from(self.basis_points);
        if rate == 0 || amount == 0 {
            return 0;
        }
        // amount * rate / 10000 rounded up, without leaving 64 bits (rate is at most 10000).
        let (whole, rest) = (amount / ONE_BASIS_POINTS, amount % ONE_BASIS_POINTS);
        (whole * rate + (rest * rate).div_ceil(ONE_BASIS_POINTS)).min(self.maximum_fee)
    }

    /// Returns what arrives of a transfer of `amount`.
    #[must_use]
    pub fn exclude(&self, amount: u64) -> WithFee {
        let fee = self.on(amount);
        WithFee { amount: amount - fee, fee }
    }

    /// Returns what must be sent so that `amount` arrives, or `None` where the program fails with
    /// `TransferFeeCalculationError`: beyond 64 bits, or the fee of the sum is another one.
    #[must_use]
    pub fn include(&self, amount: u64) -> Option<WithFee> {
        if amount == 0 {
            return Some(WithFee { amount: 0, fee: 0 });
        }
        let rate = u64::from(self.basis_points);
        let fee = if rate == ONE_BASIS_POINTS { self.maximum_fee } else { self.inverse(amount)? };
        let gross = amount.checked_add(fee)?;
        (self.on(gross) == fee).then_some(WithFee { amount: gross, fee })
    }

    /// The fee of the smallest transfer of which at least `amount` arrives.
    fn inverse(&self, amount: u64) -> Option<u64> {
        let rate = u64::from(self.basis_points);
        if rate == 0 {
            return Some(0);
        }
        let kept = ONE_BASIS_POINTS - rate;
        let gross = (u128::from(amount) * u128::from(ONE_BASIS_POINTS)).div_ceil(u128::from(kept));
        let gross = if gross - u128::from(amount) >= u128::from(self.maximum_fee) {
            amount.checked_add(self.maximum_fee)?
        } else {
            u64::try_from(gross).ok()?
        };
        Some(self.on(gross))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fee(basis_points: u16, maximum_fee: u64) -> TransferFee {
        TransferFee { epoch: 0, maximum_fee, basis_points }
    }

    #[test]
    fn fee_rounds_up_and_stops_at_its_maximum() {
        assert_eq!(fee(100, 5_000).on(1), 1);
        assert_eq!(fee(100, 5_000).on(10_000), 100);
        assert_eq!(fee(100, 5_000).on(10_001), 101);
        assert_eq!(fee(100, 5_000).on(u64::MAX), 5_000);
        assert_eq!(fee(0, 5_000).on(u64::MAX), 0);
        assert_eq!(fee(10_000, u64::MAX).on(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_rate_of_one_is_paid_by_the_maximum_fee() {
        assert_eq!(fee(10_000, 7).include(3), Some(WithFee { amount: 10, fee: 7 }));
        assert_eq!(fee(10_000, 7).include(u64::MAX), None);
    }

    proptest! {
        #[test]
        fn fee_equals_the_128_bit_formula(rate in 0_u16..=10_000, maximum: u64, amount: u64) {
            let exact = (u128::from(amount) * u128::from(rate)).div_ceil(10_000);
            let expected = exact.min(u128::from(maximum));
            prop_assert_eq!(u128::from(fee(rate, maximum).on(amount)), expected);
        }

        #[test]
        fn what_include_sends_arrives(rate in 0_u16..10_000, maximum: u64, amount in 0..u64::MAX / 2) {
            let fee = fee(rate, maximum);
            if let Some(sent) = fee.include(amount) {
                prop_assert!(fee.exclude(sent.amount).amount >= amount);
                prop_assert_eq!(sent.amount - sent.fee, amount);
            }
        }
    }
}
