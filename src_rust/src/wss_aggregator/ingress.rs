//! The half that does not care about order: endpoints, what they were asked, and whose data
//! a frame carries.

mod links;
mod read;

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::batch;
use super::echo::{Echoes, First, Incoming, Said};
use super::frame::{RawAccount, RawLog};
use super::malformed::Malformed;
use super::order::{Connection, NO_TIME};
use super::payload::{self, Content, Hasher};
use super::progress::Progress;
use super::request::{self, Ask};
use super::stats::EndpointStats;
use super::{AggregatorConfig, EndpointId, SlotsUpdate};
use crate::base58;
use crate::freshness::Watch;
use crate::quantities::Slot;

use links::Provider;
pub use links::WordIn;

type Result<T> = std::result::Result<T, Malformed>;

/// What is remembered of an account from its first mention on.
pub trait AccountState: Sized {
    /// Returns the state of an account never written, or `None` if the text is no address.
    fn new(address: &[u8], config: &AggregatorConfig) -> Option<Self>;
}

/// Subject of a write.
#[derive(Debug)]
pub enum Subject<'a> {
    Known(u32),
    /// An address never met; remembered only once the frame has proved to be sound.
    New(Cow<'a, [u8]>),
}

/// Where a write belongs.
#[derive(Debug)]
pub struct Write<'a> {
    pub subject: Subject<'a>,
    pub slot: Slot,
    number_at: usize,
    by_program: bool,
}

/// What a frame says, with subscriptions and requests resolved.
#[derive(Debug)]
pub enum Message<'a> {
    Write { write: Write<'a>, account: RawAccount<'a> },
    Reads { id: u64, slot: Slot, accounts: Vec<(u32, Option<RawAccount<'a>>)> },
    Logs { slot: Slot, number_at: usize, log: RawLog<'a> },
    Slot { slot: Slot, parent: Slot, root: Slot },
    Root { root: Slot },
    SlotsUpdate(SlotsUpdate),
    Signature { slot: Slot, signature: String, received: bool, failed: bool },
    Control,
}

#[derive(Debug, Clone)]
enum Pending {
    Account(u32),
    Signature(String),
    Accounts(Vec<u32>),
}

#[derive(Debug, Clone)]
enum Subscription {
    Account(u32),
    Signature(String),
}

#[derive(Debug)]
struct Endpoint {
    pending: FxHashMap<u64, Pending>,
    subscriptions: FxHashMap<u64, Subscription>,
    /// Whether there is a connection, whatever its word counts.
    is_connected: bool,
    word_in: WordIn,
}

impl Endpoint {
    fn reset(&mut self, is_connected: bool) {
        self.pending = FxHashMap::default();
        self.subscriptions = FxHashMap::default();
        self.is_connected = is_connected;
        self.word_in = WordIn::default();
    }
}

/// Instead of a provider's number: several providers, or the caller, have named the account.
const WELL_KNOWN: u32 = u32::MAX;

/// Endpoints, subscriptions and accounts.
#[derive(Debug)]
pub struct Ingress<S> {
    config: AggregatorConfig,
    endpoints: Vec<Endpoint>,
    pub links: Vec<Connection>,
    pub stats: Vec<EndpointStats>,
    pub providers: Vec<Provider>,
    pub hasher: Hasher,
    /// By the hash of the address.
    by_address: FxHashMap<u128, u32>,
    pub accounts: Vec<S>,
    /// Who alone has named each account, or [`WELL_KNOWN`].
    introducers: Vec<u32>,
    pub progress: Progress,
    pub watch: Watch,
    echoes: Echoes,
}

impl<S: AccountState> Ingress<S> {
    pub fn new(config: AggregatorConfig) -> Self {
        Self {
            config,
            endpoints: Vec::new(),
            links: Vec::new(),
            stats: Vec::new(),
            providers: Vec::new(),
            hasher: Hasher::default(),
            by_address: FxHashMap::default(),
            accounts: Vec::new(),
            introducers: Vec::new(),
            progress: Progress::new(config.quorum),
            watch: Watch::new(config.quorum, config.max_heartbeat_gap),
            echoes: Echoes::default(),
        }
    }

    /// Counts a frame, and when it came.
    #[inline]
    pub fn count_frame(&mut self, endpoint: EndpointId, at: u64) {
        let stats = &mut self.stats[endpoint.0];
        stats.frames += 1;
        if at != NO_TIME {
            stats.last_arrival_ns = Some(at);
        }
    }

    /// Returns a copy of the counters of every endpoint.
    pub fn stats(&self) -> Vec<EndpointStats> {
        let mut all = self.stats.clone();
        for (endpoint, stats) in all.iter_mut().enumerate() {
            stats.highest_slot = self.progress.told(endpoint);
        }
        all
    }

    pub fn request(&mut self, endpoint: EndpointId, bytes: &[u8]) -> Result<()> {
        self.check_length(bytes)?;
        if batch::is_batch(bytes) {
            let mut done = Ok(());
            batch::for_each(bytes, |message| done = done.and_then(|()| self.request_one(endpoint, message)))?;
            return done;
        }
        self.request_one(endpoint, bytes)
    }

    fn request_one(&mut self, endpoint: EndpointId, bytes: &[u8]) -> Result<()> {
        let (id, ask) = request::parse(bytes)?;
        let pending = match ask {
            Ask::Account(address) => Pending::Account(self.account(&address, WELL_KNOWN)?),
            Ask::Signature(signature) => Pending::Signature(signature_text(&signature)?),
            Ask::Accounts(addresses) => {
                let accounts = addresses.iter().map(|address| self.account(address, WELL_KNOWN));
                Pending::Accounts(accounts.collect::<Result<_>>()?)
            }
            Ask::LeaveAccount(subscription) => {
                let all = &self.endpoints[endpoint.0].subscriptions;
                if let Some(Subscription::Account(account)) = all.get(&subscription) {
                    self.watch.left(endpoint.0, *account);
                }
                return Ok(());
            }
            Ask::LeaveProgram => {
                self.watch.left_programs(endpoint.0);
                return Ok(());
            }
            Ask::LeaveSlots => {
                self.watch.left_slots(endpoint.0);
                return Ok(());
            }
            Ask::Other => return Ok(()),
        };
        let all = &mut self.endpoints[endpoint.0].pending;
        if all.len() >= self.config.max_pending && !all.contains_key(&id) {
            return Err(Malformed::TooManyRequests { max: self.config.max_pending });
        }
        all.insert(id, pending);
        Ok(())
    }

    pub fn subscribed(&mut self, endpoint: EndpointId, subscription: u64, address: &[u8]) -> Result<()> {
        let account = self.account(address, WELL_KNOWN)?;
        let all = &mut self.endpoints[endpoint.0].subscriptions;
        all.insert(subscription, Subscription::Account(account));
        self.watch.confirmed(endpoint.0, account);
        Ok(())
    }

    /// Returns the number of the account with this address; remembers it on first mention.
    fn account(&mut self, address: &[u8], by: u32) -> Result<u32> {
        let key = self.hasher.hash(address);
        if let Some(&account) = self.by_address.get(&key) {
            self.named(account, by);
            return Ok(account);
        }
        let state = S::new(address, &self.config).ok_or(Malformed::BadPubkey)?;
        let max = self.config.max_accounts;
        let account = u32::try_from(self.accounts.len()).ok().filter(|_| self.accounts.len() < max);
        let account = account.ok_or(Malformed::TooManyAccounts { max })?;
        if let Some(provider) = self.providers.get_mut(by as usize) {
            let max = self.config.max_introduced;
            if provider.introduced >= max {
                return Err(Malformed::TooManyIntroduced { max });
            }
            provider.introduced += 1;
        }
        self.accounts.push(state);
        self.introducers.push(by);
        self.by_address.insert(key, account);
        Ok(account)
    }

    /// Takes notice that `by` names an account: it is well known once two have.
    #[inline]
    fn named(&mut self, account: u32, by: u32) {
        let introducer = &mut self.introducers[account as usize];
        if *introducer != WELL_KNOWN && *introducer != by {
            self.providers[*introducer as usize].introduced -= 1;
            *introducer = WELL_KNOWN;
        }
    }

    /// Returns the account that a write is of; remembers it on first mention.
    pub fn resolve(&mut self, endpoint: EndpointId, subject: &Subject<'_>) -> Result<u32> {
        let by = self.provider_of(endpoint);
        match subject {
            Subject::Known(account) => {
                self.named(*account, by);
                Ok(*account)
            }
            Subject::New(address) => self.account(address, by),
        }
    }

    /// Returns what the frame says if it repeats one remembered, whoever sent that.
    #[inline]
    pub fn echo(&mut self, endpoint: EndpointId, frame: Incoming<'_>) -> Option<(Said, First)> {
        let (said, subscription, first) = self.echoes.find(frame)?;
        match said {
            Said::Account { number, .. } => {
                let all = &self.endpoints[endpoint.0].subscriptions;
                let Some(Subscription::Account(subscribed)) = all.get(&subscription) else {
                    return None;
                };
                (*subscribed == number).then_some((said, first))
            }
            Said::Program { number, .. } => {
                self.named(number, self.provider_of(endpoint));
                Some((said, first))
            }
            Said::Logs { .. } => Some((said, first)),
        }
    }

    /// Forgets the frames remembered.
    pub fn forget_echoes(&mut self) {
        self.echoes.clear();
    }

    /// Remembers a sound frame with the write of account `number`.
    #[inline]
    pub fn remember_write(
        &mut self,
        frame: Incoming<'_>,
        write: &Write<'_>,
        number: u32,
        content: Content,
        first: First,
    ) {
        let slot = write.slot;
        let said = if write.by_program {
            Said::Program { number, slot, content }
        } else {
            Said::Account { number, slot, content }
        };
        self.echoes.remember(frame, write.number_at, said, first);
    }

    /// Remembers a sound frame with a log.
    #[inline]
    pub fn remember_log(&mut self, frame: Incoming<'_>, number_at: usize, key: u128, first: First) {
        self.echoes.remember(frame, number_at, Said::Logs { key }, first);
    }

    /// Fails if a frame is longer than is read.
    #[inline]
    pub fn check_length(&self, bytes: &[u8]) -> Result<()> {
        let max = self.config.max_frame_bytes;
        if bytes.len() > max {
            return Err(Malformed::OversizeFrame { len: bytes.len(), max });
        }
        Ok(())
    }

    fn check_slot(&self, slot: Slot) -> Result<()> {
        let max_lead = self.config.max_slot_lead;
        match self.progress.base() {
            Some(highest) if slot > highest.saturating_add(max_lead) => {
                Err(Malformed::ImpossibleSlot { slot, highest, max_lead })
            }
            _ => Ok(()),
        }
    }

    /// Takes notice of the slot of a sound frame.
    #[inline]
    pub fn saw_slot(&mut self, endpoint: EndpointId, slot: Slot) {
        self.progress.saw(endpoint.0, slot, &self.links);
    }

    /// Takes notice of the slot of a sound notification.
    #[inline]
    pub fn showed_slot(&mut self, endpoint: EndpointId, slot: Slot) {
        self.saw_slot(endpoint, slot);
        self.watch.showed(endpoint.0, slot);
    }

    /// Returns the number of an account that has been named.
    pub fn number_of(&self, address: &str) -> Option<u32> {
        self.by_address.get(&self.hasher.hash(address.as_bytes())).copied()
    }

    pub fn highest_slot(&self) -> Slot {
        self.progress.highest().unwrap_or_default()
    }
}

/// Returns the canonical text and the identity of a state.
#[inline]
pub fn identify<'a>(hasher: &Hasher, raw: &'a RawAccount<'_>) -> Result<(Cow<'a, [u8]>, Content)> {
    let text = payload::canonical_text(raw)?;
    let content = hasher.content(&text, &raw.owner, raw.lamports);
    Ok((text, content))
}

fn check_signature(text: &[u8]) -> Result<()> {
    let sound = (64..=88).contains(&text.len()) && base58::is_base58(text);
    if sound { Ok(()) } else { Err(Malformed::BadSignature) }
}

fn signature_text(text: &[u8]) -> Result<String> {
    check_signature(text)?;
    Ok(String::from_utf8_lossy(text).into_owned())
}
