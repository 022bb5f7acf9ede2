//! Frames that repeat one just taken, byte for byte but for the subscription's number.
//!
//! Endpoints run the same server software, so a duplicate differs from the first arrival only in
//! `"subscription":N}}` at its end. Comparing the rest with what is remembered costs a fraction
//! of reading it, and is exact: equal bytes around a number read the same.

use xxhash_rust::xxh3::xxh3_64;

use super::payload::Content;
use crate::quantities::Slot;

/// Frames remembered; each takes the place of an older one with the same mark.
const PLACES: usize = 2048;
/// Longest frame remembered, in bytes: together at most 32 MiB.
const MAX_LEN: usize = 16 * 1024;
/// The bytes by which a frame finds its place: here slot, address or signature stand.
const MARK: std::ops::Range<usize> = 80..144;
const TAIL: &[u8] = b"\"subscription\":";

/// What a remembered frame said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// A write of an account, as `accountNotification`: valid for subscriptions to it only.
    Account { number: u32, slot: Slot, content: Content },
    /// A write of an account, as `programNotification`.
    Program { number: u32, slot: Slot, content: Content },
    /// A log, by the caller's key.
    Logs { key: u128 },
}

#[derive(Debug, Clone)]
struct Place {
    /// The frame up to the subscription's number.
    head: Vec<u8>,
    said: Said,
}

/// The frames remembered.
#[derive(Debug, Default)]
pub struct Echoes {
    places: Vec<Place>,
}

/// Splits a frame that ends as servers write it before the subscription's number.
#[inline]
fn split(frame: &[u8]) -> Option<(&[u8], u64)> {
    let body = frame.strip_suffix(b"}}")?;
    let mut number = 0_u64;
    let mut power = 1_u64;
    let mut at = body.len();
    while let Some(digit @ b'0'..=b'9') = body[..at].last() {
        if body.len() - at == 18 {
            return None; // no server counts this far
        }
        number += u64::from(digit - b'0') * power;
        power *= 10;
        at -= 1;
    }
    let digits = body.len() - at;
    let (head, leads) = (&body[..at], body.get(at) == Some(&b'0'));
    (digits > 0 && !(leads && digits > 1) && head.ends_with(TAIL)).then_some((head, number))
}

#[inline]
fn place(head: &[u8]) -> Option<usize> {
    let mark = head.get(MARK).filter(|_| head.len() <= MAX_LEN)?;
    usize::try_from(xxh3_64(mark) % PLACES as u64).ok()
}

impl Echoes {
    /// Returns what the frame says, and its subscription, if it repeats a remembered one.
    #[inline]
    pub fn find(&self, frame: &[u8]) -> Option<(Said, u64)> {
        let (head, subscription) = split(frame)?;
        let place = self.places.get(place(head)?)?;
        (place.head == head).then_some((place.said, subscription))
    }

    /// Remembers a frame whose subscription's number was read at byte `number_at`.
    #[inline]
    pub fn remember(&mut self, frame: &[u8], number_at: usize, said: Said) {
        let Some((head, _)) = split(frame).filter(|(head, _)| head.len() == number_at) else {
            return;
        };
        let Some(index) = place(head) else {
            return;
        };
        if self.places.is_empty() {
            self.places.resize(PLACES, Place { head: Vec::new(), said: Said::Logs { key: 0 } });
        }
        let place = &mut self.places[index];
        place.head.clear();
        place.head.extend_from_slice(head);
        place.said = said;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: Said = Said::Logs { key: 7 };

    fn frame(slot: u64, subscription: &str) -> Vec<u8> {
        let signature = "5".repeat(88);
        format!(
            r#"{{"jsonrpc":"2.0","method":"logsNotification","params":{{"result":{{"context":{{"slot":{slot}}},"value":{{"signature":"{signature}","err":null,"logs":[]}}}},"subscription":{subscription}}}}}"#
        )
        .into_bytes()
    }

    fn number_at(frame: &[u8]) -> usize {
        split(frame).expect("the usual end").0.len()
    }

    #[test]
    fn find_of_the_same_frame_with_another_subscription_returns_what_it_said() {
        let mut echoes = Echoes::default();
        let first = frame(9, "17");
        assert_eq!(echoes.find(&first), None);
        echoes.remember(&first, number_at(&first), SAID);
        assert_eq!(echoes.find(&frame(9, "4")), Some((SAID, 4)));
        assert_eq!(echoes.find(&frame(8, "17")), None);
    }

    #[test]
    fn find_of_a_number_that_is_no_json_number_is_none() {
        let mut echoes = Echoes::default();
        let first = frame(9, "17");
        echoes.remember(&first, number_at(&first), SAID);
        for bad in ["017", "", "-1", "1.5", "1e3", "18446744073709551617"] {
            assert_eq!(echoes.find(&frame(9, bad)), None, "{bad}");
        }
    }

    #[test]
    fn remember_of_a_frame_whose_subscription_stands_elsewhere_does_nothing() {
        let mut echoes = Echoes::default();
        let first = frame(9, "17");
        echoes.remember(&first, 5, SAID);
        assert_eq!(echoes.find(&first), None);
    }
}
