//! Meteora DLMM: liquidity in bins of one price each, a fee that grows with volatility, limit orders.
//!
//! [`DlmmPool`] keeps what the accounts say. The one idea: a bin's price is constant, so what it costs
//! to buy a whole bin follows from its account alone and is worked out when that is written; a swap
//! then adds fees bin by bin and works out only the bin it ends in.
//!
//! # Source
//! The program (`lb_clmm` 0.12) is not public; its rules are those of dlmm-sdk `commons/src/{quote.rs,
//! extensions/*,math/*}` and, where these differ, what its binary does. Vectors in
//! `tests/data/vectors/meteora_dlmm.jsonl.gz`.

mod accounts;
mod arrays;
mod bin_array;
mod bin_swap;
mod bitmap;
mod compute;
mod division;
mod errors;
mod fees;
mod instruction;
mod pool;
mod price;
mod search;
mod swap;
mod walk;

use super::{NewPool, PoolState, Venue};
use crate::decoders::{DecodeError, address};
use crate::quantities::Pubkey;

pub use accounts::{BinArrayBitmapExtension, LbPair, Oracle, PresetParameter2};
pub use bin_array::{Bin, BinArray};
pub use pool::DlmmPool;

/// The program.
pub const PROGRAM: Pubkey = address("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo");

/// Meteora DLMM.
pub static VENUE: Venue = Venue {
    name: "meteora_dlmm",
    programs: &[PROGRAM],
    mints_at: [88, 120],
    layouts: &accounts::LAYOUTS,
    instructions: &["swap", "swap2", "swap_exact_out", "swap_exact_out2"],
    open,
};

fn open(new: &NewPool<'_>) -> Result<Box<dyn PoolState>, DecodeError> {
    Ok(Box::new(DlmmPool::open(new)?))
}
