//! The append-only log of what entered the engine, and how to read it back.
//!
//! A [`Record`] is one thing that happened at one endpoint: the connection opened or closed, a
//! request went out, a frame came in; with its arrival in nanoseconds since the recording began.
//! The one idea: records are gathered into blocks, and **a block is whole or it does not count**.
//! A crash costs at most the block that was being written; it never makes a file unreadable.
//!
//! # File format, version 1
//!
//! All integers are little-endian; checksums are XXH3-64.
//!
//! | part | bytes |
//! |---|---|
//! | preamble | magic (8) · version u32 · header length u32 · checksum u64 over version, length and header |
//! | header | JSON object, see [`Header`] |
//! | block, repeated | head (40) · one zstd frame |
//! | index, on close | head (40) · per block: offset u64 · its head (40) |
//! | slots, on close | head (40) · per block: highest slot up to its end u64; older files have none |
//! | footer, on close | index offset u64 · records u64 · duration u64 · checksum u64 · magic (8) |
//!
//! A head is: tag (`BLCK`, `INDX` or `SLOT`) · stored length u32 · raw length u32 · entries u32 · first
//! arrival u64 · last arrival u64 · checksum u64 over the head before it and the stored bytes.
//!
//! Inside a block a record is: kind u8 · endpoint varint · arrival varint (since the record before
//! it, the first since the head's first arrival) · for `Sent` and `Received` also length varint and
//! frame. Blocks are compressed with a window as long as themselves, so that the copies of one
//! account which several endpoints deliver cost next to nothing after the first.
//!
//! # Reading a damaged file
//!
//! A file with a footer was closed. Without one (a crash, a cut copy) the blocks are found by
//! scanning: the tail after the last whole block is left out and [`Recording::torn_at`] names the
//! byte. Damage with whole blocks behind it is no torn tail but [`RecordingError::Corrupt`], as is
//! damage anywhere in a closed file.
//!
//! # Recording what arrives
//!
//! [`Recorder`] takes frames from a thread that must not wait and writes them in one of its own.
//! [`Parts`] splits a recording into files, each of which begins with the subscriptions then in
//! force ([`Subscriptions`]), so that it can be replayed alone.

mod error;
mod format;
mod header;
mod parts;
mod reader;
mod recorder;
mod scan;
mod slots;
mod subscriptions;
mod writer;

pub use error::RecordingError;
pub use format::{MAX_BLOCK_BYTES, MAX_FRAME_BYTES, VERSION};
pub use header::Header;
pub use parts::{PartOptions, Parts, part_path};
pub use reader::{Recording, Records};
pub use recorder::{Recorder, RecorderOptions, RecorderStats};
pub use slots::MAX_SLOT_LEAD;
pub use subscriptions::Subscriptions;
pub use writer::{RecordingWriter, WriterOptions};

/// What happened at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The connection opened.
    Connect,
    /// An outgoing JSON-RPC request.
    Sent(&'a [u8]),
    /// An incoming frame, exactly as it came.
    Received(&'a [u8]),
    /// The connection closed.
    Disconnect,
}

/// One entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Index into the header's endpoints.
    pub endpoint: u32,
    /// Nanoseconds since the recording began; never below the record before.
    pub arrival_ns: u64,
    /// What happened.
    pub event: Event<'a>,
}
