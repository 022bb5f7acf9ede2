//! What a swap costs in compute units on chain.
//!
//! The budget ends a swap like any error, so an exact answer needs the cost. A walk reports its work
//! to a `Meter`. Quotes use `StepBound`, which only bounds the cost from above and is nearly
//! free; when the bound is not good enough the walk is repeated with [`Work`], which counts the
//! program's own operations and weighs them with costs fitted to measurements of each deployment.

use ruint::aliases::U256;

use crate::amm_math::tick_math::{estimate_tick, log2_fraction_bits};
use crate::decoders::orca_whirlpool::{self, TickArrayLayout};
use crate::decoders::{Mint, spl_token};
use crate::quantities::Pubkey;
use crate::swap::MAX_COMPUTE_UNITS;

mod costs;
mod divisions;

/// Which of the two programs runs the swap: their builds differ in cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deployment {
    /// The upgradable program.
    #[default]
    Upgradable,
    /// The immutable one.
    Immutable,
}

/// Which instruction the swap uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Instruction {
    /// `swap`: SPL Token mints only.
    #[default]
    Swap,
    /// `swap_v2`: any mint.
    SwapV2,
}

/// What decides a swap's cost besides its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComputeContext {
    /// The program.
    pub deployment: Deployment,
    /// The instruction.
    pub instruction: Instruction,
    /// Units the swap may take.
    pub limit: u32,
    /// How many of the two mints belong to Token-2022.
    pub token_2022_mints: u8,
    /// How many of the two mints have transfer fees.
    pub transfer_fee_mints: u8,
    /// Attempts at deriving addresses on chain (oracle and missing tick arrays), if known.
    pub derivation_attempts: Option<u32>,
}

impl ComputeContext {
    /// Returns what is known before the path is: the build behind `program`, and the mints as far as
    /// they are known (an unknown one counts as plain).
    #[must_use]
    pub fn of_pool(program: &Pubkey, mints: [Option<&Mint>; 2], instruction: Instruction) -> Self {
        let known = || mints.into_iter().flatten();
        let count = |is_such: fn(&Mint) -> bool| known().map(|mint| u8::from(is_such(mint))).sum();
        let is_immutable = *program == orca_whirlpool::IMMUTABLE_PROGRAM;
        Self {
            deployment: if is_immutable { Deployment::Immutable } else { Deployment::Upgradable },
            instruction,
            limit: MAX_COMPUTE_UNITS,
            token_2022_mints: count(|mint| mint.program == spl_token::TOKEN_2022_PROGRAM),
            transfer_fee_mints: count(|mint| mint.transfer_fee.is_some()),
            derivation_attempts: None,
        }
    }
}

impl Default for ComputeContext {
    fn default() -> Self {
        Self {
            deployment: Deployment::default(),
            instruction: Instruction::default(),
            limit: MAX_COMPUTE_UNITS,
            token_2022_mints: 0,
            transfer_fee_mints: 0,
            derivation_attempts: None,
        }
    }
}

/// A kind of work whose cost was fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Item {
    /// Tick array of the sequence that does not exist.
    AbsentArray,
    /// Search for the next initialised tick.
    Search,
    /// Tick looked at in a fixed array.
    ScannedFixed,
    /// Tick looked at in a dynamic array.
    ScannedDynamic,
    /// Initialised tick crossed in a fixed array.
    CrossedFixed,
    /// Initialised tick crossed in a dynamic array.
    CrossedDynamic,
    /// Target reached that is no initialised tick.
    EndReached,
    /// Step of constant liquidity and fee.
    Step,
    /// Step under an adaptive fee.
    AdaptiveStep,
    /// Step that may run over several tick groups.
    SkippingStep,
    /// Price of a tick.
    Price,
    /// Price of a non-negative tick.
    PricePositive,
    /// Set bit but the lowest of a non-negative tick.
    PriceBitPositive,
    /// Set bit but the lowest of a negative tick.
    PriceBitNegative,
    /// Tick of a price.
    TickOfPrice,
    /// Tick of a price below one.
    TickOfPriceBelowOne,
    /// Set bit of the logarithm on the way.
    TickOfPriceBit,
    /// Amount of token A.
    DeltaA,
    /// Amount of token A, rounded up.
    DeltaAUp,
    /// Amount of token B.
    DeltaB,
    /// Amount of token B whose factors both fit 64 bits.
    DeltaBNarrow,
    /// Price reached by an amount of token A.
    NextPriceA,
    /// Price reached by an amount of token B.
    NextPriceB,
    /// 128-bit division: quotient 0 or 1.
    Div128Trivial,
    /// 128-bit division: both fit 64 bits.
    Div128Narrow,
    /// 128-bit division: divisor fits 32 bits.
    Div128Short,
    /// 128-bit division: quotient fits about 32 bits.
    Div128Close,
    /// 128-bit division: anything else.
    Div128Long,
    /// Undersubtracting steps of the long ones.
    Div128LongStep,
    /// Long division that ends with a close one.
    Div128LongClose,
    /// 256-bit division by a word.
    Div256Short,
    /// 256-bit division done in 128 bits.
    Div256Narrow,
    /// 256-bit division by several words.
    Div256Long,
    /// Quotient words of those.
    Div256LongWords,
    /// Quotient words of those by three words and more.
    Div256LongWideWords,
    /// Quotient words of those whose dividend fills four words.
    Div256LongFullWords,
    /// Estimates of quotient words that were too large.
    Div256LongCorrection,
    /// 256-bit division with a remainder taken along.
    Div256Unaligned,
    /// Protocol fee taken of a step.
    ProtocolFee,
}

/// Number of [`Item`]s.
pub const ITEMS: usize = Item::ProtocolFee as usize + 1;

/// Names of the items, in order.
pub const ITEM_NAMES: [&str; ITEMS] = [
    "absent_array",
    "search",
    "scanned_fixed",
    "scanned_dynamic",
    "crossed_fixed",
    "crossed_dynamic",
    "end_reached",
    "step",
    "adaptive_step",
    "skipping_step",
    "price",
    "price_positive",
    "price_bit_positive",
    "price_bit_negative",
    "tick_of_price",
    "tick_of_price_below_one",
    "tick_of_price_bit",
    "delta_a",
    "delta_a_up",
    "delta_b",
    "delta_b_narrow",
    "next_price_a",
    "next_price_b",
    "div128_trivial",
    "div128_narrow",
    "div128_short",
    "div128_close",
    "div128_long",
    "div128_long_step",
    "div128_long_close",
    "div256_short",
    "div256_narrow",
    "div256_long",
    "div256_long_words",
    "div256_long_wide_words",
    "div256_long_full_words",
    "div256_long_correction",
    "div256_unaligned",
    "protocol_fee",
];

/// Hears of the work of a walk.
pub(super) trait Meter: Default {
    /// Whether this meter wants to hear of anything but steps.
    const DETAILED: bool;

    /// Notes `times` of `item`.
    fn note(&mut self, item: Item, times: u32);

    /// Notes that the walk is over and the transfers follow.
    fn complete(&mut self) {}

    /// Whether the work so far may exceed the budget.
    fn is_over(&self, context: &ComputeContext) -> bool;

    #[inline]
    fn scan(&mut self, layout: TickArrayLayout, ticks: u32) {
        self.note(
            match layout {
                TickArrayLayout::Fixed => Item::ScannedFixed,
                TickArrayLayout::Dynamic => Item::ScannedDynamic,
            },
            ticks,
        );
    }

    #[inline]
    fn price(&mut self, tick_index: i32) {
        if Self::DETAILED {
            self.note(Item::Price, 1);
            self.note(Item::PricePositive, u32::from(tick_index >= 0));
            let bit = if tick_index >= 0 { Item::PriceBitPositive } else { Item::PriceBitNegative };
            self.note(bit, (tick_index.unsigned_abs() >> 1).count_ones());
        }
    }

    /// A tick derived from a price, which takes the price of a tick where the logarithm is in doubt.
    #[inline]
    fn tick_of_price(&mut self, sqrt_price_x64: u128) {
        if Self::DETAILED {
            self.note(Item::TickOfPrice, 1);
            self.note(Item::TickOfPriceBelowOne, u32::from(sqrt_price_x64 >> 64 == 0));
            self.note(Item::TickOfPriceBit, log2_fraction_bits(sqrt_price_x64));
            if let Some((low, high)) = estimate_tick(sqrt_price_x64)
                && low != high
            {
                self.price(high);
            }
        }
    }

    /// A division of 128-bit integers, `times` times.
    #[inline]
    fn div128(&mut self, dividend: u128, divisor: u128, times: u32) {
        if Self::DETAILED {
            divisions::note_div128(self, dividend, divisor, times);
        }
    }

    /// A division of 256-bit integers.
    #[inline]
    fn div256(&mut self, dividend: U256, divisor: U256) {
        if Self::DETAILED {
            divisions::note_div256(self, dividend, divisor);
        }
    }
}

/// Bounds the cost from above by the number of steps.
#[derive(Debug, Default)]
pub(super) struct StepBound {
    steps: u32,
}

impl StepBound {
    /// More than any step was measured to cost, crossing and search included.
    const STEP_UNITS: u32 = 14_000;
    /// More than anything around the steps costs.
    const BASE_UNITS: u32 = 150_000;

    /// Returns the bound for a walk of so many steps.
    pub(super) fn of_steps(steps: usize) -> Self {
        Self { steps: u32::try_from(steps).unwrap_or(u32::MAX) }
    }

    /// Returns an upper bound of the units used.
    pub(super) fn units(&self) -> u32 {
        Self::BASE_UNITS.saturating_add(self.steps.saturating_mul(Self::STEP_UNITS))
    }
}

impl Meter for StepBound {
    const DETAILED: bool = false;

    #[inline]
    fn note(&mut self, item: Item, times: u32) {
        if matches!(item, Item::Step) {
            self.steps += times;
        }
    }

    #[inline]
    fn is_over(&self, context: &ComputeContext) -> bool {
        self.units() > context.limit
    }
}

/// Counts of every [`Item`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    counts: [u32; ITEMS],
    is_complete: bool,
}

impl Default for Work {
    fn default() -> Self {
        Self { counts: [0; ITEMS], is_complete: false }
    }
}

impl Work {
    /// Returns the counts under their names.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u32)> {
        ITEM_NAMES.into_iter().zip(self.counts)
    }

    /// Returns the units used before any transfer, estimated.
    #[must_use]
    pub fn units_before_transfers(&self, context: &ComputeContext) -> u32 {
        Self { is_complete: false, ..*self }.units(context)
    }

    /// Returns the units used so far, estimated.
    #[must_use]
    pub fn units(&self, context: &ComputeContext) -> u32 {
        let costs = costs::of(context.deployment);
        // Costs are in thousandths of a unit; some are negative corrections of others.
        let variable: i64 = self
            .counts
            .iter()
            .zip(costs.items)
            .map(|(count, cost)| i64::from(*count) * i64::from(cost))
            .sum();
        let attempts = context.derivation_attempts.unwrap_or_else(|| {
            // Half of all hashes are no address, so two attempts are expected for each.
            2 + 2 * self.counts[Item::AbsentArray as usize]
        });
        let fixed = i64::from(attempts) * i64::from(costs.derivation_attempt)
            + i64::from(costs.base(context, self.is_complete));
        u32::try_from((variable + fixed) / 1000).unwrap_or(0)
    }
}

impl Meter for Work {
    const DETAILED: bool = true;

    #[inline]
    fn note(&mut self, item: Item, times: u32) {
        self.counts[item as usize] += times;
    }

    fn complete(&mut self) {
        self.is_complete = true;
    }

    #[inline]
    fn is_over(&self, context: &ComputeContext) -> bool {
        self.units(context) > context.limit
    }
}
