//! Signed transactions, as they are sent.

use super::message::{Limits, Message, MessageError, compile, push_length, short_length};
use super::signer::Signer;
use super::tables::LookupTable;
use super::{AccountMeta, Instruction};
use crate::quantities::Pubkey;

const SIGNATURE_BYTES: usize = 64;

/// A signed transaction and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    wire: Vec<u8>,
    signatures: usize,
    accounts: Vec<AccountMeta>,
    static_accounts: usize,
    tables: Vec<Pubkey>,
}

/// Returns the signed transaction of some instructions, paid for by the first signer.
///
/// # Errors
/// [`MessageError`].
pub fn sign(
    instructions: &[&Instruction],
    payer: &Signer,
    others: &[&Signer],
    blockhash: &[u8; 32],
    tables: &[&LookupTable],
    limits: &Limits,
) -> Result<Transaction, MessageError> {
    let message = compile(&payer.address(), instructions, blockhash, tables, limits)?;
    let signers = message
        .signers()
        .map(|address| {
            std::iter::once(payer)
                .chain(others.iter().copied())
                .find(|signer| signer.address() == address)
                .ok_or(MessageError::MissingSigner { address })
        })
        .collect::<Result<Vec<_>, _>>()?;
    for other in others {
        let address = other.address();
        if !signers.iter().any(|signer| signer.address() == address) {
            return Err(MessageError::NeedlessSigner { address });
        }
    }
    let Message { bytes, accounts, static_accounts, tables } = message;
    let signatures = signers.len();
    let mut wire = Vec::with_capacity(short_length(signatures) + SIGNATURE_BYTES * signatures + bytes.len());
    push_length(&mut wire, signatures);
    for signer in signers {
        wire.extend_from_slice(&signer.sign(&bytes));
    }
    wire.extend_from_slice(&bytes);
    Ok(Transaction { wire, signatures, accounts, static_accounts, tables })
}

impl Transaction {
    /// Returns the bytes that are sent.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// Returns the bytes that are signed.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.wire[short_length(self.signatures) + SIGNATURE_BYTES * self.signatures..]
    }

    /// Returns the first signature: the transaction's name on the chain.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        let from = short_length(self.signatures);
        &self.wire[from..from + SIGNATURE_BYTES]
    }

    /// Returns every account it locks, those looked up in tables last, in the order of its indices.
    #[must_use]
    pub fn accounts(&self) -> &[AccountMeta] {
        &self.accounts
    }

    /// Returns how many accounts it spells out.
    #[must_use]
    pub fn static_accounts(&self) -> usize {
        self.static_accounts
    }

    /// Returns the lookup tables it uses.
    #[must_use]
    pub fn tables(&self) -> &[Pubkey] {
        &self.tables
    }
}
