//! What is counted, for every endpoint.

use super::lag::LagHistogram;
use super::malformed::Malformed;
use crate::quantities::Slot;

/// Counters of one endpoint since it was first named.
///
/// `frames` counts frames; `wins`, `duplicates`, `stale`, `held` and `control` count what the frames
/// say, so an answer to `getMultipleAccounts` adds one for every account in it, and a batch one or
/// more for every message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointStats {
    /// The endpoint's name.
    pub name: String,
    /// Frames received.
    pub frames: u64,
    /// Writes and other messages that this endpoint delivered first, or that were applied when it
    /// delivered them; with a quorum those that its word made complete.
    pub wins: u64,
    /// What had been delivered before.
    pub duplicates: u64,
    /// What was older than the applied state.
    pub stale: u64,
    /// Writes kept back because they were not provably newer; with a quorum also what too few had
    /// delivered.
    pub held: u64,
    /// Writes kept back without their data, because of
    /// [`max_kept_bytes`](super::AggregatorConfig::max_kept_bytes).
    pub not_kept: u64,
    /// Confirmations, refusals and unknown messages.
    pub control: u64,
    /// Requests that the endpoint refused (part of `control`).
    pub refusals: u64,
    /// Frames refused, by [`Malformed::index`].
    pub malformed: [u64; Malformed::REASONS.len()],
    /// Connections closed.
    pub disconnects: u64,
    /// Last writes of a slot that stand alone against what two other providers delivered last: this
    /// endpoint lost a write, or lies.
    pub disagreements: u64,
    /// Owners that its provider alone named, while two others named the applied one.
    pub wrong_owners: u64,
    /// How far duplicates were behind the first arrival, where both came with a time.
    pub lag: LagHistogram,
    /// The highest slot named in a sound frame.
    pub highest_slot: Option<Slot>,
    /// When the last frame came, in nanoseconds of the caller's clock.
    pub last_arrival_ns: Option<u64>,
    /// Whether its provider is under quarantine.
    pub is_quarantined: bool,
    /// How often it was put there.
    pub quarantines: u64,
    /// Frames that came meanwhile, and were not looked at.
    pub ignored: u64,
}

impl EndpointStats {
    /// Returns the refused frames as pairs of reason and count, without the zeros.
    pub fn malformed_by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let pairs = Malformed::REASONS.into_iter().zip(self.malformed);
        pairs.filter(|&(_, count)| count > 0)
    }
}

/// Counters of the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AggregatorStats {
    /// In the order in which the endpoints were first named.
    pub endpoints: Vec<EndpointStats>,
    /// Accounts remembered.
    pub accounts: usize,
    /// Writes kept back that were released by a disconnect or a quarantine.
    pub released: u64,
    /// Last writes of a slot that differ between two providers, one against one.
    pub disputes: u64,
    /// The highest slot, as [`WssAggregator::highest_slot`](super::WssAggregator::highest_slot).
    pub highest_slot: Slot,
}

impl AggregatorStats {
    /// Returns one counter summed over the endpoints.
    #[must_use]
    pub fn total(&self, counter: impl Fn(&EndpointStats) -> u64) -> u64 {
        self.endpoints.iter().map(counter).sum()
    }

    /// Returns how many slots an endpoint is behind the highest; `None` before its first.
    #[must_use]
    pub fn slots_behind(&self, endpoint: &EndpointStats) -> Option<u64> {
        endpoint.highest_slot.map(|slot| self.highest_slot.saturating_sub(slot))
    }
}
