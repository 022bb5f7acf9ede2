//! Indicators with state: one value in per tick, one value out once enough were seen.
//!
//! Definitions follow TA-Lib: an average starts as the plain mean of its first values, and RSI is
//! Wilder's. Windows are summed anew each time they have gone round once, so that rounding does not
//! pile up; a tick costs constant time on average.

use std::collections::VecDeque;

use super::limits;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndicatorKind {
    /// Exponential moving average with factor `2 / (period + 1)`.
    Ema,
    /// Mean of the last `period` values.
    Sma,
    /// Wilder's relative strength index, 0 to 100; 0 while nothing has moved.
    Rsi,
    /// Standard deviation of the last `period` logarithmic returns.
    Volatility,
    /// The value of `period` ticks ago.
    Lag,
}

impl IndicatorKind {
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("ema", Self::Ema),
        ("sma", Self::Sma),
        ("rsi", Self::Rsi),
        ("volatility", Self::Volatility),
        ("lag", Self::Lag),
    ];

    /// Returns the name in the language.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Returns whether the value has the argument's unit; otherwise it has none.
    pub(super) fn keeps_unit(self) -> bool {
        matches!(self, Self::Ema | Self::Sma | Self::Lag)
    }

    /// Returns the shortest period.
    pub(super) fn least_period(self) -> u32 {
        if self == Self::Volatility { 2 } else { 1 }
    }
}

/// An indicator and what it has seen.
#[derive(Debug, Clone)]
pub struct Indicator {
    kind: IndicatorKind,
    period: u32,
    seen: u32,
    last: f64,
    /// EMA, or average gain; a sum until ready.
    mean: f64,
    /// Average loss, or the sum of squares around `anchor`.
    other: f64,
    window: VecDeque<f64>,
    /// Updates until the sums are computed anew.
    until_fresh: u32,
    anchor: f64,
    value: Option<f64>,
}

impl Indicator {
    /// Makes one that has seen nothing.
    ///
    /// # Errors
    /// A period that is out of range, with the range.
    pub fn new(kind: IndicatorKind, period: u32) -> Result<Self, String> {
        let (least, most) = (kind.least_period(), limits::PERIOD);
        if !(least..=most).contains(&period) {
            return Err(format!("the period of {} is {period}; it may be {least} to {most}", kind.name()));
        }
        Ok(Self {
            kind,
            period,
            seen: 0,
            last: 0.0,
            mean: 0.0,
            other: 0.0,
            window: VecDeque::new(),
            until_fresh: period,
            anchor: 0.0,
            value: None,
        })
    }

    /// Returns the value, once there is one.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.value
    }

    /// Returns whether `x` can be taken: finite, and above 0 where its logarithm is needed.
    #[must_use]
    pub fn accepts(&self, x: f64) -> bool {
        x.is_finite() && (self.kind != IndicatorKind::Volatility || x > 0.0)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        if let Ok(fresh) = Self::new(self.kind, self.period) {
            *self = fresh;
        }
    }

    /// Takes the next value; one that is not accepted changes nothing.
    pub fn update(&mut self, x: f64) {
        if !self.accepts(x) {
            return;
        }
        let is_first = self.seen == 0;
        self.seen = self.seen.saturating_add(1);
        match self.kind {
            IndicatorKind::Ema => self.ema(x),
            IndicatorKind::Rsi if !is_first => self.rsi(x - self.last),
            IndicatorKind::Volatility if !is_first => self.spread((x / self.last).ln()),
            IndicatorKind::Sma => self.average(x),
            IndicatorKind::Lag => self.lag(x),
            IndicatorKind::Rsi | IndicatorKind::Volatility => {}
        }
        self.last = x;
    }

    fn ema(&mut self, x: f64) {
        if self.seen <= self.period {
            self.mean += x;
            if self.seen == self.period {
                self.mean /= f64::from(self.period);
                self.value = Some(self.mean);
            }
        } else {
            self.mean += (x - self.mean) * (2.0 / (f64::from(self.period) + 1.0));
            self.value = Some(self.mean);
        }
    }

    fn rsi(&mut self, change: f64) {
        let n = f64::from(self.period);
        let (gain, loss) = (change.max(0.0), (-change).max(0.0));
        if self.value.is_none() {
            self.mean += gain;
            self.other += loss;
            if self.seen <= self.period {
                return;
            }
            self.mean /= n;
            self.other /= n;
        } else {
            self.mean = (self.mean * (n - 1.0) + gain) / n;
            self.other = (self.other * (n - 1.0) + loss) / n;
        }
        let both = self.mean + self.other;
        self.value = Some(if both == 0.0 { 0.0 } else { 100.0 * (self.mean / both) });
    }

    /// Puts `x` into the window; returns what left it, and whether the sums are to be made anew.
    fn slide(&mut self, x: f64) -> (Option<f64>, bool) {
        let is_full = self.window.len() == self.period as usize;
        let left = if is_full { self.window.pop_front() } else { None };
        self.window.push_back(x);
        self.until_fresh -= 1;
        let is_due = self.until_fresh == 0;
        if is_due {
            self.until_fresh = self.period;
        }
        (left, is_due)
    }

    fn average(&mut self, x: f64) {
        let (left, is_due) = self.slide(x);
        self.mean = if is_due { self.window.iter().sum() } else { self.mean + x - left.unwrap_or(0.0) };
        if self.window.len() == self.period as usize {
            self.value = Some(self.mean / f64::from(self.period));
        }
    }

    fn spread(&mut self, x: f64) {
        let (left, is_due) = self.slide(x);
        if is_due {
            self.anchor = self.window.iter().sum::<f64>() / f64::from(self.period);
            self.mean = self.window.iter().map(|y| y - self.anchor).sum();
            self.other = self.window.iter().map(|y| (y - self.anchor).powi(2)).sum();
        } else {
            let (new, old) = (x - self.anchor, left.map_or(0.0, |left| left - self.anchor));
            self.mean += new - old;
            self.other += new * new - old * old;
        }
        if self.window.len() == self.period as usize {
            let n = f64::from(self.period);
            let mean = self.mean / n;
            self.value = Some((self.other / n - mean * mean).max(0.0).sqrt());
        }
    }

    fn lag(&mut self, x: f64) {
        let (left, _) = self.slide(x);
        self.value = left;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn fed(kind: IndicatorKind, period: u32, values: &[f64]) -> Indicator {
        let mut indicator = Indicator::new(kind, period).unwrap();
        for &x in values {
            indicator.update(x);
        }
        indicator
    }

    /// Wilder's own worked example, as `StockCharts` publishes it: 70.53 after the first 15 prices.
    #[test]
    fn rsi_gives_the_published_example() {
        let prices = [
            44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826,
            45.8931, 46.0328, 45.6140, 46.2820, 46.2820,
        ];
        assert_eq!(fed(IndicatorKind::Rsi, 14, &prices[..14]).value(), None);
        let rsi = fed(IndicatorKind::Rsi, 14, &prices).value().unwrap();
        assert!((rsi - 70.53).abs() < 0.01, "{rsi}");
    }

    #[test]
    fn averages_by_hand() {
        assert_eq!(fed(IndicatorKind::Ema, 3, &[1.0, 2.0]).value(), None);
        assert_eq!(fed(IndicatorKind::Ema, 3, &[1.0, 2.0, 6.0, 5.0]).value(), Some(4.0));
        assert_eq!(fed(IndicatorKind::Sma, 2, &[1.0, 2.0, 6.0]).value(), Some(4.0));
        assert_eq!(fed(IndicatorKind::Lag, 2, &[1.0, 2.0, 6.0]).value(), Some(1.0));
        assert_eq!(fed(IndicatorKind::Lag, 2, &[1.0, 2.0]).value(), None);
    }

    #[test]
    fn windows_do_not_drift() {
        let value = |i: u32| 1e6 + f64::from(i.wrapping_mul(2_654_435_761) >> 20) / 7.0;
        let values: Vec<f64> = (0..1_000_003).map(value).collect();
        for (kind, period) in [(IndicatorKind::Sma, 60), (IndicatorKind::Volatility, 60)] {
            let streamed = fed(kind, period, &values).value().unwrap();
            let fresh = fed(kind, period, &values[values.len() - 61..]).value().unwrap();
            assert!((streamed / fresh - 1.0).abs() < 1e-9, "{kind:?}: {streamed} {fresh}");
        }
    }

    #[test]
    fn what_is_not_accepted_changes_nothing() {
        let mut volatility = fed(IndicatorKind::Volatility, 2, &[1.0, 2.0, 3.0]);
        let before = volatility.value();
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            volatility.update(bad);
        }
        assert!(before.is_some() && volatility.value() == before && volatility.seen == 3);
        assert!(Indicator::new(IndicatorKind::Ema, 0).is_err());
        assert!(Indicator::new(IndicatorKind::Volatility, 1).is_err());
    }
}
