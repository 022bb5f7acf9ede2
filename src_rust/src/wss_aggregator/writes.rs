//! The order of one account's writes: on the first word, or on the word of a quorum.

use super::budget::Charged;
use super::order::{Age, Arrival, Connection, Delivery, Writes};
use super::payload::Content;
use super::quorum::{Placement, QuorumWrites};
use crate::quantities::Slot;

/// The writes of one account.
#[derive(Debug)]
pub enum Order<D> {
    First(Writes<D>),
    Quorum(usize, QuorumWrites<D>),
}

impl<D> Order<D> {
    pub fn new(quorum: usize) -> Self {
        if quorum > 1 {
            Self::Quorum(quorum, QuorumWrites::default())
        } else {
            Self::First(Writes::default())
        }
    }

    /// Returns where `slot` stands to the applied write.
    #[inline]
    pub fn age(&self, slot: Slot) -> Age {
        match self {
            Self::First(writes) => writes.age(slot),
            Self::Quorum(_, writes) => writes.age(slot),
        }
    }

    /// Places a write of the applied slot if it needs no data: one that repeats the applied state
    /// or the endpoint's previous write. Otherwise returns false and changes nothing.
    #[inline]
    pub fn repeats(&mut self, from: Delivery<'_>, slot: Slot, content: Content) -> bool {
        match self {
            Self::First(writes) => writes.repeats(from, content),
            Self::Quorum(quorum, writes) => writes.repeats(from, *quorum, slot, content),
        }
    }

    /// Returns the slot of the applied write.
    #[inline]
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Self::First(writes) => writes.slot(),
            Self::Quorum(_, writes) => writes.slot(),
        }
    }

    /// Returns whether this is the content of the applied write.
    #[inline]
    pub fn is_applied(&self, content: Content) -> bool {
        match self {
            Self::First(writes) => writes.is_applied(content),
            Self::Quorum(_, writes) => writes.is_applied(content),
        }
    }

    /// Places a write; `keep` turns its data into what may be kept.
    pub fn arrive(
        &mut self,
        from: Delivery<'_>,
        slot: Slot,
        content: Content,
        data: D,
        keep: impl FnOnce(D) -> Option<Charged<D>>,
    ) -> Placement<D> {
        let writes = match self {
            Self::First(writes) => writes,
            Self::Quorum(quorum, writes) => return writes.arrive(from, *quorum, slot, content, data, keep),
        };
        let arrival = match writes.age(slot) {
            Age::Older => Arrival::Overtaken,
            Age::Newer => {
                writes.advance(slot, from, content);
                Arrival::Fresh
            }
            Age::Same => writes.arrive(from, content),
        };
        let mut apply = None;
        match arrival {
            Arrival::Fresh => apply = Some((slot, data)),
            Arrival::Known | Arrival::Held => writes.keep(from.endpoint, keep(data)),
            Arrival::Duplicate | Arrival::Overtaken => {}
        }
        Placement { arrival, apply }
    }

    /// Returns the write that the remaining connections agree on, now that one has closed.
    pub fn settle(&mut self, links: &[Connection]) -> Option<(Slot, D)> {
        match self {
            Self::First(writes) => writes.settle(links),
            Self::Quorum(quorum, writes) => writes.settle(*quorum, links),
        }
    }

    /// Returns when the first of the other endpoints delivered a state of the applied slot or later.
    pub fn first_at(&self, endpoint: usize, content: Content) -> u64 {
        match self {
            Self::First(writes) => writes.first_at(endpoint, content),
            Self::Quorum(_, writes) => writes.first_at(endpoint, content),
        }
    }

    /// Forgets what a provider has delivered; returns whether the applied state rests on its word
    /// alone. See [`Writes::disown`].
    pub fn disown(&mut self, provider: u32, links: &[Connection], floor: Slot) -> bool {
        match self {
            Self::First(writes) => writes.disown(provider, links, floor),
            Self::Quorum(_, writes) => {
                for (endpoint, _) in links.iter().enumerate().filter(|(_, link)| link.provider == provider) {
                    writes.silence(endpoint);
                }
                false // others have delivered it
            }
        }
    }

    /// Forgets what an endpoint has delivered since the applied slot: it has no word in it.
    pub fn silence(&mut self, endpoint: usize) {
        match self {
            Self::First(writes) => writes.silence(endpoint),
            Self::Quorum(_, writes) => writes.silence(endpoint),
        }
    }
}
