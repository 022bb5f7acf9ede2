//! Binding of the market, for users with accounts of their own: load, quote, list cycles, size them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments;
use super::errors;
use super::instruction_builder::route::{self, Hops, RouteArguments};
use super::instruction_builder::{PyBuiltTransaction, PyInstruction, PySigner};
use super::market_cycles::{self, MarketCycle};
use super::plans::{
    FilterArguments, PlanArguments, PyPlan, PyPlannedRoute, PyTrade, TradeArguments, plan_in, requote_in,
    trade_in,
};
use super::pool::PyPool;
use super::price_graph::{GraphArrays, MarketGraph};
use super::sizing::{self, PySized};
use super::swap_instruction;
use super::token_firewall::{self, PyTokenRules, PyTokenVerdict};
use super::values::to_python;
use crate::cycle_finder::{EdgeIndex, MAX_HOPS, pool_of};
use crate::market::{
    AccountError, AccountWrite, Applied, Market, MarketConfig, Pool, QuoteError, SetAside, StandalonePool,
    Standing, Want,
};
use crate::quantities::Pubkey;
use crate::swap::{Quote, SwapRequest};
use crate::venues::{PoolSummary, VENUES};

/// Returns the address in `text`, or an `InvalidInput` that names the argument.
pub fn parse_pubkey(argument: &str, text: &str) -> PyResult<Pubkey> {
    text.parse().map_err(|error| errors::invalid(format!("{argument}: {error}")))
}

/// Returns hops as pool address and direction (`true`: token A in).
pub fn named_edges(market: &Market, edges: impl Iterator<Item = EdgeIndex>) -> Vec<(String, bool)> {
    edges
        .map(|edge| {
            let (pool, a_to_b) = pool_of(edge);
            (market.pool(pool).address().to_string(), a_to_b)
        })
        .collect()
}

/// One pool as it stands.
#[pyclass(name = "PoolInfo", module = "phantom_core", frozen, get_all)]
pub struct PoolInfo {
    pool: String,
    venue: &'static str,
    program: String,
    mint_a: String,
    mint_b: String,
    fee_rate_e9: (u64, u64),
    depth: (u64, u64),
    liquidity: Option<u128>,
    details: Py<PyDict>,
    slot: u64,
    set_aside_reason: Option<&'static str>,
    set_aside_detail: Option<String>,
}

#[pymethods]
impl PoolInfo {
    fn __repr__(&self) -> String {
        format!(
            "PoolInfo(pool='{}', venue='{}', fee_rate_e9={:?}, depth={:?}, set_aside_reason={})",
            self.pool,
            self.venue,
            self.fee_rate_e9,
            self.depth,
            self.set_aside_reason.map_or_else(|| "None".to_owned(), |reason| format!("'{reason}'"))
        )
    }
}

/// An exact quote.
#[pyclass(name = "Quote", module = "phantom_core", frozen, get_all)]
#[derive(Clone)]
pub struct PyQuote {
    amount_in: u64,
    amount_out: u64,
    vault_in: u64,
    vault_out: u64,
    fee: u64,
    fee_on_input: bool,
    input_transfer_fee: u64,
    output_transfer_fee: u64,
}

impl From<Quote> for PyQuote {
    fn from(quote: Quote) -> Self {
        Self {
            amount_in: quote.user_in,
            amount_out: quote.user_out,
            vault_in: quote.vault_in,
            vault_out: quote.vault_out,
            fee: quote.fee,
            fee_on_input: quote.fee_on_input,
            input_transfer_fee: quote.input_transfer_fee,
            output_transfer_fee: quote.output_transfer_fee,
        }
    }
}

#[pymethods]
impl PyQuote {
    fn __repr__(&self) -> String {
        format!("Quote(amount_in={}, amount_out={}, fee={})", self.amount_in, self.amount_out, self.fee)
    }
}

/// A pool as shown, before Python has to do with it.
pub struct Shown {
    pool: Pubkey,
    venue: &'static str,
    program: Pubkey,
    mints: [Pubkey; 2],
    summary: PoolSummary,
    slot: u64,
    set_aside: Option<SetAside>,
}

/// Returns what is behind `Engine.pools()` and `Market.pools()`.
pub fn shown_pools(market: &Market) -> Vec<Shown> {
    let shown = |pool: &Pool| Shown {
        pool: pool.address(),
        venue: pool.venue().name,
        program: pool.program(),
        mints: [market.mint(pool.mint_a()), market.mint(pool.mint_b())],
        summary: pool.seen().summary(market.environment()),
        slot: pool.slot(),
        set_aside: pool.set_aside().cloned(),
    };
    market.pools().iter().map(shown).collect()
}

impl Shown {
    /// Returns a pool without a market.
    pub fn standalone(pool: &StandalonePool) -> Self {
        Self {
            pool: pool.address(),
            venue: pool.venue().name,
            program: pool.program(),
            mints: pool.mints(),
            summary: pool.summary(),
            slot: pool.slot(),
            set_aside: pool.set_aside(),
        }
    }

    /// Returns it for Python.
    pub fn into_info(self, py: Python<'_>) -> PyResult<PoolInfo> {
        let details = PyDict::new(py);
        for (name, value) in &self.summary.details {
            details.set_item(name, to_python(py, value)?)?;
        }
        Ok(PoolInfo {
            pool: self.pool.to_string(),
            venue: self.venue,
            program: self.program.to_string(),
            mint_a: self.mints[0].to_string(),
            mint_b: self.mints[1].to_string(),
            fee_rate_e9: self.summary.fee_rate_e9.into(),
            depth: self.summary.depth.into(),
            liquidity: self.summary.liquidity,
            details: details.unbind(),
            slot: self.slot,
            set_aside_reason: self.set_aside.as_ref().map(SetAside::reason),
            set_aside_detail: self.set_aside.as_ref().map(ToString::to_string),
        })
    }
}

/// An account that a pool reads.
#[pyclass(name = "Want", module = "phantom_core", frozen, get_all)]
pub struct PyWant {
    address: String,
    pool: Option<String>,
    reason: &'static str,
    is_known: bool,
}

#[pymethods]
impl PyWant {
    fn __repr__(&self) -> String {
        let pool = self.pool.as_ref().map_or_else(|| "None".to_owned(), |pool| format!("'{pool}'"));
        let is_known = if self.is_known { "True" } else { "False" };
        format!(
            "Want(address='{}', pool={pool}, reason='{}', is_known={is_known})",
            self.address, self.reason
        )
    }
}

/// Returns the list behind `Engine.wanted()` and `Market.wanted()`.
pub fn wanted(market: &Market) -> Vec<PyWant> {
    let shown = |want: Want| PyWant {
        address: want.address.to_string(),
        pool: want.pool.map(|pool| market.pool(pool).address().to_string()),
        reason: want.reason,
        is_known: want.is_known,
    };
    market.wanted().into_iter().map(shown).collect()
}

/// Returns the list behind `Engine.take_new_wants()` and `Market.take_new_wants()`.
pub fn take_new_wants(market: &mut Market) -> Vec<String> {
    market.take_new_wants().iter().map(ToString::to_string).collect()
}

/// What is known of one venue.
#[pyclass(name = "VenueInfo", module = "phantom_core", frozen, get_all)]
#[derive(Clone)]
pub struct VenueInfo {
    venue: &'static str,
    programs: Vec<String>,
    pools: usize,
    is_quarantined: bool,
    is_released: bool,
    signs: Vec<String>,
}

#[pymethods]
impl VenueInfo {
    fn __repr__(&self) -> String {
        format!(
            "VenueInfo(venue='{}', pools={}, is_quarantined={}, signs={:?})",
            self.venue,
            self.pools,
            if self.is_quarantined { "True" } else { "False" },
            self.signs
        )
    }
}

/// Returns the list behind `Engine.venues()` and `Market.venues()`.
pub fn venue_infos(market: &Market) -> Vec<VenueInfo> {
    let shown = |standing: &Standing| VenueInfo {
        venue: standing.venue.name,
        programs: standing.venue.programs.iter().map(ToString::to_string).collect(),
        pools: market.pools().iter().filter(|pool| pool.venue().name == standing.venue.name).count(),
        is_quarantined: standing.is_quarantined(),
        is_released: standing.is_released,
        signs: standing.signs.iter().map(ToString::to_string).chain(standing.doubt.clone()).collect(),
    };
    market.standings().iter().map(shown).collect()
}

/// Lets a venue trade, or says that there is none of this name.
pub fn release(market: &mut Market, venue: &str) -> PyResult<()> {
    if market.release(venue) { Ok(()) } else { Err(no_venue(venue)) }
}

/// Sets a venue aside for a reason, or ends that, or says that there is none of this name.
pub fn doubt(market: &mut Market, venue: &str, reason: Option<&str>) -> PyResult<()> {
    if market.doubt(venue, reason) { Ok(()) } else { Err(no_venue(venue)) }
}

fn no_venue(venue: &str) -> PyErr {
    let known: Vec<&str> = VENUES.iter().map(|venue| venue.name).collect();
    errors::invalid(format!("venue is '{venue}'; it may be {}", known.join(", ")))
}

/// Returns one exact quote as Python asks for it; `quoted` asks the market.
pub fn quote_in(
    py: Python<'_>,
    quoted: impl FnOnce(&Pubkey, &Pubkey, u64, bool) -> Result<Quote, QuoteError>,
    pool: &Bound<'_, PyAny>,
    mint_in: &Bound<'_, PyAny>,
    amount: &Bound<'_, PyAny>,
    exact: &str,
) -> PyResult<PyQuote> {
    let exact_in = arguments::is_exact_in(exact)?;
    let (pool, mint_in) = (arguments::address("pool", pool)?, arguments::address("mint_in", mint_in)?);
    let amount = arguments::amount("amount", amount)?;
    quoted(&pool, &mint_in, amount, exact_in).map(Into::into).map_err(|error| errors::quote(py, &error))
}

/// Pools and the accounts they depend on.
#[pyclass(name = "Market", module = "phantom_core", frozen)]
pub struct PyMarket {
    /// Tells this market's cycles from another's.
    id: u64,
    inner: Mutex<Market>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl PyMarket {
    fn check(&self, cycle: &MarketCycle) -> PyResult<()> {
        if cycle.belongs_to(self.id) {
            return Ok(());
        }
        Err(errors::invalid("cycle comes from another market".into()))
    }

    fn lock(&self) -> MutexGuard<'_, Market> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyMarket {
    #[new]
    #[pyo3(signature = (*, assume_plain_mints=false, complete=false))]
    fn new(assume_plain_mints: bool, complete: bool) -> Self {
        let market = Market::new(MarketConfig { assume_plain_mints, complete });
        Self { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), inner: Mutex::new(market) }
    }

    #[pyo3(signature = (pubkey, owner, data=None, slot=0))]
    fn apply(
        &self,
        py: Python<'_>,
        pubkey: &Bound<'_, PyAny>,
        owner: &Bound<'_, PyAny>,
        data: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
    ) -> PyResult<&'static str> {
        let pubkey = arguments::address("pubkey", pubkey)?;
        let account = arguments::owner_and_data(owner, data)?;
        let account = account.as_ref().map(|(owner, data)| (*owner, data.as_ref()));
        let applied = py.detach(|| self.lock().apply(AccountWrite { pubkey, slot, account }));
        match applied {
            Applied::Changed => Ok("applied"),
            Applied::Unchanged => Ok("unchanged"),
            Applied::Ignored => Ok("ignored"),
            Applied::Fault(error) => {
                Err(errors::account(py, &AccountError { account: pubkey, source: error }))
            }
        }
    }

    fn pools(&self, py: Python<'_>) -> PyResult<Vec<PoolInfo>> {
        let shown = py.detach(|| shown_pools(&self.lock()));
        shown.into_iter().map(|pool| pool.into_info(py)).collect()
    }

    fn venues(&self) -> Vec<VenueInfo> {
        venue_infos(&self.lock())
    }

    fn wanted(&self, py: Python<'_>) -> Vec<PyWant> {
        py.detach(|| wanted(&self.lock()))
    }

    #[getter]
    fn wants_changes(&self) -> u64 {
        self.lock().wants_changes()
    }

    fn take_new_wants(&self, py: Python<'_>) -> Vec<String> {
        py.detach(|| take_new_wants(&mut self.lock()))
    }

    fn release(&self, venue: &str) -> PyResult<()> {
        release(&mut self.lock(), venue)
    }

    fn set_token_rules(&self, py: Python<'_>, rules: &PyTokenRules) -> PyResult<()> {
        let set = py.detach(|| self.lock().set_token_rules(rules.0.clone()));
        set.map_err(|error| token_firewall::rule_error(&error))
    }

    fn know_token_since(
        &self,
        mint: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
    ) -> PyResult<()> {
        let mint = arguments::address("mint", mint)?;
        self.lock().know_token_since(mint, slot);
        Ok(())
    }

    fn tokens(&self, py: Python<'_>) -> Vec<PyTokenVerdict> {
        py.detach(|| token_firewall::tokens(&mut self.lock()))
    }

    fn take_changed_tokens(&self, py: Python<'_>) -> Vec<PyTokenVerdict> {
        py.detach(|| token_firewall::take_changed_tokens(&mut self.lock()))
    }

    fn token(&self, py: Python<'_>, mint: &Bound<'_, PyAny>) -> PyResult<Option<PyTokenVerdict>> {
        let mint = arguments::address("mint", mint)?;
        Ok(py.detach(|| token_firewall::token(&mut self.lock(), &mint)))
    }

    #[getter]
    fn tokens_judged(&self) -> u64 {
        self.lock().tokens_judged()
    }

    fn pool(&self, py: Python<'_>, pool: &Bound<'_, PyAny>) -> PyResult<PyPool> {
        let address = arguments::address("pool", pool)?;
        let copied = py.detach(|| {
            let market = self.lock();
            market.pool_index(&address).map(|index| market.standalone(index))
        });
        let unknown = || errors::quote(py, &QuoteError::UnknownPool(address));
        copied.map(PyPool::new).ok_or_else(unknown)
    }

    fn mint_decimals(&self, mint: &Bound<'_, PyAny>) -> PyResult<Option<u8>> {
        let mint = arguments::address("mint", mint)?;
        Ok(self.lock().mint_decimals(&mint))
    }

    fn verify(
        &self,
        program: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
    ) -> PyResult<()> {
        let program = arguments::address("program", program)?;
        self.lock().verify(program, slot);
        Ok(())
    }

    #[pyo3(signature = (pool, mint_in, amount, exact="in"))]
    fn quote(
        &self,
        py: Python<'_>,
        pool: &Bound<'_, PyAny>,
        mint_in: &Bound<'_, PyAny>,
        amount: &Bound<'_, PyAny>,
        exact: &str,
    ) -> PyResult<PyQuote> {
        let quoted =
            |pool: &_, mint_in: &_, amount, exact_in| self.lock().quote(pool, mint_in, amount, exact_in);
        quote_in(py, quoted, pool, mint_in, amount, exact)
    }

    #[pyo3(signature = (route, signer, *, blockhash, min_amount_out, compute_unit_limit,
        compute_unit_price, amount_in, tables=None, tip_lamports=0, tip_account=None,
        dont_front=None, nonce=None, create_accounts=None, token_accounts=None,
        loaded_accounts_data_size=None, reach="official", max_account_locks=64))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn build_transaction(
        &self,
        py: Python<'_>,
        route: &Bound<'_, PyAny>,
        signer: &Bound<'_, PySigner>,
        blockhash: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::min_amount_out)] min_amount_out: u64,
        #[pyo3(from_py_with = arguments::compute_unit_limit)] compute_unit_limit: u32,
        #[pyo3(from_py_with = arguments::compute_unit_price)] compute_unit_price: u64,
        #[pyo3(from_py_with = arguments::amount_in)] amount_in: u64,
        tables: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::tip_lamports)] tip_lamports: u64,
        tip_account: Option<&Bound<'_, PyAny>>,
        dont_front: Option<&Bound<'_, PyAny>>,
        nonce: Option<&Bound<'_, PyAny>>,
        create_accounts: Option<&Bound<'_, PyAny>>,
        token_accounts: Option<&Bound<'_, PyDict>>,
        #[pyo3(from_py_with = arguments::loaded_accounts_data_size)] loaded_accounts_data_size: Option<u32>,
        reach: &str,
        #[pyo3(from_py_with = arguments::max_account_locks)] max_account_locks: usize,
    ) -> PyResult<PyBuiltTransaction> {
        let arguments = RouteArguments {
            signer,
            blockhash,
            min_amount_out,
            compute_unit_limit,
            compute_unit_price_micro_lamports: compute_unit_price,
            tables,
            tip_lamports,
            tip_account,
            dont_front,
            nonce,
            create_accounts,
            token_accounts,
            loaded_accounts_data_size,
            reach,
            max_account_locks,
        };
        let (hops, order) = (Hops::extract(route)?, arguments.order()?);
        let built =
            py.detach(|| order.with(|order, signer| hops.build(&mut self.lock(), amount_in, order, signer)));
        route::built(py, built)
    }

    #[pyo3(signature = (pool, mint_in, amount, *, wallet, exact="in", min_out=None, max_in=None,
        sqrt_price_limit=0, partial_fill=false, token_accounts=None, instruction=None, reach="official"))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn swap_instruction(
        &self,
        py: Python<'_>,
        pool: &Bound<'_, PyAny>,
        mint_in: &Bound<'_, PyAny>,
        amount: &Bound<'_, PyAny>,
        wallet: &Bound<'_, PyAny>,
        exact: &str,
        min_out: Option<&Bound<'_, PyAny>>,
        max_in: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::sqrt_price_limit)] sqrt_price_limit: u128,
        partial_fill: bool,
        token_accounts: Option<&Bound<'_, PyAny>>,
        instruction: Option<&str>,
        reach: &str,
    ) -> PyResult<PyInstruction> {
        let (pool, mint_in) = (arguments::address("pool", pool)?, arguments::address("mint_in", mint_in)?);
        let options = swap_instruction::options_of(wallet, token_accounts, reach)?;
        let amount = arguments::amount("amount", amount)?;
        let mut request = SwapRequest::new(amount, arguments::is_exact_in(exact)?, true);
        (request.sqrt_price_limit_x64, request.partial_fill) = (sqrt_price_limit, partial_fill);
        let bounds = swap_instruction::Bounds { min_out, max_in };
        let market = self.lock();
        let index = market.pool_index(&pool);
        let index = index.ok_or_else(|| errors::quote(py, &QuoteError::UnknownPool(pool)))?;
        swap_instruction::complete(&mut request, &bounds, instruction, market.pool(index).venue())?;
        let built = market.swap_instruction(&pool, &mint_in, &request, &options);
        drop(market);
        built.map(PyInstruction).map_err(|error| errors::instruction(py, &error))
    }

    #[pyo3(signature = (max_hops=3, *, before_fees=false))]
    fn cycles(&self, py: Python<'_>, max_hops: usize, before_fees: bool) -> PyResult<Vec<MarketCycle>> {
        if !(2..=MAX_HOPS).contains(&max_hops) {
            return Err(errors::invalid(format!("max_hops is {max_hops}; it may be 2 to {MAX_HOPS}")));
        }
        Ok(py.detach(|| market_cycles::profitable(&self.lock(), self.id, max_hops, before_fees)))
    }

    #[pyo3(signature = (cycle, max_amount_in, *, min_amount_in=None, balance=None, effort="thorough"))]
    fn size(
        &self,
        py: Python<'_>,
        cycle: &MarketCycle,
        max_amount_in: &Bound<'_, PyAny>,
        min_amount_in: Option<&Bound<'_, PyAny>>,
        balance: Option<&Bound<'_, PyAny>>,
        effort: &str,
    ) -> PyResult<Option<PySized>> {
        self.check(cycle)?;
        let limits = sizing::limits_of(max_amount_in, min_amount_in, balance, effort)?;
        py.detach(|| market_cycles::size(&self.lock(), cycle, &limits))
            .map_err(|error| errors::quote(py, &error))
    }

    #[expect(clippy::needless_pass_by_value, reason = "converted from a Python sequence")]
    fn cycle_profits(
        &self,
        py: Python<'_>,
        cycle: &MarketCycle,
        amounts_in: Vec<u64>,
    ) -> PyResult<Vec<Option<i128>>> {
        self.check(cycle)?;
        Ok(py.detach(|| market_cycles::profits(&self.lock(), cycle, &amounts_in)))
    }

    fn lamports_in(&self, mint: &Bound<'_, PyAny>, lamports: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
        let (mint, lamports) = (arguments::address("mint", mint)?, arguments::amount("lamports", lamports)?);
        let market = self.lock();
        let unknown = || errors::invalid(format!("mint {mint} is not traded by any pool of the market"));
        let mint = market.mint_index(&mint).ok_or_else(unknown)?;
        Ok(market.lamports_in(mint, lamports))
    }

    fn graph(&self, py: Python<'_>) -> MarketGraph {
        MarketGraph::new(py, py.detach(|| GraphArrays::of(&self.lock())))
    }

    #[pyo3(signature = (mint_in, mint_out, amount, *, max_hops=3, max_legs=4, leg_cost=0, only_pools=None,
        without_pools=None, without_mints=None, only_venues=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only settings")]
    fn best_trade<'py>(
        &self,
        py: Python<'py>,
        mint_in: &Bound<'py, PyAny>,
        mint_out: &Bound<'py, PyAny>,
        amount: &Bound<'py, PyAny>,
        max_hops: usize,
        max_legs: usize,
        leg_cost: u64,
        only_pools: Option<&Bound<'py, PyAny>>,
        without_pools: Option<&Bound<'py, PyAny>>,
        without_mints: Option<&Bound<'py, PyAny>>,
        only_venues: Option<Vec<String>>,
    ) -> PyResult<PyTrade> {
        let pools = FilterArguments { only_pools, without_pools, without_mints, only_venues };
        let arguments = TradeArguments { mint_in, mint_out, amount, max_hops, max_legs, leg_cost, pools };
        trade_in(py, arguments, |ask| py.detach(|| ask(&self.lock())))
    }

    #[pyo3(signature = (base_mints, *, values=None, max_hops=3, max_amount_in=u64::MAX, max_cycles=64,
        min_profit=1, only_pools=None, without_pools=None, without_mints=None, only_venues=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only settings")]
    fn joint_plan<'py>(
        &self,
        py: Python<'py>,
        base_mints: &Bound<'py, PyAny>,
        values: Option<Vec<f64>>,
        max_hops: usize,
        max_amount_in: u64,
        max_cycles: usize,
        min_profit: u64,
        only_pools: Option<&Bound<'py, PyAny>>,
        without_pools: Option<&Bound<'py, PyAny>>,
        without_mints: Option<&Bound<'py, PyAny>>,
        only_venues: Option<Vec<String>>,
    ) -> PyResult<PyPlan> {
        let pools = FilterArguments { only_pools, without_pools, without_mints, only_venues };
        let arguments =
            PlanArguments { base_mints, values, max_hops, max_amount_in, max_cycles, min_profit, pools };
        plan_in(py, arguments, |ask| py.detach(|| ask(&self.lock())))
    }

    #[expect(clippy::needless_pass_by_value, reason = "converted from a Python sequence")]
    fn requote(
        &self,
        py: Python<'_>,
        routes: Vec<PyRef<'_, PyPlannedRoute>>,
    ) -> PyResult<Vec<PyPlannedRoute>> {
        requote_in(py, &routes, |ask| py.detach(|| ask(&self.lock())))
    }

    fn state_digest(&self, py: Python<'_>) -> String {
        py.detach(|| self.lock().state_digest())
    }
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PoolInfo, PyQuote, PyWant, VenueInfo, PyMarket);
    Ok(())
}
