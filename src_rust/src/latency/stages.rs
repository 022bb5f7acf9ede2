//! The stages of one call of the engine, each with its histogram.
//!
//! To read a clock takes as long as a part of the shortest stages, so one call in about
//! [`SAMPLED`] is measured, at distances that no rhythm of the endpoints can follow. One reading ends a
//! stage and begins the next.

use std::sync::Arc;
use std::time::Instant;

use super::LatencyHistogram;

/// One call in so many is measured, on average.
const SAMPLED: u64 = 16;

/// A part of the way from a frame to a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimedStage {
    /// From bytes to what a frame says; none for a frame that repeats the bytes of another.
    Parse,
    /// Whether it is news, and in which order it is applied.
    Dedup,
    /// What it does to the pools.
    Apply,
    /// The cycles through one changed pool.
    Search,
    /// The best input of one open cycle.
    Size,
    /// The verdict on one sized cycle.
    Score,
}

/// Every stage in order.
pub const STAGES: [TimedStage; 6] = [
    TimedStage::Parse,
    TimedStage::Dedup,
    TimedStage::Apply,
    TimedStage::Search,
    TimedStage::Size,
    TimedStage::Score,
];

impl TimedStage {
    /// Returns the stable name used in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Dedup => "dedup",
            Self::Apply => "apply",
            Self::Search => "search",
            Self::Size => "size",
            Self::Score => "score",
        }
    }
}

/// A histogram for each stage.
#[derive(Debug, Clone)]
pub struct Stages([Arc<LatencyHistogram>; STAGES.len()]);

impl Default for Stages {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Arc::default()))
    }
}

impl Stages {
    /// Returns a stage's histogram, which goes on counting.
    #[must_use]
    pub fn of(&self, stage: TimedStage) -> &Arc<LatencyHistogram> {
        &self.0[stage as usize]
    }
}

/// A moment of a call that is measured; nothing in others.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lap(Option<Instant>);

impl Lap {
    // Out of the way: most calls are not measured.
    #[cold]
    #[inline(never)]
    pub(crate) fn now() -> Self {
        Self(Some(Instant::now()))
    }

    /// Returns whether it is one of a call that is measured.
    #[inline]
    pub(crate) fn is_known(self) -> bool {
        self.0.is_some()
    }
}

/// Measures some of the calls.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    pub(crate) stages: Stages,
    /// When the stage began that is under way; nothing in a call that is not measured.
    lap: Lap,
    /// Calls until the next one that is measured.
    left: u64,
    random: u64,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self { stages: Stages::default(), lap: Lap(None), left: 1, random: 0x9e37_79b9_7f4a_7c15 }
    }
}

impl Stopwatch {
    /// Begins a call, and returns whether it is measured.
    #[inline]
    pub(crate) fn begin(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        self.draw();
        self.lap = Lap::now();
        true
    }

    /// Begins a stage where the one before has not just ended.
    #[inline]
    pub(crate) fn restart(&mut self) {
        if self.lap.is_known() {
            self.lap = Lap::now();
        }
    }

    /// Ends a stage and begins the next.
    #[inline]
    pub(crate) fn end(&mut self, stage: TimedStage) {
        if self.lap.is_known() {
            self.end_at(stage, Lap::now());
        }
    }

    /// Ends a stage at a moment that is known already.
    #[cold]
    #[inline(never)]
    pub(crate) fn end_at(&mut self, stage: TimedStage, end: Lap) {
        if let (Some(began), Some(ended)) = (self.lap.0, end.0) {
            let duration_ns = ended.saturating_duration_since(began).as_nanos();
            self.stages.of(stage).add(u64::try_from(duration_ns).unwrap_or(u64::MAX));
            self.lap = end;
        }
    }

    /// Ends the call.
    #[inline]
    pub(crate) fn stop(&mut self) {
        self.lap = Lap(None);
    }

    /// Draws the next distance: 1 to 31, each as likely, by xorshift64 (Marsaglia, 2003).
    #[cold]
    fn draw(&mut self) {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.left = 1 + (self.random >> 32) % (2 * SAMPLED - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_in_sixteen_is_measured_whatever_their_rhythm() {
        for rhythm in [1, 2, 3, 4, 8] {
            let mut stopwatch = Stopwatch::default();
            let calls = 0..160_000_u32;
            let is_measured = |_: &u32| {
                let is_measured = stopwatch.begin();
                stopwatch.stop();
                is_measured
            };
            let measured: Vec<u32> = calls.filter(is_measured).collect();
            let of_first = measured.iter().filter(|call| *call % rhythm == 0).count();
            let expected = 10_000.0 / f64::from(rhythm);
            assert!((of_first as f64 / expected - 1.0).abs() < 0.1, "{of_first} of {expected}");
        }
    }

    #[test]
    fn stage_is_counted_only_in_a_call_that_is_measured() {
        let mut stopwatch = Stopwatch::default();
        stopwatch.begin();
        stopwatch.end(TimedStage::Parse);
        stopwatch.end_at(TimedStage::Dedup, Lap(None));
        stopwatch.stop();
        stopwatch.restart();
        stopwatch.end(TimedStage::Dedup);
        let counts = STAGES.map(|stage| stopwatch.stages.of(stage).count());
        assert_eq!(counts, [1, 0, 0, 0, 0, 0]);
    }
}
