//! The accounts a quote reads.

use crate::quantities::Pubkey;
use crate::venues::layout::{Lengths, account_layout};
use crate::venues::{Layout, Role};

/// `PoolState` in the program.
pub(super) const STATE: Layout = Layout {
    name: "PoolState",
    discriminator: Some(STATE_DISCRIMINATOR),
    owner: None,
    lengths: Lengths::Known(&[STATE_LEN]),
    role: Role::Pool,
    fields: CpmmState::FIELDS,
    records: &[],
    read: Some(CpmmState::read_boxed),
};

/// `AmmConfig` in the program.
pub(super) const CONFIG: Layout = Layout {
    name: "AmmConfig",
    discriminator: Some(CONFIG_DISCRIMINATOR),
    owner: None,
    lengths: Lengths::Known(&[CONFIG_LEN]),
    role: Role::Shared,
    fields: CpmmConfig::FIELDS,
    records: &[],
    read: Some(CpmmConfig::read_boxed),
};

pub(super) const STATE_DISCRIMINATOR: [u8; 8] = [0xf7, 0xed, 0xe3, 0xf5, 0xd7, 0xc3, 0xde, 0x46];
pub(super) const CONFIG_DISCRIMINATOR: [u8; 8] = [0xda, 0xf4, 0x21, 0x68, 0xcb, 0xcb, 0x2b, 0x6f];
const STATE_LEN: usize = 637;
const CONFIG_LEN: usize = 236;

account_layout! {
    /// A pool. Amounts are base units.
    pub struct CpmmState ("PoolState", STATE_LEN) {
        /// Configuration: the fee rates.
        amm_config: Pubkey = 8,
        /// Who created the pool and may collect its creator fees.
        pool_creator: Pubkey = 40,
        /// Token account that holds token 0.
        token_0_vault: Pubkey = 72,
        /// Token account that holds token 1.
        token_1_vault: Pubkey = 104,
        /// Mint of the shares.
        lp_mint: Pubkey = 136,
        /// Mint of token 0.
        token_0_mint: Pubkey = 168,
        /// Mint of token 1.
        token_1_mint: Pubkey = 200,
        /// Token program of token 0.
        token_0_program: Pubkey = 232,
        /// Token program of token 1.
        token_1_program: Pubkey = 264,
        /// Oracle account.
        observation_key: Pubkey = 296,
        /// Bump of the program's authority.
        auth_bump: u8 = 328,
        /// Bits: 0 no deposits, 1 no withdrawals, 2 no swaps.
        status: u8 = 329,
        /// Decimals of the shares.
        lp_mint_decimals: u8 = 330,
        /// Decimals of token 0.
        mint_0_decimals: u8 = 331,
        /// Decimals of token 1.
        mint_1_decimals: u8 = 332,
        /// Shares in circulation.
        lp_supply: u64 = 333,
        /// Protocol fees in the vault of token 0, not yet collected.
        protocol_fees_token_0: u64 = 341,
        /// Protocol fees in the vault of token 1, not yet collected.
        protocol_fees_token_1: u64 = 349,
        /// Fund fees in the vault of token 0, not yet collected.
        fund_fees_token_0: u64 = 357,
        /// Fund fees in the vault of token 1, not yet collected.
        fund_fees_token_1: u64 = 365,
        /// When swaps open, unix seconds.
        open_time: u64 = 373,
        /// Epoch of the last change.
        recent_epoch: u64 = 381,
        /// What the creator fee is taken of: 0 the input, 1 token 0, 2 token 1.
        creator_fee_on: u8 = 389,
        /// Whether there is a creator fee.
        enable_creator_fee: bool = 390,
        /// Creator fees in the vault of token 0, not yet collected.
        creator_fees_token_0: u64 = 397,
        /// Creator fees in the vault of token 1, not yet collected.
        creator_fees_token_1: u64 = 405,
    }
}

account_layout! {
    /// The fee rates of many pools, in 1e-6.
    pub struct CpmmConfig ("AmmConfig", CONFIG_LEN) {
        /// Bump of the account's address.
        bump: u8 = 8,
        /// Whether new pools are forbidden.
        disable_create_pool: bool = 9,
        /// Number of the configuration.
        index: u16 = 10,
        /// Share of the input that traders pay.
        trade_fee_rate: u64 = 12,
        /// Share of the trade fee that goes to the protocol.
        protocol_fee_rate: u64 = 20,
        /// Share of the trade fee that goes to the fund.
        fund_fee_rate: u64 = 28,
        /// Price of a new pool, lamports.
        create_pool_fee: u64 = 36,
        /// Who collects protocol fees.
        protocol_owner: Pubkey = 44,
        /// Who collects fund fees.
        fund_owner: Pubkey = 76,
        /// Share of the input or output that goes to the pool's creator, where the pool has that fee.
        creator_fee_rate: u64 = 108,
    }
}
