//! A recording in parts: whatever the borders, together they are the whole, and each stands alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod property_config;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use phantom_core::recording::{
    Event, Header, MAX_SLOT_LEAD, PartOptions, Parts, Record, Recorder, RecorderOptions, Recording,
    RecordingError, RecordingWriter, WriterOptions, part_path,
};
use proptest::prelude::*;

const HEADER: &str = r#"{"created":"2022-04-06T00:00:00Z","source":"test","description":"two endpoints",
    "tool":"recording_parts","endpoints":["rpc-a/0"],"metadata":{"recording":"r"}}"#;

/// A folder of its own that is removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("phantom-parts-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("day.phrec")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Entry = (String, u64, u8, Vec<u8>);

fn event(kind: u8, frame: &[u8]) -> Event<'_> {
    match kind {
        0 => Event::Connect,
        1 => Event::Sent(frame),
        2 => Event::Received(frame),
        _ => Event::Disconnect,
    }
}

fn entries(path: &Path, began_ns: u64, skip: u64) -> Vec<Entry> {
    let recording = Recording::open(path).unwrap();
    let mut records = recording.since(0).unwrap();
    let mut found = Vec::new();
    while let Some(record) = records.next_record().unwrap() {
        let (kind, frame) = match record.event {
            Event::Connect => (0, &[][..]),
            Event::Sent(frame) => (1, frame),
            Event::Received(frame) => (2, frame),
            Event::Disconnect => (3, &[][..]),
        };
        let name = recording.header().endpoints()[record.endpoint as usize].clone();
        found.push((name, record.arrival_ns + began_ns, kind, frame.to_vec()));
    }
    found.split_off(usize::try_from(skip).unwrap())
}

/// All parts put together, and where each begins among their records.
fn together(path: &Path) -> (Vec<Entry>, Vec<usize>) {
    let (mut all, mut borders) = (Vec::new(), Vec::new());
    for number in 1.. {
        let part = part_path(path, number);
        if !part.exists() {
            break;
        }
        let recording = Recording::open(&part).unwrap();
        assert_eq!(recording.torn_at(), None);
        let header: serde_json::Value = serde_json::from_str(recording.header().json()).unwrap();
        let about = &header["metadata"]["part"];
        assert_eq!(about["number"], number);
        borders.push(all.len());
        let (began_ns, carried) = (about["began_ns"].as_u64().unwrap(), about["carried"].as_u64().unwrap());
        all.extend(entries(&part, began_ns, carried));
    }
    (all, borders)
}

/// A session on three connections: subscribe, confirm, be told.
fn session(steps: &[(u8, u8, u16)]) -> Vec<Entry> {
    let mut arrival_ns = 0;
    let step = |(number, (connection, kind, gap)): (usize, &(u8, u8, u16))| {
        arrival_ns += u64::from(*gap);
        let name = format!("rpc-{}/0", char::from(b'a' + connection % 3));
        let (kind, frame) = match kind % 5 {
            0 => (0, String::new()),
            1 => (1, format!(r#"{{"id":{number},"method":"accountSubscribe","params":["A"]}}"#)),
            2 => (2, format!(r#"{{"id":{},"result":{number}}}"#, number.saturating_sub(1))),
            3 => (2, format!(r#"{{"method":"x","params":{{"slot":{number}}}}}"#)),
            _ => (3, String::new()),
        };
        (name, arrival_ns, kind, frame.into_bytes())
    };
    steps.iter().enumerate().map(step).collect()
}

fn options(block_bytes: usize, max_bytes: Option<u64>, max_ns: Option<u64>) -> PartOptions {
    PartOptions { writer: WriterOptions { level: 1, block_bytes }, max_bytes, max_ns }
}

proptest! {
    #![proptest_config(property_config::cases(48))]

    #[test]
    fn parts_together_are_the_whole(
        steps in proptest::collection::vec(any::<(u8, u8, u16)>(), 0..80),
        block_bytes in 1..400_usize,
        max_bytes in proptest::option::of(1..3_000_u64),
        max_ns in proptest::option::of(1..200_000_u64),
    ) {
        let scratch = Scratch::new();
        let wanted = session(&steps);
        let mut parts = Parts::create(&scratch.file(), HEADER, options(block_bytes, max_bytes, max_ns)).unwrap();
        for (name, arrival_ns, kind, frame) in &wanted {
            let connection = parts.connection(name);
            parts.append(connection, *arrival_ns, event(*kind, frame)).unwrap();
        }
        parts.close().unwrap();
        let (found, borders) = together(&scratch.file());
        prop_assert_eq!(&found, &wanted);
        let files: u64 = (1..=u32::try_from(borders.len()).unwrap())
            .map(|number| fs::metadata(part_path(&scratch.file(), number)).unwrap().len())
            .sum();
        prop_assert_eq!(parts.written_bytes(), files);
        if let Some(max_ns) = max_ns {
            for (index, &border) in borders.iter().enumerate() {
                let end = borders.get(index + 1).copied().unwrap_or(found.len());
                if border < end && index > 0 {
                    prop_assert!(found[end - 1].1 - found[border].1 < max_ns);
                }
            }
        }
    }

    #[test]
    fn recorder_writes_what_parts_would(
        steps in proptest::collection::vec(any::<(u8, u8, u16)>(), 0..80),
        flush_at in any::<prop::sample::Index>(),
    ) {
        let scratch = Scratch::new();
        let wanted = session(&steps);
        let options = RecorderOptions { parts: options(300, Some(2_000), None), ..RecorderOptions::default() };
        let recorder = Recorder::create(&scratch.file(), HEADER, options).unwrap();
        for (index, (name, arrival_ns, kind, frame)) in wanted.iter().enumerate() {
            recorder.append(recorder.connection(name), *arrival_ns, event(*kind, frame)).unwrap();
            if index == flush_at.index(wanted.len()) {
                recorder.flush().unwrap();
            }
        }
        recorder.close().unwrap();
        prop_assert_eq!(together(&scratch.file()).0, wanted);
        let stats = recorder.stats();
        prop_assert_eq!((stats.records, stats.lost, stats.waiting_bytes), (steps.len() as u64, 0, 0));
        let is_closed = matches!(recorder.append(0, u64::MAX, Event::Connect), Err(RecordingError::Closed { .. }));
        prop_assert!(is_closed);
    }

    #[test]
    fn seek_by_slot_returns_what_a_scan_would(
        slots in proptest::collection::vec(prop_oneof![1..60_u64, Just(u64::MAX)], 0..60),
        block_bytes in 1..300_usize,
        close: bool,
        wanted in 0..70_u64,
    ) {
        let scratch = Scratch::new();
        let header = Header::parse(HEADER, &scratch.file()).unwrap();
        let options = WriterOptions { level: 1, block_bytes };
        let mut writer = RecordingWriter::create(&scratch.file(), header, options).unwrap();
        for (arrival_ns, slot) in (0..).zip(&slots) {
            let frame = format!(r#"{{"params":{{"slot":{slot}}}}}"#);
            writer.append(&Record { endpoint: 0, arrival_ns, event: Event::Received(frame.as_bytes()) }).unwrap();
        }
        if close { writer.close().unwrap() } else { writer.flush().unwrap() }

        let mut highest = 0_u64;
        let first = slots.iter().position(|&slot| {
            if highest == 0 || slot <= highest.saturating_add(MAX_SLOT_LEAD) {
                highest = highest.max(slot);
            }
            highest >= wanted
        });
        let recording = Recording::open(&scratch.file()).unwrap();
        let mut records = recording.since_slot(wanted).unwrap();
        let mut found = Vec::new();
        while let Some(record) = records.next_record().unwrap() {
            found.push(record.arrival_ns);
        }
        let expected: Vec<_> = (first.unwrap_or(slots.len()) as u64..slots.len() as u64).collect();
        prop_assert_eq!(found, expected);
    }
}

const ASK: &[u8] = br#"{"id":1,"method":"accountSubscribe","params":["A"]}"#;
const GRANT: &[u8] = br#"{"id":1,"result":7}"#;

#[test]
fn later_part_begins_with_the_subscriptions_in_force() {
    let scratch = Scratch::new();
    let mut parts = Parts::create(&scratch.file(), HEADER, options(1 << 20, None, Some(100))).unwrap();
    parts.append(0, 5, Event::Connect).unwrap();
    parts.append(0, 6, Event::Sent(ASK)).unwrap();
    parts.append(0, 99, Event::Received(GRANT)).unwrap();
    parts.append(0, 100, Event::Received(b"news")).unwrap();
    parts.close().unwrap();
    let kinds: Vec<_> = entries(&part_path(&scratch.file(), 2), 0, 0)
        .into_iter()
        .map(|(_, at, kind, _)| (at, kind))
        .collect();
    assert_eq!(kinds, [(0, 0), (0, 1), (0, 2), (0, 2)]);
    assert_eq!(entries(&part_path(&scratch.file(), 1), 0, 0).len(), 3);
}

#[test]
fn part_cut_at_every_byte_keeps_its_whole_blocks() {
    let scratch = Scratch::new();
    let mut parts = Parts::create(&scratch.file(), HEADER, options(60, Some(1), None)).unwrap();
    parts.append(0, 0, Event::Connect).unwrap();
    parts.append(0, 1, Event::Sent(ASK)).unwrap();
    parts.close().unwrap();
    let second = part_path(&scratch.file(), 2);
    let file = fs::read(&second).unwrap();
    let whole = entries(&second, 0, 0);
    let cut = scratch.0.join("cut.phrec");
    let mut most = 0;
    for length in 0..file.len() {
        fs::write(&cut, &file[..length]).unwrap();
        let Ok(recording) = Recording::open(&cut) else { continue };
        assert!(recording.torn_at().is_some_and(|byte| byte <= length as u64), "cut at {length}");
        let found = entries(&cut, 0, 0);
        assert_eq!(found, whole[..found.len()], "cut at {length}");
        most = most.max(found.len());
    }
    assert_eq!(most, whole.len());
}

#[test]
fn full_disk_stops_the_recorder_and_is_told_to_all() {
    let scratch = Scratch::new();
    // The next part cannot be created: that name is taken.
    fs::write(part_path(&scratch.file(), 2), b"mine").unwrap();
    let options = RecorderOptions { parts: options(1, Some(1), None), ..RecorderOptions::default() };
    let recorder = Recorder::create(&scratch.file(), HEADER, options).unwrap();
    recorder.append(0, 0, Event::Connect).unwrap();
    for _ in 0..2 {
        assert!(matches!(recorder.flush(), Err(RecordingError::Exists { .. })));
    }
    assert!(recorder.has_failed());
    assert!(matches!(recorder.append(0, 1, Event::Connect), Err(RecordingError::Exists { .. })));
    assert!(matches!(recorder.close(), Err(RecordingError::Exists { .. })));
    assert_eq!(fs::read(part_path(&scratch.file(), 2)).unwrap(), b"mine");
}

#[test]
fn slow_disk_costs_notifications_and_nothing_else() {
    let scratch = Scratch::new();
    let options = RecorderOptions { parts: options(1 << 20, None, None), max_waiting_bytes: 0 };
    let recorder = Recorder::create(&scratch.file(), HEADER, options).unwrap();
    recorder.append(0, 0, Event::Connect).unwrap();
    recorder.append(0, 1, Event::Sent(ASK)).unwrap();
    recorder.append(0, 2, Event::Received(br#"{"method":"accountNotification"}"#)).unwrap();
    recorder.append(0, 3, Event::Received(GRANT)).unwrap();
    recorder.close().unwrap();
    assert_eq!((recorder.stats().records, recorder.stats().lost), (3, 1));
    let kinds: Vec<_> = together(&scratch.file()).0.into_iter().map(|(_, _, kind, _)| kind).collect();
    assert_eq!(kinds, [0, 1, 2]);
}

#[test]
fn rotation_bounds_of_zero_are_refused() {
    for (max_bytes, max_ns) in [(Some(0), None), (None, Some(0))] {
        let scratch = Scratch::new();
        let refused = Parts::create(&scratch.file(), HEADER, options(1, max_bytes, max_ns)).err().unwrap();
        assert!(matches!(refused, RecordingError::BadOption { value: 0, min: 1, .. }), "{refused}");
    }
}
