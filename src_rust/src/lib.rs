//! The hot path of `PhantomArbiter`.
//!
//! Modules in order of dependency, lowest first:
//! - [`quantities`] (and `base58` behind it): the words everything else is written in;
//! - [`latency`]: durations in histograms, and the engine's stages;
//! - [`pda`], [`decoders`], [`amm_math`]: account bytes to typed state, state to exact quotes;
//! - [`technical`]: indicators, one value at a time and over columns;
//! - [`token_firewall`]: which mints may be traded;
//! - [`market`]: pools, the accounts they depend on, and what is set aside and why;
//! - [`cycle_finder`], [`sizing`], [`scorer`]: which cycles pay, how much to put in, go or no-go;
//! - [`fee_engine`]: compute unit price and limit, and the tip of a bundle;
//! - [`multiverse`]: all cycles and paths of a few hops, on plain arrays;
//! - [`routing`]: the best trades through all pools at once;
//! - [`plans`]: exact trades over several routes, and cycles that share pools;
//! - [`freshness`]: up to which slot a state is known to be the latest;
//! - [`jit_compiler`]: strategy expressions and rule files, compiled at run time;
//! - [`wss_aggregator`]: frames from several endpoints to one ordered stream of account writes;
//! - [`network_submitter`]: bundles and transactions to several targets at once;
//! - [`instruction_builder`]: swaps as instructions, cycles as signed transactions;
//! - [`engine`]: one call per frame through all of the above;
//! - [`conformance`]: golden swap vectors run through the quotes;
//! - [`recording`]: the append-only log of what entered the engine.
//!
//! `pyo3` appears only under `python/`: with default features this crate knows nothing of Python.

pub mod amm_math;
mod base58;
pub mod conformance;
pub mod cycle_finder;
pub mod decoders;
pub mod engine;
pub mod fee_engine;
pub mod freshness;
pub mod instruction_builder;
pub mod jit_compiler;
pub mod latency;
pub mod market;
pub mod multiverse;
pub mod network_submitter;
pub mod pda;
pub mod plans;
mod provider;
pub mod quantities;
pub mod recording;
pub mod routing;
pub mod scorer;
pub mod sizing;
pub mod swap;
pub mod technical;
pub mod token_firewall;
pub mod venues;
pub mod wss_aggregator;

#[cfg(feature = "python")]
mod python;
