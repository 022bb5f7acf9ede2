//! Raydium AMM v4: constant product with one fee on the input, SPL Token only.
//!
//! The pools once lent part of their reserves to an order book; those whose status still allows it
//! (1 and 5) count what their open-orders account holds. Builds since July 2026 leave the order book
//! out altogether; with nothing in the open-orders account both agree. What would need the market's
//! event queue (resting orders) or a settlement within the swap is refused, not guessed.
//!
//! Accounts have no discriminator: their type follows from owner and length.
//!
//! # Source
//! raydium-amm (`processor.rs`, `math.rs`, `state.rs`, before and after the order book was removed);
//! vectors in `tests/data/vectors/raydium_amm_v4.jsonl.gz`.

mod layout;
mod pool;
mod swap;

use crate::decoders::address;
use crate::quantities::Pubkey;
use crate::venues::Venue;

pub use layout::{AmmV4Info, OpenOrders};
pub use pool::AmmV4Pool;

/// The program.
pub const PROGRAM: Pubkey = address("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8");
/// `OpenBook`, whose markets most pools name.
pub const OPENBOOK_PROGRAM: Pubkey = address("srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX");
/// Serum v3, whose markets the oldest pools name.
pub const SERUM_PROGRAM: Pubkey = address("9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin");

/// Names of the swap instructions.
pub const INSTRUCTIONS: [&str; 2] = ["swap_base_in", "swap_base_out"];

/// Raydium AMM v4.
pub static VENUE: Venue = Venue {
    name: "raydium_amm_v4",
    programs: &[PROGRAM],
    mints_at: [400, 432],
    layouts: &[
        layout::INFO,
        layout::unused("TargetOrders", &[2_208]),
        layout::unused("AmmConfig", &[544]),
        layout::open_orders(OPENBOOK_PROGRAM),
        layout::open_orders(SERUM_PROGRAM),
    ],
    instructions: &INSTRUCTIONS,
    open: pool::open,
};
