//! The joint solver's plans are feasible, nearly reach their bounds, and agree with other methods.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test fails by panicking; these values are exact"
)]

mod property_config;

use phantom_core::amm_math::Segment;
use phantom_core::routing::{Network, Objective, RoutingError, Solution, Solver};
use proptest::prelude::*;

/// A pool as a test makes it: its mints, and the segments of both directions, a to b first.
#[derive(Debug, Clone)]
struct TestPool {
    mints: [u32; 2],
    segments: [Vec<Segment>; 2],
}

fn network(mints: usize, pools: &[TestPool]) -> Network {
    let mut network = Network::new(mints);
    for pool in pools {
        let fill = |a_to_b: bool, into: &mut Vec<Segment>| {
            into.extend_from_slice(&pool.segments[usize::from(!a_to_b)]);
        };
        network.push_pool(pool.mints[0], pool.mints[1], fill).unwrap();
    }
    network
}

fn solve(mints: usize, pools: &[TestPool], objective: Objective<'_>) -> Solution {
    Solver::new().solve(&network(mints, pools), objective).unwrap()
}

/// What a chain of segments gives, by walking along it.
fn output(segments: &[Segment], input: f64) -> f64 {
    let (mut left, mut output) = (input, 0.0);
    for segment in segments {
        let x = left.min(segment.max_in);
        output += segment.gain * x / (segment.base + segment.drag * x);
        left -= x;
    }
    output
}

fn constant_product(mints: [u32; 2], reserves: [f64; 2], fee: f64) -> TestPool {
    let side = |base, other| {
        vec![Segment { gain: (1.0 - fee) * other, base, drag: 1.0 - fee, max_in: f64::INFINITY }]
    };
    TestPool { mints, segments: [side(reserves[0], reserves[1]), side(reserves[1], reserves[0])] }
}

/// Ranges around a price, each of its own liquidity; 0 is a gap.
fn ranges(mints: [u32; 2], reserves: [f64; 2], fee: f64, depths: &[f64]) -> TestPool {
    let side = |price: f64| {
        let liquidity = (reserves[0] * reserves[1]).sqrt() * 10.0;
        let mut root = price.sqrt();
        let mut segments = Vec::new();
        for depth in depths {
            let next = root * 0.997;
            let liquidity = liquidity * depth;
            if liquidity > 0.0 {
                let max_in = liquidity * (1.0 / next - 1.0 / root) / (1.0 - fee);
                let (gain, base) = ((1.0 - fee) * liquidity * root, liquidity / root);
                segments.push(Segment { gain, base, drag: 1.0 - fee, max_in });
            }
            root = next;
        }
        segments
    };
    let price = reserves[1] / reserves[0];
    TestPool { mints, segments: [side(price), side(1.0 / price)] }
}

/// Bins of constant price.
fn bins(mints: [u32; 2], reserves: [f64; 2], fee: f64, depths: &[f64]) -> TestPool {
    let side = |price: f64, reserve: f64| {
        let rate = |bin: usize| price * (1.0 - fee) * 1.002_f64.powi(-i32::try_from(bin).unwrap());
        let bin = |(bin, depth): (usize, &f64)| Segment {
            gain: rate(bin),
            base: 1.0,
            drag: 0.0,
            max_in: reserve * 0.1 * depth,
        };
        depths.iter().enumerate().filter(|(_, depth)| **depth > 0.0).map(bin).collect()
    };
    let price = reserves[1] / reserves[0];
    TestPool { mints, segments: [side(price, reserves[0]), side(1.0 / price, reserves[1])] }
}

/// Relative price of each mint: units differ, as decimals do.
fn unit(mint: u32) -> f64 {
    10_f64.powi(i32::try_from(mint % 5).unwrap() * 2 - 4)
}

fn pool(mints: u32, kinds: u32) -> impl Strategy<Value = TestPool> {
    let depths = prop::collection::vec(prop_oneof![1 => Just(0.0), 4 => 0.1..3.0], 1..12);
    (0..mints, 1..mints, 5.0..16.0, -0.2..0.2, 0.0..0.01, 0..kinds, depths).prop_map(
        move |(a, step, size, noise, fee, kind, depths): (u32, u32, f64, f64, f64, u32, Vec<f64>)| {
            let mints = [a, (a + step) % mints];
            let reserves = [size.exp() * noise.exp() / unit(mints[0]), size.exp() / unit(mints[1])];
            match kind {
                0 => constant_product(mints, reserves, fee),
                1 => ranges(mints, reserves, fee, &depths),
                _ => bins(mints, reserves, fee, &depths),
            }
        },
    )
}

fn pools(kinds: u32) -> impl Strategy<Value = (u32, Vec<TestPool>)> {
    (2..9_u32).prop_flat_map(move |mints| (Just(mints), prop::collection::vec(pool(mints, kinds), 0..40)))
}

/// Checks that a plan is what it says: amounts on the curves, no mint owed, the value it states.
fn check(mints: u32, pools: &[TestPool], objective: Objective<'_>, solution: &Solution) {
    let mut nets = vec![0.0; mints as usize];
    let mut through = vec![0.0; mints as usize];
    let mut values = vec![0.0; mints as usize];
    match objective {
        Objective::Arbitrage { values: given } => values.copy_from_slice(given),
        Objective::Trade { mint_in, mint_out, amount_in } => {
            nets[mint_in as usize] += amount_in;
            values[mint_out as usize] = 1.0;
        }
    }
    for (flow, pool) in solution.flows.iter().zip(pools) {
        let side = usize::from(!flow.a_to_b);
        let expected = output(&pool.segments[side], flow.amount_in);
        assert!(flow.amount_in >= 0.0 && (flow.amount_out - expected).abs() <= 1e-12 * expected, "{flow:?}");
        let (from, to) = (pool.mints[side] as usize, pool.mints[1 - side] as usize);
        nets[from] -= flow.amount_in;
        nets[to] += flow.amount_out;
        through[from] += flow.amount_in;
    }
    for (net, through) in nets.iter().zip(&through) {
        assert!(*net >= -1e-12 * through, "a mint is owed {net} of {through}");
    }
    let value: f64 = values.iter().zip(&nets).map(|(value, net)| value * net.max(0.0)).sum();
    let turnover: f64 = solution.prices.iter().zip(&through).map(|(price, through)| price * through).sum();
    assert!((value - solution.value).abs() <= 1e-12 * turnover.max(value), "{value} {}", solution.value);
    assert!(
        solution.value <= solution.bound + 1e-12 * turnover.max(solution.bound),
        "{} {}",
        solution.value,
        solution.bound
    );
    assert_eq!((solution.flows.len(), solution.prices.len()), (pools.len(), mints as usize));
}

proptest! {
    #![proptest_config(property_config::cases(300))]

    #[test]
    fn plans_through_constant_product_pools_reach_their_bounds(
        (mints, pools) in pools(1), amount in 0.0..1e6_f64, values in prop::collection::vec(0.0..2.0_f64, 9)
    ) {
        let last = mints - 1;
        let values: Vec<f64> = (0..mints).map(|mint| values[mint as usize].floor() * unit(mint)).collect();
        for objective in [
            Objective::Arbitrage { values: &values },
            Objective::Trade { mint_in: last, mint_out: 0, amount_in: amount / unit(last) },
        ] {
            let solution = solve(mints as usize, &pools, objective);
            check(mints, &pools, objective, &solution);
            prop_assert!(solution.converged, "{} {} after {}", solution.value, solution.bound, solution.iterations);
        }
    }

    // No gap is asserted: where cycles gain more of a mint than pools that end can turn into value, its
    // price falls to nothing, and the search may end without a plan near its bound, saying so.
    #[test]
    fn plans_through_pools_that_end_are_feasible((mints, pools) in pools(3), amount in 0.0..1e6_f64) {
        let mut values = vec![0.0; mints as usize];
        values[0] = 1.0;
        let last = mints - 1;
        for objective in [
            Objective::Arbitrage { values: &values },
            Objective::Trade { mint_in: last, mint_out: 0, amount_in: amount / unit(last) },
        ] {
            let solution = solve(mints as usize, &pools, objective);
            check(mints, &pools, objective, &solution);
        }
    }

    #[test]
    fn another_pool_is_never_worse((mints, pools) in pools(1), amount in 0.0..1e6_f64) {
        prop_assume!(!pools.is_empty());
        let last = mints - 1;
        let objective = Objective::Trade { mint_in: last, mint_out: 0, amount_in: amount / unit(last) };
        let fewer = solve(mints as usize, &pools[1..], objective);
        let more = solve(mints as usize, &pools, objective);
        prop_assert!(more.value >= fewer.value * (1.0 - 2e-8) - 1e-6);
    }

    #[test]
    fn a_solver_that_was_used_answers_as_a_new_one((mints, pools) in pools(3), (others, other_pools) in pools(3)) {
        let objective = Objective::Trade { mint_in: mints - 1, mint_out: 0, amount_in: 1e4 };
        let mut used = Solver::new();
        let other = Objective::Trade { mint_in: others - 1, mint_out: 0, amount_in: 1.0 };
        used.solve(&network(others as usize, &other_pools), other).unwrap();
        let answer = used.solve(&network(mints as usize, &pools), objective).unwrap();
        prop_assert_eq!(answer, solve(mints as usize, &pools, objective));
    }

    #[test]
    fn a_single_cycle_gains_what_its_composed_curve_does(
        logs in prop::array::uniform6(10.0..14.0_f64), fee in 0.0..0.01_f64
    ) {
        let reserves = logs.map(f64::exp);
        // Hop k swaps mint k for mint k + 1; maps `rate * x / (1 + bend * x)` compose to such a map.
        let (mut rate, mut bend) = (1.0, 0.0);
        let mut pools = Vec::new();
        for hop in 0..3 {
            let [reserve_in, reserve_out] = [reserves[2 * hop], reserves[2 * hop + 1]];
            bend += rate * (1.0 - fee) / reserve_in;
            rate *= (1.0 - fee) * reserve_out / reserve_in;
            let mints = [hop, (hop + 1) % 3].map(|mint| u32::try_from(mint).unwrap());
            pools.push(constant_product(mints, [reserve_in, reserve_out], fee));
        }
        let gain = if rate > 1.0 { (rate.sqrt() - 1.0).powi(2) / bend } else { 0.0 };
        let solution = solve(3, &pools, Objective::Arbitrage { values: &[1.0, 0.0, 0.0] });
        prop_assume!(rate <= 1.0 || gain > 1e-6); // below, or the other way round
        if rate > 1.0 {
            prop_assert!((solution.value - gain).abs() <= 1e-8 * gain, "{} {gain}", solution.value);
        }
        prop_assert!(solution.converged);
    }

    #[test]
    fn splits_between_two_pools_equal_a_grid(
        one in pool(2, 3), other in pool(2, 3), share in 0.0..1.0_f64
    ) {
        let pools = [one, other];
        let sides = [0, 1].map(|at: usize| &pools[at].segments[usize::from(pools[at].mints[0] != 1)]);
        let capacity: f64 = sides.iter().flat_map(|side| side.iter()).map(|segment| segment.max_in.min(segment.base)).sum();
        let amount = share * capacity;
        let objective = Objective::Trade { mint_in: 1, mint_out: 0, amount_in: amount };
        let solution = solve(2, &pools, objective);
        let grid = (0..=1000_u32)
            .map(|step| amount * f64::from(step) / 1000.0)
            .map(|first| output(sides[0], first) + output(sides[1], amount - first))
            .fold(0.0, f64::max);
        prop_assert!(solution.value >= grid * (1.0 - 1e-5), "{} {grid}", solution.value);
    }
}

// ---- single cases

/// Pools (1000, 2000) and (1500, 1000) without fees, as in `sizing`.
fn two_pools() -> Vec<TestPool> {
    vec![constant_product([0, 1], [1000.0, 2000.0], 0.0), constant_product([1, 0], [1500.0, 1000.0], 0.0)]
}

#[test]
fn two_pools_gain_the_known_closed_form() {
    let input = ((2_000_000.0_f64 * 1_500_000.0).sqrt() - 1_500_000.0) / 3500.0;
    let gain = 2_000_000.0 * input / (1_500_000.0 + 3500.0 * input) - input;
    let solution = solve(2, &two_pools(), Objective::Arbitrage { values: &[1.0, 0.0] });
    assert!(solution.converged);
    assert!((solution.value - gain).abs() < 1e-9 * gain);
    let first = solution.flows[0];
    assert!(first.a_to_b && (first.amount_in - input).abs() < 1e-9 * input);
    // Prices are the pools' marginal rates after the swaps.
    let rate = 2000.0 * 1000.0 / (1000.0 + input).powi(2);
    assert!((solution.prices[0] - rate * solution.prices[1]).abs() < 1e-9);
}

#[test]
fn a_trade_through_one_pool_equals_its_curve() {
    let pool = constant_product([0, 1], [1e9, 3e6], 0.003);
    let objective = Objective::Trade { mint_in: 1, mint_out: 0, amount_in: 12_345.0 };
    let solution = solve(2, std::slice::from_ref(&pool), objective);
    let expected = output(&pool.segments[1], 12_345.0);
    assert!((solution.value - expected).abs() < 1e-9 * expected && solution.converged);
    assert!(!solution.flows[0].a_to_b);
}

#[test]
fn networks_without_a_gain_are_worth_nothing() {
    let even = |mints| constant_product(mints, [1e6, 1e6], 0.003);
    let triangle = [even([0, 1]), even([1, 2]), even([2, 0])];
    for pools in [&triangle[..], &triangle[..1], &[]] {
        for values in [[1.0, 0.0, 0.0, 0.0], [1.0; 4], [0.0; 4]] {
            let solution = solve(4, pools, Objective::Arbitrage { values: &values });
            assert_eq!((solution.value, solution.converged), (0.0, true));
            assert!(solution.flows.iter().all(|flow| (flow.amount_in, flow.amount_out) == (0.0, 0.0)));
            assert_eq!(solution.prices.len(), 4);
        }
    }
    assert_eq!(solve(0, &[], Objective::Arbitrage { values: &[] }).value, 0.0);
}

#[test]
fn trades_that_lead_nowhere_give_nothing() {
    let pools = [constant_product([0, 1], [1e6, 1e6], 0.003), constant_product([2, 3], [1e6, 1e6], 0.003)];
    let trade = |mint_in, mint_out, amount_in| {
        let solution = solve(5, &pools, Objective::Trade { mint_in, mint_out, amount_in });
        assert!(solution.converged, "{mint_in} to {mint_out}");
        solution.value
    };
    assert_eq!(trade(0, 2, 1e5), 0.0);
    assert_eq!(trade(0, 4, 1e5), 0.0);
    assert_eq!(trade(4, 0, 1e5), 0.0);
    assert_eq!(trade(0, 1, 0.0), 0.0);
    assert!(trade(0, 1, 1.0) > 0.9);
    // With nothing to pay with, what a cycle gains is left.
    let solution = solve(2, &two_pools(), Objective::Trade { mint_in: 1, mint_out: 0, amount_in: 0.0 });
    assert!(solution.value > 10.0);
}

#[test]
fn an_input_beyond_all_liquidity_is_spent_as_far_as_it_goes() {
    let pool = bins([0, 1], [1e6, 1e6], 0.001, &[1.0, 1.0, 0.5]);
    let capacity: f64 = pool.segments[0].iter().map(|segment| segment.max_in).sum();
    for pools in [vec![pool.clone()], vec![ranges([0, 1], [1e6, 1e6], 0.001, &[1.0, 1.0])], vec![pool; 3]] {
        let objective = Objective::Trade { mint_in: 0, mint_out: 1, amount_in: 100.0 * capacity };
        let solution = solve(2, &pools, objective);
        let expected: f64 = pools.iter().map(|pool| output(&pool.segments[0], f64::INFINITY)).sum();
        assert!((solution.value - expected).abs() <= 1e-8 * expected, "{} {expected}", solution.value);
        assert!(solution.converged);
    }
}

#[test]
fn pools_of_one_direction_lead_only_there() {
    let mut one_way = constant_product([0, 1], [1e6, 1e6], 0.0);
    one_way.segments[1].clear();
    let pools = [one_way];
    let there = solve(2, &pools, Objective::Trade { mint_in: 0, mint_out: 1, amount_in: 10.0 });
    let back = solve(2, &pools, Objective::Trade { mint_in: 1, mint_out: 0, amount_in: 10.0 });
    assert!(there.value > 9.9 && there.converged);
    assert_eq!((back.value, back.converged), (0.0, true));
    assert_eq!(back.prices, [1.0, 0.0]);
}

#[test]
fn a_rising_rate_ends_a_direction() {
    let flat = |gain: f64| Segment { gain, base: 1.0, drag: 0.0, max_in: 100.0 };
    let pool = TestPool { mints: [0, 1], segments: [vec![flat(0.5), flat(0.9)], Vec::new()] };
    let solution = solve(2, &[pool], Objective::Trade { mint_in: 0, mint_out: 1, amount_in: 1000.0 });
    assert!((solution.value - 50.0).abs() < 1e-9);
}

#[test]
fn pools_that_make_no_sense_are_refused_and_not_added() {
    let mut network = Network::new(2);
    let good = Segment { gain: 1.0, base: 1.0, drag: 1.0, max_in: 1.0 };
    let mut push = |a, b, segment| network.push_pool(a, b, |_, into| into.push(segment)).unwrap_err();
    assert_eq!(push(0, 2, good), RoutingError::UnknownMint { role: "mint_b", mint: 2, mints: 2 });
    assert_eq!(push(1, 1, good), RoutingError::SelfLoop { pool: 0, mint: 1 });
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        for segment in [
            Segment { gain: bad, ..good },
            Segment { base: bad, ..good },
            Segment { drag: bad, ..good },
            Segment { max_in: if bad > 0.0 { f64::NAN } else { bad }, ..good },
        ] {
            assert!(matches!(push(0, 1, segment), RoutingError::BadNumber { place: 0, .. }), "{segment:?}");
        }
    }
    let endless = Segment { drag: 0.0, max_in: f64::INFINITY, ..good };
    assert!(matches!(push(0, 1, endless), RoutingError::BadNumber { .. }));
    let gaining = push(0, 1, Segment { gain: 1.1, ..good });
    assert!(matches!(gaining, RoutingError::RoundTripGains { pool: 0, .. }));
    let mut push = |reserves, fee| network.push_constant_product([0, 1], reserves, fee).unwrap_err();
    for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        assert!(push([bad, 1.0], 0.0).to_string().starts_with("reserve_a of pool 0 is"));
        assert!(push([1.0, bad], 0.0).to_string().starts_with("reserve_b of pool 0 is"));
    }
    for bad in [f64::NAN, 1.0, -0.1] {
        assert!(push([1.0, 1.0], bad).to_string().starts_with("fee of pool 0 is"));
    }
    assert_eq!(network.pool_count(), 0);
    network.push_constant_product([0, 1], [1.0, 2.0], 0.0).unwrap();
    assert_eq!(network.pool_mints(0), Some((0, 1)));
}

#[test]
fn objectives_that_make_no_sense_are_refused() {
    let network = network(2, &two_pools());
    let mut solver = Solver::new();
    let mut refused = |objective: Objective<'_>| solver.solve(&network, objective).unwrap_err();
    let trade = |mint_in, mint_out, amount_in| Objective::Trade { mint_in, mint_out, amount_in };
    assert_eq!(refused(trade(2, 0, 1.0)), RoutingError::UnknownMint { role: "mint_in", mint: 2, mints: 2 });
    assert_eq!(refused(trade(0, 2, 1.0)), RoutingError::UnknownMint { role: "mint_out", mint: 2, mints: 2 });
    assert_eq!(refused(trade(1, 1, 1.0)), RoutingError::SameMint(1));
    assert_eq!(
        refused(Objective::Arbitrage { values: &[1.0] }),
        RoutingError::WrongLength { found: 1, mints: 2 }
    );
    for bad in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(matches!(refused(trade(0, 1, bad)), RoutingError::BadNumber { .. }));
        assert!(matches!(
            refused(Objective::Arbitrage { values: &[1.0, bad] }),
            RoutingError::BadNumber { place: 1, .. }
        ));
    }
}
