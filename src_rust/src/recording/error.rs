//! Why a recording cannot be written or read.

use std::io;
use std::path::PathBuf;

/// One sentence each: which file, what was found, and what to do where we know it.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file is not there.
    #[error("recording `{}` does not exist; hint: check the path", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A recording is never overwritten.
    #[error("`{}` already exists and is not overwritten; hint: choose another name or remove it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {doing} recording `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: `open`, `read`, `write` …
        doing: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The file begins with something else.
    #[error("`{}` is not a recording: it begins with {found}, not with a recording's mark", path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
        /// The first bytes in hex, or that there are none.
        found: String,
    },
    /// Written by a later release.
    #[error(
        "recording `{}` has format version {version}, this release reads up to {known}; hint: upgrade phantom-arbiter",
        path.display()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The file's version.
        version: u32,
        /// The highest version that this code reads.
        known: u32,
    },
    /// The file ends inside its header: it holds no records.
    #[error("recording `{}` ends at byte {length}, inside its header: it holds no records; hint: record again", path.display())]
    TornHeader {
        /// The file.
        path: PathBuf,
        /// The file's length.
        length: u64,
    },
    /// The header is not what [`super::Header`] asks for.
    #[error("the header of recording `{}` is unusable: {reason}", path.display())]
    BadHeader {
        /// The file.
        path: PathBuf,
        /// Which key, what it holds, what it may hold.
        reason: String,
    },
    /// Bytes in the middle of the file are damaged.
    #[error(
        "recording `{}` is corrupt at record {record}, byte {byte}: {found}; hint: restore the file from a copy",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Number of the first record that cannot be read; the first of all is 0.
        record: u64,
        /// Where the damaged part begins.
        byte: u64,
        /// What is wrong with it.
        found: String,
    },
    /// The writer was closed, or an earlier write failed.
    #[error("recording `{}` is closed, nothing more can be appended", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
    },
    /// Time runs forward.
    #[error("record arrives at {arrival_ns} ns, before the last one at {previous_ns} ns")]
    ArrivalGoesBack {
        /// Arrival of the record before.
        previous_ns: u64,
        /// Arrival of the refused record.
        arrival_ns: u64,
    },
    /// The header does not list this endpoint.
    #[error("endpoint {endpoint} is unknown, the header lists {known}")]
    UnknownEndpoint {
        /// Name or index as given.
        endpoint: String,
        /// How many endpoints the header lists.
        known: usize,
    },
    /// The frame is longer than any endpoint sends.
    #[error("frame of {length} bytes is too long, at most {max} are recorded")]
    FrameTooLong {
        /// The frame's length.
        length: usize,
        /// The bound.
        max: usize,
    },
    /// An option of the writer is out of range.
    #[error("{option} is {value}, it may be {min} to {max}")]
    BadOption {
        /// The option's name.
        option: &'static str,
        /// What was given.
        value: i64,
        /// Lowest possible.
        min: i64,
        /// Highest possible.
        max: i64,
    },
}
