//! What a pool's liquidity gives for an amount, before and after fees.
//!
//! A compounding pool is a constant product of its reserves; any other holds one range of
//! concentrated liquidity, whose unit is such that token B is `L * Δ√price / 2^128` (prices Q64.64).
//!
//! # Source
//! Meteora `cp-amm` 0.2.0, `liquidity_handler/*`; the checks and their order are the program's.

use ruint::aliases::U256;

use super::errors::{MATH_OVERFLOW, PRICE_RANGE_VIOLATION, Result, TYPE_CAST_FAILED, panic};
use super::math::{Checked, Rounding, low_u64, mul_div, product, quotient, shifted, square_root};
use crate::amm_math::fixed_point::low_u128;
use crate::swap::Refusal;

/// A curve in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    /// One range of concentrated liquidity.
    Range(Range),
    /// A constant product.
    Product {
        /// Base units of token A and B.
        reserves: [u64; 2],
    },
}

/// One range of concentrated liquidity; prices are Q64.64 square roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub sqrt_min_price: u128,
    pub sqrt_max_price: u128,
    pub sqrt_price: u128,
    pub liquidity: u128,
}

/// A movement along the curve, fees aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Movement {
    pub amount_in: u64,
    pub amount_out: u64,
    /// What could not be traded within the range.
    pub amount_left: u64,
    /// Price after it; `None` where it follows from the reserves.
    pub sqrt_price: Option<u128>,
}

impl Curve {
    /// Takes all of `amount_in`; if `partial`, what the range can take of it.
    pub(super) fn move_in(&self, a_to_b: bool, amount_in: u64, partial: bool) -> Result<Movement> {
        match self {
            Self::Range(range) if partial => range.fill(a_to_b, amount_in),
            Self::Range(range) => {
                let sqrt_price = range.price_after_input(a_to_b, amount_in)?;
                range.check_price(a_to_b, sqrt_price)?;
                let amount_out = range.amount_out(a_to_b, sqrt_price)?;
                Ok(Movement { amount_in, amount_out, amount_left: 0, sqrt_price: Some(sqrt_price) })
            }
            Self::Product { reserves } => {
                let (reserve_in, reserve_out) = sides(reserves, a_to_b);
                let amount_out =
                    mul_div(reserve_out, amount_in, reserve_in.plus(amount_in)?, Rounding::Down)?;
                Ok(Movement { amount_in, amount_out, amount_left: 0, sqrt_price: None })
            }
        }
    }

    /// Gives `amount_out`.
    pub(super) fn move_out(&self, a_to_b: bool, amount_out: u64) -> Result<Movement> {
        match self {
            Self::Range(range) => {
                let sqrt_price = range.price_after_output(a_to_b, amount_out)?;
                range.check_price(a_to_b, sqrt_price)?;
                let amount_in = range.amount_in(a_to_b, sqrt_price)?;
                Ok(Movement { amount_in, amount_out, amount_left: 0, sqrt_price: Some(sqrt_price) })
            }
            Self::Product { reserves } => {
                let (reserve_in, reserve_out) = sides(reserves, a_to_b);
                let amount_in =
                    mul_div(reserve_in, amount_out, reserve_out.minus(amount_out)?, Rounding::Up)?;
                Ok(Movement { amount_in, amount_out, amount_left: 0, sqrt_price: None })
            }
        }
    }
}

fn sides(reserves: &[u64; 2], a_to_b: bool) -> (u64, u64) {
    if a_to_b { (reserves[0], reserves[1]) } else { (reserves[1], reserves[0]) }
}

/// Returns the square root of B per A of two reserves, Q64.64, rounded down.
pub(super) fn sqrt_price_of(reserves: [u64; 2]) -> Result<u128> {
    let below = U256::from(reserves[0]);
    let price = quotient(shifted(reserves[1]), below, Rounding::Down).ok_or(MATH_OVERFLOW)?;
    low_u128(square_root(price)).ok_or(TYPE_CAST_FAILED)
}

impl Range {
    /// Returns what the range holds in its present state, rounded up.
    pub(super) fn reserves(&self) -> Result<[u64; 2]> {
        let held_a = self.token_a(self.sqrt_price, self.sqrt_max_price, Rounding::Up)?;
        let held_b = self.token_b(self.sqrt_min_price, self.sqrt_price, Rounding::Up)?;
        Ok([to_amount(held_a)?, to_amount(held_b)?])
    }

    /// Returns what lies within 2 % of the price, token A above it and token B below.
    pub(super) fn depth(&self) -> [u64; 2] {
        // The square roots of 1.02 and of its inverse, in 1e-8, rounded towards 1.
        let scaled = |factor: u64| {
            let price = U256::from(self.sqrt_price) * U256::from(factor) / U256::from(100_000_000);
            low_u128(price)
        };
        let high = scaled(100_995_049).map_or(self.sqrt_max_price, |price| price.min(self.sqrt_max_price));
        let low = scaled(99_014_755).map_or(self.sqrt_min_price, |price| price.max(self.sqrt_min_price));
        let held = |amount: Result<U256>| amount.ok().and_then(low_u64).unwrap_or(0);
        [
            held(self.token_a(self.sqrt_price, high, Rounding::Down)),
            held(self.token_b(low, self.sqrt_price, Rounding::Down)),
        ]
    }

    fn fill(&self, a_to_b: bool, amount_in: u64) -> Result<Movement> {
        let (edge, room) = if a_to_b {
            (self.sqrt_min_price, self.token_a(self.sqrt_min_price, self.sqrt_price, Rounding::Up)?)
        } else {
            (self.sqrt_max_price, self.token_b(self.sqrt_price, self.sqrt_max_price, Rounding::Up)?)
        };
        let (taken, sqrt_price) = match low_u64(room) {
            Some(room) if room <= amount_in => (room, edge),
            _ => (amount_in, self.price_after_input(a_to_b, amount_in)?),
        };
        let amount_out = self.amount_out(a_to_b, sqrt_price)?;
        let amount_left = amount_in.minus(taken)?;
        Ok(Movement { amount_in: taken, amount_out, amount_left, sqrt_price: Some(sqrt_price) })
    }

    fn check_price(&self, a_to_b: bool, sqrt_price: u128) -> Result<()> {
        let limit = if a_to_b { self.sqrt_min_price } else { self.sqrt_max_price };
        if if a_to_b { sqrt_price < limit } else { sqrt_price > limit } {
            return Err(PRICE_RANGE_VIOLATION
                .with("next_sqrt_price", sqrt_price)
                .with("sqrt_price_limit", limit));
        }
        Ok(())
    }

    fn check_state(&self) -> Result<()> {
        if self.sqrt_price == 0 {
            return Err(panic("assertion failed: sqrt_price > 0"));
        }
        if self.liquidity == 0 {
            return Err(panic("assertion failed: liquidity > 0"));
        }
        Ok(())
    }

    /// Rounds so that the price is never moved too far for the amount.
    fn price_after_input(&self, a_to_b: bool, amount: u64) -> Result<u128> {
        self.check_state()?;
        if amount == 0 {
            return Ok(self.sqrt_price);
        }
        if a_to_b {
            // Below 2^193.
            let denominator = U256::from(self.liquidity) + product(amount.into(), self.sqrt_price);
            self.price_over(denominator)
        } else {
            let liquidity = U256::from(self.liquidity);
            let rise = quotient(shifted(amount), liquidity, Rounding::Down).ok_or(MATH_OVERFLOW)?;
            low_u128(U256::from(self.sqrt_price) + rise).ok_or(TYPE_CAST_FAILED)
        }
    }

    fn price_after_output(&self, a_to_b: bool, amount: u64) -> Result<u128> {
        self.check_state()?;
        if amount == 0 {
            return Ok(self.sqrt_price);
        }
        if a_to_b {
            let liquidity = U256::from(self.liquidity);
            let fall = quotient(shifted(amount), liquidity, Rounding::Up).ok_or(MATH_OVERFLOW)?;
            low_u128(U256::from(self.sqrt_price).minus(fall)?).ok_or(TYPE_CAST_FAILED)
        } else {
            let denominator = U256::from(self.liquidity).minus(product(amount.into(), self.sqrt_price))?;
            self.price_over(denominator)
        }
    }

    /// Returns `liquidity * sqrt_price / denominator`, rounded up.
    fn price_over(&self, denominator: U256) -> Result<u128> {
        let scaled = product(self.liquidity, self.sqrt_price);
        let price = quotient(scaled, denominator, Rounding::Up).ok_or(MATH_OVERFLOW)?;
        low_u128(price).ok_or(TYPE_CAST_FAILED)
    }

    /// Returns what a move to `sqrt_price` gives.
    fn amount_out(&self, a_to_b: bool, sqrt_price: u128) -> Result<u64> {
        to_amount(if a_to_b {
            self.token_b(sqrt_price, self.sqrt_price, Rounding::Down)?
        } else {
            self.token_a(self.sqrt_price, sqrt_price, Rounding::Down)?
        })
    }

    /// Returns what a move to `sqrt_price` takes.
    fn amount_in(&self, a_to_b: bool, sqrt_price: u128) -> Result<u64> {
        to_amount(if a_to_b {
            self.token_a(sqrt_price, self.sqrt_price, Rounding::Up)?
        } else {
            self.token_b(self.sqrt_price, sqrt_price, Rounding::Up)?
        })
    }

    /// Returns token A between two prices.
    fn token_a(&self, low: u128, high: u128, rounding: Rounding) -> Result<U256> {
        let span = high.checked_sub(low).ok_or_else(subtraction_panic)?;
        quotient(product(self.liquidity, span), product(low, high), rounding)
            .ok_or_else(|| panic("assertion failed: denominator > U256::ZERO"))
    }

    /// Returns token B between two prices.
    fn token_b(&self, low: u128, high: u128, rounding: Rounding) -> Result<U256> {
        let scaled = product(self.liquidity, high.minus(low)?);
        let [l0, l1, h0, h1] = scaled.into_limbs();
        let whole = U256::from_limbs([h0, h1, 0, 0]);
        Ok(if rounding == Rounding::Up && l0 | l1 != 0 { whole + U256::ONE } else { whole })
    }
}

fn subtraction_panic() -> Refusal {
    panic("attempt to subtract with overflow")
}

fn to_amount(value: U256) -> Result<u64> {
    low_u64(value).ok_or(MATH_OVERFLOW)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const ONE_X64: u128 = 1 << 64;

    /// 1,000,000 of each token at a price of 1, the price free to move to a quarter and to four.
    const RANGE: Range = Range {
        sqrt_min_price: ONE_X64 / 2,
        sqrt_max_price: 2 * ONE_X64,
        sqrt_price: ONE_X64,
        liquidity: 1_000_000 << 64,
    };

    #[test]
    fn range_gives_what_virtual_reserves_give() {
        let curve = Curve::Range(RANGE);
        // Virtual reserves of 1,000,000 each: 1,000,000 * 1000 / 1,001,000 = 999.0009…
        let there = curve.move_in(true, 1000, false).unwrap();
        assert_eq!((there.amount_in, there.amount_out, there.amount_left), (1000, 999, 0));
        assert_eq!(curve.move_in(false, 1000, false).unwrap().amount_out, 999);
        // 1,000,000 * 999 / 999,001 = 999.998…, rounded up.
        assert_eq!(curve.move_out(true, 999).unwrap().amount_in, 1000);
        assert_eq!(curve.move_out(false, 999).unwrap().amount_in, 1000);
        assert_eq!(RANGE.reserves(), Ok([500_000, 500_000]));
    }

    #[test]
    fn range_ends_at_its_prices() {
        let curve = Curve::Range(RANGE);
        assert_eq!(curve.move_in(true, 1_000_000, false).unwrap().sqrt_price, Some(ONE_X64 / 2));
        let beyond = curve.move_in(true, 1_000_001, false).unwrap_err();
        assert_eq!((beyond.name, beyond.code), ("PriceRangeViolation", Some(6015)));
        let beyond = curve.move_in(false, 1_000_001, false).unwrap_err();
        assert_eq!(beyond.details()[1], ("sqrt_price_limit", (2 * ONE_X64).into()));
        assert_eq!(curve.move_out(true, 500_001).unwrap_err().name, "PriceRangeViolation");
        assert_eq!(curve.move_out(false, 500_001).unwrap_err().name, "PriceRangeViolation");
        assert_eq!(curve.move_out(true, 1_000_001), Err(MATH_OVERFLOW));
        assert_eq!(curve.move_out(false, 1_000_000), Err(MATH_OVERFLOW));
    }

    #[test]
    fn partial_fill_stops_at_the_edge() {
        let curve = Curve::Range(RANGE);
        for a_to_b in [true, false] {
            let filled = curve.move_in(a_to_b, 5_000_000, true).unwrap();
            assert_eq!(
                (filled.amount_in, filled.amount_out, filled.amount_left),
                (1_000_000, 500_000, 4_000_000)
            );
            assert_eq!(curve.move_in(a_to_b, 1000, true), curve.move_in(a_to_b, 1000, false));
        }
    }

    #[test]
    fn impossible_states_stop_the_program() {
        let dry = Curve::Range(Range { liquidity: 0, ..RANGE });
        assert_eq!(dry.move_in(true, 1, false), Err(panic("assertion failed: liquidity > 0")));
        let free = Curve::Range(Range { sqrt_price: 0, ..RANGE });
        assert_eq!(free.move_out(true, 1), Err(panic("assertion failed: sqrt_price > 0")));
        let above = Curve::Range(Range { sqrt_price: 3 * ONE_X64, ..RANGE });
        assert_eq!(above.move_in(false, 1, true), Err(MATH_OVERFLOW));
        let below = Curve::Range(Range { sqrt_price: ONE_X64 / 4, ..RANGE });
        assert_eq!(below.move_in(true, 1, true), Err(subtraction_panic()));
        let bottomless = Curve::Range(Range { sqrt_min_price: 0, ..RANGE });
        assert_eq!(
            bottomless.move_in(true, 1, true).unwrap_err().name,
            "assertion failed: denominator > U256::ZERO"
        );
    }

    #[test]
    fn product_of_reserves_never_falls() {
        let curve = Curve::Product { reserves: [1_000_000, 4_000_000] };
        assert_eq!(curve.move_in(true, 1000, false).unwrap().amount_out, 3996);
        assert_eq!(curve.move_in(false, 4000, true).unwrap().amount_out, 999);
        // 1,000,000 * 4000 / 3,996,000 = 1001.001…
        assert_eq!(curve.move_out(true, 4000).unwrap().amount_in, 1002);
        assert_eq!(curve.move_out(true, 4_000_000), Err(MATH_OVERFLOW));
        assert_eq!(curve.move_in(true, u64::MAX, false), Err(MATH_OVERFLOW));
        assert_eq!(sqrt_price_of([1_000_000, 4_000_000]), Ok(2 * ONE_X64));
        assert_eq!(sqrt_price_of([0, 1]), Err(MATH_OVERFLOW));
    }
}
