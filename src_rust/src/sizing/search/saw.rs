//! The saw of a hop's fee: where its rounding takes nothing.

use super::{Search, to_units};
use crate::sizing::chain::Chain;

/// The saw of a fee along the amount that it is taken of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Saw {
    /// A top, whole or not.
    pub top: f64,
    /// From top to top: `1 / fee`.
    pub period: f64,
    /// Tops are at whole multiples of this fraction: `(denominator, numerator)`.
    pub exact: Option<(u64, u64)>,
}

impl<H: Chain> Search<'_, H> {
    /// Finds the saw of the fee that the hop after an amount takes; `None` without one.
    pub(super) fn saw(&mut self, axis: usize, centre: u64) -> Option<Saw> {
        if axis == self.chain.len() {
            return None;
        }
        if let Some((numerator, denominator)) = self.chain.fee(axis) {
            let period = denominator as f64 / numerator as f64;
            let top = (centre as f64 / period).floor();
            // Worth it where many tops are asked for.
            let common = if self.left > 64 { gcd(numerator, denominator) } else { 1 };
            let (numerator, denominator) = (numerator / common, denominator / common);
            return (numerator > 0 && period > 4.0 && top < 2_f64.powi(62)).then_some(Saw {
                top,
                period,
                exact: Some((denominator, numerator)),
            });
        }
        let fee = 1.0 - self.model.kept(axis, centre as f64);
        let period = 1.0 / fee;
        if !(period > 4.0 && period < 1e6) {
            return None;
        }
        // What is lost falls from place to place until it jumps: halve the way to the jump.
        let slope = self.peak.slopes[axis + 1] / self.peak.slopes[axis];
        let mut lost = |place: u64| {
            self.quotes += 1;
            let real = self.model.hop_output(axis, place as f64);
            self.chain.amount_out(axis, place).map(|out| (real - out as f64) / slope)
        };
        let (mut from, mut to) = (centre, centre + to_units(period.ceil()));
        let mut before = lost(from)?;
        while to - from > 1 {
            let middle = from + (to - from) / 2;
            let here = lost(middle)?;
            if here - before + (middle - from) as f64 * fee > 0.5 {
                to = middle;
            } else {
                (from, before) = (middle, here);
            }
        }
        Some(Saw { top: from as f64, period, exact: None })
    }
}

impl Saw {
    /// The top so many teeth from the first.
    pub(super) fn place(&self, step: i64) -> Option<u64> {
        if let Some((denominator, numerator)) = self.exact {
            let tooth = to_units(self.top).checked_add_signed(step)?;
            return Some(match tooth.checked_mul(denominator) {
                Some(place) if numerator == 1 => place,
                Some(place) => place / numerator,
                None => {
                    let place = u128::from(tooth) * u128::from(denominator) / u128::from(numerator);
                    u64::try_from(place).unwrap_or(u64::MAX)
                }
            });
        }
        let place = self.top + step as f64 * self.period;
        (place > -self.period).then(|| to_units(place))
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
