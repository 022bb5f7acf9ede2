//! DLMM pairs made of bytes, for tests and benches.

#![allow(dead_code, reason = "each test uses its part")]

use phantom_core::decoders::spl_token::TOKEN_PROGRAM;
use phantom_core::decoders::sysvar::Clock;
use phantom_core::pda::find_program_address;
use phantom_core::quantities::Pubkey;
use phantom_core::swap::Environment;
use phantom_core::venues::meteora_dlmm::PROGRAM;
use phantom_core::venues::{AccountData, Dependency, NewPool, PoolState, Venue};

/// Address of the pair.
pub const PAIR: Pubkey = Pubkey([7; 32]);
const MINTS: [Pubkey; 2] = [Pubkey([1; 32]), Pubkey([2; 32])];
const RESERVES: [Pubkey; 2] = [Pubkey([3; 32]), Pubkey([4; 32])];
/// When swaps happen, Unix seconds.
pub const NOW: u64 = 1_780_000_000;

fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// What is for sale in one bin.
#[derive(Debug, Clone, Copy, Default)]
pub struct BinContent {
    pub amount_x: u64,
    pub amount_y: u64,
    /// Orders that sell the token named by `ask_side`.
    pub open_orders: u64,
    pub processed_orders: u64,
    pub ask_side: bool,
}

/// Settings of a pair, and its bins.
#[derive(Debug, Clone)]
pub struct Pair {
    pub active_id: i32,
    pub bin_step: u16,
    pub base_factor: u16,
    pub variable_fee_control: u32,
    pub max_volatility_accumulator: u32,
    pub volatility: u32,
    /// The last change of the bin was 46 seconds ago.
    pub filter_period: u16,
    pub function_type: u8,
    pub collect_fee_mode: u8,
    /// Bin and content, in any order.
    pub bins: Vec<(i32, BinContent)>,
}

impl Pair {
    /// Token Y per token X, Q64.64: close to what the program stores, exact for bin 0.
    pub fn price(&self, bin_id: i32) -> u128 {
        let factor = 1.0 + f64::from(self.bin_step) / 10_000.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a price of a test")]
        let price = (factor.powi(bin_id) * 18_446_744_073_709_551_616.0) as u128;
        price
    }

    /// The pair's account.
    pub fn account(&self) -> Vec<u8> {
        let mut data = vec![0; 904];
        put(&mut data, 0, &[0x21, 0x0b, 0x31, 0x62, 0xb5, 0x65, 0xb1, 0x0d]);
        put(&mut data, 8, &self.base_factor.to_le_bytes());
        put(&mut data, 10, &self.filter_period.to_le_bytes());
        put(&mut data, 12, &600_u16.to_le_bytes());
        put(&mut data, 14, &5000_u16.to_le_bytes());
        put(&mut data, 16, &self.variable_fee_control.to_le_bytes());
        put(&mut data, 20, &self.max_volatility_accumulator.to_le_bytes());
        put(&mut data, 24, &(-443_636_i32).to_le_bytes());
        put(&mut data, 28, &443_636_i32.to_le_bytes());
        put(&mut data, 32, &1000_u16.to_le_bytes());
        data[35] = self.function_type;
        data[36] = self.collect_fee_mode;
        put(&mut data, 40, &self.volatility.to_le_bytes());
        put(&mut data, 44, &self.volatility.to_le_bytes());
        put(&mut data, 48, &self.active_id.to_le_bytes());
        put(&mut data, 56, &(NOW - 46).to_le_bytes());
        data[75] = 3;
        put(&mut data, 76, &self.active_id.to_le_bytes());
        put(&mut data, 80, &self.bin_step.to_le_bytes());
        for (side, at) in [(0, 88), (1, 120)] {
            put(&mut data, at, &MINTS[side].0);
            put(&mut data, at + 64, &RESERVES[side].0);
        }
        for index in self.array_indices() {
            let bit = usize::try_from(index + 512).expect("within the pair's own bitmap");
            data[584 + bit / 8] |= 1 << (bit % 8);
        }
        data
    }

    fn array_indices(&self) -> Vec<i32> {
        let mut indices: Vec<i32> = self.bins.iter().map(|(bin_id, _)| bin_id.div_euclid(70)).collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    }

    /// Address and account of every bin array.
    pub fn arrays(&self) -> Vec<(Pubkey, Vec<u8>)> {
        let array = |index: i32| {
            let mut data = vec![0; 10_136];
            put(&mut data, 0, &[0x5c, 0x8e, 0x5c, 0xdc, 0x05, 0x94, 0x46, 0xb5]);
            put(&mut data, 8, &i64::from(index).to_le_bytes());
            data[16] = 2;
            put(&mut data, 24, &PAIR.0);
            for place in 0..70 {
                let at = 56 + 144 * usize::try_from(place).expect("a place");
                put(&mut data, at + 16, &self.price(70 * index + place).to_le_bytes());
                put(&mut data, at + 32, &(1_u128 << 100).to_le_bytes());
            }
            for (bin_id, bin) in self.bins.iter().filter(|(bin_id, _)| bin_id.div_euclid(70) == index) {
                let at = 56 + 144 * usize::try_from(bin_id.rem_euclid(70)).expect("a place");
                put(&mut data, at, &bin.amount_x.to_le_bytes());
                put(&mut data, at + 8, &bin.amount_y.to_le_bytes());
                put(&mut data, at + 112, &bin.open_orders.to_le_bytes());
                put(&mut data, at + 120, &bin.processed_orders.to_le_bytes());
                put(&mut data, at + 128, &bin.processed_orders.to_le_bytes());
                data[at + 140] = u8::from(bin.ask_side);
            }
            let seeds: [&[u8]; 3] = [b"bin_array", &PAIR.0, &i64::from(index).to_le_bytes()];
            (find_program_address(&seeds, &PROGRAM).expect("derivable").0, data)
        };
        self.array_indices().into_iter().map(array).collect()
    }

    /// The pool with every account that it asks for.
    pub fn pool(&self) -> Box<dyn PoolState> {
        let data = self.account();
        let new = NewPool { address: PAIR, program: PROGRAM, data: &data, assume_plain_mints: true };
        let venue = Venue::named("meteora_dlmm").expect("a venue");
        let mut pool = (venue.open)(&new).expect("a pair");
        let mut write = |address: &Pubkey, account: Option<AccountData<'_>>| {
            pool.write(address, account).expect("an account");
        };
        for side in 0..2 {
            let mut vault = vec![0; 165];
            put(&mut vault, 0, &MINTS[side].0);
            put(&mut vault, 64, &(1_u64 << 62).to_le_bytes());
            vault[108] = 1;
            write(&RESERVES[side], Some(AccountData { owner: &TOKEN_PROGRAM, data: &vault }));
        }
        for (address, data) in self.arrays() {
            write(&address, Some(AccountData { owner: &PROGRAM, data: &data }));
        }
        let mut lacking: Vec<Dependency> = Vec::new();
        pool.dependencies(&mut lacking);
        for dependency in lacking.iter().filter(|dependency| !dependency.is_known) {
            pool.write(&dependency.address, None).expect("nothing");
        }
        pool
    }
}

/// The time at which swaps happen.
pub fn environment() -> Environment {
    Environment { clock: Some(Clock { slot: 300_000_000, epoch: 700, unix_timestamp: NOW }) }
}
