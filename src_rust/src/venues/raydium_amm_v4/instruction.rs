//! The swap as an instruction.
//!
//! The program still takes the accounts of the market that its pools once used. It looks at them only
//! where the pool's status allows the order book; elsewhere any account may stand in, and the pool's
//! own does, so that they cost a byte each instead of 32.
//!
//! # Source
//! raydium-amm, `instruction.rs` and `processor.rs` before and after the order book was removed.

use super::layout::Market;
use super::pool::AmmV4Pool;
use super::{SWAP_BASE_IN, SWAP_BASE_IN_V2, SWAP_BASE_OUT, SWAP_BASE_OUT_V2};
use super::{SWAP_BASE_IN_WITH_TARGET_ORDERS, SWAP_BASE_OUT_WITH_TARGET_ORDERS};
use crate::decoders::address;
use crate::decoders::spl_token::TOKEN_PROGRAM;
use crate::instruction_builder::{AccountMeta, BuildError, Instruction, Reach, Trader};
use crate::pda;
use crate::quantities::Pubkey;
use crate::swap::SwapRequest;

/// Owner of every vault: derived of `amm authority`.
const AUTHORITY: Pubkey = address("5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1");

/// Which of the program's forms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// With the market's accounts.
    Market {
        /// The planned orders are named too.
        with_target_orders: bool,
    },
    /// Without them; builds before July 2026 do not know it.
    V2,
}

/// The program of the market, the market, its bids, asks, queue of fills and vaults, and their owner.
type MarketAccounts = [Pubkey; 8];

impl AmmV4Pool {
    /// See [`crate::venues::PoolState::swap_instruction`].
    pub(super) fn build_swap(
        &self,
        request: &SwapRequest,
        trader: &Trader,
        reach: Reach,
    ) -> Result<Instruction, BuildError> {
        let form = form_of(request)?;
        let info = &self.info;
        let mut accounts = Vec::with_capacity(18);
        accounts.extend([
            AccountMeta::readonly(TOKEN_PROGRAM),
            AccountMeta::writable(self.address),
            AccountMeta::readonly(AUTHORITY),
        ]);
        if let Form::Market { with_target_orders } = form {
            accounts.push(AccountMeta::writable(info.open_orders));
            if with_target_orders {
                accounts.push(AccountMeta::writable(info.target_orders));
            }
        }
        accounts.extend([info.coin_vault, info.pc_vault].map(AccountMeta::writable));
        if form != Form::V2 {
            let [program, writable @ .., vault_signer] = self.market_accounts(reach)?;
            accounts.push(AccountMeta::readonly(program));
            accounts.extend(writable.map(AccountMeta::writable));
            accounts.push(AccountMeta::readonly(vault_signer));
        }
        let [account_coin, account_pc] = trader.token_accounts;
        let directed = if request.a_to_b { [account_coin, account_pc] } else { [account_pc, account_coin] };
        accounts.extend(directed.map(AccountMeta::writable));
        accounts.push(AccountMeta::readonly(trader.wallet).signer());
        let amounts = if request.exact_in {
            [request.amount, request.other_amount_threshold]
        } else {
            [request.other_amount_threshold, request.amount]
        };
        let mut data = vec![match (form, request.exact_in) {
            (Form::Market { .. }, true) => 9,
            (Form::Market { .. }, false) => 11,
            (Form::V2, true) => 16,
            (Form::V2, false) => 17,
        }];
        data.extend(amounts.into_iter().flat_map(u64::to_le_bytes));
        Ok(Instruction { program: self.program, accounts, data })
    }

    fn market_accounts(&self, reach: Reach) -> Result<MarketAccounts, BuildError> {
        let (program, market) = (self.info.market_program, self.info.market);
        let of_market = |account: &Market| {
            let seeds: [&[u8]; 2] = [&market.0, &account.vault_signer_nonce.to_le_bytes()];
            let vault_signer = pda::create_program_address(&seeds, &program)?;
            let Market { bids, asks, event_queue, base_vault, quote_vault, .. } = *account;
            Some([program, market, bids, asks, event_queue, base_vault, quote_vault, vault_signer])
        };
        let known = self.market.as_ref().and_then(of_market);
        let own = self.address;
        match (known, self.uses_book(), reach) {
            (Some(known), true, _) | (Some(known), false, Reach::Official) => Ok(known),
            (None, true, _) => Err(BuildError::Unknown { what: "market" }),
            (None, false, Reach::Official) => Ok([program, market, own, own, own, own, own, own]),
            (_, false, Reach::Needed) => Ok([own; 8]),
        }
    }
}

fn form_of(request: &SwapRequest) -> Result<Form, BuildError> {
    let (form, exact_in) = match request.instruction {
        None => (Form::Market { with_target_orders: false }, request.exact_in),
        Some(SWAP_BASE_IN) => (Form::Market { with_target_orders: false }, true),
        Some(SWAP_BASE_OUT) => (Form::Market { with_target_orders: false }, false),
        Some(SWAP_BASE_IN_WITH_TARGET_ORDERS) => (Form::Market { with_target_orders: true }, true),
        Some(SWAP_BASE_OUT_WITH_TARGET_ORDERS) => (Form::Market { with_target_orders: true }, false),
        Some(SWAP_BASE_IN_V2) => (Form::V2, true),
        Some(SWAP_BASE_OUT_V2) => (Form::V2, false),
        Some(_) => return Err(refuse("it has no instruction of that name")),
    };
    if exact_in == request.exact_in {
        return Ok(form);
    }
    Err(refuse("`swap_base_in` takes an exact input, `swap_base_out` an exact output"))
}

fn refuse(reason: &'static str) -> BuildError {
    BuildError::NoInstruction { venue: super::VENUE.name, reason }
}
