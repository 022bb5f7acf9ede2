//! Questions about what was sent, and their typed answers.

use serde_json::Value;

use super::answer::{AnswerKind, Dispatch};
use super::submitter::why_not;
use super::target::Route;
use super::{SubmitError, body};
use crate::quantities::Slot;

/// The accounts that take tips. Source: PROTOCOL §9; [`Question::TipAccounts`] tells whether they still are.
pub const TIP_ACCOUNTS: [&str; 8] = [
    "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
    "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
    "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
    "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
    "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
    "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
    "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
    "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
];

/// Most bundle ids of one question. Source: PROTOCOL §9.
const MAX_BUNDLE_IDS: usize = 5;
/// Most signatures of one question. Source: PROTOCOL §7.
const MAX_SIGNATURES: usize = 256;

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Bundles that have landed, by id; block engines.
    BundleStatuses(Vec<String>),
    /// Bundles of the last five minutes, by id; block engines.
    InflightBundleStatuses(Vec<String>),
    /// Transactions by signature; RPC nodes.
    SignatureStatuses {
        /// Base58.
        signatures: Vec<String>,
        /// Also older ones than the node's recent status cache.
        search_history: bool,
    },
    /// The accounts that take tips; block engines.
    TipAccounts,
}

/// A bundle that has landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleStatus {
    /// Its id.
    pub bundle_id: String,
    /// Signatures of its transactions.
    pub transactions: Vec<String>,
    /// Where it landed.
    pub slot: Slot,
    /// `processed`, `confirmed` or `finalized`; `None` if not said.
    pub confirmation_status: Option<String>,
    /// The error as JSON; `None` if it succeeded.
    pub error: Option<String>,
}

/// A bundle of the last five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InflightBundleStatus {
    /// Its id.
    pub bundle_id: String,
    /// `Invalid` (unknown), `Pending`, `Failed` or `Landed`.
    pub status: String,
    /// Where it landed.
    pub landed_slot: Option<Slot>,
}

/// What a node knows of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureStatus {
    /// Where it was executed.
    pub slot: Slot,
    /// Blocks on top; `None`: finalised.
    pub confirmations: Option<u64>,
    /// The error as JSON; `None` if it succeeded.
    pub error: Option<String>,
    /// `processed`, `confirmed` or `finalized`; `None` if not said.
    pub confirmation_status: Option<String>,
}

impl Question {
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::BundleStatuses(_) => "getBundleStatuses",
            Self::InflightBundleStatuses(_) => "getInflightBundleStatuses",
            Self::SignatureStatuses { .. } => "getSignatureStatuses",
            Self::TipAccounts => "getTipAccounts",
        }
    }

    pub(super) fn is_for_jito(&self) -> bool {
        !matches!(self, Self::SignatureStatuses { .. })
    }

    pub(super) fn route(&self) -> Route {
        match self {
            Self::BundleStatuses(_) => Route::BundleStatuses,
            Self::InflightBundleStatuses(_) => Route::InflightBundleStatuses,
            Self::SignatureStatuses { .. } => Route::Rpc,
            Self::TipAccounts => Route::TipAccounts,
        }
    }

    fn ids(&self) -> Option<(&[String], usize)> {
        match self {
            Self::BundleStatuses(ids) | Self::InflightBundleStatuses(ids) => Some((ids, MAX_BUNDLE_IDS)),
            Self::SignatureStatuses { signatures, .. } => Some((signatures, MAX_SIGNATURES)),
            Self::TipAccounts => None,
        }
    }

    /// Refuses what no server would take.
    pub(super) fn check(&self) -> Result<(), SubmitError> {
        let Some((ids, most)) = self.ids() else { return Ok(()) };
        if ids.is_empty() || ids.len() > most {
            return Err(SubmitError::IdCount { count: ids.len(), most });
        }
        let is_id =
            |id: &String| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        match ids.iter().position(|id| !is_id(id)) {
            Some(index) => Err(SubmitError::BadId(index)),
            None => Ok(()),
        }
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let options = match self {
            Self::SignatureStatuses { search_history: true, .. } => r#",{"searchTransactionHistory":true}"#,
            _ => "",
        };
        body::question(self.method(), self.ids().map(|(ids, _)| ids), options)
    }
}

/// Returns the result of a question.
///
/// # Errors
/// Why nobody has answered, per target.
fn result(dispatch: &Dispatch) -> Result<(&str, &Value), String> {
    let answer = dispatch.answers.iter().find(|answer| answer.kind == AnswerKind::Accepted);
    answer
        .and_then(|answer| Some((&*answer.target, answer.result.as_ref()?)))
        .ok_or_else(|| why_not(&dispatch.answers))
}

/// Reads the list of a `{context, value: [...]}`.
fn list<T>(dispatch: &Dispatch, read: impl Fn(&Value) -> Option<T>) -> Result<Vec<Option<T>>, String> {
    let (target, result) = result(dispatch)?;
    let malformed = || format!("{target}: the answer is not what was asked for");
    // Null stands for an empty list.
    let value = if result.is_null() { result } else { result.get("value").ok_or_else(malformed)? };
    if value.is_null() {
        return Ok(Vec::new());
    }
    let items = value.as_array().ok_or_else(malformed)?;
    let read = |item: &Value| match item {
        Value::Null => Ok(None),
        item => read(item).map(Some).ok_or_else(malformed),
    };
    items.iter().map(read).collect()
}

fn text(value: &Value, key: &str) -> Option<String> {
    Some(value.get(key)?.as_str()?.to_owned())
}

/// Puts what was found into the order of the ids; an id that nobody knows is `None`.
fn in_order<T>(ids: &[String], found: Vec<Option<T>>, id_of: impl Fn(&T) -> &str) -> Vec<Option<T>> {
    let mut found: Vec<T> = found.into_iter().flatten().collect();
    let mut take = |id: &String| {
        let place = found.iter().position(|one| id_of(one) == id)?;
        Some(found.swap_remove(place))
    };
    ids.iter().map(&mut take).collect()
}

/// Returns the error of `null`, `{"Ok": null}` or an error.
fn error(value: Option<&Value>) -> Option<String> {
    let value = value.filter(|value| !value.is_null())?;
    let is_ok = value.as_object().is_some_and(|object| object.contains_key("Ok"));
    let inner = value.get("Err").unwrap_or(value);
    (!is_ok).then(|| inner.to_string())
}

/// Reads the answer to [`Question::BundleStatuses`]: one entry per id.
///
/// # Errors
/// Why nobody has answered, per target.
pub fn bundle_statuses(ids: &[String], dispatch: &Dispatch) -> Result<Vec<Option<BundleStatus>>, String> {
    let found = list(dispatch, |item| {
        Some(BundleStatus {
            bundle_id: text(item, "bundle_id")?,
            transactions: item
                .get("transactions")?
                .as_array()?
                .iter()
                .map(|signature| signature.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
            slot: item.get("slot")?.as_u64()?,
            confirmation_status: text(item, "confirmation_status")
                .or_else(|| text(item, "confirmationStatus")),
            error: error(item.get("err")),
        })
    })?;
    Ok(in_order(ids, found, |status| &status.bundle_id))
}

/// Reads the answer to [`Question::InflightBundleStatuses`]: one entry per id.
///
/// # Errors
/// Why nobody has answered, per target.
pub fn inflight_bundle_statuses(
    ids: &[String],
    dispatch: &Dispatch,
) -> Result<Vec<Option<InflightBundleStatus>>, String> {
    let found = list(dispatch, |item| {
        let status = text(item, "status")?;
        ["Invalid", "Pending", "Failed", "Landed"].contains(&status.as_str()).then_some(())?;
        Some(InflightBundleStatus {
            bundle_id: text(item, "bundle_id")?,
            status,
            landed_slot: item.get("landed_slot").and_then(Value::as_u64),
        })
    })?;
    Ok(in_order(ids, found, |status| &status.bundle_id))
}

/// Reads the answer to [`Question::SignatureStatuses`]: one entry per signature, and the slot that it is of.
///
/// # Errors
/// Why nobody has answered, per target; or an answer of another length.
pub fn signature_statuses(
    signatures: &[String],
    dispatch: &Dispatch,
) -> Result<(Slot, Vec<Option<SignatureStatus>>), String> {
    let found = list(dispatch, |item| {
        Some(SignatureStatus {
            slot: item.get("slot")?.as_u64()?,
            confirmations: item.get("confirmations").and_then(Value::as_u64),
            error: error(item.get("err")),
            confirmation_status: text(item, "confirmationStatus"),
        })
    })?;
    let (target, result) = result(dispatch)?;
    let slot = result.pointer("/context/slot").and_then(Value::as_u64);
    match slot {
        Some(slot) if found.len() == signatures.len() => Ok((slot, found)),
        _ => Err(format!("{target}: the answer is not what was asked for")),
    }
}

/// Reads the answer to [`Question::TipAccounts`].
///
/// # Errors
/// Why nobody has answered, per target.
pub fn tip_accounts(dispatch: &Dispatch) -> Result<Vec<String>, String> {
    let (target, result) = result(dispatch)?;
    let accounts: Option<Vec<String>> =
        result.as_array().and_then(|all| all.iter().map(|one| one.as_str().map(str::to_owned)).collect());
    let is_address = |text: &String| crate::base58::decode(text.as_bytes()).is_some();
    accounts
        .filter(|all| !all.is_empty() && all.iter().all(is_address))
        .ok_or_else(|| format!("{target}: the answer is not what was asked for"))
}

/// Returns whether these are the [`TIP_ACCOUNTS`], in any order.
#[must_use]
pub fn are_known_tip_accounts(accounts: &[String]) -> bool {
    accounts.len() == TIP_ACCOUNTS.len()
        && TIP_ACCOUNTS.iter().all(|known| accounts.iter().any(|account| account == known))
}
