//! Accounts of the Orca Whirlpool program.
//!
//! Two deployments share one layout: the upgradable program and its immutable twin. A tick array
//! keeps only what a swap needs: which ticks are initialised, and their net liquidity.
//!
//! # Source
//! Orca Whirlpool program, `state/*`; the published IDL 0.9.0.

use super::{DecodeError, Fields, address};
use crate::amm_math::tick_math::{MAX_SQRT_PRICE_X64, MAX_TICK_INDEX, MIN_SQRT_PRICE_X64, MIN_TICK_INDEX};
use crate::quantities::Pubkey;

/// The upgradable program.
pub const PROGRAM: Pubkey = address("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc");
/// The immutable deployment of the same program.
pub const IMMUTABLE_PROGRAM: Pubkey = address("iwhrLHdsgrvmnwU8GF2FSmyabSMjfHwFGJAX2ufJ3ZN");

/// Ticks of one tick array.
pub const TICK_ARRAY_SIZE: i32 = 88;

const TICKS: usize = 88;
pub(crate) const POOL: [u8; 8] = [0x3f, 0x95, 0xd1, 0x0c, 0xe1, 0x80, 0x63, 0x09];
pub(crate) const FIXED_TICK_ARRAY: [u8; 8] = [0x45, 0x61, 0xbd, 0xbe, 0x6e, 0x07, 0x42, 0xbb];
pub(crate) const DYNAMIC_TICK_ARRAY: [u8; 8] = [0x11, 0xd8, 0xf6, 0x8e, 0xe1, 0xc7, 0xda, 0x38];
pub(crate) const ORACLE: [u8; 8] = [0x8b, 0xc2, 0x83, 0xb3, 0x8c, 0xb3, 0xe5, 0xf4];
/// Bytes of a pool account.
pub const POOL_LEN: usize = 653;
/// Bytes of a fixed tick array account.
pub const FIXED_TICK_ARRAY_LEN: usize = 9988;
/// Bytes of a dynamic tick array account with no initialised tick.
pub const DYNAMIC_TICK_ARRAY_MIN_LEN: usize = 148;
/// Bytes of an oracle account.
pub const ORACLE_LEN: usize = 254;

const FIXED_TICK_LEN: usize = 113;
const DYNAMIC_TICKS_OFFSET: usize = 60;

/// What a swap needs of a pool account. Rewards are left out: they do not touch amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whirlpool {
    /// Config the pool belongs to.
    pub whirlpools_config: Pubkey,
    /// Distance of usable ticks; from 32768 the pool takes full-range positions only.
    pub tick_spacing: u16,
    /// Index of the fee tier; differs from `tick_spacing` exactly in adaptive-fee pools.
    pub fee_tier_index: u16,
    /// Static fee in 1e-6 of the input.
    pub fee_rate_e6: u16,
    /// Protocol's share in 1e-4 of the fee.
    pub protocol_fee_rate_bps: u16,
    /// Liquidity in range.
    pub liquidity: u128,
    /// Square root of the price (B per A, base units), Q64.64.
    pub sqrt_price_x64: u128,
    /// Current tick; one below the price's tick after a crossing from above.
    pub tick_current_index: i32,
    /// Protocol fee not yet collected, token A base units.
    pub protocol_fee_owed_a: u64,
    /// Protocol fee not yet collected, token B base units.
    pub protocol_fee_owed_b: u64,
    /// Mint of token A.
    pub token_mint_a: Pubkey,
    /// Vault of token A.
    pub token_vault_a: Pubkey,
    /// Fees per unit of liquidity in A since the start, Q64.64, wrapping.
    pub fee_growth_global_a: u128,
    /// Mint of token B.
    pub token_mint_b: Pubkey,
    /// Vault of token B.
    pub token_vault_b: Pubkey,
    /// Fees per unit of liquidity in B since the start, Q64.64, wrapping.
    pub fee_growth_global_b: u128,
    /// Unix time of the last change; the program refuses to swap at an earlier one.
    pub reward_last_updated_timestamp: u64,
    /// How many of the three rewards are set up (they cost compute units, not tokens).
    pub rewards: u8,
}

impl Whirlpool {
    /// Whether the pool charges an adaptive fee and so has an oracle account.
    #[must_use]
    pub fn is_adaptive(&self) -> bool {
        self.fee_tier_index != self.tick_spacing
    }

    /// Ticks spanned by one tick array.
    #[must_use]
    pub fn ticks_in_array(&self) -> i32 {
        TICK_ARRAY_SIZE * i32::from(self.tick_spacing)
    }

    pub(crate) fn read(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("Whirlpool", data, POOL_LEN)?;
        let mut rewards = 0;
        for index in 0..3 {
            rewards += u8::from(fields.pubkey(269 + 128 * index)? != Pubkey::default());
        }
        let pool = Self {
            whirlpools_config: fields.pubkey(8)?,
            tick_spacing: fields.u16(41)?,
            fee_tier_index: fields.u16(43)?,
            fee_rate_e6: fields.u16(45)?,
            protocol_fee_rate_bps: fields.u16(47)?,
            liquidity: fields.u128(49)?,
            sqrt_price_x64: fields.u128(65)?,
            tick_current_index: fields.i32(81)?,
            protocol_fee_owed_a: fields.u64(85)?,
            protocol_fee_owed_b: fields.u64(93)?,
            token_mint_a: fields.pubkey(101)?,
            token_vault_a: fields.pubkey(133)?,
            fee_growth_global_a: fields.u128(165)?,
            token_mint_b: fields.pubkey(181)?,
            token_vault_b: fields.pubkey(213)?,
            fee_growth_global_b: fields.u128(245)?,
            reward_last_updated_timestamp: fields.u64(261)?,
            rewards,
        };
        fields.check(pool.tick_spacing > 0, "tick_spacing", 0, "at least 1")?;
        fields.check(
            (MIN_SQRT_PRICE_X64..=MAX_SQRT_PRICE_X64).contains(&pool.sqrt_price_x64),
            "sqrt_price",
            pool.sqrt_price_x64,
            "4295048016 to 79226673515401279992447579055",
        )?;
        // One below the minimum after a crossing of the lowest tick.
        fields.check(
            (MIN_TICK_INDEX - 1..=MAX_TICK_INDEX).contains(&pool.tick_current_index),
            "tick_current_index",
            pool.tick_current_index,
            "-443637 to 443636",
        )?;
        fields.check(
            pool.protocol_fee_rate_bps <= 10_000,
            "protocol_fee_rate",
            pool.protocol_fee_rate_bps,
            "at most 10000",
        )?;
        Ok(pool)
    }
}

/// How a tick array account is laid out; it changes what a swap costs, not what it pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TickArrayLayout {
    /// 88 ticks of 113 bytes.
    Fixed,
    /// One byte for a tick that is not initialised, 113 for one that is.
    Dynamic,
}

/// What a swap needs of a tick array account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickArray {
    /// Lowest tick of the array.
    pub start_tick_index: i32,
    /// Pool the array belongs to.
    pub whirlpool: Pubkey,
    /// The account's layout.
    pub layout: TickArrayLayout,
    /// Bit `i`: tick `start + i * tick_spacing` is initialised.
    pub initialized: u128,
    /// Net liquidity of the initialised ticks, in order of the ticks.
    pub liquidity_net: Box<[i128]>,
}

impl TickArray {
    pub(crate) fn read(data: &[u8]) -> Result<Self, DecodeError> {
        let discriminator = Fields::new("TickArray", data, 8)?.bytes::<8>(0)?;
        if discriminator == FIXED_TICK_ARRAY { Self::read_fixed(data) } else { Self::read_dynamic(data) }
    }

    fn read_fixed(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("TickArray", data, FIXED_TICK_ARRAY_LEN)?;
        let mut initialized = 0_u128;
        for tick in 0..TICKS {
            let flag = fields.u8(12 + FIXED_TICK_LEN * tick)?;
            fields.check(flag <= 1, "initialized", flag, "0 or 1")?;
            initialized |= u128::from(flag) << tick;
        }
        let mut liquidity_net = Vec::with_capacity(initialized.count_ones() as usize);
        for tick in (0..TICKS).filter(|tick| initialized >> tick & 1 == 1) {
            liquidity_net.push(fields.i128(13 + FIXED_TICK_LEN * tick)?);
        }
        Ok(Self {
            start_tick_index: fields.i32(8)?,
            whirlpool: fields.pubkey(9956)?,
            layout: TickArrayLayout::Fixed,
            initialized,
            liquidity_net: liquidity_net.into_boxed_slice(),
        })
    }

    fn read_dynamic(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("DynamicTickArray", data, DYNAMIC_TICK_ARRAY_MIN_LEN)?;
        let initialized = fields.u128(44)?;
        fields.check(initialized >> TICKS == 0, "tick_bitmap", initialized, "88 bits")?;
        let mut liquidity_net = Vec::with_capacity(initialized.count_ones() as usize);
        let mut offset = DYNAMIC_TICKS_OFFSET;
        for tick in 0..TICKS {
            let flag = fields.u8(offset)?;
            let expected = initialized >> tick & 1;
            fields.check(u128::from(flag) == expected, "tick tag", flag, "what the bitmap says")?;
            offset += 1;
            if expected == 1 {
                liquidity_net.push(fields.i128(offset)?);
                offset += FIXED_TICK_LEN - 1;
            }
        }
        // The last tick's tail counts too: a shorter account is torn.
        Fields::new("DynamicTickArray", data, offset)?;
        Ok(Self {
            start_tick_index: fields.i32(8)?,
            whirlpool: fields.pubkey(12)?,
            layout: TickArrayLayout::Dynamic,
            initialized,
            liquidity_net: liquidity_net.into_boxed_slice(),
        })
    }
}

/// Settings of an adaptive fee, fixed by the fee tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdaptiveFeeConstants {
    /// Seconds within which swaps count as one burst: references stay.
    pub filter_period: u16,
    /// Seconds after which volatility is forgotten.
    pub decay_period: u16,
    /// Share of volatility kept between the two, in 1e-4.
    pub reduction_factor: u16,
    /// Steepness of the fee, in 1e-5.
    pub adaptive_fee_control_factor: u32,
    /// Cap of the volatility accumulator (1e-4 tick groups).
    pub max_volatility_accumulator: u32,
    /// Ticks of one tick group.
    pub tick_group_size: u16,
    /// Ticks a swap must move the price to count as major.
    pub major_swap_threshold_ticks: u16,
}

/// Memory of an adaptive fee, rewritten by every swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AdaptiveFeeVariables {
    /// Unix time at which the references were last set.
    pub last_reference_update_timestamp: u64,
    /// Unix time of the last major swap.
    pub last_major_swap_timestamp: u64,
    /// Volatility carried over, 1e-4 tick groups.
    pub volatility_reference: u32,
    /// Tick group from which distance is measured.
    pub tick_group_index_reference: i32,
    /// Volatility now, 1e-4 tick groups.
    pub volatility_accumulator: u32,
}

impl AdaptiveFeeVariables {
    /// Returns the 28 bytes as they lie in the account at offset 82.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 28] {
        let mut bytes = [0; 28];
        bytes[0..8].copy_from_slice(&self.last_reference_update_timestamp.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.last_major_swap_timestamp.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.volatility_reference.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.tick_group_index_reference.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.volatility_accumulator.to_le_bytes());
        bytes
    }
}

/// The adaptive-fee account of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oracle {
    /// Pool the oracle belongs to.
    pub whirlpool: Pubkey,
    /// Unix time before which swaps fail.
    pub trade_enable_timestamp: u64,
    /// Settings.
    pub constants: AdaptiveFeeConstants,
    /// Memory.
    pub variables: AdaptiveFeeVariables,
}

impl Oracle {
    pub(crate) fn read(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("Oracle", data, ORACLE_LEN)?;
        let oracle = Self {
            whirlpool: fields.pubkey(8)?,
            trade_enable_timestamp: fields.u64(40)?,
            constants: AdaptiveFeeConstants {
                filter_period: fields.u16(48)?,
                decay_period: fields.u16(50)?,
                reduction_factor: fields.u16(52)?,
                adaptive_fee_control_factor: fields.u32(54)?,
                max_volatility_accumulator: fields.u32(58)?,
                tick_group_size: fields.u16(62)?,
                major_swap_threshold_ticks: fields.u16(64)?,
            },
            variables: AdaptiveFeeVariables {
                last_reference_update_timestamp: fields.u64(82)?,
                last_major_swap_timestamp: fields.u64(90)?,
                volatility_reference: fields.u32(98)?,
                tick_group_index_reference: fields.i32(102)?,
                volatility_accumulator: fields.u32(106)?,
            },
        };
        let (constants, variables) = (&oracle.constants, &oracle.variables);
        let group_size = constants.tick_group_size;
        fields.check(group_size > 0, "tick_group_size", group_size, "at least 1")?;
        // The program's own bound, which keeps the fee formula within 64 bits.
        let product = u64::from(constants.max_volatility_accumulator) * u64::from(group_size);
        fields.check(
            u32::try_from(product).is_ok(),
            "max_volatility_accumulator * tick_group_size",
            product,
            "at most 4294967295",
        )?;
        fields.check(
            variables.volatility_reference <= constants.max_volatility_accumulator,
            "volatility_reference",
            variables.volatility_reference,
            "at most max_volatility_accumulator",
        )?;
        let groups = (MIN_TICK_INDEX - 1).div_euclid(i32::from(group_size))
            ..=MAX_TICK_INDEX.div_euclid(i32::from(group_size));
        fields.check(
            groups.contains(&variables.tick_group_index_reference),
            "tick_group_index_reference",
            variables.tick_group_index_reference,
            "the group of a valid tick",
        )?;
        Ok(oracle)
    }
}
