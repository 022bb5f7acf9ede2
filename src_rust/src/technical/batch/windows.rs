//! Simple averages and Bollinger bands of a column.
//!
//! The column is cut into blocks as long as the window. A window that ends in a block is the end of the
//! rows before and the start of this block, and both are sums that only grow. No block waits for the
//! sums of another, so that the processor adds up several at a time.
//!
//! For bands the sums are of distances from the block's first value, and of their squares: it lies in
//! every window that ends in the block, and no value of a window is further than `sqrt(period - 1)`
//! standard deviations from the mean (Samuelson), so that little cancels.

use super::{BatchError, CHUNK, all_usable, gap, same_length};
use crate::technical::{Bollinger, Sma};

/// Puts the [`Sma`] at every row into `answers`.
///
/// # Errors
/// [`BatchError`]; what is in `answers` then means nothing.
pub fn sma_into(values: &[f64], period: usize, answers: &mut [f64]) -> Result<(), BatchError> {
    let share = 1.0 / Sma::new(period)?.period() as f64;
    same_length(values.len(), [("answers", answers.len())])?;
    let from = gap(&[values]);
    let mut checked = Checked { values, until: from, due: 0 };
    let (warming, ready) = answers.split_at_mut(values.len().min(from + period - 1));
    warming.fill(f64::NAN);
    // `ends[k]`: the sum of what is left of the rows before without the first `k`.
    let mut ends = vec![0.0; period];
    for ((before, block), means) in blocks(&values[from..], period).zip(ready.chunks_mut(period)) {
        checked.more(block.len())?;
        let mut end = 0.0;
        for (kept, &value) in ends.iter_mut().zip(before).rev() {
            end += value;
            *kept = end;
        }
        let mut start = 0.0;
        for ((mean, &value), &end) in means.iter_mut().zip(block).zip(&ends) {
            start += value;
            *mean = (start + end) * share;
        }
    }
    checked.rest()
}

/// Puts the [`Bollinger`] bands at every row into `answers`: upper, middle, lower.
///
/// # Errors
/// [`BatchError`]; what is in `answers` then means nothing.
pub fn bollinger_into(
    values: &[f64],
    period: usize,
    deviations: f64,
    answers: [&mut [f64]; 3],
) -> Result<(), BatchError> {
    let settings = Bollinger::new(period, deviations)?;
    same_length(values.len(), answers.each_ref().map(|column| ("answers", column.len())))?;
    let from = gap(&[values]);
    let mut checked = Checked { values, until: from, due: 0 };
    let [mut upper, mut middle, mut lower] = answers.map(|column| {
        let (warming, ready) = column.split_at_mut(values.len().min(from + period - 1));
        warming.fill(f64::NAN);
        ready
    });
    let share = 1.0 / period as f64;
    let mut ends = vec![Distances::default(); period];
    // What comes of several blocks, so that the roots are taken in one go.
    let rows = period * CHUNK.div_ceil(period);
    let (mut totals, mut pivots) = (vec![Distances::default(); rows], vec![0.0; rows]);
    let (mut means, mut widths) = (vec![0.0; rows], vec![0.0; rows]);
    let mut filled = 0;
    let mut blocks = blocks(&values[from..], period).peekable();
    while let Some((before, block)) = blocks.next() {
        checked.more(block.len())?;
        let pivot = block[0];
        let mut end = Distances::default();
        for (kept, &value) in ends.iter_mut().zip(before).rev() {
            end = end.with(value - pivot);
            *kept = end;
        }
        let mut start = Distances::default();
        let block_totals = &mut totals[filled..][..block.len()];
        for ((total, &end), &value) in block_totals.iter_mut().zip(&ends).zip(block) {
            start = start.with(value - pivot);
            *total = start.plus(end);
        }
        pivots[filled..][..block.len()].fill(pivot);
        filled += block.len();
        if filled < rows && blocks.peek().is_some() {
            continue;
        }
        let lines = means.iter_mut().zip(&mut widths).zip(totals.iter().zip(&pivots)).take(filled);
        for ((middle, width), (total, pivot)) in lines {
            let mean = total.sum * share;
            let squares = total.squares - total.sum * mean;
            // Not `max`, which asks for NaN as well.
            let variance = if squares > 0.0 { squares * share } else { 0.0 };
            *middle = pivot + mean;
            *width = settings.deviations() * variance.sqrt();
        }
        let lines = || means[..filled].iter().zip(&widths);
        put(&mut upper, lines().map(|(mean, width)| mean + width));
        put(&mut middle, means[..filled].iter().copied());
        put(&mut lower, lines().map(|(mean, width)| mean - width));
        filled = 0;
    }
    checked.rest()
}

/// A column, and up to which row its values are known to be usable.
struct Checked<'a> {
    values: &'a [f64],
    until: usize,
    /// Rows to look at next, once they are worth it.
    due: usize,
}

impl Checked<'_> {
    /// Looks at so many rows more: in step with what reads them, so that memory is read once.
    fn more(&mut self, rows: usize) -> Result<(), BatchError> {
        self.due += rows;
        if self.due < CHUNK {
            return Ok(());
        }
        let rows = self.until..self.values.len().min(self.until + self.due);
        (self.until, self.due) = (rows.end, 0);
        all_usable(self.values, rows)
    }

    /// Looks at the rows that are left.
    fn rest(self) -> Result<(), BatchError> {
        all_usable(self.values, self.until..self.values.len())
    }
}

/// Puts the answers into the first rows, and leaves the others.
fn put(rows: &mut &mut [f64], answers: impl ExactSizeIterator<Item = f64>) {
    let (now, later) = std::mem::take(rows).split_at_mut(answers.len());
    for (row, answer) in now.iter_mut().zip(answers) {
        *row = answer;
    }
    *rows = later;
}

/// Returns blocks of up to `period` rows, from the first full window's end on, each with the
/// `period - 1` rows before it.
fn blocks(values: &[f64], period: usize) -> impl Iterator<Item = (&[f64], &[f64])> {
    let rows_before = period - 1;
    let first = values.get(rows_before..).unwrap_or_default();
    first.chunks(period).zip(values.chunks(period)).map(move |(block, at)| (&at[..rows_before], block))
}

/// Distances from a pivot, added up, and their squares.
#[derive(Debug, Clone, Copy, Default)]
struct Distances {
    sum: f64,
    squares: f64,
}

impl Distances {
    #[inline]
    fn with(self, distance: f64) -> Self {
        Self { sum: self.sum + distance, squares: self.squares + distance * distance }
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, squares: self.squares + other.squares }
    }
}
