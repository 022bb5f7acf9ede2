//! Mints byte by byte, as token-2022 lays them out (`interface/src/state.rs`, `interface/src/extension`).
#![allow(dead_code, reason = "each test binary uses its part")]

use phantom_core::quantities::Pubkey;

/// Who may do what the mint allows somebody to do.
pub const ISSUER: Pubkey = Pubkey([7; 32]);

/// A mint to be written down.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "as the layout calls them")]
pub struct Mint {
    pub mint_authority: Option<Pubkey>,
    pub freeze_authority: Option<Pubkey>,
    /// Types and values, with headers; `None`: no room for extensions.
    pub extensions: Option<Vec<u8>>,
}

impl Mint {
    /// Six decimals, a million base units, nobody in power.
    pub fn plain() -> Self {
        Self { mint_authority: None, freeze_authority: None, extensions: None }
    }

    /// With room for extensions.
    pub fn extended(mut self) -> Self {
        self.extensions.get_or_insert_default();
        self
    }

    /// With one extension more.
    pub fn with(self, kind: u16, value: &[u8]) -> Self {
        let mut mint = self.extended();
        let extensions = mint.extensions.get_or_insert_default();
        extensions.extend(kind.to_le_bytes());
        extensions.extend(u16::try_from(value.len()).expect("a value fits its length").to_le_bytes());
        extensions.extend(value);
        mint
    }

    /// Its account data.
    pub fn bytes(&self) -> Vec<u8> {
        let mut data = vec![0; 82];
        for (offset, authority) in [(0, self.mint_authority), (46, self.freeze_authority)] {
            if let Some(key) = authority {
                data[offset] = 1;
                data[offset + 4..offset + 36].copy_from_slice(&key.0);
            }
        }
        data[36..44].copy_from_slice(&1_000_000_u64.to_le_bytes());
        (data[44], data[45]) = (6, 1);
        if let Some(extensions) = &self.extensions {
            data.resize(165, 0);
            data.push(1);
            data.extend(extensions);
        }
        data
    }

    /// A token account instead of a mint.
    pub fn token_account() -> Vec<u8> {
        let mut data = vec![0; 165];
        data[108] = 1;
        data
    }
}

/// `TransferFeeConfig` without authorities: epoch, 1/10,000 and maximum of the older and the newer fee.
pub fn transfer_fee(older: (u64, u16, u64), newer: (u64, u16, u64)) -> Vec<u8> {
    let mut value = vec![0; 72];
    for (epoch, basis_points, maximum_fee) in [older, newer] {
        value.extend(epoch.to_le_bytes());
        value.extend(maximum_fee.to_le_bytes());
        value.extend(basis_points.to_le_bytes());
    }
    value
}
