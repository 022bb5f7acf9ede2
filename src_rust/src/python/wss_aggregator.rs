//! `WssAggregator` and `DuplicateFilter` for Python.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString, PyTuple};

use super::errors::InvalidInput;
use crate::wss_aggregator as core;
use core::{AggregatorConfig, EndpointId, Malformed, Notification, Verdict};

/// Frames from this length on are pushed without the GIL. Below, a push takes 0.1 to 0.5 µs; to
/// release and take the GIL again adds 30 ns when nobody else wants it, and when somebody does,
/// waiting to get it back can take the interpreter's whole switch interval (5 ms).
const DETACH_FROM: usize = 16 * 1024;

/// One state of one account, to be applied.
#[pyclass(frozen, module = "phantom_core")]
struct AccountUpdate(core::AccountUpdate);

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
struct LogUpdate {
    signature: String,
    slot: u64,
    failed: bool,
    logs: Vec<String>,
}

/// A slot begins.
#[pyclass(frozen, get_all, module = "phantom_core")]
struct SlotUpdate {
    slot: u64,
    parent: u64,
    root: u64,
}

/// A signature was received or processed.
#[pyclass(frozen, get_all, module = "phantom_core")]
struct SignatureUpdate {
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

fn convert_stats(py: Python<'_>, stats: core::AggregatorStats) -> PyResult<AggregatorStats> {
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
enum Frame {
    Shared(PyBackedBytes),
    Copied(Vec<u8>),
}

impl Frame {
    fn extract(object: &Bound<'_, PyAny>) -> PyResult<Self> {
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
trait Endpoints {
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

fn frames(object: &Bound<'_, PyAny>) -> PyResult<Vec<Frame>> {
    let mut all = Vec::with_capacity(object.len().unwrap_or(0));
    for item in object.try_iter()? {
        all.push(Frame::extract(&item?)?);
    }
    Ok(all)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
enum News {
    Account(core::AccountUpdate),
    Other(Notification),
}

fn convert_news(py: Python<'_>, news: News) -> PyResult<Py<PyAny>> {
    match news {
        News::Account(update) => convert_update(py, update),
        News::Other(notification) => convert_notification(py, notification),
    }
}

struct Aggregator {
    core: core::WssAggregator,
    updates: Vec<core::AccountUpdate>,
}

impl Aggregator {
    #[inline]
    fn push(&mut self, endpoint: EndpointId, frame: &[u8]) -> Option<Notification> {
        self.core.push(endpoint, frame, &mut self.updates);
        self.core.take_notification()
    }
}

/// Turns frames of several endpoints into one ordered stream of account states.
#[pyclass(frozen, module = "phantom_core")]
struct WssAggregator(Mutex<Aggregator>);

#[pymethods]
impl WssAggregator {
    #[new]
    #[pyo3(signature = (*, max_slot_lead=None, max_frame_bytes=None, max_accounts=None, max_pending=None, max_seen=None))]
    fn new(
        max_slot_lead: Option<u64>,
        max_frame_bytes: Option<usize>,
        max_accounts: Option<usize>,
        max_pending: Option<usize>,
        max_seen: Option<usize>,
    ) -> Self {
        let bounds = bounds(max_slot_lead, max_frame_bytes, max_accounts, max_pending, max_seen);
        let core = core::WssAggregator::new(bounds);
        Self(Mutex::new(Aggregator { core, updates: Vec::new() }))
    }

    fn endpoint(&self, name: &str) -> usize {
        lock(&self.0).core.endpoint(name).index()
    }

    fn connect(&self, endpoint: &Bound<'_, PyAny>) -> PyResult<()> {
        let inner = &mut lock(&self.0).core;
        let endpoint = inner.extract(endpoint)?;
        inner.connect(endpoint);
        Ok(())
    }

    fn request(&self, endpoint: &Bound<'_, PyAny>, frame: &Bound<'_, PyAny>) -> PyResult<()> {
        let inner = &mut lock(&self.0).core;
        let endpoint = inner.extract(endpoint)?;
        let frame = Frame::extract(frame)?;
        inner.request(endpoint, frame.as_ref()).map_err(|reason| refused("request", reason))
    }

    fn subscribed(&self, endpoint: &Bound<'_, PyAny>, subscription: u64, pubkey: &str) -> PyResult<()> {
        let inner = &mut lock(&self.0).core;
        let endpoint = inner.extract(endpoint)?;
        inner.subscribed(endpoint, subscription, pubkey).map_err(|reason| refused("pubkey", reason))
    }

    fn push<'py>(
        &self,
        py: Python<'py>,
        endpoint: &Bound<'py, PyAny>,
        frame: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let mut inner = lock(&self.0);
        let endpoint = inner.core.extract(endpoint)?;
        let notification = match frame.cast::<PyBytes>() {
            Ok(bytes) if bytes.as_bytes().len() < DETACH_FROM => inner.push(endpoint, bytes.as_bytes()),
            _ => {
                let frame = Frame::extract(frame)?;
                drop(inner); // to be taken again without the GIL
                let (notification, guard) = py.detach(|| {
                    let mut guard = lock(&self.0);
                    let notification = guard.push(endpoint, frame.as_ref());
                    (notification, std::mem::take(&mut guard.updates))
                });
                let accounts = guard.into_iter().map(News::Account);
                return news(py, accounts.chain(notification.map(News::Other)));
            }
        };
        if inner.updates.is_empty() && notification.is_none() {
            return Ok(PyTuple::empty(py));
        }
        let accounts = inner.updates.drain(..).map(News::Account);
        news(py, accounts.chain(notification.map(News::Other)))
    }

    fn push_many(
        &self,
        py: Python<'_>,
        endpoints: &Bound<'_, PyAny>,
        frames: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<(usize, Py<PyAny>)>> {
        let frames = self::frames(frames)?;
        let endpoints = lock(&self.0).core.extract_many(endpoints, frames.len())?;
        let all = py.detach(|| {
            let mut all = Vec::new();
            let mut guard = lock(&self.0);
            for (index, (frame, endpoint)) in frames.iter().zip(endpoints).enumerate() {
                let notification = guard.push(endpoint, frame.as_ref());
                all.extend(guard.updates.drain(..).map(|update| (index, News::Account(update))));
                all.extend(notification.map(|notification| (index, News::Other(notification))));
            }
            all
        });
        all.into_iter().map(|(index, news)| Ok((index, convert_news(py, news)?))).collect()
    }

    fn disconnect<'py>(
        &self,
        py: Python<'py>,
        endpoint: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let endpoint = lock(&self.0).core.extract(endpoint)?;
        let updates = py.detach(|| {
            let mut updates = Vec::new();
            lock(&self.0).core.disconnect(endpoint, &mut updates);
            updates
        });
        news(py, updates.into_iter().map(News::Account))
    }

    #[getter]
    fn highest_slot(&self) -> u64 {
        lock(&self.0).core.highest_slot()
    }

    fn stats(&self, py: Python<'_>) -> PyResult<AggregatorStats> {
        let stats = lock(&self.0).core.stats();
        convert_stats(py, stats)
    }
}

fn news(py: Python<'_>, all: impl Iterator<Item = News>) -> PyResult<Bound<'_, PyTuple>> {
    let all = all.map(|news| convert_news(py, news)).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, all)
}

/// Says of every frame whether its message has been seen before, whichever endpoint sent it.
#[pyclass(frozen, module = "phantom_core")]
struct DuplicateFilter(Mutex<core::DuplicateFilter>);

#[pymethods]
impl DuplicateFilter {
    #[new]
    #[pyo3(signature = (*, max_slot_lead=None, max_frame_bytes=None, max_accounts=None, max_pending=None, max_seen=None))]
    fn new(
        max_slot_lead: Option<u64>,
        max_frame_bytes: Option<usize>,
        max_accounts: Option<usize>,
        max_pending: Option<usize>,
        max_seen: Option<usize>,
    ) -> Self {
        let bounds = bounds(max_slot_lead, max_frame_bytes, max_accounts, max_pending, max_seen);
        Self(Mutex::new(core::DuplicateFilter::new(bounds)))
    }

    fn endpoint(&self, name: &str) -> usize {
        lock(&self.0).endpoint(name).index()
    }

    fn connect(&self, endpoint: &Bound<'_, PyAny>) -> PyResult<()> {
        let inner = &mut *lock(&self.0);
        let endpoint = inner.extract(endpoint)?;
        inner.connect(endpoint);
        Ok(())
    }

    fn disconnect(&self, endpoint: &Bound<'_, PyAny>) -> PyResult<()> {
        let inner = &mut *lock(&self.0);
        let endpoint = inner.extract(endpoint)?;
        inner.disconnect(endpoint);
        Ok(())
    }

    fn request(&self, endpoint: &Bound<'_, PyAny>, frame: &Bound<'_, PyAny>) -> PyResult<()> {
        let inner = &mut *lock(&self.0);
        let endpoint = inner.extract(endpoint)?;
        let frame = Frame::extract(frame)?;
        inner.request(endpoint, frame.as_ref()).map_err(|reason| refused("request", reason))
    }

    fn subscribed(&self, endpoint: &Bound<'_, PyAny>, subscription: u64, pubkey: &str) -> PyResult<()> {
        let inner = &mut *lock(&self.0);
        let endpoint = inner.extract(endpoint)?;
        inner.subscribed(endpoint, subscription, pubkey).map_err(|reason| refused("pubkey", reason))
    }

    fn push(&self, py: Python<'_>, endpoint: &Bound<'_, PyAny>, frame: &Bound<'_, PyAny>) -> PyResult<bool> {
        let mut inner = lock(&self.0);
        let endpoint = inner.extract(endpoint)?;
        if let Ok(bytes) = frame.cast::<PyBytes>()
            && bytes.as_bytes().len() < DETACH_FROM
        {
            return Ok(inner.push(endpoint, bytes.as_bytes()) == Verdict::Fresh);
        }
        let frame = Frame::extract(frame)?;
        drop(inner); // to be taken again without the GIL
        Ok(py.detach(|| lock(&self.0).push(endpoint, frame.as_ref())) == Verdict::Fresh)
    }

    fn push_many(
        &self,
        py: Python<'_>,
        endpoints: &Bound<'_, PyAny>,
        frames: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<usize>> {
        let frames = self::frames(frames)?;
        let endpoints = lock(&self.0).extract_many(endpoints, frames.len())?;
        Ok(py.detach(|| {
            let mut guard = lock(&self.0);
            let all = frames.iter().zip(endpoints).enumerate();
            all.filter_map(|(index, (frame, endpoint))| {
                (guard.push(endpoint, frame.as_ref()) == Verdict::Fresh).then_some(index)
            })
            .collect()
        }))
    }

    fn forget(&self) {
        lock(&self.0).forget();
    }

    fn stats(&self, py: Python<'_>) -> PyResult<AggregatorStats> {
        let stats = lock(&self.0).stats();
        convert_stats(py, stats)
    }
}

fn bounds(
    max_slot_lead: Option<u64>,
    max_frame_bytes: Option<usize>,
    max_accounts: Option<usize>,
    max_pending: Option<usize>,
    max_seen: Option<usize>,
) -> AggregatorConfig {
    let default = AggregatorConfig::default();
    AggregatorConfig {
        max_slot_lead: max_slot_lead.unwrap_or(default.max_slot_lead),
        max_frame_bytes: max_frame_bytes.unwrap_or(default.max_frame_bytes),
        max_accounts: max_accounts.unwrap_or(default.max_accounts),
        max_pending: max_pending.unwrap_or(default.max_pending),
        max_seen: max_seen.unwrap_or(default.max_seen),
    }
}

/// Adds the classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<WssAggregator>()?;
    m.add_class::<DuplicateFilter>()?;
    m.add_class::<AccountUpdate>()?;
    m.add_class::<LogUpdate>()?;
    m.add_class::<SlotUpdate>()?;
    m.add_class::<SignatureUpdate>()?;
    m.add_class::<EndpointStats>()?;
    m.add_class::<AggregatorStats>()
}
