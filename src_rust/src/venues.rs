//! The exchanges whose pools this crate quotes, one file each.
//!
//! The one idea: a venue is a table ([`Venue`]) of what its accounts look like and how to open a
//! pool; a pool ([`PoolState`]) takes account writes and answers swaps. The market, the search, the
//! conformance run and the Python bindings know venues only through these two. [`VENUES`] lists them.

mod decode;
pub mod layout;
pub mod meteora_damm_v2;
pub mod meteora_dlmm;
pub mod orca_token_swap_v2;
pub mod orca_whirlpool;
pub mod pumpswap;
pub mod raydium_amm_v4;
pub mod raydium_clmm;
pub mod raydium_cpmm;
mod token_sides;
mod vaults;

use std::fmt;

use crate::amm_math::Segment;
use crate::amm_math::constant_product::Direction;
use crate::decoders::DecodeError;
use crate::instruction_builder::{BuildError, Instruction, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Environment, Execution, Quote, Refusal, SwapRequest, Value};
pub use decode::{DecodedAccount, decode_account, layouts};
pub use layout::{Account, Layout, Role};
pub use token_sides::TokenSides;
pub use vaults::Vaults;

/// Every venue, in the order of its name. Adding one is a line here.
pub static VENUES: &[&Venue] = &[
    &meteora_damm_v2::VENUE,
    &meteora_dlmm::VENUE,
    &orca_token_swap_v2::VENUE,
    &orca_whirlpool::VENUE,
    &pumpswap::VENUE,
    &raydium_amm_v4::VENUE,
    &raydium_clmm::VENUE,
    &raydium_cpmm::VENUE,
];

/// A kind of exchange.
#[derive(Debug)]
pub struct Venue {
    /// Name as used in files, settings and reports; the vectors' `dex`.
    pub name: &'static str,
    /// Programs that own its pools.
    pub programs: &'static [Pubkey],
    /// Offsets of the addresses of the two mints in a pool's account: what an RPC node can look for.
    pub mints_at: [usize; 2],
    /// Every account type that its programs write, those that no quote needs included: what is not
    /// in it is a sign that the program has changed.
    pub layouts: &'static [Layout],
    /// Names of the swap instructions, as the vectors' `op` has them.
    pub instructions: &'static [&'static str],
    /// Opens the pool at an address. `assume_plain_mints`: a mint never seen charges no transfer fee.
    ///
    /// Checks what the bytes alone show; that the address is one the program derives is checked
    /// where the program derives it.
    pub open: fn(&NewPool<'_>) -> Result<Box<dyn PoolState>, DecodeError>,
}

/// The account that makes a pool.
#[derive(Debug, Clone, Copy)]
pub struct NewPool<'a> {
    /// Its address.
    pub address: Pubkey,
    /// Its owner, one of [`Venue::programs`].
    pub program: Pubkey,
    /// Its bytes.
    pub data: &'a [u8],
    /// Take a mint whose account was never seen as a plain SPL Token mint.
    pub assume_plain_mints: bool,
}

impl Venue {
    /// Returns the venue whose pools or other accounts `program` owns.
    #[must_use]
    pub fn of_program(program: &Pubkey) -> Option<&'static Self> {
        VENUES.iter().copied().find(|venue| {
            venue.programs.contains(program)
                || venue.layouts.iter().any(|layout| layout.owner == Some(*program))
        })
    }

    /// Returns the venue with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        VENUES.iter().copied().find(|venue| venue.name == name)
    }

    /// Returns the layout of an account of `owner`.
    ///
    /// # Errors
    /// [`DecodeError::UnknownDiscriminator`], or [`DecodeError::WrongLength`] where the account type
    /// is told by its length.
    pub fn layout_of(&self, owner: &Pubkey, data: &[u8]) -> Result<&'static Layout, DecodeError> {
        layout::find(self.layouts, owner, data)
    }
}

/// Why a pool takes no part in detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetAside {
    /// The last write of one of its accounts could not be decoded.
    Fault {
        /// The account.
        account: Pubkey,
        /// [`DecodeError::reason`].
        reason: &'static str,
    },
    /// An account that a swap can reach has never been seen, nor is it known not to exist.
    Missing {
        /// `missing_` and what it is.
        reason: &'static str,
        /// Its address.
        account: Pubkey,
    },
    /// A mint has an extension that makes local quotes impossible.
    UnsupportedMint {
        /// The mint.
        mint: Pubkey,
        /// [`crate::decoders::MintRestriction::reason`].
        reason: &'static str,
    },
    /// The answer depends on the time and the Clock sysvar has not been seen.
    MissingClock,
    /// There is no liquidity at the present price, so there is no price.
    NoLiquidity,
    /// The pool's status forbids swaps.
    Disabled {
        /// The status as the account has it.
        status: u64,
    },
    /// Swaps are allowed from a later time on.
    NotYetOpen {
        /// Unix seconds or slot, as the program counts.
        opens_at: u64,
    },
    /// A token account of the pool is frozen.
    FrozenVault(Pubkey),
    /// The pool uses something that this crate does not model.
    Unsupported {
        /// What, in words that counters can hold.
        reason: &'static str,
    },
    /// The venue's program shows signs of change.
    Quarantined {
        /// The venue.
        venue: &'static str,
    },
    /// The pool's account no longer exists.
    Closed,
}

impl SetAside {
    /// Returns the stable name used in counters and JSON.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Fault { reason, .. }
            | Self::UnsupportedMint { reason, .. }
            | Self::Missing { reason, .. }
            | Self::Unsupported { reason } => reason,
            Self::MissingClock => "missing_clock",
            Self::NoLiquidity => "no_liquidity",
            Self::Disabled { .. } => "disabled",
            Self::NotYetOpen { .. } => "not_yet_open",
            Self::FrozenVault(_) => "frozen_vault",
            Self::Quarantined { .. } => "quarantined",
            Self::Closed => "closed",
        }
    }

    /// Returns whether quotes are exact all the same: the pool answers with the program's own error
    /// where it must, or says itself which account it lacks.
    #[must_use]
    pub fn quotable(&self) -> bool {
        match self {
            Self::NoLiquidity | Self::Disabled { .. } | Self::NotYetOpen { .. } => true,
            Self::Missing { reason, .. } => matches!(*reason, "missing_tick_array" | "missing_bin_array"),
            _ => false,
        }
    }
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault { account, reason } => write!(f, "account {account} is unreadable ({reason})"),
            Self::Missing { reason, account } => {
                let what = reason.trim_start_matches("missing_").replace('_', " ");
                write!(f, "{what} account {account} has not been received")
            }
            Self::UnsupportedMint { mint, reason } => {
                write!(f, "mint {mint} has an extension that forbids local quotes ({reason})")
            }
            Self::MissingClock => {
                f.write_str("its answer depends on the time and the clock has not been received")
            }
            Self::NoLiquidity => f.write_str("no liquidity at the present price"),
            Self::Disabled { status } => write!(f, "its status {status} forbids swaps"),
            Self::NotYetOpen { opens_at } => write!(f, "swaps open at {opens_at}"),
            Self::FrozenVault(vault) => write!(f, "its vault {vault} is frozen"),
            Self::Unsupported { reason } => write!(f, "not supported: {}", reason.replace('_', " ")),
            Self::Quarantined { venue } => {
                write!(f, "{venue} is quarantined: its program shows signs of change")
            }
            Self::Closed => f.write_str("the account no longer exists"),
        }
    }
}

/// An account that a pool reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// Its address.
    pub address: Pubkey,
    /// `missing_` and what it is, as [`SetAside::Missing`] reports it: `missing_vault`,
    /// `missing_config`, `missing_mint`, `missing_tick_array`, `missing_oracle`, …
    pub reason: &'static str,
    /// Whether its content, or that it does not exist, is known.
    pub is_known: bool,
}

/// An account's owner and bytes.
#[derive(Debug, Clone, Copy)]
pub struct AccountData<'a> {
    /// Program that owns it.
    pub owner: &'a Pubkey,
    /// Complete data.
    pub data: &'a [u8],
}

impl Dependency {
    /// Returns whether only an authority changes the account, not trading: mints and configurations.
    #[must_use]
    pub fn is_settings(&self) -> bool {
        matches!(self.reason, "missing_mint" | "missing_config" | "missing_pool_mint" | "missing_fee_account")
    }
}

/// What an account write did to a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Whether anything that a quote reads changed.
    pub changed: bool,
    /// Whether the account holds what every swap changes (the pool of a concentrated-liquidity
    /// venue, the vaults of a constant-product one): such a write knows nothing of our own fills.
    pub is_state: bool,
}

/// What is shown of a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSummary {
    /// Fee on a small swap of token A at this time, as a fraction of the amount, in 1e-9.
    pub fee_rate_e9: [u64; 2],
    /// Base units of token A and B that the pool trades with: reserves, or what lies within 2 % of
    /// the present price.
    pub depth: [u64; 2],
    /// Liquidity in range of a concentrated-liquidity pool.
    pub liquidity: Option<u128>,
    /// What else is worth showing: `tick_current_index`, `active_id`, `bin_step`, `status`, …
    pub details: Vec<(&'static str, Value)>,
}

/// A pool in one state, with the accounts it depends on.
///
/// No method reads a clock or does I/O; time comes in [`Environment`]. Quotes do not allocate.
pub trait PoolState: fmt::Debug + Send + Sync {
    /// Returns the pool's address.
    fn address(&self) -> Pubkey;

    /// Returns the mints of its first and second token.
    fn mints(&self) -> [Pubkey; 2];

    /// Appends the accounts a swap can read in the present state, itself excluded: mints, vaults,
    /// configuration, the tick or bin arrays within reach. Derived addresses are remembered, not
    /// derived anew at every call.
    fn dependencies(&self, into: &mut Vec<Dependency>);

    /// Appends the accounts that every swap writes together and quotes read, itself included; none
    /// where a single account holds all that swaps change. While only some of them have arrived, the
    /// pool is in a state that the chain never was in.
    fn written_together(&self, _into: &mut Vec<Pubkey>) {}

    /// Returns whether the pool reads an account that it does not ask for: one it is quoted without,
    /// and which must be sound all the same where it is given.
    fn reads_if_given(&self, _address: &Pubkey) -> bool {
        false
    }

    /// Takes a write of the pool's own account or of one it depends on; `None`: the account does not
    /// exist. An account that says it belongs to this pool is taken only at the address that the
    /// program derives. Others are ignored.
    ///
    /// # Errors
    /// [`DecodeError`]; what was known of the account before is then forgotten or kept, but never
    /// mixed, and the market sets the pool aside.
    fn write(&mut self, address: &Pubkey, account: Option<AccountData<'_>>) -> Result<Written, DecodeError>;

    /// Returns why swaps cannot be quoted or would all fail, if so.
    fn obstacle(&self, environment: &Environment) -> Option<SetAside>;

    /// Returns whether the answer changes with time alone, so that a new clock moves the pool's rates.
    fn depends_on_time(&self) -> bool;

    /// Returns what the program would do with a swap.
    ///
    /// # Errors
    /// [`Refusal`], the program's own; never a clamp.
    fn quote(&self, environment: &Environment, request: &SwapRequest) -> Result<Quote, Refusal>;

    /// Carries a swap out: the state becomes what the program would leave.
    ///
    /// # Errors
    /// [`Refusal`]; the state is then unchanged.
    fn execute(&mut self, environment: &Environment, request: &SwapRequest) -> Result<Execution, Refusal>;

    /// Returns the swap as the program's instruction: newest variant that every deployed build takes, or
    /// the one that [`SwapRequest::instruction`] names; accounts and flags as the official client has them.
    ///
    /// # Errors
    /// [`BuildError`] if an account it names is not known, or the program has no such swap.
    fn swap_instruction(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        reach: Reach,
    ) -> Result<Instruction, BuildError>;

    /// Calls `visit` with the curve's stretches for the search until it returns `false`, see
    /// [`crate::amm_math::Curve::each_segment`]. Outputs may be overstated by rounding only, never
    /// understated.
    fn each_segment(&self, environment: &Environment, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool);

    /// Appends all of these stretches.
    fn segments(&self, environment: &Environment, a_to_b: bool, into: &mut Vec<Segment>) {
        self.each_segment(environment, a_to_b, &mut |segment| {
            into.push(segment);
            true
        });
    }

    /// Returns the pool as two reserves and one fee on the input where its quotes are just that for every
    /// amount from one unit to 2^63 that a trader can hold beside the vault's: sizing then does not ask.
    fn direction(&self, _environment: &Environment, _a_to_b: bool) -> Option<Direction> {
        None
    }

    /// Returns `d out / d in` at zero input after all fees; 0 where nothing can be traded.
    fn marginal_rate(&self, environment: &Environment, a_to_b: bool) -> f64;

    /// Returns how much of the output token lies behind the present price: the virtual reserve of the
    /// stretch a swap starts on. Only for telling deep pools from shallow ones.
    fn depth(&self, environment: &Environment, a_to_b: bool) -> f64 {
        let mut depth = 0.0;
        self.each_segment(environment, a_to_b, &mut |first| {
            depth = if first.drag > 0.0 {
                first.gain / first.drag
            } else {
                first.max_in * first.gain / first.base
            };
            false
        });
        depth
    }

    /// Returns token B per token A (`a_to_b`) or its inverse at the present price before any fee, as
    /// an exact fraction of base units; `None` without a price or if it does not fit.
    fn spot_price(&self, a_to_b: bool) -> Option<Fraction>;

    /// Returns what is shown of the pool.
    fn summary(&self, environment: &Environment) -> PoolSummary;

    /// Feeds everything that quotes depend on, mints excluded, to `sink`: for digests.
    fn digest(&self, sink: &mut dyn FnMut(&[u8]));

    /// Returns a copy.
    fn boxed_clone(&self) -> Box<dyn PoolState>;

    /// Makes the pool take clocks at their word. Until then it takes one that is behind the pool's
    /// last change, which the program would refuse, as the time of that change: accounts of one slot
    /// arrive one after the other.
    fn refuse_lagging_clocks(&mut self) {}

    /// Returns the compute units that a swap takes, estimated, and the work behind them, whatever the
    /// budget; empty where no cost is modelled.
    fn work(&self, _environment: &Environment, _request: &SwapRequest) -> Vec<(&'static str, u32)> {
        Vec::new()
    }
}

impl Clone for Box<dyn PoolState> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// A ratio of two numbers, as the program's state holds them: not reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// Above the line.
    pub numerator: ruint::aliases::U256,
    /// Below the line; not zero.
    pub denominator: ruint::aliases::U256,
}

impl Fraction {
    /// Returns the nearest `f64` of the ratio, up to two roundings.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}
