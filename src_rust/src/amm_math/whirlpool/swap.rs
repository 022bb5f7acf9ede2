//! The swap: the walk over ticks, and around it transfer fees, thresholds and the compute budget.
//!
//! # Source
//! Orca Whirlpool program, `manager/swap_manager.rs`, `instructions/v2/swap.rs`.

use super::adaptive_fee::{Bound, FeeRate};
use super::compute::{Item, Meter, StepBound, Work};
use super::step::{StepFee, StepRequest, compute_step, protocol_share};
use super::tick_sequence::{TargetKind, TickCursor};
use super::{PoolView, WhirlpoolError};
use crate::amm_math::tick_math::{
    MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64, MIN_TICK_INDEX, tick_index_from_sqrt_price,
};
use crate::amm_math::transfer_fee::WithFee;
use crate::decoders::orca_whirlpool::TickArrayLayout;
use crate::decoders::{AdaptiveFeeVariables, Oracle, TransferFee, Whirlpool};

/// The arguments of the program's swap instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwapRequest {
    /// Input if `exact_in`, else output; base units, as the trader sends or receives them.
    pub amount: u64,
    /// Whether `amount` is the input.
    pub exact_in: bool,
    /// Whether the input is token A.
    pub a_to_b: bool,
    /// Price (Q64.64 square root) at which the swap stops; 0 = none.
    pub sqrt_price_limit_x64: u128,
    /// Least output if `exact_in`, else most input, as the trader receives or pays them.
    pub other_amount_threshold: u64,
}

impl SwapRequest {
    /// Returns a request with no price limit that accepts any outcome.
    #[must_use]
    pub fn new(amount: u64, exact_in: bool, a_to_b: bool) -> Self {
        let other_amount_threshold = if exact_in { 0 } else { u64::MAX };
        Self { amount, exact_in, a_to_b, sqrt_price_limit_x64: 0, other_amount_threshold }
    }
}

/// The amounts of a swap, base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// Leaves the trader, transfer fee included. Less than asked only at a price limit.
    pub user_in: u64,
    /// Reaches the trader, transfer fee excluded.
    pub user_out: u64,
    /// Reaches the pool's vault.
    pub vault_in: u64,
    /// Leaves the pool's vault.
    pub vault_out: u64,
    /// Pool fee, in the input token; part of `vault_in`.
    pub fee: u64,
    /// Transfer fee on the way in.
    pub input_transfer_fee: u64,
    /// Transfer fee on the way out.
    pub output_transfer_fee: u64,
}

/// Everything a swap changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swap {
    /// The amounts.
    pub quote: Quote,
    /// Part of the fee that goes to liquidity providers.
    pub lp_fee: u64,
    /// Part of the fee that goes to the protocol.
    pub protocol_fee: u64,
    /// The pool afterwards.
    pub post: PostSwap,
}

/// Fields of the pool and its oracle after a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostSwap {
    /// Liquidity in range.
    pub liquidity: u128,
    /// Square root of price, Q64.64.
    pub sqrt_price_x64: u128,
    /// Current tick.
    pub tick_current_index: i32,
    /// Q64.64.
    pub fee_growth_global_a: u128,
    /// Q64.64.
    pub fee_growth_global_b: u128,
    /// Token A base units.
    pub protocol_fee_owed_a: u64,
    /// Token B base units.
    pub protocol_fee_owed_b: u64,
    /// Unix time of the swap.
    pub reward_last_updated_timestamp: u64,
    /// The oracle's variables, if the pool is adaptive.
    pub adaptive_variables: Option<AdaptiveFeeVariables>,
}

impl PostSwap {
    /// Writes the swap's outcome into `pool` and its `oracle`.
    pub fn apply(&self, pool: &mut Whirlpool, oracle: Option<&mut Oracle>) {
        pool.liquidity = self.liquidity;
        pool.sqrt_price_x64 = self.sqrt_price_x64;
        pool.tick_current_index = self.tick_current_index;
        pool.fee_growth_global_a = self.fee_growth_global_a;
        pool.fee_growth_global_b = self.fee_growth_global_b;
        pool.protocol_fee_owed_a = self.protocol_fee_owed_a;
        pool.protocol_fee_owed_b = self.protocol_fee_owed_b;
        pool.reward_last_updated_timestamp = self.reward_last_updated_timestamp;
        if let (Some(oracle), Some(variables)) = (oracle, self.adaptive_variables) {
            oracle.variables = variables;
        }
    }
}

/// Returns the amounts of a swap.
///
/// # Errors
/// The program's own error, [`WhirlpoolError::ComputeBudgetExceeded`], or what is missing.
pub fn quote(view: &PoolView<'_>, request: &SwapRequest) -> Result<Quote, WhirlpoolError> {
    run::<false>(view, request).map(|(quote, _)| quote)
}

/// Returns the amounts of a swap and the state it leaves.
///
/// # Errors
/// As [`quote`].
pub fn swap(view: &PoolView<'_>, request: &SwapRequest) -> Result<Swap, WhirlpoolError> {
    let (quote, walk) = run::<true>(view, request)?;
    let pool = view.pool;
    let tick_current_index = match walk.tick {
        Tick::Known(tick_index) => tick_index,
        // A price of zero cannot come out of a step.
        Tick::OfPrice => tick_index_from_sqrt_price(walk.sqrt_price).unwrap_or(MIN_TICK_INDEX),
    };
    let mut post = PostSwap {
        liquidity: walk.liquidity,
        sqrt_price_x64: walk.sqrt_price,
        tick_current_index,
        fee_growth_global_a: pool.fee_growth_global_a,
        fee_growth_global_b: pool.fee_growth_global_b,
        protocol_fee_owed_a: pool.protocol_fee_owed_a,
        protocol_fee_owed_b: pool.protocol_fee_owed_b,
        reward_last_updated_timestamp: view.unix_timestamp,
        adaptive_variables: walk.adaptive_variables,
    };
    // The program lets these counters wrap.
    if request.a_to_b {
        post.fee_growth_global_a = walk.fee_growth_global_input;
        post.protocol_fee_owed_a = post.protocol_fee_owed_a.wrapping_add(walk.protocol_fee);
    } else {
        post.fee_growth_global_b = walk.fee_growth_global_input;
        post.protocol_fee_owed_b = post.protocol_fee_owed_b.wrapping_add(walk.protocol_fee);
    }
    let lp_fee = quote.fee.wrapping_sub(walk.protocol_fee);
    Ok(Swap { quote, lp_fee, protocol_fee: walk.protocol_fee, post })
}

/// Returns how much work the swap is on chain, and its outcome if nothing limited it: what the cost
/// model was fitted with, and is checked with.
pub fn measure(view: &PoolView<'_>, request: &SwapRequest) -> (Work, Result<Quote, WhirlpoolError>) {
    let mut work = Work::default();
    let mut unlimited = *view;
    unlimited.compute.limit = u32::MAX;
    let outcome = trade::<false, Work>(&unlimited, request, &mut work).map(|(quote, _)| quote);
    (work, outcome)
}

/// Runs the swap, closely metered only if it could exceed its budget.
fn run<const POST: bool>(
    view: &PoolView<'_>,
    request: &SwapRequest,
) -> Result<(Quote, Walk), WhirlpoolError> {
    let mut bound = StepBound::default();
    let outcome = trade::<POST, StepBound>(view, request, &mut bound);
    if !bound.is_over(&view.compute) {
        return outcome;
    }
    let mut work = Work::default();
    let outcome = trade::<POST, Work>(view, request, &mut work);
    let (estimate, limit) = (work.units(&view.compute), view.compute.limit);
    // Running dry hides whatever the program would have said later.
    if estimate > limit {
        return Err(WhirlpoolError::ComputeBudgetExceeded { estimate, limit });
    }
    outcome
}

/// Transfer fees and thresholds around the walk.
fn trade<const POST: bool, M: Meter>(
    view: &PoolView<'_>,
    request: &SwapRequest,
    meter: &mut M,
) -> Result<(Quote, Walk), WhirlpoolError> {
    let cursor = TickCursor::new(view.arrays, view.pool, request.a_to_b)?;
    meter.note(Item::AbsentArray, cursor.absent());
    let oracle = match (view.pool.is_adaptive(), view.oracle) {
        (false, _) => None,
        (true, None) => return Err(WhirlpoolError::MissingOracle),
        (true, Some(oracle)) if oracle.trade_enable_timestamp > view.unix_timestamp => {
            return Err(WhirlpoolError::TradeIsNotEnabled);
        }
        (true, oracle) => oracle,
    };
    let (fee_in, fee_out) = if request.a_to_b {
        (view.transfer_fee_a, view.transfer_fee_b)
    } else {
        (view.transfer_fee_b, view.transfer_fee_a)
    };

    let amount = if request.exact_in {
        excluded(fee_in, request.amount).amount
    } else {
        included(fee_out, request.amount)?
    };
    let walk = walk::<POST, M>(view, request, amount, cursor, oracle, meter)?;

    let user_in = if request.exact_in && walk.amount_in == amount {
        request.amount
    } else {
        included(fee_in, walk.amount_in)?
    };
    let arriving = excluded(fee_in, user_in);
    let leaving = excluded(fee_out, walk.amount_out);
    if request.exact_in {
        if leaving.amount < request.other_amount_threshold {
            return Err(WhirlpoolError::AmountOutBelowMinimum);
        }
    } else if user_in > request.other_amount_threshold {
        return Err(WhirlpoolError::AmountInAboveMaximum);
    }
    meter.complete();
    let quote = Quote {
        user_in,
        user_out: leaving.amount,
        vault_in: arriving.amount,
        vault_out: walk.amount_out,
        fee: walk.fee,
        input_transfer_fee: arriving.fee,
        output_transfer_fee: leaving.fee,
    };
    Ok((quote, walk))
}

fn excluded(fee: Option<TransferFee>, amount: u64) -> WithFee {
    fee.map_or(WithFee { amount, fee: 0 }, |fee| fee.exclude(amount))
}

fn included(fee: Option<TransferFee>, amount: u64) -> Result<u64, WhirlpoolError> {
    let Some(fee) = fee else { return Ok(amount) };
    fee.include(amount).map(|sent| sent.amount).ok_or(WhirlpoolError::TransferFeeCalculationError)
}

/// The current tick at the end of a walk.
#[derive(Debug, Clone, Copy)]
enum Tick {
    Known(i32),
    /// To be derived from the price, which a quote can leave out.
    OfPrice,
}

/// Where a walk ends.
#[derive(Debug, Clone, Copy)]
struct Walk {
    amount_in: u64,
    amount_out: u64,
    fee: u64,
    protocol_fee: u64,
    liquidity: u128,
    sqrt_price: u128,
    tick: Tick,
    fee_growth_global_input: u128,
    adaptive_variables: Option<AdaptiveFeeVariables>,
}

/// Walks from tick to tick until the amount is used up or the price limit reached.
fn walk<const POST: bool, M: Meter>(
    view: &PoolView<'_>,
    request: &SwapRequest,
    amount: u64,
    mut cursor: TickCursor<'_>,
    oracle: Option<&Oracle>,
    meter: &mut M,
) -> Result<Walk, WhirlpoolError> {
    let pool = view.pool;
    let SwapRequest { exact_in, a_to_b, sqrt_price_limit_x64, .. } = *request;
    let limit = match sqrt_price_limit_x64 {
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
            )?;
            let (used, gained) = if exact_in {
                (step.amount_in.checked_add(step.fee_amount), Some(step.amount_out))
            } else {
                (Some(step.amount_out), step.amount_in.checked_add(step.fee_amount))
            };
            remaining = used
                .and_then(|used| remaining.checked_sub(used))
                .ok_or(WhirlpoolError::AmountRemainingOverflow)?;
            calculated = gained
                .and_then(|gained| calculated.checked_add(gained))
                .ok_or(WhirlpoolError::AmountCalcOverflow)?;
            fee = fee.checked_add(step.fee_amount).ok_or(WhirlpoolError::AmountCalcOverflow)?;
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
        amount_in,
        amount_out,
        fee,
        protocol_fee,
        liquidity,
        sqrt_price,
        tick,
        fee_growth_global_input,
        adaptive_variables,
    })
}

fn crossed(liquidity: u128, liquidity_net: i128, a_to_b: bool) -> Result<u128, WhirlpoolError> {
    let is_added = (liquidity_net > 0) != a_to_b;
    if is_added {
        liquidity.checked_add(liquidity_net.unsigned_abs()).ok_or(WhirlpoolError::LiquidityOverflow)
    } else {
        liquidity.checked_sub(liquidity_net.unsigned_abs()).ok_or(WhirlpoolError::LiquidityUnderflow)
    }
}
