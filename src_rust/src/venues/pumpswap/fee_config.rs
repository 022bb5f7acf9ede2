//! The fee schedules, which have no fixed offsets behind the first list.
//!
//! # Source
//! pump-fees IDL, `FeeConfig`; pump-swap-sdk, `versionedFeeConfigData`: the account's length says
//! which lists it has, and stale bytes beyond those are not read.

use crate::decoders::{DecodeError, Fields};
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};
use crate::venues::Account;

/// Lengths of the account: without stable tiers, with them, with exotic fees as well.
pub(super) const LENGTHS: &[usize] = &[OLDEST, WITH_STABLE, WITH_EXOTIC];
const OLDEST: usize = 2512;
const WITH_STABLE: usize = 4073;
const WITH_EXOTIC: usize = 4097;

const FLAT_FEES_OFFSET: usize = 41;
const FEE_TIERS_OFFSET: usize = 65;
const FEES_LEN: usize = 24;
const FEE_TIER_LEN: usize = 16 + FEES_LEN;

/// Names and Python types of the fields.
pub(super) const FIELDS: &[(&str, &str)] = &[
    ("bump", "int"),
    ("admin", "Address"),
    ("flat_fees", "Fees"),
    ("fee_tiers", "tuple[FeeTier, ...]"),
    ("stable_fee_tiers", "tuple[FeeTier, ...]"),
    ("exotic_flat_fees", "Fees"),
];
/// The nested structures among them.
pub(super) const RECORDS: &[(&str, &[(&str, &str)])] = &[
    ("Fees", &[("lp_fee_bps", "int"), ("protocol_fee_bps", "int"), ("creator_fee_bps", "int")]),
    ("FeeTier", &[("market_cap_lamports_threshold", "int"), ("fees", "Fees")]),
];

/// Three fees, each in 1e-4 of the quote amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fees {
    /// Of the liquidity providers.
    pub lp_fee_bps: u64,
    /// Of the protocol.
    pub protocol_fee_bps: u64,
    /// Of the coin's creator.
    pub creator_fee_bps: u64,
}

/// The fees from some market capitalisation on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeTier {
    /// Least capitalisation, base units of the quote token.
    pub market_cap_lamports_threshold: u128,
    /// The fees.
    pub fees: Fees,
}

/// The fee schedules of one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeConfig {
    /// Bump seed of its address.
    pub bump: u8,
    /// Who may change it.
    pub admin: Pubkey,
    /// For pools that Pump did not make.
    pub flat_fees: Fees,
    /// For Pump's pools quoted in SOL, by rising threshold.
    pub fee_tiers: Vec<FeeTier>,
    /// For Pump's pools quoted in USDC, by rising threshold; none in older accounts.
    pub stable_fee_tiers: Vec<FeeTier>,
    /// For Pump's pools quoted in anything else; all zero: the flat fees hold.
    pub exotic_flat_fees: Fees,
}

impl FeeConfig {
    /// Reads fee schedules.
    ///
    /// # Errors
    /// [`DecodeError`]: shorter than the oldest layout, or a list that runs past the account.
    pub fn read(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("FeeConfig", data, OLDEST)?;
        let (fee_tiers, mut end) = read_tiers(&fields, "fee_tiers", FEE_TIERS_OFFSET, data.len())?;
        let mut stable_fee_tiers = Vec::new();
        if data.len() >= WITH_STABLE {
            (stable_fee_tiers, end) = read_tiers(&fields, "stable_fee_tiers", end, data.len())?;
        }
        let exotic_flat_fees =
            if data.len() >= WITH_EXOTIC { read_fees(&fields, end)? } else { Fees::default() };
        Ok(Self {
            bump: fields.u8(8)?,
            admin: fields.pubkey(9)?,
            flat_fees: read_fees(&fields, FLAT_FEES_OFFSET)?,
            fee_tiers,
            stable_fee_tiers,
            exotic_flat_fees,
        })
    }
}

fn read_fees(fields: &Fields<'_>, offset: usize) -> Result<Fees, DecodeError> {
    Ok(Fees {
        lp_fee_bps: fields.u64(offset)?,
        protocol_fee_bps: fields.u64(offset + 8)?,
        creator_fee_bps: fields.u64(offset + 16)?,
    })
}

/// Returns a list and where it ends; its length is checked before anything is allocated.
fn read_tiers(
    fields: &Fields<'_>,
    name: &'static str,
    offset: usize,
    len: usize,
) -> Result<(Vec<FeeTier>, usize), DecodeError> {
    let count = fields.u32(offset)?;
    let start = offset + 4;
    let end =
        usize::try_from(count).ok().and_then(|count| count.checked_mul(FEE_TIER_LEN)?.checked_add(start));
    let Some(end) = end.filter(|&end| end <= len) else {
        return Err(DecodeError::ImpossibleField {
            account: "FeeConfig",
            field: name,
            value: count.to_string(),
            expected: "as many as fit the account",
        });
    };
    let tiers = (start..end).step_by(FEE_TIER_LEN).map(|offset| {
        Ok(FeeTier {
            market_cap_lamports_threshold: fields.u128(offset)?,
            fees: read_fees(fields, offset + 16)?,
        })
    });
    Ok((tiers.collect::<Result<_, DecodeError>>()?, end))
}

impl From<Fees> for Value {
    fn from(fees: Fees) -> Self {
        Self::Record(
            "Fees",
            vec![
                ("lp_fee_bps", fees.lp_fee_bps.into()),
                ("protocol_fee_bps", fees.protocol_fee_bps.into()),
                ("creator_fee_bps", fees.creator_fee_bps.into()),
            ],
        )
    }
}

impl From<FeeTier> for Value {
    fn from(tier: FeeTier) -> Self {
        Self::Record(
            "FeeTier",
            vec![
                ("market_cap_lamports_threshold", tier.market_cap_lamports_threshold.into()),
                ("fees", tier.fees.into()),
            ],
        )
    }
}

impl Account for FeeConfig {
    fn values(&self) -> Details {
        let tiers = |tiers: &[FeeTier]| Value::List(tiers.iter().map(|&tier| tier.into()).collect());
        vec![
            ("bump", self.bump.into()),
            ("admin", self.admin.into()),
            ("flat_fees", self.flat_fees.into()),
            ("fee_tiers", tiers(&self.fee_tiers)),
            ("stable_fee_tiers", tiers(&self.stable_fee_tiers)),
            ("exotic_flat_fees", self.exotic_flat_fees.into()),
        ]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// An account with one tier in each list, everything after them set to ones.
    fn account(len: usize) -> Vec<u8> {
        let mut data = vec![0; FEE_TIERS_OFFSET];
        data[FLAT_FEES_OFFSET] = 7;
        for threshold in [5_u128, 6] {
            data.extend(1_u32.to_le_bytes());
            data.extend(threshold.to_le_bytes());
            data.extend([20_u64, 5, 30].map(u64::to_le_bytes).concat());
        }
        data.extend([10_u64, 10, 10].map(u64::to_le_bytes).concat());
        data.resize(len, 0xff);
        data
    }

    #[test]
    fn the_length_says_which_lists_there_are() {
        let tier = |threshold| FeeTier {
            market_cap_lamports_threshold: threshold,
            fees: Fees { lp_fee_bps: 20, protocol_fee_bps: 5, creator_fee_bps: 30 },
        };
        let newest = FeeConfig::read(&account(WITH_EXOTIC)).unwrap();
        assert_eq!(newest.flat_fees, Fees { lp_fee_bps: 7, ..Fees::default() });
        assert_eq!((newest.fee_tiers, newest.stable_fee_tiers), (vec![tier(5)], vec![tier(6)]));
        assert_eq!(newest.exotic_flat_fees.creator_fee_bps, 10);
        let middle = FeeConfig::read(&account(WITH_STABLE)).unwrap();
        assert_eq!((middle.stable_fee_tiers.len(), middle.exotic_flat_fees), (1, Fees::default()));
        let oldest = FeeConfig::read(&account(OLDEST)).unwrap();
        assert_eq!((oldest.fee_tiers.len(), oldest.stable_fee_tiers.len()), (1, 0));
        assert!(FeeConfig::read(&account(OLDEST - 1)).is_err());
    }

    #[test]
    fn a_list_longer_than_the_account_is_refused() {
        let mut data = account(WITH_EXOTIC);
        data[FEE_TIERS_OFFSET..FEE_TIERS_OFFSET + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(
            FeeConfig::read(&data),
            Err(DecodeError::ImpossibleField { field: "fee_tiers", .. })
        ));
    }
}
