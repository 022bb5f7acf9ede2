//! Volume-weighted average price.

use super::InputError;
use super::input;
use super::window::{Aggregate, Window};

/// What the average is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Everything since the start or the last reset.
    SinceReset,
    /// The last so many trades or candles.
    Last(usize),
    /// What happened in the present session: sessions of so many nanoseconds follow one another from
    /// Unix time 0 on, a day begins at midnight UTC.
    Session(i64),
}

/// An average and the volume it stands for.
#[derive(Debug, Clone, Copy)]
struct Traded {
    price: f64,
    volume: f64,
}

impl Aggregate for Traded {
    type Item = Self;
    const EMPTY: Self = Self { price: 0.0, volume: 0.0 };

    #[inline]
    fn with(self, item: Self) -> Self {
        self.plus(item)
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        if other.volume == 0.0 {
            return self;
        }
        let volume = self.volume + other.volume;
        // A mean stays among its prices, where a sum of products would grow without end.
        Self { price: self.price + (other.price - self.price) * (other.volume / volume), volume }
    }
}

#[derive(Debug, Clone)]
enum State {
    Sum(Traded),
    Window(Window<Traded>),
    Session { length_ns: i64, last_ns: Option<i64>, sum: Traded },
}

/// `sum(price * volume) / sum(volume)` over a [`Span`].
///
/// There is no answer where nothing was traded: before the first volume above 0 of a session, and in a
/// window that is not full or that holds no volume. Which price to put in is the caller's choice; for
/// candles the mean of high, low and close is usual.
#[derive(Debug, Clone)]
pub struct Vwap {
    span: Span,
    state: State,
}

impl Vwap {
    /// Returns an average that has seen nothing.
    ///
    /// # Errors
    /// [`InputError::Period`], [`InputError::Session`].
    pub fn new(span: Span) -> Result<Self, InputError> {
        let state = match span {
            Span::SinceReset => State::Sum(Traded::EMPTY),
            Span::Last(period) => State::Window(Window::new(input::period(period)?)),
            Span::Session(length_ns) if length_ns < 1 => return Err(InputError::Session(length_ns)),
            Span::Session(length_ns) => State::Session { length_ns, last_ns: None, sum: Traded::EMPTY },
        };
        Ok(Self { span, state })
    }

    /// Returns the window's length, if it has one.
    #[must_use]
    pub const fn period(&self) -> Option<usize> {
        if let Span::Last(period) = self.span { Some(period) } else { None }
    }

    /// Returns the length of a session, if there are sessions.
    #[must_use]
    pub const fn session_ns(&self) -> Option<i64> {
        if let Span::Session(length_ns) = self.span { Some(length_ns) } else { None }
    }

    /// Returns whether a trade can be used; `after_ns` is the time of the one before.
    ///
    /// # Errors
    /// [`InputError::OutOfRange`], [`InputError::Negative`] for the volume; [`InputError::Time`] for a
    /// time that is missing or of no use, [`InputError::ClockBackwards`].
    #[inline]
    pub fn check(
        &self,
        price: f64,
        volume: f64,
        time_ns: Option<i64>,
        after_ns: Option<i64>,
    ) -> Result<(), InputError> {
        input::number("price", price)?;
        input::amount("volume", volume)?;
        if time_ns.is_some() != matches!(self.span, Span::Session(_)) {
            return Err(InputError::Time { given: time_ns.is_some() });
        }
        match (time_ns, after_ns) {
            (Some(time_ns), Some(last_ns)) if time_ns < last_ns => {
                Err(InputError::ClockBackwards { time_ns, last_ns })
            }
            _ => Ok(()),
        }
    }

    /// Returns the time of the last trade, where sessions are told apart.
    #[must_use]
    pub const fn last_ns(&self) -> Option<i64> {
        if let State::Session { last_ns, .. } = self.state { last_ns } else { None }
    }

    /// Takes the next trade or candle and returns the average, `None` while there is none.
    ///
    /// `time_ns` is Unix time in nanoseconds, for sessions only; it may not go back.
    ///
    /// # Errors
    /// As [`Vwap::check`]; the state is then as before.
    #[inline]
    pub fn try_update(
        &mut self,
        price: f64,
        volume: f64,
        time_ns: Option<i64>,
    ) -> Result<Option<f64>, InputError> {
        self.check(price, volume, time_ns, self.last_ns())?;
        let traded = Traded { price, volume };
        match &mut self.state {
            State::Sum(sum) => *sum = sum.plus(traded),
            State::Window(window) => window.push(traded),
            State::Session { length_ns, last_ns, sum } => {
                let session = |time: Option<i64>| time.map(|time| time.div_euclid(*length_ns));
                if session(*last_ns) != session(time_ns) {
                    *sum = Traded::EMPTY;
                }
                *last_ns = time_ns;
                *sum = sum.plus(traded);
            }
        }
        Ok(self.value())
    }

    /// Returns the average at the last trade, `None` while there is none.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        let sum = match &self.state {
            State::Sum(sum) | State::Session { sum, .. } => *sum,
            State::Window(window) => window.sum()?,
        };
        (sum.volume > 0.0).then_some(sum.price)
    }

    /// Forgets everything but the span, the time included.
    pub fn reset(&mut self) {
        match &mut self.state {
            State::Sum(sum) => *sum = Traded::EMPTY,
            State::Window(window) => window.reset(),
            State::Session { last_ns, sum, .. } => (*last_ns, *sum) = (None, Traded::EMPTY),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn since_reset_every_trade_counts_by_its_volume() {
        let mut vwap = Vwap::new(Span::SinceReset).unwrap();
        let trades = [(9.0, 0.0), (2.0, 1.0), (4.0, 3.0), (8.0, 0.0)];
        let found = trades.map(|(price, volume)| vwap.try_update(price, volume, None).unwrap());
        assert_eq!(found, [None, Some(2.0), Some(3.5), Some(3.5)]);
        vwap.reset();
        assert_eq!(vwap.value(), None);
    }

    #[test]
    fn a_window_forgets_and_may_hold_no_volume() {
        let mut vwap = Vwap::new(Span::Last(2)).unwrap();
        let trades = [(2.0, 1.0), (4.0, 3.0), (8.0, 1.0), (1.0, 0.0), (1.0, 0.0), (6.0, 2.0)];
        let found = trades.map(|(price, volume)| vwap.try_update(price, volume, None).unwrap());
        assert_eq!(found, [None, Some(3.5), Some(5.0), Some(8.0), None, Some(6.0)]);
    }

    #[test]
    fn sessions_begin_at_multiples_of_their_length_and_time_may_not_go_back() {
        let mut vwap = Vwap::new(Span::Session(10)).unwrap();
        let mut at = |time, price| vwap.try_update(price, 1.0, Some(time));
        assert_eq!(at(-1, 2.0), Ok(Some(2.0)));
        assert_eq!(at(0, 4.0), Ok(Some(4.0)));
        assert_eq!(at(9, 6.0), Ok(Some(5.0)));
        assert_eq!(at(8, 100.0), Err(InputError::ClockBackwards { time_ns: 8, last_ns: 9 }));
        assert_eq!(at(9, 8.0), Ok(Some(6.0)));
        assert_eq!(at(25, 1.0), Ok(Some(1.0)));
        assert_eq!(vwap.try_update(1.0, 1.0, None), Err(InputError::Time { given: false }));
    }

    #[test]
    fn wrong_spans_and_volumes_are_refused() {
        assert_eq!(Vwap::new(Span::Last(0)).err(), Some(InputError::Period(0)));
        assert_eq!(Vwap::new(Span::Session(0)).err(), Some(InputError::Session(0)));
        let mut vwap = Vwap::new(Span::SinceReset).unwrap();
        let negative = Err(InputError::Negative { name: "volume", value: -1.0 });
        assert_eq!(vwap.try_update(1.0, -1.0, None), negative);
        assert_eq!(vwap.try_update(1.0, 1.0, Some(5)), Err(InputError::Time { given: true }));
    }
}
