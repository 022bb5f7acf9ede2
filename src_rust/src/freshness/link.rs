//! One connection: what it covers, how far it has come, and in which stretches nothing was lost.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::LinkReport;
use crate::quantities::Slot;

/// Stretches remembered besides the present one; what an older one vouched for is forgotten.
const MAX_STRETCHES: usize = 16;

/// How an account is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover {
    /// From this slot on; `None`: no slot has been shown since the confirmation.
    pub since: Option<Slot>,
    /// Whether it was covered and left before on this connection: older words do not count.
    pub again: bool,
}

/// A stretch of slots in which a connection vouches for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First slot.
    pub from: Slot,
    /// Last slot.
    pub to: Slot,
    /// Whether it is the present one.
    pub goes_on: bool,
}

/// One connection, over all its reconnects.
#[derive(Debug)]
pub struct Link {
    is_open: bool,
    shown: Option<Slot>,
    heartbeat: Option<Slot>,
    /// Stretches that gaps have ended, oldest first.
    stretches: VecDeque<Span>,
    /// Where the present stretch starts.
    start: Slot,
    /// `None`: covered no more, whatever it said before.
    accounts: FxHashMap<u32, Option<Cover>>,
    /// Accounts without a [`Cover::since`].
    awaiting: Vec<u32>,
    left_programs: bool,
    connections: u64,
    gaps: u64,
    slots_lost: u64,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            is_open: true,
            shown: None,
            heartbeat: None,
            stretches: VecDeque::new(),
            start: 0,
            accounts: FxHashMap::default(),
            awaiting: Vec::new(),
            left_programs: false,
            connections: 0,
            gaps: 0,
            slots_lost: 0,
        }
    }
}

impl Link {
    /// Begins or ends a connection; counters stay.
    pub fn restart(&mut self, is_open: bool) {
        let Self { connections, gaps, slots_lost, .. } = *self;
        let connections = connections + u64::from(is_open);
        *self = Self { is_open, connections, gaps, slots_lost, ..Self::default() };
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub fn shown_if_open(&self) -> Option<Slot> {
        self.shown.filter(|_| self.is_open)
    }

    pub fn confirmed(&mut self, account: u32) {
        let known = self.accounts.get(&account);
        if matches!(known, Some(Some(_))) {
            return;
        }
        let again = known.is_some();
        self.accounts.insert(account, Some(Cover { since: None, again }));
        self.awaiting.push(account);
    }

    pub fn left(&mut self, account: u32) {
        self.accounts.insert(account, None);
    }

    pub fn left_programs(&mut self) {
        self.left_programs = true;
    }

    pub fn left_slots(&mut self) {
        self.heartbeat = None;
    }

    /// Takes notice of a notification that is no heartbeat; returns whether it shows more than before.
    /// Where there are heartbeats it shows nothing: those before it may have been lost.
    #[inline]
    pub fn showed(&mut self, slot: Slot) -> bool {
        self.heartbeat.is_none() && self.reached(slot)
    }

    fn reached(&mut self, slot: Slot) -> bool {
        let further = self.shown < Some(slot);
        if further {
            self.shown = Some(slot);
        }
        if !self.awaiting.is_empty() {
            self.begin_awaited();
        }
        further
    }

    fn begin_awaited(&mut self) {
        let since = self.shown.unwrap_or_default();
        for account in self.awaiting.drain(..) {
            if let Some(Some(cover)) = self.accounts.get_mut(&account) {
                cover.since.get_or_insert(since);
            }
        }
    }

    /// Takes notice of a heartbeat; returns whether it shows more than before.
    pub fn beat(&mut self, slot: Slot, parent: Slot, max_gap: u64) -> bool {
        if let Some(last) = self.heartbeat
            && parent > last.saturating_add(max_gap)
        {
            self.gaps += 1;
            self.slots_lost = self.slots_lost.saturating_add(parent - last);
            if self.stretches.len() == MAX_STRETCHES {
                self.stretches.pop_front();
            }
            self.stretches.push_back(Span { from: self.start, to: last, goes_on: false });
            self.start = slot;
        }
        self.heartbeat = self.heartbeat.max(Some(slot));
        self.reached(slot)
    }

    /// Returns where the present stretch starts, in which nothing is known to be lost.
    pub fn start(&self) -> Slot {
        self.start
    }

    /// Returns how an account is covered; a word on it without a subscription to it came under one
    /// to its program.
    pub fn cover(&self, account: u32, has_word: bool) -> Option<Cover> {
        match self.accounts.get(&account) {
            Some(cover) => *cover,
            None => (has_word && !self.left_programs).then_some(Cover { since: None, again: false }),
        }
    }

    /// Returns all stretches, the present one last.
    pub fn spans(&self, shown: Slot) -> impl Iterator<Item = Span> {
        let present = Span { from: self.start, to: shown, goes_on: true };
        self.stretches.iter().copied().chain([present])
    }

    /// Returns the stretch in which something was said of `slot`, from that slot on.
    pub fn span_of(&self, slot: Slot, shown: Slot) -> Span {
        let said_in = self.spans(shown).filter(|span| span.from <= slot).last();
        let nothing = Span { from: slot, to: slot, goes_on: false };
        said_in.map_or(nothing, |span| Span { from: slot, to: span.to.max(slot), ..span })
    }

    pub fn report(&self) -> LinkReport {
        LinkReport {
            is_open: self.is_open,
            shown: self.shown,
            heartbeat: self.heartbeat,
            subscriptions: self.accounts.values().flatten().count(),
            connections: self.connections,
            gaps: self.gaps,
            slots_lost: self.slots_lost,
        }
    }
}
