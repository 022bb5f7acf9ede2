//! `NetworkSubmitter` for Python: blocking without the GIL, or awaited by asyncio.

mod mailbox;
mod values;

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use super::errors;
use crate::network_submitter::{self as core, Dispatch, Question, SubmitError, SubmitOptions};
use mailbox::Mailbox;
use values::{
    PyAnswer, PyBundleStatus, PyDispatch, PyInflightBundleStatus, PySignatureStatus, PySignatureStatuses,
    PyTarget, PyTargetStats, PyTipAccounts, Wanted, milliseconds,
};

type Loops = Vec<(Py<PyAny>, Py<Mailbox>)>;

/// Sends bundles and transactions to several targets at once.
#[pyclass(name = "NetworkSubmitter", module = "phantom_core", frozen)]
struct PyNetworkSubmitter {
    core: core::NetworkSubmitter,
    clock: Option<Py<PyAny>>,
    loops: Mutex<Loops>,
}

type Tell = Box<dyn FnOnce(Result<Dispatch, SubmitError>) + Send>;

impl PyNetworkSubmitter {
    fn loops(&self) -> MutexGuard<'_, Loops> {
        self.loops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn options(
        &self,
        py: Python<'_>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        hedge_after_ms: Option<f64>,
    ) -> PyResult<SubmitOptions> {
        let now_ns = match &self.clock {
            Some(clock) => Some(clock.call0(py)?.extract(py)?),
            None => None,
        };
        Ok(SubmitOptions {
            targets,
            deadline: milliseconds("deadline_ms", deadline_ms)?,
            hedge_after: hedge_after_ms.map(|after| milliseconds("hedge_after_ms", after)).transpose()?,
            now_ns,
            ..SubmitOptions::default()
        })
    }

    /// Returns a future of the running loop that `begin`'s outcome is given to.
    fn awaited<'py>(
        &self,
        py: Python<'py>,
        wanted: Wanted,
        begin: impl FnOnce(&core::NetworkSubmitter, Tell) -> Result<(), SubmitError> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        static RUNNING_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let event_loop = RUNNING_LOOP.import(py, "asyncio", "get_running_loop")?.call0()?;
        let mailbox = self.mailbox(py, &event_loop)?;
        let mailbox = mailbox.get();
        let future = event_loop.call_method0("create_future")?;
        let number = mailbox.expect(future.clone().unbind(), wanted);
        let slit = mailbox.slit();
        let core = &self.core;
        let begun = py.detach(move || begin(core, Box::new(move |found| slit.put(number, found))));
        if let Err(error) = begun {
            mailbox.forget(number);
            return Err(errors::submit(&error));
        }
        Ok(future)
    }

    fn mailbox(&self, py: Python<'_>, event_loop: &Bound<'_, PyAny>) -> PyResult<Py<Mailbox>> {
        let known = |loops: &Loops| {
            loops.iter().find(|(other, _)| other.is(event_loop)).map(|(_, mailbox)| mailbox.clone_ref(py))
        };
        if let Some(mailbox) = known(&self.loops()) {
            return Ok(mailbox);
        }
        let made = Mailbox::new().map_err(|error| errors::dispatch(format!("no socket pair: {error}")))?;
        let mailbox = Py::new(py, made)?;
        event_loop.call_method1("add_reader", (mailbox.get().descriptor(), mailbox.clone_ref(py)))?;
        let known = std::mem::take(&mut *self.loops());
        let mut kept = Vec::with_capacity(known.len() + 1);
        for (other, its) in known {
            if !other.call_method0(py, "is_closed")?.is_truthy(py)? {
                kept.push((other, its));
            }
        }
        kept.push((event_loop.clone().unbind(), mailbox.clone_ref(py)));
        self.loops().extend(kept);
        Ok(mailbox)
    }

    fn reply(&self, py: Python<'_>, question: Question, options: &SubmitOptions) -> PyResult<Py<PyAny>> {
        let found = py.detach(|| self.core.ask_blocking(&question, options));
        Wanted::Reply(question).convert(py, found)
    }

    fn awaited_reply<'py>(
        &self,
        py: Python<'py>,
        question: &Question,
        options: &SubmitOptions,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wanted = Wanted::Reply(question.clone());
        self.awaited(py, wanted, |core, tell| core.ask(question, options, tell))
    }
}

/// Returns the transactions as slices.
fn slices(transactions: &[PyBackedBytes]) -> Vec<&[u8]> {
    transactions.iter().map(|wire| &**wire).collect()
}

#[pymethods]
impl PyNetworkSubmitter {
    #[new]
    #[pyo3(signature = (targets, *, extra_roots=None, clock=None, max_idle_ms=45_000.0))]
    fn new(
        targets: &Bound<'_, PyAny>,
        extra_roots: Option<Vec<u8>>,
        clock: Option<Py<PyAny>>,
        max_idle_ms: f64,
    ) -> PyResult<Self> {
        let targets: Vec<PyRef<'_, PyTarget>> = targets.extract()?;
        let targets = targets.iter().map(|target| target.0.clone()).collect();
        let config =
            core::SubmitterConfig { extra_roots, max_idle: milliseconds("max_idle_ms", max_idle_ms)? };
        let core = core::NetworkSubmitter::new(targets, &config).map_err(|error| errors::submit(&error))?;
        Ok(Self { core, clock, loops: Mutex::default() })
    }

    #[pyo3(signature = (transactions, *, targets=None, deadline_ms=2000.0, first=None, hedge_after_ms=None, min_context_slot=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn submit<'py>(
        &self,
        py: Python<'py>,
        transactions: &Bound<'_, PyAny>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        first: Option<usize>,
        hedge_after_ms: Option<f64>,
        min_context_slot: Option<u64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        let options = SubmitOptions { first, min_context_slot, ..options };
        let transactions: Vec<PyBackedBytes> = transactions.extract()?;
        self.awaited(py, Wanted::Dispatch, |core, tell| core.submit(&slices(&transactions), &options, tell))
    }

    #[pyo3(signature = (transactions, *, targets=None, deadline_ms=2000.0, first=None, hedge_after_ms=None, min_context_slot=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn submit_blocking(
        &self,
        py: Python<'_>,
        transactions: &Bound<'_, PyAny>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        first: Option<usize>,
        hedge_after_ms: Option<f64>,
        min_context_slot: Option<u64>,
    ) -> PyResult<PyDispatch> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        let options = SubmitOptions { first, min_context_slot, ..options };
        let transactions: Vec<PyBackedBytes> = transactions.extract()?;
        let found = py.detach(|| self.core.submit_blocking(&slices(&transactions), &options));
        found.map(PyDispatch::from).map_err(|error| errors::submit(&error))
    }

    #[pyo3(signature = (transactions, *, targets=None, deadline_ms=2000.0, first=None, hedge_after_ms=None, min_context_slot=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn fire(
        &self,
        py: Python<'_>,
        transactions: &Bound<'_, PyAny>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        first: Option<usize>,
        hedge_after_ms: Option<f64>,
        min_context_slot: Option<u64>,
    ) -> PyResult<()> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        let options = SubmitOptions { first, min_context_slot, ..options };
        let transactions: Vec<PyBackedBytes> = transactions.extract()?;
        let begun = py.detach(|| self.core.submit(&slices(&transactions), &options, drop));
        begun.map_err(|error| errors::submit(&error))
    }

    #[pyo3(signature = (*, deadline_ms=5000.0))]
    fn warm<'py>(&self, py: Python<'py>, deadline_ms: f64) -> PyResult<Bound<'py, PyAny>> {
        let deadline = milliseconds("deadline_ms", deadline_ms)?;
        self.awaited(py, Wanted::Dispatch, |core, tell| core.warm(deadline, tell))
    }

    #[pyo3(signature = (*, deadline_ms=5000.0))]
    fn warm_blocking(&self, py: Python<'_>, deadline_ms: f64) -> PyResult<PyDispatch> {
        let deadline = milliseconds("deadline_ms", deadline_ms)?;
        let found = py.detach(|| self.core.warm_blocking(deadline));
        found.map(PyDispatch::from).map_err(|error| errors::submit(&error))
    }

    #[pyo3(signature = (ids, *, targets=None, deadline_ms=2000.0, hedge_after_ms=None))]
    fn bundle_statuses<'py>(
        &self,
        py: Python<'py>,
        ids: Vec<String>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        hedge_after_ms: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        self.awaited_reply(py, &Question::BundleStatuses(ids), &options)
    }

    #[pyo3(signature = (ids, *, targets=None, deadline_ms=2000.0, hedge_after_ms=None))]
    fn bundle_statuses_blocking(
        &self,
        py: Python<'_>,
        ids: Vec<String>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        hedge_after_ms: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        self.reply(py, Question::BundleStatuses(ids), &options)
    }

    #[pyo3(signature = (ids, *, targets=None, deadline_ms=2000.0, hedge_after_ms=None))]
    fn inflight_bundle_statuses<'py>(
        &self,
        py: Python<'py>,
        ids: Vec<String>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        hedge_after_ms: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        self.awaited_reply(py, &Question::InflightBundleStatuses(ids), &options)
    }

    #[pyo3(signature = (ids, *, targets=None, deadline_ms=2000.0, hedge_after_ms=None))]
    fn inflight_bundle_statuses_blocking(
        &self,
        py: Python<'_>,
        ids: Vec<String>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        hedge_after_ms: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        self.reply(py, Question::InflightBundleStatuses(ids), &options)
    }

    #[pyo3(signature = (signatures, *, search_history=false, targets=None, deadline_ms=2000.0, hedge_after_ms=None))]
    fn signature_statuses<'py>(
        &self,
        py: Python<'py>,
        signatures: Vec<String>,
        search_history: bool,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        hedge_after_ms: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        self.awaited_reply(py, &Question::SignatureStatuses { signatures, search_history }, &options)
    }

    #[pyo3(signature = (signatures, *, search_history=false, targets=None, deadline_ms=2000.0, hedge_after_ms=None))]
    fn signature_statuses_blocking(
        &self,
        py: Python<'_>,
        signatures: Vec<String>,
        search_history: bool,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        hedge_after_ms: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        self.reply(py, Question::SignatureStatuses { signatures, search_history }, &options)
    }

    #[pyo3(signature = (*, targets=None, deadline_ms=2000.0, hedge_after_ms=None))]
    fn tip_accounts<'py>(
        &self,
        py: Python<'py>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        hedge_after_ms: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        self.awaited_reply(py, &Question::TipAccounts, &options)
    }

    #[pyo3(signature = (*, targets=None, deadline_ms=2000.0, hedge_after_ms=None))]
    fn tip_accounts_blocking(
        &self,
        py: Python<'_>,
        targets: Option<Vec<String>>,
        deadline_ms: f64,
        hedge_after_ms: Option<f64>,
    ) -> PyResult<Py<PyAny>> {
        let options = self.options(py, targets, deadline_ms, hedge_after_ms)?;
        self.reply(py, Question::TipAccounts, &options)
    }

    fn stats(&self, py: Python<'_>) -> PyResult<Vec<PyTargetStats>> {
        let stats = self.core.stats().map_err(|error| errors::submit(&error))?;
        stats.into_iter().map(|one| PyTargetStats::new(py, one)).collect()
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.core.close());
        let loops = std::mem::take(&mut *self.loops());
        for (event_loop, mailbox) in loops {
            let event_loop = event_loop.bind(py);
            if !event_loop.call_method0("is_closed")?.is_truthy()? {
                let retire = mailbox.bind(py).getattr("retire")?;
                // It may be closed at this moment by its own thread: then nobody waits any more.
                let _ = event_loop.call_method1("call_soon_threadsafe", (retire, event_loop));
            }
        }
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("NetworkSubmitter([{}])", self.core.names().collect::<Vec<_>>().join(", "))
    }
}

/// Adds the classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(
        m,
        PyNetworkSubmitter,
        PyTarget,
        PyDispatch,
        PyAnswer,
        PyBundleStatus,
        PyInflightBundleStatus,
        PySignatureStatus,
        PySignatureStatuses,
        PyTipAccounts,
        PyTargetStats
    );
    m.add("TIP_ACCOUNTS", PyTuple::new(m.py(), core::TIP_ACCOUNTS)?)?;
    Ok(())
}
