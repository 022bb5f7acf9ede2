//! What the endpoints say of one account, held against each other.
//!
//! - **Disagreement.** Nodes push the state that a slot left, so an endpoint's last notification of
//!   a slot is its word on that slot, final once the same connection has notified a later one. Two
//!   final words on one slot that differ cannot be explained by order: one endpoint lost the last
//!   write or lies. If two or more providers agree and one stands alone, it is the one that is counted.
//!   One against one is a dispute, counted for nobody.
//! - **Owner.** Programs hardly ever give an account away. An owner that one provider alone names,
//!   while two others named the applied one last, is not believed.

use super::payload::Content;
use crate::provider::Voices;
use crate::quantities::{Pubkey, Slot};

/// Final words remembered of each connection: those who are further apart are not compared.
const MAX_FINAL: usize = 4;

/// What one connection has notified of the account.
#[derive(Debug, Clone)]
struct Word {
    endpoint: usize,
    provider: u32,
    connection: u32,
    /// The latest write notified.
    last: (Slot, Content),
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Endpoints whose final word no other provider shares, while two others agree.
    pub alone: Vec<usize>,
    /// Whether the final words of two providers differ and nobody decides.
    pub disputed: bool,
}

/// Who notifies: the number of the endpoint, its provider's, and that of its present connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    pub endpoint: usize,
    pub provider: u32,
    pub connection: u32,
}

/// What endpoints have said of one account. Takes up to about 250 bytes for each that has.
#[derive(Debug, Default)]
pub struct Witnesses {
    words: Vec<Word>,
    owner: Option<Pubkey>,
    /// The providers that named the applied owner last.
    owner_by: Voices,
    /// Other owners, and who named them last: at most one for each provider.
    others: Vec<(Pubkey, Voices)>,
}

impl Witnesses {
    /// Takes notice of a notification.
    #[inline]
    pub fn notified(&mut self, by: Witness, slot: Slot, content: Content) -> Findings {
        let Witness { endpoint, provider, connection } = by;
        let last = (slot, content);
        let Some(word) = self.words.iter_mut().find(|word| word.endpoint == endpoint) else {
            self.words.push(Word { endpoint, provider, connection, last, finals: Vec::new() });
            return Findings::default();
        };
        if word.connection != connection {
            *word = Word { endpoint, provider, connection, last, finals: Vec::new() };
            return Findings::default();
        }
        let before = word.last;
        if before.0 > slot {
            return Findings::default();
        }
        word.last = last;
        if before.0 == slot {
            return Findings::default();
        }
        if word.finals.len() == MAX_FINAL {
            word.finals.remove(0);
        }
        word.finals.push(Final { slot: before.0, content: before.1, judged: false });
        if self.is_agreed(before.0) { Findings::default() } else { self.compare(before.0) }
    }

    /// Returns whether all final words on a slot are the same, as they nearly always are.
    #[inline]
    fn is_agreed(&self, slot: Slot) -> bool {
        let finals = self.words.iter().filter_map(|word| word.finals.iter().rfind(|word| word.slot == slot));
        let mut contents = finals.map(|word| word.content);
        contents.next().is_none_or(|first| contents.all(|content| content == first))
    }

    fn compare(&mut self, slot: Slot) -> Findings {
        let mut finals = Vec::with_capacity(self.words.len());
        for word in &mut self.words {
            let (endpoint, provider) = (word.endpoint, word.provider);
            let of_slot = word.finals.iter_mut().find(|word| word.slot == slot);
            finals.extend(of_slot.map(|word| (endpoint, provider, word)));
        }
        let words: Vec<(u32, Content)> = finals.iter().map(|(_, by, word)| (*by, word.content)).collect();
        let support = |content| {
            let same = words.iter().filter(|&&(_, other)| other == content);
            same.map(|&(provider, _)| provider).collect::<Voices>().count()
        };
        let most = words.iter().map(|&(_, content)| support(content)).max().unwrap_or(0);
        let differ =
            |(by, content): &(u32, Content)| words.iter().any(|(other, word)| by != other && content != word);
        let mut findings = Findings { alone: Vec::new(), disputed: most == 1 && words.iter().any(differ) };
        for (endpoint, _, word) in finals {
            if most >= 2 && support(word.content) == 1 && !word.judged {
                word.judged = true;
                findings.alone.push(endpoint);
            }
        }
        findings
    }

    /// Returns what a connection of an endpoint notified last.
    pub fn last_word(&self, endpoint: usize, connection: u32) -> Option<(Slot, Content)> {
        let word = self.words.iter().find(|word| word.endpoint == endpoint)?;
        (word.connection == connection).then_some(word.last)
    }

    /// Returns the highest slot notified by any provider but one; 0 if there is none.
    pub fn highest_but(&self, provider: u32) -> Slot {
        let others = self.words.iter().filter(|word| word.provider != provider);
        others.map(|word| word.last.0).max().unwrap_or(0)
    }

    /// Takes notice that a provider repeats the applied state, and so its owner.
    #[inline]
    pub fn repeats_owner(&mut self, provider: u32) {
        self.owner_by.add(provider);
    }

    /// Takes notice of the owner that a provider names, and returns whether it can be believed.
    pub fn names_owner(&mut self, provider: u32, owner: Pubkey) -> bool {
        self.forget_others(provider);
        let Some(applied) = self.owner.filter(|&applied| applied != owner) else {
            self.owner = Some(owner);
            self.owner_by.add(provider);
            return true;
        };
        self.owner_by.remove(provider);
        let by = if let Some((_, by)) = self.others.iter_mut().find(|(other, _)| *other == owner) {
            by.add(provider);
            *by
        } else {
            let by = [provider].into_iter().collect();
            self.others.push((owner, by));
            by
        };
        if by.count() < 2 && self.owner_by.count() >= 2 {
            return false;
        }
        self.others.retain(|&(other, _)| other != owner);
        if !self.owner_by.is_empty() {
            self.others.push((applied, self.owner_by));
        }
        (self.owner, self.owner_by) = (Some(owner), by);
        true
    }

    /// Forgets what a provider has said.
    pub fn withdraw(&mut self, provider: u32) {
        self.words.retain(|word| word.provider != provider);
        self.owner_by.remove(provider);
        self.forget_others(provider);
        if self.owner_by.is_empty() {
            self.owner = None;
        }
    }

    fn forget_others(&mut self, provider: u32) {
        for (_, by) in &mut self.others {
            by.remove(provider);
        }
        self.others.retain(|&(_, by)| !by.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notifies over the first connection of the provider of the same number.
    fn notified(
        witnesses: &mut Witnesses,
        endpoint: usize,
        slot: Slot,
        content: Content,
    ) -> (Vec<usize>, bool) {
        let provider = u32::try_from(endpoint).expect("small");
        over(witnesses, Witness { endpoint, provider, connection: 0 }, slot, content)
    }

    fn over(witnesses: &mut Witnesses, by: Witness, slot: Slot, content: Content) -> (Vec<usize>, bool) {
        let Findings { alone, disputed } = witnesses.notified(by, slot, content);
        (alone, disputed)
    }

    const CLEAR: (Vec<usize>, bool) = (Vec::new(), false);

    #[test]
    fn notified_of_a_later_slot_counts_the_one_that_stands_alone_once() {
        let mut witnesses = Witnesses::default();
        for (endpoint, content) in [(0, 7), (1, 8), (2, 7)] {
            assert_eq!(notified(&mut witnesses, endpoint, 10, content), CLEAR);
        }
        assert_eq!(notified(&mut witnesses, 0, 11, 1), CLEAR);
        assert_eq!(notified(&mut witnesses, 1, 11, 1), (vec![], true));
        assert_eq!(notified(&mut witnesses, 2, 12, 1), (vec![1], false));
        assert_eq!(notified(&mut witnesses, 0, 13, 1), CLEAR);
    }

    #[test]
    fn notified_of_several_writes_in_a_slot_compares_the_last_only() {
        let mut witnesses = Witnesses::default();
        for (endpoint, content) in [(0, 1), (0, 2), (1, 2), (2, 1), (2, 2)] {
            assert_eq!(notified(&mut witnesses, endpoint, 10, content), CLEAR);
        }
        for endpoint in 0..3 {
            assert_eq!(notified(&mut witnesses, endpoint, 11, 3), CLEAR);
        }
    }

    #[test]
    fn notified_after_a_reconnect_says_nothing_of_the_slot_before() {
        let mut witnesses = Witnesses::default();
        for endpoint in 0..3 {
            notified(&mut witnesses, endpoint, 10, u128::from(endpoint == 1));
        }
        let again = Witness { endpoint: 1, provider: 1, connection: 1 };
        assert_eq!(over(&mut witnesses, again, 11, 5), CLEAR);
        assert_eq!(notified(&mut witnesses, 0, 11, 5), CLEAR);
        assert_eq!(notified(&mut witnesses, 2, 11, 5), CLEAR);
    }

    #[test]
    fn notified_over_several_connections_of_a_provider_is_one_voice() {
        let mut witnesses = Witnesses::default();
        let on = |endpoint: usize| Witness { endpoint, provider: u32::from(endpoint >= 2), connection: 0 };
        let mut said = |endpoint: usize, slot, content| over(&mut witnesses, on(endpoint), slot, content);
        // Provider 0 over endpoints 0 and 1, provider 1 over 2 and 3.
        for (endpoint, content) in [(0, 7), (1, 7), (2, 8), (3, 8)] {
            assert_eq!(said(endpoint, 10, content), CLEAR);
        }
        assert_eq!([said(0, 11, 1), said(1, 11, 1)], [CLEAR, CLEAR]);
        assert_eq!([said(2, 11, 1), said(3, 11, 1)], [(vec![], true), (vec![], true)]);
        let third = Witness { endpoint: 4, provider: 2, connection: 0 };
        for (slot, content) in [(10, 7), (11, 1)] {
            assert!(!over(&mut witnesses, third, slot, content).1);
        }
        // Now that provider 2 agrees with provider 0, both connections of provider 1 stand alone.
        let mut fresh = Witnesses::default();
        for (by, content) in [(on(0), 7), (on(1), 7), (on(2), 8), (on(3), 8), (third, 7)] {
            over(&mut fresh, by, 10, content);
        }
        for by in [on(0), on(1), on(2), on(3)] {
            assert!(over(&mut fresh, by, 11, 1).0.is_empty());
        }
        assert_eq!(over(&mut fresh, third, 11, 1), (vec![2, 3], false));
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
