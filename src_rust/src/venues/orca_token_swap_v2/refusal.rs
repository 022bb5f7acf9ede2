//! The errors of the program and of SPL Token under it, in the words that they log.

use crate::swap::Refusal;

pub(super) const fn expected_mint() -> Refusal {
    Refusal::missing("Deserialized account is not an SPL Token mint", Some(4))
}
pub(super) const fn expected_account() -> Refusal {
    Refusal::missing("Deserialized account is not an SPL Token account", Some(5))
}
pub(super) const fn slippage() -> Refusal {
    Refusal::program("Swap instruction exceeds desired slippage limit", 16)
}
pub(super) const fn zero() -> Refusal {
    Refusal::program("Given pool token amount results in zero trading tokens", 20)
}
pub(super) const fn fee() -> Refusal {
    Refusal::program("The fee calculation failed due to overflow, underflow, or unexpected 0", 21)
}
pub(super) const fn conversion() -> Refusal {
    Refusal::program("Conversion to or from u64 failed.", 22)
}
pub(super) const fn insufficient_funds() -> Refusal {
    Refusal::program("insufficient funds", 1)
}
pub(super) const fn overflow() -> Refusal {
    Refusal::program("Operation overflowed", 14)
}
pub(super) const fn frozen() -> Refusal {
    Refusal::program("Account is frozen", 17)
}
