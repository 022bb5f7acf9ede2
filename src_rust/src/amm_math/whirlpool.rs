//! Orca Whirlpool swaps, exact to the unit and to the error.
//!
//! [`swap`] says what the program would do: every amount, the pool's next state, or the program's
//! own error. [`quote`] is the same walk without the bookkeeping that only the next state needs, and
//! [`quote_along`] the same again with the steps between ticks remembered in a [`Path`].
//! [`PoolView`] is also a [`Curve`](super::Curve), which is how the search sees a pool.
//!
//! `walk` is put together from three parts: `tick_sequence` finds the ticks a swap meets, `step`
//! moves the price between two of them, `adaptive_fee` sets the fee where it depends on the path.
//! `compute` estimates what the walk costs on chain, because a swap that runs out of compute units
//! fails like any other.
//!
//! # Source
//! Orca Whirlpool program (`manager/*`, `math/*`, `util/*`); checked against both deployments' own
//! bytecode, see `tests/conformance/test_program_litesvm.py`.

mod adaptive_fee;
pub mod compute;
mod curve;
mod error;
mod path;
mod step;
mod swap;
mod tick_sequence;
mod walk;

pub use crate::swap::{Quote, SwapRequest};
pub use compute::{ComputeContext, Deployment, Instruction, Work};
pub use error::WhirlpoolError;
pub use path::Path;
pub use swap::{PostSwap, Swap, measure, quote, quote_along, swap};
pub use tick_sequence::{TickArrayError, TickArrays, required_starts, sequence_starts};

use crate::decoders::{Oracle, TransferFee, Whirlpool};

/// A pool and everything a swap reads.
#[derive(Debug, Clone, Copy)]
pub struct PoolView<'a> {
    /// The pool.
    pub pool: &'a Whirlpool,
    /// Its tick arrays, as far as known.
    pub arrays: &'a TickArrays,
    /// Its oracle; needed exactly if the pool is adaptive.
    pub oracle: Option<&'a Oracle>,
    /// Transfer fee of mint A in force in this epoch, if it has one.
    pub transfer_fee_a: Option<TransferFee>,
    /// Transfer fee of mint B in force in this epoch, if it has one.
    pub transfer_fee_b: Option<TransferFee>,
    /// Unix time of the swap, seconds. The program refuses one before the pool's last change.
    pub unix_timestamp: u64,
    /// What decides how many compute units the swap may and will take.
    pub compute: ComputeContext,
}
