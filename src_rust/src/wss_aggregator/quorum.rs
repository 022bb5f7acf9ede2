//! Which write of one account is the latest, on the word of at least `k` providers.
//!
//! With a quorum `k` of at least 2, a state is applied only once `k` providers have delivered it:
//! the same content in the same slot; a read of slot `s` also vouches for its content in earlier
//! slots, since two reads of one state hardly ever name the same slot. Where at most `k - 1`
//! providers lie, one of any `k` tells the truth, so no invented state is ever applied. Connections
//! prove order, providers have votes: over however many connections, one each.
//!
//! Each connection's deliveries since the applied slot are its *run*: slots never fall in it, so what
//! falls is stale by that connection's own word. It does not end at a newer slot, as it does without
//! a quorum: a slot that only one endpoint names must not end anything.
//!
//! With `c` the applied element and `h` the arriving one:
//! 1. The highest slot above `c`'s for which `k` providers vouch for `h`: applied.
//! 2. In `c`'s slot: runs of `k` providers have `c` before `h` and not its content again after it, which
//!    is not their last word either, and fewer than `k` have `h` before `c`: applied.
//! 3. A content that is the last word of `max(k, n - k + 1)` of `n` providers, unless runs of `k` others
//!    have it only before `c`: applied. A provider's last word is what its connections have said in its
//!    highest slot, from `c`'s on: the latest of its reads, but any notification goes before; where those
//!    of several connections differ it has none. `n` counts those with a word over an
//!    open connection, and those who have read this content over one that has closed.
//! 4. Otherwise kept back.
//!
//! **Reads over connections that close.** An answer over HTTP comes as a connection that ends with it.
//! It goes on to count for what it read, or reads of one account at `k` providers would come to nothing
//! within the applied slot. It does not count against anything else: what is closed notifies nothing, and
//! would hold back every later write of that slot.
//!
//! Why this is right. *Everything delivered in order by every truthful provider:* a write gets its
//! `k`-th voucher before its successor does, and then falls under 1 or 2; rule 3 cannot go back,
//! since the `k` that vouched for `c` all have what is older before it. So the applied sequence is
//! the chain's; where a state returns within a slot, a laggard's first and a leader's second are
//! one for rule 3, and it may go to and fro for a while. *Skips, and liars who pick among true
//! states:* order within the slot may be misjudged for a while. Once each of at least `k` truthful
//! providers has delivered its last write over each of its connections with a word, that is the last
//! word of all of theirs; a liar adds one to `n` and at most `k - 1` to the objections, so rule 3
//! applies it. Nothing else can then gather `k` votes against it: rule 2 does not count those whose
//! last word it is.

mod runs;

use super::budget::Charged;
use super::order::{Age, Arrival, Connection, Delivery, MAX_RUN, NO_TIME, Source};
use super::payload::Content;
use crate::provider::Voices;
use crate::quantities::Slot;
use runs::{Item, Run, Word};

/// The applied write.
#[derive(Debug, Clone, Copy)]
struct Current {
    slot: Slot,
    content: Content,
    nth: u32,
}

/// What comes of an arrival: the verdict, and a write to apply, not always the one that arrived.
#[derive(Debug)]
pub struct Placement<D> {
    pub arrival: Arrival,
    pub apply: Option<(Slot, D)>,
}

/// The deliveries of one account since its applied slot. `D` is the data of a write kept back.
#[derive(Debug)]
pub struct QuorumWrites<D> {
    current: Option<Current>,
    arrivals: u32,
    /// By number of the endpoint.
    runs: Vec<Run<D>>,
}

impl<D> Default for QuorumWrites<D> {
    fn default() -> Self {
        Self { current: None, arrivals: 0, runs: Vec::new() }
    }
}

impl<D> QuorumWrites<D> {
    /// Returns the slot of the applied write.
    pub fn slot(&self) -> Option<Slot> {
        self.current.map(|current| current.slot)
    }

    /// Returns whether this is the content of the applied write.
    pub fn is_applied(&self, content: Content) -> bool {
        self.current.is_some_and(|current| current.content == content)
    }

    /// Returns where `slot` stands to the applied write.
    pub fn age(&self, slot: Slot) -> Age {
        match self.current {
            Some(current) if slot < current.slot => Age::Older,
            Some(current) if slot == current.slot => Age::Same,
            _ => Age::Newer,
        }
    }

    /// Places a write of the applied slot if it needs no data: one that repeats the applied state
    /// or the endpoint's previous write. Otherwise returns false and changes nothing.
    pub fn repeats(&mut self, from: Delivery<'_>, quorum: usize, slot: Slot, content: Content) -> bool {
        let current = self.current.filter(|current| (current.slot, current.content) == (slot, content));
        let number = from.links[from.endpoint].number;
        let previous = self.runs.get(from.endpoint).filter(|run| run.connection == number);
        let last = previous.and_then(|run| run.items.last());
        // What was only read and is notified now may become its provider's last word: that is for rule 3.
        let says_again = |last: &Item| (last.slot, last.content) == (slot, content) && !last.read;
        if current.is_none() && !last.is_some_and(says_again) {
            return false;
        }
        // Rule 3 needs one more last word for what is not applied: this is none.
        if let Ok(item) = self.append(from, slot, content)
            && let Some(current) = current
            && self.is_newer(quorum, from.links, current, item)
        {
            self.current = Some(Current { nth: item.nth, ..current });
        }
        true
    }

    /// Adds a write to the run of its endpoint; fails if it tells nothing new.
    fn append(&mut self, from: Delivery<'_>, slot: Slot, content: Content) -> Result<Item, Arrival> {
        let read = from.source == Source::Read;
        let current = self.current;
        self.arrivals = self.arrivals.wrapping_add(1);
        let order = self.arrivals;
        let run = self.run(from.endpoint, from.links);
        if let Some(last) = run.items.last_mut() {
            if slot < last.slot {
                return Err(Arrival::Overtaken);
            }
            if slot == last.slot && content == last.content {
                last.read &= read;
                last.order = order;
                let confirmed = !last.read;
                let end = run.items.len() - 1;
                if confirmed {
                    let mut index = 0;
                    run.items.retain(|item| {
                        index += 1;
                        index > end || !item.read || item.slot < slot
                    });
                }
                return Err(Arrival::Duplicate);
            }
            if slot == last.slot && read && !last.read {
                let applied = current.is_some_and(|c| (c.slot, c.content) == (slot, content));
                return Err(if applied { Arrival::Duplicate } else { Arrival::Overtaken });
            }
            if slot == last.slot && !read && last.read {
                run.items.retain(|item| item.slot < slot || !item.read);
            } else if read && last.read && content == last.content {
                run.items.pop(); // the same state read again: it held until now
            }
        }
        let same = |item: &&Item| item.slot == slot && item.content == content;
        let nth = run.items.iter().rev().find(same).map_or(0, |item| item.nth) + 1;
        let item = Item { content, slot, at: from.at, nth, order, read };
        if run.items.len() == MAX_RUN {
            run.items.remove(0);
        }
        run.items.push(item);
        run.kept = None;
        Ok(item)
    }

    fn run(&mut self, endpoint: usize, links: &[Connection]) -> &mut Run<D> {
        if self.runs.len() <= endpoint {
            self.runs.resize_with(endpoint + 1, Run::default);
        }
        let run = &mut self.runs[endpoint];
        run.provider = links[endpoint].provider;
        if run.connection != links[endpoint].number {
            run.clear();
            run.connection = links[endpoint].number;
        }
        run
    }

    /// Places a write; `keep` turns its data into what may be kept.
    pub fn arrive(
        &mut self,
        from: Delivery<'_>,
        quorum: usize,
        slot: Slot,
        content: Content,
        data: D,
        keep: impl FnOnce(D) -> Option<Charged<D>>,
    ) -> Placement<D> {
        let placed = |arrival| Placement { arrival, apply: None };
        if self.age(slot) == Age::Older {
            return placed(Arrival::Overtaken);
        }
        let item = match self.append(from, slot, content) {
            Ok(item) => item,
            Err(Arrival::Duplicate) => {
                // Over this connection nothing is new, but it may be its provider's last word now.
                let agreed = self.common_end(quorum, from.links, Some(content));
                let apply = agreed.filter(|agreed| agreed.content == content);
                let apply = self.apply_end(apply).map(|slot| (slot, data));
                let arrival = if apply.is_some() { Arrival::Fresh } else { Arrival::Duplicate };
                return Placement { arrival, apply };
            }
            Err(arrival) => return placed(arrival),
        };
        if let Some(agreed) = self.newest_agreed(quorum, slot, content) {
            self.apply(Current { slot: agreed, content, nth: item.nth });
            return Placement { arrival: Arrival::Fresh, apply: Some((agreed, data)) };
        }
        if let Some(current) = self.current.filter(|current| current.slot == slot) {
            if (current.content, current.nth) == (content, item.nth) {
                return placed(Arrival::Duplicate);
            }
            if self.is_newer(quorum, from.links, current, item) {
                self.apply(Current { slot, content, nth: item.nth });
                if content == current.content {
                    return placed(Arrival::Duplicate);
                }
                return Placement { arrival: Arrival::Fresh, apply: Some((slot, data)) };
            }
        }
        let agreed = self.common_end(quorum, from.links, Some(content));
        if agreed.is_some_and(|agreed| agreed.content == content) {
            let slot = self.apply_end(agreed);
            return Placement { arrival: Arrival::Fresh, apply: slot.map(|slot| (slot, data)) };
        }
        let current = self.current.is_some_and(|c| (c.slot, c.content) == (slot, content));
        let known = self.runs.iter().filter(|run| run.vouches(slot, content)).count() > 1;
        let arrival = match (current, known) {
            (true, _) => return placed(Arrival::Duplicate),
            (_, true) => Arrival::Known,
            (_, false) => Arrival::Held,
        };
        if let Some(run) = self.runs.get_mut(from.endpoint) {
            run.kept = keep(data);
        }
        Placement { arrival, apply: self.release(agreed) }
    }

    /// Returns the write that the remaining connections agree on, now that one has closed.
    pub fn settle(&mut self, quorum: usize, links: &[Connection]) -> Option<(Slot, D)> {
        let agreed = self.common_end(quorum, links, None);
        self.release(agreed)
    }

    /// Applies what connections agree on if its data was kept.
    fn release(&mut self, agreed: Option<Current>) -> Option<(Slot, D)> {
        let end = agreed?;
        let ends = |run: &Run<D>| run.items.last().is_some_and(|last| last.content == end.content);
        let data = self.runs.iter_mut().filter(|run| ends(run)).find_map(|run| run.kept.take())?;
        Some((self.apply_end(agreed)?, data.into_inner()))
    }

    fn apply_end(&mut self, agreed: Option<Current>) -> Option<Slot> {
        let agreed = agreed?;
        self.apply(agreed);
        Some(agreed.slot)
    }

    fn apply(&mut self, current: Current) {
        if self.current.is_none_or(|old| old.slot < current.slot) {
            for run in &mut self.runs {
                run.items.retain(|item| item.slot >= current.slot);
                if run.items.is_empty() {
                    run.clear();
                }
            }
        }
        self.current = Some(current);
        for run in &mut self.runs {
            if run.items.last().is_some_and(|last| last.content == current.content) {
                run.kept = None;
            }
        }
    }

    fn vouchers(&self, slot: Slot, content: Content) -> usize {
        let vouching = self.runs.iter().filter(|run| run.vouches(slot, content));
        vouching.map(|run| run.provider).collect::<Voices>().count()
    }

    /// Rule 1: the highest slot up to `slot`, above the applied one, for which enough vouch.
    fn newest_agreed(&self, quorum: usize, slot: Slot, content: Content) -> Option<Slot> {
        let applied = self.current.map(|current| current.slot);
        let items = self.runs.iter().flat_map(|run| &run.items);
        let slots = items.filter(|item| item.content == content && item.slot <= slot).map(|item| item.slot);
        let mut newer: Vec<Slot> = slots.filter(|&slot| applied.is_none_or(|old| slot > old)).collect();
        newer.sort_unstable();
        newer.dedup();
        newer.into_iter().rev().find(|&slot| self.vouchers(slot, content) >= quorum)
    }

    /// Rule 2.
    fn is_newer(&self, quorum: usize, links: &[Connection], current: Current, item: Item) -> bool {
        let (mut after, mut before) = (Voices::default(), Voices::default());
        for run in &self.runs {
            let old = run.position(current.slot, current.content, current.nth);
            let new = run.position(item.slot, item.content, item.nth);
            if let (Some(old), Some(new)) = (old, new) {
                let again = |other: &Item| other.content == current.content && other.vouches(current.slot);
                let returns = run.items[new + 1..].iter().any(again);
                if new < old {
                    before.add(run.provider);
                } else if !returns {
                    after.add(run.provider);
                }
            }
        }
        if after.count() < quorum || before.count() >= quorum {
            return false;
        }
        let words = self.words(links, current.slot);
        let returned = |word: &&Word| word.stands_for(current.content, current.slot);
        words.iter().filter(returned).for_each(|word| after.remove(word.provider));
        after.count() >= quorum
    }

    /// Rule 3; `arriving` is asked first.
    fn common_end(&self, quorum: usize, links: &[Connection], arriving: Option<Content>) -> Option<Current> {
        let applied = self.current?;
        let words = self.words(links, applied.slot);
        let heard = words.iter().filter(|word| word.is_heard).count();
        let for_it =
            |content| words.iter().filter(move |word: &&Word| word.stands_for(content, applied.slot));
        let is_agreed = |content: &Content| {
            let only_read = for_it(*content).filter(|word| !word.is_heard).count();
            let needed = quorum.max((heard + only_read + 1).saturating_sub(quorum));
            for_it(*content).count() >= needed
        };
        if is_agreed(&applied.content) {
            return None;
        }
        let all = words.iter().map(|word| word.last.content);
        let content = arriving.into_iter().chain(all).find(is_agreed)?;
        let outdated = self.runs.iter().filter(|run| run.outdates(content, applied));
        let mut outdated: Voices = outdated.map(|run| run.provider).collect();
        for_it(content).for_each(|word| outdated.remove(word.provider)); // it has come back since
        let of_slot = for_it(content).filter(|word| word.last.slot == applied.slot);
        let nth = of_slot.map(|word| word.last.nth).max().unwrap_or(1);
        (outdated.count() < quorum).then_some(Current { slot: applied.slot, content, nth })
    }

    /// Returns the last word of every provider in `slot` or later.
    fn words(&self, links: &[Connection], slot: Slot) -> Vec<Word> {
        let mut words: Vec<Word> = Vec::with_capacity(self.runs.len());
        for (run, link) in self.runs.iter().zip(links) {
            let is_heard = link.open && link.number == run.connection;
            let last = run.items.last().filter(|last| last.slot >= slot && (is_heard || last.read));
            let Some(&last) = last else { continue };
            let new = Word { provider: run.provider, last, is_heard, is_split: false };
            match words.iter_mut().find(|word| word.provider == run.provider) {
                Some(word) => word.join(&new),
                None => words.push(new),
            }
        }
        words
    }

    /// Returns when the first of the other endpoints delivered a state.
    pub fn first_at(&self, endpoint: usize, content: Content) -> u64 {
        let others = self.runs.iter().enumerate().filter(|&(other, _)| other != endpoint);
        let items = others.flat_map(|(_, run)| run.items.iter());
        items.filter(|item| item.content == content).map(|item| item.at).min().unwrap_or(NO_TIME)
    }

    /// Forgets what an endpoint has delivered.
    pub fn silence(&mut self, endpoint: usize) {
        if let Some(run) = self.runs.get_mut(endpoint) {
            run.clear();
        }
    }
}
