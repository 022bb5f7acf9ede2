//! How far the chain is, by the word of endpoints that may lie.

use super::order::Connection;
use crate::provider;
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

    /// Forgets what a provider has named.
    pub fn withdraw(&mut self, provider: u32, links: &[Connection]) {
        for (told, _) in self.told.iter_mut().zip(links).filter(|(_, link)| link.provider == provider) {
            *told = None;
        }
        self.highest = None;
        self.update(links);
    }

    fn update(&mut self, links: &[Connection]) {
        let all = || self.told.iter().zip(links);
        let told = provider::reached(all().filter_map(|(told, link)| Some((link.provider, (*told)?))));
        self.highest = self.highest.max(told.get(self.quorum - 1).copied());
        let open = all().filter(|(_, link)| link.open);
        let open = provider::reached(open.filter_map(|(told, link)| Some((link.provider, (*told)?))));
        self.base = if open.len() >= 3 { open.get(open.len() / 2).copied() } else { told.first().copied() };
    }

    /// Returns the highest slot that as many providers as the quorum asks for have reached.
    #[inline]
    pub fn highest(&self) -> Option<Slot> {
        self.highest
    }

    /// Returns the slot that a believable slot is at most so far ahead of: with three or more
    /// connected providers the one that half of them have reached, so that one alone cannot move
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

    const fn open(provider: u32) -> Connection {
        Connection { number: 0, open: true, provider }
    }

    const OPEN: [Connection; 4] = [open(0), open(1), open(2), open(3)];

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

    #[test]
    fn base_and_highest_count_the_connections_of_a_provider_once() {
        let links = [open(0), open(1), open(2), open(2), open(2)];
        for quorum in [1, 2] {
            let mut progress = Progress::new(quorum);
            for (endpoint, slot) in [(0, 10), (1, 12), (2, 1000), (3, 1001), (4, 1002)] {
                progress.saw(endpoint, slot, &links);
            }
            assert_eq!((progress.base(), progress.highest()), (Some(12), Some([1002, 12][quorum - 1])));
            progress.withdraw(2, &links);
            assert_eq!(progress.told(4), None);
        }
    }
}
