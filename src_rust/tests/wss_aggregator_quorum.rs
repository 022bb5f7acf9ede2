//! A quorum against liars: what at least `k` truthful endpoints say holds, whatever up to `k - 1`
//! others send, and whenever.

mod aggregator_world;
mod property_config;

use aggregator_world::{Action, World, Write, actions, chain};
use phantom_core::wss_aggregator::{AggregatorConfig, Verdict};
use proptest::prelude::*;

/// States of the chain; those from here on are invented.
const STATES: usize = 3;
const LAST_SLOT: u64 = 140;

/// Something that a liar sends.
#[derive(Debug, Clone)]
enum Lie {
    /// A state in a slot, where the chain may or may not have it.
    Write {
        slot: u64,
        state: usize,
    },
    /// The same, as the answer to a read.
    Read {
        slot: u64,
        state: usize,
    },
    /// One of the chain's writes, in whatever order.
    True {
        position: usize,
    },
    /// A slot that it claims to have reached.
    Slot {
        slot: u64,
    },
    Reconnect,
    Disconnect,
    Garbage,
}

fn lie() -> impl Strategy<Value = Lie> {
    let slot = || prop_oneof![3 => 99..LAST_SLOT, 1 => 100_u64..432_000];
    prop_oneof![
        4 => (slot(), 0..8_usize).prop_map(|(slot, state)| Lie::Write { slot, state }),
        2 => (slot(), 0..8_usize).prop_map(|(slot, state)| Lie::Read { slot, state }),
        6 => (0..1000_usize).prop_map(|position| Lie::True { position }),
        1 => slot().prop_map(|slot| Lie::Slot { slot }),
        1 => Just(Lie::Reconnect),
        1 => Just(Lie::Disconnect),
        1 => Just(Lie::Garbage),
    ]
}

/// `k`, how many tell the truth, and how many lie.
fn sides() -> impl Strategy<Value = (usize, usize, usize)> {
    (2..4_usize).prop_flat_map(|quorum| (Just(quorum), quorum..5_usize, 0..quorum))
}

fn world(quorum: usize, chain: Vec<Write>, endpoints: usize) -> World {
    World::with(AggregatorConfig { quorum, ..AggregatorConfig::default() }, chain, endpoints)
}

fn tell(world: &mut World, liar: usize, lie: &Lie) {
    match *lie {
        Lie::Write { slot, state } => {
            world.notify(liar, slot, state);
        }
        Lie::Read { slot, state } => world.answer(liar, slot, state),
        Lie::True { position } => {
            let (slot, state) = world.chain[position * world.chain.len() / 1000];
            world.notify(liar, slot, state);
        }
        Lie::Slot { slot } => {
            let frame = format!(
                r#"{{"jsonrpc":"2.0","method":"slotNotification","params":{{"result":{{"slot":{slot},"parent":1,"root":1}},"subscription":0}}}}"#
            );
            let verdict = world.push(liar, &frame);
            assert_ne!(verdict, Verdict::Fresh);
        }
        Lie::Reconnect => world.subscribe(liar),
        Lie::Disconnect => world.disconnect(liar),
        Lie::Garbage => {
            world.push(liar, "[{\"jsonrpc\":");
        }
    }
}

/// Checks that only states of the chain were applied.
fn assert_true(world: &World) -> Result<(), TestCaseError> {
    for &(slot, state) in &world.applied {
        prop_assert!(world.chain.iter().any(|&write| write.1 == state), "{state} in {slot} is invented");
    }
    Ok(())
}

fn assert_counters(world: &World, honest: usize) -> Result<(), TestCaseError> {
    let stats = world.aggregator.stats();
    for endpoint in &stats.endpoints[..honest] {
        prop_assert_eq!(endpoint.malformed_by_reason().count(), 0);
        prop_assert_eq!(endpoint.wrong_owners, 0);
    }
    prop_assert!(stats.highest_slot <= LAST_SLOT, "moved to {}", stats.highest_slot);
    Ok(())
}

proptest! {
    #![proptest_config(property_config::cases(3000))]

    #[test]
    fn push_of_everything_by_a_quorum_gives_the_chain_order_whatever_liars_invent(
        chain in prop_oneof![chain(STATES, 20), chain(8, 6)],
        (quorum, honest, liars) in sides(),
        schedule in prop::collection::vec((0_usize..8, lie()), 0..120),
    ) {
        let mut world = world(quorum, chain.clone(), honest + liars);
        let rest = (0..honest).flat_map(|endpoint| std::iter::repeat_n((endpoint, Lie::Garbage), chain.len()));
        for (choice, lie) in schedule.into_iter().chain(rest) {
            let endpoint = choice % (honest + liars);
            if endpoint >= honest {
                let invented = match lie {
                    Lie::Write { slot, state } => !chain.contains(&(slot, state)),
                    Lie::Read { .. } | Lie::True { .. } => false,
                    _ => true,
                };
                if invented {
                    tell(&mut world, endpoint, &lie);
                }
            } else if world.next[endpoint] < chain.len() {
                world.deliver(endpoint, world.next[endpoint]);
            }
        }
        let mut states = chain.clone();
        states.sort_unstable();
        states.dedup();
        if states.len() == chain.len() {
            prop_assert_eq!(&world.applied, &chain);
        }
        assert_true(&world)?;
        prop_assert_eq!(world.applied.last(), chain.last());
        assert_counters(&world, honest)?;
        if liars <= 1 {
            let stats = world.aggregator.stats();
            prop_assert_eq!(stats.endpoints[..honest].iter().map(|endpoint| endpoint.disagreements).sum::<u64>(), 0);
        }
    }

    #[test]
    fn push_with_skips_reconnects_and_any_lies_ends_on_the_last_write(
        chain in chain(STATES, 14),
        (quorum, honest, liars) in sides(),
        actions in actions(60),
        lies in prop::collection::vec((0_usize..3, lie(), any::<prop::sample::Index>()), 0..60),
        order in Just((0..4).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let mut world = world(quorum, chain.clone(), honest + liars);
        let finish = order.iter().filter(|&&endpoint| endpoint < honest);
        let acts: Vec<(usize, Option<&Action>)> = actions
            .iter()
            .filter(|(endpoint, _)| *endpoint < honest)
            .map(|(endpoint, action)| (*endpoint, Some(action)))
            .chain(finish.map(|&endpoint| (endpoint, None)))
            .collect();
        for at in 0..=acts.len() {
            for (choice, lie, _) in lies.iter().filter(|(_, _, index)| index.index(acts.len() + 1) == at) {
                if liars > 0 {
                    tell(&mut world, honest + choice % liars, lie);
                }
            }
            match acts.get(at) {
                Some(&(endpoint, Some(action))) => world.act(endpoint, action),
                Some(&(endpoint, None)) => world.finish(endpoint),
                None => {}
            }
        }
        prop_assert_eq!(world.last_state(), chain.last().map(|last| last.1));
        assert_true(&world)?;
        assert_counters(&world, honest)?;
    }
}

/// A state returns within the slot, and only one endpoint has seen what stood between: a liar that
/// then confirms it must not bring it back.
#[test]
fn push_of_what_stood_between_by_a_liar_does_not_replace_the_last_write() {
    let chain = vec![(101, 2), (101, 0), (101, 2)];
    let mut world = world(2, chain, 4);
    let liar = 3;
    world.notify(liar, 101, 2);
    for position in 0..3 {
        world.deliver(0, position);
    }
    for endpoint in [1, 2] {
        world.deliver(endpoint, 2);
    }
    world.notify(liar, 101, 0);
    assert_eq!(world.applied, [(101, 2)]);
}
