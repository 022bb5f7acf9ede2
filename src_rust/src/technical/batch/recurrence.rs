//! EMA and RSI of a column.
//!
//! `v[i] = keep * v[i - 1] + x[i]` waits for the value before. Four steps in one do not:
//! `v[i] = keep^4 * v[i - 4] + s[i]`, where `s[i]` is made of four inputs only and known in advance.

use super::{BatchError, first_refused, gap};
use crate::technical::input::{self, is_usable};
use crate::technical::rsi::{Moves, flat_below};
use crate::technical::{Ema, Indicator, Rsi};

/// Rows done at a time, so that what lies between two steps stays in the nearest cache.
const CHUNK: usize = 512;

/// The powers of `keep`, the share that a level keeps at every step.
#[derive(Debug, Clone, Copy)]
struct Decay([f64; 4]);

impl Decay {
    fn new(keep: f64) -> Self {
        Self([keep, keep * keep, keep * keep * keep, keep * keep * keep * keep])
    }

    /// Replaces every input by the level after it and returns the last one.
    #[inline]
    fn levels(self, inputs: &mut [f64], mut level: f64) -> f64 {
        let Self([one, two, three, four]) = self;
        let (groups, rest) = inputs.as_chunks_mut::<4>();
        for group in groups {
            let [a, b, c, d] = *group;
            let (ab, bc, cd) = (b + one * a, c + one * b, d + one * c);
            let (abc, abcd) = (bc + two * a, cd + two * ab);
            *group = [a + one * level, ab + two * level, abc + three * level, abcd + four * level];
            level = group[3];
        }
        for input in rest {
            level = one * level + *input;
            *input = level;
        }
        level
    }
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
    let mut levels = [0.0; CHUNK];
    for chunk in values[row..].chunks(CHUNK) {
        all_usable(chunk, row)?;
        let levels = &mut levels[..chunk.len()];
        for (input, &value) in levels.iter_mut().zip(chunk) {
            *input = weight * value;
        }
        level = decay.levels(levels, level);
        answers.extend_from_slice(levels);
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
    let (mut gains, mut losses, mut indices) = ([0.0; CHUNK], [0.0; CHUNK], [0.0; CHUNK]);
    while row < values.len() {
        let rows = CHUNK.min(values.len() - row);
        let (before, chunk) = (&values[row - 1..][..rows], &values[row..][..rows]);
        all_usable(chunk, row)?;
        let (gains, losses, indices) = (&mut gains[..rows], &mut losses[..rows], &mut indices[..rows]);
        for (((gain, loss), price), last) in gains.iter_mut().zip(&mut *losses).zip(chunk).zip(before) {
            let change = price - last;
            *gain = (change.abs() + change) * half;
            *loss = (change.abs() - change) * half;
        }
        moves = Moves { gain: decay.levels(gains, moves.gain), loss: decay.levels(losses, moves.loss) };
        for (((index, gain), loss), &price) in indices.iter_mut().zip(&*gains).zip(&*losses).zip(chunk) {
            let total = gain + loss;
            let share = 100.0 * (gain / total);
            *index = if total < flat_below(price) { 0.0 } else { share };
        }
        if moves.gain + moves.loss < flat_below(chunk[rows - 1]) {
            moves = Moves::default();
        }
        answers.extend_from_slice(indices);
        row += rows;
    }
    Ok(answers)
}
