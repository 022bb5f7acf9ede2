//! Amounts at one price: a bin trades all it holds at the price stored in it.
//!
//! Prices are token Y per token X in base units, Q64.64. Nothing here needs more than 128 bits:
//! amounts have 64, and a 64-bit product with a 128-bit price is taken in two halves.
//!
//! # Source
//! dlmm-sdk `commons/src/math/{price_math,u64x64_math,u128x128_math}.rs`; the program's own answers.

use super::errors::Fault;

/// 1 in Q64.64.
pub(super) const ONE_X64: u128 = 1 << 64;
/// Highest power that the program's fixed-point power takes is below this.
const POWER_LIMIT: u32 = 0x8_0000;

/// Returns `amount * price / 2^64`, rounded down, and whether something was cut off.
const fn scaled(amount: u64, price_x64: u128) -> (u128, bool) {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    let (high, low) = ((price_x64 >> 64) as u64, price_x64 as u64);
    let low = amount as u128 * low as u128;
    // (2^64 - 1)^2 + 2^64 - 1 fits 128 bits.
    (amount as u128 * high as u128 + (low >> 64), low << 64 != 0)
}

fn narrow(amount: u128) -> Result<u64, Fault> {
    u64::try_from(amount).map_err(|_| Fault::TypeCastFailed)
}

/// Returns the least input for `amount_out`, fees aside; X for Y if `a_to_b`. Rounds up.
pub(super) fn amount_in(amount_out: u64, price_x64: u128, a_to_b: bool) -> Result<u64, Fault> {
    if a_to_b {
        if price_x64 == 0 {
            return Err(Fault::MathOverflow);
        }
        narrow((u128::from(amount_out) << 64).div_ceil(price_x64))
    } else {
        let (whole, is_cut) = scaled(amount_out, price_x64);
        // At most (2^64 - 1) * 2^64, so there is room for one more.
        narrow(whole + u128::from(is_cut))
    }
}

/// Returns the output for `amount_in`, fees aside; Y for X if `a_to_b`. Rounds down.
pub(super) fn amount_out(amount_in: u64, price_x64: u128, a_to_b: bool) -> Result<u64, Fault> {
    if a_to_b {
        narrow(scaled(amount_in, price_x64).0)
    } else {
        narrow((u128::from(amount_in) << 64).checked_div(price_x64).ok_or(Fault::MathOverflow)?)
    }
}

/// Returns the price that the program stores in a new bin; `None` beyond its range.
///
/// # Source
/// `get_price_from_id`: `(1 + bin_step / 10000)^bin_id` by squaring the inverse in Q64.64, each
/// product cut to 64 fractional bits.
pub(super) fn price_of_bin(bin_id: i32, bin_step: u16) -> Option<u128> {
    let base = ONE_X64 + (u128::from(bin_step) << 64) / 10_000;
    let power = bin_id.unsigned_abs();
    if power == 0 {
        return Some(ONE_X64);
    }
    if power >= POWER_LIMIT {
        return None;
    }
    let mut square = u128::MAX / base;
    let mut result = ONE_X64;
    for bit in 0..19 {
        if power >> bit & 1 == 1 {
            result = result.checked_mul(square)? >> 64;
        }
        square = square.checked_mul(square)? >> 64;
    }
    if result == 0 {
        return None;
    }
    Some(if bin_id > 0 { u128::MAX / result } else { result })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ruint::aliases::U256;

    /// Computed from the rule in plain Python (PROTOCOL §5).
    #[test]
    fn price_of_bin_equals_the_published_examples() {
        let examples: [(u16, i32, u128); 5] = [
            (1, 1, 18_448_588_748_116_922_571),
            (10, -5000, 124_604_098_056_077_993),
            (10, 5000, 2_730_908_310_638_343_582_694),
            (25, -1234, 846_824_097_398_941_981),
            (100, 777, 42_036_558_320_386_286_450_938),
        ];
        for (bin_step, bin_id, price) in examples {
            assert_eq!(price_of_bin(bin_id, bin_step), Some(price), "bin {bin_id} of step {bin_step}");
        }
        assert_eq!(price_of_bin(0, 400), Some(ONE_X64));
        assert_eq!(price_of_bin(i32::MIN, 1), None);
    }

    #[test]
    fn a_price_of_zero_pays_nothing_one_way_and_overflows_the_other() {
        assert_eq!(amount_in(5, 0, true), Err(Fault::MathOverflow));
        assert_eq!(amount_in(5, 0, false), Ok(0));
        assert_eq!(amount_out(5, 0, true), Ok(0));
        assert_eq!(amount_out(5, 0, false), Err(Fault::MathOverflow));
    }

    proptest! {
        #[test]
        fn amounts_equal_the_256_bit_formula(amount: u64, price: u128, shift in 0_u32..128) {
            let price = price >> shift;
            let one = U256::from(1) << 64;
            let product = U256::from(amount) * U256::from(price);
            let expected = |wide: U256| u64::try_from(wide).map_err(|_| Fault::TypeCastFailed);
            prop_assert_eq!(amount_out(amount, price, true), expected(product / one));
            prop_assert_eq!(amount_in(amount, price, false), expected(product.div_ceil(one)));
            if price > 0 {
                let shifted: U256 = U256::from(amount) << 64;
                prop_assert_eq!(amount_in(amount, price, true), expected(shifted.div_ceil(U256::from(price))));
                prop_assert_eq!(amount_out(amount, price, false), expected(shifted / U256::from(price)));
            }
        }

        #[test]
        fn the_price_rises_with_the_bin(bin_id in -443_636_i32..443_636, bin_step in 1_u16..=400) {
            if let (Some(low), Some(high)) = (price_of_bin(bin_id, bin_step), price_of_bin(bin_id + 1, bin_step)) {
                // Far from 1 neighbours can share a price: it, or its inverse, has too few bits.
                prop_assert!(low <= high);
                prop_assert!(low < high || !(1 << 32..1 << 96).contains(&low));
            }
        }
    }
}
