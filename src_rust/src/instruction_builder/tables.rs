//! Address lookup tables: what they hold, and which of them make a transaction smallest.
//!
//! The one idea of the choice: an address that a table holds costs one byte instead of 32, a table costs
//! [`TABLE_BYTES`]. So the best set is the one with the largest `31 * addresses covered - 34 * tables`:
//! searched in full over few tables, greedily over many.

use rustc_hash::FxHashMap;

use super::message::{Key, keys_of};
use super::{AccountMeta, Instruction};
use crate::decoders;
use crate::quantities::{Pubkey, Slot};

/// The program that owns lookup tables.
pub const TABLE_PROGRAM: Pubkey = decoders::address("AddressLookupTab1e1111111111111111111111111");
/// Most addresses of a table: an index is one byte.
pub const MAX_TABLE_ADDRESSES: usize = 256;
/// What a table adds to a message: its address, and the lengths of its two lists of indices.
pub const TABLE_BYTES: usize = 34;
/// What an address in a table saves: an index instead of 32 bytes.
const SAVED_BYTES: usize = 31;
/// Up to so many tables every set of them is tried: 2^8 sets take less than a microsecond.
const EXACT_TABLES: usize = 8;
/// More addresses than a transaction may name; what is beyond is not counted.
const MAX_COUNTED: usize = 128;

const META_BYTES: usize = 56;
const TYPE_TABLE: u32 = 1;

/// A lookup table and where each address stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupTable {
    address: Pubkey,
    addresses: Vec<Pubkey>,
    index: FxHashMap<Pubkey, u8>,
}

/// Why something is no lookup table that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// More addresses than an index can tell apart.
    #[error("lookup table {table} has {found} addresses, at most {MAX_TABLE_ADDRESSES} fit")]
    TooManyAddresses {
        /// The table.
        table: Pubkey,
        /// Number of addresses.
        found: usize,
    },
    /// The bytes are no initialised table.
    #[error("account {table} is no lookup table: {reason}")]
    NoTable {
        /// The account.
        table: Pubkey,
        /// What is wrong.
        reason: &'static str,
    },
    /// The table is on its way out: no new transaction should name it.
    #[error("lookup table {table} was deactivated in slot {slot}")]
    Deactivated {
        /// The table.
        table: Pubkey,
        /// Since when.
        slot: Slot,
    },
}

impl TableError {
    /// Returns the stable name used in counters and JSON.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooManyAddresses { .. } => "too_many_addresses",
            Self::NoTable { .. } => "no_lookup_table",
            Self::Deactivated { .. } => "lookup_table_deactivated",
        }
    }
}

impl LookupTable {
    /// Returns the table at `address` with these addresses. Of one that stands there twice, the first
    /// place counts.
    ///
    /// # Errors
    /// [`TableError::TooManyAddresses`].
    pub fn new(address: Pubkey, addresses: Vec<Pubkey>) -> Result<Self, TableError> {
        let found = addresses.len();
        let mut index = FxHashMap::with_capacity_and_hasher(found, rustc_hash::FxBuildHasher);
        for (place, key) in addresses.iter().enumerate() {
            let place =
                u8::try_from(place).map_err(|_| TableError::TooManyAddresses { table: address, found })?;
            index.entry(*key).or_insert(place);
        }
        Ok(Self { address, addresses, index })
    }

    /// Returns the table in an account's bytes. With `slot`, the latest slot known: without the addresses
    /// that were added in it or later, which a transaction can use only from the slot after on.
    ///
    /// # Errors
    /// [`TableError`].
    ///
    /// # Source
    /// solana-address-lookup-table-interface, `state.rs`: 56 bytes, then addresses of 32 bytes.
    pub fn decode(address: Pubkey, data: &[u8], slot: Option<Slot>) -> Result<Self, TableError> {
        let wrong = |reason| TableError::NoTable { table: address, reason };
        let number = |offset: usize| {
            let bytes = data.get(offset..offset + 8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let short = "it has less than 56 bytes";
        let kind = data.get(..4).ok_or(wrong(short))?;
        let deactivated = number(4).ok_or(wrong(short))?;
        let extended = number(12).ok_or(wrong(short))?;
        let extended_from = usize::from(*data.get(20).ok_or(wrong(short))?);
        let keys = data.get(META_BYTES..).ok_or(wrong(short))?;
        if kind != TYPE_TABLE.to_le_bytes() {
            return Err(wrong("its type is not 1"));
        }
        if keys.len() % 32 != 0 {
            return Err(wrong("its length is not 56 and a multiple of 32"));
        }
        if deactivated != u64::MAX {
            return Err(TableError::Deactivated { table: address, slot: deactivated });
        }
        let mut addresses: Vec<Pubkey> =
            keys.chunks_exact(32).filter_map(|bytes| Pubkey::read(bytes, 0)).collect();
        if slot.is_some_and(|slot| slot <= extended) {
            addresses.truncate(extended_from);
        }
        Self::new(address, addresses)
    }

    /// Returns the table's own address.
    #[must_use]
    pub fn address(&self) -> Pubkey {
        self.address
    }

    /// Returns what it holds, in order.
    #[must_use]
    pub fn addresses(&self) -> &[Pubkey] {
        &self.addresses
    }

    /// Returns where an address stands in it.
    #[must_use]
    pub fn place(&self, address: &Pubkey) -> Option<u8> {
        self.index.get(address).copied()
    }
}

/// Returns which of `candidates` make the transaction smallest, by position, in order; as few as do.
///
/// The best set for up to 8 tables that are of any use, else found greedily. What can never stand in a
/// table (signers, the payer, programs, the nonce, tip accounts) is not counted.
#[must_use]
pub fn choose_tables(
    payer: &Pubkey,
    instructions: &[&Instruction],
    candidates: &[&LookupTable],
) -> Vec<usize> {
    if candidates.is_empty() {
        return Vec::new();
    }
    let keys = keys_of(payer, instructions);
    let movable: Vec<Pubkey> =
        keys.iter().filter(|key| key.may_be_looked_up()).map(Key::address).take(MAX_COUNTED).collect();
    let mut useful: Vec<(usize, u128)> = Vec::new();
    for (position, table) in candidates.iter().enumerate() {
        let covered = movable
            .iter()
            .enumerate()
            .filter(|(_, address)| table.place(address).is_some())
            .fold(0_u128, |covered, (bit, _)| covered | 1 << bit);
        let again = useful.iter().any(|(_, known)| known | covered == *known);
        if cost(covered, 1) < cost(0, 0) && !again {
            useful.push((position, covered));
        }
    }
    let mut chosen = if useful.len() <= EXACT_TABLES { best_of_all(&useful) } else { greedy(&useful) };
    chosen.sort_unstable();
    chosen
}

/// Returns the bytes that so many tables cost, and the addresses that they do not hold.
fn cost(covered: u128, tables: usize) -> usize {
    covered.count_zeros() as usize * SAVED_BYTES + tables * TABLE_BYTES
}

fn best_of_all(useful: &[(usize, u128)]) -> Vec<usize> {
    let sets = 1_usize << useful.len();
    let mut unions = vec![0_u128; sets];
    let mut best = (cost(0, 0), 0_usize);
    for set in 1..sets {
        let lowest = set.trailing_zeros() as usize;
        unions[set] = unions[set & (set - 1)] | useful[lowest].1;
        let cost = cost(unions[set], set.count_ones() as usize);
        if cost < best.0 {
            best = (cost, set);
        }
    }
    (0..useful.len()).filter(|bit| best.1 >> bit & 1 == 1).map(|bit| useful[bit].0).collect()
}

fn greedy(useful: &[(usize, u128)]) -> Vec<usize> {
    let mut chosen: Vec<(usize, u128)> = Vec::new();
    let mut covered = 0_u128;
    loop {
        let next = useful
            .iter()
            .max_by_key(|(position, held)| ((held & !covered).count_ones(), std::cmp::Reverse(*position)));
        match next {
            Some(&(position, held)) if cost(held & !covered, 1) < cost(0, 0) => {
                chosen.push((position, held));
                covered |= held;
            }
            _ => break,
        }
    }
    // A table taken early may have become needless by those taken after it.
    let mut index = 0;
    while index < chosen.len() {
        let others =
            chosen.iter().enumerate().filter(|(at, _)| *at != index).fold(0, |all, (_, table)| all | table.1);
        if cost(others, chosen.len() - 1) <= cost(covered, chosen.len()) {
            chosen.remove(index);
            covered = others;
        } else {
            index += 1;
        }
    }
    chosen.into_iter().map(|(position, _)| position).collect()
}

/// Returns the address of the table that `authority` makes for `recent_slot`, and its bump.
///
/// # Errors
/// [`crate::pda::PdaError::NoBump`], never seen in practice.
pub fn table_address(authority: &Pubkey, recent_slot: Slot) -> Result<(Pubkey, u8), crate::pda::PdaError> {
    crate::pda::find_program_address(&[&authority.0, &recent_slot.to_le_bytes()], &TABLE_PROGRAM)
}

/// Returns the instruction that creates a table, and the table's address.
///
/// `recent_slot` must be one whose hash the chain still keeps: one of the last 512 that had a block.
///
/// # Errors
/// [`crate::pda::PdaError::NoBump`], never seen in practice.
pub fn create_table(
    authority: &Pubkey,
    payer: &Pubkey,
    recent_slot: Slot,
) -> Result<(Instruction, Pubkey), crate::pda::PdaError> {
    let (table, bump) = table_address(authority, recent_slot)?;
    let mut data = 0_u32.to_le_bytes().to_vec();
    data.extend_from_slice(&recent_slot.to_le_bytes());
    data.push(bump);
    let accounts = vec![
        AccountMeta::writable(table),
        AccountMeta::readonly(*authority),
        AccountMeta::writable(*payer).signer(),
        AccountMeta::readonly(super::system::SYSTEM_PROGRAM),
    ];
    Ok((Instruction { program: TABLE_PROGRAM, accounts, data }, table))
}

/// Returns the instruction that appends addresses to a table; `payer` pays the rent of the growth. About
/// 30 addresses fit into one transaction.
#[must_use]
pub fn extend_table(table: &Pubkey, authority: &Pubkey, payer: &Pubkey, addresses: &[Pubkey]) -> Instruction {
    let mut data = 2_u32.to_le_bytes().to_vec();
    data.extend_from_slice(&(addresses.len() as u64).to_le_bytes());
    for address in addresses {
        data.extend_from_slice(&address.0);
    }
    let accounts = vec![
        AccountMeta::writable(*table),
        AccountMeta::readonly(*authority).signer(),
        AccountMeta::writable(*payer).signer(),
        AccountMeta::readonly(super::system::SYSTEM_PROGRAM),
    ];
    Instruction { program: TABLE_PROGRAM, accounts, data }
}

/// Returns the instruction that deactivates a table: the first step to closing it.
#[must_use]
pub fn deactivate_table(table: &Pubkey, authority: &Pubkey) -> Instruction {
    let accounts = vec![AccountMeta::writable(*table), AccountMeta::readonly(*authority).signer()];
    Instruction { program: TABLE_PROGRAM, accounts, data: 3_u32.to_le_bytes().to_vec() }
}

/// Returns the instruction that closes a table deactivated more than 512 slots ago; its rent goes to
/// `recipient`.
#[must_use]
pub fn close_table(table: &Pubkey, authority: &Pubkey, recipient: &Pubkey) -> Instruction {
    let accounts = vec![
        AccountMeta::writable(*table),
        AccountMeta::readonly(*authority).signer(),
        AccountMeta::writable(*recipient),
    ];
    Instruction { program: TABLE_PROGRAM, accounts, data: 4_u32.to_le_bytes().to_vec() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u8) -> Pubkey {
        Pubkey([number; 32])
    }

    fn table(number: u8, held: &[u8]) -> LookupTable {
        LookupTable::new(key(number), held.iter().map(|&held| key(held)).collect()).expect("small")
    }

    fn reading(keys: &[u8]) -> Instruction {
        let accounts = keys.iter().map(|&number| AccountMeta::writable(key(number))).collect();
        Instruction { program: key(250), accounts, data: Vec::new() }
    }

    #[test]
    fn a_table_that_covers_one_address_is_not_chosen() {
        let instruction = reading(&[1, 2, 3]);
        let one = table(201, &[1]);
        assert!(choose_tables(&key(0), &[&instruction], &[&one]).is_empty());
    }

    #[test]
    fn programs_and_the_payer_are_not_counted() {
        let instruction = reading(&[1, 0]);
        let held = table(201, &[250, 0, 1]);
        assert!(choose_tables(&key(0), &[&instruction], &[&held]).is_empty());
    }

    #[test]
    fn the_best_set_beats_the_largest_table() {
        // Greedy takes the largest (1 to 6) first and then needs both others as well.
        let instruction = reading(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let largest = table(201, &[2, 3, 4, 7, 8, 9]);
        let (left, right) = (table(202, &[1, 2, 3, 4, 5]), table(203, &[6, 7, 8, 9, 10]));
        let tables = [&largest, &left, &right];
        assert_eq!(choose_tables(&key(0), &[&instruction], &tables), [1, 2]);
    }

    proptest! {
        /// The greedy choice saves something by every table it names, and never beats the full search.
        #[test]
        fn greedy_saves_by_every_table(sets in proptest::collection::vec(0_u128..1 << 40, 1..8)) {
            let useful: Vec<_> = sets.into_iter().enumerate().collect();
            let cost = |chosen: &[usize]| {
                cost(chosen.iter().fold(0, |all, &at| all | useful[at].1), chosen.len())
            };
            let (all, some) = (best_of_all(&useful), greedy(&useful));
            prop_assert!(cost(&all) <= cost(&some));
            for without in &some {
                let rest: Vec<usize> = some.iter().copied().filter(|at| at != without).collect();
                prop_assert!(cost(&some) < cost(&rest));
            }
        }
    }

    #[test]
    fn addresses_of_the_present_slot_are_left_out() {
        let mut data = vec![0; 56];
        data[0] = 1;
        data[4..12].fill(0xff);
        data[12..20].copy_from_slice(&100_u64.to_le_bytes());
        data[20] = 1;
        for number in [7, 8, 9] {
            data.extend_from_slice(&key(number).0);
        }
        let held = |slot| LookupTable::decode(key(1), &data, slot).expect("a table").addresses().len();
        assert_eq!((held(None), held(Some(99)), held(Some(100)), held(Some(101))), (3, 1, 1, 3));
        data[4..12].copy_from_slice(&5_u64.to_le_bytes());
        let error = TableError::Deactivated { table: key(1), slot: 5 };
        assert_eq!(LookupTable::decode(key(1), &data, None), Err(error));
    }
}
