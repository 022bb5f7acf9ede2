//! Addresses that a trade's accounts are derived from, worked out once for a pool and a wallet.

use std::sync::{Arc, Mutex, PoisonError};

use super::PROGRAM;
use super::instruction::ASSOCIATED_TOKEN_PROGRAM;
use crate::pda::{PdaError, find_program_address};
use crate::quantities::Pubkey;

/// What the addresses follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parties {
    pub wallet: Pubkey,
    pub base_mint: Pubkey,
    pub quote_mint: Pubkey,
    /// Token program of the quote mint.
    pub quote_program: Pubkey,
    pub coin_creator: Pubkey,
    pub protocol_recipient: Pubkey,
    pub buyback_recipient: Pubkey,
}

/// The derived ones; token accounts are of the quote mint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Addresses {
    pub protocol_account: Pubkey,
    pub creator_vault: Pubkey,
    pub creator_account: Pubkey,
    /// The wallet's volume accumulator.
    pub accumulator: Pubkey,
    pub accumulator_account: Pubkey,
    pub pool_v2: Pubkey,
    pub buyback_account: Pubkey,
}

impl Addresses {
    fn derive(parties: &Parties) -> Result<Self, PdaError> {
        let creator_vault = derive(&[b"creator_vault", &parties.coin_creator.0])?;
        let accumulator = derive(&[b"user_volume_accumulator", &parties.wallet.0])?;
        let account = |owner: &Pubkey| {
            let seeds: [&[u8]; 3] = [&owner.0, &parties.quote_program.0, &parties.quote_mint.0];
            find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM).map(|(address, _)| address)
        };
        Ok(Self {
            protocol_account: account(&parties.protocol_recipient)?,
            creator_account: account(&creator_vault)?,
            creator_vault,
            accumulator_account: account(&accumulator)?,
            accumulator,
            pool_v2: derive(&[b"pool-v2", &parties.base_mint.0])?,
            buyback_account: account(&parties.buyback_recipient)?,
        })
    }
}

pub(super) fn derive(seeds: &[&[u8]]) -> Result<Pubkey, PdaError> {
    find_program_address(seeds, &PROGRAM).map(|(address, _)| address)
}

/// The addresses of the latest parties. Copies of a pool share them: one process has one wallet, and
/// the rest hardly ever changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered(Arc<Mutex<Option<(Parties, Addresses)>>>);

impl Remembered {
    /// Returns the addresses, derived anew if anything that they follow from is another.
    pub(super) fn of(&self, parties: &Parties) -> Result<Addresses, PdaError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, addresses)) = &*known
            && before == parties
        {
            return Ok(*addresses);
        }
        let addresses = Addresses::derive(parties)?;
        *known = Some((*parties, addresses));
        Ok(addresses)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_every_party() {
        let [a, b] = [Pubkey([1; 32]), Pubkey([2; 32])];
        let first = Parties {
            wallet: a,
            base_mint: a,
            quote_mint: a,
            quote_program: a,
            coin_creator: a,
            protocol_recipient: a,
            buyback_recipient: a,
        };
        let remembered = Remembered::default();
        let shared = remembered.clone();
        let others = [
            Parties { wallet: b, ..first },
            Parties { base_mint: b, ..first },
            Parties { quote_mint: b, ..first },
            Parties { quote_program: b, ..first },
            Parties { coin_creator: b, ..first },
            Parties { protocol_recipient: b, ..first },
            Parties { buyback_recipient: b, ..first },
        ];
        for parties in others {
            assert_eq!(remembered.of(&first).unwrap(), Addresses::derive(&first).unwrap());
            assert_eq!(shared.of(&parties).unwrap(), Addresses::derive(&parties).unwrap());
            assert_ne!(remembered.of(&parties).unwrap(), remembered.of(&first).unwrap());
        }
    }
}
