//! What stands between a connection's opening and its frames: who asked for what, and what was
//! confirmed. A recording that begins in the middle repeats it, so that its frames are understood.

use std::collections::BTreeMap;

use memchr::memmem;
use serde_json::Value;

use super::Event;

/// Unanswered requests remembered per connection; of more, those with the lowest ids are forgotten.
const MAX_ASKED: usize = 4_096;
/// Every notification names its method this early; an answer never does.
const METHOD_WITHIN: usize = 64;

/// Returns whether a frame is a notification: no answer to a request.
pub(super) fn is_notification(frame: &[u8]) -> bool {
    memmem::find(&frame[..frame.len().min(METHOD_WITHIN)], b"\"method\"").is_some()
}

#[derive(Debug, Clone)]
struct Request {
    frame: Vec<u8>,
    method: String,
    /// The first parameter, if it is a number: the subscription of an `…Unsubscribe`.
    subscription: Option<u64>,
}

#[derive(Debug, Default, Clone)]
struct Connection {
    open: bool,
    asked: BTreeMap<u64, Request>,
    /// By subscription: its request and the confirmation.
    granted: BTreeMap<u64, (Vec<u8>, Vec<u8>)>,
}

/// The subscriptions in force and the requests under way, by connection.
///
/// Requests are JSON-RPC 2.0 with a number as id, alone or in a batch. What cannot be read as that
/// is passed over: nobody could understand its answer either.
#[derive(Debug, Default)]
pub struct Subscriptions {
    connections: Vec<Connection>,
}

impl Subscriptions {
    /// Returns a state without any connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes notice of what happened at the connection with this number.
    pub fn see(&mut self, connection: u32, event: &Event<'_>) {
        let number = connection as usize;
        if self.connections.len() <= number {
            self.connections.resize_with(number + 1, Connection::default);
        }
        let Some(connection) = self.connections.get_mut(number) else { return };
        match event {
            Event::Connect => *connection = Connection { open: true, ..Connection::default() },
            Event::Disconnect => *connection = Connection::default(),
            Event::Sent(frame) => each(frame, |message| connection.sent(message)),
            Event::Received(frame) if !connection.asked.is_empty() && !is_notification(frame) => {
                each(frame, |message| connection.answered(message));
            }
            Event::Received(_) => {}
        }
    }

    /// Calls `with` for every event that brings a fresh reader to this state.
    ///
    /// # Errors
    /// The first one that `with` returns.
    pub fn repeat<E>(&self, mut with: impl FnMut(u32, Event<'_>) -> Result<(), E>) -> Result<(), E> {
        for (number, connection) in (0_u32..).zip(&self.connections) {
            if connection.open {
                with(number, Event::Connect)?;
            }
            for (request, confirmation) in connection.granted.values() {
                with(number, Event::Sent(request))?;
                with(number, Event::Received(confirmation))?;
            }
            for request in connection.asked.values() {
                with(number, Event::Sent(&request.frame))?;
            }
        }
        Ok(())
    }
}

impl Connection {
    fn sent(&mut self, message: &Value) {
        let (Some(id), Some(method)) = (message["id"].as_u64(), message["method"].as_str()) else { return };
        let request = Request {
            frame: message.to_string().into_bytes(),
            method: method.to_owned(),
            subscription: message["params"][0].as_u64(),
        };
        self.asked.insert(id, request);
        if self.asked.len() > MAX_ASKED {
            self.asked.pop_first();
        }
    }

    fn answered(&mut self, message: &Value) {
        let Some(request) = message["id"].as_u64().and_then(|id| self.asked.remove(&id)) else { return };
        if request.method.ends_with("Unsubscribe") {
            if let (Some(subscription), Some(true)) = (request.subscription, message["result"].as_bool()) {
                self.granted.remove(&subscription);
            }
        } else if request.method.ends_with("Subscribe")
            && let Some(subscription) = message["result"].as_u64()
        {
            self.granted.insert(subscription, (request.frame, message.to_string().into_bytes()));
        }
    }
}

/// Calls `with` for the message in a frame, or for each of its batch.
fn each(frame: &[u8], mut with: impl FnMut(&Value)) {
    match serde_json::from_slice(frame) {
        Ok(Value::Array(messages)) => messages.iter().for_each(with),
        Ok(message) => with(&message),
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(events: &[(u32, Event<'_>)]) -> Vec<String> {
        let mut subscriptions = Subscriptions::new();
        for (connection, event) in events {
            subscriptions.see(*connection, event);
        }
        let mut seen = Vec::new();
        let collected: Result<(), ()> = subscriptions.repeat(|connection, event| {
            seen.push(match event {
                Event::Connect => format!("{connection} connect"),
                Event::Sent(frame) => format!("{connection} > {}", String::from_utf8_lossy(frame)),
                Event::Received(frame) => format!("{connection} < {}", String::from_utf8_lossy(frame)),
                Event::Disconnect => format!("{connection} disconnect"),
            });
            Ok(())
        });
        assert_eq!(collected, Ok(()));
        seen
    }

    const ASK: &[u8] = br#"{"id":1,"method":"accountSubscribe","params":["A"]}"#;
    const GRANT: &[u8] = br#"{"id":1,"result":7}"#;
    const NEWS: &[u8] = br#"{"jsonrpc":"2.0","method":"accountNotification","params":{"id":1,"result":9}}"#;

    #[test]
    fn confirmed_subscription_is_repeated_with_its_confirmation() {
        let events = [
            (1, Event::Connect),
            (1, Event::Sent(ASK)),
            (1, Event::Received(NEWS)),
            (1, Event::Received(GRANT)),
            (1, Event::Received(NEWS)),
        ];
        assert_eq!(
            repeated(&events),
            [
                "1 connect",
                r#"1 > {"id":1,"method":"accountSubscribe","params":["A"]}"#,
                r#"1 < {"id":1,"result":7}"#
            ]
        );
    }

    #[test]
    fn request_under_way_is_repeated_alone_and_an_answered_one_is_not() {
        let read = br#"{"id":2,"method":"getMultipleAccounts","params":[["A"]]}"#;
        let asked = [(0, Event::Sent(read))];
        assert_eq!(repeated(&asked), [r#"0 > {"id":2,"method":"getMultipleAccounts","params":[["A"]]}"#]);
        let answered = [(0, Event::Sent(read)), (0, Event::Received(br#"{"id":2,"result":{"value":[]}}"#))];
        assert!(repeated(&answered).is_empty());
    }

    #[test]
    fn refused_cancelled_and_lost_subscriptions_are_not_repeated() {
        let refused = [(0, Event::Sent(ASK)), (0, Event::Received(br#"{"id":1,"error":{"code":1}}"#))];
        assert!(repeated(&refused).is_empty());
        let cancelled = [
            (0, Event::Sent(ASK)),
            (0, Event::Received(GRANT)),
            (0, Event::Sent(br#"{"id":2,"method":"accountUnsubscribe","params":[7]}"#)),
            (0, Event::Received(br#"{"id":2,"result":true}"#)),
        ];
        assert!(repeated(&cancelled).is_empty());
        let lost =
            [(0, Event::Connect), (0, Event::Sent(ASK)), (0, Event::Received(GRANT)), (0, Event::Disconnect)];
        assert!(repeated(&lost).is_empty());
        let again = [(0, Event::Sent(ASK)), (0, Event::Received(GRANT)), (0, Event::Connect)];
        assert_eq!(repeated(&again), ["0 connect"]);
    }

    #[test]
    fn batch_is_taken_apart() {
        let asks = br#"[{"id":1,"method":"slotSubscribe"},{"id":2,"method":"slotSubscribe"}]"#;
        let events = [(0, Event::Sent(asks)), (0, Event::Received(br#"[{"id":2,"result":5}]"#))];
        assert_eq!(
            repeated(&events),
            [
                r#"0 > {"id":2,"method":"slotSubscribe"}"#,
                r#"0 < {"id":2,"result":5}"#,
                r#"0 > {"id":1,"method":"slotSubscribe"}"#
            ]
        );
    }

    #[test]
    fn unreadable_frames_and_a_flood_of_requests_do_no_harm() {
        let frames: [&[u8]; 4] = [b"", b"{", b"[1,null]", br#"{"id":"x","method":3}"#];
        for frame in frames {
            assert!(repeated(&[(0, Event::Sent(frame)), (0, Event::Received(frame))]).is_empty());
        }
        let mut subscriptions = Subscriptions::new();
        for id in 0..MAX_ASKED + 10 {
            let ask = format!(r#"{{"id":{id},"method":"getSlot"}}"#);
            subscriptions.see(0, &Event::Sent(ask.as_bytes()));
        }
        assert_eq!(subscriptions.connections[0].asked.len(), MAX_ASKED);
        assert!(!subscriptions.connections[0].asked.contains_key(&9));
    }
}
