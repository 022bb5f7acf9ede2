//! What is said to be fresh is fresh: a chain, nodes that follow it at their own pace, connections
//! that lose frames, break and come back, subscriptions that come and go, and reads in between.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod property_config;

use std::collections::VecDeque;

use common::*;
use phantom_core::freshness::Doubt;
use phantom_core::quantities::Pubkey;
use phantom_core::wss_aggregator::{AccountFreshness, AggregatorConfig, EndpointId, Verdict, WssAggregator};
use proptest::prelude::*;

const ACCOUNTS: usize = 3;
const NODES: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    /// A slot of the chain, after `skipped` empty ones, that writes the accounts in `written` (bits).
    Grow {
        skipped: u64,
        written: u8,
    },
    /// A node takes the next slot and pushes what it says.
    Follow {
        node: usize,
    },
    /// The next frames on the way arrive.
    Deliver {
        node: usize,
        frames: usize,
    },
    /// Frames on the way are lost, up to the next heartbeat or one after it, that included.
    Lose {
        node: usize,
        further: usize,
    },
    Subscribe {
        node: usize,
        account: usize,
    },
    Unsubscribe {
        node: usize,
        account: usize,
    },
    Disconnect {
        node: usize,
    },
    Connect {
        node: usize,
    },
    /// All accounts are read over HTTP at a node that is so many slots behind.
    Read {
        reader: usize,
        behind: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..NODES;
    let account = 0..ACCOUNTS;
    prop_oneof![
        6 => (0_u64..2, 0_u8..8).prop_map(|(skipped, written)| Step::Grow { skipped, written }),
        12 => node.clone().prop_map(|node| Step::Follow { node }),
        12 => (node.clone(), 1_usize..6).prop_map(|(node, frames)| Step::Deliver { node, frames }),
        2 => (node.clone(), 0_usize..3).prop_map(|(node, further)| Step::Lose { node, further }),
        6 => (node.clone(), account.clone()).prop_map(|(node, account)| Step::Subscribe { node, account }),
        1 => (node.clone(), account).prop_map(|(node, account)| Step::Unsubscribe { node, account }),
        1 => node.clone().prop_map(|node| Step::Disconnect { node }),
        3 => node.prop_map(|node| Step::Connect { node }),
        3 => (0_usize..2, 0_usize..3).prop_map(|(reader, behind)| Step::Read { reader, behind }),
    ]
}

/// A slot of the chain and which accounts it writes.
#[derive(Debug, Clone, Copy)]
struct Block {
    slot: u64,
    written: u8,
}

#[derive(Debug)]
struct Node {
    endpoint: EndpointId,
    is_connected: bool,
    /// How many blocks it has taken.
    position: usize,
    /// Whether a confirmation was lost: the caller would subscribe anew on another connection.
    is_half_subscribed: bool,
    /// Subscription ids by account.
    subscriptions: [Option<u64>; ACCOUNTS],
    /// Frames on the way, and whether each is a heartbeat.
    queue: VecDeque<(String, bool)>,
}

struct World {
    quorum: usize,
    feed: WssAggregator,
    readers: [EndpointId; 2],
    chain: Vec<Block>,
    nodes: Vec<Node>,
    next_id: u64,
}

fn address(account: usize) -> Pubkey {
    key(50 + u8::try_from(account).unwrap())
}

fn heartbeat(slot: u64, parent: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"slotNotification","params":{{"result":{{"parent":{parent},"root":{},"slot":{slot}}},"subscription":1}}}}"#,
        parent.saturating_sub(32)
    )
}

impl World {
    fn new(quorum: usize) -> Self {
        let mut feed = WssAggregator::new(AggregatorConfig { quorum, ..AggregatorConfig::default() });
        let readers = ["a/http", "b/http"].map(|name| feed.endpoint(name));
        let nodes = (0..NODES).map(|node| Node {
            endpoint: feed.endpoint(&format!("node{node}/0")),
            is_connected: true,
            position: 0,
            is_half_subscribed: false,
            subscriptions: [None; ACCOUNTS],
            queue: VecDeque::new(),
        });
        let nodes = nodes.collect();
        Self { quorum, feed, readers, chain: vec![Block { slot: 100, written: 0b111 }], nodes, next_id: 10 }
    }

    /// The state of an account: the slot that wrote it last, up to block `last`.
    fn state(&self, account: usize, last: usize) -> Option<u64> {
        self.chain[..=last].iter().rev().find(|block| block.written >> account & 1 == 1).map(|b| b.slot)
    }

    fn grow(&mut self, skipped: u64, written: u8) {
        let slot = self.chain[self.chain.len() - 1].slot + 1 + skipped;
        self.chain.push(Block { slot, written });
    }

    fn follow(&mut self, node: usize) {
        let Some(block) = self.chain.get(self.nodes[node].position).copied() else { return };
        let at = &mut self.nodes[node];
        let parent = at.position.checked_sub(1).map_or(99, |before| self.chain[before].slot);
        at.position += 1;
        if !at.is_connected {
            return;
        }
        at.queue.push_back((heartbeat(block.slot, parent), true));
        for account in (0..ACCOUNTS).filter(|account| block.written >> account & 1 == 1) {
            if let Some(subscription) = at.subscriptions[account] {
                let frame = notification(subscription, block.slot, SYSTEM, &block.slot.to_le_bytes());
                at.queue.push_back((frame, false));
            }
        }
    }

    fn receive(&mut self, endpoint: EndpointId, frame: &str) {
        let mut updates = Vec::new();
        let verdict = self.feed.push(endpoint, frame.as_bytes(), &mut updates);
        // The confirmation may have been lost.
        let is_sound =
            !matches!(verdict, Verdict::Malformed(ref why) if why.reason() != "unknown_subscription");
        assert!(is_sound, "{verdict:?}: {frame}");
    }

    fn deliver(&mut self, node: usize, frames: usize) {
        for _ in 0..frames {
            let Some((frame, _)) = self.nodes[node].queue.pop_front() else { return };
            self.receive(self.nodes[node].endpoint, &frame);
            self.check();
        }
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn subscribe(&mut self, node: usize, account: usize) {
        let (id, subscription) = (self.id(), self.id());
        let at = &mut self.nodes[node];
        if at.is_connected && at.subscriptions[account].is_none() {
            at.subscriptions[account] = Some(subscription);
            at.queue.push_back((confirmation(id, subscription), false));
            self.feed.request(at.endpoint, subscribe(id, address(account)).as_bytes()).unwrap();
        }
    }

    fn unsubscribe(&mut self, node: usize, account: usize) {
        let id = self.id();
        let at = &mut self.nodes[node];
        // Before the confirmation nobody knows the number to name.
        let number = self.feed.account_number(&address(account));
        if !number.is_some_and(|number| self.feed.watch().covers(at.endpoint.index(), number, false)) {
            return;
        }
        if let Some(subscription) = at.subscriptions[account].take() {
            let frame = format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"accountUnsubscribe","params":[{subscription}]}}"#
            );
            self.feed.request(at.endpoint, frame.as_bytes()).unwrap();
        }
    }

    fn disconnect(&mut self, node: usize) {
        let at = &mut self.nodes[node];
        at.is_connected = false;
        at.is_half_subscribed = false;
        at.subscriptions = [None; ACCOUNTS];
        at.queue.clear();
        self.feed.disconnect(at.endpoint, &mut Vec::new());
    }

    fn connect(&mut self, node: usize) {
        let at = &mut self.nodes[node];
        if !at.is_connected {
            at.is_connected = true;
            self.feed.connect(at.endpoint);
        }
    }

    fn read(&mut self, reader: usize, behind: usize) {
        let last = (self.chain.len() - 1).saturating_sub(behind);
        let id = self.id();
        let keys: Vec<Pubkey> = (0..ACCOUNTS).map(address).collect();
        self.feed.request(self.readers[reader], read_accounts(id, &keys).as_bytes()).unwrap();
        let states: Vec<[u8; 8]> = (0..ACCOUNTS)
            .map(|account| self.state(account, last).unwrap_or_default().to_le_bytes())
            .collect();
        let states: Vec<_> = states.iter().map(|state| Some((SYSTEM, &state[..]))).collect();
        self.receive(self.readers[reader], &accounts_read(id, self.chain[last].slot, &states));
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Grow { skipped, written } => self.grow(skipped, written),
            Step::Follow { node } => self.follow(node),
            Step::Deliver { node, frames } => self.deliver(node, frames),
            Step::Lose { node, further } => {
                let at = &mut self.nodes[node];
                let heartbeats = at.queue.iter().enumerate().filter(|(_, (_, is_heartbeat))| *is_heartbeat);
                let last = heartbeats.take(1 + further).last();
                if let Some(next) = last.map(|(next, _)| next) {
                    at.is_half_subscribed |=
                        at.queue.drain(..=next).any(|(frame, _)| frame.contains("\"id\""));
                }
            }
            Step::Subscribe { node, account } => self.subscribe(node, account),
            Step::Unsubscribe { node, account } => self.unsubscribe(node, account),
            Step::Disconnect { node } => self.disconnect(node),
            Step::Connect { node } => self.connect(node),
            Step::Read { reader, behind } => self.read(reader, behind),
        }
        self.check();
    }

    fn freshness(&self, account: usize) -> Option<AccountFreshness> {
        self.feed.freshness(self.feed.account_number(&address(account))?)
    }

    /// Nothing is said to be fresh past a write that is not held.
    fn check(&self) {
        for account in 0..ACCOUNTS {
            let Some(AccountFreshness { slot, known, .. }) = self.freshness(account) else { continue };
            let writes = self.chain.iter().filter(|block| block.written >> account & 1 == 1);
            let missed = writes.map(|block| block.slot).find(|&write| slot < write && write < known.fresh_to);
            assert_eq!(missed, None, "account {account}, held from {slot}: {known:?}");
            assert!(known.fresh_to <= self.chain[self.chain.len() - 1].slot);
            assert_eq!(known.doubt.is_some(), known.vouchers < self.quorum());
        }
    }

    fn quorum(&self) -> usize {
        self.quorum
    }

    /// Everything on the way arrives.
    fn settle(&mut self) {
        for node in 0..NODES {
            while self.nodes[node].position < self.chain.len() {
                self.follow(node);
            }
            self.deliver(node, usize::MAX);
        }
    }

    /// Once everybody is connected and has shown a slot after the confirmations, one reading at the
    /// slot asked for makes everything fresh, and silence keeps it so.
    fn heal(&mut self) {
        for node in 0..NODES {
            if self.nodes[node].is_half_subscribed {
                self.disconnect(node);
            }
            self.connect(node);
            for account in 0..ACCOUNTS {
                self.subscribe(node, account);
            }
        }
        self.settle();
        self.grow(0, 0);
        self.grow(0, 0);
        self.settle();
        let tip = self.chain[self.chain.len() - 1].slot;
        for account in 0..ACCOUNTS {
            if let Some(from) = self.freshness(account).and_then(|found| found.known.read_from) {
                assert!(from <= tip, "a read of the present cannot be asked for too late: {from} > {tip}");
            }
        }
        for reader in 0..self.quorum() {
            self.read(reader, 0);
        }
        for _ in 0..3 {
            self.check();
            let tip = self.chain[self.chain.len() - 1].slot;
            for account in 0..ACCOUNTS {
                let found = self.freshness(account).unwrap();
                assert_eq!((found.known.doubt, found.known.fresh_to), (None, tip), "account {account}");
                assert_eq!(found.known.vouchers, NODES);
            }
            assert_eq!(self.feed.watch().now(), Some(tip));
            self.grow(1, 0);
            self.settle();
        }
    }
}

proptest! {
    #![proptest_config(property_config::cases(600))]

    #[test]
    fn what_is_said_to_be_fresh_is_and_a_reading_heals(
        quorum in 1_usize..=2,
        is_watched in any::<bool>(),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut world = World::new(quorum);
        if is_watched {
            world.heal();
        }
        for step in &steps {
            world.run(step);
        }
        world.heal();
    }
}

/// A world with one node that covers every account and has shown a slot since, everything read.
fn watched() -> World {
    let mut world = World::new(1);
    world.follow(0);
    for account in 0..ACCOUNTS {
        world.subscribe(0, account);
    }
    world.grow(0, 0);
    world.follow(0);
    world.deliver(0, usize::MAX);
    world.read(0, 0);
    world
}

fn fresh_to(world: &World) -> (u64, Option<Doubt>) {
    let known = world.freshness(0).unwrap().known;
    (known.fresh_to, known.doubt)
}

#[test]
fn silence_with_heartbeats_keeps_an_account_fresh_and_without_them_it_ages() {
    let mut world = watched();
    for _ in 0..50 {
        world.grow(0, 0);
    }
    assert_eq!(fresh_to(&world), (101, None));
    world.follow(0);
    world.deliver(0, 1);
    assert_eq!(fresh_to(&world), (102, None));
}

#[test]
fn read_before_the_first_slot_shown_after_the_confirmation_is_not_taken_over() {
    let mut world = World::new(1);
    world.follow(0);
    world.subscribe(0, 0);
    world.deliver(0, usize::MAX);
    world.read(0, 0); // slot 100; whether the subscription had begun is not known
    for _ in 0..3 {
        world.grow(0, 0);
        world.follow(0);
        world.deliver(0, usize::MAX);
    }
    assert_eq!(fresh_to(&world), (100, Some(Doubt::Unread)));
    assert_eq!(world.freshness(0).unwrap().known.read_from, Some(101));
    world.read(0, 2);
    assert_eq!(fresh_to(&world), (103, None));
}

#[test]
fn lost_heartbeat_ends_what_is_known_at_the_one_before_until_read_again() {
    let mut world = watched();
    for _ in 0..3 {
        world.grow(0, 0b001);
        world.follow(0);
    }
    world.run(&Step::Lose { node: 0, further: 0 });
    world.deliver(0, usize::MAX);
    assert_eq!(fresh_to(&world), (104, None), "written since");
    let other = world.freshness(1).unwrap().known;
    assert_eq!((other.fresh_to, other.doubt, other.read_from), (101, Some(Doubt::Unread), Some(103)));
    let report = world.feed.watch().report(world.nodes[0].endpoint.index());
    assert_eq!((report.gaps, report.slots_lost), (1, 1));
    world.read(0, 0);
    assert_eq!(world.freshness(1).unwrap().known.fresh_to, 104);
}

#[test]
fn connection_that_missed_what_another_pushed_does_not_vouch_by_its_silence() {
    let mut world = watched();
    world.subscribe(1, 0);
    (0..2).for_each(|_| world.follow(1));
    world.deliver(1, usize::MAX);
    assert_eq!(world.freshness(0).unwrap().known.vouchers, 2);
    world.grow(0, 0b001);
    world.follow(0);
    world.deliver(0, usize::MAX);
    world.follow(1);
    world.nodes[1].queue.pop_back(); // the write is lost, the heartbeat is not
    world.disconnect(0);
    world.grow(0, 0);
    world.follow(1);
    world.deliver(1, usize::MAX);
    assert_eq!(fresh_to(&world), (102, Some(Doubt::Unread)));
}

#[test]
fn slots_that_the_chain_skips_are_no_gap() {
    let mut world = watched();
    world.grow(7, 0);
    world.follow(0);
    world.deliver(0, usize::MAX);
    assert_eq!(fresh_to(&world), (109, None));
}

#[test]
fn disconnect_keeps_what_was_known_and_the_new_connection_starts_with_nothing() {
    let mut world = watched();
    world.grow(0, 0);
    world.follow(0);
    world.deliver(0, usize::MAX);
    world.disconnect(0);
    assert_eq!(fresh_to(&world), (102, Some(Doubt::Uncovered)));
    world.connect(0);
    world.subscribe(0, 0);
    world.grow(0, 0);
    world.follow(0);
    world.deliver(0, usize::MAX);
    assert_eq!(fresh_to(&world), (102, Some(Doubt::Unread)));
}

#[test]
fn another_connection_takes_over_without_a_reading_if_it_covered_the_account_in_time() {
    let mut world = watched();
    world.follow(1);
    world.subscribe(1, 0);
    for _ in 0..2 {
        world.grow(0, 0);
    }
    for node in [1, 0] {
        (0..3).for_each(|_| world.follow(node));
        world.deliver(node, usize::MAX);
    }
    assert_eq!(world.freshness(0).unwrap().known.vouchers, 2);
    world.disconnect(0);
    world.grow(0, 0);
    world.follow(1);
    world.deliver(1, usize::MAX);
    assert_eq!(fresh_to(&world), (104, None));
}

#[test]
fn connection_that_lags_makes_nothing_fresh() {
    let mut world = watched();
    for _ in 0..20 {
        world.grow(0, 0);
        world.follow(1);
    }
    world.deliver(1, usize::MAX);
    assert_eq!(fresh_to(&world), (101, None));
    assert_eq!(world.feed.watch().now(), Some(119));
}

#[test]
fn one_of_three_that_names_a_distant_slot_makes_nothing_stale() {
    let mut world = watched();
    for node in [1, 2] {
        (0..2).for_each(|_| world.follow(node));
        world.deliver(node, usize::MAX);
    }
    world.receive(world.nodes[2].endpoint, &heartbeat(300_000, 101));
    assert_eq!(world.feed.watch().now(), Some(101));
}

#[test]
fn unsubscribed_account_is_vouched_for_no_more_even_when_subscribed_anew() {
    let mut world = watched();
    world.unsubscribe(0, 0);
    world.grow(0, 0b001);
    world.follow(0);
    world.subscribe(0, 0);
    for _ in 0..2 {
        world.grow(0, 0);
        world.follow(0);
    }
    world.deliver(0, usize::MAX);
    assert_eq!(fresh_to(&world), (101, Some(Doubt::Unread)));
}
