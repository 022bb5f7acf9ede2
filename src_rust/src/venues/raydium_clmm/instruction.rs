//! The swap as an instruction.
//!
//! # Source
//! raydium-clmm's IDL; `swap` and `swap_v2` as the vectors executed them.

use super::arrays::{Content, MAX_ARRAYS_PER_SWAP};
use super::bitmap::{Bitmaps, Extension, array_start};
use super::pool::ClmmPool;
use super::{SWAP, SWAP_V2, VENUE};
use crate::decoders::spl_token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use crate::instruction_builder::{AccountMeta, BuildError, Instruction, MEMO_PROGRAM, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Environment, SwapRequest};

const SWAP_DISCRIMINATOR: [u8; 8] = [0xf8, 0xc6, 0x9e, 0x91, 0xe1, 0x75, 0x87, 0xc8];
const SWAP_V2_DISCRIMINATOR: [u8; 8] = [0x2b, 0x04, 0xed, 0x0b, 0x1a, 0xc9, 0x1e, 0x62];

impl ClmmPool {
    /// See [`crate::venues::PoolState::swap_instruction`].
    pub(super) fn build_swap(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        trader: &Trader,
        reach: Reach,
    ) -> Result<Instruction, BuildError> {
        let is_v2 = match request.instruction {
            None => true,
            Some(named) if named == SWAP_V2 => true,
            Some(named) if named == SWAP => false,
            Some(_) => return Err(refuse("it is neither `swap` nor `swap_v2`")),
        };
        if !is_v2 && self.tokens.token_programs()? != [TOKEN_PROGRAM; 2] {
            return Err(refuse("`swap` moves tokens of SPL Token only"));
        }
        let pool = &self.pool;
        let directed = |of: [Pubkey; 2]| if request.a_to_b { of } else { [of[1], of[0]] };
        let mut accounts = Vec::with_capacity(19);
        accounts.extend([
            AccountMeta::readonly(trader.wallet).signer(),
            AccountMeta::readonly(pool.amm_config),
            AccountMeta::writable(self.address),
        ]);
        accounts.extend(directed(trader.token_accounts).map(AccountMeta::writable));
        accounts.extend(directed(self.vaults.addresses()).map(AccountMeta::writable));
        accounts.extend([AccountMeta::writable(pool.observation_key), AccountMeta::readonly(TOKEN_PROGRAM)]);
        let (extension, mut arrays) = self.accounts_passed(environment, request, reach)?;
        if is_v2 {
            accounts.extend([TOKEN_2022_PROGRAM, MEMO_PROGRAM].map(AccountMeta::readonly));
            accounts.extend(directed(self.tokens.addresses()).map(AccountMeta::readonly));
        } else if arrays.is_empty() {
            return Err(BuildError::Refused("no tick array is passed"));
        } else {
            accounts.push(AccountMeta::writable(arrays.remove(0)));
        }
        accounts.extend(extension.into_iter().chain(arrays).map(AccountMeta::writable));
        let mut data = Vec::with_capacity(41);
        data.extend(if is_v2 { SWAP_V2_DISCRIMINATOR } else { SWAP_DISCRIMINATOR });
        data.extend(request.amount.to_le_bytes());
        data.extend(request.other_amount_threshold.to_le_bytes());
        data.extend(request.sqrt_price_limit_x64.to_le_bytes());
        data.push(u8::from(request.exact_in));
        Ok(Instruction { program: self.program, accounts, data })
    }

    /// Returns the bitmap extension, if it is to be passed, and the tick arrays along the direction.
    fn accounts_passed(
        &self,
        environment: &Environment,
        request: &SwapRequest,
        reach: Reach,
    ) -> Result<(Option<Pubkey>, Vec<Pubkey>), BuildError> {
        let chain = self.arrays.chain(request.a_to_b);
        let count = match reach {
            Reach::Official => MAX_ARRAYS_PER_SWAP,
            Reach::Needed => self.arrays_needed(environment, request)?.min(MAX_ARRAYS_PER_SWAP),
        };
        let chain = &chain[..chain.len().min(count)];
        // An account that does not exist is no tick array to the program.
        let passed = chain.iter().filter_map(|&start| self.arrays.at_start(start));
        let passed = passed.filter(|array| array.content != Content::Absent).map(|array| array.address);
        let needs_extension = || {
            let pool = &self.pool;
            let (tick_spacing, own) = (pool.tick_spacing, &pool.tick_array_bitmap);
            let bitmaps = Bitmaps { tick_spacing, own, extension: &self.extension };
            let first = array_start(pool.tick_current, tick_spacing);
            // Where there is no further array to pass, the walk may have to look for one.
            chain.len() < count || chain.iter().chain([&first]).any(|&start| bitmaps.is_beyond_own(start))
        };
        let is_passed =
            self.extension != Extension::Absent && (reach == Reach::Official || needs_extension());
        let extension = match self.extension_address {
            _ if !is_passed => None,
            Some(address) => Some(address),
            None => return Err(BuildError::Unknown { what: "bitmap extension" }),
        };
        Ok((extension, passed.collect()))
    }

    /// Returns how many arrays the swap reaches as quoted now, and one more.
    fn arrays_needed(&self, environment: &Environment, request: &SwapRequest) -> Result<usize, BuildError> {
        let last =
            self.last_array(environment, request).map_err(|refusal| BuildError::Refused(refusal.name))?;
        let chain = self.arrays.chain(request.a_to_b);
        let place = last.and_then(|last| chain.iter().position(|&start| start == last));
        Ok(place.map_or(MAX_ARRAYS_PER_SWAP, |place| place + 2))
    }
}

fn refuse(reason: &'static str) -> BuildError {
    BuildError::NoInstruction { venue: VENUE.name, reason }
}
