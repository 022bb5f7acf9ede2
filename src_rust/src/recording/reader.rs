//! Reading: open, iterate, seek by time. One block is in memory at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zstd::bulk::Decompressor;

use super::format::take_record;
use super::scan::{Block, Layout, Source};
use super::slots::SlotClock;
use super::{Event, Header, Record, RecordingError};

/// A recording, opened. Cheap to share: every iteration opens the file anew.
pub struct Recording {
    path: PathBuf,
    header: Header,
    blocks: Arc<[Block]>,
    slots: Vec<u64>,
    torn_at: Option<u64>,
}

/// Which records are left out at the beginning of an iteration.
enum Start {
    Arrival(u64),
    Slot(u64, SlotClock),
}

impl Recording {
    /// Opens a recording and finds its blocks.
    ///
    /// A file without footer is walked through once, its checksums included.
    ///
    /// # Errors
    /// [`RecordingError::Missing`], [`RecordingError::NotARecording`], [`RecordingError::TooNew`],
    /// [`RecordingError::TornHeader`], [`RecordingError::BadHeader`], [`RecordingError::Corrupt`],
    /// [`RecordingError::Io`].
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let Layout { header, blocks, slots, torn_at } = Source::open(path)?.layout()?;
        Ok(Self { path: path.to_owned(), header, blocks: blocks.into(), slots, torn_at })
    }

    /// Returns what the recording says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the number of records in whole blocks.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.blocks.last().map_or(0, |last| last.first_record + u64::from(last.head.entries))
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Returns the arrival of the last record in nanoseconds; 0 if there are none.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.blocks.last().map_or(0, |last| last.head.last_arrival_ns)
    }

    /// Returns where the whole blocks of a file end that was never closed; `None` if it was.
    #[must_use]
    pub fn torn_at(&self) -> Option<u64> {
        self.torn_at
    }

    /// Returns the records that arrived at `arrival_ns` or later, in the order of their appending;
    /// `since(0)` is all of them.
    ///
    /// # Errors
    /// [`RecordingError::Missing`] or [`RecordingError::Io`] if the file can no longer be opened.
    pub fn since(&self, arrival_ns: u64) -> Result<Records, RecordingError> {
        let next_block = self.blocks.partition_point(|block| block.head.last_arrival_ns < arrival_ns);
        self.records(Start::Arrival(arrival_ns), next_block)
    }

    /// Returns the records from the first incoming frame on that speaks of `slot` or a later one.
    ///
    /// A frame's slot is the first number under a key `slot`; one that is more than
    /// [`super::MAX_SLOT_LEAD`] ahead of all before it is none. A file that was never closed, or
    /// by a release that kept no slots, is read from its beginning.
    ///
    /// # Errors
    /// As [`Recording::since`].
    pub fn since_slot(&self, slot: u64) -> Result<Records, RecordingError> {
        let next_block = self.slots.partition_point(|&highest| highest < slot);
        let before = next_block.checked_sub(1).and_then(|block| self.slots.get(block));
        let clock = SlotClock::starting_at(before.copied().unwrap_or(0));
        self.records(Start::Slot(slot, clock), next_block)
    }

    fn records(&self, start: Start, next_block: usize) -> Result<Records, RecordingError> {
        Ok(Records {
            source: Source::open(&self.path)?,
            blocks: Arc::clone(&self.blocks),
            endpoints: self.header.endpoints().len(),
            start,
            next_block,
            stored: Vec::new(),
            raw: Vec::new(),
            at: 0,
            left: 0,
            previous_ns: 0,
        })
    }
}

/// Records one after the other; a record borrows from the block that is in memory.
pub struct Records {
    source: Source,
    blocks: Arc<[Block]>,
    endpoints: usize,
    start: Start,
    next_block: usize,
    stored: Vec<u8>,
    raw: Vec<u8>,
    at: usize,
    left: u32,
    previous_ns: u64,
}

impl Records {
    /// Returns the next record, or `None` behind the last.
    ///
    /// # Errors
    /// [`RecordingError::Corrupt`] at a damaged block; [`RecordingError::Io`]. After an error the
    /// iteration is at its end.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, RecordingError> {
        loop {
            if self.left == 0 && !self.load_block()? {
                return Ok(None);
            }
            let start = (self.at, self.previous_ns);
            let Some(record) = take_record(&self.raw, &mut self.at, self.previous_ns)
                .filter(|record| (record.endpoint as usize) < self.endpoints)
            else {
                return Err(self.stop("a block holds something that is not a record"));
            };
            let wanted = match &mut self.start {
                Start::Arrival(since_ns) => record.arrival_ns >= *since_ns,
                Start::Slot(slot, clock) => {
                    if let Event::Received(frame) = record.event
                        && clock.highest() < *slot
                    {
                        clock.see(frame);
                    }
                    clock.highest() >= *slot
                }
            };
            self.previous_ns = record.arrival_ns;
            self.left -= 1;
            if self.left == 0 && self.at != self.raw.len() {
                return Err(self.stop("a block is longer than its records"));
            }
            if wanted {
                // Read again: the borrow checker does not let a loop return what it looked at.
                let (mut at, previous_ns) = start;
                return Ok(take_record(&self.raw, &mut at, previous_ns));
            }
        }
    }

    /// Returns whether the next record needs a block from the file: the call that takes long.
    #[must_use]
    pub fn at_block_end(&self) -> bool {
        self.left == 0
    }

    /// Makes sure that a block is in memory; `false` behind the last.
    ///
    /// # Errors
    /// As [`Records::next_record`].
    pub fn load_block(&mut self) -> Result<bool, RecordingError> {
        while self.left == 0 {
            let Some(block) = self.blocks.get(self.next_block).copied() else { return Ok(false) };
            self.next_block += 1;
            if let Err(error) = self.source.read_stored(&block, &mut self.stored) {
                self.next_block = self.blocks.len();
                return Err(error);
            }
            // `raw_len` is bounded by `MAX_RAW_BYTES` and covered by the checksum.
            let unpacked = Decompressor::new()
                .and_then(|mut zstd| zstd.decompress(&self.stored, block.head.raw_len as usize))
                .ok()
                .filter(|raw| raw.len() == block.head.raw_len as usize);
            self.left = block.head.entries;
            let Some(raw) = unpacked else { return Err(self.stop("a block cannot be decompressed")) };
            self.raw = raw;
            self.at = 0;
            self.previous_ns = block.head.first_arrival_ns;
        }
        Ok(true)
    }

    /// Ends the iteration at the block in hand.
    fn stop(&mut self, found: &str) -> RecordingError {
        let block = self.blocks.get(self.next_block.saturating_sub(1));
        let (first_record, offset, entries) =
            block.map_or((0, 0, 0), |block| (block.first_record, block.offset, block.head.entries));
        let read = entries.saturating_sub(self.left.max(1));
        self.left = 0;
        self.next_block = self.blocks.len();
        self.source.corrupt(first_record + u64::from(read), offset, found)
    }
}
