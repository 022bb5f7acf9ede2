//! Binding of [`crate::market::StandalonePool`]: one pool from account bytes, and quotes of it.

mod batch;
mod clock;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyTuple};

use super::arguments::{self, Account};
use super::errors;
use super::instruction_builder::PyInstruction;
use super::market::{PoolInfo, PyQuote, Shown};
use super::swap_instruction::{Bounds, complete, options_of};
use super::values::{address, to_python};
use crate::market::{AccountWrite, MarketConfig, QuoteError, SetAside, StandalonePool};
use crate::quantities::Pubkey;
use crate::swap::{Execution, MAX_COMPUTE_UNITS, SwapRequest};
use crate::venues::Fraction;
use batch::PyQuoteBatch;
use clock::{PyClock, clock_argument};

/// One pool and the accounts it depends on.
#[pyclass(name = "Pool", module = "phantom_core", frozen)]
pub struct PyPool {
    inner: RwLock<StandalonePool>,
}

/// A swap carried out.
#[pyclass(name = "Swap", module = "phantom_core", frozen, get_all)]
struct PySwap {
    quote: Py<PyQuote>,
    details: Py<PyDict>,
}

#[pymethods]
impl PySwap {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Swap(quote={}, details={})", self.quote.bind(py).repr()?, self.details.bind(py).repr()?))
    }
}

/// Which swap is meant, apart from the amount.
struct Asked<'a, 'py> {
    mint_in: Option<&'a Bound<'py, PyAny>>,
    a_to_b: Option<bool>,
    exact: &'a str,
    threshold: Option<&'a Bound<'py, PyAny>>,
    sqrt_price_limit: u128,
    partial_fill: bool,
    trader_balance: Option<&'a Bound<'py, PyAny>>,
    compute_unit_limit: u32,
}

impl<'a, 'py> Asked<'a, 'py> {
    fn plain(mint_in: Option<&'a Bound<'py, PyAny>>, a_to_b: Option<bool>, exact: &'a str) -> Self {
        Self {
            mint_in,
            a_to_b,
            exact,
            threshold: None,
            sqrt_price_limit: 0,
            partial_fill: false,
            trader_balance: None,
            compute_unit_limit: MAX_COMPUTE_UNITS,
        }
    }
}

impl PyPool {
    pub fn new(pool: StandalonePool) -> Self {
        Self { inner: RwLock::new(pool) }
    }

    // A panic inside the core has already been raised as an exception. No lock is held while Python
    // runs, so that threads that wait for one never wait for the GIL too.
    pub fn read(&self) -> RwLockReadGuard<'_, StandalonePool> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, StandalonePool> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the direction that exactly one of the two arguments gives.
    fn direction(
        &self,
        py: Python<'_>,
        mint_in: Option<&Bound<'_, PyAny>>,
        a_to_b: Option<bool>,
    ) -> PyResult<bool> {
        match (mint_in, a_to_b) {
            (Some(mint), None) => {
                let mint = arguments::address("mint_in", mint)?;
                let side = self.read().side_of(&mint);
                side.map_err(|error| errors::quote(py, &error))
            }
            (None, Some(a_to_b)) => Ok(a_to_b),
            _ => Err(errors::invalid("exactly one of mint_in and a_to_b must be given".into())),
        }
    }

    fn request(&self, py: Python<'_>, amount: u64, asked: &Asked<'_, '_>) -> PyResult<SwapRequest> {
        let a_to_b = self.direction(py, asked.mint_in, asked.a_to_b)?;
        let mut request = SwapRequest::new(amount, arguments::is_exact_in(asked.exact)?, a_to_b);
        if let Some(threshold) = asked.threshold {
            request.other_amount_threshold = arguments::amount("threshold", threshold)?;
        }
        request.sqrt_price_limit_x64 = asked.sqrt_price_limit;
        request.partial_fill = asked.partial_fill;
        request.compute_unit_limit = asked.compute_unit_limit;
        if let Some(balance) = asked.trader_balance {
            request.trader_balance = Some(arguments::amount("trader_balance", balance)?);
        }
        Ok(request)
    }
}

fn raised<T>(py: Python<'_>, result: Result<T, QuoteError>) -> PyResult<T> {
    result.map_err(|error| errors::quote(py, &error))
}

/// Returns the accounts of a mapping from address to account or `None`.
fn accounts_of(accounts: &Bound<'_, PyMapping>) -> PyResult<Vec<(Pubkey, Option<Account>)>> {
    accounts
        .items()?
        .iter()
        .map(|item| {
            let (key, value) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            let key = arguments::address("accounts", &key)?;
            Ok((key, arguments::optional_account(&format!("accounts[{key}]"), &value)?))
        })
        .collect()
}

#[pymethods]
impl PyPool {
    #[new]
    #[pyo3(signature = (address, owner, data=None, *, accounts=None, clock=None, slot=0,
        assume_plain_mints=false, complete=false))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn from_python(
        py: Python<'_>,
        address: &Bound<'_, PyAny>,
        owner: &Bound<'_, PyAny>,
        data: Option<&Bound<'_, PyAny>>,
        accounts: Option<&Bound<'_, PyMapping>>,
        clock: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
        assume_plain_mints: bool,
        complete: bool,
    ) -> PyResult<Self> {
        let pubkey = arguments::address("address", address)?;
        let own = arguments::owner_and_data(owner, data)?;
        let accounts = accounts.map(accounts_of).transpose()?.unwrap_or_default();
        let clock = clock.map(clock_argument).transpose()?;
        let opened = py.detach(|| {
            let own = write_of(pubkey, own.as_ref(), slot);
            let writes: Vec<_> =
                accounts.iter().map(|(key, account)| write_of(*key, account.as_ref(), slot)).collect();
            let mut pool = StandalonePool::open(own, MarketConfig { assume_plain_mints, complete }, &writes)?;
            if clock.is_some() {
                pool.set_clock(clock);
            }
            Ok(pool)
        });
        opened.map(Self::new).map_err(|error| errors::account(py, &error))
    }

    #[pyo3(signature = (address, owner, data=None, *, slot=0))]
    fn update(
        &self,
        py: Python<'_>,
        address: &Bound<'_, PyAny>,
        owner: &Bound<'_, PyAny>,
        data: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
    ) -> PyResult<&'static str> {
        let pubkey = arguments::address("address", address)?;
        let account = arguments::owner_and_data(owner, data)?;
        let written = py.detach(|| self.write().write(write_of(pubkey, account.as_ref(), slot)));
        match written {
            Ok(true) => Ok("applied"),
            Ok(false) => Ok("unchanged"),
            Err(error) => Err(errors::account(py, &error)),
        }
    }

    #[pyo3(signature = (clock))]
    fn set_clock(&self, clock: &Bound<'_, PyAny>) -> PyResult<()> {
        let clock = if clock.is_none() { None } else { Some(clock_argument(clock)?) };
        self.write().set_clock(clock);
        Ok(())
    }

    #[getter]
    fn clock(&self) -> Option<PyClock> {
        self.read().clock().map(PyClock::from)
    }

    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let key = self.read().address();
        address(py, &key)
    }

    #[getter]
    fn venue(&self) -> &'static str {
        self.read().venue().name
    }

    #[getter]
    fn program<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let key = self.read().program();
        address(py, &key)
    }

    #[getter]
    fn mints<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let mints = self.read().mints();
        PyTuple::new(py, [address(py, &mints[0])?, address(py, &mints[1])?])
    }

    #[getter]
    fn mint_decimals(&self) -> (Option<u8>, Option<u8>) {
        self.read().decimals().into()
    }

    #[getter]
    fn set_aside(&self) -> Option<&'static str> {
        self.read().set_aside().as_ref().map(SetAside::reason)
    }

    #[getter]
    fn set_aside_detail(&self) -> Option<String> {
        self.read().set_aside().as_ref().map(ToString::to_string)
    }

    #[getter]
    fn dependencies<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let dependencies = self.read().dependencies();
        let shown = dependencies.iter().map(|dependency| {
            let what = dependency.reason.trim_start_matches("missing_");
            (address(py, &dependency.address)?, what, dependency.is_known).into_pyobject(py)
        });
        shown.collect()
    }

    #[getter]
    fn missing<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let dependencies = self.read().dependencies();
        let missing = dependencies.iter().filter(|dependency| !dependency.is_known);
        missing.map(|dependency| address(py, &dependency.address)).collect()
    }

    fn summary(&self, py: Python<'_>) -> PyResult<PoolInfo> {
        let shown = Shown::standalone(&self.read());
        shown.into_info(py)
    }

    #[pyo3(signature = (amount, *, mint_in=None, a_to_b=None, exact="in", threshold=None,
        sqrt_price_limit=0, partial_fill=false, trader_balance=None, compute_unit_limit=1_400_000))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn quote(
        &self,
        py: Python<'_>,
        amount: &Bound<'_, PyAny>,
        mint_in: Option<&Bound<'_, PyAny>>,
        a_to_b: Option<bool>,
        exact: &str,
        threshold: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::sqrt_price_limit)] sqrt_price_limit: u128,
        partial_fill: bool,
        trader_balance: Option<&Bound<'_, PyAny>>,
        compute_unit_limit: u32,
    ) -> PyResult<PyQuote> {
        let asked = Asked {
            mint_in,
            a_to_b,
            exact,
            threshold,
            sqrt_price_limit,
            partial_fill,
            trader_balance,
            compute_unit_limit,
        };
        let request = self.request(py, arguments::amount("amount", amount)?, &asked)?;
        let quoted = self.read().quote(&request);
        raised(py, quoted).map(Into::into)
    }

    #[pyo3(signature = (amount, *, mint_in=None, a_to_b=None, exact="in", threshold=None,
        sqrt_price_limit=0, partial_fill=false, trader_balance=None, compute_unit_limit=1_400_000))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn swap(
        &self,
        py: Python<'_>,
        amount: &Bound<'_, PyAny>,
        mint_in: Option<&Bound<'_, PyAny>>,
        a_to_b: Option<bool>,
        exact: &str,
        threshold: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::sqrt_price_limit)] sqrt_price_limit: u128,
        partial_fill: bool,
        trader_balance: Option<&Bound<'_, PyAny>>,
        compute_unit_limit: u32,
    ) -> PyResult<PySwap> {
        let asked = Asked {
            mint_in,
            a_to_b,
            exact,
            threshold,
            sqrt_price_limit,
            partial_fill,
            trader_balance,
            compute_unit_limit,
        };
        let request = self.request(py, arguments::amount("amount", amount)?, &asked)?;
        let swapped = self.write().swap(&request);
        let Execution { quote, details } = raised(py, swapped)?;
        let shown = PyDict::new(py);
        for (name, value) in &details {
            shown.set_item(name, to_python(py, value)?)?;
        }
        Ok(PySwap { quote: Py::new(py, PyQuote::from(quote))?, details: shown.unbind() })
    }

    #[pyo3(signature = (amount, *, wallet, mint_in=None, a_to_b=None, exact="in", min_out=None, max_in=None,
        sqrt_price_limit=0, partial_fill=false, token_accounts=None, instruction=None, reach="official"))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn swap_instruction(
        &self,
        py: Python<'_>,
        amount: &Bound<'_, PyAny>,
        wallet: &Bound<'_, PyAny>,
        mint_in: Option<&Bound<'_, PyAny>>,
        a_to_b: Option<bool>,
        exact: &str,
        min_out: Option<&Bound<'_, PyAny>>,
        max_in: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::sqrt_price_limit)] sqrt_price_limit: u128,
        partial_fill: bool,
        token_accounts: Option<&Bound<'_, PyAny>>,
        instruction: Option<&str>,
        reach: &str,
    ) -> PyResult<PyInstruction> {
        let bounds = Bounds { min_out, max_in };
        let options = options_of(wallet, token_accounts, reach)?;
        let asked = Asked { sqrt_price_limit, partial_fill, ..Asked::plain(mint_in, a_to_b, exact) };
        let mut request = self.request(py, arguments::amount("amount", amount)?, &asked)?;
        let pool = self.read();
        complete(&mut request, &bounds, instruction, pool.venue())?;
        let built = pool.swap_instruction(&request, &options);
        drop(pool);
        built.map(PyInstruction).map_err(|error| errors::instruction(py, &error))
    }

    #[pyo3(signature = (amounts, *, mint_in=None, a_to_b=None, exact="in"))]
    fn quote_batch(
        &self,
        py: Python<'_>,
        amounts: &Bound<'_, PyAny>,
        mint_in: Option<&Bound<'_, PyAny>>,
        a_to_b: Option<bool>,
        exact: &str,
    ) -> PyResult<PyQuoteBatch> {
        let asked = Asked::plain(mint_in, a_to_b, exact);
        let request = self.request(py, 0, &asked)?;
        let amounts = arguments::column("amounts", amounts)?;
        let amounts = amounts.as_slice();
        let quoted = py.detach(|| self.read().quote_batch(&request, amounts));
        Ok(PyQuoteBatch::new(py, raised(py, quoted)?))
    }

    #[pyo3(signature = (amount, *, mint_in=None, a_to_b=None, exact="in"))]
    fn price_impact(
        &self,
        py: Python<'_>,
        amount: &Bound<'_, PyAny>,
        mint_in: Option<&Bound<'_, PyAny>>,
        a_to_b: Option<bool>,
        exact: &str,
    ) -> PyResult<f64> {
        let asked = Asked::plain(mint_in, a_to_b, exact);
        let request = self.request(py, arguments::amount("amount", amount)?, &asked)?;
        let impact = self.read().price_impact(&request);
        raised(py, impact)
    }

    #[pyo3(signature = (*, mint_in=None, a_to_b=None))]
    fn marginal_rate(
        &self,
        py: Python<'_>,
        mint_in: Option<&Bound<'_, PyAny>>,
        a_to_b: Option<bool>,
    ) -> PyResult<f64> {
        let a_to_b = self.direction(py, mint_in, a_to_b)?;
        let rate = self.read().marginal_rate(a_to_b);
        raised(py, rate)
    }

    #[pyo3(signature = (*, mint_in=None, a_to_b=None))]
    fn spot_price<'py>(
        &self,
        py: Python<'py>,
        mint_in: Option<&Bound<'py, PyAny>>,
        a_to_b: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let a_to_b = self.direction(py, mint_in, a_to_b)?;
        let price = self.read().spot_price(a_to_b);
        let Fraction { numerator, denominator } = raised(py, price)?;
        let int = py.get_type::<pyo3::types::PyInt>();
        let whole = |limbs: [u8; 32]| int.call_method1("from_bytes", (limbs.as_slice(), "little"));
        let class = py.import("fractions")?.getattr("Fraction")?;
        class.call1((whole(numerator.to_le_bytes())?, whole(denominator.to_le_bytes())?))
    }

    #[pyo3(signature = (*, mint_in=None, a_to_b=None, decimals=true))]
    fn spot_price_float(
        &self,
        py: Python<'_>,
        mint_in: Option<&Bound<'_, PyAny>>,
        a_to_b: Option<bool>,
        decimals: bool,
    ) -> PyResult<f64> {
        let a_to_b = self.direction(py, mint_in, a_to_b)?;
        let price = if decimals {
            self.read().spot_price_ui(a_to_b)
        } else {
            self.read().spot_price(a_to_b).map(|price| price.to_f64())
        };
        raised(py, price)
    }

    fn copy(&self) -> Self {
        Self::new(self.read().clone())
    }

    fn __copy__(&self) -> Self {
        self.copy()
    }

    fn __deepcopy__(&self, _memo: Bound<'_, PyAny>) -> Self {
        self.copy()
    }

    fn __repr__(&self) -> String {
        let pool = self.read();
        let [mint_a, mint_b] = pool.mints();
        let set_aside =
            pool.set_aside().map_or_else(|| "None".to_owned(), |why| format!("'{}'", why.reason()));
        format!(
            "Pool(address='{}', venue='{}', mints=('{mint_a}', '{mint_b}'), set_aside={set_aside})",
            pool.address(),
            pool.venue().name
        )
    }
}

fn write_of(pubkey: Pubkey, account: Option<&Account>, slot: u64) -> AccountWrite<'_> {
    AccountWrite { pubkey, slot, account: account.map(|(owner, data)| (*owner, data.as_ref())) }
}

/// Adds this folder's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyPool, PySwap, PyClock, PyQuoteBatch);
    Ok(())
}
