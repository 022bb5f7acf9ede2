//! The ticks a swap meets: up to three tick arrays, walked in one direction.
//!
//! A tick array is in one of three conditions: known with its ticks, known not to exist (the
//! program takes it as empty), or unknown. An unknown array fails a swap only when the price
//! reaches it: short of that its content cannot change the result.
//!
//! # Source
//! Orca Whirlpool program, `util/{sparse_swap,swap_tick_sequence}.rs`, `state/tick_array.rs`.

use std::sync::Arc;

use super::WhirlpoolError;
use super::compute::Meter;
use crate::amm_math::tick_math::{MAX_TICK_INDEX, MIN_TICK_INDEX, sqrt_price_from_tick_index};
use crate::decoders::orca_whirlpool::{TICK_ARRAY_SIZE, TickArrayLayout};
use crate::decoders::{TickArray, Whirlpool};

/// Why a tick array does not fit its pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TickArrayError {
    /// The array starts elsewhere than said.
    #[error("tick array starts at {found}, {expected} expected")]
    WrongStart {
        /// Start in the account.
        found: i32,
        /// Start under which it was given.
        expected: i32,
    },
    /// No array of this pool can start there.
    #[error("no tick array of tick spacing {tick_spacing} starts at {start_tick_index}")]
    ImpossibleStart {
        /// The start given.
        start_tick_index: i32,
        /// Spacing of the pool.
        tick_spacing: u16,
    },
    /// A tick beyond the lowest or highest is marked as initialised.
    #[error("tick {tick_index} is out of range but initialised")]
    ImpossibleTick {
        /// The tick.
        tick_index: i32,
    },
}

/// An initialised tick, its price at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LoadedTick {
    offset: i32,
    sqrt_price: u128,
    liquidity_net: i128,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    start: i32,
    /// `None`: known not to exist.
    loaded: Option<(TickArrayLayout, Arc<[LoadedTick]>)>,
}

/// What is known of a pool's tick arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TickArrays {
    tick_spacing: u16,
    /// Sorted by start.
    entries: Vec<Entry>,
    others_absent: bool,
}

impl TickArrays {
    /// Returns the arrays of a pool with this tick spacing, all unknown.
    #[must_use]
    pub fn new(tick_spacing: u16) -> Self {
        Self { tick_spacing, entries: Vec::new(), others_absent: false }
    }

    /// Records the array at `start`; `None`: it is known not to exist. Returns whether that is news.
    ///
    /// # Errors
    /// [`TickArrayError`] if it cannot belong to a pool of this tick spacing; nothing changes then.
    pub fn set(&mut self, start: i32, array: Option<&TickArray>) -> Result<bool, TickArrayError> {
        if !is_valid_start(start, self.tick_spacing) {
            return Err(TickArrayError::ImpossibleStart {
                start_tick_index: start,
                tick_spacing: self.tick_spacing,
            });
        }
        let loaded = array.map(|array| self.load(start, array)).transpose()?;
        let entry = Entry { start, loaded };
        Ok(match self.position(start) {
            Ok(index) => {
                let is_news = self.entries[index] != entry;
                self.entries[index] = entry;
                is_news
            }
            Err(index) => {
                self.entries.insert(index, entry);
                true
            }
        })
    }

    /// Whether an array of this pool can start there.
    #[must_use]
    pub fn can_start(&self, start: i32) -> bool {
        is_valid_start(start, self.tick_spacing)
    }

    /// Forgets what is known of the array at `start`.
    pub fn forget(&mut self, start: i32) {
        if let Ok(index) = self.position(start) {
            self.entries.remove(index);
        }
    }

    /// Says whether every array never mentioned is known not to exist (a complete snapshot).
    pub fn set_all_others_absent(&mut self, absent: bool) {
        self.others_absent = absent;
    }

    /// Whether a swap may rely on the array at `start`.
    #[must_use]
    pub fn is_known(&self, start: i32) -> bool {
        self.others_absent || self.position(start).is_ok()
    }

    /// Whether the array at `start` is known to exist.
    #[must_use]
    pub fn exists(&self, start: i32) -> bool {
        self.position(start).is_ok_and(|index| self.entries[index].loaded.is_some())
    }

    /// Number of arrays that exist.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.iter().filter(|entry| entry.loaded.is_some()).count()
    }

    /// Whether no array is known to exist.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Iterates the initialised ticks of all arrays, ascending, with their net liquidity.
    pub fn initialized_ticks(&self) -> impl Iterator<Item = (i32, i128)> + '_ {
        self.entries.iter().flat_map(|entry| {
            let ticks = entry.loaded.as_ref().map_or(&[][..], |(_, ticks)| ticks);
            ticks
                .iter()
                .map(|tick| (entry.start + tick.offset * i32::from(self.tick_spacing), tick.liquidity_net))
        })
    }

    fn position(&self, start: i32) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&start, |entry| entry.start)
    }

    fn load(
        &self,
        start: i32,
        array: &TickArray,
    ) -> Result<(TickArrayLayout, Arc<[LoadedTick]>), TickArrayError> {
        if array.start_tick_index != start {
            return Err(TickArrayError::WrongStart { found: array.start_tick_index, expected: start });
        }
        // Prices are what costs time here, and ticks seldom come or go.
        let known = self.slot(start).ticks();
        let mut ticks = Vec::with_capacity(array.liquidity_net.len());
        let mut rest = array.initialized;
        for &liquidity_net in &array.liquidity_net {
            let offset = rest.trailing_zeros().cast_signed();
            rest &= rest.wrapping_sub(1);
            let tick_index = start + offset * i32::from(self.tick_spacing);
            if !(MIN_TICK_INDEX..=MAX_TICK_INDEX).contains(&tick_index) {
                return Err(TickArrayError::ImpossibleTick { tick_index });
            }
            let sqrt_price = match known.get(ticks.len()) {
                Some(tick) if tick.offset == offset => tick.sqrt_price,
                _ => sqrt_price_from_tick_index(tick_index),
            };
            ticks.push(LoadedTick { offset, sqrt_price, liquidity_net });
        }
        Ok((array.layout, ticks.into()))
    }

    fn slot(&self, start: i32) -> Slot<'_> {
        let content = match self.position(start) {
            Ok(index) => match &self.entries[index].loaded {
                Some((layout, ticks)) => Content::Ticks(*layout, ticks),
                None => Content::Absent,
            },
            Err(_) if self.others_absent => Content::Absent,
            Err(_) => Content::Unknown,
        };
        Slot { start, content }
    }
}

/// Whether the program accepts a tick array that starts there.
fn is_valid_start(start: i32, tick_spacing: u16) -> bool {
    let span = TICK_ARRAY_SIZE * i32::from(tick_spacing);
    if (MIN_TICK_INDEX..=MAX_TICK_INDEX).contains(&start) {
        start % span == 0
    } else {
        start == MIN_TICK_INDEX - (MIN_TICK_INDEX % span + span)
    }
}

/// Returns the starts of the up to three tick arrays that a swap may touch, in the order it meets them.
pub fn sequence_starts(pool: &Whirlpool, a_to_b: bool) -> impl Iterator<Item = i32> {
    let span = pool.ticks_in_array();
    // From the last usable tick on, the next tick up lies in the next array.
    let from_start = pool.tick_current_index.rem_euclid(span);
    let offsets = if a_to_b {
        [0, -1, -2]
    } else if from_start + i32::from(pool.tick_spacing) >= span {
        [1, 2, 3]
    } else {
        [0, 1, 2]
    };
    valid_starts(pool, offsets)
}

/// Returns the starts of the tick arrays that a swap in either direction can touch now or after
/// the price has crossed into a neighbouring array (up to six, ascending).
pub fn required_starts(pool: &Whirlpool) -> impl Iterator<Item = i32> {
    valid_starts(pool, [-2, -1, 0, 1, 2, 3])
}

/// Starts at these offsets from the array that holds the current tick, as far as arrays go.
fn valid_starts<const N: usize>(pool: &Whirlpool, offsets: [i32; N]) -> impl Iterator<Item = i32> {
    let (span, tick_spacing) = (pool.ticks_in_array(), pool.tick_spacing);
    let base = pool.tick_current_index.div_euclid(span) * span;
    let starts = offsets.into_iter().map(move |offset| base + offset * span);
    starts.filter(move |start| is_valid_start(*start, tick_spacing))
}

#[derive(Debug, Clone, Copy)]
enum Content<'a> {
    Ticks(TickArrayLayout, &'a [LoadedTick]),
    Absent,
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Slot<'a> {
    start: i32,
    content: Content<'a>,
}

impl<'a> Slot<'a> {
    fn ticks(&self) -> &'a [LoadedTick] {
        match self.content {
            Content::Ticks(_, ticks) => ticks,
            Content::Absent | Content::Unknown => &[],
        }
    }
}

/// What lies at the next tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetKind {
    /// An initialised tick.
    Initialized { liquidity_net: i128, offset: i32, layout: TickArrayLayout },
    /// The lowest or highest tick, or the end of the sequence.
    End,
    /// The border of an array of which nothing is known.
    Unknown { start_tick_index: i32 },
}

/// The next tick at which something may change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub tick_index: i32,
    pub sqrt_price: u128,
    pub kind: TargetKind,
}

/// Walks the sequence of up to three tick arrays.
#[derive(Debug, Clone)]
pub(super) struct TickCursor<'a> {
    slots: [Slot<'a>; 3],
    len: usize,
    tick_spacing: i32,
    a_to_b: bool,
    at: Position,
}

/// Where a cursor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Array looked at.
    index: usize,
    /// How many of its ticks lie ahead.
    ahead: usize,
    /// Next offset to be searched, as the program counts its way.
    offset: i32,
}

const LAST_OFFSET: i32 = TICK_ARRAY_SIZE - 1;

impl<'a> TickCursor<'a> {
    /// Starts at the pool's current tick.
    pub(super) fn new(
        arrays: &'a TickArrays,
        pool: &Whirlpool,
        a_to_b: bool,
    ) -> Result<Self, WhirlpoolError> {
        let tick_spacing = i32::from(pool.tick_spacing);
        let mut slots = [Slot { start: 0, content: Content::Unknown }; 3];
        let mut len = 0;
        for (slot, start) in slots.iter_mut().zip(sequence_starts(pool, a_to_b)) {
            *slot = arrays.slot(start);
            len += 1;
        }
        if len == 0 {
            return Err(WhirlpoolError::InvalidTickArraySequence);
        }
        let current = (pool.tick_current_index - slots[0].start).div_euclid(tick_spacing);
        let ticks = slots[0].ticks();
        let (offset, ahead) = if a_to_b {
            (current, ticks.partition_point(|tick| tick.offset <= current))
        } else {
            (current + 1, ticks.len() - ticks.partition_point(|tick| tick.offset <= current))
        };
        Ok(Self { slots, len, tick_spacing, a_to_b, at: Position { index: 0, ahead, offset } })
    }

    /// Number of arrays of the sequence that do not exist: the program derives their addresses.
    pub(super) fn absent(&self) -> u32 {
        let is_absent = |slot: &Slot<'_>| u32::from(matches!(slot.content, Content::Absent));
        self.slots[..self.len].iter().map(is_absent).sum()
    }

    /// Returns where the cursor stands.
    pub(super) fn position(&self) -> Position {
        self.at
    }

    /// Puts the cursor where one over the same arrays stood.
    pub(super) fn resume(&mut self, position: Position) {
        self.at = position;
    }

    /// Returns what tells the targets ahead apart from others, arrays and direction being the same:
    /// the start of the first array and how many of its ticks lie ahead.
    pub(super) fn outlook(&self) -> (i32, usize) {
        (self.slots[0].start, self.at.ahead)
    }

    /// Returns the next initialised tick, or the end of what the swap may touch.
    #[inline]
    pub(super) fn next_target(&mut self, meter: &mut impl Meter) -> Result<Target, WhirlpoolError> {
        let span = TICK_ARRAY_SIZE * self.tick_spacing;
        let mut is_first = true;
        loop {
            if self.at.index >= self.len {
                return Err(WhirlpoolError::TickArraySequenceInvalidIndex);
            }
            let slot = &self.slots[self.at.index];
            let (layout, ticks) = match slot.content {
                Content::Ticks(layout, ticks) => (layout, ticks),
                Content::Absent => (TickArrayLayout::Dynamic, [].as_slice()),
                Content::Unknown if is_first => {
                    return Err(WhirlpoolError::MissingTickArray { start_tick_index: slot.start });
                }
                Content::Unknown => {
                    let tick_index = if self.a_to_b { slot.start + span } else { slot.start };
                    let kind = TargetKind::Unknown { start_tick_index: slot.start };
                    return Ok(at(tick_index, kind));
                }
            };
            if self.at.ahead > 0 {
                let position = if self.a_to_b { self.at.ahead - 1 } else { ticks.len() - self.at.ahead };
                let LoadedTick { offset, sqrt_price, liquidity_net } = ticks[position];
                meter.scan(layout, (offset - self.at.offset).unsigned_abs() + 1);
                let tick_index = slot.start + offset * self.tick_spacing;
                let kind = TargetKind::Initialized { liquidity_net, offset, layout };
                return Ok(Target { tick_index, sqrt_price, kind });
            }
            if !matches!(slot.content, Content::Absent) {
                let left = if self.a_to_b { self.at.offset + 1 } else { TICK_ARRAY_SIZE - self.at.offset };
                meter.scan(layout, left.unsigned_abs());
            }
            if self.a_to_b && slot.start <= MIN_TICK_INDEX {
                return Ok(at(MIN_TICK_INDEX, TargetKind::End));
            }
            if !self.a_to_b && slot.start + span > MAX_TICK_INDEX {
                return Ok(at(MAX_TICK_INDEX, TargetKind::End));
            }
            if self.at.index + 1 == self.len {
                let tick_index = if self.a_to_b { slot.start } else { slot.start + span - 1 };
                return Ok(at(tick_index, TargetKind::End));
            }
            self.enter_next_array();
            is_first = false;
        }
    }

    /// Goes past a target that the price has reached.
    #[inline]
    pub(super) fn cross(&mut self, target: &Target) {
        match target.kind {
            TargetKind::Initialized { offset, .. } => {
                let last = if self.a_to_b { 0 } else { LAST_OFFSET };
                if offset == last {
                    self.enter_next_array();
                } else {
                    self.at.ahead -= 1;
                    self.at.offset = if self.a_to_b { offset - 1 } else { offset + 1 };
                }
            }
            TargetKind::End | TargetKind::Unknown { .. } => self.enter_next_array(),
        }
    }

    fn enter_next_array(&mut self) {
        self.at.index += 1;
        self.at.offset = if self.a_to_b { LAST_OFFSET } else { 0 };
        self.at.ahead = self.slots.get(self.at.index).map_or(0, |slot| slot.ticks().len());
    }
}

fn at(tick_index: i32, kind: TargetKind) -> Target {
    Target { tick_index, sqrt_price: sqrt_price_from_tick_index(tick_index), kind }
}
