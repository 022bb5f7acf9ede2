//! Plans of several cycles: random constant-product markets, brute force, and pools by themselves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod property_config;
mod reserve_market;

use phantom_core::market::{Market, StandalonePool};
use phantom_core::plans::{
    Base, Method, Plan, PlanError, PlanLimits, PlannedRoute, joint_plan, values_against_first,
};
use phantom_core::quantities::Pubkey;
use phantom_core::swap::SwapRequest;
use proptest::prelude::*;
use reserve_market::{Reserves, market_of, mint};
use std::collections::HashMap;

fn base(number: u8, value: f64) -> Base {
    Base { mint: mint(number), value }
}

fn plan(market: &Market, limits: &PlanLimits) -> Plan {
    joint_plan(market, &[base(0, 1.0)], limits).unwrap()
}

/// Carries the cycles out on copies of the pools, apart from market and overlay.
fn repeat(market: &Market, cycles: &[PlannedRoute]) {
    let mut pools: HashMap<Pubkey, StandalonePool> = HashMap::new();
    for hop in cycles.iter().flat_map(|cycle| &cycle.hops) {
        let copy = || market.standalone(market.pool_index(&hop.pool).unwrap());
        let pool = pools.entry(hop.pool).or_insert_with(copy);
        let done = pool.swap(&SwapRequest::new(hop.amount_in, true, hop.a_to_b)).unwrap();
        assert_eq!(done.quote.user_out, hop.amount_out);
    }
}

fn checked(market: &Market, found: &Plan, bases: &[Base], limits: &PlanLimits) {
    repeat(market, &found.cycles);
    let mut profits: HashMap<Pubkey, i128> = bases.iter().map(|base| (base.mint, 0)).collect();
    assert!(found.cycles.len() <= limits.max_cycles);
    for cycle in &found.cycles {
        assert!((2..=limits.max_hops).contains(&cycle.hops.len()));
        assert!(cycle.amount_in() <= limits.max_amount_in);
        let start = cycle.hops[0].mint_in;
        assert_eq!(cycle.hops.last().unwrap().mint_out, start);
        for pair in cycle.hops.windows(2) {
            assert_eq!((pair[0].amount_out, pair[0].mint_out), (pair[1].amount_in, pair[1].mint_in));
        }
        let profit = i128::from(cycle.amount_out()) - i128::from(cycle.amount_in());
        assert!(profit >= i128::from(limits.min_profit.max(1)));
        *profits.get_mut(&start).unwrap() += profit;
    }
    assert_eq!(found.profits.iter().copied().collect::<HashMap<_, _>>(), profits);
    assert!(found.value >= found.sequential_value && found.value >= found.joint_value);
    let expected = if found.method == Method::Joint { found.joint_value } else { found.sequential_value };
    assert!((found.value - expected).abs() <= f64::EPSILON * expected);
    if let Some(bound) = found.bound {
        assert!(found.value <= bound * (1.0 + 1e-9) + 1e-6, "{} above {bound}", found.value);
    }
}

fn reserves() -> impl Strategy<Value = [u64; 2]> {
    [100_000_u64..3_000_000, 100_000_u64..3_000_000]
}

proptest! {
    #![proptest_config(property_config::cases(64))]

    #[test]
    fn random_plans_repeat_exactly_and_keep_their_limits(
        pools in prop::collection::vec((0..5_u8, 1..5_u8, reserves()), 2..14),
        max_hops in 2..=4_usize,
        max_cycles in 1..=12_usize,
        max_amount_in in prop::sample::select(vec![20_000_u64, u64::MAX]),
        min_profit in prop::sample::select(vec![0_u64, 1000]),
        second_base in prop::option::of(0.1_f64..10.0),
    ) {
        let pools: Vec<Reserves> =
            pools.into_iter().map(|(a, step, balances)| Reserves { mints: [a, (a + step) % 5], balances }).collect();
        let market = market_of(&pools);
        let limits = PlanLimits { max_hops, max_cycles, max_amount_in, min_profit, ..PlanLimits::default() };
        let bases: Vec<Base> = [Some(base(0, 1.0)), second_base.map(|value| base(1, value))]
            .into_iter()
            .flatten()
            .filter(|base| market.mint_index(&base.mint).is_some())
            .collect();
        if !bases.is_empty() {
            checked(&market, &joint_plan(&market, &bases, &limits).unwrap(), &bases, &limits);
        }
    }

    #[test]
    fn cycles_that_share_a_pool_are_sized_together(
        rich in 1_200_000_u64..3_000_000,
        first in 300_000_u64..2_000_000,
        second in 300_000_u64..2_000_000,
    ) {
        // Base to mint 1 is cheap in one pool, and both others buy it back.
        let pools = [
            Reserves { mints: [0, 1], balances: [1_000_000, rich] },
            Reserves { mints: [1, 0], balances: [first, first] },
            Reserves { mints: [1, 0], balances: [second, second] },
        ];
        let market = market_of(&pools);
        let limits = PlanLimits::default();
        let found = plan(&market, &limits);
        checked(&market, &found, &[base(0, 1.0)], &limits);
        let best = best_of_grid(&pools);
        // Each of four swaps loses up to a unit, the fee's rounding another, of the order of the base's.
        prop_assert!(found.value + 12.0 >= best, "{} below {best}", found.value);
    }
}

fn out(reserve_in: f64, reserve_out: f64, amount: f64) -> f64 {
    let net = amount * 0.9975;
    reserve_out * net / (reserve_in + net)
}

/// The most that two cycles through the first pool gain: all pairs of inputs on a grid. The first swap's
/// fee stays in the pool, so the second gets less than the rest of one swap of both.
fn best_of_grid(pools: &[Reserves; 3]) -> f64 {
    let side = |place: usize, side: usize| pools[place].balances[side] as f64;
    let mut best = 0.0_f64;
    for step in 1..1000 {
        let amount_in = 750.0 * f64::from(step);
        for share in 0..=200 {
            let first = amount_in * f64::from(share) / 200.0;
            let middle = out(side(0, 0), side(0, 1), first);
            let rest = out(side(0, 0) + first, side(0, 1) - middle, amount_in - first);
            let back = out(side(1, 0), side(1, 1), middle) + out(side(2, 0), side(2, 1), rest);
            best = best.max(back - amount_in);
        }
    }
    best
}

fn crossed() -> Vec<Reserves> {
    vec![
        Reserves { mints: [0, 1], balances: [1_000_000, 2_000_000] },
        Reserves { mints: [1, 0], balances: [1_000_000, 1_000_000] },
        Reserves { mints: [1, 2], balances: [1_000_000, 1_000_000] },
        Reserves { mints: [2, 0], balances: [1_000_000, 1_000_000] },
    ]
}

#[test]
fn joint_beats_one_after_the_other_where_cycles_share_a_pool() {
    let market = market_of(&crossed());
    let limits = PlanLimits { max_cycles: 2, ..PlanLimits::default() };
    let found = plan(&market, &limits);
    checked(&market, &found, &[base(0, 1.0)], &limits);
    assert_eq!((found.method, found.cycles.len()), (Method::Joint, 2));
    assert!(found.joint_value > found.sequential_value, "{found:?}");
    // The bound knows of one swap through the shared pool, the plan needs two.
    assert!(found.value > 0.9995 * found.bound.unwrap(), "{found:?}");
}

#[test]
fn a_capped_cycle_comes_again_and_a_market_in_balance_gives_no_plan() {
    let market = market_of(&crossed()[..2]);
    let whole = plan(&market, &PlanLimits::default());
    assert_eq!(whole.cycles.len(), 1);
    let cap = whole.cycles[0].amount_in() / 3;
    let capped = plan(&market, &PlanLimits { max_amount_in: cap, ..PlanLimits::default() });
    assert!(capped.cycles.len() >= 3 && capped.cycles.iter().all(|cycle| cycle.amount_in() <= cap));
    assert!(capped.value >= 0.99 * whole.value, "{} {} {:?}", capped.value, whole.value, capped.cycles);
    let even = market_of(&crossed()[1..]);
    let nothing = plan(&even, &PlanLimits::default());
    assert_eq!((nothing.cycles.len(), nothing.value), (0, 0.0));
}

#[test]
fn bad_questions_are_refused_with_their_values() {
    let market = market_of(&crossed());
    let ask = |bases: &[Base], limits: PlanLimits| joint_plan(&market, bases, &limits).unwrap_err();
    let plain = PlanLimits::default;
    let unknown = PlanError::UnknownMint { role: "base mint", mint: mint(9) };
    assert_eq!(ask(&[base(9, 1.0)], plain()), unknown);
    assert_eq!(ask(&[base(0, 1.0), base(0, 2.0)], plain()), PlanError::SameMint(mint(0)));
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(ask(&[base(0, value)], plain()), PlanError::BadValue { .. }));
    }
    for limits in [PlanLimits { max_hops: 5, ..plain() }, PlanLimits { max_cycles: 0, ..plain() }] {
        assert!(matches!(ask(&[base(0, 1.0)], limits), PlanError::OutOfRange { .. }));
    }
    assert!(matches!(ask(&[], plain()), PlanError::OutOfRange { found: 0, .. }));
    let values = values_against_first(&market, &[mint(0), mint(1)]).unwrap();
    assert!((values[1] - 0.5).abs() < 1e-12, "the pool with twice as much of mint 1 is the deeper one");
    let lonely = market_of(&[crossed()[0], Reserves { mints: [1, 3], balances: [5_000_000, 5_000_000] }]);
    let not_known = PlanError::NoValue { mint: mint(3), against: mint(0) };
    assert_eq!(values_against_first(&lonely, &[mint(0), mint(3)]), Err(not_known));
}
