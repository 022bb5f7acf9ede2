//! Meteora DAMM v2 (`cp_amm`): one range of concentrated liquidity, or a constant product that
//! compounds its fees.
//!
//! `accounts` reads the pool, which holds all that a swap reads besides the mints; `base_fee`,
//! `rate_limiter` and `dynamic_fee` make up the fee rate, `curve` the amounts, `swap` the whole in the
//! program's order; `search` is the pool's approximation for sizing.
//!
//! # Source
//! Meteora `cp-amm` 0.2.0 (its swap is that of 0.2.1), and vectors of its bytecode.

mod accounts;
mod base_fee;
mod curve;
mod dynamic_fee;
mod errors;
mod instruction;
mod math;
mod rate_limiter;
mod search;
mod swap;

use ruint::aliases::U256;

use super::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, SetAside, TokenSides, Vaults, Venue,
    Written,
};
use crate::amm_math::Segment;
use crate::decoders::sysvar::CLOCK;
use crate::decoders::{DecodeError, address};
use crate::instruction_builder::{BuildError, Instruction, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Environment, Execution, Quote, Refusal, RefusalKind, SwapRequest, Value};

pub use accounts::{Config, Pool, Wide};
pub use base_fee::{BaseFee, Decay, Schedule};
pub use dynamic_fee::DynamicFee;
pub use rate_limiter::RateLimiter;

use accounts::{LAYOUTS, STATUS_ENABLED};
use base_fee::Amount;
use curve::Curve;
use errors::{ACCOUNT_FROZEN, INSUFFICIENT_FUNDS, Result};
use swap::Swap;

/// The program.
pub const PROGRAM: Pubkey = address("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG");

/// Mint of wrapped SOL, whose supply is not kept.
const NATIVE_MINT: Pubkey = address("So11111111111111111111111111111111111111112");

/// Meteora DAMM v2.
pub static VENUE: Venue = Venue {
    name: "meteora_damm_v2",
    programs: &[PROGRAM],
    mints_at: [168, 200],
    layouts: LAYOUTS,
    instructions: &["swap", "swap2"],
    open: |new| DammPool::open(new).map(|pool| Box::new(pool) as Box<dyn PoolState>),
};

/// A pool with its mints and vaults.
#[derive(Debug, Clone)]
pub struct DammPool {
    address: Pubkey,
    account: Pool,
    tokens: TokenSides,
    vaults: Vaults,
}

/// What a swap is carried out for: a quote leaves out what cannot fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Quote,
    Execution,
}

impl DammPool {
    /// Opens the pool of an account.
    ///
    /// # Errors
    /// [`DecodeError`]: another account type, too few bytes, or a mode that the program never writes.
    pub fn open(new: &NewPool<'_>) -> std::result::Result<Self, DecodeError> {
        let account = read_pool(&new.program, new.data)?;
        let mints = [account.token_a_mint, account.token_b_mint];
        Ok(Self {
            address: new.address,
            account,
            tokens: TokenSides::new(mints, new.assume_plain_mints),
            vaults: Vaults::new([account.token_a_vault, account.token_b_vault], mints),
        })
    }

    /// Returns the account as our swaps have left it.
    #[must_use]
    pub fn account(&self) -> &Pool {
        &self.account
    }

    /// Carries a swap out on `account`, a copy of the pool's. On failure, or for a quote, the copy is
    /// of no more use.
    fn swap(
        &self,
        purpose: Purpose,
        account: &mut Pool,
        environment: &Environment,
        request: &SwapRequest,
    ) -> Result<Swap> {
        swap::check_instruction(request)?;
        if let Some(obstacle) = self.tokens.obstacle(environment) {
            return Err(unknown(&obstacle));
        }
        let fees = self.tokens.fees(environment, request.a_to_b);
        let clock = environment.now();
        let swap = account.swap(&clock, request, fees)?;
        if purpose == Purpose::Execution || !account.is_sure_to_move(&swap) {
            account.move_price(&swap, clock.unix_timestamp)?;
        }
        self.check_transfers(request, &swap.quote)?;
        Ok(swap)
    }

    /// What the token programs refuse, as far as the pool's own accounts and mints show it: first of
    /// the trader's transfer, then of the pool's.
    fn check_transfers(&self, request: &SwapRequest, quote: &Quote) -> Result<()> {
        let (side_in, side_out) = if request.a_to_b { (0, 1) } else { (1, 0) };
        let (frozen, held) = (self.vaults.frozen(), self.vaults.amounts());
        let check = |side: usize, amount: u64, available: Option<u64>| {
            if frozen[side] {
                return Err(ACCOUNT_FROZEN.with("account", self.vaults.addresses()[side]));
            }
            match available {
                Some(available) if amount > available => {
                    Err(INSUFFICIENT_FUNDS.with("amount", amount).with("available", available))
                }
                _ => Ok(()),
            }
        };
        let payable = request.trader_balance.or_else(|| self.supply_elsewhere(side_in));
        check(side_in, quote.user_in, payable)?;
        check(side_out, quote.vault_out, held.map(|held| held[side_out]))
    }

    /// Returns how much of a token there is outside its vault: nobody can pay more. `None` if the mint
    /// does not tell: wrapped SOL keeps no supply, and one below the vault's balance is out of date.
    fn supply_elsewhere(&self, side: usize) -> Option<u64> {
        if self.tokens.addresses()[side] == NATIVE_MINT {
            return None;
        }
        self.tokens.mints()[side]?.supply.checked_sub(self.vaults.amounts()?[side])
    }

    /// Whether swaps have been made by others than a vault that may buy early: the pool is open then.
    fn has_opened(&self) -> bool {
        let account = &self.account;
        let fees = [account.total_lp_a_fee, account.total_lp_b_fee];
        account.activation_point == 0
            || (account.whitelisted_vault == Pubkey::default() && fees.iter().any(|&fee| fee > 0))
    }

    fn has_changing_transfer_fee(&self) -> bool {
        let fees = self.tokens.mints().into_iter().flatten().filter_map(|mint| mint.transfer_fee);
        fees.into_iter().any(|fee| fee.older != fee.newer)
    }

    fn walk_segments(&self, environment: &Environment, a_to_b: bool, visit: impl FnMut(Segment) -> bool) {
        let clock = environment.now();
        let account = &self.account;
        if account.pool_status != STATUS_ENABLED || account.point(&clock) < account.activation_point {
            return;
        }
        let fees = self.tokens.fees(environment, a_to_b);
        search::each_segment(account, &clock, fees, a_to_b, visit);
    }
}

fn read_pool(program: &Pubkey, data: &[u8]) -> std::result::Result<Pool, DecodeError> {
    let layout = VENUE.layout_of(program, data)?;
    if layout.name != "Pool" {
        let account = "Pool";
        let value = layout.name.to_owned();
        let (field, expected) = ("account type", "Pool");
        return Err(DecodeError::ImpossibleField { account, field, value, expected });
    }
    Pool::read_known(data)
}

/// Why nothing can be said of a swap.
fn unknown(obstacle: &SetAside) -> Refusal {
    match obstacle {
        SetAside::Missing { reason, account } => Refusal::missing(reason, None).with("account", *account),
        SetAside::MissingClock => Refusal::missing("missing_clock", None).with("account", CLOCK),
        other => Refusal::other(RefusalKind::Unsupported, other.reason()),
    }
}

impl PoolState for DammPool {
    fn address(&self) -> Pubkey {
        self.address
    }

    fn mints(&self) -> [Pubkey; 2] {
        self.tokens.addresses()
    }

    fn dependencies(&self, into: &mut Vec<Dependency>) {
        self.tokens.dependencies(into);
        self.vaults.dependencies(into);
    }

    fn write(
        &mut self,
        address: &Pubkey,
        account: Option<AccountData<'_>>,
    ) -> std::result::Result<Written, DecodeError> {
        if *address == self.address {
            let Some(account) = account else { return Ok(Written { changed: false, is_state: true }) };
            let pool = read_pool(account.owner, account.data)?;
            let lasting =
                |pool: &Pool| [pool.token_a_mint, pool.token_b_mint, pool.token_a_vault, pool.token_b_vault];
            if lasting(&pool) != lasting(&self.account) {
                return Err(DecodeError::ImpossibleField {
                    account: "Pool",
                    field: "mints or vaults",
                    value: format!("{:?}", lasting(&pool)),
                    expected: "those of before",
                });
            }
            let changed = pool != self.account;
            self.account = pool;
            return Ok(Written { changed, is_state: true });
        }
        if let Some(written) = self.tokens.write(address, account) {
            return written;
        }
        self.vaults.write(address, account).unwrap_or_else(|| Ok(Written::default()))
    }

    fn obstacle(&self, environment: &Environment) -> Option<SetAside> {
        let account = &self.account;
        let liquidity = match account.curve() {
            Curve::Range(range) => range.liquidity,
            Curve::Product { reserves } => reserves[0].min(reserves[1]).into(),
        };
        self.tokens
            .obstacle(environment)
            .or_else(|| self.vaults.obstacle())
            .or_else(|| {
                (account.pool_status != STATUS_ENABLED)
                    .then(|| SetAside::Disabled { status: account.pool_status.into() })
            })
            .or_else(|| (environment.clock.is_none()).then_some(SetAside::MissingClock))
            .or_else(|| {
                (account.point(&environment.now()) < account.activation_point)
                    .then_some(SetAside::NotYetOpen { opens_at: account.activation_point })
            })
            .or_else(|| (liquidity == 0).then_some(SetAside::NoLiquidity))
    }

    /// The volatility fee is not among what time alone changes, see `dynamic_fee`.
    fn depends_on_time(&self) -> bool {
        self.account.base_fee.depends_on_time() || !self.has_opened() || self.has_changing_transfer_fee()
    }

    fn quote(&self, environment: &Environment, request: &SwapRequest) -> std::result::Result<Quote, Refusal> {
        let mut account = self.account;
        self.swap(Purpose::Quote, &mut account, environment, request).map(|swap| swap.quote)
    }

    fn execute(
        &mut self,
        environment: &Environment,
        request: &SwapRequest,
    ) -> std::result::Result<Execution, Refusal> {
        let mut account = self.account;
        let swap = self.swap(Purpose::Execution, &mut account, environment, request)?;
        self.vaults.trade(request.a_to_b, swap.quote.vault_in, swap.quote.vault_out);
        self.account = account;
        let Swap { quote, fees, .. } = swap;
        let volatility = &account.dynamic_fee;
        let details = vec![
            ("included_fee_input_amount", swap.included_fee_input_amount.into()),
            ("excluded_fee_input_amount", swap.excluded_fee_input_amount.into()),
            ("amount_left", swap.amount_left.into()),
            ("output_amount", swap.output_amount.into()),
            ("next_sqrt_price", account.sqrt_price.into()),
            ("claiming_fee", fees.claiming.into()),
            ("protocol_fee", fees.protocol.into()),
            ("compounding_fee", fees.compounding.into()),
            ("referral_fee", Value::Unsigned(0)),
            ("included_transfer_fee_amount_in", quote.user_in.into()),
            ("included_transfer_fee_amount_out", quote.vault_out.into()),
            ("excluded_transfer_fee_amount_out", quote.user_out.into()),
            ("post_liquidity", account.liquidity.into()),
            ("post_sqrt_price", account.sqrt_price.into()),
            ("post_protocol_a_fee", account.protocol_a_fee.into()),
            ("post_protocol_b_fee", account.protocol_b_fee.into()),
            ("post_token_a_amount", account.token_a_amount.into()),
            ("post_token_b_amount", account.token_b_amount.into()),
            ("post_dynamic_fee_last_update_timestamp", volatility.last_update_timestamp.into()),
            ("post_sqrt_price_reference", volatility.sqrt_price_reference.into()),
            ("post_volatility_accumulator", volatility.volatility_accumulator.into()),
            ("post_volatility_reference", volatility.volatility_reference.into()),
        ];
        Ok(Execution { quote, details })
    }

    fn swap_instruction(
        &self,
        _: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        _: Reach,
    ) -> std::result::Result<Instruction, BuildError> {
        self.instruction(request, trader)
    }

    fn each_segment(&self, environment: &Environment, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        self.walk_segments(environment, a_to_b, visit);
    }

    fn marginal_rate(&self, environment: &Environment, a_to_b: bool) -> f64 {
        let mut rate = 0.0;
        self.walk_segments(environment, a_to_b, |segment| {
            rate = segment.gain / segment.base;
            false
        });
        rate
    }

    fn spot_price(&self, a_to_b: bool) -> Option<Fraction> {
        let (above, below) = match self.account.curve() {
            Curve::Range(range) => {
                (math::product(range.sqrt_price, range.sqrt_price), U256::ONE << 128_usize)
            }
            Curve::Product { reserves: [a, b] } => (U256::from(b), U256::from(a)),
        };
        let (numerator, denominator) = if a_to_b { (above, below) } else { (below, above) };
        (!numerator.is_zero() && !denominator.is_zero()).then_some(Fraction { numerator, denominator })
    }

    fn summary(&self, environment: &Environment) -> PoolSummary {
        let account = &self.account;
        let clock = environment.now();
        let rate = |a_to_b| account.rate(&account.moment(&clock, a_to_b), Amount::Included(0)).unwrap_or(0);
        let (depth, liquidity) = match account.curve() {
            Curve::Product { reserves } => (reserves, None),
            Curve::Range(range) => (range.depth(), Some(range.liquidity)),
        };
        PoolSummary {
            fee_rate_e9: [rate(true), rate(false)],
            depth,
            liquidity,
            details: vec![
                ("pool_status", account.pool_status.into()),
                ("collect_fee_mode", account.collect_fee_mode.into()),
                ("activation_point", account.activation_point.into()),
                ("base_fee", crate::venues::layout::Wire::value(&account.base_fee)),
                ("has_dynamic_fee", account.dynamic_fee.is_initialized.into()),
            ],
        }
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        for (name, value) in crate::venues::Account::values(&self.account) {
            sink(name.as_bytes());
            sink(value.to_string().as_bytes());
        }
        for amount in self.vaults.amounts().into_iter().flatten() {
            sink(&amount.to_le_bytes());
        }
    }

    fn boxed_clone(&self) -> Box<dyn PoolState> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests;
