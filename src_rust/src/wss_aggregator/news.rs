//! News other than account states.

use super::frame;
use crate::quantities::Slot;

/// News that is not an account state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// A transaction's log.
    Log {
        /// The transaction's signature, in base58.
        signature: String,
        /// The slot of the transaction.
        slot: Slot,
        /// Whether the transaction failed.
        failed: bool,
        /// The log, as it came.
        logs: Logs,
    },
    /// A slot begins.
    Slot {
        /// The new slot.
        slot: Slot,
        /// The slot it follows.
        parent: Slot,
        /// The last rooted slot.
        root: Slot,
    },
    /// A slot was rooted.
    Root {
        /// The rooted slot.
        root: Slot,
    },
    /// Something happened to a slot.
    SlotsUpdate(SlotsUpdate),
    /// A signature was received or reached the commitment asked for.
    Signature {
        /// The signature, in base58.
        signature: String,
        /// The slot of the notification.
        slot: Slot,
        /// True for "received", false for "processed" with the outcome in `failed`.
        received: bool,
        /// Whether the transaction failed.
        failed: bool,
    },
}

/// The lines of a log as a JSON array, read on demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs(pub(super) Vec<u8>);

impl Logs {
    /// Returns the lines; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        frame::strings(&self.0).unwrap_or_default() // checked when it came
    }
}

/// Something that happened to a slot, as one node saw it (`slotsUpdatesSubscribe`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotsUpdate {
    /// The slot.
    pub slot: Slot,
    /// What happened.
    pub stage: SlotStage,
    /// The slot it follows, where that is told.
    pub parent: Option<Slot>,
    /// When it happened by that node's clock, in milliseconds since 1970.
    pub timestamp_ms: u64,
}

/// What can happen to a slot.
///
/// # Source
/// Solana JSON-RPC `PubSub`, `slotsUpdatesSubscribe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotStage {
    /// Its first shred came.
    FirstShredReceived,
    /// All its shreds are there.
    Completed,
    /// Its bank was made.
    CreatedBank,
    /// Its bank is final.
    Frozen,
    /// It failed.
    Dead,
    /// Enough stake has voted for it.
    OptimisticConfirmation,
    /// It was rooted.
    Root,
}

impl SlotStage {
    const NAMES: [(&'static str, Self); 7] = [
        ("firstShredReceived", Self::FirstShredReceived),
        ("completed", Self::Completed),
        ("createdBank", Self::CreatedBank),
        ("frozen", Self::Frozen),
        ("dead", Self::Dead),
        ("optimisticConfirmation", Self::OptimisticConfirmation),
        ("root", Self::Root),
    ];

    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| known.as_bytes() == name).map(|&(_, stage)| stage)
    }

    /// Returns its name in the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|&&(_, stage)| stage == self).map_or("", |&(name, _)| name)
    }
}
