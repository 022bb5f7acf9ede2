//! Constant product: what every venue of this curve shares, and exact quotes from two reserves.
//!
//! A net input `x`, fees taken, buys `floor(reserve_out * x / (reserve_in + x))` ([`amount_out`]);
//! an output `y` takes `ceil(reserve_in * y / (reserve_out - y))` ([`net_in`]). Both roundings favour
//! the pool. Which fees come before and after is the venue's business; [`ConstantProduct`] has one on
//! the input, `ceil(amount_in * fee_numerator / fee_denominator)`, and [`quote_many`] asks many such
//! pools at once.

mod batch;
mod direction;
mod stretches;

pub use batch::{BatchError, quote_many};
pub use direction::Direction;
pub(crate) use stretches::{arriving, each_segment};

use super::{Curve, Segment};

/// Returns what `net_in` buys, fees already taken: `floor(reserve_out * net_in / (reserve_in + net_in))`.
/// `None`: neither the pool nor the trader has any of the input token.
#[must_use]
pub fn amount_out(reserve_in: u64, reserve_out: u64, net_in: u64) -> Option<u64> {
    let denominator = u128::from(reserve_in) + u128::from(net_in);
    let quotient = match u64::try_from(denominator) {
        Ok(0) => return None,
        Ok(denominator) => batch::mul_div(reserve_out, net_in, denominator),
        Err(_) => u128::from(reserve_out) * u128::from(net_in) / denominator,
    };
    u64::try_from(quotient).ok()
}

/// Returns what must arrive, fees taken, to buy `amount_out`:
/// `ceil(reserve_in * amount_out / (reserve_out - amount_out))`. `None`: the pool does not hold more
/// than `amount_out`.
#[must_use]
pub fn net_in(reserve_in: u64, reserve_out: u64, amount_out: u64) -> Option<u128> {
    let denominator = reserve_out.checked_sub(amount_out).filter(|&left| left > 0)?;
    let product = u128::from(reserve_in) * u128::from(amount_out);
    Some(match u64::try_from(product) {
        Ok(product) => product.div_ceil(denominator).into(),
        Err(_) => product.div_ceil(u128::from(denominator)),
    })
}

/// A pool's reserves and fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConstantProduct {
    reserve_a: u64,
    reserve_b: u64,
    fee_numerator: u64,
    fee_denominator: u64,
}

/// Why a constant-product pool is refused or gives no quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConstantProductError {
    /// A side of the pool is empty.
    #[error("reserves {reserve_a} and {reserve_b}: both must be above zero")]
    EmptyReserve {
        /// Base units of token a.
        reserve_a: u64,
        /// Base units of token b.
        reserve_b: u64,
    },
    /// The fee takes everything, or is no fraction.
    #[error("fee {numerator}/{denominator} is not below one")]
    Fee {
        /// Fee as a fraction: above the line.
        numerator: u64,
        /// Below the line.
        denominator: u64,
    },
    /// The pool does not hold what is asked for.
    #[error("output {amount_out} is not below the reserve {reserve_out}")]
    OutputExceedsReserve {
        /// Base units asked for.
        amount_out: u64,
        /// Base units in the pool.
        reserve_out: u64,
    },
    /// The input buys less than one unit.
    #[error("input {amount_in} buys nothing")]
    ZeroOutput {
        /// Base units put in.
        amount_in: u64,
    },
    /// The input, or the reserve after it, does not fit 64 bits.
    #[error("amount does not fit 64 bits")]
    Overflow,
}

type Result<T> = std::result::Result<T, ConstantProductError>;

impl ConstantProduct {
    /// Returns a pool with reserves in base units and the fee as a fraction of the input.
    ///
    /// # Errors
    /// [`ConstantProductError::EmptyReserve`], [`ConstantProductError::Fee`].
    pub fn new(reserve_a: u64, reserve_b: u64, fee_numerator: u64, fee_denominator: u64) -> Result<Self> {
        if reserve_a == 0 || reserve_b == 0 {
            return Err(ConstantProductError::EmptyReserve { reserve_a, reserve_b });
        }
        if fee_numerator >= fee_denominator {
            let (numerator, denominator) = (fee_numerator, fee_denominator);
            return Err(ConstantProductError::Fee { numerator, denominator });
        }
        Ok(Self { reserve_a, reserve_b, fee_numerator, fee_denominator })
    }

    /// Reserves of the input's and the output's side.
    fn sides(&self, a_to_b: bool) -> (u64, u64) {
        if a_to_b { (self.reserve_a, self.reserve_b) } else { (self.reserve_b, self.reserve_a) }
    }

    /// Returns one direction, ready for many quotes.
    #[must_use]
    pub fn direction(&self, a_to_b: bool) -> Direction {
        let (reserve_in, reserve_out) = self.sides(a_to_b);
        Direction::of(reserve_in, reserve_out, self.fee_numerator, self.fee_denominator)
    }

    /// What is left of one unit of input, for the search.
    fn kept(&self) -> f64 {
        (self.fee_denominator - self.fee_numerator) as f64 / self.fee_denominator as f64
    }
}

impl Curve for ConstantProduct {
    type Error = ConstantProductError;

    fn quote_exact_in(&self, a_to_b: bool, amount_in: u64) -> Result<u64> {
        let direction = self.direction(a_to_b);
        if direction.reserve_in().checked_add(amount_in).is_none() {
            return Err(ConstantProductError::Overflow);
        }
        direction.amount_out(amount_in).ok_or(ConstantProductError::ZeroOutput { amount_in })
    }

    /// The smallest input that buys at least `amount_out`.
    fn quote_exact_out(&self, a_to_b: bool, amount_out: u64) -> Result<u64> {
        let (_, reserve_out) = self.sides(a_to_b);
        if amount_out >= reserve_out {
            return Err(ConstantProductError::OutputExceedsReserve { amount_out, reserve_out });
        }
        self.direction(a_to_b).amount_in(amount_out).ok_or(ConstantProductError::Overflow)
    }

    fn each_segment(&self, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        visit(self.direction(a_to_b).segment());
    }

    fn marginal_rate(&self, a_to_b: bool) -> f64 {
        let (reserve_in, reserve_out) = self.sides(a_to_b);
        self.kept() * reserve_out as f64 / reserve_in as f64
    }

    fn direction(&self, a_to_b: bool) -> Option<Direction> {
        Some(self.direction(a_to_b))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_round_against_the_trader() {
        // By hand: fee ceil(10 * 25 / 10000) = 1, floor(1000 * 9 / 1009) = 8.
        let pool = ConstantProduct::new(1000, 1000, 25, 10_000).unwrap();
        assert_eq!(pool.quote_exact_in(true, 10), Ok(8));
        // ceil(1000 * 8 / 992) = 9, ceil(9 * 10000 / 9975) = 10.
        assert_eq!(pool.quote_exact_out(true, 8), Ok(10));
        assert_eq!(pool.quote_exact_in(false, 1), Err(ConstantProductError::ZeroOutput { amount_in: 1 }));
    }

    #[test]
    fn impossible_pools_and_outputs_are_refused() {
        assert!(matches!(
            ConstantProduct::new(0, 5, 0, 1),
            Err(ConstantProductError::EmptyReserve { reserve_a: 0, reserve_b: 5 })
        ));
        assert!(matches!(ConstantProduct::new(5, 5, 1, 1), Err(ConstantProductError::Fee { .. })));
        assert!(matches!(ConstantProduct::new(5, 5, 0, 0), Err(ConstantProductError::Fee { .. })));
        let pool = ConstantProduct::new(10, 20, 0, 1).unwrap();
        assert_eq!(
            pool.quote_exact_out(true, 20),
            Err(ConstantProductError::OutputExceedsReserve { amount_out: 20, reserve_out: 20 })
        );
        assert_eq!(pool.quote_exact_in(true, u64::MAX), Err(ConstantProductError::Overflow));
        let steep = ConstantProduct::new(u64::MAX, u64::MAX, 0, 1).unwrap();
        assert_eq!(steep.quote_exact_out(true, u64::MAX - 1), Err(ConstantProductError::Overflow));
    }

    #[test]
    fn an_empty_side_buys_all_or_nothing() {
        assert_eq!(amount_out(0, 7, 0), None);
        assert_eq!(amount_out(0, 7, 1), Some(7));
        assert_eq!(amount_out(u64::MAX, u64::MAX, u64::MAX), Some(u64::MAX / 2));
        assert_eq!(net_in(5, 7, 7), None);
        assert_eq!(net_in(5, 7, 6), Some(30));
        let most = u128::from(u64::MAX);
        assert_eq!(net_in(u64::MAX, u64::MAX, u64::MAX - 1), Some(most * (most - 1)));
    }

    proptest! {
        #[test]
        fn product_never_falls_and_exact_out_is_the_smallest_input(
            reserve_a in 1_u64..1 << 40, reserve_b in 1_u64..1 << 40,
            fee in 0_u64..1000, amount in 1_u64..1 << 40, a_to_b: bool,
        ) {
            let pool = ConstantProduct::new(reserve_a, reserve_b, fee, 10_000).unwrap();
            let (reserve_in, reserve_out) = pool.sides(a_to_b);
            if let Ok(out) = pool.quote_exact_in(a_to_b, amount) {
                let before = u128::from(reserve_in) * u128::from(reserve_out);
                prop_assert!(u128::from(reserve_in + amount) * u128::from(reserve_out - out) >= before);
                let least = pool.quote_exact_out(a_to_b, out).unwrap();
                prop_assert!(least <= amount);
                prop_assert!(pool.quote_exact_in(a_to_b, least).unwrap() >= out);
                if least > 1 {
                    prop_assert!(pool.quote_exact_in(a_to_b, least - 1).unwrap_or(0) < out);
                }
            }
        }
    }
}
