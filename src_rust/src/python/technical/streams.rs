//! Bindings of the streaming indicators.

use numpy::PyArray1;
use pyo3::prelude::*;

use super::arrays::{self, Floats, Integers, Span, answers, deviations, failed, horizon, period};
use super::cells::{Plain, Quick};
use super::{Answers, Bands, bands};
use crate::python::arguments;
use crate::technical::batch;
use crate::technical::{Atr, Bollinger, Ema, RealisedVolatility, Roc, Rsi, Sma, Vwap};

/// A class around an indicator of one number in its cell. `new` and what only this one has come as they are.
macro_rules! class {
    ($class:ident, $name:literal, $cell:ty, [$($option:tt)*], ($this:ident, $($receiver:tt)*), $($own:tt)*) => {
        #[doc = concat!("A stream of `", $name, "`.")]
        #[pyclass(name = $name, module = "phantom_core", $($option)*)]
        pub struct $class($cell);

        #[pymethods]
        impl $class {
            $($own)*

            #[pyo3(signature = (value, /))]
            fn update(
                $($receiver)*,
                #[pyo3(from_py_with = arrays::value)] value: f64,
            ) -> PyResult<Option<f64>> {
                $this.0.update(value)
            }

            #[pyo3(signature = (value, /))]
            fn update_raw(
                $($receiver)*,
                #[pyo3(from_py_with = arrays::value)] value: f64,
            ) -> PyResult<()> {
                $this.0.update(value).map(drop)
            }

            #[pyo3(signature = (values, /))]
            fn update_many<'py>(
                $($receiver)*,
                py: Python<'py>,
                values: &Bound<'py, PyAny>,
            ) -> PyResult<Bound<'py, PyArray1<f64>>> {
                let values = arguments::column::<f64>("values", values)?;
                Ok(PyArray1::from_vec(py, $this.0.update_many(py, values.as_slice())?))
            }

            #[getter]
            fn value(&self) -> PyResult<Option<f64>> {
                self.0.value()
            }

            #[getter]
            fn is_ready(&self) -> PyResult<bool> {
                self.0.value().map(|value| value.is_some())
            }

            #[getter]
            fn period(&self) -> usize {
                self.0.settings().period()
            }

            fn reset($($receiver)*) -> PyResult<()> {
                $this.0.reset()
            }
        }
    };
}

class! {PySma, "Sma", Plain<Sma>, [], (self, &mut self),
    #[new]
    fn new(#[pyo3(from_py_with = period)] period: usize) -> PyResult<Self> {
        let made = Sma::new(period);
        made.map(|made| Self(Plain::new(made))).map_err(|error| failed(&error))
    }

    fn __repr__(&self) -> String {
        format!("Sma(period={})", self.0.settings().period())
    }
}

class! {PyEma, "Ema", Quick<Ema, 1>, [frozen], (self, &self),
    #[new]
    fn new(#[pyo3(from_py_with = period)] period: usize) -> PyResult<Self> {
        let made = Ema::new(period);
        made.map(|made| Self(Quick::new(made))).map_err(|error| failed(&error))
    }

    fn __repr__(&self) -> String {
        format!("Ema(period={})", self.0.settings().period())
    }
}

class! {PyRsi, "Rsi", Quick<Rsi, 3>, [frozen], (self, &self),
    #[new]
    #[pyo3(signature = (period=14))]
    fn new(#[pyo3(from_py_with = period)] period: usize) -> PyResult<Self> {
        let made = Rsi::new(period);
        made.map(|made| Self(Quick::new(made))).map_err(|error| failed(&error))
    }

    fn __repr__(&self) -> String {
        format!("Rsi(period={})", self.0.settings().period())
    }
}

class! {PyRoc, "Roc", Plain<Roc>, [], (self, &mut self),
    #[new]
    fn new(#[pyo3(from_py_with = period)] period: usize) -> PyResult<Self> {
        let made = Roc::new(period);
        made.map(|made| Self(Plain::new(made))).map_err(|error| failed(&error))
    }

    fn __repr__(&self) -> String {
        format!("Roc(period={})", self.0.settings().period())
    }
}

class! {PyRealisedVolatility, "RealisedVolatility", Plain<RealisedVolatility>, [], (self, &mut self),
    #[new]
    #[pyo3(signature = (period, horizon=1.0))]
    fn new(
        #[pyo3(from_py_with = period)] period: usize,
        #[pyo3(from_py_with = horizon)] horizon: f64,
    ) -> PyResult<Self> {
        let made = RealisedVolatility::new(period, horizon);
        made.map(|made| Self(Plain::new(made))).map_err(|error| failed(&error))
    }

    #[getter]
    fn horizon(&self) -> f64 {
        self.0.settings().horizon()
    }

    fn __repr__(&self) -> String {
        let settings = self.0.settings();
        format!("RealisedVolatility(period={}, horizon={:?})", settings.period(), settings.horizon())
    }
}

/// A stream of average true ranges.
#[pyclass(name = "Atr", module = "phantom_core")]
pub struct PyAtr(Atr);

#[pymethods]
impl PyAtr {
    #[new]
    #[pyo3(signature = (period=14))]
    fn new(#[pyo3(from_py_with = period)] period: usize) -> PyResult<Self> {
        Atr::new(period).map(Self).map_err(|error| failed(&error))
    }

    fn update(
        &mut self,
        #[pyo3(from_py_with = arrays::high)] high: f64,
        #[pyo3(from_py_with = arrays::low)] low: f64,
        #[pyo3(from_py_with = arrays::close)] close: f64,
    ) -> PyResult<Option<f64>> {
        self.0.try_update(high, low, close).map_err(|error| failed(&error))
    }

    fn update_many<'py>(
        &mut self,
        py: Python<'py>,
        high: &Bound<'py, PyAny>,
        low: &Bound<'py, PyAny>,
        close: &Bound<'py, PyAny>,
    ) -> Answers<'py> {
        let columns = [
            arguments::column::<f64>("high", high)?,
            arguments::column::<f64>("low", low)?,
            arguments::column::<f64>("close", close)?,
        ];
        let [high, low, close] = columns.each_ref().map(Floats::as_slice);
        answers(py, py.detach(|| batch::update_many_atr(&mut self.0, high, low, close)))
    }

    #[getter]
    fn value(&self) -> Option<f64> {
        self.0.value()
    }

    #[getter]
    fn is_ready(&self) -> bool {
        self.0.value().is_some()
    }

    #[getter]
    fn period(&self) -> usize {
        self.0.period()
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn __repr__(&self) -> String {
        format!("Atr(period={})", self.0.period())
    }
}

/// A stream of Bollinger bands.
#[pyclass(name = "Bollinger", module = "phantom_core")]
pub struct PyBollinger(Bollinger);

#[pymethods]
impl PyBollinger {
    #[new]
    #[pyo3(signature = (period=20, deviations=2.0))]
    fn new(
        #[pyo3(from_py_with = period)] period: usize,
        #[pyo3(from_py_with = deviations)] deviations: f64,
    ) -> PyResult<Self> {
        Bollinger::new(period, deviations).map(Self).map_err(|error| failed(&error))
    }

    #[pyo3(signature = (value, /))]
    fn update(
        &mut self,
        #[pyo3(from_py_with = arrays::value)] value: f64,
    ) -> PyResult<Option<(f64, f64, f64)>> {
        let bands = self.0.try_update(value).map_err(|error| failed(&error))?;
        Ok(bands.map(|bands| (bands.upper, bands.middle, bands.lower)))
    }

    #[pyo3(signature = (values, /))]
    fn update_many<'py>(&mut self, py: Python<'py>, values: &Bound<'py, PyAny>) -> PyResult<Bands<'py>> {
        let values = arguments::column::<f64>("values", values)?;
        let values = values.as_slice();
        let columns = py.detach(|| batch::update_many_bollinger(&mut self.0, values));
        Ok(bands(py, columns.map_err(|error| failed(&error))?))
    }

    #[getter]
    fn value(&self) -> Option<(f64, f64, f64)> {
        self.0.value().map(|bands| (bands.upper, bands.middle, bands.lower))
    }

    #[getter]
    fn is_ready(&self) -> bool {
        self.0.value().is_some()
    }

    #[getter]
    fn period(&self) -> usize {
        self.0.period()
    }

    #[getter]
    fn deviations(&self) -> f64 {
        self.0.deviations()
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn __repr__(&self) -> String {
        format!("Bollinger(period={}, deviations={:?})", self.0.period(), self.0.deviations())
    }
}

/// A stream of volume-weighted average prices.
#[pyclass(name = "Vwap", module = "phantom_core")]
pub struct PyVwap(Vwap);

#[pymethods]
impl PyVwap {
    #[new]
    #[pyo3(signature = (period=None, *, session_ns=None))]
    fn new(period: Option<&Bound<'_, PyAny>>, session_ns: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Vwap::new(Span::new(period, session_ns)?.0).map(Self).map_err(|error| failed(&error))
    }

    #[pyo3(signature = (price, volume, time_ns=None))]
    fn update(
        &mut self,
        #[pyo3(from_py_with = arrays::price)] price: f64,
        #[pyo3(from_py_with = arrays::volume)] volume: f64,
        time_ns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<f64>> {
        let time_ns = time_ns.map(arrays::time_ns).transpose()?;
        self.0.try_update(price, volume, time_ns).map_err(|error| failed(&error))
    }

    #[pyo3(signature = (price, volume, time_ns=None))]
    fn update_many<'py>(
        &mut self,
        py: Python<'py>,
        price: &Bound<'py, PyAny>,
        volume: &Bound<'py, PyAny>,
        time_ns: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let (price, volume) =
            (arguments::column::<f64>("price", price)?, arguments::column::<f64>("volume", volume)?);
        let time = time_ns.map(|time| arguments::column::<i64>("time_ns", time)).transpose()?;
        let (price, volume) = (price.as_slice(), volume.as_slice());
        let time = time.as_ref().map(Integers::as_slice);
        answers(py, py.detach(|| batch::update_many_vwap(&mut self.0, price, volume, time)))
    }

    #[getter]
    fn value(&self) -> Option<f64> {
        self.0.value()
    }

    #[getter]
    fn is_ready(&self) -> bool {
        self.0.value().is_some()
    }

    #[getter]
    fn period(&self) -> Option<usize> {
        self.0.period()
    }

    #[getter]
    fn session_ns(&self) -> Option<i64> {
        self.0.session_ns()
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn __repr__(&self) -> String {
        match (self.0.period(), self.0.session_ns()) {
            (Some(period), _) => format!("Vwap(period={period})"),
            (None, Some(length)) => format!("Vwap(session_ns={length})"),
            (None, None) => "Vwap()".to_owned(),
        }
    }
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PySma>()?;
    m.add_class::<PyEma>()?;
    m.add_class::<PyRsi>()?;
    m.add_class::<PyRoc>()?;
    m.add_class::<PyRealisedVolatility>()?;
    m.add_class::<PyAtr>()?;
    m.add_class::<PyBollinger>()?;
    m.add_class::<PyVwap>()
}
