//! What an engine tells those who watch it, folded, against what the engine knows of itself.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod property_config;

use std::collections::BTreeMap;

use common::*;
use phantom_core::cycle_finder::pool_of;
use phantom_core::engine::{BaseMint, Engine, EngineConfig, EngineWatch, Signal};
use phantom_core::market::{MarketConfig, SetAside};
use phantom_core::quantities::Pubkey;
use phantom_core::wss_aggregator::EndpointId;
use proptest::prelude::*;
use serde_json::Value;

const POOLS: u8 = 4;

/// What happens to the engine, or to whoever watches.
#[derive(Debug, Clone)]
enum Step {
    /// A write: pool, tick, whether it has liquidity.
    Write(u8, i32, bool),
    /// Bytes that are no pool.
    Torn(u8),
    /// The pool is gone.
    Gone(u8),
    /// Takes the signal found last, if it can be.
    Take,
    Doubt,
    Trust,
    Disconnect,
    Drain,
    Snapshot,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pool = 0..POOLS;
    let step = prop_oneof![
        12 => (pool.clone(), -300..300_i32, prop::bool::weighted(0.95))
            .prop_map(|(pool, tick, is_deep)| Step::Write(pool, tick, is_deep)),
        1 => pool.clone().prop_map(Step::Torn),
        1 => pool.prop_map(Step::Gone),
        3 => Just(Step::Take),
        1 => Just(Step::Doubt),
        1 => Just(Step::Trust),
        1 => Just(Step::Disconnect),
        4 => Just(Step::Drain),
        1 => Just(Step::Snapshot),
    ];
    prop::collection::vec(step, 1..120)
}

/// The pool of a place: two pairs of pools, of three mints.
fn mints_of(pool: u8) -> [Pubkey; 2] {
    let sol = WRAPPED_SOL.parse().unwrap();
    [[sol, key(9)], [sol, key(9)], [key(9), key(10)], [sol, key(10)]][usize::from(pool)]
}

struct Rig {
    engine: Engine,
    endpoint: EndpointId,
    slot: u64,
    signals: Vec<Signal>,
}

impl Rig {
    fn new() -> Self {
        let base_mints = vec![BaseMint { mint: WRAPPED_SOL.parse().unwrap(), max_amount_in: 1 << 40 }];
        let market = MarketConfig { assume_plain_mints: true, complete: true };
        let mut engine = Engine::new(EngineConfig { market, base_mints, ..EngineConfig::default() }).unwrap();
        let endpoint = engine.endpoint("rpc-a");
        engine.connect(endpoint);
        Self { engine, endpoint, slot: 100, signals: Vec::new() }
    }

    fn read(&mut self, pool: u8, account: Option<(&str, &[u8])>) {
        self.slot += 1;
        self.signals.clear();
        let address = key(101 + pool);
        self.engine.request(self.endpoint, read_accounts(self.slot, &[address]).as_bytes()).unwrap();
        let frame = accounts_read(self.slot, self.slot, &[account]);
        self.engine.ingest(self.endpoint, frame.as_bytes(), &mut self.signals);
    }

    fn carry_out(&mut self, step: &Step) {
        match *step {
            Step::Write(pool, tick, is_deep) => {
                let [mint_a, mint_b] = mints_of(pool);
                let liquidity = if is_deep { 1 << 60 } else { 0 };
                let data = pool_data(mint_a, mint_b, tick, liquidity, 3000);
                self.read(pool, Some((WHIRLPOOL, &data)));
            }
            Step::Torn(pool) => self.read(pool, Some((WHIRLPOOL, &[1; 652]))),
            Step::Gone(pool) => self.read(pool, None),
            Step::Take => {
                if let Some(signal) = self.signals.pop()
                    && self.engine.take(&signal).is_ok()
                {
                    self.engine.recheck(signal.slot, &mut self.signals);
                }
            }
            Step::Doubt => drop(self.engine.market_mut().doubt("orca_whirlpool", Some("a test"))),
            Step::Trust => drop(self.engine.market_mut().release("orca_whirlpool")),
            Step::Disconnect => {
                self.engine.disconnect(self.endpoint, &mut self.signals);
                self.engine.connect(self.endpoint);
            }
            Step::Drain | Step::Snapshot => {}
        }
    }
}

/// Everything that is told of a pool but its price: mints, depths, slot, why it is set aside.
type Shown = (String, Vec<String>, [String; 2], u64, Option<String>);

#[derive(Debug, Default)]
struct Viewer {
    pools: BTreeMap<u64, Shown>,
    prices: BTreeMap<u64, Option<f64>>,
    open: BTreeMap<u64, Vec<u32>>,
    judged: BTreeMap<u64, Value>,
    lost: u64,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Viewer {
    fn state(&mut self, n: u64, address: String, mints: Vec<String>, rest: &[Value]) {
        let set_aside = rest[4].as_str().map(str::to_owned);
        let shown = (address, mints, [text(&rest[0]), text(&rest[1])], rest[3].as_u64().unwrap(), set_aside);
        self.pools.insert(n, shown);
        self.prices.insert(n, rest[2].as_f64());
    }

    fn whole(&mut self, pool: &Value) {
        let pool = pool.as_array().unwrap();
        assert_eq!(pool.len(), 13);
        let mints = vec![text(&pool[3]), text(&pool[4])];
        self.state(pool[0].as_u64().unwrap(), text(&pool[1]), mints, &pool[8..]);
        assert_eq!(pool[7].is_null(), !pool[12].is_null(), "a fee where it can be quoted");
    }

    fn opened(&mut self, opened: &Value) {
        let edges = opened[1].as_array().unwrap();
        let edges = edges.iter().map(|edge| u32::try_from(edge.as_u64().unwrap()).unwrap()).collect();
        self.open.insert(opened[0].as_u64().unwrap(), edges);
        // Nothing where a pool was set aside before anybody watched.
        assert!(opened[2].as_f64().unwrap() >= 0.0, "an open cycle gains");
    }

    fn drain(&mut self, watch: &EngineWatch) {
        let raw = watch.drain();
        if raw.is_empty() {
            return;
        }
        let changes: Value = serde_json::from_slice(&raw).unwrap();
        let list = |name: &str| changes[name].as_array().unwrap().clone();
        for pool in list("new_pools") {
            self.whole(&pool);
        }
        for state in list("pools") {
            let n = state[0].as_u64().unwrap();
            let (address, mints, ..) = self.pools[&n].clone();
            self.state(n, address, mints, &state.as_array().unwrap()[1..]);
        }
        for opened in list("opened") {
            self.opened(&opened);
        }
        for judged in list("judged") {
            self.judged.insert(judged[0].as_u64().unwrap(), judged);
        }
        for closed in list("closed") {
            self.open.remove(&closed[0].as_u64().unwrap());
        }
        let lost = changes["lost"].as_u64().unwrap();
        assert!(lost >= self.lost);
        self.lost = lost;
    }

    fn snapshot(&mut self, watch: &EngineWatch) {
        let whole: Value = serde_json::from_slice(&watch.snapshot()).unwrap();
        *self = Self { lost: self.lost, judged: std::mem::take(&mut self.judged), ..Self::default() };
        for pool in whole["pools"].as_array().unwrap() {
            self.whole(pool);
        }
        for opened in whole["open"].as_array().unwrap() {
            self.opened(opened);
        }
        for judged in whole["judged"].as_array().unwrap() {
            let id = judged[0].as_u64().unwrap();
            assert!(self.open.contains_key(&id));
            self.judged.insert(id, judged.clone());
        }
    }

    fn check_pools(&self, engine: &Engine) {
        let market = engine.market();
        assert_eq!(self.pools.len(), market.pools().len());
        for (n, pool) in (0..).zip(market.pools()) {
            let summary = pool.seen().summary(market.environment());
            let shown = (
                pool.address().to_string(),
                pool.seen().mints().map(|mint| mint.to_string()).to_vec(),
                summary.depth.map(|depth| depth.to_string()),
                pool.slot(),
                pool.set_aside().map(SetAside::reason).map(str::to_owned),
            );
            assert_eq!(self.pools[&n], shown);
            let price = pool.seen().spot_price(true).map(|price| price.to_f64());
            match (self.prices[&n], price.filter(|_| pool.set_aside().is_none())) {
                (Some(told), Some(price)) => assert!((told / price - 1.0).abs() < 1e-12),
                (told, price) => assert_eq!(told, price),
            }
        }
    }

    fn check_open(&self, engine: &Engine) {
        let mut told: Vec<Vec<u32>> = self.open.values().cloned().collect();
        told.sort();
        let numbered = |edge: u32| {
            let (pool, a_to_b) = pool_of(edge);
            2 * pool + u32::from(!a_to_b)
        };
        let mut open: Vec<Vec<u32>> =
            engine.open_cycles().map(|key| key.edges().map(numbered).collect()).collect();
        open.sort();
        assert_eq!(told, open);
    }
}

/// Drives an engine and a viewer; returns how much was lost.
fn drive(steps: &[Step], capacity: usize, begin: usize) -> u64 {
    let (mut rig, mut viewer) = (Rig::new(), Viewer::default());
    let begin = begin.min(steps.len());
    for step in &steps[..begin] {
        rig.carry_out(step);
    }
    let watch = rig.engine.watch(capacity);
    viewer.snapshot(&watch);
    viewer.check_pools(&rig.engine);
    viewer.check_open(&rig.engine);
    for step in &steps[begin..] {
        rig.carry_out(step);
        match step {
            Step::Drain => {
                viewer.drain(&watch);
                if watch.lost() == 0 {
                    // Openings are never late; the states of pools may be, until all are told.
                    viewer.check_open(&rig.engine);
                }
                rig.engine.tell_all();
                viewer.drain(&watch);
                viewer.check_pools(&rig.engine);
            }
            Step::Snapshot => {
                rig.engine.tell_all();
                viewer.snapshot(&watch);
                viewer.check_open(&rig.engine);
                viewer.check_pools(&rig.engine);
                assert!(watch.drain().is_empty());
            }
            _ => {}
        }
    }
    rig.engine.tell_all();
    viewer.drain(&watch);
    assert!(viewer.lost <= watch.lost());
    assert_eq!(watch.pools(), rig.engine.market().pools().len());
    viewer.check_pools(&rig.engine);
    if watch.lost() > 0 {
        viewer.snapshot(&watch);
    }
    viewer.check_open(&rig.engine);
    watch.lost()
}

proptest! {
    #![proptest_config(property_config::cases(256))]

    #[test]
    fn fold_of_what_is_told_is_what_the_engine_knows(steps in steps(), begin in 0..40_usize) {
        prop_assert_eq!(drive(&steps, 65_536, begin), 0);
    }

    #[test]
    fn snapshot_is_whole_whatever_was_dropped(steps in steps(), capacity in 1..4_usize) {
        drive(&steps, capacity, 0);
    }
}

#[test]
fn ring_of_one_drops_the_oldest_and_counts() {
    let mut rig = Rig::new();
    let watch = rig.engine.watch(1);
    for tick in [0, 200, 0, 200, 0, 200] {
        rig.carry_out(&Step::Write(0, tick, true));
        rig.carry_out(&Step::Write(1, 0, true));
    }
    assert_eq!(rig.engine.openings(), (3, 1));
    assert_eq!(watch.lost(), 4, "three openings and two closings, one of them waits");
    let mut viewer = Viewer::default();
    viewer.drain(&watch);
    assert_eq!((viewer.open.keys().copied().collect::<Vec<_>>(), viewer.lost), (vec![3], 4));
    viewer.snapshot(&watch);
    viewer.check_open(&rig.engine);
}

#[test]
fn verdict_says_how_far_a_cycle_came_and_that_it_was_taken() {
    let mut rig = Rig::new();
    let watch = rig.engine.watch(16);
    rig.carry_out(&Step::Write(0, 0, true));
    rig.carry_out(&Step::Write(1, 200, true));
    let signal = rig.signals[0].clone();
    let mut viewer = Viewer::default();
    viewer.drain(&watch);
    let amounts = |judged: &Value| (text(&judged[4]), text(&judged[5]), text(&judged[6]), text(&judged[7]));
    let expected = (
        WRAPPED_SOL.to_owned(),
        signal.candidate.amount_in.to_string(),
        signal.candidate.gross_profit.to_string(),
        signal.candidate.net_profit().to_string(),
    );
    let judged = &viewer.judged[&signal.opening_id];
    assert_eq!(
        (&judged[1], &judged[2], &judged[3]),
        (&Value::from("after_costs"), &Value::Null, &Value::Null)
    );
    assert_eq!(amounts(judged), expected);
    rig.engine.take(&signal).unwrap();
    viewer.drain(&watch);
    let judged = &viewer.judged[&signal.opening_id];
    assert_eq!((&judged[1], &judged[2]), (&Value::from("taken"), &Value::Null));
    assert_eq!(amounts(judged), expected);
    rig.carry_out(&Step::Write(1, 201, true));
    viewer.drain(&watch);
    assert_eq!(viewer.judged[&signal.opening_id][1], "taken", "what comes after does not hide it");
}
