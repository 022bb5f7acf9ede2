//! Tips that landed lately, smoothed.

use super::{FeeConfig, FeeError};
use crate::quantities::Slot;

/// Percentiles of a tip floor, 1/10,000; block engine, `tip_floor`.
pub const FLOOR_PERCENTILES: [u32; 5] = [2_500, 5_000, 7_500, 9_500, 9_900];

const NAMES: [&str; FLOOR_PERCENTILES.len()] = [
    "landed_tips_25th_percentile",
    "landed_tips_50th_percentile",
    "landed_tips_75th_percentile",
    "landed_tips_95th_percentile",
    "landed_tips_99th_percentile",
];

const EMA_NAME: &str = "ema_landed_tips_50th_percentile";

/// Greatest tip that is believed, in SOL.
const MAX_TIP_SOL: f64 = 1_000.0;

const LAMPORTS_PER_SOL: f64 = 1e9;

/// Tips by percentile, in lamports, none below the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TipFloor {
    /// In the order of [`FLOOR_PERCENTILES`].
    pub lamports: [u64; FLOOR_PERCENTILES.len()],
    /// Slot of the last one in it.
    pub slot: Slot,
}

impl TipFloor {
    /// Returns the median, at least 1 lamport: what bids are compared with.
    pub(super) fn reference(&self) -> u64 {
        self.lamports[1].max(1)
    }

    /// Returns the share of landed tips up to `lamports`: between the percentiles by the logarithm of the
    /// tip, below them in proportion to it, above them by the ratio of the highest to it.
    pub(super) fn share_up_to(&self, lamports: f64) -> f64 {
        let share = |index: usize| f64::from(FLOOR_PERCENTILES[index]) / 1e4;
        let tip = |index: usize| self.lamports[index].max(1) as f64;
        let last = FLOOR_PERCENTILES.len() - 1;
        if lamports >= tip(last) {
            return 1.0 - (1.0 - share(last)) * tip(last) / lamports;
        }
        if lamports < tip(0) {
            return share(0) * lamports / tip(0);
        }
        // The highest percentile that is reached; equal percentiles are stepped over.
        let low = (0..last).rev().find(|&index| lamports >= tip(index)).unwrap_or(0);
        let way = (lamports / tip(low)).ln() / (tip(low + 1) / tip(low)).ln();
        share(low) + (share(low + 1) - share(low)) * way
    }

    /// Returns a floor as told, in lamports rounded to the nearest.
    pub(super) fn read(
        slot: Slot,
        sol: [f64; FLOOR_PERCENTILES.len()],
        ema_p50_sol: Option<f64>,
    ) -> Result<(Self, Option<u64>), FeeError> {
        let mut lamports = [0; FLOOR_PERCENTILES.len()];
        for (index, &tip) in sol.iter().enumerate() {
            lamports[index] = to_lamports(NAMES[index], tip)?;
        }
        for index in 1..lamports.len() {
            if lamports[index] < lamports[index - 1] {
                return Err(FeeError::TipFloorOrder {
                    higher: NAMES[index],
                    found: lamports[index],
                    lower: NAMES[index - 1],
                    bound: lamports[index - 1],
                });
            }
        }
        let ema = ema_p50_sol.map(|tip| to_lamports(EMA_NAME, tip)).transpose()?;
        Ok((Self { lamports, slot }, ema))
    }

    /// Returns the average after another floor: `average + weight × (new - average)`, where
    /// the new one counts as at most `max_floor_step` times the average and at least that part of it.
    pub(super) fn after(&self, new: &Self, config: &FeeConfig) -> Self {
        let step = config.max_floor_step;
        let weight = u128::from(config.floor_weight_bps);
        let mut lamports = [0; FLOOR_PERCENTILES.len()];
        for (index, slot) in lamports.iter_mut().enumerate() {
            let old = self.lamports[index];
            // From an average of 0 a step leads nowhere: 1 lamport is where it starts.
            let most = old.max(1).saturating_mul(step);
            let told = new.lamports[index].clamp(old / step, most);
            let sum = u128::from(old) * (10_000 - weight) + u128::from(told) * weight;
            // Rounded towards what was told, so that the average gets there.
            let average = if told > old { sum.div_ceil(10_000) } else { sum / 10_000 };
            *slot = u64::try_from(average).unwrap_or(u64::MAX);
        }
        Self { lamports, slot: new.slot }
    }
}

fn to_lamports(name: &'static str, sol: f64) -> Result<u64, FeeError> {
    if !(0.0..=MAX_TIP_SOL).contains(&sol) {
        return Err(FeeError::TipFloor { name, found: sol, most: MAX_TIP_SOL });
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 10^12, not negative"
    )]
    let lamports = (sol * LAMPORTS_PER_SOL).round() as u64;
    Ok(lamports)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// The example of jito-docs, rounded there as here.
    const SOL: [f64; 5] = [6.001_000_000_000_001e-6, 1e-5, 3.6196e-5, 0.001_496_69, 0.010_000_1];

    fn floor() -> TipFloor {
        TipFloor::read(7, SOL, None).unwrap().0
    }

    #[test]
    fn sol_become_the_nearest_lamports() {
        assert_eq!(floor().lamports, [6_001, 10_000, 36_196, 1_496_690, 10_000_100]);
        let (_, ema) = TipFloor::read(7, SOL, Some(9.836e-6)).unwrap();
        assert_eq!(ema, Some(9_836));
    }

    #[test]
    fn shares_are_those_of_the_percentiles_and_never_fall() {
        let floor = floor();
        for (&tip, share) in floor.lamports.iter().zip(FLOOR_PERCENTILES) {
            assert!((floor.share_up_to(tip as f64) - f64::from(share) / 1e4).abs() < 1e-12);
        }
        let shares: Vec<f64> = (0..800).map(|step| floor.share_up_to(1.03_f64.powi(step))).collect();
        assert!(shares.is_sorted() && shares[0] > 0.0 && shares[799] < 1.0);
        let flat = TipFloor { lamports: [5, 5, 5, 5, 5], slot: 0 };
        assert!((flat.share_up_to(5.0) - 0.99).abs() < 1e-12 && flat.share_up_to(4.0) < 0.25);
        let empty = TipFloor { lamports: [0; 5], slot: 0 };
        assert!(empty.share_up_to(1.0).is_finite());
    }

    #[test]
    fn one_floor_moves_the_average_by_a_bounded_factor() {
        let config = FeeConfig::default();
        let absurd = TipFloor { lamports: [1_000_000_000_000; 5], slot: 8 };
        // Three quarters of the old and a quarter of four times the old.
        assert_eq!(floor().after(&absurd, &config).lamports[1], 17_500);
        let nothing = TipFloor { lamports: [0; 5], slot: 8 };
        assert_eq!(floor().after(&nothing, &config).lamports[1], 8_125);
        let mut up = nothing;
        (0..200).for_each(|_| up = up.after(&TipFloor { lamports: [1_000; 5], slot: 9 }, &config));
        assert!(up.lamports[1] >= 990, "{up:?}");
    }

    #[test]
    fn impossible_floors_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, -1e-9, 1_000.1] {
            let mut sol = SOL;
            sol[2] = bad;
            let refused = TipFloor::read(7, sol, None).unwrap_err().to_string();
            assert!(refused.contains("landed_tips_75th_percentile"), "{refused}");
            assert!(TipFloor::read(7, SOL, Some(bad)).is_err());
        }
        let refused = TipFloor::read(7, [1.0, 0.5, 1.0, 1.0, 1.0], None).unwrap_err();
        assert!(matches!(refused, FeeError::TipFloorOrder { found: 500_000_000, .. }));
    }
}
