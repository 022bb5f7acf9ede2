//! Frames in any spelling, sound and damaged: accepted, and read, exactly as a general JSON parser
//! with the protocol's rules on top would.

mod property_config;

use phantom_core::quantities::Pubkey;
use phantom_core::wss_aggregator::{AccountUpdate, AggregatorConfig, Notification, Verdict, WssAggregator};
use proptest::prelude::*;
use serde_json::Value;

const POOL: &str = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ";
const OWNER: &str = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc";
const SUBSCRIPTION: u64 = 24_040;

/// What a frame amounts to.
#[derive(Debug, PartialEq)]
enum Outcome {
    Update {
        pubkey: Pubkey,
        slot: u64,
        owner: Pubkey,
        lamports: u64,
        data: Vec<u8>,
    },
    Log {
        signature: String,
        lines: Vec<String>,
    },
    /// Slots that are told, and what of them.
    Chain(Vec<Option<u64>>, String),
    Control,
    Refused,
}

fn ours(frame: &[u8]) -> Outcome {
    let mut aggregator = WssAggregator::new(AggregatorConfig::default());
    let endpoint = aggregator.endpoint("a");
    aggregator.subscribed(endpoint, SUBSCRIPTION, POOL).expect("sound");
    let mut updates: Vec<AccountUpdate> = Vec::new();
    match aggregator.push(endpoint, frame, &mut updates) {
        Verdict::Fresh => match updates.pop() {
            Some(update) => {
                let account = update.account.expect("a notification is of an account");
                let (pubkey, slot) = (update.pubkey, update.slot);
                Outcome::Update {
                    pubkey,
                    slot,
                    owner: account.owner,
                    lamports: account.lamports,
                    data: account.data,
                }
            }
            None => match aggregator.take_notification() {
                Some(Notification::Log { signature, logs, .. }) => {
                    Outcome::Log { signature, lines: logs.lines() }
                }
                Some(Notification::Slot { slot, parent, root }) => {
                    Outcome::Chain([slot, parent, root].map(Some).to_vec(), String::new())
                }
                Some(Notification::Root { root }) => Outcome::Chain(vec![Some(root)], String::new()),
                Some(Notification::SlotsUpdate(update)) => Outcome::Chain(
                    vec![Some(update.slot), update.parent, Some(update.timestamp_ms)],
                    update.stage.name().to_owned(),
                ),
                other => panic!("fresh without news: {other:?}"),
            },
        },
        Verdict::Control => Outcome::Control,
        Verdict::Malformed(_) => {
            assert!(updates.is_empty(), "a refused frame gave an update");
            assert_eq!(aggregator.highest_slot(), 0, "a refused frame moved the slot");
            Outcome::Refused
        }
        other => panic!("first frame judged {other:?}"),
    }
}

/// The same from `serde_json`'s tree.
fn theirs(frame: &[u8]) -> Outcome {
    match serde_json::from_slice(frame) {
        // A batch: here at most one message of it is sound.
        Ok(Value::Array(messages)) => {
            let all = messages.iter().filter_map(judged);
            all.reduce(|a, b| if a == Outcome::Control { b } else { a }).unwrap_or(Outcome::Refused)
        }
        Ok(tree) => judged(&tree).unwrap_or(Outcome::Refused),
        Err(_) => Outcome::Refused,
    }
}

const STAGES: [&str; 7] =
    ["firstShredReceived", "completed", "createdBank", "frozen", "dead", "optimisticConfirmation", "root"];

/// What a notification of the chain's progress says.
fn progress(kind: &str, result: &Value) -> Option<Outcome> {
    if kind == "rootNotification" {
        return Some(Outcome::Chain(vec![Some(result.as_u64()?)], String::new()));
    }
    let result = result.as_object()?;
    let number = |key| result.get(key).map(Value::as_u64);
    if kind == "slotNotification" {
        let slots = [number("slot")??, number("parent")??, number("root")??];
        return Some(Outcome::Chain(slots.map(Some).to_vec(), String::new()));
    }
    let stage = result.get("type")?.as_str()?;
    let parent = match number("parent") {
        None => None,
        Some(parent) => Some(parent?),
    };
    let numbers = vec![Some(number("slot")??), parent, Some(number("timestamp")??)];
    STAGES.contains(&stage).then(|| Outcome::Chain(numbers, stage.to_owned()))
}

fn judged(tree: &Value) -> Option<Outcome> {
    let tree = tree.as_object()?;
    let Some(method) = tree.get("method") else {
        let numbered = tree.get("id").is_some_and(|id| id.as_u64().is_some());
        return (tree.contains_key("result") && numbered).then_some(Outcome::Control);
    };
    let kind = method.as_str()?;
    let chain = ["slotNotification", "rootNotification", "slotsUpdatesNotification"].contains(&kind);
    let known = ["accountNotification", "programNotification", "logsNotification"].contains(&kind);
    if !chain && !known {
        return Some(Outcome::Control);
    }
    let params = tree.get("params")?.as_object()?;
    let subscription = params.get("subscription")?.as_u64()?;
    if chain {
        return progress(kind, params.get("result")?);
    }
    let result = params.get("result")?.as_object()?;
    let slot = result.get("context")?.as_object()?.get("slot")?.as_u64()?;
    let value = result.get("value")?.as_object()?;
    if kind == "logsNotification" {
        let signature = value.get("signature")?.as_str()?.to_owned();
        let lines = value.get("logs")?.as_array()?.iter();
        let lines = lines.map(|line| Some(line.as_str()?.to_owned())).collect::<Option<_>>()?;
        let base58 = |byte: u8| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte);
        let sound = (64..=88).contains(&signature.len()) && signature.bytes().all(base58);
        return sound.then_some(Outcome::Log { signature, lines });
    }
    let (pubkey, account) = if kind == "programNotification" {
        (value.get("pubkey")?.as_str()?.parse().ok()?, value.get("account")?.as_object()?)
    } else {
        ((subscription == SUBSCRIPTION).then(|| POOL.parse().ok())??, value)
    };
    let [text, encoding] = account.get("data")?.as_array()?.as_slice() else {
        return None;
    };
    (encoding.as_str()? == "base64").then_some(())?;
    Some(Outcome::Update {
        pubkey,
        slot,
        owner: account.get("owner")?.as_str()?.parse().ok()?,
        lamports: account.get("lamports")?.as_u64()?,
        data: base64(text.as_str()?)?,
    })
}

/// Decodes canonical base64, the slow and plain way.
fn base64(text: &str) -> Option<Vec<u8>> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let mut data = Vec::new();
    let (mut held, mut bits) = (0_u32, 0);
    for byte in body.bytes() {
        let value = letters.iter().position(|&letter| letter == byte)?;
        held = held << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            data.push(u8::try_from(held >> bits & 0xFF).ok()?);
        }
    }
    (text.len().is_multiple_of(4) && held & ((1 << bits) - 1) == 0).then_some(data)
}

/// How a frame is spelled: order of keys, white space, escapes.
#[derive(Debug, Clone)]
struct Spelling {
    usual: bool,
    order: u64,
    space: &'static str,
    escape: bool,
}

impl Spelling {
    fn object(&self, mut fields: Vec<(&str, String)>) -> String {
        if !self.usual {
            let turn = usize::try_from(self.order % 5).expect("sound") % fields.len();
            fields.rotate_left(turn);
            if self.order % 2 == 1 {
                fields.reverse();
            }
        }
        let space = self.space;
        let fields = fields.into_iter().map(|(key, value)| format!("{space}\"{key}\":{space}{value}"));
        format!("{{{}{space}}}", fields.collect::<Vec<_>>().join(","))
    }

    fn string(&self, text: &str) -> String {
        let text =
            if self.escape { text.replace('/', "\\/").replace('a', "\\u0061") } else { text.to_owned() };
        format!("\"{text}\"")
    }
}

fn spelling() -> impl Strategy<Value = Spelling> {
    (any::<bool>(), any::<u64>(), prop::sample::select(vec!["", " ", "\n\t"]), any::<bool>()).prop_map(
        |(usual, order, space, escape)| Spelling {
            usual,
            order,
            space: if usual { "" } else { space },
            escape: escape && !usual,
        },
    )
}

#[derive(Debug, Clone)]
struct Content {
    kind: &'static str,
    slot: u64,
    lamports: u64,
    data: Vec<u8>,
    subscription: u64,
}

fn content() -> impl Strategy<Value = Content> {
    let kinds =
        vec!["account", "account", "account", "program", "logs", "slot", "root", "slotsUpdates", "vote"];
    (
        prop::sample::select(kinds),
        any::<u64>(),
        any::<u64>(),
        prop::collection::vec(any::<u8>(), 0..60),
        prop_oneof![9 => Just(SUBSCRIPTION), 1 => any::<u64>()],
    )
        .prop_map(|(kind, slot, lamports, data, subscription)| Content {
            kind,
            slot,
            lamports,
            data,
            subscription,
        })
}

fn spelled(content: &Content, spelling: &Spelling) -> String {
    let text = base64_simd::STANDARD.encode_to_string(&content.data);
    let account = || {
        spelling.object(vec![
            ("lamports", content.lamports.to_string()),
            ("data", format!("[{},\"base64\"]", spelling.string(&text))),
            ("owner", spelling.string(OWNER)),
            ("executable", "false".to_owned()),
            ("rentEpoch", u64::MAX.to_string()),
            // Nothing depends on whether it is true.
            ("space", (content.data.len() as u64).saturating_sub(content.lamports % 8 / 4).to_string()),
        ])
    };
    let value = match content.kind {
        "program" => spelling.object(vec![("pubkey", spelling.string(POOL)), ("account", account())]),
        "logs" => spelling.object(vec![
            ("signature", spelling.string(&"5Kz".repeat(29))),
            (
                "err",
                if content.slot.is_multiple_of(2) { "null" } else { r#"{"a":[1,{"b":null}]}"# }.to_owned(),
            ),
            ("logs", format!("[{},{}]", spelling.string("Program a/b"), spelling.string(&text))),
        ]),
        _ => account(),
    };
    let context = spelling.object(vec![("slot", content.slot.to_string())]);
    let stage = STAGES[usize::try_from(content.lamports % 7).expect("small")];
    let result = match content.kind {
        "root" => content.slot.to_string(),
        "slot" => spelling.object(vec![
            ("slot", content.slot.to_string()),
            ("parent", content.lamports.to_string()),
            ("root", "7".to_owned()),
        ]),
        "slotsUpdates" => spelling.object(vec![
            ("slot", content.slot.to_string()),
            ("timestamp", content.lamports.to_string()),
            ("type", spelling.string(stage)),
            ("stats", "{\"numTransactionEntries\":[1,{}]}".to_owned()),
        ]),
        _ => spelling.object(vec![("context", context), ("value", value)]),
    };
    let params =
        spelling.object(vec![("result", result), ("subscription", content.subscription.to_string())]);
    spelling.object(vec![
        ("jsonrpc", "\"2.0\"".to_owned()),
        ("method", format!("\"{}Notification\"", content.kind)),
        ("params", params),
    ])
}

/// One small damage to a frame.
#[derive(Debug, Clone)]
enum Damage {
    None,
    Cut(usize),
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = b"0123456789-+.eE\"\\/{}[]:, \n\x01\x1fntfuabAz=#";
    let byte = prop::sample::select(bytes.to_vec());
    prop_oneof![
        2 => Just(Damage::None),
        1 => any::<usize>().prop_map(Damage::Cut),
        4 => (any::<usize>(), byte.clone()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        2 => (any::<usize>(), byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        2 => any::<usize>().prop_map(Damage::Remove),
    ]
}

fn damaged(mut frame: Vec<u8>, damage: &Damage) -> Vec<u8> {
    let len = frame.len();
    match *damage {
        Damage::None => {}
        Damage::Cut(at) => frame.truncate(at % len),
        Damage::Replace(at, byte) => frame[at % len] = byte,
        Damage::Insert(at, byte) => frame.insert(at % (len + 1), byte),
        Damage::Remove(at) => drop(frame.remove(at % len)),
    }
    frame
}

proptest! {
    #![proptest_config(property_config::cases(20_000))]

    #[test]
    fn push_accepts_and_reads_what_a_general_parser_does(
        content in content(),
        spelling in spelling(),
        damages in prop::collection::vec(damage(), 1..3),
        batched in prop::bool::weighted(0.2),
    ) {
        let mut frame = spelled(&content, &spelling).into_bytes();
        if batched {
            frame = [&b"["[..], &frame, b"]"].concat();
        }
        for damage in &damages {
            if !frame.is_empty() {
                frame = damaged(frame, damage);
            }
        }
        prop_assert_eq!(ours(&frame), theirs(&frame), "{}", String::from_utf8_lossy(&frame));
    }

    #[test]
    fn push_of_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(ours(&bytes), theirs(&bytes));
    }
}
