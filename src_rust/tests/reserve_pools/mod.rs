//! Bytes of token accounts, and what property tests ask of pools that trade from two vaults.

use phantom_core::amm_math::Segment;
use phantom_core::decoders::spl_token::TOKEN_PROGRAM;
use phantom_core::quantities::Pubkey;
use phantom_core::swap::{Environment, Quote, SwapRequest};
use phantom_core::venues::{AccountData, PoolState};

/// Neither venue looks at the time.
pub const NOW: Environment = Environment { clock: None };
/// Mints of the pools here.
pub const MINTS: [Pubkey; 2] = [Pubkey([1; 32]), Pubkey([2; 32])];
/// Vaults of the pools here.
pub const VAULTS: [Pubkey; 2] = [Pubkey([3; 32]), Pubkey([4; 32])];

/// Writes `bytes` at `offset`.
pub fn put(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// Returns a mint with this supply.
pub fn mint(supply: u64) -> Vec<u8> {
    let mut data = vec![0; 82];
    put(&mut data, 36, &supply.to_le_bytes());
    (data[44], data[45]) = (6, 1);
    data
}

/// Returns a token account that holds `amount` of `mint`.
pub fn token_account(mint: Pubkey, amount: u64) -> Vec<u8> {
    let mut data = vec![0; 165];
    put(&mut data, 0, &mint.0);
    put(&mut data, 64, &amount.to_le_bytes());
    data[108] = 1;
    data
}

/// Writes an account of the token program; returns whether quotes changed.
pub fn write(pool: &mut dyn PoolState, address: Pubkey, data: &[u8]) -> bool {
    let account = AccountData { owner: &TOKEN_PROGRAM, data };
    pool.write(&address, Some(account)).expect("a sound account").changed
}

/// Returns the quote for an exact input, if there is one.
pub fn exact_in(pool: &dyn PoolState, a_to_b: bool, amount: u64) -> Option<Quote> {
    pool.quote(&NOW, &SwapRequest::new(amount, true, a_to_b)).ok()
}

/// Carries out an exact input, if it can be.
pub fn execute(pool: &mut dyn PoolState, a_to_b: bool, amount: u64) -> Option<Quote> {
    pool.execute(&NOW, &SwapRequest::new(amount, true, a_to_b)).ok().map(|executed| executed.quote)
}

/// Returns the output for `amount` as the search sees it.
pub fn by_segments(pool: &dyn PoolState, a_to_b: bool, amount: u64) -> f64 {
    let mut segments: Vec<Segment> = Vec::new();
    pool.segments(&NOW, a_to_b, &mut segments);
    let (mut rest, mut output) = (amount as f64, 0.0);
    for Segment { gain, base, drag, max_in } in segments {
        let step = rest.min(max_in);
        output += gain * step / (base + drag * step);
        rest -= step;
        if rest <= 0.0 {
            break;
        }
    }
    output
}
