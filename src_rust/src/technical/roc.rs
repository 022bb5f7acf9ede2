//! Rate of change.

use super::input;
use super::{Indicator, InputError};

/// Change in percent against the price `period` values before: `100 * (price / before - 1)`.
///
/// The first answer comes with price `period + 1`.
///
/// # Source
/// TA-Lib's ROC, which also takes prices of 0 and below.
#[derive(Debug, Clone)]
pub struct Roc {
    period: usize,
    /// The last `period` prices; the oldest at `next` once full.
    prices: Vec<f64>,
    next: usize,
    value: Option<f64>,
}

impl Roc {
    /// Returns a rate that has seen nothing.
    ///
    /// # Errors
    /// [`InputError::Period`].
    pub fn new(period: usize) -> Result<Self, InputError> {
        let period = input::period(period)?;
        Ok(Self { period, prices: Vec::with_capacity(period), next: 0, value: None })
    }

    /// Returns how many values it looks back.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.period
    }
}

/// Returns the change between two prices, without the loss of subtracting 1 from a ratio near it.
#[inline]
pub(super) fn percent(before: f64, price: f64) -> f64 {
    100.0 * ((price - before) / before)
}

impl Indicator for Roc {
    #[inline]
    fn check(&self, value: f64) -> Result<f64, InputError> {
        input::price("value", value)
    }

    #[inline]
    fn try_update(&mut self, value: f64) -> Result<Option<f64>, InputError> {
        let price = self.check(value)?;
        if self.prices.len() < self.period {
            self.prices.push(price);
            return Ok(None);
        }
        let before = std::mem::replace(&mut self.prices[self.next], price);
        self.next = if self.next + 1 == self.period { 0 } else { self.next + 1 };
        self.value = Some(percent(before, price));
        Ok(self.value)
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.value
    }

    fn reset(&mut self) {
        self.prices.clear();
        self.next = 0;
        self.value = None;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn rates_look_back_over_the_period() {
        let mut roc = Roc::new(2).unwrap();
        let rates = [4.0, 5.0, 6.0, 4.0, 3.0].map(|price| roc.update(price));
        assert_eq!(rates, [None, None, Some(50.0), Some(-20.0), Some(-50.0)]);
    }
}
