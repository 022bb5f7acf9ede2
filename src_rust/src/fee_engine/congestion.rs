//! How full recent blocks were, and what that adds to an asked percentile.

use super::FeeConfig;
use super::window::SlotWindow;
use crate::quantities::Slot;

/// Slots that the average is taken over: four leaders, as a rule.
const SLOTS: u64 = 16;

fn oldest(now: Slot) -> Slot {
    now.saturating_sub(SLOTS - 1)
}

/// Fullness of the last blocks, 1/10,000 of their limit.
#[derive(Debug, Clone, Default)]
pub(super) struct Congestion {
    recent: SlotWindow,
}

impl Congestion {
    /// Takes what a source says of a block's fullness; several are resolved as prices are.
    pub(super) fn observe(&mut self, source: usize, slot: Slot, fullness_bps: u32, now: Slot, quorum: usize) {
        let oldest = oldest(now);
        self.recent.forget_before(oldest);
        if slot >= oldest {
            self.recent.observe(source, slot, fullness_bps.into(), quorum);
        }
    }

    /// Returns the average over the recent blocks, rounded down; `None` if there is none.
    pub(super) fn fullness_bps(&mut self, now: Slot) -> Option<u32> {
        self.recent.forget_before(oldest(now));
        self.recent.mean().and_then(|mean| u32::try_from(mean).ok())
    }

    /// Returns the percentile to look up: from `congested_bps` to full blocks up to half of what is left
    /// to 100 % is added, linearly; rounded down.
    pub(super) fn applied_to(&mut self, asked_bps: u32, now: Slot, config: &FeeConfig) -> u32 {
        let fullness = self.fullness_bps(now).unwrap_or(0);
        let above = fullness.saturating_sub(config.congested_bps);
        if above == 0 {
            return asked_bps;
        }
        // `above` is not 0, so `congested_bps` is below 10,000.
        let range = u64::from(10_000 - config.congested_bps);
        let added = u64::from(10_000 - asked_bps) * u64::from(above) / (2 * range);
        u32::try_from(u64::from(asked_bps) + added).map_or(9_999, |used| used.min(9_999))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn congestion(fullness: &[u32]) -> Congestion {
        let mut congestion = Congestion::default();
        for (slot, &each) in (0..).zip(fullness) {
            congestion.observe(0, slot, each, slot, 1);
        }
        congestion
    }

    #[test]
    fn below_the_threshold_nothing_is_added() {
        let config = FeeConfig::default();
        assert_eq!(congestion(&[9_000; 8]).applied_to(7_500, 8, &config), 7_500);
        assert_eq!(Congestion::default().applied_to(7_500, 8, &config), 7_500);
    }

    #[test]
    fn full_blocks_add_half_of_what_is_left() {
        let config = FeeConfig::default();
        assert_eq!(congestion(&[10_000; 8]).applied_to(7_500, 8, &config), 8_750);
        assert_eq!(congestion(&[9_500; 8]).applied_to(7_500, 8, &config), 8_125);
        assert_eq!(congestion(&[10_000; 8]).applied_to(9_999, 8, &config), 9_999);
    }

    #[test]
    fn the_average_ages_out() {
        let config = FeeConfig::default();
        let mut full = congestion(&[10_000; 8]);
        assert_eq!(full.applied_to(5_000, 22, &config), 7_500);
        assert_eq!(full.fullness_bps(23), None);
        assert_eq!(full.applied_to(5_000, 23, &config), 5_000);
        assert_eq!(congestion(&[[10_000; 8].as_slice(), &[0; 16]].concat()).fullness_bps(23), Some(0));
    }
}
