//! Finding a file's blocks: by its index, or by walking through it if it was never closed.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::RecordingError;
use super::format::{
    BLOCK_TAG, FOOTER_LEN, Footer, HEAD_LEN, Head, INDEX_ENTRY_LEN, INDEX_TAG, MAGIC, MAX_RAW_BYTES,
    PREAMBLE_LEN, Preamble, SLOTS_ENTRY_LEN, SLOTS_TAG, VERSION,
};
use super::header::{Header, MAX_HEADER_BYTES};

/// Where a block is and what its head says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub offset: u64,
    /// Records in all blocks before this one.
    pub first_record: u64,
    pub head: Head,
}

impl Block {
    /// Returns the byte behind the block.
    fn end(&self) -> u64 {
        self.offset + HEAD_LEN as u64 + u64::from(self.head.stored_len)
    }
}

/// A file with its name, for errors.
pub(super) struct Source {
    pub path: PathBuf,
    file: File,
    length: u64,
}

/// What a file holds.
pub(super) struct Layout {
    pub header: Header,
    pub blocks: Vec<Block>,
    /// Highest slot up to the end of each block; empty if the file does not say.
    pub slots: Vec<u64>,
    pub torn_at: Option<u64>,
}

impl Source {
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let failed = |source: io::Error| match source.kind() {
            ErrorKind::NotFound => RecordingError::Missing { path: path.to_owned() },
            _ => RecordingError::Io { path: path.to_owned(), doing: "open", source },
        };
        let file = File::open(path).map_err(failed)?;
        let facts = file.metadata().map_err(failed)?;
        if !facts.is_file() {
            return Err(failed(io::Error::other("it is not a file")));
        }
        Ok(Self { path: path.to_owned(), length: facts.len(), file })
    }

    pub fn layout(&mut self) -> Result<Layout, RecordingError> {
        let (header, start) = self.header()?;
        let Some(footer) = self.footer(start)? else {
            let (blocks, torn_at) = self.walked(start)?;
            return Ok(Layout { header, blocks, slots: Vec::new(), torn_at });
        };
        let (blocks, end) = self.indexed(start, &footer)?;
        let slots = self.slots(end, blocks.len(), &footer)?;
        Ok(Layout { header, blocks, slots, torn_at: None })
    }

    /// Reads a block's stored bytes into `stored`.
    pub fn read_stored(&mut self, block: &Block, stored: &mut Vec<u8>) -> Result<(), RecordingError> {
        match self.whole_block(block.offset, stored)? {
            Some(head) if head == block.head => Ok(()),
            _ => Err(self.corrupt(block.first_record, block.offset, "a block's checksum is wrong")),
        }
    }

    pub fn corrupt(&self, record: u64, byte: u64, found: impl Into<String>) -> RecordingError {
        RecordingError::Corrupt { path: self.path.clone(), record, byte, found: found.into() }
    }

    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> Result<(), RecordingError> {
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(into))
            .map_err(|source| RecordingError::Io { path: self.path.clone(), doing: "read", source })
    }

    /// Returns the header and the byte behind it.
    fn header(&mut self) -> Result<(Header, u64), RecordingError> {
        let torn = RecordingError::TornHeader { path: self.path.clone(), length: self.length };
        let mut start = [0; PREAMBLE_LEN];
        let present = usize::try_from(self.length).unwrap_or(usize::MAX).min(PREAMBLE_LEN);
        self.read_at(0, &mut start[..present])?;
        let mark = present.min(MAGIC.len());
        if present == 0 || start[..mark] != MAGIC[..mark] {
            return Err(RecordingError::NotARecording {
                path: self.path.clone(),
                found: shown(&start[..mark]),
            });
        }
        let Some(preamble) = Preamble::decode(&start).filter(|_| present == PREAMBLE_LEN) else {
            return Err(torn);
        };
        if preamble.version > VERSION {
            return Err(RecordingError::TooNew {
                path: self.path.clone(),
                version: preamble.version,
                known: VERSION,
            });
        }
        let header_len = preamble.header_len as usize;
        if header_len > MAX_HEADER_BYTES {
            return Err(self.corrupt(0, 12, format!("the header claims {header_len} bytes")));
        }
        let end = PREAMBLE_LEN as u64 + u64::from(preamble.header_len);
        if end > self.length {
            return Err(torn);
        }
        let mut json = vec![0; header_len];
        self.read_at(PREAMBLE_LEN as u64, &mut json)?;
        if !preamble.is_whole(&json) {
            return Err(self.corrupt(0, 8, "the header's checksum is wrong"));
        }
        let json = String::from_utf8(json).map_err(|_| self.corrupt(0, 24, "the header is not UTF-8"))?;
        Ok((Header::parse(&json, &self.path)?, end))
    }

    fn footer(&mut self, start: u64) -> Result<Option<Footer>, RecordingError> {
        if self.length < start + (HEAD_LEN + FOOTER_LEN) as u64 {
            return Ok(None);
        }
        let mut bytes = [0; FOOTER_LEN];
        self.read_at(self.length - FOOTER_LEN as u64, &mut bytes)?;
        Ok(Footer::decode(&bytes))
    }

    /// Returns the blocks that a closed file's index lists, and the byte behind the index.
    fn indexed(&mut self, start: u64, footer: &Footer) -> Result<(Vec<Block>, u64), RecordingError> {
        let wrong = self.corrupt(footer.records, footer.index_offset, "the index is damaged");
        let mut listing = Vec::new();
        let index_end = self.length - FOOTER_LEN as u64;
        if !(start..index_end).contains(&footer.index_offset) {
            return Err(wrong);
        }
        let Some(head) = self.whole_part(INDEX_TAG, footer.index_offset, index_end, &mut listing)? else {
            return Err(wrong);
        };
        let mut blocks = Vec::new();
        let mut end = start;
        let mut records = 0_u64;
        let mut last_ns = 0;
        for entry in listing.chunks(INDEX_ENTRY_LEN) {
            let Some((offset, head)) = entry.split_first_chunk::<8>() else { return Err(wrong) };
            let Some(head) = Head::decode(head) else { return Err(wrong) };
            let block = Block { offset: u64::from_le_bytes(*offset), first_record: records, head };
            if block.offset != end || head.first_arrival_ns < last_ns {
                return Err(wrong);
            }
            end = block.end();
            records += u64::from(head.entries);
            last_ns = head.last_arrival_ns;
            blocks.push(block);
        }
        let agrees = end == footer.index_offset
            && records == footer.records
            && last_ns == footer.duration_ns
            && blocks.len() == head.entries as usize;
        let behind = footer.index_offset + HEAD_LEN as u64 + listing.len() as u64;
        if agrees { Ok((blocks, behind)) } else { Err(wrong) }
    }

    /// Returns what stands at `offset`, between index and footer; empty if nothing does.
    fn slots(&mut self, offset: u64, blocks: usize, footer: &Footer) -> Result<Vec<u64>, RecordingError> {
        let limit = self.length - FOOTER_LEN as u64;
        if offset == limit {
            return Ok(Vec::new());
        }
        let wrong = self.corrupt(footer.records, offset, "the index of slots is damaged");
        let mut listing = Vec::new();
        let Some(head) = self.whole_part(SLOTS_TAG, offset, limit, &mut listing)? else { return Err(wrong) };
        let slots: Vec<u64> = listing.as_chunks().0.iter().map(|slot| u64::from_le_bytes(*slot)).collect();
        let agrees = offset + (HEAD_LEN + listing.len()) as u64 == limit
            && head.entries as usize == blocks
            && listing.len() == blocks * SLOTS_ENTRY_LEN
            && slots.is_sorted();
        if agrees { Ok(slots) } else { Err(wrong) }
    }

    /// Returns the whole blocks of a file that was never closed, and where they end.
    fn walked(&mut self, start: u64) -> Result<(Vec<Block>, Option<u64>), RecordingError> {
        let mut blocks = Vec::new();
        let mut stored = Vec::new();
        let mut offset = start;
        let mut first_record = 0;
        while let Some(head) = self.whole_block(offset, &mut stored)? {
            let block = Block { offset, first_record, head };
            offset = block.end();
            first_record += u64::from(head.entries);
            blocks.push(block);
        }
        if let Some(later) = self.next_whole_block(offset + 1)? {
            let found = format!("damaged bytes before a whole block at byte {later}");
            return Err(self.corrupt(first_record, offset, found));
        }
        Ok((blocks, Some(offset)))
    }

    fn whole_block(&mut self, offset: u64, stored: &mut Vec<u8>) -> Result<Option<Head>, RecordingError> {
        self.whole_part(BLOCK_TAG, offset, self.length, stored)
    }

    /// Reads the part at `offset` if a whole one of this tag ends at or before `limit`.
    fn whole_part(
        &mut self,
        tag: [u8; 4],
        offset: u64,
        limit: u64,
        stored: &mut Vec<u8>,
    ) -> Result<Option<Head>, RecordingError> {
        let body = offset + HEAD_LEN as u64;
        if body > limit {
            return Ok(None);
        }
        let mut bytes = [0; HEAD_LEN];
        self.read_at(offset, &mut bytes)?;
        let Some(head) = Head::decode(&bytes).filter(|head| head.tag == tag) else { return Ok(None) };
        if body + u64::from(head.stored_len) > limit || head.raw_len as usize > MAX_RAW_BYTES {
            return Ok(None);
        }
        stored.resize(head.stored_len as usize, 0);
        self.read_at(body, stored)?;
        Ok(head.is_whole(stored).then_some(head))
    }

    /// Returns where the first whole block at or after `from` begins.
    fn next_whole_block(&mut self, from: u64) -> Result<Option<u64>, RecordingError> {
        const CHUNK: u64 = 1 << 20;
        let mut chunk = Vec::new();
        let mut stored = Vec::new();
        let mut offset = from;
        while offset + (HEAD_LEN as u64) < self.length {
            // A tag across the border is seen whole in one of the two chunks.
            let size = (self.length - offset).min(CHUNK + 3);
            chunk.resize(usize::try_from(size).unwrap_or(0), 0);
            self.read_at(offset, &mut chunk)?;
            for hit in memmem::find_iter(&chunk, &BLOCK_TAG) {
                let candidate = offset + hit as u64;
                if self.whole_block(candidate, &mut stored)?.is_some() {
                    return Ok(Some(candidate));
                }
            }
            offset += CHUNK;
        }
        Ok(None)
    }
}

fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing (it is empty)".to_owned();
    }
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("the bytes {}", hex.join(" "))
}
