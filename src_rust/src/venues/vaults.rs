//! The two token accounts that hold a pool's reserves.

use super::{AccountData, Dependency, SetAside, Written};
use crate::decoders::{self, DecodeError, Decoded, TokenAccount};
use crate::quantities::Pubkey;

/// The vaults of a pool's first and second token, as far as known.
#[derive(Debug, Clone, Copy)]
pub struct Vaults {
    addresses: [Pubkey; 2],
    mints: [Pubkey; 2],
    accounts: [Option<TokenAccount>; 2],
}

impl Vaults {
    /// Returns the vaults at `addresses`, which must hold `mints`, both unknown.
    #[must_use]
    pub fn new(addresses: [Pubkey; 2], mints: [Pubkey; 2]) -> Self {
        Self { addresses, mints, accounts: [None; 2] }
    }

    /// Returns the vaults' addresses.
    #[must_use]
    pub fn addresses(&self) -> [Pubkey; 2] {
        self.addresses
    }

    /// Returns the balances in base units once both are known.
    #[must_use]
    pub fn amounts(&self) -> Option<[u64; 2]> {
        Some([self.accounts[0]?.amount, self.accounts[1]?.amount])
    }

    /// Returns which of the vaults are frozen, as far as known.
    #[must_use]
    pub fn frozen(&self) -> [bool; 2] {
        self.accounts.map(|account| account.is_some_and(|vault| vault.is_frozen))
    }

    /// Moves balances as a swap does: `vault_in` to the input's side, `vault_out` from the other.
    /// Returns `false` and changes nothing if a balance would leave its range.
    pub fn trade(&mut self, a_to_b: bool, vault_in: u64, vault_out: u64) -> bool {
        let (side_in, side_out) = if a_to_b { (0, 1) } else { (1, 0) };
        let (Some(into), Some(from)) = (self.accounts[side_in], self.accounts[side_out]) else {
            return false;
        };
        let (Some(more), Some(less)) =
            (into.amount.checked_add(vault_in), from.amount.checked_sub(vault_out))
        else {
            return false;
        };
        self.accounts[side_in] = Some(TokenAccount { amount: more, ..into });
        self.accounts[side_out] = Some(TokenAccount { amount: less, ..from });
        true
    }

    /// Takes a write if `address` is one of the vaults, else returns `None`.
    ///
    /// # Errors
    /// [`DecodeError`] if it is no token account of the side's mint; the vault is then unknown.
    pub fn write(
        &mut self,
        address: &Pubkey,
        account: Option<AccountData<'_>>,
    ) -> Option<Result<Written, DecodeError>> {
        let side = self.addresses.iter().position(|vault| vault == address)?;
        let before = self.accounts[side].take();
        let Some(account) = account else {
            return Some(Ok(Written { changed: before.is_some(), is_state: true }));
        };
        let problem = match decoders::spl_token::decode(account.owner, account.data) {
            Ok(Decoded::TokenAccount(vault)) if vault.mint == self.mints[side] => {
                self.accounts[side] = Some(vault);
                return Some(Ok(Written { changed: before != Some(vault), is_state: true }));
            }
            Ok(Decoded::TokenAccount(vault)) => ("mint", vault.mint.to_string(), "the pool's mint"),
            Ok(_) => ("account type", "that of a mint".to_owned(), "a token account"),
            Err(error) => return Some(Err(error)),
        };
        let (field, value, expected) = problem;
        Some(Err(DecodeError::ImpossibleField { account: "vault", field, value, expected }))
    }

    /// Appends the vaults.
    pub fn dependencies(&self, into: &mut Vec<Dependency>) {
        for (&address, account) in self.addresses.iter().zip(&self.accounts) {
            into.push(Dependency { address, reason: "missing_vault", is_known: account.is_some() });
        }
    }

    /// Returns a vault that is missing or frozen.
    #[must_use]
    pub fn obstacle(&self) -> Option<SetAside> {
        for (&address, account) in self.addresses.iter().zip(&self.accounts) {
            match account {
                None => return Some(SetAside::Missing { reason: "missing_vault", account: address }),
                Some(vault) if vault.is_frozen => return Some(SetAside::FrozenVault(address)),
                Some(_) => {}
            }
        }
        None
    }
}
