//! Transfer fees around a curve, as the search sees them.
//!
//! A transfer fee takes a share of each further unit until it reaches its maximum, and nothing of
//! what comes after. So a stretch of the curve falls into pieces, each of the same form.

use super::Segment;
use crate::decoders::TransferFee;

/// A transfer fee along a growing amount.
#[derive(Debug, Clone, Copy)]
struct Taper {
    /// What arrives of one more unit.
    kept: f64,
    /// Units, the fee included, of which it still takes a share.
    until: f64,
}

impl Taper {
    const NONE: Self = Self { kept: 1.0, until: f64::INFINITY };

    fn new(fee: Option<TransferFee>) -> Self {
        match fee {
            Some(fee) if fee.basis_points > 0 && fee.maximum_fee > 0 => {
                let rate = f64::from(fee.basis_points) / 10_000.0;
                Self { kept: 1.0 - rate, until: fee.maximum_fee as f64 / rate }
            }
            _ => Self::NONE,
        }
    }
}

/// The transfer fees on the way into and out of a pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TransferFees {
    fee_in: Taper,
    fee_out: Taper,
}

impl TransferFees {
    /// Returns the fees of a swap that has not begun.
    pub(crate) fn new(fee_in: Option<TransferFee>, fee_out: Option<TransferFee>) -> Self {
        Self { fee_in: Taper::new(fee_in), fee_out: Taper::new(fee_out) }
    }

    /// Calls `visit` with the pieces of the next stretch, which is given between the fees: its input is
    /// what arrives at the pool, its output what leaves it. Stops once `visit` returns `false`.
    pub(crate) fn surround(&mut self, mut rest: Segment, mut visit: impl FnMut(Segment) -> bool) -> bool {
        if self.fee_in.until == f64::INFINITY && self.fee_out.until == f64::INFINITY {
            return visit(rest); // no fee, or none any more
        }
        if self.fee_in.kept <= 0.0 {
            // Nothing arrives until the fee has reached its maximum.
            let nothing = Segment { gain: 0.0, base: 1.0, drag: 0.0, max_in: self.fee_in.until };
            self.fee_in = Taper::NONE;
            if !visit(nothing) {
                return false;
            }
        }
        loop {
            let Self { fee_in, fee_out } = *self;
            let (in_ends, out_ends) = (fee_in.until * fee_in.kept, input_for(&rest, fee_out.until));
            let end = rest.max_in.min(in_ends).min(out_ends);
            let piece = Segment {
                gain: rest.gain * fee_in.kept * fee_out.kept,
                base: rest.base,
                drag: rest.drag * fee_in.kept,
                max_in: end / fee_in.kept,
            };
            let is_whole = end >= rest.max_in;
            if end >= in_ends {
                self.fee_in = Taper::NONE;
            } else {
                self.fee_in.until -= piece.max_in;
            }
            if end >= out_ends {
                self.fee_out = Taper::NONE;
            } else {
                self.fee_out.until -= rest.gain * end / (rest.base + rest.drag * end);
            }
            if !visit(piece) {
                return false;
            }
            if is_whole {
                return true;
            }
            rest = after(&rest, end);
        }
    }
}

/// Returns the input for which a stretch gives `output`; infinite if it never does.
fn input_for(stretch: &Segment, output: f64) -> f64 {
    let slope = stretch.gain - output * stretch.drag;
    if slope > 0.0 { output * stretch.base / slope } else { f64::INFINITY }
}

/// Returns what is left of a stretch after `input`.
fn after(stretch: &Segment, input: f64) -> Segment {
    let base = stretch.base + stretch.drag * input;
    Segment {
        gain: stretch.gain * stretch.base / base,
        base,
        drag: stretch.drag,
        max_in: stretch.max_in - input,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn fee(basis_points: u16, maximum_fee: u64) -> TransferFee {
        TransferFee { epoch: 0, maximum_fee, basis_points }
    }

    fn output(segments: &[Segment], input: f64) -> f64 {
        let (mut left, mut output) = (input, 0.0);
        for segment in segments {
            let x = left.min(segment.max_in);
            output += segment.gain * x / (segment.base + segment.drag * x);
            left -= x;
        }
        output
    }

    /// Two stretches of one product; the fees are taken of the whole amounts, as the programs do.
    fn check(fee_in: Option<TransferFee>, fee_out: Option<TransferFee>, pieces: usize) {
        let (reserve_in, reserve_out) = (1e6, 2e6);
        let whole = Segment { gain: reserve_out, base: reserve_in, drag: 1.0, max_in: 1e5 };
        let further = Segment { max_in: 1e9, ..after(&whole, 1e5) };
        let mut segments = Vec::new();
        let mut fees = TransferFees::new(fee_in, fee_out);
        for stretch in [whole, further] {
            assert!(fees.surround(stretch, |segment| {
                segments.push(segment);
                true
            }));
        }
        assert_eq!(segments.len(), pieces);
        let taken = |fee: Option<TransferFee>, amount: f64| {
            fee.map_or(0.0, |fee| {
                (amount * f64::from(fee.basis_points) / 10_000.0).min(fee.maximum_fee as f64)
            })
        };
        for input in [1.0, 1e3, 5e4, 1e5, 2e5, 5e6, 1e8] {
            let arriving = input - taken(fee_in, input);
            let leaving = reserve_out * arriving / (reserve_in + arriving);
            let expected = leaving - taken(fee_out, leaving);
            let got = output(&segments, input);
            assert!((got - expected).abs() <= 1e-9 * expected, "{got} for {expected} at {input}");
        }
    }

    #[test]
    fn pieces_follow_fees_up_to_their_maximum() {
        check(None, None, 2);
        check(Some(fee(100, u64::MAX)), None, 2);
        check(Some(fee(100, 500)), None, 3);
        check(None, Some(fee(300, 500)), 3);
        check(Some(fee(100, 5_000)), Some(fee(300, 500)), 4);
        check(Some(fee(100, 0)), Some(fee(300, 0)), 2);
        check(Some(fee(10_000, 70)), Some(fee(10_000, 90)), 4);
    }

    #[test]
    fn a_visitor_that_has_enough_is_not_called_again() {
        let stretch = Segment { gain: 1.0, base: 1.0, drag: 1.0, max_in: 1e6 };
        let mut calls = 0;
        assert!(!TransferFees::new(Some(fee(100, 5)), None).surround(stretch, |_| {
            calls += 1;
            false
        }));
        assert_eq!(calls, 1);
    }
}
