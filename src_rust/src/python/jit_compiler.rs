//! Binding of the strategy compiler: expressions, rule files, one tick or columns.

mod values;

use std::num::NonZero;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use numpy::PyArray1;
use pyo3::create_exception;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyTuple};

use self::values::{Columns, Names};
use super::errors::{self, InvalidInput, PhantomError};
use crate::jit_compiler::{
    self as core, CompileError as CoreError, Expression as CoreExpression, Refusal, RefusalKind,
    RuleSet as CoreRules, Stop, Type, Values,
};

create_exception!(
    phantom_core,
    CompileError,
    InvalidInput,
    "A source is not in the strategy language; `line` and `column` say where, `hint` what may cure it."
);
create_exception!(
    phantom_core,
    EvaluationRefused,
    PhantomError,
    "An expression has no value for what it was given; `reason` is a stable word for why."
);

/// Longest wait for native code, in seconds.
const MAX_WAIT_S: f64 = 3_600.0;

fn compile_error(py: Python<'_>, error: &CoreError) -> PyErr {
    let raised = CompileError::new_err(error.to_string());
    let attributes = || {
        let value = raised.value(py);
        value.setattr("line", error.line)?;
        value.setattr("column", error.column)?;
        value.setattr("hint", error.hint.as_deref())
    };
    attributes().err().unwrap_or(raised)
}

fn refused(
    py: Python<'_>,
    refusal: Refusal,
    (text, line, column): (String, usize, usize),
    row: Option<usize>,
) -> PyErr {
    let text = row.map_or_else(|| text.clone(), |row| format!("{text}, in row {row}"));
    let raised = EvaluationRefused::new_err(text);
    let attributes = || {
        let value = raised.value(py);
        value.setattr("reason", refusal.kind.name())?;
        value.setattr("line", line)?;
        value.setattr("column", column)?;
        value.setattr("row", row)
    };
    attributes().err().unwrap_or(raised)
}

fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}

fn thread_count(threads: Option<i64>) -> PyResult<usize> {
    let Some(threads) = threads else { return Ok(cores()) };
    let count = usize::try_from(threads).ok().filter(|count| (1..=256).contains(count));
    count.ok_or_else(|| errors::invalid(format!("threads is {threads}; it may be 1 to 256")))
}

fn wait(py: Python<'_>, timeout: f64, wait: impl Fn(Duration) -> bool + Send + Sync) -> PyResult<bool> {
    if !(0.0..=MAX_WAIT_S).contains(&timeout) {
        return Err(errors::invalid(format!("timeout is {timeout}; it may be 0 to {MAX_WAIT_S} seconds")));
    }
    Ok(py.detach(|| wait(Duration::from_secs_f64(timeout))))
}

fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::Float => "float",
        Type::Int => "int",
        Type::Bool => "bool",
    }
}

/// A column of stop codes: 0 is a value, -1 to -4 a refusal, from 1 a rule.
fn codes(rows: usize, refused: &[(usize, Stop)]) -> Vec<i16> {
    let mut codes = vec![0; rows];
    for (row, stop) in refused {
        codes[*row] = match stop {
            Stop::Refused(refusal) => -i16::from(refusal.kind as u8),
            Stop::Rule(rule) => i16::try_from(rule + 1).unwrap_or(i16::MAX),
            Stop::WrongCount { .. } => i16::MIN,
        };
    }
    codes
}

#[pyclass(frozen, module = "phantom_core")]
struct Expression {
    core: CoreExpression,
    names: Names,
}

impl Expression {
    fn give<'py>(&self, py: Python<'py>, slots: &[u64]) -> PyResult<Bound<'py, PyAny>> {
        let bits = self.core.evaluate(slots).map_err(|stop| match stop {
            Stop::Refused(refusal) => refused(py, refusal, self.core.describe(refusal), None),
            other => errors::invalid(other.to_string()),
        })?;
        Ok(match self.core.result() {
            Type::Bool => PyBool::new(py, bits != 0).to_owned().into_any(),
            Type::Float => PyFloat::new(py, f64::from_bits(bits)).into_any(),
            Type::Int => bits.cast_signed().into_pyobject(py)?.into_any(),
        })
    }
}

#[pymethods]
impl Expression {
    #[pyo3(signature = (values=None, /, **fields))]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        values: Option<&Bound<'py, PyAny>>,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.names.with_slots(values, fields, |slots| self.give(py, slots))
    }

    #[pyo3(signature = (*values))]
    fn __call__<'py>(&self, py: Python<'py>, values: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.names.with_slots(Some(values.as_any()), None, |slots| self.give(py, slots))
    }

    #[pyo3(signature = (columns, *, codes=false, threads=None))]
    fn evaluate_many<'py>(
        &self,
        py: Python<'py>,
        columns: &Bound<'py, PyAny>,
        codes: bool,
        threads: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let threads = thread_count(threads)?;
        let columns = Columns::of(&self.names, columns)?;
        let views = columns.views()?;
        let rows = py.detach(|| self.core.evaluate_rows(&views, threads)).map_err(errors::invalid)?;
        let count = match &rows.values {
            Values::Bool(values) => values.len(),
            Values::Float(values) => values.len(),
            Values::Int(values) => values.len(),
        };
        // A refused row of floats is NaN, and of conditions no go; of whole numbers it has no mark.
        let first = rows.refused.first().filter(|_| !codes && self.core.result() == Type::Int);
        if let Some(&(row, Stop::Refused(refusal))) = first {
            return Err(refused(py, refusal, self.core.describe(refusal), Some(row)));
        }
        let array = match rows.values {
            Values::Bool(values) => {
                let bytes = PyArray1::from_vec(py, values);
                bytes.call_method1("view", ("bool",))?
            }
            Values::Float(values) => PyArray1::from_vec(py, values).into_any(),
            Values::Int(values) => PyArray1::from_vec(py, values).into_any(),
        };
        if !codes {
            return Ok(array);
        }
        let codes = PyArray1::from_vec(py, self::codes(count, &rows.refused));
        Ok(PyTuple::new(py, [array, codes.into_any()])?.into_any())
    }

    #[getter]
    fn source(&self) -> &str {
        self.core.source()
    }

    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.names.specifications(py)
    }

    #[getter]
    fn result_type(&self) -> &'static str {
        type_name(self.core.result())
    }

    #[getter]
    fn is_stateful(&self) -> bool {
        self.core.is_stateful()
    }

    #[getter]
    fn is_native(&self) -> bool {
        self.core.is_native()
    }

    #[pyo3(signature = (timeout=1.0))]
    fn wait_native(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        wait(py, timeout, |timeout| self.core.wait_native(timeout))
    }

    fn reset(&self) {
        self.core.reset();
    }

    fn __repr__(&self) -> String {
        let native = if self.core.is_native() { "native" } else { "interpreted" };
        format!("<Expression {:?}, {native}>", self.core.source())
    }
}

/// What a rule file says of one tick.
#[pyclass(frozen, get_all, module = "phantom_core")]
struct Verdict {
    go: bool,
    reason: Option<String>,
    detail: Option<String>,
    score: Option<f64>,
}

#[pymethods]
impl Verdict {
    fn __bool__(&self) -> bool {
        self.go
    }

    fn __repr__(&self) -> String {
        match (&self.reason, self.score) {
            (Some(reason), _) => format!("<Verdict refused: {reason}>"),
            (None, Some(score)) => format!("<Verdict go, score {score}>"),
            (None, None) => "<Verdict go>".to_owned(),
        }
    }
}

/// Codes and scores.
type Judged<'py> = (Bound<'py, PyArray1<i16>>, Bound<'py, PyArray1<f64>>);

#[pyclass(frozen, module = "phantom_core")]
pub(super) struct RuleSet {
    core: Arc<CoreRules>,
    names: Names,
}

impl RuleSet {
    /// The set itself, for an engine to ask.
    pub(super) fn shared(&self) -> Arc<CoreRules> {
        Arc::clone(&self.core)
    }

    fn judge(&self, slots: &[u64]) -> PyResult<Verdict> {
        let refuse =
            |reason: String, detail| Verdict { go: false, reason: Some(reason), detail, score: None };
        match self.core.evaluate(slots) {
            Ok(score) => Ok(Verdict { go: true, reason: None, detail: None, score }),
            Err(Stop::Rule(rule)) => Ok(refuse(self.core.reason(rule).to_owned(), None)),
            Err(Stop::Refused(refusal)) => {
                Ok(refuse(refusal.kind.name().to_owned(), Some(self.core.describe(refusal).0)))
            }
            Err(stop @ Stop::WrongCount { .. }) => Err(errors::invalid(stop.to_string())),
        }
    }
}

#[pymethods]
impl RuleSet {
    #[pyo3(signature = (values=None, /, **fields))]
    fn evaluate(
        &self,
        values: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Verdict> {
        self.names.with_slots(values, fields, |slots| self.judge(slots))
    }

    #[pyo3(signature = (columns, *, threads=None))]
    fn evaluate_many<'py>(
        &self,
        py: Python<'py>,
        columns: &Bound<'py, PyAny>,
        threads: Option<i64>,
    ) -> PyResult<Judged<'py>> {
        let threads = thread_count(threads)?;
        let columns = Columns::of(&self.names, columns)?;
        let views = columns.views()?;
        let (scores, refused) =
            py.detach(|| self.core.evaluate_rows(&views, threads)).map_err(errors::invalid)?;
        let codes = codes(scores.len(), &refused);
        Ok((PyArray1::from_vec(py, codes), PyArray1::from_vec(py, scores)))
    }

    #[getter]
    fn source(&self) -> &str {
        self.core.source()
    }

    #[getter]
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.names.specifications(py)
    }

    #[getter]
    fn reasons(&self) -> Vec<String> {
        self.core.reasons().to_vec()
    }

    #[getter]
    fn used_fields(&self) -> Vec<&str> {
        self.core.used_fields().collect()
    }

    #[getter]
    fn is_stateful(&self) -> bool {
        self.core.is_stateful()
    }

    #[getter]
    fn has_verdict(&self) -> bool {
        self.core.has_verdict()
    }

    #[getter]
    fn has_score(&self) -> bool {
        self.core.has_score()
    }

    #[getter]
    fn is_native(&self) -> bool {
        self.core.is_native()
    }

    #[pyo3(signature = (timeout=1.0))]
    fn wait_native(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        wait(py, timeout, |timeout| self.core.wait_native(timeout))
    }

    fn reset(&self) {
        self.core.reset();
    }

    #[staticmethod]
    fn refusal_names() -> Vec<(i16, &'static str)> {
        RefusalKind::ALL.iter().map(|kind| (-i16::from(*kind as u8), kind.name())).collect()
    }

    fn __repr__(&self) -> String {
        let native = if self.core.is_native() { "native" } else { "interpreted" };
        format!("<RuleSet of {} rules, {native}>", self.core.reasons().len() - 1)
    }
}

#[pyfunction]
fn compile_expression(py: Python<'_>, source: &str, fields: &Bound<'_, PyAny>) -> PyResult<Expression> {
    let (fields, names) = Names::of(fields)?;
    let core = core::compile_expression(source, &fields).map_err(|error| compile_error(py, &error))?;
    Ok(Expression { core, names })
}

#[pyfunction]
#[pyo3(signature = (source, fields, previous=None))]
fn compile_rules(
    py: Python<'_>,
    source: &str,
    fields: &Bound<'_, PyAny>,
    previous: Option<&Bound<'_, RuleSet>>,
) -> PyResult<RuleSet> {
    let (fields, names) = Names::of(fields)?;
    let previous = previous.map(|previous| &*previous.get().core);
    let core = core::compile_rules(source, &fields, previous).map_err(|error| compile_error(py, &error))?;
    Ok(RuleSet { core: Arc::new(core), names })
}

/// Adds this file's classes, functions and exceptions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    let compile_error = py.get_type::<CompileError>();
    for (name, default) in [("line", 1), ("column", 1)] {
        compile_error.setattr(name, default)?;
    }
    compile_error.setattr("hint", py.None())?;
    let refused = py.get_type::<EvaluationRefused>();
    for name in ["reason", "line", "column", "row"] {
        refused.setattr(name, py.None())?;
    }
    m.add("CompileError", compile_error)?;
    m.add("EvaluationRefused", refused)?;
    m.add_class::<Expression>()?;
    m.add_class::<RuleSet>()?;
    m.add_class::<Verdict>()?;
    m.add_function(wrap_pyfunction!(compile_expression, m)?)?;
    m.add_function(wrap_pyfunction!(compile_rules, m)?)
}
