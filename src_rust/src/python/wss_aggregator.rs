//! `WssAggregator` and `DuplicateFilter` for Python.

pub mod convert;
pub mod input;

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::python::engine::freshness::PyConnectionFreshness;
use crate::python::errors::InvalidInput;
use crate::wss_aggregator as core;
use convert::{AccountUpdate, LogUpdate, News, QuarantineLimits, RootUpdate};
use convert::{AggregatorStats, EndpointStats, convert_news, convert_stats, news, refused};
use convert::{SignatureUpdate, SlotStageUpdate, SlotUpdate};
use core::{AggregatorConfig, EndpointId, NO_TIME, Verdict};
use input::{Endpoints, Frame};

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
    news: Vec<News>,
}

impl Aggregator {
    /// Pushes a frame and returns what is new in it.
    #[inline]
    fn push(&mut self, endpoint: EndpointId, frame: &[u8], arrival_ns: u64) -> std::vec::Drain<'_, News> {
        let verdict = self.core.push_at(endpoint, frame, arrival_ns, &mut self.updates);
        self.news.extend(self.updates.drain(..).map(News::Account));
        if verdict == Verdict::Fresh {
            self.news.extend(self.core.drain_notifications().map(News::Other));
        }
        self.news.drain(..)
    }
}

/// Turns frames of several endpoints into one ordered stream of account states.
#[pyclass(frozen, module = "phantom_core")]
struct WssAggregator(Mutex<Aggregator>);

#[pymethods]
impl WssAggregator {
    #[new]
    #[pyo3(signature = (*, max_slot_lead=None, max_frame_bytes=None, max_accounts=None, max_pending=None, max_seen=None, max_introduced=None, max_kept_bytes=None, max_heartbeat_gap=None, quorum=None, quarantine=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        max_slot_lead: Option<u64>,
        max_frame_bytes: Option<usize>,
        max_accounts: Option<usize>,
        max_pending: Option<usize>,
        max_seen: Option<usize>,
        max_introduced: Option<usize>,
        max_kept_bytes: Option<usize>,
        max_heartbeat_gap: Option<u64>,
        quorum: Option<usize>,
        quarantine: Option<QuarantineLimits>,
    ) -> PyResult<Self> {
        let bounds = bounds(max_slot_lead, max_frame_bytes, max_accounts, max_pending, max_seen);
        let quorum = quorum.unwrap_or(bounds.quorum);
        if !(1..=64).contains(&quorum) {
            return Err(InvalidInput::new_err(format!("quorum: expected 1 to 64, found {quorum}")));
        }
        let core = core::WssAggregator::new(AggregatorConfig {
            max_introduced: max_introduced.unwrap_or(bounds.max_introduced),
            max_kept_bytes: max_kept_bytes.unwrap_or(bounds.max_kept_bytes),
            max_heartbeat_gap: max_heartbeat_gap.unwrap_or(bounds.max_heartbeat_gap),
            quorum,
            quarantine: quarantine.map(|limits| limits.0),
            ..bounds
        });
        Ok(Self(Mutex::new(Aggregator { core, updates: Vec::new(), news: Vec::new() })))
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
        self.push_frame(py, endpoint, frame, NO_TIME)
    }

    fn push_at<'py>(
        &self,
        py: Python<'py>,
        endpoint: &Bound<'py, PyAny>,
        frame: &Bound<'py, PyAny>,
        arrival_ns: u64,
    ) -> PyResult<Bound<'py, PyTuple>> {
        self.push_frame(py, endpoint, frame, arrival_ns)
    }

    #[pyo3(signature = (endpoints, frames, arrivals_ns=None))]
    fn push_many(
        &self,
        py: Python<'_>,
        endpoints: &Bound<'_, PyAny>,
        frames: &Bound<'_, PyAny>,
        arrivals_ns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<(usize, Py<PyAny>)>> {
        let all = input::with_frames(frames, |frames| {
            let times = input::times(arrivals_ns, frames.len())?;
            let endpoints = lock(&self.0).core.extract_many(endpoints, frames.len())?;
            Ok(py.detach(|| {
                let mut all = Vec::new();
                let mut guard = lock(&self.0);
                for (index, (frame, endpoint)) in frames.iter().zip(endpoints).enumerate() {
                    let time = times.as_ref().map_or(NO_TIME, |times| times[index]);
                    let news = guard.push(endpoint, frame, time);
                    all.extend(news.map(|news| (index, news)));
                }
                all
            }))
        })?;
        all.into_iter().map(|(index, news)| Ok((index, convert_news(py, news)?))).collect()
    }

    fn quarantine<'py>(
        &self,
        py: Python<'py>,
        endpoint: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let endpoint = input::someone_of(&mut lock(&self.0).core, endpoint)?;
        let updates = py.detach(|| {
            let mut updates = Vec::new();
            lock(&self.0).core.quarantine(endpoint, &mut updates);
            updates
        });
        news(py, updates.into_iter().map(News::Account))
    }

    fn release(&self, endpoint: &Bound<'_, PyAny>) -> PyResult<()> {
        let inner = &mut lock(&self.0).core;
        let endpoint = input::someone_of(inner, endpoint)?;
        inner.release(endpoint);
        Ok(())
    }

    fn take_doubted(&self) -> Vec<String> {
        lock(&self.0).core.take_doubted().iter().map(ToString::to_string).collect()
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

    fn freshness(&self) -> Vec<PyConnectionFreshness> {
        lock(&self.0).core.connections().into_iter().map(PyConnectionFreshness::from).collect()
    }

    fn stats(&self, py: Python<'_>) -> PyResult<AggregatorStats> {
        let stats = lock(&self.0).core.stats();
        convert_stats(py, stats)
    }
}

impl WssAggregator {
    #[inline]
    fn push_frame<'py>(
        &self,
        py: Python<'py>,
        endpoint: &Bound<'py, PyAny>,
        frame: &Bound<'py, PyAny>,
        arrival_ns: u64,
    ) -> PyResult<Bound<'py, PyTuple>> {
        if let Ok(bytes) = frame.cast::<PyBytes>()
            && bytes.as_bytes().len() < DETACH_FROM
        {
            let mut inner = lock(&self.0);
            let endpoint = inner.core.extract(endpoint)?;
            let all = inner.push(endpoint, bytes.as_bytes(), arrival_ns);
            return if all.len() == 0 { Ok(PyTuple::empty(py)) } else { news(py, all) };
        }
        let frame = Frame::extract(frame)?;
        let endpoint = lock(&self.0).core.extract(endpoint)?;
        let push = || lock(&self.0).push(endpoint, frame.as_ref(), arrival_ns).collect::<Vec<_>>();
        let all = if frame.as_ref().len() < DETACH_FROM { push() } else { py.detach(push) };
        news(py, all.into_iter())
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
        self.push_frame(py, endpoint, frame, NO_TIME)
    }

    fn push_at(
        &self,
        py: Python<'_>,
        endpoint: &Bound<'_, PyAny>,
        frame: &Bound<'_, PyAny>,
        arrival_ns: u64,
    ) -> PyResult<bool> {
        self.push_frame(py, endpoint, frame, arrival_ns)
    }

    #[pyo3(signature = (endpoints, frames, arrivals_ns=None))]
    fn push_many(
        &self,
        py: Python<'_>,
        endpoints: &Bound<'_, PyAny>,
        frames: &Bound<'_, PyAny>,
        arrivals_ns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<usize>> {
        input::with_frames(frames, |frames| {
            let times = input::times(arrivals_ns, frames.len())?;
            let endpoints = lock(&self.0).extract_many(endpoints, frames.len())?;
            Ok(py.detach(|| {
                let mut guard = lock(&self.0);
                let mut fresh = Vec::new();
                for (index, (frame, endpoint)) in frames.iter().zip(endpoints).enumerate() {
                    let time = times.as_ref().map_or(NO_TIME, |times| times[index]);
                    if guard.push_at(endpoint, frame, time) == Verdict::Fresh {
                        fresh.push(index);
                    }
                }
                fresh
            }))
        })
    }

    fn forget(&self) {
        lock(&self.0).forget();
    }

    fn stats(&self, py: Python<'_>) -> PyResult<AggregatorStats> {
        let stats = lock(&self.0).stats();
        convert_stats(py, stats)
    }
}

impl DuplicateFilter {
    #[inline]
    fn push_frame(
        &self,
        py: Python<'_>,
        endpoint: &Bound<'_, PyAny>,
        frame: &Bound<'_, PyAny>,
        arrival_ns: u64,
    ) -> PyResult<bool> {
        if let Ok(bytes) = frame.cast::<PyBytes>()
            && bytes.as_bytes().len() < DETACH_FROM
        {
            let mut inner = lock(&self.0);
            let endpoint = inner.extract(endpoint)?;
            return Ok(inner.push_at(endpoint, bytes.as_bytes(), arrival_ns) == Verdict::Fresh);
        }
        let frame = Frame::extract(frame)?;
        let endpoint = lock(&self.0).extract(endpoint)?;
        let push = || lock(&self.0).push_at(endpoint, frame.as_ref(), arrival_ns) == Verdict::Fresh;
        Ok(if frame.as_ref().len() < DETACH_FROM { push() } else { py.detach(push) })
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
        ..default
    }
}

/// Adds the classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(
        m,
        WssAggregator,
        DuplicateFilter,
        AccountUpdate,
        LogUpdate,
        SlotUpdate,
        SignatureUpdate,
        RootUpdate,
        SlotStageUpdate,
        QuarantineLimits,
        EndpointStats,
        AggregatorStats
    );
    Ok(())
}
