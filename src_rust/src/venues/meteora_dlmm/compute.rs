//! What a swap costs in compute units on chain.
//!
//! The budget ends a swap like any error, so an exact answer needs the cost. [`Bound`] bounds it from
//! above for nothing; only a swap that may exceed the budget is walked again with [`Work`], which
//! weighs what the program does in each bin.
//!
//! The weights are least squares over 23,300 swaps on the vectors' states and mutations of them, run
//! in `LiteSVM` without a budget. Of the estimates above 400,000 units half are within 0.15 %, 95 %
//! within 0.5 %, the worst 1.1 % off.

use super::accounts::LbPair;
use super::division::{Division, note_division};
use super::fees::RATE_ONE;
use super::walk::{Observer, Progress, Traded};

/// What decides a swap's cost besides its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ComputeContext {
    /// Units the swap may take.
    pub limit: u32,
    /// Whether the instruction takes any token program (`swap2`, `swap_exact_out2`).
    pub is_second: bool,
    /// Whether an exact output is asked for.
    pub for_output: bool,
    /// How many of the two mints belong to Token-2022.
    pub token_2022_mints: u8,
}

/// An upper bound of the units used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound(u64);

impl Bound {
    /// More than any bin was measured to cost, orders of two kinds included.
    const TRADED: u64 = 13_500;
    const EMPTY: u64 = 262;
    const ARRAY: u64 = 2_000;
    /// More than anything around the walk costs.
    const BASE: u64 = 60_000;

    /// Returns the bound of a walk.
    pub(super) fn of(progress: &Progress) -> Self {
        Self(
            Self::BASE
                + Self::TRADED * u64::from(progress.traded_bins)
                + Self::EMPTY * u64::from(progress.empty_bins)
                + Self::ARRAY * u64::from(progress.arrays),
        )
    }

    /// Returns whether more may be used than is allowed.
    pub(super) fn may_exceed(self, context: ComputeContext) -> bool {
        self.0 > u64::from(context.limit)
    }
}

/// Weights, in compute units.
mod weight {
    pub(super) const FIRST: i64 = 16_822;
    pub(super) const SECOND: i64 = 17_757;
    pub(super) const FOR_OUTPUT: i64 = 384;
    pub(super) const TOKEN_2022: i64 = 1_342;
    pub(super) const END: i64 = 14_806;
    pub(super) const END_SECOND: i64 = 77;
    pub(super) const END_TOKEN_2022: i64 = 5_192;
    pub(super) const END_FOR_OUTPUT: i64 = 576;
    pub(super) const ARRAY: i64 = 1_804;
    pub(super) const BIN: i64 = 256;
    pub(super) const TRADED: i64 = 4_694;
    /// A bin emptied by a swap for an exact output.
    pub(super) const EMPTIED_FOR_OUTPUT: i64 = 705;
    /// A bin in which such a swap ends.
    pub(super) const LAST_FOR_OUTPUT: i64 = 1_108;
    pub(super) const WITH_ORDERS: i64 = 201;
    pub(super) const FEE_ON_OUTPUT: i64 = -352;
    /// A bin that no liquidity provider sells in.
    pub(super) const NOT_PROVIDED: i64 = -1_775;
    pub(super) const NO_SHARES: i64 = -797;
    pub(super) const NO_SHARES_NO_FEE: i64 = -298;
    pub(super) const NO_FEE: i64 = -503;
    pub(super) const NO_PROTOCOL_SHARE: i64 = -273;
    pub(super) const PARTLY: i64 = 1_098;
    pub(super) const PROCESSED_ORDERS: i64 = 1_478;
    pub(super) const OPEN_ORDERS: i64 = 1_491;
    pub(super) const BOTH_ORDERS: i64 = 2_286;
    /// A variable fee, each time the rate is worked out.
    pub(super) const VARIABLE: i64 = 362;
    pub(super) const VARIABLE_CLOSE: i64 = 160;
    pub(super) const VARIABLE_LONG: i64 = 260;
    pub(super) const CLOSE: i64 = 311;
    pub(super) const LONG_STEP: i64 = 556;
    pub(super) const LONG_CLOSE: i64 = 210;
    /// A whole price worked out within 64 bits.
    pub(super) const NARROW_PRODUCT: i64 = -632;
    /// A whole price divided by one word.
    pub(super) const NARROW_DIVISOR: i64 = -333;
}

/// Units of a power of ten in the base fee, each time the rate is worked out: squaring and multiplying.
const fn power_units(power: u8) -> i64 {
    match power {
        0 => 0,
        1..=3 => 180,
        4..=7 => 262,
        _ => 324,
    }
}

/// Estimates the units used.
#[derive(Debug)]
pub(super) struct Work {
    context: ComputeContext,
    control: u64,
    bin_step: u64,
    power_units: i64,
    takes_share: bool,
    units: i64,
}

impl Work {
    pub(super) fn new(context: ComputeContext, pair: &LbPair) -> Self {
        let units = if context.is_second { weight::SECOND } else { weight::FIRST }
            + weight::FOR_OUTPUT * i64::from(context.for_output)
            + weight::TOKEN_2022 * i64::from(context.token_2022_mints);
        Self {
            context,
            control: u64::from(pair.variable_fee_control),
            bin_step: u64::from(pair.bin_step),
            power_units: power_units(pair.base_fee_power_factor),
            takes_share: pair.protocol_share > 0,
            units,
        }
    }

    /// Adds what follows the walk of a swap that succeeds.
    pub(super) fn complete(&mut self) {
        let context = &self.context;
        self.units += weight::END
            + weight::END_SECOND * i64::from(context.is_second)
            + weight::END_FOR_OUTPUT * i64::from(context.for_output)
            + weight::END_TOKEN_2022 * i64::from(context.token_2022_mints);
    }

    /// Returns the units used, estimated.
    pub(super) fn units(&self) -> u64 {
        u64::try_from(self.units).unwrap_or(0)
    }

    /// Returns whether more was used than is allowed.
    pub(super) fn is_over(&self) -> bool {
        self.units > i64::from(self.context.limit)
    }

    fn add(&mut self, units: i64, applies: bool) {
        self.units += if applies { units } else { 0 };
    }

    /// What the rate costs: a swap for an exact output works it out twice.
    fn add_rate(&mut self, accumulator: u32, for_output: bool) {
        let mut units = self.power_units;
        if self.control > 0 {
            let distance = u128::from(u64::from(accumulator) * self.bin_step);
            // The same product has been checked when the rate was worked out.
            let scaled = distance.wrapping_mul(distance).wrapping_mul(u128::from(self.control));
            let divided = note_division(scaled.saturating_add(99_999_999_999), 100_000_000_000);
            units += weight::VARIABLE;
            units += match divided {
                Division::Short => 0,
                Division::Close => weight::VARIABLE_CLOSE,
                Division::Long { steps, .. } => weight::VARIABLE_LONG * i64::from(steps),
            };
        }
        self.units += if for_output { 2 * units } else { units };
    }

    fn add_division(&mut self, dividend: u128, divisor: u64) {
        self.units += match note_division(dividend, u128::from(divisor)) {
            Division::Short => 0,
            Division::Close => weight::CLOSE,
            Division::Long { steps, ends_close } => {
                weight::LONG_STEP * i64::from(steps) + weight::LONG_CLOSE * i64::from(ends_close)
            }
        };
    }

    fn add_fees(&mut self, traded: &Traded<'_>) {
        let (fill, rate) = (&traded.fill, u128::from(traded.terms.rate));
        let product = |amount: u64| u128::from(amount) * rate;
        let layers_in: u64 = fill.layers.iter().map(|layer| layer.input).sum();
        if traded.terms.fee_on_input {
            self.add_division(product(traded.offered) + u128::from(RATE_ONE - 1), RATE_ONE);
            self.add_division(product(layers_in), RATE_ONE - traded.terms.rate);
        } else {
            self.add_division(product(fill.output) + u128::from(RATE_ONE - 1), RATE_ONE);
        }
        if layers_in > 0 {
            let part = u128::from(fill.fee) * u128::from(fill.layers[0].input);
            self.add_division(part + u128::from(layers_in - 1), layers_in);
        }
    }

    fn add_prices(&mut self, traded: &Traded<'_>) {
        let terms = traded.terms;
        for (place, &available) in terms.layers.iter().enumerate() {
            if available == 0 || (place > 0 && traded.fill.layers[place].input == 0) {
                continue;
            }
            if terms.a_to_b {
                self.add(weight::NARROW_DIVISOR, terms.price >> 64 == 0);
            } else {
                let is_narrow =
                    u128::from(available).checked_mul(terms.price).is_some_and(|it| it >> 64 == 0);
                self.add(weight::NARROW_PRODUCT, is_narrow);
            }
            self.add(weight::PARTLY, traded.fill.layers[place].output < available);
        }
    }
}

impl Observer for Work {
    const SKIPS: bool = false;

    fn array(&mut self) {
        self.units += weight::ARRAY;
    }

    fn empty(&mut self, bins: u32) {
        self.units += weight::BIN * i64::from(bins);
    }

    fn traded(&mut self, traded: &Traded<'_>) {
        let [_, processed, open] = traded.fill.layers;
        self.units += weight::BIN + weight::TRADED;
        self.add(weight::WITH_ORDERS, traded.terms.with_orders);
        if traded.for_output {
            let last = traded.fill.is_last;
            self.units += if last { weight::LAST_FOR_OUTPUT } else { weight::EMPTIED_FOR_OUTPUT };
        } else {
            self.add(weight::FEE_ON_OUTPUT, !traded.terms.fee_on_input);
        }
        let (is_free, is_provided) = (traded.terms.rate == 0, traded.terms.layers[0] > 0);
        self.add(weight::NO_FEE, is_free);
        self.add(weight::NOT_PROVIDED, !is_provided);
        if is_provided && traded.before.liquidity_supply >> 64 == 0 {
            self.units += if is_free { weight::NO_SHARES_NO_FEE } else { weight::NO_SHARES };
        }
        self.add(weight::NO_PROTOCOL_SHARE, !self.takes_share);
        self.units += match (processed.output > 0, open.output > 0) {
            (false, false) => 0,
            (true, false) => weight::PROCESSED_ORDERS,
            (false, true) => weight::OPEN_ORDERS,
            (true, true) => weight::BOTH_ORDERS,
        };
        self.add_rate(traded.accumulator, traded.for_output);
        self.add_fees(traded);
        self.add_prices(traded);
    }

    fn stops(&self) -> bool {
        self.is_over()
    }
}
