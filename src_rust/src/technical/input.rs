//! What indicators refuse, in one place.

/// The longest look-back, in values; TA-Lib's own limit (`optInTimePeriod`, 1 to 100000).
pub const MAX_PERIOD: usize = 100_000;

/// The greatest magnitude of an input. The squares of [`MAX_PERIOD`] differences then still add up to
/// a finite number, so that no answer can overflow.
pub const MAX_MAGNITUDE: f64 = 1e150;

/// The least price of which ratios are taken: so that none overflows.
pub(super) const MIN_PRICE: f64 = 1.0 / MAX_MAGNITUDE;

/// Why an indicator cannot be made, or a value not be used.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InputError {
    /// Look-back of no value, or of too many.
    #[error("period is {0}; it may be 1 to {MAX_PERIOD}")]
    Period(usize),
    /// A parameter that is no positive number of usable size.
    #[error("{name} is {value:?}; it must be above 0 and at most {MAX_MAGNITUDE:e}")]
    Parameter {
        /// Which one.
        name: &'static str,
        /// What it holds.
        value: f64,
    },
    /// NaN, infinite, or beyond [`MAX_MAGNITUDE`].
    #[error("{name} is {value:?}; it must be a number from -{MAX_MAGNITUDE:e} to {MAX_MAGNITUDE:e}")]
    OutOfRange {
        /// Which input.
        name: &'static str,
        /// What it holds.
        value: f64,
    },
    /// A price of which the logarithm or the ratio is needed is not above 0, or next to 0.
    #[error("{name} is {value:?}; it must be at least {MIN_PRICE:e}")]
    TooSmall {
        /// Which input.
        name: &'static str,
        /// What it holds.
        value: f64,
    },
    /// Below 0 where only amounts make sense.
    #[error("{name} is {value:?}; it must not be negative")]
    Negative {
        /// Which input.
        name: &'static str,
        /// What it holds.
        value: f64,
    },
    /// A candle's high below its low.
    #[error("high is {high:?}, below low, which is {low:?}")]
    HighBelowLow {
        /// The candle's high.
        high: f64,
        /// The candle's low.
        low: f64,
    },
    /// A session has no length.
    #[error("session_ns is {0}; it must be at least 1")]
    Session(i64),
    /// A time earlier than the one before it.
    #[error("time_ns is {time_ns}; it must not be before {last_ns}, the time of the value before")]
    ClockBackwards {
        /// The time given, in nanoseconds.
        time_ns: i64,
        /// The latest time seen, in nanoseconds.
        last_ns: i64,
    },
    /// A session needs to know the time, and only a session does.
    #[error("time_ns is {}; it must be given if, and only if, session_ns is", if *.given { "given" } else { "missing" })]
    Time {
        /// Whether it was given.
        given: bool,
    },
}

/// Returns `period` if an indicator can look back over so many values.
pub(super) fn period(period: usize) -> Result<usize, InputError> {
    if (1..=MAX_PERIOD).contains(&period) { Ok(period) } else { Err(InputError::Period(period)) }
}

/// Returns the positive parameter.
pub(super) fn parameter(name: &'static str, value: f64) -> Result<f64, InputError> {
    if value > 0.0 && value <= MAX_MAGNITUDE { Ok(value) } else { Err(InputError::Parameter { name, value }) }
}

/// Whether the value is a number of usable size.
#[inline]
pub(super) fn is_usable(value: f64) -> bool {
    // False for NaN as well.
    value.abs() <= MAX_MAGNITUDE
}

/// Whether the value is a price of which ratios can be taken.
#[inline]
pub(super) fn is_price(value: f64) -> bool {
    (MIN_PRICE..=MAX_MAGNITUDE).contains(&value)
}

/// Returns the value if it is a number of usable size.
#[inline]
pub(super) fn number(name: &'static str, value: f64) -> Result<f64, InputError> {
    if is_usable(value) { Ok(value) } else { Err(InputError::OutOfRange { name, value }) }
}

/// Returns the value if it is a price of which ratios can be taken.
#[inline]
pub(super) fn price(name: &'static str, value: f64) -> Result<f64, InputError> {
    if number(name, value)? >= MIN_PRICE { Ok(value) } else { Err(InputError::TooSmall { name, value }) }
}

/// Returns the value if it is a number of usable size that is not negative.
#[inline]
pub(super) fn amount(name: &'static str, value: f64) -> Result<f64, InputError> {
    if number(name, value)? >= 0.0 { Ok(value) } else { Err(InputError::Negative { name, value }) }
}
