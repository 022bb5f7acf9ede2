//! A swap: the program's checks around the curve, in their order.

use super::curve::{Curve, Traded, panic};
use super::pool::{CpmmPool, SWAP_DISABLED, mints_of};
use crate::amm_math::transfer_fee::WithFee;
use crate::decoders::TransferFee;
use crate::quantities::Pubkey;
use crate::swap::{Environment, Quote, Refusal, RefusalKind, SwapRequest};
use crate::venues::SetAside;
use crate::venues::token_sides::excluded;

const NOT_APPROVED: Refusal = Refusal::program("NotApproved", 6000);
const EXCEEDED_SLIPPAGE: Refusal = Refusal::program("ExceededSlippage", 6005);
/// Anchor's `require_gt!`.
const ZERO_AMOUNT: Refusal = Refusal::program("RequireGtViolated", 2505);
/// The token programs' errors.
pub(super) const INSUFFICIENT_FUNDS: Refusal = Refusal::program("insufficient funds", 1);
const ACCOUNT_FROZEN: Refusal = Refusal::program("Account is frozen", 17);
/// Anchor's error for an account that does not exist.
const NOT_INITIALIZED: (&str, Option<u32>) = ("AccountNotInitialized", Some(3012));

/// A swap carried out: what the trader sees, what the curve did, fees accrued afterwards.
pub(super) struct Outcome {
    pub quote: Quote,
    pub traded: Traded,
    pub protocol_fees: [u64; 2],
    pub fund_fees: [u64; 2],
    pub creator_fees: [u64; 2],
}

impl CpmmPool {
    /// The curve of one direction, or the program's error; every account it reads must be known.
    fn curve(&self, a_to_b: bool) -> Result<Curve, Refusal> {
        let (Some(rates), Some(reserves)) = (self.rates(), self.reserves.as_ref()) else {
            return Err(self.missing());
        };
        let reserves = reserves.clone()?;
        let [reserve_in, reserve_out] = if a_to_b { reserves } else { [reserves[1], reserves[0]] };
        Ok(Curve { reserve_in, reserve_out, rates, creator_on_input: self.creator_on_input(a_to_b) })
    }

    /// What a swap says to the account that is not known.
    fn missing(&self) -> Refusal {
        let missing =
            |account: Pubkey| Refusal::missing(NOT_INITIALIZED.0, NOT_INITIALIZED.1).with("account", account);
        if !self.exists {
            return Refusal::missing("AccountOwnedByWrongProgram", Some(3007)).with("account", self.address);
        }
        if self.config.is_none() {
            return missing(self.state.amm_config);
        }
        match self.vaults.obstacle() {
            Some(SetAside::Missing { account, .. }) => missing(account),
            _ => missing(self.address),
        }
    }

    /// Refuses a swap whose accounts are not all known, or that no local arithmetic predicts.
    fn check_accounts(&self) -> Result<(), Refusal> {
        if !self.exists || self.config.is_none() || self.reserves.is_none() {
            return Err(self.missing());
        }
        for (mint, &address) in self.sides.mints().into_iter().zip(&mints_of(&self.state)) {
            match mint {
                None if !self.assume_plain_mints => {
                    return Err(
                        Refusal::missing(NOT_INITIALIZED.0, NOT_INITIALIZED.1).with("account", address)
                    );
                }
                Some(mint) => {
                    if let Some(restriction) = mint.restriction {
                        let reason = restriction.reason();
                        return Err(Refusal::other(RefusalKind::Unsupported, reason).with("mint", address));
                    }
                }
                None => {}
            }
        }
        Ok(())
    }

    fn check_open(&self, environment: &Environment) -> Result<(), Refusal> {
        if self.state.status & SWAP_DISABLED != 0 {
            return Err(NOT_APPROVED.with("status", self.state.status));
        }
        let is_open = environment.clock.map_or_else(
            || self.has_traded() || self.state.open_time == 0,
            |clock| clock.unix_timestamp >= self.state.open_time,
        );
        if !is_open {
            return Err(NOT_APPROVED.with("open_time", self.state.open_time));
        }
        Ok(())
    }

    /// The one core of [`quote`](PoolState::quote) and [`execute`](PoolState::execute).
    pub(super) fn swap(&self, environment: &Environment, request: &SwapRequest) -> Result<Outcome, Refusal> {
        self.check_accounts()?;
        let fees = self.sides.fees(environment, request.a_to_b);
        let (traded, sent, received) = if request.exact_in {
            self.exact_in(environment, request, fees)?
        } else {
            self.exact_out(environment, request, fees)?
        };
        let (side_in, side_out) = if request.a_to_b { (0, 1) } else { (1, 0) };
        let creator_side = if self.creator_on_input(request.a_to_b) { side_in } else { side_out };
        let outcome = Outcome {
            quote: Quote {
                user_in: sent.amount,
                user_out: received.amount,
                vault_in: traded.input,
                vault_out: traded.output,
                fee: traded.trade_fee,
                fee_on_input: true,
                input_transfer_fee: sent.fee,
                output_transfer_fee: received.fee,
            },
            protocol_fees: accrued(self.protocol_fees(), side_in, traded.protocol_fee)?,
            fund_fees: accrued(self.fund_fees(), side_in, traded.fund_fee)?,
            creator_fees: accrued(self.creator_fees(), creator_side, traded.creator_fee.into())?,
            traded,
        };
        self.check_transfers(request, &outcome.quote, side_in, side_out)?;
        Ok(outcome)
    }

    /// What the token programs refuse.
    fn check_transfers(
        &self,
        request: &SwapRequest,
        quote: &Quote,
        side_in: usize,
        side_out: usize,
    ) -> Result<(), Refusal> {
        let frozen = self.vaults.frozen();
        let vault_in = self.vaults.amounts().map_or(0, |amounts| amounts[side_in]);
        if frozen[side_in] {
            return Err(ACCOUNT_FROZEN);
        }
        if quote.user_in > request.most_payable(vault_in) {
            return Err(INSUFFICIENT_FUNDS.with("amount", quote.user_in));
        }
        if frozen[side_out] {
            return Err(ACCOUNT_FROZEN);
        }
        Ok(())
    }

    fn exact_in(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        [fee_in, fee_out]: [Option<TransferFee>; 2],
    ) -> Result<(Traded, WithFee, WithFee), Refusal> {
        self.check_open(environment)?;
        let arrives = excluded(fee_in, request.amount);
        if arrives.amount == 0 {
            return Err(ZERO_AMOUNT.with("amount_in", request.amount));
        }
        let traded = self.curve(request.a_to_b)?.exact_in(arrives.amount)?;
        let received = excluded(fee_out, traded.output);
        if received.amount == 0 {
            return Err(ZERO_AMOUNT.with("amount_out", traded.output));
        }
        if received.amount < request.other_amount_threshold {
            return Err(EXCEEDED_SLIPPAGE.with("amount_out", received.amount));
        }
        Ok((traded, WithFee { amount: request.amount, fee: arrives.fee }, received))
    }

    fn exact_out(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        [fee_in, fee_out]: [Option<TransferFee>; 2],
    ) -> Result<(Traded, WithFee, WithFee), Refusal> {
        if request.amount == 0 {
            return Err(ZERO_AMOUNT.with("amount_out", request.amount));
        }
        self.check_open(environment)?;
        let leaves = included(fee_out, request.amount)?;
        let traded = self.curve(request.a_to_b)?.exact_out(leaves.amount)?;
        if traded.input == 0 {
            return Err(ZERO_AMOUNT.with("amount_in", traded.input));
        }
        let sent = included(fee_in, traded.input)?;
        if request.other_amount_threshold < sent.amount {
            return Err(EXCEEDED_SLIPPAGE.with("amount_in", sent.amount));
        }
        Ok((traded, sent, WithFee { amount: request.amount, fee: leaves.fee }))
    }
}

/// Adds a fee to one side; the program unwraps.
fn accrued(mut fees: [u64; 2], side: usize, fee: u128) -> Result<[u64; 2], Refusal> {
    let sum = u64::try_from(fee).ok().and_then(|fee| fees[side].checked_add(fee));
    fees[side] = sum.ok_or(panic("states/pool.rs: Option::unwrap() on None"))?;
    Ok(fees)
}

/// Returns what must be sent so that `amount` arrives. The program checks that the fee of the sum is the
/// one it added, which always holds: the sum is the least of which `amount` arrives.
fn included(fee: Option<TransferFee>, amount: u64) -> Result<WithFee, Refusal> {
    let Some(fee) = fee else { return Ok(WithFee { amount, fee: 0 }) };
    fee.include(amount).ok_or(panic("utils/token.rs: Option::unwrap() on None"))
}
