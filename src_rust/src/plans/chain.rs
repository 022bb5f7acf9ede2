//! One direction of a pool as the planner sees it in `f64`: output and rate after any input taken.
//!
//! The one idea: what several legs take from one pool is told from how much they have taken before.
//! A chain is the pool's whole curve from its present state, so the second leg gets
//! `out(taken + x) - out(taken)`, and nothing is counted twice.

use crate::amm_math::{Segment, stretch_output};

/// Below this share of what has been taken a difference of outputs is rounding: the rate decides.
const TOO_SMALL: f64 = 1e-9;

#[derive(Debug, Clone, Copy)]
struct Piece {
    start_in: f64,
    start_out: f64,
    /// How much input it takes; infinite for an unbounded last piece.
    len: f64,
    rate: f64,
    bend: f64,
}

impl Piece {
    fn out(&self, input: f64) -> f64 {
        self.start_out + stretch_output(self.rate, self.bend, input.min(self.len))
    }
}

/// The stretches of one direction of one pool.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    pieces: Vec<Piece>,
}

impl Chain {
    /// Returns the chain of these segments, up to the first that makes no sense.
    pub(super) fn new(segments: &[Segment]) -> Self {
        let mut pieces = Vec::with_capacity(segments.len());
        let (mut start_in, mut start_out) = (0.0, 0.0);
        for segment in segments {
            let Some((rate, bend)) = segment.rate_and_bend() else { break };
            let piece = Piece { start_in, start_out, len: segment.max_in, rate, bend };
            pieces.push(piece);
            start_in += piece.len;
            start_out = piece.out(piece.len);
        }
        Self { pieces }
    }

    /// Returns the output for an input, all of it from the present state. Past the end it stays.
    pub(super) fn out(&self, input: f64) -> f64 {
        self.at(input).map_or(0.0, |piece| piece.out(input - piece.start_in))
    }

    /// Returns what `input` more gives after `taken`.
    pub(super) fn out_after(&self, taken: f64, input: f64) -> f64 {
        if taken == 0.0 {
            return self.out(input);
        }
        if input < taken * TOO_SMALL {
            return self.slope(taken) * input;
        }
        (self.out(taken + input) - self.out(taken)).max(0.0)
    }

    /// Returns `d out / d in` after an input; 0 past the end.
    pub(super) fn slope(&self, input: f64) -> f64 {
        self.out_and_slope(input).1
    }

    /// Returns [`Self::out`] and [`Self::slope`].
    pub(super) fn out_and_slope(&self, input: f64) -> (f64, f64) {
        let Some(piece) = self.at(input) else { return (0.0, 0.0) };
        let inside = input - piece.start_in;
        if inside >= piece.len {
            return (piece.out(inside), 0.0);
        }
        let used = 1.0 + piece.bend * inside;
        (piece.out(inside), piece.rate / (used * used))
    }

    /// Returns how much input and output there is in all; the input may be infinite.
    pub(super) fn reach(&self) -> (f64, f64) {
        self.pieces.last().map_or((0.0, 0.0), |last| (last.start_in + last.len, last.out(last.len)))
    }

    /// Returns the best rate anywhere: that at zero, unless the maximum of a transfer fee raises it later.
    pub(super) fn best_rate(&self) -> f64 {
        self.pieces.iter().map(|piece| piece.rate).fold(0.0, f64::max)
    }

    fn at(&self, input: f64) -> Option<&Piece> {
        let place = self.pieces.partition_point(|piece| piece.start_in <= input);
        self.pieces.get(place.saturating_sub(1))
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    fn flat(rate: f64, max_in: f64) -> Segment {
        Segment { gain: rate, base: 1.0, drag: 0.0, max_in }
    }

    #[test]
    fn out_after_what_was_taken_is_the_rest_of_the_curve() {
        let chain = Chain::new(&[flat(4.0, 10.0), flat(2.0, 10.0)]);
        assert_eq!(chain.out(15.0), 50.0);
        assert_eq!(chain.out_after(8.0, 4.0), 12.0);
        assert_eq!((chain.slope(9.0), chain.slope(10.0), chain.slope(20.0)), (4.0, 2.0, 0.0));
        assert_eq!((chain.out(1e9), chain.out_after(20.0, 5.0)), (60.0, 0.0));
    }

    #[test]
    fn constant_product_splits_without_gain_or_loss() {
        let chain = Chain::new(&[Segment { gain: 1e6, base: 1e6, drag: 1.0, max_in: f64::INFINITY }]);
        let whole = chain.out(5e5);
        let split = chain.out(2e5) + chain.out_after(2e5, 3e5);
        assert!((whole - split).abs() < 1e-6);
        assert!((chain.slope(0.0) - 1.0).abs() < 1e-15);
        assert!((chain.out(f64::INFINITY) - 1e6).abs() < 1e-3);
    }

    #[test]
    fn no_sensible_segment_is_no_way_through() {
        let chain = Chain::new(&[flat(f64::NAN, 1.0), flat(1.0, 1.0)]);
        assert_eq!((chain.out(1.0), chain.slope(0.0)), (0.0, 0.0));
    }
}
