//! Inputs made from golden vectors: where a fuzzer starts.

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::str::FromStr;

use super::{Input, Write, owners};
use flate2::read::GzDecoder;
use phantom_core::decoders::spl_token;
use phantom_core::decoders::sysvar::Clock;
use phantom_core::quantities::Pubkey;
use phantom_core::swap::SwapRequest;
use phantom_core::venues::{AccountData, NewPool, Venue};
use serde_json::Value as Json;

/// States of each file that become seeds: enough to reach every kind of pool, few enough to be quick.
const STATES: usize = 60;

struct Account {
    key: Pubkey,
    owner: Pubkey,
    data: Vec<u8>,
}

/// A result of whatever went wrong with a file.
pub type Fallible<T> = Result<T, Box<dyn Error>>;

fn text<'a>(line: &'a Json, name: &str) -> Fallible<&'a str> {
    line[name].as_str().ok_or_else(|| format!("no `{name}`").into())
}

/// Reads a number with all its digits; what is not there is `missing`.
fn number<T: FromStr>(value: &Json, missing: T) -> T {
    value.to_string().parse().unwrap_or(missing)
}

fn key(line: &Json, name: &str) -> Fallible<Pubkey> {
    text(line, name)?.parse().map_err(|_| format!("`{name}` is no address").into())
}

/// Returns the input that builds up a state: each account goes where the pool asks for it.
fn seed(venue: &Venue, line: &Json, swaps: &[&Json], accounts: &HashMap<u64, Account>) -> Fallible<Vec<u8>> {
    let ids = line["accounts"].as_array().ok_or("no accounts")?;
    let members: Vec<&Account> = ids.iter().filter_map(|id| accounts.get(&number(id, 0))).collect();
    let address = key(line, "pool")?;
    let first = members.iter().find(|account| account.key == address).ok_or("no pool")?;
    let owners = owners(venue);
    let owner = |key: &Pubkey| owners.iter().position(|owner| owner == key).unwrap_or(0) as u8;
    let program = venue.programs.iter().position(|key| *key == first.owner).unwrap_or(0) as u8;
    let mut writes = vec![Write { dependency: 0, owner: owner(&first.owner), data: &first.data }];
    let new = NewPool { address, program: first.owner, data: &first.data, assume_plain_mints: false };
    let mut pool = (venue.open)(&new)?;
    // A write may make the pool ask for more.
    let (mut known, mut written) = (Vec::new(), vec![address]);
    loop {
        known.clear();
        pool.dependencies(&mut known);
        let next = known.iter().enumerate().find_map(|(index, dependency)| {
            let wanted = dependency.address;
            let account = members.iter().find(|account| account.key == wanted)?;
            (!written.contains(&wanted)).then_some((index, account))
        });
        let Some((index, account)) = next else { break };
        pool.write(&account.key, Some(AccountData { owner: &account.owner, data: &account.data }))?;
        written.push(account.key);
        writes.push(Write { dependency: index as u8, owner: owner(&account.owner), data: &account.data });
    }
    let clock = &line["clock"];
    let requests = swaps.iter().take(4).map(|swap| {
        let arguments = &swap["args"];
        let exact_in = arguments["exact_in"] == true;
        SwapRequest {
            other_amount_threshold: number(
                &arguments["other_amount_threshold"],
                if exact_in { 0 } else { u64::MAX },
            ),
            sqrt_price_limit_x64: number(&arguments["sqrt_price_limit"], 0),
            partial_fill: arguments["mode"] == "partial_fill",
            ..SwapRequest::new(number(&arguments["amount"], 1), exact_in, arguments["a_to_b"] == true)
        }
    });
    let input = Input {
        program,
        address,
        clock: Clock {
            slot: number(&clock["slot"], 0),
            epoch: number(&clock["epoch"], 0),
            unix_timestamp: number(&clock["unix_timestamp"], 0),
        },
        requests: requests.collect(),
        accounts: writes,
    };
    Ok(input.to_bytes())
}

/// The inputs of one vector file.
#[derive(Debug, Default)]
pub struct Seeds {
    /// Its venue; none if this crate does not know the program.
    pub venue: Option<&'static str>,
    /// States with some of their swaps, for the venue's target, by id.
    pub pools: Vec<(u64, Vec<u8>)>,
    /// Mints and token accounts, for the tokens' target, by id.
    pub tokens: Vec<(u64, Vec<u8>)>,
}

/// Returns the inputs of one vector file.
///
/// # Errors
/// The file is not what it should be.
pub fn read(path: &Path) -> Fallible<Seeds> {
    let lines: Vec<Json> = BufReader::new(GzDecoder::new(File::open(path)?))
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<Fallible<_>>()?;
    let program = key(lines.first().ok_or("empty")?, "program_id")?;
    let Some(venue) = Venue::of_program(&program) else { return Ok(Seeds::default()) };
    let mut accounts = HashMap::new();
    let mut swaps: HashMap<u64, Vec<&Json>> = HashMap::new();
    for line in &lines {
        match text(line, "t")? {
            "account" => {
                let data = base64_simd::STANDARD.decode_to_vec(text(line, "data")?)?;
                let account = Account { key: key(line, "key")?, owner: key(line, "owner")?, data };
                accounts.insert(number(&line["id"], 0), account);
            }
            "swap" => swaps.entry(number(&line["state"], 0)).or_default().push(line),
            _ => {}
        }
    }
    let states: Vec<&Json> = lines.iter().filter(|line| line["t"] == "state").collect();
    let step = states.len().div_ceil(STATES).max(1);
    let mut seeds = Seeds { venue: Some(venue.name), ..Seeds::default() };
    for state in states.iter().step_by(step) {
        let id: u64 = number(&state["id"], 0);
        let bytes = seed(venue, state, swaps.get(&id).map_or(&[], Vec::as_slice), &accounts)?;
        seeds.pools.push((id, bytes));
    }
    let tokens = accounts.into_iter().filter(|(_, account)| spl_token::is_program(&account.owner));
    seeds.tokens = tokens.map(|(id, account)| (id, account.data)).take(40).collect();
    Ok(seeds)
}
