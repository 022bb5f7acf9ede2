//! One recording in several files, each complete on its own.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{Event, Header, Record, RecordingError, RecordingWriter, Subscriptions, WriterOptions};

/// When a file is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartOptions {
    /// How each file is written.
    pub writer: WriterOptions,
    /// A file ends with the block that brings it to this many bytes; `None`: never for its size.
    pub max_bytes: Option<u64>,
    /// A file covers less than this much time; `None`: never ends for its age.
    pub max_ns: Option<u64>,
}

/// Returns the name of the part with this number: `day.phrec` becomes `day-0001.phrec`.
#[must_use]
pub fn part_path(path: &Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map_or("phrec".into(), |extension| extension.to_string_lossy());
    path.with_file_name(format!("{stem}-{number:04}.{extension}"))
}

/// Appends records to a file, and to the next one when it is full.
///
/// The header of each has, under `metadata.part`: `number` (from 1), `began_ns` (when it begins,
/// since the first one began) and `carried` (how many records at its beginning only repeat what is
/// in force). A part's arrivals count from its own beginning. A connection that the header cannot
/// name, because it is new, begins a part too.
pub struct Parts {
    path: PathBuf,
    template: Map<String, Value>,
    options: PartOptions,
    connections: Vec<String>,
    subscriptions: Subscriptions,
    writer: RecordingWriter,
    writer_path: PathBuf,
    number: u32,
    began_ns: u64,
    finished_bytes: u64,
}

impl Parts {
    /// Creates the first file. `template` is a header (see [`Header`]) whose `endpoints` are the
    /// connections known so far.
    ///
    /// # Errors
    /// As [`Header::parse`] and [`RecordingWriter::create`]; [`RecordingError::BadOption`].
    pub fn create(path: &Path, template: &str, options: PartOptions) -> Result<Self, RecordingError> {
        let header = Header::parse(template, path)?;
        for (option, value) in [("max_bytes", options.max_bytes), ("max_ns", options.max_ns)] {
            if value == Some(0) {
                return Err(RecordingError::BadOption { option, value: 0, min: 1, max: i64::MAX });
            }
        }
        let bad = |reason: String| RecordingError::BadHeader { path: path.to_owned(), reason };
        let template: Map<String, Value> =
            serde_json::from_str(template).map_err(|error| bad(error.to_string()))?;
        let connections = header.endpoints().to_vec();
        let subscriptions = Subscriptions::new();
        let (writer_path, writer) = open_part(path, &template, options, &connections, &subscriptions, 1, 0)?;
        let (path, finished_bytes) = (path.to_owned(), 0);
        let (number, began_ns) = (1, 0);
        Ok(Self {
            path,
            template,
            options,
            connections,
            subscriptions,
            writer,
            writer_path,
            number,
            began_ns,
            finished_bytes,
        })
    }

    /// Returns the number of a connection; one that was unknown gets the next.
    pub fn connection(&mut self, name: &str) -> u32 {
        let known = self.connections.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.connections.push(name.to_owned());
            self.connections.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Returns the names of the connections known so far.
    #[must_use]
    pub fn connections(&self) -> &[String] {
        &self.connections
    }

    /// Returns the file being written and its number.
    #[must_use]
    pub fn current(&self) -> (&Path, u32) {
        (&self.writer_path, self.number)
    }

    /// Returns how many bytes all files have together.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.finished_bytes + self.writer.written_bytes()
    }

    /// Appends what happened at `arrival_ns` since the recording began. A full block is written; the
    /// disk has it for sure after the next [`flush`](Self::flush), or when the next file begins.
    ///
    /// # Errors
    /// As [`RecordingWriter::append`] and [`RecordingWriter::create`].
    pub fn append(
        &mut self,
        connection: u32,
        arrival_ns: u64,
        event: Event<'_>,
    ) -> Result<(), RecordingError> {
        if (connection as usize) >= self.connections.len() {
            let endpoint = connection.to_string();
            return Err(RecordingError::UnknownEndpoint { endpoint, known: self.connections.len() });
        }
        let in_part = |began_ns| {
            arrival_ns
                .checked_sub(began_ns)
                .ok_or(RecordingError::ArrivalGoesBack { previous_ns: began_ns, arrival_ns })
        };
        let is_full = self.options.max_bytes.is_some_and(|max| self.writer.written_bytes() >= max)
            || self.options.max_ns.is_some_and(|max| arrival_ns.saturating_sub(self.began_ns) >= max);
        if is_full || connection as usize >= self.writer.header().endpoints().len() {
            in_part(self.began_ns)?;
            self.begin_next(arrival_ns)?;
        }
        let record = Record { endpoint: connection, arrival_ns: in_part(self.began_ns)?, event };
        self.writer.append_unsynced(&record)?;
        self.subscriptions.see(connection, &event);
        Ok(())
    }

    /// Writes what was gathered and waits until the disk has it.
    ///
    /// # Errors
    /// As [`RecordingWriter::flush`].
    pub fn flush(&mut self) -> Result<(), RecordingError> {
        self.writer.flush()
    }

    /// Closes the last file. A second call does nothing.
    ///
    /// # Errors
    /// As [`RecordingWriter::close`].
    pub fn close(&mut self) -> Result<(), RecordingError> {
        self.writer.close()
    }

    fn begin_next(&mut self, began_ns: u64) -> Result<(), RecordingError> {
        self.writer.close()?;
        let (path, writer) = open_part(
            &self.path,
            &self.template,
            self.options,
            &self.connections,
            &self.subscriptions,
            self.number + 1,
            began_ns,
        )?;
        self.finished_bytes += self.writer.written_bytes();
        (self.writer_path, self.writer) = (path, writer);
        self.number += 1;
        self.began_ns = began_ns;
        Ok(())
    }
}

/// Creates a part and writes what it repeats.
fn open_part(
    path: &Path,
    template: &Map<String, Value>,
    options: PartOptions,
    connections: &[String],
    subscriptions: &Subscriptions,
    number: u32,
    began_ns: u64,
) -> Result<(PathBuf, RecordingWriter), RecordingError> {
    let path = part_path(path, number);
    let mut carried = 0_u64;
    subscriptions.repeat(|_, _| {
        carried += 1;
        Ok::<(), RecordingError>(())
    })?;
    let mut header = template.clone();
    header.insert("endpoints".to_owned(), json!(connections));
    let part = json!({"number": number, "began_ns": began_ns, "carried": carried});
    match header.entry("metadata").or_insert_with(|| json!({})) {
        Value::Object(metadata) => drop(metadata.insert("part".to_owned(), part)),
        // A header with any other metadata was refused before.
        _ => return Err(RecordingError::BadHeader { path, reason: "metadata is no object".to_owned() }),
    }
    let header = Header::parse(&Value::Object(header).to_string(), &path)?;
    let mut writer = RecordingWriter::create(&path, header, options.writer)?;
    subscriptions.repeat(|endpoint, event| writer.append(&Record { endpoint, arrival_ns: 0, event }))?;
    writer.flush()?;
    Ok((path, writer))
}
