//! `PumpSwap`: constant product with fees in the quote token, by market capitalisation.
//!
//! A buy takes quote tokens and adds the fees on top, a sale takes them off what it gives. Of the
//! fees only the liquidity providers' part stays in the vault; the protocol's and the coin creator's
//! leave it. Which fee schedule holds follows from who made the pool, what it is quoted in and what
//! the coin is worth, so the base mint's supply is one of the inputs.
//!
//! The program is not published. Rounding, checks and words are those of its official SDK, which the
//! golden vectors were made with; where the SDK has no word, the program's error from its IDL is used.
//!
//! # Source
//! @pump-fun/pump-swap-sdk 1.20.0 (`buy`, `sell`, `fees`, `util`) and its IDL; pump-fees IDL.

mod addresses;
mod fee_config;
mod instruction;
mod layout;
mod pool;
mod rates;
mod refusal;
mod trade;

use super::{Layout, NewPool, PoolState, Role, Venue};
use crate::decoders::{DecodeError, address};
use crate::quantities::Pubkey;
use crate::venues::layout::Lengths;
pub use fee_config::{FeeConfig, FeeTier, Fees};
pub use layout::{GlobalConfig, Pool};
pub use pool::PumpSwapPool;

/// The exchange.
pub const PROGRAM: Pubkey = address("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA");
/// The bonding curves that coins come from.
pub const PUMP_PROGRAM: Pubkey = address("6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P");
/// Owner of the fee schedules.
pub const FEE_PROGRAM: Pubkey = address("pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ");
/// Settings of the exchange: `["global_config"]` under it.
pub const GLOBAL_CONFIG: Pubkey = address("ADyA8hdefvWN2dbGGWFotbzWxrAvLW83WG6QCVXvJKqw");
/// Its fee schedules: `["fee_config", exchange]` under the fee program.
pub const FEE_CONFIG: Pubkey = address("5PHirr8joyTMp9JMm6nW7hNDVyEYdkzDqazxPD7RaTjx");

/// An account type of the fee program that no quote needs.
const fn of_fee_program(name: &'static str, discriminator: [u8; 8]) -> Layout {
    Layout { owner: Some(FEE_PROGRAM), ..Layout::unused(name, discriminator) }
}

/// `PumpSwap`.
pub static VENUE: Venue = Venue {
    name: "pumpswap",
    programs: &[PROGRAM],
    mints_at: [43, 75],
    layouts: &[
        Layout {
            name: "Pool",
            discriminator: Some([241, 154, 109, 4, 17, 177, 109, 188]),
            owner: Some(PROGRAM),
            lengths: Lengths::Known(layout::POOL_LENGTHS),
            role: Role::Pool,
            fields: Pool::FIELDS,
            records: &[],
            read: Some(|data| Ok(Box::new(Pool::tolerant(data)?))),
        },
        Layout {
            name: "GlobalConfig",
            discriminator: Some([149, 8, 156, 202, 160, 252, 176, 217]),
            owner: Some(PROGRAM),
            lengths: Lengths::Known(layout::GLOBAL_CONFIG_LENGTHS),
            role: Role::Shared,
            fields: GlobalConfig::FIELDS,
            records: &[],
            read: Some(|data| Ok(Box::new(GlobalConfig::tolerant(data)?))),
        },
        Layout {
            name: "FeeConfig",
            discriminator: Some([143, 52, 146, 187, 219, 123, 76, 155]),
            owner: Some(FEE_PROGRAM),
            lengths: Lengths::Known(fee_config::LENGTHS),
            role: Role::Shared,
            fields: fee_config::FIELDS,
            records: fee_config::RECORDS,
            read: Some(|data| Ok(Box::new(FeeConfig::read(data)?))),
        },
        Layout::unused("GlobalVolumeAccumulator", [202, 42, 246, 43, 142, 190, 30, 255]),
        Layout::unused("UserVolumeAccumulator", [86, 255, 112, 14, 102, 53, 154, 250]),
        of_fee_program("BuybackVault", [153, 166, 71, 144, 179, 189, 137, 251]),
        of_fee_program("DonationFeePda", [246, 197, 96, 9, 193, 30, 93, 115]),
        of_fee_program("FeeProgramGlobal", [162, 165, 245, 49, 29, 37, 55, 242]),
        of_fee_program("SharingConfig", [216, 74, 9, 0, 56, 140, 93, 75]),
        of_fee_program("SocialFeePda", [139, 96, 53, 17, 42, 169, 206, 150]),
    ],
    instructions: &["buy_base_out", "buy_quote_in", "sell_base_in", "sell_quote_out"],
    open,
};

fn open(new: &NewPool<'_>) -> Result<Box<dyn PoolState>, DecodeError> {
    Ok(Box::new(PumpSwapPool::open(new)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::pda::find_program_address;

    #[test]
    fn configuration_addresses_are_the_derived_ones() {
        let derived = |seeds: &[&[u8]], program| find_program_address(seeds, program).unwrap().0;
        assert_eq!(derived(&[b"global_config"], &PROGRAM), GLOBAL_CONFIG);
        assert_eq!(derived(&[b"fee_config", &PROGRAM.0], &FEE_PROGRAM), FEE_CONFIG);
    }
}
