//! What Python says of a route and its transaction.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rustc_hash::FxHashMap;

use super::{PyBuiltTransaction, PyLookupTable, PySigner, blockhash_of, items, key, keys, limits_of};
use crate::cycle_finder::EdgeIndex;
use crate::engine::ExecutionPlan;
use crate::instruction_builder::{
    Limits, LookupTable, Reach, RouteError, RouteOrder, Signer, Tip, Transaction, build_route,
};
use crate::market::{Market, QuoteError};
use crate::python::arguments;
use crate::python::engine::PyHop;
use crate::python::errors;
use crate::quantities::Pubkey;

/// The keyword arguments of `build_transaction`, as Python gives them.
pub struct RouteArguments<'a, 'py> {
    pub signer: &'a Bound<'py, PySigner>,
    pub blockhash: &'a Bound<'py, PyAny>,
    pub min_amount_out: u64,
    pub compute_unit_limit: u32,
    pub compute_unit_price_micro_lamports: u64,
    pub tables: Option<&'a Bound<'py, PyAny>>,
    pub tip_lamports: u64,
    pub tip_account: Option<&'a Bound<'py, PyAny>>,
    pub dont_front: Option<&'a Bound<'py, PyAny>>,
    pub nonce: Option<&'a Bound<'py, PyAny>>,
    pub create_accounts: Option<&'a Bound<'py, PyAny>>,
    pub token_accounts: Option<&'a Bound<'py, PyDict>>,
    pub loaded_accounts_data_size: Option<u32>,
    pub reach: &'a str,
    pub max_account_locks: usize,
}

/// The same, converted.
pub struct Order<'a> {
    signer: &'a PySigner,
    blockhash: [u8; 32],
    tables: Vec<Arc<LookupTable>>,
    tip: Option<Tip>,
    nonce: Option<Pubkey>,
    create_accounts: Vec<Pubkey>,
    token_accounts: FxHashMap<Pubkey, Pubkey>,
    reach: Reach,
    limits: Limits,
    min_amount_out: u64,
    compute_unit_limit: u32,
    compute_unit_price_micro_lamports: u64,
    loaded_accounts_data_size: Option<u32>,
}

/// Returns which arrays are meant.
pub fn reach_of(reach: &str) -> PyResult<Reach> {
    match reach {
        "official" => Ok(Reach::Official),
        "needed" => Ok(Reach::Needed),
        other => Err(errors::invalid(format!("reach is '{other}'; it may be 'official' or 'needed'"))),
    }
}

impl<'a> RouteArguments<'a, '_> {
    /// Converts them.
    pub fn order(&self) -> PyResult<Order<'a>> {
        let tip = match (self.tip_lamports, self.tip_account) {
            (0, _) => None,
            (_, None) => return Err(errors::invalid("tip_account is missing, tip_lamports is not 0".into())),
            (lamports, Some(account)) => Some(Tip {
                account: key("tip_account", account)?,
                lamports,
                dont_front: self.dont_front.map(|name| key("dont_front", name)).transpose()?,
            }),
        };
        if tip.is_none() && self.dont_front.is_some() {
            return Err(errors::invalid("dont_front stands in the tip, and tip_lamports is 0".into()));
        }
        let created = self.create_accounts.map(|mints| keys("create_accounts", mints)).transpose()?;
        Ok(Order {
            signer: self.signer.get(),
            blockhash: blockhash_of(self.blockhash)?,
            tables: tables_of(self.tables)?,
            tip,
            nonce: self.nonce.map(|nonce| key("nonce", nonce)).transpose()?,
            create_accounts: created.unwrap_or_default(),
            token_accounts: token_accounts_of(self.token_accounts)?,
            reach: reach_of(self.reach)?,
            limits: limits_of(self.max_account_locks)?,
            min_amount_out: self.min_amount_out,
            compute_unit_limit: self.compute_unit_limit,
            compute_unit_price_micro_lamports: self.compute_unit_price_micro_lamports,
            loaded_accounts_data_size: self.loaded_accounts_data_size,
        })
    }
}

impl Order<'_> {
    /// Calls `build` with the order and who signs it.
    pub fn with<T>(&self, build: impl FnOnce(&RouteOrder<'_>, &Signer) -> T) -> T {
        let tables: Vec<&LookupTable> = self.tables.iter().map(|table| &**table).collect();
        let order = RouteOrder {
            wallet: self.signer.0.address(),
            blockhash: self.blockhash,
            tables: &tables,
            min_amount_out: self.min_amount_out,
            compute_unit_limit: self.compute_unit_limit,
            compute_unit_price_micro_lamports: self.compute_unit_price_micro_lamports,
            loaded_accounts_data_size: self.loaded_accounts_data_size,
            tip: self.tip,
            nonce: self.nonce,
            create_accounts: &self.create_accounts,
            token_accounts: &self.token_accounts,
            reach: self.reach,
            limits: self.limits,
        };
        build(&order, &self.signer.0)
    }
}

/// What Python says of the transactions to come.
pub struct PlanArguments<'a, 'py> {
    pub wallet: &'a Bound<'py, PyAny>,
    pub tables: Option<&'a Bound<'py, PyAny>>,
    pub token_accounts: Option<&'a Bound<'py, PyDict>>,
    pub tips: bool,
    pub dont_front: Option<&'a Bound<'py, PyAny>>,
    pub uses_nonce: bool,
    pub reach: &'a str,
    pub max_account_locks: usize,
}

impl PlanArguments<'_, '_> {
    /// Converts it.
    pub fn plan(&self) -> PyResult<ExecutionPlan> {
        Ok(ExecutionPlan {
            wallet: key("wallet", self.wallet)?,
            tables: tables_of(self.tables)?,
            token_accounts: token_accounts_of(self.token_accounts)?,
            tips: self.tips,
            dont_front: self.dont_front.map(|name| key("dont_front", name)).transpose()?,
            uses_nonce: self.uses_nonce,
            reach: reach_of(self.reach)?,
            limits: limits_of(self.max_account_locks)?,
        })
    }
}

fn tables_of(tables: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Arc<LookupTable>>> {
    let tables = tables.map(|tables| items::<PyLookupTable>("tables", tables)).transpose()?;
    Ok(tables.unwrap_or_default().iter().map(|table| table.get().0.clone()).collect())
}

fn token_accounts_of(accounts: Option<&Bound<'_, PyDict>>) -> PyResult<FxHashMap<Pubkey, Pubkey>> {
    let pair = |(mint, account): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        Ok((key("token_accounts", &mint)?, key("token_accounts", &account)?))
    };
    accounts.into_iter().flatten().map(pair).collect()
}

/// Hops as pool and mint paid to it: pairs, or `Hop` objects.
pub struct Hops(Vec<(Pubkey, Pubkey)>);

impl Hops {
    /// Converts them.
    pub fn extract(hops: &Bound<'_, PyAny>) -> PyResult<Self> {
        let end = |hop: Bound<'_, PyAny>| {
            if let Ok(hop) = hop.cast::<PyHop>() {
                return hop.get().ends();
            }
            let pair = hop.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
            let pair =
                pair.ok_or_else(|| errors::invalid(format!("route: (pool, mint_in) expected, found {hop}")))?;
            Ok((key("pool", &pair.get_item(0)?)?, key("mint_in", &pair.get_item(1)?)?))
        };
        arguments::each("route", hops)?.map(|hop| end(hop?)).collect::<PyResult<_>>().map(Self)
    }

    /// Returns the transaction that trades them.
    pub fn build(
        &self,
        market: &mut Market,
        amount_in: u64,
        order: &RouteOrder<'_>,
        signer: &Signer,
    ) -> Result<Transaction, RouteError> {
        let edges: Result<Vec<EdgeIndex>, QuoteError> =
            self.0.iter().map(|(pool, mint_in)| market.edge(pool, mint_in)).collect();
        build_route(market, &edges?, amount_in, order, signer)
    }
}

/// Returns the transaction for Python, or raises why there is none.
pub fn built(py: Python<'_>, built: Result<Transaction, RouteError>) -> PyResult<PyBuiltTransaction> {
    built.map(PyBuiltTransaction).map_err(|error| errors::route(py, &error))
}
