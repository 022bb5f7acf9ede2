//! What an engine tells of how fresh its market is: on demand, nothing is kept for it.

use super::guard::{Blocked, Healing, StaleAccount};
use super::{Engine, PoolIndex};
use crate::quantities::{Pubkey, Slot};
use crate::wss_aggregator::ConnectionFreshness;

/// The whole at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshnessReport {
    /// Whether anything is refused for its age: some connection has had a heartbeat.
    pub is_judging: bool,
    /// The slot that ages are counted from.
    pub now: Slot,
    /// The connections, in the order in which they were first named.
    pub connections: Vec<ConnectionFreshness>,
    /// Pools that may not be traded now, and why.
    pub blocked: Vec<(Pubkey, Blocked)>,
    /// Cycles that would be signals but for that.
    pub waiting: usize,
    /// What was listed to be read again, and what became of it.
    pub healing: Healing,
}

/// One pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFreshness {
    /// The slot up to which all that trading changes is known to be the latest; `None` if no account
    /// of it came through a connection.
    pub fresh_to: Option<Slot>,
    /// Its age.
    pub age_slots: Option<u64>,
    /// Why it may not be traded now.
    pub blocked: Option<Blocked>,
}

impl Engine {
    /// Returns how fresh the market is. Looks at every pool.
    pub fn freshness(&mut self) -> FreshnessReport {
        let Self { aggregator, market, guard, .. } = self;
        let blocked = market.pools().iter().filter(|pool| pool.set_aside().is_none());
        FreshnessReport {
            is_judging: aggregator.watch().is_judging(),
            now: aggregator.now(),
            connections: aggregator.connections(),
            blocked: blocked
                .filter_map(|pool| Some((pool.address(), guard.blocked(aggregator, pool)?)))
                .collect(),
            waiting: guard.waiting(),
            healing: guard.healing(),
        }
    }

    /// Returns how fresh one pool is.
    pub fn pool_freshness(&mut self, pool: PoolIndex) -> PoolFreshness {
        let Self { aggregator, market, guard, .. } = self;
        let pool = market.pool(pool);
        let fresh_to = guard.fresh_to(aggregator, pool);
        PoolFreshness {
            fresh_to,
            age_slots: fresh_to.map(|fresh_to| aggregator.now().saturating_sub(fresh_to)),
            blocked: guard.blocked(aggregator, pool),
        }
    }

    /// Returns the accounts to read again, in the order of the pools that read them: those that rest on
    /// the word of a provider under quarantine, those of which no connection knows now whether they have
    /// changed, and those past their bound (mints and configurations past half of it). Before the first
    /// heartbeat only the first. To be called now and then:
    /// [`FreshnessReport::healing`] counts from one call to the next. Looks at every pool.
    pub fn stale_accounts(&mut self) -> Vec<StaleAccount> {
        self.guard.stale_accounts(&self.aggregator, &self.market)
    }
}
