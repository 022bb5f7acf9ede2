//! Raydium CLMM pools made of account bytes, for property tests and benches.
#![allow(dead_code, reason = "each user takes its part")]

use std::collections::{BTreeMap, BTreeSet};

use phantom_core::decoders::spl_token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use phantom_core::pda::find_program_address;
use phantom_core::quantities::Pubkey;
use phantom_core::venues::raydium_clmm::{
    MAX_TICK, MIN_TICK, PROGRAM, VENUE, sqrt_price_at_tick, tick_at_sqrt_price,
};
use phantom_core::venues::{AccountData, NewPool, PoolState};

pub const POOL: Pubkey = Pubkey([7; 32]);
pub const CONFIG: Pubkey = Pubkey([8; 32]);
pub const MINTS: [Pubkey; 2] = [Pubkey([1; 32]), Pubkey([2; 32])];
pub const VAULTS: [Pubkey; 2] = [Pubkey([3; 32]), Pubkey([4; 32])];

/// A position: spacings below and above the present tick, liquidity.
pub type Position = (i32, i32, u64);

/// What a pool is made of.
#[derive(Debug, Clone)]
pub struct Shape {
    pub spacing: u16,
    pub fee_rate_e6: u32,
    pub tick: i32,
    /// How far the price is beyond the tick's own, cut to within the tick.
    pub past: u128,
    pub positions: Vec<Position>,
    /// Basis points and maximum of each mint's transfer fee; 0: a plain mint.
    pub transfer_fees: [(u16, u64); 2],
    /// Balance of either vault.
    pub vault: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            spacing: 10,
            fee_rate_e6: 2_500,
            tick: 0,
            past: 0,
            positions: Vec::new(),
            transfer_fees: [(0, 0); 2],
            vault: 1 << 62,
        }
    }
}

/// An account's address, owner and bytes.
pub type Written = (Pubkey, Pubkey, Vec<u8>);

pub fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}

pub fn tick_array_address(start: i32) -> Pubkey {
    find_program_address(&[b"tick_array", &POOL.0, &start.to_be_bytes()], &PROGRAM).expect("derivable").0
}

pub fn extension_address() -> Pubkey {
    let seeds: [&[u8]; 2] = [b"pool_tick_array_bitmap_extension", &POOL.0];
    find_program_address(&seeds, &PROGRAM).expect("derivable").0
}

impl Shape {
    fn nets(&self) -> (BTreeMap<i32, i128>, u128) {
        let step = i32::from(self.spacing);
        let base = self.tick.div_euclid(step) * step;
        let (mut nets, mut liquidity) = (BTreeMap::<i32, i128>::new(), 0);
        for &(below, above, amount) in &self.positions {
            let lower = (base - below * step).max((MIN_TICK.div_euclid(step) + 1) * step);
            let upper = (base + (above + 1) * step).min(MAX_TICK.div_euclid(step) * step);
            *nets.entry(lower).or_default() += i128::from(amount);
            *nets.entry(upper).or_default() -= i128::from(amount);
            if lower <= self.tick && self.tick < upper {
                liquidity += u128::from(amount);
            }
        }
        (nets, liquidity)
    }

    pub fn sqrt_price(&self) -> u128 {
        let low = sqrt_price_at_tick(self.tick);
        low + self.past % (sqrt_price_at_tick(self.tick + 1) - low)
    }

    /// The pool's account and all others, the bitmap extension too.
    pub fn accounts(&self) -> (Vec<u8>, Vec<Written>) {
        let (nets, liquidity) = self.nets();
        let span = 60 * i32::from(self.spacing);
        let starts: BTreeSet<i32> = nets.keys().map(|tick| tick.div_euclid(span) * span).collect();
        let mut pool = vec![0; 1544];
        put(&mut pool, 0, &[0xf7, 0xed, 0xe3, 0xf5, 0xd7, 0xc3, 0xde, 0x46]);
        for (offset, key) in
            [(9, CONFIG), (73, MINTS[0]), (105, MINTS[1]), (137, VAULTS[0]), (169, VAULTS[1])]
        {
            put(&mut pool, offset, &key.0);
        }
        put(&mut pool, 235, &self.spacing.to_le_bytes());
        put(&mut pool, 237, &liquidity.to_le_bytes());
        put(&mut pool, 253, &self.sqrt_price().to_le_bytes());
        let tick = tick_at_sqrt_price(self.sqrt_price()).expect("in range");
        put(&mut pool, 269, &tick.to_le_bytes());
        let mut others = vec![(CONFIG, PROGRAM, self.config())];
        let mut extension = vec![0; 1832];
        put(&mut extension, 0, &[0x3c, 0x96, 0x24, 0xdb, 0x61, 0x80, 0x8b, 0x99]);
        put(&mut extension, 8, &POOL.0);
        for &start in &starts {
            let bit = start.div_euclid(span) + 512;
            if (0..1024).contains(&bit) {
                let bit = bit.unsigned_abs() as usize;
                pool[904 + bit / 8] |= 1 << (bit % 8);
            } else {
                let (row_base, above) = if start < 0 { (936, -bit - 1) } else { (40, bit - 1024) };
                let row = above / 512;
                let bit = if start < 0 { 511 - above % 512 } else { above % 512 };
                let at = row_base + 64 * row.unsigned_abs() as usize + bit.unsigned_abs() as usize / 8;
                extension[at] |= 1 << (bit % 8);
            }
            others.push((tick_array_address(start), PROGRAM, self.array(start, &nets)));
        }
        others.push((extension_address(), PROGRAM, extension));
        for side in 0..2 {
            let (program, mint) = self.mint(side);
            let mut vault = vec![0; 165];
            put(&mut vault, 0, &MINTS[side].0);
            put(&mut vault, 64, &self.vault.to_le_bytes());
            vault[108] = 1;
            others.push((VAULTS[side], program, vault));
            others.push((MINTS[side], program, mint));
        }
        (pool, others)
    }

    fn config(&self) -> Vec<u8> {
        let mut config = vec![0; 117];
        put(&mut config, 0, &[0xda, 0xf4, 0x21, 0x68, 0xcb, 0xcb, 0x2b, 0x6f]);
        put(&mut config, 43, &120_000_u32.to_le_bytes());
        put(&mut config, 47, &self.fee_rate_e6.to_le_bytes());
        put(&mut config, 51, &self.spacing.to_le_bytes());
        put(&mut config, 53, &40_000_u32.to_le_bytes());
        config
    }

    fn array(&self, start: i32, nets: &BTreeMap<i32, i128>) -> Vec<u8> {
        let mut array = vec![0; 10_240];
        put(&mut array, 0, &[0xc0, 0x9b, 0x55, 0xcd, 0x31, 0xf9, 0x81, 0x2a]);
        put(&mut array, 8, &POOL.0);
        put(&mut array, 40, &start.to_le_bytes());
        for place in 0..60 {
            let tick = start + place * i32::from(self.spacing);
            if let Some(net) = nets.get(&tick) {
                let at = 44 + 168 * place.unsigned_abs() as usize;
                put(&mut array, at, &tick.to_le_bytes());
                put(&mut array, at + 4, &net.to_le_bytes());
                put(&mut array, at + 20, &1_u128.to_le_bytes());
            }
        }
        array
    }

    fn mint(&self, side: usize) -> (Pubkey, Vec<u8>) {
        let (basis_points, maximum) = self.transfer_fees[side];
        let mut mint = vec![0; if basis_points == 0 { 82 } else { 278 }];
        mint[44] = 6;
        mint[45] = 1;
        if basis_points == 0 {
            return (TOKEN_PROGRAM, mint);
        }
        mint[165] = 1;
        put(&mut mint, 166, &[1, 0, 108, 0]);
        for offset in [170 + 72, 170 + 90] {
            put(&mut mint, offset + 8, &maximum.to_le_bytes());
            put(&mut mint, offset + 16, &basis_points.to_le_bytes());
        }
        (TOKEN_2022_PROGRAM, mint)
    }

    /// The pool with nothing but its own account known.
    pub fn bare(&self) -> Box<dyn PoolState> {
        let (data, _) = self.accounts();
        let new = NewPool { address: POOL, program: PROGRAM, data: &data, assume_plain_mints: false };
        (VENUE.open)(&new).expect("a pool")
    }

    /// The pool with everything known.
    pub fn open(&self) -> Box<dyn PoolState> {
        let mut pool = self.bare();
        for (address, owner, data) in &self.accounts().1 {
            pool.write(address, Some(AccountData { owner, data })).expect("an account of the pool");
        }
        pool
    }
}
