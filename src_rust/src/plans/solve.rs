//! The joint solver asked about lanes, its flows brought back to them.
//!
//! A trade is asked in layers: a mint is one node for what has arrived after one hop, another for two,
//! and lanes lead from layer to layer. So every unit comes from `mint_in` by at most `max_hops` hops,
//! and cycles that gain by themselves, of which real markets have many, are neither in the flows nor in
//! the bound. Up to three hops every lane is there once: from the start, between, to the end. With
//! four, those between are there twice, as if their liquidity were, and the bound is above the mark.

use super::flows::LaneFlow;
use super::lanes::Lanes;
use crate::amm_math::Segment;
use crate::routing::{Network, Objective, RoutingError, Solver};

/// What the solver says of lanes.
#[derive(Debug, Clone, Default)]
pub(super) struct Solved {
    /// By lane; all zero if there is no answer.
    pub(super) flows: Vec<LaneFlow>,
    /// `None` if there is no answer, or a pool had to be left out.
    pub(super) bound: Option<f64>,
}

/// A network, and which lanes each of its pools stands for, a to b first.
struct Asked {
    network: Network,
    sides: Vec<[Option<u32>; 2]>,
    /// Some curve is none that the solver takes.
    has_gap: bool,
}

impl Asked {
    fn new(nodes: usize) -> Self {
        Self { network: Network::new(nodes), sides: Vec::new(), has_gap: false }
    }

    fn note(&mut self, added: Result<usize, RoutingError>, sides: [Option<u32>; 2]) {
        if added.is_ok() {
            self.sides.push(sides);
        } else {
            self.has_gap = true;
        }
    }

    fn push_lane(&mut self, lanes: &Lanes, place: u32, from: u32, to: u32) {
        let segments = &lanes.all[place as usize].segments;
        let fill = |a_to_b: bool, into: &mut Vec<Segment>| {
            if a_to_b {
                into.extend_from_slice(segments);
            }
        };
        let added = self.network.push_pool(from, to, fill);
        self.note(added, [Some(place), None]);
    }

    /// Lets up to `most` of a mint wait for the next layer.
    fn push_wait(&mut self, from: u32, to: u32, most: f64) {
        let fill = |a_to_b: bool, into: &mut Vec<Segment>| {
            if a_to_b {
                into.push(Segment { gain: 1.0, base: 1.0, drag: 0.0, max_in: most });
            }
        };
        let added = self.network.push_pool(from, to, fill);
        self.note(added, [None; 2]);
    }

    fn solve(self, lanes: &Lanes, objective: Objective<'_>) -> Solved {
        let mut solved = Solved { flows: vec![LaneFlow::default(); lanes.all.len()], bound: None };
        let Ok(solution) = Solver::new().solve(&self.network, objective) else { return solved };
        for (flow, sides) in solution.flows.iter().zip(&self.sides) {
            if let Some(place) = sides[usize::from(!flow.a_to_b)] {
                let known = &mut solved.flows[place as usize];
                known.amount_in += flow.amount_in;
                known.amount_out += flow.amount_out;
            }
        }
        solved.bound = (!self.has_gap && solution.bound.is_finite()).then_some(solution.bound);
        solved
    }
}

/// Returns the flows of the best trade of `amount_in`, each unit of it by at most `max_hops` hops.
pub(super) fn solve_trade(lanes: &Lanes, amount_in: f64) -> Solved {
    let layers = lanes.max_hops - 1;
    let others = lanes.mints.len() - 2;
    // Start and end, then the other mints once per layer.
    let mut asked = Asked::new(2 + others * layers);
    let node = |mint: u32, layer: usize| {
        u32::try_from(2 + (mint as usize - 2) * layers + layer - 1).unwrap_or(u32::MAX)
    };
    // The most of a mint that can be in a layer.
    let mut most = vec![0.0; lanes.mints.len()];
    for (lane, place) in lanes.all.iter().zip(0..) {
        match (lane.from == lanes.start, lane.to == lanes.end) {
            (true, true) => asked.push_lane(lanes, place, lanes.start, lanes.end),
            (true, false) => {
                asked.push_lane(lanes, place, lanes.start, node(lane.to, 1));
                most[lane.to as usize] += lane.chain.out(amount_in);
            }
            (false, true) => asked.push_lane(lanes, place, node(lane.from, layers), lanes.end),
            (false, false) => {}
        }
    }
    for layer in 1..layers {
        let mut next = most.clone();
        for (lane, place) in lanes.all.iter().zip(0..) {
            if lane.from != lanes.start && lane.to != lanes.end {
                asked.push_lane(lanes, place, node(lane.from, layer), node(lane.to, layer + 1));
                next[lane.to as usize] += lane.chain.out(most[lane.from as usize]);
            }
        }
        for (mint, &most) in (0..).zip(&most) {
            if mint >= 2 && most > 0.0 {
                asked.push_wait(node(mint, layer), node(mint, layer + 1), most);
            }
        }
        most = next;
    }
    let objective = Objective::Trade { mint_in: lanes.start, mint_out: lanes.end, amount_in };
    asked.solve(lanes, objective)
}

/// Returns the flows that gain most; `values`: of the first mints, the others are worth nothing.
pub(super) fn solve_arbitrage(lanes: &Lanes, values: &[f64]) -> Solved {
    let mut order: Vec<u32> = (0..).zip(&lanes.all).map(|(place, _)| place).collect();
    let edge = |place: u32| lanes.all[place as usize].edge;
    order.sort_unstable_by_key(|&place| edge(place));
    let mut asked = Asked::new(lanes.mints.len());
    for both in order.chunk_by(|&one, &other| edge(one) / 2 == edge(other) / 2) {
        let side = |a_to_b: bool| both.iter().copied().find(|&place| edge(place).is_multiple_of(2) == a_to_b);
        let sides = [side(true), side(false)];
        let lane = &lanes.all[both[0] as usize];
        let (mint_a, mint_b) =
            if lane.edge.is_multiple_of(2) { (lane.from, lane.to) } else { (lane.to, lane.from) };
        let added = asked.network.push_pool(mint_a, mint_b, |a_to_b, into| {
            if let Some(place) = sides[usize::from(!a_to_b)] {
                into.extend_from_slice(&lanes.all[place as usize].segments);
            }
        });
        asked.note(added, sides);
    }
    let mut values = values.to_vec();
    values.resize(lanes.mints.len(), 0.0);
    asked.solve(lanes, Objective::Arbitrage { values: &values })
}
