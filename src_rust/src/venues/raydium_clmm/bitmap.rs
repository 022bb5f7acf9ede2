//! Which tick arrays have initialised ticks, and in which order a swap meets them.
//!
//! The one idea: the program trusts two bitmaps, 1024 bits in the pool and 28 rows of 512 in an
//! extension account, and walks from set bit to set bit; the account of each must then be there.
//!
//! # Source
//! raydium-clmm, `states/{pool,tickarray_bitmap_extension}.rs`, `libraries/tick_array_bit_map.rs`.

use super::accounts::TickArrayBitmapExtension;
use super::error::{self, Fault};
use super::tick_array::TICK_ARRAY_SIZE;
use super::tick_math::{MAX_TICK, MIN_TICK};

/// Arrays on either side of tick 0 that the pool's own bitmap covers, and bits of an extension's row.
const ROW_BITS: i32 = 512;

/// What is known of the extension account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extension {
    /// Nothing.
    Unknown,
    /// There is none, so none is passed.
    Absent,
    /// Its content.
    Present(Box<TickArrayBitmapExtension>),
}

/// The bitmaps of one pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bitmaps<'a> {
    /// At least 1.
    pub(super) tick_spacing: u16,
    pub(super) own: &'a [u64; 16],
    pub(super) extension: &'a Extension,
}

/// Returns the first tick of the array that `tick` is in.
pub(super) fn array_start(tick: i32, tick_spacing: u16) -> i32 {
    let span = span(tick_spacing);
    tick.div_euclid(span) * span
}

/// Ticks from the start of an array to the start of the next; at least 60, at most about 4 million.
pub(super) fn span(tick_spacing: u16) -> i32 {
    TICK_ARRAY_SIZE * i32::from(tick_spacing)
}

impl Bitmaps<'_> {
    /// Returns whether the swap starts in the array of the present tick, and the array it starts in.
    pub(super) fn first(&self, tick_current: i32, downwards: bool) -> Result<(bool, i32), Fault> {
        let start = array_start(tick_current, self.tick_spacing);
        let is_set = if self.is_beyond_own(start) {
            let extension = match self.extension {
                Extension::Unknown => return Err(Fault::ExtensionUnknown),
                Extension::Absent => return Err(Fault::Panic("no bitmap extension")),
                Extension::Present(extension) => extension,
            };
            let (row, bit) = self.row(extension, start)?;
            last_set(row, bit) == Some(bit)
        } else {
            let bit = own_bit(start, self.tick_spacing);
            last_set(self.own, bit) == Some(bit)
        };
        if is_set {
            return Ok((true, start));
        }
        match self.next(start, downwards)? {
            Some(next) => Ok((false, next)),
            None => Err(error::INSUFFICIENT_LIQUIDITY_FOR_DIRECTION),
        }
    }

    /// Returns the next array with initialised ticks beyond the one at `last`, `None` at the end.
    pub(super) fn next(&self, mut last: i32, downwards: bool) -> Result<Option<i32>, Fault> {
        loop {
            match self.next_in_own(last, downwards) {
                Ok(found) => return Ok(Some(found)),
                Err(reached) => last = reached,
            }
            let extension = match self.extension {
                Extension::Unknown => return Err(Fault::ExtensionUnknown),
                Extension::Absent => return Err(error::MISSING_BITMAP_EXTENSION),
                Extension::Present(extension) => extension,
            };
            match self.next_in_row(extension, last, downwards)? {
                Ok(found) => return Ok(Some(found)),
                Err(reached) => last = reached,
            }
            if !(MIN_TICK..=MAX_TICK).contains(&last) {
                return Ok(None);
            }
        }
    }

    /// Looks through the pool's own bitmap; `Err`: how far it got without finding any.
    fn next_in_own(&self, last: i32, downwards: bool) -> Result<i32, i32> {
        let (span, boundary) = (span(self.tick_spacing), self.boundary());
        let next = if downwards { last - span } else { last + span };
        if !(-boundary..boundary).contains(&next) {
            return Err(last);
        }
        let bit = own_bit(next, self.tick_spacing);
        let found = if downwards { last_set(self.own, bit) } else { first_set(self.own, bit) };
        let end = if downwards { -boundary } else { boundary - span };
        found.map(|bit| (bit - ROW_BITS) * span).ok_or(end)
    }

    /// Looks through one row of the extension; as [`next_in_own`](Self::next_in_own).
    fn next_in_row(
        &self,
        extension: &TickArrayBitmapExtension,
        last: i32,
        downwards: bool,
    ) -> Result<Result<i32, i32>, Fault> {
        let span = span(self.tick_spacing);
        let next = if downwards { last - span } else { last + span };
        let (lowest, highest) =
            (array_start(MIN_TICK, self.tick_spacing), array_start(MAX_TICK, self.tick_spacing));
        if !(lowest..=highest).contains(&next) {
            return Ok(Err(next));
        }
        let (row, bit) = self.row(extension, next)?;
        let row_start = next - bit * span;
        let found = if downwards { last_set(row, bit) } else { first_set(row, bit) };
        let end = if downwards { row_start } else { row_start + (ROW_BITS - 1) * span };
        Ok(found.map(|bit| row_start + bit * span).ok_or(end))
    }

    /// Returns the row of the extension that has the array at `start`, and its bit there.
    fn row<'b>(
        &self,
        extension: &'b TickArrayBitmapExtension,
        start: i32,
    ) -> Result<(&'b [u64], i32), Fault> {
        if !is_valid_start(start, self.tick_spacing) {
            return Err(error::INVALID_TICK_INDEX);
        }
        let boundary = self.boundary();
        if boundary >= MAX_TICK {
            return Err(error::REQUIRE_GT);
        }
        if (-boundary..boundary).contains(&start) {
            return Err(error::INVALID_TICK_ARRAY_BOUNDARY);
        }
        let (rows, row) = if start < 0 {
            (&extension.negative_tick_array_bitmap, -(start.div_euclid(boundary)) - 2)
        } else {
            (&extension.positive_tick_array_bitmap, start / boundary - 1)
        };
        let words = usize::try_from(row).ok().and_then(|row| rows.chunks_exact(8).nth(row));
        let words = words.ok_or(Fault::Panic("beyond the bitmap extension"))?;
        Ok((words, start.rem_euclid(boundary) / span(self.tick_spacing)))
    }

    /// First tick above the pool's own bitmap; at most about 2.02 * 10^9.
    fn boundary(&self) -> i32 {
        span(self.tick_spacing) * ROW_BITS
    }

    /// Returns whether the extension, not the pool itself, has the bit of the array at `start`.
    pub(super) fn is_beyond_own(&self, start: i32) -> bool {
        let boundary = self.boundary();
        let upper = boundary.min(array_start(MAX_TICK, self.tick_spacing) + span(self.tick_spacing));
        let lower = (-boundary).max(array_start(MIN_TICK, self.tick_spacing));
        !(lower..upper).contains(&start)
    }
}

fn own_bit(start: i32, tick_spacing: u16) -> i32 {
    start.div_euclid(span(tick_spacing)) + ROW_BITS
}

fn is_valid_start(start: i32, tick_spacing: u16) -> bool {
    if (MIN_TICK..=MAX_TICK).contains(&start) {
        start % span(tick_spacing) == 0
    } else {
        start == array_start(MIN_TICK, tick_spacing)
    }
}

/// Returns the highest set bit at `bit` or below.
fn last_set(words: &[u64], bit: i32) -> Option<i32> {
    let bit = usize::try_from(bit).ok()?;
    let word = bit / 64;
    let masked = words.get(word)? & u64::MAX >> (63 - bit % 64);
    let below = words[..word].iter().copied().enumerate().rev();
    std::iter::once((word, masked))
        .chain(below)
        .find(|(_, bits)| *bits != 0)
        .and_then(|(word, bits)| i32::try_from(word * 64).ok().map(|base| base + bits.ilog2().cast_signed()))
}

/// Returns the lowest set bit at `bit` or above.
fn first_set(words: &[u64], bit: i32) -> Option<i32> {
    let bit = usize::try_from(bit).ok()?;
    let word = bit / 64;
    let masked = words.get(word)? & u64::MAX << (bit % 64);
    let above = words.iter().copied().enumerate().skip(word + 1);
    std::iter::once((word, masked)).chain(above).find(|(_, bits)| *bits != 0).and_then(|(word, bits)| {
        i32::try_from(word * 64).ok().map(|base| base + bits.trailing_zeros().cast_signed())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantities::Pubkey;

    /// An extension with these (is above, row, bit) set.
    fn extension(bits: &[(bool, usize, usize)]) -> Extension {
        let mut extension = TickArrayBitmapExtension {
            pool_id: Pubkey::default(),
            positive_tick_array_bitmap: [0; 112],
            negative_tick_array_bitmap: [0; 112],
        };
        for &(is_above, row, bit) in bits {
            let words = if is_above {
                &mut extension.positive_tick_array_bitmap
            } else {
                &mut extension.negative_tick_array_bitmap
            };
            words[8 * row + bit / 64] |= 1 << (bit % 64);
        }
        Extension::Present(Box::new(extension))
    }

    fn own(bits: &[usize]) -> [u64; 16] {
        let mut words = [0; 16];
        for bit in bits {
            words[bit / 64] |= 1 << (bit % 64);
        }
        words
    }

    /// With a spacing of 1 the pool's own bitmap ends at ticks -30720 and 30720.
    #[test]
    fn arrays_are_found_across_the_ends_of_bitmaps() {
        let extension =
            extension(&[(true, 0, 3), (true, 1, 0), (false, 0, 511), (false, 0, 0), (false, 13, 286)]);
        let own = own(&[0, 512, 1023]);
        let bitmaps = Bitmaps { tick_spacing: 1, own: &own, extension: &extension };
        // Bit 512 is array 0, bit 1023 ends at 30720; row 0 above begins there, row 1 at 61440.
        let upwards = [0, 30_660, 30_900, 61_440];
        // Bit 511 of row 0 below is next to the pool's own, bit 0 starts at -61440; row 13 at -460800.
        let downwards = [0, -30_720, -30_780, -61_440, -460_800 + 286 * 60];
        for (chain, is_down) in [(&upwards[..], false), (&downwards[..], true)] {
            for pair in chain.windows(2) {
                assert_eq!(bitmaps.next(pair[0], is_down), Ok(Some(pair[1])), "after {}", pair[0]);
                assert_eq!(bitmaps.next(pair[1], !is_down), Ok(Some(pair[0])), "back from {}", pair[1]);
                assert_eq!(bitmaps.first(pair[1] + 59, is_down), Ok((true, pair[1])));
            }
        }
        assert_eq!(bitmaps.next(61_440, false), Ok(None));
        assert_eq!(bitmaps.next(-443_640, true), Ok(None));
        assert_eq!(bitmaps.first(61_500, true), Ok((false, 61_440)));
        assert_eq!(bitmaps.first(61_500, false), Err(error::INSUFFICIENT_LIQUIDITY_FOR_DIRECTION));
    }

    #[test]
    fn extension_is_asked_only_beyond_the_pools_own_bitmap() {
        let own = own(&[511, 513]);
        let at = |extension| Bitmaps { tick_spacing: 10, own: &own, extension };
        let (absent, unknown) = (Extension::Absent, Extension::Unknown);
        // Array 512 starts at tick 0: its bit is not set, the ones beside it are.
        assert_eq!(at(&absent).first(5, true), Ok((false, -600)));
        assert_eq!(at(&unknown).first(5, false), Ok((false, 600)));
        assert_eq!(at(&absent).next(600, false), Err(error::MISSING_BITMAP_EXTENSION));
        assert_eq!(at(&unknown).next(600, false), Err(Fault::ExtensionUnknown));
        assert_eq!(at(&absent).first(307_200, true), Err(Fault::Panic("no bitmap extension")));
        assert_eq!(at(&unknown).first(307_200, true), Err(Fault::ExtensionUnknown));
    }

    /// 15 * 60 * 512 ticks are more than there are, so no extension ever holds an array.
    #[test]
    fn wide_spacings_end_with_the_pools_own_bitmap() {
        let own = own(&[19, 1004]);
        let bitmaps = Bitmaps { tick_spacing: 15, own: &own, extension: &extension(&[]) };
        assert_eq!(bitmaps.first(MIN_TICK, false), Ok((true, -443_700)));
        assert_eq!(bitmaps.next(-443_700, false), Ok(Some(442_800)));
        assert_eq!(bitmaps.next(442_800, false), Ok(None));
        assert_eq!(bitmaps.next(-443_700, true), Ok(None));
        assert_eq!(bitmaps.first(MAX_TICK, true), Ok((true, 442_800)));
    }
}
