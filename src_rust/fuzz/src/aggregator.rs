//! Frames of three endpoints, from bytes: every line is one, its first byte says what comes with it.

use phantom_core::wss_aggregator::{
    AggregatorConfig, DuplicateFilter, QuarantineLimits, Verdict, WssAggregator,
};

const POOL: &str = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ";

/// Pushes every line to aggregators of both kinds and to a filter.
///
/// # Panics
/// Only for a fault of ours: a frame that is not counted once, or news that is none.
pub fn frames(data: &[u8]) {
    for quorum in [1, 2] {
        aggregate(data, quorum);
    }
    let mut filter = DuplicateFilter::new(AggregatorConfig::default());
    let endpoints = ["a", "b", "c"].map(|name| filter.endpoint(name));
    for endpoint in endpoints {
        let _ = filter.subscribed(endpoint, 1, POOL);
    }
    for line in data.split(|&byte| byte == b'\n') {
        let Some((&control, frame)) = line.split_first() else { continue };
        let endpoint = endpoints[usize::from(control) % 3];
        if filter.push(endpoint, frame) == Verdict::Fresh {
            assert_ne!(filter.push(endpoint, frame), Verdict::Fresh);
        }
    }
}

fn aggregate(data: &[u8], quorum: usize) {
    let limits = QuarantineLimits { malformed: 4, disagreements: 1, wrong_owners: 0, impossible_slots: 1 };
    let quarantine = data.first().is_some_and(|byte| byte & 1 == 1).then_some(limits);
    let config = AggregatorConfig {
        quorum,
        quarantine,
        max_accounts: 8,
        max_introduced: 4,
        max_seen: 4,
        max_kept_bytes: 256,
        ..AggregatorConfig::default()
    };
    let mut aggregator = WssAggregator::new(config);
    let endpoints = ["a", "b", "c"].map(|name| aggregator.endpoint(name));
    for endpoint in endpoints {
        let _ = aggregator.subscribed(endpoint, 1, POOL);
    }
    let (mut pushed, mut updates) = ([0_u64; 3], Vec::new());
    for line in data.split(|&byte| byte == b'\n') {
        let Some((&control, frame)) = line.split_first() else { continue };
        let number = usize::from(control) % 3;
        let endpoint = endpoints[number];
        match control / 3 % 16 {
            0 => aggregator.connect(endpoint),
            1 => aggregator.disconnect(endpoint, &mut updates),
            2 => aggregator.quarantine(endpoint, &mut updates),
            3 => aggregator.release(endpoint),
            4 => drop(aggregator.take_doubted()),
            5 => drop(aggregator.request(endpoint, frame)),
            6 => {
                let _ = aggregator.subscribed(endpoint, 1, POOL);
            }
            _ => {
                pushed[number] += 1;
                let verdict = aggregator.push_at(endpoint, frame, u64::from(control), &mut updates);
                let news = updates.len() + aggregator.drain_notifications().count();
                assert!(verdict != Verdict::Fresh || news > 0, "fresh without news");
                assert!(verdict != Verdict::Ignored || news == 0, "news from quarantine");
            }
        }
        aggregator.recycle(&mut updates);
    }
    let stats = aggregator.stats();
    assert!(stats.accounts <= 8);
    assert_eq!(stats.endpoints.iter().map(|endpoint| endpoint.frames).collect::<Vec<_>>(), pushed);
}
