//! How long the stages of a call take; see [`crate::latency`].

use std::sync::Arc;

use super::Engine;
use crate::latency::{LatencyHistogram, STAGES, TimedStage};
use crate::wss_aggregator::Verdict;

impl Engine {
    /// Returns the histogram of each stage, in order; they go on counting. One frame in about eight is
    /// measured, drawn at random; a stage counts only where it ran.
    #[must_use]
    pub fn latencies(&self) -> [(TimedStage, Arc<LatencyHistogram>); STAGES.len()] {
        STAGES.map(|stage| (stage, self.stopwatch.stages.of(stage).clone()))
    }

    /// Notes that a frame has been judged: ends the stages of the aggregator.
    #[inline]
    pub(super) fn judged_at(&mut self, verdict: Verdict) {
        let [began, read] = self.aggregator.measured();
        if began.is_known() {
            self.stopwatch.end_at(TimedStage::Parse, read);
            // What could not be read got no further.
            let is_unread = !read.is_known() && matches!(verdict, Verdict::Malformed(_));
            self.stopwatch.end(if is_unread { TimedStage::Parse } else { TimedStage::Dedup });
        } else {
            self.stopwatch.restart();
        }
    }
}
