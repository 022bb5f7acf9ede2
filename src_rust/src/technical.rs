//! Technical indicators, one value at a time and over whole columns.
//!
//! The one idea: an indicator's answer depends on few numbers, never on how long it has been running.
//! What is smoothed without end (EMA, RSI, ATR) is an average of what came in, so that rounding
//! errors fade; what looks back over a window adds up the values in it and subtracts none
//! (`window`), so that there is nothing to drift.
//!
//! Streaming indicators take a value and return the answer, `None` while they warm up. They implement
//! [`Indicator`] where one number goes in and one comes out; [`AnyIndicator`] is any of those. [`batch`]
//! computes whole columns, with NaN where a stream says `None`, to within rounding of the stream.
//!
//! Every input is looked at before it is used: what is refused ([`InputError`]) changes nothing.
//! Definitions, warm-up and rules for NaN: `docs/INDICATORS.md`.

mod any;
mod atr;
pub mod batch;
mod bollinger;
mod ema;
mod input;
mod realised_volatility;
mod roc;
mod rsi;
mod sma;
mod vwap;
mod window;

pub use any::AnyIndicator;
pub use atr::Atr;
pub use bollinger::{Bands, Bollinger};
pub use ema::Ema;
pub use input::{InputError, MAX_MAGNITUDE, MAX_PERIOD};
pub use realised_volatility::RealisedVolatility;
pub use roc::Roc;
pub use rsi::Rsi;
pub use sma::Sma;
pub use vwap::{Span, Vwap};

/// What takes one number at a time and answers with one.
pub trait Indicator {
    /// Returns the value, if it can be used.
    ///
    /// # Errors
    /// [`InputError`]: NaN, infinite, beyond [`MAX_MAGNITUDE`], or no price where one is needed.
    fn check(&self, value: f64) -> Result<f64, InputError> {
        input::number("value", value)
    }

    /// Takes the next value and returns the answer, `None` while warming up.
    ///
    /// # Errors
    /// [`InputError`] for a value that cannot be used; the state is then as before.
    fn try_update(&mut self, value: f64) -> Result<Option<f64>, InputError>;

    /// Returns the answer to the last value taken, `None` while warming up.
    fn value(&self) -> Option<f64>;

    /// Whether there is an answer.
    fn is_ready(&self) -> bool {
        self.value().is_some()
    }

    /// Forgets everything but the settings.
    fn reset(&mut self);

    /// Takes the next value and returns the answer: `None` while warming up, and for a value that
    /// cannot be used, which changes nothing.
    fn update(&mut self, value: f64) -> Option<f64> {
        self.try_update(value).ok().flatten()
    }
}

/// An indicator whose state is a count and a few numbers, to be kept elsewhere and gone on with.
pub trait Resume<const N: usize>: Indicator + Clone {
    /// Returns the state: what was counted while warming up, and the numbers.
    fn state(&self) -> (usize, [f64; N]);

    /// Returns an indicator with these settings and a state that [`Self::state`] has returned.
    #[must_use]
    fn resumed(&self, taken: usize, numbers: [f64; N]) -> Self;
}
