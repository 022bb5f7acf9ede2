//! The lowest bound over all prices, by a semismooth Newton method.

use super::laplacian::Laplacian;
use super::network::Network;
use super::repair::Repair;
use super::response::{self, Proximal, Response};
use super::start::{Link, NONE, Reach};
use super::{Flow, NEGLIGIBLE, Objective, RoutingError, Solution, TOLERANCE};

/// Newton steps at most, over all stages.
const MAX_STEPS: u32 = 400;

/// Mints are balanced once what they owe or have to spare is worth this share of the bound.
const BALANCED: f64 = 1e-11;

/// The share of the value swapped below which an imbalance is rounding.
const ROUNDING: f64 = 1e-15;

/// The largest relative change of a price in one step, as logarithms.
const STEEPEST: [f64; 2] = [-4.0, 2.0];

/// Damping of a price that should fall, and of one that should rise, per value of imbalance. With one
/// half, no fall oversteps where a pool of constant product takes the imbalance; without any, no rise
/// does. A little keeps steps finite where no pool responds.
const DAMPING: [f64; 2] = [0.5, 1.0 / 16.0];

/// Widths of the proximal term: first, factor from stage to stage, last.
const WIDTHS: (f64, f64, f64) = (1e-2, 0.5, 1e-5);

/// Stages at most; only networks with flat pieces need more than one.
const MAX_STAGES: u32 = 40;

/// Steps that neither lower the bound nor balance better, before the search ends.
const MAX_STALLS: u32 = 6;

/// Rounds of balancing the flows themselves, and what each mint is left with of what passes through it.
const BALANCE_ROUNDS: u32 = 4;
const MARGIN: f64 = 1e-14;

/// Solves networks; keeps its memory from one to the next.
#[derive(Debug, Clone, Default)]
pub struct Solver {
    reach: Reach,
    laplacian: Laplacian,
    repair: Repair,
    /// By node: value, endowment.
    values: Vec<f64>,
    endowments: Vec<f64>,
    here: Point,
    there: Point,
    step: Vec<f64>,
    kept: Vec<f64>,
    /// By piece of the network.
    centres: Vec<f64>,
}

/// What a step has done to the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Lower,
    /// Nothing beyond rounding.
    Level,
    None,
}

/// Prices, and what the pools do at them.
#[derive(Debug, Clone, Default)]
struct Point {
    prices: Vec<f64>,
    /// What each mint gains, endowment included.
    nets: Vec<f64>,
    /// By link: value of the input's growth per relative fall of its price.
    weights: Vec<f64>,
    bound: f64,
    /// Value of everything that is swapped.
    turnover: f64,
}

impl Point {
    /// Returns whether a node's price lies at its lower limit and would fall further.
    fn is_held(&self, node: usize, values: &[f64]) -> bool {
        self.prices[node] <= values[node] && self.nets[node] >= 0.0
    }

    /// Returns the value of what mints owe, or have and could be spent.
    fn imbalance(&self, values: &[f64]) -> f64 {
        (0..self.prices.len())
            .filter(|&node| !self.is_held(node, values))
            .map(|node| (self.prices[node] * self.nets[node]).abs())
            .sum()
    }
}

impl Solver {
    /// Returns a solver with no memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the best plan through all pools at once, with a bound on every other.
    ///
    /// The same input gives the same answer, whatever was solved before. Ends after at most 400 steps;
    /// then the solution says that it has not converged, and is still feasible.
    ///
    /// # Errors
    /// The objective names a mint that the network does not have, twice the same, or holds a number
    /// that is not finite or negative.
    pub fn solve(&mut self, network: &Network, objective: Objective<'_>) -> Result<Solution, RoutingError> {
        let (values, endowments) = checked(network, objective)?;
        self.reach.explore(network, &values);
        let mints = &self.reach.mints;
        self.values.clear();
        self.values.extend(mints.iter().map(|&mint| values[mint as usize]));
        self.endowments.clear();
        self.endowments.extend(mints.iter().map(|&mint| endowments[mint as usize]));
        let edges = self.reach.links.iter().map(|link| (link.nodes[0], link.nodes[1]));
        self.laplacian.analyse(mints.len(), edges);
        self.centres.clear();
        self.centres.resize(network.pieces().len(), 0.0);
        self.here.prices.clone_from(&self.reach.prices);
        Ok(self.minimise(network, objective))
    }

    fn minimise(&mut self, network: &Network, objective: Objective<'_>) -> Solution {
        let is_smooth = self.reach.links.iter().all(|link| !network.pools()[link.pool as usize].has_flat);
        let (mut width, factor, last_width) = WIDTHS;
        let mut best = Solution { bound: f64::INFINITY, ..Solution::default() };
        let mut steps = 0;
        for stage in 0..MAX_STAGES {
            let goal = if is_smooth { BALANCED } else { BALANCED.max(width * 1e-6) };
            self.descend(network, width, goal, &mut steps);
            self.recentre(network, width);
            let found = self.harvest(network, objective);
            if stage == 0 || found.value > best.value {
                (best.flows, best.value) = (found.flows, found.value);
            }
            if found.bound < best.bound {
                (best.prices, best.bound) = (found.prices, found.bound);
            }
            best.iterations = steps;
            let nothing = NEGLIGIBLE * self.liquidity(network);
            best.converged = best.bound - best.value <= (TOLERANCE * best.bound).max(nothing);
            if is_smooth || best.converged || steps >= MAX_STEPS {
                break;
            }
            width = (width * factor).max(last_width);
        }
        best
    }

    /// Takes Newton steps until mints are balanced to a share of the bound, or nothing helps. Leaves the
    /// best balanced point of those whose bounds differ by rounding only.
    fn descend(&mut self, network: &Network, width: f64, goal: f64, steps: &mut u32) {
        evaluate(&self.reach, network, &self.endowments, &self.centres, width, &mut self.here);
        let (mut least, mut stalls) = (f64::INFINITY, 0);
        while *steps < MAX_STEPS && stalls <= MAX_STALLS {
            let imbalance = self.here.imbalance(&self.values);
            let rounding = ROUNDING * self.here.weights.iter().sum::<f64>();
            if imbalance <= (goal * self.here.bound).max(rounding)
                || self.here.bound <= NEGLIGIBLE * self.liquidity(network)
            {
                return;
            }
            *steps += 1;
            self.find_step();
            match self.take_step(network, width) {
                Progress::Lower => (least, stalls) = (f64::INFINITY, 0),
                // `there` is where the step began.
                Progress::Level if imbalance < least => {
                    stalls = if imbalance < 0.5 * least { 0 } else { stalls + 1 };
                    least = imbalance;
                    self.kept.clone_from(&self.there.prices);
                }
                Progress::Level => stalls += 1,
                Progress::None => break,
            }
        }
        if least < self.here.imbalance(&self.values) {
            self.here.prices.clone_from(&self.kept);
            evaluate(&self.reach, network, &self.endowments, &self.centres, width, &mut self.here);
        }
    }

    /// Returns the value of everything that pools can give, at the present prices.
    fn liquidity(&self, network: &Network) -> f64 {
        let value = |link: &Link| {
            let pool = &network.pools()[link.pool as usize];
            let [a, b] = link.nodes.map(|node| self.here.prices[node as usize]);
            (pool.capacities[0] * b).max(pool.capacities[1] * a)
        };
        self.reach.links.iter().map(value).sum()
    }

    /// Fills the matrix: how values of imbalance respond to relative price changes of mints not held.
    fn assemble(&mut self) {
        let Self { here, laplacian, values, reach, .. } = self;
        laplacian.clear();
        let is_held = |node: u32| here.is_held(node as usize, values);
        for (edge, (link, &weight)) in reach.links.iter().zip(&here.weights).enumerate() {
            if weight > 0.0 {
                match link.nodes.map(is_held) {
                    [false, false] => laplacian.add_weight(edge, weight),
                    [false, true] => laplacian.add_excess(link.nodes[0] as usize, weight),
                    [true, false] => laplacian.add_excess(link.nodes[1] as usize, weight),
                    [true, true] => {}
                }
            }
        }
    }

    /// Solves for relative price changes that balance the mints.
    fn find_step(&mut self) {
        self.assemble();
        let Self { here, laplacian, values, step, .. } = self;
        step.clear();
        step.resize(here.prices.len(), 0.0);
        for (node, change) in step.iter_mut().enumerate() {
            if !here.is_held(node, values) {
                let spare = here.prices[node] * here.nets[node];
                *change = -spare;
                laplacian.add_excess(node, spare.abs() * DAMPING[usize::from(spare < 0.0)]);
            }
        }
        laplacian.solve(step);
        for change in step.iter_mut() {
            *change = change.clamp(STEEPEST[0], STEEPEST[1]);
        }
    }

    /// Goes along the step as far as it lowers the bound. Where that could only be seen below the
    /// rounding of the bound, goes the whole way.
    fn take_step(&mut self, network: &Network, width: f64) -> Progress {
        let mut share = 1.0;
        for _ in 0..40 {
            let mut expected = 0.0;
            self.there.prices.clear();
            for (node, (&price, &change)) in self.here.prices.iter().zip(&self.step).enumerate() {
                let moved = (price * (share * change).exp()).max(self.values[node]);
                expected += (moved - price) * self.here.nets[node];
                self.there.prices.push(moved);
            }
            evaluate(&self.reach, network, &self.endowments, &self.centres, width, &mut self.there);
            let rounding = 8.0 * ROUNDING * self.here.turnover.max(self.there.turnover);
            let fall = self.there.bound - self.here.bound;
            let is_level = -expected <= rounding && fall <= rounding;
            if is_level || fall <= 1e-4 * expected.min(0.0) {
                std::mem::swap(&mut self.here, &mut self.there);
                return if is_level { Progress::Level } else { Progress::Lower };
            }
            share *= if share > 0.2 { 0.5 } else { 0.2 };
        }
        Progress::None
    }

    /// Moves the centres of the proximal term to where flat pieces are filled now.
    fn recentre(&mut self, network: &Network, width: f64) {
        for link in &self.reach.links {
            let pool = &network.pools()[link.pool as usize];
            if !pool.has_flat {
                continue;
            }
            for side in 0..2 {
                let price = self.here.prices[link.nodes[side] as usize]
                    / self.here.prices[link.nodes[1 - side] as usize];
                let mut behind = 0.0;
                for at in pool.pieces(side).rev() {
                    let piece = &network.pieces()[at];
                    let centre = &mut self.centres[at];
                    *centre = if piece.is_flat() { piece.fill(price, width, *centre) } else { behind };
                    behind = centre.max(behind);
                }
            }
        }
    }

    /// Returns the plan and the bound at the present prices and centres.
    fn harvest(&mut self, network: &Network, objective: Objective<'_>) -> Solution {
        let mut flows = vec![Flow { a_to_b: true, ..Flow::default() }; network.pool_count()];
        let prices = &self.here.prices;
        let mut bound: f64 = self.endowments.iter().zip(prices).map(|(have, price)| have * price).sum();
        for link in &self.reach.links {
            let pool = &network.pools()[link.pool as usize];
            let [a, b] = link.nodes.map(|node| prices[node as usize]);
            for (side, price_in, price_out) in [(0, a, b), (1, b, a)] {
                let pieces = &network.pieces()[pool.pieces(side)];
                let price = price_in / price_out;
                bound += (price_out * response::gain(pieces, price)).max(0.0);
                let input = if pool.has_flat {
                    response::filled_input(pieces, price, &self.centres[pool.pieces(side)])
                } else {
                    response::respond(pieces, price).input
                };
                let flow = &mut flows[link.pool as usize];
                let (amount_in, amount_out) = response::trade(pieces, input);
                // Both directions at once can only be rounding.
                if amount_in * price_in > flow.amount_in * price_out {
                    *flow = Flow { a_to_b: side == 0, amount_in, amount_out };
                }
            }
        }
        self.balance(network, objective, &mut flows);
        let mut value = self.repair.settle(network, objective, &mut flows).unwrap_or(0.0);
        if value <= 0.0 {
            value = 0.0;
            flows.fill(Flow { a_to_b: true, ..Flow::default() });
        }
        let (nodes, prices) = (self.reach.nodes.iter(), &self.here.prices);
        let prices = nodes.map(|&node| if node == NONE { 0.0 } else { prices[node as usize] }).collect();
        Solution { flows, prices, value, bound, ..Solution::default() }
    }

    /// Takes out of the flows what is left of imbalances. A step's worth of change is spread over the
    /// pools as before, but added to the flows: they can be set more finely than prices can set them.
    fn balance(&mut self, network: &Network, objective: Objective<'_>, flows: &mut [Flow]) {
        for _ in 0..BALANCE_ROUNDS {
            self.repair.sum(network, objective, flows);
            self.step.clear();
            let mut is_off = false;
            for (node, &mint) in self.reach.mints.iter().enumerate() {
                let (given, taken) = self.repair.passed(mint as usize);
                let is_held = self.here.is_held(node, &self.values);
                is_off |= given < taken || (!is_held && given > taken * (1.0 + 100.0 * MARGIN));
                let spare = self.here.prices[node] * (given - taken * (1.0 + MARGIN));
                self.step.push(if is_held { 0.0 } else { -spare });
            }
            if !is_off {
                return;
            }
            self.assemble();
            self.laplacian.solve(&mut self.step);
            for (link, &weight) in self.reach.links.iter().zip(&self.here.weights) {
                let flow = &mut flows[link.pool as usize];
                if weight == 0.0 || flow.amount_in == 0.0 {
                    continue;
                }
                let side = usize::from(!flow.a_to_b);
                let [node_in, node_out] = [link.nodes[side] as usize, link.nodes[1 - side] as usize];
                let change = weight * (self.step[node_out] - self.step[node_in]) / self.here.prices[node_in];
                let pieces = &network.pieces()[network.pools()[link.pool as usize].pieces(side)];
                (flow.amount_in, flow.amount_out) =
                    response::trade(pieces, (flow.amount_in + change).max(0.0));
            }
        }
    }
}

/// Returns values and endowments by mint.
fn checked(network: &Network, objective: Objective<'_>) -> Result<(Vec<f64>, Vec<f64>), RoutingError> {
    let mints = network.mint_count();
    let mut endowments = vec![0.0; mints];
    let expected = "finite and not negative";
    match objective {
        Objective::Arbitrage { values } => {
            if values.len() != mints {
                return Err(RoutingError::WrongLength { found: values.len(), mints });
            }
            for (place, &value) in values.iter().enumerate() {
                if !(value.is_finite() && value >= 0.0) {
                    return Err(RoutingError::BadNumber { what: "value of mint", place, value, expected });
                }
            }
            Ok((values.to_vec(), endowments))
        }
        Objective::Trade { mint_in, mint_out, amount_in } => {
            for (role, mint) in [("mint_in", mint_in), ("mint_out", mint_out)] {
                if mint as usize >= mints {
                    return Err(RoutingError::UnknownMint { role, mint, mints });
                }
            }
            if mint_in == mint_out {
                return Err(RoutingError::SameMint(mint_in));
            }
            if !(amount_in.is_finite() && amount_in >= 0.0) {
                let place = mint_in as usize;
                return Err(RoutingError::BadNumber {
                    what: "amount_in of mint",
                    place,
                    value: amount_in,
                    expected,
                });
            }
            let mut values = vec![0.0; mints];
            values[mint_out as usize] = 1.0;
            endowments[mint_in as usize] = amount_in;
            Ok((values, endowments))
        }
    }
}

/// Asks every pool what it would swap at the point's prices.
fn evaluate(
    reach: &Reach,
    network: &Network,
    endowments: &[f64],
    centres: &[f64],
    width: f64,
    point: &mut Point,
) {
    let Point { prices, nets, weights, bound, turnover } = point;
    nets.clear();
    nets.extend_from_slice(endowments);
    weights.clear();
    *bound = endowments.iter().zip(&*prices).map(|(have, price)| have * price).sum();
    *turnover = *bound;
    for link in &reach.links {
        let pool = &network.pools()[link.pool as usize];
        let mut weight = 0.0;
        for side in 0..2 {
            let (node_in, node_out) = (link.nodes[side] as usize, link.nodes[1 - side] as usize);
            let (price_in, price_out) = (prices[node_in], prices[node_out]);
            if pool.rates[side] * price_out <= price_in && !pool.has_flat {
                continue;
            }
            let price = price_in / price_out;
            let pieces = &network.pieces()[pool.pieces(side)];
            let Response { input, output, slope } = if pool.has_flat {
                response::respond_smoothed(
                    pieces,
                    price,
                    Proximal { width, centres: &centres[pool.pieces(side)] },
                )
            } else {
                response::respond(pieces, price)
            };
            nets[node_in] -= input;
            nets[node_out] += output;
            weight += slope * price_in;
            *bound += output * price_out - input * price_in;
            *turnover += input * price_in;
        }
        weights.push(weight);
    }
}
