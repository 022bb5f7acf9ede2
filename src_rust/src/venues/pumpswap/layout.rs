//! Pools and the exchange's settings. Both grew over time: what an older account lacks is zero.

use crate::decoders::DecodeError;
use crate::quantities::Pubkey;
use crate::venues::layout::account_layout;

/// Lengths of pools, oldest layout first; 300 is what the program extends them to.
pub(super) const POOL_LENGTHS: &[usize] = &[211, 243, 244, 245, 261, POOL_LEN, 300];
/// Lengths of the settings, oldest layout first.
pub(super) const GLOBAL_CONFIG_LENGTHS: &[usize] = &[907, 940, GLOBAL_CONFIG_LEN];

const POOL_LEN: usize = 270;
const GLOBAL_CONFIG_LEN: usize = 949;

account_layout! {
    /// A pool: token A is the base, token B the quote token.
    ///
    /// # Source
    /// pump-amm IDL, `Pool`; little-endian, packed, after the discriminator.
    pub struct Pool ("Pool", POOL_LEN) {
        /// Bump seed of the pool's address.
        pool_bump: u8 = 8,
        /// Number among the creator's pools of these mints.
        index: u16 = 9,
        /// Who made the pool: for coins of Pump an address derived from the base mint.
        creator: Pubkey = 11,
        /// Mint of the base token, the coin.
        base_mint: Pubkey = 43,
        /// Mint of the quote token.
        quote_mint: Pubkey = 75,
        /// Mint of the pool's own tokens.
        lp_mint: Pubkey = 107,
        /// Vault of the base token.
        pool_base_token_account: Pubkey = 139,
        /// Vault of the quote token.
        pool_quote_token_account: Pubkey = 171,
        /// Pool tokens in circulation, without burnt and locked ones.
        lp_supply: u64 = 203,
        /// Who gets the creator's fee; all zero for nobody.
        coin_creator: Pubkey = 211,
        /// Whether the coin is in mayhem mode: its capitalisation counts a fixed supply.
        is_mayhem_mode: bool = 243,
        /// Whether the creator's fee goes back to the traders.
        is_cashback_coin: bool = 244,
        /// Quote units that count for the price but are not there.
        virtual_quote_reserves: i128 = 245,
        /// Creator's fee of this pool in 1e-4, instead of the schedule's; 0 for none of its own.
        creator_fee_bps: u64 = 261,
        /// Whether the creator may change that fee.
        can_edit_creator_fee: bool = 269,
    }
}

account_layout! {
    /// Settings of the exchange.
    ///
    /// # Source
    /// pump-amm IDL, `GlobalConfig`; little-endian, packed, after the discriminator.
    pub struct GlobalConfig ("GlobalConfig", GLOBAL_CONFIG_LEN) {
        /// Who may change these settings.
        admin: Pubkey = 8,
        /// Fee of liquidity providers in 1e-4 where there is no fee schedule.
        lp_fee_basis_points: u64 = 40,
        /// Fee of the protocol in 1e-4 where there is no fee schedule.
        protocol_fee_basis_points: u64 = 48,
        /// Bits that switch off: 0 create pool, 1 deposit, 2 withdraw, 3 buy, 4 sell.
        disable_flags: u8 = 56,
        /// Who may receive the protocol's fee.
        protocol_fee_recipients: [Pubkey; 8] = 57,
        /// Fee of coin creators in 1e-4 where there is no fee schedule.
        coin_creator_fee_basis_points: u64 = 313,
        /// Who may name coin creators.
        admin_set_coin_creator_authority: Pubkey = 321,
        /// Address of the whitelist.
        whitelist_pda: Pubkey = 353,
        /// Who may receive the protocol's fee on coins in mayhem mode.
        reserved_fee_recipient: Pubkey = 385,
        /// Whether coins may be in mayhem mode.
        mayhem_mode_enabled: bool = 417,
        /// Further recipients of that fee.
        reserved_fee_recipients: [Pubkey; 7] = 418,
        /// Whether coins may give the creator's fee back.
        is_cashback_enabled: bool = 642,
        /// Who may receive the share for buying back.
        buyback_fee_recipients: [Pubkey; 8] = 643,
        /// Share of the protocol's fee for buying back, in 1e-4.
        buyback_basis_points: u64 = 899,
        /// Who may boost pools.
        boost_authority: Pubkey = 907,
        /// Whether pools may be boosted.
        boost_enabled: bool = 939,
        /// Whether a pool's own creator fee replaces the schedule's.
        creator_fee_configurable: bool = 940,
        /// Highest creator fee that a pool may have, in 1e-4.
        max_configurable_creator_fee_bps: u64 = 941,
    }
}

/// Returns the first `N` bytes of `data`, zero where there are none; refuses less than `least`.
fn padded<const N: usize>(account: &'static str, data: &[u8], least: usize) -> Result<[u8; N], DecodeError> {
    if data.len() < least {
        return Err(DecodeError::WrongLength { account, found: data.len(), expected: least });
    }
    let mut bytes = [0; N];
    for (byte, &given) in bytes.iter_mut().zip(data) {
        *byte = given;
    }
    Ok(bytes)
}

impl Pool {
    /// Reads a pool of any age.
    ///
    /// # Errors
    /// [`DecodeError`]: shorter than the oldest layout, or a flag that is neither 0 nor 1.
    pub fn tolerant(data: &[u8]) -> Result<Self, DecodeError> {
        Self::read(&padded::<POOL_LEN>("Pool", data, POOL_LENGTHS[0])?)
    }
}

impl GlobalConfig {
    /// Reads settings of any age.
    ///
    /// # Errors
    /// [`DecodeError`]: shorter than the oldest layout, or a flag that is neither 0 nor 1.
    pub fn tolerant(data: &[u8]) -> Result<Self, DecodeError> {
        Self::read(&padded::<GLOBAL_CONFIG_LEN>("GlobalConfig", data, GLOBAL_CONFIG_LENGTHS[0])?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_pool_lacks_is_zero_and_shorter_ones_are_refused() {
        let mut data = vec![1; 300];
        let whole = Pool::tolerant(&data).unwrap();
        assert_eq!(whole.creator_fee_bps, 0x0101_0101_0101_0101);
        data.truncate(244);
        let older = Pool::tolerant(&data).unwrap();
        assert!(older.is_mayhem_mode && !older.is_cashback_coin);
        assert_eq!((older.virtual_quote_reserves, older.creator_fee_bps), (0, 0));
        assert!(Pool::tolerant(&data[..210]).is_err());
        assert!(GlobalConfig::tolerant(&[0; 906]).is_err());
        assert!(!GlobalConfig::tolerant(&[1; 940]).unwrap().creator_fee_configurable);
    }
}
