//! What a swap writes besides prices: fee totals, growth, ticks crossed, each of which can overflow.
//!
//! # Source
//! raydium-clmm, `instructions/swap.rs`, `swap_internal`; `states/tick_array.rs`, `cross`.

use super::accounts::{AmmConfig, FEE_RATE_ONE, PoolState, RewardInfo};
use super::error::Fault;
use super::tick_array::TickState;

/// A tick as the swap leaves it, and where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crossing {
    pub(super) source: (usize, usize),
    pub(super) fee_growth_outside_x64: [u128; 2],
    pub(super) reward_growths_outside_x64: [u128; 3],
}

/// The program's running totals.
#[derive(Debug)]
pub(super) struct Book {
    a_to_b: bool,
    config: AmmConfig,
    /// Growth of fees in token 0 and 1, Q64.64; the input's side rises.
    growth: [u128; 2],
    protocol_fee: u64,
    fund_fee: u64,
    provider_fee: u64,
    pub(super) rewards: [RewardInfo; 3],
    /// Kept only if the swap is carried out.
    pub(super) crossings: Option<Vec<Crossing>>,
}

impl Book {
    pub(super) fn new(
        pool: &PoolState,
        config: &AmmConfig,
        rewards: &[RewardInfo; 3],
        a_to_b: bool,
        keeps_crossings: bool,
    ) -> Self {
        Self {
            a_to_b,
            config: *config,
            growth: [pool.fee_growth_global_0_x64, pool.fee_growth_global_1_x64],
            protocol_fee: 0,
            fund_fee: 0,
            provider_fee: 0,
            rewards: *rewards,
            crossings: keeps_crossings.then(Vec::new),
        }
    }

    fn side(&self) -> usize {
        usize::from(!self.a_to_b)
    }

    /// Divides a step's fee.
    pub(super) fn add_fee(&mut self, fee: u64, liquidity: u128) -> Result<(), Fault> {
        self.split(fee, liquidity).ok_or(Fault::Panic("fee total beyond its range"))
    }

    fn split(&mut self, fee: u64, liquidity: u128) -> Option<()> {
        let part =
            |rate: u32| u64::try_from(u128::from(fee) * u128::from(rate) / u128::from(FEE_RATE_ONE)).ok();
        let (protocol, fund) = (part(self.config.protocol_fee_rate)?, part(self.config.fund_fee_rate)?);
        let rest = fee.checked_sub(protocol)?.checked_sub(fund)?;
        self.protocol_fee = self.protocol_fee.checked_add(protocol)?;
        self.fund_fee = self.fund_fee.checked_add(fund)?;
        if let Some(growth) = (u128::from(rest) << 64).checked_div(liquidity) {
            let side = self.side();
            self.growth[side] = self.growth[side].checked_add(growth)?;
            self.provider_fee = self.provider_fee.checked_add(rest)?;
        }
        Some(())
    }

    /// Turns the growth outside a tick over.
    pub(super) fn cross(&mut self, tick: &TickState, source: (usize, usize)) -> Result<(), Fault> {
        let crossing = self.turned(tick, source).ok_or(Fault::Panic("growth outside a tick exceeds all"))?;
        if let Some(crossings) = &mut self.crossings {
            crossings.push(crossing);
        }
        Ok(())
    }

    fn turned(&self, tick: &TickState, source: (usize, usize)) -> Option<Crossing> {
        let [outside_0, outside_1] = tick.fee_growth_outside_x64;
        let mut rewards = tick.reward_growths_outside_x64;
        for (outside, reward) in rewards.iter_mut().zip(&self.rewards) {
            if reward.is_initialized() {
                *outside = reward.reward_growth_global_x64.checked_sub(*outside)?;
            }
        }
        Some(Crossing {
            source,
            fee_growth_outside_x64: [
                self.growth[0].checked_sub(outside_0)?,
                self.growth[1].checked_sub(outside_1)?,
            ],
            reward_growths_outside_x64: rewards,
        })
    }

    /// Enters the totals, and the amounts that the pool takes and gives, into `pool`.
    pub(super) fn close(&self, pool: &mut PoolState, amount_in: u64, amount_out: u64) -> Result<(), Fault> {
        self.enter(pool, u128::from(amount_in), u128::from(amount_out))
            .ok_or(Fault::Panic("total beyond its range"))
    }

    fn enter(&self, pool: &mut PoolState, amount_in: u128, amount_out: u128) -> Option<()> {
        let [growth_0, growth_1] = self.growth;
        (pool.fee_growth_global_0_x64, pool.fee_growth_global_1_x64) = (growth_0, growth_1);
        let (totals, sold, bought) = if self.a_to_b {
            (
                [&mut pool.total_fees_token_0, &mut pool.protocol_fees_token_0, &mut pool.fund_fees_token_0],
                &mut pool.swap_in_amount_token_0,
                &mut pool.swap_out_amount_token_1,
            )
        } else {
            (
                [&mut pool.total_fees_token_1, &mut pool.protocol_fees_token_1, &mut pool.fund_fees_token_1],
                &mut pool.swap_in_amount_token_1,
                &mut pool.swap_out_amount_token_0,
            )
        };
        for (total, more) in totals.into_iter().zip([self.provider_fee, self.protocol_fee, self.fund_fee]) {
            *total = total.checked_add(more)?;
        }
        *sold = sold.checked_add(amount_in)?;
        *bought = bought.checked_add(amount_out)?;
        pool.reward_infos = self.rewards;
        Some(())
    }
}
