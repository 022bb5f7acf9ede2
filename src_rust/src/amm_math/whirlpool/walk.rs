//! The walk: from tick to tick until the amount is used up or the price limit reached.
//!
//! # Source
//! Orca Whirlpool program, `manager/swap_manager.rs`.

use super::adaptive_fee::{Bound, FeeRate};
use super::compute::{Item, Meter};
use super::step::{StepFee, StepRequest, compute_step, protocol_share};
use super::tick_sequence::{TargetKind, TickCursor};
use super::{PoolView, WhirlpoolError};
use crate::amm_math::tick_math::{MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64};
use crate::decoders::orca_whirlpool::TickArrayLayout;
use crate::decoders::{AdaptiveFeeVariables, Oracle};
use crate::swap::SwapRequest;

/// The current tick at the end of a walk.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tick {
    Known(i32),
    /// To be derived from the price, which a quote can leave out.
    OfPrice,
}

/// What a walk moves, base units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    /// Fee included.
    pub amount_in: u64,
    pub amount_out: u64,
    pub fee: u64,
}

/// Where a walk ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    pub moved: Moved,
    pub protocol_fee: u64,
    pub liquidity: u128,
    pub sqrt_price: u128,
    pub tick: Tick,
    pub fee_growth_global_input: u128,
    pub adaptive_variables: Option<AdaptiveFeeVariables>,
}

/// Walks from tick to tick until the amount is used up or the price limit reached.
pub(super) fn walk<const POST: bool, M: Meter>(
    view: &PoolView<'_>,
    request: &SwapRequest,
    amount: u64,
    mut cursor: TickCursor<'_>,
    oracle: Option<&Oracle>,
    meter: &mut M,
) -> Result<Walk, WhirlpoolError> {
    let pool = view.pool;
    let SwapRequest { exact_in, a_to_b, sqrt_price_limit_x64, .. } = *request;
    let limit = checked_limit(view, request, amount)?;
    let mut fee_rate = FeeRate::new(pool, oracle, a_to_b, view.unix_timestamp, meter)?;

    let mut remaining = amount;
    let mut calculated = 0_u64;
    let mut fee = 0_u64;
    let mut protocol_fee = 0_u64;
    let mut sqrt_price = pool.sqrt_price_x64;
    let mut liquidity = pool.liquidity;
    let mut tick = Tick::Known(pool.tick_current_index);
    let mut fee_growth_global_input =
        if a_to_b { pool.fee_growth_global_a } else { pool.fee_growth_global_b };

    while remaining > 0 && sqrt_price != limit {
        meter.note(Item::Search, 1);
        let target = cursor.next_target(meter)?;
        meter.price(target.tick_index);
        let target_sqrt_price =
            if a_to_b { limit.max(target.sqrt_price) } else { limit.min(target.sqrt_price) };
        // How a step fails may depend on how far it could go: beyond the border of an unknown array
        // that is not known either.
        let fails = |error| match target.kind {
            TargetKind::Unknown { start_tick_index } => WhirlpoolError::MissingTickArray { start_tick_index },
            TargetKind::Initialized { .. } | TargetKind::End => error,
        };
        loop {
            let (step_fee, bound) = match &mut fee_rate {
                FeeRate::Static(fee) => (*fee, Bound { sqrt_price: target_sqrt_price, skips: false }),
                FeeRate::Adaptive(adaptive) => {
                    meter.note(Item::AdaptiveStep, 1);
                    adaptive.update_volatility_accumulator();
                    (
                        StepFee::new(adaptive.total_rate(meter)),
                        adaptive.bound(target_sqrt_price, liquidity, meter),
                    )
                }
            };
            meter.note(Item::Step, 1);
            let step = compute_step(
                &StepRequest {
                    amount_remaining: remaining,
                    fee: step_fee,
                    liquidity,
                    sqrt_price,
                    sqrt_price_target: bound.sqrt_price,
                    exact_in,
                    a_to_b,
                },
                meter,
            )
            .map_err(fails)?;
            let (used, gained) = if exact_in {
                (step.amount_in.checked_add(step.fee_amount), Some(step.amount_out))
            } else {
                (Some(step.amount_out), step.amount_in.checked_add(step.fee_amount))
            };
            remaining = used
                .and_then(|used| remaining.checked_sub(used))
                .ok_or_else(|| fails(WhirlpoolError::AmountRemainingOverflow))?;
            calculated = gained
                .and_then(|gained| calculated.checked_add(gained))
                .ok_or_else(|| fails(WhirlpoolError::AmountCalcOverflow))?;
            fee =
                fee.checked_add(step.fee_amount).ok_or_else(|| fails(WhirlpoolError::AmountCalcOverflow))?;
            if M::DETAILED {
                let rate = u128::from(pool.protocol_fee_rate_bps);
                if rate > 0 {
                    meter.note(Item::ProtocolFee, 1);
                    meter.div128(u128::from(step.fee_amount) * rate, 10_000, 1);
                }
                if liquidity > 0 {
                    let lp_part =
                        step.fee_amount - protocol_share(step.fee_amount, pool.protocol_fee_rate_bps);
                    meter.div128(u128::from(lp_part) << 64, liquidity, 1);
                }
            }
            if POST {
                let protocol_part = protocol_share(step.fee_amount, pool.protocol_fee_rate_bps);
                protocol_fee = protocol_fee.wrapping_add(protocol_part);
                let lp_part_x64 = u128::from(step.fee_amount - protocol_part) << 64;
                let growth = lp_part_x64.checked_div(liquidity).unwrap_or(0);
                fee_growth_global_input = fee_growth_global_input.wrapping_add(growth);
            }

            if step.next_sqrt_price == target.sqrt_price {
                match target.kind {
                    TargetKind::Initialized { liquidity_net, layout, .. } => {
                        meter.note(
                            match layout {
                                TickArrayLayout::Fixed => Item::CrossedFixed,
                                TickArrayLayout::Dynamic => Item::CrossedDynamic,
                            },
                            1,
                        );
                        liquidity = crossed(liquidity, liquidity_net, a_to_b)?;
                    }
                    TargetKind::End => meter.note(Item::EndReached, 1),
                    TargetKind::Unknown { start_tick_index } => {
                        return Err(WhirlpoolError::MissingTickArray { start_tick_index });
                    }
                }
                cursor.cross(&target);
                // Downwards the search includes the current tick: step below it.
                tick = Tick::Known(if a_to_b { target.tick_index - 1 } else { target.tick_index });
            } else if step.next_sqrt_price != sqrt_price {
                meter.tick_of_price(step.next_sqrt_price);
                tick = Tick::OfPrice;
            }
            sqrt_price = step.next_sqrt_price;

            if let FeeRate::Adaptive(adaptive) = &mut fee_rate {
                if bound.skips {
                    meter.note(Item::SkippingStep, 1);
                    adaptive.advance_after_skip(sqrt_price, target.sqrt_price, target.tick_index, meter);
                } else {
                    adaptive.advance();
                }
                // Without this a hopeless walk over thousands of tick groups takes long.
                if meter.is_over(&view.compute) {
                    let limit = view.compute.limit;
                    return Err(WhirlpoolError::ComputeBudgetExceeded { estimate: limit, limit });
                }
            }
            if remaining == 0 || sqrt_price == target_sqrt_price {
                break;
            }
        }
    }

    if remaining > 0 && !exact_in && sqrt_price_limit_x64 == 0 {
        return Err(WhirlpoolError::PartialFillError);
    }
    let adaptive_variables = match &mut fee_rate {
        FeeRate::Static(_) => None,
        FeeRate::Adaptive(adaptive) => {
            adaptive.finish(pool.sqrt_price_x64, sqrt_price, view.unix_timestamp, meter)?;
            Some(adaptive.variables)
        }
    };
    let specified = amount - remaining;
    let (amount_in, amount_out) = if exact_in { (specified, calculated) } else { (calculated, specified) };
    Ok(Walk {
        moved: Moved { amount_in, amount_out, fee },
        protocol_fee,
        liquidity,
        sqrt_price,
        tick,
        fee_growth_global_input,
        adaptive_variables,
    })
}

/// Returns the price at which the swap stops, if it may begin at all.
pub(super) fn checked_limit(
    view: &PoolView<'_>,
    request: &SwapRequest,
    amount: u64,
) -> Result<u128, WhirlpoolError> {
    let (pool, a_to_b) = (view.pool, request.a_to_b);
    let limit = match request.sqrt_price_limit_x64 {
        0 if a_to_b => MIN_SQRT_PRICE_X64,
        0 => MAX_SQRT_PRICE_X64,
        limit => limit,
    };
    if !(MIN_SQRT_PRICE_X64..=MAX_SQRT_PRICE_X64).contains(&limit) {
        return Err(WhirlpoolError::SqrtPriceOutOfBounds);
    }
    let is_ahead = if a_to_b { limit < pool.sqrt_price_x64 } else { limit > pool.sqrt_price_x64 };
    if !is_ahead {
        return Err(WhirlpoolError::InvalidSqrtPriceLimitDirection);
    }
    if amount == 0 {
        return Err(WhirlpoolError::ZeroTradableAmount);
    }
    if view.unix_timestamp < pool.reward_last_updated_timestamp {
        return Err(WhirlpoolError::InvalidTimestamp);
    }
    Ok(limit)
}

pub(super) fn crossed(liquidity: u128, liquidity_net: i128, a_to_b: bool) -> Result<u128, WhirlpoolError> {
    let is_added = (liquidity_net > 0) != a_to_b;
    if is_added {
        liquidity.checked_add(liquidity_net.unsigned_abs()).ok_or(WhirlpoolError::LiquidityOverflow)
    } else {
        liquidity.checked_sub(liquidity_net.unsigned_abs()).ok_or(WhirlpoolError::LiquidityUnderflow)
    }
}
