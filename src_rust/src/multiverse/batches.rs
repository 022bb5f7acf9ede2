//! Rows a table at a time.

use super::parallel::{SPELL, whole};
use super::plan::Plan;
use super::table::{Truncation, WalkTable};
use super::walk::{Memory, Pause, Walker};

/// Tables of rows, each walked when it is asked for, on the thread that asks.
#[derive(Debug)]
pub struct Batches {
    plan: Plan,
    walker: Walker,
    batch: usize,
    /// Rows still wanted.
    wanted: Option<usize>,
    /// Targets begun.
    begun: usize,
    /// Whether the walker is in the middle of one.
    is_walking: bool,
    /// Rows walked and not given yet.
    walked: Vec<i32>,
    is_over: bool,
}

impl Batches {
    pub(super) fn new(plan: Plan, batch: usize, wanted: Option<usize>) -> Self {
        let walker = Walker::new(Memory::default(), &plan);
        Self { plan, walker, batch, wanted, begun: 0, is_walking: false, walked: Vec::new(), is_over: false }
    }

    /// Returns the next rows, or `None` after the last. Where a bound ends the rows the last table says
    /// so. If `interrupted` says yes, the rows end with those found so far.
    pub fn next(&mut self, interrupted: &dyn Fn() -> bool) -> Option<WalkTable> {
        if self.is_over {
            return None;
        }
        let width = self.plan.walk_hops;
        let count = self.wanted.map_or(self.batch, |wanted| wanted.min(self.batch));
        // One row more than given, to know whether there is one.
        let is_interrupted = self.walk((count + 1) * width, interrupted);
        let more = self.walked.split_off(self.walked.len().min(count * width));
        let values = std::mem::replace(&mut self.walked, more);
        if let Some(wanted) = &mut self.wanted {
            *wanted -= values.len() / width;
        }
        let truncation = if self.wanted == Some(0) && !self.walked.is_empty() {
            Some(Truncation::Count)
        } else {
            is_interrupted.then_some(Truncation::Interrupted)
        };
        self.is_over = truncation.is_some() || self.walked.is_empty();
        (!values.is_empty() || truncation.is_some()).then(|| self.plan.table(values, truncation))
    }

    /// Walks on until there are `full` values or no more; returns whether it was interrupted.
    fn walk(&mut self, full: usize, interrupted: &dyn Fn() -> bool) -> bool {
        while self.walked.len() < full {
            if !self.is_walking {
                if self.begun == self.plan.targets.len() {
                    return false;
                }
                self.walker.begin(&self.plan, &whole(&self.plan, self.begun));
                self.begun += 1;
                self.is_walking = true;
            }
            match self.walker.run(&self.plan, &mut self.walked, full, SPELL) {
                Pause::Done => self.is_walking = false,
                Pause::Tired if interrupted() => return true,
                Pause::Tired | Pause::Full => {}
            }
        }
        false
    }
}
