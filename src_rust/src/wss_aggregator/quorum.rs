//! Which write of one account is the latest, on the word of at least `k` endpoints.
//!
//! With a quorum `k` of at least 2, a state is applied only once `k` endpoints have delivered it:
//! the same content in the same slot; a read of slot `s` also vouches for its content in earlier
//! slots, since two reads of one state hardly ever name the same slot. Where at most `k - 1`
//! endpoints lie, one of any `k` tells the truth, so no invented state is ever applied.
//!
//! Each endpoint's deliveries since the applied slot are its *run*: slots never fall in it, so what
//! falls is stale by that endpoint's own word. It does not end at a newer slot, as it does without
//! a quorum: a slot that only one endpoint names must not end anything.
//!
//! With `c` the applied element and `h` the arriving one:
//! 1. The highest slot above `c`'s for which `k` endpoints vouch for `h`: applied.
//! 2. In `c`'s slot: `k` runs have `c` before `h` and not its content again after it, and fewer than
//!    `k` have `h` before `c`: applied.
//! 3. A content that ends the runs of `max(k, n - k + 1)` of the `n` open connections that have a
//!    word in `c`'s slot or later, unless `k` runs have it only before `c`: applied. Only one
//!    content can have so many.
//! 4. Otherwise kept back.
//!
//! Why this is right. *Everything delivered in order by every truthful endpoint:* a write gets its
//! `k`-th voucher before its successor does, and then falls under 1 or 2; rule 3 cannot go back,
//! since the `k` that vouched for `c` all have what is older before it. So the applied sequence is
//! the chain's; where a state returns within a slot, a laggard's first and a leader's second are
//! one for rule 3, and it may go to and fro for a while. *Skips, and liars who pick among true states:* order within the slot may be misjudged for a while. Once each of at least
//! `k` truthful endpoints has delivered its last write, that is the end of all of theirs; a liar
//! adds one to `n` and at most `k - 1` to the objections, so rule 3 applies it. Nothing else can then
//! gather `k` votes against it: rule 2 does not count the runs that end on it.

use super::budget::Charged;
use super::order::{Age, Arrival, Connection, Delivery, MAX_RUN, NO_TIME, Source};
use super::payload::Content;
use crate::quantities::Slot;

#[derive(Debug, Clone, Copy)]
struct Item {
    content: Content,
    slot: Slot,
    at: u64,
    /// The how-manieth of this content in its slot and run, from 1.
    nth: u32,
    read: bool,
}

impl Item {
    /// Returns whether it vouches for its content in `slot`.
    fn vouches(&self, slot: Slot) -> bool {
        self.slot == slot || (self.read && self.slot > slot)
    }
}

#[derive(Debug)]
struct Run<D> {
    connection: u32,
    items: Vec<Item>,
    /// The data of the last item while that waits.
    kept: Option<Charged<D>>,
}

impl<D> Default for Run<D> {
    fn default() -> Self {
        Self { connection: 0, items: Vec::new(), kept: None }
    }
}

impl<D> Run<D> {
    fn clear(&mut self) {
        self.items = Vec::new();
        self.kept = None;
    }

    fn position(&self, slot: Slot, content: Content, nth: u32) -> Option<usize> {
        self.items.iter().position(|item| (item.slot, item.content, item.nth) == (slot, content, nth))
    }
}

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
    /// By number of the endpoint.
    runs: Vec<Run<D>>,
}

impl<D> Default for QuorumWrites<D> {
    fn default() -> Self {
        Self { current: None, runs: Vec::new() }
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
        if current.is_none() && last.is_none_or(|last| (last.slot, last.content) != (slot, content)) {
            return false;
        }
        // Rule 3 needs one more at the end of runs for what is not applied: this is none.
        if let Ok(item) = self.append(from, slot, content)
            && let Some(current) = current
            && self.is_newer(quorum, current, item)
        {
            self.current = Some(Current { nth: item.nth, ..current });
        }
        true
    }

    /// Adds a write to the run of its endpoint; fails if it tells nothing new.
    fn append(&mut self, from: Delivery<'_>, slot: Slot, content: Content) -> Result<Item, Arrival> {
        let read = from.source == Source::Read;
        let current = self.current;
        let run = self.run(from.endpoint, from.links);
        if let Some(last) = run.items.last_mut() {
            if slot < last.slot {
                return Err(Arrival::Overtaken);
            }
            if slot == last.slot && content == last.content {
                last.read &= read;
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
        let item = Item { content, slot, at: from.at, nth, read };
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
            if self.is_newer(quorum, current, item) {
                self.apply(Current { slot, content, nth: item.nth });
                if content == current.content {
                    return placed(Arrival::Duplicate);
                }
                return Placement { arrival: Arrival::Fresh, apply: Some((slot, data)) };
            }
        }
        let agreed = self.common_end(quorum, from.links);
        if agreed.is_some_and(|agreed| agreed.content == content) {
            let slot = self.apply_end(agreed);
            return Placement { arrival: Arrival::Fresh, apply: slot.map(|slot| (slot, data)) };
        }
        let current = self.current.is_some_and(|c| (c.slot, c.content) == (slot, content));
        let known = self.vouchers(slot, content) > 1;
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
        let agreed = self.common_end(quorum, links);
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
        let vouches =
            |run: &&Run<D>| run.items.iter().any(|item| item.content == content && item.vouches(slot));
        self.runs.iter().filter(vouches).count()
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
    fn is_newer(&self, quorum: usize, current: Current, item: Item) -> bool {
        let (mut after, mut before) = (0, 0);
        for run in &self.runs {
            let old = run.position(current.slot, current.content, current.nth);
            let new = run.position(item.slot, item.content, item.nth);
            if let (Some(old), Some(new)) = (old, new) {
                let again = |other: &Item| other.content == current.content && other.vouches(current.slot);
                let returns = run.items[new + 1..].iter().any(again);
                after += usize::from(old < new && !returns);
                before += usize::from(new < old);
            }
        }
        after >= quorum && before < quorum
    }

    /// Rule 3.
    fn common_end(&self, quorum: usize, links: &[Connection]) -> Option<Current> {
        let applied = self.current?;
        let word = |(endpoint, run): (usize, &Run<D>)| {
            let open = links[endpoint].open && links[endpoint].number == run.connection;
            run.items.last().copied().filter(|last| open && last.slot >= applied.slot)
        };
        let ends: Vec<Item> = self.runs.iter().enumerate().filter_map(word).collect();
        let needed = quorum.max((ends.len() + 1).saturating_sub(quorum));
        let vouching =
            |content| ends.iter().filter(move |end| end.content == content && end.vouches(applied.slot));
        let content = ends.iter().find(|end| vouching(end.content).count() >= needed)?.content;
        if content == applied.content {
            return None;
        }
        let outdated = self.runs.iter().filter(|run| run.outdates(content, applied)).count();
        let of_slot = vouching(content).filter(|end| end.slot == applied.slot);
        let nth = of_slot.map(|end| end.nth).max().unwrap_or(1);
        (outdated < quorum).then_some(Current { slot: applied.slot, content, nth })
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

impl<D> Run<D> {
    /// Returns whether this run has `content` in the applied slot, and only before what is applied.
    fn outdates(&self, content: Content, applied: Current) -> bool {
        let last = self.items.iter().rposition(|item| item.content == content && item.vouches(applied.slot));
        last.is_some() && last < self.position(applied.slot, applied.content, applied.nth)
    }
}
