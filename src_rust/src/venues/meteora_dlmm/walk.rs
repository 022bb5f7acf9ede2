//! The walk of a swap over the bins.
//!
//! The one idea: buying a whole bin is told beforehand ([`super::bin_array::Side`]), so a long walk
//! costs two multiplications a bin. The last bin, and any bin in which a check might fail, is traded
//! step by step ([`super::bin_swap`]). An observer that wants every step gets every step.

use super::accounts::LbPair;
use super::arrays::{Arrays, Known};
use super::bin_array::{BINS_PER_ARRAY, Bin, PreparedArray, Side};
use super::bin_swap::{Fill, Terms};
use super::bitmap::{Extension, next_array};
use super::errors::Fault;
use super::fees::{FeeRate, FeeSchedule, FeeSplit, References};

/// What a walk needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course<'a> {
    pub pair: &'a LbPair,
    pub schedule: &'a FeeSchedule,
    pub arrays: &'a Arrays,
    pub extension: &'a Extension,
    pub references: References,
    pub with_orders: bool,
    pub a_to_b: bool,
}

/// A bin that was traded in.
#[derive(Debug)]
pub(super) struct Traded<'a> {
    pub array_index: i32,
    pub place: usize,
    pub before: &'a Bin,
    pub after: Bin,
    pub fill: Fill,
    pub split: FeeSplit,
    pub terms: &'a Terms,
    /// Input that the bin was offered, fee included.
    pub offered: u64,
    pub accumulator: u32,
    /// Whether an exact output was asked for.
    pub for_output: bool,
}

/// An output wanted up to this stays within 64 bits with the highest fee on top.
const MAX_SKIPPED_OUT: u64 = u64::MAX / 10 * 8;

/// Hears of a walk.
pub(super) trait Observer {
    /// Whether bins may be bought whole without a word.
    const SKIPS: bool;

    /// The walk enters an array.
    fn array(&mut self) {}

    /// The walk passes bins with nothing for sale.
    fn empty(&mut self, _bins: u32) {}

    /// A bin was traded in.
    fn traded(&mut self, _traded: &Traded<'_>) {}

    /// Returns whether the walk is to end here, whatever is left.
    fn stops(&self) -> bool {
        false
    }
}

/// Wants only the totals.
pub(super) struct Silent;

impl Observer for Silent {
    const SKIPS: bool = true;
}

/// How far a walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Input not yet spent, fee included, transfer fee excluded.
    pub left_in: u64,
    /// Output still wanted, if an exact one is.
    pub left_out: Option<u64>,
    /// Input spent, fee included.
    pub total_in: u64,
    /// Output, fee excluded.
    pub total_out: u64,
    /// Fee, in the token that the pair takes fees in.
    pub total_fee: u64,
    /// Present bin.
    pub active_id: i32,
    /// Volatility at the last bin traded in.
    pub accumulator: u32,
    /// Rate at the last bin traded in, 1e-9.
    pub rate: u64,
    /// Arrays entered.
    pub arrays: u32,
    /// Bins looked at that had nothing for sale.
    pub empty_bins: u32,
    /// Bins traded in.
    pub traded_bins: u32,
}

impl Progress {
    pub(super) fn new(pair: &LbPair, left_in: u64, left_out: Option<u64>) -> Self {
        Self {
            left_in,
            left_out,
            total_in: 0,
            total_out: 0,
            total_fee: 0,
            active_id: pair.active_id,
            accumulator: pair.volatility_accumulator,
            rate: 0,
            arrays: 0,
            empty_bins: 0,
            traded_bins: 0,
        }
    }

    /// Counts a swap within a bin. One that costs nothing counts for nothing.
    #[inline]
    fn count(&mut self, input: u64, output: u64, fee: u64) -> Result<(), Fault> {
        if input == 0 {
            return Ok(());
        }
        let sums = (
            self.total_in.checked_add(input),
            self.total_out.checked_add(output),
            self.total_fee.checked_add(fee),
            self.left_in.checked_sub(input),
        );
        let (Some(total_in), Some(total_out), Some(total_fee), Some(left_in)) = sums else {
            return Err(Fault::MathOverflow);
        };
        (self.total_in, self.total_out, self.total_fee, self.left_in) =
            (total_in, total_out, total_fee, left_in);
        if let Some(left_out) = &mut self.left_out {
            *left_out = left_out.checked_sub(output).ok_or(Fault::MathOverflow)?;
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.left_in == 0 || self.left_out == Some(0)
    }
}

/// A rate for the volatility that it was worked out for.
#[derive(Debug, Clone, Copy)]
struct PresentRate {
    accumulator: u32,
    rate: FeeRate,
}

/// Walks until nothing is left to spend or to buy. What was reached stands in `progress` even if the
/// walk fails.
pub(super) fn walk<O: Observer>(
    course: &Course<'_>,
    progress: &mut Progress,
    observer: &mut O,
) -> Result<(), Fault> {
    let mut present: Option<PresentRate> = None;
    let pair = course.pair;
    // A protocol share above the whole makes the program fail in every bin with a fee.
    let may_skip = O::SKIPS && pair.protocol_share <= 10_000;
    if progress.left_in == 0 {
        return Ok(());
    }
    loop {
        let index = progress.active_id.div_euclid(BINS_PER_ARRAY);
        let next = next_array(&pair.bin_array_bitmap, course.extension, index, course.a_to_b)?;
        let array = match course.arrays.get(next) {
            Known::Present(array) => array,
            Known::Absent => return Err(Fault::AbsentArray(next)),
            Known::Unknown => return Err(Fault::UnknownArray(next)),
        };
        progress.arrays += 1;
        observer.array();
        if next != index {
            progress.active_id = edge(next, course.a_to_b)?;
        }
        if course.cross(next, array, progress, &mut present, may_skip, observer)? {
            return Ok(());
        }
    }
}

/// Returns the bin at which a walk enters an array that it jumps to.
fn edge(index: i32, a_to_b: bool) -> Result<i32, Fault> {
    let lowest = index.checked_mul(BINS_PER_ARRAY).ok_or(Fault::MathOverflow)?;
    Ok(if a_to_b { lowest.checked_add(BINS_PER_ARRAY - 1).ok_or(Fault::MathOverflow)? } else { lowest })
}

impl Course<'_> {
    pub(super) fn fee_on_input(&self) -> bool {
        self.pair.fee_on_input(self.a_to_b)
    }

    /// Walks through one array. Returns whether the walk is over.
    fn cross<O: Observer>(
        &self,
        index: i32,
        array: &PreparedArray,
        progress: &mut Progress,
        present: &mut Option<PresentRate>,
        may_skip: bool,
        observer: &mut O,
    ) -> Result<bool, Fault> {
        let lowest = index.checked_mul(BINS_PER_ARRAY).ok_or(Fault::MathOverflow)?;
        let side = array.side(self.a_to_b);
        loop {
            let from = progress.active_id.wrapping_sub(lowest);
            if !(0..BINS_PER_ARRAY).contains(&from) {
                return Ok(false);
            }
            let Some(place) = next_place(side, from.unsigned_abs(), self.a_to_b) else {
                let beyond = if self.a_to_b { lowest - 1 } else { lowest + BINS_PER_ARRAY };
                let passed = progress.active_id.abs_diff(beyond);
                progress.empty_bins += passed;
                observer.empty(passed);
                self.advance(progress, beyond)?;
                return Ok(false);
            };
            // A place is below 70.
            #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "below 70")]
            let bin_id = lowest + place as i32;
            let passed = progress.active_id.abs_diff(bin_id);
            if passed > 0 {
                progress.empty_bins += passed;
                observer.empty(passed);
                self.advance(progress, bin_id)?;
            }
            progress.traded_bins += 1;
            let rate = self.rate_at(progress, present)?;
            if !(may_skip && self.skip(side, place, rate, progress)?)
                && self.trade(index, array, place, progress, observer)?
            {
                return Ok(true);
            }
            if observer.stops() {
                return Ok(true);
            }
            self.advance(progress, if self.a_to_b { bin_id - 1 } else { bin_id + 1 })?;
        }
    }

    /// Sets volatility and rate to those of the present bin.
    #[inline]
    fn rate_at(&self, progress: &mut Progress, present: &mut Option<PresentRate>) -> Result<FeeRate, Fault> {
        let accumulator = self.references.accumulator(progress.active_id, self.schedule);
        if let Some(present) = present
            && present.accumulator == accumulator
        {
            return Ok(present.rate);
        }
        let rate = FeeRate::new(self.schedule.rate(accumulator)?, self.fee_on_input());
        *present = Some(PresentRate { accumulator, rate });
        (progress.accumulator, progress.rate) = (accumulator, rate.rate);
        Ok(rate)
    }

    /// Buys the whole bin if that is certain not to end the walk; returns whether it did.
    #[inline]
    fn skip(&self, side: &Side, place: usize, rate: FeeRate, progress: &mut Progress) -> Result<bool, Fault> {
        let (Some(net_in), Some(&gross_out)) = (side.told_input(place), side.output.get(place)) else {
            return Ok(false);
        };
        let (input, output, fee) = if self.fee_on_input() {
            let fee = rate.of(net_in);
            let Some(input) = net_in.checked_add(fee) else { return Ok(false) };
            (input, gross_out, fee)
        } else {
            let fee = rate.of(gross_out);
            (net_in, gross_out - fee, fee)
        };
        // The fee within the input can be lower than the one on top of what is spent. With two units
        // more, something is left for certain, and then the fee is the one on top.
        if progress.left_in.saturating_sub(2) < input {
            return Ok(false);
        }
        // An exact output must not end here; its bin is another one if even the gross output is less.
        // Nor may it leave 64 bits with a fee on it, which is an error.
        if progress.left_out.is_some_and(|left_out| left_out <= gross_out || left_out > MAX_SKIPPED_OUT) {
            return Ok(false);
        }
        progress.count(input, output, fee)?;
        Ok(true)
    }

    /// Trades in a bin step by step. Returns whether the walk is over.
    fn trade<O: Observer>(
        &self,
        array_index: i32,
        array: &PreparedArray,
        place: usize,
        progress: &mut Progress,
        observer: &mut O,
    ) -> Result<bool, Fault> {
        let bin = array.bins.get(place).ok_or(Fault::MathOverflow)?;
        let terms = bin.terms(progress.rate, self.a_to_b, self.fee_on_input(), self.with_orders);
        let fill = match progress.left_out {
            None => {
                super::bin_swap::sum(terms.layers)?;
                terms.exact_in(progress.left_in)?
            }
            Some(left_out) => terms.exact_out(left_out, progress.left_in)?,
        };
        let offered = if fill.is_last { fill.input } else { progress.left_in };
        let [provided, processed, open] = fill.layers.map(|layer| layer.input);
        let layers_in = super::bin_swap::sum([provided, processed, open])?;
        let split = FeeSplit::new(fill.fee, provided, layers_in, self.pair.protocol_share)?;
        let fee_in_x = self.a_to_b == self.fee_on_input();
        let after = bin.after(&fill, &split, self.a_to_b, fee_in_x)?;
        let fee = fill.fee.checked_add(fill.surplus).ok_or(Fault::MathOverflow)?;
        progress.count(fill.input, fill.output, fee)?;
        observer.traded(&Traded {
            array_index,
            place,
            before: bin,
            after,
            fill,
            split,
            terms: &terms,
            offered,
            accumulator: progress.accumulator,
            for_output: progress.left_out.is_some(),
        });
        Ok(fill.is_last || progress.is_over())
    }

    /// Moves on, bin by bin as the program does it: none of the bins may be out of range.
    fn advance(&self, progress: &mut Progress, to: i32) -> Result<(), Fault> {
        let first = if self.a_to_b { progress.active_id - 1 } else { progress.active_id + 1 };
        let range = self.pair.min_bin_id..=self.pair.max_bin_id;
        if !range.contains(&first) || !range.contains(&to) {
            return Err(Fault::PairInsufficientLiquidity);
        }
        progress.active_id = to;
        Ok(())
    }
}

/// Returns the nearest bin with something for sale, `from` included.
#[inline]
fn next_place(side: &Side, from: u32, a_to_b: bool) -> Option<usize> {
    let ahead =
        if a_to_b { side.occupied & (u128::MAX >> (127 - from)) } else { side.occupied >> from << from };
    if ahead == 0 {
        return None;
    }
    let place = if a_to_b { ahead.ilog2() } else { ahead.trailing_zeros() };
    Some(place as usize)
}
