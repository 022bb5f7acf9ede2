//! Average true range.

use super::input;
use super::{InputError, MAX_MAGNITUDE};

/// Wilder's average of true ranges: how far the price moves within a candle, gaps included.
///
/// The true range is the greatest of `high - low`, `|high - close before|` and `|low - close before|`;
/// it needs a candle before. The average begins as the mean of the first `period` true ranges, so that
/// the first answer comes with candle `period + 1`; then `average += (range - average) / period`.
///
/// # Source
/// J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978); TA-Lib's ATR.
#[derive(Debug, Clone)]
pub struct Atr {
    period: usize,
    /// Ranges taken, up to `period`.
    taken: usize,
    last_close: Option<f64>,
    /// The sum of the first ranges, then their average.
    level: f64,
}

/// Returns the greatest of `high - low`, `|high - last|` and `|low - last|`, rounded once like them.
#[inline]
pub(super) fn true_range(high: f64, low: f64, last: f64) -> f64 {
    // Not `max` and `min`, which ask for NaN as well.
    let (top, bottom) = (if high > last { high } else { last }, if low < last { low } else { last });
    top - bottom
}

impl Atr {
    /// Returns an average that has seen nothing.
    ///
    /// # Errors
    /// [`InputError::Period`].
    pub fn new(period: usize) -> Result<Self, InputError> {
        Ok(Self { period: input::period(period)?, taken: 0, last_close: None, level: 0.0 })
    }

    /// Returns how many ranges it is begun with.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.period
    }

    /// Returns the weight of the newest range.
    pub(super) fn weight(&self) -> f64 {
        1.0 / self.period as f64
    }

    /// Whether a candle can be used: [`Atr::check`] without the reason, asked of many at once.
    #[inline]
    pub(super) fn is_usable(high: f64, low: f64, close: f64) -> bool {
        // What is between two usable numbers is one.
        (high <= MAX_MAGNITUDE) & (low >= -MAX_MAGNITUDE) & (high >= low) & input::is_usable(close)
    }

    /// Returns whether a candle can be used.
    ///
    /// # Errors
    /// [`InputError::OutOfRange`], [`InputError::HighBelowLow`].
    #[inline]
    pub fn check(high: f64, low: f64, close: f64) -> Result<(), InputError> {
        input::number("high", high)?;
        input::number("low", low)?;
        input::number("close", close)?;
        if high < low { Err(InputError::HighBelowLow { high, low }) } else { Ok(()) }
    }

    /// Takes the next candle and returns the average, `None` while warming up.
    ///
    /// # Errors
    /// As [`Atr::check`]; the state is then as before.
    #[inline]
    pub fn try_update(&mut self, high: f64, low: f64, close: f64) -> Result<Option<f64>, InputError> {
        Self::check(high, low, close)?;
        let Some(last) = self.last_close.replace(close) else {
            return Ok(None);
        };
        let range = true_range(high, low, last);
        if self.taken == self.period {
            self.level += (range - self.level) / self.period as f64;
            if self.level < f64::MIN_POSITIVE {
                // Numbers of few digits, slow to compute with: nothing has moved for very long.
                self.level = 0.0;
            }
        } else {
            self.level += range;
            self.taken += 1;
            if self.taken == self.period {
                self.level /= self.period as f64;
            }
        }
        Ok(self.value())
    }

    /// Returns the average at the last candle, `None` while warming up.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.taken == self.period).then_some(self.level)
    }

    /// Forgets everything but the period.
    pub fn reset(&mut self) {
        *self = Self { taken: 0, last_close: None, level: 0.0, ..*self };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn gaps_count_and_the_average_is_wilders() {
        let mut atr = Atr::new(2).unwrap();
        // True ranges by hand: 2 (high - low), 5 (gap up: 15 - 10), 7 (gap down: 13 - 6).
        let candles = [(11.0, 9.0, 10.0), (11.0, 9.0, 10.0), (15.0, 14.0, 13.0), (7.0, 6.0, 6.5)];
        let found = candles.map(|(high, low, close)| atr.try_update(high, low, close));
        assert_eq!(found, [Ok(None), Ok(None), Ok(Some(3.5)), Ok(Some(5.25))]);
    }

    #[test]
    fn a_true_range_is_the_greatest_of_three_to_the_last_bit() {
        let prices: [f64; 9] = [0.1, 0.3, 1.0 / 3.0, 80.0, 80.07, 1e-9, 1e150, -1e150, 0.0];
        let each = prices.len();
        for place in 0..each.pow(3) {
            let [high, low, last] = [place / each / each, place / each, place].map(|at| prices[at % each]);
            let greatest = (high - low).max((high - last).abs()).max((low - last).abs());
            if high >= low {
                assert_eq!(true_range(high, low, last).to_bits(), greatest.to_bits(), "{high} {low} {last}");
            }
        }
    }

    #[test]
    fn a_refused_candle_changes_nothing() {
        let mut atr = Atr::new(1).unwrap();
        atr.try_update(2.0, 1.0, 1.5).unwrap();
        let refused = atr.try_update(1.0, 2.0, 1.5);
        assert_eq!(refused, Err(InputError::HighBelowLow { high: 1.0, low: 2.0 }));
        assert!(atr.try_update(f64::NAN, 2.0, 1.5).is_err());
        assert_eq!(atr.try_update(2.0, 1.0, 1.5), Ok(Some(1.0)));
    }
}
