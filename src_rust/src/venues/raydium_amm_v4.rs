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

mod instruction;
mod layout;
mod pool;
mod swap;

use crate::decoders::address;
use crate::quantities::Pubkey;
use crate::venues::Venue;

pub use layout::{AmmV4Info, Market, OpenOrders};
pub use pool::AmmV4Pool;

/// The program.
pub const PROGRAM: Pubkey = address("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8");
/// `OpenBook`, whose markets most pools name.
pub const OPENBOOK_PROGRAM: Pubkey = address("srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX");
/// Serum v3, whose markets the oldest pools name.
pub const SERUM_PROGRAM: Pubkey = address("9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin");

const SWAP_BASE_IN: &str = "swap_base_in";
const SWAP_BASE_OUT: &str = "swap_base_out";
/// The same with the account of planned orders among the pool's: 18 accounts instead of 17.
const SWAP_BASE_IN_WITH_TARGET_ORDERS: &str = "swap_base_in_with_target_orders";
const SWAP_BASE_OUT_WITH_TARGET_ORDERS: &str = "swap_base_out_with_target_orders";
/// The same without any account of the market: 8 accounts, in builds since July 2026.
const SWAP_BASE_IN_V2: &str = "swap_base_in_v2";
const SWAP_BASE_OUT_V2: &str = "swap_base_out_v2";

/// Names of the swap instructions.
pub const INSTRUCTIONS: [&str; 6] = [
    SWAP_BASE_IN,
    SWAP_BASE_OUT,
    SWAP_BASE_IN_WITH_TARGET_ORDERS,
    SWAP_BASE_OUT_WITH_TARGET_ORDERS,
    SWAP_BASE_IN_V2,
    SWAP_BASE_OUT_V2,
];

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
        layout::market(OPENBOOK_PROGRAM),
        layout::market(SERUM_PROGRAM),
    ],
    instructions: &INSTRUCTIONS,
    open: pool::open,
};
