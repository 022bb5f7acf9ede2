//! A Whirlpool with the accounts it depends on.

use super::PROGRAMS;
use super::derived::DerivedAddresses;
use super::layouts::LAYOUTS;
use crate::amm_math::whirlpool::{
    ComputeContext, Instruction, Path, PoolView, Swap, TickArrays, WhirlpoolError, measure, quote_along,
    required_starts, sequence_starts, swap,
};
use crate::amm_math::{Curve, Segment};
use crate::decoders::orca_whirlpool::{ORACLE, POOL};
use crate::decoders::spl_token::TOKEN_2022_PROGRAM;
use crate::decoders::{DecodeError, Oracle, Whirlpool};
use crate::instruction_builder::{BuildError, Instruction as SwapInstruction, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Details, Environment, Execution, Quote, Refusal, RefusalKind, SwapRequest, Value};
use crate::venues::{
    AccountData, Dependency, Fraction, NewPool, PoolState, PoolSummary, SetAside, TokenSides, Vaults,
    Written, layout,
};
use ruint::aliases::U256;

/// Owner of accounts that no program has taken: the system program.
const SYSTEM_PROGRAM: Pubkey = Pubkey([0; 32]);
/// The token programs' own errors.
const INSUFFICIENT_FUNDS: Refusal = Refusal::program("insufficient funds", 1);
const ACCOUNT_FROZEN: Refusal = Refusal::program("Account is frozen", 17);
/// How far the price may move for what counts as depth: 2 %.
const DEPTH_SHARE: f64 = 0.02;

/// A pool and what is known of its mints, tick arrays and oracle.
#[derive(Debug, Clone)]
pub struct WhirlpoolPool {
    pub(super) address: Pubkey,
    pub(super) program: Pubkey,
    pub(super) state: Whirlpool,
    pub(super) arrays: TickArrays,
    pub(super) oracle: Option<Oracle>,
    pub(super) is_oracle_absent: bool,
    sides: TokenSides,
    /// Not asked for: a Whirlpool's vaults hold what it owes, and their balances change with every
    /// swap. Where they are known they count.
    vaults: Vaults,
    pub(super) derived: DerivedAddresses,
    /// Of the instruction that a client would send.
    compute: ComputeContext,
    /// Hashes that the program tries to find addresses, for either direction: A to B first.
    derivation_attempts: [Option<u32>; 2],
    /// A clock behind the pool's last change counts as that change.
    tolerates_lag: bool,
    /// Steps ahead in either direction: A to B first.
    paths: [Path; 2],
}

impl WhirlpoolPool {
    /// Opens the pool.
    ///
    /// # Errors
    /// [`DecodeError`] if the account is no Whirlpool.
    pub fn open(new: &NewPool<'_>) -> Result<Self, DecodeError> {
        if !PROGRAMS.contains(&new.program) {
            return Err(DecodeError::WrongOwner { owner: new.program });
        }
        layout::expect_type(&LAYOUTS, &new.program, new.data, &[POOL], "Whirlpool")?;
        let state = Whirlpool::read(new.data)?;
        let mut pool = Self {
            address: new.address,
            program: new.program,
            arrays: TickArrays::new(state.tick_spacing),
            oracle: None,
            is_oracle_absent: false,
            vaults: Vaults::new(
                [state.token_vault_a, state.token_vault_b],
                [state.token_mint_a, state.token_mint_b],
            ),
            sides: TokenSides::new([state.token_mint_a, state.token_mint_b], new.assume_plain_mints),
            derived: DerivedAddresses::new(new.program, new.address),
            compute: ComputeContext::of_pool(&new.program, [None; 2], Instruction::Swap),
            derivation_attempts: [None; 2],
            tolerates_lag: true,
            paths: [Path::new(true), Path::new(false)],
            state,
        };
        pool.learn_addresses();
        pool.refresh_paths(false);
        Ok(pool)
    }

    /// Returns the pool account.
    #[must_use]
    pub fn state(&self) -> &Whirlpool {
        &self.state
    }

    /// Derives what the present state can reach.
    pub(super) fn learn_addresses(&mut self) {
        for start in required_starts(&self.state) {
            self.derived.learn_array(start);
        }
        self.count_attempts();
    }

    pub(super) fn count_attempts(&mut self) {
        self.derivation_attempts = [true, false].map(|a_to_b| {
            let absent = sequence_starts(&self.state, a_to_b).filter(|&start| !self.arrays.exists(start));
            self.derived.attempts(absent)
        });
    }

    /// Lets go of remembered steps that no longer hold.
    pub(super) fn refresh_paths(&mut self, same_arrays: bool) {
        let view = PoolView {
            pool: &self.state,
            arrays: &self.arrays,
            oracle: None,
            transfer_fee_a: None,
            transfer_fee_b: None,
            unix_timestamp: 0,
            compute: self.compute,
        };
        for path in &mut self.paths {
            path.refresh(&view, same_arrays);
        }
    }

    pub(super) fn view(&self, environment: &Environment, request: &SwapRequest) -> PoolView<'_> {
        let mut compute = self.compute;
        compute.limit = request.compute_unit_limit;
        compute.derivation_attempts = self.derivation_attempts[usize::from(!request.a_to_b)];
        match request.instruction {
            Some("swap") => compute.instruction = Instruction::Swap,
            Some("swap_v2") => compute.instruction = Instruction::SwapV2,
            _ => {}
        }
        let [transfer_fee_a, transfer_fee_b] = self.sides.fees(environment, true);
        let last_change = self.state.reward_last_updated_timestamp;
        let unix_timestamp = match environment.clock {
            None => last_change,
            Some(clock) if self.tolerates_lag => clock.unix_timestamp.max(last_change),
            Some(clock) => clock.unix_timestamp,
        };
        PoolView {
            pool: &self.state,
            arrays: &self.arrays,
            oracle: self.oracle.as_ref(),
            transfer_fee_a,
            transfer_fee_b,
            unix_timestamp,
            compute,
        }
    }

    fn plain_view(&self, environment: &Environment, a_to_b: bool) -> PoolView<'_> {
        self.view(environment, &SwapRequest::new(0, true, a_to_b))
    }

    /// What the token programs refuse, as far as the vaults are known: first the trader pays.
    fn check_transfers(&self, a_to_b: bool, quote: &Quote) -> Result<(), Refusal> {
        let (side_in, side_out) = if a_to_b { (0, 1) } else { (1, 0) };
        let frozen = self.vaults.frozen();
        if frozen[side_in] {
            return Err(ACCOUNT_FROZEN);
        }
        let Some(amounts) = self.vaults.amounts() else { return Ok(()) };
        // A supply fits 64 bits, so no trader holds what does not fit beside the vault's balance.
        if amounts[side_in].checked_add(quote.user_in).is_none() {
            return Err(INSUFFICIENT_FUNDS.with("amount", quote.user_in));
        }
        if frozen[side_out] {
            return Err(ACCOUNT_FROZEN);
        }
        if quote.vault_out > amounts[side_out] {
            return Err(INSUFFICIENT_FUNDS.with("amount", quote.vault_out));
        }
        Ok(())
    }

    /// Token programs of the mints.
    pub(super) fn token_programs(&self) -> Result<[Pubkey; 2], BuildError> {
        self.sides.token_programs()
    }

    /// A swap that would run dry may fail at a transfer before.
    pub(super) fn refused(
        &self,
        view: &PoolView<'_>,
        request: &SwapRequest,
        error: WhirlpoolError,
    ) -> Refusal {
        if matches!(error, WhirlpoolError::ComputeBudgetExceeded { .. })
            && let (work, Ok(quote)) = measure(view, request)
            && work.units_before_transfers(&view.compute) <= view.compute.limit
            && let Err(refusal) = self.check_transfers(request.a_to_b, &quote)
        {
            return refusal;
        }
        let refusal = self.refusal(request.a_to_b, error);
        let is_limit = matches!(
            error,
            WhirlpoolError::SqrtPriceOutOfBounds | WhirlpoolError::InvalidSqrtPriceLimitDirection
        );
        if !is_limit || request.sqrt_price_limit_x64 == 0 {
            return refusal;
        }
        refusal
            .with("sqrt_price_limit_x64", request.sqrt_price_limit_x64)
            .with("sqrt_price_x64", self.state.sqrt_price_x64)
    }

    fn refusal(&self, a_to_b: bool, error: WhirlpoolError) -> Refusal {
        match error {
            WhirlpoolError::MissingTickArray { start_tick_index } => {
                // The sequence ends at an array that is not passed; there is none without its first.
                let is_first = sequence_starts(&self.state, a_to_b).next() == Some(start_tick_index);
                let told = if is_first {
                    WhirlpoolError::InvalidTickArraySequence
                } else {
                    WhirlpoolError::TickArraySequenceInvalidIndex
                };
                let refusal = Refusal::missing(told.name(), told.code());
                let refusal = refusal.with("start_tick_index", start_tick_index);
                match self.derived.array(start_tick_index) {
                    Some(address) => refusal.with("account", address),
                    None => refusal,
                }
            }
            WhirlpoolError::MissingOracle => {
                let refusal = Refusal::missing(error.name(), error.code());
                match self.derived.oracle() {
                    Some(address) => refusal.with("account", address),
                    None => refusal,
                }
            }
            WhirlpoolError::ComputeBudgetExceeded { estimate, limit } => {
                Refusal::other(RefusalKind::ComputeBudget, error.name())
                    .with("estimate", estimate)
                    .with("limit", limit)
            }
            error => match error.code() {
                Some(code) => Refusal::program(error.name(), code),
                None => Refusal::other(RefusalKind::Unsupported, error.name()),
            },
        }
    }
}

impl PoolState for WhirlpoolPool {
    fn address(&self) -> Pubkey {
        self.address
    }

    fn mints(&self) -> [Pubkey; 2] {
        self.sides.addresses()
    }

    fn dependencies(&self, into: &mut Vec<Dependency>) {
        self.sides.dependencies(into);
        if self.state.is_adaptive()
            && let Some(address) = self.derived.oracle()
        {
            let is_known = self.oracle.is_some() || self.is_oracle_absent;
            into.push(Dependency { address, reason: "missing_oracle", is_known });
        }
        for start in required_starts(&self.state) {
            if let Some(address) = self.derived.array(start) {
                let is_known = self.arrays.is_known(start);
                into.push(Dependency { address, reason: "missing_tick_array", is_known });
            }
        }
    }

    fn reads_if_given(&self, address: &Pubkey) -> bool {
        self.vaults.addresses().contains(address)
    }

    fn write(&mut self, address: &Pubkey, account: Option<AccountData<'_>>) -> Result<Written, DecodeError> {
        if *address == self.address {
            // Pools are never closed; what to make of a missing one is the market's decision.
            return account.map_or(Ok(Written::default()), |account| self.write_state(&account));
        }
        if let Some(written) = self.sides.write(address, account) {
            let mints = self.sides.mints();
            let needs_v2 = mints.iter().flatten().any(|mint| mint.program == TOKEN_2022_PROGRAM);
            let instruction = if needs_v2 { Instruction::SwapV2 } else { Instruction::Swap };
            self.compute = ComputeContext::of_pool(&self.program, mints, instruction);
            return written;
        }
        let frozen = self.vaults.frozen();
        if let Some(written) = self.vaults.write(address, account) {
            let changed = self.vaults.frozen() != frozen;
            return written.map(|_| Written { changed, is_state: false });
        }
        // Anyone can send lamports to an address that the program has not taken yet: it is then still
        // as good as not there.
        let taken = account.filter(|account| !(*account.owner == SYSTEM_PROGRAM && account.data.is_empty()));
        if let Some(start) = self.derived.start_of(address) {
            return self.write_array(start, taken.as_ref());
        }
        let may_be_oracle = self.state.is_adaptive() || taken.is_some_and(|it| it.data.starts_with(&ORACLE));
        if may_be_oracle && self.derived.oracle() == Some(*address) {
            return self.write_oracle(taken.as_ref());
        }
        taken.map_or(Ok(Written::default()), |account| self.write_further(address, &account))
    }

    fn obstacle(&self, environment: &Environment) -> Option<SetAside> {
        if let Some(obstacle) = self.sides.obstacle(environment) {
            return Some(obstacle);
        }
        if let Some(side) = self.vaults.frozen().iter().position(|&is_frozen| is_frozen) {
            return Some(SetAside::FrozenVault(self.vaults.addresses()[side]));
        }
        if self.state.is_adaptive() {
            if self.oracle.is_none() {
                let account = self.derived.oracle().unwrap_or_default();
                return Some(SetAside::Missing { reason: "missing_oracle", account });
            }
            if environment.clock.is_none() {
                return Some(SetAside::MissingClock);
            }
        }
        if let Some(start) = required_starts(&self.state).find(|&start| !self.arrays.is_known(start)) {
            let account = self.derived.array(start).unwrap_or_default();
            return Some(SetAside::Missing { reason: "missing_tick_array", account });
        }
        (self.state.liquidity == 0).then_some(SetAside::NoLiquidity)
    }

    fn depends_on_time(&self) -> bool {
        self.state.is_adaptive()
    }

    fn quote(&self, environment: &Environment, request: &SwapRequest) -> Result<Quote, Refusal> {
        let path = &self.paths[usize::from(!request.a_to_b)];
        let view = self.view(environment, request);
        let quote = quote_along(&view, request, path).map_err(|error| self.refused(&view, request, error))?;
        self.check_transfers(request.a_to_b, &quote)?;
        Ok(quote)
    }

    fn execute(&mut self, environment: &Environment, request: &SwapRequest) -> Result<Execution, Refusal> {
        let view = self.view(environment, request);
        let done = swap(&view, request).map_err(|error| self.refused(&view, request, error))?;
        self.check_transfers(request.a_to_b, &done.quote)?;
        // Refuses only what is not known, and then there is nothing to move.
        let _ = self.vaults.trade(request.a_to_b, done.quote.vault_in, done.quote.vault_out);
        let has_moved = done.post.tick_current_index != self.state.tick_current_index;
        done.post.apply(&mut self.state, self.oracle.as_mut());
        if has_moved {
            self.learn_addresses();
        }
        self.refresh_paths(true);
        Ok(Execution { quote: done.quote, details: details(&done) })
    }

    fn swap_instruction(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        reach: Reach,
    ) -> Result<SwapInstruction, BuildError> {
        self.build_swap(environment, request, trader, reach)
    }

    fn each_segment(&self, environment: &Environment, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        self.plain_view(environment, a_to_b).each_segment(a_to_b, visit);
    }

    fn marginal_rate(&self, environment: &Environment, a_to_b: bool) -> f64 {
        self.plain_view(environment, a_to_b).marginal_rate(a_to_b)
    }

    fn spot_price(&self, a_to_b: bool) -> Option<Fraction> {
        let sqrt_price = U256::from(self.state.sqrt_price_x64);
        let (price, one) = (sqrt_price * sqrt_price, U256::from(1) << 128);
        let (numerator, denominator) = if a_to_b { (price, one) } else { (one, price) };
        Some(Fraction { numerator, denominator })
    }

    fn summary(&self, environment: &Environment) -> PoolSummary {
        let state = &self.state;
        let view = self.plain_view(environment, true);
        let rate_e9 = |a_to_b| u64::from(view.fee_rate_e6(a_to_b).unwrap_or(0)) * 1000;
        PoolSummary {
            fee_rate_e9: [rate_e9(true), rate_e9(false)],
            depth: [view.depth(false, DEPTH_SHARE), view.depth(true, DEPTH_SHARE)],
            liquidity: Some(state.liquidity),
            details: vec![
                ("tick_current_index", state.tick_current_index.into()),
                ("tick_spacing", state.tick_spacing.into()),
                ("sqrt_price_x64", state.sqrt_price_x64.into()),
                ("protocol_fee_rate_bps", state.protocol_fee_rate_bps.into()),
                ("is_adaptive", state.is_adaptive().into()),
            ],
        }
    }

    fn digest(&self, sink: &mut dyn FnMut(&[u8])) {
        let state = &self.state;
        sink(&state.liquidity.to_le_bytes());
        sink(&state.sqrt_price_x64.to_le_bytes());
        sink(&state.tick_current_index.to_le_bytes());
        sink(&state.fee_rate_e6.to_le_bytes());
        for (tick_index, liquidity_net) in self.arrays.initialized_ticks() {
            sink(&tick_index.to_le_bytes());
            sink(&liquidity_net.to_le_bytes());
        }
    }

    fn boxed_clone(&self) -> Box<dyn PoolState> {
        Box::new(self.clone())
    }

    fn refuse_lagging_clocks(&mut self) {
        self.tolerates_lag = false;
    }

    fn work(&self, environment: &Environment, request: &SwapRequest) -> Vec<(&'static str, u32)> {
        let view = self.view(environment, request);
        let (counted, _) = measure(&view, request);
        let mut work = vec![
            ("estimate", counted.units(&view.compute)),
            ("derivation_attempts", view.compute.derivation_attempts.unwrap_or(0)),
            ("rewards", u32::from(self.state.rewards)),
        ];
        work.extend(counted.named());
        work
    }
}

fn details(swap: &Swap) -> Details {
    let post = &swap.post;
    let mut details = vec![
        ("lp_fee", swap.lp_fee.into()),
        ("protocol_fee", swap.protocol_fee.into()),
        ("post_liquidity", post.liquidity.into()),
        ("post_sqrt_price", post.sqrt_price_x64.into()),
        ("post_tick", post.tick_current_index.into()),
        ("post_protocol_fee_owed_a", post.protocol_fee_owed_a.into()),
        ("post_protocol_fee_owed_b", post.protocol_fee_owed_b.into()),
        ("post_fee_growth_global_a", post.fee_growth_global_a.into()),
        ("post_fee_growth_global_b", post.fee_growth_global_b.into()),
    ];
    if let Some(variables) = post.adaptive_variables {
        details.push(("post_adaptive_variables_hex", Value::Bytes(variables.to_bytes().to_vec())));
    }
    details
}
