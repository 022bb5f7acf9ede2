//! How the search sees a pair: one stretch of constant price for every bin.

use super::arrays::Known;
use super::bin_array::BINS_PER_ARRAY;
use super::bitmap::next_array;
use super::fees::RATE_ONE;
use super::pool::DlmmPool;
use crate::amm_math::Segment;
use crate::decoders::TransferFee;
use crate::swap::Environment;

/// Most stretches described: a swap over more bins runs out of compute units.
pub(super) const MAX_SEGMENTS: usize = 320;
/// How far the price may move for what counts as depth: 2 %.
const DEPTH_SHARE: f64 = 0.02;
/// 1 in Q64.64.
const ONE_X64: f64 = 18_446_744_073_709_551_616.0;
/// Parts of a transfer fee's rate.
const BASIS_POINTS: f64 = 10_000.0;

/// A bin ahead, as the search sees it.
struct Ahead {
    /// Its number.
    bin_id: i32,
    /// Output per input before fees.
    gross_rate: f64,
    /// Whole output before fees.
    output: u64,
}

impl DlmmPool {
    /// Calls `visit` with every bin ahead that sells something until it returns `false`.
    fn each_bin_ahead(&self, a_to_b: bool, mut visit: impl FnMut(&Ahead) -> bool) {
        let mut start = self.pair.active_id.div_euclid(BINS_PER_ARRAY);
        let mut active_id = self.pair.active_id;
        let range = self.pair.min_bin_id..=self.pair.max_bin_id;
        while let Ok(index) = next_array(&self.pair.bin_array_bitmap, &self.extension, start, a_to_b) {
            let Known::Present(array) = self.arrays.get(index) else { return };
            let lowest = index * BINS_PER_ARRAY;
            let side = array.side(a_to_b);
            for step in 0..BINS_PER_ARRAY {
                let place = if a_to_b { BINS_PER_ARRAY - 1 - step } else { step };
                let bin_id = lowest + place;
                let is_behind = if a_to_b { bin_id > active_id } else { bin_id < active_id };
                let Some(at) = usize::try_from(place).ok().filter(|at| side.occupied >> at & 1 == 1) else {
                    continue;
                };
                let (Some(bin), Some(&output)) = (array.bins.get(at), side.output.get(at)) else { return };
                if is_behind || bin.price == 0 {
                    continue;
                }
                if bin_id != self.pair.active_id && !range.contains(&bin_id) {
                    return;
                }
                let price = bin.price as f64 / ONE_X64;
                let gross_rate = if a_to_b { price } else { 1.0 / price };
                if !visit(&Ahead { bin_id, gross_rate, output }) {
                    return;
                }
            }
            start = if a_to_b { index - 1 } else { index + 1 };
            active_id = if a_to_b { lowest - 1 } else { lowest + BINS_PER_ARRAY };
        }
    }

    /// Calls `visit` with every stretch ahead. Where a transfer fee reaches its maximum it is
    /// overstated.
    pub(super) fn walk_segments(
        &self,
        environment: &Environment,
        a_to_b: bool,
        mut visit: impl FnMut(Segment) -> bool,
    ) {
        let Ok(course) = self.course(&environment.now(), a_to_b) else { return };
        let [kept_in, kept_out] = self.sides.fees(environment, a_to_b).map(kept);
        self.each_bin_ahead(a_to_b, |ahead| {
            let accumulator = course.references.accumulator(ahead.bin_id, &self.schedule);
            let Ok(rate) = self.schedule.rate(accumulator) else { return false };
            let kept = kept_in * (1.0 - rate as f64 / RATE_ONE as f64);
            // The fee is a share of the input or, with the same effect, of the output.
            let gain = kept * ahead.gross_rate;
            let max_in = if course.fee_on_input() {
                ahead.output as f64 / gain
            } else {
                ahead.output as f64 / (kept_in * ahead.gross_rate)
            };
            gain == 0.0 || visit(Segment { gain: gain * kept_out, base: 1.0, drag: 0.0, max_in })
        });
    }

    pub(super) fn first_rate(&self, environment: &Environment, a_to_b: bool) -> f64 {
        let mut rate = 0.0;
        self.walk_segments(environment, a_to_b, |segment| {
            rate = segment.gain;
            false
        });
        rate
    }

    /// Returns the fee rate at the first bin that a swap trades in, 1e-9; 0 if there is none.
    pub(super) fn present_fee_rate(&self, environment: &Environment, a_to_b: bool) -> u64 {
        let Ok(course) = self.course(&environment.now(), a_to_b) else { return 0 };
        let mut rate = 0;
        self.each_bin_ahead(a_to_b, |ahead| {
            let accumulator = course.references.accumulator(ahead.bin_id, &self.schedule);
            rate = self.schedule.rate(accumulator).unwrap_or(0);
            false
        });
        rate
    }

    /// Returns how much can be bought until the price has moved by [`DEPTH_SHARE`], base units.
    pub(super) fn depth(&self, a_to_b: bool) -> u64 {
        let Some(active) = self.active_price() else { return 0 };
        let active = active as f64 / ONE_X64;
        let start = if a_to_b { active } else { 1.0 / active };
        let mut depth = 0_u64;
        self.each_bin_ahead(a_to_b, |ahead| {
            if ahead.gross_rate < start * (1.0 - DEPTH_SHARE) {
                return false;
            }
            // A size to be shown.
            depth = depth.saturating_add(ahead.output);
            true
        });
        depth
    }
}

fn kept(fee: Option<TransferFee>) -> f64 {
    1.0 - fee.map_or(0.0, |fee| f64::from(fee.basis_points) / BASIS_POINTS)
}
