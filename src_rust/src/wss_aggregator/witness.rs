//! What the endpoints say of one account, held against each other.
//!
//! - **Disagreement.** Nodes push the state that a slot left, so an endpoint's last notification of
//!   a slot is its word on that slot, final once the same connection has notified a later one. Two
//!   final words on one slot that differ cannot be explained by order: one endpoint lost the last
//!   write or lies. If two or more agree and one stands alone, it is the one that is counted. One
//!   against one is a dispute, counted for nobody.
//! - **Owner.** Programs hardly ever give an account away. An owner that one endpoint alone names,
//!   while two others named the applied one last, is not believed.

use super::payload::Content;
use crate::quantities::{Pubkey, Slot};

/// Endpoints that can be told apart here; what others say is not held against anyone.
const MAX_ENDPOINTS: usize = 64;

/// Final words remembered of each endpoint: those who are further apart are not compared.
const MAX_FINAL: usize = 4;

/// A set of endpoints, as bits.
pub type Endpoints = u64;

fn bit(endpoint: usize) -> Endpoints {
    if endpoint < MAX_ENDPOINTS { 1 << endpoint } else { 0 }
}

#[derive(Debug, Clone, Default)]
struct Word {
    connection: u32,
    /// The latest write notified.
    last: Option<(Slot, Content)>,
    /// The last writes of the latest slots that this connection has left behind.
    finals: Vec<Final>,
}

#[derive(Debug, Clone, Copy)]
struct Final {
    slot: Slot,
    content: Content,
    /// Whether it has been counted as a disagreement.
    judged: bool,
}

/// What a notification brought to light.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Findings {
    /// Endpoints whose final word stands alone against at least two.
    pub alone: Endpoints,
    /// Whether two final words differ and nobody decides.
    pub disputed: bool,
}

/// What endpoints have said of one account. Takes up to about 250 bytes for each.
#[derive(Debug, Default)]
pub struct Witnesses {
    words: Vec<Word>,
    owner: Option<Pubkey>,
    /// Who named the applied owner last.
    owner_by: Endpoints,
    /// Other owners, and who named them last: at most one for each endpoint.
    others: Vec<(Pubkey, Endpoints)>,
}

impl Witnesses {
    /// Takes notice of a notification.
    #[inline]
    pub fn notified(&mut self, endpoint: usize, connection: u32, slot: Slot, content: Content) -> Findings {
        if endpoint >= MAX_ENDPOINTS {
            return Findings::default();
        }
        if self.words.len() <= endpoint {
            self.words.resize_with(endpoint + 1, Word::default);
        }
        let word = &mut self.words[endpoint];
        if word.connection != connection {
            *word = Word { connection, ..Word::default() };
        }
        match word.last {
            Some((last, _)) if last > slot => Findings::default(),
            Some(last) if last.0 < slot => {
                word.last = Some((slot, content));
                if word.finals.len() == MAX_FINAL {
                    word.finals.remove(0);
                }
                word.finals.push(Final { slot: last.0, content: last.1, judged: false });
                self.compare(last.0)
            }
            _ => {
                word.last = Some((slot, content));
                Findings::default()
            }
        }
    }

    fn compare(&mut self, slot: Slot) -> Findings {
        let mut finals = Vec::with_capacity(self.words.len());
        for (endpoint, word) in self.words.iter_mut().enumerate() {
            let of_slot = word.finals.iter_mut().find(|word| word.slot == slot);
            finals.extend(of_slot.map(|word| (endpoint, word)));
        }
        let words: Vec<Content> = finals.iter().map(|(_, word)| word.content).collect();
        let support = |content| words.iter().filter(|&&other| other == content).count();
        let most = words.iter().map(|&content| support(content)).max().unwrap_or(0);
        let mut findings = Findings { alone: 0, disputed: most == 1 && words.len() > 1 };
        for (endpoint, word) in finals {
            if most >= 2 && support(word.content) == 1 && !word.judged {
                word.judged = true;
                findings.alone |= bit(endpoint);
            }
        }
        findings
    }

    /// Returns what a connection of an endpoint notified last.
    pub fn last_word(&self, endpoint: usize, connection: u32) -> Option<(Slot, Content)> {
        self.words.get(endpoint).filter(|word| word.connection == connection)?.last
    }

    /// Returns the highest slot notified by any endpoint but one; 0 if there is none.
    pub fn highest_but(&self, endpoint: usize) -> Slot {
        let others = self.words.iter().enumerate().filter(|&(other, _)| other != endpoint);
        others.filter_map(|(_, word)| word.last).map(|last| last.0).max().unwrap_or(0)
    }

    /// Takes notice that an endpoint repeats the applied state, and so its owner.
    #[inline]
    pub fn repeats_owner(&mut self, endpoint: usize) {
        self.owner_by |= bit(endpoint);
    }

    /// Takes notice of the owner that an endpoint names, and returns whether it can be believed.
    pub fn names_owner(&mut self, endpoint: usize, owner: Pubkey) -> bool {
        let bit = bit(endpoint);
        for (_, by) in &mut self.others {
            *by &= !bit;
        }
        self.others.retain(|&(_, by)| by != 0);
        let Some(applied) = self.owner.filter(|&applied| applied != owner) else {
            self.owner = Some(owner);
            self.owner_by |= bit;
            return true;
        };
        self.owner_by &= !bit;
        let by = if let Some((_, by)) = self.others.iter_mut().find(|(other, _)| *other == owner) {
            *by |= bit;
            *by
        } else {
            if bit != 0 {
                self.others.push((owner, bit));
            }
            bit
        };
        if by.count_ones() < 2 && self.owner_by.count_ones() >= 2 {
            return false;
        }
        self.others.retain(|&(other, _)| other != owner);
        if self.owner_by != 0 {
            self.others.push((applied, self.owner_by));
        }
        (self.owner, self.owner_by) = (Some(owner), by);
        true
    }

    /// Forgets what an endpoint has said.
    pub fn withdraw(&mut self, endpoint: usize) {
        if let Some(word) = self.words.get_mut(endpoint) {
            *word = Word::default();
        }
        self.owner_by &= !bit(endpoint);
        for (_, by) in &mut self.others {
            *by &= !bit(endpoint);
        }
        self.others.retain(|&(_, by)| by != 0);
        if self.owner_by == 0 {
            self.owner = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAR: Findings = Findings { alone: 0, disputed: false };

    #[test]
    fn notified_of_a_later_slot_counts_the_one_that_stands_alone_once() {
        let mut witnesses = Witnesses::default();
        for (endpoint, content) in [(0, 7), (1, 8), (2, 7)] {
            assert_eq!(witnesses.notified(endpoint, 0, 10, content), CLEAR);
        }
        assert_eq!(witnesses.notified(0, 0, 11, 1), CLEAR);
        assert_eq!(witnesses.notified(1, 0, 11, 1), Findings { alone: 0, disputed: true });
        assert_eq!(witnesses.notified(2, 0, 12, 1), Findings { alone: 0b010, disputed: false });
        assert_eq!(witnesses.notified(0, 0, 13, 1), CLEAR);
    }

    #[test]
    fn notified_of_several_writes_in_a_slot_compares_the_last_only() {
        let mut witnesses = Witnesses::default();
        for (endpoint, content) in [(0, 1), (0, 2), (1, 2), (2, 1), (2, 2)] {
            assert_eq!(witnesses.notified(endpoint, 0, 10, content), CLEAR);
        }
        for endpoint in 0..3 {
            assert_eq!(witnesses.notified(endpoint, 0, 11, 3), CLEAR);
        }
    }

    #[test]
    fn notified_after_a_reconnect_says_nothing_of_the_slot_before() {
        let mut witnesses = Witnesses::default();
        for endpoint in 0..3 {
            witnesses.notified(endpoint, 0, 10, u128::from(endpoint == 1));
        }
        assert_eq!(witnesses.notified(1, 1, 11, 5), CLEAR);
        assert_eq!(witnesses.notified(0, 0, 11, 5), CLEAR);
        assert_eq!(witnesses.notified(2, 0, 11, 5), CLEAR);
    }

    #[test]
    fn names_owner_alone_against_two_is_not_believed_until_another_does() {
        let [right, wrong] = [Pubkey([1; 32]), Pubkey([2; 32])];
        let mut witnesses = Witnesses::default();
        assert!(witnesses.names_owner(0, right));
        assert!(witnesses.names_owner(1, wrong)); // one against one
        assert!(witnesses.names_owner(2, right) && witnesses.names_owner(0, right));
        assert!(!witnesses.names_owner(1, wrong));
        assert!(!witnesses.names_owner(1, wrong));
        assert!(witnesses.names_owner(0, wrong));
    }
}
