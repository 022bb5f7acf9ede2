//! EMA, RSI and ATR of columns.
//!
//! `v[i] = keep * v[i - 1] + x[i]` waits for the value before. Eight steps in one do not:
//! `v[i] = keep^8 * v[i - 8] + s[i]`, where `s[i]` is made of eight inputs only and known in advance.

use std::ops::Range;

use super::{BatchError, CHUNK, all_usable, first_refused, gap, next_rows, same_length};
use crate::technical::atr::true_range;
use crate::technical::rsi::Moves;
use crate::technical::{Atr, Ema, Indicator, InputError, Rsi};

/// Inputs taken in one step.
const STEP: usize = 8;

/// Levels that go side by side, and shrink alike.
type Lanes<const L: usize> = [f64; L];

/// The powers of `keep`, the share that a level keeps at every step.
#[derive(Debug, Clone, Copy)]
struct Decay([f64; STEP]);

impl Decay {
    fn new(keep: f64) -> Self {
        let mut powers = [keep; STEP];
        for place in 1..STEP {
            powers[place] = powers[place - 1] * keep;
        }
        Self(powers)
    }

    /// Replaces every input by the level after it and returns the last one.
    #[inline]
    #[expect(clippy::many_single_char_names, reason = "eight inputs in a row have no better names")]
    fn levels<const L: usize>(self, inputs: &mut [Lanes<L>], mut level: Lanes<L>) -> Lanes<L> {
        let Self([one, two, three, four, .., eight]) = self;
        let from_zero = |[a, b, c, d]: [Lanes<L>; 4]| {
            let (ab, bc, cd) = (after(a, one, b), after(b, one, c), after(c, one, d));
            [a, ab, after(a, two, bc), after(ab, two, cd)]
        };
        let from = |level: Lanes<L>, [a, b, c, d]: [Lanes<L>; 4]| {
            [after(level, one, a), after(level, two, b), after(level, three, c), after(level, four, d)]
        };
        let (groups, rest) = inputs.as_chunks_mut::<STEP>();
        for group in groups {
            let [a, b, c, d, e, f, g, h] = *group;
            let (first, second) = (from_zero([a, b, c, d]), from_zero([e, f, g, h]));
            let middle = after(level, four, first[3]);
            let [a, b, c, d] = from(level, first);
            level = after(level, eight, after(first[3], four, second[3]));
            let [e, f, g, h] = from(middle, second);
            *group = [a, b, c, d, e, f, g, h];
        }
        for input in rest {
            level = after(level, one, *input);
            *input = level;
        }
        level
    }
}

/// Returns what is left of a level, plus an input.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the recurrence is only fast in one piece")]
fn after<const L: usize>(level: Lanes<L>, kept: f64, input: Lanes<L>) -> Lanes<L> {
    std::array::from_fn(|lane| level[lane] * kept + input[lane])
}

/// Asks for the rows in order until one has an answer, NaN before; returns the first row not asked for.
fn warm_up(
    rows: Range<usize>,
    mut update: impl FnMut(usize) -> Result<Option<f64>, InputError>,
    answers: &mut [f64],
) -> Result<usize, BatchError> {
    answers[..rows.start].fill(f64::NAN);
    let end = rows.end;
    for row in rows {
        let answer = update(row).map_err(|error| BatchError::Row { row, error })?;
        answers[row] = answer.unwrap_or(f64::NAN);
        if answer.is_some() {
            return Ok(row + 1);
        }
    }
    Ok(end)
}

/// Puts the [`Ema`] at every row into `answers`.
///
/// # Errors
/// [`BatchError`]; what is in `answers` then means nothing.
pub fn ema_into(values: &[f64], period: usize, answers: &mut [f64]) -> Result<(), BatchError> {
    let mut ema = Ema::new(period)?;
    same_length(values.len(), [("answers", answers.len())])?;
    let rows = gap(&[values])..values.len();
    let mut row = warm_up(rows, |row| ema.try_update(values[row]), answers)?;
    let Some(mut level) = ema.value() else {
        return Ok(());
    };
    let weight = ema.weight();
    let decay = Decay::new(1.0 - weight);
    while row < values.len() {
        let rows = next_rows(row, values.len());
        all_usable(values, rows.clone())?;
        let (levels, _) = answers[rows.clone()].as_chunks_mut::<1>();
        for ([input], &value) in levels.iter_mut().zip(&values[rows.clone()]) {
            *input = weight * value;
        }
        [level] = decay.levels(levels, [level]);
        row = rows.end;
    }
    Ok(())
}

/// Puts the [`Rsi`] at every row into `answers`.
///
/// # Errors
/// [`BatchError`]; what is in `answers` then means nothing.
pub fn rsi_into(values: &[f64], period: usize, answers: &mut [f64]) -> Result<(), BatchError> {
    let mut rsi = Rsi::new(period)?;
    same_length(values.len(), [("answers", answers.len())])?;
    let rows = gap(&[values])..values.len();
    let mut row = warm_up(rows, |row| rsi.try_update(values[row]), answers)?;
    let Some(mut moves) = rsi.warm() else {
        return Ok(());
    };
    // Half: `|d| + d` is twice a rise, `|d| - d` twice a fall.
    let half = rsi.weight() / 2.0;
    let decay = Decay::new(1.0 - rsi.weight());
    let mut smoothed = [[0.0; 2]; CHUNK];
    while row < values.len() {
        let rows = next_rows(row, values.len());
        let (before, chunk) = (&values[row - 1..rows.end - 1], &values[rows.clone()]);
        all_usable(values, rows.clone())?;
        let smoothed = &mut smoothed[..chunk.len()];
        for ((moves, price), last) in smoothed.iter_mut().zip(chunk).zip(before) {
            let change = price - last;
            *moves = [(change.abs() + change) * half, (change.abs() - change) * half];
        }
        let [gain, loss] = decay.levels(smoothed, [moves.gain, moves.loss]);
        for (index, [gain, loss]) in answers[rows.clone()].iter_mut().zip(&*smoothed) {
            let total = gain + loss;
            let share = 100.0 * (gain / total);
            *index = if total < f64::MIN_POSITIVE { 0.0 } else { share };
        }
        moves = Moves { gain, loss }.faded();
        row = rows.end;
    }
    Ok(())
}

/// Puts the [`Atr`] at every candle into `answers`.
///
/// # Errors
/// [`BatchError`]; what is in `answers` then means nothing.
pub fn atr_into(
    high: &[f64],
    low: &[f64],
    close: &[f64],
    period: usize,
    answers: &mut [f64],
) -> Result<(), BatchError> {
    let mut atr = Atr::new(period)?;
    let others = [("low", low.len()), ("close", close.len()), ("answers", answers.len())];
    same_length(high.len(), others)?;
    let rows = gap(&[high, low, close])..high.len();
    let mut row = warm_up(rows, |row| atr.try_update(high[row], low[row], close[row]), answers)?;
    let Some(mut level) = atr.value() else {
        return Ok(());
    };
    let weight = atr.weight();
    let decay = Decay::new(1.0 - weight);
    while row < high.len() {
        let rows = next_rows(row, high.len());
        let [highs, lows, closes] = [high, low, close].map(|column| &column[rows.clone()]);
        let (levels, _) = answers[rows.clone()].as_chunks_mut::<1>();
        let lasts = &close[row - 1..rows.end - 1];
        let candles = highs.iter().zip(lows).zip(closes).zip(lasts);
        let mut all_usable = true;
        for ([input], (((&high, &low), &close), &last)) in levels.iter_mut().zip(candles) {
            all_usable &= Atr::is_usable(high, low, close);
            *input = weight * true_range(high, low, last);
        }
        if !all_usable {
            first_refused(rows.clone(), |row| Atr::check(high[row], low[row], close[row]))?;
        }
        [level] = decay.levels(levels, [level]);
        if level < f64::MIN_POSITIVE {
            // As in a stream: numbers of few digits are slow to compute with.
            level = 0.0;
        }
        row = rows.end;
    }
    Ok(())
}
