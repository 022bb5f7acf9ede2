//! Whose word counts: what endpoints do wrong, and what follows.

use super::super::order::Connection;
use super::super::payload::Content;
use super::super::quarantine::Conduct;
use super::super::witness::{self, Witness};
use super::super::{AccountUpdate, EndpointId};
use super::WssAggregator;
use crate::quantities::{Pubkey, Slot};

impl WssAggregator {
    /// Puts under quarantine whoever is past a limit.
    #[inline]
    pub(super) fn enforce(&mut self, updates: &mut Vec<AccountUpdate>) {
        let Some(limits) = self.config.quarantine else { return };
        for number in 0..self.conduct.len() {
            if self.conduct[number].is_past(&limits) {
                self.silence(number, updates);
            }
        }
    }

    pub(super) fn conduct_of(&mut self, endpoint: EndpointId) -> &mut Conduct {
        &mut self.conduct[self.ingress.provider_of(endpoint) as usize]
    }

    /// Takes the word of an endpoint's provider away until [`release`](Self::release): frames of all
    /// its connections, those to come included, are counted and nothing else, and what it alone has
    /// said is unsaid.
    ///
    /// States that rested on its word alone stay applied, since they may be true, but are listed by
    /// [`take_doubted`](Self::take_doubted) for the caller to read again, and the next state that
    /// others deliver is applied, even in a lower slot, unless they delivered a later one before.
    /// Appends writes kept back that are to be applied now. Looks at every account.
    pub fn quarantine(&mut self, endpoint: EndpointId, updates: &mut Vec<AccountUpdate>) {
        self.silence(self.ingress.provider_of(endpoint) as usize, updates);
    }

    fn silence(&mut self, number: usize, updates: &mut Vec<AccountUpdate>) {
        self.conduct[number] = Conduct::default();
        let Ok(provider) = u32::try_from(number) else { return };
        if !self.ingress.set_quarantine(provider, true) {
            return;
        }
        self.seen.withdraw(number);
        (self.highest_notified_slot, self.highest_root) = (None, None);
        let links = &self.ingress.links;
        for (number, account) in (0_u32..).zip(&mut self.ingress.accounts) {
            let floor = account.witnesses.highest_but(provider);
            let doubted = account.writes.disown(provider, links, floor);
            account.witnesses.withdraw(provider);
            if doubted && !account.is_doubted {
                account.is_doubted = true;
                self.doubted.push(number);
            }
        }
        self.settle(updates);
    }

    /// Gives the provider of an endpoint its word back, from now on. What was confirmed while it had
    /// none is unknown: subscribe again, best on new connections.
    pub fn release(&mut self, endpoint: EndpointId) {
        *self.conduct_of(endpoint) = Conduct::default();
        self.ingress.set_quarantine(self.ingress.provider_of(endpoint), false);
    }

    /// Returns the accounts whose applied state rests on the word of an endpoint put under
    /// quarantine since, each once, and forgets them: they are to be read again from others.
    pub fn take_doubted(&mut self) -> Vec<Pubkey> {
        let mut doubted = Vec::new();
        for number in self.doubted.drain(..) {
            let account = &mut self.ingress.accounts[number as usize];
            if std::mem::take(&mut account.is_doubted) {
                doubted.push(account.pubkey);
            }
        }
        doubted
    }

    /// Holds what an endpoint notified against what others did, and counts what comes to light.
    #[inline]
    pub(super) fn testify(&mut self, endpoint: EndpointId, number: u32, slot: Slot, content: Content) {
        self.ingress.spoke(endpoint, &[]);
        let Connection { number: connection, provider, .. } = self.ingress.links[endpoint.0];
        let witnesses = &mut self.ingress.accounts[number as usize].witnesses;
        let by = Witness { endpoint: endpoint.0, provider, connection };
        let witness::Findings { alone, disputed } = witnesses.notified(by, slot, content);
        self.disputes += u64::from(disputed);
        for endpoint in alone.into_iter().map(EndpointId) {
            self.ingress.stats[endpoint.0].disagreements += 1;
            self.conduct_of(endpoint).disagreed();
        }
    }
}
