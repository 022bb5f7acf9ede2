//! The accounts behind the market, byte for byte: for whoever must run a transaction on exactly what
//! the quotes rest on.
//!
//! Memory: one copy per account that the market takes, its data as long as the longest that it had, and
//! the aggregator bounds their number (`max_accounts`). What the market ignores is not kept.

use rustc_hash::FxHashMap;

use super::Engine;
use crate::market::Applied;
use crate::quantities::{Pubkey, Slot};
use crate::wss_aggregator::AccountUpdate;

/// An account in its last applied state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldAccount {
    /// Whether it exists; if not, the fields but the slot are empty.
    pub exists: bool,
    /// Program that owns it.
    pub owner: Pubkey,
    /// Its balance.
    pub lamports: u64,
    /// Complete data.
    pub data: Vec<u8>,
    /// Slot of the write.
    pub slot: Slot,
}

/// Last applied states, if the engine was told to keep them.
#[derive(Debug, Default)]
pub(super) struct Held {
    accounts: Option<FxHashMap<Pubkey, HeldAccount>>,
}

impl Held {
    pub(super) fn new(keep: bool) -> Self {
        Self { accounts: keep.then(FxHashMap::default) }
    }

    /// Takes what became of an update; the buffer of the state before is used again.
    #[inline]
    pub(super) fn applied(&mut self, update: &AccountUpdate, applied: &Applied) {
        let Some(accounts) = &mut self.accounts else { return };
        if !matches!(applied, Applied::Ignored) {
            keep(accounts.entry(update.pubkey).or_default(), update);
        }
    }
}

fn keep(held: &mut HeldAccount, update: &AccountUpdate) {
    held.slot = update.slot;
    held.data.clear();
    held.exists = update.account.is_some();
    if let Some(account) = &update.account {
        (held.owner, held.lamports) = (account.owner, account.lamports);
        held.data.extend_from_slice(&account.data);
    } else {
        (held.owner, held.lamports) = (Pubkey::default(), 0);
    }
}

impl Engine {
    /// Returns whether accounts are kept: [`EngineConfig::keep_accounts`](super::EngineConfig).
    #[must_use]
    pub fn keeps_accounts(&self) -> bool {
        self.held.accounts.is_some()
    }

    /// Returns the last applied state of an account that the market takes; `None` if there never was one,
    /// or accounts are not kept. Our own fills are no part of it.
    #[must_use]
    pub fn held_account(&self, address: &Pubkey) -> Option<&HeldAccount> {
        self.held.accounts.as_ref()?.get(address)
    }
}
