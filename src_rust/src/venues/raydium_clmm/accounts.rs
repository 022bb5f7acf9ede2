//! What the program's accounts look like; tick arrays have a file of their own.
//!
//! # Source
//! raydium-clmm, `states/{pool,config,tick_array,tickarray_bitmap_extension}.rs`. Fields that only the
//! program's newer sources know (`fee_on`, `dynamic_fee_info`, orders at ticks) are read too: they are
//! zero as long as nothing uses them.

use crate::decoders::{DecodeError, Fields};
use crate::quantities::Pubkey;
use crate::swap::Value;
use crate::venues::Account;
use crate::venues::layout::{Wire, account_layout};

use super::tick_math::{MAX_SQRT_PRICE_X64, MAX_TICK, MIN_SQRT_PRICE_X64, MIN_TICK};

/// Length of a `PoolState` account.
pub(super) const POOL_LEN: usize = 1544;
/// Length of an `AmmConfig` account.
pub(super) const CONFIG_LEN: usize = 117;
/// Length of a `TickArrayBitmapExtension` account.
pub(super) const EXTENSION_LEN: usize = 1832;

/// Fee rates of an `AmmConfig` are in 1e-6.
pub(super) const FEE_RATE_ONE: u32 = 1_000_000;

const REWARD_LEN: usize = 169;
const DYNAMIC_FEE_LEN: usize = 80;

account_layout! {
    /// One of three incentives paid to liquidity providers; a swap brings its growth up to date.
    pub struct RewardInfo ("RewardInfo", REWARD_LEN) {
        /// 0 not initialised, 1 initialised, 2 running, 3 ended.
        reward_state: u8 = 0,
        /// Unix seconds from which it is paid.
        open_time: u64 = 1,
        /// Unix seconds until which it is paid.
        end_time: u64 = 9,
        /// Unix seconds of the last update.
        last_update_time: u64 = 17,
        /// Base units a second, Q64.64.
        emissions_per_second_x64: u128 = 25,
        /// Base units paid out so far.
        reward_total_emissioned: u64 = 41,
        /// Base units claimed so far.
        reward_claimed: u64 = 49,
        /// What is paid; all zero: there is no such reward.
        token_mint: Pubkey = 57,
        /// From where it is paid.
        token_vault: Pubkey = 89,
        /// Who may change it.
        authority: Pubkey = 121,
        /// Base units per unit of liquidity, Q64.64.
        reward_growth_global_x64: u128 = 153,
    }
}

impl RewardInfo {
    /// Returns whether the reward exists.
    #[must_use]
    pub fn is_initialized(&self) -> bool {
        self.token_mint != Pubkey::default()
    }
}

account_layout! {
    /// Settings and state of a fee that follows volatility; newer than the program this crate quotes.
    pub struct DynamicFeeInfo ("DynamicFeeInfo", DYNAMIC_FEE_LEN) {
        /// Seconds during which the references are kept.
        filter_period: u16 = 0,
        /// Seconds after which volatility is forgotten.
        decay_period: u16 = 2,
        /// 1e-4 of the accumulator kept in between.
        reduction_factor: u16 = 4,
        /// Scale of the fee.
        dynamic_fee_control: u32 = 6,
        /// Most that the accumulator may hold.
        max_volatility_accumulator: u32 = 10,
        /// Index of the tick spacing that distances are measured from.
        tick_spacing_index_reference: i32 = 14,
        /// Volatility that a swap starts with.
        volatility_reference: u32 = 18,
        /// Volatility now.
        volatility_accumulator: u32 = 22,
        /// Unix seconds of the last update.
        last_update_timestamp: u64 = 26,
    }
}

impl DynamicFeeInfo {
    /// Returns whether the pool has no such fee.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        u64::from(self.filter_period | self.decay_period | self.reduction_factor)
            | u64::from(self.dynamic_fee_control | self.max_volatility_accumulator)
            | u64::from(self.volatility_reference | self.volatility_accumulator)
            | u64::from(self.tick_spacing_index_reference.unsigned_abs())
            | self.last_update_timestamp
            == 0
    }
}

impl Wire for [RewardInfo; 3] {
    const PYTHON: &'static str = "tuple[RewardInfo, ...]";

    fn read(fields: &Fields<'_>, _: &'static str, offset: usize) -> Result<Self, DecodeError> {
        let read = |index: usize| RewardInfo::read(&fields.bytes::<REWARD_LEN>(offset + index * REWARD_LEN)?);
        Ok([read(0)?, read(1)?, read(2)?])
    }

    fn value(&self) -> Value {
        Value::List(self.iter().map(|reward| Value::Record("RewardInfo", reward.values())).collect())
    }
}

impl Wire for DynamicFeeInfo {
    const PYTHON: &'static str = "DynamicFeeInfo";

    fn read(fields: &Fields<'_>, _: &'static str, offset: usize) -> Result<Self, DecodeError> {
        Self::read(&fields.bytes::<DYNAMIC_FEE_LEN>(offset)?)
    }

    fn value(&self) -> Value {
        Value::Record("DynamicFeeInfo", self.values())
    }
}

account_layout! {
    /// A pool.
    pub struct PoolState ("PoolState", POOL_LEN) {
        /// Bump of the pool's address.
        bump: u8 = 8,
        /// Where its fee rates are.
        amm_config: Pubkey = 9,
        /// Who created it.
        owner: Pubkey = 41,
        /// First token.
        token_mint_0: Pubkey = 73,
        /// Second token.
        token_mint_1: Pubkey = 105,
        /// Token account with the first token.
        token_vault_0: Pubkey = 137,
        /// Token account with the second token.
        token_vault_1: Pubkey = 169,
        /// Its price history.
        observation_key: Pubkey = 201,
        /// Decimals of the first token.
        mint_decimals_0: u8 = 233,
        /// Decimals of the second token.
        mint_decimals_1: u8 = 234,
        /// Distance of ticks that positions may end at.
        tick_spacing: u16 = 235,
        /// Liquidity in range at the present price.
        liquidity: u128 = 237,
        /// Square root of token 1 per token 0 in base units, Q64.64.
        sqrt_price_x64: u128 = 253,
        /// Tick of the present price; one below it right after a downward crossing.
        tick_current: i32 = 269,
        /// Fees of token 0 per unit of liquidity, Q64.64.
        fee_growth_global_0_x64: u128 = 277,
        /// Fees of token 1 per unit of liquidity, Q64.64.
        fee_growth_global_1_x64: u128 = 293,
        /// Base units of token 0 owed to the protocol.
        protocol_fees_token_0: u64 = 309,
        /// Base units of token 1 owed to the protocol.
        protocol_fees_token_1: u64 = 317,
        /// Base units of token 0 ever sold to the pool.
        swap_in_amount_token_0: u128 = 325,
        /// Base units of token 1 paid for them.
        swap_out_amount_token_1: u128 = 341,
        /// Base units of token 1 ever sold to the pool.
        swap_in_amount_token_1: u128 = 357,
        /// Base units of token 0 paid for them.
        swap_out_amount_token_0: u128 = 373,
        /// One bit for each thing forbidden; bit 4: swaps.
        status: u8 = 389,
        /// In which token fees are taken: 0 the input; others are newer than the program quoted here.
        fee_on: u8 = 390,
        /// Incentives.
        reward_infos: [RewardInfo; 3] = 397,
        /// A bit for each tick array with initialised ticks within 512 arrays of tick 0.
        tick_array_bitmap: [u64; 16] = 904,
        /// Base units of token 0 ever paid to liquidity providers.
        total_fees_token_0: u64 = 1032,
        /// Base units of token 0 of these that were claimed.
        total_fees_claimed_token_0: u64 = 1040,
        /// Base units of token 1 ever paid to liquidity providers.
        total_fees_token_1: u64 = 1048,
        /// Base units of token 1 of these that were claimed.
        total_fees_claimed_token_1: u64 = 1056,
        /// Base units of token 0 owed to the fund.
        fund_fees_token_0: u64 = 1064,
        /// Base units of token 1 owed to the fund.
        fund_fees_token_1: u64 = 1072,
        /// Unix seconds after which swaps are allowed.
        open_time: u64 = 1080,
        /// Epoch of the last change.
        recent_epoch: u64 = 1088,
        /// Fee that follows volatility; all zero: none.
        dynamic_fee_info: DynamicFeeInfo = 1096,
    }
}

impl PoolState {
    /// Reads a pool and refuses what the program never writes.
    ///
    /// # Errors
    /// [`DecodeError`]: too few bytes, a tick spacing of 0, a price or tick out of range.
    pub fn checked(data: &[u8]) -> Result<Self, DecodeError> {
        let pool = Self::read(data)?;
        let fields = Fields::new("PoolState", data, POOL_LEN)?;
        fields.check(pool.tick_spacing > 0, "tick_spacing", pool.tick_spacing, "at least 1")?;
        let in_range = (MIN_SQRT_PRICE_X64..MAX_SQRT_PRICE_X64).contains(&pool.sqrt_price_x64);
        fields.check(in_range, "sqrt_price_x64", pool.sqrt_price_x64, "within the program's bounds")?;
        let in_range = (MIN_TICK..=MAX_TICK).contains(&pool.tick_current);
        fields.check(in_range, "tick_current", pool.tick_current, "-443636 to 443636")?;
        Ok(pool)
    }

    /// Reads the account for printing.
    ///
    /// # Errors
    /// As [`checked`](Self::checked).
    pub fn checked_boxed(data: &[u8]) -> Result<Box<dyn Account>, DecodeError> {
        Ok(Box::new(Self::checked(data)?))
    }

    /// Returns whether a swap ever changed the pool.
    #[must_use]
    pub fn has_traded(&self) -> bool {
        self.swap_in_amount_token_0 | self.swap_in_amount_token_1 != 0
            || self.fee_growth_global_0_x64 | self.fee_growth_global_1_x64 != 0
    }
}

account_layout! {
    /// Fee rates shared by pools.
    pub struct AmmConfig ("AmmConfig", CONFIG_LEN) {
        /// Bump of its address.
        bump: u8 = 8,
        /// Number that its address follows from.
        index: u16 = 9,
        /// Who may change it.
        owner: Pubkey = 11,
        /// Part of the trade fee that goes to the protocol, 1e-6.
        protocol_fee_rate: u32 = 43,
        /// Fee on the input, 1e-6.
        trade_fee_rate: u32 = 47,
        /// Tick spacing of its pools.
        tick_spacing: u16 = 51,
        /// Part of the trade fee that goes to the fund, 1e-6.
        fund_fee_rate: u32 = 53,
        /// Who gets the fund's part.
        fund_owner: Pubkey = 61,
    }
}

impl AmmConfig {
    /// Reads a configuration and refuses rates that the program never writes.
    ///
    /// # Errors
    /// [`DecodeError`]: too few bytes, a fee of the whole amount, parts beyond the whole fee.
    pub fn checked(data: &[u8]) -> Result<Self, DecodeError> {
        let config = Self::read(data)?;
        let fields = Fields::new("AmmConfig", data, CONFIG_LEN)?;
        let rate = config.trade_fee_rate;
        fields.check(rate < FEE_RATE_ONE, "trade_fee_rate", rate, "less than 1000000")?;
        let parts = u64::from(config.protocol_fee_rate) + u64::from(config.fund_fee_rate);
        let possible = parts <= u64::from(FEE_RATE_ONE);
        fields.check(possible, "protocol_fee_rate + fund_fee_rate", parts, "at most 1000000")?;
        Ok(config)
    }

    /// Reads the account for printing.
    ///
    /// # Errors
    /// As [`checked`](Self::checked).
    pub fn checked_boxed(data: &[u8]) -> Result<Box<dyn Account>, DecodeError> {
        Ok(Box::new(Self::checked(data)?))
    }
}

account_layout! {
    /// The bits of a pool's bitmap that do not fit into its account.
    pub struct TickArrayBitmapExtension ("TickArrayBitmapExtension", EXTENSION_LEN) {
        /// The pool.
        pool_id: Pubkey = 8,
        /// Arrays above those in the pool's own bitmap, 14 rows of 512 bits.
        positive_tick_array_bitmap: [u64; 112] = 40,
        /// Arrays below, 14 rows of 512 bits; row 0 is the one next to the pool's own.
        negative_tick_array_bitmap: [u64; 112] = 936,
    }
}
