//! Swaps of a pool as instructions of its program, for users who build transactions of their own.

use super::{Market, QuoteError, StandalonePool};
use crate::decoders::spl_token::{TOKEN_PROGRAM, is_program};
use crate::instruction_builder::token::associated_token_account;
use crate::instruction_builder::{BuildError, Instruction, Reach, Trader};
use crate::quantities::Pubkey;
use crate::swap::{Refusal, SwapRequest};

/// Why there is no instruction.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InstructionError {
    /// The pool cannot be quoted, or refuses the swap.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The pool cannot build it.
    #[error("pool {pool}: {error}")]
    Build {
        /// The pool.
        pool: Pubkey,
        /// Why.
        error: BuildError,
    },
    /// The token program of a mint is not known, so neither is the trader's account of it.
    #[error("pool {pool}: mint account {mint} has not been received; hint: give both token accounts")]
    UnknownMint {
        /// The pool.
        pool: Pubkey,
        /// The mint.
        mint: Pubkey,
    },
}

/// Who swaps, and with which accounts the instruction comes.
#[derive(Debug, Clone, Copy)]
pub struct InstructionOptions {
    /// Owner of the token accounts, signer.
    pub wallet: Pubkey,
    /// Its accounts of the pool's first and second mint; `None`: the associated ones.
    pub token_accounts: Option<[Pubkey; 2]>,
    /// Which tick or bin arrays come along.
    pub reach: Reach,
}

impl StandalonePool {
    /// Returns the swap as an instruction, see [`crate::venues::PoolState::swap_instruction`].
    ///
    /// # Errors
    /// [`InstructionError`].
    pub fn swap_instruction(
        &self,
        request: &SwapRequest,
        options: &InstructionOptions,
    ) -> Result<Instruction, InstructionError> {
        let pool = self.address();
        let view = self.view()?;
        if options.reach == Reach::Needed {
            self.quote(request)?;
        }
        let trader = options.trader(pool, self.mints(), self.token_programs)?;
        let built = view.state.swap_instruction(view.environment, request, &trader, options.reach);
        built.map_err(|error| InstructionError::Build { pool, error })
    }
}

impl Market {
    /// Returns the swap that pays `mint_in` as an instruction, on the market as fills have left it; the
    /// direction of `request` is passed over.
    ///
    /// # Errors
    /// [`InstructionError`].
    pub fn swap_instruction(
        &self,
        pool: &Pubkey,
        mint_in: &Pubkey,
        request: &SwapRequest,
        options: &InstructionOptions,
    ) -> Result<Instruction, InstructionError> {
        let pool = *pool;
        let index = self.pool_index(&pool).ok_or(QuoteError::UnknownPool(pool))?;
        let view = self.view(index)?;
        let mints = view.state.mints();
        let side = mints.iter().position(|mint| mint == mint_in);
        let side = side.ok_or(QuoteError::UnknownMint { pool, mint: *mint_in })?;
        let request = SwapRequest { a_to_b: side == 0, ..*request };
        if options.reach == Reach::Needed {
            let refused = |error: Refusal| QuoteError::Refused { pool, error: error.asked(&request) };
            view.quote(&request).map_err(refused)?;
        }
        let trader = options.trader(pool, mints, mints.map(|mint| self.token_program(&mint)))?;
        let built = view.state.swap_instruction(view.environment, &request, &trader, options.reach);
        built.map_err(|error| InstructionError::Build { pool, error })
    }

    /// Returns the token program of a mint whose account was seen, or that counts as plain.
    #[must_use]
    pub fn token_program(&self, mint: &Pubkey) -> Option<Pubkey> {
        match self.waiting.get(mint) {
            Some(kept) => is_program(&kept.owner).then_some(kept.owner),
            None => self.config.assume_plain_mints.then_some(TOKEN_PROGRAM),
        }
    }
}

impl InstructionOptions {
    fn trader(
        &self,
        pool: Pubkey,
        mints: [Pubkey; 2],
        programs: [Option<Pubkey>; 2],
    ) -> Result<Trader, InstructionError> {
        let wallet = self.wallet;
        if let Some(token_accounts) = self.token_accounts {
            return Ok(Trader { wallet, token_accounts });
        }
        let account = |side: usize| {
            let mint = mints[side];
            let program = programs[side].ok_or(InstructionError::UnknownMint { pool, mint })?;
            associated_token_account(&wallet, &mint, &program)
                .map_err(|error| InstructionError::Build { pool, error: error.into() })
        };
        Ok(Trader { wallet, token_accounts: [account(0)?, account(1)?] })
    }
}
