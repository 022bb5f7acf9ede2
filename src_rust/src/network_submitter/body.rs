//! JSON-RPC bodies. Every one has the id 1: a connection carries one request at a time, or a stream each.

use super::SubmitError;
use super::target::TargetKind;
use std::fmt::Write;

/// Most transactions of a bundle. Source: PROTOCOL §9.
pub const MAX_BUNDLE: usize = 5;
/// Longest serialised transaction, bytes. Source: `PACKET_DATA_SIZE`, PROTOCOL §6.
pub const MAX_TRANSACTION: usize = 1232;

/// Refuses what is no bundle; a signature has to be there.
pub(super) fn check(transactions: &[&[u8]]) -> Result<(), SubmitError> {
    if !(1..=MAX_BUNDLE).contains(&transactions.len()) {
        return Err(SubmitError::TransactionCount(transactions.len()));
    }
    let has_wrong_length = |wire: &&[u8]| !(65..=MAX_TRANSACTION).contains(&wire.len());
    match transactions.iter().position(has_wrong_length) {
        Some(index) => Err(SubmitError::TransactionLength { index, length: transactions[index].len() }),
        None => Ok(()),
    }
}

/// Returns the first signature of a transaction: it stands behind the count of signatures.
pub(super) fn signature(wire: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature.copy_from_slice(&wire[1..65]);
    signature
}

/// Returns the body that hands transactions to a target of that kind.
pub(super) fn submission(kind: TargetKind, transactions: &[&[u8]], min_context_slot: Option<u64>) -> Vec<u8> {
    let mut body =
        Vec::with_capacity(192 + transactions.iter().map(|wire| wire.len() * 4 / 3 + 8).sum::<usize>());
    let (method, open, close) = match kind {
        TargetKind::JitoBundle => ("sendBundle", "[", "]"),
        TargetKind::JitoTransaction | TargetKind::Rpc => ("sendTransaction", "", ""),
    };
    for part in [r#"{"jsonrpc":"2.0","id":1,"method":""#, method, r#"","params":["#, open] {
        body.extend_from_slice(part.as_bytes());
    }
    for (index, wire) in transactions.iter().enumerate() {
        body.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        base64_simd::STANDARD.encode_append(wire, &mut body);
        body.push(b'"');
    }
    body.extend_from_slice(close.as_bytes());
    body.extend_from_slice(br#",{"encoding":"base64""#);
    if kind == TargetKind::Rpc {
        body.extend_from_slice(br#","skipPreflight":true,"preflightCommitment":"processed","maxRetries":0"#);
        if let Some(slot) = min_context_slot {
            body.extend_from_slice(format!(r#","minContextSlot":{slot}"#).as_bytes());
        }
    }
    body.extend_from_slice(b"}]}");
    body
}

/// Returns the body of a question about ids, which are base58 or hexadecimal.
pub(super) fn question(method: &str, ids: Option<&[String]>, options: &str) -> Vec<u8> {
    let mut body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":["#);
    if let Some(ids) = ids {
        body.push('[');
        for (index, id) in ids.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(body, "{comma}\"{id}\"");
        }
        body.push(']');
    }
    body.push_str(options);
    body.push_str("]}");
    body.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_what_the_documentation_says() {
        let (a, b) = ([1_u8; 66], [2_u8; 65]);
        let parsed = |kind, wires: &[&[u8]], slot| -> serde_json::Value {
            serde_json::from_slice(&submission(kind, wires, slot)).expect("JSON")
        };
        let text = |wire: &[u8]| base64_simd::STANDARD.encode_to_string(wire);
        let bundle = parsed(TargetKind::JitoBundle, &[&a, &b], Some(7));
        assert_eq!(bundle["method"], "sendBundle");
        assert_eq!(bundle["params"], serde_json::json!([[text(&a), text(&b)], {"encoding": "base64"}]));
        let jito = parsed(TargetKind::JitoTransaction, &[&a], None);
        assert_eq!(jito["params"], serde_json::json!([text(&a), {"encoding": "base64"}]));
        let rpc = parsed(TargetKind::Rpc, &[&a], Some(7));
        assert_eq!(rpc["method"], "sendTransaction");
        let options = serde_json::json!({"encoding": "base64", "skipPreflight": true,
            "preflightCommitment": "processed", "maxRetries": 0, "minContextSlot": 7});
        assert_eq!(rpc["params"], serde_json::json!([text(&a), options]));
        let ids = ["x".to_owned(), "y".to_owned()];
        let asked = question("getBundleStatuses", Some(&ids), "");
        let asked: serde_json::Value = serde_json::from_slice(&asked).expect("JSON");
        assert_eq!(asked["params"], serde_json::json!([["x", "y"]]));
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        let wire: &[u8] = &[0; 100];
        assert!(check(&[]).is_err() && check(&[wire; 6]).is_err());
        assert!(check(&[wire; 5]).is_ok() && check(&[&[0; 1232]]).is_ok());
        assert!(check(&[&[0; 64]]).is_err() && check(&[&[0; 1233]]).is_err());
    }
}
