//! How much to put into a cycle: the input that gains most in whole units.
//!
//! The one idea: search on a real-valued model, decide on exact quotes. [`model`] composes the hops'
//! curves and finds the peak in closed form; its profit bounds the exact one from above, because
//! programs only ever round against the trader. Exact profit is ragged: each rounding costs up to a
//! unit, and a unit of the coarsest amount on the way may be worth thousands at the end. [`search`]
//! tries the inputs that lose least to roundings first and stops once nothing can gain more, or when
//! its [`Effort`] is used up. [`SizedCycle::gap`] then says how much more there could be at most.

mod chain;
mod model;
mod route;
mod search;

use crate::amm_math::Curve;
use crate::amm_math::constant_product::Direction;
use chain::{Curves, Products};
use model::{Amounts, Model};
pub use route::{AnyCurve, HopIdentity, RouteError, check_cycle, check_length};

/// The most hops a cycle may have.
pub const MAX_SIZED_HOPS: usize = 8;

/// How long to look for the last units. Whatever is chosen, [`SizedCycle::gap`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// For detection: about 1 µs for three constant products.
    Quick,
    /// For what will be sent: until nothing better can exist, or 65,536 inputs (4,096 where pools must
    /// be asked for quotes).
    #[default]
    Thorough,
    /// Until nothing better can exist: milliseconds where millions of inputs round within a unit.
    Exhaustive,
    /// So many inputs.
    Candidates(u32),
}

impl Effort {
    /// Stable names.
    pub const NAMED: [(&'static str, Self); 3] =
        [("quick", Self::Quick), ("thorough", Self::Thorough), ("exhaustive", Self::Exhaustive)];

    /// Returns how many inputs may be tried. `is_asked`: each costs quotes of pools.
    fn candidates(self, is_asked: bool) -> u32 {
        match self {
            Self::Quick => 12,
            Self::Thorough if is_asked => 4_096,
            Self::Thorough => 65_536,
            Self::Exhaustive => u32::MAX,
            Self::Candidates(candidates) => candidates,
        }
    }
}

/// One hop of a cycle: a pool in its present state and the direction of the swap.
#[derive(Debug)]
pub struct HopRef<'a, C: ?Sized> {
    /// The pool's curve.
    pub curve: &'a C,
    /// The input is the pool's token a.
    pub a_to_b: bool,
}

// Derived impls would ask the curve to be `Copy`.
impl<C: ?Sized> Clone for HopRef<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: ?Sized> Copy for HopRef<'_, C> {}

/// What sizing may use, base units of the cycle's first mint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizingLimits {
    /// Largest input that risk allows.
    pub max_amount_in: u64,
    /// Smallest input that is worth a transaction.
    pub min_amount_in: u64,
    /// What the wallet holds.
    pub balance: u64,
    /// How long to look.
    pub effort: Effort,
}

impl SizingLimits {
    /// Returns limits of one largest input.
    #[must_use]
    pub fn up_to(max_amount_in: u64) -> Self {
        Self { max_amount_in, min_amount_in: 1, balance: u64::MAX, effort: Effort::default() }
    }

    /// Returns the largest input allowed.
    fn most(&self) -> u64 {
        self.max_amount_in.min(self.balance)
    }

    /// Returns which limit that is.
    fn cap(&self) -> LimitedBy {
        if self.balance < self.max_amount_in { LimitedBy::Balance } else { LimitedBy::MaxAmountIn }
    }
}

/// What keeps the input from where profit would peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedBy {
    /// [`SizingLimits::max_amount_in`].
    MaxAmountIn,
    /// [`SizingLimits::min_amount_in`]: the peak lies below.
    MinAmountIn,
    /// [`SizingLimits::balance`].
    Balance,
    /// A pool has no more, or what lies beyond is not known.
    Liquidity,
}

impl LimitedBy {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxAmountIn => "max_amount_in",
            Self::MinAmountIn => "min_amount_in",
            Self::Balance => "balance",
            Self::Liquidity => "liquidity",
        }
    }
}

/// A cycle with its best input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizedCycle {
    amounts: Amounts<u64>,
    hops: usize,
    /// Output of the last hop minus input, in base units of the first mint; at least 1. Pool fees
    /// are in it, transaction costs are not.
    pub gross_profit: u64,
    /// The model's bound: no input within the limits gains more, up to the rounding of `f64`.
    pub profit_bound: f64,
    /// No input within the limits gains more than `gross_profit` and this. 0: none gains more. Where a
    /// rate rises along a curve (past a transfer fee's maximum), a second peak farther out is not seen.
    pub gap: u64,
    /// What binds; `None` at the peak of profit.
    pub limited_by: Option<LimitedBy>,
    /// Exact quotes that were used.
    pub quotes: u32,
}

impl SizedCycle {
    /// Returns the input and the exact output of every hop, each the exact input of the next.
    #[must_use]
    pub fn amounts(&self) -> &[u64] {
        &self.amounts[..=self.hops]
    }

    /// Returns whether no input within the limits gains more.
    #[must_use]
    pub fn is_proven_best(&self) -> bool {
        self.gap == 0
    }

    /// Returns the first hop's input.
    #[must_use]
    pub fn amount_in(&self) -> u64 {
        self.amounts[0]
    }

    /// Returns the last hop's output.
    #[must_use]
    pub fn amount_out(&self) -> u64 {
        self.amounts[self.hops]
    }
}

/// Memory that sizing uses again and again.
#[derive(Debug, Clone, Default)]
pub struct SizingScratch {
    model: Model,
    peak_in: Option<f64>,
    bound: f64,
}

impl SizingScratch {
    /// Returns empty scratch memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the input, at least 1, at which the cycle sized last would gain most if amounts were
    /// real numbers; `None` if it gains nowhere. Where no input gains a whole unit, this is where it
    /// came nearest.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub fn last_peak(&self) -> Option<u64> {
        self.peak_in.map(|amount| (amount.round() as u64).max(1))
    }

    fn forget(&mut self) {
        (self.peak_in, self.bound) = (None, 0.0);
    }

    /// Returns whether the model leaves room for a gain of a unit in the cycle sized last. Where sizing
    /// found none all the same, more effort may.
    #[must_use]
    pub fn may_gain(&self) -> bool {
        self.bound >= 1.0
    }
}

/// Returns the input that gains most, or `None` if none gains a unit.
///
/// A quote that fails (missing data, end of the curve) bounds the input; the best feasible one is
/// returned. `None` also for no hops or more than [`MAX_SIZED_HOPS`]. The pools must differ: a
/// hop does not see what an earlier one did to the same pool. Does not allocate once `scratch` has
/// grown.
///
/// Relies on three properties of a [`Curve`]: outputs rise with inputs, rates only fall along the
/// curve, and its segments do not understate it.
pub fn size_cycle<C: Curve + ?Sized>(
    hops: &[HopRef<'_, C>],
    limits: &SizingLimits,
    scratch: &mut SizingScratch,
) -> Option<SizedCycle> {
    scratch.forget();
    if hops.is_empty() || hops.len() > MAX_SIZED_HOPS || limits.most() < limits.min_amount_in.max(1) {
        return None;
    }
    let mut products = [None; MAX_SIZED_HOPS];
    for (product, hop) in products.iter_mut().zip(hops) {
        *product = hop.curve.direction(hop.a_to_b);
    }
    if let [Some(first), ..] = products
        && products[..hops.len()].iter().all(Option::is_some)
    {
        let mut directions = [first; MAX_SIZED_HOPS];
        for (direction, product) in directions.iter_mut().zip(products.into_iter().flatten()) {
            *direction = product;
        }
        return size_products(&directions[..hops.len()], limits, scratch);
    }
    let (model, cap) = (&mut scratch.model, limits.most() as f64);
    describe(hops, &products, cap, false, model);
    let mut peak = model.peak(cap)?;
    if peak.amount_in < limits.min_amount_in as f64 {
        // What lies beyond the peak matters.
        describe(hops, &products, cap, true, model);
        peak = model.peak(cap)?;
    }
    (scratch.peak_in, scratch.bound) = (Some(peak.amount_in), peak.profit);
    search::search(&Curves::new(hops, &products), model, &peak, limits)
}

/// Fills the model with the hops' curves; constant products first, as others end where those are known.
fn describe<C: Curve + ?Sized>(
    hops: &[HopRef<'_, C>],
    products: &[Option<Direction>; MAX_SIZED_HOPS],
    cap: f64,
    complete: bool,
    model: &mut Model,
) {
    model.start(hops.len(), cap);
    let mut firsts = [f64::INFINITY; MAX_SIZED_HOPS];
    for (place, product) in products.iter().enumerate() {
        if let Some(product) = product {
            let segment = product.segment();
            model.set_hop(place, &firsts, true, |visit| {
                visit(segment);
            });
        }
    }
    let asked = || hops.iter().enumerate().filter(|(place, _)| products[*place].is_none());
    for (place, hop) in asked().skip(1) {
        hop.curve.each_segment(hop.a_to_b, &mut |first| {
            firsts[place] = first.gain / first.base;
            false
        });
    }
    for (place, hop) in asked() {
        model.set_hop(place, &firsts, complete, |visit| hop.curve.each_segment(hop.a_to_b, visit));
    }
}

/// Returns the input that gains most in a cycle of constant products alone, as [`size_cycle`].
pub fn size_products(
    hops: &[Direction],
    limits: &SizingLimits,
    scratch: &mut SizingScratch,
) -> Option<SizedCycle> {
    scratch.forget();
    if hops.is_empty() || hops.len() > MAX_SIZED_HOPS || limits.most() < limits.min_amount_in.max(1) {
        return None;
    }
    let model = &mut scratch.model;
    model.set_unbounded(hops.iter().map(|hop| {
        let (rate, reserve_in) = (hop.kept(), hop.reserve_in() as f64);
        (rate * hop.reserve_out() as f64 / reserve_in, rate / reserve_in)
    }));
    let peak = model.peak(limits.most() as f64)?;
    (scratch.peak_in, scratch.bound) = (Some(peak.amount_in), peak.profit);
    search::search(&Products(hops), model, &peak, limits)
}
