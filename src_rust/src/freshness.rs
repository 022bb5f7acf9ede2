//! Up to which slot a state is known to be the latest: staleness as a state, counted in slots.
//!
//! A subscription is silent while nothing changes, so silence proves something, but only on a
//! connection that is alive. The one idea: a connection *vouches* for the state that is held of an
//! account up to the highest slot that it has *shown*: the highest of its heartbeats (`slotSubscribe`),
//! or, where it has none, of any notification that names a slot. Answers to requests show nothing:
//! they may overtake notifications.
//!
//! **Who vouches.** An open connection that covers the account (its `accountSubscribe` is confirmed,
//! or it has pushed the account under a `programSubscribe`) and
//! 1. whose last word on the account is the held state, in the held slot; or
//! 2. which has said nothing of it since a moment at which the held state was known to be true, while
//!    it covered the account already: *known* is the slot in which it was read, and every slot that
//!    another connection vouches for. A connection that covered the account when the held state was
//!    notified by another has to say so itself: its silence then proves nothing.
//!
//! A connection that has said something else, or something newer, does not vouch.
//!
//! **From when.** A confirmation names no slot. A subscription counts from the first slot shown after
//! its confirmation: what was read before that slot is not taken over. A new connection starts with
//! nothing. `accountUnsubscribe` ends it when it is sent; `programUnsubscribe` ends what programs
//! covered on that connection until it is made anew.
//!
//! **Fresh up to.** The highest of: the held slot; what was known when a connection ended; and the
//! highest slot that a connection vouches for (with a quorum of `k`: the `k`-th highest, the best
//! connection of each provider counted). A lagging connection vouches only for what it has shown, so it makes nothing fresh; the best one counts.
//! *Age* is [`Watch::now`] minus that: the highest slot shown on an open connection, with three or
//! more providers the one that half of them have reached, so that one that lies makes nothing stale.
//!
//! **Gaps.** A heartbeat names its parent. A parent above the last heartbeat of the connection means
//! that heartbeats were lost, and perhaps writes: the connection's stretch ends at the last heartbeat
//! and a new one begins. What it vouched for in the old stretch stays known up to its end; for more it
//! has to push the account again, or the account has to be read or vouched for by another in the new
//! one. A heartbeat that stops ends nothing: the connection no longer shows slots, so ages grow.
//! Slots that the chain skips are no gap.
//!
//! **Not covered.** A write lost on a connection whose heartbeats are complete goes unnoticed. Nodes
//! may push the last writes of a slot shortly after the heartbeat of the next, so ages may be one slot
//! too low. Without a heartbeat on any connection silence and death look alike: ages are given, but
//! [`Watch::is_judging`] is false and nothing should be refused for them. When every connection is
//! silent no slot passes here: that is for whoever holds the sockets and a clock.

mod link;

use std::cmp::Reverse;

use crate::provider::{Voices, reached};
use crate::quantities::Slot;
use link::{Cover, Link, Span};

/// What is known of the state that is held of an account, besides who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Whether the state was read in its slot: it then held at that slot's end, whoever was silent.
    by_read: bool,
    /// Up to where it was known when a connection ended that vouched for it.
    known_to: Option<Slot>,
    /// States applied in the held slot.
    writes: u32,
}

impl Evidence {
    /// Takes notice that another state is held now; `same_slot`: of the slot that was held before.
    #[inline]
    pub fn applied(&mut self, by_read: bool, same_slot: bool) {
        let writes = if same_slot { self.writes.saturating_add(1) } else { 1 };
        *self = Self { by_read, known_to: None, writes };
    }

    /// Takes notice that the held state was read in its slot.
    #[inline]
    pub fn read(&mut self) {
        self.by_read = true;
    }

    /// Takes notice that the held state is known up to `slot`.
    pub fn known(&mut self, slot: Slot) {
        self.known_to = self.known_to.max(Some(slot));
    }

    /// Returns how many states were applied in the held slot.
    #[must_use]
    pub fn writes(&self) -> u32 {
        self.writes
    }

    /// Returns whether the held state was read in its slot.
    #[must_use]
    pub fn by_read(&self) -> bool {
        self.by_read
    }
}

/// The last word of one connection on an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// The slot it named.
    pub slot: Slot,
    /// Whether the state is the held one.
    pub is_held: bool,
}

/// Why a state is not known to be the latest now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Fewer providers cover the account over an open connection than have to vouch for it.
    Uncovered,
    /// It is covered, but was neither pushed nor read since: after a reconnect, a gap, a subscription.
    Unread,
    /// A connection that covers it has said something else or something newer.
    Contradicted,
}

impl Doubt {
    /// Returns the stable name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uncovered => "uncovered",
            Self::Unread => "unread",
            Self::Contradicted => "contradicted",
        }
    }
}

/// How fresh the state of one account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The slot up to which the held state is known to be the latest.
    pub fresh_to: Slot,
    /// Providers that vouch for it now over an open connection.
    pub vouchers: usize,
    /// Why too few vouch for it, if so.
    pub doubt: Option<Doubt>,
    /// The lowest slot to read the account at, so that connections vouch for it again; `None` if
    /// there is no doubt, or no connection whose word a read could start.
    pub read_from: Option<Slot>,
}

/// Counters of one connection since it was first named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkReport {
    /// Whether it is open.
    pub is_open: bool,
    /// Highest slot of a notification on the present connection.
    pub shown: Option<Slot>,
    /// Highest heartbeat on the present connection.
    pub heartbeat: Option<Slot>,
    /// Accounts subscribed on the present connection, programs' not counted.
    pub subscriptions: usize,
    /// Connections opened.
    pub connections: u64,
    /// Times that heartbeats were missing.
    pub gaps: u64,
    /// Slots between the last heartbeat before each gap and the first parent after it.
    pub slots_lost: u64,
}

/// The connections, what each covers, and how far each has come.
#[derive(Debug, Default)]
pub struct Watch {
    links: Vec<Link>,
    /// The provider of each.
    providers: Vec<u32>,
    max_gap: u64,
    quorum: usize,
    heard: bool,
    progress: u64,
}

impl Watch {
    /// Returns a watch without connections. `quorum`: providers that have to vouch, at least 1;
    /// `max_gap`: slots that heartbeats may leave out, beyond those that the chain skips.
    #[must_use]
    pub fn new(quorum: usize, max_gap: u64) -> Self {
        Self { quorum: quorum.max(1), max_gap, ..Self::default() }
    }

    /// Makes room for connection `link` of a provider, open from the start.
    pub fn register(&mut self, link: usize, provider: u32) {
        while self.links.len() <= link {
            self.links.push(Link::default());
            self.providers.push(provider);
        }
    }

    /// Starts a connection anew: what the one before covered is void.
    pub fn connect(&mut self, link: usize) {
        self.links[link].restart(true);
    }

    /// Ends a connection.
    pub fn close(&mut self, link: usize) {
        self.links[link].restart(false);
    }

    /// Takes notice of a confirmed subscription to one account.
    pub fn confirmed(&mut self, link: usize, account: u32) {
        self.links[link].confirmed(account);
    }

    /// Takes notice that a subscription to one account ends.
    pub fn left(&mut self, link: usize, account: u32) {
        self.links[link].left(account);
    }

    /// Takes notice that subscriptions to programs end.
    pub fn left_programs(&mut self, link: usize) {
        self.links[link].left_programs();
    }

    /// Takes notice that heartbeats end: those of a later subscription start anew.
    pub fn left_slots(&mut self, link: usize) {
        self.links[link].left_slots();
    }

    /// Takes notice that a notification other than a heartbeat names `slot`.
    #[inline]
    pub fn showed(&mut self, link: usize, slot: Slot) {
        self.progress += u64::from(self.links[link].showed(slot));
    }

    /// Takes notice of a heartbeat.
    pub fn beat(&mut self, link: usize, slot: Slot, parent: Slot) {
        self.heard = true;
        self.progress += u64::from(self.links[link].beat(slot, parent, self.max_gap));
    }

    /// Takes notice that something was read: what was in doubt may not be any more.
    pub fn was_read(&mut self) {
        self.progress += 1;
    }

    /// Returns a number that changes whenever a state may have become fresher.
    #[must_use]
    #[inline]
    pub fn progress(&self) -> u64 {
        self.progress
    }

    /// Returns whether ages are to be judged: some connection has had a heartbeat.
    #[must_use]
    pub fn is_judging(&self) -> bool {
        self.heard
    }

    /// Returns the slot that ages are counted from: the highest shown on an open connection, with
    /// three or more providers the one that half of them have reached.
    #[must_use]
    pub fn now(&self) -> Option<Slot> {
        let all = self.links.iter().zip(&self.providers);
        let shown = reached(all.filter_map(|(link, &provider)| Some((provider, link.shown_if_open()?))));
        shown.get(if shown.len() >= 3 { shown.len() / 2 } else { 0 }).copied()
    }

    /// Returns how many providers have an open connection that has shown a slot.
    #[must_use]
    pub fn open_providers(&self) -> usize {
        let all = self.links.iter().zip(&self.providers);
        let open = all.filter(|(link, _)| link.shown_if_open().is_some());
        open.map(|(_, &provider)| provider).collect::<Voices>().count()
    }

    /// Returns what is counted of a connection.
    #[must_use]
    pub fn report(&self, link: usize) -> LinkReport {
        self.links[link].report()
    }

    /// Returns whether the connection could vouch for an account, given its last word on it.
    #[must_use]
    pub fn covers(&self, link: usize, account: u32, has_word: bool) -> bool {
        self.links.get(link).is_some_and(|link| link.is_open() && link.cover(account, has_word).is_some())
    }

    /// Returns how fresh the state of an account is that was written or read in slot `held`. `word`
    /// gives the last word of a connection, as long as it is the present one.
    #[must_use]
    pub fn freshness(
        &self,
        account: u32,
        held: Slot,
        evidence: Evidence,
        word: impl Fn(usize) -> Option<Word>,
    ) -> Freshness {
        let mut stands = Vec::with_capacity(self.links.len());
        for (number, link) in self.links.iter().enumerate() {
            let word = word(number);
            if let Some(shown) = link.shown_if_open()
                && let Some(cover) = link.cover(account, word.is_some())
            {
                let stand = Stand::new(link, shown, cover, word, held, evidence.by_read);
                stands.push((self.providers[number], stand));
            }
        }
        let base = evidence.known_to.map_or(held, |known| known.max(held));
        let mut known = base;
        loop {
            // What one vouches for may be where the silence of another begins to count.
            let reaches =
                reached(stands.iter().filter_map(|(provider, stand)| Some((*provider, stand.reach(known)?))));
            let next = reaches.get(self.quorum - 1).map_or(base, |&reach| reach.max(base));
            if next <= known {
                break;
            }
            known = next;
        }
        let vouching = stands.iter().filter(|(_, stand)| stand.vouches_now(known));
        let vouching: Voices = vouching.map(|&(provider, _)| provider).collect();
        let vouchers = vouching.count();
        let (mut doubt, mut read_from) = (None, None);
        if vouchers < self.quorum {
            let open = stands.iter().filter(|(provider, _)| !vouching.contains(*provider));
            let starts =
                open.clone().filter_map(|(provider, stand)| Some((*provider, Reverse(stand.start?))));
            read_from = reached(starts).get(self.quorum - vouchers - 1).map(|start| start.0);
            doubt = Some(if stands.iter().map(|&(by, _)| by).collect::<Voices>().count() < self.quorum {
                Doubt::Uncovered
            } else if open.clone().any(|(_, stand)| stand.contradicts) {
                Doubt::Contradicted
            } else {
                Doubt::Unread
            });
        }
        Freshness { fresh_to: known, vouchers, doubt, read_from }
    }
}

/// What one connection has to say of one account.
#[derive(Debug)]
struct Stand {
    /// Vouched for by its own word: up to where, and whether that goes on.
    spoken: Option<Span>,
    /// Stretches of silence: good if the state is known in the slot where they start.
    silent: Vec<Span>,
    /// Where its present stretch starts.
    start: Option<Slot>,
    contradicts: bool,
}

impl Stand {
    fn new(link: &Link, shown: Slot, cover: Cover, word: Option<Word>, held: Slot, by_read: bool) -> Self {
        let word = word.filter(|word| !cover.again || cover.since.is_some_and(|since| word.slot >= since));
        let since = cover.since.or(word.map(|word| word.slot));
        let says_held = word.is_some_and(|word| word.slot == held && word.is_held);
        let contradicts = word.is_some_and(|word| word.slot >= held) && !says_held;
        let spoken = says_held.then(|| link.span_of(held, shown));
        let mut silent = Vec::new();
        if let Some(since) = since.filter(|_| !contradicts) {
            let spans = link.spans(shown).map(|span| Span { from: span.from.max(since), ..span });
            // It covered the account when the state was notified: it has to say so itself.
            silent.extend(spans.filter(|span| span.from <= span.to && (by_read || span.from > held)));
        }
        let start = since.map(|since| since.max(link.start()));
        Self { spoken, silent, start, contradicts }
    }

    /// Returns the slot up to which it vouches for a state known in slot `known`.
    fn reach(&self, known: Slot) -> Option<Slot> {
        self.good(known).map(|span| span.to).max()
    }

    fn vouches_now(&self, known: Slot) -> bool {
        self.good(known).any(|span| span.goes_on)
    }

    fn good(&self, known: Slot) -> impl Iterator<Item = &Span> {
        self.spoken.iter().chain(self.silent.iter().filter(move |span| span.from <= known))
    }
}

#[cfg(test)]
mod tests;
