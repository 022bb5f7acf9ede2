//! Account layouts of the program.
//!
//! # Source
//! IDL of Meteora `cp-amm` 0.2.0; `state/*`.

use super::base_fee::BaseFee;
use super::dynamic_fee::DynamicFee;
use crate::decoders::{DecodeError, Fields};
use crate::quantities::Pubkey;
use crate::swap::Value;
use crate::venues::layout::{Layout, Lengths, Role, Wire, account_layout};

/// Bytes of a pool account.
pub(super) const POOL_LEN: usize = 1112;
/// Bytes of a configuration account.
const CONFIG_LEN: usize = 328;

/// Whether a pool takes swaps.
pub(super) const STATUS_ENABLED: u8 = 0;
/// Activation is counted in slots; else (1) in Unix seconds.
pub(super) const ACTIVATION_BY_SLOT: u8 = 0;
/// Fees are taken from the output.
pub(super) const COLLECT_BOTH_TOKENS: u8 = 0;
/// Fees are taken in token B and partly stay in the reserves of a constant product.
pub(super) const COLLECT_COMPOUNDING: u8 = 2;

/// A number of 256 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wide(pub ruint::aliases::U256);

impl Wire for Wide {
    const PYTHON: &'static str = "bytes";

    fn read(fields: &Fields<'_>, _: &'static str, offset: usize) -> Result<Self, DecodeError> {
        fields.bytes::<32>(offset).map(|bytes| Self(ruint::aliases::U256::from_le_bytes(bytes)))
    }

    /// Its bytes, the most significant first.
    fn value(&self) -> Value {
        Value::Bytes(self.0.to_be_bytes::<32>().to_vec())
    }
}

account_layout! {
    /// A pool: one range of concentrated liquidity, or a constant product (`collect_fee_mode` 2).
    pub struct Pool ("Pool", POOL_LEN) {
        /// The fee that its creator set.
        base_fee: BaseFee = 8,
        /// Share of the protocol in every fee, 1e-2.
        protocol_fee_percent: u8 = 48,
        /// Share of a referrer in the protocol's share, 1e-2.
        referral_fee_percent: u8 = 50,
        /// Share of the rest that goes back into the reserves, 1e-4.
        compounding_fee_bps: u16 = 54,
        /// The fee that follows volatility.
        dynamic_fee: DynamicFee = 56,
        /// Price when the pool was created, Q64.64 square root.
        init_sqrt_price: u128 = 152,
        /// Mint of token A.
        token_a_mint: Pubkey = 168,
        /// Mint of token B.
        token_b_mint: Pubkey = 200,
        /// Token account that holds token A.
        token_a_vault: Pubkey = 232,
        /// Token account that holds token B.
        token_b_vault: Pubkey = 264,
        /// Who may buy up to an hour before activation.
        whitelisted_vault: Pubkey = 296,
        /// Liquidity; of a range in units of 2^-64 of a square root of base units squared.
        liquidity: u128 = 360,
        /// Protocol fees not yet claimed, base units of token A.
        protocol_a_fee: u64 = 392,
        /// Protocol fees not yet claimed, base units of token B.
        protocol_b_fee: u64 = 400,
        /// Lowest price of the range, Q64.64 square root.
        sqrt_min_price: u128 = 424,
        /// Highest price of the range, Q64.64 square root.
        sqrt_max_price: u128 = 440,
        /// Price, Q64.64 square root of B per A.
        sqrt_price: u128 = 456,
        /// Slot or Unix seconds from which the pool takes swaps.
        activation_point: u64 = 472,
        /// 0: activation and fee periods count slots; 1: Unix seconds.
        activation_type: u8 = 480,
        /// 0: takes swaps; 1: does not.
        pool_status: u8 = 481,
        /// 0: token A is of SPL Token; 1: of Token-2022.
        token_a_flag: u8 = 482,
        /// 0: token B is of SPL Token; 1: of Token-2022.
        token_b_flag: u8 = 483,
        /// 0: fees in the output token; 1: in token B; 2: in token B, partly compounding.
        collect_fee_mode: u8 = 484,
        /// 0: permissionless; 1: customizable.
        pool_type: u8 = 485,
        /// 0: the fee is at most 50 %; 1: at most 99 %.
        fee_version: u8 = 486,
        /// Fees per liquidity so far in token A, Q128.
        fee_a_per_liquidity: Wide = 488,
        /// Fees per liquidity so far in token B, Q128.
        fee_b_per_liquidity: Wide = 520,
        /// Liquidity locked for ever.
        permanent_lock_liquidity: u128 = 552,
        /// Fees of liquidity providers ever, base units of token A.
        total_lp_a_fee: u128 = 568,
        /// Fees of liquidity providers ever, base units of token B.
        total_lp_b_fee: u128 = 584,
        /// Fees of the protocol ever, base units of token A.
        total_protocol_a_fee: u64 = 600,
        /// Fees of the protocol ever, base units of token B.
        total_protocol_b_fee: u64 = 608,
        /// Number of positions.
        total_position: u64 = 632,
        /// Who created the pool.
        creator: Pubkey = 648,
        /// Reserve in base units of token A, fees excluded.
        token_a_amount: u64 = 680,
        /// Reserve in base units of token B, fees excluded.
        token_b_amount: u64 = 688,
        /// 0: reserves are not kept yet, the next swap computes them; 1: they are.
        layout_version: u8 = 696,
    }
}

account_layout! {
    /// A configuration from which pools are made; a pool does not follow its later changes.
    pub struct Config ("Config", CONFIG_LEN) {
        /// Vault that may buy before activation.
        vault_config_key: Pubkey = 8,
        /// Who may create pools from it.
        pool_creator_authority: Pubkey = 40,
        /// Base fee of its pools.
        base_fee: BaseFee = 72,
        /// Share of the protocol in every fee, 1e-2.
        protocol_fee_percent: u8 = 152,
        /// Share of a referrer in the protocol's share, 1e-2.
        referral_fee_percent: u8 = 154,
        /// Share that compounds, 1e-4.
        compounding_fee_bps: u16 = 158,
        /// 0: by slot; 1: by Unix seconds.
        activation_type: u8 = 200,
        /// As in a pool.
        collect_fee_mode: u8 = 201,
        /// 0: all parameters are fixed here; 1: the pool's creator chooses them.
        config_type: u8 = 202,
        /// Its number.
        index: u64 = 208,
        /// Lowest price of its pools, Q64.64 square root.
        sqrt_min_price: u128 = 216,
        /// Highest price of its pools, Q64.64 square root.
        sqrt_max_price: u128 = 232,
    }
}

impl Pool {
    /// Reads a pool whose modes and versions are all known.
    ///
    /// # Errors
    /// [`DecodeError`]: too few bytes, or a mode that the program never writes.
    pub(super) fn read_known(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("Pool", data, POOL_LEN)?;
        let known: [(&'static str, usize, u8, &'static str); 5] = [
            ("pool_status", 481, 1, "0 or 1"),
            ("activation_type", 480, 1, "0 or 1"),
            ("collect_fee_mode", 484, 2, "0, 1 or 2"),
            ("fee_version", 486, 1, "0 or 1"),
            ("layout_version", 696, 1, "0 or 1"),
        ];
        for (field, offset, highest, expected) in known {
            let value = fields.u8(offset)?;
            fields.check(value <= highest, field, value, expected)?;
        }
        Self::read(data)
    }

    fn read_known_boxed(data: &[u8]) -> Result<Box<dyn crate::venues::Account>, DecodeError> {
        Ok(Box::new(Self::read_known(data)?))
    }
}

const POOL_RECORDS: &[(&str, &[(&str, &str)])] = &[
    BaseFee::RECORDS[0],
    BaseFee::RECORDS[1],
    BaseFee::RECORDS[2],
    (<DynamicFee as Wire>::PYTHON, DynamicFee::FIELDS),
];

/// Every account type of the program.
pub(super) static LAYOUTS: &[Layout] = &[
    Layout {
        name: "Pool",
        discriminator: Some([241, 154, 109, 4, 17, 177, 109, 188]),
        owner: None,
        lengths: Lengths::Known(&[POOL_LEN]),
        role: Role::Pool,
        fields: Pool::FIELDS,
        records: POOL_RECORDS,
        read: Some(Pool::read_known_boxed),
    },
    Layout {
        name: "Config",
        discriminator: Some([155, 12, 170, 224, 30, 250, 204, 130]),
        owner: None,
        lengths: Lengths::Known(&[CONFIG_LEN]),
        role: Role::Unused,
        fields: Config::FIELDS,
        records: BaseFee::RECORDS,
        read: Some(Config::read_boxed),
    },
    Layout::unused("Operator", [219, 31, 188, 145, 69, 139, 204, 117]),
    Layout::unused("Position", [170, 188, 143, 228, 122, 64, 247, 208]),
    Layout::unused("TokenBadge", [116, 219, 204, 229, 249, 116, 255, 150]),
    Layout::unused("Vesting", [100, 149, 66, 138, 95, 200, 128, 241]),
    // The IDL lists these; they stand inside pools and configurations, never alone.
    Layout::unused("PodAlignedFeeMarketCapScheduler", [251, 130, 208, 253, 245, 27, 145, 203]),
    Layout::unused("PodAlignedFeeRateLimiter", [160, 219, 8, 251, 179, 7, 16, 117]),
    Layout::unused("PodAlignedFeeTimeScheduler", [239, 132, 138, 213, 67, 154, 130, 70]),
    // Of 0.1.x; such accounts may still exist.
    Layout::unused("ClaimFeeOperator", [166, 48, 134, 86, 34, 200, 188, 150]),
];
