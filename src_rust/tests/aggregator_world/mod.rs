//! A chain of writes to one account, nodes that report it, and what a caller of the aggregator applies.

#![allow(dead_code, reason = "every test file uses its own part of it")]

use phantom_core::wss_aggregator::{AccountUpdate, AggregatorConfig, EndpointId, Verdict, WssAggregator};
use proptest::prelude::*;

pub const POOL: &str = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ";
pub const OWNER: &str = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc";
/// Base64 of the bytes 0, 0, n.
pub const DATA: [&str; 8] = ["AAAA", "AAAB", "AAAC", "AAAD", "AAAE", "AAAF", "AAAG", "AAAH"];

/// One write of the chain: its slot and the number of the state written.
pub type Write = (u64, usize);

pub fn account(state: usize) -> String {
    let data = DATA[state];
    format!(
        r#"{{"lamports":1,"data":["{data}","base64"],"owner":"{OWNER}","executable":false,"rentEpoch":1,"space":3}}"#
    )
}

/// A chain of writes to one account. A write that changes nothing within its slot is left out: by
/// identity it is the one before it.
pub fn chain(states: usize, longest: usize) -> impl Strategy<Value = Vec<Write>> {
    let step = (prop::sample::select(vec![0_u64, 0, 0, 0, 1, 2]), 0..states);
    prop::collection::vec(step, 1..longest).prop_map(|steps| {
        let mut slot = 100;
        let mut writes: Vec<Write> = Vec::new();
        for (advance, state) in steps {
            slot += advance;
            if writes.last() != Some(&(slot, state)) {
                writes.push((slot, state));
            }
        }
        writes
    })
}

#[derive(Debug, Clone)]
pub enum Action {
    /// The node's next write arrives, after `skip` lost or conflated ones.
    Deliver {
        skip: usize,
    },
    Disconnect,
    /// A new connection, to a node that stands at `position` (per mille of the chain), and the
    /// read that follows; `late` moves the slot of the read towards the next write's.
    Reconnect {
        position: usize,
        late: u64,
    },
    /// The answer to a read in between, which notifications may have overtaken: of a node that is
    /// `ahead` writes further than at the read before.
    Read {
        ahead: usize,
        late: u64,
    },
}

pub fn actions(longest: usize) -> impl Strategy<Value = Vec<(usize, Action)>> {
    let action = prop_oneof![
        8 => (0_usize..3).prop_map(|skip| Action::Deliver { skip }),
        1 => Just(Action::Disconnect),
        1 => (0_usize..1000, 0_u64..3).prop_map(|(position, late)| Action::Reconnect { position, late }),
        1 => (0_usize..4, 0_u64..3).prop_map(|(ahead, late)| Action::Read { ahead, late }),
    ];
    prop::collection::vec((0_usize..4, action), 0..longest)
}

/// The nodes, the aggregator, and what a caller applies.
pub struct World {
    pub chain: Vec<Write>,
    pub aggregator: WssAggregator,
    pub endpoints: Vec<EndpointId>,
    /// What each node sends next.
    pub next: Vec<usize>,
    pub open: Vec<bool>,
    /// What each node was last read at, on this connection.
    pub read: Vec<usize>,
    /// Whether this connection has delivered the last write.
    pub done: Vec<bool>,
    pub subscriptions: Vec<u64>,
    pub applied: Vec<Write>,
    pub updates: Vec<AccountUpdate>,
    /// Whether a quarantine may take a slot back.
    pub may_go_back: bool,
}

impl World {
    pub fn new(chain: Vec<Write>, count: usize) -> Self {
        Self::with(AggregatorConfig::default(), chain, count)
    }

    pub fn with(config: AggregatorConfig, chain: Vec<Write>, count: usize) -> Self {
        let names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        Self::named(config, chain, &names)
    }

    /// As [`with`](Self::with), with one endpoint of each name.
    pub fn named<S: AsRef<str>>(config: AggregatorConfig, chain: Vec<Write>, names: &[S]) -> Self {
        let count = names.len();
        let mut aggregator = WssAggregator::new(config);
        let endpoints = names.iter().map(|name| aggregator.endpoint(name.as_ref())).collect();
        let mut world = Self {
            chain,
            aggregator,
            endpoints,
            next: vec![0; count],
            open: vec![true; count],
            read: vec![0; count],
            done: vec![false; count],
            subscriptions: (0..count as u64).map(|endpoint| endpoint * 1000).collect(),
            applied: Vec::new(),
            updates: Vec::new(),
            may_go_back: false,
        };
        for endpoint in 0..count {
            world.subscribe(endpoint);
        }
        world
    }

    /// Connects and subscribes, by request and confirmation.
    pub fn subscribe(&mut self, endpoint: usize) {
        let id = self.endpoints[endpoint];
        self.aggregator.connect(id);
        self.open[endpoint] = true;
        self.done[endpoint] = false;
        self.read[endpoint] = 0;
        self.subscriptions[endpoint] += 1;
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"accountSubscribe","params":["{POOL}",{{"encoding":"base64"}}]}}"#
        );
        self.aggregator.request(id, request.as_bytes()).expect("sound");
        let answer = format!(r#"{{"jsonrpc":"2.0","result":{},"id":1}}"#, self.subscriptions[endpoint]);
        assert_eq!(self.push(endpoint, &answer), Verdict::Control);
    }

    pub fn push(&mut self, endpoint: usize, frame: &str) -> Verdict {
        let id = self.endpoints[endpoint];
        let verdict = self.aggregator.push(id, frame.as_bytes(), &mut self.updates);
        self.apply();
        verdict
    }

    pub fn apply(&mut self) {
        for update in &self.updates {
            let account = update.account.as_ref().expect("never deleted here");
            assert_eq!(account.data.len(), 3);
            if let Some(&(slot, _)) = self.applied.last().filter(|_| !self.may_go_back) {
                assert!(update.slot >= slot, "the applied slot went back");
            }
            self.applied.push((update.slot, usize::from(account.data[2])));
        }
        self.aggregator.recycle(&mut self.updates);
        assert!(self.updates.is_empty());
    }

    pub fn deliver(&mut self, endpoint: usize, position: usize) -> Verdict {
        let (slot, state) = self.chain[position];
        self.moved(endpoint, position);
        self.notify(endpoint, slot, state)
    }

    /// Sends a notification, true or not.
    pub fn notify(&mut self, endpoint: usize, slot: u64, state: usize) -> Verdict {
        let frame = format!(
            r#"{{"jsonrpc":"2.0","method":"accountNotification","params":{{"result":{{"context":{{"slot":{slot}}},"value":{}}},"subscription":{}}}}}"#,
            account(state),
            self.subscriptions[endpoint]
        );
        self.push(endpoint, &frame)
    }

    /// Reads the account from a node that stands at `position`, before any notification.
    pub fn read_first(&mut self, endpoint: usize, position: usize, late: u64) {
        self.moved(endpoint, position);
        self.read(endpoint, position, late);
    }

    /// Reads the account from a node that stood at `position`.
    pub fn read(&mut self, endpoint: usize, position: usize, late: u64) {
        let (slot, state) = self.chain[position];
        let limit = self.chain.get(position + 1).map_or(slot + late, |next| next.0);
        let slot = (slot + late).min(limit);
        self.read[endpoint] = position;
        self.answer(endpoint, slot, state);
    }

    /// Reads over HTTP: the answer is a connection of its own that ends with it.
    pub fn read_over_http(&mut self, endpoint: usize, slot: u64, state: usize) {
        self.aggregator.connect(self.endpoints[endpoint]);
        self.open[endpoint] = true;
        self.answer(endpoint, slot, state);
        self.disconnect(endpoint);
    }

    /// Asks for the account and answers, truly or not.
    pub fn answer(&mut self, endpoint: usize, slot: u64, state: usize) {
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":2,"method":"getMultipleAccounts","params":[["{POOL}"],{{"encoding":"base64"}}]}}"#
        );
        self.aggregator.request(self.endpoints[endpoint], request.as_bytes()).expect("sound");
        let answer = format!(
            r#"{{"jsonrpc":"2.0","result":{{"context":{{"apiVersion":"2.1.0","slot":{slot}}},"value":[{}]}},"id":2}}"#,
            account(state)
        );
        self.push(endpoint, &answer);
    }

    pub fn moved(&mut self, endpoint: usize, position: usize) {
        self.next[endpoint] = position + 1;
        self.done[endpoint] = position + 1 == self.chain.len();
    }

    pub fn disconnect(&mut self, endpoint: usize) {
        self.open[endpoint] = false;
        self.aggregator.disconnect(self.endpoints[endpoint], &mut self.updates);
        self.apply();
    }

    pub fn act(&mut self, endpoint: usize, action: &Action) {
        match *action {
            Action::Deliver { skip } => {
                let position = self.next[endpoint] + skip;
                if self.open[endpoint] && position < self.chain.len() {
                    self.deliver(endpoint, position);
                }
            }
            Action::Disconnect => self.disconnect(endpoint),
            Action::Reconnect { position, late } => {
                if late != 1 {
                    self.disconnect(endpoint); // else the end of the old connection goes unnoticed
                }
                self.subscribe(endpoint);
                self.read_first(endpoint, position * self.chain.len() / 1000, late);
            }
            Action::Read { ahead, late } => {
                let position = self.read[endpoint] + ahead;
                if self.open[endpoint] && position < self.chain.len() {
                    self.read(endpoint, position, late);
                }
            }
        }
    }

    /// Brings an endpoint to where its connection has delivered the last write.
    pub fn finish(&mut self, endpoint: usize) {
        let last = self.chain.len() - 1;
        if !self.open[endpoint] {
            self.subscribe(endpoint);
            self.read_first(endpoint, last, 0);
        } else if !self.done[endpoint] {
            self.deliver(endpoint, last);
        }
    }

    pub fn last_state(&self) -> Option<usize> {
        self.applied.last().map(|applied| applied.1)
    }
}
