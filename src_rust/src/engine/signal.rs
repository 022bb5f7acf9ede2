//! What the engine finds and hands out: cycles, sized signals, and why one cannot be taken.

use super::config::Fees;
use super::guard::Blocked;
use crate::cycle_finder::{CYCLE_EPSILON, CycleKey};
use crate::market::{MintIndex, PoolIndex, QuoteError};
use crate::quantities::{Pubkey, Slot};
use crate::scorer::{Candidate, Context};

/// A cycle through a changed pool, as the price graph sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cycle {
    /// Its edges, whichever comes first.
    pub key: CycleKey,
    /// Sum of `-ln(rate)` after fees.
    pub net: f64,
}

impl Cycle {
    /// Returns whether the cycle pays at the margin, by the measure that Bellman-Ford uses too.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.net < -CYCLE_EPSILON
    }
}

/// One hop of a sized cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// The pool.
    pub pool: PoolIndex,
    /// Whether the input is token A.
    pub a_to_b: bool,
    /// Input in base units: the hop before's exact output.
    pub amount_in: u64,
    /// Output in base units.
    pub amount_out: u64,
}

/// A cycle worth trading.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Running number of the opening.
    pub opening_id: u64,
    /// Slot of the update that led here.
    pub slot: Slot,
    /// Mint that the cycle starts and ends with.
    pub base_mint: MintIndex,
    /// The hops, chained exactly.
    pub hops: Vec<Hop>,
    /// Amounts and costs in the base mint.
    pub candidate: Candidate,
    /// What the transaction pays.
    pub fees: Fees,
    /// Accounts that set its compute unit price: pools, then vaults; empty where the settings did.
    pub priced_accounts: Vec<Pubkey>,
    /// Rank among candidates: the rule file's score, or [`crate::scorer::SignalScorer::rank`].
    pub score: f64,
    /// What is known beside the candidate.
    pub context: Context,
    /// What the attempt is worth on average, in lamports.
    pub expected_value_lamports: i64,
    pub(super) key: CycleKey,
}

impl Signal {
    /// Returns the output of the last hop.
    #[must_use]
    pub fn amount_out(&self) -> u64 {
        self.candidate.amount_in + self.candidate.gross_profit
    }
}

/// Why a signal cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    /// The cycle has closed since, or was taken.
    #[error("opening {opening_id} has closed or was taken already")]
    Over {
        /// The signal's opening.
        opening_id: u64,
    },
    /// The route no longer gives what it gave when it was quoted.
    #[error("the market has moved since the signal: {expected} expected at the end, {found} now")]
    Moved {
        /// Output that was quoted.
        expected: u64,
        /// Output that the same input gives now.
        found: u64,
    },
    /// A pool of the route may not be traded now.
    #[error("pool {pool}: {blocked}")]
    Blocked {
        /// The pool.
        pool: Pubkey,
        /// Why.
        blocked: Blocked,
    },
    /// A mint of the route is denied by now.
    #[error("mint {mint} is denied: {reason}")]
    TokenDenied {
        /// The mint.
        mint: Pubkey,
        /// The heaviest reason.
        reason: &'static str,
    },
    /// A hop cannot be quoted.
    #[error(transparent)]
    Quote(#[from] QuoteError),
}
