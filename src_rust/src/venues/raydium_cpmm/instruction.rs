//! The swap as an instruction.
//!
//! # Source
//! raydium-cp-swap's IDL, whose accounts later builds have kept.

use super::INSTRUCTIONS;
use super::pool::{CpmmPool, mints_of};
use crate::decoders::address;
use crate::instruction_builder::{AccountMeta, BuildError, Instruction, Trader};
use crate::quantities::Pubkey;
use crate::swap::SwapRequest;

const SWAP_BASE_INPUT: [u8; 8] = [0x8f, 0xbe, 0x5a, 0xda, 0xc4, 0x1e, 0x33, 0xde];
const SWAP_BASE_OUTPUT: [u8; 8] = [0x37, 0xd9, 0x62, 0x56, 0xa3, 0x4a, 0xb4, 0xad];
/// Owner of every vault: derived of `vault_and_lp_mint_auth_seed`.
const AUTHORITY: Pubkey = address("GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL");

impl CpmmPool {
    /// See [`crate::venues::PoolState::swap_instruction`].
    pub(super) fn build_swap(
        &self,
        request: &SwapRequest,
        trader: &Trader,
    ) -> Result<Instruction, BuildError> {
        let [input, output] = INSTRUCTIONS;
        let own = if request.exact_in { input } else { output };
        if request.instruction.is_some_and(|named| named != own) {
            let reason = "`swap_base_input` takes an exact input, `swap_base_output` an exact output";
            return Err(BuildError::NoInstruction { venue: super::VENUE.name, reason });
        }
        let state = &self.state;
        let directed = |of: [Pubkey; 2]| if request.a_to_b { of } else { [of[1], of[0]] };
        let mut accounts = Vec::with_capacity(13);
        accounts.extend([
            AccountMeta::readonly(trader.wallet).signer(),
            AccountMeta::readonly(AUTHORITY),
            AccountMeta::readonly(state.amm_config),
            AccountMeta::writable(self.address),
        ]);
        accounts.extend(directed(trader.token_accounts).map(AccountMeta::writable));
        accounts.extend(directed([state.token_0_vault, state.token_1_vault]).map(AccountMeta::writable));
        accounts.extend(directed([state.token_0_program, state.token_1_program]).map(AccountMeta::readonly));
        accounts.extend(directed(mints_of(state)).map(AccountMeta::readonly));
        accounts.push(AccountMeta::writable(state.observation_key));
        let (discriminator, amounts) = if request.exact_in {
            (SWAP_BASE_INPUT, [request.amount, request.other_amount_threshold])
        } else {
            (SWAP_BASE_OUTPUT, [request.other_amount_threshold, request.amount])
        };
        let mut data = discriminator.to_vec();
        data.extend(amounts.into_iter().flat_map(u64::to_le_bytes));
        Ok(Instruction { program: self.program, accounts, data })
    }
}
