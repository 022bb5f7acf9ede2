//! What a pool would best swap at given prices.
//!
//! A direction takes input as long as its marginal rate is above the price of the input in units of
//! the output. On a Möbius piece that is `(sqrt(rate / price) - 1) / bend`. On a flat piece it is all
//! or nothing, which no Newton method can work with: there the gain is reduced by a proximal term,
//! `rate * len * width * (fill - centre)²` output units for a filled share `fill`. The marginal rate
//! then falls linearly over the piece; once `fill = centre`, the term costs nothing.

use super::network::Piece;

/// What a direction takes and gives, and how that changes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Response {
    pub input: f64,
    /// After the proximal term.
    pub output: f64,
    /// How much the input grows per relative fall of the price.
    pub slope: f64,
}

/// The proximal term: half the relative range of rates over which a flat piece fills.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proximal<'a> {
    pub width: f64,
    /// One per piece of the direction.
    pub centres: &'a [f64],
}

impl Piece {
    fn respond(&self, price: f64) -> Response {
        if self.rate <= price {
            return Response::default();
        }
        let root = (self.rate / price).sqrt();
        let input = (root - 1.0) / self.bend;
        if input >= self.len {
            return Response { input: self.len, output: self.out(self.len), slope: 0.0 };
        }
        Response { input, output: self.rate * input / root, slope: 0.5 * root / self.bend }
    }

    /// Returns the filled share of a flat piece.
    pub fn fill(&self, price: f64, width: f64, centre: f64) -> f64 {
        (centre + (1.0 - price / self.rate) / (2.0 * width)).clamp(0.0, 1.0)
    }

    fn respond_flat(&self, price: f64, width: f64, centre: f64) -> Response {
        let fill = self.fill(price, width, centre);
        let off = fill - centre;
        Response {
            input: self.len * fill,
            output: self.rate * self.len * (fill - width * off * off),
            slope: if fill > 0.0 && fill < 1.0 { self.len * price / (2.0 * width * self.rate) } else { 0.0 },
        }
    }
}

/// Returns the best response of a direction without flat pieces.
pub(super) fn respond(pieces: &[Piece], price: f64) -> Response {
    let full = pieces.partition_point(|piece| piece.end_rate >= price);
    let Some(piece) = pieces.get(full) else {
        return pieces.last().map_or_else(Response::default, |last| Response {
            input: last.start_in + last.len,
            output: last.start_out + last.out(last.len),
            slope: 0.0,
        });
    };
    let mut response = piece.respond(price);
    response.input += piece.start_in;
    response.output += piece.start_out;
    response
}

/// Returns the best response of any direction, with flat pieces smoothed.
pub(super) fn respond_smoothed(pieces: &[Piece], price: f64, proximal: Proximal<'_>) -> Response {
    let Proximal { width, centres } = proximal;
    let full = pieces
        .iter()
        .zip(centres)
        .take_while(|(piece, centre)| piece.end_rate >= price && (!piece.is_flat() || **centre >= 1.0))
        .count();
    let mut sum = Response::default();
    if let Some(last) = full.checked_sub(1).and_then(|last| pieces.get(last)) {
        sum.input = last.start_in + last.len;
        sum.output = last.start_out + last.out(last.len);
    }
    for (piece, &centre) in pieces.iter().zip(centres).skip(full) {
        if piece.rate <= price && centre == 0.0 {
            break; // nothing behind is filled, nor was
        }
        let one =
            if piece.is_flat() { piece.respond_flat(price, width, centre) } else { piece.respond(price) };
        sum.input += one.input;
        sum.output += one.output;
        sum.slope += one.slope;
    }
    sum
}

/// Returns the input of a direction whose flat pieces are filled to their centres.
pub(super) fn filled_input(pieces: &[Piece], price: f64, centres: &[f64]) -> f64 {
    let input = |(piece, centre): (&Piece, &f64)| {
        if piece.is_flat() { piece.len * centre } else { piece.respond(price).input }
    };
    pieces.iter().zip(centres).map(input).sum()
}

/// Returns what a direction gains at most, in units of its output: nothing smoothed.
pub(super) fn gain(pieces: &[Piece], price: f64) -> f64 {
    let full = pieces.partition_point(|piece| piece.end_rate >= price);
    match pieces.get(full) {
        Some(piece) if !piece.is_flat() => {
            let response = piece.respond(price);
            piece.start_out + response.output - price * (piece.start_in + response.input)
        }
        Some(piece) => piece.start_out - price * piece.start_in,
        None => pieces
            .last()
            .map_or(0.0, |last| last.start_out + last.out(last.len) - price * (last.start_in + last.len)),
    }
}

/// Returns what a direction gives for an input, which is cut to what it can take.
pub(super) fn trade(pieces: &[Piece], input: f64) -> (f64, f64) {
    let place = pieces.partition_point(|piece| piece.start_in <= input);
    let Some(piece) = place.checked_sub(1).and_then(|place| pieces.get(place)) else {
        return (0.0, 0.0);
    };
    let taken = (input - piece.start_in).min(piece.len);
    (piece.start_in + taken, piece.start_out + piece.out(taken))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::amm_math::Segment;
    use crate::routing::Network;

    /// Two ranges with a gap of rates between them, then a bin.
    fn network() -> Network {
        let mut network = Network::new(2);
        let segments = [
            Segment { gain: 4.0, base: 2.0, drag: 1.0, max_in: 1.0 },
            Segment { gain: 0.8, base: 1.0, drag: 0.1, max_in: 5.0 },
            Segment { gain: 0.3, base: 1.0, drag: 0.0, max_in: 10.0 },
        ];
        let fill = |a_to_b, into: &mut Vec<Segment>| {
            if a_to_b {
                into.extend(segments);
            }
        };
        network.push_pool(0, 1, fill).unwrap();
        network
    }

    #[test]
    fn the_best_response_beats_every_other_input() {
        let network = network();
        let pieces = network.pieces();
        for price in [0.1, 0.3, 0.35, 0.4, 0.5, 0.79, 0.8, 0.85, 0.9, 1.2, 1.9, 2.0, 3.0] {
            let gained = |input: f64| trade(pieces, input).1 - price * input;
            let best = (0..=1600).map(|step| gained(f64::from(step) / 100.0)).fold(0.0, f64::max);
            let found = gain(pieces, price);
            assert!(found >= best - 1e-12 && found <= best + 1e-4, "{found} {best} at {price}");
            if price > 0.3 {
                let response = respond(&pieces[..2], price);
                assert!((response.output - price * response.input - found).abs() < 1e-12);
                assert!((trade(pieces, response.input).1 - response.output).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn slopes_are_what_the_input_grows_by() {
        let network = network();
        let centres = [0.0, 0.0, 0.4];
        let proximal = Proximal { width: 0.01, centres: &centres };
        for price in [0.299, 0.3, 0.301, 0.6, 1.5] {
            let at = |price| respond_smoothed(network.pieces(), price, proximal);
            let (less, more) = (at(price * (1.0 - 1e-7)), at(price * (1.0 + 1e-7)));
            let slope = (less.input - more.input) / 2e-7;
            assert!((slope - at(price).slope).abs() < 1e-4 * slope.max(1.0), "at {price}");
            // The gain falls by the input per unit of price: nets are the bound's gradient.
            let fall = (less.output - more.output) / price - (less.input - more.input);
            assert!(fall.abs() < 1e-6 * (less.input - more.input).abs().max(1e-6), "at {price}");
        }
    }

    #[test]
    fn a_bin_at_its_centre_costs_nothing() {
        let network = network();
        let centres = [1.0, 1.0, 0.25];
        let response = respond_smoothed(network.pieces(), 0.3, Proximal { width: 1e-3, centres: &centres });
        let (input, output) = trade(network.pieces(), response.input);
        assert!((input - 8.5).abs() < 1e-9 && (output - response.output).abs() < 1e-9);
        assert!((filled_input(network.pieces(), 0.3, &centres) - 8.5).abs() < 1e-9);
    }
}
