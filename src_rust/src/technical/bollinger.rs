//! Bollinger bands.

use super::InputError;
use super::input;
use super::window::{Aggregate, Window};

/// Mean of a window, and lines some standard deviations above and below.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bands {
    /// Mean plus deviations.
    pub upper: f64,
    /// Mean.
    pub middle: f64,
    /// Mean minus deviations.
    pub lower: f64,
}

impl Bands {
    /// Returns the bands `width` around `middle`.
    #[inline]
    pub(super) fn around(middle: f64, width: f64) -> Self {
        Self { upper: middle + width, middle, lower: middle - width }
    }
}

/// Count, mean and sum of squared distances from the mean: what Welford and Chan add up.
#[derive(Debug, Clone, Copy)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Aggregate for Moments {
    type Item = f64;
    const EMPTY: Self = Self { count: 0.0, mean: 0.0, squares: 0.0 };

    #[inline]
    fn with(self, value: f64) -> Self {
        let count = self.count + 1.0;
        let distance = value - self.mean;
        let mean = self.mean + distance / count;
        Self { count, mean, squares: self.squares + distance * (value - mean) }
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        // Never both empty: a window's middle block is not.
        let count = self.count + other.count;
        let share = other.count / count;
        let distance = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + distance * share,
            squares: self.squares + other.squares + distance * distance * (self.count * share),
        }
    }
}

/// Mean of the last `period` values, with bands `deviations` population standard deviations away.
///
/// The first answer comes with value `period`.
///
/// # Source
/// TA-Lib's BBANDS with a simple moving average.
#[derive(Debug, Clone)]
pub struct Bollinger {
    window: Window<Moments>,
    deviations: f64,
}

impl Bollinger {
    /// Returns bands that have seen nothing.
    ///
    /// # Errors
    /// [`InputError::Period`]; [`InputError::Parameter`] for `deviations` not above 0.
    pub fn new(period: usize, deviations: f64) -> Result<Self, InputError> {
        let window = Window::new(input::period(period)?);
        Ok(Self { window, deviations: input::parameter("deviations", deviations)? })
    }

    /// Returns how many values it looks back over.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.window.length()
    }

    /// Returns how many standard deviations the bands are away from the mean.
    #[must_use]
    pub const fn deviations(&self) -> f64 {
        self.deviations
    }

    /// Takes the next value and returns the bands, `None` while warming up.
    ///
    /// # Errors
    /// [`InputError::OutOfRange`]; the state is then as before.
    #[inline]
    pub fn try_update(&mut self, value: f64) -> Result<Option<Bands>, InputError> {
        self.window.push(input::number("value", value)?);
        Ok(self.value())
    }

    /// Returns the bands at the last value, `None` while warming up.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<Bands> {
        let Moments { count, mean, squares } = self.window.sum()?;
        Some(Bands::around(mean, self.deviations * (squares / count).sqrt()))
    }

    /// Forgets everything but the settings.
    pub fn reset(&mut self) {
        self.window.reset();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn bands_by_hand() {
        let mut bands = Bollinger::new(4, 2.0).unwrap();
        for value in [100.0, 2.0, 4.0, 4.0] {
            bands.try_update(value).unwrap();
        }
        // 2, 4, 4, 6: mean 4, variance 8 / 4.
        let width = 2.0 * 2.0_f64.sqrt();
        let Bands { upper, middle, lower } = bands.try_update(6.0).unwrap().unwrap();
        for (found, expected) in [(upper, 4.0 + width), (middle, 4.0), (lower, 4.0 - width)] {
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
    }

    #[test]
    fn a_small_spread_around_a_large_mean_is_seen() {
        let mut bands = Bollinger::new(20, 1.0).unwrap();
        let mut last = None;
        for tick in 0..100 {
            // Multiples of 2^-8 at 1e12: exact, with a deviation of 2^-8.
            last = bands.try_update(1e12 + f64::from(tick % 2 * 2 - 1) / 256.0).unwrap();
        }
        let Bands { upper, middle, .. } = last.unwrap();
        assert_eq!([middle, upper].map(f64::to_bits), [1e12, 1e12 + 1.0 / 256.0].map(f64::to_bits));
    }

    #[test]
    fn a_huge_value_leaves_no_trace() {
        let mut bands = Bollinger::new(5, 1.0).unwrap();
        let mut last = None;
        for value in [1e150, -1e150, 3.0, 3.0, 3.0, 3.0, 3.0] {
            last = bands.try_update(value).unwrap();
            assert!(last.is_none_or(|bands| bands.upper.is_finite()));
        }
        assert_eq!(last, Some(Bands::around(3.0, 0.0)));
    }
}
