//! What an attempt is worth on average, in whole lamports.

/// Shares are counted in so many parts.
pub const WHOLE: u16 = 10_000;

/// A share or probability in 1/10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u16);

impl Share {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self(WHOLE);

    /// Returns a share of `e4` parts in 10,000; `None` above 10,000.
    #[must_use]
    pub const fn new(e4: u16) -> Option<Self> {
        if e4 <= WHOLE { Some(Self(e4)) } else { None }
    }

    /// Returns `part / whole`, rounded down; `None` if `part` exceeds `whole` or `whole` is 0.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        if part > whole {
            return None;
        }
        let e4 = (u128::from(part) * u128::from(WHOLE)).checked_div(u128::from(whole))?;
        u16::try_from(e4).ok().map(Self)
    }

    /// Returns the parts in 10,000.
    #[must_use]
    pub const fn e4(self) -> u16 {
        self.0
    }
}

/// What is won and lost with one attempt, in lamports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stakes {
    /// Gain before all costs if the attempt lands, rounded down.
    pub gross_profit_lamports: u64,
    /// Paid to the block engine if it lands.
    pub tip_lamports: u64,
    /// Network and priority fee: counted whether it lands or not.
    pub fee_lamports: u64,
    /// What a failure costs beyond the fees: 0 where a failed attempt leaves no trace.
    pub failure_lamports: u64,
}

impl Stakes {
    /// Returns `profit × p − tip × p − fees − failure × (1 − p)` in lamports, rounded down (towards
    /// refusing); `None` if it does not fit 64 bits.
    #[must_use]
    pub fn expected_value_lamports(&self, landing: Share) -> Option<i64> {
        let whole = i128::from(WHOLE);
        let p = i128::from(landing.e4());
        let won = i128::from(self.gross_profit_lamports) - i128::from(self.tip_lamports);
        // No term exceeds 2^64 × 10^4 < 2^78.
        let value =
            won * p - i128::from(self.fee_lamports) * whole - i128::from(self.failure_lamports) * (whole - p);
        i64::try_from(value.div_euclid(whole)).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const STAKES: Stakes = Stakes {
        gross_profit_lamports: 100_000,
        tip_lamports: 10_000,
        fee_lamports: 25_000,
        failure_lamports: 5_000,
    };

    #[test]
    fn expected_value_of_a_worked_example() {
        // 90,000 × 0.6 − 25,000 − 5,000 × 0.4
        assert_eq!(STAKES.expected_value_lamports(Share::new(6_000).unwrap()), Some(27_000));
        assert_eq!(STAKES.expected_value_lamports(Share::NONE), Some(-30_000));
        assert_eq!(STAKES.expected_value_lamports(Share::ALL), Some(65_000));
    }

    #[test]
    fn expected_value_rounds_down_on_both_sides_of_zero() {
        let one = Stakes { gross_profit_lamports: 1, ..Stakes::default() };
        assert_eq!(one.expected_value_lamports(Share::new(9_999).unwrap()), Some(0));
        let lost = Stakes { failure_lamports: 1, ..Stakes::default() };
        assert_eq!(lost.expected_value_lamports(Share::new(9_999).unwrap()), Some(-1));
    }

    #[test]
    fn expected_value_that_does_not_fit_is_none() {
        let most = Stakes { gross_profit_lamports: u64::MAX, ..Stakes::default() };
        assert_eq!(most.expected_value_lamports(Share::ALL), None);
        let worst = Stakes { fee_lamports: u64::MAX, failure_lamports: u64::MAX, ..Stakes::default() };
        assert_eq!(worst.expected_value_lamports(Share::NONE), None);
    }

    #[test]
    fn share_of_parts_rounds_down_and_knows_its_bounds() {
        assert_eq!(Share::of(2, 3).map(Share::e4), Some(6_666));
        assert_eq!((Share::of(1, 0), Share::of(3, 2), Share::new(10_001)), (None, None, None));
    }
}
