//! Messages of version 0: which accounts a transaction names, in which order, and as which bytes.
//!
//! The one idea: one pass gives every address a number and gathers what is asked of it; then the addresses
//! are sorted into the message's order and the numbers translated. The order is that of `solana-message`
//! (signers first, then what may be written, then by address), so the bytes are the same to the last one.
//! Two differences, both towards the safe side: the tip accounts of Jito are never looked up in a table,
//! and what cannot be executed is refused here and not by the chain.

use rustc_hash::FxHashMap;

use super::system::{COMPUTE_BUDGET_PROGRAM, TIP_ACCOUNTS, advanced_nonce};
use super::tables::LookupTable;
use super::{AccountMeta, Instruction};
use crate::quantities::Pubkey;
use crate::swap::MAX_COMPUTE_UNITS;

/// Most bytes of a transaction: what one packet takes.
pub const MAX_TRANSACTION_BYTES: usize = 1_232;
/// Most accounts that a transaction may lock, as long as the chain has not raised it to 128.
pub const MAX_ACCOUNT_LOCKS: usize = 64;
/// Most instructions of a transaction, those that programs call included.
pub const MAX_INSTRUCTIONS: usize = 64;

/// Marks a message as one of version 0.
const VERSION_0: u8 = 0x80;

/// What a transaction may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, signatures included.
    pub bytes: usize,
    /// Accounts, programs included.
    pub account_locks: usize,
    /// Instructions.
    pub instructions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: MAX_TRANSACTION_BYTES,
            account_locks: MAX_ACCOUNT_LOCKS,
            instructions: MAX_INSTRUCTIONS,
        }
    }
}

/// Why instructions make no transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It does not fit into a packet.
    #[error(
        "the transaction has {bytes} bytes, at most {limit} fit; {movable} of the addresses it spells out \
         could stand in a lookup table, each saves 31 bytes"
    )]
    TooLarge {
        /// Bytes it has.
        bytes: usize,
        /// Bytes it may have.
        limit: usize,
        /// Addresses that stand in no table given, and could.
        movable: usize,
    },
    /// It names more accounts than may be locked at once.
    #[error("the transaction locks {found} accounts, at most {limit} are allowed; hint: fewer hops")]
    TooManyLocks {
        /// Accounts it names.
        found: usize,
        /// Accounts it may name.
        limit: usize,
    },
    /// It has more instructions than may be executed.
    #[error("the transaction has {found} instructions, at most {limit} are allowed")]
    TooManyInstructions {
        /// Instructions it has.
        found: usize,
        /// Instructions it may have.
        limit: usize,
    },
    /// It asks for more compute than there is.
    #[error("{found} compute units are asked for, at most {MAX_COMPUTE_UNITS} are given")]
    TooMuchCompute {
        /// Units asked for.
        found: u32,
    },
    /// The same kind of compute budget instruction stands in it twice, which the chain refuses.
    #[error("compute budget instruction {tag} stands in the transaction twice")]
    DuplicateBudget {
        /// Its first byte.
        tag: u8,
    },
    /// Somebody has to sign whose key is not given.
    #[error("account {address} has to sign and its key is not given")]
    MissingSigner {
        /// Who.
        address: Pubkey,
    },
    /// A key is given that signs nothing.
    #[error("the key of {address} is given, which has nothing to sign")]
    NeedlessSigner {
        /// Whose.
        address: Pubkey,
    },
}

impl MessageError {
    /// Returns the stable name used in counters and JSON.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "route_too_large",
            Self::TooManyLocks { .. } => "too_many_account_locks",
            Self::TooManyInstructions { .. } => "too_many_instructions",
            Self::TooMuchCompute { .. } => "too_many_compute_units",
            Self::DuplicateBudget { .. } => "duplicate_compute_budget",
            Self::MissingSigner { .. } => "missing_signer",
            Self::NeedlessSigner { .. } => "needless_signer",
        }
    }
}

/// An address of a transaction and what all its instructions together ask of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    address: Pubkey,
    is_signer: bool,
    is_writable: bool,
    is_static: bool,
}

impl Key {
    pub(super) fn address(&self) -> Pubkey {
        self.address
    }

    /// Returns whether it may stand in a table.
    pub(super) fn may_be_looked_up(&self) -> bool {
        !self.is_signer && !self.is_static
    }

    /// Returns its place among the four kinds of static accounts.
    fn kind(&self) -> u16 {
        match (self.is_signer, self.is_writable) {
            (true, true) => 1,
            (true, false) => 2,
            (false, true) => 3,
            (false, false) => 4,
        }
    }
}

/// The addresses of some instructions, each once, and which of them every instruction names.
#[derive(Debug, Default)]
struct Keys {
    all: Vec<Key>,
    numbers: FxHashMap<Pubkey, u16>,
    /// For every instruction: its program, then its accounts.
    named: Vec<u16>,
}

impl Keys {
    fn of(payer: &Pubkey, instructions: &[&Instruction]) -> Self {
        let most = 1 + instructions.iter().map(|instruction| 1 + instruction.accounts.len()).sum::<usize>();
        let mut keys = Self {
            all: Vec::with_capacity(most.min(MAX_ACCOUNT_LOCKS)),
            numbers: FxHashMap::with_capacity_and_hasher(
                most.min(MAX_ACCOUNT_LOCKS),
                rustc_hash::FxBuildHasher,
            ),
            named: Vec::with_capacity(most),
        };
        let payer = keys.number(payer);
        keys.key(payer).is_signer = true;
        keys.key(payer).is_writable = true;
        for instruction in instructions {
            let program = keys.number(&instruction.program);
            keys.key(program).is_static = true;
            keys.named.push(program);
            for account in &instruction.accounts {
                let number = keys.number(&account.address);
                let key = keys.key(number);
                key.is_signer |= account.is_signer;
                key.is_writable |= account.is_writable;
                keys.named.push(number);
            }
        }
        let nonce = instructions.first().and_then(|first| advanced_nonce(first));
        for key in &mut keys.all {
            key.is_static |= nonce == Some(key.address) || TIP_ACCOUNTS.contains(&key.address);
        }
        keys
    }

    /// Returns the number of an address. Beyond 65,535 addresses the last number stands for all of them:
    /// far more than any limit lets through.
    fn number(&mut self, address: &Pubkey) -> u16 {
        if let Some(&known) = self.numbers.get(address) {
            return known;
        }
        let number = u16::try_from(self.all.len()).unwrap_or(u16::MAX);
        if number < u16::MAX {
            self.numbers.insert(*address, number);
            self.all.push(Key { address: *address, is_signer: false, is_writable: false, is_static: false });
        }
        number.min(u16::MAX - 1)
    }

    fn key(&mut self, number: u16) -> &mut Key {
        &mut self.all[usize::from(number)]
    }
}

/// Returns the addresses of some instructions, each once, the payer first.
pub(super) fn keys_of(payer: &Pubkey, instructions: &[&Instruction]) -> Vec<Key> {
    Keys::of(payer, instructions).all
}

/// A message: its bytes, and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What is signed.
    pub bytes: Vec<u8>,
    /// Every account in the order of the message's indices, those looked up last.
    pub accounts: Vec<AccountMeta>,
    /// How many of them are spelled out.
    pub static_accounts: usize,
    /// The tables it looks addresses up in.
    pub tables: Vec<Pubkey>,
}

impl Message {
    /// Returns who has to sign, the payer first.
    pub fn signers(&self) -> impl Iterator<Item = Pubkey> + '_ {
        self.accounts.iter().take_while(|account| account.is_signer).map(|account| account.address)
    }
}

/// Returns the bytes that `count` takes in front of a list.
pub(super) fn short_length(count: usize) -> usize {
    match count {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 3,
    }
}

/// Appends the length of a list: seven bits a byte, the lowest first.
#[expect(clippy::cast_possible_truncation, reason = "what is left is below 0x80")]
pub(super) fn push_length(bytes: &mut Vec<u8>, mut count: usize) {
    while count >= 0x80 {
        bytes.push(0x80 | (count & 0x7f) as u8);
        count >>= 7;
    }
    bytes.push(count as u8);
}

/// Returns the message of some instructions. Every table given that holds an address they need is used:
/// see [`super::choose_tables`].
///
/// # Errors
/// [`MessageError`].
///
/// # Source
/// solana-message, `versions/v0` and `compiled_keys`: which accounts come in which order.
#[expect(clippy::cast_possible_truncation, reason = "at most 255 accounts, see `MAX_INDEX`")]
pub fn compile(
    payer: &Pubkey,
    instructions: &[&Instruction],
    blockhash: &[u8; 32],
    tables: &[&LookupTable],
    limits: &Limits,
) -> Result<Message, MessageError> {
    check_instructions(instructions, limits)?;
    let Keys { all: keys, named, .. } = Keys::of(payer, instructions);
    if keys.len() > limits.account_locks.min(MAX_INDEX) {
        return Err(MessageError::TooManyLocks { found: keys.len(), limit: limits.account_locks });
    }
    // What a table gives comes after all that is spelled out; what may be written first.
    let first_lookup = 5;
    let table_count = u16::try_from(tables.len()).unwrap_or(u16::MAX / 4).min(u16::MAX / 4);
    let mut order: Vec<(u16, Pubkey, u8, u16)> = Vec::with_capacity(keys.len());
    for (number, key) in (0_u16..).zip(&keys) {
        let found = (0..table_count)
            .zip(tables)
            .filter(|_| key.may_be_looked_up())
            .find_map(|(at, table)| table.place(&key.address).map(|place| (at, place)));
        let (class, place) = match found {
            Some((at, place)) if key.is_writable => (first_lookup + at, place),
            Some((at, place)) => (first_lookup + table_count + at, place),
            None if number == 0 => (0, 0),
            None => (key.kind(), 0),
        };
        order.push((class, key.address, place, number));
    }
    order.sort_unstable();
    let mut index_of = vec![0_u8; keys.len()];
    for (index, (.., number)) in (0..=u8::MAX).zip(&order) {
        index_of[usize::from(*number)] = index;
    }

    let static_accounts = order.partition_point(|(class, ..)| *class < first_lookup);
    let count_of = |class: u16| order.iter().filter(|entry| entry.0 == class).count() as u8;
    let (written_by_signers, read_by_signers, read) = (1 + count_of(1), count_of(2), count_of(4));
    let mut bytes = Vec::with_capacity(MAX_TRANSACTION_BYTES);
    bytes.extend_from_slice(&[VERSION_0, written_by_signers + read_by_signers, read_by_signers, read]);
    push_length(&mut bytes, static_accounts);
    for (_, address, ..) in &order[..static_accounts] {
        bytes.extend_from_slice(&address.0);
    }
    bytes.extend_from_slice(blockhash);
    push_length(&mut bytes, instructions.len());
    let mut names = named.iter().map(|&number| index_of[usize::from(number)]);
    for instruction in instructions {
        bytes.extend(names.next());
        push_length(&mut bytes, instruction.accounts.len());
        bytes.extend(names.by_ref().take(instruction.accounts.len()));
        push_length(&mut bytes, instruction.data.len());
        bytes.extend_from_slice(&instruction.data);
    }
    let looked_up = &order[static_accounts..];
    let entries_of = |class: u16| {
        let from = looked_up.partition_point(|entry| entry.0 < class);
        let to = looked_up.partition_point(|entry| entry.0 <= class);
        &looked_up[from..to]
    };
    let used: Vec<(&&LookupTable, _, _)> = (0..table_count)
        .zip(tables)
        .map(|(at, table)| {
            (table, entries_of(first_lookup + at), entries_of(first_lookup + table_count + at))
        })
        .filter(|(_, written, read)| !written.is_empty() || !read.is_empty())
        .collect();
    push_length(&mut bytes, used.len());
    for (table, written, read) in &used {
        bytes.extend_from_slice(&table.address().0);
        for entries in [written, read] {
            push_length(&mut bytes, entries.len());
            bytes.extend(entries.iter().map(|(_, _, place, _)| *place));
        }
    }

    let signatures = usize::from(written_by_signers + read_by_signers);
    let total = bytes.len() + short_length(signatures) + 64 * signatures;
    if total > limits.bytes {
        let movable = order[..static_accounts]
            .iter()
            .filter(|entry| keys[usize::from(entry.3)].may_be_looked_up())
            .count();
        return Err(MessageError::TooLarge { bytes: total, limit: limits.bytes, movable });
    }
    let accounts = order
        .iter()
        .map(|(_, address, _, number)| {
            let Key { is_signer, is_writable, .. } = keys[usize::from(*number)];
            AccountMeta { address: *address, is_signer, is_writable }
        })
        .collect();
    let tables = used.iter().map(|(table, ..)| table.address()).collect();
    Ok(Message { bytes, accounts, static_accounts, tables })
}

/// Most accounts of a message whatever the limit: their number has to fit into one byte.
const MAX_INDEX: usize = 255;

fn check_instructions(instructions: &[&Instruction], limits: &Limits) -> Result<(), MessageError> {
    let found = instructions.len();
    if found > limits.instructions {
        return Err(MessageError::TooManyInstructions { found, limit: limits.instructions });
    }
    let mut seen = [false; 256];
    for instruction in instructions.iter().filter(|one| one.program == COMPUTE_BUDGET_PROGRAM) {
        let Some((&tag, argument)) = instruction.data.split_first() else { continue };
        if std::mem::replace(&mut seen[usize::from(tag)], true) {
            return Err(MessageError::DuplicateBudget { tag });
        }
        let units = <[u8; 4]>::try_from(argument).map(u32::from_le_bytes);
        match units {
            Ok(found) if tag == 2 && found > MAX_COMPUTE_UNITS => {
                return Err(MessageError::TooMuchCompute { found });
            }
            _ => {}
        }
    }
    Ok(())
}
