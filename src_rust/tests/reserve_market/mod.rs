//! Markets of constant-product pools (Raydium AMM v4, fee 25 bps, no order book) from reserves.
#![allow(dead_code, reason = "each test binary uses its part")]

use phantom_core::decoders::spl_token::TOKEN_PROGRAM;
use phantom_core::market::{AccountWrite, Applied, Market, MarketConfig};
use phantom_core::quantities::Pubkey;
use phantom_core::venues::raydium_amm_v4;

/// A pool between two numbered mints.
#[derive(Debug, Clone, Copy)]
pub struct Reserves {
    pub mints: [u8; 2],
    pub balances: [u64; 2],
}

/// Returns the address of a numbered mint.
pub fn mint(number: u8) -> Pubkey {
    Pubkey([100 + number; 32])
}

/// Returns the address of the pool at a place.
pub fn pool_address(place: u8) -> Pubkey {
    numbered(1, place)
}

fn numbered(kind: u8, place: u8) -> Pubkey {
    let mut key = [kind; 32];
    key[31] = place;
    Pubkey(key)
}

fn bytes(len: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut data = vec![0; len];
    for (offset, field) in fields {
        data[*offset..offset + field.len()].copy_from_slice(field);
    }
    data
}

fn pool_data(place: u8, pool: &Reserves) -> Vec<u8> {
    let word = |value: u64| value.to_le_bytes();
    let mut data = bytes(752, &[(0, &word(6)), (176, &word(25)), (184, &word(10_000))]);
    let keys = [
        (336, numbered(2, place)),
        (368, numbered(3, place)),
        (400, mint(pool.mints[0])),
        (432, mint(pool.mints[1])),
        (496, numbered(4, place)),
        (528, numbered(5, place)),
        (560, raydium_amm_v4::OPENBOOK_PROGRAM),
    ];
    for (offset, key) in keys {
        data[offset..offset + 32].copy_from_slice(&key.0);
    }
    data
}

/// Returns a market of these pools.
pub fn market_of(pools: &[Reserves]) -> Market {
    let mut market = Market::new(MarketConfig { assume_plain_mints: true, complete: true });
    let mut write = |pubkey, owner: Pubkey, data: &[u8]| {
        let applied = market.apply(AccountWrite { pubkey, slot: 1, account: Some((owner, data)) });
        assert!(!matches!(applied, Applied::Fault(_) | Applied::Ignored), "{applied:?}");
    };
    for (place, pool) in (0..).zip(pools) {
        for (side, kind) in [(0, 2), (1, 3)] {
            let held =
                [(0, &mint(pool.mints[side]).0[..]), (64, &pool.balances[side].to_le_bytes()), (108, &[1])];
            write(numbered(kind, place), TOKEN_PROGRAM, &bytes(165, &held));
        }
        write(pool_address(place), raydium_amm_v4::PROGRAM, &pool_data(place, pool));
    }
    market
}
