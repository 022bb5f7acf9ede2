//! A whole swap: what is checked before the walk over the bins, and after it.
//!
//! The program checks in this order: token programs (`swap` and `swap_exact_out` take SPL Token
//! alone), a transfer fee on the output wanted, status and activation, an input of nothing, the walk, rewards that cannot be counted, an
//! output of nothing, the transfers, the trader's limit.

use super::bin_array::Bin;
use super::compute::{Bound, ComputeContext, Work};
use super::errors::{self, Fault};
use super::fees::FeeSplit;
use super::pool::DlmmPool;
use super::walk::{Course, Observer, Progress, Silent, Traded, walk};
use crate::decoders::sysvar::Clock;
use crate::decoders::{TransferFee, spl_token::TOKEN_2022_PROGRAM};
use crate::swap::{Environment, Quote, Refusal, RefusalKind, SwapRequest};
use crate::venues::token_sides::excluded;

/// A swap that succeeds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Swap {
    pub quote: Quote,
    pub progress: Progress,
}

/// What a swap leaves behind in the bins, and who got its fees.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Bins as they are after the swap: array, place in it, bin.
    pub bins: Vec<(i32, usize, Bin)>,
    /// Sums of the fees' parts.
    pub fees: FeeSplit,
}

impl Observer for Effects {
    const SKIPS: bool = false;

    fn traded(&mut self, traded: &Traded<'_>) {
        self.bins.push((traded.array_index, traded.place, traded.after));
        if traded.fill.input > 0 {
            // Parts of sums that have been checked.
            self.fees.market_makers = self.fees.market_makers.wrapping_add(traded.split.market_makers);
            self.fees.limit_orders = self.fees.limit_orders.wrapping_add(traded.split.limit_orders);
            let protocol = traded.split.protocol.wrapping_add(traded.fill.surplus);
            self.fees.protocol = self.fees.protocol.wrapping_add(protocol);
        }
    }
}

impl DlmmPool {
    /// Returns what the program does with a swap, and lets `effects` hear of it.
    pub(super) fn swap(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        effects: Option<&mut Effects>,
    ) -> Result<Swap, Refusal> {
        let compute = self.check_instruction(request)?;
        let [fee_in, fee_out] = self.sides.fees(environment, request.a_to_b);
        let left_out = if request.exact_in { None } else { Some(included(fee_out, request.amount)?.0) };
        let clock = environment.now();
        if let Some(refusal) = self.closed(&clock) {
            return Err(refusal);
        }
        let offered = if request.exact_in { request.amount } else { request.other_amount_threshold };
        if offered == 0 {
            return Err(errors::INVALID_INPUT);
        }
        let course = self.course(&clock, request.a_to_b).map_err(|fault| self.refusal(fault))?;
        let start = Progress::new(&self.pair, excluded(fee_in, offered).amount, left_out);
        let progress = self.carry_out(&course, &start, request.partial_fill, compute, effects)?;
        self.count_rewards(&clock)?;
        self.settle(request, &progress, [fee_in, fee_out])
    }

    /// Walks over the bins.
    fn carry_out(
        &self,
        course: &Course<'_>,
        start: &Progress,
        partial_fill: bool,
        compute: ComputeContext,
        effects: Option<&mut Effects>,
    ) -> Result<Progress, Refusal> {
        let mut progress = *start;
        let mut outcome = walk(course, &mut progress, &mut Silent);
        let kept = if course.a_to_b == course.fee_on_input() {
            self.pair.protocol_fee_x
        } else {
            self.pair.protocol_fee_y
        };
        if kept.checked_add(progress.total_fee).is_none() {
            // The program's own share may not fit what it has already: rare enough to be worked out.
            let mut sums = Effects::default();
            progress = *start;
            outcome = walk(course, &mut progress, &mut sums);
            if outcome.is_ok() && kept.checked_add(sums.fees.protocol).is_none() {
                outcome = Err(Fault::MathOverflow);
            }
        }
        if partial_fill {
            if let Err(fault) = outcome
                && !fault.is_end()
            {
                return Err(self.refusal(fault));
            }
        } else {
            if Bound::of(&progress).may_exceed(compute) {
                self.check_compute(course, start, compute, outcome.is_ok())?;
            }
            outcome.map_err(|fault| self.refusal(fault))?;
        }
        if let Some(effects) = effects {
            let mut again = *start;
            // The same walk; a partial one ends where it did.
            let _ = walk(course, &mut again, effects);
        }
        Ok(progress)
    }

    /// Refuses a swap that takes more compute units than it may.
    fn check_compute(
        &self,
        course: &Course<'_>,
        start: &Progress,
        compute: ComputeContext,
        succeeds: bool,
    ) -> Result<(), Refusal> {
        let mut work = Work::new(compute, &self.pair);
        let mut again = *start;
        let _ = walk(course, &mut again, &mut work);
        if succeeds {
            work.complete();
        }
        if !work.is_over() {
            return Ok(());
        }
        Err(Refusal::other(RefusalKind::ComputeBudget, "ComputeBudgetExceeded")
            .with("estimate", work.units())
            .with("limit", compute.limit))
    }

    /// Returns what decides the swap's cost besides its path; refuses an older instruction, which names
    /// SPL Token, for mints of Token-2022.
    fn check_instruction(&self, request: &SwapRequest) -> Result<ComputeContext, Refusal> {
        let is_second = !matches!(request.instruction, Some("swap" | "swap_exact_out"));
        let known = self.sides.mints().into_iter().flatten();
        let token_2022_mints = known.map(|mint| u8::from(mint.program == TOKEN_2022_PROGRAM)).sum();
        if !is_second && token_2022_mints > 0 {
            return Err(errors::INVALID_PROGRAM_ID);
        }
        let for_output = !request.exact_in;
        Ok(ComputeContext { limit: request.compute_unit_limit, is_second, for_output, token_2022_mints })
    }

    fn closed(&self, clock: &Clock) -> Option<Refusal> {
        let pair = &self.pair;
        if pair.status != 0 {
            return Some(errors::POOL_DISABLED.with("status", pair.status));
        }
        let now = self.present_point(clock);
        let opens_at = pair.opens_at().filter(|&opens_at| now < opens_at)?;
        Some(errors::POOL_DISABLED.with("opens_at", opens_at).with("now", now))
    }

    /// Pairs without limit orders count their rewards in every swap, which fails if they were counted
    /// later than they end.
    fn count_rewards(&self, clock: &Clock) -> Result<(), Refusal> {
        if self.pair.has_limit_orders() {
            return Ok(());
        }
        let pair = &self.pair;
        let rewards = [
            (pair.reward_mint_0, pair.reward_duration_end_0, pair.reward_last_update_0),
            (pair.reward_mint_1, pair.reward_duration_end_1, pair.reward_last_update_1),
        ];
        for (mint, end, last_update) in rewards {
            if mint != crate::quantities::Pubkey::default() && clock.unix_timestamp.min(end) < last_update {
                return Err(Fault::MathOverflow.refusal());
            }
        }
        Ok(())
    }

    fn settle(
        &self,
        request: &SwapRequest,
        progress: &Progress,
        [fee_in, fee_out]: [Option<TransferFee>; 2],
    ) -> Result<Swap, Refusal> {
        let received = excluded(fee_out, progress.total_out);
        if received.amount == 0 {
            return Err(errors::INSUFFICIENT_OUT);
        }
        let takes_all = request.exact_in && progress.left_in == 0;
        let (user_in, input_transfer_fee) = if takes_all {
            (request.amount, excluded(fee_in, request.amount).fee)
        } else {
            included(fee_in, progress.total_in)?
        };
        let vault_in = user_in - input_transfer_fee;
        self.check_transfers(request.a_to_b, user_in, progress.total_out)?;
        if request.exact_in {
            if received.amount < request.other_amount_threshold {
                return Err(errors::EXCEEDED_SLIPPAGE
                    .with("amount_out", received.amount)
                    .with("minimum", request.other_amount_threshold));
            }
        } else {
            if progress.left_out != Some(0) && !request.partial_fill {
                return Err(errors::NOT_EXACT_OUT.with("amount_out", received.amount));
            }
            if user_in > request.other_amount_threshold {
                return Err(errors::EXCEEDED_SLIPPAGE
                    .with("amount_in", user_in)
                    .with("maximum", request.other_amount_threshold));
            }
        }
        let quote = Quote {
            user_in,
            user_out: received.amount,
            vault_in,
            vault_out: progress.total_out,
            fee: progress.total_fee,
            fee_on_input: self.pair.fee_on_input(request.a_to_b),
            input_transfer_fee,
            output_transfer_fee: received.fee,
        };
        Ok(Swap { quote, progress: *progress })
    }

    /// The token program's checks of what the state shows. No token has more than 2^64 - 1 units, so
    /// nobody can pay what does not fit beside what the vault holds.
    fn check_transfers(&self, a_to_b: bool, user_in: u64, vault_out: u64) -> Result<(), Refusal> {
        let Some(amounts) = self.vaults.amounts() else { return Err(errors::ACCOUNT_NOT_INITIALIZED) };
        let (into, from) = if a_to_b { (0, 1) } else { (1, 0) };
        let (frozen, [amount_into, amount_from]) = (self.vaults.frozen(), [amounts[into], amounts[from]]);
        if frozen[into] {
            return Err(errors::ACCOUNT_FROZEN);
        }
        if amount_into.checked_add(user_in).is_none() {
            return Err(errors::INSUFFICIENT_FUNDS.with("amount_in", user_in).with("vault", amount_into));
        }
        if frozen[from] {
            return Err(errors::ACCOUNT_FROZEN);
        }
        if amount_from < vault_out {
            return Err(errors::INSUFFICIENT_FUNDS.with("amount_out", vault_out).with("vault", amount_from));
        }
        Ok(())
    }
}

/// Returns what must be sent so that `amount` arrives, and the fee in it.
fn included(fee: Option<TransferFee>, amount: u64) -> Result<(u64, u64), Refusal> {
    let Some(fee) = fee else { return Ok((amount, 0)) };
    let sent = fee.include(amount).ok_or_else(|| Fault::MathOverflow.refusal())?;
    Ok((sent.amount, sent.fee))
}
