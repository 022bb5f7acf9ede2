//! Why a trade is refused: the SDK's words, else the program's error.
//!
//! The SDK's exceptions have no numbers; where the program has an error for the same case, its number
//! is among the details.

use crate::swap::{Refusal, RefusalKind};

/// An exception of the SDK, with the program's number for the case, if it has one.
fn sdk(name: &'static str, program_code: Option<u32>) -> Refusal {
    let refusal = Refusal::other(RefusalKind::Program, name);
    match program_code {
        Some(code) => refusal.with("program_code", code),
        None => refusal,
    }
}

pub(super) fn empty_reserves() -> Refusal {
    sdk("Invalid input: 'baseReserve' or 'quoteReserve' cannot be zero.", None)
}
pub(super) fn beyond_base_reserve() -> Refusal {
    // BuyMoreBaseAmountThanPoolReserves
    sdk("Cannot buy more base tokens than the pool reserves.", Some(6016))
}
pub(super) fn depleted() -> Refusal {
    // DivisionByZero
    sdk("Pool would be depleted; denominator is zero.", Some(6025))
}
pub(super) fn no_fee_tiers() -> Refusal {
    sdk("Fee tiers cannot be empty.", None)
}
pub(super) fn beyond_real_quote() -> Refusal {
    // InsufficientRealQuoteReserves
    sdk("Insufficient real quote reserves to cover the sell output.", Some(6063))
}
pub(super) fn fees_exceed_output() -> Refusal {
    sdk("Fees exceed total output; final quote is negative.", Some(6023))
}
pub(super) fn beyond_quote_reserve() -> Refusal {
    sdk("Cannot receive more quote tokens than the pool quote reserves.", Some(6063))
}
pub(super) fn beyond_curve() -> Refusal {
    sdk("Invalid input: Desired quote amount exceeds available reserve.", None)
}
pub(super) fn fees_take_all() -> Refusal {
    sdk("Cannot divide by zero.", Some(6025))
}
pub(super) const fn fee_rate() -> Refusal {
    Refusal::program("FeeBasisPointsExceedsMaximum", 6000)
}
pub(super) const fn zero_base() -> Refusal {
    Refusal::program("ZeroBaseAmount", 6001)
}
pub(super) const fn zero_quote() -> Refusal {
    Refusal::program("ZeroQuoteAmount", 6002)
}
pub(super) const fn slippage() -> Refusal {
    Refusal::program("ExceededSlippage", 6004)
}
pub(super) const fn disabled_buy() -> Refusal {
    Refusal::program("DisabledBuy", 6020)
}
pub(super) const fn disabled_sell() -> Refusal {
    Refusal::program("DisabledSell", 6021)
}
pub(super) const fn overflow() -> Refusal {
    Refusal::program("Overflow", 6023)
}
pub(super) const fn fees_not_covered() -> Refusal {
    Refusal::program("BuyNotEnoughQuoteTokensToCoverFees", 6039)
}
pub(super) const fn buy_slippage() -> Refusal {
    Refusal::program("BuySlippageBelowMinBaseAmountOut", 6040)
}
/// Anchor's error for an account that is not there.
pub(super) const fn missing() -> Refusal {
    Refusal::missing("AccountNotInitialized", Some(3012))
}
