//! How the search sees a pool: stretches of Möbius curves in `f64`.
//!
//! What enters passes the transfer fee and the pool's fee, both straight lines with bends; what the
//! curve gives passes such lines again. Between two bends the whole is one stretch.

use super::accounts::Pool;
use super::base_fee::{Amount, Moment};
use super::curve::Curve;
use super::math::FEE_DENOMINATOR;
use super::rate_limiter::RateLimiter;
use crate::amm_math::Segment;
use crate::decoders::TransferFee;
use crate::decoders::sysvar::Clock;

/// Most stretches described.
const MAX_SEGMENTS: usize = 512;

/// A stretch on which a fee keeps `slope` of every unit, for `len` units of its input.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    slope: f64,
    len: f64,
}

impl Line {
    fn endless(slope: f64) -> Self {
        Self { slope, len: f64::INFINITY }
    }
}

/// Reserves, real or virtual, and how much input the curve takes.
#[derive(Debug, Clone, Copy)]
struct Reserves {
    base: f64,
    gain: f64,
    room: f64,
}

/// Calls `visit` with every stretch until it returns `false`.
pub(super) fn each_segment(
    pool: &Pool,
    clock: &Clock,
    transfer_fees: [Option<TransferFee>; 2],
    a_to_b: bool,
    mut visit: impl FnMut(Segment) -> bool,
) {
    let moment = pool.moment(clock, a_to_b);
    let Some(reserves) = reserves(pool, a_to_b) else { return };
    let Ok(rate) = pool.rate(&moment, Amount::Included(0)) else { return };
    let (before, after) = if pool.has_fee_on_input(a_to_b) {
        (fee_on_input(pool, &moment, rate), Line::endless(1.0))
    } else {
        (FeeLines::Flat(1.0), Line::endless(kept(rate)))
    };
    let [transfer_in, transfer_out] = transfer_fees.map(transfer_lines);

    let (mut transfer_in, mut before) = (Walk::new(transfer_in), Walk::new(before.lines()));
    // The output's transfer fee counts from what is left of the pool's fee.
    let mut transfer_out = Walk::new(transfer_out);
    let mut taken = 0.0;
    for _ in 0..MAX_SEGMENTS {
        let (Some(first), Some(second)) = (transfer_in.line(), before.line()) else { return };
        let Some(third) = transfer_out.line() else { return };
        let (base, gain) = (reserves.base + taken, reserves.gain * reserves.base / (reserves.base + taken));
        let kept_in = first.slope * second.slope;
        // Units of input until each line bends, the curve ends, or the output's line bends.
        let until_second = second.len / first.slope;
        let until_room = (reserves.room - taken) / kept_in;
        let end_out = third.len / after.slope;
        let until_third =
            if end_out < gain { base * end_out / (gain - end_out) / kept_in } else { f64::INFINITY };
        let len = first.len.min(until_second).min(until_room).min(until_third);
        // Also ends at NaN.
        let makes_sense = len > 0.0 && kept_in > 0.0;
        if !makes_sense {
            return;
        }
        let segment =
            Segment { gain: kept_in * after.slope * third.slope * gain, base, drag: kept_in, max_in: len };
        if !visit(segment) || len == f64::INFINITY || len >= until_room {
            return;
        }
        let moved = kept_in * len;
        transfer_out.advance(after.slope * gain * moved / (base + moved), len >= until_third);
        transfer_in.advance(len, len >= first.len);
        before.advance(len * first.slope, len >= until_second);
        taken += moved;
    }
}

/// A position on a chain of lines.
struct Walk<I> {
    lines: I,
    at: Option<Line>,
}

impl<I: Iterator<Item = Line>> Walk<I> {
    fn new(mut lines: I) -> Self {
        let at = lines.find(|line| line.len > 0.0);
        Self { lines, at }
    }

    /// What is left of the present line.
    fn line(&self) -> Option<Line> {
        self.at
    }

    fn advance(&mut self, by: f64, is_used_up: bool) {
        match &mut self.at {
            Some(line) if !is_used_up && line.len > by => line.len -= by,
            at => *at = self.lines.find(|line| line.len > 0.0),
        }
    }
}

/// A transfer fee: a share until its maximum is reached, nothing more afterwards.
fn transfer_lines(fee: Option<TransferFee>) -> impl Iterator<Item = Line> {
    let (rate, most) =
        fee.map_or((0.0, 0.0), |fee| (f64::from(fee.basis_points) / 10_000.0, fee.maximum_fee as f64));
    let first = if rate > 0.0 { Line { slope: 1.0 - rate, len: most / rate } } else { Line::endless(1.0) };
    [first, Line::endless(1.0)].into_iter()
}

fn kept(rate: u64) -> f64 {
    1.0 - rate as f64 / FEE_DENOMINATOR as f64
}

/// The pool's fee on the input.
enum FeeLines {
    Flat(f64),
    Steps(Steps),
}

impl FeeLines {
    fn lines(self) -> impl Iterator<Item = Line> {
        let (flat, steps) = match self {
            Self::Flat(slope) => (Some(Line::endless(slope)), None),
            Self::Steps(steps) => (None, Some(steps)),
        };
        flat.into_iter().chain(steps.into_iter().flatten())
    }
}

fn fee_on_input(pool: &Pool, moment: &Moment, rate: u64) -> FeeLines {
    match pool.base_fee.limiter(moment) {
        Some(limiter) if rate < pool.max_rate() => match Steps::new(pool, limiter, rate) {
            Some(steps) => FeeLines::Steps(steps),
            None => FeeLines::Flat(kept(rate)),
        },
        _ => FeeLines::Flat(kept(rate)),
    }
}

/// Steps of a rate limiter, rates as fractions.
struct Steps {
    /// Volatility fee, which comes on top of every step.
    variable: f64,
    cliff: f64,
    increment: f64,
    highest: f64,
    /// The program's limit on the rate of the whole amount.
    limit: f64,
    reference: f64,
    max_index: u64,
    /// Next step.
    index: u64,
    /// Fee of all steps before it.
    paid: f64,
    is_over: bool,
}

impl Steps {
    /// `first_rate`: of the first step, volatility fee included.
    fn new(pool: &Pool, limiter: &RateLimiter, first_rate: u64) -> Option<Self> {
        let one = FEE_DENOMINATOR as f64;
        let fraction = |rate: u64| rate as f64 / one;
        Some(Self {
            variable: fraction(first_rate.saturating_sub(limiter.cliff_fee_numerator)),
            cliff: fraction(limiter.cliff_fee_numerator),
            increment: fraction(limiter.increment()),
            highest: fraction(limiter.max_rate()),
            limit: fraction(pool.max_rate()),
            reference: limiter.reference_amount as f64,
            max_index: limiter.max_index().ok()?,
            index: 0,
            paid: 0.0,
            is_over: false,
        })
    }
}

impl Iterator for Steps {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.is_over {
            return Some(Line::endless(1.0 - self.limit));
        }
        let (rate, len) = if self.index <= self.max_index {
            (self.cliff + self.increment * self.index as f64 + self.variable, self.reference)
        } else {
            (self.highest + self.variable, f64::INFINITY)
        };
        // Where the rate of everything so far reaches the limit, the limit is what more pays.
        let start = self.reference * self.index as f64;
        let until_limit = (self.limit * start - self.paid) / (rate - self.limit);
        self.index += 1;
        if rate > self.limit && until_limit < len {
            self.is_over = true;
            return Some(Line { slope: 1.0 - rate, len: until_limit });
        }
        self.paid += rate * len;
        Some(Line { slope: 1.0 - rate, len })
    }
}

fn reserves(pool: &Pool, a_to_b: bool) -> Option<Reserves> {
    let (a, b, room) = match pool.curve() {
        Curve::Product { reserves: [a, b] } => (a as f64, b as f64, f64::INFINITY),
        Curve::Range(range) => {
            let scale = 2_f64.powi(128);
            let (liquidity, price) = (range.liquidity as f64, range.sqrt_price as f64);
            let (a, b) = (liquidity / price, liquidity * price / scale);
            let room = if a_to_b {
                liquidity / range.sqrt_min_price as f64 - a
            } else {
                liquidity * range.sqrt_max_price as f64 / scale - b
            };
            (a, b, room)
        }
    };
    let (base, gain) = if a_to_b { (a, b) } else { (b, a) };
    (base > 0.0 && gain > 0.0 && base.is_finite() && gain.is_finite()).then_some(Reserves {
        base,
        gain,
        room,
    })
}
