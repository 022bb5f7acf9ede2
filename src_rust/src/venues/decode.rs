//! Any account that this crate reads, as fields with names.

use crate::decoders::sysvar::{self, Clock};
use crate::decoders::{DecodeError, Decoded, Mint, TokenAccount, spl_token};
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};

use super::layout::Lengths;
use super::{Account, Layout, Role, VENUES, Venue};

/// A decoded account and what it is.
#[derive(Debug)]
pub struct DecodedAccount {
    /// Name of its venue; `None` for the token programs' accounts and the sysvars.
    pub venue: Option<&'static str>,
    /// Its type.
    pub layout: &'static Layout,
    /// Its fields; those of [`Layout::fields`].
    pub account: Box<dyn Account>,
}

const fn plain(name: &'static str, fields: &'static [(&'static str, &'static str)]) -> Layout {
    Layout {
        name,
        discriminator: None,
        owner: None,
        lengths: Lengths::AtLeast(0),
        role: Role::Shared,
        fields,
        records: &[],
        read: Some(never),
    }
}

/// These types are told apart by more than their bytes: [`decode_account`] reads them.
#[expect(clippy::unnecessary_wraps, reason = "the form of `ReadAccount`")]
fn never(_: &[u8]) -> Result<Box<dyn Account>, DecodeError> {
    Ok(Box::new(Fields(Vec::new())))
}

static MINT: Layout = plain(
    "Mint",
    &[("program", "Address"), ("supply", "int"), ("decimals", "int"), ("freeze_authority", "Address | None")],
);
static TOKEN_ACCOUNT: Layout =
    plain("TokenAccount", &[("mint", "Address"), ("amount", "int"), ("is_frozen", "bool")]);
static CLOCK: Layout = plain("Clock", &[("slot", "int"), ("epoch", "int"), ("unix_timestamp", "int")]);

#[derive(Debug)]
struct Fields(Details);

impl Account for Fields {
    fn values(&self) -> Details {
        self.0.clone()
    }
}

fn of_mint(mint: &Mint) -> Details {
    vec![
        ("program", mint.program.into()),
        ("supply", mint.supply.into()),
        ("decimals", mint.decimals.into()),
        ("freeze_authority", mint.freeze_authority.map_or(Value::None, Value::Address)),
    ]
}

fn of_token_account(account: &TokenAccount) -> Details {
    vec![
        ("mint", account.mint.into()),
        ("amount", account.amount.into()),
        ("is_frozen", account.is_frozen.into()),
    ]
}

/// Returns every account type that [`decode_account`] knows, with its venue.
pub fn layouts() -> impl Iterator<Item = (Option<&'static Venue>, &'static Layout)> {
    let of_venues =
        VENUES.iter().flat_map(|&venue| venue.layouts.iter().map(move |layout| (Some(venue), layout)));
    of_venues.chain([&MINT, &TOKEN_ACCOUNT, &CLOCK].into_iter().map(|layout| (None, layout)))
}

/// Returns the account of `owner` with these bytes.
///
/// # Errors
/// [`DecodeError`]: unknown owner or type, too few bytes, or a field that the program never writes.
pub fn decode_account(owner: &Pubkey, data: &[u8]) -> Result<DecodedAccount, DecodeError> {
    let other = |layout, fields| DecodedAccount { venue: None, layout, account: Box::new(Fields(fields)) };
    if let Some(venue) = Venue::of_program(owner) {
        let layout = venue.layout_of(owner, data)?;
        let account = match layout.read {
            Some(read) => read(data)?,
            None => Box::new(Fields(vec![("data", data.to_vec().into())])),
        };
        return Ok(DecodedAccount { venue: Some(venue.name), layout, account });
    }
    if spl_token::is_program(owner) {
        return match spl_token::decode(owner, data)? {
            Decoded::Mint(mint) => Ok(other(&MINT, of_mint(&mint))),
            Decoded::TokenAccount(account) => Ok(other(&TOKEN_ACCOUNT, of_token_account(&account))),
            _ => Err(DecodeError::WrongOwner { owner: *owner }),
        };
    }
    if *owner == sysvar::OWNER {
        let clock = Clock::decode(data)?;
        let fields = vec![
            ("slot", clock.slot.into()),
            ("epoch", clock.epoch.into()),
            ("unix_timestamp", clock.unix_timestamp.into()),
        ];
        return Ok(other(&CLOCK, fields));
    }
    Err(DecodeError::WrongOwner { owner: *owner })
}
