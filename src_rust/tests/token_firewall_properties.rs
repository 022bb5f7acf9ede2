//! Damaged mints never panic, and a market that judges what changed agrees with one that judges all.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod property_config;
mod reserve_market;
mod token_mints;

use phantom_core::decoders::spl_token::{self, TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use phantom_core::decoders::sysvar;
use phantom_core::market::AccountWrite;
use phantom_core::quantities::Pubkey;
use phantom_core::token_firewall::{
    MintAccountState, MintFacts, Permission, TokenContext, TokenRules, TokenVerdict, judge,
};
use proptest::prelude::*;
use reserve_market::{Reserves, market_of, mint, pool_address};
use token_mints::{ISSUER, Mint, transfer_fee};

/// Extensions with the lengths that the program writes, and some that it does not know.
fn extension() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let fixed = prop::sample::select(vec![
        (3_u16, 32_usize),
        (4, 65),
        (6, 1),
        (9, 0),
        (10, 52),
        (12, 32),
        (14, 64),
        (18, 64),
        (25, 56),
        (26, 33),
        (40, 5),
        (2, 8),
    ]);
    let fixed = fixed.prop_flat_map(|(kind, len)| (Just(kind), prop::collection::vec(0_u8..3, len)));
    let fee = (0_u64..4, 0_u16..10_002, 0_u64..4, 0_u16..2_000)
        .prop_map(|(older, bps, newer, next)| (1, transfer_fee((older, bps, 9), (newer, next, 9))));
    prop_oneof![4 => fixed, 1 => fee]
}

fn any_mint() -> impl Strategy<Value = Vec<u8>> {
    let authority = || prop::option::of(Just(ISSUER));
    let extensions = prop::collection::vec(extension(), 0..4);
    (authority(), authority(), extensions).prop_map(|(mint_authority, freeze_authority, extensions)| {
        let base = Mint { mint_authority, freeze_authority, ..Mint::plain() };
        extensions.iter().fold(base, |mint, (kind, value)| mint.with(*kind, value)).bytes()
    })
}

proptest! {
    #![proptest_config(property_config::cases(2_000))]

    #[test]
    fn damaged_bytes_give_facts_or_a_typed_error(
        data in any_mint(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        is_2022: bool,
    ) {
        let mut data = data;
        for (place, byte) in damage {
            let place = place.index(data.len());
            data[place] = byte;
        }
        if let Some(cut) = cut {
            data.truncate(cut.index(data.len()));
        }
        let owner = if is_2022 { TOKEN_2022_PROGRAM } else { TOKEN_PROGRAM };
        match MintFacts::read(&owner, &data) {
            // What quotes can read and facts cannot is denied; never the other way round.
            Ok(facts) => prop_assert!(matches!(
                spl_token::decode(&owner, &data),
                Ok(spl_token::Decoded::Mint(mint))
                    if mint.supply == facts.supply && mint.transfer_fee == facts.transfer_fee
            )),
            Err(error) => prop_assert!(!error.reason().is_empty() && !error.to_string().is_empty()),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..400), typed: bool) {
        let mut data = data;
        if typed && data.len() > 166 {
            data[..166].fill(0);
            (data[45], data[165]) = (1, 1);
        }
        let state = MintAccountState::of(&TOKEN_2022_PROGRAM, &data);
        let found = judge(ISSUER, &state, &TokenRules::default(), &TokenContext::default());
        prop_assert!(!found.reasons.is_empty());
        prop_assert!(state.facts().is_some() || found.permission == Permission::Denied);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Mint(u8, Vec<u8>),
    Gone(u8),
    Close(u8),
    Balance(u8, u8, u64),
    Clock(u64),
    Wait(u64),
    Known(u8, u64),
    Ask,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u8..4, any_mint()).prop_map(|(mint, data)| Step::Mint(mint, data)),
        1 => (0_u8..4).prop_map(Step::Gone),
        1 => (0_u8..3).prop_map(Step::Close),
        3 => (0_u8..3, 2_u8..4, 1_u64..3_000).prop_map(|(pool, side, to)| Step::Balance(pool, side, to)),
        1 => (0_u64..5).prop_map(Step::Clock),
        2 => (1_u64..40).prop_map(Step::Wait),
        1 => (0_u8..4, 0_u64..60).prop_map(|(mint, slot)| Step::Known(mint, slot)),
        3 => Just(Step::Ask),
    ]
}

const POOLS: [[u8; 2]; 3] = [[0, 1], [2, 0], [1, 3]];

proptest! {
    #![proptest_config(property_config::cases(200))]

    #[test]
    fn judging_what_changed_equals_judging_everything(
        steps in prop::collection::vec(step(), 1..25),
        least in 0_u64..2_000,
        min_age_slots in 0_u64..60,
    ) {
        let pools = POOLS.map(|mints| Reserves { mints, balances: [1_000, 1_000] });
        let mut rules = TokenRules::default();
        rules.min_age_slots = min_age_slots;
        rules.min_depth = vec![(mint(0), least), (mint(3), 2 * least)];
        let (mut asked, mut fresh) = (market_of(&pools), market_of(&pools));
        asked.set_token_rules(rules.clone()).unwrap();
        let mut slot = 1;
        for step in steps {
            slot += 1;
            let (pubkey, account) = match step {
                Step::Mint(number, data) => (mint(number), Some((TOKEN_2022_PROGRAM, data))),
                Step::Gone(number) => (mint(number), None),
                Step::Close(place) => (pool_address(place), None),
                Step::Balance(place, side, to) => {
                    let mut vault = Pubkey([side; 32]);
                    vault.0[31] = place;
                    let mut data = Mint::token_account();
                    data[..32].copy_from_slice(&mint(POOLS[usize::from(place)][usize::from(side - 2)]).0);
                    data[64..72].copy_from_slice(&to.to_le_bytes());
                    (vault, Some((TOKEN_PROGRAM, data)))
                }
                Step::Clock(epoch) => {
                    let words = [slot, 1, epoch, epoch + 1, 1_700_000_000];
                    let data = words.into_iter().flat_map(u64::to_le_bytes).collect();
                    (sysvar::CLOCK, Some((sysvar::OWNER, data)))
                }
                Step::Wait(slots) => {
                    slot += slots;
                    (Pubkey([9; 32]), Some((Pubkey([9; 32]), Vec::new())))
                }
                Step::Known(number, since) => {
                    asked.know_token_since(mint(number), since);
                    fresh.know_token_since(mint(number), since);
                    continue;
                }
                Step::Ask => {
                    let _ = asked.take_changed_tokens();
                    continue;
                }
            };
            let account = account.as_ref().map(|(owner, data)| (*owner, data.as_slice()));
            for market in [&mut asked, &mut fresh] {
                market.apply(AccountWrite { pubkey, slot, account });
            }
        }
        fresh.set_token_rules(rules).unwrap();
        let all = |market: &mut phantom_core::market::Market| -> Vec<TokenVerdict> {
            market.tokens().cloned().collect()
        };
        prop_assert_eq!(all(&mut asked), all(&mut fresh));
    }
}
