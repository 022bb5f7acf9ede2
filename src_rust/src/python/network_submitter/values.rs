//! What `NetworkSubmitter` takes and gives.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::network_submitter as core;
use crate::python::errors;

/// Returns a span of time given in milliseconds.
pub fn milliseconds(argument: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value / 1000.0)
        .map_err(|_| errors::invalid(format!("{argument} is {value}; it may be 0 or more")))
}

#[pyclass(name = "Target", module = "phantom_core", frozen)]
pub struct PyTarget(pub core::Target);

#[pymethods]
impl PyTarget {
    #[new]
    #[pyo3(signature = (name, url, *, kind="jito_bundle", auth=None, requests_per_second=None, max_in_flight=8, timeout_ms=2000.0, bundle_only=false, http2=true, allow_plain_http=false))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        name: &str,
        url: &str,
        kind: &str,
        auth: Option<String>,
        requests_per_second: Option<f64>,
        max_in_flight: usize,
        timeout_ms: f64,
        bundle_only: bool,
        http2: bool,
        allow_plain_http: bool,
    ) -> PyResult<Self> {
        let kind = core::TargetKind::parse(kind).ok_or_else(|| {
            errors::invalid(format!("kind is {kind:?}; it may be jito_bundle, jito_transaction or rpc"))
        })?;
        let options = core::TargetOptions {
            auth,
            requests_per_second,
            max_in_flight,
            timeout: milliseconds("timeout_ms", timeout_ms)?,
            bundle_only,
            http2,
            allow_plain_http,
            ..core::TargetOptions::new(name, url, kind)
        };
        core::Target::new(options).map(Self).map_err(|error| errors::submit(&error))
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind().name()
    }

    #[getter]
    fn url(&self) -> String {
        self.0.shown_url()
    }

    fn __repr__(&self) -> String {
        format!("Target('{}', '{}', kind='{}')", self.0.name(), self.0.shown_url(), self.0.kind().name())
    }
}

/// One answer, shared with its dispatch.
#[pyclass(name = "Answer", module = "phantom_core", frozen)]
pub struct PyAnswer {
    dispatch: Arc<core::Dispatch>,
    index: usize,
}

impl PyAnswer {
    fn get(&self) -> &core::Answer {
        &self.dispatch.answers[self.index]
    }
}

#[pymethods]
impl PyAnswer {
    #[getter]
    fn target(&self) -> &str {
        &self.get().target
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.get().kind.name()
    }

    #[getter]
    fn is_sent(&self) -> bool {
        self.get().is_sent
    }

    #[getter]
    fn id(&self) -> Option<&str> {
        self.get().id.as_deref()
    }

    #[getter]
    fn bundle_id(&self) -> Option<&str> {
        self.get().bundle_id.as_deref()
    }

    #[getter]
    fn code(&self) -> Option<i64> {
        self.get().code
    }

    #[getter]
    fn message(&self) -> Option<&str> {
        self.get().message.as_deref()
    }

    #[getter]
    fn retry_after_ns(&self) -> Option<u64> {
        self.get().retry_after_ns
    }

    #[getter]
    fn latency_ns(&self) -> u64 {
        self.get().latency_ns
    }

    #[getter]
    fn http_status(&self) -> Option<u16> {
        self.get().http_status
    }

    fn __repr__(&self) -> String {
        let answer = self.get();
        let id = answer.id.as_ref().map_or_else(String::new, |id| format!(", id='{id}'"));
        let code = answer.code.map_or_else(String::new, |code| format!(", code={code}"));
        let message = answer.message.as_ref().map_or_else(String::new, |text| format!(", message={text:?}"));
        format!("Answer('{}', kind='{}'{id}{code}{message})", answer.target, answer.kind.name())
    }
}

#[pyclass(name = "Dispatch", module = "phantom_core", frozen)]
pub struct PyDispatch(Arc<core::Dispatch>);

impl From<core::Dispatch> for PyDispatch {
    fn from(dispatch: core::Dispatch) -> Self {
        Self(Arc::new(dispatch))
    }
}

#[pymethods]
impl PyDispatch {
    #[getter]
    fn answers(&self) -> Vec<PyAnswer> {
        (0..self.0.answers.len()).map(|index| PyAnswer { dispatch: Arc::clone(&self.0), index }).collect()
    }

    #[getter]
    fn accepted(&self) -> Option<PyAnswer> {
        let index = self.0.answers.iter().position(|answer| answer.kind == core::AnswerKind::Accepted)?;
        Some(PyAnswer { dispatch: Arc::clone(&self.0), index })
    }

    #[getter]
    fn is_sent(&self) -> bool {
        self.0.is_sent()
    }

    #[getter]
    fn elapsed_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed.as_nanos()).unwrap_or(u64::MAX)
    }

    fn __repr__(&self) -> String {
        let answers: Vec<String> =
            self.0.answers.iter().map(|answer| format!("{}={}", answer.target, answer.kind.name())).collect();
        format!("Dispatch({})", answers.join(", "))
    }
}

#[pyclass(name = "BundleStatus", module = "phantom_core", frozen, get_all)]
pub struct PyBundleStatus {
    bundle_id: String,
    transactions: Vec<String>,
    slot: u64,
    confirmation_status: Option<String>,
    error: Option<String>,
}

impl From<core::BundleStatus> for PyBundleStatus {
    fn from(status: core::BundleStatus) -> Self {
        Self {
            bundle_id: status.bundle_id,
            transactions: status.transactions,
            slot: status.slot,
            confirmation_status: status.confirmation_status,
            error: status.error,
        }
    }
}

#[pyclass(name = "InflightBundleStatus", module = "phantom_core", frozen, get_all)]
pub struct PyInflightBundleStatus {
    bundle_id: String,
    status: String,
    landed_slot: Option<u64>,
}

impl From<core::InflightBundleStatus> for PyInflightBundleStatus {
    fn from(status: core::InflightBundleStatus) -> Self {
        Self { bundle_id: status.bundle_id, status: status.status, landed_slot: status.landed_slot }
    }
}

#[pyclass(name = "SignatureStatus", module = "phantom_core", frozen, get_all)]
pub struct PySignatureStatus {
    slot: u64,
    confirmations: Option<u64>,
    error: Option<String>,
    confirmation_status: Option<String>,
}

impl From<core::SignatureStatus> for PySignatureStatus {
    fn from(status: core::SignatureStatus) -> Self {
        Self {
            slot: status.slot,
            confirmations: status.confirmations,
            error: status.error,
            confirmation_status: status.confirmation_status,
        }
    }
}

#[pyclass(name = "SignatureStatuses", module = "phantom_core", frozen, get_all)]
pub struct PySignatureStatuses {
    context_slot: u64,
    statuses: Vec<Option<Py<PySignatureStatus>>>,
}

#[pyclass(name = "TipAccounts", module = "phantom_core", frozen, get_all)]
pub struct PyTipAccounts {
    accounts: Vec<String>,
    are_known: bool,
}

#[pyclass(name = "TargetStats", module = "phantom_core", frozen, get_all)]
pub struct PyTargetStats {
    name: String,
    url: String,
    kind: &'static str,
    is_connected: bool,
    is_http2: bool,
    in_flight: usize,
    connections_opened: u64,
    connection_failures: u64,
    requests: u64,
    requests_on_kept_connection: u64,
    answers: Py<PyDict>,
}

impl PyTargetStats {
    pub fn new(py: Python<'_>, stats: core::TargetStats) -> PyResult<Self> {
        let answers = PyDict::new(py);
        for (kind, count) in stats.answers {
            answers.set_item(kind.name(), count)?;
        }
        Ok(Self {
            name: stats.name,
            url: stats.url,
            kind: stats.kind.name(),
            is_connected: stats.is_connected,
            is_http2: stats.is_http2,
            in_flight: stats.in_flight,
            connections_opened: stats.connections_opened,
            connection_failures: stats.connection_failures,
            requests: stats.requests,
            requests_on_kept_connection: stats.requests_on_kept_connection,
            answers: answers.unbind(),
        })
    }
}

/// What a dispatch is to become in Python.
pub enum Wanted {
    /// The answers themselves.
    Dispatch,
    /// What was asked for.
    Reply(core::Question),
}

impl Wanted {
    /// Converts an outcome.
    ///
    /// # Errors
    /// The exception that stands for it.
    pub fn convert(
        &self,
        py: Python<'_>,
        found: Result<core::Dispatch, core::SubmitError>,
    ) -> PyResult<Py<PyAny>> {
        let dispatch = found.map_err(|error| errors::submit(&error))?;
        let question = match self {
            Self::Dispatch => return Ok(Py::new(py, PyDispatch::from(dispatch))?.into_any()),
            Self::Reply(question) => question,
        };
        match question {
            core::Question::BundleStatuses(ids) => {
                let found = core::bundle_statuses(ids, &dispatch).map_err(errors::dispatch)?;
                list(py, found.into_iter().map(|one| one.map(PyBundleStatus::from)))
            }
            core::Question::InflightBundleStatuses(ids) => {
                let found = core::inflight_bundle_statuses(ids, &dispatch).map_err(errors::dispatch)?;
                list(py, found.into_iter().map(|one| one.map(PyInflightBundleStatus::from)))
            }
            core::Question::SignatureStatuses { signatures, .. } => {
                let (context_slot, found) =
                    core::signature_statuses(signatures, &dispatch).map_err(errors::dispatch)?;
                let made =
                    found.into_iter().map(|one| one.map(|one| Py::new(py, PySignatureStatus::from(one))));
                let statuses = made.map(Option::transpose).collect::<PyResult<_>>()?;
                Ok(Py::new(py, PySignatureStatuses { context_slot, statuses })?.into_any())
            }
            core::Question::TipAccounts => {
                let accounts = core::tip_accounts(&dispatch).map_err(errors::dispatch)?;
                let are_known = core::are_known_tip_accounts(&accounts);
                Ok(Py::new(py, PyTipAccounts { accounts, are_known })?.into_any())
            }
        }
    }
}

fn list<T>(py: Python<'_>, found: impl Iterator<Item = Option<T>>) -> PyResult<Py<PyAny>>
where
    T: pyo3::PyClass + Into<PyClassInitializer<T>>,
{
    let made = found.map(|one| one.map(|one| Py::new(py, one)).transpose());
    let made: Vec<Option<Py<T>>> = made.collect::<PyResult<_>>()?;
    Ok(made.into_pyobject(py)?.into_any().unbind())
}
