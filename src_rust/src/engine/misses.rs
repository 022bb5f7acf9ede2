//! The misses that are remembered, and the nearest of them.
//!
//! How much each missed by lies in a row of its own: to find the nearest few reads 8 bytes of each.

use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::Miss;
use crate::cycle_finder::CycleKey;

/// Most misses that are remembered; further ones are counted only.
const MAX_REMEMBERED: usize = 65_536;

/// By cycle and opening.
#[derive(Debug, Clone, Default)]
pub(super) struct Misses {
    places: FxHashMap<(CycleKey, u64), usize>,
    all: Vec<Miss>,
    /// By place: [`rank`].
    ranks: Vec<i64>,
}

/// Returns a number that orders as [`f64::total_cmp`] orders what was missing; last where nothing says it.
fn rank(miss: &Miss) -> i64 {
    let bits = miss.missing_bps.unwrap_or(f64::INFINITY).to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

impl Misses {
    /// Keeps a miss if there is room, or what is known of its opening came less near.
    pub(super) fn keep(&mut self, miss: Miss) {
        let key = (miss.key, miss.opening_id);
        match self.places.get(&key) {
            Some(&place) if miss.is_nearer_than(&self.all[place]) => {
                (self.all[place], self.ranks[place]) = (miss, rank(&miss));
            }
            None if self.all.len() < MAX_REMEMBERED => {
                self.places.insert(key, self.all.len());
                self.all.push(miss);
                self.ranks.push(rank(&miss));
            }
            _ => {}
        }
    }

    pub(super) fn forget(&mut self, key: CycleKey, opening_id: u64) {
        let Some(place) = self.places.remove(&(key, opening_id)) else { return };
        self.all.swap_remove(place);
        self.ranks.swap_remove(place);
        if let Some(moved) = self.all.get(place) {
            self.places.insert((moved.key, moved.opening_id), place);
        }
    }

    /// Returns at most `limit`, nearest first.
    pub(super) fn nearest(&self, limit: usize) -> Vec<Miss> {
        if limit == 0 {
            return Vec::new();
        }
        // The farthest of those chosen so far is on top.
        let mut chosen: BinaryHeap<(i64, CycleKey, u64, usize)> = BinaryHeap::new();
        let mut most = i64::MAX;
        for (place, &rank) in self.ranks.iter().enumerate() {
            if rank > most {
                continue;
            }
            let miss = &self.all[place];
            chosen.push((rank, miss.key, miss.opening_id, place));
            if chosen.len() > limit {
                chosen.pop();
            }
            if chosen.len() == limit {
                most = chosen.peek().map_or(most, |&(rank, ..)| rank);
            }
        }
        chosen.into_sorted_vec().into_iter().map(|(.., place)| self.all[place]).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::funnel::Stage;
    use super::*;

    fn miss(edge: u32, missing_bps: Option<f64>) -> Miss {
        let key = CycleKey::new(&[edge, edge + 1]).unwrap();
        let reached = Stage::Cycle;
        Miss { key, opening_id: 0, slot: 1, reached, reason: None, missing_bps, candidate: None }
    }

    /// Any number, ties and unknown ones included.
    fn some() -> Vec<Miss> {
        let missing = |n: u32| (!n.is_multiple_of(7)).then(|| f64::from(n * 7919 % 101));
        (0..1_000).map(|n| miss(2 * n, missing(n))).collect()
    }

    #[test]
    fn nearest_are_the_first_of_all_in_order() {
        let (mut misses, all) = (Misses::default(), some());
        for miss in &all {
            misses.keep(*miss);
        }
        let mut sorted = all;
        sorted.sort_by(|x, y| {
            let missing = |miss: &Miss| miss.missing_bps.unwrap_or(f64::INFINITY);
            missing(x).total_cmp(&missing(y)).then(x.key.cmp(&y.key))
        });
        for limit in [0, 1, 8, 500, 1_000, 2_000] {
            assert_eq!(misses.nearest(limit), sorted[..limit.min(1_000)]);
        }
    }

    #[test]
    fn what_is_forgotten_is_gone_and_the_others_stay() {
        let (mut misses, all) = (Misses::default(), some());
        for miss in &all {
            misses.keep(*miss);
        }
        let is_gone = |miss: &Miss| miss.key.edges().sum::<u32>() % 3 == 0;
        let (gone, left): (Vec<Miss>, Vec<Miss>) = all.iter().partition(|miss| is_gone(miss));
        for miss in &gone {
            misses.forget(miss.key, miss.opening_id);
            misses.forget(miss.key, miss.opening_id);
        }
        let mut kept = misses.nearest(1_000);
        kept.sort_by_key(|miss| miss.key);
        assert_eq!(kept, left);
    }

    #[test]
    fn nearer_miss_of_one_opening_replaces_the_other() {
        let mut misses = Misses::default();
        for missing in [Some(5.0), None, Some(3.0), Some(4.0)] {
            misses.keep(miss(0, missing));
        }
        assert_eq!(misses.nearest(8), [miss(0, Some(3.0))]);
    }
}
