//! Binding of the instruction builder: instructions, lookup tables, keys and signed transactions.

mod makers;
pub mod route;

use std::sync::Arc;

use pyo3::PyClass;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyList, PyTuple};

use super::arguments::{self, Data};
use super::errors;
use super::values::address;
use crate::instruction_builder::{
    AccountMeta, Instruction, Limits, LookupTable, Signer, Transaction, choose_tables, sign,
};
use crate::quantities::Pubkey;

/// One call of a program.
#[pyclass(name = "Instruction", module = "phantom_core", frozen, eq)]
#[derive(Clone, PartialEq)]
pub struct PyInstruction(pub Instruction);

/// Returns a key given as 32 bytes without asking anything else, else as [`arguments::address`] does.
pub fn key(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Pubkey> {
    if let Ok(bytes) = value.cast::<PyBytes>()
        && let Ok(key) = bytes.as_bytes().try_into()
    {
        return Ok(Pubkey(key));
    }
    arguments::address(argument, value)
}

fn flag(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    match value.cast::<PyBool>() {
        Ok(flag) => Ok(flag.is_true()),
        Err(_) => Err(errors::invalid(format!("accounts: bool expected, found {}", value.get_type()))),
    }
}

fn account_of(value: &Bound<'_, PyAny>) -> PyResult<AccountMeta> {
    let account = value.cast::<PyTuple>().ok().filter(|account| account.len() == 3);
    let account = account.ok_or_else(|| {
        errors::invalid(format!("accounts: (address, is_signer, is_writable) expected, found {value}"))
    })?;
    let (address, is_signer) = (account.get_borrowed_item(0)?, account.get_borrowed_item(1)?);
    let is_writable = account.get_borrowed_item(2)?;
    Ok(AccountMeta {
        address: key("accounts", &address)?,
        is_signer: flag(&is_signer)?,
        is_writable: flag(&is_writable)?,
    })
}

fn accounts_of(value: &Bound<'_, PyAny>) -> PyResult<Vec<AccountMeta>> {
    if let Ok(list) = value.cast::<PyList>() {
        return list.iter().map(|account| account_of(&account)).collect();
    }
    arguments::each("accounts", value)?.map(|account| account_of(&account?)).collect()
}

/// Returns accounts as Python has them.
fn shown_accounts<'py>(py: Python<'py>, accounts: &[AccountMeta]) -> PyResult<Vec<Bound<'py, PyTuple>>> {
    accounts
        .iter()
        .map(|account| {
            (address(py, &account.address)?, account.is_signer, account.is_writable).into_pyobject(py)
        })
        .collect()
}

#[pymethods]
impl PyInstruction {
    #[new]
    fn new(
        program: &Bound<'_, PyAny>,
        accounts: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let program = key("program", program)?;
        let accounts = accounts_of(accounts)?;
        let data = arguments::data("data", data)?.as_ref().to_vec();
        Ok(Self(Instruction { program, accounts, data }))
    }

    #[staticmethod]
    fn from_solders(instruction: &Bound<'_, PyAny>) -> PyResult<Self> {
        let program = key("program_id", &instruction.getattr("program_id")?)?;
        let metas = instruction.getattr("accounts")?;
        let accounts = metas.try_iter()?.map(|meta| {
            let meta = meta?;
            Ok(AccountMeta {
                address: key("pubkey", &meta.getattr("pubkey")?)?,
                is_signer: meta.getattr("is_signer")?.extract()?,
                is_writable: meta.getattr("is_writable")?.extract()?,
            })
        });
        let accounts = accounts.collect::<PyResult<_>>()?;
        let data = arguments::data("data", &instruction.getattr("data")?)?.as_ref().to_vec();
        Ok(Self(Instruction { program, accounts, data }))
    }

    #[getter]
    fn program<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address(py, &self.0.program)
    }

    #[getter]
    fn accounts<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        shown_accounts(py, &self.0.accounts)
    }

    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.data)
    }

    fn to_solders<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let from_bytes = solders(py, "solders.pubkey", "Pubkey")?.getattr("from_bytes")?;
        let module = solders(py, "solders.instruction", "Instruction")?;
        let meta = solders(py, "solders.instruction", "AccountMeta")?;
        let pubkey = |key: &Pubkey| from_bytes.call1((PyBytes::new(py, &key.0),));
        let accounts =
            self.0.accounts.iter().map(|account| {
                meta.call1((pubkey(&account.address)?, account.is_signer, account.is_writable))
            });
        let accounts = accounts.collect::<PyResult<Vec<_>>>()?;
        module.call1((pubkey(&self.0.program)?, PyBytes::new(py, &self.0.data), accounts))
    }

    fn __repr__(&self) -> String {
        format!(
            "Instruction(program='{}', accounts={}, data={} bytes)",
            self.0.program,
            self.0.accounts.len(),
            self.0.data.len()
        )
    }
}

fn solders<'py>(py: Python<'py>, module: &str, class: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import(module)?.getattr(class)
}

/// A lookup table.
#[pyclass(name = "LookupTable", module = "phantom_core", frozen)]
#[derive(Clone)]
pub struct PyLookupTable(pub Arc<LookupTable>);

#[pymethods]
impl PyLookupTable {
    #[new]
    fn new(address: &Bound<'_, PyAny>, addresses: &Bound<'_, PyAny>) -> PyResult<Self> {
        let address = key("address", address)?;
        let addresses = keys("addresses", addresses)?;
        let table =
            LookupTable::new(address, addresses).map_err(|error| errors::invalid(error.to_string()))?;
        Ok(Self(Arc::new(table)))
    }

    #[staticmethod]
    #[pyo3(signature = (address, data, slot=None))]
    fn from_account(
        py: Python<'_>,
        address: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        slot: Option<u64>,
    ) -> PyResult<Self> {
        let address = key("address", address)?;
        let data = arguments::data("data", data)?;
        let table = LookupTable::decode(address, data.as_ref(), slot)
            .map_err(|error| errors::market_data(py, error.reason(), error.to_string(), &[]))?;
        Ok(Self(Arc::new(table)))
    }

    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address(py, &self.0.address())
    }

    #[getter]
    fn addresses<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.0.addresses().iter().map(|key| address(py, key)).collect()
    }

    fn __len__(&self) -> usize {
        self.0.addresses().len()
    }

    fn __contains__(&self, address: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.0.place(&key("address", address)?).is_some())
    }

    fn __repr__(&self) -> String {
        format!("LookupTable(address='{}', addresses={})", self.0.address(), self.0.addresses().len())
    }
}

/// Returns the addresses of a sequence.
fn keys(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<Pubkey>> {
    arguments::each(argument, value)?.map(|item| key(argument, &item?)).collect()
}

/// A key pair.
#[pyclass(name = "Signer", module = "phantom_core", frozen)]
pub struct PySigner(pub Signer);

#[pymethods]
impl PySigner {
    #[staticmethod]
    fn from_bytes(secret: &Bound<'_, PyAny>) -> PyResult<Self> {
        let found = match arguments::data("secret", secret)? {
            Data::Shared(bytes) => Signer::from_bytes(&bytes),
            Data::Copied(bytes) => Signer::from_bytes(&zeroize::Zeroizing::new(bytes)),
        };
        found.map(Self).map_err(|error| errors::invalid(format!("secret: {error}")))
    }

    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address(py, &self.0.address())
    }

    fn sign<'py>(&self, py: Python<'py>, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let message = arguments::data("message", message)?;
        let signature = py.detach(|| self.0.sign(message.as_ref()));
        Ok(PyBytes::new(py, &signature))
    }

    #[expect(clippy::unused_self, reason = "a method in Python")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Signer cannot be pickled or copied"))
    }

    fn __repr__(&self) -> String {
        format!("Signer(address='{}')", self.0.address())
    }
}

/// A signed transaction.
#[pyclass(name = "BuiltTransaction", module = "phantom_core", frozen, eq)]
#[derive(Clone, PartialEq)]
pub struct PyBuiltTransaction(pub Transaction);

#[pymethods]
impl PyBuiltTransaction {
    #[getter]
    fn wire<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.wire())
    }

    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.message())
    }

    #[getter]
    fn signature(&self) -> String {
        bs58::encode(self.0.signature()).into_string()
    }

    #[getter]
    fn base64(&self) -> String {
        base64_simd::STANDARD.encode_to_string(self.0.wire())
    }

    #[getter]
    fn accounts<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        shown_accounts(py, self.0.accounts())
    }

    #[getter]
    fn static_accounts(&self) -> usize {
        self.0.static_accounts()
    }

    #[getter]
    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.0.tables().iter().map(|key| address(py, key)).collect()
    }

    fn to_solders<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let class = solders(py, "solders.transaction", "VersionedTransaction")?;
        class.call_method1("from_bytes", (self.wire(py),))
    }

    fn __len__(&self) -> usize {
        self.0.wire().len()
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        self.wire(py)
    }

    fn __repr__(&self) -> String {
        format!(
            "BuiltTransaction(signature='{}', bytes={}, accounts={}, tables={})",
            self.signature(),
            self.0.wire().len(),
            self.0.accounts().len(),
            self.0.tables().len()
        )
    }
}

/// Returns what a sequence holds, each of one class.
fn items<'py, T: PyClass>(argument: &str, value: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, T>>> {
    let wrong = |found: Bound<'py, PyAny>| {
        let (expected, found) = (T::type_object(found.py()), found.get_type());
        errors::invalid(format!("{argument}: {expected} expected, found {found}"))
    };
    arguments::each(argument, value)?
        .map(|item| item?.cast_into::<T>().map_err(|error| wrong(error.into_inner())))
        .collect()
}

/// Returns the 32 bytes of a blockhash, or of the value of a nonce.
pub fn blockhash_of(value: &Bound<'_, PyAny>) -> PyResult<[u8; 32]> {
    Ok(key("blockhash", value)?.0)
}

/// Returns the limits with another number of account locks.
pub fn limits_of(max_account_locks: usize) -> PyResult<Limits> {
    if !(1..=128).contains(&max_account_locks) {
        return Err(errors::invalid(format!("max_account_locks is {max_account_locks}; it may be 1 to 128")));
    }
    Ok(Limits { account_locks: max_account_locks, ..Limits::default() })
}

#[pyfunction]
#[pyo3(signature = (instructions, signer, blockhash, tables=None, *, signers=None,
    max_account_locks=64))]
fn compile_transaction(
    py: Python<'_>,
    instructions: &Bound<'_, PyAny>,
    signer: &Bound<'_, PySigner>,
    blockhash: &Bound<'_, PyAny>,
    tables: Option<&Bound<'_, PyAny>>,
    signers: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = arguments::max_account_locks)] max_account_locks: usize,
) -> PyResult<PyBuiltTransaction> {
    let instructions = items::<PyInstruction>("instructions", instructions)?;
    let instructions: Vec<&Instruction> = instructions.iter().map(|one| &one.get().0).collect();
    let tables =
        tables.map(|tables| items::<PyLookupTable>("tables", tables)).transpose()?.unwrap_or_default();
    let tables: Vec<&LookupTable> = tables.iter().map(|table| &*table.get().0).collect();
    let others = signers.map(|others| items::<PySigner>("signers", others)).transpose()?.unwrap_or_default();
    let others: Vec<&Signer> = others.iter().map(|other| &other.get().0).collect();
    let (blockhash, limits) = (blockhash_of(blockhash)?, limits_of(max_account_locks)?);
    let signer = &signer.get().0;
    py.detach(|| sign(&instructions, signer, &others, &blockhash, &tables, &limits))
        .map(PyBuiltTransaction)
        .map_err(|error| errors::message(py, &error))
}

#[pyfunction]
#[pyo3(name = "choose_tables")]
fn choose_tables_of<'py>(
    instructions: &Bound<'py, PyAny>,
    payer: &Bound<'py, PyAny>,
    tables: &Bound<'py, PyAny>,
) -> PyResult<Vec<Bound<'py, PyLookupTable>>> {
    let payer = key("payer", payer)?;
    let instructions = items::<PyInstruction>("instructions", instructions)?;
    let instructions: Vec<&Instruction> = instructions.iter().map(|one| &one.get().0).collect();
    let tables = items::<PyLookupTable>("tables", tables)?;
    let candidates: Vec<&LookupTable> = tables.iter().map(|table| &*table.get().0).collect();
    let chosen = choose_tables(&payer, &instructions, &candidates);
    Ok(chosen.into_iter().map(|position| tables[position].clone()).collect())
}

/// Adds this file's classes and functions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyInstruction, PyLookupTable, PySigner, PyBuiltTransaction);
    m.add_function(wrap_pyfunction!(compile_transaction, m)?)?;
    m.add_function(wrap_pyfunction!(choose_tables_of, m)?)?;
    makers::register(m)
}
