//! What crosses between Python and the aggregator: frames and endpoints in, news and counters out.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString, PyTuple};

use crate::python::errors::InvalidInput;
use crate::wss_aggregator as core;
use core::{EndpointId, Malformed, Notification};

/// One state of one account, to be applied.
#[pyclass(frozen, module = "phantom_core")]
pub(super) struct AccountUpdate(core::AccountUpdate);

#[pymethods]
impl AccountUpdate {
    #[getter]
    fn pubkey(&self) -> String {
        self.0.pubkey.to_string()
    }

    #[getter]
    fn slot(&self) -> u64 {
        self.0.slot
    }

    #[getter]
    fn exists(&self) -> bool {
        self.0.account.is_some()
    }

    #[getter]
    fn owner(&self) -> Option<String> {
        self.0.account.as_ref().map(|account| account.owner.to_string())
    }

    #[getter]
    fn lamports(&self) -> Option<u64> {
        self.0.account.as_ref().map(|account| account.lamports)
    }

    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.account.as_ref().map(|account| PyBytes::new(py, &account.data))
    }

    fn __repr__(&self) -> String {
        let len = self.0.account.as_ref().map_or(0, |account| account.data.len());
        format!("AccountUpdate({}, slot={}, {len} bytes)", self.0.pubkey, self.0.slot)
    }
}

/// The log of one transaction.
#[pyclass(frozen, get_all, module = "phantom_core")]
pub(super) struct LogUpdate {
    signature: String,
    slot: u64,
    failed: bool,
    logs: Vec<String>,
}

/// A slot begins.
#[pyclass(frozen, get_all, module = "phantom_core")]
pub(super) struct SlotUpdate {
    slot: u64,
    parent: u64,
    root: u64,
}

/// A signature was received or processed.
#[pyclass(frozen, get_all, module = "phantom_core")]
pub(super) struct SignatureUpdate {
    signature: String,
    slot: u64,
    received: bool,
    failed: bool,
}

/// Counters of one endpoint.
#[pyclass(frozen, get_all, module = "phantom_core")]
pub struct EndpointStats {
    name: String,
    frames: u64,
    wins: u64,
    duplicates: u64,
    stale: u64,
    held: u64,
    control: u64,
    refusals: u64,
    malformed: Py<PyDict>,
    disconnects: u64,
}

/// Counters of an aggregator or filter.
#[pyclass(frozen, get_all, module = "phantom_core")]
pub struct AggregatorStats {
    endpoints: Vec<Py<EndpointStats>>,
    accounts: usize,
    released: u64,
}

/// Converts the counters of one endpoint.
pub fn endpoint_stats(py: Python<'_>, stats: core::EndpointStats) -> PyResult<Py<EndpointStats>> {
    let malformed = PyDict::new(py);
    for (reason, count) in stats.malformed_by_reason() {
        malformed.set_item(reason, count)?;
    }
    Py::new(
        py,
        EndpointStats {
            name: stats.name,
            frames: stats.frames,
            wins: stats.wins,
            duplicates: stats.duplicates,
            stale: stats.stale,
            held: stats.held,
            control: stats.control,
            refusals: stats.refusals,
            malformed: malformed.unbind(),
            disconnects: stats.disconnects,
        },
    )
}

/// Converts the counters of the whole.
pub(super) fn convert_stats(py: Python<'_>, stats: core::AggregatorStats) -> PyResult<AggregatorStats> {
    let endpoints = stats.endpoints.into_iter().map(|stats| endpoint_stats(py, stats));
    Ok(AggregatorStats {
        endpoints: endpoints.collect::<PyResult<_>>()?,
        accounts: stats.accounts,
        released: stats.released,
    })
}

/// Converts the refusal of an argument. Frames that come in are counted instead.
pub fn refused(what: &str, reason: Malformed) -> PyErr {
    InvalidInput::new_err(format!("{what}: {}: {reason}", reason.reason()))
}

/// The bytes of a frame: borrowed from `bytes`, copied from anything else with a buffer.
pub(super) enum Frame {
    Shared(PyBackedBytes),
    Copied(Vec<u8>),
}

impl Frame {
    pub(super) fn extract(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self::Shared(bytes.clone().into()));
        }
        let wrong = |_| {
            let kind = object.get_type();
            InvalidInput::new_err(format!("frame: expected bytes or a byte buffer, found {kind}"))
        };
        let buffer = PyBuffer::<u8>::get(object).map_err(wrong)?;
        Ok(Self::Copied(buffer.to_vec(object.py())?))
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Copied(bytes) => bytes,
        }
    }
}

/// Endpoints by number or name.
pub(super) trait Endpoints {
    fn named(&mut self, name: &str) -> EndpointId;
    fn numbered(&self, number: usize) -> Option<EndpointId>;

    #[inline]
    fn extract(&mut self, object: &Bound<'_, PyAny>) -> PyResult<EndpointId> {
        if object.is_instance_of::<PyInt>() {
            return self.check(object.extract().unwrap_or(usize::MAX));
        }
        match object.cast::<PyString>() {
            Ok(name) => Ok(self.named(name.to_cow()?.as_ref())),
            Err(_) => Err(InvalidInput::new_err(format!(
                "endpoint: expected a name or a number, found {}",
                object.get_type()
            ))),
        }
    }

    fn check(&self, number: usize) -> PyResult<EndpointId> {
        self.numbered(number)
            .ok_or_else(|| InvalidInput::new_err(format!("endpoint: no endpoint has the number {number}")))
    }

    /// Converts one endpoint for every frame: numbers as `bytes`, or a sequence.
    fn extract_many(&mut self, object: &Bound<'_, PyAny>, count: usize) -> PyResult<Vec<EndpointId>> {
        let endpoints: Vec<EndpointId> = if let Ok(numbers) = object.cast::<PyBytes>() {
            let numbers = numbers.as_bytes().iter();
            numbers.map(|&number| self.check(number.into())).collect::<PyResult<_>>()?
        } else {
            object.try_iter()?.map(|item| self.extract(&item?)).collect::<PyResult<_>>()?
        };
        if endpoints.len() != count {
            let found = endpoints.len();
            return Err(InvalidInput::new_err(format!(
                "endpoints: expected one for each of {count} frames, found {found}"
            )));
        }
        Ok(endpoints)
    }
}

impl Endpoints for core::WssAggregator {
    fn named(&mut self, name: &str) -> EndpointId {
        self.endpoint(name)
    }
    fn numbered(&self, number: usize) -> Option<EndpointId> {
        self.endpoint_numbered(number)
    }
}

impl Endpoints for core::DuplicateFilter {
    fn named(&mut self, name: &str) -> EndpointId {
        self.endpoint(name)
    }
    fn numbered(&self, number: usize) -> Option<EndpointId> {
        self.endpoint_numbered(number)
    }
}

/// Converts a list of frames.
pub(super) fn frames(object: &Bound<'_, PyAny>) -> PyResult<Vec<Frame>> {
    let mut all = Vec::with_capacity(object.len().unwrap_or(0));
    for item in object.try_iter()? {
        all.push(Frame::extract(&item?)?);
    }
    Ok(all)
}

fn convert_update(py: Python<'_>, update: core::AccountUpdate) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, AccountUpdate(update))?.into_any())
}

fn convert_notification(py: Python<'_>, notification: Notification) -> PyResult<Py<PyAny>> {
    Ok(match notification {
        Notification::Log { signature, slot, failed, logs } => {
            Py::new(py, LogUpdate { signature, slot, failed, logs: logs.lines() })?.into_any()
        }
        Notification::Slot { slot, parent, root } => {
            Py::new(py, SlotUpdate { slot, parent, root })?.into_any()
        }
        Notification::Signature { signature, slot, received, failed } => {
            Py::new(py, SignatureUpdate { signature, slot, received, failed })?.into_any()
        }
    })
}

/// News of one frame, in Rust's terms.
pub(super) enum News {
    Account(core::AccountUpdate),
    Other(Notification),
}

pub(super) fn convert_news(py: Python<'_>, news: News) -> PyResult<Py<PyAny>> {
    match news {
        News::Account(update) => convert_update(py, update),
        News::Other(notification) => convert_notification(py, notification),
    }
}

/// Converts the news of one frame.
pub(super) fn news(py: Python<'_>, all: impl Iterator<Item = News>) -> PyResult<Bound<'_, PyTuple>> {
    let all = all.map(|news| convert_news(py, news)).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, all)
}
