//! The messages seen last, and by how many speakers: providers, or for a filter endpoints.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

/// Messages by 128-bit hash, and which endpoints have said them.
///
/// Every endpoint has `capacity` places of its own, for the messages that it said before it was
/// known whether they are news; its oldest makes way for its next one. So a flood from one endpoint
/// displaces nothing that another was first to say. Takes up to about 80 bytes a place.
#[derive(Debug)]
pub struct Seen {
    members: FxHashMap<u128, Member>,
    places: Vec<VecDeque<u128>>,
    capacity: usize,
    quorum: u32,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    /// Bit `n`: endpoint `n` holds a place for it. Endpoints from 63 on share the last bit.
    holders: u64,
    news: bool,
}

/// What a message is when it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Said by as many endpoints as are needed, just now.
    News,
    /// News before, or said before by this endpoint.
    Before,
    /// Others have to say it too.
    Waiting,
}

impl Seen {
    /// Returns an empty memory; with `capacity` 0 everything is news, once said by `quorum` 0 or 1.
    pub fn new(capacity: usize, quorum: u32) -> Self {
        Self { members: FxHashMap::default(), places: Vec::new(), capacity, quorum }
    }

    /// Takes notice that an endpoint says a message.
    #[inline]
    pub fn say(&mut self, endpoint: usize, hash: u128) -> Said {
        let bit = 1_u64 << endpoint.min(63);
        let news = match self.members.entry(hash) {
            Entry::Occupied(mut entry) => {
                let member = entry.get_mut();
                if member.news || member.holders & bit != 0 {
                    return Said::Before;
                }
                member.holders |= bit;
                member.news = member.holders.count_ones() >= self.quorum;
                member.news
            }
            Entry::Vacant(entry) => {
                let news = self.quorum <= 1;
                if self.capacity > 0 {
                    entry.insert(Member { holders: bit, news });
                }
                news
            }
        };
        if self.capacity > 0 {
            self.hold(endpoint, bit, hash);
        }
        if news { Said::News } else { Said::Waiting }
    }

    #[inline]
    fn hold(&mut self, endpoint: usize, bit: u64, hash: u128) {
        if self.places.len() <= endpoint {
            self.places.resize_with(endpoint + 1, VecDeque::new);
        }
        let places = &mut self.places[endpoint];
        places.push_back(hash);
        if places.len() > self.capacity
            && let Some(oldest) = places.pop_front()
            && let Some(member) = self.members.get_mut(&oldest)
        {
            member.holders &= !bit;
            if member.holders == 0 {
                self.members.remove(&oldest);
            }
        }
    }

    /// Returns whether a message was news before.
    #[inline]
    pub fn contains(&self, hash: u128) -> bool {
        self.members.get(&hash).is_some_and(|member| member.news)
    }

    /// Forgets what an endpoint has said and what nobody else has.
    pub fn withdraw(&mut self, endpoint: usize) {
        let bit = 1_u64 << endpoint.min(63);
        for hash in self.places.get_mut(endpoint).into_iter().flat_map(std::mem::take) {
            if let Some(member) = self.members.get_mut(&hash) {
                member.holders &= !bit;
                if member.holders == 0 {
                    self.members.remove(&hash);
                }
            }
        }
    }

    /// Forgets every message.
    pub fn clear(&mut self) {
        self.members.clear();
        for places in &mut self.places {
            places.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn say_past_the_capacity_forgets_the_oldest_of_that_endpoint_only() {
        let mut seen = Seen::new(2, 1);
        assert_eq!(seen.say(1, 9), Said::News);
        assert_eq!([1, 2, 1].map(|hash| seen.say(0, hash)), [Said::News, Said::News, Said::Before]);
        assert_eq!(seen.say(0, 3), Said::News);
        assert_eq!([1, 2, 3, 9].map(|hash| seen.contains(hash)), [false, true, true, true]);
        for flood in 100..200 {
            seen.say(0, flood);
        }
        assert!(seen.contains(9));
        assert_eq!(seen.members.len(), 3);
    }

    #[test]
    fn say_by_a_quorum_is_news_once() {
        let mut seen = Seen::new(8, 2);
        assert_eq!([seen.say(0, 7), seen.say(0, 7)], [Said::Waiting, Said::Before]);
        assert!(!seen.contains(7));
        assert_eq!([seen.say(2, 7), seen.say(1, 7)], [Said::News, Said::Before]);
        assert!(seen.contains(7));
    }

    #[test]
    fn say_after_a_flood_of_one_endpoint_keeps_the_votes_of_the_others() {
        let mut seen = Seen::new(4, 2);
        seen.say(0, 7);
        for flood in 100..200 {
            assert_eq!(seen.say(1, flood), Said::Waiting);
        }
        assert_eq!(seen.say(2, 7), Said::News);
        assert!(seen.members.len() <= 9);
    }
}
