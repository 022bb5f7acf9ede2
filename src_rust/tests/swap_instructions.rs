//! Instructions that venues build, byte for byte the ones of the golden vectors: data, accounts, flags.

#[path = "common/dlmm.rs"]
mod dlmm;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use dlmm::{BinContent, Pair};
use flate2::read::GzDecoder;
use phantom_core::decoders::sysvar::Clock;
use phantom_core::instruction_builder::{AccountMeta, BuildError, Instruction, Reach, Trader};
use phantom_core::pda::find_program_address;
use phantom_core::quantities::Pubkey;
use phantom_core::swap::{Environment, SwapRequest};
use phantom_core::venues::{AccountData, Dependency, NewPool, PoolState, Venue};
use serde_json::Value as Json;

/// Where the trader's wallet and its accounts of the input and the output token stand in a file's
/// instructions; for `PumpSwap` those of the base and the quote token, whichever is the input.
struct Positions {
    wallet: usize,
    token_accounts: [usize; 2],
    by_token: bool,
}

const fn by_direction(wallet: usize, token_accounts: [usize; 2]) -> Positions {
    Positions { wallet, token_accounts, by_token: false }
}

const PUMPSWAP: Positions = Positions { wallet: 1, token_accounts: [5, 6], by_token: true };

struct Account {
    key: Pubkey,
    owner: Pubkey,
    data: Vec<u8>,
}

struct State {
    pool: Box<dyn PoolState>,
    environment: Environment,
}

fn text<'a>(line: &'a Json, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_else(|| panic!("`{name}` is no text in {line}"))
}

fn number<T: std::str::FromStr>(value: &Json) -> T {
    value.to_string().parse().unwrap_or_else(|_| panic!("{value} does not fit"))
}

fn key(text: &str) -> Pubkey {
    text.parse().expect("an address")
}

/// Lines of the file in the folder that `PHANTOM_VECTORS_DIR` names, else of the repository's.
fn read_lines(file: &str) -> Vec<Json> {
    let folder = std::env::var_os("PHANTOM_VECTORS_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/vectors"),
        PathBuf::from,
    );
    let stream = GzDecoder::new(File::open(folder.join(file)).expect("the file exists"));
    let lines = BufReader::new(stream).lines();
    lines.map(|line| serde_json::from_str(&line.expect("text")).expect("JSON")).collect()
}

fn load(venue: &Venue, line: &Json, accounts: &HashMap<u64, Account>) -> State {
    let address = key(text(line, "pool"));
    let members = line["accounts"].as_array().expect("a list").iter();
    let members: Vec<&Account> = members.map(|id| &accounts[&number::<u64>(id)]).collect();
    let own = members.iter().find(|account| account.key == address).expect("the pool");
    let new = NewPool { address, program: own.owner, data: &own.data, assume_plain_mints: false };
    let mut pool = (venue.open)(&new).expect("a pool");
    for account in members.iter().filter(|account| account.key != address) {
        let written = AccountData { owner: &account.owner, data: &account.data };
        pool.write(&account.key, Some(written)).expect("readable");
    }
    // What the state does not list does not exist.
    let mut lacking: Vec<Dependency> = Vec::new();
    pool.dependencies(&mut lacking);
    for dependency in lacking.iter().filter(|dependency| !dependency.is_known) {
        pool.write(&dependency.address, None).expect("nothing to read");
    }
    let clock = &line["clock"];
    let clock = Clock {
        slot: number(&clock["slot"]),
        unix_timestamp: number(&clock["unix_timestamp"]),
        epoch: number(&clock["epoch"]),
    };
    State { pool, environment: Environment { clock: Some(clock) } }
}

fn executed(ix: &Json) -> Instruction {
    let data = text(ix, "data").as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
    let account = |entry: &Json| AccountMeta {
        address: key(entry[0].as_str().expect("an address")),
        is_signer: entry[1].as_str().expect("flags").contains('s'),
        is_writable: entry[1].as_str().expect("flags").contains('w'),
    };
    Instruction {
        program: key(text(ix, "program_id")),
        accounts: ix["accounts"].as_array().expect("a list").iter().map(account).collect(),
        data: data.chunks(2).map(byte).collect(),
    }
}

/// The request behind a line. `PumpSwap`'s lines name no threshold: its SDK took the quote for one.
fn request(venue: &Venue, state: &State, line: &Json) -> SwapRequest {
    let arguments = &line["args"];
    let (exact_in, a_to_b) = (arguments["exact_in"] == true, arguments["a_to_b"] == true);
    let mut request = SwapRequest::new(number(&arguments["amount"]), exact_in, a_to_b);
    let operation = text(line, "op");
    request.instruction = venue.instructions.iter().copied().find(|&name| name == operation);
    assert!(request.instruction.is_some(), "{operation} is not listed");
    request.partial_fill = arguments["mode"] == "partial_fill";
    request.other_amount_threshold = match &arguments["other_amount_threshold"] {
        Json::Null => {
            let quote = state.pool.quote(&state.environment, &request).expect("a trade that succeeds");
            if exact_in { quote.user_out } else { quote.user_in }
        }
        threshold => number(threshold),
    };
    request
}

fn compare(built: &Instruction, expected: &Instruction) -> Option<String> {
    if built.program != expected.program {
        return Some(format!("program {} instead of {}", built.program, expected.program));
    }
    if built.data != expected.data {
        return Some(format!("data {:02x?} instead of {:02x?}", built.data, expected.data));
    }
    if let Some(at) = (0..built.accounts.len().max(expected.accounts.len()))
        .find(|&at| built.accounts.get(at) != expected.accounts.get(at))
    {
        let (is, should) = (built.accounts.get(at), expected.accounts.get(at));
        return Some(format!("account {at} is {is:?} instead of {should:?}"));
    }
    None
}

/// Compares every instruction of a file; returns how many there were.
fn run(venue: &str, positions: &Positions) -> usize {
    let lines = read_lines(&format!("{venue}.jsonl.gz"));
    let venue = Venue::named(venue).expect("a venue");
    let (mut accounts, mut states) = (HashMap::new(), HashMap::new());
    let (mut compared, mut differences) = (0, Vec::new());
    for line in &lines {
        match text(line, "t") {
            "account" => {
                let data = base64_simd::STANDARD.decode_to_vec(text(line, "data")).expect("base64");
                let (key, owner) = (key(text(line, "key")), key(text(line, "owner")));
                accounts.insert(number(&line["id"]), Account { key, owner, data });
            }
            "state" => {
                states.insert(number::<u64>(&line["id"]), load(venue, line, &accounts));
            }
            "swap" if !line["ix"].is_null() => {
                compared += 1;
                let state = &states[&number::<u64>(&line["state"])];
                let expected = executed(&line["ix"]);
                let request = request(venue, state, line);
                let mut token_accounts = positions.token_accounts.map(|at| expected.accounts[at].address);
                if !positions.by_token && !request.a_to_b {
                    token_accounts.reverse();
                }
                let trader = Trader { wallet: expected.accounts[positions.wallet].address, token_accounts };
                let built =
                    state.pool.swap_instruction(&state.environment, &request, &trader, Reach::Official);
                let difference = match &built {
                    Ok(built) => compare(built, &expected),
                    Err(error) => Some(error.to_string()),
                };
                if let Some(difference) = difference {
                    differences.push(format!("swap {} ({}): {difference}", line["id"], text(line, "op")));
                }
            }
            _ => {}
        }
    }
    let few = differences.iter().take(12).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} of {compared} differ:\n{few}", differences.len());
    compared
}

#[test]
fn meteora_dlmm_instructions_are_those_that_ran() {
    assert!(run("meteora_dlmm", &by_direction(10, [4, 5])) > 100);
}

#[test]
fn meteora_damm_v2_instructions_are_those_that_ran() {
    assert!(run("meteora_damm_v2", &by_direction(8, [2, 3])) > 100);
}

#[test]
fn pumpswap_instructions_are_those_of_the_sdk() {
    assert!(run("pumpswap", &PUMPSWAP) > 20);
}

#[test]
fn orca_token_swap_v2_instructions_are_those_that_ran() {
    assert!(run("orca_token_swap_v2", &by_direction(2, [3, 6])) > 100);
}

const TRADER: Trader =
    Trader { wallet: Pubkey([8; 32]), token_accounts: [Pubkey([9; 32]), Pubkey([10; 32])] };

/// A pair with a bin of both tokens in the active array 0 and one bin to sell in each of some others.
fn wide_pair() -> Pair {
    let full = BinContent { amount_x: 1_000_000, amount_y: 1_000_000, ..BinContent::default() };
    let mut bins = vec![(5, full)];
    bins.extend([75, 145, 215, 285, 355].map(|bin_id| (bin_id, BinContent { amount_y: 0, ..full })));
    bins.extend([-65, -205].map(|bin_id| (bin_id, BinContent { amount_x: 0, ..full })));
    Pair {
        active_id: 5,
        bin_step: 1,
        base_factor: 10_000,
        variable_fee_control: 0,
        max_volatility_accumulator: 100_000,
        volatility: 0,
        filter_period: 30,
        function_type: 1,
        collect_fee_mode: 0,
        bins,
    }
}

fn dlmm_arrays(pool: &dyn PoolState, request: &SwapRequest, reach: Reach) -> Vec<Pubkey> {
    let built = pool.swap_instruction(&dlmm::environment(), request, &TRADER, reach).expect("an instruction");
    built.accounts[16..].iter().map(|account| account.address).collect()
}

#[test]
fn dlmm_brings_along_the_arrays_that_a_swap_crosses_and_one_more() {
    let pair = wide_pair();
    let pool = pair.pool();
    let address = |index: i32| {
        let seeds: [&[u8]; 3] = [b"bin_array", &dlmm::PAIR.0, &i64::from(index).to_le_bytes()];
        find_program_address(&seeds, &phantom_core::venues::meteora_dlmm::PROGRAM).expect("derivable").0
    };
    let addresses = |indices: &[i32]| indices.iter().map(|&index| address(index)).collect::<Vec<_>>();
    let buy = |amount| SwapRequest::new(amount, true, false);
    assert_eq!(dlmm_arrays(&*pool, &buy(1_000), Reach::Official), addresses(&[0, 1, 2, 3]));
    assert_eq!(dlmm_arrays(&*pool, &buy(1_000), Reach::Needed), addresses(&[0, 1]));
    assert_eq!(dlmm_arrays(&*pool, &buy(2_500_000), Reach::Needed), addresses(&[0, 1, 2, 3]));
    // Into the fifth array, further than the client's four, and the last one there is.
    assert_eq!(dlmm_arrays(&*pool, &buy(4_500_000), Reach::Needed), addresses(&[0, 1, 2, 3, 4, 5]));
    let sell = SwapRequest::new(1_500_000, true, true);
    assert_eq!(dlmm_arrays(&*pool, &sell, Reach::Official), addresses(&[0, -1, -3]));
    assert_eq!(dlmm_arrays(&*pool, &sell, Reach::Needed), addresses(&[0, -1, -3]));
    let refused = pool
        .swap_instruction(&dlmm::environment(), &buy(u64::MAX / 2), &TRADER, Reach::Needed)
        .expect_err("refused");
    assert!(matches!(refused, BuildError::Refused(_)), "{refused}");
}

#[test]
fn dlmm_names_the_bitmap_extension_where_there_is_one() {
    let program = phantom_core::venues::meteora_dlmm::PROGRAM;
    let mut pool = wide_pair().pool();
    let request = SwapRequest::new(1_000, true, true);
    let second = |pool: &dyn PoolState| {
        let built = pool.swap_instruction(&dlmm::environment(), &request, &TRADER, Reach::Official);
        built.expect("an instruction").accounts[1]
    };
    assert_eq!(second(&*pool), AccountMeta::readonly(program));
    let (extension, _) = find_program_address(&[b"bitmap", &dlmm::PAIR.0], &program).expect("derivable");
    let mut data = vec![0; 1576];
    data[..8].copy_from_slice(&[0x50, 0x6f, 0x7c, 0x71, 0x37, 0xed, 0x12, 0x05]);
    data[8..40].copy_from_slice(&dlmm::PAIR.0);
    pool.write(&extension, Some(AccountData { owner: &program, data: &data })).expect("an extension");
    assert_eq!(second(&*pool), AccountMeta::writable(extension));
}

#[test]
fn a_kind_of_swap_that_a_program_does_not_have_is_refused_with_a_reason() {
    let pool = wide_pair().pool();
    for (instruction, exact_in, partial_fill) in [
        ("swap2", false, false),
        ("swap_exact_out", true, false),
        ("swap2", true, true),
        ("swap3", true, false),
    ] {
        let request = SwapRequest {
            instruction: Some(instruction),
            partial_fill,
            ..SwapRequest::new(1_000, exact_in, true)
        };
        let refused = pool
            .swap_instruction(&dlmm::environment(), &request, &TRADER, Reach::Official)
            .expect_err("refused");
        assert!(matches!(refused, BuildError::NoInstruction { venue: "meteora_dlmm", .. }), "{refused}");
    }
}

#[test]
fn pumpswap_spends_an_exact_input_by_the_newest_instruction() {
    let lines = read_lines("pumpswap.jsonl.gz");
    let venue = Venue::named("pumpswap").expect("a venue");
    let mut accounts = HashMap::new();
    for line in lines.iter().filter(|line| line["t"] == "account") {
        let data = base64_simd::STANDARD.decode_to_vec(text(line, "data")).expect("base64");
        let (key, owner) = (key(text(line, "key")), key(text(line, "owner")));
        accounts.insert(number(&line["id"]), Account { key, owner, data });
    }
    let state = lines.iter().find(|line| line["t"] == "state").expect("a state");
    let State { pool, environment } = load(venue, state, &accounts);
    let build = |instruction| {
        let request = SwapRequest {
            instruction,
            other_amount_threshold: 1,
            ..SwapRequest::new(1_000_000_000, true, false)
        };
        pool.swap_instruction(&environment, &request, &TRADER, Reach::Official).expect("an instruction")
    };
    let (newest, buy) = (build(None), build(Some("buy_quote_in")));
    assert_eq!(newest.data[..8], [0xc6, 0x2e, 0x15, 0x52, 0xb4, 0xd9, 0xe8, 0x70]);
    assert_eq!(newest.data[8..16], 1_000_000_000_u64.to_le_bytes());
    assert_eq!(newest.data[16..], [1, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!((newest.accounts, newest.data[8..16].to_vec()), (buy.accounts, buy.data[16..24].to_vec()));
}
