//! Recording from a thread that must not wait: frames are copied, a thread of our own writes them.
//!
//! As soon as a block is full it is compressed and written, and every [`FLUSH_EVERY`] all of what has
//! arrived is, and the disk made to have it. A crash of the process or of the machine loses what
//! arrived after that: less than a second, unless the disk itself is slower. If it falls behind by more than
//! [`RecorderOptions::max_waiting_bytes`], notifications are left out and counted; requests,
//! answers and the opening and closing of connections never are.

use std::io::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::subscriptions::is_notification;
use super::{Event, MAX_FRAME_BYTES, PartOptions, Parts, RecordingError};

/// How long an arrived frame waits at most before it is written.
const FLUSH_EVERY: Duration = Duration::from_millis(400);

/// How a [`Recorder`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecorderOptions {
    /// The files.
    pub parts: PartOptions,
    /// Bytes that may wait for the disk.
    pub max_waiting_bytes: usize,
}

impl Default for RecorderOptions {
    fn default() -> Self {
        Self { parts: PartOptions::default(), max_waiting_bytes: 128 << 20 }
    }
}

/// What a [`Recorder`] has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecorderStats {
    /// Records taken.
    pub records: u64,
    /// Incoming frames among them.
    pub frames: u64,
    /// Their bytes.
    pub frame_bytes: u64,
    /// Notifications that were left out because the disk was too slow, or that are too long.
    pub lost: u64,
    /// Bytes of all files.
    pub written_bytes: u64,
    /// Bytes that wait for the disk.
    pub waiting_bytes: usize,
    /// The file being written.
    pub path: PathBuf,
    /// Its number, from 1.
    pub parts: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    Connect,
    Sent,
    Received,
    Disconnect,
}

struct Entry {
    kind: Kind,
    connection: u32,
    arrival_ns: u64,
    /// Where its frame ends among the frames; it begins where the one before ends.
    end: usize,
}

#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    frames: Vec<u8>,
}

struct State {
    waiting: Batch,
    /// Frames that the thread is writing.
    in_hand_bytes: usize,
    names: Vec<String>,
    last_arrival_ns: u64,
    stats: RecorderStats,
    /// Flushes that were asked for, and those that are done.
    asked: u64,
    done: u64,
    is_closing: bool,
    is_over: bool,
    failure: Option<RecordingError>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to do.
    work: Condvar,
    /// Something was done.
    rest: Condvar,
    /// At so many waiting bytes the thread is woken before its time.
    wake_at_bytes: usize,
    max_waiting_bytes: usize,
    path: PathBuf,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what it is given to numbered files, without making the giver wait for the disk.
pub struct Recorder {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Creates the first file and starts the thread. Arguments as for [`Parts::create`].
    ///
    /// # Errors
    /// As [`Parts::create`]; [`RecordingError::Io`] if there can be no thread.
    pub fn create(path: &Path, template: &str, options: RecorderOptions) -> Result<Self, RecordingError> {
        let parts = Parts::create(path, template, options.parts)?;
        let names = parts.connections().to_vec();
        let mut stats = RecorderStats::default();
        note(&mut stats, &parts);
        let state = State {
            waiting: Batch::default(),
            in_hand_bytes: 0,
            names,
            last_arrival_ns: 0,
            stats,
            asked: 0,
            done: 0,
            is_closing: false,
            is_over: false,
            failure: None,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            rest: Condvar::new(),
            wake_at_bytes: options.parts.writer.block_bytes.min(options.max_waiting_bytes / 2),
            max_waiting_bytes: options.max_waiting_bytes,
            path: path.to_owned(),
        });
        let of_thread = Arc::clone(&shared);
        let thread = Builder::new()
            .name("phantom-recorder".to_owned())
            .spawn(move || write_until_closed(&of_thread, parts))
            .map_err(|source| RecordingError::Io { path: path.to_owned(), doing: "start", source })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Returns the number of a connection; one that was unknown gets the next.
    #[must_use]
    pub fn connection(&self, name: &str) -> u32 {
        let mut state = self.shared.lock();
        let known = state.names.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            state.names.push(name.to_owned());
            state.names.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Takes what happened at a connection, `arrival_ns` since the recording began.
    ///
    /// # Errors
    /// [`RecordingError::ArrivalGoesBack`] and [`RecordingError::UnknownEndpoint`] change nothing;
    /// the failure of an earlier write; [`RecordingError::Closed`].
    pub fn append(&self, connection: u32, arrival_ns: u64, event: Event<'_>) -> Result<(), RecordingError> {
        let mut state = self.shared.lock();
        if state.is_over || state.is_closing {
            return Err(state.failure.as_ref().map_or_else(|| self.closed(), again));
        }
        if arrival_ns < state.last_arrival_ns {
            return Err(RecordingError::ArrivalGoesBack { previous_ns: state.last_arrival_ns, arrival_ns });
        }
        if connection as usize >= state.names.len() {
            let endpoint = connection.to_string();
            return Err(RecordingError::UnknownEndpoint { endpoint, known: state.names.len() });
        }
        let (kind, frame): (_, &[u8]) = match event {
            Event::Connect => (Kind::Connect, &[]),
            Event::Sent(frame) => (Kind::Sent, frame),
            Event::Received(frame) => (Kind::Received, frame),
            Event::Disconnect => (Kind::Disconnect, &[]),
        };
        let held = state.waiting.frames.len() + state.in_hand_bytes;
        let is_late = matches!(kind, Kind::Received)
            && held + frame.len() > self.shared.max_waiting_bytes
            && is_notification(frame);
        if frame.len() > MAX_FRAME_BYTES || is_late {
            state.stats.lost += 1;
            return Ok(());
        }
        state.last_arrival_ns = arrival_ns;
        state.stats.records += 1;
        if matches!(kind, Kind::Received) {
            state.stats.frames += 1;
            state.stats.frame_bytes += frame.len() as u64;
        }
        let before = state.waiting.frames.len();
        state.waiting.frames.extend_from_slice(frame);
        let end = state.waiting.frames.len();
        state.waiting.entries.push(Entry { kind, connection, arrival_ns, end });
        if before < self.shared.wake_at_bytes && end >= self.shared.wake_at_bytes {
            self.shared.work.notify_one();
        }
        Ok(())
    }

    /// Waits until the disk has everything that was appended before the call.
    ///
    /// # Errors
    /// As [`Recorder::append`].
    pub fn flush(&self) -> Result<(), RecordingError> {
        let mut state = self.shared.lock();
        if state.is_over {
            return Err(state.failure.as_ref().map_or_else(|| self.closed(), again));
        }
        state.asked += 1;
        let ticket = state.asked;
        self.shared.work.notify_one();
        while state.done < ticket && !state.is_over {
            state = self.shared.rest.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.failure.as_ref().map_or(Ok(()), |failure| Err(again(failure)))
    }

    /// Writes everything and closes the last file. A second call does nothing more.
    ///
    /// # Errors
    /// The failure of a write, now or earlier.
    pub fn close(&self) -> Result<(), RecordingError> {
        self.shared.lock().is_closing = true;
        self.shared.work.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            let source = Error::other("the writing thread has panicked");
            return Err(RecordingError::Io { path: self.shared.path.clone(), doing: "write", source });
        }
        self.shared.lock().failure.as_ref().map_or(Ok(()), |failure| Err(again(failure)))
    }

    /// Returns what was done so far.
    #[must_use]
    pub fn stats(&self) -> RecorderStats {
        let state = self.shared.lock();
        let waiting_bytes = state.waiting.frames.len() + state.in_hand_bytes;
        RecorderStats { waiting_bytes, ..state.stats.clone() }
    }

    /// Returns whether a write has failed: the next call says how.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.shared.lock().is_over
    }

    fn closed(&self) -> RecordingError {
        RecordingError::Closed { path: self.shared.path.clone() }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Nobody is left to be told; what was written before stays readable.
        let _ = self.close();
    }
}

/// Returns a failure once more, for the next who asks.
fn again(failure: &RecordingError) -> RecordingError {
    match failure {
        RecordingError::Io { path, doing, source } => {
            let source = source
                .raw_os_error()
                .map_or_else(|| Error::new(source.kind(), source.to_string()), Error::from_raw_os_error);
            RecordingError::Io { path: path.clone(), doing, source }
        }
        RecordingError::Exists { path } => RecordingError::Exists { path: path.clone() },
        RecordingError::BadHeader { path, reason } => {
            RecordingError::BadHeader { path: path.clone(), reason: reason.clone() }
        }
        other => {
            let source = Error::other(other.to_string());
            RecordingError::Io { path: PathBuf::new(), doing: "write", source }
        }
    }
}

fn note(stats: &mut RecorderStats, parts: &Parts) {
    let (path, number) = parts.current();
    if stats.parts != number {
        path.clone_into(&mut stats.path);
        stats.parts = number;
    }
    stats.written_bytes = parts.written_bytes();
}

fn write_until_closed(shared: &Shared, mut parts: Parts) {
    let mut batch = Batch::default();
    let mut flushed = Instant::now();
    loop {
        let mut state = shared.lock();
        let must_wait = |state: &mut State| {
            state.waiting.frames.len() < shared.wake_at_bytes
                && !state.is_closing
                && state.asked == state.done
        };
        if must_wait(&mut state) {
            let rest = FLUSH_EVERY.saturating_sub(flushed.elapsed());
            let waited = shared.work.wait_timeout_while(state, rest, must_wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        batch.entries.clear();
        batch.frames.clear();
        std::mem::swap(&mut batch, &mut state.waiting);
        state.in_hand_bytes = batch.frames.len();
        let (is_closing, asked) = (state.is_closing, state.asked);
        for name in state.names.iter().skip(parts.connections().len()) {
            parts.connection(name);
        }
        let is_asked = asked != state.done;
        drop(state);

        let written = write(&mut parts, &batch, &mut flushed).and_then(|()| {
            if is_closing {
                return parts.close();
            }
            if is_asked { flush(&mut parts, &mut flushed) } else { flush_if_due(&mut parts, &mut flushed) }
        });

        let mut state = shared.lock();
        state.in_hand_bytes = 0;
        state.done = asked;
        note(&mut state.stats, &parts);
        state.is_over = is_closing || written.is_err();
        state.failure = written.err();
        let is_over = state.is_over;
        drop(state);
        shared.rest.notify_all();
        if is_over {
            return;
        }
    }
}

fn write(parts: &mut Parts, batch: &Batch, flushed: &mut Instant) -> Result<(), RecordingError> {
    let mut begin = 0;
    for entry in &batch.entries {
        let frame = &batch.frames[begin..entry.end];
        begin = entry.end;
        let event = match entry.kind {
            Kind::Connect => Event::Connect,
            Kind::Sent => Event::Sent(frame),
            Kind::Received => Event::Received(frame),
            Kind::Disconnect => Event::Disconnect,
        };
        let before = parts.written_bytes();
        parts.append(entry.connection, entry.arrival_ns, event)?;
        if parts.written_bytes() != before {
            flush_if_due(parts, flushed)?; // a batch can take long
        }
    }
    Ok(())
}

fn flush_if_due(parts: &mut Parts, flushed: &mut Instant) -> Result<(), RecordingError> {
    if flushed.elapsed() < FLUSH_EVERY { Ok(()) } else { flush(parts, flushed) }
}

fn flush(parts: &mut Parts, flushed: &mut Instant) -> Result<(), RecordingError> {
    // What arrives while the disk is at work is due so much sooner.
    *flushed = Instant::now();
    parts.flush()
}
