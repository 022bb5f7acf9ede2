//! What Python says of a route and its transaction.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rustc_hash::FxHashMap;

use super::{PyBuiltTransaction, PyLookupTable, PySigner, blockhash_of, items, key, keys, limits_of};
use crate::cycle_finder::EdgeIndex;
use crate::instruction_builder::{
    Limits, LookupTable, Reach, RouteError, RouteOrder, Tip, Transaction, build_route,
};
use crate::market::{Market, QuoteError};
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
        let tables = self.tables.map(|tables| items::<PyLookupTable>("tables", tables)).transpose()?;
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
        let named = self.token_accounts.into_iter().flatten();
        let token_accounts = named
            .map(|(mint, account)| Ok((key("token_accounts", &mint)?, key("token_accounts", &account)?)))
            .collect::<PyResult<_>>()?;
        let created = self.create_accounts.map(|mints| keys("create_accounts", mints)).transpose()?;
        Ok(Order {
            signer: self.signer.get(),
            blockhash: blockhash_of(self.blockhash)?,
            tables: tables.unwrap_or_default().iter().map(|table| table.get().0.clone()).collect(),
            tip,
            nonce: self.nonce.map(|nonce| key("nonce", nonce)).transpose()?,
            create_accounts: created.unwrap_or_default(),
            token_accounts,
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
    /// Calls `build` with the order.
    pub fn with<T>(&self, build: impl FnOnce(&RouteOrder<'_>) -> T) -> T {
        let tables: Vec<&LookupTable> = self.tables.iter().map(|table| &**table).collect();
        build(&RouteOrder {
            signer: &self.signer.0,
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
        })
    }
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
        hops.try_iter()?.map(|hop| end(hop?)).collect::<PyResult<_>>().map(Self)
    }

    /// Returns the transaction that trades them.
    pub fn build(
        &self,
        market: &mut Market,
        amount_in: u64,
        order: &RouteOrder<'_>,
    ) -> Result<Transaction, RouteError> {
        let edges: Result<Vec<EdgeIndex>, QuoteError> =
            self.0.iter().map(|(pool, mint_in)| market.edge(pool, mint_in)).collect();
        build_route(market, &edges?, amount_in, order)
    }
}

/// Returns the transaction for Python, or raises why there is none.
pub fn built(py: Python<'_>, built: Result<Transaction, RouteError>) -> PyResult<PyBuiltTransaction> {
    built.map(PyBuiltTransaction).map_err(|error| errors::route(py, &error))
}
