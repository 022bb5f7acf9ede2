//! What changes in an engine, for those who watch it: pools, openings and verdicts, told as JSON.
//!
//! The one idea: nobody waits for anybody. The engine collects what one call changed and hands it over
//! under a lock that is held for a few copies; whoever watches swaps the buffers under that lock, and
//! folds and encodes on its own side. What is handed over is bounded: of a pool only the latest state is
//! kept, of an opening only the latest verdict, and of openings and closings so many; what comes
//! beyond drops the oldest, which is counted.
//!
//! To read a pool takes longer than to take notice of a write. So a pool that has been told and was not
//! fetched since only stays marked, and a few marked ones are read with every call: the state that a
//! watcher is told may be that of the fetch before, until the engine is called again.
//! [`Engine::tell_all`] reads them all.

mod json;
mod pending;
mod reader;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Cycle, Engine, Miss, Signal, Stage};
use crate::cycle_finder::{CycleKey, edge_of};
use crate::market::{Market, PoolIndex, SetAside};
use crate::quantities::{Pubkey, Slot};
use crate::scorer::{Candidate, Reason};
use pending::Pending;
use reader::Reader;

/// Pools that were told before which one call reads again.
const REREAD_PER_CALL: usize = 4;

/// What never changes of a pool.
#[derive(Debug, Clone, Copy)]
struct Birth {
    pool: PoolIndex,
    address: Pubkey,
    venue: &'static str,
    mints: [Pubkey; 2],
}

/// What is shown of a pool.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sight {
    pool: PoolIndex,
    depth: [u64; 2],
    /// `ln` of the price of token A in token B, base units, before fees.
    log_price: Option<f64>,
    slot: Slot,
    set_aside: Option<&'static str>,
    fee_rate_e9: [u64; 2],
    decimals: [Option<u8>; 2],
}

impl Sight {
    fn of(market: &Market, index: PoolIndex) -> Self {
        let pool = market.pool(index);
        let set_aside = pool.set_aside().map(SetAside::reason);
        let log_price = if set_aside.is_some() {
            None
        } else if pool.is_filled() {
            pool.seen().spot_price(true).map(|price| price.to_f64().ln())
        } else {
            let edge = edge_of(index, true);
            market.graph().weight(edge).map(|weight| -weight.gross)
        };
        let summary = pool.seen().summary(market.environment());
        Self {
            pool: index,
            depth: summary.depth,
            log_price: log_price.filter(|log| log.is_finite()),
            slot: pool.slot(),
            set_aside,
            fee_rate_e9: summary.fee_rate_e9,
            decimals: pool.recorded().mints().map(|mint| market.mint_decimals(&mint)),
        }
    }
}

/// A cycle that has opened.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Opened {
    id: u64,
    key: CycleKey,
    net: f64,
    slot: Slot,
}

/// An opening or a closing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Opened(Opened),
    Closed { id: u64, slot: Slot },
}

/// Amounts of a verdict, in base units of the base mint.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Amounts {
    base_mint: Pubkey,
    amount_in: u64,
    gross_profit: u64,
    net_profit: i128,
}

impl Amounts {
    fn of(candidate: &Candidate, base_mint: Pubkey) -> Self {
        let Candidate { amount_in, gross_profit, .. } = *candidate;
        Self { base_mint, amount_in, gross_profit, net_profit: candidate.net_profit() }
    }
}

/// The verdict on an open cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Judged {
    id: u64,
    stage: &'static str,
    reason: Option<&'static str>,
    missing_bps: Option<f64>,
    amounts: Option<Amounts>,
    slot: Slot,
    /// What the cycle weighed then; `None`: it was not looked at.
    net: Option<f64>,
}

/// Both sides of one engine's watch.
#[derive(Debug)]
struct Shared {
    pending: Mutex<Pending>,
    reader: Mutex<Reader>,
    /// How often `pending` was fetched.
    fetches: AtomicU64,
    lost: AtomicU64,
    pools: AtomicUsize,
}

/// A panic in one call has been raised there; each side leaves its data whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever watches an engine. Copies share what is told: each change is told once, to one of them.
///
/// No method waits for the engine. [`snapshot`](Self::snapshot) comes first; what
/// [`drain`](Self::drain) returns then is what changed since.
#[derive(Debug, Clone)]
pub struct EngineWatch(Arc<Shared>);

impl EngineWatch {
    /// Returns what changed since the last call, as the JSON of `MarketChanges`; empty if nothing did.
    #[must_use]
    pub fn drain(&self) -> Vec<u8> {
        let mut reader = lock(&self.0.reader);
        self.fetch(&mut reader);
        reader.changes(self.lost())
    }

    /// Returns everything known now, as the JSON of `MarketSnapshot`; what
    /// [`drain`](Self::drain) would have said before is part of it.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut reader = lock(&self.0.reader);
        self.fetch(&mut reader);
        reader.forget_changes();
        reader.snapshot()
    }

    /// Returns what [`drain`](Self::drain) says, and everything known after it as [`snapshot`](Self::snapshot)
    /// says it: nothing happens between the two.
    #[must_use]
    pub fn drain_and_snapshot(&self) -> (Vec<u8>, Vec<u8>) {
        let mut reader = lock(&self.0.reader);
        self.fetch(&mut reader);
        let changes = reader.changes(self.lost());
        (changes, reader.snapshot())
    }

    /// Returns how many openings and closings were dropped because nobody fetched them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Returns how many pools there are.
    #[must_use]
    pub fn pools(&self) -> usize {
        self.0.pools.load(Ordering::Relaxed)
    }

    fn fetch(&self, reader: &mut Reader) {
        {
            let mut pending = lock(&self.0.pending);
            std::mem::swap(&mut *pending, reader.fetched());
            self.0.fetches.fetch_add(1, Ordering::Relaxed);
        }
        reader.fold();
    }
}

/// Where a marked pool stands.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    is_known: bool,
    is_queued: bool,
    /// The fetch in whose time it was told.
    fetch: u64,
}

/// The engine's side: what one call has changed.
#[derive(Debug)]
pub(super) struct Watcher {
    shared: Arc<Shared>,
    fetch: u64,
    told: Vec<Told>,
    /// Never told.
    new: VecDeque<PoolIndex>,
    /// To be read again.
    queue: VecDeque<PoolIndex>,
    /// Told since the last fetch, and to be read again after the next.
    later: Vec<PoolIndex>,
    births: Vec<Birth>,
    sights: Vec<Sight>,
    events: Vec<Event>,
    judged: Vec<Judged>,
}

impl Watcher {
    fn new(capacity: usize) -> Self {
        let shared = Shared {
            pending: Mutex::new(Pending::new(capacity)),
            reader: Mutex::new(Reader::new(capacity)),
            fetches: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            pools: AtomicUsize::new(0),
        };
        Self {
            shared: Arc::new(shared),
            fetch: 0,
            told: Vec::new(),
            new: VecDeque::new(),
            queue: VecDeque::new(),
            later: Vec::new(),
            births: Vec::new(),
            sights: Vec::new(),
            events: Vec::new(),
            judged: Vec::new(),
        }
    }

    /// Notes that a cycle has opened.
    pub(super) fn opened(&mut self, id: u64, cycle: &Cycle, slot: Slot) {
        self.events.push(Event::Opened(Opened { id, key: cycle.key, net: cycle.net, slot }));
    }

    /// Notes that an opening is over.
    pub(super) fn closed(&mut self, id: u64, slot: Slot) {
        self.events.push(Event::Closed { id, slot });
    }

    /// Notes why an open cycle is no signal; without a reason it is one.
    pub(super) fn judged(&mut self, miss: &Miss, base_mint: Option<Pubkey>, net: Option<f64>) {
        let amounts = miss.candidate.zip(base_mint);
        let is_signal = miss.reason.is_none();
        self.judged.push(Judged {
            id: miss.opening_id,
            stage: if is_signal { Stage::AfterCosts.name() } else { miss.reached.name() },
            reason: miss.reason.map(Reason::name),
            missing_bps: miss.missing_bps.filter(|_| !is_signal),
            amounts: amounts.map(|(candidate, mint)| Amounts::of(&candidate, mint)),
            slot: miss.slot,
            net,
        });
    }

    /// Notes that an opening was taken.
    pub(super) fn taken(&mut self, signal: &Signal, base_mint: Pubkey) {
        self.judged.push(Judged {
            id: signal.opening_id,
            stage: "taken",
            reason: None,
            missing_bps: None,
            amounts: Some(Amounts::of(&signal.candidate, base_mint)),
            slot: signal.slot,
            net: None,
        });
    }

    /// Returns whether a call has changed nothing, as most do, and nothing waits.
    #[inline]
    fn is_idle(&self, market: &Market) -> bool {
        let is_fetched = self.shared.fetches.load(Ordering::Relaxed) != self.fetch;
        !(market.has_marked() || is_fetched)
            && self.queue.is_empty()
            && self.events.is_empty()
            && self.judged.is_empty()
    }

    /// Hands over what the call has changed.
    fn tell(&mut self, market: &mut Market, all: bool) {
        self.queue_marked(market, all);
        while let Some(pool) = self.new.pop_front() {
            self.introduce(market, pool);
        }
        let most = if all { usize::MAX } else { REREAD_PER_CALL };
        let again = self.queue.len().min(most);
        for pool in self.queue.drain(..again) {
            let told = &mut self.told[pool as usize];
            (told.is_queued, told.fetch) = (false, self.fetch);
            self.sights.push(Sight::of(market, pool));
        }
        if !self.sights.is_empty() || !self.events.is_empty() || !self.judged.is_empty() {
            self.hand_over(market.pools().len());
        }
    }

    fn queue_marked(&mut self, market: &mut Market, all: bool) {
        let fetch = self.shared.fetches.load(Ordering::Relaxed);
        if fetch != self.fetch || all {
            self.fetch = fetch;
            self.queue.extend(self.later.drain(..));
        }
        for pool in market.take_marked() {
            let place = pool as usize;
            if self.told.len() <= place {
                self.told.resize(place + 1, Told::default());
            }
            let told = &mut self.told[place];
            if std::mem::replace(&mut told.is_queued, true) {
                continue;
            }
            if !told.is_known {
                self.new.push_back(pool);
            } else if told.fetch == fetch && !all {
                self.later.push(pool);
            } else {
                self.queue.push_back(pool);
            }
        }
    }

    fn introduce(&mut self, market: &Market, index: PoolIndex) {
        let pool = market.pool(index);
        self.told[index as usize] = Told { is_known: true, is_queued: false, fetch: self.fetch };
        self.births.push(Birth {
            pool: index,
            address: pool.address(),
            venue: pool.venue().name,
            mints: [market.mint(pool.mint_a()), market.mint(pool.mint_b())],
        });
        self.sights.push(Sight::of(market, index));
    }

    fn hand_over(&mut self, pools: usize) {
        let mut pending = lock(&self.shared.pending);
        pending.births.append(&mut self.births);
        for sight in self.sights.drain(..) {
            pending.saw(sight);
        }
        // Verdicts first: a closing that is dropped takes its verdict along.
        for judged in self.judged.drain(..) {
            pending.judged(judged);
        }
        let mut lost = 0;
        for event in self.events.drain(..) {
            lost += pending.happened(event);
        }
        if lost > 0 {
            self.shared.lost.fetch_add(lost, Ordering::Relaxed);
        }
        self.shared.pools.store(pools, Ordering::Relaxed);
    }
}

impl Engine {
    /// Returns who is told what changes from now on. A second call returns the same once more, whatever
    /// its capacity. `capacity`: openings and closings that wait to be fetched, at least 1.
    pub fn watch(&mut self, capacity: usize) -> EngineWatch {
        if self.watcher.is_none() {
            let mut watcher = Box::new(Watcher::new(capacity.max(1)));
            self.market.keep_marks();
            let graph = self.market.graph();
            let slot = self.aggregator.highest_slot();
            for (key, id) in self.openings.ids() {
                let weights = key.edges().map(|edge| graph.weight(edge).map(|weight| weight.net));
                // A pool may be set aside, or have changed without a write that closes the cycle.
                let net = weights.sum::<Option<f64>>().unwrap_or_default().min(0.0);
                lock(&watcher.shared.reader).begin(Opened { id, key, net, slot });
            }
            watcher.tell(&mut self.market, true);
            self.watcher = Some(watcher);
        }
        EngineWatch(self.watcher.as_ref().map_or_else(|| Watcher::new(1).shared, |it| it.shared.clone()))
    }

    /// Tells whoever watches what calls of [`Engine::market_mut`] have changed, and of every pool what
    /// waits to be told.
    pub fn tell_all(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            watcher.tell(&mut self.market, true);
        }
    }

    #[inline]
    pub(super) fn tell(&mut self) {
        if let Some(watcher) = &mut self.watcher
            && !watcher.is_idle(&self.market)
        {
            watcher.tell(&mut self.market, false);
        }
    }
}
