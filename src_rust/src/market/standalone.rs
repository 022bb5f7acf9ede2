//! One pool from account bytes alone: no market, no price graph, no quarantine.
//!
//! The one idea: a pool says which accounts it reads ([`StandalonePool::dependencies`]), so whoever has
//! its bytes can fetch the rest in one further call and quote without asking anybody again.

use rustc_hash::FxHashMap;

use super::batch::{QuoteBatch, quote_batch};
use super::{AccountWrite, MAX_GATHER_ROUNDS, Market, MarketConfig, PoolIndex, PoolView, QuoteError};
use crate::amm_math::Curve as _;
use crate::decoders::spl_token::TOKEN_PROGRAM;
use crate::decoders::sysvar::{self, Clock};
use crate::decoders::{DecodeError, Decoded, spl_token};
use crate::quantities::{Pubkey, Slot};
use crate::swap::{Environment, Execution, Quote, Refusal, SwapRequest};
use crate::venues::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, Role, SetAside, Venue, Written,
};

/// What the Clock sysvar is called among a pool's dependencies.
const MISSING_CLOCK: &str = "missing_clock";

/// A pool of any venue with the accounts it depends on, as the user gave them.
#[derive(Debug, Clone)]
pub struct StandalonePool {
    venue: &'static Venue,
    program: Pubkey,
    state: Box<dyn PoolState>,
    environment: Environment,
    is_complete: bool,
    slot: Slot,
    is_closed: bool,
    is_quarantined: bool,
    faults: Vec<(Pubkey, &'static str)>,
    decimals: [Option<u8>; 2],
    pub(super) token_programs: [Option<Pubkey>; 2],
}

/// An account that cannot be what its address says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("account {account}: {source}")]
pub struct AccountError {
    /// The account.
    pub account: Pubkey,
    /// Why.
    pub source: DecodeError,
}

impl StandalonePool {
    /// Opens the pool in `write` and takes `accounts` in any order, those it does not read included.
    ///
    /// # Errors
    /// [`AccountError`]: the owner is no venue's program, the account is no pool, or bytes are not what
    /// the program writes.
    pub fn open(
        write: AccountWrite<'_>,
        config: MarketConfig,
        accounts: &[AccountWrite<'_>],
    ) -> Result<Self, AccountError> {
        let account = write.pubkey;
        let mut pool = Self::open_alone(write, config).map_err(|source| AccountError { account, source })?;
        for write in accounts {
            pool.take(*write)?;
        }
        let given = accounts.iter().map(|write| (write.pubkey, *write)).collect();
        pool.settle(&given)?;
        Ok(pool)
    }

    fn open_alone(write: AccountWrite<'_>, config: MarketConfig) -> Result<Self, DecodeError> {
        let address = write.pubkey;
        let Some((program, data)) = write.account else {
            return Err(DecodeError::WrongLength { account: "pool", found: 0, expected: 8 });
        };
        let venue = Venue::of_program(&program).ok_or(DecodeError::WrongOwner { owner: program })?;
        let layout = venue.layout_of(&program, data)?;
        if layout.role != Role::Pool || !venue.programs.contains(&program) {
            return Err(DecodeError::ImpossibleField {
                account: layout.name,
                field: "account type",
                value: layout.name.to_owned(),
                expected: "a pool",
            });
        }
        let assume_plain_mints = config.assume_plain_mints;
        let state = (venue.open)(&NewPool { address, program, data, assume_plain_mints })?;
        Ok(Self {
            venue,
            program,
            state,
            environment: Environment::default(),
            is_complete: config.complete,
            slot: write.slot,
            is_closed: false,
            is_quarantined: false,
            faults: Vec::new(),
            decimals: [None; 2],
            token_programs: [assume_plain_mints.then_some(TOKEN_PROGRAM); 2],
        })
    }

    /// Takes one account write; returns whether anything that quotes read changed. Accounts that the
    /// pool does not read are passed over.
    ///
    /// # Errors
    /// [`AccountError`]; if the pool reads the account it is set aside until a sound write comes.
    pub fn write(&mut self, write: AccountWrite<'_>) -> Result<bool, AccountError> {
        let changed = self.take(write)?;
        self.settle(&FxHashMap::default())?;
        Ok(changed)
    }

    fn take(&mut self, write: AccountWrite<'_>) -> Result<bool, AccountError> {
        let account = write.pubkey;
        self.take_bytes(write).map_err(|source| AccountError { account, source })
    }

    fn take_bytes(&mut self, write: AccountWrite<'_>) -> Result<bool, DecodeError> {
        let address = write.pubkey;
        if address == sysvar::CLOCK {
            let Some((owner, data)) = write.account else { return Ok(false) };
            if owner != sysvar::OWNER {
                return Err(DecodeError::WrongOwner { owner });
            }
            let clock = Clock::decode(data)?;
            return Ok(self.set_clock(Some(clock)));
        }
        let is_own = address == self.address();
        let reads = is_own
            || self.state.reads_if_given(&address)
            || self.dependencies().iter().any(|dependency| dependency.address == address);
        let account = match &write.account {
            Some((owner, data)) if self.is_owner_sound(is_own, owner) => Some(AccountData { owner, data }),
            None => None,
            Some((owner, _)) if reads => {
                return Err(self.fault(address, DecodeError::WrongOwner { owner: *owner }));
            }
            Some(_) => return Ok(false),
        };
        match self.state.write(&address, account) {
            Ok(Written { changed, is_state }) => {
                let was_faulty = self.forgive(address);
                let was_closed = self.is_closed;
                if is_own {
                    self.is_closed = account.is_none();
                }
                if is_state {
                    self.slot = write.slot;
                }
                self.note_decimals(address, account);
                Ok(changed || was_faulty || was_closed != self.is_closed)
            }
            Err(error) if reads => Err(self.fault(address, error)),
            Err(_) => Ok(false), // another pool's
        }
    }

    fn is_owner_sound(&self, is_own: bool, owner: &Pubkey) -> bool {
        if is_own {
            return *owner == self.program;
        }
        spl_token::is_program(owner)
            || Venue::of_program(owner).is_some_and(|venue| venue.name == self.venue.name)
    }

    fn fault(&mut self, account: Pubkey, error: DecodeError) -> DecodeError {
        self.forgive(account);
        self.faults.push((account, error.reason()));
        error
    }

    fn forgive(&mut self, account: Pubkey) -> bool {
        let before = self.faults.len();
        self.faults.retain(|(known, _)| *known != account);
        before != self.faults.len()
    }

    fn note_decimals(&mut self, address: Pubkey, account: Option<AccountData<'_>>) {
        let Some(side) = self.mints().iter().position(|mint| *mint == address) else { return };
        let Some(account) = account else { return };
        if let Ok(Decoded::Mint(mint)) = spl_token::decode(account.owner, account.data) {
            self.decimals[side] = Some(mint.decimals);
            self.token_programs[side] = Some(mint.program);
        }
    }

    /// Gives the pool what it has come to ask for: what is among `given`, and for a complete set of
    /// accounts that the rest does not exist.
    fn settle(&mut self, given: &FxHashMap<Pubkey, AccountWrite<'_>>) -> Result<(), AccountError> {
        let mut asked: Vec<Pubkey> = Vec::new();
        for _ in 0..MAX_GATHER_ROUNDS {
            let mut lacking = Vec::new();
            self.state.dependencies(&mut lacking);
            lacking.retain(|dependency| !dependency.is_known && !asked.contains(&dependency.address));
            let mut found = false;
            for Dependency { address, .. } in lacking {
                let write = match given.get(&address) {
                    Some(write) => *write,
                    None if self.is_complete => {
                        AccountWrite { pubkey: address, slot: self.slot, account: None }
                    }
                    None => continue,
                };
                asked.push(address);
                found = true;
                self.take(write)?;
            }
            if !found {
                break;
            }
        }
        Ok(())
    }

    /// Sets the time by which the pool is quoted; returns whether it is another one.
    pub fn set_clock(&mut self, clock: Option<Clock>) -> bool {
        let before = std::mem::replace(&mut self.environment.clock, clock);
        before != clock
    }

    /// Returns the time by which the pool is quoted.
    #[must_use]
    pub fn clock(&self) -> Option<Clock> {
        self.environment.clock
    }

    /// Returns the pool's address.
    #[must_use]
    pub fn address(&self) -> Pubkey {
        self.state.address()
    }

    /// Returns the venue.
    #[must_use]
    pub fn venue(&self) -> &'static Venue {
        self.venue
    }

    /// Returns the program that owns the pool.
    #[must_use]
    pub fn program(&self) -> Pubkey {
        self.program
    }

    /// Returns the mints of the first and second token.
    #[must_use]
    pub fn mints(&self) -> [Pubkey; 2] {
        self.state.mints()
    }

    /// Returns the decimals of the mints, as far as their accounts were given.
    #[must_use]
    pub fn decimals(&self) -> [Option<u8>; 2] {
        self.decimals
    }

    /// Returns the slot of the last write of the accounts that swaps change.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Returns what is shown of the pool.
    #[must_use]
    pub fn summary(&self) -> PoolSummary {
        self.state.summary(&self.environment)
    }

    /// Returns every account that a swap can read in the present state, the pool itself excluded, the
    /// clock last. The clock counts as known where nothing depends on it.
    #[must_use]
    pub fn dependencies(&self) -> Vec<Dependency> {
        let mut dependencies = Vec::new();
        self.state.dependencies(&mut dependencies);
        let is_known = self.environment.clock.is_some()
            || !(self.state.depends_on_time()
                || matches!(self.state.obstacle(&self.environment), Some(SetAside::MissingClock)));
        dependencies.push(Dependency { address: sysvar::CLOCK, reason: MISSING_CLOCK, is_known });
        dependencies
    }

    /// Returns why swaps cannot be quoted or would all fail, if so.
    #[must_use]
    pub fn set_aside(&self) -> Option<SetAside> {
        if self.is_closed {
            Some(SetAside::Closed)
        } else if let Some(&(account, reason)) = self.faults.first() {
            Some(SetAside::Fault { account, reason })
        } else if self.is_quarantined {
            Some(SetAside::Quarantined { venue: self.venue.name })
        } else {
            self.state.obstacle(&self.environment)
        }
    }

    /// Returns whether an input of `mint` is one of the first token.
    ///
    /// # Errors
    /// [`QuoteError::UnknownMint`].
    pub fn side_of(&self, mint: &Pubkey) -> Result<bool, QuoteError> {
        match self.mints().iter().position(|known| known == mint) {
            Some(side) => Ok(side == 0),
            None => Err(QuoteError::UnknownMint { pool: self.address(), mint: *mint }),
        }
    }

    /// Returns the pool for sizing: only one that would take part in detection.
    ///
    /// # Errors
    /// [`QuoteError::SetAside`].
    pub fn tradable(&self) -> Result<PoolView<'_>, QuoteError> {
        match self.set_aside() {
            Some(reason) => Err(QuoteError::SetAside { pool: self.address(), reason }),
            None => self.view(),
        }
    }

    pub(super) fn view(&self) -> Result<PoolView<'_>, QuoteError> {
        match self.set_aside() {
            Some(reason) if !reason.quotable() => Err(QuoteError::SetAside { pool: self.address(), reason }),
            _ => Ok(PoolView { state: &*self.state, environment: &self.environment }),
        }
    }

    /// Returns what the program would do with a swap.
    ///
    /// # Errors
    /// [`QuoteError`].
    pub fn quote(&self, request: &SwapRequest) -> Result<Quote, QuoteError> {
        let refused =
            |error: Refusal| QuoteError::Refused { pool: self.address(), error: error.asked(request) };
        self.view()?.quote(request).map_err(refused)
    }

    /// Carries a swap out: the state becomes what the program would leave.
    ///
    /// # Errors
    /// [`QuoteError`]; the state is then unchanged.
    pub fn swap(&mut self, request: &SwapRequest) -> Result<Execution, QuoteError> {
        self.view()?;
        let pool = self.address();
        let refused = |error: Refusal| QuoteError::Refused { pool, error: error.asked(request) };
        self.state.execute(&self.environment, request).map_err(refused)
    }

    /// Returns what the program would do with each amount on the present state, `like` otherwise.
    ///
    /// # Errors
    /// [`QuoteError::SetAside`]; what the program refuses is in the batch.
    pub fn quote_batch(&self, like: &SwapRequest, amounts: &[u64]) -> Result<QuoteBatch, QuoteError> {
        Ok(quote_batch(self.view()?, like, amounts))
    }

    /// Returns output per input of a swap of nothing, after all fees, in base units.
    ///
    /// # Errors
    /// [`QuoteError::SetAside`], [`QuoteError::NoPrice`].
    pub fn marginal_rate(&self, a_to_b: bool) -> Result<f64, QuoteError> {
        let rate = self.view()?.marginal_rate(a_to_b);
        if rate.is_finite() && rate > 0.0 { Ok(rate) } else { Err(QuoteError::NoPrice(self.address())) }
    }

    /// Returns which part of the output a swap loses by its size alone: `1 - out / (in * marginal rate)`.
    /// Not clamped: rounding to base units can make it a little more or less.
    ///
    /// # Errors
    /// [`QuoteError`].
    pub fn price_impact(&self, request: &SwapRequest) -> Result<f64, QuoteError> {
        let quote = self.quote(request)?;
        let rate = self.marginal_rate(request.a_to_b)?;
        if quote.user_in == 0 {
            return Err(QuoteError::NoPrice(self.address()));
        }
        Ok(1.0 - quote.user_out as f64 / (quote.user_in as f64 * rate))
    }

    /// Returns output per input at the present price before any fee, in base units, exactly.
    ///
    /// # Errors
    /// [`QuoteError::SetAside`], [`QuoteError::NoPrice`].
    pub fn spot_price(&self, a_to_b: bool) -> Result<Fraction, QuoteError> {
        let view = self.view()?;
        view.state.spot_price(a_to_b).ok_or(QuoteError::NoPrice(self.address()))
    }

    /// Returns whole tokens per whole token at the present price before any fee.
    ///
    /// # Errors
    /// As [`spot_price`](Self::spot_price); [`QuoteError::UnknownDecimals`] if a mint's account was not
    /// given.
    pub fn spot_price_ui(&self, a_to_b: bool) -> Result<f64, QuoteError> {
        let price = self.spot_price(a_to_b)?.to_f64();
        let side = usize::from(!a_to_b);
        let decimals = |side: usize| {
            let unknown = QuoteError::UnknownDecimals { pool: self.address(), mint: self.mints()[side] };
            self.decimals[side].map(i32::from).ok_or(unknown)
        };
        Ok(price * 10_f64.powi(decimals(side)? - decimals(1 - side)?))
    }
}

impl Market {
    /// Returns a copy of a pool as quotes see it, to be carried on without the market. What a complete
    /// market takes for absent, the copy does too.
    #[must_use]
    pub fn standalone(&self, index: PoolIndex) -> StandalonePool {
        let entry = self.pool(index);
        let (is_closed, is_quarantined) = match entry.set_aside() {
            Some(SetAside::Closed) => (true, false),
            Some(SetAside::Quarantined { .. }) => (false, true),
            _ => (false, false),
        };
        StandalonePool {
            venue: entry.venue(),
            program: entry.program(),
            state: entry.seen().boxed_clone(),
            environment: *self.environment(),
            is_complete: self.config.complete,
            slot: entry.slot(),
            is_closed,
            is_quarantined,
            faults: entry.faults().to_vec(),
            decimals: entry.seen().mints().map(|mint| self.mint_decimals(&mint)),
            token_programs: entry.seen().mints().map(|mint| self.token_program(&mint)),
        }
    }

    /// Returns the decimals of a mint whose account was seen.
    #[must_use]
    pub fn mint_decimals(&self, mint: &Pubkey) -> Option<u8> {
        let kept = self.waiting.get(mint)?;
        match spl_token::decode(&kept.owner, &kept.data) {
            Ok(Decoded::Mint(mint)) => Some(mint.decimals),
            _ => None,
        }
    }
}
