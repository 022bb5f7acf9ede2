//! The few forms of JSON that are needed, written into one buffer.

use std::fmt::Display;
use std::io::Write as _;

use rustc_hash::FxHashMap;

use crate::quantities::Pubkey;

/// Addresses of mints in base58, each made once.
#[derive(Debug, Default)]
pub(super) struct Strings(FxHashMap<Pubkey, String>);

impl Strings {
    pub(super) fn of(&mut self, key: Pubkey) -> &str {
        self.0.entry(key).or_insert_with(|| key.to_string())
    }
}

/// A text that grows.
#[derive(Debug, Default)]
pub(super) struct Text(Vec<u8>);

impl Text {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn raw(&mut self, part: &str) {
        self.0.extend_from_slice(part.as_bytes());
    }

    /// A string without anything that JSON would escape: base58, and names of our own.
    pub(super) fn word(&mut self, word: &str) {
        debug_assert!(word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'));
        self.raw("\"");
        self.raw(word);
        self.raw("\"");
    }

    pub(super) fn integer(&mut self, value: impl Display) {
        // Memory takes what is written.
        let _ = write!(self.0, "{value}");
    }

    /// An integer as a string: larger ones than 2^53 are not safe as numbers.
    pub(super) fn amount(&mut self, value: impl Display) {
        let _ = write!(self.0, "\"{value}\"");
    }

    /// `null` for what is no finite number.
    pub(super) fn float(&mut self, value: f64) {
        if value.is_finite() {
            let _ = write!(self.0, "{value:e}");
        } else {
            self.raw("null");
        }
    }

    pub(super) fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.raw("null"),
        }
    }

    pub(super) fn tuple(&mut self, values: &[u64]) {
        self.list(values.iter(), Self::integer);
    }

    pub(super) fn list<T>(&mut self, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.raw("[");
        for (place, item) in items.enumerate() {
            if place > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw("]");
    }
}
