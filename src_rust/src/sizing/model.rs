//! The cycle in `f64`: every hop a chain of Möbius pieces, and where their composition peaks.
//!
//! On one piece the output grows by `rate * x / (1 + bend * x)`. Such maps compose to such a map
//! (`rate = r1 * r2`, `bend = b1 + b2 * r1`), and `rate * x / (1 + bend * x) - x` peaks at
//! `(sqrt(rate) - 1) / bend`. So the walk goes from boundary to boundary while the composed rate is
//! above one. Rates only fall along a curve, so the first peak is the highest.

use super::MAX_SIZED_HOPS;
use crate::amm_math::Segment;

/// Amounts along a cycle: the input, then each hop's output.
pub(super) type Amounts<T> = [T; MAX_SIZED_HOPS + 1];

#[derive(Debug, Clone, Copy)]
struct Piece {
    start_in: f64,
    start_out: f64,
    /// How much input it takes; infinite for an unbounded last piece.
    len: f64,
    rate: f64,
    bend: f64,
    /// Share that a fee on the input leaves, where the segment shows it.
    kept: f64,
}

/// Pieces of all hops; filled anew for every cycle.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pieces: Vec<Piece>,
    /// Where each hop's pieces end.
    ends: Vec<usize>,
    segments: Vec<Segment>,
    /// Rate and bend of the first so many hops together, if none of them has an end.
    whole: Option<[(f64, f64); MAX_SIZED_HOPS + 1]>,
}

/// What ends the growth of profit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// One more unit would cost as much as it brings.
    Margin,
    /// The largest input that was asked for.
    Cap,
    /// A curve goes no further.
    Reach,
}

/// The best input without rounding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peak {
    pub amount_in: f64,
    pub profit: f64,
    pub amounts: Amounts<f64>,
    /// What one more unit of input adds to each amount, at the end from below.
    pub slopes: Amounts<f64>,
    /// Profit falls by this times the square of the distance, nearby.
    pub curvature: f64,
    pub end: End,
}

impl Model {
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.ends.clear();
        self.whole = None;
    }

    /// Takes hops that are one stretch without end each, as (rate, bend).
    pub fn set_unbounded(&mut self, hops: impl Iterator<Item = (f64, f64)>) {
        self.clear();
        let mut whole = [(1.0, 0.0); MAX_SIZED_HOPS + 1];
        let (mut rate, mut bend) = (1.0, 0.0);
        for (place, (hop_rate, hop_bend)) in hops.enumerate() {
            bend += hop_bend * rate;
            rate *= hop_rate;
            whole[place + 1] = (rate, bend);
            self.ends.push(0);
        }
        self.whole = Some(whole);
    }

    /// Relative error of amounts, well above that of the `f64` operations behind them.
    pub fn error(&self) -> f64 {
        if self.whole.is_some() { 1e-14 } else { 1e-13 }
    }

    /// Adds the next hop; `fill` appends its segments.
    pub fn push_hop(&mut self, fill: impl FnOnce(&mut Vec<Segment>)) {
        self.segments.clear();
        fill(&mut self.segments);
        let (mut start_in, mut start_out) = (0.0, 0.0);
        for segment in &self.segments {
            let (rate, bend) = (segment.gain / segment.base, segment.drag / segment.base);
            // Also ends at NaN: a stretch that makes no sense ends the reach of the search.
            if !(rate > 0.0 && rate.is_finite() && bend >= 0.0 && segment.max_in > 0.0) {
                break;
            }
            let kept = if segment.drag > 0.0 && segment.drag < 1.0 { segment.drag } else { 1.0 };
            let piece = Piece { start_in, start_out, len: segment.max_in, rate, bend, kept };
            self.pieces.push(piece);
            start_in += piece.len;
            start_out = piece.out(piece.len);
        }
        self.ends.push(self.pieces.len());
    }

    fn hop(&self, hop: usize) -> &[Piece] {
        let start = if hop == 0 { 0 } else { self.ends[hop - 1] };
        &self.pieces[start..self.ends[hop]]
    }

    /// Returns the peak at or below `cap`, or `None` if the first unit already loses.
    pub fn peak(&self, cap: f64) -> Option<Peak> {
        // Where each hop stands: piece and input taken from it.
        let mut at = [(0_usize, 0.0_f64); MAX_SIZED_HOPS];
        let hops = self.ends.len();
        if let Some(whole) = &self.whole {
            let (rate, bend) = whole[hops];
            if rate.partial_cmp(&1.0) != Some(std::cmp::Ordering::Greater) {
                return None;
            }
            let best = (rate.sqrt() - 1.0) / bend;
            return if best <= cap { self.peak_at(best, End::Margin) } else { self.peak_at(cap, End::Cap) };
        }
        let mut amount_in = 0.0;
        loop {
            let (mut rate, mut bend) = (1.0, 0.0);
            let mut limit = cap - amount_in;
            let mut limiting = None;
            for (hop, &(piece, taken)) in at.iter().enumerate().take(hops) {
                let Some(piece) = self.hop(hop).get(piece) else {
                    return self.peak_at(amount_in, End::Reach);
                };
                // The input of the cycle at which this hop's piece is used up.
                if piece.len < f64::INFINITY {
                    let left = (piece.len - taken).max(0.0);
                    let slack = rate - left * bend;
                    if slack > 0.0 && left < limit * slack {
                        limit = left / slack;
                        limiting = Some(hop);
                    }
                }
                let (here_rate, here_bend) = piece.from(taken);
                bend += here_bend * rate;
                rate *= here_rate;
            }
            if rate.partial_cmp(&1.0) != Some(std::cmp::Ordering::Greater) {
                return self.peak_at(amount_in, End::Margin);
            }
            let best = if bend > 0.0 { (rate.sqrt() - 1.0) / bend } else { f64::INFINITY };
            if best <= limit {
                return self.peak_at(amount_in + best, End::Margin);
            }
            if limiting.is_none() {
                return self.peak_at(amount_in + limit, End::Cap);
            }
            let mut step = limit;
            for (hop, (piece, taken)) in at.iter_mut().enumerate().take(hops) {
                let (rate, bend) = self.hop(hop)[*piece].from(*taken);
                if limiting == Some(hop) {
                    (*piece, *taken) = (*piece + 1, 0.0);
                } else {
                    *taken += step;
                }
                step = rate * step / (1.0 + bend * step);
            }
            amount_in += limit;
        }
    }

    fn peak_at(&self, amount_in: f64, end: End) -> Option<Peak> {
        (amount_in > 0.0).then(|| self.at(amount_in, end))
    }

    /// Returns amounts and slopes at an input.
    pub fn at(&self, amount_in: f64, end: End) -> Peak {
        let (mut amounts, mut slopes) = ([0.0; MAX_SIZED_HOPS + 1], [0.0; MAX_SIZED_HOPS + 1]);
        (amounts[0], slopes[0]) = (amount_in, 1.0);
        let mut bend = 0.0;
        let hops = self.ends.len();
        if let Some(whole) = &self.whole {
            for place in 1..=hops {
                let (rate, bend) = whole[place];
                let used = 1.0 / (1.0 + bend * amount_in);
                amounts[place] = rate * amount_in * used;
                slopes[place] = rate * used * used;
            }
            let (rate, bend) = whole[hops];
            let profit = rate * amount_in / (1.0 + bend * amount_in) - amount_in;
            let curvature = slopes[hops] * bend / (1.0 + bend * amount_in);
            return Peak { amount_in, profit, amounts, slopes, curvature, end };
        }
        for hop in 0..hops {
            if let Some(piece) = self.piece(hop, amounts[hop]) {
                let taken = (amounts[hop] - piece.start_in).min(piece.len);
                let (here_rate, here_bend) = piece.from(taken);
                amounts[hop + 1] = piece.out(taken);
                bend += here_bend * slopes[hop];
                slopes[hop + 1] = slopes[hop] * here_rate;
            }
        }
        let profit = amounts[hops] - amount_in;
        Peak { amount_in, profit, amounts, slopes, curvature: slopes[hops] * bend, end }
    }

    /// The piece of a hop that takes the unit up to `input`.
    fn piece(&self, hop: usize, input: f64) -> Option<&Piece> {
        let pieces = self.hop(hop);
        pieces.get(pieces.partition_point(|piece| piece.start_in < input).saturating_sub(1))
    }

    /// Returns the real output of one hop.
    pub fn hop_output(&self, hop: usize, input: f64) -> f64 {
        self.piece(hop, input).map_or(0.0, |piece| piece.out(input - piece.start_in))
    }

    /// Returns the share that a hop's fee leaves of one more unit, and 1 where the curve does not show it.
    pub fn kept(&self, hop: usize, input: f64) -> f64 {
        self.piece(hop, input).map_or(1.0, |piece| piece.kept)
    }

    /// Returns the real amounts along the cycle. Beyond a hop's reach its output stays what it is
    /// at the end: an upper bound no more.
    pub fn amounts(&self, amount_in: f64) -> Amounts<f64> {
        let mut amounts = [0.0; MAX_SIZED_HOPS + 1];
        amounts[0] = amount_in;
        if let Some(whole) = &self.whole {
            for (amount, (rate, bend)) in amounts.iter_mut().zip(whole).take(self.ends.len() + 1) {
                *amount = rate * amount_in / (1.0 + bend * amount_in);
            }
            return amounts;
        }
        for hop in 0..self.ends.len() {
            amounts[hop + 1] =
                self.piece(hop, amounts[hop]).map_or(0.0, |piece| piece.out(amounts[hop] - piece.start_in));
        }
        amounts
    }

    /// Returns the real profit, an upper bound of the exact one up to the rounding of `f64`.
    pub fn profit(&self, amount_in: f64) -> f64 {
        if let Some(whole) = &self.whole {
            let (rate, bend) = whole[self.ends.len()];
            return rate * amount_in / (1.0 + bend * amount_in) - amount_in;
        }
        self.amounts(amount_in)[self.ends.len()] - amount_in
    }
}

impl Piece {
    /// Rate and bend for an input that follows `taken`.
    fn from(&self, taken: f64) -> (f64, f64) {
        let used = 1.0 + self.bend * taken;
        (self.rate / (used * used), self.bend / used)
    }

    /// The hop's output when this piece has taken `input`.
    fn out(&self, input: f64) -> f64 {
        let input = input.min(self.len);
        let gained = if input.is_finite() {
            self.rate * input / (1.0 + self.bend * input)
        } else {
            self.rate / self.bend
        };
        self.start_out + gained
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test fails by panicking; these values are exact")]
mod tests {
    use super::*;

    fn constant_product(reserve_in: f64, reserve_out: f64, kept: f64) -> Segment {
        Segment { gain: kept * reserve_out, base: reserve_in, drag: kept, max_in: f64::INFINITY }
    }

    fn model(hops: &[&[Segment]]) -> Model {
        let mut model = Model::default();
        for hop in hops {
            model.push_hop(|into| into.extend_from_slice(hop));
        }
        model
    }

    #[test]
    fn peak_of_two_equal_product_pools_is_the_known_closed_form() {
        // Pools (1000, 2000) and (1500, 1000) without fees: the composed map is
        // 2000 * 1000 x / (1000 * 1500 + (1500 + 2000) x), whose peak solves (B + C x)^2 = A B.
        let model =
            model(&[&[constant_product(1000.0, 2000.0, 1.0)], &[constant_product(1500.0, 1000.0, 1.0)]]);
        let expected = ((2_000_000.0_f64 * 1_500_000.0).sqrt() - 1_500_000.0) / 3500.0;
        let peak = model.peak(1e9).unwrap();
        assert!((peak.amount_in - expected).abs() < 1e-9 * expected);
        assert_eq!(model.peak(10.0).unwrap().amount_in, 10.0);
        assert!((model.profit(peak.amount_in) - peak.profit).abs() < 1e-9);
    }

    #[test]
    fn peak_stops_at_the_boundary_where_the_rate_falls_below_one() {
        let flat = |rate: f64, max_in: f64| Segment { gain: rate, base: 1.0, drag: 0.0, max_in };
        let hop: &[Segment] = &[flat(1.2, 100.0), flat(1.1, 50.0), flat(0.9, 1000.0)];
        let even: &[Segment] = &[flat(1.0, f64::INFINITY)];
        for hops in [[hop, even], [even, hop]] {
            let peak = model(&hops).peak(1e9).unwrap();
            assert_eq!(peak.amount_in, 150.0);
            assert!((peak.profit - 25.0).abs() < 1e-9);
        }
        // The reach ends while it still gains.
        assert_eq!(model(&[&hop[..1], even]).peak(1e9).unwrap().amount_in, 100.0);
        assert!(model(&[&[], even]).peak(1e9).is_none());
        assert!(model(&[&hop[2..], even]).peak(1e9).is_none());
    }
}
