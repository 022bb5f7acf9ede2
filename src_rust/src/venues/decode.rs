//! Any account that this crate reads, as fields with names.

use super::{Account, Layout, VENUES, Venue};
use crate::decoders::{DecodeError, spl_token, sysvar};
use crate::quantities::Pubkey;
use crate::swap::{Details, Value};

/// An account and what it is.
#[derive(Debug)]
pub struct DecodedAccount {
    /// Name of its venue; `None` for the token programs' accounts and the sysvars.
    pub venue: Option<&'static str>,
    /// Its type.
    pub layout: &'static Layout,
    /// Its fields, those of [`Layout::fields`]; for a type that is only recognised its bytes, as `data`.
    pub account: Box<dyn Account>,
}

/// An account whose type is known but which nothing reads.
#[derive(Debug)]
struct Recognised(Vec<u8>);

impl Account for Recognised {
    fn values(&self) -> Details {
        vec![("data", Value::Bytes(self.0.clone()))]
    }
}

/// Returns every account type that [`decode_account`] knows, with its venue.
pub fn layouts() -> impl Iterator<Item = (Option<&'static Venue>, &'static Layout)> {
    let of_venues =
        VENUES.iter().flat_map(|&venue| venue.layouts.iter().map(move |layout| (Some(venue), layout)));
    of_venues.chain(spl_token::LAYOUTS.iter().chain(sysvar::LAYOUTS).map(|layout| (None, layout)))
}

/// Returns the account of `owner` with these bytes: one of a venue, of a token program, or the Clock.
///
/// Accounts longer than their layout are read, shorter ones are refused.
///
/// # Errors
/// [`DecodeError`]: an owner or type that is not known, too few bytes, or a field that the program
/// never writes.
pub fn decode_account(owner: &Pubkey, data: &[u8]) -> Result<DecodedAccount, DecodeError> {
    if spl_token::is_program(owner) {
        let (layout, account) = spl_token::decode_account(owner, data)?;
        return Ok(DecodedAccount { venue: None, layout, account });
    }
    let (venue, layout) = match Venue::of_program(owner) {
        Some(venue) => (Some(venue.name), venue.layout_of(owner, data)?),
        None if *owner == sysvar::OWNER => (None, super::layout::find(sysvar::LAYOUTS, owner, data)?),
        None => return Err(DecodeError::WrongOwner { owner: *owner }),
    };
    let account = match layout.read {
        Some(read) => read(data)?,
        None => Box::new(Recognised(data.to_vec())),
    };
    Ok(DecodedAccount { venue, layout, account })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_types_of_a_program_look_alike() {
        for venue in VENUES {
            for (index, layout) in venue.layouts.iter().enumerate() {
                let same = |other: &&Layout| {
                    other.discriminator.is_some()
                        && other.discriminator == layout.discriminator
                        && (other.owner.is_none() || layout.owner.is_none() || other.owner == layout.owner)
                        && format!("{:?}", other.lengths) == format!("{:?}", layout.lengths)
                };
                let twin = venue.layouts.iter().skip(index + 1).find(same);
                assert!(twin.is_none(), "{}: {} and {:?}", venue.name, layout.name, twin);
            }
        }
    }

    #[test]
    fn owners_that_nothing_is_known_of_are_refused() {
        let owner = Pubkey([1; 32]);
        let refused = decode_account(&owner, &[0; 200]).map(|_| ());
        assert_eq!(refused, Err(DecodeError::WrongOwner { owner }));
    }

    #[test]
    fn the_clock_is_told_from_other_sysvars() {
        let mut data = [0; 40];
        data[0] = 77;
        let decoded = decode_account(&sysvar::OWNER, &data);
        let slot = decoded.map(|decoded| (decoded.layout.name, decoded.account.values().swap_remove(0)));
        assert_eq!(slot, Ok(("Clock", ("slot", Value::Unsigned(77)))));
        assert!(decode_account(&sysvar::OWNER, &data[..17]).is_err());
    }
}
