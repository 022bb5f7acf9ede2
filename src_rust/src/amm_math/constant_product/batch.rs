//! Many exact quotes in one call.
//!
//! The one idea: a quotient of at most 49 bits is estimated in `f64` to within one unit and put right
//! by the remainder, which wraps in 64 bits without harm. That costs one floating-point division
//! where a 128-bit integer division costs ten times as much. What does not fit takes the integer way.

use std::num::NonZero;
use std::sync::OnceLock;
use std::thread;

use super::ConstantProductError;
use crate::amm_math::fixed_point::words;

/// Below this many rows for each a further thread costs more than it brings.
const ROWS_PER_THREAD: usize = 32_768;

/// Why a batch is refused; nothing of `out` is then of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The columns differ in length.
    #[error("{found} values where there are {expected} rows")]
    Length {
        /// Length of the offending column.
        found: usize,
        /// Length of the first one.
        expected: usize,
    },
    /// The fee takes everything, or is no fraction.
    #[error("fee {numerator}/{denominator} is not below one")]
    Fee {
        /// Fee as a fraction: above the line.
        numerator: u64,
        /// Below the line.
        denominator: u64,
    },
    /// The first row that has no answer.
    #[error("row {index}: {error}")]
    Row {
        /// Its position.
        index: usize,
        /// Why.
        error: ConstantProductError,
    },
}

/// Writes to `out` what each `amount_in` buys in its own pool, all with the same fee on the input.
///
/// Base units throughout. The fee is `ceil(amount_in * fee_numerator / fee_denominator)`, the rest
/// `x` buys `floor(reserve_out * x / (reserve_in + x))`: 0 where that is less than one unit. Long
/// columns are spread over the machine's cores.
///
/// # Errors
/// [`BatchError::Row`] names the first row with an empty reserve, or with an amount that takes the
/// reserve beyond 64 bits. [`BatchError::Fee`], [`BatchError::Length`].
pub fn quote_many(
    reserve_in: &[u64],
    reserve_out: &[u64],
    amount_in: &[u64],
    fee_numerator: u64,
    fee_denominator: u64,
    out: &mut [u64],
) -> Result<(), BatchError> {
    let expected = reserve_in.len();
    for found in [reserve_out.len(), amount_in.len(), out.len()] {
        if found != expected {
            return Err(BatchError::Length { found, expected });
        }
    }
    let fee = Fee::new(fee_numerator, fee_denominator)
        .ok_or(BatchError::Fee { numerator: fee_numerator, denominator: fee_denominator })?;
    let threads = (expected / ROWS_PER_THREAD).clamp(1, cores());
    if threads == 1 {
        return quote_rows(reserve_in, reserve_out, amount_in, fee, out, 0);
    }
    let rows = expected.div_ceil(threads);
    thread::scope(|scope| {
        let columns = reserve_in.chunks(rows).zip(reserve_out.chunks(rows)).zip(amount_in.chunks(rows));
        let mut parts = columns.zip(out.chunks_mut(rows)).enumerate();
        let first = parts.next();
        let others: Vec<_> = parts
            .map(|(part, (((x, y), a), out))| scope.spawn(move || quote_rows(x, y, a, fee, out, part * rows)))
            .collect();
        let mut done = match first {
            Some((_, (((x, y), a), out))) => quote_rows(x, y, a, fee, out, 0),
            None => Ok(()),
        };
        for other in others {
            let part = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            done = done.and(part);
        }
        done
    })
}

fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}

/// A fee below one, as what is left of the input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fee {
    pub kept: u64,
    pub denominator: u64,
    pub ratio: f64,
    /// Bits that an amount may not have for the short way: all, if the fee's terms are too large.
    wide: u64,
}

impl Fee {
    fn new(numerator: u64, denominator: u64) -> Option<Self> {
        let kept = denominator.checked_sub(numerator).filter(|&kept| kept > 0)?;
        Some(Self::of(kept, denominator))
    }

    /// `kept` of `denominator` is left of the input; both above 0.
    pub(super) fn of(kept: u64, denominator: u64) -> Self {
        let ratio = kept as f64 / denominator as f64;
        let wide = if denominator < 1 << 62 { !0 << 49 } else { !0 };
        Self { kept, denominator, ratio, wide }
    }

    /// Returns `floor(amount * kept / denominator)`.
    #[inline]
    pub(super) fn after(&self, amount: u64) -> u64 {
        if amount & self.wide == 0 {
            return corrected(rounded(real(amount) * self.ratio), amount, self.kept, self.denominator);
        }
        // Less than the amount.
        u64::try_from(mul_div(amount, self.kept, self.denominator)).unwrap_or(amount)
    }
}

/// `f64` from 2^52 on has no fraction: adding this rounds to an integer, found in the lowest bits.
const TO_INTEGER: f64 = (1_u64 << 52) as f64;
/// Quotients below this are estimated to less than 0.5 + 0.32.
const ESTIMATE_LIMIT: f64 = (1_u64 << 49) as f64;
const MAX_FACTOR: u32 = 62;
const MAX_DIVISOR: u32 = 60;

/// Rounds `value` in 0..2^51 to the nearest integer.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the batch loop is only fast in one piece")]
fn rounded(value: f64) -> u64 {
    (value + TO_INTEGER).to_bits() - TO_INTEGER.to_bits()
}

/// Returns `floor(a * b / divisor)` from an estimate less than one off; the divisor is below 2^62.
///
/// The remainder lies within the divisor of 0, so that its low 64 bits say all: below 0, the estimate
/// is one too high.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the batch loop is only fast in one piece")]
fn corrected(estimate: u64, a: u64, b: u64, divisor: u64) -> u64 {
    let rest = a.wrapping_mul(b).wrapping_sub(estimate.wrapping_mul(divisor));
    estimate.wrapping_sub(rest >> 63)
}

/// `value` must be below 2^63: then the conversion is one instruction.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the batch loop is only fast in one piece")]
pub(super) fn real(value: u64) -> f64 {
    value.cast_signed() as f64
}

/// Returns `floor(a * b / divisor)`; the divisor must not be 0.
#[inline]
pub(super) fn mul_div(a: u64, b: u64, divisor: u64) -> u128 {
    if (a | b) >> MAX_FACTOR == 0 && divisor >> MAX_DIVISOR == 0 {
        // Five roundings of 2^-53 each.
        let estimate = real(a) * real(b) / real(divisor);
        if estimate < ESTIMATE_LIMIT {
            return corrected(rounded(estimate), a, b, divisor).into();
        }
    }
    u128::from(a) * u128::from(b) / u128::from(divisor)
}

/// Returns `ceil(a * b / divisor)`; the divisor must not be 0.
#[inline]
pub(super) fn mul_div_up(a: u64, b: u64, divisor: u64) -> u128 {
    let floor = mul_div(a, b, divisor);
    // The remainder is below the divisor: its low 64 bits say whether there is one.
    let [low, _] = words(floor);
    floor + u128::from(a.wrapping_mul(b) != low.wrapping_mul(divisor))
}

fn quote_rows(
    reserve_in: &[u64],
    reserve_out: &[u64],
    amount_in: &[u64],
    fee: Fee,
    out: &mut [u64],
    start: usize,
) -> Result<(), BatchError> {
    let rows = reserve_in.iter().zip(reserve_out).zip(amount_in).zip(out);
    for (row, (((&x, &y), &a), out)) in rows.enumerate() {
        let fits = (a & fee.wide) | (x >> (MAX_DIVISOR - 1)) | (y >> MAX_FACTOR) == 0 && x != 0 && y != 0;
        if fits {
            // Four roundings of 2^-53 each, as `mul_div`.
            let kept = corrected(rounded(real(a) * fee.ratio), a, fee.kept, fee.denominator);
            let after = x + kept;
            let estimate = real(y) * real(kept) / real(after);
            if estimate < ESTIMATE_LIMIT {
                *out = corrected(rounded(estimate), y, kept, after);
                continue;
            }
        }
        *out = quote_wide(x, y, a, fee).map_err(|error| BatchError::Row { index: start + row, error })?;
    }
    Ok(())
}

/// One quote of any size.
fn quote_wide(
    reserve_in: u64,
    reserve_out: u64,
    amount_in: u64,
    fee: Fee,
) -> Result<u64, ConstantProductError> {
    if reserve_in == 0 || reserve_out == 0 {
        return Err(ConstantProductError::EmptyReserve { reserve_a: reserve_in, reserve_b: reserve_out });
    }
    if reserve_in.checked_add(amount_in).is_none() {
        return Err(ConstantProductError::Overflow);
    }
    let kept = u128::from(amount_in) * u128::from(fee.kept) / u128::from(fee.denominator);
    let bought = u128::from(reserve_out) * kept / (u128::from(reserve_in) + kept);
    u64::try_from(bought).map_err(|_| ConstantProductError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ruint::aliases::U256;

    fn one(x: u64, y: u64, a: u64, numerator: u64, denominator: u64) -> Result<u64, BatchError> {
        let mut out = [7];
        quote_many(&[x], &[y], &[a], numerator, denominator, &mut out).map(|()| out[0])
    }

    /// The formula as it is written, in 256 bits.
    fn plain(x: u64, y: u64, a: u64, numerator: u64, denominator: u64) -> u64 {
        let wide = |value: u64| U256::from(value);
        let fee = (wide(a) * wide(numerator)).div_ceil(wide(denominator));
        let kept = wide(a) - fee;
        (wide(y) * kept / (wide(x) + kept)).to::<u64>()
    }

    #[test]
    fn rows_without_an_answer_are_named() {
        let row = |index, error| BatchError::Row { index, error };
        let empty = ConstantProductError::EmptyReserve { reserve_a: 5, reserve_b: 0 };
        let mut out = [0; 3];
        assert_eq!(quote_many(&[5; 3], &[5, 0, 0], &[1; 3], 0, 1, &mut out), Err(row(1, empty)));
        assert_eq!(one(u64::MAX, 5, 1, 0, 1), Err(row(0, ConstantProductError::Overflow)));
        let empty = ConstantProductError::EmptyReserve { reserve_a: 0, reserve_b: 5 };
        assert_eq!(one(0, 5, 0, 0, 1), Err(row(0, empty)));
        assert_eq!(one(5, 5, 1, 1, 1), Err(BatchError::Fee { numerator: 1, denominator: 1 }));
        assert_eq!(one(5, 5, 1, 0, 0), Err(BatchError::Fee { numerator: 0, denominator: 0 }));
        let short = quote_many(&[5; 3], &[5; 2], &[1; 3], 0, 1, &mut out);
        assert_eq!(short, Err(BatchError::Length { found: 2, expected: 3 }));
        assert_eq!(quote_many(&[], &[], &[], 0, 1, &mut []), Ok(()));
    }

    #[test]
    fn the_first_bad_row_of_all_threads_is_named() {
        let rows = 4 * ROWS_PER_THREAD;
        let mut x = vec![1_000_000; rows];
        let (y, a) = (vec![2_000_000; rows], vec![1_000; rows]);
        let mut out = vec![0; rows];
        assert_eq!(quote_many(&x, &y, &a, 25, 10_000, &mut out), Ok(()));
        // By hand: fee ceil(2.5) = 3, floor(2000000 * 997 / 1000997) = 1992.
        assert!(out.iter().all(|&out| out == 1_992));
        for bad in [rows - 1, rows / 2 + 5, 17] {
            x[bad] = 0;
            let error = ConstantProductError::EmptyReserve { reserve_a: 0, reserve_b: 2_000_000 };
            let expected = Err(BatchError::Row { index: bad, error });
            assert_eq!(quote_many(&x, &y, &a, 25, 10_000, &mut out), expected);
        }
    }

    #[test]
    fn quotients_at_whole_numbers_are_exact() {
        // Products one below, at and above a multiple of the divisor, around the estimate's limits.
        for shift in [1_u32, 20, 48, 49, 50, 59] {
            for divisor in [3, (1_u64 << 60) - 1, 1 << 60, (1 << 59) + 1] {
                let factor = 1_u64 << shift;
                for a in [divisor - 1, divisor, divisor + 1] {
                    let exact = u128::from(a) * u128::from(factor) / u128::from(divisor);
                    assert_eq!(mul_div(a, factor, divisor), exact, "{a} * {factor} / {divisor}");
                }
            }
        }
    }

    fn any_size() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0_u32..64).prop_map(|(value, shift)| value >> shift)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn mul_div_equals_128_bit_division(a in any_size(), b in any_size(), divisor in any_size()) {
            prop_assume!(divisor > 0);
            prop_assert_eq!(mul_div(a, b, divisor), u128::from(a) * u128::from(b) / u128::from(divisor));
        }

        #[test]
        fn quotes_equal_256_bit_arithmetic(
            x in any_size(), y in any_size(), a in any_size(), terms in (any_size(), any_size()),
        ) {
            let (numerator, denominator) = (terms.0.min(terms.1), terms.0.max(terms.1));
            prop_assume!(numerator < denominator && x > 0 && y > 0 && x.checked_add(a).is_some());
            prop_assert_eq!(one(x, y, a, numerator, denominator), Ok(plain(x, y, a, numerator, denominator)));
        }

        #[test]
        fn usual_quotes_equal_128_bit_arithmetic(
            x in 1_u64..1 << 58, y in 1_u64..1 << 62, a in 0_u64..1 << 49, numerator in 0_u64..10_000,
        ) {
            let kept = u128::from(a) - (u128::from(a) * u128::from(numerator)).div_ceil(10_000);
            let expected = u128::from(y) * kept / (u128::from(x) + kept);
            prop_assert_eq!(one(x, y, a, numerator, 10_000).map(u128::from), Ok(expected));
        }
    }
}
