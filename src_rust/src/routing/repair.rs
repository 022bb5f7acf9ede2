//! From the pools' best responses at nearly the best prices to a plan that owes nothing.

use super::network::Network;
use super::response::trade;
use super::{Flow, Objective};

/// What may be owed of a mint, as a share of what passes through it: rounding.
const ROUNDING: f64 = 1e-13;

/// Rounds of scaling before a plan is given up.
const ROUNDS: u32 = 200;

/// Amounts by mint.
#[derive(Debug, Clone, Default)]
pub(super) struct Repair {
    given: Vec<f64>,
    taken: Vec<f64>,
}

impl Repair {
    /// Scales swaps down until no mint is owed, and returns the plan's value; `None` if it does not
    /// come to an end. A swap of which less goes in gives less, so that others may follow.
    pub fn settle(&mut self, network: &Network, objective: Objective<'_>, flows: &mut [Flow]) -> Option<f64> {
        for _ in 0..ROUNDS {
            self.sum(network, objective, flows);
            let mut is_settled = true;
            for (given, taken) in self.given.iter_mut().zip(&self.taken) {
                // From here on `given` is the share of its swaps that a mint can pay for.
                let share = if *taken > *given * (1.0 + ROUNDING) { *given / *taken } else { 1.0 };
                is_settled &= share >= 1.0;
                *given = share;
            }
            if is_settled {
                return Some(self.value(network, objective, flows));
            }
            for (flow, pool) in flows.iter_mut().zip(network.pools()) {
                let side = usize::from(!flow.a_to_b);
                let share = self.given[pool.mints[side] as usize];
                if share < 1.0 && flow.amount_in > 0.0 {
                    let pieces = &network.pieces()[pool.pieces(side)];
                    (flow.amount_in, flow.amount_out) = trade(pieces, flow.amount_in * share);
                }
            }
        }
        None
    }

    /// Returns what the pools and the endowment give of a mint, and what the pools take, as last summed.
    pub fn passed(&self, mint: usize) -> (f64, f64) {
        (self.given[mint], self.taken[mint])
    }

    /// Sums what passes through each mint.
    pub fn sum(&mut self, network: &Network, objective: Objective<'_>, flows: &[Flow]) {
        for amounts in [&mut self.given, &mut self.taken] {
            amounts.clear();
            amounts.resize(network.mint_count(), 0.0);
        }
        if let Objective::Trade { mint_in, amount_in, .. } = objective {
            self.given[mint_in as usize] = amount_in;
        }
        for (flow, pool) in flows.iter().zip(network.pools()) {
            let side = usize::from(!flow.a_to_b);
            self.taken[pool.mints[side] as usize] += flow.amount_in;
            self.given[pool.mints[1 - side] as usize] += flow.amount_out;
        }
    }

    fn value(&mut self, network: &Network, objective: Objective<'_>, flows: &[Flow]) -> f64 {
        self.sum(network, objective, flows);
        let net = |mint: usize| self.given[mint] - self.taken[mint];
        match objective {
            Objective::Arbitrage { values } => {
                values.iter().enumerate().map(|(mint, value)| value * net(mint).max(0.0)).sum()
            }
            Objective::Trade { mint_out, .. } => net(mint_out as usize).max(0.0),
        }
    }
}
