//! Raydium CPMM and AMM v4 beyond what the golden vectors reach: accounts, permissions, properties.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/raydium.rs"]
mod raydium;

use phantom_core::amm_math::Segment;
use phantom_core::decoders::DecodeError;
use phantom_core::decoders::spl_token::TOKEN_PROGRAM;
use phantom_core::instruction_builder::{AccountMeta, BuildError, Instruction, Reach, Trader};
use phantom_core::quantities::Pubkey;
use phantom_core::swap::{Environment, Refusal, RefusalKind, SwapRequest};
use phantom_core::venues::{AccountData, NewPool, PoolState, SetAside, Venue, raydium_amm_v4, raydium_cpmm};
use proptest::prelude::*;
use raydium::*;

const NOW: u64 = 1_700_000_000;

fn exact_in(pool: &dyn PoolState, a_to_b: bool, amount: u64) -> Result<u64, Refusal> {
    pool.quote(&environment(NOW), &SwapRequest::new(amount, true, a_to_b)).map(|quote| quote.user_out)
}

fn exact_out(pool: &dyn PoolState, a_to_b: bool, amount: u64) -> Result<u64, Refusal> {
    pool.quote(&environment(NOW), &SwapRequest::new(amount, false, a_to_b)).map(|quote| quote.user_in)
}

fn code(result: Result<u64, Refusal>) -> (RefusalKind, &'static str, Option<u32>) {
    let refusal = result.unwrap_err();
    (refusal.kind, refusal.name, refusal.code)
}

fn program(name: &'static str, number: u32) -> (RefusalKind, &'static str, Option<u32>) {
    (RefusalKind::Program, name, Some(number))
}

// ---- CPMM

#[test]
fn cpmm_lists_what_it_lacks_until_all_is_known() {
    let made = Cpmm::new([1_000_000, 2_000_000], 2_500);
    let mut pool = made.open();
    let lacking = |pool: &dyn PoolState| {
        let mut all = Vec::new();
        pool.dependencies(&mut all);
        all.iter().filter(|each| !each.is_known).map(|each| each.reason).collect::<Vec<_>>()
    };
    assert_eq!(
        lacking(&*pool),
        ["missing_config", "missing_vault", "missing_vault", "missing_mint", "missing_mint"]
    );
    assert_eq!(
        pool.obstacle(&environment(NOW)),
        Some(SetAside::Missing { reason: "missing_config", account: CONFIG })
    );
    let refusal = pool.quote(&environment(NOW), &SwapRequest::new(5, true, true)).unwrap_err();
    assert_eq!((refusal.kind, refusal.code), (RefusalKind::MissingAccount, Some(3012)));
    assert_eq!(refusal.details(), [("account", CONFIG.into())]);
    pool = made.build();
    assert!(lacking(&*pool).is_empty());
    assert_eq!(pool.obstacle(&environment(NOW)), None);
    // By hand: fee ceil(2.5) = 3, floor(2000000 * 997 / 1000997) = 1992.
    assert_eq!(exact_in(&*pool, true, 1_000), Ok(1_992));
    pool.write(&VAULTS[1], None).unwrap();
    assert_eq!(
        pool.obstacle(&environment(NOW)),
        Some(SetAside::Missing { reason: "missing_vault", account: VAULTS[1] })
    );
}

#[test]
fn amm_v4_is_a_direction_while_it_trades() {
    let mut made = AmmV4::new([1_000_000, 2_000_000]);
    let direction = made.build().direction(&environment(NOW), true).unwrap();
    assert_eq!((direction.reserve_in(), direction.reserve_out()), (1_000_000, 2_000_000));
    made.fee = [1, 1];
    assert!(made.build().direction(&environment(NOW), true).is_none());
}

#[test]
fn cpmm_permissions_are_read_from_the_account() {
    let refused = |made: &Cpmm| code(exact_in(&*made.build(), true, 1_000));
    let mut made = Cpmm::new([1_000_000, 2_000_000], 2_500);
    made.status = 0b011;
    assert!(exact_in(&*made.build(), true, 1_000).is_ok());
    made.status = 0b100;
    assert_eq!(refused(&made), program("NotApproved", 6000));
    assert_eq!(made.build().obstacle(&environment(NOW)), Some(SetAside::Disabled { status: 4 }));
    (made.status, made.open_time) = (0, NOW + 1);
    assert_eq!(refused(&made), program("NotApproved", 6000));
    assert_eq!(made.build().obstacle(&environment(NOW)), Some(SetAside::NotYetOpen { opens_at: NOW + 1 }));
    assert_eq!(made.build().obstacle(&Environment::default()), Some(SetAside::MissingClock));
    assert!(made.build().depends_on_time());
    made.open_time = NOW;
    assert!(exact_in(&*made.build(), true, 1_000).is_ok());
    made.accrued = [0, 1];
    assert!(!made.build().depends_on_time(), "what has traded is open");
    assert_eq!(made.build().obstacle(&Environment::default()), None);
    let unknown_time = made.build().quote(&Environment::default(), &SwapRequest::new(1_000, true, true));
    assert_eq!(unknown_time.map(|quote| quote.user_out), exact_in(&*made.build(), true, 1_000));
    // An exact output of nothing fails before the status is looked at.
    made.status = 4;
    assert_eq!(code(exact_out(&*made.build(), true, 0)), program("RequireGtViolated", 2505));
    made.status = 0b1000;
    assert_eq!(
        made.build().obstacle(&environment(NOW)),
        Some(SetAside::Unsupported { reason: "unknown_status" })
    );
}

#[test]
fn cpmm_fees_that_the_vault_does_not_cover_are_the_programs_errors() {
    let mut made = Cpmm::new([1_000, 2_000], 2_500);
    made.accrued = [1_001, 0];
    assert_eq!(code(exact_in(&*made.build(), true, 100)), program("InsufficientVault", 6012));
    made.accrued = [1_000, 0];
    assert_eq!(code(exact_in(&*made.build(), true, 100)).0, RefusalKind::Panic);
    assert_eq!(made.build().obstacle(&environment(NOW)), Some(SetAside::NoLiquidity));
    assert!(made.build().spot_price(true).is_none());
    assert!(made.build().marginal_rate(&environment(NOW), true).abs() < f64::MIN_POSITIVE);
}

#[test]
fn cpmm_frozen_vaults_fail_as_the_token_program_does() {
    let mut pool = Cpmm::new([1_000_000, 2_000_000], 2_500).build();
    write(&mut *pool, VAULTS[1], TOKEN_PROGRAM, &token_account(MINTS[1], 2_000_000, 2));
    assert_eq!(pool.obstacle(&environment(NOW)), Some(SetAside::FrozenVault(VAULTS[1])));
    assert_eq!(code(exact_in(&*pool, true, 1_000)), program("Account is frozen", 17));
    assert_eq!(code(exact_in(&*pool, true, 1)), program("RequireGtViolated", 2505));
}

#[test]
fn cpmm_unsound_accounts_are_refused() {
    let made = Cpmm::new([1_000_000, 2_000_000], 2_500);
    let mut pool = made.build();
    let program = raydium_cpmm::PROGRAM;
    let mut refused = |address: Pubkey, owner: &Pubkey, data: &[u8]| {
        pool.write(&address, Some(AccountData { owner, data })).unwrap_err().reason()
    };
    let mut state = made.state_data();
    assert_eq!(refused(POOL, &program, &state[..636]), "wrong_length");
    assert_eq!(refused(POOL, &TOKEN_PROGRAM, &state), "wrong_owner");
    state[389] = 3;
    assert_eq!(refused(POOL, &program, &state), "impossible_field");
    state[0] = 0;
    assert_eq!(refused(POOL, &program, &state), "unknown_discriminator");
    assert_eq!(refused(CONFIG, &program, &made.state_data()), "impossible_field");
    assert_eq!(refused(CONFIG, &TOKEN_PROGRAM, &made.config_data()), "wrong_owner");
    assert_eq!(
        refused(VAULTS[0], &TOKEN_PROGRAM, &token_account(MINTS[1], 5, 1)),
        "impossible_field",
        "a vault of the other mint"
    );
}

#[test]
fn cpmm_execution_moves_what_the_next_quote_reads() {
    let mut made = Cpmm::new([1_000_000, 2_000_000], 10_000);
    (made.creator, made.enable_creator_fee, made.creator_fee_on) = (5_000, true, 2);
    let mut pool = made.build();
    // By hand: fee 100, floor(2000000 * 9900 / 1009900) = 19605, creator ceil(98.025) = 99; 12 and 4 of
    // the fee are the protocol's and the fund's.
    let execution = pool.execute(&environment(NOW), &SwapRequest::new(10_000, true, true)).unwrap();
    assert_eq!(execution.quote.user_out, 19_506);
    let detail = |name| execution.details.iter().find(|(each, _)| *each == name).unwrap().1.to_string();
    assert_eq!(detail("post_protocol_fees_token_0"), "12");
    assert_eq!(detail("post_fund_fees_token_0"), "4");
    assert_eq!(detail("post_creator_fees_token_1"), "99");
    assert_eq!(pool.summary(&environment(NOW)).depth, [1_010_000 - 16, 2_000_000 - 19_605]);
}

// ---- AMM v4

#[test]
fn amm_v4_statuses_decide_as_in_the_program() {
    let mut made = AmmV4::new([1_000_000, 2_000_000]);
    let invalid = program("InvalidStatus", 22);
    for status in [0, 2, 3, 4] {
        made.status = status;
        assert_eq!(code(exact_in(&*made.build(), true, 1_000)), invalid, "status {status}");
        assert_eq!(made.build().obstacle(&environment(NOW)), Some(SetAside::Disabled { status }));
    }
    (made.status, made.pool_open_time) = (7, NOW + 1);
    assert_eq!(code(exact_in(&*made.build(), true, 1_000)), invalid);
    assert_eq!(made.build().obstacle(&environment(NOW)), Some(SetAside::NotYetOpen { opens_at: NOW + 1 }));
    assert!(made.build().depends_on_time());
    made.pool_open_time = NOW;
    let mut pool = made.build();
    assert!(pool.execute(&environment(NOW), &SwapRequest::new(1_000, true, true)).is_ok());
    assert!(!pool.depends_on_time(), "the first swap makes it a swap-only pool");
    made.status = 8;
    let data = made.data();
    let account = AccountData { owner: &raydium_amm_v4::PROGRAM, data: &data };
    assert_eq!(pool.write(&POOL, Some(account)).unwrap_err().reason(), "impossible_field");
    let longer = AccountData { owner: &raydium_amm_v4::PROGRAM, data: &[0; 753] };
    assert!(matches!(pool.write(&POOL, Some(longer)), Err(DecodeError::WrongLength { found: 753, .. })));
}

#[test]
fn amm_v4_counts_what_lies_at_the_market_while_the_status_uses_it() {
    let mut made = AmmV4::new([1_000_000, 2_000_000]);
    (made.status, made.pnl) = (1, [10, 20]);
    let mut pool = made.build();
    assert_eq!(
        pool.obstacle(&environment(NOW)),
        Some(SetAside::Missing { reason: "missing_open_orders", account: OPEN_ORDERS })
    );
    let market = raydium_amm_v4::OPENBOOK_PROGRAM;
    write(&mut *pool, OPEN_ORDERS, market, &open_orders([500, 700], [500, 700], false));
    assert_eq!(pool.obstacle(&environment(NOW)), None);
    assert_eq!(pool.summary(&environment(NOW)).depth, [1_000_490, 2_000_680]);
    // By hand: fee ceil(2.5) = 3, floor(2000680 * 997 / 1001487) = 1991.
    assert_eq!(exact_in(&*pool, true, 1_000), Ok(1_991));
    // More than the vault holds would be settled within the swap.
    assert_eq!(code(exact_out(&*pool, true, 2_000_001)), (RefusalKind::Unsupported, "unsettled_funds", None));
    for resting in [open_orders([500, 700], [500, 700], true), open_orders([0, 700], [500, 700], false)] {
        write(&mut *pool, OPEN_ORDERS, market, &resting);
        assert_eq!(
            pool.obstacle(&environment(NOW)),
            Some(SetAside::Unsupported { reason: "resting_orders" })
        );
        assert_eq!(code(exact_in(&*pool, true, 1_000)).0, RefusalKind::Unsupported);
    }
    made.status = 6;
    assert_eq!(made.build().summary(&environment(NOW)).depth, [999_990, 1_999_980]);
    (made.status, made.orderbook_to_init_time) = (5, NOW + 1);
    assert_eq!(code(exact_in(&*made.build(), true, 1_000)), program("InvalidStatus", 22));
}

#[test]
fn amm_v4_open_orders_of_another_market_or_program_are_refused() {
    let mut made = AmmV4::new([1_000_000, 2_000_000]);
    made.status = 1;
    let mut pool = made.build();
    let mut refused = |owner: Pubkey, data: &[u8]| {
        pool.write(&OPEN_ORDERS, Some(AccountData { owner: &owner, data })).unwrap_err().reason()
    };
    let mut data = open_orders([0; 2], [0; 2], false);
    assert_eq!(refused(raydium_amm_v4::SERUM_PROGRAM, &data), "wrong_owner");
    assert_eq!(refused(raydium_amm_v4::OPENBOOK_PROGRAM, &data[..3_000]), "wrong_length");
    data[13] ^= 1;
    assert_eq!(refused(raydium_amm_v4::OPENBOOK_PROGRAM, &data), "impossible_field");
    data[5] = 3;
    assert_eq!(refused(raydium_amm_v4::OPENBOOK_PROGRAM, &data), "unknown_discriminator");
}

#[test]
fn amm_v4_unsound_fees_and_reserves_fail_as_the_program_does() {
    let mut made = AmmV4::new([1_000_000, 2_000_000]);
    made.pnl = [1_000_001, 0];
    assert_eq!(code(exact_in(&*made.build(), true, 1_000)), program("Checked_Sub Overflow", 32));
    assert_eq!(made.build().obstacle(&environment(NOW)), Some(SetAside::NoLiquidity));
    // An empty side takes all of the other one, which the program forbids at the end.
    made.pnl = [1_000_000, 0];
    assert_eq!(code(exact_in(&*made.build(), true, 1_000)), program("insufficient funds", 40));
    (made.pnl, made.fee) = ([0; 2], [10_001, 10_000]);
    assert_eq!(code(exact_in(&*made.build(), true, 1_000)).0, RefusalKind::Panic);
    made.fee = [0, 0];
    assert_eq!(code(exact_in(&*made.build(), true, 1_000)).0, RefusalKind::Panic);
    assert_eq!(code(exact_out(&*made.build(), true, 1_000)).0, RefusalKind::Panic);
}

#[test]
fn accounts_are_told_apart_by_owner_and_content() {
    let venue = Venue::of_program(&raydium_amm_v4::PROGRAM).unwrap();
    let name = |owner: &Pubkey, data: &[u8]| venue.layout_of(owner, data).map(|layout| layout.name);
    assert_eq!(name(&raydium_amm_v4::PROGRAM, &AmmV4::new([1; 2]).data()), Ok("AmmInfo"));
    assert_eq!(name(&raydium_amm_v4::PROGRAM, &[0; 2_208]), Ok("TargetOrders"));
    assert_eq!(name(&raydium_amm_v4::PROGRAM, &[0; 544]), Ok("AmmConfig"));
    assert_eq!(name(&raydium_amm_v4::SERUM_PROGRAM, &open_orders([0; 2], [0; 2], false)), Ok("OpenOrders"));
    assert_eq!(name(&raydium_amm_v4::OPENBOOK_PROGRAM, &market_account(&MARKET)), Ok("Market"));
    assert!(name(&raydium_amm_v4::PROGRAM, &[0; 753]).is_err());
    let venue = Venue::of_program(&raydium_cpmm::PROGRAM).unwrap();
    let made = Cpmm::new([1; 2], 1);
    let name = |data: &[u8]| venue.layout_of(&raydium_cpmm::PROGRAM, data).map(|layout| layout.name);
    assert_eq!(name(&made.state_data()), Ok("PoolState"));
    assert_eq!(name(&made.config_data()), Ok("AmmConfig"));
    assert!(name(&[0; 637]).is_err());
}

// ---- properties of both

fn transfer_fee() -> impl Strategy<Value = Option<(u16, u64)>> {
    proptest::option::of((0_u16..=5_000, prop_oneof![Just(u64::MAX), 0_u64..1 << 40]))
}

/// A pool of either venue, or a CPMM pool with everything that can take fees.
fn any_pool() -> impl Strategy<Value = Box<dyn PoolState>> {
    let amount = || (0_u32..30).prop_flat_map(|bits| 1_000_u64..=1_000 << bits);
    let v4 = ([amount(), amount()], 0_u64..500).prop_map(|(balances, fee)| {
        let mut made = AmmV4::new(balances);
        made.fee = [fee, 10_000];
        made.build()
    });
    let rates = (1_u64..100_000, 0_u64..100_000, 0_u8..3, any::<bool>());
    let cpmm = ([amount(), amount()], rates, [transfer_fee(), transfer_fee()]).prop_map(
        |(balances, (trade, creator, creator_fee_on, enable_creator_fee), transfer_fees)| {
            let base = Cpmm::new(balances, trade);
            Cpmm { creator, creator_fee_on, enable_creator_fee, transfer_fees, ..base }.build()
        },
    );
    prop_oneof![v4, cpmm]
}

fn follow(segments: &[Segment], mut input: f64) -> f64 {
    let mut out = 0.0;
    for segment in segments {
        let x = input.min(segment.max_in);
        out += segment.gain * x / (segment.base + segment.drag * x);
        input -= x;
    }
    out
}

fn any_amount() -> impl Strategy<Value = u64> {
    (0_u32..45).prop_flat_map(|bits| 1_u64..=2 << bits)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn more_in_never_gives_less_out(pool in any_pool(), a in any_amount(), b in any_amount(), a_to_b: bool) {
        let (less, more) = (exact_in(&*pool, a_to_b, a.min(b)), exact_in(&*pool, a_to_b, a.max(b)));
        if let Ok(less) = less {
            prop_assert!(more.unwrap() >= less);
        }
    }

    #[test]
    fn splitting_never_beats_one_swap(pool in any_pool(), a in any_amount(), b in any_amount(), a_to_b: bool) {
        let whole = exact_in(&*pool, a_to_b, a + b);
        let mut split = pool.clone();
        let mut parts = 0;
        for part in [a, b] {
            let Ok(execution) = split.execute(&environment(NOW), &SwapRequest::new(part, true, a_to_b)) else {
                return Ok(());
            };
            parts += execution.quote.user_out;
        }
        prop_assert!(parts <= whole.unwrap());
    }

    #[test]
    fn there_and_back_never_gains(pool in any_pool(), amount in any_amount(), a_to_b: bool) {
        let mut pool = pool;
        if let Ok(there) = pool.execute(&environment(NOW), &SwapRequest::new(amount, true, a_to_b)) {
            prop_assert!(exact_in(&*pool, !a_to_b, there.quote.user_out).unwrap_or(0) <= amount);
        }
    }

    #[test]
    fn a_direction_quotes_what_the_pool_does(pool in any_pool(), amount in any_amount(), a_to_b: bool) {
        if let Some(direction) = pool.direction(&environment(NOW), a_to_b) {
            let amount = amount.max(1);
            prop_assert_eq!(direction.amount_out(amount), exact_in(&*pool, a_to_b, amount).ok());
            prop_assert_eq!(direction.amount_in(amount), exact_out(&*pool, a_to_b, amount).ok());
        }
    }

    #[test]
    fn an_exact_output_is_bought_by_its_price(pool in any_pool(), amount in any_amount(), a_to_b: bool) {
        if let Ok(price) = exact_out(&*pool, a_to_b, amount) {
            prop_assert!(exact_in(&*pool, a_to_b, price).unwrap() >= amount);
        }
    }

    #[test]
    fn higher_fees_never_give_more(
        balances in [1_000_u64..1 << 40, 1_000_u64..1 << 40], fees in (1_u64..200_000, 1_u64..200_000),
        creator in 0_u64..200_000, creator_fee_on in 0_u8..3, amount in any_amount(), a_to_b: bool,
    ) {
        let out = |trade, creator| {
            let base = Cpmm::new(balances, trade);
            let pool = Cpmm { creator, creator_fee_on, enable_creator_fee: true, ..base }.build();
            exact_in(&*pool, a_to_b, amount).unwrap_or(0)
        };
        let (low, high) = (fees.0.min(fees.1), fees.0.max(fees.1));
        prop_assert!(out(high, creator) <= out(low, creator));
        prop_assert!(out(low, creator) <= out(low, creator / 2));
        let v4 = |fee| {
            let pool = AmmV4 { fee: [fee, 1_000_000], ..AmmV4::new(balances) }.build();
            exact_in(&*pool, a_to_b, amount).unwrap_or(0)
        };
        prop_assert!(v4(high) <= v4(low));
    }

    #[test]
    fn the_search_sees_no_less_than_the_program_pays(
        pool in any_pool(), amount in any_amount(), a_to_b: bool,
    ) {
        let mut segments = Vec::new();
        pool.segments(&environment(NOW), a_to_b, &mut segments);
        let rate = pool.marginal_rate(&environment(NOW), a_to_b);
        let first = segments[0].gain / segments[0].base;
        prop_assert!((rate - first).abs() <= 1e-12 * first);
        if let Ok(out) = exact_in(&*pool, a_to_b, amount) {
            let seen = follow(&segments, amount as f64);
            prop_assert!(seen >= out as f64 * (1.0 - 1e-9), "{seen} seen, {out} paid");
            // Each of at most six roundings costs a unit of the input or of the output.
            let slack = 4.0 + 4.0 * segments.iter().map(|each| each.gain / each.base).fold(0.0, f64::max);
            prop_assert!(seen <= out as f64 * (1.0 + 1e-9) + slack, "{seen} seen, {out} paid");
        }
    }

    #[test]
    fn no_bytes_make_a_pool_panic(
        mut data in proptest::collection::vec(any::<u8>(), 752), amounts: [u64; 2], config: [u64; 4],
        amount: u64, exact_in: bool, a_to_b: bool, status in 0_u64..8, creator_fee_on in 0_u8..3,
    ) {
        let request = SwapRequest::new(amount, exact_in, a_to_b);
        let template = AmmV4::new(amounts);
        let sound = template.data();
        data[..8].copy_from_slice(&status.to_le_bytes());
        data[336..].copy_from_slice(&sound[336..]);
        let mut pool = template.build();
        write(&mut *pool, POOL, raydium_amm_v4::PROGRAM, &data);
        let quoted = pool.quote(&environment(NOW), &request);
        prop_assert_eq!(pool.execute(&environment(NOW), &request).map(|done| done.quote), quoted);

        let [trade, protocol, fund, creator] = config;
        let base = Cpmm::new(amounts, trade);
        let template = Cpmm { protocol, fund, creator, creator_fee_on, enable_creator_fee: true, ..base };
        let mut pool = template.build();
        let mut state = template.state_data();
        state[341..373].copy_from_slice(&data[8..40]);
        write(&mut *pool, POOL, raydium_cpmm::PROGRAM, &state);
        let quoted = pool.quote(&environment(NOW), &request);
        prop_assert_eq!(pool.execute(&environment(NOW), &request).map(|done| done.quote), quoted);
        let mut segments = Vec::new();
        pool.segments(&environment(NOW), a_to_b, &mut segments);
        pool.summary(&environment(NOW));
    }
}

fn market_account(own: &Pubkey) -> Vec<u8> {
    let keys = [(117, 11), (165, 12), (253, 13), (285, 14), (317, 15)];
    let mut data = bytes(388, &[(0, b"serum\x03"), (13, &own.0), (45, &1_u64.to_le_bytes())]);
    for (offset, key) in keys {
        data[offset..offset + 32].copy_from_slice(&[key; 32]);
    }
    data
}

const TRADER: Trader =
    Trader { wallet: Pubkey([21; 32]), token_accounts: [Pubkey([22; 32]), Pubkey([23; 32])] };

fn amm_v4_swap(
    pool: &dyn PoolState,
    reach: Reach,
    named: Option<&'static str>,
) -> Result<Instruction, BuildError> {
    let request = SwapRequest { instruction: named, ..SwapRequest::new(7, true, false) };
    pool.swap_instruction(&environment(NOW), &request, &TRADER, reach)
}

/// SOL/USDC at `OpenBook`: market and owner of its vaults as every client of it has them.
#[test]
fn amm_v4_names_the_accounts_of_a_market_that_it_knows() {
    let openbook: Pubkey = raydium_amm_v4::OPENBOOK_PROGRAM;
    let market: Pubkey = "8BnEgHoWFysVcuFFX7QztDmzuH8r5ZFvyP3sYwn1XTh6".parse().expect("an address");
    let signer: Pubkey = "CTz5UMLQm2SRWHzQnU62Pi4yJqbNGjgRBHqqp6oDHfF7".parse().expect("an address");
    let mut data = AmmV4::new([1_000_000, 2_000_000]).data();
    data[528..560].copy_from_slice(&market.0);
    let (address, program) = (POOL, raydium_amm_v4::PROGRAM);
    let new = NewPool { address, program, data: &data, assume_plain_mints: false };
    let mut pool = (raydium_amm_v4::VENUE.open)(&new).expect("a pool");
    let stand_ins = amm_v4_swap(&*pool, Reach::Official, None).expect("an instruction").accounts;
    assert!(stand_ins[8..14].iter().all(|account| account.address == POOL));
    write(&mut *pool, market, openbook, &market_account(&market));
    let named = amm_v4_swap(&*pool, Reach::Official, None).expect("an instruction").accounts;
    assert_eq!(named.len(), 17);
    let keys: Vec<Pubkey> = named.iter().map(|account| account.address).collect();
    assert_eq!(keys[6..8], [openbook, market]);
    // Bids, asks, queue of fills, vaults.
    assert_eq!(keys[8..13], [14, 15, 13, 11, 12].map(|key| Pubkey([key; 32])));
    assert_eq!(keys[13], signer);
    // The input is the price currency.
    assert_eq!(keys[14..], [TRADER.token_accounts[1], TRADER.token_accounts[0], TRADER.wallet]);
    let needed = amm_v4_swap(&*pool, Reach::Needed, None).expect("an instruction").accounts;
    assert!(needed[6..14].iter().all(|account| account.address == POOL));
    let flags = |accounts: &[AccountMeta]| -> Vec<[bool; 2]> {
        accounts.iter().map(|account| [account.is_signer, account.is_writable]).collect()
    };
    assert_eq!(flags(&needed), flags(&named));
    let v2 = amm_v4_swap(&*pool, Reach::Official, Some("swap_base_in_v2")).expect("an instruction");
    assert_eq!((v2.accounts.len(), v2.data[0]), (8, 16));
}

#[test]
fn amm_v4_with_an_order_book_builds_nothing_without_its_market() {
    let mut made = AmmV4::new([1_000_000, 2_000_000]);
    made.status = 1;
    let mut pool = made.build();
    let unknown = Err(BuildError::Unknown { what: "market" });
    for reach in [Reach::Official, Reach::Needed] {
        assert_eq!(amm_v4_swap(&*pool, reach, None), unknown);
    }
    let mut asked = Vec::new();
    pool.dependencies(&mut asked);
    assert!(asked.iter().any(|dependency| dependency.address == MARKET && !dependency.is_known));
    pool.write(&MARKET, None).expect("an account that does not exist");
    assert_eq!(amm_v4_swap(&*pool, Reach::Official, None), unknown);
    write(&mut *pool, MARKET, raydium_amm_v4::OPENBOOK_PROGRAM, &market_account(&MARKET));
    assert!(amm_v4_swap(&*pool, Reach::Needed, None).is_ok());
}

#[test]
fn amm_v4_refuses_instructions_of_other_names_and_sides() {
    let pool = AmmV4::new([1_000_000, 2_000_000]).build();
    for named in ["swap_base_out", "swap_base_out_v2", "swap"] {
        let built = amm_v4_swap(&*pool, Reach::Official, Some(named));
        assert!(matches!(built, Err(BuildError::NoInstruction { venue: "raydium_amm_v4", .. })));
    }
}
