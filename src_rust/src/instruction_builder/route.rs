//! A route of swaps as one signed transaction.
//!
//! The one idea: every amount is fixed before it is sent. Hop k+1 puts in exactly what hop k was quoted to
//! give, and hop k has to give at least that. With a lower minimum a hop that gives less would let the next
//! one make up the difference from what the wallet holds of that mint, and the last minimum, which guards
//! the profit in the first mint, would not notice. What a hop gives beyond its quote stays in the wallet.
//!
//! Order: \[nonce advance,\] compute budget, token accounts, swaps, tip. The tip comes last, after all that
//! can fail, and in the same transaction: without the profit there is no tip.

use rustc_hash::{FxHashMap, FxHashSet};

use super::message::{Limits, Message, MessageError, compile};
use super::signer::Signer;
use super::system;
use super::tables::{LookupTable, choose_tables};
use super::token::{ASSOCIATED_TOKEN_PROGRAM, create_token_account};
use super::transaction::{Transaction, sign};
use super::{BuildError, Instruction, Reach, Trader};
use crate::cycle_finder::{EdgeIndex, pool_of};
use crate::market::{Market, QuoteError};
use crate::pda::{PdaCache, PdaError};
use crate::quantities::Pubkey;
use crate::swap::SwapRequest;

/// What a bundle pays the block engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// One of its tip accounts.
    pub account: Pubkey,
    /// How much.
    pub lamports: u64,
    /// An address that begins with `jitodontfront`, if nothing may be placed in front.
    pub dont_front: Option<Pubkey>,
}

/// How a route becomes a transaction.
#[derive(Debug, Clone)]
pub struct RouteOrder<'a> {
    /// Who trades, pays and signs; the authority of the nonce too.
    pub wallet: Pubkey,
    /// A recent blockhash, or the value of the nonce.
    pub blockhash: [u8; 32],
    /// Lookup tables to choose from.
    pub tables: &'a [&'a LookupTable],
    /// Least output of the last hop.
    pub min_amount_out: u64,
    /// Compute units asked for.
    pub compute_unit_limit: u32,
    /// Offered for each of them.
    pub compute_unit_price_micro_lamports: u64,
    /// Bytes of account data that may be loaded; `None`: what the chain gives.
    pub loaded_accounts_data_size: Option<u32>,
    /// The tip, if one is paid.
    pub tip: Option<Tip>,
    /// The nonce account that the transaction advances.
    pub nonce: Option<Pubkey>,
    /// Mints whose associated token account is created unless it exists.
    pub create_accounts: &'a [Pubkey],
    /// The wallet's token account of a mint, where it is not the associated one.
    pub token_accounts: &'a FxHashMap<Pubkey, Pubkey>,
    /// Which arrays the swaps bring along.
    pub reach: Reach,
    /// What the transaction may be at most.
    pub limits: Limits,
}

/// Why a route makes no transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// There is nothing to do.
    #[error("the route has no hop")]
    Empty,
    /// The route comes twice through a pool: the second swap would be quoted on a state that is gone.
    #[error("the route comes twice through pool {0}")]
    PoolTwice(Pubkey),
    /// A hop does not begin where the one before it ends.
    #[error("hop {hop} takes mint {takes}, the one before it gives {gives}")]
    Broken {
        /// Its position, from 0.
        hop: usize,
        /// The mint it takes.
        takes: Pubkey,
        /// The mint that is there.
        gives: Pubkey,
    },
    /// The least output is more than the route gives, so it would fail for certain.
    #[error("min_amount_out is {minimum}, the route gives {quoted}")]
    MinimumOutOfReach {
        /// What is asked for.
        minimum: u64,
        /// What the last hop gives.
        quoted: u64,
    },
    /// The route no longer gives what it was quoted to give.
    #[error("the market has moved: {expected} expected at the end, {found} now")]
    Moved {
        /// What was quoted.
        expected: u64,
        /// What the same input gives now.
        found: u64,
    },
    /// Which token program a mint belongs to is not known, so neither is the token account.
    #[error("the token program of mint {mint} is not known: its account has not been received")]
    UnknownTokenProgram {
        /// The mint.
        mint: Pubkey,
    },
    /// A hop cannot be quoted.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// A hop has no instruction.
    #[error("hop {hop}, pool {pool}: {error}")]
    Hop {
        /// Its position, from 0.
        hop: usize,
        /// The pool.
        pool: Pubkey,
        /// Why.
        error: BuildError,
    },
    /// The whole makes no transaction.
    #[error("route through {}: {error}", list(pools))]
    Message {
        /// The route.
        pools: Vec<Pubkey>,
        /// Why.
        error: MessageError,
    },
    /// An address cannot be derived.
    #[error(transparent)]
    Pda(#[from] PdaError),
}

fn list(pools: &[Pubkey]) -> String {
    pools.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl RouteError {
    /// Returns the stable name used in counters and JSON.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty_route",
            Self::PoolTwice(_) => "pool_twice",
            Self::Broken { .. } => "broken_route",
            Self::MinimumOutOfReach { .. } => "minimum_out_of_reach",
            Self::Moved { .. } => "moved",
            Self::UnknownTokenProgram { .. } => "unknown_token_program",
            Self::Quote(_) => "no_quote",
            Self::Hop { error, .. } => match error {
                BuildError::Unknown { .. } => "unknown_account",
                BuildError::NoInstruction { .. } => "no_instruction",
                BuildError::Refused(_) => "swap_refused",
                BuildError::Pda(_) => "no_address",
            },
            Self::Message { error, .. } => error.reason(),
            Self::Pda(_) => "no_address",
        }
    }
}

/// Returns the transaction that trades a route, on the market as our fills have left it.
///
/// # Errors
/// [`RouteError`].
pub fn build_route(
    market: &mut Market,
    edges: &[EdgeIndex],
    amount_in: u64,
    order: &RouteOrder<'_>,
    signer: &Signer,
) -> Result<Transaction, RouteError> {
    check_route(market, edges)?;
    let amounts = market.quote_route(edges, amount_in)?;
    let quoted = QuotedRoute { edges, amounts: &amounts };
    sign_route(market, &quoted, order, signer)
}

/// Returns the message of a route whose amounts hold on the market as our fills have left it: what shows
/// whether it fits, before anything is signed.
///
/// # Errors
/// [`RouteError`].
pub fn measure_route(
    market: &mut Market,
    edges: &[EdgeIndex],
    amounts: &[u64],
    order: &RouteOrder<'_>,
) -> Result<Message, RouteError> {
    check_route(market, edges)?;
    let quoted = QuotedRoute { edges, amounts };
    let instructions = instructions_of(market, &quoted, order)?;
    let instructions: Vec<&Instruction> = instructions.iter().collect();
    let tables = tables_of(&instructions, order);
    compile(&order.wallet, &instructions, &order.blockhash, &tables, &order.limits)
        .map_err(|error| quoted.unfit(market, error))
}

/// Returns the transaction that trades a route which was quoted before: `amounts` are its amounts, the
/// input first. They must hold on the market as our fills have left it.
///
/// # Errors
/// [`RouteError`]; [`RouteError::Moved`] where the amounts no longer hold.
pub fn build_quoted_route(
    market: &mut Market,
    edges: &[EdgeIndex],
    amounts: &[u64],
    order: &RouteOrder<'_>,
    signer: &Signer,
) -> Result<Transaction, RouteError> {
    check_route(market, edges)?;
    let amount_in = amounts.first().copied().ok_or(RouteError::Empty)?;
    let found = market.quote_route(edges, amount_in)?;
    if found != amounts {
        let last = |amounts: &[u64]| amounts.last().copied().unwrap_or_default();
        return Err(RouteError::Moved { expected: last(amounts), found: last(&found) });
    }
    sign_route(market, &QuotedRoute { edges, amounts }, order, signer)
}

/// A route, and the amounts that every hop puts in and the last one gives.
struct QuotedRoute<'a> {
    edges: &'a [EdgeIndex],
    amounts: &'a [u64],
}

impl QuotedRoute<'_> {
    fn unfit(&self, market: &Market, error: MessageError) -> RouteError {
        let pools = self.edges.iter().map(|&edge| market.pool(pool_of(edge).0).address()).collect();
        RouteError::Message { pools, error }
    }
}

fn sign_route(
    market: &mut Market,
    quoted: &QuotedRoute<'_>,
    order: &RouteOrder<'_>,
    signer: &Signer,
) -> Result<Transaction, RouteError> {
    let instructions = instructions_of(market, quoted, order)?;
    let instructions: Vec<&Instruction> = instructions.iter().collect();
    let tables = tables_of(&instructions, order);
    sign(&instructions, signer, &[], &order.blockhash, &tables, &order.limits)
        .map_err(|error| quoted.unfit(market, error))
}

fn tables_of<'a>(instructions: &[&Instruction], order: &RouteOrder<'a>) -> Vec<&'a LookupTable> {
    let chosen = choose_tables(&order.wallet, instructions, order.tables);
    chosen.into_iter().map(|position| order.tables[position]).collect()
}

fn instructions_of(
    market: &mut Market,
    quoted: &QuotedRoute<'_>,
    order: &RouteOrder<'_>,
) -> Result<Vec<Instruction>, RouteError> {
    // Lent out, so that addresses can be kept while the market is read.
    let mut addresses = std::mem::take(&mut market.addresses);
    let instructions = assemble(market, &mut addresses, quoted, order);
    market.addresses = addresses;
    instructions
}

fn check_route(market: &Market, edges: &[EdgeIndex]) -> Result<(), RouteError> {
    if edges.is_empty() {
        return Err(RouteError::Empty);
    }
    let mut pools = FxHashSet::default();
    let mut at = None;
    for (hop, &edge) in edges.iter().enumerate() {
        let pool = pool_of(edge).0;
        if !pools.insert(pool) {
            return Err(RouteError::PoolTwice(market.pool(pool).address()));
        }
        let (mint_in, mint_out) = market.ends(edge);
        match at {
            Some(gives) if gives != mint_in => {
                return Err(RouteError::Broken {
                    hop,
                    takes: market.mint(mint_in),
                    gives: market.mint(gives),
                });
            }
            _ => at = Some(mint_out),
        }
    }
    Ok(())
}

fn assemble(
    market: &Market,
    addresses: &mut PdaCache,
    &QuotedRoute { edges, amounts }: &QuotedRoute<'_>,
    order: &RouteOrder<'_>,
) -> Result<Vec<Instruction>, RouteError> {
    let quoted = amounts.last().copied().unwrap_or_default();
    if order.min_amount_out > quoted {
        return Err(RouteError::MinimumOutOfReach { minimum: order.min_amount_out, quoted });
    }
    let wallet = order.wallet;
    let mut instructions: Vec<Instruction> =
        Vec::with_capacity(edges.len() + order.create_accounts.len() + 5);
    instructions.extend(order.nonce.map(|nonce| system::advance_nonce(&nonce, &wallet)));
    instructions.push(system::compute_unit_limit(order.compute_unit_limit));
    instructions.push(system::compute_unit_price(order.compute_unit_price_micro_lamports));
    instructions.extend(order.loaded_accounts_data_size.map(system::loaded_accounts_data_size));
    for mint in order.create_accounts {
        let program = token_program(market, mint)?;
        instructions.push(create_token_account(&wallet, &wallet, mint, &program)?);
    }
    for (hop, &edge) in edges.iter().enumerate() {
        let (index, a_to_b) = pool_of(edge);
        let pool = market.pool(index);
        let state = pool.seen();
        let mut token_accounts = [Pubkey::default(); 2];
        for (account, mint) in token_accounts.iter_mut().zip(state.mints()) {
            *account = token_account(market, addresses, &wallet, &mint, order)?;
        }
        let mut request = SwapRequest::new(amounts[hop], true, a_to_b);
        let is_last = hop + 1 == edges.len();
        request.other_amount_threshold = if is_last { order.min_amount_out } else { amounts[hop + 1] };
        let trader = Trader { wallet, token_accounts };
        let swap = state.swap_instruction(market.environment(), &request, &trader, order.reach);
        instructions.push(swap.map_err(|error| RouteError::Hop { hop, pool: pool.address(), error })?);
    }
    instructions.extend(
        order.tip.map(|tip| system::tip(&wallet, &tip.account, tip.lamports, tip.dont_front.as_ref())),
    );
    Ok(instructions)
}

fn token_program(market: &Market, mint: &Pubkey) -> Result<Pubkey, RouteError> {
    market.token_program(mint).ok_or(RouteError::UnknownTokenProgram { mint: *mint })
}

fn token_account(
    market: &Market,
    addresses: &mut PdaCache,
    wallet: &Pubkey,
    mint: &Pubkey,
    order: &RouteOrder<'_>,
) -> Result<Pubkey, RouteError> {
    if let Some(account) = order.token_accounts.get(mint) {
        return Ok(*account);
    }
    let program = token_program(market, mint)?;
    let seeds: [&[u8]; 3] = [&wallet.0, &program.0, &mint.0];
    Ok(addresses.find(&seeds, &ASSOCIATED_TOKEN_PROGRAM)?.0)
}
