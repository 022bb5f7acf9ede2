//! The cycle in `f64`: every hop a chain of Möbius pieces, and where their composition peaks.
//!
//! On one piece the output grows by `rate * x / (1 + bend * x)`. Such maps compose to such a map
//! (`rate = r1 * r2`, `bend = b1 + b2 * r1`), and `rate * x / (1 + bend * x) - x` peaks at
//! `(sqrt(rate) - 1) / bend`. So the walk goes from boundary to boundary while the composed rate is
//! above one. Rates only fall along a curve, so the first peak is the highest.
//!
//! A curve may have hundreds of stretches. A hop's are asked for one by one until the peak cannot lie
//! further on; one more is kept, and from its end on a line goes on at the rate found there. Rates only
//! fall, so the line is an upper bound like the pieces: whatever is concluded from the model stays
//! certain.

use super::MAX_SIZED_HOPS;
use crate::amm_math::{Segment, stretch_output};

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
    /// Where each hop's pieces are; `None` until it is known.
    spans: [Option<(usize, usize)>; MAX_SIZED_HOPS],
    hops: usize,
    /// No input of the cycle above matters.
    cap: f64,
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
    /// Starts a cycle of so many hops, of which nothing is known yet.
    pub fn start(&mut self, hops: usize, cap: f64) {
        self.pieces.clear();
        self.spans = [None; MAX_SIZED_HOPS];
        (self.hops, self.cap, self.whole) = (hops, cap, None);
    }

    /// Takes hops that are one stretch without end each, as (rate, bend).
    pub fn set_unbounded(&mut self, hops: impl Iterator<Item = (f64, f64)>) {
        let mut whole = [(1.0, 0.0); MAX_SIZED_HOPS + 1];
        let (mut rate, mut bend) = (1.0, 0.0);
        for (place, (hop_rate, hop_bend)) in hops.enumerate() {
            bend += hop_bend * rate;
            rate *= hop_rate;
            whole[place + 1] = (rate, bend);
            self.hops = place + 1;
        }
        self.whole = Some(whole);
    }

    /// Relative error of amounts, well above that of the `f64` operations behind them.
    pub fn error(&self) -> f64 {
        if self.whole.is_some() { 1e-14 } else { 1e-13 }
    }

    /// Takes a hop's stretches from `each`, as long as the peak can lie on them or, if the model is to be
    /// `complete`, all. `firsts`: the rates at which the hops that are not known yet begin, or more.
    pub fn set_hop(
        &mut self,
        hop: usize,
        firsts: &[f64; MAX_SIZED_HOPS],
        complete: bool,
        each: impl FnOnce(&mut dyn FnMut(Segment) -> bool),
    ) {
        let start = self.pieces.len();
        let (mut start_in, mut start_out) = (0.0, 0.0);
        let mut is_past = false;
        each(&mut |segment| {
            let Some(piece) = Piece::new(&segment, start_in, start_out) else { return false };
            if is_past {
                self.pieces.push(Piece { len: f64::INFINITY, bend: 0.0, ..piece });
                return false;
            }
            is_past = !complete && !self.may_gain(hop, firsts, &piece);
            self.pieces.push(piece);
            start_in += piece.len;
            start_out = piece.out(piece.len);
            true
        });
        self.spans[hop] = Some((start, self.pieces.len()));
    }

    /// Whether the cycle may still gain where a hop comes to this piece.
    fn may_gain(&self, hop: usize, firsts: &[f64; MAX_SIZED_HOPS], piece: &Piece) -> bool {
        let (mut rate, mut amount) = (piece.rate, Some(piece.start_out));
        for (after, first) in firsts.iter().enumerate().take(self.hops).skip(hop + 1) {
            // Beyond a hop that is not known the amount is not known either.
            let known = amount.filter(|_| self.spans[after].is_some());
            let (slope, out) = known.map_or((None, None), |amount| {
                self.piece(after, amount).map_or((Some(0.0), Some(0.0)), |piece| {
                    let taken = (amount - piece.start_in).min(piece.len);
                    (Some(piece.from(taken).0), Some(piece.out(taken)))
                })
            });
            (rate, amount) = (rate * slope.unwrap_or(*first), out);
        }
        let mut amount = Some(piece.start_in);
        for before in (0..hop).rev() {
            let known = amount.filter(|_| self.spans[before].is_some());
            let (slope, input) = known.map_or((None, None), |amount| {
                let pieces = self.hop(before);
                let place = pieces.partition_point(|piece| piece.start_out < amount).saturating_sub(1);
                pieces.get(place).map_or((Some(0.0), Some(0.0)), |piece| {
                    let taken = piece.input_for(amount).min(piece.len);
                    (Some(piece.from(taken).0), Some(piece.start_in + taken))
                })
            });
            (rate, amount) = (rate * slope.unwrap_or(firsts[before]), input);
        }
        rate > 1.0 && amount.is_none_or(|amount| amount < self.cap)
    }

    fn hop(&self, hop: usize) -> &[Piece] {
        self.spans[hop].map_or(&[], |(start, end)| &self.pieces[start..end])
    }

    /// Returns the peak at or below `cap`, or `None` if the first unit already loses.
    pub fn peak(&self, cap: f64) -> Option<Peak> {
        // Where each hop stands: piece and input taken from it.
        let mut at = [(0_usize, 0.0_f64); MAX_SIZED_HOPS];
        let hops = self.hops;
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
        let hops = self.hops;
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
            for (amount, (rate, bend)) in amounts.iter_mut().zip(whole).take(self.hops + 1) {
                *amount = rate * amount_in / (1.0 + bend * amount_in);
            }
            return amounts;
        }
        for hop in 0..self.hops {
            amounts[hop + 1] =
                self.piece(hop, amounts[hop]).map_or(0.0, |piece| piece.out(amounts[hop] - piece.start_in));
        }
        amounts
    }

    /// Returns the real profit, an upper bound of the exact one up to the rounding of `f64`.
    pub fn profit(&self, amount_in: f64) -> f64 {
        if let Some(whole) = &self.whole {
            let (rate, bend) = whole[self.hops];
            return rate * amount_in / (1.0 + bend * amount_in) - amount_in;
        }
        self.amounts(amount_in)[self.hops] - amount_in
    }
}

impl Piece {
    /// `None` for a stretch that makes no sense, NaN included: it ends the reach of the search.
    fn new(segment: &Segment, start_in: f64, start_out: f64) -> Option<Self> {
        let (rate, bend) = segment.rate_and_bend()?;
        let kept = if segment.drag > 0.0 && segment.drag < 1.0 { segment.drag } else { 1.0 };
        Some(Self { start_in, start_out, len: segment.max_in, rate, bend, kept })
    }

    /// Rate and bend for an input that follows `taken`.
    fn from(&self, taken: f64) -> (f64, f64) {
        let used = 1.0 + self.bend * taken;
        (self.rate / (used * used), self.bend / used)
    }

    /// What this piece takes until the hop's output is `out`; infinite if it never is.
    fn input_for(&self, out: f64) -> f64 {
        let gained = out - self.start_out;
        let slack = self.rate - self.bend * gained;
        if slack > 0.0 { gained / slack } else { f64::INFINITY }
    }

    /// The hop's output when this piece has taken `input`.
    fn out(&self, input: f64) -> f64 {
        self.start_out + stretch_output(self.rate, self.bend, input.min(self.len))
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
        model.start(hops.len(), f64::INFINITY);
        for (place, hop) in hops.iter().enumerate() {
            let each = |visit: &mut dyn FnMut(Segment) -> bool| {
                hop.iter().all(|segment| visit(*segment));
            };
            model.set_hop(place, &[1.0; MAX_SIZED_HOPS], true, each);
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
