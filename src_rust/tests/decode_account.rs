//! Every account of every golden vector as named fields.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use phantom_core::quantities::Pubkey;
use phantom_core::venues::{Venue, decode_account};
use serde_json::Value as Json;

/// Accounts of a vector file: owner and bytes; none if its program is no venue's.
fn accounts(path: &Path) -> Vec<(Pubkey, Vec<u8>)> {
    let lines = BufReader::new(GzDecoder::new(File::open(path).expect("a vector file"))).lines();
    let mut lines = lines.map(|line| serde_json::from_str::<Json>(&line.expect("text")).expect("JSON"));
    let meta = lines.next().expect("a first line");
    let program = meta["program_id"].as_str().expect("text").parse().expect("an address");
    if Venue::of_program(&program).is_none() {
        return Vec::new();
    }
    lines
        .filter(|line| line["t"] == "account")
        .map(|line| {
            let text = |name: &str| line[name].as_str().expect("text").to_owned();
            let data = base64_simd::STANDARD.decode_to_vec(text("data")).expect("base64");
            (text("owner").parse().expect("an address"), data)
        })
        .collect()
}

#[test]
fn every_account_of_the_vectors_has_the_fields_of_its_layout() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/vectors");
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let files = std::fs::read_dir(folder).expect("the vectors are in the repository");
    let paths = files.map(|entry| entry.expect("a file").path());
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "gz")) {
        for (owner, data) in accounts(&path) {
            let decoded = match decode_account(&owner, &data) {
                Ok(decoded) => decoded,
                Err(error) => panic!("{}: {owner}, {} bytes: {error}", path.display(), data.len()),
            };
            let fields: Vec<_> = decoded.layout.fields.iter().map(|(name, _)| *name).collect();
            let values: Vec<_> = decoded.account.values().into_iter().map(|(name, _)| name).collect();
            assert_eq!(values, fields, "{}", decoded.layout.name);
            assert!(decoded.layout.knows_length(data.len()), "{} of {}", decoded.layout.name, data.len());
            *seen.entry((decoded.venue.unwrap_or("-"), decoded.layout.name)).or_default() += 1;
        }
    }
    for expected in [
        ("-", "Mint"),
        ("-", "TokenAccount"),
        ("orca_token_swap_v2", "SwapV1"),
        ("orca_whirlpool", "Whirlpool"),
        ("pumpswap", "FeeConfig"),
        ("pumpswap", "GlobalConfig"),
        ("pumpswap", "Pool"),
    ] {
        assert!(seen.contains_key(&expected), "no {expected:?} among {seen:?}");
    }
}
