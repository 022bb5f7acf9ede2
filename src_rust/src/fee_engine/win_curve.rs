//! How often a tip of so many times the median landed tip wins: our attempts on top of the tip floor.
//!
//! Steps of a quarter octave, from 1/16 to 1,024 times the median. Each holds the weight of attempts and of
//! wins, which halves every `half_life_slots`. A step's estimate is the mean of a Beta posterior
//! whose prior counts as `prior_attempts` attempts at the share of landed tips that the step's tip reaches
//! (competitors bid as what landed). A higher tip never wins less often, so the steps are
//! pooled by the pool-adjacent-violators rule, weighted by attempts: with won-or-lost as the only news that
//! is the maximum-likelihood curve under this constraint.
//!
//! # Source
//! Ayer, Brunk, Ewing, Reid and Silverman, *An Empirical Distribution Function for Sampling with
//! Incomplete Information*, 1955.

use super::FeeConfig;
use super::calibration::kept;
use super::tip_floor::TipFloor;
use crate::quantities::Slot;

const STEPS_PER_OCTAVE: f64 = 4.0;
const LOWEST_OCTAVE: f64 = -4.0;
const STEPS: usize = 57;

/// Points between two steps at which tips are tried.
pub(super) const FINE: usize = 4;

/// Tips that are tried, as multiples of the median, and how often they win.
const POINTS: usize = (STEPS - 1) * FINE + 1;

#[derive(Debug, Clone, Copy, Default)]
struct Step {
    attempts: f64,
    wins: f64,
    slot: Slot,
}

/// The win curve.
#[derive(Debug, Clone)]
pub(super) struct WinCurve {
    steps: [Step; STEPS],
    ratios: [f64; POINTS],
    wins: [f64; POINTS],
}

fn ratio(steps: f64) -> f64 {
    (LOWEST_OCTAVE + steps / STEPS_PER_OCTAVE).exp2()
}

impl WinCurve {
    pub(super) fn new() -> Self {
        Self {
            steps: [Step::default(); STEPS],
            ratios: std::array::from_fn(|point| ratio(point as f64 / FINE as f64)),
            wins: [0.0; POINTS],
        }
    }

    /// Takes notice of a bid; its weight is what is left of it by now.
    pub(super) fn observe(&mut self, multiple: f64, landed: bool, age: u64, now: Slot, config: &FeeConfig) {
        let steps = (multiple.log2() - LOWEST_OCTAVE) * STEPS_PER_OCTAVE;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to STEPS - 1")]
        let index = steps.round().clamp(0.0, (STEPS - 1) as f64) as usize;
        let step = &mut self.steps[index];
        let left = kept(now.saturating_sub(step.slot), config.half_life_slots);
        let weight = kept(age, config.half_life_slots);
        step.attempts = step.attempts * left + weight;
        step.wins = step.wins * left + if landed { weight } else { 0.0 };
        step.slot = now;
    }

    /// Works the curve out anew, after a bid or a floor.
    pub(super) fn update(&mut self, floor: &TipFloor, now: Slot, config: &FeeConfig) {
        let prior = f64::from(config.prior_attempts);
        let median = floor.reference() as f64;
        // Pools of neighbouring steps: weight, wins, how many steps.
        let mut pools: Vec<(f64, f64, usize)> = Vec::with_capacity(STEPS);
        for (index, step) in self.steps.iter().enumerate() {
            let left = kept(now.saturating_sub(step.slot), config.half_life_slots);
            let expected = floor.share_up_to(median * ratio(index as f64));
            let mut pool = (step.attempts * left + prior, step.wins * left + prior * expected, 1);
            while let Some(&(weight, wins, count)) = pools.last()
                && wins * pool.0 >= pool.1 * weight
            {
                pool = (pool.0 + weight, pool.1 + wins, pool.2 + count);
                pools.pop();
            }
            pools.push(pool);
        }
        let mut steps = [0.0; STEPS];
        let mut first = 0;
        for (weight, wins, count) in pools {
            steps[first..first + count].fill(wins / weight);
            first += count;
        }
        for (point, win) in self.wins.iter_mut().enumerate() {
            let (low, part) = (point / FINE, (point % FINE) as f64 / FINE as f64);
            let high = steps[(low + 1).min(STEPS - 1)];
            *win = steps[low] + (high - steps[low]) * part;
        }
    }

    /// Returns the points of the curve: multiples of the median, and how often they win.
    pub(super) fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.ratios.iter().copied().zip(self.wins.iter().copied())
    }

    /// Returns how often a tip of this multiple of the median wins.
    pub(super) fn win(&self, multiple: f64) -> f64 {
        let points = (multiple.log2() - LOWEST_OCTAVE) * STEPS_PER_OCTAVE * FINE as f64;
        let points = points.clamp(0.0, (POINTS - 1) as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to POINTS - 1")]
        let low = (points.floor() as usize).min(POINTS - 2);
        let part = points - low as f64;
        self.wins[low] + (self.wins[low + 1] - self.wins[low]) * part
    }
}
