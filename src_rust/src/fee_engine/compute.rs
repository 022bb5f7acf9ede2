//! The compute unit limit: what hops and the rest have used, with a margin.
//!
//! A hop's units grow with the ticks or bins that it crosses, so each venue has two samples: units of
//! hops that cross nothing, and units per crossing, which is `(units - least of the first) / crossings`
//! rounded up. A hop is then predicted by a quantile of the first plus crossings times a quantile of the
//! second. Each sample is the last [`KEPT`] values, each quantile the split-conformal one, as for prices.
//! Adding quantiles errs on the high side: hops are seldom all at their worst.

use super::window::conformal;
use super::{FeeConfig, FeeError, MAX_COMPUTE_UNIT_LIMIT};

/// Venues that are told apart.
pub const MAX_VENUES: usize = 64;

/// Values in a sample: with 128 the 99 % bound is the greatest of them.
const KEPT: usize = 128;

/// Values that a sample needs to be believed.
const LEAST: usize = 8;

/// A hop, as far as its compute units go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HopUnits<'a> {
    /// Stable name of the venue.
    pub venue: &'a str,
    /// Initialised ticks or bins that the swap crosses; 0 for venues without.
    pub crossings: u32,
}

/// What a limit rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitBasis {
    /// Everything in it has been learned.
    Learned,
    /// A hop's venue, or the rest, is not known well enough: at least `cold_compute_unit_limit`.
    Cold,
}

/// A compute unit limit and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitEstimate {
    /// Compute units to ask for.
    pub compute_unit_limit: u32,
    /// Sum of the quantiles that are known, without margin.
    pub learned_units: u64,
    /// What it rests on.
    pub basis: LimitBasis,
    /// Whether 1,400,000 stands instead of more: the transaction may not fit.
    pub is_capped: bool,
}

/// The last values, in order of arrival and of size.
#[derive(Debug, Clone, Default)]
struct Recent {
    ring: Vec<u32>,
    next: usize,
    sorted: Vec<u64>,
}

impl Recent {
    fn push(&mut self, value: u32) {
        if self.ring.len() < KEPT {
            self.ring.push(value);
        } else {
            let old = std::mem::replace(&mut self.ring[self.next], value);
            let at = self.sorted.partition_point(|&each| each < u64::from(old));
            self.sorted.remove(at);
        }
        self.next = (self.next + 1) % KEPT;
        let at = self.sorted.partition_point(|&each| each < u64::from(value));
        self.sorted.insert(at, value.into());
    }

    fn least(&self) -> Option<u64> {
        self.sorted.first().copied()
    }

    fn quantile(&self, share_bps: u32) -> Option<u64> {
        if self.sorted.len() < LEAST {
            return None;
        }
        conformal(&self.sorted, share_bps).map(|found| found.value)
    }
}

#[derive(Debug, Clone, Default)]
struct Venue {
    name: String,
    plain: Recent,
    per_crossing: Recent,
}

impl Venue {
    fn units(&self, crossings: u32, share_bps: u32) -> Option<u64> {
        let plain = self.plain.quantile(share_bps)?;
        if crossings == 0 {
            return Some(plain);
        }
        // Both fit 32 bits.
        Some(plain + u64::from(crossings) * self.per_crossing.quantile(share_bps)?)
    }
}

/// Samples by venue.
#[derive(Debug, Clone, Default)]
pub(super) struct ComputeUnits {
    /// A few: looked through faster than hashed.
    venues: Vec<Venue>,
    overhead: Recent,
}

fn check(units: u32) -> Result<(), FeeError> {
    if !(1..=MAX_COMPUTE_UNIT_LIMIT).contains(&units) {
        return Err(FeeError::Units { found: units });
    }
    Ok(())
}

impl ComputeUnits {
    pub(super) fn observe_hop(&mut self, hop: HopUnits<'_>, units: u32) -> Result<(), FeeError> {
        check(units)?;
        let at = match self.venues.iter().position(|venue| venue.name == hop.venue) {
            Some(at) => at,
            None if self.venues.len() == MAX_VENUES => {
                return Err(FeeError::TooManyVenues { venue: hop.venue.to_owned() });
            }
            None => {
                self.venues.push(Venue { name: hop.venue.to_owned(), ..Venue::default() });
                self.venues.len() - 1
            }
        };
        let venue = &mut self.venues[at];
        if hop.crossings == 0 {
            venue.plain.push(units);
        } else if let Some(least) = venue.plain.least() {
            let excess = u64::from(units).saturating_sub(least).div_ceil(hop.crossings.into());
            venue.per_crossing.push(u32::try_from(excess).unwrap_or(MAX_COMPUTE_UNIT_LIMIT));
        }
        Ok(())
    }

    pub(super) fn observe_overhead(&mut self, units: u32) -> Result<(), FeeError> {
        check(units)?;
        self.overhead.push(units);
        Ok(())
    }

    pub(super) fn limit(&self, hops: &[HopUnits<'_>], config: &FeeConfig) -> LimitEstimate {
        let share = config.units_percentile_bps;
        let mut learned: u64 = 0;
        let mut basis = LimitBasis::Learned;
        let known = |hop: &HopUnits<'_>| {
            self.venues.iter().find(|venue| venue.name == hop.venue)?.units(hop.crossings, share)
        };
        for units in hops.iter().map(known).chain([self.overhead.quantile(share)]) {
            match units {
                Some(units) => learned = learned.saturating_add(units),
                None => basis = LimitBasis::Cold,
            }
        }
        let margin = u128::from(learned) * u128::from(config.units_margin_bps);
        let mut limit = u128::from(learned) + margin.div_ceil(10_000);
        if basis == LimitBasis::Cold {
            limit = limit.max(config.cold_compute_unit_limit.into());
        }
        let is_capped = limit > MAX_COMPUTE_UNIT_LIMIT.into();
        LimitEstimate {
            compute_unit_limit: u32::try_from(limit).unwrap_or(u32::MAX).min(MAX_COMPUTE_UNIT_LIMIT),
            learned_units: learned,
            basis,
            is_capped,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const HOP: HopUnits<'static> = HopUnits { venue: "orca_whirlpool", crossings: 0 };

    fn warm() -> ComputeUnits {
        let mut units = ComputeUnits::default();
        for extra in 0..100 {
            units.observe_hop(HOP, 60_000 + extra).unwrap();
            units
                .observe_hop(HopUnits { crossings: 1 + extra % 3, ..HOP }, 60_000 + (1 + extra % 3) * 20_000)
                .unwrap();
            units.observe_overhead(1_000).unwrap();
        }
        units
    }

    #[test]
    fn a_cold_hop_asks_for_the_cold_limit() {
        let config = FeeConfig::default();
        let found = ComputeUnits::default().limit(&[HOP], &config);
        assert_eq!((found.compute_unit_limit, found.basis), (400_000, LimitBasis::Cold));
        let unknown = HopUnits { venue: "pumpswap", crossings: 0 };
        let found = warm().limit(&[HOP, unknown], &config);
        assert_eq!((found.compute_unit_limit, found.basis), (400_000, LimitBasis::Cold));
    }

    #[test]
    fn a_warm_route_asks_for_its_quantiles_and_the_margin() {
        let config = FeeConfig::default();
        let found = warm().limit(&[HOP, HopUnits { crossings: 2, ..HOP }], &config);
        // 60,099 is the greatest of 100, which 99 % of 101 asks for.
        assert_eq!(found.learned_units, 60_099 + 60_099 + 2 * 20_000 + 1_000);
        assert_eq!(u64::from(found.compute_unit_limit), (found.learned_units * 11).div_ceil(10));
        assert_eq!((found.basis, found.is_capped), (LimitBasis::Learned, false));
    }

    #[test]
    fn the_limit_stops_at_what_a_transaction_may_ask_for() {
        let found = warm().limit(&[HopUnits { crossings: 1_000, ..HOP }], &FeeConfig::default());
        assert_eq!((found.compute_unit_limit, found.is_capped), (1_400_000, true));
        let found = warm().limit(&[HopUnits { crossings: u32::MAX, ..HOP }; 8], &FeeConfig::default());
        assert_eq!((found.compute_unit_limit, found.is_capped), (1_400_000, true));
    }

    #[test]
    fn a_program_that_becomes_cheaper_is_followed() {
        let mut units = warm();
        (0..KEPT).for_each(|_| units.observe_hop(HOP, 30_000).unwrap());
        assert_eq!(units.limit(&[HOP], &FeeConfig::default()).learned_units, 31_000);
    }

    #[test]
    fn impossible_units_and_too_many_venues_are_refused() {
        let mut units = ComputeUnits::default();
        assert_eq!(units.observe_hop(HOP, 0), Err(FeeError::Units { found: 0 }));
        assert_eq!(units.observe_overhead(1_400_001), Err(FeeError::Units { found: 1_400_001 }));
        for number in 0..MAX_VENUES {
            units.observe_hop(HopUnits { venue: &number.to_string(), crossings: 0 }, 1).unwrap();
        }
        let refused = units.observe_hop(HopUnits { venue: "one more", crossings: 0 }, 1);
        assert_eq!(refused, Err(FeeError::TooManyVenues { venue: "one more".into() }));
    }
}
