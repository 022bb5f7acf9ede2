//! Connections and providers: who is there, who is heard, and what each has a word in.

use rustc_hash::FxHashMap;

use super::{AccountState, Endpoint, Ingress, Subscription, WELL_KNOWN};
use crate::provider::provider_of;
use crate::wss_aggregator::EndpointId;
use crate::wss_aggregator::budget::Budget;
use crate::wss_aggregator::order::Connection;
use crate::wss_aggregator::stats::EndpointStats;

/// What is remembered of a provider, whichever of its connections it came over.
#[derive(Debug)]
pub struct Provider {
    pub name: String,
    pub is_quarantined: bool,
    /// Accounts that only this provider has named.
    pub introduced: usize,
    /// What may be kept back on its word.
    pub budget: Budget,
}

/// The accounts that the present connection has said something of.
#[derive(Debug)]
pub enum WordIn {
    /// Those that it has read.
    Read(Vec<u32>),
    /// Any.
    Any,
}

/// Accounts read over one connection that are told apart: of 40 answers.
const MAX_READ: usize = 4_000;

impl Default for WordIn {
    fn default() -> Self {
        Self::Read(Vec::new())
    }
}

impl<S: AccountState> Ingress<S> {
    pub fn endpoint(&mut self, name: &str) -> EndpointId {
        let found = self.stats.iter().position(|stats| stats.name == name);
        let index = found.unwrap_or_else(|| {
            self.endpoints.push(Endpoint {
                pending: FxHashMap::default(),
                subscriptions: FxHashMap::default(),
                is_connected: true,
                word_in: WordIn::default(),
            });
            let provider = self.provider(provider_of(name));
            let is_quarantined = self.providers[provider as usize].is_quarantined;
            self.links.push(Connection { number: 0, open: !is_quarantined, provider });
            self.watch.register(self.links.len() - 1, provider);
            if is_quarantined {
                self.watch.close(self.links.len() - 1);
            }
            let name = name.to_owned();
            self.stats.push(EndpointStats { name, is_quarantined, ..EndpointStats::default() });
            self.stats.len() - 1
        });
        EndpointId(index)
    }

    /// Returns the number of the provider with this name, new on first mention.
    fn provider(&mut self, name: &str) -> u32 {
        let found = self.providers.iter().position(|provider| provider.name == name);
        let index = found.unwrap_or_else(|| {
            let budget = Budget::new(self.config.max_kept_bytes);
            let name = name.to_owned();
            self.providers.push(Provider { name, is_quarantined: false, introduced: 0, budget });
            self.providers.len() - 1
        });
        u32::try_from(index).unwrap_or(WELL_KNOWN)
    }

    /// Returns the connection with this name, or any of the provider with this name.
    pub fn find(&self, name: &str) -> Option<EndpointId> {
        let names = || self.stats.iter().map(|stats| stats.name.as_str());
        let found = names().position(|known| known == name);
        found.or_else(|| names().position(|known| provider_of(known) == name)).map(EndpointId)
    }

    /// Returns the number of the provider that an endpoint is a connection of.
    #[inline]
    pub fn provider_of(&self, endpoint: EndpointId) -> u32 {
        self.links[endpoint.0].provider
    }

    pub fn endpoint_numbered(&self, number: usize) -> Option<EndpointId> {
        (number < self.endpoints.len()).then_some(EndpointId(number))
    }

    pub fn connect(&mut self, endpoint: EndpointId) {
        self.endpoints[endpoint.0].reset(true);
        self.watch.connect(endpoint.0);
        self.relink(endpoint, !self.stats[endpoint.0].is_quarantined);
    }

    /// Starts a new sequence of deliveries, which has a word if `open`.
    fn relink(&mut self, endpoint: EndpointId, open: bool) {
        let link = &mut self.links[endpoint.0];
        *link = Connection { number: link.number.wrapping_add(1), open, ..*link };
    }

    /// Takes notice that an endpoint notifies something, or what it has read.
    #[inline]
    pub fn spoke(&mut self, endpoint: EndpointId, read: &[u32]) {
        let word_in = &mut self.endpoints[endpoint.0].word_in;
        match word_in {
            WordIn::Read(known) if !read.is_empty() && known.len() + read.len() <= MAX_READ => {
                known.extend(read);
            }
            WordIn::Any => {}
            WordIn::Read(_) => *word_in = WordIn::Any,
        }
    }

    /// Returns the accounts that a connection now closed had a word in; `None` if there was none.
    pub fn disconnect(&mut self, endpoint: EndpointId) -> Option<WordIn> {
        let was_connected = self.endpoints[endpoint.0].is_connected;
        let word_in = std::mem::take(&mut self.endpoints[endpoint.0].word_in);
        self.endpoints[endpoint.0].reset(false);
        self.watch.close(endpoint.0);
        self.links[endpoint.0].open = false;
        self.stats[endpoint.0].disconnects += u64::from(was_connected);
        was_connected.then_some(word_in)
    }

    /// Takes a provider's word away, or gives it back; returns whether that changes anything.
    pub fn set_quarantine(&mut self, provider: u32, quarantined: bool) -> bool {
        let found = &mut self.providers[provider as usize].is_quarantined;
        if std::mem::replace(found, quarantined) == quarantined {
            return false;
        }
        for endpoint in (0..self.links.len()).map(EndpointId) {
            if self.provider_of(endpoint) == provider {
                self.mark(endpoint, quarantined);
            }
        }
        if quarantined {
            self.progress.withdraw(provider, &self.links);
        }
        true
    }

    fn mark(&mut self, endpoint: EndpointId, quarantined: bool) {
        let stats = &mut self.stats[endpoint.0];
        stats.is_quarantined = quarantined;
        stats.quarantines += u64::from(quarantined);
        let open = self.endpoints[endpoint.0].is_connected && !quarantined;
        self.relink(endpoint, open);
        self.watch.close(endpoint.0);
        if open {
            self.watch.connect(endpoint.0);
            for subscription in self.endpoints[endpoint.0].subscriptions.values() {
                if let Subscription::Account(account) = subscription {
                    self.watch.confirmed(endpoint.0, *account);
                }
            }
        }
    }
}
