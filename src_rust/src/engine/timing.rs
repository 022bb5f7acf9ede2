//! How long the stages of a call take; see [`crate::latency`].

use std::sync::Arc;

use super::Engine;
use crate::latency::{LatencyHistogram, STAGES, TimedStage};
use crate::wss_aggregator::Verdict;

impl Engine {
    /// Returns the histogram of each stage, in order; they go on counting. One frame in about sixteen is
    /// measured, drawn at random; a stage counts only where it ran.
    #[must_use]
    pub fn latencies(&self) -> [(TimedStage, Arc<LatencyHistogram>); STAGES.len()] {
        STAGES.map(|stage| (stage, self.stopwatch.stages.of(stage).clone()))
    }

    /// Ends the stages of the aggregator.
    #[cold]
    pub(super) fn measured_until(&mut self, verdict: Verdict) {
        match self.aggregator.read_at() {
            Some(read) => {
                self.stopwatch.end_at(TimedStage::Parse, read);
                // What could not be read got no further.
                let is_unread = !read.is_known() && matches!(verdict, Verdict::Malformed(_));
                self.stopwatch.end(if is_unread { TimedStage::Parse } else { TimedStage::Dedup });
            }
            None => self.stopwatch.restart(),
        }
        self.aggregator.measure(false);
    }
}
