//! Every golden vector of every venue, to the unit and to the error.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use phantom_core::conformance::{Case, InstructionCheck, Outcome, VectorAccount, VectorState, VectorSwap};
use phantom_core::decoders::sysvar::Clock;
use phantom_core::instruction_builder::{AccountMeta, Instruction};
use phantom_core::quantities::Pubkey;
use serde_json::Value as Json;

struct Account {
    key: Pubkey,
    owner: Pubkey,
    data: Vec<u8>,
}

fn text<'a>(line: &'a Json, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_else(|| panic!("`{name}` is no text in {line}"))
}

/// Numbers keep their digits (`arbitrary_precision`), so nothing is lost beyond 64 bits.
fn number<T: std::str::FromStr>(value: &Json) -> T {
    let digits = value.to_string();
    digits.parse().unwrap_or_else(|_| panic!("{digits} does not fit"))
}

fn pubkey(line: &Json, name: &str) -> Pubkey {
    text(line, name).parse().expect("an address")
}

/// Lines of a file of the repository, or of one named by its whole path.
fn read_lines(file: &str) -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/vectors").join(file);
    let stream = GzDecoder::new(File::open(path).expect("the vectors are in the repository"));
    BufReader::new(stream)
        .lines()
        .map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"))
        .collect()
}

fn read_account(line: &Json) -> Account {
    let data = base64_simd::STANDARD.decode_to_vec(text(line, "data")).expect("base64");
    Account { key: pubkey(line, "key"), owner: pubkey(line, "owner"), data }
}

fn load_case(meta: &Json, line: &Json, accounts: &HashMap<u64, Account>) -> Case {
    let members: Vec<VectorAccount<'_>> = line["accounts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|id| &accounts[&number::<u64>(id)])
        .map(|account| VectorAccount { key: account.key, owner: account.owner, data: &account.data })
        .collect();
    let state = VectorState {
        dex: text(meta, "dex"),
        program: pubkey(meta, "program_id"),
        pool: pubkey(line, "pool"),
        accounts: &members,
        clock: Clock {
            slot: number(&line["clock"]["slot"]),
            unix_timestamp: number(&line["clock"]["unix_timestamp"]),
            epoch: number(&line["clock"]["epoch"]),
        },
    };
    Case::load(&state).expect("a pool")
}

/// What the trader of the files began each pool with, where it was less than the whole supply.
const TRADER_FUNDS: u64 = 1 << 63;

/// What a trader who began each pool with `funds` has left: what the vault has gained is gone.
fn left_of(funds: u64, before: Option<u64>, now: Option<u64>) -> Option<u64> {
    let left = i128::from(funds) - (i128::from(now?) - i128::from(before?));
    u64::try_from(left).ok()
}

fn read_swap<'a>(case: &Case, first: &Case, funds: Option<u64>, line: &'a Json) -> VectorSwap<'a> {
    let arguments = &line["args"];
    let side = usize::from(arguments["a_to_b"] != true);
    let balances = (first.vault_balances()[side], case.vault_balances()[side]);
    let exact_in = arguments["exact_in"] == true;
    VectorSwap {
        operation: text(line, "op"),
        amount: number(&arguments["amount"]),
        exact_in,
        a_to_b: arguments["a_to_b"] == true,
        other_amount_threshold: match &arguments["other_amount_threshold"] {
            Json::Null if exact_in => 0,
            Json::Null => u64::MAX,
            threshold => number(threshold),
        },
        sqrt_price_limit: match &arguments["sqrt_price_limit"] {
            Json::Null => 0,
            limit => number(limit),
        },
        partial_fill: arguments["mode"] == "partial_fill",
        trader_balance: funds.and_then(|funds| left_of(funds, balances.0, balances.1)),
    }
}

fn read_instruction(line: &Json) -> Instruction {
    let hex = text(line, "data");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    let accounts = line["accounts"].as_array().expect("a list").iter().map(|account| {
        let [address, flags] = [0, 1].map(|part| account[part].as_str().expect("text"));
        let (is_signer, is_writable) = (flags.contains('s'), flags.contains('w'));
        AccountMeta { address: address.parse().expect("an address"), is_signer, is_writable }
    });
    Instruction {
        program: pubkey(line, "program_id"),
        accounts: accounts.collect(),
        data: (0..hex.len()).step_by(2).map(byte).collect(),
    }
}

/// What became of a file.
#[derive(Default)]
struct Report {
    differences: Vec<String>,
    swaps: usize,
    instructions: usize,
}

fn run(file: &str) -> Report {
    let lines = read_lines(file);
    let mut accounts = HashMap::new();
    let mut cases: HashMap<u64, Case> = HashMap::new();
    let (mut pools, mut first) = (HashMap::new(), HashMap::new());
    let funds = match &lines[0]["trader_funds"] {
        Json::Null if lines[0].get("trader_funds").is_some() => None,
        Json::Null => (lines[0]["dex"] != "orca_token_swap_v2").then_some(TRADER_FUNDS),
        funds => Some(number(funds)),
    };
    let mut report = Report::default();
    for line in &lines[1..] {
        match text(line, "t") {
            "account" => {
                accounts.insert(number(&line["id"]), read_account(line));
            }
            "state" => {
                let id = number(&line["id"]);
                cases.insert(id, load_case(&lines[0], line, &accounts));
                let pool = text(line, "pool").to_owned();
                first.entry(pool.clone()).or_insert(id);
                pools.insert(id, pool);
            }
            _ => {
                report.swaps += 1;
                let id = number::<u64>(&line["state"]);
                let case = &cases[&id];
                let swap = read_swap(case, &cases[&first[&pools[&id]]], funds, line);
                let outcome = case.run(&swap).expect("a known operation");
                compare(line, &outcome, &mut report.differences);
                if line["ix"].is_object() {
                    report.instructions += 1;
                    compare_instruction(case, &swap, line, &mut report.differences);
                }
            }
        }
    }
    report
}

fn compare_instruction(case: &Case, swap: &VectorSwap<'_>, line: &Json, differences: &mut Vec<String>) {
    let has_threshold = !line["args"]["other_amount_threshold"].is_null();
    let executed = read_instruction(&line["ix"]);
    match case.check_instruction(swap, has_threshold, &executed).expect("a known operation") {
        InstructionCheck::Equal => {}
        InstructionCheck::Differs { what, expected, got } => {
            differences.push(format!("swap {}: {what} is {got}, {expected} expected", line["id"]));
        }
        InstructionCheck::NotSupported => differences.push(format!("swap {}: no instruction", line["id"])),
    }
}

fn compare(line: &Json, outcome: &Outcome, differences: &mut Vec<String>) {
    let id = &line["id"];
    match outcome {
        Outcome::Done(fields) if line["ok"] == true => {
            for (name, expected) in line["result"].as_object().expect("an object") {
                let expected = expected.to_string().trim_matches('"').to_owned();
                let got = fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.to_string());
                if got.as_ref() != Some(&expected) {
                    differences.push(format!("swap {id}: {name} is {got:?}, {expected} expected"));
                }
            }
        }
        Outcome::Refused { name, code } if line["ok"] == false => {
            let (expected, number) = (line["error"]["name"].as_str(), line["error"]["code"].as_u64());
            if *name != expected || code.map(u64::from) != number {
                differences.push(format!("swap {id}: {name:?} {code:?}, {expected:?} {number:?} expected"));
            }
        }
        other => differences.push(format!("swap {id}: {other:?}, error {} expected", line["error"])),
    }
}

/// Runs the files that `PHANTOM_VECTORS` names, separated by colons; says so if there are none.
#[test]
#[expect(clippy::print_stdout, reason = "a test that ran nothing must say so")]
fn extra() {
    let Ok(files) = std::env::var("PHANTOM_VECTORS") else {
        println!("skipped: PHANTOM_VECTORS names no vector files");
        return;
    };
    for file in files.split(':') {
        let Report { differences, swaps, .. } = run(file);
        println!("{file}: {} of {swaps} swaps equal", swaps.saturating_sub(differences.len()));
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }
}

macro_rules! all_equal {
    ($($name:ident: $file:literal, $swaps:literal, $instructions:literal;)*) => {
        $(#[test]
        fn $name() {
            let Report { differences, swaps, instructions } = run($file);
            assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
            assert_eq!((swaps, instructions), ($swaps, $instructions));
        })*
    };
}

all_equal! {
    orca_token_swap_v2: "orca_token_swap_v2.jsonl.gz", 604, 604;
    orca_token_swap_v2_curves: "../orca_token_swap_v2/curves.jsonl.gz", 720, 0;
    pumpswap: "pumpswap.jsonl.gz", 601, 146;
    meteora_damm_v2: "meteora_damm_v2.jsonl.gz", 906, 906;
    meteora_dlmm: "meteora_dlmm.jsonl.gz", 919, 919;
    orca_whirlpool: "orca_whirlpool.jsonl.gz", 1024, 1024;
    orca_whirlpool_immutable: "orca_whirlpool_immutable.jsonl.gz", 1000, 1000;
    raydium_amm_v4: "raydium_amm_v4.jsonl.gz", 711, 711;
    raydium_cpmm: "raydium_cpmm.jsonl.gz", 811, 811;
    raydium_clmm: "raydium_clmm.jsonl.gz", 906, 906;
}
