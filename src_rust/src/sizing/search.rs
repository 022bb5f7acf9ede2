//! The best input in exact quotes, near the model's peak.
//!
//! Exact profit is the model's less what roundings take. Each fee is rounded up: what is lost falls by
//! `fee` per unit of the hop's input and jumps back by a whole unit once per `1 / fee`, a saw. Each
//! output is rounded down. A unit of the coarsest amount on the way is worth most, so the search
//! steps along that amount: exact-out quotes give the smallest input for each place, and the places
//! at the tops of that hop's saw lose nothing there. Tops come first, from the peak outwards; then
//! the places one below them, and so on, until what is lost for sure is more than can be gained.

mod inputs;
mod saw;
mod window;

use super::chain::Chain;
use super::model::{Amounts, End, Model, Peak};
use super::{LimitedBy, SizedCycle, SizingLimits};
use window::{SMALL_WINDOW, Window};

/// As many inputs are tried one by one, and up to this best input all that may gain: where profits are
/// tens of units, one unit matters.
const SMALL_INPUTS: u64 = 256;
const EXHAUSTIVE: u32 = 8_192;

/// How many places of each tooth of a measured saw are tried before all places are.
const MEASURED_LEVELS: u64 = 4;

/// Finds the best exact input. `peak` is the model's, at or below the largest input.
pub(super) fn search<H: Chain>(
    chain: &H,
    model: &Model,
    peak: &Peak,
    limits: &SizingLimits,
) -> Option<SizedCycle> {
    let (least, most) = (limits.min_amount_in.max(1), limits.most());
    let mut search = Search {
        chain,
        model,
        peak: *peak,
        bound: 0.0,
        margin: 0.0,
        least,
        most,
        left: limits.effort.candidates(chain.is_asked()),
        quotes: 0,
        best: None,
    };
    let mut limited_by = match peak.end {
        End::Margin => None,
        End::Cap => Some(limits.cap()),
        End::Reach => Some(LimitedBy::Liquidity),
    };
    if peak.amount_in < least as f64 {
        search.peak = model.at(least as f64, End::Margin);
        limited_by = Some(LimitedBy::MinAmountIn);
    }
    search.set_bound();
    if search.bound < 1.0 {
        return None;
    }
    let axis = coarsest(&search.peak.amounts, chain.len());
    let start = to_units(search.peak.amount_in.round()).clamp(least, most);
    let mut first = search.try_input(start).then_some(start);
    if first.is_none() {
        first = search.first_feasible(start).or_else(|| search.feasible_place(axis));
        if search.most < most {
            search.peak = model.peak(search.most as f64)?;
            search.set_bound();
            limited_by = Some(LimitedBy::Liquidity);
        }
        search.try_input(first?);
    }
    let is_proven_best = search.run(first?, axis);
    search.shrink_input();
    let (amounts, profit) = search.best?;
    let gross_profit = u64::try_from(profit).ok().filter(|&profit| profit > 0)?;
    let gap = if is_proven_best { 0 } else { to_units(search.bound.floor()).saturating_sub(gross_profit) };
    Some(SizedCycle {
        amounts,
        hops: chain.len(),
        gross_profit,
        profit_bound: search.bound,
        gap,
        limited_by,
        quotes: search.quotes,
    })
}

struct Search<'a, H> {
    chain: &'a H,
    model: &'a Model,
    peak: Peak,
    /// The most that the model allows.
    bound: f64,
    /// Error granted to the model, in units.
    margin: f64,
    least: u64,
    /// Largest input that may work; falls when quotes fail.
    most: u64,
    /// Candidates that may still be tried.
    left: u32,
    quotes: u32,
    best: Option<(Amounts<u64>, i128)>,
}

impl<H: Chain> Search<'_, H> {
    fn set_bound(&mut self) {
        self.margin = 1e-6 + self.model.error() * (self.peak.amount_in + self.peak.profit);
        self.bound = self.peak.profit + self.margin;
    }

    /// Tries what is worth trying. Returns whether nothing better can exist.
    fn run(&mut self, start: u64, coarsest: usize) -> bool {
        if self.is_at_bound() {
            return true;
        }
        if !self.chain.is_asked() {
            return self.run_along(start, coarsest);
        }
        // A pool may ask more for an output than needed: only inputs one by one prove anything.
        let window = self.window(0, 0.0);
        if window.high - window.low >= SMALL_INPUTS {
            let is_small = self.peak.amount_in <= f64::from(EXHAUSTIVE)
                && window.high - window.low <= u64::from(2 * EXHAUSTIVE);
            if self.left > 64 && is_small {
                self.left = self.left.max(2 * EXHAUSTIVE);
            }
            let reserve = self.left / 2;
            self.left -= reserve;
            self.run_along(start, coarsest);
            self.left += reserve;
            if self.is_at_bound() {
                return true;
            }
        }
        let (window, start) = (self.window(0, 0.0), self.best.map_or(start, |(amounts, _)| amounts[0]));
        let reserve = if window.high - window.low < u64::from(self.left) { 0 } else { self.left / 2 };
        self.left -= reserve;
        if self.scan(0, window, 0.0, |step| start.checked_add_signed(step)) {
            return true;
        }
        self.left += reserve;
        self.sample();
        self.is_at_bound()
    }

    /// Spends what is left on inputs spread over the window (golden-ratio sequence), denser in the
    /// middle, where the model leaves most room.
    fn sample(&mut self) {
        let mut window = self.window(0, 0.0);
        let mut fraction = 0.5_f64;
        while self.left > 0 && !self.is_at_bound() {
            self.left -= 1;
            fraction = (fraction + 0.618_033_988_749_894_9) % 1.0;
            let aside = (2.0 * fraction - 1.0).powi(3);
            let (low, width) = (window.low as f64, (window.high - window.low) as f64);
            if self.try_input(to_units((low + 0.5 * (1.0 + aside) * width).round())) {
                self.shrink_input();
                window = self.window(0, 0.0);
            }
        }
    }

    /// Tries places of the coarsest amount, those first that lose least. Returns whether all that can be
    /// better were tried.
    fn run_along(&mut self, start: u64, coarsest: usize) -> bool {
        // Along the coarsest amount, if its curve can be walked backwards.
        let mut axis = coarsest;
        let mut centre = match self.best {
            Some((amounts, _)) if self.chain.is_asked() => amounts[axis], // a place that can be quoted
            _ => to_units(self.peak.amounts[axis].floor()),
        };
        if axis > 0 && self.chain.is_asked() && self.input_for(axis, centre).is_none() {
            (axis, centre) = (0, start);
        }
        let window = self.window(axis, 0.0);
        let width = window.high - window.low;
        let saw = if width < SMALL_WINDOW { None } else { self.saw(axis, centre) };
        if let Some(saw) = saw.filter(|saw| saw.exact.is_none()) {
            // It holds as far as the stretch does.
            for below in 0..MEASURED_LEVELS {
                let place = |step| saw.place(step).map(|top| top.saturating_sub(below));
                if !self.scan(axis, window, 0.0, place) || self.is_at_bound() {
                    return false;
                }
            }
            let window = self.window(axis, 0.0);
            return self.scan(axis, window, 0.0, |step| centre.checked_add_signed(step));
        }
        let Some(saw) = saw.filter(|saw| width as f64 > saw.period) else {
            // At most one top: from there, or from the upper end, which lies next below one.
            let top = saw.and_then(|saw| saw.place(0)).filter(|top| *top >= window.low);
            let centre = if saw.is_some() { top.unwrap_or(window.high) } else { centre };
            let centre = centre.clamp(window.low, window.high);
            return self.scan(axis, window, 0.0, |step| centre.checked_add_signed(step));
        };
        let (mut below, mut window, mut known) = (0, window, self.best_profit());
        while below as f64 <= saw.period {
            // Of each unit on the way from the top a share is lost that the fee rounds away.
            let loss = below as f64 / saw.period;
            if self.best_profit().max(0) as f64 + 1.0 + loss * window.values[axis] > self.bound {
                return true;
            }
            if known != self.best_profit() {
                window = self.window(axis, loss);
                known = self.best_profit();
            }
            if !self.scan(axis, window, loss, |step| saw.place(step).map(|top| top.saturating_sub(below))) {
                return false;
            }
            below += 1;
        }
        true
    }

    /// Tries places of an amount, which rise with the step, from step 0 outwards while an improvement is
    /// possible. `loss`: what each of them loses for sure, in units of that amount. Returns whether all
    /// of them are settled.
    fn scan(
        &mut self,
        axis: usize,
        mut window: Window,
        loss: f64,
        place: impl Fn(i64) -> Option<u64>,
    ) -> bool {
        let mut step = 0_i64;
        let (mut is_below, mut is_above) = (true, true);
        let mut allowed = self.allowed(&window);
        while is_below || is_above {
            for (step, is_open) in [(step, &mut is_above), (-step - 1, &mut is_below)] {
                if !*is_open {
                    continue;
                }
                let place = match place(step) {
                    Some(place) if step >= 0 && place <= window.high => place,
                    Some(place) if step < 0 && place >= window.low => place,
                    _ => {
                        *is_open = false;
                        continue;
                    }
                };
                if place < window.low || place > window.high {
                    continue;
                }
                if self.left == 0 {
                    return false;
                }
                self.left -= 1;
                if self.chain.least_loss(axis, place, &window.values) > allowed {
                    continue;
                }
                let promising = self.chain.promising_input(axis, place, allowed, &window.values);
                let input = promising
                    .filter(|&(input, output)| i128::from(output) - i128::from(input) > self.best_profit());
                if input.is_some_and(|(amount_in, _)| self.try_input(amount_in)) {
                    if self.chain.is_asked() && self.left > 64 {
                        self.shrink_input(); // the last time it is done anyway
                    }
                    if self.is_at_bound() {
                        return true;
                    }
                    if self.left > 64 {
                        window = self.window(axis, loss);
                    }
                    allowed = self.allowed(&window);
                }
            }
            step += 1;
        }
        true
    }

    /// Quotes an input and keeps it if it is the best; of equal ones the smallest.
    fn try_input(&mut self, amount_in: u64) -> bool {
        if amount_in < self.least || amount_in > self.most {
            return false;
        }
        let Some(amounts) = self.forward(amount_in) else { return false };
        let profit = self.profit(&amounts);
        let is_best = self.best.is_none_or(|(best, best_profit)| {
            profit > best_profit || (profit == best_profit && amount_in < best[0])
        });
        if is_best {
            self.best = Some((amounts, profit));
        }
        is_best
    }

    fn profit(&self, amounts: &Amounts<u64>) -> i128 {
        i128::from(amounts[self.chain.len()]) - i128::from(amounts[0])
    }

    fn best_profit(&self) -> i128 {
        self.best.map_or(i128::MIN, |(_, profit)| profit)
    }

    /// Whether one more unit is beyond the model.
    fn is_at_bound(&self) -> bool {
        self.best.is_some_and(|(_, profit)| profit.max(0) as f64 + 1.0 > self.bound)
    }

    fn forward(&mut self, amount_in: u64) -> Option<Amounts<u64>> {
        self.quotes += u32::try_from(self.chain.len()).unwrap_or(0);
        self.chain.forward(amount_in)
    }

    fn input_for(&mut self, hops: usize, amount: u64) -> Option<u64> {
        self.quotes += u32::try_from(hops).unwrap_or(0);
        self.chain.input_for(hops, amount)
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

/// A search position in whole units; never used as money without an exact quote.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, NaN gives 0")]
fn to_units(amount: f64) -> u64 {
    amount as u64
}
