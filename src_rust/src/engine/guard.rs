//! Which pools may not be traded now, because what is held of them may not be what the chain has.
//!
//! The one idea: nothing is done per update. A pool is looked at when a cycle through it is about to
//! become a signal. A cycle that is refused for it keeps its opening (ADR 0003) and waits here; once
//! some connection has come further, or something was read, it is looked at again.
//!
//! **Stale.** An account that the pool reads is older than its bound: `max_pool_age_slots` for what
//! trading changes, `max_settings_age_slots` for mints and configurations, which are hardly ever
//! subscribed. Ages are those of [`crate::freshness`].
//!
//! **Torn.** Accounts that every swap writes together ([`PoolState::written_together`]) arrive one
//! after the other. In between the pool is in a state that the chain never was in, and an opening may
//! be of that state only. Such a pool waits until the others have arrived as often in that slot, or
//! were read there, or a connection that vouches for them has shown a later slot; at most
//! `max_torn_slots` slots.
//! What remains: two swaps in one slot of which the second has changed no account so far; a slot's
//! last writes that a node pushes after the next heartbeat; tick arrays, which a swap changes only in
//! ways that quotes do not read, but a deposit in others; the second bin array of a swap that leaves
//! one for another. Where amounts are wrong for that, the transaction fails as a whole.
//!
//! **Doubted.** What an account holds rests on the word of a provider alone that is under quarantine since
//! ([`WssAggregator::take_doubted`]). It may be true or a lie, so pools that read it wait until a state of
//! it is applied again, whatever its slot.
//!
//! Age and halves are not judged before a connection has had a heartbeat: recordings without one trade as
//! ever.
//! Accounts that were never received, and are taken for granted by configuration, have no age.
//!
//! [`PoolState::written_together`]: crate::venues::PoolState::written_together

use rustc_hash::{FxHashMap, FxHashSet};

use crate::cycle_finder::CycleKey;
use crate::freshness::Freshness;
use crate::market::{Market, Pool, PoolIndex};
use crate::quantities::{Pubkey, Slot};
use crate::scorer::Reason;
use crate::wss_aggregator::{AccountFreshness, AccountUpdate, WssAggregator};

/// Most refused cycles that are looked at again by themselves; others wait for a write.
const MAX_WAITING: usize = 1024;

/// The reason of an account that rests on the word of a provider under quarantine.
const DOUBTED: &str = "doubted";

/// How old a pool may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessConfig {
    /// Greatest age in slots of an account that trading changes. Default 16, about 6 seconds: enough
    /// to reconnect and read again.
    pub max_pool_age_slots: u64,
    /// Greatest age in slots of a mint or configuration. Default 9,000, about an hour.
    pub max_settings_age_slots: u64,
    /// Whether pools wait for the rest of what a swap writes. Default on.
    pub hold_torn_pools: bool,
    /// Slots that a pool waits for it at most. Default 2.
    pub max_torn_slots: u64,
}

impl Default for FreshnessConfig {
    fn default() -> Self {
        Self {
            max_pool_age_slots: 16,
            max_settings_age_slots: 9_000,
            hold_torn_pools: true,
            max_torn_slots: 2,
        }
    }
}

/// Why a pool may not be traded now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// An account of the pool is too old.
    #[error("account {account} is {age_slots} slots old, at most {bound_slots} are allowed")]
    Stale {
        /// The account.
        account: Pubkey,
        /// Its age.
        age_slots: u64,
        /// The bound.
        bound_slots: u64,
    },
    /// What is held of an account of the pool may be a lie.
    #[error("account {account} rests on the word of a provider that is under quarantine")]
    Doubted {
        /// The account.
        account: Pubkey,
    },
    /// An account that swaps write has not arrived with the others.
    #[error("account {account} has not arrived with what else slot {slot} changed")]
    Torn {
        /// The account.
        account: Pubkey,
        /// The slot of the others.
        slot: Slot,
    },
}

impl Blocked {
    /// Returns the scorer's word for it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Stale { .. } | Self::Doubted { .. } => Reason::StalePool,
            Self::Torn { .. } => Reason::TornPool,
        }
    }
}

/// An account to read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleAccount {
    /// Its address.
    pub pubkey: Pubkey,
    /// The first pool that reads it.
    pub pool: PoolIndex,
    /// Why: `doubted` (a provider under quarantine), [`crate::freshness::Doubt::name`], or `old`.
    pub reason: &'static str,
    /// The slot up to which its state is known to be the latest; 0 if nobody but a provider under
    /// quarantine has told any.
    pub fresh_to: Slot,
    /// Its age.
    pub age_slots: u64,
    /// The lowest slot to read it at so that connections vouch for it again (`minContextSlot`); `None`
    /// if a read at any slot helps, or none does for long.
    pub read_from: Option<Slot>,
}

/// Counters of doubts: accounts that [`Guard::stale_accounts`] listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Healing {
    /// Accounts in doubt at the last look.
    pub in_doubt: usize,
    /// Times that an account came into doubt.
    pub doubted: u64,
    /// Times that it was no longer in doubt.
    pub healed: u64,
    /// Slots in doubt of all that were healed, added up.
    pub healed_slots: u64,
    /// The longest of them.
    pub longest_slots: u64,
}

/// What may not be traded, and what waits for it.
#[derive(Debug, Default)]
pub(super) struct Guard {
    config: FreshnessConfig,
    /// The aggregator's numbers of accounts, asked once.
    numbers: FxHashMap<Pubkey, u32>,
    waiting: Vec<CycleKey>,
    progress: u64,
    /// Accounts that rest on the word of a provider under quarantine.
    doubted: FxHashSet<Pubkey>,
    /// Since when an account has been in doubt.
    doubts: FxHashMap<Pubkey, Slot>,
    healing: Healing,
}

/// An account that a pool reads, with its bound.
fn accounts(pool: &Pool, config: FreshnessConfig) -> impl Iterator<Item = (Pubkey, u64, bool)> + '_ {
    let others = pool.accounts().iter().map(move |dependency| {
        let is_settings = dependency.is_settings();
        let bound = if is_settings { config.max_settings_age_slots } else { config.max_pool_age_slots };
        (dependency.address, bound, is_settings)
    });
    std::iter::once((pool.address(), config.max_pool_age_slots, false)).chain(others)
}

impl Guard {
    pub(super) fn new(config: FreshnessConfig) -> Self {
        Self { config, ..Self::default() }
    }

    pub(super) fn healing(&self) -> Healing {
        self.healing
    }

    /// Takes notice of states about to be applied: what they are of is in doubt no more.
    #[inline]
    pub(super) fn applied(&mut self, updates: &[AccountUpdate]) {
        if self.doubted.is_empty() {
            return;
        }
        for update in updates {
            if self.doubted.remove(&update.pubkey) {
                self.progress = u64::MAX; // what waits for it is due
            }
        }
    }

    /// Takes notice of accounts that are in doubt from now on.
    #[inline]
    pub(super) fn doubt(&mut self, accounts: Vec<Pubkey>) {
        self.doubted.extend(accounts);
    }

    fn freshness(&mut self, feed: &WssAggregator, account: &Pubkey) -> Option<AccountFreshness> {
        let number = if let Some(&number) = self.numbers.get(account) {
            number
        } else {
            let number = feed.account_number(account)?;
            self.numbers.insert(*account, number);
            number
        };
        feed.freshness(number)
    }

    /// Returns why a pool may not be traded now.
    pub(super) fn blocked(&mut self, feed: &WssAggregator, pool: &Pool) -> Option<Blocked> {
        if !self.doubted.is_empty()
            && let Some((account, ..)) =
                accounts(pool, self.config).find(|(account, ..)| self.doubted.contains(account))
        {
            return Some(Blocked::Doubted { account });
        }
        if !feed.watch().is_judging() {
            return None;
        }
        let now = feed.now();
        for (account, bound_slots, _) in accounts(pool, self.config) {
            let Some(found) = self.freshness(feed, &account) else { continue };
            let age_slots = now.saturating_sub(found.known.fresh_to);
            if age_slots > bound_slots {
                return Some(Blocked::Stale { account, age_slots, bound_slots });
            }
        }
        self.torn(feed, pool, now)
    }

    fn torn(&mut self, feed: &WssAggregator, pool: &Pool, now: Slot) -> Option<Blocked> {
        let mut together = Vec::new();
        if self.config.hold_torn_pools {
            pool.recorded().written_together(&mut together);
        }
        let found: Vec<_> = together
            .into_iter()
            .filter_map(|account| Some((account, self.freshness(feed, &account)?)))
            .collect();
        let slot = found.iter().map(|(_, found)| found.slot).max()?;
        if now.saturating_sub(slot) > self.config.max_torn_slots {
            return None;
        }
        let newest = found.iter().filter(|(_, found)| found.slot == slot && !found.by_read);
        let most = newest.map(|(_, found)| found.writes).max().unwrap_or(0);
        let is_behind = |found: &AccountFreshness| {
            let has_all = found.slot == slot && (found.by_read || found.writes == most);
            !has_all && found.known.fresh_to <= slot
        };
        let (account, _) = found.iter().find(|(_, found)| is_behind(found))?;
        Some(Blocked::Torn { account: *account, slot })
    }

    /// Returns up to which slot all that a pool reads is known to be the latest.
    pub(super) fn fresh_to(&mut self, feed: &WssAggregator, pool: &Pool) -> Option<Slot> {
        let all = accounts(pool, self.config).filter(|&(_, _, is_settings)| !is_settings);
        all.filter_map(|(account, ..)| Some(self.freshness(feed, &account)?.known.fresh_to)).min()
    }

    /// Returns how many providers vouch for the account, of those that trading changes, that fewest vouch
    /// for; `None` if none came through a connection.
    pub(super) fn vouchers(&mut self, feed: &WssAggregator, pool: &Pool) -> Option<usize> {
        let all = accounts(pool, self.config).filter(|&(_, _, is_settings)| !is_settings);
        all.filter_map(|(account, ..)| Some(self.freshness(feed, &account)?.known.vouchers)).min()
    }

    /// Keeps a refused cycle, to be looked at again.
    pub(super) fn wait(&mut self, key: CycleKey) {
        if self.waiting.len() < MAX_WAITING && !self.waiting.contains(&key) {
            self.waiting.push(key);
        }
    }

    /// Forgets a cycle that waits.
    pub(super) fn forget(&mut self, key: CycleKey) {
        self.waiting.retain(|waiting| *waiting != key);
    }

    /// Returns how many cycles wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns whether cycles wait and states may have become fresher since this was last asked.
    #[inline]
    pub(super) fn is_due(&mut self, feed: &WssAggregator) -> bool {
        !self.waiting.is_empty()
            && std::mem::replace(&mut self.progress, feed.watch().progress()) != self.progress
    }

    /// Takes the cycles that wait.
    pub(super) fn take_waiting(&mut self) -> Vec<CycleKey> {
        std::mem::take(&mut self.waiting)
    }

    /// Returns the accounts to read again, in the order of the pools that read them: those that rest on
    /// the word of a provider under quarantine, those of which no connection knows now whether they have
    /// changed, and those past their bound (mints and configurations past half of it). While nothing is
    /// judged only the first. Counts what has come into doubt
    /// and what has left it since the last call; looks at every pool.
    pub(super) fn stale_accounts(&mut self, feed: &WssAggregator, market: &Market) -> Vec<StaleAccount> {
        let mut stale = Vec::new();
        let is_judging = feed.watch().is_judging();
        if !is_judging && self.doubted.is_empty() && self.doubts.is_empty() {
            return stale;
        }
        let now = feed.now();
        let mut seen = FxHashSet::default();
        for (pool, index) in market.pools().iter().zip(0..) {
            for (pubkey, bound, is_settings) in accounts(pool, self.config) {
                if !seen.insert(pubkey) {
                    continue;
                }
                let known = self.freshness(feed, &pubkey).map(|found| found.known);
                let (fresh_to, read_from) =
                    known.map_or((0, None), |known| (known.fresh_to, known.read_from));
                let age_slots = now.saturating_sub(fresh_to);
                let reason = match known {
                    _ if self.doubted.contains(&pubkey) => DOUBTED,
                    Some(_) if !is_judging => continue,
                    Some(Freshness { doubt: Some(doubt), .. }) if !is_settings => doubt.name(),
                    Some(_) if age_slots > if is_settings { bound / 2 } else { bound } => "old",
                    _ => continue,
                };
                stale.push(StaleAccount { pubkey, pool: index, reason, fresh_to, age_slots, read_from });
            }
        }
        self.count(&stale, now);
        stale
    }

    fn count(&mut self, stale: &[StaleAccount], now: Slot) {
        let before = std::mem::take(&mut self.doubts);
        for account in stale {
            let since = before.get(&account.pubkey).copied();
            self.healing.doubted += u64::from(since.is_none());
            let begun = if account.reason == DOUBTED { now } else { account.fresh_to };
            self.doubts.insert(account.pubkey, since.unwrap_or(begun));
        }
        for (_, since) in before.into_iter().filter(|(account, _)| !self.doubts.contains_key(account)) {
            let slots = now.saturating_sub(since);
            self.healing.healed += 1;
            self.healing.healed_slots = self.healing.healed_slots.saturating_add(slots);
            self.healing.longest_slots = self.healing.longest_slots.max(slots);
        }
        self.healing.in_doubt = self.doubts.len();
    }
}
