//! What a swap can fail with, in the program's words.

use crate::swap::{Refusal, RefusalKind};

/// Why a walk over the bins ends without a result. Small and without allocation, unlike a [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// An intermediate leaves its type.
    MathOverflow,
    /// An amount does not fit 64 bits.
    TypeCastFailed,
    /// A power of ten in the base fee leaves 128 bits: the program panics.
    PowerOverflow,
    /// What is left of the input does not pay for the output wanted of a bin.
    InsufficientInAmount,
    /// A bin gives less for the input computed than the output it was computed for.
    Undetermined,
    /// The walk leaves the pair's range of bins.
    PairInsufficientLiquidity,
    /// No further array has liquidity as far as the pair's own bitmap reaches, and there is no extension.
    NoBitmapExtension,
    /// No further array has liquidity.
    NoFurtherArray,
    /// The next array is known not to exist.
    AbsentArray(i32),
    /// Nothing is known of the next array.
    UnknownArray(i32),
    /// Nothing is known of the bitmap extension, which decides what comes next.
    UnknownBitmapExtension,
}

impl Fault {
    /// Returns whether the walk failed for want of further liquidity, not for what a bin said.
    pub(super) const fn is_end(self) -> bool {
        matches!(
            self,
            Self::PairInsufficientLiquidity
                | Self::NoBitmapExtension
                | Self::NoFurtherArray
                | Self::AbsentArray(_)
                | Self::UnknownArray(_)
                | Self::UnknownBitmapExtension
        )
    }

    /// Returns what the program, or the caller's lack of accounts, makes of it.
    pub(super) fn refusal(self) -> Refusal {
        let missing = |name, code| Refusal::missing(name, Some(code));
        match self {
            Self::MathOverflow => Refusal::program("MathOverflow", 6018),
            Self::TypeCastFailed => Refusal::program("TypeCastFailed", 6019),
            Self::PowerOverflow => Refusal::other(RefusalKind::Panic, "attempt to multiply with overflow"),
            Self::InsufficientInAmount => Refusal::program("InsufficientInAmount", 6104),
            Self::Undetermined => Refusal::program("UndeterminedError", 6085),
            Self::PairInsufficientLiquidity => Refusal::program("PairInsufficientLiquidity", 6012),
            Self::NoBitmapExtension => Refusal::program("BitmapExtensionAccountIsNotProvided", 6036),
            Self::NoFurtherArray => Refusal::program("CannotFindNonZeroLiquidityBinArrayId", 6037),
            Self::AbsentArray(index) => {
                Refusal::program("AccountNotEnoughKeys", 3005).with("bin_array_index", index)
            }
            Self::UnknownArray(index) => missing("AccountNotEnoughKeys", 3005).with("bin_array_index", index),
            Self::UnknownBitmapExtension => missing("BitmapExtensionAccountIsNotProvided", 6036),
        }
    }
}

/// Anchor: a token program that is not the one the instruction is for.
pub(super) const INVALID_PROGRAM_ID: Refusal = Refusal::program("InvalidProgramId", 3008);
/// An account that the program opens does not exist.
pub(super) const ACCOUNT_NOT_INITIALIZED: Refusal = Refusal::missing("AccountNotInitialized", Some(3012));
/// Nothing is offered.
pub(super) const INVALID_INPUT: Refusal = Refusal::program("InvalidInput", 6002);
/// The outcome is worse than the trader's limit.
pub(super) const EXCEEDED_SLIPPAGE: Refusal = Refusal::program("ExceededAmountSlippageTolerance", 6003);
/// The trader would get nothing.
pub(super) const INSUFFICIENT_OUT: Refusal = Refusal::program("InsufficientOutAmount", 6039);
/// Swaps are switched off or not yet on.
pub(super) const POOL_DISABLED: Refusal = Refusal::program("PoolDisabled", 6042);
/// The input ran out before the output wanted was reached.
pub(super) const NOT_EXACT_OUT: Refusal = Refusal::program("NotExactAmountOut", 6057);
/// The token programs' word for a balance that does not suffice.
pub(super) const INSUFFICIENT_FUNDS: Refusal = Refusal::program("insufficient funds", 1);
/// The token programs' word for a frozen account.
pub(super) const ACCOUNT_FROZEN: Refusal = Refusal::program("Account is frozen", 17);
