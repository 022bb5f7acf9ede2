//! Legs in whole units: what they give exactly, in order, and the last improvements.
//!
//! The one idea: only pools that several legs use are carried on ([`Overlay`]); the others are just
//! quoted, so trying another division costs two legs' quotes and not the whole plan's.

use super::overlay::Overlay;
use crate::cycle_finder::{EdgeIndex, pool_of};
use crate::market::{Market, QuoteError};

/// Divisions that are tried at most.
const MAX_TRIES: u32 = 4096;
/// The first portion moved between legs: this power of two below the whole. Balancing has been done.
const FIRST_PORTION: u32 = 8;

/// Fees round up and outputs down, each a saw along the input: single units may all be losses where a
/// few gain. Up to so many are moved at once in the end.
const LAST_PORTIONS: std::ops::RangeInclusive<u64> = 2..=16;

/// A route and the exact amounts along it, the input first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExactLeg {
    pub(super) edges: Vec<EdgeIndex>,
    pub(super) amounts: Vec<u64>,
}

impl ExactLeg {
    pub(super) fn amount_in(&self) -> u64 {
        self.amounts[0]
    }

    pub(super) fn amount_out(&self) -> u64 {
        self.amounts[self.amounts.len() - 1]
    }
}

/// Returns what the legs give together; `None` beyond 64 bits.
pub(super) fn total_out(legs: &[ExactLeg]) -> Option<u64> {
    legs.iter().try_fold(0_u64, |sum, leg| sum.checked_add(leg.amount_out()))
}

/// Carries routes out one after the other from the market as it stands.
///
/// # Errors
/// [`QuoteError`] of the swap that fails, and the place of its route.
pub(super) fn carry_out(
    market: &Market,
    routes: &[(Vec<EdgeIndex>, u64)],
) -> Result<Vec<ExactLeg>, (usize, QuoteError)> {
    let mut overlay = Overlay::new(market);
    let mut legs = Vec::with_capacity(routes.len());
    for (place, (edges, amount_in)) in routes.iter().enumerate() {
        let amounts = overlay.execute_route(edges, *amount_in).map_err(|error| (place, error))?;
        legs.push(ExactLeg { edges: edges.clone(), amounts });
    }
    Ok(legs)
}

/// Legs whose division is being improved.
#[derive(Debug)]
pub(super) struct Division<'m> {
    overlay: Overlay<'m>,
    routes: Vec<Vec<EdgeIndex>>,
    /// Whether another leg uses one of the route's pools.
    is_shared: Vec<bool>,
    amounts: Vec<u64>,
    outs: Vec<u64>,
    tries: u32,
}

impl<'m> Division<'m> {
    /// Returns the division as near to `amounts` as pools allow: a leg that is refused gives some of
    /// its amount to the largest other one, in the end all. `None` if nothing works.
    pub(super) fn new(market: &'m Market, routes: Vec<Vec<EdgeIndex>>, amounts: Vec<u64>) -> Option<Self> {
        let mut division = Self {
            overlay: Overlay::new(market),
            is_shared: Vec::new(),
            outs: vec![0; routes.len()],
            routes,
            amounts,
            tries: 0,
        };
        division.note_shared();
        // Every leg gives way at most 64 times.
        let mut portion = vec![10_u32; division.routes.len()];
        for _ in 0..64 * division.routes.len() {
            let amounts = division.amounts.clone();
            let Err(refused) = division.quote_all(&amounts) else { return Some(division) };
            let largest_other =
                (0..amounts.len()).filter(|&leg| leg != refused).max_by_key(|&leg| amounts[leg])?;
            let shift = portion[refused];
            portion[refused] = shift.saturating_sub(1);
            let moved = (amounts[refused] >> shift).max(1).min(amounts[refused]);
            if moved == 0 {
                return None;
            }
            division.amounts[refused] -= moved;
            division.amounts[largest_other] += moved;
        }
        None
    }

    fn note_shared(&mut self) {
        let uses = |route: &[EdgeIndex], pool| route.iter().any(|&edge| pool_of(edge).0 == pool);
        self.is_shared = (0..self.routes.len())
            .map(|leg| {
                self.routes[leg].iter().any(|&edge| {
                    let mut others = self.routes.iter().enumerate().filter(|&(other, _)| other != leg);
                    others.any(|(_, route)| uses(route, pool_of(edge).0))
                })
            })
            .collect();
    }

    /// Quotes every leg in order. The place of a leg that is refused, otherwise.
    fn quote_all(&mut self, amounts: &[u64]) -> Result<(), usize> {
        self.overlay.reset();
        for leg in 0..self.routes.len() {
            self.outs[leg] = if self.is_shared[leg] {
                self.carry_out(leg, amounts[leg])
            } else {
                self.quote(leg, amounts[leg])
            }
            .ok_or(leg)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, leg: usize, amount_in: u64) -> Option<u64> {
        let (overlay, route) = (&mut self.overlay, &self.routes[leg]);
        if amount_in == 0 {
            return Some(0);
        }
        route.iter().try_fold(amount_in, |amount, &edge| overlay.execute(edge, amount).ok())
    }

    fn quote(&self, leg: usize, amount_in: u64) -> Option<u64> {
        if amount_in == 0 {
            return Some(0);
        }
        self.routes[leg].iter().try_fold(amount_in, |amount, &edge| self.overlay.quote(edge, amount).ok())
    }

    fn total(&self) -> u128 {
        self.outs.iter().map(|&out| u128::from(out)).sum()
    }

    /// Moves amounts between legs, coarse to fine, while that gains.
    pub(super) fn improve(&mut self) {
        let whole: u128 = self.amounts.iter().map(|&amount| u128::from(amount)).sum();
        let mut portion = u64::try_from(whole >> FIRST_PORTION).unwrap_or(u64::MAX).max(1);
        while self.tries < MAX_TRIES {
            if self.shift_any(portion) {
                continue;
            }
            if portion > 1 {
                portion /= 2;
            } else if !LAST_PORTIONS.into_iter().any(|portion| self.shift_any(portion)) {
                return;
            }
        }
    }

    /// Moves this much between any two legs while that gains. Returns whether it did.
    fn shift_any(&mut self, portion: u64) -> bool {
        let mut has_gained = false;
        for from in 0..self.routes.len() {
            for to in 0..self.routes.len() {
                while from != to && self.tries < MAX_TRIES && self.shift(from, to, portion) {
                    has_gained = true;
                }
            }
        }
        has_gained
    }

    /// Moves an amount from one leg to another if that gains.
    fn shift(&mut self, from: usize, to: usize, portion: u64) -> bool {
        let moved = portion.min(self.amounts[from]);
        if moved == 0 {
            return false;
        }
        self.tries += 1;
        let (before, outs) = (self.total(), self.outs.clone());
        let mut amounts = self.amounts.clone();
        amounts[from] -= moved;
        amounts[to] += moved;
        let is_quoted = if self.is_shared[from] || self.is_shared[to] {
            self.quote_all(&amounts).is_ok()
        } else {
            let quoted = self.quote(from, amounts[from]).zip(self.quote(to, amounts[to]));
            quoted.map(|(less, more)| (self.outs[from], self.outs[to]) = (less, more)).is_some()
        };
        if is_quoted && self.total() > before {
            self.amounts = amounts;
            return true;
        }
        self.outs = outs;
        false
    }

    /// Returns the routes that take something, with their amounts.
    pub(super) fn routes(&self) -> Vec<(Vec<EdgeIndex>, u64)> {
        let legs = self.routes.iter().cloned().zip(self.amounts.iter().copied());
        legs.filter(|&(_, amount)| amount > 0).collect()
    }
}

/// Returns whole amounts in proportion to `shares` that add up to `amount`; what rounding leaves
/// goes to the first.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, NaN gives 0")]
pub(super) fn divide(amount: u64, shares: impl Iterator<Item = f64> + Clone) -> Vec<u64> {
    let sum: f64 = shares.clone().sum();
    let mut left = amount;
    let mut parts: Vec<u64> = shares
        .map(|share| {
            let part = ((share / sum * amount as f64) as u64).min(left);
            left -= part;
            part
        })
        .collect();
    if let Some(first) = parts.first_mut() {
        *first += left;
    }
    parts
}
