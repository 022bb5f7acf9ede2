//! The parts of the file as bytes. Pure: no file, no clock.

use std::hash::Hasher;

use twox_hash::XxHash3_64;

use super::{Event, Record};

/// Format version that this code writes, and the highest that it reads.
pub const VERSION: u32 = 1;
/// Longest frame that can be recorded. A 10 MiB account in base64 is 14 MB.
pub const MAX_FRAME_BYTES: usize = 64 << 20;
/// Largest `block_bytes` of a writer.
pub const MAX_BLOCK_BYTES: usize = 128 << 20;

/// First bytes of every recording. The high bit and the line end show a text-mode transfer.
pub(super) const MAGIC: [u8; 8] = *b"\x89PHREC\r\n";
/// Last bytes of a recording that was closed.
pub(super) const END_MAGIC: [u8; 8] = *b"PHRECEND";
/// Tag of a block of records.
pub(super) const BLOCK_TAG: [u8; 4] = *b"BLCK";
/// Tag of the index.
pub(super) const INDEX_TAG: [u8; 4] = *b"INDX";
/// Tag of the slots behind the index.
pub(super) const SLOTS_TAG: [u8; 4] = *b"SLOT";

pub(super) const PREAMBLE_LEN: usize = 24;
pub(super) const HEAD_LEN: usize = 40;
pub(super) const INDEX_ENTRY_LEN: usize = 8 + HEAD_LEN;
pub(super) const SLOTS_ENTRY_LEN: usize = 8;
pub(super) const FOOTER_LEN: usize = 40;
/// What a block can hold at most: one byte short of full, then the longest record.
pub(super) const MAX_RAW_BYTES: usize = MAX_BLOCK_BYTES + MAX_FRAME_BYTES + 64;

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Version, header length and checksum: what stands between magic and header.
pub(super) struct Preamble {
    pub version: u32,
    pub header_len: u32,
    checksum: u64,
}

impl Preamble {
    pub fn new(header_len: u32, header: &[u8]) -> Self {
        let mut preamble = Self { version: VERSION, header_len, checksum: 0 };
        preamble.checksum = preamble.checksum_of(header);
        preamble
    }

    pub fn encode(&self) -> [u8; PREAMBLE_LEN] {
        let mut out = [0; PREAMBLE_LEN];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&self.version.to_le_bytes());
        out[12..16].copy_from_slice(&self.header_len.to_le_bytes());
        out[16..].copy_from_slice(&self.checksum.to_le_bytes());
        out
    }

    pub fn decode(bytes: &[u8; PREAMBLE_LEN]) -> Option<Self> {
        if bytes[..8] != MAGIC {
            return None;
        }
        Some(Self {
            version: u32_at(bytes, 8)?,
            header_len: u32_at(bytes, 12)?,
            checksum: u64_at(bytes, 16)?,
        })
    }

    pub fn is_whole(&self, header: &[u8]) -> bool {
        self.checksum == self.checksum_of(header)
    }

    fn checksum_of(&self, header: &[u8]) -> u64 {
        let mut hasher = XxHash3_64::new();
        hasher.write(&self.version.to_le_bytes());
        hasher.write(&self.header_len.to_le_bytes());
        hasher.write(header);
        hasher.finish()
    }
}

/// The 40 bytes before a block's or the index's stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub tag: [u8; 4],
    pub stored_len: u32,
    pub raw_len: u32,
    /// Records of a block, blocks of the index and of the slots.
    pub entries: u32,
    pub first_arrival_ns: u64,
    pub last_arrival_ns: u64,
    pub checksum: u64,
}

impl Head {
    /// Fills in the checksum over this head and `stored`.
    pub fn sealed(mut self, stored: &[u8]) -> Self {
        self.checksum = self.checksum_of(stored);
        self
    }

    pub fn encode(&self) -> [u8; HEAD_LEN] {
        let mut out = [0; HEAD_LEN];
        out[..4].copy_from_slice(&self.tag);
        out[4..8].copy_from_slice(&self.stored_len.to_le_bytes());
        out[8..12].copy_from_slice(&self.raw_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.entries.to_le_bytes());
        out[16..24].copy_from_slice(&self.first_arrival_ns.to_le_bytes());
        out[24..32].copy_from_slice(&self.last_arrival_ns.to_le_bytes());
        out[32..].copy_from_slice(&self.checksum.to_le_bytes());
        out
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            tag: bytes.get(..4)?.try_into().ok()?,
            stored_len: u32_at(bytes, 4)?,
            raw_len: u32_at(bytes, 8)?,
            entries: u32_at(bytes, 12)?,
            first_arrival_ns: u64_at(bytes, 16)?,
            last_arrival_ns: u64_at(bytes, 24)?,
            checksum: u64_at(bytes, 32)?,
        })
    }

    pub fn is_whole(&self, stored: &[u8]) -> bool {
        self.checksum == self.checksum_of(stored)
    }

    fn checksum_of(&self, stored: &[u8]) -> u64 {
        let mut hasher = XxHash3_64::new();
        hasher.write(&self.encode()[..32]);
        hasher.write(stored);
        hasher.finish()
    }
}

/// The last bytes of a closed recording.
pub(super) struct Footer {
    pub index_offset: u64,
    pub records: u64,
    pub duration_ns: u64,
}

impl Footer {
    pub fn encode(&self) -> [u8; FOOTER_LEN] {
        let mut out = [0; FOOTER_LEN];
        out[..8].copy_from_slice(&self.index_offset.to_le_bytes());
        out[8..16].copy_from_slice(&self.records.to_le_bytes());
        out[16..24].copy_from_slice(&self.duration_ns.to_le_bytes());
        let checksum = XxHash3_64::oneshot(&out[..24]);
        out[24..32].copy_from_slice(&checksum.to_le_bytes());
        out[32..].copy_from_slice(&END_MAGIC);
        out
    }

    /// Returns the footer if these bytes are a whole one.
    pub fn decode(bytes: &[u8; FOOTER_LEN]) -> Option<Self> {
        if bytes[32..] != END_MAGIC || u64_at(bytes, 24)? != XxHash3_64::oneshot(&bytes[..24]) {
            return None;
        }
        Some(Self {
            index_offset: u64_at(bytes, 0)?,
            records: u64_at(bytes, 8)?,
            duration_ns: u64_at(bytes, 16)?,
        })
    }
}

/// Appends `value` in 7-bit groups, lowest first.
fn put_varint(mut value: u64, into: &mut Vec<u8>) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            into.push(low);
            return;
        }
        into.push(low | 0x80);
    }
}

fn take_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        let low = u64::from(byte & 0x7f);
        if low.checked_shl(shift)? >> shift != low {
            return None;
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Appends `record`, which follows a record that arrived at `previous_ns`.
pub(super) fn put_record(record: &Record<'_>, previous_ns: u64, into: &mut Vec<u8>) {
    let (kind, frame) = match record.event {
        Event::Connect => (0, None),
        Event::Sent(frame) => (1, Some(frame)),
        Event::Received(frame) => (2, Some(frame)),
        Event::Disconnect => (3, None),
    };
    into.push(kind);
    put_varint(u64::from(record.endpoint), into);
    put_varint(record.arrival_ns - previous_ns, into);
    if let Some(frame) = frame {
        put_varint(frame.len() as u64, into);
        into.extend_from_slice(frame);
    }
}

/// Reads the record at `at` and moves `at` behind it; `None` if the bytes hold no such record.
pub(super) fn take_record<'a>(bytes: &'a [u8], at: &mut usize, previous_ns: u64) -> Option<Record<'a>> {
    let kind = *bytes.get(*at)?;
    *at += 1;
    let endpoint = u32::try_from(take_varint(bytes, at)?).ok()?;
    let arrival_ns = previous_ns.checked_add(take_varint(bytes, at)?)?;
    let event = match kind {
        0 => Event::Connect,
        1 => Event::Sent(take_frame(bytes, at)?),
        2 => Event::Received(take_frame(bytes, at)?),
        3 => Event::Disconnect,
        _ => return None,
    };
    Some(Record { endpoint, arrival_ns, event })
}

fn take_frame<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = usize::try_from(take_varint(bytes, at)?).ok()?;
    let end = at.checked_add(length)?;
    let frame = bytes.get(*at..end)?;
    *at = end;
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varint_returns_at_every_width() {
        let widths = (0..64).map(|shift| 1_u64 << shift);
        for value in widths.chain([0, 127, 128, 300, u64::MAX, u64::MAX - 1]) {
            let mut bytes = Vec::new();
            put_varint(value, &mut bytes);
            let mut at = 0;
            assert_eq!(take_varint(&bytes, &mut at), Some(value));
            assert_eq!(at, bytes.len());
        }
    }

    #[test]
    fn varint_above_64_bits_is_refused() {
        let mut bytes = vec![0xff; 9];
        bytes.push(0x02);
        assert_eq!(take_varint(&bytes, &mut 0), None);
        assert_eq!(take_varint(&[0xff; 12], &mut 0), None);
    }

    #[test]
    fn record_of_unknown_kind_is_refused() {
        assert_eq!(take_record(&[9, 0, 0], &mut 0, 0), None);
    }

    #[test]
    fn frame_longer_than_its_block_is_refused() {
        assert_eq!(take_record(&[2, 0, 0, 200, 1, b'x'], &mut 0, 0), None);
    }
}
