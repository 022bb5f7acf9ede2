//! Go or no-go for one sized candidate, with every reason counted, and what the attempt is worth.
//!
//! The one idea: a verdict is a set of reasons, kept as bits. The empty set is a go. All rules are
//! looked at every time, so that the counts say what really holds the market back, and the first
//! reason in the order of [`Reason::ALL`] is the stage at which the candidate left the funnel.
//!
//! Every threshold beyond profit and age is off by default. What is not known is neutral: it speaks
//! neither for nor against ([`Context::default`]).

mod batch;
mod columns;
mod landing;
mod reason;
mod tick;
mod value;

pub use batch::Scores;
pub use columns::{BatchError, Column, Columns};
pub use landing::{Decayed, Features, LandingConfig, LandingError, LandingModel, venue_bit};
pub use reason::{Reason, Reasons};
pub use tick::{Tick, TickColumns, TickRule};
pub use value::{Share, Stakes, WHOLE};

/// Properties of mints on a route, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenFlags(u8);

impl TokenFlags {
    /// Somebody may freeze token accounts of a mint.
    pub const FREEZE_AUTHORITY: Self = Self(1);
    /// A mint charges a transfer fee.
    pub const TRANSFER_FEE: Self = Self(2);
    /// Somebody may mint more.
    pub const MINT_AUTHORITY: Self = Self(4);
    /// Every flag with its stable name.
    pub const NAMED: [(&'static str, Self); 3] = [
        ("freeze_authority", Self::FREEZE_AUTHORITY),
        ("transfer_fee", Self::TRANSFER_FEE),
        ("mint_authority", Self::MINT_AUTHORITY),
    ];

    /// Returns the flags of these bits; `None` if a bit has no meaning.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        if bits < 8 { Some(Self(bits)) } else { None }
    }

    /// Returns the flags of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the bits, those of [`Self::NAMED`].
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns the names of the flags.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED.into_iter().filter(move |&(_, flag)| self.intersects(flag)).map(|(name, _)| name)
    }

    /// Returns the flags that both have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
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
    /// Greatest input in basis points of the shallowest hop's depth. Off at `u32::MAX`, the default.
    pub max_depth_bps: u32,
    /// Greatest volatility in basis points per slot. Off at `u32::MAX`, the default.
    pub max_volatility_bps: u32,
    /// Greatest share of earlier attempts at the cycle that came too late. Off at all, the default.
    pub max_competition: Share,
    /// Least share of the providers that vouch for the state. Off at none, the default.
    pub min_agreement: Share,
    /// Properties that no mint of the route may have. None by default.
    pub refused_flags: TokenFlags,
    /// Least landing probability. Off at none, the default.
    pub min_landing: Share,
    /// Least expected value in lamports. Off at `i64::MIN`, the default.
    pub min_expected_value_lamports: i64,
}

impl Default for ScorerConfig {
    fn default() -> Self {
        Self {
            min_net_profit_lamports: 10_000,
            min_net_bps: 0.0,
            max_age_slots: 8,
            max_depth_bps: u32::MAX,
            max_volatility_bps: u32::MAX,
            max_competition: Share::ALL,
            min_agreement: Share::NONE,
            refused_flags: TokenFlags::default(),
            min_landing: Share::NONE,
            min_expected_value_lamports: i64::MIN,
        }
    }
}

/// A sized and costed cycle. All amounts are base units of the cycle's base mint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Input of the first hop, at least 1.
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

    /// Returns by how many base units the candidate misses the least profit (0 if not).
    #[must_use]
    pub fn missing(&self) -> i128 {
        (i128::from(self.min_net_profit) - self.net_profit()).max(0)
    }

    /// Returns by how many basis points of the input the candidate misses the least profit (0 if not).
    #[must_use]
    pub fn missing_bps(&self) -> f64 {
        self.missing() as f64 * 1e4 / self.amount_in as f64
    }
}

/// What is known beside the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Input as a share of the shallowest hop's depth, in basis points, rounded up.
    pub depth_bps: u32,
    /// How much prices of the route move, in basis points per slot.
    pub volatility_bps: u32,
    /// How often this cycle was gone before we got it, old attempts counting less.
    pub competition: Share,
    /// Providers that vouch for the state, of all that are connected.
    pub agreement: Share,
    /// Properties of the route's mints.
    pub token_flags: TokenFlags,
    /// How likely the attempt is to land.
    pub landing: Share,
}

impl Default for Context {
    /// Nothing known: no rule speaks against it, and every attempt lands.
    fn default() -> Self {
        Self {
            depth_bps: 0,
            volatility_bps: 0,
            competition: Share::NONE,
            agreement: Share::ALL,
            token_flags: TokenFlags::default(),
            landing: Share::ALL,
        }
    }
}

/// A candidate, what is known beside it, and what is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prospect {
    /// Amounts and age.
    pub candidate: Candidate,
    /// What is known beside it.
    pub context: Context,
    /// What is won and lost.
    pub stakes: Stakes,
}

/// What the scorer says of a prospect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assessment {
    /// What speaks against it; empty: go.
    pub reasons: Reasons,
    /// Net basis points, less with age; see [`SignalScorer::rank`].
    pub score: f64,
    /// What the attempt is worth on average, rounded down; `i64::MIN` with
    /// [`Reason::ValueOverflow`].
    pub expected_value_lamports: i64,
}

/// Judges candidates and counts reasons.
#[derive(Debug, Clone)]
pub struct SignalScorer {
    config: ScorerConfig,
    /// 1 / (`max_age_slots` + 1).
    age_step: f64,
    go: u64,
    counts: [u64; Reason::ALL.len()],
}

impl SignalScorer {
    /// Returns a scorer with all counters at zero.
    #[must_use]
    pub fn new(config: ScorerConfig) -> Self {
        let age_step = 1.0 / (config.max_age_slots as f64 + 1.0);
        Self { config, age_step, go: 0, counts: [0; Reason::ALL.len()] }
    }

    /// Returns the thresholds in force.
    #[must_use]
    pub fn config(&self) -> &ScorerConfig {
        &self.config
    }

    /// Returns what speaks against `candidate` by its amounts and age alone, without counting it.
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

    /// Returns everything that speaks against `prospect`, its rank and its expected value, without
    /// counting it.
    #[must_use]
    pub fn assess(&self, prospect: &Prospect) -> Assessment {
        let Prospect { candidate, context, stakes } = prospect;
        let config = &self.config;
        let value = stakes.expected_value_lamports(context.landing);
        let expected_value_lamports = value.unwrap_or(i64::MIN);
        let reasons = self
            .judge(candidate)
            .with_if(Reason::TooDeep, context.depth_bps > config.max_depth_bps)
            .with_if(Reason::TooVolatile, context.volatility_bps > config.max_volatility_bps)
            .with_if(Reason::TooContested, context.competition > config.max_competition)
            .with_if(Reason::TooFewAgree, context.agreement < config.min_agreement)
            .with_if(Reason::TokenRisk, context.token_flags.intersects(config.refused_flags))
            .with_if(Reason::UnlikelyToLand, context.landing < config.min_landing)
            .with_if(Reason::ValueOverflow, value.is_none())
            .with_if(
                Reason::BelowMinExpectedValue,
                expected_value_lamports < config.min_expected_value_lamports,
            );
        Assessment { reasons, score: self.rank(candidate), expected_value_lamports }
    }

    /// Returns the rank of a go among others of its kind: net basis points, less with age.
    #[must_use]
    pub fn rank(&self, candidate: &Candidate) -> f64 {
        candidate.net_bps() * (1.0 - candidate.age_slots as f64 * self.age_step)
    }

    /// Counts a verdict that was reached elsewhere.
    pub fn count(&mut self, reasons: Reasons) {
        if reasons.is_go() {
            self.go += 1;
        }
        let mut bits = reasons.bits();
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
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
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

    const NEUTRAL: Prospect = Prospect {
        candidate: Candidate {
            amount_in: 1_000_000,
            gross_profit: 50_000,
            cost: 20_000,
            min_net_profit: 10_000,
            age_slots: 0,
        },
        context: Context {
            depth_bps: 0,
            volatility_bps: 0,
            competition: Share::NONE,
            agreement: Share::ALL,
            token_flags: TokenFlags(0),
            landing: Share::ALL,
        },
        stakes: Stakes {
            gross_profit_lamports: 50_000,
            tip_lamports: 10_000,
            fee_lamports: 10_000,
            failure_lamports: 0,
        },
    };

    #[test]
    fn with_nothing_known_the_verdict_is_the_candidates_and_the_value_its_net_profit() {
        let scorer = SignalScorer::new(ScorerConfig::default());
        assert_eq!(NEUTRAL.context, Context::default());
        let found = scorer.assess(&NEUTRAL);
        assert!(found.reasons.is_go());
        assert_eq!(found.expected_value_lamports, 30_000);
        assert!((found.score - 300.0).abs() < 1e-9, "{}", found.score);
    }

    #[test]
    fn every_threshold_has_its_own_reason_and_holds_at_the_bound() {
        let share = |e4| Share::new(e4).unwrap();
        let config = ScorerConfig {
            max_depth_bps: 100,
            max_volatility_bps: 50,
            max_competition: share(2_500),
            min_agreement: share(6_666),
            refused_flags: TokenFlags::FREEZE_AUTHORITY,
            min_landing: share(4_000),
            min_expected_value_lamports: 6_000,
            ..ScorerConfig::default()
        };
        let scorer = SignalScorer::new(config);
        let context = Context {
            depth_bps: 100,
            volatility_bps: 50,
            competition: share(2_500),
            agreement: share(6_666),
            token_flags: TokenFlags::MINT_AUTHORITY,
            landing: share(4_000),
        };
        let bound = Prospect { context, ..NEUTRAL };
        assert_eq!(scorer.assess(&bound).expected_value_lamports, 6_000);
        assert!(scorer.assess(&bound).reasons.is_go());
        let poorer = Stakes { failure_lamports: 1, ..NEUTRAL.stakes };
        let flags = TokenFlags::MINT_AUTHORITY.union(TokenFlags::FREEZE_AUTHORITY);
        let cases = [
            (Context { depth_bps: 101, ..context }, NEUTRAL.stakes, Reason::TooDeep),
            (Context { volatility_bps: 51, ..context }, NEUTRAL.stakes, Reason::TooVolatile),
            (Context { competition: share(2_501), ..context }, NEUTRAL.stakes, Reason::TooContested),
            (Context { agreement: share(6_665), ..context }, NEUTRAL.stakes, Reason::TooFewAgree),
            (Context { token_flags: flags, ..context }, NEUTRAL.stakes, Reason::TokenRisk),
            (context, poorer, Reason::BelowMinExpectedValue),
        ];
        for (context, stakes, reason) in cases {
            let found = scorer.assess(&Prospect { context, stakes, ..NEUTRAL });
            assert_eq!(found.reasons, Reasons::only(reason));
        }
        let unlikely = Prospect { context: Context { landing: share(3_999), ..context }, ..NEUTRAL };
        let found = scorer.assess(&unlikely).reasons.iter().collect::<Vec<_>>();
        assert_eq!(found, [Reason::UnlikelyToLand, Reason::BelowMinExpectedValue]);
    }

    #[test]
    fn value_beyond_64_bits_is_refused_by_name() {
        let scorer = SignalScorer::new(ScorerConfig::default());
        let stakes = Stakes { gross_profit_lamports: u64::MAX, ..NEUTRAL.stakes };
        let found = scorer.assess(&Prospect { stakes, ..NEUTRAL });
        assert_eq!(found.reasons, Reasons::only(Reason::ValueOverflow));
        assert_eq!(found.expected_value_lamports, i64::MIN);
    }

    #[test]
    fn reasons_are_numbered_in_the_order_of_the_funnel() {
        assert!(Reason::ALL.into_iter().enumerate().all(|(place, reason)| reason as usize == place));
    }
}
