//! The identities seen last: a set that forgets its oldest member when full.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

/// A set of at most `capacity` 128-bit hashes. Takes up to about 50 bytes a member.
#[derive(Debug)]
pub struct Seen {
    members: FxHashSet<u128>,
    order: VecDeque<u128>,
    capacity: usize,
}

impl Seen {
    /// Returns an empty set; `capacity` 0 remembers nothing.
    pub fn new(capacity: usize) -> Self {
        Self { members: FxHashSet::default(), order: VecDeque::new(), capacity }
    }

    /// Adds a hash and returns whether it is new.
    #[inline]
    pub fn insert(&mut self, hash: u128) -> bool {
        if !self.members.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.members.remove(&oldest);
        }
        true
    }

    /// Returns whether a hash is a member.
    #[inline]
    pub fn contains(&self, hash: u128) -> bool {
        self.members.contains(&hash)
    }

    /// Forgets every member.
    pub fn clear(&mut self) {
        self.members.clear();
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insert_past_capacity_forgets_the_oldest_only() {
        let mut seen = Seen::new(2);
        assert!(seen.insert(1) && seen.insert(2) && !seen.insert(1));
        assert!(seen.insert(3));
        assert_eq!([1, 2, 3].map(|hash| seen.contains(hash)), [false, true, true]);
    }
}
