//! How far candidates come, and by how much the nearest of the others missed.

use rustc_hash::FxHashSet;

use super::Cycle;
use super::misses::Misses;
use crate::cycle_finder::CycleKey;
use crate::quantities::Slot;
use crate::scorer::{Candidate, Reason, Reasons};

/// How far a cycle came on the way to a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Goes through a changed pool in the direction that pays before fees.
    Cycle,
    /// Still pays at the margin after the pools' fees: the cycle is open.
    AfterFees,
    /// Some input gains at least one unit by exact integer quotes.
    AfterSizing,
    /// Enough is left after network fee, priority fee and tip: a signal.
    AfterCosts,
}

impl Stage {
    /// Every stage in order.
    pub const ALL: [Self; 4] = [Self::Cycle, Self::AfterFees, Self::AfterSizing, Self::AfterCosts];

    /// Returns the stable name used in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cycle => "cycles",
            Self::AfterFees => "after_fees",
            Self::AfterSizing => "after_sizing",
            Self::AfterCosts => "after_costs",
        }
    }
}

/// By how much an open cycle is no signal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shortfall {
    /// The best candidate, with a gain of 0 where no input gains a unit.
    Sized(Candidate),
    /// Basis points to break even at the margin, on the market as fills have left it.
    Margin(f64),
    /// No number says it: no base mint, no price for the costs, a pool that cannot be quoted.
    Unknown,
}

/// An opening that did not become a signal, or a cycle that never opened, when it came nearest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Miss {
    /// The cycle.
    pub key: CycleKey,
    /// The opening's number; 0 for a cycle that never opened.
    pub opening_id: u64,
    /// Slot of the update.
    pub slot: Slot,
    /// The last stage it reached.
    pub reached: Stage,
    /// Why it went no further; `None` at [`Stage::Cycle`], where the pools' fees are the reason.
    pub reason: Option<Reason>,
    /// How many basis points were missing: of the best input, or at the margin where no input gains;
    /// `None` where no number says it (no base mint, no price for the costs).
    pub missing_bps: Option<f64>,
    /// Best candidate; its gain is 0 where no input gains a unit.
    pub candidate: Option<Candidate>,
}

impl Miss {
    pub(super) fn closed(cycle: &Cycle, slot: Slot) -> Self {
        let (opening_id, missing_bps) = (0, Some(cycle.net.max(0.0) * 1e4));
        Self {
            key: cycle.key,
            opening_id,
            slot,
            reached: Stage::Cycle,
            reason: None,
            missing_bps,
            candidate: None,
        }
    }

    /// An open cycle that is no signal.
    pub(super) fn open(
        key: CycleKey,
        opening_id: u64,
        slot: Slot,
        reasons: Reasons,
        shortfall: Shortfall,
    ) -> Self {
        let (missing_bps, candidate) = match shortfall {
            Shortfall::Sized(candidate) => (Some(candidate.missing_bps()), Some(candidate)),
            Shortfall::Margin(missing_bps) => (Some(missing_bps), None),
            Shortfall::Unknown => (None, None),
        };
        let is_sized = candidate.is_some_and(|candidate| candidate.gross_profit > 0);
        Self {
            key,
            opening_id,
            slot,
            reached: if is_sized { Stage::AfterSizing } else { Stage::AfterFees },
            reason: reasons.iter().next(),
            missing_bps,
            candidate,
        }
    }

    pub(super) fn is_nearer_than(&self, other: &Self) -> bool {
        match self.reached.cmp(&other.reached) {
            std::cmp::Ordering::Equal => match (self.missing_bps, other.missing_bps) {
                (Some(mine), Some(theirs)) => mine < theirs,
                (mine, theirs) => mine.is_some() && theirs.is_none(),
            },
            order => order.is_gt(),
        }
    }
}

/// Most cycles that are remembered; further ones are counted only.
const MAX_REMEMBERED: usize = 65_536;

/// Counts per stage, per update and per distinct opening, and the nearest misses.
#[derive(Debug, Clone, Default)]
pub struct Funnel {
    evaluations: [u64; Stage::ALL.len()],
    distinct: [u64; Stage::ALL.len()],
    cycles: FxHashSet<CycleKey>,
    misses: Misses,
}

impl Funnel {
    /// Returns per stage how many evaluations reached it, and how many distinct openings (for
    /// [`Stage::Cycle`]: distinct cycles).
    pub fn stages(&self) -> impl Iterator<Item = (Stage, u64, u64)> + '_ {
        Stage::ALL
            .into_iter()
            .map(|stage| (stage, self.evaluations[stage as usize], self.distinct[stage as usize]))
    }

    /// Returns the openings that never became a signal and the cycles that never opened, nearest
    /// first, at most `limit`.
    #[must_use]
    pub fn nearest_misses(&self, limit: usize) -> Vec<Miss> {
        self.misses.nearest(limit)
    }

    pub(super) fn reach_cycle(&mut self, key: CycleKey, recheck: bool) {
        if !recheck {
            self.evaluations[Stage::Cycle as usize] += 1;
        }
        if self.cycles.len() < MAX_REMEMBERED && self.cycles.insert(key) {
            self.distinct[Stage::Cycle as usize] += 1;
        }
    }

    /// Counts one evaluation at `stage`, and a distinct opening if `furthest` was below it.
    pub(super) fn reach(&mut self, stage: Stage, furthest: Stage, recheck: bool) {
        if !recheck {
            self.evaluations[stage as usize] += 1;
        }
        if furthest < stage {
            self.distinct[stage as usize] += 1;
        }
    }

    /// Counts the stages after [`Stage::AfterFees`] up to `stage`.
    pub(super) fn reach_through(&mut self, stage: Stage, furthest: Stage, recheck: bool) {
        for passed in [Stage::AfterSizing, Stage::AfterCosts] {
            if passed <= stage {
                self.reach(passed, furthest, recheck);
            }
        }
    }

    pub(super) fn miss(&mut self, miss: Miss) {
        self.misses.keep(miss);
    }

    pub(super) fn forget_miss(&mut self, key: CycleKey, opening_id: u64) {
        self.misses.forget(key, opening_id);
    }
}
