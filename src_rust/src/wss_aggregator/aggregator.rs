//! The aggregator: reading, identity and order put together.

use std::cmp::Ordering;

use super::echo::Said;
use super::frame::RawAccount;
use super::ingress::{AccountState, Ingress, Message, Subject, Write, identify};
use super::malformed::Malformed;
use super::order::{Age, Arrival, Delivery, Source, Writes};
use super::payload::{self, NO_ACCOUNT};
use super::seen::Seen;
use super::stats::{AggregatorStats, EndpointStats};
use super::{Account, AccountUpdate, AggregatorConfig, EndpointId, Logs, Notification, Verdict};
use crate::base58;
use crate::quantities::{Pubkey, Slot};
use xxhash_rust::xxh3::xxh3_128;

type Result<T> = std::result::Result<T, Malformed>;

/// Buffers kept for reuse by [`WssAggregator::recycle`].
const MAX_SPARE: usize = 64;
/// Longest buffer kept for reuse, in bytes.
const MAX_SPARE_BYTES: usize = 64 * 1024;

/// An address and the order of its writes.
#[derive(Debug)]
struct Ordered {
    pubkey: Pubkey,
    writes: Writes<Option<Account>>,
    /// The owner of the latest decoded state, and its text.
    owner: (Vec<u8>, Pubkey),
}

impl AccountState for Ordered {
    fn new(address: &[u8]) -> Option<Self> {
        Some(Self { pubkey: base58::decode(address)?, writes: Writes::default(), owner: <_>::default() })
    }
}

/// Turns frames of several endpoints into one ordered stream of account states.
///
/// See the [module](super) for the rules. Buffers: `push` takes the data buffers of its updates
/// from those given back by [`recycle`](Self::recycle), so a caller that recycles causes no
/// allocation per update.
#[derive(Debug)]
pub struct WssAggregator {
    ingress: Ingress<Ordered>,
    signatures: Seen,
    highest_notified_slot: Option<Slot>,
    notification: Option<Notification>,
    spare: Vec<Vec<u8>>,
    released: u64,
}

impl WssAggregator {
    /// Returns an aggregator without endpoints.
    #[must_use]
    pub fn new(config: AggregatorConfig) -> Self {
        Self {
            ingress: Ingress::new(config),
            signatures: Seen::new(config.max_seen),
            highest_notified_slot: None,
            notification: None,
            spare: Vec::new(),
            released: 0,
        }
    }

    /// Returns the endpoint with this name; registers it on first use, as connected.
    pub fn endpoint(&mut self, name: &str) -> EndpointId {
        self.ingress.endpoint(name)
    }

    /// Returns the endpoint with this number, if there are so many.
    #[must_use]
    pub fn endpoint_numbered(&self, number: usize) -> Option<EndpointId> {
        self.ingress.endpoint_numbered(number)
    }

    /// Takes notice of a new connection: subscriptions and requests of the old one are void.
    ///
    /// A connection that ends without [`disconnect`](Self::disconnect) ends here; what it alone
    /// held back is then released by the next arrival or `disconnect`.
    pub fn connect(&mut self, endpoint: EndpointId) {
        self.ingress.connect(endpoint);
    }

    /// Takes notice of an outgoing request (subscriptions and `getMultipleAccounts`), so that its
    /// answer can be understood. An answered or refused request is forgotten.
    ///
    /// # Errors
    /// [`Malformed`] if it cannot be read, names no address, or one too many is unanswered.
    pub fn request(&mut self, endpoint: EndpointId, frame: &[u8]) -> Result<()> {
        self.ingress.request(endpoint, frame)
    }

    /// Takes notice of a confirmed `accountSubscribe`, for callers that keep the ids themselves.
    ///
    /// # Errors
    /// [`Malformed::BadPubkey`] or [`Malformed::TooManyAccounts`].
    pub fn subscribed(&mut self, endpoint: EndpointId, subscription: u64, address: &str) -> Result<()> {
        self.ingress.subscribed(endpoint, subscription, address.as_bytes())
    }

    /// Takes one incoming frame and appends the states to apply, if it brings any.
    ///
    /// For an answer with several accounts the verdict is that of the best of them: fresh before
    /// held, duplicate and stale.
    pub fn push(&mut self, endpoint: EndpointId, frame: &[u8], updates: &mut Vec<AccountUpdate>) -> Verdict {
        self.notification = None;
        let verdict = match self.judge(endpoint, frame, updates) {
            Ok(Judged::One(verdict)) => verdict,
            Ok(Judged::Reads(verdict)) => {
                self.ingress.stats[endpoint.0].frames += 1; // its accounts are counted already
                return verdict;
            }
            Err(reason) => Verdict::Malformed(reason),
        };
        self.ingress.stats[endpoint.0].count(verdict);
        verdict
    }

    /// Takes notice of the end of a connection, and appends writes kept back that are to be
    /// applied now that this endpoint has no word in it. Looks at every account.
    pub fn disconnect(&mut self, endpoint: EndpointId, updates: &mut Vec<AccountUpdate>) {
        if !self.ingress.disconnect(endpoint) {
            return;
        }
        for Ordered { pubkey, writes, .. } in &mut self.ingress.accounts {
            if let Some((slot, account)) = writes.settle(&self.ingress.links) {
                updates.push(AccountUpdate { pubkey: *pubkey, slot, account });
                self.released += 1;
            }
        }
    }

    /// Takes the updates back to reuse their buffers, and leaves `updates` empty.
    pub fn recycle(&mut self, updates: &mut Vec<AccountUpdate>) {
        for update in updates.drain(..) {
            if let Some(account) = update.account {
                keep_spare(&mut self.spare, account.data);
            }
        }
    }

    /// Returns the log, slot or signature that the latest [`push`](Self::push) found fresh.
    #[must_use]
    pub fn notification(&self) -> Option<&Notification> {
        self.notification.as_ref()
    }

    /// Takes what [`notification`](Self::notification) returns.
    pub fn take_notification(&mut self) -> Option<Notification> {
        self.notification.take()
    }

    /// Returns the highest slot of all accepted frames; 0 before the first.
    #[must_use]
    pub fn highest_slot(&self) -> Slot {
        self.ingress.highest_slot()
    }

    /// Returns a copy of the counters.
    #[must_use]
    pub fn stats(&self) -> AggregatorStats {
        AggregatorStats {
            endpoints: self.ingress.stats.clone(),
            accounts: self.ingress.accounts.len(),
            released: self.released,
        }
    }

    #[inline]
    fn judge(
        &mut self,
        endpoint: EndpointId,
        frame: &[u8],
        updates: &mut Vec<AccountUpdate>,
    ) -> Result<Judged> {
        if let Some(verdict) = self.judge_echo(endpoint, frame) {
            return Ok(Judged::One(verdict));
        }
        let verdict = match self.ingress.read(endpoint, frame)? {
            Message::Write { write, account } => {
                let verdict = self.write(endpoint, frame, &write, &account, updates)?;
                self.ingress.saw_slot(write.slot);
                verdict
            }
            Message::Reads { id, slot, accounts } => {
                return self.reads(endpoint, id, slot, &accounts, updates);
            }
            Message::Logs { slot, number_at, log } => {
                self.ingress.saw_slot(slot);
                let key = xxh3_128(&log.signature);
                if self.signatures.insert(key) {
                    self.ingress.remember_log(frame, number_at, key);
                    let signature = String::from_utf8_lossy(&log.signature).into_owned();
                    let (failed, logs) = (log.failed, Logs(log.lines.to_vec()));
                    self.notification = Some(Notification::Log { signature, slot, failed, logs });
                    Verdict::Fresh
                } else {
                    Verdict::Duplicate
                }
            }
            Message::Slot { slot, parent, root } => {
                self.ingress.saw_slot(slot);
                let highest = self.highest_notified_slot;
                match Some(slot).cmp(&highest) {
                    Ordering::Greater => {
                        self.highest_notified_slot = Some(slot);
                        self.notification = Some(Notification::Slot { slot, parent, root });
                        Verdict::Fresh
                    }
                    Ordering::Equal => Verdict::Duplicate,
                    Ordering::Less => Verdict::Stale,
                }
            }
            Message::Signature { slot, signature, received, failed } => {
                self.ingress.saw_slot(slot);
                // `!` and `?` are no base58 letters: apart from each other and from logs.
                let tag = if received { '?' } else { '!' };
                if self.signatures.insert(xxh3_128(format!("{tag}{signature}").as_bytes())) {
                    self.notification = Some(Notification::Signature { signature, slot, received, failed });
                    Verdict::Fresh
                } else {
                    Verdict::Duplicate
                }
            }
            Message::Control => Verdict::Control,
        };
        Ok(Judged::One(verdict))
    }

    /// Judges a frame that repeats one just taken, unless it is needed once more.
    #[inline]
    fn judge_echo(&mut self, endpoint: EndpointId, frame: &[u8]) -> Option<Verdict> {
        match self.ingress.echo(endpoint, frame)? {
            Said::Account { number, slot, content } | Said::Program { number, slot, content } => {
                let writes = &mut self.ingress.accounts[number as usize].writes;
                match writes.age(slot) {
                    Age::Older => Some(Verdict::Stale),
                    Age::Same => {
                        let from = Delivery {
                            endpoint: endpoint.0,
                            links: &self.ingress.links,
                            source: Source::Notification,
                        };
                        writes.repeats(from, content).then_some(Verdict::Duplicate)
                    }
                    Age::Newer => None,
                }
            }
            Said::Logs { key } => self.signatures.contains(key).then_some(Verdict::Duplicate),
        }
    }

    /// Judges one account notification.
    #[inline]
    fn write(
        &mut self,
        endpoint: EndpointId,
        frame: &[u8],
        write: &Write<'_>,
        raw: &RawAccount<'_>,
        updates: &mut Vec<AccountUpdate>,
    ) -> Result<Verdict> {
        let known = match write.subject {
            Subject::Known(number) => Some(number),
            Subject::New(_) => None,
        };
        let writes = known.map(|number| &mut self.ingress.accounts[number as usize].writes);
        let age = writes.as_ref().map_or(Age::Newer, |writes| writes.age(write.slot));
        if age == Age::Older {
            return Ok(Verdict::Stale);
        }
        let (text, content) = identify(raw)?;
        let (links, source) = (&self.ingress.links, Source::Notification);
        if let Some(writes) = writes
            && age == Age::Same
            && writes.repeats(Delivery { endpoint: endpoint.0, links, source }, content)
        {
            return Ok(Verdict::Duplicate);
        }
        let account = self.decode(known, raw, &text)?;
        let number = self.ingress.resolve(&write.subject)?;
        self.ingress.remember_write(frame, write, number, content);
        let state = State { number, slot: write.slot, content, account: Some(account) };
        Ok(self.place(endpoint, source, state, updates))
    }

    /// Judges an answer to `getMultipleAccounts`: all of it is decoded before any of it counts.
    fn reads(
        &mut self,
        endpoint: EndpointId,
        id: u64,
        slot: Slot,
        accounts: &[(u32, Option<RawAccount<'_>>)],
        updates: &mut Vec<AccountUpdate>,
    ) -> Result<Judged> {
        let mut decoded = Vec::with_capacity(accounts.len());
        for (number, raw) in accounts {
            decoded.push(match raw {
                None => (*number, NO_ACCOUNT, None),
                Some(raw) => {
                    let (text, content) = identify(raw)?;
                    (*number, content, Some(self.decode(Some(*number), raw, &text)?))
                }
            });
        }
        self.ingress.answered(endpoint, id);
        self.ingress.saw_slot(slot);
        let mut best = Verdict::Control; // an answer without accounts
        for (number, content, account) in decoded {
            let state = State { number, slot, content, account };
            let verdict = self.place(endpoint, Source::Read, state, updates);
            self.ingress.stats[endpoint.0].count_write(verdict);
            best = better(best, verdict);
        }
        Ok(Judged::Reads(best))
    }

    /// Puts a decoded state where it belongs in the order of its account.
    fn place(
        &mut self,
        endpoint: EndpointId,
        source: Source,
        state: State,
        updates: &mut Vec<AccountUpdate>,
    ) -> Verdict {
        let State { number, slot, content, account } = state;
        let from = Delivery { endpoint: endpoint.0, links: &self.ingress.links, source };
        let Ordered { pubkey, writes, .. } = &mut self.ingress.accounts[number as usize];
        match writes.age(slot) {
            Age::Older => return Verdict::Stale,
            Age::Newer => writes.advance(slot, from, content),
            Age::Same => match writes.arrive(from, content) {
                Arrival::Fresh => {}
                Arrival::Overtaken => return Verdict::Stale,
                Arrival::Duplicate => return Verdict::Duplicate,
                Arrival::Known => {
                    writes.keep(endpoint.0, account);
                    return Verdict::Duplicate;
                }
                Arrival::Held => {
                    writes.keep(endpoint.0, account);
                    return Verdict::Held;
                }
            },
        }
        updates.push(AccountUpdate { pubkey: *pubkey, slot, account });
        Verdict::Fresh
    }

    fn decode(&mut self, number: Option<u32>, raw: &RawAccount<'_>, text: &[u8]) -> Result<Account> {
        let known = number.map(|number| &mut self.ingress.accounts[number as usize].owner);
        let owner = match known {
            Some((text, owner)) if *text == raw.owner[..] => *owner,
            known => {
                let decoded = base58::decode(&raw.owner).ok_or(Malformed::BadPubkey)?;
                if let Some((text, owner)) = known {
                    text.clear();
                    text.extend_from_slice(&raw.owner);
                    *owner = decoded;
                }
                decoded
            }
        };
        let mut data = self.spare.pop().unwrap_or_default();
        if let Err(reason) = payload::decode_into(text, &mut data) {
            keep_spare(&mut self.spare, data);
            return Err(reason);
        }
        Ok(Account { owner, lamports: raw.lamports, data })
    }
}

/// A decoded state of an account, on its way into the order.
struct State {
    number: u32,
    slot: Slot,
    content: payload::Content,
    account: Option<Account>,
}

/// How a frame was judged: as one thing, or account by account and counted already.
enum Judged {
    One(Verdict),
    Reads(Verdict),
}

fn better(a: Verdict, b: Verdict) -> Verdict {
    let rank = |verdict| match verdict {
        Verdict::Fresh => 4,
        Verdict::Held => 3,
        Verdict::Duplicate => 2,
        Verdict::Stale => 1,
        Verdict::Malformed(_) | Verdict::Control => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}

fn keep_spare(spare: &mut Vec<Vec<u8>>, data: Vec<u8>) {
    if spare.len() < MAX_SPARE && data.capacity() <= MAX_SPARE_BYTES {
        spare.push(data);
    }
}

impl EndpointStats {
    /// Counts a frame that says one thing.
    #[inline]
    pub(super) fn count(&mut self, verdict: Verdict) {
        self.frames += 1;
        self.count_write(verdict);
    }

    #[inline]
    fn count_write(&mut self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Fresh => &mut self.wins,
            Verdict::Duplicate => &mut self.duplicates,
            Verdict::Stale => &mut self.stale,
            Verdict::Held => &mut self.held,
            Verdict::Control => &mut self.control,
            Verdict::Malformed(reason) => &mut self.malformed[reason.index()],
        };
        *counter += 1;
    }
}
