//! Which fees a pool charges now.
//!
//! # Source
//! pump-swap-sdk, `fees.ts` (`computeFeesBps`, `feesForQuoteMint`, `calculateFeeTier`) and `util.ts`
//! (`poolMarketCap`, `isPumpPool`).

use ruint::aliases::U256;

use super::PUMP_PROGRAM;
use super::fee_config::{FeeConfig, FeeTier, Fees};
use super::layout::{GlobalConfig, Pool};
use crate::decoders::address;
use crate::pda::find_program_address;
use crate::quantities::Pubkey;

/// Supply that the capitalisation of a coin in mayhem mode counts (`TOTAL_TOKEN_SUPPLY`).
const MAYHEM_SUPPLY: u64 = 1_000_000_000_000_000;

/// Quote mints with the schedule for SOL: none named, wrapped SOL of either token program.
const SOL_MINTS: [Pubkey; 3] = [
    Pubkey([0; 32]),
    address("So11111111111111111111111111111111111111112"),
    address("9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP"),
];
/// Quote mints with the schedule for stable coins: USDC. A constant of the fee program too.
const STABLE_MINTS: [Pubkey; 1] = [address("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")];

/// Which schedule holds for a pool, whatever the prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schedule {
    /// One set of fees for every pool that Pump did not make.
    Flat,
    /// Tiers for Pump's pools quoted in SOL.
    Sol,
    /// Tiers for Pump's pools quoted in a stable coin.
    Stable,
    /// One set of fees for Pump's other pools.
    Exotic,
}

impl Schedule {
    /// Returns the schedule of a pool; derives an address.
    pub(super) fn of(pool: &Pool) -> Self {
        let authority = find_program_address(&[b"pool-authority", &pool.base_mint.0], &PUMP_PROGRAM);
        if authority.map(|(address, _)| address) != Ok(pool.creator) {
            Self::Flat
        } else if SOL_MINTS.contains(&pool.quote_mint) {
            Self::Sol
        } else if STABLE_MINTS.contains(&pool.quote_mint) {
            Self::Stable
        } else {
            Self::Exotic
        }
    }

    /// Whether the fees depend on what the coin is worth.
    pub(super) const fn has_tiers(self) -> bool {
        matches!(self, Self::Sol | Self::Stable)
    }

    /// Returns the schedule's name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Sol => "sol_tiers",
            Self::Stable => "stable_tiers",
            Self::Exotic => "exotic",
        }
    }

    /// Returns its fees; `None` if it should have tiers and has none.
    fn fees(self, config: &FeeConfig, market_cap: U256) -> Option<Fees> {
        match self {
            Self::Flat => Some(config.flat_fees),
            Self::Sol => tier(&config.fee_tiers, market_cap),
            Self::Stable if config.stable_fee_tiers.is_empty() => tier(&config.fee_tiers, market_cap),
            Self::Stable => tier(&config.stable_fee_tiers, market_cap),
            Self::Exotic if config.exotic_flat_fees == Fees::default() => Some(config.flat_fees),
            Self::Exotic => Some(config.exotic_flat_fees),
        }
    }
}

/// The last tier that the capitalisation reaches, else the first.
fn tier(tiers: &[FeeTier], market_cap: U256) -> Option<Fees> {
    let first = tiers.first()?;
    let reaches = |tier: &&FeeTier| market_cap >= U256::from(tier.market_cap_lamports_threshold);
    if !reaches(&first) {
        return Some(first.fees);
    }
    Some(tiers.iter().rev().find(reaches).unwrap_or(first).fees)
}

/// What decides a pool's fees besides its accounts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worth {
    /// Supply of the base mint, base units; unused in mayhem mode.
    pub supply: u64,
    /// Base units in the vault; not 0.
    pub base_reserve: u64,
    /// Quote units that count for the price.
    pub quote_reserve: u128,
}

/// Returns the rates that a pool charges; `None` if its schedule should have tiers and has none.
///
/// The creator's rate is that of the schedule, or the pool's own, even if nobody receives it.
pub(super) fn rates(
    schedule: Schedule,
    pool: &Pool,
    global: &GlobalConfig,
    config: &FeeConfig,
    worth: Worth,
) -> Option<Fees> {
    let supply = if pool.is_mayhem_mode { MAYHEM_SUPPLY } else { worth.supply };
    let product = U256::from(worth.quote_reserve).checked_mul(U256::from(supply))?;
    let market_cap = product.checked_div(U256::from(worth.base_reserve))?;
    let fees = schedule.fees(config, market_cap)?;
    let has_own_rate = global.creator_fee_configurable && pool.creator_fee_bps > 0;
    Some(if has_own_rate { Fees { creator_fee_bps: pool.creator_fee_bps, ..fees } } else { fees })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tier_reached_holds_and_the_first_below_all() {
        let at = |threshold: u128, lp_fee_bps| FeeTier {
            market_cap_lamports_threshold: threshold,
            fees: Fees { lp_fee_bps, ..Fees::default() },
        };
        let tiers = [at(10, 1), at(20, 2), at(30, 3)];
        let lp = |cap: u64| tier(&tiers, U256::from(cap)).map(|fees| fees.lp_fee_bps);
        let expected = [(0, 1), (10, 1), (19, 1), (20, 2), (29, 2), (30, 3), (u64::MAX, 3)];
        for (cap, fee) in expected {
            assert_eq!(lp(cap), Some(fee), "at {cap}");
        }
        assert_eq!(tier(&[], U256::ZERO), None);
    }
}
