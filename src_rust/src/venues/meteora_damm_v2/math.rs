//! The program's checked arithmetic, with its errors.

use ruint::aliases::U256;

use super::errors::{MATH_OVERFLOW, Result, TYPE_CAST_FAILED};
use crate::amm_math::fixed_point::{div_word, less, mul_wide, u256};

/// Parts of a fee rate in one whole: rates are in 1e-9.
pub(super) const FEE_DENOMINATOR: u64 = 1_000_000_000;
/// Basis points in one whole.
pub(super) const BASIS_POINTS: u64 = 10_000;

/// Which way a quotient is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Up,
    Down,
}

/// Checked operations that fail as the program's `safe_*` do.
pub(super) trait Checked: Sized {
    fn plus(self, other: Self) -> Result<Self>;
    fn minus(self, other: Self) -> Result<Self>;
    fn times(self, other: Self) -> Result<Self>;
    fn over(self, other: Self) -> Result<Self>;
}

macro_rules! checked {
    ($($kind:ty),*) => {
        $(impl Checked for $kind {
            fn plus(self, other: Self) -> Result<Self> {
                self.checked_add(other).ok_or(MATH_OVERFLOW)
            }

            fn minus(self, other: Self) -> Result<Self> {
                self.checked_sub(other).ok_or(MATH_OVERFLOW)
            }

            fn times(self, other: Self) -> Result<Self> {
                self.checked_mul(other).ok_or(MATH_OVERFLOW)
            }

            fn over(self, other: Self) -> Result<Self> {
                self.checked_div(other).ok_or(MATH_OVERFLOW)
            }
        })*
    };
}
checked!(u64, u128, U256);

/// Returns `x * y / denominator`.
pub(super) fn mul_div(x: u64, y: u64, denominator: u64, rounding: Rounding) -> Result<u64> {
    let (product, denominator) = (u128::from(x) * u128::from(y), u128::from(denominator));
    let quotient = match rounding {
        // The sum stays below 2^128: the product is at most (2^64 - 1)^2.
        Rounding::Up => (product + denominator).minus(1)?.over(denominator)?,
        Rounding::Down => product.over(denominator)?,
    };
    u64::try_from(quotient).map_err(|_| TYPE_CAST_FAILED)
}

/// Returns the full product.
pub(super) fn product(a: u128, b: u128) -> U256 {
    let (high, low) = mul_wide(a, b);
    u256(high, low)
}

/// Returns `numerator / denominator`; `None` for a denominator of zero.
pub(super) fn quotient(numerator: U256, denominator: U256, rounding: Rounding) -> Option<U256> {
    if denominator.is_zero() {
        return None;
    }
    let (quotient, has_rest) = divide(numerator, denominator);
    // A quotient of 2^256 - 1 leaves no remainder, so nothing is lost.
    Some(if rounding == Rounding::Up && has_rest { quotient.wrapping_add(U256::ONE) } else { quotient })
}

/// Returns the quotient and whether something is left, word by word where it has at most two.
fn divide(numerator: U256, denominator: U256) -> (U256, bool) {
    let ([n0, n1, n2, n3], [d0, d1, d2, d3]) = (numerator.into_limbs(), denominator.into_limbs());
    let divisor = [d0, d1, d2];
    if d3 == 0 && less(&[n1, n2, n3], &divisor) {
        let (low, rest) = div_word([n1, n2, n3], n0, divisor);
        (U256::from(low), rest != [0; 3])
    } else if d3 == 0 && less(&[n2, n3, 0], &divisor) {
        let (high, rest) = div_word([n2, n3, 0], n1, divisor);
        let (low, rest) = div_word(rest, n0, divisor);
        (U256::from_limbs([low, high, 0, 0]), rest != [0; 3])
    } else {
        let (quotient, rest) = numerator.div_rem(denominator);
        (quotient, !rest.is_zero())
    }
}

/// Returns `value * 2^128`.
pub(super) fn shifted(value: u64) -> U256 {
    U256::from_limbs([0, 0, value, 0])
}

/// Returns `value` if it fits 64 bits.
pub(super) fn low_u64(value: U256) -> Option<u64> {
    let limbs = value.as_limbs();
    (limbs[1] | limbs[2] | limbs[3] == 0).then_some(limbs[0])
}

/// Returns the square root, rounded down.
pub(super) fn square_root(value: U256) -> U256 {
    let bits = 256 - value.leading_zeros();
    // An even shift that leaves at most 64 bits.
    let shift = bits.saturating_sub(64).next_multiple_of(2);
    let top = (value >> shift).into_limbs()[0].isqrt();
    if shift == 0 {
        return U256::from(top);
    }
    // From above the root Newton's steps only fall until they reach it.
    let mut root = U256::from(u128::from(top) + 1) << (shift / 2);
    loop {
        let next = (root + divide(value, root).0) >> 1_usize;
        if next >= root {
            return root;
        }
        root = next;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotients_fail_as_the_programs_do() {
        assert_eq!(mul_div(7, 3, 2, Rounding::Down), Ok(10));
        assert_eq!(mul_div(7, 3, 2, Rounding::Up), Ok(11));
        assert_eq!(mul_div(7, 3, 0, Rounding::Up), Err(MATH_OVERFLOW));
        assert_eq!(mul_div(0, 3, 0, Rounding::Up), Err(MATH_OVERFLOW));
        assert_eq!(mul_div(7, 3, 0, Rounding::Down), Err(MATH_OVERFLOW));
        assert_eq!(mul_div(u64::MAX, 2, 1, Rounding::Down), Err(TYPE_CAST_FAILED));
        assert_eq!(mul_div(u64::MAX, u64::MAX, u64::MAX, Rounding::Up), Ok(u64::MAX));
    }

    proptest! {
        #[test]
        fn root_is_the_largest_whose_square_fits(limbs: [u64; 4], zeros in 0_usize..256) {
            let value = U256::from_limbs(limbs) >> zeros;
            let root = square_root(value);
            prop_assert!(root.checked_mul(root).unwrap() <= value);
            let next = root + U256::ONE;
            prop_assert!(next.checked_mul(next).is_none_or(|square| square > value));
        }

        #[test]
        fn division_equals_the_general_one(n: [u64; 4], d: [u64; 4], cut_n in 0_usize..256, cut_d in 0_usize..256) {
            let (n, d) = (U256::from_limbs(n) >> cut_n, U256::from_limbs(d) >> cut_d);
            prop_assume!(!d.is_zero());
            let (expected, rest) = n.div_rem(d);
            prop_assert_eq!(divide(n, d), (expected, !rest.is_zero()));
        }

        #[test]
        fn rounding_up_adds_one_exactly_if_something_is_left(a: u128, b: u128, c in 1_u128..) {
            let (low, rest) = product(a, b).div_rem(U256::from(c));
            prop_assert_eq!(quotient(product(a, b), U256::from(c), Rounding::Down), Some(low));
            let high = if rest.is_zero() { low } else { low + U256::ONE };
            prop_assert_eq!(quotient(product(a, b), U256::from(c), Rounding::Up), Some(high));
        }
    }
}
