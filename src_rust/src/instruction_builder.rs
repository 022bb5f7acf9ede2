//! Solana instructions and transactions: from a sized cycle to the bytes that are sent.
//!
//! A venue builds its own swap ([`crate::venues::PoolState::swap_instruction`]); this module holds
//! the words they share and everything around the swaps: the instructions of the system, compute budget,
//! token and lookup table programs, messages of version 0 ([`compile`]), the choice of lookup tables
//! ([`choose_tables`]), keys ([`Signer`]), signed transactions ([`sign`]) and whole routes
//! ([`build_route`]).

mod instruction;
mod message;
mod route;
mod signer;
pub mod system;
mod tables;
pub mod token;
mod transaction;

pub use instruction::{AccountMeta, BuildError, Instruction, MEMO_PROGRAM, Reach, Trader};
pub use message::{
    Limits, MAX_ACCOUNT_LOCKS, MAX_INSTRUCTIONS, MAX_TRANSACTION_BYTES, Message, MessageError, compile,
};
pub use route::{RouteError, RouteOrder, Tip, build_quoted_route, build_route, measure_route};
pub use signer::{KeyError, Signer};
pub use tables::{
    LookupTable, MAX_TABLE_ADDRESSES, TABLE_BYTES, TABLE_PROGRAM, TableError, choose_tables, close_table,
    create_table, deactivate_table, extend_table, table_address,
};
pub use transaction::{Transaction, sign};
