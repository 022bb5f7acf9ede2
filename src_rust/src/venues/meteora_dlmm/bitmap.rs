//! Which bin array comes next: arrays with liquidity are marked in bitmaps.
//!
//! The pair's own bitmap covers arrays -512 to 511, its extension 6,144 more on either side. A search
//! that leaves what the pair covers needs the extension.

use super::accounts::BinArrayBitmapExtension;
use super::errors::Fault;

/// Arrays on either side that the pair's own bitmap covers.
const INNER: i32 = 512;
/// Arrays on either side that both cover.
const OUTER: i32 = INNER * 13;

/// What is known of the extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extension {
    /// Nothing.
    Unknown,
    /// There is none.
    Absent,
    /// It is this.
    Present(Box<BinArrayBitmapExtension>),
}

/// Returns whether the pair's own bitmap covers an array.
pub(super) fn is_inner(index: i32) -> bool {
    (-INNER..INNER).contains(&index)
}

/// Returns the first array with liquidity from `start` on, downwards if `a_to_b`, `start` included.
pub(super) fn next_array(
    inner: &[u64; 16],
    extension: &Extension,
    start: i32,
    a_to_b: bool,
) -> Result<i32, Fault> {
    let mut index = start;
    loop {
        if is_inner(index) {
            let bit = (index + INNER).unsigned_abs() as usize;
            if let Some(found) = if a_to_b { last_set(inner, bit) } else { first_set(inner, bit) } {
                return Ok(bit_index(found) - INNER);
            }
            index = if a_to_b { -INNER - 1 } else { INNER };
        }
        let extension = match extension {
            Extension::Present(extension) => extension,
            Extension::Absent => return Err(Fault::NoBitmapExtension),
            Extension::Unknown => return Err(Fault::UnknownBitmapExtension),
        };
        if !(-OUTER..OUTER).contains(&index) {
            return Err(Fault::NoFurtherArray);
        }
        if index >= INNER {
            let (map, bit) = (&extension.positive_bin_array_bitmap, (index - INNER).unsigned_abs() as usize);
            let found = if a_to_b { last_set(map, bit) } else { first_set(map, bit) };
            match found {
                Some(found) => return Ok(bit_index(found) + INNER),
                None if a_to_b => index = INNER - 1,
                None => return Err(Fault::NoFurtherArray),
            }
        } else {
            let (map, bit) =
                (&extension.negative_bin_array_bitmap, (-1 - index - INNER).unsigned_abs() as usize);
            let found = if a_to_b { first_set(map, bit) } else { last_set(map, bit) };
            match found {
                Some(found) => return Ok(-1 - (bit_index(found) + INNER)),
                None if a_to_b => return Err(Fault::NoFurtherArray),
                None => index = -INNER,
            }
        }
    }
}

/// Bitmaps have at most 6,144 bits.
fn bit_index(bit: usize) -> i32 {
    i32::try_from(bit).unwrap_or(i32::MAX)
}

/// Returns the lowest set bit from `from` on.
fn first_set(words: &[u64], from: usize) -> Option<usize> {
    let mut mask = u64::MAX << (from % 64);
    for (place, word) in words.iter().enumerate().skip(from / 64) {
        let word = word & mask;
        if word != 0 {
            return Some(place * 64 + word.trailing_zeros() as usize);
        }
        mask = u64::MAX;
    }
    None
}

/// Returns the highest set bit up to and with `to`.
fn last_set(words: &[u64], to: usize) -> Option<usize> {
    let mut mask = u64::MAX >> (63 - to % 64);
    for (place, word) in words.iter().enumerate().take(to / 64 + 1).rev() {
        let word = word & mask;
        if word != 0 {
            return Some(place * 64 + 63 - word.leading_zeros() as usize);
        }
        mask = u64::MAX;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantities::Pubkey;
    use proptest::prelude::*;

    /// Sets the bit of an array where the program keeps it (`get_bitmap_offset`,
    /// `bin_array_offset_in_bitmap`).
    fn mark(inner: &mut [u64; 16], extension: &mut BinArrayBitmapExtension, index: i32) {
        let set = |map: &mut [u64], bit: i32| {
            let bit = usize::try_from(bit).expect("a bit");
            map[bit / 64] |= 1 << (bit % 64);
        };
        if (-512..512).contains(&index) {
            set(inner, index + 512);
        } else if index > 0 {
            let (row, place) = (index / 512 - 1, index % 512);
            set(&mut extension.positive_bin_array_bitmap, row * 512 + place);
        } else {
            let (row, place) = (-(index + 1) / 512 - 1, -(index + 1) % 512);
            set(&mut extension.negative_bin_array_bitmap, row * 512 + place);
        }
    }

    fn empty() -> BinArrayBitmapExtension {
        BinArrayBitmapExtension {
            lb_pair: Pubkey::default(),
            positive_bin_array_bitmap: [0; 96],
            negative_bin_array_bitmap: [0; 96],
        }
    }

    proptest! {
        #[test]
        fn next_array_is_the_nearest_marked_one(
            marked in prop::collection::btree_set(prop_oneof![-6656..6656_i32, -520..520_i32], 0..12),
            start in prop_oneof![-6656..6656_i32, -520..520_i32],
            a_to_b: bool,
        ) {
            let (mut inner, mut extension) = ([0; 16], empty());
            for &index in &marked {
                mark(&mut inner, &mut extension, index);
            }
            let nearest = if a_to_b { marked.range(..=start).next_back() } else { marked.range(start..).next() };
            let extension = Extension::Present(Box::new(extension));
            prop_assert_eq!(
                next_array(&inner, &extension, start, a_to_b),
                nearest.copied().ok_or(Fault::NoFurtherArray)
            );
            let leaves = !is_inner(start) || nearest.is_none_or(|&index| !is_inner(index));
            for (extension, fault) in [
                (Extension::Absent, Fault::NoBitmapExtension),
                (Extension::Unknown, Fault::UnknownBitmapExtension),
            ] {
                let expected = if leaves { Err(fault) } else { nearest.copied().ok_or(fault) };
                prop_assert_eq!(next_array(&inner, &extension, start, a_to_b), expected);
            }
        }
    }
}
