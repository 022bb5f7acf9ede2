//! What a swap costs in compute units on chain.
//!
//! The budget ends a swap like any error, so an exact answer needs the cost. [`Bound`] bounds it from
//! above for nothing; only a swap that may exceed the budget is walked again with [`Work`].

use super::walk::{Observer, Progress, Traded};

/// Most compute units a transaction can ask for.
pub(super) const MAX_COMPUTE_UNITS: u32 = 1_400_000;

/// What decides a swap's cost besides its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ComputeContext {
    /// Units the swap may take.
    pub limit: u32,
}

/// An upper bound of the units used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound(u64);

impl Bound {
    /// Returns the bound of a walk.
    pub(super) fn of(progress: &Progress) -> Self {
        Self(
            150_000
                + 12_000 * u64::from(progress.traded_bins)
                + 400 * u64::from(progress.empty_bins)
                + 15_000 * u64::from(progress.arrays),
        )
    }

    /// Returns whether more may be used than is allowed.
    pub(super) fn may_exceed(self, context: &ComputeContext) -> bool {
        self.0 > u64::from(context.limit)
    }
}

/// Estimates the units used.
#[derive(Debug)]
pub(super) struct Work {
    context: ComputeContext,
    units: u64,
}

impl Work {
    pub(super) fn new(context: ComputeContext) -> Self {
        Self { context, units: 20_000 }
    }

    /// Adds what follows the walk of a swap that succeeds.
    pub(super) fn complete(&mut self) {
        self.units += 20_000;
    }

    /// Returns the units used, estimated.
    pub(super) fn units(&self) -> u64 {
        self.units
    }

    /// Returns whether more was used than is allowed.
    pub(super) fn is_over(&self) -> bool {
        self.units > u64::from(self.context.limit)
    }
}

impl Observer for Work {
    const SKIPS: bool = false;

    fn array(&mut self) {
        self.units += 2_500;
    }

    fn empty(&mut self, bins: u32) {
        self.units += 245 * u64::from(bins);
    }

    fn traded(&mut self, traded: &Traded<'_>) {
        self.units += if traded.for_output { 6_500 } else { 5_500 };
    }

    fn stops(&self) -> bool {
        self.is_over()
    }
}
