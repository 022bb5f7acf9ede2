//! Program-derived addresses: accounts whose address follows from what they belong to.
//!
//! The rule (solana-address): the first of `sha256(seeds ‖ bump ‖ program ‖
//! "ProgramDerivedAddress")`, bump counted down from 255, that is not a point of the ed25519 curve.

mod curve;

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::quantities::Pubkey;

/// Most seeds an address may have, the bump not counted.
pub const MAX_SEEDS: usize = 15;
/// Most bytes of one seed.
pub const MAX_SEED_LEN: usize = 32;

const MARKER: &[u8] = b"ProgramDerivedAddress";

/// Why an address cannot be derived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdaError {
    /// More seeds than the runtime takes.
    #[error("{found} seeds, at most {MAX_SEEDS} allowed")]
    TooManySeeds {
        /// Number of seeds given.
        found: usize,
    },
    /// A seed longer than the runtime takes.
    #[error("seed {index} has {found} bytes, at most {MAX_SEED_LEN} allowed")]
    SeedTooLong {
        /// Position of the seed.
        index: usize,
        /// Its length in bytes.
        found: usize,
    },
    /// All 256 candidates lie on the curve (never seen in practice).
    #[error("no bump gives an address off the curve")]
    NoBump,
}

/// Returns the program-derived address of `seeds` and its bump.
///
/// # Errors
/// [`PdaError`] if the runtime would refuse the seeds.
pub fn find_program_address(seeds: &[&[u8]], program: &Pubkey) -> Result<(Pubkey, u8), PdaError> {
    if seeds.len() > MAX_SEEDS {
        return Err(PdaError::TooManySeeds { found: seeds.len() });
    }
    if let Some((index, seed)) = seeds.iter().enumerate().find(|(_, s)| s.len() > MAX_SEED_LEN) {
        return Err(PdaError::SeedTooLong { index, found: seed.len() });
    }
    let mut prefix = Sha256::new();
    for seed in seeds {
        prefix.update(seed);
    }
    for bump in (0..=u8::MAX).rev() {
        let mut hasher = prefix.clone();
        hasher.update([bump]);
        hasher.update(program.0);
        hasher.update(MARKER);
        let candidate: [u8; 32] = hasher.finalize().into();
        if !curve::is_on_curve(&candidate) {
            return Ok((Pubkey(candidate), bump));
        }
    }
    Err(PdaError::NoBump)
}

/// Returns the address of `seeds` without a bump of its own, `None` if it lies on the curve.
#[must_use]
pub fn create_program_address(seeds: &[&[u8]], program: &Pubkey) -> Option<Pubkey> {
    if seeds.len() > MAX_SEEDS + 1 || seeds.iter().any(|seed| seed.len() > MAX_SEED_LEN) {
        return None;
    }
    let mut hasher = Sha256::new();
    for seed in seeds {
        hasher.update(seed);
    }
    hasher.update(program.0);
    hasher.update(MARKER);
    let candidate: [u8; 32] = hasher.finalize().into();
    (!curve::is_on_curve(&candidate)).then_some(Pubkey(candidate))
}

/// Addresses derived so far: each is derived once.
///
/// Grows by every address asked for; whoever keeps one asks for a bounded set: its mints, its pools.
#[derive(Debug, Clone, Default)]
pub struct PdaCache {
    /// By program, then length and bytes of every seed.
    known: FxHashMap<Box<[u8]>, (Pubkey, u8)>,
}

impl PdaCache {
    /// Returns what [`find_program_address`] does, derived anew only if it was never asked for.
    ///
    /// # Errors
    /// [`PdaError`] if the runtime would refuse the seeds.
    pub fn find(&mut self, seeds: &[&[u8]], program: &Pubkey) -> Result<(Pubkey, u8), PdaError> {
        let mut name = [0; 32 + MAX_SEEDS * (1 + MAX_SEED_LEN)];
        name[..32].copy_from_slice(&program.0);
        let mut length = 32;
        for seed in seeds {
            let end = length + 1 + seed.len();
            match (u8::try_from(seed.len()), name.get_mut(length + 1..end)) {
                (Ok(bytes), Some(place)) => {
                    place.copy_from_slice(seed);
                    name[length] = bytes;
                }
                // Too many or too long: the derivation says which.
                _ => return find_program_address(seeds, program),
            }
            length = end;
        }
        if let Some(&known) = self.known.get(&name[..length]) {
            return Ok(known);
        }
        let found = find_program_address(seeds, program)?;
        self.known.insert(name[..length].into(), found);
        Ok(found)
    }

    /// Returns how many addresses are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Returns whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// Returns the address of the Whirlpool tick array of `pool` that starts at `start_tick_index`.
///
/// # Errors
/// [`PdaError::NoBump`], never seen in practice.
///
/// # Source
/// Orca Whirlpool program, `initialize_tick_array`: the start is written in decimal ASCII.
pub fn whirlpool_tick_array(
    program: &Pubkey,
    pool: &Pubkey,
    start_tick_index: i32,
) -> Result<(Pubkey, u8), PdaError> {
    let start = start_tick_index.to_string();
    find_program_address(&[b"tick_array", &pool.0, start.as_bytes()], program)
}

/// Returns the address of the adaptive-fee oracle of a Whirlpool `pool`.
///
/// # Errors
/// [`PdaError::NoBump`], never seen in practice.
pub fn whirlpool_oracle(program: &Pubkey, pool: &Pubkey) -> Result<(Pubkey, u8), PdaError> {
    find_program_address(&[b"oracle", &pool.0], program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Pubkey {
        text.parse().expect("an address")
    }

    fn derive(seeds: &[&[u8]], program: &str) -> (String, u8) {
        let (address, bump) = find_program_address(seeds, &key(program)).expect("derivable");
        (address.to_string(), bump)
    }

    /// Constant addresses of live programs, as their clients publish them.
    #[test]
    fn published_constant_addresses_are_found() {
        let amm_v4 = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8";
        let cpmm = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C";
        let clmm = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK";
        let cases: [(&[&[u8]], &str, &str, u8); 7] = [
            (&[b"amm authority"], amm_v4, "5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1", 254),
            (&[b"amm_config_account_seed"], amm_v4, "9DCxsMizn3H1hprZ7xWe6LDzeUeZBksYFpBWBtSf1PQX", 255),
            (&[b"vault_and_lp_mint_auth_seed"], cpmm, "GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL", 253),
            (&[b"amm_config", &[0, 1]], cpmm, "G95xxie3XbkCqtE39GgQ9Ggc7xBC8Uceve7HFDEFApkc", 254),
            (&[b"amm_config", &[0, 4]], clmm, "9iFER3bpjf1PTTCQCfTRu17EJgvsxo9pVyA9QWwEuX4x", 249),
            (
                &[b"pool_authority"],
                "cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG",
                "HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC",
                254,
            ),
            (
                &[b"native-mint"],
                "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
                "9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP",
                255,
            ),
        ];
        for (seeds, program, address, bump) in cases {
            assert_eq!(derive(seeds, program), (address.to_owned(), bump));
        }
    }

    #[test]
    fn whirlpool_pool_and_oracle_of_sol_usdc_are_found() {
        let program = key("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc");
        let config = key("2LecshUwdy9xi7meFgHtFJQNSKk4KdTrcpvaB56dP2NQ");
        let sol = key("So11111111111111111111111111111111111111112");
        let usdc = key("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
        let seeds: [&[u8]; 5] = [b"whirlpool", &config.0, &sol.0, &usdc.0, &4_u16.to_le_bytes()];
        let (pool, _) = find_program_address(&seeds, &program).expect("derivable");
        assert_eq!(pool.to_string(), "Czfq3xZZDmsdGdUyrNLtRhGc47cXcZtLG4crryfu44zE");
        let (oracle, _) = whirlpool_oracle(&program, &pool).expect("derivable");
        assert_eq!(oracle.to_string(), "FoKYKtRpD25TKzBMndysKpgPqbj8AdLXjfpYHXn9PGTX");
    }

    #[test]
    fn a_cache_tells_seeds_apart_that_join_to_the_same_bytes() {
        let program = key("11111111111111111111111111111111");
        let mut cache = PdaCache::default();
        for seeds in [[b"ab".as_slice(), b"c"], [b"a", b"bc"], [b"ab", b"c"]] {
            assert_eq!(cache.find(&seeds, &program), find_program_address(&seeds, &program));
        }
        assert_eq!(cache.len(), 2);
        let long = [0; 300];
        assert_eq!(cache.find(&[&long], &program), Err(PdaError::SeedTooLong { index: 0, found: 300 }));
    }

    #[test]
    fn oversized_seeds_are_refused() {
        let program = Pubkey::default();
        assert_eq!(
            find_program_address(&[&[0; 33]], &program),
            Err(PdaError::SeedTooLong { index: 0, found: 33 })
        );
        assert_eq!(
            find_program_address(&[[].as_slice(); 16], &program),
            Err(PdaError::TooManySeeds { found: 16 })
        );
    }
}
