//! What the fee engine refuses.

use super::MAX_SOURCES;
use crate::quantities::Slot;

/// Why an observation, a question or a setting was refused; nothing has changed then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FeeError {
    /// A setting out of its range.
    #[error("{name} is {found}, it may be {least} to {most}")]
    Config {
        /// The setting.
        name: &'static str,
        /// The value as given.
        found: u64,
        /// Least value.
        least: u64,
        /// Greatest value.
        most: u64,
    },
    /// Time went back.
    #[error("slot {found} is before slot {now}, which was seen already")]
    SlotWentBack {
        /// The slot as given.
        found: Slot,
        /// What is known.
        now: Slot,
    },
    /// A slot that the chain has not reached.
    #[error("slot {found} is more than {most} slots ahead of slot {now}")]
    SlotAhead {
        /// The slot as given.
        found: Slot,
        /// What the chain has reached.
        now: Slot,
        /// Greatest lead that is believed.
        most: u64,
    },
    /// A price that nobody pays.
    #[error("slot {slot}: a price of {found} micro-lamports per compute unit, at most {most} is believed")]
    AbsurdPrice {
        /// The price as given.
        found: u64,
        /// Its slot.
        slot: Slot,
        /// Greatest price that is believed.
        most: u64,
    },
    /// A source out of range.
    #[error("source is {found}, it may be 0 to {}", MAX_SOURCES - 1)]
    Source {
        /// The number as given.
        found: usize,
    },
    /// A block fuller than full.
    #[error("fullness is {found} basis points, it may be 0 to 10000")]
    Fullness {
        /// The value as given.
        found: u32,
    },
    /// No percentile.
    #[error("the percentile is {found} basis points, it may be 1 to 9999")]
    Percentile {
        /// The value as given.
        found: u32,
    },
    /// Compute units that no transaction uses.
    #[error("compute units are {found}, they may be 1 to {}", super::MAX_COMPUTE_UNIT_LIMIT)]
    Units {
        /// The value as given.
        found: u32,
    },
    /// More venues than are remembered.
    #[error("venue `{venue}` is one more than the {} that are remembered", super::MAX_VENUES)]
    TooManyVenues {
        /// The venue that did not fit.
        venue: String,
    },
    /// A tip that is none.
    #[error("tip floor: {name} is {found} SOL, it may be 0 to {most}")]
    TipFloor {
        /// Which percentile.
        name: &'static str,
        /// The value as given.
        found: f64,
        /// Greatest tip that is believed, SOL.
        most: f64,
    },
    /// Percentiles that fall.
    #[error("tip floor: {higher} ({found} lamports) is below {lower} ({bound} lamports)")]
    TipFloorOrder {
        /// The higher percentile.
        higher: &'static str,
        /// Its value.
        found: u64,
        /// The lower percentile.
        lower: &'static str,
        /// Its value.
        bound: u64,
    },
    /// A fee that does not fit 64 bits.
    #[error("{price} micro-lamports for each of {limit} compute units exceed 18446744073709551615 lamports")]
    Overflow {
        /// Micro-lamports per compute unit.
        price: u64,
        /// Compute units.
        limit: u64,
    },
    /// A price is asked for no compute units.
    #[error("the compute unit limit is 0, it may be 1 or more")]
    ZeroLimit,
}
