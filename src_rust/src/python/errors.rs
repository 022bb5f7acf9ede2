//! The exceptions of `phantom_core` and the one place where core errors become them.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTypeInfo, create_exception};

use super::values::to_python;
use crate::engine::TakeError;
use crate::market::QuoteError;
use crate::swap::{Refusal, RefusalKind};

create_exception!(phantom_core, PhantomError, PyException, "Base of everything that phantom_core raises.");
create_exception!(
    phantom_core,
    InvalidInput,
    PhantomError,
    "An argument is malformed: which one, what it holds, what it may hold."
);
create_exception!(
    phantom_core,
    MarketDataError,
    PhantomError,
    "Account data is missing, undecodable or not what it claims to be; the pool is set aside."
);
create_exception!(
    phantom_core,
    SwapRefused,
    PhantomError,
    "The on-chain program would refuse this swap; `name` and `code` are the program's own, `values` what matters."
);
create_exception!(phantom_core, RecordingError, PhantomError, "A recording is missing, torn or corrupt.");

/// Returns the `InvalidInput` with this message.
pub fn invalid(message: String) -> PyErr {
    InvalidInput::new_err(message)
}

/// Returns the `MarketDataError` with this message.
pub fn market_data(message: String) -> PyErr {
    MarketDataError::new_err(message)
}

/// Maps a quote's failure: data that is missing, a refusal of the program, or a wrong argument.
pub fn quote(py: Python<'_>, error: &QuoteError) -> PyErr {
    match error {
        QuoteError::UnknownPool(_) | QuoteError::UnknownMint { .. } => invalid(error.to_string()),
        QuoteError::SetAside { .. } => market_data(error.to_string()),
        QuoteError::Refused { error: refusal, .. } => refused(py, refusal, error.to_string()),
    }
}

/// Maps a pool's refusal: an account that is missing, or what the program would say.
pub fn refused(py: Python<'_>, refusal: &Refusal, message: String) -> PyErr {
    if matches!(refusal.kind, RefusalKind::MissingAccount | RefusalKind::Unsupported) {
        return market_data(message);
    }
    let raised = SwapRefused::new_err(message);
    let values = PyDict::new(py);
    let attributes = refusal
        .details()
        .iter()
        .try_for_each(|(name, value)| values.set_item(name, to_python(py, value)?))
        .and_then(|()| {
            let value = raised.value(py);
            value.setattr("name", refusal.name)?;
            value.setattr("code", refusal.code)?;
            value.setattr("values", values)
        });
    match attributes {
        Ok(()) => raised,
        Err(unexpected) => unexpected,
    }
}

/// Bad arguments are the caller's; the rest is about the file.
#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
pub fn recording_error(error: crate::recording::RecordingError) -> PyErr {
    use crate::recording::RecordingError as E;
    let message = error.to_string();
    match error {
        E::ArrivalGoesBack { .. }
        | E::UnknownEndpoint { .. }
        | E::FrameTooLong { .. }
        | E::BadOption { .. } => InvalidInput::new_err(message),
        E::Missing { .. }
        | E::Exists { .. }
        | E::Io { .. }
        | E::NotARecording { .. }
        | E::TooNew { .. }
        | E::TornHeader { .. }
        | E::BadHeader { .. }
        | E::Corrupt { .. }
        | E::Closed { .. } => RecordingError::new_err(message),
    }
}

/// Maps why a signal cannot be taken: the market is no longer the one it was given for.
pub fn take(py: Python<'_>, error: &TakeError) -> PyErr {
    match error {
        TakeError::Over { .. } | TakeError::Moved { .. } => market_data(error.to_string()),
        TakeError::Quote(error) => quote(py, error),
    }
}

/// Adds the exception classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    m.add("PhantomError", PhantomError::type_object(py))?;
    m.add("InvalidInput", InvalidInput::type_object(py))?;
    m.add("MarketDataError", MarketDataError::type_object(py))?;
    m.add("SwapRefused", SwapRefused::type_object(py))?;
    m.add("RecordingError", RecordingError::type_object(py))?;
    Ok(())
}
