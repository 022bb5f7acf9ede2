//! Orca Token Swap v2: Orca's deployment of the SPL token-swap program, on SPL Token only.
//!
//! A pool is one swap account and its two vaults. The program has a single swap instruction, by exact
//! input, and takes no more of it than the output needs; an exact output here is the input that the
//! instruction needs for at least that much. The owner's fee is paid in new pool tokens, which is why
//! the pool mint and the fee account count as dependencies.
//!
//! # Source
//! spl token-swap, `processor.rs`, as of February 2022; checked against the deployed bytecode.

mod curve;
mod fees;
mod instruction;
mod layout;
mod pool;
mod pool_tokens;
mod refusal;
mod stable;
mod swap;

use super::{Layout, NewPool, PoolState, Role, Venue};
use crate::decoders::{DecodeError, address};
use crate::quantities::Pubkey;
use crate::venues::layout::Lengths;
pub use layout::SwapV1;
pub use pool::TokenSwapPool;

/// The program.
pub const PROGRAM: Pubkey = address("9W959DqEETiGZocYWCQPaJ6sBmUzgfxXfqGeTEdp3aQP");

/// Orca Token Swap v2.
pub static VENUE: Venue = Venue {
    name: "orca_token_swap_v2",
    programs: &[PROGRAM],
    mints_at: [131, 163],
    layouts: &[Layout {
        name: "SwapV1",
        discriminator: None,
        owner: None,
        lengths: Lengths::Known(&[layout::SWAP_LEN]),
        role: Role::Pool,
        fields: SwapV1::FIELDS,
        records: &[],
        read: Some(SwapV1::read_boxed),
    }],
    instructions: &["swap"],
    open,
};

fn open(new: &NewPool<'_>) -> Result<Box<dyn PoolState>, DecodeError> {
    Ok(Box::new(TokenSwapPool::open(new)?))
}
