//! Golden swap vectors: what a real program did, and what we say it does.
//!
//! A vector file holds account states and swaps that were executed on them. [`Case::load`] turns one
//! state into typed accounts, [`Case::run`] answers one swap in the vector's own words. A venue is
//! one variant of [`Case`]; one we cannot quote yet is [`Case::NotSupported`], never a guess.

mod instructions;

use crate::decoders::sysvar::Clock;
use crate::decoders::{DecodeError, Decoded, spl_token};
use crate::instruction_builder::Instruction;
use crate::quantities::Pubkey;
use crate::swap::{Environment, MAX_COMPUTE_UNITS, Refusal, RefusalKind, SwapRequest};
use crate::venues::{AccountData, Dependency, NewPool, PoolState, Venue};

pub use crate::swap::Value;
pub use instructions::InstructionCheck;

/// How often the accounts that a state does not have are asked for again: each round may lead a pool
/// to further ones.
const MAX_ROUNDS: usize = 64;

/// One account of a state.
#[derive(Debug, Clone, Copy)]
pub struct VectorAccount<'a> {
    /// Address.
    pub key: Pubkey,
    /// Owner program.
    pub owner: Pubkey,
    /// Complete data.
    pub data: &'a [u8],
}

/// A state of a vector file.
#[derive(Debug, Clone, Copy)]
pub struct VectorState<'a> {
    /// Venue, as the file's `meta` line names it.
    pub dex: &'a str,
    /// Program that executed the swaps.
    pub program: Pubkey,
    /// Address of the pool.
    pub pool: Pubkey,
    /// Accounts that existed.
    pub accounts: &'a [VectorAccount<'a>],
    /// Clock at which the swaps ran.
    pub clock: Clock,
}

/// A swap of a vector file.
#[derive(Debug, Clone, Copy)]
pub struct VectorSwap<'a> {
    /// Name of the instruction.
    pub operation: &'a str,
    /// Input if `exact_in`, else output; base units.
    pub amount: u64,
    /// Whether `amount` is the input.
    pub exact_in: bool,
    /// Whether the input is the first token.
    pub a_to_b: bool,
    /// Least output or most input.
    pub other_amount_threshold: u64,
    /// Q64.64, 0 = none.
    pub sqrt_price_limit: u128,
    /// Whether the swap takes what it can get.
    pub partial_fill: bool,
    /// What the trader holds of the input token, if it is known.
    pub trader_balance: Option<u64>,
}

/// What a swap does, in the vector's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeds with these result fields.
    Done(Vec<(&'static str, Value)>),
    /// It fails.
    Refused {
        /// The program's word for the error; none for a panic.
        name: Option<&'static str>,
        /// The program's number for it, if it is its own error.
        code: Option<u32>,
    },
    /// We cannot quote this venue yet.
    NotSupported,
}

/// Why a state is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConformanceError {
    /// An account does not decode.
    #[error("account {key}: {source}")]
    Account {
        /// The account.
        key: Pubkey,
        /// Why.
        source: DecodeError,
    },
    /// An account that the venue needs is not in the state.
    #[error("the state has no {what}")]
    Missing {
        /// What is missing.
        what: &'static str,
    },
    /// The swap names an instruction that the venue does not have.
    #[error("unknown operation `{operation}`")]
    UnknownOperation {
        /// As given.
        operation: String,
    },
    /// A pool quotes a swap otherwise than it carries it out: a fault of ours.
    #[error("quote and execution differ: {quoted}")]
    QuoteDiffers {
        /// Both.
        quoted: String,
    },
}

/// A state, ready to answer swaps.
#[derive(Debug, Clone)]
pub enum Case {
    /// A venue that is quoted.
    Pool(PoolCase),
    /// A venue we cannot quote yet.
    NotSupported,
}

/// A pool of any venue with every account of its state.
#[derive(Debug, Clone)]
pub struct PoolCase {
    venue: &'static Venue,
    pool: Box<dyn PoolState>,
    environment: Environment,
    vault_balances: [Option<u64>; 2],
}

impl PoolCase {
    fn load(venue: &'static Venue, state: &VectorState<'_>) -> Result<Self, ConformanceError> {
        let account = state.accounts.iter().find(|account| account.key == state.pool);
        let account = account.ok_or(ConformanceError::Missing { what: "pool account" })?;
        let refused = |key: Pubkey| move |source: DecodeError| ConformanceError::Account { key, source };
        let new = NewPool {
            address: state.pool,
            program: account.owner,
            data: account.data,
            assume_plain_mints: false,
        };
        let mut pool = (venue.open)(&new).map_err(refused(state.pool))?;
        pool.refuse_lagging_clocks();
        for account in state.accounts.iter().filter(|account| account.key != state.pool) {
            let written = AccountData { owner: &account.owner, data: account.data };
            pool.write(&account.key, Some(written)).map_err(refused(account.key))?;
        }
        // A state lists every account in reach that exists.
        let mut lacking: Vec<Dependency> = Vec::new();
        for _ in 0..MAX_ROUNDS {
            lacking.clear();
            pool.dependencies(&mut lacking);
            lacking.retain(|dependency| !dependency.is_known);
            for dependency in &lacking {
                pool.write(&dependency.address, None).map_err(refused(dependency.address))?;
            }
            if lacking.is_empty() {
                break;
            }
        }
        let vault_balances = pool.mints().map(|mint| {
            state.accounts.iter().find_map(|account| match spl_token::decode(&account.owner, account.data) {
                Ok(Decoded::TokenAccount(vault)) if vault.mint == mint => Some(vault.amount),
                _ => None,
            })
        });
        let environment = Environment { clock: Some(state.clock) };
        Ok(Self { venue, pool, environment, vault_balances })
    }

    fn request(&self, swap: &VectorSwap<'_>) -> Result<SwapRequest, ConformanceError> {
        let named = self.venue.instructions.iter().find(|&&name| name == swap.operation);
        let Some(&instruction) = named else {
            return Err(ConformanceError::UnknownOperation { operation: swap.operation.to_owned() });
        };
        Ok(SwapRequest {
            amount: swap.amount,
            exact_in: swap.exact_in,
            a_to_b: swap.a_to_b,
            other_amount_threshold: swap.other_amount_threshold,
            sqrt_price_limit_x64: swap.sqrt_price_limit,
            partial_fill: swap.partial_fill,
            trader_balance: swap.trader_balance,
            compute_unit_limit: MAX_COMPUTE_UNITS,
            instruction: Some(instruction),
        })
    }

    fn run(&self, swap: &VectorSwap<'_>) -> Result<Outcome, ConformanceError> {
        let request = self.request(swap)?;
        let quoted = self.pool.quote(&self.environment, &request);
        let executed = self.pool.clone().execute(&self.environment, &request);
        if quoted.as_ref() != executed.as_ref().map(|execution| &execution.quote) {
            return Err(ConformanceError::QuoteDiffers { quoted: format!("{quoted:?} / {executed:?}") });
        }
        Ok(match executed {
            Ok(execution) => {
                let quote = &execution.quote;
                let mut fields = vec![
                    ("user_in", quote.user_in.into()),
                    ("user_out", quote.user_out.into()),
                    ("vault_in", quote.vault_in.into()),
                    ("vault_out", quote.vault_out.into()),
                    ("fee", quote.fee.into()),
                    ("input_transfer_fee", quote.input_transfer_fee.into()),
                    ("output_transfer_fee", quote.output_transfer_fee.into()),
                ];
                fields.extend(execution.details);
                Outcome::Done(fields)
            }
            Err(Refusal { kind, name, code, .. }) => {
                Outcome::Refused { name: (kind != RefusalKind::Panic).then_some(name), code }
            }
        })
    }
}

impl Case {
    /// Decodes the accounts of `state`.
    ///
    /// # Errors
    /// [`ConformanceError`] if they do not make up a pool.
    pub fn load(state: &VectorState<'_>) -> Result<Self, ConformanceError> {
        match Venue::named(state.dex) {
            Some(venue) => PoolCase::load(venue, state).map(Self::Pool),
            None => Ok(Self::NotSupported),
        }
    }

    /// Returns what the program does with `swap`.
    ///
    /// # Errors
    /// [`ConformanceError::UnknownOperation`].
    pub fn run(&self, swap: &VectorSwap<'_>) -> Result<Outcome, ConformanceError> {
        match self {
            Self::Pool(case) => case.run(swap),
            Self::NotSupported => Ok(Outcome::NotSupported),
        }
    }

    /// Returns whether we build `swap` as the instruction that was executed. `has_threshold`: the swap
    /// names one, else it was made without slippage.
    ///
    /// # Errors
    /// [`ConformanceError::UnknownOperation`].
    pub fn check_instruction(
        &self,
        swap: &VectorSwap<'_>,
        has_threshold: bool,
        executed: &Instruction,
    ) -> Result<InstructionCheck, ConformanceError> {
        match self {
            Self::Pool(case) => case.check_instruction(swap, has_threshold, executed),
            Self::NotSupported => Ok(InstructionCheck::NotSupported),
        }
    }

    /// Returns the balances of the vaults that the state lists, first token first.
    #[must_use]
    pub fn vault_balances(&self) -> [Option<u64>; 2] {
        match self {
            Self::Pool(case) => case.vault_balances,
            Self::NotSupported => [None; 2],
        }
    }

    /// Returns the estimated compute units of `swap` and the work behind them, whatever the budget.
    ///
    /// # Errors
    /// [`ConformanceError::UnknownOperation`].
    pub fn work(&self, swap: &VectorSwap<'_>) -> Result<Vec<(&'static str, u32)>, ConformanceError> {
        match self {
            Self::Pool(case) => Ok(case.pool.work(&case.environment, &case.request(swap)?)),
            Self::NotSupported => Ok(Vec::new()),
        }
    }
}
