//! JSON-RPC batches: an array of messages in one frame.

use super::json::Cursor;
use super::malformed::Malformed;

/// Returns whether a frame is an array: a batch, or nothing.
#[inline]
pub fn is_batch(frame: &[u8]) -> bool {
    frame.first() == Some(&b'[')
        || (frame.first() != Some(&b'{') && frame.trim_ascii_start().first() == Some(&b'['))
}

/// Calls `each` for every message of a batch, as it stands; the whole array is checked to be JSON
/// before. An empty one is no message (JSON-RPC 2.0, section 6).
///
/// # Errors
/// [`Malformed`] if it is not one complete array with something in it.
pub fn for_each<'a>(frame: &'a [u8], mut each: impl FnMut(&'a [u8])) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(frame);
    let whole = cursor.skip()?;
    cursor.end()?;
    if Cursor::new(whole.get(1..).unwrap_or_default()).rest().first() == Some(&b']') {
        return Err(Malformed::WrongType("message"));
    }
    Cursor::new(whole).array("message", |cursor, _| {
        each(cursor.skip()?);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(frame: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
        assert!(is_batch(frame));
        let mut messages = Vec::new();
        for_each(frame, |message| messages.push(message))?;
        Ok(messages)
    }

    #[test]
    fn for_each_gives_each_message_as_it_stands() {
        let messages: [&[u8]; 3] = [br#"{"a":[1,2]}"#, b"7", b"\"x\""];
        assert_eq!(split(br#" [ {"a":[1,2]} , 7,"x" ] "#), Ok(messages.to_vec()));
        assert!(!is_batch(b"{}") && !is_batch(b"") && !is_batch(b" {[}"));
    }

    #[test]
    fn for_each_of_a_damaged_batch_is_refused_as_a_whole() {
        for bad in [&b"["[..], b"[{}", b"[{},]", b"[{}]]", b"[{}] x", b"[{]}"] {
            assert!(matches!(split(bad), Err(Malformed::NotJson { .. })), "{bad:?}");
        }
        assert_eq!(split(b"[ ]"), Err(Malformed::WrongType("message")));
    }
}
