//! EMA and RSI of a column.
//!
//! `v[i] = keep * v[i - 1] + x[i]` waits for the value before. Eight steps in one do not:
//! `v[i] = keep^8 * v[i - 8] + s[i]`, where `s[i]` is made of eight inputs only and known in advance.

use super::{BatchError, first_refused, gap};
use crate::technical::input::{self, is_usable};
use crate::technical::rsi::{Moves, flat_below};
use crate::technical::{Ema, Indicator, Rsi};

/// Rows done at a time, so that what lies between two steps stays in the nearest cache.
const CHUNK: usize = 512;

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

/// Returns an error for the first value that cannot be used.
#[inline]
fn all_usable(values: &[f64], from: usize) -> Result<(), BatchError> {
    if values.iter().fold(true, |usable, &value| usable & is_usable(value)) {
        return Ok(());
    }
    let refused = first_refused(values.len(), |row| input::number("value", values[row]).map(drop));
    refused.map_err(|error| super::later(error, from))
}

/// Feeds the indicator until it is ready, NaN before; returns the first row not taken.
fn warm_up(
    indicator: &mut impl Indicator,
    values: &[f64],
    answers: &mut Vec<f64>,
) -> Result<usize, BatchError> {
    let from = gap(&[values]);
    answers.resize(from, f64::NAN);
    for (row, &value) in values.iter().enumerate().skip(from) {
        let answer = indicator.try_update(value).map_err(|error| BatchError::Row { row, error })?;
        answers.push(answer.unwrap_or(f64::NAN));
        if answer.is_some() {
            return Ok(row + 1);
        }
    }
    Ok(values.len())
}

/// Returns the [`Ema`] at every row.
///
/// # Errors
/// [`BatchError`].
pub fn ema(values: &[f64], period: usize) -> Result<Vec<f64>, BatchError> {
    let mut ema = Ema::new(period)?;
    let mut answers = Vec::with_capacity(values.len());
    let mut row = warm_up(&mut ema, values, &mut answers)?;
    let Some(mut level) = ema.value() else {
        return Ok(answers);
    };
    let weight = ema.weight();
    let decay = Decay::new(1.0 - weight);
    let mut levels = [[0.0]; CHUNK];
    for chunk in values[row..].chunks(CHUNK) {
        all_usable(chunk, row)?;
        let levels = &mut levels[..chunk.len()];
        for (input, &value) in levels.iter_mut().zip(chunk) {
            *input = [weight * value];
        }
        [level] = decay.levels(levels, [level]);
        answers.extend_from_slice(levels.as_flattened());
        row += chunk.len();
    }
    Ok(answers)
}

/// Returns the [`Rsi`] at every row.
///
/// # Errors
/// [`BatchError`].
pub fn rsi(values: &[f64], period: usize) -> Result<Vec<f64>, BatchError> {
    let mut rsi = Rsi::new(period)?;
    let mut answers = Vec::with_capacity(values.len());
    let mut row = warm_up(&mut rsi, values, &mut answers)?;
    let Some((_, mut moves)) = rsi.state() else {
        return Ok(answers);
    };
    // Half: `|d| + d` is twice a rise, `|d| - d` twice a fall.
    let half = rsi.weight() / 2.0;
    let decay = Decay::new(1.0 - rsi.weight());
    let (mut smoothed, mut indices) = ([[0.0; 2]; CHUNK], [0.0; CHUNK]);
    while row < values.len() {
        let rows = CHUNK.min(values.len() - row);
        let (before, chunk) = (&values[row - 1..][..rows], &values[row..][..rows]);
        all_usable(chunk, row)?;
        let (smoothed, indices) = (&mut smoothed[..rows], &mut indices[..rows]);
        for ((moves, price), last) in smoothed.iter_mut().zip(chunk).zip(before) {
            let change = price - last;
            *moves = [(change.abs() + change) * half, (change.abs() - change) * half];
        }
        let [gain, loss] = decay.levels(smoothed, [moves.gain, moves.loss]);
        for ((index, [gain, loss]), &price) in indices.iter_mut().zip(&*smoothed).zip(chunk) {
            let total = gain + loss;
            let share = 100.0 * (gain / total);
            *index = if total < flat_below(price) { 0.0 } else { share };
        }
        let is_flat = gain + loss < flat_below(chunk[rows - 1]);
        moves = if is_flat { Moves::default() } else { Moves { gain, loss } };
        answers.extend_from_slice(indices);
        row += rows;
    }
    Ok(answers)
}
