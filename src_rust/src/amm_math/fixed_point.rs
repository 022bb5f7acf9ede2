//! Products and quotients wider than 128 bits.
//!
//! Nearly every division of a swap has a quotient of one machine word: [`div_shifted`] finds it
//! with a single word division; the rest goes through 256-bit integers.

use ruint::aliases::U256;

const WORD: u128 = u64::MAX as u128;

/// Returns the low and the high word of `value`.
pub(crate) const fn words(value: u128) -> [u64; 2] {
    [(value & WORD) as u64, (value >> 64) as u64]
}

/// Returns the full product of `a` and `b` as (high, low).
pub(crate) const fn mul_wide(a: u128, b: u128) -> (u128, u128) {
    let (a0, a1) = (a & WORD, a >> 64);
    let (b0, b1) = (b & WORD, b >> 64);
    let low = a0 * b0;
    let cross_a = a1 * b0;
    let cross_b = a0 * b1;
    let middle = (low >> 64) + (cross_a & WORD) + (cross_b & WORD);
    let high = a1 * b1 + (cross_a >> 64) + (cross_b >> 64) + (middle >> 64);
    (high, (middle << 64) | (low & WORD))
}

/// Returns `high * 2^128 + low` as a 256-bit integer.
pub(crate) fn u256(high: u128, low: u128) -> U256 {
    let ([l0, l1], [h0, h1]) = (words(low), words(high));
    U256::from_limbs([l0, l1, h0, h1])
}

/// Returns `value` if it fits 128 bits.
pub(crate) fn low_u128(value: U256) -> Option<u128> {
    let limbs = value.as_limbs();
    (limbs[2] == 0 && limbs[3] == 0).then(|| u128::from(limbs[1]) << 64 | u128::from(limbs[0]))
}

/// A 192-bit number, low word first.
pub(crate) type Words3 = [u64; 3];

/// Whether `a < b`.
pub(crate) fn less(a: &Words3, b: &Words3) -> bool {
    (a[2], a[1], a[0]) < (b[2], b[1], b[0])
}

/// Returns `floor((high * 2^64 + low) / denominator)` and the remainder.
///
/// `high` must be less than the denominator, so that the quotient fits a word.
pub(crate) fn div_word(high: Words3, low: u64, denominator: Words3) -> (u64, Words3) {
    let (quotient, rest_high, rest_low, shift) = div_step(high, low, denominator);
    let ([r0, r1], [r2, _]) = (words(rest_low), words(rest_high));
    (quotient, shifted_back([r0, r1, r2], shift))
}

/// Returns `floor(high * 2^64 / denominator)` and whether a remainder is left; as [`div_word`].
#[inline]
pub(crate) fn div_shifted(high: Words3, denominator: Words3) -> (u64, bool) {
    let (quotient, rest_high, rest_low, _) = div_step(high, 0, denominator);
    (quotient, rest_high | rest_low != 0)
}

/// One step of Knuth's algorithm D: quotient, remainder in two halves, by how much it is shifted.
#[inline]
fn div_step(high: Words3, low: u64, denominator: Words3) -> (u64, u128, u128, u32) {
    debug_assert!(less(&high, &denominator));
    let (u, v, u_low, shift) = normalized(high, low, denominator);
    // Estimate from the top words; at most two too large because v[2] has its top bit set.
    let mut q = if u[2] >= v[2] {
        u64::MAX
    } else {
        words((u128::from(u[2]) << 64 | u128::from(u[1])) / u128::from(v[2]))[0]
    };
    let d = u128::from(v[1]) << 64 | u128::from(v[0]);
    // remainder = u - q * v in two halves; below zero if the estimate is too large.
    let (p_high, product_low) = mul_wide(d, u128::from(q));
    let product_high = u128::from(v[2]) * u128::from(q) + p_high;
    let (mut low_rest, borrow) = (u128::from(u[0]) << 64 | u128::from(u_low)).overflowing_sub(product_low);
    let mut high_rest = (u128::from(u[2]) << 64 | u128::from(u[1]))
        .wrapping_sub(product_high)
        .wrapping_sub(u128::from(borrow));
    while high_rest >> 127 == 1 {
        q -= 1;
        let (sum, carry) = low_rest.overflowing_add(d);
        low_rest = sum;
        high_rest = high_rest.wrapping_add(u128::from(v[2])).wrapping_add(u128::from(carry));
    }
    (q, high_rest, low_rest, shift)
}

/// Shifts both numbers left until the denominator's top bit is set; the quotient stays.
#[inline]
fn normalized(mut u: Words3, mut low: u64, mut v: Words3) -> (Words3, Words3, u64, u32) {
    let mut shift = 0;
    while v[2] == 0 {
        v = [0, v[0], v[1]];
        u = [low, u[0], u[1]];
        low = 0;
        shift += 64;
    }
    let bits = v[2].leading_zeros();
    if bits > 0 {
        let back = 64 - bits;
        v = [v[0] << bits, v[1] << bits | v[0] >> back, v[2] << bits | v[1] >> back];
        u = [u[0] << bits | low >> back, u[1] << bits | u[0] >> back, u[2] << bits | u[1] >> back];
        low <<= bits;
    }
    (u, v, low, shift + bits)
}

#[inline]
fn shifted_back(mut x: Words3, mut shift: u32) -> Words3 {
    while shift >= 64 {
        x = [x[1], x[2], 0];
        shift -= 64;
    }
    if shift == 0 {
        return x;
    }
    let back = 64 - shift;
    [x[0] >> shift | x[1] << back, x[1] >> shift | x[2] << back, x[2] >> shift]
}

/// Divides by one 64-bit number again and again without a division each time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Divisor {
    divisor: u64,
    /// `floor((2^64 - 1) / divisor)`.
    reciprocal: u64,
}

impl Divisor {
    /// `divisor` must not be 0.
    #[inline]
    pub(crate) fn new(divisor: u64) -> Self {
        Self { divisor, reciprocal: u64::MAX / divisor }
    }

    /// Returns quotient and remainder of `value`.
    #[inline]
    pub(crate) fn div_rem(self, value: u64) -> (u64, u64) {
        // The estimate is at most two too small.
        let mut quotient = words(u128::from(value) * u128::from(self.reciprocal))[1];
        let mut rest = value - quotient * self.divisor;
        while rest >= self.divisor {
            quotient += 1;
            rest -= self.divisor;
        }
        (quotient, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wide(x: Words3) -> U256 {
        U256::from_limbs([x[0], x[1], x[2], 0])
    }

    proptest! {
        #[test]
        fn mul_wide_equals_256_bit_product(a: u128, b: u128) {
            let (high, low) = mul_wide(a, b);
            prop_assert_eq!(u256(high, low), U256::from(a) * U256::from(b));
        }

        #[test]
        fn div_word_equals_256_bit_division(
            a: Words3, b: Words3, low: u64, zero_a in 0_usize..3, zero_b in 0_usize..3, ones in 0_u8..4,
        ) {
            let (mut a, mut b) = (a, b);
            if ones & 1 == 1 { a[1] = u64::MAX; }
            if ones & 2 == 2 { b[1] = u64::MAX; a[2] = b[2]; }
            for word in &mut a[3 - zero_a..] { *word = 0; }
            for word in &mut b[3 - zero_b..] { *word = 0; }
            if !less(&a, &b) { std::mem::swap(&mut a, &mut b); }
            prop_assume!(less(&a, &b));
            let dividend = (wide(a) << 64_usize) + U256::from(low);
            let (quotient, rest) = dividend.div_rem(wide(b));
            let (got, got_rest) = div_word(a, low, b);
            prop_assert_eq!((U256::from(got), wide(got_rest)), (quotient, rest));
            let (got, is_left) = div_shifted(a, b);
            let (quotient, rest) = (wide(a) << 64_usize).div_rem(wide(b));
            prop_assert_eq!((U256::from(got), is_left), (quotient, !rest.is_zero()));
        }

        #[test]
        fn divisor_divides(value: u64, divisor in 1_u64.., shift in 0_u32..64) {
            let divisor = (divisor >> shift).max(1);
            prop_assert_eq!(Divisor::new(divisor).div_rem(value), (value / divisor, value % divisor));
        }
    }
}
