//! `WssAggregator` and `DuplicateFilter` for Python.

pub mod convert;

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::wss_aggregator as core;
use convert::{AccountUpdate, Endpoints, Frame, LogUpdate, News, SignatureUpdate, SlotUpdate};
use convert::{AggregatorStats, EndpointStats, convert_news, convert_stats, news, refused};
use core::{AggregatorConfig, EndpointId, Notification, Verdict};

/// Frames from this length on are pushed without the GIL. Below, a push takes 0.1 to 0.5 µs; to
/// release and take the GIL again adds 30 ns when nobody else wants it, and when somebody does,
/// waiting to get it back can take the interpreter's whole switch interval (5 ms).
const DETACH_FROM: usize = 16 * 1024;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let frames = convert::frames(frames)?;
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
        let frames = convert::frames(frames)?;
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
