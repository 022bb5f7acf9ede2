//! Binding of [`crate::sizing`]: cycles of pools and of plain reserves.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::arguments;
use super::errors;
use super::pool::PyPool;
use crate::amm_math::Curve;
use crate::amm_math::constant_product::{ConstantProduct, Direction};
use crate::market::StandalonePool;
use crate::sizing::{
    AnyCurve, Effort, HopIdentity, HopRef, SizedCycle, SizingLimits, SizingScratch, check_cycle,
    check_length, size_cycle, size_products,
};

/// A constant-product hop from its reserves.
#[pyclass(name = "ConstantProductHop", module = "phantom_core", frozen)]
struct ConstantProductHop {
    curve: ConstantProduct,
    direction: Direction,
}

#[pymethods]
impl ConstantProductHop {
    #[new]
    fn new(
        reserve_in: &Bound<'_, PyAny>,
        reserve_out: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::fee_numerator)] fee_numerator: u64,
        #[pyo3(from_py_with = arguments::fee_denominator)] fee_denominator: u64,
    ) -> PyResult<Self> {
        let reserve_in = arguments::amount("reserve_in", reserve_in)?;
        let reserve_out = arguments::amount("reserve_out", reserve_out)?;
        let curve = ConstantProduct::new(reserve_in, reserve_out, fee_numerator, fee_denominator)
            .map_err(|error| errors::invalid(error.to_string()))?;
        Ok(Self { curve, direction: curve.direction(true) })
    }

    #[getter]
    fn reserve_in(&self) -> u64 {
        self.direction.reserve_in()
    }

    #[getter]
    fn reserve_out(&self) -> u64 {
        self.direction.reserve_out()
    }

    #[getter]
    fn fee_numerator(&self) -> u64 {
        self.direction.fee().0
    }

    #[getter]
    fn fee_denominator(&self) -> u64 {
        self.direction.fee().1
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.curve == other.curve
    }

    fn __repr__(&self) -> String {
        let (fee_numerator, fee_denominator) = self.direction.fee();
        format!(
            "ConstantProductHop(reserve_in={}, reserve_out={}, fee_numerator={fee_numerator}, \
             fee_denominator={fee_denominator})",
            self.direction.reserve_in(),
            self.direction.reserve_out(),
        )
    }
}

/// The input that pays best.
#[pyclass(name = "Sized", module = "phantom_core", frozen)]
pub struct PySized(SizedCycle);

#[pymethods]
impl PySized {
    #[getter]
    fn amount_in(&self) -> u64 {
        self.0.amount_in()
    }

    #[getter]
    fn amount_out(&self) -> u64 {
        self.0.amount_out()
    }

    #[getter]
    fn gross_profit(&self) -> u64 {
        self.0.gross_profit
    }

    #[getter]
    fn amounts(&self) -> Vec<u64> {
        self.0.amounts().to_vec()
    }

    #[getter]
    fn gap(&self) -> u64 {
        self.0.gap
    }

    #[getter]
    fn is_proven_best(&self) -> bool {
        self.0.is_proven_best()
    }

    #[getter]
    fn limited_by(&self) -> Option<&'static str> {
        self.0.limited_by.map(crate::sizing::LimitedBy::name)
    }

    fn __repr__(&self) -> String {
        let limited_by =
            self.limited_by().map_or_else(|| "None".to_owned(), |limited_by| format!("'{limited_by}'"));
        format!(
            "Sized(amounts={:?}, gross_profit={}, gap={}, limited_by={limited_by})",
            self.0.amounts(),
            self.0.gross_profit,
            self.0.gap
        )
    }
}

/// Returns the limits that Python's arguments give.
pub fn limits_of(
    max_amount_in: &Bound<'_, PyAny>,
    min_amount_in: Option<&Bound<'_, PyAny>>,
    balance: Option<&Bound<'_, PyAny>>,
    effort: &str,
) -> PyResult<SizingLimits> {
    let mut limits = SizingLimits::up_to(arguments::amount("max_amount_in", max_amount_in)?);
    if let Some(least) = min_amount_in {
        limits.min_amount_in = arguments::amount("min_amount_in", least)?;
    }
    if let Some(balance) = balance {
        limits.balance = arguments::amount("balance", balance)?;
    }
    let unknown = || {
        let known = Effort::NAMED.map(|(name, _)| name).join(", ");
        errors::invalid(format!("effort is '{effort}'; it may be {known}"))
    };
    let named = Effort::NAMED.into_iter().find(|(name, _)| *name == effort);
    limits.effort = named.ok_or_else(unknown)?.1;
    Ok(limits)
}

thread_local! {
    static SCRATCH: RefCell<SizingScratch> = RefCell::new(SizingScratch::new());
}

/// Sizes a cycle with memory that each thread keeps.
pub fn sized<C: Curve>(hops: &[HopRef<'_, C>], limits: &SizingLimits) -> Option<PySized> {
    SCRATCH.with_borrow_mut(|scratch| size_cycle(hops, limits, scratch)).map(PySized)
}

/// A hop as Python gives it.
enum Given<'py> {
    Reserves(ConstantProduct),
    Pool(Bound<'py, PyPool>, Bound<'py, PyAny>),
}

fn given<'py>(place: usize, hop: &Bound<'py, PyAny>) -> PyResult<Given<'py>> {
    if let Ok(reserves) = hop.cast::<ConstantProductHop>() {
        return Ok(Given::Reserves(reserves.get().curve));
    }
    if let Ok(pair) = hop.cast::<PyTuple>()
        && pair.len() == 2
        && let Ok(pool) = pair.get_item(0)?.cast_into::<PyPool>()
    {
        return Ok(Given::Pool(pool, pair.get_item(1)?));
    }
    let found = hop.get_type();
    Err(errors::invalid(format!(
        "hops[{place}]: a ConstantProductHop or a (Pool, mint_in) pair expected, found {found}"
    )))
}

#[pyfunction]
#[pyo3(name = "size_cycle", signature = (hops, max_amount_in, *, min_amount_in=None, balance=None, effort="thorough"))]
#[expect(clippy::needless_pass_by_value, reason = "converted from a Python sequence")]
fn size_cycle_of<'py>(
    py: Python<'py>,
    hops: Vec<Bound<'py, PyAny>>,
    max_amount_in: &Bound<'py, PyAny>,
    min_amount_in: Option<&Bound<'py, PyAny>>,
    balance: Option<&Bound<'py, PyAny>>,
    effort: &str,
) -> PyResult<Option<PySized>> {
    let limits = limits_of(max_amount_in, min_amount_in, balance, effort)?;
    if !hops.is_empty() && hops.iter().all(PyAnyMethods::is_exact_instance_of::<ConstantProductHop>) {
        let reserves = hops.iter().filter_map(|hop| hop.cast::<ConstantProductHop>().ok());
        let hops: Vec<Direction> = reserves.map(|hop| hop.get().direction).collect();
        check_length(hops.len()).map_err(|error| errors::invalid(error.to_string()))?;
        let size = || SCRATCH.with_borrow_mut(|scratch| size_products(&hops, &limits, scratch)).map(PySized);
        // Handing the interpreter over costs as much as a quick search.
        return Ok(if limits.effort == Effort::Quick { size() } else { py.detach(size) });
    }
    let hops = hops.iter().enumerate().map(|(place, hop)| given(place, hop)).collect::<PyResult<Vec<_>>>()?;
    let mut identities = Vec::with_capacity(hops.len());
    let mut pools = Vec::new();
    for (place, hop) in hops.iter().enumerate() {
        let Given::Pool(pool, mint_in) = hop else {
            identities.push(HopIdentity::default());
            continue;
        };
        let mint_in = arguments::address(&format!("hops[{place}][1]"), mint_in)?;
        let (address, mints, side) = {
            let pool = pool.get().read();
            (pool.address(), pool.mints(), pool.side_of(&mint_in))
        };
        let a_to_b = side.map_err(|error| errors::quote(py, &error))?;
        let mints = if a_to_b { mints } else { [mints[1], mints[0]] };
        identities.push(HopIdentity { pool: Some(address), mints: Some(mints) });
        pools.push((pool.get(), a_to_b));
    }
    check_cycle(&identities).map_err(|error| errors::invalid(error.to_string()))?;
    let reserves: Vec<Option<ConstantProduct>> = hops
        .iter()
        .map(|hop| match hop {
            Given::Reserves(reserves) => Some(*reserves),
            Given::Pool(..) => None,
        })
        .collect();
    let done = py.detach(|| {
        let guards: Vec<_> = pools.iter().map(|(pool, a_to_b)| (pool.read(), *a_to_b)).collect();
        let views = guards.iter().map(|(pool, a_to_b)| Ok((StandalonePool::tradable(pool)?, *a_to_b)));
        let mut views = views.collect::<Result<Vec<_>, _>>()?.into_iter();
        let curves: Vec<(AnyCurve<'_>, bool)> = reserves
            .iter()
            .filter_map(|reserves| match reserves {
                Some(reserves) => Some((AnyCurve::Reserves(*reserves), true)),
                None => views.next().map(|(view, a_to_b)| (AnyCurve::Pool(view), a_to_b)),
            })
            .collect();
        let hops: Vec<_> = curves.iter().map(|(curve, a_to_b)| HopRef { curve, a_to_b: *a_to_b }).collect();
        Ok(sized(&hops, &limits))
    });
    done.map_err(|error| errors::quote(py, &error))
}

/// Adds this file's classes and function to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, ConstantProductHop, PySized);
    m.add_function(wrap_pyfunction!(size_cycle_of, m)?)
}
