//! Each distinct message once, in the order of arrival: for recorders and counters.

use super::echo::Said;
use super::frame::RawAccount;
use super::ingress::{AccountState, Ingress, Message, Subject, Write, identify};
use super::malformed::Malformed;
use super::payload::{self, Content, NO_ACCOUNT};
use super::seen::Seen;
use super::stats::AggregatorStats;
use super::{AggregatorConfig, EndpointId, Verdict};
use crate::base58;
use crate::quantities::Slot;
use xxhash_rust::xxh3::xxh3_128;

/// What the filter remembers of an account: nothing.
#[derive(Debug)]
struct Unordered;

impl AccountState for Unordered {
    fn new(address: &[u8]) -> Option<Self> {
        base58::is_base58(address).then_some(Self)
    }
}

/// Says of every frame whether its message has been seen before, whichever endpoint sent it.
///
/// A message is (address, slot, state) for a write, (signature, slot) for logs and signatures,
/// (slot, parent) for slots, and the same for each account of a read. Unlike
/// [`WssAggregator`](super::WssAggregator) it keeps no order: nothing is stale or held, and
/// addresses are checked for their letters only. Remembers the last
/// [`max_seen`](AggregatorConfig::max_seen) messages.
#[derive(Debug)]
pub struct DuplicateFilter {
    ingress: Ingress<Unordered>,
    seen: Seen,
}

impl DuplicateFilter {
    /// Returns a filter that has seen nothing.
    #[must_use]
    pub fn new(config: AggregatorConfig) -> Self {
        Self { ingress: Ingress::new(config), seen: Seen::new(config.max_seen) }
    }

    /// Returns the endpoint with this name; registers it on first use.
    pub fn endpoint(&mut self, name: &str) -> EndpointId {
        self.ingress.endpoint(name)
    }

    /// Returns the endpoint with this number, if there are so many.
    #[must_use]
    pub fn endpoint_numbered(&self, number: usize) -> Option<EndpointId> {
        self.ingress.endpoint_numbered(number)
    }

    /// Takes notice of a new connection: subscriptions and requests of the old one are void.
    pub fn connect(&mut self, endpoint: EndpointId) {
        self.ingress.connect(endpoint);
    }

    /// Takes notice of the end of a connection.
    pub fn disconnect(&mut self, endpoint: EndpointId) {
        self.ingress.disconnect(endpoint);
    }

    /// Takes notice of an outgoing request; see [`WssAggregator::request`](super::WssAggregator::request).
    ///
    /// # Errors
    /// [`Malformed`] if it cannot be read or one too many is unanswered.
    pub fn request(&mut self, endpoint: EndpointId, frame: &[u8]) -> Result<(), Malformed> {
        self.ingress.request(endpoint, frame)
    }

    /// Takes notice of a confirmed subscription to one account.
    ///
    /// # Errors
    /// [`Malformed::BadPubkey`] unless `address` is 32 to 44 base58 letters.
    pub fn subscribed(
        &mut self,
        endpoint: EndpointId,
        subscription: u64,
        address: &str,
    ) -> Result<(), Malformed> {
        self.ingress.subscribed(endpoint, subscription, address.as_bytes())
    }

    /// Returns whether the frame says something new.
    pub fn push(&mut self, endpoint: EndpointId, frame: &[u8]) -> Verdict {
        let verdict = self.judge(endpoint, frame).unwrap_or_else(Verdict::Malformed);
        self.ingress.stats[endpoint.0].count(verdict);
        verdict
    }

    /// Forgets all messages; endpoints, subscriptions and counters stay.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    /// Returns the counters.
    #[must_use]
    pub fn stats(&self) -> AggregatorStats {
        let endpoints = self.ingress.stats.clone();
        AggregatorStats { endpoints, accounts: self.ingress.accounts.len(), released: 0 }
    }

    #[inline]
    fn judge(&mut self, endpoint: EndpointId, frame: &[u8]) -> Result<Verdict, Malformed> {
        let key = match self.ingress.echo(endpoint, frame) {
            Some(Said::Account { number, slot, content } | Said::Program { number, slot, content }) => {
                Some(write_key(number, slot, content))
            }
            Some(Said::Logs { key }) => Some(key),
            None => None,
        };
        if key.is_some_and(|key| self.seen.contains(key)) {
            return Ok(Verdict::Duplicate);
        }
        let new = match self.ingress.read(endpoint, frame)? {
            Message::Write { write, account } => {
                let new = self.judge_write(frame, &write, &account)?;
                self.ingress.saw_slot(write.slot);
                new
            }
            Message::Reads { id, slot, accounts } => {
                let mut keys = Vec::with_capacity(accounts.len());
                for (number, account) in &accounts {
                    let content = match account {
                        None => NO_ACCOUNT,
                        Some(account) => {
                            let (text, content) = identify(account)?;
                            payload::check(&text)?;
                            content
                        }
                    };
                    keys.push(write_key(*number, slot, content));
                }
                self.ingress.answered(endpoint, id);
                self.ingress.saw_slot(slot);
                keys.into_iter().fold(false, |any, key| self.seen.insert(key) | any)
            }
            Message::Logs { slot, number_at, log } => {
                self.ingress.saw_slot(slot);
                let key = text_key(1, slot, 0, &log.signature);
                let new = self.seen.insert(key);
                if new {
                    self.ingress.remember_log(frame, number_at, key);
                }
                new
            }
            Message::Signature { slot, signature, received, .. } => {
                self.ingress.saw_slot(slot);
                self.seen.insert(text_key(2, slot, u64::from(received), signature.as_bytes()))
            }
            Message::Slot { slot, parent, .. } => {
                self.ingress.saw_slot(slot);
                self.seen.insert(text_key(3, slot, parent, &[]))
            }
            Message::Control => return Ok(Verdict::Control),
        };
        Ok(if new { Verdict::Fresh } else { Verdict::Duplicate })
    }

    #[inline]
    fn judge_write(
        &mut self,
        frame: &[u8],
        write: &Write<'_>,
        account: &RawAccount<'_>,
    ) -> Result<bool, Malformed> {
        let (text, content) = identify(account)?;
        if let Subject::Known(number) = write.subject
            && self.seen.contains(write_key(number, write.slot, content))
        {
            return Ok(false);
        }
        if !(32..=44).contains(&account.owner.len()) || !base58::is_base58(&account.owner) {
            return Err(Malformed::BadPubkey);
        }
        payload::check(&text)?;
        let number = self.ingress.resolve(&write.subject)?;
        self.ingress.remember_write(frame, write, number, content);
        Ok(self.seen.insert(write_key(number, write.slot, content)))
    }
}

/// Returns the identity of a write.
#[inline]
fn write_key(number: u32, slot: Slot, content: Content) -> u128 {
    // The content is a hash already; the odd factor spreads slot and number without collisions.
    const ODD: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
    content ^ (u128::from(slot) << 32 | u128::from(number)).wrapping_mul(ODD)
}

/// Returns the identity of a message that is named by a text of at most 88 letters.
#[inline]
fn text_key(kind: u8, slot: Slot, extra: u64, text: &[u8]) -> u128 {
    let mut all = [0_u8; 105];
    all[0] = kind;
    all[1..9].copy_from_slice(&slot.to_le_bytes());
    all[9..17].copy_from_slice(&extra.to_le_bytes());
    let text = &text[..text.len().min(88)];
    all[17..17 + text.len()].copy_from_slice(text);
    xxh3_128(&all)
}
