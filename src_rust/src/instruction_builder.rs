//! Solana instructions and transactions: from a sized cycle to the bytes that are sent.
//!
//! A venue builds its own swap ([`crate::venues::PoolState::swap_instruction`]); this module holds
//! the words they share and everything around the swaps.

mod instruction;

pub use instruction::{AccountMeta, BuildError, Instruction, MEMO_PROGRAM, Reach, Trader};
