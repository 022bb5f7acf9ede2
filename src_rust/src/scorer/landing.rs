//! How likely an attempt is to land, learned from attempts that did and did not.
//!
//! A Beta-Bernoulli model that forgets: every observation multiplies what was counted before by
//! `1 − 1/memory`, so that at most `memory` observations count (fading factors: Gama, Sebastião and
//! Rodrigues, *On evaluating stream learning algorithms*, 2013; the same discount on Beta posteriors:
//! Raj and Kalyani, *Taming non-stationary bandits*, 2017). Attempts are counted per cell (venues, hops,
//! age) and all together. The estimate of a cell is the posterior mean under a Beta prior whose mean is
//! the estimate of all and whose weight is `shrinkage` observations, the m-estimate of Cestnik (1990): a
//! cell without observations gets the estimate of all, one with many gets its own share. The estimate of
//! all has the prior Beta(`prior_landed`, `prior_missed`). A cell's own observations are among all, too;
//! with few cells this pulls a little less than the prior says.
//!
//! Integers throughout: the same observations in the same order give the same estimate everywhere.

use rustc_hash::FxHashMap;

use super::value::{Share, WHOLE};
use crate::venues::VENUES;

/// One observation.
const ONE: u64 = 1 << 20;
/// Most cells; attempts of further ones are counted among all only.
const MAX_CELLS: usize = 65_536;

/// Hits and trials of which old ones count less and less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decayed {
    hits: u64,
    trials: u64,
}

impl Decayed {
    /// Counts one trial after letting the earlier ones fade by `1 / memory`; `memory` of 0 counts as 1.
    pub fn observe(&mut self, hit: bool, memory: u32) {
        let memory = u64::from(memory.max(1));
        // Rounds what fades up: the sum stays at or below `memory` observations.
        self.hits -= self.hits.div_ceil(memory);
        self.trials -= self.trials.div_ceil(memory);
        self.trials += ONE;
        self.hits += if hit { ONE } else { 0 };
    }

    /// Returns the share of hits as if `weight` trials without a hit came on top, rounded up.
    #[must_use]
    pub fn share_above(&self, weight: u32) -> Share {
        let whole = u128::from(self.trials) + u128::from(weight) * u128::from(ONE);
        let parts = (u128::from(self.hits) * u128::from(WHOLE)).div_ceil(whole.max(1));
        u16::try_from(parts).ok().and_then(Share::new).unwrap_or(Share::ALL)
    }
}

/// How the model learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LandingConfig {
    /// Observations that count at most, per cell and of all; at least 1. Default 256.
    pub memory: u32,
    /// Attempts taken as landed before the first. Default 1.
    pub prior_landed: u32,
    /// Attempts taken as missed before the first. Default 1.
    pub prior_missed: u32,
    /// Observations that the estimate of all weighs in a cell's. Default 16.
    pub shrinkage: u32,
}

impl Default for LandingConfig {
    fn default() -> Self {
        Self { memory: 256, prior_landed: 1, prior_missed: 1, shrinkage: 16 }
    }
}

/// Why there is no model, or no features.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LandingError {
    /// Nothing would be remembered.
    #[error("memory is 0, it must be at least 1 observation")]
    NoMemory,
    /// Without observations nothing would be known.
    #[error("prior_landed and prior_missed are both 0, one must be at least 1")]
    NoPrior,
    /// A venue that there is not.
    #[error("there is no venue {0:?}")]
    UnknownVenue(String),
}

/// What tells one kind of attempt from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Features {
    /// The venues of the route, bit `i` for number `i` of [`VENUES`].
    venues: u32,
    hops: u8,
    /// 0, 1, 2-3, 4-7, 8 and more slots.
    age: u8,
}

impl Features {
    /// Returns the features of a route through venues of these names.
    ///
    /// # Errors
    /// [`LandingError::UnknownVenue`].
    pub fn of_names<'a>(
        venues: impl IntoIterator<Item = &'a str>,
        hops: u8,
        age_slots: u64,
    ) -> Result<Self, LandingError> {
        let mut all = 0;
        for name in venues {
            let number = VENUES.iter().position(|venue| venue.name == name);
            all |= number.and_then(venue_bit).ok_or_else(|| LandingError::UnknownVenue(name.into()))?;
        }
        Ok(Self::new(all, hops, age_slots))
    }

    /// Returns the features of a route through `venues` (bit `i` for number `i` of
    /// [`VENUES`]) that was seen `age_slots` ago.
    #[must_use]
    pub fn new(venues: u32, hops: u8, age_slots: u64) -> Self {
        let age = match age_slots {
            0 => 0,
            1 => 1,
            2..=3 => 2,
            4..=7 => 3,
            _ => 4,
        };
        Self { venues, hops, age }
    }
}

/// Returns the bit of a venue by its place in [`VENUES`].
#[must_use]
pub fn venue_bit(number: usize) -> Option<u32> {
    1_u32.checked_shl(u32::try_from(number).ok()?)
}

/// Landing probabilities.
#[derive(Debug, Clone, Default)]
pub struct LandingModel {
    config: LandingConfig,
    all: Decayed,
    cells: FxHashMap<Features, Decayed>,
    observed: u64,
}

impl LandingModel {
    /// Returns a model that knows its prior only.
    ///
    /// # Errors
    /// [`LandingError`].
    pub fn new(config: LandingConfig) -> Result<Self, LandingError> {
        if config.memory == 0 {
            return Err(LandingError::NoMemory);
        }
        if config.prior_landed == 0 && config.prior_missed == 0 {
            return Err(LandingError::NoPrior);
        }
        Ok(Self { config, ..Self::default() })
    }

    /// Returns how the model learns.
    #[must_use]
    pub fn config(&self) -> LandingConfig {
        self.config
    }

    /// Returns how many attempts were observed.
    #[must_use]
    pub fn observed(&self) -> u64 {
        self.observed
    }

    /// Learns from one attempt.
    pub fn observe(&mut self, features: Features, landed: bool) {
        let memory = self.config.memory;
        self.observed += 1;
        self.all.observe(landed, memory);
        let has_room = self.cells.len() < MAX_CELLS;
        if has_room || self.cells.contains_key(&features) {
            self.cells.entry(features).or_default().observe(landed, memory);
        }
    }

    /// Returns the landing probability, rounded down.
    #[must_use]
    pub fn estimate(&self, features: Features) -> Share {
        let LandingConfig { prior_landed, prior_missed, shrinkage, .. } = self.config;
        let weighed = |count: u32| u128::from(count) * u128::from(ONE);
        let cell = self.cells.get(&features).copied().unwrap_or_default();
        let hits = u128::from(self.all.hits) + weighed(prior_landed);
        let trials = u128::from(self.all.trials) + weighed(prior_landed) + weighed(prior_missed);
        let weight = weighed(shrinkage);
        if weight == 0 && cell.trials == 0 {
            return share(hits, trials);
        }
        // (cell.hits + weight × hits / trials) / (cell.trials + weight), in one fraction: below 2^108.
        share(u128::from(cell.hits) * trials + weight * hits, (u128::from(cell.trials) + weight) * trials)
    }
}

/// Returns `part / whole` rounded down; `part` is at most `whole`, and that at most 2^109.
fn share(part: u128, whole: u128) -> Share {
    let e4 = (part * u128::from(WHOLE)).checked_div(whole).unwrap_or(0);
    u16::try_from(e4).ok().and_then(Share::new).unwrap_or(Share::NONE)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const HERE: Features = Features { venues: 1, hops: 2, age: 0 };
    const THERE: Features = Features { venues: 6, hops: 3, age: 0 };

    #[test]
    fn estimate_before_any_attempt_is_the_mean_of_the_prior() {
        assert_eq!(LandingModel::default().estimate(HERE).e4(), 5_000);
        let config = LandingConfig { prior_landed: 1, prior_missed: 3, ..LandingConfig::default() };
        assert_eq!(LandingModel::new(config).unwrap().estimate(HERE).e4(), 2_500);
    }

    #[test]
    fn one_landed_attempt_moves_the_cell_more_than_the_others() {
        let mut model = LandingModel::default();
        model.observe(HERE, true);
        // All: 2 of 3. The cell: (1 + 16 × 2/3) / 17.
        assert_eq!(model.estimate(THERE).e4(), 6_666);
        assert_eq!(model.estimate(HERE).e4(), 6_862);
    }

    #[test]
    fn estimate_of_a_cell_approaches_its_own_share() {
        let config = LandingConfig { memory: 10_000, ..LandingConfig::default() };
        let mut model = LandingModel::new(config).unwrap();
        for attempt in 0..8_000 {
            model.observe(HERE, attempt % 4 == 0);
            model.observe(THERE, attempt % 4 != 0);
        }
        assert!((2_450..2_550).contains(&model.estimate(HERE).e4()), "{:?}", model.estimate(HERE));
        assert!((7_450..7_550).contains(&model.estimate(THERE).e4()), "{:?}", model.estimate(THERE));
    }

    #[test]
    fn old_attempts_are_forgotten() {
        let mut model = LandingModel::new(LandingConfig { memory: 32, ..LandingConfig::default() }).unwrap();
        for landed in [true, false] {
            for _ in 0..320 {
                model.observe(HERE, landed);
            }
        }
        assert!(model.estimate(HERE).e4() < 300, "{:?}", model.estimate(HERE));
        assert_eq!(model.observed(), 640);
    }

    #[test]
    fn share_above_is_rounded_up_and_starts_at_nothing() {
        let mut gone = Decayed::default();
        assert_eq!(gone.share_above(4), Share::NONE);
        gone.observe(true, 64);
        assert_eq!(gone.share_above(4).e4(), 2_000);
        assert_eq!(gone.share_above(2).e4(), 3_334);
    }

    #[test]
    fn a_model_without_memory_or_prior_is_refused() {
        let memory = LandingConfig { memory: 0, ..LandingConfig::default() };
        assert_eq!(LandingModel::new(memory).err(), Some(LandingError::NoMemory));
        let prior = LandingConfig { prior_landed: 0, prior_missed: 0, ..LandingConfig::default() };
        assert_eq!(LandingModel::new(prior).err(), Some(LandingError::NoPrior));
    }

    #[test]
    fn extreme_settings_do_not_overflow() {
        let most = u32::MAX;
        let config = LandingConfig { memory: most, prior_landed: most, prior_missed: most, shrinkage: most };
        let mut model = LandingModel::new(config).unwrap();
        model.observe(HERE, true);
        assert_eq!(model.estimate(HERE).e4(), 5_000);
    }
}
