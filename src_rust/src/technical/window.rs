//! The last `n` values, added up anew with every value, at a cost that does not depend on `n`.
//!
//! The one idea: take away nothing. A running sum from which the leaving value is subtracted keeps
//! every rounding error, and what a huge value has covered is lost when it leaves. Here the window
//! is cut in three, each part a sum of its own:
//!
//! ```text
//!  time ─►   [ end of block a ][    block b    ][ start of block c ]
//! ```
//!
//! Blocks have half the window's length. While `c` grows by one value, one more of the ends of `b`
//! is added up, so that all of them are there when `c` is full and `b` takes the place of `a`.
//! Every value costs the same three additions, and an answer depends on the window's values only.
//! (The two-stack queue, without its pauses; compare Tangwongsan, Hirzel and Schneider, "Low-latency
//! sliding-window aggregation in worst-case constant time", DEBS 2017.)

use std::mem;

/// A sum of some kind: what many values come to.
pub(super) trait Aggregate: Copy {
    /// What is added up.
    type Item: Copy;
    /// The sum of no value.
    const EMPTY: Self;
    /// Returns the sum with one value more.
    fn with(self, item: Self::Item) -> Self;
    /// Returns the sum of both.
    fn plus(self, other: Self) -> Self;
}

/// The sum of the last values. Memory: two values and two sums for every two values of the window.
#[derive(Debug, Clone)]
pub(super) struct Window<A: Aggregate> {
    length: usize,
    /// Values in a full block: half the window, rounded up.
    block: usize,
    /// Values taken so far, up to the window's length.
    taken: usize,
    /// `ends_a[k]`: the sum of the last `k` values of block a; likewise of b, as far as done.
    ends_a: Vec<A>,
    ends_b: Vec<A>,
    values_b: Vec<A::Item>,
    /// Values of block c, and after these what is left of an older block.
    values_c: Vec<A::Item>,
    filled: usize,
    sum_b: A,
    sum_c: A,
}

impl<A: Aggregate> Window<A> {
    /// `length` must be at least 1.
    pub fn new(length: usize) -> Self {
        let block = length.div_ceil(2);
        Self {
            length,
            block,
            taken: 0,
            ends_a: vec![A::EMPTY; block + 1],
            ends_b: vec![A::EMPTY; block + 1],
            values_b: Vec::with_capacity(block),
            values_c: Vec::with_capacity(block),
            filled: 0,
            sum_b: A::EMPTY,
            sum_c: A::EMPTY,
        }
    }

    pub const fn length(&self) -> usize {
        self.length
    }

    /// Takes the next value; the oldest leaves a full window.
    #[inline]
    pub fn push(&mut self, item: A::Item) {
        if self.values_c.len() < self.block {
            // Block c is new memory, in the first two blocks only.
            self.values_c.push(item);
        } else {
            self.values_c[self.filled] = item;
        }
        self.sum_c = self.sum_c.with(item);
        self.filled += 1;
        self.taken = (self.taken + 1).min(self.length);
        if let Some(&next) = self.values_b.get(self.block - self.filled) {
            self.ends_b[self.filled] = self.ends_b[self.filled - 1].with(next);
        }
        if self.filled == self.block {
            mem::swap(&mut self.ends_a, &mut self.ends_b);
            mem::swap(&mut self.values_b, &mut self.values_c);
            self.sum_b = mem::replace(&mut self.sum_c, A::EMPTY);
            self.filled = 0;
        }
    }

    /// Returns the sum of the window, if it is full.
    #[inline]
    pub fn sum(&self) -> Option<A> {
        if self.taken < self.length {
            return None;
        }
        // From 0 to `block`: what is left when b and the started c are taken off the length.
        let end = self.length - self.block - self.filled;
        Some(self.ends_a[end].plus(self.sum_b).plus(self.sum_c))
    }

    pub fn reset(&mut self) {
        *self = Self::new(self.length);
    }
}

/// The plain sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum(pub f64);

impl Aggregate for Sum {
    type Item = f64;
    const EMPTY: Self = Self(0.0);

    #[inline]
    fn with(self, item: f64) -> Self {
        Self(self.0 + item)
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Keeps order and number apart, so that a wrong window cannot have the right sum.
    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Ids {
        sum: u64,
        squares: u64,
        count: u64,
    }

    impl Aggregate for Ids {
        type Item = u64;
        const EMPTY: Self = Self { sum: 0, squares: 0, count: 0 };

        fn with(self, id: u64) -> Self {
            self.plus(Self { sum: id, squares: id * id, count: 1 })
        }

        fn plus(self, other: Self) -> Self {
            Self {
                sum: self.sum + other.sum,
                squares: self.squares + other.squares,
                count: self.count + other.count,
            }
        }
    }

    #[test]
    fn every_window_of_every_length_is_the_sum_of_its_values() {
        for length in 1..=40 {
            let mut window = Window::<Ids>::new(length);
            for pass in 0..2 {
                for last in 0..5 * length as u64 + 3 {
                    window.push(last);
                    let first = (last + 1).checked_sub(length as u64);
                    let expected = first.map(|first| (first..=last).fold(Ids::EMPTY, Aggregate::with));
                    assert_eq!(window.sum(), expected, "length {length}, pass {pass}, up to {last}");
                }
                window.reset();
                assert_eq!(window.sum(), None);
            }
        }
    }

    #[test]
    fn a_huge_value_leaves_no_trace() {
        let mut window = Window::<Sum>::new(7);
        for value in [1e150, -3e149, 1e140] {
            window.push(value);
        }
        for _ in 0..7 {
            window.push(0.25);
        }
        assert_eq!(window.sum().map(|sum| sum.0), Some(1.75));
    }

    proptest! {
        #[test]
        fn random_windows_hold_their_last_values(
            length in 1_usize..200,
            ids in proptest::collection::vec(0_u64..1 << 20, 1..800),
        ) {
            let mut window = Window::<Ids>::new(length);
            for (place, &id) in ids.iter().enumerate() {
                window.push(id);
                let values = (place + 1).checked_sub(length).map(|first| &ids[first..=place]);
                let expected = values.map(|values| values.iter().fold(Ids::EMPTY, |sum, &id| sum.with(id)));
                prop_assert_eq!(window.sum(), expected);
            }
        }
    }
}
