//! A swap as the program's instruction.
//!
//! # Source
//! spl token-swap, `instruction.rs`: tag 1, `Swap`; as executed in the golden vectors.

use super::PROGRAM;
use super::pool::TokenSwapPool;
use crate::instruction_builder::{AccountMeta, BuildError, Instruction, Trader};
use crate::swap::SwapRequest;

const SWAP: u8 = 1;

impl TokenSwapPool {
    /// Returns the swap as an instruction. The program takes an exact input only: an exact output
    /// becomes the input that it needs now, with that output as the least.
    ///
    /// # Errors
    /// [`BuildError`]: a kind of swap that the program does not have, an exact output that would be
    /// refused, or a pool without an authority.
    pub(super) fn instruction(
        &self,
        request: &SwapRequest,
        trader: &Trader,
    ) -> Result<Instruction, BuildError> {
        let none = |reason| Err(BuildError::NoInstruction { venue: "orca_token_swap_v2", reason });
        if !matches!(request.instruction, None | Some("swap")) {
            return none("it has no instruction of this name");
        }
        if request.partial_fill {
            return none("it takes the whole amount or fails");
        }
        let amounts = if request.exact_in {
            [request.amount, request.other_amount_threshold]
        } else {
            let swapped = self.answer(request, true).map_err(|refusal| BuildError::Refused(refusal.name))?;
            [swapped.quote().user_in, request.amount]
        };
        let Some(authority) = self.authority else {
            return none("its bump gives no authority");
        };
        let mut data = Vec::with_capacity(17);
        data.push(SWAP);
        data.extend(amounts.map(u64::to_le_bytes).as_flattened());
        let swap = &self.swap;
        let (mut traders, mut vaults) = (trader.token_accounts, [swap.token_a, swap.token_b]);
        if !request.a_to_b {
            traders.reverse();
            vaults.reverse();
        }
        let accounts = vec![
            AccountMeta::readonly(self.address),
            AccountMeta::readonly(authority),
            AccountMeta::readonly(trader.wallet).signer(),
            AccountMeta::writable(traders[0]),
            AccountMeta::writable(vaults[0]),
            AccountMeta::writable(vaults[1]),
            AccountMeta::writable(traders[1]),
            AccountMeta::writable(swap.pool_mint),
            AccountMeta::writable(swap.pool_fee_account),
            // An account of a host, who would get a part of the owner's fee, might follow.
            AccountMeta::readonly(swap.token_program_id),
        ];
        Ok(Instruction { program: PROGRAM, accounts, data })
    }
}
