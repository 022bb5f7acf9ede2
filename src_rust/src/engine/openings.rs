//! Which cycles are open at recorded prices, since when, and whether they were taken.

use rustc_hash::{FxHashMap, FxHashSet};

use super::Cycle;
use super::funnel::Stage;
use crate::cycle_finder::{CycleKey, pool_of};
use crate::market::PoolIndex;

/// One opening of one cycle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    id: u64,
    taken: bool,
    furthest: Stage,
}

impl Opening {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn is_taken(&self) -> bool {
        self.taken
    }

    pub(super) fn furthest(&self) -> Stage {
        self.furthest
    }

    pub(super) fn advance(&mut self, stage: Stage) {
        self.furthest = self.furthest.max(stage);
    }
}

/// The openings of now. Memory is proportional to the cycles that have ever been open.
#[derive(Debug, Default)]
pub(super) struct Openings {
    by_key: FxHashMap<CycleKey, Opening>,
    by_pool: FxHashMap<PoolIndex, Vec<CycleKey>>,
    ever: FxHashSet<CycleKey>,
    total: u64,
}

impl Openings {
    /// Returns how many openings there have been.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Returns how many cycles are open.
    pub(super) fn open_now(&self) -> usize {
        self.by_key.len()
    }

    /// Returns whether the cycle is open.
    pub(super) fn is_open(&self, key: CycleKey) -> bool {
        self.by_key.contains_key(&key)
    }

    /// Returns whether the cycle is or was open.
    pub(super) fn has_opened(&self, key: CycleKey) -> bool {
        self.ever.contains(&key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = CycleKey> + '_ {
        self.by_key.keys().copied()
    }

    /// Returns the cycles that are open, each with the number of its opening.
    pub(super) fn ids(&self) -> impl Iterator<Item = (CycleKey, u64)> + '_ {
        self.by_key.iter().map(|(key, opening)| (*key, opening.id))
    }

    /// Returns the cycle's opening, a new one if it was closed.
    pub(super) fn open(&mut self, cycle: &Cycle) -> &mut Opening {
        self.by_key.entry(cycle.key).or_insert_with(|| {
            for edge in cycle.key.edges() {
                self.by_pool.entry(pool_of(edge).0).or_default().push(cycle.key);
            }
            self.ever.insert(cycle.key);
            self.total += 1;
            Opening { id: self.total, taken: false, furthest: Stage::Cycle }
        })
    }

    /// Closes the cycles through `pool` that `found`, all cycles through it now, does not hold as
    /// profitable; `on_closed` hears the numbers of their openings.
    pub(super) fn close_missing(&mut self, pool: PoolIndex, found: &[Cycle], mut on_closed: impl FnMut(u64)) {
        let Some(keys) = self.by_pool.get(&pool) else { return };
        let closed: Vec<CycleKey> = keys
            .iter()
            .filter(|key| !found.iter().any(|cycle| cycle.key == **key && cycle.is_open()))
            .copied()
            .collect();
        for key in closed {
            if let Some(opening) = self.by_key.remove(&key) {
                on_closed(opening.id);
            }
            for edge in key.edges() {
                if let Some(keys) = self.by_pool.get_mut(&pool_of(edge).0) {
                    keys.retain(|other| *other != key);
                }
            }
        }
    }

    pub(super) fn advance(&mut self, key: CycleKey, stage: Stage) {
        if let Some(opening) = self.by_key.get_mut(&key) {
            opening.advance(stage);
        }
    }

    /// Returns whether the cycle's present opening was taken.
    pub(super) fn is_taken(&self, key: CycleKey) -> bool {
        self.by_key.get(&key).is_some_and(Opening::is_taken)
    }

    /// Returns whether the opening with this number is the cycle's present one and not taken.
    pub(super) fn can_take(&self, key: CycleKey, opening_id: u64) -> bool {
        self.by_key.get(&key).is_some_and(|opening| opening.id == opening_id && !opening.taken)
    }

    pub(super) fn take(&mut self, key: CycleKey) {
        if let Some(opening) = self.by_key.get_mut(&key) {
            opening.taken = true;
        }
    }
}
