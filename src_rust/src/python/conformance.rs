//! Bindings of [`crate::conformance`].

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::errors::{InvalidInput, MarketDataError};
use super::values::to_python;
use crate::conformance::{
    Case, ConformanceError, InstructionCheck, Outcome, VectorAccount, VectorState, VectorSwap,
};
use crate::decoders::sysvar::Clock;
use crate::instruction_builder::{AccountMeta, Instruction};
use crate::quantities::Pubkey;

/// A state of a vector file, ready to answer swaps.
#[pyclass(frozen, module = "phantom_core", name = "ConformanceState")]
pub struct ConformanceState {
    case: Case,
}

#[pymethods]
impl ConformanceState {
    #[new]
    #[expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it has extracted")]
    #[pyo3(signature = (*, dex, program_id, pool, accounts, slot, unix_timestamp, epoch))]
    fn new(
        dex: &str,
        program_id: &str,
        pool: &str,
        accounts: Vec<(String, String, Bound<'_, PyBytes>)>,
        slot: u64,
        unix_timestamp: u64,
        epoch: u64,
    ) -> PyResult<Self> {
        let accounts = accounts
            .iter()
            .map(|(key, owner, data)| {
                Ok(VectorAccount { key: parse(key)?, owner: parse(owner)?, data: data.as_bytes() })
            })
            .collect::<PyResult<Vec<_>>>()?;
        let state = VectorState {
            dex,
            program: parse(program_id)?,
            pool: parse(pool)?,
            accounts: &accounts,
            clock: Clock { slot, epoch, unix_timestamp },
        };
        Ok(Self { case: Case::load(&state).map_err(|error| MarketDataError::new_err(error.to_string()))? })
    }

    #[pyo3(signature = (
        operation, *, amount, exact_in, a_to_b, other_amount_threshold, sqrt_price_limit=0, partial_fill=false,
        trader_balance=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn run<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        amount: u64,
        exact_in: bool,
        a_to_b: bool,
        other_amount_threshold: u64,
        sqrt_price_limit: u128,
        partial_fill: bool,
        trader_balance: Option<u64>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let swap = VectorSwap {
            operation,
            amount,
            exact_in,
            a_to_b,
            other_amount_threshold,
            sqrt_price_limit,
            partial_fill,
            trader_balance,
        };
        let outcome = self.case.run(&swap).map_err(|error| invalid(&error))?;
        let answer = PyDict::new(py);
        match outcome {
            Outcome::NotSupported => return Ok(None),
            Outcome::Refused { name, code } => {
                let error = PyDict::new(py);
                error.set_item("name", name)?;
                error.set_item("code", code)?;
                answer.set_item("ok", false)?;
                answer.set_item("error", error)?;
            }
            Outcome::Done(fields) => {
                let result = PyDict::new(py);
                for (name, value) in fields {
                    result.set_item(name, to_python(py, &value)?)?;
                }
                answer.set_item("ok", true)?;
                answer.set_item("result", result)?;
            }
        }
        Ok(Some(answer))
    }

    #[pyo3(signature = (
        operation, *, amount, exact_in, a_to_b, other_amount_threshold, sqrt_price_limit=0, partial_fill=false,
        trader_balance=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn work<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        amount: u64,
        exact_in: bool,
        a_to_b: bool,
        other_amount_threshold: u64,
        sqrt_price_limit: u128,
        partial_fill: bool,
        trader_balance: Option<u64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let swap = VectorSwap {
            operation,
            amount,
            exact_in,
            a_to_b,
            other_amount_threshold,
            sqrt_price_limit,
            partial_fill,
            trader_balance,
        };
        let work = PyDict::new(py);
        for (name, count) in self.case.work(&swap).map_err(|error| invalid(&error))? {
            work.set_item(name, count)?;
        }
        Ok(work)
    }

    #[pyo3(signature = (
        operation, *, program, accounts, data, amount, exact_in, a_to_b, other_amount_threshold=None,
        sqrt_price_limit=0, partial_fill=false
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    #[expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it has extracted")]
    fn check_instruction<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        program: &str,
        accounts: Vec<(String, bool, bool)>,
        data: Vec<u8>,
        amount: u64,
        exact_in: bool,
        a_to_b: bool,
        other_amount_threshold: Option<u64>,
        sqrt_price_limit: u128,
        partial_fill: bool,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let swap = VectorSwap {
            operation,
            amount,
            exact_in,
            a_to_b,
            other_amount_threshold: other_amount_threshold.unwrap_or(if exact_in { 0 } else { u64::MAX }),
            sqrt_price_limit,
            partial_fill,
            trader_balance: None,
        };
        let accounts = accounts.iter().map(|(key, is_signer, is_writable)| {
            Ok(AccountMeta { address: parse(key)?, is_signer: *is_signer, is_writable: *is_writable })
        });
        let executed =
            Instruction { program: parse(program)?, accounts: accounts.collect::<PyResult<_>>()?, data };
        let checked = self.case.check_instruction(&swap, other_amount_threshold.is_some(), &executed);
        let answer = PyDict::new(py);
        match checked.map_err(|error| invalid(&error))? {
            InstructionCheck::NotSupported => return Ok(None),
            InstructionCheck::Equal => answer.set_item("equal", true)?,
            InstructionCheck::Differs { what, expected, got } => {
                answer.set_item("equal", false)?;
                answer.set_item("what", what)?;
                answer.set_item("expected", expected)?;
                answer.set_item("got", got)?;
            }
        }
        Ok(Some(answer))
    }

    #[getter]
    fn vault_balances(&self) -> (Option<u64>, Option<u64>) {
        self.case.vault_balances().into()
    }

    #[getter]
    fn is_supported(&self) -> bool {
        !matches!(self.case, Case::NotSupported)
    }
}

fn parse(address: &str) -> PyResult<Pubkey> {
    address.parse().map_err(|error| InvalidInput::new_err(format!("{error}")))
}

fn invalid(error: &ConformanceError) -> PyErr {
    InvalidInput::new_err(error.to_string())
}

/// Adds the class to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, ConformanceState);
    Ok(())
}
