//! Binding of a market's cycles: listed, sized, their profits at given inputs.

use pyo3::prelude::*;

use super::arguments;
use super::errors;
use super::sizing::{self, PySized};
use crate::cycle_finder::{CycleKey, CycleScratch, EdgeIndex, pool_of};
use crate::market::{Market, QuoteError};
use crate::sizing::{HopRef, SizingLimits};

/// A cycle of a market: hops as (pool, `a_to_b`), and its weights at the margin.
#[pyclass(name = "MarketCycle", module = "phantom_core", frozen)]
#[derive(Clone)]
pub struct MarketCycle {
    /// In the order of `hops`.
    edges: Vec<EdgeIndex>,
    /// The market that gave it: its pools are numbered there.
    market: u64,
    #[pyo3(get)]
    hops: Vec<(String, bool)>,
    #[pyo3(get)]
    mints: Vec<String>,
    #[pyo3(get)]
    net_weight: f64,
    #[pyo3(get)]
    gross_weight: f64,
}

impl MarketCycle {
    /// Returns whether the market of this number gave the cycle.
    pub fn belongs_to(&self, market: u64) -> bool {
        self.market == market
    }
}

#[pymethods]
impl MarketCycle {
    fn starting_at(&self, mint: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mint = arguments::address("mint", mint)?.to_string();
        let Some(place) = self.mints.iter().position(|one| *one == mint) else {
            let known = self.mints.join(", ");
            return Err(errors::invalid(format!("mint {mint} is not in the cycle; it trades {known}")));
        };
        let mut turned = self.clone();
        turned.edges.rotate_left(place);
        turned.hops.rotate_left(place);
        turned.mints.rotate_left(place);
        Ok(turned)
    }

    fn __repr__(&self) -> String {
        format!("MarketCycle(hops={:?}, net_weight={})", self.hops.len(), self.net_weight)
    }
}

/// Returns the input that pays best on the market as it stands.
pub fn size(
    market: &Market,
    cycle: &MarketCycle,
    limits: &SizingLimits,
) -> Result<Option<PySized>, QuoteError> {
    let edges = &cycle.edges;
    let views = edges.iter().map(|&edge| market.tradable(pool_of(edge).0)).collect::<Result<Vec<_>, _>>()?;
    let hops: Vec<_> =
        views.iter().zip(edges).map(|(curve, &edge)| HopRef { curve, a_to_b: pool_of(edge).1 }).collect();
    Ok(sizing::sized(&hops, limits))
}

/// Returns the exact profit of every input, `None` where a hop fails.
pub fn profits(market: &Market, cycle: &MarketCycle, amounts_in: &[u64]) -> Vec<Option<i128>> {
    let profit = |&amount_in: &u64| {
        let amounts = market.quote_route(&cycle.edges, amount_in).ok()?;
        Some(i128::from(*amounts.last()?) - i128::from(amount_in))
    };
    amounts_in.iter().map(profit).collect()
}

/// Returns every cycle that pays at the margin after fees, or `before_fees`; best after fees first.
pub fn profitable(market: &Market, id: u64, max_hops: usize, before_fees: bool) -> Vec<MarketCycle> {
    let mut scratch = CycleScratch::new();
    let mut found: Vec<(CycleKey, f64, f64)> = Vec::new();
    for (pool, _) in (0..).zip(market.pools()) {
        let searched = market.graph().cycles_through(pool, max_hops, &mut scratch, |cycle| {
            // A cycle is met once per pool of it: keep the meeting at its lowest pool.
            let lowest = cycle.edges.iter().all(|&edge| pool_of(edge).0 >= pool);
            if (before_fees || cycle.net < 0.0) && lowest {
                found.push((cycle.key(), cycle.net, cycle.gross));
            }
        });
        debug_assert!(searched.is_ok(), "the pool exists and max_hops was checked");
    }
    found.sort_by(|x, y| x.1.total_cmp(&y.1).then(x.0.cmp(&y.0)));
    // Writing an address out takes longer than finding a cycle: each once.
    let pools: Vec<String> = market.pools().iter().map(|pool| pool.address().to_string()).collect();
    let mints: Vec<String> =
        (0..).take(market.graph().mint_count()).map(|mint| market.mint(mint).to_string()).collect();
    let hop = |edge| {
        let (pool, a_to_b) = pool_of(edge);
        (pools[pool as usize].clone(), a_to_b)
    };
    found
        .into_iter()
        .map(|(key, net_weight, gross_weight)| MarketCycle {
            edges: key.edges().collect(),
            market: id,
            hops: key.edges().map(hop).collect(),
            mints: key.edges().map(|edge| mints[market.ends(edge).0 as usize].clone()).collect(),
            net_weight,
            gross_weight,
        })
        .collect()
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, MarketCycle);
    Ok(())
}
