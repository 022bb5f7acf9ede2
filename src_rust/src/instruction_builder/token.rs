//! Instructions around token accounts: create, wrap and unwrap SOL, close.

use super::system::{SYSTEM_PROGRAM, transfer};
use super::{AccountMeta, Instruction};
use crate::decoders;
use crate::pda::{PdaError, find_program_address};
use crate::quantities::Pubkey;

/// The program that makes associated token accounts.
pub const ASSOCIATED_TOKEN_PROGRAM: Pubkey =
    decoders::address("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

const CREATE_IDEMPOTENT: u8 = 1;
const CLOSE_ACCOUNT: u8 = 9;
const SYNC_NATIVE: u8 = 17;

/// Returns the address of the token account of `mint` that belongs to `owner` by derivation.
///
/// # Errors
/// [`PdaError::NoBump`], never seen in practice.
pub fn associated_token_account(
    owner: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
) -> Result<Pubkey, PdaError> {
    let seeds: [&[u8]; 3] = [&owner.0, &token_program.0, &mint.0];
    find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM).map(|found| found.0)
}

/// Returns the instruction that creates the associated token account unless it exists.
///
/// # Errors
/// [`PdaError::NoBump`], never seen in practice.
pub fn create_token_account(
    payer: &Pubkey,
    owner: &Pubkey,
    mint: &Pubkey,
    token_program: &Pubkey,
) -> Result<Instruction, PdaError> {
    let account = associated_token_account(owner, mint, token_program)?;
    let accounts = vec![
        AccountMeta::writable(*payer).signer(),
        AccountMeta::writable(account),
        AccountMeta::readonly(*owner),
        AccountMeta::readonly(*mint),
        AccountMeta::readonly(SYSTEM_PROGRAM),
        AccountMeta::readonly(*token_program),
    ];
    Ok(Instruction { program: ASSOCIATED_TOKEN_PROGRAM, accounts, data: vec![CREATE_IDEMPOTENT] })
}

/// Returns the instruction that makes a token account of wrapped SOL count the lamports it has received.
#[must_use]
pub fn sync_native(account: &Pubkey, token_program: &Pubkey) -> Instruction {
    let accounts = vec![AccountMeta::writable(*account)];
    Instruction { program: *token_program, accounts, data: vec![SYNC_NATIVE] }
}

/// Returns the two instructions that turn lamports of `owner` into wrapped SOL in `account`, which exists.
#[must_use]
pub fn wrap(owner: &Pubkey, account: &Pubkey, lamports: u64, token_program: &Pubkey) -> [Instruction; 2] {
    [transfer(owner, account, lamports), sync_native(account, token_program)]
}

/// Returns the instruction that closes a token account: its lamports, rent and wrapped SOL, go to
/// `destination`. One of any other mint must be empty.
#[must_use]
pub fn close_account(
    account: &Pubkey,
    destination: &Pubkey,
    owner: &Pubkey,
    token_program: &Pubkey,
) -> Instruction {
    let accounts = vec![
        AccountMeta::writable(*account),
        AccountMeta::writable(*destination),
        AccountMeta::readonly(*owner).signer(),
    ];
    Instruction { program: *token_program, accounts, data: vec![CLOSE_ACCOUNT] }
}
