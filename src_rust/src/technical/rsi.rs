//! Relative strength index.

use super::input;
use super::{Indicator, InputError, Resume};

/// Wilder's index: `100 * gain / (gain + loss)` of smoothed rises and falls, from 0 to 100.
///
/// Begun with the plain averages of the first `period` changes, so that the first answer comes with
/// value `period + 1`; then `average += (change - average) / period`. A market that has not moved
/// has an index of 0, as in TA-Lib; one that stops moving keeps the index it had.
///
/// # Source
/// J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978); TA-Lib's RSI.
#[derive(Debug, Clone)]
pub struct Rsi {
    period: usize,
    /// `1 / period`.
    weight: f64,
    /// Changes taken, up to `period`.
    taken: usize,
    last: Option<f64>,
    /// Sums of the first rises and falls, then their averages.
    moves: Moves,
}

/// Smoothed rises and falls, both at least 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Moves {
    pub gain: f64,
    pub loss: f64,
}

impl Moves {
    /// Returns the index; 0 where nothing is left of any move.
    #[inline]
    fn index(self) -> f64 {
        let total = self.gain + self.loss;
        if total < f64::MIN_POSITIVE { 0.0 } else { 100.0 * (self.gain / total) }
    }

    /// Lets an average of which nothing is left go to 0.
    ///
    /// Left alone it would shrink for ever, down to numbers of few digits that are slow to compute with.
    #[cold]
    pub fn faded(self) -> Self {
        let faded = |average| if average < f64::MIN_POSITIVE { 0.0 } else { average };
        Self { gain: faded(self.gain), loss: faded(self.loss) }
    }
}

impl Rsi {
    /// Returns an index that has seen nothing.
    ///
    /// # Errors
    /// [`InputError::Period`].
    pub fn new(period: usize) -> Result<Self, InputError> {
        let period = input::period(period)?;
        let moves = Moves::default();
        Ok(Self { period, weight: 1.0 / period as f64, taken: 0, last: None, moves })
    }

    /// Returns how many changes it is begun with.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.period
    }

    /// Returns the weight of the newest change.
    pub(super) const fn weight(&self) -> f64 {
        self.weight
    }

    /// Returns the averages, once warm.
    #[inline]
    pub(super) fn warm(&self) -> Option<Moves> {
        (self.taken == self.period).then_some(self.moves)
    }
}

impl Indicator for Rsi {
    #[inline]
    fn try_update(&mut self, value: f64) -> Result<Option<f64>, InputError> {
        let price = self.check(value)?;
        let Some(last) = self.last.replace(price) else {
            return Ok(None);
        };
        let (rise, fall) = ((price - last).max(0.0), (last - price).max(0.0));
        if self.taken == self.period {
            self.moves.gain += self.weight * (rise - self.moves.gain);
            self.moves.loss += self.weight * (fall - self.moves.loss);
        } else {
            self.moves.gain += rise;
            self.moves.loss += fall;
            self.taken += 1;
            if self.taken < self.period {
                return Ok(None);
            }
            self.moves.gain *= self.weight;
            self.moves.loss *= self.weight;
        }
        let index = self.moves.index();
        if !(f64::MIN_POSITIVE..100.0).contains(&index) {
            self.moves = self.moves.faded();
        }
        Ok(Some(index))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        self.warm().map(Moves::index)
    }

    fn reset(&mut self) {
        self.taken = 0;
        self.last = None;
        self.moves = Moves::default();
    }
}

impl Resume<3> for Rsi {
    #[inline]
    fn state(&self) -> (usize, [f64; 3]) {
        // No price is NaN.
        (self.taken, [self.last.unwrap_or(f64::NAN), self.moves.gain, self.moves.loss])
    }

    #[inline]
    fn resumed(&self, taken: usize, [last, gain, loss]: [f64; 3]) -> Self {
        Self { taken, last: (!last.is_nan()).then_some(last), moves: Moves { gain, loss }, ..*self }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn last(rsi: &mut Rsi, prices: &[f64]) -> Option<f64> {
        prices.iter().map(|&price| rsi.update(price)).last().flatten()
    }

    #[test]
    fn wilders_smoothing_by_hand() {
        // Changes +2 -1 +3 -2: gains 2/2, losses 1/2; then (1 + 3)/2 = 2 and (0.5 + 0)/2 = 0.25;
        // then (2 + 0)/2 = 1 and (0.25 + 2)/2 = 1.125.
        let mut rsi = Rsi::new(2).unwrap();
        let indices = [10.0, 12.0, 11.0, 14.0, 12.0].map(|price| rsi.update(price));
        let expected = [100.0 / 1.5, 200.0 / 2.25, 100.0 / 2.125];
        assert_eq!(indices[..2], [None, None]);
        for (index, expected) in indices[2..].iter().zip(expected) {
            assert!((index.unwrap() - expected).abs() < 1e-12, "{index:?} {expected}");
        }
    }

    #[test]
    fn only_rises_are_a_hundred_and_no_move_is_zero() {
        let mut rsi = Rsi::new(3).unwrap();
        assert_eq!(last(&mut rsi, &[1.0, 2.0, 3.0, 4.0, 5.0]), Some(100.0));
        rsi.reset();
        assert_eq!(rsi.value(), None);
        assert_eq!(last(&mut rsi, &[5.0; 5]), Some(0.0));
    }

    #[test]
    fn a_market_that_stops_moving_keeps_its_index_until_nothing_is_left_and_wakes_up_again() {
        let mut rsi = Rsi::new(14).unwrap();
        for tick in 0..100 {
            rsi.update(80.0 + f64::from(tick % 7));
        }
        let before = rsi.value().unwrap();
        assert!((rsi.update(81.0).unwrap() - before).abs() < 20.0);
        let still = last(&mut rsi, &[81.0]).unwrap();
        assert!((last(&mut rsi, &[81.0; 1_000]).unwrap() - still).abs() < 1e-9);
        // (13 / 14)^12000 is below the least number.
        assert_eq!(last(&mut rsi, &vec![81.0; 12_000]), Some(0.0));
        assert_eq!(rsi.moves, Moves::default());
        assert_eq!(rsi.update(81.5), Some(100.0));
    }

    #[test]
    fn tiny_prices_move_as_large_ones_do() {
        let (mut small, mut large) = (Rsi::new(5).unwrap(), Rsi::new(5).unwrap());
        for tick in 0..200_i32 {
            let price = 1.0 + 1e-4 * f64::from(tick * 7919 % 101);
            // A power of two scales without rounding.
            assert_eq!(small.update(price * 2.0_f64.powi(-60)), large.update(price), "tick {tick}");
        }
    }
}
