//! Go or no-go for one sized candidate, with every reason counted.
//!
//! The one idea: a verdict is a set of reasons, kept as bits. The empty set is a go. All rules are
//! looked at every time, so that the counts say what really holds the market back, and the first
//! reason in the order of [`Reason::ALL`] is the stage at which the candidate left the funnel.

use std::fmt;

/// Why a candidate is not traded. The order is that of the funnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// The cycle was taken and has not closed at recorded prices since.
    AlreadyTaken,
    /// The cycle touches none of the mints that the wallet trades from.
    NoBaseMint,
    /// The update is older than `max_age_slots`.
    Stale,
    /// Open at recorded prices, but not on the market as our own fill has left it.
    ClosedByOwnFill,
    /// No input gains a whole unit after exact integer quotes.
    NoProfitAfterSizing,
    /// Fees in lamports cannot be valued in the base mint: no usable pool against wrapped SOL.
    NoCostPrice,
    /// Network fee, priority fee and tip eat the whole gain.
    CostsExceedProfit,
    /// What is left is below `min_net_profit_lamports`.
    BelowMinProfit,
    /// What is left is below `min_net_bps` of the input.
    BelowMinBps,
    /// A pool's accounts are not known to be the latest for longer than `max_pool_age_slots`.
    StalePool,
    /// One of the accounts that a swap writes together has arrived, another not yet.
    TornPool,
    /// The rules about tokens deny a mint of the cycle.
    TokenDenied,
    /// A better candidate of the same update uses one of the same pools.
    SharesPoolWithBetter,
}

impl Reason {
    /// Every reason, in the order of the funnel.
    pub const ALL: [Self; 13] = [
        Self::AlreadyTaken,
        Self::NoBaseMint,
        Self::Stale,
        Self::ClosedByOwnFill,
        Self::NoProfitAfterSizing,
        Self::NoCostPrice,
        Self::CostsExceedProfit,
        Self::BelowMinProfit,
        Self::BelowMinBps,
        Self::StalePool,
        Self::TornPool,
        Self::TokenDenied,
        Self::SharesPoolWithBetter,
    ];

    /// Returns the stable name used in counters, JSON and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AlreadyTaken => "already_taken",
            Self::NoBaseMint => "no_base_mint",
            Self::Stale => "stale",
            Self::ClosedByOwnFill => "closed_by_own_fill",
            Self::NoProfitAfterSizing => "no_profit_after_sizing",
            Self::NoCostPrice => "no_cost_price",
            Self::CostsExceedProfit => "costs_exceed_profit",
            Self::BelowMinProfit => "below_min_profit",
            Self::BelowMinBps => "below_min_bps",
            Self::StalePool => "stale_pool",
            Self::TornPool => "torn_pool",
            Self::TokenDenied => "token_denied",
            Self::SharesPoolWithBetter => "shares_pool_with_better",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of [`Reason`]s; empty means go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons(u16);

impl Reasons {
    /// The set of one reason.
    #[must_use]
    pub const fn only(reason: Reason) -> Self {
        Self(1 << reason as u8)
    }

    /// Returns whether nothing speaks against the candidate.
    #[must_use]
    pub const fn is_go(self) -> bool {
        self.0 == 0
    }

    /// Returns whether `reason` is in the set.
    #[must_use]
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u8) != 0
    }

    /// Returns the reasons in the order of the funnel.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |&reason| self.contains(reason))
    }

    /// Returns the set as bits, bit `i` for `Reason::ALL[i]`.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    const fn with_if(self, reason: Reason, applies: bool) -> Self {
        Self(self.0 | ((applies as u16) << reason as u8))
    }
}

/// What a signal must reach. Amounts are lamports; candidates carry them in their own mint.
#[derive(Debug, Clone, PartialEq)]
pub struct ScorerConfig {
    /// Least profit after all costs, in lamports.
    pub min_net_profit_lamports: u64,
    /// Least profit after all costs, in basis points of the input.
    pub min_net_bps: f64,
    /// Greatest distance in slots between the update and the newest slot seen.
    pub max_age_slots: u64,
}

impl Default for ScorerConfig {
    fn default() -> Self {
        Self { min_net_profit_lamports: 10_000, min_net_bps: 0.0, max_age_slots: 8 }
    }
}

/// A sized and costed cycle. All amounts are base units of the cycle's base mint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Input of the first hop.
    pub amount_in: u64,
    /// Output of the last hop minus `amount_in`, exact.
    pub gross_profit: u64,
    /// Network fee, priority fee and tip, rounded up.
    pub cost: u64,
    /// `min_net_profit_lamports` in the base mint, rounded up.
    pub min_net_profit: u64,
    /// Newest slot seen minus the update's slot.
    pub age_slots: u64,
}

impl Candidate {
    /// Returns what is left after costs; negative when they exceed the gain.
    #[must_use]
    pub fn net_profit(&self) -> i128 {
        i128::from(self.gross_profit) - i128::from(self.cost)
    }

    /// Returns the net profit in basis points of the input.
    #[must_use]
    pub fn net_bps(&self) -> f64 {
        self.net_profit() as f64 * 1e4 / self.amount_in as f64
    }

    /// Returns by how many basis points of the input the candidate misses the least profit (0 if not).
    #[must_use]
    pub fn missing_bps(&self) -> f64 {
        let missing = i128::from(self.min_net_profit) - self.net_profit();
        missing.max(0) as f64 * 1e4 / self.amount_in as f64
    }
}

/// Judges candidates and counts reasons.
#[derive(Debug, Clone)]
pub struct SignalScorer {
    config: ScorerConfig,
    go: u64,
    counts: [u64; Reason::ALL.len()],
}

impl SignalScorer {
    /// Returns a scorer with all counters at zero.
    #[must_use]
    pub fn new(config: ScorerConfig) -> Self {
        Self { config, go: 0, counts: [0; Reason::ALL.len()] }
    }

    /// Returns the thresholds in force.
    #[must_use]
    pub fn config(&self) -> &ScorerConfig {
        &self.config
    }

    /// Returns everything that speaks against `candidate`, without counting it.
    #[must_use]
    pub fn judge(&self, candidate: &Candidate) -> Reasons {
        let net = candidate.net_profit();
        Reasons::default()
            .with_if(Reason::Stale, candidate.age_slots > self.config.max_age_slots)
            .with_if(Reason::CostsExceedProfit, net <= 0)
            .with_if(Reason::BelowMinProfit, net < i128::from(candidate.min_net_profit))
            .with_if(Reason::BelowMinBps, candidate.net_bps() < self.config.min_net_bps)
    }

    /// Returns what [`Self::judge`] says and counts it.
    pub fn score(&mut self, candidate: &Candidate) -> Reasons {
        let reasons = self.judge(candidate);
        self.count(reasons);
        reasons
    }

    /// Returns the rank of a go among others of its kind: net basis points, less with age.
    #[must_use]
    pub fn rank(&self, candidate: &Candidate) -> f64 {
        let freshness = 1.0 - candidate.age_slots as f64 / (self.config.max_age_slots as f64 + 1.0);
        candidate.net_bps() * freshness
    }

    /// Counts a verdict that was reached elsewhere.
    pub fn count(&mut self, reasons: Reasons) {
        if reasons.is_go() {
            self.go += 1;
        }
        let mut bits = reasons.0;
        while bits != 0 {
            self.counts[bits.trailing_zeros() as usize] += 1;
            bits &= bits - 1;
        }
    }

    /// Takes back a counted go in favour of `reason`.
    pub fn withdraw_go(&mut self, reason: Reason) {
        self.go -= 1;
        self.counts[reason as usize] += 1;
    }

    /// Returns how many candidates were a go.
    #[must_use]
    pub fn go_count(&self) -> u64 {
        self.go
    }

    /// Returns how often each reason spoke against a candidate, in the order of the funnel.
    pub fn counts(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().map(|reason| (reason, self.counts[reason as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate() -> Candidate {
        Candidate {
            amount_in: 1_000_000,
            gross_profit: 50_000,
            cost: 20_000,
            min_net_profit: 10_000,
            age_slots: 0,
        }
    }

    #[test]
    fn profit_above_all_thresholds_is_go() {
        let mut scorer = SignalScorer::new(ScorerConfig::default());
        assert!(scorer.score(&candidate()).is_go());
        assert_eq!(scorer.go_count(), 1);
        assert!(scorer.counts().all(|(_, count)| count == 0));
    }

    #[test]
    fn net_profit_exactly_at_minimum_is_go_and_one_below_is_not() {
        let scorer = SignalScorer::new(ScorerConfig::default());
        assert!(scorer.judge(&Candidate { gross_profit: 30_000, ..candidate() }).is_go());
        let short = Candidate { gross_profit: 29_999, ..candidate() };
        assert_eq!(scorer.judge(&short), Reasons::only(Reason::BelowMinProfit));
        assert!((short.missing_bps() - 0.01).abs() < 1e-12);
    }

    #[test]
    fn costs_equal_to_profit_name_both_reasons() {
        let mut scorer = SignalScorer::new(ScorerConfig::default());
        let reasons = scorer.score(&Candidate { gross_profit: 20_000, ..candidate() });
        assert_eq!(reasons.iter().collect::<Vec<_>>(), [Reason::CostsExceedProfit, Reason::BelowMinProfit]);
        assert_eq!(scorer.go_count(), 0);
    }

    #[test]
    fn extreme_amounts_do_not_overflow() {
        let scorer = SignalScorer::new(ScorerConfig::default());
        let worst = Candidate { gross_profit: 0, cost: u64::MAX, min_net_profit: u64::MAX, ..candidate() };
        assert!(scorer.judge(&worst).contains(Reason::CostsExceedProfit));
        let best = Candidate { gross_profit: u64::MAX, cost: 0, amount_in: 1, ..candidate() };
        assert!(scorer.judge(&best).is_go());
    }

    #[test]
    fn bps_and_age_limits_apply() {
        let config = ScorerConfig { min_net_bps: 400.0, max_age_slots: 2, ..ScorerConfig::default() };
        let scorer = SignalScorer::new(config);
        let reasons = scorer.judge(&Candidate { age_slots: 3, ..candidate() });
        assert_eq!(reasons.iter().collect::<Vec<_>>(), [Reason::Stale, Reason::BelowMinBps]);
        assert!(scorer.rank(&candidate()) > scorer.rank(&Candidate { age_slots: 1, ..candidate() }));
    }
}
