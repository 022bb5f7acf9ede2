//! One instruction, and what a venue is told to build it.

use crate::decoders::address;
use crate::quantities::Pubkey;

/// The memo program, which instructions that may transfer with a memo name.
pub const MEMO_PROGRAM: Pubkey = address("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

/// An account of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AccountMeta {
    /// Its address.
    pub address: Pubkey,
    /// Whether it has to sign.
    pub is_signer: bool,
    /// Whether the program may write it.
    pub is_writable: bool,
}

impl AccountMeta {
    /// Returns an account that the program only reads.
    #[must_use]
    pub const fn readonly(address: Pubkey) -> Self {
        Self { address, is_signer: false, is_writable: false }
    }

    /// Returns an account that the program may write.
    #[must_use]
    pub const fn writable(address: Pubkey) -> Self {
        Self { address, is_signer: false, is_writable: true }
    }

    /// Returns the same account as a signer.
    #[must_use]
    pub const fn signer(self) -> Self {
        Self { is_signer: true, ..self }
    }
}

/// One call of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The program.
    pub program: Pubkey,
    /// Its accounts, in the order it expects.
    pub accounts: Vec<AccountMeta>,
    /// What it is told.
    pub data: Vec<u8>,
}

/// Whose tokens a swap moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trader {
    /// The wallet: authority of both token accounts, signer.
    pub wallet: Pubkey,
    /// Its token accounts of the pool's first and second mint (A and B), whichever is the input.
    pub token_accounts: [Pubkey; 2],
}

/// Which tick or bin arrays an instruction brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// As many as the official client brings.
    #[default]
    Official,
    /// Those that the swap, as quoted now, crosses, and one more where there is one.
    Needed,
}

/// Why an instruction cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An account that the instruction names is not known.
    #[error("{what} is not known")]
    Unknown {
        /// What it is: `mint`, `global config`, …
        what: &'static str,
    },
    /// The program has no such swap.
    #[error("{venue} has no instruction for this: {reason}")]
    NoInstruction {
        /// The venue.
        venue: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The swap itself would be refused, so there is nothing to build.
    #[error("the swap is refused: {0}")]
    Refused(&'static str),
    /// An address cannot be derived.
    #[error(transparent)]
    Pda(#[from] crate::pda::PdaError),
}
