//! Frames from several endpoints to one ordered stream of account writes.
//!
//! Every endpoint pushes the same market, each with its own delays, gaps and subscription ids.
//! [`WssAggregator::push`] says of one frame whether it is news, and hands out the account states
//! to apply. There are no sockets here: the caller owns them and tells of connections, outgoing
//! requests and incoming frames.
//!
//! - **Identity.** A write is (address, slot, hash of data, owner and lamports). The first arrival
//!   wins. A duplicate is recognised by comparing it with the frame it repeats, else by the hash of
//!   its base64 text, without decoding it. base64+zstd is unpacked (at most 10 MiB) and identified by
//!   the base64 text of what it holds, so both encodings of one write are one write. The hash is
//!   keyed, with another key in every process.
//! - **Order.** Between slots the slot decides, so an older one is stale. Within a slot the rules of
//!   `order.rs` apply: whatever the interleaving, once every endpoint has delivered its last
//!   write, the applied state is that write; and where every endpoint delivers everything, the
//!   applied sequence is the chain's.
//! - **Reads.** An answer to `getMultipleAccounts` is, for every account in it, a write of this
//!   endpoint in the answer's slot: the state that the node had at that moment. Older than the
//!   applied slot it is stale. In the same slot the same rules apply, until this connection's
//!   subscription has notified a write of that slot: then a read tells nothing that the
//!   notifications do not, and may have been overtaken by them, so it is stale. What it read in
//!   that slot before is forgotten then: it may have been ahead of the notifications. Answers must
//!   be pushed in the order in which they were given; over HTTP, ids must differ from those in
//!   use on the socket. `null` is the state "no such account".
//! - **Batches.** Each message of a JSON-RPC array is judged as if it came alone.
//! - **Other messages.** A slot and a root are news if higher than all before, a log by its signature,
//!   an update of a slot by its slot and stage, whichever endpoint is first.
//! - **Subscriptions.** Only account and signature notifications need theirs known; programs' and
//!   logs' name their subject, and are taken under any number.
//! - **Bad input.** A frame that is refused changes nothing but counters ([`Malformed`]). Only
//!   what is delivered or kept is decoded: bad base64 in a frame that is stale anyway goes unnoticed.
//! - **Not covered.** A state of an abandoned fork stays until the account is written in a higher
//!   slot or read again there.
//!
//! # Trust
//! An endpoint here is one connection, named `provider/n`; what stands before the first `/` names its
//! provider. Order is proved by connections, but believed are providers: wherever words are counted
//! below, all connections of a provider have one.
//!
//! With a [`quorum`](AggregatorConfig::quorum) of 1, whoever is first is believed: a lie that is
//! quicker than the truth, or names a later slot, is applied. What is refused all the same, with
//! three or more providers: slots out of reach of what half of them have named, and an owner that
//! one alone names against two. What comes to light later is counted: final words that stand alone
//! (`witness.rs`). [`quarantine`](WssAggregator::quarantine), by hand or past
//! [`QuarantineLimits`], then takes the provider's word away and lists what it alone had applied.
//!
//! With a quorum of `k`, nothing counts on fewer than `k` words: no state, no message, no highest
//! slot. Up to `k - 1` liars cannot have anything invented applied, nor move the slot, nor keep back
//! what `k` others say (`quorum.rs`). They can lend their word to true states early and out of order,
//! so within one slot an older true state may be applied for a while. The price is the delay of the
//! `k`-th provider, and that conflating endpoints may never agree on a write that one of them skips.
//!
//! # Memory
//! The last 2,048 frames of at most 16 KiB. At most `max_accounts` accounts, of which `max_introduced`
//! on the word of one provider alone; each with, per endpoint, 128 elements of 32 bytes (of 48 with a
//! quorum) and 250 bytes of what it has said. `max_kept_bytes` of data kept back and `max_seen` messages
//! of 80 bytes, per provider, so that one that floods displaces nothing of another's. `max_pending`
//! unanswered requests per endpoint, and one entry for each confirmed subscription of a connection;
//! 64 recycled buffers; 2.6 kB of lags per endpoint. Besides, while a frame is read, a small multiple
//! of its size, and 10 MiB for each zstd frame in it.
//!
//! ```
//! use phantom_core::wss_aggregator::{AggregatorConfig, Verdict, WssAggregator};
//!
//! let mut aggregator = WssAggregator::new(AggregatorConfig::default());
//! let (a, b) = (aggregator.endpoint("a"), aggregator.endpoint("b"));
//! let pool = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ";
//! aggregator.subscribed(a, 1, pool)?;
//! aggregator.subscribed(b, 2, pool)?;
//! let frame = |subscription| format!(
//!     r#"{{"jsonrpc":"2.0","method":"accountNotification","params":{{"result":{{"context":{{"slot":9}},
//!     "value":{{"data":["AAEC","base64"],"lamports":5,"owner":"11111111111111111111111111111111"}}}},
//!     "subscription":{subscription}}}}}"#);
//! let mut updates = Vec::new();
//! assert_eq!(aggregator.push(a, frame(1).as_bytes(), &mut updates), Verdict::Fresh);
//! assert_eq!(aggregator.push(b, frame(2).as_bytes(), &mut updates), Verdict::Duplicate);
//! assert_eq!(updates.len(), 1);
//! # Ok::<(), phantom_core::wss_aggregator::Malformed>(())
//! ```

mod aggregator;
mod batch;
mod budget;
mod canonical;
mod echo;
mod filter;
mod frame;
mod ingress;
mod json;
mod lag;
mod malformed;
mod news;
mod order;
mod payload;
mod progress;
mod quarantine;
mod quorum;
mod request;
mod seen;
mod stats;
mod witness;
mod writes;

pub use aggregator::WssAggregator;
pub use filter::DuplicateFilter;
pub use lag::LagHistogram;
pub use malformed::Malformed;
pub use news::{Logs, Notification, SlotStage, SlotsUpdate};
pub use order::NO_TIME;
pub use quarantine::QuarantineLimits;
pub use stats::{AggregatorStats, EndpointStats};

use crate::freshness::{Freshness, LinkReport};
use crate::quantities::{Pubkey, Slot};

/// Bounds of an aggregator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggregatorConfig {
    /// Slots that a frame may be ahead of the highest slot seen; the first frame sets the base.
    /// Default 432,000: one epoch.
    pub max_slot_lead: u64,
    /// Longest frame that is read, in bytes. Default 64 MiB.
    pub max_frame_bytes: usize,
    /// Accounts remembered. Default 1,048,576.
    pub max_accounts: usize,
    /// Accounts remembered that one provider alone has named, in a program notification; per
    /// provider. Default 262,144.
    pub max_introduced: usize,
    /// Unanswered requests remembered, per endpoint. Default 4,096.
    pub max_pending: usize,
    /// Messages other than account writes (for [`DuplicateFilter`]: all messages) remembered, per
    /// provider that said them first. Default 65,536.
    pub max_seen: usize,
    /// Bytes of account data kept back, per provider: of writes that are not to be applied yet.
    /// Default 64 MiB.
    pub max_kept_bytes: usize,
    /// Providers that have to deliver the same before it counts. Default 1; at most 64. See
    /// [Trust](self#trust).
    pub quorum: usize,
    /// Slots that the heartbeats of a connection may leave out, beyond those that the chain skips,
    /// before it counts as a gap; for providers that thin them out. Default 0. See
    /// [`crate::freshness`].
    pub max_heartbeat_gap: u64,
    /// When providers are put under quarantine unasked. Default `None`: never.
    pub quarantine: Option<QuarantineLimits>,
}

impl Default for AggregatorConfig {
    fn default() -> Self {
        Self {
            max_slot_lead: 432_000,
            max_frame_bytes: 64 << 20,
            max_accounts: 1 << 20,
            max_introduced: 1 << 18,
            max_pending: 4096,
            max_seen: 1 << 16,
            max_kept_bytes: 64 << 20,
            quorum: 1,
            max_heartbeat_gap: 0,
            quarantine: None,
        }
    }
}

/// An endpoint of one aggregator, which is one connection, numbered from 0 in order of first mention.
///
/// To use it with another aggregator than the one that gave it may panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(usize);

impl EndpointId {
    /// Returns the number of the endpoint.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// One state of one account, to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountUpdate {
    /// The account's address.
    pub pubkey: Pubkey,
    /// The slot of the write.
    pub slot: Slot,
    /// The state; `None` if it is known that there is no such account.
    pub account: Option<Account>,
}

/// How fresh the applied state of an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountFreshness {
    /// The slot of the applied state.
    pub slot: Slot,
    /// States applied in that slot.
    pub writes: u32,
    /// Whether it was read in that slot, so that it is what the slot left.
    pub by_read: bool,
    /// Up to where it is known to be the latest, and by whose word.
    pub known: Freshness,
}

/// One connection: how far it has come, and what it lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionFreshness {
    /// Its name.
    pub name: String,
    /// How far it has come, and its counters.
    pub link: LinkReport,
    /// Slots that it is behind; `None` before it has shown one.
    pub behind_slots: Option<u64>,
}

/// The state of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The program that owns the account.
    pub owner: Pubkey,
    /// The account's balance.
    pub lamports: u64,
    /// The account's data.
    pub data: Vec<u8>,
}

/// What a frame was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// News. Account states are among the updates, anything else is a
    /// [`notification`](WssAggregator::take_notification).
    Fresh,
    /// Delivered before.
    Duplicate,
    /// Older than what is applied.
    Stale,
    /// Kept back: a write not provably newer than the applied one, or a message that too few
    /// providers have delivered.
    Held,
    /// Refused.
    Malformed(Malformed),
    /// A confirmation, a refusal, or a message of another kind.
    Control,
    /// Anything from an endpoint under quarantine: not looked at.
    Ignored,
}
