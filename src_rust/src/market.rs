//! Pools, the accounts they depend on, and the price graph, as the recorded account writes leave them.
//!
//! The one idea: an account write touches one pool. [`Market::apply`] finds the pool, decodes the
//! account, decides whether the pool may be quoted ([`SetAside`] says why not) and updates its two
//! directed edges; nothing else is looked at.
//!
//! A paper fill is a layer over the recorded state: [`Market::fill`] moves the price that quotes and
//! sizing see, and the next recorded write of that pool, which knows nothing of the fill, replaces it.
//! The graph holds recorded prices only, so that a cycle opens and closes by what the chain recorded.

mod pool;
mod quotes;

use std::fmt::Write as _;

use rustc_hash::{FxHashMap, FxHashSet};
use sha2::{Digest, Sha256};

use crate::amm_math::Curve as _;
use crate::cycle_finder::{EdgeIndex, EdgeWeight, PriceGraph, pool_of};
pub use crate::cycle_finder::{MintIndex, PoolIndex};
use crate::decoders::{self, DecodeError, Decoded, Mint, Venue, Whirlpool, spl_token, sysvar};
use crate::pda;
use crate::quantities::{Pubkey, Slot};
pub use pool::{Pool, SetAside};
pub use quotes::{QuoteError, WRAPPED_SOL};

/// Dependent accounts that may wait for their pool; more are ignored, so that an endpoint cannot fill
/// the memory with accounts of pools that do not exist.
const MAX_ORPHANS: usize = 65_536;

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
    /// A pool's recorded state or standing changed.
    Pool(PoolIndex),
    /// Nothing that quotes or standing depend on changed.
    Unchanged,
    /// The account is none of the market's business.
    Ignored,
    /// The account could not be decoded; pools that depend on it are set aside.
    Fault(DecodeError),
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Pool(PoolIndex),
    TickArray { pool: PoolIndex, start: i32 },
    Oracle(PoolIndex),
    Mint(MintIndex),
}

impl Role {
    fn expected(self) -> &'static str {
        match self {
            Self::Pool(_) => "Whirlpool",
            Self::TickArray { .. } => "TickArray",
            Self::Oracle(_) => "Oracle",
            Self::Mint(_) => "Mint",
        }
    }
}

#[derive(Debug)]
struct MintEntry {
    address: Pubkey,
    account: Option<Mint>,
    /// Why the last write could not be decoded. An unreadable mint is never taken as a plain one.
    fault: Option<&'static str>,
    pools: Vec<PoolIndex>,
}

/// All pools and what they depend on.
#[derive(Debug, Default)]
pub struct Market {
    config: MarketConfig,
    pools: Vec<Pool>,
    mints: Vec<MintEntry>,
    mint_index: FxHashMap<Pubkey, MintIndex>,
    roles: FxHashMap<Pubkey, Role>,
    /// Dependent accounts that arrived before their pool.
    orphans: FxHashMap<Pubkey, Vec<(Pubkey, Decoded)>>,
    orphan_count: usize,
    /// Addresses known not to exist.
    absent: FxHashSet<Pubkey>,
    clock: Option<sysvar::Clock>,
    graph: PriceGraph,
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

    /// Returns the number of a mint that at least one pool trades or whose account was seen.
    #[must_use]
    pub fn mint_index(&self, address: &Pubkey) -> Option<MintIndex> {
        self.mint_index.get(address).copied()
    }

    /// Returns the number of a pool.
    #[must_use]
    pub fn pool_index(&self, address: &Pubkey) -> Option<PoolIndex> {
        match self.roles.get(address) {
            Some(&Role::Pool(index)) => Some(index),
            _ => None,
        }
    }

    /// Applies one account write. Order is the caller's: what comes later replaces what came before.
    pub fn apply(&mut self, write: AccountWrite<'_>) -> Applied {
        let Some((owner, data)) = write.account else {
            return self.account_missing(write.pubkey);
        };
        if owner == sysvar::OWNER {
            return self.apply_clock(write.pubkey, data);
        }
        let role = self.roles.get(&write.pubkey).copied();
        let known = Venue::of_program(&owner).is_some() || spl_token::is_program(&owner);
        if role.is_none() && !known {
            return Applied::Ignored;
        }
        let decoded = match decoders::decode(&owner, data) {
            Ok(decoded) => decoded,
            Err(error) => return self.unreadable(role, write.pubkey, error),
        };
        match (role, decoded) {
            (Some(Role::Pool(pool)), Decoded::Whirlpool(state)) => {
                self.update_pool(pool, owner, &state, write.slot)
            }
            (Some(Role::TickArray { pool, .. }), account @ Decoded::TickArray(_))
            | (Some(Role::Oracle(pool)), account @ Decoded::Oracle(_)) => {
                self.attach(pool, write.pubkey, account)
            }
            (Some(Role::Mint(mint)), Decoded::Mint(account)) => self.update_mint(mint, account),
            (Some(role), _) => {
                let error = DecodeError::ImpossibleField {
                    account: role.expected(),
                    field: "discriminator",
                    value: "that of another account type".to_owned(),
                    expected: "the type it had before",
                };
                self.unreadable(Some(role), write.pubkey, error)
            }
            (None, Decoded::Whirlpool(state)) => self.add_pool(write.pubkey, owner, &state, write.slot),
            (None, account @ (Decoded::TickArray(_) | Decoded::Oracle(_))) => {
                self.adopt(write.pubkey, account)
            }
            (None, Decoded::Mint(account)) => {
                let mint = self.intern_mint(write.pubkey);
                self.update_mint(mint, account)
            }
            (None, Decoded::TokenAccount(_) | Decoded::Recognised(_)) => Applied::Ignored,
        }
    }

    /// A dependent account goes to its pool, or waits for it.
    fn adopt(&mut self, address: Pubkey, account: Decoded) -> Applied {
        let Some(whirlpool) = pool_named_by(&account) else { return Applied::Ignored };
        if let Some(pool) = self.pool_index(&whirlpool) {
            return self.attach(pool, address, account);
        }
        if self.orphan_count == MAX_ORPHANS {
            return Applied::Ignored;
        }
        let waiting = self.orphans.entry(whirlpool).or_default();
        let before = waiting.len();
        waiting.retain(|(known, _)| *known != address);
        waiting.push((address, account));
        self.orphan_count += waiting.len() - before;
        Applied::Unchanged
    }

    fn add_pool(&mut self, address: Pubkey, program: Pubkey, state: &Whirlpool, slot: Slot) -> Applied {
        let mint_a = self.intern_mint(state.token_mint_a);
        let mint_b = self.intern_mint(state.token_mint_b);
        let Ok(index) = self.graph.add_pool(mint_a, mint_b) else {
            let error = DecodeError::ImpossibleField {
                account: "Whirlpool",
                field: "token_mint_b",
                value: state.token_mint_b.to_string(),
                expected: "another mint than token_mint_a",
            };
            return Applied::Fault(error);
        };
        self.pools.push(Pool::new(address, program, [mint_a, mint_b], state, slot, self.config.complete));
        self.roles.insert(address, Role::Pool(index));
        self.absent.remove(&address);
        for mint in [mint_a, mint_b] {
            let entry = &mut self.mints[mint as usize];
            entry.pools.push(index);
            if let Some(reason) = entry.fault {
                self.pools[index as usize].set_fault(entry.address, reason);
            }
        }
        let orphans = self.orphans.remove(&address).unwrap_or_default();
        self.orphan_count -= orphans.len();
        for (dependent, account) in orphans {
            if let Err(error) = self.link(index, dependent, account) {
                self.pools[index as usize].set_fault(dependent, error.reason());
            }
        }
        self.refresh(index);
        Applied::Pool(index)
    }

    fn update_pool(&mut self, index: PoolIndex, program: Pubkey, state: &Whirlpool, slot: Slot) -> Applied {
        let entry = &mut self.pools[index as usize];
        let (before, address) = (*entry.recorded(), entry.address());
        let lasting = |pool: &Whirlpool| (pool.token_mint_a, pool.token_mint_b, pool.tick_spacing);
        let error = if program != entry.program() {
            Some(DecodeError::WrongOwner { owner: program })
        } else if lasting(state) != lasting(&before) {
            Some(DecodeError::ImpossibleField {
                account: "Whirlpool",
                field: "token_mint or tick_spacing",
                value: format!("{:?}", lasting(state)),
                expected: "what it was when the pool was made",
            })
        } else {
            None
        };
        if let Some(error) = error {
            return self.unreadable(Some(Role::Pool(index)), address, error);
        }
        if !entry.record(state, slot) {
            return Applied::Unchanged;
        }
        self.refresh(index);
        Applied::Pool(index)
    }

    fn attach(&mut self, index: PoolIndex, address: Pubkey, account: Decoded) -> Applied {
        let role = self.roles.get(&address).copied().unwrap_or(Role::Oracle(index));
        let linked = match pool_named_by(&account) {
            Some(named) if named != self.pools[index as usize].address() => {
                Err(DecodeError::ImpossibleField {
                    account: role.expected(),
                    field: "whirlpool",
                    value: named.to_string(),
                    expected: "the pool it belonged to before",
                })
            }
            _ => self.link(index, address, account),
        };
        if let Err(error) = linked {
            return self.unreadable(Some(role), address, error);
        }
        self.refresh(index);
        Applied::Pool(index)
    }

    /// Gives a dependent account to its pool. The first time, its address must be the one that the
    /// program derives for it: whoever sent it may have made it up.
    fn link(&mut self, index: PoolIndex, address: Pubkey, account: Decoded) -> Result<(), DecodeError> {
        let entry = &mut self.pools[index as usize];
        let (program, pool) = (entry.program(), entry.address());
        let is_known = self.roles.contains_key(&address);
        match account {
            Decoded::TickArray(array) => {
                let start = array.start_tick_index;
                if !is_known {
                    check_derived("TickArray", address, &pda::whirlpool_tick_array(&program, &pool, start))?;
                }
                entry.set_array(address, start, Some(&array))?;
                self.roles.insert(address, Role::TickArray { pool: index, start });
            }
            Decoded::Oracle(oracle) => {
                if !is_known {
                    check_derived("Oracle", address, &pda::whirlpool_oracle(&program, &pool))?;
                }
                entry.set_oracle(address, oracle);
                self.roles.insert(address, Role::Oracle(index));
            }
            _ => {}
        }
        self.absent.remove(&address);
        Ok(())
    }

    fn account_missing(&mut self, address: Pubkey) -> Applied {
        self.absent.insert(address);
        let index = match self.roles.get(&address).copied() {
            Some(Role::Pool(index)) => {
                self.pools[index as usize].close();
                index
            }
            Some(Role::TickArray { pool, start }) => {
                match self.pools[pool as usize].set_array(address, start, None) {
                    Ok(()) => pool,
                    Err(error) => return Applied::Fault(error),
                }
            }
            Some(Role::Oracle(pool)) => {
                self.pools[pool as usize].drop_oracle();
                pool
            }
            Some(Role::Mint(_)) => return Applied::Ignored,
            None => return Applied::Unchanged,
        };
        self.refresh(index);
        Applied::Pool(index)
    }

    fn update_mint(&mut self, mint: MintIndex, account: Mint) -> Applied {
        let entry = &mut self.mints[mint as usize];
        // Supply changes all the time and no quote needs it.
        let relevant = |mint: &Mint| Mint { supply: 0, ..*mint };
        if entry.account.as_ref().map(relevant) == Some(relevant(&account)) {
            return Applied::Unchanged;
        }
        (entry.account, entry.fault) = (Some(account), None);
        let (address, pools) = (entry.address, entry.pools.clone());
        for &pool in &pools {
            self.pools[pool as usize].clear_fault(address);
            self.refresh(pool);
        }
        pools.first().map_or(Applied::Unchanged, |&pool| Applied::Pool(pool))
    }

    fn apply_clock(&mut self, address: Pubkey, data: &[u8]) -> Applied {
        if address != sysvar::CLOCK {
            return Applied::Ignored;
        }
        match sysvar::Clock::decode(data) {
            Err(error) => Applied::Fault(error),
            Ok(clock) => {
                let epoch_changed = self.clock.is_none_or(|known| known.epoch != clock.epoch);
                self.clock = Some(clock);
                for (pool, index) in (0..self.pools.len()).zip(0..) {
                    self.pools[pool].set_time(clock.unix_timestamp);
                    if epoch_changed {
                        self.refresh(index);
                    }
                }
                Applied::Unchanged
            }
        }
    }

    /// Sets the pools that depend on the account aside until a good write of it comes.
    fn unreadable(&mut self, role: Option<Role>, address: Pubkey, error: DecodeError) -> Applied {
        let pools = match role {
            None => return Applied::Fault(error),
            Some(Role::Pool(pool) | Role::TickArray { pool, .. } | Role::Oracle(pool)) => vec![pool],
            Some(Role::Mint(mint)) => {
                let entry = &mut self.mints[mint as usize];
                (entry.account, entry.fault) = (None, Some(error.reason()));
                entry.pools.clone()
            }
        };
        for &pool in &pools {
            self.pools[pool as usize].set_fault(address, error.reason());
            self.refresh(pool);
        }
        Applied::Fault(error)
    }

    fn intern_mint(&mut self, address: Pubkey) -> MintIndex {
        if let Some(&index) = self.mint_index.get(&address) {
            return index;
        }
        let index = MintIndex::try_from(self.mints.len()).unwrap_or(MintIndex::MAX);
        self.mints.push(MintEntry { address, account: None, fault: None, pools: Vec::new() });
        self.mint_index.insert(address, index);
        self.roles.insert(address, Role::Mint(index));
        index
    }

    /// Decides anew whether a pool may be quoted, and puts its recorded rates into the graph.
    fn refresh(&mut self, index: PoolIndex) {
        self.learn_absent_arrays(index);
        let mints = [self.pools[index as usize].mint_a(), self.pools[index as usize].mint_b()]
            .map(|mint| self.mints[mint as usize].account.as_ref());
        let entry = &mut self.pools[index as usize];
        entry.refresh(mints, self.config.assume_plain_mints, self.clock.as_ref());
        let weights = entry.set_aside().is_none().then(|| {
            let view = entry.recorded_view();
            [true, false].map(|a_to_b| EdgeWeight {
                net: -view.marginal_rate(a_to_b).ln(),
                gross: -view.gross_rate(a_to_b).ln(),
            })
        });
        let finite = |weight: &EdgeWeight| weight.net.is_finite() && weight.gross.is_finite();
        let [a_to_b, b_to_a] =
            weights.map_or([None; 2], |weights| weights.map(|weight| Some(weight).filter(finite)));
        let set = self.graph.set_weights(index, a_to_b, b_to_a);
        debug_assert!(set.is_ok(), "pools and graph are numbered alike");
    }

    /// Tick arrays that the program's sequences can touch and that nobody has mentioned are looked up
    /// among the addresses known not to exist.
    fn learn_absent_arrays(&mut self, index: PoolIndex) {
        let entry = &mut self.pools[index as usize];
        let (address, program) = (entry.address(), entry.program());
        for start in entry.unknown_starts() {
            let Ok((derived, _)) = pda::whirlpool_tick_array(&program, &address, start) else { continue };
            self.roles.entry(derived).or_insert(Role::TickArray { pool: index, start });
            if self.absent.contains(&derived) {
                let known = entry.set_array(derived, start, None);
                debug_assert!(known.is_ok(), "required starts are possible ones");
            }
        }
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

fn pool_named_by(account: &Decoded) -> Option<Pubkey> {
    match account {
        Decoded::TickArray(array) => Some(array.whirlpool),
        Decoded::Oracle(oracle) => Some(oracle.whirlpool),
        _ => None,
    }
}

fn check_derived(
    account: &'static str,
    found: Pubkey,
    derived: &Result<(Pubkey, u8), pda::PdaError>,
) -> Result<(), DecodeError> {
    match derived {
        Ok((expected, _)) if *expected == found => Ok(()),
        _ => Err(DecodeError::ImpossibleField {
            account,
            field: "address",
            value: found.to_string(),
            expected: "the address that the program derives for it",
        }),
    }
}
