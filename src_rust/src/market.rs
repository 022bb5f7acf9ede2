//! Pools, the accounts they depend on, and the price graph, as the recorded account writes leave them.
//!
//! The one idea: an account write touches the pools that read the account. [`Market::apply`] brings it
//! to them, decides whether each may be quoted ([`SetAside`] says why not) and updates its two directed
//! edges; nothing else is looked at. Venues are behind [`crate::venues::PoolState`].
//!
//! A paper fill is a layer over the recorded state: [`Market::fill_route`] moves the price that quotes
//! and sizing see, and the next recorded write of that pool's state, which knows nothing of the fill,
//! replaces it. The graph holds recorded prices only, so that a cycle opens and closes by what the
//! chain recorded.

mod batch;
mod instructions;
mod marks;
mod pool;
mod quotes;
mod standalone;
mod standing;
mod tokens;
mod waiting;
mod wants;

use std::fmt::Write as _;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::cycle_finder::{EdgeIndex, PriceGraph, pool_of};
pub use crate::cycle_finder::{MintIndex, PoolIndex};
use crate::decoders::{DecodeError, Decoded, spl_token, sysvar};
use crate::pda::PdaCache;
use crate::quantities::{Pubkey, Slot};
use crate::swap::Environment;
use crate::token_firewall::MintAccountState;
pub use crate::venues::SetAside;
use crate::venues::{AccountData, Dependency, Layout, NewPool, Role, Venue};
pub use batch::{BatchError, QuoteBatch, quote_batch};
pub use instructions::{InstructionError, InstructionOptions};
use marks::Marks;
pub use pool::{Pool, PoolView};
pub use quotes::{QuoteError, WRAPPED_SOL};
pub use standalone::{AccountError, StandalonePool};
pub use standing::{Sign, Standing, UPGRADEABLE_LOADER};
use standing::{Standings, error_sign, length_sign};
use tokens::{TokenWrite, Tokens};
use waiting::{Kept, Waiting};
use wants::NewWants;
pub use wants::Want;

/// Owner of accounts that no program has taken.
const SYSTEM_PROGRAM: Pubkey = Pubkey([0; 32]);
/// How often a pool may name further accounts because of those it has just been given.
const MAX_GATHER_ROUNDS: usize = 64;

/// How a market treats what it has not been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MarketConfig {
    /// Take a mint whose account was never seen as a plain SPL Token mint. Off by default: a
    /// Token-2022 mint may charge transfer fees, and a guess would make the quote wrong.
    pub assume_plain_mints: bool,
    /// Take an account that was never seen as not existing. Only right for a snapshot that holds
    /// every account of the venue.
    pub complete: bool,
}

/// One account as it was written; `data` is `None` when the account is known not to exist.
#[derive(Debug, Clone, Copy)]
pub struct AccountWrite<'a> {
    /// The account's address.
    pub pubkey: Pubkey,
    /// The slot of the write.
    pub slot: Slot,
    /// Owner program and data.
    pub account: Option<(Pubkey, &'a [u8])>,
}

/// What a write did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The recorded state or standing of [`Market::touched`] changed.
    Changed,
    /// Nothing that quotes or standing depend on changed.
    Unchanged,
    /// The account is none of the market's business.
    Ignored,
    /// The account could not be decoded; pools that depend on it are set aside.
    Fault(DecodeError),
}

#[derive(Debug)]
struct MintEntry {
    address: Pubkey,
    pools: Vec<PoolIndex>,
}

/// All pools and what they depend on.
#[derive(Debug, Default)]
pub struct Market {
    config: MarketConfig,
    pools: Vec<Pool>,
    pool_index: FxHashMap<Pubkey, PoolIndex>,
    mints: Vec<MintEntry>,
    mint_index: FxHashMap<Pubkey, MintIndex>,
    /// The pools that read an account.
    readers: FxHashMap<Pubkey, Vec<PoolIndex>>,
    waiting: Waiting,
    new_wants: NewWants,
    environment: Environment,
    standings: Standings,
    graph: PriceGraph,
    tokens: Tokens,
    marks: Marks,
    touched: Vec<PoolIndex>,
    dependencies: Vec<Dependency>,
    /// Addresses of token accounts that transactions were built with.
    pub(crate) addresses: PdaCache,
}

impl Market {
    /// Returns an empty market.
    #[must_use]
    pub fn new(config: MarketConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Returns the price graph at recorded prices.
    #[must_use]
    pub fn graph(&self) -> &PriceGraph {
        &self.graph
    }

    /// Returns the pools in the order in which they appeared.
    #[must_use]
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// Returns one pool.
    #[must_use]
    pub fn pool(&self, index: PoolIndex) -> &Pool {
        &self.pools[index as usize]
    }

    /// Returns the pools that the write applied last touched.
    #[must_use]
    pub fn touched(&self) -> &[PoolIndex] {
        &self.touched
    }

    /// Returns the time by which pools are quoted.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the address of a mint.
    #[must_use]
    pub fn mint(&self, index: MintIndex) -> Pubkey {
        self.mints[index as usize].address
    }

    /// Returns the mints that an edge of the graph starts from and leads to.
    ///
    /// # Panics
    /// If the graph of another market numbered the edge.
    #[must_use]
    pub fn ends(&self, edge: EdgeIndex) -> (MintIndex, MintIndex) {
        let (pool, a_to_b) = pool_of(edge);
        let pool = self.pool(pool);
        if a_to_b { (pool.mint_a(), pool.mint_b()) } else { (pool.mint_b(), pool.mint_a()) }
    }

    /// Returns the number of a mint that at least one pool trades.
    #[must_use]
    pub fn mint_index(&self, address: &Pubkey) -> Option<MintIndex> {
        self.mint_index.get(address).copied()
    }

    /// Returns the number of a pool.
    #[must_use]
    pub fn pool_index(&self, address: &Pubkey) -> Option<PoolIndex> {
        self.pool_index.get(address).copied()
    }

    /// Returns what is known of every venue.
    #[must_use]
    pub fn standings(&self) -> &[Standing] {
        self.standings.all()
    }

    /// Lets a venue trade in spite of every sign of change, those still to come included. Returns
    /// whether there is such a venue.
    pub fn release(&mut self, venue: &str) -> bool {
        let known = self.standings.release(venue);
        self.refresh_venue(venue);
        known
    }

    /// Sets a venue aside because its quotes were found wrong, or with `None` ends that. An operator's
    /// [`release`](Self::release) ends it too, but does not stand against a doubt that comes later. Returns
    /// whether there is such a venue.
    pub fn doubt(&mut self, venue: &str, reason: Option<&str>) -> bool {
        let known = self.standings.doubt(venue, reason);
        self.refresh_venue(venue);
        known
    }

    /// Takes the deployment of `program` in `slot` as the verified one: only a later one is a sign of
    /// change. Without it the first deployment seen counts.
    pub fn verify(&mut self, program: Pubkey, slot: Slot) {
        self.standings.verify(program, slot);
    }

    /// Applies one account write. Order is the caller's: what comes later replaces what came before.
    pub fn apply(&mut self, write: AccountWrite<'_>) -> Applied {
        self.touched.clear();
        self.tokens.pass(write.slot);
        let address = write.pubkey;
        // Anyone can send lamports to an address that no program has taken yet: still nothing is there.
        let taken = write.account.filter(|(owner, data)| !(*owner == SYSTEM_PROGRAM && data.is_empty()));
        let Some((owner, data)) = taken else { return self.account_missing(address, write.slot) };
        if owner == sysvar::OWNER {
            return self.apply_clock(address, data);
        }
        let result = if let Some(readers) = self.readers.get(&address) {
            let account = Some(AccountData { owner: &owner, data });
            let (one, many) = match readers[..] {
                [reader] => ([reader], None),
                _ => ([0], Some(readers.clone())),
            };
            let readers = many.as_deref().unwrap_or(&one);
            let layout = self.note_length(&owner, data);
            self.note_present(write, owner, data, layout);
            self.deliver(readers, address, account, write.slot)
        } else if let Some(venue) = Venue::of_program(&owner) {
            self.apply_unread(venue, write, owner, data)
        } else if spl_token::is_program(&owner) {
            self.keep_token_account(write, owner, data)
        } else if owner == UPGRADEABLE_LOADER {
            match self.standings.deployment(&address, data) {
                Ok(None) => Ok(Applied::Ignored),
                Ok(Some((venue, sign))) => Ok(self.observe(venue, sign)),
                Err(error) => Err(error),
            }
        } else {
            return Applied::Ignored;
        };
        result.unwrap_or_else(|error| {
            let sign = error_sign(&error);
            if let Some((venue, sign)) = Venue::of_program(&owner).zip(sign) {
                self.observe(venue, sign);
            }
            self.write_token(&address, TokenWrite::Fault(&error), write.slot);
            Applied::Fault(error)
        })
    }

    /// Brings an account to the pools that read it; `None`: it does not exist.
    fn deliver(
        &mut self,
        readers: &[PoolIndex],
        address: Pubkey,
        account: Option<AccountData<'_>>,
        slot: Slot,
    ) -> Result<Applied, DecodeError> {
        let mut fault = None;
        for &reader in readers {
            let entry = &mut self.pools[reader as usize];
            let written = match account {
                Some(account) if !entry.expects_owner(&address, account.owner) => {
                    let error = DecodeError::WrongOwner { owner: *account.owner };
                    entry.set_fault(address, error.reason());
                    Err(error)
                }
                _ => entry.write(&address, account, slot),
            };
            match written {
                // It may be the same state in a later slot.
                Ok(false) => self.marks.mark(reader),
                Ok(true) => {
                    self.refresh(reader);
                    self.touched.push(reader);
                }
                Err(error) => {
                    self.refresh(reader);
                    fault = Some(error);
                }
            }
        }
        match fault {
            Some(error) => Err(error),
            None if self.touched.is_empty() => Ok(Applied::Unchanged),
            None => Ok(Applied::Changed),
        }
    }

    /// Keeps an account that further pools may read: a mint, a configuration.
    fn note_present(&mut self, write: AccountWrite<'_>, owner: Pubkey, data: &[u8], layout: Option<&Layout>) {
        let address = write.pubkey;
        let is_mint = spl_token::is_program(&owner) && self.mint_index.contains_key(&address);
        if is_mint {
            self.mark_pools_of_new_mint(&address);
            self.write_token(&address, TokenWrite::Data(&owner, data), write.slot);
        }
        if is_mint || layout.is_some_and(|layout| layout.role == Role::Shared) {
            self.waiting.keep(address, Kept { owner, data: data.into(), is_shared: true }, None);
        } else {
            self.waiting.note_present(&address);
        }
    }

    /// An account of a venue's program that no pool reads yet.
    fn apply_unread(
        &mut self,
        venue: &'static Venue,
        write: AccountWrite<'_>,
        owner: Pubkey,
        data: &[u8],
    ) -> Result<Applied, DecodeError> {
        self.note_length(&owner, data);
        let layout = venue.layout_of(&owner, data)?;
        match layout.role {
            Role::Pool if venue.programs.contains(&owner) => self.add_pool(venue, write, owner, data),
            Role::Pool | Role::Unused => Ok(Applied::Ignored),
            Role::Shared | Role::OfPool { .. } => {
                if let Some(read) = layout.read {
                    read(data)?;
                }
                let is_shared = layout.role == Role::Shared;
                let pool = match layout.role {
                    Role::OfPool { pool_at } => pubkey_at(data, pool_at),
                    _ => None,
                };
                if let Some(index) = pool.and_then(|pool| self.pool_index(&pool)) {
                    return self.offer(index, write, owner, data);
                }
                let kept = Kept { owner, data: data.into(), is_shared };
                let is_kept = self.waiting.keep(write.pubkey, kept, pool);
                Ok(if is_kept { Applied::Unchanged } else { Applied::Ignored })
            }
        }
    }

    /// An account that says it belongs to a pool: the pool takes it at the address that its program
    /// derives, and refuses it elsewhere. Whoever sent it may have made it up: the pool stays as it is.
    fn offer(
        &mut self,
        index: PoolIndex,
        write: AccountWrite<'_>,
        owner: Pubkey,
        data: &[u8],
    ) -> Result<Applied, DecodeError> {
        let entry = &mut self.pools[index as usize];
        match entry.write(&write.pubkey, Some(AccountData { owner: &owner, data }), write.slot) {
            Ok(changed) => {
                self.readers.entry(write.pubkey).or_default().push(index);
                if !changed {
                    self.marks.mark(index);
                    return Ok(Applied::Unchanged);
                }
                self.refresh(index);
                self.touched.push(index);
                Ok(Applied::Changed)
            }
            Err(error) => {
                entry.forgive(write.pubkey);
                Err(error)
            }
        }
    }

    fn keep_token_account(
        &mut self,
        write: AccountWrite<'_>,
        owner: Pubkey,
        data: &[u8],
    ) -> Result<Applied, DecodeError> {
        let address = write.pubkey;
        self.mark_pools_of_new_mint(&address);
        self.write_token(&address, TokenWrite::Data(&owner, data), write.slot);
        let decoded = spl_token::decode(&owner, data);
        // What cannot be read is kept too: the pool that asks for it is then set aside.
        let is_shared = !matches!(decoded, Ok(Decoded::TokenAccount(_)));
        self.waiting.keep(address, Kept { owner, data: data.into(), is_shared }, None);
        decoded.map(|_| Applied::Unchanged)
    }

    fn add_pool(
        &mut self,
        venue: &'static Venue,
        write: AccountWrite<'_>,
        program: Pubkey,
        data: &[u8],
    ) -> Result<Applied, DecodeError> {
        let address = write.pubkey;
        let assume_plain_mints = self.config.assume_plain_mints;
        let state = (venue.open)(&NewPool { address, program, data, assume_plain_mints })?;
        let [mint_a, mint_b] = state.mints().map(|mint| self.intern_mint(mint));
        let Ok(index) = self.graph.add_pool(mint_a, mint_b) else {
            return Err(DecodeError::ImpossibleField {
                account: "pool",
                field: "mints",
                value: state.mints()[1].to_string(),
                expected: "two different mints",
            });
        };
        self.pools.push(Pool::new(venue, program, [mint_a, mint_b], state, write.slot));
        self.pool_index.insert(address, index);
        self.readers.insert(address, vec![index]);
        self.waiting.note_present(&address);
        self.new_wants.add(address);
        for mint in [mint_a, mint_b] {
            self.mints[mint as usize].pools.push(index);
            self.tokens.existed(mint, write.slot);
        }
        for (dependent, kept) in self.waiting.take_of_pool(&address) {
            let entry = &mut self.pools[index as usize];
            let account = AccountData { owner: &kept.owner, data: &kept.data };
            match entry.write(&dependent, Some(account), write.slot) {
                Ok(_) => self.readers.entry(dependent).or_default().push(index),
                Err(_) => entry.forgive(dependent),
            }
        }
        self.refresh(index);
        self.touched.push(index);
        Ok(Applied::Changed)
    }

    fn account_missing(&mut self, address: Pubkey, slot: Slot) -> Applied {
        self.waiting.note_absent(address);
        self.write_token(&address, TokenWrite::Absent, slot);
        let Some(readers) = self.readers.get(&address).cloned() else { return Applied::Unchanged };
        self.deliver(&readers, address, None, slot).unwrap_or_else(Applied::Fault)
    }

    /// Moves the time: pools whose answer depends on it get new rates.
    fn apply_clock(&mut self, address: Pubkey, data: &[u8]) -> Applied {
        if address != sysvar::CLOCK {
            return Applied::Ignored;
        }
        let clock = match sysvar::Clock::decode(data) {
            Ok(clock) => clock,
            Err(error) => return Applied::Fault(error),
        };
        let is_new_epoch = self.environment.clock.is_none_or(|known| known.epoch != clock.epoch);
        self.environment.clock = Some(clock);
        self.tokens.enter_epoch(clock.epoch);
        for (pool, index) in (0..self.pools.len()).zip(0..) {
            if !is_new_epoch && !self.pools[pool].depends_on_time() {
                continue;
            }
            let before = self.pools[pool].set_aside().map(SetAside::reason);
            let is_moved = self.reweigh(index);
            if is_moved || self.pools[pool].set_aside().map(SetAside::reason) != before {
                self.marks.mark(index);
            }
            if is_moved {
                self.touched.push(index);
            }
        }
        if self.touched.is_empty() { Applied::Unchanged } else { Applied::Changed }
    }

    /// Looks for an account that has outgrown its layout; returns the layout.
    fn note_length(&mut self, owner: &Pubkey, data: &[u8]) -> Option<&'static Layout> {
        let venue = Venue::of_program(owner)?;
        let layout = venue.layout_of(owner, data).ok()?;
        if let Some(sign) = length_sign(layout, data.len()) {
            self.observe(venue, sign);
        }
        Some(layout)
    }

    fn observe(&mut self, venue: &'static Venue, sign: Sign) -> Applied {
        if !self.standings.observe(venue, sign) {
            return Applied::Unchanged;
        }
        self.refresh_venue(venue.name);
        Applied::Changed
    }

    fn refresh_venue(&mut self, venue: &str) {
        for (pool, index) in (0..self.pools.len()).zip(0..) {
            if self.pools[pool].venue().name == venue {
                self.refresh(index);
            }
        }
    }

    fn intern_mint(&mut self, address: Pubkey) -> MintIndex {
        if let Some(&index) = self.mint_index.get(&address) {
            return index;
        }
        let index = MintIndex::try_from(self.mints.len()).unwrap_or(MintIndex::MAX);
        self.mints.push(MintEntry { address, pools: Vec::new() });
        self.mint_index.insert(address, index);
        let account = match self.waiting.get(&address) {
            Some(kept) if spl_token::is_program(&kept.owner) => MintAccountState::of(&kept.owner, &kept.data),
            Some(kept) => MintAccountState::Unreadable(DecodeError::WrongOwner { owner: kept.owner }),
            None if self.waiting.is_absent(&address) => MintAccountState::Absent,
            None => MintAccountState::Unseen,
        };
        self.tokens.add(address, account);
        index
    }

    /// Decides anew whether a pool may be quoted, and puts its recorded rates into the graph. Returns
    /// whether the graph changed.
    fn refresh(&mut self, index: PoolIndex) -> bool {
        self.marks.mark(index);
        self.reweigh(index)
    }

    fn reweigh(&mut self, index: PoolIndex) -> bool {
        self.gather(index);
        let entry = &mut self.pools[index as usize];
        let is_quarantined = self.standings.is_quarantined(entry.venue());
        entry.refresh(&self.environment, is_quarantined);
        let recorded = PoolView { state: entry.recorded(), environment: &self.environment };
        let weights = if entry.set_aside().is_none() { recorded.edge_weights() } else { [None; 2] };
        let before =
            [true, false].map(|a_to_b| self.graph.weight(crate::cycle_finder::edge_of(index, a_to_b)));
        let set = self.graph.set_weights(index, weights[0], weights[1]);
        debug_assert!(set.is_ok(), "pools and graph are numbered alike");
        self.tokens.pool_changed(index);
        before != weights
    }

    /// Gives a pool what it lacks and somebody has mentioned, and sees to it that writes of what it
    /// reads come to it.
    fn gather(&mut self, index: PoolIndex) {
        let mut dependencies = std::mem::take(&mut self.dependencies);
        for _ in 0..MAX_GATHER_ROUNDS {
            dependencies.clear();
            let entry = &mut self.pools[index as usize];
            entry.recorded().dependencies(&mut dependencies);
            if entry.watched == dependencies {
                break;
            }
            self.new_wants.note(&entry.watched, &dependencies);
            entry.watched.clone_from(&dependencies);
            for dependency in &dependencies {
                let readers = self.readers.entry(dependency.address).or_default();
                if !readers.contains(&index) {
                    readers.push(index);
                }
                if !dependency.is_known {
                    self.fetch(index, dependency.address);
                }
            }
        }
        self.dependencies = dependencies;
    }

    fn fetch(&mut self, index: PoolIndex, address: Pubkey) {
        let kept = self.waiting.take(&address);
        let is_absent = self.config.complete || self.waiting.is_absent(&address);
        let entry = &mut self.pools[index as usize];
        let slot = entry.slot();
        // A fault stays with the pool; it is why the pool is set aside.
        let _ = match kept {
            Some(kept) if !entry.expects_owner(&address, &kept.owner) => {
                entry.set_fault(address, DecodeError::WrongOwner { owner: kept.owner }.reason());
                Ok(false)
            }
            Some(kept) => {
                entry.write(&address, Some(AccountData { owner: &kept.owner, data: &kept.data }), slot)
            }
            None if is_absent => entry.write(&address, None, slot),
            None => Ok(false),
        };
    }

    /// Returns SHA-256, in hexadecimal digits, over the recorded state of every pool in address order,
    /// fills excluded.
    #[must_use]
    pub fn state_digest(&self) -> String {
        let mut order: Vec<&Pool> = self.pools.iter().collect();
        order.sort_by_key(|pool| pool.address());
        let mut digest = Sha256::new();
        for pool in order {
            pool.digest(&mut digest);
        }
        let mut text = String::with_capacity(64);
        for byte in digest.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

fn pubkey_at(data: &[u8], offset: usize) -> Option<Pubkey> {
    data.get(offset..)?.first_chunk().copied().map(Pubkey)
}
