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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantities::Pubkey;
    use proptest::prelude::*;

    fn reward(open_time: u64, end_time: u64, last_update_time: u64, emissions: u128) -> RewardInfo {
        RewardInfo {
            reward_state: 1,
            open_time,
            end_time,
            last_update_time,
            emissions_per_second_x64: emissions,
            reward_total_emissioned: 0,
            reward_claimed: 0,
            token_mint: Pubkey([1; 32]),
            token_vault: Pubkey::default(),
            authority: Pubkey::default(),
            reward_growth_global_x64: 0,
        }
    }

    fn none() -> RewardInfo {
        RewardInfo { token_mint: Pubkey::default(), ..reward(0, 0, 0, u128::MAX) }
    }

    #[test]
    fn a_reward_grows_by_what_is_paid_out_over_the_liquidity() {
        // One and a half units a second for 3 seconds, shared by 4 units of liquidity.
        let mut rewards = [reward(100, 200, 107, 3 << 63), none(), none()];
        assert_eq!(update(&mut rewards, 4, 110), Ok(()));
        let [running, ..] = rewards;
        assert_eq!(running.reward_growth_global_x64, 9 << 61, "4.5 / 4");
        assert_eq!((running.reward_total_emissioned, running.reward_state), (5, OPENING), "4.5, rounded up");
        assert_eq!(update(&mut rewards, 4, 1_000), Ok(()));
        assert_eq!((rewards[0].last_update_time, rewards[0].reward_state), (200, ENDED));
        assert_eq!(rewards[0].reward_total_emissioned, 5 + 135);
    }

    #[test]
    fn a_reward_updated_in_the_future_fails_only_with_liquidity() {
        let mut rewards = [reward(100, 200, 150, 1), none(), none()];
        assert_eq!(update(&mut rewards.clone(), 0, 149), Ok(()));
        assert_eq!(update(&mut rewards, 1, 149), Err(error::REQUIRE_GTE));
        assert_eq!(update(&mut [reward(100, 200, 150, 1), none(), none()], 1, 100), Ok(()), "not open yet");
    }

    proptest! {
        #[test]
        fn what_counts_as_harmless_never_fails(
            emissions: u128, shift in 0_u32..128, elapsed in 0_u64..1 << 33, growth: u128, paid: u64,
            liquidity: u128,
        ) {
            let running = RewardInfo {
                reward_growth_global_x64: growth,
                reward_total_emissioned: paid,
                ..reward(1, u64::MAX, 5, emissions >> shift)
            };
            let mut rewards = [running, none(), none()];
            if is_harmless(&rewards, 5 + elapsed) {
                prop_assert_eq!(update(&mut rewards, liquidity, 5 + elapsed), Ok(()));
            }
        }
    }
}
