//! Inputs that work, and the smallest of those with one output.

use super::{Search, to_units};
use crate::sizing::chain::Chain;

impl<H: Chain> Search<'_, H> {
    /// The largest input at or below `start` that can be quoted, assuming that the failing ones
    /// are the larger ones.
    pub(super) fn first_feasible(&mut self, start: u64) -> Option<u64> {
        let (mut fails, mut step) = (start, 1);
        // Growing steps down, then halves: the limit is usually near, but may be anywhere.
        let mut works = loop {
            let lower = fails - step.min(fails.div_ceil(2));
            if lower < self.least {
                return None;
            }
            if self.forward(lower).is_some() {
                break lower;
            }
            fails = lower;
            step = step.saturating_mul(2);
        };
        while fails - works > 1 {
            let middle = works + (fails - works) / 2;
            if self.forward(middle).is_some() {
                works = middle;
            } else {
                fails = middle;
            }
        }
        self.most = works;
        Some(works)
    }

    /// An input that works where smaller and larger ones fail: a curve that ends within a few units
    /// of the coarsest amount takes one of its whole units or none.
    pub(super) fn feasible_place(&mut self, axis: usize) -> Option<u64> {
        let near = to_units(self.peak.amounts[axis].floor()).saturating_sub(2).max(1);
        (near..=near.saturating_add(4)).rev().find_map(|place| {
            let range = self.least..=self.most;
            let amount_in = self.input_for(axis, place).filter(|amount_in| range.contains(amount_in))?;
            self.forward(amount_in).map(|_| amount_in)
        })
    }

    /// Lowers the best input while the output stays: an input between two steps is a loss.
    pub(super) fn shrink_input(&mut self) {
        let hops = self.chain.len();
        let Some((amounts, _)) = self.best else { return };
        let amount_out = amounts[hops];
        if let Some(amount_in) = self.input_for(hops, amount_out)
            && amount_in < amounts[0]
        {
            self.keep_if_same(amount_in, amount_out);
        }
        if !self.chain.is_asked() {
            return; // it is the smallest
        }
        // Exact-out quotes need not be the smallest: look below, in growing steps.
        let mut step = 1;
        while let Some((amounts, _)) = self.best
            && let Some(amount_in) = amounts[0].checked_sub(step)
        {
            if !self.keep_if_same(amount_in, amount_out) {
                if step == 1 {
                    return;
                }
                step = 1;
                continue;
            }
            step *= 2;
        }
    }

    fn keep_if_same(&mut self, amount_in: u64, amount_out: u64) -> bool {
        if amount_in < self.least {
            return false;
        }
        let Some(amounts) = self.forward(amount_in).filter(|amounts| amounts[self.chain.len()] >= amount_out)
        else {
            return false;
        };
        self.best = Some((amounts, self.profit(&amounts)));
        true
    }
}
