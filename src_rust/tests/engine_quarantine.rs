//! A lie that wins the race by naming a slot far ahead: whoever told it is found out, what it left is
//! read again, and nothing is signalled meanwhile.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
#[path = "common/raydium.rs"]
#[allow(dead_code, reason = "it uses its part")]
mod raydium;

use common::*;
use phantom_core::engine::{BaseMint, Blocked, Engine, EngineConfig, FreshnessConfig, Signal, TakeError};
use phantom_core::market::{MarketConfig, Pool};
use phantom_core::pda;
use phantom_core::quantities::Pubkey;
use phantom_core::venues::raydium_amm_v4;
use phantom_core::wss_aggregator::{AggregatorConfig, EndpointId, QuarantineLimits};
use raydium::{AmmV4, MINTS, VAULTS, token_account};

const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const DEEP: u128 = 1 << 60;
const BALANCE: u64 = 1_000_000_000_000_000;
/// A Whirlpool and a Raydium AMM v4 pool of wrapped SOL against one mint.
const WHIRL: Pubkey = Pubkey([101; 32]);
const AMM: Pubkey = Pubkey([102; 32]);
const FAR: u64 = 5_000;
const LIAR: usize = 2;

struct Rig {
    engine: Engine,
    /// Sockets of two truthful providers and of one that lies.
    nodes: [EndpointId; 3],
    /// The HTTP sides of the truthful ones.
    https: [EndpointId; 2],
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

impl Rig {
    fn new() -> Self {
        let limits = QuarantineLimits { disagreements: 3, ..QuarantineLimits::default() };
        Self::with(AggregatorConfig { quarantine: Some(limits), ..AggregatorConfig::default() })
    }

    fn with(aggregator: AggregatorConfig) -> Self {
        let base_mints = vec![BaseMint { mint: sol(), max_amount_in: 1_000_000_000_000 }];
        let market = MarketConfig { assume_plain_mints: true, complete: false };
        let freshness = FreshnessConfig { hold_torn_pools: false, ..FreshnessConfig::default() };
        let config = EngineConfig { market, base_mints, aggregator, freshness, ..EngineConfig::default() };
        let mut engine = Engine::new(config).unwrap();
        let nodes = ["a/0", "b/0", "liar/0"].map(|name| engine.endpoint(name));
        let https = ["a/http", "b/http"].map(|name| engine.endpoint(name));
        let mut accounts = vec![WHIRL, AMM, VAULTS[0], VAULTS[1]];
        accounts.extend(arrays());
        let mut rig = Self { engine, nodes, https, accounts, signals: Vec::new() };
        for node in rig.nodes {
            for (id, account) in (1..).zip(rig.accounts.clone()) {
                rig.engine.request(node, subscribe(id, account).as_bytes()).unwrap();
                rig.ingest(node, &confirmation(id, id));
            }
        }
        rig.read(100, BALANCE);
        assert!(rig.engine.market().pools().iter().all(|pool| pool.set_aside().is_none()));
        assert_eq!(rig.engine.openings(), (0, 0));
        rig
    }

    fn ingest(&mut self, endpoint: EndpointId, frame: &str) -> usize {
        self.signals.clear();
        self.engine.ingest(endpoint, frame.as_bytes(), &mut self.signals);
        self.signals.len()
    }

    /// Everything is read over HTTP at both truthful providers.
    fn read(&mut self, slot: u64, balance: u64) -> usize {
        self.https.map(|http| self.read_at(http, slot, balance)).iter().sum()
    }

    fn read_at(&mut self, http: EndpointId, slot: u64, balance: u64) -> usize {
        self.engine.connect(http);
        self.engine.request(http, read_accounts(slot, &self.accounts).as_bytes()).unwrap();
        let amm_program = raydium_amm_v4::PROGRAM.to_string();
        let known = [
            (WHIRLPOOL, pool_data(sol(), key(9), 0, DEEP, 3000)),
            (&amm_program, amm_data()),
            (TOKEN, token_account(sol(), balance, 1)),
            (TOKEN, token_account(key(9), BALANCE, 1)),
        ];
        let known = known.iter().map(|(owner, data)| Some((*owner, &data[..])));
        let states: Vec<_> = known.chain(arrays().iter().map(|_| None)).collect();
        let count = self.ingest(http, &accounts_read(slot, slot, &states));
        let mut released = Vec::new();
        self.engine.disconnect(http, &mut released);
        count + released.len()
    }

    /// A provider notifies the balance of the AMM's vault of wrapped SOL.
    fn vault(&mut self, node: usize, slot: u64, balance: u64) -> usize {
        let data = token_account(sol(), balance, 1);
        self.ingest(self.nodes[node], &notification(3, slot, TOKEN, &data))
    }

    fn is_quarantined(&self) -> bool {
        self.engine.aggregator().stats().endpoints[LIAR].is_quarantined
    }

    fn doubted(&mut self) -> Vec<Pubkey> {
        let stale = self.engine.stale_accounts();
        stale
            .into_iter()
            .filter(|account| account.reason == "doubted")
            .map(|account| account.pubkey)
            .collect()
    }

    /// Three small lies, then one far ahead that would be worth a trade; the truth comes second.
    fn lie(&mut self) -> usize {
        for slot in 101..=103 {
            let truth = BALANCE + slot;
            self.vault(LIAR, slot, truth + 1);
            self.vault(0, slot, truth);
            self.vault(1, slot, truth);
        }
        self.vault(LIAR, 104, BALANCE);
        self.vault(LIAR, FAR, BALANCE / 100 * 102)
    }

    /// The truthful go on, until it is seen that the liar stands alone.
    fn find_out(&mut self) -> usize {
        let mut count = 0;
        for (slot, node) in [(104, 0), (104, 1), (105, 0), (105, 1)] {
            if !self.is_quarantined() {
                count += self.vault(node, slot, BALANCE + slot);
            }
        }
        count
    }
}

/// What an engine holds that has read the truth and nothing else.
fn truth(slot: u64, balance: u64) -> String {
    let mut rig = Rig::new();
    rig.read(slot, balance);
    rig.engine.market().state_digest()
}

#[test]
fn lie_far_ahead_is_read_again_and_nothing_is_signalled_meanwhile() {
    let mut rig = Rig::new();
    assert_eq!(rig.lie(), 1, "without a quorum the first word counts");
    let signal = rig.signals[0].clone();
    assert_eq!(rig.engine.market().pools().iter().map(Pool::slot).max(), Some(FAR));
    assert_eq!(rig.find_out(), 0);
    assert!(rig.is_quarantined());
    assert_eq!(rig.engine.openings().1, 1, "the lie is held still");
    assert_eq!(rig.doubted(), [VAULTS[0]]);
    let blocked = rig.engine.freshness().blocked;
    assert_eq!(blocked, [(AMM, Blocked::Doubted { account: VAULTS[0] })]);
    assert!(blocked[0].1.to_string().contains("quarantine"));
    assert_eq!(blocked[0].1.reason().name(), "stale_pool");
    assert!(matches!(rig.engine.take(&signal), Err(TakeError::Blocked { .. })));
    // Another pool of the cycle moves: it is looked at again, and refused.
    let whirl = notification(1, 106, WHIRLPOOL, &pool_data(sol(), key(9), -1, DEEP, 3000));
    assert_eq!(rig.ingest(rig.nodes[0], &whirl), 0);
    assert_eq!(rig.vault(LIAR, FAR + 1, BALANCE / 100 * 103), 0, "it is not heard any more");

    assert_eq!(rig.read(107, BALANCE + 106), 0);
    assert!(rig.doubted().is_empty() && rig.engine.freshness().blocked.is_empty());
    assert_eq!(rig.engine.openings().1, 0);
    assert_eq!(rig.engine.market().state_digest(), truth(107, BALANCE + 106));
    let healing = rig.engine.freshness().healing;
    assert_eq!((healing.in_doubt, healing.doubted, healing.healed), (0, 1, 1));
}

/// The next notification heals as well as a read, though its slot is far below that of the lie.
#[test]
fn lie_far_ahead_gives_way_to_the_next_write_of_others() {
    let mut rig = Rig::new();
    rig.lie();
    rig.find_out();
    assert!(rig.is_quarantined());
    assert_eq!(rig.vault(1, 107, BALANCE + 107), 0);
    assert!(rig.doubted().is_empty());
    assert_eq!(rig.engine.market().state_digest(), truth(107, BALANCE + 107));
}

/// What was doubted may prove true: the cycle that waited for it is a signal then.
#[test]
fn quarantine_by_hand_holds_back_what_proves_true_until_it_is_read() {
    let mut rig = Rig::new();
    let name = rig.engine.endpoint("liar/1");
    let found = BALANCE / 100 * 102;
    assert_eq!(rig.vault(LIAR, 101, found), 1);
    rig.engine.quarantine(name, &mut rig.signals);
    assert_eq!(rig.doubted(), [VAULTS[0]]);
    let signal = rig.signals[0].clone();
    assert!(matches!(rig.engine.take(&signal), Err(TakeError::Blocked { .. })));
    let tick = notification(1, 102, WHIRLPOOL, &pool_data(sol(), key(9), 0, DEEP + 1, 3000));
    assert_eq!(rig.ingest(rig.nodes[0], &tick), 0);
    assert_eq!(rig.vault(0, 103, found), 1, "the same state on another's word");
    let signal = rig.signals[0].clone();
    rig.engine.take(&signal).unwrap();
    rig.engine.release(name);
    assert!(!rig.is_quarantined());
}

#[test]
fn quorum_of_two_takes_no_lie_of_one_and_reads_of_two_providers() {
    let mut rig = Rig::with(AggregatorConfig { quorum: 2, ..AggregatorConfig::default() });
    assert_eq!(rig.lie(), 0);
    assert_eq!(rig.engine.openings(), (0, 0));
    assert_eq!(rig.read_at(rig.https[0], 107, BALANCE + 106), 0);
    let before = truth(103, BALANCE + 103);
    assert_eq!(rig.engine.market().state_digest(), before, "one reading is no quorum");
    rig.read_at(rig.https[1], 108, BALANCE + 106);
    assert_eq!(rig.engine.market().state_digest(), truth(107, BALANCE + 106));
    assert!(rig.doubted().is_empty());
}

#[test]
fn engine_new_with_a_quorum_of_nobody_or_too_many_is_refused() {
    for found in [0, 65] {
        let aggregator = AggregatorConfig { quorum: found, ..AggregatorConfig::default() };
        let error = Engine::new(EngineConfig { aggregator, ..EngineConfig::default() }).unwrap_err();
        assert_eq!(error.to_string(), format!("the quorum is {found}, it may be 1 to 64"));
    }
}
