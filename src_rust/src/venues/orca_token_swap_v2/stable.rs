//! The stable curve: Curve.fi's invariant for two coins, solved by Newton's method.
//!
//! With `l = 2 * amplification`, reserves `x`, `y` and invariant `d`:
//! `l * (x + y) + d = l * d + d^3 / (4 * x * y)`.
//!
//! # Source
//! spl token-swap, `curve/stable.rs` as of February 2022: 256-bit numbers, at most 32 steps each way,
//! the destination rounded up.

use ruint::aliases::U256;

use super::curve::Exchanged;
use crate::amm_math::Segment;

const ITERATIONS: usize = 32;
/// Most that the source grows by in one stretch.
const GROWTH: f64 = 0.1;
/// Most that a stretch's first price lies above the curve's, unless it is as short as can be.
const EXCESS: f64 = 0.002;
/// Shortest stretch, as a share of the source.
const SHORTEST: f64 = 1e-6;
/// Share of the destination that is left to the last stretch.
const REST: f64 = 1e-3;
/// Most stretches before the last; some hundred are usual.
const MAX_STRETCHES: usize = 512;

/// Returns what `amount` is exchanged for; `None` where a checked operation of the program fails.
pub(super) fn swap(amplification: u64, amount: u128, source: u64, destination: u64) -> Option<Exchanged> {
    if amount == 0 {
        return Some(Exchanged { source: 0, destination: 0 });
    }
    let leverage = amplification.checked_mul(2)?;
    let new_source = u128::from(source).checked_add(amount)?;
    let invariant = invariant(leverage, source.into(), destination.into())?;
    let new_destination = new_destination(leverage, new_source, invariant)?;
    let destination = u128::from(destination).checked_sub(new_destination)?;
    Some(Exchanged { source: amount, destination })
}

fn to_u128(value: U256) -> Option<u128> {
    u128::try_from(value).ok()
}

/// Returns the invariant `d` of the amounts.
pub(super) fn invariant(leverage: u64, amount_a: u128, amount_b: u128) -> Option<u128> {
    let doubled = |amount: u128| U256::from(amount).checked_mul(U256::from(2))?.checked_add(U256::ONE);
    let (double_a, double_b) = (doubled(amount_a)?, doubled(amount_b)?);
    let sum = amount_a.checked_add(amount_b)?;
    if sum == 0 {
        return Some(0);
    }
    let scaled_sum = U256::from(leverage).checked_mul(U256::from(sum))?;
    let mut invariant = U256::from(sum);
    for _ in 0..ITERATIONS {
        let product = invariant.checked_mul(invariant)?.checked_div(double_a)?;
        let product = product.checked_mul(invariant)?.checked_div(double_b)?;
        let numerator =
            scaled_sum.checked_add(product.checked_mul(U256::from(2))?)?.checked_mul(invariant)?;
        let denominator = invariant
            .checked_mul(U256::from(leverage.checked_sub(1)?))?
            .checked_add(product.checked_mul(U256::from(3))?)?;
        let next = numerator.checked_div(denominator)?;
        let settled = next == invariant;
        invariant = next;
        if settled {
            break;
        }
    }
    to_u128(invariant)
}

/// Returns the destination reserve that goes with a source reserve.
fn new_destination(leverage: u64, new_source: u128, invariant: u128) -> Option<u128> {
    let (leverage, source, invariant) = (U256::from(leverage), U256::from(new_source), U256::from(invariant));
    let four_sources = source.checked_mul(U256::from(4))?.checked_mul(leverage)?;
    let c = invariant.checked_mul(invariant)?.checked_mul(invariant)?.checked_div(four_sources)?;
    let b = source.checked_add(invariant.checked_div(leverage)?)?;
    let mut y = invariant;
    for _ in 0..ITERATIONS {
        let numerator = y.checked_mul(y)?.checked_add(c)?;
        let denominator = y.checked_mul(U256::from(2))?.checked_add(b)?.checked_sub(invariant)?;
        // The program fails rather than round a quotient below one up.
        if numerator.checked_div(denominator)?.is_zero() {
            return None;
        }
        let next = numerator.div_ceil(denominator);
        let settled = next == y;
        y = next;
        if settled {
            break;
        }
    }
    to_u128(y)
}

/// Returns destination per source at no volume: both partial derivatives of the invariant, times
/// `4 * x^2 * y^2`. `None` if that does not fit 256 bits.
pub(super) fn spot_price(amplification: u64, source: u64, destination: u64) -> Option<(U256, U256)> {
    let leverage = amplification.checked_mul(2)?;
    let invariant = U256::from(invariant(leverage, source.into(), destination.into())?);
    let (x, y) = (U256::from(source), U256::from(destination));
    let cube = invariant.checked_mul(invariant)?.checked_mul(invariant)?;
    let square = x.checked_mul(y)?.checked_pow(U256::from(2))?;
    let flat = square.checked_mul(U256::from(4))?.checked_mul(U256::from(leverage))?;
    Some((flat.checked_add(cube.checked_mul(y)?)?, flat.checked_add(cube.checked_mul(x)?)?))
}

/// The curve in floating point, for the search.
struct Smooth {
    leverage: f64,
    invariant: f64,
}

impl Smooth {
    /// Destination reserve at a source reserve: the positive root of `y^2 + (b - d) * y = c`.
    fn destination(&self, source: f64) -> f64 {
        let d = self.invariant;
        let b = source + d / self.leverage - d;
        let c = d / self.leverage * d / (4.0 * source) * d;
        let root = (b * b + 4.0 * c).sqrt();
        // The form without cancellation.
        if b > 0.0 { 2.0 * c / (b + root) } else { (root - b) / 2.0 }
    }

    /// Destination reserve and price at a source reserve.
    fn after(&self, source: f64) -> (f64, f64) {
        let destination = self.destination(source);
        (destination, self.slope(source, destination))
    }

    /// Destination per source at a point of the curve.
    fn slope(&self, source: f64, destination: f64) -> f64 {
        let pull = self.invariant / (2.0 * source) * (self.invariant / (2.0 * destination)) * self.invariant;
        (self.leverage + pull / source) / (self.leverage + pull / destination)
    }
}

/// Calls `visit`, until it returns `false`, with stretches that meet the curve at both of their ends and
/// do not lie below it in between;
/// where it bends most sharply they lie up to [`EXCESS`] above, and the last an eighth of [`REST`].
///
/// In a pool more skewed than some thousands to one the program's rounding is worth more than a few
/// units, and the stretches may lie below by that: 1.5e-7 of the output has been seen at 10^7 to 1.
pub(super) fn each_segment(
    amplification: u64,
    source: u64,
    destination: u64,
    kept: f64,
    visit: &mut dyn FnMut(Segment) -> bool,
) {
    let Some(leverage) = amplification.checked_mul(2) else { return };
    let Some(invariant) = invariant(leverage, source.into(), destination.into()) else { return };
    if source == 0 || destination == 0 || leverage == 0 || invariant == 0 {
        return;
    }
    let curve = Smooth { leverage: leverage as f64, invariant: invariant as f64 };
    let mut start = source as f64;
    let (mut left, mut slope) = curve.after(start);
    // The program counts half a unit too much of each reserve: a pool lies off its own curve.
    left = left.max(destination as f64);
    let mut length = start * GROWTH;
    for _ in 0..MAX_STRETCHES {
        if left < destination as f64 * REST {
            break;
        }
        length = (2.0 * length).min(start * GROWTH);
        let (next, end_slope, mean, gain) = loop {
            let (next, end_slope) = curve.after(start + length);
            let mean = (left - next) / length;
            // Two candidates have the right output at the end; one has the right price at the start,
            // the other at the end. Where the curve bends one way, the higher bounds it from above.
            let gain = slope.max(mean).max(mean * mean / end_slope);
            if gain <= slope * (1.0 + EXCESS) || length <= start * SHORTEST {
                break (next, end_slope, mean, gain);
            }
            length /= 2.0;
        };
        if mean <= 0.0 {
            break;
        }
        let is_wanted = visit(Segment {
            gain: gain * kept,
            base: 1.0,
            drag: (gain / mean - 1.0) / length * kept,
            max_in: length / kept,
        });
        if !is_wanted {
            return;
        }
        (start, left, slope) = (start + length, next, end_slope);
    }
    // Beyond, what is left falls as the product of two factors 1 / (1 + p x), 1 / (1 + q x), with
    // p + q the fall now; 9/8 of it, approached at that rate, is more than goes out anywhere.
    let fall = slope / left;
    visit(Segment { gain: 1.125 * slope * kept, base: 1.0, drag: fall * kept, max_in: f64::INFINITY });
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any number will do")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn empty_and_oversized_pools_fail_as_checked_operations_do() {
        assert_eq!(swap(u64::MAX, 1, 10, 10), None);
        assert_eq!(swap(0, 1, 10, 10), None);
        // Without reserves the invariant is 0, and so is the quotient that would be rounded up.
        assert_eq!(swap(85, 5, 0, 0), None);
        assert_eq!(swap(85, 0, 0, 0), Some(Exchanged { source: 0, destination: 0 }));
    }

    proptest! {
        /// The stretches' sum is the exact output, from above, to a few units of rounding.
        #[test]
        fn segments_follow_the_curve(
            amplification in 1_u64..5_000, a in 1_000_000_u64..1 << 45, skew in -20_i32..20,
            magnitude in -6.0_f64..1.3,
        ) {
            let b = (a as f64 * 1.3_f64.powi(skew)) as u64;
            prop_assume!(b > 100_000);
            // Every order of magnitude: a fault at small inputs is lost in large ones.
            let amount = (a as f64 * 10_f64.powf(magnitude)) as u64;
            let exact = swap(amplification, amount.into(), a, b);
            prop_assume!(exact.is_some());
            let exact = exact.unwrap().destination as f64;
            let mut pieces = Vec::new();
            each_segment(amplification, a, b, 1.0, &mut |piece| {
                pieces.push(piece);
                true
            });
            let (mut rest, mut output) = (amount as f64, 0.0);
            for piece in pieces {
                let step = rest.min(piece.max_in);
                output += piece.gain * step / (piece.base + piece.drag * step);
                rest -= step;
                if rest <= 0.0 { break; }
            }
            let rounding = 4.0 + exact * 1e-9;
            prop_assert!(output + rounding >= exact, "{output} understates {exact}");
            prop_assert!(output <= exact * (1.0 + EXCESS + REST / 8.0) + rounding, "{output} overstates {exact}");
        }
    }
}
