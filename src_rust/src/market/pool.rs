//! One pool with the accounts it depends on: what was recorded, what our fills made of it, and
//! whether it may be quoted.

use std::fmt;

use sha2::{Digest, Sha256};

use super::MintIndex;
use crate::amm_math::whirlpool::{
    ComputeContext, Instruction, PoolView, Swap, TickArrayError, TickArrays, required_starts,
};
use crate::decoders::spl_token::TOKEN_2022_PROGRAM;
use crate::decoders::sysvar::Clock;
use crate::decoders::{DecodeError, Mint, Oracle, TickArray, TransferFee, Whirlpool};
use crate::quantities::{Pubkey, Slot};

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
    /// A tick array that a swap can reach has never been seen, nor is it known not to exist.
    MissingTickArray {
        /// Its first tick.
        start_tick_index: i32,
    },
    /// The pool charges an adaptive fee and its oracle account has not been seen.
    MissingOracle,
    /// A mint account has not been seen.
    MissingMint(Pubkey),
    /// A mint has an extension that makes local quotes impossible.
    UnsupportedMint {
        /// The mint.
        mint: Pubkey,
        /// [`crate::decoders::MintRestriction::reason`].
        reason: &'static str,
    },
    /// The fee depends on the time and the Clock sysvar has not been seen.
    MissingClock,
    /// There is no liquidity at the present price, so there is no price.
    NoLiquidity,
    /// The pool's account no longer exists.
    Closed,
}

impl SetAside {
    /// Returns the stable name used in counters and JSON.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Fault { reason, .. } | Self::UnsupportedMint { reason, .. } => reason,
            Self::MissingTickArray { .. } => "missing_tick_array",
            Self::MissingOracle => "missing_oracle",
            Self::MissingMint(_) => "missing_mint",
            Self::MissingClock => "missing_clock",
            Self::NoLiquidity => "no_liquidity",
            Self::Closed => "closed",
        }
    }

    /// Returns whether quotes are exact all the same: a pool without liquidity at its price, or one
    /// that lacks a far tick array, still answers what does not need it.
    #[must_use]
    pub const fn quotable(&self) -> bool {
        matches!(self, Self::NoLiquidity | Self::MissingTickArray { .. })
    }
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault { account, reason } => write!(f, "account {account} is unreadable ({reason})"),
            Self::MissingTickArray { start_tick_index } => {
                write!(f, "tick array at {start_tick_index} has not been received")
            }
            Self::MissingOracle => f.write_str("its oracle account has not been received"),
            Self::MissingMint(mint) => write!(f, "mint account {mint} has not been received"),
            Self::UnsupportedMint { mint, reason } => {
                write!(f, "mint {mint} has an extension that forbids local quotes ({reason})")
            }
            Self::MissingClock => {
                f.write_str("its fee depends on the time and the clock has not been received")
            }
            Self::NoLiquidity => f.write_str("no liquidity at the present price"),
            Self::Closed => f.write_str("the account no longer exists"),
        }
    }
}

#[derive(Debug, Clone)]
struct Layer {
    state: Whirlpool,
    oracle: Option<Oracle>,
}

/// A pool and the accounts it depends on.
#[derive(Debug, Clone)]
pub struct Pool {
    address: Pubkey,
    program: Pubkey,
    mint_a: MintIndex,
    mint_b: MintIndex,
    slot: Slot,
    recorded: Layer,
    filled: Option<Layer>,
    arrays: TickArrays,
    transfer_fees: [Option<TransferFee>; 2],
    compute: ComputeContext,
    unix_timestamp: u64,
    closed: bool,
    faults: Vec<(Pubkey, &'static str)>,
    set_aside: Option<SetAside>,
}

impl Pool {
    pub(super) fn new(
        address: Pubkey,
        program: Pubkey,
        [mint_a, mint_b]: [MintIndex; 2],
        state: &Whirlpool,
        slot: Slot,
        complete: bool,
    ) -> Self {
        let mut arrays = TickArrays::new(state.tick_spacing);
        arrays.set_all_others_absent(complete);
        Self {
            address,
            program,
            mint_a,
            mint_b,
            slot,
            recorded: Layer { state: *state, oracle: None },
            filled: None,
            arrays,
            transfer_fees: [None; 2],
            compute: ComputeContext::default(),
            unix_timestamp: 0,
            closed: false,
            faults: Vec::new(),
            set_aside: None,
        }
    }

    /// Returns the pool's address.
    #[must_use]
    pub fn address(&self) -> Pubkey {
        self.address
    }

    /// Returns the program that owns the pool.
    #[must_use]
    pub fn program(&self) -> Pubkey {
        self.program
    }

    /// Returns the number of token A's mint.
    #[must_use]
    pub fn mint_a(&self) -> MintIndex {
        self.mint_a
    }

    /// Returns the number of token B's mint.
    #[must_use]
    pub fn mint_b(&self) -> MintIndex {
        self.mint_b
    }

    /// Returns the slot of the pool account's last write.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Returns the pool account as last recorded.
    #[must_use]
    pub fn recorded(&self) -> &Whirlpool {
        &self.recorded.state
    }

    /// Returns the pool account as our fills have left it.
    #[must_use]
    pub fn seen(&self) -> &Whirlpool {
        &self.filled.as_ref().unwrap_or(&self.recorded).state
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

    fn view<'a>(&'a self, layer: &'a Layer) -> PoolView<'a> {
        PoolView {
            pool: &layer.state,
            arrays: &self.arrays,
            oracle: layer.oracle.as_ref(),
            transfer_fee_a: self.transfer_fees[0],
            transfer_fee_b: self.transfer_fees[1],
            // The program refuses a swap before the pool's last change; a clock that lags must not.
            unix_timestamp: self.unix_timestamp.max(layer.state.reward_last_updated_timestamp),
            compute: self.compute,
        }
    }

    pub(super) fn recorded_view(&self) -> PoolView<'_> {
        self.view(&self.recorded)
    }

    pub(super) fn seen_view(&self) -> PoolView<'_> {
        self.view(self.filled.as_ref().unwrap_or(&self.recorded))
    }

    pub(super) fn set_time(&mut self, unix_timestamp: u64) {
        self.unix_timestamp = unix_timestamp;
    }

    /// Takes a recorded write; returns whether anything differs from the write before it.
    pub(super) fn record(&mut self, state: &Whirlpool, slot: Slot) -> bool {
        let changed =
            self.recorded.state != *state || self.filled.is_some() || self.closed || !self.faults.is_empty();
        self.slot = slot;
        self.recorded.state = *state;
        self.filled = None;
        self.closed = false;
        self.clear_fault(self.address);
        changed
    }

    /// Takes a tick array; `None`: it is known not to exist. One that cannot belong to the pool is
    /// refused and what was known of that start is forgotten.
    pub(super) fn set_array(
        &mut self,
        account: Pubkey,
        start: i32,
        array: Option<&TickArray>,
    ) -> Result<(), DecodeError> {
        self.arrays.set(start, array).map_err(|error| {
            self.arrays.forget(start);
            impossible_array(&error)
        })?;
        self.clear_fault(account);
        Ok(())
    }

    pub(super) fn set_oracle(&mut self, account: Pubkey, oracle: Oracle) {
        self.clear_fault(account);
        self.recorded.oracle = Some(oracle);
        self.filled = None;
    }

    pub(super) fn drop_oracle(&mut self) {
        self.recorded.oracle = None;
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn set_fault(&mut self, account: Pubkey, reason: &'static str) {
        self.clear_fault(account);
        self.faults.push((account, reason));
    }

    pub(super) fn clear_fault(&mut self, account: Pubkey) {
        self.faults.retain(|(known, _)| *known != account);
    }

    /// Returns the starts of tick arrays that a swap can reach and of which nothing is known.
    pub(super) fn unknown_starts(&self) -> Vec<i32> {
        required_starts(&self.recorded.state).filter(|&start| !self.arrays.is_known(start)).collect()
    }

    pub(super) fn apply_fill(&mut self, swap: &Swap) {
        let mut layer = self.filled.take().unwrap_or_else(|| self.recorded.clone());
        swap.post.apply(&mut layer.state, layer.oracle.as_mut());
        self.filled = Some(layer);
    }

    /// Decides whether the pool may be quoted.
    pub(super) fn refresh(&mut self, mints: [Option<&Mint>; 2], assume_plain: bool, clock: Option<&Clock>) {
        self.set_time(clock.map_or(0, |clock| clock.unix_timestamp));
        let is_token_2022 = |mint: &&Mint| mint.program == TOKEN_2022_PROGRAM;
        let needs_v2 = mints.iter().flatten().any(is_token_2022);
        let instruction = if needs_v2 { Instruction::SwapV2 } else { Instruction::Swap };
        self.compute = ComputeContext::of_pool(&self.program, mints, instruction);
        self.set_aside = self.find_obstacle(mints, assume_plain, clock).err();
    }

    fn find_obstacle(
        &mut self,
        mints: [Option<&Mint>; 2],
        assume_plain: bool,
        clock: Option<&Clock>,
    ) -> Result<(), SetAside> {
        if self.closed {
            return Err(SetAside::Closed);
        }
        if let Some(&(account, reason)) = self.faults.first() {
            return Err(SetAside::Fault { account, reason });
        }
        let addresses = [self.recorded.state.token_mint_a, self.recorded.state.token_mint_b];
        for ((fee, mint), address) in self.transfer_fees.iter_mut().zip(mints).zip(addresses) {
            *fee = match mint {
                None if assume_plain => None,
                None => return Err(SetAside::MissingMint(address)),
                Some(Mint { restriction: Some(restriction), .. }) => {
                    return Err(SetAside::UnsupportedMint { mint: address, reason: restriction.reason() });
                }
                Some(mint) => match (mint.transfer_fee, clock) {
                    (None, _) => None,
                    (Some(_), None) => return Err(SetAside::MissingClock),
                    (Some(config), Some(clock)) => Some(config.at(clock.epoch)),
                },
            };
        }
        if self.recorded.state.is_adaptive() {
            if self.recorded.oracle.is_none() {
                return Err(SetAside::MissingOracle);
            }
            if clock.is_none() {
                return Err(SetAside::MissingClock);
            }
        }
        if let Some(&start_tick_index) = self.unknown_starts().first() {
            return Err(SetAside::MissingTickArray { start_tick_index });
        }
        if self.recorded.state.liquidity == 0 {
            return Err(SetAside::NoLiquidity);
        }
        Ok(())
    }

    pub(super) fn digest(&self, digest: &mut Sha256) {
        let state = &self.recorded.state;
        digest.update(self.address.0);
        digest.update(state.liquidity.to_le_bytes());
        digest.update(state.sqrt_price_x64.to_le_bytes());
        digest.update(state.tick_current_index.to_le_bytes());
        digest.update(state.fee_rate_e6.to_le_bytes());
        for (tick_index, liquidity_net) in self.arrays.initialized_ticks() {
            digest.update(tick_index.to_le_bytes());
            digest.update(liquidity_net.to_le_bytes());
        }
        digest.update(self.set_aside.as_ref().map_or("", SetAside::reason).as_bytes());
    }
}

fn impossible_array(error: &TickArrayError) -> DecodeError {
    DecodeError::ImpossibleField {
        account: "TickArray",
        field: "start_tick_index or ticks",
        value: error.to_string(),
        expected: "what the pool's tick spacing allows",
    }
}
