//! The best input in exact quotes, near the model's peak.

use super::model::{Amounts, Model, Peak};
use super::{HopRef, MAX_SIZED_HOPS, SizedCycle, SizingLimits};
use crate::amm_math::Curve;

/// A window of this many inputs is tried input by input: nothing can hide between steps.
const SMALL_WINDOW: u64 = 256;

/// Up to this best input everything that may gain is tried, whatever the limit on candidates: where
/// profits are tens of units, one unit matters.
const EXHAUSTIVE: u32 = 8192;

/// How many steps on either side of a new best are tried.
const BESIDE: u64 = 12;

/// Fees round up once per `1 / fee` units, so profit is a saw with teeth of 100 to 10,000 steps whose
/// height is a whole unit of the coarsest amount. Strides up a tooth begin with two to the power
/// below this.
const LIFTS: u32 = 10;

/// Relative error granted to the model, well above that of its few dozen `f64` operations.
const MODEL_ERROR: f64 = 1e-13;

/// Finds the best exact input.
pub(super) fn search<C: Curve + ?Sized>(
    hops: &[HopRef<'_, C>],
    model: &Model,
    peak: &Peak,
    limits: SizingLimits,
) -> Option<SizedCycle> {
    let mut search = Search {
        hops,
        model,
        bound: 0.0,
        margin: 0.0,
        peak_in: 0.0,
        cap: limits.max_amount_in,
        left: limits.max_candidates,
        quotes: 0,
        best: None,
    };
    search.set_peak(peak);
    if search.bound < 1.0 {
        return None;
    }
    let axis = coarsest(&peak.amounts, hops.len());
    let start = to_units(peak.amount_in.round()).clamp(1, limits.max_amount_in);
    let start = search.first_feasible(start).or_else(|| search.feasible_step(axis, peak.amounts[axis]))?;
    let mut peak = *peak;
    if search.cap < limits.max_amount_in {
        peak = model.peak(search.cap as f64)?;
        search.set_peak(&peak);
    }
    if peak.amount_in <= f64::from(EXHAUSTIVE) {
        search.left = search.left.max(2 * EXHAUSTIVE);
    }
    let is_proven_best = search.run(start, axis);
    let (amounts, profit) = search.best?;
    let gross_profit = u64::try_from(profit).ok().filter(|&profit| profit > 0)?;
    Some(SizedCycle {
        amounts,
        hops: hops.len(),
        gross_profit,
        profit_bound: peak.profit,
        is_proven_best,
        quotes: search.quotes,
    })
}

struct Search<'a, C: ?Sized> {
    hops: &'a [HopRef<'a, C>],
    model: &'a Model,
    /// The most that the model allows.
    bound: f64,
    /// Error granted to the model, in units.
    margin: f64,
    peak_in: f64,
    /// Largest input that may work; falls when quotes fail.
    cap: u64,
    /// Candidates that may still be tried.
    left: u32,
    quotes: u32,
    best: Option<(Amounts<u64>, i128)>,
}

impl<C: Curve + ?Sized> Search<'_, C> {
    fn set_peak(&mut self, peak: &Peak) {
        self.margin = 1e-6 + MODEL_ERROR * (peak.amount_in + peak.profit);
        self.bound = peak.profit + self.margin;
        self.peak_in = peak.amount_in;
    }

    /// Tries what is worth trying. Returns whether nothing better can exist.
    fn run(&mut self, start: u64, coarsest: usize) -> bool {
        self.try_input(start);
        if self.is_at_bound() {
            return true;
        }
        let (low, high) = self.window();
        if high - low < SMALL_WINDOW {
            return self.scan(0, low, high);
        }
        // Along the coarsest amount, if its curve can be walked backwards.
        let mut axis = coarsest;
        let mut centre = self.best.map_or(start, |(amounts, _)| amounts[axis]);
        if axis > 0 && self.input_for(axis, centre).is_none() {
            (axis, centre) = (0, start);
        }
        self.try_step(axis, centre);
        let (low, high) = self.steps(axis);
        if high - low < u64::from(self.left) {
            return self.scan(axis, low, high);
        }
        self.ascend(axis, centre);
        self.sample(axis);
        self.is_at_bound()
    }

    /// The largest input at or below `start` that can be quoted, assuming that the failing ones
    /// are the larger ones.
    fn first_feasible(&mut self, start: u64) -> Option<u64> {
        if self.forward(start).is_some() {
            return Some(start);
        }
        let (mut fails, mut step) = (start, 1);
        // Growing steps down, then halves: the limit is usually near, but may be anywhere.
        let mut works = loop {
            let lower = fails - step.min(fails.div_ceil(2));
            if lower == 0 {
                return None;
            }
            if self.forward(lower).is_some() {
                break lower;
            }
            fails = lower;
            step = step.saturating_mul(2);
        };
        while fails - works > 1 {
            let middle = works + (fails - works) / 2;
            if self.forward(middle).is_some() {
                works = middle;
            } else {
                fails = middle;
            }
        }
        self.cap = works;
        Some(works)
    }

    /// An input that works where smaller and larger ones fail: a curve that ends within a few units
    /// of the coarsest amount takes one of its whole units or none.
    fn feasible_step(&mut self, axis: usize, amount: f64) -> Option<u64> {
        let near = to_units(amount.floor()).saturating_sub(2).max(1);
        (near..=near.saturating_add(4)).rev().find_map(|place| {
            let amount_in = self.input_for(axis, place).filter(|&amount_in| amount_in <= self.cap)?;
            self.forward(amount_in).map(|_| amount_in)
        })
    }

    /// Tries every step of an amount in a range, from the middle outwards, while an improvement
    /// is possible. Returns whether that settles it.
    fn scan(&mut self, axis: usize, low: u64, high: u64) -> bool {
        let (mut low, mut high) = (low, high);
        let middle = low + (high - low) / 2;
        let (mut below, mut above) = (middle, middle + 1);
        loop {
            let (has_below, has_above) = (below >= low && below > 0, above <= high);
            if !(has_below || has_above) || self.is_at_bound() {
                return true;
            }
            if self.left == 0 {
                return false;
            }
            let before = self.best_profit();
            if has_below {
                self.try_step(axis, below);
                below -= 1;
            }
            if has_above {
                self.try_step(axis, above);
                above += 1;
            }
            if self.best_profit() > before {
                (low, high) = self.steps(axis);
            }
        }
    }

    /// Spends what is left on places spread over the window (golden-ratio sequence), denser in the
    /// middle, where the model leaves most room, and right beside each new best.
    fn sample(&mut self, axis: usize) {
        let (mut low, mut high) = self.steps(axis);
        let mut fraction = 0.5_f64;
        while self.left > 0 && !self.is_at_bound() {
            fraction = (fraction + 0.618_033_988_749_894_9) % 1.0;
            let aside = (2.0 * fraction - 1.0).powi(3);
            let place = to_units((low as f64 + 0.5 * (1.0 + aside) * (high - low) as f64).round());
            let before = self.best_profit();
            self.ascend(axis, place);
            if self.best_profit() > before {
                self.try_beside(axis);
                (low, high) = self.steps(axis);
            }
        }
    }

    /// Tries the next few steps on both sides of the best.
    fn try_beside(&mut self, axis: usize) {
        let Some((amounts, _)) = self.best else { return };
        for step in 1..=BESIDE {
            for place in
                [from_below(amounts[axis], step), amounts[axis].checked_add(step)].into_iter().flatten()
            {
                if self.left == 0 || self.is_at_bound() {
                    return;
                }
                self.try_step(axis, place);
            }
        }
    }

    /// Goes up one tooth of the saw that fees make, in halving strides.
    fn ascend(&mut self, axis: usize, from: u64) -> u64 {
        let mut here = (self.try_step(axis, from), from);
        for shift in (0..LIFTS).rev() {
            let Some(place) = here.1.checked_add(1 << shift) else { continue };
            if self.left == 0 {
                break;
            }
            let profit = self.try_step(axis, place);
            if profit > here.0 {
                here = (profit, place);
            }
        }
        here.1
    }

    /// Inputs at which the model allows more than the best found.
    fn window(&self) -> (u64, u64) {
        let wanted = self.best_profit().max(0) as f64 + 1.0 - self.margin;
        let enough = |amount_in: f64| amount_in > 0.0 && self.model.profit(amount_in) >= wanted;
        let edge = |direction: f64| {
            let mut inside = 0.0;
            let mut outside = 1.0;
            while enough(self.peak_in + direction * outside) && outside < 1e20 {
                inside = outside;
                outside *= 4.0;
            }
            while outside - inside > 1.0_f64.max(outside / 64.0) {
                let middle = 0.5 * (inside + outside);
                if enough(self.peak_in + direction * middle) {
                    inside = middle;
                } else {
                    outside = middle;
                }
            }
            self.peak_in + direction * outside
        };
        let (low, high) = (to_units(edge(-1.0).floor()), to_units(edge(1.0).ceil()));
        let high = high.clamp(1, self.cap);
        (low.clamp(1, high), high)
    }

    /// The window in steps of an amount.
    fn steps(&self, axis: usize) -> (u64, u64) {
        let (low, high) = self.window();
        if axis == 0 {
            return (low, high);
        }
        let amount = |amount_in: u64| self.model.amounts(amount_in as f64)[axis];
        // Exact amounts lie below the model's by some rounding.
        let low = to_units(amount(low).floor()).saturating_sub(2).max(1);
        (low, to_units(amount(high).ceil()).max(low))
    }

    /// Tries the smallest input that gives `place` of the amount after hop `axis`. Returns the
    /// profit, or the least number if there is none.
    fn try_step(&mut self, axis: usize, place: u64) -> i128 {
        if let Some(amount_in) = self.input_for(axis, place) {
            return self.try_input(amount_in);
        }
        self.left = self.left.saturating_sub(1);
        i128::MIN
    }

    /// Quotes an input and keeps it if it is the best; of equal ones the smallest.
    fn try_input(&mut self, amount_in: u64) -> i128 {
        self.left = self.left.saturating_sub(1);
        if amount_in == 0 || amount_in > self.cap {
            return i128::MIN;
        }
        let Some(amounts) = self.forward(amount_in) else { return i128::MIN };
        let profit = self.profit(&amounts);
        if self.best.is_none_or(|(best, best_profit)| {
            profit > best_profit || (profit == best_profit && amount_in < best[0])
        }) {
            self.best = Some((amounts, profit));
            self.shrink_input();
        }
        profit
    }

    /// Lowers the best input while the output stays: an input between two steps is a loss.
    fn shrink_input(&mut self) {
        let hops = self.hops.len();
        let Some((amounts, _)) = self.best else { return };
        let amount_out = amounts[hops];
        if let Some(amount_in) = self.input_for(hops, amount_out)
            && amount_in < amounts[0]
        {
            self.keep_if_same(amount_in, amount_out);
        }
        // Exact-out quotes need not be the smallest: look below, in growing steps.
        let mut step = 1;
        while let Some((amounts, _)) = self.best
            && let Some(amount_in) = from_below(amounts[0], step)
        {
            if !self.keep_if_same(amount_in, amount_out) {
                if step == 1 {
                    return;
                }
                step = 1;
                continue;
            }
            step *= 2;
        }
    }

    fn keep_if_same(&mut self, amount_in: u64, amount_out: u64) -> bool {
        let Some(amounts) = self.forward(amount_in).filter(|amounts| amounts[self.hops.len()] >= amount_out)
        else {
            return false;
        };
        self.best = Some((amounts, self.profit(&amounts)));
        true
    }

    fn profit(&self, amounts: &Amounts<u64>) -> i128 {
        i128::from(amounts[self.hops.len()]) - i128::from(amounts[0])
    }

    fn best_profit(&self) -> i128 {
        self.best.map_or(i128::MIN, |(_, profit)| profit)
    }

    /// Whether one more unit is beyond the model.
    fn is_at_bound(&self) -> bool {
        self.best.is_some_and(|(_, profit)| profit.max(0) as f64 + 1.0 > self.bound)
    }

    /// Exact amounts along the cycle, each hop's input being the one before's output.
    fn forward(&mut self, amount_in: u64) -> Option<Amounts<u64>> {
        let mut amounts = [0; MAX_SIZED_HOPS + 1];
        amounts[0] = amount_in;
        for (place, hop) in self.hops.iter().enumerate() {
            self.quotes += 1;
            amounts[place + 1] = hop.curve.quote_exact_in(hop.a_to_b, amounts[place]).ok()?;
        }
        Some(amounts)
    }

    /// The input for which exact-out quotes promise `amount` after the first `hops` hops.
    fn input_for(&mut self, hops: usize, amount: u64) -> Option<u64> {
        let mut amount = amount;
        for hop in self.hops[..hops].iter().rev() {
            self.quotes += 1;
            amount = hop.curve.quote_exact_out(hop.a_to_b, amount).ok()?;
        }
        Some(amount)
    }
}

/// The place of the smallest amount; of equal ones the first, which costs least to reach.
fn coarsest(amounts: &Amounts<f64>, hops: usize) -> usize {
    let mut place = 0;
    for other in 1..=hops {
        if amounts[other] < amounts[place] {
            place = other;
        }
    }
    place
}

fn from_below(amount: u64, step: u64) -> Option<u64> {
    amount.checked_sub(step).filter(|&lower| lower > 0)
}

/// A search position in whole units; never used as money without an exact quote.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, NaN gives 0")]
fn to_units(amount: f64) -> u64 {
    amount as u64
}
