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

/// Below every gain: a leg was refused. Two of them still add up.
const REFUSED: i128 = i128::MIN / 4;

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
    /// By leg and hop: whether another leg uses the pool.
    is_shared: Vec<Vec<bool>>,
    /// By leg: the first of those that share pools with it, directly or through others.
    group: Vec<usize>,
    /// The leg that was refused last.
    refused: usize,
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
            is_shared: shared_hops(&routes),
            group: groups(&routes),
            refused: 0,
            outs: vec![0; routes.len()],
            routes,
            amounts,
            tries: 0,
        };
        // Every leg gives way at most 64 times.
        let mut portion = vec![10_u32; division.routes.len()];
        for _ in 0..64 * division.routes.len() {
            let Err(refused) = division.quote_all() else { return Some(division) };
            let amounts = &division.amounts;
            let others = (0..amounts.len()).filter(|&leg| leg != refused);
            let largest_other = others.max_by_key(|&leg| amounts[leg])?;
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

    /// Quotes every leg. The place of a leg that is refused, otherwise.
    fn quote_all(&mut self) -> Result<(), usize> {
        for leg in 0..self.routes.len() {
            if self.group[leg] == leg && !self.quote_group(leg) {
                return Err(self.refused);
            }
        }
        Ok(())
    }

    /// Quotes the legs that share pools with one, itself included, in order. Returns whether none is
    /// refused.
    fn quote_group(&mut self, leg: usize) -> bool {
        let group = self.group[leg];
        let members: Vec<usize> =
            (0..self.routes.len()).filter(|&other| self.group[other] == group).collect();
        self.overlay.reset();
        for &member in &members {
            let out = if members.len() > 1 { self.carry_out(member) } else { self.quote(member) };
            let Some(out) = out else {
                self.refused = member;
                return false;
            };
            self.outs[member] = out;
        }
        true
    }

    fn carry_out(&mut self, leg: usize) -> Option<u64> {
        let (overlay, amount_in) = (&mut self.overlay, self.amounts[leg]);
        if amount_in == 0 {
            return Some(0);
        }
        let hops = self.routes[leg].iter().zip(&self.is_shared[leg]);
        hops.into_iter().try_fold(amount_in, |amount, (&edge, &is_shared)| {
            if is_shared { overlay.execute(edge, amount).ok() } else { overlay.quote(edge, amount).ok() }
        })
    }

    fn quote(&self, leg: usize) -> Option<u64> {
        let amount_in = self.amounts[leg];
        if amount_in == 0 {
            return Some(0);
        }
        self.routes[leg].iter().try_fold(amount_in, |amount, &edge| self.overlay.quote(edge, amount).ok())
    }

    fn total(&self) -> i128 {
        self.outs.iter().map(|&out| i128::from(out)).sum()
    }

    /// Moves amounts between legs, coarse to fine, while that gains.
    pub(super) fn improve(&mut self) {
        let whole: u128 = self.amounts.iter().map(|&amount| u128::from(amount)).sum();
        let mut portion = u64::try_from(whole >> FIRST_PORTION).unwrap_or(u64::MAX).max(1);
        while self.tries < MAX_TRIES {
            if self.shift_best(portion) {
                continue;
            }
            if portion > 1 {
                portion /= 2;
            } else if !LAST_PORTIONS.into_iter().any(|portion| self.shift_best(portion)) {
                return;
            }
        }
    }

    /// Moves this much from the leg that loses least to the one that gains most. Returns whether the
    /// whole gained; otherwise everything is as before.
    fn shift_best(&mut self, portion: u64) -> bool {
        let legs = 0..self.routes.len();
        let less: Vec<i128> = legs.clone().map(|leg| self.change(leg, portion, false)).collect();
        let more: Vec<i128> = legs.clone().map(|leg| self.change(leg, portion, true)).collect();
        let pairs = legs.clone().flat_map(|from| legs.clone().map(move |to| (from, to)));
        let best = pairs
            .filter(|(from, to)| from != to && less[*from] > REFUSED && more[*to] > REFUSED)
            .max_by_key(|&(from, to)| less[from] + more[to]);
        best.is_some_and(|(from, to)| less[from] + more[to] > 0 && self.shift(from, to, portion))
    }

    /// What all legs together gain if one takes this much more or less.
    fn change(&mut self, leg: usize, portion: u64, is_more: bool) -> i128 {
        let before = self.amounts[leg];
        let changed = if is_more { before.checked_add(portion) } else { before.checked_sub(portion) };
        let Some(changed) = changed else { return REFUSED };
        self.tries += 1;
        let (total, outs) = (self.total(), self.outs.clone());
        self.amounts[leg] = changed;
        let gained = if self.quote_group(leg) { self.total() - total } else { REFUSED };
        self.amounts[leg] = before;
        self.outs = outs;
        gained
    }

    /// Moves an amount from one leg to another if that gains.
    fn shift(&mut self, from: usize, to: usize, portion: u64) -> bool {
        self.tries += 1;
        let (total, outs) = (self.total(), self.outs.clone());
        self.amounts[from] -= portion;
        self.amounts[to] += portion;
        let is_quoted =
            self.quote_group(from) && (self.group[from] == self.group[to] || self.quote_group(to));
        if is_quoted && self.total() > total {
            return true;
        }
        self.amounts[from] += portion;
        self.amounts[to] -= portion;
        self.outs = outs;
        false
    }

    /// Returns the places of routes that take nothing.
    pub(super) fn empty(&self) -> impl Iterator<Item = usize> + '_ {
        self.amounts.iter().enumerate().filter(|&(_, &amount)| amount == 0).map(|(place, _)| place)
    }

    /// Returns the routes that take something, with their amounts.
    pub(super) fn routes(&self) -> Vec<(Vec<EdgeIndex>, u64)> {
        let legs = self.routes.iter().cloned().zip(self.amounts.iter().copied());
        legs.filter(|&(_, amount)| amount > 0).collect()
    }
}

fn uses(route: &[EdgeIndex], edge: EdgeIndex) -> bool {
    route.iter().any(|&used| pool_of(used).0 == pool_of(edge).0)
}

/// By route and hop: whether another route uses the pool.
fn shared_hops(routes: &[Vec<EdgeIndex>]) -> Vec<Vec<bool>> {
    let is_shared = |place: usize, edge: EdgeIndex| {
        routes.iter().enumerate().any(|(other, route)| other != place && uses(route, edge))
    };
    let hops =
        |(place, route): (usize, &Vec<EdgeIndex>)| route.iter().map(|&edge| is_shared(place, edge)).collect();
    routes.iter().enumerate().map(hops).collect()
}

/// By route: the first of those that share pools with it, directly or through others.
pub(super) fn groups(routes: &[Vec<EdgeIndex>]) -> Vec<usize> {
    let mut group: Vec<usize> = (0..routes.len()).collect();
    for place in 0..routes.len() {
        for other in 0..place {
            if group[other] != group[place] && routes[place].iter().any(|&edge| uses(&routes[other], edge)) {
                let (low, high) = (group[other].min(group[place]), group[other].max(group[place]));
                group.iter_mut().filter(|group| **group == high).for_each(|group| *group = low);
            }
        }
    }
    group
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
