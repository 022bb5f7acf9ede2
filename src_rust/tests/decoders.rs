//! Account bytes from outside: real ones become typed state, anything else a typed error.

mod property_config;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use phantom_core::decoders::orca_whirlpool::{IMMUTABLE_PROGRAM, POOL_LEN, PROGRAM};
use phantom_core::decoders::spl_token::{self, Decoded, TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use phantom_core::decoders::{DecodeError, MintRestriction};
use phantom_core::quantities::Pubkey;
use phantom_core::venues::layout::Lengths;
use phantom_core::venues::{VENUES, decode_account};
use proptest::prelude::*;

/// Every account of a vector file: (owner, data).
fn real_accounts(file: &str) -> Vec<(Pubkey, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/vectors").join(file);
    let stream = GzDecoder::new(std::fs::File::open(path).expect("the vectors are in the repository"));
    let text = std::io::read_to_string(stream).expect("text");
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|line| line["t"] == "account")
        .map(|line| {
            let field = |name: &str| line[name].as_str().expect("text").to_owned();
            let data = base64_simd::STANDARD.decode_to_vec(field("data")).expect("base64");
            (field("owner").parse().expect("an address"), data)
        })
        .collect()
}

/// One account of every type and length that the vectors hold.
fn samples() -> BTreeMap<(String, usize), (Pubkey, Vec<u8>)> {
    let mut samples = BTreeMap::new();
    for venue in VENUES {
        for (owner, data) in real_accounts(&format!("{}.jsonl.gz", venue.name)) {
            let decoded = decode_account(&owner, &data).unwrap_or_else(|error| panic!("{owner}: {error}"));
            assert!(decoded.layout.knows_length(data.len()), "{} of {}", decoded.layout.name, data.len());
            let kind = format!("{} {}", decoded.venue.unwrap_or("-"), decoded.layout.name);
            samples.entry((kind, data.len())).or_insert((owner, data));
        }
    }
    samples
}

fn pool() -> Vec<u8> {
    let accounts = real_accounts("orca_whirlpool.jsonl.gz");
    accounts.into_iter().map(|(_, data)| data).find(|data| data.len() == POOL_LEN).expect("a pool")
}

fn error(owner: &Pubkey, data: &[u8]) -> DecodeError {
    decode_account(owner, data).map(|decoded| decoded.layout.name).expect_err("bytes that fit no layout")
}

#[test]
fn every_truncation_of_a_real_account_is_refused_and_every_extension_read() {
    for ((kind, _), (owner, data)) in samples() {
        let layout = decode_account(&owner, &data).expect("a real account").layout;
        // Without a discriminator an account is told by its length: it cannot be cut or padded.
        if layout.discriminator.is_none() {
            continue;
        }
        let shortest = match layout.lengths {
            Lengths::Known(lengths) => lengths.iter().copied().min().expect("one"),
            Lengths::AtLeast(least) => least,
        };
        for len in 8..shortest {
            assert_eq!(error(&owner, &data[..len]).reason(), "wrong_length", "{kind} cut to {len}");
        }
        let values = |data: &[u8]| decode_account(&owner, data).expect("read").account.values();
        let longer = [data.as_slice(), &[0xff; 40]].concat();
        assert_eq!(values(&longer), values(&data), "{kind}");
    }
}

#[test]
fn owner_and_discriminator_decide_together() {
    let pool = pool();
    assert_eq!(decode_account(&IMMUTABLE_PROGRAM, &pool).map(|it| it.layout.name), Ok("Whirlpool"));
    let stranger = Pubkey([9; 32]);
    assert_eq!(error(&stranger, &pool), DecodeError::WrongOwner { owner: stranger });
    assert_eq!(error(&TOKEN_PROGRAM, &pool).reason(), "wrong_length");
    let mut unknown = pool.clone();
    unknown[0] ^= 1;
    assert_eq!(error(&PROGRAM, &unknown).reason(), "unknown_discriminator");
    let fee_tier = [&[0x38, 0x4b, 0x9f, 0x4c, 0x8e, 0x44, 0xbe, 0x69][..], &[0; 36]].concat();
    assert_eq!(decode_account(&PROGRAM, &fee_tier).map(|it| it.layout.name), Ok("FeeTier"));
}

#[test]
fn impossible_pool_fields_are_named() {
    let pool = pool();
    let cases: [(usize, &[u8], &str); 4] = [
        (41, &[0, 0], "tick_spacing"),
        (65, &[0; 16], "sqrt_price"),
        (81, &[0xff, 0xff, 0xff, 0x7f], "tick_current_index"),
        (47, &[0xff, 0xff], "protocol_fee_rate"),
    ];
    for (offset, bytes, name) in cases {
        let mut data = pool.clone();
        data[offset..offset + bytes.len()].copy_from_slice(bytes);
        match error(&PROGRAM, &data) {
            DecodeError::ImpossibleField { field, .. } => assert_eq!(field, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn dynamic_array_whose_bitmap_and_ticks_disagree_is_refused() {
    let is_dynamic = |data: &[u8]| data.starts_with(&[0x11, 0xd8, 0xf6, 0x8e]) && data.len() > 148;
    let accounts = real_accounts("orca_whirlpool.jsonl.gz");
    let (owner, mut data) = accounts.into_iter().find(|(_, data)| is_dynamic(data)).expect("one");
    data[44] ^= 1;
    assert_eq!(error(&owner, &data).reason(), "impossible_field");
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
    match spl_token::decode(&TOKEN_2022_PROGRAM, &mint_with(extension, value)) {
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
    let Ok(Decoded::Mint(mint)) = spl_token::decode(&TOKEN_2022_PROGRAM, &mint_with(1, &value)) else {
        panic!("a mint with a fee")
    };
    let fees = mint.transfer_fee.expect("the extension is there");
    assert_eq!((fees.at(41).basis_points, fees.at(41).maximum_fee), (10, 500));
    assert_eq!((fees.at(42).basis_points, fees.at(42).maximum_fee), (20, 900));
}

fn owner() -> impl Strategy<Value = Pubkey> {
    let venues = VENUES.iter().flat_map(|venue| venue.programs);
    prop::sample::select(venues.copied().chain([TOKEN_PROGRAM, TOKEN_2022_PROGRAM]).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(property_config::cases(256))]

    #[test]
    fn garbage_never_panics(owner in owner(), data in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_account(&owner, &data);
    }

    #[test]
    fn damaged_real_accounts_never_panic(
        index: prop::sample::Index, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        static ACCOUNTS: LazyLock<Vec<(Pubkey, Vec<u8>)>> = LazyLock::new(|| samples().into_values().collect());
        let (owner, mut data) = index.get(&ACCOUNTS).clone();
        for (at, value) in damage {
            let position = at.index(data.len());
            data[position] = value;
        }
        let _ = decode_account(&owner, &data);
    }
}
