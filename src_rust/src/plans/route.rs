//! What plans consist of, why there is none, and what one is worth on the market of this moment.

use super::exact::{ExactLeg, carry_out};
use crate::cycle_finder::{EdgeIndex, edge_of, pool_of};
use crate::market::{Market, MintIndex, PoolIndex, QuoteError};
use crate::quantities::Pubkey;

/// One swap of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedHop {
    /// The pool.
    pub pool: Pubkey,
    /// The input is the pool's first token.
    pub a_to_b: bool,
    /// What is paid.
    pub mint_in: Pubkey,
    /// What is received.
    pub mint_out: Pubkey,
    /// Base units of `mint_in`.
    pub amount_in: u64,
    /// Base units of `mint_out`; the next hop's input.
    pub amount_out: u64,
}

/// Swaps in order, each with the output of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRoute {
    /// At least one.
    pub hops: Vec<PlannedHop>,
}

impl PlannedRoute {
    /// Returns the first hop's input.
    #[must_use]
    pub fn amount_in(&self) -> u64 {
        self.hops.first().map_or(0, |hop| hop.amount_in)
    }

    /// Returns the last hop's output.
    #[must_use]
    pub fn amount_out(&self) -> u64 {
        self.hops.last().map_or(0, |hop| hop.amount_out)
    }

    pub(super) fn new(market: &Market, leg: &ExactLeg) -> Self {
        let hop = |(&edge, amounts): (&EdgeIndex, &[u64])| {
            let (pool, a_to_b) = pool_of(edge);
            let (from, to) = market.ends(edge);
            PlannedHop {
                pool: market.pool(pool).address(),
                a_to_b,
                mint_in: market.mint(from),
                mint_out: market.mint(to),
                amount_in: amounts[0],
                amount_out: amounts[1],
            }
        };
        Self { hops: leg.edges.iter().zip(leg.amounts.windows(2)).map(hop).collect() }
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// No pool trades the mint.
    #[error("{role} {mint} is traded by no pool of the market")]
    UnknownMint {
        /// Which argument.
        role: &'static str,
        /// The mint.
        mint: Pubkey,
    },
    /// A trade of a mint for itself, or a base mint named twice.
    #[error("mint {0} is named twice")]
    SameMint(Pubkey),
    /// Nothing is paid.
    #[error("amount_in is 0; it may be 1 to {}", u64::MAX)]
    ZeroAmount,
    /// A limit out of range.
    #[error("{name} is {found}; it may be {least} to {most}")]
    OutOfRange {
        /// Which limit.
        name: &'static str,
        /// What it holds.
        found: usize,
        /// The least that makes sense.
        least: usize,
        /// The most that is offered.
        most: usize,
    },
    /// No venue has the name.
    #[error("venue is '{0}', which this build does not know")]
    UnknownVenue(String),
    /// Usable pools do not join the mints.
    #[error("no usable pools lead from {mint_in} to {mint_out} in {max_hops} hops or fewer")]
    NoRoute {
        /// What is paid.
        mint_in: Pubkey,
        /// What is wanted.
        mint_out: Pubkey,
        /// Longest route allowed.
        max_hops: usize,
    },
    /// There are routes, but none takes the amount and gives something for it, nor do several together.
    #[error("no route from {mint_in} to {mint_out} takes {amount_in} base units and gives any output")]
    NoOutput {
        /// What is paid.
        mint_in: Pubkey,
        /// What is wanted.
        mint_out: Pubkey,
        /// Base units.
        amount_in: u64,
    },
    /// A base mint's value is no number above zero.
    #[error("value of base mint {mint} is {value}; it must be finite and above 0")]
    BadValue {
        /// The mint.
        mint: Pubkey,
        /// What is given.
        value: f64,
    },
    /// No usable pool trades a base mint against the first one, so its value is not known.
    #[error("value of base mint {mint} is not known: no usable pool trades it against {against}")]
    NoValue {
        /// The mint.
        mint: Pubkey,
        /// The first base mint.
        against: Pubkey,
    },
    /// A route does not hang together.
    #[error("route {route}, hop {hop}: pays {found}, but {expected} arrives")]
    Broken {
        /// Place of the route.
        route: usize,
        /// Place of the hop.
        hop: usize,
        /// The hop's input mint.
        found: Pubkey,
        /// The output mint of the hop before.
        expected: Pubkey,
    },
    /// A pool that was named or planned with cannot be quoted.
    #[error(transparent)]
    Quote(#[from] QuoteError),
}

/// The pools of a market that a plan may use.
pub(super) struct Usable {
    by_pool: Vec<bool>,
}

/// Which pools a plan may use. Pools that are set aside are never used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolFilter {
    /// Only these; all if empty.
    pub only_pools: Vec<Pubkey>,
    /// None of these.
    pub without_pools: Vec<Pubkey>,
    /// No route through these mints.
    pub without_mints: Vec<Pubkey>,
    /// Only these venues, by name; all if empty.
    pub only_venues: Vec<String>,
}

impl Usable {
    /// Looks the names up. `ends`: mints that plans start or end with, which nothing excludes.
    ///
    /// # Errors
    /// A pool of `only_pools` that is not in the market or set aside, a venue that nobody knows. What
    /// is excluded need not exist.
    pub(super) fn new(market: &Market, filter: &PoolFilter, ends: &[MintIndex]) -> Result<Self, PlanError> {
        for name in &filter.only_venues {
            crate::venues::Venue::named(name).ok_or_else(|| PlanError::UnknownVenue(name.clone()))?;
        }
        let mut by_pool = vec![filter.only_pools.is_empty(); market.pools().len()];
        for pool in &filter.only_pools {
            let index = market.pool_index(pool).ok_or(QuoteError::UnknownPool(*pool))?;
            if let Some(reason) = market.pool(index).set_aside() {
                return Err(QuoteError::SetAside { pool: *pool, reason: reason.clone() }.into());
            }
            by_pool[index as usize] = true;
        }
        for index in filter.without_pools.iter().filter_map(|pool| market.pool_index(pool)) {
            by_pool[index as usize] = false;
        }
        let without: Vec<MintIndex> = filter
            .without_mints
            .iter()
            .filter_map(|mint| market.mint_index(mint))
            .filter(|mint| !ends.contains(mint))
            .collect();
        for (usable, pool) in by_pool.iter_mut().zip(market.pools()) {
            let venue = pool.venue().name;
            *usable &= pool.set_aside().is_none()
                && (filter.only_venues.is_empty() || filter.only_venues.iter().any(|name| name == venue))
                && !without.contains(&pool.mint_a())
                && !without.contains(&pool.mint_b());
        }
        Ok(Self { by_pool })
    }

    pub(super) fn has(&self, pool: PoolIndex) -> bool {
        self.by_pool[pool as usize]
    }
}

pub(super) fn check_range(
    name: &'static str,
    found: usize,
    least: usize,
    most: usize,
) -> Result<(), PlanError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(PlanError::OutOfRange { name, found, least, most })
}

/// Returns what routes give if they are carried out in this order on the market as it stands, each
/// swap on what the ones before it left. `routes`: pools with the mint paid to each, and the input.
///
/// # Errors
/// [`PlanError::Quote`] for a pool that is gone, set aside or refuses, [`PlanError::Broken`] for hops
/// that do not follow from each other.
pub fn requote(
    market: &Market,
    routes: &[(Vec<(Pubkey, Pubkey)>, u64)],
) -> Result<Vec<PlannedRoute>, PlanError> {
    let mut named = Vec::with_capacity(routes.len());
    for (route, (hops, amount_in)) in routes.iter().enumerate() {
        let mut edges: Vec<EdgeIndex> = Vec::with_capacity(hops.len());
        for (hop, (address, mint_in)) in hops.iter().enumerate() {
            let pool = market.pool_index(address).ok_or(QuoteError::UnknownPool(*address))?;
            let entry = market.pool(pool);
            let a_to_b = match market.mint_index(mint_in) {
                Some(mint) if mint == entry.mint_a() => true,
                Some(mint) if mint == entry.mint_b() => false,
                _ => return Err(QuoteError::UnknownMint { pool: *address, mint: *mint_in }.into()),
            };
            let arrives = edges.last().map(|&edge| market.mint(market.ends(edge).1));
            if let Some(expected) = arrives.filter(|arrives| arrives != mint_in) {
                return Err(PlanError::Broken { route, hop, found: *mint_in, expected });
            }
            edges.push(edge_of(pool, a_to_b));
        }
        named.push((edges, *amount_in));
    }
    let legs = carry_out(market, &named).map_err(|(_, error)| error)?;
    Ok(legs.iter().map(|leg| PlannedRoute::new(market, leg)).collect())
}
