//! The Clock sysvar: the time by which programs decay volatility and pick transfer fees.

use super::{DecodeError, Fields};
use crate::quantities::{Pubkey, Slot};
use crate::venues::layout::{Layout, Lengths, Role, account_layout};

/// Owner of every sysvar account: `Sysvar1111111111111111111111111111111111111`.
pub const OWNER: Pubkey = Pubkey([
    6, 167, 213, 23, 24, 117, 247, 41, 199, 61, 147, 64, 143, 33, 97, 32, 6, 126, 216, 140, 118, 224, 140,
    40, 127, 193, 148, 96, 0, 0, 0, 0,
]);

/// `SysvarC1ock11111111111111111111111111111111`.
pub const CLOCK: Pubkey = Pubkey([
    6, 167, 213, 23, 24, 199, 116, 201, 40, 86, 99, 152, 105, 29, 94, 182, 139, 94, 184, 163, 155, 75, 109,
    92, 115, 85, 91, 33, 0, 0, 0, 0,
]);

/// What the chain takes for the present moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// Present slot.
    pub slot: Slot,
    /// Present epoch.
    pub epoch: u64,
    /// Seconds since 1970, as the cluster estimates them.
    pub unix_timestamp: u64,
}

impl Clock {
    const LEN: usize = 40;

    /// Returns the clock in a sysvar account's data.
    ///
    /// # Errors
    /// [`DecodeError::WrongLength`], [`DecodeError::ImpossibleField`] for a time before 1970.
    ///
    /// # Source
    /// solana-sdk `clock`: slot u64, `epoch_start_timestamp` i64, epoch u64, `leader_schedule_epoch` u64,
    /// `unix_timestamp` i64, little-endian.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("Clock", data, Self::LEN)?;
        let unix_timestamp = fields.u64(32)?;
        fields.check(
            i64::try_from(unix_timestamp).is_ok(),
            "unix_timestamp",
            unix_timestamp,
            "not before 1970",
        )?;
        Ok(Self { slot: fields.u64(0)?, epoch: fields.u64(16)?, unix_timestamp })
    }
}

account_layout! {
    /// The Clock sysvar with every field, for people.
    ///
    /// # Source
    /// solana-sdk `clock`, as [`Clock::decode`].
    pub struct ClockAccount ("Clock", Clock::LEN) {
        /// Present slot.
        slot: u64 = 0,
        /// Unix seconds at which the epoch began.
        epoch_start_timestamp: i64 = 8,
        /// Present epoch.
        epoch: u64 = 16,
        /// Latest epoch for which the leaders are known.
        leader_schedule_epoch: u64 = 24,
        /// Unix seconds, as the cluster estimates them.
        unix_timestamp: i64 = 32,
    }
}

/// The sysvars that this crate reads: the clock, which is told by its length.
pub static LAYOUTS: &[Layout] = &[Layout {
    name: "Clock",
    discriminator: None,
    owner: Some(OWNER),
    lengths: Lengths::Known(&[Clock::LEN]),
    role: Role::Shared,
    fields: ClockAccount::FIELDS,
    records: &[],
    read: Some(ClockAccount::read_boxed),
}];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_the_published_ones() {
        assert_eq!(OWNER.to_string(), "Sysvar1111111111111111111111111111111111111");
        assert_eq!(CLOCK.to_string(), "SysvarC1ock11111111111111111111111111111111");
    }

    #[test]
    fn clock_fields_are_read_and_wrong_lengths_refused() {
        let mut data = Vec::new();
        for word in [250_000_000u64, 1, 579, 580, 1_704_512_986] {
            data.extend(word.to_le_bytes());
        }
        let clock = Clock { slot: 250_000_000, epoch: 579, unix_timestamp: 1_704_512_986 };
        assert_eq!(Clock::decode(&data), Ok(clock));
        assert!(Clock::decode(&data[..39]).is_err());
        data[39] = 0x80;
        assert!(Clock::decode(&data).is_err());
    }
}
