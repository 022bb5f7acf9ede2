//! One direction of a constant-product pool, ready for many quotes.

use super::batch::{Fee, mul_div_up, real};
use super::{Segment, amount_out};

/// Reserves and fee as one direction sees them. A quote takes a few nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Direction {
    reserve_in: u64,
    reserve_out: u64,
    fee_numerator: u64,
    fee: Fee,
    real_in: f64,
    real_out: f64,
}

impl Direction {
    /// Returns a direction; reserves above zero, fee below one, base units.
    ///
    /// `None` otherwise.
    #[must_use]
    pub fn new(reserve_in: u64, reserve_out: u64, fee_numerator: u64, fee_denominator: u64) -> Option<Self> {
        let sound = reserve_in > 0 && reserve_out > 0 && fee_numerator < fee_denominator;
        sound.then(|| Self::of(reserve_in, reserve_out, fee_numerator, fee_denominator))
    }

    pub(super) fn of(reserve_in: u64, reserve_out: u64, fee_numerator: u64, fee_denominator: u64) -> Self {
        let fee = Fee::of(fee_denominator - fee_numerator, fee_denominator);
        let (real_in, real_out) = (reserve_in as f64, reserve_out as f64);
        Self { reserve_in, reserve_out, fee_numerator, fee, real_in, real_out }
    }

    /// Returns the base units of the input's side.
    #[must_use]
    pub fn reserve_in(&self) -> u64 {
        self.reserve_in
    }

    /// Returns the base units of the output's side.
    #[must_use]
    pub fn reserve_out(&self) -> u64 {
        self.reserve_out
    }

    /// Returns the fee on the input: above and below the line.
    #[must_use]
    pub fn fee(&self) -> (u64, u64) {
        (self.fee_numerator, self.fee.denominator)
    }

    /// Returns what is left of one unit of input, for the search.
    #[must_use]
    pub fn kept(&self) -> f64 {
        self.fee.ratio
    }

    /// Returns the whole curve, for the search.
    #[must_use]
    pub fn segment(&self) -> Segment {
        let drag = self.kept();
        Segment { gain: drag * self.real_out, base: self.real_in, drag, max_in: f64::INFINITY }
    }

    /// Returns what `amount_in` buys; `None` for less than one unit, or if the reserve after it does
    /// not fit 64 bits.
    #[inline]
    #[must_use]
    pub fn amount_out(&self, amount_in: u64) -> Option<u64> {
        self.reserve_in.checked_add(amount_in)?;
        amount_out(self.reserve_in, self.reserve_out, self.fee.after(amount_in)).filter(|&out| out > 0)
    }

    /// Returns what `amount_in` buys, and what the two roundings take: of the input and of the output.
    #[inline]
    pub(crate) fn output_and_losses(&self, amount_in: u64) -> Option<(u64, f64, f64)> {
        let net = self.fee.after(amount_in);
        let out = self.amount_out(amount_in)?;
        let after = self.reserve_in.checked_add(net)?;
        let fee_loss = share(amount_in, self.fee.kept, net, self.fee.denominator);
        Some((out, fee_loss, share(self.reserve_out, net, out, after)))
    }

    /// Returns roughly what `amount_in` buys, rounded down, and what that rounding takes, at least; `None`
    /// in doubt.
    #[inline]
    pub(crate) fn rough_output(&self, amount_in: u64) -> Option<(f64, f64)> {
        let net = real(self.fee.after(amount_in));
        floor_and_loss(self.real_out * net / (self.real_in + net))
    }

    /// Returns what the fee's rounding takes of an input given in `f64`, at least.
    #[inline]
    pub(crate) fn rough_fee_loss(&self, amount_in: f64) -> f64 {
        floor_and_loss(amount_in * self.fee.ratio).map_or(0.0, |(_, loss)| loss)
    }

    /// Returns the smallest input that buys at least `amount_out`, and what the two roundings up add to
    /// it, in units of the input.
    #[inline]
    pub(crate) fn input_and_loss(&self, amount_out: u64) -> Option<(u64, f64)> {
        let left = self.reserve_out.checked_sub(amount_out).filter(|&left| left > 0)?;
        let net = u64::try_from(mul_div_up(self.reserve_in, amount_out, left)).ok()?;
        let amount_in = u64::try_from(mul_div_up(net, self.fee.denominator, self.fee.kept)).ok()?;
        self.reserve_in.checked_add(amount_in)?;
        let net_loss =
            share_of(net.wrapping_mul(left).wrapping_sub(self.reserve_in.wrapping_mul(amount_out)), left);
        let gross =
            amount_in.wrapping_mul(self.fee.kept).wrapping_sub(net.wrapping_mul(self.fee.denominator));
        Some((amount_in, net_loss + share_of(gross, self.fee.kept)))
    }

    /// Returns the smallest input that buys at least `amount_out`; `None` if the pool does not hold
    /// more than that, or if the input, or the reserve after it, does not fit 64 bits.
    #[inline]
    #[must_use]
    pub fn amount_in(&self, amount_out: u64) -> Option<u64> {
        let left = self.reserve_out.checked_sub(amount_out).filter(|&left| left > 0)?;
        let net = u64::try_from(mul_div_up(self.reserve_in, amount_out, left)).ok()?;
        // net <= in - ceil(in * n / d) = floor(in * (d - n) / d) holds from in = ceil(net * d / (d - n)) on.
        let amount_in = u64::try_from(mul_div_up(net, self.fee.denominator, self.fee.kept)).ok()?;
        self.reserve_in.checked_add(amount_in)?;
        Some(amount_in)
    }
}

/// What `floor(a * b / divisor)` leaves, as a share of the divisor. The remainder is below the divisor, so
/// its low 64 bits are all of it.
#[inline]
fn share(a: u64, b: u64, floor: u64, divisor: u64) -> f64 {
    share_of(a.wrapping_mul(b).wrapping_sub(floor.wrapping_mul(divisor)), divisor)
}

#[inline]
fn share_of(rest: u64, divisor: u64) -> f64 {
    rest as f64 / divisor as f64
}

/// Rounds a positive number of four roundings down and says what that takes, at least; `None` if the
/// number may be a whole one.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and the rest is then in doubt")]
fn floor_and_loss(value: f64) -> Option<(f64, f64)> {
    let doubt = value * f64::EPSILON * 2.0;
    let raised = value + doubt;
    let floor = (raised as i64) as f64;
    let loss = raised - floor - 2.0 * doubt;
    (loss > 0.0 && loss < 1.0).then_some((floor, loss))
}
