//! The two mints of a pool: transfer fees, and what forbids quoting.

use super::{AccountData, Dependency, SetAside, Written};
use crate::amm_math::transfer_fee::WithFee;
use crate::decoders::spl_token::TOKEN_PROGRAM;
use crate::decoders::{self, DecodeError, Decoded, Mint, TransferFee};
use crate::instruction_builder::BuildError;
use crate::quantities::Pubkey;
use crate::swap::Environment;

/// The mints of a pool's first and second token, as far as known.
#[derive(Debug, Clone, Copy)]
pub struct TokenSides {
    addresses: [Pubkey; 2],
    mints: [Option<Mint>; 2],
    assume_plain: bool,
}

impl TokenSides {
    /// Returns the sides with both mints unknown. `assume_plain`: an unknown mint is a plain one.
    #[must_use]
    pub fn new(addresses: [Pubkey; 2], assume_plain: bool) -> Self {
        Self { addresses, mints: [None; 2], assume_plain }
    }

    /// Returns the mints' addresses.
    #[must_use]
    pub fn addresses(&self) -> [Pubkey; 2] {
        self.addresses
    }

    /// Returns the mints, as far as known.
    #[must_use]
    pub fn mints(&self) -> [Option<&Mint>; 2] {
        [self.mints[0].as_ref(), self.mints[1].as_ref()]
    }

    /// Returns the token programs of both mints; a mint that counts as plain is one of SPL Token.
    ///
    /// # Errors
    /// [`BuildError::Unknown`] if a mint's account has not been seen.
    pub fn token_programs(&self) -> Result<[Pubkey; 2], BuildError> {
        let program = |side: usize| match &self.mints[side] {
            Some(mint) => Ok(mint.program),
            None if self.assume_plain => Ok(TOKEN_PROGRAM),
            None => Err(BuildError::Unknown { what: "mint" }),
        };
        Ok([program(0)?, program(1)?])
    }

    /// Takes a write if `address` is one of the mints, else returns `None`.
    ///
    /// # Errors
    /// [`DecodeError`] if it is no mint; the mint is then unknown, and not taken as a plain one while
    /// the market sees the fault.
    pub fn write(
        &mut self,
        address: &Pubkey,
        account: Option<AccountData<'_>>,
    ) -> Option<Result<Written, DecodeError>> {
        let side = self.addresses.iter().position(|mint| mint == address)?;
        let Some(account) = account else { return Some(Ok(Written::default())) };
        Some(match decoders::spl_token::decode(account.owner, account.data) {
            Ok(Decoded::Mint(mint)) => {
                // Supply changes all the time and transfer fees do not depend on it.
                let relevant = |mint: &Mint| Mint { supply: 0, ..*mint };
                let changed = self.mints[side].as_ref().map(relevant) != Some(relevant(&mint));
                self.mints[side] = Some(mint);
                Ok(Written { changed, is_state: false })
            }
            Ok(_) => {
                self.mints[side] = None;
                Err(DecodeError::ImpossibleField {
                    account: "Mint",
                    field: "account type",
                    value: "that of a token account".to_owned(),
                    expected: "a mint",
                })
            }
            Err(error) => {
                self.mints[side] = None;
                Err(error)
            }
        })
    }

    /// Appends the mints.
    pub fn dependencies(&self, into: &mut Vec<Dependency>) {
        for (&address, mint) in self.addresses.iter().zip(&self.mints) {
            let is_known = mint.is_some() || self.assume_plain;
            into.push(Dependency { address, reason: "missing_mint", is_known });
        }
    }

    /// Returns what the mints forbid.
    #[must_use]
    pub fn obstacle(&self, environment: &Environment) -> Option<SetAside> {
        for (&address, mint) in self.addresses.iter().zip(&self.mints) {
            match mint {
                None if self.assume_plain => {}
                None => return Some(SetAside::Missing { reason: "missing_mint", account: address }),
                Some(Mint { restriction: Some(restriction), .. }) => {
                    let reason = restriction.reason();
                    return Some(SetAside::UnsupportedMint { mint: address, reason });
                }
                Some(mint) if mint.transfer_fee.is_some() && environment.clock.is_none() => {
                    return Some(SetAside::MissingClock);
                }
                Some(_) => {}
            }
        }
        None
    }

    /// Returns the transfer fees in force of the input's and the output's mint.
    #[must_use]
    pub fn fees(&self, environment: &Environment, a_to_b: bool) -> [Option<TransferFee>; 2] {
        let epoch = environment.now().epoch;
        let fee = |side: usize| {
            self.mints[side].as_ref().and_then(|mint| mint.transfer_fee).map(|config| config.at(epoch))
        };
        if a_to_b { [fee(0), fee(1)] } else { [fee(1), fee(0)] }
    }
}

/// Returns what arrives of a transfer of `amount`.
#[must_use]
pub fn excluded(fee: Option<TransferFee>, amount: u64) -> WithFee {
    fee.map_or(WithFee { amount, fee: 0 }, |fee| fee.exclude(amount))
}
