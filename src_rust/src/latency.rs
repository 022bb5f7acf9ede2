//! Durations in a fixed amount of memory, and which stages of the engine took how long.
//!
//! The one idea: a histogram with 64 steps per doubling. A quantile is the upper edge of its step, at most
//! 1.6 % above the true value and never below it. Counters are atomic: whoever adds never waits for who
//! reads. Nothing is decided by what is measured here.

mod stages;

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use stages::{Lap, Stopwatch};
pub use stages::{STAGES, Stages, TimedStage};

const STEP_BITS: u32 = 6;
const STEPS: usize = 1 << STEP_BITS;
/// Steps of 1 ns below 2^6, and 64 for each of the 58 doublings above.
const BUCKETS: usize = STEPS * (64 - STEP_BITS as usize + 1);

/// Counts durations of 0 to 2^64 - 1 ns; 30 kB however many there are.
#[derive(Debug)]
pub struct LatencyHistogram {
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
    /// How often `sum` went past 2^64.
    carries: AtomicU64,
    max: AtomicU64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
            carries: AtomicU64::new(0),
            max: AtomicU64::new(0),
        }
    }
}

/// Below 2^6 a step is 1 ns; above, the 6 bits after the leading one choose the step.
#[inline]
fn bucket_of(duration_ns: u64) -> usize {
    let shift = (63 - STEP_BITS).saturating_sub(duration_ns.leading_zeros());
    ((shift as usize) << STEP_BITS) + usize::try_from(duration_ns >> shift).unwrap_or(0)
}

/// Returns the longest duration of a step.
fn upper_edge(bucket: usize) -> u64 {
    if bucket < 2 * STEPS {
        return bucket as u64;
    }
    let shift = (bucket >> STEP_BITS) - 1;
    let above = (bucket - (shift << STEP_BITS) + 1) as u128;
    u64::try_from((above << shift) - 1).unwrap_or(u64::MAX)
}

impl LatencyHistogram {
    /// Counts one duration.
    #[inline]
    pub fn add(&self, duration_ns: u64) {
        self.buckets[bucket_of(duration_ns)].fetch_add(1, Ordering::Relaxed);
        let before = self.sum.fetch_add(duration_ns, Ordering::Relaxed);
        if before.checked_add(duration_ns).is_none() {
            self.carries.fetch_add(1, Ordering::Relaxed);
        }
        if duration_ns > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(duration_ns, Ordering::Relaxed);
        }
    }

    /// Returns how many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Returns the sum of all durations in ns.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        let carries = u128::from(self.carries.load(Ordering::Relaxed));
        (carries << 64) + u128::from(self.sum.load(Ordering::Relaxed))
    }

    /// Returns the longest duration in ns; 0 if there is none.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.max.load(Ordering::Relaxed)
    }

    /// Returns the ns that at least `fraction`, 0 to 1, of all durations do not exceed; `None` if there
    /// are none. Shares finer than 1/1,000,000 are rounded.
    #[must_use]
    pub fn quantile(&self, fraction: f64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
        let millionths = (fraction.clamp(0.0, 1.0) * 1e6).round_ties_even() as u128;
        let wanted = (u128::from(count) * millionths).div_ceil(1_000_000).max(1);
        let mut seen = 0;
        for (upper, count) in self.buckets() {
            seen += u128::from(count);
            if seen >= wanted {
                return Some(upper.min(self.max_ns()));
            }
        }
        Some(self.max_ns())
    }

    /// Returns the upper edge in ns of each step that counted something, and how many durations are no
    /// longer than it and above the edge of the step before, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let all = self.buckets.iter().enumerate();
        all.map(|(bucket, count)| (upper_edge(bucket), count.load(Ordering::Relaxed)))
            .filter(|&(_, count)| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lie_side_by_side_from_0_to_the_longest() {
        let mut lower = 0;
        for bucket in 0..BUCKETS {
            let upper = upper_edge(bucket);
            assert_eq!((bucket_of(lower), bucket_of(upper)), (bucket, bucket));
            assert!(upper - lower <= lower / 64, "{lower} to {upper}");
            lower = upper.wrapping_add(1);
        }
        assert_eq!(lower, 0, "the last edge is 2^64 - 1");
    }

    #[test]
    fn sum_does_not_end_at_64_bits() {
        let histogram = LatencyHistogram::default();
        for _ in 0..3 {
            histogram.add(u64::MAX);
        }
        assert_eq!(histogram.sum_ns(), 3 * u128::from(u64::MAX));
        assert_eq!((histogram.count(), histogram.max_ns()), (3, u64::MAX));
        assert_eq!(histogram.buckets().collect::<Vec<_>>(), [(u64::MAX, 3)]);
    }
}
