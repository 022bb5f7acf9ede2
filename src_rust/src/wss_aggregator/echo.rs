//! Frames that repeat one just taken, byte for byte but for the subscription's number.
//!
//! Endpoints run the same server software, so a duplicate differs from the first arrival only in
//! `"subscription":N}}` at its end. Comparing the rest with what is remembered costs a fraction
//! of reading it, and is exact: equal bytes around a number read the same.

use twox_hash::XxHash3_64;

use super::json::last_digits;
use super::payload::Content;
use crate::quantities::Slot;

/// Frames remembered. A frame has four places to go, by its mark; it takes the one filled longest ago.
const PLACES: usize = SETS * WAYS;
const SETS: usize = 512;
const WAYS: usize = 4;
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

/// Who sent a frame first, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct First {
    /// Number of the endpoint.
    pub endpoint: usize,
    /// Nanoseconds of the caller's clock, or [`NO_TIME`](super::order::NO_TIME).
    pub at: u64,
}

#[derive(Debug, Clone)]
struct Place {
    /// The frame up to the subscription's number.
    head: Vec<u8>,
    said: Said,
    first: First,
}

/// The hashes of the marks in four places, 0 for none, and which of them is filled next.
#[derive(Debug, Clone, Copy, Default)]
struct Set {
    tags: [u64; WAYS],
    next: usize,
}

/// The frames remembered.
#[derive(Debug, Default)]
pub struct Echoes {
    sets: Vec<Set>,
    places: Vec<Place>,
}

/// Splits a frame that ends as servers write it before the subscription's number, of up to 18 digits.
#[inline(always)]
#[expect(clippy::inline_always, reason = "on the way of every frame, and small")]
fn split(frame: &[u8]) -> Option<(&[u8], u64)> {
    let body = frame.strip_suffix(b"}}")?;
    let (number, digits) = last_digits(body);
    if digits == 0 || digits > 18 {
        return None; // no server counts further
    }
    let (head, text) = body.split_at(body.len() - digits);
    let leads = digits > 1 && text.first() == Some(&b'0');
    (!leads && head.ends_with(TAIL)).then_some((head, number))
}

/// A frame on its way in, and how it ends, which is looked at once.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    pub bytes: &'a [u8],
    pub ending: Option<Ending<'a>>,
}

/// The end of a frame as servers write it.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// What stands before the subscription's number.
    pub head: &'a [u8],
    pub subscription: u64,
    /// The hash of the mark, and the set it belongs to, unless the frame is too short or too long.
    mark: Option<(u64, usize)>,
}

impl<'a> Incoming<'a> {
    /// Looks at a frame's end.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "on the way of every frame, and small")]
    pub fn new(bytes: &'a [u8]) -> Self {
        let ending = split(bytes).map(|(head, subscription)| Ending { head, subscription, mark: mark(head) });
        Self { bytes, ending }
    }
}

/// Returns the hash of a frame's mark, and the set it belongs to.
#[inline]
fn mark(head: &[u8]) -> Option<(u64, usize)> {
    let mark = head.get(MARK).filter(|_| head.len() <= MAX_LEN)?;
    let tag = XxHash3_64::oneshot(mark).max(1);
    Some((tag, usize::try_from(tag % SETS as u64).ok()?))
}

impl Echoes {
    /// Returns what the frame says, and its subscription, if it repeats a remembered one.
    #[inline]
    pub fn find(&self, frame: Incoming<'_>) -> Option<(Said, u64, First)> {
        let Ending { head, subscription, mark } = frame.ending?;
        let (tag, set) = mark?;
        let way = self.sets.get(set)?.tags.iter().position(|&other| other == tag)?;
        let place = &self.places[set * WAYS + way];
        (place.head == head).then_some((place.said, subscription, place.first))
    }

    /// Forgets every frame; the buffers stay.
    pub fn clear(&mut self) {
        self.sets.fill(Set::default());
    }

    /// Remembers a frame whose subscription's number was read at byte `number_at`.
    #[inline]
    pub fn remember(&mut self, frame: Incoming<'_>, number_at: usize, said: Said, first: First) {
        let Some(Ending { head, mark: Some((tag, set)), .. }) = frame.ending else { return };
        if head.len() != number_at {
            return;
        }
        if self.places.is_empty() {
            self.sets.resize(SETS, Set::default());
            let (said, first) = (Said::Logs { key: 0 }, First { endpoint: 0, at: 0 });
            self.places.resize(PLACES, Place { head: Vec::new(), said, first });
        }
        let entry = &mut self.sets[set];
        let way = entry.tags.iter().position(|&other| other == tag).unwrap_or_else(|| {
            let way = entry.next;
            entry.next = (way + 1) % WAYS;
            way
        });
        entry.tags[way] = tag;
        let place = &mut self.places[set * WAYS + way];
        place.head.clear();
        place.head.extend_from_slice(head);
        (place.said, place.first) = (said, first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: Said = Said::Logs { key: 7 };
    const FIRST: First = First { endpoint: 1, at: 5 };

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
        assert_eq!(echoes.find(Incoming::new(&first)), None);
        echoes.remember(Incoming::new(&first), number_at(&first), SAID, FIRST);
        assert_eq!(echoes.find(Incoming::new(&frame(9, "4"))), Some((SAID, 4, FIRST)));
        assert_eq!(echoes.find(Incoming::new(&frame(8, "17"))), None);
        let longest = "123456789012345678";
        assert_eq!(
            echoes.find(Incoming::new(&frame(9, longest))),
            Some((SAID, 123_456_789_012_345_678, FIRST))
        );
        echoes.clear();
        assert_eq!(echoes.find(Incoming::new(&first)), None);
    }

    #[test]
    fn remember_of_more_than_there_are_places_keeps_the_latest() {
        let mut echoes = Echoes::default();
        for slot in 0..10_000 {
            let frame = frame(slot, "17");
            echoes.remember(Incoming::new(&frame), number_at(&frame), SAID, FIRST);
            assert!(echoes.find(Incoming::new(&frame)).is_some());
        }
        let found =
            (0..10_000).filter(|&slot| echoes.find(Incoming::new(&frame(slot, "1"))).is_some()).count();
        assert!((PLACES - 100..=PLACES).contains(&found), "{found}");
    }

    #[test]
    fn find_of_a_number_that_is_no_json_number_is_none() {
        let mut echoes = Echoes::default();
        let first = frame(9, "17");
        echoes.remember(Incoming::new(&first), number_at(&first), SAID, FIRST);
        for bad in ["017", "00", "", "-1", "1.5", "1e3", "1234567890123456789", "18446744073709551617"] {
            assert_eq!(echoes.find(Incoming::new(&frame(9, bad))), None, "{bad}");
        }
    }

    #[test]
    fn remember_of_a_frame_whose_subscription_stands_elsewhere_does_nothing() {
        let mut echoes = Echoes::default();
        let first = frame(9, "17");
        echoes.remember(Incoming::new(&first), 5, SAID, FIRST);
        assert_eq!(echoes.find(Incoming::new(&first)), None);
    }
}
