//! What every recording keeps, whatever is appended and wherever the file is cut or damaged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod property_config;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use phantom_core::recording::{
    Event, Header, Record, Recording, RecordingError, RecordingWriter, WriterOptions,
};
use proptest::prelude::*;

const HEADER: &str = r#"{"created":"2022-04-06T00:00:00Z","source":"test","description":"three endpoints",
    "tool":"recording_properties","endpoints":["rpc-a","rpc-b","rpc-c"],"metadata":{"seed":1}}"#;

/// A path of its own that is removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("phantom-{}-{}.phrec", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    kind: u8,
    endpoint: u32,
    arrival_ns: u64,
    frame: Vec<u8>,
}

impl Entry {
    fn record(&self) -> Record<'_> {
        let event = match self.kind {
            0 => Event::Connect,
            1 => Event::Sent(&self.frame),
            2 => Event::Received(&self.frame),
            _ => Event::Disconnect,
        };
        Record { endpoint: self.endpoint, arrival_ns: self.arrival_ns, event }
    }

    fn of(record: &Record<'_>) -> Self {
        let (kind, frame) = match record.event {
            Event::Connect => (0, &[][..]),
            Event::Sent(frame) => (1, frame),
            Event::Received(frame) => (2, frame),
            Event::Disconnect => (3, &[][..]),
        };
        Self { kind, endpoint: record.endpoint, arrival_ns: record.arrival_ns, frame: frame.to_vec() }
    }
}

fn writer(path: &Path, block_bytes: usize) -> RecordingWriter {
    let header = Header::parse(HEADER, path).unwrap();
    RecordingWriter::create(path, header, WriterOptions { level: 1, block_bytes }).unwrap()
}

fn read(path: &Path, since_ns: u64) -> Result<(Vec<Entry>, Option<u64>), RecordingError> {
    let recording = Recording::open(path)?;
    let mut records = recording.since(since_ns)?;
    let mut entries = Vec::new();
    while let Some(record) = records.next_record()? {
        entries.push(Entry::of(&record));
    }
    Ok((entries, recording.torn_at()))
}

/// Three blocks of three records; returns the entries and where header and blocks end.
fn small_recording(path: &Path, closed: bool) -> (Vec<Entry>, Vec<u64>) {
    let mut writer = writer(path, 1 << 20);
    let mut entries = Vec::new();
    let mut ends = vec![fs::metadata(path).unwrap().len()];
    for number in 0..9_u64 {
        let kind = u8::try_from(number % 4).unwrap();
        let frame = if kind == 1 || kind == 2 { format!("frame {number}").into_bytes() } else { vec![] };
        let endpoint = u32::try_from(number % 3).unwrap();
        let entry = Entry { kind, endpoint, arrival_ns: number * 1000, frame };
        writer.append(&entry.record()).unwrap();
        entries.push(entry);
        if number % 3 == 2 {
            writer.flush().unwrap();
            ends.push(fs::metadata(path).unwrap().len());
        }
    }
    if closed {
        writer.close().unwrap();
    }
    (entries, ends)
}

fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    let gap = prop_oneof![Just(0_u64), 0..1_000_u64, 0..u64::from(u32::MAX)];
    let frame = proptest::collection::vec(any::<u8>(), 0..300);
    proptest::collection::vec((0..4_u8, 0..3_u32, gap, frame), 0..60).prop_map(|drawn| {
        let mut arrival_ns = 0;
        let entry = |(kind, endpoint, gap, frame)| {
            arrival_ns += gap;
            Entry { kind, endpoint, arrival_ns, frame: if kind == 1 || kind == 2 { frame } else { vec![] } }
        };
        drawn.into_iter().map(entry).collect()
    })
}

proptest! {
    #![proptest_config(property_config::cases(64))]

    #[test]
    fn records_return_as_appended(entries in any_entries(), block_bytes in 1..2_000_usize, close: bool) {
        let scratch = Scratch::new();
        let mut writer = writer(&scratch.0, block_bytes);
        for entry in &entries {
            writer.append(&entry.record()).unwrap();
        }
        if close { writer.close().unwrap() } else { writer.flush().unwrap() }

        let recording = Recording::open(&scratch.0).unwrap();
        prop_assert_eq!(recording.len(), entries.len() as u64);
        prop_assert_eq!(recording.duration_ns(), entries.last().map_or(0, |last| last.arrival_ns));
        prop_assert_eq!(recording.header().json(), HEADER);
        prop_assert_eq!(recording.torn_at().is_none(), close);
        prop_assert_eq!(read(&scratch.0, 0).unwrap().0, entries);
    }

    #[test]
    fn seek_returns_what_a_filter_would(
        entries in any_entries(),
        block_bytes in 1..2_000_usize,
        pick: prop::sample::Index,
    ) {
        let scratch = Scratch::new();
        let mut writer = writer(&scratch.0, block_bytes);
        for entry in &entries {
            writer.append(&entry.record()).unwrap();
        }
        writer.close().unwrap();
        let around = if entries.is_empty() { 5 } else { entries[pick.index(entries.len())].arrival_ns };
        for since_ns in [around.saturating_sub(1), around, around + 1] {
            let expected: Vec<_> = entries.iter().filter(|e| e.arrival_ns >= since_ns).cloned().collect();
            prop_assert_eq!(read(&scratch.0, since_ns).unwrap().0, expected);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        keep in 0..800_usize,
    ) {
        let scratch = Scratch::new();
        small_recording(&scratch.0, true);
        let mut file = fs::read(&scratch.0).unwrap();
        file.truncate(keep);
        file.extend_from_slice(&bytes);
        fs::write(&scratch.0, file).unwrap();
        let _ = read(&scratch.0, 0);
    }
}

#[test]
fn cut_at_every_byte_yields_the_whole_blocks_before() {
    let scratch = Scratch::new();
    let (entries, ends) = small_recording(&scratch.0, true);
    let file = fs::read(&scratch.0).unwrap();
    let cut = Scratch::new();
    for length in 0..file.len() {
        fs::write(&cut.0, &file[..length]).unwrap();
        let whole = ends.iter().filter(|&&end| end <= length as u64).count();
        match read(&cut.0, 0) {
            Ok((found, torn_at)) => {
                assert!(whole > 0, "a file of {length} bytes has no whole header");
                assert_eq!(torn_at, Some(ends[whole - 1]), "cut at {length}");
                assert_eq!(found, entries[..(whole - 1) * 3], "cut at {length}");
            }
            Err(error) => {
                assert_eq!(whole, 0, "cut at {length}: {error}");
                let expected = if length == 0 { "is not a recording" } else { "inside its header" };
                assert!(error.to_string().contains(expected), "cut at {length}: {error}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_detected() {
    for closed in [true, false] {
        let scratch = Scratch::new();
        let (entries, _) = small_recording(&scratch.0, closed);
        let file = fs::read(&scratch.0).unwrap();
        let whole_torn_at = read(&scratch.0, 0).unwrap().1;
        let flipped = Scratch::new();
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&flipped.0, &damaged).unwrap();
            if let Ok((found, torn_at)) = read(&flipped.0, 0) {
                assert_ne!(torn_at, whole_torn_at, "bit {bit} of a file with closed = {closed} went unseen");
                assert_eq!(found, entries[..found.len()], "bit {bit}");
            }
        }
    }
}

#[test]
fn damage_before_whole_blocks_names_record_and_byte() {
    for closed in [true, false] {
        let scratch = Scratch::new();
        let (_, ends) = small_recording(&scratch.0, closed);
        let mut file = fs::read(&scratch.0).unwrap();
        file[usize::try_from(ends[1]).unwrap() + 45] ^= 0xff;
        fs::write(&scratch.0, file).unwrap();
        match read(&scratch.0, 0) {
            Err(RecordingError::Corrupt { record: 3, byte, .. }) => assert_eq!(byte, ends[1]),
            other => panic!("closed = {closed}: {other:?}"),
        }
    }
}

#[test]
fn zeroed_tail_of_a_crashed_file_is_left_out() {
    let scratch = Scratch::new();
    let (entries, ends) = small_recording(&scratch.0, false);
    let mut file = fs::read(&scratch.0).unwrap();
    file.extend_from_slice(&[0; 5000]);
    fs::write(&scratch.0, file).unwrap();
    assert_eq!(read(&scratch.0, 0).unwrap(), (entries, Some(ends[3])));
}

#[test]
fn version_above_ours_says_so() {
    let scratch = Scratch::new();
    small_recording(&scratch.0, true);
    let mut file = fs::read(&scratch.0).unwrap();
    file[8] = 7;
    fs::write(&scratch.0, file).unwrap();
    let message = read(&scratch.0, 0).unwrap_err().to_string();
    assert!(message.contains("format version 7") && message.contains("hint: upgrade"), "{message}");
}

#[test]
fn refused_record_changes_nothing() {
    let scratch = Scratch::new();
    let mut writer = writer(&scratch.0, 1 << 20);
    let connect = |endpoint, arrival_ns| Record { endpoint, arrival_ns, event: Event::Connect };
    writer.append(&connect(0, 50)).unwrap();
    let back = writer.append(&connect(0, 49));
    assert!(matches!(back, Err(RecordingError::ArrivalGoesBack { previous_ns: 50, arrival_ns: 49 })));
    let unknown = writer.append(&connect(3, 51));
    assert!(matches!(unknown, Err(RecordingError::UnknownEndpoint { known: 3, .. })));
    writer.append(&connect(2, 50)).unwrap();
    writer.close().unwrap();
    writer.close().unwrap();
    assert!(matches!(writer.append(&connect(0, 60)), Err(RecordingError::Closed { .. })));
    let found = read(&scratch.0, 0).unwrap().0;
    let arrivals: Vec<_> = found.iter().map(|entry| (entry.endpoint, entry.arrival_ns)).collect();
    assert_eq!(arrivals, [(0, 50), (2, 50)]);
}

#[test]
fn existing_file_is_not_overwritten() {
    let scratch = Scratch::new();
    fs::write(&scratch.0, b"mine").unwrap();
    let header = Header::parse(HEADER, &scratch.0).unwrap();
    let refused = RecordingWriter::create(&scratch.0, header, WriterOptions::default());
    assert!(matches!(refused.err(), Some(RecordingError::Exists { .. })));
    assert_eq!(fs::read(&scratch.0).unwrap(), b"mine");
}

#[test]
fn unusable_headers_name_the_key() {
    let texts = r#""created":"","source":"","description":"","tool":"""#;
    for (json, part) in [
        ("[]".to_owned(), "must be a JSON object"),
        ("{".to_owned(), "not JSON"),
        (r#"{"created":1}"#.to_owned(), "key `created` holds 1, it must be a text"),
        (format!("{{{texts}}}"), "key `endpoints` is missing"),
        (format!(r#"{{{texts},"endpoints":["a","a"]}}"#), "a list of distinct names"),
        (format!(r#"{{{texts},"endpoints":["a"],"metadata":3}}"#), "key `metadata` holds 3"),
    ] {
        let message = Header::parse(&json, Path::new("x.phrec")).unwrap_err().to_string();
        assert!(message.contains(part), "{json}: {message}");
    }
}

#[test]
fn writer_options_out_of_range_are_named() {
    for (options, part) in [
        (WriterOptions { level: 0, block_bytes: 1 }, "level is 0"),
        (WriterOptions { level: 23, block_bytes: 1 }, "it may be 1 to 22"),
        (WriterOptions { level: 3, block_bytes: 0 }, "block_bytes is 0"),
    ] {
        let scratch = Scratch::new();
        let header = Header::parse(HEADER, &scratch.0).unwrap();
        let message = RecordingWriter::create(&scratch.0, header, options).err().unwrap().to_string();
        assert!(message.contains(part), "{message}");
        assert!(!scratch.0.exists());
    }
}

#[test]
fn three_copies_of_one_frame_cost_little_more_than_one() {
    // 13 kB of random letters: nothing to find inside one copy.
    let mut state = 1_u64;
    let letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'A' + u8::try_from((state >> 33) % 26).unwrap()
    };
    let frame: Vec<u8> = std::iter::repeat_with(letter).take(13_000).collect();
    let size = |copies: u64| {
        let scratch = Scratch::new();
        let mut writer = writer(&scratch.0, 4 << 20);
        for arrival_ns in 0..copies {
            let event = Event::Received(&frame);
            writer.append(&Record { endpoint: 0, arrival_ns, event }).unwrap();
        }
        writer.close().unwrap();
        fs::metadata(&scratch.0).unwrap().len()
    };
    assert!(size(3) < size(1) + 200, "{} and {}", size(1), size(3));
}
