//! What connections have delivered of one account, and what that makes their provider's last word.

use std::cmp::Ordering;

use super::Current;
use crate::quantities::Slot;
use crate::wss_aggregator::budget::Charged;
use crate::wss_aggregator::payload::Content;

#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) content: Content,
    pub(super) slot: Slot,
    pub(super) at: u64,
    /// The how-manieth of this content in its slot and run, from 1.
    pub(super) nth: u32,
    /// Counts the deliveries of this account.
    pub(super) order: u32,
    pub(super) read: bool,
}

impl Item {
    /// Returns whether it vouches for its content in `slot`.
    pub(super) fn vouches(&self, slot: Slot) -> bool {
        self.slot == slot || (self.read && self.slot > slot)
    }
}

#[derive(Debug)]
pub(super) struct Run<D> {
    pub(super) connection: u32,
    pub(super) provider: u32,
    pub(super) items: Vec<Item>,
    /// The data of the last item while that waits.
    pub(super) kept: Option<Charged<D>>,
}

impl<D> Default for Run<D> {
    fn default() -> Self {
        Self { connection: 0, provider: 0, items: Vec::new(), kept: None }
    }
}

impl<D> Run<D> {
    pub(super) fn clear(&mut self) {
        self.items = Vec::new();
        self.kept = None;
    }

    pub(super) fn position(&self, slot: Slot, content: Content, nth: u32) -> Option<usize> {
        self.items.iter().position(|item| (item.slot, item.content, item.nth) == (slot, content, nth))
    }
}

/// The last word of a provider: what its connections have said in the highest slot, a notification
/// rather than the latest read. A closed connection has a word only in what it read.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) provider: u32,
    pub(super) last: Item,
    /// Whether an open connection has a word.
    pub(super) is_heard: bool,
    /// Whether connections differ, so that it stands for nothing.
    pub(super) is_split: bool,
}

impl Word {
    /// Returns whether it vouches for `content` in `slot`.
    pub(super) fn stands_for(&self, content: Content, slot: Slot) -> bool {
        !self.is_split && self.last.content == content && self.last.vouches(slot)
    }

    pub(super) fn join(&mut self, other: &Self) {
        let rank = |word: &Self| (word.last.slot, !word.last.read);
        let is_heard = self.is_heard || other.is_heard;
        match rank(self).cmp(&rank(other)) {
            Ordering::Less => *self = Self { ..*other },
            Ordering::Equal if self.last.read => {
                if other.last.order.wrapping_sub(self.last.order) < u32::MAX / 2 {
                    *self = Self { ..*other };
                }
            }
            Ordering::Equal if self.last.content != other.last.content => self.is_split = true,
            Ordering::Equal => self.last.nth = self.last.nth.max(other.last.nth),
            Ordering::Greater => {}
        }
        self.is_heard = is_heard;
    }
}

impl<D> Run<D> {
    pub(super) fn vouches(&self, slot: Slot, content: Content) -> bool {
        self.items.iter().any(|item| item.content == content && item.vouches(slot))
    }

    /// Returns whether this run has `content` in the applied slot, and only before what is applied.
    pub(super) fn outdates(&self, content: Content, applied: Current) -> bool {
        let last = self.items.iter().rposition(|item| item.content == content && item.vouches(applied.slot));
        last.is_some() && last < self.position(applied.slot, applied.content, applied.nth)
    }
}
