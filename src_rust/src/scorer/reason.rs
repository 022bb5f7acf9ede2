//! Why a candidate is not traded: one word per rule, sets of them as bits.

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
    /// The input is more than `max_depth_bps` of the shallowest hop's depth.
    TooDeep,
    /// Prices move more than `max_volatility_bps` per slot.
    TooVolatile,
    /// This cycle was gone before we got it more often than `max_competition`.
    TooContested,
    /// Fewer providers than `min_agreement` vouch for the state.
    TooFewAgree,
    /// A mint of the route has a property of `refused_flags`.
    TokenRisk,
    /// The landing probability is below `min_landing`.
    UnlikelyToLand,
    /// The expected value does not fit 64 bits.
    ValueOverflow,
    /// The expected value is below `min_expected_value_lamports`.
    BelowMinExpectedValue,
    /// A rule of the strategy's rule file refuses it, or the file has no value for it.
    RefusedByRule,
    /// A pool's accounts are not known to be the latest for longer than `max_pool_age_slots`.
    StalePool,
    /// One of the accounts that a swap writes together has arrived, another not yet.
    TornPool,
    /// The rules about tokens deny a mint of the cycle.
    TokenDenied,
    /// A better candidate of the same update uses one of the same pools.
    SharesPoolWithBetter,
    /// Its transaction would not fit into a packet, with the lookup tables there are.
    RouteTooLarge,
    /// Its transaction would name more accounts than may be locked at once.
    TooManyAccountLocks,
}

impl Reason {
    /// Every reason, in the order of the funnel.
    pub const ALL: [Self; 24] = [
        Self::AlreadyTaken,
        Self::NoBaseMint,
        Self::Stale,
        Self::ClosedByOwnFill,
        Self::NoProfitAfterSizing,
        Self::NoCostPrice,
        Self::CostsExceedProfit,
        Self::BelowMinProfit,
        Self::BelowMinBps,
        Self::TooDeep,
        Self::TooVolatile,
        Self::TooContested,
        Self::TooFewAgree,
        Self::TokenRisk,
        Self::UnlikelyToLand,
        Self::ValueOverflow,
        Self::BelowMinExpectedValue,
        Self::RefusedByRule,
        Self::StalePool,
        Self::TornPool,
        Self::TokenDenied,
        Self::SharesPoolWithBetter,
        Self::RouteTooLarge,
        Self::TooManyAccountLocks,
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
            Self::TooDeep => "too_deep",
            Self::TooVolatile => "too_volatile",
            Self::TooContested => "too_contested",
            Self::TooFewAgree => "too_few_agree",
            Self::TokenRisk => "token_risk",
            Self::UnlikelyToLand => "unlikely_to_land",
            Self::ValueOverflow => "value_overflow",
            Self::BelowMinExpectedValue => "below_min_expected_value",
            Self::RefusedByRule => "refused_by_rule",
            Self::StalePool => "stale_pool",
            Self::TornPool => "torn_pool",
            Self::TokenDenied => "token_denied",
            Self::SharesPoolWithBetter => "shares_pool_with_better",
            Self::RouteTooLarge => "route_too_large",
            Self::TooManyAccountLocks => "too_many_account_locks",
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
pub struct Reasons(u32);

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
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns the set with `reason` in it if that applies.
    #[must_use]
    pub const fn with_if(self, reason: Reason, applies: bool) -> Self {
        Self(self.0 | ((applies as u32) << reason as u8))
    }
}
