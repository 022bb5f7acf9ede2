//! The half that does not care about order: endpoints, what they were asked, and whose data
//! a frame carries.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::canonical;
use super::echo::{Echoes, Said};
use super::frame::{self, Frame, RawAccount, RawLog};
use super::malformed::Malformed;
use super::order::Connection;
use super::payload::{self, Content};
use super::request::{self, Ask};
use super::stats::EndpointStats;
use super::{AggregatorConfig, EndpointId};
use crate::base58::{self, AddressText};
use crate::quantities::Slot;

type Result<T> = std::result::Result<T, Malformed>;

/// What is remembered of an account from its first mention on.
pub trait AccountState: Sized {
    /// Returns the state of an account never written, or `None` if the text is no address.
    fn new(address: &[u8]) -> Option<Self>;
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

#[derive(Debug, Default)]
struct Endpoint {
    pending: FxHashMap<u64, Pending>,
    subscriptions: FxHashMap<u64, Subscription>,
}

/// Endpoints, subscriptions and accounts.
#[derive(Debug)]
pub struct Ingress<S> {
    config: AggregatorConfig,
    endpoints: Vec<Endpoint>,
    pub links: Vec<Connection>,
    pub stats: Vec<EndpointStats>,
    by_address: FxHashMap<AddressText, u32>,
    pub accounts: Vec<S>,
    highest_slot: Option<Slot>,
    echoes: Echoes,
}

impl<S: AccountState> Ingress<S> {
    pub fn new(config: AggregatorConfig) -> Self {
        Self {
            config,
            endpoints: Vec::new(),
            links: Vec::new(),
            stats: Vec::new(),
            by_address: FxHashMap::default(),
            accounts: Vec::new(),
            highest_slot: None,
            echoes: Echoes::default(),
        }
    }

    pub fn endpoint(&mut self, name: &str) -> EndpointId {
        let found = self.stats.iter().position(|stats| stats.name == name);
        let index = found.unwrap_or_else(|| {
            self.endpoints.push(Endpoint::default());
            self.links.push(Connection { number: 0, open: true });
            self.stats.push(EndpointStats { name: name.to_owned(), ..EndpointStats::default() });
            self.stats.len() - 1
        });
        EndpointId(index)
    }

    pub fn endpoint_numbered(&self, number: usize) -> Option<EndpointId> {
        (number < self.endpoints.len()).then_some(EndpointId(number))
    }

    pub fn connect(&mut self, endpoint: EndpointId) {
        self.endpoints[endpoint.0] = Endpoint::default();
        let link = &mut self.links[endpoint.0];
        *link = Connection { number: link.number.wrapping_add(1), open: true };
    }

    /// Returns whether there was a connection to close.
    pub fn disconnect(&mut self, endpoint: EndpointId) -> bool {
        self.endpoints[endpoint.0] = Endpoint::default();
        let was_open = std::mem::replace(&mut self.links[endpoint.0].open, false);
        self.stats[endpoint.0].disconnects += u64::from(was_open);
        was_open
    }

    pub fn request(&mut self, endpoint: EndpointId, bytes: &[u8]) -> Result<()> {
        self.check_length(bytes)?;
        let (id, ask) = request::parse(bytes)?;
        let pending = match ask {
            Ask::Account(address) => Pending::Account(self.account(&address)?),
            Ask::Signature(signature) => Pending::Signature(signature_text(&signature)?),
            Ask::Accounts(addresses) => {
                let accounts = addresses.iter().map(|address| self.account(address));
                Pending::Accounts(accounts.collect::<Result<_>>()?)
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
        let account = self.account(address)?;
        let all = &mut self.endpoints[endpoint.0].subscriptions;
        all.insert(subscription, Subscription::Account(account));
        Ok(())
    }

    /// Returns the number of the account with this address; remembers it on first mention.
    pub fn account(&mut self, address: &[u8]) -> Result<u32> {
        let text = base58::padded(address).ok_or(Malformed::BadPubkey)?;
        if let Some(&account) = self.by_address.get(&text) {
            return Ok(account);
        }
        let state = S::new(address).ok_or(Malformed::BadPubkey)?;
        let max = self.config.max_accounts;
        let account = u32::try_from(self.accounts.len()).ok().filter(|_| self.accounts.len() < max);
        let account = account.ok_or(Malformed::TooManyAccounts { max })?;
        self.accounts.push(state);
        self.by_address.insert(text, account);
        Ok(account)
    }

    /// Returns the account that a write is of; remembers it on first mention.
    pub fn resolve(&mut self, subject: &Subject<'_>) -> Result<u32> {
        match subject {
            Subject::Known(account) => Ok(*account),
            Subject::New(address) => self.account(address),
        }
    }

    /// Returns what the frame says if it repeats one remembered, whoever sent that.
    #[inline]
    pub fn echo(&self, endpoint: EndpointId, frame: &[u8]) -> Option<Said> {
        let (said, subscription) = self.echoes.find(frame)?;
        if let Said::Account { number, .. } = said {
            let all = &self.endpoints[endpoint.0].subscriptions;
            let Some(Subscription::Account(subscribed)) = all.get(&subscription) else {
                return None;
            };
            return (*subscribed == number).then_some(said);
        }
        Some(said)
    }

    /// Remembers a sound frame with the write of account `number`.
    #[inline]
    pub fn remember_write(&mut self, frame: &[u8], write: &Write<'_>, number: u32, content: Content) {
        let slot = write.slot;
        let said = if write.by_program {
            Said::Program { number, slot, content }
        } else {
            Said::Account { number, slot, content }
        };
        self.echoes.remember(frame, write.number_at, said);
    }

    /// Remembers a sound frame with a log.
    #[inline]
    pub fn remember_log(&mut self, frame: &[u8], number_at: usize, key: u128) {
        self.echoes.remember(frame, number_at, Said::Logs { key });
    }

    fn check_length(&self, bytes: &[u8]) -> Result<()> {
        let max = self.config.max_frame_bytes;
        if bytes.len() > max {
            return Err(Malformed::OversizeFrame { len: bytes.len(), max });
        }
        Ok(())
    }

    /// Reads one incoming frame. Changes nothing but what a sound confirmation changes.
    #[inline]
    pub fn read<'a>(&mut self, endpoint: EndpointId, bytes: &'a [u8]) -> Result<Message<'a>> {
        self.check_length(bytes)?;
        let frame = match canonical::parse(bytes) {
            Some(frame) => frame,
            None => frame::parse(bytes)?,
        };
        match frame {
            Frame::Account { slot, subscription, number_at, account } => {
                let all = &self.endpoints[endpoint.0].subscriptions;
                let Some(Subscription::Account(number)) = all.get(&subscription) else {
                    return Err(Malformed::UnknownSubscription(subscription));
                };
                self.check_slot(slot)?;
                let subject = Subject::Known(*number);
                let write = Write { subject, slot, number_at, by_program: false };
                Ok(Message::Write { write, account })
            }
            Frame::Program { slot, number_at, address, account } => {
                self.check_slot(slot)?;
                let text = base58::padded(&address).ok_or(Malformed::BadPubkey)?;
                let subject = match self.by_address.get(&text) {
                    Some(&number) => Subject::Known(number),
                    None => Subject::New(address),
                };
                let write = Write { subject, slot, number_at, by_program: true };
                Ok(Message::Write { write, account })
            }
            Frame::Logs { slot, number_at, log } => {
                check_signature(&log.signature)?;
                self.check_slot(slot)?;
                Ok(Message::Logs { slot, number_at, log })
            }
            Frame::Slot { slot, parent, root } => {
                self.check_slot(slot)?;
                Ok(Message::Slot { slot, parent, root })
            }
            Frame::Signature { slot, subscription, received, failed } => {
                self.check_slot(slot)?;
                self.signature(endpoint, slot, subscription, received, failed)
            }
            Frame::Response { id, result } => self.response(endpoint, id, result),
            Frame::Refusal { id } => {
                if let Some(id) = id {
                    self.answered(endpoint, id);
                }
                self.stats[endpoint.0].refusals += 1;
                Ok(Message::Control)
            }
            Frame::Control => Ok(Message::Control),
        }
    }

    fn signature<'a>(
        &mut self,
        endpoint: EndpointId,
        slot: Slot,
        subscription: u64,
        received: bool,
        failed: bool,
    ) -> Result<Message<'a>> {
        let all = &mut self.endpoints[endpoint.0].subscriptions;
        let Some(Subscription::Signature(signature)) = all.get(&subscription) else {
            return Err(Malformed::UnknownSubscription(subscription));
        };
        let signature = signature.clone();
        if !received {
            all.remove(&subscription); // the server cancels it after the final notification
        }
        Ok(Message::Signature { slot, signature, received, failed })
    }

    fn response<'a>(&mut self, endpoint: EndpointId, id: u64, result: &'a [u8]) -> Result<Message<'a>> {
        let all = &mut self.endpoints[endpoint.0];
        let subscription = match all.pending.get(&id) {
            None => return Ok(Message::Control),
            Some(Pending::Accounts(asked)) => {
                let read = frame::accounts_read(result)?;
                if read.accounts.len() != asked.len() {
                    let (found, expected) = (read.accounts.len(), asked.len());
                    return Err(Malformed::WrongCount { found, expected });
                }
                let accounts = asked.iter().copied().zip(read.accounts).collect();
                self.check_slot(read.slot)?;
                return Ok(Message::Reads { id, slot: read.slot, accounts });
            }
            Some(Pending::Account(account)) => Subscription::Account(*account),
            Some(Pending::Signature(signature)) => Subscription::Signature(signature.clone()),
        };
        let number = super::json::Cursor::new(result).u64("result")?;
        all.pending.remove(&id);
        all.subscriptions.insert(number, subscription);
        Ok(Message::Control)
    }

    /// Forgets request `id`: it has been answered.
    pub fn answered(&mut self, endpoint: EndpointId, id: u64) {
        self.endpoints[endpoint.0].pending.remove(&id);
    }

    fn check_slot(&self, slot: Slot) -> Result<()> {
        let max_lead = self.config.max_slot_lead;
        match self.highest_slot {
            Some(highest) if slot > highest.saturating_add(max_lead) => {
                Err(Malformed::ImpossibleSlot { slot, highest, max_lead })
            }
            _ => Ok(()),
        }
    }

    /// Takes notice of the slot of a sound frame.
    #[inline]
    pub fn saw_slot(&mut self, slot: Slot) {
        self.highest_slot = self.highest_slot.max(Some(slot));
    }

    pub fn highest_slot(&self) -> Slot {
        self.highest_slot.unwrap_or_default()
    }
}

/// Returns the canonical text and the identity of a state.
#[inline]
pub fn identify<'a>(raw: &'a RawAccount<'_>) -> Result<(Cow<'a, [u8]>, Content)> {
    let text = payload::canonical_text(raw)?;
    let content = payload::content(&text, &raw.owner, raw.lamports);
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
