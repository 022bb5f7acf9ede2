//! The initialised ticks that swaps can reach, with sums over the way from each to the next.
//!
//! The one idea: the way between two ticks costs and gives the same in every swap, so running sums
//! turn "how many whole ways does this amount pay for" into a binary search. For an exact input it is
//! exact because `floor(x * (1 - f)) >= n` holds just where `x >= n + ceil(n * f / (1 - f))`: where
//! what is left covers the way's input *and* fee.

use super::error::Fault;
use super::step::{TradeFee, delta_0, delta_1};

/// Stands in sums for a way that no swap can make whole: more than any amount.
pub(super) const BARRIER: u128 = 1 << 80;

/// An initialised tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rung {
    pub(super) tick: i32,
    pub(super) sqrt_price: u128,
    pub(super) liquidity_net: i128,
    /// Which of the pool's known arrays it is in, and its position among that array's ticks.
    pub(super) source: (usize, usize),
}

/// What a way moves, base units; [`BARRIER`] where it does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Way {
    /// Input, fee included.
    pub(super) gross_in: u128,
    pub(super) out: u128,
    pub(super) fee: u128,
}

impl Way {
    fn new(amount_in: Option<(u64, bool)>, out: Option<(u64, bool)>, fee: TradeFee) -> Self {
        let out = out.map_or(BARRIER, |(amount, _)| u128::from(amount));
        let amount_in = amount_in.and_then(|(cut, more)| cut.checked_add(u64::from(more)));
        match amount_in.and_then(|amount| Some((amount, fee.on_top(amount)?))) {
            Some((amount, fee)) => {
                let fee = u128::from(fee);
                Self { gross_in: u128::from(amount) + fee, out, fee }
            }
            None => Self { gross_in: BARRIER, out, fee: 0 },
        }
    }

    fn plus(self, other: Self) -> Self {
        // At most some hundred ways of at most 2^80 each.
        Self {
            gross_in: self.gross_in + other.gross_in,
            out: self.out + other.out,
            fee: self.fee + other.fee,
        }
    }

    /// Returns what lies between two running sums.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            gross_in: self.gross_in - earlier.gross_in,
            out: self.out - earlier.out,
            fee: self.fee - earlier.fee,
        }
    }

    /// Returns the ways down and up between two prices.
    pub(super) fn both(lower: u128, upper: u128, liquidity: u128, fee: TradeFee) -> [Self; 2] {
        let (amount_0, amount_1) = (delta_0(lower, upper, liquidity), delta_1(lower, upper, liquidity));
        [Self::new(amount_0, amount_1, fee), Self::new(amount_1, amount_0, fee)]
    }
}

/// How a direction's list of ticks ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With this error, before any array or after the last.
    Fault(Fault),
    /// At an array that is not there, or of which nothing is known.
    Array {
        /// Its first tick.
        start: i32,
        /// It is known not to exist.
        is_absent: bool,
        /// The swap starts with it.
        is_first: bool,
    },
}

/// The ticks in ascending order.
///
/// Way `i` leads from tick `i - 1` to tick `i` within `liquidity[i]`; the pool's price is within way
/// `below`.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    pub(super) rungs: Vec<Rung>,
    /// Liquidity below tick 0, between tick 0 and 1, …, above the last.
    pub(super) liquidity: Vec<u128>,
    /// Running sums at each tick of the ways below it, `[downwards, upwards]`.
    sums: [Vec<Way>; 2],
    /// Number of ticks at or below the pool's present tick.
    pub(super) below: usize,
    /// Crossing ticks of this range leaves a liquidity that is a number of 128 bits.
    pub(super) sound: std::ops::Range<usize>,
    /// How the list ends downwards and upwards.
    pub(super) ends: [End; 2],
    /// Least liquidity above 0 on any way; `u128::MAX` if there is none.
    pub(super) least_liquidity: u128,
}

impl Ladder {
    /// Returns a ladder without ticks that ends with `fault`.
    pub(super) fn empty(fault: Fault) -> Self {
        Self {
            rungs: Vec::new(),
            liquidity: vec![0],
            sums: [Vec::new(), Vec::new()],
            below: 0,
            sound: 0..0,
            ends: [End::Fault(fault); 2],
            least_liquidity: u128::MAX,
        }
    }

    /// Works the liquidity and the sums out anew for `liquidity` at `tick_current`.
    pub(super) fn rebuild(&mut self, tick_current: i32, liquidity: u128, fee: TradeFee) {
        let Self { rungs, sums, .. } = self;
        let below = rungs.partition_point(|rung| rung.tick <= tick_current);
        self.below = below;
        self.liquidity.clear();
        self.liquidity.resize(rungs.len() + 1, 0);
        self.liquidity[below] = liquidity;
        self.sound = 0..rungs.len();
        let mut here = liquidity;
        for (index, rung) in rungs.iter().enumerate().take(below).rev() {
            let Some(next) = crossed(here, rung.liquidity_net, true) else {
                self.sound.start = index + 1;
                break;
            };
            here = next;
            self.liquidity[index] = here;
        }
        here = liquidity;
        for (index, rung) in rungs.iter().enumerate().skip(below) {
            let Some(next) = crossed(here, rung.liquidity_net, false) else {
                self.sound.end = index;
                break;
            };
            here = next;
            self.liquidity[index + 1] = here;
        }
        let mut total = [Way::default(); 2];
        for (side, sums) in sums.iter_mut().enumerate() {
            sums.clear();
            sums.extend(rungs.first().map(|_| total[side]));
        }
        for (index, pair) in rungs.windows(2).enumerate() {
            let ways = Way::both(pair[0].sqrt_price, pair[1].sqrt_price, self.liquidity[index + 1], fee);
            for (side, way) in ways.into_iter().enumerate() {
                total[side] = total[side].plus(way);
                sums[side].push(total[side]);
            }
        }
        self.least_liquidity =
            self.liquidity.iter().copied().filter(|&liquidity| liquidity > 0).min().unwrap_or(u128::MAX);
    }

    /// Moves to another present tick; `false` if the sums do not hold there: the liquidity differs.
    pub(super) fn moved(&mut self, tick_current: i32, liquidity: u128) -> bool {
        let below = self.rungs.partition_point(|rung| rung.tick <= tick_current);
        let holds = self.liquidity[below] == liquidity
            && (self.sound.start..=self.sound.end).contains(&below)
            && self.sound == (0..self.rungs.len());
        if holds {
            self.below = below;
        }
        holds
    }

    /// Returns how far whole ways lead downwards from tick `from`: the lowest tick, not below `lowest`,
    /// at which `remaining` is not yet used up or just is. The second value is what they move.
    pub(super) fn descend(&self, from: usize, lowest: usize, remaining: u64, exact_in: bool) -> (usize, Way) {
        let sums = &self.sums[0];
        let (top, left) = (sums[from], u128::from(remaining));
        let pick = |way: &Way| if exact_in { way.gross_in } else { way.out };
        let goal = pick(&top);
        let mut reached = lowest + sums[lowest..=from].partition_point(|way| pick(way) + left <= goal);
        // Just used up counts, at the first tick where it is.
        if reached > lowest && goal - pick(&sums[reached - 1]) == left {
            reached -= 1;
        }
        (reached, top.since(sums[reached]))
    }

    /// As [`descend`](Self::descend), upwards and not above `highest`.
    pub(super) fn ascend(&self, from: usize, highest: usize, remaining: u64, exact_in: bool) -> (usize, Way) {
        let sums = &self.sums[1];
        let (bottom, left) = (sums[from], u128::from(remaining));
        let pick = |way: &Way| if exact_in { way.gross_in } else { way.out };
        let start = pick(&bottom);
        let short = sums[from..=highest].partition_point(|way| pick(way) - start < left);
        let mut reached = from + short.max(1) - 1;
        if reached < highest && pick(&sums[reached + 1]) - start == left {
            reached += 1;
        }
        (reached, sums[reached].since(bottom))
    }
}

/// Returns the liquidity after crossing a tick; `None` where the program panics.
pub(super) fn crossed(liquidity: u128, liquidity_net: i128, downwards: bool) -> Option<u128> {
    // The program negates in either direction, so the least number fails both ways.
    let opposite = liquidity_net.checked_neg()?;
    liquidity.checked_add_signed(if downwards { opposite } else { liquidity_net })
}
