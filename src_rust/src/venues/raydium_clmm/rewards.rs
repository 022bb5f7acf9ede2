//! What the program does to a pool's incentives at every swap: nothing that a quote shows, but it can
//! fail.
//!
//! # Source
//! raydium-clmm, `states/pool.rs`, `update_reward_infos`.

use ruint::aliases::U256;

use super::accounts::RewardInfo;
use super::error::{self, Fault};

const OPENING: u8 = 2;
const ENDED: u8 = 3;

/// Brings `rewards` up to `timestamp` (Unix seconds, cut to 32 bits by the program).
///
/// # Errors
/// [`Fault`], the program's own.
pub(super) fn update(rewards: &mut [RewardInfo; 3], liquidity: u128, timestamp: u64) -> Result<(), Fault> {
    for reward in rewards.iter_mut().filter(|reward| reward.is_initialized()) {
        if timestamp <= reward.open_time {
            continue;
        }
        let until = timestamp.min(reward.end_time);
        if liquidity != 0 {
            let elapsed = until.checked_sub(reward.last_update_time).ok_or(error::REQUIRE_GTE)?;
            if elapsed > 0 {
                grow(reward, liquidity, elapsed).ok_or(Fault::Panic("reward beyond its range"))?;
            }
        }
        reward.last_update_time = until;
        if until >= reward.open_time && until < reward.end_time {
            reward.reward_state = OPENING;
        } else if until == reward.end_time {
            reward.reward_state = ENDED;
        }
    }
    Ok(())
}

fn grow(reward: &mut RewardInfo, liquidity: u128, elapsed: u64) -> Option<()> {
    let paid_x64 = U256::from(elapsed) * U256::from(reward.emissions_per_second_x64);
    let growth = u128::try_from(paid_x64 / U256::from(liquidity)).ok()?;
    let paid = u64::try_from(paid_x64.div_ceil(U256::from(1_u128 << 64))).ok()?;
    reward.reward_growth_global_x64 = reward.reward_growth_global_x64.checked_add(growth)?;
    reward.reward_total_emissioned = reward.reward_total_emissioned.checked_add(paid)?;
    Some(())
}

/// Returns whether [`update`] cannot fail, found with few instructions; `false`: it may.
pub(super) fn is_harmless(rewards: &[RewardInfo; 3], timestamp: u64) -> bool {
    rewards.iter().filter(|reward| reward.is_initialized() && timestamp > reward.open_time).all(|reward| {
        let Some(elapsed) = timestamp.min(reward.end_time).checked_sub(reward.last_update_time) else {
            return false;
        };
        // Growth is at most what is paid out, for liquidity is at least 1.
        let paid_x64 = reward.emissions_per_second_x64.checked_mul(u128::from(elapsed));
        elapsed == 0
            || paid_x64.is_some_and(|paid_x64| {
                let paid = u64::try_from(paid_x64 >> 64).ok().and_then(|paid| paid.checked_add(1));
                reward.reward_growth_global_x64.checked_add(paid_x64).is_some()
                    && paid.is_some_and(|paid| reward.reward_total_emissioned.checked_add(paid).is_some())
            })
    })
}
