//! Messages against those of `solana-message`: the same bytes for the same instructions.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod property_config;

use phantom_core::instruction_builder::{
    AccountMeta, Instruction, Limits, LookupTable, Signer, compile, sign,
};
use phantom_core::quantities::Pubkey;
use proptest::prelude::*;
use proptest::sample::Index;
use solana_hash::Hash;
use solana_message::{AddressLookupTableAccount, v0};

/// Program, accounts (address, signs, is written), data.
type Call = (Index, Vec<(Index, bool, bool)>, Vec<u8>);

/// What a case is drawn from: addresses by number, so that they repeat.
#[derive(Debug, Clone)]
struct Case {
    addresses: Vec<Pubkey>,
    calls: Vec<Call>,
    tables: Vec<(Pubkey, Vec<Index>)>,
    blockhash: [u8; 32],
}

fn cases() -> impl Strategy<Value = Case> {
    let account = (any::<Index>(), prop::bool::weighted(0.1), any::<bool>());
    let call =
        (any::<Index>(), prop::collection::vec(account, 0..20), prop::collection::vec(any::<u8>(), 0..200));
    (
        prop::collection::vec(any::<[u8; 32]>().prop_map(Pubkey), 1..60),
        prop::collection::vec(call, 0..6),
        prop::collection::vec(
            (any::<[u8; 32]>().prop_map(Pubkey), prop::collection::vec(any::<Index>(), 0..40)),
            0..4,
        ),
        any::<[u8; 32]>(),
    )
        .prop_map(|(addresses, calls, tables, blockhash)| Case { addresses, calls, tables, blockhash })
}

fn theirs(
    payer: Pubkey,
    instructions: &[Instruction],
    tables: &[LookupTable],
    blockhash: [u8; 32],
) -> v0::Message {
    let instructions: Vec<_> = instructions
        .iter()
        .map(|one| solana_instruction::Instruction {
            program_id: one.program.0.into(),
            accounts: one
                .accounts
                .iter()
                .map(|account| solana_instruction::AccountMeta {
                    pubkey: account.address.0.into(),
                    is_signer: account.is_signer,
                    is_writable: account.is_writable,
                })
                .collect(),
            data: one.data.clone(),
        })
        .collect();
    let tables: Vec<_> = tables
        .iter()
        .map(|table| AddressLookupTableAccount {
            key: table.address().0.into(),
            addresses: table.addresses().iter().map(|key| key.0.into()).collect(),
        })
        .collect();
    v0::Message::try_compile(&payer.0.into(), &instructions, &tables, Hash::new_from_array(blockhash))
        .unwrap()
}

proptest! {
    #![proptest_config(property_config::cases(400))]

    #[test]
    fn message_equals_that_of_solana(case in cases(), payer: [u8; 32]) {
        let address = |index: &Index| *index.get(&case.addresses);
        let instructions: Vec<Instruction> = case
            .calls
            .iter()
            .map(|(program, accounts, data)| Instruction {
                program: address(program),
                accounts: accounts
                    .iter()
                    .map(|(key, is_signer, is_writable)| AccountMeta {
                        address: address(key),
                        is_signer: *is_signer,
                        is_writable: *is_writable,
                    })
                    .collect(),
                data: data.clone(),
            })
            .collect();
        let tables: Vec<LookupTable> = case
            .tables
            .iter()
            .map(|(table, held)| LookupTable::new(*table, held.iter().map(address).collect()).unwrap())
            .collect();
        let limits = Limits { bytes: usize::MAX, account_locks: 128, instructions: 64 };
        let (named, offered): (Vec<_>, Vec<_>) = (instructions.iter().collect(), tables.iter().collect());
        let ours = compile(&Pubkey(payer), &named, &case.blockhash, &offered, &limits).unwrap();
        let theirs = theirs(Pubkey(payer), &instructions, &tables, case.blockhash);
        prop_assert_eq!(&ours.bytes, &theirs.serialize());
        prop_assert_eq!(ours.static_accounts, theirs.account_keys.len());
        let used: Vec<_> = theirs.address_table_lookups.iter().map(|one| one.account_key.to_bytes()).collect();
        prop_assert_eq!(ours.tables.iter().map(|table| table.0).collect::<Vec<_>>(), used);
    }

    /// The wire form: so many signatures, each of its own signer's, then the message.
    #[test]
    fn every_signature_verifies(seeds in prop::collection::vec(any::<[u8; 32]>(), 1..4), blockhash: [u8; 32]) {
        let signers: Vec<Signer> = seeds.iter().map(|seed| Signer::from_bytes(seed).unwrap()).collect();
        let accounts = signers.iter().map(|one| AccountMeta::readonly(one.address()).signer()).collect();
        let instruction = Instruction { program: Pubkey([9; 32]), accounts, data: vec![1] };
        let mut others: Vec<&Signer> = Vec::new();
        for signer in &signers[1..] {
            let known = |other: &&Signer| other.address() == signer.address();
            if signer.address() != signers[0].address() && !others.iter().any(known) {
                others.push(signer);
            }
        }
        let built = sign(&[&instruction], &signers[0], &others, &blockhash, &[], &Limits::default()).unwrap();
        let count = 1 + others.len();
        prop_assert_eq!(usize::from(built.wire()[0]), count);
        for (place, account) in built.accounts().iter().take(count).enumerate() {
            let from = 1 + 64 * place;
            let signature = built.wire()[from..from + 64].try_into().unwrap();
            let key = ed25519_dalek::VerifyingKey::from_bytes(&account.address.0).unwrap();
            let signature = ed25519_dalek::Signature::from_bytes(&signature);
            prop_assert!(key.verify_strict(built.message(), &signature).is_ok());
        }
    }
}
