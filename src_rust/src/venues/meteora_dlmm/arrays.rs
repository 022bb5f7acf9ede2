//! The bin arrays of a pair, as far as known, and their addresses, each derived once.

use std::sync::Arc;

use super::bin_array::{Bin, BinArray, PreparedArray};
use crate::pda::find_program_address;
use crate::quantities::Pubkey;

/// What is known of an array.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known<'a> {
    /// Nothing.
    Unknown,
    /// There is none.
    Absent,
    /// It is this.
    Present(&'a PreparedArray),
}

#[derive(Debug, Clone)]
enum Slot {
    Unknown,
    Absent,
    Present(Arc<PreparedArray>),
}

#[derive(Debug, Clone)]
struct Entry {
    index: i32,
    address: Pubkey,
    slot: Slot,
}

/// Arrays by index.
#[derive(Debug, Clone)]
pub(super) struct Arrays {
    program: Pubkey,
    pair: Pubkey,
    with_orders: bool,
    /// Sorted by index.
    entries: Vec<Entry>,
}

impl Arrays {
    pub(super) fn new(program: Pubkey, pair: Pubkey, with_orders: bool) -> Self {
        Self { program, pair, with_orders, entries: Vec::new() }
    }

    fn position(&self, index: i32) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&index, |entry| entry.index)
    }

    fn entry(&self, index: i32) -> Option<&Entry> {
        self.entries.get(self.position(index).ok()?)
    }

    /// Returns what is known of an array.
    #[inline]
    pub(super) fn get(&self, index: i32) -> Known<'_> {
        match self.entry(index).map(|entry| &entry.slot) {
            None | Some(Slot::Unknown) => Known::Unknown,
            Some(Slot::Absent) => Known::Absent,
            Some(Slot::Present(array)) => Known::Present(array),
        }
    }

    /// Returns whether it is known what the array holds, or that there is none.
    pub(super) fn is_known(&self, index: i32) -> bool {
        !matches!(self.get(index), Known::Unknown)
    }

    /// Returns the array's address if it was derived.
    pub(super) fn address(&self, index: i32) -> Option<Pubkey> {
        self.entry(index).map(|entry| entry.address)
    }

    /// Returns the array that has this address, if it was derived.
    pub(super) fn index_of(&self, address: &Pubkey) -> Option<i32> {
        self.entries.iter().find(|entry| entry.address == *address).map(|entry| entry.index)
    }

    /// Derives an array's address, unless it is known.
    pub(super) fn learn(&mut self, index: i32) -> Option<Pubkey> {
        match self.position(index) {
            Ok(position) => self.entries.get(position).map(|entry| entry.address),
            Err(position) => {
                let seeds: [&[u8]; 3] = [b"bin_array", &self.pair.0, &i64::from(index).to_le_bytes()];
                let (address, _) = find_program_address(&seeds, &self.program).ok()?;
                self.entries.insert(position, Entry { index, address, slot: Slot::Unknown });
                Some(address)
            }
        }
    }

    /// Takes an array's content, or that there is none. Returns whether that is news.
    pub(super) fn set(&mut self, index: i32, array: Option<BinArray>) -> bool {
        let Ok(position) = self.position(index) else { return false };
        let (with_orders, Some(entry)) = (self.with_orders, self.entries.get_mut(position)) else {
            return false;
        };
        match (array, &entry.slot) {
            (None, Slot::Absent) => false,
            (None, _) => {
                entry.slot = Slot::Absent;
                true
            }
            (Some(array), Slot::Present(before)) => {
                if before.bins == array.bins {
                    return false;
                }
                entry.slot = Slot::Present(Arc::new(PreparedArray::new(array, with_orders, Some(before))));
                true
            }
            (Some(array), _) => {
                entry.slot = Slot::Present(Arc::new(PreparedArray::new(array, with_orders, None)));
                true
            }
        }
    }

    /// Forgets an array's content.
    pub(super) fn forget(&mut self, index: i32) {
        if let Ok(position) = self.position(index)
            && let Some(entry) = self.entries.get_mut(position)
        {
            entry.slot = Slot::Unknown;
        }
    }

    /// Replaces a bin of a known array.
    pub(super) fn set_bin(&mut self, index: i32, place: usize, bin: Bin) {
        if let Ok(position) = self.position(index)
            && let Some(Entry { slot: Slot::Present(array), .. }) = self.entries.get_mut(position)
        {
            Arc::make_mut(array).set(place, bin, self.with_orders);
        }
    }

    /// Says whether bins hold limit orders; prepares every array anew if that changed.
    pub(super) fn set_with_orders(&mut self, with_orders: bool) {
        if self.with_orders == with_orders {
            return;
        }
        self.with_orders = with_orders;
        for entry in &mut self.entries {
            if let Slot::Present(array) = &mut entry.slot {
                let array = Arc::make_mut(array);
                for (place, bin) in array.bins.clone().into_iter().enumerate() {
                    array.set(place, bin, with_orders);
                }
            }
        }
    }

    /// Returns the arrays that exist and their index, lowest first.
    pub(super) fn present(&self) -> impl Iterator<Item = (i32, &PreparedArray)> {
        self.entries.iter().filter_map(|entry| match &entry.slot {
            Slot::Present(array) => Some((entry.index, array.as_ref())),
            _ => None,
        })
    }
}
