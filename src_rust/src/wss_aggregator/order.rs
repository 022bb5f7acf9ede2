//! Which of the writes of one account, seen through several endpoints, is the latest.
//!
//! Between slots the slot decides. Within a slot there is no number to go by: every endpoint
//! delivers in chain order but may skip, so all there is to know is the *sequence* that each
//! connection has delivered in this slot, its *run*. An element of a run is a content and its
//! how-manieth occurrence within that run, so that a state that returns (A, B, A) is told apart.
//!
//! With `c` the applied element and `h` the arriving one, delivered by `e`:
//! 1. `e`'s last content again: duplicate.
//! 2. `h == c`: duplicate, and `e` is known to have come this far.
//! 3. `c` stands before `h` in `e`'s run, and no other run has `h` before `c`: newer, applied.
//! 4. The last contents of all open connections that delivered in this slot agree, and differ
//!    from what is applied: applied, unless a closed connection's run shows it to be older.
//! 5. Otherwise `h` is kept back: a duplicate if its content is applied or another run has `h`,
//!    else held.
//!
//! A read (`getMultipleAccounts`) counts as a delivery of its connection until a notification of
//! the same slot has come: from then on the subscription tells all that a read could, and in order.
//! How a read stands to a notification cannot be known: it may have been overtaken, or be ahead of
//! notifications still on their way. So the first notification starts the run anew, and what was
//! read before is no evidence any more, neither for nor against.
//!
//! When a connection closes, rule 4 is tried again with what was kept back. The run of a closed
//! connection is no candidate any more but still evidence of order, until the endpoint delivers
//! again in this slot: then its new run replaces it.
//!
//! Why this is right. *Everything delivered in order by every endpoint:* all runs are prefixes of
//! the chain order and `c` is the end of the longest. The next element of the longest run falls
//! under 3, that of a shorter one under 2 or 5, and 4 finds `c` among the last ones: the applied
//! sequence is the chain order, whatever the delays. *Skips:* occurrences may then be misnumbered
//! and 3 may err or hold back, but once every endpoint has delivered its last write all last
//! contents agree, and the arrival that made them agree was either equal to `c` or fell under 3
//! or 4. So the last write is applied. *A gap in between is possible:* with skips, a reconnect to
//! a node that lags, or evidence lost with a connection, an older write may be applied for a
//! while; it never stays.

use super::budget::Charged;
use super::payload::Content;
use crate::quantities::Slot;

/// Elements kept of a run. Beyond it the oldest are forgotten: order then rests on the last ones.
pub const MAX_RUN: usize = 128;

/// One connection of every endpoint, by number of the endpoint.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connection {
    /// Counts the connections of this endpoint.
    pub number: u32,
    /// Whether it is open.
    pub open: bool,
    /// Number of the provider.
    pub provider: u32,
}

/// How a write was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Pushed by a subscription, in chain order.
    Notification,
    /// Asked for: in order among the reads of a connection, but an answer may be overtaken by
    /// notifications of later writes, or overtake those of earlier ones.
    Read,
}

/// Where an arriving slot stands to the applied one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    Older,
    Same,
    Newer,
}

/// Who delivered a write, and how.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Number of the endpoint.
    pub endpoint: usize,
    /// The connections of all endpoints.
    pub links: &'a [Connection],
    pub source: Source,
    /// When it arrived, in nanoseconds of the caller's clock, or [`NO_TIME`].
    pub at: u64,
}

/// The time of a frame that came without one.
pub const NO_TIME: u64 = u64::MAX;

/// Returns how long `at` is after `first`, if both times are known.
#[inline]
pub fn lag(at: u64, first: u64) -> Option<u64> {
    if at == NO_TIME || first == NO_TIME { None } else { Some(at.saturating_sub(first)) }
}

/// What an arrival in the current slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Apply it.
    Fresh,
    /// The applied state, or the endpoint's previous write once more.
    Duplicate,
    /// Delivered before by another endpoint and not applied now; kept back with its data.
    Known,
    /// Never seen, not provably newer; kept back with its data.
    Held,
    /// A read of what this connection's subscription already tells in this slot: of no account.
    Overtaken,
}

#[derive(Debug, Clone, Copy)]
struct Element {
    content: Content,
    /// The how-manieth of this content in its run, from 1.
    nth: u32,
    /// When it arrived.
    at: u64,
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        (self.content, self.nth) == (other.content, other.nth)
    }
}

impl Eq for Element {}

/// The applied state of an account whose last writer is no longer believed: no state has it.
const DOUBTED: Element = Element { content: Content::MAX, nth: 0, at: NO_TIME };

#[derive(Debug)]
struct Run<D> {
    connection: u32,
    elements: Vec<Element>,
    /// Whether the elements are notifications; otherwise they are reads.
    notified: bool,
    /// The data of the last element while it is not the applied one.
    kept: Option<Charged<D>>,
}

impl<D> Default for Run<D> {
    fn default() -> Self {
        Self { connection: 0, elements: Vec::new(), notified: false, kept: None }
    }
}

impl<D> Run<D> {
    fn clear(&mut self) {
        self.kept = None;
        self.notified = false;
        if self.elements.capacity() > 32 {
            self.elements = Vec::new();
        } else {
            self.elements.clear();
        }
    }

    #[inline]
    fn last(&self) -> Option<Element> {
        self.elements.last().copied()
    }

    fn position(&self, element: Element) -> Option<usize> {
        self.elements.iter().position(|&other| other == element)
    }

    /// Returns whether this run has `first`, and after it `second`.
    fn has_in_order(&self, first: Element, second: Element) -> bool {
        self.position(second).is_some_and(|end| self.elements[..end].contains(&first))
    }

    /// Returns whether this run has `content`, and only before `element`.
    fn outdates(&self, content: Content, element: Element) -> bool {
        let last = self.elements.iter().rposition(|other| other.content == content);
        last.is_some() && last < self.position(element)
    }

    /// Takes notice that the last element read is notified too; the reads before it are forgotten.
    fn confirm(&mut self) {
        if !self.notified {
            self.notified = true;
            self.elements.drain(..self.elements.len().saturating_sub(1));
        }
    }

    /// Adds a write. The first notification takes the place of all that was read.
    fn append(&mut self, content: Content, source: Source, at: u64) -> Element {
        if source == Source::Notification && !self.notified {
            self.notified = true;
            self.elements.clear();
        }
        let earlier = self.elements.iter().rev().find(|element| element.content == content);
        let element = Element { content, nth: earlier.map_or(0, |earlier| earlier.nth) + 1, at };
        if self.elements.len() == MAX_RUN {
            self.elements.remove(0);
        }
        self.elements.push(element);
        element
    }
}

/// The writes of one account in its current slot. `D` is the data of a write kept back.
#[derive(Debug)]
pub struct Writes<D> {
    slot: Option<Slot>,
    current: Element,
    /// The provider on whose word that is applied.
    by: u32,
    /// By number of the endpoint.
    runs: Vec<Run<D>>,
}

impl<D> Default for Writes<D> {
    fn default() -> Self {
        Self { slot: None, current: DOUBTED, by: 0, runs: Vec::new() }
    }
}

impl<D> Writes<D> {
    /// Returns where `slot` stands to the applied write.
    #[inline]
    pub fn age(&self, slot: Slot) -> Age {
        match self.slot {
            Some(applied) if slot < applied => Age::Older,
            Some(applied) if slot == applied => Age::Same,
            _ => Age::Newer,
        }
    }

    /// Returns the slot of the applied write.
    #[inline]
    pub fn slot(&self) -> Option<Slot> {
        self.slot
    }

    /// Returns whether this is the content of the applied write.
    #[inline]
    pub fn is_applied(&self, content: Content) -> bool {
        self.current.content == content
    }

    /// Applies a write of a newer slot; what is known of the old slot's order is forgotten.
    pub fn advance(&mut self, slot: Slot, from: Delivery<'_>, content: Content) {
        for run in &mut self.runs {
            run.clear();
        }
        self.slot = Some(slot);
        self.by = from.links[from.endpoint].provider;
        self.current = self.run(from.endpoint, from.links).append(content, from.source, from.at);
    }

    fn run(&mut self, endpoint: usize, links: &[Connection]) -> &mut Run<D> {
        if self.runs.len() <= endpoint {
            self.runs.resize_with(endpoint + 1, Run::default);
        }
        let run = &mut self.runs[endpoint];
        if run.connection != links[endpoint].number {
            run.clear();
            run.connection = links[endpoint].number;
        }
        run
    }

    /// Places a write of the current slot if it needs no data: one that repeats the applied state
    /// or the endpoint's previous write. Otherwise returns false and changes nothing.
    #[inline]
    pub fn repeats(&mut self, from: Delivery<'_>, content: Content) -> bool {
        let number = from.links[from.endpoint].number;
        let previous = self.runs.get(from.endpoint).filter(|run| run.connection == number);
        let repeats = content == self.current.content
            || previous.and_then(Run::last).is_some_and(|last| last.content == content);
        if repeats {
            self.arrive(from, content);
        }
        repeats
    }

    /// Places a write of the current slot.
    #[inline]
    pub fn arrive(&mut self, from: Delivery<'_>, content: Content) -> Arrival {
        let Delivery { endpoint, links, source, .. } = from;
        let current = self.current;
        let run = self.run(endpoint, links);
        if run.last().is_some_and(|last| last.content == content) {
            if source == Source::Notification {
                run.confirm();
            }
            return Arrival::Duplicate;
        }
        if source == Source::Read && run.notified {
            return if content == current.content { Arrival::Duplicate } else { Arrival::Overtaken };
        }
        let element = run.append(content, source, from.at);
        run.kept = None;
        if element == current {
            return Arrival::Duplicate;
        }
        if self.is_newer(endpoint, element) || self.is_unanimous(links, element.content) {
            self.current = element;
            self.by = links[endpoint].provider;
            // The same state under another number needs no second application.
            return if content == current.content { Arrival::Duplicate } else { Arrival::Fresh };
        }
        if content == current.content {
            return Arrival::Duplicate;
        }
        let mut others = self.runs.iter().enumerate().filter(|&(other, _)| other != endpoint);
        if others.any(|(_, run)| run.position(element).is_some()) { Arrival::Known } else { Arrival::Held }
    }

    /// Keeps the data of the write of `endpoint` that [`arrive`](Self::arrive) kept back.
    pub fn keep(&mut self, endpoint: usize, data: Option<Charged<D>>) {
        if let Some(run) = self.runs.get_mut(endpoint) {
            run.kept = data;
        }
    }

    /// Returns the write that the remaining connections agree on, now that one has closed.
    pub fn settle(&mut self, links: &[Connection]) -> Option<(Slot, D)> {
        let candidate = self.open_runs(links).next()?.last()?.content;
        if !self.is_unanimous(links, candidate) {
            return None;
        }
        let slot = self.slot?;
        let run = self
            .runs
            .iter_mut()
            .enumerate()
            .find(|(endpoint, run)| is_open(links, *endpoint, run) && run.kept.is_some());
        let (endpoint, run) = run?;
        self.current = run.last()?;
        self.by = links[endpoint].provider;
        Some((slot, run.kept.take()?.into_inner()))
    }

    /// Returns when the first of the other endpoints delivered the state `content` in this slot.
    pub fn first_at(&self, endpoint: usize, content: Content) -> u64 {
        let others = self.runs.iter().enumerate().filter(|&(other, _)| other != endpoint);
        let elements = others.flat_map(|(_, run)| run.elements.iter());
        elements
            .filter(|element| element.content == content)
            .map(|element| element.at)
            .min()
            .unwrap_or(NO_TIME)
    }

    /// Forgets what a provider has delivered. If the applied write was applied on its word, and no other
    /// provider has delivered that in its slot, it is forgotten too and true comes back: then a write of
    /// slot `floor` or later is taken as the first one, or, if others have a word in this slot, the one
    /// they agree on.
    pub fn disown(&mut self, provider: u32, links: &[Connection], floor: Slot) -> bool {
        for (run, _) in self.runs.iter_mut().zip(links).filter(|(_, link)| link.provider == provider) {
            run.clear();
        }
        let confirms =
            |run: &Run<D>| run.elements.iter().any(|element| element.content == self.current.content);
        if self.slot.is_none()
            || self.by != provider
            || self.current == DOUBTED
            || self.runs.iter().any(confirms)
        {
            return false;
        }
        self.current = DOUBTED;
        if self.runs.iter().all(|run| run.elements.is_empty()) {
            self.slot = floor.checked_sub(1);
        }
        true
    }

    /// Forgets what an endpoint has delivered in this slot: it has no word in it.
    pub fn silence(&mut self, endpoint: usize) {
        if let Some(run) = self.runs.get_mut(endpoint) {
            run.clear();
        }
    }

    fn open_runs(&self, links: &[Connection]) -> impl Iterator<Item = &Run<D>> {
        let runs = self.runs.iter().enumerate();
        runs.filter(|(endpoint, run)| is_open(links, *endpoint, run)).map(|(_, run)| run)
    }

    /// Rule 3.
    fn is_newer(&self, endpoint: usize, element: Element) -> bool {
        self.runs.iter().enumerate().all(|(other, run)| {
            if other == endpoint {
                run.has_in_order(self.current, element)
            } else {
                !run.has_in_order(element, self.current)
            }
        })
    }

    /// Rule 4.
    fn is_unanimous(&self, links: &[Connection], content: Content) -> bool {
        content != self.current.content
            && self.runs.iter().enumerate().all(|(endpoint, run)| {
                if is_open(links, endpoint, run) {
                    run.last().is_some_and(|last| last.content == content)
                } else {
                    !run.outdates(content, self.current)
                }
            })
    }
}

/// Returns whether a run has elements and its connection is still the open one.
fn is_open<D>(links: &[Connection], endpoint: usize, run: &Run<D>) -> bool {
    let link = links[endpoint];
    link.open && link.number == run.connection && !run.elements.is_empty()
}

#[cfg(test)]
mod tests;
