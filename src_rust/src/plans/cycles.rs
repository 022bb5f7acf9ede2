//! Inputs of cycles that share pools, improved together by exact quotes.
//!
//! The one idea: cycles that share no pool, directly or through others, do not touch each other. So
//! they fall into groups; each is carried out again and again with one input changed, in halving
//! steps. A cycle alone in its group is left to sizing.

use super::exact::{ExactLeg, carry_out};
use super::overlay::Overlay;
use super::sequential::best_amounts;
use crate::cycle_finder::{EdgeIndex, pool_of};
use crate::market::Market;
use crate::sizing::SizingScratch;

/// Swaps that improving one group may take.
const MAX_SWAPS: usize = 20_000;
/// The first step: this power of two below the input.
const FIRST_STEP: u32 = 3;
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
    for mut group in groups(cycles) {
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

/// Cycles that share pools, directly or through others.
fn groups(cycles: Vec<Routed>) -> Vec<Vec<Routed>> {
    let mut groups: Vec<Vec<Routed>> = Vec::new();
    for cycle in cycles {
        let meets = |group: &Vec<Routed>| group.iter().any(|(edges, _)| share_pool(edges, &cycle.0));
        // The groups that this cycle joins become one, at the place of the first.
        let joined: Vec<usize> = (0..groups.len()).filter(|&place| meets(&groups[place])).collect();
        let Some((&first, others)) = joined.split_first() else {
            groups.push(vec![cycle]);
            continue;
        };
        for &other in others.iter().rev() {
            let more = groups.remove(other);
            groups[first].extend(more);
        }
        groups[first].push(cycle);
    }
    groups
}

fn share_pool(one: &[EdgeIndex], other: &[EdgeIndex]) -> bool {
    one.iter().any(|&edge| other.iter().any(|&used| pool_of(used).0 == pool_of(edge).0))
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

/// Changes one input at a time while that gains.
fn climb(market: &Market, group: &mut [Routed], value_of: &impl Fn(&ExactLeg) -> f64, max_amount_in: u64) {
    let swaps: usize = group.iter().map(|(edges, _)| edges.len()).sum();
    let mut left = MAX_SWAPS / swaps.max(1);
    let value = |group: &[Routed]| {
        let taking: Vec<Routed> = group.iter().filter(|&&(_, amount_in)| amount_in > 0).cloned().collect();
        Some(carry_out(market, &taking).ok()?.iter().map(value_of).sum::<f64>())
    };
    let Some(mut best) = value(group) else { return };
    for shift in FIRST_STEP..u64::BITS {
        let mut is_finest = true;
        for place in 0..group.len() {
            let before = group[place].1;
            let step = before >> shift;
            is_finest &= step <= 1;
            for changed in [before.checked_sub(step.max(1)), before.checked_add(step.max(1))] {
                let Some(changed) = changed.filter(|&changed| changed <= max_amount_in) else { continue };
                if left == 0 {
                    return;
                }
                left -= 1;
                let kept = std::mem::replace(&mut group[place].1, changed);
                match value(group) {
                    Some(gained) if gained > best => {
                        best = gained;
                        break;
                    }
                    _ => group[place].1 = kept,
                }
            }
        }
        if is_finest {
            return;
        }
    }
}
