//! What is counted, for every endpoint.

use super::malformed::Malformed;

/// Counters of one endpoint since it was first named.
///
/// `frames` counts frames; `wins`, `duplicates`, `stale` and `held` count what the frames say, so
/// an answer to `getMultipleAccounts` adds one for every account in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointStats {
    /// The endpoint's name.
    pub name: String,
    /// Frames received.
    pub frames: u64,
    /// Writes, logs, slots and signatures that this endpoint delivered first, or that were
    /// applied when it delivered them.
    pub wins: u64,
    /// What had been delivered before.
    pub duplicates: u64,
    /// What was older than the applied state.
    pub stale: u64,
    /// Writes kept back because they were not provably newer.
    pub held: u64,
    /// Confirmations, refusals and unknown messages.
    pub control: u64,
    /// Requests that the endpoint refused (part of `control`).
    pub refusals: u64,
    /// Frames refused, by [`Malformed::index`].
    pub malformed: [u64; Malformed::REASONS.len()],
    /// Connections closed.
    pub disconnects: u64,
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
    /// Writes kept back that were released by a disconnect.
    pub released: u64,
}

impl AggregatorStats {
    /// Returns one counter summed over the endpoints.
    #[must_use]
    pub fn total(&self, counter: impl Fn(&EndpointStats) -> u64) -> u64 {
        self.endpoints.iter().map(counter).sum()
    }
}
