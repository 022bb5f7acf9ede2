//! What a mint's account says about its issuer's powers.

use crate::decoders::spl_token::{self, MINT_LEN, optional, walk_extensions};
use crate::decoders::{DecodeError, Decoded, Fields, Mint, TransferFeeConfig};
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};

/// Most extensions of a mint that are read. The program knows 28 types and writes each at most once.
const MAX_EXTENSIONS: usize = 64;
/// Where the type of a Token-2022 account is; what lies between the base and it is zero.
const ACCOUNT_TYPE_OFFSET: usize = 165;

/// Extension types (`ExtensionType`) of mints.
mod extension {
    pub(super) const TRANSFER_FEE_CONFIG: u16 = 1;
    pub(super) const MINT_CLOSE_AUTHORITY: u16 = 3;
    pub(super) const CONFIDENTIAL_TRANSFER_MINT: u16 = 4;
    pub(super) const DEFAULT_ACCOUNT_STATE: u16 = 6;
    pub(super) const NON_TRANSFERABLE: u16 = 9;
    pub(super) const INTEREST_BEARING_CONFIG: u16 = 10;
    pub(super) const PERMANENT_DELEGATE: u16 = 12;
    pub(super) const TRANSFER_HOOK: u16 = 14;
    pub(super) const CONFIDENTIAL_TRANSFER_FEE_CONFIG: u16 = 16;
    pub(super) const CONFIDENTIAL_MINT_BURN: u16 = 24;
    pub(super) const SCALED_UI_AMOUNT: u16 = 25;
    pub(super) const PAUSABLE: u16 = 26;
    /// Types that the program writes into token accounts only.
    pub(super) const OF_ACCOUNTS: [u16; 9] = [2, 5, 7, 8, 11, 13, 15, 17, 27];
    /// Highest type known; the rest up to it (metadata, groups, permissioned burn) binds no holder.
    pub(super) const LAST_KNOWN: u16 = 28;
}

/// In which state a new token account of the mint begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultState {
    /// As without the extension.
    Initialized,
    /// It can neither receive nor send until the freeze authority thaws it.
    Frozen,
}

/// A program that may run in every transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferHook {
    /// Who may set the program, if anyone.
    pub authority: Option<Pubkey>,
    /// The program, if one is set.
    pub program: Option<Pubkey>,
}

/// By what display amounts are multiplied. Base units, all that is traded, do not know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaledUi {
    /// The multiplier as the bits of a 64-bit float.
    pub multiplier_bits: u64,
    /// Its successor.
    pub new_multiplier_bits: u64,
    /// Unix seconds from which the successor holds.
    pub new_multiplier_from: i64,
}

/// A mint with everything its issuer can do.
///
/// # Source
/// token-2022, `interface/src/extension`: layouts of the extensions; an authority of zeros is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintFacts {
    /// Token program that owns it.
    pub program: Pubkey,
    /// Decimals of the display amount.
    pub decimals: u8,
    /// Supply in base units.
    pub supply: u64,
    /// Who may mint more, if anyone.
    pub mint_authority: Option<Pubkey>,
    /// Who may freeze accounts, if anyone.
    pub freeze_authority: Option<Pubkey>,
    /// The transfer fee in force and its successor.
    pub transfer_fee: Option<TransferFeeConfig>,
    /// Who may set another transfer fee; it holds two epochs later at the earliest.
    pub transfer_fee_authority: Option<Pubkey>,
    /// The transfer hook, if the mint has the extension.
    pub transfer_hook: Option<TransferHook>,
    /// Who may pause transfers; the extension is there even if nobody can.
    pub pause_authority: Option<Pubkey>,
    /// Whether transfers are paused now.
    pub is_paused: bool,
    /// Who may move and burn everybody's tokens, if anyone.
    pub permanent_delegate: Option<Pubkey>,
    /// Whether tokens can never be transferred.
    pub is_non_transferable: bool,
    /// In which state new accounts begin, if the mint says.
    pub default_state: Option<DefaultState>,
    /// Whether amounts can be encrypted. Swaps move plain amounts only.
    pub has_confidential_transfer: bool,
    /// Who may close the mint once its supply is 0, if anyone.
    pub close_authority: Option<Pubkey>,
    /// Yearly interest on display amounts, in 1/10,000.
    pub interest_rate_bps: Option<i16>,
    /// Multiplier of display amounts.
    pub scaled_ui: Option<ScaledUi>,
    /// Type numbers of all extensions, in their order.
    pub extensions: Vec<u16>,
}

impl MintFacts {
    /// Returns the mint with these bytes.
    ///
    /// # Errors
    /// [`DecodeError`]: no mint of a token program, or bytes that the program never writes: an extension
    /// that is cut off, has a wrong length, comes twice, or belongs to token accounts.
    pub fn read(owner: &Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
        let Decoded::Mint(mint) = spl_token::decode(owner, data)? else {
            return Err(DecodeError::ImpossibleField {
                account: "Mint",
                field: "account type",
                value: "that of a token account".to_owned(),
                expected: "a mint",
            });
        };
        let fields = Fields::new("Mint", data, MINT_LEN)?;
        let mut facts = Self::base(&mint, optional(&fields, "mint_authority", 0, Fields::pubkey)?);
        if data.len() > MINT_LEN {
            let padding = data.get(MINT_LEN..ACCOUNT_TYPE_OFFSET).unwrap_or_default();
            fields.check(padding.iter().all(|&byte| byte == 0), "padding", "not zero", "zero")?;
            walk_extensions(&fields, data.len(), |kind, value, size| {
                facts.read_extension(&fields, kind, value, size)
            })?;
        }
        Ok(facts)
    }

    fn base(mint: &Mint, mint_authority: Option<Pubkey>) -> Self {
        Self {
            program: mint.program,
            decimals: mint.decimals,
            supply: mint.supply,
            mint_authority,
            freeze_authority: mint.freeze_authority,
            transfer_fee: mint.transfer_fee,
            transfer_fee_authority: None,
            transfer_hook: None,
            pause_authority: None,
            is_paused: false,
            permanent_delegate: None,
            is_non_transferable: false,
            default_state: None,
            has_confidential_transfer: false,
            close_authority: None,
            interest_rate_bps: None,
            scaled_ui: None,
            extensions: Vec::new(),
        }
    }

    fn read_extension(
        &mut self,
        fields: &Fields<'_>,
        kind: u16,
        value: usize,
        size: usize,
    ) -> Result<(), DecodeError> {
        fields.check(!self.extensions.contains(&kind), "extension type", kind, "each once")?;
        fields.check(!extension::OF_ACCOUNTS.contains(&kind), "extension type", kind, "one of mints")?;
        fields.check(
            self.extensions.len() < MAX_EXTENSIONS,
            "extensions",
            MAX_EXTENSIONS + 1,
            "at most 64",
        )?;
        self.extensions.push(kind);
        let sized = |expected: usize, text| fields.check(size == expected, "extension length", size, text);
        match kind {
            extension::TRANSFER_FEE_CONFIG => {
                sized(108, "108 for TransferFeeConfig")?;
                self.transfer_fee_authority = nonzero(fields, value)?;
            }
            extension::MINT_CLOSE_AUTHORITY => {
                sized(32, "32 for MintCloseAuthority")?;
                self.close_authority = nonzero(fields, value)?;
            }
            extension::DEFAULT_ACCOUNT_STATE => {
                sized(1, "1 for DefaultAccountState")?;
                let state = fields.u8(value)?;
                fields.check(matches!(state, 1 | 2), "default account state", state, "1 or 2")?;
                self.default_state =
                    Some(if state == 2 { DefaultState::Frozen } else { DefaultState::Initialized });
            }
            extension::NON_TRANSFERABLE => {
                sized(0, "0 for NonTransferable")?;
                self.is_non_transferable = true;
            }
            extension::INTEREST_BEARING_CONFIG => {
                sized(52, "52 for InterestBearingConfig")?;
                self.interest_rate_bps = Some(i16::from_le_bytes(fields.bytes(value + 50)?));
            }
            extension::PERMANENT_DELEGATE => {
                sized(32, "32 for PermanentDelegate")?;
                self.permanent_delegate = nonzero(fields, value)?;
            }
            extension::TRANSFER_HOOK => {
                sized(64, "64 for TransferHook")?;
                let (authority, program) = (nonzero(fields, value)?, nonzero(fields, value + 32)?);
                self.transfer_hook = Some(TransferHook { authority, program });
            }
            extension::CONFIDENTIAL_TRANSFER_MINT
            | extension::CONFIDENTIAL_TRANSFER_FEE_CONFIG
            | extension::CONFIDENTIAL_MINT_BURN => self.has_confidential_transfer = true,
            extension::SCALED_UI_AMOUNT => {
                sized(56, "56 for ScaledUiAmount")?;
                self.scaled_ui = Some(ScaledUi {
                    multiplier_bits: fields.u64(value + 32)?,
                    new_multiplier_from: i64::from_le_bytes(fields.bytes(value + 40)?),
                    new_multiplier_bits: fields.u64(value + 48)?,
                });
            }
            extension::PAUSABLE => {
                sized(33, "33 for Pausable")?;
                self.pause_authority = nonzero(fields, value)?;
                self.is_paused = fields.u8(value + 32)? != 0;
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the rate of the transfer fee in force in 1/10,000, 0 without one. While the epoch is not
    /// known the dearer of the two fees counts.
    #[must_use]
    pub fn transfer_fee_bps(&self, epoch: Option<u64>) -> u16 {
        self.transfer_fee.map_or(0, |config| match epoch {
            Some(epoch) => config.at(epoch).basis_points,
            None => config.older.basis_points.max(config.newer.basis_points),
        })
    }

    /// Returns the type numbers of extensions that are newer than this decoder.
    pub fn unknown_extensions(&self) -> impl Iterator<Item = u16> + '_ {
        self.extensions.iter().copied().filter(|&kind| kind > extension::LAST_KNOWN)
    }

    /// Returns every fact by name, for people.
    #[must_use]
    pub fn details(&self) -> Details {
        let hook = |part: fn(TransferHook) -> Option<Pubkey>| or_none(self.transfer_hook.and_then(part));
        vec![
            ("program", self.program.into()),
            ("decimals", self.decimals.into()),
            ("supply", self.supply.into()),
            ("mint_authority", or_none(self.mint_authority)),
            ("freeze_authority", or_none(self.freeze_authority)),
            ("transfer_fee", or_none(self.transfer_fee)),
            ("transfer_fee_authority", or_none(self.transfer_fee_authority)),
            ("transfer_hook_program", hook(|hook| hook.program)),
            ("transfer_hook_authority", hook(|hook| hook.authority)),
            ("pause_authority", or_none(self.pause_authority)),
            ("is_paused", self.is_paused.into()),
            ("permanent_delegate", or_none(self.permanent_delegate)),
            ("is_non_transferable", self.is_non_transferable.into()),
            (
                "default_state",
                self.default_state.map_or(Value::None, |state| {
                    Value::Text(match state {
                        DefaultState::Initialized => "initialized",
                        DefaultState::Frozen => "frozen",
                    })
                }),
            ),
            ("has_confidential_transfer", self.has_confidential_transfer.into()),
            ("close_authority", or_none(self.close_authority)),
            ("interest_rate_bps", self.interest_rate_bps.map_or(Value::None, |rate| i32::from(rate).into())),
            ("is_ui_amount_scaled", self.scaled_ui.is_some().into()),
            ("extensions", Value::List(self.extensions.iter().map(|&kind| kind.into()).collect())),
        ]
    }
}

/// Reads an address of which zeros mean nobody.
fn nonzero(fields: &Fields<'_>, offset: usize) -> Result<Option<Pubkey>, DecodeError> {
    fields.pubkey(offset).map(|key| (key != Pubkey::default()).then_some(key))
}

fn or_none<T: Into<Value>>(value: Option<T>) -> Value {
    value.map_or(Value::None, Into::into)
}
