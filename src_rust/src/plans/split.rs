//! Which routes share an amount, and how much each takes, in `f64`.
//!
//! Routes are found one by one: with the amounts as they are, the route that gives most for one more
//! portion joins if that pays for what the others lose. Amounts are balanced by moving a portion
//! from the route with the lowest rate at its end to the one with the highest, in halving portions;
//! outputs are concave in them, so this ends near the best. What several routes take from one pool
//! adds up ([`super::chain`]). No amount leaves here: the exact plan starts from these.

use super::lanes::{Lanes, Path};

/// Portions in which further routes are looked for: shares of the amount.
const PORTIONS: [f64; 4] = [4.0, 16.0, 64.0, 256.0];
/// Routes that are weighed against each other at most.
const MAX_CANDIDATES: usize = 12;
/// Portions, as a share of the amount, below which balancing stops.
const FINEST: f64 = 1e-9;
/// The same while routes are compared.
const COARSE: f64 = 1e-5;
const MAX_MOVES: u32 = 400;
/// How many of the smallest legs are tried when one must go.
const SMALLEST_TRIED: usize = 4;

/// A route and what it takes of the first mint.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leg {
    pub(super) path: Path,
    pub(super) amount: f64,
    /// Less than this gives nothing in whole units.
    least: f64,
}

/// Legs with their output.
#[derive(Debug, Clone)]
pub(super) struct Weighed {
    pub(super) legs: Vec<Leg>,
    pub(super) out: f64,
}

/// What legs take from lanes.
#[derive(Debug)]
pub(super) struct Splitter<'a> {
    lanes: &'a Lanes,
    amount: f64,
    /// By lane.
    taken: Vec<f64>,
    used: Vec<u32>,
    /// What the legs walked last gave.
    outs: Vec<f64>,
    /// Routes that exact quotes refuse, whatever they promise.
    banned: Vec<Path>,
}

impl<'a> Splitter<'a> {
    pub(super) fn new(lanes: &'a Lanes, amount: f64) -> Self {
        Self {
            lanes,
            amount,
            taken: vec![0.0; lanes.all.len()],
            used: Vec::new(),
            outs: Vec::new(),
            banned: Vec::new(),
        }
    }

    /// Leaves a route out from now on.
    pub(super) fn ban(&mut self, path: Path) {
        self.banned.push(path);
    }

    /// Returns at most `max_legs` routes with their amounts, the largest first. A leg that adds less
    /// than `leg_cost` is left out. `seeds`: where to start, not empty.
    pub(super) fn split(&mut self, seeds: &[(Path, f64)], max_legs: usize, leg_cost: f64) -> Vec<Leg> {
        let mut all = self.seeded(seeds);
        self.extend(&mut all);
        let mut kept = all.clone();
        self.reduce(&mut kept, max_legs, leg_cost);
        if all.legs.len() > max_legs {
            self.exchange(&mut kept, &all.legs);
        }
        self.balance(&mut kept, FINEST);
        kept.legs.retain(|leg| leg.amount > 0.0);
        kept.legs.sort_by(|x, y| y.amount.total_cmp(&x.amount));
        kept.legs
    }

    /// Seeds that get along with those before them, cut to the whole amount.
    fn seeded(&mut self, seeds: &[(Path, f64)]) -> Weighed {
        let mut legs: Vec<Leg> = Vec::new();
        for (path, amount) in seeds.iter().take(MAX_CANDIDATES) {
            if self.fits(path, &legs)
                && let Some(least) = self.least(path)
            {
                legs.push(Leg { path: path.clone(), amount: amount.max(least), least });
            }
        }
        // The largest takes what the others leave.
        legs.sort_by(|x, y| y.amount.total_cmp(&x.amount));
        while legs.iter().skip(1).map(|leg| leg.amount).sum::<f64>() > self.amount {
            legs.pop();
        }
        let others: f64 = legs.iter().skip(1).map(|leg| leg.amount).sum();
        if let Some(first) = legs.first_mut() {
            first.amount = self.amount - others;
        }
        let mut weighed = Weighed { legs, out: 0.0 };
        self.balance(&mut weighed, COARSE);
        weighed
    }

    /// Whether a path is not banned, and neither repeats one of the legs nor uses a pool against them.
    fn fits(&self, path: &[u32], legs: &[Leg]) -> bool {
        let edge = |lane: u32| self.lanes.all[lane as usize].edge;
        let is_banned = self.banned.iter().any(|banned| banned == path);
        !is_banned
            && legs.iter().all(|leg| {
                leg.path != path
                    && leg.path.iter().all(|&used| path.iter().all(|&lane| edge(lane) != edge(used) ^ 1))
            })
    }

    /// Adds routes while one more pays.
    fn extend(&mut self, all: &mut Weighed) {
        for share in PORTIONS {
            let portion = self.amount / share;
            while all.legs.len() < MAX_CANDIDATES {
                let Some(path) = self.best_for(portion, &all.legs) else { break };
                if !self.fits(&path, &all.legs) {
                    break;
                }
                let Some(least) = self.least(&path) else { break };
                let mut more = all.clone();
                let amount = portion.max(least);
                for leg in &mut more.legs {
                    leg.amount *= 1.0 - amount / self.amount;
                }
                more.legs.push(Leg { path, amount, least });
                self.balance(&mut more, COARSE);
                if more.out <= all.out * (1.0 + FINEST) {
                    break;
                }
                *all = more;
            }
        }
    }

    /// The route that gives most for one more portion after what the legs take.
    fn best_for(&mut self, portion: f64, legs: &[Leg]) -> Option<Path> {
        self.walk(legs);
        let against: Vec<u32> =
            self.used.iter().map(|&lane| self.lanes.all[lane as usize].edge ^ 1).collect();
        let (lanes, taken) = (self.lanes, &self.taken);
        let quote = |place: u32, amount: f64| {
            let lane = &lanes.all[place as usize];
            if against.contains(&lane.edge) {
                return None;
            }
            let out = lane.chain.out_after(taken[place as usize], amount);
            (out > 0.0).then_some(out)
        };
        lanes.best_path(portion, |amount| amount, quote).map(|(path, _)| path)
    }

    /// Lets legs go, those that lose least first, until there are at most `max_legs` and each is
    /// worth its cost.
    fn reduce(&mut self, kept: &mut Weighed, max_legs: usize, leg_cost: f64) {
        while kept.legs.len() > 1 {
            let mut order: Vec<usize> = (0..kept.legs.len()).collect();
            self.walk(&kept.legs);
            order.sort_by(|&x, &y| self.outs[x].total_cmp(&self.outs[y]));
            let mut best: Option<Weighed> = None;
            for &place in order.iter().take(SMALLEST_TRIED) {
                let mut fewer = kept.clone();
                let gone = fewer.legs.remove(place);
                self.give(&mut fewer.legs, gone.amount);
                self.balance(&mut fewer, COARSE);
                if best.as_ref().is_none_or(|best| fewer.out > best.out) {
                    best = Some(fewer);
                }
            }
            let Some(fewer) = best else { return };
            if kept.legs.len() <= max_legs && kept.out - fewer.out >= leg_cost {
                return;
            }
            *kept = fewer;
        }
    }

    /// Puts routes that had to go in the place of kept ones where that gains.
    fn exchange(&mut self, kept: &mut Weighed, all: &[Leg]) {
        for candidate in all {
            for place in 0..kept.legs.len() {
                let mut other = kept.clone();
                let gone = other.legs.remove(place);
                if !self.fits(&candidate.path, &other.legs) || candidate.path == gone.path {
                    continue;
                }
                other.legs.push(Leg { amount: gone.amount.max(candidate.least), ..candidate.clone() });
                let over: f64 = other.legs.iter().map(|leg| leg.amount).sum::<f64>() - self.amount;
                if !take(&mut other.legs, over) {
                    continue;
                }
                self.balance(&mut other, COARSE);
                if other.out > kept.out * (1.0 + COARSE * COARSE) {
                    *kept = other;
                    break;
                }
            }
        }
    }

    /// Gives an amount to the leg with the highest rate.
    fn give(&mut self, legs: &mut [Leg], amount: f64) {
        self.walk(legs);
        let best = (0..legs.len()).max_by(|&x, &y| self.rate(&legs[x]).total_cmp(&self.rate(&legs[y])));
        if let Some(best) = best {
            legs[best].amount += amount;
        }
    }

    /// Moves portions between legs while that gains, down to `finest` of the whole.
    fn balance(&mut self, weighed: &mut Weighed, finest: f64) {
        let legs = &mut weighed.legs;
        let mut best = self.walk(legs);
        let mut portion = self.amount / 4.0;
        let mut rates: Vec<f64> = legs.iter().map(|leg| self.rate(leg)).collect();
        for _ in 0..MAX_MOVES {
            if portion <= self.amount * finest {
                break;
            }
            let high = (0..legs.len()).max_by(|&x, &y| rates[x].total_cmp(&rates[y]));
            let low = (0..legs.len())
                .filter(|&leg| legs[leg].amount > legs[leg].least && Some(leg) != high)
                .min_by(|&x, &y| rates[x].total_cmp(&rates[y]));
            let (Some(high), Some(low)) = (high, low) else { break };
            let before = (legs[high].amount, legs[low].amount);
            let moved = portion.min(legs[low].amount - legs[low].least);
            legs[low].amount -= moved;
            legs[high].amount += moved;
            let out = self.walk(legs);
            if out > best {
                best = out;
                for (rate, leg) in rates.iter_mut().zip(legs.iter()) {
                    *rate = self.rate(leg);
                }
            } else {
                (legs[high].amount, legs[low].amount) = before;
                portion /= 2.0;
            }
        }
        weighed.out = best;
    }

    /// The smallest whole input that brings at least a unit to every hop, as the curves promise.
    fn least(&self, path: &[u32]) -> Option<f64> {
        let arrives = |amount: f64| {
            let out = path.iter().try_fold(amount, |amount, &lane| {
                let out = self.lanes.all[lane as usize].chain.out(amount).floor();
                (out >= 1.0).then_some(out)
            });
            out.is_some()
        };
        let (mut low, mut high) = (0.0, 1.0);
        while !arrives(high) {
            (low, high) = (high, high * 2.0);
            if low > self.amount {
                return None;
            }
        }
        while high - low > 1.0 {
            let middle = (0.5 * (low + high)).floor();
            if arrives(middle) { high = middle } else { low = middle }
        }
        (high <= self.amount).then_some(high)
    }

    /// Returns the output of the legs in order, and leaves what they take in `taken`.
    fn walk(&mut self, legs: &[Leg]) -> f64 {
        for lane in self.used.drain(..) {
            self.taken[lane as usize] = 0.0;
        }
        self.outs.clear();
        let mut total = 0.0;
        for leg in legs {
            let mut amount = leg.amount;
            for &place in &leg.path {
                let taken = &mut self.taken[place as usize];
                let out = self.lanes.all[place as usize].chain.out_after(*taken, amount);
                if *taken == 0.0 {
                    self.used.push(place);
                }
                *taken += amount;
                amount = out;
            }
            self.outs.push(amount);
            total += amount;
        }
        total
    }

    /// What one more unit would give on a leg's route after all that is taken.
    fn rate(&self, leg: &Leg) -> f64 {
        let slope = |&lane: &u32| self.lanes.all[lane as usize].chain.slope(self.taken[lane as usize]);
        leg.path.iter().map(slope).product()
    }
}

/// Takes an amount from the largest leg. Returns whether it had that much.
fn take(legs: &mut [Leg], amount: f64) -> bool {
    let largest = legs.iter_mut().max_by(|x, y| x.amount.total_cmp(&y.amount));
    largest.is_some_and(|leg| {
        leg.amount -= amount.max(0.0);
        leg.amount >= leg.least
    })
}
