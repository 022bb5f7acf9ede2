//! How far behind the first arrival an endpoint's duplicates are: a histogram of bounded size.

/// Buckets of each power of two: a percentile is at most an eighth above the truth.
const PARTS: u64 = 8;
/// Lags from here on (about 73 minutes) share the last bucket.
const MAX_POWER: u32 = 42;
const BUCKETS: usize = (MAX_POWER as usize - 2) * 8 + 1;

/// Counts of lags in nanoseconds, by size; takes 2.6 kB whatever it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LagHistogram {
    counts: [u64; BUCKETS],
    total: u64,
    max: u64,
}

impl Default for LagHistogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], total: 0, max: 0 }
    }
}

/// Returns the bucket of a lag: below 8 each value has its own, then eight for each power of two.
fn bucket(lag_ns: u64) -> usize {
    let index = if lag_ns < PARTS {
        lag_ns
    } else {
        let power = lag_ns.ilog2();
        if power >= MAX_POWER {
            return BUCKETS - 1;
        }
        let part = (lag_ns >> (power - 3)) - PARTS;
        u64::from(power - 3 + 1) * PARTS + part
    };
    usize::try_from(index).unwrap_or(BUCKETS - 1)
}

/// Returns the largest lag that falls into a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let index = bucket as u64;
    if index < PARTS {
        return index;
    }
    let (shift, part) = (index / PARTS - 1, index % PARTS);
    ((PARTS + part + 1) << shift) - 1
}

impl LagHistogram {
    /// Counts one lag.
    #[inline]
    pub fn record(&mut self, lag_ns: u64) {
        self.counts[bucket(lag_ns)] += 1;
        self.total += 1;
        self.max = self.max.max(lag_ns);
    }

    /// Returns how many lags were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Returns the largest lag, in nanoseconds; 0 before the first.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.max
    }

    /// Returns the lag that `percent` of 100 are not above, in nanoseconds: at most an eighth more
    /// than the exact one. `None` before the first lag, or if `percent` is above 100.
    #[must_use]
    pub fn percentile_ns(&self, percent: u8) -> Option<u64> {
        if self.total == 0 || percent > 100 {
            return None;
        }
        let rank = (u128::from(self.total) * u128::from(percent)).div_ceil(100).max(1);
        let mut counted = 0_u128;
        for (index, &count) in self.counts.iter().enumerate() {
            counted += u128::from(count);
            if counted >= rank {
                let last = index + 1 == BUCKETS;
                return Some(if last { self.max } else { upper_bound(index).min(self.max) });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lag_is_in_a_bucket_that_ends_at_most_an_eighth_above_it() {
        let near = |power: u32| (-2_i64..=2).map(move |offset| (1_u64 << power).wrapping_add_signed(offset));
        for lag in (0..5000).chain((12..MAX_POWER).flat_map(near)).filter(|&lag| lag < 1 << MAX_POWER) {
            let bound = upper_bound(bucket(lag));
            assert!(bound >= lag && bound - lag <= lag / 8, "{lag}: {bound}");
            assert_eq!(bucket(bound), bucket(lag));
            assert_eq!(bucket(bound + 1), bucket(lag) + 1);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentile_ns_of_a_hundred_lags_is_the_one_of_that_rank() {
        let mut lags = LagHistogram::default();
        assert_eq!(lags.percentile_ns(50), None);
        for lag in 1..=100_u64 {
            lags.record(lag * 1000);
        }
        for percent in [1_u8, 50, 90, 99, 100] {
            let exact = u64::from(percent) * 1000;
            let found = lags.percentile_ns(percent).expect("lags were counted");
            assert!(found >= exact && found - exact <= exact / 8, "{percent}: {found}");
        }
        assert_eq!((lags.percentile_ns(100), lags.percentile_ns(101)), (Some(100_000), None));
        lags.record(u64::MAX);
        assert_eq!((lags.percentile_ns(100), lags.count()), (Some(u64::MAX), 101));
    }
}
