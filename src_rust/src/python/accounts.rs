//! Binding of [`crate::venues::decode_account`]: any account as an object of its own class.
//!
//! The classes are in the generated module `phantom_core.accounts`, made from [`account_layouts`] by
//! `tools/make_account_types.py`.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyModule, PyString, PyTuple, PyType};

use super::arguments;
use super::errors;
use super::values::to_field;
use crate::decoders::spl_token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use crate::decoders::sysvar;
use crate::quantities::Pubkey;
use crate::swap::Value;
use crate::venues::layout::Lengths;
use crate::venues::{Layout, Role, VENUES, Venue, decode_account, layouts};

/// Returns what comes before an account type's name in its class name.
fn prefix(venue: Option<&'static str>, layout: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    match venue {
        Some(venue) => venue.split('_').map(capital).collect(),
        None if layout == "Clock" => "Sysvar".to_owned(),
        None => "Spl".to_owned(),
    }
}

/// The class of every account type and nested structure, by venue and name.
type Classes = HashMap<(Option<&'static str>, &'static str), Py<PyType>>;

fn classes(py: Python<'_>) -> PyResult<&Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || {
        let module = py.import("phantom_core.accounts")?;
        let mut classes = HashMap::new();
        for (venue, layout) in layouts() {
            let venue = venue.map(|venue| venue.name);
            let prefix = prefix(venue, layout.name);
            for name in layout.records.iter().map(|(name, _)| *name).chain([layout.name]) {
                let class = module.getattr(format!("{prefix}{name}"))?.cast_into::<PyType>()?;
                classes.insert((venue, name), class.unbind());
            }
        }
        Ok(classes)
    })
}

#[pyfunction]
#[pyo3(name = "decode_account", signature = (owner, data=None, /))]
fn py_decode_account<'py>(
    py: Python<'py>,
    owner: &Bound<'py, PyAny>,
    data: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some((owner, data)) = arguments::owner_and_data(owner, data)? else {
        return Err(errors::invalid("account is None; there is nothing to decode".into()));
    };
    let decoded = decode_account(&owner, data.as_ref())
        .map_err(|error| errors::decode(py, &error, error.to_string()))?;
    let classes = classes(py)?;
    let build = |name: &'static str, fields: Vec<Bound<'py, PyAny>>| {
        let class = classes.get(&(decoded.venue, name)).ok_or_else(|| {
            errors::invalid(format!(
                "{name} has no class in phantom_core.accounts: the module is out of date"
            ))
        })?;
        class.bind(py).call1(PyTuple::new(py, fields)?)
    };
    let values = decoded.account.values();
    let fields = values.iter().map(|(_, value)| to_field(py, value, &build)).collect::<PyResult<_>>()?;
    build(decoded.layout.name, fields)
}

/// A list of names and Python types.
type Fields = Vec<(&'static str, &'static str)>;

/// One account type, for the generator of `phantom_core.accounts`.
#[pyclass(name = "AccountLayout", module = "phantom_core", frozen, get_all)]
struct AccountLayout {
    class_name: String,
    prefix: String,
    name: &'static str,
    venue: Option<&'static str>,
    programs: Vec<String>,
    discriminator: Option<String>,
    lengths: Vec<usize>,
    is_read: bool,
    mints_at: Option<(usize, usize)>,
    fields: Fields,
    records: Vec<(&'static str, Fields)>,
}

impl AccountLayout {
    fn new(venue: Option<&'static Venue>, layout: &'static Layout) -> Self {
        let prefix = prefix(venue.map(|venue| venue.name), layout.name);
        let programs: Vec<Pubkey> = match (layout.owner, venue) {
            (Some(owner), _) => vec![owner],
            (None, Some(venue)) => venue.programs.to_vec(),
            (None, None) if layout.name == "Clock" => vec![sysvar::OWNER],
            (None, None) => vec![TOKEN_PROGRAM, TOKEN_2022_PROGRAM],
        };
        let fields = if layout.read.is_some() { layout.fields.to_vec() } else { vec![("data", "bytes")] };
        Self {
            class_name: format!("{prefix}{}", layout.name),
            prefix,
            name: layout.name,
            venue: venue.map(|venue| venue.name),
            programs: programs.iter().map(ToString::to_string).collect(),
            discriminator: layout.discriminator.map(|bytes| Value::Bytes(bytes.to_vec()).to_string()),
            lengths: match layout.lengths {
                Lengths::Known(lengths) => lengths.to_vec(),
                Lengths::AtLeast(_) => Vec::new(),
            },
            is_read: layout.read.is_some(),
            mints_at: venue.filter(|_| layout.role == Role::Pool).map(|venue| venue.mints_at.into()),
            fields,
            records: layout.records.iter().map(|(name, fields)| (*name, fields.to_vec())).collect(),
        }
    }
}

#[pyfunction]
fn account_layouts() -> Vec<AccountLayout> {
    layouts().map(|(venue, layout)| AccountLayout::new(venue, layout)).collect()
}

#[pyfunction]
fn venue_names() -> Vec<&'static str> {
    VENUES.iter().map(|venue| venue.name).collect()
}

/// Returns the base58 text of an address in any form.
#[pyfunction]
fn address_text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    arguments::address("address", value).map(|key| key.to_string())
}

/// Returns the 32 bytes of an address in base58.
#[pyfunction]
fn address_bytes<'py>(py: Python<'py>, text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyBytes>> {
    arguments::address("address", text.as_any()).map(|key| PyBytes::new(py, &key.0))
}

/// Adds this file's functions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, AccountLayout);
    m.add_function(wrap_pyfunction!(py_decode_account, m)?)?;
    m.add_function(wrap_pyfunction!(account_layouts, m)?)?;
    m.add_function(wrap_pyfunction!(venue_names, m)?)?;
    m.add_function(wrap_pyfunction!(address_text, m)?)?;
    m.add_function(wrap_pyfunction!(address_bytes, m)?)
}
