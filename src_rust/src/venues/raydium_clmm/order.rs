//! What a swap is asked to do, and everything that can be wrong with it before the first step.

use super::accounts::AmmConfig;
use super::error::{self, Fault};
use super::pool::ClmmPool;
use super::tick_math::{MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64};
use super::{SWAP, SWAP_DISABLED};
use crate::amm_math::transfer_fee::ONE_BASIS_POINTS;
use crate::decoders::TransferFee;
use crate::decoders::spl_token::TOKEN_2022_PROGRAM;
use crate::swap::{Environment, Refusal, RefusalKind, SwapRequest};
use crate::venues::SetAside;

/// A request with what follows from it before the first step.
pub(super) struct Order {
    /// What the pool is to take or give, base units.
    pub(super) amount: u64,
    pub(super) exact_in: bool,
    pub(super) a_to_b: bool,
    /// Square root of the price at which the swap stops, Q64.64.
    pub(super) limit: u128,
    /// Transfer fees of the input's and the output's mint.
    pub(super) transfer_fees: [Option<TransferFee>; 2],
    /// Transfer fee on the request's amount, base units.
    pub(super) transfer_fee: u64,
    /// Units that the swap may take.
    pub(super) compute_unit_limit: u32,
}

impl ClmmPool {
    /// Checks everything that comes before the first step.
    pub(super) fn prepare(
        &self,
        environment: &Environment,
        request: &SwapRequest,
    ) -> Result<(&AmmConfig, Order), Refusal> {
        if let Some(reason) = self.unsupported {
            return Err(Refusal::other(RefusalKind::Unsupported, reason));
        }
        let (name, code) = error::ACCOUNT_NOT_INITIALIZED;
        let missing = |account| Refusal::missing(name, Some(code)).with("account", account);
        let mut transfer_fees = [None; 2];
        if !self.mints_are_plain {
            match self.tokens.obstacle(environment) {
                Some(SetAside::Missing { account, .. }) => return Err(missing(account)),
                Some(SetAside::UnsupportedMint { mint, reason }) => {
                    return Err(Refusal::other(RefusalKind::Unsupported, reason).with("mint", mint));
                }
                Some(_) => return Err(Refusal::missing("clock", None)),
                None => transfer_fees = self.tokens.fees(environment, request.a_to_b),
            }
        }
        let config = self.config.as_ref().ok_or_else(|| missing(self.pool.amm_config))?;
        if self.vaults.amounts().is_none() {
            return Err(missing(self.pool.token_vault_0));
        }
        if request.instruction == Some(SWAP) {
            // `swap` takes token accounts of SPL Token only.
            let mints = self.tokens.mints();
            if mints.iter().flatten().any(|mint| mint.program == TOKEN_2022_PROGRAM) {
                return Err(error::ACCOUNT_OWNED_BY_WRONG_PROGRAM.into());
            }
        }
        let (amount, transfer_fee) = if request.exact_in {
            let fee = transfer_fees[0].map_or(0, |fee| fee.on(request.amount));
            (request.amount.checked_sub(fee), fee)
        } else {
            let fee = inverse_fee(transfer_fees[1], request.amount)?;
            (request.amount.checked_add(fee), fee)
        };
        let amount = amount.ok_or(Fault::Panic("amount with transfer fee beyond 64 bits"))?;
        match environment.clock {
            Some(clock) if clock.unix_timestamp <= self.pool.open_time => {
                return Err(Refusal::from(error::REQUIRE_GT).with("open_time", self.pool.open_time));
            }
            None if self.may_open() => {
                return Err(Refusal::missing("clock", None).with("open_time", self.pool.open_time));
            }
            _ => {}
        }
        if amount == 0 {
            return Err(Refusal::from(error::ZERO_AMOUNT_SPECIFIED).with("amount", request.amount));
        }
        if self.pool.status & SWAP_DISABLED != 0 {
            return Err(Refusal::from(error::NOT_APPROVED).with("status", self.pool.status));
        }
        let (limit, price) = (request.sqrt_price_limit_x64, self.pool.sqrt_price_x64);
        let limit = match (limit, request.a_to_b) {
            (0, true) => MIN_SQRT_PRICE_X64 + 1,
            (0, false) => MAX_SQRT_PRICE_X64 - 1,
            (limit, _) => limit,
        };
        let is_possible = if request.a_to_b {
            limit < price && limit > MIN_SQRT_PRICE_X64
        } else {
            limit > price && limit < MAX_SQRT_PRICE_X64
        };
        if !is_possible {
            return Err(Refusal::from(error::SQRT_PRICE_LIMIT_OVERFLOW)
                .with("sqrt_price_limit_x64", limit)
                .with("sqrt_price_x64", price));
        }
        let SwapRequest { exact_in, a_to_b, compute_unit_limit, .. } = *request;
        let order =
            Order { amount, exact_in, a_to_b, limit, transfer_fees, transfer_fee, compute_unit_limit };
        Ok((config, order))
    }
}

/// Returns the transfer fee to add so that `amount` arrives.
///
/// # Errors
/// The program panics where the fee of the sum is another one, or beyond 64 bits.
pub(super) fn inverse_fee(fee: Option<TransferFee>, amount: u64) -> Result<u64, Fault> {
    match fee {
        None => Ok(0),
        // Taken as it is, whatever the amount.
        Some(fee) if u64::from(fee.basis_points) == ONE_BASIS_POINTS => Ok(fee.maximum_fee),
        Some(fee) => fee
            .include(amount)
            .map(|sent| sent.fee)
            .ok_or(Fault::Panic("transfer fee does not match its inverse")),
    }
}
