//! One hostile endpoint among three: what is counted, what is refused, what quarantine undoes.

mod aggregator_world;
mod property_config;

use aggregator_world::{POOL, World, Write, chain};
use phantom_core::wss_aggregator::{AggregatorConfig, QuarantineLimits, Verdict};
use proptest::prelude::*;

const LIAR: usize = 2;

fn world(config: AggregatorConfig, chain: &[Write]) -> World {
    World::with(config, chain.to_vec(), 3)
}

fn limits() -> AggregatorConfig {
    AggregatorConfig { quarantine: Some(QuarantineLimits::default()), ..AggregatorConfig::default() }
}

fn owned(world: &World, endpoint: usize, slot: u64, state: &str, owner: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"accountNotification","params":{{"result":{{"context":{{"slot":{slot}}},"value":{{"lamports":1,"data":["{state}","base64"],"owner":"{owner}","executable":false,"rentEpoch":1,"space":3}}}},"subscription":{}}}}}"#,
        world.subscriptions[endpoint]
    )
}

#[test]
fn quarantine_unsays_what_the_endpoint_alone_had_applied() {
    let mut world = world(AggregatorConfig::default(), &[(100, 1), (101, 2), (102, 3)]);
    for endpoint in 0..3 {
        world.deliver(endpoint, 0);
    }
    assert_eq!(world.notify(LIAR, 5000, 7), Verdict::Fresh); // it wins the race: nothing forbids it
    assert_eq!(world.deliver(0, 1), Verdict::Stale);
    let liar = world.endpoints[LIAR];
    world.aggregator.quarantine(liar, &mut world.updates);
    world.apply();
    assert_eq!(world.aggregator.take_doubted().iter().map(ToString::to_string).collect::<Vec<_>>(), [POOL]);
    assert!(world.aggregator.take_doubted().is_empty());
    assert_eq!(world.aggregator.highest_slot(), 101);
    world.applied.clear(); // the caller reads it again
    assert_eq!(world.notify(LIAR, 5001, 7), Verdict::Ignored);
    assert_eq!(world.deliver(1, 1), Verdict::Fresh);
    assert_eq!(world.deliver(1, 2), Verdict::Fresh);
    assert_eq!(world.deliver(0, 2), Verdict::Duplicate);
    let stats = &world.aggregator.stats().endpoints[LIAR];
    assert_eq!((stats.ignored, stats.quarantines, stats.is_quarantined), (1, 1, true));
    world.aggregator.release(liar);
    assert_eq!(world.deliver(LIAR, 2), Verdict::Duplicate);
}

#[test]
fn quarantine_leaves_alone_what_others_have_delivered_too() {
    let mut world = world(AggregatorConfig::default(), &[(100, 1), (101, 2)]);
    world.deliver(LIAR, 1);
    world.deliver(0, 1);
    let liar = world.endpoints[LIAR];
    world.aggregator.quarantine(liar, &mut world.updates);
    assert!(world.updates.is_empty() && world.aggregator.take_doubted().is_empty());
    assert_eq!(world.deliver(1, 1), Verdict::Duplicate);
}

#[test]
fn a_slot_past_the_reach_of_two_others_is_refused_and_leads_to_quarantine() {
    let config = AggregatorConfig { max_slot_lead: 50, ..limits() };
    let mut world = world(config, &[(100, 1), (101, 2)]);
    for endpoint in 0..3 {
        world.deliver(endpoint, 0);
    }
    for (times, slot) in (1..).zip([151, 200, 1_000_000, u64::MAX]) {
        assert!(matches!(world.notify(LIAR, slot, 7), Verdict::Malformed(_)));
        let stats = &world.aggregator.stats().endpoints[LIAR];
        assert_eq!(stats.is_quarantined, times == 4, "after {times}");
    }
    assert_eq!(world.deliver(0, 1), Verdict::Fresh);
    assert_eq!(world.aggregator.highest_slot(), 101);
}

#[test]
fn an_owner_that_one_alone_names_against_two_is_refused() {
    let mut world = world(AggregatorConfig::default(), &[(100, 1), (101, 2)]);
    for endpoint in 0..3 {
        world.deliver(endpoint, 0);
    }
    let other = "11111111111111111111111111111111";
    let frame = owned(&world, LIAR, 101, "AAAF", other);
    assert!(matches!(world.push(LIAR, &frame), Verdict::Malformed(_)));
    assert_eq!(world.aggregator.stats().endpoints[LIAR].wrong_owners, 1);
    // Where a second names it, the program has given the account away.
    let frame = owned(&world, 0, 101, "AAAF", other);
    assert_eq!(world.push(0, &frame), Verdict::Fresh);
    let frame = owned(&world, 1, 101, "AAAF", other);
    assert_eq!(world.push(1, &frame), Verdict::Duplicate);
}

#[test]
fn garbage_past_the_bound_leads_to_quarantine_and_release_ends_it() {
    let mut world = world(limits(), &[(100, 1)]);
    for number in 0..=100 {
        assert!(!world.aggregator.stats().endpoints[LIAR].is_quarantined, "after {number}");
        world.push(LIAR, "{");
    }
    assert!(world.aggregator.stats().endpoints[LIAR].is_quarantined);
    let liar = world.endpoints[LIAR];
    world.aggregator.release(liar);
    assert_eq!(world.deliver(LIAR, 0), Verdict::Fresh);
}

#[test]
fn lags_behind_the_first_arrival_are_counted_for_those_who_repeat_it() {
    let mut world = world(AggregatorConfig::default(), &[(100, 1)]);
    let frame = |world: &World, endpoint| owned(world, endpoint, 100, "AAAB", aggregator_world::OWNER);
    for (endpoint, at) in [(0, 1_000_000), (1, 1_500_000), (2, 3_000_000)] {
        let bytes = frame(&world, endpoint).into_bytes();
        world.aggregator.push_at(world.endpoints[endpoint], &bytes, at, &mut world.updates);
    }
    let stats = world.aggregator.stats();
    let lags = stats.endpoints.iter().map(|endpoint| endpoint.lag.max_ns()).collect::<Vec<_>>();
    assert_eq!(lags, [0, 500_000, 2_000_000]);
    assert_eq!(stats.endpoints[2].last_arrival_ns, Some(3_000_000));
}

proptest! {
    #![proptest_config(property_config::cases(1500))]

    /// Among three, one hostile endpoint that rewrites the last state of every slot is the one that
    /// is counted, and past the bound it is put under quarantine; then the truth is applied.
    #[test]
    fn disagreements_are_counted_for_the_liar_only_and_end_in_quarantine(
        chain in chain(3, 40),
        orders in prop::collection::vec(Just([0, 1, LIAR]).prop_shuffle(), 40),
    ) {
        let disagreements = 2;
        let config = AggregatorConfig {
            quarantine: Some(QuarantineLimits { disagreements, ..QuarantineLimits::default() }),
            ..AggregatorConfig::default()
        };
        let mut world = world(config, &chain);
        world.may_go_back = true;
        for endpoint in orders.into_iter().flatten() {
            let position = world.next[endpoint];
            let Some(&(slot, state)) = chain.get(position) else { continue };
            if endpoint == LIAR {
                world.next[LIAR] += 1;
                world.notify(LIAR, slot, state + 4);
            } else {
                world.deliver(endpoint, position);
            }
        }
        let mut slots: Vec<u64> = chain.iter().map(|write| write.0).collect();
        slots.dedup();
        let stats = world.aggregator.stats();
        prop_assert_eq!(stats.endpoints[0].disagreements + stats.endpoints[1].disagreements, 0);
        if slots.len() > usize::try_from(disagreements).expect("small") + 1 {
            prop_assert!(stats.endpoints[LIAR].is_quarantined);
        }
        if stats.endpoints[LIAR].is_quarantined && world.aggregator.take_doubted().is_empty() {
            prop_assert_eq!(world.last_state(), chain.last().map(|last| last.1));
        }
    }
}
