//! Golden swap vectors: what a real program did, and what we say it does.
//!
//! A vector file holds account states and swaps that were executed on them. [`Case::load`] turns one
//! state into typed accounts, [`Case::run`] answers one swap in the vector's own words. A venue is
//! one variant of [`Case`]; one we cannot quote yet is [`Case::NotSupported`], never a guess.

mod whirlpool;

use crate::decoders::DecodeError;
use crate::quantities::Pubkey;

pub use whirlpool::WhirlpoolCase;

/// One account of a state.
#[derive(Debug, Clone, Copy)]
pub struct VectorAccount<'a> {
    /// Address.
    pub key: Pubkey,
    /// Owner program.
    pub owner: Pubkey,
    /// Complete data.
    pub data: &'a [u8],
}

/// A state of a vector file.
#[derive(Debug, Clone, Copy)]
pub struct VectorState<'a> {
    /// Venue, as the file's `meta` line names it.
    pub dex: &'a str,
    /// Program that executed the swaps.
    pub program: Pubkey,
    /// Address of the pool.
    pub pool: Pubkey,
    /// Accounts that existed.
    pub accounts: &'a [VectorAccount<'a>],
    /// Clock at which the swaps ran, seconds.
    pub unix_timestamp: u64,
    /// Epoch at which the swaps ran.
    pub epoch: u64,
}

/// A swap of a vector file.
#[derive(Debug, Clone, Copy)]
pub struct VectorSwap<'a> {
    /// Name of the instruction.
    pub operation: &'a str,
    /// Input if `exact_in`, else output; base units.
    pub amount: u64,
    /// Whether `amount` is the input.
    pub exact_in: bool,
    /// Whether the input is the first token.
    pub a_to_b: bool,
    /// Least output or most input.
    pub other_amount_threshold: u64,
    /// Q64.64, 0 = none.
    pub sqrt_price_limit: u128,
}

/// A value of a result field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A non-negative number.
    Unsigned(u128),
    /// A number that may be negative.
    Signed(i64),
    /// Bytes, shown in hexadecimal.
    Bytes(Vec<u8>),
}

/// What a swap does, in the vector's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeds with these result fields.
    Done(Vec<(&'static str, Value)>),
    /// It fails.
    Refused {
        /// The program's word for the error.
        name: &'static str,
        /// The program's number for it, if it is its own error.
        code: Option<u32>,
    },
    /// We cannot quote this venue yet.
    NotSupported,
}

/// Why a state is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConformanceError {
    /// An account does not decode.
    #[error("account {key}: {source}")]
    Account {
        /// The account.
        key: Pubkey,
        /// Why.
        source: DecodeError,
    },
    /// An account that the venue needs is not in the state.
    #[error("the state has no {what}")]
    Missing {
        /// What is missing.
        what: &'static str,
    },
    /// An account contradicts the pool.
    #[error("account {key}: {problem}")]
    Inconsistent {
        /// The account.
        key: Pubkey,
        /// In which way.
        problem: String,
    },
    /// The swap names an instruction that the venue does not have.
    #[error("unknown operation `{operation}`")]
    UnknownOperation {
        /// As given.
        operation: String,
    },
}

/// A state, ready to answer swaps.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a handful exist at a time")]
pub enum Case {
    /// Orca Whirlpool, either deployment.
    Whirlpool(WhirlpoolCase),
    /// A venue we cannot quote yet.
    NotSupported,
}

impl Case {
    /// Decodes the accounts of `state`.
    ///
    /// # Errors
    /// [`ConformanceError`] if they do not make up a pool.
    pub fn load(state: &VectorState<'_>) -> Result<Self, ConformanceError> {
        match state.dex {
            "orca_whirlpool" => WhirlpoolCase::load(state).map(Self::Whirlpool),
            _ => Ok(Self::NotSupported),
        }
    }

    /// Returns what the program does with `swap`.
    ///
    /// # Errors
    /// [`ConformanceError::UnknownOperation`].
    pub fn run(&self, swap: &VectorSwap<'_>) -> Result<Outcome, ConformanceError> {
        match self {
            Self::Whirlpool(case) => case.run(swap),
            Self::NotSupported => Ok(Outcome::NotSupported),
        }
    }

    /// Returns the estimated compute units of `swap` and the work behind them, whatever the budget.
    ///
    /// # Errors
    /// [`ConformanceError::UnknownOperation`].
    pub fn work(&self, swap: &VectorSwap<'_>) -> Result<Vec<(&'static str, u32)>, ConformanceError> {
        match self {
            Self::Whirlpool(case) => case.work(swap),
            Self::NotSupported => Ok(Vec::new()),
        }
    }
}
