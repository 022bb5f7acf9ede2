//! Accounts that arrived before the pool that reads them, and those that several pools share.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::quantities::Pubkey;

/// Bytes that may wait; more are ignored, so that an endpoint cannot fill the memory with accounts of
/// pools that do not exist. Pools that lack them are set aside until they are written again.
const MAX_BYTES: usize = 256 << 20;
/// Addresses known not to exist that are remembered.
const MAX_ABSENT: usize = 1 << 20;
/// What a map entry costs besides the data, roughly.
const ENTRY_BYTES: usize = 160;

/// One account as last written.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// Program that owns it.
    pub(super) owner: Pubkey,
    /// Complete data.
    pub(super) data: Box<[u8]>,
    /// Whether further pools may ask for it.
    pub(super) is_shared: bool,
}

/// The accounts that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    accounts: FxHashMap<Pubkey, Kept>,
    of_pool: FxHashMap<Pubkey, Vec<Pubkey>>,
    absent: FxHashSet<Pubkey>,
    bytes: usize,
}

impl Waiting {
    /// Keeps an account; `pool`: the pool it says it belongs to. Returns whether there was room.
    pub(super) fn keep(&mut self, address: Pubkey, kept: Kept, pool: Option<Pubkey>) -> bool {
        self.remove(&address);
        let bytes = kept.data.len() + ENTRY_BYTES;
        if self.bytes + bytes > MAX_BYTES {
            return false;
        }
        self.bytes += bytes;
        self.absent.remove(&address);
        self.accounts.insert(address, kept);
        if let Some(pool) = pool {
            let waiting = self.of_pool.entry(pool).or_default();
            if !waiting.contains(&address) {
                waiting.push(address);
            }
        }
        true
    }

    /// Notes that an account does not exist.
    pub(super) fn note_absent(&mut self, address: Pubkey) {
        self.remove(&address);
        if self.absent.len() < MAX_ABSENT {
            self.absent.insert(address);
        }
    }

    pub(super) fn note_present(&mut self, address: &Pubkey) {
        self.absent.remove(address);
    }

    pub(super) fn is_absent(&self, address: &Pubkey) -> bool {
        self.absent.contains(address)
    }

    /// Returns the accounts that said they belong to a pool; they stop waiting for it.
    pub(super) fn take_of_pool(&mut self, pool: &Pubkey) -> Vec<(Pubkey, Kept)> {
        let addresses = self.of_pool.remove(pool).unwrap_or_default();
        addresses.into_iter().filter_map(|address| Some((address, self.remove(&address)?))).collect()
    }

    /// Returns an account that a pool asks for; it goes on waiting only if it is shared.
    pub(super) fn take(&mut self, address: &Pubkey) -> Option<Kept> {
        if self.accounts.get(address)?.is_shared {
            return self.accounts.get(address).cloned();
        }
        self.remove(address)
    }

    /// Returns an account that is kept.
    pub(super) fn get(&self, address: &Pubkey) -> Option<&Kept> {
        self.accounts.get(address)
    }

    fn remove(&mut self, address: &Pubkey) -> Option<Kept> {
        let kept = self.accounts.remove(address)?;
        self.bytes -= kept.data.len() + ENTRY_BYTES;
        Some(kept)
    }
}
