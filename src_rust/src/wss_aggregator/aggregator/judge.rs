//! What one message is, and what comes of it.

use std::cmp::Ordering;

use super::super::echo::{First, Incoming, Said};
use super::super::frame::RawAccount;
use super::super::ingress::{Message, Subject, Write, identify};
use super::super::malformed::Malformed;
use super::super::order::{Age, Arrival, Delivery, Source, lag};
use super::super::payload::{self, Content, NO_ACCOUNT};
use super::super::quorum::Placement;
use super::super::seen;
use super::super::{Account, AccountUpdate, EndpointId, Logs, Notification, Verdict};
use super::{Ordered, Result, WssAggregator, keep_spare};
use crate::base58;
use crate::latency::Lap;
use crate::quantities::Slot;

/// Messages that are no account writes, as tags of their identity.
mod kind {
    pub const LOG: u8 = 1;
    pub const SIGNATURE: u8 = 2;
    pub const SLOT: u8 = 3;
    pub const ROOT: u8 = 4;
    pub const SLOTS_UPDATE: u8 = 5;
}

/// A decoded state of an account, on its way into the order.
struct State {
    number: u32,
    slot: Slot,
    content: Content,
    account: Option<Account>,
}

/// What a write can be without a look at its data. Small: most frames are no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Duplicate,
    Stale,
}

/// Returns the one of two verdicts that says more.
pub fn better(a: Verdict, b: Verdict) -> Verdict {
    let rank = |verdict| match verdict {
        Verdict::Fresh => 5,
        Verdict::Held => 4,
        Verdict::Duplicate => 3,
        Verdict::Stale => 2,
        Verdict::Control | Verdict::Ignored => 1,
        Verdict::Malformed(_) => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}

impl WssAggregator {
    /// Judges one message and counts it.
    #[inline]
    pub(super) fn message(
        &mut self,
        endpoint: EndpointId,
        frame: Incoming<'_>,
        first: First,
        updates: &mut Vec<AccountUpdate>,
    ) -> Verdict {
        match self.judge_echo(endpoint, frame, first) {
            Some(Repeat::Duplicate) => {
                self.ingress.stats[endpoint.0].duplicates += 1;
                return Verdict::Duplicate;
            }
            Some(Repeat::Stale) => {
                self.ingress.stats[endpoint.0].stale += 1;
                return Verdict::Stale;
            }
            None => {}
        }
        match self.judge(endpoint, frame, first, updates) {
            Ok(Judged::One(verdict)) => {
                self.ingress.stats[endpoint.0].count(verdict);
                verdict
            }
            Ok(Judged::Reads(verdict)) => verdict, // its accounts are counted already
            Err(reason) => self.refuse(endpoint, reason),
        }
    }

    /// Judges a frame that repeats one just taken, unless it is needed once more.
    #[inline]
    fn judge_echo(&mut self, endpoint: EndpointId, frame: Incoming<'_>, first: First) -> Option<Repeat> {
        let (said, earlier) = self.ingress.echo(endpoint, frame)?;
        let verdict = match said {
            Said::Account { number, slot, content } | Said::Program { number, slot, content } => {
                let verdict = self.repeated(endpoint, number, slot, content, first)?;
                self.testify(endpoint, number, slot, content);
                self.ingress.showed_slot(endpoint, slot);
                verdict
            }
            Said::Logs { key } => self.seen.contains(key).then_some(Repeat::Duplicate)?,
        };
        if verdict == Repeat::Duplicate && earlier.endpoint != endpoint.0 {
            self.record_lag(endpoint, lag(first.at, earlier.at));
        }
        Some(verdict)
    }

    /// Judges a write that may need no data: one that is stale or repeats what is known.
    #[inline]
    fn repeated(
        &mut self,
        endpoint: EndpointId,
        number: u32,
        slot: Slot,
        content: Content,
        first: First,
    ) -> Option<Repeat> {
        let Ordered { writes, witnesses, .. } = &mut self.ingress.accounts[number as usize];
        match writes.age(slot) {
            Age::Older => Some(Repeat::Stale),
            Age::Same => {
                let (links, source) = (&self.ingress.links, Source::Notification);
                let from = Delivery { endpoint: endpoint.0, links, source, at: first.at };
                if !writes.repeats(from, slot, content) {
                    return None;
                }
                if writes.is_applied(content) {
                    witnesses.repeats_owner(links[endpoint.0].provider);
                }
                Some(Repeat::Duplicate)
            }
            Age::Newer => None,
        }
    }

    fn record_lag(&mut self, endpoint: EndpointId, lag: Option<u64>) {
        if let Some(lag) = lag {
            self.ingress.stats[endpoint.0].lag.record(lag);
        }
    }

    #[inline]
    fn judge(
        &mut self,
        endpoint: EndpointId,
        frame: Incoming<'_>,
        first: First,
        updates: &mut Vec<AccountUpdate>,
    ) -> Result<Judged> {
        self.ingress.check_length(frame.bytes)?;
        let message = self.ingress.read(endpoint, frame)?;
        if self.read.is_some() {
            self.read = Some(Lap::now());
        }
        Ok(Judged::One(match message {
            Message::Write { write, account } => {
                let verdict = self.write(endpoint, frame, &write, &account, first, updates)?;
                self.ingress.showed_slot(endpoint, write.slot);
                verdict
            }
            Message::Reads { id, slot, accounts } => {
                return self.reads(endpoint, id, slot, &accounts, first, updates).map(Judged::Reads);
            }
            Message::Logs { slot, number_at, log } => {
                self.ingress.showed_slot(endpoint, slot);
                // By a quorum, all of it has to be the same; else the first word is taken.
                let rest = if self.config.quorum > 1 { self.ingress.hasher.hash(log.lines) } else { 0 };
                let numbers = if rest == 0 { [0; 2] } else { [slot, u64::from(log.failed)] };
                let key = self.key(kind::LOG, numbers, rest, &log.signature);
                let said = self.say(endpoint, key);
                if said == seen::Said::News {
                    self.ingress.remember_log(frame, number_at, key, first);
                    let signature = String::from_utf8_lossy(&log.signature).into_owned();
                    let (failed, logs) = (log.failed, Logs(log.lines.to_vec()));
                    self.notifications.push(Notification::Log { signature, slot, failed, logs });
                }
                verdict_of(said)
            }
            Message::Slot { slot, parent, root } => {
                self.ingress.saw_slot(endpoint, slot);
                self.ingress.watch.beat(endpoint.0, slot, parent);
                let key = self.key(kind::SLOT, [slot, parent], u128::from(root), &[]);
                match Some(slot).cmp(&self.highest_notified_slot) {
                    Ordering::Greater => {
                        let said = self.say(endpoint, key);
                        if said == seen::Said::News {
                            self.highest_notified_slot = Some(slot);
                            self.notifications.push(Notification::Slot { slot, parent, root });
                        }
                        verdict_of(said)
                    }
                    Ordering::Equal => Verdict::Duplicate,
                    Ordering::Less => Verdict::Stale,
                }
            }
            Message::Root { root } => {
                self.ingress.saw_slot(endpoint, root);
                let key = self.key(kind::ROOT, [root, 0], 0, &[]);
                match Some(root).cmp(&self.highest_root) {
                    Ordering::Greater => {
                        let said = self.say(endpoint, key);
                        if said == seen::Said::News {
                            self.highest_root = Some(root);
                            self.notifications.push(Notification::Root { root });
                        }
                        verdict_of(said)
                    }
                    Ordering::Equal => Verdict::Duplicate,
                    Ordering::Less => Verdict::Stale,
                }
            }
            Message::SlotsUpdate(update) => {
                self.ingress.saw_slot(endpoint, update.slot);
                // When it happened differs from node to node.
                let key = self.key(kind::SLOTS_UPDATE, [update.slot, 0], 0, update.stage.name().as_bytes());
                let said = self.say(endpoint, key);
                if said == seen::Said::News {
                    self.notifications.push(Notification::SlotsUpdate(update));
                }
                verdict_of(said)
            }
            Message::Signature { slot, signature, received, failed } => {
                self.ingress.showed_slot(endpoint, slot);
                let outcome = u64::from(failed && self.config.quorum > 1);
                let numbers = [u64::from(received), outcome];
                let key = self.key(kind::SIGNATURE, numbers, 0, signature.as_bytes());
                let said = self.say(endpoint, key);
                if said == seen::Said::News {
                    self.notifications.push(Notification::Signature { signature, slot, received, failed });
                }
                verdict_of(said)
            }
            Message::Control => Verdict::Control,
        }))
    }

    /// Takes notice that a message is said, by the provider of `endpoint`.
    #[inline]
    fn say(&mut self, endpoint: EndpointId, key: u128) -> seen::Said {
        self.seen.say(self.ingress.provider_of(endpoint) as usize, key)
    }

    /// Returns the identity of a message that is named by a text of at most 88 letters.
    fn key(&self, kind: u8, numbers: [u64; 2], rest: u128, text: &[u8]) -> u128 {
        let mut all = [0_u8; 121];
        all[0] = kind;
        all[1..9].copy_from_slice(&numbers[0].to_le_bytes());
        all[9..17].copy_from_slice(&numbers[1].to_le_bytes());
        all[17..33].copy_from_slice(&rest.to_le_bytes());
        let text = &text[..text.len().min(88)];
        all[33..33 + text.len()].copy_from_slice(text);
        self.ingress.hasher.hash(&all)
    }

    /// Judges one account notification.
    #[inline]
    fn write(
        &mut self,
        endpoint: EndpointId,
        frame: Incoming<'_>,
        write: &Write<'_>,
        raw: &RawAccount<'_>,
        first: First,
        updates: &mut Vec<AccountUpdate>,
    ) -> Result<Verdict> {
        let known = match write.subject {
            Subject::Known(number) => Some(number),
            Subject::New(_) => None,
        };
        let (text, content) = identify(&self.ingress.hasher, raw)?;
        if let Some(number) = known
            && let Some(repeat) = self.repeated(endpoint, number, write.slot, content, first)
        {
            self.ingress.resolve(endpoint, &write.subject)?;
            self.testify(endpoint, number, write.slot, content);
            return Ok(match repeat {
                Repeat::Stale => Verdict::Stale,
                Repeat::Duplicate => {
                    self.record_account_lag(endpoint, number, content, first);
                    Verdict::Duplicate
                }
            });
        }
        let account = self.decode(known, raw, &text)?;
        let number = self.ingress.resolve(endpoint, &write.subject)?;
        let provider = self.ingress.provider_of(endpoint);
        let entry = &mut self.ingress.accounts[number as usize];
        if !entry.witnesses.names_owner(provider, account.owner) {
            if self.config.quorum <= 1 {
                entry.writes.silence(endpoint.0);
                keep_spare(&mut self.spare, account.data);
                return Err(Malformed::WrongOwner);
            }
            // Nothing is applied on one word; it is only counted.
            self.ingress.stats[endpoint.0].wrong_owners += 1;
            self.conduct_of(endpoint).wrong_owner();
        }
        self.ingress.remember_write(frame, write, number, content, first);
        self.testify(endpoint, number, write.slot, content);
        let state = State { number, slot: write.slot, content, account: Some(account) };
        Ok(self.place(endpoint, Source::Notification, state, first, updates))
    }

    fn record_account_lag(&mut self, endpoint: EndpointId, number: u32, content: Content, first: First) {
        let writes = &self.ingress.accounts[number as usize].writes;
        let lag = lag(first.at, writes.first_at(endpoint.0, content));
        self.record_lag(endpoint, lag);
    }

    /// Judges an answer to `getMultipleAccounts`: all of it is decoded before any of it counts.
    fn reads(
        &mut self,
        endpoint: EndpointId,
        id: u64,
        slot: Slot,
        accounts: &[(u32, Option<RawAccount<'_>>)],
        first: First,
        updates: &mut Vec<AccountUpdate>,
    ) -> Result<Verdict> {
        let mut decoded = Vec::with_capacity(accounts.len());
        for (number, raw) in accounts {
            decoded.push(match raw {
                None => (*number, NO_ACCOUNT, None),
                Some(raw) => {
                    let (text, content) = identify(&self.ingress.hasher, raw)?;
                    (*number, content, Some(self.decode(Some(*number), raw, &text)?))
                }
            });
        }
        self.ingress.answered(endpoint, id);
        self.ingress.saw_slot(endpoint, slot);
        let read: Vec<u32> = decoded.iter().map(|(number, ..)| *number).collect();
        if !read.is_empty() {
            self.ingress.spoke(endpoint, &read);
        }
        let mut best = Verdict::Control; // an answer without accounts
        for (number, content, account) in decoded {
            let state = State { number, slot, content, account };
            let verdict = self.place(endpoint, Source::Read, state, first, updates);
            self.ingress.stats[endpoint.0].count(verdict);
            best = better(best, verdict);
        }
        self.ingress.watch.was_read();
        Ok(best)
    }

    /// Puts a decoded state where it belongs in the order of its account.
    fn place(
        &mut self,
        endpoint: EndpointId,
        source: Source,
        state: State,
        first: First,
        updates: &mut Vec<AccountUpdate>,
    ) -> Verdict {
        let State { number, slot, content, account } = state;
        let from = Delivery { endpoint: endpoint.0, links: &self.ingress.links, source, at: first.at };
        let budget = &self.ingress.providers[self.ingress.provider_of(endpoint) as usize].budget;
        let Ordered { pubkey, writes, is_doubted, evidence, .. } =
            &mut self.ingress.accounts[number as usize];
        let before = writes.slot();
        let mut dropped = false;
        let keep = |account: Option<Account>| {
            let bytes = size_of::<Account>() + account.as_ref().map_or(0, |account| account.data.capacity());
            let kept = budget.charge(account, bytes).ok();
            dropped = kept.is_none();
            kept
        };
        let Placement { arrival, apply } = writes.arrive(from, slot, content, account, keep);
        if let Some((slot, account)) = apply {
            let by_read = source == Source::Read && writes.is_applied(content);
            evidence.applied(by_read, before == Some(slot));
            updates.push(AccountUpdate { pubkey: *pubkey, slot, account });
            *is_doubted = false;
        } else if source == Source::Read && before == Some(slot) && writes.is_applied(content) {
            evidence.read();
        }
        self.ingress.stats[endpoint.0].not_kept += u64::from(dropped);
        match arrival {
            Arrival::Fresh => Verdict::Fresh,
            Arrival::Held => Verdict::Held,
            Arrival::Overtaken => Verdict::Stale,
            Arrival::Duplicate | Arrival::Known => {
                self.record_account_lag(endpoint, number, content, first);
                Verdict::Duplicate
            }
        }
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

/// How a message was judged: as one thing, or account by account and counted already.
enum Judged {
    One(Verdict),
    Reads(Verdict),
}

fn verdict_of(said: seen::Said) -> Verdict {
    match said {
        seen::Said::News => Verdict::Fresh,
        seen::Said::Before => Verdict::Duplicate,
        seen::Said::Waiting => Verdict::Held,
    }
}
