//! All simple cycles and paths of a few hops, as arrays, lazily, or kept up to date.
//!
//! The market is a directed multigraph on plain arrays: nodes are mints, edges are one direction of a
//! pool, parallel edges (many pools of one pair) are the usual case. [`Multiverse`] lists what can be
//! walked in it: every simple cycle through given bases, or every simple path from one node to another,
//! of at most [`MAX_HOPS`] hops. At *pool level* a row is a choice of pools (edge indices), at *mint
//! level* a row is a sequence of nodes.
//!
//! The one idea: the last hop is not searched. The edges into the last node are grouped by where they
//! come from, once per question; a walk of all hops but one is then joined with its group.
//!
//! Rows come in one order, whatever the number of threads and whether at once or in batches: base by
//! base as given, and in lexicographic order of the edge indices (pool level) or of the nodes with the
//! last one included (mint level). So a bound of the count gives the first rows of the full answer.
//! Large work is shared with threads that live for the call (so that a process may fork between calls);
//! small work stays on the caller's.
//!
//! [`CycleIndex`] keeps the cycles through bases and says after a change which of those it touched pay.

mod batches;
mod ends;
mod error;
mod graph;
mod index;
mod layer;
mod parallel;
mod plan;
mod query;
mod table;
mod tails;
mod walk;

pub use batches::Batches;
pub use error::MultiverseError;
pub use graph::{EdgeArrays, Multiverse, check_pool};
pub use index::{CycleIndex, DEFAULT_MAX_CYCLES, PayingCycles};
pub use query::{Between, Bounds, Level};
pub use table::{MAX_TABLE_VALUES, TableShape, Truncation, WalkTable};

/// The most hops of a cycle or path.
pub const MAX_HOPS: usize = 6;
