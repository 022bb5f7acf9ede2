//! Orca Whirlpool: concentrated liquidity with static or adaptive fees, at two program addresses.
//!
//! [`WhirlpoolPool`] keeps what the accounts say and asks [`crate::amm_math::whirlpool`], where the
//! mathematics is. The one idea here: a pool's further accounts are accepted only at the address
//! that the program derives for them, and each address is derived once.
//!
//! # Source
//! Orca Whirlpool program (`instructions/v2/swap.rs`, `util/{sparse_swap,swap_tick_sequence}.rs`,
//! `state/*`); vectors in `tests/data/vectors/orca_whirlpool*.jsonl.gz`.

mod derived;
mod instruction;
mod layouts;
mod pool;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod writes;

use super::{NewPool, PoolState, Venue};
use crate::decoders::DecodeError;
use crate::decoders::orca_whirlpool::{IMMUTABLE_PROGRAM, PROGRAM};
use crate::quantities::Pubkey;

pub use pool::WhirlpoolPool;

/// Orca Whirlpool.
pub static VENUE: Venue = Venue {
    name: "orca_whirlpool",
    programs: &PROGRAMS,
    mints_at: [101, 181],
    layouts: &layouts::LAYOUTS,
    instructions: &["swap", "swap_v2"],
    open,
};

/// The upgradable program and its immutable twin.
static PROGRAMS: [Pubkey; 2] = [PROGRAM, IMMUTABLE_PROGRAM];

fn open(new: &NewPool<'_>) -> Result<Box<dyn PoolState>, DecodeError> {
    Ok(Box::new(WhirlpoolPool::open(new)?))
}
