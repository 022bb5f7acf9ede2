//! Bindings of [`crate::technical`]: the functions over columns; the streams are in `streams`.

mod arrays;
mod cells;
mod streams;

use numpy::PyArray1;
use pyo3::prelude::*;

use self::arrays::{Floats, Integers, Span, answers, deviations, filled, horizon, period};
use crate::python::arguments;
use crate::technical::batch::{self, BandColumns};

type Answers<'py> = PyResult<Bound<'py, PyArray1<f64>>>;
type Bands<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// Returns upper, middle and lower band as arrays.
fn bands(py: Python<'_>, columns: BandColumns) -> Bands<'_> {
    let array = |values| PyArray1::from_vec(py, values);
    (array(columns.upper), array(columns.middle), array(columns.lower))
}

macro_rules! of_one_column {
    ($($name:ident: $into:ident($column:ident, $($default:tt)*)),*) => {
        $(
            #[pyfunction]
            #[pyo3(signature = ($column, $($default)*))]
            fn $name<'py>(
                py: Python<'py>,
                $column: &Bound<'py, PyAny>,
                #[pyo3(from_py_with = period)] period: usize,
            ) -> Answers<'py> {
                let values = arguments::column::<f64>(stringify!($column), $column)?;
                let values = values.as_slice();
                let fill = |[answers]: [&mut [f64]; 1]| batch::$into(values, period, answers);
                filled(py, values.len(), fill).map(|[array]| array)
            }
        )*
    };
}
of_one_column! {
    sma: sma_into(values, period),
    ema: ema_into(values, period),
    rsi: rsi_into(close, period = 14),
    roc: roc_into(close, period)
}

#[pyfunction]
#[pyo3(signature = (high, low, close, period=14))]
fn atr<'py>(
    py: Python<'py>,
    high: &Bound<'py, PyAny>,
    low: &Bound<'py, PyAny>,
    close: &Bound<'py, PyAny>,
    #[pyo3(from_py_with = period)] period: usize,
) -> Answers<'py> {
    let columns = [
        arguments::column::<f64>("high", high)?,
        arguments::column::<f64>("low", low)?,
        arguments::column::<f64>("close", close)?,
    ];
    let [high, low, close] = columns.each_ref().map(Floats::as_slice);
    let fill = |[answers]: [&mut [f64]; 1]| batch::atr_into(high, low, close, period, answers);
    filled(py, high.len(), fill).map(|[array]| array)
}

#[pyfunction]
#[pyo3(signature = (close, period=20, deviations=2.0))]
fn bollinger<'py>(
    py: Python<'py>,
    close: &Bound<'py, PyAny>,
    #[pyo3(from_py_with = period)] period: usize,
    #[pyo3(from_py_with = deviations)] deviations: f64,
) -> PyResult<Bands<'py>> {
    let values = arguments::column::<f64>("close", close)?;
    let values = values.as_slice();
    let fill = |answers: [&mut [f64]; 3]| batch::bollinger_into(values, period, deviations, answers);
    filled(py, values.len(), fill).map(|[upper, middle, lower]| (upper, middle, lower))
}

#[pyfunction]
#[pyo3(signature = (close, period, horizon=1.0))]
fn realised_volatility<'py>(
    py: Python<'py>,
    close: &Bound<'py, PyAny>,
    #[pyo3(from_py_with = period)] period: usize,
    #[pyo3(from_py_with = horizon)] horizon: f64,
) -> Answers<'py> {
    let values = arguments::column::<f64>("close", close)?;
    let values = values.as_slice();
    answers(py, py.detach(|| batch::realised_volatility(values, period, horizon)))
}

#[pyfunction]
#[pyo3(signature = (price, volume, period=None, *, session_ns=None, time_ns=None))]
fn vwap<'py>(
    py: Python<'py>,
    price: &Bound<'py, PyAny>,
    volume: &Bound<'py, PyAny>,
    period: Option<&Bound<'py, PyAny>>,
    session_ns: Option<&Bound<'py, PyAny>>,
    time_ns: Option<&Bound<'py, PyAny>>,
) -> Answers<'py> {
    let span = Span::new(period, session_ns)?;
    let (price, volume) =
        (arguments::column::<f64>("price", price)?, arguments::column::<f64>("volume", volume)?);
    let time = time_ns.map(|time| arguments::column::<i64>("time_ns", time)).transpose()?;
    let (price, volume, time) = (price.as_slice(), volume.as_slice(), time.as_ref().map(Integers::as_slice));
    answers(py, py.detach(|| batch::vwap(price, volume, time, span.0)))
}

/// Adds functions and classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    streams::register(m)?;
    m.add_function(wrap_pyfunction!(sma, m)?)?;
    m.add_function(wrap_pyfunction!(ema, m)?)?;
    m.add_function(wrap_pyfunction!(rsi, m)?)?;
    m.add_function(wrap_pyfunction!(roc, m)?)?;
    m.add_function(wrap_pyfunction!(atr, m)?)?;
    m.add_function(wrap_pyfunction!(bollinger, m)?)?;
    m.add_function(wrap_pyfunction!(realised_volatility, m)?)?;
    m.add_function(wrap_pyfunction!(vwap, m)?)
}
