//! Indicators over whole columns: one answer a row, NaN where a stream has none.
//!
//! Rows at the start in which any column is NaN are warm-up, as in TA-Lib's Python wrapper, so that one
//! indicator can be computed of another. After them every value must be usable.
//!
//! The one idea of what is fast here (`recurrence`, `windows`): the answers are those of the streaming
//! indicators, computed in another order, and so equal to within rounding, a few parts in 10^15.
//! [`update_many`] and its like feed a stream and are equal to the last bit. `…_into` fills the caller's memory.

mod recurrence;
mod windows;

use std::ops::Range;

pub use recurrence::{atr_into, ema_into, rsi_into};
pub use windows::{bollinger_into, sma_into};

use super::input::{self, is_price, is_usable};
use super::roc::percent;
use super::{Atr, Bands, Bollinger, Indicator, InputError, RealisedVolatility, Roc, Span, Vwap};

/// Rows done at a time: so few that memory sends the next ones while these are computed.
const CHUNK: usize = 128;

/// Why columns have no answer.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BatchError {
    /// A setting that no indicator takes.
    #[error(transparent)]
    Setting(#[from] InputError),
    /// Columns of different lengths.
    #[error("{name} has {found} rows where there are {expected}")]
    Length {
        /// The offending column.
        name: &'static str,
        /// Its rows.
        found: usize,
        /// Rows of the first column.
        expected: usize,
    },
    /// The first row that cannot be used.
    #[error("row {row}: {error}")]
    Row {
        /// Its position.
        row: usize,
        /// Why.
        error: InputError,
    },
}

/// Three columns of bands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BandColumns {
    /// Mean plus deviations.
    pub upper: Vec<f64>,
    /// Mean.
    pub middle: Vec<f64>,
    /// Mean minus deviations.
    pub lower: Vec<f64>,
}

impl BandColumns {
    fn with_capacity(rows: usize) -> Self {
        let column = || Vec::with_capacity(rows);
        Self { upper: column(), middle: column(), lower: column() }
    }

    fn push(&mut self, bands: Option<Bands>) {
        let none = Bands { upper: f64::NAN, middle: f64::NAN, lower: f64::NAN };
        let bands = bands.unwrap_or(none);
        self.upper.push(bands.upper);
        self.middle.push(bands.middle);
        self.lower.push(bands.lower);
    }
}

/// Takes the values in order and returns the answer to each, NaN for none.
///
/// # Errors
/// [`BatchError::Row`] for the first value that cannot be used; the indicator is then as before.
pub fn update_many<I: Indicator>(indicator: &mut I, values: &[f64]) -> Result<Vec<f64>, BatchError> {
    first_refused(0..values.len(), |row| indicator.check(values[row]).map(drop))?;
    let answers = values.iter().map(|&value| indicator.update(value).unwrap_or(f64::NAN));
    Ok(answers.collect())
}

/// Takes candles in order and returns the answer to each, NaN for none.
///
/// # Errors
/// [`BatchError::Length`]; [`BatchError::Row`], and the indicator is then as before.
pub fn update_many_atr(
    atr: &mut Atr,
    high: &[f64],
    low: &[f64],
    close: &[f64],
) -> Result<Vec<f64>, BatchError> {
    same_length(high.len(), [("low", low.len()), ("close", close.len())])?;
    first_refused(0..high.len(), |row| Atr::check(high[row], low[row], close[row]))?;
    let candles = high.iter().zip(low).zip(close);
    let answers = candles
        .map(|((&high, &low), &close)| atr.try_update(high, low, close).ok().flatten().unwrap_or(f64::NAN));
    Ok(answers.collect())
}

/// Takes the values in order and returns the bands at each, NaN for none.
///
/// # Errors
/// [`BatchError::Row`] for the first value that cannot be used; the indicator is then as before.
pub fn update_many_bollinger(bollinger: &mut Bollinger, values: &[f64]) -> Result<BandColumns, BatchError> {
    first_refused(0..values.len(), |row| input::number("value", values[row]).map(drop))?;
    let mut columns = BandColumns::with_capacity(values.len());
    for &value in values {
        columns.push(bollinger.try_update(value).ok().flatten());
    }
    Ok(columns)
}

/// Takes trades in order and returns the answer to each, NaN for none.
///
/// # Errors
/// [`BatchError::Length`]; [`BatchError::Row`], and the indicator is then as before.
pub fn update_many_vwap(
    vwap: &mut Vwap,
    price: &[f64],
    volume: &[f64],
    time_ns: Option<&[i64]>,
) -> Result<Vec<f64>, BatchError> {
    let rows = price.len();
    same_length(rows, [("volume", volume.len()), ("time_ns", time_ns.map_or(rows, <[i64]>::len))])?;
    let time = |row: usize| time_ns.map(|times| times[row]);
    first_refused(0..rows, |row| {
        let after = row.checked_sub(1).map_or(vwap.last_ns(), time);
        vwap.check(price[row], volume[row], time(row), after)
    })?;
    let answers = (0..rows)
        .map(|row| vwap.try_update(price[row], volume[row], time(row)).ok().flatten().unwrap_or(f64::NAN));
    Ok(answers.collect())
}

/// Returns a column of so many rows, as `fill` fills it: `column(rows, |answers| ema_into(values, 9, answers))`.
fn column(
    rows: usize,
    fill: impl FnOnce(&mut [f64]) -> Result<(), BatchError>,
) -> Result<Vec<f64>, BatchError> {
    let mut answers = vec![0.0; rows];
    fill(&mut answers)?;
    Ok(answers)
}

/// Returns the [`Sma`](super::Sma) at every row.
///
/// # Errors
/// [`BatchError`].
pub fn sma(values: &[f64], period: usize) -> Result<Vec<f64>, BatchError> {
    column(values.len(), |answers| sma_into(values, period, answers))
}

/// Returns the [`Ema`](super::Ema) at every row.
///
/// # Errors
/// [`BatchError`].
pub fn ema(values: &[f64], period: usize) -> Result<Vec<f64>, BatchError> {
    column(values.len(), |answers| ema_into(values, period, answers))
}

/// Returns the [`Rsi`](super::Rsi) at every row.
///
/// # Errors
/// [`BatchError`].
pub fn rsi(values: &[f64], period: usize) -> Result<Vec<f64>, BatchError> {
    column(values.len(), |answers| rsi_into(values, period, answers))
}

/// Returns the [`Roc`] at every row.
///
/// # Errors
/// [`BatchError`].
pub fn roc(values: &[f64], period: usize) -> Result<Vec<f64>, BatchError> {
    column(values.len(), |answers| roc_into(values, period, answers))
}

/// Returns the [`Atr`] at every candle.
///
/// # Errors
/// [`BatchError`].
pub fn atr(high: &[f64], low: &[f64], close: &[f64], period: usize) -> Result<Vec<f64>, BatchError> {
    column(high.len(), |answers| atr_into(high, low, close, period, answers))
}

/// Returns the [`Bollinger`] bands at every row.
///
/// # Errors
/// [`BatchError`].
pub fn bollinger(values: &[f64], period: usize, deviations: f64) -> Result<BandColumns, BatchError> {
    let [mut upper, mut middle, mut lower] = [(); 3].map(|()| vec![0.0; values.len()]);
    bollinger_into(values, period, deviations, [&mut upper, &mut middle, &mut lower])?;
    Ok(BandColumns { upper, middle, lower })
}

/// Puts the [`Roc`] at every row into `answers`.
///
/// # Errors
/// [`BatchError`]; what is in `answers` then means nothing.
pub fn roc_into(values: &[f64], period: usize, answers: &mut [f64]) -> Result<(), BatchError> {
    let period = Roc::new(period)?.period();
    same_length(values.len(), [("answers", answers.len())])?;
    let from = gap(&[values]);
    let first = values.len().min(from + period);
    answers[..first].fill(f64::NAN);
    let mut row = from;
    while row < values.len() {
        let rows = next_rows(row, values.len());
        if !every(values[rows.clone()].iter().map(|&value| is_price(value))) {
            first_refused(rows.clone(), |row| input::price("value", values[row]).map(drop))?;
        }
        let ready = rows.start.max(first)..rows.end.max(first);
        let before = &values[ready.start.saturating_sub(period)..ready.end.saturating_sub(period)];
        for ((answer, &before), &price) in answers[ready.clone()].iter_mut().zip(before).zip(&values[ready]) {
            *answer = percent(before, price);
        }
        row = rows.end;
    }
    Ok(())
}

/// Returns the [`RealisedVolatility`] at every row.
///
/// # Errors
/// [`BatchError`].
pub fn realised_volatility(values: &[f64], period: usize, horizon: f64) -> Result<Vec<f64>, BatchError> {
    let volatility = |from: usize| {
        let mut volatility = RealisedVolatility::new(period, horizon)?;
        update_many(&mut volatility, &values[from..])
    };
    after_gap(&[values], volatility)
}

/// Returns the [`Vwap`] at every row; `time_ns` for sessions only.
///
/// # Errors
/// [`BatchError`].
pub fn vwap(
    price: &[f64],
    volume: &[f64],
    time_ns: Option<&[i64]>,
    span: Span,
) -> Result<Vec<f64>, BatchError> {
    let rows = price.len();
    same_length(rows, [("volume", volume.len()), ("time_ns", time_ns.map_or(rows, <[i64]>::len))])?;
    after_gap(&[price, volume], |from| {
        let times = time_ns.map(|times| &times[from..]);
        update_many_vwap(&mut Vwap::new(span)?, &price[from..], &volume[from..], times)
    })
}

/// Returns NaN for the rows at the start where a column is NaN, then what `answers` has from there on.
fn after_gap(
    columns: &[&[f64]],
    answers: impl FnOnce(usize) -> Result<Vec<f64>, BatchError>,
) -> Result<Vec<f64>, BatchError> {
    let from = gap(columns);
    let mut answers = answers(from).map_err(|error| later(error, from))?;
    if from > 0 {
        answers.splice(0..0, std::iter::repeat_n(f64::NAN, from));
    }
    Ok(answers)
}

/// Returns how many rows at the start hold a NaN.
fn gap(columns: &[&[f64]]) -> usize {
    let rows = columns.first().map_or(0, |column| column.len());
    (0..rows).find(|&row| columns.iter().all(|column| !column[row].is_nan())).unwrap_or(rows)
}

/// Counts rows from the start of the columns instead of from row `from`.
fn later(error: BatchError, from: usize) -> BatchError {
    match error {
        BatchError::Row { row, error } => BatchError::Row { row: row + from, error },
        other => other,
    }
}

fn same_length<const N: usize>(
    expected: usize,
    columns: [(&'static str, usize); N],
) -> Result<(), BatchError> {
    match columns.into_iter().find(|&(_, found)| found != expected) {
        Some((name, found)) => Err(BatchError::Length { name, found, expected }),
        None => Ok(()),
    }
}

/// Returns rows from `row` on, as many as are done at a time.
fn next_rows(row: usize, end: usize) -> Range<usize> {
    row..end.min(row + CHUNK)
}

/// Whether all are true. Asks all of them, without a jump between, so that several are asked at once.
#[inline]
fn every(answers: impl Iterator<Item = bool>) -> bool {
    answers.fold(true, |all, each| all & each)
}

/// Returns an error for the first value that cannot be used.
#[inline]
fn all_usable(values: &[f64], rows: Range<usize>) -> Result<(), BatchError> {
    if every(values[rows.clone()].iter().map(|&value| is_usable(value))) {
        return Ok(());
    }
    first_refused(rows, |row| input::number("value", values[row]).map(drop))
}

/// Returns the error of the first row that has one.
fn first_refused(
    rows: Range<usize>,
    mut check: impl FnMut(usize) -> Result<(), InputError>,
) -> Result<(), BatchError> {
    for row in rows {
        check(row).map_err(|error| BatchError::Row { row, error })?;
    }
    Ok(())
}
