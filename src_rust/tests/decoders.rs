//! Account bytes from outside: real ones become typed state, anything else a typed error.

mod property_config;

use std::path::Path;

use flate2::read::GzDecoder;
use phantom_core::decoders::orca_whirlpool::{
    DYNAMIC_TICK_ARRAY_MIN_LEN, FIXED_TICK_ARRAY_LEN, IMMUTABLE_PROGRAM, ORACLE_LEN, POOL_LEN, PROGRAM,
    TickArrayLayout,
};
use phantom_core::decoders::spl_token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use phantom_core::decoders::{DecodeError, Decoded, MintRestriction, decode};
use phantom_core::quantities::Pubkey;
use proptest::prelude::*;

/// Every account of the golden vectors: (owner, data).
fn real_accounts() -> Vec<(Pubkey, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/vectors/orca_whirlpool.jsonl.gz");
    let stream = GzDecoder::new(std::fs::File::open(path).expect("the vectors are in the repository"));
    let text = std::io::read_to_string(stream).expect("text");
    text.lines()
        .filter(|line| line.contains(r#""t": "account""#) || line.contains(r#""t":"account""#))
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let field = |name: &str| line[name].as_str().expect("text").to_owned();
            let data = base64_simd::STANDARD.decode_to_vec(field("data")).expect("base64");
            (field("owner").parse().expect("an address"), data)
        })
        .collect()
}

fn kind(decoded: &Decoded) -> &'static str {
    match decoded {
        Decoded::Whirlpool(_) => "pool",
        Decoded::TickArray(array) if array.layout == TickArrayLayout::Fixed => "fixed array",
        Decoded::TickArray(_) => "dynamic array",
        Decoded::Oracle(_) => "oracle",
        Decoded::Mint(_) => "mint",
        Decoded::TokenAccount(_) => "token account",
        Decoded::Recognised(name) => name,
    }
}

#[test]
fn every_real_account_decodes_as_what_its_length_says() {
    let accounts = real_accounts();
    assert_eq!(accounts.len(), 790);
    for (owner, data) in accounts {
        let decoded = decode(&owner, &data).unwrap_or_else(|error| panic!("{owner}: {error}"));
        match (kind(&decoded), data.len()) {
            ("dynamic array", len) => assert_eq!((len - DYNAMIC_TICK_ARRAY_MIN_LEN) % 112, 0),
            ("pool", POOL_LEN)
            | ("fixed array", FIXED_TICK_ARRAY_LEN)
            | ("oracle", ORACLE_LEN)
            | ("mint", 82 | 278..)
            | ("token account", 165..) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_truncation_of_a_real_account_is_refused_and_every_extension_read() {
    let mut seen = std::collections::HashSet::new();
    for (owner, data) in real_accounts() {
        let decoded = decode(&owner, &data).expect("a real account");
        // Token accounts are told apart by their length, so theirs cannot be cut or padded.
        if !seen.insert((kind(&decoded), data.len())) || owner != PROGRAM {
            continue;
        }
        for len in 0..data.len() {
            let error = decode(&owner, &data[..len]).expect_err("too short");
            assert_eq!(error.reason(), "wrong_length", "{} cut to {len}", kind(&decoded));
        }
        let longer = [data.as_slice(), &[0xff; 40]].concat();
        assert_eq!(decode(&owner, &longer), Ok(decoded));
    }
}

#[test]
fn owner_and_discriminator_decide_together() {
    let (_, pool) = real_accounts().into_iter().find(|(_, data)| data.len() == POOL_LEN).expect("a pool");
    assert!(matches!(decode(&IMMUTABLE_PROGRAM, &pool), Ok(Decoded::Whirlpool(_))));
    let stranger = Pubkey([9; 32]);
    assert_eq!(decode(&stranger, &pool), Err(DecodeError::WrongOwner { owner: stranger }));
    assert_eq!(decode(&TOKEN_PROGRAM, &pool).expect_err("no token account").reason(), "wrong_length");
    let mut unknown = pool.clone();
    unknown[0] ^= 1;
    assert_eq!(decode(&PROGRAM, &unknown).expect_err("unknown type").reason(), "unknown_discriminator");
    let fee_tier = [&[0x38, 0x4b, 0x9f, 0x4c, 0x8e, 0x44, 0xbe, 0x69][..], &[0; 36]].concat();
    assert_eq!(decode(&PROGRAM, &fee_tier), Ok(Decoded::Recognised("FeeTier")));
}

#[test]
fn impossible_pool_fields_are_named() {
    let (_, pool) = real_accounts().into_iter().find(|(_, data)| data.len() == POOL_LEN).expect("a pool");
    let cases: [(usize, &[u8], &str); 4] = [
        (41, &[0, 0], "tick_spacing"),
        (65, &[0; 16], "sqrt_price"),
        (81, &[0xff, 0xff, 0xff, 0x7f], "tick_current_index"),
        (47, &[0xff, 0xff], "protocol_fee_rate"),
    ];
    for (offset, bytes, name) in cases {
        let mut data = pool.clone();
        data[offset..offset + bytes.len()].copy_from_slice(bytes);
        match decode(&PROGRAM, &data) {
            Err(DecodeError::ImpossibleField { field, .. }) => assert_eq!(field, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn dynamic_array_whose_bitmap_and_ticks_disagree_is_refused() {
    let is_dynamic = |data: &[u8]| data.starts_with(&[0x11, 0xd8, 0xf6, 0x8e]) && data.len() > 148;
    let (owner, mut data) = real_accounts().into_iter().find(|(_, data)| is_dynamic(data)).expect("one");
    data[44] ^= 1;
    assert_eq!(decode(&owner, &data).expect_err("torn").reason(), "impossible_field");
}

/// A Token-2022 mint with one extension.
fn mint_with(extension: u16, value: &[u8]) -> Vec<u8> {
    let mut data = vec![0; 166];
    data[44] = 6;
    data[45] = 1;
    data[165] = 1;
    data.extend(extension.to_le_bytes());
    data.extend(u16::try_from(value.len()).expect("short").to_le_bytes());
    data.extend(value);
    data
}

fn restriction(extension: u16, value: &[u8]) -> Option<MintRestriction> {
    match decode(&TOKEN_2022_PROGRAM, &mint_with(extension, value)) {
        Ok(Decoded::Mint(mint)) => mint.restriction,
        other => panic!("{other:?}"),
    }
}

#[test]
fn extensions_that_make_amounts_unpredictable_forbid_quoting() {
    let hook = [[0; 32], [7; 32]].concat();
    assert_eq!(restriction(14, &hook), Some(MintRestriction::TransferHook { program: Pubkey([7; 32]) }));
    assert_eq!(restriction(14, &[0; 64]), None);
    assert_eq!(restriction(9, &[]), Some(MintRestriction::NonTransferable));
    assert_eq!(restriction(26, &[[0; 32].as_slice(), &[1]].concat()), Some(MintRestriction::Paused));
    assert_eq!(restriction(26, &[0; 33]), None);
    assert_eq!(restriction(12, &[1; 32]), None);
    assert_eq!(restriction(77, &[]), Some(MintRestriction::UnknownExtension { extension: 77 }));
}

#[test]
fn transfer_fee_changes_with_its_epoch() {
    let mut value = vec![0; 108];
    value[80..88].copy_from_slice(&500_u64.to_le_bytes());
    value[88..90].copy_from_slice(&10_u16.to_le_bytes());
    value[90..98].copy_from_slice(&42_u64.to_le_bytes());
    value[98..106].copy_from_slice(&900_u64.to_le_bytes());
    value[106..108].copy_from_slice(&20_u16.to_le_bytes());
    let Ok(Decoded::Mint(mint)) = decode(&TOKEN_2022_PROGRAM, &mint_with(1, &value)) else {
        panic!("a mint with a fee")
    };
    let fees = mint.transfer_fee.expect("the extension is there");
    assert_eq!((fees.at(41).basis_points, fees.at(41).maximum_fee), (10, 500));
    assert_eq!((fees.at(42).basis_points, fees.at(42).maximum_fee), (20, 900));
}

fn owner() -> impl Strategy<Value = Pubkey> {
    prop::sample::select(vec![PROGRAM, IMMUTABLE_PROGRAM, TOKEN_PROGRAM, TOKEN_2022_PROGRAM])
}

proptest! {
    #![proptest_config(property_config::cases(256))]

    #[test]
    fn garbage_never_panics(owner in owner(), data in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&owner, &data);
    }

    #[test]
    fn damaged_real_accounts_never_panic(
        index: prop::sample::Index, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        static ACCOUNTS: std::sync::OnceLock<Vec<(Pubkey, Vec<u8>)>> = std::sync::OnceLock::new();
        let (owner, mut data) = index.get(ACCOUNTS.get_or_init(real_accounts)).clone();
        for (at, value) in damage {
            let position = at.index(data.len());
            data[position] = value;
        }
        let _ = decode(&owner, &data);
    }
}
