//! A bound on the account data that is kept back on the word of one endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that one endpoint may have kept. Clones share the count.
#[derive(Debug, Clone)]
pub struct Budget {
    used: Arc<AtomicUsize>,
    max: usize,
}

/// Something kept, with what it takes of a [`Budget`] until it is dropped.
#[derive(Debug)]
pub struct Charged<T> {
    value: T,
    _charge: Charge,
}

#[derive(Debug)]
struct Charge {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Budget {
    /// Returns a budget of `max` bytes, all free.
    pub fn new(max: usize) -> Self {
        Self { used: Arc::default(), max }
    }

    /// Keeps `value`, which takes `bytes`; gives it back if so many are not free.
    pub fn charge<T>(&self, value: T, bytes: usize) -> Result<Charged<T>, T> {
        // The aggregator is behind one lock: nobody adds between the two operations.
        let fits = self.used().checked_add(bytes).is_some_and(|sum| sum <= self.max);
        if !fits {
            return Err(value);
        }
        self.used.fetch_add(bytes, Ordering::Relaxed);
        Ok(Charged { value, _charge: Charge { used: Arc::clone(&self.used), bytes } })
    }

    /// Returns the bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl<T> Charged<T> {
    /// Returns what was kept; its bytes are free again.
    pub fn into_inner(self) -> T {
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charge_beyond_the_budget_is_refused_until_something_is_dropped() {
        let budget = Budget::new(10);
        let first = budget.charge("a", 6).expect("fits");
        assert_eq!(budget.charge("b", 5).map(|_| ()), Err("b"));
        let second = budget.charge("c", 4).expect("fits");
        assert_eq!(budget.used(), 10);
        drop(first);
        assert_eq!(second.into_inner(), "c");
        assert_eq!(budget.used(), 0);
        assert!(budget.charge("d", usize::MAX).is_err());
    }
}
