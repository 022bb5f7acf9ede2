//! Exact integer swap mathematics, one file per curve family.
//!
//! No floats on amount paths, no allocation per step, no clock, no I/O. The one idea: every curve
//! answers exact quotes ([`Curve::quote_exact_in`], [`Curve::quote_exact_out`]) in integers with the
//! program's own rounding and errors, and describes itself to the *search* as a chain of
//! [`Segment`]s in `f64`. What the search finds is always recomputed by an exact quote.

pub mod constant_product;
pub(crate) mod fixed_point;
pub(crate) mod taper;
pub mod tick_math;
pub mod transfer_fee;
pub mod whirlpool;

/// A stretch of a curve on which the output is `gain * x / (base + drag * x)` for an input `x`
/// counted from the start of the stretch, fees included.
///
/// Constant product with reserves `r_in`, `r_out` and fee factor `g`: `gain = g * r_out`,
/// `base = r_in`, `drag = g`. A concentrated range is the same with virtual reserves
/// (`L / sqrt_price` and `L * sqrt_price`); a constant-price bin has `drag = 0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Numerator factor.
    pub gain: f64,
    /// Denominator at zero input.
    pub base: f64,
    /// Growth of the denominator per unit of input.
    pub drag: f64,
    /// Input (fees included, base units) at which the stretch ends; infinite for the last.
    pub max_in: f64,
}

impl Segment {
    /// Returns the stretch as `rate * x / (1 + bend * x)`: rate and bend. `None` for one that makes no
    /// sense, NaN included: it ends the reach of the search.
    #[must_use]
    pub fn rate_and_bend(&self) -> Option<(f64, f64)> {
        let (rate, bend) = (self.gain / self.base, self.drag / self.base);
        let makes_sense = rate > 0.0 && rate.is_finite() && bend >= 0.0 && self.max_in > 0.0;
        makes_sense.then_some((rate, bend))
    }
}

/// Returns what a stretch of this rate and bend gives for an input, which may be infinite.
pub(crate) fn stretch_output(rate: f64, bend: f64, input: f64) -> f64 {
    if input.is_finite() { rate * input / (1.0 + bend * input) } else { rate / bend }
}

/// What sizing needs of a pool in its present state. `a_to_b`: the input is token A.
pub trait Curve {
    /// Why a quote cannot be given.
    type Error;

    /// Returns the exact output in base units for an exact input.
    ///
    /// # Errors
    /// The program's own refusal, or missing data; never a clamp.
    fn quote_exact_in(&self, a_to_b: bool, amount_in: u64) -> Result<u64, Self::Error>;

    /// Returns the exact input in base units that the program takes for an exact output.
    ///
    /// # Errors
    /// The program's own refusal, or missing data; never a clamp.
    fn quote_exact_out(&self, a_to_b: bool, amount_out: u64) -> Result<u64, Self::Error>;

    /// Calls `visit` with the curve's stretches in the order a growing input meets them, as far as one
    /// swap can reach or until it returns `false`. Approximate: for search only.
    fn each_segment(&self, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool);

    /// Appends all of these stretches.
    fn segments(&self, a_to_b: bool, into: &mut Vec<Segment>) {
        self.each_segment(a_to_b, &mut |segment| {
            into.push(segment);
            true
        });
    }

    /// Returns `d out / d in` at zero input after fees: the marginal rate for the price graph.
    fn marginal_rate(&self, a_to_b: bool) -> f64;

    /// Returns the curve as two reserves and one fee on the input where its exact quotes are just that,
    /// for any amount: sizing then quotes it without asking.
    fn direction(&self, _a_to_b: bool) -> Option<constant_product::Direction> {
        None
    }
}
