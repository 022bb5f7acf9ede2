//! Pools as the solver sees them: two mints, and a concave chain of Möbius pieces each way.

use super::RoutingError;
use crate::amm_math::{Segment, stretch_output};

/// How far two rates that ought to be equal may differ by rounding.
const RATE_ROUNDING: f64 = 1e-9;

/// Pieces with less than this relative bend are taken as straight.
const STRAIGHT: f64 = 1e-14;

/// A stretch of a pool's curve: `rate * x / (1 + bend * x)` for an input `x` from its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    /// Marginal rate where it begins.
    pub rate: f64,
    /// Marginal rate where it ends; 0 for an unbounded piece.
    pub end_rate: f64,
    pub bend: f64,
    /// Input that it takes; infinite only if it bends.
    pub len: f64,
    /// Input and output of the whole curve where it begins.
    pub start_in: f64,
    pub start_out: f64,
}

impl Piece {
    pub fn is_flat(&self) -> bool {
        self.bend == 0.0
    }

    /// Returns the output for an input from the piece's start; 0 to `len`.
    pub fn out(&self, input: f64) -> f64 {
        stretch_output(self.rate, self.bend, input)
    }
}

/// A pool: mints by index, and the pieces of both directions, a to b first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pool {
    pub mints: [u32; 2],
    start: u32,
    middle: u32,
    end: u32,
    /// Marginal rates at zero input; 0 for a direction without pieces.
    pub rates: [f64; 2],
    /// What each direction gives at most.
    pub capacities: [f64; 2],
    /// A piece has a constant rate.
    pub has_flat: bool,
}

/// Pools between numbered mints, as plain numbers.
#[derive(Debug, Clone, Default)]
pub struct Network {
    mints: usize,
    pools: Vec<Pool>,
    pieces: Vec<Piece>,
    segments: Vec<Segment>,
}

impl Network {
    /// Returns a network of this many mints, 0 to `mints - 1`, and no pools.
    #[must_use]
    pub fn new(mints: usize) -> Self {
        Self { mints, ..Self::default() }
    }

    /// Forgets all pools and keeps the memory.
    pub fn clear(&mut self, mints: usize) {
        self.mints = mints;
        self.pools.clear();
        self.pieces.clear();
    }

    /// Returns how many mints there are.
    #[must_use]
    pub fn mint_count(&self) -> usize {
        self.mints
    }

    /// Returns how many pools there are.
    #[must_use]
    pub fn pool_count(&self) -> usize {
        self.pools.len()
    }

    /// Returns the mints of a pool, or `None` if there is no such pool.
    #[must_use]
    pub fn pool_mints(&self, pool: usize) -> Option<(u32, u32)> {
        self.pools.get(pool).map(|pool| (pool.mints[0], pool.mints[1]))
    }

    /// Adds a pool and returns its number. `fill(a_to_b, into)` appends the segments of a direction in
    /// the order a growing input meets them; none for a direction that gives nothing.
    ///
    /// Rates must only fall along a direction. Where one rises (as beyond the maximum of a transfer
    /// fee), or a segment gives nothing, the direction ends: what lies behind is not used, and not in
    /// the bound.
    ///
    /// # Errors
    /// An unknown mint, the same mint twice, a segment that is not finite, negative or straight without
    /// end, rates by which a swap and its reverse would gain. Nothing is added then.
    pub fn push_pool(
        &mut self,
        mint_a: u32,
        mint_b: u32,
        mut fill: impl FnMut(bool, &mut Vec<Segment>),
    ) -> Result<usize, RoutingError> {
        let pool = self.pools.len();
        if u32::try_from(pool).is_err() {
            return Err(RoutingError::TooMany(pool));
        }
        for (role, mint) in [("mint_a", mint_a), ("mint_b", mint_b)] {
            if mint as usize >= self.mints {
                return Err(RoutingError::UnknownMint { role, mint, mints: self.mints });
            }
        }
        if mint_a == mint_b {
            return Err(RoutingError::SelfLoop { pool, mint: mint_a });
        }
        let kept = self.pieces.len();
        let added = self.push_directions(pool, [mint_a, mint_b], &mut fill);
        if added.is_err() {
            self.pieces.truncate(kept);
        }
        self.pools.push(added?);
        Ok(pool)
    }

    /// Adds a constant-product pool; `fee` is the share of the input that it keeps. Returns its number.
    ///
    /// # Errors
    /// As [`Self::push_pool`]; a reserve that is not finite and positive, a fee outside `[0, 1)`.
    pub fn push_constant_product(
        &mut self,
        mints: [u32; 2],
        reserves: [f64; 2],
        fee: f64,
    ) -> Result<usize, RoutingError> {
        let place = self.pools.len();
        let bad = |what, value, expected| Err(RoutingError::BadNumber { what, place, value, expected });
        for (what, reserve) in [("reserve_a of pool", reserves[0]), ("reserve_b of pool", reserves[1])] {
            if !(reserve.is_finite() && reserve > 0.0) {
                return bad(what, reserve, "finite and positive");
            }
        }
        if !(0.0..1.0).contains(&fee) {
            return bad("fee of pool", fee, "at least 0 and below 1");
        }
        let kept = 1.0 - fee;
        self.push_pool(mints[0], mints[1], |a_to_b, into| {
            let [base, other] = if a_to_b { reserves } else { [reserves[1], reserves[0]] };
            into.push(Segment { gain: kept * other, base, drag: kept, max_in: f64::INFINITY });
        })
    }

    fn push_directions(
        &mut self,
        pool: usize,
        mints: [u32; 2],
        fill: &mut impl FnMut(bool, &mut Vec<Segment>),
    ) -> Result<Pool, RoutingError> {
        let mut bounds = [self.piece_count()?; 3];
        let (mut rates, mut capacities, mut has_flat) = ([0.0; 2], [0.0; 2], false);
        for (side, a_to_b) in [true, false].into_iter().enumerate() {
            self.segments.clear();
            fill(a_to_b, &mut self.segments);
            let first = self.pieces.len();
            push_pieces(&self.segments, &mut self.pieces)?;
            let added = &self.pieces[first..];
            rates[side] = added.first().map_or(0.0, |piece| piece.rate);
            capacities[side] = added.last().map_or(0.0, |piece| piece.start_out + piece.out(piece.len));
            has_flat |= added.iter().any(Piece::is_flat);
            bounds[side + 1] = self.piece_count()?;
        }
        let product = rates[0] * rates[1];
        if product > 1.0 + RATE_ROUNDING {
            return Err(RoutingError::RoundTripGains { pool, product });
        }
        let [start, middle, end] = bounds;
        Ok(Pool { mints, start, middle, end, rates, capacities, has_flat })
    }

    fn piece_count(&self) -> Result<u32, RoutingError> {
        u32::try_from(self.pieces.len()).map_err(|_| RoutingError::TooMany(self.pieces.len()))
    }

    pub(super) fn pools(&self) -> &[Pool] {
        &self.pools
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}

impl Pool {
    /// Returns where the pieces of a direction lie; 0 is a to b.
    pub fn pieces(&self, side: usize) -> std::ops::Range<usize> {
        let (start, end) = if side == 0 { (self.start, self.middle) } else { (self.middle, self.end) };
        start as usize..end as usize
    }
}

fn push_pieces(segments: &[Segment], into: &mut Vec<Piece>) -> Result<(), RoutingError> {
    let (mut start_in, mut start_out) = (0.0, 0.0);
    let mut last_rate = f64::INFINITY;
    for (place, segment) in segments.iter().enumerate() {
        check(place, segment)?;
        let (mut rate, mut bend) = (segment.gain / segment.base, segment.drag / segment.base);
        let is_finite = rate.is_finite() && bend.is_finite() && rate >= 0.0;
        let bad = |what, value| RoutingError::BadNumber { what, place, value, expected: "finite" };
        if !is_finite {
            return Err(bad("rate of segment", rate));
        }
        let len = segment.max_in;
        if bend * len < STRAIGHT {
            bend = 0.0;
        }
        if rate == 0.0 || rate > last_rate * (1.0 + RATE_ROUNDING) || start_in == f64::INFINITY {
            break;
        }
        if len == 0.0 {
            continue;
        }
        if bend == 0.0 && len == f64::INFINITY {
            return Err(bad("max_in of straight segment", len));
        }
        rate = rate.min(last_rate);
        let used = 1.0 + bend * len;
        let end_rate = rate / (used * used);
        let piece = Piece { rate, end_rate, bend, len, start_in, start_out };
        start_in += len;
        start_out += piece.out(len);
        if !start_out.is_finite() {
            return Err(bad("output of segment", start_out));
        }
        into.push(piece);
        last_rate = end_rate;
    }
    Ok(())
}

fn check(place: usize, segment: &Segment) -> Result<(), RoutingError> {
    let bad = |what, value, expected| Err(RoutingError::BadNumber { what, place, value, expected });
    if !(segment.gain.is_finite() && segment.gain >= 0.0) {
        return bad("gain of segment", segment.gain, "finite and not negative");
    }
    if !(segment.base.is_finite() && segment.base > 0.0) {
        return bad("base of segment", segment.base, "finite and positive");
    }
    if !(segment.drag.is_finite() && segment.drag >= 0.0) {
        return bad("drag of segment", segment.drag, "finite and not negative");
    }
    if segment.max_in.is_nan() || segment.max_in < 0.0 {
        return bad("max_in of segment", segment.max_in, "a number and not negative");
    }
    Ok(())
}
