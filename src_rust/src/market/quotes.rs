//! Quotes and fills on the market as fills have left it.

use super::{Market, MintIndex, Pool, PoolIndex, PoolView, SetAside};
use crate::amm_math::Curve as _;
use crate::cycle_finder::{EdgeIndex, edge_of, pool_of};
use crate::decoders;
use crate::quantities::Pubkey;
use crate::swap::{Quote, Refusal, SwapRequest};

/// The SPL Token mint of wrapped SOL; its base unit is the lamport.
pub const WRAPPED_SOL: Pubkey = decoders::address("So11111111111111111111111111111111111111112");

/// Why a pool or a route cannot be quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// No such pool.
    #[error("pool {0} is not in the market")]
    UnknownPool(Pubkey),
    /// The mint is on neither side of the pool.
    #[error("mint {mint} is not traded by pool {pool}")]
    UnknownMint {
        /// The pool asked.
        pool: Pubkey,
        /// The mint asked for.
        mint: Pubkey,
    },
    /// The pool is set aside.
    #[error("pool {pool} is set aside: {reason}")]
    SetAside {
        /// The pool asked.
        pool: Pubkey,
        /// Why.
        reason: SetAside,
    },
    /// The pool has no price: nothing can be traded in this direction.
    #[error("pool {0} has no price in this direction")]
    NoPrice(Pubkey),
    /// The price in whole tokens needs the decimals of a mint whose account is not known.
    #[error("pool {pool}: the decimals of mint {mint} are not known")]
    UnknownDecimals {
        /// The pool asked.
        pool: Pubkey,
        /// The mint.
        mint: Pubkey,
    },
    /// The program would refuse, or an account that the swap needs is missing.
    #[error("pool {pool}: {error}")]
    Refused {
        /// The pool asked.
        pool: Pubkey,
        /// What the program would say.
        error: Refusal,
    },
}

impl Market {
    /// Returns the pool on the market as fills have left it.
    ///
    /// # Errors
    /// [`QuoteError::SetAside`].
    pub fn view(&self, index: PoolIndex) -> Result<PoolView<'_>, QuoteError> {
        let entry = self.pool(index);
        match entry.set_aside() {
            Some(reason) if !reason.quotable() => {
                Err(QuoteError::SetAside { pool: entry.address(), reason: reason.clone() })
            }
            _ => Ok(PoolView { state: entry.seen(), environment: self.environment() }),
        }
    }

    /// Returns the pool as [`view`](Self::view) does, but only one that takes part in detection: a cycle
    /// found before one of its pools was set aside is not to be sized.
    ///
    /// # Errors
    /// [`QuoteError::SetAside`].
    pub fn tradable(&self, index: PoolIndex) -> Result<PoolView<'_>, QuoteError> {
        match self.pool(index).set_aside() {
            Some(reason) => {
                Err(QuoteError::SetAside { pool: self.pool(index).address(), reason: reason.clone() })
            }
            None => self.view(index),
        }
    }

    /// Returns what the program would do with one swap, on the market as fills have left it.
    ///
    /// # Errors
    /// [`QuoteError`].
    pub fn quote(
        &self,
        pool: &Pubkey,
        mint_in: &Pubkey,
        amount: u64,
        exact_in: bool,
    ) -> Result<Quote, QuoteError> {
        let (index, a_to_b) = pool_of(self.edge(pool, mint_in)?);
        let request = SwapRequest::new(amount, exact_in, a_to_b);
        let refused = |error: Refusal| QuoteError::Refused { pool: *pool, error: error.asked(&request) };
        self.view(index)?.quote(&request).map_err(refused)
    }

    /// Returns the swap that pays `mint_in` to `pool`.
    ///
    /// # Errors
    /// [`QuoteError::UnknownPool`], [`QuoteError::UnknownMint`].
    pub fn edge(&self, pool: &Pubkey, mint_in: &Pubkey) -> Result<EdgeIndex, QuoteError> {
        let index = self.pool_index(pool).ok_or(QuoteError::UnknownPool(*pool))?;
        let entry = self.pool(index);
        match self.mint_index(mint_in) {
            Some(mint) if mint == entry.mint_a() => Ok(edge_of(index, true)),
            Some(mint) if mint == entry.mint_b() => Ok(edge_of(index, false)),
            _ => Err(QuoteError::UnknownMint { pool: *pool, mint: *mint_in }),
        }
    }

    /// Executes a route of exact-in swaps on the market as fills have left it, each hop on what the
    /// ones before it left. Returns the amounts, the input first.
    ///
    /// # Errors
    /// [`QuoteError`] of the first hop that fails; the market is then unchanged.
    pub fn fill_route(&mut self, edges: &[EdgeIndex], amount_in: u64) -> Result<Vec<u64>, QuoteError> {
        let before: Vec<Pool> = edges.iter().map(|&edge| self.pool(pool_of(edge).0).clone()).collect();
        let mut amounts = vec![amount_in];
        let mut amount = amount_in;
        for &edge in edges {
            let (pool, a_to_b) = pool_of(edge);
            match self.fill(pool, a_to_b, amount) {
                Ok(out) => amount = out,
                Err(error) => {
                    for (&edge, state) in edges.iter().zip(before).rev() {
                        self.pools[pool_of(edge).0 as usize] = state;
                    }
                    return Err(error);
                }
            }
            amounts.push(amount);
        }
        Ok(amounts)
    }

    fn fill(&mut self, index: PoolIndex, a_to_b: bool, amount_in: u64) -> Result<u64, QuoteError> {
        self.view(index)?;
        let request = SwapRequest::new(amount_in, true, a_to_b);
        let environment = self.environment;
        self.marks.mark(index);
        let entry = &mut self.pools[index as usize];
        entry
            .fill(&environment, &request)
            .map(|quote| quote.user_out)
            .map_err(|error| QuoteError::Refused { pool: entry.address(), error })
    }

    /// Returns the amounts after every hop of a route for an exact input, the input first, on the
    /// market as fills have left it.
    ///
    /// # Errors
    /// [`QuoteError`] of the first hop that fails.
    pub fn quote_route(&self, edges: &[EdgeIndex], amount_in: u64) -> Result<Vec<u64>, QuoteError> {
        let mut amounts = vec![amount_in];
        let mut amount = amount_in;
        for &edge in edges {
            let (pool, a_to_b) = pool_of(edge);
            amount = self
                .view(pool)?
                .quote_exact_in(a_to_b, amount)
                .map_err(|error| QuoteError::Refused { pool: self.pool(pool).address(), error })?;
            amounts.push(amount);
        }
        Ok(amounts)
    }

    /// Returns how many stretches of its pool's curve a swap leaves behind, see [`PoolView::crossings`];
    /// 0 where the pool cannot be quoted. On the market as fills have left it.
    #[must_use]
    pub fn crossings(&self, edge: EdgeIndex, amount_in: u64) -> u32 {
        let (pool, a_to_b) = pool_of(edge);
        self.view(pool).map_or(0, |view| view.crossings(a_to_b, amount_in))
    }

    /// Returns the same for a pool and a mint by their addresses.
    ///
    /// # Errors
    /// [`QuoteError::UnknownPool`], [`QuoteError::UnknownMint`].
    pub fn crossings_of(&self, pool: &Pubkey, mint_in: &Pubkey, amount_in: u64) -> Result<u32, QuoteError> {
        Ok(self.crossings(self.edge(pool, mint_in)?, amount_in))
    }

    /// Returns what `lamports` cost in base units of `mint`: the input that the deepest usable pool
    /// against wrapped SOL takes for exactly that output, at recorded state. `None` without one.
    #[must_use]
    pub fn lamports_in(&self, mint: MintIndex, lamports: u64) -> Option<u64> {
        let wrapped = self.mint_index(&WRAPPED_SOL)?;
        if mint == wrapped || lamports == 0 {
            return Some(lamports);
        }
        let (_, _, index) = self.mints[mint as usize]
            .pools
            .iter()
            .map(|&index| (self.pool(index), index))
            .filter(|(pool, _)| {
                pool.set_aside().is_none() && (pool.mint_a() == wrapped || pool.mint_b() == wrapped)
            })
            .map(|(pool, index)| {
                let depth = pool.recorded().depth(self.environment(), pool.mint_b() == wrapped);
                (depth, std::cmp::Reverse(pool.address()), index)
            })
            .max_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)))?;
        self.recorded_view(index).quote_exact_out(self.pool(index).mint_a() == mint, lamports).ok()
    }

    fn recorded_view(&self, index: PoolIndex) -> PoolView<'_> {
        PoolView { state: self.pool(index).recorded(), environment: self.environment() }
    }
}
