//! Why a swap fails: the program's errors under their own names and codes, and what we lack.

macro_rules! program_errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Why a Whirlpool swap cannot be quoted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        pub enum WhirlpoolError {
            $($(#[$doc])* #[error("Whirlpool program: {} ({})", stringify!($name), $code)] $name,)*
            /// The swap takes more compute units than the transaction may.
            #[error("about {estimate} compute units needed, {limit} allowed")]
            ComputeBudgetExceeded {
                /// Units used when the limit was passed, estimated.
                estimate: u32,
                /// The transaction's limit.
                limit: u32,
            },
            /// The swap reaches a tick array of which nothing is known.
            #[error("tick array at {start_tick_index} is missing")]
            MissingTickArray {
                /// Lowest tick of that array.
                start_tick_index: i32,
            },
            /// The trader does not hold the input; the token program's error.
            #[error("token program: insufficient funds (1)")]
            InsufficientFunds,
            /// The pool charges an adaptive fee and its oracle is not known.
            #[error("oracle of an adaptive-fee pool is missing")]
            MissingOracle,
        }

        impl WhirlpoolError {
            /// Returns the program's error number, `None` where the failure is not the program's.
            #[must_use]
            pub fn code(self) -> Option<u32> {
                match self {
                    $(Self::$name => Some($code),)*
                    Self::InsufficientFunds => Some(1),
                    _ => None,
                }
            }

            /// Returns the program's word for the error, or ours for the rest.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::ComputeBudgetExceeded { .. } => "ComputeBudgetExceeded",
                    Self::MissingTickArray { .. } => "MissingTickArray",
                    Self::MissingOracle => "MissingOracle",
                    Self::InsufficientFunds => "insufficient funds",
                }
            }
        }
    };
}

program_errors! {
    /// A division by zero, from an output at or above the virtual reserve.
    DivideByZero = 6006,
    /// A number does not fit its type.
    NumberCastError = 6007,
    /// A 256-bit number does not fit 128 bits.
    NumberDownCastError = 6008,
    /// A price or price limit outside of the program's range.
    SqrtPriceOutOfBounds = 6011,
    /// Liquidity beyond 128 bits.
    LiquidityOverflow = 6014,
    /// Liquidity below zero.
    LiquidityUnderflow = 6015,
    /// A price or amount above its maximum.
    TokenMaxExceeded = 6017,
    /// A price below its minimum.
    TokenMinSubceeded = 6018,
    /// The clock is behind the pool's last change.
    InvalidTimestamp = 6022,
    /// No tick array of the sequence exists in this direction.
    InvalidTickArraySequence = 6023,
    /// A product beyond 128 bits.
    MultiplicationShiftRightOverflow = 6030,
    /// A product beyond its type, or a rounding beyond 64 bits.
    MultiplicationOverflow = 6033,
    /// The price limit lies on the wrong side of the price.
    InvalidSqrtPriceLimitDirection = 6034,
    /// Nothing to swap.
    ZeroTradableAmount = 6035,
    /// The trader would receive less than the threshold.
    AmountOutBelowMinimum = 6036,
    /// The trader would pay more than the threshold.
    AmountInAboveMaximum = 6037,
    /// The swap runs past the three tick arrays it may touch.
    TickArraySequenceInvalidIndex = 6038,
    /// The counted amount exceeds 64 bits.
    AmountCalcOverflow = 6039,
    /// A step takes more than is left.
    AmountRemainingOverflow = 6040,
    /// The transfer fee cannot be inverted.
    TransferFeeCalculationError = 6052,
    /// An exact output is not available in full.
    PartialFillError = 6057,
    /// The pool does not trade yet.
    TradeIsNotEnabled = 6064,
}
