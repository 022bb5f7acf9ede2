//! Exponential moving average.

use super::input;
use super::{Indicator, InputError, Resume};

/// `v += 2 / (period + 1) * (value - v)`, begun with the mean of the first `period` values.
///
/// # Source
/// TA-Lib's EMA in its default compatibility.
#[derive(Debug, Clone)]
pub struct Ema {
    weight: f64,
    period: usize,
    /// Values taken, up to `period`.
    taken: usize,
    /// The sum of the first values, then the average.
    level: f64,
}

impl Ema {
    /// Returns an average that has seen nothing.
    ///
    /// # Errors
    /// [`InputError::Period`].
    pub fn new(period: usize) -> Result<Self, InputError> {
        let period = input::period(period)?;
        Ok(Self { weight: 2.0 / (period as f64 + 1.0), period, taken: 0, level: 0.0 })
    }

    /// Returns how many values it is begun with; the weight of the newest one is `2 / (period + 1)`.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.period
    }

    /// Returns the weight of the newest value.
    pub(super) const fn weight(&self) -> f64 {
        self.weight
    }
}

impl Indicator for Ema {
    #[inline]
    fn try_update(&mut self, value: f64) -> Result<Option<f64>, InputError> {
        let value = self.check(value)?;
        if self.taken == self.period {
            self.level += self.weight * (value - self.level);
            return Ok(Some(self.level));
        }
        self.taken += 1;
        self.level += value;
        if self.taken == self.period {
            self.level /= self.period as f64;
        }
        Ok(self.value())
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        (self.taken == self.period).then_some(self.level)
    }

    fn reset(&mut self) {
        self.taken = 0;
        self.level = 0.0;
    }
}

impl Resume<1> for Ema {
    #[inline]
    fn state(&self) -> (usize, [f64; 1]) {
        (self.taken, [self.level])
    }

    #[inline]
    fn resumed(&self, taken: usize, [level]: [f64; 1]) -> Self {
        Self { taken, level, ..*self }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_the_mean_of_the_first_values() {
        // By hand: (1 + 2 + 6) / 3 = 3, weight 1/2: 3 + (5 - 3) / 2 = 4, 4 + (0 - 4) / 2 = 2.
        let mut ema = Ema::new(3).unwrap();
        let averages = [1.0, 2.0, 6.0, 5.0, 0.0].map(|value| ema.update(value));
        assert_eq!(averages, [None, None, Some(3.0), Some(4.0), Some(2.0)]);
    }

    #[test]
    fn a_period_of_one_repeats_its_input() {
        let mut ema = Ema::new(1).unwrap();
        assert_eq!([7.0, 3.0, -2.0].map(|value| ema.update(value)), [Some(7.0), Some(3.0), Some(-2.0)]);
    }
}
