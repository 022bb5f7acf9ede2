//! The engine from outside: openings, fills, set-aside pools, and interleavings of endpoints.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod property_config;

use std::sync::Arc;

use common::*;
use phantom_core::cycle_finder::edge_of;
use phantom_core::engine::{
    BaseMint, Costs, Engine, EngineConfig, Signal, Stage, TakeError, candidate_fields,
};
use phantom_core::jit_compiler::{RuleSet, compile_rules};
use phantom_core::market::{AccountWrite, MarketConfig, SetAside, UPGRADEABLE_LOADER};
use phantom_core::pda;
use phantom_core::quantities::Pubkey;
use phantom_core::scorer::Reason;
use phantom_core::token_firewall::TokenRules;
use phantom_core::wss_aggregator::{EndpointId, Verdict};
use proptest::prelude::*;

const FEE: u16 = 3000;
const DEEP: u128 = 1 << 60;

fn sol() -> Pubkey {
    WRAPPED_SOL.parse().unwrap()
}

/// An engine that knows two pools of wrapped SOL against one mint, subscribed at one endpoint.
struct Rig {
    engine: Engine,
    endpoint: EndpointId,
    pools: [Pubkey; 2],
    slot: u64,
    signals: Vec<Signal>,
}

fn tick_arrays(pool: Pubkey, tick: i32) -> Vec<Pubkey> {
    let span = 88 * 64;
    let program = WHIRLPOOL.parse().unwrap();
    (-2..=3)
        .map(|offset| (tick.div_euclid(span) + offset) * span)
        .map(|start| pda::whirlpool_tick_array(&program, &pool, start).unwrap().0)
        .collect()
}

impl Rig {
    fn new() -> Self {
        let base_mints = vec![BaseMint { mint: sol(), max_amount_in: u64::MAX }];
        let market = MarketConfig { assume_plain_mints: true, complete: false };
        let mut engine = Engine::new(EngineConfig { market, base_mints, ..EngineConfig::default() }).unwrap();
        let endpoint = engine.endpoint("rpc-a");
        engine.connect(endpoint);
        let pools = [key(101), key(102)];
        let mut rig = Self { engine, endpoint, pools, slot: 100, signals: Vec::new() };
        for (id, pool) in (1..).zip(pools) {
            rig.engine.request(endpoint, subscribe(id, pool).as_bytes()).unwrap();
            assert_eq!(rig.ingest(&confirmation(id, 10 + id)), Verdict::Control);
        }
        rig
    }

    fn ingest(&mut self, frame: &str) -> Verdict {
        self.engine.ingest(self.endpoint, frame.as_bytes(), &mut self.signals)
    }

    /// Tells the engine that none of the tick arrays around `tick` exists.
    fn read_arrays_as_absent(&mut self, tick: i32) {
        let keys: Vec<Pubkey> = self.pools.iter().flat_map(|&pool| tick_arrays(pool, tick)).collect();
        self.engine.request(self.endpoint, read_accounts(7, &keys).as_bytes()).unwrap();
        let response = accounts_read(7, self.slot, &vec![None; keys.len()]);
        self.ingest(&response);
    }

    /// One recorded write of a pool at the next slot; returns the signals it led to.
    fn write(&mut self, pool: usize, tick: i32) -> Vec<Signal> {
        let data = pool_data(sol(), key(9), tick, DEEP, FEE);
        self.write_bytes(pool, WHIRLPOOL, &data)
    }

    fn write_bytes(&mut self, pool: usize, owner: &str, data: &[u8]) -> Vec<Signal> {
        self.slot += 1;
        self.signals.clear();
        let frame = notification(11 + pool as u64, self.slot, owner, data);
        assert_eq!(self.ingest(&frame), Verdict::Fresh);
        std::mem::take(&mut self.signals)
    }

    fn set_aside(&self, pool: usize) -> Option<&SetAside> {
        let index = self.engine.market().pool_index(&self.pools[pool]).unwrap();
        self.engine.market().pool(index).set_aside()
    }

    fn times(&self, reason: Reason) -> u64 {
        self.engine.scorer().counts().find(|&(known, _)| known == reason).unwrap().1
    }
}

/// Two pools at the same price, then the second moves by 2 %: an opening that pays.
fn open_rig() -> (Rig, Signal) {
    let mut rig = Rig::new();
    rig.read_arrays_as_absent(0);
    assert!(rig.write(0, 0).is_empty());
    assert!(rig.write(1, 0).is_empty());
    assert_eq!(rig.engine.openings(), (0, 0));
    let mut signals = rig.write(1, 200);
    assert_eq!(signals.len(), 1);
    (rig, signals.remove(0))
}

#[test]
fn signal_chains_exact_amounts_and_take_gives_the_same() {
    let (mut rig, signal) = open_rig();
    assert_eq!(signal.hops.len(), 2);
    assert_eq!(signal.hops[0].amount_out, signal.hops[1].amount_in);
    assert_eq!(signal.hops[0].amount_in, signal.candidate.amount_in);
    assert_eq!(signal.hops[1].amount_out, signal.amount_out());
    let amounts = rig.engine.take(&signal).unwrap();
    assert_eq!(amounts, [signal.candidate.amount_in, signal.hops[0].amount_out, signal.amount_out()]);
}

#[test]
fn a_denied_mint_gives_no_signal_and_is_not_taken() {
    let (mut rig, signal) = open_rig();
    let mut rules = TokenRules::default();
    rules.deny.insert(key(9));
    rig.engine.set_token_rules(rules).unwrap();
    let denied = TakeError::TokenDenied { mint: key(9), reason: "deny_list" };
    assert_eq!(rig.engine.take(&signal), Err(denied));
    assert!(rig.write(1, 201).is_empty());
    assert_eq!(rig.times(Reason::TokenDenied), 1);
    rig.engine.set_token_rules(TokenRules::default()).unwrap();
    let again = rig.write(1, 202);
    assert_eq!(again.len(), 1, "an unknown mint is fine inside of a cycle");
    assert_eq!(again[0].opening_id, signal.opening_id);
    rig.engine.take(&again[0]).unwrap();
}

fn rule_set(source: &str) -> Arc<RuleSet> {
    Arc::new(compile_rules(source, &candidate_fields(), None).unwrap())
}

#[test]
fn rules_refuse_from_the_next_candidate_on_and_score_what_they_let_through() {
    let (mut rig, signal) = open_rig();
    let source = "[[rule]]\nwhen = 'hops == 2 and net_profit > 0'\nrefuse = 'a pair'\n";
    rig.engine.set_rules(Some(rule_set(source))).unwrap();
    assert!(rig.write(1, 201).is_empty());
    assert_eq!(rig.times(Reason::RefusedByRule), 1);
    assert_eq!(rig.engine.rule_counts().collect::<Vec<_>>(), [("a pair", 1)]);
    let edges: Vec<_> = signal.hops.iter().map(|hop| edge_of(hop.pool, hop.a_to_b)).collect();
    let told = rig.engine.explain(&edges).unwrap();
    let detail = "a pair: `hops == 2 and net_profit > 0` at line 2, column 9";
    assert_eq!(told.reached, Some(Stage::AfterSizing));
    let found: Vec<_> = told.obstacles.iter().map(|one| (one.reason, one.detail.as_str())).collect();
    assert_eq!(found, [("refused_by_rule", detail)]);
    rig.engine.set_rules(Some(rule_set("score = 'slot + 0.5 * age'"))).unwrap();
    let told = rig.engine.explain(&edges).unwrap();
    let [again] = &rig.write(1, 202)[..] else { panic!("one signal") };
    assert_eq!(again.opening_id, signal.opening_id);
    assert_eq!(again.score.to_bits(), (again.slot as f64).to_bits());
    assert_eq!(told.assessment.unwrap().score.to_bits(), ((again.slot - 1) as f64).to_bits());
    rig.engine.set_rules(None).unwrap();
    let [plain] = &rig.write(1, 203)[..] else { panic!("one signal") };
    assert!(plain.score.is_finite() && plain.score.to_bits() != (plain.slot as f64).to_bits());
    assert_eq!(rig.engine.rule_counts().collect::<Vec<_>>(), [("a pair", 1)]);
}

#[test]
fn a_rule_without_a_value_refuses_its_candidate_and_the_engine_goes_on() {
    let (mut rig, _) = open_rig();
    rig.engine.set_rules(Some(rule_set("verdict = '1 / (slot % 2) > 0'"))).unwrap();
    let found: Vec<usize> = [201, 202, 203, 204].map(|tick| rig.write(1, tick).len()).to_vec();
    assert_eq!(found.iter().sum::<usize>(), 2, "{found:?}");
    assert_eq!(rig.engine.rule_counts().collect::<Vec<_>>(), [("division_by_zero", 2)]);
}

#[test]
fn signal_of_a_market_that_has_moved_is_not_taken() {
    let (mut rig, signal) = open_rig();
    rig.write(1, 199);
    let digest = rig.engine.market().state_digest();
    assert!(matches!(rig.engine.take(&signal), Err(TakeError::Moved { .. })));
    assert_eq!(rig.engine.market().state_digest(), digest);
    assert!(rig.engine.market().pools().iter().all(|pool| !pool.is_filled()));
    assert_eq!(rig.write(1, 200).len(), 1, "the opening was not taken");
}

#[test]
fn fill_moves_the_market_that_quotes_see_until_the_next_recorded_write() {
    let (mut rig, signal) = open_rig();
    let quote =
        |rig: &Rig| rig.engine.market().quote(&rig.pools[1], &sol(), 1_000_000_000, true).unwrap().user_out;
    let before = quote(&rig);
    let digest = rig.engine.market().state_digest();
    rig.engine.take(&signal).unwrap();
    assert_ne!(quote(&rig), before);
    assert_eq!(rig.engine.market().state_digest(), digest, "the recorded state knows of no fill");
    rig.write(1, 200);
    assert_eq!(quote(&rig), before, "the recorded write, even an equal one, replaces the fill");
}

#[test]
fn cycle_is_taken_once_and_counts_again_only_after_it_has_closed() {
    let (mut rig, signal) = open_rig();
    rig.engine.take(&signal).unwrap();
    for tick in [210, 190, 300] {
        assert!(rig.write(1, tick).is_empty(), "still the same opening at tick {tick}");
    }
    assert_eq!(rig.times(Reason::AlreadyTaken), 3);
    assert_eq!(rig.engine.openings(), (1, 1));
    assert!(rig.write(1, 0).is_empty());
    assert_eq!(rig.engine.openings(), (1, 0));
    let again = rig.write(1, 200);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].opening_id, 2);
}

#[test]
fn signal_is_taken_once_even_when_the_market_is_as_it_was() {
    let (mut rig, signal) = open_rig();
    rig.engine.take(&signal).unwrap();
    rig.write(0, 0);
    rig.write(1, 200);
    let again = rig.engine.take(&signal);
    assert_eq!(again, Err(TakeError::Over { opening_id: signal.opening_id }));
}

#[test]
fn signal_of_a_closed_opening_is_not_taken() {
    let (mut rig, signal) = open_rig();
    rig.write(1, 0);
    assert!(matches!(rig.engine.take(&signal), Err(TakeError::Over { .. })));
    let next = rig.write(1, 200).remove(0);
    assert!(
        matches!(rig.engine.take(&signal), Err(TakeError::Over { .. })),
        "the next opening is not its own"
    );
    rig.engine.take(&next).unwrap();
}

#[test]
fn tick_array_at_an_address_that_the_program_does_not_derive_is_refused() {
    let mut rig = Rig::new();
    rig.read_arrays_as_absent(0);
    rig.write(0, 0);
    rig.engine.request(rig.endpoint, read_accounts(7, &[key(77)]).as_bytes()).unwrap();
    let forged = empty_tick_array(rig.pools[0], 0);
    rig.ingest(&accounts_read(7, 102, &[Some((WHIRLPOOL, &forged))]));
    assert_eq!(rig.engine.counters().faults, [("impossible_field", 1)]);
}

#[test]
fn refused_signal_is_offered_again_on_the_next_update() {
    let (mut rig, signal) = open_rig();
    let again = rig.write(1, 210);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].opening_id, signal.opening_id);
}

#[test]
fn nothing_is_left_to_take_right_after_a_fill() {
    let (mut rig, signal) = open_rig();
    rig.engine.take(&signal).unwrap();
    let mut signals = Vec::new();
    rig.engine.recheck(signal.slot, &mut signals);
    assert!(signals.is_empty());
}

#[test]
fn pool_whose_tick_arrays_are_unknown_is_set_aside_until_they_are() {
    let mut rig = Rig::new();
    rig.write(0, 0);
    assert_eq!(rig.set_aside(0).map(SetAside::reason), Some("missing_tick_array"));
    rig.read_arrays_as_absent(0);
    assert_eq!(rig.set_aside(0), None);
}

#[test]
fn tick_array_that_arrives_makes_its_start_known() {
    let mut rig = Rig::new();
    rig.write(0, 0);
    let keys = tick_arrays(rig.pools[0], 0);
    rig.engine.request(rig.endpoint, read_accounts(7, &keys).as_bytes()).unwrap();
    let arrays: Vec<Vec<u8>> =
        (-2..=3).map(|offset| empty_tick_array(rig.pools[0], offset * 88 * 64)).collect();
    let accounts: Vec<_> = arrays.iter().map(|data| Some((WHIRLPOOL, data.as_slice()))).collect();
    rig.ingest(&accounts_read(7, 101, &accounts));
    assert_eq!(rig.set_aside(0), None);
}

#[test]
fn cycle_that_a_fill_of_ours_has_closed_is_refused_with_that_reason() {
    let (mut rig, signal) = open_rig();
    rig.engine.take(&signal).unwrap();
    // Closes and opens anew at recorded prices by writes of pool 0 alone: pool 1 keeps our fill,
    // which moved it towards pool 0.
    rig.write(0, 200);
    assert_eq!(rig.engine.openings(), (1, 0));
    assert!(rig.write(0, 130).is_empty());
    assert_eq!(rig.engine.openings(), (2, 1));
    assert_eq!(rig.times(Reason::ClosedByOwnFill), 1);
    let misses = rig.engine.funnel().nearest_misses(5);
    assert_eq!(misses[0].reason, Some(Reason::ClosedByOwnFill));
    assert!(misses[0].missing_bps.is_some_and(|missing| missing > 0.0));
}

#[test]
fn unreadable_write_sets_the_pool_aside_and_a_good_one_brings_the_same_opening_back() {
    let (mut rig, signal) = open_rig();
    rig.engine.take(&signal).unwrap();
    let good = pool_data(sol(), key(9), 200, DEEP, FEE);
    let cases: [(&str, &[u8], &str); 2] =
        [(SYSTEM, &good, "wrong_owner"), (WHIRLPOOL, &good[..652], "wrong_length")];
    for (owner, data, reason) in cases {
        assert!(rig.write_bytes(1, owner, data).is_empty());
        assert_eq!(rig.set_aside(1).map(SetAside::reason), Some(reason));
        assert!(rig.engine.market().quote(&rig.pools[1], &sol(), 1000, true).is_err());
        assert!(rig.write(1, 205).is_empty(), "the opening was taken before the fault");
        assert_eq!(rig.set_aside(1), None);
    }
    assert_eq!(rig.engine.openings(), (1, 1));
    assert_eq!(rig.engine.counters().faults, [("wrong_owner", 1), ("wrong_length", 1)]);
}

#[test]
fn signs_of_a_changed_program_set_the_venue_aside_until_it_is_released() {
    let good = pool_data(sol(), key(9), 200, DEEP, FEE);
    let unknown = [&[7; 8], &good[8..]].concat();
    let longer = [&good[..], &[0; 8]].concat();
    for (data, sign) in [
        (unknown, "an account of unknown type 0707070707070707"),
        (longer, "Whirlpool account of 661 bytes, longer than known"),
    ] {
        let (mut rig, signal) = open_rig();
        assert!(rig.write_bytes(1, WHIRLPOOL, &data).is_empty());
        assert_eq!(rig.set_aside(0).map(SetAside::reason), Some("quarantined"), "the whole venue");
        let standing = &rig.engine.market().standings().iter().find(|standing| standing.is_quarantined());
        let signs: Vec<String> = standing.unwrap().signs.iter().map(ToString::to_string).collect();
        assert_eq!(signs, [sign]);
        assert!(rig.engine.take(&signal).is_err(), "nothing is taken through it");
        assert!(rig.write(1, 210).is_empty());
        assert_eq!(rig.set_aside(1).map(SetAside::reason), Some("quarantined"));
        assert!(!rig.engine.market_mut().release("no such venue"));
        assert!(rig.engine.market_mut().release("orca_whirlpool"));
        assert_eq!((rig.set_aside(0), rig.set_aside(1)), (None, None));
        assert_eq!(rig.write(1, 211).len(), 1);
    }
}

#[test]
fn account_that_is_not_initialised_is_no_sign_of_change() {
    let (mut rig, _) = open_rig();
    for data in [vec![0; 653], vec![255; 653], Vec::new()] {
        rig.write_bytes(1, WHIRLPOOL, &data);
        assert_eq!(rig.set_aside(1).map(SetAside::reason), Some("unknown_discriminator"));
        assert_eq!(rig.set_aside(0), None);
    }
}

#[test]
fn deployment_newer_than_the_verified_one_is_a_sign() {
    let (mut rig, _) = open_rig();
    let program: Pubkey = WHIRLPOOL.parse().unwrap();
    let (address, _) = pda::find_program_address(&[&program.0], &UPGRADEABLE_LOADER).unwrap();
    let deployed = |slot: u64| [&3_u32.to_le_bytes()[..], &slot.to_le_bytes(), &[0; 33]].concat();
    let market = rig.engine.market_mut();
    market.verify(program, 700);
    for (slot, expected) in [(699, None), (700, None), (701, Some("quarantined"))] {
        let data = deployed(slot);
        let account = Some((UPGRADEABLE_LOADER, data.as_slice()));
        market.apply(AccountWrite { pubkey: address, slot, account });
        assert_eq!(market.pools()[0].set_aside().map(SetAside::reason), expected);
    }
}

#[test]
fn pool_that_is_closed_or_changes_its_mints_is_set_aside() {
    let (mut rig, _) = open_rig();
    rig.write_bytes(1, WHIRLPOOL, &pool_data(sol(), key(8), 0, DEEP, FEE));
    assert_eq!(rig.set_aside(1).map(SetAside::reason), Some("impossible_field"));
    rig.engine.request(rig.endpoint, read_accounts(8, &[rig.pools[0]]).as_bytes()).unwrap();
    rig.ingest(&accounts_read(8, 500, &[None]));
    assert_eq!(rig.set_aside(0), Some(&SetAside::Closed));
}

#[test]
fn unreadable_mint_is_not_taken_as_a_plain_one() {
    const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
    let (mut rig, _) = open_rig();
    let mut mint = vec![0; 82];
    (mint[44], mint[45]) = (6, 1);
    let torn = [&mint[..45], &[9], &mint[46..]].concat();
    for (slot, data, reason) in [(300, &torn, Some("impossible_field")), (301, &mint, None)] {
        rig.engine.request(rig.endpoint, read_accounts(slot, &[key(9)]).as_bytes()).unwrap();
        rig.ingest(&accounts_read(slot, slot, &[Some((TOKEN, data))]));
        assert_eq!(rig.set_aside(0).map(SetAside::reason), reason);
        assert_eq!(rig.set_aside(1).map(SetAside::reason), reason);
    }
}

#[test]
fn dead_pool_without_liquidity_has_no_price() {
    let (mut rig, _) = open_rig();
    rig.write_bytes(1, WHIRLPOOL, &pool_data(sol(), key(9), 200, 0, FEE));
    assert_eq!(rig.set_aside(1), Some(&SetAside::NoLiquidity));
}

#[test]
fn cycle_without_a_base_mint_is_refused_with_that_reason() {
    let market = MarketConfig { assume_plain_mints: true, complete: true };
    let mut engine = Engine::new(EngineConfig { market, ..EngineConfig::default() }).unwrap();
    let endpoint = engine.endpoint("rpc-a");
    let mut signals = Vec::new();
    for (id, pool, tick) in [(1, key(101), 0), (2, key(102), 200)] {
        engine.request(endpoint, subscribe(id, pool).as_bytes()).unwrap();
        engine.ingest(endpoint, confirmation(id, id).as_bytes(), &mut signals);
        let data = pool_data(sol(), key(9), tick, DEEP, FEE);
        engine.ingest(endpoint, notification(id, 5, WHIRLPOOL, &data).as_bytes(), &mut signals);
    }
    assert!(signals.is_empty());
    assert_eq!(engine.openings(), (1, 1));
    assert_eq!(engine.scorer().counts().find(|&(_, count)| count > 0), Some((Reason::NoBaseMint, 1)));
}

#[test]
fn costs_beyond_64_bits_are_an_error() {
    let costs = Costs { tip_lamports: u64::MAX, ..Costs::default() };
    assert!(Engine::new(EngineConfig { costs, ..EngineConfig::default() }).is_err());
}

#[test]
fn max_hops_out_of_range_is_an_error() {
    for max_hops in [0, 1, 5] {
        assert!(Engine::new(EngineConfig { max_hops, ..EngineConfig::default() }).is_err());
    }
}

/// What an endpoint delivers: writes of two pools in chain order, several in one slot.
fn chain() -> impl Strategy<Value = Vec<(usize, u64, i32)>> {
    prop::collection::vec((0..2_usize, 0..2_u64, -300..300_i32), 1..14).prop_map(|writes| {
        let mut slot = 200;
        let mut chain = Vec::new();
        for (pool, step, tick) in writes {
            slot += step;
            chain.push((pool, slot, tick));
        }
        chain
    })
}

fn outcome(
    chain: &[(usize, u64, i32)],
    endpoints: usize,
    picks: &[usize],
) -> (Vec<(u64, u64, u64, i128)>, String) {
    let mut rig = Rig::new();
    rig.read_arrays_as_absent(0);
    let ids: Vec<EndpointId> = (0..endpoints).map(|n| rig.engine.endpoint(&format!("rpc-{n}"))).collect();
    for &id in &ids {
        rig.engine.connect(id);
        for (request, pool) in (1..).zip(rig.pools) {
            rig.engine.request(id, subscribe(request, pool).as_bytes()).unwrap();
            let answer = confirmation(request, 10 + request);
            rig.engine.ingest(id, answer.as_bytes(), &mut rig.signals);
        }
    }
    let mut sent = vec![0; endpoints];
    let mut taken = Vec::new();
    let rest = (0..endpoints).flat_map(|n| std::iter::repeat_n(n, chain.len()));
    for endpoint in picks.iter().map(|pick| pick % endpoints).chain(rest) {
        let Some(&(pool, slot, tick)) = chain.get(sent[endpoint]) else { continue };
        sent[endpoint] += 1;
        let data = pool_data(sol(), key(9), tick, DEEP, FEE);
        let frame = notification(11 + pool as u64, slot, WHIRLPOOL, &data);
        let mut signals = Vec::new();
        rig.engine.ingest(ids[endpoint], frame.as_bytes(), &mut signals);
        for signal in signals {
            rig.engine.take(&signal).unwrap();
            let candidate = signal.candidate;
            taken.push((signal.opening_id, signal.slot, candidate.amount_in, candidate.net_profit()));
        }
    }
    (taken, rig.engine.market().state_digest())
}

proptest! {
    #![proptest_config(property_config::cases(200))]

    #[test]
    fn trades_do_not_depend_on_how_complete_endpoints_interleave(
        chain in chain(),
        picks in prop::collection::vec(0..3_usize, 0..42),
    ) {
        prop_assert_eq!(outcome(&chain, 1, &[]), outcome(&chain, 3, &picks));
    }
}
