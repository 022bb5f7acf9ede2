//! Accounts and frames for tests that drive the engine from outside.
#![allow(dead_code, reason = "each test binary uses its part")]

use phantom_core::amm_math::tick_math::sqrt_price_from_tick_index;
use phantom_core::quantities::Pubkey;

pub const WHIRLPOOL: &str = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc";
pub const WRAPPED_SOL: &str = "So11111111111111111111111111111111111111112";
pub const SYSTEM: &str = "11111111111111111111111111111111";

/// An address that differs for every `n` and is on nobody's list.
pub fn key(n: u8) -> Pubkey {
    Pubkey([n; 32])
}

/// The bytes of a Whirlpool with liquidity from end to end (no tick is initialised nearby).
pub fn pool_data(mint_a: Pubkey, mint_b: Pubkey, tick: i32, liquidity: u128, fee_rate_e6: u16) -> Vec<u8> {
    let mut data = vec![0; 653];
    let mut put = |offset: usize, bytes: &[u8]| data[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(0, &[0x3f, 0x95, 0xd1, 0x0c, 0xe1, 0x80, 0x63, 0x09]);
    put(41, &64_u16.to_le_bytes());
    put(43, &64_u16.to_le_bytes());
    put(45, &fee_rate_e6.to_le_bytes());
    put(47, &300_u16.to_le_bytes());
    put(49, &liquidity.to_le_bytes());
    put(65, &sqrt_price_from_tick_index(tick).to_le_bytes());
    put(81, &tick.to_le_bytes());
    put(101, &mint_a.0);
    put(181, &mint_b.0);
    data
}

/// The bytes of a fixed tick array without an initialised tick.
pub fn empty_tick_array(pool: Pubkey, start: i32) -> Vec<u8> {
    let mut data = vec![0; 9988];
    data[..8].copy_from_slice(&[0x45, 0x61, 0xbd, 0xbe, 0x6e, 0x07, 0x42, 0xbb]);
    data[8..12].copy_from_slice(&start.to_le_bytes());
    data[9956..].copy_from_slice(&pool.0);
    data
}

pub fn base64(data: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}

fn account(owner: &str, data: &[u8]) -> String {
    format!(
        r#"{{"lamports":5435760,"data":["{}","base64"],"owner":"{owner}","executable":false,"rentEpoch":18446744073709551615,"space":{}}}"#,
        base64(data),
        data.len()
    )
}

pub fn subscribe(id: u64, pubkey: Pubkey) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"accountSubscribe","params":["{pubkey}",{{"encoding":"base64","commitment":"processed"}}]}}"#
    )
}

pub fn confirmation(id: u64, subscription: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","result":{subscription},"id":{id}}}"#)
}

pub fn notification(subscription: u64, slot: u64, owner: &str, data: &[u8]) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"accountNotification","params":{{"result":{{"context":{{"slot":{slot}}},"value":{}}},"subscription":{subscription}}}}}"#,
        account(owner, data)
    )
}

pub fn read_accounts(id: u64, keys: &[Pubkey]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!(r#""{key}""#)).collect();
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"getMultipleAccounts","params":[[{}],{{"encoding":"base64","commitment":"processed"}}]}}"#,
        keys.join(",")
    )
}

pub fn accounts_read(id: u64, slot: u64, accounts: &[Option<(&str, &[u8])>]) -> String {
    let values: Vec<String> = accounts
        .iter()
        .map(|value| value.map_or("null".to_owned(), |(owner, data)| account(owner, data)))
        .collect();
    format!(
        r#"{{"jsonrpc":"2.0","result":{{"context":{{"slot":{slot}}},"value":[{}]}},"id":{id}}}"#,
        values.join(",")
    )
}
