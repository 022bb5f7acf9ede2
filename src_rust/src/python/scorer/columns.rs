//! Columns of prospects as Python gives them: a mapping of arrays, or a structured array.

use numpy::{Element, PyArray1, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods, dtype};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use crate::python::{arguments, errors};
use crate::scorer::{BatchError, Column, Columns, WHOLE};

/// One column.
enum Held<'py, T: Element> {
    /// The user's own array, or a copy whose values lie side by side and aligned.
    Array(arguments::Column<'py, T>),
    /// One number for all rows.
    All(T),
}

impl<T: Element + Copy> Held<'_, T> {
    fn column(&self) -> Column<'_, T> {
        match self {
            Self::Array(array) => Column::Each(array.as_slice()),
            Self::All(value) => Column::All(*value),
        }
    }
}

fn held<'py, T>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Held<'py, T>>
where
    T: Element + Copy + FromPyObjectOwned<'py>,
{
    let py = value.py();
    let wanted = || dtype::<T>(py);
    if value.is_instance_of::<PyInt>() {
        let number = value.extract().map(Held::All);
        return number
            .map_err(|_| errors::invalid(format!("{name} is {value}, which {} does not hold", wanted())));
    }
    let Ok(array) = value.cast::<PyArray1<T>>() else {
        let found = match value.cast::<PyUntypedArray>() {
            Ok(array) => format!("{} in {} dimensions", array.dtype(), array.ndim()),
            Err(_) => value.get_type().to_string(),
        };
        return Err(errors::invalid(format!(
            "{name} must be a one-dimensional array of {} or one number, found {found}",
            wanted()
        )));
    };
    arguments::readable(name, array).map(Held::Array)
}

/// The columns of a batch.
pub struct Given<'py> {
    amount_in: Held<'py, u64>,
    gross_profit: Held<'py, u64>,
    cost: Held<'py, u64>,
    min_net_profit: Held<'py, u64>,
    age_slots: Held<'py, u64>,
    gross_profit_lamports: Option<Held<'py, u64>>,
    tip_lamports: Held<'py, u64>,
    fee_lamports: Option<Held<'py, u64>>,
    failure_lamports: Held<'py, u64>,
    depth_bps: Held<'py, u32>,
    volatility_bps: Held<'py, u32>,
    competition_e4: Held<'py, u16>,
    agreement_e4: Held<'py, u16>,
    landing_e4: Held<'py, u16>,
    token_flags: Held<'py, u8>,
}

const NAMES: [&str; 15] = [
    "amount_in",
    "gross_profit",
    "cost",
    "min_net_profit",
    "age_slots",
    "gross_profit_lamports",
    "tip_lamports",
    "fee_lamports",
    "failure_lamports",
    "depth_bps",
    "volatility_bps",
    "competition_e4",
    "agreement_e4",
    "landing_e4",
    "token_flags",
];

/// Returns the names of the columns.
fn names_of(columns: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if let Ok(array) = columns.cast::<PyUntypedArray>() {
        let names = array.dtype().names();
        return names.ok_or_else(|| {
            errors::invalid(format!("columns: an array without field names, of {}", array.dtype()))
        });
    }
    let keys = columns.call_method0("keys").and_then(|keys| keys.try_iter()?.collect::<PyResult<Vec<_>>>());
    let expected = |_| {
        let found = columns.get_type();
        errors::invalid(format!("columns: a mapping of arrays or a structured array expected, found {found}"))
    };
    keys.map_err(expected)?.iter().map(PyAnyMethods::extract).collect()
}

impl<'py> Given<'py> {
    /// Returns the columns of a mapping or a structured array.
    pub fn extract(columns: &Bound<'py, PyAny>) -> PyResult<Self> {
        let names = names_of(columns)?;
        if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
            let known = NAMES.join(", ");
            return Err(errors::invalid(format!("there is no column {unknown:?}; it may be one of {known}")));
        }
        let find = |name: &'static str| {
            names.iter().any(|one| one == name).then(|| columns.get_item(name)).transpose()
        };
        let need = |name: &'static str| {
            find(name)?.ok_or_else(|| errors::invalid(format!("column {name} is missing")))
        };
        let wide = |name| find(name)?.map_or(Ok(Held::All(0)), |value| held(name, &value));
        let narrow = |name| find(name)?.map_or(Ok(Held::All(0)), |value| held(name, &value));
        let share = |name, neutral| find(name)?.map_or(Ok(Held::All(neutral)), |value| held(name, &value));
        let lamports = |name| find(name)?.map(|value| held(name, &value)).transpose();
        if find("tip_lamports")?.is_some() && find("fee_lamports")?.is_none() {
            return Err(errors::invalid("column fee_lamports is missing: tip_lamports is there".into()));
        }
        Ok(Self {
            amount_in: held("amount_in", &need("amount_in")?)?,
            gross_profit: held("gross_profit", &need("gross_profit")?)?,
            cost: held("cost", &need("cost")?)?,
            min_net_profit: wide("min_net_profit")?,
            age_slots: wide("age_slots")?,
            gross_profit_lamports: lamports("gross_profit_lamports")?,
            tip_lamports: wide("tip_lamports")?,
            fee_lamports: lamports("fee_lamports")?,
            failure_lamports: wide("failure_lamports")?,
            depth_bps: narrow("depth_bps")?,
            volatility_bps: narrow("volatility_bps")?,
            competition_e4: share("competition_e4", 0)?,
            agreement_e4: share("agreement_e4", WHOLE)?,
            landing_e4: share("landing_e4", WHOLE)?,
            token_flags: find("token_flags")?
                .map_or(Ok(Held::All(0)), |value| held("token_flags", &value))?,
        })
    }

    /// Returns them as the core has them. Without lamports the amounts are taken as lamports.
    pub fn columns(&self) -> Columns<'_> {
        Columns {
            amount_in: match &self.amount_in {
                Held::Array(array) => array.as_slice(),
                Held::All(value) => std::slice::from_ref(value),
            },
            gross_profit: self.gross_profit.column(),
            cost: self.cost.column(),
            min_net_profit: self.min_net_profit.column(),
            age_slots: self.age_slots.column(),
            gross_profit_lamports: self
                .gross_profit_lamports
                .as_ref()
                .map_or_else(|| self.gross_profit.column(), Held::column),
            tip_lamports: self.tip_lamports.column(),
            fee_lamports: self.fee_lamports.as_ref().map_or_else(|| self.cost.column(), Held::column),
            failure_lamports: self.failure_lamports.column(),
            depth_bps: self.depth_bps.column(),
            volatility_bps: self.volatility_bps.column(),
            competition_e4: self.competition_e4.column(),
            agreement_e4: self.agreement_e4.column(),
            landing_e4: self.landing_e4.column(),
            token_flags: self.token_flags.column(),
        }
    }
}

/// Maps wrong columns.
pub fn batch_error(error: &BatchError) -> PyErr {
    errors::invalid(error.to_string())
}
