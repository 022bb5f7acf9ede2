//! Samples of recent slots, kept by slot and by value.

use std::collections::VecDeque;

use crate::quantities::Slot;

/// Sources that are told apart.
pub const MAX_SOURCES: usize = 8;

/// What the sources say of one slot.
#[derive(Debug, Clone)]
struct Sample {
    slot: Slot,
    votes: [u64; MAX_SOURCES],
    voted: u8,
    /// What counts; `None` below the quorum.
    value: Option<u64>,
}

impl Sample {
    /// Returns the lower median of the votes, if there are enough.
    fn resolve(&self, quorum: usize) -> Option<u64> {
        let mut votes = [0; MAX_SOURCES];
        let mut count = 0;
        for (source, &vote) in self.votes.iter().enumerate() {
            if self.voted & (1 << source) != 0 {
                votes[count] = vote;
                count += 1;
            }
        }
        if count == 0 || count < quorum {
            return None;
        }
        let votes = &mut votes[..count];
        votes.sort_unstable();
        Some(votes[(count - 1) / 2])
    }
}

/// One value for each of the recent slots, and their order by value.
#[derive(Debug, Clone, Default)]
pub(super) struct SlotWindow {
    /// By slot, oldest first.
    samples: VecDeque<Sample>,
    /// What counts of them, least first.
    sorted: Vec<u64>,
}

/// A quantile and whether the sample is too small for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantile {
    pub(super) value: u64,
    /// The asked share is more than the sample can vouch for; the value is its greatest.
    pub(super) beyond: bool,
}

/// Returns the split-conformal upper bound at `share_bps` (1/10,000): the value of rank
/// `ceil(share × (n + 1))`, `None` of an empty sample.
///
/// With `n` exchangeable values the next one is at most that with at least this probability, whatever
/// the distribution; beyond `n / (n + 1)` no such value exists and the greatest is returned.
pub(super) fn conformal(sorted: &[u64], share_bps: u32) -> Option<Quantile> {
    let greatest = *sorted.last()?;
    let rank = (u64::from(share_bps) * (sorted.len() as u64 + 1)).div_ceil(10_000).max(1);
    let inside = usize::try_from(rank - 1).ok().and_then(|index| sorted.get(index));
    Some(match inside {
        Some(&value) => Quantile { value, beyond: false },
        None => Quantile { value: greatest, beyond: true },
    })
}

impl SlotWindow {
    /// Takes one source's word for a slot; the last word of a source counts.
    pub(super) fn observe(&mut self, source: usize, slot: Slot, value: u64, quorum: usize) {
        // Nearly always the newest slot, or one after it.
        let at = match self.samples.back() {
            Some(last) if last.slot >= slot => self.samples.partition_point(|sample| sample.slot < slot),
            _ => self.samples.len(),
        };
        if self.samples.get(at).is_none_or(|sample| sample.slot != slot) {
            let fresh = Sample { slot, votes: [0; MAX_SOURCES], voted: 0, value: None };
            self.samples.insert(at, fresh);
        }
        let sample = &mut self.samples[at];
        sample.votes[source] = value;
        sample.voted |= 1 << source;
        let (before, after) = (sample.value, sample.resolve(quorum));
        sample.value = after;
        if before != after {
            self.replace(before, after);
        }
    }

    fn replace(&mut self, before: Option<u64>, after: Option<u64>) {
        if let Some(value) = before {
            let at = self.sorted.partition_point(|&each| each < value);
            self.sorted.remove(at);
        }
        if let Some(value) = after {
            let at = self.sorted.partition_point(|&each| each < value);
            self.sorted.insert(at, value);
        }
    }

    /// Forgets what is older than `oldest`. Each sample is forgotten once, so this costs O(1) per update.
    pub(super) fn forget_before(&mut self, oldest: Slot) {
        if self.samples.back().is_some_and(|last| last.slot < oldest) {
            self.samples.clear();
            self.sorted.clear();
        }
        while self.samples.front().is_some_and(|first| first.slot < oldest) {
            let value = self.samples.pop_front().and_then(|sample| sample.value);
            self.replace(value, None);
        }
    }

    /// Returns how many slots count.
    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Returns the newest slot that anybody spoke of.
    pub(super) fn newest(&self) -> Option<Slot> {
        self.samples.back().map(|sample| sample.slot)
    }

    /// Returns the average, rounded down; `None` of no samples.
    pub(super) fn mean(&self) -> Option<u64> {
        let sum: u128 = self.sorted.iter().map(|&value| u128::from(value)).sum();
        u64::try_from(sum / (self.sorted.len() as u128).max(1)).ok().filter(|_| !self.sorted.is_empty())
    }

    /// Returns the conformal quantile, `None` of no samples.
    pub(super) fn quantile(&self, share_bps: u32) -> Option<Quantile> {
        conformal(&self.sorted, share_bps)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn window(values: &[u64]) -> SlotWindow {
        let mut window = SlotWindow::default();
        for (slot, &value) in values.iter().enumerate() {
            window.observe(0, slot as Slot, value, 1);
        }
        window
    }

    #[test]
    fn quantile_has_the_conformal_rank() {
        // Nine values split the line into ten parts of equal probability.
        let window = window(&[90, 10, 80, 20, 70, 30, 60, 40, 50]);
        for (share, value) in [(1, 10), (1_000, 10), (1_001, 20), (5_000, 50), (9_000, 90)] {
            assert_eq!(window.quantile(share), Some(Quantile { value, beyond: false }), "{share}");
        }
        assert_eq!(window.quantile(9_001), Some(Quantile { value: 90, beyond: true }));
        assert_eq!(SlotWindow::default().quantile(5_000), None);
    }

    #[test]
    fn one_liar_of_three_moves_a_sample_no_further_than_an_honest_word() {
        for lie in [0, u64::MAX] {
            let mut window = SlotWindow::default();
            for slot in 0..20 {
                window.observe(0, slot, 1_000, 2);
                window.observe(1, slot, lie, 2);
                window.observe(2, slot, 1_100, 2);
            }
            let found = window.quantile(9_000).unwrap().value;
            assert!((1_000..=1_100).contains(&found), "{found}");
        }
    }

    #[test]
    fn of_two_sources_the_lower_counts() {
        let mut window = window(&[1_000; 20]);
        (0..20).for_each(|slot| window.observe(1, slot, u64::MAX, 1));
        assert_eq!(window.quantile(9_500).unwrap().value, 1_000);
    }

    #[test]
    fn slots_below_the_quorum_do_not_count() {
        let mut window = SlotWindow::default();
        (0..30).for_each(|slot| window.observe(1, slot, u64::MAX, 2));
        assert_eq!((window.len(), window.quantile(5_000)), (0, None));
        window.observe(0, 7, 5, 2);
        assert_eq!((window.len(), window.quantile(5_000).unwrap().value), (1, 5));
    }

    #[test]
    fn a_source_may_correct_itself() {
        let mut window = window(&[1, 2, 3]);
        window.observe(0, 1, 9, 1);
        assert_eq!(window.sorted, [1, 3, 9]);
    }

    #[test]
    fn slots_arrive_in_any_order_and_leave_by_age() {
        let mut window = SlotWindow::default();
        for slot in [5, 3, 9, 1, 7] {
            window.observe(0, slot, slot * 10, 1);
        }
        window.forget_before(5);
        assert_eq!(window.sorted, [50, 70, 90]);
        window.forget_before(10);
        assert_eq!((window.len(), window.newest()), (0, None));
    }
}
