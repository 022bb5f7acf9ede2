//! Which accounts the pools read, so that somebody can read and subscribe to them.
//!
//! The one idea: following the price costs nothing per update. A pool's list of accounts is compared
//! anyway whenever the pool changes; only where it names another address is anything noted here, so a
//! follower asks [`Market::wants_changes`], one number, and takes the news if it moved.

use rustc_hash::FxHashSet;

use super::{Market, PoolIndex};
use crate::decoders::sysvar;
use crate::quantities::Pubkey;
use crate::venues::Dependency;

/// An account that a pool reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Its address.
    pub address: Pubkey,
    /// The pool that reads it; `None` for the Clock sysvar, which belongs to all.
    pub pool: Option<PoolIndex>,
    /// What it is: `vault`, `mint`, `config`, `tick_array`, …; the pool itself is `pool`.
    pub reason: &'static str,
    /// Whether its content, or that it does not exist, is known.
    pub is_known: bool,
}

/// Addresses that pools have begun to name and nobody has taken yet: each once, so no more than there
/// are addresses that pools ever named.
#[derive(Debug, Default)]
pub(super) struct NewWants {
    addresses: FxHashSet<Pubkey>,
    changes: u64,
}

impl NewWants {
    /// Notes what `now` names and `before` did not.
    pub(super) fn note(&mut self, before: &[Dependency], now: &[Dependency]) {
        for dependency in now {
            if !before.iter().any(|known| known.address == dependency.address) {
                self.add(dependency.address);
            }
        }
    }

    pub(super) fn add(&mut self, address: Pubkey) {
        self.changes += u64::from(self.addresses.insert(address));
    }
}

impl Market {
    /// Returns every account that pools read in their present state, the pools' own first, then in the
    /// order of the pools; one that several pools read comes once for each. The Clock comes first.
    #[must_use]
    pub fn wanted(&self) -> Vec<Want> {
        let clock = Want {
            address: sysvar::CLOCK,
            pool: None,
            reason: "clock",
            is_known: self.environment.clock.is_some(),
        };
        let mut wants = vec![clock];
        for (pool, index) in self.pools.iter().zip(0..) {
            let own = Want { address: pool.address(), pool: Some(index), reason: "pool", is_known: true };
            wants.push(own);
            wants.extend(pool.watched.iter().map(|dependency| Want {
                address: dependency.address,
                pool: Some(index),
                reason: dependency.reason.trim_start_matches("missing_"),
                is_known: dependency.is_known,
            }));
        }
        wants
    }

    /// Returns a number that grows with every address that [`take_new_wants`](Self::take_new_wants)
    /// has to tell of.
    #[must_use]
    pub fn wants_changes(&self) -> u64 {
        self.new_wants.changes
    }

    /// Takes the addresses that pools have begun to read since the last call, sorted. An address comes
    /// again if every pool stopped naming it and one began anew.
    pub fn take_new_wants(&mut self) -> Vec<Pubkey> {
        let mut addresses: Vec<Pubkey> = self.new_wants.addresses.drain().collect();
        addresses.sort_unstable();
        addresses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(byte: u8) -> Dependency {
        Dependency { address: Pubkey([byte; 32]), reason: "missing_tick_array", is_known: false }
    }

    #[test]
    fn new_wants_count_an_address_once_until_it_is_taken() {
        let mut market = Market::default();
        market.new_wants.note(&[named(1)], &[named(1), named(2)]);
        market.new_wants.note(&[], &[named(2)]);
        assert_eq!(market.wants_changes(), 1);
        assert_eq!(market.take_new_wants(), [Pubkey([2; 32])]);
        assert!(market.take_new_wants().is_empty());
        market.new_wants.note(&[named(1)], &[named(2)]);
        assert_eq!(market.wants_changes(), 2);
        assert_eq!(market.take_new_wants(), [Pubkey([2; 32])]);
    }
}
