//! Account bytes to typed state.
//!
//! The one idea: what an account is follows from its owner program *and* its discriminator together
//! (programs share discriminators), and nothing is guessed: bytes that do not fit their layout are a
//! [`DecodeError`] with a stable short [`reason`](DecodeError::reason) for counting. Accounts longer
//! than a known layout are read only where the layout says so; shorter ones are refused.

pub mod orca_whirlpool;
pub mod spl_token;
pub mod sysvar;

use crate::quantities::Pubkey;

pub use orca_whirlpool::{AdaptiveFeeConstants, AdaptiveFeeVariables, Oracle, TickArray, Whirlpool};
pub use spl_token::{Decoded, Mint, MintRestriction, TokenAccount, TransferFee, TransferFeeConfig};

/// Why bytes are not the account they claim to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The owner is no program this crate reads.
    #[error("owner {owner} is not a program this decoder knows")]
    WrongOwner {
        /// The account's owner.
        owner: Pubkey,
    },
    /// Fewer bytes than the layout needs.
    #[error("{account}: {found} bytes, at least {expected} expected")]
    WrongLength {
        /// What the account should be.
        account: &'static str,
        /// Bytes found.
        found: usize,
        /// Bytes the layout needs.
        expected: usize,
    },
    /// The owner is known, the account type is not.
    #[error("owner {owner}: unknown discriminator {discriminator:02x?}")]
    UnknownDiscriminator {
        /// The account's owner.
        owner: Pubkey,
        /// The first eight bytes.
        discriminator: [u8; 8],
    },
    /// A field holds what the program never writes.
    #[error("{account}: {field} is {value}, {expected} expected")]
    ImpossibleField {
        /// What the account is.
        account: &'static str,
        /// Name of the field in the program's own words.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        expected: &'static str,
    },
}

impl DecodeError {
    /// Returns a short name of the kind of error, stable across releases, for counting.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::WrongOwner { .. } => "wrong_owner",
            Self::WrongLength { .. } => "wrong_length",
            Self::UnknownDiscriminator { .. } => "unknown_discriminator",
            Self::ImpossibleField { .. } => "impossible_field",
        }
    }
}

/// Fixed-width little-endian reads from an account whose length has been checked once.
pub(crate) struct Fields<'a> {
    account: &'static str,
    data: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Wraps `data`, which must have at least `expected` bytes.
    pub(crate) fn new(account: &'static str, data: &'a [u8], expected: usize) -> Result<Self, DecodeError> {
        if data.len() < expected {
            return Err(DecodeError::WrongLength { account, found: data.len(), expected });
        }
        Ok(Self { account, data })
    }

    /// Returns the `N` bytes at `offset`.
    pub(crate) fn bytes<const N: usize>(&self, offset: usize) -> Result<[u8; N], DecodeError> {
        self.data.get(offset..).and_then(<[u8]>::first_chunk::<N>).copied().ok_or(DecodeError::WrongLength {
            account: self.account,
            found: self.data.len(),
            expected: offset.saturating_add(N),
        })
    }

    pub(crate) fn u8(&self, offset: usize) -> Result<u8, DecodeError> {
        self.bytes::<1>(offset).map(|[byte]| byte)
    }

    pub(crate) fn u16(&self, offset: usize) -> Result<u16, DecodeError> {
        self.bytes(offset).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&self, offset: usize) -> Result<u32, DecodeError> {
        self.bytes(offset).map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&self, offset: usize) -> Result<i32, DecodeError> {
        self.bytes(offset).map(i32::from_le_bytes)
    }

    pub(crate) fn u64(&self, offset: usize) -> Result<u64, DecodeError> {
        self.bytes(offset).map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&self, offset: usize) -> Result<u128, DecodeError> {
        self.bytes(offset).map(u128::from_le_bytes)
    }

    pub(crate) fn i128(&self, offset: usize) -> Result<i128, DecodeError> {
        self.bytes(offset).map(i128::from_le_bytes)
    }

    pub(crate) fn pubkey(&self, offset: usize) -> Result<Pubkey, DecodeError> {
        self.bytes(offset).map(Pubkey)
    }

    /// Refuses the account unless `possible`.
    pub(crate) fn check(
        &self,
        possible: bool,
        field: &'static str,
        value: impl std::fmt::Display + Copy,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        if possible {
            return Ok(());
        }
        Err(DecodeError::ImpossibleField { account: self.account, field, value: value.to_string(), expected })
    }
}

/// Reads an address written in base58 at compile time; a malformed one does not compile.
pub(crate) const fn address(text: &str) -> Pubkey {
    match bs58::decode(text.as_bytes()).into_array_const() {
        Ok(bytes) => Pubkey(bytes),
        Err(_) => panic!("not a base58 address"),
    }
}
