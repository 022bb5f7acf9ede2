//! The aggregator: reading, identity and order put together.

mod judge;
mod trust;

use super::batch;
use super::echo::{First, Incoming};
use super::ingress::{AccountState, Ingress, WordIn};
use super::malformed::Malformed;
use super::order::NO_TIME;
use super::quarantine::Conduct;
use super::seen::Seen;
use super::stats::{AggregatorStats, EndpointStats};
use super::witness::Witnesses;
use super::writes::Order;
use super::{Account, AccountFreshness, AccountUpdate, AggregatorConfig, ConnectionFreshness};
use super::{EndpointId, Notification, Verdict};
use crate::base58;
use crate::freshness::{Evidence, Watch, Word};
use crate::latency::Lap;
use crate::quantities::{Pubkey, Slot};

type Result<T> = std::result::Result<T, Malformed>;

/// Buffers kept for reuse by [`WssAggregator::recycle`].
const MAX_SPARE: usize = 64;
/// Longest buffer kept for reuse, in bytes.
const MAX_SPARE_BYTES: usize = 64 * 1024;

/// An address, the order of its writes, and who says what of it.
#[derive(Debug)]
struct Ordered {
    pubkey: Pubkey,
    writes: Order<Option<Account>>,
    witnesses: Witnesses,
    /// The owner of the latest decoded state, and its text.
    owner: (Vec<u8>, Pubkey),
    evidence: Evidence,
    /// Whether its applied state rests on the word of an endpoint put under quarantine since.
    is_doubted: bool,
}

impl AccountState for Ordered {
    fn new(address: &[u8], config: &AggregatorConfig) -> Option<Self> {
        Some(Self {
            pubkey: base58::decode(address)?,
            writes: Order::new(config.quorum),
            witnesses: Witnesses::default(),
            owner: <_>::default(),
            evidence: Evidence::default(),
            is_doubted: false,
        })
    }
}

/// Turns frames of several endpoints into one ordered stream of account states.
///
/// See the [module](super) for the rules. Buffers: `push` takes the data buffers of its updates
/// from those given back by [`recycle`](Self::recycle), so a caller that recycles causes no
/// allocation per update.
#[derive(Debug)]
pub struct WssAggregator {
    config: AggregatorConfig,
    ingress: Ingress<Ordered>,
    /// Messages that are no account writes.
    seen: Seen,
    highest_notified_slot: Option<Slot>,
    highest_root: Option<Slot>,
    notifications: Vec<Notification>,
    spare: Vec<Vec<u8>>,
    released: u64,
    disputes: u64,
    /// By number of the provider.
    conduct: Vec<Conduct>,
    /// Numbers of accounts, each at most once.
    doubted: Vec<u32>,
    /// When the latest message was read, if that is noted.
    read: Option<Lap>,
}

impl WssAggregator {
    /// Returns an aggregator without endpoints.
    #[must_use]
    pub fn new(config: AggregatorConfig) -> Self {
        let quorum = u32::try_from(config.quorum).unwrap_or(u32::MAX);
        Self {
            config,
            ingress: Ingress::new(config),
            seen: Seen::new(config.max_seen, quorum),
            highest_notified_slot: None,
            highest_root: None,
            notifications: Vec::new(),
            spare: Vec::new(),
            released: 0,
            disputes: 0,
            conduct: Vec::new(),
            doubted: Vec::new(),
            read: None,
        }
    }

    /// Returns the endpoint with this name; registers it on first use, as connected.
    pub fn endpoint(&mut self, name: &str) -> EndpointId {
        let endpoint = self.ingress.endpoint(name);
        self.conduct.resize_with(self.ingress.providers.len(), Conduct::default);
        endpoint
    }

    /// Returns the endpoint with this name, or else any connection of the provider with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<EndpointId> {
        self.ingress.find(name)
    }

    /// Returns the number of the provider that an endpoint is a connection of: the part of its name
    /// before the first `/`.
    #[must_use]
    pub fn provider_of(&self, endpoint: EndpointId) -> u32 {
        self.ingress.provider_of(endpoint)
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
        self.remember_freshness(endpoint);
        self.ingress.connect(endpoint);
    }

    /// Takes notice of an outgoing request (subscriptions and `getMultipleAccounts`, one or a
    /// batch), so that its answer can be understood. An answered or refused request is forgotten.
    ///
    /// # Errors
    /// [`Malformed`] if it cannot be read, names no address, or one too many is unanswered. What
    /// stands before it in a batch has been noticed then.
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

    /// Takes one incoming frame, a message or a batch of them, and appends the states to apply, if
    /// it brings any.
    ///
    /// For an answer with several accounts the verdict is that of the best of them: fresh before
    /// held, duplicate and stale; so for a batch. A message of a batch that is refused does not
    /// keep the others from counting.
    #[inline]
    pub fn push(&mut self, endpoint: EndpointId, frame: &[u8], updates: &mut Vec<AccountUpdate>) -> Verdict {
        self.push_at(endpoint, frame, NO_TIME, updates)
    }

    /// Does what [`push`](Self::push) does for a frame that came at `arrival_ns` of the caller's
    /// clock. Times are for the statistics of lags alone; they decide nothing.
    #[inline]
    pub fn push_at(
        &mut self,
        endpoint: EndpointId,
        frame: &[u8],
        arrival_ns: u64,
        updates: &mut Vec<AccountUpdate>,
    ) -> Verdict {
        self.notifications.clear();
        self.ingress.count_frame(endpoint, arrival_ns);
        if self.ingress.stats[endpoint.0].is_quarantined {
            self.ingress.stats[endpoint.0].ignored += 1;
            return Verdict::Ignored;
        }
        self.conduct_of(endpoint).frame();
        let first = First { endpoint: endpoint.0, at: arrival_ns };
        let verdict = if batch::is_batch(frame) {
            self.batch(endpoint, frame, first, updates)
        } else {
            self.message(endpoint, Incoming::new(frame), first, updates)
        };
        self.enforce(updates);
        verdict
    }

    /// Notes from now on when a message was read, or no longer.
    pub(crate) fn measure(&mut self, is_measured: bool) {
        self.read = is_measured.then(Lap::default);
    }

    /// Returns when the latest message was read; a lap of nothing if none was, and `None` if that is not
    /// noted or the frame was a batch.
    pub(crate) fn read_at(&self) -> Option<Lap> {
        self.read
    }

    fn batch(
        &mut self,
        endpoint: EndpointId,
        frame: &[u8],
        first: First,
        updates: &mut Vec<AccountUpdate>,
    ) -> Verdict {
        let mut best: Option<Verdict> = None;
        self.read = None; // reading and judging take turns
        let read = self.ingress.check_length(frame).and_then(|()| {
            batch::for_each(frame, |message| {
                let verdict = self.message(endpoint, Incoming::new(message), first, updates);
                best = Some(best.map_or(verdict, |best| judge::better(best, verdict)));
            })
        });
        match read {
            Ok(()) => best.unwrap_or(Verdict::Control),
            Err(reason) => self.refuse(endpoint, reason),
        }
    }

    fn refuse(&mut self, endpoint: EndpointId, reason: Malformed) -> Verdict {
        let verdict = Verdict::Malformed(reason);
        self.ingress.stats[endpoint.0].count(verdict);
        self.ingress.stats[endpoint.0].wrong_owners += u64::from(reason == Malformed::WrongOwner);
        self.conduct_of(endpoint).refused(&reason);
        verdict
    }

    /// Takes notice of the end of a connection, and appends writes kept back that are to be
    /// applied now that this endpoint has no word in it. Looks at every account, unless all that came
    /// over the connection were a few reads.
    pub fn disconnect(&mut self, endpoint: EndpointId, updates: &mut Vec<AccountUpdate>) {
        self.remember_freshness(endpoint);
        match self.ingress.disconnect(endpoint) {
            Some(WordIn::Any) => self.settle(updates),
            Some(WordIn::Read(accounts)) => {
                for number in accounts {
                    self.settle_one(number as usize, updates);
                }
            }
            None => {}
        }
    }

    fn settle(&mut self, updates: &mut Vec<AccountUpdate>) {
        for number in 0..self.ingress.accounts.len() {
            self.settle_one(number, updates);
        }
    }

    fn settle_one(&mut self, number: usize, updates: &mut Vec<AccountUpdate>) {
        let account = &mut self.ingress.accounts[number];
        let Ordered { pubkey, writes, is_doubted, evidence, .. } = account;
        let before = writes.slot();
        if let Some((slot, account)) = writes.settle(&self.ingress.links) {
            evidence.applied(false, before == Some(slot));
            updates.push(AccountUpdate { pubkey: *pubkey, slot, account });
            *is_doubted = false;
            self.released += 1;
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

    /// Takes one of the messages other than account states that the latest [`push`](Self::push)
    /// found fresh, in order; a frame that is no batch brings one at most.
    #[inline]
    pub fn take_notification(&mut self) -> Option<Notification> {
        if self.notifications.is_empty() { None } else { Some(self.notifications.remove(0)) }
    }

    /// Takes all of what [`take_notification`](Self::take_notification) would.
    pub fn drain_notifications(&mut self) -> impl Iterator<Item = Notification> + '_ {
        self.notifications.drain(..)
    }

    /// Returns the highest slot that as many providers have reached as the quorum asks for, those
    /// under quarantine left out; 0 before.
    #[must_use]
    pub fn highest_slot(&self) -> Slot {
        self.ingress.highest_slot()
    }

    /// Returns a copy of the counters.
    #[must_use]
    pub fn stats(&self) -> AggregatorStats {
        AggregatorStats {
            endpoints: self.ingress.stats(),
            accounts: self.ingress.accounts.len(),
            released: self.released,
            disputes: self.disputes,
            highest_slot: self.highest_slot(),
        }
    }

    /// Returns how far each connection has come and what it covers; connections are numbered as
    /// [`EndpointId::index`] says.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.ingress.watch
    }

    /// Returns the slot that ages are counted from: [`Watch::now`], or the highest slot before one is shown.
    #[must_use]
    pub fn now(&self) -> Slot {
        self.watch().now().unwrap_or_else(|| self.highest_slot())
    }

    /// Returns what [`watch`](Self::watch) tells of every connection, in the order in which they were
    /// first named.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionFreshness> {
        let now = self.now();
        let all = self.ingress.stats.iter().enumerate().map(|(number, stats)| {
            let link = self.watch().report(number);
            let behind_slots = link.shown.map(|shown| now.saturating_sub(shown));
            ConnectionFreshness { name: stats.name.clone(), link, behind_slots }
        });
        all.collect()
    }

    /// Returns the number of an account that some frame or request has named; it never changes.
    #[must_use]
    pub fn account_number(&self, address: &Pubkey) -> Option<u32> {
        self.ingress.number_of(&address.to_string())
    }

    /// Returns how fresh the applied state of an account is; `None` if there is none.
    ///
    /// # Panics
    /// If another aggregator numbered the account.
    #[must_use]
    pub fn freshness(&self, number: u32) -> Option<AccountFreshness> {
        let Ordered { writes, witnesses, evidence, .. } = &self.ingress.accounts[number as usize];
        let slot = writes.slot()?;
        let word = |endpoint: usize| {
            let (slot, content) = witnesses.last_word(endpoint, self.ingress.links[endpoint].number)?;
            Some(Word { slot, is_held: writes.is_applied(content) })
        };
        let known = self.ingress.watch.freshness(number, slot, *evidence, word);
        Some(AccountFreshness { slot, writes: evidence.writes(), by_read: evidence.by_read(), known })
    }

    /// Keeps what a connection vouches for, before it ends. Looks at every account.
    fn remember_freshness(&mut self, endpoint: EndpointId) {
        if self.ingress.watch.report(endpoint.0).shown.is_none() {
            return;
        }
        for number in 0..self.ingress.accounts.len() {
            let connection = self.ingress.links[endpoint.0].number;
            let has_word =
                self.ingress.accounts[number].witnesses.last_word(endpoint.0, connection).is_some();
            let Ok(number) = u32::try_from(number) else { return };
            if self.ingress.watch.covers(endpoint.0, number, has_word)
                && let Some(AccountFreshness { known, .. }) = self.freshness(number)
            {
                self.ingress.accounts[number as usize].evidence.known(known.fresh_to);
            }
        }
    }
}

fn keep_spare(spare: &mut Vec<Vec<u8>>, data: Vec<u8>) {
    if spare.len() < MAX_SPARE && data.capacity() <= MAX_SPARE_BYTES {
        spare.push(data);
    }
}

impl EndpointStats {
    /// Counts what a message was.
    #[inline]
    pub(super) fn count(&mut self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Fresh => &mut self.wins,
            Verdict::Duplicate => &mut self.duplicates,
            Verdict::Stale => &mut self.stale,
            Verdict::Held => &mut self.held,
            Verdict::Control => &mut self.control,
            Verdict::Ignored => &mut self.ignored,
            Verdict::Malformed(reason) => &mut self.malformed[reason.index()],
        };
        *counter += 1;
    }
}
