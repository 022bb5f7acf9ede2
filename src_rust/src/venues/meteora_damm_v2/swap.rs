//! A swap as the program carries it out on the pool's account, up to the token transfers.
//!
//! # Source
//! Meteora `cp-amm` 0.2.0, `instructions/swap/*`, `state/pool.rs`; checks stand in its order.

use ruint::aliases::U256;

use super::accounts::{ACTIVATION_BY_SLOT, COLLECT_BOTH_TOKENS, COLLECT_COMPOUNDING, Pool, STATUS_ENABLED};
use super::base_fee::{Amount, Moment};
use super::curve::{Curve, Range, sqrt_price_of};
use super::errors::{
    AMOUNT_IS_ZERO, EXCEEDED_SLIPPAGE, MATH_OVERFLOW, POOL_DISABLED, Result, TYPE_CAST_FAILED,
};
use super::math::{BASIS_POINTS, Checked, Rounding, mul_div, quotient, shifted};
use super::rate_limiter::{exclude_fee, include_fee};
use crate::amm_math::transfer_fee::WithFee;
use crate::decoders::TransferFee;
use crate::decoders::sysvar::Clock;
use crate::swap::{Quote, Refusal, SwapRequest};

const ONE_X64: u128 = 1 << 64;

/// A fee and who gets it, base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fees {
    /// Liquidity providers, to be claimed.
    pub claiming: u64,
    /// The reserves.
    pub compounding: u64,
    /// The protocol.
    pub protocol: u64,
}

/// What a swap does, as the program reports it; `quote` has what the token transfers move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Swap {
    pub quote: Quote,
    pub fees: Fees,
    /// What the pool takes, fee included.
    pub included_fee_input_amount: u64,
    /// What moves the price.
    pub excluded_fee_input_amount: u64,
    /// What a partial fill leaves, fee excluded.
    pub amount_left: u64,
    /// What the pool gives.
    pub output_amount: u64,
    /// Price to move to, for [`Pool::move_price`]; `None`: it follows from the reserves.
    pub sqrt_price: Option<u128>,
}

/// What the pool itself does: all of [`Swap`] but the transfer fees.
#[derive(Debug, Clone, Copy)]
struct Traded {
    fees: Fees,
    included_in: u64,
    excluded_in: u64,
    amount_left: u64,
    amount_out: u64,
    sqrt_price: Option<u128>,
}

impl Fees {
    /// Returns the whole fee; its parts add up to one 64-bit amount.
    fn total(&self) -> u64 {
        self.claiming + self.compounding + self.protocol
    }
}

impl Pool {
    /// Returns the present slot or time, as the pool counts.
    pub(super) fn point(&self, clock: &Clock) -> u64 {
        if self.activation_type == ACTIVATION_BY_SLOT { clock.slot } else { clock.unix_timestamp }
    }

    /// Whether the pool's fee on a swap is taken from the input.
    pub(super) fn has_fee_on_input(&self, a_to_b: bool) -> bool {
        self.collect_fee_mode != COLLECT_BOTH_TOKENS && !a_to_b
    }

    fn has_fee_in_a(&self, a_to_b: bool) -> bool {
        self.collect_fee_mode == COLLECT_BOTH_TOKENS && !a_to_b
    }

    /// Returns what the base fee of a swap depends on.
    pub(super) fn moment(&self, clock: &Clock, a_to_b: bool) -> Moment {
        Moment {
            point: self.point(clock),
            activation_point: self.activation_point,
            init_sqrt_price: self.init_sqrt_price,
            sqrt_price: self.sqrt_price,
            a_to_b,
        }
    }

    /// Returns the highest fee rate, 1e-9. The decoder admits no other version.
    pub(super) fn max_rate(&self) -> u64 {
        if self.fee_version == 0 { 500_000_000 } else { 990_000_000 }
    }

    /// Returns the fee rate of a swap of `amount`, 1e-9.
    pub(super) fn rate(&self, moment: &Moment, amount: Amount) -> Result<u64> {
        let base = self.base_fee.rate(moment, amount)?;
        let total = self.dynamic_fee.rate()?.plus(base.into())?;
        let total = u64::try_from(total).map_err(|_| TYPE_CAST_FAILED)?;
        // The program's own limit.
        Ok(total.min(self.max_rate()))
    }

    pub(super) fn curve(&self) -> Curve {
        if self.collect_fee_mode == COLLECT_COMPOUNDING {
            Curve::Product { reserves: [self.token_a_amount, self.token_b_amount] }
        } else {
            Curve::Range(self.range())
        }
    }

    pub(super) fn range(&self) -> Range {
        Range {
            sqrt_min_price: self.sqrt_min_price,
            sqrt_max_price: self.sqrt_max_price,
            sqrt_price: self.sqrt_price,
            liquidity: self.liquidity,
        }
    }

    /// Divides a fee up. No referrer is ever named by this crate, so the protocol keeps its share.
    fn split(&self, fee: u64) -> Result<Fees> {
        let protocol = mul_div(fee, self.protocol_fee_percent.into(), 100, Rounding::Down)?;
        let rest = fee.minus(protocol)?;
        let compounding = if self.compounding_fee_bps > 0 {
            mul_div(rest, self.compounding_fee_bps.into(), BASIS_POINTS, Rounding::Down)?
        } else {
            0
        };
        Ok(Fees { claiming: rest.minus(compounding)?, compounding, protocol })
    }

    /// Carries a swap out on the account, up to [`move_price`](Self::move_price). On failure the
    /// account is of no more use.
    ///
    /// `transfer_fees`: of the input's and of the output's mint.
    pub(super) fn swap(
        &mut self,
        clock: &Clock,
        request: &SwapRequest,
        transfer_fees: [Option<TransferFee>; 2],
    ) -> Result<Swap> {
        self.check_open(clock)?;
        if self.layout_version == 0 {
            if let Curve::Range(range) = self.curve() {
                [self.token_a_amount, self.token_b_amount] = range.reserves()?;
            }
            self.layout_version = 1;
        }
        if request.amount == 0 {
            return Err(AMOUNT_IS_ZERO);
        }
        self.dynamic_fee.before_swap(self.sqrt_price, clock.unix_timestamp)?;

        let moment = self.moment(clock, request.a_to_b);
        let [fee_in, fee_out] = transfer_fees;
        let (traded, sent, given) = if request.exact_in {
            let arriving = exclude_transfer_fee(fee_in, request.amount).amount;
            if arriving == 0 {
                return Err(AMOUNT_IS_ZERO);
            }
            let traded = self.trade_in(&moment, arriving, request.partial_fill)?;
            if request.partial_fill && traded.included_in == 0 {
                return Err(AMOUNT_IS_ZERO);
            }
            let given = exclude_transfer_fee(fee_out, traded.amount_out);
            check_threshold(given.amount >= request.other_amount_threshold, given.amount, request)?;
            let sent = if request.partial_fill {
                include_transfer_fee(fee_in, traded.included_in)?.amount
            } else {
                request.amount
            };
            (traded, sent, given.amount)
        } else {
            let wanted = include_transfer_fee(fee_out, request.amount)?;
            let traded = self.trade_out(&moment, wanted.amount)?;
            let sent = include_transfer_fee(fee_in, traded.included_in)?.amount;
            check_threshold(sent <= request.other_amount_threshold, sent, request)?;
            (traded, sent, request.amount)
        };
        self.book(request.a_to_b, &traded)?;

        let input_transfer_fee = exclude_transfer_fee(fee_in, sent).fee;
        let quote = Quote {
            user_in: sent,
            user_out: given,
            vault_in: sent - input_transfer_fee,
            vault_out: traded.amount_out,
            fee: traded.fees.total(),
            fee_on_input: self.has_fee_on_input(request.a_to_b),
            input_transfer_fee,
            output_transfer_fee: traded.amount_out - given,
        };
        Ok(Swap {
            quote,
            fees: traded.fees,
            included_fee_input_amount: traded.included_in,
            excluded_fee_input_amount: traded.excluded_in,
            amount_left: traded.amount_left,
            output_amount: traded.amount_out,
            sqrt_price: traded.sqrt_price,
        })
    }

    /// A trader is never the whitelisted vault, so activation is awaited.
    fn check_open(&self, clock: &Clock) -> Result<()> {
        if self.pool_status != STATUS_ENABLED {
            return Err(POOL_DISABLED.with("pool_status", self.pool_status));
        }
        let point = self.point(clock);
        if point < self.activation_point {
            return Err(POOL_DISABLED.with("activation_point", self.activation_point).with("now", point));
        }
        Ok(())
    }

    /// Trades `amount` of input, transfer fee excluded.
    fn trade_in(&self, moment: &Moment, amount: u64, partial: bool) -> Result<Traded> {
        let rate = self.rate(moment, Amount::Included(amount))?;
        let on_input = self.has_fee_on_input(moment.a_to_b);
        let (excluded, mut fees) = if on_input {
            let (excluded, fee) = exclude_fee(rate, amount)?;
            (excluded, self.split(fee)?)
        } else {
            (amount, Fees::default())
        };
        let moved = self.curve().move_in(moment.a_to_b, excluded, partial)?;
        let included_in = if moved.amount_left == 0 {
            amount
        } else if on_input {
            // The fee of what the range could take, found from what it took.
            let rate = self.rate(moment, Amount::Excluded(moved.amount_in))?;
            let (included, fee) = include_fee(rate, moved.amount_in)?;
            fees = self.split(fee)?;
            included
        } else {
            moved.amount_in
        };
        let amount_out = if on_input {
            moved.amount_out
        } else {
            let (excluded, fee) = exclude_fee(rate, moved.amount_out)?;
            fees = self.split(fee)?;
            excluded
        };
        Ok(Traded {
            fees,
            included_in,
            excluded_in: moved.amount_in,
            amount_left: moved.amount_left,
            amount_out,
            sqrt_price: moved.sqrt_price,
        })
    }

    /// Trades for `amount` of output, transfer fee included.
    fn trade_out(&self, moment: &Moment, amount: u64) -> Result<Traded> {
        let on_input = self.has_fee_on_input(moment.a_to_b);
        let (included_out, mut fees) = if on_input {
            (amount, Fees::default())
        } else {
            let rate = self.rate(moment, Amount::Excluded(amount))?;
            let (included, fee) = include_fee(rate, amount)?;
            (included, self.split(fee)?)
        };
        let moved = self.curve().move_out(moment.a_to_b, included_out)?;
        let included_in = if on_input {
            let rate = self.rate(moment, Amount::Excluded(moved.amount_in))?;
            let (included, fee) = include_fee(rate, moved.amount_in)?;
            fees = self.split(fee)?;
            included
        } else {
            moved.amount_in
        };
        Ok(Traded {
            fees,
            included_in,
            excluded_in: moved.amount_in,
            amount_left: 0,
            amount_out: amount,
            sqrt_price: moved.sqrt_price,
        })
    }

    /// Books fees and reserves.
    fn book(&mut self, a_to_b: bool, traded: &Traded) -> Result<()> {
        let Fees { claiming, compounding, protocol } = traded.fees;
        let liquidity = U256::from(self.liquidity);
        let per_liquidity = quotient(shifted(claiming), liquidity, Rounding::Down).ok_or(MATH_OVERFLOW)?;
        let of_providers = claiming.plus(compounding)?;
        let (fees_owed, growth, total_lp, total_protocol) = if self.has_fee_in_a(a_to_b) {
            (
                &mut self.protocol_a_fee,
                &mut self.fee_a_per_liquidity,
                &mut self.total_lp_a_fee,
                &mut self.total_protocol_a_fee,
            )
        } else {
            (
                &mut self.protocol_b_fee,
                &mut self.fee_b_per_liquidity,
                &mut self.total_lp_b_fee,
                &mut self.total_protocol_b_fee,
            )
        };
        *fees_owed = fees_owed.plus(protocol)?;
        growth.0 = growth.0.plus(per_liquidity)?;
        *total_lp = total_lp.plus(of_providers.into())?;
        *total_protocol = total_protocol.plus(protocol)?;

        let given = if self.has_fee_on_input(a_to_b) {
            traded.amount_out
        } else {
            traded.amount_out.plus(of_providers)?.plus(protocol)?
        };
        let (into, from) = if a_to_b {
            (&mut self.token_a_amount, &mut self.token_b_amount)
        } else {
            (&mut self.token_b_amount, &mut self.token_a_amount)
        };
        *into = into.plus(traded.excluded_in)?;
        *from = from.minus(given)?;
        // Compounding fees are in token B.
        self.token_b_amount = self.token_b_amount.plus(compounding)?;
        Ok(())
    }

    /// Ends a swap: moves the price and adds up the volatility that the next swap pays for.
    pub(super) fn move_price(&mut self, swap: &Swap, unix_timestamp: u64) -> Result<()> {
        let before = self.sqrt_price;
        self.sqrt_price = match swap.sqrt_price {
            Some(sqrt_price) => sqrt_price,
            None => sqrt_price_of([self.token_a_amount, self.token_b_amount])?,
        };
        self.dynamic_fee.after_swap(before, self.sqrt_price, unix_timestamp)
    }

    /// Whether [`move_price`](Self::move_price) is sure to succeed, so that a quote can do without.
    pub(super) fn is_sure_to_move(&self, swap: &Swap) -> bool {
        let next = match swap.sqrt_price {
            Some(sqrt_price) => sqrt_price,
            None if self.token_a_amount == 0 || self.token_b_amount == 0 => return false,
            // Reserves of 64 bits make a price within the usual ones, whichever it is.
            None => ONE_X64,
        };
        self.dynamic_fee.is_sure_to_count(self.sqrt_price, next)
    }
}

fn check_threshold(is_met: bool, amount: u64, request: &SwapRequest) -> Result<()> {
    if is_met {
        return Ok(());
    }
    let limit = request.other_amount_threshold;
    Err(EXCEEDED_SLIPPAGE.with("amount", amount).with("other_amount_threshold", limit))
}

fn exclude_transfer_fee(fee: Option<TransferFee>, amount: u64) -> WithFee {
    crate::venues::token_sides::excluded(fee, amount)
}

/// The program's `FeeInverseIsIncorrect` cannot occur: what [`TransferFee::include`] adds is the fee
/// of the sum whenever the sum fits 64 bits.
fn include_transfer_fee(fee: Option<TransferFee>, amount: u64) -> Result<WithFee> {
    match fee {
        None => Ok(WithFee { amount, fee: 0 }),
        Some(fee) => fee.include(amount).ok_or(MATH_OVERFLOW),
    }
}

/// Why an instruction cannot carry a request out, if so.
pub(super) fn check_instruction(request: &SwapRequest) -> Result<()> {
    let unsupported = |what| Err(Refusal::other(crate::swap::RefusalKind::Unsupported, what));
    match request.instruction {
        _ if request.partial_fill && !request.exact_in => unsupported("partial fill of an exact output"),
        Some("swap") if !request.exact_in || request.partial_fill => {
            unsupported("`swap` takes an exact input only")
        }
        None | Some("swap" | "swap2") => Ok(()),
        Some(_) => unsupported("unknown instruction"),
    }
}
