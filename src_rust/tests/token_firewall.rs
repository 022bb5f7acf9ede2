//! Verdicts on mints: golden accounts byte by byte, precedence of lists, epochs, ages and depths, and the
//! engine's refusal.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod reserve_market;
mod token_mints;

use phantom_core::decoders::DecodeError;
use phantom_core::decoders::spl_token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use phantom_core::decoders::sysvar;
use phantom_core::market::{AccountWrite, Market};
use phantom_core::quantities::Pubkey;
use phantom_core::swap::Value;
use phantom_core::token_firewall::{
    Depth, MintAccountState, MintFacts, Permission, Rule, RuleError, TokenContext, TokenRules, TokenVerdict,
    judge,
};
use reserve_market::{Reserves, market_of, mint, pool_address};
use token_mints::{ISSUER, Mint, transfer_fee};

const MINT: Pubkey = Pubkey([42; 32]);

fn verdict(data: &[u8], epoch: Option<u64>) -> TokenVerdict {
    let state = MintAccountState::of(&TOKEN_2022_PROGRAM, data);
    judge(MINT, &state, &TokenRules::default(), &TokenContext { epoch, ..TokenContext::default() })
}

fn names(verdict: &TokenVerdict) -> Vec<&'static str> {
    verdict.reasons.iter().map(|(name, _)| *name).collect()
}

#[test]
fn a_mint_that_nobody_can_change_is_allowed() {
    for (owner, data) in
        [(TOKEN_PROGRAM, Mint::plain().bytes()), (TOKEN_2022_PROGRAM, Mint::plain().extended().bytes())]
    {
        let state = MintAccountState::of(&owner, &data);
        let found = judge(MINT, &state, &TokenRules::default(), &TokenContext::default());
        assert_eq!(found.permission, Permission::Allowed);
        assert_eq!(found.reasons, [("no_objection", Value::None)]);
        let facts = state.facts().unwrap();
        assert_eq!((facts.decimals, facts.supply, facts.program), (6, 1_000_000, owner));
    }
}

#[test]
fn every_extension_has_its_reason_and_value() {
    use Permission::{Allowed, AtomicOnly, Denied};
    let by = |kind: u16, len: usize| Mint::plain().with(kind, &[&ISSUER.0[..], &vec![0; len - 32]].concat());
    let issuer = Value::Address(ISSUER);
    let on = Value::Bool(true);
    let hook = Mint::plain().with(14, &[[0; 32], ISSUER.0].concat());
    let paused = Mint::plain().with(26, &[&[0; 32][..], &[1]].concat());
    let cases = [
        (Mint { mint_authority: Some(ISSUER), ..Mint::plain() }, AtomicOnly, "mint_authority", &issuer),
        (Mint { freeze_authority: Some(ISSUER), ..Mint::plain() }, AtomicOnly, "freeze_authority", &issuer),
        (by(3, 32), Allowed, "no_objection", &Value::None),
        (by(4, 65), Allowed, "no_objection", &Value::None),
        (Mint::plain().with(6, &[1]), Allowed, "no_objection", &Value::None),
        (Mint::plain().with(6, &[2]), Denied, "frozen_by_default", &on),
        (Mint::plain().with(9, &[]), Denied, "non_transferable", &on),
        (by(10, 52), Allowed, "no_objection", &Value::None),
        (by(12, 32), AtomicOnly, "permanent_delegate", &issuer),
        (Mint::plain().with(12, &[0; 32]), Allowed, "no_objection", &Value::None),
        (by(14, 64), AtomicOnly, "transfer_hook_authority", &issuer),
        (hook, Denied, "transfer_hook", &issuer),
        (by(16, 129), Allowed, "no_objection", &Value::None),
        (by(18, 64), Allowed, "no_objection", &Value::None),
        (by(19, 90), Allowed, "no_objection", &Value::None),
        (by(24, 196), Allowed, "no_objection", &Value::None),
        (by(25, 56), Allowed, "no_objection", &Value::None),
        (by(26, 33), AtomicOnly, "pause_authority", &issuer),
        (paused, Denied, "paused", &on),
        (by(28, 32), Allowed, "no_objection", &Value::None),
        (Mint::plain().with(29, &[1, 2, 3]), Denied, "unknown_extension", &Value::Unsigned(29)),
        (by(65_535, 32), Denied, "unknown_extension", &Value::Unsigned(65_535)),
    ];
    for (mint, permission, reason, value) in cases {
        let found = verdict(&mint.bytes(), Some(1));
        assert_eq!(found.permission, permission, "{mint:?}");
        assert_eq!(found.reasons, [(reason, value.clone())], "{mint:?}");
    }
}

#[test]
fn what_is_allowed_by_default_is_named_where_a_rule_says_so() {
    let rules = |rule| {
        let mut rules = TokenRules::default();
        rules.set(rule, Permission::Denied).unwrap();
        rules
    };
    let close = Mint::plain().with(3, &ISSUER.0).bytes();
    let secret = Mint::plain().with(4, &[0; 65]).bytes();
    for (data, rule) in [(close, Rule::CloseAuthority), (secret, Rule::ConfidentialTransfer)] {
        let state = MintAccountState::of(&TOKEN_2022_PROGRAM, &data);
        let found = judge(MINT, &state, &rules(rule), &TokenContext::default());
        assert_eq!((found.permission, names(&found)), (Permission::Denied, vec![rule.name()]));
    }
}

#[test]
fn display_amounts_are_facts_without_a_reason() {
    let mut interest = [0; 52];
    interest[50..].copy_from_slice(&(-250_i16).to_le_bytes());
    let mut scaled = [0; 56];
    scaled[32..40].copy_from_slice(&2.5_f64.to_le_bytes());
    let data = Mint::plain().with(10, &interest).with(25, &scaled).bytes();
    let facts = MintFacts::read(&TOKEN_2022_PROGRAM, &data).unwrap();
    assert_eq!(facts.interest_rate_bps, Some(-250));
    assert_eq!(facts.scaled_ui.map(|scaled| f64::from_bits(scaled.multiplier_bits)), Some(2.5));
    assert_eq!(facts.extensions, [10, 25]);
    assert_eq!(verdict(&data, None).permission, Permission::Allowed);
}

#[test]
fn the_heaviest_reasons_come_first_and_all_are_named() {
    let mint = Mint { mint_authority: Some(ISSUER), freeze_authority: Some(ISSUER), ..Mint::plain() };
    let paused = [&ISSUER.0[..], &[1]].concat();
    let found = verdict(&mint.with(26, &paused).with(12, &ISSUER.0).bytes(), Some(1));
    assert_eq!(found.permission, Permission::Denied);
    assert_eq!(
        names(&found),
        ["paused", "permanent_delegate", "freeze_authority", "mint_authority", "pause_authority"]
    );
}

#[test]
fn a_transfer_fee_follows_the_epoch() {
    // 50 % until epoch 9, 1 % from then on.
    let falling = Mint::plain().with(1, &transfer_fee((3, 5_000, 50), (9, 100, 60))).bytes();
    let before = verdict(&falling, Some(8));
    assert_eq!(before.permission, Permission::Denied);
    assert_eq!(names(&before), ["high_transfer_fee", "transfer_fee"]);
    let high = vec![("basis_points", Value::Unsigned(5_000)), ("bound", Value::Unsigned(1_000))];
    assert_eq!(before.reasons[0].1, Value::Record("Measured", high));
    let after = verdict(&falling, Some(9));
    assert_eq!((after.permission, names(&after)), (Permission::AtomicOnly, vec!["transfer_fee"]));
    let fee = vec![
        ("epoch", Value::Unsigned(9)),
        ("maximum_fee", Value::Unsigned(60)),
        ("basis_points", Value::Unsigned(100)),
    ];
    assert_eq!(after.reasons[0].1, Value::Record("TransferFee", fee));
    // An unknown epoch takes the dearer one, and so does one before an announced rise.
    assert_eq!(names(&verdict(&falling, None)), ["high_transfer_fee", "transfer_fee"]);
    let rising = Mint::plain().with(1, &transfer_fee((3, 0, 0), (9, 1_001, 60))).bytes();
    assert_eq!(names(&verdict(&rising, Some(8))), ["high_transfer_fee", "transfer_fee"]);
    let gone = Mint::plain().with(1, &transfer_fee((3, 5_000, 50), (9, 0, 0))).bytes();
    assert_eq!(names(&verdict(&gone, Some(9))), ["no_objection"]);
}

#[test]
fn bytes_that_the_program_never_writes_are_a_typed_error() {
    let of = |mint: Mint| mint.bytes();
    let mut cut = of(Mint::plain().with(12, &ISSUER.0));
    cut.truncate(cut.len() - 1);
    let mut padded = of(Mint::plain().extended());
    padded[120] = 1;
    let mut uninitialized = of(Mint::plain());
    uninitialized[45] = 0;
    let cases = [
        (cut, "extension length"),
        (padded, "padding"),
        (uninitialized, "is_initialized"),
        (of(Mint::plain().with(12, &[1; 31])), "extension length"),
        (of(Mint::plain().with(9, &[0])), "extension length"),
        (of(Mint::plain().with(6, &[3])), "default account state"),
        (of(Mint::plain().with(12, &ISSUER.0).with(12, &ISSUER.0)), "extension type"),
        (of(Mint::plain().with(2, &[0; 8])), "extension type"),
        (of(Mint::plain().with(1, &transfer_fee((0, 10_001, 0), (0, 0, 0)))), "transfer_fee_basis_points"),
    ];
    for (data, place) in cases {
        let error = MintFacts::read(&TOKEN_2022_PROGRAM, &data).unwrap_err();
        assert!(matches!(&error, DecodeError::ImpossibleField { field, .. } if *field == place), "{error}");
        let found = verdict(&data, None);
        assert_eq!(found.permission, Permission::Denied);
        assert_eq!(found.reasons, [("unreadable_mint", Value::Text("impossible_field"))]);
    }
    let many = (100..165).fold(Mint::plain(), |mint, kind| mint.with(kind, &[]));
    assert!(MintFacts::read(&TOKEN_2022_PROGRAM, &of(many)).unwrap_err().to_string().contains("at most 64"));
    let short = MintFacts::read(&TOKEN_PROGRAM, &[0; 81]).unwrap_err();
    assert_eq!(short.reason(), "wrong_length");
    let account = MintFacts::read(&TOKEN_PROGRAM, &Mint::token_account()).unwrap_err();
    assert!(account.to_string().contains("a mint expected"), "{account}");
    let owner = MintFacts::read(&ISSUER, &of(Mint::plain())).unwrap_err();
    assert_eq!(owner.reason(), "wrong_owner");
}

#[test]
fn the_deny_list_wins_then_the_allow_list_then_the_rules() {
    let paused = Mint::plain().with(26, &[&[0; 32][..], &[1]].concat()).bytes();
    let state = MintAccountState::of(&TOKEN_2022_PROGRAM, &paused);
    let with = |allow: &[Pubkey], deny: &[Pubkey]| {
        let mut rules = TokenRules::default();
        rules.allow.extend(allow);
        rules.deny.extend(deny);
        let found = judge(MINT, &state, &rules, &TokenContext::default());
        (found.permission, names(&found)[0])
    };
    assert_eq!(with(&[], &[]), (Permission::Denied, "paused"));
    assert_eq!(with(&[MINT], &[]), (Permission::Allowed, "allow_list"));
    assert_eq!(with(&[MINT], &[MINT]), (Permission::Denied, "deny_list"));
    assert_eq!(with(&[ISSUER], &[ISSUER]), (Permission::Denied, "paused"));
}

#[test]
fn what_is_not_known_is_never_held() {
    let rules = TokenRules::default();
    let context = TokenContext::default();
    let unseen = judge(MINT, &MintAccountState::Unseen, &rules, &context);
    assert_eq!((unseen.permission, names(&unseen)), (Permission::AtomicOnly, vec!["unknown_mint"]));
    let absent = judge(MINT, &MintAccountState::Absent, &rules, &context);
    assert_eq!(absent.permission, Permission::Denied);
    assert_eq!(absent.reasons, [("unreadable_mint", Value::Text("absent"))]);
    let mut rules = rules;
    let error = rules.set(Rule::UnknownMint, Permission::Allowed).unwrap_err();
    assert_eq!(error.to_string(), "rules: unknown_mint is allowed, it is at least atomic_only");
    rules.set(Rule::UnknownMint, Permission::Denied).unwrap();
    assert_eq!(judge(MINT, &MintAccountState::Unseen, &rules, &context).permission, Permission::Denied);
}

#[test]
fn depth_and_age_are_measured_against_their_bounds() {
    let state = MintAccountState::of(&TOKEN_PROGRAM, &Mint::plain().bytes());
    let base = mint(0);
    let mut rules = with_depth(base, 1_000);
    rules.min_age_slots = 10;
    let at = |slot, since_slot, amount| {
        let depths = [Depth { base_mint: base, amount }];
        let context = TokenContext { epoch: None, slot, since_slot, depths: &depths };
        names(&judge(MINT, &state, &rules, &context))
    };
    assert_eq!(at(110, Some(100), 1_000), ["no_objection"]);
    assert_eq!(at(110, Some(100), 999), ["low_liquidity"]);
    assert_eq!(at(109, Some(100), 1_000), ["too_young"]);
    assert_eq!(at(110, None, 0), ["low_liquidity", "too_young"]);
    // A clock behind the first sight is no age.
    assert_eq!(at(99, Some(100), 1_000), ["too_young"]);
    let of_base = judge(base, &state, &with_depth(base, 1_000), &TokenContext::default());
    assert_eq!(of_base.permission, Permission::Allowed);
}

fn with_depth(base: Pubkey, least: u64) -> TokenRules {
    let mut rules = TokenRules::default();
    rules.min_depth.push((base, least));
    rules
}

#[test]
fn rules_that_cannot_be_are_refused_and_change_nothing() {
    let mut market = Market::default();
    let mut dear = TokenRules::default();
    dear.max_transfer_fee_bps = 10_001;
    assert_eq!(market.set_token_rules(dear), Err(RuleError::TransferFee { found: 10_001 }));
    let mut twice = with_depth(MINT, 1);
    twice.min_depth.push((MINT, 2));
    assert_eq!(market.set_token_rules(twice), Err(RuleError::DepthTwice { mint: MINT }));
    assert_eq!(market.token_rules(), &TokenRules::default());
}

/// Three mints: 0 against 1 in two pools, 1 against 2.
fn market() -> Market {
    let pool = |mints, balances| Reserves { mints, balances };
    market_of(&[pool([0, 1], [700, 50]), pool([1, 0], [50, 400]), pool([1, 2], [9, 9_000])])
}

fn write(market: &mut Market, pubkey: Pubkey, slot: u64, owner: Pubkey, data: &[u8]) {
    market.apply(AccountWrite { pubkey, slot, account: Some((owner, data)) });
}

fn shown(market: &mut Market) -> Vec<(Pubkey, Vec<&'static str>)> {
    market.tokens().map(|verdict| (verdict.mint, names(verdict))).collect()
}

#[test]
fn a_market_sums_the_depth_of_a_mints_pools() {
    let mut market = market();
    market.set_token_rules(with_depth(mint(0), 1_100)).unwrap();
    assert_eq!(
        shown(&mut market),
        [
            (mint(0), vec!["unknown_mint"]),
            (mint(1), vec!["unknown_mint"]),
            (mint(2), vec!["low_liquidity", "unknown_mint"].into_iter().rev().collect()),
        ]
    );
    market.set_token_rules(with_depth(mint(0), 1_101)).unwrap();
    assert_eq!(names(market.token(&mint(1)).unwrap()), ["unknown_mint", "low_liquidity"]);
    // A closed pool has no depth.
    market.set_token_rules(with_depth(mint(0), 1_100)).unwrap();
    assert_eq!(names(market.token(&mint(1)).unwrap()), ["unknown_mint"]);
    market.apply(AccountWrite { pubkey: pool_address(0), slot: 2, account: None });
    assert_eq!(names(market.token(&mint(1)).unwrap()), ["unknown_mint", "low_liquidity"]);
}

#[test]
fn only_what_changed_is_judged_anew() {
    let mut market = market();
    assert_eq!(market.take_changed_tokens().len(), 3);
    let judged = market.tokens_judged();
    assert_eq!(shown(&mut market).len(), 3);
    assert_eq!(market.tokens_judged(), judged);
    write(&mut market, mint(1), 5, TOKEN_PROGRAM, &Mint::plain().bytes());
    let changed = market.take_changed_tokens();
    assert_eq!(
        changed.iter().map(|verdict| (verdict.mint, names(verdict))).collect::<Vec<_>>(),
        [(mint(1), vec!["no_objection"])]
    );
    assert_eq!(market.tokens_judged(), judged + 1);
    write(&mut market, mint(1), 6, TOKEN_PROGRAM, &Mint::plain().bytes());
    assert!(market.take_changed_tokens().is_empty());
    assert_eq!(market.tokens_judged(), judged + 1);
    write(&mut market, mint(1), 7, TOKEN_PROGRAM, &[1; 90]);
    assert_eq!(names(market.token(&mint(1)).unwrap()), ["unreadable_mint"]);
    market.apply(AccountWrite { pubkey: mint(1), slot: 8, account: None });
    assert_eq!(market.token(&mint(1)).unwrap().reasons, [("unreadable_mint", Value::Text("absent"))]);
}

fn clock(slot: u64, epoch: u64) -> Vec<u8> {
    [slot, 1, epoch, epoch + 1, 1_700_000_000].into_iter().flat_map(u64::to_le_bytes).collect()
}

#[test]
fn a_new_epoch_judges_only_mints_with_transfer_fees() {
    let mut market = market();
    let falling = Mint::plain().with(1, &transfer_fee((3, 5_000, 50), (9, 0, 0))).bytes();
    write(&mut market, mint(2), 5, TOKEN_2022_PROGRAM, &falling);
    write(&mut market, sysvar::CLOCK, 6, sysvar::OWNER, &clock(6, 8));
    assert_eq!(names(market.token(&mint(2)).unwrap()), ["high_transfer_fee", "transfer_fee"]);
    let judged = market.tokens_judged();
    write(&mut market, sysvar::CLOCK, 7, sysvar::OWNER, &clock(7, 8));
    assert_eq!(names(market.token(&mint(2)).unwrap()).len(), 2);
    assert_eq!(market.tokens_judged(), judged);
    write(&mut market, sysvar::CLOCK, 8, sysvar::OWNER, &clock(8, 9));
    assert_eq!(names(market.token(&mint(2)).unwrap()), ["no_objection"]);
    assert_eq!(market.tokens_judged(), judged + 1);
}

#[test]
fn a_mint_comes_of_age_by_itself_and_earlier_with_a_known_slot() {
    let mut market = market();
    let mut rules = TokenRules::default();
    rules.min_age_slots = 100;
    market.set_token_rules(rules).unwrap();
    assert_eq!(names(market.token(&mint(2)).unwrap()), ["unknown_mint", "too_young"]);
    market.know_token_since(mint(1), 0);
    let elsewhere = Pubkey([7; 32]);
    write(&mut market, elsewhere, 100, elsewhere, &[]);
    assert_eq!(names(market.token(&mint(2)).unwrap()), ["unknown_mint", "too_young"]);
    let judged = market.tokens_judged();
    write(&mut market, elsewhere, 101, elsewhere, &[]);
    assert_eq!(names(market.token(&mint(2)).unwrap()), ["unknown_mint"]);
    assert_eq!(market.tokens_judged(), judged + 3);
}
