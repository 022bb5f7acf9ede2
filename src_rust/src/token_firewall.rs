//! Which mints may be traded: anywhere, inside atomic cycles only, or not at all.
//!
//! The one idea: an account says what its issuer can do to a holder. [`MintFacts`] reads that from the
//! bytes, [`TokenRules`] says what each finding ([`Rule`]) leads to, and [`judge`] puts both together in
//! a [`TokenVerdict`] that names every finding with its value. The deny list wins, then the allow list,
//! then the heaviest of the findings.
//!
//! A cycle is one transaction: what a freeze authority or a permanent delegate may do to a holder takes
//! a holder, and between two hops there is none. So such mints stay tradable in cycles
//! ([`Permission::AtomicOnly`]), as do mints whose account was never seen. What makes the transaction
//! itself fail, or its amounts unknown, is denied.
//!
//! No I/O and no clock: [`crate::market::Market::tokens`] keeps the verdicts of a market up to date.

mod facts;
mod rules;
mod verdict;

pub use facts::{DefaultState, MintFacts, ScaledUi, TransferHook};
pub use rules::{Permission, Rule, RuleError, TokenRules};
pub use verdict::{Depth, MintAccountState, TokenContext, TokenVerdict, judge};
