//! The time by which a pool is quoted.

use pyo3::prelude::*;

use crate::decoders::sysvar::Clock;
use crate::python::{arguments, errors};

/// What programs take for the present moment.
#[pyclass(name = "Clock", module = "phantom_core", frozen, get_all, eq)]
#[derive(Clone, PartialEq)]
pub struct PyClock {
    slot: u64,
    epoch: u64,
    unix_timestamp: u64,
}

impl From<Clock> for PyClock {
    fn from(clock: Clock) -> Self {
        let Clock { slot, epoch, unix_timestamp } = clock;
        Self { slot, epoch, unix_timestamp }
    }
}

#[pymethods]
impl PyClock {
    #[new]
    #[pyo3(signature = (*, slot, epoch, unix_timestamp))]
    fn new(
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
        #[pyo3(from_py_with = arguments::epoch)] epoch: u64,
        #[pyo3(from_py_with = arguments::unix_timestamp)] unix_timestamp: u64,
    ) -> Self {
        Self { slot, epoch, unix_timestamp }
    }

    fn __repr__(&self) -> String {
        let Self { slot, epoch, unix_timestamp } = self;
        format!("Clock(slot={slot}, epoch={epoch}, unix_timestamp={unix_timestamp})")
    }
}

/// Returns the clock in any object with `slot`, `epoch` and `unix_timestamp`, as `solders.clock.Clock`
/// has them.
pub fn clock_argument(value: &Bound<'_, PyAny>) -> PyResult<Clock> {
    let part = |name: &str| -> PyResult<u64> {
        let found = value.getattr_opt(name)?.ok_or_else(|| {
            errors::invalid(format!("clock: {name} expected, {} has none", value.get_type()))
        })?;
        found
            .extract()
            .map_err(|_| errors::invalid(format!("clock.{name} is {found}; it may not be negative")))
    };
    Ok(Clock { slot: part("slot")?, epoch: part("epoch")?, unix_timestamp: part("unix_timestamp")? })
}
