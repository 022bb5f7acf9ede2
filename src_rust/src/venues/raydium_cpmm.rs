//! Raydium CPMM: constant product with trade, protocol, fund and creator fees, for Token and Token-2022.
//!
//! `layout` says what the accounts hold, `curve` does the program's arithmetic on reserves net of
//! accrued fees, `swap` puts transfer fees, thresholds and permissions around it in the program's
//! order: which check comes first decides which error a failing swap gets. `pool` keeps the accounts.
//!
//! # Source
//! raydium-cp-swap (`curve/*`, `states/pool.rs`, `instructions/swap_base_*.rs`, `utils/token.rs`);
//! vectors in `tests/data/vectors/raydium_cpmm.jsonl.gz`.

mod curve;
mod instruction;
mod layout;
mod pool;
mod swap;

use crate::decoders::address;
use crate::quantities::Pubkey;
use crate::venues::{Layout, Venue};

pub use layout::{CpmmConfig, CpmmState};
pub use pool::CpmmPool;

/// The program.
pub const PROGRAM: Pubkey = address("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C");

/// Names of the swap instructions.
pub const INSTRUCTIONS: [&str; 2] = ["swap_base_input", "swap_base_output"];

/// Raydium CPMM.
pub static VENUE: Venue = Venue {
    name: "raydium_cpmm",
    programs: &[PROGRAM],
    mints_at: [168, 200],
    layouts: &[
        layout::STATE,
        layout::CONFIG,
        Layout::unused("ObservationState", [0x7a, 0xae, 0xc5, 0x35, 0x81, 0x09, 0xa5, 0x84]),
        Layout::unused("Permission", [0xe0, 0x53, 0x1c, 0x4f, 0x0a, 0xfd, 0xa1, 0x1c]),
    ],
    instructions: &INSTRUCTIONS,
    open: pool::open,
};
