//! One text frame of the JSON-RPC protocol to what it says, in any key order.
//!
//! Source: Solana JSON-RPC `PubSub` (`{accountSubscribe, …}` notifications, `getMultipleAccounts`).

mod reads;
mod slots;

use std::borrow::Cow;

use super::SlotsUpdate;
use super::json::{Cursor, Kind};
use super::malformed::Malformed;
use crate::quantities::Slot;

pub use reads::accounts_read;

type Result<T> = std::result::Result<T, Malformed>;

/// How account data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Base64,
    Base64Zstd,
}

/// An account as it stands in a frame, not yet decoded.
#[derive(Debug, Clone)]
pub struct RawAccount<'a> {
    pub lamports: u64,
    pub owner: Cow<'a, [u8]>,
    pub data: Cow<'a, [u8]>,
    pub encoding: Encoding,
    /// Whether `data` is known to be canonical base64; it may be without.
    pub is_base64: bool,
}

/// A transaction's log as it stands in a frame.
#[derive(Debug, Clone)]
pub struct RawLog<'a> {
    pub signature: Cow<'a, [u8]>,
    pub failed: bool,
    /// A checked JSON array of strings.
    pub lines: &'a [u8],
}

/// What a frame says. `number_at` is where the number of the subscription stands.
#[derive(Debug, Clone)]
pub enum Frame<'a> {
    Account {
        slot: Slot,
        subscription: u64,
        number_at: usize,
        account: RawAccount<'a>,
    },
    Program {
        slot: Slot,
        number_at: usize,
        address: Cow<'a, [u8]>,
        account: RawAccount<'a>,
    },
    Logs {
        slot: Slot,
        number_at: usize,
        log: RawLog<'a>,
    },
    Slot {
        slot: Slot,
        parent: Slot,
        root: Slot,
    },
    Root {
        root: Slot,
    },
    SlotsUpdate(SlotsUpdate),
    Signature {
        slot: Slot,
        subscription: u64,
        received: bool,
        failed: bool,
    },
    /// The answer to request `id`; `result` is checked JSON, to be read once it is known what
    /// was asked.
    Response {
        id: u64,
        result: &'a [u8],
    },
    /// The refusal of request `id`.
    Refusal {
        id: Option<u64>,
    },
    /// Anything else that is a message: unknown notifications, answers without a number as id.
    Control,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Account,
    Program,
    Logs,
    Slot,
    Root,
    SlotsUpdates,
    Signature,
    Other,
}

fn method(name: &[u8]) -> Method {
    match name {
        b"accountNotification" => Method::Account,
        b"programNotification" => Method::Program,
        b"logsNotification" => Method::Logs,
        b"slotNotification" => Method::Slot,
        b"rootNotification" => Method::Root,
        b"slotsUpdatesNotification" => Method::SlotsUpdates,
        b"signatureNotification" => Method::Signature,
        _ => Method::Other,
    }
}

/// Reads one frame.
///
/// # Errors
/// [`Malformed`] for anything that is not one complete message of the protocol. Whether data is
/// base64 and addresses are addresses is not looked at here.
pub fn parse(bytes: &[u8]) -> Result<Frame<'_>> {
    let mut cursor = Cursor::new(bytes);
    let mut kind = None;
    let mut late_params = None; // where the parameters begin, if they came before the method
    let mut notification = None;
    let (mut id, mut result, mut error) = (None, None, false);
    cursor.object("message", |cursor, key| {
        match key {
            b"method" if kind.is_some() => return Err(Malformed::WrongType("method")),
            b"method" => kind = Some(method(&cursor.string("method")?)),
            b"params" => {
                if let Some(kind) = kind {
                    notification = Some(notified(cursor, kind)?);
                } else {
                    late_params = Some(cursor.offset());
                    cursor.skip()?;
                }
            }
            b"id" => {
                id = if cursor.kind()? == Kind::Number {
                    Some(cursor.u64("id")?)
                } else {
                    cursor.skip()?;
                    None
                }
            }
            b"result" => result = Some(cursor.skip()?),
            b"error" => error = cursor.skip()? != b"null",
            _ => drop(cursor.skip()?),
        }
        Ok(())
    })?;
    cursor.end()?;
    if let Some(kind) = kind {
        if let Some(at) = late_params {
            return notified(&mut cursor.seek(at), kind);
        }
        return match notification {
            Some(frame) => Ok(frame),
            None if kind == Method::Other => Ok(Frame::Control),
            None => Err(Malformed::MissingField("params")),
        };
    }
    match (id, result) {
        _ if error => Ok(Frame::Refusal { id }),
        (Some(id), Some(result)) => Ok(Frame::Response { id, result }),
        (None, Some(_)) => Ok(Frame::Control),
        (_, None) => Err(Malformed::MissingField("method")),
    }
}

/// Reads the parameters of a notification.
#[inline]
fn notified<'a>(cursor: &mut Cursor<'a>, kind: Method) -> Result<Frame<'a>> {
    if kind == Method::Other {
        cursor.skip()?;
        return Ok(Frame::Control);
    }
    let mut subscription = None;
    let mut body = None;
    cursor.object("params", |cursor, key| {
        match key {
            b"result" => body = Some(Body::read(cursor, kind)?),
            b"subscription" => {
                let number_at = cursor.offset();
                subscription = Some((cursor.u64("subscription")?, number_at));
            }
            _ => drop(cursor.skip()?),
        }
        Ok(())
    })?;
    let body = body.ok_or(Malformed::MissingField("result"))?;
    let (subscription, number_at) = subscription.ok_or(Malformed::MissingField("subscription"))?;
    body.into_frame(subscription, number_at)
}

/// `params.result`, in parts as they were found.
struct Body<'a> {
    slot: Option<Slot>,
    value: Option<Value<'a>>,
    /// What is no `{context, value}`.
    whole: Option<Frame<'a>>,
}

enum Value<'a> {
    Account(RawAccount<'a>),
    Program { address: Cow<'a, [u8]>, account: RawAccount<'a> },
    Logs(RawLog<'a>),
    Signature { received: bool, failed: bool },
}

impl<'a> Body<'a> {
    #[inline]
    fn read(cursor: &mut Cursor<'a>, kind: Method) -> Result<Self> {
        let mut body = Self { slot: None, value: None, whole: None };
        match kind {
            Method::Slot => body.whole = Some(slots::slot(cursor)?),
            Method::Root => body.whole = Some(Frame::Root { root: cursor.u64("result")? }),
            Method::SlotsUpdates => body.whole = Some(Frame::SlotsUpdate(slots::update(cursor)?)),
            _ => cursor.object("result", |cursor, key| {
                match key {
                    b"context" => body.slot = Some(context(cursor)?),
                    b"value" => {
                        body.value = Some(match kind {
                            Method::Program => program(cursor)?,
                            Method::Logs => logs(cursor)?,
                            Method::Signature => signature(cursor)?,
                            _ => Value::Account(account(cursor)?),
                        });
                    }
                    _ => drop(cursor.skip()?),
                }
                Ok(())
            })?,
        }
        Ok(body)
    }

    #[inline]
    fn into_frame(self, subscription: u64, number_at: usize) -> Result<Frame<'a>> {
        if let Some(frame) = self.whole {
            return Ok(frame);
        }
        let slot = self.slot.ok_or(Malformed::MissingField("slot"))?;
        Ok(match self.value.ok_or(Malformed::MissingField("value"))? {
            Value::Account(account) => Frame::Account { slot, subscription, number_at, account },
            Value::Program { address, account } => Frame::Program { slot, number_at, address, account },
            Value::Logs(log) => Frame::Logs { slot, number_at, log },
            Value::Signature { received, failed } => {
                Frame::Signature { slot, subscription, received, failed }
            }
        })
    }
}

/// Reads `{"slot": …}`.
#[inline]
fn context(cursor: &mut Cursor<'_>) -> Result<Slot> {
    let mut slot = None;
    cursor.object("context", |cursor, key| {
        if key == b"slot" {
            slot = Some(cursor.u64("slot")?);
        } else {
            cursor.skip()?;
        }
        Ok(())
    })?;
    slot.ok_or(Malformed::MissingField("slot"))
}

/// Reads an account object.
#[inline]
fn account<'a>(cursor: &mut Cursor<'a>) -> Result<RawAccount<'a>> {
    let (mut lamports, mut owner, mut data) = (None, None, None);
    cursor.object("account", |cursor, key| {
        match key {
            b"lamports" => lamports = Some(cursor.u64("lamports")?),
            b"data" => data = Some(encoded(cursor)?),
            b"owner" => owner = Some(cursor.string("owner")?),
            _ => drop(cursor.skip()?),
        }
        Ok(())
    })?;
    let (data, encoding) = data.ok_or(Malformed::MissingField("data"))?;
    let lamports = lamports.ok_or(Malformed::MissingField("lamports"))?;
    let owner = owner.ok_or(Malformed::MissingField("owner"))?;
    Ok(RawAccount { lamports, owner, data, encoding, is_base64: false })
}

/// Reads `[text, encoding]`.
#[inline]
fn encoded<'a>(cursor: &mut Cursor<'a>) -> Result<(Cow<'a, [u8]>, Encoding)> {
    match cursor.kind()? {
        Kind::Array => {}
        // A bare string is the old base58 form, an object is `jsonParsed`.
        Kind::String | Kind::Object => {
            cursor.skip()?;
            return Err(Malformed::UnknownEncoding);
        }
        _ => return Err(Malformed::WrongType("data")),
    }
    let (mut text, mut encoding) = (None, None);
    cursor.array("data", |cursor, position| {
        match position {
            // Base64 or nothing, which is checked later.
            0 => text = Some(cursor.long_text("data")?),
            1 => {
                encoding = Some(match &cursor.string("encoding")?[..] {
                    b"base64" => Encoding::Base64,
                    b"base64+zstd" => Encoding::Base64Zstd,
                    _ => return Err(Malformed::UnknownEncoding),
                });
            }
            _ => return Err(Malformed::WrongType("data")),
        }
        Ok(())
    })?;
    let text = text.ok_or(Malformed::MissingField("data"))?;
    let encoding = encoding.ok_or(Malformed::MissingField("encoding"))?;
    Ok((text, encoding))
}

#[inline]
fn program<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>> {
    let (mut address, mut body) = (None, None);
    cursor.object("value", |cursor, key| {
        match key {
            b"pubkey" => address = Some(cursor.string("pubkey")?),
            b"account" => body = Some(account(cursor)?),
            _ => drop(cursor.skip()?),
        }
        Ok(())
    })?;
    let address = address.ok_or(Malformed::MissingField("pubkey"))?;
    let account = body.ok_or(Malformed::MissingField("account"))?;
    Ok(Value::Program { address, account })
}

#[inline]
fn logs<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>> {
    let (mut signature, mut failed, mut lines) = (None, false, None);
    cursor.object("value", |cursor, key| {
        match key {
            b"signature" => signature = Some(cursor.string("signature")?),
            b"err" => failed = cursor.skip()? != b"null",
            b"logs" => {
                let start = *cursor;
                cursor.array("logs", |cursor, _| cursor.string("logs").map(drop))?;
                let len = cursor.offset() - start.offset();
                lines = Some(start.rest()[..len].trim_ascii_end());
            }
            _ => drop(cursor.skip()?),
        }
        Ok(())
    })?;
    let signature = signature.ok_or(Malformed::MissingField("signature"))?;
    let lines = lines.ok_or(Malformed::MissingField("logs"))?;
    Ok(Value::Logs(RawLog { signature, failed, lines }))
}

fn signature<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>> {
    if cursor.kind()? == Kind::String {
        return match &cursor.string("value")?[..] {
            b"receivedSignature" => Ok(Value::Signature { received: true, failed: false }),
            _ => Err(Malformed::WrongType("value")),
        };
    }
    let mut error = None;
    cursor.object("value", |cursor, key| {
        let value = cursor.skip()?;
        if key == b"err" {
            error = Some(value != b"null");
        }
        Ok(())
    })?;
    let failed = error.ok_or(Malformed::MissingField("err"))?;
    Ok(Value::Signature { received: false, failed })
}

/// Reads a checked JSON array of strings, such as the `logs` of [`Frame::Logs`].
///
/// # Errors
/// [`Malformed`] if it is anything else.
pub fn strings(array: &[u8]) -> Result<Vec<String>> {
    let mut cursor = Cursor::new(array);
    let mut all = Vec::new();
    cursor.array("logs", |cursor, _| {
        all.push(String::from_utf8_lossy(&cursor.string("logs")?).into_owned());
        Ok(())
    })?;
    Ok(all)
}
