//! One pool of the market: what was recorded, what our fills made of it, and whether it may be quoted.

use sha2::{Digest, Sha256};

use super::MintIndex;
use crate::amm_math::constant_product::Direction;
use crate::amm_math::{Curve, Segment};
use crate::cycle_finder::EdgeWeight;
use crate::decoders::{DecodeError, spl_token};
use crate::quantities::{Pubkey, Slot};
use crate::swap::{Environment, Quote, Refusal, SwapRequest};
use crate::venues::{AccountData, Dependency, PoolState, SetAside, Venue, Written};

/// A pool in one state at one time: what quotes and sizing see.
#[derive(Debug, Clone, Copy)]
pub struct PoolView<'a> {
    /// The state.
    pub state: &'a dyn PoolState,
    /// The time.
    pub environment: &'a Environment,
}

impl PoolView<'_> {
    /// Returns what the program would do with a swap.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn quote(&self, request: &SwapRequest) -> Result<Quote, Refusal> {
        self.state.quote(self.environment, request)
    }

    /// Returns how many stretches of the curve a swap of `amount_in` leaves behind: the initialised ticks
    /// or bins that it crosses. For an estimate of its work: rounding may count one more or less.
    #[must_use]
    pub fn crossings(&self, a_to_b: bool, amount_in: u64) -> u32 {
        #[expect(clippy::cast_precision_loss, reason = "only compared with the ends of stretches")]
        let mut left = amount_in as f64;
        let mut crossings = 0;
        self.state.each_segment(self.environment, a_to_b, &mut |segment| {
            let crosses = left > segment.max_in;
            if crosses {
                left -= segment.max_in;
                crossings += 1;
            }
            crosses
        });
        crossings
    }

    /// Returns the weights of the pool's two edges, a to b first, each `None` where there is no finite
    /// rate.
    #[must_use]
    pub fn edge_weights(&self) -> [Option<EdgeWeight>; 2] {
        let gross = self.state.spot_price(true).map_or(f64::NAN, |price| -price.to_f64().ln());
        [(true, gross), (false, -gross)].map(|(a_to_b, gross)| {
            let net = -self.marginal_rate(a_to_b).ln();
            (net.is_finite() && gross.is_finite()).then_some(EdgeWeight { net, gross })
        })
    }
}

impl Curve for PoolView<'_> {
    type Error = Refusal;

    fn quote_exact_in(&self, a_to_b: bool, amount_in: u64) -> Result<u64, Refusal> {
        self.quote(&SwapRequest::new(amount_in, true, a_to_b)).map(|quote| quote.user_out)
    }

    fn quote_exact_out(&self, a_to_b: bool, amount_out: u64) -> Result<u64, Refusal> {
        self.quote(&SwapRequest::new(amount_out, false, a_to_b)).map(|quote| quote.user_in)
    }

    fn each_segment(&self, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        self.state.each_segment(self.environment, a_to_b, visit);
    }

    fn marginal_rate(&self, a_to_b: bool) -> f64 {
        self.state.marginal_rate(self.environment, a_to_b)
    }

    fn direction(&self, a_to_b: bool) -> Option<Direction> {
        self.state.direction(self.environment, a_to_b)
    }
}

/// A pool and the accounts it depends on.
#[derive(Debug, Clone)]
pub struct Pool {
    venue: &'static Venue,
    program: Pubkey,
    mint_a: MintIndex,
    mint_b: MintIndex,
    slot: Slot,
    recorded: Box<dyn PoolState>,
    filled: Option<Box<dyn PoolState>>,
    closed: bool,
    faults: Vec<(Pubkey, &'static str)>,
    set_aside: Option<SetAside>,
    depends_on_time: bool,
    /// Accounts that the market already brings to this pool.
    pub(super) watched: Vec<Dependency>,
}

impl Pool {
    pub(super) fn new(
        venue: &'static Venue,
        program: Pubkey,
        [mint_a, mint_b]: [MintIndex; 2],
        state: Box<dyn PoolState>,
        slot: Slot,
    ) -> Self {
        Self {
            venue,
            program,
            mint_a,
            mint_b,
            slot,
            recorded: state,
            filled: None,
            closed: false,
            faults: Vec::new(),
            set_aside: None,
            depends_on_time: false,
            watched: Vec::new(),
        }
    }

    /// Returns the pool's address.
    #[must_use]
    pub fn address(&self) -> Pubkey {
        self.recorded.address()
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

    /// Returns the number of the first token's mint.
    #[must_use]
    pub fn mint_a(&self) -> MintIndex {
        self.mint_a
    }

    /// Returns the number of the second token's mint.
    #[must_use]
    pub fn mint_b(&self) -> MintIndex {
        self.mint_b
    }

    /// Returns the slot of the last write of the accounts that swaps change.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Returns the pool as last recorded.
    #[must_use]
    pub fn recorded(&self) -> &dyn PoolState {
        &*self.recorded
    }

    /// Returns the pool as our fills have left it.
    #[must_use]
    pub fn seen(&self) -> &dyn PoolState {
        self.filled.as_deref().unwrap_or(&*self.recorded)
    }

    /// Returns whether a fill of ours is still in the state that quotes see.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        self.filled.is_some()
    }

    /// Returns why the pool takes no part in detection, if it does not.
    #[must_use]
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }

    /// Returns the accounts that the pool reads, itself excluded, as of its last write.
    #[must_use]
    pub fn accounts(&self) -> &[Dependency] {
        &self.watched
    }

    /// Returns whether time alone moves the pool's rates.
    pub(super) fn depends_on_time(&self) -> bool {
        self.depends_on_time
    }

    /// Returns whether `owner` may own the account at `address`: the pool's own belongs to its program,
    /// the others to the venue's programs or a token program.
    pub(super) fn expects_owner(&self, address: &Pubkey, owner: &Pubkey) -> bool {
        if *address == self.address() {
            return *owner == self.program;
        }
        spl_token::is_program(owner)
            || Venue::of_program(owner).is_some_and(|venue| venue.name == self.venue.name)
    }

    /// Takes a recorded write of one of the pool's accounts; returns whether what quotes see changed.
    pub(super) fn write(
        &mut self,
        address: &Pubkey,
        account: Option<AccountData<'_>>,
        slot: Slot,
    ) -> Result<bool, DecodeError> {
        let written = match self.recorded.write(address, account) {
            Ok(written) => written,
            Err(error) => {
                self.set_fault(*address, error.reason());
                return Err(error);
            }
        };
        let Written { mut changed, is_state } = written;
        changed |= self.clear_fault(*address);
        if is_state {
            changed |= self.filled.take().is_some();
            self.slot = slot;
        } else if let Some(filled) = &mut self.filled {
            // The recorded state has just taken the same bytes.
            let again = filled.write(address, account);
            debug_assert!(again.is_ok(), "one state takes what its copy takes");
        }
        if *address == self.recorded.address() {
            changed |= self.closed != account.is_none();
            self.closed = account.is_none();
        }
        Ok(changed)
    }

    pub(super) fn set_fault(&mut self, account: Pubkey, reason: &'static str) {
        self.clear_fault(account);
        self.faults.push((account, reason));
    }

    /// Returns the accounts whose last write could not be read, and why.
    pub(super) fn faults(&self) -> &[(Pubkey, &'static str)] {
        &self.faults
    }

    fn clear_fault(&mut self, account: Pubkey) -> bool {
        let before = self.faults.len();
        self.faults.retain(|(known, _)| *known != account);
        before != self.faults.len()
    }

    /// Forgets the fault of an account that turned out not to be the pool's.
    pub(super) fn forgive(&mut self, account: Pubkey) {
        self.clear_fault(account);
    }

    /// Carries a swap out on the state that quotes see.
    pub(super) fn fill(
        &mut self,
        environment: &Environment,
        request: &SwapRequest,
    ) -> Result<Quote, Refusal> {
        if let Some(filled) = &mut self.filled {
            return filled.execute(environment, request).map(|execution| execution.quote);
        }
        let mut state = self.recorded.clone();
        let execution = state.execute(environment, request)?;
        self.filled = Some(state);
        Ok(execution.quote)
    }

    /// Decides whether the pool may be quoted.
    pub(super) fn refresh(&mut self, environment: &Environment, is_quarantined: bool) {
        self.depends_on_time = self.recorded.depends_on_time();
        self.set_aside = if self.closed {
            Some(SetAside::Closed)
        } else if let Some(&(account, reason)) = self.faults.first() {
            Some(SetAside::Fault { account, reason })
        } else if is_quarantined {
            Some(SetAside::Quarantined { venue: self.venue.name })
        } else {
            self.recorded.obstacle(environment)
        };
    }

    pub(super) fn digest(&self, digest: &mut Sha256) {
        digest.update(self.address().0);
        self.recorded.digest(&mut |bytes| digest.update(bytes));
        digest.update(self.set_aside.as_ref().map_or("", SetAside::reason).as_bytes());
    }
}
