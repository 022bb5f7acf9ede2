//! Does what is asked for come true? Own attempts move the percentile that is looked up.

use super::{FeeConfig, PriorityAttempt};
use crate::quantities::Slot;

/// Half-lives after which an attempt teaches nothing.
pub(super) const LONG_PAST: u64 = 8;

/// Greatest shift either way: half of what the asked percentile leaves to 0 or to 100 %.
const MOST: f64 = 0.5;

/// Adaptive conformal inference with a single bounded shift.
///
/// After each attempt `shift += rate × (missed - (1 - asked))`, where `missed` is 1 or 0: it rests where
/// the share of misses is the one that was asked for. The shift moves the percentile by that share of
/// what is left to 100 % (to 0 % if negative), halves every `half_life_slots`, and stays within ±1/2, so
/// what attempts can teach, and what false outcomes can do, is bounded.
///
/// # Source
/// Gibbs and Candès, *Adaptive Conformal Inference Under Distribution Shift*, 2021, update (2); the bound and
/// the decay are ours, and with them its guarantee of the long-run share no longer holds exactly.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Calibration {
    /// At `slot`.
    shift: f64,
    slot: Slot,
}

/// Returns what is left of a weight after so many slots.
pub(super) fn kept(slots: u64, half_life_slots: u64) -> f64 {
    (-(slots as f64) / half_life_slots as f64).exp2()
}

impl Calibration {
    fn at(&self, now: Slot, config: &FeeConfig) -> f64 {
        self.shift * kept(now.saturating_sub(self.slot), config.half_life_slots)
    }

    pub(super) fn observe(&mut self, attempt: &PriorityAttempt, now: Slot, config: &FeeConfig) -> bool {
        let age = now.saturating_sub(attempt.slot);
        // A miss below the estimate, or a landing above it, says nothing of the estimate.
        if attempt.paid_price != attempt.estimated_price || age / LONG_PAST >= config.half_life_slots {
            return false;
        }
        let asked = f64::from(attempt.percentile_bps) / 1e4;
        let wrong = if attempt.landed { asked - 1.0 } else { asked };
        let rate = f64::from(config.learning_bps) / 1e4 * kept(age, config.half_life_slots);
        self.shift = (self.at(now, config) + rate * wrong).clamp(-MOST, MOST);
        self.slot = now;
        true
    }

    /// Returns the percentile to look up for the asked one, 1 to 9,999.
    pub(super) fn applied_to(&self, asked_bps: u32, now: Slot, config: &FeeConfig) -> u32 {
        let shift = self.at(now, config);
        let room = if shift > 0.0 { 10_000 - asked_bps } else { asked_bps };
        let moved = f64::from(asked_bps) + shift * f64::from(room);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 9,999")]
        let used = moved.round().clamp(1.0, 9_999.0) as u32;
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(slot: Slot, landed: bool) -> PriorityAttempt {
        PriorityAttempt { slot, percentile_bps: 7_500, estimated_price: 10, paid_price: 10, landed }
    }

    #[test]
    fn misses_raise_and_landings_lower_within_bounds() {
        let config = FeeConfig::default();
        let (mut missed, mut landed) = (Calibration::default(), Calibration::default());
        for _ in 0..10_000 {
            assert!(missed.observe(&attempt(0, false), 0, &config));
            assert!(landed.observe(&attempt(0, true), 0, &config));
        }
        assert_eq!(missed.applied_to(7_500, 0, &config), 8_750);
        assert_eq!(landed.applied_to(7_500, 0, &config), 3_750);
        assert_eq!(missed.applied_to(9_999, 0, &config), 9_999 + u32::from(config.learning_bps == 0));
        assert_eq!(landed.applied_to(1, 0, &config), 1);
    }

    #[test]
    fn the_asked_share_of_misses_is_where_it_rests() {
        let config = FeeConfig::default();
        let mut calibration = Calibration::default();
        for turn in 0..4_000 {
            calibration.observe(&attempt(0, turn % 4 != 0), 0, &config);
        }
        assert!(calibration.applied_to(7_500, 0, &config).abs_diff(7_500) < 50);
    }

    #[test]
    fn what_was_learned_decays() {
        let config = FeeConfig::default();
        let mut calibration = Calibration::default();
        (0..10_000).for_each(|_| assert!(calibration.observe(&attempt(0, false), 0, &config)));
        assert_eq!(calibration.applied_to(7_500, config.half_life_slots, &config), 8_125);
        assert_eq!(calibration.applied_to(7_500, u64::MAX, &config), 7_500);
    }

    #[test]
    fn other_prices_and_long_past_attempts_teach_nothing() {
        let config = FeeConfig::default();
        let mut calibration = Calibration::default();
        let capped = PriorityAttempt { paid_price: 9, ..attempt(0, false) };
        assert!(!calibration.observe(&capped, 0, &config));
        assert!(!calibration.observe(&attempt(0, false), LONG_PAST * config.half_life_slots, &config));
        assert_eq!(calibration.applied_to(7_500, 0, &config), 7_500);
    }
}
