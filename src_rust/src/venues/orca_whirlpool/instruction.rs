//! The swap as an instruction.
//!
//! # Source
//! Orca Whirlpool's IDL 0.9.0; the official clients' `swap` and `swap_v2`, as the vectors executed them.

use super::pool::WhirlpoolPool;
use crate::amm_math::whirlpool::{sequence_starts, swap};
use crate::decoders::spl_token::TOKEN_PROGRAM;
use crate::instruction_builder::{AccountMeta, BuildError, Instruction, MEMO_PROGRAM, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Environment, SwapRequest};

const VENUE: &str = "orca_whirlpool";
const SWAP: [u8; 8] = [0xf8, 0xc6, 0x9e, 0x91, 0xe1, 0x75, 0x87, 0xc8];
const SWAP_V2: [u8; 8] = [0x2b, 0x04, 0xed, 0x0b, 0x1a, 0xc9, 0x1e, 0x62];
/// `remaining_accounts_info` of `swap_v2`: neither transfer hooks nor supplemental tick arrays.
const NO_REMAINING_ACCOUNTS: u8 = 0;
/// Tick arrays that both instructions name.
const ARRAYS: usize = 3;

impl WhirlpoolPool {
    /// See [`crate::venues::PoolState::swap_instruction`].
    pub(super) fn build_swap(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        reach: Reach,
    ) -> Result<Instruction, BuildError> {
        let programs = self.token_programs()?;
        let is_v2 = match request.instruction {
            None | Some("swap_v2") => true,
            Some("swap") if programs == [TOKEN_PROGRAM; 2] => false,
            Some("swap") => return Err(refuse("`swap` moves tokens of SPL Token only")),
            Some(_) => return Err(refuse("it is neither `swap` nor `swap_v2`")),
        };
        let arrays = self.arrays_passed(environment, request, reach)?;
        let oracle = self.derived.oracle().ok_or(BuildError::Unknown { what: "oracle" })?;
        let (wallet, pool) =
            (AccountMeta::readonly(trader.wallet).signer(), AccountMeta::writable(self.address));
        let mut accounts = Vec::with_capacity(15);
        if is_v2 {
            accounts.extend(programs.map(AccountMeta::readonly));
            accounts.extend([AccountMeta::readonly(MEMO_PROGRAM), wallet, pool]);
            accounts.extend([self.state.token_mint_a, self.state.token_mint_b].map(AccountMeta::readonly));
        } else {
            accounts.extend([AccountMeta::readonly(TOKEN_PROGRAM), wallet, pool]);
        }
        let [account_a, account_b] = trader.token_accounts;
        let moved = [account_a, self.state.token_vault_a, account_b, self.state.token_vault_b];
        accounts.extend(moved.into_iter().chain(arrays).map(AccountMeta::writable));
        // Written in pools with an adaptive fee; named so in all.
        accounts.push(AccountMeta::writable(oracle));
        let mut data = Vec::with_capacity(43);
        data.extend(if is_v2 { SWAP_V2 } else { SWAP });
        data.extend(request.amount.to_le_bytes());
        data.extend(request.other_amount_threshold.to_le_bytes());
        data.extend(request.sqrt_price_limit_x64.to_le_bytes());
        data.extend([request.exact_in, request.a_to_b].map(u8::from));
        if is_v2 {
            data.push(NO_REMAINING_ACCOUNTS);
        }
        Ok(Instruction { program: self.program, accounts, data })
    }

    /// Returns the three tick arrays to pass; where there are fewer, the last stands in for the rest.
    fn arrays_passed(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        reach: Reach,
    ) -> Result<[Pubkey; ARRAYS], BuildError> {
        let needed = match reach {
            Reach::Official => ARRAYS,
            Reach::Needed => self.arrays_needed(environment, request)?,
        };
        let mut passed = None;
        let mut starts = sequence_starts(&self.state, request.a_to_b).take(needed);
        let mut next = || {
            if let Some(start) = starts.next() {
                passed = Some(self.derived.array(start).ok_or(BuildError::Unknown { what: "tick array" })?);
            }
            passed.ok_or(BuildError::Refused("InvalidTickArraySequence"))
        };
        Ok([next()?, next()?, next()?])
    }

    /// Returns how many arrays the swap reaches as quoted now, and one more.
    fn arrays_needed(&self, environment: &Environment, request: &SwapRequest) -> Result<usize, BuildError> {
        let view = self.view(environment, request);
        let done = swap(&view, request)
            .map_err(|error| BuildError::Refused(self.refused(&view, request, error).name))?;
        let span = self.state.ticks_in_array();
        let last = done.post.tick_current_index.div_euclid(span) * span;
        let crossed = sequence_starts(&self.state, request.a_to_b)
            .filter(|&start| if request.a_to_b { start >= last } else { start <= last });
        Ok(crossed.count().max(1) + 1)
    }
}

fn refuse(reason: &'static str) -> BuildError {
    BuildError::NoInstruction { venue: VENUE, reason }
}
