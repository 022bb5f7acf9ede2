//! Trades over several pools: random constant-product markets against brute force.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod property_config;
mod reserve_market;

use phantom_core::market::Market;
use phantom_core::plans::{PlanError, PlannedRoute, PoolFilter, Trade, TradeOptions, best_trade, requote};
use phantom_core::quantities::Pubkey;
use proptest::prelude::*;
use reserve_market::{Reserves, market_of, mint, pool_address};

fn options(max_hops: usize, max_legs: usize) -> TradeOptions {
    TradeOptions { max_hops, max_legs, ..TradeOptions::default() }
}

fn trade(market: &Market, from: u8, to: u8, amount: u64, options: &TradeOptions) -> Result<Trade, PlanError> {
    best_trade(market, &mint(from), &mint(to), amount, options)
}

/// What a constant-product pool gives, in plain arithmetic.
fn pool_out(pool: &Reserves, from: u8, amount: u64) -> u64 {
    let (reserve_in, reserve_out) = if pool.mints[0] == from {
        (pool.balances[0], pool.balances[1])
    } else {
        (pool.balances[1], pool.balances[0])
    };
    let fee = (u128::from(amount) * 25).div_ceil(10_000);
    let net = u128::from(amount) - fee;
    u64::try_from(u128::from(reserve_out) * net / (u128::from(reserve_in) + net)).unwrap()
}

fn checked(market: &Market, found: &Trade) {
    let sum_in: u64 = found.routes.iter().map(PlannedRoute::amount_in).sum();
    let sum_out: u64 = found.routes.iter().map(PlannedRoute::amount_out).sum();
    assert_eq!((sum_in, sum_out), (found.amount_in, found.amount_out));
    assert!(found.best_single_route.is_none_or(|single| single <= found.amount_out));
    for route in &found.routes {
        assert!(route.amount_in() > 0);
        assert_eq!(
            (route.hops[0].mint_in, route.hops.last().unwrap().mint_out),
            (found.mint_in, found.mint_out)
        );
        for pair in route.hops.windows(2) {
            assert_eq!((pair[0].amount_out, pair[0].mint_out), (pair[1].amount_in, pair[1].mint_in));
        }
    }
    let named: Vec<(Vec<(Pubkey, Pubkey)>, u64)> = found
        .routes
        .iter()
        .map(|route| (route.hops.iter().map(|hop| (hop.pool, hop.mint_in)).collect(), route.amount_in()))
        .collect();
    assert_eq!(requote(market, &named).unwrap(), found.routes);
    if let Some(bound) = found.bound {
        assert!(found.amount_out as f64 <= bound * (1.0 + 1e-9) + 1e-6, "{} above {bound}", found.amount_out);
    }
}

fn reserves() -> impl Strategy<Value = [u64; 2]> {
    [10_000_u64..3_000_000, 10_000_u64..3_000_000]
}

proptest! {
    #![proptest_config(property_config::cases(64))]

    #[test]
    fn two_or_three_pools_share_as_brute_force_does(
        balances in prop::collection::vec(reserves(), 2..=3),
        amount in 1_000_u64..400_000,
    ) {
        let pools: Vec<Reserves> = balances.iter().map(|&balances| Reserves { mints: [0, 1], balances }).collect();
        let market = market_of(&pools);
        let found = trade(&market, 0, 1, amount, &options(3, 4)).unwrap();
        checked(&market, &found);
        // All divisions in steps of a two-hundredth.
        let mut best = 0;
        for first in 0..=200_u64 {
            for second in 0..=200 - first {
                if pools.len() == 2 && first + second != 200 {
                    continue;
                }
                let (x, y) = (amount * first / 200, amount * second / 200);
                let parts = if pools.len() == 2 { vec![x, amount - x] } else { vec![x, y, amount - x - y] };
                best = best.max(pools.iter().zip(parts).map(|(pool, part)| pool_out(pool, 0, part)).sum());
            }
        }
        // Fee and output round in every leg: it may miss what one unit of its input is worth.
        let rounding = pools.len() as u64 * (best / amount + 1);
        prop_assert!(found.amount_out + rounding >= best, "{} below {best}", found.amount_out);
    }

    #[test]
    fn random_networks_never_lose_to_a_single_route_and_repeat_exactly(
        pools in prop::collection::vec((0..5_u8, 1..5_u8, reserves()), 1..14),
        amount in 1_u64..500_000,
        max_hops in 1..=4_usize,
        max_legs in 1..=5_usize,
        leg_cost in prop::sample::select(vec![0_u64, 50]),
    ) {
        let pools: Vec<Reserves> =
            pools.into_iter().map(|(a, step, balances)| Reserves { mints: [a, (a + step) % 5], balances }).collect();
        let market = market_of(&pools);
        let wanted = TradeOptions { leg_cost, ..options(max_hops, max_legs) };
        let single = best_single(&pools, 0, 1, amount, max_hops, &mut vec![0]);
        match trade(&market, 0, 1, amount, &wanted) {
            Ok(found) => {
                checked(&market, &found);
                prop_assert!(found.routes.len() <= max_legs);
                prop_assert!(found.routes.iter().all(|route| route.hops.len() <= max_hops));
                prop_assert_eq!(found.best_single_route, single);
                let cost = leg_cost * (found.routes.len() as u64 - 1);
                prop_assert!(found.amount_out >= single.unwrap_or(0) + cost);
                prop_assert!(found.price_impact_bps > -1.0 && found.price_impact_bps < 1e4);
            }
            Err(PlanError::NoRoute { .. } | PlanError::NoOutput { .. } | PlanError::UnknownMint { .. }) => {
                prop_assert_eq!(single, None);
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

/// The most that a simple route gives: every combination of pools.
fn best_single(
    pools: &[Reserves],
    at: u8,
    end: u8,
    amount: u64,
    hops: usize,
    been: &mut Vec<u8>,
) -> Option<u64> {
    if at == end {
        return Some(amount);
    }
    if hops == 0 {
        return None;
    }
    let mut best = None;
    for pool in pools {
        let to = match pool.mints {
            [a, b] if a == at => b,
            [a, b] if b == at => a,
            _ => continue,
        };
        let out = pool_out(pool, at, amount);
        if been.contains(&to) || out == 0 {
            continue;
        }
        been.push(to);
        best = best.max(best_single(pools, to, end, out, hops - 1, been));
        been.pop();
    }
    best
}

fn two_ways() -> Vec<Reserves> {
    vec![
        Reserves { mints: [0, 1], balances: [1_000_000, 1_000_000] },
        Reserves { mints: [0, 2], balances: [1_000_000, 1_000_000] },
        Reserves { mints: [2, 1], balances: [1_000_000, 1_000_000] },
        Reserves { mints: [2, 1], balances: [500_000, 500_000] },
    ]
}

#[test]
fn routes_that_share_a_pool_do_not_count_it_twice() {
    let market = market_of(&two_ways());
    let found = trade(&market, 0, 1, 400_000, &options(3, 4)).unwrap();
    checked(&market, &found);
    let through =
        |pool| found.routes.iter().filter(|route| route.hops.iter().any(|hop| hop.pool == pool)).count();
    assert_eq!(through(pool_address(1)), 2, "{found:?}");
    assert!(found.amount_out > found.best_single_route.unwrap());
}

#[test]
fn limits_and_filters_hold() {
    let market = market_of(&two_ways());
    let direct = trade(&market, 0, 1, 400_000, &options(1, 4)).unwrap();
    assert_eq!(direct.routes.len(), 1);
    assert_eq!(direct.amount_out, pool_out(&two_ways()[0], 0, 400_000));
    let filtered = |pools| trade(&market, 0, 1, 400_000, &TradeOptions { pools, ..options(3, 4) });
    let around =
        filtered(PoolFilter { without_pools: vec![pool_address(0)], ..PoolFilter::default() }).unwrap();
    assert!(around.routes.iter().all(|route| route.hops.len() == 2));
    let straight = filtered(PoolFilter { without_mints: vec![mint(2)], ..PoolFilter::default() }).unwrap();
    assert_eq!(straight, direct);
    let only = filtered(PoolFilter { only_pools: vec![pool_address(0)], ..PoolFilter::default() }).unwrap();
    assert_eq!(only.amount_out, direct.amount_out);
    let named = |name: &str| PoolFilter { only_venues: vec![name.to_owned()], ..PoolFilter::default() };
    assert!(filtered(named("raydium_amm_v4")).is_ok());
    assert!(matches!(filtered(named("orca_whirlpool")), Err(PlanError::NoRoute { .. })));
    assert!(matches!(filtered(named("uniswap")), Err(PlanError::UnknownVenue(name)) if name == "uniswap"));
    // A leg must pay for itself: the gain of all further legs together is below this.
    let dear = TradeOptions { leg_cost: 400_000, ..options(3, 4) };
    assert_eq!(trade(&market, 0, 1, 400_000, &dear).unwrap().routes.len(), 1);
}

#[test]
fn questions_without_an_answer_are_refused_with_their_values() {
    let market = market_of(&two_ways());
    let plain = options(3, 4);
    assert_eq!(trade(&market, 0, 0, 5, &plain), Err(PlanError::SameMint(mint(0))));
    assert_eq!(trade(&market, 0, 1, 0, &plain), Err(PlanError::ZeroAmount));
    assert_eq!(
        trade(&market, 0, 9, 5, &plain),
        Err(PlanError::UnknownMint { role: "mint_out", mint: mint(9) })
    );
    for (hops, legs) in [(0, 1), (5, 1), (1, 0), (1, 9)] {
        assert!(matches!(trade(&market, 0, 1, 5, &options(hops, legs)), Err(PlanError::OutOfRange { .. })));
    }
    // One unit is the fee.
    let (mint_in, mint_out) = (mint(0), mint(1));
    assert_eq!(trade(&market, 0, 1, 1, &plain), Err(PlanError::NoOutput { mint_in, mint_out, amount_in: 1 }));
    let gone = PoolFilter { only_pools: vec![pool_address(77)], ..PoolFilter::default() };
    let asked = trade(&market, 0, 1, 5, &TradeOptions { pools: gone, ..plain });
    assert!(matches!(asked, Err(PlanError::Quote(_))));
}

#[test]
fn a_pool_that_vanishes_takes_no_part_and_breaks_old_plans() {
    let mut market = market_of(&two_ways());
    let before = trade(&market, 0, 1, 400_000, &options(3, 4)).unwrap();
    market.apply(phantom_core::market::AccountWrite { pubkey: pool_address(0), slot: 2, account: None });
    let after = trade(&market, 0, 1, 400_000, &options(3, 4)).unwrap();
    checked(&market, &after);
    assert!(after.amount_out < before.amount_out);
    assert!(after.routes.iter().all(|route| route.hops.iter().all(|hop| hop.pool != pool_address(0))));
    let old = vec![(vec![(pool_address(0), mint(0))], 5_000)];
    assert!(matches!(requote(&market, &old), Err(PlanError::Quote(_))));
    let broken = vec![(vec![(pool_address(1), mint(0)), (pool_address(2), mint(1))], 5_000)];
    assert!(matches!(requote(&market, &broken), Err(PlanError::Broken { route: 0, hop: 1, .. })));
}
