//! Binding of plans: trades over several routes, cycles that share pools, and what is left of either.

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::arguments;
use super::engine::PyHop;
use super::errors;
use crate::market::Market;
use crate::plans::{
    Base, Method, Plan, PlanError, PlanLimits, PlannedRoute, PoolFilter, Trade, TradeOptions, best_trade,
    joint_plan, requote, values_against_first,
};
use crate::quantities::Pubkey;

/// Swaps in order, each with the output of the one before.
#[pyclass(name = "PlannedRoute", module = "phantom_core", frozen, get_all)]
#[derive(Clone)]
pub struct PyPlannedRoute {
    hops: Vec<PyHop>,
    amount_in: u64,
    amount_out: u64,
}

impl From<&PlannedRoute> for PyPlannedRoute {
    fn from(route: &PlannedRoute) -> Self {
        let hops = route.hops.iter().map(PyHop::from).collect();
        Self { hops, amount_in: route.amount_in(), amount_out: route.amount_out() }
    }
}

#[pymethods]
impl PyPlannedRoute {
    fn __repr__(&self) -> String {
        let (hops, amount_in, amount_out) = (self.hops.len(), self.amount_in, self.amount_out);
        format!("PlannedRoute(hops={hops}, amount_in={amount_in}, amount_out={amount_out})")
    }
}

/// A division of an amount over routes.
#[pyclass(name = "Trade", module = "phantom_core", frozen, get_all)]
pub struct PyTrade {
    mint_in: String,
    mint_out: String,
    amount_in: u64,
    amount_out: u64,
    routes: Vec<PyPlannedRoute>,
    best_single_route: Option<u64>,
    bound: Option<f64>,
    price_impact_bps: f64,
}

impl From<&Trade> for PyTrade {
    fn from(trade: &Trade) -> Self {
        Self {
            mint_in: trade.mint_in.to_string(),
            mint_out: trade.mint_out.to_string(),
            amount_in: trade.amount_in,
            amount_out: trade.amount_out,
            routes: trade.routes.iter().map(Into::into).collect(),
            best_single_route: trade.best_single_route,
            bound: trade.bound,
            price_impact_bps: trade.price_impact_bps,
        }
    }
}

#[pymethods]
impl PyTrade {
    fn __repr__(&self) -> String {
        format!(
            "Trade(amount_in={}, amount_out={}, routes={}, price_impact_bps={:.2})",
            self.amount_in,
            self.amount_out,
            self.routes.len(),
            self.price_impact_bps
        )
    }
}

/// Cycles to carry out in order.
#[pyclass(name = "Plan", module = "phantom_core", frozen, get_all)]
pub struct PyPlan {
    cycles: Vec<PyPlannedRoute>,
    profits: Vec<(String, i128)>,
    value: f64,
    method: &'static str,
    sequential_value: f64,
    joint_value: f64,
    bound: Option<f64>,
}

impl From<&Plan> for PyPlan {
    fn from(plan: &Plan) -> Self {
        Self {
            cycles: plan.cycles.iter().map(Into::into).collect(),
            profits: plan.profits.iter().map(|(mint, profit)| (mint.to_string(), *profit)).collect(),
            value: plan.value,
            method: match plan.method {
                Method::Joint => "joint",
                Method::Sequential => "sequential",
            },
            sequential_value: plan.sequential_value,
            joint_value: plan.joint_value,
            bound: plan.bound,
        }
    }
}

#[pymethods]
impl PyPlan {
    fn __repr__(&self) -> String {
        format!("Plan(cycles={}, value={}, method='{}')", self.cycles.len(), self.value, self.method)
    }
}

/// Which pools, as Python names them.
pub struct FilterArguments<'a, 'py> {
    pub only_pools: Option<&'a Bound<'py, PyAny>>,
    pub without_pools: Option<&'a Bound<'py, PyAny>>,
    pub without_mints: Option<&'a Bound<'py, PyAny>>,
    pub only_venues: Option<Vec<String>>,
}

impl FilterArguments<'_, '_> {
    fn filter(self) -> PyResult<PoolFilter> {
        Ok(PoolFilter {
            only_pools: addresses("only_pools", self.only_pools)?,
            without_pools: addresses("without_pools", self.without_pools)?,
            without_mints: addresses("without_mints", self.without_mints)?,
            only_venues: self.only_venues.unwrap_or_default(),
        })
    }
}

/// Returns the addresses in any iterable but a text.
fn addresses(argument: &str, values: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Pubkey>> {
    let Some(values) = values else { return Ok(Vec::new()) };
    let each = if values.is_instance_of::<PyString>() { None } else { values.try_iter().ok() };
    let wrong = || {
        errors::invalid(format!("{argument}: a sequence of addresses expected, found {}", values.get_type()))
    };
    each.ok_or_else(wrong)?.map(|value| arguments::address(argument, &value?)).collect()
}

/// What `Market.best_trade` is called with.
pub struct TradeArguments<'a, 'py> {
    pub mint_in: &'a Bound<'py, PyAny>,
    pub mint_out: &'a Bound<'py, PyAny>,
    pub amount: &'a Bound<'py, PyAny>,
    pub max_hops: usize,
    pub max_legs: usize,
    pub leg_cost: u64,
    pub pools: FilterArguments<'a, 'py>,
}

/// Returns the best trade; `with_market` asks the market without the interpreter's lock.
pub fn trade_in(
    py: Python<'_>,
    arguments: TradeArguments<'_, '_>,
    with_market: impl FnOnce(&(dyn Fn(&Market) -> Result<Trade, PlanError> + Sync)) -> Result<Trade, PlanError>,
) -> PyResult<PyTrade> {
    let TradeArguments { mint_in, mint_out, amount, max_hops, max_legs, leg_cost, pools } = arguments;
    let (mint_in, mint_out) =
        (arguments::address("mint_in", mint_in)?, arguments::address("mint_out", mint_out)?);
    let amount = arguments::amount("amount", amount)?;
    let options = TradeOptions { max_hops, max_legs, leg_cost, pools: pools.filter()? };
    let found = with_market(&|market| best_trade(market, &mint_in, &mint_out, amount, &options));
    found.map(|trade| (&trade).into()).map_err(|error| errors::plan(py, &error))
}

/// What `Market.joint_plan` is called with.
pub struct PlanArguments<'a, 'py> {
    pub base_mints: &'a Bound<'py, PyAny>,
    pub values: Option<Vec<f64>>,
    pub max_hops: usize,
    pub max_amount_in: u64,
    pub max_cycles: usize,
    pub min_profit: u64,
    pub pools: FilterArguments<'a, 'py>,
}

/// Returns the best plan of cycles; `with_market` as for [`trade_in`].
pub fn plan_in(
    py: Python<'_>,
    arguments: PlanArguments<'_, '_>,
    with_market: impl FnOnce(&(dyn Fn(&Market) -> Result<Plan, PlanError> + Sync)) -> Result<Plan, PlanError>,
) -> PyResult<PyPlan> {
    let PlanArguments { base_mints, values, max_hops, max_amount_in, max_cycles, min_profit, pools } =
        arguments;
    let mints = addresses("base_mints", Some(base_mints))?;
    if let Some(values) = &values
        && values.len() != mints.len()
    {
        let (found, expected) = (values.len(), mints.len());
        return Err(errors::invalid(format!("values: {found} for {expected} base mints")));
    }
    let limits = PlanLimits { max_hops, max_amount_in, max_cycles, min_profit, pools: pools.filter()? };
    let found = with_market(&|market| {
        let values = values.clone().map_or_else(|| values_against_first(market, &mints), Ok)?;
        let bases: Vec<Base> = mints.iter().zip(values).map(|(&mint, value)| Base { mint, value }).collect();
        joint_plan(market, &bases, &limits)
    });
    found.map(|plan| (&plan).into()).map_err(|error| errors::plan(py, &error))
}

/// Returns routes as they would be on the market as it stands; `with_market` as for [`trade_in`].
pub fn requote_in(
    py: Python<'_>,
    routes: &[PyRef<'_, PyPlannedRoute>],
    with_market: impl FnOnce(
        &(dyn Fn(&Market) -> Result<Vec<PlannedRoute>, PlanError> + Sync),
    ) -> Result<Vec<PlannedRoute>, PlanError>,
) -> PyResult<Vec<PyPlannedRoute>> {
    let mut named = Vec::with_capacity(routes.len());
    for route in routes {
        let hops = route.hops.iter().map(PyHop::ends).collect::<PyResult<Vec<_>>>()?;
        named.push((hops, route.amount_in));
    }
    let found = with_market(&|market| requote(market, &named));
    found.map(|routes| routes.iter().map(Into::into).collect()).map_err(|error| errors::plan(py, &error))
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyPlannedRoute, PyTrade, PyPlan);
    Ok(())
}
