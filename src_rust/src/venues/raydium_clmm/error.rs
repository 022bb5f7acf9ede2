//! The program's errors, and how a swap can end without one.
//!
//! # Source
//! raydium-clmm, `error.rs`; anchor-lang, `error.rs` (numbers below 6000).

use crate::swap::{Refusal, RefusalKind};

/// Why a swap fails, before the values that matter are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The program's word and number.
    Program(&'static str, u32),
    /// It panics.
    Panic(&'static str),
    /// It runs out of compute units, as far as can be estimated.
    ComputeBudget,
    /// The bitmap extension is needed and nothing is known of it.
    ExtensionUnknown,
}

pub(super) const ACCOUNT_OWNED_BY_WRONG_PROGRAM: Fault = Fault::Program("AccountOwnedByWrongProgram", 3007);
pub(super) const ACCOUNT_NOT_INITIALIZED: (&str, u32) = ("AccountNotInitialized", 3012);
pub(super) const REQUIRE_EQ: Fault = Fault::Program("RequireEqViolated", 2501);
pub(super) const REQUIRE_GT: Fault = Fault::Program("RequireGtViolated", 2505);
pub(super) const REQUIRE_GTE: Fault = Fault::Program("RequireGteViolated", 2506);
pub(super) const NOT_APPROVED: Fault = Fault::Program("NotApproved", 6001);
pub(super) const INVALID_TICK_INDEX: Fault = Fault::Program("InvalidTickIndex", 6006);
pub(super) const INVALID_TICK_ARRAY: Fault = Fault::Program("InvalidTickArray", 6011);
pub(super) const INVALID_TICK_ARRAY_BOUNDARY: Fault = Fault::Program("InvalidTickArrayBoundary", 6012);
pub(super) const SQRT_PRICE_LIMIT_OVERFLOW: Fault = Fault::Program("SqrtPriceLimitOverflow", 6013);
pub(super) const LIQUIDITY_INSUFFICIENT: Fault = Fault::Program("LiquidityInsufficient", 6019);
pub(super) const TOO_LITTLE_OUTPUT_RECEIVED: Fault = Fault::Program("TooLittleOutputReceived", 6022);
pub(super) const TOO_MUCH_INPUT_PAID: Fault = Fault::Program("TooMuchInputPaid", 6023);
pub(super) const ZERO_AMOUNT_SPECIFIED: Fault = Fault::Program("ZeroAmountSpecified", 6024);
pub(super) const TOO_SMALL_AMOUNT: Fault = Fault::Program("TooSmallInputOrOutputAmount", 6026);
pub(super) const NOT_ENOUGH_TICK_ARRAYS: (&str, u32) = ("NotEnoughTickArrayAccount", 6027);
pub(super) const INVALID_FIRST_TICK_ARRAY: (&str, u32) = ("InvalidFirstTickArrayAccount", 6028);
pub(super) const MISSING_EXTENSION: (&str, u32) = ("MissingTickArrayBitmapExtensionAccount", 6040);
pub(super) const MISSING_BITMAP_EXTENSION: Fault = Fault::Program(MISSING_EXTENSION.0, MISSING_EXTENSION.1);
pub(super) const INSUFFICIENT_LIQUIDITY_FOR_DIRECTION: Fault =
    Fault::Program("InsufficientLiquidityForDirection", 6041);
pub(super) const MAX_TOKEN_OVERFLOW: Fault = Fault::Program("MaxTokenOverflow", 6042);
pub(super) const CALCULATE_OVERFLOW: Fault = Fault::Program("CalculateOverflow", 6043);
/// The token programs' own words.
pub(super) const INSUFFICIENT_FUNDS: Fault = Fault::Program("insufficient funds", 1);
pub(super) const ACCOUNT_FROZEN: Fault = Fault::Program("Account is frozen", 17);

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Program(name, code) => Self::program(name, code),
            Fault::Panic(what) => Self::other(RefusalKind::Panic, what),
            Fault::ComputeBudget => Self::other(RefusalKind::ComputeBudget, "ComputeBudgetExceeded"),
            Fault::ExtensionUnknown => Self::missing(MISSING_EXTENSION.0, Some(MISSING_EXTENSION.1)),
        }
    }
}
