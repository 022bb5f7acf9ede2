//! Sends bundles to block engines and transactions to RPC nodes, several at once.
//!
//! One body is built for all targets of a kind. Where a connection over HTTP/1.1 stands, the request is
//! written on the caller's thread, before anything else happens; [`NetworkSubmitter::submit_blocking`] also
//! waits there. Everything else (opening connections, HTTP/2, what is not waited for, hedging) happens on
//! one thread of the submitter's own, which begins with the first use that needs it.
//!
//! What is promised:
//! - A request is written once. A connection found dead before the first byte is replaced; an answer that is
//!   lost after it is [`AnswerKind::Unknown`], and to send again is the caller's choice.
//! - [`Answer::is_sent`] is false only if no byte can have left this machine.
//! - After the deadline nothing is sent, and every target has an answer.
//! - Acceptance is no proof of landing: see [`Question`] for what is.
//! - Certificates are verified, redirects refused, answers bounded to 64 KiB; no secret is in a message.
//!
//! After a fork the child's copy refuses to work: the thread and the order of bytes belong to the parent.

mod answer;
mod body;
mod driver;
mod http1;
mod job;
mod lane;
mod limiter;
mod link;
mod status;
mod submitter;
mod target;
mod tls;
mod wire;

pub use answer::{Answer, AnswerKind, Dispatch};
pub use body::{MAX_BUNDLE, MAX_TRANSACTION};
pub use status::{
    BundleStatus, InflightBundleStatus, Question, SignatureStatus, TIP_ACCOUNTS, are_known_tip_accounts,
    bundle_statuses, inflight_bundle_statuses, signature_statuses, tip_accounts,
};
pub use submitter::{NetworkSubmitter, SubmitOptions, SubmitterConfig};
pub use target::{Target, TargetKind, TargetOptions};

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// A target that cannot be.
    #[error("target {name}: {problem}")]
    BadTarget {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// No targets, or too many.
    #[error("there are {0} targets; there may be 1 to 64")]
    TargetCount(usize),
    /// One name for two.
    #[error("target {0} is named twice")]
    TargetTwice(String),
    /// No such target.
    #[error("there is no target {0}")]
    UnknownTarget(String),
    /// A target that does not know such questions.
    #[error("target {0} is of another kind than the question")]
    WrongKind(String),
    /// No target knows such questions.
    #[error("no target answers {0}")]
    NobodyToAsk(&'static str),
    /// A bundle for a target that takes single transactions.
    #[error("target {0} takes one transaction at a time, not a bundle")]
    NoBundles(String),
    /// No bundle.
    #[error("there are {0} transactions; there may be 1 to {MAX_BUNDLE}")]
    TransactionCount(usize),
    /// No transaction.
    #[error("transaction {index} has {length} bytes; it may have 65 to {MAX_TRANSACTION}")]
    TransactionLength {
        /// Which.
        index: usize,
        /// Its length.
        length: usize,
    },
    /// No ids, or too many.
    #[error("there are {count} ids; there may be 1 to {most}")]
    IdCount {
        /// How many.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// Not a signature or bundle id.
    #[error("id {0} is not 1 to 128 letters and digits")]
    BadId(usize),
    /// A deadline that cannot be.
    #[error("the deadline may be more than 0 and at most 120,000 ms")]
    BadDeadline,
    /// To nobody.
    #[error("first is 0; it may be 1 or more")]
    FirstZero,
    /// Roots that are none.
    #[error("extra_roots holds no certificate in PEM that can be trusted")]
    BadRoots,
    /// The thread could not be started.
    #[error("the submitter's thread could not be started: {0}")]
    NoThread(String),
    /// Closed before.
    #[error("the submitter is closed")]
    Closed,
    /// The process was forked.
    #[error("the submitter belongs to the process that made it; make another after a fork")]
    Forked,
}

/// Counters of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetStats {
    /// Its name.
    pub name: String,
    /// Its URL without secrets.
    pub url: String,
    /// What it takes.
    pub kind: TargetKind,
    /// A connection stands, as far as known.
    pub is_connected: bool,
    /// It speaks HTTP/2.
    pub is_http2: bool,
    /// Requests under way.
    pub in_flight: usize,
    /// Connections opened so far.
    pub connections_opened: u64,
    /// Connections that could not be opened.
    pub connection_failures: u64,
    /// Requests begun.
    pub requests: u64,
    /// Requests on a connection that had carried another.
    pub requests_on_kept_connection: u64,
    /// Answers by kind, those that came.
    pub answers: Vec<(AnswerKind, u64)>,
}
