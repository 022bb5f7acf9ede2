//! The account types of the DLMM program.

use crate::decoders::DecodeError;
use crate::quantities::Pubkey;
use crate::venues::layout::{Layout, Lengths, Role, account_layout};

use super::bin_array::{BIN_ARRAY_LEN, BIN_FIELDS, BinArray};

/// Length of a pair's account.
pub(super) const LB_PAIR_LEN: usize = 904;
const EXTENSION_LEN: usize = 1576;
const ORACLE_HEADER_LEN: usize = 32;
const PRESET_PARAMETER_2_LEN: usize = 192;

/// Farthest bin from 0 that any pair has: with the smallest step its price leaves 64 bits.
const MAX_BIN_ID: i32 = 443_636;

pub(super) const LB_PAIR: [u8; 8] = [0x21, 0x0b, 0x31, 0x62, 0xb5, 0x65, 0xb1, 0x0d];
pub(super) const BIN_ARRAY: [u8; 8] = [0x5c, 0x8e, 0x5c, 0xdc, 0x05, 0x94, 0x46, 0xb5];
pub(super) const BITMAP_EXTENSION: [u8; 8] = [0x50, 0x6f, 0x7c, 0x71, 0x37, 0xed, 0x12, 0x05];
const ORACLE: [u8; 8] = [0x8b, 0xc2, 0x83, 0xb3, 0x8c, 0xb3, 0xe5, 0xf4];
const PRESET_PARAMETER_2: [u8; 8] = [0xab, 0xec, 0x94, 0x73, 0xa2, 0x71, 0xde, 0xae];

account_layout! {
    /// A pair: the pool.
    pub struct LbPair("LbPair", LB_PAIR_LEN) {
        /// Base fee rate in units of `bin_step * 10^(1 + base_fee_power_factor)` 1e-9.
        base_factor: u16 = 8,
        /// Seconds within which a swap goes on counting volatility.
        filter_period: u16 = 10,
        /// Seconds after which volatility is forgotten.
        decay_period: u16 = 12,
        /// Part of the volatility that is kept in between, basis points.
        reduction_factor: u16 = 14,
        /// Scales the variable fee; 0 = none.
        variable_fee_control: u32 = 16,
        /// Most volatility that counts, 1e-4 bins.
        max_volatility_accumulator: u32 = 20,
        /// Lowest bin that a swap can be in.
        min_bin_id: i32 = 24,
        /// Highest bin that a swap can be in.
        max_bin_id: i32 = 28,
        /// Program's part of liquidity providers' fees, basis points.
        protocol_share: u16 = 32,
        /// Power of ten in the base fee.
        base_fee_power_factor: u8 = 34,
        /// 0 undetermined, 1 liquidity mining, 2 limit orders.
        function_type: u8 = 35,
        /// 0 fees in the input token, 1 fees in token Y.
        collect_fee_mode: u8 = 36,
        /// Volatility at the last bin traded in, 1e-4 bins.
        volatility_accumulator: u32 = 40,
        /// Volatility that later swaps start from, 1e-4 bins.
        volatility_reference: u32 = 44,
        /// Bin that distance is counted from.
        index_reference: i32 = 48,
        /// When a swap last changed the bin, Unix seconds.
        last_update_timestamp: i64 = 56,
        /// Bump of the pair's address.
        bump_seed: u8 = 72,
        /// 0 permissionless, 1 permission, 2 customizable permissionless, 3 permissionless v2.
        pair_type: u8 = 75,
        /// Bin of the present price.
        active_id: i32 = 76,
        /// Step of prices, basis points.
        bin_step: u16 = 80,
        /// 0 enabled, 1 disabled.
        status: u8 = 82,
        /// 0 slot, 1 Unix seconds.
        activation_type: u8 = 86,
        /// Whether the creator may switch the pair on and off.
        creator_pool_on_off_control: u8 = 87,
        /// First token.
        token_x_mint: Pubkey = 88,
        /// Second token.
        token_y_mint: Pubkey = 120,
        /// Vault of the first token.
        reserve_x: Pubkey = 152,
        /// Vault of the second token.
        reserve_y: Pubkey = 184,
        /// Fees of the program in token X, base units.
        protocol_fee_x: u64 = 216,
        /// Fees of the program in token Y, base units.
        protocol_fee_y: u64 = 224,
        /// Mint of the first reward; zero if there is none.
        reward_mint_0: Pubkey = 264,
        /// When the first reward ends, Unix seconds.
        reward_duration_end_0: u64 = 368,
        /// When the first reward was last counted, Unix seconds.
        reward_last_update_0: u64 = 392,
        /// Mint of the second reward; zero if there is none.
        reward_mint_1: Pubkey = 408,
        /// When the second reward ends, Unix seconds.
        reward_duration_end_1: u64 = 512,
        /// When the second reward was last counted, Unix seconds.
        reward_last_update_1: u64 = 536,
        /// The pair's price oracle.
        oracle: Pubkey = 552,
        /// Which arrays -512..=511 hold liquidity.
        bin_array_bitmap: [u64; 16] = 584,
        /// When rewards were last counted, Unix seconds.
        last_updated_at: i64 = 712,
        /// Who may swap early.
        pre_activation_swap_address: Pubkey = 752,
        /// Signer of a permission pair's address.
        base_key: Pubkey = 784,
        /// Slot or second from which on swaps are allowed, for pair types 1 and 2.
        activation_point: u64 = 816,
        /// How much earlier `pre_activation_swap_address` may swap.
        pre_activation_duration: u64 = 824,
        /// Who made the pair.
        creator: Pubkey = 848,
        /// 0 SPL Token, 1 Token-2022.
        token_mint_x_program_flag: u8 = 880,
        /// 0 SPL Token, 1 Token-2022.
        token_mint_y_program_flag: u8 = 881,
        /// Version of the layout.
        version: u8 = 882,
    }
}

account_layout! {
    /// Which arrays beyond the pair's own bitmap hold liquidity.
    pub struct BinArrayBitmapExtension("BinArrayBitmapExtension", EXTENSION_LEN) {
        /// The pair.
        lb_pair: Pubkey = 8,
        /// Arrays 512 and up, 512 to a row.
        positive_bin_array_bitmap: [u64; 96] = 40,
        /// Arrays -513 and down, 512 to a row.
        negative_bin_array_bitmap: [u64; 96] = 808,
    }
}

account_layout! {
    /// Header of a pair's price oracle. No quote reads it.
    pub struct Oracle("Oracle", ORACLE_HEADER_LEN) {
        /// Newest observation.
        idx: u64 = 8,
        /// Observations in use.
        active_size: u64 = 16,
        /// Observations that fit.
        length: u64 = 24,
    }
}

account_layout! {
    /// Settings that new pairs start with. No quote reads them: a pair holds its own copy.
    pub struct PresetParameter2("PresetParameter2", PRESET_PARAMETER_2_LEN) {
        /// Step of prices, basis points.
        bin_step: u16 = 8,
        /// As in [`LbPair`].
        base_factor: u16 = 10,
        /// As in [`LbPair`].
        filter_period: u16 = 12,
        /// As in [`LbPair`].
        decay_period: u16 = 14,
        /// As in [`LbPair`].
        variable_fee_control: u32 = 16,
        /// As in [`LbPair`].
        max_volatility_accumulator: u32 = 20,
        /// As in [`LbPair`].
        reduction_factor: u16 = 24,
        /// As in [`LbPair`].
        protocol_share: u16 = 26,
        /// Number of these settings.
        index: u16 = 28,
        /// As in [`LbPair`].
        base_fee_power_factor: u8 = 30,
        /// As `function_type` of [`LbPair`].
        concrete_function_type: u8 = 31,
        /// As in [`LbPair`].
        collect_fee_mode: u8 = 32,
    }
}

impl LbPair {
    /// Reads the pair and refuses what the program this was written for does not know.
    ///
    /// # Errors
    /// [`DecodeError`]: too few bytes, or an unknown status, type or mode.
    pub fn read_known(data: &[u8]) -> Result<Self, DecodeError> {
        let pair = Self::read(data)?;
        let known: [(&'static str, u8, u8, &'static str); 5] = [
            ("status", pair.status, 1, "0 or 1"),
            ("pair_type", pair.pair_type, 3, "0 to 3"),
            ("activation_type", pair.activation_type, 1, "0 or 1"),
            ("function_type", pair.function_type, 2, "0 to 2"),
            ("collect_fee_mode", pair.collect_fee_mode, 1, "0 or 1"),
        ];
        for (field, value, most, expected) in known {
            if value > most {
                let value = value.to_string();
                return Err(DecodeError::ImpossibleField { account: "LbPair", field, value, expected });
            }
        }
        if !(-MAX_BIN_ID..=MAX_BIN_ID).contains(&pair.active_id) {
            return Err(DecodeError::ImpossibleField {
                account: "LbPair",
                field: "active_id",
                value: pair.active_id.to_string(),
                expected: "within 443636 of 0",
            });
        }
        Ok(pair)
    }

    /// Returns whether bins hold limit orders besides liquidity.
    pub(super) fn has_limit_orders(&self) -> bool {
        let no_rewards = || [self.reward_mint_0, self.reward_mint_1] == [Pubkey::default(); 2];
        self.function_type == 2 || (self.function_type == 0 && no_rewards())
    }

    /// Returns whether the fee of a swap is in its input token.
    pub(super) fn fee_on_input(&self, a_to_b: bool) -> bool {
        self.collect_fee_mode == 0 || !a_to_b
    }

    /// Returns the slot or second from which on swaps are allowed, if there is one.
    pub(super) fn opens_at(&self) -> Option<u64> {
        matches!(self.pair_type, 1 | 2).then_some(self.activation_point)
    }
}

/// Every account type of the program.
///
/// # Source
/// The published IDL 0.12.0; a test derives the discriminators from the names.
pub(super) static LAYOUTS: [Layout; 12] = [
    Layout {
        name: "LbPair",
        discriminator: Some(LB_PAIR),
        owner: None,
        lengths: Lengths::Known(&[LB_PAIR_LEN]),
        role: Role::Pool,
        fields: LbPair::FIELDS,
        records: &[],
        read: Some(|data| Ok(Box::new(LbPair::read_known(data)?))),
    },
    Layout {
        name: "BinArray",
        discriminator: Some(BIN_ARRAY),
        owner: None,
        lengths: Lengths::Known(&[BIN_ARRAY_LEN]),
        role: Role::OfPool { pool_at: 24 },
        fields: BinArray::FIELDS,
        records: &[("Bin", BIN_FIELDS)],
        read: Some(|data| Ok(Box::new(BinArray::read(data)?))),
    },
    Layout {
        name: "BinArrayBitmapExtension",
        discriminator: Some(BITMAP_EXTENSION),
        owner: None,
        lengths: Lengths::Known(&[EXTENSION_LEN]),
        role: Role::OfPool { pool_at: 8 },
        fields: BinArrayBitmapExtension::FIELDS,
        records: &[],
        read: Some(BinArrayBitmapExtension::read_boxed),
    },
    Layout {
        name: "Oracle",
        discriminator: Some(ORACLE),
        owner: None,
        lengths: Lengths::AtLeast(ORACLE_HEADER_LEN),
        role: Role::Unused,
        fields: Oracle::FIELDS,
        records: &[],
        read: Some(Oracle::read_boxed),
    },
    Layout {
        name: "PresetParameter2",
        discriminator: Some(PRESET_PARAMETER_2),
        owner: None,
        lengths: Lengths::Known(&[PRESET_PARAMETER_2_LEN]),
        role: Role::Unused,
        fields: PresetParameter2::FIELDS,
        records: &[],
        read: Some(PresetParameter2::read_boxed),
    },
    Layout::unused("PresetParameter", [0xf2, 0x3e, 0xf4, 0x22, 0xb5, 0x70, 0x3a, 0xaa]),
    Layout::unused("PositionV2", [0x75, 0xb0, 0xd4, 0xc7, 0xf5, 0xb4, 0x85, 0xb6]),
    Layout::unused("LimitOrder", [0x89, 0xb7, 0xd4, 0x5b, 0x73, 0x1d, 0x8d, 0xe3]),
    Layout::unused("TokenBadge", [0x74, 0xdb, 0xcc, 0xe5, 0xf9, 0x74, 0xff, 0x96]),
    Layout::unused("ClaimFeeOperator", [0xa6, 0x30, 0x86, 0x56, 0x22, 0xc8, 0xbc, 0x96]),
    Layout::unused("Operator", [0xdb, 0x1f, 0xbc, 0x91, 0x45, 0x8b, 0xcc, 0x75]),
    Layout::unused("DummyZcAccount", [0x5e, 0x6b, 0xee, 0x50, 0xd0, 0x30, 0xb4, 0x08]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// Anchor's rule, independent of the table.
    #[test]
    fn layouts_have_the_discriminators_of_their_names() {
        for layout in &LAYOUTS {
            let digest = Sha256::digest(format!("account:{}", layout.name));
            assert_eq!(layout.discriminator.map(Vec::from), Some(digest[..8].to_vec()), "{}", layout.name);
        }
    }

    #[test]
    fn an_unknown_status_type_or_mode_is_refused() {
        for (offset, field) in [
            (82, "status"),
            (75, "pair_type"),
            (86, "activation_type"),
            (35, "function_type"),
            (36, "collect_fee_mode"),
        ] {
            let mut data = [0; LB_PAIR_LEN];
            assert!(LbPair::read_known(&data).is_ok());
            data[offset] = 4;
            let refused = LbPair::read_known(&data);
            assert!(
                matches!(refused, Err(DecodeError::ImpossibleField { field: found, .. }) if found == field),
                "{field}: {refused:?}"
            );
        }
    }
}
