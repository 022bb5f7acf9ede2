//! Candidates with fees of their own: exact sums, bids, and refusals.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use phantom_core::engine::{BaseMint, Costs, Engine, EngineConfig, SharedFeeEngine, Signal};
use phantom_core::fee_engine::{FeeConfig, FeeEngine, FeeError, HopUnits, priority_fee_lamports};
use phantom_core::market::MarketConfig;
use phantom_core::pda;
use phantom_core::quantities::Pubkey;
use phantom_core::scorer::{Reason, ScorerConfig};
use phantom_core::wss_aggregator::EndpointId;

const FEE: u16 = 3000;

fn sol() -> Pubkey {
    WRAPPED_SOL.parse().unwrap()
}

/// An engine with two pools of wrapped SOL against one mint.
struct Rig {
    engine: Engine,
    endpoint: EndpointId,
    pools: [Pubkey; 2],
    slot: u64,
    liquidity: u128,
}

impl Rig {
    fn new(fees: Option<SharedFeeEngine>, liquidity: u128) -> Self {
        let mut engine = Engine::new(EngineConfig {
            market: MarketConfig { assume_plain_mints: true, complete: false },
            base_mints: vec![BaseMint { mint: sol(), max_amount_in: u64::MAX }],
            scorer: ScorerConfig { min_net_profit_lamports: 0, ..ScorerConfig::default() },
            ..EngineConfig::default()
        })
        .unwrap();
        engine.set_fee_engine(fees, 7_500).unwrap();
        let endpoint = engine.endpoint("rpc-a");
        engine.connect(endpoint);
        let mut rig = Self { engine, endpoint, pools: [key(101), key(102)], slot: 100, liquidity };
        for (id, pool) in (1..).zip(rig.pools) {
            rig.engine.request(endpoint, subscribe(id, pool).as_bytes()).unwrap();
            rig.ingest(&confirmation(id, 10 + id));
        }
        let program = WHIRLPOOL.parse().unwrap();
        let arrays: Vec<Pubkey> = rig
            .pools
            .iter()
            .flat_map(|pool| (-2..=3).map(move |array| (pool, array * 88 * 64)))
            .map(|(pool, start)| pda::whirlpool_tick_array(&program, pool, start).unwrap().0)
            .collect();
        rig.engine.request(endpoint, read_accounts(7, &arrays).as_bytes()).unwrap();
        rig.ingest(&accounts_read(7, 100, &vec![None; arrays.len()]));
        rig.write(0, 0);
        rig.write(1, 0);
        rig
    }

    fn ingest(&mut self, frame: &str) -> Vec<Signal> {
        let mut signals = Vec::new();
        self.engine.ingest(self.endpoint, frame.as_bytes(), &mut signals);
        signals
    }

    fn write(&mut self, pool: usize, tick: i32) -> Vec<Signal> {
        self.slot += 1;
        let data = pool_data(sol(), key(9), tick, self.liquidity, FEE);
        self.ingest(&notification(11 + pool as u64, self.slot, WHIRLPOOL, &data))
    }

    fn times(&self, reason: Reason) -> u64 {
        self.engine.scorer().counts().find(|&(known, _)| known == reason).unwrap().1
    }
}

fn shared(config: FeeConfig) -> SharedFeeEngine {
    Arc::new(Mutex::new(FeeEngine::new(config).unwrap()))
}

/// A liquidity at which 2 % between the pools are worth far more than any fee.
const DEEP: u128 = 1 << 50;

#[test]
fn without_news_the_fees_are_those_for_which_nothing_is_known() {
    let mut fixed = Rig::new(None, DEEP);
    let mut adaptive = Rig::new(Some(shared(FeeConfig::default())), DEEP);
    let (mut fixed, mut adaptive) = (fixed.write(1, 200).remove(0), adaptive.write(1, 200).remove(0));
    assert_eq!(adaptive.priced_accounts, [key(102), key(101)], "in the order of the route");
    assert!(fixed.priced_accounts.is_empty());
    assert_eq!(fixed.fees, Costs::default().fees().unwrap());
    adaptive.priced_accounts.clear();
    fixed.priced_accounts.clear();
    assert_eq!(adaptive, fixed, "the settings' costs and the fee engine's cold ones are the same");
}

#[test]
fn a_signal_pays_the_price_of_its_busiest_account_the_limit_of_its_venues_and_a_shaded_tip() {
    let fees = shared(FeeConfig::default());
    let mut teacher = fees.lock().unwrap();
    teacher.advance(200).unwrap();
    let samples: Vec<(u64, u64)> = (51..=200).map(|slot| (slot, slot * 1_000)).collect();
    teacher.observe_account(0, key(102), &samples).unwrap();
    for slot in 51..=200 {
        teacher.observe_block(0, slot, 0, None).unwrap();
    }
    let hop = HopUnits { venue: "orca_whirlpool", crossings: 0 };
    for _ in 0..16 {
        teacher.observe_hop(hop, 60_000).unwrap();
        teacher.observe_overhead(3_001).unwrap();
    }
    teacher.observe_tip_floor(200, [1e-6, 2e-6, 4e-6, 1e-5, 1e-4], None).unwrap();
    // Rank ceil(0.75 × 151) = 114 of 150, from slot 51 on.
    let price = 164_000;
    // Two hops and the rest, 10 % on top.
    let limit = 135_302;
    assert_eq!(teacher.compute_unit_limit(&[hop, hop]).compute_unit_limit, limit);
    drop(teacher);

    let mut rig = Rig::new(Some(Arc::clone(&fees)), DEEP);
    let signal = rig.write(1, 200).remove(0);
    let paid = signal.fees;
    assert_eq!((paid.compute_unit_price_micro_lamports, paid.compute_unit_limit), (price, limit.into()));
    assert_eq!(paid.priority, priority_fee_lamports(price, limit.into()).unwrap());
    assert_eq!(paid.network, 5_000);
    assert_eq!(paid.total, paid.network + paid.priority + paid.tip);
    assert_eq!(signal.candidate.cost, paid.total, "lamports are the base mint");
    let value = signal.candidate.gross_profit - paid.network - paid.priority;
    let told = fees.lock().unwrap().tip(value, 0);
    assert_eq!(Some(paid.tip), told.tip_lamports);
    assert!(told.shaded_lamports.is_some());
    // What others learn of the same fee engine counts at once.
    let dearer: Vec<(u64, u64)> = (51..=200).map(|slot| (slot, 4_000_000)).collect();
    fees.lock().unwrap().observe_account(0, key(101), &dearer).unwrap();
    let next = rig.write(1, 201).remove(0);
    assert_eq!(next.fees.compute_unit_price_micro_lamports, 4_000_000);
}

#[test]
fn bids_are_counted_so_that_every_so_many_explores() {
    let fees = shared(FeeConfig { explore_every: 2, ..FeeConfig::default() });
    fees.lock().unwrap().observe_tip_floor(0, [1e-6, 2e-6, 4e-6, 1e-5, 1e-4], None).unwrap();
    let mut rig = Rig::new(Some(Arc::clone(&fees)), DEEP);
    for bid in 0..4 {
        let tick = 200 + i32::try_from(bid).unwrap();
        let signal = rig.write(1, tick).remove(0);
        let value = signal.candidate.gross_profit - signal.fees.network - signal.fees.priority;
        let told = fees.lock().unwrap().tip(value, bid);
        assert_eq!((Some(signal.fees.tip), told.is_exploring), (told.tip_lamports, bid % 2 == 1));
    }
}

#[test]
fn what_is_worth_too_little_for_a_tip_is_refused_though_it_would_pay() {
    // Half of what is left may be the tip, and the least tip is most of what there is.
    let config = FeeConfig { cold_price: 0, ..FeeConfig::default() };
    let mut seen = [false; 3];
    let liquidities = std::iter::successors(Some(1u128 << 24), |last| Some(last + last / 16));
    for liquidity in liquidities.take_while(|&liquidity| liquidity < 1 << 36) {
        let mut rig = Rig::new(Some(shared(config.clone())), liquidity);
        let signals = rig.write(1, 200);
        let refused = rig.times(Reason::CostsExceedProfit);
        let miss = rig.engine.funnel().nearest_misses(1).into_iter().next();
        let Some(gross) = signals
            .first()
            .map(|signal| signal.candidate.gross_profit)
            .or(miss.and_then(|miss| miss.candidate).map(|candidate| candidate.gross_profit))
            .filter(|&gross| gross > 0)
        else {
            continue;
        };
        match gross {
            0..=6_000 => {
                assert_eq!((signals.len(), refused), (0, 1), "{gross} does not pay for the least");
                seen[0] = true;
            }
            6_001..7_000 => {
                assert_eq!((signals.len(), refused), (0, 1), "{gross} leaves no half for a tip");
                seen[1] = true;
            }
            _ => {
                assert_eq!((signals.len(), refused), (1, 0), "{gross} is worth a bid");
                let tip = signals[0].fees.tip;
                assert!((1_000..=(gross - 5_000) / 2).contains(&tip), "{tip} of {gross}");
                seen[2] = true;
            }
        }
    }
    assert_eq!(seen, [true; 3]);
}

#[test]
fn explaining_says_that_no_tip_is_worth_it_and_bids_nothing() {
    let fees = shared(FeeConfig { max_tip_share_bps: 0, ..FeeConfig::default() });
    let mut rig = Rig::new(Some(fees), DEEP);
    assert!(rig.write(1, 200).is_empty());
    let key = rig.engine.open_cycles().next().unwrap();
    let edges: Vec<_> = key.edges().collect();
    let told = rig.engine.explain(&edges).unwrap();
    assert_eq!(told, rig.engine.explain(&edges).unwrap());
    let reasons: Vec<_> = told.obstacles.iter().map(|obstacle| obstacle.reason).collect();
    assert_eq!(reasons, ["costs_exceed_profit"]);
    assert!(told.obstacles[0].detail.contains("too little for a tip"), "{}", told.obstacles[0].detail);
}

#[test]
fn a_fee_engine_is_asked_for_a_percentile_that_exists_and_can_be_taken_away() {
    let mut rig =
        Rig::new(Some(shared(FeeConfig { cold_tip_lamports: 2_000, ..FeeConfig::default() })), DEEP);
    let again = rig.engine.set_fee_engine(Some(shared(FeeConfig::default())), 10_000);
    assert_eq!(again, Err(FeeError::Percentile { found: 10_000 }));
    assert_eq!(rig.write(1, 200).remove(0).fees.tip, 2_000, "the old one stays");
    rig.engine.set_fee_engine(None, 7_500).unwrap();
    assert_eq!(rig.write(1, 201).remove(0).fees, Costs::default().fees().unwrap());
}
