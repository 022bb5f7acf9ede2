//! Whether 32 bytes are a point of the ed25519 curve, without finding the point.
//!
//! The one idea: `y` belongs to a point if `x² = (y² - 1) / (d·y² + 1)` has a root, and whether there is one
//! is told by the Jacobi symbol of `(y² - 1)·(d·y² + 1)`, a matter of shifts and subtractions as in a
//! greatest common divisor; decompressing the point costs an exponentiation. Addresses are public, so that
//! the time depends on them is no matter.
//!
//! # Source
//! Decompression: RFC 8032, section 5.1.3, read as `curve25519-dalek` reads it (no canonical `y` is asked
//! for, the sign is not looked at). The symbol: Bernstein and Yang, "Fast constant-time gcd computation and
//! modular inversion", in the variable-time form with positive values that libsecp256k1 describes in
//! `doc/safegcd_implementation.md`, 62 steps at a time on the low words.

use curve25519_dalek::edwards::CompressedEdwardsY;

/// A number below 2^256, the lowest word first.
type Words = [u64; 4];

/// 2^255 - 19.
const P: Words = [0xffff_ffff_ffff_ffed, u64::MAX, u64::MAX, 0x7fff_ffff_ffff_ffff];
/// The curve's `d`: -121665 / 121666.
const D: Words = [0x75eb_4dca_1359_78a3, 0x0070_0a4d_4141_d8ab, 0x8cc7_4079_7779_e898, 0x5203_6cee_2b6f_fe73];

/// Returns whether `bytes` stand for a point of the curve.
pub(super) fn is_on_curve(bytes: &[u8; 32]) -> bool {
    let mut y: Words = [0; 4];
    for (word, chunk) in y.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = chunk.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
    }
    y[3] &= u64::MAX >> 1;
    let square = remainder(multiply(&y, &y));
    // Both factors may be above P, for only the symbol asks for the remainder; neither is above 2^256.
    let numerator = add(&square, &[P[0] - 1, P[1], P[2], P[3]]);
    let denominator = add(&multiply(&square, &D), &[1, 0, 0, 0]);
    let value = remainder(multiply(&numerator, &denominator));
    if value == [0; 4] {
        return true; // y = 1 or -1, so x = 0: the denominator has no root
    }
    match jacobi(value) {
        Some(is_square) => is_square,
        None => CompressedEdwardsY(*bytes).decompress().is_some(),
    }
}

fn wide(word: u64) -> u128 {
    u128::from(word)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low(wide: u128) -> u64 {
    wide as u64
}

/// Returns the sum; it fits.
fn add(a: &Words, b: &Words) -> Words {
    let mut carry = 0;
    std::array::from_fn(|place| {
        let sum = wide(a[place]) + wide(b[place]) + carry;
        carry = sum >> 64;
        low(sum)
    })
}

/// Returns the product modulo P, as a number below 2^255 + 2^11.
fn multiply(a: &Words, b: &Words) -> Words {
    let mut product = [0_u64; 8];
    for (row, &x) in a.iter().enumerate() {
        let mut carry = 0;
        for (column, &y) in b.iter().enumerate() {
            let sum = wide(x) * wide(y) + wide(product[row + column]) + carry;
            product[row + column] = low(sum);
            carry = sum >> 64;
        }
        product[row + 4] = low(carry);
    }
    // 2^256 is 38 modulo P.
    let mut result: Words = [0; 4];
    let mut carry = 0;
    for place in 0..4 {
        let sum = wide(product[place]) + 38 * wide(product[place + 4]) + carry;
        result[place] = low(sum);
        carry = sum >> 64;
    }
    // What is above 2^255, at most 2 * 38 + 1 times, counts 19 each.
    let above = carry << 1 | wide(result[3] >> 63);
    result[3] &= u64::MAX >> 1;
    add(&result, &[19 * low(above), 0, 0, 0])
}

/// Returns a number below 2^255 + 2^11 modulo P.
fn remainder(value: Words) -> Words {
    let mut value = value;
    while value.iter().rev().cmp(P.iter().rev()).is_ge() {
        let mut borrow = false;
        for (word, p) in value.iter_mut().zip(P) {
            let (difference, first) = word.overflowing_sub(p);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            *word = difference;
            borrow = first | second;
        }
    }
    value
}

/// How 62 steps change `f` and `g`: `f' = (u·f + v·g) / 2^62`, `g' = (q·f + r·g) / 2^62`.
#[derive(Clone, Copy)]
struct Steps {
    u: u64,
    v: u64,
    q: u64,
    r: u64,
}

/// Returns whether `value`, not zero and below P, is a square modulo P; `None` if the steps do not get
/// there, which has never been seen.
fn jacobi(value: Words) -> Option<bool> {
    let (mut f, mut g) = (P, value);
    let mut eta = -1_i64;
    let mut sign = 0_u64; // the lowest bit: whether the symbol has changed its sign
    for _ in 0..25 {
        let steps = steps_62(&mut eta, f[0], g[0], &mut sign);
        let (next_f, next_g) = (combine(steps.u, &f, steps.v, &g), combine(steps.q, &f, steps.r, &g));
        (f, g) = (next_f, next_g);
        if f == [1, 0, 0, 0] {
            return Some(sign & 1 == 0);
        }
        if g == [0; 4] {
            return None;
        }
    }
    None
}

/// Takes 62 steps on the low words of `f` (odd) and `g`.
#[expect(clippy::many_single_char_names, reason = "the names of the paper")]
fn steps_62(eta: &mut i64, mut f: u64, mut g: u64, sign: &mut u64) -> Steps {
    let (mut u, mut v, mut q, mut r) = (1_u64, 0_u64, 0_u64, 1_u64);
    let mut left = 62_u32;
    loop {
        // The bit at `left` stops the count at the end of the 62.
        let zeros = (g | u64::MAX << left).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        *eta -= i64::from(zeros);
        left -= zeros;
        // (2 | f) is -1 where f is 3 or 5 modulo 8.
        *sign ^= u64::from(zeros) & (f >> 1 ^ f >> 2);
        if left == 0 {
            return Steps { u, v, q, r };
        }
        let cancelled;
        if *eta < 0 {
            *eta = -*eta;
            (f, g) = (g, f);
            (u, q) = (q, u);
            (v, r) = (r, v);
            // (f | g) and (g | f) differ where both are 3 modulo 4.
            *sign ^= (f & g) >> 1;
            // How often f has to be added to clear as many low bits of g as may go before the next turn.
            let mask = u64::MAX >> (64 - bits_to_clear(*eta, left)) & 63;
            cancelled = f.wrapping_mul(g).wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)) & mask;
        } else {
            let mask = u64::MAX >> (64 - bits_to_clear(*eta, left)) & 15;
            let inverse = f.wrapping_add((f.wrapping_add(1) & 4) << 1);
            cancelled = inverse.wrapping_neg().wrapping_mul(g) & mask;
        }
        g = g.wrapping_add(f.wrapping_mul(cancelled));
        q = q.wrapping_add(u.wrapping_mul(cancelled));
        r = r.wrapping_add(v.wrapping_mul(cancelled));
    }
}

/// Returns `min(eta + 1, left)`, from 1 to 62.
fn bits_to_clear(eta: i64, left: u32) -> u32 {
    u32::try_from(eta + 1).unwrap_or(u32::MAX).min(left)
}

/// Returns `(a·x + b·y) / 2^62`, which is whole.
fn combine(a: u64, x: &Words, b: u64, y: &Words) -> Words {
    let mut sums = [0_u64; 5];
    let mut carry = 0;
    for place in 0..4 {
        // At most 2^62 · 2^64 in total, since a + b is at most 2^62.
        let sum = wide(a) * wide(x[place]) + wide(b) * wide(y[place]) + carry;
        sums[place] = low(sum);
        carry = sum >> 64;
    }
    sums[4] = low(carry);
    std::array::from_fn(|place| sums[place] >> 62 | sums[place + 1] << 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn theirs(bytes: &[u8; 32]) -> bool {
        CompressedEdwardsY(*bytes).decompress().is_some()
    }

    /// Hashes, as addresses are.
    #[test]
    fn is_on_curve_says_what_decompression_says() {
        use sha2::{Digest, Sha256};
        let mut bytes: [u8; 32] = Sha256::digest(b"phantom").into();
        for _ in 0..100_000 {
            assert_eq!(is_on_curve(&bytes), theirs(&bytes), "{bytes:?}");
            bytes = Sha256::digest(bytes).into();
        }
    }

    /// Around 0, P and 2^255, where reductions go wrong, with either sign bit.
    #[test]
    fn is_on_curve_agrees_at_the_edges() {
        let mut edges: Vec<[u8; 32]> = Vec::new();
        for small in 0_u8..=255 {
            let mut low = [0; 32];
            low[0] = small;
            let mut high = [0xff; 32];
            high[0] = small;
            high[31] = 0x7f;
            edges.extend([low, high]);
            let bits = if small < 16 { 255 } else { 0 };
            for bit in 0..bits {
                let mut power = low;
                power[bit / 8] ^= 1 << (bit % 8);
                edges.push(power);
            }
        }
        for edge in edges {
            for sign in [0, 0x80] {
                let mut bytes = edge;
                bytes[31] |= sign;
                assert_eq!(is_on_curve(&bytes), theirs(&bytes), "{bytes:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn is_on_curve_agrees_on_patterned_bytes(
            words in prop::array::uniform4(prop_oneof![
                any::<u64>(), Just(0), Just(u64::MAX), (0_u32..64).prop_map(|bit| 1 << bit),
                (0_u32..64).prop_map(|bit| u64::MAX << bit), (0_u32..64).prop_map(|bit| u64::MAX >> bit),
            ]),
        ) {
            let mut bytes = [0; 32];
            for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
                place.copy_from_slice(&word.to_le_bytes());
            }
            prop_assert_eq!(is_on_curve(&bytes), theirs(&bytes));
        }
    }
}
