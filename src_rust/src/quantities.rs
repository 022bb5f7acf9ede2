//! The units and identities that every module shares.

use std::fmt;
use std::str::FromStr;

use crate::base58;

/// A Solana address: 32 bytes, shown in base58.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Pubkey(pub [u8; 32]);

/// A slot number.
pub type Slot = u64;

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a base58 address of 32 bytes")]
pub struct InvalidPubkey {
    /// The text as given.
    pub text: String,
}

impl Pubkey {
    /// Returns the address at `data[offset..offset + 32]`, if it is there.
    #[must_use]
    pub fn read(data: &[u8], offset: usize) -> Option<Self> {
        let bytes = data.get(offset..offset.checked_add(32)?)?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl FromStr for Pubkey {
    type Err = InvalidPubkey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        base58::decode(text.as_bytes()).ok_or_else(|| InvalidPubkey { text: text.to_owned() })
    }
}

impl fmt::Display for Pubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base58::encode(self))
    }
}

impl fmt::Debug for Pubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
