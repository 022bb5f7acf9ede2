//! Mints and token accounts of SPL Token and Token-2022.
//!
//! A quote needs three things of a mint: its decimals, its transfer fee, and whether an extension
//! makes amounts unpredictable ([`MintRestriction`]).
//!
//! # Source
//! solana-program/token and token-2022, `interface/src/{state,extension}`.

mod accounts;

use super::{DecodeError, Fields, address};
use crate::quantities::Pubkey;
pub(crate) use accounts::optional;
pub use accounts::{LAYOUTS, MintAccount, TokenAccountState, decode_account};

/// SPL Token.
pub const TOKEN_PROGRAM: Pubkey = address("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// Token-2022.
pub const TOKEN_2022_PROGRAM: Pubkey = address("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");

/// Bytes of a mint without extensions.
pub(crate) const MINT_LEN: usize = 82;
const TOKEN_ACCOUNT_LEN: usize = 165;
/// No mint or token account has this length, whatever its extensions.
const MULTISIG_LEN: usize = 355;
/// Where a Token-2022 account says what it is, and its extensions start right after.
const ACCOUNT_TYPE_OFFSET: usize = 165;
const ACCOUNT_TYPE_MINT: u8 = 1;
const ACCOUNT_TYPE_ACCOUNT: u8 = 2;

/// Extension types (`ExtensionType`) that this crate looks into or must know to be harmless.
mod extension {
    pub(super) const TRANSFER_FEE_CONFIG: u16 = 1;
    pub(super) const NON_TRANSFERABLE: u16 = 9;
    pub(super) const TRANSFER_HOOK: u16 = 14;
    pub(super) const PAUSABLE: u16 = 26;
    /// Highest type known; the others up to it leave transferred amounts alone.
    pub(super) const LAST_KNOWN: u16 = 28;
}

/// Whether `program` is one of the two token programs.
#[must_use]
pub fn is_program(program: &Pubkey) -> bool {
    *program == TOKEN_PROGRAM || *program == TOKEN_2022_PROGRAM
}

/// An account of a token program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    /// A mint.
    Mint(Mint),
    /// A token account.
    TokenAccount(TokenAccount),
}

/// Returns the mint or token account with these bytes.
///
/// # Errors
/// [`DecodeError`]: no length of either, or a field the program never writes.
pub fn decode(owner: &Pubkey, data: &[u8]) -> Result<Decoded, DecodeError> {
    Ok(match kind(owner, data)? {
        Kind::Mint => Decoded::Mint(Mint::read(owner, data)?),
        Kind::TokenAccount => Decoded::TokenAccount(TokenAccount::read(data)?),
    })
}

/// What an account of the token programs is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mint,
    TokenAccount,
}

/// Returns what an account is, by its length and, in Token-2022, by the type it names.
fn kind(owner: &Pubkey, data: &[u8]) -> Result<Kind, DecodeError> {
    if !is_program(owner) {
        return Err(DecodeError::WrongOwner { owner: *owner });
    }
    if data.len() == MINT_LEN {
        return Ok(Kind::Mint);
    }
    let fields = Fields::new("token account", data, TOKEN_ACCOUNT_LEN)?;
    if data.len() == TOKEN_ACCOUNT_LEN {
        return Ok(Kind::TokenAccount);
    }
    if *owner == TOKEN_PROGRAM || data.len() == MULTISIG_LEN {
        return Err(DecodeError::WrongLength {
            account: "SPL token account",
            found: data.len(),
            expected: TOKEN_ACCOUNT_LEN,
        });
    }
    match fields.u8(ACCOUNT_TYPE_OFFSET)? {
        ACCOUNT_TYPE_MINT => Ok(Kind::Mint),
        ACCOUNT_TYPE_ACCOUNT => Ok(Kind::TokenAccount),
        other => Err(DecodeError::ImpossibleField {
            account: "Token-2022 account",
            field: "account type",
            value: other.to_string(),
            expected: "1 or 2",
        }),
    }
}

/// A transfer fee as it holds in some epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransferFee {
    /// First epoch in which it holds.
    pub epoch: u64,
    /// Most that one transfer pays, base units.
    pub maximum_fee: u64,
    /// Rate in 1e-4 of the amount.
    pub basis_points: u16,
}

/// The two fees of a mint: the one in force and its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransferFeeConfig {
    /// Holds before `newer.epoch`.
    pub older: TransferFee,
    /// Holds from its own epoch on.
    pub newer: TransferFee,
}

impl TransferFeeConfig {
    /// Returns the fee that holds in `epoch`.
    #[must_use]
    pub fn at(&self, epoch: u64) -> TransferFee {
        if epoch >= self.newer.epoch { self.newer } else { self.older }
    }
}

/// Why amounts of a mint cannot be quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MintRestriction {
    /// A program of the mint's choice runs in every transfer.
    TransferHook {
        /// That program.
        program: Pubkey,
    },
    /// Tokens cannot be transferred at all.
    NonTransferable,
    /// Transfers are paused now.
    Paused,
    /// An extension newer than this decoder.
    UnknownExtension {
        /// Its type number.
        extension: u16,
    },
}

impl MintRestriction {
    /// Returns a short name, stable across releases, for counting.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::TransferHook { .. } => "mint_transfer_hook",
            Self::NonTransferable => "mint_non_transferable",
            Self::Paused => "mint_paused",
            Self::UnknownExtension { .. } => "mint_unknown_extension",
        }
    }
}

/// What a quote needs of a mint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mint {
    /// Token program that owns it.
    pub program: Pubkey,
    /// Supply in base units.
    pub supply: u64,
    /// Decimals of the display amount.
    pub decimals: u8,
    /// Who may freeze accounts, if anyone.
    pub freeze_authority: Option<Pubkey>,
    /// Transfer fees, if the mint has the extension.
    pub transfer_fee: Option<TransferFeeConfig>,
    /// What forbids quoting, if anything.
    pub restriction: Option<MintRestriction>,
}

impl Mint {
    /// Returns the mint with these bytes; see [`decode`].
    ///
    /// # Errors
    /// [`DecodeError`]: too few bytes, or a field the program never writes.
    fn read(owner: &Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("Mint", data, MINT_LEN)?;
        let initialized = fields.u8(45)?;
        fields.check(initialized == 1, "is_initialized", initialized, "1")?;
        let freeze_tag = fields.u32(46)?;
        fields.check(freeze_tag <= 1, "freeze_authority", freeze_tag, "0 or 1")?;
        let mut mint = Self {
            program: *owner,
            supply: fields.u64(36)?,
            decimals: fields.u8(44)?,
            freeze_authority: if freeze_tag == 1 { Some(fields.pubkey(50)?) } else { None },
            transfer_fee: None,
            restriction: None,
        };
        if data.len() > MINT_LEN {
            mint.read_extensions(&fields, data.len())?;
        }
        Ok(mint)
    }

    fn read_extensions(&mut self, fields: &Fields<'_>, len: usize) -> Result<(), DecodeError> {
        walk_extensions(fields, len, |kind, value, size| {
            match kind {
                extension::TRANSFER_FEE_CONFIG => {
                    fields.check(size == 108, "TransferFeeConfig length", size, "108")?;
                    self.transfer_fee = Some(TransferFeeConfig {
                        older: read_transfer_fee(fields, value + 72)?,
                        newer: read_transfer_fee(fields, value + 90)?,
                    });
                }
                extension::TRANSFER_HOOK => {
                    let program = fields.pubkey(value + 32)?;
                    if program != Pubkey::default() {
                        self.restriction = Some(MintRestriction::TransferHook { program });
                    }
                }
                extension::NON_TRANSFERABLE => {
                    self.restriction = Some(MintRestriction::NonTransferable);
                }
                extension::PAUSABLE => {
                    if fields.u8(value + 32)? != 0 {
                        self.restriction = Some(MintRestriction::Paused);
                    }
                }
                known if known <= extension::LAST_KNOWN => {}
                unknown => {
                    self.restriction = Some(MintRestriction::UnknownExtension { extension: unknown });
                }
            }
            Ok(())
        })
    }
}

/// Calls `visit` with type, offset and length of every extension of an account of `len` bytes.
pub(crate) fn walk_extensions(
    fields: &Fields<'_>,
    len: usize,
    mut visit: impl FnMut(u16, usize, usize) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut offset = ACCOUNT_TYPE_OFFSET + 1;
    // A tail too short for a header is padding, as for the program.
    while offset + 4 <= len {
        let (kind, size) = (fields.u16(offset)?, usize::from(fields.u16(offset + 2)?));
        let value = offset + 4;
        if kind == 0 {
            break;
        }
        fields.check(value + size <= len, "extension length", size, "within the account")?;
        visit(kind, value, size)?;
        offset = value + size;
    }
    Ok(())
}

fn read_transfer_fee(fields: &Fields<'_>, offset: usize) -> Result<TransferFee, DecodeError> {
    let fee = TransferFee {
        epoch: fields.u64(offset)?,
        maximum_fee: fields.u64(offset + 8)?,
        basis_points: fields.u16(offset + 16)?,
    };
    fields.check(
        fee.basis_points <= 10_000,
        "transfer_fee_basis_points",
        fee.basis_points,
        "at most 10000",
    )?;
    Ok(fee)
}

/// A token account: a vault, or a trader's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenAccount {
    /// Mint of the tokens.
    pub mint: Pubkey,
    /// Who may move them.
    pub owner: Pubkey,
    /// Balance, base units.
    pub amount: u64,
    /// Whether it is frozen.
    pub is_frozen: bool,
}

impl TokenAccount {
    fn read(data: &[u8]) -> Result<Self, DecodeError> {
        let fields = Fields::new("token account", data, TOKEN_ACCOUNT_LEN)?;
        let state = fields.u8(108)?;
        fields.check(matches!(state, 1 | 2), "state", state, "1 or 2")?;
        Ok(Self {
            mint: fields.pubkey(0)?,
            owner: fields.pubkey(32)?,
            amount: fields.u64(64)?,
            is_frozen: state == 2,
        })
    }
}
