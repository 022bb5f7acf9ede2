//! The program's errors that a swap can meet.
//!
//! # Source
//! Meteora `cp-amm` 0.2.0, `error.rs`, in the order of the enum from 6000 on; the IDL has the same.

use crate::swap::{Refusal, RefusalKind};

/// A quote's result.
pub(super) type Result<T> = std::result::Result<T, Refusal>;

/// A checked operation left its range, or divided by zero.
pub(super) const MATH_OVERFLOW: Refusal = Refusal::program("MathOverflow", 6000);
/// The outcome is worse than the trader accepts.
pub(super) const EXCEEDED_SLIPPAGE: Refusal = Refusal::program("ExceededSlippage", 6002);
/// The pool is switched off, or not open yet.
pub(super) const POOL_DISABLED: Refusal = Refusal::program("PoolDisabled", 6003);
/// Nothing is put in, or nothing of it arrives.
pub(super) const AMOUNT_IS_ZERO: Refusal = Refusal::program("AmountIsZero", 6006);
/// A number does not fit the type it must have.
pub(super) const TYPE_CAST_FAILED: Refusal = Refusal::program("TypeCastFailed", 6007);
/// The price would leave the pool's range.
pub(super) const PRICE_RANGE_VIOLATION: Refusal = Refusal::program("PriceRangeViolation", 6015);
/// The rate limiter's inversion gave less than its lowest fee.
pub(super) const UNDETERMINED_ERROR: Refusal = Refusal::program("UndeterminedError", 6051);
/// Of the token programs: the payer has not got what it should pay.
pub(super) const INSUFFICIENT_FUNDS: Refusal = Refusal::program("insufficient funds", 1);
/// Of the token programs: one side of a transfer is frozen.
pub(super) const ACCOUNT_FROZEN: Refusal = Refusal::program("Account is frozen", 17);

/// The program stops without an error number.
pub(super) const fn panic(message: &'static str) -> Refusal {
    Refusal::other(RefusalKind::Panic, message)
}
