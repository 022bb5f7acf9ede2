//! Why a frame was not understood.

use crate::quantities::Slot;

/// Why a frame was refused. A refused frame changes nothing but counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than [`max_frame_bytes`](super::AggregatorConfig::max_frame_bytes).
    #[error("the frame has {len} bytes, at most {max} are read")]
    OversizeFrame {
        /// Bytes received.
        len: usize,
        /// Bytes accepted.
        max: usize,
    },
    /// Not one JSON text: cut off, garbage, or nested deeper than 128 levels.
    #[error("not JSON at byte {at}")]
    NotJson {
        /// Offset of the first byte that cannot be there.
        at: usize,
    },
    /// JSON, but a field holds another type or range than the protocol's.
    #[error("`{0}` has the wrong type")]
    WrongType(&'static str),
    /// A field that the message needs is absent.
    #[error("`{0}` is missing")]
    MissingField(&'static str),
    /// An account notification for a subscription that this connection never confirmed.
    #[error("subscription {0} was never confirmed on this connection")]
    UnknownSubscription(u64),
    /// Account data in an encoding other than `base64` and `base64+zstd`.
    #[error("account data is neither base64 nor base64+zstd")]
    UnknownEncoding,
    /// The data is not canonical, padded base64.
    #[error("account data is not base64")]
    BadBase64,
    /// The data is not one complete zstd frame.
    #[error("account data is not a zstd frame")]
    BadZstd,
    /// The data unpacks to more than an account can hold (10 MiB).
    #[error("account data is longer than {max} bytes")]
    OversizeData {
        /// Largest length accepted, in bytes.
        max: usize,
    },
    /// An address or an owner is not base58 of 32 bytes.
    #[error("an address is not base58 of 32 bytes")]
    BadPubkey,
    /// A signature is not base58 of 64 bytes.
    #[error("a signature is not base58 text of 64 to 88 letters")]
    BadSignature,
    /// Further ahead of the highest slot seen than the configured bound.
    #[error("slot {slot} is more than {max_lead} ahead of {highest}")]
    ImpossibleSlot {
        /// The slot that the frame claims.
        slot: Slot,
        /// The highest slot accepted so far.
        highest: Slot,
        /// How far ahead a slot may be.
        max_lead: u64,
    },
    /// A read returned another number of accounts than were asked for.
    #[error("{found} accounts in the response, {expected} were asked for")]
    WrongCount {
        /// Accounts in the response.
        found: usize,
        /// Addresses in the request.
        expected: usize,
    },
    /// One account more than [`max_accounts`](super::AggregatorConfig::max_accounts).
    #[error("more than {max} accounts")]
    TooManyAccounts {
        /// Accounts remembered at most.
        max: usize,
    },
    /// An owner that this endpoint alone names, while two others name the applied one.
    #[error("the owner is not the one that two other endpoints name")]
    WrongOwner,
    /// One address more than [`max_introduced`](super::AggregatorConfig::max_introduced) that this
    /// endpoint alone has named.
    #[error("more than {max} accounts that no other endpoint names")]
    TooManyIntroduced {
        /// Accounts remembered on the word of one endpoint at most.
        max: usize,
    },
    /// One request more than [`max_pending`](super::AggregatorConfig::max_pending) unanswered ones.
    #[error("more than {max} unanswered requests")]
    TooManyRequests {
        /// Unanswered requests remembered at most, for one endpoint.
        max: usize,
    },
}

impl Malformed {
    /// Every reason there is, in the order of [`index`](Self::index).
    pub const REASONS: [&'static str; 17] = [
        "oversize_frame",
        "not_json",
        "wrong_type",
        "missing_field",
        "unknown_subscription",
        "unknown_encoding",
        "bad_base64",
        "bad_zstd",
        "oversize_data",
        "bad_pubkey",
        "bad_signature",
        "impossible_slot",
        "wrong_count",
        "too_many_accounts",
        "too_many_requests",
        "wrong_owner",
        "too_many_introduced",
    ];

    /// Returns the position of this reason in [`REASONS`](Self::REASONS).
    #[must_use]
    pub fn index(&self) -> usize {
        match self {
            Self::OversizeFrame { .. } => 0,
            Self::NotJson { .. } => 1,
            Self::WrongType(_) => 2,
            Self::MissingField(_) => 3,
            Self::UnknownSubscription(_) => 4,
            Self::UnknownEncoding => 5,
            Self::BadBase64 => 6,
            Self::BadZstd => 7,
            Self::OversizeData { .. } => 8,
            Self::BadPubkey => 9,
            Self::BadSignature => 10,
            Self::ImpossibleSlot { .. } => 11,
            Self::WrongCount { .. } => 12,
            Self::TooManyAccounts { .. } => 13,
            Self::TooManyRequests { .. } => 14,
            Self::WrongOwner => 15,
            Self::TooManyIntroduced { .. } => 16,
        }
    }

    /// Returns the stable name under which this reason is counted.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        Self::REASONS[self.index()]
    }
}
