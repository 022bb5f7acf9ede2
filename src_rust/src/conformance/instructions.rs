//! Instructions beside those that the vectors executed, byte for byte.
//!
//! Whose tokens a swap moves, no state tells: the trader's three addresses are taken from the executed
//! instruction itself, and so are those of AMM v4's market, which the states leave out.

use std::fmt::Display;

use super::{ConformanceError, PoolCase, Value, VectorSwap};
use crate::instruction_builder::{AccountMeta, BuildError, Instruction, Reach, Trader};
use crate::quantities::Pubkey;
use crate::venues::Venue;

/// Whether our instruction is the executed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstructionCheck {
    /// Program, data, accounts and flags are equal.
    Equal,
    /// The first thing that differs.
    Differs {
        /// `program`, `data`, `number of accounts`, `account 7`, or `instruction` if there is none of ours.
        what: String,
        /// What was executed.
        expected: String,
        /// What we build.
        got: String,
    },
    /// We cannot quote this venue yet.
    NotSupported,
}

/// Where an instruction names the trader.
struct Places {
    wallet: usize,
    /// Of the input and the output, or of token A and B.
    token_accounts: [usize; 2],
    /// The token accounts are the input's and the output's.
    is_directed: bool,
}

const fn directed(wallet: usize, input: usize, output: usize) -> Places {
    Places { wallet, token_accounts: [input, output], is_directed: true }
}

const fn fixed(wallet: usize, account_a: usize, account_b: usize) -> Places {
    Places { wallet, token_accounts: [account_a, account_b], is_directed: false }
}

/// Accounts of an AMM v4 swap with its planned orders among them.
const AMM_V4_WITH_TARGET_ORDERS: usize = 18;
/// The market's accounts in an AMM v4 swap, counted from the end: bids, asks, event queue, vaults, signer.
const AMM_V4_MARKET: std::ops::Range<usize> = 4..10;

/// Returns where an instruction of `count` accounts names the trader.
fn places(venue: &Venue, operation: &str, count: usize) -> Option<Places> {
    Some(match (venue.name, operation) {
        ("meteora_damm_v2", _) => directed(8, 2, 3),
        ("meteora_dlmm", _) => directed(10, 4, 5),
        ("orca_token_swap_v2", _) => directed(2, 3, 6),
        ("orca_whirlpool", "swap") => fixed(1, 3, 5),
        ("orca_whirlpool", _) => fixed(3, 7, 9),
        ("pumpswap", _) => fixed(1, 5, 6),
        ("raydium_amm_v4", _) => {
            directed(count.checked_sub(1)?, count.checked_sub(3)?, count.checked_sub(2)?)
        }
        ("raydium_clmm", _) => directed(0, 3, 4),
        ("raydium_cpmm", _) => directed(0, 4, 5),
        _ => return None,
    })
}

impl PoolCase {
    pub(super) fn check_instruction(
        &self,
        swap: &VectorSwap<'_>,
        has_threshold: bool,
        executed: &Instruction,
    ) -> Result<InstructionCheck, ConformanceError> {
        let mut request = self.request(swap)?;
        let is_amm_v4 = self.venue.name == "raydium_amm_v4";
        if is_amm_v4 && executed.accounts.len() == AMM_V4_WITH_TARGET_ORDERS {
            let name = format!("{}_with_target_orders", swap.operation);
            request.instruction = self.venue.instructions.iter().copied().find(|known| **known == name);
        }
        if !has_threshold {
            // Such files are made without slippage: what the swap gives is what it asks for.
            let counterpart = self.pool.quote(&self.environment, &request);
            if let Ok(quote) = counterpart {
                request.other_amount_threshold = if swap.exact_in { quote.user_out } else { quote.user_in };
            }
        }
        let Some(trader) = self.trader(swap, executed) else {
            return Ok(differs("number of accounts", &"the trader's", &executed.accounts.len()));
        };
        let built = self.pool.swap_instruction(&self.environment, &request, &trader, Reach::Official);
        let mut built = match built {
            Ok(built) => built,
            Err(error) => return Ok(not_built(&error)),
        };
        if is_amm_v4 && built.accounts.len() == executed.accounts.len() {
            let count = built.accounts.len();
            for place in AMM_V4_MARKET.filter_map(|from_end| count.checked_sub(from_end)) {
                built.accounts[place].address = executed.accounts[place].address;
            }
        }
        Ok(compare(executed, &built))
    }

    fn trader(&self, swap: &VectorSwap<'_>, executed: &Instruction) -> Option<Trader> {
        let accounts = &executed.accounts;
        let places = places(self.venue, swap.operation, accounts.len())?;
        let at = |place: usize| accounts.get(place).map(|account| account.address);
        let [first, second] = places.token_accounts;
        let token_accounts: [Pubkey; 2] = if places.is_directed && !swap.a_to_b {
            [at(second)?, at(first)?]
        } else {
            [at(first)?, at(second)?]
        };
        Some(Trader { wallet: at(places.wallet)?, token_accounts })
    }
}

fn compare(executed: &Instruction, built: &Instruction) -> InstructionCheck {
    if executed.program != built.program {
        return differs("program", &executed.program, &built.program);
    }
    if executed.data != built.data {
        return differs("data", &hexadecimal(&executed.data), &hexadecimal(&built.data));
    }
    let pairs = executed.accounts.iter().zip(&built.accounts);
    if let Some((place, (expected, got))) = pairs.enumerate().find(|(_, (expected, got))| expected != got) {
        return differs(&format!("account {place}"), &shown(expected), &shown(got));
    }
    let counts = (executed.accounts.len(), built.accounts.len());
    if counts.0 == counts.1 {
        InstructionCheck::Equal
    } else {
        differs("number of accounts", &counts.0, &counts.1)
    }
}

fn not_built(error: &BuildError) -> InstructionCheck {
    differs("instruction", &"the one executed", error)
}

fn differs(what: &str, expected: &dyn Display, got: &dyn Display) -> InstructionCheck {
    InstructionCheck::Differs { what: what.to_owned(), expected: expected.to_string(), got: got.to_string() }
}

fn shown(account: &AccountMeta) -> String {
    let signer = if account.is_signer { " signer" } else { "" };
    let writable = if account.is_writable { " writable" } else { "" };
    format!("{}{signer}{writable}", account.address)
}

fn hexadecimal(data: &[u8]) -> Value {
    Value::Bytes(data.to_vec())
}
