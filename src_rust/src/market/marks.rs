//! Which pools may show something else since somebody last asked.
//!
//! A pool that was looked at anew, filled, or whose mint became known is marked once, however often it
//! changes; without somebody who asks, a change costs one comparison.

use super::{Market, PoolIndex};
use crate::quantities::Pubkey;

/// The marked pools.
#[derive(Debug, Default)]
pub(super) struct Marks {
    is_kept: bool,
    /// By pool.
    is_marked: Vec<bool>,
    marked: Vec<PoolIndex>,
}

impl Marks {
    #[inline]
    pub(super) fn mark(&mut self, pool: PoolIndex) {
        if self.is_kept {
            self.note(pool);
        }
    }

    fn note(&mut self, pool: PoolIndex) {
        let place = pool as usize;
        if self.is_marked.len() <= place {
            self.is_marked.resize(place + 1, false);
        }
        if !std::mem::replace(&mut self.is_marked[place], true) {
            self.marked.push(pool);
        }
    }
}

impl Market {
    /// Marks every pool now, and from now on those that may show something else.
    pub(crate) fn keep_marks(&mut self) {
        self.marks.is_kept = true;
        for (_, pool) in (0..self.pools.len()).zip(0..) {
            self.marks.note(pool);
        }
    }

    /// Returns whether a pool is marked.
    #[inline]
    pub(crate) fn has_marked(&self) -> bool {
        !self.marks.marked.is_empty()
    }

    /// Takes the pools marked since the last call, in the order in which they were.
    #[inline]
    pub(crate) fn take_marked(&mut self) -> impl Iterator<Item = PoolIndex> + '_ {
        let marks = &mut self.marks;
        marks.marked.drain(..).inspect(|&pool| marks.is_marked[pool as usize] = false)
    }

    /// Marks the pools of a mint whose account is about to be seen for the first time.
    pub(super) fn mark_pools_of_new_mint(&mut self, mint: &Pubkey) {
        if !self.marks.is_kept || self.waiting.get(mint).is_some() {
            return;
        }
        if let Some(&index) = self.mint_index.get(mint) {
            for &pool in &self.mints[index as usize].pools {
                self.marks.note(pool);
            }
        }
    }
}
