//! One incoming message to what it says, with subscriptions and requests resolved.

use super::{AccountState, Ingress, Message, Pending, Result, Subject, Subscription, Write, check_signature};
use crate::base58;
use crate::quantities::Slot;
use crate::wss_aggregator::EndpointId;
use crate::wss_aggregator::canonical;
use crate::wss_aggregator::echo::Incoming;
use crate::wss_aggregator::frame::{self, Frame};
use crate::wss_aggregator::json::Cursor;
use crate::wss_aggregator::malformed::Malformed;

impl<S: AccountState> Ingress<S> {
    /// Reads one incoming message. Changes nothing but what a sound confirmation changes.
    #[inline]
    pub fn read<'a>(&mut self, endpoint: EndpointId, incoming: Incoming<'a>) -> Result<Message<'a>> {
        match canonical::parse(incoming) {
            Some(frame) => self.understand(endpoint, frame),
            None => self.read_unusual(endpoint, incoming.bytes),
        }
    }

    /// Reads a message that is not spelled as usual, or is none of the usual ones.
    #[inline(never)]
    pub fn read_unusual<'a>(&mut self, endpoint: EndpointId, bytes: &'a [u8]) -> Result<Message<'a>> {
        self.understand(endpoint, frame::parse(bytes)?)
    }

    /// Resolves what a frame says.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what it takes and returns is large, and taken apart at once")]
    pub fn understand<'a>(&mut self, endpoint: EndpointId, frame: Frame<'a>) -> Result<Message<'a>> {
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
                if !(32..=base58::MAX_ADDRESS).contains(&address.len()) {
                    return Err(Malformed::BadPubkey);
                }
                let subject = match self.by_address.get(&self.hasher.hash(&address)) {
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
            Frame::Root { root } => {
                self.check_slot(root)?;
                Ok(Message::Root { root })
            }
            Frame::SlotsUpdate(update) => {
                self.check_slot(update.slot)?;
                Ok(Message::SlotsUpdate(update))
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
                let read = frame::accounts_read(result, asked.len())?;
                if read.count != asked.len() {
                    let (found, expected) = (read.count, asked.len());
                    return Err(Malformed::WrongCount { found, expected });
                }
                let accounts = asked.iter().copied().zip(read.accounts).collect();
                self.check_slot(read.slot)?;
                return Ok(Message::Reads { id, slot: read.slot, accounts });
            }
            Some(Pending::Account(account)) => Subscription::Account(*account),
            Some(Pending::Signature(signature)) => Subscription::Signature(signature.clone()),
        };
        let number = Cursor::new(result).u64("result")?;
        if let Subscription::Account(account) = subscription {
            self.watch.confirmed(endpoint.0, account);
        }
        all.pending.remove(&id);
        all.subscriptions.insert(number, subscription);
        Ok(Message::Control)
    }

    /// Forgets request `id`: it has been answered.
    pub fn answered(&mut self, endpoint: EndpointId, id: u64) {
        self.endpoints[endpoint.0].pending.remove(&id);
    }
}
