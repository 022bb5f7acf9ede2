//! What goes to Python: news and counters.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::python::errors::InvalidInput;
use crate::wss_aggregator as core;
use core::{Malformed, Notification};

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
#[pyclass(frozen, module = "phantom_core")]
pub(super) struct LogUpdate {
    #[pyo3(get)]
    signature: String,
    #[pyo3(get)]
    slot: u64,
    #[pyo3(get)]
    failed: bool,
    logs: core::Logs,
}

#[pymethods]
impl LogUpdate {
    /// Read only when asked for: few look at every log.
    #[getter]
    fn logs(&self) -> Vec<String> {
        self.logs.lines()
    }
}

/// A slot begins.
#[pyclass(frozen, get_all, module = "phantom_core")]
pub(super) struct SlotUpdate {
    slot: u64,
    parent: u64,
    root: u64,
}

/// A slot was rooted.
#[pyclass(frozen, get_all, module = "phantom_core")]
pub(super) struct RootUpdate {
    root: u64,
}

/// Something that happened to a slot, as one node saw it.
#[pyclass(frozen, get_all, module = "phantom_core")]
pub(super) struct SlotStageUpdate {
    slot: u64,
    stage: &'static str,
    parent: Option<u64>,
    timestamp_ms: u64,
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
    not_kept: u64,
    malformed: Py<PyDict>,
    disconnects: u64,
    disagreements: u64,
    wrong_owners: u64,
    lag_count: u64,
    lag_p50_ns: Option<u64>,
    lag_p90_ns: Option<u64>,
    lag_p99_ns: Option<u64>,
    lag_max_ns: Option<u64>,
    highest_slot: Option<u64>,
    last_arrival_ns: Option<u64>,
    is_quarantined: bool,
    quarantines: u64,
    ignored: u64,
}

/// Counters of an aggregator or filter.
#[pyclass(frozen, get_all, module = "phantom_core")]
pub struct AggregatorStats {
    endpoints: Vec<Py<EndpointStats>>,
    accounts: usize,
    released: u64,
    disputes: u64,
    highest_slot: u64,
}

/// When endpoints are put under quarantine unasked.
#[pyclass(frozen, from_py_object, module = "phantom_core")]
#[derive(Clone, Copy)]
pub struct QuarantineLimits(pub core::QuarantineLimits);

#[pymethods]
impl QuarantineLimits {
    #[new]
    #[pyo3(signature = (*, malformed=None, disagreements=None, wrong_owners=None, impossible_slots=None))]
    fn new(
        malformed: Option<u32>,
        disagreements: Option<u32>,
        wrong_owners: Option<u32>,
        impossible_slots: Option<u32>,
    ) -> Self {
        let default = core::QuarantineLimits::default();
        Self(core::QuarantineLimits {
            malformed: malformed.unwrap_or(default.malformed),
            disagreements: disagreements.unwrap_or(default.disagreements),
            wrong_owners: wrong_owners.unwrap_or(default.wrong_owners),
            impossible_slots: impossible_slots.unwrap_or(default.impossible_slots),
        })
    }

    #[getter]
    fn malformed(&self) -> u32 {
        self.0.malformed
    }

    #[getter]
    fn disagreements(&self) -> u32 {
        self.0.disagreements
    }

    #[getter]
    fn wrong_owners(&self) -> u32 {
        self.0.wrong_owners
    }

    #[getter]
    fn impossible_slots(&self) -> u32 {
        self.0.impossible_slots
    }

    fn __repr__(&self) -> String {
        let core::QuarantineLimits { malformed, disagreements, wrong_owners, impossible_slots } = self.0;
        format!(
            "QuarantineLimits(malformed={malformed}, disagreements={disagreements}, \
             wrong_owners={wrong_owners}, impossible_slots={impossible_slots})"
        )
    }
}

/// Converts the counters of one endpoint.
pub fn endpoint_stats(py: Python<'_>, stats: core::EndpointStats) -> PyResult<Py<EndpointStats>> {
    let malformed = PyDict::new(py);
    for (reason, count) in stats.malformed_by_reason() {
        malformed.set_item(reason, count)?;
    }
    let lags = stats.lag.count() > 0;
    Py::new(
        py,
        EndpointStats {
            lag_count: stats.lag.count(),
            lag_p50_ns: stats.lag.percentile_ns(50),
            lag_p90_ns: stats.lag.percentile_ns(90),
            lag_p99_ns: stats.lag.percentile_ns(99),
            lag_max_ns: lags.then(|| stats.lag.max_ns()),
            not_kept: stats.not_kept,
            disagreements: stats.disagreements,
            wrong_owners: stats.wrong_owners,
            highest_slot: stats.highest_slot,
            last_arrival_ns: stats.last_arrival_ns,
            is_quarantined: stats.is_quarantined,
            quarantines: stats.quarantines,
            ignored: stats.ignored,
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
        disputes: stats.disputes,
        highest_slot: stats.highest_slot,
    })
}

/// Converts the refusal of an argument. Frames that come in are counted instead.
pub fn refused(what: &str, reason: Malformed) -> PyErr {
    InvalidInput::new_err(format!("{what}: {}: {reason}", reason.reason()))
}

fn convert_update(py: Python<'_>, update: core::AccountUpdate) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, AccountUpdate(update))?.into_any())
}

fn convert_notification(py: Python<'_>, notification: Notification) -> PyResult<Py<PyAny>> {
    Ok(match notification {
        Notification::Log { signature, slot, failed, logs } => {
            Py::new(py, LogUpdate { signature, slot, failed, logs })?.into_any()
        }
        Notification::Slot { slot, parent, root } => {
            Py::new(py, SlotUpdate { slot, parent, root })?.into_any()
        }
        Notification::Root { root } => Py::new(py, RootUpdate { root })?.into_any(),
        Notification::SlotsUpdate(core::SlotsUpdate { slot, stage, parent, timestamp_ms }) => {
            let stage = stage.name();
            Py::new(py, SlotStageUpdate { slot, stage, parent, timestamp_ms })?.into_any()
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
