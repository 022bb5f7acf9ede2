//! The account types of the Whirlpool program: what they are to a pool, and how they are printed.

use crate::decoders::orca_whirlpool::{
    DYNAMIC_TICK_ARRAY, DYNAMIC_TICK_ARRAY_MIN_LEN, FIXED_TICK_ARRAY, FIXED_TICK_ARRAY_LEN, ORACLE,
    ORACLE_LEN, POOL, POOL_LEN, TickArrayLayout,
};
use crate::decoders::{
    AdaptiveFeeConstants, AdaptiveFeeVariables, DecodeError, Oracle, TickArray, Whirlpool,
};
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};
use crate::venues::layout::{Account, Layout, Lengths, Role, Wire};

type Names = &'static [(&'static str, &'static str)];

/// Lists fields of a struct that is read elsewhere: their names and Python types, and their values.
macro_rules! shown {
    ($account:ty, $names:ident, $values:ident, { $($field:ident: $kind:ty,)* }) => {
        const $names: Names = &[$((stringify!($field), <$kind as Wire>::PYTHON),)*];

        fn $values(account: &$account) -> Details {
            vec![$((stringify!($field), Wire::value(&account.$field)),)*]
        }
    };
}

shown!(Whirlpool, POOL_FIELDS, pool_values, {
    whirlpools_config: Pubkey,
    tick_spacing: u16,
    fee_tier_index: u16,
    fee_rate_e6: u16,
    protocol_fee_rate_bps: u16,
    liquidity: u128,
    sqrt_price_x64: u128,
    tick_current_index: i32,
    protocol_fee_owed_a: u64,
    protocol_fee_owed_b: u64,
    token_mint_a: Pubkey,
    token_vault_a: Pubkey,
    fee_growth_global_a: u128,
    token_mint_b: Pubkey,
    token_vault_b: Pubkey,
    fee_growth_global_b: u128,
    reward_last_updated_timestamp: u64,
    rewards: u8,
});

shown!(AdaptiveFeeConstants, CONSTANTS_FIELDS, constants_values, {
    filter_period: u16,
    decay_period: u16,
    reduction_factor: u16,
    adaptive_fee_control_factor: u32,
    max_volatility_accumulator: u32,
    tick_group_size: u16,
    major_swap_threshold_ticks: u16,
});

shown!(AdaptiveFeeVariables, VARIABLES_FIELDS, variables_values, {
    last_reference_update_timestamp: u64,
    last_major_swap_timestamp: u64,
    volatility_reference: u32,
    tick_group_index_reference: i32,
    volatility_accumulator: u32,
});

const CONSTANTS: &str = "AdaptiveFeeConstants";
const VARIABLES: &str = "AdaptiveFeeVariables";

const ORACLE_FIELDS: Names = &[
    ("whirlpool", "Address"),
    ("trade_enable_timestamp", "int"),
    ("constants", CONSTANTS),
    ("variables", VARIABLES),
];

const TICK_ARRAY_FIELDS: Names = &[
    ("start_tick_index", "int"),
    ("whirlpool", "Address"),
    ("layout", "str"),
    ("initialized", "int"),
    ("liquidity_net", "tuple[int, ...]"),
];

impl Account for Whirlpool {
    fn values(&self) -> Details {
        pool_values(self)
    }
}

impl Account for Oracle {
    fn values(&self) -> Details {
        vec![
            ("whirlpool", self.whirlpool.into()),
            ("trade_enable_timestamp", self.trade_enable_timestamp.into()),
            ("constants", Value::Record(CONSTANTS, constants_values(&self.constants))),
            ("variables", Value::Record(VARIABLES, variables_values(&self.variables))),
        ]
    }
}

impl Account for TickArray {
    fn values(&self) -> Details {
        let layout = match self.layout {
            TickArrayLayout::Fixed => "fixed",
            TickArrayLayout::Dynamic => "dynamic",
        };
        vec![
            ("start_tick_index", self.start_tick_index.into()),
            ("whirlpool", self.whirlpool.into()),
            ("layout", Value::Text(layout)),
            ("initialized", self.initialized.into()),
            ("liquidity_net", Value::List(self.liquidity_net.iter().map(|&net| net.into()).collect())),
        ]
    }
}

fn read_pool(data: &[u8]) -> Result<Box<dyn Account>, DecodeError> {
    Ok(Box::new(Whirlpool::read(data)?))
}

fn read_tick_array(data: &[u8]) -> Result<Box<dyn Account>, DecodeError> {
    Ok(Box::new(TickArray::read(data)?))
}

fn read_oracle(data: &[u8]) -> Result<Box<dyn Account>, DecodeError> {
    Ok(Box::new(Oracle::read(data)?))
}

/// Every account type of the program.
///
/// # Source
/// The published IDL 0.9.0; `cargo test layouts` derives the discriminators from the names.
pub(super) static LAYOUTS: [Layout; 12] = [
    Layout {
        name: "Whirlpool",
        discriminator: Some(POOL),
        owner: None,
        lengths: Lengths::Known(&[POOL_LEN]),
        role: Role::Pool,
        fields: POOL_FIELDS,
        records: &[],
        read: Some(read_pool),
    },
    Layout {
        name: "TickArray",
        discriminator: Some(FIXED_TICK_ARRAY),
        owner: None,
        lengths: Lengths::Known(&[FIXED_TICK_ARRAY_LEN]),
        role: Role::OfPool { pool_at: 9956 },
        fields: TICK_ARRAY_FIELDS,
        records: &[],
        read: Some(read_tick_array),
    },
    Layout {
        name: "DynamicTickArray",
        discriminator: Some(DYNAMIC_TICK_ARRAY),
        owner: None,
        lengths: Lengths::AtLeast(DYNAMIC_TICK_ARRAY_MIN_LEN),
        role: Role::OfPool { pool_at: 12 },
        fields: TICK_ARRAY_FIELDS,
        records: &[],
        read: Some(read_tick_array),
    },
    Layout {
        name: "Oracle",
        discriminator: Some(ORACLE),
        owner: None,
        lengths: Lengths::Known(&[ORACLE_LEN]),
        role: Role::OfPool { pool_at: 8 },
        fields: ORACLE_FIELDS,
        records: &[(CONSTANTS, CONSTANTS_FIELDS), (VARIABLES, VARIABLES_FIELDS)],
        read: Some(read_oracle),
    },
    Layout::unused("WhirlpoolsConfig", [0x9d, 0x14, 0x31, 0xe0, 0xd9, 0x57, 0xc1, 0xfe]),
    Layout::unused("WhirlpoolsConfigExtension", [0x02, 0x63, 0xd7, 0xa3, 0xf0, 0x1a, 0x99, 0x3a]),
    Layout::unused("FeeTier", [0x38, 0x4b, 0x9f, 0x4c, 0x8e, 0x44, 0xbe, 0x69]),
    Layout::unused("AdaptiveFeeTier", [0x93, 0x10, 0x90, 0x74, 0x2f, 0x92, 0x95, 0x2e]),
    Layout::unused("TokenBadge", [0x74, 0xdb, 0xcc, 0xe5, 0xf9, 0x74, 0xff, 0x96]),
    Layout::unused("Position", [0xaa, 0xbc, 0x8f, 0xe4, 0x7a, 0x40, 0xf7, 0xd0]),
    Layout::unused("PositionBundle", [0x81, 0xa9, 0xaf, 0x41, 0xb9, 0x5f, 0x20, 0x64]),
    Layout::unused("LockConfig", [0x6a, 0x2f, 0xee, 0x9f, 0x7c, 0x0c, 0xa0, 0xc0]),
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
}
