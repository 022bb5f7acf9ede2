//! Addresses that the program derives for a pool, each derived once.

use std::sync::OnceLock;

use crate::pda;
use crate::quantities::Pubkey;

/// Oracle and tick arrays of one pool.
#[derive(Debug, Clone)]
pub(super) struct DerivedAddresses {
    program: Pubkey,
    pool: Pubkey,
    oracle: OnceLock<Option<(Pubkey, u8)>>,
    /// (start, address, bump), sorted by start.
    arrays: Vec<(i32, Pubkey, u8)>,
}

impl DerivedAddresses {
    pub(super) fn new(program: Pubkey, pool: Pubkey) -> Self {
        Self { program, pool, oracle: OnceLock::new(), arrays: Vec::new() }
    }

    fn found_oracle(&self) -> Option<(Pubkey, u8)> {
        *self.oracle.get_or_init(|| pda::whirlpool_oracle(&self.program, &self.pool).ok())
    }

    pub(super) fn oracle(&self) -> Option<Pubkey> {
        self.found_oracle().map(|(address, _)| address)
    }

    /// Derives the address of the tick array at `start`, unless it is known.
    pub(super) fn learn_array(&mut self, start: i32) -> Option<Pubkey> {
        match self.arrays.binary_search_by_key(&start, |&(known, ..)| known) {
            Ok(index) => Some(self.arrays[index].1),
            Err(index) => {
                let (address, bump) = pda::whirlpool_tick_array(&self.program, &self.pool, start).ok()?;
                self.arrays.insert(index, (start, address, bump));
                Some(address)
            }
        }
    }

    /// Returns the address of the tick array at `start` if it was learnt.
    pub(super) fn array(&self, start: i32) -> Option<Pubkey> {
        let index = self.arrays.binary_search_by_key(&start, |&(known, ..)| known).ok()?;
        Some(self.arrays[index].1)
    }

    /// Returns the start of the tick array at `address` if it was learnt.
    pub(super) fn start_of(&self, address: &Pubkey) -> Option<i32> {
        self.arrays.iter().find(|(_, known, _)| known == address).map(|&(start, ..)| start)
    }

    /// Returns how many hashes the program tries to find the oracle and these tick arrays, which must
    /// have been learnt.
    pub(super) fn attempts(&self, starts: impl Iterator<Item = i32>) -> Option<u32> {
        let attempts = |bump: u8| 256 - u32::from(bump);
        let (_, oracle_bump) = self.found_oracle()?;
        let mut total = attempts(oracle_bump);
        for start in starts {
            let index = self.arrays.binary_search_by_key(&start, |&(known, ..)| known).ok()?;
            total += attempts(self.arrays[index].2);
        }
        Some(total)
    }
}
