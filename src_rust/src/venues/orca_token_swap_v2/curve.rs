//! What an amount buys on each of the program's four curves, fees aside.
//!
//! [`Curve::swap`] is the program's own sequence of checked operations; `None` is where one of them
//! fails, which the program reports as a swap of zero tokens.
//!
//! # Source
//! spl token-swap, `curve/{constant_product,constant_price,stable,offset}.rs`, and spl-math,
//! `checked_ceil_div.rs`, as of February 2022; checked against the deployed bytecode.

use ruint::aliases::U256;

use super::stable;
use crate::amm_math::Segment;
use crate::decoders::DecodeError;
use crate::venues::Fraction;

/// How a pool prices its tokens. Reserves are base units, source and destination as the trade goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    /// The product of the reserves stays.
    ConstantProduct,
    /// One unit of token B costs this many of token A.
    ConstantPrice(u64),
    /// Curve.fi's invariant with this amplification.
    Stable(u64),
    /// The product of the reserves stays, with this many units of token B imagined on top.
    Offset(u64),
}

/// What a curve takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exchanged {
    /// Source units that are needed for the output; may be less than offered.
    pub source: u128,
    /// Destination units.
    pub destination: u128,
}

/// Units of the two sides that a trade works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reserves {
    /// Held of the token that comes in.
    pub source: u64,
    /// Held of the token that goes out.
    pub destination: u64,
    /// Whether the source is token A.
    pub a_to_b: bool,
}

impl Curve {
    /// Returns the curve of the type and parameter that a swap account holds.
    ///
    /// # Errors
    /// [`DecodeError::ImpossibleField`] for a type that the program does not have.
    pub(super) fn new(kind: u8, parameter: u64) -> Result<Self, DecodeError> {
        Ok(match kind {
            0 => Self::ConstantProduct,
            1 => Self::ConstantPrice(parameter),
            2 => Self::Stable(parameter),
            3 => Self::Offset(parameter),
            other => {
                return Err(DecodeError::ImpossibleField {
                    account: "SwapV1",
                    field: "curve_type",
                    value: other.to_string(),
                    expected: "0 to 3",
                });
            }
        })
    }

    /// Returns the curve's name in the program's words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ConstantProduct => "ConstantProduct",
            Self::ConstantPrice(_) => "ConstantPrice",
            Self::Stable(_) => "Stable",
            Self::Offset(_) => "Offset",
        }
    }

    /// Returns what `amount` of the source, fees already taken off, is exchanged for.
    pub(super) fn swap(self, reserves: Reserves, amount: u128) -> Option<Exchanged> {
        let Reserves { source, destination, a_to_b } = reserves;
        match self {
            Self::ConstantProduct => product(amount, source.into(), destination.into()),
            Self::Offset(_) => {
                let [source, destination] = self.virtual_reserves(reserves);
                product(amount, source, destination)
            }
            Self::ConstantPrice(price) => fixed_price(amount, price.into(), a_to_b),
            Self::Stable(amplification) => stable::swap(amplification, amount, source, destination),
        }
    }

    /// Whether an amount that buys nothing is too much for the curve rather than too little.
    pub(super) fn is_beyond(self, reserves: Reserves, amount: u128) -> bool {
        match self {
            Self::ConstantProduct | Self::Offset(_) => {
                let [source, destination] = self.virtual_reserves(reserves);
                let whole = source.checked_add(amount);
                source
                    .checked_mul(destination)
                    .is_none_or(|product| whole.is_none_or(|whole| product < whole))
            }
            Self::ConstantPrice(_) => false,
            Self::Stable(_) => amount >= u128::from(reserves.source),
        }
    }

    /// Reserves with the imagined units added; below 2^65 each.
    fn virtual_reserves(self, reserves: Reserves) -> [u128; 2] {
        let offset = if let Self::Offset(offset) = self { u128::from(offset) } else { 0 };
        let (source, destination) = (u128::from(reserves.source), u128::from(reserves.destination));
        if reserves.a_to_b { [source, destination + offset] } else { [source + offset, destination] }
    }

    /// Returns destination per source at no volume as an exact fraction; `None` without a price.
    pub(super) fn spot_price(self, reserves: Reserves) -> Option<Fraction> {
        let (numerator, denominator) = match self {
            Self::ConstantProduct | Self::Offset(_) => {
                let [source, destination] = self.virtual_reserves(reserves);
                (U256::from(destination), U256::from(source))
            }
            Self::ConstantPrice(price) if reserves.a_to_b => (U256::ONE, U256::from(price)),
            Self::ConstantPrice(price) => (U256::from(price), U256::ONE),
            Self::Stable(amplification) => {
                stable::spot_price(amplification, reserves.source, reserves.destination)?
            }
        };
        (!numerator.is_zero() && !denominator.is_zero()).then_some(Fraction { numerator, denominator })
    }

    /// Calls `visit`, until it returns `false`, with the stretches for an input of which the share `kept`
    /// is left after fees.
    pub(super) fn each_segment(self, reserves: Reserves, kept: f64, visit: &mut dyn FnMut(Segment) -> bool) {
        let held = reserves.destination as f64;
        match self {
            Self::ConstantProduct | Self::Offset(_) => {
                let [source, destination] = self.virtual_reserves(reserves).map(|units| units as f64);
                // Imagined units cannot be paid out: the stretch ends where the real ones do.
                let max_in = if destination > held {
                    source * held / (destination - held) / kept
                } else {
                    f64::INFINITY
                };
                visit(Segment { gain: kept * destination, base: source, drag: kept, max_in });
            }
            Self::ConstantPrice(price) => {
                let price = price as f64;
                let rate = if reserves.a_to_b { 1.0 / price } else { price };
                visit(Segment { gain: kept * rate, base: 1.0, drag: 0.0, max_in: held / rate / kept });
            }
            Self::Stable(amplification) => {
                stable::each_segment(amplification, reserves.source, reserves.destination, kept, visit);
            }
        }
    }
}

/// Constant product: the quotient is rounded up, then the source down to the least that gives it.
fn product(amount: u128, source: u128, destination: u128) -> Option<Exchanged> {
    let invariant = source.checked_mul(destination)?;
    let (new_destination, new_source) = ceil_div(invariant, source.checked_add(amount)?)?;
    let destination = destination.checked_sub(new_destination)?;
    if destination == 0 {
        return None;
    }
    Some(Exchanged { source: new_source.checked_sub(source)?, destination })
}

/// Returns the quotient rounded up and the least divisor that gives it; `None` for a quotient below 1.
fn ceil_div(dividend: u128, divisor: u128) -> Option<(u128, u128)> {
    let quotient = dividend.checked_div(divisor)?;
    if quotient == 0 {
        return None;
    }
    if quotient * divisor == dividend {
        return Some((quotient, divisor));
    }
    let quotient = quotient.checked_add(1)?;
    Some((quotient, dividend.div_ceil(quotient)))
}

/// Constant price; what is left over of token A below the price of one token B is not taken.
fn fixed_price(amount: u128, price: u128, a_to_b: bool) -> Option<Exchanged> {
    let (source, destination) = if a_to_b {
        let destination = amount.checked_div(price)?;
        (destination * price, destination)
    } else {
        (amount, amount.checked_mul(price)?)
    };
    (source != 0 && destination != 0).then_some(Exchanged { source, destination })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn reserves(source: u64, destination: u64, a_to_b: bool) -> Reserves {
        Reserves { source, destination, a_to_b }
    }

    #[test]
    fn constant_product_lowers_the_source_to_what_the_output_needs() {
        // 10 * 1000 / 12 = 833.3, so 834 stay; 10000 / 834 = 11.99: 12 are needed, none is spared.
        let swap = |amount| Curve::ConstantProduct.swap(reserves(10, 1000, true), amount);
        assert_eq!(swap(2), Some(Exchanged { source: 2, destination: 166 }));
        // 10000 / 1500 = 6.7, so 7 stay; 10000 / 7 = 1428.6: 1429 in all do as well as 1500.
        assert_eq!(swap(1490), Some(Exchanged { source: 1419, destination: 993 }));
        assert_eq!(swap(0), None);
        assert_eq!(swap(10_000), None);
    }

    #[test]
    fn constant_price_takes_whole_multiples_only() {
        let curve = Curve::ConstantPrice(7);
        assert_eq!(curve.swap(reserves(1, 1, true), 20), Some(Exchanged { source: 14, destination: 2 }));
        assert_eq!(curve.swap(reserves(1, 1, false), 20), Some(Exchanged { source: 20, destination: 140 }));
        assert_eq!(curve.swap(reserves(1, 1, true), 6), None);
        assert_eq!(Curve::ConstantPrice(0).swap(reserves(1, 1, true), 6), None);
    }

    #[test]
    fn offset_counts_imagined_units_of_token_b_on_either_side() {
        let curve = Curve::Offset(1000);
        // 100 * (0 + 1000) / 101 = 990.1: 991 stay, 9 go out (of units that need not be there).
        assert_eq!(curve.swap(reserves(100, 0, true), 1), Some(Exchanged { source: 1, destination: 9 }));
        // (0 + 1000) * 100 / 1100 = 90.9: 91 stay; 100000 / 91 = 1098.9: 1099 do.
        assert_eq!(curve.swap(reserves(0, 100, false), 100), Some(Exchanged { source: 99, destination: 9 }));
    }

    #[test]
    fn unknown_curve_types_are_refused() {
        assert!(Curve::new(4, 0).is_err());
        assert_eq!(Curve::new(2, 85).unwrap(), Curve::Stable(85));
    }
}
