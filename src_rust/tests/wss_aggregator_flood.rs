//! Memory under a flood of whatever one endpoint can send. The only test here: it measures the process.

#![cfg(target_os = "linux")]

mod aggregator_world;

use phantom_core::wss_aggregator::{AggregatorConfig, WssAggregator};

const ADDRESSES: usize = 300;

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line of its own");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    kilobytes.parse::<usize>().expect("a number") * 1024
}

fn base58(mut number: usize, len: usize) -> String {
    let letters = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut text = vec![b'5'];
    while text.len() < len {
        text.push(letters[number % letters.len()]);
        number /= letters.len();
    }
    String::from_utf8(text).expect("letters")
}

fn write(slot: usize, data: &str) -> String {
    format!(
        r#"{{"context":{{"slot":{slot}}},"value":{{"lamports":{slot},"data":["{data}","base64"],"owner":"{}","executable":false,"rentEpoch":1,"space":3}}}}"#,
        aggregator_world::OWNER
    )
}

/// One of everything that is remembered somewhere, all different for every `number`.
fn flood(number: usize, big: &str) -> Vec<String> {
    let log = format!(
        r#"{{"context":{{"slot":9}},"value":{{"signature":"{}","err":null,"logs":["{number}"]}}}}"#,
        base58(number, 88)
    );
    let program = format!(
        r#"{{"context":{{"slot":9}},"value":{{"pubkey":"{}","account":{{"lamports":{number},"data":["","base64"],"owner":"{}","executable":false,"rentEpoch":1}}}}}}"#,
        base58(number, 44),
        aggregator_world::OWNER
    );
    let envelope = |method: &str, result: &str, subscription: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"{method}Notification","params":{{"result":{result},"subscription":{subscription}}}}}"#
        )
    };
    let account = number % ADDRESSES;
    let same_slot = format!(
        r#"{{"context":{{"slot":9}},"value":{{"lamports":{number},"data":["{big}","base64"],"owner":"{}","executable":false,"rentEpoch":1}}}}"#,
        aggregator_world::OWNER
    );
    vec![
        envelope("logs", &log, 1),
        envelope("program", &program, 2),
        envelope("account", &same_slot, account),
        envelope("account", &write(10 + number, "AAAA"), ADDRESSES + account),
        envelope("slot", &format!(r#"{{"slot":{},"parent":{number},"root":1}}"#, 10 + number), 3),
        envelope("root", &number.to_string(), 3),
        envelope("slotsUpdates", &format!(r#"{{"slot":{number},"timestamp":1,"type":"frozen"}}"#), 3),
        format!(r#"{{"jsonrpc":"2.0","result":{number},"id":{number}}}"#),
        format!("[{}1]", "1,".repeat(500)),
        "[".repeat(2000),
    ]
}

#[test]
fn push_of_a_flood_keeps_memory_flat() {
    // 30 kB of data each: kept back 600 times it would take 18 MB of the 4 that are allowed.
    let big = "AAAA".repeat(10_000);
    for quorum in [1, 2] {
        let config = AggregatorConfig {
            max_accounts: 2000,
            max_introduced: 500,
            max_seen: 1000,
            max_kept_bytes: 4 << 20,
            quorum,
            ..AggregatorConfig::default()
        };
        let mut aggregator = WssAggregator::new(config);
        let (honest, hostile) = (aggregator.endpoint("honest"), aggregator.endpoint("hostile"));
        for number in 0..2 * ADDRESSES {
            let address = base58(1_000_000_000 + number, 44);
            for endpoint in [honest, hostile] {
                aggregator.subscribed(endpoint, number as u64, &address).expect("sound");
            }
        }
        let mut updates = Vec::new();
        let mut run = |aggregator: &mut WssAggregator, numbers: std::ops::Range<usize>| {
            for number in numbers {
                // The honest endpoint holds slot 9 with something else: all the rest is kept back.
                if number < ADDRESSES {
                    let frame = format!(
                        r#"{{"jsonrpc":"2.0","method":"accountNotification","params":{{"result":{},"subscription":{number}}}}}"#,
                        write(9, "BBBB")
                    );
                    aggregator.push(honest, frame.as_bytes(), &mut updates);
                }
                for frame in flood(number, &big) {
                    aggregator.push(hostile, frame.as_bytes(), &mut updates);
                    aggregator.recycle(&mut updates);
                    while aggregator.take_notification().is_some() {}
                }
            }
        };
        run(&mut aggregator, 0..3000);
        let before = resident_bytes();
        run(&mut aggregator, 3000..12_000);
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 4 << 20, "quorum {quorum}: {grown} bytes more after three times the flood");
        let stats = aggregator.stats();
        assert!(stats.accounts <= 2000, "{} accounts", stats.accounts);
        assert!(stats.endpoints[1].not_kept > 0, "the budget was never used up");
        assert_eq!(stats.endpoints[0].malformed_by_reason().count(), 0);
    }
}
