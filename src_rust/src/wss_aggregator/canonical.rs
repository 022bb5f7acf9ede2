//! Notifications spelled exactly as Agave's servers spell them, read without looking at keys.
//!
//! A short cut before [`frame::parse`](super::frame::parse): it returns what that would, or
//! `None` at the first byte that is not the usual one.

use std::borrow::Cow;

use super::frame::{Encoding, Frame, RawAccount, RawLog};
use super::json::Cursor;

const SLOT: &[u8] = br#"Notification","params":{"result":{"context":{"slot":"#;

/// Reads a notification of an account, a program or logs.
#[inline]
pub fn parse(bytes: &[u8]) -> Option<Frame<'_>> {
    let mut at = Cursor::new(bytes);
    at.exact(br#"{"jsonrpc":"2.0","method":""#)?;
    if at.exact(b"account").is_some() {
        at.exact(SLOT)?;
        let slot = at.digits_u64()?;
        at.exact(br#"},"value":"#)?;
        let account = account(&mut at)?;
        let (subscription, number_at) = tail(&mut at)?;
        Some(Frame::Account { slot, subscription, number_at, account })
    } else if at.exact(b"program").is_some() {
        at.exact(SLOT)?;
        let slot = at.digits_u64()?;
        at.exact(br#"},"value":{"pubkey":""#)?;
        let address = Cow::Borrowed(at.until_quote()?);
        at.exact(br#","account":"#)?;
        let account = account(&mut at)?;
        at.exact(b"}")?;
        let (_, number_at) = tail(&mut at)?;
        Some(Frame::Program { slot, number_at, address, account })
    } else {
        at.exact(b"logs")?;
        at.exact(SLOT)?;
        let slot = at.digits_u64()?;
        at.exact(br#"},"value":{"signature":""#)?;
        let signature = Cow::Borrowed(at.until_quote()?);
        at.exact(br#","err":null,"logs":"#)?;
        let lines = lines(&mut at)?;
        at.exact(b"}")?;
        let (_, number_at) = tail(&mut at)?;
        Some(Frame::Logs { slot, number_at, log: RawLog { signature, failed: false, lines } })
    }
}

#[inline]
fn account<'a>(at: &mut Cursor<'a>) -> Option<RawAccount<'a>> {
    at.exact(br#"{"lamports":"#)?;
    let lamports = at.digits_u64()?;
    at.exact(br#","data":[""#)?;
    let rest = at.rest();
    let text = &rest[..memchr::memchr2(b'"', b'\\', rest)?];
    at.step(text.len());
    at.exact(br#"",""#)?;
    let encoding = if at.exact(br#"base64"],"owner":""#).is_some() {
        Encoding::Base64
    } else {
        at.exact(br#"base64+zstd"],"owner":""#)?;
        Encoding::Base64Zstd
    };
    let owner = Cow::Borrowed(at.until_quote()?);
    // Exempt from rent, as every account is nowadays.
    if at.exact(br#","executable":false,"rentEpoch":18446744073709551615"#).is_none() {
        if at.exact(br#","executable":false,"rentEpoch":"#).is_none() {
            at.exact(br#","executable":true,"rentEpoch":"#)?;
        }
        at.digits_u64()?;
    }
    if at.exact(br#","space":"#).is_some() {
        at.digits_u64()?;
    }
    at.exact(b"}")?;
    Some(RawAccount { lamports, owner, data: Cow::Borrowed(text), encoding })
}

/// Reads an array of strings and returns it as it stands.
#[inline]
fn lines<'a>(at: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = at.rest();
    at.exact(b"[\"")?;
    loop {
        let rest = at.rest();
        let len = memchr::memchr2(b'"', b'\\', rest)?;
        if rest[len] != b'"' {
            return None;
        }
        at.step(len + 1);
        if at.exact(b",\"").is_none() {
            at.exact(b"]")?;
            let all = &start[..start.len() - at.rest().len()];
            // Without a branch per byte; what stands between the strings is no control byte either.
            let control = all.iter().fold(0, |any, &byte| any | u8::from(byte < 0x20));
            return (control == 0).then_some(all);
        }
    }
}

/// Reads `},"subscription":N}}`, the end of the frame.
#[inline]
fn tail(at: &mut Cursor<'_>) -> Option<(u64, usize)> {
    at.exact(br#"},"subscription":"#)?;
    let number_at = at.offset();
    let subscription = at.digits_u64()?;
    (at.rest() == b"}}").then_some((subscription, number_at))
}
