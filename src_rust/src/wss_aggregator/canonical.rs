//! Notifications spelled exactly as Agave's servers spell them, read without looking at keys.
//!
//! A short cut before [`frame::parse`](super::frame::parse): it returns what that would, or
//! `None` at the first byte that is not the usual one.

use std::borrow::Cow;

use super::echo::{Ending, Incoming};
use super::frame::{Encoding, Frame, RawAccount, RawLog};
use super::json::{Cursor, last_digits};
use super::payload;

const SLOT: &[u8] = br#"Notification","params":{"result":{"context":{"slot":"#;

/// Reads a notification of an account, a program or logs.
#[inline(always)]
#[expect(clippy::inline_always, reason = "what it returns is large, and taken apart at once")]
pub fn parse(frame: Incoming<'_>) -> Option<Frame<'_>> {
    let ending = frame.ending?;
    let (subscription, number_at) = (ending.subscription, ending.head.len());
    let mut at = Cursor::new(ending.head);
    at.exact(br#"{"jsonrpc":"2.0","method":""#)?;
    if at.exact(b"account").is_some() {
        at.exact(SLOT)?;
        let slot = at.digits_u64()?;
        at.exact(br#"},"value":"#)?;
        let account = account(&mut at, ending)?;
        tail(&at)?;
        Some(Frame::Account { slot, subscription, number_at, account })
    } else if at.exact(b"program").is_some() {
        at.exact(SLOT)?;
        let slot = at.digits_u64()?;
        at.exact(br#"},"value":{"pubkey":""#)?;
        let address = Cow::Borrowed(at.until_quote()?);
        at.exact(br#","account":"#)?;
        let account = account(&mut at, ending)?;
        at.exact(b"}")?;
        tail(&at)?;
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
        tail(&at)?;
        Some(Frame::Logs { slot, number_at, log: RawLog { signature, failed: false, lines } })
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "what it returns is large, and taken apart at once")]
fn account<'a>(at: &mut Cursor<'a>, ending: Ending<'a>) -> Option<RawAccount<'a>> {
    at.exact(br#"{"lamports":"#)?;
    let lamports = at.digits_u64()?;
    at.exact(br#","data":[""#)?;
    let (text, is_base64) = data_text(at.rest(), ending)?;
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
    Some(RawAccount { lamports, owner, data: Cow::Borrowed(text), encoding, is_base64 })
}

/// Returns the text up to the next quote, and whether it is known to be canonical base64.
///
/// The `space` near the end of the frame says how long it is. If there is base64 up to there, there
/// is no quote before; else the quote is searched.
#[inline]
fn data_text<'a>(rest: &'a [u8], ending: Ending<'_>) -> Option<(&'a [u8], bool)> {
    if let Some(text) = space(ending).and_then(|space| rest.get(..space.div_ceil(3) * 4))
        && rest.get(text.len()) == Some(&b'"')
        && payload::check(text).is_ok()
    {
        return Some((text, true));
    }
    Some((&rest[..memchr::memchr2(b'"', b'\\', rest)?], false))
}

/// Returns the number before the braces that close an account at the end of a frame.
#[inline]
fn space(ending: Ending<'_>) -> Option<usize> {
    let head = ending.head.strip_suffix(br#"}},"subscription":"#)?;
    let (number, digits) = last_digits(head.strip_suffix(b"}").unwrap_or(head));
    (1..=8).contains(&digits).then(|| usize::try_from(number).ok())?
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

/// Fails unless only what stands before the subscription's number is left.
#[inline]
fn tail(at: &Cursor<'_>) -> Option<()> {
    (at.rest() == br#"},"subscription":"#).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wss_aggregator::frame;

    fn notification(text: &str, encoding: &str, rest: &str) -> String {
        let owner = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc";
        format!(
            r#"{{"jsonrpc":"2.0","method":"accountNotification","params":{{"result":{{"context":{{"slot":300000041}},"value":{{"lamports":5,"data":["{text}","{encoding}"],"owner":"{owner}","executable":false,"rentEpoch":18446744073709551615{rest}}}}},"subscription":42}}}}"#
        )
    }

    fn account_of(frame: Frame<'_>) -> (u64, u64, usize, RawAccount<'_>) {
        let Frame::Account { slot, subscription, number_at, account } = frame else {
            panic!("no account: {frame:?}");
        };
        (slot, subscription, number_at, account)
    }

    #[test]
    fn parse_with_any_space_reads_what_the_general_parser_reads() {
        // Right, absent, too small, too large, in no text at all, and more than there can be.
        for space in
            [",\"space\":6", "", ",\"space\":3", ",\"space\":9", ",\"space\":0", ",\"space\":99999999"]
        {
            for (text, encoding, checked) in [
                ("AAECAwQF", "base64", space.ends_with(":6")),
                ("KLUv/QBY", "base64+zstd", space.ends_with(":6")),
            ] {
                let frame = notification(text, encoding, space);
                let usual = parse(Incoming::new(frame.as_bytes())).expect("usual");
                let (slot, subscription, number_at, account) = account_of(usual);
                let (.., general) = account_of(frame::parse(frame.as_bytes()).expect("sound"));
                assert_eq!((slot, subscription), (300_000_041, 42), "{space}");
                assert_eq!(&frame[number_at..], "42}}", "{space}");
                assert_eq!(account.data, general.data, "{space}");
                assert_eq!(account.owner, general.owner, "{space}");
                assert_eq!(account.is_base64, checked, "{space} {encoding}");
            }
        }
    }

    #[test]
    fn parse_of_what_is_no_base64_up_to_its_space_leaves_it_to_the_general_parser() {
        // An escape, a quote where `space` does not point, and letters that are none of base64.
        assert!(
            parse(Incoming::new(notification(r"AA\/CAwQ", "base64", ",\"space\":6").as_bytes())).is_none()
        );
        let early = notification(r#"AAEC","base64"],"x":["AwQF"#, "base64", ",\"space\":24");
        assert!(parse(Incoming::new(early.as_bytes())).is_none());
        let odd = notification("AA.CAwQF", "base64", ",\"space\":6");
        let (.., account) = account_of(parse(Incoming::new(odd.as_bytes())).expect("usual"));
        assert!(!account.is_base64);
    }
}
