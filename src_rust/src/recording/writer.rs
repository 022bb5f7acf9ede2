//! Appending: gather records, write whole blocks, seal the file on close.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::format::{
    BLOCK_TAG, Footer, HEAD_LEN, Head, INDEX_ENTRY_LEN, INDEX_TAG, MAX_BLOCK_BYTES, MAX_FRAME_BYTES,
    PREAMBLE_LEN, Preamble, SLOTS_TAG, put_record,
};
use super::slots::SlotClock;
use super::{Event, Header, Record, RecordingError};

/// How a recording is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterOptions {
    /// zstd level, 1 (fast) to 22 (small).
    pub level: i32,
    /// Uncompressed size at which a block is written, in bytes; 1 to [`MAX_BLOCK_BYTES`]. A crash
    /// loses at most this much; a large block compresses better.
    pub block_bytes: usize,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { level: 3, block_bytes: 4 << 20 }
    }
}

/// Appends records to a new file.
///
/// Dropped without [`RecordingWriter::close`] the file is what a crash would leave: every block
/// that was written, no footer. After a failed write the file is cut back to its last whole block
/// and the writer is closed.
pub struct RecordingWriter {
    path: PathBuf,
    file: Option<File>,
    header: Header,
    block_bytes: usize,
    compressor: Compressor<'static>,
    block: Vec<u8>,
    block_records: u32,
    block_first_ns: u64,
    last_arrival_ns: u64,
    position: u64,
    index: Vec<u8>,
    slot_clock: SlotClock,
    slots: Vec<u8>,
    records: u64,
    /// Whether the disk may not have every block yet.
    unsynced: bool,
}

impl RecordingWriter {
    /// Creates the file and writes its header.
    ///
    /// # Errors
    /// [`RecordingError::Exists`] rather than overwriting; [`RecordingError::BadOption`];
    /// [`RecordingError::Io`].
    pub fn create(path: &Path, header: Header, options: WriterOptions) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::Io { path: path.to_owned(), doing: "create", source };
        check(options)?;
        let compressor = compressor(options).map_err(failed)?;
        let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|source| {
            if source.kind() == ErrorKind::AlreadyExists {
                RecordingError::Exists { path: path.to_owned() }
            } else {
                failed(source)
            }
        })?;
        let json = header.json().as_bytes();
        let header_len = u32::try_from(json.len()).map_err(|_| RecordingError::BadHeader {
            path: path.to_owned(),
            reason: format!("it is {} bytes long", json.len()),
        })?;
        file.write_all(&Preamble::new(header_len, json).encode())
            .and_then(|()| file.write_all(json))
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_folder(path))
            .map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file: Some(file),
            position: PREAMBLE_LEN as u64 + u64::from(header_len),
            header,
            block_bytes: options.block_bytes,
            compressor,
            block: Vec::new(),
            block_records: 0,
            block_first_ns: 0,
            last_arrival_ns: 0,
            index: Vec::new(),
            slot_clock: SlotClock::new(),
            slots: Vec::new(),
            records: 0,
            unsynced: false,
        })
    }

    /// Returns the header as written.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns how many records were appended.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Returns how many bytes were written to the file.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.position
    }

    /// Appends one record; a block that has become full is written and synced.
    ///
    /// # Errors
    /// A record that cannot be kept is refused and changes nothing; a write error closes the writer.
    pub fn append(&mut self, record: &Record<'_>) -> Result<(), RecordingError> {
        self.append_unsynced(record)?;
        if self.unsynced { self.flush() } else { Ok(()) }
    }

    /// Does what [`append`](Self::append) does, but a block that has become full is only written: it
    /// is safe from a crash of the machine with the next [`flush`](Self::flush). To wait for the disk
    /// at every block would bound the speed.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_unsynced(&mut self, record: &Record<'_>) -> Result<(), RecordingError> {
        if self.file.is_none() {
            return Err(RecordingError::Closed { path: self.path.clone() });
        }
        if record.arrival_ns < self.last_arrival_ns {
            return Err(RecordingError::ArrivalGoesBack {
                previous_ns: self.last_arrival_ns,
                arrival_ns: record.arrival_ns,
            });
        }
        if record.endpoint as usize >= self.header.endpoints().len() {
            return Err(RecordingError::UnknownEndpoint {
                endpoint: record.endpoint.to_string(),
                known: self.header.endpoints().len(),
            });
        }
        if let Event::Sent(frame) | Event::Received(frame) = record.event
            && frame.len() > MAX_FRAME_BYTES
        {
            return Err(RecordingError::FrameTooLong { length: frame.len(), max: MAX_FRAME_BYTES });
        }
        if self.block_records == 0 {
            self.block_first_ns = record.arrival_ns;
            self.last_arrival_ns = record.arrival_ns;
        }
        if let Event::Received(frame) = record.event {
            self.slot_clock.see(frame);
        }
        put_record(record, self.last_arrival_ns, &mut self.block);
        self.last_arrival_ns = record.arrival_ns;
        self.block_records += 1;
        self.records += 1;
        if self.block.len() >= self.block_bytes || self.block_records == u32::MAX {
            return self.write_gathered();
        }
        Ok(())
    }

    /// Writes what was gathered as a block and waits until the disk has it and all before it.
    ///
    /// # Errors
    /// [`RecordingError::Io`]; [`RecordingError::Closed`].
    pub fn flush(&mut self) -> Result<(), RecordingError> {
        if self.file.is_none() {
            return Err(RecordingError::Closed { path: self.path.clone() });
        }
        self.write_gathered()?;
        if self.unsynced {
            let file = self.file.as_ref().ok_or_else(|| io::Error::from(ErrorKind::NotConnected));
            let synced = file.and_then(File::sync_data);
            synced.map_err(|source| self.give_up(source))?;
            self.unsynced = false;
        }
        Ok(())
    }

    fn write_gathered(&mut self) -> Result<(), RecordingError> {
        if self.block_records == 0 {
            return Ok(());
        }
        let written = self.write_block();
        self.block.clear();
        self.block_records = 0;
        written.map_err(|source| self.give_up(source))
    }

    /// Writes the last block, index and footer. A second call does nothing.
    ///
    /// # Errors
    /// [`RecordingError::Io`]: the records written so far stay readable.
    pub fn close(&mut self) -> Result<(), RecordingError> {
        if self.file.is_none() {
            return Ok(());
        }
        self.flush()?;
        let sealed = self.write_end();
        sealed.map_err(|source| self.give_up(source))?;
        self.file = None;
        Ok(())
    }

    fn write_block(&mut self) -> io::Result<()> {
        let stored = self.compressor.compress(&self.block)?;
        let head = Head {
            tag: BLOCK_TAG,
            stored_len: length(stored.len())?,
            raw_len: length(self.block.len())?,
            entries: self.block_records,
            first_arrival_ns: self.block_first_ns,
            last_arrival_ns: self.last_arrival_ns,
            checksum: 0,
        }
        .sealed(&stored);
        let file = self.file.as_mut().ok_or(ErrorKind::NotConnected)?;
        file.write_all(&head.encode())?;
        file.write_all(&stored)?;
        self.unsynced = true;
        self.index.extend_from_slice(&self.position.to_le_bytes());
        self.index.extend_from_slice(&head.encode());
        self.slots.extend_from_slice(&self.slot_clock.highest().to_le_bytes());
        self.position += HEAD_LEN as u64 + stored.len() as u64;
        Ok(())
    }

    fn write_end(&mut self) -> io::Result<()> {
        let blocks = length(self.index.len() / INDEX_ENTRY_LEN)?;
        let head = |tag, listing: &[u8]| {
            let length = length(listing.len())?;
            let head = Head {
                tag,
                stored_len: length,
                raw_len: length,
                entries: blocks,
                first_arrival_ns: 0,
                last_arrival_ns: self.last_arrival_ns,
                checksum: 0,
            };
            io::Result::Ok(head.sealed(listing).encode())
        };
        let (index_head, slots_head) = (head(INDEX_TAG, &self.index)?, head(SLOTS_TAG, &self.slots)?);
        let footer =
            Footer { index_offset: self.position, records: self.records, duration_ns: self.last_arrival_ns };
        let file = self.file.as_mut().ok_or(ErrorKind::NotConnected)?;
        let parts: [&[u8]; 5] = [&index_head, &self.index, &slots_head, &self.slots, &footer.encode()];
        file.write_all(&parts.concat())?;
        file.sync_all()?;
        self.position += parts.iter().map(|part| part.len() as u64).sum::<u64>();
        Ok(())
    }

    /// Cuts the file back to its last whole block, so that nothing can follow a torn one.
    fn give_up(&mut self, source: io::Error) -> RecordingError {
        if let Some(file) = self.file.take() {
            // If even this fails the tail stays torn, which a reader leaves out.
            let _ = file.set_len(self.position).and_then(|()| file.sync_all());
        }
        RecordingError::Io { path: self.path.clone(), doing: "write", source }
    }
}

/// Waits until the disk has the new file's name too.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Only Unix can open a folder to sync it.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the form it has on Unix")]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))
}

fn check(options: WriterOptions) -> Result<(), RecordingError> {
    let in_range = |option, value: i64, max: i64| {
        if (1..=max).contains(&value) {
            return Ok(());
        }
        Err(RecordingError::BadOption { option, value, min: 1, max })
    };
    in_range("level", i64::from(options.level), 22)?;
    let signed = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
    in_range("block_bytes", signed(options.block_bytes), signed(MAX_BLOCK_BYTES))
}

/// Returns a compressor whose window spans a whole block, up to zstd's portable 128 MiB.
///
/// Without zstd's long-distance matching: it halves the speed, and copies of one account that come
/// within a few hundred frames of each other are found without it as well.
fn compressor(options: WriterOptions) -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(options.level)?;
    let window_log = usize::BITS - options.block_bytes.leading_zeros();
    compressor.set_parameter(CParameter::WindowLog(window_log.clamp(17, 27)))?;
    Ok(compressor)
}
