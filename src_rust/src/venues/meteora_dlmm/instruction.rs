//! A swap as the program's instruction.
//!
//! # Source
//! IDL of `lb_clmm` 0.12; which accounts a client passes: `@meteora-ag/dlmm` 1.9, `swap` and
//! `getBinArrayForSwap` (four arrays), as executed in the golden vectors.

use super::PROGRAM;
use super::bin_array::BINS_PER_ARRAY;
use super::bitmap::{Extension, next_array};
use super::pool::{DlmmPool, REACH};
use crate::decoders::address;
use crate::decoders::spl_token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use crate::instruction_builder::{AccountMeta, BuildError, Instruction, MEMO_PROGRAM, Reach, Trader};
use crate::pda::find_program_address;
use crate::quantities::Pubkey;
use crate::swap::{Environment, SwapRequest};

/// `["__event_authority"]` under the program.
const EVENT_AUTHORITY: Pubkey = address("D1ZN9Wj1fRSUQfCjhvnu1hqDMT7hzjzBBpi12nVniYD6");

const SWAP: [u8; 8] = [0xf8, 0xc6, 0x9e, 0x91, 0xe1, 0x75, 0x87, 0xc8];
const SWAP_2: [u8; 8] = [0x41, 0x4b, 0x3f, 0x4c, 0xeb, 0x5b, 0x5b, 0x88];
const SWAP_EXACT_OUT: [u8; 8] = [0xfa, 0x49, 0x65, 0x21, 0x26, 0xcf, 0x4b, 0xb8];
const SWAP_EXACT_OUT_2: [u8; 8] = [0x2b, 0xd7, 0xf7, 0x84, 0x89, 0x3c, 0xf3, 0x51];

/// `RemainingAccountsInfo`: no accounts for the transfer hooks of X (0) and Y (1); all that follow the
/// named ones are bin arrays.
const NO_TRANSFER_HOOKS: [u8; 8] = [2, 0, 0, 0, 0, 0, 1, 0];

/// An account that the program takes its own address for where there is none.
fn optional(address: Option<Pubkey>) -> AccountMeta {
    address.map_or(AccountMeta::readonly(PROGRAM), AccountMeta::writable)
}

impl DlmmPool {
    /// Returns the swap as an instruction.
    ///
    /// # Errors
    /// [`BuildError`]: a kind of swap that the program does not have, or, for [`Reach::Needed`], one
    /// that would be refused.
    pub(super) fn instruction(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        reach: Reach,
    ) -> Result<Instruction, BuildError> {
        let (discriminator, is_second) = discriminator(request)?;
        let (amount, threshold) = (request.amount, request.other_amount_threshold);
        let amounts = if request.exact_in { [amount, threshold] } else { [threshold, amount] };
        let mut data = Vec::with_capacity(32);
        data.extend(discriminator);
        data.extend(amounts.map(u64::to_le_bytes).as_flattened());
        if is_second {
            data.extend(NO_TRANSFER_HOOKS);
        }
        let pair = &self.pair;
        let extension = matches!(self.extension, Extension::Present(_)).then_some(self.extension_address);
        let [account_x, account_y] = trader.token_accounts;
        let (input, output) = if request.a_to_b { (account_x, account_y) } else { (account_y, account_x) };
        let mut accounts = vec![
            AccountMeta::writable(self.address),
            optional(extension),
            AccountMeta::writable(pair.reserve_x),
            AccountMeta::writable(pair.reserve_y),
            AccountMeta::writable(input),
            AccountMeta::writable(output),
            AccountMeta::readonly(pair.token_x_mint),
            AccountMeta::readonly(pair.token_y_mint),
            AccountMeta::writable(pair.oracle),
            // Nobody hosts the swap: a host would get a part of the program's fee.
            optional(None),
            AccountMeta::readonly(trader.wallet).signer(),
        ];
        accounts.extend(self.token_programs().map(AccountMeta::readonly));
        if is_second {
            accounts.push(AccountMeta::readonly(MEMO_PROGRAM));
        }
        accounts.push(AccountMeta::readonly(EVENT_AUTHORITY));
        accounts.push(AccountMeta::readonly(PROGRAM));
        for index in self.arrays_for(environment, request, reach)? {
            accounts.push(AccountMeta::writable(self.array_address(index)?));
        }
        Ok(Instruction { program: PROGRAM, accounts, data })
    }

    /// The mints' owners, by their accounts or, unseen, by the pair's flags.
    fn token_programs(&self) -> [Pubkey; 2] {
        let flags = [self.pair.token_mint_x_program_flag, self.pair.token_mint_y_program_flag];
        let mints = self.sides.mints();
        [0, 1].map(|side| match mints[side] {
            Some(mint) => mint.program,
            None if flags[side] == 0 => TOKEN_PROGRAM,
            None => TOKEN_2022_PROGRAM,
        })
    }

    /// Indices of the arrays to bring along, in the order in which the swap comes to them.
    fn arrays_for(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        reach: Reach,
    ) -> Result<Vec<i32>, BuildError> {
        let a_to_b = request.a_to_b;
        if reach == Reach::Official {
            return Ok(self.official_arrays(a_to_b));
        }
        let swap = self.swap(environment, request, None);
        let swap = swap.map_err(|refusal| BuildError::Refused(refusal.name))?;
        let last = swap.progress.active_id.div_euclid(BINS_PER_ARRAY);
        let mut indices = Vec::with_capacity(REACH);
        for index in self.marked_arrays(a_to_b) {
            indices.push(index);
            if if a_to_b { index < last } else { index > last } {
                break;
            }
        }
        Ok(indices)
    }

    /// Arrays that the bitmaps mark as holding liquidity, from the active one on.
    fn marked_arrays(&self, a_to_b: bool) -> impl Iterator<Item = i32> {
        let mut start = self.pair.active_id.div_euclid(BINS_PER_ARRAY);
        std::iter::from_fn(move || {
            let index = next_array(&self.pair.bin_array_bitmap, &self.extension, start, a_to_b).ok()?;
            start = if a_to_b { index - 1 } else { index + 1 };
            Some(index)
        })
    }

    /// Marked arrays, and in the room they leave existing ones that have been emptied: they may hold
    /// liquidity again by the time of execution.
    fn official_arrays(&self, a_to_b: bool) -> Vec<i32> {
        let mut indices: Vec<i32> = self.marked_arrays(a_to_b).take(REACH).collect();
        let active = self.pair.active_id.div_euclid(BINS_PER_ARRAY);
        let ahead = |&index: &i32| if a_to_b { index <= active } else { index >= active };
        let mut emptied: Vec<i32> = self.arrays.present().map(|(index, _)| index).filter(ahead).collect();
        emptied.retain(|index| !indices.contains(index));
        emptied.sort_unstable_by_key(|&index| (index - active).abs());
        let room = REACH.saturating_sub(indices.len());
        indices.extend(emptied.into_iter().take(room));
        indices.sort_unstable_by_key(|&index| (index - active).abs());
        indices
    }

    fn array_address(&self, index: i32) -> Result<Pubkey, BuildError> {
        if let Some(address) = self.arrays.address(index) {
            return Ok(address);
        }
        let seeds: [&[u8]; 3] = [b"bin_array", &self.address.0, &i64::from(index).to_le_bytes()];
        Ok(find_program_address(&seeds, &PROGRAM)?.0)
    }
}

/// Returns the instruction's tag, and whether it is of the second, newer kind.
fn discriminator(request: &SwapRequest) -> Result<([u8; 8], bool), BuildError> {
    let none = |reason| Err(BuildError::NoInstruction { venue: "meteora_dlmm", reason });
    if request.partial_fill {
        return none("it takes the whole amount or fails");
    }
    match (request.instruction, request.exact_in) {
        (None | Some("swap2"), true) => Ok((SWAP_2, true)),
        (None | Some("swap_exact_out2"), false) => Ok((SWAP_EXACT_OUT_2, true)),
        (Some("swap"), true) => Ok((SWAP, false)),
        (Some("swap_exact_out"), false) => Ok((SWAP_EXACT_OUT, false)),
        (Some("swap" | "swap2"), false) => none("`swap` and `swap2` take an exact input"),
        (Some("swap_exact_out" | "swap_exact_out2"), true) => {
            none("`swap_exact_out` and `swap_exact_out2` take an exact output")
        }
        (Some(_), _) => none("it has no instruction of this name"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_event_authority_is_the_derived_one() {
        assert_eq!(find_program_address(&[b"__event_authority"], &PROGRAM).unwrap().0, EVENT_AUTHORITY);
    }
}
