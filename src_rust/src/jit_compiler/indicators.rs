//! Indicators with state: one value in per tick, one value out once enough were seen.
//!
//! They are those of [`crate::technical`], and `lag`.

use std::collections::VecDeque;

use super::limits;
use crate::technical::{self, AnyIndicator, Ema, InputError, RealisedVolatility, Rsi, Sma};

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndicatorKind {
    /// Exponential moving average with factor `2 / (period + 1)`.
    Ema,
    /// Mean of the last `period` values.
    Sma,
    /// Wilder's relative strength index, 0 to 100; 0 where nothing moves.
    Rsi,
    /// Root of the mean squared logarithmic return of the last `period` returns.
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
}

/// An indicator and what it has seen.
#[derive(Debug, Clone)]
pub enum Indicator {
    /// One of [`crate::technical`].
    Technical(AnyIndicator),
    /// The value of some ticks ago.
    Lag(Lag),
}

/// The last values, at most `period`, and the one that left last.
#[derive(Debug, Clone)]
pub struct Lag {
    period: usize,
    window: VecDeque<f64>,
    value: Option<f64>,
}

impl Indicator {
    /// Makes one that has seen nothing.
    ///
    /// # Errors
    /// A period that is out of range, with the range.
    pub fn new(kind: IndicatorKind, period: u32) -> Result<Self, String> {
        let most = limits::PERIOD;
        if !(1..=most).contains(&period) {
            return Err(format!("the period of {} is {period}; it may be 1 to {most}", kind.name()));
        }
        Self::of(kind, period as usize).map_err(|error| error.to_string())
    }

    fn of(kind: IndicatorKind, period: usize) -> Result<Self, InputError> {
        let any = match kind {
            IndicatorKind::Ema => Ema::new(period)?.into(),
            IndicatorKind::Sma => Sma::new(period)?.into(),
            IndicatorKind::Rsi => Rsi::new(period)?.into(),
            IndicatorKind::Volatility => RealisedVolatility::new(period, 1.0)?.into(),
            IndicatorKind::Lag => {
                return Ok(Self::Lag(Lag { period, window: VecDeque::new(), value: None }));
            }
        };
        Ok(Self::Technical(any))
    }

    /// Returns the value, once there is one.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Technical(any) => technical::Indicator::value(any),
            Self::Lag(lag) => lag.value,
        }
    }

    /// Returns whether `x` can be taken: of a magnitude that cannot overflow, and a price where ratios
    /// are needed.
    #[must_use]
    pub fn accepts(&self, x: f64) -> bool {
        match self {
            Self::Technical(any) => technical::Indicator::check(any, x).is_ok(),
            Self::Lag(_) => x.is_finite(),
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        match self {
            Self::Technical(any) => technical::Indicator::reset(any),
            Self::Lag(lag) => {
                lag.window.clear();
                lag.value = None;
            }
        }
    }

    /// Takes the next value; one that is not accepted changes nothing.
    pub fn update(&mut self, x: f64) {
        match self {
            Self::Technical(any) => {
                technical::Indicator::update(any, x);
            }
            Self::Lag(lag) if x.is_finite() => lag.push(x),
            Self::Lag(_) => {}
        }
    }
}

impl Lag {
    fn push(&mut self, x: f64) {
        self.value = if self.window.len() == self.period { self.window.pop_front() } else { None };
        self.window.push_back(x);
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
        assert!(before.is_some() && volatility.value() == before);
        volatility.update(6.0);
        let expected = fed(IndicatorKind::Volatility, 2, &[1.0, 2.0, 3.0, 6.0]);
        assert_eq!(volatility.value(), expected.value());
        assert!(Indicator::new(IndicatorKind::Ema, 0).is_err());
        assert!(Indicator::new(IndicatorKind::Lag, limits::PERIOD + 1).is_err());
    }
}
