//! The verdicts on a market's mints, kept up to date.
//!
//! The one idea: a change marks what depends on it, and only what is marked is judged anew, when somebody
//! asks. A mint's write marks the mint; a pool's marks the pool, whose depth then moves the sum of its
//! mint by the difference; an epoch marks the mints with transfer fees; a slot marks those that come of
//! age in it. With no threshold on depth a pool's change costs one comparison.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::{Market, MintIndex, Pool, PoolIndex};
use crate::decoders::DecodeError;
use crate::quantities::{Pubkey, Slot};
use crate::swap::Environment;
use crate::token_firewall::{
    Depth, MintAccountState, MintFacts, Permission, RuleError, TokenContext, TokenRules, TokenVerdict, judge,
};

/// One mint.
#[derive(Debug)]
struct Entry {
    account: MintAccountState,
    since_slot: Option<Slot>,
    /// Its place among the mints that depth is measured in.
    base: Option<usize>,
    /// Depth by base mint.
    depths: Vec<Depth>,
    verdict: TokenVerdict,
    /// Whether the allow list names it.
    is_listed: bool,
    /// When it comes of age, if that is among `maturing`.
    matures: Option<Slot>,
    is_marked: bool,
    is_news: bool,
}

/// What verdicts are made of, by mint index.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    rules: TokenRules,
    entries: Vec<Entry>,
    marked: Vec<MintIndex>,
    news: Vec<MintIndex>,
    /// By pool: whether it is in `marked_pools`, and the depth that is part of a sum.
    pools: Vec<(bool, u64)>,
    marked_pools: Vec<PoolIndex>,
    /// Slot in which a mint comes of age.
    maturing: BinaryHeap<Reverse<(Slot, MintIndex)>>,
    /// Slots that the caller knows of mints without a pool.
    known_since: FxHashMap<Pubkey, Slot>,
    slot: Slot,
    epoch: Option<u64>,
    judged: u64,
}

impl Tokens {
    /// Notes the slot of a write; 0 stands for an unknown one.
    #[inline]
    pub(super) fn pass(&mut self, slot: Slot) {
        self.slot = self.slot.max(slot);
    }

    /// Takes a mint that pools have begun to trade, the next in number.
    pub(super) fn add(&mut self, mint: Pubkey, account: MintAccountState) {
        let mut entry = Entry {
            account,
            since_slot: self.known_since.remove(&mint),
            base: None,
            depths: Vec::new(),
            verdict: TokenVerdict { mint, permission: Permission::Denied, reasons: Vec::new() },
            is_listed: false,
            matures: None,
            is_marked: false,
            is_news: false,
        };
        self.rules.measure(&mut entry);
        self.entries.push(entry);
        if let Ok(index) = MintIndex::try_from(self.entries.len() - 1) {
            self.mark(index);
        }
    }

    /// Notes that a mint existed in `slot`; 0 stands for an unknown one.
    pub(super) fn existed(&mut self, mint: MintIndex, slot: Slot) {
        let Some(entry) = self.entries.get_mut(mint as usize) else { return };
        if slot > 0 && entry.since_slot.is_none_or(|known| slot < known) {
            entry.since_slot = Some(slot);
            if self.rules.min_age_slots > 0 {
                self.mark(mint);
            }
        }
    }

    /// Takes what a mint's account has become.
    pub(super) fn write(&mut self, mint: MintIndex, account: MintAccountState) {
        let Some(entry) = self.entries.get_mut(mint as usize) else { return };
        if entry.account != account {
            entry.account = account;
            self.mark(mint);
        }
    }

    /// Notes that a pool's depth or standing may be another.
    #[inline]
    pub(super) fn pool_changed(&mut self, pool: PoolIndex) {
        if !self.rules.min_depth.is_empty() {
            self.mark_pool(pool);
        }
    }

    /// Moves the time.
    pub(super) fn enter_epoch(&mut self, epoch: u64) {
        if self.epoch == Some(epoch) {
            return;
        }
        self.epoch = Some(epoch);
        for mint in (0..self.entries.len()).filter_map(|mint| MintIndex::try_from(mint).ok()) {
            let facts = self.entries[mint as usize].account.facts();
            if facts.is_some_and(|facts| facts.transfer_fee.is_some()) {
                self.mark(mint);
            }
        }
    }

    fn mark(&mut self, mint: MintIndex) {
        let entry = &mut self.entries[mint as usize];
        if !std::mem::replace(&mut entry.is_marked, true) {
            self.marked.push(mint);
        }
    }

    fn mark_pool(&mut self, pool: PoolIndex) {
        let place = pool as usize;
        if self.pools.len() <= place {
            self.pools.resize(place + 1, (false, 0));
        }
        if !std::mem::replace(&mut self.pools[place].0, true) {
            self.marked_pools.push(pool);
        }
    }

    fn set_rules(&mut self, rules: TokenRules, pools: usize) {
        self.rules = rules;
        self.maturing.clear();
        for entry in &mut self.entries {
            self.rules.measure(entry);
        }
        self.pools.iter_mut().for_each(|(_, counted)| *counted = 0);
        for mint in (0..self.entries.len()).filter_map(|mint| MintIndex::try_from(mint).ok()) {
            self.mark(mint);
        }
        for pool in (0..pools).filter_map(|pool| PoolIndex::try_from(pool).ok()) {
            self.pool_changed(pool);
        }
    }

    /// Judges what is marked.
    fn settle(&mut self, pools: &[Pool], environment: &Environment) {
        while let Some(pool) = self.marked_pools.pop() {
            self.pools[pool as usize].0 = false;
            if let Some(pool_state) = pools.get(pool as usize) {
                self.count_depth(pool, pool_state, environment);
            }
        }
        while let Some(&Reverse((slot, mint))) = self.maturing.peek() {
            if slot > self.slot {
                break;
            }
            self.maturing.pop();
            self.mark(mint);
        }
        while let Some(mint) = self.marked.pop() {
            self.judge(mint);
        }
    }

    /// Moves the sum that a pool between a base mint and another one is part of.
    fn count_depth(&mut self, index: PoolIndex, pool: &Pool, environment: &Environment) {
        let base = |mint: MintIndex| self.entries[mint as usize].base;
        let (mint, base, side) = match (base(pool.mint_a()), base(pool.mint_b())) {
            (Some(base), None) => (pool.mint_b(), base, 0),
            (None, Some(base)) => (pool.mint_a(), base, 1),
            _ => return,
        };
        let depth = match pool.set_aside() {
            None => pool.recorded().summary(environment).depth[side],
            Some(_) => 0,
        };
        let counted = std::mem::replace(&mut self.pools[index as usize].1, depth);
        if counted != depth {
            let sum = &mut self.entries[mint as usize].depths[base].amount;
            // No overflow: a sum of at most 2^32 values of 64 bits, of which `counted` is one.
            *sum = *sum - u128::from(counted) + u128::from(depth);
            self.mark(mint);
        }
    }

    fn judge(&mut self, mint: MintIndex) {
        let entry = &mut self.entries[mint as usize];
        entry.is_marked = false;
        entry.is_listed = self.rules.allow.contains(&entry.verdict.mint);
        let context = TokenContext {
            epoch: self.epoch,
            slot: self.slot,
            since_slot: entry.since_slot,
            depths: &entry.depths,
        };
        let verdict = judge(entry.verdict.mint, &entry.account, &self.rules, &context);
        self.judged += 1;
        let of_age = entry.since_slot.and_then(|since| since.checked_add(self.rules.min_age_slots));
        let of_age = of_age.filter(|&of_age| of_age > self.slot);
        if std::mem::replace(&mut entry.matures, of_age) != of_age {
            self.maturing.extend(of_age.map(|slot| Reverse((slot, mint))));
        }
        if entry.verdict != verdict {
            entry.verdict = verdict;
            if !std::mem::replace(&mut entry.is_news, true) {
                self.news.push(mint);
            }
        }
    }
}

impl TokenRules {
    /// Readies an entry for these rules: no depth counted so far.
    fn measure(&self, entry: &mut Entry) {
        entry.base = self.min_depth.iter().position(|(base, _)| *base == entry.verdict.mint);
        let zero = |&(base_mint, _): &(Pubkey, u64)| Depth { base_mint, amount: 0 };
        entry.depths = self.min_depth.iter().map(zero).collect();
        entry.matures = None;
    }
}

impl Market {
    /// Judges mints by other rules from now on.
    ///
    /// # Errors
    /// [`RuleError`]; the rules then stay as they are.
    pub fn set_token_rules(&mut self, rules: TokenRules) -> Result<(), RuleError> {
        rules.check()?;
        self.tokens.set_rules(rules, self.pools.len());
        Ok(())
    }

    /// Returns the rules by which mints are judged.
    #[must_use]
    pub fn token_rules(&self) -> &TokenRules {
        &self.tokens.rules
    }

    /// Takes a mint to have existed in `slot`, which is earlier than the market's own first sight of it.
    pub fn know_token_since(&mut self, mint: Pubkey, slot: Slot) {
        if let Some(index) = self.mint_index(&mint) {
            self.tokens.existed(index, slot);
        } else if slot > 0 {
            let known = self.tokens.known_since.entry(mint).or_insert(slot);
            *known = slot.min(*known);
        }
    }

    /// Returns the verdict on every mint that a pool trades, by mint index.
    pub fn tokens(&mut self) -> impl Iterator<Item = &TokenVerdict> {
        self.settle_tokens();
        self.tokens.entries.iter().map(|entry| &entry.verdict)
    }

    /// Returns the verdicts that are others since the last call, at first all, by mint index.
    pub fn take_changed_tokens(&mut self) -> Vec<TokenVerdict> {
        self.settle_tokens();
        let mut news = std::mem::take(&mut self.tokens.news);
        news.sort_unstable();
        let taken = |mint: MintIndex| {
            let entry = &mut self.tokens.entries[mint as usize];
            entry.is_news = false;
            entry.verdict.clone()
        };
        news.into_iter().map(taken).collect()
    }

    /// Returns the verdict on a mint, if a pool trades it.
    pub fn token(&mut self, mint: &Pubkey) -> Option<&TokenVerdict> {
        let index = self.mint_index(mint)?;
        Some(self.verdict_on(index))
    }

    /// Returns the verdict on a mint of this market.
    ///
    /// # Panics
    /// If another market numbered the mint.
    pub fn verdict_on(&mut self, mint: MintIndex) -> &TokenVerdict {
        self.settle_tokens();
        &self.tokens.entries[mint as usize].verdict
    }

    /// Returns what a mint's account says, if it was read.
    #[must_use]
    pub fn mint_facts(&self, mint: &Pubkey) -> Option<&MintFacts> {
        let index = self.mint_index(mint)?;
        self.tokens.entries.get(index as usize)?.account.facts()
    }

    /// Returns what the account of a mint of this market says, if it was read and the allow list does not
    /// name the mint.
    ///
    /// # Panics
    /// If another market numbered the mint.
    pub fn unlisted_facts(&mut self, mint: MintIndex) -> Option<&MintFacts> {
        self.settle_tokens();
        let entry = &self.tokens.entries[mint as usize];
        if entry.is_listed { None } else { entry.account.facts() }
    }

    /// Returns how often a mint was judged: the work that changes have cost.
    #[must_use]
    pub fn tokens_judged(&self) -> u64 {
        self.tokens.judged
    }

    #[inline]
    fn settle_tokens(&mut self) {
        self.tokens.settle(&self.pools, &self.environment);
    }

    /// Brings a mint's account to its verdict, if a pool trades it.
    pub(super) fn write_token(&mut self, mint: &Pubkey, account: TokenWrite<'_>, slot: Slot) {
        let Some(index) = self.mint_index(mint) else { return };
        let state = match account {
            TokenWrite::Data(owner, data) => {
                self.tokens.existed(index, slot);
                MintAccountState::of(owner, data)
            }
            TokenWrite::Absent => MintAccountState::Absent,
            TokenWrite::Fault(error) => MintAccountState::Unreadable(error.clone()),
        };
        self.tokens.write(index, state);
    }
}

/// What a write makes of a mint's account.
#[derive(Debug, Clone, Copy)]
pub(super) enum TokenWrite<'a> {
    /// Owner, a token program, and data.
    Data(&'a Pubkey, &'a [u8]),
    /// It does not exist.
    Absent,
    /// It cannot be read.
    Fault(&'a DecodeError),
}
