//! What has changed and was not fetched yet.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{Birth, Event, Judged, Opened, Sight};

/// Where a pool has no state that waits.
const NONE: u32 = u32::MAX;

/// Changes in the order in which they are told. Both sides have one, and swap them.
#[derive(Debug, Default)]
pub(super) struct Pending {
    capacity: usize,
    pub(super) births: Vec<Birth>,
    pub(super) sights: Vec<Sight>,
    /// By pool: its place in `sights`.
    places: Vec<u32>,
    pub(super) events: VecDeque<Event>,
    /// The latest verdict by opening.
    pub(super) judged: FxHashMap<u64, Judged>,
    /// What the events that were dropped come to: openings that are still open, and ids of closed ones that
    /// were fetched before.
    pub(super) dropped: FxHashMap<u64, Option<Opened>>,
}

impl Pending {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// Notes the latest state of a pool.
    pub(super) fn saw(&mut self, sight: Sight) {
        let pool = sight.pool as usize;
        if self.places.len() <= pool {
            self.places.resize(pool + 1, NONE);
        }
        if let Some(known) = self.sights.get_mut(self.places[pool] as usize) {
            *known = sight;
        } else {
            // No more states than pools, which are numbered by 32 bits.
            self.places[pool] = u32::try_from(self.sights.len()).unwrap_or(NONE);
            self.sights.push(sight);
        }
    }

    /// Notes an opening or a closing; returns how many were dropped for it.
    pub(super) fn happened(&mut self, event: Event) -> u64 {
        let mut lost = 0;
        while self.events.len() >= self.capacity {
            let Some(oldest) = self.events.pop_front() else { break };
            self.drop_event(oldest);
            lost += 1;
        }
        self.events.push_back(event);
        lost
    }

    fn drop_event(&mut self, event: Event) {
        match event {
            Event::Opened(opened) => {
                self.dropped.insert(opened.id, Some(opened));
            }
            Event::Closed { id, .. } => {
                self.judged.remove(&id);
                // Nobody has heard of an opening that was dropped itself.
                if !matches!(self.dropped.remove(&id), Some(Some(_))) {
                    self.dropped.insert(id, None);
                }
            }
        }
    }

    /// Notes the latest verdict on an opening.
    pub(super) fn judged(&mut self, judged: Judged) {
        self.judged.insert(judged.id, judged);
    }

    /// Empties it, and keeps its memory for the next.
    pub(super) fn clear(&mut self) {
        for sight in self.sights.drain(..) {
            self.places[sight.pool as usize] = NONE;
        }
        self.births.clear();
        self.events.clear();
        self.judged.clear();
        self.dropped.clear();
    }
}
