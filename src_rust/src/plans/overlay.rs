//! Pools of a market as the swaps of a plan leave them, the market itself unchanged.
//!
//! The one idea: a pool is copied when it is first swapped with, and every later swap of the plan
//! sees the copy. So no liquidity counts twice, and the amounts are those that the programs would
//! give if the plan were carried out in this order and nobody came between.

use crate::amm_math::Curve as _;
use crate::cycle_finder::{EdgeIndex, PoolIndex, pool_of};
use crate::market::{Market, PoolView, QuoteError};
use crate::swap::SwapRequest;
use crate::venues::PoolState;

/// A market and the pools that swaps have moved.
#[derive(Debug)]
pub struct Overlay<'m> {
    market: &'m Market,
    /// A plan moves a few dozen pools at most: a list is quicker than a map.
    moved: Vec<(PoolIndex, Box<dyn PoolState>)>,
}

impl<'m> Overlay<'m> {
    /// Returns the market as it stands, fills of its own included.
    #[must_use]
    pub fn new(market: &'m Market) -> Self {
        Self { market, moved: Vec::new() }
    }

    /// Returns the market underneath.
    #[must_use]
    pub fn market(&self) -> &'m Market {
        self.market
    }

    /// Forgets every swap.
    pub fn reset(&mut self) {
        self.moved.clear();
    }

    /// Returns the pools that were swapped with, in the order of their first swap.
    pub fn moved(&self) -> impl Iterator<Item = PoolIndex> + '_ {
        self.moved.iter().map(|(pool, _)| *pool)
    }

    /// Returns a pool as the swaps so far have left it.
    ///
    /// # Errors
    /// [`QuoteError::SetAside`].
    pub fn view(&self, pool: PoolIndex) -> Result<PoolView<'_>, QuoteError> {
        match self.moved.iter().find(|(moved, _)| *moved == pool) {
            Some((_, state)) => Ok(PoolView { state: &**state, environment: self.market.environment() }),
            None => self.market.view(pool),
        }
    }

    /// Returns the output of one swap that is not carried out.
    ///
    /// # Errors
    /// [`QuoteError`].
    pub fn quote(&self, edge: EdgeIndex, amount_in: u64) -> Result<u64, QuoteError> {
        let (pool, a_to_b) = pool_of(edge);
        self.view(pool)?
            .quote_exact_in(a_to_b, amount_in)
            .map_err(|error| QuoteError::Refused { pool: self.market.pool(pool).address(), error })
    }

    /// Carries a swap out and returns its output.
    ///
    /// # Errors
    /// [`QuoteError`]; nothing has then changed.
    pub fn execute(&mut self, edge: EdgeIndex, amount_in: u64) -> Result<u64, QuoteError> {
        let (pool, a_to_b) = pool_of(edge);
        let environment = self.market.environment();
        let request = SwapRequest::new(amount_in, true, a_to_b);
        let refused = |error| QuoteError::Refused { pool: self.market.pool(pool).address(), error };
        if let Some((_, state)) = self.moved.iter_mut().find(|(moved, _)| *moved == pool) {
            return state.execute(environment, &request).map(|done| done.quote.user_out).map_err(refused);
        }
        let mut copy = self.market.view(pool)?.state.boxed_clone();
        let done = copy.execute(environment, &request).map_err(refused)?;
        self.moved.push((pool, copy));
        Ok(done.quote.user_out)
    }

    /// Carries out a route, each hop with the output of the one before. Returns the amounts, the
    /// input first.
    ///
    /// # Errors
    /// [`QuoteError`] of the hop that fails; the hops before it stay carried out.
    pub fn execute_route(&mut self, edges: &[EdgeIndex], amount_in: u64) -> Result<Vec<u64>, QuoteError> {
        let mut amounts = Vec::with_capacity(edges.len() + 1);
        amounts.push(amount_in);
        let mut amount = amount_in;
        for &edge in edges {
            amount = self.execute(edge, amount)?;
            amounts.push(amount);
        }
        Ok(amounts)
    }
}
