//! The swap account: one pool of the token-swap program.

use crate::decoders::DecodeError;
use crate::decoders::spl_token::TOKEN_PROGRAM;
use crate::quantities::Pubkey;
use crate::venues::layout::account_layout;

/// Length of a swap account; the program refuses any other.
pub const SWAP_LEN: usize = 324;
/// The only version there is.
const VERSION: u8 = 1;

account_layout! {
    /// A pool. Fees are fractions of the input, or of pool tokens for the last two.
    ///
    /// # Source
    /// spl token-swap, `state.rs`, `SwapVersion::SwapV1`; little-endian, packed.
    pub struct SwapV1 ("SwapV1", SWAP_LEN) {
        /// Version of the account; 1.
        version: u8 = 0,
        /// Whether the pool was set up.
        is_initialized: bool = 1,
        /// Bump seed of the authority, `[swap account]` under the program.
        bump_seed: u8 = 2,
        /// Token program of both mints.
        token_program_id: Pubkey = 3,
        /// Vault of token A.
        token_a: Pubkey = 35,
        /// Vault of token B.
        token_b: Pubkey = 67,
        /// Mint of the pool's own tokens.
        pool_mint: Pubkey = 99,
        /// Mint of token A.
        token_a_mint: Pubkey = 131,
        /// Mint of token B.
        token_b_mint: Pubkey = 163,
        /// Account that the owner's fees are minted to.
        pool_fee_account: Pubkey = 195,
        /// Fee that stays in the vault, above the line.
        trade_fee_numerator: u64 = 227,
        /// Fee that stays in the vault, below the line.
        trade_fee_denominator: u64 = 235,
        /// Fee that the owner gets as pool tokens, above the line.
        owner_trade_fee_numerator: u64 = 243,
        /// Fee that the owner gets as pool tokens, below the line.
        owner_trade_fee_denominator: u64 = 251,
        /// Fee on withdrawals, above the line; no swap pays it.
        owner_withdraw_fee_numerator: u64 = 259,
        /// Fee on withdrawals, below the line.
        owner_withdraw_fee_denominator: u64 = 267,
        /// Share of the owner's fee that a host gets, above the line; only if one is named.
        host_fee_numerator: u64 = 275,
        /// Share of the owner's fee that a host gets, below the line.
        host_fee_denominator: u64 = 283,
        /// 0 constant product, 1 constant price, 2 stable, 3 offset.
        curve_type: u8 = 291,
        /// Price of token B in token A, amplification, or offset of token B, by type.
        curve_parameter: u64 = 292,
    }
}

impl SwapV1 {
    /// Reads a swap account that can be traded on.
    ///
    /// # Errors
    /// [`DecodeError`]: another length, or a field that the program never writes.
    pub(super) fn checked(data: &[u8]) -> Result<Self, DecodeError> {
        let found = data.len();
        if found != SWAP_LEN {
            return Err(DecodeError::WrongLength { account: "SwapV1", found, expected: SWAP_LEN });
        }
        let swap = Self::read(data)?;
        let impossible = |field, value: String, expected| DecodeError::ImpossibleField {
            account: "SwapV1",
            field,
            value,
            expected,
        };
        if swap.version != VERSION {
            return Err(impossible("version", swap.version.to_string(), "1"));
        }
        if !swap.is_initialized {
            return Err(impossible("is_initialized", "0".to_owned(), "1"));
        }
        if swap.token_program_id != TOKEN_PROGRAM {
            return Err(impossible("token_program_id", swap.token_program_id.to_string(), "SPL Token"));
        }
        Ok(swap)
    }
}
