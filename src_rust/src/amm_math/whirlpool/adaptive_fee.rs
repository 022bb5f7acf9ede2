//! The fee rate along a swap: constant, or growing with the tick groups the price crosses.
//!
//! # Source
//! Orca Whirlpool program, `manager/fee_rate_manager.rs`, `state/oracle.rs`.

use super::WhirlpoolError;
use super::compute::Meter;
use super::step::StepFee;
use crate::amm_math::fixed_point::mul_wide;
use crate::amm_math::tick_math::{
    MAX_TICK_INDEX, MIN_TICK_INDEX, sqrt_price_from_tick_index, tick_index_from_sqrt_price,
};
use crate::decoders::{AdaptiveFeeConstants, AdaptiveFeeVariables, Oracle, Whirlpool};

/// No swap pays more, 1e-6.
const FEE_RATE_HARD_LIMIT: u32 = 100_000;
const VOLATILITY_SCALE: u64 = 10_000;
const REDUCTION_DENOMINATOR: u64 = 10_000;
const CONTROL_DENOMINATOR: u64 = 100_000;
/// Seconds after which the references are reset whatever happened.
const MAX_REFERENCE_AGE: u64 = 3_600;

/// The fee rate of the next step.
#[derive(Debug, Clone)]
pub(super) enum FeeRate {
    Static(StepFee),
    Adaptive(AdaptiveFee),
}

impl FeeRate {
    /// Starts a swap at `unix_timestamp`.
    pub(super) fn new(
        pool: &Whirlpool,
        oracle: Option<&Oracle>,
        a_to_b: bool,
        unix_timestamp: u64,
        meter: &mut impl Meter,
    ) -> Result<Self, WhirlpoolError> {
        let static_rate = u32::from(pool.fee_rate_e6);
        match oracle {
            None => Ok(Self::Static(StepFee::new(static_rate))),
            Some(oracle) => {
                AdaptiveFee::new(static_rate, oracle, pool.tick_current_index, a_to_b, unix_timestamp, meter)
                    .map(Self::Adaptive)
            }
        }
    }
}

/// An adaptive fee in the middle of a swap.
#[derive(Debug, Clone)]
pub(super) struct AdaptiveFee {
    static_rate: u32,
    constants: AdaptiveFeeConstants,
    pub(super) variables: AdaptiveFeeVariables,
    a_to_b: bool,
    tick_group: i32,
    /// Beyond these groups the accumulator is at its maximum: (group, price of the border).
    core_lower: Option<(i32, u128)>,
    core_upper: Option<(i32, u128)>,
}

/// How far the next step may go at one fee rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub sqrt_price: u128,
    /// The step may run over several tick groups.
    pub skips: bool,
}

impl AdaptiveFee {
    fn new(
        static_rate: u32,
        oracle: &Oracle,
        tick_index: i32,
        a_to_b: bool,
        unix_timestamp: u64,
        meter: &mut impl Meter,
    ) -> Result<Self, WhirlpoolError> {
        let (constants, mut variables) = (oracle.constants, oracle.variables);
        let group_size = i32::from(constants.tick_group_size);
        let tick_group = tick_index.div_euclid(group_size);
        update_references(&mut variables, tick_group, unix_timestamp, &constants)?;

        // The group distance from which the accumulator sticks to its maximum.
        let to_max = constants.max_volatility_accumulator - variables.volatility_reference;
        let delta = to_max.div_ceil(10_000).cast_signed();
        let lower = variables.tick_group_index_reference - delta;
        let upper = variables.tick_group_index_reference + delta;
        let (lower_tick, upper_tick) = (lower * group_size, upper * group_size + group_size);
        let core_lower = (lower_tick > MIN_TICK_INDEX).then(|| (lower, priced(lower_tick, meter)));
        let core_upper = (upper_tick < MAX_TICK_INDEX).then(|| (upper, priced(upper_tick, meter)));
        Ok(Self { static_rate, constants, variables, a_to_b, tick_group, core_lower, core_upper })
    }

    pub(super) fn update_volatility_accumulator(&mut self) {
        let distance = self.variables.tick_group_index_reference.abs_diff(self.tick_group);
        let accumulator =
            u64::from(self.variables.volatility_reference) + u64::from(distance) * VOLATILITY_SCALE;
        let maximum = self.constants.max_volatility_accumulator;
        self.variables.volatility_accumulator =
            u32::try_from(accumulator).map_or(maximum, |accumulator| accumulator.min(maximum));
    }

    /// Returns static plus adaptive fee, 1e-6.
    pub(super) fn total_rate(&self, meter: &mut impl Meter) -> u32 {
        let crossed =
            u64::from(self.variables.volatility_accumulator) * u64::from(self.constants.tick_group_size);
        let control = u64::from(self.constants.adaptive_fee_control_factor);
        let denominator = CONTROL_DENOMINATOR * VOLATILITY_SCALE * VOLATILITY_SCALE;
        // `crossed` fits 32 bits (the decoder checks the product), its square 64.
        let squared = crossed * crossed;
        meter.div128(u128::from(squared) * u128::from(control), u128::from(denominator), 1);
        let adaptive = match squared.checked_mul(control) {
            Some(scaled) => u128::from(scaled.div_ceil(denominator)),
            None => (u128::from(squared) * u128::from(control)).div_ceil(u128::from(denominator)),
        };
        let adaptive = u32::try_from(adaptive).map_or(FEE_RATE_HARD_LIMIT, |r| r.min(FEE_RATE_HARD_LIMIT));
        (self.static_rate + adaptive).min(FEE_RATE_HARD_LIMIT)
    }

    /// Returns how far the rate holds on the way to `target`.
    pub(super) fn bound(&self, target: u128, liquidity: u128, meter: &mut impl Meter) -> Bound {
        if self.constants.adaptive_fee_control_factor == 0 || liquidity == 0 {
            return Bound { sqrt_price: target, skips: true };
        }
        if let Some((group, border)) = self.core_lower
            && self.tick_group < group
        {
            let sqrt_price = if self.a_to_b { target } else { target.min(border) };
            return Bound { sqrt_price, skips: true };
        }
        if let Some((group, border)) = self.core_upper
            && self.tick_group > group
        {
            let sqrt_price = if self.a_to_b { target.max(border) } else { target };
            return Bound { sqrt_price, skips: true };
        }
        let group_size = i32::from(self.constants.tick_group_size);
        let group = if self.a_to_b { self.tick_group } else { self.tick_group + 1 };
        let border = priced((group * group_size).clamp(MIN_TICK_INDEX, MAX_TICK_INDEX), meter);
        let sqrt_price = if self.a_to_b { target.max(border) } else { target.min(border) };
        Bound { sqrt_price, skips: false }
    }

    pub(super) fn advance(&mut self) {
        self.tick_group += if self.a_to_b { -1 } else { 1 };
    }

    /// Advances after a step that may have run over several groups.
    pub(super) fn advance_after_skip(
        &mut self,
        sqrt_price: u128,
        next_tick_sqrt_price: u128,
        next_tick_index: i32,
        meter: &mut impl Meter,
    ) {
        let group_size = i32::from(self.constants.tick_group_size);
        let (tick_index, is_on_border) = if sqrt_price == next_tick_sqrt_price {
            (next_tick_index, next_tick_index % group_size == 0)
        } else {
            meter.tick_of_price(sqrt_price);
            // A price of zero cannot come out of a step.
            let tick_index = tick_index_from_sqrt_price(sqrt_price).unwrap_or(MIN_TICK_INDEX);
            let is_on_border = tick_index % group_size == 0 && sqrt_price == priced(tick_index, meter);
            (tick_index, is_on_border)
        };
        let last = if is_on_border && !self.a_to_b {
            tick_index / group_size - 1
        } else {
            tick_index.div_euclid(group_size)
        };
        if (self.a_to_b && last < self.tick_group) || (!self.a_to_b && last > self.tick_group) {
            self.tick_group = last;
            self.update_volatility_accumulator();
        }
        self.advance();
    }

    /// Notes the time of a swap that moved the price far.
    pub(super) fn finish(
        &mut self,
        from_sqrt_price: u128,
        to_sqrt_price: u128,
        unix_timestamp: u64,
        meter: &mut impl Meter,
    ) -> Result<(), WhirlpoolError> {
        let (smaller, larger) = (from_sqrt_price.min(to_sqrt_price), from_sqrt_price.max(to_sqrt_price));
        let factor = priced(i32::from(self.constants.major_swap_threshold_ticks), meter);
        let (high, low) = mul_wide(smaller, factor);
        if high >> 64 != 0 {
            return Err(WhirlpoolError::NumberDownCastError);
        }
        if larger >= (high << 64 | low >> 64) {
            self.variables.last_major_swap_timestamp = unix_timestamp;
        }
        Ok(())
    }
}

fn priced(tick_index: i32, meter: &mut impl Meter) -> u128 {
    meter.price(tick_index);
    sqrt_price_from_tick_index(tick_index)
}

/// Decides what is left of past volatility when a swap begins.
fn update_references(
    variables: &mut AdaptiveFeeVariables,
    tick_group: i32,
    unix_timestamp: u64,
    constants: &AdaptiveFeeConstants,
) -> Result<(), WhirlpoolError> {
    let last = variables.last_reference_update_timestamp.max(variables.last_major_swap_timestamp);
    let elapsed = unix_timestamp.checked_sub(last).ok_or(WhirlpoolError::InvalidTimestamp)?;
    let volatility_reference =
        if unix_timestamp - variables.last_reference_update_timestamp > MAX_REFERENCE_AGE {
            0
        } else if elapsed < u64::from(constants.filter_period) {
            return Ok(());
        } else if elapsed < u64::from(constants.decay_period) {
            let kept = u64::from(variables.volatility_accumulator) * u64::from(constants.reduction_factor)
                / REDUCTION_DENOMINATOR;
            // The factor is below one, so the accumulator's type still holds it.
            u32::try_from(kept).map_err(|_| WhirlpoolError::NumberCastError)?
        } else {
            0
        };
    variables.tick_group_index_reference = tick_group;
    variables.volatility_reference = volatility_reference;
    variables.last_reference_update_timestamp = unix_timestamp;
    Ok(())
}
