//! The compute unit price for a set of accounts.

use rustc_hash::FxHashMap;

use super::FeeConfig;
use super::window::{Quantile, SlotWindow};
use crate::quantities::{Pubkey, Slot};

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceBasis {
    /// The samples of the account at this place of the set.
    Account(usize),
    /// Those of whole blocks.
    Blocks,
    /// Nothing is known: the settings' `cold_price`.
    Cold,
}

/// A price and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceEstimate {
    /// Micro-lamports per compute unit.
    pub price_micro_lamports: u64,
    /// Percentile that was asked for, 1/10,000.
    pub asked_bps: u32,
    /// Percentile that was looked up, congestion and what was learned included, 1/10,000.
    pub used_bps: u32,
    /// What it rests on.
    pub basis: PriceBasis,
    /// Slots it rests on.
    pub samples: usize,
    /// Whether there are too few slots for the percentile: the price is their greatest.
    pub is_beyond_history: bool,
    /// Whether `min_price` or `max_price` stands instead of what the samples say.
    pub is_capped: bool,
}

/// Samples by account and of whole blocks.
#[derive(Debug, Clone, Default)]
pub(super) struct PriceBook {
    accounts: FxHashMap<Pubkey, SlotWindow>,
    blocks: SlotWindow,
}

fn oldest(config: &FeeConfig, now: Slot) -> Slot {
    now.saturating_sub(config.window_slots - 1)
}

impl PriceBook {
    pub(super) fn observe_account(
        &mut self,
        config: &FeeConfig,
        now: Slot,
        source: usize,
        account: Pubkey,
        samples: &[(Slot, u64)],
    ) -> usize {
        let oldest = oldest(config, now);
        let recent = samples.iter().filter(|&&(slot, _)| slot >= oldest);
        let taken = recent.clone().count();
        if taken == 0 {
            return 0;
        }
        if self.accounts.len() >= config.max_accounts && !self.accounts.contains_key(&account) {
            self.make_room();
        }
        let window = self.accounts.entry(account).or_default();
        window.forget_before(oldest);
        for &(slot, price) in recent {
            window.observe(source, slot, price, config.quorum);
        }
        taken
    }

    /// Forgets the quarter of the accounts, at least one, whose newest sample is oldest: O(1) per
    /// account that came since. Of equals the lower address goes, so that a replay forgets the same.
    fn make_room(&mut self) {
        let mut ages: Vec<(Option<Slot>, Pubkey)> =
            self.accounts.iter().map(|(&account, window)| (window.newest(), account)).collect();
        let leaving = ages.len().div_ceil(4);
        ages.select_nth_unstable(leaving - 1);
        for (_, account) in &ages[..leaving] {
            self.accounts.remove(account);
        }
    }

    pub(super) fn observe_block(
        &mut self,
        config: &FeeConfig,
        now: Slot,
        source: usize,
        slot: Slot,
        price: u64,
    ) -> bool {
        let oldest = oldest(config, now);
        if slot < oldest {
            return false;
        }
        self.blocks.forget_before(oldest);
        self.blocks.observe(source, slot, price, config.quorum);
        true
    }

    pub(super) fn known_accounts(&self) -> usize {
        self.accounts.len()
    }

    pub(super) fn estimate(
        &mut self,
        config: &FeeConfig,
        now: Slot,
        accounts: &[Pubkey],
        asked_bps: u32,
        used_bps: u32,
    ) -> PriceEstimate {
        let oldest = oldest(config, now);
        let mut best: Option<(Quantile, PriceBasis, usize)> = None;
        let mut are_blocks_asked = accounts.is_empty();
        for (place, account) in accounts.iter().enumerate() {
            let own = self.accounts.get_mut(account).and_then(|window| {
                window.forget_before(oldest);
                (window.len() >= config.min_samples).then_some(window)
            });
            let Some(window) = own else {
                are_blocks_asked = true;
                continue;
            };
            if let Some(found) = window.quantile(used_bps)
                && best.is_none_or(|(busiest, ..)| found.value > busiest.value)
            {
                best = Some((found, PriceBasis::Account(place), window.len()));
            }
        }
        let cold = (Quantile { value: config.cold_price, beyond: true }, PriceBasis::Cold, 0);
        if are_blocks_asked {
            self.blocks.forget_before(oldest);
            if let Some(found) = self.blocks.quantile(used_bps)
                && best.is_none_or(|(busiest, ..)| found.value > busiest.value)
            {
                best = Some((found, PriceBasis::Blocks, self.blocks.len()));
            }
            // An unknown account in unknown blocks may ask for anything.
            if self.blocks.len() == 0 && best.is_none_or(|(busiest, ..)| config.cold_price > busiest.value) {
                best = Some(cold);
            }
        }
        let (found, basis, samples) = best.unwrap_or(cold);
        let price = found.value.clamp(config.min_price, config.max_price);
        PriceEstimate {
            price_micro_lamports: price,
            asked_bps,
            used_bps,
            basis,
            samples,
            is_beyond_history: found.beyond,
            is_capped: price != found.value,
        }
    }
}
