//! `Record`, `Recording` and `RecordingWriter`: see [`crate::recording`].

#![expect(clippy::needless_pass_by_value, reason = "pyo3 extracts arguments by value")]

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use super::errors::{InvalidInput, recording_error};
use crate::recording::{self as core, Event, Header, Records, WriterOptions};

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
        let names = self.0.header().endpoints();
        Ok(RecordIterator {
            records,
            endpoints: names.iter().map(|name| PyString::new(py, name).unbind()).collect(),
        })
    }

    fn __iter__(&self, py: Python<'_>) -> PyResult<RecordIterator> {
        self.since(py, 0)
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(usize::try_from(self.0.len())?)
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
        let options = PyDict::new(py);
        options.set_item("ensure_ascii", false)?;
        let json: String = py.import("json")?.call_method("dumps", (header,), Some(&options))?.extract()?;
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

/// Adds the classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Record>()?;
    m.add_class::<Recording>()?;
    m.add_class::<RecordingWriter>()?;
    Ok(())
}
