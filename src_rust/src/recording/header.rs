//! The header: a JSON object that says what a recording is.

use serde_json::{Map, Value};

use super::RecordingError;
use std::path::Path;

/// Longest header in bytes: descriptions, not data, belong into it.
pub(super) const MAX_HEADER_BYTES: usize = 1 << 20;

/// What a recording says of itself.
///
/// A JSON object with the texts `created` (ISO 8601), `source`, `description` and `tool` (name and
/// version of what wrote it), the list of distinct names `endpoints`, and optionally the object
/// `metadata`, free for any use. Other keys are kept and ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    json: String,
    endpoints: Vec<String>,
}

impl Header {
    /// Checks `json` and returns it as a header.
    ///
    /// # Errors
    /// [`RecordingError::BadHeader`] names the key, what it holds and what it may hold; `path` is
    /// the file it speaks of.
    pub fn parse(json: &str, path: &Path) -> Result<Self, RecordingError> {
        let endpoints =
            check(json).map_err(|reason| RecordingError::BadHeader { path: path.to_owned(), reason })?;
        Ok(Self { json: json.to_owned(), endpoints })
    }

    /// Returns the JSON text, byte for byte as it was given.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Returns the endpoints' names; records refer to them by index.
    #[must_use]
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// Returns the index of the endpoint called `name`.
    ///
    /// # Errors
    /// [`RecordingError::UnknownEndpoint`] if there is none.
    pub fn endpoint(&self, name: &str) -> Result<u32, RecordingError> {
        let found = self.endpoints.iter().position(|known| known == name);
        found.and_then(|index| u32::try_from(index).ok()).ok_or_else(|| RecordingError::UnknownEndpoint {
            endpoint: format!("`{name}`"),
            known: self.endpoints.len(),
        })
    }
}

fn check(json: &str) -> Result<Vec<String>, String> {
    if json.len() > MAX_HEADER_BYTES {
        return Err(format!("it is {} bytes long, at most {MAX_HEADER_BYTES} are allowed", json.len()));
    }
    let value: Value = serde_json::from_str(json).map_err(|error| format!("not JSON ({error})"))?;
    let Value::Object(object) = value else {
        return Err("it must be a JSON object".to_owned());
    };
    for key in ["created", "source", "description", "tool"] {
        if !matches!(object.get(key), Some(Value::String(_))) {
            return Err(wrong(&object, key, "a text"));
        }
    }
    if !matches!(object.get("metadata"), None | Some(Value::Object(_))) {
        return Err(wrong(&object, "metadata", "an object"));
    }
    endpoint_names(&object).ok_or_else(|| wrong(&object, "endpoints", "a list of distinct names"))
}

fn endpoint_names(object: &Map<String, Value>) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for item in object.get("endpoints")?.as_array()? {
        let name = item.as_str()?;
        if name.is_empty() || names.iter().any(|known| known == name) {
            return None;
        }
        names.push(name.to_owned());
    }
    Some(names)
}

fn wrong(object: &Map<String, Value>, key: &str, expected: &str) -> String {
    match object.get(key) {
        None => format!("key `{key}` is missing, it must be {expected}"),
        Some(value) => format!("key `{key}` holds {value}, it must be {expected}"),
    }
}
