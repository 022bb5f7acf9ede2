//! A provider has one voice over however many connections, and keeps it when an answer over HTTP ends.

mod aggregator_world;
mod property_config;

use aggregator_world::{Action, World, Write, actions, chain};
use phantom_core::wss_aggregator::{AggregatorConfig, QuarantineLimits, Verdict};
use proptest::prelude::*;

const STATES: usize = 3;
/// Two truthful providers, each with a socket and answers over HTTP, and a liar with two sockets.
const NAMES: [&str; 7] = ["a/0", "a/http", "b/0", "b/http", "liar/0", "liar/1", "liar/http"];
/// The connection of a provider's first socket, by number of the provider.
const SOCKETS: [usize; 2] = [0, 2];
const LIAR: usize = 4;
const LIAR_HTTP: usize = 6;

fn world(quorum: usize, chain: Vec<Write>) -> World {
    World::named(AggregatorConfig { quorum, ..AggregatorConfig::default() }, chain, &NAMES)
}

/// What the liar sends, over which of its sockets.
#[derive(Debug, Clone)]
enum Lie {
    Notify {
        over: usize,
        slot: u64,
        state: usize,
    },
    /// One of the chain's writes, in whatever order.
    True {
        over: usize,
        position: usize,
    },
    Read {
        slot: u64,
        state: usize,
    },
    Slot {
        over: usize,
        slot: u64,
    },
    Reconnect {
        over: usize,
    },
    Disconnect {
        over: usize,
    },
}

fn lie() -> impl Strategy<Value = Lie> {
    let slot = || prop_oneof![3 => 99..140_u64, 1 => 100_u64..432_000];
    let over = || 0..2_usize;
    prop_oneof![
        4 => (over(), slot(), 0..8_usize).prop_map(|(over, slot, state)| Lie::Notify { over, slot, state }),
        4 => (over(), 0..1000_usize).prop_map(|(over, position)| Lie::True { over, position }),
        3 => (slot(), 0..8_usize).prop_map(|(slot, state)| Lie::Read { slot, state }),
        1 => (over(), slot()).prop_map(|(over, slot)| Lie::Slot { over, slot }),
        1 => over().prop_map(|over| Lie::Reconnect { over }),
        1 => over().prop_map(|over| Lie::Disconnect { over }),
    ]
}

/// Tells a lie; the liar's connections are the last three, from `liar` on.
fn tell(world: &mut World, lie: &Lie, liar: usize) {
    let over = |number: usize| liar + number;
    match *lie {
        Lie::Notify { over: number, slot, state } => {
            world.notify(over(number), slot, state);
        }
        Lie::True { over: number, position } => {
            let (slot, state) = world.chain[position * world.chain.len() / 1000];
            world.notify(over(number), slot, state);
        }
        Lie::Read { slot, state } => world.read_over_http(over(2), slot, state),
        Lie::Slot { over: number, slot } => {
            let verdict = world.push(over(number), &heartbeat(slot));
            assert_ne!(verdict, Verdict::Fresh);
        }
        Lie::Reconnect { over: number } => world.subscribe(over(number)),
        Lie::Disconnect { over: number } => world.disconnect(over(number)),
    }
}

fn heartbeat(slot: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"slotNotification","params":{{"result":{{"slot":{slot},"parent":1,"root":1}},"subscription":0}}}}"#
    )
}

/// Two truthful providers, each with two sockets and answers over HTTP, and the liar.
const WIDE: [&str; 9] = ["a/0", "a/1", "a/http", "b/0", "b/1", "b/http", "liar/0", "liar/1", "liar/http"];
const WIDE_LIAR: usize = 6;

/// One step of a truthful socket, or a read over HTTP at the place that it has reached.
fn step(world: &mut World, socket: usize, http: usize, action: &Action) {
    match *action {
        Action::Read { ahead, late } => {
            let position = (world.next[socket] + ahead).min(world.chain.len() - 1);
            let (slot, state) = world.chain[position];
            let limit = world.chain.get(position + 1).map_or(slot + late, |next| next.0);
            world.read_over_http(http, (slot + late).min(limit), state);
        }
        _ => world.act(socket, action),
    }
}

proptest! {
    #![proptest_config(property_config::cases(3000))]

    #[test]
    fn push_of_lies_over_three_connections_changes_nothing_in_the_end(
        chain in chain(STATES, 14),
        actions in actions(60),
        lies in prop::collection::vec((lie(), any::<prop::sample::Index>()), 0..60),
        by_read in prop::array::uniform2(any::<bool>()),
        finish in Just([0_usize, 1, 2, 3]).prop_shuffle(),
        sockets in 1..=2_usize,
    ) {
        let config = AggregatorConfig { quorum: 2, ..AggregatorConfig::default() };
        let mut world = World::named(config, chain.clone(), &WIDE);
        let last = *chain.last().expect("a chain has writes");
        // Socket `n` is the second one of provider `n / 2` if `n` is odd.
        let (socket_of, http_of) = (|n: usize| n / 2 * 3 + n % 2, |n: usize| n / 2 * 3 + 2);
        let is_used = |n: &usize| n % 2 < sockets;
        let acts: Vec<_> = actions.iter().filter(|(n, _)| is_used(n)).collect();
        let finish: Vec<usize> = finish.into_iter().filter(is_used).collect();
        let steps = acts.len() + finish.len();
        for at in 0..=steps {
            for (lie, _) in lies.iter().filter(|(_, index)| index.index(steps + 1) == at) {
                tell(&mut world, lie, WIDE_LIAR);
            }
            if let Some((n, action)) = acts.get(at) {
                step(&mut world, socket_of(*n), http_of(*n), action);
            } else if let Some(&n) = finish.get(at - acts.len()) {
                if by_read[n / 2] {
                    // The socket is gone; what is read over HTTP is all there is of it.
                    world.disconnect(socket_of(n));
                    world.read_over_http(http_of(n), last.0, last.1);
                } else {
                    world.finish(socket_of(n));
                }
            }
        }
        prop_assert_eq!(world.last_state(), Some(last.1));
        for &(slot, state) in &world.applied {
            prop_assert!(chain.iter().any(|&write| write.1 == state), "{} in {} is invented", state, slot);
        }
        let stats = world.aggregator.stats();
        prop_assert!(stats.highest_slot < 140, "moved to {}", stats.highest_slot);
    }
}

#[test]
fn push_by_two_connections_of_one_provider_is_no_quorum() {
    let mut world = world(2, vec![(101, 1)]);
    assert_eq!(world.notify(LIAR, 101, 5), Verdict::Held);
    assert_ne!(world.notify(LIAR + 1, 101, 5), Verdict::Fresh);
    world.read_over_http(LIAR_HTTP, 101, 5);
    assert!(world.applied.is_empty());
    world.deliver(0, 0);
    assert!(world.applied.is_empty());
    world.deliver(2, 0);
    assert_eq!(world.applied, [(101, 1)]);
}

#[test]
fn reads_of_two_providers_over_http_are_a_quorum() {
    let mut world = world(2, vec![(101, 1)]);
    world.read_over_http(1, 103, 1);
    assert!(world.applied.is_empty());
    world.read_over_http(3, 102, 1);
    assert_eq!(world.applied, [(102, 1)]);
}

#[test]
fn read_over_http_and_a_notification_of_another_provider_are_a_quorum() {
    for read_first in [true, false] {
        let mut world = world(2, vec![(101, 1)]);
        if read_first {
            world.read_over_http(1, 104, 1);
            world.deliver(2, 0);
        } else {
            world.deliver(2, 0);
            world.read_over_http(1, 104, 1);
        }
        assert_eq!(world.applied, [(101, 1)]);
    }
}

/// Both sockets have lost the second write of the slot, or one of them: what is read says so within it.
#[test]
fn reads_over_http_within_the_applied_slot_count_after_they_have_ended() {
    let chain = vec![(101, 1), (101, 2)];
    let mut both = world(2, chain.clone());
    for socket in SOCKETS {
        both.deliver(socket, 0);
    }
    both.read_over_http(1, 105, 2);
    both.read_over_http(3, 101, 2);
    assert_eq!(both.applied, [(101, 1), (101, 2)][..1], "the notification of slot 101 goes before its read");
    both.read_over_http(3, 103, 2);
    assert_eq!(both.last_state(), Some(2));

    let mut one = world(2, chain);
    for socket in SOCKETS {
        one.deliver(socket, 0);
    }
    one.deliver(0, 1);
    one.read_over_http(3, 105, 2);
    assert_eq!(one.applied, [(101, 1), (101, 2)]);
}

/// What was read before the slot's last write must not hold that back.
#[test]
fn read_over_http_does_not_hold_back_a_later_write_of_its_slot() {
    let mut world = World::named(
        AggregatorConfig { quorum: 2, ..AggregatorConfig::default() },
        vec![(101, 1), (101, 2)],
        &["a/0", "b/0", "c/http", "d/http", "e/http"],
    );
    for endpoint in [2, 3, 4] {
        world.read_over_http(endpoint, 101, 1);
    }
    assert_eq!(world.applied, [(101, 1)]);
    world.deliver(0, 1);
    world.deliver(1, 1);
    assert_eq!(world.applied, [(101, 1), (101, 2)]);
}

#[test]
fn slots_of_one_provider_over_three_connections_move_nothing() {
    let mut world = World::named(
        AggregatorConfig { max_slot_lead: 100, ..AggregatorConfig::default() },
        vec![(101, 1)],
        &["a/0", "b/0", "liar/0", "liar/1", "liar/2"],
    );
    for endpoint in [0, 1] {
        world.push(endpoint, &heartbeat(100));
    }
    for (endpoint, slot) in [(2, 199), (3, 198), (4, 197)] {
        assert_eq!(world.push(endpoint, &heartbeat(slot)) == Verdict::Fresh, endpoint == 2);
    }
    assert_eq!(world.aggregator.watch().now(), Some(100));
    assert!(matches!(world.push(3, &heartbeat(201)), Verdict::Malformed(_)), "the base is 100 still");
}

#[test]
fn quarantine_hits_every_connection_of_the_provider_those_to_come_included() {
    let mut world = world(1, vec![(101, 1), (102, 2)]);
    world.notify(LIAR, 110, 5);
    world.notify(LIAR + 1, 110, 5);
    let (liar, mut updates) = (world.endpoints[LIAR + 1], Vec::new());
    world.aggregator.quarantine(liar, &mut updates);
    assert_eq!(world.aggregator.take_doubted().len(), 1, "two connections of one provider do not confirm");
    for endpoint in [LIAR, LIAR + 1] {
        assert_eq!(world.notify(endpoint, 111, 6), Verdict::Ignored);
    }
    let late = world.aggregator.endpoint("liar/2");
    assert_eq!(world.aggregator.push(late, heartbeat(120).as_bytes(), &mut updates), Verdict::Ignored);
    world.may_go_back = true;
    assert_eq!(world.deliver(0, 0), Verdict::Fresh);
    assert_eq!(world.last_state(), Some(1));
    let stats = world.aggregator.stats();
    let names = stats.endpoints.iter().filter(|endpoint| endpoint.is_quarantined);
    assert_eq!(
        names.map(|endpoint| &endpoint.name[..]).collect::<Vec<_>>(),
        ["liar/0", "liar/1", "liar/http", "liar/2"]
    );
    world.aggregator.release(late);
    assert!(world.aggregator.stats().endpoints.iter().all(|endpoint| !endpoint.is_quarantined));
}

/// A lie must not be kept by reconnecting: its sequence starts anew, but the state is still its word.
#[test]
fn quarantine_after_a_reconnect_doubts_what_was_said_before_it() {
    let mut world = world(1, vec![(101, 1)]);
    world.notify(LIAR, 110, 5);
    world.subscribe(LIAR);
    world.notify(LIAR, 110, 6);
    let liar = world.endpoints[LIAR];
    world.aggregator.quarantine(liar, &mut Vec::new());
    assert_eq!(world.aggregator.take_doubted().len(), 1);
    world.may_go_back = true;
    assert_eq!(world.deliver(0, 0), Verdict::Fresh);
}

/// Offences on several connections add up, and one connection's offence is the provider's.
#[test]
fn quarantine_limits_count_what_a_provider_does_over_all_its_connections() {
    let limits = QuarantineLimits { malformed: 3, ..QuarantineLimits::default() };
    let config = AggregatorConfig { quarantine: Some(limits), ..AggregatorConfig::default() };
    let mut world = World::named(config, vec![(101, 1)], &NAMES);
    for endpoint in [LIAR, LIAR + 1, LIAR, LIAR + 1] {
        assert!(!world.aggregator.stats().endpoints[LIAR].is_quarantined);
        world.push(endpoint, "[{\"jsonrpc\":");
    }
    let quarantined = world.aggregator.stats().endpoints.iter().filter(|all| all.is_quarantined).count();
    assert_eq!(quarantined, 3);
}

#[test]
fn accounts_named_over_two_connections_of_a_provider_stay_its_own() {
    let config = AggregatorConfig { max_introduced: 2, ..AggregatorConfig::default() };
    let mut world = World::named(config, vec![(101, 1)], &NAMES);
    let named = |number: usize| {
        let pubkey =
            phantom_core::quantities::Pubkey([u8::try_from(number).expect("small") + 1; 32]).to_string();
        format!(
            r#"{{"jsonrpc":"2.0","method":"programNotification","params":{{"result":{{"context":{{"slot":101}},"value":{{"pubkey":"{pubkey}","account":{}}}}},"subscription":1}}}}"#,
            aggregator_world::account(0)
        )
    };
    for (endpoint, number, is_taken) in
        [(LIAR, 0, true), (LIAR + 1, 0, true), (LIAR, 1, true), (LIAR, 2, false)]
    {
        let verdict =
            world.aggregator.push(world.endpoints[endpoint], named(number).as_bytes(), &mut Vec::new());
        assert_eq!(
            !matches!(verdict, Verdict::Malformed(_)),
            is_taken,
            "{number} over {endpoint}: {verdict:?}"
        );
    }
}

/// A state returns within the slot: what a provider reads last goes before what its socket had shown.
#[test]
fn read_over_http_of_a_state_that_has_returned_is_not_outdated_by_the_same_provider() {
    let mut world = world(2, vec![(101, 0), (101, 2), (101, 1), (101, 2)]);
    for state in [2, 1] {
        world.notify(LIAR, 101, state);
    }
    for position in 0..3 {
        world.deliver(2, position);
    }
    world.deliver(0, 0);
    world.deliver(0, 3);
    assert_eq!(world.last_state(), Some(1));
    world.disconnect(2);
    world.read_over_http(3, 101, 2);
    assert_eq!(world.last_state(), Some(2));
}

/// The same the other way round: what stood between must not come back because the socket that has seen it
/// is closed.
#[test]
fn read_over_http_of_a_state_that_has_returned_outweighs_what_the_socket_saw_before() {
    let mut world = world(2, vec![(101, 2), (101, 0), (101, 2)]);
    world.notify(LIAR, 101, 2);
    world.deliver(2, 0);
    world.deliver(2, 1);
    world.deliver(0, 2);
    world.disconnect(2);
    world.read_over_http(3, 101, 2);
    world.notify(LIAR, 101, 0);
    assert_eq!(world.applied, [(101, 2)]);
}

/// What a socket had read is notified by it, too: only that makes it the last word, ahead of another read.
#[test]
fn notification_of_what_was_read_before_is_a_new_last_word() {
    let mut world = world(2, vec![(101, 1), (101, 2), (101, 0), (101, 1)]);
    world.answer(2, 101, 1);
    world.read_over_http(3, 101, 2);
    world.read_over_http(1, 101, 2);
    assert_eq!(world.applied, [(101, 2)]);
    world.read_over_http(1, 101, 1);
    assert_eq!(world.last_state(), Some(2));
    world.deliver(2, 3);
    assert_eq!(world.last_state(), Some(1));
}

/// What only a read held back is applied when its connection ends, though that had notified nothing.
#[test]
fn disconnect_of_a_connection_that_has_only_read_releases_what_it_held_back() {
    let mut world =
        World::named(AggregatorConfig::default(), vec![(101, 1), (101, 2)], &["a/0", "b/0", "c/http"]);
    world.deliver(0, 0);
    assert_eq!(world.deliver(1, 1), Verdict::Held);
    world.aggregator.connect(world.endpoints[2]);
    world.answer(2, 101, 1);
    world.disconnect(0);
    assert_eq!(world.applied, [(101, 1)]);
    world.disconnect(2);
    assert_eq!(world.applied, [(101, 1), (101, 2)]);
}
