//! How many pool tokens the owner's share of the trading fee is worth.
//!
//! The program mints them as if the owner withdrew that share, one-sided. Its fixed-point numbers
//! have twelve decimal digits and round half up; the square root is Newton's, with its own stopping
//! rule, so the last digits are reproduced only by doing the same steps.
//!
//! # Source
//! spl token-swap, `curve/*.rs`, `withdraw_single_token_type_exact_out`; spl-math
//! `precise_number.rs`, as of February 2022.

use ruint::aliases::U256;

use super::curve::{Curve, Reserves};
use super::stable;

const ONE: U256 = U256::from_limbs([1_000_000_000_000, 0, 0, 0]);
const HALF: U256 = U256::from_limbs([500_000_000_000, 0, 0, 0]);
/// A change below this ends Newton's method.
const PRECISION: U256 = U256::from_limbs([100, 0, 0, 0]);
const MAX_ITERATIONS: usize = 100;

/// Returns the pool tokens that `amount` of the source is worth, with the reserves as the swap
/// leaves them; `None` where a checked operation of the program fails.
pub(super) fn worth(curve: Curve, amount: u128, reserves: Reserves, supply: u64) -> Option<u128> {
    let [token_a, token_b] = if reserves.a_to_b {
        [reserves.source, reserves.destination].map(u128::from)
    } else {
        [reserves.destination, reserves.source].map(u128::from)
    };
    match curve {
        Curve::ConstantProduct => share_of_product(amount, reserves.source.into(), supply),
        Curve::Offset(offset) => {
            let source = if reserves.a_to_b { token_a } else { token_b.checked_add(offset.into())? };
            share_of_product(amount, source, supply)
        }
        Curve::ConstantPrice(price) => {
            let price = U256::from(price);
            let amount = U256::from(amount);
            let given = if reserves.a_to_b { amount } else { amount.checked_mul(price)? };
            let total = U256::from(token_b).checked_mul(price)?.checked_add(U256::from(token_a))?;
            let product = U256::from(supply).checked_mul(given)?;
            // The program fails rather than round a quotient below one up.
            let quotient = product.checked_div(total)?;
            if quotient.is_zero() {
                return None;
            }
            u128::try_from(product.div_ceil(total)).ok()
        }
        Curve::Stable(_) if amount == 0 => Some(0),
        Curve::Stable(amplification) => {
            let leverage = amplification.checked_mul(2)?;
            let [before, other] = if reserves.a_to_b { [token_a, token_b] } else { [token_b, token_a] };
            let d0 = stable::invariant(leverage, token_a, token_b)?;
            let d1 = stable::invariant(leverage, before.checked_sub(amount)?, other)?;
            let lost = precise(d0)?.checked_sub(precise(d1)?)?;
            let worth = divide(multiply(lost, precise(supply.into())?)?, precise(d0)?)?;
            round_up(worth)
        }
    }
}

/// `supply * (1 - sqrt(1 - amount / source))`, rounded up.
fn share_of_product(amount: u128, source: u128, supply: u64) -> Option<u128> {
    let ratio = divide(precise(amount)?, precise(source)?)?;
    let root = ONE.checked_sub(square_root(ONE.checked_sub(ratio)?)?)?;
    round_up(multiply(precise(supply.into())?, root)?)
}

fn precise(value: u128) -> Option<U256> {
    U256::from(value).checked_mul(ONE)
}

/// Rounds up to a whole number.
fn round_up(value: U256) -> Option<u128> {
    let whole = value.checked_add(ONE - U256::ONE)?.checked_div(ONE)?;
    u128::try_from(whole).ok()
}

fn divide(a: U256, b: U256) -> Option<U256> {
    match a.checked_mul(ONE) {
        Some(scaled) => scaled.checked_add(HALF)?.checked_div(b),
        None => a.checked_add(HALF)?.checked_div(b)?.checked_mul(ONE),
    }
}

fn multiply(a: U256, b: U256) -> Option<U256> {
    match a.checked_mul(b) {
        Some(product) => product.checked_add(HALF)?.checked_div(ONE),
        None if a >= b => (a / ONE).checked_mul(b),
        None => (b / ONE).checked_mul(a),
    }
}

fn square_root(value: U256) -> Option<U256> {
    if value.is_zero() {
        return Some(value);
    }
    let two = ONE.checked_add(ONE)?;
    let mut guess = divide(value.checked_add(ONE)?, two)?;
    for _ in 0..MAX_ITERATIONS {
        let next = divide(guess.checked_add(divide(value, guess)?)?, two)?;
        let change = if next > guess { next - guess } else { guess - next };
        guess = next;
        if change < PRECISION {
            break;
        }
    }
    Some(guess)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn reserves(source: u64, destination: u64) -> Reserves {
        Reserves { source, destination, a_to_b: true }
    }

    #[test]
    fn a_share_of_a_constant_product_pool_is_worth_its_root() {
        // 1 - sqrt(1 - 19 / 100) = 0.1 of the supply.
        assert_eq!(worth(Curve::ConstantProduct, 19, reserves(100, 7), 1_000), Some(100));
        // 1 - sqrt(1 - 1 / 4) = 0.1339... of 1000, rounded up.
        assert_eq!(worth(Curve::ConstantProduct, 1, reserves(4, 7), 1_000), Some(134));
        assert_eq!(worth(Curve::ConstantProduct, 4, reserves(4, 7), 1_000), Some(1_000));
        assert_eq!(worth(Curve::ConstantProduct, 5, reserves(4, 7), 1_000), None);
        assert_eq!(worth(Curve::ConstantProduct, 0, reserves(4, 7), 1_000), Some(0));
    }

    #[test]
    fn a_share_of_a_constant_price_pool_fails_below_one_token() {
        // 1000 * 5 / (10 * 3 + 20) = 100.
        assert_eq!(worth(Curve::ConstantPrice(3), 5, reserves(20, 10), 1_000), Some(100));
        assert_eq!(worth(Curve::ConstantPrice(3), 5, reserves(20, 10), 1_001), Some(101));
        assert_eq!(worth(Curve::ConstantPrice(3), 1, reserves(20, 10), 49), None);
    }
}
