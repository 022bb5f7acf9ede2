//! Mints and token accounts with every field, for people.

use super::{
    Fields, Kind, MINT_LEN, Mint, MintRestriction, TOKEN_2022_PROGRAM, TOKEN_ACCOUNT_LEN, TokenAccount,
    TransferFee, TransferFeeConfig, kind, walk_extensions,
};
use crate::decoders::DecodeError;
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};
use crate::venues::layout::{Account, Layout, Lengths, Role};

const STATE_FROZEN: &str = "frozen";
const STATE_INITIALIZED: &str = "initialized";

/// Account types of both token programs. Which one an account is takes more than its length:
/// see [`decode_account`].
pub static LAYOUTS: &[Layout] = &[
    Layout {
        name: "Mint",
        discriminator: None,
        owner: None,
        lengths: Lengths::AtLeast(MINT_LEN),
        role: Role::Shared,
        fields: &[
            ("mint_authority", "Address | None"),
            ("supply", "int"),
            ("decimals", "int"),
            ("freeze_authority", "Address | None"),
            ("extensions", "tuple[int, ...]"),
            ("transfer_fee", "TransferFeeConfig | None"),
            ("transfer_hook_program", "Address | None"),
            ("restriction", "str | None"),
        ],
        records: &[
            ("TransferFee", &[("epoch", "int"), ("maximum_fee", "int"), ("basis_points", "int")]),
            ("TransferFeeConfig", &[("older", "TransferFee"), ("newer", "TransferFee")]),
        ],
        read: Some(|data| Ok(Box::new(MintAccount::read(&TOKEN_2022_PROGRAM, data)?))),
    },
    Layout {
        name: "TokenAccount",
        discriminator: None,
        owner: None,
        lengths: Lengths::AtLeast(TOKEN_ACCOUNT_LEN),
        role: Role::Shared,
        fields: &[
            ("mint", "Address"),
            ("owner", "Address"),
            ("amount", "int"),
            ("delegate", "Address | None"),
            ("state", "str"),
            ("native_reserve", "int | None"),
            ("delegated_amount", "int"),
            ("close_authority", "Address | None"),
            ("extensions", "tuple[int, ...]"),
        ],
        records: &[],
        read: Some(|data| Ok(Box::new(TokenAccountState::read(data)?))),
    },
];

/// Returns what the account of `owner`, one of the token programs, is, and its fields.
///
/// # Errors
/// [`DecodeError`]: another owner, no length of either, or a field the program never writes.
pub fn decode_account(
    owner: &Pubkey,
    data: &[u8],
) -> Result<(&'static Layout, Box<dyn Account>), DecodeError> {
    let [mint, token_account] = LAYOUTS else { return Err(DecodeError::WrongOwner { owner: *owner }) };
    Ok(match kind(owner, data)? {
        Kind::Mint => (mint, Box::new(MintAccount::read(owner, data)?)),
        Kind::TokenAccount => (token_account, Box::new(TokenAccountState::read(data)?)),
    })
}

/// A mint with every field of its base and what matters of its extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintAccount {
    /// What quotes read.
    pub mint: Mint,
    /// Who may mint, if anyone.
    pub mint_authority: Option<Pubkey>,
    /// Type numbers of its extensions, in their order.
    pub extensions: Vec<u16>,
}

impl MintAccount {
    fn read(owner: &Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        let mint = Mint::read(owner, data)?;
        let fields = Fields::new("Mint", data, MINT_LEN)?;
        let mint_authority = optional(&fields, "mint_authority", 0, Fields::pubkey)?;
        Ok(Self { mint, mint_authority, extensions: extensions(&fields, data.len())? })
    }
}

/// A token account with every field of its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAccountState {
    /// What quotes read.
    pub account: TokenAccount,
    /// Who else may move tokens, if anyone.
    pub delegate: Option<Pubkey>,
    /// Lamports that stay for rent, if the tokens are wrapped SOL.
    pub native_reserve: Option<u64>,
    /// Base units that the delegate may move.
    pub delegated_amount: u64,
    /// Who may close it, if not its owner.
    pub close_authority: Option<Pubkey>,
    /// Type numbers of its extensions, in their order.
    pub extensions: Vec<u16>,
}

impl TokenAccountState {
    fn read(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("token account", data, TOKEN_ACCOUNT_LEN)?;
        Ok(Self {
            account: TokenAccount::read(data)?,
            delegate: optional(&fields, "delegate", 72, Fields::pubkey)?,
            native_reserve: optional(&fields, "is_native", 109, Fields::u64)?,
            delegated_amount: fields.u64(121)?,
            close_authority: optional(&fields, "close_authority", 129, Fields::pubkey)?,
            extensions: extensions(&fields, data.len())?,
        })
    }
}

/// Reads a value behind a 32-bit tag that says whether it is there.
pub(crate) fn optional<'a, T>(
    fields: &Fields<'a>,
    name: &'static str,
    offset: usize,
    read: fn(&Fields<'a>, usize) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    let tag = fields.u32(offset)?;
    fields.check(tag <= 1, name, tag, "0 or 1")?;
    if tag == 1 { read(fields, offset + 4).map(Some) } else { Ok(None) }
}

fn extensions(fields: &Fields<'_>, len: usize) -> Result<Vec<u16>, DecodeError> {
    let mut kinds = Vec::new();
    walk_extensions(fields, len, |kind, _, _| {
        kinds.push(kind);
        Ok(())
    })?;
    Ok(kinds)
}

fn or_none<T: Into<Value>>(value: Option<T>) -> Value {
    value.map_or(Value::None, Into::into)
}

fn numbers(kinds: &[u16]) -> Value {
    Value::List(kinds.iter().map(|&kind| kind.into()).collect())
}

impl From<TransferFee> for Value {
    fn from(fee: TransferFee) -> Self {
        Self::Record(
            "TransferFee",
            vec![
                ("epoch", fee.epoch.into()),
                ("maximum_fee", fee.maximum_fee.into()),
                ("basis_points", fee.basis_points.into()),
            ],
        )
    }
}

impl From<TransferFeeConfig> for Value {
    fn from(config: TransferFeeConfig) -> Self {
        let TransferFeeConfig { older, newer } = config;
        Self::Record("TransferFeeConfig", vec![("older", older.into()), ("newer", newer.into())])
    }
}

impl Account for MintAccount {
    fn values(&self) -> Details {
        let mint = &self.mint;
        let hook = match mint.restriction {
            Some(MintRestriction::TransferHook { program }) => Some(program),
            _ => None,
        };
        vec![
            ("mint_authority", or_none(self.mint_authority)),
            ("supply", mint.supply.into()),
            ("decimals", mint.decimals.into()),
            ("freeze_authority", or_none(mint.freeze_authority)),
            ("extensions", numbers(&self.extensions)),
            ("transfer_fee", or_none(mint.transfer_fee)),
            ("transfer_hook_program", or_none(hook)),
            (
                "restriction",
                mint.restriction.map_or(Value::None, |restriction| Value::Text(restriction.reason())),
            ),
        ]
    }
}

impl Account for TokenAccountState {
    fn values(&self) -> Details {
        let TokenAccount { mint, owner, amount, is_frozen } = self.account;
        vec![
            ("mint", mint.into()),
            ("owner", owner.into()),
            ("amount", amount.into()),
            ("delegate", or_none(self.delegate)),
            ("state", Value::Text(if is_frozen { STATE_FROZEN } else { STATE_INITIALIZED })),
            ("native_reserve", or_none(self.native_reserve)),
            ("delegated_amount", self.delegated_amount.into()),
            ("close_authority", or_none(self.close_authority)),
            ("extensions", numbers(&self.extensions)),
        ]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::TOKEN_PROGRAM;
    use super::*;

    fn shown(owner: &Pubkey, data: &[u8]) -> (&'static str, Vec<(&'static str, String)>) {
        let (layout, account) = decode_account(owner, data).unwrap();
        let values = account.values().into_iter();
        (layout.name, values.map(|(name, value)| (name, value.to_string())).collect())
    }

    fn field(fields: &[(&str, String)], name: &str) -> String {
        fields.iter().find(|(field, _)| *field == name).unwrap().1.clone()
    }

    /// A mint with a transfer fee that falls from 1 % to 0.5 % in epoch 9, and a memo-like tail.
    fn token_2022_mint() -> Vec<u8> {
        let mut data = vec![0; 166];
        data[0] = 1;
        data[4..36].copy_from_slice(&[7; 32]);
        data[36..44].copy_from_slice(&1_234_u64.to_le_bytes());
        (data[44], data[45], data[165]) = (6, 1, 1);
        data.extend([1, 0, 108, 0]);
        data.extend([0; 72]);
        for (epoch, maximum, bps) in [(3_u64, 50_u64, 100_u16), (9, 60, 50)] {
            data.extend(epoch.to_le_bytes());
            data.extend(maximum.to_le_bytes());
            data.extend(bps.to_le_bytes());
        }
        data.extend([18, 0, 64, 0]);
        data.extend([0; 64]);
        data
    }

    #[test]
    fn a_mint_shows_authorities_extensions_and_both_fees() {
        let (name, fields) = shown(&TOKEN_2022_PROGRAM, &token_2022_mint());
        assert_eq!(name, "Mint");
        assert_eq!(field(&fields, "mint_authority"), Pubkey([7; 32]).to_string());
        assert_eq!(field(&fields, "freeze_authority"), "none");
        assert_eq!(field(&fields, "extensions"), "[1, 18]");
        assert_eq!(
            field(&fields, "transfer_fee"),
            "TransferFeeConfig(older=TransferFee(epoch=3, maximum_fee=50, basis_points=100), \
             newer=TransferFee(epoch=9, maximum_fee=60, basis_points=50))"
        );
        assert_eq!(field(&fields, "restriction"), "none");
    }

    #[test]
    fn a_token_account_shows_delegate_and_state() {
        let mut data = vec![0; 165];
        data[64] = 5;
        data[72] = 1;
        data[76..108].copy_from_slice(&[9; 32]);
        data[108] = 2;
        data[109] = 1;
        data[113] = 44;
        let (name, fields) = shown(&TOKEN_PROGRAM, &data);
        assert_eq!(name, "TokenAccount");
        assert_eq!(field(&fields, "delegate"), Pubkey([9; 32]).to_string());
        assert_eq!(
            (field(&fields, "state"), field(&fields, "native_reserve")),
            ("frozen".into(), "44".into())
        );
        data[129] = 2;
        assert!(decode_account(&TOKEN_PROGRAM, &data).is_err());
    }

    #[test]
    fn a_multisig_is_no_mint_and_no_account() {
        let mut data = vec![1; 355];
        data[165] = 2;
        assert!(matches!(decode_account(&TOKEN_2022_PROGRAM, &data), Err(DecodeError::WrongLength { .. })));
    }
}
