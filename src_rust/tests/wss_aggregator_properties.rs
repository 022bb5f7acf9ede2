//! The order of account writes against a model of a chain and of nodes that report it.

mod aggregator_world;
mod property_config;

use aggregator_world::{Action, World, Write, actions, chain};
use phantom_core::wss_aggregator::Verdict;
use proptest::prelude::*;

/// The first four numbers in any order.
fn shuffled() -> impl Strategy<Value = Vec<usize>> {
    Just((0..4).collect::<Vec<_>>()).prop_shuffle()
}

proptest! {
    #![proptest_config(property_config::cases(3000))]

    #[test]
    fn push_of_everything_from_every_endpoint_gives_the_chain_order_whatever_the_delays(
        chain in chain(3, 24),
        count in 1_usize..5,
        schedule in prop::collection::vec(0_usize..4, 0..100),
    ) {
        let mut world = World::new(chain.clone(), count);
        let tail = (0..count).flat_map(|endpoint| std::iter::repeat_n(endpoint, chain.len()));
        for endpoint in schedule.into_iter().map(|choice| choice % count).chain(tail) {
            let position = world.next[endpoint];
            if position < chain.len() {
                let leads = world.next.iter().all(|&next| next <= position);
                let verdict = world.deliver(endpoint, position);
                prop_assert_eq!(verdict == Verdict::Fresh, leads);
                prop_assert_ne!(verdict, Verdict::Held);
            }
        }
        prop_assert_eq!(world.applied, chain);
    }

    #[test]
    fn push_with_skips_and_reconnects_ends_on_the_last_write(
        chain in chain(3, 16),
        actions in actions(60),
        count in 1_usize..5,
        order in shuffled(),
    ) {
        let mut world = World::new(chain.clone(), count);
        for (endpoint, action) in actions.iter().filter(|(endpoint, _)| *endpoint < count) {
            world.act(*endpoint, action);
        }
        for endpoint in order.into_iter().filter(|&endpoint| endpoint < count) {
            world.finish(endpoint);
        }
        prop_assert_eq!(world.last_state(), chain.last().map(|last| last.1));
    }

    #[test]
    fn disconnect_leaves_the_last_write_of_those_that_stay(
        len in 1_usize..8,
        actions in actions(40),
        leaving in 1_usize..4,
        order in shuffled(),
    ) {
        prop_assert_eq!(state_when_some_leave(len, &actions, leaving, &order), Some(len - 1));
    }
}

/// Lets four endpoints act on one slot's `len` writes, then in `order` those below `leaving`
/// disconnect and the others finish. Returns the state applied in the end.
///
/// Every state differs: one that returns cannot be told from an old one when the connection that
/// saw both is gone for good.
fn state_when_some_leave(
    len: usize,
    actions: &[(usize, Action)],
    leaving: usize,
    order: &[usize],
) -> Option<usize> {
    let chain: Vec<Write> = (0..len).map(|state| (100, state)).collect();
    let mut world = World::new(chain, 4);
    for (endpoint, action) in actions {
        world.act(*endpoint, action);
    }
    for &endpoint in order {
        if endpoint < leaving {
            world.disconnect(endpoint);
        } else {
            world.finish(endpoint);
        }
    }
    world.last_state()
}

/// Endpoint 1 reads the last write before it is notified of an older one: the notification says
/// nothing about which of the two is newer.
#[test]
fn disconnect_of_an_endpoint_whose_reads_were_ahead_leaves_the_last_write() {
    let actions = [
        (3, Action::Deliver { skip: 2 }),
        (3, Action::Deliver { skip: 2 }),
        (1, Action::Reconnect { position: 286, late: 0 }),
        (1, Action::Read { ahead: 2, late: 0 }),
        (1, Action::Read { ahead: 2, late: 0 }),
        (3, Action::Deliver { skip: 0 }),
        (1, Action::Deliver { skip: 0 }),
    ];
    assert_eq!(state_when_some_leave(7, &actions, 3, &[0, 1, 2, 3]), Some(6));
}
