//! The exceptions of `phantom_core` and the one place where core errors become them.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTypeInfo, create_exception};

use super::values::to_python;
use crate::decoders::DecodeError;
use crate::engine::TakeError;
use crate::instruction_builder::{BuildError, MessageError, RouteError};
use crate::market::{AccountError, InstructionError, QuoteError, SetAside};
use crate::network_submitter::SubmitError;
use crate::plans::PlanError;
use crate::swap::{MAX_COMPUTE_UNITS, Refusal, RefusalKind, Value};

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
    "Account data is missing, undecodable or not what it claims to be; `reason` is a stable word for why, \
     `values` what matters."
);
create_exception!(
    phantom_core,
    SwapRefused,
    PhantomError,
    "The on-chain program would refuse this swap; `name` and `code` are the program's own, `values` what matters."
);
create_exception!(
    phantom_core,
    TransactionError,
    PhantomError,
    "No transaction can be made of this; `reason` is a stable word for why, `values` what matters."
);
create_exception!(
    phantom_core,
    DispatchError,
    PhantomError,
    "Nothing can be sent: the submitter is closed, or belongs to another process; or nobody has answered a \
     question."
);
create_exception!(phantom_core, RecordingError, PhantomError, "A recording is missing, torn or corrupt.");

/// Returns the `InvalidInput` with this message.
pub fn invalid(message: String) -> PyErr {
    InvalidInput::new_err(message)
}

/// Returns the `MarketDataError` with this message and a stable word for why.
pub fn market_data(py: Python<'_>, reason: &str, message: String, values: &[(&'static str, Value)]) -> PyErr {
    let raised = MarketDataError::new_err(message);
    let attributes = || {
        let value = raised.value(py);
        value.setattr("reason", reason)?;
        value.setattr("values", dict(py, values)?)
    };
    attributes().err().unwrap_or(raised)
}

/// Returns the `DispatchError` with this message.
pub fn dispatch(message: String) -> PyErr {
    DispatchError::new_err(message)
}

/// Maps why nothing was sent.
pub fn submit(error: &SubmitError) -> PyErr {
    let message = error.to_string();
    match error {
        SubmitError::NoThread(_) | SubmitError::Closed | SubmitError::Forked => dispatch(message),
        SubmitError::BadTarget { .. }
        | SubmitError::TargetCount(_)
        | SubmitError::TargetTwice(_)
        | SubmitError::UnknownTarget(_)
        | SubmitError::WrongKind(_)
        | SubmitError::NobodyToAsk(_)
        | SubmitError::NoBundles(_)
        | SubmitError::TransactionCount(_)
        | SubmitError::TransactionLength { .. }
        | SubmitError::IdCount { .. }
        | SubmitError::BadId(_)
        | SubmitError::BadDeadline
        | SubmitError::FirstZero
        | SubmitError::BadRoots => invalid(message),
    }
}

/// Maps bytes that are no account.
pub fn decode(py: Python<'_>, error: &DecodeError, message: String) -> PyErr {
    market_data(py, error.reason(), message, &[])
}

/// Maps an account that a pool cannot take.
pub fn account(py: Python<'_>, error: &AccountError) -> PyErr {
    let values = [("account", error.account.into())];
    market_data(py, error.source.reason(), error.to_string(), &values)
}

/// Maps a quote's failure: data that is missing, a refusal of the program, or a wrong argument.
pub fn quote(py: Python<'_>, error: &QuoteError) -> PyErr {
    match error {
        QuoteError::UnknownPool(_) | QuoteError::UnknownMint { .. } => invalid(error.to_string()),
        QuoteError::SetAside { reason, .. } => {
            market_data(py, reason.reason(), error.to_string(), &set_aside_values(reason))
        }
        QuoteError::UnknownDecimals { mint, .. } => {
            market_data(py, "missing_mint", error.to_string(), &[("account", (*mint).into())])
        }
        QuoteError::NoPrice(_) => market_data(py, "no_price", error.to_string(), &[]),
        QuoteError::Refused { error: refusal, .. } => refused(py, refusal, error.to_string()),
    }
}

/// Maps why there is no plan: what the market does not offer, a wrong argument, or a pool's failure.
pub fn plan(py: Python<'_>, error: &PlanError) -> PyErr {
    let message = error.to_string();
    match error {
        PlanError::NoRoute { mint_in, mint_out, .. } => {
            let values = [("mint_in", (*mint_in).into()), ("mint_out", (*mint_out).into())];
            market_data(py, "no_route", message, &values)
        }
        PlanError::NoOutput { amount_in, .. } => {
            market_data(py, "no_output", message, &[("amount_in", (*amount_in).into())])
        }
        PlanError::NoValue { mint, .. } => market_data(py, "no_price", message, &[("mint", (*mint).into())]),
        PlanError::Quote(error) => quote(py, error),
        PlanError::UnknownMint { .. }
        | PlanError::SameMint(_)
        | PlanError::ZeroAmount
        | PlanError::OutOfRange { .. }
        | PlanError::UnknownVenue(_)
        | PlanError::BadValue { .. }
        | PlanError::Broken { .. } => invalid(message),
    }
}

/// Returns the `TransactionError` with this message and a stable word for why.
pub fn transaction(py: Python<'_>, reason: &str, message: String, values: &[(&'static str, Value)]) -> PyErr {
    let raised = TransactionError::new_err(message);
    let attributes = || {
        let value = raised.value(py);
        value.setattr("reason", reason)?;
        value.setattr("values", dict(py, values)?)
    };
    attributes().err().unwrap_or(raised)
}

/// Maps why instructions make no transaction.
pub fn message(py: Python<'_>, error: &MessageError) -> PyErr {
    transaction(py, error.reason(), error.to_string(), &message_values(error))
}

/// Maps why a route makes no transaction.
pub fn route(py: Python<'_>, error: &RouteError) -> PyErr {
    let mut values = match error {
        RouteError::Quote(error) => return quote(py, error),
        RouteError::Message { error, .. } => message_values(error),
        RouteError::PoolTwice(pool) => vec![("pool", (*pool).into())],
        RouteError::Broken { hop, takes, gives } => {
            vec![("hop", (*hop as u64).into()), ("takes", (*takes).into()), ("gives", (*gives).into())]
        }
        RouteError::MinimumOutOfReach { minimum, quoted } => {
            vec![("minimum", (*minimum).into()), ("quoted", (*quoted).into())]
        }
        RouteError::Moved { expected, found } => {
            vec![("expected", (*expected).into()), ("found", (*found).into())]
        }
        RouteError::UnknownTokenProgram { mint } => vec![("mint", (*mint).into())],
        RouteError::Hop { hop, pool, .. } => vec![("hop", (*hop as u64).into()), ("pool", (*pool).into())],
        RouteError::Empty | RouteError::Pda(_) => Vec::new(),
    };
    if let RouteError::Message { pools, .. } = error {
        values.push(("route", Value::List(pools.iter().map(|&pool| pool.into()).collect())));
    }
    transaction(py, error.reason(), error.to_string(), &values)
}

fn message_values(error: &MessageError) -> Vec<(&'static str, Value)> {
    let count = |number: usize| Value::from(number as u64);
    match *error {
        MessageError::TooLarge { bytes, limit, movable } => {
            vec![("bytes", count(bytes)), ("limit", count(limit)), ("movable", count(movable))]
        }
        MessageError::TooManyLocks { found, limit } | MessageError::TooManyInstructions { found, limit } => {
            vec![("found", count(found)), ("limit", count(limit))]
        }
        MessageError::TooMuchCompute { found } => {
            vec![("found", found.into()), ("limit", MAX_COMPUTE_UNITS.into())]
        }
        MessageError::DuplicateBudget { tag } => vec![("tag", tag.into())],
        MessageError::MissingSigner { address } | MessageError::NeedlessSigner { address } => {
            vec![("account", address.into())]
        }
    }
}

/// Maps why a swap is no instruction: data that is missing, a wrong argument, or the program's refusal.
pub fn instruction(py: Python<'_>, error: &InstructionError) -> PyErr {
    let message = error.to_string();
    match error {
        InstructionError::Quote(error) => quote(py, error),
        InstructionError::UnknownMint { mint, .. } => {
            market_data(py, "missing_mint", message, &[("account", (*mint).into())])
        }
        InstructionError::Build { pool, error } => match error {
            BuildError::Unknown { what } => {
                let values = [("pool", (*pool).into()), ("what", Value::Text(what))];
                market_data(py, "missing_account", message, &values)
            }
            BuildError::Refused(name) => refused(py, &Refusal::other(RefusalKind::Program, name), message),
            BuildError::NoInstruction { .. } | BuildError::Pda(_) => invalid(message),
        },
    }
}

fn set_aside_values(reason: &SetAside) -> Vec<(&'static str, Value)> {
    match reason {
        SetAside::Fault { account, .. } | SetAside::Missing { account, .. } => {
            vec![("account", (*account).into())]
        }
        SetAside::UnsupportedMint { mint, .. } => vec![("mint", (*mint).into())],
        SetAside::Disabled { status } => vec![("status", (*status).into())],
        SetAside::NotYetOpen { opens_at } => vec![("opens_at", (*opens_at).into())],
        SetAside::FrozenVault(vault) => vec![("account", (*vault).into())],
        SetAside::MissingClock
        | SetAside::NoLiquidity
        | SetAside::Unsupported { .. }
        | SetAside::Quarantined { .. }
        | SetAside::Closed => Vec::new(),
    }
}

fn dict<'py>(py: Python<'py>, values: &[(&'static str, Value)]) -> PyResult<Bound<'py, PyDict>> {
    let named = PyDict::new(py);
    for (name, value) in values {
        named.set_item(name, to_python(py, value)?)?;
    }
    Ok(named)
}

/// Maps a pool's refusal: an account that is missing, or what the program would say.
pub fn refused(py: Python<'_>, refusal: &Refusal, message: String) -> PyErr {
    match refusal.kind {
        RefusalKind::MissingAccount => {
            let mut values = refusal.details().to_vec();
            values.push(("name", Value::Text(refusal.name)));
            values.push(("code", refusal.code.map_or(Value::None, Value::from)));
            return market_data(py, "missing_account", message, &values);
        }
        RefusalKind::Unsupported => return market_data(py, "unsupported", message, refusal.details()),
        RefusalKind::Program | RefusalKind::Panic | RefusalKind::ComputeBudget => {}
    }
    let raised = SwapRefused::new_err(message);
    let attributes = || {
        let value = raised.value(py);
        value.setattr("name", refusal.name)?;
        value.setattr("code", refusal.code)?;
        value.setattr("values", dict(py, refusal.details())?)
    };
    attributes().err().unwrap_or(raised)
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
        TakeError::Over { .. } => market_data(py, "opening_over", error.to_string(), &[]),
        TakeError::Moved { .. } => market_data(py, "moved", error.to_string(), &[]),
        TakeError::Blocked { blocked, .. } => {
            market_data(py, blocked.reason().name(), error.to_string(), &[])
        }
        TakeError::TokenDenied { mint, .. } => {
            market_data(py, "token_denied", error.to_string(), &[("mint", (*mint).into())])
        }
        TakeError::Quote(error) => quote(py, error),
    }
}

/// Adds the exception classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    m.add("PhantomError", PhantomError::type_object(py))?;
    m.add("InvalidInput", InvalidInput::type_object(py))?;
    m.add("MarketDataError", MarketDataError::type_object(py))?;
    // For an error raised by somebody else: the attributes are always there.
    MarketDataError::type_object(py).setattr("reason", py.None())?;
    MarketDataError::type_object(py).setattr("values", PyDict::new(py))?;
    m.add("SwapRefused", SwapRefused::type_object(py))?;
    m.add("TransactionError", TransactionError::type_object(py))?;
    TransactionError::type_object(py).setattr("reason", py.None())?;
    TransactionError::type_object(py).setattr("values", PyDict::new(py))?;
    m.add("RecordingError", RecordingError::type_object(py))?;
    m.add("DispatchError", DispatchError::type_object(py))?;
    Ok(())
}
