//! An indicator chosen at run time.

use super::{Ema, Indicator, InputError, RealisedVolatility, Roc, Rsi, Sma};

/// Any indicator that takes one number and answers with one, without a pointer in between.
#[derive(Debug, Clone)]
pub enum AnyIndicator {
    /// Simple moving average.
    Sma(Sma),
    /// Exponential moving average.
    Ema(Ema),
    /// Relative strength index.
    Rsi(Rsi),
    /// Realised volatility.
    RealisedVolatility(RealisedVolatility),
    /// Rate of change.
    Roc(Roc),
}

macro_rules! each {
    ($any:expr, $indicator:ident => $answer:expr) => {
        match $any {
            AnyIndicator::Sma($indicator) => $answer,
            AnyIndicator::Ema($indicator) => $answer,
            AnyIndicator::Rsi($indicator) => $answer,
            AnyIndicator::RealisedVolatility($indicator) => $answer,
            AnyIndicator::Roc($indicator) => $answer,
        }
    };
}

impl Indicator for AnyIndicator {
    #[inline]
    fn check(&self, value: f64) -> Result<f64, InputError> {
        each!(self, indicator => indicator.check(value))
    }

    #[inline]
    fn try_update(&mut self, value: f64) -> Result<Option<f64>, InputError> {
        each!(self, indicator => indicator.try_update(value))
    }

    #[inline]
    fn value(&self) -> Option<f64> {
        each!(self, indicator => indicator.value())
    }

    fn reset(&mut self) {
        each!(self, indicator => indicator.reset());
    }
}

macro_rules! from {
    ($($kind:ident),*) => {
        $(
            impl From<$kind> for AnyIndicator {
                fn from(indicator: $kind) -> Self {
                    Self::$kind(indicator)
                }
            }
        )*
    };
}
from!(Sma, Ema, Rsi, RealisedVolatility, Roc);
