//! Simple moving average.

use super::input;
use super::window::{Sum, Window};
use super::{Indicator, InputError};

/// The mean of the last `period` values, from the `period`-th on.
#[derive(Debug, Clone)]
pub struct Sma(Window<Sum>);

impl Sma {
    /// Returns an average that has seen nothing.
    ///
    /// # Errors
    /// [`InputError::Period`].
    pub fn new(period: usize) -> Result<Self, InputError> {
        Ok(Self(Window::new(input::period(period)?)))
    }

    /// Returns how many values it looks back over.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.0.length()
    }
}

impl Indicator for Sma {
    #[inline]
    fn try_update(&mut self, value: f64) -> Result<Option<f64>, InputError> {
        let value = self.check(value)?;
        self.0.push(value);
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.0.sum().map(|sum| sum.0 / self.period() as f64)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn means_begin_with_a_full_window() {
        let mut sma = Sma::new(3).unwrap();
        let means = [1.0, 2.0, 6.0, 4.0, -1.0].map(|value| sma.update(value));
        assert_eq!(means, [None, None, Some(3.0), Some(4.0), Some(3.0)]);
    }
}
