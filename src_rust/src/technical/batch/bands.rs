//! Bollinger bands of a column.
//!
//! The column is cut into blocks as long as the window. A window that ends in a block is the end of the
//! block before and the start of this one, and both are sums that only grow. They are sums of distances
//! from the block's first value, and of their squares: it lies in every window that ends in the block,
//! and no value of a window is further than `sqrt(period - 1)` standard deviations from the mean
//! (Samuelson), so that little cancels.

use super::{BandColumns, BatchError, first_refused, gap, later};
use crate::technical::input;
use crate::technical::{Bands, Bollinger};

/// Returns the [`Bollinger`] bands at every row.
///
/// # Errors
/// [`BatchError`].
pub fn bollinger(values: &[f64], period: usize, deviations: f64) -> Result<BandColumns, BatchError> {
    let settings = Bollinger::new(period, deviations)?;
    let from = gap(&[values]);
    let used = &values[from..];
    first_refused(used.len(), |row| input::number("value", used[row]).map(drop))
        .map_err(|error| later(error, from))?;
    let mut columns = BandColumns::with_capacity(values.len());
    for _ in 0..values.len().min(from + period - 1) {
        columns.push(None);
    }
    // Windows that end in the first block but at its end are not full.
    let Some(first) = used.get(..period) else {
        return Ok(columns);
    };
    let count = period as f64;
    let scale = settings.deviations();
    // What the last `k` values of the block before come to, and what the first ones of this do.
    let mut ends = vec![Distances::default(); period];
    let mut rest = used;
    while let Some(block) = rest.get(..period.min(rest.len())).filter(|block| !block.is_empty()) {
        let pivot = block[0];
        let mut start = Distances::default();
        let is_first = std::ptr::eq(block, first);
        for (place, &value) in block.iter().enumerate() {
            start = start.with(value - pivot);
            if is_first && place + 1 < period {
                continue;
            }
            let Distances { sum, squares } = start.plus(ends[period - 1 - place]);
            let mean = sum / count;
            let variance = (squares - sum * mean).max(0.0) / count;
            columns.push(Some(Bands::around(pivot + mean, scale * variance.sqrt())));
        }
        rest = &rest[block.len()..];
        if let Some(&pivot) = rest.first() {
            let mut end = Distances::default();
            for (kept, &value) in ends[1..].iter_mut().zip(block.iter().rev()) {
                end = end.with(value - pivot);
                *kept = end;
            }
        }
    }
    Ok(columns)
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
