//! The fee's part that its creator set: falling with time, rising with the amount, or falling with
//! the price.
//!
//! # Source
//! Meteora `cp-amm` 0.2.0, `base_fee/*`, `math/fee_math.rs`.

use ruint::aliases::U256;

use super::errors::{MATH_OVERFLOW, Result, TYPE_CAST_FAILED};
use super::math::{BASIS_POINTS, Checked};
use super::rate_limiter::RateLimiter;
use crate::decoders::{DecodeError, Fields};
use crate::swap::Value;
use crate::venues::layout::Wire;

const ONE_X64: u128 = 1 << 64;

/// How a fee falls from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// By `reduction_factor` (1e-9) a step.
    Linear,
    /// By the share `reduction_factor` (1e-4) of what is left a step.
    Exponential,
}

/// What the schedules have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Fee before the first step, 1e-9.
    pub cliff_fee_numerator: u64,
    /// How it falls.
    pub decay: Decay,
    /// Number of steps, after which it stays.
    pub number_of_period: u16,
    /// How much it falls a step.
    pub reduction_factor: u64,
}

/// The base fee of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseFee {
    /// Falls with time from activation on; without a frequency it is flat.
    Time {
        /// How it falls.
        schedule: Schedule,
        /// Slots or seconds a step; 0: the cliff fee holds for ever.
        period_frequency: u64,
    },
    /// Rises with the amount of a swap of token B, for a while after activation.
    RateLimiter(RateLimiter),
    /// Falls as the price rises above its first one.
    MarketCap {
        /// How it falls.
        schedule: Schedule,
        /// Rise of the price's square root a step, 1e-4 of the first.
        sqrt_price_step_bps: u32,
        /// Slots or seconds after activation from which the last step holds.
        scheduler_expiration_duration: u32,
    },
}

/// What the base fee of a swap depends on besides its amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Slot or Unix seconds, as the pool counts.
    pub point: u64,
    /// When the pool opened, counted likewise.
    pub activation_point: u64,
    /// Price of the pool when it was created, Q64.64 square root.
    pub init_sqrt_price: u128,
    /// Its price now.
    pub sqrt_price: u128,
    /// Direction of the swap.
    pub a_to_b: bool,
}

/// An amount of a swap whose fee is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    /// The fee is part of it.
    Included(u64),
    /// The fee comes on top.
    Excluded(u64),
}

impl Schedule {
    fn rate(&self, period: u64) -> Result<u64> {
        let period = period.min(self.number_of_period.into());
        match self.decay {
            Decay::Linear => self.cliff_fee_numerator.minus(self.reduction_factor.times(period)?),
            Decay::Exponential => {
                if self.reduction_factor == 0 {
                    return Ok(self.cliff_fee_numerator);
                }
                let reduction = (u128::from(self.reduction_factor) << 64) / u128::from(BASIS_POINTS);
                let kept = power(ONE_X64.minus(reduction)?, period).ok_or(MATH_OVERFLOW)?;
                let rate = kept.times(self.cliff_fee_numerator.into())? >> 64;
                u64::try_from(rate).map_err(|_| TYPE_CAST_FAILED)
            }
        }
    }

    /// Whether all steps charge the same.
    fn is_flat(&self) -> bool {
        self.reduction_factor == 0 || self.number_of_period == 0
    }
}

/// Returns `base^exponent` in Q64.64, every product rounded down, for a base below one; `None` where
/// it rounds to zero.
fn power(base: u128, mut exponent: u64) -> Option<u128> {
    let (mut square, mut result) = (base, ONE_X64);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.checked_mul(square)? >> 64;
        }
        square = square.checked_mul(square)? >> 64;
        exponent >>= 1;
    }
    (result > 0).then_some(result)
}

impl BaseFee {
    /// Nested structures among the fields of an account that holds one.
    pub(super) const RECORDS: &'static [(&'static str, &'static [(&'static str, &'static str)])] = &[
        (
            "TimeScheduler",
            &[
                ("mode", "str"),
                ("cliff_fee_numerator", "int"),
                ("number_of_period", "int"),
                ("reduction_factor", "int"),
                ("period_frequency", "int"),
            ],
        ),
        (
            "RateLimiter",
            &[
                ("cliff_fee_numerator", "int"),
                ("fee_increment_bps", "int"),
                ("max_limiter_duration", "int"),
                ("max_fee_bps", "int"),
                ("reference_amount", "int"),
            ],
        ),
        (
            "MarketCapScheduler",
            &[
                ("mode", "str"),
                ("cliff_fee_numerator", "int"),
                ("number_of_period", "int"),
                ("reduction_factor", "int"),
                ("sqrt_price_step_bps", "int"),
                ("scheduler_expiration_duration", "int"),
            ],
        ),
    ];

    /// Returns the fee rate in 1e-9 for a swap of `amount`.
    pub(super) fn rate(&self, moment: &Moment, amount: Amount) -> Result<u64> {
        match self {
            Self::Time { schedule, period_frequency } => {
                let Some(frequency) = std::num::NonZeroU64::new(*period_frequency) else {
                    return Ok(schedule.cliff_fee_numerator);
                };
                // Before activation (a vault buys) the last step holds.
                let period = match moment.point.checked_sub(moment.activation_point) {
                    Some(elapsed) => elapsed / frequency,
                    None => schedule.number_of_period.into(),
                };
                schedule.rate(period)
            }
            Self::RateLimiter(limiter) => match amount {
                _ if !limiter.applies(moment) => Ok(limiter.cliff_fee_numerator),
                Amount::Included(amount) => limiter.rate_of_included(amount),
                Amount::Excluded(amount) => limiter.rate_of_excluded(amount),
            },
            Self::MarketCap { schedule, sqrt_price_step_bps, scheduler_expiration_duration } => {
                let expiration = moment.activation_point.plus((*scheduler_expiration_duration).into())?;
                let is_running = (moment.activation_point..=expiration).contains(&moment.point);
                let period = if is_running {
                    risen_steps(moment, *sqrt_price_step_bps, schedule.number_of_period)?
                } else {
                    schedule.number_of_period.into()
                };
                schedule.rate(period)
            }
        }
    }

    /// Whether time alone can change the rate.
    pub(super) fn depends_on_time(&self) -> bool {
        match self {
            Self::Time { schedule, period_frequency } => *period_frequency != 0 && !schedule.is_flat(),
            Self::RateLimiter(limiter) => !limiter.is_off(),
            Self::MarketCap { schedule, .. } => !schedule.is_flat(),
        }
    }

    /// Returns the limiter if the pool has one that is at work.
    pub(super) fn limiter(&self, moment: &Moment) -> Option<&RateLimiter> {
        match self {
            Self::RateLimiter(limiter) if limiter.applies(moment) => Some(limiter),
            _ => None,
        }
    }
}

/// Returns by how many steps the price has risen since the pool was created, at most `most`.
fn risen_steps(moment: &Moment, step_bps: u32, most: u16) -> Result<u64> {
    let Some(risen) = moment.sqrt_price.checked_sub(moment.init_sqrt_price).filter(|&risen| risen > 0) else {
        return Ok(0);
    };
    let scaled = U256::from(risen) * U256::from(BASIS_POINTS);
    let steps = scaled.over(U256::from(moment.init_sqrt_price))?.over(U256::from(step_bps))?;
    let most = u64::from(most);
    Ok(super::math::low_u64(steps).map_or(most, |steps| steps.min(most)))
}

impl Wire for BaseFee {
    const PYTHON: &'static str = "TimeScheduler | RateLimiter | MarketCapScheduler";

    fn read(
        fields: &Fields<'_>,
        field: &'static str,
        offset: usize,
    ) -> std::result::Result<Self, DecodeError> {
        let mode = fields.u8(offset + 8)?;
        fields.check(mode <= 4, field, mode, "a base fee mode, 0 to 4")?;
        let schedule = Schedule {
            cliff_fee_numerator: fields.u64(offset)?,
            decay: if matches!(mode, 0 | 3) { Decay::Linear } else { Decay::Exponential },
            number_of_period: fields.u16(offset + 14)?,
            reduction_factor: fields.u64(offset + 24)?,
        };
        Ok(match mode {
            0 | 1 => Self::Time { schedule, period_frequency: fields.u64(offset + 16)? },
            2 => Self::RateLimiter(RateLimiter {
                cliff_fee_numerator: schedule.cliff_fee_numerator,
                fee_increment_bps: fields.u16(offset + 14)?,
                max_limiter_duration: fields.u32(offset + 16)?,
                max_fee_bps: fields.u32(offset + 20)?,
                reference_amount: fields.u64(offset + 24)?,
            }),
            _ => Self::MarketCap {
                schedule,
                sqrt_price_step_bps: fields.u32(offset + 16)?,
                scheduler_expiration_duration: fields.u32(offset + 20)?,
            },
        })
    }

    fn value(&self) -> Value {
        let scheduled = |schedule: &Schedule| {
            let mode = match schedule.decay {
                Decay::Linear => "linear",
                Decay::Exponential => "exponential",
            };
            vec![
                ("mode", Value::Text(mode)),
                ("cliff_fee_numerator", schedule.cliff_fee_numerator.into()),
                ("number_of_period", schedule.number_of_period.into()),
                ("reduction_factor", schedule.reduction_factor.into()),
            ]
        };
        match self {
            Self::Time { schedule, period_frequency } => {
                let mut values = scheduled(schedule);
                values.push(("period_frequency", (*period_frequency).into()));
                Value::Record("TimeScheduler", values)
            }
            Self::RateLimiter(limiter) => Value::Record(
                "RateLimiter",
                vec![
                    ("cliff_fee_numerator", limiter.cliff_fee_numerator.into()),
                    ("fee_increment_bps", limiter.fee_increment_bps.into()),
                    ("max_limiter_duration", limiter.max_limiter_duration.into()),
                    ("max_fee_bps", limiter.max_fee_bps.into()),
                    ("reference_amount", limiter.reference_amount.into()),
                ],
            ),
            Self::MarketCap { schedule, sqrt_price_step_bps, scheduler_expiration_duration } => {
                let mut values = scheduled(schedule);
                values.push(("sqrt_price_step_bps", (*sqrt_price_step_bps).into()));
                values.push(("scheduler_expiration_duration", (*scheduler_expiration_duration).into()));
                Value::Record("MarketCapScheduler", values)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Moment = Moment {
        point: 1000,
        activation_point: 1000,
        init_sqrt_price: ONE_X64,
        sqrt_price: ONE_X64,
        a_to_b: true,
    };

    fn schedule(decay: Decay, reduction_factor: u64) -> Schedule {
        Schedule { cliff_fee_numerator: 500_000_000, decay, number_of_period: 10, reduction_factor }
    }

    fn rate_at(fee: &BaseFee, point: u64) -> Result<u64> {
        fee.rate(&Moment { point, ..OPEN }, Amount::Included(1))
    }

    #[test]
    fn linear_fee_falls_every_period_and_stays_after_the_last() {
        let fee = BaseFee::Time { schedule: schedule(Decay::Linear, 40_000_000), period_frequency: 60 };
        assert_eq!(rate_at(&fee, 1059), Ok(500_000_000));
        assert_eq!(rate_at(&fee, 1060), Ok(460_000_000));
        assert_eq!(rate_at(&fee, 1600), Ok(100_000_000));
        assert_eq!(rate_at(&fee, u64::MAX), Ok(100_000_000));
        assert_eq!(rate_at(&fee, 999), Ok(100_000_000), "a vault buys before activation");
        let deep = BaseFee::Time { schedule: schedule(Decay::Linear, 60_000_000), period_frequency: 60 };
        assert_eq!(rate_at(&deep, 1600), Err(MATH_OVERFLOW));
    }

    #[test]
    fn exponential_fee_keeps_a_share_every_period() {
        let fee = BaseFee::Time { schedule: schedule(Decay::Exponential, 5000), period_frequency: 60 };
        assert_eq!(rate_at(&fee, 1000), Ok(500_000_000));
        assert_eq!(rate_at(&fee, 1060), Ok(250_000_000));
        // 500,000,000 / 1024, rounded down.
        assert_eq!(rate_at(&fee, 9999), Ok(488_281));
        let gone = BaseFee::Time { schedule: schedule(Decay::Exponential, 10_000), period_frequency: 60 };
        assert_eq!(rate_at(&gone, 1000), Ok(500_000_000));
        assert_eq!(rate_at(&gone, 1060), Err(MATH_OVERFLOW));
        let more = BaseFee::Time { schedule: schedule(Decay::Exponential, 10_001), period_frequency: 60 };
        assert_eq!(rate_at(&more, 1000), Err(MATH_OVERFLOW));
    }

    #[test]
    fn without_a_frequency_the_cliff_fee_holds() {
        let fee = BaseFee::Time { schedule: schedule(Decay::Linear, u64::MAX), period_frequency: 0 };
        assert_eq!(rate_at(&fee, 5000), Ok(500_000_000));
        assert!(!fee.depends_on_time());
    }

    #[test]
    fn market_cap_fee_falls_with_the_price_until_it_expires() {
        let fee = BaseFee::MarketCap {
            schedule: schedule(Decay::Linear, 40_000_000),
            sqrt_price_step_bps: 100,
            scheduler_expiration_duration: 50,
        };
        let at = |point: u64, sqrt_price: u128| {
            fee.rate(&Moment { point, sqrt_price, ..OPEN }, Amount::Excluded(1))
        };
        assert_eq!(at(1000, ONE_X64 / 2), Ok(500_000_000));
        assert_eq!(at(1000, ONE_X64 + ONE_X64 / 100), Ok(500_000_000), "a hair below the first step");
        assert_eq!(at(1000, ONE_X64 + ONE_X64 / 100 + 1), Ok(460_000_000));
        assert_eq!(at(1050, 100 * ONE_X64), Ok(100_000_000));
        assert_eq!(at(1050, ONE_X64), Ok(500_000_000));
        assert_eq!(at(1051, ONE_X64), Ok(100_000_000));
        assert_eq!(at(999, ONE_X64), Ok(100_000_000));
        let from_nothing = Moment { init_sqrt_price: 0, ..OPEN };
        assert_eq!(fee.rate(&from_nothing, Amount::Included(1)), Err(MATH_OVERFLOW));
        let never = Moment { point: u64::MAX, activation_point: u64::MAX, ..OPEN };
        assert_eq!(fee.rate(&never, Amount::Included(1)), Err(MATH_OVERFLOW));
    }
}
