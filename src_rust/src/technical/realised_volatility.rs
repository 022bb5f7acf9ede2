//! Realised volatility.

use super::input;
use super::window::{Sum, Window};
use super::{Indicator, InputError};

/// Root of the mean squared logarithmic return of the last `period` returns, scaled to a horizon.
///
/// `sqrt(horizon / period * sum(ln(price / price before) ^ 2))`: a share, 0.01 is 1 %. `horizon` is
/// the number of ticks it is stated for: 1 gives the volatility of a tick, 525,600 that of a year if a
/// tick is a minute. The mean return is not taken off: over short windows it is mostly noise.
/// The first answer comes with price `period + 1`.
///
/// # Source
/// T. Andersen, T. Bollerslev, F. Diebold, P. Labys, "Modeling and Forecasting Realized Volatility",
/// Econometrica 71 (2003).
#[derive(Debug, Clone)]
pub struct RealisedVolatility {
    window: Window<Sum>,
    horizon: f64,
    last: Option<f64>,
}

impl RealisedVolatility {
    /// Returns a volatility that has seen nothing.
    ///
    /// # Errors
    /// [`InputError::Period`]; [`InputError::Parameter`] for a `horizon` not above 0.
    pub fn new(period: usize, horizon: f64) -> Result<Self, InputError> {
        let window = Window::new(input::period(period)?);
        Ok(Self { window, horizon: input::parameter("horizon", horizon)?, last: None })
    }

    /// Returns how many returns it looks back over.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.window.length()
    }

    /// Returns the number of ticks that the answer is stated for.
    #[must_use]
    pub const fn horizon(&self) -> f64 {
        self.horizon
    }
}

/// Returns `ln(price / last)`, to the last digits also where both are nearly equal.
#[inline]
fn log_return(last: f64, price: f64) -> f64 {
    let ratio = price / last;
    if (0.5..=2.0).contains(&ratio) { ((price - last) / last).ln_1p() } else { ratio.ln() }
}

impl Indicator for RealisedVolatility {
    #[inline]
    fn check(&self, value: f64) -> Result<f64, InputError> {
        input::price("value", value)
    }

    #[inline]
    fn try_update(&mut self, value: f64) -> Result<Option<f64>, InputError> {
        let price = self.check(value)?;
        if let Some(last) = self.last.replace(price) {
            self.window.push(log_return(last, price).powi(2));
        }
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.window.sum().map(|sum| (sum.0 / self.period() as f64 * self.horizon).sqrt())
    }

    fn reset(&mut self) {
        self.window.reset();
        self.last = None;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn returns_of_ln_two_have_a_volatility_of_ln_two() {
        let mut volatility = RealisedVolatility::new(2, 4.0).unwrap();
        let found = [1.0, 2.0, 1.0, 2.0].map(|price| volatility.update(price));
        assert_eq!(found[..2], [None, None]);
        for value in &found[2..] {
            assert!((value.unwrap() - 2.0 * 2.0_f64.ln()).abs() < 1e-15, "{value:?}");
        }
    }

    #[test]
    fn prices_without_a_logarithm_are_refused_and_change_nothing() {
        let mut volatility = RealisedVolatility::new(1, 1.0).unwrap();
        volatility.update(3.0);
        for price in [0.0, -1.0, 1e-160] {
            let refused = Err(InputError::TooSmall { name: "value", value: price });
            assert_eq!(volatility.try_update(price), refused);
            assert_eq!(volatility.update(price), None);
        }
        assert_eq!(volatility.update(3.0), Some(0.0));
    }

    #[test]
    fn returns_of_any_size_are_exact() {
        assert!((log_return(1e-150, 1e150) - 300.0 * 10.0_f64.ln()).abs() < 1e-12);
        assert!((log_return(1e150, 1e-150) + 300.0 * 10.0_f64.ln()).abs() < 1e-12);
        let step = 2.0_f64.powi(-40);
        // ln(1 + x) = x - x^2 / 2 + ...
        assert!((log_return(1.0, 1.0 + step) / (step - step * step / 2.0) - 1.0).abs() < 1e-15);
    }
}
