//! A swap as the program's instruction.
//!
//! # Source
//! IDL of `cp-amm` 0.2.0; which accounts a client passes: `@meteora-ag/cp-amm-sdk`, `swap2`, as
//! executed in the golden vectors.

use super::base_fee::BaseFee;
use super::{DammPool, PROGRAM};
use crate::decoders::address;
use crate::decoders::spl_token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use crate::instruction_builder::{AccountMeta, BuildError, Instruction, Trader};
use crate::quantities::Pubkey;
use crate::swap::SwapRequest;

/// `["pool_authority"]` under the program.
const POOL_AUTHORITY: Pubkey = address("HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC");
/// `["__event_authority"]` under the program.
const EVENT_AUTHORITY: Pubkey = address("3rmHSu74h1ZcmAisVcWerTCiRDQbUrBKmcwptYGjHfet");
/// Through it a program sees the other instructions of its transaction.
const INSTRUCTIONS_SYSVAR: Pubkey = address("Sysvar1nstructions1111111111111111111111111");

const SWAP: [u8; 8] = [0xf8, 0xc6, 0x9e, 0x91, 0xe1, 0x75, 0x87, 0xc8];
const SWAP_2: [u8; 8] = [0x41, 0x4b, 0x3f, 0x4c, 0xeb, 0x5b, 0x5b, 0x88];

/// `swap_mode` of `swap2`.
const EXACT_IN: u8 = 0;
const PARTIAL_FILL: u8 = 1;
const EXACT_OUT: u8 = 2;

impl DammPool {
    /// Returns the swap as an instruction.
    ///
    /// # Errors
    /// [`BuildError::NoInstruction`]: a kind of swap that the program does not have.
    pub(super) fn instruction(
        &self,
        request: &SwapRequest,
        trader: &Trader,
    ) -> Result<Instruction, BuildError> {
        let (discriminator, mode) = kind(request)?;
        let mut data = Vec::with_capacity(25);
        data.extend(discriminator);
        data.extend([request.amount, request.other_amount_threshold].map(u64::to_le_bytes).as_flattened());
        data.extend(mode);
        let account = &self.account;
        let token_program = |flag| if flag == 0 { TOKEN_PROGRAM } else { TOKEN_2022_PROGRAM };
        let [account_a, account_b] = trader.token_accounts;
        let (input, output) = if request.a_to_b { (account_a, account_b) } else { (account_b, account_a) };
        let mut accounts = vec![
            AccountMeta::readonly(POOL_AUTHORITY),
            AccountMeta::writable(self.address),
            AccountMeta::writable(input),
            AccountMeta::writable(output),
            AccountMeta::writable(account.token_a_vault),
            AccountMeta::writable(account.token_b_vault),
            AccountMeta::readonly(account.token_a_mint),
            AccountMeta::readonly(account.token_b_mint),
            AccountMeta::readonly(trader.wallet).signer(),
            AccountMeta::readonly(token_program(account.token_a_flag)),
            AccountMeta::readonly(token_program(account.token_b_flag)),
            // Nobody refers the trader: the program's own address stands for no account.
            AccountMeta::readonly(PROGRAM),
            AccountMeta::readonly(EVENT_AUTHORITY),
            AccountMeta::readonly(PROGRAM),
        ];
        if self.limits_rate() {
            accounts.push(AccountMeta::readonly(INSTRUCTIONS_SYSVAR));
        }
        Ok(Instruction { program: PROGRAM, accounts, data })
    }

    /// Whether the pool has a rate limiter, which looks for a second swap in the transaction. The
    /// account is passed whether or not the limiter still works: by the time of execution it may.
    fn limits_rate(&self) -> bool {
        matches!(self.account.base_fee, BaseFee::RateLimiter(limiter) if !limiter.is_off())
    }
}

/// Returns the instruction's tag and its mode, if it has one.
fn kind(request: &SwapRequest) -> Result<([u8; 8], Option<u8>), BuildError> {
    let none = |reason| Err(BuildError::NoInstruction { venue: "meteora_damm_v2", reason });
    match (request.instruction, request.exact_in, request.partial_fill) {
        (_, false, true) => none("a partial fill is of an exact input"),
        (None | Some("swap2"), true, false) => Ok((SWAP_2, Some(EXACT_IN))),
        (None | Some("swap2"), true, true) => Ok((SWAP_2, Some(PARTIAL_FILL))),
        (None | Some("swap2"), false, false) => Ok((SWAP_2, Some(EXACT_OUT))),
        (Some("swap"), true, false) => Ok((SWAP, None)),
        (Some("swap"), _, _) => none("`swap` takes an exact input only"),
        (Some(_), _, _) => none("it has no instruction of this name"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::pda::find_program_address;

    #[test]
    fn the_authorities_are_the_derived_ones() {
        let derived = |seed: &[u8]| find_program_address(&[seed], &PROGRAM).unwrap().0;
        assert_eq!(derived(b"pool_authority"), POOL_AUTHORITY);
        assert_eq!(derived(b"__event_authority"), EVENT_AUTHORITY);
    }
}
