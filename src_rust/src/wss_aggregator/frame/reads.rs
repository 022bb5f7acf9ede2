//! Answers to `getMultipleAccounts`.

use super::super::json::{Cursor, Kind};
use super::super::malformed::Malformed;
use super::{RawAccount, Result, account, context};
use crate::quantities::Slot;

/// The result of `getMultipleAccounts`: the slot of the read and every account, or null.
pub struct AccountsRead<'a> {
    pub slot: Slot,
    /// At most as many as were asked for.
    pub accounts: Vec<Option<RawAccount<'a>>>,
    /// How many there are.
    pub count: usize,
}

/// Reads the `result` of a [`Frame::Response`](super::Frame::Response) to `getMultipleAccounts` for
/// `asked` addresses.
///
/// # Errors
/// [`Malformed`] if it is anything else.
pub fn accounts_read(result: &[u8], asked: usize) -> Result<AccountsRead<'_>> {
    let mut cursor = Cursor::new(result);
    let mut slot = None;
    let mut accounts = None;
    cursor.object("result", |cursor, key| {
        match key {
            b"context" => slot = Some(context(cursor)?),
            b"value" => {
                let (mut list, mut count) = (Vec::new(), 0);
                cursor.array("value", |cursor, _| {
                    let account = match cursor.kind()? {
                        Kind::Null => {
                            cursor.skip()?;
                            None
                        }
                        _ => Some(account(cursor)?),
                    };
                    count += 1;
                    if count <= asked {
                        list.push(account);
                    }
                    Ok(())
                })?;
                accounts = Some((list, count));
            }
            _ => drop(cursor.skip()?),
        }
        Ok(())
    })?;
    let slot = slot.ok_or(Malformed::MissingField("slot"))?;
    let (accounts, count) = accounts.ok_or(Malformed::MissingField("value"))?;
    Ok(AccountsRead { slot, accounts, count })
}
