//! A constant product between two transfer fees, as the search sees it.

use super::Segment;
use crate::decoders::TransferFee;

/// Share of a transfer that arrives while the fee is below its maximum, and from where on it is not.
fn proportional(fee: Option<TransferFee>) -> (f64, f64) {
    let Some(fee) = fee.filter(|fee| fee.basis_points > 0) else { return (1.0, f64::INFINITY) };
    let rate = f64::from(fee.basis_points) / 10_000.0;
    (1.0 - rate, fee.maximum_fee as f64 / rate)
}

/// Returns the share of a small transfer that arrives.
pub(crate) fn arriving(fee: Option<TransferFee>) -> f64 {
    fee.filter(|fee| fee.maximum_fee > 0).map_or(1.0, |fee| 1.0 - f64::from(fee.basis_points) / 10_000.0)
}

/// Calls `visit`, until it returns `false`, with the stretches of `reserves[1] * kept_out * x / (reserves[0] + x)`, where `x` is `kept_in` of
/// what arrives, with the transfer fees of the input's and the output's mint around it.
///
/// A transfer fee that reaches its maximum ends a stretch: from there on it takes nothing more. Up to
/// the roundings, all of which go against the trader, this is what the program pays. `room`: the
/// largest input, base units.
pub(crate) fn each_segment(
    reserves: [f64; 2],
    kept_in: f64,
    kept_out: f64,
    fees: [Option<TransferFee>; 2],
    room: f64,
    visit: &mut dyn FnMut(Segment) -> bool,
) {
    let [(arrives_in, full_in), (arrives_out, full_out)] = fees.map(proportional);
    // Over net inputs the curve is one; transfer fees scale it, each up to its maximum.
    let (mut at, mut base) = (0.0, reserves[0]);
    let mut gain = kept_out * reserves[1];
    let mut bought = 0.0;
    let (mut share_in, mut share_out) = (arrives_in, arrives_out);
    let (mut in_ends, mut out_ends) = (full_in, full_out);
    loop {
        let factor = kept_in * share_in;
        // Where the output, before its transfer fee, reaches the maximum.
        let left = out_ends - bought;
        let slope = factor * (gain - left);
        let until_out = if left <= 0.0 {
            0.0
        } else if slope > 0.0 {
            left * base / slope
        } else {
            f64::INFINITY
        };
        let (until_in, until_room) = (in_ends - at, room - at);
        let length = until_out.min(until_in).min(until_room);
        if length > 0.0 {
            if !visit(Segment { gain: factor * share_out * gain, base, drag: factor, max_in: length }) {
                return;
            }
            let x = factor * length;
            bought += gain * x / (base + x);
            gain *= base / (base + x);
            base += x;
            at += length;
        }
        if length >= until_room {
            return;
        }
        if length >= until_in {
            (share_in, in_ends) = (1.0, f64::INFINITY);
        } else {
            (share_out, out_ends) = (1.0, f64::INFINITY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn fee(basis_points: u16, maximum_fee: u64) -> TransferFee {
        TransferFee { epoch: 0, maximum_fee, basis_points }
    }

    /// Output of the stretches for an input.
    fn follow(segments: &[Segment], mut input: f64) -> f64 {
        let mut out = 0.0;
        for segment in segments {
            let x = input.min(segment.max_in);
            out += segment.gain * x / (segment.base + segment.drag * x);
            input -= x;
        }
        out
    }

    #[test]
    fn stretches_end_where_a_transfer_fee_is_full() {
        let mut segments = Vec::new();
        let fees = [Some(fee(100, 1_000)), Some(fee(1_000, 5_000))];
        each_segment([1e6, 2e6], 0.99, 0.995, fees, 1e18, &mut |segment| {
            segments.push(segment);
            true
        });
        assert_eq!(segments.len(), 3);
        for input in [10.0, 9_999.0, 30_000.0, 100_000.0, 101_000.0, 1e7, 1e12] {
            let net = 0.99 * (input - f64::min(input * 0.01, 1_000.0));
            let gross = 0.995 * 2e6 * net / (1e6 + net);
            let exact = gross - f64::min(gross * 0.1, 5_000.0);
            let got = follow(&segments, input);
            assert!((got - exact).abs() <= 1e-9 * exact, "{input}: {got}, {exact} expected");
        }
    }

    #[test]
    fn plain_tokens_make_one_stretch() {
        let mut segments = Vec::new();
        each_segment([10.0, 20.0], 0.5, 1.0, [None, Some(fee(0, 0))], 100.0, &mut |segment| {
            segments.push(segment);
            true
        });
        assert_eq!(segments, [Segment { gain: 10.0, base: 10.0, drag: 0.5, max_in: 100.0 }]);
    }

    #[test]
    fn a_fee_with_maximum_zero_takes_nothing() {
        let mut segments = Vec::new();
        each_segment([10.0, 20.0], 1.0, 1.0, [Some(fee(500, 0)); 2], 100.0, &mut |segment| {
            segments.push(segment);
            true
        });
        assert_eq!(segments, [Segment { gain: 20.0, base: 10.0, drag: 1.0, max_in: 100.0 }]);
    }
}
