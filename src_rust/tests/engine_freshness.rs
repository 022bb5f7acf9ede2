//! Pools that are stale or torn give no signal, keep their openings, and trade again once healed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
#[path = "common/raydium.rs"]
#[allow(dead_code, reason = "it uses its part")]
mod raydium;

use common::*;
use phantom_core::engine::{BaseMint, Blocked, Engine, EngineConfig, FreshnessConfig, Signal, TakeError};
use phantom_core::market::MarketConfig;
use phantom_core::pda;
use phantom_core::quantities::Pubkey;
use phantom_core::scorer::Reason;
use phantom_core::venues::raydium_amm_v4;
use phantom_core::wss_aggregator::EndpointId;
use raydium::{AmmV4, MINTS, VAULTS, token_account};

const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const DEEP: u128 = 1 << 60;
const BALANCE: u64 = 1_000_000_000_000_000;
/// A Whirlpool and a Raydium AMM v4 pool of wrapped SOL against one mint.
const WHIRL: Pubkey = Pubkey([101; 32]);
const AMM: Pubkey = Pubkey([102; 32]);

struct Rig {
    engine: Engine,
    node: EndpointId,
    other: EndpointId,
    http: EndpointId,
    accounts: Vec<Pubkey>,
    signals: Vec<Signal>,
}

fn sol() -> Pubkey {
    WRAPPED_SOL.parse().unwrap()
}

fn arrays() -> Vec<Pubkey> {
    let program = WHIRLPOOL.parse().unwrap();
    let starts = (-2..=3).map(|offset| offset * 88 * 64);
    starts.map(|start| pda::whirlpool_tick_array(&program, &WHIRL, start).unwrap().0).collect()
}

fn amm_data() -> Vec<u8> {
    let mut data = AmmV4::new([0; 2]).data();
    for (mint, with) in [(MINTS[0], sol()), (MINTS[1], key(9))] {
        let at = data.windows(32).position(|window| window == mint.0).unwrap();
        data[at..at + 32].copy_from_slice(&with.0);
    }
    data
}

fn vault(side: usize, amount: u64) -> Vec<u8> {
    token_account([sol(), key(9)][side], amount, 1)
}

fn whirl_data(tick: i32) -> Vec<u8> {
    pool_data(sol(), key(9), tick, DEEP, 3000)
}

fn heartbeat(slot: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"slotNotification","params":{{"result":{{"parent":{},"root":1,"slot":{slot}}},"subscription":1}}}}"#,
        slot - 1
    )
}

impl Rig {
    fn new(freshness: FreshnessConfig, has_heartbeat: bool) -> Self {
        let base_mints = vec![BaseMint { mint: sol(), max_amount_in: 1_000_000_000_000 }];
        let market = MarketConfig { assume_plain_mints: true, complete: false };
        let config = EngineConfig { market, base_mints, freshness, ..EngineConfig::default() };
        let mut engine = Engine::new(config).unwrap();
        let [node, other, http] = ["a/0", "b/0", "a/http"].map(|name| engine.endpoint(name));
        let mut accounts = vec![WHIRL, AMM, VAULTS[0], VAULTS[1]];
        accounts.extend(arrays());
        let mut rig = Self { engine, node, other, http, accounts, signals: Vec::new() };
        for (id, account) in (1..).zip(rig.accounts.clone()) {
            rig.engine.request(node, subscribe(id, account).as_bytes()).unwrap();
            rig.ingest(node, &confirmation(id, id));
        }
        if has_heartbeat {
            rig.ingest(node, &heartbeat(100));
        }
        rig.read(100);
        assert_eq!(rig.engine.market().pools().len(), 2);
        assert!(rig.engine.market().pools().iter().all(|pool| pool.set_aside().is_none()));
        assert_eq!(rig.engine.openings(), (0, 0));
        rig
    }

    fn ingest(&mut self, endpoint: EndpointId, frame: &str) -> usize {
        self.signals.clear();
        self.engine.ingest(endpoint, frame.as_bytes(), &mut self.signals);
        self.signals.len()
    }

    /// Everything is read over HTTP, as it was at first.
    fn read(&mut self, slot: u64) -> usize {
        self.engine.request(self.http, read_accounts(slot, &self.accounts).as_bytes()).unwrap();
        let amm_program = raydium_amm_v4::PROGRAM.to_string();
        let known = [
            (WHIRLPOOL, whirl_data(0)),
            (&amm_program, amm_data()),
            (TOKEN, vault(0, BALANCE)),
            (TOKEN, vault(1, BALANCE)),
        ];
        let known = known.iter().map(|(owner, data)| Some((*owner, &data[..])));
        let states: Vec<_> = known.chain(arrays().iter().map(|_| None)).collect();
        self.ingest(self.http, &accounts_read(slot, slot, &states))
    }

    fn whirl(&mut self, slot: u64, tick: i32) -> usize {
        self.ingest(self.node, &notification(1, slot, WHIRLPOOL, &whirl_data(tick)))
    }

    /// A swap of 2 % of the AMM's reserves, one vault at a time.
    fn vault(&mut self, slot: u64, side: usize) -> usize {
        let amount = if side == 0 { BALANCE / 100 * 102 } else { BALANCE / 100 * 98 };
        self.ingest(self.node, &notification(3 + side as u64, slot, TOKEN, &vault(side, amount)))
    }

    fn times(&self, reason: Reason) -> u64 {
        self.engine.scorer().counts().find(|&(known, _)| known == reason).unwrap().1
    }

    fn blocked(&mut self) -> Vec<Blocked> {
        self.engine.freshness().blocked.into_iter().map(|(_, blocked)| blocked).collect()
    }
}

fn watched() -> Rig {
    Rig::new(FreshnessConfig::default(), true)
}

#[test]
fn pool_with_one_vault_of_two_waits_for_the_other() {
    let mut rig = watched();
    rig.ingest(rig.node, &heartbeat(101));
    assert_eq!(rig.vault(101, 0), 0);
    assert_eq!(rig.blocked(), [Blocked::Torn { account: VAULTS[1], slot: 101 }]);
    assert_eq!((rig.times(Reason::TornPool), rig.engine.openings()), (1, (1, 1)));
    assert_eq!(rig.vault(101, 1), 1);
    assert!(rig.blocked().is_empty());
    let signal = rig.signals[0].clone();
    assert_eq!(signal.opening_id, 1);
    rig.engine.take(&signal).unwrap();
}

#[test]
fn torn_pool_trades_by_itself_once_its_slot_is_complete() {
    let mut rig = watched();
    rig.ingest(rig.node, &heartbeat(101));
    assert_eq!(rig.vault(101, 0), 0);
    rig.ingest(rig.other, &heartbeat(102));
    assert_eq!(rig.signals.len(), 0, "that connection does not know of the vault");
    assert_eq!(rig.ingest(rig.node, &heartbeat(102)), 1);
    assert_eq!((rig.signals[0].opening_id, rig.signals[0].slot), (1, 102));
    assert_eq!(rig.ingest(rig.node, &heartbeat(103)), 0, "it is said once");
}

#[test]
fn torn_pool_waits_no_longer_than_its_bound() {
    let mut rig = watched();
    rig.ingest(rig.node, &heartbeat(101));
    assert_eq!(rig.vault(101, 0), 0);
    for slot in [102, 103] {
        assert_eq!(rig.ingest(rig.other, &heartbeat(slot)), 0);
    }
    assert_eq!(rig.ingest(rig.other, &heartbeat(104)), 1);
}

#[test]
fn second_write_of_one_vault_in_a_slot_tears_the_pool_again() {
    let mut rig = watched();
    rig.ingest(rig.node, &heartbeat(101));
    rig.vault(101, 0);
    assert_eq!(rig.vault(101, 1), 1);
    let again = notification(3, 101, TOKEN, &vault(0, BALANCE / 100 * 103));
    assert_eq!(rig.ingest(rig.node, &again), 0);
    assert_eq!(rig.blocked(), [Blocked::Torn { account: VAULTS[1], slot: 101 }]);
}

#[test]
fn torn_pools_trade_where_that_is_asked_for() {
    let mut rig = Rig::new(FreshnessConfig { hold_torn_pools: false, ..FreshnessConfig::default() }, true);
    rig.ingest(rig.node, &heartbeat(101));
    assert_eq!(rig.vault(101, 0), 1);
}

#[test]
fn without_a_heartbeat_nothing_is_refused() {
    let mut rig = Rig::new(FreshnessConfig::default(), false);
    assert_eq!(rig.vault(500, 0), 1);
    assert!(!rig.engine.freshness().is_judging);
    assert!(rig.blocked().is_empty() && rig.engine.stale_accounts().is_empty());
    let signal = rig.signals[0].clone();
    rig.engine.take(&signal).unwrap();
}

#[test]
fn stale_pool_gives_no_signal_keeps_its_opening_and_trades_once_read() {
    let mut rig = watched();
    for slot in 101..=117 {
        rig.ingest(rig.other, &heartbeat(slot));
    }
    assert_eq!(rig.whirl(117, 200), 0);
    assert_eq!((rig.times(Reason::StalePool), rig.engine.openings()), (1, (1, 1)));
    let stale = Blocked::Stale { account: AMM, age_slots: 17, bound_slots: 16 };
    assert!(rig.blocked().contains(&stale), "{:?}", rig.blocked());
    let listed = rig.engine.stale_accounts();
    assert!(listed.iter().any(|account| account.pubkey == VAULTS[0] && account.age_slots == 17));
    assert!(!listed.iter().any(|account| account.pubkey == WHIRL), "written in this slot");
    // Read where the Whirlpool stands at its old tick: it is older than what is held.
    assert_eq!(rig.read(116), 1);
    assert_eq!(rig.signals[0].opening_id, 1);
    assert!(rig.engine.stale_accounts().is_empty());
    let healing = rig.engine.freshness().healing;
    assert_eq!(healing.healed, healing.doubted);
    assert_eq!((healing.in_doubt, healing.longest_slots), (0, 17));
}

#[test]
fn signal_whose_pool_has_gone_stale_is_not_taken() {
    let mut rig = watched();
    assert_eq!(rig.whirl(101, 200), 1);
    let signal = rig.signals[0].clone();
    for slot in 101..=140 {
        rig.ingest(rig.other, &heartbeat(slot));
    }
    assert!(matches!(rig.engine.take(&signal), Err(TakeError::Blocked { .. })));
    assert!(rig.engine.market().pools().iter().all(|pool| !pool.is_filled()));
}

#[test]
fn reconnect_lists_what_to_read_and_from_which_slot() {
    let mut rig = watched();
    rig.ingest(rig.node, &heartbeat(101));
    assert!(rig.engine.stale_accounts().is_empty());
    rig.engine.disconnect(rig.node, &mut Vec::new());
    let reasons = |rig: &mut Rig| {
        let stale = rig.engine.stale_accounts();
        let mut all: Vec<_> = stale.iter().map(|account| (account.reason, account.read_from)).collect();
        all.dedup();
        all
    };
    assert_eq!(reasons(&mut rig), [("uncovered", None)]);
    rig.engine.connect(rig.node);
    for (id, account) in (50..).zip(rig.accounts.clone()) {
        rig.engine.request(rig.node, subscribe(id, account).as_bytes()).unwrap();
        rig.ingest(rig.node, &confirmation(id, id));
    }
    assert_eq!(reasons(&mut rig), [("uncovered", None)], "no slot has been shown yet");
    rig.ingest(rig.node, &heartbeat(105));
    assert_eq!(reasons(&mut rig), [("unread", Some(105))]);
    rig.read(105);
    assert_eq!(reasons(&mut rig), []);
    let report = rig.engine.freshness();
    assert_eq!((report.connections[0].link.connections, report.connections[0].link.subscriptions), (1, 10));
    assert_eq!(report.healing.in_doubt, 0);
}
