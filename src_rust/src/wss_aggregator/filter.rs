//! Each distinct message once, in the order of arrival: for recorders and counters.

use super::batch;
use super::canonical;
use super::echo::{First, Incoming, Said};
use super::frame::RawAccount;
use super::ingress::{AccountState, Ingress, Message, Subject, Write, identify};
use super::malformed::Malformed;
use super::order::{NO_TIME, lag};
use super::payload::{self, Content, NO_ACCOUNT};
use super::seen::{self, Seen};
use super::stats::AggregatorStats;
use super::{AggregatorConfig, EndpointId, Verdict};
use crate::base58;
use crate::quantities::Slot;

/// What the filter remembers of an account: nothing.
#[derive(Debug)]
struct Unordered;

impl AccountState for Unordered {
    fn new(address: &[u8], _: &AggregatorConfig) -> Option<Self> {
        let sound = (32..=base58::MAX_ADDRESS).contains(&address.len()) && base58::is_base58(address);
        sound.then_some(Self)
    }
}

/// Says of every frame whether its message has been seen before, whichever endpoint sent it.
///
/// A message is (address, slot, state) for a write, (signature, slot) for logs and signatures,
/// (slot, parent) for slots, and the same for each account of a read. Unlike
/// [`WssAggregator`](super::WssAggregator) it keeps no order: nothing is stale or held, and
/// addresses are checked for their letters only; nor is there a quorum or a quarantine. Remembers the
/// last [`max_seen`](AggregatorConfig::max_seen) messages that each endpoint was first to say.
#[derive(Debug)]
pub struct DuplicateFilter {
    ingress: Ingress<Unordered>,
    seen: Seen,
}

impl DuplicateFilter {
    /// Returns a filter that has seen nothing.
    #[must_use]
    pub fn new(config: AggregatorConfig) -> Self {
        Self { ingress: Ingress::new(config), seen: Seen::new(config.max_seen, 1) }
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

    /// Returns whether the frame says something new; of a batch, whether any of its messages does.
    #[inline]
    pub fn push(&mut self, endpoint: EndpointId, frame: &[u8]) -> Verdict {
        self.push_at(endpoint, frame, NO_TIME)
    }

    /// Does what [`push`](Self::push) does for a frame that came at `arrival_ns` of the caller's clock.
    #[inline]
    pub fn push_at(&mut self, endpoint: EndpointId, frame: &[u8], arrival_ns: u64) -> Verdict {
        self.ingress.count_frame(endpoint, arrival_ns);
        let first = First { endpoint: endpoint.0, at: arrival_ns };
        let incoming = Incoming::new(frame);
        if self.is_echo(endpoint, incoming, first) {
            self.ingress.stats[endpoint.0].duplicates += 1;
            return Verdict::Duplicate;
        }
        let judged = if batch::is_batch(frame) {
            self.judge_batch(endpoint, incoming, first)
        } else {
            self.judge(endpoint, incoming, first)
        };
        // A verdict is long for what it may carry: the usual ones are told apart without moving it.
        match judged {
            Ok(Verdict::Fresh) => {
                self.ingress.stats[endpoint.0].wins += 1;
                Verdict::Fresh
            }
            Ok(Verdict::Duplicate) => {
                self.ingress.stats[endpoint.0].duplicates += 1;
                Verdict::Duplicate
            }
            other => self.count_unusual(endpoint, other),
        }
    }

    #[cold]
    fn count_unusual(&mut self, endpoint: EndpointId, judged: Result<Verdict, Malformed>) -> Verdict {
        let verdict = judged.unwrap_or_else(Verdict::Malformed);
        self.ingress.stats[endpoint.0].count(verdict);
        verdict
    }

    /// Forgets all messages; endpoints, subscriptions and counters stay.
    pub fn forget(&mut self) {
        self.seen.clear();
        self.ingress.forget_echoes();
    }

    /// Returns the counters.
    #[must_use]
    pub fn stats(&self) -> AggregatorStats {
        AggregatorStats {
            endpoints: self.ingress.stats(),
            accounts: self.ingress.accounts.len(),
            highest_slot: self.ingress.highest_slot(),
            ..AggregatorStats::default()
        }
    }

    /// Returns whether a frame repeats one remembered; takes notice of its lag.
    #[inline]
    fn is_echo(&mut self, endpoint: EndpointId, frame: Incoming<'_>, first: First) -> bool {
        let Some((said, earlier)) = self.ingress.echo(endpoint, frame) else { return false };
        let key = match said {
            Said::Account { number, slot, content } | Said::Program { number, slot, content } => {
                write_key(number, slot, content)
            }
            Said::Logs { key } => key,
        };
        let repeats = self.seen.contains(key);
        if repeats
            && earlier.endpoint != endpoint.0
            && let Some(lag) = lag(first.at, earlier.at)
        {
            self.ingress.stats[endpoint.0].lag.record(lag);
        }
        repeats
    }

    /// Judges every message of a batch; all but the one that stands for the batch are counted here.
    fn judge_batch(
        &mut self,
        endpoint: EndpointId,
        frame: Incoming<'_>,
        first: First,
    ) -> Result<Verdict, Malformed> {
        self.ingress.check_length(frame.bytes)?;
        let mut best: Option<Verdict> = None;
        batch::for_each(frame.bytes, |message| {
            let message = Incoming::new(message);
            let mut verdict = self.judge(endpoint, message, first).unwrap_or_else(Verdict::Malformed);
            if let Some(best) = &mut best {
                if *best != Verdict::Fresh {
                    std::mem::swap(best, &mut verdict);
                }
                self.ingress.stats[endpoint.0].count(verdict);
            } else {
                best = Some(verdict);
            }
        })?;
        Ok(best.unwrap_or(Verdict::Control))
    }

    #[inline]
    fn judge(
        &mut self,
        endpoint: EndpointId,
        frame: Incoming<'_>,
        first: First,
    ) -> Result<Verdict, Malformed> {
        self.ingress.check_length(frame.bytes)?;
        if let Some(usual) = canonical::parse(frame) {
            let message = self.ingress.understand(endpoint, usual)?;
            return self.judge_message(endpoint, frame, message, first);
        }
        self.judge_unusual(endpoint, frame, first)
    }

    #[inline(never)]
    fn judge_unusual(
        &mut self,
        endpoint: EndpointId,
        frame: Incoming<'_>,
        first: First,
    ) -> Result<Verdict, Malformed> {
        let message = self.ingress.read_unusual(endpoint, frame.bytes)?;
        self.judge_message(endpoint, frame, message, first)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what it takes is large, and taken apart at once")]
    fn judge_message(
        &mut self,
        endpoint: EndpointId,
        frame: Incoming<'_>,
        message: Message<'_>,
        first: First,
    ) -> Result<Verdict, Malformed> {
        let new = match message {
            Message::Write { write, account } => {
                let new = self.judge_write(endpoint, frame, &write, &account, first)?;
                self.ingress.saw_slot(endpoint, write.slot);
                new
            }
            Message::Reads { id, slot, accounts } => {
                let mut keys = Vec::with_capacity(accounts.len());
                for (number, account) in &accounts {
                    let content = match account {
                        None => NO_ACCOUNT,
                        Some(account) => {
                            let (text, content) = identify(&self.ingress.hasher, account)?;
                            payload::check(&text)?;
                            content
                        }
                    };
                    keys.push(write_key(*number, slot, content));
                }
                self.ingress.answered(endpoint, id);
                self.ingress.saw_slot(endpoint, slot);
                keys.into_iter().fold(false, |any, key| self.is_new(endpoint, key) | any)
            }
            Message::Logs { slot, number_at, log } => {
                self.ingress.saw_slot(endpoint, slot);
                let key = self.text_key(1, slot, 0, &log.signature);
                let new = self.is_new(endpoint, key);
                if new {
                    self.ingress.remember_log(frame, number_at, key, first);
                }
                new
            }
            Message::Signature { slot, signature, received, .. } => {
                self.ingress.saw_slot(endpoint, slot);
                let key = self.text_key(2, slot, u64::from(received), signature.as_bytes());
                self.is_new(endpoint, key)
            }
            Message::Slot { slot, parent, .. } => {
                self.ingress.saw_slot(endpoint, slot);
                let key = self.text_key(3, slot, parent, &[]);
                self.is_new(endpoint, key)
            }
            Message::Root { root } => {
                self.ingress.saw_slot(endpoint, root);
                let key = self.text_key(4, root, 0, &[]);
                self.is_new(endpoint, key)
            }
            Message::SlotsUpdate(update) => {
                self.ingress.saw_slot(endpoint, update.slot);
                let key = self.text_key(5, update.slot, 0, update.stage.name().as_bytes());
                self.is_new(endpoint, key)
            }
            Message::Control => return Ok(Verdict::Control),
        };
        Ok(if new { Verdict::Fresh } else { Verdict::Duplicate })
    }

    #[inline]
    fn is_new(&mut self, endpoint: EndpointId, key: u128) -> bool {
        self.seen.say(endpoint.0, key) == seen::Said::News
    }

    #[inline]
    fn judge_write(
        &mut self,
        endpoint: EndpointId,
        frame: Incoming<'_>,
        write: &Write<'_>,
        account: &RawAccount<'_>,
        first: First,
    ) -> Result<bool, Malformed> {
        // Of a text that is checked already nothing but its hash is needed.
        let (unchecked, content) = if let Some(text) = payload::checked_text(account) {
            (None, self.ingress.hasher.content(text, &account.owner, account.lamports))
        } else {
            let (text, content) = identify(&self.ingress.hasher, account)?;
            if let Subject::Known(number) = write.subject
                && self.seen.contains(write_key(number, write.slot, content))
            {
                return Ok(false);
            }
            (Some(text), content)
        };
        if !(32..=44).contains(&account.owner.len()) || !base58::is_base58(&account.owner) {
            return Err(Malformed::BadPubkey);
        }
        if let Some(text) = unchecked {
            payload::check(&text)?;
        }
        let number = self.ingress.resolve(endpoint, &write.subject)?;
        let new = self.is_new(endpoint, write_key(number, write.slot, content));
        if new {
            self.ingress.remember_write(frame, write, number, content, first);
        }
        Ok(new)
    }

    /// Returns the identity of a message that is named by a text of at most 88 letters.
    #[inline]
    fn text_key(&self, kind: u8, slot: Slot, extra: u64, text: &[u8]) -> u128 {
        let mut all = [0_u8; 105];
        all[0] = kind;
        all[1..9].copy_from_slice(&slot.to_le_bytes());
        all[9..17].copy_from_slice(&extra.to_le_bytes());
        let text = &text[..text.len().min(88)];
        all[17..17 + text.len()].copy_from_slice(text);
        self.ingress.hasher.hash(&all)
    }
}

/// Returns the identity of a write.
#[inline]
fn write_key(number: u32, slot: Slot, content: Content) -> u128 {
    // The content is a hash already; the odd factor spreads slot and number without collisions.
    const ODD: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
    content ^ (u128::from(slot) << 32 | u128::from(number)).wrapping_mul(ODD)
}
