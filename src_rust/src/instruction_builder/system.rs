//! Instructions of the system program and of the compute budget.

use super::{AccountMeta, Instruction};
use crate::decoders;
use crate::quantities::Pubkey;

/// The system program.
pub const SYSTEM_PROGRAM: Pubkey = Pubkey([0; 32]);
/// The compute budget program.
pub const COMPUTE_BUDGET_PROGRAM: Pubkey = decoders::address("ComputeBudget111111111111111111111111111111");
/// Bytes of a nonce account.
pub const NONCE_ACCOUNT_BYTES: u64 = 80;
/// Where the block engine of Jito takes tips. None of them may stand in a lookup table.
///
/// # Source
/// Jito's documentation of low-latency sends; `getTipAccounts` gives the list in force.
pub const TIP_ACCOUNTS: [Pubkey; 8] = [
    decoders::address("96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5"),
    decoders::address("HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe"),
    decoders::address("Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY"),
    decoders::address("ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49"),
    decoders::address("DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh"),
    decoders::address("ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt"),
    decoders::address("DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL"),
    decoders::address("3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT"),
];

const RECENT_BLOCKHASHES: Pubkey = decoders::address("SysvarRecentB1ockHashes11111111111111111111");
const RENT: Pubkey = decoders::address("SysvarRent111111111111111111111111111111111");

const CREATE_ACCOUNT: u32 = 0;
const TRANSFER: u32 = 2;
const ADVANCE_NONCE: u32 = 4;
const WITHDRAW_NONCE: u32 = 5;
const INITIALIZE_NONCE: u32 = 6;

fn tagged(tag: u32, rest: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(4 + rest.len());
    data.extend_from_slice(&tag.to_le_bytes());
    data.extend_from_slice(rest);
    data
}

fn budget(tag: u8, number: &[u8]) -> Instruction {
    let mut data = Vec::with_capacity(1 + number.len());
    data.push(tag);
    data.extend_from_slice(number);
    Instruction { program: COMPUTE_BUDGET_PROGRAM, accounts: Vec::new(), data }
}

/// Returns the instruction that asks for so many compute units, at most 1,400,000.
#[must_use]
pub fn compute_unit_limit(units: u32) -> Instruction {
    budget(2, &units.to_le_bytes())
}

/// Returns the instruction that offers a price for each compute unit asked for.
#[must_use]
pub fn compute_unit_price(micro_lamports: u64) -> Instruction {
    budget(3, &micro_lamports.to_le_bytes())
}

/// Returns the instruction that lowers how many bytes of account data the transaction may load.
#[must_use]
pub fn loaded_accounts_data_size(bytes: u32) -> Instruction {
    budget(4, &bytes.to_le_bytes())
}

/// Returns the instruction that moves lamports between accounts of the system program, or from one to any.
#[must_use]
pub fn transfer(from: &Pubkey, to: &Pubkey, lamports: u64) -> Instruction {
    let accounts = vec![AccountMeta::writable(*from).signer(), AccountMeta::writable(*to)];
    Instruction { program: SYSTEM_PROGRAM, accounts, data: tagged(TRANSFER, &lamports.to_le_bytes()) }
}

/// Returns the tip of a bundle: a transfer, with the key that forbids running in front of it if one is
/// given (any address that begins with `jitodontfront`; it is only named, nothing reads it).
#[must_use]
pub fn tip(from: &Pubkey, tip_account: &Pubkey, lamports: u64, dont_front: Option<&Pubkey>) -> Instruction {
    let mut instruction = transfer(from, tip_account, lamports);
    instruction.accounts.extend(dont_front.map(|key| AccountMeta::readonly(*key)));
    instruction
}

/// Returns the instruction that creates an account; both sign.
#[must_use]
pub fn create_account(from: &Pubkey, new: &Pubkey, lamports: u64, space: u64, owner: &Pubkey) -> Instruction {
    let accounts = vec![AccountMeta::writable(*from).signer(), AccountMeta::writable(*new).signer()];
    let mut data = tagged(CREATE_ACCOUNT, &lamports.to_le_bytes());
    data.extend_from_slice(&space.to_le_bytes());
    data.extend_from_slice(&owner.0);
    Instruction { program: SYSTEM_PROGRAM, accounts, data }
}

/// Returns the two instructions that create a nonce account and make `authority` its master. `lamports`
/// must be at least the rent of 80 bytes.
#[must_use]
pub fn create_nonce_account(
    from: &Pubkey,
    nonce: &Pubkey,
    authority: &Pubkey,
    lamports: u64,
) -> [Instruction; 2] {
    let accounts = vec![
        AccountMeta::writable(*nonce),
        AccountMeta::readonly(RECENT_BLOCKHASHES),
        AccountMeta::readonly(RENT),
    ];
    let data = tagged(INITIALIZE_NONCE, &authority.0);
    [
        create_account(from, nonce, lamports, NONCE_ACCOUNT_BYTES, &SYSTEM_PROGRAM),
        Instruction { program: SYSTEM_PROGRAM, accounts, data },
    ]
}

/// Returns the instruction that advances a nonce. It must be the first of a transaction whose blockhash is
/// the nonce's value.
#[must_use]
pub fn advance_nonce(nonce: &Pubkey, authority: &Pubkey) -> Instruction {
    let accounts = vec![
        AccountMeta::writable(*nonce),
        AccountMeta::readonly(RECENT_BLOCKHASHES),
        AccountMeta::readonly(*authority).signer(),
    ];
    Instruction { program: SYSTEM_PROGRAM, accounts, data: tagged(ADVANCE_NONCE, &[]) }
}

/// Returns the instruction that takes lamports from a nonce account; all of them close it.
#[must_use]
pub fn withdraw_nonce(nonce: &Pubkey, authority: &Pubkey, to: &Pubkey, lamports: u64) -> Instruction {
    let accounts = vec![
        AccountMeta::writable(*nonce),
        AccountMeta::writable(*to),
        AccountMeta::readonly(RECENT_BLOCKHASHES),
        AccountMeta::readonly(RENT),
        AccountMeta::readonly(*authority).signer(),
    ];
    Instruction { program: SYSTEM_PROGRAM, accounts, data: tagged(WITHDRAW_NONCE, &lamports.to_le_bytes()) }
}

/// Returns the nonce account that a first instruction advances.
#[must_use]
pub(super) fn advanced_nonce(first: &Instruction) -> Option<Pubkey> {
    let advances = first.program == SYSTEM_PROGRAM && first.data.starts_with(&ADVANCE_NONCE.to_le_bytes());
    if advances { first.accounts.first().map(|account| account.address) } else { None }
}
