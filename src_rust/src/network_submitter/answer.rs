//! What became of a request, per target: read from HTTP and JSON-RPC, never guessed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::http1::{Response, ResponseFault, printable};
use super::target::Target;

/// What became of a request at one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerKind {
    /// Taken; `id` is the signature or bundle id. No proof of landing.
    Accepted,
    /// A connection stands ([`warm`](super::NetworkSubmitter::warm)).
    Connected,
    /// Refused, with code and message.
    Rejected,
    /// HTTP 429, or the code that stands for it.
    RateLimited,
    /// The target's timeout or the deadline passed.
    Timeout,
    /// No connection: refused, unreachable, unknown name. Nothing was sent.
    ConnectFailed,
    /// The TLS handshake failed, as with a certificate that is not trusted. Nothing was sent.
    TlsFailed,
    /// HTTP 3xx: redirects are not followed.
    RedirectRefused,
    /// The answer was longer than 64 KiB.
    TooLarge,
    /// Not HTTP, not JSON-RPC, or about something else.
    BadAnswer,
    /// Sent, in part at least; the answer was lost, or a gateway says that it got none.
    Unknown,
    /// Not sent: the rate limit, ours or a `Retry-After`.
    SkippedRateLimit,
    /// Not sent: as many requests are under way as `max_in_flight` allows.
    SkippedBusy,
    /// Given up: the submitter was closed; or not sent since another target has accepted.
    Cancelled,
}

impl AnswerKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Accepted,
        Self::Connected,
        Self::Rejected,
        Self::RateLimited,
        Self::Timeout,
        Self::ConnectFailed,
        Self::TlsFailed,
        Self::RedirectRefused,
        Self::TooLarge,
        Self::BadAnswer,
        Self::Unknown,
        Self::SkippedRateLimit,
        Self::SkippedBusy,
        Self::Cancelled,
    ];

    /// Returns its name, in lower case with underscores.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Connected => "connected",
            Self::Rejected => "rejected",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::ConnectFailed => "connect_failed",
            Self::TlsFailed => "tls_failed",
            Self::RedirectRefused => "redirect_refused",
            Self::TooLarge => "too_large",
            Self::BadAnswer => "bad_answer",
            Self::Unknown => "unknown",
            Self::SkippedRateLimit => "skipped_rate_limit",
            Self::SkippedBusy => "skipped_busy",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The answer of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The target's name.
    pub target: Arc<str>,
    /// What became of the request.
    pub kind: AnswerKind,
    /// Whether a byte of the request may have left this machine. False: it cannot land from here.
    pub is_sent: bool,
    /// Signature or bundle id, when accepted.
    pub id: Option<String>,
    /// The bundle, when accepted: `id`, or what a block engine made of a transaction.
    pub bundle_id: Option<String>,
    /// JSON-RPC error code.
    pub code: Option<i64>,
    /// What went wrong: foreign text without secrets, at most 300 characters.
    pub message: Option<String>,
    /// When to ask again, nanoseconds from now.
    pub retry_after_ns: Option<u64>,
    /// From the first byte written (connecting: from its beginning) to the answer.
    pub latency_ns: u64,
    /// HTTP status.
    pub http_status: Option<u16>,
    /// JSON-RPC result of a question.
    pub(super) result: Option<Value>,
}

impl Answer {
    pub(super) fn new(target: &Arc<str>, kind: AnswerKind) -> Self {
        Self {
            target: Arc::clone(target),
            kind,
            is_sent: false,
            id: None,
            bundle_id: None,
            code: None,
            message: None,
            retry_after_ns: None,
            latency_ns: 0,
            http_status: None,
            result: None,
        }
    }

    pub(super) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    pub(super) fn sent(mut self) -> Self {
        self.is_sent = true;
        self
    }
}

/// The answers of all targets that were asked, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// One per target.
    pub answers: Vec<Answer>,
    /// From the call to the last answer.
    pub elapsed: Duration,
}

impl Dispatch {
    /// Returns the first answer, in order of the targets, that accepts.
    #[must_use]
    pub fn accepted(&self) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.kind == AnswerKind::Accepted)
    }

    /// Returns whether a byte of it may have left this machine. False: it cannot land from here.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.answers.iter().any(|answer| answer.is_sent)
    }
}

/// What the result of a request has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// A short text.
    BundleId,
    /// This signature.
    Signature([u8; 64]),
    /// A value of which the asker knows more.
    Value,
}

/// Code of "max usage reached", an HTTP 429 in JSON-RPC.
const MAX_USAGE: i64 = -32_429;
/// Seconds of silence of a `Retry-After` that are believed.
const MAX_SILENCE_S: u64 = 60;

/// Returns what an answer says.
pub(super) fn read(name: &Arc<str>, target: &Target, expected: Expected, response: Response) -> Answer {
    let mut answer = Answer::new(name, AnswerKind::BadAnswer).sent();
    answer.http_status = Some(response.status);
    let json: Option<Value> = serde_json::from_slice(&response.body).ok();
    let error = json.as_ref().and_then(|json| json.get("error")).filter(|error| !error.is_null());
    if let Some(error) = error {
        answer.code = error.get("code").and_then(Value::as_i64);
        let message = error.get("message").and_then(Value::as_str).or(error.as_str());
        answer.message = Some(target.scrub(message.unwrap_or("an error without a message")));
    }
    if response.status == 429 || answer.code == Some(MAX_USAGE) {
        answer.kind = AnswerKind::RateLimited;
        answer.retry_after_ns = response.retry_after_s.map(|s| s.min(MAX_SILENCE_S) * 1_000_000_000);
        return answer;
    }
    match response.status {
        300..=399 => {
            answer.kind = AnswerKind::RedirectRefused;
            return answer;
        }
        _ if error.is_some() => {
            answer.kind = AnswerKind::Rejected;
            return answer;
        }
        200..=299 => {}
        status => {
            // A gateway that had no answer does not know whether the node has the request.
            let is_lost = matches!(status, 500 | 502 | 504);
            answer.kind = if is_lost { AnswerKind::Unknown } else { AnswerKind::Rejected };
            let text = String::from_utf8_lossy(&response.body);
            return answer.with_message(target.scrub(&format!("HTTP {status}: {text}")));
        }
    }
    let Some(mut json) = json else { return answer.with_message("no JSON") };
    if json.get("id").is_none_or(|id| *id != 1) {
        return answer.with_message("an answer to another request");
    }
    let Some(result) = json.get_mut("result").map(Value::take) else {
        return answer.with_message("neither result nor error");
    };
    let id = || result.as_str().and_then(|text| printable(text.as_bytes()));
    match expected {
        Expected::Value => answer.result = Some(result),
        Expected::BundleId => {
            answer.id = id();
            answer.bundle_id.clone_from(&answer.id);
        }
        Expected::Signature(signature) => {
            answer.id = id().filter(|id| *id == bs58::encode(signature).into_string());
            answer.bundle_id = response.bundle_id;
        }
    }
    if answer.id.is_none() && answer.result.is_none() {
        let wanted = if expected == Expected::BundleId { "no bundle id" } else { "not our signature" };
        return answer.with_message(wanted);
    }
    answer.kind = AnswerKind::Accepted;
    answer
}

/// Returns what a fault means; the request has been sent, in part at least.
pub(super) fn fault(name: &Arc<str>, fault: ResponseFault) -> Answer {
    let (kind, message) = match fault {
        ResponseFault::TooLarge => (AnswerKind::TooLarge, "the answer is longer than 64 KiB"),
        ResponseFault::Bad(what) => (AnswerKind::BadAnswer, what),
        ResponseFault::CutShort => (AnswerKind::Unknown, "the connection ended before the answer"),
    };
    Answer::new(name, kind).sent().with_message(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network_submitter::{TargetKind, TargetOptions};

    fn answer(status: u16, body: &str, expected: Expected) -> Answer {
        let options = TargetOptions::new("a", "https://a.example/?uuid=0123-secret", TargetKind::Rpc);
        let target = Target::new(options).expect("a target");
        let response = Response {
            status,
            retry_after_s: Some(3),
            bundle_id: Some("b".to_owned()),
            body: body.as_bytes().to_vec(),
            is_reusable: true,
        };
        read(&Arc::from("a"), &target, expected, response)
    }

    #[test]
    fn kinds_follow_status_and_body() {
        let accepted = answer(200, r#"{"jsonrpc":"2.0","result":"abc","id":1}"#, Expected::BundleId);
        assert_eq!((accepted.kind, accepted.id.as_deref()), (AnswerKind::Accepted, Some("abc")));
        assert_eq!(accepted.bundle_id, accepted.id);
        let error = r#"{"error":{"code":-32602,"message":"bundle 0123-secret"},"id":1}"#;
        let rejected = answer(400, error, Expected::BundleId);
        assert_eq!((rejected.kind, rejected.code), (AnswerKind::Rejected, Some(-32602)));
        assert_eq!(rejected.message.as_deref(), Some("bundle ***"));
        let limited = answer(429, r#"{"error":{"code":-32097,"message":"congested"}}"#, Expected::BundleId);
        assert_eq!((limited.kind, limited.retry_after_ns), (AnswerKind::RateLimited, Some(3_000_000_000)));
        for (status, body, kind) in [
            (302, "", AnswerKind::RedirectRefused),
            (502, "<html>", AnswerKind::Unknown),
            (503, "<html>", AnswerKind::Rejected),
            (403, "", AnswerKind::Rejected),
            (200, "<html>", AnswerKind::BadAnswer),
            (200, r#"{"result":"abc","id":2}"#, AnswerKind::BadAnswer),
            (200, r#"{"id":1}"#, AnswerKind::BadAnswer),
            (200, r#"{"result":{"a":1},"id":1}"#, AnswerKind::BadAnswer),
            (200, r#"{"result":"a\nb","id":1}"#, AnswerKind::BadAnswer),
            (
                200,
                r#"{"error":{"code":-32429,"message":"max usage reached"},"id":1}"#,
                AnswerKind::RateLimited,
            ),
            (200, r#"{"error":null,"result":"abc","id":1}"#, AnswerKind::Accepted),
        ] {
            assert_eq!(answer(status, body, Expected::BundleId).kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn another_signature_is_no_acceptance() {
        let ours = [7; 64];
        let text = |signature: [u8; 64]| {
            format!(r#"{{"result":"{}","id":1}}"#, bs58::encode(signature).into_string())
        };
        assert_eq!(answer(200, &text(ours), Expected::Signature(ours)).kind, AnswerKind::Accepted);
        assert_eq!(answer(200, &text([8; 64]), Expected::Signature(ours)).kind, AnswerKind::BadAnswer);
    }
}
