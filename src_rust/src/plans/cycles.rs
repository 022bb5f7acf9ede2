//! Inputs of cycles that share pools, improved together by exact quotes.
//!
//! The one idea: cycles that share no pool, directly or through others, do not touch each other. So
//! they fall into groups; each is carried out again and again with one input changed, in halving
//! steps. A cycle alone in its group is left to sizing.

use super::exact::{ExactLeg, carry_out, groups};
use super::overlay::Overlay;
use super::sequential::best_amounts;
use crate::cycle_finder::EdgeIndex;
use crate::market::Market;
use crate::sizing::SizingScratch;

/// Swaps that improving one group may take.
const MAX_SWAPS: usize = 20_000;
/// The first step: this power of two below the input.
const FIRST_STEP: u32 = 3;
/// In the end so many units are tried, where rounding makes single ones losses.
const LAST_STEPS: u64 = 6;
/// How often a cycle that is refused gets a smaller input, by an eighth.
const MAX_RETREATS: usize = 24;

/// A cycle and its input.
pub(super) type Routed = (Vec<EdgeIndex>, u64);

/// Returns the cycles with better inputs, group by group, in the order of each group's first. Those
/// that are refused or take nothing are left out. `value_of`: what a cycle carried out is worth.
pub(super) fn improved(
    market: &Market,
    cycles: Vec<Routed>,
    value_of: impl Fn(&ExactLeg) -> f64,
    max_amount_in: u64,
) -> Vec<Routed> {
    let mut scratch = SizingScratch::new();
    let mut all = Vec::with_capacity(cycles.len());
    for mut group in grouped(cycles) {
        if let [(edges, amount_in)] = &mut group[..] {
            let sized = best_amounts(&Overlay::new(market), edges, max_amount_in, &mut scratch);
            if let Ok(Some(amounts)) = sized {
                *amount_in = amounts[0];
                all.append(&mut group);
            }
        } else if feasible(market, &mut group) {
            climb(market, &mut group, &value_of, max_amount_in);
            group.retain(|&(_, amount_in)| amount_in > 0);
            all.append(&mut group);
        }
    }
    all
}

/// Cycles that share pools, directly or through others, together.
fn grouped(cycles: Vec<Routed>) -> Vec<Vec<Routed>> {
    let routes: Vec<Vec<EdgeIndex>> = cycles.iter().map(|(edges, _)| edges.clone()).collect();
    let mut found: Vec<(usize, Vec<Routed>)> = Vec::new();
    for (cycle, group) in cycles.into_iter().zip(groups(&routes)) {
        match found.iter_mut().find(|(known, _)| *known == group) {
            Some((_, members)) => members.push(cycle),
            None => found.push((group, vec![cycle])),
        }
    }
    found.into_iter().map(|(_, members)| members).collect()
}

/// Lowers inputs, and drops cycles, until all can be carried out. Returns whether any is left.
fn feasible(market: &Market, group: &mut Vec<Routed>) -> bool {
    let mut retreats = vec![0; group.len()];
    while !group.is_empty() {
        let Err((place, _)) = carry_out(market, group) else { return true };
        retreats[place] += 1;
        let amount_in = &mut group[place].1;
        *amount_in -= amount_in.div_ceil(8);
        if *amount_in == 0 || retreats[place] > MAX_RETREATS {
            group.remove(place);
            retreats.remove(place);
        }
    }
    false
}

/// A group whose inputs are being changed.
struct Climb<'m, F> {
    market: &'m Market,
    group: Vec<Routed>,
    value_of: F,
    best: f64,
    max_amount_in: u64,
    /// Carryings out that are left.
    left: usize,
}

/// Changes inputs, one at a time or one against another, coarse to fine, while that gains.
fn climb(market: &Market, group: &mut Vec<Routed>, value_of: impl Fn(&ExactLeg) -> f64, max_amount_in: u64) {
    let swaps: usize = group.iter().map(|(edges, _)| edges.len()).sum();
    let left = MAX_SWAPS / swaps.max(1);
    let taken = std::mem::take(group);
    let mut climb = Climb { market, group: taken, value_of, best: f64::NEG_INFINITY, max_amount_in, left };
    if climb.try_now() {
        for shift in FIRST_STEP..u64::BITS {
            while climb.round(|amount| amount >> shift) {}
            if climb.group.iter().all(|&(_, amount_in)| amount_in >> shift == 0) {
                break;
            }
        }
        for units in (1..=LAST_STEPS).rev() {
            while climb.round(|_| units) {}
        }
    }
    *group = climb.group;
}

impl<F: Fn(&ExactLeg) -> f64> Climb<'_, F> {
    /// Tries every change by these steps once. Returns whether one gained.
    fn round(&mut self, step: impl Fn(u64) -> u64) -> bool {
        let mut has_gained = false;
        for place in 0..self.group.len() {
            let up = step(self.group[place].1);
            has_gained |= self.change(place, up, None) || self.change(place, 0, Some((place, up)));
            for other in 0..self.group.len() {
                let moved = step(self.group[other].1);
                has_gained |= other != place && self.change(place, moved, Some((other, moved)));
            }
        }
        has_gained
    }

    /// Raises one input and lowers one, and keeps that if it gains.
    fn change(&mut self, raised: usize, up: u64, lowered: Option<(usize, u64)>) -> bool {
        let before: Vec<u64> = self.group.iter().map(|&(_, amount_in)| amount_in).collect();
        if up == 0 && lowered.is_none_or(|(_, down)| down == 0) {
            return false;
        }
        let changed = self.group[raised].1.checked_add(up).filter(|&amount| amount <= self.max_amount_in);
        let Some(changed) = changed else { return false };
        self.group[raised].1 = changed;
        let lower = lowered.is_none_or(|(place, down)| {
            let less = self.group[place].1.checked_sub(down);
            less.map(|less| self.group[place].1 = less).is_some()
        });
        if lower && self.try_now() {
            return true;
        }
        for ((_, amount_in), before) in self.group.iter_mut().zip(before) {
            *amount_in = before;
        }
        false
    }

    /// Carries the group out; returns whether it is worth more than before.
    fn try_now(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let taking: Vec<Routed> =
            self.group.iter().filter(|&&(_, amount_in)| amount_in > 0).cloned().collect();
        let Ok(legs) = carry_out(self.market, &taking) else { return false };
        let value: f64 = legs.iter().map(&self.value_of).sum();
        let is_more = value > self.best;
        self.best = self.best.max(value);
        is_more
    }
}
