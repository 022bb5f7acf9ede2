//! The swap: around the walk over ticks come transfer fees, thresholds and the compute budget.
//!
//! # Source
//! Orca Whirlpool program, `instructions/v2/swap.rs`.

use super::compute::{Item, Meter, StepBound, Work};
use super::tick_sequence::TickCursor;
use super::walk::{Moved, Tick, Walk, checked_limit, walk};
use super::{Path, PoolView, WhirlpoolError};
use crate::amm_math::tick_math::{MIN_TICK_INDEX, tick_index_from_sqrt_price};
use crate::amm_math::transfer_fee::WithFee;
use crate::decoders::{AdaptiveFeeVariables, Oracle, TransferFee, Whirlpool};
use crate::swap::{Quote, SwapRequest};

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

/// Returns the amounts of a swap, as [`quote`], helped by the steps that `path` remembers.
///
/// # Errors
/// As [`quote`].
pub fn quote_along(view: &PoolView<'_>, request: &SwapRequest, path: &Path) -> Result<Quote, WhirlpoolError> {
    trade_along(view, request, path).unwrap_or_else(|| quote(view, request))
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
    let amount = specified_at_pool(view, request)?;
    let walk = walk::<POST, M>(view, request, amount, cursor, oracle, meter)?;
    let quote = settle(view, request, amount, &walk.moved)?;
    meter.complete();
    Ok((quote, walk))
}

/// Returns the quote along remembered steps; `None` where they do not tell it.
fn trade_along(
    view: &PoolView<'_>,
    request: &SwapRequest,
    path: &Path,
) -> Option<Result<Quote, WhirlpoolError>> {
    if !path.is_ready() {
        return None;
    }
    let amount = match specified_at_pool(view, request) {
        Ok(amount) => amount,
        Err(error) => return Some(Err(error)),
    };
    let limit = match checked_limit(view, request, amount) {
        Ok(limit) => limit,
        Err(error) => return Some(Err(error)),
    };
    let moved = path.walk(view, request, amount, limit)?;
    Some(settle(view, request, amount, &moved))
}

/// Returns the transfer fees of the input's and the output's mint.
fn transfer_fees(view: &PoolView<'_>, a_to_b: bool) -> (Option<TransferFee>, Option<TransferFee>) {
    if a_to_b {
        (view.transfer_fee_a, view.transfer_fee_b)
    } else {
        (view.transfer_fee_b, view.transfer_fee_a)
    }
}

/// Returns the request's amount as the pool sees it.
fn specified_at_pool(view: &PoolView<'_>, request: &SwapRequest) -> Result<u64, WhirlpoolError> {
    let (fee_in, fee_out) = transfer_fees(view, request.a_to_b);
    if request.exact_in {
        Ok(excluded(fee_in, request.amount).amount)
    } else {
        included(fee_out, request.amount)
    }
}

/// Puts transfer fees around what the pool moves and holds it against the trader's threshold.
fn settle(
    view: &PoolView<'_>,
    request: &SwapRequest,
    amount: u64,
    moved: &Moved,
) -> Result<Quote, WhirlpoolError> {
    let (fee_in, fee_out) = transfer_fees(view, request.a_to_b);
    let user_in = if request.exact_in && moved.amount_in == amount {
        request.amount
    } else {
        included(fee_in, moved.amount_in)?
    };
    let arriving = excluded(fee_in, user_in);
    let leaving = excluded(fee_out, moved.amount_out);
    if request.exact_in {
        if leaving.amount < request.other_amount_threshold {
            return Err(WhirlpoolError::AmountOutBelowMinimum);
        }
    } else if user_in > request.other_amount_threshold {
        return Err(WhirlpoolError::AmountInAboveMaximum);
    }
    if request.trader_balance.is_some_and(|balance| user_in > balance) {
        return Err(WhirlpoolError::InsufficientFunds);
    }
    Ok(Quote {
        user_in,
        user_out: leaving.amount,
        vault_in: arriving.amount,
        vault_out: moved.amount_out,
        fee: moved.fee,
        fee_on_input: true,
        input_transfer_fee: arriving.fee,
        output_transfer_fee: leaving.fee,
    })
}

fn excluded(fee: Option<TransferFee>, amount: u64) -> WithFee {
    fee.map_or(WithFee { amount, fee: 0 }, |fee| fee.exclude(amount))
}

fn included(fee: Option<TransferFee>, amount: u64) -> Result<u64, WhirlpoolError> {
    let Some(fee) = fee else { return Ok(amount) };
    fee.include(amount).map(|sent| sent.amount).ok_or(WhirlpoolError::TransferFeeCalculationError)
}
