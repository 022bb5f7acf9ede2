//! Simple averages and Bollinger bands of a column.
//!
//! The column is cut into blocks as long as the window. A window that ends in a block is the end of the
//! rows before and the start of this block, and both are sums that only grow. No block waits for the
//! sums of another, so that the processor adds up several at a time.
//!
//! For bands the sums are of distances from the block's first value, and of their squares: it lies in
//! every window that ends in the block, and no value of a window is further than `sqrt(period - 1)`
//! standard deviations from the mean (Samuelson), so that little cancels.

use super::{BandColumns, BatchError, CHUNK, all_usable, gap};
use crate::technical::{Bollinger, Sma};

/// Returns the [`Sma`] at every row.
///
/// # Errors
/// [`BatchError`].
pub fn sma(values: &[f64], period: usize) -> Result<Vec<f64>, BatchError> {
    let share = 1.0 / Sma::new(period)?.period() as f64;
    let from = gap(&[values]);
    all_usable(values, from..values.len())?;
    let mut answers = Vec::with_capacity(values.len());
    answers.resize(values.len().min(from + period - 1), f64::NAN);
    // `ends[k]`: the sum of what is left of the rows before without the first `k`.
    let mut ends = vec![0.0; period];
    for (before, block) in blocks(&values[from..], period) {
        let mut end = 0.0;
        for (kept, &value) in ends.iter_mut().zip(before).rev() {
            end += value;
            *kept = end;
        }
        let mut start = 0.0;
        answers.extend(block.iter().zip(&ends).map(|(&value, &end)| {
            start += value;
            (start + end) * share
        }));
    }
    Ok(answers)
}

/// Returns the [`Bollinger`] bands at every row.
///
/// # Errors
/// [`BatchError`].
pub fn bollinger(values: &[f64], period: usize, deviations: f64) -> Result<BandColumns, BatchError> {
    let settings = Bollinger::new(period, deviations)?;
    let from = gap(&[values]);
    all_usable(values, from..values.len())?;
    let mut columns = BandColumns::with_capacity(values.len());
    columns.skip(values.len().min(from + period - 1));
    let share = 1.0 / period as f64;
    let mut ends = vec![Distances::default(); period];
    // What comes of several blocks, so that the roots are taken in one go.
    let rows = period * CHUNK.div_ceil(period);
    let (mut totals, mut pivots) = (vec![Distances::default(); rows], vec![0.0; rows]);
    let (mut middles, mut widths) = (vec![0.0; rows], vec![0.0; rows]);
    let mut filled = 0;
    let mut blocks = blocks(&values[from..], period).peekable();
    while let Some((before, block)) = blocks.next() {
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
        let lines = middles.iter_mut().zip(&mut widths).zip(totals.iter().zip(&pivots)).take(filled);
        for ((middle, width), (total, pivot)) in lines {
            let mean = total.sum * share;
            let squares = total.squares - total.sum * mean;
            // Not `max`, which asks for NaN as well.
            let variance = if squares > 0.0 { squares * share } else { 0.0 };
            *middle = pivot + mean;
            *width = settings.deviations() * variance.sqrt();
        }
        columns.around(&middles[..filled], &widths[..filled]);
        filled = 0;
    }
    Ok(columns)
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
