//! `Record`, `Recording` and `RecordingWriter`: see [`crate::recording`].

#![expect(clippy::needless_pass_by_value, reason = "pyo3 extracts arguments by value")]

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::arguments;
use super::errors::{InvalidInput, recording_error};
use crate::recording::{self as core, Event, Header, PartOptions, RecorderOptions, Records, WriterOptions};

fits_into_python!(RecordIterator);

const CONNECT: &str = "connect";
const SENT: &str = "sent";
const RECEIVED: &str = "received";
const DISCONNECT: &str = "disconnect";

/// Returns the event that a kind and a frame describe.
fn event<'a>(kind: &str, frame: &'a [u8]) -> PyResult<Event<'a>> {
    match kind {
        SENT => Ok(Event::Sent(frame)),
        RECEIVED => Ok(Event::Received(frame)),
        CONNECT if frame.is_empty() => Ok(Event::Connect),
        DISCONNECT if frame.is_empty() => Ok(Event::Disconnect),
        CONNECT | DISCONNECT => {
            let message = format!("a `{kind}` record has no frame, {} bytes given", frame.len());
            Err(InvalidInput::new_err(message))
        }
        _ => Err(InvalidInput::new_err(format!(
            "kind is `{kind}`, it may be `connect`, `sent`, `received` or `disconnect`"
        ))),
    }
}

fn kind_and_frame<'a>(event: &Event<'a>) -> (&'static str, &'a [u8]) {
    match event {
        Event::Connect => (CONNECT, b""),
        Event::Sent(frame) => (SENT, frame),
        Event::Received(frame) => (RECEIVED, frame),
        Event::Disconnect => (DISCONNECT, b""),
    }
}

#[pyclass(frozen, get_all, module = "phantom_core")]
struct Record {
    kind: Py<PyString>,
    endpoint: Py<PyString>,
    arrival_ns: u64,
    frame: Py<PyBytes>,
}

#[pymethods]
impl Record {
    #[new]
    #[pyo3(signature = (kind, endpoint, arrival_ns, frame=None))]
    fn new(
        py: Python<'_>,
        kind: &str,
        endpoint: Bound<'_, PyString>,
        arrival_ns: u64,
        frame: Option<Bound<'_, PyBytes>>,
    ) -> PyResult<Self> {
        let frame = frame.unwrap_or_else(|| PyBytes::new(py, b""));
        event(kind, frame.as_bytes())?;
        let kind = PyString::intern(py, kind).unbind();
        Ok(Self { kind, endpoint: endpoint.unbind(), arrival_ns, frame: frame.unbind() })
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<Self>() else { return Ok(false) };
        self.parts(py)?.eq(other.get().parts(py)?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.parts(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (kind, endpoint) = (self.kind.bind(py), self.endpoint.bind(py));
        let bytes = self.frame.as_bytes(py).len();
        format!("Record({kind}, {endpoint}, arrival_ns={}, frame of {bytes} bytes)", self.arrival_ns)
    }
}

impl Record {
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (self.kind.bind(py), self.endpoint.bind(py), self.arrival_ns, self.frame.bind(py)).into_pyobject(py)
    }
}

#[pyclass(frozen, module = "phantom_core")]
struct Recording(core::Recording);

#[pymethods]
impl Recording {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| core::Recording::open(&path)).map(Self).map_err(recording_error)
    }

    #[getter]
    fn header<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (self.0.header().json(),))
    }

    #[getter]
    fn endpoints(&self) -> Vec<String> {
        self.0.header().endpoints().to_vec()
    }

    #[getter]
    fn records(&self) -> u64 {
        self.0.len()
    }

    #[getter]
    fn duration_ns(&self) -> u64 {
        self.0.duration_ns()
    }

    #[getter]
    fn torn_at(&self) -> Option<u64> {
        self.0.torn_at()
    }

    fn since(&self, py: Python<'_>, arrival_ns: u64) -> PyResult<RecordIterator> {
        let records = py.detach(|| self.0.since(arrival_ns)).map_err(recording_error)?;
        Ok(self.iterator(py, records))
    }

    fn since_slot(&self, py: Python<'_>, slot: u64) -> PyResult<RecordIterator> {
        let records = py.detach(|| self.0.since_slot(slot)).map_err(recording_error)?;
        Ok(self.iterator(py, records))
    }

    fn __iter__(&self, py: Python<'_>) -> PyResult<RecordIterator> {
        self.since(py, 0)
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(usize::try_from(self.0.len())?)
    }
}

impl Recording {
    fn iterator(&self, py: Python<'_>, records: Records) -> RecordIterator {
        let names = self.0.header().endpoints();
        let endpoints = names.iter().map(|name| PyString::new(py, name).unbind()).collect();
        RecordIterator { records, endpoints }
    }
}

#[pyclass(module = "phantom_core")]
struct RecordIterator {
    records: Records,
    endpoints: Vec<Py<PyString>>,
}

#[pymethods]
impl RecordIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<Record>> {
        if self.records.at_block_end() {
            py.detach(|| self.records.load_block()).map_err(recording_error)?;
        }
        let Some(record) = self.records.next_record().map_err(recording_error)? else { return Ok(None) };
        let (kind, frame) = kind_and_frame(&record.event);
        let Some(endpoint) = self.endpoints.get(record.endpoint as usize) else { return Ok(None) };
        Ok(Some(Record {
            kind: PyString::intern(py, kind).unbind(),
            endpoint: endpoint.clone_ref(py),
            arrival_ns: record.arrival_ns,
            frame: PyBytes::new(py, frame).unbind(),
        }))
    }
}

fn header_text(header: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = header.py();
    let options = PyDict::new(py);
    options.set_item("ensure_ascii", false)?;
    py.import("json")?.call_method("dumps", (header,), Some(&options))?.extract()
}

#[pyclass(module = "phantom_core")]
struct RecordingWriter(core::RecordingWriter);

#[pymethods]
impl RecordingWriter {
    #[new]
    #[pyo3(signature = (path, header, *, level=3, block_bytes=4_194_304))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        header: &Bound<'_, PyAny>,
        level: i32,
        block_bytes: usize,
    ) -> PyResult<Self> {
        let json = header_text(header)?;
        py.detach(|| {
            let header = Header::parse(&json, &path)?;
            core::RecordingWriter::create(&path, header, WriterOptions { level, block_bytes })
        })
        .map(Self)
        .map_err(recording_error)
    }

    #[getter]
    fn records(&self) -> u64 {
        self.0.records()
    }

    #[pyo3(signature = (kind, endpoint, arrival_ns, frame=None))]
    fn append(
        &mut self,
        py: Python<'_>,
        kind: &str,
        endpoint: &str,
        arrival_ns: u64,
        frame: Option<PyBackedBytes>,
    ) -> PyResult<()> {
        let event = event(kind, frame.as_deref().unwrap_or_default())?;
        let endpoint = self.0.header().endpoint(endpoint).map_err(recording_error)?;
        let record = core::Record { endpoint, arrival_ns, event };
        py.detach(|| self.0.append(&record)).map_err(recording_error)
    }

    fn flush(&mut self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.flush()).map_err(recording_error)
    }

    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.close()).map_err(recording_error)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&mut self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}

#[pyclass(frozen, get_all, module = "phantom_core")]
struct RecorderStats {
    records: u64,
    frames: u64,
    frame_bytes: u64,
    lost: u64,
    written_bytes: u64,
    waiting_bytes: usize,
    path: PathBuf,
    parts: u32,
}

#[pyclass(frozen, module = "phantom_core")]
struct Recorder(core::Recorder);

#[pymethods]
impl Recorder {
    #[new]
    #[pyo3(signature = (
        path, header, *, level=3, block_bytes=4_194_304, max_file_bytes=None, max_file_ns=None,
        max_waiting_bytes=134_217_728
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        header: &Bound<'_, PyAny>,
        level: i32,
        block_bytes: usize,
        max_file_bytes: Option<u64>,
        max_file_ns: Option<u64>,
        max_waiting_bytes: usize,
    ) -> PyResult<Self> {
        let json = header_text(header)?;
        let writer = WriterOptions { level, block_bytes };
        let parts = PartOptions { writer, max_bytes: max_file_bytes, max_ns: max_file_ns };
        let options = RecorderOptions { parts, max_waiting_bytes };
        py.detach(|| core::Recorder::create(&path, &json, options)).map(Self).map_err(recording_error)
    }

    fn connection(&self, name: &str) -> u32 {
        self.0.connection(name)
    }

    #[pyo3(signature = (kind, endpoint, arrival_ns, frame=None))]
    fn append(
        &self,
        kind: &str,
        endpoint: &str,
        arrival_ns: u64,
        frame: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let frame = frame.map(|frame| arguments::data("frame", frame)).transpose()?;
        let event = event(kind, frame.as_ref().map_or(&[], AsRef::as_ref))?;
        self.0.append(self.0.connection(endpoint), arrival_ns, event).map_err(recording_error)
    }

    fn received(&self, connection: u32, arrival_ns: u64, frame: &Bound<'_, PyAny>) -> PyResult<()> {
        let frame = arguments::data("frame", frame)?;
        self.0.append(connection, arrival_ns, Event::Received(frame.as_ref())).map_err(recording_error)
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.flush()).map_err(recording_error)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.close()).map_err(recording_error)
    }

    #[getter]
    fn has_failed(&self) -> bool {
        self.0.has_failed()
    }

    fn stats(&self) -> RecorderStats {
        let stats = self.0.stats();
        RecorderStats {
            records: stats.records,
            frames: stats.frames,
            frame_bytes: stats.frame_bytes,
            lost: stats.lost,
            written_bytes: stats.written_bytes,
            waiting_bytes: stats.waiting_bytes,
            path: stats.path,
            parts: stats.parts,
        }
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}

/// Adds the classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, Record, Recording, RecordingWriter, Recorder, RecorderStats);
    Ok(())
}
