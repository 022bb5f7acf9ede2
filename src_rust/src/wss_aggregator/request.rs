//! Outgoing JSON-RPC requests: what an answer with the same id will be about.

use std::borrow::Cow;

use super::json::{Cursor, Kind};
use super::malformed::Malformed;

/// What a request asks for.
#[derive(Debug, Clone)]
pub enum Ask<'a> {
    /// `accountSubscribe` of one address.
    Account(Cow<'a, [u8]>),
    /// `signatureSubscribe` of one signature.
    Signature(Cow<'a, [u8]>),
    /// `getMultipleAccounts` of a list of addresses.
    Accounts(Vec<Cow<'a, [u8]>>),
    /// `accountUnsubscribe` of a subscription.
    LeaveAccount(u64),
    /// `programUnsubscribe`.
    LeaveProgram,
    /// `slotUnsubscribe`.
    LeaveSlots,
    /// `programSubscribe`, `logsSubscribe`, `slotSubscribe` and everything whose answers need no
    /// memory: their notifications name their subject.
    Other,
}

/// Reads an outgoing request to its id and subject.
///
/// # Errors
/// [`Malformed`] if it is not a JSON-RPC request with a whole number as id.
pub fn parse(bytes: &[u8]) -> Result<(u64, Ask<'_>), Malformed> {
    let mut cursor = Cursor::new(bytes);
    let (mut id, mut method, mut params) = (None, None, None);
    cursor.object("message", |cursor, key| {
        match key {
            b"id" => id = Some(cursor.u64("id")?),
            b"method" => method = Some(cursor.string("method")?),
            b"params" => params = Some(cursor.skip()?),
            _ => drop(cursor.skip()?),
        }
        Ok(())
    })?;
    cursor.end()?;
    let id = id.ok_or(Malformed::MissingField("id"))?;
    let method = method.ok_or(Malformed::MissingField("method"))?;
    let ask = match &method[..] {
        b"accountSubscribe" => Ask::Account(first_string(params)?),
        b"signatureSubscribe" => Ask::Signature(first_string(params)?),
        b"getMultipleAccounts" => Ask::Accounts(first_list(params)?),
        b"accountUnsubscribe" => Ask::LeaveAccount(first_number(params)?),
        b"programUnsubscribe" => Ask::LeaveProgram,
        b"slotUnsubscribe" => Ask::LeaveSlots,
        _ => Ask::Other,
    };
    Ok((id, ask))
}

fn first_number(params: Option<&[u8]>) -> Result<u64, Malformed> {
    let mut first = None;
    let mut cursor = Cursor::new(params.ok_or(Malformed::MissingField("params"))?);
    cursor.array("params", |cursor, position| {
        if position == 0 {
            first = Some(cursor.u64("params")?);
        } else {
            cursor.skip()?;
        }
        Ok(())
    })?;
    first.ok_or(Malformed::MissingField("params"))
}

fn first_string(params: Option<&[u8]>) -> Result<Cow<'_, [u8]>, Malformed> {
    let mut first = None;
    let mut cursor = Cursor::new(params.ok_or(Malformed::MissingField("params"))?);
    cursor.array("params", |cursor, position| {
        if position == 0 {
            first = Some(cursor.string("params")?);
        } else {
            cursor.skip()?;
        }
        Ok(())
    })?;
    first.ok_or(Malformed::MissingField("params"))
}

fn first_list(params: Option<&[u8]>) -> Result<Vec<Cow<'_, [u8]>>, Malformed> {
    let mut list = None;
    let mut cursor = Cursor::new(params.ok_or(Malformed::MissingField("params"))?);
    cursor.array("params", |cursor, position| {
        if position == 0 && cursor.kind()? == Kind::Array {
            let mut addresses = Vec::new();
            cursor.array("params", |cursor, _| {
                addresses.push(cursor.string("params")?);
                Ok(())
            })?;
            list = Some(addresses);
        } else {
            cursor.skip()?;
        }
        Ok(())
    })?;
    list.ok_or(Malformed::MissingField("params"))
}
