//! How far the chain is, by the word of endpoints that may lie.

use super::order::Connection;
use crate::quantities::Slot;

/// The highest slot that each endpoint has named in a sound frame, and what follows.
#[derive(Debug)]
pub struct Progress {
    told: Vec<Option<Slot>>,
    quorum: usize,
    highest: Option<Slot>,
    base: Option<Slot>,
}

impl Progress {
    pub fn new(quorum: usize) -> Self {
        Self { told: Vec::new(), quorum: quorum.max(1), highest: None, base: None }
    }

    /// Takes notice of a slot named by an endpoint in a sound frame.
    #[inline]
    pub fn saw(&mut self, endpoint: usize, slot: Slot, links: &[Connection]) {
        if self.told.get(endpoint).copied().flatten() < Some(slot) {
            if self.told.len() <= endpoint {
                self.told.resize(endpoint + 1, None);
            }
            self.told[endpoint] = Some(slot);
            self.update(links);
        }
    }

    /// Forgets what an endpoint has named.
    pub fn withdraw(&mut self, endpoint: usize, links: &[Connection]) {
        if let Some(told) = self.told.get_mut(endpoint) {
            *told = None;
        }
        self.highest = None;
        self.update(links);
    }

    fn update(&mut self, links: &[Connection]) {
        let mut told: Vec<Slot> = self.told.iter().copied().flatten().collect();
        told.sort_unstable_by(|a, b| b.cmp(a));
        self.highest = self.highest.max(told.get(self.quorum - 1).copied());
        let open = self.told.iter().zip(links).filter(|(_, link)| link.open);
        let mut open: Vec<Slot> = open.filter_map(|(told, _)| *told).collect();
        open.sort_unstable_by(|a, b| b.cmp(a));
        self.base = if open.len() >= 3 { open.get(open.len() / 2).copied() } else { told.first().copied() };
    }

    /// Returns the highest slot that as many endpoints as the quorum asks for have reached.
    #[inline]
    pub fn highest(&self) -> Option<Slot> {
        self.highest
    }

    /// Returns the slot that a believable slot is at most so far ahead of: with three or more
    /// connected endpoints the one that half of them have reached, so that one alone cannot move
    /// it; else the highest.
    #[inline]
    pub fn base(&self) -> Option<Slot> {
        self.base
    }

    /// Returns the highest slot that an endpoint has named.
    pub fn told(&self, endpoint: usize) -> Option<Slot> {
        self.told.get(endpoint).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: [Connection; 4] = [Connection { number: 0, open: true }; 4];

    #[test]
    fn base_of_three_is_not_moved_by_one() {
        let mut progress = Progress::new(1);
        assert_eq!((progress.base(), progress.highest()), (None, None));
        progress.saw(0, 10, &OPEN);
        progress.saw(1, 12, &OPEN);
        assert_eq!((progress.base(), progress.highest()), (Some(12), Some(12)));
        progress.saw(2, 1000, &OPEN);
        assert_eq!((progress.base(), progress.highest()), (Some(12), Some(1000)));
        progress.withdraw(2, &OPEN);
        assert_eq!((progress.base(), progress.highest()), (Some(12), Some(12)));
    }

    #[test]
    fn highest_with_a_quorum_is_what_so_many_have_reached() {
        let mut progress = Progress::new(2);
        progress.saw(0, 1000, &OPEN);
        assert_eq!(progress.highest(), None);
        progress.saw(1, 12, &OPEN);
        progress.saw(2, 10, &OPEN);
        assert_eq!(progress.highest(), Some(12));
    }

    #[test]
    fn base_counts_connected_endpoints_only() {
        let mut links = OPEN;
        let mut progress = Progress::new(1);
        for (endpoint, slot) in [(0, 10), (1, 11), (2, 500)] {
            progress.saw(endpoint, slot, &links);
        }
        assert_eq!(progress.base(), Some(11));
        links[0].open = false;
        progress.saw(2, 501, &links);
        assert_eq!(progress.base(), Some(501));
    }
}
